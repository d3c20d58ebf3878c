/* From JSON to nodes with all that they inherit. Strict: what is not known is refused, by name. */
#include <jansson.h>

#include "base/clock.h"
#include "rules/program.h"

struct parser {
	struct trib_tree *tree;
	const struct trib_tree_options *options;
	struct trib_names *ids;
	struct trib_error *error;
	char at[TRIB_ERROR_AT_MAX];
};

/* ---- Places and refusals ------------------------------------------------------------------------------- */

const char *node_at(const struct node *node, const char *field, char text[TRIB_ERROR_AT_MAX])
{
	snprintf(text, TRIB_ERROR_AT_MAX, TRIB_BYTES_FMT "%s%s", TRIB_BYTES_ARG(node->public.id),
		 *field ? "." : "", field);
	return text;
}

/* "found X, expected Y", where X is a short form of the value. */
static trib_status refuse(struct parser *p, const struct node *node, const char *field,
			  const json_t *value, const char *expected)
{
	char at[TRIB_ERROR_AT_MAX];
	char *found = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	trib_status status = trib_fail(p->error, TRIB_INVALID, node_at(node, field, at),
				       "found %.80s%s, expected %s",
				       value ? (found ? found : "a value") : "nothing",
				       found && strlen(found) > 80 ? "…" : "", expected);

	free(found);
	return status;
}

static trib_status refuse_to_come(struct parser *p, const struct node *node, const char *field,
				  const char *what)
{
	char at[TRIB_ERROR_AT_MAX];

	return trib_fail(p->error, TRIB_UNSUPPORTED, node_at(node, field, at),
			 "found %s; known, but not built yet", what);
}

static trib_status refuse_unknown_fields(struct parser *p, const char *at, json_t *object,
					 const char *const *known, const char *expected)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		bool found = false;

		for (size_t i = 0; known[i] && !found; i++)
			found = strcmp(known[i], key) == 0;
		if (!found)
			return trib_fail(p->error, TRIB_INVALID, at,
					 "found unknown field \"%.64s\", expected %s", key,
					 expected);
	}
	return TRIB_OK;
}

static struct trib_bytes text_of(const json_t *value)
{
	return trib_bytes(json_string_value(value), json_string_length(value));
}

static struct trib_bytes keep(struct parser *p, struct trib_bytes bytes)
{
	char *copy = trib_arena_copy(&p->tree->arena, bytes);

	trib_assert(copy);
	return trib_bytes(copy, bytes.size);
}

/* ---- Fields of a node ---------------------------------------------------------------------------------- */

/* As everywhere at the doors: 19, 19.0 and "19" are the same integer, and nothing is rounded. */
static bool integer_of(const json_t *value, int64_t *ret_value)
{
	if (json_is_integer(value)) {
		*ret_value = json_integer_value(value);
		return true;
	}
	if (json_is_string(value))
		return trib_bytes_to_i64(text_of(value), ret_value);
	if (!json_is_real(value) || json_real_value(value) < -9e15 ||
	    json_real_value(value) > 9e15 ||
	    json_real_value(value) != (double)(int64_t)json_real_value(value))
		return false;
	*ret_value = (int64_t)json_real_value(value);
	return true;
}

static trib_status parse_integer(struct parser *p, const struct node *node, const char *field,
				 const json_t *value, int64_t min, int64_t max,
				 const char *expected, int64_t *ret_value)
{
	int64_t number;

	if (!integer_of(value, &number) || number < min || number > max)
		return refuse(p, node, field, value, expected);
	*ret_value = number;
	return TRIB_OK;
}

static trib_status parse_span(struct parser *p, const struct node *node, const char *field,
			      const json_t *value, int64_t *ret_ms)
{
	int64_t ms;

	if (!json_is_string(value) ||
	    trib_duration_parse(text_of(value), field, &ms, NULL) != TRIB_OK || ms <= 0 ||
	    ms > TRIB_LIMIT_RULE_WINDOW_DAYS * INT64_C(86400000))
		return refuse(p, node, field, value,
			      "a time as \"30d\", \"12h\" or \"90s\", above 0 and up to 366d");
	*ret_ms = ms;
	return TRIB_OK;
}

static trib_status parse_model(struct parser *p, struct node *node, const json_t *value)
{
	if (!json_is_string(value) || !trib_model_of_word(text_of(value), &node->public.model))
		return refuse(p, node, "model", value,
			      "one of last, first, priority, linear, position, decay");
	return TRIB_OK;
}

