/*
 * The touch store of attribution/touches.h.
 *
 *	user ──user_index.h──► block: | user, count, size | touch | touch | … |      oldest first
 *
 * A touch takes 44 bytes there. Registration, channel, carrier kind and page come in few combinations: each has a
 * number, its place, and stands in a table once. A block grows by moving into the next larger size, and what stood
 * last among the blocks of its old size fills the hole (blocks.h).
 */
#include <string.h>
#include "attribution/touches.h"
#include "attribution/user_index.h"
#include "base/hash.h"

enum {
	AT_BITS = 42,
	LINK_BITS = 48,
	SPAN_BITS = 40, /* between the touch and the issue of its token, signed */
	PARTY_BITS = 28,
	PLAN_BITS = 28,
	VERSION_BITS = 20,
	PLACE_BITS = 20,
	EVICT_LOOKS = 16384, /* users looked at for one insertion, before it is refused */
};
_Static_assert(TRIB_LIMIT_TOUCH_PLACES < 1 << PLACE_BITS, "a place fits");

struct record {
	uint64_t at : AT_BITS, place : PLACE_BITS;
	uint64_t link : LINK_BITS, offer_low : 16;
	uint64_t span : SPAN_BITS, plan_version : VERSION_BITS, kind : 3, at_stated : 1;
	uint64_t creator : PARTY_BITS, carrier_owner : PARTY_BITS, offer_middle : 8;
	uint32_t goods, carrier;
	uint32_t plan : PLAN_BITS, offer_high : 4;
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct record) == 44, "as the header says");

struct block {
	uint64_t user;
	uint16_t count;
	uint8_t size;
	uint8_t used; /* since the evicting hand came by */
	struct record records[];
} __attribute__((packed, aligned(4)));

/* How many touches the blocks of each size hold: eight sizes to a doubling, so that little stands empty. */
static const uint16_t capacities[] = { 1,   2,	 3,   4,   5,	6,   7,	  8,   9,   10,	 11,  12,
				       13,  14,	 15,  16,  18,	20,  22,  24,  26,  28,	 30,  32,
				       36,  40,	 44,  48,  52,	56,  60,  64,  72,  80,	 88,  96,
				       104, 112, 120, 128, 144, 160, 176, 192, 208, 224, 240, 256 };
enum { SIZES = TRIB_ARRAY_SIZE(capacities) };
_Static_assert(TRIB_ARRAY_SIZE(capacities) <= TRIB_BLOCK_SIZES_MAX, "sizes fit");

struct place {
	uint32_t registration, channel, carrier_kind, page;
};

struct trib_touches {
	struct trib_touches_options options;
	struct trib_blocks blocks;
	struct trib_user_index index;
	uint8_t size_for[TRIB_LIMIT_TOUCHES_KEPT + 1]; /* the smallest size that holds so many */
	struct place *places;			       /* from 1 */
	uint32_t places_count, places_max;
	uint32_t *place_slots; /* open addressing, at most half full; 0: empty */
	uint32_t place_bits;
	struct trib_user_hand evicting, sweeping;
	uint64_t touches, evicted;
};

struct trib_touches *trib_touches_new(const struct trib_touches_options *options)
{
	struct trib_touches *touches = trib_alloc_zeroed(1, sizeof(*touches));
	uint32_t bytes[SIZES];

	touches->options = *options;
	for (uint32_t size = 0, n = 0; size < SIZES; size++) {
		bytes[size] =
			(uint32_t)(sizeof(struct block) + capacities[size] * sizeof(struct record));
		while (n <= capacities[size])
			touches->size_for[n++] = (uint8_t)size;
	}
	trib_blocks_init(&touches->blocks, options->bytes_max, bytes, SIZES);
	trib_user_index_init(&touches->index, &touches->blocks);
	touches->places_max = 64;
	touches->places = trib_alloc(touches->places_max * sizeof(*touches->places));
	touches->place_bits = 7;
	touches->place_slots =
		trib_alloc_zeroed((size_t)1 << touches->place_bits, sizeof(uint32_t));
	return touches;
}

