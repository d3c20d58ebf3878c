/* Roll-outs: shares, conditions, steps, going back; against a stupid twin, and through copies and checkpoints. */
#include "world.h"

struct stage {
	struct world world;
	struct trib_rules *rules;
	struct trib_arena arena;
};

static int set_up(void **state)
{
	struct stage *stage = trib_alloc_zeroed(1, sizeof(*stage));

	world_init(&stage->world);
	trib_arena_init(&stage->arena, 16 << 20);
	world_add(&stage->world, TRIB_SPACE_SYMBOL, "default");
	stage->rules = trib_rules_new(&world_key, &stage->world.spaces);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;

	trib_rules_free(stage->rules);
	trib_arena_fini(&stage->arena);
	world_fini(&stage->world);
	free(stage);
	return 0;
}

static void put(struct trib_rules *rules, const char *name, const char *text)
{
	char json[4096];
	struct trib_buffer source;
	struct trib_error error;
	uint32_t version;

	trib_buffer_init(&source, 1 << 20);
	assert_ok(trib_rules_decide_put(rules, trib_bytes_text(name),
					trib_bytes_text(world_json(text, json)), &version, &source,
					&error),
		  error);
	assert_ok(trib_rules_apply_put(rules, trib_bytes_text(name), version,
				       trib_buffer_bytes(&source), &error),
		  error);
	trib_buffer_fini(&source);
}

static void activate(struct trib_rules *rules, const char *name, uint32_t version, int64_t from_ms)
{
	struct trib_error error;

	assert_ok(trib_rules_apply_activate(rules, trib_bytes_text(name), version, from_ms, &error),
		  error);
}

/* As JSON of the door, `'` for `"`. */
static trib_status roll_out(struct stage *stage, const char *name, const char *body, int64_t now_ms,
			    struct trib_error *error)
{
	char json[1024];
	ProtobufCMessage *message;
	Tributary__RulesActivated event;
	trib_status status = trib_proto_from_json(&tributary__rollout_request__descriptor,
						  trib_bytes_text(world_json(body, json)),
						  &stage->arena, &message, error);

	if (status == TRIB_OK)
		status = trib_rules_decide_rollout(stage->rules, trib_bytes_text(name),
						   (const Tributary__RolloutRequest *)message,
						   now_ms, &stage->arena, &event, error);
	if (status == TRIB_OK)
		status = trib_rules_apply_rollout(stage->rules, &event, error);
	return status;
}

static void roll_out_ok(struct stage *stage, const char *name, const char *body, int64_t now_ms)
{
	struct trib_error error;
	trib_status status = roll_out(stage, name, body, now_ms, &error);

	if (status != TRIB_OK)
		fail_msg("%s: %s %s", body, error.at, error.text);
}

static bool holds(void *context, const struct trib_tree *condition)
{
	struct trib_walk walk;

	trib_tree_walk(condition, context, &walk);
	return walk.outcome != TRIB_OUTCOME_NOT_DISTRIBUTED;
}

static uint32_t version_of(struct stage *stage, const struct trib_rules *rules,
			   const char *order_id, const char *text, int64_t now_ms)
{
	struct world_facts facts;
	struct trib_rules_order order = { trib_bytes_text(order_id), holds,
					  world_facts(&stage->world, text, &facts) };
	struct trib_rules_choice choice = { 0 };

	return trib_tree_version(trib_rules_choose(
		rules,
		trib_names_find(stage->world.names[TRIB_SPACE_SYMBOL], trib_bytes_text("live")),
		now_ms, &order, &choice));
}

static void three_versions(struct stage *stage)
{
	world_add(&stage->world, TRIB_SPACE_SYMBOL, "live");
	put(stage->rules, "live", "{'root':{'id':'v1'}}");
	put(stage->rules, "live", "{'root':{'id':'v2'}}");
	put(stage->rules, "live", "{'root':{'id':'v3'}}");
	activate(stage->rules, "live", 1, 1000);
	trib_rules_name_added(
		stage->rules, TRIB_SPACE_SYMBOL, trib_bytes_text("live"),
		trib_names_find(stage->world.names[TRIB_SPACE_SYMBOL], trib_bytes_text("live")));
}

