/* Recruiting as it is read: what activities, enrolments and cooperations are at a time, and who enrolled what. */
#include "domain/cold.h"
#include "domain/private.h"
#include "domain/recruiting.h"

const struct trib_activity *trib_domain_activity(const struct trib_domain *domain, uint32_t number)
{
	static const struct trib_activity none;
	const struct trib_activity *all = domain->recruiting.activities.data;

	return number ? &all[number] : &none;
}

const struct trib_enrolment *trib_domain_enrolment(const struct trib_domain *domain, uint32_t number)
{
	static const struct trib_enrolment none;
	const struct trib_enrolment *all = domain->recruiting.enrolments.data;

	return number ? &all[number] : &none;
}

const struct trib_cooperation *trib_domain_cooperation(const struct trib_domain *domain, uint32_t number)
{
	static const struct trib_cooperation none;
	const struct trib_cooperation *all = domain->recruiting.cooperations.data;

	return number ? &all[number] : &none;
}

void trib_recruiting_fini(struct trib_recruiting *recruiting)
{
	trib_column_fini(&recruiting->activities);
	trib_column_fini(&recruiting->enrolments);
	trib_column_fini(&recruiting->cooperations);
	trib_pairs_fini(&recruiting->of_goods);
	trib_pairs_fini(&recruiting->of_merchant);
}

/* ---- What time makes of them -------------------------------------------------------------- */

enum trib_activity_phase trib_activity_phase(const struct trib_activity *activity, int64_t at_ms)
{
	if (activity->phase != TRIB_ACTIVITY_PUBLISHED)
		return (enum trib_activity_phase)activity->phase;
	if (at_ms >= activity->delist_ms)
		return TRIB_ACTIVITY_DELISTED;
	if (at_ms >= activity->promote_to_ms)
		return TRIB_ACTIVITY_ENDED;
	if (at_ms >= activity->promote_from_ms)
		return TRIB_ACTIVITY_PROMOTING;
	return trib_activity_enrols(activity, at_ms) ? TRIB_ACTIVITY_ENROLLING : TRIB_ACTIVITY_PUBLISHED;
}

const char *trib_activity_phase_word(enum trib_activity_phase phase)
{
	switch (phase) {
#define X(name, number, word)                                                                      \
	case TRIB_ACTIVITY_##name:                                                                 \
		return word;
		TRIB_ACTIVITY_PHASE_TABLE(X)
#undef X
	}
	return "unknown";
}

/* Once it is delisted it takes no more, though the notice still runs. */
bool trib_activity_enrols(const struct trib_activity *activity, int64_t at_ms)
{
	return activity->phase == TRIB_ACTIVITY_PUBLISHED && activity->delist_ms == INT64_MAX &&
	       at_ms >= activity->enrol_from_ms && at_ms < activity->enrol_to_ms &&
	       at_ms < activity->promote_to_ms;
}

bool trib_activity_is_over(const struct trib_activity *activity, int64_t at_ms)
{
	return trib_activity_phase(activity, at_ms) >= TRIB_ACTIVITY_ENDED;
}

enum trib_enrolment_state trib_enrolment_state(const struct trib_domain *domain, uint32_t number, int64_t at_ms)
{
	const struct trib_enrolment *enrolment = trib_domain_enrolment(domain, number);

	if ((enrolment->state == TRIB_ENROLMENT_APPROVED || enrolment->state == TRIB_ENROLMENT_WITHDRAWING) &&
	    trib_activity_is_over(trib_domain_activity(domain, enrolment->activity), at_ms))
		return TRIB_ENROLMENT_ENDED;
	return (enum trib_enrolment_state)enrolment->state;
}

const char *trib_enrolment_state_word(enum trib_enrolment_state state)
{
	switch (state) {
#define X(name, number, word)                                                                      \
	case TRIB_ENROLMENT_##name:                                                                \
		return word;
		TRIB_ENROLMENT_STATE_TABLE(X)
#undef X
	default:
		return "unknown";
	}
}

bool trib_enrolment_state_of_word(struct trib_bytes word, enum trib_enrolment_state *ret_state)
{
#define X(name, number, text)                                                                      \
	if (trib_bytes_is(word, text)) {                                                           \
		*ret_state = TRIB_ENROLMENT_##name;                                                \
		return true;                                                                       \
	}
	TRIB_ENROLMENT_STATE_TABLE(X)
#undef X
	return false;
}

/* ---- Lists -------------------------------------------------------------------------------- */

static uint32_t newest_of(const struct trib_domain *domain, const struct trib_enrolment_list *list)
{
	switch (list->by) {
	case TRIB_ENROLMENTS_OF_ACTIVITY:
		return trib_domain_activity(domain, list->number)->newest_enrolment;
	case TRIB_ENROLMENTS_OF_GOODS:
		return trib_pairs_first(&domain->recruiting.of_goods, list->number);
	default:
		return trib_pairs_first(&domain->recruiting.of_merchant, list->number);
	}
}

