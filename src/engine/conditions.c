/*
 * Conditions that stand outside rule trees: a registration's `when`, a plan's `creators_when`, an activity's
 * `requirements_when`. Each is compiled
 * once, when it is first asked, as the `when` of a tree with one node, so that there is one compiler and one set
 * of facts. The domain numbers them.
 */
#include "engine/state.h"

struct condition {
	struct trib_tree *tree; /* NULL: not compiled yet */
};

struct conditions {
	struct condition *items; /* by number */
	uint32_t count;
};

static trib_status compile(struct trib_engine *engine, struct trib_bytes source, struct trib_tree **ret_tree,
			   struct trib_error *error)
{
	const struct trib_tree_options options = { .spaces = &engine->spaces, .key = &engine->table_key,
						   .name = "condition", .number = 1, .version = 1 };
	struct trib_buffer json;

	trib_buffer_init(&json, TRIB_LIMIT_CEL_SOURCE_BYTES * 6 + 64);
	trib_buffer_add_text(&json, "{\"root\":{\"id\":\"when\",\"when\":");
	trib_json_add_string(&json, source);
	trib_buffer_add_text(&json, "}}");
	trib_status status = json.failed ? trib_fail(error, TRIB_TOO_LARGE, "", "expected at most %d bytes",
						     TRIB_LIMIT_CEL_SOURCE_BYTES) :
					   trib_tree_new(&options, trib_buffer_bytes(&json), ret_tree, error);

	trib_buffer_fini(&json);
	return status;
}

/* What a condition may read at its place; anything else would never be there. */
static trib_fact_set facts_of(enum trib_condition_place place)
{
	trib_fact_set facts = trib_fact_group_masks[TRIB_GROUP_CREATOR];

	if (place == TRIB_CONDITION_REGISTRATION_WHEN)
		facts |= trib_fact_group_masks[TRIB_GROUP_GOODS] | trib_fact_group_masks[TRIB_GROUP_MERCHANT] |
			 trib_fact_group_masks[TRIB_GROUP_TOUCH] | trib_fact_group_masks[TRIB_GROUP_LINK];
	if (place == TRIB_CONDITION_REQUIREMENTS_WHEN)
		facts = trib_fact_group_masks[TRIB_GROUP_GOODS] | trib_fact_group_masks[TRIB_GROUP_MERCHANT] |
			TRIB_FACT_BIT(TRIB_FACT_TERMS_KIND) | TRIB_FACT_BIT(TRIB_FACT_TERMS_LEADER) |
			TRIB_FACT_BIT(TRIB_FACT_TERMS_COMMISSION_BPS) | TRIB_FACT_BIT(TRIB_FACT_TERMS_SERVICE_BPS);
	return facts;
}

trib_status conditions_check(void *context, enum trib_condition_place place,
			     struct trib_bytes source, struct trib_error *error)
{
	struct trib_engine *engine = context;
	struct trib_tree *tree;

	if (place == TRIB_CONDITION_PLAN_FILTER)
		return bulk_check_filter(source, error);
	trib_status status = compile(engine, source, &tree, error);

	if (status != TRIB_OK)
		return TRIB_INVALID;
	trib_fact_set foreign = trib_tree_facts(tree) & ~facts_of(place);

	trib_tree_unref(tree);
	if (foreign)
		return trib_fail(error, TRIB_INVALID, "", "found %s, expected facts of the %s",
				 trib_fact_rows[trib_fact_take(&foreign)].name,
				 place == TRIB_CONDITION_REGISTRATION_WHEN ? "creator, goods, merchant, touch or link" :
				 place == TRIB_CONDITION_REQUIREMENTS_WHEN ?
									     "goods or merchant, or the rates of the terms" :
									     "creator");
	return TRIB_OK;
}

static struct trib_tree *tree_of(struct trib_engine *engine, uint32_t condition)
{
	struct conditions *all = engine->conditions;

	if (!all)
		all = engine->conditions = trib_alloc_zeroed(1, sizeof(*all));
	if (condition >= all->count) {
		uint32_t count = trib_domain_condition_count(engine->domain) + 1;

		all->items = trib_realloc(all->items, count * sizeof(*all->items));
		memset(all->items + all->count, 0, (count - all->count) * sizeof(*all->items));
		all->count = count;
	}
	if (!all->items[condition].tree) {
		struct trib_error error;

		/* It was checked when it was put; should it fail now, it never holds. */
		if (compile(engine, trib_domain_condition(engine->domain, condition),
			    &all->items[condition].tree, &error) != TRIB_OK)
			return NULL;
	}
	/* Names may have come since: cheap when none waits. */
	if (trib_tree_waiting(all->items[condition].tree))
		trib_tree_resolve(all->items[condition].tree, &engine->spaces);
	return all->items[condition].tree;
}

static bool holds_within(struct trib_engine *engine, uint32_t condition, uint64_t steps, struct trib_facts *facts)
{
	struct trib_tree *tree = tree_of(engine, condition);
	struct trib_walk walk;

	if (!tree)
		return false;
	/* Many may be asked in one call, and outsiders write them: what is costly does not hold. */
	facts->steps = steps;
	trib_tree_walk(tree, facts, &walk);
	facts->steps = 0;
	return walk.outcome != TRIB_OUTCOME_NOT_DISTRIBUTED;
}

bool conditions_hold(struct trib_engine *engine, uint32_t condition, struct trib_facts *facts)
{
	return holds_within(engine, condition, TRIB_LIMIT_CEL_CONDITION_COST, facts);
}

bool conditions_creator(void *context, uint32_t condition, uint32_t creator, int64_t at_ms)
{
	struct trib_engine *engine = context;
	const struct trib_market market = engine_market(engine);
	struct trib_facts facts;

	trib_facts_init(&facts, &engine->spaces, &engine->facts_arena);
	trib_facts_open_creator(&market, &facts, creator, at_ms);
	/* An order asks those of all plans of its goods (GOODS_CONDITIONS), for each touch. */
	return holds_within(engine, condition, TRIB_LIMIT_CEL_CREATORS_COST, &facts);
}

bool conditions_meets(void *context, const struct trib_recruited *recruited)
{
	struct trib_engine *engine = context;
	const struct trib_market market = engine_market(engine);
	struct trib_facts facts;

	trib_facts_init(&facts, &engine->spaces, &engine->facts_arena);
	trib_facts_open_goods(&market, &facts, recruited->goods, recruited->at_ms);
	trib_facts_open(&facts, TRIB_GROUP_TERMS);
	trib_facts_set(&facts, TRIB_FACT_TERMS_KIND, TRIB_WORD_ACTIVITY);
	trib_facts_set_string(&facts, TRIB_FACT_TERMS_LEADER, recruited->leader, (struct trib_bytes){ 0 });
	trib_facts_set(&facts, TRIB_FACT_TERMS_COMMISSION_BPS, recruited->commission_bps);
	trib_facts_set(&facts, TRIB_FACT_TERMS_SERVICE_BPS, recruited->service_bps);
	return conditions_hold(engine, recruited->condition, &facts);
}

void conditions_fini(struct trib_engine *engine)
{
	struct conditions *all = engine->conditions;

	if (!all)
		return;
	for (uint32_t i = 0; i < all->count; i++)
		if (all->items[i].tree)
			trib_tree_unref(all->items[i].tree);
	free(all->items);
	free(all);
	engine->conditions = NULL;
}
