/*
 * State is a fold over the journal. A random workload is told to two engines: one lives through it, the other is stopped
 * and killed at random moments, with and without checkpoints. Both end in the same state, and so do the first one's
 * journal read from its beginning, and its store with a tail.
 */
#include "unit/engine/world.h"
#include "unit/engine/digest.h"

enum { PARTIES = 12, GOODS = 10, PLANS = 14, USERS = 40, TOKENS = 60, STEPS = 900, ROUNDS = 2 };

/* The random numbers of the workload are one stream, those of the restarts another. */
struct workload {
	struct trib_rng rng;
	char tokens[TOKENS][128];
	unsigned n_tokens, n_orders;
};

static uint64_t pick(struct workload *work, uint64_t n)
{
	return trib_rng_below(&work->rng, n);
}

static void put_format(enum trib_noun noun, const char *format, ...) TRIB_PRINTF(2, 3);
static void put_format(enum trib_noun noun, const char *format, ...)
{
	char json[1024];
	struct trib_error error;
	va_list args;

	va_start(args, format);
	vsnprintf(json, sizeof(json), format, args);
	va_end(args);
	/* Some are refused: a plan of a merchant for another's goods. Both engines refuse the same. */
	world_put_status(noun, json, &error);
}

static void put_party(struct workload *work, unsigned i)
{
	static const char *const roles[] = { "merchant", "creator", "creator", "leader" };
	static const char *const states[] = { "active", "active", "active", "active", "restricted", "frozen" };

	put_format(TRIB_NOUN_PARTY,
		   "{\"id\":\"p%u\",\"roles\":[\"%s\"],\"status\":\"%s\",\"level\":%d,\"score\":%d.5,\"tags\":[\"t%d\",\"u%d\"],\"user_ids\":[\"own%u\"]}",
		   i, roles[i % 4], states[pick(work, 6)], (int)pick(work, 5), (int)pick(work, 5), (int)pick(work, 4),
		   (int)pick(work, 40), i);
}

static void put_goods(struct workload *work, unsigned i)
{
	put_format(TRIB_NOUN_GOODS, "{\"id\":\"g%u\",\"merchant\":\"p%u\",\"category\":\"c%d\",\"price\":%d,\"status\":\"%s\"}", i,
		   (i % 3) * 4, (int)pick(work, 5), (int)pick(work, 10000), pick(work, 12) ? "active" : "withdrawn");
}

static void put_plan(struct workload *work, unsigned i)
{
	static const char *const kinds[] = { "general", "general", "targeted", "activity", "managed", "exclusive" };
	static const char *const states[] = { "active", "active", "active", "active", "active", "paused", "ended" };
	static const char *const attributes[6] = {
		"", "",
		",\"budget\":20000,\"daily_cap\":3000",
		",\"incentive\":{\"bps\":100,\"amount\":3,\"budget\":500}",
		",\"new_to_shop\":{\"bps\":50,\"window\":\"2d\"}",
		",\"step\":{\"tiers\":[{\"from\":2,\"bps\":100},{\"from\":6,\"bps\":300}],\"applies\":\"all\",\"period\":\"week\"}",
	};
	unsigned item = i % GOODS;
	const char *kind = kinds[pick(work, pick(work, 4) ? 5 : 6)];
	char creators[64] = "";

	if (strcmp(kind, "general") != 0 && pick(work, 2))
		snprintf(creators, sizeof(creators), "\"creators_when\":\"creator.level >= %d\",", (int)pick(work, 4));
	else if (strcmp(kind, "general") != 0)
		snprintf(creators, sizeof(creators), "\"creators\":[\"p1\",\"p%d\"],", 1 + (int)pick(work, PARTIES - 1));
	put_format(TRIB_NOUN_PLAN,
		   "{\"id\":\"plan%u\",\"merchant\":\"p%u\",\"goods\":[\"g%u\"],\"kind\":\"%s\",%s\"status\":\"%s\",\"terms\":{"
		   "\"commission_bps\":%d,\"platform_bps\":%d,\"service_bps\":%d,\"leader\":\"p3\"}%s}",
		   i, (item % 3) * 4, item, kind, creators, states[pick(work, 7)], (int)pick(work, 4000), (int)pick(work, 1000),
		   (int)pick(work, 500), attributes[pick(work, 6)]);
}