static uint32_t before_of(const struct trib_enrolment *enrolment, enum trib_enrolments_by by)
{
	return by == TRIB_ENROLMENTS_OF_ACTIVITY ? enrolment->before_of_activity :
	       by == TRIB_ENROLMENTS_OF_GOODS	 ? enrolment->before_of_goods :
						   enrolment->before_of_merchant;
}

uint32_t trib_enrolment_next(const struct trib_domain *domain, struct trib_enrolment_list *list)
{
	if (list->begun && !list->last)
		return 0;
	list->last = list->last ? before_of(trib_domain_enrolment(domain, list->last), list->by) :
				  newest_of(domain, list);
	list->begun = true;
	return list->last;
}

bool trib_goods_are_enrolled(const struct trib_domain *domain, uint32_t goods)
{
	return domain->recruiting.of_goods.count && trib_pairs_first(&domain->recruiting.of_goods, goods);
}

/* ---- The fold ----------------------------------------------------------------------------- */

static void *entry_of(struct trib_column *column, uint32_t number, size_t size)
{
	trib_column_reserve(column, ((size_t)number + 1) * size);
	return (char *)column->data + number * size;
}

static int64_t duration_of(const char *text, int64_t otherwise_ms)
{
	int64_t duration_ms;

	if (!text || trib_duration_parse(trib_text(text), "", &duration_ms, NULL) != TRIB_OK)
		return otherwise_ms;
	return duration_ms;
}

static uint8_t phase_of(const char *status)
{
	if (!status || strcmp(status, "draft") == 0)
		return TRIB_ACTIVITY_DRAFT;
	return strcmp(status, "closed") == 0 ? TRIB_ACTIVITY_CLOSED : TRIB_ACTIVITY_PUBLISHED;
}

static uint8_t price_rule_of(const char *rule)
{
	return !rule || strcmp(rule, "freeze") == 0 ? TRIB_PRICE_FREEZE :
	       strcmp(rule, "warn") == 0	    ? TRIB_PRICE_WARN :
						      TRIB_PRICE_DELIST;
}

static uint32_t number_of(const struct trib_domain *domain, enum trib_noun noun, const char *id)
{
	return id ? trib_domain_find(domain, noun, trib_text(id)) : 0;
}

void trib_fold_activity(struct trib_domain *domain, uint32_t number, const ProtobufCMessage *entity)
{
	const Tributary__Activity *said = (const Tributary__Activity *)entity;
	struct trib_activity *activity =
		entry_of(&domain->recruiting.activities, number, sizeof(*activity));

	activity->enrol_from_ms = TRIB_STATED(said, enrol_from);
	activity->enrol_to_ms = TRIB_STATED(said, enrol_to) ? said->enrol_to : INT64_MAX;
	activity->promote_from_ms = TRIB_STATED(said, promote_from);
	activity->promote_to_ms = TRIB_STATED(said, promote_to) ? said->promote_to : INT64_MAX;
	activity->delist_ms = TRIB_STATED(said, delist_at) ? said->delist_at : INT64_MAX;
	activity->notice_ms = duration_of(said->notice, TRIB_NOTICE_MS);
	activity->leader = number_of(domain, TRIB_NOUN_PARTY, said->leader);
	activity->requirements = said->requirements_when && said->requirements_when[0] ?
					 trib_names_add(domain->conditions, trib_text(said->requirements_when)) :
					 0;
	activity->goods_max = TRIB_STATED(said, goods_max);
	activity->min_commission_bps = (uint16_t)TRIB_STATED(said, min_commission_bps);
	activity->min_service_bps = (uint16_t)TRIB_STATED(said, min_service_bps);
	activity->has_leader2 = said->leader2 != NULL;
	activity->min_service2_bps = said->leader2 ? (uint16_t)TRIB_STATED(said->leader2, min_service_bps) : 0;
	activity->phase = phase_of(said->status);
	activity->price_rule = price_rule_of(said->price_rule);
	activity->exclusive = said->kind && strcmp(said->kind, "exclusive") == 0;
}

/* The newest of a key, in front of the one that was so far. */
static uint32_t push(struct trib_pairs *newest, uint32_t key, uint32_t number)
{
	uint32_t before = trib_pairs_first(newest, key);

	if (before)
		trib_pairs_remove(newest, key, before);
	trib_pairs_add(newest, key, number);
	return before;
}

/* Whose it is never changes: so it is listed once. */
static void list_enrolment(struct trib_domain *domain, uint32_t number, struct trib_enrolment *enrolment,
			   const Tributary__Enrolment *said)
{
	struct trib_recruiting *recruiting = &domain->recruiting;

	enrolment->activity = number_of(domain, TRIB_NOUN_ACTIVITY, said->activity);
	enrolment->goods = number_of(domain, TRIB_NOUN_GOODS, said->goods);
	enrolment->merchant = number_of(domain, TRIB_NOUN_PARTY, said->merchant);
	struct trib_activity *activity =
		entry_of(&recruiting->activities, enrolment->activity, sizeof(*activity));

	enrolment->before_of_activity = activity->newest_enrolment;
	activity->newest_enrolment = number;
	enrolment->before_of_goods = push(&recruiting->of_goods, enrolment->goods, number);
	enrolment->before_of_merchant = push(&recruiting->of_merchant, enrolment->merchant, number);
}

