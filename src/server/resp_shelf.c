/* SHELF and its kin: a page of a shelf, and what is put on it. Pages are read often, so their keys are written as they stand on the wire. */
#include "server/resp_client.h"

#include <ctype.h>
#include <strings.h>

static bool word_is(struct trib_bytes arg, const char *word)
{
	return arg.size == strlen(word) && strncasecmp(arg.data, word, arg.size) == 0;
}

/* The argument behind `word`, of options that each take one; false where something else stands there. */
static bool take_options(struct resp_client *client, const struct trib_bytes *args, size_t n,
			 const char *const *words, size_t n_words, struct trib_bytes *ret_values)
{
	struct trib_error error;

	for (size_t i = 0; i < n; i += 2) {
		size_t w = 0;

		while (w < n_words && !word_is(args[i], words[w]))
			w++;
		if (w == n_words)
			trib_fail(&error, TRIB_SYNTAX, "arguments", "found \"%.*s\", expected an option of this command",
				  (int)TRIB_MIN(args[i].size, (size_t)32), args[i].data);
		else if (ret_values[w].data)
			trib_fail(&error, TRIB_SYNTAX, words[w], "found it twice, expected it once");
		else if (i + 1 == n)
			trib_fail(&error, TRIB_SYNTAX, words[w], "found nothing behind it, expected an argument");
		else {
			ret_values[w] = args[i + 1];
			continue;
		}
		trib_resp_error(client->out, &error);
		return false;
	}
	return true;
}

static bool take_number(struct resp_client *client, const char *at, struct trib_bytes text, uint64_t low,
			uint64_t high, uint32_t *ret_number)
{
	struct trib_error error;
	uint64_t number;

	if (trib_bytes_to_u64(text, &number) && number >= low && number <= high) {
		*ret_number = (uint32_t)number;
		return true;
	}
	trib_fail(&error, TRIB_INVALID, at, "found \"%.*s\", expected an integer from %u to %u",
		  (int)TRIB_MIN(text.size, (size_t)32), text.data, (unsigned)low, (unsigned)high);
	trib_resp_error(client->out, &error);
	return false;
}

/* --- SHELF -------------------------------------------------------------------------------------------- */

/* A key, and what stands behind it. */
#define KEY(out, size, name) trib_buffer_add((out), "$" #size "\r\n" name "\r\n", sizeof("$" #size "\r\n" name "\r\n") - 1)

static void add_plan(struct trib_buffer *out, const struct trib_shelf_row *row)
{
	char text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 24];
	size_t size = row->plan.size;

	memcpy(text, row->plan.data, size);
	text[size++] = '@';
	trib_resp_bulk(out, trib_bytes(text, size + trib_format_u64(text + size, row->terms.plan_version)));
}

/* Booleans are integers, 1 or 0, as Redis' commands have them. */
static void add_row(struct trib_buffer *out, int version, uint32_t place, const struct trib_shelf_row *row)
{
	trib_resp_map(out, version,
		      6 + (row->title.size > 0) + (row->site.size > 0) + row->has_stock + (row->group.size > 0) +
			      (row->offer.size > 0) + (row->policy != NULL) + (row->reason.size > 0) + row->ask +
			      (row->pays ? 4 + (row->leader.size > 0) : 0));
#define TEXT(n, name, text) (KEY(out, n, name), trib_resp_bulk(out, text))
#define TEXT_IF(n, name, text) ((text).size ? TEXT(n, name, text) : (void)0)
#define NUMBER(n, name, number) (KEY(out, n, name), trib_resp_integer(out, number))
	NUMBER(5, "place", place);
	TEXT(5, "goods", row->goods);
	TEXT_IF(5, "title", row->title);
	TEXT_IF(4, "site", row->site);
	NUMBER(5, "price", row->price);
	TEXT(8, "currency", row->currency);
	TEXT(6, "status", row->status);
	if (row->has_stock)
		NUMBER(5, "stock", row->stock);
	TEXT_IF(5, "group", row->group);
	TEXT_IF(5, "offer", row->offer);
	if (row->policy)
		TEXT(6, "policy", trib_bytes_text(row->policy));
	NUMBER(5, "valid", row->valid);
	TEXT_IF(6, "reason", row->reason);
	if (row->ask)
		NUMBER(3, "ask", 1);
	if (row->pays) {
		KEY(out, 4, "plan");
		add_plan(out, row);
		TEXT(4, "kind", row->kind);
		NUMBER(14, "commission_bps", row->terms.commission_bps);
		TEXT_IF(6, "leader", row->leader);
		NUMBER(4, "earn", row->earn);
	}
}