/* Some version of the tree gets a part of its orders. */
static void roll_out(struct workload *work, const char *name)
{
	const struct trib_rules *rules = trib_engine_rules(world.engine);
	uint32_t latest = trib_rules_latest(rules, trib_rules_number(rules, trib_bytes_text(name)));
	Tributary__RolloutRequest request = TRIBUTARY__ROLLOUT_REQUEST__INIT;
	char when[64];
	struct trib_call call = { .kind = TRIB_CALL_RULES_ROLLOUT, .name = trib_bytes_text(name),
				  .body = &request.base };

	snprintf(when, sizeof(when), "order.base > %d || goods.category == 'c%d'", (int)pick(work, 9000),
		 (int)pick(work, 5));
	request.has_version = request.has_share_bps = 1;
	request.version = 1 + (uint32_t)pick(work, latest);
	request.share_bps = (uint32_t)pick(work, 10001);
	if (pick(work, 2))
		request.when = when;
	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
}

static void put_rules(struct workload *work)
{
	static const char *const models[] = { "last", "first", "linear", "position", "decay", "priority" };
	static const char *const matches[] = { "goods", "shop", "any" };
	static const char *const locks[] = { "link", "touch", "order", "pay", "deposit" };
	static const char *const assists[] = { "", "\"assist\":\"linear\",", "\"assist\":\"decay\",\"match_rates\":{\"shop\":300}," };
	static const char *const bases[] = { "order.base", "order.paid - order.freight", "order.paid / order.freight * order.qty" };
	char name[8], json[1280];

	snprintf(name, sizeof(name), "s%d", (int)pick(work, 3));
	snprintf(json, sizeof(json),
		 "{\"scene\":\"%s\",\"root\":{\"id\":\"root\",\"model\":\"%s\",\"match\":\"%s\",\"window\":\"%dh\",\"grace\":\"%dh\",%s\"base\":\"%s\","
		 "\"priority_by\":\"touch.same_carrier ? 2 : touch.count\",\"shares\":["
		 "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"},"
		 "{\"name\":\"technical\",\"to\":\"platform\",\"from\":\"creator\",\"of\":\"commission\",\"bps\":\"terms.platform_bps\"}],"
		 "\"children\":[{\"id\":\"a\",\"when\":\"order.base > %d\",\"model\":\"last\",\"held\":true},"
		 "{\"id\":\"often\",\"when\":\"counter.user_orders_1h > %d || counter.device_users > 2\",\"outcome\":\"not_distributed\"},"
		 "{\"id\":\"b\",\"when\":\"has(touch) && ('t%d' in creator.tags || goods.category == 'c%d')\",\"lock\":\"%s\"}]}}",
		 name, models[pick(work, 6)], matches[pick(work, 3)], 1 + (int)pick(work, 100), 1 + (int)pick(work, 50),
		 assists[pick(work, 3)], bases[pick(work, 3)], (int)pick(work, 9000), 1 + (int)pick(work, 3),
		 (int)pick(work, 4), (int)pick(work, 5), locks[pick(work, 5)]);
	world_rules(name, json);
	if (pick(work, 3) == 0)
		roll_out(work, name);
}

/* Past, to come, and again and again. */
static void set_status(struct workload *work)
{
	static const char *const states[3][3] = { { "active", "frozen", "restricted" },
						  { "active", "withdrawn", "closed" },
						  { "active", "paused", "ended" } };
	static const char *const names[] = { "p", "g", "plan" };
	enum trib_noun noun = (enum trib_noun)pick(work, 3);
	Tributary__StatusRequest request = TRIBUTARY__STATUS_REQUEST__INIT;
	char id[16];
	struct trib_call call = { .kind = TRIB_CALL_STATUS_PUT, .noun = noun, .body = &request.base };

	snprintf(id, sizeof(id), "%s%d", names[noun], (int)pick(work, PARTIES));
	call.name = trib_bytes_text(id);
	request.status = (char *)states[noun][pick(work, pick(work, 4) ? 2 : 3)];
	request.has_from = pick(work, 3) != 0;
	request.from = world.clock.ms - 3600000 + (int64_t)pick(work, 2 * 3600000);
	request.reason = pick(work, 2) ? "because" : NULL;
	world_call(&call); /* some are not there */
	trib_buffer_fini(&call.reply);
}

