#include "resolve/ways.h"

/* --- Whose it is -------------------------------------------------------------------------------------- */

const struct trib_order_ways *trib_order_name_play(const struct trib_market *market, int64_t now_ms, uint32_t registration,
						   uint32_t plan, struct trib_order_record *record)
{
	const struct trib_plan *of = trib_domain_plan(market->domain, plan);
	uint32_t named = trib_domain_registration(market->domain, registration)->play, play = named ? named : of->play;

	if (TRIB_LIKELY(!play))
		return NULL;
	record->play = trib_names_text(trib_domain_plays(market->domain), play);
	record->play_version = of->play == play ? of->play_version :
						  trib_order_path_active(market->plays, play, now_ms);
	return trib_order_path_ways(market->plays, play, record->play_version);
}

const struct trib_order_ways *trib_order_ways_of(const struct trib_market *market, const struct trib_order_record *record)
{
	if (TRIB_LIKELY(!record->play.size))
		return NULL;
	return trib_order_path_ways(market->plays, trib_names_find(trib_domain_plays(market->domain), record->play),
				    record->play_version);
}

/* --- Questions ---------------------------------------------------------------------------------------- */

static bool has(const struct trib_order_asker *asker, enum trib_capability capability)
{
	return trib_order_ways_have(asker->ways, capability);
}

/* The note of a capability: one, however often it is asked. NULL where none is kept. */
static struct trib_asked *note(struct trib_order_asker *asker, enum trib_capability capability)
{
	struct trib_order_record *record = asker->record;
	struct trib_bytes name = trib_bytes_text(trib_capability_row(capability)->name);

	for (uint32_t i = 0; record && i < record->n_asked; i++)
		if (trib_bytes_equal(record->asked[i].capability, name))
			return &record->asked[i];
	if (!record || record->n_asked == TRIB_ORDER_ASKED_MAX)
		return NULL;
	record->asked[record->n_asked] = (struct trib_asked){ .capability = name };
	return &record->asked[record->n_asked++];
}

static bool ask(struct trib_order_asker *asker, enum trib_capability capability, const struct trib_value *in,
		struct trib_value *out)
{
	struct trib_asked *asked = note(asker, capability);
	bool done = trib_order_ask(asker->ways, capability, in, asker->scratch, out);

	if (asked)
		asked->failed |= !done;
	return done;
}

/* What was given: a word that is there for good, or a number. */
static void note_gave(struct trib_order_asker *asker, enum trib_capability capability, const char *word, int64_t number)
{
	struct trib_asked *asked = note(asker, capability);

	if (asked && !asked->failed)
		asked->gave = word ? trib_bytes_text(word) :
				     trib_bytes(asked->text, trib_format_i64(asked->text, number));
}

bool trib_order_ask_base(struct trib_order_asker *asker, int64_t *ret_base)
{
	const int64_t *amounts = asker->record->amounts;
	struct trib_value out[TRIB_CAPABILITY_FIELDS_MAX];
	const struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX] = {
		trib_value_int(amounts[TRIB_AMOUNT_PAID]), trib_value_int(amounts[TRIB_AMOUNT_FREIGHT]),
		trib_value_int(amounts[TRIB_AMOUNT_TAX]), trib_value_int(amounts[TRIB_AMOUNT_COUPON_PLATFORM]),
		trib_value_int(amounts[TRIB_AMOUNT_COUPON_MERCHANT])
	};

	if (!has(asker, TRIB_CAPABILITY_ORDER_BASE))
		return false;
	trib_arena_reset(asker->scratch);
	if (!ask(asker, TRIB_CAPABILITY_ORDER_BASE, in, out))
		return false;
	*ret_base = out[0].integer;
	note_gave(asker, TRIB_CAPABILITY_ORDER_BASE, NULL, *ret_base);
	return true;
}

static struct trib_value text_value(struct trib_bytes text)
{
	return trib_value_string(text);
}

static struct trib_value outcome_value(enum trib_outcome outcome)
{
	return text_value(trib_bytes_text(trib_outcome_word(outcome)));
}

