/*
 * Any bytes as requests of merchants, leaders, creators and staff, one after the other to a real engine: entities and
 * imports, actions of life cycles, invitations, shelves, bulk edits, plays, webhooks. A NUL ends a request; its first line
 * is who asks, method and path, the rest its body:
 *
 *	A PUT /api/v1/goods/g9
 *	{"merchant": "m1"}
 *
 * A merchant m1, L leader l1, C creator c1, A an admin; T and a number: so many minutes pass. What is refused changes
 * nothing, an answer is JSON, and whatever was asked, the engine's rooms stay whole.
 */
#include <ftw.h>
#include "base/limits.h"
#include "engine/engine.h"
#include "server/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Between inputs the engine keeps memory in places where the leak checker does not look: mappings of its own. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

enum { INPUTS_OF_AN_ENGINE = 500, CHECK_EVERY = 16, REQUESTS_MAX = 32, LINES_MAX = 16, MINUTES_MAX = 60 * 24 * 400 };
#define START_MS INT64_C(1790000000000)

static struct trib_engine *engine;
static char folder[64];
static int64_t now_ms;
static unsigned inputs;

static int64_t wall_ms(struct trib_clock *clock TRIB_UNUSED)
{
	return now_ms;
}

static int64_t monotonic_ns(struct trib_clock *clock TRIB_UNUSED)
{
	return now_ms * 1000000;
}

static int remove_entry(const char *path, const struct stat *st TRIB_UNUSED, int flag TRIB_UNUSED, struct FTW *ftw TRIB_UNUSED)
{
	return remove(path);
}

static void on_done(struct trib_call *call)
{
	*(bool *)call->context = true;
}

/* Runs a call to its end. */
static void run(struct trib_call *call)
{
	bool done = false;

	call->done = on_done;
	call->context = &done;
	trib_buffer_init(&call->reply, TRIB_LIMIT_HTTP_REPLY_BYTES);
	trib_assert(trib_engine_submit(engine, call));
	while (!done) {
		trib_engine_turn(engine);
		trib_engine_settle(engine);
	}
}

/* --- A request ------------------------------------------------------------------------------------------ */

static uint64_t position(void)
{
	struct trib_engine_counts counts;

	trib_engine_count(engine, &counts);
	return counts.position;
}

/* Answers that are no JSON, or come of several parts, each of which may be refused. */
static bool is_many(enum trib_call_kind kind)
{
	switch (kind) {
	case TRIB_CALL_IMPORT:
	case TRIB_CALL_ENROL:
	case TRIB_CALL_ENROLMENTS_ACT:
	case TRIB_CALL_COOPERATION_OFFER:
	case TRIB_CALL_LINK: /* a carrier seen is a name, whatever becomes of the link */
	case TRIB_CALL_TOUCH:
	case TRIB_CALL_ORDER:
	case TRIB_CALL_RECORD: return true;
	default: return false;
	}
}

static void expect_json(const struct trib_call *call)
{
	const struct trib_json *json;
	struct trib_arena arena;
	struct trib_error error;

	if (call->content_type || call->kind == TRIB_CALL_SNAPSHOT || call->kind == TRIB_CALL_KEYS || !call->reply.size)
		return;
	trib_arena_init(&arena, 256 << 20);
	trib_assert(trib_json_parse(trib_buffer_bytes(&call->reply), 2 * TRIB_LIMIT_JSON_DEPTH, &arena, &json, &error) == TRIB_OK);
	trib_arena_fini(&arena);
}

/* Until the engine does nothing by itself any more: jobs, what is due. */
static uint64_t settle(void)
{
	uint64_t before, now = position();

	do {
		before = now;
		for (int i = 0; i < 3; i++) {
			trib_engine_turn(engine);
			trib_engine_settle(engine);
		}
		now = position();
	} while (now != before);
	return now;
}

static void ask(struct trib_call *call)
{
	uint64_t before;

	/* As the doors do. */
	if (!(trib_access_roles(call->kind, call->noun, true) & TRIB_ACCESS_BIT(call->actor.role)))
		return;
	before = settle();
	run(call);
	if (getenv("TRIB_FUZZ_TELL"))
		fprintf(stderr, "%.*s %.*s: %s %s %s\n", TRIB_BYTES_ARG(call->name), TRIB_BYTES_ARG(call->action),
			trib_status_word(call->status), call->status == TRIB_OK ? "" : call->error.at,
			call->status == TRIB_OK ? "" : call->error.text);
	if (call->status == TRIB_OK)
		expect_json(call);
	else
		trib_assert(call->error.text[0] && (is_many(call->kind) || call->position == before));
	trib_call_file_unref(call->file);
	trib_buffer_fini(&call->reply);
}

