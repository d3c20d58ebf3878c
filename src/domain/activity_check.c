/*
 * What activities, enrolments and cooperations must say, and what their actions do. The rows of their life cycles stand
 * in domain/life.h; here is what the rows cannot say. Each change of an enrolment also decides what becomes of its offers:
 * the events of those come first, in the same decision, so that either both are there or neither.
 */
#include "base/limits.h"
#include "domain/cold.h"
#include "domain/private.h"

static bool is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

static uint32_t number_of(const struct trib_cold *cold, enum trib_noun noun, const char *id)
{
	return id ? trib_domain_find(cold->domain, noun, trib_text(id)) : 0;
}

static bool is_platform(const struct trib_cold *cold)
{
	return trib_access_role_is_platform(cold->actor->role);
}

static trib_status need_reason(struct trib_cold *cold)
{
	return trib_cold_need_stated(cold, cold->request ? cold->request->reason : NULL, "reason");
}

static const char *reason_of(const struct trib_cold *cold)
{
	return cold->request ? cold->request->reason : NULL;
}

/* When an action with notice takes effect: now and the notice, or later; the platform may do it at any time from now on. */
static trib_status effect_of(struct trib_cold *cold, int64_t notice_ms, int64_t *ret_at_ms)
{
	int64_t earliest_ms = cold->now_ms + (is_platform(cold) ? 0 : notice_ms);
	int64_t at_ms = cold->request ? TRIB_STATED(cold->request, at) : 0;

	if (!at_ms)
		at_ms = cold->now_ms + notice_ms;
	if (at_ms < earliest_ms)
		return trib_fail(cold->error, TRIB_REFUSED, "at", "found %lld, expected %lld or later: now and the notice",
				 (long long)at_ms, (long long)earliest_ms);
	*ret_at_ms = at_ms;
	return TRIB_OK;
}

/* ---- Offers ------------------------------------------------------------------------------- */

static trib_status set_status(struct trib_cold *cold, uint32_t plan, const char *status, int64_t from_ms,
			      const char *reason)
{
	Tributary__Event event;
	uint32_t count;

	/* The last places are for what ends it. */
	trib_domain_statuses(cold->domain, TRIB_NOUN_PLAN, plan, &count);
	if (plan <= trib_domain_count(cold->domain, TRIB_NOUN_PLAN) && count + 8 > TRIB_LIMIT_STATUSES &&
	    !is(status, "ended"))
		return trib_fail(cold->error, TRIB_LIMIT, "offers", "found %u statuses of one, expected fewer", count);
	if (!trib_status_event(cold->domain, TRIB_NOUN_PLAN, plan, status, from_ms, reason, cold->arena, &event))
		return trib_cold_no_memory(cold);
	return trib_cold_add(cold, &(struct trib_domain_decision){ .events = &event, .event_count = 1 });
}

/* The rates and parties of an offer; cooperation 0: the leader's own. */
struct offer_terms {
	uint32_t leader, leader2;
	uint16_t commission_bps, service_bps, service2_bps;
};

static struct offer_terms terms_of(const struct trib_cold *cold, const Tributary__Enrolment *enrolment,
				   const struct trib_activity *activity, const struct trib_cooperation *cooperation)
{
	return (struct offer_terms){
		.leader = activity->leader,
		.leader2 = cooperation->leader2,
		.commission_bps = (uint16_t)enrolment->commission_bps,
		.service_bps = (uint16_t)enrolment->service_bps,
		.service2_bps = cooperation->service2_bps,
	};
}

static bool stands(const struct trib_plan_version *version, const struct offer_terms *terms, int64_t to_ms)
{
	return version->number && version->commission_bps == terms->commission_bps &&
	       version->service_bps == terms->service_bps && version->service2_bps == terms->service2_bps &&
	       version->leader == terms->leader && version->leader2 == terms->leader2 && version->to_ms == to_ms;
}

static char *id_of(const struct trib_cold *cold, enum trib_noun noun, uint32_t number)
{
	return number ? trib_arena_copy(cold->arena, trib_domain_id(cold->domain, noun, number)) : NULL;
}

/* A version of the offer's plan; `ret_decision` NULL: only may it be? */
static trib_status put_offer(struct trib_cold *cold, const Tributary__Enrolment *enrolment,
			     const struct trib_activity *activity, const char *id, const struct offer_terms *said,
			     struct trib_domain_decision *ret_decision)
{
	Tributary__Plan plan = TRIBUTARY__PLAN__INIT;
	Tributary__Terms init = TRIBUTARY__TERMS__INIT;
	Tributary__Terms *terms = trib_arena_alloc(cold->arena, sizeof(*terms));
	char **goods = trib_arena_alloc(cold->arena, sizeof(*goods));

	if (!terms || !goods)
		return trib_cold_no_memory(cold);
	*terms = init;
	*goods = enrolment->goods;
	terms->has_commission_bps = terms->has_service_bps = true;
	terms->commission_bps = said->commission_bps;
	terms->service_bps = said->service_bps;
	terms->has_service2_bps = said->leader2 != 0;
	terms->service2_bps = said->service2_bps;
	terms->leader = id_of(cold, TRIB_NOUN_PARTY, said->leader);
	terms->leader2 = id_of(cold, TRIB_NOUN_PARTY, said->leader2);
	plan.id = (char *)id;
	plan.goods = goods;
	plan.n_goods = 1;
	plan.merchant = enrolment->merchant;
	plan.kind = "activity";
	plan.terms = terms;
	plan.has_effective_from = true;
	plan.effective_from = TRIB_MAX(cold->now_ms, activity->promote_from_ms);
	plan.has_effective_to = activity->promote_to_ms != INT64_MAX;
	plan.effective_to = plan.has_effective_to ? activity->promote_to_ms : 0;
	plan.activity = enrolment->activity;
	plan.play = enrolment->play;
	plan.has_play_version = enrolment->has_play_version;
	plan.play_version = enrolment->play_version;
	plan.has_sole = activity->exclusive;
	plan.sole = activity->exclusive;
	trib_status status = trib_domain_decide_offer(cold->domain, &plan, cold->now_ms, cold->arena, ret_decision, cold->error);

