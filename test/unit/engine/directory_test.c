/* Secrets, tokens, users and sessions, folded from events and looked up; all of it again from the rows of the store. */
#include "engine/engine.h"
#include "test.h"

static struct trib_directory *directory;
static struct trib_error error;

static int setup(void **state)
{
	directory = trib_directory_new();
	return 0;
}

static int teardown(void **state)
{
	trib_directory_free(directory);
	return 0;
}

static void put_token(uint32_t number, const char *role, const char *party, unsigned char *hash, unsigned char *old,
		      int64_t old_until, int64_t expires, int64_t revoked)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__AccessTokenPut put = TRIBUTARY__ACCESS_TOKEN_PUT__INIT;
	Tributary__AccessToken token = TRIBUTARY__ACCESS_TOKEN__INIT;
	char id[16];

	snprintf(id, sizeof(id), "t%u", number);
	put.has_number = put.has_hash = 1;
	put.number = number;
	put.hash = (ProtobufCBinaryData){ TRIB_SECRET_HASH_BYTES, hash };
	put.has_old_hash = old != NULL;
	put.old_hash = (ProtobufCBinaryData){ old ? TRIB_SECRET_HASH_BYTES : 0, old };
	put.token = &token;
	token.id = id;
	token.role = (char *)role;
	token.party = (char *)party;
	token.has_expires_at = token.has_revoked_at = token.has_old_until = 1;
	token.expires_at = expires;
	token.revoked_at = revoked;
	token.old_until = old_until;
	event.kind_case = TRIBUTARY__EVENT__KIND_ACCESS_TOKEN_PUT;
	event.access_token_put = &put;
	assert_ok(trib_directory_apply(directory, &event, &error), error);
}

static void put_user(uint32_t number, const char *id, const char *role, const char *status)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__UserPut put = TRIBUTARY__USER_PUT__INIT;
	Tributary__User user = TRIBUTARY__USER__INIT;

	put.has_number = 1;
	put.number = number;
	put.user = &user;
	put.password_hash = "a hash";
	user.id = (char *)id;
	user.role = (char *)role;
	user.status = (char *)status;
	event.kind_case = TRIBUTARY__EVENT__KIND_USER_PUT;
	event.user_put = &put;
	assert_ok(trib_directory_apply(directory, &event, &error), error);
}

static void put_session(uint32_t slot, const char *user, unsigned char *hash, int64_t created, int64_t expires)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__SessionPut put = TRIBUTARY__SESSION_PUT__INIT;

	put.has_slot = put.has_created_at = put.has_expires_at = 1;
	put.slot = slot;
	put.user = (char *)user;
	put.has_hash = hash != NULL;
	put.hash = (ProtobufCBinaryData){ hash ? TRIB_SECRET_HASH_BYTES : 0, hash };
	put.created_at = created;
	put.expires_at = expires;
	event.kind_case = TRIBUTARY__EVENT__KIND_SESSION_PUT;
	event.session_put = &put;
	assert_ok(trib_directory_apply(directory, &event, &error), error);
}

static void secrets(void **state)
{
	unsigned char hash[TRIB_SECRET_HASH_BYTES], again[TRIB_SECRET_HASH_BYTES];
	char text[TRIB_SECRET_CHARS], other[TRIB_SECRET_CHARS];
	char csrf[TRIB_CSRF_CHARS], csrf_again[TRIB_CSRF_CHARS];

	trib_secret_make(TRIB_SECRET_TOKEN, text, hash);
	trib_secret_make(TRIB_SECRET_TOKEN, other, again);
	assert_string_not_equal(text, other);
	assert_true(trib_secret_parse(TRIB_SECRET_TOKEN, trib_bytes_text(text), again));
	assert_memory_equal(hash, again, sizeof(hash));
	assert_false(trib_secret_parse(TRIB_SECRET_SESSION, trib_bytes_text(text), again));
	assert_false(trib_secret_parse(TRIB_SECRET_TOKEN, trib_bytes("", 0), again));
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];

		text[i] = was == 'A' ? 'B' : 'A';
		assert_false(trib_secret_parse(TRIB_SECRET_TOKEN, trib_bytes_text(text), again));
		text[i] = was;
		assert_false(trib_secret_parse(TRIB_SECRET_TOKEN, trib_bytes(text, i), again));
	}
	trib_secret_csrf(trib_bytes_text(text), csrf);
	trib_secret_csrf(trib_bytes_text(text), csrf_again);
	assert_string_equal(csrf, csrf_again);
	trib_secret_csrf(trib_bytes_text(other), csrf_again);
	assert_string_not_equal(csrf, csrf_again);
}

static enum trib_credential_result look(const char *text, int64_t now_ms, struct trib_credential *who)
{
	return trib_directory_token(directory, trib_bytes_text(text), now_ms, who);
}

