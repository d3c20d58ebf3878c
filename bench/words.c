/*
 * The word index: building it, and queries of two words for the ten best of all titles.
 *
 *	build/bench/bench-words --titles 10000000
 *	/usr/bin/python3 bench/words_peers.py                  beside Xapian and SQLite
 *
 * Titles are a few texts each of what people search for in shops (TRIB_SHARED_DATA/zh-ecom-text), so that words are as frequent
 * and stand beside each other as they do there; without the data, words of two and three ideographs after Zipf. A query is a
 * word each from two texts of one title: it has an answer. --dump writes the titles' terms and the queries for the peers,
 * with what was found here, so that they answer the same.
 */
#include <getopt.h>
#include <sys/stat.h>
#include <zlib.h>
#include "bench.h"
#include "base/rng.h"
#include "catalog/words.h"
#include "catalog/words_analysis.h"

enum { PIECES_MAX = 200000, QUERIES_MAX = 2000, TITLE_MAX = 512, HITS = 10 };

static struct {
	uint32_t titles, queries;
	const char *dump;
	char **pieces;
	size_t piece_count;
	bool real;
} bench = { .titles = 1000000, .queries = 1000 };

static const struct trib_words_field fields[] = { { "title", .weight_percent = 100,
						    .usual_units = 24 } };

static void read_pieces(const char *folder)
{
	char path[4096], line[1024];

	snprintf(path, sizeof(path), "%s/zh-ecom-text/multicpr_ecom_train.query.txt.gz", folder);
	gzFile file = gzopen(path, "rb");

	while (file && bench.piece_count < PIECES_MAX && gzgets(file, line, sizeof(line))) {
		char *tab = strchr(line, '\t');

		if (!tab)
			continue;
		tab[strcspn(tab, "\r\n")] = '\0';
		bench.pieces[bench.piece_count++] = trib_strdup(tab + 1);
	}
	if (file)
		gzclose(file);
	bench.real = bench.piece_count > 0;
}

/* Words of the first 3,000 ideographs by Zipf, two or three each, one to three words a piece. */
static void make_pieces(void)
{
	struct trib_rng rng;
	struct trib_zipf zipf;

	trib_rng_seed(&rng, 1);
	trib_zipf_init(&zipf, 30000, 1.0);
	while (bench.piece_count < PIECES_MAX / 2) {
		char text[64];
		size_t at = 0;

		for (uint64_t words = 1 + trib_rng_below(&rng, 3); words > 0; words--) {
			uint64_t word = trib_zipf_draw(&zipf, &rng),
				 count = 2 + trib_hash_u64(word) % 2;

			for (uint64_t i = 0; i < count; i++) {
				uint32_t c =
					0x4e00 + (uint32_t)(trib_hash_u64(word * 4 + i) % 3000);

				text[at++] = (char)(0xe0 | c >> 12);
				text[at++] = (char)(0x80 | (c >> 6 & 63));
				text[at++] = (char)(0x80 | (c & 63));
			}
		}
		text[at] = '\0';
		bench.pieces[bench.piece_count++] = trib_strdup(text);
	}
}

/* The title of a row; ret_pieces: which texts it is made of. */
static size_t title_of(uint32_t row, char ret_text[TITLE_MAX], size_t ret_pieces[8],
		       size_t *ret_count)
{
	struct trib_rng rng;
	size_t size = 0;

	*ret_count = 0;
	trib_rng_seed(&rng, row + 1);
	while (size < 60 && *ret_count < 8) { /* some 25 ideographs */
		size_t piece = trib_rng_below(&rng, bench.piece_count),
		       length = strlen(bench.pieces[piece]);

		if (size + length + 2 > TITLE_MAX)
			break;
		if (size > 0 && trib_rng_chance(&rng, 0.5))
			ret_text[size++] = ' ';
		memcpy(ret_text + size, bench.pieces[piece], length);
		size += length;
		ret_pieces[(*ret_count)++] = piece;
	}
	return size;
}

/* A word of a text that is more than one ideograph and is found in one way. */
static bool word_of(struct trib_rng *rng, const char *piece, char ret_word[64])
{
	static struct trib_words_query query;

	if (trib_words_query_parse(trib_bytes_text(piece), TRIB_WORDS_ALL, &query, NULL) != TRIB_OK)
		return false;
	const struct trib_words_query_word *word =
		&query.words[trib_rng_below(rng, query.word_count)];

	if (word->count != 1 || word->end - word->begin < 6 || word->end - word->begin > 40 ||
	    strpbrk(piece, ".'0123456789"))
		return false;
	snprintf(ret_word, 64, "%.*s", (int)(word->end - word->begin), piece + word->begin);
	return true;
}

