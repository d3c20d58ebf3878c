#include "engine/people.h"

#include "engine/flow_points.h"
#include "engine/state.h"
#include "expr/expr.h"

enum { PER_TURN = 64, TOLD_BYTES = 16 << 10 };

/* --- Numbers ------------------------------------------------------------------------------------------- */

void number_list_add(struct number_list *set, uint32_t number)
{
	for (size_t i = set->count; i > 0 && i + PER_TURN > set->count; i--)
		if (set->numbers[i - 1] == number)
			return;
	if (set->count == set->capacity) {
		set->capacity = TRIB_MAX(2 * set->capacity, (size_t)16);
		set->numbers = trib_realloc(set->numbers, set->capacity * sizeof(*set->numbers));
	}
	set->numbers[set->count++] = number;
}

void number_list_remove(struct number_list *set, uint32_t number)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->numbers[i] == number) {
			memmove(&set->numbers[i], &set->numbers[i + 1], (--set->count - i) * sizeof(*set->numbers));
			return;
		}
}

void people_init(struct trib_engine *engine)
{
	trib_arena_init(&engine->people.arena, 64 << 20);
}

void people_fini(struct trib_engine *engine)
{
	deadlines_fini(&engine->people.deadlines);
	free(engine->people.sets.numbers);
	free(engine->people.ready.numbers);
	trib_arena_fini(&engine->people.arena);
	engine->people = (struct people){ 0 };
	trib_experience_free(TRIB_TAKE_PTR(engine->experience));
}

/* --- Reading ------------------------------------------------------------------------------------------- */

static bool is(const char *word, const char *other)
{
	return word && strcmp(word, other) == 0;
}

static uint32_t party_of(const struct trib_engine *engine, const char *id)
{
	return id ? trib_domain_find(engine->domain, TRIB_NOUN_PARTY, trib_bytes_text(id)) : 0;
}

static uint32_t goods_of(const struct trib_engine *engine, const char *id)
{
	return trib_domain_find(engine->domain, TRIB_NOUN_GOODS, trib_bytes_text(id));
}

static uint32_t plan_of(const struct trib_engine *engine, const char *id)
{
	return id ? trib_domain_find(engine->domain, TRIB_NOUN_PLAN, trib_bytes_text(id)) : 0;
}

static bool is_open(const char *status)
{
	return is(status, "sent") || is(status, "countered");
}

static int64_t duration_of(const char *text, const char *otherwise)
{
	int64_t ms = 0;
	struct trib_error error;

	trib_duration_parse(trib_bytes_text(text ? text : otherwise), "within", &ms, &error);
	return ms;
}

/* When the guarantee of an accepted invitation is to be judged; 0: never, or it has been. */
static int64_t judged_at(const Tributary__Invitation *invitation)
{
	const Tributary__SlotFee *fee = invitation->slot_fee;

	if (!is(invitation->status, "accepted") || !fee || !fee->guarantee || fee->has_sold || fee->has_returned)
		return 0;
	return invitation->decided_at + duration_of(fee->guarantee->within, "30d");
}

/* Does a set still have invitations to make, or to withdraw? */
static bool set_has_work(const Tributary__Invitation *invitation)
{
	if (invitation->creator)
		return false;
	return is(invitation->status, "sending") ||
	       (is(invitation->status, "withdrawn") && invitation->looked_at < invitation->made);
}

/* --- Events → deadlines -------------------------------------------------------------------------------- */

static void note_invitation(struct trib_engine *engine, uint32_t number, const Tributary__Invitation *invitation)
{
	struct people *people = &engine->people;

	if (is_open(invitation->status))
		deadlines_add(&people->deadlines, invitation->expires_at, TRIB_NOUN_INVITATION, number);
	if (judged_at(invitation))
		deadlines_add(&people->deadlines, judged_at(invitation), TRIB_NOUN_INVITATION, number);
	if (set_has_work(invitation))
		number_list_add(&people->sets, number);
	else if (!invitation->creator)
		number_list_remove(&people->sets, number);
}

static void note_sample(struct trib_engine *engine, uint32_t number, const Tributary__Sample *sample)
{
	if (!is(sample->status, "received"))
		return;
	deadlines_add(&engine->people.deadlines, sample->due_at, TRIB_NOUN_SAMPLE, number);
	number_list_add(&engine->people.ready, number); /* its goods may be listed already */
}

