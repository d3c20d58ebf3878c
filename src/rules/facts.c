/* The table of facts as data, and what can be asked of it by name. */
#include "rules/facts.h"

const struct trib_fact_row trib_fact_rows[TRIB_FACTS] = {
#define X(id, number, group, name, kind, space, words, home, doc)                                  \
	[number] = { name,                                                                         \
		     TRIB_GROUP_##group,                                                           \
		     TRIB_FACT_##kind,                                                             \
		     TRIB_SPACE_##space,                                                           \
		     TRIB_FACT_##home,                                                             \
		     words,                                                                        \
		     doc },
	TRIB_FACT_TABLE(X)
#undef X
};

#define BIT_IN(wanted, id, group)                                                                  \
	(TRIB_GROUP_##group == TRIB_GROUP_##wanted ? TRIB_FACT_BIT(TRIB_FACT_##id) : 0)

const trib_fact_set trib_fact_group_masks[TRIB_GROUPS] = {
#define X(id, number, group, name, kind, space, words, home, doc) BIT_IN(ORDER, id, group) +
	[TRIB_GROUP_ORDER] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, home, doc) BIT_IN(TOUCH, id, group) +
	[TRIB_GROUP_TOUCH] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, home, doc) BIT_IN(GOODS, id, group) +
	[TRIB_GROUP_GOODS] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, home, doc) BIT_IN(CREATOR, id, group) +
	[TRIB_GROUP_CREATOR] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, home, doc) BIT_IN(MERCHANT, id, group) +
	[TRIB_GROUP_MERCHANT] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, home, doc) BIT_IN(TERMS, id, group) +
	[TRIB_GROUP_TERMS] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, home, doc) BIT_IN(LINK, id, group) +
	[TRIB_GROUP_LINK] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, home, doc) BIT_IN(COUNTER, id, group) +
	[TRIB_GROUP_COUNTER] = TRIB_FACT_TABLE(X) 0,
#undef X
#define X(id, number, group, name, kind, space, words, home, doc) BIT_IN(PLAN, id, group) +
	[TRIB_GROUP_PLAN] = TRIB_FACT_TABLE(X) 0,
#undef X
};

