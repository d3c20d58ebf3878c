#include "proto/wire.h"

bool trib_wire_get_varint_slow(struct trib_bytes *rest, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < rest->size && i < 10; i++) {
		unsigned char byte = (unsigned char)rest->data[i];

		if (i == 9 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			rest->data += i + 1;
			rest->size -= i + 1;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static bool take(struct trib_bytes *rest, size_t size, const char **ret_data)
{
	if (rest->size < size)
		return false;
	*ret_data = rest->data;
	rest->data += size;
	rest->size -= size;
	return true;
}

bool trib_wire_next(struct trib_bytes *rest, struct trib_wire_field *ret_field, bool *ret_ok)
{
	uint64_t tag, size;
	const char *data;

	*ret_ok = true;
	if (rest->size == 0)
		return false;
	*ret_ok = false;
	if (!trib_wire_get_varint(rest, &tag) || tag >> 3 == 0 || tag >> 32)
		return false;
	ret_field->number = (uint32_t)(tag >> 3);
	ret_field->type = (enum trib_wire_type)(tag & 7);
	switch (ret_field->type) {
	case TRIB_WIRE_VARINT:
		if (!trib_wire_get_varint(rest, &ret_field->value))
			return false;
		break;
	case TRIB_WIRE_FIXED64:
		if (!take(rest, 8, &data))
			return false;
		memcpy(&ret_field->value, data, 8);
		break;
	case TRIB_WIRE_FIXED32: {
		uint32_t narrow;

		if (!take(rest, 4, &data))
			return false;
		memcpy(&narrow, data, 4);
		ret_field->value = narrow;
		break;
	}
	case TRIB_WIRE_BYTES:
		if (!trib_wire_get_varint(rest, &size) || size > rest->size ||
		    !take(rest, (size_t)size, &data))
			return false;
		ret_field->bytes = trib_bytes(data, (size_t)size);
		break;
	default:
		return false;
	}
	*ret_ok = true;
	return true;
}