	/* What the plan calls terms.commission_bps, the enrolment calls commission_bps. */
	if (status != TRIB_OK && cold->error && strncmp(cold->error->at, "terms.", 6) == 0)
		memmove(cold->error->at, cold->error->at + 6, strlen(cold->error->at) - 5);
	return status;
}

/* What an offer's plan is to be from now on. */
static const char *status_for(const struct trib_cold *cold, const Tributary__Enrolment *enrolment,
			      const struct trib_activity *activity, const struct trib_cooperation *cooperation,
			      bool of_leader2)
{
	if (of_leader2 && (!cooperation->active || cooperation->service2_bps > enrolment->service_bps))
		return "ended";
	if (is(cold->to, "approved") || is(cold->to, "withdrawing"))
		return enrolment->violation && activity->price_rule == TRIB_PRICE_FREEZE ? "paused" : "active";
	if (is(cold->to, "ended") && TRIB_STATED(enrolment, ends_at) > cold->now_ms)
		return NULL; /* as it is, until then */
	return is(cold->to, "submitted") ? "paused" : "ended";
}

static trib_status follow_offer(struct trib_cold *cold, const Tributary__Enrolment *enrolment,
				const Tributary__EnrolmentOffer *offer)
{
	const struct trib_domain *domain = cold->domain;
	const struct trib_activity *activity =
		trib_domain_activity(domain, number_of(cold, TRIB_NOUN_ACTIVITY, enrolment->activity));
	const struct trib_cooperation *cooperation =
		trib_domain_cooperation(domain, number_of(cold, TRIB_NOUN_COOPERATION, offer->cooperation));
	uint32_t plan = number_of(cold, TRIB_NOUN_PLAN, offer->plan);
	const struct offer_terms terms = terms_of(cold, enrolment, activity, cooperation);
	const char *status = status_for(cold, enrolment, activity, cooperation, offer->cooperation != NULL);
	int64_t end_ms = is(cold->to, "ended") ? TRIB_STATED(enrolment, ends_at) : activity->delist_ms;
	uint8_t now = plan ? trib_domain_status(domain, TRIB_NOUN_PLAN, plan, cold->now_ms) : TRIB_WORD_ACTIVE;

	if (is(cold->to, "approved") && is(status, "active") &&
	    !stands(&trib_domain_plan(domain, plan)->newest, &terms, activity->promote_to_ms)) {
		struct trib_domain_decision decision;

		TRY(put_offer(cold, enrolment, activity, offer->plan, &terms, &decision));
		TRY(trib_cold_add(cold, &decision));
		plan = decision.number;
	}
	if (!plan)
		return TRIB_OK;
	if (status && trib_word_of_status(TRIB_NOUN_PLAN, status) != now)
		TRY(set_status(cold, plan, status, cold->now_ms, reason_of(cold)));
	if (end_ms > cold->now_ms && end_ms < activity->promote_to_ms && !is(status, "ended") &&
	    (!trib_domain_plan(domain, plan <= trib_domain_count(domain, TRIB_NOUN_PLAN) ? plan : 0)->timed ||
	     trib_domain_status(domain, TRIB_NOUN_PLAN, plan, end_ms) != TRIB_WORD_ENDED))
		TRY(set_status(cold, plan, "ended", end_ms, reason_of(cold)));
	return TRIB_OK;
}

/* After anything that an enrolment becomes. */
static trib_status follow_offers(struct trib_cold *cold, const Tributary__Enrolment *enrolment)
{
	for (size_t i = 0; i < enrolment->n_offers; i++)
		TRY(follow_offer(cold, enrolment, enrolment->offers[i]));
	return TRIB_OK;
}

static trib_status add_offer(struct trib_cold *cold, Tributary__Enrolment *enrolment, const char *plan,
			     const char *cooperation)
{
	const struct trib_activity *activity =
		trib_domain_activity(cold->domain, number_of(cold, TRIB_NOUN_ACTIVITY, enrolment->activity));
	Tributary__EnrolmentOffer init = TRIBUTARY__ENROLMENT_OFFER__INIT;
	Tributary__EnrolmentOffer *offer = trib_arena_alloc(cold->arena, sizeof(*offer));
	Tributary__EnrolmentOffer **offers =
		trib_arena_alloc(cold->arena, (enrolment->n_offers + 1) * sizeof(struct offer *));

	if (!offer || !offers)
		return trib_cold_no_memory(cold);
	if (strlen(plan) > TRIB_LIMIT_EXTERNAL_ID_BYTES || number_of(cold, TRIB_NOUN_PLAN, plan))
		return trib_fail(cold->error, TRIB_REFUSED, "id",
				 "found \"%.130s\", which is too long for a plan or one already, expected another id", plan);
	if (activity->offers >= TRIB_LIMIT_ACTIVITY_OFFERS)
		return trib_fail(cold->error, TRIB_LIMIT, "activity", "found %u offers in it, expected fewer",
				 activity->offers);
	*offer = init;
	offer->plan = (char *)plan;
	offer->cooperation = (char *)cooperation;
	if (enrolment->n_offers)
		memcpy(offers, enrolment->offers, enrolment->n_offers * sizeof(*offers));
	offers[enrolment->n_offers++] = offer;
	enrolment->offers = offers;
	return TRIB_OK;
}

/* ---- Activities --------------------------------------------------------------------------- */

static trib_status check_periods(struct trib_cold *cold, Tributary__Activity *activity)
{
	int64_t enrol_from = TRIB_STATED(activity, enrol_from), enrol_to = TRIB_STATED(activity, enrol_to);
	int64_t from = TRIB_STATED(activity, promote_from), to = TRIB_STATED(activity, promote_to);

	activity->has_enrol_from = enrol_from != 0;
	activity->has_enrol_to = enrol_to != 0;
	activity->has_promote_from = from != 0;
	activity->has_promote_to = to != 0;
	if (to && to <= from)
		return trib_fail(cold->error, TRIB_INVALID, "promote_to", "found %lld, expected a time after promote_from, %lld",
				 (long long)to, (long long)from);
	if (enrol_to && enrol_to <= enrol_from)
		return trib_fail(cold->error, TRIB_INVALID, "enrol_to", "found %lld, expected a time after enrol_from, %lld",
				 (long long)enrol_to, (long long)enrol_from);
	if (to && TRIB_MAX(enrol_from + 1, enrol_to) > to)
		return trib_fail(cold->error, TRIB_INVALID, enrol_to > to ? "enrol_to" : "enrol_from",
				 "found a time after promote_to, %lld, expected none after it", (long long)to);
	return TRIB_OK;
}

