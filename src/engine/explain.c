/* Records of orders → JSON, from the event and the immutable versions that it names. */
#include "engine/state.h"

static void add_key(struct trib_buffer *json, const char *key)
{
	char last = json->size ? json->data[json->size - 1] : '{';

	if (last != '{' && last != '[')
		trib_buffer_add_char(json, ',');
	trib_buffer_add_char(json, '"');
	trib_buffer_add_text(json, key);
	trib_buffer_add_text(json, "\":");
}

static void add_text(struct trib_buffer *json, const char *key, struct trib_bytes text)
{
	add_key(json, key);
	trib_json_add_string(json, text);
}

static void add_number(struct trib_buffer *json, const char *key, int64_t number)
{
	add_key(json, key);
	trib_buffer_add_i64(json, number);
}

static void add_bool(struct trib_buffer *json, const char *key, bool value)
{
	add_key(json, key);
	trib_buffer_add_text(json, value ? "true" : "false");
}

/* Opens an element of a list. */
static void open_item(struct trib_buffer *json)
{
	if (json->data[json->size - 1] != '[')
		trib_buffer_add_char(json, ',');
	trib_buffer_add_char(json, '{');
}

static struct trib_bytes symbol(const struct trib_engine *engine, uint32_t code)
{
	return code ? trib_names_text(trib_domain_symbols(engine->domain), code) : trib_bytes("", 0);
}

static void add_versioned(struct trib_buffer *json, const char *key, struct trib_bytes id, uint32_t version)
{
	char text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 16];
	int size = snprintf(text, sizeof(text), TRIB_BYTES_FMT "@%u", TRIB_BYTES_ARG(id), version);

	add_text(json, key, trib_bytes(text, (size_t)size));
}

static const struct trib_tree *tree_of(const struct trib_engine *engine, const struct trib_order_record *record)
{
	return record->tree ? trib_rules_tree(engine->rules, record->tree, record->tree_version) : NULL;
}

struct trib_bytes trib_engine_line_name(const struct trib_engine *engine,
					const struct trib_order_record *record,
					const struct trib_order_line *line)
{
	const struct trib_tree *tree = tree_of(engine, record);
	const struct trib_node *node = tree ? trib_tree_node(tree, record->node) : NULL;

	if (node && line->share < node->n_shares)
		return node->share_names[line->share];
	if (line->share == TRIB_SHARE_PASSED)
		return trib_bytes_text(trib_line_kind_word(TRIB_LINE_AGENCY_PAY));
	return symbol(engine, line->name);
}

/* The role as a share writes it, or the id of a party that is called by it. */
struct trib_bytes trib_engine_line_party(const struct trib_engine *engine, uint32_t party, uint32_t role)
{
	return role == TRIB_WORD_SERVICE_PROVIDER ? trib_engine_party_id(engine, party) : symbol(engine, role);
}

static void add_line(const struct trib_engine *engine, const struct trib_order_record *record,
		     const struct trib_order_line *line, struct trib_buffer *json)
{
	open_item(json);
	add_text(json, "name", trib_engine_line_name(engine, record, line));
	add_text(json, "to", trib_engine_line_party(engine, line->to_party, line->to_role));
	add_text(json, "from", trib_engine_line_party(engine, line->from_party, line->from_role));
	add_number(json, "amount", line->amount);
	trib_buffer_add_char(json, '}');
}

static void add_credits(const struct trib_engine *engine, const struct trib_order_record *record,
			struct trib_buffer *json)
{
	add_key(json, "credits");
	trib_buffer_add_char(json, '[');
	for (uint32_t i = 0; i < record->n_slices; i++) {
		const struct trib_slice *slice = &record->slices[i];

		open_item(json);
		add_number(json, "touch", (int64_t)record->touches[slice->touch].touch.link);
		add_versioned(json, "plan", trib_domain_id(engine->domain, TRIB_NOUN_PLAN, slice->plan),
			      slice->plan_version);
		if (slice->offer)
			add_versioned(json, "offer",
				      trib_domain_id(engine->domain, TRIB_NOUN_PLAN, slice->offer),
				      slice->offer_version);
		add_number(json, "base", slice->base);
		add_key(json, "lines");
		trib_buffer_add_char(json, '[');
		for (uint32_t j = 0; j < slice->n_lines; j++) {
			const struct trib_order_line *line = &record->lines[slice->line + j];

			add_line(engine, record, line, json);
		}
		trib_buffer_add_text(json, "]}");
	}
	trib_buffer_add_char(json, ']');
}

