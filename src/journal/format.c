#include "journal/format.h"

#include "base/hash.h"
#include "base/limits.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "stored numbers lie as in memory");

uint64_t trib_address_mark(const struct trib_segment_layout *layout, uint64_t address)
{
	/* The end of a segment is the address of the next one's header. */
	uint64_t offset = trib_address_offset(layout, address);
	uint32_t segment = trib_address_segment(layout, address);

	if (offset == 0)
		return address + TRIB_SEGMENT_DATA;
	if (layout->segment_bytes - offset < layout->record_max)
		return trib_address(layout, segment + 1, TRIB_SEGMENT_DATA);
	return address;
}

bool trib_address_is_mark(const struct trib_segment_layout *layout, uint64_t address)
{
	return address % TRIB_DISK_BLOCK == 0 && trib_address_segment(layout, address) > 0 &&
	       trib_address_offset(layout, address) != 0 &&
	       trib_address_mark(layout, address) == address;
}

size_t trib_payload_max_for(uint64_t segment_bytes)
{
	/* A quarter of a segment at most, so that what is left unused at its end stays small. */
	return TRIB_MIN((uint64_t)TRIB_LIMIT_BATCH_BYTES,
			segment_bytes / 4 - TRIB_RECORD_HEADER_BYTES);
}

uint32_t trib_record_max_for(uint64_t segment_bytes)
{
	return (uint32_t)trib_record_bytes(trib_payload_max_for(segment_bytes));
}

const char *trib_address_text(const struct trib_segment_layout *layout, uint64_t address)
{
	static _Thread_local char texts[4][64];
	static _Thread_local unsigned turn;
	char *text = texts[turn++ % TRIB_ARRAY_SIZE(texts)];

	snprintf(text, sizeof(texts[0]), "segment-%010u@%llu",
		 trib_address_segment(layout, address),
		 (unsigned long long)trib_address_offset(layout, address));
	return text;
}

static const char segment_prefix[] = "segment-";
enum { SEGMENT_DIGITS = 10 };

void trib_segment_name(uint32_t segment, char ret_name[TRIB_SEGMENT_NAME_MAX])
{
	snprintf(ret_name, TRIB_SEGMENT_NAME_MAX, "%s%010u", segment_prefix, segment);
}

bool trib_segment_name_parse(const char *name, uint32_t *ret_segment)
{
	size_t prefix = sizeof(segment_prefix) - 1;
	uint64_t value;

	if (strncmp(name, segment_prefix, prefix) != 0 || strlen(name) != prefix + SEGMENT_DIGITS)
		return false;
	if (!trib_bytes_to_u64(trib_bytes_text(name + prefix), &value) || value == 0 ||
	    value > UINT32_MAX)
		return false;
	*ret_segment = (uint32_t)value;
	return true;
}

static uint32_t record_checksum(const char *record, size_t bytes)
{
	size_t before = offsetof(struct trib_record_header, checksum);
	uint32_t checksum = trib_crc32c(0, record, before);

	return trib_crc32c(checksum, record + TRIB_RECORD_HEADER_BYTES,
			   bytes - TRIB_RECORD_HEADER_BYTES);
}

uint32_t trib_record_seal(const struct trib_segment_layout *layout, char *record,
			  struct trib_record_header header)
{
	size_t used = TRIB_RECORD_HEADER_BYTES + header.length;
	size_t bytes = trib_record_bytes(header.length);

	memset(record + used, 0, bytes - used);
	header.magic = TRIB_RECORD_MAGIC;
	header.engine = layout->engine;
	header.journal = layout->journal;
	header.segment = trib_address_segment(layout, header.position);
	memset(header.zero, 0, sizeof(header.zero));
	memcpy(record, &header, sizeof(header));
	header.checksum = record_checksum(record, bytes);
	memcpy(record, &header, sizeof(header));
	return header.checksum;
}

bool trib_record_plausible(const struct trib_segment_layout *layout, uint64_t address,
			   const struct trib_record_header *header)
{
	return header->magic == TRIB_RECORD_MAGIC && header->engine == layout->engine &&
	       header->journal == layout->journal &&
	       header->position == address + TRIB_RECORD_HEADER_BYTES &&
	       header->segment == trib_address_segment(layout, address) &&
	       header->length <= layout->record_max - TRIB_RECORD_HEADER_BYTES &&
	       trib_record_bytes(header->length) <=
		       layout->segment_bytes - trib_address_offset(layout, address);
}

