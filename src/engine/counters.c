#include "engine/counters.h"

#include "base/hash.h"
#include "proto/wire.h"

enum { SET_PLACES = 8, ROW_VERSION = 1, WORD_BITS = 64 };

struct rings {
	int64_t newest[TRIB_COUNTER_WINDOWS]; /* the newest bucket's number; 0: none yet */
	uint32_t buckets[TRIB_COUNTER_WINDOWS][TRIB_COUNTER_BUCKETS];
};

/* subject 0: a free place. */
struct place {
	uint64_t key;
	int64_t first_ms, last_ms, last_click_ms; /* last_click_ms 0: none */
	uint64_t device;			  /* of a user's latest order; 0: none */
	uint8_t subject;
	uint8_t n_users;
	union {
		struct rings rings[TRIB_COUNTS];
		uint64_t users[TRIB_COUNTER_USERS_MAX];
	};
};

struct trib_counters {
	struct place *places;
	uint64_t *changed, *frozen; /* a bit a place: changed since the last freeze; to be handed out by the one under way */
	uint32_t frozen_next;	    /* word; those before are 0 */
	trib_counters_fn *emit;	    /* NULL: none is under way */
	void *emit_context;
	uint32_t mask;	   /* of sets */
	uint32_t n_places, count;
};

static const int64_t widths_ms[TRIB_COUNTER_WINDOWS] = {
#define X(name, ms) [TRIB_COUNTER_##name] = (ms) / TRIB_COUNTER_BUCKETS,
	TRIB_COUNTER_WINDOW_TABLE(X)
#undef X
};

static uint32_t words_of(const struct trib_counters *counters)
{
	return (counters->n_places + WORD_BITS - 1) / WORD_BITS;
}

struct trib_counters *trib_counters_new(uint32_t n_places)
{
	struct trib_counters *counters = trib_alloc_zeroed(1, sizeof(*counters));

	trib_assert(n_places >= SET_PLACES && (n_places & (n_places - 1)) == 0);
	counters->n_places = n_places;
	counters->mask = n_places / SET_PLACES - 1;
	/* Large blocks come from the system as zeroes that take no memory before they are written. */
	counters->places = trib_alloc_zeroed(n_places, sizeof(*counters->places));
	counters->changed = trib_alloc_zeroed(words_of(counters), sizeof(*counters->changed));
	counters->frozen = trib_alloc_zeroed(words_of(counters), sizeof(*counters->frozen));
	return counters;
}

void trib_counters_free(struct trib_counters *counters)
{
	if (!counters)
		return;
	free(counters->places);
	free(counters->changed);
	free(counters->frozen);
	free(counters);
}

/* A link or device has a list of users, everybody else rings. */
static bool has_users(enum trib_counted subject)
{
	return subject == TRIB_COUNTED_LINK || subject == TRIB_COUNTED_DEVICE_USERS;
}

/* Users and devices are keyed hashes already, numbers of creators and links are ours: nobody can choose a set. */
static struct place *set_of(const struct trib_counters *counters, enum trib_counted subject, uint64_t key)
{
	uint64_t hash = trib_hash_u64(key + (uint64_t)subject * UINT64_C(0x9e3779b97f4a7c15));

	return &counters->places[(size_t)(hash & counters->mask) * SET_PLACES];
}

static struct place *find(const struct trib_counters *counters, enum trib_counted subject, uint64_t key)
{
	struct place *set = set_of(counters, subject, key);

	for (int i = 0; i < SET_PLACES; i++)
		if (set[i].key == key && set[i].subject == subject)
			return &set[i];
	return NULL;
}

/* Whoever was seen longest ago; of equal times the lower key, so that the places' order does not matter. */
static bool is_older(const struct place *a, const struct place *b)
{
	if (a->last_ms != b->last_ms)
		return a->last_ms < b->last_ms;
	return a->key != b->key ? a->key < b->key : a->subject < b->subject;
}

static void hand_out(struct trib_counters *counters, uint32_t number);

