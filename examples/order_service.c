/*
 * An order service in 60 lines: "<order> <user> <goods> <amount> <token or -> [<at ms>]" a line on stdin, the outcome and what
 * is charged on stdout. Orders are resolved here; the server is asked only for what cannot be known here.
 *
 *	cc order_service.c $(pkg-config --cflags --libs tributary) -o order_service
 *	TRIBUTARY_TOKEN=… ./order_service market.snapshot 127.0.0.1:7380 127.0.0.1:7390 < orders
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tributary/tributary.h>

static struct trib_client_text text(const char *string)
{
	return (struct trib_client_text){ string, strlen(string) };
}

int main(int argc, char **argv)
{
	struct trib_client_options options = { .size = sizeof(options) };
	struct trib_client_answer answer = { .size = sizeof(answer) };
	struct trib_client_error error;
	struct trib_client *client;
	char order[130], user[65], goods[65], token[121];
	long long amount, at;
	int fields;

	if (argc != 4)
		return fprintf(stderr, "usage: %s SNAPSHOT HTTP RESP < ORDERS\n", argv[0]), 2;
	options.snapshot_file = argv[1];
	options.http = argv[2];
	options.resp = argv[3];
	options.access_token = getenv("TRIBUTARY_TOKEN");
	options.keys_file = getenv("TRIBUTARY_KEYS");
	if (trib_client_open(&options, &client, &error) != TRIB_CLIENT_OK)
		return fprintf(stderr, "%s\n", error.text), 1;
	trib_client_wait(client, 0, 5000); /* the first snapshot, or what the file has */
	struct trib_resolver *resolver = trib_resolver_new(client);

	while ((fields = scanf("%129s %64s %64s %lld %120s%*[ ]%lld", order, user, goods, &amount, token, &at)) >= 5) {
		struct trib_client_order line = { .size = sizeof(line), .order = text(order), .user = text(user),
						  .goods = text(goods), .token = text(token), .base_amount = amount,
						  .at_ms = fields == 6 ? at : (long long)time(NULL) * 1000 };
		int status = trib_resolve(resolver, &line, &answer);
		const char *where = "here";

		if (status == TRIB_CLIENT_OK && !answer.needs_server)
			status = trib_client_record(client, &line, &answer);
		if (status != TRIB_CLIENT_OK || answer.needs_server) {
			where = "server";
			status = trib_client_ask(client, &line, &answer, 1000);
		}
		printf("%s %s %lld %s\n", order, status ? trib_client_status_word(status) : answer.outcome_word,
		       status ? 0 : (long long)answer.charged, where);
	}
	trib_resolver_free(resolver);
	trib_client_close(client, 5000); /* what was recorded is sent first */
	return 0;
}
