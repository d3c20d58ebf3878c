#include "domain/shelf.h"

#include "proto/wire.h"

enum { FORMAT = 1, MORE = 1, HAS_GROUP = 1, POLICY_SHIFT = 1, POLICY_MASK = 3, TOLD = 8, OFFER_SHIFT = 4 };

/* --- Words -------------------------------------------------------------------------------------------- */

static const char *const kind_words[TRIB_SHELF_KINDS] = {
#define X(name, number, word, what) [number] = word,
	TRIB_SHELF_KIND_TABLE(X)
#undef X
};

static const char *const policy_words[TRIB_SHELF_POLICIES] = {
#define X(name, number, word, what) [number] = word,
	TRIB_SHELF_POLICY_TABLE(X)
#undef X
};

const char *trib_shelf_kind_word(enum trib_shelf_kind kind)
{
	return (unsigned)kind < TRIB_SHELF_KINDS ? kind_words[kind] : NULL;
}

enum trib_shelf_kind trib_shelf_kind_of(struct trib_bytes word)
{
	for (unsigned kind = 1; kind < TRIB_SHELF_KINDS; kind++)
		if (trib_bytes_is(word, kind_words[kind]))
			return (enum trib_shelf_kind)kind;
	return TRIB_SHELF_KIND_NONE;
}

const char *trib_shelf_policy_word(enum trib_shelf_policy policy)
{
	return policy_words[policy];
}

bool trib_shelf_policy_of(struct trib_bytes word, enum trib_shelf_policy *ret_policy)
{
	for (unsigned policy = 0; policy < TRIB_SHELF_POLICIES; policy++)
		if (trib_bytes_is(word, policy_words[policy])) {
			*ret_policy = (enum trib_shelf_policy)policy;
			return true;
		}
	return false;
}

/* --- Records ------------------------------------------------------------------------------------------ */

static bool take(struct trib_bytes *rest, uint64_t most, uint64_t *ret_value)
{
	return trib_wire_get_varint(rest, ret_value) && *ret_value <= most;
}

static bool read_head(struct trib_bytes *rest, struct trib_shelf *shelf, uint32_t *ret_total)
{
	uint64_t format, version, policy, groups, size, total;

	if (!take(rest, FORMAT, &format) || format != FORMAT || !take(rest, UINT32_MAX, &version) ||
	    !take(rest, TRIB_SHELF_POLICIES - 1, &policy) || policy == TRIB_SHELF_POLICY_SHELF ||
	    !take(rest, TRIB_LIMIT_SHELF_GROUPS, &groups))
		return false;
	for (uint64_t i = 0; i < groups; i++) {
		if (!take(rest, TRIB_LIMIT_EXTERNAL_ID_BYTES, &size) || size == 0 || size > rest->size)
			return false;
		shelf->groups[i] = trib_bytes(rest->data, size);
		*rest = trib_bytes(rest->data + size, rest->size - size);
	}
	shelf->version = (uint32_t)version;
	shelf->policy = (uint8_t)policy;
	shelf->group_count = (uint8_t)groups;
	if (!take(rest, TRIB_LIMIT_SHELF_ENTRIES, &total))
		return false;
	*ret_total = (uint32_t)total;
	return true;
}

static bool read_entry(struct trib_bytes *rest, uint32_t groups, struct trib_shelf_entry *ret_entry)
{
	uint64_t goods, more = 0, group = 0;

	if (!take(rest, (uint64_t)UINT32_MAX << 1 | MORE, &goods) || goods < 2)
		return false;
	if ((goods & MORE) && (!take(rest, (uint64_t)UINT32_MAX << OFFER_SHIFT | 15, &more) || more == 0))
		return false;
	if ((more & HAS_GROUP) && (!take(rest, groups, &group) || group == 0))
		return false;
	*ret_entry = (struct trib_shelf_entry){ .goods = (uint32_t)(goods >> 1),
						.offer = (uint32_t)(more >> OFFER_SHIFT),
						.group = (uint8_t)group,
						.policy = more >> POLICY_SHIFT & POLICY_MASK,
						.told = more & TOLD };
	return true;
}

static void begin(struct trib_shelf *shelf)
{
	shelf->version = shelf->count = shelf->group_count = 0;
	shelf->policy = TRIB_SHELF_POLICY_FALL_BACK;
}

bool trib_shelf_read_page(struct trib_bytes record, uint32_t from, uint32_t limit, struct trib_shelf *ret_shelf,
			  uint32_t *ret_total)
{
	struct trib_shelf_entry passed;

	begin(ret_shelf);
	*ret_total = 0;
	if (record.size == 0)
		return true;
	if (!read_head(&record, ret_shelf, ret_total))
		return false;
	for (uint32_t i = 0; i < *ret_total && ret_shelf->count < limit; i++) {
		struct trib_shelf_entry *entry = i < from ? &passed : &ret_shelf->entries[ret_shelf->count];

		if (!read_entry(&record, ret_shelf->group_count, entry))
			return false;
		ret_shelf->count += i >= from;
	}
	return true;
}