static void set_bounds(struct workload *work)
{
	Tributary__Bounds bounds = TRIBUTARY__BOUNDS__INIT;
	struct trib_call call = { .kind = TRIB_CALL_BOUNDS_PUT };
	char category[8];

	snprintf(category, sizeof(category), "c%d", (int)pick(work, 5));
	call.name = trib_bytes_text(category);
	bounds.has_min_bps = bounds.has_max_bps = true;
	bounds.min_bps = (int)pick(work, 200);
	bounds.max_bps = 3000 + (int)pick(work, 2000);
	call.body = pick(work, 3) ? &bounds.base : NULL;
	world_call(&call); /* some have none to take away */
	trib_buffer_fini(&call.reply);
}

static void block_somebody(struct workload *work)
{
	static const char *const kinds[] = { "user", "device", "order" };

	put_format(TRIB_NOUN_BLOCK, "{\"id\":\"b%d\",\"kind\":\"%s\",\"value\":\"u%d\",\"until\":%lld,\"status\":\"%s\"}",
		   (int)pick(work, 10), kinds[pick(work, 3)], (int)pick(work, USERS),
		   (long long)(world.clock.ms + (int64_t)pick(work, 3600000)), pick(work, 4) ? "active" : "closed");
}

static void set_something(struct workload *work)
{
	switch (pick(work, 4)) {
	case 0: set_bounds(work); break;
	case 1: block_somebody(work); break;
	default: set_status(work); break;
	}
}

static void link_somebody(struct workload *work)
{
	static const struct trib_ext_pair ext[] = { { { "campaign", 8 }, { "spring-2026", 11 } },
						    { { "pid", 3 }, { "mm_1_2_3", 8 } } };
	char creator[16], item[16], carrier[16];
	struct trib_error error;
	enum trib_outcome outcome;
	size_t size;

	snprintf(creator, sizeof(creator), "p%d", (int)pick(work, PARTIES));
	snprintf(item, sizeof(item), "g%d", (int)pick(work, GOODS));
	snprintf(carrier, sizeof(carrier), "room%d", (int)pick(work, 6));
	struct trib_link_request request = { .channel = trib_bytes_text(pick(work, 2) ? "app" : "web"),
					     .creator = trib_bytes_text(creator), .goods = trib_bytes_text(item) };

	if (pick(work, 3) == 0)
		request.carrier = (struct trib_carrier_request){ trib_bytes_text("live"), trib_bytes_text(carrier), trib_bytes_text("p1") };
	if (pick(work, 2)) {
		request.ext = ext;
		request.n_ext = 1 + (uint32_t)pick(work, 2);
	}
	char *token = work->tokens[work->n_tokens % TOKENS];

	if (trib_engine_link(world.engine, &request, token, &size, &outcome, &error) != TRIB_OK)
		return;
	token[size] = '\0';
	work->n_tokens++;
}

static const char *a_token(struct workload *work)
{
	return work->n_tokens ? work->tokens[pick(work, TRIB_MIN(work->n_tokens, (unsigned)TOKENS))] : "nothing";
}

static void touch_somebody(struct workload *work)
{
	char user[16];
	struct trib_error error;
	enum trib_touch_answer answer;

	snprintf(user, sizeof(user), "u%d", (int)pick(work, USERS));
	struct trib_touch_request request = { .user = trib_bytes_text(user), .token = trib_bytes_text(a_token(work)),
					      .kind = (enum trib_touch_kind)pick(work, 6) };

	if (pick(work, 3) == 0) {
		request.has_at = true;
		request.at_ms = world.clock.ms - (int64_t)pick(work, 5) * 3600000;
	}
	trib_engine_touch(world.engine, &request, &answer, &error);
}

/* Amounts instead of a base, or beside it. */
static void state_amounts(struct workload *work, struct trib_order_request *request)
{
	request->has_amounts = true;
	request->no_base = pick(work, 4) != 0;
	for (int i = 0; i < TRIB_AMOUNTS; i++)
		request->amounts[i] = pick(work, 2) ? (int64_t)pick(work, i ? 2000 : 10000) : 0;
}

