package dev.tributary;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Tributary inside a Java service: a thin layer over libtributary (docs/client.md).
 *
 * <pre>
 * try (Client client = new Client("market.snapshot", "127.0.0.1:7380", "127.0.0.1:7390", accessToken, null)) {
 *     Resolver resolver = client.resolver();                       // one a thread
 *     Order order = new Order("o1", "u1", "g1", token, 9900, now);
 *     Answer answer = resolver.resolve(order);
 *     if (answer.needsServer()) answer = client.ask(order, 1000);
 *     else client.record(order, answer);
 * }
 * </pre>
 */
public final class Client implements AutoCloseable {
    static {
        // The path of the JNI library, where java.library.path does not have it.
        String path = System.getenv("TRIBUTARY_JNI");
        if (path != null) {
            System.load(path);
        } else {
            System.loadLibrary("tributary_jni");
        }
    }

    /** Of an order: what is not stated stays at its default. */
    public record Order(String order, String user, String goods, String token, Long baseAmount, long atMs, long nowMs, long qty,
                        String scene, String page, String carrierKind, String carrierId, String carrierOwner,
                        long[] amounts, Map<String, String> ext) {
        public Order(String order, String user, String goods, String token, long baseAmount, long atMs) {
            this(order, user, goods, token, baseAmount, atMs, 0, 0, "", "", "", "", "", null, Map.of());
        }

        byte[][] texts() {
            String[] fields = {order, user, goods, token, scene, page, carrierKind, carrierId, carrierOwner};
            byte[][] texts = new byte[fields.length][];
            for (int i = 0; i < fields.length; i++) {
                texts[i] = fields[i].getBytes(StandardCharsets.UTF_8);
            }
            return texts;
        }

        long[] numbers() {
            long[] numbers = new long[amounts == null ? 4 : 11];
            numbers[0] = baseAmount == null ? Long.MIN_VALUE : baseAmount;
            numbers[1] = atMs;
            numbers[2] = nowMs;
            numbers[3] = qty;
            if (amounts != null) {
                System.arraycopy(amounts, 0, numbers, 4, 7);
            }
            return numbers;
        }

        byte[][] pairs() {
            byte[][] pairs = new byte[2 * ext.size()][];
            int i = 0;
            for (Map.Entry<String, String> pair : ext.entrySet()) {
                pairs[i++] = pair.getKey().getBytes(StandardCharsets.UTF_8);
                pairs[i++] = pair.getValue().getBytes(StandardCharsets.UTF_8);
            }
            return pairs;
        }
    }

    /** reasons and pending are bits: tributary.h. resolution is a serialised Resolution. */
    public record Answer(boolean needsServer, int reasons, boolean complete, int pending, String outcome, long charged,
                         long position, byte[] resolution) {
    }

    /** A call that failed; the message is its word: invalid, no_snapshot, busy, io, refused. */
    public static final class Failure extends RuntimeException {
        Failure(String word) {
            super(word);
        }
    }

    /** A place to resolve in. One thread at a time; close it before the client. */
    public static final class Resolver implements AutoCloseable {
        private long handle;

        private Resolver(long client) {
            handle = newResolver(client);
        }

        public Answer resolve(Order order) {
            return Client.resolve(handle, order.texts(), order.numbers(), order.pairs());
        }

        @Override
        public void close() {
            freeResolver(handle);
            handle = 0;
        }
    }

    private long handle;

    /** http, resp, accessToken and keysFile may be null. */
    public Client(String snapshotFile, String http, String resp, String accessToken, String keysFile) {
        handle = open(snapshotFile, http, resp, accessToken, keysFile);
    }

    public Resolver resolver() {
        return new Resolver(handle);
    }

    public void record(Order order, Answer answer) {
        record(handle, order.texts(), order.numbers(), order.pairs(), answer == null ? null : answer.resolution());
    }

    public Answer ask(Order order, int timeoutMs) {
        return ask(handle, order.texts(), order.numbers(), order.pairs(), timeoutMs);
    }

    /** Waits until the snapshot stands at the position (0: any) and keys are there; false after timeoutMs. */
    public boolean await(long position, int timeoutMs) {
        return await(handle, position, timeoutMs);
    }

    public boolean flush(int timeoutMs) {
        return flush(handle, timeoutMs);
    }

    @Override
    public void close() {
        close(handle, 5000);
        handle = 0;
    }

    private static native long open(String snapshotFile, String http, String resp, String accessToken, String keysFile);

    private static native void close(long client, int flushMs);

    private static native long newResolver(long client);

    private static native void freeResolver(long resolver);

    private static native Answer resolve(long resolver, byte[][] texts, long[] numbers, byte[][] ext);

    private static native void record(long client, byte[][] texts, long[] numbers, byte[][] ext, byte[] resolution);

    private static native Answer ask(long client, byte[][] texts, long[] numbers, byte[][] ext, int timeoutMs);

    private static native boolean await(long client, long position, int timeoutMs);

    private static native boolean flush(long client, int timeoutMs);
}