/* The order's EXT as a map; empty where memory does not do. */
static struct trib_value ext_value(const struct trib_order_record *record, struct trib_arena *arena)
{
	static const struct trib_map nothing;
	struct trib_value map = { .kind = TRIB_VALUE_MAP, .map = &nothing };
	struct trib_value *pairs = record->n_ext ? trib_arena_alloc(arena, 2 * record->n_ext * sizeof(*pairs)) : NULL;

	for (uint32_t i = 0; pairs && i < record->n_ext; i++) {
		pairs[i] = text_value(record->ext[i].key);
		pairs[record->n_ext + i] = text_value(record->ext[i].value);
	}
	if (pairs && trib_value_map(arena, pairs, pairs + record->n_ext, record->n_ext, &map) != TRIB_OK)
		map = (struct trib_value){ .kind = TRIB_VALUE_MAP, .map = &nothing };
	return map;
}

/* That which the caller names, else the registration's. */
static struct trib_bytes scene_of(const struct trib_market *market, const struct trib_resolve_request *request,
				  const struct trib_order_record *record, const struct trib_touch *touch)
{
	uint32_t scene = record->scene;

	if (!scene && request->scene_text.size)
		return request->scene_text;
	if (!scene)
		scene = trib_domain_registration(market->domain, touch->registration)->scene;
	return scene ? trib_names_text(trib_domain_symbols(market->domain), scene) : trib_bytes("", 0);
}

/* A word that an outcome has; as it was where it is none, or none that may be stated. */
static enum trib_outcome take_outcome(struct trib_order_asker *asker, enum trib_capability capability,
				      const struct trib_value *gave, enum trib_outcome before)
{
	enum trib_outcome outcome = trib_outcome_find(trib_value_text(gave));
	struct trib_asked *asked = note(asker, capability);

	if (outcome == TRIB_OUTCOME_NONE || outcome == TRIB_OUTCOME_BAD_TOKEN) {
		if (asked)
			asked->failed = true;
		return before;
	}
	note_gave(asker, capability, trib_outcome_word(outcome), 0);
	return outcome;
}

static enum trib_outcome ask_judge(struct trib_order_asker *asker, const struct trib_resolve_request *request,
				   const struct trib_touch *touch)
{
	const struct trib_order_record *record = asker->record;
	struct trib_value out[TRIB_CAPABILITY_FIELDS_MAX];

	trib_arena_reset(asker->scratch);
	const struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX] = {
		text_value(scene_of(asker->market, request, record, touch)), outcome_value(record->outcome),
		trib_value_int(record->base_amount), trib_value_int(record->qty ? record->qty : 1),
		trib_value_int(trib_domain_party(asker->market->domain, touch->creator)->level),
		ext_value(record, asker->scratch)
	};

	if (!ask(asker, TRIB_CAPABILITY_ORDER_JUDGE, in, out))
		return record->outcome;
	return take_outcome(asker, TRIB_CAPABILITY_ORDER_JUDGE, &out[0], record->outcome);
}

static enum trib_outcome ask_self_purchase(struct trib_order_asker *asker, const struct trib_resolve_request *request,
					   const struct trib_touch *touch, enum trib_outcome outcome)
{
	struct trib_value out[TRIB_CAPABILITY_FIELDS_MAX];
	struct trib_facts facts;

	if (!request->engine_facts) {
		asker->record->needs_engine = true;
		return outcome;
	}
	trib_facts_init(&facts, asker->market->spaces, asker->scratch);
	request->engine_facts(request->engine_context, asker->record, touch,
			      TRIB_FACT_BIT(TRIB_FACT_ORDER_SELF_PURCHASE), &facts);
	trib_arena_reset(asker->scratch);
	const struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX] = {
		outcome_value(outcome), trib_value_bool(facts.value[TRIB_FACT_ORDER_SELF_PURCHASE] != 0)
	};

	if (!ask(asker, TRIB_CAPABILITY_ORDER_SELF_PURCHASE, in, out))
		return outcome;
	return take_outcome(asker, TRIB_CAPABILITY_ORDER_SELF_PURCHASE, &out[0], outcome);
}

