/*
 * The shared library beside a real engine: the same orders over the same position give the same bytes. Random markets,
 * rules and orders; TRIB_ORDERS says how many (20,000; the bench runs ten million).
 */
#include "market.h"

static struct trib_client *client;
static struct trib_resolver *resolver;
static uint64_t needs_server, resolved, asked;

static void compare_batch(struct trib_rng *rng, size_t n)
{
	static struct random_order orders[TRIB_CLIENT_BATCH_MAX];
	static struct trib_client_order stated[TRIB_CLIENT_BATCH_MAX];
	static struct trib_client_answer answers[TRIB_CLIENT_BATCH_MAX];
	static int statuses[TRIB_CLIENT_BATCH_MAX];

	for (size_t i = 0; i < n; i++) {
		random_order(rng, &orders[i]);
		state_order(&orders[i], &stated[i]);
		answers[i].size = sizeof(answers[i]);
	}
	assert_int_equal(trib_resolve_batch(resolver, stated, n, answers, statuses), TRIB_CLIENT_OK);
	for (size_t i = 0; i < n; i++) {
		const struct decided *decided = decide(&orders[i]);

		assert_int_equal(statuses[i], TRIB_CLIENT_OK);
		if (answers[i].needs_server) {
			assert_int_not_equal(answers[i].reasons, 0);
			needs_server++;
			continue;
		}
		resolved++;
		asked += decided->asked;
		assert_int_equal(answers[i].position, trib_engine_market_position(world.engine));
		assert_string_equal(answers[i].outcome_word, trib_outcome_word(decided->outcome));
		assert_int_equal(answers[i].charged, decided->charged);
		assert_int_equal(answers[i].resolution_size, decided->size);
		assert_memory_equal(answers[i].resolution, decided->bytes, decided->size);
	}
}

static void same_bytes(void **state TRIB_UNUSED)
{
	const char *wanted = getenv("TRIB_ORDERS");
	size_t left = wanted ? strtoull(wanted, NULL, 10) : 20000;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	random_market(&rng);
	client = open_client();
	resolver = trib_resolver_new(client);
	while (left) {
		size_t n = TRIB_MIN(left, (size_t)TRIB_CLIENT_BATCH_MAX);

		compare_batch(&rng, n);
		left -= n;
	}
	printf("# %llu resolved, of which plays were asked %llu times; %llu for the server\n",
	       (unsigned long long)resolved, (unsigned long long)asked, (unsigned long long)needs_server);
	assert_true(resolved > needs_server);
	trib_resolver_free(resolver);
	trib_client_close(client, 0);
}

/* What cannot be known here is said, and why. */
static void what_it_cannot_know_it_says(void **state TRIB_UNUSED)
{
	char token[TRIB_LIMIT_TOKEN_CHARS + 1], newer[TRIB_LIMIT_TOKEN_CHARS + 1], two[2 * sizeof(token)],
		with_touches[sizeof(token) + 2], with_newer[2 * sizeof(token)];

	world_market();
	snprintf(token, sizeof(token), "%s", world_token("c1", "g1"));
	client = open_client();
	resolver = trib_resolver_new(client);
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c7\",\"roles\":[\"creator\"]}");
	snprintf(newer, sizeof(newer), "%s", world_token("c7", "g1"));
	snprintf(two, sizeof(two), "%s,%s", token, token);
	snprintf(with_touches, sizeof(with_touches), "%s,-", token);
	snprintf(with_newer, sizeof(with_newer), "%s,%s", token, newer);
	const struct {
		const char *goods, *token, *owner;
		int64_t base;
		int status;
		uint32_t reasons;
	} rows[] = {
		{ "g1", token, "", 1999, TRIB_CLIENT_OK, 0 },
		{ "g1", "-", "", 1999, TRIB_CLIENT_OK, TRIB_CLIENT_NO_TOKEN },
		{ "g1", "", "", 1999, TRIB_CLIENT_OK, TRIB_CLIENT_NO_TOKEN },
		{ "g9", token, "", 1999, TRIB_CLIENT_OK, TRIB_CLIENT_UNKNOWN_GOODS },
		{ "g1", newer, "", 1999, TRIB_CLIENT_OK, TRIB_CLIENT_NEWER_TOKEN },
		{ "g1", two, "", 1999, TRIB_CLIENT_OK, 0 },
		{ "g1", "t1,t2", "", 1999, TRIB_CLIENT_OK, 0 }, /* bad_token, too */
		{ "g1", with_touches, "", 1999, TRIB_CLIENT_OK, TRIB_CLIENT_SEVERAL_TOKENS },
		{ "g1", with_newer, "", 1999, TRIB_CLIENT_OK, TRIB_CLIENT_NEWER_TOKEN },
		{ "g9", two, "", 1999, TRIB_CLIENT_OK, TRIB_CLIENT_UNKNOWN_GOODS },
		{ "g1", "t1,,t2", "", 1999, TRIB_CLIENT_INVALID, 0 },
		{ "g1", "-,1,2,3,4,5,6,7,8", "", 1999, TRIB_CLIENT_INVALID, 0 },
		{ "g1", token, "nobody", 1999, TRIB_CLIENT_OK, TRIB_CLIENT_UNKNOWN_PARTY },
		{ "g1", "rubbish", "", 1999, TRIB_CLIENT_OK, 0 }, /* bad_token, as the server says */
		{ "g 1", token, "", 1999, TRIB_CLIENT_INVALID, 0 },
		{ "g1", token, "", -1, TRIB_CLIENT_INVALID, 0 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_client_order order = { .size = sizeof(order), .order = text("o1"), .user = text("u1"),
						   .goods = text(rows[i].goods), .token = text(rows[i].token),
						   .base_amount = rows[i].base, .at_ms = WORLD_START_MS };
		struct trib_client_answer answer = { .size = sizeof(answer) };

		if (rows[i].owner[0]) {
			order.carrier_kind = text("live");
			order.carrier_owner = text(rows[i].owner);
		}
		assert_int_equal(trib_resolve(resolver, &order, &answer), rows[i].status);
		assert_int_equal(answer.reasons, rows[i].reasons);
		assert_int_equal(answer.needs_server, rows[i].reasons != 0 || rows[i].status != TRIB_CLIENT_OK);
	}
	trib_resolver_free(resolver);
	trib_client_close(client, 0);
}