/* One in eight repeats an earlier one's name, mostly with other content. */
static void order_something(struct workload *work)
{
	char order[24], user[16], item[16], scene[8], device[16], list[3 * 128];
	struct trib_ext_pair ext = { trib_bytes_text("device"), trib_bytes(device, 0) };
	struct world_answer answer;
	unsigned number = work->n_orders && pick(work, 8) == 0 ? (unsigned)pick(work, work->n_orders) : work->n_orders++;

	snprintf(order, sizeof(order), "o%u/%u", number / 3, number % 3);
	snprintf(user, sizeof(user), "u%d", (int)pick(work, USERS));
	snprintf(item, sizeof(item), "g%d", (int)pick(work, GOODS));
	snprintf(scene, sizeof(scene), "s%d", (int)pick(work, 3));
	struct trib_order_request request = { .order = trib_bytes_text(order), .user = trib_bytes_text(user),
					      .goods = trib_bytes_text(item), .base_amount = (int64_t)pick(work, 10000),
					      .token = trib_bytes_text(pick(work, 2) ? "-" : a_token(work)),
					      .qty = (int64_t)pick(work, 4) };

	if (pick(work, 2))
		request.scene = trib_bytes_text(scene);
	if (pick(work, 3) == 0) {
		snprintf(device, sizeof(device), "d%d", (int)pick(work, USERS / 2));
		ext.value = trib_bytes_text(device);
		request.ext = &ext;
		request.n_ext = 1;
	}
	if (pick(work, 3) == 0)
		state_amounts(work, &request);
	if (pick(work, 4) == 0) {
		snprintf(list, sizeof(list), "%s,%s%s", a_token(work), a_token(work), pick(work, 2) ? ",-" : "");
		request.token = trib_bytes_text(list);
	}
	if (pick(work, 4) == 0)
		request.carrier = (struct trib_carrier_request){ trib_bytes_text("live"), trib_bytes_text("room1"), trib_bytes_text("p1") };
	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
}

/* Some is refused: both engines refuse the same. */
static void tell_something(struct workload *work)
{
	char order[24], name[16];
	unsigned number = (unsigned)pick(work, work->n_orders + 1);
	struct trib_error error;
	union {
		struct trib_status_answer status;
		struct trib_refund_answer refund;
	} answer;

	snprintf(order, sizeof(order), "o%u/%u", number / 3, number % 3);
	snprintf(name, sizeof(name), "r%d", (int)pick(work, 4));
	const struct trib_status_request status = { .order = trib_bytes_text(order),
						    .state = (enum trib_order_state)(1 + pick(work, 6)) };
	const struct trib_refund_request refund = { .order = trib_bytes_text(order), .refund = trib_bytes_text(name),
						    .kind = (enum trib_refund_kind)(1 + pick(work, 9)),
						    .amount = (int64_t)pick(work, 2000) };
	const struct trib_review_request review = { .order = trib_bytes_text(order),
						    .verdict = (enum trib_review_verdict)(1 + pick(work, 2)),
						    .reason = trib_bytes_text("seen"), .by = trib_bytes_text("ann") };

	switch (pick(work, 5)) {
	case 0: trib_engine_refund(world.engine, &refund, &answer.refund, &error); break;
	case 1: trib_engine_review(world.engine, &review, &error); break;
	default: trib_engine_order_status(world.engine, &status, &answer.status, &error);
	}
}

static void step(struct workload *work)
{
	switch (pick(work, 25)) {
	case 24: set_something(work); break;
	case 20: case 21: case 22: case 23: tell_something(work); break;
	case 0: put_party(work, (unsigned)pick(work, PARTIES)); break;
	case 1: put_goods(work, (unsigned)pick(work, GOODS)); break;
	case 2: put_plan(work, (unsigned)pick(work, PLANS)); break;
	case 3: put_rules(work); break;
	case 4: case 5: case 6: link_somebody(work); break;
	case 7: case 8: case 9: case 10: case 11: touch_somebody(work); break;
	case 12: world_pass((int64_t)pick(work, 2 * 3600000)); break;
	default: order_something(work); break;
	}
}

static void begin(struct workload *work, uint64_t seed)
{
	trib_rng_seed(&work->rng, seed);
	work->n_tokens = work->n_orders = 0;
	for (unsigned i = 0; i < PARTIES; i++)
		put_format(TRIB_NOUN_PARTY, "{\"id\":\"p%u\",\"roles\":[\"%s\"]}", i, i % 4 ? "creator" : "merchant");
	for (unsigned i = 0; i < GOODS; i++)
		put_goods(work, i);
	for (unsigned i = 0; i < PLANS; i++)
		put_plan(work, i);
	put_format(TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\"}");
	put_format(TRIB_NOUN_REGISTRATION, "{\"id\":\"r2\",\"channel\":\"web\",\"scene\":\"s1\",\"token_ttl\":\"20h\",\"when\":\"creator.level > 1\"}");
	put_format(TRIB_NOUN_REGISTRATION, "{\"id\":\"r3\",\"channel\":\"web\",\"priority\":-1}");
	for (int i = 0; i < 3; i++)
		put_rules(work);
}

