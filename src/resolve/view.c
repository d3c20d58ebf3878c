#include "resolve/view.h"

#include <sodium.h>
#include "proto/proto.h"
#include "resolve/fold.h"

struct trib_view {
	struct trib_hash_key key; /* of tables: ids come from outside */
	struct trib_domain *domain;
	struct trib_rules *rules;
	struct trib_order_path *plays;
	struct trib_spaces spaces;
	struct trib_market market;
	struct trib_tree **conditions; /* by number, from 1; NULL where one does not compile */
	uint32_t n_conditions, n_waiting; /* waiting: for names that are not known yet */
	uint64_t id, position;
	int64_t made_ms;
	bool full;    /* a full part is being taken, and no event of it has come yet */
	bool loading; /* rows of the domain are coming in */
};

/* Conditions of plans are evaluated inside the domain, which knows no thread: theirs is set around each order. */
static _Thread_local struct trib_arena *condition_scratch;

static struct trib_market_state state_of(const struct trib_view *view)
{
	return (struct trib_market_state){ view->domain, view->rules, view->plays };
}

static void make_market(struct trib_view *view, uint32_t platform)
{
	view->market = (struct trib_market){ view->domain, view->rules, &view->spaces, platform, view->plays };
}

/* --- Names -------------------------------------------------------------------------------------------- */

uint32_t trib_view_registration(void *context, struct trib_bytes id)
{
	const struct trib_view *view = context;

	return trib_domain_find(view->domain, TRIB_NOUN_REGISTRATION, id);
}

/* --- Conditions --------------------------------------------------------------------------------------- */

/* Does a plan's creators_when hold? Its tree was compiled when the plan came. */
static bool condition_holds(void *context, uint32_t condition, uint32_t creator, int64_t at_ms)
{
	const struct trib_view *view = context;
	struct trib_facts facts;
	struct trib_walk walk;

	if (condition > view->n_conditions || !view->conditions[condition] || !condition_scratch)
		return false;
	trib_facts_init(&facts, &view->spaces, condition_scratch);
	facts.steps = TRIB_LIMIT_CEL_CREATORS_COST; /* as the engine has it: both say the same */
	trib_facts_open_creator(&view->market, &facts, creator, at_ms);
	trib_tree_walk(view->conditions[condition], &facts, &walk);
	return walk.outcome != TRIB_OUTCOME_NOT_DISTRIBUTED;
}

/* What stands outside trees is compiled as a tree of one node, as the engine does. NULL where it does not. */
static struct trib_tree *compile(struct trib_view *view, struct trib_bytes source)
{
	const struct trib_tree_options options = { .spaces = &view->spaces, .key = &view->key, .name = "condition",
						   .number = 1, .version = 1 };
	struct trib_tree *tree = NULL;
	struct trib_buffer json;

	trib_buffer_init(&json, TRIB_LIMIT_CEL_SOURCE_BYTES * 6 + 64);
	trib_buffer_add_text(&json, "{\"root\":{\"id\":\"when\",\"when\":");
	trib_json_add_string(&json, source);
	trib_buffer_add_text(&json, "}}");
	if (!json.failed && trib_tree_new(&options, trib_buffer_bytes(&json), &tree, NULL) != TRIB_OK)
		tree = NULL;
	trib_buffer_fini(&json);
	return tree;
}

/* After every part: new conditions, and names that old ones have waited for. */
static void compile_conditions(struct trib_view *view)
{
	uint32_t count = trib_domain_condition_count(view->domain);

	view->conditions = trib_realloc(view->conditions, (count + 1) * sizeof(*view->conditions));
	view->conditions[0] = NULL;
	view->n_waiting = 0;
	for (uint32_t i = 1; i <= count; i++) {
		if (i > view->n_conditions)
			view->conditions[i] = compile(view, trib_domain_condition(view->domain, i));
		else if (view->conditions[i] && trib_tree_waiting(view->conditions[i]))
			trib_tree_resolve(view->conditions[i], &view->spaces);
		view->n_waiting += view->conditions[i] && trib_tree_waiting(view->conditions[i]);
	}
	view->n_conditions = count;
}

/* --- Life --------------------------------------------------------------------------------------------- */

struct trib_view *trib_view_new(void)
{
	struct trib_view *view = trib_alloc_zeroed(1, sizeof(*view));
	const struct trib_domain_hooks hooks = { .context = view, .creators_when = condition_holds };

	trib_assert(sodium_init() >= 0);
	randombytes_buf(&view->key, sizeof(view->key));
	view->domain = trib_domain_new(&view->key);
	trib_domain_set_hooks(view->domain, &hooks);
	view->spaces = trib_resolve_spaces(view->domain);
	view->rules = trib_rules_new(&view->key, &view->spaces);
	view->plays = trib_order_path_new();
	make_market(view, 0);
	return view;
}

void trib_view_free(struct trib_view *view)
{
	if (!view)
		return;
	for (uint32_t i = 1; i <= view->n_conditions; i++)
		if (view->conditions[i])
			trib_tree_unref(view->conditions[i]);
	free(view->conditions);
	trib_rules_free(view->rules);
	trib_domain_free(view->domain);
	trib_order_path_free(view->plays);
	free(view);
}

const struct trib_market *trib_view_market(const struct trib_view *view)
{
	return &view->market;
}

uint64_t trib_view_position(const struct trib_view *view)
{
	return view->position;
}

uint64_t trib_view_id(const struct trib_view *view)
{
	return view->id;
}

int64_t trib_view_made_ms(const struct trib_view *view)
{
	return view->made_ms;
}

/* --- Taking parts ------------------------------------------------------------------------------------- */