/* Before the place changes. */
static void mark(struct trib_counters *counters, const struct place *place)
{
	uint32_t number = (uint32_t)(place - counters->places);
	uint64_t bit = UINT64_C(1) << number % WORD_BITS;

	if (counters->frozen[number / WORD_BITS] & bit)
		hand_out(counters, number);
	counters->changed[number / WORD_BITS] |= bit;
}

static struct place *find_or_make(struct trib_counters *counters, enum trib_counted subject, uint64_t key,
				  int64_t at_ms)
{
	struct place *place = find(counters, subject, key), *set = set_of(counters, subject, key);

	if (!place) {
		place = &set[0];
		for (int i = 0; i < SET_PLACES && place->subject; i++)
			if (!set[i].subject || is_older(&set[i], place))
				place = &set[i];
		mark(counters, place);
		counters->count += place->subject == 0;
		memset(place, 0, sizeof(*place));
		place->key = key;
		place->subject = (uint8_t)subject;
		place->first_ms = place->last_ms = at_ms;
	} else {
		mark(counters, place);
	}
	place->first_ms = TRIB_MIN(place->first_ms, at_ms);
	place->last_ms = TRIB_MAX(place->last_ms, at_ms);
	return place;
}

/* --- Windows ------------------------------------------------------------------------------------------ */

static void add_to_ring(struct rings *rings, enum trib_counter_window window, int64_t at_ms)
{
	uint32_t *buckets = rings->buckets[window];
	int64_t bucket = at_ms / widths_ms[window], newest = rings->newest[window];

	if (bucket <= newest - TRIB_COUNTER_BUCKETS)
		return;
	if (bucket > newest) {
		/* The places between were those of buckets that are now too old. */
		for (int64_t b = TRIB_MAX(newest + 1, bucket - TRIB_COUNTER_BUCKETS + 1); b <= bucket; b++)
			buckets[b % TRIB_COUNTER_BUCKETS] = 0;
		rings->newest[window] = bucket;
	}
	uint32_t *place = &buckets[bucket % TRIB_COUNTER_BUCKETS];

	*place += *place < UINT32_MAX;
}

static uint64_t sum_of_ring(const struct rings *rings, enum trib_counter_window window, int64_t at_ms)
{
	int64_t bucket = at_ms / widths_ms[window], newest = rings->newest[window];
	int64_t first = TRIB_MAX(bucket, newest) - TRIB_COUNTER_BUCKETS + 1, last = TRIB_MIN(bucket, newest);
	uint64_t sum = 0;

	for (int64_t b = TRIB_MAX(first, INT64_C(0)); b <= last; b++)
		sum += rings->buckets[window][b % TRIB_COUNTER_BUCKETS];
	return sum;
}

void trib_counters_add(struct trib_counters *counters, enum trib_counted subject, uint64_t key, enum trib_count count,
		       int64_t at_ms)
{
	trib_assert(key && !has_users(subject) && at_ms >= 0);
	struct place *place = find_or_make(counters, subject, key, at_ms);

	for (int window = 0; window < TRIB_COUNTER_WINDOWS; window++)
		add_to_ring(&place->rings[count], (enum trib_counter_window)window, at_ms);
	if (count == TRIB_COUNT_CLICKS)
		place->last_click_ms = TRIB_MAX(place->last_click_ms, at_ms);
}

uint64_t trib_counters_get(const struct trib_counters *counters, enum trib_counted subject, uint64_t key,
			   enum trib_count count, enum trib_counter_window window, int64_t at_ms)
{
	const struct place *place = find(counters, subject, key);

	return place && !has_users(subject) ? sum_of_ring(&place->rings[count], window, at_ms) : 0;
}

bool trib_counters_first(const struct trib_counters *counters, enum trib_counted subject, uint64_t key,
			 int64_t *ret_at_ms)
{
	const struct place *place = find(counters, subject, key);

	if (!place)
		return false;
	*ret_at_ms = place->first_ms;
	return true;
}