static trib_status parse_match(struct parser *p, struct node *node, const json_t *value)
{
	if (!json_is_string(value) || !trib_match_of_word(text_of(value), &node->public.match))
		return refuse(p, node, "match", value, "one of goods, shop, any");
	return TRIB_OK;
}

static trib_status parse_lock(struct parser *p, struct node *node, const json_t *value)
{
	if (!json_is_string(value) || !trib_lock_of_word(text_of(value), &node->public.lock))
		return refuse(p, node, "lock", value, "one of link, touch, order, pay, deposit");
	return TRIB_OK;
}

static trib_status parse_assist(struct parser *p, struct node *node, const json_t *value)
{
	if (!json_is_string(value) || !trib_model_of_word(text_of(value), &node->public.assist) ||
	    node->public.assist == TRIB_MODEL_PRIORITY)
		return refuse(p, node, "assist", value,
			      "one of last, first, linear, position, decay");
	node->public.has_assist = true;
	return TRIB_OK;
}

/* {"goods": 1000, "shop": 300, "any": 0}: what is left out keeps the rate of the terms. */
static trib_status parse_match_rates(struct parser *p, struct node *node, json_t *value)
{
	struct trib_node *public = &node->public;
	trib_status status = TRIB_OK;
	const char *word;
	json_t *rate;

	if (!json_is_object(value))
		return refuse(p, node, "match_rates", value, "an object of goods, shop, any");
	public->has_match_rates = true;
	for (int level = 0; level <= TRIB_MATCH_ANY; level++)
		public->match_bps[level] = TRIB_MATCH_RATE_NONE;
	json_object_foreach(value, word, rate)
	{
		enum trib_match level;
		char field[64];
		int64_t bps = 0;

		snprintf(field, sizeof(field), "match_rates.%.32s", word);
		if (!trib_match_of_word(trib_bytes_text(word), &level))
			return refuse(p, node, field, rate, "one of goods, shop, any");
		status = parse_integer(p, node, field, rate, 0, TRIB_BPS_MAX,
				       "a whole number from 0 to 10000", &bps);
		if (status != TRIB_OK)
			return status;
		public->match_bps[level] = (int32_t)bps;
	}
	return status;
}

/* What becomes of money after settlement; the days of claw_back_within may be the parent's. */
static trib_status parse_after_settlement(struct parser *p, struct node *node, json_t *json)
{
	const json_t *word = json_object_get(json, "after_settlement");
	const json_t *within = json_object_get(json, "claw_back_within");
	const json_t *deposit = json_object_get(json, "deposit_counts");
	struct trib_node *public = &node->public;

	if (word && (!json_is_string(word) ||
		     !trib_after_settlement_of_word(text_of(word), &public->after_settlement)))
		return refuse(p, node, "after_settlement", word,
			      "one of claw_back, keep, claw_back_within");
	if (within && parse_span(p, node, "claw_back_within", within, &public->claw_back_ms) != TRIB_OK)
		return p->error->status;
	if (public->after_settlement == TRIB_AFTER_SETTLEMENT_CLAW_BACK_WITHIN && !public->claw_back_ms)
		return refuse(p, node, "claw_back_within", within,
			      "the time after settlement, as \"15d\"");
	if (deposit && !json_is_boolean(deposit))
		return refuse(p, node, "deposit_counts", deposit, "true or false");
	if (deposit)
		public->deposit_counts = json_is_true(deposit);
	return TRIB_OK;
}

static trib_status parse_outcome(struct parser *p, struct node *node, const json_t *value)
{
	enum trib_outcome outcome =
		json_is_string(value) ? trib_outcome_find(text_of(value)) : TRIB_OUTCOME_NONE;

	if (outcome == TRIB_OUTCOME_NONE || outcome == TRIB_OUTCOME_BAD_TOKEN)
		return refuse(p, node, "outcome", value,
			      "an outcome that a rule may state, as attributed, not_distributed, "
			      "own_shop, "
			      "self_purchase");
	node->public.outcome = outcome;
	node->public.reason = trib_bytes("", 0);
	return TRIB_OK;
}

