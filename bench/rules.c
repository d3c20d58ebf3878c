/*
 * Walking rule trees: CPU time per order, of facts that are filled just before, as the engine does it.
 *
 *	bench-rules [ORDERS, default 2 million]
 *
 * Orders are random and do not repeat within 64 Ki, so that no branch is learnt by heart. "walk" is the whole less
 * what filling the facts alone takes.
 */
#include "base/clock.h"
#include "base/names.h"
#include "base/rng.h"
#include "rules/rules.h"

enum { RECORDS = 64 << 10, CATEGORIES = 40, BRANDS = 200, CHANNELS = 12, GOODS = 5000 };

static const struct trib_hash_key key = { { 5 } };
static struct trib_names *names[TRIB_SPACES];

struct record {
	int64_t base, created_at, age, price;
	double score;
	uint32_t goods, category, brand, channel, kind, status, carrier, page, qty, level;
};

static struct record *records;

static uint32_t find(void *context, enum trib_space space, struct trib_bytes text)
{
	return trib_names_find(names[space], text);
}

static struct trib_bytes text(void *context, enum trib_space space, uint32_t code)
{
	return trib_names_text(names[space], code);
}

static const struct trib_spaces spaces = { find, text, NULL };

static uint32_t add(enum trib_space space, const char *prefix, uint32_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%u", prefix, number);
	return trib_names_add(names[space], trib_bytes_text(name));
}

static uint32_t word(const char *name)
{
	return trib_names_add(names[TRIB_SPACE_SYMBOL], trib_bytes_text(name));
}

static void make_records(void)
{
	static const char *const kinds[] = { "click", "view", "cart", "favourite", "share_open" };
	static const char *const carriers[] = { "live",	  "video", "shelf",  "card",
						"search", "share", "offsite" };
	static const char *const pages[] = { "live_cart", "product", "cart", "checkout" };
	struct trib_rng rng;

	trib_rng_seed(&rng, 1);
	records = trib_alloc(RECORDS * sizeof(*records));
	for (int i = 0; i < RECORDS; i++)
		records[i] = (struct record){
			.base = (int64_t)trib_rng_below(&rng, 30000),
			.created_at =
				INT64_C(1795000000000) + (int64_t)trib_rng_below(&rng, 86400000),
			.age = (int64_t)trib_rng_below(&rng, INT64_C(40) * 86400000),
			.price = (int64_t)trib_rng_below(&rng, 30000),
			.score = 3 + trib_rng_unit(&rng) * 2,
			.goods = add(TRIB_SPACE_GOODS, "g", (uint32_t)trib_rng_below(&rng, GOODS)),
			.category = add(TRIB_SPACE_SYMBOL, "category",
					(uint32_t)trib_rng_below(&rng, CATEGORIES)),
			.brand = add(TRIB_SPACE_SYMBOL, "brand",
				     (uint32_t)trib_rng_below(&rng, BRANDS)),
			.channel = add(TRIB_SPACE_SYMBOL, "channel",
				       (uint32_t)trib_rng_below(&rng, CHANNELS)),
			.kind = word(kinds[trib_rng_below(&rng, 5)]),
			.status = word(trib_rng_chance(&rng, 0.95) ? "active" : "restricted"),
			.carrier = word(carriers[trib_rng_below(&rng, 7)]),
			.page = word(pages[trib_rng_below(&rng, 4)]),
			.qty = 1 + (uint32_t)trib_rng_below(&rng, 4),
			.level = (uint32_t)trib_rng_below(&rng, 8),
		};
}