bool trib_counters_last_click(const struct trib_counters *counters, enum trib_counted subject, uint64_t key,
			      int64_t at_ms, int64_t *ret_at_ms)
{
	const struct place *place = find(counters, subject, key);

	if (!place || !place->last_click_ms || place->last_click_ms > at_ms)
		return false;
	*ret_at_ms = place->last_click_ms;
	return true;
}

uint32_t trib_counters_count(const struct trib_counters *counters)
{
	return counters->count;
}

/* --- Users -------------------------------------------------------------------------------------------- */

void trib_counters_set_device(struct trib_counters *counters, uint64_t user, uint64_t device, int64_t at_ms)
{
	find_or_make(counters, TRIB_COUNTED_USER, user, at_ms)->device = device;
}

uint64_t trib_counters_device(const struct trib_counters *counters, uint64_t user)
{
	const struct place *place = find(counters, TRIB_COUNTED_USER, user);

	return place ? place->device : 0;
}

static bool has_user(const struct place *place, uint64_t user)
{
	for (uint32_t i = 0; i < place->n_users; i++)
		if (place->users[i] == user)
			return true;
	return false;
}

void trib_counters_add_user(struct trib_counters *counters, enum trib_counted subject, uint64_t key, uint64_t user,
			    int64_t at_ms)
{
	trib_assert(key && has_users(subject));
	struct place *place = find_or_make(counters, subject, key, at_ms);

	if (place->n_users < TRIB_COUNTER_USERS_MAX && !has_user(place, user))
		place->users[place->n_users++] = user;
}

uint32_t trib_counters_users(const struct trib_counters *counters, enum trib_counted subject, uint64_t key)
{
	const struct place *place = find(counters, subject, key);

	return place && has_users(subject) ? place->n_users : 0;
}

/* --- Checkpoints -------------------------------------------------------------------------------------- */

/*
 * A row: version, subject, key, first, last − first, last click, device, then the list of users, or per ring the newest
 * bucket's number and, after a bit mask of those that are not 0, the buckets.
 */
static char *put_row(char *p, const struct place *place)
{
	*p++ = ROW_VERSION;
	p = trib_wire_put_varint(p, place->subject);
	p = trib_wire_put_varint(p, place->key);
	p = trib_wire_put_varint(p, (uint64_t)place->first_ms);
	p = trib_wire_put_varint(p, (uint64_t)(place->last_ms - place->first_ms));
	p = trib_wire_put_varint(p, (uint64_t)place->last_click_ms);
	p = trib_wire_put_varint(p, place->device);
	for (uint32_t i = 0; i < place->n_users; i++)
		p = trib_wire_put_varint(p, place->users[i]);
	if (has_users((enum trib_counted)place->subject))
		return p;
	for (int ring = 0; ring < TRIB_COUNTS * TRIB_COUNTER_WINDOWS; ring++) {
		const struct rings *rings = &place->rings[ring / TRIB_COUNTER_WINDOWS];
		const uint32_t *buckets = rings->buckets[ring % TRIB_COUNTER_WINDOWS];
		uint64_t mask = 0;

		for (int b = 0; b < TRIB_COUNTER_BUCKETS; b++)
			mask |= (uint64_t)(buckets[b] != 0) << b;
		p = trib_wire_put_varint(p, (uint64_t)rings->newest[ring % TRIB_COUNTER_WINDOWS]);
		p = trib_wire_put_varint(p, mask);
		for (int b = 0; b < TRIB_COUNTER_BUCKETS; b++)
			if (buckets[b])
				p = trib_wire_put_varint(p, buckets[b]);
	}
	return p;
}

static void hand_out(struct trib_counters *counters, uint32_t number)
{
	char row[TRIB_COUNTER_ROW_BYTES_MAX];
	char *end = put_row(row, &counters->places[number]);

	trib_assert(end <= row + sizeof(row));
	counters->frozen[number / WORD_BITS] &= ~(UINT64_C(1) << number % WORD_BITS);
	counters->emit(counters->emit_context, number, trib_bytes(row, (size_t)(end - row)));
}

void trib_counters_freeze(struct trib_counters *counters, trib_counters_fn *emit, void *context)
{
	uint64_t *none = counters->frozen;

	trib_assert(!counters->emit);
	counters->frozen = counters->changed;
	counters->changed = none;
	counters->frozen_next = 0;
	counters->emit = emit;
	counters->emit_context = context;
}

