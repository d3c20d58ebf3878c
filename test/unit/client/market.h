/* A random market in a real engine, random orders, and a client with its snapshot and keys as files. */
#ifndef TRIB_TEST_CLIENT_MARKET_H
#define TRIB_TEST_CLIENT_MARKET_H

#include "../engine/world.h"

#include <sched.h>
#include <unistd.h>
#include "tributary/tributary.h"

enum { GOODS = 40, CREATORS = 30, MERCHANTS = 4, PLANS = 60, TOKENS = 400 };

static inline struct trib_client_text text(const char *string)
{
	return (struct trib_client_text){ string, strlen(string) };
}

static char tokens[TOKENS][TRIB_LIMIT_TOKEN_CHARS + 1];
static uint32_t n_tokens;

static inline uint64_t below(struct trib_rng *rng, uint64_t n)
{
	return trib_rng_below(rng, n);
}

static inline void put_format(enum trib_noun noun, const char *format, ...) TRIB_PRINTF(2, 3);
static inline void put_format(enum trib_noun noun, const char *format, ...)
{
	char json[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(json, sizeof(json), format, args);
	va_end(args);
	world_put(noun, json);
}

static inline void random_plan(struct trib_rng *rng, unsigned plan)
{
	static const char *const kinds[] = { "general", "general", "activity", "managed", "targeted", "exclusive" };
	unsigned goods = (unsigned)below(rng, GOODS);
	const char *kind = kinds[below(rng, below(rng, 4) ? 4 : 6)];
	char creators[128] = "";

	if (!strcmp(kind, "targeted") || !strcmp(kind, "exclusive"))
		snprintf(creators, sizeof(creators), ",\"creators\":[\"c%u\",\"c%u\"]", (unsigned)below(rng, CREATORS),
			 CREATORS - 1);
	else if (below(rng, 5) == 0)
		snprintf(creators, sizeof(creators), ",\"creators_when\":\"creator.level > %u || 'vip' in creator.tags\"",
			 (unsigned)below(rng, 6));
	put_format(TRIB_NOUN_PLAN,
		   "{\"id\":\"p%u\",\"merchant\":\"m%u\",\"goods\":[\"g%u\"],\"kind\":\"%s\"%s,\"effective_from\":%lld,"
		   "\"status\":\"%s\",\"terms\":{\"commission_bps\":%u,\"service_bps\":%u,\"platform_bps\":%u,\"leader\":\"l%u\"}%s}",
		   plan, goods % MERCHANTS, goods, kind, creators,
		   (long long)(WORLD_START_MS + ((int64_t)below(rng, 5) - 3) * 3600000), below(rng, 8) ? "active" : "paused",
		   (unsigned)below(rng, 3000), (unsigned)below(rng, 500), (unsigned)below(rng, 300),
		   (unsigned)below(rng, 3), below(rng, 2) ? "" : ",\"ext\":{\"slot_fee\":500}");
}

static inline void lead_on(enum trib_noun noun, const char *id, const char *action)
{
	struct trib_call call = { .kind = TRIB_CALL_ACT, .noun = noun, .name = trib_bytes_text(id),
				  .action = trib_bytes_text(action) };

	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
}

/* Goods that an exclusive activity promotes: whatever a link chose, they are sold through it. */
static inline void random_activity(struct trib_rng *rng)
{
	char id[16];

	put_format(TRIB_NOUN_ACTIVITY, "{\"id\":\"sole\",\"leader\":\"l0\",\"kind\":\"exclusive\"}");
	lead_on(TRIB_NOUN_ACTIVITY, "sole", "publish");
	for (unsigned goods = 0; goods < GOODS; goods += 1 + (unsigned)below(rng, 8)) {
		snprintf(id, sizeof(id), "e%u", goods);
		put_format(TRIB_NOUN_ENROLMENT,
			   "{\"id\":\"%s\",\"activity\":\"sole\",\"goods\":\"g%u\",\"commission_bps\":%u,\"service_bps\":%u}", id,
			   goods, (unsigned)below(rng, 3000), (unsigned)below(rng, 500));
		lead_on(TRIB_NOUN_ENROLMENT, id, "approve");
	}
}

/* Ways of its own on the way of orders, in one version or two, for some of the plans; a child leaves some to its parent. */
static inline void random_plays(struct trib_rng *rng)
{
	static const char *const ways[] = {
		"  order.judge: [{when: base % 7 == 0, cel: '\"own_shop\"'}, {when: has(ext.k) && creator_level > 3, cel: '\"user_blocked\"'}]\n",
		"  order.hold: [{cel: base > 9000 && creator_level < 4}]\n",
		"  commission.amount: {chain: true, of: [{use: default}, {when: bps > 1000, cel: base / 10}]}\n",
		"  commission.cap: [{when: cap == 0, cel: 'amount > 500 ? 500 : amount'}, {use: default}]\n",
		"  order.base: [{when: freight > 100, cel: paid - 2 * freight}, {use: default}]\n",
	};
	char yaml[2048];
	const struct world_file files[] = {
		{ "play.yaml", yaml },
		{ "ext.schema.json", "{\"properties\":{\"plan\":{\"properties\":{\"slot_fee\":{\"type\":\"integer\"}}}}}" }
	};

	for (unsigned version = 0; version < 3; version++) {
		int size = snprintf(yaml, sizeof(yaml), "name: %s\n%swhen: request.kind in ['general', 'managed']\ncapabilities:\n",
				    version == 2 ? "child" : "parent", version == 2 ? "parent: parent\npriority: 1\n" : "");

		for (size_t i = 0; i < TRIB_ARRAY_SIZE(ways); i++)
			if (i == version || below(rng, 2))
				size += snprintf(yaml + size, sizeof(yaml) - (size_t)size, "%s", ways[i]);
		world_play(version == 2 ? "child" : "parent", files, 2, version < 2 || below(rng, 2));
		if (below(rng, 2))
			put_format(TRIB_NOUN_PLAN,
				   "{\"id\":\"v%u\",\"merchant\":\"m0\",\"goods\":[\"g0\",\"g4\"],\"terms\":{\"commission_bps\":%u}}",
				   version, (unsigned)below(rng, 3000));
	}
}

static inline void random_market(struct trib_rng *rng)
{
	static const char *const categories[] = { "beauty", "snack", "digital/phone", "books" };
	char json[256];

	for (unsigned i = 0; i < MERCHANTS; i++)
		put_format(TRIB_NOUN_PARTY, "{\"id\":\"m%u\",\"roles\":[\"merchant\"],\"status\":\"%s\"}", i,
			   i + 1 == MERCHANTS && below(rng, 2) ? "frozen" : "active");
	for (unsigned i = 0; i < 3; i++)
		put_format(TRIB_NOUN_PARTY, "{\"id\":\"l%u\",\"roles\":[\"leader\"]}", i);
	for (unsigned i = 0; i < CREATORS; i++)
		put_format(TRIB_NOUN_PARTY,
			   "{\"id\":\"c%u\",\"roles\":[\"creator\"],\"level\":%u,\"tags\":[\"%s\"],\"user_ids\":[\"u%u\"]}", i,
			   (unsigned)below(rng, 7), below(rng, 3) ? "plain" : "vip", i);
	for (unsigned i = 0; i < GOODS; i++)
		put_format(TRIB_NOUN_GOODS, "{\"id\":\"g%u\",\"merchant\":\"m%u\",\"category\":\"%s\",\"price\":%u%s}", i,
			   i % MERCHANTS, categories[below(rng, 4)], (unsigned)below(rng, 20000),
			   below(rng, 3) ? "" : ",\"ext\":{\"season\":\"summer\"}");
	if (below(rng, 4))
		random_plays(rng);
	for (unsigned i = 0; i < PLANS; i++)
		random_plan(rng, (unsigned)below(rng, PLANS * 3 / 4)); /* some have several versions */
	if (below(rng, 2))
		random_activity(rng);
	put_format(TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\",\"pid\":\"mm_1\"%s}",
		   below(rng, 3) ? "" : ",\"play\":\"parent\"");
	snprintf(json, sizeof(json), "{\"id\":\"r2\",\"channel\":\"web\",\"scene\":\"web\",\"priority\":%u}",
		 (unsigned)below(rng, 5));
	world_put(TRIB_NOUN_REGISTRATION, json);
	world_rules("default",
		    "{\"root\":{\"id\":\"root\",\"window\":\"7d\",\"match\":\"shop\",\"shares\":[{\"name\":\"commission\",\"to\":"
		    "\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"},{\"name\":\"platform\",\"to\":\"platform\","
		    "\"from\":\"creator\",\"of\":\"commission\",\"bps\":\"terms.platform_bps\"}],\"children\":["
		    "{\"id\":\"many\",\"when\":\"touch.count > 2\",\"model\":\"position\",\"window\":\"20d\",\"assist\":\"linear\"},"
		    "{\"id\":\"two\",\"when\":\"touch.count > 1 && order.base % 2 == 0\",\"model\":\"decay\",\"match\":\"any\"},"
		    "{\"id\":\"own\",\"when\":\"order.carrier == 'live' && order.carrier.owner == 'm1'\",\"outcome\":\"own_shop\"},"
		    "{\"id\":\"dear\",\"when\":\"order.base > 15000 && goods.category in ['beauty', 'books']\",\"lock\":\"link\"},"
		    "{\"id\":\"vip\",\"when\":\"'vip' in creator.tags && touch.age < duration('1h')\",\"match\":\"goods\","
		    "\"shares\":[{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\","
		    "\"round\":\"half_even\",\"cap\":900},{\"name\":\"service\",\"to\":\"leader\",\"from\":\"merchant\",\"bps\":"
		    "\"terms.service_bps\"}]},"
		    "{\"id\":\"slot\",\"when\":\"order.qty == 2 && plan.ext.slot_fee > 100\",\"window\":\"5h\"},"
		    "{\"id\":\"summer\",\"when\":\"order.qty == 1 && goods.ext.season == 'summer'\",\"window\":\"4h\"},"
		    "{\"id\":\"pid\",\"when\":\"order.qty == 3 && link.pid == 'mm_1'\",\"window\":\"3h\"},"
		    "{\"id\":\"page\",\"when\":\"order.page.startsWith('ca') || order.ext['k'] == 'v'\",\"window\":\"2h\"}]}}");
	world_rules("web", "{\"scene\":\"web\",\"root\":{\"id\":\"w\",\"window\":\"1d\",\"match\":\"any\",\"shares\":[{\"name\":"
			   "\"commission\",\"to\":\"creator\",\"from\":\"platform\",\"bps\":250}]}}");
	n_tokens = 0;
	for (unsigned tries = 0; n_tokens < TOKENS && tries < 20 * TOKENS; tries++) {
		char creator[16], goods[16];
		const struct trib_link_request request = {
			.channel = trib_bytes_text(below(rng, 4) ? "app" : "web"),
			.creator = trib_bytes_text(creator), .goods = trib_bytes_text(goods), .has_at = true,
			.at_ms = WORLD_START_MS - (int64_t)below(rng, 10 * WORLD_DAY_MS)
		};
		struct trib_link_request stated = request;
		struct trib_error error;
		enum trib_outcome outcome;
		size_t size;

		snprintf(creator, sizeof(creator), "c%u", (unsigned)below(rng, CREATORS));
		snprintf(goods, sizeof(goods), "g%u", (unsigned)below(rng, GOODS));
		stated.creator = trib_bytes_text(creator);
		stated.goods = trib_bytes_text(goods);
		if (trib_engine_link(world.engine, &stated, tokens[n_tokens], &size, &outcome, &error) == TRIB_OK)
			tokens[n_tokens++][size] = '\0';
	}
	assert_true(n_tokens > 0);
}

/* --- Orders ------------------------------------------------------------------------------------------- */

struct random_order {
	char order[24], user[16], goods[16], token[TRIB_LIMIT_ORDER_TOKENS * (TRIB_LIMIT_TOKEN_CHARS + 1)];
	const char *page, *kind, *owner, *scene;
	int64_t base, at_ms, qty, amounts[TRIB_AMOUNTS];
	bool has_amounts, no_base, ext;
};

/* One more candidate: any link's, the same once more, one that was tampered with, now and then recorded touches. */
static inline void add_candidate(struct trib_rng *rng, struct random_order *order)
{
	size_t size = strlen(order->token), room = sizeof(order->token) - size;
	const char *token = below(rng, 40) ? tokens[below(rng, n_tokens)] : "-";

	snprintf(order->token + size, room, ",%s", token);
	if (below(rng, 10) == 0)
		order->token[size + 1 + below(rng, strlen(token))] ^= 2;
}

static inline void random_order(struct trib_rng *rng, struct random_order *order)
{
	static uint64_t number;
	static const char *const pages[] = { "", "", "cart", "checkout", "unheard-of" };

	*order = (struct random_order){ .page = pages[below(rng, 5)], .kind = "", .owner = "", .scene = "" };
	snprintf(order->order, sizeof(order->order), "o%llu", (unsigned long long)++number);
	snprintf(order->user, sizeof(order->user), "u%u", (unsigned)below(rng, 1000));
	snprintf(order->goods, sizeof(order->goods), "g%u", (unsigned)below(rng, GOODS));
	snprintf(order->token, sizeof(order->token), "%s", tokens[below(rng, n_tokens)]);
	if (below(rng, 20) == 0 && order->token[0])
		order->token[below(rng, strlen(order->token))] ^= 2;
	if (below(rng, 50) == 0)
		strcpy(order->token, "-");
	for (uint64_t more = below(rng, 5) ? 0 : 1 + below(rng, TRIB_LIMIT_ORDER_TOKENS - 1); more; more--)
		add_candidate(rng, order);
	order->base = below(rng, 30) ? (int64_t)below(rng, 30000) : 0;
	order->at_ms = WORLD_START_MS - (int64_t)below(rng, below(rng, 2) ? 3600000 : 9 * WORLD_DAY_MS);
	order->qty = (int64_t)below(rng, 4);
	order->ext = below(rng, 10) == 0;
	if (below(rng, 4) == 0) {
		order->kind = "live";
		order->owner = below(rng, 2) ? "m1" : "c3";
	}
	if (below(rng, 10) == 0)
		order->scene = below(rng, 2) ? "web" : "nowhere";
	if (below(rng, 5) == 0) {
		order->has_amounts = true;
		order->no_base = below(rng, 2);
		for (int i = 0; i < TRIB_AMOUNTS; i++)
			order->amounts[i] = (int64_t)below(rng, i ? 300 : 30000);
	}
}

static const struct trib_client_pair client_ext = { { "k", 1 }, { "v", 1 } };

static inline void state_order(const struct random_order *order, struct trib_client_order *ret_stated)
{
	*ret_stated = (struct trib_client_order){ .size = sizeof(*ret_stated), .order = text(order->order),
						  .user = text(order->user), .goods = text(order->goods),
						  .token = text(order->token), .base_amount = order->base,
						  .at_ms = order->at_ms, .now_ms = trib_engine_now(world.engine),
						  .qty = order->qty, .page = text(order->page),
						  .carrier_kind = text(order->kind), .carrier_owner = text(order->owner),
						  .scene = text(order->scene), .ext = &client_ext,
						  .n_ext = order->ext };
	ret_stated->flags = (order->has_amounts ? TRIB_CLIENT_HAS_AMOUNTS : 0u) |
			    (order->no_base ? TRIB_CLIENT_NO_BASE : 0u);
	memcpy(ret_stated->amounts, order->amounts, sizeof(order->amounts));
}

/* --- What the engine makes of them -------------------------------------------------------------------- */

struct decided {
	enum trib_outcome outcome;
	int64_t charged;
	uint32_t asked; /* capabilities, of its play */
	size_t size;
	char bytes[1 << 16];
};

static inline void note_decided(void *context, size_t i TRIB_UNUSED, const struct trib_order_answer *answer)
{
	struct decided *decided = context;
	const struct trib_market market = { .domain = trib_engine_domain(world.engine),
					    .rules = trib_engine_rules(world.engine) };

	if (answer->status != TRIB_OK)
		fail_msg("%s: %s", answer->error->at, answer->error->text);
	decided->outcome = answer->record->outcome;
	decided->charged = answer->record->charged;
	decided->asked = answer->record->n_asked;
	assert_true(trib_answer_bytes_max(&market, answer->record) <= sizeof(decided->bytes));
	decided->size = (size_t)(trib_answer_put(decided->bytes, &market, trib_engine_market_position(world.engine),
						 answer->record) -
				 decided->bytes);
}

static inline const struct decided *decide(const struct random_order *order)
{
	static struct decided decided;
	static const struct trib_ext_pair pair = { { "k", 1 }, { "v", 1 } };
	struct trib_order_request request = {
		.order = trib_bytes_text(order->order), .user = trib_bytes_text(order->user),
		.goods = trib_bytes_text(order->goods), .token = trib_bytes_text(order->token),
		.base_amount = order->no_base ? 0 : order->base, .no_base = order->no_base,
		.has_amounts = order->has_amounts, .at_ms = order->at_ms, .has_at = true, .qty = order->qty,
		.page = trib_bytes_text(order->page), .scene = trib_bytes_text(order->scene),
		.carrier = { trib_bytes_text(order->kind), trib_bytes("", 0), trib_bytes_text(order->owner) },
		.ext = &pair, .n_ext = order->ext,
	};

	memcpy(request.amounts, order->amounts, sizeof(request.amounts));
	trib_engine_orders(world.engine, &request, 1, note_decided, &decided);
	return &decided;
}

/* --- The client --------------------------------------------------------------------------------------- */

static inline void write_snapshot(const char *path)
{
	struct trib_call call = { .kind = TRIB_CALL_SNAPSHOT };
	char piece[4096];
	FILE *file = fopen(path, "w");
	ssize_t size;

	world_call(&call);
	assert_ok(call.status, call.error);
	for (off_t at = 0; call.file && (size = pread(call.file->fd, piece, sizeof(piece), at)) > 0; at += size)
		fwrite(piece, 1, (size_t)size, file);
	if (call.reply.size)
		fwrite(call.reply.data, 1, call.reply.size, file);
	fclose(file);
	trib_call_file_unref(call.file);
	trib_buffer_fini(&call.reply);
}

static inline struct trib_client_options client_options(void)
{
	return (struct trib_client_options){ .size = sizeof(struct trib_client_options) };
}

static inline struct trib_client *open_client(void)
{
	static char snapshot[128], keys[128];
	struct trib_client_options options = client_options();
	struct trib_call call = { .kind = TRIB_CALL_KEYS };
	struct trib_client *opened;
	struct trib_client_error error;
	struct trib_client_state state = { .size = sizeof(state) };

	/* Words that orders bring along become known here, not in the middle. */
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"words\",\"merchant\":\"m1\",\"category\":\"unheard-of\",\"brand\":\"checkout\"}");
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"more\",\"merchant\":\"m1\",\"category\":\"nowhere\",\"brand\":\"cart\",\"site\":\"live\"}");
	snprintf(snapshot, sizeof(snapshot), "%s/client.snapshot", world.folder);
	snprintf(keys, sizeof(keys), "%s/client.keys", world.folder);
	write_snapshot(snapshot);
	world_call(&call);
	assert_ok(call.status, call.error);
	FILE *file = fopen(keys, "w");

	fwrite(call.reply.data, 1, call.reply.size, file);
	fclose(file);
	chmod(keys, 0600);
	trib_buffer_fini(&call.reply);
	options.snapshot_file = snapshot;
	options.keys_file = keys;
	if (trib_client_open(&options, &opened, &error) != TRIB_CLIENT_OK)
		fail_msg("%s", error.text);
	for (int i = 0; i < 100000 && !state.has_keys; i++) {
		trib_client_state(opened, &state);
		sched_yield();
	}
	while (!state.has_keys)
		trib_client_state(opened, &state);
	return opened;
}

#endif
