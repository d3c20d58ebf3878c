/* The book of plays: versions and their parents, what is active when, rollbacks; and that a store brings it back. */
#include "test.h"

#include "base/limits.h"
#include "play/play.h"

static const struct trib_hash_key key = { "book of plays" };
static const struct trib_play_trees trees = { 0 };

static struct trib_playbook *book;
static struct trib_arena arena;
static struct trib_error error;

static int setup(void **state)
{
	book = trib_playbook_new(&key, &trees);
	trib_arena_init(&arena, 16 << 20);
	return 0;
}

static int teardown(void **state)
{
	trib_playbook_free(book);
	trib_arena_fini(&arena);
	return 0;
}

/* Puts play.yaml, and a README so that versions can differ. 0: refused; *ret_again. */
static uint32_t put(const char *yaml, const char *readme, int64_t now_ms, bool *ret_again)
{
	struct trib_play_file files[] = { { trib_bytes_text("play.yaml"), trib_bytes_text(yaml) },
					  { trib_bytes_text("README.md"), trib_bytes_text(readme) } };
	Tributary__PlayFile both[2], *list[2] = { &both[0], &both[1] };
	Tributary__PlayPutRequest request = TRIBUTARY__PLAY_PUT_REQUEST__INIT;
	Tributary__PlayPut event;
	struct trib_play *play;
	bool again;

	for (int i = 0; i < 2; i++) {
		tributary__play_file__init(&both[i]);
		both[i].name = (char *)files[i].name.data;
		both[i].text = (char *)files[i].text.data;
	}
	request.files = list;
	request.n_files = 2;
	assert_ok(trib_play_new(files, 2, &trees, &play, &error), error);
	if (trib_playbook_decide_put(book, play, &request, now_ms, &arena, &event, &again, &error) != TRIB_OK) {
		trib_play_free(play);
		return 0;
	}
	if (again)
		trib_play_free(play);
	else
		assert_ok(trib_playbook_apply_put(book, &event, play, &error), error);
	if (ret_again)
		*ret_again = again;
	return event.version;
}

static trib_status activate(const char *name, uint32_t version, int64_t at_ms, int64_t now_ms)
{
	Tributary__PlayActivated event;
	bool again;
	trib_status status = trib_playbook_decide_activate(book, trib_bytes_text(name), version, at_ms, now_ms, &event,
							   &again, &error);

	if (status == TRIB_OK && !again)
		assert_ok(trib_playbook_apply_activated(book, &event, &error), error);
	return status;
}

static trib_status roll_back(const char *name, int64_t now_ms)
{
	Tributary__PlayActivated event;
	trib_status status = trib_playbook_decide_rollback(book, trib_bytes_text(name), now_ms, &event, &error);

	if (status == TRIB_OK)
		assert_ok(trib_playbook_apply_activated(book, &event, &error), error);
	return status;
}

static trib_status close_play(const char *name, int64_t now_ms)
{
	Tributary__PlayActivated event;
	bool again;
	trib_status status = trib_playbook_decide_close(book, trib_bytes_text(name), now_ms, &event, &again, &error);

	if (status == TRIB_OK && !again)
		assert_ok(trib_playbook_apply_activated(book, &event, &error), error);
	return status;
}

static uint32_t active(const char *name, int64_t now_ms)
{
	return trib_playbook_version(book, trib_playbook_number(book, trib_bytes_text(name)), now_ms);
}

/* "child@2" of the request, or "default". */
static const char *resolved(const char *json, int64_t now_ms)
{
	static char text[100];
	const struct trib_json *request;
	const struct trib_play *won;

	assert_ok(trib_json_parse(trib_bytes_text(json), 9, &arena, &request, &error), error);
	assert_ok(trib_plays_resolve(trib_playbook_active(book, now_ms), request, &arena, &won, &error), error);
	snprintf(text, sizeof(text), "%s@%u", won ? trib_play_name(won) : "default", won ? trib_play_version(won) : 0);
	return text;
}

static const char parent_yaml[] = "name: parent\nwhen: request.scene == 'live'\n";
static const char child_yaml[] = "name: child\nparent: parent\nwhen: request.level > 3\n";

