/*
 * What a plan's newest record does not say. Versions that have begun are numbers in its timeline and rows in the store; here
 * are only those that can still come to count: a version was put for later, so the one in force goes on until then.
 *
 *	put at     1000: version 1 from 1000     2000: version 2 from 9000     3000: version 3 from 5000
 *	kept       nothing                       1                             1 (2 is covered)
 */
#include "base/limits.h"
#include "domain/private.h"

const struct trib_plan_past *trib_plan_past(const struct trib_domain *domain, uint32_t plan)
{
	uint32_t place = domain->past_count ? trib_pairs_first(&domain->pasts_of, plan) : 0;

	return place ? &domain->pasts[place - 1] : NULL;
}

static struct trib_plan_past *past_of(struct trib_domain *domain, uint32_t plan)
{
	uint32_t place = trib_pairs_first(&domain->pasts_of, plan);

	if (!place) {
		TRIB_GROW(domain->pasts, domain->past_count, domain->past_capacity);
		domain->pasts[domain->past_count] = (struct trib_plan_past){ 0 };
		place = (uint32_t)++domain->past_count;
		trib_pairs_add(&domain->pasts_of, plan, place);
	}
	return &domain->pasts[place - 1];
}

static void drop_kept(struct trib_plan_past *past, uint32_t first, uint32_t count)
{
	if (count == 0)
		return;
	for (uint32_t i = first; i < first + count; i++)
		trib_record_unref(past->kept[i].record);
	memmove(past->kept + first, past->kept + first + count,
		(past->kept_count - first - count) * sizeof(*past->kept));
	past->kept_count -= count;
}

/* Of a packed HistoryItem: its first field is the action. */
static bool is_creation(const struct trib_record *record)
{
	static const char packed[] = "\x0a\x06"
				     "create";
	struct trib_bytes bytes = trib_record_bytes(record);

	return bytes.size >= sizeof(packed) - 1 && memcmp(bytes.data, packed, sizeof(packed) - 1) == 0;
}

static void note(struct trib_plan_past *past, const Tributary__HistoryItem *item)
{
	struct trib_record *record = trib_record_new(protobuf_c_message_get_packed_size(&item->base));

	protobuf_c_message_pack(&item->base, (uint8_t *)record->bytes);
	if (past->note_count == TRIB_LIMIT_HISTORY) {
		uint32_t oldest = is_creation(past->notes[0]) ? 1 : 0; /* who made it is known as long as it is there */

		trib_record_unref(past->notes[oldest]);
		memmove(past->notes + oldest, past->notes + oldest + 1,
			(TRIB_LIMIT_HISTORY - 1 - oldest) * sizeof(*past->notes));
		past->note_count--;
	} else {
		past->notes = trib_realloc(past->notes, (past->note_count + 1) * sizeof(*past->notes));
	}
	past->notes[past->note_count++] = record;
}

/* `from_ms` is that of the version being put, which lies ahead at `at_ms`. */
static void keep(struct trib_plan_past *past, const struct trib_plan *plan, int64_t from_ms, int64_t at_ms,
		 struct trib_record *previous)
{
	uint32_t in_force = 0;

	if (plan->newest.from_ms < from_ms) {
		TRIB_GROW(past->kept, past->kept_count, past->kept_capacity);
		past->kept[past->kept_count++] =
			(struct trib_kept_version){ plan->newest.number, trib_record_ref(previous) };
	}
	while (past->kept_count &&
	       trib_plan_version(plan, past->kept[past->kept_count - 1].version)->from_ms >= from_ms)
		drop_kept(past, past->kept_count - 1, 1);
	for (uint32_t i = 0; i < past->kept_count; i++)
		if (trib_plan_version(plan, past->kept[i].version)->from_ms <= at_ms)
			in_force = i;
	drop_kept(past, 0, in_force);
}

void trib_plan_past_tell(struct trib_domain *domain, const Tributary__PlanPut *put, struct trib_record *previous)
{
	const struct trib_plan_past *known = trib_plan_past(domain, put->number);
	int64_t from_ms = TRIB_STATED(put->plan, effective_from);
	bool ahead = put->has_at && from_ms > put->at && previous;

	if (!ahead && !put->note && !known)
		return;
	struct trib_plan_past *past = past_of(domain, put->number);

	if (put->note)
		note(past, put->note);
	if (ahead)
		keep(past, trib_domain_plan(domain, put->number), from_ms, put->at, previous);
	else
		drop_kept(past, 0, past->kept_count);
}

void trib_plan_pasts_fini(struct trib_domain *domain)
{
	for (size_t i = 0; i < domain->past_count; i++) {
		struct trib_plan_past *past = &domain->pasts[i];

		drop_kept(past, 0, past->kept_count);
		for (uint32_t n = 0; n < past->note_count; n++)
			trib_record_unref(past->notes[n]);
		free(past->notes);
		free(past->kept);
	}
	free(domain->pasts);
	trib_pairs_fini(&domain->pasts_of);
}

bool trib_domain_show_history(const struct trib_domain *domain, const struct trib_entity *entity,
			      struct trib_arena *arena)
{
	const struct trib_plan_past *past = trib_plan_past(domain, entity->number);
	Tributary__Plan *plan = (Tributary__Plan *)entity->message;

	trib_assert(plan->base.descriptor == &tributary__plan__descriptor);
	if (!past || !past->note_count)
		return true;
	plan->history = trib_arena_alloc(arena, past->note_count * sizeof(*plan->history));
	plan->n_history = 0;
	for (uint32_t i = 0; plan->history && i < past->note_count; i++) {
		plan->history[i] = (Tributary__HistoryItem *)trib_domain_unpack(
			&tributary__history_item__descriptor, trib_record_bytes(past->notes[i]), arena);
		if (!plan->history[i])
			return false;
		plan->n_history++;
	}
	return plan->history;
}