static void make_query(uint32_t n, char ret_text[160])
{
	struct trib_rng rng;
	char title[TITLE_MAX], first[64], second[64];
	size_t pieces[8], count;

	trib_rng_seed(&rng, 1000000007ull * (n + 1));
	for (;;) {
		title_of((uint32_t)trib_rng_below(&rng, bench.titles), title, pieces, &count);
		if (count < 2 || !word_of(&rng, bench.pieces[pieces[0]], first) ||
		    !word_of(&rng, bench.pieces[pieces[1]], second) || strcmp(first, second) == 0)
			continue;
		snprintf(ret_text, 160, "%s %s", first, second);
		return;
	}
}

static struct trib_words *build(void)
{
	struct trib_words *words = trib_words_new(fields, 1);
	int64_t wall = trib_clock_monotonic_ns(trib_clock_system()), cpu = trib_cpu_thread_ns(),
		generated = 0;
	char title[TITLE_MAX];
	size_t pieces[8], count;

	for (uint32_t row = 0; row < bench.titles; row++) {
		int64_t begun = row % 64 == 0 ? trib_cpu_thread_ns() : 0;
		size_t size = title_of(row, title, pieces, &count);

		generated += begun ? (trib_cpu_thread_ns() - begun) * 64 : 0;
		trib_words_put(words, row, &(struct trib_bytes){ title, size });
		if (row % 4096 == 0)
			bench_progress("titles", row, bench.titles);
	}
	trib_words_refresh(words);
	double put_s = (double)(trib_cpu_thread_ns() - cpu - generated) / 1e9;

	cpu = trib_cpu_thread_ns();
	trib_words_merge_all(words);
	double merge_s = (double)(trib_cpu_thread_ns() - cpu) / 1e9;
	struct trib_words_view *view = trib_words_view_ref(words);
	struct trib_words_size size = trib_words_view_size(view);

	printf("build: %u titles (%s) in %.1f s CPU, merge %.1f s, wall %.1f s with making the "
	       "titles\n"
	       "       %.0f titles/s, %" PRIu64 " terms, %.1f bytes a title\n",
	       bench.titles, bench.real ? "real texts" : "Zipf", put_s, merge_s,
	       (double)(trib_clock_monotonic_ns(trib_clock_system()) - wall) / 1e9,
	       bench.titles / (put_s + merge_s), size.terms, (double)size.bytes / bench.titles);
	trib_words_view_unref(view);
	return words;
}

static int compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t count_rows(const struct trib_words_view *view, const struct trib_words_query *query)
{
	static uint64_t bits[TRIB_WORDS_CHUNK_WORDS];
	struct trib_words_set *set = trib_words_set_new(view, query);
	uint64_t rows = 0;

	for (uint32_t chunk = 0; chunk <= bench.titles / TRIB_WORDS_CHUNK; chunk++)
		rows += trib_words_set_chunk(set, chunk, bits);
	trib_words_set_free(set);
	return rows;
}

enum what { TOP_ALL, TOP_ANY, COUNT_ALL, COUNT_PHRASE, WHATS };
static const char *const names[WHATS] = { "top 10, all words", "top 10, any word",
					  "rows of all words", "rows of the phrase" };

static void run(const struct trib_words_view *view, enum what what)
{
	static struct trib_words_query query;
	static int64_t wall[QUERIES_MAX];
	struct trib_words_hit hits[HITS];
	int64_t cpu = 0;
	uint64_t found = 0;
	enum trib_words_mode mode = what == TOP_ANY	   ? TRIB_WORDS_ANY
				    : what == COUNT_PHRASE ? TRIB_WORDS_PHRASE
							   : TRIB_WORDS_ALL;

	for (uint32_t n = 0; n < bench.queries; n++) {
		char text[160];

		make_query(n, text);
		int64_t begun = trib_clock_monotonic_ns(trib_clock_system()),
			cpu_begun = trib_cpu_thread_ns();

		trib_assert(trib_words_query_parse(trib_bytes_text(text), mode, &query, NULL) ==
			    TRIB_OK);
		found += what <= TOP_ANY ? trib_words_top(view, &query, NULL, HITS, hits)
					 : count_rows(view, &query);
		cpu += trib_cpu_thread_ns() - cpu_begun;
		wall[n] = trib_clock_monotonic_ns(trib_clock_system()) - begun;
	}
	qsort(wall, bench.queries, sizeof(*wall), compare_ns);
	printf("%-20s p50 %7.3f ms  p99 %7.3f ms  max %7.3f ms  %8.0f queries per CPU-second  "
	       "(%.1f rows a query)\n",
	       names[what], (double)wall[bench.queries / 2] / 1e6,
	       (double)wall[bench.queries * 99 / 100] / 1e6, (double)wall[bench.queries - 1] / 1e6,
	       bench.queries / ((double)cpu / 1e9), (double)found / bench.queries);
}

