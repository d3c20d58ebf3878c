#include "engine/business.h"

#include "engine/state.h"

enum {
	PLAYS_MAX = 255,
	OTHERS = 255, /* what comes behind them */
};
#define DEFAULT_PLAY "default"

struct business {
	struct rollups *rollups;
	char *plays[PLAYS_MAX]; /* by number; the first is default */
	uint32_t n_plays, n_saved;
	uint8_t *of; /* of each number of trib_domain_plays: ours, plus 1; 0: not looked up yet */
	uint32_t of_count;
};

void business_open(struct trib_engine *engine)
{
	struct business *business = engine->business = trib_alloc_zeroed(1, sizeof(*business));

	business->rollups = rollups_new();
	business->plays[0] = trib_strdup(DEFAULT_PLAY);
	business->n_plays = business->n_saved = 1;
}

void business_close(struct trib_engine *engine)
{
	struct business *business = TRIB_TAKE_PTR(engine->business);

	if (!business)
		return;
	rollups_free(business->rollups);
	for (uint32_t i = 0; i < business->n_plays; i++)
		free(business->plays[i]);
	free(business->of);
	free(business);
}

struct rollups *business_rollups(struct trib_engine *engine)
{
	return engine->business->rollups;
}

/* --- Whose it is -------------------------------------------------------------------------------------- */

static uint8_t find_play(struct business *business, struct trib_bytes name)
{
	if (name.size == 0)
		return 0;
	for (uint32_t i = 0; i < business->n_plays; i++)
		if (trib_bytes_is(name, business->plays[i]))
			return (uint8_t)i;
	if (business->n_plays == PLAYS_MAX)
		return OTHERS;
	business->plays[business->n_plays] = strndup(name.data, name.size);
	trib_assert(business->plays[business->n_plays]);
	return (uint8_t)business->n_plays++;
}

static const char *play_name(const struct business *business, uint32_t play)
{
	return play < business->n_plays ? business->plays[play] : "others";
}

/* Ours of a play as the domain numbers it. */
static uint8_t play_of(const struct trib_engine *engine, uint32_t play)
{
	struct business *business = engine->business;

	if (TRIB_LIKELY(!play))
		return 0;
	if (play >= business->of_count) {
		uint32_t count = TRIB_MAX(2 * business->of_count, play + 16);

		business->of = trib_realloc(business->of, count * sizeof(*business->of));
		memset(business->of + business->of_count, 0, count - business->of_count);
		business->of_count = count;
	}
	if (!business->of[play]) {
		uint8_t ours = find_play(business, trib_names_text(trib_domain_plays(engine->domain), play));

		if (ours == OTHERS)
			return OTHERS;
		business->of[play] = (uint8_t)(ours + 1);
	}
	return (uint8_t)(business->of[play] - 1);
}

static uint8_t play_of_plan(const struct trib_engine *engine, uint32_t plan)
{
	return play_of(engine, trib_domain_plan(engine->domain, plan)->play);
}

static uint8_t play_of_both(const struct trib_engine *engine, uint32_t registration, uint32_t plan)
{
	uint32_t play = trib_domain_registration(engine->domain, registration)->play;

	return play ? play_of(engine, play) : play_of_plan(engine, plan);
}

/* Of what won, else of the newest that was looked at; 0: none. */
static uint32_t registration_of(const struct trib_order_record *record)
{
	if (!record->n_touches)
		return 0;
	return record->touches[record->n_slices ? record->slices[0].touch : record->n_touches - 1].touch.registration;
}

static uint32_t plan_of(const struct trib_order_record *record)
{
	return record->n_slices ? record->slices[0].plan : 0;
}

/* As the record says; one that was decided before orders named their play goes by what these say now. */
static uint8_t play_of_order(const struct trib_engine *engine, const struct trib_order_record *record)
{
	if (TRIB_LIKELY(!record->play.size))
		return play_of_both(engine, registration_of(record), plan_of(record));
	return play_of(engine, trib_names_find(trib_domain_plays(engine->domain), record->play));
}

/* --- Apply -------------------------------------------------------------------------------------------- */

/* Sums of what outsiders state wrap rather than stop the engine. */
static inline void add(struct rollup *cell, enum rollup_value value, int64_t amount)
{
	cell->value[value] = (int64_t)((uint64_t)cell->value[value] + (uint64_t)amount);
}

