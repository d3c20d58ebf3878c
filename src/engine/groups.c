/*
 * Refunds of a whole order: one payment of several lines, shared out over them (commission/group.h).
 *
 *	 name     what the payment is called: EXT `parent` of its lines, or `o1` of `o1/1`
 *	 gather   its lines; and the refunds of the whole: those kept for lines to come, and those that lines have parts of
 *	 share    all parts anew, a pure function of what was gathered
 *	 record   an event for each line whose parts are others now
 *
 * Every line has a part of every refund of the whole, be it 0: so a repeat is known for as long as the lines are, and each
 * part bears what was answered for it. Whenever a line comes, or something is told of one, the parts are shared anew; one
 * that was cut off by a crash between two batches is made whole by the next message, or the repeat of the same.
 */
#include "engine/state.h"

/* A line of the payment, beside what sharing reads of it. */
struct member {
	struct trib_bytes order;
	uint64_t fingerprint;
	int64_t at_ms;
	uint32_t n_refunds;
	struct trib_group_line line;
};

struct group {
	struct trib_bytes name;
	struct member *members; /* by the time of the order, then id */
	struct trib_group_line *lines;
	int64_t *parts; /* by refund, then line */
	uint32_t n;
};

static trib_status no_memory(struct trib_error *error)
{
	return trib_fail(error, TRIB_NO_MEMORY, "order", "its lines need more memory than a command has");
}

struct trib_bytes groups_name(const struct trib_order_record *record)
{
	const char *slash = memchr(record->order.data, '/', record->order.size);

	for (uint32_t i = 0; i < record->n_ext; i++)
		if (trib_bytes_is(record->ext[i].key, "parent") && trib_external_id_valid(record->ext[i].value))
			return record->ext[i].value;
	return trib_bytes(record->order.data, slash ? (size_t)(slash - record->order.data) : 0);
}

/* --- Gather ------------------------------------------------------------------------------------------- */

/* A refund of the whole, as the part of some line tells it; answers are the sums of what its parts were answered. */
static bool add_whole(struct trib_engine *engine, const struct trib_refund *part)
{
	struct trib_life_messages *whole = &engine->life->whole;
	struct trib_refund refund = *part;
	uint32_t at = 0;

	for (uint32_t i = 0; i < whole->n_refunds; i++)
		if (trib_bytes_equal(whole->refunds[i].id, part->id)) {
			whole->refunds[i].remaining += part->remaining;
			whole->refunds[i].reversed += part->reversed;
			return true;
		}
	if (whole->n_refunds == TRIB_LIMIT_ORDER_REFUNDS)
		return true;
	refund.id.data = trib_arena_copy(&engine->arena, part->id);
	refund.amount = part->whole;
	refund.is_part = false;
	refund.whole = 0;
	while (at < whole->n_refunds && trib_refund_before(&whole->refunds[at], &refund))
		at++;
	memmove(&whole->refunds[at + 1], &whole->refunds[at], (whole->n_refunds - at) * sizeof(refund));
	whole->refunds[at] = refund;
	whole->n_refunds++;
	return refund.id.data != NULL;
}

static bool is_order(struct trib_engine *engine, struct trib_bytes name)
{
	struct trib_error error;
	uint64_t decision;

	return history_find_order(engine, name, trib_hash_keyed(name, engine->order_key), &decision, &error) == TRIB_OK;
}

bool groups_has_lines(struct trib_engine *engine, struct trib_bytes name)
{
	struct trib_error error;
	struct trib_bytes *ids;
	size_t n = 0;

	if (memchr(name.data, '/', name.size) || history_find_lines(engine, name, &ids, &n, &error) != TRIB_OK)
		return false;
	for (size_t i = 0; i < n; i++)
		if (is_order(engine, ids[i]) && trib_bytes_equal(groups_name(&engine->earlier), name))
			return true;
	return false;
}

/* What is kept of the whole: its statuses, and its refunds without their answers. */
static bool take_whole(struct trib_engine *engine, struct trib_bytes name)
{
	struct trib_life_messages *whole = &engine->life->whole;
	const struct kept_key key = kept_key(name, trib_hash_keyed(name, engine->order_key));
	struct trib_bytes body, order;

	memset(whole, 0, offsetof(struct trib_life_messages, edits));
	if (!kept_find(engine->kept, key, engine->now_ms, &body))
		return true;
	/* What sharing leads to may put the kept body anew. */
	body.data = trib_arena_copy(&engine->arena, body);
	if (!body.data || !trib_messages_kept_get(body, &order, whole))
		return false;
	/* An order of that name has taken them for its own. */
	if (whole->n_refunds && is_order(engine, name))
		whole->n_refunds = 0;
	for (uint32_t i = 0; i < whole->n_refunds; i++)
		whole->refunds[i].remaining = whole->refunds[i].reversed = 0;
	return true;
}

