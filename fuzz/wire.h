/*
 * Mutating what is protobuf inside: a field is changed, doubled, dropped or moved, and the lengths around it are made to
 * fit again. Blind mutation breaks a length nearly every time, and so never gets behind the first check.
 *
 *	size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
 *	{
 *		return fuzz_mutate_message(data, size, max, seed);
 *	}
 *
 * Only libFuzzer asks for it. LLVMFuzzerMutate is its own; an ordinary build has none and never calls it.
 */
#ifndef TRIB_FUZZ_WIRE_H
#define TRIB_FUZZ_WIRE_H

#include "base/rng.h"
#include "proto/wire.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

enum { FUZZ_FIELDS_MAX = 4096, FUZZ_DEPTH_MAX = 6 };

/* A field of the message at hand: from its tag to its end, and where the content of one with a length begins. */
struct fuzz_field {
	struct trib_wire_field field;
	size_t begin, end;
};

/* The fields of a message, one of them at random kept in *ret_field. 0 where the bytes are no message. */
static inline size_t fuzz_pick_field(struct trib_bytes message, struct trib_rng *rng, struct fuzz_field *ret_field)
{
	struct trib_bytes rest = message;
	struct fuzz_field one = { 0 };
	size_t n = 0;
	bool ok = true;

	while (trib_wire_next(&rest, &one.field, &ok) && n < FUZZ_FIELDS_MAX) {
		one.end = message.size - rest.size;
		if (trib_rng_below(rng, ++n) == 0)
			*ret_field = one;
		one.begin = one.end;
	}
	return ok && rest.size == 0 ? n : 0;
}

static inline uint64_t fuzz_number(struct trib_rng *rng, uint64_t old)
{
	static const uint64_t edges[] = { 0, 1, 2, 127, 128, 10000, 10001, 65535, UINT32_MAX, INT64_MAX, UINT64_MAX };

	switch (trib_rng_below(rng, 5)) {
	case 0: return old + 1;
	case 1: return old - 1;
	case 2: return old ^ UINT64_C(1) << trib_rng_below(rng, 64);
	case 3: return trib_rng_below(rng, 8);
	default: return edges[trib_rng_below(rng, TRIB_ARRAY_SIZE(edges))];
	}
}

static inline size_t fuzz_mutate_bytes(char *p, struct trib_bytes bytes, size_t max)
{
	size_t size = TRIB_MIN(bytes.size, max);

	if (size)
		memcpy(p, bytes.data, size);
	return LLVMFuzzerMutate((uint8_t *)p, size, max);
}

/* Writes a mutated message at p, which has room for `max` and does not overlap, and returns its size. */
static inline size_t fuzz_put_message(char *p, struct trib_bytes message, size_t max, struct trib_rng *rng, int depth)
{
	enum { CHANGE_OF = 8, HEAD_BYTES = 20 };
	struct fuzz_field one = { 0 };
	char content[8192], *begin = p;

	if (message.size + HEAD_BYTES >= max || !fuzz_pick_field(message, rng, &one))
		return fuzz_mutate_bytes(p, message, max);
	size_t room = TRIB_MIN(sizeof(content), max - message.size - HEAD_BYTES);

	memcpy(p, message.data, one.begin);
	p += one.begin;
	struct trib_bytes same = trib_bytes(message.data + one.begin, one.end - one.begin);

	switch (trib_rng_below(rng, CHANGE_OF)) {
	case 0: /* dropped */ break;
	case 1: /* twice */
		for (int i = 0; i < 2 && (size_t)(p - begin) + same.size + message.size - one.end <= max; i++, p += same.size)
			memcpy(p, same.data, same.size);
		break;
	default:
		if (one.field.type == TRIB_WIRE_VARINT) {
			p = trib_wire_put_u64(p, one.field.number, fuzz_number(rng, one.field.value));
		} else if (one.field.type == TRIB_WIRE_BYTES && one.field.bytes.size <= room) {
			bool deeper = depth < FUZZ_DEPTH_MAX && one.field.bytes.size && trib_rng_chance(rng, 0.8);
			size_t size = deeper ? fuzz_put_message(content, one.field.bytes, room, rng, depth + 1) :
					       fuzz_mutate_bytes(content, one.field.bytes, room);

			p = trib_wire_put_bytes(p, one.field.number, trib_bytes(content, size));
		} else {
			memcpy(p, same.data, same.size);
			p += same.size;
		}
	}
	memcpy(p, message.data + one.end, message.size - one.end);
	return (size_t)(p - begin) + message.size - one.end;
}

static inline size_t fuzz_mutate_message(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct trib_rng rng;
	char *old = trib_alloc(size + 1);

	trib_rng_seed(&rng, seed);
	memcpy(old, data, size);
	size = fuzz_put_message((char *)data, trib_bytes(old, size), max, &rng, 0);
	free(old);
	return size;
}

#endif