/* A reason that is inherited was another's: it does not say why this node holds. */
/* enabled, from, to: of the node itself, not of its children. */
static trib_status parse_schedule(struct parser *p, struct node *node, const json_t *json)
{
	const json_t *enabled = json_object_get(json, "enabled"), *from = json_object_get(json, "from"),
		     *to = json_object_get(json, "to");

	if (enabled && !json_is_boolean(enabled))
		return refuse(p, node, "enabled", enabled, "true or false");
	if (from && (!json_is_integer(from) || json_integer_value(from) < 0))
		return refuse(p, node, "from", from, "ms UTC");
	if (to && (!json_is_integer(to) || json_integer_value(to) <= (from ? json_integer_value(from) : 0)))
		return refuse(p, node, "to", to, "ms UTC, later than from");
	node->public.disabled = enabled && json_is_false(enabled);
	node->public.from_ms = from ? json_integer_value(from) : INT64_MIN;
	node->public.to_ms = to ? json_integer_value(to) : INT64_MAX;
	return TRIB_OK;
}

static trib_status parse_held(struct parser *p, struct node *node, const json_t *value)
{
	if (!json_is_boolean(value))
		return refuse(p, node, "held", value, "true or false");
	node->public.held = json_is_true(value);
	if (node->public.held)
		node->public.reason = trib_bytes("", 0);
	return TRIB_OK;
}

static trib_status parse_text(struct parser *p, struct node *node, const char *field,
			      const json_t *value, size_t size_max, struct trib_bytes *ret_text)
{
	if (!json_is_string(value) || json_string_length(value) == 0 ||
	    json_string_length(value) > size_max)
		return refuse(p, node, field, value, "a text, not empty and not too long");
	*ret_text = keep(p, text_of(value));
	return TRIB_OK;
}

/* A formula of type int, which lives as long as the tree. */
static trib_status parse_formula(struct parser *p, struct node *node, const char *field,
				 const json_t *value, struct trib_bytes *ret_source,
				 const void **ret_program, trib_fact_set *ret_facts)
{
	struct trib_expr_program *program;
	char at[TRIB_ERROR_AT_MAX];
	trib_status status =
		parse_text(p, node, field, value, TRIB_LIMIT_CEL_SOURCE_BYTES, ret_source);
	struct trib_tree *tree = p->tree;

	if (status != TRIB_OK)
		return status;
	status = condition_compile(*ret_source, TRIB_TYPE_INT, node_at(node, field, at), &program,
				   ret_facts, p->error);
	if (status != TRIB_OK)
		return status;
	tree->formulas =
		trib_realloc(tree->formulas, (tree->formula_count + 1) * sizeof(*tree->formulas));
	tree->formulas[tree->formula_count++] = program;
	*ret_program = program;
	return TRIB_OK;
}

static trib_status parse_priority_by(struct parser *p, struct node *node, const json_t *value)
{
	struct trib_bytes source;

	return parse_formula(p, node, "priority_by", value, &source, &node->public.priority_by,
			     &node->public.priority_facts);
}

/* What commission is computed on, of an order whose caller states amounts instead. */
static trib_status parse_base(struct parser *p, struct node *node, const json_t *value)
{
	trib_fact_set facts = 0;
	trib_status status = parse_formula(p, node, "base", value, &node->public.base_formula,
					   &node->public.base, &facts);

	if (status == TRIB_OK && facts & ~trib_fact_group_masks[TRIB_GROUP_ORDER])
		return refuse(p, node, "base", value, "a formula over order.*");
	if (status == TRIB_OK && trib_bytes_is(node->public.base_formula, "order.base"))
		node->public.base = NULL;
	return status;
}

/* ---- Shares -------------------------------------------------------------------------------------------- */

/* What is being read of one node's shares. */
struct shares {
	struct trib_share *list;
	struct trib_bytes *names;
	uint32_t count;
	struct trib_node_party parties[TRIB_SLOTS - TRIB_SLOT_NAMED];
	uint32_t party_count;
	uint32_t index; /* of the share being read */
};

static const char *share_field(const struct shares *shares, const char *field, char text[64])
{
	snprintf(text, 64, "shares[%u]%s%s", shares->index, *field ? "." : "", field);
	return text;
}

