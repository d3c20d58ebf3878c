/* Refunds of a whole order, shared out over its lines. */
#include "test.h"

#include "commission/commission.h"

enum { LINES_MAX = 6, WHOLE_MAX = 8, OWN_MAX = 4 };

#define OWN(k, n, at) { .id = { "own", 3 }, .kind = TRIB_REFUND_##k, .amount = n, .at_ms = at }
#define WHOLE(k, n, at) { .id = { "r", 1 }, .kind = TRIB_REFUND_##k, .amount = n, .at_ms = at }

/* Three lines at most, one edit and one refund of their own each, two refunds of the whole. */
static const struct {
	const char *name;
	struct {
		int64_t base, invalid_ms, edit_ms, edit;
		struct trib_refund own;
	} line[3];
	struct trib_refund whole[2];
	int64_t parts[2][3], remaining; /* of lines that are not invalid */
} rows[] = {
	{ "by what remains", { { 100 }, { 200 }, { 300 } }, { WHOLE(PARTIAL, 60, 5) }, { { 10, 20, 30 } }, 540 },
	{ "the rest to the latest", { { 10 }, { 10 }, { 10 } }, { WHOLE(PARTIAL, 5, 5) }, { { 1, 1, 3 } }, 25 },
	{ "as far as it has room", { { 3 }, { 1 }, { 1 } }, { WHOLE(PARTIAL, 4, 5) }, { { 2, 1, 1 } }, 1 },
	{ "all of it", { { 10 }, { 0 }, { 7 } }, { WHOLE(FULL, 17, 5) }, { { 10, 0, 7 } }, 0 },
	{ "a line's own comes first in time", { { 100, .own = OWN(RETURN, 100, 4) }, { 100 } }, { WHOLE(PARTIAL, 50, 5) },
	  { { 0, 50 } }, 50 },
	{ "a line's own comes later", { { 100, .own = OWN(RETURN, 50, 6) }, { 100 } }, { WHOLE(PARTIAL, 100, 5) },
	  { { 50, 50 } }, 50 },
	{ "and takes more than its half leaves", { { 100, .own = OWN(RETURN, 60, 6) }, { 100 } }, { WHOLE(PARTIAL, 100, 5) },
	  { { 40, 60 } }, 40 },
	{ "freight takes no room", { { 100, .own = OWN(FREIGHT_ONLY, 60, 4) }, { 300 } },
	  { WHOLE(FREIGHT_ONLY, 9, 5), WHOLE(FULL, 400, 6) }, { { 2, 7 }, { 100, 300 } }, 0 },
	{ "one after the other", { { 100 }, { 100 } }, { WHOLE(PARTIAL, 101, 5), WHOLE(RETURN, 99, 6) },
	  { { 50, 51 }, { 50, 49 } }, 0 },
	{ "an invalid line has no part", { { 100, .invalid_ms = 4 }, { 100 } }, { WHOLE(PARTIAL, 50, 5) }, { { 0, 50 } }, 50 },
	{ "before it was invalid it had", { { 100, .invalid_ms = 6 }, { 100 } }, { WHOLE(PARTIAL, 50, 5) },
	  { { 25, 25 } }, 75 },
	{ "where else there is no room", { { 100, .invalid_ms = 4 }, { 10 } }, { WHOLE(PARTIAL, 50, 5) }, { { 40, 10 } }, 0 },
	{ "an edit of before", { { 100, .edit_ms = 4, .edit = 300 }, { 100 } }, { WHOLE(PARTIAL, 40, 5) }, { { 30, 10 } },
	  360 },
	{ "an edit of after", { { 100, .edit_ms = 6, .edit = 300 }, { 100 } }, { WHOLE(PARTIAL, 40, 5) }, { { 20, 20 } },
	  360 },
	{ "more than there is", { { 100 }, { 20 } }, { WHOLE(PARTIAL, 150, 5) }, { { 100, 20 } }, 0 },
	{ "a forfeiture reaches all", { { 100 }, { 100 } }, { WHOLE(FORFEITURE, 0, 5) }, { { 0, 0 } }, 200 },
	{ "of free lines", { { 0 }, { 0 } }, { WHOLE(FREIGHT_ONLY, 5, 5) }, { { 0, 5 } }, 0 },
};

