#include "cli/gen/catalog.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/rng.h"
#include "catalog/catalog.h"

enum {
	TOPS = 16,
	MIDDLES = 8,
	LEAVES = 8,
	CATEGORIES = TOPS * MIDDLES * LEAVES,
	BRANDS = 20000,
	CATEGORY_BRANDS = 96,
	SHOPS = 250000,
	BRAND_SHOPS = 40,
	PROVINCES = 31,
	CITIES = 10,
	RANKS = 4096, /* quantiles that skewed draws are made from */
	PRICE_MAX = 9999900,
};

/* ---- Words -------------------------------------------------------------------------------- */

static const struct {
	const char *top, *middles[MIDDLES];
	int32_t price; /* median, cents */
	int32_t commission_bps;
} shelves[TOPS] = {
	{ "women",
	  { "dresses", "tops", "trousers", "skirts", "coats", "knitwear", "underwear", "shoes" },
	  12900,
	  2000 },
	{ "men",
	  { "shirts", "t-shirts", "trousers", "jackets", "suits", "underwear", "shoes", "socks" },
	  13900,
	  1800 },
	{ "kids",
	  { "tops", "trousers", "dresses", "shoes", "babywear", "schoolwear", "coats", "socks" },
	  8900,
	  1800 },
	{ "beauty",
	  { "skincare", "sunscreen", "masks", "lips", "eyes", "perfume", "hair", "tools" },
	  9900,
	  3000 },
	{ "food",
	  { "snacks", "nuts", "tea", "coffee", "noodles", "sauces", "sweets", "health" },
	  3990,
	  1500 },
	{ "fresh",
	  { "fruit", "vegetables", "meat", "seafood", "eggs", "corn", "flowers", "dairy" },
	  4990,
	  1000 },
	{ "home",
	  { "bedding", "kitchen", "storage", "cleaning", "lamps", "bath", "decor", "curtains" },
	  6900,
	  1500 },
	{ "furniture",
	  { "sofas", "beds", "tables", "chairs", "wardrobes", "shelves", "desks", "garden" },
	  89900,
	  800 },
	{ "digital",
	  { "phones", "headphones", "watches", "tablets", "cameras", "cables", "power", "games" },
	  49900,
	  300 },
	{ "appliances",
	  { "kitchen", "cleaning", "air", "laundry", "personal", "heating", "water", "tv" },
	  59900,
	  500 },
	{ "sports",
	  { "running", "yoga", "cycling", "camping", "fishing", "fitness", "swimming", "balls" },
	  15900,
	  1200 },
	{ "pets",
	  { "cat-food", "dog-food", "litter", "toys", "beds", "care", "fish", "birds" },
	  5900,
	  1500 },
	{ "books",
	  { "children", "novels", "exams", "comics", "cooking", "history", "science", "business" },
	  3900,
	  2500 },
	{ "toys",
	  { "blocks", "dolls", "puzzles", "cars", "outdoor", "models", "crafts", "learning" },
	  7900,
	  2000 },
	{ "jewellery",
	  { "rings", "necklaces", "earrings", "bracelets", "jade", "pearls", "gold", "watches" },
	  39900,
	  1000 },
	{ "health",
	  { "vitamins", "masks", "massage", "monitors", "care", "elderly", "mother-baby", "oral" },
	  11900,
	  2000 },
};

static const char *const provinces[PROVINCES] = {
	"zhejiang", "guangdong", "jiangsu", "fujian",	"shandong",  "shanghai", "hebei",
	"henan",    "anhui",	 "hubei",   "hunan",	"sichuan",   "beijing",	 "jiangxi",
	"liaoning", "yunnan",	 "guangxi", "shaanxi",	"chongqing", "jilin",	 "heilongjiang",
	"shanxi",   "guizhou",	 "tianjin", "xinjiang", "gansu",     "hainan",	 "neimenggu",
	"ningxia",  "qinghai",	 "xizang",
};

static const char *const seasons[] = { "spring", "summer", "autumn", "winter" };
static const char *const sites[] = { "own", "taobao", "jd", "local" };
static const char *const statuses[] = { "active", "withdrawn", "closed" };
static const char *const tags[] = { "new",	"hot",	   "gift",   "organic",
				    "vintage",	"cotton",  "silk",   "imported",
				    "handmade", "student", "office", "mother",
				    "travel",	"outdoor", "party",  "large" };

/* ---- Fields ------------------------------------------------------------------------------- */