void business_order(struct trib_engine *engine, const struct trib_order_record *record)
{
	struct business *business = engine->business;
	struct rollup *cell = rollups_open(business->rollups, play_of_order(engine, record), record->currency,
					   engine->now_ms);
	uint64_t earned = 0;

	cell->orders[record->outcome % ROLLUP_OUTCOMES]++;
	if (record->outcome != TRIB_OUTCOME_ATTRIBUTED)
		return;
	for (uint32_t i = 0; i < record->n_lines; i++) {
		const struct trib_order_line *line = &record->lines[i];

		earned += line->to_role == TRIB_WORD_CREATOR ? (uint64_t)line->amount : 0;
		earned -= line->from_role == TRIB_WORD_CREATOR ? (uint64_t)line->amount : 0;
	}
	add(cell, ROLLUP_BASE, record->base_amount);
	add(cell, ROLLUP_CHARGED, record->charged);
	add(cell, ROLLUP_COMMISSION, (int64_t)earned);
}

void business_change(struct trib_engine *engine, const struct trib_order_change *change)
{
	const struct trib_change_business *told = &change->business;

	if (!told->counts)
		return;
	struct business *business = engine->business;
	struct rollup *cell = rollups_open(business->rollups, play_of_both(engine, told->registration, told->plan),
					   change->currency, engine->now_ms);

	add(cell, ROLLUP_PAID_ORDERS, told->paid_orders);
	add(cell, ROLLUP_PAID_BASE, told->paid_base);
	add(cell, ROLLUP_NET_COMMISSION, told->net_commission);
	add(cell, ROLLUP_REFUNDS, told->refunds);
	add(cell, ROLLUP_REFUNDED_ORDERS, told->refunded_orders);
	add(cell, ROLLUP_REFUNDED, told->refunded);
}

void business_link(struct trib_engine *engine, const struct trib_link_event *event)
{
	struct business *business = engine->business;
	uint8_t play = play_of_both(engine, event->token.registration, event->token.plan);

	add(rollups_open(business->rollups, play, 0, engine->now_ms), ROLLUP_LINKS, 1);
}

void business_listed(struct trib_engine *engine, uint32_t plan, uint32_t count)
{
	struct business *business = engine->business;

	add(rollups_open(business->rollups, play_of_plan(engine, plan), 0, engine->now_ms), ROLLUP_LISTINGS, count);
}

void business_market(struct trib_engine *engine, const Tributary__Event *event)
{
	struct business *business = engine->business;

	if (event->kind_case == TRIBUTARY__EVENT__KIND_REGISTRATION_PUT && event->registration_put->registration)
		find_play(business, trib_bytes_text(event->registration_put->registration->play));
	if (event->kind_case != TRIBUTARY__EVENT__KIND_PLAN_PUT || !event->plan_put->plan)
		return;
	uint8_t play = find_play(business, trib_bytes_text(event->plan_put->plan->play));

	if (event->plan_put->version == 1)
		add(rollups_open(business->rollups, play, 0, engine->now_ms), ROLLUP_PLANS, 1);
}

/* --- Decide ------------------------------------------------------------------------------------------- */

static bool is_paid(const struct trib_life_messages *messages)
{
	for (uint32_t state = TRIB_ORDER_PAID; state <= TRIB_ORDER_SETTLED; state++)
		if (messages->reached[state].at_ms)
			return true;
	return false;
}

static int64_t earned_of(const struct trib_transfer *lines, uint32_t n)
{
	uint64_t earned = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t amount = (uint64_t)lines[i].pending + (uint64_t)lines[i].posted;

		earned += lines[i].to_role == TRIB_WORD_CREATOR ? amount : 0;
		earned -= lines[i].from_role == TRIB_WORD_CREATOR ? amount : 0;
	}
	return (int64_t)earned;
}

static uint32_t count_refunds(const struct trib_order_change *change, uint64_t *ret_amount)
{
	uint32_t count = 0;

	*ret_amount = 0;
	for (uint32_t i = 0; change && i < change->messages.n_refunds; i++) {
		const struct trib_refund *refund = &change->messages.refunds[i];
		bool lowers = trib_refund_effect(refund->kind) == TRIB_REFUND_LOWERS;

		count += lowers;
		*ret_amount += lowers ? (uint64_t)refund->amount : 0;
	}
	return count;
}

void business_of_change(const struct trib_order_record *record, const struct trib_order_change *earlier, const struct trib_transfer *before, uint32_t n_before,
			const struct trib_transfer *after, struct trib_order_change *change)
{
	struct trib_change_business *told = &change->business;
	bool was_paid = earlier && is_paid(&earlier->messages), paid = is_paid(&change->messages);
	uint64_t refunded, refunded_before;
	uint32_t refunds = count_refunds(change, &refunded), refunds_before = count_refunds(earlier, &refunded_before);

	*told = (struct trib_change_business){ 0 };
	if (record->outcome != TRIB_OUTCOME_ATTRIBUTED)
		return;
	told->counts = true;
	told->registration = registration_of(record);
	told->plan = plan_of(record);
	told->paid_orders = paid && !was_paid;
	told->paid_base = (paid ? change->base : 0) - (was_paid ? earlier->base : 0);
	told->net_commission = (paid ? earned_of(after, change->n_lines) : 0) - (was_paid ? earned_of(before, n_before) : 0);
	told->refunds = refunds - refunds_before;
	told->refunded_orders = refunds && !refunds_before;
	told->refunded = (int64_t)(refunded - refunded_before);
}