bool trib_record_whole(const char *record)
{
	struct trib_record_header header;

	memcpy(&header, record, sizeof(header));
	return header.checksum == record_checksum(record, trib_record_bytes(header.length));
}

void trib_segment_header_write(const struct trib_segment_layout *layout, uint32_t segment,
			       uint32_t epoch, char ret_block[TRIB_DISK_BLOCK])
{
	struct trib_segment_header header = {
		.magic = TRIB_SEGMENT_MAGIC,
		.engine = layout->engine,
		.journal = layout->journal,
		.segment_bytes = layout->segment_bytes,
		.record_max = layout->record_max,
		.segment = segment,
		.epoch = epoch,
	};
	size_t covered = TRIB_DISK_BLOCK - sizeof(uint32_t);

	memset(ret_block, 0, TRIB_DISK_BLOCK);
	memcpy(ret_block, &header, sizeof(header));
	uint32_t checksum = trib_crc32c(0, ret_block, covered);

	memcpy(ret_block + covered, &checksum, sizeof(checksum));
}

trib_status trib_segment_header_read(const char block[TRIB_DISK_BLOCK], const char *at,
				     struct trib_segment_layout *ret_layout, uint32_t *ret_segment,
				     struct trib_error *error)
{
	struct trib_segment_header header;
	size_t covered = TRIB_DISK_BLOCK - sizeof(uint32_t);
	uint32_t checksum;

	memcpy(&header, block, sizeof(header));
	memcpy(&checksum, block + covered, sizeof(checksum));
	if (header.magic != TRIB_SEGMENT_MAGIC)
		return trib_fail(error, TRIB_CORRUPT, at,
				 "found magic 0x%08x, expected 0x%08x (a segment, format 1)",
				 header.magic, TRIB_SEGMENT_MAGIC);
	if (checksum != trib_crc32c(0, block, covered))
		return trib_fail(error, TRIB_CORRUPT, at,
				 "found a segment header whose checksum does not fit");
	if (header.segment_bytes < TRIB_SEGMENT_BYTES_MIN ||
	    header.segment_bytes > TRIB_SEGMENT_BYTES_MAX ||
	    (header.segment_bytes & (header.segment_bytes - 1)) != 0 ||
	    header.record_max % TRIB_DISK_BLOCK != 0 || header.record_max == 0 ||
	    header.record_max > header.segment_bytes / 2 ||
	    header.record_max > TRIB_RECORD_BYTES_EVER || header.segment == 0)
		return trib_fail(error, TRIB_CORRUPT, at,
				 "found a segment of %llu bytes with records of up to %u, expected "
				 "a power of two "
				 "and whole blocks below its half",
				 (unsigned long long)header.segment_bytes, header.record_max);
	*ret_layout = (struct trib_segment_layout){
		.segment_bytes = header.segment_bytes,
		.record_max = header.record_max,
		.engine = header.engine,
		.journal = header.journal,
	};
	*ret_segment = header.segment;
	return TRIB_OK;
}

void trib_epoch_slot_write(const struct trib_segment_layout *layout, uint32_t epoch,
			   char ret_block[TRIB_DISK_BLOCK])
{
	struct trib_epoch_slot slot = {
		.magic = TRIB_EPOCH_MAGIC,
		.engine = layout->engine,
		.journal = layout->journal,
		.epoch = epoch,
	};

	slot.checksum = trib_crc32c(0, &slot, offsetof(struct trib_epoch_slot, checksum));
	memset(ret_block, 0, TRIB_DISK_BLOCK);
	memcpy(ret_block, &slot, sizeof(slot));
}

uint32_t trib_epoch_slot_read(const struct trib_segment_layout *layout, const char *bytes)
{
	struct trib_epoch_slot slot;

	memcpy(&slot, bytes, sizeof(slot));
	if (slot.magic != TRIB_EPOCH_MAGIC ||
	    slot.checksum != trib_crc32c(0, &slot, offsetof(struct trib_epoch_slot, checksum)) ||
	    slot.engine != layout->engine || (layout->journal && slot.journal != layout->journal))
		return 0;
	return slot.epoch;
}