/* X(NAME, name, kind, decimals) */
#define FIELD_TABLE(X)                                                                             \
	X(CATEGORY, "category", CODE, 0)                                                           \
	X(BRAND, "brand", CODE, 0)                                                                 \
	X(MERCHANT, "merchant", CODE, 0)                                                           \
	X(SITE, "site", CODE, 0)                                                                   \
	X(STATUS, "status", CODE, 0)                                                               \
	X(SEASON, "season", CODE, 0)                                                               \
	X(ORIGIN, "origin", CODE, 0)                                                               \
	X(PRICE, "price", INT, 0)                                                                  \
	X(SHOWN_PRICE, "shown_price", INT, 0)                                                      \
	X(COMMISSION, "commission_bps", INT, 0)                                                    \
	X(STOCK, "stock", INT, 0)                                                                  \
	X(SOLD, "sold_30d", INT, 0)                                                                \
	X(RATING, "rating", DECIMAL, 2)                                                            \
	X(GOOD_RATE, "good_rate_bps", INT, 0)                                                      \
	X(SHOP_SCORE, "shop_score", DECIMAL, 2)                                                    \
	X(LISTED, "listed_at", TIME, 0)

enum {
#define X(NAME, name, kind, decimals) F_##NAME,
	FIELD_TABLE(X)
#undef X
		NUMBERS,
	F_TAGS = NUMBERS,
	F_TITLE,
	FIELDS
};

static const struct trib_field fields[FIELDS] = {
#define X(NAME, name, kind, decimals) { name, TRIB_FIELD_##kind, decimals },
	FIELD_TABLE(X)
#undef X
		{ "tags", TRIB_FIELD_CODES },
	{ "title", TRIB_FIELD_TEXT },
};

/* Every goods of the billion has a minute of these three years; the last is near this release. */
#define FIRST_LISTED_MS INT64_C(1667232000000)
#define LISTED_MINUTES	(3 * 365 * 24 * 60)

/* ---- Draws -------------------------------------------------------------------------------- */

/* What all chunks are drawn from: made once, then only read. */
struct world {
	const struct trib_gen_catalog *options;
	uint16_t few[RANKS];  /* 0 … 1000 thousandths: a normal deviate of mean 500 */
	uint32_t sold[RANKS]; /* by quantile: most goods sell nothing or little */
	uint32_t stock[RANKS];
	uint8_t brand[RANKS], shop[RANKS], origin[RANKS]; /* Zipf */
	uint32_t segment_count, chunk_count;
	pthread_mutex_t lock; /* what follows */
	uint32_t next_segment;
	uint64_t done;
	trib_status status;
	struct trib_error error;
	struct trib_segment_info *infos;
};

static void fill_zipf(uint8_t *table, uint32_t n, double s)
{
	double total = 0, sum = 0;
	uint32_t filled = 0;

	for (uint32_t i = 1; i <= n; i++)
		total += pow(i, -s);
	for (uint32_t i = 1; i <= n; i++) {
		sum += pow(i, -s);
		for (uint32_t end = (uint32_t)(sum / total * RANKS); filled < end; filled++)
			table[filled] = (uint8_t)(i - 1);
	}
	while (filled < RANKS)
		table[filled++] = (uint8_t)(n - 1);
}

static void fill_world(struct world *world)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, 20221101);
	for (uint32_t i = 0; i < RANKS; i++) {
		double u = (i + 0.5) / RANKS, deviate = 500 + 160 * trib_rng_normal(&rng);

		world->few[i] = (uint16_t)TRIB_MIN(TRIB_MAX(deviate, 0.0), 1000.0);
		world->sold[i] = (uint32_t)TRIB_MIN(pow(1 - u, -1.1) - 1, 200000.0);
		world->stock[i] =
			u < 0.06 ? 0 : (uint32_t)TRIB_MIN(pow(1 / (1 - u), 1.2) * 30, 4095.0);
	}
	fill_zipf(world->brand, CATEGORY_BRANDS, 1.05);
	fill_zipf(world->shop, BRAND_SHOPS, 0.9);
	fill_zipf(world->origin, PROVINCES, 1.1);
}

/* One row's random bits, taken from low to high. */
static uint32_t take(uint64_t *bits, uint32_t count)
{
	uint32_t taken = (uint32_t)(*bits & ((1u << count) - 1));

	*bits >>= count;
	return taken;
}