/* How many of 10000 orders each version gets. */
static void count_versions(struct stage *stage, int64_t now_ms, int counts[4])
{
	memset(counts, 0, 4 * sizeof(counts[0]));
	for (int i = 0; i < 10000; i++) {
		char order[32];

		snprintf(order, sizeof(order), "order-%d", i);
		counts[version_of(stage, stage->rules, order, "", now_ms)]++;
	}
}

static void shares_are_kept(void **state)
{
	struct stage *stage = *state;
	int counts[4];

	three_versions(stage);
	roll_out_ok(stage, "live", "{'version':2,'share_bps':2000}", 2000);
	roll_out_ok(stage, "live", "{'version':3,'share_bps':1000}", 2000);
	count_versions(stage, 1999, counts);
	assert_int_equal(counts[1], 10000);
	count_versions(stage, 2000, counts);
	assert_in_range(counts[2], 1850, 2150);
	assert_in_range(counts[3], 880, 1120);
	/* All lines of an order go to one version, and an order stays where it is while the share grows. */
	bool second[500];

	for (int i = 0; i < 500; i++) {
		char order[32];

		snprintf(order, sizeof(order), "o%d", i);
		uint32_t version = version_of(stage, stage->rules, order, "", 2000);

		second[i] = version == 2;
		for (int line = 1; line < 4; line++) {
			snprintf(order, sizeof(order), "o%d/%d", i, line);
			assert_int_equal(version_of(stage, stage->rules, order, "", 2000), version);
		}
	}
	roll_out_ok(stage, "live", "{'version':2,'share_bps':6000}", 3000);
	for (int i = 0; i < 500; i++) {
		char order[32];

		snprintf(order, sizeof(order), "o%d", i);
		if (second[i])
			assert_int_equal(version_of(stage, stage->rules, order, "", 3000), 2);
	}
	count_versions(stage, 3000, counts);
	assert_in_range(counts[2], 5800, 6200);
	assert_in_range(counts[3], 880, 1120);
	/* Back with one call: a share of 0 for one version, an activation for all. */
	roll_out_ok(stage, "live", "{'version':2,'share_bps':0}", 4000);
	count_versions(stage, 4000, counts);
	assert_int_equal(counts[2], 0);
	assert_in_range(counts[3], 880, 1120);
	activate(stage->rules, "live", 1, 5000);
	count_versions(stage, 5000, counts);
	assert_int_equal(counts[1], 10000);
}

static void steps_come_by_themselves(void **state)
{
	struct stage *stage = *state;
	int counts[4];

	three_versions(stage);
	roll_out_ok(stage, "live",
		    "{'version':2,'share_bps':100,'steps':[{'share_bps':1000,'at':3000},{'share_"
		    "bps':10000,'at':4000}]}",
		    2000);
	count_versions(stage, 2999, counts);
	assert_in_range(counts[2], 60, 140);
	count_versions(stage, 3000, counts);
	assert_in_range(counts[2], 880, 1120);
	count_versions(stage, 4000, counts);
	assert_int_equal(counts[2], 10000);
	/* One that lies ahead changes nothing before its time; a scheduled activation ends it. */
	roll_out_ok(stage, "live", "{'version':3,'share_bps':10000,'at':9000}", 5000);
	activate(stage->rules, "live", 1, 7000);
	assert_int_equal(version_of(stage, stage->rules, "x", "", 6999), 2);
	assert_int_equal(version_of(stage, stage->rules, "x", "", 7000), 1);
	assert_int_equal(version_of(stage, stage->rules, "x", "", 9000), 3);
}

