/*
 * Data folders of every release, under test/golden/<release>/: this version opens them to the state that was recorded,
 * from store and tail, and from the journal alone.
 *
 *	history.tar.gz   a data folder: keys, journal segments (as they are, zeros and all), the store of a checkpoint
 *	                 halfway, whose tail only the journal has
 *	history.txt      that state as text (digest.h), its BLAKE2b-256 in the first line
 *
 *	engine-golden-test --make FOLDER    writes both; scripts/golden is how a release gets them
 *	engine-golden-test --state FOLDER   prints the text for a folder that is there
 */
#include "unit/engine/world.h"
#include "unit/engine/digest.h"

#include <glob.h>
#include <unistd.h>
#include <libgen.h>

enum { HOUR = 3600000 };

/* --- The history that a release's folder tells -------------------------------------------------------- */

static const char *const parties[] = {
	"{\"id\":\"m1\",\"roles\":[\"merchant\"],\"name\":\"果园\",\"region\":\"CN-33\"}",
	"{\"id\":\"m2\",\"roles\":[\"merchant\"]}",
	"{\"id\":\"l1\",\"roles\":[\"leader\"]}",
	"{\"id\":\"l2\",\"roles\":[\"leader\"]}",
	"{\"id\":\"mcn\",\"roles\":[\"agency\"]}",
	"{\"id\":\"c1\",\"roles\":[\"creator\"],\"level\":3,\"score\":4.5,\"followers\":120000,\"tags\":[\"mum\",\"food\"],"
	"\"user_ids\":[\"buyer-of-c1\"]}",
	"{\"id\":\"c2\",\"roles\":[\"creator\"],\"level\":1,\"agency\":\"mcn\"}",
	"{\"id\":\"c3\",\"roles\":[\"creator\",\"site\"],\"status\":\"restricted\"}",
};

static const char *const goods[] = {
	"{\"id\":\"g1\",\"title\":\"橙 5kg\",\"merchant\":\"m1\",\"category\":\"fresh\",\"price\":2990,\"ext\":{\"b\":[1,2],\"a\":1}}",
	"{\"id\":\"g2\",\"merchant\":\"m1\",\"category\":\"snack\",\"brand\":\"pip\",\"price\":990}",
	"{\"id\":\"g3\",\"merchant\":\"m2\",\"category\":\"shoes\",\"price\":7900,\"currency\":\"BRL\",\"site\":\"own\"}",
	"{\"id\":\"g4\",\"merchant\":\"m2\",\"price\":19900}",
	"{\"id\":\"g5\",\"merchant\":\"m1\",\"price\":500}",
	"{\"id\":\"alone\",\"merchant\":\"m1\",\"price\":100}",
};

static const char *const plans[] = {
	"{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\",\"g2\"],\"terms\":{\"commission_bps\":1500,\"platform_bps\":600}}",
	"{\"id\":\"act\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"activity\",\"terms\":{\"commission_bps\":1800,"
	"\"service_bps\":300,\"service2_bps\":5000,\"leader\":\"l1\",\"leader2\":\"l2\",\"agency_bps\":2000}}",
	"{\"id\":\"aim\",\"merchant\":\"m2\",\"goods\":[\"g3\"],\"kind\":\"targeted\",\"creators_when\":\"creator.level >= 2\","
	"\"terms\":{\"commission_bps\":2500}}",
	"{\"id\":\"p3\",\"merchant\":\"m2\",\"goods\":[\"g3\",\"g4\"],\"terms\":{\"commission_bps\":2000}}",
	"{\"id\":\"p5\",\"merchant\":\"m1\",\"goods\":[\"g5\"],\"terms\":{\"commission_bps\":1000}}",
};

static const char *const registrations[] = {
	"{\"id\":\"app\",\"channel\":\"app\"}",
	"{\"id\":\"shop\",\"channel\":\"shop\",\"priority\":5,\"token_ttl\":\"12h\",\"ext_overflow\":\"refuse\"}",
	"{\"id\":\"live\",\"channel\":\"app\",\"scene\":\"live\",\"priority\":9,\"when\":\"touch.carrier == 'live'\"}",
};

