/* The tables of life cycles, and what is asked of them. */
#include "domain/life.h"

#include "base/limits.h"
#include "domain/cold.h"

const struct trib_life_row trib_life_rows[] = {
#define X(noun, action, from, to, may, hook, what) { TRIB_NOUN_##noun, action, from, to, may, hook, what },
	TRIB_LIFE_TABLE(X)
#undef X
};
const size_t trib_life_rows_count = TRIB_ARRAY_SIZE(trib_life_rows);

/* Who may do everything in the table. */
enum { ALWAYS = TRIB_ACCESS_BIT(TRIB_ACCESS_ADMIN) | TRIB_ACCESS_BIT(TRIB_ACCESS_OPERATOR) };

static bool row_lets(const struct trib_life_row *row, enum trib_access_role role)
{
	return trib_access_role_is_platform(role) || row->may & TRIB_ACCESS_BIT(role);
}

static const struct {
	enum trib_noun noun;
	const char *word;
} statuses[] = {
#define X(noun, word) { TRIB_NOUN_##noun, word },
	TRIB_LIFE_STATUS_TABLE(X)
#undef X
};

bool trib_noun_has_life(enum trib_noun noun)
{
	for (size_t i = 0; i < trib_life_rows_count; i++)
		if (trib_life_rows[i].noun == noun)
			return true;
	return false;
}

const char *trib_life_status(enum trib_noun noun, const char *text)
{
	for (size_t i = 0; text && i < TRIB_ARRAY_SIZE(statuses); i++)
		if (statuses[i].noun == noun && strcmp(statuses[i].word, text) == 0)
			return statuses[i].word;
	return NULL;
}

const char *trib_life_begin(enum trib_noun noun)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(statuses); i++)
		if (statuses[i].noun == noun)
			return statuses[i].word;
	return NULL;
}

/* Is the word one of "a|b|c"? */
static bool is_among(const char *list, const char *word)
{
	size_t size = strlen(word);

	for (const char *row = list, *end; *row; row = *end ? end + 1 : end) {
		end = strchrnul(row, '|');
		if ((size_t)(end - row) == size && memcmp(row, word, size) == 0)
			return true;
	}
	return false;
}

const struct trib_life_row *trib_life_find(enum trib_noun noun, struct trib_bytes action, const char *status)
{
	for (size_t i = 0; i < trib_life_rows_count; i++)
		if (trib_life_rows[i].noun == noun && trib_bytes_is(action, trib_life_rows[i].action) &&
		    is_among(trib_life_rows[i].from, status))
			return &trib_life_rows[i];
	return NULL;
}

/* ---- Refusals ----------------------------------------------------------------------------- */

/* "draft, review" */
struct list {
	char text[128];
	size_t size;
};

static bool list_has(const struct list *list, const char *word, size_t size)
{
	for (const char *row = list->text, *end; *row; row = *end ? end + 2 : end) {
		end = strchrnul(row, ',');
		if ((size_t)(end - row) == size && memcmp(row, word, size) == 0)
			return true;
	}
	return false;
}

static void list_add(struct list *list, const char *word, size_t size)
{
	if (list_has(list, word, size) || list->size + size + 3 > sizeof(list->text))
		return;
	list->size += (size_t)snprintf(list->text + list->size, sizeof(list->text) - list->size, "%s%.*s",
				       list->size ? ", " : "", (int)size, word);
}

static trib_status refuse_action(enum trib_noun noun, struct trib_bytes action, struct trib_error *error)
{
	struct list known = { .text = "" };

	for (size_t i = 0; i < trib_life_rows_count; i++)
		if (trib_life_rows[i].noun == noun)
			list_add(&known, trib_life_rows[i].action, strlen(trib_life_rows[i].action));
	return trib_fail(error, TRIB_NOT_FOUND, "action", "found \"%.*s\", expected %s of %s",
			 (int)TRIB_MIN(action.size, (size_t)32), action.data,
			 known.size ? known.text : "no action", trib_noun_word(noun));
}

static trib_status refuse_status(enum trib_noun noun, struct trib_bytes action, const char *status,
				 struct trib_error *error)
{
	struct list from = { .text = "" };

	for (size_t i = 0; i < trib_life_rows_count; i++) {
		const struct trib_life_row *row = &trib_life_rows[i];

		if (row->noun != noun || !trib_bytes_is(action, row->action))
			continue;
		for (const char *word = row->from, *end; *word; word = *end ? end + 1 : end) {
			end = strchrnul(word, '|');
			list_add(&from, word, (size_t)(end - word));
		}
	}
	if (!from.size)
		return refuse_action(noun, action, error);
	return trib_fail(error, TRIB_REFUSED, "status", "found \"%s\", expected %s to %.*s it", status,
			 from.text, (int)TRIB_MIN(action.size, (size_t)32), action.data);
}

trib_status trib_life_check(enum trib_noun noun, struct trib_bytes action, const char *status,
			    const struct trib_actor *actor, const struct trib_life_row **ret_row,
			    struct trib_error *error)
{
	const struct trib_life_row *row = trib_life_find(noun, action, status);
	struct list may = { .text = "" };

	if (!row)
		return refuse_status(noun, action, status, error);
	if (row_lets(row, actor->role)) {
		*ret_row = row;
		return TRIB_OK;
	}
	for (int role = 0; role < TRIB_ACCESS_ROLES; role++) {
		const char *word = trib_access_role_word((enum trib_access_role)role);

		if ((row->may | ALWAYS) & TRIB_ACCESS_BIT(role))
			list_add(&may, word, strlen(word));
	}
	return trib_fail(error, TRIB_FORBIDDEN, "action", "found role %s, expected %s to %s it",
			 trib_access_role_word(actor->role), may.text, row->action);
}

