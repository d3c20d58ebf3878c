package dev.tributary;

/** Ten lines: resolve one order here, or ask the server. SNAPSHOT HTTP RESP ACCESS_TOKEN ORDER USER GOODS AMOUNT TOKEN */
public final class Example {
    public static void main(String[] args) {
        try (Client client = new Client(args[0], args[1], args[2], args[3], null); Client.Resolver resolver = client.resolver()) {
            client.await(0, 5000);
            var order = new Client.Order(args[4], args[5], args[6], args[8], Long.parseLong(args[7]), System.currentTimeMillis());
            var answer = resolver.resolve(order);
            if (answer.needsServer()) answer = client.ask(order, 1000);
            else client.record(order, answer);
            System.out.println(answer.outcome() + " " + answer.charged());
        }
    }
}