bool trib_counters_freeze_step(struct trib_counters *counters, size_t max)
{
	if (!counters->emit)
		return false;
	for (; max && counters->frozen_next < words_of(counters); max--) {
		uint64_t bits = counters->frozen[counters->frozen_next];

		if (bits)
			hand_out(counters, counters->frozen_next * WORD_BITS + (uint32_t)__builtin_ctzll(bits));
		else
			counters->frozen_next++;
	}
	if (counters->frozen_next < words_of(counters))
		return true;
	counters->emit = NULL;
	return false;
}

static bool get_ring(struct trib_bytes *row, struct rings *rings, int window)
{
	uint64_t newest, mask, value;

	if (!trib_wire_get_varint(row, &newest) || newest > INT64_MAX || !trib_wire_get_varint(row, &mask) ||
	    mask >> TRIB_COUNTER_BUCKETS)
		return false;
	rings->newest[window] = (int64_t)newest;
	for (int b = 0; b < TRIB_COUNTER_BUCKETS; b++) {
		if (!(mask >> b & 1))
			continue;
		if (!trib_wire_get_varint(row, &value) || value > UINT32_MAX)
			return false;
		rings->buckets[window][b] = (uint32_t)value;
	}
	return true;
}

static bool get_row(struct trib_bytes row, struct place *ret_place)
{
	struct place place = { 0 };
	uint64_t version, subject, first, length, click;

	if (!trib_wire_get_varint(&row, &version) || version != ROW_VERSION ||
	    !trib_wire_get_varint(&row, &subject) || subject < TRIB_COUNTED_USER || subject > TRIB_COUNTED_DEVICE_USERS ||
	    !trib_wire_get_varint(&row, &place.key) || !trib_wire_get_varint(&row, &first) ||
	    !trib_wire_get_varint(&row, &length) || !trib_wire_get_varint(&row, &click) ||
	    !trib_wire_get_varint(&row, &place.device) || place.key == 0 ||
	    first > INT64_MAX / 2 || length > INT64_MAX / 2 || click > INT64_MAX / 2)
		return false;
	place.subject = (uint8_t)subject;
	place.first_ms = (int64_t)first;
	place.last_ms = (int64_t)(first + length);
	place.last_click_ms = (int64_t)click;
	while (has_users((enum trib_counted)subject) && row.size) {
		if (place.n_users == TRIB_COUNTER_USERS_MAX ||
		    !trib_wire_get_varint(&row, &place.users[place.n_users++]))
			return false;
	}
	for (int ring = 0; !has_users((enum trib_counted)subject) && ring < TRIB_COUNTS * TRIB_COUNTER_WINDOWS; ring++)
		if (!get_ring(&row, &place.rings[ring / TRIB_COUNTER_WINDOWS], ring % TRIB_COUNTER_WINDOWS))
			return false;
	*ret_place = place;
	return row.size == 0;
}

bool trib_counters_load(struct trib_counters *counters, uint32_t number, struct trib_bytes row)
{
	struct place place;

	if (number >= counters->n_places || !get_row(row, &place) ||
	    set_of(counters, (enum trib_counted)place.subject, place.key) !=
		    &counters->places[number / SET_PLACES * SET_PLACES])
		return false;
	counters->count += counters->places[number].subject == 0;
	counters->places[number] = place;
	return true;
}

void trib_counters_dump(const struct trib_counters *counters, struct trib_buffer *text)
{
	for (uint32_t number = 0; number < counters->n_places; number++) {
		char row[TRIB_COUNTER_ROW_BYTES_MAX];

		if (!counters->places[number].subject)
			continue;
		char *end = put_row(row, &counters->places[number]);

		trib_buffer_add_format(text, "counter %u ", number);
		for (const char *p = row; p < end; p++)
			trib_buffer_add_format(text, "%02x", (unsigned char)*p);
		trib_buffer_add_char(text, '\n');
	}
}