static void fill(struct trib_facts *facts, const struct record *record, struct trib_arena *scratch)
{
	trib_facts_init(facts, &spaces, scratch);
	for (int group = 0; group < TRIB_GROUPS; group++)
		trib_facts_open(facts, (enum trib_fact_group)group);
	trib_facts_set(facts, TRIB_FACT_ORDER_BASE, record->base);
	trib_facts_set(facts, TRIB_FACT_ORDER_QTY, record->qty);
	trib_facts_set(facts, TRIB_FACT_ORDER_GOODS, record->goods);
	trib_facts_set(facts, TRIB_FACT_ORDER_CREATED_AT, record->created_at);
	trib_facts_set(facts, TRIB_FACT_ORDER_CARRIER, record->carrier);
	trib_facts_set(facts, TRIB_FACT_ORDER_PAGE, record->page);
	trib_facts_set(facts, TRIB_FACT_TOUCH_KIND, record->kind);
	trib_facts_set(facts, TRIB_FACT_TOUCH_AGE, record->age);
	trib_facts_set(facts, TRIB_FACT_TOUCH_CHANNEL, record->channel);
	trib_facts_set(facts, TRIB_FACT_GOODS_CATEGORY, record->category);
	trib_facts_set(facts, TRIB_FACT_GOODS_BRAND, record->brand);
	trib_facts_set(facts, TRIB_FACT_GOODS_PRICE, record->price);
	trib_facts_set(facts, TRIB_FACT_CREATOR_STATUS, record->status);
	trib_facts_set(facts, TRIB_FACT_CREATOR_LEVEL, record->level);
	trib_facts_set_double(facts, TRIB_FACT_CREATOR_SCORE, record->score);
}

/* CPU ns per order of filling facts and, with a tree, walking it. */
static double measure(const struct trib_tree *tree, uint64_t orders, uint64_t *ret_sum)
{
	struct trib_arena scratch;
	struct trib_facts facts;
	struct trib_walk walk;
	uint64_t sum = 0;

	trib_arena_init(&scratch, 1 << 20);
	int64_t start = trib_cpu_thread_ns();

	for (uint64_t i = 0; i < orders; i++) {
		fill(&facts, &records[i % RECORDS], &scratch);
		__asm__ volatile("" : : "r"(&facts) : "memory");
		if (tree) {
			trib_tree_walk(tree, &facts, &walk);
			sum += walk.node->index;
		}
	}
	double ns = (double)(trib_cpu_thread_ns() - start) / (double)orders;

	trib_arena_fini(&scratch);
	*ret_sum = sum;
	return ns;
}

static struct trib_tree *compile(const char *what, const char *json)
{
	struct trib_tree_options options = { .spaces = &spaces, .key = &key, .name = "bench" };
	struct trib_tree *tree;
	struct trib_error error;

	if (trib_tree_new(&options, trib_bytes_text(json), &tree, &error) != TRIB_OK) {
		fprintf(stderr, "%s: %s: %s\n", what, error.at, error.text);
		exit(1);
	}
	return tree;
}

static void bench(const char *what, const char *json, uint64_t orders)
{
	uint64_t sum;
	int64_t start = trib_cpu_thread_ns();
	struct trib_tree *tree = compile(what, json);
	double compiled = (double)(trib_cpu_thread_ns() - start) / 1e6, empty = 1e9, whole = 1e9;

	/* The machine is shared: the best of three. */
	for (int i = 0; i < 3; i++) {
		double ns = measure(NULL, orders, &sum);

		empty = TRIB_MIN(empty, ns);
		ns = measure(tree, orders, &sum);
		whole = TRIB_MIN(whole, ns);
	}
	printf("%-44s %6u nodes  compiled in %7.2f ms  walk %7.1f ns  %5.1f million/CPU-s\n", what,
	       trib_tree_nodes(tree), compiled, whole - empty, 1e3 / (whole - empty));
	trib_tree_unref(tree);
}

/* CPU ns of one formula of `base`. */
static void bench_base(const char *what, const char *formula, uint64_t orders)
{
	char json[512];
	struct trib_arena scratch;
	struct trib_facts facts;
	double best = 1e9;
	int64_t sum = 0;

	snprintf(json, sizeof(json), "{\"root\":{\"id\":\"r\",\"base\":\"%s\"}}", formula);
	struct trib_tree *tree = compile(what, json);
	const struct trib_node *node = trib_tree_node(tree, 0);

	trib_arena_init(&scratch, 1 << 20);
	fill(&facts, &records[0], &scratch);
	for (int i = 0; i < 3; i++) {
		int64_t start = trib_cpu_thread_ns();

		for (uint64_t j = 0; j < orders; j++) {
			int64_t base = 0;

			trib_facts_set(&facts, TRIB_FACT_ORDER_PAID, (int64_t)(j & 0xffff));
			trib_node_base(node, &facts, &base);
			sum += base;
		}
		best = TRIB_MIN(best, (double)(trib_cpu_thread_ns() - start) / (double)orders);
	}
	printf("%-44s %7.1f ns%s\n", what, best, sum == 42 ? " " : "");
	trib_arena_fini(&scratch);
	trib_tree_unref(tree);
}