/* A role of the terms, or a party by its id. */
static trib_status parse_slot(struct parser *p, struct node *node, struct shares *shares,
			      const char *field, const json_t *value, uint8_t *ret_slot)
{
	static const char *const roles[] = {
#define X(name, code, word, english, chinese) word,
		TRIB_ROLE_TABLE(X)
#undef X
	};
	const struct trib_spaces *spaces = p->options->spaces;
	struct trib_bytes text = text_of(value);
	enum trib_slot slot;
	uint32_t number = 0;
	char place[64];

	share_field(shares, field, place);
	if (!json_is_string(value) || !trib_external_id_valid(text))
		return refuse(p, node, place, value, "a role or the id of a party");
	if (trib_slot_of_word(text, &slot)) {
		*ret_slot = (uint8_t)slot;
		return TRIB_OK;
	}
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(roles); i++)
		if (trib_bytes_is(text, roles[i]))
			return refuse_to_come(p, node, place, roles[i]);
	for (uint32_t i = 0; i < shares->party_count; i++)
		if (trib_bytes_equal(shares->parties[i].id, text)) {
			*ret_slot = shares->parties[i].slot;
			return TRIB_OK;
		}
	if (spaces)
		number = spaces->find(spaces->context, TRIB_SPACE_PARTY, text);
	if (!number && spaces && !p->options->trusted)
		return refuse(p, node, place, value,
			      "merchant, platform, creator, leader, leader2, agency or the id of a "
			      "known party");
	if (shares->party_count == TRIB_ARRAY_SIZE(shares->parties))
		return refuse(p, node, place, value,
			      "at most 26 parties called by their ids in one node");
	*ret_slot = (uint8_t)(TRIB_SLOT_NAMED + shares->party_count);
	shares->parties[shares->party_count++] = (struct trib_node_party){ .slot = *ret_slot,
									   .number = number,
									   .id = keep(p, text) };
	return TRIB_OK;
}

static trib_status parse_of(struct parser *p, struct node *node, struct shares *shares,
			    const json_t *value, struct trib_share *share)
{
	char place[64];

	share->of = TRIB_OF_BASE;
	if (!value || (json_is_string(value) && trib_bytes_is(text_of(value), "base")))
		return TRIB_OK;
	for (uint32_t i = 0; json_is_string(value) && i < shares->index; i++)
		if (trib_bytes_equal(shares->names[i], text_of(value))) {
			share->of = (uint8_t)i;
			return TRIB_OK;
		}
	return refuse(p, node, share_field(shares, "of", place), value,
		      "\"base\" or the name of an earlier share");
}

static trib_status parse_rate(struct parser *p, struct node *node, struct shares *shares,
			      const json_t *value, struct trib_share *share)
{
	char place[64];
	enum trib_rate rate;
	int64_t bps;

	share_field(shares, "bps", place);
	if (integer_of(value, &bps)) {
		trib_status status = parse_integer(p, node, place, value, 0, TRIB_BPS_MAX,
						   "a whole number from 0 to 10000", &bps);

		share->bps = status == TRIB_OK ? (uint16_t)bps : 0;
		return status;
	}
	if (json_is_string(value) && json_string_length(value) > 6 &&
	    !memcmp(json_string_value(value), "terms.", 6) &&
	    trib_rate_of_word(
		    trib_bytes(json_string_value(value) + 6, json_string_length(value) - 6),
		    &rate)) {
		share->rate = (uint8_t)rate;
		return TRIB_OK;
	}
	return refuse(p, node, place, value,
		      "a whole number from 0 to 10000, or terms.commission_bps, terms.service_bps, "
		      "terms.service2_bps, terms.platform_bps, terms.agency_bps");
}

/* "a" or "b"; absent: a. */
static trib_status parse_either(struct parser *p, struct node *node, struct shares *shares,
				const char *field, const json_t *value, const char *a,
				const char *b, uint8_t *ret_value)
{
	char place[64], expected[64];

	if (!value || (json_is_string(value) && trib_bytes_is(text_of(value), a))) {
		*ret_value = 0;
		return TRIB_OK;
	}
	if (json_is_string(value) && trib_bytes_is(text_of(value), b)) {
		*ret_value = 1;
		return TRIB_OK;
	}
	snprintf(expected, sizeof(expected), "%s or %s", a, b);
	return refuse(p, node, share_field(shares, field, place), value, expected);
}

