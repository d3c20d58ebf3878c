#include "resolve/snapshot.h"

#include "proto/wire.h"

static const char magic[8] = { 'T', 'R', 'I', 'B', 'S', 'N', 'A', 'P' };

enum {
	SECTION_BYTES = 256 << 10, /* one is closed once it has so much */
	SECTION_BYTES_MAX = 64 << 20,
	ITEM_HEAD_BYTES = 64,
};

/* --- Writing ------------------------------------------------------------------------------------------ */

static void put(struct trib_snapshot_writer *writer, struct trib_bytes bytes)
{
	if (writer->failed)
		return;
	crypto_generichash_update(&writer->digest, (const unsigned char *)bytes.data, bytes.size);
	writer->failed = !writer->sink(writer->context, bytes);
}

static void put_section_head(struct trib_snapshot_writer *writer, uint32_t kind, uint64_t size)
{
	char head[TRIB_SNAPSHOT_SECTION_BYTES];
	uint32_t flags = TRIB_SNAPSHOT_MUST;

	memcpy(head, &kind, 4);
	memcpy(head + 4, &flags, 4);
	memcpy(head + 8, &size, 8);
	put(writer, trib_bytes(head, sizeof(head)));
}

static void close_section(struct trib_snapshot_writer *writer)
{
	if (writer->section.size == 0)
		return;
	writer->failed |= writer->section.failed;
	put_section_head(writer, writer->kind, writer->section.size);
	put(writer, trib_buffer_bytes(&writer->section));
	trib_buffer_reset(&writer->section);
}

void trib_snapshot_begin(struct trib_snapshot_writer *writer, const struct trib_snapshot_head *head,
			 trib_snapshot_sink *sink, void *context)
{
	char bytes[TRIB_SNAPSHOT_HEADER_BYTES] = { 0 };
	uint32_t version = TRIB_SNAPSHOT_VERSION;

	*writer = (struct trib_snapshot_writer){ .sink = sink, .context = context };
	trib_assert(sodium_init() >= 0);
	crypto_generichash_init(&writer->digest, NULL, 0, TRIB_SNAPSHOT_DIGEST_BYTES);
	trib_buffer_init(&writer->section, SECTION_BYTES_MAX);
	memcpy(bytes, magic, sizeof(magic));
	memcpy(bytes + 8, &version, 4);
	memcpy(bytes + 16, &head->market, 8);
	memcpy(bytes + 24, &head->since, 8);
	memcpy(bytes + 32, &head->position, 8);
	memcpy(bytes + 40, &head->made_ms, 8);
	put(writer, trib_bytes(bytes, sizeof(bytes)));
}

/* Where the next item of `size` bytes at most goes. */
static char *open_item(struct trib_snapshot_writer *writer, enum trib_snapshot_kind kind, size_t size)
{
	if (writer->kind != (uint32_t)kind || writer->section.size >= SECTION_BYTES ||
	    writer->section.size + size > SECTION_BYTES_MAX)
		close_section(writer);
	writer->kind = (uint32_t)kind;
	char *place = trib_buffer_reserve(&writer->section, size);

	writer->failed |= !place;
	return place;
}

static char *put_sized(char *p, struct trib_bytes bytes)
{
	p = trib_wire_put_varint(p, bytes.size);
	if (bytes.size)
		memcpy(p, bytes.data, bytes.size);
	return p + bytes.size;
}

void trib_snapshot_row(struct trib_snapshot_writer *writer, enum trib_table table, struct trib_bytes key,
		       struct trib_bytes value)
{
	char *begin = open_item(writer, TRIB_SNAPSHOT_ROWS, key.size + value.size + ITEM_HEAD_BYTES);

	if (begin)
		writer->section.size +=
			(size_t)(put_sized(put_sized(trib_wire_put_varint(begin, (uint64_t)table), key), value) - begin);
}

void trib_snapshot_event(struct trib_snapshot_writer *writer, uint64_t position, struct trib_bytes event)
{
	char *begin = open_item(writer, TRIB_SNAPSHOT_EVENTS, event.size + ITEM_HEAD_BYTES);

	if (begin)
		writer->section.size += (size_t)(put_sized(trib_wire_put_varint(begin, position), event) - begin);
}

bool trib_snapshot_end(struct trib_snapshot_writer *writer)
{
	unsigned char digest[TRIB_SNAPSHOT_DIGEST_BYTES];

	close_section(writer);
	put_section_head(writer, TRIB_SNAPSHOT_END, sizeof(digest));
	crypto_generichash_final(&writer->digest, digest, sizeof(digest));
	if (!writer->failed)
		writer->failed = !writer->sink(writer->context, trib_bytes(digest, sizeof(digest)));
	trib_buffer_fini(&writer->section);
	return !writer->failed;
}

/* --- Reading ------------------------------------------------------------------------------------------ */

static trib_status broken(struct trib_error *error, size_t offset, const char *why)
{
	char at[48];

	snprintf(at, sizeof(at), "snapshot@%zu", offset);
	return trib_fail(error, TRIB_CORRUPT, at, "%s", why);
}

static trib_status read_header(struct trib_bytes file, size_t offset, struct trib_snapshot_head *ret_head,
			       struct trib_error *error)
{
	const char *p = file.data + offset;
	uint32_t version;