static const struct {
	const char *name, *json;
} trees[] = {
	{ "live", "{\"scene\":\"live\",\"root\":{\"id\":\"live\",\"when\":\"has(touch)\",\"window\":\"2d\",\"shares\":["
		  "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"},"
		  "{\"name\":\"technical\",\"to\":\"platform\",\"from\":\"creator\",\"of\":\"commission\",\"bps\":\"terms.platform_bps\"},"
		  "{\"name\":\"service\",\"to\":\"leader\",\"from\":\"merchant\",\"bps\":\"terms.service_bps\",\"cap\":100},"
		  "{\"name\":\"service2\",\"to\":\"leader2\",\"from\":\"leader\",\"of\":\"service\",\"bps\":\"terms.service2_bps\"}],"
		  "\"children\":["
		  "{\"id\":\"moved\",\"priority\":9,\"when\":\"has(order.carrier.owner) && has(touch.carrier.owner) && "
		  "order.carrier.owner != touch.carrier.owner\",\"outcome\":\"carrier_conflict\",\"reason\":\"another room\"},"
		  "{\"id\":\"blocked\",\"priority\":8,\"when\":\"order.qty > 100\",\"outcome\":\"user_blocked\",\"reason\":\"hoarder\"},"
		  "{\"id\":\"own\",\"when\":\"order.page == 'own'\",\"outcome\":\"own_shop\",\"reason\":\"their own room\"},"
		  "{\"id\":\"self\",\"when\":\"order.ext.self == 'yes'\",\"outcome\":\"self_purchase\",\"reason\":\"the creator's account\"},"
		  "{\"id\":\"mums\",\"priority\":-1,\"when\":\"'mum' in creator.tags && goods.price < 5000\",\"lock\":\"link\"}]}}" },
	{ "first", "{\"scene\":\"first\",\"root\":{\"id\":\"r\",\"model\":\"first\",\"match\":\"shop\",\"shares\":["
		   "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":1000,\"round\":\"half_even\"}]}}" },
	{ "linear", "{\"scene\":\"linear\",\"root\":{\"id\":\"r\",\"model\":\"linear\",\"match\":\"any\",\"shares\":["
		    "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}]}}" },
	{ "position", "{\"scene\":\"position\",\"root\":{\"id\":\"r\",\"model\":\"position\",\"match\":\"any\",\"shares\":["
		      "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}]}}" },
	{ "decay", "{\"scene\":\"decay\",\"root\":{\"id\":\"r\",\"model\":\"decay\",\"half_life\":\"6h\",\"match\":\"shop\",\"shares\":["
		   "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"platform\",\"bps\":333}]}}" },
	{ "priority", "{\"scene\":\"priority\",\"root\":{\"id\":\"r\",\"model\":\"priority\",\"match\":\"any\",\"shares\":["
		      "{\"name\":\"bonus\",\"to\":\"creator\",\"from\":\"platform\",\"bps\":100}]}}" },
	{ "none", "{\"scene\":\"none\",\"root\":{\"id\":\"never\",\"when\":\"order.base < 0\"}}" },
};

static char told[16][128]; /* tokens */
static unsigned orders_told;

static void tell_link(unsigned slot, struct trib_link_request request)
{
	struct trib_error error;
	enum trib_outcome outcome;
	size_t size = 0;
	trib_status status = trib_engine_link(world.engine, &request, told[slot], &size, &outcome, &error);

	assert_ok(status, error);
	told[slot][size] = '\0';
}

#define T(text) trib_bytes_text(text)
#define LINK(slot, channel_, creator_, goods_, ...)                                                \
	tell_link(slot, (struct trib_link_request){ .channel = T(channel_), .creator = T(creator_), .goods = T(goods_), __VA_ARGS__ })

static void tell_touch(const char *user, struct trib_touch_request request)
{
	struct trib_error error;
	enum trib_touch_answer answer;

	request.user = T(user);
	trib_status status = trib_engine_touch(world.engine, &request, &answer, &error);

	assert_ok(status, error);
}
#define TOUCH(user, slot, ...) tell_touch(user, (struct trib_touch_request){ .token = T(told[slot]), __VA_ARGS__ })

