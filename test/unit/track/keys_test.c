#include "track_support.h"

#include <signal.h>
#include <sys/resource.h>

/* A clock that the test sets. */
static int64_t now_ms = 1763800000000;

static int64_t test_wall_ms(struct trib_clock *clock)
{
	return now_ms;
}

static int64_t test_monotonic_ns(struct trib_clock *clock)
{
	return now_ms * 1000000;
}

static struct trib_clock test_clock = { test_wall_ms, test_monotonic_ns };
static struct data_folder folder;

static int make_folder(void **state)
{
	data_folder_make(&folder);
	return 0;
}

static int remove_folder(void **state)
{
	data_folder_remove(&folder);
	return 0;
}

static struct trib_keys *open_keys(enum trib_keys_mode mode)
{
	struct trib_keys *keys = NULL;
	struct trib_error error;

	assert_ok(trib_keys_open(folder.path, mode, &test_clock, &keys, &error), error);
	return keys;
}

static trib_status try_open(struct trib_error *error)
{
	struct trib_keys *keys = NULL;
	trib_status status =
		trib_keys_open(folder.path, TRIB_KEYS_EXISTING, &test_clock, &keys, error);

	trib_keys_free(keys);
	return status;
}

static uint16_t add(struct trib_keys *keys, const char *scope, int64_t not_before,
		    int64_t not_after)
{
	struct trib_key_info wanted = { .not_before_ms = not_before, .not_after_ms = not_after },
			     got;
	struct trib_error error;

	strcpy(wanted.scope, scope);
	assert_ok(trib_keys_add(keys, &wanted, &got, &error), error);
	return got.id;
}

static size_t sign(const struct trib_keys *keys, uint32_t registration, int64_t at,
		   char text[TRIB_LIMIT_TOKEN_CHARS])
{
	struct trib_token token = { .registration = registration, .issued_at_ms = at };
	struct trib_error error;
	size_t size = 0;

	trib_token_encode(keys, &token, text, &size, &error);
	return size;
}

/* The key that signs, 0 if none may. */
static uint16_t signer(const struct trib_keys *keys, uint32_t registration, int64_t at)
{
	char text[TRIB_LIMIT_TOKEN_CHARS];
	size_t size = sign(keys, registration, at, text);
	struct trib_token token = { 0 };

	if (size)
		assert_int_equal(trib_token_decode(keys, trib_bytes(text, size), &token),
				 TRIB_TOKEN_OK);
	return token.key;
}

static void first_start_makes_them(void **state)
{
	struct trib_error error;

	assert_int_equal(try_open(&error), TRIB_NOT_FOUND);
	struct trib_keys *keys = open_keys(TRIB_KEYS_CREATE);
	struct trib_key_info info = trib_keys_info(keys, 0);
	struct trib_hash_key user = *trib_keys_user_hash(keys);
	static const struct trib_hash_key none;
	char path[128];
	struct stat stat_info;

	assert_int_equal(trib_keys_count(keys), 1);
	assert_int_equal(info.id, 1);
	assert_string_equal(info.scope, "*");
	assert_int_equal(info.status, TRIB_KEY_ACTIVE);
	assert_true(info.created_at_ms == now_ms);
	assert_true(info.not_before_ms == INT64_MIN && info.not_after_ms == INT64_MAX);
	assert_memory_not_equal(&user, &none, sizeof(user));
	assert_memory_not_equal(&user, trib_keys_order_hash(keys), sizeof(user));
	assert_memory_not_equal(&user, trib_keys_names_hash(keys), sizeof(user));
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "", "token.keys", "hash.keys" };

		assert_int_equal(stat(data_file(&folder, names[i], path), &stat_info), 0);
		assert_int_equal(stat_info.st_mode & 07777, i ? 0600 : 0700);
	}
	char text[TRIB_LIMIT_TOKEN_CHARS];
	size_t size = sign(keys, 1, now_ms, text);
	struct trib_token token;

	trib_keys_free(keys);
	/* Opened again, either way, they are the same. */
	for (int mode = TRIB_KEYS_EXISTING; mode <= TRIB_KEYS_CREATE; mode++) {
		keys = open_keys(mode);
		assert_memory_equal(&user, trib_keys_user_hash(keys), sizeof(user));
		assert_int_equal(trib_token_decode(keys, trib_bytes(text, size), &token),
				 TRIB_TOKEN_OK);
		trib_keys_free(keys);
	}
}

