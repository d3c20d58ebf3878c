/* Earlier siblings that take all of a later one's orders: found by what they ask, against looking at all of them. */
#include <inttypes.h>

#include "world.h"

#include "rules/wider.h"

enum { SIBLINGS = 40, ROUNDS = 3000, TEXT_MAX = 4000 };

struct sibling {
	char text[TEXT_MAX];
	const struct cond *cond;
	struct trib_expr_program *program;
	bool scheduled;
};

/* Few facts and few values, so that conditions often imply each other. */
static void add_random(struct trib_rng *rng, char *text, int depth)
{
	static const char *const words[] = { "a", "b", "c" };
	int a = (int)trib_rng_below(rng, 3), b = (int)trib_rng_below(rng, 3);

	text += strlen(text);
	if (depth && trib_rng_chance(rng, 0.5)) {
		const char *operator= trib_rng_chance(rng, 0.6) ? " && " : " || ";
		int parts = 2 + (int)trib_rng_below(rng, 2);

		strcat(text, "(");
		for (int i = 0; i < parts; i++) {
			strcat(text, i ? operator: "");
			add_random(rng, text, depth - 1);
		}
		strcat(text, ")");
		return;
	}
	switch (trib_rng_below(rng, 9)) {
	case 0:
		sprintf(text, "goods.category == '%s'", words[a]);
		break;
	case 1:
		sprintf(text, "goods.category in ['%s', '%s']", words[a], words[b]);
		break;
	case 2:
		sprintf(text, "goods.category != '%s'", words[a]);
		break;
	case 3:
		sprintf(text, "order.qty == %d", a);
		break;
	case 4:
		sprintf(text, "order.qty > %d", a);
		break;
	case 5:
		sprintf(text, "order.base > %d", a);
		break;
	case 6:
		sprintf(text, "%s('%s' in creator.tags)", trib_rng_chance(rng, 0.3) ? "!" : "", words[a]);
		break;
	case 7:
		sprintf(text, "has(touch)");
		break;
	default:
		sprintf(text, "goods.brand.startsWith('%s')", words[a]);
		break;
	}
}

static void make(struct sibling *sibling, struct trib_rng *rng, struct trib_arena *arena, struct constants *constants)
{
	struct trib_error error;
	trib_fact_set facts;

	sibling->text[0] = '\0';
	add_random(rng, sibling->text, 2);
	sibling->scheduled = trib_rng_chance(rng, 0.1);
	assert_ok(condition_check(trib_bytes_text(sibling->text), TRIB_TYPE_BOOL, "when", &sibling->program, &facts,
				  &error),
		  error);
	sibling->cond = condition_make(sibling->program, arena, constants);
}

/* The first of those before `place` that has the same text or is implied. */
static int64_t twin_find(const struct sibling *siblings, uint32_t place)
{
	for (uint32_t i = 0; i < place; i++) {
		uint32_t steps = 1000000;

		if (!siblings[i].scheduled && !strcmp(siblings[i].text, siblings[place].text))
			return i;
		if (condition_implies(siblings[place].cond, siblings[i].cond, &steps))
			return i;
	}
	return -1;
}

static void the_twin_agrees(void **state)
{
	static struct sibling siblings[SIBLINGS];
	uint64_t seed = trib_test_seed(), found = 0;
	struct trib_rng rng;

	trib_rng_seed(&rng, seed);
	for (int round = 0; round < ROUNDS; round++) {
		struct constants constants = { trib_names_new(&world_key) };
		struct wider *wider = wider_new(SIBLINGS);
		struct trib_arena arena;

		trib_arena_init(&arena, 16 << 20);
		for (uint32_t i = 0; i < SIBLINGS; i++) {
			struct sibling *sibling = &siblings[i];
			uint32_t steps = 10000000;

			make(sibling, &rng, &arena, &constants);
			int64_t expected = twin_find(siblings, i);
			int64_t seen = sibling->cond->kind == COND_NEVER ?
					       expected :
					       wider_find(wider, sibling->cond, trib_bytes_text(sibling->text), &steps);

			if (seen != expected)
				fail_msg("seed %" PRIu64 ": %s: found %s, expected %s", seed, sibling->text,
					 seen < 0 ? "none" : siblings[seen].text,
					 expected < 0 ? "none" : siblings[expected].text);
			found += seen >= 0;
			wider_add(wider, i, sibling->cond, trib_bytes_text(sibling->text), sibling->scheduled);
		}
		for (uint32_t i = 0; i < SIBLINGS; i++)
			trib_expr_free(siblings[i].program);
		wider_free(wider);
		trib_names_free(constants.names);
		trib_arena_fini(&arena);
	}
	assert_true(found > ROUNDS);
}

/* Without steps left, nothing is compared, and nothing claimed but what is written the same. */
static void it_ends(void **state)
{
	struct constants constants = { trib_names_new(&world_key) };
	struct trib_bytes text = trib_bytes_text("order.qty > 1"), other = trib_bytes_text("order.qty > 2");
	struct trib_expr_program *programs[2];
	struct wider *wider = wider_new(2);
	const struct cond *conds[2];
	struct trib_arena arena;
	struct trib_error error;
	trib_fact_set facts;
	uint32_t steps = 0;

	trib_arena_init(&arena, 1 << 20);
	for (int i = 0; i < 2; i++) {
		assert_ok(condition_check(i ? other : text, TRIB_TYPE_BOOL, "when", &programs[i], &facts, &error), error);
		conds[i] = condition_make(programs[i], &arena, &constants);
		trib_expr_free(programs[i]);
	}
	wider_add(wider, 0, conds[0], text, false);
	assert_int_equal(wider_find(wider, conds[1], other, &steps), -1);
	assert_int_equal(wider_find(wider, conds[0], text, &steps), 0);
	steps = 10;
	assert_int_equal(wider_find(wider, conds[1], other, &steps), 0);
	wider_free(wider);
	trib_names_free(constants.names);
	trib_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_twin_agrees),
		cmocka_unit_test(it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