/* What merchants have relied on since it was published stays. */
static trib_status check_promised(struct trib_cold *cold, const Tributary__Activity *activity)
{
	const Tributary__Activity *before = (const Tributary__Activity *)cold->before;
	const struct {
		bool kept;
		const char *at;
	} rows[] = {
		{ is(activity->leader, before->leader), "leader" },
		{ is(activity->kind ? activity->kind : "ordinary", before->kind ? before->kind : "ordinary"), "kind" },
		{ TRIB_STATED(activity, min_commission_bps) == TRIB_STATED(before, min_commission_bps),
		  "min_commission_bps" },
		{ TRIB_STATED(activity, min_service_bps) == TRIB_STATED(before, min_service_bps), "min_service_bps" },
		{ TRIB_STATED(activity, promote_from) == TRIB_STATED(before, promote_from), "promote_from" },
		{ TRIB_STATED(activity, promote_to) == TRIB_STATED(before, promote_to), "promote_to" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		if (!rows[i].kept)
			return trib_fail(cold->error, TRIB_REFUSED, rows[i].at,
					 "found another value, expected the same: the activity is %s", cold->from);
	return TRIB_OK;
}

static trib_status check_leader2(struct trib_cold *cold, const Tributary__Activity *activity)
{
	char at[48];

	for (size_t i = 0; activity->leader2 && i < activity->leader2->n_parties; i++) {
		snprintf(at, sizeof(at), "leader2.parties[%zu]", i);
		TRY(trib_cold_need_known(cold, TRIB_NOUN_PARTY, activity->leader2->parties[i], at));
	}
	return TRIB_OK;
}

/* One that goods are sold by cannot be deleted: it has to be delisted, with notice. */
static trib_status check_activity_delete(struct trib_cold *cold)
{
	const struct trib_activity *activity = trib_domain_activity(cold->domain, cold->number);

	if (!activity->offers || trib_activity_is_over(activity, cold->now_ms))
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_REFUSED, "status", "found an activity that is %s, with %u offers, expected one that is over: delist it",
			 trib_activity_phase_word(trib_activity_phase(activity, cold->now_ms)), activity->offers);
}

trib_status trib_check_activity(struct trib_cold *cold)
{
	Tributary__Activity *activity = (Tributary__Activity *)cold->entity;
	const Tributary__Activity *before = (const Tributary__Activity *)cold->before;
	int64_t notice_ms;

	if (trib_bytes_is(cold->action, "delete"))
		return check_activity_delete(cold);
	if (cold->action.size)
		return TRIB_OK;
	TRY(trib_cold_need_party(cold, activity->leader, "leader"));
	TRY(check_periods(cold, activity));
	TRY(check_leader2(cold, activity));
	TRY(trib_cold_need_condition(cold, TRIB_CONDITION_REQUIREMENTS_WHEN, activity->requirements_when,
				     "requirements_when"));
	if (activity->notice)
		TRY(trib_duration_parse(trib_text(activity->notice), "notice", &notice_ms, cold->error));
	/* What was shown as a default says the same as nothing. */
	activity->kind = is(activity->kind, "ordinary") ? NULL : activity->kind;
	activity->price_rule = is(activity->price_rule, "freeze") ? NULL : activity->price_rule;
	activity->notice = is(activity->notice, "1d") ? NULL : activity->notice;
	activity->phase = NULL;
	activity->has_enrols = false;
	activity->has_delist_at = false;
	if (is(cold->from, "closed") && trib_domain_activity(cold->domain, cold->number)->newest_enrolment)
		return trib_fail(cold->error, TRIB_REFUSED, "id", "found a closed activity with enrolments, expected another id");
	if (!before || is(cold->from, "draft") || is(cold->from, "closed"))
		return TRIB_OK;
	activity->has_delist_at = before->has_delist_at;
	activity->delist_at = before->delist_at;
	return check_promised(cold, activity);
}

trib_status trib_activity_publish(struct trib_cold *cold)
{
	const Tributary__Activity *activity = (const Tributary__Activity *)cold->entity;

	if (TRIB_STATED(activity, promote_to) && cold->now_ms >= activity->promote_to)
		return trib_fail(cold->error, TRIB_REFUSED, "promote_to",
				 "found %lld, which is past, expected a promotion to come", (long long)activity->promote_to);
	if (TRIB_STATED(activity, enrol_to) && cold->now_ms >= activity->enrol_to)
		return trib_fail(cold->error, TRIB_REFUSED, "enrol_to",
				 "found %lld, which is past, expected an enrolment to come", (long long)activity->enrol_to);
	return TRIB_OK;
}

trib_status trib_activity_withdraw(struct trib_cold *cold)
{
	if (!trib_domain_activity(cold->domain, cold->number)->newest_enrolment)
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_REFUSED, "status", "found enrolments, expected none: delist it");
}

/* Events that end offers from a time on. There may be thousands: what is read on the way is dropped at once. */
struct ending {
	struct trib_cold *cold;
	uint32_t cooperation; /* only its offers; 0: all */
	int64_t from_ms;
	Tributary__Event *events;
	uint32_t count, capacity;
	struct trib_arena scratch;
};

static bool end_offer(struct ending *ending, uint32_t plan)
{
	return !plan || (ending->count < ending->capacity &&
			 trib_status_event(ending->cold->domain, TRIB_NOUN_PLAN, plan, "ended", ending->from_ms, NULL,
					   ending->cold->arena, &ending->events[ending->count++]));
}

