import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.Builder;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.commands.ProtocolCommand;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.util.KeyValue;
import redis.clients.jedis.util.SafeEncoder;

/** Jedis over RESP2 and RESP3: single commands, a pipeline, errors as exceptions. */
public class JedisTest {
    enum Command implements ProtocolCommand {
        LINK, TRACK, TOUCH, ATTRIBUTE, EXPLAIN, NOSUCH;

        @Override
        public byte[] getRaw() {
            return name().getBytes(StandardCharsets.US_ASCII);
        }
    }

    static boolean failed;

    static void expect(String what, Object found, Object wanted) {
        if (!String.valueOf(wanted).equals(String.valueOf(found))) {
            failed = true;
            System.out.println(what + ": found " + found + ", expected " + wanted);
        }
    }

    /** Texts instead of bytes, all the way down. */
    static Object plain(Object reply) {
        if (reply instanceof byte[]) {
            return SafeEncoder.encode((byte[]) reply);
        }
        if (reply instanceof KeyValue) {
            KeyValue<?, ?> pair = (KeyValue<?, ?>) reply;
            return new KeyValue<>(plain(pair.getKey()), plain(pair.getValue()));
        }
        if (reply instanceof List) {
            List<Object> list = new ArrayList<>();
            for (Object item : (List<?>) reply) {
                list.add(plain(item));
            }
            return list;
        }
        return reply;
    }

    /** A map of RESP3 (pairs) or RESP2 (flat). */
    static Map<Object, Object> map(Object reply) {
        Map<Object, Object> map = new LinkedHashMap<>();
        List<?> list = (List<?>) plain(reply);
        if (!list.isEmpty() && list.get(0) instanceof KeyValue) {
            for (Object item : list) {
                map.put(((KeyValue<?, ?>) item).getKey(), ((KeyValue<?, ?>) item).getValue());
            }
        } else {
            for (int i = 0; i < list.size(); i += 2) {
                map.put(list.get(i), list.get(i + 1));
            }
        }
        return map;
    }

    static String error(Jedis jedis, Command command, String... words) {
        try {
            return "no error but " + plain(jedis.sendCommand(command, words));
        } catch (JedisDataException e) {
            return e.getMessage();
        }
    }

    static void run(int port, RedisProtocol protocol, String name) {
        DefaultJedisClientConfig config =
                DefaultJedisClientConfig.builder().protocol(protocol).clientName(name).timeoutMillis(60000).build();
        try (Jedis jedis = new Jedis(new HostAndPort("127.0.0.1", port), config)) {
            String user = name + "-user", order = name + "-1";
            expect("ping", jedis.ping(), "PONG");
            expect("client name", jedis.clientGetname(), name);
            String token = (String) plain(jedis.sendCommand(Command.LINK, "live", "c1", "g1", "PAGE", "live_cart"));
            Map<Object, Object> track = map(jedis.sendCommand(Command.TRACK, token));
            expect("first key of TRACK", track.keySet().iterator().next(), "outcome");
            expect("TRACK", track.get("outcome"), "ok");
            expect("creator", track.get("creator"), "c1");
            expect("page", track.get("page"), "live_cart");
            expect("issued_at is a number", track.get("issued_at") instanceof Long, true);
            expect("bad token", map(jedis.sendCommand(Command.TRACK, "x")), "{outcome=bad_token, reason=malformed}");
            expect("TOUCH", plain(jedis.sendCommand(Command.TOUCH, user, token)), "recorded");
            Map<Object, Object> answer = map(jedis.sendCommand(Command.ATTRIBUTE, order, user, "g1", "1999", token));
            expect("keys", answer.keySet(), "[outcome, rules, node, charged, currency, credits]");
            expect("charged", answer.get("charged"), 199);
            List<?> credit = (List<?>) ((List<?>) answer.get("credits")).get(0);
            expect("plan", credit.get(1), "p1@1");
            expect("lines", credit.get(3), "[[commission, creator, merchant, 199]]");
            expect("repeat", map(jedis.sendCommand(Command.ATTRIBUTE, order, user, "g1", "1999", token)), answer);
            String conflict = error(jedis, Command.ATTRIBUTE, order, user, "g1", "2000", token);
            expect("conflict: " + conflict, conflict.startsWith("CONFLICT"), true);
            expect("unknown command", error(jedis, Command.NOSUCH).contains("unknown command"), true);
            String json = (String) plain(jedis.sendCommand(Command.EXPLAIN, order));
            expect("EXPLAIN", json.startsWith("{") && json.contains(order), true);
            pipeline(jedis, name, user);
        }
    }

    static void pipeline(Jedis jedis, String name, String user) {
        Builder<Object> raw = new Builder<Object>() {
            @Override
            public Object build(Object data) {
                return plain(data);
            }
        };
        Pipeline pipeline = jedis.pipelined();
        List<Response<Object>> replies = new ArrayList<>();
        for (int i = 0; i < 5000; i++) {
            CommandArguments words = new CommandArguments(Command.ATTRIBUTE).add(name + "-pipe-" + i).add(user)
                    .add("g1").add(1000 + i).add("-").add("BRIEF");
            replies.add(pipeline.executeCommand(new CommandObject<>(words, raw)));
        }
        pipeline.sync();
        for (int i = 0; i < 5000; i++) {
            expect("pipeline " + i, replies.get(i).get(), "[attributed, " + (1000 + i) / 10 + "]");
        }
    }

    public static void main(String[] args) {
        int port = Integer.parseInt(System.getenv("TRIB_RESP_PORT"));
        run(port, RedisProtocol.RESP2, "jedis2");
        run(port, RedisProtocol.RESP3, "jedis3");
        System.exit(failed ? 1 : 0);
    }
}
