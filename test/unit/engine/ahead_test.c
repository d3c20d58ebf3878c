/* Rows read ahead come to what rows read one by one come to; what is wrong among them is found, wherever it stands. */
#include "world.h"

#include "engine/ahead.h"
#include "store/store.h"

enum { PARTIES = 3000 };

static trib_status load_row(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	return trib_domain_load(context, TRIB_TABLE_NAME, key, value, error);
}

static trib_status load_party(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	return trib_domain_load(context, TRIB_TABLE_PARTY, key, value, error);
}

static trib_status load(struct trib_store *store, bool ahead, uint64_t *ret_digest, struct trib_error *error)
{
	const struct trib_hash_key key = { { 1 } };
	struct trib_domain *domain = trib_domain_new(&key);
	trib_status status = trib_store_scan(store, TRIB_TABLE_NAME, trib_bytes("", 0), load_row, domain, error);

	assert_ok(status, *error);
	if (ahead)
		status = ahead_load(store, TRIB_TABLE_PARTY, domain, error);
	else
		status = trib_store_scan(store, TRIB_TABLE_PARTY, trib_bytes("", 0), load_party, domain, error);
	if (status == TRIB_OK)
		status = trib_domain_load_done(domain, error);
	if (status == TRIB_OK) {
		assert_true(trib_domain_count(domain, TRIB_NOUN_PARTY) > PARTIES);
		*ret_digest = trib_domain_digest(domain);
	}
	trib_domain_free(domain);
	return status;
}

static void put_row(struct trib_store *store, uint32_t number, struct trib_bytes value)
{
	struct trib_checkpoint *checkpoint;
	struct trib_error error;
	char key[4];
	trib_status status = trib_checkpoint_begin(store, trib_store_position(store), &checkpoint, &error);

	assert_ok(status, error);
	trib_checkpoint_put(checkpoint, TRIB_TABLE_PARTY, trib_bytes(key, trib_key_u32(key, number)), value);
	status = trib_checkpoint_commit(checkpoint, &error);
	assert_ok(status, error);
}

static void loads_as_one_by_one_does(void **state)
{
	char json[64], path[128];
	struct trib_store *store;
	struct trib_error error;
	uint64_t ahead = 0, plain = 1;

	for (int i = 0; i < PARTIES; i++) {
		snprintf(json, sizeof(json), "{\"id\":\"c%d\",\"roles\":[\"creator\"],\"agency\":\"c%d\"}", i, i ? i / 2 : 0);
		if (i == 0)
			snprintf(json, sizeof(json), "{\"id\":\"c0\"}");
		world_put(TRIB_NOUN_PARTY, json);
	}
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c7\",\"agency\":\"c2999\"}"); /* which comes behind it */
	trib_engine_close(world.engine);
	snprintf(path, sizeof(path), "%s/store", world.folder);
	trib_status status = trib_store_open(path, &store, &error);

	assert_ok(status, error);
	status = load(store, true, &ahead, &error);
	assert_ok(status, error);
	status = load(store, false, &plain, &error);
	assert_ok(status, error);
	assert_true(ahead == plain);
	/* Behind the last; then in the middle: a number twice is out of turn, junk is no party. */
	put_row(store, PARTIES + 500, trib_bytes("\x08\x01", 2));
	assert_int_equal(load(store, true, &ahead, &error), TRIB_CORRUPT);
	put_row(store, 5, trib_bytes("junk", 4));
	assert_int_equal(load(store, true, &ahead, &error), TRIB_CORRUPT);
	trib_store_close(store);
	world.engine = NULL; /* the teardown has nothing to close */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(loads_as_one_by_one_does, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