static void tell_order(enum trib_outcome expected, struct trib_order_request request)
{
	char name[32];
	struct world_answer answer;

	snprintf(name, sizeof(name), orders_told % 3 ? "order-%u" : "order-%u/1", orders_told);
	orders_told++;
	request.order = T(name);
	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	assert_ok(answer.status, answer.error);
	if (answer.outcome != expected)
		fail_msg("%s: %s, expected %s", name, trib_outcome_word(answer.outcome), trib_outcome_word(expected));
	/* A repeat changes nothing, in this release and when it is read. */
	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	assert_true(answer.repeated);
	request.base_amount++;
	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	assert_int_equal(answer.status, TRIB_CONFLICT);
}
#define ORDER(expected, user_, goods_, base_, token_, ...)                                         \
	tell_order(TRIB_OUTCOME_##expected, (struct trib_order_request){ .user = T(user_), .goods = T(goods_), \
					   .base_amount = base_, .token = T(token_), __VA_ARGS__ })

static void tell_close(enum trib_noun noun, const char *id)
{
	struct trib_call call = { .kind = TRIB_CALL_CLOSE, .noun = noun, .name = T(id) };

	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
}

static void tell_activation(const char *name, uint32_t version, int64_t at_ms)
{
	struct trib_call call = { .kind = TRIB_CALL_RULES_ACTIVATE, .name = T(name), .version = version,
				  .at_ms = at_ms, .has_at = at_ms != 0 };

	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
}

static void tell_nouns(void)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(parties); i++)
		world_put(TRIB_NOUN_PARTY, parties[i]);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(goods); i++)
		world_put(TRIB_NOUN_GOODS, goods[i]);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(plans); i++)
		world_put(TRIB_NOUN_PLAN, plans[i]);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(registrations); i++)
		world_put(TRIB_NOUN_REGISTRATION, registrations[i]);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(trees); i++)
		world_rules(trees[i].name, trees[i].json);
}

static const struct trib_ext_pair long_ext[] = { { { "campaign", 8 }, { "double-eleven-2026", 18 } },
						 { { "pid", 3 }, { "mm_1_2_3", 8 } } };
static const struct trib_ext_pair short_ext[] = { { { "s", 1 }, { "7", 1 } } };
static const struct trib_ext_pair self_ext[] = { { { "self", 4 }, { "yes", 3 } } };

static void tell_links(void)
{
	const struct trib_carrier_request room1 = { T("live"), T("room-1"), T("c1") };

	LINK(0, "app", "c1", "g1");
	LINK(1, "app", "c2", "g1", .offer = T("act"), .ext = long_ext, .n_ext = 2);
	LINK(2, "app", "c1", "g3", .ext = short_ext, .n_ext = 1);
	LINK(3, "app", "c1", "g2", .carrier = room1, .page = T("live_cart"));
	LINK(4, "shop", "c2", "g2", .ext = short_ext, .n_ext = 1);
	LINK(5, "app", "c3", "g4", .page = T("product"), .ext = long_ext, .n_ext = 2);
	LINK(6, "app", "c2", "g5");
}

/* Every outcome that can be reached, first without time passing. */
static void tell_orders(void)
{
	const struct trib_carrier_request room1 = { T("live"), T("room-1"), T("c1") };
	const struct trib_carrier_request room2 = { T("live"), T("room-2"), T("c2") };

	ORDER(ATTRIBUTED, "u1", "g1", 2990, told[0]);
	ORDER(ATTRIBUTED, "u1", "g1", 5980, told[1], .qty = 2);
	ORDER(ATTRIBUTED, "u2", "g3", 7900, told[2], .ext = long_ext, .n_ext = 2);
	ORDER(ATTRIBUTED, "u2", "g2", 990, told[3], .carrier = room1, .page = T("checkout"));
	ORDER(CARRIER_CONFLICT, "u2", "g2", 990, told[3], .carrier = room2);
	ORDER(USER_BLOCKED, "u2", "g2", 99000, told[3], .qty = 101);
	ORDER(OWN_SHOP, "u2", "g2", 990, told[3], .page = T("own"));
	ORDER(SELF_PURCHASE, "buyer-of-c1", "g2", 990, told[3], .ext = self_ext, .n_ext = 1);
	ORDER(NOT_DISTRIBUTED, "u2", "g2", 990, told[3], .scene = T("none"));
	ORDER(NOT_DISTRIBUTED, "u0", "g2", 990, "-", .scene = T("live"));
	ORDER(NO_TOUCH, "u0", "g2", 990, "-");
	ORDER(BAD_TOKEN, "u0", "g2", 990, "AQIAAAGUtOT0ywMDucoxAtLmlgKV2JcLBYDMsNWqM2PgbU7Lb7bLAigdfmW0w-I");
	ORDER(BAD_TOKEN, "u0", "g2", 990, "no token at all");
	ORDER(GOODS_MISMATCH, "u1", "g2", 990, told[0]);
	ORDER(ZERO_BASE, "u1", "g1", 0, told[0]);
}

