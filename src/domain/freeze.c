/*
 * To the store and back. A freeze takes over the list of changes, whose records are immutable and
 * counted, so the domain goes on at once; sorting and writing are somebody else's time.
 */
#include "domain/private.h"

struct trib_domain_freeze {
	struct trib_change *changes;
	size_t change_count;
	struct trib_domain_row *rows; /* once they were asked for */
	size_t row_count;
};

struct trib_domain_freeze *trib_domain_freeze(struct trib_domain *domain)
{
	struct trib_domain_freeze *freeze = trib_alloc_zeroed(1, sizeof(*freeze));

	for (size_t i = 0; i < domain->change_count; i++) {
		struct trib_change *change = &domain->changes[i];

		if (!change->record)
			change->record = trib_timeline_pack(domain, (enum trib_noun)change->noun,
							    change->number);
	}
	freeze->changes = domain->changes;
	freeze->change_count = domain->change_count;
	domain->changes = NULL;
	domain->change_count = domain->change_capacity = 0;
	return freeze;
}

void trib_domain_freeze_free(struct trib_domain_freeze *freeze)
{
	if (!freeze)
		return;
	for (size_t i = 0; i < freeze->change_count; i++)
		trib_record_unref(freeze->changes[i].record);
	free(freeze->changes);
	free(freeze->rows);
	free(freeze);
}

static int by_key(const void *a, const void *b)
{
	const struct trib_change *left = a, *right = b;

	if (left->table != right->table)
		return left->table < right->table ? -1 : 1;
	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	if (left->noun != right->noun)
		return left->noun < right->noun ? -1 : 1;
	return (left->version > right->version) - (left->version < right->version);
}

/* Every version of a plan has its row; of anything else the newest version counts. */
static bool is_superseded(const struct trib_change *change, const struct trib_change *next)
{
	return change->table != TRIB_TABLE_PLAN && change->table == next->table &&
	       change->number == next->number && change->noun == next->noun;
}

const struct trib_domain_row *trib_domain_freeze_rows(struct trib_domain_freeze *freeze,
						      size_t *ret_count)
{
	const struct trib_change *changes = freeze->changes;

	if (!freeze->rows) {
		if (freeze->change_count)
			qsort(freeze->changes, freeze->change_count, sizeof(*freeze->changes),
			      by_key);
		freeze->rows = trib_alloc(freeze->change_count * sizeof(*freeze->rows));
		for (size_t i = 0; i < freeze->change_count; i++) {
			if (i + 1 < freeze->change_count &&
			    is_superseded(&changes[i], &changes[i + 1]))
				continue;
			struct trib_domain_row *row = &freeze->rows[freeze->row_count++];

			row->table = changes[i].table;
			row->key_size = (uint8_t)trib_key_u32(row->key, changes[i].number);
			if (row->table == TRIB_TABLE_STATUS)
				row->key_size += (uint8_t)trib_key_u32(row->key + row->key_size,
								       changes[i].noun);
			if (row->table == TRIB_TABLE_PLAN)
				row->key_size += (uint8_t)trib_key_u32(row->key + row->key_size,
								       changes[i].version);
			row->value = trib_record_bytes(changes[i].record);
		}
	}
	*ret_count = freeze->row_count;
	return freeze->rows;
}

enum { PREFETCHED_GOODS = 8 }; /* of a plan */

/* ---- Back --------------------------------------------------------------------------------- */

static trib_status corrupt(struct trib_error *error, enum trib_table table, const char *why)
{
	char at[32];

	snprintf(at, sizeof(at), "table 0x%02x", table);
	return trib_fail(error, TRIB_CORRUPT, at, "%s", why);
}

static trib_status load_put(struct trib_domain *domain, enum trib_noun noun, uint32_t number,
			    const ProtobufCMessage *put, struct trib_record *record,
			    struct trib_error *error)
{
	switch (noun) {
	case TRIB_NOUN_PARTY:
		if (((const Tributary__PartyPut *)put)->number == number)
			return trib_fold_party(domain, (const Tributary__PartyPut *)put, record,
					       error);
		break;
	case TRIB_NOUN_GOODS:
		if (((const Tributary__GoodsPut *)put)->number == number)
			return trib_fold_goods(domain, (const Tributary__GoodsPut *)put, record,
					       error);
		break;
	case TRIB_NOUN_PLAN:
		if (((const Tributary__PlanPut *)put)->number == number)
			return trib_fold_plan(domain, (const Tributary__PlanPut *)put, record,
					      error);
		break;
	case TRIB_NOUN_BLOCK:
		if (((const Tributary__BlockPut *)put)->number == number)
			return trib_fold_block(domain, (const Tributary__BlockPut *)put, record,
					       error);
		break;
	case TRIB_NOUN_REGISTRATION:
		if (((const Tributary__RegistrationPut *)put)->number == number)
			return trib_fold_registration(
				domain, (const Tributary__RegistrationPut *)put, record, error);
		break;
	default:
		if (((const struct trib_cold_put *)put)->number == number)
			return trib_fold_cold(domain, noun, (const struct trib_cold_put *)put,
					      record, error);
	}
	return trib_fold_refuse(error, noun, number, "found the row of another number");
}

static bool noun_of_table(enum trib_table table, enum trib_noun *ret_noun)
{
	switch (table) {
#define X(name, number, word, plural, its_table)                                                   \
	case its_table:                                                                            \
		*ret_noun = TRIB_NOUN_##name;                                                      \
		return true;
		TRIB_NOUN_TABLE(X)
#undef X
	default:
		return false;
	}
}

