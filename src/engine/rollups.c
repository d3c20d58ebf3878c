#include "engine/rollups.h"

#include "proto/proto.h"

enum { CHUNK = 1024, HEADS = 256 };

struct cell {
	struct rollup rollup;
	struct cell *next; /* of the same head, of the minute under way */
};

/* The newest cells of a level, by a number that ascends; each stands in the slot of its number modulo the limit. */
struct ring {
	struct cell **chunks;
	uint64_t first, next;
	uint64_t saved; /* those before it are in the store as they stand */
	uint32_t limit;
};

struct rollups {
	struct rollups_near near; /* stands first: rollups_open */
	struct ring rings[ROLLUP_LEVELS];
	struct cell *heads[HEADS]; /* of the minute under way */
};

static const struct {
	const char *word;
	int64_t ms;
	uint32_t limit;
} levels[ROLLUP_LEVELS] = {
#define X(name, number, word, ms, cells) [number] = { word, ms, cells },
	TRIB_ROLLUP_LEVELS(X)
#undef X
};

const char *rollup_level_word(enum rollup_level level)
{
	return levels[level].word;
}

int64_t rollup_level_ms(enum rollup_level level)
{
	return levels[level].ms;
}

/* When the period of a level begins that holds a time; of totals: 0. */
static int64_t begin_of(enum rollup_level level, int64_t at_ms)
{
	return levels[level].ms ? at_ms / levels[level].ms * levels[level].ms : 0;
}

struct rollups *rollups_new(void)
{
	struct rollups *rollups = trib_alloc_zeroed(1, sizeof(*rollups));

	for (enum rollup_level level = 0; level < ROLLUP_LEVELS; level++) {
		rollups->rings[level].limit = levels[level].limit;
		rollups->rings[level].chunks =
			trib_alloc_zeroed(levels[level].limit / CHUNK, sizeof(struct cell *));
	}
	return rollups;
}

void rollups_free(struct rollups *rollups)
{
	if (!rollups)
		return;
	for (enum rollup_level level = 0; level < ROLLUP_LEVELS; level++) {
		for (uint32_t i = 0; i < rollups->rings[level].limit / CHUNK; i++)
			free(rollups->rings[level].chunks[i]);
		free(rollups->rings[level].chunks);
	}
	free(rollups);
}

/* --- Rings -------------------------------------------------------------------------------------------- */

static struct cell *cell_at(const struct ring *ring, uint64_t number)
{
	uint32_t slot = (uint32_t)(number % ring->limit);

	return &ring->chunks[slot / CHUNK][slot % CHUNK];
}

static struct cell *make_cell(struct ring *ring, uint64_t number, uint32_t play, uint32_t currency, int64_t from_ms)
{
	uint32_t chunk = (uint32_t)(number % ring->limit) / CHUNK;

	if (!ring->chunks[chunk])
		ring->chunks[chunk] = trib_alloc_zeroed(CHUNK, sizeof(struct cell));
	struct cell *cell = cell_at(ring, number);

	*cell = (struct cell){ .rollup = { .play = play, .currency = currency, .from_ms = from_ms } };
	return cell;
}

static struct cell *add_cell(struct ring *ring, uint32_t play, uint32_t currency, int64_t from_ms)
{
	struct cell *cell = make_cell(ring, ring->next, play, currency, from_ms);

	ring->next++;
	if (ring->next - ring->first > ring->limit)
		ring->first++;
	return cell;
}