/* ---- Trees ------------------------------------------------------------------------------------------------- */

static const char twelve[] =
	"{\"root\":{\"id\":\"r\",\"children\":["
	"{\"id\":\"1\",\"when\":\"creator.status == 'frozen'\"},"
	"{\"id\":\"2\",\"when\":\"order.carrier == 'live' && touch.age < duration('5m')\"},"
	"{\"id\":\"3\",\"when\":\"goods.category == 'category3' && order.base > 20000\"},"
	"{\"id\":\"4\",\"when\":\"goods.brand in ['brand1', 'brand2', 'brand3'] && creator.level "
	">= 5\"},"
	"{\"id\":\"5\",\"when\":\"order.qty > 3 && goods.price < 1000\"},"
	"{\"id\":\"6\",\"when\":\"touch.channel == 'channel3' && touch.kind == 'click'\"},"
	"{\"id\":\"7\",\"when\":\"creator.score < 3.2\"},"
	"{\"id\":\"8\",\"when\":\"touch.age > duration('720h') || order.base < 500\"},"
	"{\"id\":\"9\",\"when\":\"order.page == 'cart' && creator.level < 2\"},"
	"{\"id\":\"10\",\"when\":\"touch.kind == 'view' && touch.age > duration('240h')\"},"
	"{\"id\":\"11\",\"when\":\"order.carrier in ['search', 'card'] && goods.price > "
	"20000\"}]}}";

/* As people write them: by carrier, then by category or channel, then by money. */
static const char thirty[] =
	"{\"root\":{\"id\":\"r\",\"children\":["
	"{\"id\":\"frozen\",\"priority\":9,\"when\":\"creator.status == "
	"'frozen'\",\"outcome\":\"party_frozen\"},"
	"{\"id\":\"live\",\"when\":\"order.carrier == 'live'\",\"window\":\"1d\",\"children\":["
	"{\"id\":\"flash\",\"when\":\"touch.age < duration('10m')\",\"children\":["
	"{\"id\":\"flash-big\",\"when\":\"order.base > "
	"20000\"},{\"id\":\"flash-mid\",\"when\":\"order.base > 5000\"}]},"
	"{\"id\":\"live-beauty\",\"when\":\"goods.category in ['category1', 'category2', "
	"'category3']\",\"children\":["
	"{\"id\":\"lb-top\",\"when\":\"creator.level >= "
	"6\"},{\"id\":\"lb-new\",\"when\":\"creator.level <= 1\"}]},"
	"{\"id\":\"live-digital\",\"when\":\"goods.category in ['category4', 'category5']\"},"
	"{\"id\":\"live-late\",\"when\":\"touch.age > duration('24h')\"}]},"
	"{\"id\":\"video\",\"when\":\"order.carrier in ['video', "
	"'share']\",\"window\":\"7d\",\"children\":["
	"{\"id\":\"v-view\",\"when\":\"touch.kind == 'view'\",\"window\":\"1d\"},"
	"{\"id\":\"v-cart\",\"when\":\"touch.kind == "
	"'cart'\"},{\"id\":\"v-fav\",\"when\":\"touch.kind == 'favourite'\"},"
	"{\"id\":\"v-dear\",\"when\":\"goods.price > 25000\"}]},"
	"{\"id\":\"shelf\",\"when\":\"order.carrier == 'shelf'\",\"children\":["
	"{\"id\":\"s-1\",\"when\":\"touch.channel == "
	"'channel1'\"},{\"id\":\"s-2\",\"when\":\"touch.channel == 'channel2'\"},"
	"{\"id\":\"s-3\",\"when\":\"touch.channel == 'channel3' && order.qty > 1\"},"
	"{\"id\":\"s-4\",\"when\":\"touch.channel == 'channel4'\"},"
	"{\"id\":\"s-5\",\"when\":\"touch.channel in ['channel5', 'channel6', 'channel7']\"}]},"
	"{\"id\":\"search\",\"when\":\"order.carrier in ['search', "
	"'card']\",\"model\":\"linear\",\"children\":["
	"{\"id\":\"q-score\",\"when\":\"creator.score >= "
	"4.8\"},{\"id\":\"q-bulk\",\"when\":\"order.qty >= 4\"},"
	"{\"id\":\"q-page\",\"when\":\"order.page == 'cart' || order.page == 'checkout'\"}]},"
	"{\"id\":\"off\",\"when\":\"order.carrier == 'offsite'\",\"lock\":\"link\",\"children\":["
	"{\"id\":\"o-old\",\"when\":\"touch.age > "
	"duration('360h')\"},{\"id\":\"o-cheap\",\"when\":\"order.base < 1000\"}]},"
	"{\"id\":\"rest\",\"when\":\"order.qty > "
	"2\",\"children\":[{\"id\":\"rest-1\",\"when\":\"goods.brand == 'brand7'\"}]}]}}";