static bool end_offers(struct ending *ending, uint32_t number)
{
	struct trib_cold *cold = ending->cold;
	bool ended = true;

	if (trib_domain_enrolment(cold->domain, number)->offers == 1)
		return end_offer(ending, trib_domain_find(cold->domain, TRIB_NOUN_PLAN,
							  trib_domain_id(cold->domain, TRIB_NOUN_ENROLMENT, number)));
	trib_arena_reset(&ending->scratch);
	const Tributary__Enrolment *enrolment = (const Tributary__Enrolment *)trib_cold_read(
		cold->domain, TRIB_NOUN_ENROLMENT, number, &ending->scratch);

	if (!enrolment)
		return false;
	for (size_t i = 0; ended && i < enrolment->n_offers; i++) {
		const Tributary__EnrolmentOffer *offer = enrolment->offers[i];

		if (!ending->cooperation ||
		    number_of(cold, TRIB_NOUN_COOPERATION, offer->cooperation) == ending->cooperation)
			ended = end_offer(ending, number_of(cold, TRIB_NOUN_PLAN, offer->plan));
	}
	return ended;
}

/* Of all enrolments of an activity that are sold; `cooperation` 0: all their offers. */
static trib_status end_all_offers(struct trib_cold *cold, uint32_t activity, uint32_t cooperation, int64_t from_ms)
{
	uint32_t capacity = trib_domain_activity(cold->domain, activity)->offers;
	struct ending ending = { .cold = cold, .cooperation = cooperation, .from_ms = from_ms, .capacity = capacity };
	struct trib_enrolment_list list = { .by = TRIB_ENROLMENTS_OF_ACTIVITY, .number = activity };
	bool ended = true;

	ending.events = trib_arena_alloc(cold->arena, (capacity + 1) * sizeof(*ending.events));
	if (!ending.events)
		return trib_cold_no_memory(cold);
	trib_arena_init(&ending.scratch, 1 << 20);
	for (uint32_t number; ended && (number = trib_enrolment_next(cold->domain, &list));) {
		const struct trib_enrolment *enrolment = trib_domain_enrolment(cold->domain, number);

		if (enrolment->offers > (cooperation ? 1 : 0) && (enrolment->state == TRIB_ENROLMENT_APPROVED ||
								  enrolment->state == TRIB_ENROLMENT_WITHDRAWING ||
								  enrolment->state == TRIB_ENROLMENT_ENDED))
			ended = end_offers(&ending, number);
	}
	trib_arena_fini(&ending.scratch);
	if (!ended)
		return trib_cold_no_memory(cold);
	return trib_cold_add(cold, &(struct trib_domain_decision){ .events = ending.events, .event_count = ending.count });
}

trib_status trib_activity_delist(struct trib_cold *cold)
{
	Tributary__Activity *activity = (Tributary__Activity *)cold->entity;
	const struct trib_activity *known = trib_domain_activity(cold->domain, cold->number);
	int64_t at_ms;

	TRY(need_reason(cold));
	TRY(effect_of(cold, known->notice_ms, &at_ms));
	if (at_ms >= known->delist_ms || at_ms >= known->promote_to_ms)
		return trib_fail(cold->error, TRIB_REFUSED, "at", "found %lld, expected a time before %lld, when it ends",
				 (long long)at_ms, (long long)TRIB_MIN(known->delist_ms, known->promote_to_ms));
	activity->has_delist_at = true;
	activity->delist_at = at_ms;
	return end_all_offers(cold, cold->number, 0, at_ms);
}

trib_status trib_activity_stop(struct trib_cold *cold)
{
	Tributary__Activity *activity = (Tributary__Activity *)cold->entity;
	const struct trib_activity *known = trib_domain_activity(cold->domain, cold->number);

	TRY(need_reason(cold));
	if (cold->now_ms >= TRIB_MIN(known->delist_ms, known->promote_to_ms))
		return TRIB_OK;
	activity->has_delist_at = true;
	activity->delist_at = cold->now_ms;
	return end_all_offers(cold, cold->number, 0, cold->now_ms);
}

/* ---- Enrolments --------------------------------------------------------------------------- */

static trib_status check_rates(struct trib_cold *cold, const Tributary__Enrolment *enrolment,
			       const struct trib_activity *activity)
{
	if (enrolment->commission_bps < activity->min_commission_bps)
		return trib_fail(cold->error, TRIB_REFUSED, "commission_bps", "found %d, expected at least %u: the activity's minimum",
				 enrolment->commission_bps, activity->min_commission_bps);
	if (enrolment->service_bps < activity->min_service_bps)
		return trib_fail(cold->error, TRIB_REFUSED, "service_bps", "found %d, expected at least %u: the activity's minimum",
				 enrolment->service_bps, activity->min_service_bps);
	return TRIB_OK;
}

static trib_status check_requirements(struct trib_cold *cold, const Tributary__Enrolment *enrolment,
				      const struct trib_activity *activity, uint32_t goods)
{
	const struct trib_domain_hooks *hooks = &cold->domain->hooks;
	const struct trib_recruited recruited = { .condition = activity->requirements,
						  .goods = goods,
						  .leader = activity->leader,
						  .commission_bps = enrolment->commission_bps,
						  .service_bps = enrolment->service_bps,
						  .at_ms = cold->now_ms };

	if (trib_domain_goods_status(cold->domain, goods, cold->now_ms) != TRIB_WORD_ACTIVE)
		return trib_fail(cold->error, TRIB_REFUSED, "goods", "found goods that are withdrawn or closed, expected active ones");
	if (!activity->requirements || (hooks->meets && hooks->meets(hooks->context, &recruited)))
		return TRIB_OK;
	struct trib_bytes source = trib_domain_condition(cold->domain, activity->requirements);

	return trib_fail(cold->error, TRIB_REFUSED, "goods", "found goods that do not meet requirements_when, expected " TRIB_BYTES_FMT,
			 (int)TRIB_MIN(source.size, (size_t)200), source.data);
}

static bool is_live(uint8_t state)
{
	return state == TRIB_ENROLMENT_SUBMITTED || state == TRIB_ENROLMENT_APPROVED ||
	       state == TRIB_ENROLMENT_WITHDRAWING;
}

static bool overlap(const struct trib_activity *a, const struct trib_activity *b)
{
	return a->promote_from_ms < TRIB_MIN(b->promote_to_ms, b->delist_ms) &&
	       b->promote_from_ms < TRIB_MIN(a->promote_to_ms, a->delist_ms);
}