void trib_fold_enrolment(struct trib_domain *domain, uint32_t number, const ProtobufCMessage *entity)
{
	const Tributary__Enrolment *said = (const Tributary__Enrolment *)entity;
	struct trib_enrolment *enrolment =
		entry_of(&domain->recruiting.enrolments, number, sizeof(*enrolment));
	enum trib_enrolment_state state = TRIB_ENROLMENT_SUBMITTED;

	if (!enrolment->state)
		list_enrolment(domain, number, enrolment, said);
	struct trib_activity *activity = entry_of(&domain->recruiting.activities, enrolment->activity,
						  sizeof(*activity));

	if (enrolment->state)
		activity->counts[enrolment->state]--;
	if (said->status)
		trib_enrolment_state_of_word(trib_text(said->status), &state);
	activity->counts[state]++;
	activity->offers += (uint32_t)said->n_offers - enrolment->offers;
	enrolment->state = (uint8_t)state;
	enrolment->offers = (uint32_t)said->n_offers;
	enrolment->price = TRIB_STATED(said, price);
	enrolment->commission_bps = (uint16_t)TRIB_STATED(said, commission_bps);
	enrolment->service_bps = (uint16_t)TRIB_STATED(said, service_bps);
	enrolment->violated = said->violation != NULL;
}

void trib_fold_cooperation(struct trib_domain *domain, uint32_t number, const ProtobufCMessage *entity)
{
	const Tributary__Cooperation *said = (const Tributary__Cooperation *)entity;
	struct trib_cooperation *cooperation =
		entry_of(&domain->recruiting.cooperations, number, sizeof(*cooperation));

	if (!cooperation->leader2) {
		cooperation->activity = number_of(domain, TRIB_NOUN_ACTIVITY, said->activity);
		cooperation->leader2 = number_of(domain, TRIB_NOUN_PARTY, said->leader2);
		struct trib_activity *activity = entry_of(&domain->recruiting.activities,
							  cooperation->activity, sizeof(*activity));

		cooperation->before = activity->newest_cooperation;
		activity->newest_cooperation = number;
	}
	cooperation->service2_bps = (uint16_t)TRIB_STATED(said, service2_bps);
	cooperation->active = said->status && (strcmp(said->status, "active") == 0 ||
					       strcmp(said->status, "cancelling") == 0);
}

/* ---- Proof -------------------------------------------------------------------------------- */

const char *trib_recruiting_broken(const struct trib_domain *domain)
{
	uint32_t count = trib_domain_count(domain, TRIB_NOUN_ENROLMENT), listed = 0;

	for (uint32_t i = 1; i <= trib_domain_count(domain, TRIB_NOUN_ACTIVITY); i++) {
		const struct trib_activity *activity = trib_domain_activity(domain, i);
		struct trib_enrolment_list list = { .by = TRIB_ENROLMENTS_OF_ACTIVITY, .number = i };
		uint32_t counts[TRIB_ENROLMENT_STATES] = { 0 }, offers = 0;

		for (uint32_t number; listed <= count && (number = trib_enrolment_next(domain, &list)); listed++) {
			const struct trib_enrolment *enrolment = trib_domain_enrolment(domain, number);

			if (enrolment->activity != i)
				return "an enrolment is listed in another activity";
			counts[enrolment->state]++;
			offers += enrolment->offers;
		}
		if (memcmp(counts, activity->counts, sizeof(counts)) != 0 || offers != activity->offers)
			return "an activity counts other enrolments than it has";
	}
	return listed == count ? NULL : "an enrolment is in no activity, or in several";
}

/* ---- What a GET shows --------------------------------------------------------------------- */

void trib_recruiting_show(const struct trib_domain *domain, enum trib_noun noun, int64_t at_ms, uint32_t number,
			  ProtobufCMessage *message)
{
	if (noun == TRIB_NOUN_ACTIVITY) {
		Tributary__Activity *shown = (Tributary__Activity *)message;
		const struct trib_activity *activity = trib_domain_activity(domain, number);

		shown->phase = (char *)trib_activity_phase_word(trib_activity_phase(activity, at_ms));
		shown->has_enrols = true;
		shown->enrols = trib_activity_enrols(activity, at_ms);
	} else if (noun == TRIB_NOUN_ENROLMENT) {
		((Tributary__Enrolment *)message)->status =
			(char *)trib_enrolment_state_word(trib_enrolment_state(domain, number, at_ms));
	}
}