static void add_test(struct trib_buffer *json, struct trib_rng *rng)
{
	switch (trib_rng_below(rng, 6)) {
	case 0:
		trib_buffer_add_format(json, "order.base > %d && order.qty > 3",
				       (int)trib_rng_below(rng, 30000));
		break;
	case 1:
		trib_buffer_add_format(json, "goods.brand == 'brand%d' && creator.level > %d",
				       (int)trib_rng_below(rng, BRANDS),
				       (int)trib_rng_below(rng, 7));
		break;
	case 2:
		trib_buffer_add_format(json, "touch.channel == 'channel%d' && goods.price < %d",
				       (int)trib_rng_below(rng, CHANNELS),
				       (int)trib_rng_below(rng, 30000));
		break;
	case 3:
		trib_buffer_add_format(json, "creator.score > 4.%03d",
				       900 + (int)trib_rng_below(rng, 100));
		break;
	case 4:
		trib_buffer_add_format(json, "touch.age < duration('%dm') && touch.kind == 'cart'",
				       (int)trib_rng_below(rng, 5000));
		break;
	default:
		trib_buffer_add_format(json, "goods.price > %d && goods.price < %d",
				       (int)trib_rng_below(rng, 15000),
				       15000 + (int)trib_rng_below(rng, 1000));
	}
}

/* CATEGORIES × 24: a table of categories, then mixed conditions. */
static void thousand(struct trib_buffer *json)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, 2);
	trib_buffer_reset(json);
	trib_buffer_add_text(json, "{\"root\":{\"id\":\"r\",\"children\":[");
	for (int i = 0; i < CATEGORIES; i++) {
		trib_buffer_add_format(json,
				       "%s{\"id\":\"c%d\",\"when\":\"goods.category == "
				       "'category%d'\",\"children\":[",
				       i ? "," : "", i, i);
		for (int j = 0; j < 24; j++) {
			trib_buffer_add_format(json, "%s{\"id\":\"c%d-%d\",\"when\":\"",
					       j ? "," : "", i, j);
			/* The last bytes keep conditions apart, so that none is taken by one before. */
			add_test(json, &rng);
			trib_buffer_add_format(json, " && order.created_at != timestamp(%d)\"}",
					       i * 100 + j);
		}
		trib_buffer_add_text(json, "]}");
	}
	trib_buffer_add_text(json, "]}}");
}

/* All side by side; `of` picks what they ask for. */
static void flat(struct trib_buffer *json, int of, int count)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, 3);
	trib_buffer_reset(json);
	trib_buffer_add_text(json, "{\"root\":{\"id\":\"r\",\"children\":[");
	for (int i = 0; i < count; i++) {
		trib_buffer_add_format(json, "%s{\"id\":\"n%d\",\"when\":\"", i ? "," : "", i);
		if (of == 0)
			trib_buffer_add_format(json, "order.goods == 'g%d'", i);
		else if (of == 1)
			trib_buffer_add_format(json, "order.base >= %d", 30 * (count - i));
		else
			trib_buffer_add_format(json, "%s == %d && order.base > %d",
					       i % 3 == 0   ? "goods.price"
					       : i % 3 == 1 ? "creator.level"
							    : "order.qty",
					       i % 3 == 0 ? i : 100 + i, i);
		trib_buffer_add_text(json, "\"}");
	}
	trib_buffer_add_text(json, "]}}");
}