	if (file.size - offset < TRIB_SNAPSHOT_HEADER_BYTES || memcmp(p, magic, sizeof(magic)) != 0)
		return broken(error, offset, "found other bytes, expected the beginning of a snapshot");
	memcpy(&version, p + 8, 4);
	if (version != TRIB_SNAPSHOT_VERSION)
		return trib_fail(error, TRIB_UNSUPPORTED, "snapshot", "found version %u, expected %d", version,
				 TRIB_SNAPSHOT_VERSION);
	memcpy(&ret_head->market, p + 16, 8);
	memcpy(&ret_head->since, p + 24, 8);
	memcpy(&ret_head->position, p + 32, 8);
	memcpy(&ret_head->made_ms, p + 40, 8);
	if (ret_head->since > ret_head->position)
		return broken(error, offset, "found a beginning behind its end");
	return TRIB_OK;
}

/* The head of the section at p; false where section or head pass `left`. */
static bool read_section(const char *p, size_t left, uint32_t *ret_kind, uint32_t *ret_flags, size_t *ret_size)
{
	uint64_t size;

	if (left < TRIB_SNAPSHOT_SECTION_BYTES)
		return false;
	memcpy(ret_kind, p, 4);
	memcpy(ret_flags, p + 4, 4);
	memcpy(&size, p + 8, 8);
	*ret_size = (size_t)size;
	return size <= SECTION_BYTES_MAX && size <= left - TRIB_SNAPSHOT_SECTION_BYTES;
}

trib_status trib_snapshot_next(struct trib_bytes file, size_t *offset, struct trib_snapshot_part *ret_part,
			       struct trib_error *error)
{
	size_t begin = *offset, at = begin + TRIB_SNAPSHOT_HEADER_BYTES, size;
	unsigned char digest[TRIB_SNAPSHOT_DIGEST_BYTES];
	struct trib_snapshot_head head;
	uint32_t kind, flags;

	if (begin >= file.size)
		return trib_fail(error, TRIB_NOT_FOUND, "snapshot", "found its end");
	trib_status status = read_header(file, begin, &head, error);

	if (status != TRIB_OK)
		return status;
	for (;; at += TRIB_SNAPSHOT_SECTION_BYTES + size) {
		if (!read_section(file.data + at, file.size - at, &kind, &flags, &size))
			return broken(error, at, "found an end in the middle of a section");
		if (kind == TRIB_SNAPSHOT_END)
			break;
		if (kind > TRIB_SNAPSHOT_EVENTS && (flags & TRIB_SNAPSHOT_MUST))
			return trib_fail(error, TRIB_UNSUPPORTED, "snapshot",
					 "found a section of kind %u, which a newer version must read", kind);
	}
	if (size != sizeof(digest))
		return broken(error, at, "found a digest of another size");
	trib_assert(sodium_init() >= 0);
	crypto_generichash(digest, sizeof(digest), (const unsigned char *)file.data + begin,
			   at + TRIB_SNAPSHOT_SECTION_BYTES - begin, NULL, 0);
	if (memcmp(digest, file.data + at + TRIB_SNAPSHOT_SECTION_BYTES, sizeof(digest)) != 0)
		return broken(error, begin, "found other bytes than its digest says");
	*ret_part = (struct trib_snapshot_part){
		.head = head,
		.sections = trib_bytes(file.data + begin + TRIB_SNAPSHOT_HEADER_BYTES,
				       at - begin - TRIB_SNAPSHOT_HEADER_BYTES),
		.bytes = trib_bytes(file.data + begin, at + TRIB_SNAPSHOT_SECTION_BYTES + size - begin),
	};
	*offset = begin + ret_part->bytes.size;
	return TRIB_OK;
}

static bool take_sized(struct trib_bytes *rest, struct trib_bytes *ret_bytes)
{
	uint64_t size;

	if (!trib_wire_get_varint(rest, &size) || size > rest->size)
		return false;
	*ret_bytes = trib_bytes(rest->data, (size_t)size);
	rest->data += size;
	rest->size -= (size_t)size;
	return true;
}

static bool take_item(struct trib_snapshot_cursor *cursor, struct trib_snapshot_item *item)
{
	uint64_t number;

	if (!trib_wire_get_varint(&cursor->rest, &number))
		return false;
	*item = (struct trib_snapshot_item){ .kind = (enum trib_snapshot_kind)cursor->kind };
	if (cursor->kind == TRIB_SNAPSHOT_EVENTS) {
		item->position = number;
		return take_sized(&cursor->rest, &item->value);
	}
	item->table = (enum trib_table)(number & 0xff);
	return number <= 0xff && take_sized(&cursor->rest, &item->key) && take_sized(&cursor->rest, &item->value);
}

bool trib_snapshot_item(struct trib_snapshot_cursor *cursor, struct trib_snapshot_item *ret_item, bool *ret_ok)
{
	while (cursor->rest.size == 0 ||
	       (cursor->kind != TRIB_SNAPSHOT_ROWS && cursor->kind != TRIB_SNAPSHOT_EVENTS)) {
		uint32_t flags;
		size_t size;

		*ret_ok = true;
		if (cursor->sections.size == 0)
			return false;
		*ret_ok = read_section(cursor->sections.data, cursor->sections.size, &cursor->kind, &flags, &size);
		if (!*ret_ok)
			return false;
		cursor->rest = trib_bytes(cursor->sections.data + TRIB_SNAPSHOT_SECTION_BYTES, size);
		size += TRIB_SNAPSHOT_SECTION_BYTES;
		cursor->sections = trib_bytes(cursor->sections.data + size, cursor->sections.size - size);
	}
	*ret_ok = take_item(cursor, ret_item);
	return *ret_ok;
}