const trib_fact_set trib_facts_engine_only =
#define X(id, number, group, name, kind, space, words, home, doc)                                  \
	(TRIB_FACT_##home == TRIB_FACT_ENGINE ? TRIB_FACT_BIT(number) : 0) +
	TRIB_FACT_TABLE(X) 0;
#undef X

const trib_fact_set trib_facts_json =
#define X(id, number, group, name, kind, space, words, home, doc)                                  \
	(TRIB_FACT_##kind == TRIB_FACT_JSON ? TRIB_FACT_BIT(number) : 0) +
	TRIB_FACT_TABLE(X) 0;
#undef X

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

const char *trib_fact_home_name(uint8_t home)
{
	return home == TRIB_FACT_ENGINE ? "engine" : "local";
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
		[TRIB_FACT_JSON] = "map(string, dyn)",
		[TRIB_FACT_BOOL] = "bool",
		[TRIB_FACT_PATH] = "list(string)",
	};

	trib_assert(fact > TRIB_FACT_NONE && fact < TRIB_FACTS);
	return names[trib_fact_rows[fact].kind];
}

enum trib_fact trib_fact_find(struct trib_bytes name)
{
	for (int fact = 1; fact < TRIB_FACTS; fact++)
		if (trib_bytes_is(name, trib_fact_rows[fact].name))
			return (enum trib_fact)fact;
#define X(alias, fact)                                                                             \
	if (trib_bytes_is(name, alias))                                                            \
		return TRIB_FACT_##fact;
	TRIB_FACT_ALIAS_TABLE(X)
#undef X
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

bool trib_facts_next_part(struct trib_bytes *rest, struct trib_bytes *ret_part)
{
	while (rest->size) {
		const char *slash = memchr(rest->data, '/', rest->size);
		size_t size = slash ? (size_t)(slash - rest->data) : rest->size;
		struct trib_bytes part = trib_bytes(rest->data, size);

		size += slash != NULL;
		*rest = trib_bytes(rest->data + size, rest->size - size);
		if (part.size) {
			*ret_part = part;
			return true;
		}
	}
	return false;
}

/* ---- For people -------------------------------------------------------------------------------------------- */

static const char *const group_docs[] = {
	[TRIB_GROUP_ORDER] = "The order itself. Always there.",
	[TRIB_GROUP_TOUCH] =
		"The primary touch: the newest candidate not after the order, token or touch.",
	[TRIB_GROUP_GOODS] = "The goods that were ordered. Always there.",
	[TRIB_GROUP_CREATOR] = "The creator of the primary touch's link.",
	[TRIB_GROUP_MERCHANT] = "The merchant of the goods. Always there.",
	[TRIB_GROUP_TERMS] = "What the plans come to for the primary touch, rates at order time.",
	[TRIB_GROUP_LINK] = "The link of the primary touch.",
	[TRIB_GROUP_COUNTER] = "What has been counted before the order.",
	[TRIB_GROUP_PLAN] = "The plan that the terms are of.",
};

static void add_words(struct trib_buffer *buffer, const char *words)
{
	for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|') {
		trib_buffer_add_text(buffer, p == words ? ": `" : ", `");
		trib_buffer_add(buffer, p, strcspn(p, "|"));
		trib_buffer_add_char(buffer, '`');
	}
}

void trib_facts_write_markdown(struct trib_buffer *buffer)
{
	for (int group = 0; group < TRIB_GROUPS; group++) {
		trib_buffer_add_format(
			buffer,
			"%s## %s\n\n%s\n\n| fact | type | where | what |\n|---|---|---|---|\n",
			group ? "\n" : "", trib_fact_group_name((enum trib_fact_group)group),
			group_docs[group]);
		for (int fact = 1; fact < TRIB_FACTS; fact++) {
			const struct trib_fact_row *row = &trib_fact_rows[fact];

			if (row->group != group)
				continue;
			trib_buffer_add_format(buffer, "| `%s` | %s | %s | %s", row->name,
					       trib_fact_type_name((enum trib_fact)fact),
					       trib_fact_home_name(row->home), row->doc);
			add_words(buffer, row->words);
			trib_buffer_add_text(buffer, " |\n");
		}
	}
}

static void add_member(struct trib_buffer *buffer, const char *name, const char *text)
{
	trib_buffer_add_format(buffer, ",\"%s\":", name);
	trib_json_add_string(buffer, trib_bytes_text(text));
}

void trib_facts_write_json(struct trib_buffer *buffer)
{
	trib_buffer_add_text(buffer, "{\"items\":[");
	for (int fact = 1; fact < TRIB_FACTS; fact++) {
		const struct trib_fact_row *row = &trib_fact_rows[fact];
		const char *words = row->words;

		trib_buffer_add_format(buffer, "%s{\"number\":%d", fact > 1 ? "," : "", fact);
		add_member(buffer, "name", row->name);
		add_member(buffer, "group", trib_fact_group_name((enum trib_fact_group)row->group));
		add_member(buffer, "type", trib_fact_type_name((enum trib_fact)fact));
		add_member(buffer, "where", trib_fact_home_name(row->home));
		trib_buffer_add_text(buffer, ",\"words\":[");
		for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|') {
			trib_buffer_add_text(buffer, p == words ? "" : ",");
			trib_json_add_string(buffer, trib_bytes(p, strcspn(p, "|")));
		}
		trib_buffer_add_char(buffer, ']');
		add_member(buffer, "doc", row->doc);
		trib_buffer_add_char(buffer, '}');
	}
	trib_buffer_add_text(buffer, "]}");
}