static trib_status parse_share_name(struct parser *p, struct node *node, struct shares *shares,
				    const json_t *value, struct trib_share *share)
{
	const struct trib_spaces *spaces = p->options->spaces;
	struct trib_bytes name = text_of(value);
	char place[64];

	share_field(shares, "name", place);
	if (!json_is_string(value) || !trib_external_id_valid(name) || trib_bytes_is(name, "base"))
		return refuse(p, node, place, value,
			      "a name of 1 to 64 bytes without space or /, other than base");
	for (uint32_t i = 0; i < shares->index; i++)
		if (trib_bytes_equal(shares->names[i], name))
			return refuse(p, node, place, value, "a name that no earlier share has");
	shares->names[shares->index] = keep(p, name);
	share->kind = (uint8_t)trib_line_kind_of_name(name);
	share->name = spaces ? spaces->find(spaces->context, TRIB_SPACE_SYMBOL, name) : 0;
	return TRIB_OK;
}

static trib_status parse_share(struct parser *p, struct node *node, struct shares *shares,
			       json_t *json)
{
	static const char *const known[] = { "name", "to",  "from",  "of", "take",
					     "bps",  "cap", "round", NULL };
	struct trib_share *share = &shares->list[shares->index];
	const json_t *cap;
	char place[64], at[TRIB_ERROR_AT_MAX];
	trib_status status;

	share_field(shares, "", place);
	if (!json_is_object(json))
		return refuse(p, node, place, json, "an object");
	status = refuse_unknown_fields(p, node_at(node, place, at), json, known,
				       "name, to, from, of, take, bps, cap, round");
	*share = (struct trib_share){ .cap = TRIB_CAP_NONE };
	if (status == TRIB_OK)
		status = parse_share_name(p, node, shares, json_object_get(json, "name"), share);
	if (status == TRIB_OK)
		status = parse_slot(p, node, shares, "to", json_object_get(json, "to"), &share->to);
	if (status == TRIB_OK)
		status = parse_slot(p, node, shares, "from", json_object_get(json, "from"),
				    &share->from);
	if (status == TRIB_OK)
		status = parse_of(p, node, shares, json_object_get(json, "of"), share);
	if (status == TRIB_OK)
		status = parse_either(p, node, shares, "take", json_object_get(json, "take"),
				      "gross", "rest", &share->take);
	if (status == TRIB_OK)
		status = parse_rate(p, node, shares, json_object_get(json, "bps"), share);
	if (status == TRIB_OK)
		status = parse_either(p, node, shares, "round", json_object_get(json, "round"),
				      "floor", "half_even", &share->round);
	cap = json_object_get(json, "cap");
	if (status == TRIB_OK && cap)
		status = parse_integer(p, node, share_field(shares, "cap", place), cap, 0,
				       INT64_MAX - 1, "a whole number of minor units", &share->cap);
	return status;
}

/* Constants that wait for their numbers. */
static void add_waiting(struct parser *p, uint32_t node_index, const struct shares *shares)
{
	struct trib_tree *tree = p->tree;

	for (uint32_t i = 0; i < shares->count; i++) {
		uint32_t before = trib_names_count(tree->constants.names);
		uint32_t constant =
			constants_add(&tree->constants, TRIB_SPACE_SYMBOL, shares->names[i]);

		if (constant > before) {
			tree->symbols = trib_realloc(tree->symbols, (tree->symbol_count + 1) *
									    sizeof(*tree->symbols));
			tree->symbols[tree->symbol_count++] = shares->names[i];
		}
		if (!shares->list[i].name)
			tree_add_site(
				tree, constant,
				(struct site){ .kind = SITE_NAME, .at = node_index, .mask = i });
	}
	for (uint32_t i = 0; i < shares->party_count; i++)
		if (!shares->parties[i].number)
			tree_add_site(
				tree,
				constants_add(&tree->constants, TRIB_SPACE_PARTY,
					      shares->parties[i].id),
				(struct site){ .kind = SITE_PARTY, .at = node_index, .mask = i });
}

static trib_status parse_shares(struct parser *p, struct node *node, json_t *json)
{
	struct trib_arena *arena = &p->tree->arena;
	struct shares shares = { .count = (uint32_t)json_array_size(json) };
	char at[TRIB_ERROR_AT_MAX];
	trib_status status = TRIB_OK;

	if (!json_is_array(json) || json_array_size(json) > TRIB_LIMIT_RULE_SHARES)
		return refuse(p, node, "shares", json, "an array of at most 32 shares");
	shares.list = trib_arena_alloc_zeroed(arena, (shares.count + 1) * sizeof(*shares.list));
	shares.names = trib_arena_alloc_zeroed(arena, (shares.count + 1) * sizeof(*shares.names));
	trib_assert(shares.list && shares.names);
	for (; status == TRIB_OK && shares.index < shares.count; shares.index++)
		status = parse_share(p, node, &shares, json_array_get(json, shares.index));
	if (status != TRIB_OK)
		return status;
	status = trib_shares_check(shares.list, shares.count, p->error);
	if (status != TRIB_OK) {
		trib_error_within(p->error, node_at(node, "", at));
		return status;
	}
	struct trib_node_party *parties =
		trib_arena_alloc(arena, (shares.party_count + 1) * sizeof(*parties));

	trib_assert(parties);
	memcpy(parties, shares.parties, shares.party_count * sizeof(*parties));
	node->public.shares = shares.list;
	node->public.share_names = shares.names;
	node->public.n_shares = shares.count;
	node->public.parties = parties;
	node->public.n_parties = shares.party_count;
	add_waiting(p, node->public.index, &shares);
	return TRIB_OK;
}

