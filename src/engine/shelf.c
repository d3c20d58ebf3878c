/*
 * What creators put on their shelves. A command becomes one event with the whole shelf as it is then, some 6 bytes an
 * entry, and with the new counts of the goods that came or left: so replay reads nothing back, and a checkpoint writes
 * each shelf that changed once. What listing goods checks is what LINK would say; reading resolves it again (shelf_page.c).
 */
#include "engine/business.h"
#include "engine/flow_points.h"
#include "engine/state.h"

enum { SHELVES_BYTES_MAX = 256 << 20 };

/* Scratch; large. */
struct shelf_work {
	struct trib_shelf before, now;
	struct trib_buffer row; /* of the store */
	uint32_t goods[2][TRIB_LIMIT_SHELF_ENTRIES];
	char record[2][TRIB_SHELF_BYTES_MAX];
};

void shelf_init(struct trib_engine *engine)
{
	engine->shelf = trib_alloc_zeroed(1, sizeof(*engine->shelf));
	trib_buffer_init(&engine->shelf->row, TRIB_SHELF_BYTES_MAX);
}

void shelf_fini(struct trib_engine *engine)
{
	if (engine->shelf)
		trib_buffer_fini(&engine->shelf->row);
	free(TRIB_TAKE_PTR(engine->shelf));
}

struct shelves *shelf_table_new(void)
{
	return shelves_new(SHELVES_BYTES_MAX);
}

/* --- Reading ------------------------------------------------------------------------------------------ */

trib_status shelf_record(struct trib_engine *engine, uint32_t creator, enum trib_shelf_kind kind,
			 struct trib_bytes *ret_record, struct trib_error *error)
{
	struct trib_record *record = NULL;
	char key[5];

	if (!shelves_find(engine->shelves, creator, kind, &record)) {
		trib_key_u32(key, creator);
		key[4] = (char)kind;
		trib_status status = trib_store_get(engine->store, TRIB_TABLE_SHELF, trib_bytes(key, sizeof(key)),
						    &engine->shelf->row, error);

		if (status != TRIB_OK && status != TRIB_NOT_FOUND)
			return status;
		if (status == TRIB_OK)
			record = trib_record_of(trib_buffer_bytes(&engine->shelf->row));
		shelves_load(engine->shelves, creator, kind, record);
	}
	*ret_record = record ? trib_record_bytes(record) : trib_bytes("", 0);
	return TRIB_OK;
}

trib_status shelf_find(struct trib_engine *engine, struct trib_bytes creator, struct trib_bytes kind,
		       uint32_t *ret_creator, enum trib_shelf_kind *ret_kind, struct trib_error *error)
{
	*ret_kind = trib_shelf_kind_of(kind);
	if (!*ret_kind)
		return engine_refuse(error, "kind", kind, "showcase or live_cart");
	*ret_creator = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, creator);
	if (*ret_creator)
		return TRIB_OK;
	return trib_fail(error, TRIB_NOT_FOUND, "creator", "found \"%.*s\", expected the id of a known party",
			 (int)TRIB_MIN(creator.size, (size_t)64), creator.data);
}

bool shelf_lists(struct trib_engine *engine, uint32_t creator, uint32_t goods)
{
	struct trib_shelf *shelf = &engine->shelf->before;
	struct trib_bytes record;
	struct trib_error error;

	for (int kind = 1; kind < TRIB_SHELF_KINDS; kind++) {
		if (shelf_record(engine, creator, (enum trib_shelf_kind)kind, &record, &error) != TRIB_OK ||
		    !trib_shelf_read(record, shelf))
			continue;
		for (uint32_t i = 0; i < shelf->count; i++)
			if (shelf->entries[i].goods == goods)
				return true;
	}
	return false;
}

/* --- Apply -------------------------------------------------------------------------------------------- */

static bool are_known(const struct trib_engine *engine, const struct trib_shelf *shelf)
{
	uint32_t goods = trib_domain_count(engine->domain, TRIB_NOUN_GOODS);
	uint32_t plans = trib_domain_count(engine->domain, TRIB_NOUN_PLAN);

	for (uint32_t i = 0; i < shelf->count; i++)
		if (shelf->entries[i].goods > goods || shelf->entries[i].offer > plans)
			return false;
	return true;
}