void people_listed(struct trib_engine *engine, uint32_t creator, uint32_t goods)
{
	const struct trib_tally *watch;

	if (!trib_experience_knows(engine->experience, creator))
		return;
	watch = trib_experience_row(engine->experience, TRIB_TALLY_WATCH, goods, 0, creator);
	if (watch && watch->sold.orders)
		number_list_add(&engine->people.ready, (uint32_t)watch->sold.orders);
}

/* --- Events → experience ------------------------------------------------------------------------------- */

static struct trib_experience *experience_of(struct trib_engine *engine)
{
	if (!engine->experience)
		engine->experience = trib_experience_new(TRIB_LIMIT_EXPERIENCE);
	return engine->experience;
}

/* A row that is to be there from now on, so that orders count in it. */
static void begin_row(struct trib_engine *engine, enum trib_tally_kind kind, uint32_t of, uint32_t creator)
{
	const struct trib_tally row = { .key = { .kind = kind, .plan = of, .creator = creator } };

	if (of && !trib_experience_row(engine->experience, kind, of, 0, creator))
		trib_experience_put(engine->experience, &row, engine->now_ms);
}

static void count_invitation(struct trib_engine *engine, const Tributary__Invitation *before,
			     const Tributary__Invitation *now)
{
	struct trib_experience *experience = experience_of(engine);
	uint32_t from = party_of(engine, now->from), creator = party_of(engine, now->creator);
	bool was_open = before && is_open(before->status);

	if (!creator)
		return;
	if (is(now->status, "sent") && !was_open)
		trib_experience_add(experience, from, creator, TRIB_DEAL_INVITED, engine->now_ms);
	if (was_open && is(now->status, "declined"))
		trib_experience_add(experience, from, creator, TRIB_DEAL_DECLINED, engine->now_ms);
	if (was_open && (is(now->status, "expired") || is(now->status, "withdrawn") || is(now->status, "closed")))
		trib_experience_add(experience, from, creator, TRIB_DEAL_LAPSED, engine->now_ms);
	if (!was_open || !is(now->status, "accepted"))
		return;
	trib_experience_add(experience, from, creator, TRIB_DEAL_ACCEPTED, engine->now_ms);
	if (now->slot_fee && now->slot_fee->guarantee)
		begin_row(engine, TRIB_TALLY_PLAN_SOLD, plan_of(engine, now->plan), 0);
}

/* From receipt on orders of these goods are looked at, from what was sold before on. */
static void watch_goods(struct trib_engine *engine, uint32_t number, uint32_t creator, const Tributary__Sample *sample)
{
	/* Of several goods any order may be the one that makes it enough. */
	int64_t need = sample->n_goods == 1 && sample->terms ? sample->terms->sold : 0;

	for (size_t i = 0; i < sample->n_goods; i++) {
		uint32_t goods = goods_of(engine, sample->goods[i]);
		const struct trib_tally *sold =
			trib_experience_row(engine->experience, TRIB_TALLY_GOODS_SOLD, goods, 0, creator);
		const struct trib_tally row = { .key = { .kind = TRIB_TALLY_WATCH, .plan = goods, .creator = creator },
						.sold = { number, need, dealings_orders(sold) } };

		trib_experience_put(engine->experience, &row, engine->now_ms);
	}
}

static void unwatch_goods(struct trib_engine *engine, uint32_t number, uint32_t creator, const Tributary__Sample *sample)
{
	for (size_t i = 0; i < sample->n_goods; i++) {
		const struct trib_tally *row = trib_experience_row(engine->experience, TRIB_TALLY_WATCH,
								   goods_of(engine, sample->goods[i]), 0, creator);
		struct trib_tally none;

		if (!row || row->sold.orders != number)
			continue;
		none = *row;
		none.sold.orders = 0;
		trib_experience_put(engine->experience, &none, engine->now_ms);
	}
}

static void approve_sample(struct trib_engine *engine, uint32_t creator, const Tributary__Sample *sample)
{
	uint32_t plan = plan_of(engine, sample->plan);

	for (size_t i = 0; i < sample->n_goods; i++)
		begin_row(engine, TRIB_TALLY_GOODS_SOLD, goods_of(engine, sample->goods[i]), creator);
	if (!plan)
		return;
	begin_row(engine, TRIB_TALLY_SAMPLES, plan, 0);
	const struct trib_tally *row = trib_experience_row(engine->experience, TRIB_TALLY_SAMPLES, plan, 0, 0);
	struct trib_tally more;

	if (!row)
		return;
	more = *row;
	more.sold.orders++;
	trib_experience_put(engine->experience, &more, engine->now_ms);
}

