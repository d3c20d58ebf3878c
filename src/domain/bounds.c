/*
 * What rates may lie between, by category. A category is a path "beauty/lips/gloss"; its longest prefix that has
 * bounds counts.
 */
#include "base/limits.h"
#include "domain/private.h"

bool trib_domain_own_bounds(const struct trib_domain *domain, struct trib_bytes category,
			    int32_t *ret_min_bps, int32_t *ret_max_bps)
{
	uint32_t number = trib_names_find(domain->bounded, category);
	struct trib_bytes text;

	return number && trib_domain_bounds(domain, number, &text, ret_min_bps, ret_max_bps);
}

bool trib_domain_find_bounds(const struct trib_domain *domain, struct trib_bytes category,
			     int32_t *ret_min_bps, int32_t *ret_max_bps, struct trib_bytes *ret_prefix)
{
	if (trib_names_count(domain->bounded) == 0)
		return false;
	while (category.size) {
		if (trib_domain_own_bounds(domain, category, ret_min_bps, ret_max_bps)) {
			*ret_prefix = category;
			return true;
		}
		const char *slash = memrchr(category.data, '/', category.size);

		category.size = slash ? (size_t)(slash - category.data) : 0;
	}
	return false;
}

uint32_t trib_domain_bounds_count(const struct trib_domain *domain)
{
	return trib_names_count(domain->bounded);
}

bool trib_domain_bounds(const struct trib_domain *domain, uint32_t number,
			struct trib_bytes *ret_category, int32_t *ret_min_bps, int32_t *ret_max_bps)
{
	const struct trib_bound *bound = &domain->bounds[number - 1];

	*ret_category = trib_names_text(domain->bounded, number);
	*ret_min_bps = bound->min_bps;
	*ret_max_bps = bound->max_bps;
	return bound->set;
}

trib_status trib_fold_bounds(struct trib_domain *domain, const Tributary__BoundsSet *set,
			     struct trib_error *error)
{
	const Tributary__Bounds *bounds = set->bounds;
	struct trib_bound bound = { .set = bounds != NULL };

	if (bounds) {
		bound.min_bps = TRIB_STATED(bounds, min_bps);
		bound.max_bps = TRIB_STATED(bounds, max_bps);
	}
	if (!set->category || !set->category[0] || bound.min_bps < 0 ||
	    bound.min_bps > bound.max_bps || bound.max_bps > 10000)
		return trib_fail(error, TRIB_CORRUPT, "bounds_set",
				 "found bounds that cannot have been decided");
	uint32_t number = trib_names_add(domain->bounded, trib_text(set->category));

	if (number > domain->bound_count) {
		TRIB_GROW(domain->bounds, domain->bound_count, domain->bound_capacity);
		domain->bounds[domain->bound_count++] = (struct trib_bound){ 0 };
	}
	bound.changes = domain->bounds[number - 1].changes + 1;
	domain->bounds[number - 1] = bound;
	if (!domain->loading) {
		struct trib_record *record =
			trib_record_new(tributary__bounds_set__get_packed_size(set));

		tributary__bounds_set__pack(set, (uint8_t *)record->bytes);
		trib_note_change(domain, TRIB_TABLE_BOUNDS, number, 0, bound.changes, record);
	}
	return TRIB_OK;
}

trib_status trib_load_bounds(struct trib_domain *domain, uint32_t number, struct trib_bytes value,
			     struct trib_error *error)
{
	trib_arena_reset(&domain->unpacked);
	Tributary__BoundsSet *set = (Tributary__BoundsSet *)(void *)trib_domain_unpack(
		&tributary__bounds_set__descriptor, value, &domain->unpacked);

	if (!set || number != domain->bound_count + 1)
		return trib_fail(error, TRIB_CORRUPT, "bounds", "found a row out of turn, or none");
	return trib_fold_bounds(domain, set, error);
}

static trib_status check_bounds(const struct trib_domain *domain, struct trib_bytes category,
				const Tributary__Bounds *bounds, struct trib_error *error)
{
	int32_t low, high;
	bool known = trib_domain_own_bounds(domain, category, &low, &high);

	if (category.size == 0 || category.size > 256 || !trib_utf8_valid(category) ||
	    memchr(category.data, '\0', category.size))
		return trib_fail(error, TRIB_INVALID, "category",
				 "found %zu bytes, expected 1 to 256 of UTF-8", category.size);
	if (!bounds && !known)
		return trib_fail(error, TRIB_NOT_FOUND, "category",
				 "found \"" TRIB_BYTES_FMT "\", expected a category with bounds",
				 (int)TRIB_MIN(category.size, (size_t)64), category.data);
	if (bounds && TRIB_STATED(bounds, min_bps) > bounds->max_bps)
		return trib_fail(error, TRIB_INVALID, "min_bps",
				 "found %d, expected at most max_bps, %d", bounds->min_bps,
				 bounds->max_bps);
	if (bounds && !known && trib_names_count(domain->bounded) == TRIB_LIMIT_BOUNDS)
		return trib_fail(error, TRIB_LIMIT, "category",
				 "found bounds of %d categories, expected fewer", TRIB_LIMIT_BOUNDS);
	return TRIB_OK;
}

trib_status trib_domain_decide_bounds(const struct trib_domain *domain, struct trib_bytes category,
				      const Tributary__Bounds *bounds, struct trib_arena *arena,
				      struct trib_domain_decision *ret_decision,
				      struct trib_error *error)
{
	trib_status status = check_bounds(domain, category, bounds, error);
	Tributary__BoundsSet init = TRIBUTARY__BOUNDS_SET__INIT;
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	struct trib_domain_decision decision = { 0 };
	int32_t low, high;

	if (status != TRIB_OK)
		return status;
	decision.created = !trib_domain_own_bounds(domain, category, &low, &high);
	decision.number = trib_names_find(domain->bounded, category);
	if (!decision.number)
		decision.number = trib_names_count(domain->bounded) + 1;
	if (!bounds || decision.created || low != TRIB_STATED(bounds, min_bps) ||
	    high != bounds->max_bps) {
		Tributary__BoundsSet *set = trib_arena_alloc(arena, sizeof(*set));

		decision.events = trib_arena_alloc(arena, sizeof(*decision.events));
		if (!set || !decision.events)
			return trib_fail(error, TRIB_TOO_LARGE, "",
					 "found more than one command may hold");
		*set = init;
		set->category = trib_arena_copy(arena, category);
		set->bounds = (Tributary__Bounds *)bounds;
		event.kind_case = TRIBUTARY__EVENT__KIND_BOUNDS_SET;
		event.bounds_set = set;
		decision.events[0] = event;
		decision.event_count = 1;
		if (!set->category)
			return trib_fail(error, TRIB_TOO_LARGE, "",
					 "found more than one command may hold");
	}
	*ret_decision = decision;
	return TRIB_OK;
}