static void wide_permissions_are_refused(void **state)
{
	static const struct {
		const char *name;
		mode_t mode, back;
		trib_status status;
	} rows[] = {
		{ "token.keys", 0600, 0600, TRIB_OK },
		{ "token.keys", 0400, 0600, TRIB_OK },
		{ "token.keys", 0640, 0600, TRIB_FORBIDDEN },
		{ "token.keys", 0604, 0600, TRIB_FORBIDDEN },
		{ "token.keys", 0601, 0600, TRIB_FORBIDDEN },
		{ "hash.keys", 0644, 0600, TRIB_FORBIDDEN },
		{ "hash.keys", 0660, 0600, TRIB_FORBIDDEN },
		{ "", 0750, 0700, TRIB_FORBIDDEN },
		{ "", 0701, 0700, TRIB_FORBIDDEN },
		{ "", 0700, 0700, TRIB_OK },
	};
	char path[128];

	trib_keys_free(open_keys(TRIB_KEYS_CREATE));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_error error;

		assert_int_equal(chmod(data_file(&folder, rows[i].name, path), rows[i].mode), 0);
		assert_int_equal(try_open(&error), rows[i].status);
		assert_int_equal(chmod(path, rows[i].back), 0);
	}
}

/* Broken files are refused with their place, and never a part of the secret in the message. */
static void broken_files_are_refused(void **state)
{
#define HEAD "tributary token keys 1\n"
#define HEX  "000102030405060708090a0b0c0d0e0f"
	static const char *const rows[] = {
		"",
		HEAD,
		HEAD "end 1 00000000\n",
		"tributary token keys 2\nend 0 00000000\n",
		HEAD "1 active * 5 - - " HEX "\n",
		HEAD "1 active * 5 - - " HEX "\nend 1 00000000\n",
		HEAD "1 active * 5 - - " HEX "\nend 1 1c7a8b9d", /* no end of line */
	};
	struct trib_error error;

	trib_keys_free(open_keys(TRIB_KEYS_CREATE));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		data_file_put(&folder, "token.keys", rows[i], 0600);
		assert_int_equal(try_open(&error), TRIB_CORRUPT);
		assert_null(strstr(error.text, "0001020304"));
	}
	/* Closed well, wrong inside. */
	static const char *const lines[] = {
		"1 active * 5 - -",
		"1 active * 5 - - " HEX " x",
		"1  active * 5 - - " HEX,
		"0 active * 5 - - " HEX,
		"2 active * 5 - - " HEX,
		"16384 active * 5 - - " HEX,
		"x active * 5 - - " HEX,
		"1 gone * 5 - - " HEX,
		"1 active a/b 5 - - " HEX,
		"1 active * now - - " HEX,
		"1 active * 5 x - " HEX,
		"1 active * 5 - 1.5 " HEX,
		"1 active * 5 - - 0001",
		"1 active * 5 - - " HEX "00",
		"1 active * 5 - - g00102030405060708090a0b0c0d0e0f",
		"1 active * 5 - - -",
		"1 retired * 5 - - " HEX,
		"",
	};
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(lines); i++) {
		char text[512];
		size_t size = (size_t)snprintf(text, sizeof(text), HEAD "%s\n", lines[i]);

		snprintf(text + size, sizeof(text) - size, "end 1 %08x\n",
			 trib_crc32c(0, text, size));
		data_file_put(&folder, "token.keys", text, 0600);
		if (try_open(&error) != TRIB_CORRUPT)
			fail_msg("accepted: %s", lines[i]);
		assert_string_equal(error.at, "token.keys line 2");
		assert_null(strstr(error.text, "0001"));
	}
	data_file_put(&folder, "hash.keys", "tributary hash keys 1\nend 0 00000000\n", 0600);
	assert_int_equal(try_open(&error), TRIB_CORRUPT);
#undef HEAD
#undef HEX
}