static void count_sample(struct trib_engine *engine, uint32_t number, const Tributary__Sample *before,
			 const Tributary__Sample *now)
{
	struct trib_experience *experience = experience_of(engine);
	uint32_t merchant = party_of(engine, now->merchant), creator = party_of(engine, now->creator);
	const char *was = before ? before->status : "";

	if (strcmp(was, now->status) == 0)
		return;
	if (is(now->status, "approved")) {
		trib_experience_add(experience, merchant, creator, TRIB_DEAL_SAMPLES, engine->now_ms);
		approve_sample(engine, creator, now);
	}
	if (is(now->status, "received"))
		watch_goods(engine, number, creator, now);
	else if (is(was, "received"))
		unwatch_goods(engine, number, creator, now);
	if (is(now->status, "fulfilled"))
		trib_experience_add(experience, merchant, creator, TRIB_DEAL_FULFILLED, engine->now_ms);
	if (is(now->status, "overdue"))
		trib_experience_add(experience, merchant, creator, TRIB_DEAL_OVERDUE, engine->now_ms);
}

/* A plan that names creators, when it is first put. */
static void count_plan(struct trib_engine *engine, const Tributary__PlanPut *put)
{
	const Tributary__Plan *plan = put->plan;

	if (!engine->experience || put->version != 1 || !plan || (!is(plan->kind, "targeted") && !is(plan->kind, "exclusive")))
		return;
	for (size_t i = 0; i < plan->n_creators; i++) {
		uint32_t creator = party_of(engine, plan->creators[i]);

		if (!trib_experience_knows(engine->experience, creator))
			continue;
		trib_experience_add_known(engine->experience, party_of(engine, plan->merchant), creator, TRIB_DEAL_PLANS,
					  engine->now_ms);
		if (plan->terms && plan->terms->leader && !is(plan->terms->leader, plan->merchant))
			trib_experience_add_known(engine->experience, party_of(engine, plan->terms->leader), creator,
						  TRIB_DEAL_PLANS, engine->now_ms);
	}
}

void people_fold(struct trib_engine *engine, const Tributary__Event *event)
{
	struct trib_arena *arena = &engine->people.arena;

	if (event->kind_case == TRIBUTARY__EVENT__KIND_PLAN_PUT)
		count_plan(engine, event->plan_put);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_INVITATION_PUT && event->invitation_put->invitation) {
		const Tributary__InvitationPut *put = event->invitation_put;

		count_invitation(engine,
				 (const Tributary__Invitation *)trib_cold_read(engine->domain, TRIB_NOUN_INVITATION,
									       put->number, arena),
				 put->invitation);
		note_invitation(engine, put->number, put->invitation);
	}
	if (event->kind_case == TRIBUTARY__EVENT__KIND_SAMPLE_PUT && event->sample_put->sample) {
		const Tributary__SamplePut *put = event->sample_put;

		count_sample(engine, put->number,
			     (const Tributary__Sample *)trib_cold_read(engine->domain, TRIB_NOUN_SAMPLE, put->number, arena),
			     put->sample);
		note_sample(engine, put->number, put->sample);
	}
	trib_arena_reset(arena);
}

void people_loaded(struct trib_engine *engine)
{
	struct trib_arena *arena = &engine->people.arena;

	for (uint32_t number = 1; number <= trib_domain_count(engine->domain, TRIB_NOUN_INVITATION); number++) {
		const ProtobufCMessage *entity = trib_cold_read(engine->domain, TRIB_NOUN_INVITATION, number, arena);

		if (entity)
			note_invitation(engine, number, (const Tributary__Invitation *)entity);
		trib_arena_reset(arena);
	}
	for (uint32_t number = 1; number <= trib_domain_count(engine->domain, TRIB_NOUN_SAMPLE); number++) {
		const ProtobufCMessage *entity = trib_cold_read(engine->domain, TRIB_NOUN_SAMPLE, number, arena);

		if (entity)
			note_sample(engine, number, (const Tributary__Sample *)entity);
		trib_arena_reset(arena);
	}
}

/* --- Money --------------------------------------------------------------------------------------------- */