/* ---- Nodes --------------------------------------------------------------------------------------------- */

static const char *const node_fields[] = {
	"id",	  "priority", "when",	"model", "window",    "match",	     "lock",	 "grace", "base",
	"match_rates", "assist",
	"shares", "outcome",  "reason", "held",	 "enabled", "from", "to", "half_life", "priority_by", "children",
	"after_settlement", "claw_back_within", "deposit_counts", NULL,
};
#define NODE_FIELDS                                                                                \
	"id, priority, when, model, window, match, match_rates, assist, lock, grace, base, shares, outcome, reason, held, enabled, from, to, " \
	"half_life, "                                                                              \
	"priority_by, after_settlement, claw_back_within, deposit_counts, children"

static trib_status parse_id(struct parser *p, struct node *node, const json_t *value)
{
	struct node nameless = { .public.id = trib_bytes_text(p->at) };
	uint32_t number;

	if (!json_is_string(value) || !trib_external_id_valid(text_of(value)))
		return refuse(p, &nameless, "id", value,
			      "an id of 1 to 64 bytes without space, control or /");
	number = trib_names_count(p->ids);
	if (trib_names_add(p->ids, text_of(value)) <= number)
		return refuse(p, &nameless, "id", value,
			      "an id that no other node of the tree has");
	node->public.id = keep(p, text_of(value));
	return TRIB_OK;
}

/* The words that are one value each. */
static trib_status parse_words(struct parser *p, struct node *node, json_t *json)
{
	struct trib_node *public = &node->public;
	trib_status status = TRIB_OK;
	json_t *value;

	if ((value = json_object_get(json, "priority")))
		status = parse_integer(p, node, "priority", value, INT64_MIN, INT64_MAX,
				       "a whole number", &public->priority);
	if (status == TRIB_OK && (value = json_object_get(json, "when")))
		status = parse_text(p, node, "when", value, TRIB_LIMIT_CEL_SOURCE_BYTES,
				    &public->when);
	if (status == TRIB_OK && (value = json_object_get(json, "model")))
		status = parse_model(p, node, value);
	if (status == TRIB_OK && (value = json_object_get(json, "window")))
		status = parse_span(p, node, "window", value, &public->window_ms);
	if (status == TRIB_OK && (value = json_object_get(json, "half_life")))
		status = parse_span(p, node, "half_life", value, &public->half_life_ms);
	if (status == TRIB_OK && (value = json_object_get(json, "match")))
		status = parse_match(p, node, value);
	if (status == TRIB_OK && (value = json_object_get(json, "match_rates")))
		status = parse_match_rates(p, node, value);
	if (status == TRIB_OK && (value = json_object_get(json, "assist")))
		status = parse_assist(p, node, value);
	if (status == TRIB_OK && (value = json_object_get(json, "lock")))
		status = parse_lock(p, node, value);
	if (status == TRIB_OK && (value = json_object_get(json, "grace")))
		status = parse_span(p, node, "grace", value, &public->grace_ms);
	if (status == TRIB_OK && (value = json_object_get(json, "base")))
		status = parse_base(p, node, value);
	if (status == TRIB_OK)
		status = parse_after_settlement(p, node, json);
	if (status == TRIB_OK && (value = json_object_get(json, "outcome")))
		status = parse_outcome(p, node, value);
	if (status == TRIB_OK)
		status = parse_schedule(p, node, json);
	if (status == TRIB_OK && (value = json_object_get(json, "held")))
		status = parse_held(p, node, value);
	if (status == TRIB_OK && (value = json_object_get(json, "reason")))
		status = parse_text(p, node, "reason", value, 256, &public->reason);
	if (status == TRIB_OK && (value = json_object_get(json, "priority_by")))
		status = parse_priority_by(p, node, value);
	if (status == TRIB_OK && (value = json_object_get(json, "shares")))
		status = parse_shares(p, node, value);
	return status;
}