/* Titles that change while the index is asked: new texts for rows anywhere, seen by queries after each `CHANGES_SEEN`. */
static void change(struct trib_words *words)
{
	enum { CHANGES = 200000, CHANGES_SEEN = 20000 };
	struct trib_rng rng;
	char title[TITLE_MAX];
	size_t pieces[8], count;
	int64_t cpu = 0, longest = 0;

	trib_rng_seed(&rng, 5);
	for (uint32_t n = 0; n < CHANGES; n++) {
		uint32_t row = (uint32_t)trib_rng_below(&rng, bench.titles);
		size_t size = title_of(row + bench.titles, title, pieces, &count);
		int64_t begun = trib_cpu_thread_ns();

		trib_words_put(words, row, &(struct trib_bytes){ title, size });
		if (n % CHANGES_SEEN == CHANGES_SEEN - 1) {
			int64_t refresh = trib_cpu_thread_ns();

			trib_words_refresh(words);
			longest = TRIB_MAX(longest, trib_cpu_thread_ns() - refresh);
		}
		cpu += trib_cpu_thread_ns() - begun;
	}
	printf("changes: %.0f rows per CPU-second, seen after each %d; the longest refresh %.0f "
	       "ms\n",
	       CHANGES / ((double)cpu / 1e9), CHANGES_SEEN, (double)longest / 1e6);
}

/* The terms of a text as words that any engine takes as they are. */
static void print_terms(FILE *file, struct trib_words_analysis *analysis, const char *text,
			size_t size, const char *between)
{
	trib_words_analyse(analysis, trib_bytes(text, size), 0);
	for (size_t i = 0; i < analysis->count; i++) {
		const struct trib_words_token *token = &analysis->tokens[i];
		char term[8];
		size_t length = trib_words_key_print(token->key, term);

		fprintf(file, "%s%.*s", i ? between : "", (int)(length ? length : token->size),
			length ? term : analysis->text + token->text);
	}
}

static void dump(const struct trib_words_view *view)
{
	static struct trib_words_query query;
	struct trib_words_analysis analysis = { 0 };
	char path[4096], title[TITLE_MAX];
	size_t pieces[8], count;

	mkdir(bench.dump, 0700);
	snprintf(path, sizeof(path), "%s/titles", bench.dump);
	FILE *file = fopen(path, "w");

	for (uint32_t row = 0; row < bench.titles && file; row++) {
		size_t size = title_of(row, title, pieces, &count);

		print_terms(file, &analysis, title, size, " ");
		putc('\n', file);
	}
	trib_assert(file && fclose(file) == 0);
	/* a line: rows of all words, then words by a space, the terms of one by a plus */
	snprintf(path, sizeof(path), "%s/queries", bench.dump);
	file = fopen(path, "w");
	for (uint32_t n = 0; n < bench.queries && file; n++) {
		char text[160];

		make_query(n, text);
		trib_assert(trib_words_query_parse(trib_bytes_text(text), TRIB_WORDS_ALL, &query,
						   NULL) == TRIB_OK);
		fprintf(file, "%" PRIu64, count_rows(view, &query));
		for (uint32_t w = 0; w < query.word_count; w++) {
			const struct trib_words_alternative *way =
				&query.alternatives[query.words[w].first];

			for (uint32_t t = 0; t < way->count; t++) {
				char term[8];
				size_t length =
					trib_words_key_print(query.terms[way->first + t].key, term);

				fprintf(file, "%s", t ? "+" : " ");
				if (length)
					fprintf(file, "%.*s", (int)length, term);
				else
					print_terms(file, &analysis, text + query.words[w].begin,
						    query.words[w].end - query.words[w].begin, "+");
			}
		}
		putc('\n', file);
	}
	trib_assert(file && fclose(file) == 0);
	trib_words_analysis_fini(&analysis);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "titles", required_argument, NULL, 't' },
						 { "queries", required_argument, NULL, 'q' },
						 { "dump", required_argument, NULL, 'd' },
						 { 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 't')
			bench.titles = (uint32_t)TRIB_MAX(atoi(optarg), 1000);
		else if (option == 'q')
			bench.queries = (uint32_t)TRIB_MIN(TRIB_MAX(atoi(optarg), 1), QUERIES_MAX);
		else if (option == 'd')
			bench.dump = optarg;
		else
			return 2;
	}
	bench.pieces = trib_alloc(PIECES_MAX * sizeof(char *));
	if (getenv("TRIB_SHARED_DATA"))
		read_pieces(getenv("TRIB_SHARED_DATA"));
	if (!bench.real)
		make_pieces();
	struct trib_words *words = build();
	struct trib_words_view *view = trib_words_view_ref(words);

	for (int what = 0; what < WHATS; what++)
		run(view, (enum what)what);
	if (bench.dump)
		dump(view);
	trib_words_view_unref(view);
	change(words);
	trib_words_free(words);
	for (size_t i = 0; i < bench.piece_count; i++)
		free(bench.pieces[i]);
	free(bench.pieces);
	return 0;
}