static trib_status add_member(struct trib_engine *engine, struct group *group, struct trib_bytes order,
			      struct trib_error *error)
{
	struct life_work *life = engine->life;
	struct member *member = &group->members[group->n];
	uint64_t decision;

	*member = (struct member){ .order = order, .fingerprint = trib_hash_keyed(order, engine->order_key) };
	trib_status status = lifecycle_find(engine, order, member->fingerprint, &decision, error);

	if (status != TRIB_OK || !trib_bytes_equal(groups_name(&engine->earlier), group->name))
		return status;
	const struct trib_life_messages *messages = &life->messages;
	struct trib_group_line *line = &member->line;

	line->edits = trib_arena_alloc(&engine->arena, messages->n_edits * sizeof(*line->edits));
	line->own = trib_arena_alloc(&engine->arena, messages->n_refunds * sizeof(*line->own));
	if (!line->edits || !line->own)
		return no_memory(error);
	trib_group_line_of(&life->order, messages, line);
	for (uint32_t i = 0; i < line->n_own; i++)
		if (!(line->own[i].id.data = trib_arena_copy(&engine->arena, line->own[i].id)))
			return no_memory(error);
	for (uint32_t i = 0; i < messages->n_refunds; i++)
		if (messages->refunds[i].is_part && !add_whole(engine, &messages->refunds[i]))
			return no_memory(error);
	member->at_ms = engine->earlier.at_ms;
	member->n_refunds = messages->n_refunds;
	group->n++;
	return TRIB_OK;
}

static int compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;

	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms ? -1 : 1;
	return trib_bytes_compare(a->order, b->order);
}

static int compare_ids(const void *left, const void *right)
{
	return trib_bytes_compare(*(const struct trib_bytes *)left, *(const struct trib_bytes *)right);
}

/* The lines, and life->whole. */
static trib_status gather(struct trib_engine *engine, struct trib_bytes name, struct group *group,
			  struct trib_error *error)
{
	struct trib_bytes *ids;
	size_t n;
	trib_status status = history_find_lines(engine, name, &ids, &n, error);

	if (status != TRIB_OK)
		return status;
	*group = (struct group){ .name = name,
				 .members = trib_arena_alloc(&engine->arena, n * sizeof(*group->members)),
				 .lines = trib_arena_alloc(&engine->arena, n * sizeof(*group->lines)),
				 .parts = trib_arena_alloc(&engine->arena, n * TRIB_LIMIT_ORDER_REFUNDS * sizeof(*group->parts)) };
	if (!group->members || !group->lines || !group->parts || !take_whole(engine, name))
		return no_memory(error);
	/* Sorted, as one that is found twice is one. */
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 0; status == TRIB_OK && i < n; i++)
		if (i == 0 || !trib_bytes_equal(ids[i], ids[i - 1]))
			status = add_member(engine, group, ids[i], error);
	qsort(group->members, group->n, sizeof(*group->members), compare_members);
	for (uint32_t i = 0; i < group->n; i++)
		group->lines[i] = group->members[i].line;
	return status;
}

static void share(struct trib_engine *engine, struct group *group)
{
	const struct trib_life_messages *whole = &engine->life->whole;

	trib_group_share(group->lines, group->n, whole->refunds, whole->n_refunds, group->parts);
}

/* --- Record ------------------------------------------------------------------------------------------- */

/* The line's parts into life->messages. True: they are others than before. */
static bool set_parts(struct trib_engine *engine, const struct group *group, uint32_t line)
{
	struct life_work *life = engine->life;
	struct trib_refund parts[TRIB_LIMIT_ORDER_REFUNDS];
	uint32_t n = life->whole.n_refunds;

	for (uint32_t k = 0; k < n; k++) {
		parts[k] = life->whole.refunds[k];
		parts[k].is_part = true;
		parts[k].whole = parts[k].amount;
		parts[k].amount = group->parts[(size_t)k * group->n + line];
		parts[k].remaining = parts[k].reversed = 0;
	}
	return trib_life_set_parts(&life->messages, parts, n);
}

/* Gives one line its parts; where `told` names a refund of the whole, its answer is added up. */
static trib_status record_line(struct trib_engine *engine, const struct group *group, uint32_t i, const struct trib_bytes *told,
			       struct trib_refund_answer *answer, struct trib_error *error)
{
	const struct member *member = &group->members[i];
	struct life_work *life = engine->life;
	struct trib_refund_answer one = { 0 };
	uint64_t decision;
	trib_status status = lifecycle_find(engine, member->order, member->fingerprint, &decision, error);

	if (status != TRIB_OK)
		return status;
	bool changed = set_parts(engine, group, i);

	if (!changed && !told)
		return TRIB_OK;
	lifecycle_compute(engine);
	for (uint32_t k = 0; told && k < life->messages.n_refunds; k++)
		if (life->messages.refunds[k].is_part && trib_bytes_equal(life->messages.refunds[k].id, *told))
			lifecycle_answer_refund(engine, k, &one);
	answer->remaining += one.remaining;
	answer->reversed += one.reversed;
	return lifecycle_record(engine, member->order, member->fingerprint, decision, error);
}