/* Goods are on so many shelves now; where they are on more, this one lists them. */
static void count_listed(struct trib_engine *engine, const struct trib_shelf *shelf, uint32_t goods, uint32_t shelves)
{
	uint32_t before = shelves_of_goods(engine->shelves, goods), entry = 0;

	if (shelves <= before)
		return;
	while (entry < shelf->count && shelf->entries[entry].goods != goods)
		entry++;
	business_listed(engine, entry < shelf->count ? shelf->entries[entry].offer : 0, shelves - before);
}

trib_status apply_shelf(struct trib_engine *engine, const Tributary__ShelfPut *put, struct trib_error *error)
{
	struct trib_bytes record = trib_bytes(put->record.data, put->record.len);
	struct trib_shelf *shelf = &engine->shelf->now;

	if (!put->creator || put->creator > trib_domain_count(engine->domain, TRIB_NOUN_PARTY) ||
	    put->kind >= TRIB_SHELF_KINDS || !put->kind || put->n_goods != put->n_shelves ||
	    !trib_shelf_read(record, shelf) || !shelf->version || !are_known(engine, shelf))
		return trib_fail(error, TRIB_CORRUPT, "event", "found a shelf of other nouns than there are");
	for (size_t i = 0; i < put->n_goods; i++)
		if (put->goods[i] > trib_domain_count(engine->domain, TRIB_NOUN_GOODS))
			return trib_fail(error, TRIB_CORRUPT, "event", "found a shelf of unknown goods");
	for (size_t i = 0; i < put->n_goods; i++) {
		count_listed(engine, shelf, put->goods[i], put->shelves[i]);
		people_listed(engine, put->creator, put->goods[i]);
	}
	shelves_put(engine->shelves, put->creator, (enum trib_shelf_kind)put->kind, trib_record_of(record));
	for (size_t i = 0; i < put->n_goods; i++)
		shelves_set_of_goods(engine->shelves, put->goods[i], put->shelves[i]);
	return TRIB_OK;
}

trib_status shelf_load_counts(struct trib_engine *engine, struct trib_bytes key, struct trib_bytes value,
			      struct trib_error *error)
{
	if (key.size == 4 && shelves_load_block(engine->shelves, trib_key_read_u32(key.data), value))
		return TRIB_OK;
	return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no counts of shelves");
}

/* --- Decide ------------------------------------------------------------------------------------------- */

struct shelving {
	struct trib_engine *engine;
	const struct trib_shelf *before;
	struct trib_shelf *now;
	uint32_t creator;
	bool whole; /* what is not stated is nothing, rather than as it was */
	const char *list; /* what callers call it */
	enum trib_outcome outcome;
	struct trib_error *error;
};

static struct trib_bytes text_of(const char *text)
{
	return trib_bytes_text(text ? text : "");
}

static trib_status fail_at(struct shelving *shelving, trib_status status, size_t i, const char *field,
			   struct trib_bytes found, const char *expected)
{
	char at[64];

	snprintf(at, sizeof(at), "%s[%zu].%s", shelving->list, i, field);
	return trib_fail(shelving->error, status, at, "found \"%.*s\", expected %s",
			 (int)TRIB_MIN(found.size, (size_t)64), found.data, expected);
}

/* The play of the plan that was chosen, or else of the one that rules. */
static trib_status ask_play(struct shelving *shelving, size_t i, const struct trib_shelf_entry *entry, uint32_t plan)
{
	struct trib_engine *engine = shelving->engine;
	struct trib_error why;
	trib_status status = points_list(engine, shelving->creator, entry->goods, entry->offer, entry->offer ? entry->offer : plan,
					 NULL, &why);
	char at[64];

	if (status == TRIB_OK)
		return TRIB_OK;
	snprintf(at, sizeof(at), "%s[%zu]", shelving->list, i);
	return trib_fail(shelving->error, status, at, "%s: %s", why.at, why.text);
}