/* ---- Entities ----------------------------------------------------------------------------- */

bool trib_life_is_own(const ProtobufCMessage *entity, const struct trib_actor *actor)
{
	if (!trib_access_role_has_party(actor->role))
		return true;
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
		entity->descriptor, trib_access_role_word(actor->role));

	if (!field) /* of what merchants and leaders alike may begin */
		field = protobuf_c_message_descriptor_get_field_by_name(entity->descriptor, "from");
	if (!field || field->type != PROTOBUF_C_TYPE_STRING || field->label == PROTOBUF_C_LABEL_REPEATED)
		return true;
	const char *owner = *(char *const *)((const char *)entity + field->offset);

	return owner && trib_bytes_is(actor->party_id, owner);
}

bool trib_life_note(ProtobufCMessage *entity, Tributary__HistoryItem *item, struct trib_arena *arena)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(entity->descriptor, "history");

	if (!field)
		return true;
	size_t *count = (size_t *)((char *)entity + field->quantifier_offset);
	Tributary__HistoryItem ***list = (Tributary__HistoryItem ***)((char *)entity + field->offset);
	size_t kept = TRIB_MIN(*count, (size_t)TRIB_LIMIT_HISTORY - 1);
	Tributary__HistoryItem **items = trib_arena_alloc(arena, (kept + 1) * sizeof(Tributary__HistoryItem *));

	if (!items || !item)
		return false;
	if (kept)
		memcpy(items, *list + (*count - kept), kept * sizeof(Tributary__HistoryItem *));
	if (kept < *count && strcmp((*list)[0]->action, "create") == 0)
		items[0] = (*list)[0]; /* who made it is known as long as it is there */
	items[kept] = item;
	*list = items;
	*count = kept + 1;
	return true;
}

Tributary__HistoryItem *trib_life_item(struct trib_bytes action, const char *status,
				       const Tributary__ActionRequest *request, const struct trib_actor *actor,
				       int64_t now_ms, struct trib_arena *arena)
{
	Tributary__HistoryItem init = TRIBUTARY__HISTORY_ITEM__INIT;
	Tributary__HistoryItem *item = trib_arena_alloc(arena, sizeof(*item));

	if (!item)
		return NULL;
	*item = init;
	item->action = (char *)trib_arena_copy(arena, action);
	item->status = (char *)status;
	item->has_at = true;
	item->at = now_ms;
	item->role = (char *)trib_access_role_word(actor->role);
	if (actor->name.size)
		item->by = (char *)trib_arena_copy(arena, actor->name);
	if (request) {
		item->reason = request->reason;
		item->ext = request->ext;
		item->has_said_at = request->has_at;
		item->said_at = request->at;
	}
	return item->action && (item->by || !actor->name.size) ? item : NULL;
}

/* ---- For people --------------------------------------------------------------------------- */

/* "a|b" as ["a","b"]. */
static void add_words(const char *list, struct trib_buffer *json)
{
	trib_buffer_add_char(json, '[');
	for (const char *word = list, *end; *word; word = *end ? end + 1 : end) {
		end = strchrnul(word, '|');
		trib_buffer_add_format(json, "%s\"%.*s\"", word == list ? "" : ",", (int)(end - word), word);
	}
	trib_buffer_add_char(json, ']');
}

static void add_row(const struct trib_life_row *row, struct trib_buffer *json)
{
	bool first = true;

	trib_buffer_add_format(json, "{\"action\":\"%s\",\"from\":", row->action);
	add_words(row->from, json);
	trib_buffer_add_format(json, ",\"to\":\"%s\",\"roles\":[", row->to);
	for (int role = 0; role < TRIB_ACCESS_ROLES; role++) {
		if (!((row->may | ALWAYS) & TRIB_ACCESS_BIT(role)))
			continue;
		trib_buffer_add_format(json, "%s\"%s\"", first ? "" : ",",
				       trib_access_role_word((enum trib_access_role)role));
		first = false;
	}
	trib_buffer_add_format(json, "],\"what\":\"%s\"}", row->what);
}

void trib_life_write_json(struct trib_buffer *json)
{
	bool first_noun = true;

	trib_buffer_add_text(json, "{\"items\":[");
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++) {
		bool first = true;

		if (!trib_noun_has_life((enum trib_noun)noun))
			continue;
		trib_buffer_add_format(json, "%s{\"noun\":\"%s\",\"statuses\":[", first_noun ? "" : ",",
				       trib_noun_plural((enum trib_noun)noun));
		first_noun = false;
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(statuses); i++) {
			if (statuses[i].noun != (enum trib_noun)noun)
				continue;
			trib_buffer_add_format(json, "%s\"%s\"", first ? "" : ",", statuses[i].word);
			first = false;
		}
		trib_buffer_add_text(json, "],\"actions\":[");
		first = true;
		for (size_t i = 0; i < trib_life_rows_count; i++) {
			if (trib_life_rows[i].noun != (enum trib_noun)noun)
				continue;
			if (!first)
				trib_buffer_add_char(json, ',');
			first = false;
			add_row(&trib_life_rows[i], json);
		}
		trib_buffer_add_text(json, "]}");
	}
	trib_buffer_add_text(json, "]}");
}