void trib_touches_free(struct trib_touches *touches)
{
	if (!touches)
		return;
	trib_blocks_fini(&touches->blocks);
	trib_user_index_fini(&touches->index);
	free(touches->places);
	free(touches->place_slots);
	free(touches);
}

static size_t bytes_of(const struct trib_touches *touches)
{
	return sizeof(*touches) + trib_blocks_bytes(&touches->blocks) + touches->index.bytes +
	       touches->places_max * sizeof(*touches->places) +
	       (sizeof(uint32_t) << touches->place_bits);
}

/* ---- Places --------------------------------------------------------------------------------------- */

static struct place place_of(const struct trib_touch *touch)
{
	return (struct place){ touch->registration, touch->channel, touch->carrier_kind,
			       touch->page };
}

/* The slot where the place is, or would be. */
static uint32_t place_slot(const struct trib_touches *touches, const struct place *place)
{
	uint32_t mask = (1u << touches->place_bits) - 1;
	uint32_t slot = (uint32_t)trib_hash_bytes(trib_bytes(place, sizeof(*place))) & mask;

	while (touches->place_slots[slot] &&
	       memcmp(&touches->places[touches->place_slots[slot] - 1], place, sizeof(*place)) != 0)
		slot = (slot + 1) & mask;
	return slot;
}

static void grow_places(struct trib_touches *touches)
{
	touches->places_max *= 2;
	touches->places =
		trib_realloc(touches->places, touches->places_max * sizeof(*touches->places));
	free(touches->place_slots);
	touches->place_bits++;
	touches->place_slots =
		trib_alloc_zeroed((size_t)1 << touches->place_bits, sizeof(uint32_t));
	for (uint32_t i = 0; i < touches->places_count; i++)
		touches->place_slots[place_slot(touches, &touches->places[i])] = i + 1;
}

static uint32_t place_number(struct trib_touches *touches, const struct place *place)
{
	uint32_t slot = place_slot(touches, place);

	if (touches->place_slots[slot])
		return touches->place_slots[slot];
	if (touches->places_count == touches->places_max) {
		grow_places(touches);
		slot = place_slot(touches, place);
	}
	touches->places[touches->places_count++] = *place;
	return touches->place_slots[slot] = touches->places_count;
}

/* ---- One touch ------------------------------------------------------------------------------------ */

static trib_status out_of_range(struct trib_error *error, const char *field, int64_t found,
				int bits)
{
	return trib_fail(error, TRIB_INVALID, field, "found %lld, expected 0 to 2^%d - 1",
			 (long long)found, bits);
}

trib_status trib_touches_accepts(const struct trib_touches *touches, const struct trib_touch *touch,
				 struct trib_error *error)
{
	const struct {
		const char *field;
		uint64_t value;
		int bits;
	} ranges[] = {
		{ "at", (uint64_t)touch->at_ms, AT_BITS },
		{ "link", touch->link, LINK_BITS },
		{ "creator", touch->creator, PARTY_BITS },
		{ "plan", touch->plan, PLAN_BITS },
		{ "plan_version", touch->plan_version, VERSION_BITS },
		{ "offer", touch->offer, PLAN_BITS },
		{ "carrier_owner", touch->carrier_owner, PARTY_BITS },
	};
	struct place place = place_of(touch);
	int64_t span;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(ranges); i++)
		if (ranges[i].value >> ranges[i].bits)
			return out_of_range(error, ranges[i].field, (int64_t)ranges[i].value,
					    ranges[i].bits);
	if (__builtin_sub_overflow(touch->at_ms, touch->issued_at_ms, &span) ||
	    span >= INT64_C(1) << (SPAN_BITS - 1) || span < -(INT64_C(1) << (SPAN_BITS - 1)))
		return trib_fail(error, TRIB_INVALID, "issued_at",
				 "found %lld, expected a time within 17 years of the touch",
				 (long long)touch->issued_at_ms);
	if (!trib_touch_kind_word(touch->kind))
		return trib_fail(error, TRIB_INVALID, "kind", "found %d, expected a kind of touch",
				 touch->kind);
	if (touches->places_count >= TRIB_LIMIT_TOUCH_PLACES &&
	    !touches->place_slots[place_slot(touches, &place)])
		return trib_fail(
			error, TRIB_LIMIT, "page",
			"found one more combination of registration, channel, carrier kind and "
			"page, expected at most %d",
			TRIB_LIMIT_TOUCH_PLACES);
	return TRIB_OK;
}