static void tell_touches(void)
{
	for (int user = 0; user < 6; user++) {
		char name[8];

		snprintf(name, sizeof(name), "t%d", user);
		for (int i = 0; i <= user; i++) {
			TOUCH(name, i, .kind = (enum trib_touch_kind)(1 + (user + i) % 5));
			world_pass(HOUR / 2);
		}
		TOUCH(name, 0, .at_ms = world.clock.ms - HOUR, .has_at = true);
		TOUCH(name, 0, .at_ms = world.clock.ms - HOUR, .has_at = true);
	}
}

static void tell_models(const char *user)
{
	ORDER(ATTRIBUTED, user, "g1", 10001, "-");
	ORDER(ATTRIBUTED, user, "g1", 10001, "-", .scene = T("first"));
	ORDER(ATTRIBUTED, user, "g1", 10001, "-", .scene = T("linear"));
	ORDER(ATTRIBUTED, user, "g1", 10001, "-", .scene = T("position"));
	ORDER(ATTRIBUTED, user, "g1", 10001, "-", .scene = T("decay"));
	ORDER(ATTRIBUTED, user, "g1", 10001, "-", .scene = T("priority"), .at_ms = world.clock.ms - HOUR, .has_at = true);
}

/* New versions of everything; what was allowed is not any more. */
static void tell_changes(void)
{
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\",\"g2\"],\"terms\":{\"commission_bps\":1200}}");
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\",\"g2\"],\"effective_from\":1790100000000,"
				  "\"terms\":{\"commission_bps\":900}}");
	ORDER(ATTRIBUTED, "u3", "g1", 2990, told[0]);
	ORDER(ATTRIBUTED, "u3", "g2", 990, told[3]); /* locked at the link */
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p5\",\"merchant\":\"m1\",\"goods\":[\"g5\"],\"status\":\"paused\",\"terms\":{\"commission_bps\":1000}}");
	ORDER(PLAN_PAUSED, "u3", "g5", 500, told[6]);
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p5\",\"merchant\":\"m1\",\"goods\":[\"g5\"],\"status\":\"ended\",\"terms\":{\"commission_bps\":1000}}");
	ORDER(PLAN_ENDED, "u3", "g5", 500, told[6]);
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"only\",\"merchant\":\"m2\",\"goods\":[\"g4\"],\"kind\":\"exclusive\",\"creators\":[\"c1\"],"
				  "\"terms\":{\"commission_bps\":3000}}");
	ORDER(CREATOR_NOT_ALLOWED, "u3", "g4", 19900, told[5]);
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"status\":\"frozen\"}");
	ORDER(PARTY_FROZEN, "u3", "g1", 2990, told[0]);
	world_put(TRIB_NOUN_PARTY, parties[5]);
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"g3\",\"merchant\":\"m2\",\"category\":\"shoes\",\"price\":7900,\"currency\":\"BRL\",\"status\":\"withdrawn\"}");
	ORDER(GOODS_WITHDRAWN, "u3", "g3", 7900, told[2]);
	tell_close(TRIB_NOUN_GOODS, "alone");
	tell_close(TRIB_NOUN_REGISTRATION, "shop");
	tell_close(TRIB_NOUN_PARTY, "c3");
}

