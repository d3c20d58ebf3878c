package dev.tributary;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/** The conformance table (test/integration/bindings.py) through the Java binding. SNAPSHOT HTTP RESP ACCESS_TOKEN TABLE */
public final class Conformance {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try (Client client = new Client(args[0], args[1], args[2], args[3], null); Client.Resolver resolver = client.resolver()) {
            if (!client.await(0, 30000)) {
                throw new IllegalStateException("no snapshot");
            }
            for (String line : Files.readAllLines(Path.of(args[4]))) {
                String[] f = line.split("\t", -1);
                long[] amounts = f[12].isEmpty() ? null : Stream.of(f[12].split(",")).mapToLong(Long::parseLong).toArray();
                Map<String, String> ext = new LinkedHashMap<>();
                for (String pair : f[13].isEmpty() ? new String[0] : f[13].split(",")) {
                    ext.put(pair.split("=")[0], pair.split("=")[1]);
                }
                Client.Answer answer = resolver.resolve(new Client.Order(f[0], f[1], f[2], f[3], f[4].equals("-") ? null : Long.valueOf(f[4]),
                    Long.parseLong(f[5]), 0, Long.parseLong(f[6]), f[7], f[8], f[9], f[10], f[11], amounts, ext));
                out.println(String.join("\t", f[0], answer.needsServer() ? "1" : "0", answer.outcome(),
                    Long.toString(answer.charged()), HexFormat.of().formatHex(answer.resolution())));
            }
        }
    }
}