static void pack(struct trib_touches *touches, const struct trib_touch *touch,
		 struct record *record)
{
	struct place place = place_of(touch);

	*record = (struct record){
		.at = (uint64_t)touch->at_ms,
		.place = place_number(touches, &place),
		.link = touch->link,
		.offer_low = touch->offer & 0xffff,
		.offer_middle = touch->offer >> 16 & 0xff,
		.offer_high = touch->offer >> 24,
		.span = (uint64_t)(touch->at_ms - touch->issued_at_ms) &
			((UINT64_C(1) << SPAN_BITS) - 1),
		.plan_version = touch->plan_version,
		.kind = touch->kind,
		.at_stated = touch->at_stated,
		.creator = touch->creator,
		.carrier_owner = touch->carrier_owner,
		.goods = touch->goods,
		.carrier = touch->carrier,
		.plan = touch->plan,
	};
}

static void unpack(const struct trib_touches *touches, const struct record *record,
		   struct trib_touch *ret_touch)
{
	const struct place *place = &touches->places[record->place - 1];
	int64_t span = (int64_t)((uint64_t)record->span << (64 - SPAN_BITS)) >> (64 - SPAN_BITS);

	*ret_touch = (struct trib_touch){
		.at_ms = (int64_t)record->at,
		.issued_at_ms = (int64_t)record->at - span,
		.link = record->link,
		.goods = record->goods,
		.creator = record->creator,
		.plan = record->plan,
		.offer = (uint32_t)(record->offer_low | record->offer_middle << 16 |
				    (uint32_t)record->offer_high << 24),
		.plan_version = record->plan_version,
		.registration = place->registration,
		.channel = place->channel,
		.carrier_kind = place->carrier_kind,
		.carrier = record->carrier,
		.carrier_owner = record->carrier_owner,
		.page = place->page,
		.kind = record->kind,
		.at_stated = record->at_stated,
	};
}

/* ---- Blocks --------------------------------------------------------------------------------------- */

static struct block *block_at(const struct trib_touches *touches, uint64_t unit)
{
	return trib_blocks_at(&touches->blocks, unit);
}

static const struct block *block_of(const struct trib_touches *touches, uint64_t user)
{
	uint64_t unit = trib_user_index_find(&touches->index, user);

	return unit ? block_at(touches, unit) : NULL;
}

/* Gives the block's memory back; its user is no longer, or already elsewhere, in the index. */
static void free_block(struct trib_touches *touches, uint64_t unit)
{
	uint64_t moved = trib_blocks_remove(&touches->blocks, block_at(touches, unit)->size, unit);

	if (moved)
		trib_user_index_move(&touches->index, block_at(touches, unit)->user, moved, unit);
}

static void remove_user(struct trib_touches *touches, uint64_t unit)
{
	const struct block *block = block_at(touches, unit);

	touches->touches -= block->count;
	trib_user_index_remove(&touches->index, block->user, unit);
	free_block(touches, unit);
}

/* Moves the user's touches, but for the first `skip`, into a block of another size. There is room for it. */
static uint64_t resize_block(struct trib_touches *touches, uint64_t unit, uint32_t size,
			     uint16_t skip)
{
	uint64_t to = trib_blocks_add(&touches->blocks, size);
	const struct block *old = block_at(touches, unit);
	struct block *block = block_at(touches, to);

	*block = (struct block){ .user = old->user,
				 .count = old->count - skip,
				 .size = (uint8_t)size,
				 .used = old->used };
	memcpy(block->records, old->records + skip, block->count * sizeof(struct record));
	trib_user_index_move(&touches->index, block->user, unit, to);
	free_block(touches, unit);
	return to;
}