static struct trib_bytes take_line(struct trib_bytes *rest)
{
	const char *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
	size_t size = end ? (size_t)(end - rest->data) : rest->size;
	struct trib_bytes line = trib_bytes(rest->data, size);

	*rest = trib_bytes(rest->data + size + (end != NULL), rest->size - size - (end != NULL));
	return line;
}

/* NDJSON; those that are no entities are left out. */
static void import(struct trib_call *call, struct trib_bytes body, struct trib_arena *arena)
{
	const ProtobufCMessage *items[LINES_MAX];
	trib_status statuses[LINES_MAX];
	struct trib_error errors[LINES_MAX], error;
	ProtobufCMessage *message;

	while (body.size && call->n_items < LINES_MAX) {
		struct trib_bytes line = take_line(&body);

		if (trib_proto_from_json(trib_noun_descriptor(call->noun), line, arena, &message, &error) != TRIB_OK)
			continue;
		statuses[call->n_items] = TRIB_OK;
		items[call->n_items++] = message;
	}
	call->items = items;
	call->item_status = statuses;
	call->item_errors = errors;
	ask(call);
}

static void set_id(struct trib_call *call, ProtobufCMessage *message, struct trib_arena *arena)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "id");

	*(char **)((char *)message + field->offset) = trib_arena_copy(arena, call->name);
}

static void ask_route(const struct trib_route_match *match, struct trib_call *call, struct trib_bytes body,
		      struct trib_arena *arena)
{
	const struct trib_route *route = match->route;
	ProtobufCMessage *message = NULL;
	struct trib_error error;

	if (route->body == TRIB_BODY_LINES) {
		import(call, body, arena);
		return;
	}
	if (route->body == TRIB_BODY_MESSAGE || route->body == TRIB_BODY_NOUN) {
		if (!body.size)
			body = trib_bytes_text("{}");
		if (trib_proto_from_json(route->body == TRIB_BODY_NOUN ? trib_noun_descriptor(call->noun) : route->message, body,
					 arena, &message, &error) != TRIB_OK)
			return;
		if (route->body == TRIB_BODY_NOUN || call->kind == TRIB_CALL_WEBHOOK_PUT)
			set_id(call, message, arena);
	}
	if (route->body == TRIB_BODY_RULES)
		call->source = body;
	call->body = message;
	if (call->kind == TRIB_CALL_RULES_ACTIVATE)
		call->version = ((const Tributary__ActivateRequest *)message)->version;
	ask(call);
}

static struct trib_actor actor_of(char letter)
{
	switch (letter) {
	case 'M': return (struct trib_actor){ .role = TRIB_ACCESS_MERCHANT, .party_id = trib_bytes_text("m1") };
	case 'L': return (struct trib_actor){ .role = TRIB_ACCESS_LEADER, .party_id = trib_bytes_text("l1") };
	case 'C': return (struct trib_actor){ .role = TRIB_ACCESS_CREATOR, .party_id = trib_bytes_text("c1") };
	default: return (struct trib_actor){ .role = TRIB_ACCESS_ADMIN };
	}
}

static void request(struct trib_bytes text)
{
	struct trib_bytes line = take_line(&text), name;
	struct trib_route_match match = { 0 };
	struct trib_call call = { 0 };
	struct trib_arena arena;
	char method[8], path[512], letter;
	uint64_t number = 1;

	snprintf(path, sizeof(path), "%.*s", TRIB_BYTES_ARG(line));
	if (sscanf(path, "T %7[0-9]", method) == 1) {
		now_ms += TRIB_MIN(strtoll(method, NULL, 10), (long long)MINUTES_MAX) * 60000;
		return;
	}
	if (sscanf(path, "%c %7s", &letter, method) != 2)
		return;
	line = trib_bytes_text(path);
	const char *at = strchr(path + 2, ' ');

	if (!at || trib_route_find(method, trib_bytes_text(at + 1), &match) != TRIB_ROUTE_FOUND ||
	    (match.route->action != TRIB_ACTION_CALL && match.route->action != TRIB_ACTION_IMPORT))
		return;
	trib_arena_init(&arena, 64 << 20);
	call.kind = match.route->call;
	call.action = match.action;
	call.actor = actor_of(letter);
	if (match.noun.size)
		trib_noun_find(match.noun, &call.noun);
	bool good = (!match.id.size || (trib_percent_decode(match.id, &arena, &name) && trib_external_id_valid(name))) &&
		    (!match.node.size || (trib_percent_decode(match.node, &arena, &call.node) && trib_utf8_valid(call.node))) &&
		    (!match.version.size || (trib_bytes_to_u64(match.version, &number) && number && number < UINT32_MAX));

	if (match.id.size)
		call.name = name;
	call.version = (uint32_t)number;
	if (good)
		ask_route(&match, &call, text, &arena);
	trib_arena_fini(&arena);
}

