/* RECORD: orders that clients have resolved by themselves. */
#include "engine/state.h"

enum { ANSWER_BYTES_SMALL = 16 << 10 };

struct recording {
	struct trib_engine *engine;
	const Tributary__Record *const *records; /* of the orders of one call */
	struct trib_record_counts counts;
	trib_status failed; /* a failure that passes; OK: none */
	struct trib_error error;
};

static enum trib_difference compare_with(struct trib_engine *engine, const Tributary__Record *record,
					 const struct trib_order_record *decided)
{
	const struct trib_market market = engine_market(engine);
	size_t room = trib_answer_bytes_max(&market, decided);
	TRIB_AUTOFREE char *large = room > ANSWER_BYTES_SMALL ? trib_alloc(room) : NULL;
	char small[ANSWER_BYTES_SMALL], *begin = large ? large : small;
	char *end = trib_answer_put(begin, &market, trib_engine_market_position(engine), decided);

	return trib_answer_compare(trib_bytes(record->resolution.data, record->resolution.len),
				   trib_bytes(begin, (size_t)(end - begin)));
}

/* Has the engine changed what follows from the order alone: by a budget, or lines that depend on other orders? */
static bool is_stateful(const struct trib_order_record *decided)
{
	return decided->tallies.size || decided->outcome == TRIB_OUTCOME_BUDGET_EXHAUSTED;
}

/*
 * Does the client's resolution say what ours does? What the engine has made of it by its counters the client could not
 * know: then the order is resolved once more without them.
 */
static void compare(struct recording *recording, const Tributary__Record *record,
		    const struct trib_order_record *decided)
{
	struct trib_engine *engine = recording->engine;
	enum trib_difference difference = compare_with(engine, record, decided);

	if (difference != TRIB_DIFFERENCE_NONE && is_stateful(decided)) {
		const struct trib_market market = engine_market(engine);
		const struct trib_resolve_request request = { .now_ms = engine->now_ms,
							      .scratch = &engine->facts_arena };
		struct trib_order_record *again = &engine->earlier; /* free: this order is no repeat */

		*again = *decided;
		trib_order_record_undecide(again);
		trib_resolve_order(&market, &request, again);
		difference = compare_with(engine, record, again);
	}
	if (difference == TRIB_DIFFERENCE_NONE)
		return;
	recording->counts.differed++;
	engine->counts.differences[difference]++;
}

static void order_recorded(void *context, size_t i, const struct trib_order_answer *answer)
{
	struct recording *recording = context;

	if (answer->status != TRIB_OK && trib_status_retriable(answer->status)) {
		recording->failed = answer->status;
		recording->error = *answer->error;
	} else if (answer->status != TRIB_OK) {
		recording->counts.refused++;
	} else if (answer->repeated) {
		recording->counts.repeated++;
	} else {
		recording->counts.accepted++;
		if (recording->records[i]->has_resolution)
			compare(recording, recording->records[i], answer->record);
	}
}

trib_status trib_engine_record(struct trib_engine *engine, const Tributary__RecordBatch *batch,
			       struct trib_record_counts *ret_counts, struct trib_error *error)
{
	struct recording recording = { .engine = engine };
	const Tributary__Record *records[TRIB_ORDERS_MAX];
	struct trib_order_request requests[TRIB_ORDERS_MAX];
	struct trib_ext_pair(*ext)[TRIB_LIMIT_EXT_PAIRS] = NULL;
	struct trib_error ignored;

	recording.records = records;
	for (size_t done = 0; done < batch->n_records && recording.failed == TRIB_OK;) {
		size_t n = 0;

		for (; done < batch->n_records && n < TRIB_ORDERS_MAX; done++) {
			const Tributary__Record *record = batch->records[done];

			trib_arena_reset(&engine->arena);
			if (!record->request || trib_proto_check(&record->request->base, &ignored) != TRIB_OK ||
			    calls_order_request(engine, record->request, &requests[n], &ignored) != TRIB_OK) {
				recording.counts.refused++;
				continue;
			}
			/* The arena is reset with each order: pairs of EXT stand beside. */
			if (requests[n].n_ext) {
				if (!ext)
					ext = trib_alloc(TRIB_ORDERS_MAX * sizeof(*ext));
				memcpy(ext[n], requests[n].ext, requests[n].n_ext * sizeof(*ext[n]));
			}
			requests[n].ext = ext ? ext[n] : NULL;
			records[n++] = record;
		}
		trib_engine_orders(engine, requests, n, order_recorded, &recording);
	}
	free(ext);
	engine->counts.records.accepted += recording.counts.accepted;
	engine->counts.records.repeated += recording.counts.repeated;
	engine->counts.records.differed += recording.counts.differed;
	engine->counts.records.refused += recording.counts.refused;
	*ret_counts = recording.counts;
	if (recording.failed != TRIB_OK)
		*error = recording.error;
	return recording.failed;
}