static void add_rules(const struct trib_engine *engine, const struct trib_order_record *record,
		      struct trib_buffer *json)
{
	const struct trib_tree *tree = tree_of(engine, record);

	if (!tree)
		return;
	add_versioned(json, "rules", trib_rules_name(engine->rules, record->tree), record->tree_version);
	add_text(json, "node", trib_tree_node(tree, record->node)->id);
}

/* Which entry of a block list spoke against the order, in the version that it had. */
static void add_listed(const struct trib_engine *engine, const struct trib_order_record *record,
		       struct trib_buffer *json)
{
	const struct trib_order_listed *listed = &record->listed;

	if (TRIB_LIKELY(!listed->block))
		return;
	add_key(json, "block");
	trib_buffer_add_char(json, '{');
	add_versioned(json, "entry", trib_domain_id(engine->domain, TRIB_NOUN_BLOCK, listed->block), listed->version);
	if (trib_block_kind_word((enum trib_block_kind)listed->kind))
		add_text(json, "kind", trib_bytes_text(trib_block_kind_word((enum trib_block_kind)listed->kind)));
	trib_buffer_add_char(json, '}');
}

/* Why this version of the tree, where roll-outs are under way. */
static void add_choice(const struct trib_order_record *record, struct trib_buffer *json)
{
	const struct trib_rules_choice *choice = &record->choice;

	if (TRIB_LIKELY(!choice->asked))
		return;
	add_key(json, "rollout");
	trib_buffer_add_char(json, '{');
	add_text(json, "version", trib_bytes_text(choice->chosen ? "rolled_out" : "active"));
	if (choice->has_place)
		add_number(json, "place", choice->place);
	if (choice->to) {
		add_number(json, "share_from", choice->from);
		add_number(json, "share_to", choice->to);
	}
	if (choice->chosen)
		add_bool(json, "when", choice->conditional);
	trib_buffer_add_char(json, '}');
}

/* What the node that decided says about it: of a held order, why it is. */
static void add_reason(const struct trib_engine *engine, const struct trib_order_record *record,
		       struct trib_buffer *json)
{
	const struct trib_tree *tree = tree_of(engine, record);
	const struct trib_node *node = tree ? trib_tree_node(tree, record->node) : NULL;

	if (node && node->reason.size)
		add_text(json, "reason", node->reason);
}

/* Whose it is, and what that has its own way of. */
static void add_play(const struct trib_order_record *record, struct trib_buffer *json)
{
	if (!record->play.size)
		return;
	add_text(json, "play", record->play);
	add_number(json, "play_version", record->play_version);
	if (!record->n_asked)
		return;
	add_key(json, "asked");
	trib_buffer_add_char(json, '[');
	for (uint32_t i = 0; i < record->n_asked; i++) {
		const struct trib_asked *asked = &record->asked[i];

		open_item(json);
		add_text(json, "capability", asked->capability);
		if (asked->gave.size)
			add_text(json, "gave", asked->gave);
		if (asked->failed)
			add_bool(json, "failed", true);
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_char(json, ']');
}

static void add_answer(const struct trib_engine *engine, const struct trib_order_record *record,
		       struct trib_buffer *json)
{
	add_text(json, "outcome", trib_bytes_text(trib_outcome_word(record->outcome)));
	add_rules(engine, record, json);
	if (record->held)
		add_bool(json, "held", true);
	add_number(json, "charged", record->charged);
	add_text(json, "currency", symbol(engine, record->currency));
	add_credits(engine, record, json);
}

void trib_engine_answer_json(const struct trib_engine *engine, const struct trib_order_record *record,
			     struct trib_buffer *json)
{
	trib_buffer_add_char(json, '{');
	add_answer(engine, record, json);
	trib_buffer_add_char(json, '}');
}

static void add_user(const struct trib_order_record *record, struct trib_buffer *json)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)record->user);
	add_text(json, "user_hash", trib_bytes_text(text));
}