/* SHELF <creator> <kind> [CURSOR c] [LIMIT n] */
void resp_shelf(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	static const char *const words[] = { "CURSOR", "LIMIT" };
	struct trib_bytes values[TRIB_ARRAY_SIZE(words)] = { 0 };
	struct trib_shelf_page_request request = { .creator = args[1], .kind = args[2] };
	const struct trib_shelf_page *page;
	struct trib_buffer *out = client->out;
	struct trib_error error;

	if (!take_options(client, args + 3, n - 3, words, TRIB_ARRAY_SIZE(words), values) ||
	    (values[1].data && !take_number(client, "LIMIT", values[1], 1, TRIB_LIMIT_LIST_ITEMS, &request.limit)))
		return;
	request.cursor = values[0];
	if (trib_engine_shelf(client->engine, &request, &page, &error) != TRIB_OK) {
		trib_resp_error(out, &error);
		return;
	}
	trib_resp_map(out, client->version, 6);
	NUMBER(7, "version", page->version);
	NUMBER(5, "total", page->total);
	TEXT(6, "policy", trib_bytes_text(page->policy));
	KEY(out, 6, "groups");
	trib_resp_array(out, page->n_groups);
	for (uint32_t i = 0; i < page->n_groups; i++)
		trib_resp_bulk(out, page->groups[i]);
	KEY(out, 5, "items");
	trib_resp_array(out, page->n_rows);
	for (uint32_t i = 0; i < page->n_rows; i++)
		add_row(out, client->version, page->from + i, &page->rows[i]);
	KEY(out, 11, "next_cursor");
	if (page->next) {
		char text[20];

		trib_resp_bulk(out, trib_bytes(text, trib_format_u64(text, page->next)));
	} else {
		trib_resp_null(out, client->version);
	}
}

/* --- Changes ------------------------------------------------------------------------------------------ */

/* A refusal of the terms begins with its own word, as LINK's does. */
static bool shelve(struct resp_client *client, const struct trib_bytes *args, const Tributary__ShelfChange *change,
		   struct trib_shelf_answer *ret_answer)
{
	const struct trib_shelf_request request = { .creator = args[1], .kind = args[2], .change = change };
	enum trib_outcome outcome;
	struct trib_error error;
	char reason[48];

	if (trib_engine_shelve(client->engine, &request, ret_answer, &outcome, &error) == TRIB_OK)
		return true;
	if (outcome == TRIB_OUTCOME_NONE) {
		trib_resp_error(client->out, &error);
		return false;
	}
	snprintf(reason, sizeof(reason), "%s", trib_outcome_word(outcome));
	for (char *p = reason; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	trib_resp_error_text(client->out, "%s %s: %s", reason, error.at, error.text);
	return false;
}

/* A terminated copy of an argument; NULL, and an error replied, where none can be made. */
static char *copy(struct resp_client *client, struct trib_arena *arena, struct trib_bytes text, const char *at)
{
	char *copied = memchr(text.data, 0, text.size) ? NULL : trib_arena_copy(arena, text);
	struct trib_error error;

	if (copied)
		return copied;
	trib_fail(&error, TRIB_INVALID, at, "found %zu bytes, expected a text", text.size);
	trib_resp_error(client->out, &error);
	return NULL;
}

enum { OFFER, PLACE, GROUP, POLICY, OPTIONS };

static bool read_entry(struct resp_client *client, const struct trib_bytes *args, const struct trib_bytes *values,
		       struct trib_arena *arena, Tributary__ShelfEntry *entry)
{
	enum trib_shelf_policy policy;
	struct trib_error error;

