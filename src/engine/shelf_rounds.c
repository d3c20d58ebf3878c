/*
 * Creators are told once when an offer of theirs has ended. Nobody knows which shelves a plan is on, and nobody needs to:
 * a round goes over all shelves, creator by creator and slowly, and looks whether the offers that entries name still count.
 * What it finds becomes an effect and a mark on the entry in one batch (outbox.h), so that a round which was cut short
 * begins again and tells nobody twice. A change of a plan brings the next round on, and so does an hour: offers end by
 * time, too. A million creators are told over minutes, in the order of the rounds, rather than in one second.
 *
 * Where nobody asks for such effects there are no rounds, and nothing is marked.
 */
#include "engine/outbox.h"
#include "engine/state.h"

enum {
	BLOCK = 256,	       /* creators whose keys begin alike */
	CREATORS_PER_SECOND = 4096,
	BLOCKS_PER_TURN = 4,   /* some milliseconds, of a server that has nothing else to do */
	TOLD_ENTRIES_MAX = 50, /* named in one effect */
	BODY_BYTES_MAX = 16 << 10,
	BATCH_ROOM_BYTES = 64 << 10, /* effects of a few webhooks, and a shelf: they stand or fall together */
};
#define ROUND_EVERY_MS INT64_C(3600000)

static const char kind_ended[] = "shelf.offer_ended";

struct shelf_rounds {
	bool wanted;	     /* a plan has changed since the last round began */
	bool under_way;
	uint32_t creator;    /* where it is */
	int64_t began_ms, stepped_ms; /* wall time; 0: never */
	/* Of the block at hand: what the store has of it, by creator and kind. */
	struct trib_record *stored[BLOCK][TRIB_SHELF_KINDS];
	struct trib_shelf shelf;
	char record[TRIB_SHELF_BYTES_MAX];
};

void shelf_rounds_init(struct trib_engine *engine)
{
	engine->shelf_rounds = trib_alloc_zeroed(1, sizeof(*engine->shelf_rounds));
}

void shelf_rounds_fini(struct trib_engine *engine)
{
	free(TRIB_TAKE_PTR(engine->shelf_rounds));
}

void shelf_rounds_want(struct trib_engine *engine)
{
	engine->shelf_rounds->wanted = true;
}

/* --- One shelf ---------------------------------------------------------------------------------------- */

/* Why an entry's offer has ended; NONE: it has not, or it may come back by itself. */
static enum trib_outcome ended(const struct trib_engine *engine, uint32_t creator, const struct trib_shelf_entry *entry,
			       int64_t now_ms)
{
	const struct trib_terms_request request = { .goods = entry->goods, .creator = creator, .offer = entry->offer,
						    .at_ms = now_ms, .lock_ms = now_ms };
	struct trib_terms terms;

	trib_terms_resolve(engine->domain, &request, &terms);
	return terms.offer_outcome == TRIB_OUTCOME_PLAN_ENDED || terms.offer_outcome == TRIB_OUTCOME_NO_PLAN ?
		       (enum trib_outcome)terms.offer_outcome :
		       TRIB_OUTCOME_NONE;
}

static void add_entry(const struct trib_engine *engine, const struct trib_shelf *shelf,
		      const struct trib_shelf_entry *entry, enum trib_outcome reason, bool first, struct trib_buffer *body)
{
	uint8_t policy = entry->policy ? entry->policy : shelf->policy;

	trib_buffer_add_text(body, first ? "{\"goods\":" : ",{\"goods\":");
	trib_json_add_string(body, trib_domain_id(engine->domain, TRIB_NOUN_GOODS, entry->goods));
	trib_buffer_add_text(body, ",\"offer\":");
	trib_json_add_string(body, trib_domain_id(engine->domain, TRIB_NOUN_PLAN, entry->offer));
	trib_buffer_add_format(body, ",\"policy\":\"%s\",\"reason\":\"%s\"}",
			       trib_shelf_policy_word((enum trib_shelf_policy)policy), trib_outcome_word(reason));
}

/* Marks entries whose offers have ended, and those whose offers are back; how many have ended that were not marked. */
static uint32_t mark(const struct trib_engine *engine, uint32_t creator, struct trib_shelf *shelf, int64_t now_ms,
		     struct trib_buffer *body, bool *ret_changed)
{
	uint32_t count = 0;

	*ret_changed = false;
	for (uint32_t i = 0; i < shelf->count; i++) {
		struct trib_shelf_entry *entry = &shelf->entries[i];
		enum trib_outcome reason = entry->offer ? ended(engine, creator, entry, now_ms) : TRIB_OUTCOME_NONE;
		bool is = reason != TRIB_OUTCOME_NONE;

		if (is == entry->told)
			continue;
		entry->told = is;
		*ret_changed = true;
		if (is && count < TOLD_ENTRIES_MAX)
			add_entry(engine, shelf, entry, reason, count == 0, body);
		count += is;
	}
	return count;
}

static trib_status record_marks(struct trib_engine *engine, uint32_t creator, enum trib_shelf_kind kind,
				struct trib_error *error)
{
	struct shelf_rounds *rounds = engine->shelf_rounds;
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__ShelfPut put = TRIBUTARY__SHELF_PUT__INIT;