static void missing_files_are_not_made_again(void **state)
{
	static const char *const names[] = { "token.keys", "hash.keys" };
	char path[128];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++) {
		struct trib_error error;

		trib_keys_free(open_keys(TRIB_KEYS_CREATE));
		assert_int_equal(unlink(data_file(&folder, names[i], path)), 0);
		assert_int_equal(try_open(&error), TRIB_NOT_FOUND);
		assert_int_not_equal(access(path, F_OK), 0);
	}
}

static uint32_t shop_is_7(void *context, struct trib_bytes registration)
{
	return trib_bytes_is(registration, "shop") ? *(uint32_t *)context : 0;
}

static void newest_valid_key_of_the_narrowest_scope_signs(void **state)
{
	struct trib_keys *keys = open_keys(TRIB_KEYS_CREATE); /* 1: any, always */
	uint32_t shop = 7;

	assert_int_equal(add(keys, "*", 1000, 2000), 2);
	assert_int_equal(add(keys, "shop", 1500, 3000), 3);
	assert_int_equal(add(keys, "shop", 1600, 1700), 4);
	assert_int_equal(add(keys, "other", INT64_MIN, INT64_MAX), 5);
	trib_keys_bind(keys, shop_is_7, &shop);
	static const struct {
		uint32_t registration;
		int64_t at;
		uint16_t key;
	} rows[] = {
		{ 3, 999, 1 },	{ 3, 1000, 2 }, { 3, 1600, 2 }, { 3, 2000, 2 }, { 3, 2001, 1 },
		{ 7, 999, 1 },	{ 7, 1000, 2 }, { 7, 1500, 3 }, { 7, 1600, 4 }, { 7, 1700, 4 },
		{ 7, 1701, 3 }, { 7, 3000, 3 }, { 7, 3001, 1 }, { 0, 1600, 2 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		assert_int_equal(signer(keys, rows[i].registration, rows[i].at), rows[i].key);
	trib_keys_free(keys);
}

static void scope_binds_verification(void **state)
{
	struct trib_keys *keys = open_keys(TRIB_KEYS_CREATE);
	char text[TRIB_LIMIT_TOKEN_CHARS];
	struct trib_token token;
	struct trib_error error;
	uint32_t shop = 7;

	add(keys, "shop", INT64_MIN, INT64_MAX);
	assert_ok(trib_keys_retire(keys, 1, NULL, &error), error);
	assert_int_equal(signer(keys, 7, now_ms),
			 0); /* nobody knows yet which registration it is */
	trib_keys_bind(keys, shop_is_7, &shop);
	assert_int_equal(signer(keys, 7, now_ms), 2);
	assert_int_equal(signer(keys, 8, now_ms), 0);
	size_t size = sign(keys, 7, now_ms, text);

	shop = 8; /* the same key, had it another scope */
	trib_keys_rebind(keys);
	assert_int_equal(trib_token_decode(keys, trib_bytes(text, size), &token),
			 TRIB_TOKEN_KEY_NOT_VALID);
	shop = 0;
	trib_keys_rebind(keys);
	assert_int_equal(trib_token_decode(keys, trib_bytes(text, size), &token),
			 TRIB_TOKEN_KEY_NOT_VALID);
	shop = 7;
	trib_keys_rebind(keys);
	assert_int_equal(trib_token_decode(keys, trib_bytes(text, size), &token), TRIB_TOKEN_OK);
	trib_keys_free(keys);
}

/* A server holds the ring open while the keys are changed beside it. */
static void rotation_beside_a_running_server(void **state)
{
	struct trib_keys *server = open_keys(TRIB_KEYS_CREATE),
			 *tool = open_keys(TRIB_KEYS_EXISTING);
	char old_text[TRIB_LIMIT_TOKEN_CHARS], new_text[TRIB_LIMIT_TOKEN_CHARS];
	size_t old_size = sign(server, 1, now_ms, old_text), new_size;
	struct trib_error error;
	struct trib_token token;
	bool changed = true;

	assert_ok(trib_keys_reload(server, &changed, &error), error);
	assert_false(changed);
	assert_int_equal(add(tool, "*", INT64_MIN, INT64_MAX), 2);
	new_size = sign(tool, 1, now_ms, new_text);
	assert_int_equal(trib_token_decode(server, trib_bytes(new_text, new_size), &token),
			 TRIB_TOKEN_UNKNOWN_KEY);
	assert_ok(trib_keys_reload(server, &changed, &error), error);
	assert_true(changed);
	assert_int_equal(signer(server, 1, now_ms), 2);
	assert_int_equal(trib_token_decode(server, trib_bytes(new_text, new_size), &token),
			 TRIB_TOKEN_OK);
	assert_int_equal(trib_token_decode(server, trib_bytes(old_text, old_size), &token),
			 TRIB_TOKEN_OK);
	assert_ok(trib_keys_retire(tool, 1, NULL, &error), error);
	assert_ok(trib_keys_reload(server, &changed, &error), error);
	assert_true(changed);
	assert_int_equal(trib_token_decode(server, trib_bytes(old_text, old_size), &token),
			 TRIB_TOKEN_KEY_NOT_VALID);
	assert_int_equal(trib_token_decode(server, trib_bytes(new_text, new_size), &token),
			 TRIB_TOKEN_OK);
	assert_int_equal(trib_keys_info(server, 0).status, TRIB_KEY_RETIRED);
	assert_ok(trib_keys_retire(server, 1, NULL, &error), error); /* again: nothing */
	assert_int_equal(trib_keys_retire(server, 3, NULL, &error), TRIB_NOT_FOUND);
	assert_int_equal(trib_keys_retire(server, 0, NULL, &error), TRIB_NOT_FOUND);
	/* Two tools at once see each other's keys. */
	assert_int_equal(add(server, "*", INT64_MIN, INT64_MAX), 3);
	assert_int_equal(add(tool, "*", INT64_MIN, INT64_MAX), 4);
	trib_keys_free(server);
	trib_keys_free(tool);
}

static void last_good_ring_stays(void **state)
{
	struct trib_keys *server = open_keys(TRIB_KEYS_CREATE);
	char text[TRIB_LIMIT_TOKEN_CHARS], path[128], good[512];
	size_t size = sign(server, 1, now_ms, text);
	struct trib_error error;
	struct trib_token token;
	bool changed = true;
	FILE *file = fopen(data_file(&folder, "token.keys", path), "r");

	good[fread(good, 1, sizeof(good) - 1, file)] = '\0';
	fclose(file);
	data_file_put(&folder, "token.keys", "rubbish\n", 0600);
	assert_int_equal(trib_keys_reload(server, &changed, &error), TRIB_CORRUPT);
	assert_ok(trib_keys_reload(server, &changed, &error), error); /* told once */
	assert_false(changed);
	assert_int_equal(trib_token_decode(server, trib_bytes(text, size), &token), TRIB_TOKEN_OK);
	unlink(path);
	assert_int_equal(trib_keys_reload(server, &changed, &error), TRIB_NOT_FOUND);
	assert_ok(trib_keys_reload(server, &changed, &error), error);
	data_file_put(&folder, "token.keys", good, 0644);
	assert_int_equal(trib_keys_reload(server, &changed, &error), TRIB_FORBIDDEN);
	assert_int_equal(trib_token_decode(server, trib_bytes(text, size), &token), TRIB_TOKEN_OK);
	data_file_put(&folder, "token.keys", good, 0600);
	assert_ok(trib_keys_reload(server, &changed, &error), error);
	assert_true(changed);
	assert_int_equal(trib_token_decode(server, trib_bytes(text, size), &token), TRIB_TOKEN_OK);
	trib_keys_free(server);
}

static void bad_wishes_are_refused(void **state)
{
	struct trib_keys *keys = open_keys(TRIB_KEYS_CREATE);
	static const struct {
		const char *scope;
		int64_t not_before, not_after;
	} rows[] = { { "", 0, 1 }, { "a b", 0, 1 }, { "a/b", 0, 1 }, { "*", 2, 1 } };
	struct trib_key_info wanted;
	struct trib_error error;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		wanted = (struct trib_key_info){ .not_before_ms = rows[i].not_before,
						 .not_after_ms = rows[i].not_after };
		strcpy(wanted.scope, rows[i].scope);
		assert_int_equal(trib_keys_add(keys, &wanted, NULL, &error), TRIB_INVALID);
	}
	assert_int_equal(trib_keys_count(keys), 1);
	wanted.not_after_ms = 3;
	memset(wanted.scope, 'x', sizeof(wanted.scope));
	assert_int_equal(trib_keys_add(keys, &wanted, NULL, &error), TRIB_INVALID);
	wanted.scope[64] = '\0';
	assert_ok(trib_keys_add(keys, &wanted, NULL, &error), error);
	trib_keys_free(keys);
}

/* A disk that takes no more: the ring stays as it was, in the file and in memory. */
static void a_failing_write_changes_nothing(void **state)
{
	struct trib_keys *keys = open_keys(TRIB_KEYS_CREATE);
	struct trib_key_info wanted = { .scope = "*", .not_after_ms = INT64_MAX };
	struct rlimit before, none;
	struct trib_error error;
	char path[128];

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (rlim_t room = 0; room <= 50; room += 25) {
		none = (struct rlimit){ room, before.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
		trib_status added = trib_keys_add(keys, &wanted, NULL, &error);
		trib_status retired = trib_keys_retire(keys, 1, NULL, &error);

		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_int_equal(added, TRIB_IO);
		assert_int_equal(retired, TRIB_IO);
		assert_int_equal(trib_keys_count(keys), 1);
		assert_int_equal(trib_keys_info(keys, 0).status, TRIB_KEY_ACTIVE);
		assert_int_not_equal(access(data_file(&folder, "token.keys.new", path), F_OK), 0);
		assert_ok(try_open(&error), error);
	}
	assert_ok(trib_keys_add(keys, &wanted, NULL, &error), error);
	trib_keys_free(keys);
}

/* What a client is given verifies as the ring it came from; it holds no other key; damage is refused. */
static void exported_keys_verify(void **state)
{
	struct trib_keys *keys = open_keys(TRIB_KEYS_CREATE), *imported = NULL;
	struct trib_key_info wanted = { .scope = "*", .not_before_ms = INT64_MIN, .not_after_ms = INT64_MAX };
	struct trib_token token = { .link = 1, .issued_at_ms = 1000, .registration = 1, .goods = 1, .creator = 2, .plan = 1,
				    .plan_version = 1, .channel = 1, .goods_engine = 1 };
	struct trib_token read;
	char text[TRIB_LIMIT_TOKEN_CHARS];
	struct trib_buffer bytes;
	struct trib_error error;
	size_t size;

	assert_ok(trib_keys_add(keys, &wanted, NULL, &error), error);
	assert_ok(trib_keys_retire(keys, 1, NULL, &error), error);
	assert_ok(trib_token_encode(keys, &token, text, &size, &error), error);
	trib_buffer_init(&bytes, TRIB_KEYS_EXPORT_BYTES_MAX);
	assert_ok(trib_keys_export(keys, &bytes, &error), error);
	assert_ok(trib_keys_import(trib_buffer_text(&bytes), &imported, &error), error);
	assert_int_equal(trib_token_decode(imported, trib_bytes(text, size), &read), TRIB_TOKEN_OK);
	assert_int_equal(read.link, token.link);
	assert_memory_equal(trib_keys_user_hash(imported), trib_keys_user_hash(keys), sizeof(struct trib_hash_key));
	assert_memory_not_equal(trib_keys_order_hash(imported), trib_keys_order_hash(keys),
				sizeof(struct trib_hash_key));
	trib_keys_free(imported);
	for (size_t i = 0; i < bytes.size; i++) {
		bytes.data[i] ^= 1;
		assert_int_not_equal(trib_keys_import(trib_buffer_text(&bytes), &imported, &error), TRIB_OK);
		bytes.data[i] ^= 1;
	}
	trib_buffer_fini(&bytes);
	trib_keys_free(keys);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(first_start_makes_them),
		IN_FOLDER(wide_permissions_are_refused),
		IN_FOLDER(broken_files_are_refused),
		IN_FOLDER(missing_files_are_not_made_again),
		IN_FOLDER(newest_valid_key_of_the_narrowest_scope_signs),
		IN_FOLDER(scope_binds_verification),
		IN_FOLDER(rotation_beside_a_running_server),
		IN_FOLDER(last_good_ring_stays),
		IN_FOLDER(bad_wishes_are_refused),
		IN_FOLDER(a_failing_write_changes_nothing),
		IN_FOLDER(exported_keys_verify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