/* Goods stand once in an activity; and an exclusive one tolerates no other beside it. */
static trib_status check_others(struct trib_cold *cold, uint32_t goods, uint32_t activity_number)
{
	const struct trib_activity *activity = trib_domain_activity(cold->domain, activity_number);
	struct trib_enrolment_list list = { .by = TRIB_ENROLMENTS_OF_GOODS, .number = goods };

	for (uint32_t number; (number = trib_enrolment_next(cold->domain, &list));) {
		const struct trib_enrolment *other = trib_domain_enrolment(cold->domain, number);
		const struct trib_activity *its = trib_domain_activity(cold->domain, other->activity);
		enum trib_enrolment_state state = trib_enrolment_state(cold->domain, number, cold->now_ms);
		bool same = other->activity == activity_number && is_live((uint8_t)state);
		bool barred = (activity->exclusive || its->exclusive) && overlap(activity, its) &&
			      (state == TRIB_ENROLMENT_APPROVED || state == TRIB_ENROLMENT_WITHDRAWING);

		if (number == cold->number || (!same && !barred))
			continue;
		struct trib_bytes id = trib_domain_id(cold->domain, TRIB_NOUN_ENROLMENT, number);

		return trib_fail(cold->error, TRIB_REFUSED, "goods",
				 "found them in enrolment \"" TRIB_BYTES_FMT "\"%s, expected goods that are in none",
				 TRIB_BYTES_ARG(id), same ? "" : " already, and one of the two activities is exclusive");
	}
	return TRIB_OK;
}

/* What only the server writes is as it was. */
static trib_status carry(struct trib_cold *cold, Tributary__Enrolment *enrolment)
{
	const Tributary__Enrolment *before = (const Tributary__Enrolment *)cold->before;

	if (before && (!is(before->activity, enrolment->activity) || !is(before->goods, enrolment->goods)))
		return trib_fail(cold->error, TRIB_INVALID, is(before->goods, enrolment->goods) ? "activity" : "goods",
				 "found another than it was made with, expected the same");
	enrolment->n_offers = before ? before->n_offers : 0;
	enrolment->offers = before ? before->offers : NULL;
	enrolment->violation = before ? before->violation : NULL;
	enrolment->has_price = before && before->has_price;
	enrolment->price = before ? before->price : 0;
	enrolment->has_ends_at = before && before->has_ends_at;
	enrolment->ends_at = before ? before->ends_at : 0;
	enrolment->reason = before ? before->reason : NULL;
	return TRIB_OK;
}

/* Goods, merchant and leader, and who may say so. */
static trib_status check_parties(struct trib_cold *cold, Tributary__Enrolment *enrolment)
{
	TRY(trib_cold_need_stated(cold, enrolment->activity, "activity"));
	TRY(trib_cold_need_known(cold, TRIB_NOUN_ACTIVITY, enrolment->activity, "activity"));
	TRY(trib_cold_need_stated(cold, enrolment->goods, "goods"));
	TRY(trib_cold_need_known(cold, TRIB_NOUN_GOODS, enrolment->goods, "goods"));
	const struct trib_goods *goods =
		trib_domain_goods(cold->domain, number_of(cold, TRIB_NOUN_GOODS, enrolment->goods));
	const struct trib_activity *activity =
		trib_domain_activity(cold->domain, number_of(cold, TRIB_NOUN_ACTIVITY, enrolment->activity));
	char *merchant = id_of(cold, TRIB_NOUN_PARTY, goods->merchant);

	enrolment->leader = id_of(cold, TRIB_NOUN_PARTY, activity->leader);
	if (!merchant || !enrolment->leader)
		return trib_cold_no_memory(cold);
	if (enrolment->merchant && !is(enrolment->merchant, merchant))
		return trib_fail(cold->error, TRIB_INVALID, "merchant", "found \"%.64s\", expected \"%.64s\", whose goods they are",
				 enrolment->merchant, merchant);
	enrolment->merchant = merchant;
	if (is_platform(cold) || cold->actor->role == TRIB_ACCESS_MERCHANT)
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_FORBIDDEN, "", "found role %s, expected the merchant to enrol its goods",
			 trib_access_role_word(cold->actor->role));
}

/* The terms are told anew: the leader looks at them, again. */
static trib_status submit(struct trib_cold *cold, Tributary__Enrolment *enrolment, uint32_t activity_number)
{
	const struct trib_activity *activity = trib_domain_activity(cold->domain, activity_number);
	uint32_t goods = number_of(cold, TRIB_NOUN_GOODS, enrolment->goods);
	const struct offer_terms terms =
		terms_of(cold, enrolment, activity, trib_domain_cooperation(cold->domain, 0));

	if (!trib_activity_enrols(activity, cold->now_ms))
		return trib_fail(cold->error, TRIB_REFUSED, "activity", "found one that is %s, expected one that takes enrolments",
				 trib_activity_phase_word(trib_activity_phase(activity, cold->now_ms)));
	TRY(check_requirements(cold, enrolment, activity, goods));
	TRY(check_others(cold, goods, activity_number));
	TRY(put_offer(cold, enrolment, activity, enrolment->id, &terms, NULL));
	enrolment->has_price = true;
	enrolment->price = trib_domain_goods(cold->domain, goods)->price;
	enrolment->violation = NULL;
	enrolment->has_ends_at = false;
	enrolment->reason = NULL;
	enrolment->status = "submitted";
	cold->to = trib_life_status(TRIB_NOUN_ENROLMENT, "submitted");
	if (cold->before && !is(cold->from, "submitted") &&
	    !trib_life_note(cold->entity,
			    trib_life_item(trib_text("resubmit"), cold->to, NULL, cold->actor, cold->now_ms, cold->arena),
			    cold->arena))
		return trib_cold_no_memory(cold);
	return follow_offers(cold, enrolment);
}