/* As with a link: terms must say yes now, and an offer that is stated must be open. */
static trib_status check_terms(struct shelving *shelving, size_t i, const struct trib_shelf_entry *entry)
{
	const struct trib_engine *engine = shelving->engine;
	const struct trib_terms_request request = { .goods = entry->goods, .creator = shelving->creator,
						    .offer = entry->offer, .at_ms = engine->now_ms,
						    .lock_ms = engine->now_ms };
	struct trib_terms terms;
	char at[64];

	trib_terms_resolve(engine->domain, &request, &terms);
	if (terms.outcome == TRIB_OUTCOME_NONE && entry->offer)
		terms.outcome = terms.offer_outcome;
	if (terms.outcome == TRIB_OUTCOME_NONE)
		return ask_play(shelving, i, entry, terms.plan);
	shelving->outcome = (enum trib_outcome)terms.outcome;
	snprintf(at, sizeof(at), "%s[%zu]", shelving->list, i);
	return trib_fail(shelving->error, TRIB_REFUSED, at, "%s", trib_outcome_text(shelving->outcome));
}

/* What a ShelfEntry says, over what stood there before. */
static trib_status read_entry(struct shelving *shelving, const Tributary__ShelfEntry *stated, size_t i,
			      struct trib_shelf_entry *entry)
{
	const struct trib_domain *domain = shelving->engine->domain;
	enum trib_shelf_policy policy = TRIB_SHELF_POLICY_SHELF;
	struct trib_bytes offer = text_of(stated->offer), group = text_of(stated->group);

	if (stated->offer) {
		entry->offer = offer.size ? trib_domain_find(domain, TRIB_NOUN_PLAN, offer) : 0;
		if (offer.size && !entry->offer)
			return fail_at(shelving, TRIB_NOT_FOUND, i, "offer", offer, "the id of a known plan");
	}
	if (stated->group) {
		if (group.size > TRIB_LIMIT_EXTERNAL_ID_BYTES || !trib_utf8_valid(group))
			return fail_at(shelving, TRIB_INVALID, i, "group", group, "at most 64 bytes of UTF-8");
		entry->group = group.size ? trib_shelf_group(shelving->now, group) : 0;
		if (group.size && !entry->group)
			return fail_at(shelving, TRIB_LIMIT, i, "group", group, "a shelf to have fewer groups");
	}
	if (stated->policy) {
		trib_shelf_policy_of(text_of(stated->policy), &policy);
		entry->policy = (uint8_t)policy;
	}
	return TRIB_OK;
}

static trib_status list_one(struct shelving *shelving, const Tributary__ShelfEntry *stated, size_t i)
{
	struct trib_bytes goods = text_of(stated->goods);
	struct trib_shelf_entry entry = { .goods = trib_domain_find(shelving->engine->domain, TRIB_NOUN_GOODS, goods) };

	if (!entry.goods)
		return fail_at(shelving, TRIB_NOT_FOUND, i, "goods", goods, "the id of known goods");
	uint32_t stood = trib_shelf_find(shelving->now, entry.goods);
	uint32_t before = trib_shelf_find(shelving->before, entry.goods);

	if (shelving->whole && stood != TRIB_SHELF_NOWHERE)
		return fail_at(shelving, TRIB_INVALID, i, "goods", goods, "each goods once");
	if (stood != TRIB_SHELF_NOWHERE)
		entry = shelving->now->entries[stood];
	trib_status status = read_entry(shelving, stated, i, &entry);
	bool same = before != TRIB_SHELF_NOWHERE && shelving->before->entries[before].offer == entry.offer;

	/* What stands there already may be stated again, whatever has become of its offer; nobody is told of that twice. */
	entry.told = same && shelving->before->entries[before].told;
	/* A plan that speaks to others is as unknown to a creator as one that is not there. */
	if (status == TRIB_OK && !same && entry.offer &&
	    trib_domain_actor(shelving->engine->domain)->role == TRIB_ACCESS_CREATOR &&
	    trib_terms_of_plan(shelving->engine->domain, entry.offer, shelving->creator, shelving->engine->now_ms) ==
		    TRIB_OUTCOME_NO_PLAN)
		status = fail_at(shelving, TRIB_NOT_FOUND, i, "offer", text_of(stated->offer), "the id of a known plan");
	if (status == TRIB_OK && !same)
		status = check_terms(shelving, i, &entry);
	if (status == TRIB_OK &&
	    !trib_shelf_put(shelving->now, entry, stated->has_place && !shelving->whole ? stated->place : TRIB_SHELF_NOWHERE))
		status = trib_fail(shelving->error, TRIB_LIMIT, shelving->list, "found more entries, expected at most %d",
				   TRIB_LIMIT_SHELF_ENTRIES);
	return status;
}

