/* Formulas, flat and by the evaluator: the same number, or the same failure. */
#include "world.h"

#include "rules/formula.h"

/* NULL: its constants come to an error by themselves, which is refused. */
static const struct formula *make_formula(const char *source, struct trib_arena *arena, struct trib_expr_program **ret_program)
{
	struct trib_error error;
	trib_fact_set read;

	if (condition_compile(trib_bytes_text(source), TRIB_TYPE_INT, "base", ret_program, &read, &error) != TRIB_OK)
		return NULL;
	return formula_make(*ret_program, arena);
}

#define FAILS INT64_C(-987654321)

static const struct {
	const char *source;
	bool flat;
	const char *facts;
	int64_t result; /* FAILS: an error */
} rows[] = {
	{ "order.paid - order.freight - order.tax + order.coupon_platform", true,
	  "order.paid=1000 order.freight=100 order.coupon_platform=30", 930 },
	{ "order.paid", true, "order", 0 },
	{ "42", true, "order", 42 },
	{ "-order.paid", true, "order.paid=7", -7 },
	{ "-order.paid", true, "order.paid=-9223372036854775808", FAILS },
	{ "order.paid * 90 / 100", true, "order.paid=999", 899 },
	{ "order.paid % 10", true, "order.paid=-17", -7 },
	{ "order.paid / order.qty", true, "order.paid=7 order.qty=0", FAILS },
	{ "order.paid % order.qty", true, "order.paid=7 order.qty=0", FAILS },
	{ "order.paid / order.tax", true, "order.paid=-9223372036854775808 order.tax=-1", FAILS },
	{ "order.paid * order.paid", true, "order.paid=4000000000", FAILS },
	{ "order.paid > 100 ? order.paid - 100 : 0", true, "order.paid=150", 50 },
	{ "order.paid > 100 ? order.paid - 100 : 0", true, "order.paid=100", 0 },
	{ "order.base_stated ? 1 : order.qty > 2 && order.tax == 0 ? 2 : 3", true, "order.qty=3", 2 },
	{ "order.base_stated || !(order.qty != 3) ? 1 : 2", true, "order.qty=3", 1 },
	{ "order.qty == 0 ? 0 : order.paid / order.qty", true, "order.qty=0 order.paid=5", 0 },
	{ "math.greatest(order.paid - order.freight, 0, order.tax)", true, "order.paid=5 order.freight=9", 0 },
	{ "math.least(order.paid, 10)", true, "order.paid=50", 10 },
	{ "touch.count + 1", true, "order", FAILS },
	{ "touch.count + 1", true, "order touch.count=2", 3 },
	/* An error on one side may be made good by the other: the evaluator's. */
	{ "touch.count > 1 || order.qty == 1 ? 1 : 2", false, "order.qty=1", 1 },
	{ "order.paid / order.qty > 1 && order.qty > 9 ? 1 : 2", false, "order.qty=0", 2 },
	{ "has(order.ext.k) ? 1 : 2", false, "order.ext=k:v", 1 },
	{ "order.kind == 'presale' ? 1 : 2", false, "order", 2 },
	{ "int(double(order.paid) * 0.5)", false, "order.paid=9", 4 },
	{ "size(order.site) + order.paid", false, "order.paid=9", 9 },
};

static void table(void **state TRIB_UNUSED)
{
	struct world world;
	struct trib_arena arena;

	world_init(&world);
	trib_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_expr_program *program;
		const struct formula *formula = make_formula(rows[i].source, &arena, &program);
		struct world_facts facts;
		int64_t result = FAILS;

		assert_non_null(formula);
		formula_eval(formula, world_facts(&world, rows[i].facts, &facts), &result);
		if (formula_is_flat(formula) != rows[i].flat || result != rows[i].result)
			fail_msg("%s of %s: %lld, %s", rows[i].source, rows[i].facts, (long long)result,
				 formula_is_flat(formula) ? "flat" : "evaluated");
		trib_expr_free(program);
	}
	trib_arena_fini(&arena);
	world_fini(&world);
}

/* ---- Random ------------------------------------------------------------------------------------------- */

static const char *const ints[] = { "order.paid", "order.freight", "order.tax", "order.qty", "order.deposit", "touch.count",
				    "goods.price", "0", "1", "-1", "2", "100", "10000", "9223372036854775807", "3037000500" };

static void add_int(struct trib_rng *rng, int depth, struct trib_buffer *out);

static void add_bool(struct trib_rng *rng, int depth, struct trib_buffer *out)
{
	static const char *const compares[] = { "<", "<=", ">", ">=", "==", "!=" };

	trib_buffer_add_char(out, '(');
	switch (depth > 0 ? trib_rng_below(rng, 7) : 0) {
	default:
		add_int(rng, depth - 1, out);
		trib_buffer_add_format(out, " %s ", compares[trib_rng_below(rng, 6)]);
		add_int(rng, depth - 1, out);
		break;
	case 4:
		trib_buffer_add_text(out, "order.base_stated");
		break;
	case 5:
		add_bool(rng, depth - 1, out);
		trib_buffer_add_text(out, trib_rng_below(rng, 2) ? " && " : " || ");
		add_bool(rng, depth - 1, out);
		break;
	case 6:
		trib_buffer_add_char(out, '!');
		add_bool(rng, depth - 1, out);
		break;
	}
	trib_buffer_add_char(out, ')');
}

