/* The table of facts as data, and what can be asked of it by name. */
#include "rules/facts.h"

const struct trib_fact_row trib_fact_rows[TRIB_FACTS] = {
#define X(id, number, group, name, kind, space, words, doc)                                        \
	[number] = { name, TRIB_GROUP_##group, TRIB_FACT_##kind, TRIB_SPACE_##space, words, doc },
	TRIB_FACT_TABLE(X)
#undef X
};

#define BIT_IN(wanted, id, group)                                                                  \
	(TRIB_GROUP_##group == TRIB_GROUP_##wanted ? TRIB_FACT_BIT(TRIB_FACT_##id) : 0)

const uint64_t trib_fact_group_masks[TRIB_GROUPS] = {
#define X(id, number, group, name, kind, space, words, doc) BIT_IN(ORDER, id, group) +
	[TRIB_GROUP_ORDER] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, doc) BIT_IN(TOUCH, id, group) +
	[TRIB_GROUP_TOUCH] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, doc) BIT_IN(GOODS, id, group) +
	[TRIB_GROUP_GOODS] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, doc) BIT_IN(CREATOR, id, group) +
	[TRIB_GROUP_CREATOR] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, doc) BIT_IN(MERCHANT, id, group) +
	[TRIB_GROUP_MERCHANT] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, doc) BIT_IN(TERMS, id, group) +
	[TRIB_GROUP_TERMS] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, doc) BIT_IN(LINK, id, group) +
	[TRIB_GROUP_LINK] = TRIB_FACT_TABLE(X) 0,
#undef X
};

const char *trib_fact_group_name(enum trib_fact_group group)
{
	static const char *const names[] = {
#define X(id, name) [TRIB_GROUP_##id] = name,
		TRIB_GROUP_TABLE(X)
#undef X
	};

	trib_assert(group < TRIB_GROUPS);
	return names[group];
}

const char *trib_fact_type_name(enum trib_fact fact)
{
	static const char *const names[] = {
		[TRIB_FACT_INT] = "int",
		[TRIB_FACT_DOUBLE] = "double",
		[TRIB_FACT_TIME] = "timestamp",
		[TRIB_FACT_DURATION] = "duration",
		[TRIB_FACT_STRING] = "string",
		[TRIB_FACT_TAGS] = "list(string)",
		[TRIB_FACT_EXT] = "map(string, string)",
	};

	trib_assert(fact > TRIB_FACT_NONE && fact < TRIB_FACTS);
	return names[trib_fact_rows[fact].kind];
}

enum trib_fact trib_fact_find(struct trib_bytes name)
{
	for (int fact = 1; fact < TRIB_FACTS; fact++)
		if (trib_bytes_is(name, trib_fact_rows[fact].name))
			return (enum trib_fact)fact;
	if (trib_bytes_is(name, "order.carrier.kind"))
		return TRIB_FACT_ORDER_CARRIER;
	if (trib_bytes_is(name, "touch.carrier.kind"))
		return TRIB_FACT_TOUCH_CARRIER;
	return TRIB_FACT_NONE;
}

struct trib_bytes trib_facts_text(const struct trib_facts *facts, enum trib_fact fact)
{
	const struct trib_fact_row *row = &trib_fact_rows[fact];
	int64_t value = facts->value[fact];

	if (!(facts->present & TRIB_FACT_BIT(fact)))
		return trib_bytes("", 0);
	if (facts->raw & TRIB_FACT_BIT(fact))
		return facts->raw_text[fact];
	if (value == 0)
		return trib_bytes("", 0);
	return facts->spaces->text(facts->spaces->context, (enum trib_space)row->space,
				   (uint32_t)value);
}
