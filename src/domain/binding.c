/*
 * Who a creator is bound to, by time. Few parties state agencies with times, so these stand apart, found by number.
 */
#include "domain/private.h"

static int by_time(const void *a, const void *b)
{
	const struct trib_binding *left = a, *right = b;

	return (left->from_ms > right->from_ms) - (left->from_ms < right->from_ms);
}

bool trib_bindings_read(const struct trib_domain *domain, const Tributary__Party *party,
			struct trib_bindings *ret_bindings)
{
	size_t count = party->n_agencies;
	bool known = count == 0 || !party->agency;

	if (count == 0)
		return true;
	struct trib_binding *rows = trib_alloc_zeroed(count, sizeof(*rows));

	for (size_t i = 0; i < count; i++) {
		const Tributary__AgencyBinding *said = party->agencies[i];

		rows[i].from_ms = TRIB_STATED(said, from);
		rows[i].to_ms = TRIB_STATED(said, to) ? said->to : INT64_MAX;
		rows[i].agency = trib_fold_reference(domain, TRIB_NOUN_PARTY, said->agency, &known);
		rows[i].pay = said->pay && strcmp(said->pay, "all_to_agency") == 0 ? TRIB_AGENCY_ALL
										   : TRIB_AGENCY_SPLIT;
		known &= rows[i].agency && rows[i].from_ms < rows[i].to_ms;
	}
	qsort(rows, count, sizeof(*rows), by_time);
	for (size_t i = 1; i < count; i++)
		known &= rows[i - 1].to_ms <= rows[i].from_ms;
	if (known)
		*ret_bindings = (struct trib_bindings){ rows, (uint32_t)count };
	else
		free(rows);
	return known;
}

void trib_bindings_put(struct trib_domain *domain, uint32_t party, struct trib_bindings bindings)
{
	uint32_t place = trib_pairs_first(&domain->bound, party);

	if (place == 0 && bindings.count == 0)
		return;
	if (place == 0) {
		TRIB_GROW(domain->bindings, domain->binding_count, domain->binding_capacity);
		domain->bindings[domain->binding_count++] = (struct trib_bindings){ 0 };
		place = (uint32_t)domain->binding_count;
		trib_pairs_add(&domain->bound, party, place);
	}
	free(domain->bindings[place - 1].rows);
	domain->bindings[place - 1] = bindings;
}

void trib_bindings_fini(struct trib_domain *domain)
{
	for (size_t i = 0; i < domain->binding_count; i++)
		free(domain->bindings[i].rows);
	free(domain->bindings);
	trib_pairs_fini(&domain->bound);
}

uint32_t trib_domain_agency_bound(const struct trib_domain *domain, uint32_t party, int64_t at_ms,
				  uint8_t *ret_pay)
{
	uint32_t place = trib_pairs_first(&domain->bound, party);
	const struct trib_bindings *bindings = &domain->bindings[place - 1];

	for (uint32_t i = 0; i < bindings->count; i++) {
		const struct trib_binding *row = &bindings->rows[i];

		if (at_ms < row->from_ms || at_ms >= row->to_ms)
			continue;
		*ret_pay = row->pay;
		return row->agency;
	}
	return 0;
}