/* --- Asking ------------------------------------------------------------------------------------------- */

struct listing {
	struct trib_engine *engine;
	struct trib_buffer *json;
	enum rollup_level level;
	uint32_t play, limit, count;
	uint64_t skip, looked;
	bool all, more;
};

static void add_orders(const struct rollup *cell, struct trib_buffer *json)
{
	bool first = true;

	trib_buffer_add_text(json, ",\"outcomes\":{");
	for (unsigned i = 1; i < ROLLUP_OUTCOMES; i++) {
		const char *word = cell->orders[i] ? trib_outcome_word((enum trib_outcome)i) : NULL;

		if (!word)
			continue;
		trib_buffer_add_format(json, "%s\"%s\":%u", first ? "" : ",", word, cell->orders[i]);
		first = false;
	}
	trib_buffer_add_char(json, '}');
}

static void add_cell(const struct listing *listing, const struct rollup *cell)
{
	static const struct {
		const char *word;
		bool of_currency;
	} values[ROLLUP_VALUES] = {
#define X(name, number, word, currency, what) [number] = { word, currency },
		TRIB_ROLLUP_TABLE(X)
#undef X
	};
	const struct trib_engine *engine = listing->engine;
	struct trib_buffer *json = listing->json;
	int64_t paid = cell->value[ROLLUP_PAID_ORDERS];

	trib_buffer_add_text(json, "{\"play\":");
	trib_json_add_string(json, trib_bytes_text(play_name(engine->business, cell->play)));
	if (listing->level != ROLLUP_TOTAL)
		trib_buffer_add_format(json, ",\"from\":%lld,\"to\":%lld", (long long)cell->from_ms,
				       (long long)(cell->from_ms + rollup_level_ms(listing->level)));
	if (cell->currency) {
		trib_buffer_add_text(json, ",\"currency\":");
		trib_json_add_string(json, trib_names_text(trib_domain_symbols(engine->domain), cell->currency));
		add_orders(cell, json);
	}
	for (unsigned i = 0; i < ROLLUP_VALUES; i++)
		if (values[i].of_currency == (cell->currency != 0))
			trib_buffer_add_format(json, ",\"%s\":%lld", values[i].word, (long long)cell->value[i]);
	if (cell->currency && paid > 0)
		trib_buffer_add_format(json, ",\"refund_rate_bps\":%lld",
				       (long long)(cell->value[ROLLUP_REFUNDED_ORDERS] * 10000 / paid));
	trib_buffer_add_char(json, '}');
}

static bool visit(void *context, const struct rollup *cell)
{
	struct listing *listing = context;

	if (!listing->all && cell->play != listing->play)
		return true;
	if (listing->looked++ < listing->skip)
		return true;
	if (listing->count == listing->limit) {
		listing->more = true;
		return false;
	}
	if (listing->count++)
		trib_buffer_add_char(listing->json, ',');
	add_cell(listing, cell);
	return true;
}

static trib_status read_step(struct trib_call *call, enum rollup_level *ret_level)
{
	*ret_level = ROLLUP_TOTAL;
	if (call->has_to && call->to_ms <= call->from_ms)
		return trib_fail(&call->error, TRIB_INVALID, "to", "found %lld, expected a time after from, %lld",
				 (long long)call->to_ms, (long long)call->from_ms);
	if (!call->step.size && !call->has_to && !call->from_ms)
		return TRIB_OK;
	if (!call->step.size)
		return trib_fail(&call->error, TRIB_INVALID, "step",
				 "found none beside from or to, expected minute, hour or day: without it the figures are of all time");
	for (enum rollup_level level = ROLLUP_DAY; level < ROLLUP_LEVELS; level++)
		if (trib_bytes_is(call->step, rollup_level_word(level))) {
			*ret_level = level;
			return TRIB_OK;
		}
	return engine_refuse(&call->error, "step", call->step, "minute, hour or day");
}

