/*
 * A folder of segments that somebody has tampered with. The input is a list of edits to a log of two dozen
 * records: bytes put, ranges zeroed, files cut and removed, and, because noise never gets past a checksum,
 * headers sealed again after the bytes in them were changed. Whatever comes of it: opening either refuses
 * and names a place, or gives a journal that reads without harm and takes a record that is there after the
 * next opening.
 */
#include "../sim/disk.h"
#include "journal/format.h"
#include "journal/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 5, SEGMENT = 64 << 10, RECORDS = 24 };

static const char *const files[FILES] = {
	"data/epoch",
	"data/segment-0000000001",
	"data/segment-0000000002",
	"data/segment-0000000003",
	"data/segment-0000000004",
};

static struct trib_journal_options options_of(struct trib_sim_disk *sim)
{
	return (struct trib_journal_options){
		.folder = "data",
		.disk = trib_sim_disk_table(sim),
		.segment_bytes = SEGMENT,
		.ring_bytes = SEGMENT,
	};
}

static uint64_t append(struct trib_journal *journal, size_t bytes)
{
	struct trib_journal_progress progress;
	struct trib_journal_batch batch;
	uint64_t next;

	trib_assert(trib_journal_begin(journal, &batch) == TRIB_OK);
	memset(batch.payload, 'x', bytes);
	trib_assert(trib_journal_append(journal, bytes, &next) == TRIB_OK);
	trib_assert(trib_journal_wait(journal, &progress, NULL) == TRIB_OK);
	return batch.position;
}

/* The log as it was before anybody laid hands on it: made once, then copied. */
static struct trib_sim_disk *whole_log(void)
{
	struct trib_sim_disk *sim = trib_sim_disk_new(1);
	struct trib_journal_options options = options_of(sim);
	struct trib_journal *journal;

	trib_assert(trib_journal_open(&options, &journal, NULL) == TRIB_OK);
	for (int i = 0; i < RECORDS; i++)
		append(journal, 100 + (size_t)(i % 3) * 6000);
	trib_journal_wait(journal, &(struct trib_journal_progress){ 0 }, NULL);
	while (trib_sim_disk_step(sim))
		;
	trib_sim_disk_kill(sim);
	trib_journal_free(journal);
	return sim;
}

/* --- The input --------------------------------------------------------------------------------------- */

struct input {
	const uint8_t *next, *end;
};

static uint32_t take(struct input *input, int bytes)
{
	uint32_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | (input->next < input->end ? *input->next++ : 0);
	return value;
}

/* The record at a block of the file, with whatever header it has now, made whole again. */
static void seal_record(struct trib_sim_disk *sim, const struct trib_segment_layout *layout,
			const char *path, uint64_t offset)
{
	struct trib_record_header header;
	char record[SEGMENT];
	size_t size;
	const char *bytes = trib_sim_disk_peek(sim, path, &size);

	if (!bytes || offset + TRIB_DISK_BLOCK > size)
		return;
	memcpy(record, bytes + offset, size - offset);
	memcpy(&header, record, sizeof(header));
	if (trib_record_bytes(header.length) > size - offset)
		return;
	trib_record_seal(layout, record, header);
	trib_sim_disk_poke(sim, path, offset, record, trib_record_bytes(header.length));
}

static void seal_block(struct trib_sim_disk *sim, const struct trib_segment_layout *layout,
		       uint32_t file)
{
	char block[TRIB_DISK_BLOCK];
	size_t size;
	const char *bytes = trib_sim_disk_peek(sim, files[file], &size);
	struct trib_segment_header header;
	struct trib_epoch_slot slot;

	if (!bytes || size < TRIB_DISK_BLOCK)
		return;
	memcpy(&header, bytes, sizeof(header));
	memcpy(&slot, bytes, sizeof(slot));
	struct trib_segment_layout other = {
		.segment_bytes = header.segment_bytes,
		.record_max = header.record_max,
		.engine = header.engine,
		.journal = header.journal,
	};

	if (file == 0)
		trib_epoch_slot_write(layout, slot.epoch, block);
	else
		trib_segment_header_write(&other, header.segment, header.epoch, block);
	trib_sim_disk_poke(sim, files[file], 0, block, sizeof(block));
}