	put.has_creator = put.has_kind = put.has_record = 1;
	put.creator = creator;
	put.kind = kind;
	put.record = (ProtobufCBinaryData){ trib_shelf_write(&rounds->shelf, rounds->record), (uint8_t *)rounds->record };
	event.kind_case = TRIBUTARY__EVENT__KIND_SHELF_PUT;
	event.shelf_put = &put;
	return engine_emit(engine, &event, error);
}

/* The effect comes first: it is what may be refused, and then nothing is marked. */
static trib_status look_at(struct trib_engine *engine, uint32_t creator, enum trib_shelf_kind kind,
			   struct trib_bytes record, int64_t now_ms, struct trib_error *error)
{
	struct shelf_rounds *rounds = engine->shelf_rounds;
	trib_status status = TRIB_OK;
	struct trib_buffer body;
	bool changed;

	if (!trib_shelf_read(record, &rounds->shelf) || rounds->shelf.count == 0)
		return TRIB_OK;
	trib_buffer_init(&body, BODY_BYTES_MAX);
	trib_buffer_add_format(&body, "{\"shelf\":\"%s\",\"entries\":[", trib_shelf_kind_word(kind));
	uint32_t count = mark(engine, creator, &rounds->shelf, now_ms, &body, &changed);

	trib_buffer_add_format(&body, "],\"count\":%u}", count);
	if (changed)
		status = engine_begin(engine, BATCH_ROOM_BYTES, error);
	if (status == TRIB_OK && count) {
		const struct engine_effect effect = { .kind = kind_ended,
						      .to = trib_domain_id(engine->domain, TRIB_NOUN_PARTY, creator),
						      .body = trib_buffer_bytes(&body) };

		status = engine_outbox_add(engine, &effect, error);
	}
	if (status == TRIB_OK && changed)
		status = record_marks(engine, creator, kind, error);
	trib_arena_reset(&engine->arena);
	trib_buffer_fini(&body);
	return status;
}

/* --- Rounds ------------------------------------------------------------------------------------------- */

static trib_status note_stored(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	struct shelf_rounds *rounds = context;

	if (key.size != 5 || !key.data[4] || (unsigned char)key.data[4] >= TRIB_SHELF_KINDS)
		return trib_fail(error, TRIB_CORRUPT, "store", "found a shelf of no kind");
	rounds->stored[trib_key_read_u32(key.data) % BLOCK][(unsigned char)key.data[4]] = trib_record_of(value);
	return TRIB_OK;
}

/* All shelves of 256 creators; false: what is left of them must be looked at again later. */
static bool look_at_block(struct trib_engine *engine, int64_t now_ms)
{
	struct shelf_rounds *rounds = engine->shelf_rounds;
	uint32_t last = trib_domain_count(engine->domain, TRIB_NOUN_PARTY), first = rounds->creator / BLOCK * BLOCK;
	struct trib_error error;
	char key[4];

	trib_key_u32(key, first);
	trib_status status = trib_store_scan(engine->store, TRIB_TABLE_SHELF, trib_bytes(key, 3), note_stored, rounds, &error);

	for (uint32_t creator = rounds->creator; status == TRIB_OK && creator < first + BLOCK && creator <= last; creator++) {
		for (unsigned kind = 1; status == TRIB_OK && kind < TRIB_SHELF_KINDS; kind++) {
			struct trib_record *record = rounds->stored[creator % BLOCK][kind];

			/* What is in memory is newer, and there is no need to bring in what is not. */
			shelves_find(engine->shelves, creator, (enum trib_shelf_kind)kind, &record);
			if (record)
				status = look_at(engine, creator, (enum trib_shelf_kind)kind, trib_record_bytes(record), now_ms,
						 &error);
		}
		rounds->creator = status == TRIB_OK ? creator + 1 : creator;
	}
	for (uint32_t i = 0; i < BLOCK; i++)
		for (unsigned kind = 1; kind < TRIB_SHELF_KINDS; kind++)
			trib_record_unref(TRIB_TAKE_PTR(rounds->stored[i][kind]));
	return status == TRIB_OK;
}

/* A part of the round, by the time that has passed: never so much that an order would notice. */
void shelf_rounds_turn(struct trib_engine *engine)
{
	struct shelf_rounds *rounds = engine->shelf_rounds;

	if (TRIB_LIKELY(!outbox_is_used(engine)) || !engine_outbox_wanted(engine, kind_ended))
		return;
	int64_t now_ms = TRIB_MAX(engine->now_ms, trib_clock_wall_ms(engine->options.clock));
	int64_t blocks = (now_ms - rounds->stepped_ms) * CREATORS_PER_SECOND / 1000 / BLOCK;

	if (!rounds->under_way && !rounds->wanted && now_ms - rounds->began_ms < ROUND_EVERY_MS)
		return;
	if (blocks <= 0)
		return;
	if (!rounds->under_way) {
		rounds->under_way = true;
		rounds->wanted = false;
		rounds->creator = 1;
		rounds->began_ms = now_ms;
	}
	rounds->stepped_ms = now_ms;
	for (int64_t i = 0; i < TRIB_MIN(blocks, (int64_t)BLOCKS_PER_TURN) && rounds->under_way; i++) {
		if (!look_at_block(engine, now_ms))
			return; /* the outbox is full, or nothing can be written: later */
		rounds->under_way = rounds->creator <= trib_domain_count(engine->domain, TRIB_NOUN_PARTY);
	}
}
