/* The table of facts, and values in the form in which they are compared. */
#include "world.h"

static void doubles_keep_their_order(void **state)
{
	static const double rising[] = {
		-__builtin_inf(), -1e308, -4.5, -1,  -5e-324, 0,
		5e-324,		  0.5,	  1,	4.5, 1e308,   __builtin_inf()
	};
	struct trib_rng rng;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rising); i++) {
		assert_true(trib_fact_to_double(trib_fact_of_double(rising[i])) == rising[i]);
		if (i)
			assert_true(trib_fact_of_double(rising[i - 1]) <
				    trib_fact_of_double(rising[i]));
	}
	assert_true(trib_fact_of_double(-0.0) == trib_fact_of_double(0.0));
	assert_true(trib_fact_of_double(__builtin_nan("")) == INT64_MAX);
	assert_true(trib_fact_of_double(__builtin_nan("")) > trib_fact_of_double(__builtin_inf()));
	assert_true(trib_fact_to_double(INT64_MAX) != trib_fact_to_double(INT64_MAX));
	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 100000; i++) {
		uint64_t bits[2] = { trib_rng_u64(&rng), trib_rng_u64(&rng) };
		double a, b;

		memcpy(&a, &bits[0], 8);
		memcpy(&b, &bits[1], 8);
		if (a == a && b == b) {
			assert_true((a < b) == (trib_fact_of_double(a) < trib_fact_of_double(b)));
			assert_true(trib_fact_to_double(trib_fact_of_double(a)) == a);
		}
	}
}

static void facts_are_found_by_name(void **state)
{
	trib_fact_set all = 0;

	for (int fact = 1; fact < TRIB_FACTS; fact++) {
		const struct trib_fact_row *row = &trib_fact_rows[fact];
		struct trib_bytes name = trib_bytes_text(row->name), group;

		assert_non_null(row->name);
		assert_int_equal(trib_fact_find(name), fact);
		group = trib_bytes_text(trib_fact_group_name((enum trib_fact_group)row->group));
		assert_true(name.size > group.size &&
			    memcmp(name.data, group.data, group.size) == 0 &&
			    name.data[group.size] == '.');
		assert_true((trib_fact_group_masks[row->group] & TRIB_FACT_BIT(fact)) != 0);
		assert_int_equal(trib_fact_in(&trib_facts_engine_only, (unsigned)fact),
				 row->home == TRIB_FACT_ENGINE);
		assert_true((row->space != TRIB_SPACE_NONE) ==
			    (row->kind == TRIB_FACT_STRING || row->kind == TRIB_FACT_TAGS || row->kind == TRIB_FACT_JSON));
		assert_true(row->doc[0]);
	}
	for (int group = 0; group < TRIB_GROUPS; group++) {
		assert_true((all & trib_fact_group_masks[group]) == 0);
		all |= trib_fact_group_masks[group];
	}
	assert_true(all == (TRIB_FACT_BIT(TRIB_FACTS) - 1) - 1);
	assert_int_equal(trib_fact_find(trib_bytes_text("order.carrier.kind")),
			 TRIB_FACT_ORDER_CARRIER);
	assert_int_equal(trib_fact_find(trib_bytes_text("order")), TRIB_FACT_NONE);
	assert_int_equal(trib_fact_find(trib_bytes_text("")), TRIB_FACT_NONE);
}

/* Words that some facts are limited to have fixed codes in the dictionary, which the engine fills in. */
static void words_are_those_of_the_domain(void **state)
{
	static const struct {
		enum trib_fact fact;
		const char *words;
	} rows[] = {
		{ TRIB_FACT_CREATOR_STATUS, TRIB_WORDS_STATUS },
		{ TRIB_FACT_TERMS_KIND, TRIB_WORDS_PLAN },
		{ TRIB_FACT_TOUCH_KIND, TRIB_WORDS_TOUCH },
		{ TRIB_FACT_TOUCH_MATCH, TRIB_WORDS_MATCH },
	};
	static const char *const words[] = {
#define X(name, code, word) word,
		TRIB_OTHER_WORD_TABLE(X)
#undef X
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		assert_string_equal(trib_fact_rows[rows[i].fact].words, rows[i].words);
		for (const char *p = rows[i].words; *p; p += strcspn(p, "|"), p += *p == '|') {
			bool found = false;

			for (size_t j = 0; j < TRIB_ARRAY_SIZE(words); j++)
				found |= trib_bytes_is(trib_bytes(p, strcspn(p, "|")), words[j]);
			assert_true(found);
		}
	}
}

static void texts_come_from_their_spaces(void **state)
{
	struct world world;
	struct world_facts facts;

	world_init(&world);
	world_add(&world, TRIB_SPACE_PARTY, "p1");
	world_facts(&world, "order.page=new order.carrier.owner=p1", &facts);
	assert_true(trib_bytes_is(trib_facts_text(&facts.facts, TRIB_FACT_ORDER_PAGE), "new"));
	assert_true(
		trib_bytes_is(trib_facts_text(&facts.facts, TRIB_FACT_ORDER_CARRIER_OWNER), "p1"));
	assert_true(trib_bytes_is(trib_facts_text(&facts.facts, TRIB_FACT_ORDER_CARRIER), ""));
	trib_facts_set(&facts.facts, TRIB_FACT_MERCHANT_STATUS, 0);
	assert_true(trib_bytes_is(trib_facts_text(&facts.facts, TRIB_FACT_MERCHANT_STATUS), ""));
	world_fini(&world);
}

static void sets_hold_all_facts(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 1000; round++) {
		bool in[TRIB_FACTS] = { false };
		trib_fact_set set = 0;

		for (int i = 0; i < 20; i++) {
			unsigned fact = 1 + (unsigned)trib_rng_below(&rng, TRIB_FACTS - 1);

			set |= TRIB_FACT_BIT(fact);
			in[fact] = true;
		}
		for (unsigned fact = 0; fact < TRIB_FACTS; fact++)
			assert_int_equal(trib_fact_in(&set, fact), in[fact]);
		for (unsigned fact = 0; fact < TRIB_FACTS; fact++)
			if (in[fact])
				assert_int_equal(trib_fact_take(&set), fact);
		assert_true(set == 0);
	}
}

/* A path's parts, whatever its slashes. */
static void paths_have_parts(void **state)
{
	static const struct {
		const char *path, *parts;
	} rows[] = {
		{ "", "" },	      { "beauty", "beauty;" },
		{ "/", "" },	      { "a/b/c", "a;b;c;" },
		{ "/a//b/", "a;b;" }, { "美妆/口红", "美妆;口红;" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_bytes rest = trib_bytes_text(rows[i].path), part;
		char found[64] = "";

		while (trib_facts_next_part(&rest, &part))
			sprintf(found + strlen(found), TRIB_BYTES_FMT ";", TRIB_BYTES_ARG(part));
		assert_string_equal(found, rows[i].parts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_keep_their_order),
		cmocka_unit_test(facts_are_found_by_name),
		cmocka_unit_test(words_are_those_of_the_domain),
		cmocka_unit_test(texts_come_from_their_spaces),
		cmocka_unit_test(sets_hold_all_facts),
		cmocka_unit_test(paths_have_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