/* May the store grow so that a block of this size and, for a new user, its slot find room? */
static bool has_room(const struct trib_touches *touches, uint32_t size, size_t growth)
{
	const struct trib_blocks *blocks = &touches->blocks;
	bool new_chunk =
		blocks->sizes[size].last == blocks->sizes[size].per_chunk && !blocks->free_count;

	return trib_blocks_ready(blocks, size) &&
	       bytes_of(touches) + growth + (new_chunk ? TRIB_BLOCK_CHUNK_BYTES : 0) <=
		       touches->options.bytes_max;
}

/* Forgets the user under the hand, if there is one that may go. */
static void evict_next(struct trib_touches *touches, struct trib_user_hand *hand, uint64_t for_user, bool spare_used)
{
	uint64_t unit = trib_user_index_next(&touches->index, hand);
	struct block *block = unit ? block_at(touches, unit) : NULL;

	if (!block || block->user == for_user)
		return;
	if (block->used && spare_used) {
		block->used = 0;
	} else if (touches->options.may_evict(touches->options.context, block->user)) {
		remove_user(touches, unit);
		touches->evicted++;
	}
}

/*
 * A hand goes round all users; whoever was not used since it last came by, and may go, goes. Where everybody was used
 * lately, somebody goes all the same. A new user whose part of the index is full takes the slot of one beside it.
 */
static bool make_room(struct trib_touches *touches, uint64_t for_user, uint32_t size, bool is_new)
{
	struct trib_user_hand beside = trib_user_index_beside(for_user);

	for (size_t looks = 0;; looks++) {
		size_t growth = is_new ? trib_user_index_growth(&touches->index, for_user) : 0;

		if (has_room(touches, size, growth))
			return true;
		if (!touches->options.may_evict || looks == EVICT_LOOKS)
			return false;
		evict_next(touches, growth ? &beside : &touches->evicting, for_user,
			   !growth && looks < EVICT_LOOKS / 2);
	}
}

static trib_status no_room(const struct trib_touches *touches, struct trib_error *error)
{
	return trib_fail(error, TRIB_NO_MEMORY, "touches",
			 "found %zu bytes in use, expected room within %zu", bytes_of(touches),
			 touches->options.bytes_max);
}

/* ---- Lists ---------------------------------------------------------------------------------------- */

/* How many of the block's touches are at or before a time. */
static size_t count_until(const struct block *block, int64_t not_after_ms)
{
	size_t n = block->count;

	while (n && (int64_t)block->records[n - 1].at > not_after_ms)
		n--;
	return n;
}

static size_t count_expired(const struct trib_touches *touches, const struct block *block,
			    int64_t now_ms)
{
	size_t n = 0;

	if (touches->options.retention_ms)
		while (n < block->count &&
		       (int64_t)block->records[n].at < now_ms - touches->options.retention_ms)
			n++;
	return n;
}

static bool block_knows(const struct block *block, const struct trib_touch *touch)
{
	for (size_t i = touch->at_stated ? count_until(block, touch->at_ms) : 0; i-- > 0;) {
		const struct record *record = &block->records[i];

		if ((int64_t)record->at != touch->at_ms)
			return false;
		if (record->link == touch->link && record->at_stated)
			return true;
	}
	return false;
}

bool trib_touches_knows(const struct trib_touches *touches, uint64_t user,
			const struct trib_touch *touch)
{
	const struct block *block = block_of(touches, user);

	return block && block_knows(block, touch);
}

static trib_status insert_user(struct trib_touches *touches, uint64_t user,
			       const struct trib_touch *list, size_t n, struct trib_error *error)
{
	uint32_t size = touches->size_for[n];
	uint64_t unit;
	struct block *block;

	if (!make_room(touches, user, size, true))
		return no_room(touches, error);
	unit = trib_blocks_add(&touches->blocks, size);
	block = block_at(touches, unit);
	*block = (struct block){
		.user = user, .count = (uint16_t)n, .size = (uint8_t)size, .used = 1
	};
	for (size_t i = 0; i < n; i++)
		pack(touches, &list[i], &block->records[i]);
	trib_user_index_add(&touches->index, user, unit);
	touches->touches += n;
	return TRIB_OK;
}

