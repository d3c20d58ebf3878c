/* A small market in a real engine on a temporary folder, for tests of the engine and of the doors. */
#ifndef TRIB_TEST_ENGINE_WORLD_H
#define TRIB_TEST_ENGINE_WORLD_H

#include "test.h"

#include <ftw.h>
#include "engine/engine.h"

struct world_clock {
	struct trib_clock clock;
	int64_t ms;
};

static inline int64_t world_wall_ms(struct trib_clock *clock)
{
	return ((struct world_clock *)clock)->ms;
}

static inline int64_t world_monotonic_ns(struct trib_clock *clock)
{
	return ((struct world_clock *)clock)->ms * 1000000;
}

/* Noon of some day in 2026. */
#define WORLD_START_MS INT64_C(1790000000000)
#define WORLD_DAY_MS   INT64_C(86400000)

struct world {
	char folder[64];
	struct world_clock clock;
	struct trib_engine_options options;
	struct trib_engine *engine;
};

static struct world world;

static inline void world_open(void)
{
	struct trib_error error;
	trib_status status = trib_engine_open(&world.options, &world.engine, &error);

	assert_ok(status, error);
}

/* A new folder and the options for it; nothing is open. */
static inline int world_prepare(void)
{
	snprintf(world.folder, sizeof(world.folder), "%s", "/tmp/trib-engine-XXXXXX");
	if (!mkdtemp(world.folder))
		return -1;
	world.clock = (struct world_clock){ { world_wall_ms, world_monotonic_ns }, WORLD_START_MS };
	world.options = (struct trib_engine_options){ .data = world.folder, .clock = &world.clock.clock,
						      .segment_bytes = 1 << 20, .ring_bytes = 1 << 22,
						      .order_index_bytes = 1 << 20,
						      .touches_bytes = 64 << 20, .foreground = true };
	return 0;
}

static inline int world_setup(void **state)
{
	if (world_prepare() != 0)
		return -1;
	world_open();
	return 0;
}

static inline int world_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static inline int world_teardown(void **state)
{
	trib_engine_close(world.engine);
	world.engine = NULL;
	return nftw(world.folder, world_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Time passes between two batches. */
static inline void world_pass(int64_t ms)
{
	trib_engine_settle(world.engine);
	world.clock.ms += ms;
}

/* A graceful stop and start. */
static inline void world_restart(void)
{
	trib_engine_close(world.engine);
	world_open();
}

/* kill -9: only the journal and what checkpoints there were remain. */
static inline void world_crash(void)
{
	trib_engine_settle(world.engine);
	trib_engine_abandon(world.engine);
	world_open();
}

static inline void world_done(struct trib_call *call)
{
	*(bool *)call->context = true;
}

/* Runs a call to its end. The reply is the caller's to free. */
static inline void world_call(struct trib_call *call)
{
	bool done = false;

	trib_buffer_init(&call->reply, 1 << 24);
	call->done = world_done;
	call->context = &done;
	assert_true(trib_engine_submit(world.engine, call));
	while (!done) {
		trib_engine_turn(world.engine);
		trib_engine_settle(world.engine);
	}
}

/* What the last of the two below was answered: the beginning of its reply, and why not. */
static char world_reply[1 << 16];
static struct trib_error world_error;

static inline trib_status world_run(struct trib_call *call)
{
	world_call(call);
	snprintf(world_reply, sizeof(world_reply), "%.*s", (int)call->reply.size, call->reply.data ? call->reply.data : "");
	trib_buffer_fini(&call->reply);
	world_error = call->error;
	return call->status;
}

/* With a body that is given as JSON; `body` NULL: it has none. What is no message is refused as the door would. */
static inline trib_status world_ask(struct trib_call call, const ProtobufCMessageDescriptor *body, const char *json)
{
	struct trib_arena arena;
	ProtobufCMessage *message = NULL;
	trib_status status = TRIB_OK;

	trib_arena_init(&arena, 1 << 26);
	if (body)
		status = trib_proto_from_json(body, trib_bytes_text(json), &arena, &message, &world_error);
	call.body = message;
	if (status == TRIB_OK)
		status = world_run(&call);
	trib_arena_fini(&arena);
	return status;
}

static inline trib_status world_put_status(enum trib_noun noun, const char *json, struct trib_error *ret_error)
{
	struct trib_arena arena;
	ProtobufCMessage *message;
	struct trib_call call = { .kind = TRIB_CALL_PUT, .noun = noun };

	trib_arena_init(&arena, 1 << 24);
	trib_status status = trib_proto_from_json(trib_noun_descriptor(noun), trib_bytes_text(json), &arena, &message,
						  ret_error);

	if (status == TRIB_OK) {
		call.body = message;
		call.name = trib_bytes_text("x");
		world_call(&call);
		status = call.status;
		*ret_error = call.error;
		trib_buffer_fini(&call.reply);
	}
	trib_arena_fini(&arena);
	return status;
}

static inline void world_put(enum trib_noun noun, const char *json)
{
	struct trib_error error;
	trib_status status = world_put_status(noun, json, &error);

	assert_ok(status, error);
}

static inline void world_rules(const char *name, const char *json)
{
	struct trib_call put = { .kind = TRIB_CALL_RULES_PUT, .name = trib_bytes_text(name),
				 .source = trib_bytes_text(json) };

	world_call(&put);
	assert_ok(put.status, put.error);
	trib_buffer_fini(&put.reply);
	struct trib_call activate = { .kind = TRIB_CALL_RULES_ACTIVATE, .name = trib_bytes_text(name),
				      .version = trib_rules_latest(trib_engine_rules(world.engine),
								   trib_rules_number(trib_engine_rules(world.engine),
										     trib_bytes_text(name))) };

	world_call(&activate);
	assert_ok(activate.status, activate.error);
	trib_buffer_fini(&activate.reply);
}

/* Puts a play of these files, the first of which is play.yaml; activate: from now on it takes what is new. */
struct world_file {
	const char *name, *text;
};
static inline void world_play(const char *name, const struct world_file *files, size_t count, bool activate)
{
	Tributary__PlayPutRequest put_request = TRIBUTARY__PLAY_PUT_REQUEST__INIT;
	Tributary__ActivateRequest request = TRIBUTARY__ACTIVATE_REQUEST__INIT;
	Tributary__PlayFile file[4], *list[4];
	struct trib_call put = { .kind = TRIB_CALL_PLAY_PUT, .name = trib_bytes_text(name), .body = &put_request.base };
	struct trib_call call = { .kind = TRIB_CALL_PLAY_ACTIVATE, .name = trib_bytes_text(name), .body = &request.base };

	trib_assert(count <= 4);
	for (size_t i = 0; i < count; i++) {
		tributary__play_file__init(&file[i]);
		file[i].name = (char *)(uintptr_t)files[i].name;
		file[i].text = (char *)(uintptr_t)files[i].text;
		list[i] = &file[i];
	}
	put_request.files = list;
	put_request.n_files = count;
	world_call(&put);
	assert_ok(put.status, put.error);
	request.has_version = true;
	request.version = (uint32_t)strtoul(strstr(trib_buffer_text(&put.reply), "\"version\":") + 10, NULL, 10);
	trib_buffer_fini(&put.reply);
	if (!activate)
		return;
	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
}

/* Merchant m1 with goods g1 and g2, m2 with g3; creators c1, c2; 10 % on g1 and g3, none on g2. */
static inline void world_market(void)
{
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"m1\",\"roles\":[\"merchant\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"m2\",\"roles\":[\"merchant\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"l1\",\"roles\":[\"leader\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"level\":3,\"tags\":[\"mum\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c2\",\"roles\":[\"creator\"]}");
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"category\":\"beauty\",\"price\":1999}");
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"g2\",\"merchant\":\"m1\",\"price\":500}");
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"g3\",\"merchant\":\"m2\",\"price\":700,\"currency\":\"BRL\"}");
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],"
				  "\"terms\":{\"commission_bps\":1000}}");
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p3\",\"merchant\":\"m2\",\"goods\":[\"g3\"],"
				  "\"terms\":{\"commission_bps\":2000}}");
	world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\"}");
}

