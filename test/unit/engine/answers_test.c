/* Kept answers and the newest of the audit log, against stupid twins. */
#include "engine/answers.h"
#include "engine/audit.h"
#include "base/rng.h"
#include "test.h"

static struct answer answer_of(uint32_t number, int64_t at_ms, struct trib_bytes body)
{
	struct answer answer = { .at_ms = at_ms, .status = number, .body = body };

	memcpy(answer.key, &number, sizeof(number));
	memcpy(answer.content, &number, sizeof(number));
	return answer;
}

enum { KEYS = 64, COUNT_MAX = 20 };

static struct {
	bool stored[KEYS]; /* by what answers_take_changes said */
} store;

static void note_row(void *context, const unsigned char key[ANSWER_KEY_BYTES], const struct answer *answer)
{
	uint32_t number;

	memcpy(&number, key, sizeof(number));
	assert_true(number < KEYS);
	store.stored[number] = answer != NULL;
}

/* Each key remembers when it was added; the newest COUNT_MAX of a day are there. */
static void kept_answers(void **state)
{
	struct answers *answers = answers_new(COUNT_MAX, 1000);
	int64_t added[KEYS], now_ms = 0;
	struct trib_rng rng;

	trib_rng_seed(&rng, 7);
	memset(added, -1, sizeof(added));
	memset(&store, 0, sizeof(store));
	for (int step = 0; step < 20000; step++) {
		uint32_t key = (uint32_t)trib_rng_below(&rng, KEYS), younger = 0;
		struct answer answer = answer_of(key, ++now_ms * (ANSWER_KEPT_MS / 25), trib_bytes_text("0123456789"));
		const struct answer *found = answers_find(answers, answer.key, answer.at_ms);

		for (uint32_t i = 0; i < KEYS; i++)
			younger += added[i] > added[key];
		assert_int_equal(found != NULL, added[key] >= 0 && now_ms - added[key] < 25 && younger < COUNT_MAX);
		if (!found) {
			answers_add(answers, &answer, true);
			added[key] = now_ms;
		} else {
			assert_int_equal(found->status, key);
			assert_true(trib_bytes_is(found->body, "0123456789"));
		}
		assert_true(answers_count(answers) <= COUNT_MAX);
		if (step % 97 == 0)
			answers_take_changes(answers, note_row, NULL);
	}
	answers_take_changes(answers, note_row, NULL);
	unsigned stored = 0;

	for (uint32_t i = 0; i < KEYS; i++)
		stored += store.stored[i];
	assert_int_equal(stored, answers_count(answers));
	answers_free(answers);
}

static uint64_t rows_from, rows_to;

static void note_audit(void *context, uint64_t number, struct trib_bytes bytes)
{
	uint64_t value;

	assert_int_equal(bytes.size, sizeof(value));
	memcpy(&value, bytes.data, sizeof(value));
	assert_int_equal(value, number);
	if (!rows_from)
		rows_from = number;
	assert_int_equal(rows_to ? rows_to + 1 : number, number);
	rows_to = number;
}

static void audit_entries(void **state)
{
	struct audit *audit = audit_new();
	struct trib_bytes bytes;

	audit_begin(audit, 100);
	assert_int_equal(audit_last(audit), 100);
	assert_false(audit_find(audit, 100, &bytes));
	for (uint64_t number = 101; number <= 5000; number++) {
		audit_add(audit, trib_bytes(&number, sizeof(number)));
		assert_int_equal(audit_last(audit), number);
		if (number % 1500 == 0) {
			rows_from = 0;
			audit_freeze(audit, note_audit, NULL);
			assert_int_equal(rows_to, number);
		}
		if (number % 1500 == 700 && number > 1500) {
			audit_frozen_is_stored(audit);
			/* What the store does not have is here. */
			assert_true(audit_find(audit, number / 1500 * 1500 + 1, &bytes));
			assert_true(audit_find(audit, number, &bytes));
		}
	}
	assert_false(audit_find(audit, 101, &bytes));
	assert_false(audit_find(audit, 5001, &bytes));
	audit_free(audit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_answers),
		cmocka_unit_test(audit_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
