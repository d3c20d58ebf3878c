/*
 * Statuses by time: a table of its own beside what PUTs say. Few entities have rows, so these stand apart, found by
 * noun and number; the entity only bears a mark that there are some.
 *
 *	rows     active from 1000    paused from 5000    active from 8000
 *	set      ended from 6000:    a row between the two
 *	         active from 5000:   in the place of `paused`
 *	         closed from 4000:   and nothing behind it any more
 */
#include "base/limits.h"
#include "domain/private.h"

static uint64_t key_of(enum trib_noun noun, uint32_t number)
{
	return (uint64_t)noun << 32 | number;
}

static const struct trib_timeline *find(const struct trib_domain *domain, enum trib_noun noun,
					uint32_t number)
{
	static const struct trib_timeline none;
	uint32_t place = trib_pairs_first(&domain->timed, key_of(noun, number));

	return place ? &domain->timelines[place - 1] : &none;
}

const struct trib_status_row *trib_domain_statuses(const struct trib_domain *domain,
						   enum trib_noun noun, uint32_t number,
						   uint32_t *ret_count)
{
	const struct trib_timeline *timeline = find(domain, noun, number);

	*ret_count = timeline->count;
	return timeline->rows;
}

/* How many rows begin at or before at_ms. */
static uint32_t begun(const struct trib_timeline *timeline, int64_t at_ms)
{
	uint32_t low = 0, high = timeline->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (timeline->rows[middle].from_ms <= at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint8_t trib_domain_status_timed(const struct trib_domain *domain, enum trib_noun noun,
				 uint32_t number, int64_t at_ms, uint8_t otherwise)
{
	const struct trib_timeline *timeline = find(domain, noun, number);
	uint32_t count = begun(timeline, at_ms);

	return count ? timeline->rows[count - 1].status : otherwise;
}

int64_t trib_domain_withdrawn_at(const struct trib_domain *domain, uint32_t goods)
{
	const struct trib_timeline *timeline;

	if (!trib_domain_goods(domain, goods)->timed)
		return 0;
	timeline = find(domain, TRIB_NOUN_GOODS, goods);
	for (uint32_t i = timeline->count; i-- > 0;)
		if (timeline->rows[i].status == TRIB_WORD_WITHDRAWN)
			return timeline->rows[i].from_ms;
	return 0;
}

uint8_t trib_domain_status(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
			 int64_t at_ms)
{
	switch (noun) {
	case TRIB_NOUN_PARTY:
		return trib_domain_party_status(domain, number, at_ms);
	case TRIB_NOUN_GOODS:
		return trib_domain_goods_status(domain, number, at_ms);
	case TRIB_NOUN_REGISTRATION:
		return trib_domain_registration(domain, number)->status;
	case TRIB_NOUN_BLOCK:
		return trib_domain_block(domain, number)->status;
	default: {
		const struct trib_plan *plan = trib_domain_plan(domain, number);
		const struct trib_plan_version *version = trib_plan_version(
			plan, trib_plan_version_in_force(plan, at_ms));

		return trib_domain_status_timed(domain, noun, number, at_ms,
						version ? version->status : plan->newest.status);
	}
	}
}

bool trib_status_is_timed(const struct trib_domain *domain, enum trib_noun noun, uint32_t number)
{
	switch (noun) {
	case TRIB_NOUN_PARTY:
		return trib_domain_party(domain, number)->flags & TRIB_PARTY_TIMED;
	case TRIB_NOUN_GOODS:
		return trib_domain_goods(domain, number)->timed;
	case TRIB_NOUN_PLAN:
		return trib_domain_plan(domain, number)->timed;
	default:
		return false;
	}
}

/* ---- The fold ----------------------------------------------------------------------------- */

static void mark(struct trib_domain *domain, enum trib_noun noun, uint32_t number)
{
	if (noun == TRIB_NOUN_PARTY)
		((struct trib_party *)domain->columns[noun].data)[number].flags |= TRIB_PARTY_TIMED;
	else if (noun == TRIB_NOUN_GOODS)
		((struct trib_goods *)domain->columns[noun].data)[number].timed = true;
	else
		((struct trib_plan *)domain->columns[noun].data)[number].timed = true;
}

static void free_reason(const struct trib_status_row *row)
{
	if (row->reason[0])
		free((char *)row->reason);
}

/* Takes over the reason. */
static void set_row(struct trib_timeline *timeline, struct trib_status_row row)
{
	uint32_t at = begun(timeline, row.from_ms);
	bool again = at > 0 && timeline->rows[at - 1].from_ms == row.from_ms;

	if (again) {
		free_reason(&timeline->rows[--at]);
		timeline->rows[at] = row;
	} else {
		TRIB_GROW(timeline->rows, timeline->count, timeline->capacity);
		memmove(&timeline->rows[at + 1], &timeline->rows[at],
			(timeline->count - at) * sizeof(row));
		timeline->rows[at] = row;
		timeline->count++;
	}
	while (row.status == TRIB_WORD_CLOSED && timeline->count > at + 1)
		free_reason(&timeline->rows[--timeline->count]);
}

static struct trib_timeline *timeline_of(struct trib_domain *domain, enum trib_noun noun,
					 uint32_t number)
{
	uint32_t place = trib_pairs_first(&domain->timed, key_of(noun, number));

	if (!place) {
		TRIB_GROW(domain->timelines, domain->timeline_count, domain->timeline_capacity);
		domain->timelines[domain->timeline_count++] = (struct trib_timeline){ 0 };
		place = (uint32_t)domain->timeline_count;
		trib_pairs_add(&domain->timed, key_of(noun, number), place);
		mark(domain, noun, number);
	}
	return &domain->timelines[place - 1];
}

struct trib_record *trib_timeline_pack(struct trib_domain *domain, enum trib_noun noun,
				       uint32_t number)
{
	struct trib_timeline *timeline = timeline_of(domain, noun, number);
	Tributary__StatusTimeline whole = TRIBUTARY__STATUS_TIMELINE__INIT;
	Tributary__StatusItem init = TRIBUTARY__STATUS_ITEM__INIT;
	TRIB_AUTOFREE Tributary__StatusItem *items = trib_alloc(timeline->count * sizeof(*items));
	TRIB_AUTOFREE Tributary__StatusItem **list = trib_alloc(timeline->count * sizeof(*list));

	for (uint32_t i = 0; i < timeline->count; i++) {
		const struct trib_status_row *row = &timeline->rows[i];

		items[i] = init;
		items[i].status = (char *)trib_status_word_of(row->status);
		items[i].has_from = true;
		items[i].from = row->from_ms;
		items[i].reason = row->reason[0] ? (char *)row->reason : NULL;
		list[i] = &items[i];
	}
	timeline->changed = false;
	whole.has_noun = whole.has_number = true;
	whole.noun = noun;
	whole.number = number;
	whole.n_items = timeline->count;
	whole.items = list;
	struct trib_record *record = trib_record_new(
		tributary__status_timeline__get_packed_size(&whole));

	tributary__status_timeline__pack(&whole, (uint8_t *)record->bytes);
	return record;
}

bool trib_noun_has_statuses(uint32_t noun)
{
	return noun == TRIB_NOUN_PARTY || noun == TRIB_NOUN_GOODS || noun == TRIB_NOUN_PLAN;
}

static char *copy_of(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(trib_alloc(size), text, size);
}

trib_status trib_fold_status(struct trib_domain *domain, const Tributary__StatusSet *set,
			     struct trib_error *error)
{
	uint32_t noun = TRIB_STATED(set, noun), number = TRIB_STATED(set, number);
	struct trib_status_row row = { .from_ms = TRIB_STATED(set, from), .reason = "" };

	if (!trib_noun_has_statuses(noun) || number == 0 ||
	    number > trib_domain_count(domain, (enum trib_noun)noun))
		return trib_fail(error, TRIB_CORRUPT, "status_set",
				 "found an entity that is not known");
	row.status = set->status ? trib_word_of_status((enum trib_noun)noun, set->status) : 0;
	if (!row.status || row.from_ms < 0)
		return trib_fold_refuse(error, (enum trib_noun)noun, number,
					"found a status or a time that cannot be");
	if (set->reason && set->reason[0])
		row.reason = copy_of(set->reason);
	struct trib_timeline *timeline = timeline_of(domain, (enum trib_noun)noun, number);

	set_row(timeline, row);
	if (!domain->loading && !timeline->changed) {
		timeline->changed = true;
		trib_note_change(domain, TRIB_TABLE_STATUS, number, (uint8_t)noun, 0, NULL);
	}
	return TRIB_OK;
}

trib_status trib_load_statuses(struct trib_domain *domain, uint32_t number, uint32_t noun,
			       struct trib_bytes value, struct trib_error *error)
{
	trib_arena_reset(&domain->unpacked);
	Tributary__StatusTimeline *whole =
		(Tributary__StatusTimeline *)(void *)trib_domain_unpack(
			&tributary__status_timeline__descriptor, value, &domain->unpacked);
	trib_status status = TRIB_OK;

	if (!whole || whole->noun != noun || whole->number != number)
		return trib_fail(error, TRIB_CORRUPT, "status",
				 "found the row of another entity, or none");
	for (size_t i = 0; status == TRIB_OK && i < whole->n_items; i++) {
		Tributary__StatusSet set = TRIBUTARY__STATUS_SET__INIT;

		set.has_noun = set.has_number = set.has_from = true;
		set.noun = noun;
		set.number = number;
		set.status = whole->items[i]->status;
		set.from = TRIB_STATED(whole->items[i], from);
		set.reason = whole->items[i]->reason;
		status = trib_fold_status(domain, &set, error);
	}
	return status;
}

static void free_rows(struct trib_timeline *timeline)
{
	for (uint32_t i = 0; i < timeline->count; i++)
		free_reason(&timeline->rows[i]);
	free(timeline->rows);
}

void trib_timelines_fini(struct trib_domain *domain)
{
	for (size_t i = 0; i < domain->timeline_count; i++)
		free_rows(&domain->timelines[i]);
	free(domain->timelines);
	trib_pairs_fini(&domain->timed);
}

/* ---- Deciding ----------------------------------------------------------------------------- */

bool trib_status_event(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
		       const char *status, int64_t from_ms, const char *reason,
		       struct trib_arena *arena, Tributary__Event *ret_event)
{
	Tributary__StatusSet init = TRIBUTARY__STATUS_SET__INIT;
	Tributary__StatusSet *set = trib_arena_alloc(arena, sizeof(*set));
	Tributary__Event event = TRIBUTARY__EVENT__INIT;

	if (!set)
		return false;
	*set = init;
	set->has_noun = set->has_number = set->has_from = true;
	set->noun = noun;
	set->number = number;
	set->status = (char *)status;
	set->from = from_ms;
	set->reason = reason && reason[0] ? (char *)reason : NULL;
	event.kind_case = TRIBUTARY__EVENT__KIND_STATUS_SET;
	event.status_set = set;
	*ret_event = event;
	return true;
}

/* Closing again still drops what was set behind it meanwhile. */
static bool is_so_already(const struct trib_timeline *timeline, const struct trib_status_row *row)
{
	uint32_t at = begun(timeline, row->from_ms);
	const struct trib_status_row *there = at ? &timeline->rows[at - 1] : NULL;

	return there && there->from_ms == row->from_ms && there->status == row->status &&
	       (row->status != TRIB_WORD_CLOSED || at == timeline->count) &&
	       strcmp(there->reason, row->reason) == 0;
}

trib_status trib_domain_decide_status(const struct trib_domain *domain, enum trib_noun noun,
				      struct trib_bytes id, const Tributary__StatusRequest *request,
				      int64_t now_ms, struct trib_arena *arena,
				      struct trib_domain_decision *ret_decision,
				      struct trib_error *error)
{
	struct trib_domain_decision decision = { .number = trib_domain_find(domain, noun, id) };
	struct trib_status_row row = { .from_ms = request->has_from ? request->from : now_ms,
				       .reason = request->reason ? request->reason : "" };

	if (!trib_noun_has_statuses(noun))
		return trib_fail(error, TRIB_UNSUPPORTED, "path",
				 "found a %s, expected a party, goods or a plan",
				 trib_noun_word(noun));
	if (!decision.number)
		return trib_fail(error, TRIB_NOT_FOUND, "id",
				 "found \"" TRIB_BYTES_FMT "\", expected the id of a known %s",
				 (int)TRIB_MIN(id.size, (size_t)64), id.data, trib_noun_word(noun));
	if (noun == TRIB_NOUN_PLAN && trib_domain_plan(domain, decision.number)->offer &&
	    trib_access_role_has_party(trib_domain_actor(domain)->role))
		return trib_fail(error, TRIB_FORBIDDEN, "id", "found the offer of an enrolment, expected a change of the enrolment");
	row.status = request->status ? trib_word_of_status(noun, request->status) : 0;
	/* What nobody has approved yet waits for an action, not for a time. */
	if (!row.status || row.status == TRIB_WORD_DRAFT || row.status == TRIB_WORD_REVIEW)
		return trib_fail(error, TRIB_INVALID, "status", "found \"%.64s\", expected %s",
				 request->status ? request->status : "",
				 trib_statuses_of(noun));
	if (row.from_ms < 0)
		return trib_fail(error, TRIB_INVALID, "from",
				 "found %lld, expected ms UTC since 1970", (long long)row.from_ms);
	const struct trib_timeline *timeline = find(domain, noun, decision.number);

	decision.version = trib_version_of(domain, noun, decision.number);
	if (!is_so_already(timeline, &row)) {
		if (timeline->count == TRIB_LIMIT_STATUSES)
			return trib_fail(error, TRIB_LIMIT, "id",
					 "found %u statuses of it, expected fewer", timeline->count);
		decision.events = trib_arena_alloc(arena, sizeof(*decision.events));
		if (!decision.events ||
		    !trib_status_event(domain, noun, decision.number, request->status, row.from_ms,
				       row.reason, arena, decision.events))
			return trib_fail(error, TRIB_TOO_LARGE, "", "found more than one command may hold");
		decision.event_count = 1;
	}
	*ret_decision = decision;
	return TRIB_OK;
}
