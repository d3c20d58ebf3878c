/* From JSON to nodes with all that they inherit. Strict: what is not known is refused, by name. */
#include "base/clock.h"
#include "proto/json.h"
#include "rules/formula.h"
#include "rules/program.h"

/* The fields of a node; the usual ones first, because they are looked for in this order. X(NAME, name) */
#define FIELD_TABLE(X)                                                                             \
	X(ID, "id")                                                                                \
	X(WHEN, "when")                                                                            \
	X(CHILDREN, "children")                                                                    \
	X(SHARES, "shares")                                                                        \
	X(PRIORITY, "priority")                                                                    \
	X(WINDOW, "window")                                                                        \
	X(MODEL, "model")                                                                          \
	X(MATCH, "match")                                                                          \
	X(OUTCOME, "outcome")                                                                      \
	X(REASON, "reason")                                                                        \
	X(LOCK, "lock")                                                                            \
	X(GRACE, "grace")                                                                          \
	X(BASE, "base")                                                                            \
	X(MATCH_RATES, "match_rates")                                                              \
	X(ASSIST, "assist")                                                                        \
	X(HELD, "held")                                                                            \
	X(ENABLED, "enabled")                                                                      \
	X(FROM, "from")                                                                            \
	X(TO, "to")                                                                                \
	X(HALF_LIFE, "half_life")                                                                  \
	X(PRIORITY_BY, "priority_by")                                                              \
	X(AFTER_SETTLEMENT, "after_settlement")                                                    \
	X(CLAW_BACK_WITHIN, "claw_back_within")                                                    \
	X(DEPOSIT_COUNTS, "deposit_counts")

enum field {
#define X(name, text) FIELD_##name,
	FIELD_TABLE(X)
#undef X
	FIELDS
};

static const char *const field_names[FIELDS] = {
#define X(name, text) text,
	FIELD_TABLE(X)
#undef X
};

struct parser {
	struct trib_tree *tree;
	const struct trib_tree_options *options;
	struct trib_arena *scratch; /* the JSON */
	struct trib_names *ids;
	struct trib_error *error;
	bool in_children;
	uint32_t above, child; /* where the node stands that is being read, before its id is known */
};

/* ---- Places and refusals ------------------------------------------------------------------------------- */

const char *node_at(const struct node *node, const char *field, char text[TRIB_ERROR_AT_MAX])
{
	snprintf(text, TRIB_ERROR_AT_MAX, TRIB_BYTES_FMT "%s%s", TRIB_BYTES_ARG(node->public.id),
		 *field ? "." : "", field);
	return text;
}

enum { FOUND_MAX = 80 };

/* "found X, expected Y", where X is a short form of the value. */
static trib_status refuse(struct parser *p, const struct node *node, const char *field,
			  const struct trib_json *value, const char *expected)
{
	char at[TRIB_ERROR_AT_MAX];
	struct trib_buffer found;
	trib_status status;

	trib_buffer_init(&found, SIZE_MAX / 2);
	if (value)
		trib_json_add(&found, value, p->scratch);
	else
		trib_buffer_add_text(&found, "nothing");
	status = trib_fail(p->error, TRIB_INVALID, node_at(node, field, at),
			   "found %.*s%s, expected %s", FOUND_MAX, trib_buffer_text(&found),
			   found.size > FOUND_MAX ? "…" : "", expected);
	trib_buffer_fini(&found);
	return status;
}

static trib_status refuse_to_come(struct parser *p, const struct node *node, const char *field,
				  const char *what)
{
	char at[TRIB_ERROR_AT_MAX];

	return trib_fail(p->error, TRIB_UNSUPPORTED, node_at(node, field, at),
			 "found %s; known, but not built yet", what);
}

/*
 * The members of an object by the place of their names in `known`; refuses others, as being none of `expected`. Of a
 * node, or of its field; node NULL: of the body.
 */