/* One record, as RECORD takes it. */
static struct trib_record_counts record_one(const char *order, const char *goods, const char *token, int64_t base,
					    const void *resolution, size_t size)
{
	Tributary__OrderRequest request = TRIBUTARY__ORDER_REQUEST__INIT;
	Tributary__Record record = TRIBUTARY__RECORD__INIT, *list = &record;
	Tributary__RecordBatch batch = TRIBUTARY__RECORD_BATCH__INIT;
	struct trib_record_counts counts;
	struct trib_error error;

	request.order = (char *)order;
	request.user = "u1";
	request.goods = (char *)goods;
	request.token = (char *)token;
	request.has_base_amount = request.has_at = true;
	request.base_amount = base;
	request.at = WORLD_START_MS;
	record.request = &request;
	record.has_resolution = resolution != NULL;
	record.resolution = (ProtobufCBinaryData){ size, (uint8_t *)resolution };
	batch.records = &list;
	batch.n_records = 1;
	assert_ok(trib_engine_record(world.engine, &batch, &counts, &error), error);
	return counts;
}

static bool counts_are(struct trib_record_counts counts, uint64_t accepted, uint64_t repeated, uint64_t differed,
		       uint64_t refused)
{
	return counts.accepted == accepted && counts.repeated == repeated && counts.differed == differed &&
	       counts.refused == refused;
}

/* What comes of records: taken once, compared, refused; also where the engine's counters have had their say. */
static void records(void **state TRIB_UNUSED)
{
	char token[TRIB_LIMIT_TOKEN_CHARS + 1], spent[TRIB_LIMIT_TOKEN_CHARS + 1], bytes[4096];

	world_market();
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p3\",\"merchant\":\"m2\",\"goods\":[\"g3\"],\"budget\":150,"
				  "\"terms\":{\"commission_bps\":2000}}");
	snprintf(token, sizeof(token), "%s", world_token("c1", "g1"));
	snprintf(spent, sizeof(spent), "%s", world_token("c1", "g3"));
	client = open_client();
	resolver = trib_resolver_new(client);
	struct trib_client_order order = { .size = sizeof(order), .order = text("o1"), .user = text("u1"),
					   .goods = text("g1"), .token = text(token), .base_amount = 1000,
					   .at_ms = WORLD_START_MS };
	struct trib_client_answer answer = { .size = sizeof(answer) };

	assert_int_equal(trib_resolve(resolver, &order, &answer), TRIB_CLIENT_OK);
	size_t size = answer.resolution_size;

	memcpy(bytes, answer.resolution, size);
	assert_true(counts_are(record_one("o1", "g1", token, 1000, bytes, size), 1, 0, 0, 0));
	assert_true(counts_are(record_one("o1", "g1", token, 1000, bytes, size), 0, 1, 0, 0));
	assert_true(counts_are(record_one("o1", "g1", token, 1001, bytes, size), 0, 0, 0, 1)); /* other content */
	assert_true(counts_are(record_one("o2", "g1", token, 1000, bytes, size), 1, 0, 1, 0)); /* another order's */
	assert_true(counts_are(record_one("o3", "g1", token, 1000, "rubbish", 7), 1, 0, 1, 0));
	assert_true(counts_are(record_one("o4", "g1", token, 1000, NULL, 0), 1, 0, 0, 0));
	assert_true(counts_are(record_one("o5", "nothing", token, 1000, NULL, 0), 0, 0, 0, 1));
	assert_true(counts_are(record_one("o 6", "g1", token, 1000, NULL, 0), 0, 0, 0, 1));
	/* The budget of 150 pays for the first and no other; the client says that it cannot know. */
	order.goods = text("g3");
	order.token = text(spent);
	for (int i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "b%d", i);
		order.order = text(name);
		assert_int_equal(trib_resolve(resolver, &order, &answer), TRIB_CLIENT_OK);
		assert_int_equal(answer.pending, TRIB_CLIENT_BUDGET);
		assert_true(counts_are(record_one(name, "g3", spent, 1000, answer.resolution, answer.resolution_size), 1, 0,
				       0, 0));
	}
	trib_resolver_free(resolver);
	trib_client_close(client, 0);
}

