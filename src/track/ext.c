#include "track/ext.h"

#include "base/macros.h"

size_t trib_ext_pack(const struct trib_ext_pair *pairs, size_t n,
		     uint8_t ret_ext[TRIB_LIMIT_TOKEN_EXT_BYTES], uint8_t *ret_size)
{
	size_t size = 0, i;

	for (i = 0; i < n; i++) {
		struct trib_bytes key = pairs[i].key, value = pairs[i].value;

		trib_assert(key.size > 0);
		trib_assert(i == 0 || trib_bytes_compare(pairs[i - 1].key, key) < 0);
		if (key.size > TRIB_LIMIT_TOKEN_EXT_BYTES ||
		    value.size > TRIB_LIMIT_TOKEN_EXT_BYTES ||
		    size + 2 + key.size + value.size > TRIB_LIMIT_TOKEN_EXT_BYTES)
			break;
		ret_ext[size++] = (uint8_t)key.size;
		memcpy(ret_ext + size, key.data, key.size);
		size += key.size;
		ret_ext[size++] = (uint8_t)value.size;
		if (value.size)
			memcpy(ret_ext + size, value.data, value.size);
		size += value.size;
	}
	*ret_size = (uint8_t)size;
	return i;
}

/* One length byte and that many bytes. */
static bool take(struct trib_bytes *rest, struct trib_bytes *ret_part)
{
	if (rest->size == 0)
		return false;
	size_t size = (unsigned char)rest->data[0];

	if (size > rest->size - 1)
		return false;
	*ret_part = trib_bytes(rest->data + 1, size);
	*rest = trib_bytes(rest->data + 1 + size, rest->size - 1 - size);
	return true;
}

bool trib_ext_next(struct trib_bytes *rest, struct trib_ext_pair *ret_pair)
{
	struct trib_bytes left = *rest;
	struct trib_ext_pair pair;

	if (!take(&left, &pair.key) || pair.key.size == 0 || !take(&left, &pair.value))
		return false;
	*rest = left;
	*ret_pair = pair;
	return true;
}

bool trib_ext_valid(struct trib_bytes ext)
{
	struct trib_ext_pair pair, before = { 0 };

	for (bool first = true; ext.size; first = false, before = pair)
		if (!trib_ext_next(&ext, &pair) ||
		    (!first && trib_bytes_compare(before.key, pair.key) >= 0))
			return false;
	return true;
}