/* What stands in the books of something, and between whom. */
struct owed {
	uint32_t from, from_role, to, currency;
	int64_t pending, posted;
	const char *name;
};

/* Owed is estimated, settled is final but for what went back. */
static struct owed owed_of_fee(const struct trib_engine *engine, const Tributary__Invitation *invitation)
{
	const Tributary__SlotFee *fee = invitation ? invitation->slot_fee : NULL;
	struct owed owed = { .name = "slot_fee" };

	if (!fee || !fee->state || !invitation->creator || !invitation->n_goods)
		return owed;
	const struct trib_goods *goods = trib_domain_goods(engine->domain, goods_of(engine, invitation->goods[0]));

	owed.from = party_of(engine, invitation->from);
	owed.from_role = owed.from == goods->merchant ? TRIB_WORD_MERCHANT : TRIB_WORD_LEADER;
	owed.to = party_of(engine, invitation->creator);
	owed.currency = trib_domain_find_code(engine->domain, trib_bytes_text(fee->currency ? fee->currency : "CNY"));
	if (is(fee->state, "owed"))
		owed.pending = fee->amount;
	if (is(fee->state, "settled"))
		owed.posted = fee->amount - (fee->has_returned ? fee->returned : 0);
	return owed;
}

static struct owed owed_of_sample(const struct trib_engine *engine, const Tributary__Sample *sample)
{
	struct owed owed = { .name = "sample_refund", .from_role = TRIB_WORD_MERCHANT };

	if (!sample || !sample->has_refunded)
		return owed;
	owed.from = party_of(engine, sample->merchant);
	owed.to = party_of(engine, sample->creator);
	owed.currency = trib_domain_find_code(engine->domain, trib_bytes_text(sample->currency));
	owed.posted = sample->refunded;
	return owed;
}

/* The transfer that a change of what is owed comes to; false: none. */
static bool transfer_between(const struct owed *before, const struct owed *now, struct trib_transfer *ret_transfer)
{
	const struct owed *who = now->from ? now : before;

	*ret_transfer = (struct trib_transfer){
		.from_party = who->from, .from_role = who->from_role, .to_party = who->to, .to_role = TRIB_WORD_CREATOR,
		.from_kind = who->from_role == TRIB_WORD_MERCHANT ? TRIB_ACCOUNT_RECEIVABLE : TRIB_ACCOUNT_PAYABLE,
		.to_kind = TRIB_ACCOUNT_PAYABLE,
		.pending = now->pending - before->pending, .posted = now->posted - before->posted,
	};
	return ret_transfer->pending || ret_transfer->posted;
}

struct money {
	struct trib_transfer transfer;
	uint32_t currency;
	const char *name, *id;
	uint32_t version;
	bool moves;
};

/* What an event moves in the books, beside what the entity was before. */
static struct money money_of(struct trib_engine *engine, const Tributary__Event *event)
{
	struct money money = { 0 };
	struct owed before, now;

	if (event->kind_case == TRIBUTARY__EVENT__KIND_INVITATION_PUT) {
		const Tributary__InvitationPut *put = event->invitation_put;

		before = owed_of_fee(engine, (const Tributary__Invitation *)trib_cold_read(
						     engine->domain, TRIB_NOUN_INVITATION, put->number, &engine->arena));
		now = owed_of_fee(engine, put->invitation);
		money.id = put->invitation->id;
		money.version = put->version;
	} else if (event->kind_case == TRIBUTARY__EVENT__KIND_SAMPLE_PUT) {
		const Tributary__SamplePut *put = event->sample_put;

		before = owed_of_sample(engine, (const Tributary__Sample *)trib_cold_read(
							engine->domain, TRIB_NOUN_SAMPLE, put->number, &engine->arena));
		now = owed_of_sample(engine, put->sample);
		money.id = put->sample->id;
		money.version = put->version;
	} else {
		return money;
	}
	money.name = now.name;
	money.currency = now.currency ? now.currency : before.currency;
	money.moves = transfer_between(&before, &now, &money.transfer);
	return money;
}