/* Of one that is approved: a rise stands at once; anything less is told anew, and not during promotion. */
static trib_status change(struct trib_cold *cold, Tributary__Enrolment *enrolment, uint32_t activity_number)
{
	const Tributary__Enrolment *before = (const Tributary__Enrolment *)cold->before;
	const struct trib_activity *activity = trib_domain_activity(cold->domain, activity_number);
	bool promoting = trib_activity_phase(activity, cold->now_ms) == TRIB_ACTIVITY_PROMOTING;
	bool lower = enrolment->commission_bps < before->commission_bps;

	if (trib_activity_is_over(activity, cold->now_ms))
		return trib_fail(cold->error, TRIB_REFUSED, "status", "found ended, expected a promotion that is not over");
	if (!lower && enrolment->service_bps >= before->service_bps)
		return follow_offers(cold, enrolment);
	if (!promoting)
		return submit(cold, enrolment, activity_number);
	return trib_fail(cold->error, TRIB_REFUSED, lower ? "commission_bps" : "service_bps",
			 "found %d, expected at least %d: during promotion it may rise, not fall",
			 lower ? enrolment->commission_bps : enrolment->service_bps,
			 lower ? before->commission_bps : before->service_bps);
}

static trib_status check_enrolment_delete(struct trib_cold *cold)
{
	enum trib_enrolment_state state = trib_enrolment_state(cold->domain, cold->number, cold->now_ms);

	if (state != TRIB_ENROLMENT_APPROVED && state != TRIB_ENROLMENT_WITHDRAWING)
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_REFUSED, "status", "found %s, expected one that is not sold: withdraw it",
			 trib_enrolment_state_word(state));
}

trib_status trib_check_enrolment(struct trib_cold *cold)
{
	Tributary__Enrolment *enrolment = (Tributary__Enrolment *)cold->entity;

	if (trib_bytes_is(cold->action, "delete"))
		return check_enrolment_delete(cold);
	if (cold->action.size)
		return TRIB_OK;
	TRY(check_parties(cold, enrolment));
	TRY(carry(cold, enrolment));
	uint32_t activity = number_of(cold, TRIB_NOUN_ACTIVITY, enrolment->activity);

	TRY(check_rates(cold, enrolment, trib_domain_activity(cold->domain, activity)));
	if (is(cold->from, "withdrawing"))
		return trib_fail(cold->error, TRIB_REFUSED, "status", "found withdrawing, expected the leader's consent first");
	return is(cold->from, "approved") ? change(cold, enrolment, activity) : submit(cold, enrolment, activity);
}

/* The activity of the enrolment at hand; refuses where it is over. */
static trib_status need_open(struct trib_cold *cold, const struct trib_activity **ret_activity)
{
	const struct trib_activity *activity = trib_domain_activity(
		cold->domain, trib_domain_enrolment(cold->domain, cold->number)->activity);

	*ret_activity = activity;
	if (!trib_activity_is_over(activity, cold->now_ms))
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_REFUSED, "status", "found an activity that is %s, expected one that is not over",
			 trib_activity_phase_word(trib_activity_phase(activity, cold->now_ms)));
}

trib_status trib_enrolment_approve(struct trib_cold *cold)
{
	Tributary__Enrolment *enrolment = (Tributary__Enrolment *)cold->entity;
	const struct trib_enrolment *known = trib_domain_enrolment(cold->domain, cold->number);
	const struct trib_activity *activity;
	uint32_t most, approved;

	TRY(need_open(cold, &activity));
	most = activity->goods_max ? activity->goods_max : TRIB_LIMIT_ACTIVITY_OFFERS;
	approved = activity->counts[TRIB_ENROLMENT_APPROVED] + activity->counts[TRIB_ENROLMENT_WITHDRAWING];
	if (activity->delist_ms != INT64_MAX)
		return trib_fail(cold->error, TRIB_REFUSED, "status", "found an activity that is being delisted, expected another");
	if (approved >= most)
		return trib_fail(cold->error, TRIB_REFUSED, "activity", "found %u goods in it, expected fewer than %u", approved, most);
	if (trib_domain_goods(cold->domain, known->goods)->price > known->price)
		return trib_fail(cold->error, TRIB_REFUSED, "price", "found %lld, which is above the enrolled %lld, expected no more",
				 (long long)trib_domain_goods(cold->domain, known->goods)->price, (long long)known->price);
	TRY(check_others(cold, known->goods, known->activity));
	if (!enrolment->n_offers)
		TRY(add_offer(cold, enrolment, enrolment->id, NULL));
	enrolment->reason = (char *)reason_of(cold);
	return follow_offers(cold, enrolment);
}

trib_status trib_enrolment_reject(struct trib_cold *cold)
{
	Tributary__Enrolment *enrolment = (Tributary__Enrolment *)cold->entity;

	TRY(need_reason(cold));
	enrolment->reason = cold->request->reason;
	return follow_offers(cold, enrolment);
}

/* During promotion only with the leader's consent. */
trib_status trib_enrolment_withdraw(struct trib_cold *cold)
{
	Tributary__Enrolment *enrolment = (Tributary__Enrolment *)cold->entity;
	const struct trib_activity *activity;

	TRY(need_open(cold, &activity));
	if (is(cold->from, "approved") && trib_activity_phase(activity, cold->now_ms) == TRIB_ACTIVITY_PROMOTING)
		cold->to = trib_life_status(TRIB_NOUN_ENROLMENT, "withdrawing");
	enrolment->reason = (char *)reason_of(cold);
	return follow_offers(cold, enrolment);
}

/* Consent to a withdrawal, or none. */
trib_status trib_enrolment_answer(struct trib_cold *cold)
{
	Tributary__Enrolment *enrolment = (Tributary__Enrolment *)cold->entity;
	const struct trib_activity *activity;

	TRY(need_open(cold, &activity));
	enrolment->reason = (char *)reason_of(cold);
	return follow_offers(cold, enrolment);
}

trib_status trib_enrolment_end(struct trib_cold *cold)
{
	Tributary__Enrolment *enrolment = (Tributary__Enrolment *)cold->entity;
	const struct trib_activity *activity;

	TRY(need_reason(cold));
	TRY(need_open(cold, &activity));
	bool sold = trib_activity_phase(activity, cold->now_ms) == TRIB_ACTIVITY_PROMOTING;

	TRY(effect_of(cold, sold ? activity->notice_ms : 0, &enrolment->ends_at));
	enrolment->has_ends_at = true;
	enrolment->reason = cold->request->reason;
	return follow_offers(cold, enrolment);
}

