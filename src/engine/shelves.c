#include "engine/shelves.h"

#include "base/column.h"
#include "base/hash.h"

enum state {
	USED = 1,    /* looked at since the hand came by */
	CHANGED = 2, /* the store does not have it so */
	FROZEN = 4   /* a checkpoint is writing it */
};

enum { HAND_STEPS = 32 /* a look at one shelf forgets a few at most: no pause */, SLOT_BYTES = 48 };

struct slot {
	struct trib_record *record; /* NULL: there is no such shelf */
	uint32_t creator;	    /* 0: free */
	uint32_t next;		    /* in its bucket, or among the free; 0: none */
	uint8_t kind, state;
};

struct shelves {
	struct slot *slots; /* [0] is none */
	uint32_t slot_count, slot_capacity, free;
	uint32_t *buckets, bucket_count; /* a power of two */
	uint32_t used, hand;
	size_t bytes, bytes_max;
	uint32_t *changed; /* slots */
	size_t changed_count, changed_capacity;
	struct trib_column counts; /* uint32_t by goods */
	uint32_t goods_end;	   /* of counts that may be set */
	struct trib_column dirty;  /* by block: the store does not have it so */
	uint32_t gather_at, gather_end;
};

struct shelves *shelves_new(size_t bytes_max)
{
	struct shelves *shelves = trib_alloc_zeroed(1, sizeof(*shelves));

	shelves->bytes_max = bytes_max;
	shelves->slot_count = 1;
	shelves->bucket_count = 1024;
	shelves->buckets = trib_alloc_zeroed(shelves->bucket_count, sizeof(*shelves->buckets));
	return shelves;
}

void shelves_free(struct shelves *shelves)
{
	if (!shelves)
		return;
	for (uint32_t i = 1; i < shelves->slot_count; i++)
		trib_record_unref(shelves->slots[i].record);
	free(shelves->slots);
	free(shelves->buckets);
	free(shelves->changed);
	trib_column_fini(&shelves->counts);
	trib_column_fini(&shelves->dirty);
	free(shelves);
}

size_t shelves_bytes(const struct shelves *shelves)
{
	return shelves->bytes;
}

size_t shelves_count(const struct shelves *shelves)
{
	return shelves->used;
}

/* --- The table ---------------------------------------------------------------------------------------- */

static uint32_t *bucket_of(const struct shelves *shelves, uint32_t creator, uint8_t kind)
{
	return &shelves->buckets[trib_hash_u64((uint64_t)creator << 8 | kind) & (shelves->bucket_count - 1)];
}

static size_t bytes_of(const struct trib_record *record)
{
	return SLOT_BYTES + (record ? trib_record_bytes(record).size : 0);
}

static uint32_t find(const struct shelves *shelves, uint32_t creator, uint8_t kind)
{
	uint32_t i = *bucket_of(shelves, creator, kind);

	while (i && (shelves->slots[i].creator != creator || shelves->slots[i].kind != kind))
		i = shelves->slots[i].next;
	return i;
}

static void grow_buckets(struct shelves *shelves)
{
	free(shelves->buckets);
	shelves->bucket_count *= 2;
	shelves->buckets = trib_alloc_zeroed(shelves->bucket_count, sizeof(*shelves->buckets));
	for (uint32_t i = 1; i < shelves->slot_count; i++) {
		struct slot *slot = &shelves->slots[i];

		if (!slot->creator)
			continue;
		uint32_t *bucket = bucket_of(shelves, slot->creator, slot->kind);

		slot->next = *bucket;
		*bucket = i;
	}
}

static uint32_t new_slot(struct shelves *shelves)
{
	uint32_t i = shelves->free;

	if (i) {
		shelves->free = shelves->slots[i].next;
		return i;
	}
	if (shelves->slot_count >= shelves->slot_capacity) {
		shelves->slot_capacity = shelves->slot_capacity ? shelves->slot_capacity * 2 : 1024;
		shelves->slots = trib_realloc(shelves->slots, shelves->slot_capacity * sizeof(*shelves->slots));
		memset(shelves->slots, 0, sizeof(*shelves->slots));
	}
	return shelves->slot_count++;
}

static void forget(struct shelves *shelves, uint32_t i)
{
	struct slot *slot = &shelves->slots[i];
	uint32_t *link = bucket_of(shelves, slot->creator, slot->kind);

	while (*link != i)
		link = &shelves->slots[*link].next;
	*link = slot->next;
	shelves->bytes -= bytes_of(slot->record);
	trib_record_unref(slot->record);
	*slot = (struct slot){ .next = shelves->free };
	shelves->free = i;
	shelves->used--;
}

/* The hand goes round: who was looked at since stays once more. */
static void make_room(struct shelves *shelves)
{
	for (int step = 0; step < HAND_STEPS && shelves->bytes > shelves->bytes_max; step++) {
		shelves->hand = shelves->hand + 1 < shelves->slot_count ? shelves->hand + 1 : 1;
		struct slot *slot = &shelves->slots[shelves->hand];

		if (slot->creator && !(slot->state & (USED | CHANGED | FROZEN)))
			forget(shelves, shelves->hand);
		else
			slot->state &= (uint8_t)~USED;
	}
}