static void test_versions(void **state)
{
	bool again;

	assert_int_equal(put(child_yaml, "1", 1, NULL), 0);
	assert_int_equal(error.status, TRIB_REFUSED);
	assert_string_equal(error.at, "play.yaml:2: parent");

	assert_int_equal(put(parent_yaml, "1", 1, &again), 1);
	assert_false(again);
	assert_int_equal(put(parent_yaml, "1", 2, &again), 1);
	assert_true(again);
	assert_int_equal(put(parent_yaml, "2", 3, NULL), 2);
	assert_int_equal(put(parent_yaml, "1", 4, NULL), 3);

	/* Nothing is active: the newest is the parent. Then version 1 is, which makes another child of the same files. */
	assert_int_equal(put(child_yaml, "1", 5, NULL), 1);
	assert_int_equal(put(child_yaml, "1", 6, &again), 1);
	assert_true(again);
	assert_int_equal(activate("parent", 1, 0, 7), TRIB_OK);
	assert_int_equal(put(child_yaml, "1", 8, NULL), 2);
	const struct trib_play *first = trib_playbook_find(book, trib_bytes_text("child"), 1, &error);
	const struct trib_play *second = trib_playbook_find(book, trib_bytes_text("child"), 2, &error);

	assert_int_equal(trib_play_version(trib_play_up(first)), 3);
	assert_int_equal(trib_play_version(trib_play_up(second)), 1);
	assert_null(trib_playbook_find(book, trib_bytes_text("child"), 3, &error));
	assert_int_equal(error.status, TRIB_NOT_FOUND);

	/* Nobody is among its own parents. */
	assert_int_equal(put("name: parent\nparent: child\nwhen: 'true'\n", "", 9, NULL), 0);
	assert_int_equal(error.status, TRIB_LIMIT);
	assert_int_equal(trib_playbook_newest(book, 1), 3);
}

static void test_depth(void **state)
{
	char yaml[200];

	for (uint32_t i = 0; i <= TRIB_LIMIT_PLAY_DEPTH; i++) {
		int size = snprintf(yaml, sizeof(yaml), "name: p%u\nwhen: 'true'\n", i);

		if (i)
			snprintf(yaml + size, sizeof(yaml) - (size_t)size, "parent: p%u\n", i - 1);
		assert_int_equal(put(yaml, "", 1, NULL), i < TRIB_LIMIT_PLAY_DEPTH);
	}
	assert_int_equal(error.status, TRIB_LIMIT);
	assert_string_equal(error.at, "play.yaml:3: parent");
}

/* What is done at a time, and which version is active then. */
static void test_timeline(void **state)
{
	static const struct {
		int64_t now_ms;
		char what; /* Activate, Rollback, Close, nothing */
		uint32_t version;
		int64_t at_ms;
		trib_status status;
		uint32_t active;
	} rows[] = {
		{ 10, ' ', 0, 0, TRIB_OK, 0 },
		{ 10, 'R', 0, 0, TRIB_REFUSED, 0 },
		{ 11, 'A', 9, 0, TRIB_NOT_FOUND, 0 },
		{ 12, 'A', 1, 0, TRIB_OK, 1 },
		{ 13, 'R', 0, 0, TRIB_REFUSED, 1 },
		{ 14, 'A', 2, 50, TRIB_OK, 1 },
		{ 49, ' ', 0, 0, TRIB_OK, 1 },
		{ 50, ' ', 0, 0, TRIB_OK, 2 },
		{ 60, 'A', 3, 20, TRIB_OK, 3 }, /* not before now */
		{ 60, 'A', 3, 60, TRIB_OK, 3 }, /* again: nothing */
		{ 61, 'R', 0, 0, TRIB_OK, 2 },
		{ 62, 'R', 0, 0, TRIB_OK, 1 },
		{ 63, 'R', 0, 0, TRIB_REFUSED, 1 },
		{ 64, 'A', 3, 0, TRIB_OK, 3 },
		{ 65, 'A', 1, 0, TRIB_OK, 1 },
		{ 66, 'R', 0, 0, TRIB_OK, 3 }, /* before it, not the lower one */
		{ 67, 'A', 2, 90, TRIB_OK, 3 },
		{ 70, 'C', 0, 0, TRIB_OK, 0 }, /* and what was to come is void */
		{ 91, ' ', 0, 0, TRIB_OK, 0 },
		{ 92, 'C', 0, 0, TRIB_OK, 0 },
		{ 93, 'R', 0, 0, TRIB_OK, 3 },
		{ 94, 'C', 0, 0, TRIB_OK, 0 },
		{ 95, 'A', 2, 0, TRIB_OK, 2 },
		{ 96, 'R', 0, 0, TRIB_OK, 3 }, /* behind the closing */
	};

	for (uint32_t v = 1; v <= 3; v++)
		assert_int_equal(put(parent_yaml, v == 1 ? "1" : v == 2 ? "2" : "3", 1, NULL), v);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		trib_status status = rows[i].what == 'A' ? activate("parent", rows[i].version, rows[i].at_ms, rows[i].now_ms) :
				     rows[i].what == 'R' ? roll_back("parent", rows[i].now_ms) :
				     rows[i].what == 'C' ? close_play("parent", rows[i].now_ms) :
							   TRIB_OK;
		char expected[32];

		if (status != rows[i].status || active("parent", rows[i].now_ms) != rows[i].active)
			fail_msg("row %zu: %s, version %u is active", i, trib_status_word(status),
				 active("parent", rows[i].now_ms));
		snprintf(expected, sizeof(expected), rows[i].active ? "parent@%u" : "default@0", rows[i].active);
		assert_string_equal(resolved("{\"scene\": \"live\"}", rows[i].now_ms), expected);
	}
	assert_int_equal(roll_back("nobody", 100), TRIB_NOT_FOUND);
	assert_int_equal(close_play("nobody", 100), TRIB_NOT_FOUND);
}