trib_status trib_enrolment_price_raised(struct trib_cold *cold)
{
	static const char *const rules[] = { [TRIB_PRICE_FREEZE] = "freeze",
					     [TRIB_PRICE_WARN] = "warn",
					     [TRIB_PRICE_DELIST] = "delist" };
	Tributary__Enrolment *enrolment = (Tributary__Enrolment *)cold->entity;
	const struct trib_enrolment *known = trib_domain_enrolment(cold->domain, cold->number);
	Tributary__PriceViolation init = TRIBUTARY__PRICE_VIOLATION__INIT;
	Tributary__PriceViolation *violation = trib_arena_alloc(cold->arena, sizeof(*violation));
	int64_t price = trib_domain_goods(cold->domain, known->goods)->price;
	const struct trib_activity *activity;

	TRY(need_open(cold, &activity));
	if (!violation)
		return trib_cold_no_memory(cold);
	if (price <= known->price)
		return trib_fail(cold->error, TRIB_REFUSED, "price", "found %lld, expected more than the enrolled %lld",
				 (long long)price, (long long)known->price);
	*violation = init;
	violation->has_at = violation->has_price = true;
	violation->at = cold->now_ms;
	violation->price = price;
	violation->effect = (char *)rules[activity->price_rule];
	enrolment->violation = violation;
	if (activity->price_rule == TRIB_PRICE_DELIST) {
		cold->to = trib_life_status(TRIB_NOUN_ENROLMENT, "ended");
		enrolment->has_ends_at = true;
		enrolment->ends_at = cold->now_ms;
		enrolment->reason = "the price was raised above the enrolled one";
	}
	return follow_offers(cold, enrolment);
}

trib_status trib_enrolment_price_restored(struct trib_cold *cold)
{
	Tributary__Enrolment *enrolment = (Tributary__Enrolment *)cold->entity;
	const struct trib_enrolment *known = trib_domain_enrolment(cold->domain, cold->number);
	int64_t price = trib_domain_goods(cold->domain, known->goods)->price;

	if (price > known->price || !known->violated)
		return trib_fail(cold->error, TRIB_REFUSED, "price", "found %lld, expected at most the enrolled %lld, once it was raised",
				 (long long)price, (long long)known->price);
	enrolment->violation = NULL;
	return follow_offers(cold, enrolment);
}

/* A second-level leader's offer of goods that are approved. */
trib_status trib_enrolment_offer(struct trib_cold *cold)
{
	Tributary__Enrolment *enrolment = (Tributary__Enrolment *)cold->entity;
	const char *id = cold->request ? cold->request->cooperation : NULL;
	const struct trib_activity *activity;
	char plan[2 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 2];

	TRY(need_open(cold, &activity));
	TRY(trib_cold_need_stated(cold, id, "cooperation"));
	TRY(trib_cold_need_known(cold, TRIB_NOUN_COOPERATION, id, "cooperation"));
	const struct trib_cooperation *cooperation =
		trib_domain_cooperation(cold->domain, number_of(cold, TRIB_NOUN_COOPERATION, id));

	if (trib_domain_activity(cold->domain, cooperation->activity) != activity || !cooperation->active)
		return trib_fail(cold->error, TRIB_REFUSED, "cooperation", "found \"%.64s\", expected an active one of activity \"%.64s\"",
				 id, enrolment->activity);
	if (cooperation->service2_bps > enrolment->service_bps)
		return trib_fail(cold->error, TRIB_REFUSED, "service_bps",
				 "found %d, expected at least %u: what the second-level leader gets of it",
				 enrolment->service_bps, cooperation->service2_bps);
	if (enrolment->n_offers >= TRIB_LIMIT_ENROLMENT_OFFERS)
		return trib_fail(cold->error, TRIB_LIMIT, "offers", "found %zu, expected fewer", enrolment->n_offers);
	for (size_t i = 0; i < enrolment->n_offers; i++)
		if (is(enrolment->offers[i]->cooperation, id))
			return follow_offers(cold, enrolment); /* it is offered already */
	snprintf(plan, sizeof(plan), "%s.%s", enrolment->id, id);
	char *copy = trib_arena_copy(cold->arena, trib_text(plan));

	if (!copy)
		return trib_cold_no_memory(cold);
	TRY(add_offer(cold, enrolment, copy, id));
	return follow_offers(cold, enrolment);
}

/* ---- Cooperations ------------------------------------------------------------------------- */

/* "leader1", "leader2": for whom the actor speaks; NULL: the platform, which may speak for either. */
static trib_status side_of(struct trib_cold *cold, const Tributary__Cooperation *cooperation, const char **ret_side)
{
	*ret_side = NULL;
	if (is_platform(cold))
		return TRIB_OK;
	if (cold->actor->role == TRIB_ACCESS_LEADER) {
		if (cooperation->leader1 && trib_bytes_is(cold->actor->party_id, cooperation->leader1))
			*ret_side = "leader1";
		else if (cooperation->leader2 && trib_bytes_is(cold->actor->party_id, cooperation->leader2))
			*ret_side = "leader2";
	}
	if (*ret_side)
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_FORBIDDEN, "", "found somebody else, expected one of the two leaders");
}

/* It is for the other one to answer. */
static trib_status need_other(struct trib_cold *cold, const char *asked_by)
{
	const char *side;

	TRY(side_of(cold, (const Tributary__Cooperation *)cold->entity, &side));
	if (!side || !is(side, asked_by ? asked_by : "leader2"))
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_FORBIDDEN, "", "found %s, who has asked, expected the other leader", side);
}

/* One cooperation of two leaders an activity. */
static trib_status check_beside(struct trib_cold *cold, uint32_t activity, uint32_t leader2)
{
	uint32_t number = trib_domain_activity(cold->domain, activity)->newest_cooperation;

	for (; number; number = trib_domain_cooperation(cold->domain, number)->before) {
		const struct trib_cooperation *other = trib_domain_cooperation(cold->domain, number);

		if (number == cold->number || other->leader2 != leader2 || !other->active)
			continue;
		return trib_fail(cold->error, TRIB_REFUSED, "leader2", "found cooperation \"" TRIB_BYTES_FMT "\" with the same leader, expected none",
				 TRIB_BYTES_ARG(trib_domain_id(cold->domain, TRIB_NOUN_COOPERATION, number)));
	}
	return TRIB_OK;
}