static trib_status gather(struct parser *p, const struct node *node, const char *field,
			  const struct trib_json *object, const char *const *known, uint32_t count,
			  const char *expected, const struct trib_json **ret_members)
{
	char at[TRIB_ERROR_AT_MAX];

	memset(ret_members, 0, count * sizeof(struct trib_json *));
	for (const struct trib_json *member = object->first; member; member = member->next) {
		uint32_t i = 0;

		while (i < count && !trib_bytes_is(member->key, known[i]))
			i++;
		if (i == count)
			return trib_fail(p->error, TRIB_INVALID,
					 node ? node_at(node, field, at) : "body",
					 "found unknown field \"%.64s\", expected %s",
					 member->key.data, expected);
		ret_members[i] = member;
	}
	return TRIB_OK;
}

static bool is_text(const struct trib_json *value)
{
	return value && value->kind == TRIB_JSON_STRING;
}

static bool is_array(const struct trib_json *value)
{
	return value && value->kind == TRIB_JSON_ARRAY;
}

static bool is_object(const struct trib_json *value)
{
	return value && value->kind == TRIB_JSON_OBJECT;
}

static bool is_bool(const struct trib_json *value)
{
	return value && (value->kind == TRIB_JSON_TRUE || value->kind == TRIB_JSON_FALSE);
}

static struct trib_bytes text_of(const struct trib_json *value)
{
	return is_text(value) ? value->text : trib_bytes("", 0);
}

static struct trib_bytes keep(struct parser *p, struct trib_bytes bytes)
{
	char *copy = trib_arena_copy(&p->tree->arena, bytes);

	trib_assert(copy);
	return trib_bytes(copy, bytes.size);
}

/* ---- Fields of a node ---------------------------------------------------------------------------------- */

/* As everywhere at the doors: 19, 19.0 and "19" are the same integer, and nothing is rounded. */
static bool integer_of(const struct trib_json *value, int64_t *ret_value)
{
	char text[64];
	double number;

	if (!value || (value->kind != TRIB_JSON_NUMBER && value->kind != TRIB_JSON_STRING))
		return false;
	if (trib_bytes_to_i64(value->text, ret_value))
		return true;
	if (value->kind != TRIB_JSON_NUMBER || value->text.size >= sizeof(text))
		return false;
	memcpy(text, value->text.data, value->text.size);
	text[value->text.size] = '\0';
	number = strtod(text, NULL);
	if (!(number >= -9e15 && number <= 9e15) || number != (double)(int64_t)number)
		return false;
	*ret_value = (int64_t)number;
	return true;
}

static trib_status parse_integer(struct parser *p, const struct node *node, const char *field,
				 const struct trib_json *value, int64_t min, int64_t max,
				 const char *expected, int64_t *ret_value)
{
	int64_t number;

	if (!integer_of(value, &number) || number < min || number > max)
		return refuse(p, node, field, value, expected);
	*ret_value = number;
	return TRIB_OK;
}

static trib_status parse_span(struct parser *p, const struct node *node, const char *field,
			      const struct trib_json *value, int64_t *ret_ms)
{
	int64_t ms;

	if (!is_text(value) ||
	    trib_duration_parse(text_of(value), field, &ms, NULL) != TRIB_OK || ms <= 0 ||
	    ms > TRIB_LIMIT_RULE_WINDOW_DAYS * INT64_C(86400000))
		return refuse(p, node, field, value,
			      "a time as \"30d\", \"12h\" or \"90s\", above 0 and up to 366d");
	*ret_ms = ms;
	return TRIB_OK;
}

static trib_status parse_model(struct parser *p, struct node *node, const struct trib_json *value)
{
	if (!is_text(value) || !trib_model_of_word(text_of(value), &node->public.model))
		return refuse(p, node, "model", value,
			      "one of last, first, priority, linear, position, decay");
	return TRIB_OK;
}

static trib_status parse_match(struct parser *p, struct node *node, const struct trib_json *value)
{
	if (!is_text(value) || !trib_match_of_word(text_of(value), &node->public.match))
		return refuse(p, node, "match", value, "one of goods, shop, any");
	return TRIB_OK;
}

