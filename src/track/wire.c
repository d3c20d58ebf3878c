#include "track/wire.h"

#include "track/ext.h"

struct reader {
	const uint8_t *next, *end;
	bool bad;
};

/* The shortest form of a number up to max. */
static inline uint64_t take(struct reader *reader, uint64_t max)
{
	const uint8_t *p = reader->next;
	uint64_t value = 0;

	for (int shift = 0; p < reader->end && shift < 56; shift += 7) {
		uint8_t byte = *p++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		reader->next = p;
		reader->bad |= value > max || (byte == 0 && shift > 0);
		return value;
	}
	reader->bad = true;
	return 0;
}

/* A number that is there only if its flag is, and is then not 0. */
static inline uint32_t take_if(struct reader *reader, bool present)
{
	if (!present)
		return 0;
	uint32_t value = (uint32_t)take(reader, UINT32_MAX);

	reader->bad |= value == 0;
	return value;
}

bool trib_wire_take_ext(const uint8_t *ext, size_t size, struct trib_token *token)
{
	if (size < 1 || size > TRIB_LIMIT_TOKEN_EXT_BYTES || !trib_ext_valid(trib_bytes(ext, size)))
		return false;
	memcpy(token->ext, ext, size);
	token->ext_size = (uint8_t)size;
	return true;
}

bool trib_wire_parse(const uint8_t *body, size_t size, struct trib_token *ret_token)
{
	struct reader reader = { body + 1, body + size, false };
	struct trib_token *token = ret_token;

	*token = (struct trib_token){ 0 };
	if (size < 1 || body[0] != TRIB_TOKEN_FORMAT)
		return false;
	token->key = (uint16_t)take(&reader, TRIB_LIMIT_KEY_ID);
	uint64_t flags = take(&reader, 0x7f);

	token->order_engine = (uint16_t)take(&reader, UINT16_MAX);
	token->goods_engine = (uint16_t)take(&reader, UINT16_MAX);
	token->link = take(&reader, TRIB_TOKEN_LINK_MAX);
	token->registration = (uint32_t)take(&reader, UINT32_MAX);
	token->plan = (uint32_t)take(&reader, UINT32_MAX);
	token->plan_version = (uint32_t)take(&reader, UINT32_MAX);
	token->goods = (uint32_t)take(&reader, UINT32_MAX);
	token->creator = (uint32_t)take(&reader, UINT32_MAX);
	token->channel = (uint32_t)take(&reader, UINT32_MAX);
	token->issued_at_ms = (int64_t)take(&reader, (uint64_t)TRIB_TOKEN_TIME_MAX_MS);
	token->carrier_kind = take_if(&reader, flags & TRIB_WIRE_CARRIER_KIND);
	token->carrier = take_if(&reader, flags & TRIB_WIRE_CARRIER);
	token->carrier_owner = take_if(&reader, flags & TRIB_WIRE_CARRIER_OWNER);
	token->page = take_if(&reader, flags & TRIB_WIRE_PAGE);
	if (flags & TRIB_WIRE_OFFER) {
		uint32_t offer = (uint32_t)take(&reader, UINT32_MAX);

		/* The plan itself is written 0; no plan, no such offer. */
		reader.bad |= offer == token->plan;
		token->offer = offer ? offer : token->plan;
	}
	token->ext_kept = flags & TRIB_WIRE_EXT_KEPT;
	if (reader.bad)
		return false;
	if (flags & TRIB_WIRE_EXT)
		return trib_wire_take_ext(reader.next, (size_t)(reader.end - reader.next), token);
	return reader.next == reader.end;
}