static void add_int(struct trib_rng *rng, int depth, struct trib_buffer *out)
{
	if (depth <= 0 || trib_rng_below(rng, 5) == 0) {
		trib_buffer_add_text(out, ints[trib_rng_below(rng, TRIB_ARRAY_SIZE(ints))]);
		return;
	}
	trib_buffer_add_char(out, '(');
	switch (trib_rng_below(rng, 8)) {
	case 0:
		add_bool(rng, depth - 1, out);
		trib_buffer_add_text(out, " ? ");
		add_int(rng, depth - 1, out);
		trib_buffer_add_text(out, " : ");
		add_int(rng, depth - 1, out);
		break;
	case 1:
		trib_buffer_add_text(out, trib_rng_below(rng, 2) ? "math.greatest(" : "math.least(");
		add_int(rng, depth - 1, out);
		trib_buffer_add_text(out, ", ");
		add_int(rng, depth - 1, out);
		trib_buffer_add_char(out, ')');
		break;
	case 2:
		trib_buffer_add_text(out, "- ");
		add_int(rng, depth - 1, out);
		break;
	default:
		add_int(rng, depth - 1, out);
		trib_buffer_add_format(out, " %c ", "+-*/%"[trib_rng_below(rng, 5)]);
		add_int(rng, depth - 1, out);
	}
	trib_buffer_add_char(out, ')');
}

static int64_t draw_value(struct trib_rng *rng)
{
	static const int64_t edges[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 100, INT64_C(1) << 31 };

	return trib_rng_below(rng, 3) ? (int64_t)trib_rng_below(rng, 100000) : edges[trib_rng_below(rng, TRIB_ARRAY_SIZE(edges))];
}

static void draw_facts(struct trib_rng *rng, struct world *world, struct trib_facts *facts)
{
	static const enum trib_fact all[] = { TRIB_FACT_ORDER_PAID, TRIB_FACT_ORDER_FREIGHT, TRIB_FACT_ORDER_TAX,
					      TRIB_FACT_ORDER_QTY, TRIB_FACT_ORDER_DEPOSIT };

	trib_facts_init(facts, &world->spaces, &world->scratch);
	trib_facts_open(facts, TRIB_GROUP_ORDER);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(all); i++)
		if (trib_rng_below(rng, 4))
			trib_facts_set(facts, all[i], draw_value(rng));
	trib_facts_set_bool(facts, TRIB_FACT_ORDER_BASE_STATED, trib_rng_below(rng, 2));
	if (trib_rng_below(rng, 2)) {
		trib_facts_open(facts, TRIB_GROUP_TOUCH);
		trib_facts_set(facts, TRIB_FACT_TOUCH_COUNT, draw_value(rng));
	}
	if (trib_rng_below(rng, 2)) {
		trib_facts_open(facts, TRIB_GROUP_GOODS);
		trib_facts_set(facts, TRIB_FACT_GOODS_PRICE, draw_value(rng));
	}
}

static void as_the_evaluator_has_it(void **state TRIB_UNUSED)
{
	unsigned flat = 0, failed = 0, formulas = 4000;
	struct world world;
	struct trib_arena arena;
	struct trib_buffer source;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	world_init(&world);
	trib_arena_init(&arena, 1 << 20);
	trib_buffer_init(&source, 1 << 20);
	for (unsigned i = 0; i < formulas; i++) {
		struct trib_expr_program *program;

		trib_buffer_reset(&source);
		add_int(&rng, 5, &source);
		if (source.size > 2000)
			continue;
		const struct formula *formula = make_formula(trib_buffer_text(&source), &arena, &program);

		if (!formula)
			continue;
		flat += formula_is_flat(formula);
		for (int j = 0; j < 20; j++) {
			struct trib_facts facts;
			struct trib_value value;
			int64_t result = 0;

			draw_facts(&rng, &world, &facts);
			bool ok = condition_eval(program, &facts, &value) == TRIB_OK && value.kind == TRIB_VALUE_INT;

			failed += !ok;
			assert_int_equal(formula_eval(formula, &facts, &result), ok);
			if (ok && result != value.integer)
				fail_msg("%s: %lld, expected %lld", trib_buffer_text(&source), (long long)result,
					 (long long)value.integer);
		}
		trib_expr_free(program);
		trib_arena_reset(&arena);
	}
	printf("# %u of %u formulas are flat, %u of %u values errors\n", flat, formulas, failed, 20 * formulas);
	assert_true(flat > formulas / 4);
	trib_buffer_fini(&source);
	trib_arena_fini(&arena);
	world_fini(&world);
}

/* A chain of a thousand: the evaluator's, and no recursion as deep. */
static void long_chains(void **state TRIB_UNUSED)
{
	struct trib_expr_program *program;
	struct trib_buffer source;
	struct trib_arena arena;
	struct world world;
	struct world_facts facts;
	int64_t result = 0;

	world_init(&world);
	trib_arena_init(&arena, 1 << 20);
	trib_buffer_init(&source, 1 << 20);
	trib_buffer_add_text(&source, "order.paid");
	for (int i = 0; i < 300; i++)
		trib_buffer_add_text(&source, "+1");
	const struct formula *formula = make_formula(trib_buffer_text(&source), &arena, &program);

	assert_false(formula_is_flat(formula));
	assert_true(formula_eval(formula, world_facts(&world, "order.paid=5", &facts), &result));
	assert_int_equal(result, 305);
	trib_expr_free(program);
	trib_buffer_fini(&source);
	trib_arena_fini(&arena);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(as_the_evaluator_has_it),
		cmocka_unit_test(long_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