/* A tree larger than a batch: its event stands in the journal in pieces. */
static void tell_large_tree(void)
{
	struct trib_buffer json;

	trib_buffer_init(&json, 1 << 20);
	trib_buffer_add_text(&json, "{\"scene\":\"large\",\"root\":{\"id\":\"root\",\"children\":[");
	for (int i = 0; i < 120; i++) {
		trib_buffer_add_format(&json, "%s{\"id\":\"n%d\",\"priority\":%d,\"outcome\":\"not_distributed\",\"reason\":\"n%d\",\"when\":\"order.base == %d",
				       i ? "," : "", i, 200 - i, i, i);
		for (int j = 0; j < 24; j++)
			trib_buffer_add_format(&json, " || order.base == %d", 1000000 * j + i + 1000000);
		trib_buffer_add_text(&json, "\"}");
	}
	trib_buffer_add_text(&json, "]}}");
	world_rules("large", trib_buffer_text(&json));
	trib_buffer_fini(&json);
	ORDER(NOT_DISTRIBUTED, "u4", "g1", 3, told[0], .scene = T("large"));
}

static void tell_history(void)
{
	tell_nouns();
	tell_links();
	tell_orders();
	tell_touches();
	tell_models("t5");
	world_restart(); /* a checkpoint */
	tell_models("t4");
	world_crash();
	world_rules("live", "{\"scene\":\"live\",\"root\":{\"id\":\"live\",\"window\":\"30d\",\"shares\":["
			    "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":500}]}}");
	ORDER(ATTRIBUTED, "u2", "g2", 990, told[3]);
	tell_activation("live", 1, 0);
	tell_activation("live", 2, world.clock.ms + 40 * WORLD_DAY_MS);
	tell_large_tree();
	tell_changes();
	world_pass(13 * HOUR);
	TOUCH("late", 4); /* expired: nothing is recorded */
	LINK(7, "app", "c2", "g1", .offer = T("act"), .ext = long_ext, .n_ext = 2);
	TOUCH("t4", 7);
	tell_models("t4");
	world_pass(31 * WORLD_DAY_MS);
	ORDER(EXPIRED, "u1", "g1", 2990, told[0]);
	ORDER(NO_TOUCH, "t5", "g1", 2990, "-"); /* all of them are older than the window */
	LINK(8, "app", "c2", "g1");
	TOUCH("t5", 8);
	world_pass(2 * HOUR);
	tell_models("t5");
}

/* --- Files -------------------------------------------------------------------------------------------- */