static void small_engine(void)
{
	world.options.segment_bytes = 64 << 10;
	world.options.ring_bytes = 128 << 10;
	world.options.order_index_bytes = 1 << 16;
}

/* Something happens to the process, or nothing. */
static void interrupt(struct trib_rng *rng)
{
	switch (trib_rng_below(rng, 40)) {
	case 0: world_restart(); break;
	case 1: case 2: world_crash(); break;
	case 3: case 4:
		trib_engine_checkpoint(world.engine);
		break;
	case 5: /* killed while a checkpoint is under way */
		trib_engine_checkpoint(world.engine);
		world_crash();
		break;
	case 6:
		trib_engine_settle(world.engine);
		trib_engine_turn(world.engine);
		break;
	}
}

static void live_through(uint64_t seed, struct trib_rng *interrupts, struct trib_buffer *ret_text)
{
	static struct workload work;

	small_engine();
	world_open();
	begin(&work, seed);
	for (int i = 0; i < STEPS; i++) {
		step(&work);
		if (interrupts)
			interrupt(interrupts);
	}
	trib_buffer_init(ret_text, DIGEST_BYTES_MAX);
	digest_dump(world.engine, DIGEST_PLAIN, ret_text);
	/* The workload is worth something: orders find their way, some tens in most markets. */
	struct trib_bytes rest = trib_buffer_bytes(ret_text);
	static const char word[] = "\"outcome\":\"attributed\"";
	unsigned attributed = 0;

	for (const char *at; (at = memmem(rest.data, rest.size, word, sizeof(word) - 1)); attributed++)
		rest = trib_bytes(at + 1, rest.size - (size_t)(at + 1 - rest.data));
	assert_true(attributed >= 3);
}

static void copy_keys(const char *from)
{
	char command[256];

	snprintf(command, sizeof(command), "cp -pr %s/keys %s", from, world.folder);
	assert_int_equal(system(command), 0);
}

static void remove_folder(const char *folder)
{
	nftw(folder, world_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void expect_state(const char *name, enum digest_what what, const struct trib_buffer *expected)
{
	struct trib_buffer text;

	trib_buffer_init(&text, DIGEST_BYTES_MAX);
	digest_dump(world.engine, what, &text);
	digest_assert_equal(name, trib_buffer_bytes(&text), trib_buffer_bytes(expected));
	trib_buffer_fini(&text);
}

/* One journal, read in every way. */
static void reopen_in_every_way(void)
{
	struct trib_buffer live;
	char store[128];

	trib_buffer_init(&live, DIGEST_BYTES_MAX);
	digest_dump(world.engine, DIGEST_POSITIONS, &live);
	world_crash();
	expect_state("journal and whatever store there is", DIGEST_POSITIONS, &live);
	snprintf(store, sizeof(store), "%s/store", world.folder);
	trib_engine_abandon(world.engine);
	remove_folder(store);
	world_open();
	expect_state("journal from position 0", DIGEST_POSITIONS, &live);
	world_restart();
	expect_state("store of the whole", DIGEST_POSITIONS, &live);
	trib_buffer_fini(&live);
}

static void restarts_change_nothing(void **state)
{
	uint64_t seed = trib_test_seed();

	for (int round = 0; round < ROUNDS; round++) {
		struct trib_buffer calm, restless;
		struct trib_rng interrupts;
		char folder[64];

		trib_rng_seed(&interrupts, seed + 1000 + (uint64_t)round);
		world_prepare();
		live_through(seed + (uint64_t)round, NULL, &calm);
		reopen_in_every_way();
		trib_engine_abandon(world.engine);
		snprintf(folder, sizeof(folder), "%s", world.folder);
		world_prepare();
		copy_keys(folder);
		remove_folder(folder);
		live_through(seed + (uint64_t)round, &interrupts, &restless);
		digest_assert_equal("with restarts", trib_buffer_bytes(&restless), trib_buffer_bytes(&calm));
		reopen_in_every_way();
		trib_engine_abandon(world.engine);
		remove_folder(world.folder);
		trib_buffer_fini(&calm);
		trib_buffer_fini(&restless);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restarts_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