static void add_carrier(const struct trib_engine *engine, uint32_t kind, uint32_t id, uint32_t owner,
			struct trib_buffer *json)
{
	if (!kind)
		return;
	add_key(json, "carrier");
	trib_buffer_add_char(json, '{');
	add_text(json, "kind", symbol(engine, kind));
	add_text(json, "id", symbol(engine, id));
	if (owner)
		add_text(json, "owner", trib_engine_party_id(engine, owner));
	trib_buffer_add_char(json, '}');
}

/* What commission is computed on, and which formula said so. */
static void add_base(const struct trib_engine *engine, const struct trib_order_record *record,
		     struct trib_buffer *json)
{
	const struct trib_tree *tree = tree_of(engine, record);
	char formula[2 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 16];

	add_number(json, "base_amount", record->base_amount);
	add_bool(json, "base_stated", !record->base_computed);
	if (!record->has_amounts)
		return;
	add_number(json, "trade_amount", record->amounts[TRIB_AMOUNT_PAID]);
	add_key(json, "amounts");
	trib_buffer_add_char(json, '{');
	for (uint32_t i = 0; i < TRIB_AMOUNTS; i++)
		add_number(json, trib_amount_word((enum trib_amount)i), record->amounts[i]);
	trib_buffer_add_char(json, '}');
	if (!record->base_computed || !tree)
		return;
	snprintf(formula, sizeof(formula), TRIB_BYTES_FMT "@%u/" TRIB_BYTES_FMT,
		 TRIB_BYTES_ARG(trib_rules_name(engine->rules, record->tree)), record->tree_version,
		 TRIB_BYTES_ARG(trib_tree_node(tree, record->node)->id));
	add_text(json, "base_formula", trib_bytes_text(formula));
	if (record->base_result)
		add_number(json, "base_result", record->base_result);
}

/* What the caller stated, as far as it is kept. */
static void add_request(const struct trib_engine *engine, const struct trib_order_record *record,
			struct trib_buffer *json)
{
	add_text(json, "order", record->order);
	add_number(json, "at", record->at_ms);
	add_user(record, json);
	add_text(json, "goods", trib_domain_id(engine->domain, TRIB_NOUN_GOODS, record->goods));
	add_base(engine, record, json);
	if (record->qty)
		add_number(json, "qty", record->qty);
	if (record->scene)
		add_text(json, "scene", symbol(engine, record->scene));
	add_carrier(engine, record->carrier_kind, record->carrier, record->carrier_owner, json);
	if (record->page)
		add_text(json, "page", symbol(engine, record->page));
	if (!record->n_ext)
		return;
	add_key(json, "ext");
	trib_buffer_add_char(json, '{');
	for (uint32_t i = 0; i < record->n_ext; i++) {
		if (i)
			trib_buffer_add_char(json, ',');
		trib_json_add_string(json, record->ext[i].key);
		trib_buffer_add_char(json, ':');
		trib_json_add_string(json, record->ext[i].value);
	}
	trib_buffer_add_char(json, '}');
}

/* --- Life --------------------------------------------------------------------------------------------- */

/* Of those that were ordered, after every refund, late or not. */
static int64_t pieces_left(const struct trib_order_record *record, const struct trib_life_messages *messages)
{
	int64_t left = record->qty;

	for (uint32_t i = 0; i < messages->n_refunds; i++)
		if (trib_refund_takes_pieces(messages->refunds[i].kind))
			left -= messages->refunds[i].qty;
	return TRIB_MAX(left, 0);
}

static void add_state(const struct trib_engine *engine, const struct trib_order_record *record, struct trib_buffer *json)
{
	const struct life_work *life = engine->life;
	enum trib_order_state state = life->has_earlier ? life->earlier.state : TRIB_ORDER_CREATED;
	int code = trib_order_state_code(state);

	add_text(json, "state", trib_bytes_text(trib_order_state_word(state)));
	add_key(json, "code");
	if (code)
		trib_buffer_add_i64(json, code);
	else
		trib_buffer_add_text(json, "null");
	add_number(json, "remaining_base", life->has_earlier ? life->earlier.remaining : record->base_amount);
	if (record->qty && life->has_earlier)
		add_number(json, "remaining_qty", pieces_left(record, &life->earlier.messages));
}