static void table(void **state TRIB_UNUSED)
{
	for (size_t r = 0; r < TRIB_ARRAY_SIZE(rows); r++) {
		struct trib_group_line lines[3] = { 0 };
		struct trib_base_edit edits[3];
		struct trib_refund own[3];
		int64_t parts[2 * 3];
		uint32_t n_whole = rows[r].whole[1].at_ms ? 2 : 1, n = rows[r].parts[0][2] || rows[r].line[2].base ? 3 : 2;

		for (uint32_t i = 0; i < n; i++) {
			edits[i] = (struct trib_base_edit){ rows[r].line[i].edit_ms, TRIB_ORDER_PAID, rows[r].line[i].edit };
			own[i] = rows[r].line[i].own;
			lines[i] = (struct trib_group_line){ .base = rows[r].line[i].base,
							     .invalid_ms = rows[r].line[i].invalid_ms,
							     .n_edits = edits[i].at_ms != 0, .n_own = own[i].at_ms != 0,
							     .edits = &edits[i], .own = &own[i] };
		}
		trib_group_share(lines, n, rows[r].whole, n_whole, parts);
		for (uint32_t k = 0; k < n_whole; k++)
			for (uint32_t i = 0; i < n; i++)
				if (parts[k * n + i] != rows[r].parts[k][i])
					fail_msg("%s: refund %u, line %u: %lld, expected %lld", rows[r].name, k, i,
						 (long long)parts[k * n + i], (long long)rows[r].parts[k][i]);
		assert_int_equal(trib_group_remaining(lines, n, 100), rows[r].remaining);
	}
}

/* --- Random ------------------------------------------------------------------------------------------- */

struct drawn {
	uint32_t n, n_whole;
	struct trib_group_line lines[LINES_MAX];
	struct trib_base_edit edits[LINES_MAX];
	struct trib_refund own[LINES_MAX][OWN_MAX], whole[WHOLE_MAX];
	char ids[WHOLE_MAX];
};

static enum trib_refund_kind draw_kind(struct trib_rng *rng)
{
	return (enum trib_refund_kind)(1 + trib_rng_below(rng, 9));
}

static int compare_refunds(const void *a, const void *b)
{
	return trib_refund_before(a, b) ? -1 : trib_refund_before(b, a);
}

static int64_t lowers(const struct trib_refund *refund)
{
	return trib_refund_effect(refund->kind) == TRIB_REFUND_LOWERS ? refund->amount : 0;
}

/* Possible ones: no line has given back more than it had. */
static void draw(struct trib_rng *rng, struct drawn *drawn)
{
	int64_t scale = trib_rng_below(rng, 10) ? 1000 : INT64_MAX / 4;

	memset(drawn, 0, sizeof(*drawn));
	drawn->n = 1 + (uint32_t)trib_rng_below(rng, LINES_MAX);
	drawn->n_whole = (uint32_t)trib_rng_below(rng, WHOLE_MAX + 1);
	for (uint32_t i = 0; i < drawn->n; i++) {
		struct trib_group_line *line = &drawn->lines[i];
		int64_t left;

		line->base = (int64_t)trib_rng_below(rng, (uint64_t)scale);
		line->edits = &drawn->edits[i];
		line->own = drawn->own[i];
		if (trib_rng_below(rng, 4) == 0)
			line->edits[line->n_edits++] = (struct trib_base_edit){ 1 + (int64_t)trib_rng_below(rng, 20), TRIB_ORDER_PAID,
										 (int64_t)trib_rng_below(rng, (uint64_t)scale) };
		if (trib_rng_below(rng, 6) == 0)
			line->invalid_ms = 1 + (int64_t)trib_rng_below(rng, 20);
		left = line->n_edits ? line->edits[0].base : line->base;
		for (uint64_t own = trib_rng_below(rng, OWN_MAX); own; own--) {
			struct trib_refund *refund = &line->own[line->n_own++];

			*refund = (struct trib_refund){ .id = { "o", 1 }, .kind = draw_kind(rng), .at_ms = 1 + (int64_t)trib_rng_below(rng, 20),
							.amount = (int64_t)trib_rng_below(rng, (uint64_t)left / 2 + 1) };
			left -= lowers(refund);
		}
		qsort(line->own, line->n_own, sizeof(*line->own), compare_refunds);
	}
	for (uint32_t k = 0; k < drawn->n_whole; k++) {
		drawn->ids[k] = (char)('a' + k);
		drawn->whole[k] = (struct trib_refund){ .id = { &drawn->ids[k], 1 }, .kind = draw_kind(rng),
							.at_ms = 1 + (int64_t)trib_rng_below(rng, 20),
							.amount = (int64_t)trib_rng_below(rng, (uint64_t)scale) };
	}
	qsort(drawn->whole, drawn->n_whole, sizeof(drawn->whole[0]), compare_refunds);
}

/* What is left of a line's base at a time, refund by refund. */
static int64_t left_at(const struct drawn *drawn, uint32_t i, const struct trib_refund *before, const int64_t *parts, uint32_t k)
{
	const struct trib_group_line *line = &drawn->lines[i];
	int64_t left = line->base;

	if (line->n_edits && (!before || line->edits[0].at_ms <= before->at_ms))
		left = line->edits[0].base;
	for (uint32_t j = 0; j < line->n_own; j++)
		if (!before || !trib_refund_before(before, &line->own[j]))
			left -= lowers(&line->own[j]);
	for (uint32_t j = 0; j < k; j++)
		left -= lowers(&drawn->whole[j]) ? parts[j * drawn->n + i] : 0;
	return TRIB_MAX(left, 0);
}