static void draw_row(const struct world *world, uint64_t seed, int64_t *numbers[NUMBERS],
		     uint32_t i)
{
	uint64_t a = trib_hash_u64(seed + i * 2ull), b = trib_hash_u64(seed + i * 2ull + 1);
	uint32_t category = take(&a, 10), top = category / (MIDDLES * LEAVES);
	uint32_t brand =
		(uint32_t)(trib_hash_u64(category * 128ull + world->brand[take(&a, 12)]) % BRANDS);
	uint32_t shop =
		(uint32_t)(trib_hash_u64(1000003ull * brand + world->shop[take(&a, 12)]) % SHOPS);
	uint32_t luck = world->few[take(&a, 12)], kind = take(&a, 8),
		 place = world->origin[take(&b, 12)];
	int64_t spread = shelves[top].price * (int64_t)(luck * luck / 100 + 200) /
			 2700; /* from a tenth to four times */
	int64_t price = TRIB_MIN(spread / 100 * 100 + (kind < 160   ? 90
						       : kind < 220 ? 0
								    : 50),
				 (int64_t)PRICE_MAX);
	uint32_t off = take(&b, 5); /* of 32: how much is off, for half of them nothing */
	uint32_t season = take(&b, 3);

	numbers[F_CATEGORY][i] = category + 1;
	numbers[F_BRAND][i] = brand + 1;
	numbers[F_MERCHANT][i] = shop + 1;
	numbers[F_SITE][i] = kind % 100 < 85 ? 1 : kind % 100 < 93 ? 2 : kind % 100 < 98 ? 3 : 4;
	numbers[F_STATUS][i] = kind < 246 ? 1 : kind < 251 ? 2 : 3;
	numbers[F_SEASON][i] = top < 4 && season < 4 ? (category / LEAVES + (season == 3)) % 4 + 1
			       : season < 4	     ? season + 1
						     : 0;
	numbers[F_ORIGIN][i] = place * CITIES + take(&b, 7) * CITIES / 128 + 1;
	numbers[F_PRICE][i] = price;
	numbers[F_SHOWN_PRICE][i] =
		off < 16 ? price : price * (int64_t)(132 - off * 2) / 100 / 10 * 10;
	numbers[F_COMMISSION][i] =
		shelves[top].commission_bps * (int64_t)(40 + take(&b, 7)) / 100 / 50 * 50;
	numbers[F_STOCK][i] = world->stock[take(&b, 12)];
	numbers[F_SOLD][i] = world->sold[take(&b, 12)];
	uint64_t c = trib_hash_u64(a ^ b ^ seed);

	numbers[F_RATING][i] = 400 + world->few[take(&c, 12)] / 10;
	numbers[F_GOOD_RATE][i] = 8500 + world->few[take(&c, 12)] * 15 / 100 * 10;
	numbers[F_SHOP_SCORE][i] = 350 + (int64_t)(trib_hash_u64(shop) % 150);
	/* The quantile is spread: no two goods need sell alike. */
	numbers[F_SOLD][i] += numbers[F_SOLD][i] * take(&c, 8) / 256;
}

/* ---- Text --------------------------------------------------------------------------------- */

struct texts {
	struct trib_bytes titles[TRIB_CHUNK_ROWS];
	char bytes[TRIB_CHUNK_ROWS][96];
	uint32_t ends[TRIB_CHUNK_ROWS], codes[TRIB_CHUNK_ROWS * 3];
};

static void category_word(uint32_t category, char *text, size_t size)
{
	uint32_t top = category / (MIDDLES * LEAVES), middle = category / LEAVES % MIDDLES;

	snprintf(text, size, "%s/%s/%c", shelves[top].top, shelves[top].middles[middle],
		 'a' + (int)(category % LEAVES));
}

static void draw_texts(uint64_t seed, uint32_t rows, int64_t *const numbers[NUMBERS],
		       struct texts *texts)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < rows; i++) {
		uint64_t bits = trib_hash_u64(~seed + i);
		uint32_t category = (uint32_t)numbers[F_CATEGORY][i] - 1,
			 season = (uint32_t)numbers[F_SEASON][i];
		uint32_t count = take(&bits, 2), tag = take(&bits, 4);

		for (uint32_t t = 0; t < count; t++)
			texts->codes[end++] = (tag + t * 5) % TRIB_ARRAY_SIZE(tags) + 1;
		texts->ends[i] = end;
		int size = snprintf(
			texts->bytes[i], sizeof(texts->bytes[i]), "brand-%u %s %s %s %c%u",
			(uint32_t)numbers[F_BRAND][i], season ? seasons[season - 1] : "classic",
			tags[(tag + 7) % TRIB_ARRAY_SIZE(tags)],
			shelves[category / (MIDDLES * LEAVES)].middles[category / LEAVES % MIDDLES],
			'A' + (int)(category % LEAVES), take(&bits, 10));

		texts->titles[i] = trib_bytes(texts->bytes[i], (size_t)size);
	}
}