static void edit(struct trib_sim_disk *sim, const struct trib_segment_layout *layout,
		 struct input *input)
{
	uint32_t what = take(input, 1) % 6, file = take(input, 1) % FILES, at = take(input, 2);
	char bytes[256] = { 0 };
	size_t size, count = take(input, 1);

	if (!trib_sim_disk_peek(sim, files[file], &size))
		return;
	switch (what) {
	case 0: /* put, at any offset */
	case 1: /* zero, by sectors */
		for (size_t i = 0; i < count && what == 0; i++)
			bytes[i] = (char)take(input, 1);
		if (what == 1)
			at &= ~511u, count = count ? 256 : 0;
		if (at + count <= size)
			trib_sim_disk_poke(sim, files[file], at, bytes, count);
		break;
	case 2:
		if (file > 0)
			seal_record(sim, layout, files[file], at % 16 * TRIB_DISK_BLOCK);
		break;
	case 3:
		seal_block(sim, layout, file);
		break;
	case 4:
		if (at <= size)
			trib_sim_disk_cut(sim, files[file], at);
		break;
	case 5:
		trib_sim_disk_remove(sim, files[file]);
		break;
	}
}

/* --- The judgement ----------------------------------------------------------------------------------- */

/* Reads all there is; true where nothing is refused on the way. */
static bool read_all(struct trib_journal *journal)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	struct trib_error error = { 0 };
	uint64_t last = 0;
	trib_status status = trib_journal_reader_new(journal, 0, &reader, &error);

	trib_assert(status == TRIB_OK);
	while ((status = trib_journal_reader_next(reader, &record, &error)) == TRIB_OK) {
		trib_assert(record.position > last &&
			    record.next >= record.position + record.payload.size);
		trib_assert(record.next <= trib_journal_next(journal));
		last = record.position + record.payload.size;
	}
	trib_assert(status == TRIB_NOT_FOUND || (status == TRIB_CORRUPT && error.at[0]));
	trib_journal_reader_free(reader);
	return status == TRIB_NOT_FOUND;
}

static void fetch_anywhere(struct trib_journal *journal)
{
	uint64_t first = trib_journal_first(journal), next = trib_journal_next(journal);

	for (uint64_t at = first; at < next && at < first + 5 * SEGMENT; at += 4999) {
		char bytes[16];
		struct trib_journal_fetch fetch = { at, sizeof(bytes), bytes, TRIB_OK };

		trib_journal_fetch(journal, &fetch, 1, NULL);
	}
}

static void judge(struct trib_sim_disk *sim)
{
	struct trib_journal_options options = options_of(sim);
	struct trib_error error = { 0 };
	struct trib_journal *journal;
	trib_status status = trib_journal_open(&options, &journal, &error);

	/* A segment header may, sealed again, ask for larger segments than the ring has room for. */
	if (status != TRIB_OK) {
		trib_assert((status == TRIB_CORRUPT || status == TRIB_INVALID) && error.at[0]);
		return;
	}
	bool sound = read_all(journal);

	fetch_anywhere(journal);
	if (trib_journal_state(journal) == TRIB_JOURNAL_WRITABLE) {
		uint64_t position = append(journal, 100);
		char byte;
		struct trib_journal_fetch fetch = { position, 1, &byte, TRIB_OK };

		trib_journal_free(journal);
		trib_assert(trib_journal_open(&options, &journal, &error) == TRIB_OK);
		trib_assert(trib_journal_fetch(journal, &fetch, 1, &error) == TRIB_OK &&
			    byte == 'x');
		trib_assert(read_all(journal) == sound);
	}
	trib_journal_free(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trib_sim_disk *whole;
	static struct trib_segment_layout layout;
	struct input input = { data, data + size };
	uint32_t segment;
	size_t bytes;

	if (!whole) {
		whole = whole_log();
		trib_assert(trib_segment_header_read(trib_sim_disk_peek(whole, files[1], &bytes),
						     "", &layout, &segment, NULL) == TRIB_OK);
	}
	struct trib_sim_disk *sim = trib_sim_disk_clone(whole, 2);

	for (int edits = 0; edits < 64 && input.next < input.end; edits++)
		edit(sim, &layout, &input);
	judge(sim);
	trib_sim_disk_free(sim);
	return 0;
}