static trib_status list_all(struct shelving *shelving, size_t n, Tributary__ShelfEntry *const *entries)
{
	trib_status status = TRIB_OK;

	for (size_t i = 0; status == TRIB_OK && i < n; i++)
		status = list_one(shelving, entries[i], i);
	return status;
}

static trib_status set_groups(struct shelving *shelving, size_t n, char *const *names)
{
	struct trib_bytes groups[TRIB_LIMIT_SHELF_GROUPS];

	if (n > TRIB_LIMIT_SHELF_GROUPS)
		return trib_fail(shelving->error, TRIB_LIMIT, "groups", "found %zu, expected at most %d", n, TRIB_LIMIT_SHELF_GROUPS);
	for (size_t i = 0; i < n; i++) {
		groups[i] = text_of(names[i]);
		for (size_t j = 0; j < i; j++)
			if (trib_bytes_equal(groups[i], groups[j]))
				return engine_refuse(shelving->error, "groups", groups[i], "each group once");
		if (groups[i].size == 0 || !trib_utf8_valid(groups[i]))
			return engine_refuse(shelving->error, "groups", groups[i], "one or more bytes of UTF-8");
	}
	trib_shelf_set_groups(shelving->now, groups, (uint32_t)n);
	return TRIB_OK;
}

static void set_policy(struct shelving *shelving, const char *word)
{
	enum trib_shelf_policy policy = TRIB_SHELF_POLICY_FALL_BACK;

	if (word)
		trib_shelf_policy_of(text_of(word), &policy);
	shelving->now->policy = (uint8_t)policy;
}

/* Goods that are not known are on no shelf: taking them off once more does nothing, ordering them makes no sense. */
static trib_status take_off(struct shelving *shelving, size_t n, char *const *ids)
{
	for (size_t i = 0; i < n; i++)
		trib_shelf_remove(shelving->now,
				  trib_domain_find(shelving->engine->domain, TRIB_NOUN_GOODS, text_of(ids[i])));
	return TRIB_OK;
}

static trib_status put_in_order(struct shelving *shelving, size_t n, char *const *ids)
{
	uint32_t *goods = shelving->engine->shelf->goods[0];

	if (n > TRIB_LIMIT_SHELF_ENTRIES)
		return trib_fail(shelving->error, TRIB_LIMIT, "order", "found %zu, expected at most %d", n, TRIB_LIMIT_SHELF_ENTRIES);
	for (size_t i = 0; i < n; i++) {
		goods[i] = trib_domain_find(shelving->engine->domain, TRIB_NOUN_GOODS, text_of(ids[i]));
		if (!goods[i] || trib_shelf_find(shelving->now, goods[i]) == TRIB_SHELF_NOWHERE)
			return engine_refuse(shelving->error, "order", text_of(ids[i]), "goods that are on the shelf");
		for (size_t j = 0; j < i; j++)
			if (goods[i] == goods[j])
				return engine_refuse(shelving->error, "order", text_of(ids[i]), "each goods once");
	}
	trib_shelf_order(shelving->now, goods, (uint32_t)n);
	return TRIB_OK;
}

static trib_status change(struct shelving *shelving, const Tributary__ShelfChange *change)
{
	trib_status status;

	if (change->clear)
		shelving->now->count = 0;
	if ((status = take_off(shelving, change->n_remove, change->remove)) != TRIB_OK ||
	    (status = list_all(shelving, change->n_list, change->list)) != TRIB_OK ||
	    (status = put_in_order(shelving, change->n_order, change->order)) != TRIB_OK)
		return status;
	if (change->n_groups)
		status = set_groups(shelving, change->n_groups, change->groups);
	if (change->policy)
		set_policy(shelving, change->policy);
	return status;
}

static trib_status replace(struct shelving *shelving, const Tributary__Shelf *shelf)
{
	shelving->now->count = shelving->now->group_count = 0;
	set_policy(shelving, shelf->policy);
	trib_status status = set_groups(shelving, shelf->n_groups, shelf->groups);

	return status == TRIB_OK ? list_all(shelving, shelf->n_entries, shelf->entries) : status;
}