static trib_status record_lines(struct trib_engine *engine, const struct group *group, const struct trib_bytes *told,
				struct trib_refund_answer *answer, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; status == TRIB_OK && i < group->n; i++)
		status = record_line(engine, group, i, told, answer, error);
	return status;
}

trib_status groups_share_again(struct trib_engine *engine, struct trib_bytes name, struct trib_error *error)
{
	struct trib_refund_answer answer = { 0 };
	struct group group;
	trib_status status = gather(engine, trib_bytes(trib_arena_copy(&engine->arena, name), name.size), &group, error);

	if (status != TRIB_OK || !engine->life->whole.n_refunds)
		return status;
	share(engine, &group);
	return record_lines(engine, &group, NULL, &answer, error);
}

/* --- REFUND ------------------------------------------------------------------------------------------- */

/* Is there room for a further refund of the whole? */
static trib_status admit(const struct group *group, const struct trib_refund_request *request, int64_t at_ms,
			 struct trib_error *error)
{
	int64_t left = trib_group_remaining(group->lines, group->n, at_ms);

	if (request->qty)
		return trib_fail(error, TRIB_INVALID, "QTY", "found one for an order of %u lines, expected it for a line", group->n);
	if (trib_refund_effect(request->kind) == TRIB_REFUND_LOWERS && request->amount > left)
		return trib_fail(error, TRIB_OVER_REFUND, "amount", "found %lld, expected at most the %lld that remain of %u lines",
				 (long long)request->amount, (long long)left, group->n);
	for (uint32_t i = 0; i < group->n; i++)
		if (group->members[i].n_refunds == TRIB_LIMIT_ORDER_REFUNDS)
			return trib_fail(error, TRIB_LIMIT, "refund", "found one more, expected at most %d of each line",
					 TRIB_LIMIT_ORDER_REFUNDS);
	return TRIB_OK;
}

static bool is_told_at(const struct trib_group_line *line, int64_t at_ms)
{
	for (uint32_t i = 0; i < line->n_own; i++)
		if (line->own[i].at_ms == at_ms)
			return true;
	for (uint32_t i = 0; i < line->n_edits; i++)
		if (line->edits[i].at_ms == at_ms)
			return true;
	return line->invalid_ms == at_ms;
}

/*
 * A refund that states no AT comes behind what was told of the lines in the same millisecond, too: engine time stands still
 * within a batch. Returns its new place.
 */
static uint32_t come_behind(const struct group *group, struct trib_life_messages *messages, uint32_t at)
{
	struct trib_refund refund = messages->refunds[at];
	bool taken = true;

	while (taken) {
		taken = false;
		for (uint32_t i = 0; i < group->n; i++)
			taken |= is_told_at(&group->lines[i], refund.at_ms);
		for (uint32_t i = 0; i < messages->n_refunds; i++)
			taken |= i != at && messages->refunds[i].at_ms == refund.at_ms;
		refund.at_ms += taken;
	}
	messages->refunds[at] = refund;
	for (; at + 1 < messages->n_refunds && trib_refund_before(&messages->refunds[at + 1], &refund); at++) {
		messages->refunds[at] = messages->refunds[at + 1];
		messages->refunds[at + 1] = refund;
	}
	return at;
}

trib_status groups_refund(struct trib_engine *engine, const struct trib_refund_request *request, bool *ret_found,
			  struct trib_refund_answer *ret_answer, struct trib_error *error)
{
	struct life_work *life = engine->life;
	struct trib_refund_answer answer = { 0 };
	struct group group;
	uint32_t at;
	bool changed;
	trib_status status = gather(engine, request->order, &group, error);

	*ret_found = status == TRIB_OK && group.n > 0;
	if (!*ret_found)
		return status;
	share(engine, &group);
	life->messages = life->whole;
	status = lifecycle_tell_refund(engine, request, false, &changed, &at, error);
	if (status == TRIB_OK && changed && !request->has_at)
		at = come_behind(&group, &life->messages, at);
	if (status != TRIB_OK ||
	    (changed && (status = admit(&group, request, life->messages.refunds[at].at_ms, error)) != TRIB_OK))
		return status;
	answer.remaining = changed ? 0 : life->messages.refunds[at].remaining;
	answer.reversed = changed ? 0 : life->messages.refunds[at].reversed;
	life->whole = life->messages;
	share(engine, &group);
	/*
	 * In one batch, if they fit. Kept first: lines to come take their part of it, too; where there is no room to keep more,
	 * only those do that are there.
	 */
	if (changed && ((status = engine_reserve(engine, GROUPS_BATCH_BYTES, error)) != TRIB_OK ||
			((status = lifecycle_keep(engine, request->order, error)) != TRIB_OK && status != TRIB_LIMIT)))
		return status;
	status = record_lines(engine, &group, changed ? &request->refund : NULL, &answer, error);
	*ret_answer = answer;
	return status;
}