static struct slot *enter(struct shelves *shelves, uint32_t creator, uint8_t kind, struct trib_record *record)
{
	uint32_t i = find(shelves, creator, kind);

	if (i) {
		struct slot *slot = &shelves->slots[i];

		shelves->bytes += bytes_of(record) - bytes_of(slot->record);
		trib_record_unref(slot->record);
		slot->record = record;
		return slot;
	}
	make_room(shelves);
	if (shelves->used >= shelves->bucket_count)
		grow_buckets(shelves);
	i = new_slot(shelves);
	uint32_t *bucket = bucket_of(shelves, creator, kind);

	shelves->slots[i] = (struct slot){ .record = record, .creator = creator, .kind = kind, .next = *bucket };
	*bucket = i;
	shelves->bytes += bytes_of(record);
	shelves->used++;
	return &shelves->slots[i];
}

bool shelves_find(struct shelves *shelves, uint32_t creator, enum trib_shelf_kind kind, struct trib_record **ret_record)
{
	uint32_t i = find(shelves, creator, (uint8_t)kind);

	if (!i)
		return false;
	shelves->slots[i].state |= USED;
	*ret_record = shelves->slots[i].record;
	return true;
}

void shelves_load(struct shelves *shelves, uint32_t creator, enum trib_shelf_kind kind, struct trib_record *record)
{
	enter(shelves, creator, (uint8_t)kind, record)->state |= USED;
}

void shelves_put(struct shelves *shelves, uint32_t creator, enum trib_shelf_kind kind, struct trib_record *record)
{
	struct slot *slot = enter(shelves, creator, (uint8_t)kind, record);

	slot->state |= USED;
	if (slot->state & CHANGED)
		return;
	slot->state |= CHANGED;
	if (shelves->changed_count == shelves->changed_capacity) {
		shelves->changed_capacity = shelves->changed_capacity ? shelves->changed_capacity * 2 : 256;
		shelves->changed = trib_realloc(shelves->changed, shelves->changed_capacity * sizeof(*shelves->changed));
	}
	shelves->changed[shelves->changed_count++] = (uint32_t)(slot - shelves->slots);
}

/* --- Counts ------------------------------------------------------------------------------------------- */

uint32_t shelves_of_goods(const struct shelves *shelves, uint32_t goods)
{
	return goods < shelves->goods_end ? ((const uint32_t *)shelves->counts.data)[goods] : 0;
}

static void reserve_counts(struct shelves *shelves, uint32_t block)
{
	trib_column_reserve(&shelves->counts, ((size_t)block + 1) * SHELVES_BLOCK_BYTES);
	trib_column_reserve(&shelves->dirty, (size_t)block + 1);
	shelves->goods_end = TRIB_MAX(shelves->goods_end, (block + 1) * SHELVES_BLOCK_GOODS);
}

void shelves_set_of_goods(struct shelves *shelves, uint32_t goods, uint32_t count)
{
	uint32_t block = goods / SHELVES_BLOCK_GOODS;

	if (goods >= shelves->goods_end)
		reserve_counts(shelves, block);
	((uint32_t *)shelves->counts.data)[goods] = count;
	((char *)shelves->dirty.data)[block] = 1;
}

bool shelves_load_block(struct shelves *shelves, uint32_t block, struct trib_bytes bytes)
{
	if (bytes.size != SHELVES_BLOCK_BYTES || block > UINT32_MAX / SHELVES_BLOCK_GOODS)
		return false;
	reserve_counts(shelves, block);
	memcpy((char *)shelves->counts.data + (size_t)block * SHELVES_BLOCK_BYTES, bytes.data, bytes.size);
	return true;
}

bool shelves_gather(struct shelves *shelves, uint32_t limit, shelves_block_fn *fn, void *context)
{
	char *dirty = shelves->dirty.data;

	for (; limit && shelves->gather_at < shelves->gather_end; shelves->gather_at++) {
		uint32_t block = shelves->gather_at;

		if (!dirty[block])
			continue;
		dirty[block] = 0;
		fn(context, block, (const char *)shelves->counts.data + (size_t)block * SHELVES_BLOCK_BYTES);
		limit--;
	}
	return shelves->gather_at < shelves->gather_end;
}

/* --- Checkpoints -------------------------------------------------------------------------------------- */

struct shelf_frozen *shelves_freeze(struct shelves *shelves, size_t *ret_count)
{
	struct shelf_frozen *frozen = trib_alloc(shelves->changed_count * sizeof(*frozen));

	for (size_t i = 0; i < shelves->changed_count; i++) {
		struct slot *slot = &shelves->slots[shelves->changed[i]];

		frozen[i] = (struct shelf_frozen){ .creator = slot->creator, .slot = shelves->changed[i],
						   .kind = slot->kind, .record = trib_record_ref(slot->record) };
		slot->state = (uint8_t)((slot->state & ~CHANGED) | FROZEN);
	}
	*ret_count = shelves->changed_count;
	shelves->changed_count = 0;
	shelves->gather_at = 0;
	shelves->gather_end = shelves->goods_end / SHELVES_BLOCK_GOODS;
	return frozen;
}

void shelves_stored(struct shelves *shelves, const struct shelf_frozen *frozen, size_t count)
{
	for (size_t i = 0; i < count; i++)
		shelves->slots[frozen[i].slot].state &= (uint8_t)~FROZEN;
}