static trib_status emit_money(struct trib_engine *engine, struct money *money, struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__LedgerPaid paid = TRIBUTARY__LEDGER_PAID__INIT;
	Tributary__Posting posting = TRIBUTARY__POSTING__INIT, *postings[] = { &posting };
	const struct trib_transfer *transfer = &money->transfer;
	char id[TRIB_LIMIT_EXTERNAL_ID_BYTES + 16];
	trib_status status = engine_code(engine, trib_bytes_text(money->name), "slot_fee", &posting.name, error);

	if (status != TRIB_OK)
		return status;
	snprintf(id, sizeof(id), "%s.%u", money->id, money->version);
	posting.has_name = posting.has_from_party = posting.has_from_role = posting.has_to_party =
		posting.has_to_role = posting.has_kinds = 1;
	posting.from_party = transfer->from_party;
	posting.from_role = transfer->from_role;
	posting.to_party = transfer->to_party;
	posting.to_role = transfer->to_role;
	posting.kinds = trib_kinds_pack(transfer->from_kind, transfer->to_kind);
	posting.has_amount = transfer->pending != 0;
	posting.amount = transfer->pending;
	posting.has_posted = transfer->posted != 0;
	posting.posted = transfer->posted;
	paid.id = id;
	paid.has_party = paid.has_role = paid.has_currency = paid.has_amount = 1;
	paid.party = transfer->to_party;
	paid.role = transfer->to_role;
	paid.currency = money->currency;
	paid.amount = transfer->posted;
	paid.transfer = postings;
	paid.n_transfer = 1;
	event.kind_case = TRIBUTARY__EVENT__KIND_LEDGER_PAID;
	event.ledger_paid = &paid;
	return engine_emit(engine, &event, error);
}

/* --- Whom it concerns ---------------------------------------------------------------------------------- */

static void add_member(struct trib_buffer *json, const char *name, const char *value)
{
	trib_buffer_add_format(json, "%s\"%s\":", json->size ? "," : "{", name);
	if (value)
		trib_json_add_string(json, trib_bytes_text(value));
	else
		trib_buffer_add_text(json, "null");
}

static trib_status tell(struct trib_engine *engine, enum trib_noun noun, const char *id, const char *status,
			const char *to, const char *play, struct trib_buffer *json, struct trib_error *error)
{
	char kind[64], entity[96];

	snprintf(kind, sizeof(kind), "%s.%s", trib_noun_word(noun), status);
	snprintf(entity, sizeof(entity), "%s/%s", trib_noun_word(noun), id);
	trib_buffer_add_char(json, '}');
	const struct engine_effect effect = { .kind = kind,
					      .to = trib_bytes_text(to ? to : ""),
					      .body = trib_buffer_bytes(json),
					      .play = trib_bytes_text(play ? play : ""),
					      .entity = trib_bytes_text(entity) };
	trib_status told = engine_outbox_add(engine, &effect, error);

	trib_buffer_fini(json);
	return told;
}

/* The side that did not act: the creator, unless it is the one. */
static trib_status tell_of_invitation(struct trib_engine *engine, const Tributary__Invitation *invitation,
				      struct trib_error *error)
{
	bool by_creator = trib_domain_actor(engine->domain)->role == TRIB_ACCESS_CREATOR;
	struct trib_buffer json;

	trib_buffer_init(&json, 16 << 10);
	add_member(&json, "from", invitation->from);
	add_member(&json, "creator", invitation->creator);
	add_member(&json, "status", invitation->status);
	add_member(&json, "turn", invitation->turn);
	add_member(&json, "plan", invitation->plan);
	add_member(&json, "sample", invitation->sample_id);
	if (invitation->slot_fee)
		add_member(&json, "slot_fee", invitation->slot_fee->state);
	return tell(engine, TRIB_NOUN_INVITATION, invitation->id, invitation->status,
		    by_creator ? invitation->from : invitation->creator, invitation->play, &json, error);
}

static trib_status tell_of_sample(struct trib_engine *engine, const Tributary__Sample *sample, struct trib_error *error)
{
	bool of_creator = is(sample->status, "applied") || is(sample->status, "received") || is(sample->status, "closed");
	struct trib_buffer json;

	trib_buffer_init(&json, 16 << 10);
	add_member(&json, "merchant", sample->merchant);
	add_member(&json, "creator", sample->creator);
	add_member(&json, "status", sample->status);
	add_member(&json, "plan", sample->plan);
	add_member(&json, "address", sample->address);
	if (sample->tracking) {
		add_member(&json, "carrier", sample->tracking->carrier);
		add_member(&json, "tracking_number", sample->tracking->number);
	}
	if (sample->has_refunded)
		trib_buffer_add_format(&json, ",\"refunded\":%lld", (long long)sample->refunded);
	return tell(engine, TRIB_NOUN_SAMPLE, sample->id, sample->status, of_creator ? sample->merchant : sample->creator,
		    sample->play, &json, error);
}