/* The first cell whose period does not begin before a time. */
static uint64_t search(const struct ring *ring, int64_t from_ms)
{
	uint64_t low = ring->first, high = ring->next;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (cell_at(ring, middle)->rollup.from_ms < from_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct cell *newest(const struct ring *ring)
{
	return ring->next > ring->first ? cell_at(ring, ring->next - 1) : NULL;
}

/* --- Counting ----------------------------------------------------------------------------------------- */

/* Sums of what outsiders state; they wrap rather than stop the engine. */
static void add(struct rollup *to, const struct rollup *from)
{
	for (unsigned i = 0; i < ROLLUP_VALUES; i++)
		to->value[i] = (int64_t)((uint64_t)to->value[i] + (uint64_t)from->value[i]);
	for (unsigned i = 0; i < ROLLUP_OUTCOMES; i++)
		to->orders[i] += from->orders[i];
}

static struct cell *find_in_period(const struct ring *ring, const struct rollup *like, int64_t from_ms)
{
	for (uint64_t number = ring->next; number-- > ring->first;) {
		struct cell *cell = cell_at(ring, number);

		if (cell->rollup.from_ms != from_ms)
			break;
		if (cell->rollup.play == like->play && cell->rollup.currency == like->currency)
			return cell;
	}
	return NULL;
}

/* The minute under way is over. */
static void close_minute(struct rollups *rollups)
{
	const struct ring *minutes = &rollups->rings[ROLLUP_MINUTE];
	const struct cell *last = newest(minutes);

	for (uint64_t number = last ? search(minutes, last->rollup.from_ms) : minutes->next; number < minutes->next; number++) {
		const struct rollup *minute = &cell_at(minutes, number)->rollup;

		for (enum rollup_level level = ROLLUP_TOTAL; level < ROLLUP_MINUTE; level++) {
			struct ring *ring = &rollups->rings[level];
			int64_t from_ms = begin_of(level, minute->from_ms);
			struct cell *cell = find_in_period(ring, minute, from_ms);

			if (!cell)
				cell = add_cell(ring, minute->play, minute->currency, from_ms);
			add(&cell->rollup, minute);
		}
	}
	memset(&rollups->near, 0, sizeof(rollups->near));
	memset(rollups->heads, 0, sizeof(rollups->heads));
}

static struct cell **head_of(struct rollups *rollups, uint32_t play, uint32_t currency)
{
	return &rollups->heads[(play * 31 + currency) % HEADS];
}

static void chain(struct rollups *rollups, struct cell *cell)
{
	struct cell **head = head_of(rollups, cell->rollup.play, cell->rollup.currency);

	cell->next = *head;
	*head = cell;
}

struct rollup *rollups_open_slow(struct rollups *rollups, uint32_t play, uint32_t currency, int64_t now_ms)
{
	struct ring *minutes = &rollups->rings[ROLLUP_MINUTE];
	const struct cell *last = newest(minutes);
	int64_t from_ms = begin_of(ROLLUP_MINUTE, now_ms);
	struct cell *cell;

	if (last && from_ms > last->rollup.from_ms)
		close_minute(rollups);
	else if (last)
		from_ms = last->rollup.from_ms;
	for (cell = *head_of(rollups, play, currency); cell; cell = cell->next)
		if (cell->rollup.play == play && cell->rollup.currency == currency)
			break;
	if (!cell) {
		cell = add_cell(minutes, play, currency, from_ms);
		chain(rollups, cell);
	}
	rollups->near.until_ms = from_ms + levels[ROLLUP_MINUTE].ms;
	rollups->near.cells[(play * 31 + currency) % ROLLUP_NEAR] = &cell->rollup;
	return &cell->rollup;
}

/* --- Telling ------------------------------------------------------------------------------------------ */

struct telling {
	rollups_fn *visit;
	void *context;
	int64_t from_ms, to_ms;
	bool enough;
};

static void tell(struct telling *telling, const struct rollup *cell)
{
	if (!telling->enough && cell->from_ms >= telling->from_ms && cell->from_ms < telling->to_ms)
		telling->enough = !telling->visit(telling->context, cell);
}

/* What the minute under way has that no cell of the level's period has yet. */
static void tell_new(const struct ring *minutes, uint64_t first, const struct ring *ring, enum rollup_level level,
		     struct telling *telling)
{
	for (uint64_t number = first; number < minutes->next; number++) {
		struct rollup cell = cell_at(minutes, number)->rollup;

		cell.from_ms = begin_of(level, cell.from_ms);
		if (!find_in_period(ring, &cell, cell.from_ms))
			tell(telling, &cell);
	}
}

void rollups_each(const struct rollups *rollups, enum rollup_level level, int64_t from_ms, int64_t to_ms,
		  rollups_fn *visit, void *context)
{
	const struct ring *ring = &rollups->rings[level], *minutes = &rollups->rings[ROLLUP_MINUTE];
	const struct cell *last = newest(minutes);
	struct telling telling = { visit, context, from_ms, to_ms, false };
	uint64_t first = last ? search(minutes, last->rollup.from_ms) : minutes->next;
	int64_t open_ms = last ? begin_of(level, last->rollup.from_ms) : INT64_MAX;

	for (uint64_t number = search(ring, from_ms); number < ring->next && !telling.enough; number++) {
		const struct rollup *cell = &cell_at(ring, number)->rollup;
		const struct cell *open = NULL;

		if (cell->from_ms >= to_ms)
			return;
		if (level != ROLLUP_MINUTE && cell->from_ms == open_ms)
			open = find_in_period(minutes, cell, last->rollup.from_ms);
		struct rollup sum;

		if (open) {
			sum = *cell;
			add(&sum, &open->rollup);
		}
		tell(&telling, open ? &sum : cell);
	}
	if (level != ROLLUP_MINUTE)
		tell_new(minutes, first, ring, level, &telling);
}

/* --- Store -------------------------------------------------------------------------------------------- */

static void pack(uint64_t number, const struct rollup *cell, struct trib_buffer *row)
{
	Tributary__RollupStored stored = TRIBUTARY__ROLLUP_STORED__INIT;

	stored.has_number = stored.has_play = stored.has_currency = stored.has_from = 1;
	stored.number = number;
	stored.play = cell->play;
	stored.currency = cell->currency;
	stored.from = cell->from_ms;
	stored.n_value = ROLLUP_VALUES;
	stored.value = (int64_t *)cell->value;
	stored.n_orders = ROLLUP_OUTCOMES;
	stored.orders = (uint32_t *)cell->orders;
	size_t size = tributary__rollup_stored__get_packed_size(&stored);

	trib_buffer_reset(row);
	tributary__rollup_stored__pack(&stored, (uint8_t *)trib_buffer_reserve(row, size));
	row->size = size;
}

void rollups_freeze(struct rollups *rollups, rollups_row_fn *emit, void *context)
{
	const struct cell *last = newest(&rollups->rings[ROLLUP_MINUTE]);
	struct trib_buffer row;

	if (!last)
		return;
	trib_buffer_init(&row, 1 << 16);
	for (enum rollup_level level = 0; level < ROLLUP_LEVELS; level++) {
		struct ring *ring = &rollups->rings[level];

		for (uint64_t number = TRIB_MAX(ring->saved, ring->first); number < ring->next; number++) {
			pack(number, &cell_at(ring, number)->rollup, &row);
			emit(context, level, (uint32_t)(number % ring->limit), trib_buffer_bytes(&row));
		}
		/* Those of the period under way change yet. */
		ring->saved = search(ring, begin_of(level, last->rollup.from_ms));
	}
	trib_buffer_fini(&row);
}

trib_status rollups_load(struct rollups *rollups, uint32_t level, uint32_t slot, struct trib_bytes row,
			 struct trib_error *error)
{
	Tributary__RollupStored *stored =
		tributary__rollup_stored__unpack(NULL, row.size, (const uint8_t *)row.data);

	if (!stored || level >= ROLLUP_LEVELS || stored->number % levels[level].limit != slot) {
		if (stored)
			tributary__rollup_stored__free_unpacked(stored, NULL);
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no rollup");
	}
	struct ring *ring = &rollups->rings[level];
	struct rollup *cell = &make_cell(ring, stored->number, stored->play, stored->currency, stored->from)->rollup;

	for (size_t i = 0; i < TRIB_MIN(stored->n_value, (size_t)ROLLUP_VALUES); i++)
		cell->value[i] = stored->value[i];
	for (size_t i = 0; i < TRIB_MIN(stored->n_orders, (size_t)ROLLUP_OUTCOMES); i++)
		cell->orders[i] = stored->orders[i];
	ring->next = TRIB_MAX(ring->next, stored->number + 1);
	tributary__rollup_stored__free_unpacked(stored, NULL);
	return TRIB_OK;
}

void rollups_load_done(struct rollups *rollups)
{
	struct ring *minutes = &rollups->rings[ROLLUP_MINUTE];

	for (enum rollup_level level = 0; level < ROLLUP_LEVELS; level++) {
		struct ring *ring = &rollups->rings[level];

		ring->first = ring->next > ring->limit ? ring->next - ring->limit : 0;
	}
	const struct cell *last = newest(minutes);

	if (!last)
		return;
	for (uint64_t number = search(minutes, last->rollup.from_ms); number < minutes->next; number++)
		chain(rollups, cell_at(minutes, number));
	for (enum rollup_level level = 0; level < ROLLUP_LEVELS; level++)
		rollups->rings[level].saved = search(&rollups->rings[level], begin_of(level, last->rollup.from_ms));
}