static trib_status parse_lock(struct parser *p, struct node *node, const struct trib_json *value)
{
	if (!is_text(value) || !trib_lock_of_word(text_of(value), &node->public.lock))
		return refuse(p, node, "lock", value, "one of link, touch, order, pay, deposit");
	return TRIB_OK;
}

static trib_status parse_assist(struct parser *p, struct node *node, const struct trib_json *value)
{
	if (!is_text(value) || !trib_model_of_word(text_of(value), &node->public.assist) ||
	    node->public.assist == TRIB_MODEL_PRIORITY)
		return refuse(p, node, "assist", value,
			      "one of last, first, linear, position, decay");
	node->public.has_assist = true;
	return TRIB_OK;
}

/* {"goods": 1000, "shop": 300, "any": 0}: what is left out keeps the rate of the terms. */
static trib_status parse_match_rates(struct parser *p, struct node *node, const struct trib_json *value)
{
	struct trib_node *public = &node->public;
	trib_status status = TRIB_OK;

	if (!is_object(value))
		return refuse(p, node, "match_rates", value, "an object of goods, shop, any");
	public->has_match_rates = true;
	for (int level = 0; level <= TRIB_MATCH_ANY; level++)
		public->match_bps[level] = TRIB_MATCH_RATE_NONE;
	for (const struct trib_json *rate = value->first; rate; rate = rate->next) {
		enum trib_match level;
		char field[64];
		int64_t bps = 0;

		snprintf(field, sizeof(field), "match_rates.%.32s", rate->key.data);
		if (!trib_match_of_word(rate->key, &level))
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
static trib_status parse_after_settlement(struct parser *p, struct node *node,
					  const struct trib_json *const *fields)
{
	const struct trib_json *word = fields[FIELD_AFTER_SETTLEMENT];
	const struct trib_json *within = fields[FIELD_CLAW_BACK_WITHIN];
	const struct trib_json *deposit = fields[FIELD_DEPOSIT_COUNTS];
	struct trib_node *public = &node->public;

	if (word && (!is_text(word) ||
		     !trib_after_settlement_of_word(text_of(word), &public->after_settlement)))
		return refuse(p, node, "after_settlement", word,
			      "one of claw_back, keep, claw_back_within");
	if (within && parse_span(p, node, "claw_back_within", within, &public->claw_back_ms) != TRIB_OK)
		return p->error->status;
	if (public->after_settlement == TRIB_AFTER_SETTLEMENT_CLAW_BACK_WITHIN && !public->claw_back_ms)
		return refuse(p, node, "claw_back_within", within,
			      "the time after settlement, as \"15d\"");
	if (deposit && !is_bool(deposit))
		return refuse(p, node, "deposit_counts", deposit, "true or false");
	if (deposit)
		public->deposit_counts = deposit->kind == TRIB_JSON_TRUE;
	return TRIB_OK;
}

static trib_status parse_outcome(struct parser *p, struct node *node, const struct trib_json *value)
{
	enum trib_outcome outcome =
		is_text(value) ? trib_outcome_find(text_of(value)) : TRIB_OUTCOME_NONE;

	if (outcome == TRIB_OUTCOME_NONE || outcome == TRIB_OUTCOME_BAD_TOKEN)
		return refuse(p, node, "outcome", value,
			      "an outcome that a rule may state, as attributed, not_distributed, "
			      "own_shop, "
			      "self_purchase");
	node->public.outcome = outcome;
	node->public.reason = trib_bytes("", 0);
	return TRIB_OK;
}

/* enabled, from, to: of the node itself, not of its children. */
static trib_status parse_schedule(struct parser *p, struct node *node,
				  const struct trib_json *const *fields)
{
	const struct trib_json *enabled = fields[FIELD_ENABLED], *from = fields[FIELD_FROM],
			       *to = fields[FIELD_TO];
	struct trib_node *public = &node->public;

	public->from_ms = INT64_MIN;
	public->to_ms = INT64_MAX;
	if (enabled && !is_bool(enabled))
		return refuse(p, node, "enabled", enabled, "true or false");
	public->disabled = enabled && enabled->kind == TRIB_JSON_FALSE;
	if (from && (!integer_of(from, &public->from_ms) || public->from_ms < 0))
		return refuse(p, node, "from", from, "ms UTC");
	if (to && (!integer_of(to, &public->to_ms) || public->to_ms <= TRIB_MAX(public->from_ms, 0)))
		return refuse(p, node, "to", to, "ms UTC, later than from");
	return TRIB_OK;
}

/* A reason that is inherited was another's: it does not say why this node holds. */
static trib_status parse_held(struct parser *p, struct node *node, const struct trib_json *value)
{
	if (!is_bool(value))
		return refuse(p, node, "held", value, "true or false");
	node->public.held = value->kind == TRIB_JSON_TRUE;
	if (node->public.held)
		node->public.reason = trib_bytes("", 0);
	return TRIB_OK;
}

static trib_status parse_text(struct parser *p, struct node *node, const char *field,
			      const struct trib_json *value, size_t size_max, struct trib_bytes *ret_text)
{
	struct trib_bytes text = text_of(value);

	if (text.size == 0 || text.size > size_max || memchr(text.data, '\0', text.size))
		return refuse(p, node, field, value, "a text, not empty and not too long");
	*ret_text = keep(p, text);
	return TRIB_OK;
}

/* A formula of type int, which lives as long as the tree. */
static trib_status parse_formula(struct parser *p, struct node *node, const char *field,
				 const struct trib_json *value, struct trib_bytes *ret_source,
				 const void **ret_formula, trib_fact_set *ret_facts)
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
	*ret_formula = formula_make(program, &tree->arena);
	return TRIB_OK;
}

static trib_status parse_priority_by(struct parser *p, struct node *node, const struct trib_json *value)
{
	struct trib_bytes source;

	return parse_formula(p, node, "priority_by", value, &source, &node->public.priority_by,
			     &node->public.priority_facts);
}

/* What commission is computed on, of an order whose caller states amounts instead. */
static trib_status parse_base(struct parser *p, struct node *node, const struct trib_json *value)
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
			      const char *field, const struct trib_json *value, uint8_t *ret_slot)
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
	if (!is_text(value) || !trib_external_id_valid(text))
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
			    const struct trib_json *value, struct trib_share *share)
{
	char place[64];

	share->of = TRIB_OF_BASE;
	if (!value || (is_text(value) && trib_bytes_is(text_of(value), "base")))
		return TRIB_OK;
	for (uint32_t i = 0; is_text(value) && i < shares->index; i++)
		if (trib_bytes_equal(shares->names[i], text_of(value))) {
			share->of = (uint8_t)i;
			return TRIB_OK;
		}
	return refuse(p, node, share_field(shares, "of", place), value,
		      "\"base\" or the name of an earlier share");
}