static void conditions_pick_orders(void **state)
{
	struct stage *stage = *state;

	three_versions(stage);
	roll_out_ok(stage, "live",
		    "{'version':2,'when':\"goods.category == 'late1' && order.qty > 2\"}", 2000);
	roll_out_ok(stage, "live", "{'version':3,'when':\"creator.id == 'c9'\",'share_bps':10000}",
		    2000);
	assert_int_equal(version_of(stage, stage->rules, "x", "", 2000), 1);
	assert_int_equal(
		version_of(stage, stage->rules, "x", "goods.category=late1 order.qty=3", 2000), 2);
	assert_int_equal(
		version_of(stage, stage->rules, "x", "goods.category=late1 order.qty=2", 2000), 1);
	assert_int_equal(version_of(stage, stage->rules, "x", "creator.id=c9", 2000), 3);
	/* The dictionary learns the word: the condition knows its code. */
	trib_rules_name_added(stage->rules, TRIB_SPACE_SYMBOL, trib_bytes_text("late1"),
			      world_add(&stage->world, TRIB_SPACE_SYMBOL, "late1"));
	assert_int_equal(
		version_of(stage, stage->rules, "x", "goods.category=late1 order.qty=3", 2000), 2);
	assert_true(trib_rules_rollout_facts(
			    stage->rules, trib_rules_number(stage->rules, trib_bytes_text("live")),
			    2000) ==
		    (TRIB_FACT_BIT(TRIB_FACT_GOODS_CATEGORY) | TRIB_FACT_BIT(TRIB_FACT_ORDER_QTY) |
		     TRIB_FACT_BIT(TRIB_FACT_CREATOR_ID)));
}

static void refusals_change_nothing(void **state)
{
	static const struct {
		const char *body;
		trib_status status;
		const char *at;
	} rows[] = {
		{ "{'version':2}", TRIB_INVALID, "share_bps" },
		{ "{'version':2,'share_bps':10001}", TRIB_INVALID, "share_bps" },
		{ "{'version':2,'share_bps':-1}", TRIB_INVALID, "share_bps" },
		{ "{'version':9,'share_bps':1}", TRIB_NOT_FOUND, "version" },
		{ "{'share_bps':1}", TRIB_INVALID, "version" },
		{ "{'version':2,'when':'order.colour == 1'}", TRIB_INVALID, "rollout.when" },
		{ "{'version':2,'when':'order.qty'}", TRIB_INVALID, "rollout.when" },
		{ "{'version':4,'share_bps':1}", TRIB_REFUSED, "version" },
		{ "{'version':2,'share_bps':1,'steps':[{'share_bps':5,'at':1}]}", TRIB_INVALID,
		  "steps[0].at" },
		{ "{'version':2,'steps':[{'share_bps':5,'at':9000},{'share_bps':9,'at':9000}]}",
		  TRIB_INVALID, "steps[1].at" },
	};
	struct stage *stage = *state;
	uint32_t count;

	three_versions(stage);
	put(stage->rules, "live", "{'scene':'shelf','root':{'id':'v4'}}");
	put(stage->rules, "new", "{'root':{'id':'v1'}}");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_error error = { 0 };
		trib_status status = roll_out(stage, "live", rows[i].body, 2000, &error);

		if (status != rows[i].status ||
		    strncmp(error.at, rows[i].at, strlen(rows[i].at)) != 0)
			fail_msg("%s: found %s at %s: %s", rows[i].body, trib_status_word(status),
				 error.at, error.text);
	}
	struct trib_error error;

	assert_int_equal(roll_out(stage, "new", "{'version':1,'share_bps':1}", 2000, &error),
			 TRIB_REFUSED);
	assert_int_equal(roll_out(stage, "none", "{'version':1,'share_bps':1}", 2000, &error),
			 TRIB_NOT_FOUND);
	trib_rules_activations(stage->rules, &count);
	assert_int_equal(count, 1);
	for (int i = 0; i < TRIB_LIMIT_RULE_ROLLOUTS; i++)
		roll_out_ok(stage, "live", "{'version':2,'share_bps':1}", 2000);
	assert_int_equal(roll_out(stage, "live", "{'version':2,'share_bps':1}", 2000, &error),
			 TRIB_LIMIT);
	activate(stage->rules, "live", 1, 3000);
	roll_out_ok(stage, "live", "{'version':2,'share_bps':1}", 3000);
}

/* ---- The twin: a plain list of what was said ---------------------------------------------------------------- */

struct said {
	bool whole;
	uint32_t version, share;
	int64_t from_ms, step_ms;
	uint32_t step_share;
};