/* A member of JSON; the words of the bench need no escapes. */
static void print_word(const char *name, uint32_t code)
{
	printf("\"%s\":\"" TRIB_BYTES_FMT "\",", name,
	       TRIB_BYTES_ARG(trib_names_text(names[TRIB_SPACE_SYMBOL], code)));
}

/* The twelve rules, then all records with the node that decides: what bench/rules_peers.py gives to other engines. */
static void print_for_peers(void)
{
	struct trib_tree *tree = compile("12 rules", twelve);
	struct trib_arena scratch;

	trib_arena_init(&scratch, 1 << 20);
	puts(twelve);
	for (int i = 0; i < RECORDS; i++) {
		const struct record *record = &records[i];
		struct trib_facts facts;
		struct trib_walk walk;

		fill(&facts, record, &scratch);
		trib_tree_walk(tree, &facts, &walk);
		printf("{\"order\":{");
		print_word("carrier", record->carrier);
		print_word("page", record->page);
		printf("\"base\":%lld,\"qty\":%u},\"touch\":{", (long long)record->base,
		       record->qty);
		print_word("channel", record->channel);
		print_word("kind", record->kind);
		printf("\"age\":%lld},\"goods\":{", (long long)record->age);
		print_word("category", record->category);
		print_word("brand", record->brand);
		printf("\"price\":%lld},\"creator\":{", (long long)record->price);
		print_word("status", record->status);
		printf("\"level\":%u,\"score\":%.17g},\"node\":\"" TRIB_BYTES_FMT "\"}\n",
		       record->level, record->score, TRIB_BYTES_ARG(walk.node->id));
	}
	trib_arena_fini(&scratch);
	trib_tree_unref(tree);
}

int main(int argc, char **argv)
{
	bool peers = argc == 2 && !strcmp(argv[1], "--peers"),
	     one = argc == 2 && !strcmp(argv[1], "--twelve");
	uint64_t orders = argc > 1 && !peers && !one ? strtoull(argv[1], NULL, 10) : 2000000;
	struct trib_buffer json;

	for (int space = 0; space < TRIB_SPACES; space++)
		names[space] = trib_names_new(&key);
	make_records();
	if (peers) {
		print_for_peers();
		return 0;
	}
	trib_buffer_init(&json, 1 << 20);
	bench("12 rules", twelve, orders);
	if (one)
		return 0;
	bench("30 nodes, as people write them", thirty, orders);
	thousand(&json);
	bench("1,000 nodes, by category, then mixed", trib_buffer_text(&json), orders);
	flat(&json, 0, 999);
	bench("1,000 siblings, a goods each", trib_buffer_text(&json), orders);
	flat(&json, 1, 999);
	bench("1,000 siblings, thresholds of one number", trib_buffer_text(&json), orders);
	flat(&json, 2, 999);
	bench("1,000 siblings, mixed, none true", trib_buffer_text(&json), orders);
	bench("1 condition for the evaluator",
	      "{\"root\":{\"id\":\"r\",\"when\":\"goods.category.startsWith('category1')\"}}",
	      orders);
	bench("1 condition, arithmetic",
	      "{\"root\":{\"id\":\"r\",\"when\":\"order.base / order.qty > 5000 && creator.level > "
	      "3\"}}",
	      orders);
	bench_base("base: sums", "order.paid - order.freight - order.tax + order.coupon_platform", orders);
	bench_base("base: a choice", "order.paid > 10000 ? order.paid * 90 / 100 : order.paid - order.freight", orders);
	bench_base("base: sums, for the evaluator",
		   "order.paid - order.freight - order.tax + order.coupon_platform + size(order.site)", orders);
	trib_buffer_fini(&json);
	for (int space = 0; space < TRIB_SPACES; space++)
		trib_names_free(names[space]);
	free(records);
	return 0;
}