/* ---- Segments ----------------------------------------------------------------------------- */

struct hand {
	int64_t *numbers[NUMBERS]; /* of a chunk */
	struct texts *texts;
};

static trib_status write_chunk(const struct world *world, struct hand *hand,
			       struct trib_segment_writer *writer, uint64_t chunk,
			       struct trib_error *error)
{
	uint64_t rows =
		TRIB_MIN(world->options->rows - chunk * TRIB_CHUNK_ROWS, (uint64_t)TRIB_CHUNK_ROWS);
	uint64_t seed = trib_hash_u64(world->options->seed ^ chunk << 20);
	struct trib_column_values columns[FIELDS] = { { 0 } };

	for (uint32_t i = 0; i < rows; i++) {
		draw_row(world, seed, hand->numbers, i);
		hand->numbers[F_LISTED][i] =
			FIRST_LISTED_MS + (int64_t)((double)(chunk * TRIB_CHUNK_ROWS + i) /
						    (double)world->options->rows * LISTED_MINUTES) *
						  60000;
	}
	for (int f = 0; f < NUMBERS; f++)
		columns[f].numbers = hand->numbers[f];
	if (world->options->text) {
		draw_texts(seed, (uint32_t)rows, hand->numbers, hand->texts);
		columns[F_TAGS] = (struct trib_column_values){ .ends = hand->texts->ends,
							       .codes = hand->texts->codes };
		columns[F_TITLE].texts = hand->texts->titles;
	}
	return trib_segment_append(writer, columns, (uint32_t)rows, error);
}

static void tell(struct world *world, uint64_t rows)
{
	pthread_mutex_lock(&world->lock);
	world->done += rows;
	if (world->options->progress)
		world->options->progress(world->done, world->options->rows);
	pthread_mutex_unlock(&world->lock);
}

static trib_status write_segment(struct world *world, struct hand *hand, uint32_t segment,
				 struct trib_error *error)
{
	uint32_t first = segment * TRIB_SEGMENT_CHUNKS_MAX,
		 end = TRIB_MIN(first + TRIB_SEGMENT_CHUNKS_MAX, world->chunk_count);
	struct trib_segment_writer *writer;
	char path[4096];

	trib_table_segment_path(world->options->folder, segment, path, sizeof(path));
	trib_status status = trib_segment_create(
		path, fields, world->options->text ? FIELDS : NUMBERS, &writer, error);

	if (status != TRIB_OK)
		return status;
	for (uint32_t chunk = first; status == TRIB_OK && chunk < end; chunk++) {
		status = write_chunk(world, hand, writer, chunk, error);
		tell(world, TRIB_MIN(world->options->rows - (uint64_t)chunk * TRIB_CHUNK_ROWS,
				     (uint64_t)TRIB_CHUNK_ROWS));
	}
	if (status == TRIB_OK)
		return trib_segment_finish(writer, &world->infos[segment], error);
	trib_segment_drop(writer);
	return status;
}

static void *write_segments(void *context)
{
	struct world *world = context;
	struct hand hand = { .texts = world->options->text ? trib_alloc(sizeof(*hand.texts))
							   : NULL };
	struct trib_error error;

	for (int f = 0; f < NUMBERS; f++)
		hand.numbers[f] = trib_alloc(TRIB_CHUNK_ROWS * sizeof(**hand.numbers));
	for (;;) {
		pthread_mutex_lock(&world->lock);
		uint32_t segment =
			world->status == TRIB_OK ? world->next_segment++ : world->segment_count;

		pthread_mutex_unlock(&world->lock);
		if (segment >= world->segment_count)
			break;
		trib_status status = write_segment(world, &hand, segment, &error);

		if (status != TRIB_OK) {
			pthread_mutex_lock(&world->lock);
			world->status = status;
			world->error = error;
			pthread_mutex_unlock(&world->lock);
		}
	}
	for (int f = 0; f < NUMBERS; f++)
		free(hand.numbers[f]);
	free(hand.texts);
	return NULL;
}

/* ---- The whole ---------------------------------------------------------------------------- */

static trib_status write_words(const char *folder, const char *field, uint32_t count,
			       void (*word)(uint32_t i, char *text, size_t size),
			       struct trib_error *error)
{
	enum { WORD = 64 };
	TRIB_AUTOFREE struct trib_bytes *texts = trib_alloc(count * sizeof(*texts));
	TRIB_AUTOFREE char *bytes = trib_alloc((size_t)count * WORD);
	char path[4096];