/* Does the activity take this leader, at this rate? */
static trib_status check_rule(struct trib_cold *cold, const Tributary__Cooperation *cooperation, uint32_t number)
{
	const struct trib_activity *activity = trib_domain_activity(cold->domain, number);
	const Tributary__Activity *said =
		(const Tributary__Activity *)trib_cold_read(cold->domain, TRIB_NOUN_ACTIVITY, number, cold->arena);
	bool listed = false;

	if (!said)
		return trib_cold_no_memory(cold);
	if (activity->phase != TRIB_ACTIVITY_PUBLISHED || trib_activity_is_over(activity, cold->now_ms))
		return trib_fail(cold->error, TRIB_REFUSED, "activity", "found one that is %s, expected one that is published and not over",
				 trib_activity_phase_word(trib_activity_phase(activity, cold->now_ms)));
	if (!said->leader2)
		return trib_fail(cold->error, TRIB_REFUSED, "activity", "found one without second-level leaders, expected one that states leader2");
	for (size_t i = 0; i < said->leader2->n_parties && !listed; i++)
		listed = is(cooperation->leader2, said->leader2->parties[i]);
	if (said->leader2->n_parties && !listed)
		return trib_fail(cold->error, TRIB_REFUSED, "leader2", "found \"%.64s\", expected one of those that the activity takes",
				 cooperation->leader2);
	if (cooperation->service2_bps < activity->min_service2_bps)
		return trib_fail(cold->error, TRIB_REFUSED, "service2_bps", "found %d, expected at least %u: the activity's minimum",
				 cooperation->service2_bps, activity->min_service2_bps);
	return TRIB_OK;
}

trib_status trib_check_cooperation(struct trib_cold *cold)
{
	Tributary__Cooperation *cooperation = (Tributary__Cooperation *)cold->entity;
	const Tributary__Cooperation *before = (const Tributary__Cooperation *)cold->before;
	const char *side;

	if (cold->action.size && !trib_bytes_is(cold->action, "delete"))
		return TRIB_OK;
	if (is(cold->from, "active") || is(cold->from, "cancelling"))
		return trib_fail(cold->error, TRIB_REFUSED, "status", "found %s, expected one that is not agreed on: cancel it", cold->from);
	if (cold->action.size)
		return side_of(cold, cooperation, &side);
	TRY(trib_cold_need_stated(cold, cooperation->activity, "activity"));
	TRY(trib_cold_need_known(cold, TRIB_NOUN_ACTIVITY, cooperation->activity, "activity"));
	TRY(trib_cold_need_party(cold, cooperation->leader2, "leader2"));
	if (before && (!is(before->activity, cooperation->activity) || !is(before->leader2, cooperation->leader2)))
		return trib_fail(cold->error, TRIB_INVALID, is(before->leader2, cooperation->leader2) ? "activity" : "leader2",
				 "found another than it was made with, expected the same");
	uint32_t activity = number_of(cold, TRIB_NOUN_ACTIVITY, cooperation->activity);
	uint32_t leader2 = number_of(cold, TRIB_NOUN_PARTY, cooperation->leader2);

	cooperation->leader1 = id_of(cold, TRIB_NOUN_PARTY, trib_domain_activity(cold->domain, activity)->leader);
	cooperation->asked_by = NULL;
	if (!cooperation->leader1)
		return trib_cold_no_memory(cold);
	if (is(cooperation->leader1, cooperation->leader2))
		return trib_fail(cold->error, TRIB_INVALID, "leader2", "found the activity's own leader, expected another party");
	TRY(side_of(cold, cooperation, &side));
	if (side)
		cooperation->by = (char *)side;
	cooperation->by = is(cooperation->by, "leader2") ? NULL : cooperation->by;
	TRY(check_rule(cold, cooperation, activity));
	TRY(check_beside(cold, activity, leader2));
	cooperation->status = "proposed";
	return TRIB_OK;
}

trib_status trib_cooperation_accept(struct trib_cold *cold)
{
	const Tributary__Cooperation *cooperation = (const Tributary__Cooperation *)cold->entity;
	uint32_t activity = number_of(cold, TRIB_NOUN_ACTIVITY, cooperation->activity);

	TRY(need_other(cold, cooperation->by));
	TRY(check_rule(cold, cooperation, activity));
	return check_beside(cold, activity, number_of(cold, TRIB_NOUN_PARTY, cooperation->leader2));
}

trib_status trib_cooperation_decline(struct trib_cold *cold)
{
	Tributary__Cooperation *cooperation = (Tributary__Cooperation *)cold->entity;

	TRY(need_other(cold, is(cold->from, "proposed") ? cooperation->by : cooperation->asked_by));
	cooperation->asked_by = NULL;
	return TRIB_OK;
}

/* A proposal is taken back; what was agreed on needs the other's consent. */
trib_status trib_cooperation_cancel(struct trib_cold *cold)
{
	Tributary__Cooperation *cooperation = (Tributary__Cooperation *)cold->entity;
	const char *side;

	TRY(side_of(cold, cooperation, &side));
	if (is(cold->from, "proposed")) {
		if (!side || is(side, cooperation->by ? cooperation->by : "leader2"))
			return TRIB_OK;
		return trib_fail(cold->error, TRIB_FORBIDDEN, "", "found %s, expected who has proposed it: decline it", side);
	}
	cooperation->asked_by = (char *)(side ? side : "platform");
	return TRIB_OK;
}

trib_status trib_cooperation_consent(struct trib_cold *cold)
{
	const Tributary__Cooperation *cooperation = (const Tributary__Cooperation *)cold->entity;

	TRY(need_other(cold, cooperation->asked_by));
	return end_all_offers(cold, number_of(cold, TRIB_NOUN_ACTIVITY, cooperation->activity), cold->number, cold->now_ms);
}