/* Of each entity of ours in a decision: acceptance makes a sample, too. Sets are told of one by one. */
static trib_status tell_all(struct trib_engine *engine, const struct trib_domain_decision *decision,
			    struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; status == TRIB_OK && i < decision->event_count; i++) {
		const Tributary__Event *event = &decision->events[i];

		if (event->kind_case == TRIBUTARY__EVENT__KIND_INVITATION_PUT && event->invitation_put->invitation->creator)
			status = tell_of_invitation(engine, event->invitation_put->invitation, error);
		if (event->kind_case == TRIBUTARY__EVENT__KIND_SAMPLE_PUT)
			status = tell_of_sample(engine, event->sample_put->sample, error);
	}
	return status;
}

/* --- All of it ----------------------------------------------------------------------------------------- */

static bool is_ours(enum trib_noun noun, const struct trib_domain_decision *decision)
{
	return (noun == TRIB_NOUN_INVITATION || noun == TRIB_NOUN_SAMPLE) && decision->event_count;
}

trib_status people_admit(struct trib_engine *engine, enum trib_noun noun, const struct trib_domain_decision *decision,
			 struct trib_error *error)
{
	if (!is_ours(noun, decision))
		return TRIB_OK;
	struct money money = money_of(engine, &decision->events[decision->event_count - 1]);

	if (money.moves && !trib_chain_accepts(engine->ledger, &money.transfer, 1, money.currency))
		return trib_fail(error, TRIB_LIMIT, "slot_fee", "a balance would pass 64 bits");
	return outbox_admits(engine, 0, error);
}

trib_status people_emit(struct trib_engine *engine, enum trib_noun noun, const struct trib_domain_decision *decision,
			struct trib_error *error)
{
	bool ours = is_ours(noun, decision);
	struct money money = ours ? money_of(engine, &decision->events[decision->event_count - 1]) : (struct money){ 0 };
	size_t bytes = outbox_is_used(engine) ? TOLD_BYTES : 1024;
	trib_status status = people_admit(engine, noun, decision, error);

	if (status != TRIB_OK)
		return status;
	for (uint32_t i = 0; i < decision->event_count; i++)
		bytes += trib_event_size(&decision->events[i]) + 16;
	/* The plan, the sample, the fee: all of it or nothing. */
	if (ours && (status = engine_reserve(engine, bytes, error)) != TRIB_OK)
		return status;
	/* The effects come first: where there is no room for them, nothing has happened yet. */
	if (ours && outbox_is_used(engine))
		status = tell_all(engine, decision, error);
	if (status == TRIB_OK)
		status = engine_emit_all(engine, decision, error);
	return status == TRIB_OK && money.moves ? emit_money(engine, &money, error) : status;
}

/* --- What the engine does by itself -------------------------------------------------------------------- */

/* With the run that wants it done; NULL: nobody was asked. What the domain refuses leaves nothing of that either. */
static trib_status act_after(struct trib_engine *engine, struct engine_flow *flow, enum trib_noun noun, uint32_t number,
			     const char *action, const char *ext, struct trib_error *error)
{
	const struct engine_flow_about about = { .noun = noun, .id = trib_domain_id(engine->domain, noun, number) };
	Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
	struct trib_domain_decision decision;
	const char *led_to;

	request.ext = (char *)ext;
	trib_status status = trib_domain_decide_action(engine->domain, noun, about.id, trib_bytes_text(action), &request,
						       engine->now_ms, &engine->arena, &decision, &led_to, error);

	if (status == TRIB_OK)
		status = people_admit(engine, noun, &decision, error);
	if (status == TRIB_OK && flow)
		status = engine_flow_end(engine, flow, &about, error);
	if (status == TRIB_OK)
		status = people_emit(engine, noun, &decision, error);
	return status == TRIB_OK ? access_note_act(engine, action, noun, number, error) : status;
}

trib_status people_act(struct trib_engine *engine, enum trib_noun noun, uint32_t number, const char *action,
		       const char *ext, struct trib_error *error)
{
	return act_after(engine, NULL, noun, number, action, ext, error);
}

static void sold_text(char text[48], int64_t sold)
{
	snprintf(text, 48, "{\"sold\":%lld}", (long long)TRIB_MAX(sold, (int64_t)0));
}

