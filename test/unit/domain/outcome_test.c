#include "test.h"

#include "domain/outcome.h"

static void every_row_is_found_by_its_word(void **state)
{
	static const struct {
		enum trib_outcome outcome;
		int number;
		const char *word;
	} rows[] = {
#define X(name, number, word, english, chinese) { TRIB_OUTCOME_##name, number, word },
		TRIB_OUTCOME_TABLE(X)
#undef X
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		assert_int_equal(rows[i].number, i + 1);
		assert_string_equal(trib_outcome_word(rows[i].outcome), rows[i].word);
		assert_int_equal(trib_outcome_find(trib_bytes_text(rows[i].word)), rows[i].outcome);
		assert_true(trib_outcome_text(rows[i].outcome)[0]);
		assert_true(trib_outcome_text_zh(rows[i].outcome)[0]);
	}
	assert_int_equal(trib_outcome_find(trib_bytes_text("paid")), TRIB_OUTCOME_NONE);
	assert_string_equal(trib_outcome_word(TRIB_OUTCOME_NONE), "none");
	assert_string_equal(trib_outcome_word((enum trib_outcome)999), "unknown");
}

/* These numbers stand in journals: a change here is a broken promise, not a test to adapt. */
static void numbers_never_change(void **state)
{
	assert_int_equal(TRIB_OUTCOME_ATTRIBUTED, 1);
	assert_int_equal(TRIB_OUTCOME_NO_PLAN, 5);
	assert_int_equal(TRIB_OUTCOME_PARTY_FROZEN, 14);
	assert_int_equal(TRIB_OUTCOME_EXTERNAL, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_row_is_found_by_its_word),
					    cmocka_unit_test(numbers_never_change) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
