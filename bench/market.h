/*
 * What benches of a whole engine begin with: 64 merchants, creators, goods and plans, 4,096 tokens that link each
 * creator to each of the goods, and batches of orders that bear one of them each.
 *
 *	bench_market_make(engine);
 *	trib_engine_orders(engine, bench_market_batch(first), BENCH_BATCH, answered, NULL);    // orders "o<first>" and on
 */
#ifndef TRIB_BENCH_MARKET_H
#define TRIB_BENCH_MARKET_H

#include <stdlib.h>
#include "bench.h"
#include "engine/engine.h"

enum { BENCH_TOKENS = 4096, BENCH_NOUNS = 64, BENCH_BATCH = TRIB_ORDERS_MAX };

static struct {
	char chars[TRIB_LIMIT_TOKEN_CHARS];
	size_t size;
} bench_tokens[BENCH_TOKENS];

static inline void bench_must(trib_status status, const struct trib_error *error)
{
	if (status == TRIB_OK)
		return;
	fprintf(stderr, "bench: %s: %s\n", error->at, error->text);
	_exit(1);
}

static inline void bench_call_done(struct trib_call *call)
{
	bench_must(call->status, &call->error);
	__atomic_store_n((bool *)call->context, true, __ATOMIC_RELEASE);
}

/* Hands a call to the engine, whose turns look after it; *done is set then. The reply is the caller's to free. */
static inline void bench_call(struct trib_engine *engine, struct trib_call *call, bool *done)
{
	*done = false;
	call->done = bench_call_done;
	call->context = done;
	trib_buffer_init(&call->reply, 1 << 20);
	trib_engine_submit(engine, call);
}

/* Puts a noun, its JSON made of a format with as many `i` as it takes, and waits. */
static inline void bench_put(struct trib_engine *engine, enum trib_noun noun, const char *format, int i)
{
	struct trib_call call = { .kind = TRIB_CALL_PUT, .noun = noun };
	struct trib_arena arena;
	struct trib_error error;
	ProtobufCMessage *message;
	bool done;
	char json[512];

	snprintf(json, sizeof(json), format, i, i, i);
	trib_arena_init(&arena, 1 << 20);
	bench_must(trib_proto_from_json(trib_noun_descriptor(noun), trib_bytes_text(json), &arena, &message, &error), &error);
	call.body = message;
	bench_call(engine, &call, &done);
	while (!done) {
		trib_engine_turn(engine);
		trib_engine_settle(engine);
	}
	trib_buffer_fini(&call.reply);
	trib_arena_fini(&arena);
}

static inline void bench_market_make(struct trib_engine *engine)
{
	struct trib_error error;
	enum trib_outcome outcome;
	char creator[16], goods[16];

	bench_put(engine, TRIB_NOUN_REGISTRATION, "{\"id\":\"r%d\",\"channel\":\"app\"}", 0);
	for (int i = 0; i < BENCH_NOUNS; i++) {
		bench_put(engine, TRIB_NOUN_PARTY, "{\"id\":\"m%d\",\"roles\":[\"merchant\"]}", i);
		bench_put(engine, TRIB_NOUN_PARTY, "{\"id\":\"c%d\",\"roles\":[\"creator\"]}", i);
		bench_put(engine, TRIB_NOUN_GOODS, "{\"id\":\"g%d\",\"merchant\":\"m%d\"}", i);
		bench_put(engine, TRIB_NOUN_PLAN,
			  "{\"id\":\"p%d\",\"merchant\":\"m%d\",\"goods\":[\"g%d\"],\"terms\":{\"commission_bps\":1000}}", i);
	}
	for (int i = 0; i < BENCH_TOKENS; i++) {
		struct trib_link_request request = { .channel = trib_bytes_text("app") };

		snprintf(creator, sizeof(creator), "c%d", i % BENCH_NOUNS);
		snprintf(goods, sizeof(goods), "g%d", i / BENCH_NOUNS % BENCH_NOUNS);
		request.creator = trib_bytes_text(creator);
		request.goods = trib_bytes_text(goods);
		bench_must(trib_engine_link(engine, &request, bench_tokens[i].chars, &bench_tokens[i].size, &outcome, &error),
			   &error);
	}
	trib_engine_settle(engine);
}

/* A batch, until the next is asked for. Each order is always the same: token, goods and base follow from its number. */
static inline const struct trib_order_request *bench_market_batch(uint64_t first)
{
	static struct trib_order_request requests[BENCH_BATCH];
	static char ids[BENCH_BATCH][24], goods[BENCH_BATCH][16];

	for (size_t i = 0; i < BENCH_BATCH; i++) {
		uint64_t token = trib_hash_u64(first + i) % BENCH_TOKENS;

		snprintf(ids[i], sizeof(ids[i]), "o%" PRIu64, first + i);
		snprintf(goods[i], sizeof(goods[i]), "g%d", (int)(token / BENCH_NOUNS % BENCH_NOUNS));
		requests[i] = (struct trib_order_request){ .order = trib_bytes_text(ids[i]),
							   .user = trib_bytes_text("u1"),
							   .goods = trib_bytes_text(goods[i]),
							   .token = trib_bytes(bench_tokens[token].chars, bench_tokens[token].size),
							   .base_amount = 1000 + (int64_t)((first + i) % 9000) };
	}
	return requests;
}

#endif