	if (values[POLICY].data && !trib_shelf_policy_of(values[POLICY], &policy)) {
		trib_fail(&error, TRIB_INVALID, "POLICY", "found \"%.*s\", expected shelf, fall_back, invalid or ask",
			  (int)TRIB_MIN(values[POLICY].size, (size_t)32), values[POLICY].data);
		trib_resp_error(client->out, &error);
		return false;
	}
	if (values[PLACE].data &&
	    !take_number(client, "PLACE", values[PLACE], 0, TRIB_LIMIT_SHELF_ENTRIES, &entry->place))
		return false;
	entry->has_place = values[PLACE].data != NULL;
	return (entry->goods = copy(client, arena, args[3], "goods")) &&
	       (!values[OFFER].data || (entry->offer = copy(client, arena, values[OFFER], "OFFER"))) &&
	       (!values[GROUP].data || (entry->group = copy(client, arena, values[GROUP], "GROUP"))) &&
	       (!values[POLICY].data || (entry->policy = copy(client, arena, values[POLICY], "POLICY")));
}

/* SHELVE <creator> <kind> <goods> [OFFER id] [PLACE n] [GROUP g] [POLICY p]: 1 if they are new there, else 0. */
void resp_shelve(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	static const char *const words[OPTIONS] = { "OFFER", "PLACE", "GROUP", "POLICY" };
	struct trib_bytes values[OPTIONS] = { 0 };
	Tributary__ShelfEntry entry = TRIBUTARY__SHELF_ENTRY__INIT, *entries[] = { &entry };
	Tributary__ShelfChange change = TRIBUTARY__SHELF_CHANGE__INIT;
	struct trib_shelf_answer answer;
	struct trib_arena arena;

	if (!take_options(client, args + 4, n - 4, words, OPTIONS, values))
		return;
	trib_arena_init(&arena, 4 * TRIB_LIMIT_RESP_ARGUMENT_BYTES);
	change.list = entries;
	change.n_list = 1;
	if (read_entry(client, args, values, &arena, &entry) && shelve(client, args, &change, &answer))
		trib_resp_integer(client->out, answer.added);
	trib_arena_fini(&arena);
}

static void change_many(struct resp_client *client, const struct trib_bytes *args, size_t n, bool order)
{
	Tributary__ShelfChange change = TRIBUTARY__SHELF_CHANGE__INIT;
	char *ids[TRIB_LIMIT_RESP_ARGUMENTS];
	struct trib_shelf_answer answer;
	struct trib_arena arena;
	bool ok = true;

	trib_arena_init(&arena, TRIB_LIMIT_RESP_FRAME_BYTES);
	for (size_t i = 3; ok && i < n; i++)
		ok = (ids[i - 3] = copy(client, &arena, args[i], "goods")) != NULL;
	change.clear = change.has_clear = n == 3;
	if (order) {
		change.order = ids;
		change.n_order = n - 3;
	} else {
		change.remove = ids;
		change.n_remove = n - 3;
	}
	if (ok && shelve(client, args, &change, &answer))
		trib_resp_integer(client->out, order ? answer.total : answer.removed);
	trib_arena_fini(&arena);
}

/* UNSHELVE <creator> <kind> <goods> [goods …]: how many were there. */
void resp_unshelve(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	change_many(client, args, n, false);
}

/* SHELFORDER <creator> <kind> <goods> [goods …]: these come first; how many there are. */
void resp_shelf_order(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	change_many(client, args, n, true);
}

/* SHELFCLEAR <creator> <kind>: how many were there. */
void resp_shelf_clear(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	change_many(client, args, n, false);
}

/* SHELFCOUNT <goods>: on how many shelves they are. */
void resp_shelf_count(struct resp_client *client, const struct trib_bytes *args, size_t n TRIB_UNUSED)
{
	struct trib_error error;
	uint64_t count;

	if (trib_engine_shelves_of(client->engine, args[1], &count, &error) == TRIB_OK)
		trib_resp_integer(client->out, (int64_t)count);
	else
		trib_resp_error(client->out, &error);
}