static void tokens(void **state)
{
	unsigned char hash[3][TRIB_SECRET_HASH_BYTES];
	char text[3][TRIB_SECRET_CHARS];
	struct trib_credential who;

	for (size_t i = 0; i < 3; i++)
		trib_secret_make(TRIB_SECRET_TOKEN, text[i], hash[i]);
	assert_int_equal(look(text[0], 0, &who), TRIB_CREDENTIAL_UNKNOWN);
	put_token(1, "merchant", "m1", hash[0], NULL, 0, 1000, 0);
	assert_false(trib_directory_guards(directory));
	assert_int_equal(look(text[0], 999, &who), TRIB_CREDENTIAL_OK);
	assert_int_equal(who.role, TRIB_ACCESS_MERCHANT);
	assert_string_equal(who.party, "m1");
	assert_string_equal(who.name, "t1");
	assert_int_equal(look(text[0], 1000, &who), TRIB_CREDENTIAL_EXPIRED);
	put_token(1, "merchant", "m1", hash[1], hash[0], 500, 0, 0);
	assert_int_equal(look(text[0], 499, &who), TRIB_CREDENTIAL_OK);
	assert_int_equal(who.expires_ms, 500);
	assert_int_equal(look(text[0], 500, &who), TRIB_CREDENTIAL_REVOKED);
	assert_int_equal(look(text[1], 500, &who), TRIB_CREDENTIAL_OK);
	assert_int_equal(look(text[2], 500, &who), TRIB_CREDENTIAL_UNKNOWN);
	assert_true(trib_directory_token_holds(directory, 1, 500));
	put_token(1, "merchant", "m1", hash[1], NULL, 0, 0, 600);
	assert_int_equal(look(text[1], 700, &who), TRIB_CREDENTIAL_REVOKED);
	assert_false(trib_directory_token_holds(directory, 1, 700));
	put_token(2, "admin", NULL, hash[2], NULL, 0, 0, 0);
	assert_true(trib_directory_guards(directory));
	trib_directory_begin(directory);
	assert_int_equal(look(text[2], 700, &who), TRIB_CREDENTIAL_BUSY);
	assert_true(trib_directory_guards(directory));
}

/* Far more than a map begins with, each rotated, against what was put last. */
static void many_tokens(void **state)
{
	enum { COUNT = 3000 };
	char(*text)[TRIB_SECRET_CHARS] = trib_alloc(COUNT * sizeof(*text));
	unsigned char hash[TRIB_SECRET_HASH_BYTES];
	struct trib_credential who;

	for (int round = 0; round < 3; round++)
		for (uint32_t i = 0; i < COUNT; i++) {
			trib_secret_make(TRIB_SECRET_TOKEN, text[i], hash);
			put_token(i + 1, "auditor", NULL, hash, NULL, 0, 0, 0);
		}
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_int_equal(look(text[i], 1, &who), TRIB_CREDENTIAL_OK);
		assert_int_equal(who.token, i + 1);
	}
	free(text);
}

static enum trib_credential_result look_session(const char *text, int64_t now_ms, struct trib_credential *who)
{
	return trib_directory_session(directory, trib_bytes_text(text), now_ms, 100, who);
}

static void sessions(void **state)
{
	unsigned char hash[TRIB_SECRET_HASH_BYTES];
	char text[TRIB_SECRET_CHARS], password[TRIB_PASSWORD_HASH_BYTES];
	struct trib_credential who;

	put_user(1, "ann", "operator", "active");
	assert_true(trib_directory_password(directory, trib_bytes_text("ann"), password));
	assert_false(trib_directory_password(directory, trib_bytes_text("bob"), password));
	assert_int_equal(trib_directory_slot(directory, "ann", 0), 1);
	trib_secret_make(TRIB_SECRET_SESSION, text, hash);
	put_session(1, "ann", hash, 1000, 2000);
	assert_int_equal(look_session(text, 1000, &who), TRIB_CREDENTIAL_OK);
	assert_int_equal(who.role, TRIB_ACCESS_OPERATOR);
	assert_int_equal(look_session(text, 1099, &who), TRIB_CREDENTIAL_OK);
	assert_int_equal(look_session(text, 1198, &who), TRIB_CREDENTIAL_OK);
	assert_int_equal(look_session(text, 1298, &who), TRIB_CREDENTIAL_EXPIRED);
	assert_int_equal(look_session(text, 1250, &who), TRIB_CREDENTIAL_OK);
	for (int64_t at = 1300; at < 2000; at += 50)
		assert_int_equal(look_session(text, at, &who), TRIB_CREDENTIAL_OK);
	assert_int_equal(look_session(text, 2000, &who), TRIB_CREDENTIAL_EXPIRED);
	put_user(1, "ann", "operator", "disabled");
	assert_int_equal(look_session(text, 1990, &who), TRIB_CREDENTIAL_REVOKED);
	assert_false(trib_directory_password(directory, trib_bytes_text("ann"), password));
	assert_int_equal(trib_directory_next_session(directory, "ann", 0), 1);
	assert_int_equal(trib_directory_next_session(directory, "ann", 1), 0);
	put_session(1, NULL, NULL, 0, 0);
	assert_int_equal(look_session(text, 1990, &who), TRIB_CREDENTIAL_UNKNOWN);
	assert_int_equal(trib_directory_slot(directory, "ann", 1990), 1);
}