/* A rule that asks for what only the engine counts; a plan with lines that depend on counters. */
static void engine_facts_and_pending_lines(void **state TRIB_UNUSED)
{
	char token[TRIB_LIMIT_TOKEN_CHARS + 1], other[TRIB_LIMIT_TOKEN_CHARS + 1];

	world_market();
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p3\",\"merchant\":\"m2\",\"goods\":[\"g3\"],\"budget\":1000000,"
				  "\"terms\":{\"commission_bps\":2000}}");
	world_rules("counted", "{\"scene\":\"counted\",\"root\":{\"id\":\"r\",\"children\":[{\"id\":\"x\",\"when\":"
			       "\"counter.user_clicks_1h > 100\",\"outcome\":\"user_blocked\"}]}}");
	snprintf(token, sizeof(token), "%s", world_token("c1", "g3"));
	snprintf(other, sizeof(other), "%s", world_token("c1", "g1"));
	client = open_client();
	resolver = trib_resolver_new(client);
	struct trib_client_order order = { .size = sizeof(order), .order = text("o1"), .user = text("u1"),
					   .goods = text("g3"), .token = text(token), .base_amount = 1000,
					   .at_ms = WORLD_START_MS };
	struct trib_client_answer answer = { .size = sizeof(answer) };

	assert_int_equal(trib_resolve(resolver, &order, &answer), TRIB_CLIENT_OK);
	assert_int_equal(answer.needs_server, 0);
	assert_int_equal(answer.complete, 0);
	assert_int_equal(answer.pending, TRIB_CLIENT_BUDGET);
	order.goods = text("g1");
	order.token = text(other);
	assert_int_equal(trib_resolve(resolver, &order, &answer), TRIB_CLIENT_OK);
	assert_int_equal(answer.complete, 1);
	order.scene = text("counted");
	assert_int_equal(trib_resolve(resolver, &order, &answer), TRIB_CLIENT_OK);
	assert_int_equal(answer.reasons, TRIB_CLIENT_ENGINE_FACTS);
	trib_resolver_free(resolver);
	trib_client_close(client, 0);
}

/* Without a file, with a damaged one, with one torn behind the first part. */
static void bad_files(void **state TRIB_UNUSED)
{
	struct trib_client_answer answer = { .size = sizeof(answer) };
	struct trib_client_state now = { .size = sizeof(now) };
	struct trib_client_options options = client_options();
	struct trib_client_error error;
	char path[128], byte;

	world_market();
	snprintf(path, sizeof(path), "%s/none", world.folder);
	options.snapshot_file = path;
	assert_int_equal(trib_client_open(&options, &client, &error), TRIB_CLIENT_OK);
	resolver = trib_resolver_new(client);
	struct trib_client_order order = { .size = sizeof(order), .order = text("o1"), .user = text("u1"),
					   .goods = text("g1"), .token = text("-"), .at_ms = 1 };

	assert_int_equal(trib_resolve(resolver, &order, &answer), TRIB_CLIENT_NO_SNAPSHOT);
	trib_resolver_free(resolver);
	trib_client_close(client, 0);

	write_snapshot(path);
	FILE *file = fopen(path, "r+");

	fseek(file, 100, SEEK_SET);
	byte = (char)fgetc(file);
	fseek(file, 100, SEEK_SET);
	fputc(byte ^ 1, file);
	fclose(file);
	assert_int_equal(trib_client_open(&options, &client, &error), TRIB_CLIENT_OK);
	trib_client_state(client, &now);
	assert_int_equal(now.has_snapshot, 0);
	assert_int_equal(now.bad, 1);
	trib_client_close(client, 0);

	write_snapshot(path);
	file = fopen(path, "a");
	fputs("TRIBSNAP of a delta that was torn", file);
	fclose(file);
	assert_int_equal(trib_client_open(&options, &client, &error), TRIB_CLIENT_OK);
	trib_client_state(client, &now);
	assert_int_equal(now.has_snapshot, 1);
	assert_int_equal(now.position, trib_engine_market_position(world.engine));
	struct trib_client *second;

	/* Two processes must not write one file. */
	assert_int_equal(trib_client_open(&options, &second, &error), TRIB_CLIENT_IO);
	trib_client_close(client, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(same_bytes, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(what_it_cannot_know_it_says, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(records, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(engine_facts_and_pending_lines, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(bad_files, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