/* What version holds for a place among 10000, by reading the list again and again. */
static uint32_t twin(const struct said *said, int count, int64_t now_ms, uint32_t position)
{
	int base = -1;
	uint32_t below = 0;

	for (int i = 0; i < count; i++)
		if (said[i].whole && said[i].from_ms <= now_ms &&
		    (base < 0 || said[i].from_ms >= said[base].from_ms))
			base = i;
	for (int pass = 0; pass < count; pass++) {
		/* The pass-th in time; of equal times as said. */
		int place = -1;

		for (int i = 0; i < count; i++) {
			int before = 0;

			for (int j = 0; j < count; j++)
				before += said[j].from_ms < said[i].from_ms ||
					  (said[j].from_ms == said[i].from_ms && j < i);
			if (before == pass)
				place = i;
		}
		const struct said *first = &said[place], *last = first;
		bool earlier = false;

#define COUNTS(s)                                                                                  \
	(!(s)->whole && (s)->from_ms <= now_ms &&                                                  \
	 ((s)->from_ms > said[base].from_ms ||                                                     \
	  ((s)->from_ms == said[base].from_ms && (s)-said > base)))
		if (!COUNTS(first))
			continue;
		for (int i = 0; i < count; i++) {
			const struct said *other = &said[i];

			if (!COUNTS(other) || other->version != first->version)
				continue;
			earlier |= other->from_ms < first->from_ms ||
				   (other->from_ms == first->from_ms && other < first);
			if (other->from_ms > last->from_ms ||
			    (other->from_ms == last->from_ms && other > last))
				last = other;
		}
		if (earlier)
			continue;
		uint32_t share =
			last->step_ms && last->step_ms <= now_ms ? last->step_share : last->share;

		if (position >= below && position < below + share)
			return last->version;
		below += share;
	}
	return said[base].version;
}

static void load_from(struct trib_rules *from, struct trib_rules *to)
{
	struct trib_error error;
	uint32_t count;
	const struct trib_rules_activation *list = trib_rules_activations(from, &count);

	for (uint32_t version = 1; version <= trib_rules_latest(from, 2); version++)
		assert_ok(trib_rules_apply_put(to, trib_rules_name(from, 2), version,
					       trib_tree_source(trib_rules_tree(from, 2, version)),
					       &error),
			  error);
	for (uint32_t i = 0; i < count; i++) {
		struct trib_buffer packed;

		trib_buffer_init(&packed, 1 << 20);
		trib_rules_pack_rollout(from, &list[i], &packed);
		if (packed.size) {
			Tributary__RulesActivated *event = tributary__rules_activated__unpack(
				NULL, packed.size, (const uint8_t *)packed.data);

			assert_ok(trib_rules_apply_rollout(to, event, &error), error);
			tributary__rules_activated__free_unpacked(event, NULL);
		} else {
			assert_ok(trib_rules_apply_activate(to, trib_rules_name(from, list[i].tree),
							    list[i].version, list[i].from_ms,
							    &error),
				  error);
		}
		trib_buffer_fini(&packed);
	}
}

/* Finds an order for each of some places, by asking a share that lies there alone. */
static uint32_t position_of(struct stage *stage, const char *order)
{
	uint32_t low = 0, high = 10000;

	/* In rules of its own whose salt is the same, because their name is. */
	while (low < high) {
		uint32_t middle = (low + high + 1) / 2;
		struct trib_rules *rules = trib_rules_new(&world_key, &stage->world.spaces),
				  *kept = stage->rules;
		char body[64];

		stage->rules = rules;
		put(rules, "live", "{'root':{'id':'v1'}}");
		put(rules, "live", "{'root':{'id':'v2'}}");
		activate(rules, "live", 1, 0);
		snprintf(body, sizeof(body), "{'version':2,'share_bps':%u}", middle);
		roll_out_ok(stage, "live", body, 0);
		bool below = version_of(stage, rules, order, "", 0) == 2;

		stage->rules = kept;
		trib_rules_free(rules);
		trib_arena_reset(&stage->arena);
		if (below)
			high = middle - 1;
		else
			low = middle;
	}
	return low;
}

enum { SAID_MAX = 24, ORDERS = 12 };