static trib_status end_domain(struct trib_view *view, struct trib_error *error)
{
	if (!view->loading)
		return TRIB_OK;
	view->loading = false;
	trib_order_path_ready(view->plays);
	return trib_domain_load_done(view->domain, error);
}

static trib_status take_row(struct trib_view *view, const struct trib_snapshot_item *item, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	if (trib_market_table_is_rules(item->table))
		status = end_domain(view, error);
	else if (!view->loading)
		status = trib_fail(error, TRIB_CORRUPT, "snapshot", "found a row of an entity behind rules or events");
	if (status == TRIB_OK && !view->full)
		status = trib_fail(error, TRIB_CORRUPT, "snapshot", "found a row behind events, or in a delta");
	const struct trib_market_state state = state_of(view);

	return status == TRIB_OK ?
		       trib_market_load(&state, item->table, item->key, item->value, error) :
		       status;
}

static trib_status take_event(struct trib_view *view, const struct trib_snapshot_item *item,
			      struct trib_error *error)
{
	trib_status status = end_domain(view, error);

	view->full = false;
	if (status != TRIB_OK || item->position <= view->position)
		return status;
	Tributary__Event *event = tributary__event__unpack(NULL, item->value.size, (const uint8_t *)item->value.data);

	if (!event)
		return trib_fail(error, TRIB_CORRUPT, "snapshot", "found bytes that are no event");
	const struct trib_market_state state = state_of(view);

	status = trib_market_apply(&state, event, error);
	tributary__event__free_unpacked(event, NULL);
	if (status == TRIB_OK)
		view->position = item->position;
	return status;
}

/* May this part be taken now? */
static trib_status check_head(const struct trib_view *view, const struct trib_snapshot_head *head,
			      struct trib_error *error)
{
	if (view->id && head->market != view->id)
		return trib_fail(error, TRIB_CONFLICT, "snapshot", "found one of another market");
	if (head->since == 0 && view->id)
		return trib_fail(error, TRIB_CONFLICT, "snapshot", "found a full part, expected one behind position %llu",
				 (unsigned long long)view->position);
	if (head->since && (!view->id || head->since > view->position))
		return trib_fail(error, TRIB_CONFLICT, "snapshot", "found one behind position %llu, expected %llu",
				 (unsigned long long)head->since, (unsigned long long)view->position);
	if (head->position < view->position)
		return trib_fail(error, TRIB_CONFLICT, "snapshot", "found one up to position %llu, have %llu already",
				 (unsigned long long)head->position, (unsigned long long)view->position);
	return TRIB_OK;
}

trib_status trib_view_take(struct trib_view *view, const struct trib_snapshot_part *part, struct trib_error *error)
{
	struct trib_snapshot_cursor cursor = trib_snapshot_items(part);
	struct trib_snapshot_item item;
	trib_status status = check_head(view, &part->head, error);
	bool ok;

	if (status != TRIB_OK)
		return status;
	view->full = view->loading = part->head.since == 0;
	view->id = part->head.market;
	while (status == TRIB_OK && trib_snapshot_item(&cursor, &item, &ok))
		status = item.kind == TRIB_SNAPSHOT_ROWS ? take_row(view, &item, error) : take_event(view, &item, error);
	if (status == TRIB_OK && !ok)
		status = trib_fail(error, TRIB_CORRUPT, "snapshot", "found bytes that are no row or event");
	if (status == TRIB_OK)
		status = end_domain(view, error);
	if (status != TRIB_OK)
		return status;
	view->position = part->head.position;
	view->made_ms = part->head.made_ms;
	compile_conditions(view);
	make_market(view, trib_domain_find(view->domain, TRIB_NOUN_PARTY, trib_bytes_text("platform")));
	return TRIB_OK;
}

trib_status trib_view_fold(struct trib_view *view, const Tributary__Event *event, uint64_t position,
			   struct trib_error *error)
{
	const struct trib_market_state state = state_of(view);
	trib_status status = trib_market_apply(&state, event, error);

	if (status != TRIB_OK)
		return status;
	view->position = position;
	if (trib_domain_condition_count(view->domain) != view->n_conditions || view->n_waiting)
		compile_conditions(view);
	make_market(view, view->market.platform);
	if (!view->market.platform)
		view->market.platform = trib_domain_find(view->domain, TRIB_NOUN_PARTY, trib_bytes_text("platform"));
	return TRIB_OK;
}

/* --- Reading ------------------------------------------------------------------------------------------ */

void trib_view_resolve(const struct trib_view *view, const struct trib_resolve_request *request,
		       struct trib_order_record *record)
{
	condition_scratch = request->scratch;
	trib_resolve_order(&view->market, request, record);
	condition_scratch = NULL;
}

bool trib_view_knows(const struct trib_view *view, const struct trib_token *token)
{
	const struct trib_domain *domain = view->domain;
	uint32_t parties = trib_domain_count(domain, TRIB_NOUN_PARTY);
	uint32_t plans = trib_domain_count(domain, TRIB_NOUN_PLAN);
	uint32_t words = trib_names_count(trib_domain_symbols(domain));

	return token->order_engine == 0 && token->goods_engine == 1 &&
	       token->registration - 1 < trib_domain_count(domain, TRIB_NOUN_REGISTRATION) &&
	       token->goods - 1 < trib_domain_count(domain, TRIB_NOUN_GOODS) && token->creator - 1 < parties &&
	       token->plan - 1 < plans && token->offer <= plans && token->carrier_owner <= parties &&
	       token->channel <= words && token->carrier_kind <= words && token->carrier <= words &&
	       token->page <= words;
}