bool trib_shelf_read(struct trib_bytes record, struct trib_shelf *ret_shelf)
{
	uint32_t total;

	return trib_shelf_read_page(record, 0, TRIB_LIMIT_SHELF_ENTRIES, ret_shelf, &total);
}

static char *write_entry(char *p, const struct trib_shelf_entry *entry)
{
	uint64_t more = (uint64_t)entry->offer << OFFER_SHIFT | (uint64_t)entry->policy << POLICY_SHIFT |
			(entry->group ? HAS_GROUP : 0) | (entry->told ? TOLD : 0);

	p = trib_wire_put_varint(p, (uint64_t)entry->goods << 1 | (more ? MORE : 0));
	if (more)
		p = trib_wire_put_varint(p, more);
	return entry->group ? trib_wire_put_varint(p, entry->group) : p;
}

size_t trib_shelf_write(const struct trib_shelf *shelf, char *place)
{
	char *p = trib_wire_put_varint(place, FORMAT);

	p = trib_wire_put_varint(p, shelf->version);
	p = trib_wire_put_varint(p, shelf->policy);
	p = trib_wire_put_varint(p, shelf->group_count);
	for (uint32_t i = 0; i < shelf->group_count; i++) {
		p = trib_wire_put_varint(p, shelf->groups[i].size);
		memcpy(p, shelf->groups[i].data, shelf->groups[i].size);
		p += shelf->groups[i].size;
	}
	p = trib_wire_put_varint(p, shelf->count);
	for (uint32_t i = 0; i < shelf->count; i++)
		p = write_entry(p, &shelf->entries[i]);
	return (size_t)(p - place);
}

/* --- Changes ------------------------------------------------------------------------------------------ */

uint32_t trib_shelf_find(const struct trib_shelf *shelf, uint32_t goods)
{
	for (uint32_t i = 0; i < shelf->count; i++)
		if (shelf->entries[i].goods == goods)
			return i;
	return TRIB_SHELF_NOWHERE;
}

static void take_out(struct trib_shelf *shelf, uint32_t place)
{
	shelf->count--;
	memmove(shelf->entries + place, shelf->entries + place + 1,
		(shelf->count - place) * sizeof(*shelf->entries));
}

bool trib_shelf_put(struct trib_shelf *shelf, struct trib_shelf_entry entry, uint32_t place)
{
	uint32_t stood = trib_shelf_find(shelf, entry.goods);

	if (stood == TRIB_SHELF_NOWHERE && shelf->count == TRIB_LIMIT_SHELF_ENTRIES)
		return false;
	if (stood != TRIB_SHELF_NOWHERE)
		take_out(shelf, stood);
	if (place == TRIB_SHELF_NOWHERE)
		place = stood;
	place = TRIB_MIN(place, shelf->count);
	memmove(shelf->entries + place + 1, shelf->entries + place,
		(shelf->count - place) * sizeof(*shelf->entries));
	shelf->entries[place] = entry;
	shelf->count++;
	return true;
}

bool trib_shelf_remove(struct trib_shelf *shelf, uint32_t goods)
{
	uint32_t place = trib_shelf_find(shelf, goods);

	if (place == TRIB_SHELF_NOWHERE)
		return false;
	take_out(shelf, place);
	return true;
}

void trib_shelf_order(struct trib_shelf *shelf, const uint32_t *goods, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t stood = trib_shelf_find(shelf, goods[i]);

		if (stood != TRIB_SHELF_NOWHERE)
			trib_shelf_put(shelf, shelf->entries[stood], i);
	}
}

uint8_t trib_shelf_group(struct trib_shelf *shelf, struct trib_bytes name)
{
	for (uint8_t i = 0; i < shelf->group_count; i++)
		if (trib_bytes_equal(shelf->groups[i], name))
			return (uint8_t)(i + 1);
	if (shelf->group_count == TRIB_LIMIT_SHELF_GROUPS)
		return 0;
	shelf->groups[shelf->group_count++] = name;
	return shelf->group_count;
}

void trib_shelf_set_groups(struct trib_shelf *shelf, const struct trib_bytes *names, uint32_t count)
{
	uint8_t now[TRIB_LIMIT_SHELF_GROUPS + 1] = { 0 };

	for (uint32_t old = 0; old < shelf->group_count; old++)
		for (uint32_t i = 0; i < count; i++)
			if (trib_bytes_equal(shelf->groups[old], names[i]))
				now[old + 1] = (uint8_t)(i + 1);
	for (uint32_t i = 0; i < shelf->count; i++)
		shelf->entries[i].group = now[shelf->entries[i].group];
	shelf->group_count = (uint8_t)count;
	if (count)
		memcpy(shelf->groups, names, count * sizeof(*names));
}