/* What has been told of it, by time within each kind. */
static void add_messages(const struct trib_life_messages *messages, struct trib_buffer *json)
{
	add_key(json, "told");
	trib_buffer_add_char(json, '[');
	for (uint32_t state = TRIB_ORDER_CREATED; state < TRIB_ORDER_STATES; state++) {
		const struct trib_reached *reached = &messages->reached[state];

		if (!reached->at_ms)
			continue;
		open_item(json);
		add_text(json, "status", trib_bytes_text(trib_order_state_word((enum trib_order_state)state)));
		add_number(json, "at", reached->at_ms);
		if (reached->reason.size)
			add_text(json, "reason", reached->reason);
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_char(json, ']');
	if (messages->review.verdict) {
		add_key(json, "review");
		trib_buffer_add_char(json, '{');
		add_text(json, "verdict", trib_bytes_text(trib_review_word(messages->review.verdict)));
		add_number(json, "at", messages->review.at_ms);
		if (messages->review.reason.size)
			add_text(json, "reason", messages->review.reason);
		if (messages->review.by.size)
			add_text(json, "by", messages->review.by);
		trib_buffer_add_char(json, '}');
	}
	add_key(json, "edits");
	trib_buffer_add_char(json, '[');
	for (uint32_t i = 0; i < messages->n_edits; i++) {
		open_item(json);
		add_text(json, "status", trib_bytes_text(trib_order_state_word(messages->edits[i].state)));
		add_number(json, "at", messages->edits[i].at_ms);
		add_number(json, "base_amount", messages->edits[i].base);
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_char(json, ']');
}

static void add_refunds(const struct trib_life_messages *messages, struct trib_buffer *json)
{
	add_key(json, "refunds");
	trib_buffer_add_char(json, '[');
	for (uint32_t i = 0; i < messages->n_refunds; i++) {
		const struct trib_refund *refund = &messages->refunds[i];

		open_item(json);
		add_text(json, "refund", refund->id);
		add_text(json, "kind", trib_bytes_text(trib_refund_kind_word(refund->kind)));
		add_number(json, "amount", refund->amount);
		if (refund->qty)
			add_number(json, "qty", refund->qty);
		add_number(json, "at", refund->at_ms);
		if (refund->is_part)
			add_number(json, "part_of", refund->whole);
		add_number(json, "remaining_base", refund->remaining);
		add_number(json, "reversed", refund->reversed);
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_char(json, ']');
}

/* The split of what is left, as the decision's credits. */
static void add_current(const struct trib_engine *engine, const struct trib_order_record *record,
			const struct trib_order_change *change, struct trib_buffer *json)
{
	uint32_t line = 0;

	add_key(json, "credits");
	trib_buffer_add_char(json, '[');
	for (uint32_t i = 0; i < change->n_slices; i++) {
		open_item(json);
		if (change->slice_touch[i] < record->n_touches)
			add_number(json, "touch", (int64_t)record->touches[change->slice_touch[i]].touch.link);
		add_number(json, "base", change->slice_base[i]);
		add_key(json, "lines");
		trib_buffer_add_char(json, '[');
		for (; line < change->n_lines && change->lines[line].slice == i; line++)
			add_line(engine, record, &change->lines[line].line, json);
		trib_buffer_add_text(json, "]}");
	}
	trib_buffer_add_char(json, ']');
}

/* What has become of the order: estimated amounts as decided, final ones once it is settled or invalid. */
static void add_life(const struct trib_engine *engine, const struct trib_order_record *record, struct trib_buffer *json)
{
	static const struct trib_life_messages nothing;
	const struct life_work *life = engine->life;
	const struct trib_order_change *change = &life->earlier;
	int64_t counted = life->has_earlier ? change->counted : record->base_amount;

	add_state(engine, record, json);
	add_refunds(life->has_earlier ? &change->messages : &nothing, json);
	add_key(json, "life");
	trib_buffer_add_char(json, '{');
	add_messages(life->has_earlier ? &change->messages : &nothing, json);
	add_number(json, "base_estimated", record->base_amount);
	if (life->has_earlier && change->final)
		add_number(json, "base_final", counted);
	else
		add_number(json, "base_now", counted);
	if (life->has_earlier) {
		add_number(json, "position", (int64_t)life->position);
		add_number(json, "charged", change->charged);
		if (change->forfeited)
			add_number(json, "forfeited", change->forfeited);
		if (change->left_out)
			add_number(json, "left_out", change->left_out);
		add_current(engine, record, change, json);
		if (change->tallies.size)
			stateful_explain(engine, change->tallies, json);
	}
	trib_buffer_add_char(json, '}');
}

void trib_engine_order_json(const struct trib_engine *engine, const struct trib_order_record *record,
			    uint64_t position, struct trib_buffer *json)
{
	trib_buffer_add_char(json, '{');
	add_request(engine, record, json);
	add_number(json, "position", (int64_t)position);
	add_answer(engine, record, json);
	add_choice(record, json);
	add_listed(engine, record, json);
	if (record->held)
		add_reason(engine, record, json);
	add_play(record, json);
	add_life(engine, record, json);
	trib_buffer_add_char(json, '}');
}

/* --- EXPLAIN ------------------------------------------------------------------------------------------ */

static void add_token(const struct trib_engine *engine, const struct trib_order_record *record,
		      struct trib_buffer *json)
{
	add_key(json, "token");
	if (!record->by_token) {
		trib_buffer_add_text(json, "null");
		return;
	}
	trib_buffer_add_char(json, '{');
	uint32_t newest = record->n_touches;

	while (newest > 0 && !record->touches[newest - 1].by_token)
		newest--;
	if (newest == 0) {
		add_text(json, "text", record->bad_token);
		trib_buffer_add_char(json, '}');
		return;
	}
	const struct trib_touch *touch = &record->touches[newest - 1].touch;

	add_number(json, "link", (int64_t)touch->link);
	add_text(json, "registration",
		 trib_domain_id(engine->domain, TRIB_NOUN_REGISTRATION, touch->registration));
	add_text(json, "channel", symbol(engine, touch->channel));
	add_text(json, "creator", trib_engine_party_id(engine, touch->creator));
	add_text(json, "goods", trib_domain_id(engine->domain, TRIB_NOUN_GOODS, touch->goods));
	add_versioned(json, "plan", trib_domain_id(engine->domain, TRIB_NOUN_PLAN, touch->plan),
		      touch->plan_version);
	add_number(json, "issued_at", touch->issued_at_ms);
	trib_buffer_add_char(json, '}');
}

static void add_touches(const struct trib_engine *engine, const struct trib_order_record *record,
			struct trib_buffer *json)
{
	add_key(json, "touches");
	trib_buffer_add_char(json, '[');
	for (uint32_t i = 0; i < record->n_touches; i++) {
		const struct trib_considered *considered = &record->touches[i];
		const char *reason = trib_reason_word((enum trib_reason)considered->reason);
		const char *kind = trib_touch_kind_word((enum trib_touch_kind)considered->touch.kind);

		open_item(json);
		add_number(json, "touch", (int64_t)considered->touch.link);
		add_number(json, "at", considered->touch.at_ms);
		add_bool(json, "won", considered->reason == TRIB_REASON_WON);
		add_text(json, "reason", trib_bytes_text(reason ? reason : "not_judged"));
		add_text(json, "kind", trib_bytes_text(kind ? kind : "click"));
		add_text(json, "creator", trib_engine_party_id(engine, considered->touch.creator));
		add_text(json, "goods", trib_domain_id(engine->domain, TRIB_NOUN_GOODS,
						       considered->touch.goods));
		add_carrier(engine, considered->touch.carrier_kind, considered->touch.carrier,
			    considered->touch.carrier_owner, json);
		if (considered->touch.page)
			add_text(json, "page", symbol(engine, considered->touch.page));
		if (record->n_touches > 1 && considered->by_token)
			add_bool(json, "token", true);
		if (considered->assist)
			add_number(json, "assist", considered->assist);
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_char(json, ']');
}

static void add_path(const struct trib_engine *engine, const struct trib_order_record *record,
		     struct trib_buffer *json)
{
	const struct trib_tree *tree = tree_of(engine, record);
	struct trib_path_cursor cursor;
	const struct trib_node *node;
	bool value;

	add_key(json, "path");
	trib_buffer_add_char(json, '[');
	if (tree) {
		trib_path_begin(tree, record->path, &cursor);
		while (trib_path_next(&cursor, &node, &value)) {
			open_item(json);
			add_text(json, "node", node->id);
			add_text(json, "when", node->when);
			add_bool(json, "value", value);
			trib_buffer_add_char(json, '}');
		}
	}
	trib_buffer_add_char(json, ']');
}

static void add_entry(const struct trib_engine *engine, uint32_t party, uint32_t role, uint32_t currency,
		      int64_t debit, int64_t credit, struct trib_buffer *json)
{
	open_item(json);
	add_text(json, "account", trib_engine_party_id(engine, party));
	add_text(json, "role", symbol(engine, role));
	add_text(json, "currency", symbol(engine, currency));
	add_number(json, "debit", debit);
	add_number(json, "credit", credit);
	trib_buffer_add_char(json, '}');
}

static void add_postings(const struct trib_engine *engine, const struct trib_order_line *line, uint32_t currency,
			 struct trib_buffer *json)
{
	if (line->amount == 0)
		return;
	add_entry(engine, line->from_party, line->from_role, currency, line->amount, 0, json);
	add_entry(engine, line->to_party, line->to_role, currency, 0, line->amount, json);
}

/* What stands in the books for this order now. */
static void add_ledger(const struct trib_engine *engine, const struct trib_order_record *record,
		       struct trib_buffer *json)
{
	const struct trib_order_change *change = &engine->life->earlier;

	add_key(json, "ledger");
	trib_buffer_add_char(json, '[');
	if (engine->life->has_earlier)
		for (uint32_t i = 0; i < change->n_lines; i++)
			add_postings(engine, &change->lines[i].line, record->currency, json);
	else
		for (uint32_t i = 0; i < record->n_lines; i++)
			add_postings(engine, &record->lines[i], record->currency, json);
	trib_buffer_add_char(json, ']');
}

/* What the rules read, by the names that they use. */
static void add_facts(const struct trib_engine *engine, const struct trib_order_record *record,
		      struct trib_buffer *json)
{
	struct trib_bytes rest = record->facts;
	struct trib_facts facts;
	uint64_t fact, value;

	add_key(json, "facts");
	trib_buffer_add_char(json, '{');
	trib_facts_init(&facts, &engine->spaces, NULL);
	while (trib_wire_get_varint(&rest, &fact) && trib_wire_get_varint(&rest, &value) && fact < TRIB_FACTS &&
	       fact != TRIB_FACT_NONE) {
		const struct trib_fact_row *row = &trib_fact_rows[fact];
		int64_t number = trib_wire_unzigzag(value);

		trib_facts_set(&facts, (enum trib_fact)fact, number);
		if (row->kind == TRIB_FACT_STRING) {
			add_text(json, row->name, trib_facts_text(&facts, (enum trib_fact)fact));
		} else if (row->kind == TRIB_FACT_DOUBLE) {
			add_key(json, row->name);
			trib_json_add_double(json, trib_fact_to_double(number));
		} else if (row->kind == TRIB_FACT_BOOL) {
			add_key(json, row->name);
			trib_buffer_add_text(json, number ? "true" : "false");
		} else if (row->kind != TRIB_FACT_TAGS && row->kind != TRIB_FACT_EXT &&
			   row->kind != TRIB_FACT_PATH) {
			add_number(json, row->name, number);
		}
	}
	trib_buffer_add_char(json, '}');
}

static void add_kind(const struct trib_engine *engine, const char *key, uint32_t plan, uint32_t version,
		     struct trib_buffer *json)
{
	const struct trib_plan_version *found =
		trib_plan_version(trib_domain_plan(engine->domain, plan), version);

	if (plan && found)
		add_text(json, key, symbol(engine, found->kind));
}

/*
 * Which plan ruled for each touch that was paid, from versions that never change; and where its rivals are listed.
 * Without money: for the primary touch, why none ruled.
 */
static void add_choices(const struct trib_engine *engine, const struct trib_order_record *record,
			struct trib_buffer *json)
{
	add_key(json, "choices");
	trib_buffer_add_char(json, '[');
	for (uint32_t i = 0; i < TRIB_MAX(record->n_slices, record->n_touches ? 1u : 0u); i++) {
		const struct trib_slice *slice = i < record->n_slices ? &record->slices[i] : NULL;
		const struct trib_touch *touch =
			&record->touches[slice ? slice->touch : record->n_touches - 1].touch;

		open_item(json);
		add_number(json, "touch", (int64_t)touch->link);
		if (slice) {
			add_versioned(json, "plan", trib_domain_id(engine->domain, TRIB_NOUN_PLAN, slice->plan),
				      slice->plan_version);
			add_kind(engine, "kind", slice->plan, slice->plan_version, json);
			add_kind(engine, "offer_kind", slice->offer, slice->offer_version, json);
		}
		add_key(json, "candidates");
		engine_add_terms_path(engine, record, touch, json);
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_char(json, ']');
}

/* The rates that each credit was split by, and whose time fixed them. */
static void add_rates(const struct trib_engine *engine, const struct trib_order_record *record,
		      struct trib_buffer *json)
{
	const struct trib_tree *tree = tree_of(engine, record);
	const struct trib_node *node = tree && record->n_slices ? trib_tree_node(tree, record->node) : NULL;

	if (!node)
		return;
	add_key(json, "rates");
	trib_buffer_add_char(json, '[');
	for (uint32_t i = 0; i < record->n_slices; i++) {
		const struct trib_slice *slice = &record->slices[i];
		const struct trib_touch *touch = &record->touches[slice->touch].touch;

		open_item(json);
		add_number(json, "touch", (int64_t)touch->link);
		add_text(json, "lock", trib_bytes_text(trib_lock_word(node->lock)));
		add_number(json, "locked_at", trib_resolve_lock_ms(record, touch, node->lock, NULL));
#define X(name, number, word)                                                                                     \
	if (slice->rates.bps[number])                                                                             \
		add_number(json, word, slice->rates.bps[number]);
		TRIB_RATE_TABLE(X)
#undef X
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_char(json, ']');
}

trib_status trib_engine_explain(struct trib_engine *engine, struct trib_bytes order,
				struct trib_buffer *json, struct trib_error *error)
{
	const struct trib_order_record *record;
	uint64_t position;
	trib_status status = check_order_id(order, error);

	if (status == TRIB_OK)
		status = trib_engine_order(engine, order, &record, &position, error);
	if (status != TRIB_OK)
		return status;
	trib_buffer_add_char(json, '{');
	add_text(json, "order", record->order);
	add_number(json, "at", record->at_ms);
	add_number(json, "position", (int64_t)position);
	add_text(json, "outcome", trib_bytes_text(trib_outcome_word(record->outcome)));
	add_rules(engine, record, json);
	add_choice(record, json);
	add_listed(engine, record, json);
	add_reason(engine, record, json);
	add_play(record, json);
	if (record->held)
		add_bool(json, "held", true);
	add_token(engine, record, json);
	if (record->n_touches && record->bad_token.size)
		add_text(json, "bad_token", record->bad_token);
	add_touches(engine, record, json);
	add_path(engine, record, json);
	add_facts(engine, record, json);
	add_base(engine, record, json);
	add_rates(engine, record, json);
	add_number(json, "charged", record->charged);
	add_text(json, "currency", symbol(engine, record->currency));
	add_credits(engine, record, json);
	add_choices(engine, record, json);
	add_ledger(engine, record, json);
	add_life(engine, record, json);
	if (record->tallies.size)
		stateful_explain(engine, record->tallies, json);
	trib_buffer_add_char(json, '}');
	return json->failed ? trib_fail(error, TRIB_TOO_LARGE, "order", "the explanation passes %zu bytes",
					json->size_max) :
			      TRIB_OK;
}

trib_status trib_engine_order(struct trib_engine *engine, struct trib_bytes order,
			      const struct trib_order_record **ret_record, uint64_t *ret_position,
			      struct trib_error *error)
{
	trib_status status = history_find_order(engine, order, trib_hash_keyed(order, engine->order_key),
						ret_position, error);

	*ret_record = &engine->earlier;
	if (status == TRIB_NOT_FOUND)
		return trib_fail(error, TRIB_NOT_FOUND, "order", "found \"%.*s\", expected the id of an order that was decided",
				 (int)TRIB_MIN(order.size, (size_t)TRIB_ORDER_ID_BYTES_MAX), order.data);
	return status;
}