/*
 * Makes room for one more touch in the user's block, dropping the first `drop`: in place where the block's size
 * suits what it will hold, else in another. A block shrinks only when it would be half empty, so that a list
 * whose length swings does not move each time.
 */
static trib_status fit_block(struct trib_touches *touches, uint64_t user, size_t drop,
			     uint64_t *unit, struct trib_error *error)
{
	struct block *block = block_at(touches, *unit);
	size_t wanted = block->count - drop + 1;
	uint32_t size = touches->size_for[wanted];

	if (wanted > capacities[block->size] || wanted <= capacities[block->size] / 2) {
		if (!make_room(touches, user, size, false))
			return no_room(touches, error);
		*unit = trib_user_index_find(&touches->index, user); /* evictions move blocks */
		*unit = resize_block(touches, *unit, size, (uint16_t)drop);
	} else if (drop) {
		block->count -= drop;
		memmove(block->records, block->records + drop,
			block->count * sizeof(struct record));
	}
	touches->touches -= drop;
	return TRIB_OK;
}

trib_status trib_touches_insert(struct trib_touches *touches, uint64_t user,
				const struct trib_touch *touch, int64_t now_ms, bool *ret_known,
				struct trib_error *error)
{
	trib_status status = trib_touches_accepts(touches, touch, error);
	uint64_t unit = trib_user_index_find(&touches->index, user);

	if (status != TRIB_OK)
		return status;
	if (!unit) {
		status = insert_user(touches, user, touch, 1, error);
		if (status == TRIB_OK)
			*ret_known = false;
		return status;
	}
	struct block *block = block_at(touches, unit);

	if (block_knows(block, touch)) {
		*ret_known = true;
		return TRIB_OK;
	}
	size_t drop = count_expired(touches, block, now_ms);

	if (block->count - drop == TRIB_LIMIT_TOUCHES_KEPT) {
		*ret_known = false;
		if (count_until(block, touch->at_ms) <= drop)
			return TRIB_OK; /* it would be the oldest, the one to go */
		drop++;
	}
	status = fit_block(touches, user, drop, &unit, error);
	if (status != TRIB_OK)
		return status;
	block = block_at(touches, unit);
	size_t at = count_until(block, touch->at_ms);

	memmove(block->records + at + 1, block->records + at,
		(block->count - at) * sizeof(struct record));
	pack(touches, touch, &block->records[at]);
	block->count++;
	block->used = 1;
	touches->touches++;
	*ret_known = false;
	return TRIB_OK;
}

trib_status trib_touches_load(struct trib_touches *touches, uint64_t user,
			      const struct trib_touch *list, size_t n, struct trib_error *error)
{
	trib_assert(!trib_touches_has_user(touches, user));
	if (n > TRIB_LIMIT_TOUCHES_KEPT)
		return trib_fail(error, TRIB_TOO_LARGE, "touches", "found %zu, expected at most %d",
				 n, TRIB_LIMIT_TOUCHES_KEPT);
	for (size_t i = 0; i < n; i++) {
		trib_status status = trib_touches_accepts(touches, &list[i], error);

		if (status != TRIB_OK)
			return status;
		if (i && list[i].at_ms < list[i - 1].at_ms)
			return trib_fail(
				error, TRIB_CORRUPT, "touches",
				"found touch %zu before touch %zu in time, expected them sorted", i,
				i - 1);
	}
	return n ? insert_user(touches, user, list, n, error) : TRIB_OK;
}

bool trib_touches_has_user(const struct trib_touches *touches, uint64_t user)
{
	return trib_user_index_find(&touches->index, user) != 0;
}

void trib_touches_forget_user(struct trib_touches *touches, uint64_t user)
{
	uint64_t unit = trib_user_index_find(&touches->index, user);

	if (unit)
		remove_user(touches, unit);
}

void trib_touches_prefetch(const struct trib_touches *touches, uint64_t user)
{
	trib_user_index_prefetch(&touches->index, user);
}