/* What came of a sample since it was received. */
static int64_t sold_of_sample(const struct trib_engine *engine, uint32_t number, const Tributary__Sample *sample)
{
	uint32_t creator = party_of(engine, sample->creator);
	int64_t sum = 0;

	for (size_t i = 0; i < sample->n_goods; i++) {
		uint32_t goods = goods_of(engine, sample->goods[i]);
		const struct trib_tally *watch =
			trib_experience_row(engine->experience, TRIB_TALLY_WATCH, goods, 0, creator);

		if (watch && watch->sold.orders == number)
			sum += dealings_orders(trib_experience_row(engine->experience, TRIB_TALLY_GOODS_SOLD, goods, 0,
								   creator)) -
			       watch->sold.gmv;
	}
	return sum;
}

/* Obligations that only people can see (live minutes) are for the merchant to judge. */
static bool is_fulfilled(const Tributary__Sample *sample, int64_t sold)
{
	const Tributary__SampleTerms *terms = sample->terms;

	return terms && !terms->live_minutes && (!terms->listed || sample->has_listed_at) && sold >= terms->sold;
}

static const Tributary__Sample *read_sample(struct trib_engine *engine, uint32_t number)
{
	return (const Tributary__Sample *)trib_cold_read(engine->domain, TRIB_NOUN_SAMPLE, number, &engine->arena);
}

/* Are all of its goods on a shelf of the creator's, which nobody has noted yet? */
static bool is_listed_now(struct trib_engine *engine, const Tributary__Sample *sample)
{
	uint32_t creator = party_of(engine, sample->creator);
	bool listed = sample->terms && sample->terms->listed && !sample->has_listed_at;

	for (size_t i = 0; listed && i < sample->n_goods; i++)
		listed = shelf_lists(engine, creator, goods_of(engine, sample->goods[i]));
	return listed;
}

static void look_at_sample(struct trib_engine *engine, uint32_t number)
{
	const Tributary__Sample *sample = read_sample(engine, number);
	struct trib_error error;
	char text[48];

	if (!sample || !is(sample->status, "received"))
		return;
	if (is_listed_now(engine, sample) &&
	    people_act(engine, TRIB_NOUN_SAMPLE, number, "list", NULL, &error) == TRIB_OK)
		sample = read_sample(engine, number);
	if (!sample)
		return;
	int64_t sold = sold_of_sample(engine, number, sample);

	bool fulfilled = is_fulfilled(sample, sold), overdue = sample->due_at <= engine->now_ms;
	struct engine_flow flow;

	/* A run that fails leaves it to the next look: when something is sold. */
	if (points_sample(engine, sample, sample->has_listed_at, sold, &fulfilled, &overdue, &flow, &error) != TRIB_OK)
		return;
	sold_text(text, sold);
	if (fulfilled || overdue)
		act_after(engine, &flow, TRIB_NOUN_SAMPLE, number, fulfilled ? "fulfil" : "lapse", text, &error);
}

static int64_t guaranteed_sold(const struct trib_engine *engine, const Tributary__Invitation *invitation)
{
	const struct trib_tally *row = trib_experience_row(engine->experience, TRIB_TALLY_PLAN_SOLD,
							   plan_of(engine, invitation->plan), 0, 0);

	return is(invitation->slot_fee->guarantee->measure, "gmv") ? dealings_gmv(row) : dealings_orders(row);
}

static void look_at_invitation(struct trib_engine *engine, uint32_t number)
{
	const Tributary__Invitation *invitation = (const Tributary__Invitation *)trib_cold_read(
		engine->domain, TRIB_NOUN_INVITATION, number, &engine->arena);
	struct trib_error error;
	char text[48];

	if (!invitation)
		return;
	int64_t judged_ms = judged_at(invitation);

	if (is_open(invitation->status) && invitation->expires_at <= engine->now_ms)
		people_act(engine, TRIB_NOUN_INVITATION, number, "expire", NULL, &error);
	if (!judged_ms || judged_ms > engine->now_ms)
		return;
	sold_text(text, guaranteed_sold(engine, invitation));
	people_act(engine, TRIB_NOUN_INVITATION, number, "return_fee", text, &error);
}