static void run(const char *format, ...) TRIB_PRINTF(1, 2);
static void run(const char *format, ...)
{
	char command[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void read_whole(const char *path, struct trib_buffer *text)
{
	FILE *file = fopen(path, "rb");
	char piece[65536];
	size_t n;

	if (!file)
		fail_msg("cannot open %s", path);
	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		trib_buffer_add(text, piece, n);
	fclose(file);
}

static const char *golden_folder(void)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/test/golden", getenv("TRIB_SOURCE_DIR") ? getenv("TRIB_SOURCE_DIR") : ".");
	return path;
}

static void write_state(struct trib_buffer *text)
{
	struct trib_buffer state;
	char hash[65];

	trib_buffer_init(&state, DIGEST_BYTES_MAX);
	digest_dump(world.engine, DIGEST_POSITIONS, &state);
	digest_hash(trib_buffer_bytes(&state), hash);
	trib_buffer_add_format(text, "blake2b-256 %s\n", hash);
	trib_buffer_add_bytes(text, trib_buffer_bytes(&state));
	trib_buffer_fini(&state);
}

static void golden_options(void)
{
	world.options.segment_bytes = world.options.ring_bytes = 64 << 10;
	world.options.order_index_bytes = 1 << 16;
}

/* A new folder with the keys that tokens.txt was signed with, opened on the history. */
static void make(const char *folder)
{
	struct trib_buffer text;

	char path[512];

	snprintf(path, sizeof(path), "%s/history.tar.gz", folder);
	if (access(path, F_OK) == 0)
		fail_msg("%s is there: the files of a release stay as they are", path);
	world_prepare();
	golden_options();
	run("mkdir -m 700 %s/keys && cp %s/v0.1.0/token.keys %s/v0.1.0/hash.keys %s/keys && chmod 600 %s/keys/*", world.folder,
	    golden_folder(), golden_folder(), world.folder, world.folder);
	world_open();
	tell_history();
	trib_buffer_init(&text, DIGEST_BYTES_MAX);
	write_state(&text);
	trib_engine_abandon(world.engine);
	run("mkdir -p %s", folder);
	run("rm -f %s/store/LOG* %s/store/LOCK", world.folder, world.folder);
	run("tar --sort=name --owner=0 --group=0 --numeric-owner -C %s -cf - . | gzip -9n >%s/history.tar.gz", world.folder, folder);
	trib_buffer_add_char(&text, '\0');
	snprintf(path, sizeof(path), "%s/history.txt", folder);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text.data, file);
	fclose(file);
	trib_buffer_fini(&text);
	nftw(world.folder, world_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* world.folder becomes a copy of a release's; the clock stands behind all that it tells. */
static void unpack(const char *release)
{
	world_prepare();
	golden_options();
	world.clock.ms += 60 * WORLD_DAY_MS;
	run("tar -C %s -xzf %s/history.tar.gz", world.folder, release);
}

static void check_state(const char *release, const char *how)
{
	struct trib_buffer expected, found;
	char path[512], name[600];

	snprintf(path, sizeof(path), "%s/history.txt", release);
	snprintf(name, sizeof(name), "%s, %s", path, how);
	trib_buffer_init(&expected, DIGEST_BYTES_MAX);
	trib_buffer_init(&found, DIGEST_BYTES_MAX);
	read_whole(path, &expected);
	write_state(&found);
	/* The first line stands for all others; show the first of those that differs. */
	size_t skip = strcspn(found.data, "\n") + 1;

	digest_assert_equal(name, trib_bytes(found.data + skip, found.size - skip),
			    trib_bytes(expected.data + skip, expected.size - skip));
	digest_assert_equal(name, trib_buffer_bytes(&found), trib_buffer_bytes(&expected));
	trib_buffer_fini(&expected);
	trib_buffer_fini(&found);
}

/* --- Tests -------------------------------------------------------------------------------------------- */

static void for_each_release(void (*check)(const char *release))
{
	char pattern[600];
	glob_t found = { 0 };

	snprintf(pattern, sizeof(pattern), "%s/v*/history.tar.gz", golden_folder());
	if (glob(pattern, 0, NULL, &found) != 0)
		fail_msg("no folder under %s", golden_folder());
	for (size_t i = 0; i < found.gl_pathc; i++) {
		check(dirname(found.gl_pathv[i]));
		nftw(world.folder, world_remove, 16, FTW_DEPTH | FTW_PHYS);
	}
	globfree(&found);
}

static void check_store_and_tail(const char *release)
{
	struct trib_engine_counts counts;

	unpack(release);
	world_open();
	trib_engine_count(world.engine, &counts);
	assert_true(counts.store_position > 0);
	assert_true(counts.replayed_events > 0);
	check_state(release, "store and tail");
	world_restart();
	check_state(release, "after a checkpoint");
	trib_engine_abandon(world.engine);
}

static void store_and_tail_open_to_the_recorded_state(void **state)
{
	for_each_release(check_store_and_tail);
}

static void check_journal_alone(const char *release)
{
	unpack(release);
	run("rm -r %s/store", world.folder);
	world_open();
	check_state(release, "journal alone");
	trib_engine_abandon(world.engine);
}

static void journal_alone_opens_to_the_recorded_state(void **state)
{
	for_each_release(check_journal_alone);
}

/* What protobuf-c reads and writes again has the same bytes: nothing in an event is unknown to us. */
static void check_event(struct trib_bytes bytes)
{
	static struct trib_order_record order;
	static char again[1 << 20];
	struct trib_touch_event touch;
	struct trib_link_event link;
	struct trib_bytes body;
	Tributary__Event *event = tributary__event__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);
	char *end = again;

	assert_non_null(event);
	assert_true(event->kind_case != TRIBUTARY__EVENT__KIND__NOT_SET);
	assert_int_equal(event->base.n_unknown_fields, 0);
	switch (trib_event_kind(bytes, &body)) {
	case TRIB_EVENT_ORDER_DECIDED:
		assert_true(trib_order_record_get(body, &order));
		end = trib_order_event_put(again, &order);
		break;
	case TRIB_EVENT_TOUCH_RECORDED:
		assert_true(trib_touch_event_get(body, &touch));
		end = trib_touch_event_put(again, &touch);
		break;
	case TRIB_EVENT_LINK_ISSUED:
		assert_true(trib_link_event_get(body, &link));
		end = trib_link_event_put(again, &link);
		break;
	default:
		end = trib_event_put(again, event);
	}
	/* Written as a member of Batch: a tag and a length come first. */
	assert_true((size_t)(end - again) > bytes.size);
	assert_memory_equal(end - bytes.size, bytes.data, bytes.size);
	tributary__event__free_unpacked(event, NULL);
}

static void check_events(const char *release)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	struct trib_error error;
	uint64_t seen = 0;

	unpack(release);
	world_open();
	trib_status status = trib_journal_reader_new(world.engine->journal, 0, &reader, &error);

	assert_ok(status, error);
	while (trib_journal_reader_next(reader, &record, &error) == TRIB_OK) {
		struct trib_bytes event;
		size_t offset = 0, at;
		int64_t time_ms;
		bool ok;

		for (; trib_batch_next(record.payload, &offset, &time_ms, &event, &at, &ok); seen++)
			check_event(event);
		assert_true(ok);
	}
	assert_true(seen > 100);
	trib_journal_reader_free(reader);
	trib_engine_abandon(world.engine);
}

