/*
 * What CEL costs: compiling, and evaluating expressions of the kinds that rules, pools and formulas hold, by the
 * general evaluator (rule trees compile the simple forms further).
 *
 *	bench-cel [MILLISECONDS a row]
 */
#include "base/clock.h"
#include "expr/expr.h"

static const struct trib_expr_variable variables[] = {
	{ "order.qty", &trib_type_int },
	{ "goods.price", &trib_type_int },
	{ "goods.category", &trib_type_string },
	{ "touch", NULL },
	{ "touch.carrier", &trib_type_string },
	{ "touch.age", &trib_type_duration },
	{ "creator.tags", &trib_type_list_string },
	{ "creator.score", &trib_type_double },
	{ "order.created_at", &trib_type_timestamp },
	{ "order.ext", &trib_type_map_string },
};

struct facts {
	struct trib_value values[TRIB_ARRAY_SIZE(variables)];
};

static bool get(void *context, uint32_t index, struct trib_arena *arena,
		struct trib_value *ret_value)
{
	*ret_value = ((const struct facts *)context)->values[index];
	return true;
}

static const char *const rows[] = {
	"order.qty > 2",
	"goods.category == 'beauty'",
	"order.qty > 2 && goods.price < 10000",
	"has(touch) && touch.age < duration('30m') && touch.carrier in ['live', 'video']",
	"goods.category == 'digital' ? goods.price > 100000 : creator.score > 4.5",
	"order.qty * goods.price / 100 + 5",
	"'new' in creator.tags",
	"goods.category in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', "
	"'beauty']",
	"creator.tags.exists(t, t.startsWith('top'))",
	"order.ext['coupon'] == 'x1' || order.ext.coupon == 'x2'",
	"order.created_at.getHours('Asia/Shanghai') >= 20",
	"goods.category.matches('^(beauty|food)$')",
	"creator.tags.map(t, t.size()).filter(n, n > 3).size() == 2",
	"[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(x, x > 0)",
	"'%s-%d'.format([goods.category, order.qty])",
};

static struct trib_value text(const char *value)
{
	return trib_value_string(trib_bytes_text(value));
}

static void fill(struct facts *facts, struct trib_arena *arena)
{
	static struct trib_value tags[4], keys[2], values[2];

	for (int i = 0; i < 4; i++)
		tags[i] = text((const char *[]){ "new", "beauty", "level5", "top100" }[i]);
	keys[0] = text("coupon");
	values[0] = text("x2");
	keys[1] = text("room");
	values[1] = text("r77");
	facts->values[0] = trib_value_int(3);
	facts->values[1] = trib_value_int(5990);
	facts->values[2] = text("beauty");
	facts->values[3] = trib_value_bool(true);
	facts->values[4] = text("video");
	facts->values[5] = trib_value_duration_ms(90000);
	trib_assert(trib_value_list(arena, tags, 4, &facts->values[6]) == TRIB_OK);
	facts->values[7] = trib_value_double(4.7);
	facts->values[8] = trib_value_timestamp_ms(INT64_C(1763813400000));
	trib_assert(trib_value_map(arena, keys, values, 2, &facts->values[9]) == TRIB_OK);
}

static double evaluate_for(const struct trib_expr_program *program, struct facts *values,
			   int64_t for_ns)
{
	struct trib_expr_facts facts = { get, values };
	struct trib_arena arena;
	struct trib_value value;
	uint64_t count = 0;
	int64_t begin_ns = trib_cpu_thread_ns(), now_ns = begin_ns;

	trib_arena_init(&arena, 1 << 20);
	while (now_ns - begin_ns < for_ns) {
		for (int i = 0; i < 1000; i++) {
			trib_arena_reset(&arena);
			trib_assert(trib_expr_eval(program, &facts, &arena, &value, NULL) ==
				    TRIB_OK);
		}
		count += 1000;
		now_ns = trib_cpu_thread_ns();
	}
	trib_arena_fini(&arena);
	return (double)(now_ns - begin_ns) / (double)count;
}

int main(int argc, char **argv)
{
	int64_t for_ns = (argc > 1 ? atoi(argv[1]) : 300) * INT64_C(1000000);
	struct trib_expr_env env = { .variables = variables,
				     .variable_count = TRIB_ARRAY_SIZE(variables),
				     .flags = TRIB_EXPR_FACTS };
	struct facts values;
	struct trib_arena arena;

	trib_arena_init(&arena, 1 << 20);
	fill(&values, &arena);
	printf("%-98s %9s %12s %10s\n", "expression", "ns", "million/s", "compile µs");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_expr_program *program = NULL;
		struct trib_expr_error error;
		int64_t begin_ns = trib_cpu_thread_ns();

		for (int j = 0; j < 100; j++) {
			trib_expr_free(program);
			if (trib_expr_compile(&env, trib_bytes_text(rows[i]), &program, &error) !=
			    TRIB_OK) {
				printf("%s: %s\n", rows[i], error.text);
				return 1;
			}
		}
		double compile_us = (double)(trib_cpu_thread_ns() - begin_ns) / 100 / 1000;
		double each_ns = evaluate_for(program, &values, for_ns);

		printf("%-98s %9.1f %12.2f %10.1f\n", rows[i], each_ns, 1000 / each_ns, compile_us);
		trib_expr_free(program);
	}
	trib_arena_fini(&arena);
	return 0;
}