/* The simple twin: one refund after the other, in the words of the header. */
static void twin(const struct drawn *drawn, int64_t *parts)
{
	for (uint32_t k = 0; k < drawn->n_whole; k++) {
		const struct trib_refund *whole = &drawn->whole[k];
		bool takes = trib_refund_effect(whole->kind) == TRIB_REFUND_LOWERS;
		int64_t rest = whole->amount, *mine = &parts[k * drawn->n];
		unsigned __int128 sum = 0;

		for (uint32_t i = 0; i < drawn->n; i++)
			if (!drawn->lines[i].invalid_ms || whole->at_ms <= drawn->lines[i].invalid_ms)
				sum += (unsigned __int128)left_at(drawn, i, whole, parts, k);
		for (uint32_t i = 0; i < drawn->n; i++) {
			bool gone = drawn->lines[i].invalid_ms && whole->at_ms > drawn->lines[i].invalid_ms;
			unsigned __int128 weight = gone ? 0 : (unsigned __int128)left_at(drawn, i, whole, parts, k);

			mine[i] = sum ? (int64_t)((unsigned __int128)whole->amount * weight / sum) : 0;
			if (takes)
				mine[i] = TRIB_MIN(mine[i], left_at(drawn, i, NULL, parts, k));
			rest -= mine[i];
		}
		for (int gone = 0; gone < 2; gone++)
			for (uint32_t i = drawn->n; i-- > 0;) {
				bool is_gone = drawn->lines[i].invalid_ms && whole->at_ms > drawn->lines[i].invalid_ms;
				int64_t more = takes ? TRIB_MIN(rest, left_at(drawn, i, NULL, parts, k) - mine[i]) : rest;

				if (gone || !is_gone) {
					mine[i] += more;
					rest -= more;
				}
			}
	}
}

static void random_groups_as_the_twin_has_it(void **state TRIB_UNUSED)
{
	static struct drawn drawn;
	int64_t parts[WHOLE_MAX * LINES_MAX], again[WHOLE_MAX * LINES_MAX];
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 100000; round++) {
		draw(&rng, &drawn);
		trib_group_share(drawn.lines, drawn.n, drawn.whole, drawn.n_whole, parts);
		twin(&drawn, again);
		assert_memory_equal(parts, again, drawn.n * drawn.n_whole * sizeof(parts[0]));
		for (uint32_t k = 0; k < drawn.n_whole; k++) {
			int64_t sum = 0;

			for (uint32_t i = 0; i < drawn.n; i++) {
				assert_true(parts[k * drawn.n + i] >= 0);
				sum += parts[k * drawn.n + i];
			}
			assert_true(sum <= drawn.whole[k].amount);
		}
		/* Every line can bear its parts beside its own. */
		for (uint32_t i = 0; i < drawn.n; i++)
			if (drawn.n_whole)
				assert_true(left_at(&drawn, i, NULL, parts, drawn.n_whole) >= 0);
	}
}

/* A line gets its parts, loses them, gets others. */
static void parts_among_a_lines_refunds(void **state TRIB_UNUSED)
{
	static struct trib_life_messages messages;
	struct trib_refund own = OWN(PARTIAL, 10, 5), parts[2] = { WHOLE(PARTIAL, 20, 3), WHOLE(RETURN, 30, 7) };
	const char *reason = NULL;
	bool changed;
	uint32_t at;

	parts[0].is_part = parts[1].is_part = true;
	parts[0].id = trib_bytes_text("a");
	parts[1].id = trib_bytes_text("own"); /* the same id as the line's own: another refund */
	assert_int_equal(trib_life_tell_refund(NULL, &messages, &own, &changed, &at, NULL), TRIB_OK);
	assert_true(trib_life_set_parts(&messages, parts, 2));
	assert_int_equal(messages.n_refunds, 3);
	assert_int_equal(messages.refunds[0].amount, 20);
	assert_int_equal(messages.refunds[1].amount, 10);
	assert_int_equal(messages.refunds[2].amount, 30);
	assert_true(trib_life_messages_check(&messages, &reason));
	messages.refunds[0].remaining = 77;
	assert_false(trib_life_set_parts(&messages, parts, 2));
	parts[0].amount = 21;
	assert_true(trib_life_set_parts(&messages, parts, 2));
	assert_int_equal(messages.refunds[0].remaining, 77);
	/* Telling the own again is a repeat, whatever the part says. */
	assert_int_equal(trib_life_tell_refund(NULL, &messages, &own, &changed, &at, NULL), TRIB_OK);
	assert_false(changed);
	assert_int_equal(at, 1);
	assert_true(trib_life_set_parts(&messages, parts, 1));
	assert_int_equal(messages.n_refunds, 2);
	assert_true(trib_life_set_parts(&messages, NULL, 0));
	assert_int_equal(messages.n_refunds, 1);
	assert_false(trib_life_set_parts(&messages, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(random_groups_as_the_twin_has_it),
		cmocka_unit_test(parts_among_a_lines_refunds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