trib_status trib_domain_prepare(enum trib_table table, struct trib_bytes key, struct trib_bytes value,
				struct trib_arena *arena, struct trib_domain_prepared *ret_row,
				struct trib_error *error)
{
	if (!noun_of_table(table, &ret_row->noun))
		return corrupt(error, table, "found a table of another room");
	if (key.size != (ret_row->noun == TRIB_NOUN_PLAN ? 8 : 4))
		return corrupt(error, table, "found a key of another size");
	ret_row->put = trib_domain_unpack(trib_put_descriptor(ret_row->noun), value, arena);
	if (!ret_row->put)
		return corrupt(error, table,
			       "found bytes that cannot be read, expected a packed entity");
	ret_row->number = trib_key_read_u32(key.data);
	ret_row->record = trib_record_of(value);
	return TRIB_OK;
}

static void prefetch_id(const struct trib_domain *domain, enum trib_noun noun, const char *id)
{
	const struct trib_names *ids = domain->ids[noun];

	if (id)
		trib_names_prefetch(ids, trib_names_hash(ids, trib_text(id)));
}

void trib_domain_prefetch_prepared(const struct trib_domain *domain, const struct trib_domain_prepared *row)
{
	if (row->noun == TRIB_NOUN_PARTY) {
		const Tributary__Party *party = ((const Tributary__PartyPut *)row->put)->party;

		prefetch_id(domain, row->noun, party ? party->id : NULL);
	} else if (row->noun == TRIB_NOUN_GOODS) {
		const Tributary__Goods *goods = ((const Tributary__GoodsPut *)row->put)->goods;

		prefetch_id(domain, row->noun, goods ? goods->id : NULL);
		prefetch_id(domain, TRIB_NOUN_PARTY, goods ? goods->merchant : NULL);
	} else if (row->noun == TRIB_NOUN_PLAN) {
		const Tributary__Plan *plan = ((const Tributary__PlanPut *)row->put)->plan;

		prefetch_id(domain, row->noun, plan ? plan->id : NULL);
		for (size_t i = 0; plan && i < TRIB_MIN(plan->n_goods, (size_t)PREFETCHED_GOODS); i++)
			prefetch_id(domain, TRIB_NOUN_GOODS, plan->goods[i]);
	}
}

trib_status trib_domain_load_prepared(struct trib_domain *domain,
				      const struct trib_domain_prepared *row,
				      struct trib_error *error)
{
	domain->loading = true;
	return load_put(domain, row->noun, row->number, row->put, row->record, error);
}

trib_status trib_domain_load(struct trib_domain *domain, enum trib_table table,
			     struct trib_bytes key, struct trib_bytes value,
			     struct trib_error *error)
{
	struct trib_domain_prepared row;
	trib_status status;

	domain->loading = true;
	switch (table) {
	case TRIB_TABLE_NAME:
		if (key.size != 4)
			return corrupt(error, table, "found a key of another size");
		return trib_fold_name(domain, trib_key_read_u32(key.data), value, error);
	case TRIB_TABLE_STATUS:
		if (key.size != 8)
			return corrupt(error, table, "found a key of another size");
		return trib_load_statuses(domain, trib_key_read_u32(key.data),
					  trib_key_read_u32(key.data + 4), value, error);
	case TRIB_TABLE_BOUNDS:
		if (key.size != 4)
			return corrupt(error, table, "found a key of another size");
		return trib_load_bounds(domain, trib_key_read_u32(key.data), value, error);
	default:
		trib_arena_reset(&domain->unpacked);
		status = trib_domain_prepare(table, key, value, &domain->unpacked, &row, error);
		if (status != TRIB_OK)
			return status;
		status = trib_domain_load_prepared(domain, &row, error);
		trib_record_unref(row.record);
		return status;
	}
}

/* The agencies of a party that was loaded before they were. */
static trib_status bind_party(struct trib_domain *domain, const struct trib_pending_agency *pending,
			      struct trib_error *error)
{
	struct trib_party *party =
		(struct trib_party *)domain->columns[TRIB_NOUN_PARTY].data + pending->party;
	struct trib_bindings bindings = { 0 };
	struct trib_entity entity;
	bool known = true;

	trib_arena_reset(&domain->unpacked);
	trib_status status = trib_record_unpack(pending->record, TRIB_NOUN_PARTY, &domain->unpacked,
						&entity, error);

	if (status != TRIB_OK)
		return status;
	const Tributary__Party *said = (const Tributary__Party *)entity.message;

	party->agency = trib_fold_reference(domain, TRIB_NOUN_PARTY, said->agency, &known);
	if (!trib_bindings_read(domain, said, &bindings) || !known)
		status = trib_fold_refuse(error, TRIB_NOUN_PARTY, pending->party,
					  "found an agency that is not known");
	if (status == TRIB_OK && bindings.count)
		party->flags |= TRIB_PARTY_BOUND;
	trib_bindings_put(domain, pending->party, bindings);
	return status;
}

trib_status trib_domain_load_done(struct trib_domain *domain, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (size_t i = 0; i < domain->pending_count; i++) {
		if (status == TRIB_OK)
			status = bind_party(domain, &domain->pending[i], error);
		trib_record_unref(domain->pending[i].record);
	}
	free(domain->pending);
	domain->pending = NULL;
	domain->pending_count = domain->pending_capacity = 0;
	trib_arena_fini(&domain->unpacked);
	trib_choices_sort(domain);
	domain->loading = false;
	return status;
}