/* The lines of a list of 16; the rest of a longer one follows in order and is fetched ahead by the processor. */
void trib_touches_prefetch_list(const struct trib_touches *touches, uint64_t user)
{
	uint64_t unit = trib_user_index_guess(&touches->index, user);
	const char *block = unit ? trib_blocks_at(&touches->blocks, unit) : NULL;

	for (size_t line = 0; block && line < 12; line++)
		TRIB_PREFETCH(block + line * 64);
}

size_t trib_touches_of(struct trib_touches *touches, uint64_t user, int64_t not_after_ms,
		       struct trib_touch *ret_list, size_t max)
{
	uint64_t unit = trib_user_index_find(&touches->index, user);
	struct block *block = unit ? block_at(touches, unit) : NULL;
	size_t until = block ? count_until(block, not_after_ms) : 0;
	size_t n = TRIB_MIN(until, max);

	for (size_t i = 0; i < n; i++)
		unpack(touches, &block->records[until - n + i], &ret_list[i]);
	if (block && !block->used)
		block->used = 1;
	return n;
}

void trib_touches_sweep(struct trib_touches *touches, int64_t now_ms, size_t slots)
{
	for (; slots; slots--) {
		uint64_t unit = trib_user_index_next(&touches->index, &touches->sweeping);
		struct block *block = unit ? block_at(touches, unit) : NULL;
		size_t expired = block ? count_expired(touches, block, now_ms) : 0;

		if (!expired)
			continue;
		if (expired == block->count) {
			remove_user(touches, unit);
			continue;
		}
		size_t left = block->count - expired;

		touches->touches -= expired;
		if (left <= capacities[block->size] / 2 &&
		    has_room(touches, touches->size_for[left], 0)) {
			resize_block(touches, unit, touches->size_for[left], (uint16_t)expired);
		} else {
			memmove(block->records, block->records + expired,
				left * sizeof(struct record));
			block->count = (uint16_t)left;
		}
	}
}

void trib_touches_touch_ahead(const struct trib_touches *touches, size_t bytes)
{
	trib_blocks_touch_ahead(&touches->blocks, bytes);
}

struct trib_touches_counts trib_touches_count(const struct trib_touches *touches)
{
	struct trib_touches_counts counts = { .users = touches->index.count,
					      .touches = touches->touches,
					      .evicted = touches->evicted,
					      .places = touches->places_count,
					      .bytes = bytes_of(touches) };

	for (size_t size = 0; size < SIZES; size++)
		counts.block_bytes += trib_blocks_count(&touches->blocks.sizes[size]) *
				      touches->blocks.sizes[size].bytes;
	return counts;
}

static const char *block_reason(const struct trib_touches *touches, size_t size, uint64_t unit,
				size_t *touches_count)
{
	const struct block *block = block_at(touches, unit);

	if (block->size != size)
		return "a block among those of another size";
	if (!block->count || block->count > capacities[size])
		return "a block that is empty or over-full";
	if (trib_user_index_find(&touches->index, block->user) != unit)
		return "a block that its user does not lead to";
	for (size_t i = 0; i < block->count; i++) {
		if (i && block->records[i].at < block->records[i - 1].at)
			return "touches out of order";
		if (!block->records[i].place || block->records[i].place > touches->places_count)
			return "a touch at no place";
	}
	*touches_count += block->count;
	return NULL;
}

bool trib_touches_validate(const struct trib_touches *touches, const char **ret_reason)
{
	size_t touches_count = 0, users = 0;

	if (!trib_user_index_validate(&touches->index, ret_reason))
		return false;
	for (size_t size = 0; size < SIZES; size++) {
		const struct trib_block_size *s = &touches->blocks.sizes[size];

		for (uint64_t i = 0; i < trib_blocks_count(s); i++) {
			const char *reason =
				block_reason(touches, size, trib_blocks_unit(s, i), &touches_count);

			if (reason) {
				*ret_reason = reason;
				return false;
			}
		}
		users += trib_blocks_count(s);
	}
	if (users != touches->index.count || touches_count != touches->touches) {
		*ret_reason = "users or touches miscounted";
		return false;
	}
	return true;
}