	for (uint32_t i = 0; i < count; i++) {
		word(i, bytes + (size_t)i * WORD, WORD);
		texts[i] = trib_bytes_text(bytes + (size_t)i * WORD);
	}
	trib_table_words_path(folder, field, path, sizeof(path));
	return trib_dictionary_write(path, texts, count, error);
}

static void brand_word(uint32_t i, char *text, size_t size)
{
	snprintf(text, size, "brand-%u", i + 1);
}

static void shop_word(uint32_t i, char *text, size_t size)
{
	snprintf(text, size, "m%u", i + 1);
}

static void origin_word(uint32_t i, char *text, size_t size)
{
	snprintf(text, size, "cn/%s/%u", provinces[i / CITIES], i % CITIES + 1);
}

#define LIST_WORD(list)                                                                            \
	static void list##_word(uint32_t i, char *text, size_t size)                               \
	{                                                                                          \
		snprintf(text, size, "%s", list[i]);                                               \
	}
LIST_WORD(seasons)
LIST_WORD(sites)
LIST_WORD(statuses)
LIST_WORD(tags)

static trib_status write_dictionaries(const struct trib_gen_catalog *options,
				      struct trib_error *error)
{
	static const struct {
		const char *field;
		uint32_t count;
		void (*word)(uint32_t i, char *text, size_t size);
	} rows[] = {
		{ "category", CATEGORIES, category_word },
		{ "brand", BRANDS, brand_word },
		{ "merchant", SHOPS, shop_word },
		{ "origin", PROVINCES * CITIES, origin_word },
		{ "season", TRIB_ARRAY_SIZE(seasons), seasons_word },
		{ "site", TRIB_ARRAY_SIZE(sites), sites_word },
		{ "status", TRIB_ARRAY_SIZE(statuses), statuses_word },
		{ "tags", TRIB_ARRAY_SIZE(tags), tags_word },
	};
	trib_status status = TRIB_OK;

	for (size_t i = 0; status == TRIB_OK && i < TRIB_ARRAY_SIZE(rows) - !options->text; i++)
		status = write_words(options->folder, rows[i].field, rows[i].count, rows[i].word,
				     error);
	return status;
}

static trib_status make_folder(const char *folder, struct trib_error *error)
{
	char path[4096];

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return trib_fail(error, TRIB_IO, folder, "%s", strerror(errno));
	snprintf(path, sizeof(path), "%s/table.json", folder);
	if (access(path, F_OK) == 0)
		return trib_fail(error, TRIB_CONFLICT, path,
				 "found a table, expected a folder without one");
	return TRIB_OK;
}

trib_status trib_gen_catalog(const struct trib_gen_catalog *options, struct trib_error *error)
{
	uint64_t chunks = (options->rows + TRIB_CHUNK_ROWS - 1) / TRIB_CHUNK_ROWS;
	trib_status status = make_folder(options->folder, error);

	trib_assert(options->rows && chunks <= UINT32_MAX / TRIB_CHUNK_ROWS && options->threads);
	if (status == TRIB_OK)
		status = write_dictionaries(options, error);
	if (status != TRIB_OK)
		return status;
	struct world *world = trib_alloc_zeroed(1, sizeof(*world));
	TRIB_AUTOFREE pthread_t *threads = trib_alloc(options->threads * sizeof(*threads));

	world->options = options;
	world->chunk_count = (uint32_t)chunks;
	world->segment_count =
		(world->chunk_count + TRIB_SEGMENT_CHUNKS_MAX - 1) / TRIB_SEGMENT_CHUNKS_MAX;
	world->infos = trib_alloc_zeroed(world->segment_count, sizeof(*world->infos));
	pthread_mutex_init(&world->lock, NULL);
	fill_world(world);
	for (uint32_t i = 0; i < options->threads; i++)
		trib_assert(pthread_create(&threads[i], NULL, write_segments, world) == 0);
	for (uint32_t i = 0; i < options->threads; i++)
		pthread_join(threads[i], NULL);
	status = world->status;
	if (status != TRIB_OK && error)
		*error = world->error;
	if (status == TRIB_OK)
		status = trib_table_write_manifest(options->folder, "goods", world->infos,
						   world->segment_count, error);
	pthread_mutex_destroy(&world->lock);
	free(world->infos);
	free(world);
	return status;
}