static void look_at_due(struct trib_engine *engine)
{
	struct people *people = &engine->people;
	struct deadline due;

	for (int i = 0; i < PER_TURN && deadlines_take(&people->deadlines, engine->now_ms, &due); i++) {
		trib_arena_reset(&engine->arena);
		if (due.noun == TRIB_NOUN_INVITATION)
			look_at_invitation(engine, due.number);
		else
			look_at_sample(engine, due.number);
	}
	for (int i = 0; i < PER_TURN && people->ready.count; i++) {
		trib_arena_reset(&engine->arena);
		look_at_sample(engine, people->ready.numbers[--people->ready.count]);
	}
}

/* Nothing waits: two comparisons and a look at the clock, which is asked for only where there is a deadline at all. */
static bool has_work(const struct trib_engine *engine)
{
	const struct people *people = &engine->people;

	return people->sets.count || people->ready.count ||
	       (people->deadlines.count &&
		deadlines_due(&people->deadlines,
			      TRIB_MAX(engine->now_ms, trib_clock_wall_ms(engine->options.clock))));
}

void people_turn(struct trib_engine *engine)
{
	const struct trib_actor due = { .role = TRIB_ACCESS_ENGINE, .name = trib_bytes_text("deadline") },
				sets = { .role = TRIB_ACCESS_ENGINE, .name = trib_bytes_text("set") };
	struct people *people = &engine->people;
	struct trib_error error;

	if (TRIB_LIKELY(engine->state != TRIB_ENGINE_RUNNING || !has_work(engine)) ||
	    engine_begin(engine, 0, &error) != TRIB_OK)
		return;
	trib_domain_set_actor(engine->domain, &due);
	look_at_due(engine);
	trib_domain_set_actor(engine->domain, &sets);
	if (people->sets.count) {
		uint32_t set = people->sets.numbers[0];

		if (!sets_go_on(engine, set))
			number_list_remove(&people->sets, set);
	}
	trib_domain_set_actor(engine->domain, NULL);
	trib_arena_reset(&engine->arena);
	if (people->sets.count || people->ready.count || deadlines_due(&people->deadlines, engine->now_ms))
		trib_bell_ring(&engine->bell);
}

/* --- Samples that a plan decides about ----------------------------------------------------------------- */

static bool may_have(struct trib_engine *engine, const Tributary__Sample *sample, const Tributary__SampleRule *rule)
{
	const struct trib_tally *given =
		trib_experience_row(engine->experience, TRIB_TALLY_SAMPLES, plan_of(engine, sample->plan), 0, 0);
	uint32_t condition = rule->when && rule->when[0] ?
				     trib_domain_find_condition(engine->domain, trib_bytes_text(rule->when)) :
				     0;

	if (rule->has_quota && rule->quota && given && given->sold.orders >= rule->quota)
		return false;
	return !rule->when || !rule->when[0] ||
	       (condition && conditions_creator(engine, condition, party_of(engine, sample->creator), engine->now_ms));
}

trib_status people_settle_sample(struct trib_engine *engine, uint32_t number, struct trib_error *error)
{
	const Tributary__Sample *sample = (const Tributary__Sample *)trib_cold_read(engine->domain, TRIB_NOUN_SAMPLE,
										  number, &engine->arena);
	uint32_t plan = sample ? plan_of(engine, sample->plan) : 0;
	struct trib_record *record = plan ? trib_domain_record(engine->domain, TRIB_NOUN_PLAN, plan) : NULL;
	const Tributary__SampleRule *rule = NULL;
	struct trib_entity entity;
	trib_status status = TRIB_OK;

	if (!record)
		return TRIB_OK;
	if (is(sample->status, "applied"))
		status = trib_record_unpack(record, TRIB_NOUN_PLAN, &engine->arena, &entity, error);
	if (status == TRIB_OK && is(sample->status, "applied"))
		rule = ((const Tributary__Plan *)entity.message)->samples;
	trib_record_unref(record);
	if (status != TRIB_OK || !rule || !rule->auto_)
		return status;
	const struct trib_actor *actor = trib_domain_actor(engine->domain); /* the plan decides, not who asks */

	const struct trib_actor plan_rule = { .role = TRIB_ACCESS_ENGINE, .name = trib_bytes_text("sample_rule") };

	trib_domain_set_actor(engine->domain, &plan_rule);
	status = people_act(engine, TRIB_NOUN_SAMPLE, number, may_have(engine, sample, rule) ? "approve" : "reject",
			    "{\"rule\":true}", error);
	trib_domain_set_actor(engine->domain, actor);
	return status;
}