enum trib_outcome trib_order_ask_outcome(struct trib_order_asker *asker, const struct trib_resolve_request *request,
					 const struct trib_touch *touch)
{
	enum trib_outcome outcome = asker->record->outcome;

	if (outcome == TRIB_OUTCOME_ATTRIBUTED && has(asker, TRIB_CAPABILITY_ORDER_JUDGE))
		outcome = ask_judge(asker, request, touch);
	if (outcome == TRIB_OUTCOME_ATTRIBUTED && has(asker, TRIB_CAPABILITY_ORDER_SELF_PURCHASE))
		outcome = ask_self_purchase(asker, request, touch, outcome);
	return outcome;
}

bool trib_order_ask_hold(struct trib_order_asker *asker, const struct trib_touch *touch)
{
	const struct trib_order_record *record = asker->record;
	struct trib_value out[TRIB_CAPABILITY_FIELDS_MAX];
	const struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX] = {
		trib_value_int(record->base_amount),
		trib_value_int(trib_domain_party(asker->market->domain, touch->creator)->level),
		outcome_value(record->outcome)
	};

	if (!has(asker, TRIB_CAPABILITY_ORDER_HOLD))
		return false;
	trib_arena_reset(asker->scratch);
	if (!ask(asker, TRIB_CAPABILITY_ORDER_HOLD, in, out))
		return false;
	note_gave(asker, TRIB_CAPABILITY_ORDER_HOLD, out[0].boolean ? "true" : "false", 0);
	return out[0].boolean;
}

/* --- Amounts ------------------------------------------------------------------------------------------ */

static int64_t ask_amount(void *context, int64_t part, uint32_t bps, int64_t otherwise)
{
	struct trib_order_asker *asker = context;
	struct trib_value out[TRIB_CAPABILITY_FIELDS_MAX];
	const struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX] = { trib_value_int(part), trib_value_int(bps) };

	if (!has(asker, TRIB_CAPABILITY_COMMISSION_AMOUNT))
		return otherwise;
	trib_arena_reset(asker->scratch);
	return ask(asker, TRIB_CAPABILITY_COMMISSION_AMOUNT, in, out) ? out[0].integer : otherwise;
}

static int64_t ask_cap(void *context, int64_t amount, int64_t cap)
{
	struct trib_order_asker *asker = context;
	struct trib_value out[TRIB_CAPABILITY_FIELDS_MAX];
	const struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX] = { trib_value_int(amount), trib_value_int(cap) };

	if (!has(asker, TRIB_CAPABILITY_COMMISSION_CAP))
		return amount;
	trib_arena_reset(asker->scratch);
	return ask(asker, TRIB_CAPABILITY_COMMISSION_CAP, in, out) ? out[0].integer : amount;
}

bool trib_order_split_way(struct trib_order_asker *asker, struct trib_split_way *ret_way)
{
	*ret_way = (struct trib_split_way){ .amount = ask_amount, .cap = ask_cap, .context = asker };
	return has(asker, TRIB_CAPABILITY_COMMISSION_AMOUNT) || has(asker, TRIB_CAPABILITY_COMMISSION_CAP);
}

/* --- Refunds ------------------------------------------------------------------------------------------ */

trib_status trib_order_ask_refund(struct trib_order_asker *asker, int64_t amount, int64_t remaining,
				  struct trib_error *error)
{
	struct trib_value out[TRIB_CAPABILITY_FIELDS_MAX];
	const struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX] = { trib_value_int(amount), trib_value_int(remaining) };

	if (!has(asker, TRIB_CAPABILITY_REFUND_ADMIT))
		return TRIB_OK;
	trib_arena_reset(asker->scratch);
	if (!ask(asker, TRIB_CAPABILITY_REFUND_ADMIT, in, out) || !out[0].size)
		return TRIB_OK;
	return trib_fail(error, TRIB_REFUSED, "refund.admit", "%.*s", (int)TRIB_MIN(out[0].size, (uint32_t)300), out[0].text);
}