static void events_are_written_as_they_were(void **state)
{
	for_each_release(check_events);
}

/* Appends a batch as a newer version might have written it, and says where its second event stands. */
static uint64_t append_from_the_future(void)
{
	/* time_ms 1; event {name_added {number 9999, text "x"}} is left out: a Probe; then field 900 of Event. */
	static const char payload[] = "\x08\x01"
				      "\x12\x02\x72\x00"
				      "\x12\x05\xa2\x38\x02\x08\x01";
	struct trib_journal_options options = { .segment_bytes = world.options.segment_bytes,
						.ring_bytes = world.options.ring_bytes };
	struct trib_journal *journal;
	struct trib_journal_batch batch;
	struct trib_journal_progress progress;
	struct trib_error error;
	char folder[128];
	uint64_t next;

	snprintf(folder, sizeof(folder), "%s/journal", world.folder);
	options.folder = folder;
	assert_ok(trib_journal_open(&options, &journal, &error), error);
	assert_int_equal(trib_journal_begin(journal, &batch), TRIB_OK);
	memcpy(batch.payload, payload, sizeof(payload) - 1);
	assert_int_equal(trib_journal_append(journal, sizeof(payload) - 1, &next), TRIB_OK);
	assert_int_equal(trib_journal_wait(journal, &progress, NULL), TRIB_OK);
	trib_journal_free(journal);
	return batch.position + 6;
}

static void an_unknown_event_stops_the_engine(void **state)
{
	struct trib_engine *engine = NULL;
	struct trib_error error;
	char expected[64];

	world_setup(NULL);
	world_market();
	trib_engine_close(world.engine);
	snprintf(expected, sizeof(expected), "journal position %llu", (unsigned long long)append_from_the_future());
	/* Again and again: nothing is skipped, and nothing is written behind it. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(trib_engine_open(&world.options, &engine, &error), TRIB_UNSUPPORTED);
		assert_non_null(strstr(error.at, expected));
		assert_non_null(strstr(error.text, "found a kind of event that this version does not know"));
		assert_null(engine);
	}
	nftw(world.folder, world_remove, 16, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_and_tail_open_to_the_recorded_state),
		cmocka_unit_test(journal_alone_opens_to_the_recorded_state),
		cmocka_unit_test(events_are_written_as_they_were),
		cmocka_unit_test(an_unknown_event_stops_the_engine),
	};

	if (argc == 3 && strcmp(argv[1], "--make") == 0) {
		make(argv[2]);
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "--state") == 0) {
		struct trib_buffer text;

		unpack(argv[2]);
		world_open();
		trib_buffer_init(&text, DIGEST_BYTES_MAX);
		write_state(&text);
		fwrite(text.data, 1, text.size, stdout);
		trib_buffer_fini(&text);
		trib_engine_abandon(world.engine);
		nftw(world.folder, world_remove, 16, FTW_DEPTH | FTW_PHYS);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