/* --- The engine ----------------------------------------------------------------------------------------- */

static void end_engine(void)
{
	if (!engine)
		return;
	trib_engine_abandon(TRIB_TAKE_PTR(engine));
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *const market[] = {
	"A PUT /api/v1/parties/m1\n{\"roles\":[\"merchant\"]}",
	"A PUT /api/v1/parties/l1\n{\"roles\":[\"leader\"]}",
	"A PUT /api/v1/parties/l2\n{\"roles\":[\"leader\"]}",
	"A PUT /api/v1/parties/c1\n{\"roles\":[\"creator\"],\"level\":3}",
	"A PUT /api/v1/parties/c2\n{\"roles\":[\"creator\"]}",
	"A PUT /api/v1/goods/g1\n{\"merchant\":\"m1\",\"price\":1999,\"category\":\"beauty\"}",
	"A PUT /api/v1/goods/g2\n{\"merchant\":\"m1\",\"price\":500}",
	"A PUT /api/v1/registrations/r1\n{\"channel\":\"app\"}",
	"A PUT /api/v1/webhooks/w1\n{\"url\":\"http://127.0.0.1:9/\",\"kinds\":[\"*\"]}",
	"A PUT /api/v1/plays/pl\n{\"files\":[{\"name\":\"play.yaml\",\"text\":\"name: pl\\nwhen: request.scene == 'live'\\ncapabilities:\\n"
	"  plan.price: [{cel: commission_bps + 7}]\\n\"},{\"name\":\"flow.yaml\",\"text\":\"flows:\\n  plan.put:\\n    - do: notify\\n"
	"    - {when: commission_bps > 5000, wait: approval, what: much}\\n    - {when: commission_bps > 4000, refuse: no}\\n"
	"    - do: plan.price\\n\"}]}",
	"A POST /api/v1/plays/pl:activate\n{\"version\":1}",
	"M PUT /api/v1/plans/p1\n{\"merchant\":\"m1\",\"goods\":[\"g1\",\"g2\"],\"terms\":{\"commission_bps\":1000}}",
	"L PUT /api/v1/activities/a1\n{\"leader\":\"l1\",\"title\":\"t\",\"leader2\":{}}",
	"L POST /api/v1/activities/a1:publish\n{}",
};

static void begin_engine(void)
{
	static struct trib_clock clock = { wall_ms, monotonic_ns };
	const struct trib_engine_options options = { .data = folder, .clock = &clock, .sync = TRIB_JOURNAL_SYNC_OFF,
						     .segment_bytes = 16 << 20, .ring_bytes = 16 << 20,
						     .order_index_bytes = 1 << 20, .touches_bytes = 64 << 20,
						     .outbox_allow = "http://127.0.0.1:9/", .foreground = true };
	struct trib_error error;

	now_ms = START_MS;
	snprintf(folder, sizeof(folder), "/tmp/trib-fuzz-XXXXXX");
	trib_assert(mkdtemp(folder));
	trib_assert(trib_engine_open(&options, &engine, &error) == TRIB_OK);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(market); i++) {
		uint64_t before = position();

		request(trib_bytes_text(market[i]));
		trib_assert(position() > before);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;

	if (inputs++ % INPUTS_OF_AN_ENGINE == 0) {
		end_engine();
		begin_engine();
		if (inputs == 1) /* behind RocksDB's own, so that ours runs first */
			atexit(end_engine);
	}
	for (int i = 0; data < end && i < REQUESTS_MAX; i++, data++) {
		const uint8_t *nul = memchr(data, 0, (size_t)(end - data));

		nul = nul ? nul : end;
		request(trib_bytes(data, (size_t)(nul - data)));
		data = nul;
	}
	settle();
	if (inputs < CHECK_EVERY || inputs % CHECK_EVERY == 0) {
		const char *reason = "";

		trib_assert(trib_engine_check(engine, &reason));
	}
	return 0;
}