static void test_parent_closed(void **state)
{
	put(parent_yaml, "", 1, NULL);
	put(child_yaml, "", 1, NULL);
	assert_int_equal(activate("parent", 1, 0, 1), TRIB_OK);
	assert_int_equal(activate("child", 1, 0, 1), TRIB_OK);
	assert_string_equal(resolved("{\"scene\": \"live\", \"level\": 4}", 1), "child@1");
	assert_string_equal(resolved("{\"scene\": \"live\"}", 1), "parent@1");
	assert_string_equal(resolved("{\"level\": 4}", 1), "default@0");
	assert_int_equal(close_play("parent", 2), TRIB_OK);
	assert_string_equal(resolved("{\"scene\": \"live\", \"level\": 4}", 2), "child@1");
	assert_string_equal(resolved("{\"scene\": \"live\"}", 2), "default@0");
}

/* Each says why it is not the one; the one, why it is. */
static void test_explain(void **state)
{
	static const struct {
		const char *play;
		bool applies;
		const char *why;
	} rows[] = {
		{ "errs", false, "the `when` of errs is an error: " },
		{ "child", true, "before parent, for it has more ancestors" },
		{ "parent", true, "child has more ancestors" },
		{ "shelf", false, "the `when` of shelf is false" },
	};
	struct trib_play_candidate *candidates;
	const struct trib_json *request;
	uint32_t count;

	put(parent_yaml, "", 1, NULL);
	put(child_yaml, "", 1, NULL);
	put("name: shelf\nwhen: request.scene == 'shelf'\n", "", 1, NULL);
	put("name: errs\npriority: 3\nwhen: request.ext.a.b > 1\n", "", 1, NULL);
	for (uint32_t i = 1; i <= trib_playbook_count(book); i++)
		assert_int_equal(activate(trib_playbook_name(book, i), 1, 0, 1), TRIB_OK);
	assert_ok(trib_json_parse(trib_bytes_text("{\"scene\": \"live\", \"level\": 4}"), 9, &arena, &request, &error), error);
	assert_ok(trib_plays_explain(trib_playbook_active(book, 1), request, &arena, &candidates, &count, &error), error);
	assert_int_equal(count, TRIB_ARRAY_SIZE(rows));
	for (uint32_t i = 0; i < count; i++) {
		assert_string_equal(trib_play_name(candidates[i].play), rows[i].play);
		assert_int_equal(candidates[i].applies, rows[i].applies);
		if (strncmp(candidates[i].why, rows[i].why, strlen(rows[i].why)) != 0)
			fail_msg("%s: %s", rows[i].play, candidates[i].why);
	}
}

/* The same request, as JSON and in fields. */
static void test_fields(void **state)
{
	struct trib_bytes tags[] = { trib_bytes_text("vip") };
	struct trib_request request = { .level = 4, .tags = tags, .tag_count = 1 };
	const struct trib_play *won;

	put("name: a\nwhen: request.scene == 'live' && request.level > 3 && 'vip' in request.tags\n", "", 1, NULL);
	assert_int_equal(activate("a", 1, 0, 1), TRIB_OK);
	assert_string_equal(resolved("{\"scene\": \"live\", \"level\": 4, \"tags\": [\"vip\"]}", 1), "a@1");
	request.texts[TRIB_REQUEST_SCENE] = trib_bytes_text("live");
	assert_ok(trib_plays_choose(trib_playbook_active(book, 1), &request, &arena, &won, &error), error);
	assert_string_equal(trib_play_name(won), "a");
	assert_ok(trib_play_applies(won, &request, &arena, &error), error);
	request.tag_count = 0;
	assert_int_equal(trib_play_applies(won, &request, &arena, &error), TRIB_REFUSED);
	assert_string_equal(error.text, "found a, expected a play that applies; the `when` of a is false");
}