static trib_status parse_node(struct parser *p, json_t *json, uint32_t parent, uint32_t depth,
			      uint32_t *ret_index);

static trib_status parse_children(struct parser *p, json_t *list, uint32_t index, uint32_t depth)
{
	struct trib_tree *tree = p->tree;
	uint32_t last = 0;

	if (!json_is_array(list))
		return refuse(p, &tree->nodes[index], "children", list, "an array of nodes");
	for (size_t i = 0; i < json_array_size(list); i++) {
		uint32_t child;
		trib_status status;
		char field[32];

		snprintf(field, sizeof(field), "children[%zu]", i);
		node_at(&tree->nodes[index], field, p->at);
		status = parse_node(p, json_array_get(list, i), index, depth + 1, &child);
		if (status != TRIB_OK)
			return status;
		if (last)
			tree->nodes[last].next_sibling = child;
		else
			tree->nodes[index].first_child = child;
		tree->nodes[index].children++;
		last = child;
	}
	return TRIB_OK;
}

static struct node *new_node(struct trib_tree *tree)
{
	if (tree->node_count == tree->node_capacity) {
		tree->node_capacity = tree->node_capacity ? tree->node_capacity * 2 : 16;
		tree->nodes = trib_realloc(tree->nodes, tree->node_capacity * sizeof(*tree->nodes));
	}
	return &tree->nodes[tree->node_count++];
}

/* What a child does not say is its parent's; what the root does not say is this. */
static const struct trib_node root_defaults = {
	.window_ms = INT64_C(30) * 86400 * 1000,
	.half_life_ms = INT64_C(7) * 86400 * 1000,
	.match = TRIB_MATCH_GOODS,
	.model = TRIB_MODEL_LAST,
	.lock = TRIB_LOCK_ORDER,
	.outcome = TRIB_OUTCOME_ATTRIBUTED,
	.reason = { "", 0 },
};

/* Recurses as deep as the tree is nested, which is limited. */
static trib_status parse_node(struct parser *p, json_t *json, uint32_t parent, uint32_t depth,
			      uint32_t *ret_index)
{
	struct trib_tree *tree = p->tree;
	struct node nameless = { .public.id = trib_bytes_text(p->at) };
	struct node *node;
	uint32_t index = tree->node_count;
	json_t *children;
	char at[TRIB_ERROR_AT_MAX];
	trib_status status;

	if (depth >= TRIB_LIMIT_RULE_DEPTH)
		return trib_fail(p->error, TRIB_LIMIT, p->at,
				 "found a node at level %u, expected at most %d levels", depth + 1,
				 TRIB_LIMIT_RULE_DEPTH);
	if (index >= TRIB_LIMIT_RULE_NODES)
		return trib_fail(p->error, TRIB_LIMIT, p->at, "found more than %d nodes",
				 TRIB_LIMIT_RULE_NODES);
	if (!json_is_object(json))
		return refuse(p, &nameless, "", json, "a node");
	node = new_node(tree);
	*node = (struct node){ .public = depth ? tree->nodes[parent].public : root_defaults };
	node->public.index = index;
	node->public.parent = parent;
	node->public.depth = depth;
	node->public.priority = 0;
	node->public.when = trib_bytes("", 0);
	status = parse_id(p, node, json_object_get(json, "id"));
	if (status == TRIB_OK)
		status = refuse_unknown_fields(p, node_at(node, "", at), json, node_fields,
					       NODE_FIELDS);
	if (status == TRIB_OK)
		status = parse_words(p, node, json);
	children = json_object_get(json, "children");
	if (status == TRIB_OK && children)
		status = parse_children(p, children, index, depth);
	*ret_index = index;
	return status;
}

/* ---- The whole ----------------------------------------------------------------------------------------- */