/* A user's seventeenth takes the place of its oldest; a free slot is taken before a new one. */
static void slots(void **state)
{
	unsigned char hash[TRIB_SECRET_HASH_BYTES];
	char text[TRIB_SECRET_CHARS];

	put_user(1, "ann", "operator", "active");
	put_user(2, "bob", "operator", "active");
	for (uint32_t i = 1; i <= TRIB_LIMIT_USER_SESSIONS; i++) {
		trib_secret_make(TRIB_SECRET_SESSION, text, hash);
		assert_int_equal(trib_directory_slot(directory, "ann", 10), i);
		put_session(i, "ann", hash, i == 5 ? 1 : 100 + i, 1000);
	}
	assert_int_equal(trib_directory_slot(directory, "ann", 10), 5);
	assert_int_equal(trib_directory_slot(directory, "bob", 10), TRIB_LIMIT_USER_SESSIONS + 1);
	assert_int_equal(trib_directory_slot(directory, "bob", 1000), 1);
}

struct copy {
	struct trib_directory *into;
	unsigned rows;
};

static void copy_row(void *context, enum trib_table table, uint32_t number, struct trib_bytes value)
{
	struct copy *copy = context;

	assert_ok(trib_directory_load(copy->into, table, value, &error), error);
	copy->rows++;
}

static void rows(void **state)
{
	unsigned char hash[TRIB_SECRET_HASH_BYTES], session[TRIB_SECRET_HASH_BYTES];
	char text[TRIB_SECRET_CHARS], cookie[TRIB_SECRET_CHARS];
	struct copy copy = { trib_directory_new(), 0 };
	struct trib_credential who;

	trib_secret_make(TRIB_SECRET_TOKEN, text, hash);
	trib_secret_make(TRIB_SECRET_SESSION, cookie, session);
	put_token(1, "creator", "c1", hash, NULL, 0, 0, 0);
	put_user(1, "ann", "admin", "active");
	put_session(1, "ann", session, 1, 1000);
	trib_directory_take_changes(directory, copy_row, &copy);
	assert_int_equal(copy.rows, 3);
	trib_directory_take_changes(directory, copy_row, &copy);
	trib_directory_take_changes(copy.into, copy_row, &copy);
	assert_int_equal(copy.rows, 3);
	assert_true(trib_directory_guards(copy.into));
	assert_int_equal(trib_directory_token(copy.into, trib_bytes_text(text), 5, &who), TRIB_CREDENTIAL_OK);
	assert_string_equal(who.party, "c1");
	assert_int_equal(trib_directory_session(copy.into, trib_bytes_text(cookie), 5, 100, &who), TRIB_CREDENTIAL_OK);
	assert_string_equal(who.name, "ann");
	assert_int_equal(trib_directory_load(copy.into, TRIB_TABLE_ACCESS_USER, trib_bytes("\xff\xff", 2), &error),
			 TRIB_CORRUPT);
	trib_directory_free(copy.into);
}

static void etags(void **state)
{
	static const struct {
		const char *header, *etag;
		bool matches;
	} cases[] = {
		{ "\"a\"", "\"a\"", true },	  { "\"a\"", "\"b\"", false },	    { "*", "\"a\"", true },
		{ "*", "", false },		  { "\"b\", \"a\"", "\"a\"", true }, { "W/\"a\"", "\"a\"", true },
		{ " \"a\"\t", "\"a\"", true },  { "a", "\"a\"", false },	    { "", "\"a\"", false },
		{ ",,\"a\",", "\"a\"", true }, { "\"a", "\"a\"", false },	    { "W/", "\"a\"", false },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(cases); i++)
		assert_int_equal(trib_etag_matches(trib_bytes_text(cases[i].header), cases[i].etag), cases[i].matches);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets),
		cmocka_unit_test_setup_teardown(tokens, setup, teardown),
		cmocka_unit_test_setup_teardown(many_tokens, setup, teardown),
		cmocka_unit_test_setup_teardown(sessions, setup, teardown),
		cmocka_unit_test_setup_teardown(slots, setup, teardown),
		cmocka_unit_test_setup_teardown(rows, setup, teardown),
		cmocka_unit_test(etags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
