/* Reading: readers, which follow the chain, and fetches, which look up a few bytes. */
#include "journal/segment.h"

/* --- Readers ------------------------------------------------------------------------------------- */

struct segment_reader {
	struct trib_journal_reader base;
	struct segment_journal *journal;
	struct trib_window window;
	uint64_t at; /* mark */
	uint32_t previous, epoch;
	bool previous_known;
};

/* Whoever holds a mark knows what lies before it, even where this opening cannot prove it durable. */
static uint64_t known_end(const struct segment_journal *journal)
{
	return TRIB_MAX(atomic_load(&journal->written), journal->recovered.end);
}

trib_status trib_segment_reader_new(struct trib_journal *base, uint64_t from,
				    struct trib_journal_reader **ret_reader,
				    struct trib_error *error)
{
	struct segment_journal *journal = (struct segment_journal *)base;
	uint64_t first = atomic_load(&journal->first), end = known_end(journal);
	const char *at = trib_address_text(&journal->layout, from);

	if (from == 0)
		from = first;
	if (from < first)
		return trib_fail(error, TRIB_NOT_FOUND, at,
				 "found it trimmed, expected a mark from %s on",
				 trib_address_text(&journal->layout, first));
	if (from > end || !trib_address_is_mark(&journal->layout, from))
		return trib_fail(error, TRIB_INVALID, at,
				 "found no mark of this log, which ends at %s",
				 trib_address_text(&journal->layout, end));
	struct segment_reader *reader = trib_alloc_zeroed(1, sizeof(*reader));

	reader->base.home = base->home;
	reader->journal = journal;
	reader->at = from;
	trib_window_init(&reader->window, journal->disk, journal->folder, &journal->layout,
			 SEGMENT_READ_STEP);
	*ret_reader = &reader->base;
	return TRIB_OK;
}

/* The next record of any kind. */
static trib_status step(struct segment_reader *reader, uint64_t limit,
			struct trib_journal_record *ret_record, int *ret_kind,
			struct trib_error *error)
{
	const struct trib_segment_layout *layout = &reader->journal->layout;
	const char *at = trib_address_text(layout, reader->at), *record = NULL;
	struct trib_record_header header;
	trib_status status =
		trib_window_record(&reader->window, reader->at, limit, &record, &header, error);

	if (status == TRIB_NOT_FOUND)
		return trib_fail(error, TRIB_IO, at,
				 "found its segment gone, expected it to be kept");
	if (status != TRIB_OK)
		return status;
	if (!record)
		return trib_fail(error, TRIB_CORRUPT, at,
				 "found no whole record, expected one: the log goes on to %s",
				 trib_address_text(layout, limit));
	if (reader->previous_known &&
	    (header.previous != reader->previous || header.epoch < reader->epoch))
		return trib_fail(error, TRIB_CORRUPT, at,
				 "found a record behind checksum 0x%08x in epoch %u, expected "
				 "0x%08x and epoch %u",
				 header.previous, header.epoch, reader->previous, reader->epoch);
	reader->previous = header.checksum;
	reader->epoch = header.epoch;
	reader->previous_known = true;
	reader->at = trib_address_mark(layout, reader->at + trib_record_bytes(header.length));
	*ret_kind = header.kind;
	*ret_record = (struct trib_journal_record){
		.position = header.position,
		.next = reader->at,
		.epoch = header.epoch,
		.payload = trib_bytes(record + TRIB_RECORD_HEADER_BYTES, header.length),
	};
	return TRIB_OK;
}

trib_status trib_segment_reader_next(struct trib_journal_reader *base,
				     struct trib_journal_record *ret_record,
				     struct trib_error *error)
{
	struct segment_reader *reader = (struct segment_reader *)base;
	struct trib_journal_record record;
	int kind = 0;

	while (kind != TRIB_RECORD_BATCH) {
		uint64_t limit = atomic_load(&reader->journal->written);

		if (reader->at >= limit)
			return TRIB_NOT_FOUND;
		trib_status status = step(reader, limit, &record, &kind, error);

		if (status != TRIB_OK)
			return status;
	}
	*ret_record = record;
	return TRIB_OK;
}

void trib_segment_reader_free(struct trib_journal_reader *base)
{
	struct segment_reader *reader = (struct segment_reader *)base;

	trib_window_fini(&reader->window);
	free(reader);
}

/* --- Fetches ------------------------------------------------------------------------------------- */