/* Nesting of arrays and objects; what stands in strings is passed over. */
static size_t json_depth(struct trib_bytes json)
{
	size_t depth = 0, deepest = 0;
	bool quoted = false;

	for (size_t i = 0; i < json.size; i++) {
		char c = json.data[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			depth++;
			deepest = TRIB_MAX(deepest, depth);
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return deepest;
}

static trib_status load_json(struct trib_bytes json, json_t **ret_root, struct trib_error *error)
{
	json_error_t why;

	if (json.size > TRIB_LIMIT_RULE_SOURCE_BYTES)
		return trib_fail(error, TRIB_TOO_LARGE, "body",
				 "found %zu bytes, expected at most %d", json.size,
				 TRIB_LIMIT_RULE_SOURCE_BYTES);
	/* A level of nodes is two of JSON; shares are two more, the body one. */
	if (json_depth(json) > 2 * TRIB_LIMIT_RULE_DEPTH + 3)
		return trib_fail(error, TRIB_LIMIT, "body",
				 "found JSON nested too deep, expected at most %d levels of nodes",
				 TRIB_LIMIT_RULE_DEPTH);
	*ret_root = json_loadb(json.data ? json.data : "", json.size, JSON_REJECT_DUPLICATES, &why);
	if (!*ret_root) {
		char at[64];

		snprintf(at, sizeof(at), "body:%d:%d", why.line, why.column);
		return trib_fail(error, TRIB_SYNTAX, at, "found no JSON object: %.120s", why.text);
	}
	return TRIB_OK;
}

/* What only answers have may come back in a PUT, and is not kept. */
static const char *const answer_fields[] = { "name",	  "number",   "version", "active",
					     "scheduled", "rollouts", "position", NULL };

static trib_status parse_scene(struct parser *p, json_t *root)
{
	struct trib_bytes name = trib_bytes_text(p->options->name);
	json_t *scene = json_object_get(root, "scene");
	struct trib_tree *tree = p->tree;
	uint32_t before;

	if (scene && (!json_is_string(scene) || !trib_external_id_valid(text_of(scene))))
		return trib_fail(p->error, TRIB_INVALID, "scene",
				 "expected a name of 1 to 64 bytes without space, control or /");
	tree->scene = keep(p, scene ? text_of(scene) : name);
	before = trib_names_count(tree->constants.names);
	if (constants_add(&tree->constants, TRIB_SPACE_SYMBOL, tree->scene) > before) {
		tree->symbols = trib_realloc(tree->symbols, sizeof(*tree->symbols));
		tree->symbols[tree->symbol_count++] = tree->scene;
	}
	return TRIB_OK;
}

/* null means the same as leaving a field out. Recurses as deep as the JSON, which is limited. */
static void strip_nulls(json_t *json)
{
	const char *name;
	json_t *value;
	void *next;
	size_t i;

	if (json_is_array(json))
		json_array_foreach(json, i, value) strip_nulls(value);
	if (json_is_object(json))
		json_object_foreach_safe(json, next, name, value)
		{
			strip_nulls(value);
			if (json_is_null(value))
				json_object_del(json, name);
		}
}

static trib_status parse_body(struct parser *p, json_t *root)
{
	static const char *const known[] = { "scene", "root", NULL };
	uint32_t index;
	trib_status status;
	char *source;

	if (!json_is_object(root))
		return trib_fail(p->error, TRIB_INVALID, "body",
				 "expected an object with scene and root");
	strip_nulls(root);
	for (size_t i = 0; answer_fields[i]; i++)
		json_object_del(root, answer_fields[i]);
	status = refuse_unknown_fields(p, "body", root, known, "scene, root");
	if (status == TRIB_OK)
		status = parse_scene(p, root);
	if (status != TRIB_OK)
		return status;
	if (!json_object_get(root, "root"))
		return trib_fail(p->error, TRIB_INVALID, "root", "found nothing, expected a node");
	snprintf(p->at, sizeof(p->at), "root");
	status = parse_node(p, json_object_get(root, "root"), 0, 0, &index);
	if (status != TRIB_OK)
		return status;
	source = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	if (!source)
		return trib_fail(p->error, TRIB_INVALID, "body",
				 "found text that cannot be written as JSON");
	p->tree->source = keep(p, trib_bytes_text(source));
	free(source);
	return TRIB_OK;
}

trib_status tree_parse(struct trib_tree *tree, const struct trib_tree_options *options,
		       struct trib_bytes json, struct trib_error *error)
{
	struct parser p = { .tree = tree, .options = options, .error = error };
	json_t *root;
	trib_status status = load_json(json, &root, error);

	if (status != TRIB_OK)
		return status;
	p.ids = trib_names_new(options->key);
	status = parse_body(&p, root);
	trib_names_free(p.ids);
	json_decref(root);
	return status;
}