/* ---- Store ---------------------------------------------------------------------------------------- */

struct row {
	bool activation;
	uint32_t play, number;
	struct trib_bytes packed;
};
struct rows {
	struct row rows[64];
	uint32_t count;
};

static void keep_row(void *context, bool activation, uint32_t play, uint32_t number, struct trib_bytes packed)
{
	struct rows *rows = context;
	char *copy = trib_arena_copy(&arena, packed);

	rows->rows[rows->count++] = (struct row){ activation, play, number, trib_bytes(copy, packed.size) };
}

static int by_key(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->activation != b->activation)
		return a->activation - b->activation;
	if (a->play != b->play)
		return a->play < b->play ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void test_store(void **state)
{
	struct rows rows = { 0 }, none = { 0 };

	/* `late` came first, and got a parent that came after it. */
	put("name: late\nwhen: 'true'\n", "", 1, NULL);
	put(parent_yaml, "", 2, NULL);
	put("name: late\nparent: parent\nwhen: request.level > 1\n", "", 3, NULL);
	assert_int_equal(activate("late", 1, 0, 4), TRIB_OK);
	assert_int_equal(activate("late", 2, 0, 5), TRIB_OK);
	trib_playbook_freeze(book, keep_row, &rows);
	assert_int_equal(rows.count, 5);
	assert_int_equal(activate("parent", 1, 100, 6), TRIB_OK);
	assert_int_equal(close_play("parent", 7), TRIB_OK);
	trib_playbook_freeze(book, keep_row, &rows);
	assert_int_equal(rows.count, 7);
	trib_playbook_freeze(book, keep_row, &none);
	assert_int_equal(none.count, 0);

	trib_playbook_free(book);
	book = trib_playbook_new(&key, &trees);
	qsort(rows.rows, rows.count, sizeof(rows.rows[0]), by_key);
	for (uint32_t i = 0; i < rows.count; i++)
		assert_ok(trib_playbook_load(book, rows.rows[i].activation, rows.rows[i].play, rows.rows[i].number,
					     rows.rows[i].packed, &error),
			  error);
	assert_ok(trib_playbook_loaded(book, &error), error);
	trib_playbook_freeze(book, keep_row, &none);
	assert_int_equal(none.count, 0);
	assert_string_equal(resolved("{\"scene\": \"live\", \"level\": 2}", 8), "late@2");
	assert_string_equal(resolved("{\"scene\": \"live\", \"level\": 2}", 200), "late@2");
	assert_string_equal(resolved("{\"scene\": \"live\"}", 200), "default@0");
	assert_int_equal(roll_back("late", 201), TRIB_OK);
	assert_string_equal(resolved("{\"scene\": \"live\"}", 201), "late@1");
}

/* Events that nobody decided change nothing. */
static void test_corrupt(void **state)
{
	Tributary__PlayPut event = TRIBUTARY__PLAY_PUT__INIT;
	Tributary__PlayActivated activated = TRIBUTARY__PLAY_ACTIVATED__INIT;

	assert_int_equal(trib_playbook_apply_put(book, &event, NULL, &error), TRIB_CORRUPT);
	event.name = "a";
	event.has_version = true;
	event.version = 2;
	assert_int_equal(trib_playbook_apply_put(book, &event, NULL, &error), TRIB_CORRUPT);
	event.version = 1;
	event.parent = "b";
	event.parent_version = 1;
	assert_int_equal(trib_playbook_apply_put(book, &event, NULL, &error), TRIB_CORRUPT);
	event.parent = NULL;
	assert_ok(trib_playbook_apply_put(book, &event, NULL, &error), error);
	assert_int_equal(trib_playbook_apply_activated(book, &activated, &error), TRIB_CORRUPT);
	activated.name = "a";
	activated.has_version = activated.has_at = true;
	activated.version = 2;
	assert_int_equal(trib_playbook_apply_activated(book, &activated, &error), TRIB_CORRUPT);
	/* No files: a version that cannot be read is one all the same, but it takes nothing. */
	activated.version = 1;
	assert_ok(trib_playbook_apply_activated(book, &activated, &error), error);
	assert_string_equal(resolved("{}", 1), "default@0");
	assert_null(trib_playbook_find(book, trib_bytes_text("a"), 1, &error));
	assert_int_equal(activate("a", 1, 0, 2), TRIB_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timeline, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parent_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_explain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_corrupt, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