/* An activation or a roll-out at random, a little later than the one before: what was said, and when. */
static int64_t say_something(struct stage *stage, struct trib_rng *rng, int64_t now_ms, struct said *ret_said)
{
	struct said said;
	char body[160];

	now_ms += (int64_t)trib_rng_below(rng, 4);
	said = (struct said){ .whole = trib_rng_chance(rng, 0.2),
			      .version = 1 + (uint32_t)trib_rng_below(rng, 5),
			      .share = (uint32_t)trib_rng_below(rng, 4) * 1500,
			      .from_ms = now_ms + (int64_t)(trib_rng_chance(rng, 0.3) ? trib_rng_below(rng, 9) : 0) };
	if (said.whole) {
		activate(stage->rules, "live", said.version, said.from_ms);
		*ret_said = said;
		return now_ms;
	}
	int n = snprintf(body, sizeof(body), "{'version':%u,'share_bps':%u,'at':%d", said.version, said.share,
			 (int)said.from_ms);

	if (trib_rng_chance(rng, 0.3)) {
		said.step_ms = said.from_ms + 1 + (int64_t)trib_rng_below(rng, 6);
		said.step_share = (uint32_t)trib_rng_below(rng, 10001);
		n += snprintf(body + n, sizeof(body) - (size_t)n, ",'steps':[{'share_bps':%u,'at':%d}]", said.step_share,
			      (int)said.step_ms);
	}
	snprintf(body + n, sizeof(body) - (size_t)n, "}");
	roll_out_ok(stage, "live", body, now_ms);
	trib_arena_reset(&stage->arena);
	*ret_said = said;
	return now_ms;
}

static void the_twin_agrees(void **state)
{
	struct stage *stage = *state;
	struct trib_rng rng;
	uint32_t positions[ORDERS];
	char orders[ORDERS][16];

	world_add(&stage->world, TRIB_SPACE_SYMBOL, "live");
	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < ORDERS; i++) {
		snprintf(orders[i], sizeof(orders[i]), "o%u",
			 (unsigned)trib_rng_below(&rng, 1000000));
		positions[i] = position_of(stage, orders[i]);
	}
	for (int round = 0; round < 40; round++) {
		struct said said[SAID_MAX];
		int64_t now_ms = 100;
		int count = 1;

		trib_rules_free(stage->rules);
		stage->rules = trib_rules_new(&world_key, &stage->world.spaces);
		for (int i = 1; i <= 5; i++)
			put(stage->rules, "live", "{'root':{'id':'v'}}");
		activate(stage->rules, "live", 1, 100);
		said[0] = (struct said){ .whole = true, .version = 1, .from_ms = 100 };
		for (; count < SAID_MAX; count++)
			now_ms = say_something(stage, &rng, now_ms, &said[count]);
		struct trib_rules *copy = trib_rules_copy(stage->rules);
		struct trib_rules *loaded = trib_rules_new(&world_key, &stage->world.spaces);

		load_from(stage->rules, loaded);
		for (int64_t at = 100; at < now_ms + 20; at++)
			for (int i = 0; i < ORDERS; i++) {
				uint32_t expected = twin(said, count, at, positions[i]);

				assert_int_equal(version_of(stage, stage->rules, orders[i], "", at),
						 expected);
				assert_int_equal(version_of(stage, copy, orders[i], "", at),
						 expected);
				assert_int_equal(version_of(stage, loaded, orders[i], "", at),
						 expected);
			}
		trib_rules_free(loaded);
		trib_rules_free(copy);
	}
}

static void they_are_shown(void **state)
{
	struct stage *stage = *state;
	struct trib_buffer json;
	struct trib_error error;

	three_versions(stage);
	roll_out_ok(stage, "live",
		    "{'version':2,'share_bps':500,'steps':[{'share_bps':5000,'at':4000}]}", 2000);
	roll_out_ok(stage, "live", "{'version':3,'when':'order.qty > 5','at':9000}", 2000);
	trib_buffer_init(&json, 1 << 16);
	assert_ok(trib_rules_write_json(stage->rules, trib_bytes_text("live"), 1, 3000, &json,
					&error),
		  error);
	if (!strstr(trib_buffer_text(&json),
		    "\"rollouts\":[{\"version\":2,\"at\":2000,\"share_bps\":500,\"steps\":[{"
		    "\"share_bps\":5000,\"at\":4000}]},"
		    "{\"version\":3,\"at\":9000,\"when\":\"order.qty > 5\",\"steps\":[]}]"))
		fail_msg("%s", trib_buffer_text(&json));
	trib_buffer_fini(&json);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(shares_are_kept),	     ROW(steps_come_by_themselves),
		ROW(conditions_pick_orders), ROW(refusals_change_nothing),
		ROW(the_twin_agrees),	     ROW(they_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