/* --- The event ---------------------------------------------------------------------------------------- */

static int compare_u32(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

static void sorted_goods(const struct trib_shelf *shelf, uint32_t *goods)
{
	for (uint32_t i = 0; i < shelf->count; i++)
		goods[i] = shelf->entries[i].goods;
	qsort(goods, shelf->count, sizeof(*goods), compare_u32);
}

/* Goods on one of the two shelves only, and on how many they are now. */
static bool count_goods(struct shelving *shelving, Tributary__ShelfPut *put, struct trib_shelf_answer *answer)
{
	struct trib_engine *engine = shelving->engine;
	uint32_t *before = engine->shelf->goods[0], *now = engine->shelf->goods[1];
	uint32_t n_before = shelving->before->count, n_now = shelving->now->count, i = 0, j = 0;

	sorted_goods(shelving->before, before);
	sorted_goods(shelving->now, now);
	put->goods = trib_arena_alloc(&engine->arena, ((size_t)n_before + n_now) * sizeof(uint32_t));
	put->shelves = trib_arena_alloc(&engine->arena, ((size_t)n_before + n_now) * sizeof(uint32_t));
	if (!put->goods || !put->shelves)
		return false;
	while (i < n_before || j < n_now) {
		bool left = j == n_now || (i < n_before && before[i] < now[j]);
		bool came = i == n_before || (j < n_now && now[j] < before[i]);
		uint32_t goods = left ? before[i] : now[j], count = shelves_of_goods(engine->shelves, goods);

		i += !came;
		j += !left;
		if (!left && !came)
			continue;
		put->goods[put->n_goods++] = goods;
		put->shelves[put->n_shelves++] = left ? count - (count > 0) : count + 1;
		answer->removed += left;
		answer->added += came;
	}
	return true;
}

static trib_status record_shelf(struct shelving *shelving, enum trib_shelf_kind kind, struct trib_shelf_answer *answer)
{
	struct trib_engine *engine = shelving->engine;
	struct shelf_work *work = engine->shelf;
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__ShelfPut put = TRIBUTARY__SHELF_PUT__INIT;
	size_t before = trib_shelf_write(shelving->before, work->record[0]);
	size_t now = trib_shelf_write(shelving->now, work->record[1]);

	if (trib_bytes_equal(trib_bytes(work->record[0], before), trib_bytes(work->record[1], now)))
		return TRIB_OK;
	shelving->now->version++;
	now = trib_shelf_write(shelving->now, work->record[1]);
	put.has_creator = put.has_kind = put.has_record = 1;
	put.creator = shelving->creator;
	put.kind = kind;
	put.record = (ProtobufCBinaryData){ now, (uint8_t *)work->record[1] };
	if (!count_goods(shelving, &put, answer))
		return trib_fail(shelving->error, TRIB_NO_MEMORY, "", "a shelf needs more memory than a command has");
	answer->version = shelving->now->version;
	answer->total = shelving->now->count;
	event.kind_case = TRIBUTARY__EVENT__KIND_SHELF_PUT;
	event.shelf_put = &put;
	return engine_emit(engine, &event, shelving->error);
}

trib_status trib_engine_shelve(struct trib_engine *engine, const struct trib_shelf_request *request,
			       struct trib_shelf_answer *ret_answer, enum trib_outcome *ret_outcome,
			       struct trib_error *error)
{
	struct shelf_work *work = engine->shelf;
	struct shelving shelving = { .engine = engine, .before = &work->before, .now = &work->now, .error = error,
				     .whole = request->whole != NULL, .list = request->whole ? "entries" : "list" };
	struct trib_bytes record;
	enum trib_shelf_kind kind;
	trib_status status;

	*ret_outcome = TRIB_OUTCOME_NONE;
	trib_arena_reset(&engine->arena);
	if ((status = engine_begin(engine, 0, error)) != TRIB_OK ||
	    (status = shelf_find(engine, request->creator, request->kind, &shelving.creator, &kind, error)) != TRIB_OK ||
	    (status = shelf_record(engine, shelving.creator, kind, &record, error)) != TRIB_OK)
		return status;
	if (!trib_shelf_read(record, &work->before))
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no shelf");
	work->now = work->before;
	status = request->whole ? replace(&shelving, request->whole) : change(&shelving, request->change);
	*ret_outcome = shelving.outcome;
	if (status != TRIB_OK)
		return status;
	*ret_answer = (struct trib_shelf_answer){ .version = work->before.version, .total = work->before.count };
	status = record_shelf(&shelving, kind, ret_answer);
	ret_answer->position = engine->position;
	return status;
}

/* --- Calls -------------------------------------------------------------------------------------------- */

/* A creator's shelf, and the terms that it shows, are his own. */
trib_status shelf_check_actor(struct trib_call *call, bool writes)
{
	enum {
		WRITERS = TRIB_ACCESS_BIT(TRIB_ACCESS_ADMIN) | TRIB_ACCESS_BIT(TRIB_ACCESS_OPERATOR),
		READERS = WRITERS | TRIB_ACCESS_BIT(TRIB_ACCESS_ORDER_SERVICE) | TRIB_ACCESS_BIT(TRIB_ACCESS_AUDITOR) |
			  TRIB_ACCESS_BIT(TRIB_ACCESS_READ_ONLY),
	};
	const struct trib_actor *actor = &call->actor;

	if (TRIB_ACCESS_BIT(actor->role) & (writes ? WRITERS : READERS))
		return TRIB_OK;
	if (actor->role == TRIB_ACCESS_CREATOR && trib_bytes_equal(actor->party_id, call->name))
		return TRIB_OK;
	return trib_fail(&call->error, TRIB_FORBIDDEN, "creator", "found the shelf of \"%.*s\" and the role %s, expected the creator himself%s",
			 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data, trib_access_role_word(actor->role),
			 writes ? ", an operator or an admin" : ", or a role of the platform's");
}

trib_status call_shelve(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__ShelfChange clear = TRIBUTARY__SHELF_CHANGE__INIT;
	struct trib_shelf_request request = { .creator = call->name, .kind = call->node, .change = &clear };
	struct trib_shelf_answer answer;
	enum trib_outcome outcome;

	if (shelf_check_actor(call, true) != TRIB_OK)
		return TRIB_FORBIDDEN;
	clear.has_clear = clear.clear = 1;
	if (call->kind == TRIB_CALL_SHELF_PUT)
		request.whole = (const Tributary__Shelf *)call->body;
	else if (call->kind == TRIB_CALL_SHELF_CHANGE)
		request.change = (const Tributary__ShelfChange *)call->body;
	trib_status status = trib_engine_shelve(engine, &request, &answer, &outcome, &call->error);

	if (outcome != TRIB_OUTCOME_NONE)
		call->code = trib_outcome_word(outcome);
	if (status != TRIB_OK)
		return status;
	call->http_status = answer.version == 1 && answer.added ? 201 : 200;
	trib_buffer_add_text(&call->reply, "{\"creator\":");
	trib_json_add_string(&call->reply, call->name);
	trib_buffer_add_format(&call->reply,
			       ",\"kind\":\"%s\",\"version\":%u,\"total\":%u,\"added\":%u,\"removed\":%u,\"position\":%llu}",
			       trib_shelf_kind_word(trib_shelf_kind_of(call->node)), answer.version, answer.total,
			       answer.added, answer.removed, (unsigned long long)answer.position);
	return TRIB_OK;
}

trib_status trib_engine_shelves_of(const struct trib_engine *engine, struct trib_bytes goods, uint64_t *ret_count,
				   struct trib_error *error)
{
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_GOODS, goods);

	if (!number)
		return trib_fail(error, TRIB_NOT_FOUND, "goods", "found \"%.*s\", expected the id of known goods",
				 (int)TRIB_MIN(goods.size, (size_t)64), goods.data);
	*ret_count = shelves_of_goods(engine->shelves, number);
	return TRIB_OK;
}

trib_status call_goods_shelves(struct trib_engine *engine, struct trib_call *call)
{
	uint64_t count;
	trib_status status = trib_engine_shelves_of(engine, call->name, &count, &call->error);

	if (status != TRIB_OK)
		return status;
	trib_buffer_add_text(&call->reply, "{\"goods\":");
	trib_json_add_string(&call->reply, call->name);
	trib_buffer_add_format(&call->reply, ",\"shelves\":%llu}", (unsigned long long)count);
	return TRIB_OK;
}