static trib_status read_play(struct trib_engine *engine, struct trib_call *call, struct listing *listing)
{
	const struct business *business = engine->business;

	listing->all = call->name.size == 0;
	listing->play = OTHERS;
	for (uint32_t i = 0; i < business->n_plays; i++)
		if (trib_bytes_is(call->name, business->plays[i])) {
			listing->play = i;
			return TRIB_OK;
		}
	if (listing->all || trib_bytes_is(call->name, "others"))
		return TRIB_OK;
	return trib_fail(&call->error, TRIB_NOT_FOUND, "play", "found \"%.*s\", expected a play that something was of",
			 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
}

/* A cursor is how many items came before. Of periods that are over they stay what they are until they are forgotten. */
trib_status call_metrics(struct trib_engine *engine, struct trib_call *call)
{
	struct listing listing = { .engine = engine, .json = &call->reply,
				   .limit = TRIB_MIN(call->limit ? call->limit : 1000, (uint32_t)TRIB_LIMIT_LIST_ITEMS) };
	trib_status status = read_step(call, &listing.level);

	if (status != TRIB_OK || (status = read_play(engine, call, &listing)) != TRIB_OK)
		return status;
	if (call->cursor.size && !trib_bytes_to_u64(call->cursor, &listing.skip))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	rollups_each(engine->business->rollups, listing.level, listing.level == ROLLUP_TOTAL ? 0 : call->from_ms,
		     listing.level == ROLLUP_TOTAL || !call->has_to ? INT64_MAX : call->to_ms, visit, &listing);
	if (listing.more)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%llu\"}",
				       (unsigned long long)(listing.skip + listing.count));
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return TRIB_OK;
}

/* --- Prometheus --------------------------------------------------------------------------------------- */

struct printing {
	const struct trib_engine *engine;
	struct trib_buffer *text;
	int value; /* -1: orders by outcome */
	const char *name, *suffix;
};

static void print_line(const struct printing *printing, const struct rollup *cell, const char *outcome, int64_t value)
{
	const struct trib_names *symbols = trib_domain_symbols(printing->engine->domain);
	struct trib_bytes currency = cell->currency ? trib_names_text(symbols, cell->currency) : trib_bytes("", 0);

	trib_buffer_add_format(printing->text, "tributary_play_%s%s{play=\"%s\"", printing->name,
			       printing->suffix, play_name(printing->engine->business, cell->play));
	if (outcome)
		trib_buffer_add_format(printing->text, ",outcome=\"%s\"", outcome);
	if (cell->currency)
		trib_buffer_add_format(printing->text, ",currency=\"" TRIB_BYTES_FMT "\"", TRIB_BYTES_ARG(currency));
	trib_buffer_add_format(printing->text, "} %lld\n", (long long)value);
}

static bool print_cell(void *context, const struct rollup *cell)
{
	const struct printing *printing = context;

	if (printing->value >= 0) {
		if (cell->value[printing->value])
			print_line(printing, cell, NULL, cell->value[printing->value]);
		return !printing->text->failed;
	}
	for (unsigned i = 1; i < ROLLUP_OUTCOMES; i++) {
		const char *word = cell->orders[i] ? trib_outcome_word((enum trib_outcome)i) : NULL;

		if (word)
			print_line(printing, cell, word, cell->orders[i]);
	}
	return !printing->text->failed;
}

void trib_engine_print_business(const struct trib_engine *engine, struct trib_buffer *text)
{
	static const struct {
		int value;
		const char *word, *what;
	} rows[] = {
		{ -1, "orders", "order lines decided" },
#define X(name, number, word, currency, what) { number, word, what },
		TRIB_ROLLUP_TABLE(X)
#undef X
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		/* What goes down when refunds come is no counter. */
		bool falls = rows[i].value == ROLLUP_NET_COMMISSION || rows[i].value == ROLLUP_PAID_BASE;
		struct printing printing = { engine, text, rows[i].value, rows[i].word, falls ? "" : "_total" };

		trib_buffer_add_format(text, "# HELP tributary_play_%s%s %s\n# TYPE tributary_play_%s%s %s\n",
				       rows[i].word, printing.suffix, rows[i].what, rows[i].word, printing.suffix,
				       falls ? "gauge" : "counter");
		rollups_each(engine->business->rollups, ROLLUP_TOTAL, 0, INT64_MAX, print_cell, &printing);
	}
}

/* --- Store -------------------------------------------------------------------------------------------- */

struct freezing {
	business_row_fn *emit;
	void *context;
};

static void freeze_rollup(void *context, enum rollup_level level, uint32_t slot, struct trib_bytes row)
{
	const struct freezing *freezing = context;

	freezing->emit(freezing->context, true, level, slot, row);
}

void business_freeze(struct trib_engine *engine, business_row_fn *emit, void *context)
{
	struct business *business = engine->business;
	struct freezing freezing = { emit, context };

	rollups_freeze(business->rollups, freeze_rollup, &freezing);
	for (; business->n_saved < business->n_plays; business->n_saved++)
		emit(context, false, 0, business->n_saved, trib_bytes_text(business->plays[business->n_saved]));
}

trib_status business_load_play(struct trib_engine *engine, uint32_t number, struct trib_bytes name, struct trib_error *error)
{
	struct business *business = engine->business;

	if (number != business->n_plays || find_play(business, name) != number)
		return trib_fail(error, TRIB_CORRUPT, "store", "found a play of number %u, expected %u", number,
				 business->n_plays);
	business->n_saved = business->n_plays;
	return TRIB_OK;
}
