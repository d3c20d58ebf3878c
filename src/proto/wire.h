/*
 * Protobuf's wire form by hand, for the few messages that are written and read a million times a second. Each
 * hand-made codec has protobuf-c as its twin in the tests.
 *
 * Writing goes to memory that the caller knows to be large enough; no bounds are checked. A length that is not
 * known yet is reserved as a varint of fixed width and filled in later (protobuf allows the longer form).
 * Reading trusts nothing.
 */
#ifndef TRIB_PROTO_WIRE_H
#define TRIB_PROTO_WIRE_H

#include "base/bytes.h"

enum trib_wire_type { TRIB_WIRE_VARINT = 0, TRIB_WIRE_FIXED64 = 1, TRIB_WIRE_BYTES = 2, TRIB_WIRE_FIXED32 = 5 };

static inline char *trib_wire_put_varint(char *p, uint64_t value)
{
	while (value >= 0x80) {
		*p++ = (char)(value | 0x80);
		value >>= 7;
	}
	*p++ = (char)value;
	return p;
}

static inline uint64_t trib_wire_zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t trib_wire_unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline char *trib_wire_put_tag(char *p, uint32_t field, enum trib_wire_type type)
{
	return trib_wire_put_varint(p, field << 3 | type);
}

/* A number, left out when it is 0. */
static inline char *trib_wire_put_u64(char *p, uint32_t field, uint64_t value)
{
	if (value == 0)
		return p;
	return trib_wire_put_varint(trib_wire_put_tag(p, field, TRIB_WIRE_VARINT), value);
}

static inline char *trib_wire_put_s64(char *p, uint32_t field, int64_t value)
{
	return trib_wire_put_u64(p, field, trib_wire_zigzag(value));
}

static inline char *trib_wire_put_fixed64(char *p, uint32_t field, uint64_t value)
{
	p = trib_wire_put_tag(p, field, TRIB_WIRE_FIXED64);
	memcpy(p, &value, 8);
	return p + 8;
}

static inline char *trib_wire_put_bytes(char *p, uint32_t field, struct trib_bytes bytes)
{
	if (bytes.size == 0)
		return p;
	p = trib_wire_put_varint(trib_wire_put_tag(p, field, TRIB_WIRE_BYTES), bytes.size);
	memcpy(p, bytes.data, bytes.size);
	return p + bytes.size;
}

/* Reserves `width` bytes for the length of what follows; trib_wire_close fills it in. */
static inline char *trib_wire_open(char *p, uint32_t field, unsigned width)
{
	return trib_wire_put_tag(p, field, TRIB_WIRE_BYTES) + width;
}

static inline void trib_wire_close(char *content, const char *end, unsigned width)
{
	size_t size = (size_t)(end - content);
	char *length = content - width;

	trib_assert(size < (size_t)1 << (7 * width));
	for (unsigned i = 0; i + 1 < width; i++, size >>= 7)
		length[i] = (char)(size | 0x80);
	length[width - 1] = (char)size;
}

struct trib_wire_field {
	uint32_t number;
	enum trib_wire_type type;
	uint64_t value;		 /* VARINT, FIXED64, FIXED32 */
	struct trib_bytes bytes; /* BYTES */
};

bool trib_wire_get_varint_slow(struct trib_bytes *rest, uint64_t *ret_value);

static inline bool trib_wire_get_varint(struct trib_bytes *rest, uint64_t *ret_value)
{
	if (TRIB_LIKELY(rest->size > 0 && (unsigned char)rest->data[0] < 0x80)) {
		*ret_value = (unsigned char)rest->data[0];
		rest->data++;
		rest->size--;
		return true;
	}
	return trib_wire_get_varint_slow(rest, ret_value);
}

/*
 * Takes the next field off `rest`. False at the end (*ret_ok true) or where the bytes are no message (false).
 *
 *	while (trib_wire_next(&rest, &field, &ok)) switch (field.number) …
 *	if (!ok) …
 */
bool trib_wire_next(struct trib_bytes *rest, struct trib_wire_field *ret_field, bool *ret_ok);

#endif