const char *trib_segment_recent(const struct trib_journal *base, uint64_t position, size_t size)
{
	const struct segment_journal *journal = (const struct segment_journal *)base;
	uint64_t end = journal->head;

	if (journal->begun)
		end += TRIB_RECORD_HEADER_BYTES + journal->payload_max;
	if (position < journal->ring_low || position > end || size > end - position)
		return NULL;
	return journal->ring + (position & (journal->ring_bytes - 1));
}

/*
 * The record whose payload has the position: its header stands at one of the block starts before.
 * Looks back for the nearest that could be it; a payload cannot imitate one, because it does not
 * know layout.journal.
 */
static trib_status find_record(struct segment_journal *journal, uint64_t position, uint64_t limit,
			       const char **ret_record, struct trib_record_header *ret_header,
			       struct trib_error *error)
{
	const struct trib_segment_layout *layout = &journal->layout;
	struct trib_window *window = &journal->fetch_window;
	uint64_t low =
		trib_address(layout, trib_address_segment(layout, position), TRIB_SEGMENT_DATA);
	uint64_t block = position - position % TRIB_DISK_BLOCK;

	if (block > low + layout->record_max)
		low = block - layout->record_max;
	while (block >= low) {
		uint64_t from = block - TRIB_MIN(block - low,
						 (uint64_t)SEGMENT_FETCH_STEP - TRIB_DISK_BLOCK);
		const char *bytes;
		trib_status status = trib_window_bytes(window, from, block + TRIB_DISK_BLOCK - from,
						       limit, &bytes, error);

		if (status != TRIB_OK)
			return status;
		for (; block >= from; block -= TRIB_DISK_BLOCK) {
			memcpy(ret_header, bytes + (block - from), sizeof(*ret_header));
			if (!trib_record_plausible(layout, block, ret_header))
				continue;
			return trib_window_record(window, block, limit, ret_record, ret_header,
						  error);
		}
	}
	*ret_record = NULL;
	return TRIB_OK;
}

static trib_status fetch_stored(struct segment_journal *journal, struct trib_journal_fetch *fetch,
				struct trib_error *error)
{
	const struct trib_segment_layout *layout = &journal->layout;
	const char *at = trib_address_text(layout, fetch->position), *record = NULL;
	uint64_t limit = known_end(journal);
	struct trib_record_header header;

	if (fetch->position < atomic_load(&journal->first) || fetch->position >= limit ||
	    trib_address_offset(layout, fetch->position) < TRIB_SEGMENT_DATA)
		return trib_fail(error, TRIB_NOT_FOUND, at, "found nothing kept there");
	trib_status status = find_record(journal, fetch->position, limit, &record, &header, error);

	if (status != TRIB_OK)
		return status;
	if (!record)
		return trib_fail(error, TRIB_CORRUPT, at, "found no whole record around it");
	if (fetch->position < header.position ||
	    fetch->position + fetch->size > header.position + header.length)
		return trib_fail(error, TRIB_NOT_FOUND, at,
				 "found no %zu bytes of one payload there", fetch->size);
	memcpy(fetch->ret_bytes,
	       record + TRIB_RECORD_HEADER_BYTES + (fetch->position - header.position),
	       fetch->size);
	return TRIB_OK;
}

trib_status trib_segment_fetch(struct trib_journal *base, struct trib_journal_fetch *fetches,
			       size_t count, struct trib_error *error)
{
	struct segment_journal *journal = (struct segment_journal *)base;
	uint64_t limit = known_end(journal);
	trib_status first_failure = TRIB_OK;

	/* Asked for beforehand, the reads overlap. */
	for (size_t i = 0; i < count && count > 1; i++)
		if (!trib_segment_recent(base, fetches[i].position, fetches[i].size) &&
		    fetches[i].position < limit &&
		    fetches[i].position >= atomic_load(&journal->first))
			trib_window_prefetch(&journal->fetch_window, fetches[i].position,
					     fetches[i].size);
	for (size_t i = 0; i < count; i++) {
		const char *bytes = trib_segment_recent(base, fetches[i].position, fetches[i].size);
		struct trib_error *to = first_failure == TRIB_OK ? error : NULL;

		if (bytes)
			memcpy(fetches[i].ret_bytes, bytes, fetches[i].size);
		fetches[i].status = bytes ? TRIB_OK : fetch_stored(journal, &fetches[i], to);
		if (first_failure == TRIB_OK)
			first_failure = fetches[i].status;
	}
	return first_failure;
}