static inline trib_status world_link(const char *creator, const char *goods, char ret_token[128], enum trib_outcome *ret_outcome)
{
	const struct trib_link_request request = { .channel = trib_bytes_text("app"),
						   .creator = trib_bytes_text(creator),
						   .goods = trib_bytes_text(goods) };
	struct trib_error error;
	size_t size = 0;
	trib_status status = trib_engine_link(world.engine, &request, ret_token, &size, ret_outcome, &error);

	ret_token[size] = '\0';
	return status;
}

static inline const char *world_token(const char *creator, const char *goods)
{
	static char tokens[8][128];
	static unsigned next;
	char *token = tokens[next++ % 8];
	enum trib_outcome outcome;

	assert_int_equal(world_link(creator, goods, token, &outcome), TRIB_OK);
	return token;
}

static inline void world_touch(const char *user, const char *token)
{
	const struct trib_touch_request request = { .user = trib_bytes_text(user), .token = trib_bytes_text(token) };
	enum trib_touch_answer answer;
	struct trib_error error;
	trib_status status = trib_engine_touch(world.engine, &request, &answer, &error);

	assert_ok(status, error);
	assert_int_equal(answer, TRIB_TOUCH_RECORDED);
}

struct world_answer {
	trib_status status;
	struct trib_error error;
	enum trib_outcome outcome;
	int64_t charged;
	bool repeated;
	uint32_t n_slices, n_lines;
};

static inline void world_answered(void *context, size_t i, const struct trib_order_answer *answer)
{
	struct world_answer *result = (struct world_answer *)context + i;

	*result = (struct world_answer){ .status = answer->status, .repeated = answer->repeated };
	if (answer->status != TRIB_OK) {
		result->error = *answer->error;
		return;
	}
	result->outcome = answer->record->outcome;
	result->charged = answer->record->charged;
	result->n_slices = answer->record->n_slices;
	result->n_lines = answer->record->n_lines;
}

static inline struct world_answer world_order(const char *order, const char *user, const char *goods, int64_t base,
				       const char *token)
{
	const struct trib_order_request request = { .order = trib_bytes_text(order), .user = trib_bytes_text(user),
						    .goods = trib_bytes_text(goods), .token = trib_bytes_text(token),
						    .base_amount = base };
	struct world_answer answer;

	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	return answer;
}

static inline int64_t world_balance(const char *party, enum trib_word role)
{
	const struct trib_domain *domain = trib_engine_domain(world.engine);
	const struct trib_account account = {
		trib_domain_find(domain, TRIB_NOUN_PARTY, trib_bytes_text(party)), role,
		TRIB_WORD_CNY
	};

	return trib_ledger_balance(trib_engine_ledger(world.engine), account);
}

#endif