static trib_status parse_rate(struct parser *p, struct node *node, struct shares *shares,
			      const struct trib_json *value, struct trib_share *share)
{
	struct trib_bytes text = text_of(value);
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
	if (text.size > 6 && !memcmp(text.data, "terms.", 6) &&
	    trib_rate_of_word(trib_bytes(text.data + 6, text.size - 6), &rate)) {
		share->rate = (uint8_t)rate;
		return TRIB_OK;
	}
	return refuse(p, node, place, value,
		      "a whole number from 0 to 10000, or terms.commission_bps, terms.service_bps, "
		      "terms.service2_bps, terms.platform_bps, terms.agency_bps");
}

/* "a" or "b"; absent: a. */
static trib_status parse_either(struct parser *p, struct node *node, struct shares *shares,
				const char *field, const struct trib_json *value, const char *a,
				const char *b, uint8_t *ret_value)
{
	char place[64], expected[64];

	if (!value || (is_text(value) && trib_bytes_is(text_of(value), a))) {
		*ret_value = 0;
		return TRIB_OK;
	}
	if (is_text(value) && trib_bytes_is(text_of(value), b)) {
		*ret_value = 1;
		return TRIB_OK;
	}
	snprintf(expected, sizeof(expected), "%s or %s", a, b);
	return refuse(p, node, share_field(shares, field, place), value, expected);
}

