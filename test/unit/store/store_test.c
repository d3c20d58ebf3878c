#include "test.h"

#include <ftw.h>
#include "base/hash.h"
#include "store/store.h"

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int make_folder(void **state)
{
	static char folder[64];

	snprintf(folder, sizeof(folder), "%s", "/tmp/trib-store-XXXXXX");
	*state = mkdtemp(folder);
	return *state ? 0 : -1;
}

static int remove_folder(void **state)
{
	return nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void put_number(struct trib_checkpoint *checkpoint, uint32_t number, const char *text)
{
	char key[4];

	trib_key_u32(key, number);
	trib_checkpoint_put(checkpoint, TRIB_TABLE_NAME, trib_bytes(key, 4), trib_bytes_text(text));
}

static trib_status count_visit(void *context, struct trib_bytes key, struct trib_bytes value,
			       struct trib_error *error)
{
	(*(int *)context)++;
	return TRIB_OK;
}

static void checkpoints_survive_and_replace(void **state)
{
	struct trib_error error;
	struct trib_store *store;
	struct trib_checkpoint *checkpoint;
	struct trib_buffer value;
	char key[8];

	trib_buffer_init(&value, 1024);
	assert_ok(trib_store_open(*state, &store, &error), error);
	assert_int_equal(trib_store_position(store), 0);
	for (uint32_t round = 1; round <= 20; round++) {
		assert_ok(trib_checkpoint_begin(store, round * 100, &checkpoint, &error), error);
		for (uint32_t i = 1; i <= 50; i++)
			put_number(checkpoint, i * round, round % 2 ? "odd" : "even");
		trib_key_u64(key, round);
		trib_checkpoint_put(checkpoint, TRIB_TABLE_ORDER, trib_bytes(key, 8), trib_bytes(key, 8));
		assert_ok(trib_checkpoint_commit(checkpoint, &error), error);
	}
	trib_store_close(store);
	assert_ok(trib_store_open(*state, &store, &error), error);
	assert_int_equal(trib_store_position(store), 2000);
	trib_key_u32(key, 40);
	assert_ok(trib_store_get(store, TRIB_TABLE_NAME, trib_bytes(key, 4), &value, &error), error);
	assert_string_equal(trib_buffer_text(&value), "even");
	trib_key_u64(key, 7);
	assert_ok(trib_store_get(store, TRIB_TABLE_ORDER, trib_bytes(key, 8), &value, &error), error);
	trib_key_u64(key, 21);
	assert_int_equal(trib_store_get(store, TRIB_TABLE_ORDER, trib_bytes(key, 8), &value, &error),
			 TRIB_NOT_FOUND);
	int orders = 0, one = 0;

	assert_ok(trib_store_scan(store, TRIB_TABLE_ORDER, trib_bytes("", 0), count_visit, &orders, &error),
		  error);
	assert_int_equal(orders, 20);
	trib_key_u64(key, 5);
	assert_ok(trib_store_scan(store, TRIB_TABLE_ORDER, trib_bytes(key, 8), count_visit, &one, &error),
		  error);
	assert_int_equal(one, 1);
	trib_store_close(store);
	trib_buffer_fini(&value);
}

static void abandoned_checkpoint_changes_nothing(void **state)
{
	struct trib_error error;
	struct trib_store *store;
	struct trib_checkpoint *checkpoint;

	assert_ok(trib_store_open(*state, &store, &error), error);
	assert_ok(trib_checkpoint_begin(store, 9000, &checkpoint, &error), error);
	put_number(checkpoint, 1, "never");
	trib_checkpoint_abandon(checkpoint);
	trib_store_close(store);
	assert_ok(trib_store_open(*state, &store, &error), error);
	assert_int_equal(trib_store_position(store), 2000);
	trib_store_close(store);
}

static void filter_never_denies_and_seldom_lies(void **state)
{
	enum { KEYS = 100000 };
	struct trib_filter filter, loaded;
	int lies = 0;

	trib_filter_init(&filter, KEYS);
	for (uint64_t i = 0; i < KEYS; i++)
		trib_filter_add(&filter, trib_hash_u64(i));
	assert_true(trib_filter_load(&loaded, trib_filter_bytes(&filter)));
	for (uint64_t i = 0; i < KEYS; i++)
		assert_true(trib_filter_may_have(&loaded, trib_hash_u64(i)));
	for (uint64_t i = KEYS; i < 2 * KEYS; i++)
		lies += trib_filter_may_have(&loaded, trib_hash_u64(i));
	assert_in_range(lies, 0, KEYS / 300);
	trib_filter_fini(&filter);
	trib_filter_fini(&loaded);
	assert_false(trib_filter_load(&loaded, trib_bytes("abc", 3)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checkpoints_survive_and_replace),
		cmocka_unit_test(abandoned_checkpoint_changes_nothing),
		cmocka_unit_test(filter_never_denies_and_seldom_lies),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