static trib_status parse_share_name(struct parser *p, struct node *node, struct shares *shares,
				    const struct trib_json *value, struct trib_share *share)
{
	const struct trib_spaces *spaces = p->options->spaces;
	struct trib_bytes name = text_of(value);
	char place[64];

	share_field(shares, "name", place);
	if (!is_text(value) || !trib_external_id_valid(name) || trib_bytes_is(name, "base"))
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
			       const struct trib_json *json)
{
	enum { NAME, TO, FROM, OF, TAKE, BPS, CAP, ROUND, MEMBERS };
	static const char *const known[MEMBERS] = { "name", "to",  "from", "of",
						    "take", "bps", "cap",  "round" };
	struct trib_share *share = &shares->list[shares->index];
	const struct trib_json *of[MEMBERS];
	char place[64];
	trib_status status;

	share_field(shares, "", place);
	if (!is_object(json))
		return refuse(p, node, place, json, "an object");
	status = gather(p, node, place, json, known, MEMBERS,
			"name, to, from, of, take, bps, cap, round", of);
	*share = (struct trib_share){ .cap = TRIB_CAP_NONE };
	if (status == TRIB_OK)
		status = parse_share_name(p, node, shares, of[NAME], share);
	if (status == TRIB_OK)
		status = parse_slot(p, node, shares, "to", of[TO], &share->to);
	if (status == TRIB_OK)
		status = parse_slot(p, node, shares, "from", of[FROM],
				    &share->from);
	if (status == TRIB_OK)
		status = parse_of(p, node, shares, of[OF], share);
	if (status == TRIB_OK)
		status = parse_either(p, node, shares, "take", of[TAKE],
				      "gross", "rest", &share->take);
	if (status == TRIB_OK)
		status = parse_rate(p, node, shares, of[BPS], share);
	if (status == TRIB_OK)
		status = parse_either(p, node, shares, "round", of[ROUND],
				      "floor", "half_even", &share->round);
	if (status == TRIB_OK && of[CAP])
		status = parse_integer(p, node, share_field(shares, "cap", place), of[CAP], 0,
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

static trib_status parse_shares(struct parser *p, struct node *node, const struct trib_json *json)
{
	struct trib_arena *arena = &p->tree->arena;
	struct shares shares = { .count = is_array(json) ? json->count : 0 };
	const struct trib_json *share = json->first;
	char at[TRIB_ERROR_AT_MAX];
	trib_status status = TRIB_OK;

	if (!is_array(json) || json->count > TRIB_LIMIT_RULE_SHARES)
		return refuse(p, node, "shares", json, "an array of at most 32 shares");
	shares.list = trib_arena_alloc_zeroed(arena, (shares.count + 1) * sizeof(*shares.list));
	shares.names = trib_arena_alloc_zeroed(arena, (shares.count + 1) * sizeof(*shares.names));
	trib_assert(shares.list && shares.names);
	for (; status == TRIB_OK && share; share = share->next, shares.index++)
		status = parse_share(p, node, &shares, share);
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

#define NODE_FIELDS                                                                                \
	"id, priority, when, model, window, match, match_rates, assist, lock, grace, base, shares, outcome, reason, held, enabled, from, to, " \
	"half_life, "                                                                              \
	"priority_by, after_settlement, claw_back_within, deposit_counts, children"

static const char *nameless_at(const struct parser *p, char text[TRIB_ERROR_AT_MAX])
{
	char field[32];

	if (!p->in_children)
		return "root";
	snprintf(field, sizeof(field), "children[%u]", p->child);
	return node_at(&p->tree->nodes[p->above], field, text);
}

static trib_status refuse_nameless(struct parser *p, const char *field, const struct trib_json *value,
				   const char *expected)
{
	char at[TRIB_ERROR_AT_MAX];
	struct node nameless = { 0 };

	nameless.public.id = trib_bytes_text(nameless_at(p, at));
	return refuse(p, &nameless, field, value, expected);
}

static trib_status parse_id(struct parser *p, struct node *node, const struct trib_json *value)
{
	uint32_t number;

	if (!is_text(value) || !trib_external_id_valid(text_of(value)))
		return refuse_nameless(p, "id", value,
				       "an id of 1 to 64 bytes without space, control or /");
	number = trib_names_count(p->ids);
	if (trib_names_add(p->ids, text_of(value)) <= number)
		return refuse_nameless(p, "id", value, "an id that no other node of the tree has");
	node->public.id = keep(p, text_of(value));
	return TRIB_OK;
}

/* The words that are one value each. */
static trib_status parse_words(struct parser *p, struct node *node,
			       const struct trib_json *const *fields)
{
	struct trib_node *public = &node->public;
	trib_status status = TRIB_OK;
	const struct trib_json *value;

	if ((value = fields[FIELD_PRIORITY]))
		status = parse_integer(p, node, "priority", value, INT64_MIN, INT64_MAX,
				       "a whole number", &public->priority);
	if (status == TRIB_OK && (value = fields[FIELD_WHEN]))
		status = parse_text(p, node, "when", value, TRIB_LIMIT_CEL_SOURCE_BYTES,
				    &public->when);
	if (status == TRIB_OK && (value = fields[FIELD_MODEL]))
		status = parse_model(p, node, value);
	if (status == TRIB_OK && (value = fields[FIELD_WINDOW]))
		status = parse_span(p, node, "window", value, &public->window_ms);
	if (status == TRIB_OK && (value = fields[FIELD_HALF_LIFE]))
		status = parse_span(p, node, "half_life", value, &public->half_life_ms);
	if (status == TRIB_OK && (value = fields[FIELD_MATCH]))
		status = parse_match(p, node, value);
	if (status == TRIB_OK && (value = fields[FIELD_MATCH_RATES]))
		status = parse_match_rates(p, node, value);
	if (status == TRIB_OK && (value = fields[FIELD_ASSIST]))
		status = parse_assist(p, node, value);
	if (status == TRIB_OK && (value = fields[FIELD_LOCK]))
		status = parse_lock(p, node, value);
	if (status == TRIB_OK && (value = fields[FIELD_GRACE]))
		status = parse_span(p, node, "grace", value, &public->grace_ms);
	if (status == TRIB_OK && (value = fields[FIELD_BASE]))
		status = parse_base(p, node, value);
	if (status == TRIB_OK)
		status = parse_after_settlement(p, node, fields);
	if (status == TRIB_OK && (value = fields[FIELD_OUTCOME]))
		status = parse_outcome(p, node, value);
	if (status == TRIB_OK)
		status = parse_schedule(p, node, fields);
	if (status == TRIB_OK && (value = fields[FIELD_HELD]))
		status = parse_held(p, node, value);
	if (status == TRIB_OK && (value = fields[FIELD_REASON]))
		status = parse_text(p, node, "reason", value, 256, &public->reason);
	if (status == TRIB_OK && (value = fields[FIELD_PRIORITY_BY]))
		status = parse_priority_by(p, node, value);
	if (status == TRIB_OK && (value = fields[FIELD_SHARES]))
		status = parse_shares(p, node, value);
	return status;
}

static trib_status parse_node(struct parser *p, const struct trib_json *json, uint32_t parent, uint32_t depth,
			      uint32_t *ret_index);

static trib_status parse_children(struct parser *p, const struct trib_json *list, uint32_t index, uint32_t depth)
{
	struct trib_tree *tree = p->tree;
	uint32_t last = 0, i = 0;

	if (!is_array(list))
		return refuse(p, &tree->nodes[index], "children", list, "an array of nodes");
	for (const struct trib_json *json = list->first; json; json = json->next) {
		uint32_t child;
		trib_status status;

		p->in_children = true;
		p->above = index;
		p->child = i++;
		status = parse_node(p, json, index, depth + 1, &child);
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
static trib_status parse_node(struct parser *p, const struct trib_json *json, uint32_t parent, uint32_t depth,
			      uint32_t *ret_index)
{
	struct trib_tree *tree = p->tree;
	struct node *node;
	uint32_t index = tree->node_count;
	const struct trib_json *fields[FIELDS];
	char at[TRIB_ERROR_AT_MAX];
	trib_status status;

	if (depth >= TRIB_LIMIT_RULE_DEPTH)
		return trib_fail(p->error, TRIB_LIMIT, nameless_at(p, at),
				 "found a node at level %u, expected at most %d levels", depth + 1,
				 TRIB_LIMIT_RULE_DEPTH);
	if (index >= TRIB_LIMIT_RULE_NODES)
		return trib_fail(p->error, TRIB_LIMIT, nameless_at(p, at), "found more than %d nodes",
				 TRIB_LIMIT_RULE_NODES);
	if (!is_object(json))
		return refuse_nameless(p, "", json, "a node");
	node = new_node(tree);
	*node = (struct node){ .public = depth ? tree->nodes[parent].public : root_defaults };
	node->public.index = index;
	node->public.parent = parent;
	node->public.depth = depth;
	node->public.priority = 0;
	node->public.when = trib_bytes("", 0);
	status = parse_id(p, node, trib_json_member(json, field_names[FIELD_ID]));
	if (status == TRIB_OK)
		status = gather(p, node, "", json, field_names, FIELDS, NODE_FIELDS, fields);
	if (status == TRIB_OK)
		status = parse_words(p, node, fields);
	if (status == TRIB_OK && fields[FIELD_CHILDREN])
		status = parse_children(p, fields[FIELD_CHILDREN], index, depth);
	*ret_index = index;
	return status;
}

/* ---- The whole ----------------------------------------------------------------------------------------- */

/* What was accepted before is read again whatever the limit is, and however it was written then. */
static bool too_large(const struct parser *p, size_t size)
{
	return !p->options->trusted && size > TRIB_LIMIT_RULE_SOURCE_BYTES;
}

static trib_status refuse_size(struct parser *p, size_t size)
{
	return trib_fail(p->error, TRIB_TOO_LARGE, "body", "found %zu bytes, expected at most %d",
			 size, TRIB_LIMIT_RULE_SOURCE_BYTES);
}

static trib_status load_json(struct parser *p, struct trib_bytes json, struct trib_json **ret_root)
{
	/* A level of nodes is two of JSON; shares are two more, the body one. */
	const uint32_t depth_max = 2 * TRIB_LIMIT_RULE_DEPTH + 3;
	const struct trib_json *root;
	struct trib_error why;
	unsigned line = 1, column = 1;
	char at[64];

	if (too_large(p, json.size))
		return refuse_size(p, json.size);
	if (trib_json_parse(json, depth_max, p->scratch, &root, &why) == TRIB_OK) {
		*ret_root = (struct trib_json *)(uintptr_t)root;
		return TRIB_OK;
	}
	if (why.status == TRIB_LIMIT)
		return trib_fail(p->error, TRIB_LIMIT, "body",
				 "found JSON nested too deep, expected at most %d levels of nodes",
				 TRIB_LIMIT_RULE_DEPTH);
	sscanf(why.at, "line %u column %u", &line, &column);
	snprintf(at, sizeof(at), "body:%u:%u", line, column);
	return trib_fail(p->error, TRIB_SYNTAX, at, "found no JSON object: %.120s", why.text);
}

/* What only answers have may come back in a PUT, and is not kept. */
static const char *const answer_fields[] = { "name",	  "number",   "version", "active",
					     "scheduled", "rollouts", "position" };

static bool is_of_answers(const struct trib_json *member)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(answer_fields); i++)
		if (trib_bytes_is(member->key, answer_fields[i]))
			return true;
	return false;
}

static bool is_null(const struct trib_json *member)
{
	return member->kind == TRIB_JSON_NULL;
}

static void drop(struct trib_json *object, bool (*drops)(const struct trib_json *))
{
	for (struct trib_json **link = &object->first; *link;) {
		if (!drops(*link)) {
			link = &(*link)->next;
			continue;
		}
		*link = (*link)->next;
		object->count--;
	}
}

/* null means the same as leaving a field out. Recurses as deep as the JSON, which is limited. */
static void drop_nulls(struct trib_json *json)
{
	if (json->kind == TRIB_JSON_OBJECT)
		drop(json, is_null);
	for (struct trib_json *child = json->first; child; child = child->next)
		if (child->first)
			drop_nulls(child);
}

static trib_status parse_scene(struct parser *p, const struct trib_json *scene)
{
	struct trib_tree *tree = p->tree;
	uint32_t before;

	if (scene && !trib_external_id_valid(text_of(scene)))
		return trib_fail(p->error, TRIB_INVALID, "scene",
				 "found other text, expected a name of 1 to 64 bytes without space, control or /");
	tree->scene = keep(p, scene ? scene->text : trib_bytes_text(p->options->name));
	before = trib_names_count(tree->constants.names);
	if (constants_add(&tree->constants, TRIB_SPACE_SYMBOL, tree->scene) > before) {
		tree->symbols = trib_realloc(tree->symbols, sizeof(*tree->symbols));
		tree->symbols[tree->symbol_count++] = tree->scene;
	}
	return TRIB_OK;
}

/* The canonical text, which may be longer than what came: a DEL is escaped in it. */
static trib_status write_source(struct parser *p, const struct trib_json *root)
{
	struct trib_buffer source;
	trib_status status = TRIB_OK;

	trib_buffer_init(&source, SIZE_MAX / 2);
	trib_json_add(&source, root, p->scratch);
	if (too_large(p, source.size))
		status = refuse_size(p, source.size);
	else
		p->tree->source = keep(p, trib_buffer_bytes(&source));
	trib_buffer_fini(&source);
	return status;
}

static trib_status parse_body(struct parser *p, struct trib_json *body)
{
	enum { SCENE, TREE, MEMBERS };
	static const char *const known[MEMBERS] = { "scene", "root" };
	const struct trib_json *members[MEMBERS];
	uint32_t index;
	trib_status status;

	if (!is_object(body))
		return trib_fail(p->error, TRIB_INVALID, "body",
				 "expected an object with scene and root");
	drop_nulls(body);
	drop(body, is_of_answers);
	status = gather(p, NULL, "", body, known, MEMBERS, "scene, root", members);
	if (status == TRIB_OK)
		status = parse_scene(p, members[SCENE]);
	if (status != TRIB_OK)
		return status;
	if (!members[TREE])
		return trib_fail(p->error, TRIB_INVALID, "root", "found nothing, expected a node");
	status = parse_node(p, members[TREE], 0, 0, &index);
	return status == TRIB_OK ? write_source(p, body) : status;
}

trib_status tree_parse(struct trib_tree *tree, const struct trib_tree_options *options,
		       struct trib_bytes json, struct trib_arena *scratch, struct trib_error *error)
{
	struct parser p = { .tree = tree, .options = options, .scratch = scratch, .error = error };
	struct trib_json *body = NULL;
	trib_status status = load_json(&p, json, &body);

	if (status != TRIB_OK)
		return status;
	p.ids = trib_names_new(options->key);
	status = parse_body(&p, body);
	trib_names_free(p.ids);
	return status;
}
