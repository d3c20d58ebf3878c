/* The word index against a stupid twin that keeps each row's terms and reads them all. */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>
#include "test.h"
#include "base/hash.h"
#include "catalog/words.h"
#include "catalog/words_analysis.h"
#include "catalog/words_segment.h"

enum { ROWS = 3000, FIELDS = 2, TERMS_MAX = 64 };

static const struct trib_words_field fields[FIELDS] = {
	{ "title", .weight_percent = 100, .usual_units = 8 },
	{ "brand", .weight_percent = 250, .usual_units = 2 },
};

struct twin_term {
	uint64_t key;
	uint32_t field, position;
};

struct twin_row {
	bool lives;
	uint32_t units[FIELDS];
	struct twin_term terms[TERMS_MAX * FIELDS];
	size_t count;
};

struct twin {
	struct twin_row *rows;
	uint32_t base; /* the number of the first row */
};

static void twin_put(struct twin *twin, uint32_t n, const struct trib_bytes *texts)
{
	struct trib_words_analysis analysis = { 0 };
	struct twin_row *row = &twin->rows[n];
	uint32_t first = 0;

	*row = (struct twin_row){ .lives = true };
	for (uint32_t f = 0; f < FIELDS; f++) {
		if (!texts[f].size)
			continue;
		trib_words_analyse(&analysis, texts[f], first);
		first = analysis.next_position + 1;
		row->units[f] = (uint32_t)analysis.unit_count;
		for (size_t i = 0; i < analysis.count; i++) {
			assert_true(row->count < TRIB_ARRAY_SIZE(row->terms));
			row->terms[row->count++] =
				(struct twin_term){ .key = analysis.tokens[i].key,
						    .field = f,
						    .position = analysis.tokens[i].position };
		}
	}
	trib_words_analysis_fini(&analysis);
}

static uint32_t twin_impact(const struct twin_row *row, uint64_t key)
{
	uint64_t weight = 0;

	for (size_t i = 0; i < row->count; i++)
		if (row->terms[i].key == key) {
			const struct trib_words_field *field = &fields[row->terms[i].field];
			uint64_t one =
				65536 * (uint64_t)field->weight_percent * field->usual_units /
				(25 * field->usual_units + 75 * row->units[row->terms[i].field]);

			weight += one ? one : 1;
		}
	return weight ? (uint32_t)((255 * weight + (78643 + weight) / 2) / (78643 + weight)) : 0;
}

static bool twin_has_phrase(const struct twin_row *row, const struct trib_words_query *query)
{
	for (size_t i = 0; i < row->count; i++) {
		uint32_t found = 0;

		if (row->terms[i].position < query->terms[0].position)
			continue;
		for (uint32_t t = 0; t < query->term_count; t++)
			for (size_t j = 0; j < row->count; j++)
				if (row->terms[j].key == query->terms[t].key &&
				    row->terms[j].position ==
					    row->terms[i].position + query->terms[t].position) {
					found++;
					break;
				}
		if (found == query->term_count)
			return true;
	}
	return false;
}

/* 0: it does not match. */
static uint32_t twin_score(const struct twin_row *row, const struct trib_words_query *query,
			   const uint32_t *idf)
{
	uint32_t score = 0, words = 0;

	for (uint32_t w = 0; w < query->word_count; w++) {
		uint32_t best = 0;

		for (uint32_t a = 0; a < query->words[w].count; a++) {
			const struct trib_words_alternative *way =
				&query->alternatives[query->words[w].first + a];
			uint32_t sum = 0, found = 0;

			for (uint32_t t = way->first; t < way->first + way->count; t++) {
				uint32_t impact = twin_impact(row, query->terms[t].key);
				uint32_t gain =
					(uint32_t)((uint64_t)idf[t] * way->weight_percent / 100);

				found += impact > 0;
				sum += impact * (gain ? gain : 1);
			}
			if (found == way->count && sum > best)
				best = sum;
		}
		words += best > 0;
		score += best;
	}
	if (words == 0 || (query->mode != TRIB_WORDS_ANY && words < query->word_count))
		return 0;
	if (query->mode == TRIB_WORDS_PHRASE && !twin_has_phrase(row, query))
		return 0;
	return score;
}

static const char *const pieces[] = { "玉",	"米",	   "糯",  "玉米",   "糯玉米",
				      "连衣裙", "夏",	   "季",  "甜",	    "的",
				      "dress",	"dresses", "red", "iphone", "15",
				      "500ml",	"500毫升", "a",	  "裙",	    "衣" };

static void random_text(struct trib_rng *rng, unsigned pieces_max, char *ret_text)
{
	unsigned count = (unsigned)trib_rng_below(rng, pieces_max + 1);

	ret_text[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		uint64_t r = trib_rng_below(rng, TRIB_ARRAY_SIZE(pieces));

		r = trib_rng_chance(rng, 0.5) ? r / 3 : r; /* some are frequent */
		strcat(ret_text, pieces[r]);
		if (trib_rng_chance(rng, 0.4))
			strcat(ret_text, " ");
	}
}

static void put_random(struct trib_rng *rng, struct trib_words *words, struct twin *twin,
		       uint32_t n)
{
	char title[512], brand[64];

	random_text(rng, 8, title);
	random_text(rng, 2, brand);
	struct trib_bytes texts[FIELDS] = { trib_bytes_text(title), trib_bytes_text(brand) };

	trib_words_put(words, twin->base + n, texts);
	twin_put(twin, n, texts);
}

static int best_first(const void *a, const void *b)
{
	const struct trib_words_hit *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->row < y->row ? -1 : 1;
}

static const uint64_t *every_third(void *context, uint32_t chunk)
{
	return chunk % 3 == 2 ? NULL : context;
}

/* Terms of the query as a filler weighs: some words get a second way to be found. */
static void add_alternatives(struct trib_rng *rng, struct trib_words_query *query)
{
	if (query->mode == TRIB_WORDS_PHRASE ||
	    query->alternative_count + 1 >= TRIB_LIMIT_WORDS_QUERY_ALTERNATIVES)
		return;
	struct trib_words_query_word *last = &query->words[query->word_count - 1];

	query->alternatives[query->alternative_count++] = (struct trib_words_alternative){
		.weight_percent = 60, .first = query->term_count, .count = 1
	};
	last->count++;
	query->terms[query->term_count++] = (struct trib_words_query_term){
		.key = trib_words_key_of_text(
			trib_bytes_text(trib_rng_chance(rng, 0.5) ? "red" : "absent"))
	};
}

static void compare_set(const struct trib_words_view *view, const struct trib_words_query *query,
			const struct twin *twin, const uint32_t *scores)
{
	static uint64_t bits[TRIB_WORDS_CHUNK_WORDS];
	struct trib_words_set *set = trib_words_set_new(view, query);
	uint32_t last = (twin->base + ROWS - 1) / TRIB_WORDS_CHUNK,
		 first = twin->base / TRIB_WORDS_CHUNK;

	for (int turn = 0; turn < 2; turn++) /* forwards, then back */
		for (uint32_t c = 0; c <= last - first; c++) {
			uint32_t chunk = turn ? last - c : first + c, expected = 0;
			uint32_t count = trib_words_set_chunk(set, chunk, bits);

			for (uint32_t n = 0; n < ROWS; n++) {
				uint32_t row = twin->base + n, bit = row % TRIB_WORDS_CHUNK;

				if (row / TRIB_WORDS_CHUNK != chunk)
					continue;
				expected += scores[n] > 0;
				assert_int_equal(bits[bit / 64] >> bit % 64 & 1, scores[n] > 0);
			}
			assert_int_equal(count, expected);
		}
	trib_words_set_free(set);
}

static void compare_query(struct trib_rng *rng, const struct trib_words_view *view,
			  const struct twin *twin)
{
	static struct trib_words_query query;
	static struct trib_words_hit found[ROWS], expected[ROWS];
	static uint32_t scores[ROWS];
	static uint64_t third[TRIB_WORDS_CHUNK_WORDS];
	uint32_t idf[TRIB_LIMIT_WORDS_QUERY_TERMS];
	char text[512];
	size_t expected_count = 0,
	       max = trib_rng_chance(rng, 0.2) ? ROWS : 1 + trib_rng_below(rng, 20);
	bool filtered = trib_rng_chance(rng, 0.3);
	struct trib_words_filter filter = { every_third, third };

	for (uint32_t i = 0; i < TRIB_WORDS_CHUNK; i += 3)
		third[i / 64] |= (uint64_t)1 << i % 64;
	random_text(rng, 4, text);
	if (trib_words_query_parse(trib_bytes_text(text),
				   (enum trib_words_mode)trib_rng_below(rng, 3), &query,
				   NULL) != TRIB_OK)
		return;
	if (trib_rng_chance(rng, 0.3))
		add_alternatives(rng, &query);
	for (uint32_t t = 0; t < query.term_count; t++) {
		double rows = (double)trib_words_view_rows(view, query.terms[t].key);
		double all = (double)trib_words_view_size(view).rows;

		idf[t] = (uint32_t)lround(
			log(1 + ((all > rows ? all - rows : 0) + 0.5) / (rows + 0.5)) * 256);
		idf[t] = idf[t] ? idf[t] : 1;
	}
	for (uint32_t n = 0; n < ROWS; n++) {
		uint32_t row = twin->base + n;

		scores[n] = twin->rows[n].lives ? twin_score(&twin->rows[n], &query, idf) : 0;
		if (scores[n] && (!filtered || (row / TRIB_WORDS_CHUNK % 3 != 2 &&
						row % TRIB_WORDS_CHUNK % 3 == 0)))
			expected[expected_count++] = (struct trib_words_hit){ row, scores[n] };
	}
	qsort(expected, expected_count, sizeof(*expected), best_first);
	size_t count = trib_words_top(view, &query, filtered ? &filter : NULL, max, found);

	if (count != TRIB_MIN(max, expected_count))
		fail_msg("\"%s\" mode %d: found %zu rows, expected %zu", text, query.mode, count,
			 TRIB_MIN(max, expected_count));
	for (size_t i = 0; i < count; i++)
		if (found[i].row != expected[i].row || found[i].score != expected[i].score)
			fail_msg("\"%s\" mode %d, hit %zu: found row %u score %u, expected row %u "
				 "score %u",
				 text, query.mode, i, found[i].row, found[i].score, expected[i].row,
				 expected[i].score);
	compare_set(view, &query, twin, scores);
}

/* How many rows have a term, after a merge of all: those that live. */
static void compare_counts(const struct trib_words_view *view, const struct twin *twin)
{
	uint64_t key = trib_words_key_of_pair(0x7389, 0x7c73), rows = 0, lives = 0; /* 玉米 */

	for (uint32_t n = 0; n < ROWS; n++) {
		lives += twin->rows[n].lives;
		rows += twin->rows[n].lives && twin_impact(&twin->rows[n], key) > 0;
	}
	assert_int_equal(trib_words_view_rows(view, key), rows);
	assert_int_equal(trib_words_view_size(view).rows, lives);
}

static void change_some(struct trib_rng *rng, struct trib_words *words, struct twin *twin,
			unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t n = (uint32_t)trib_rng_below(rng, ROWS);

		if (trib_rng_chance(rng, 0.3)) {
			trib_words_remove(words, twin->base + n);
			twin->rows[n].lives = false;
		} else {
			put_random(rng, words, twin, n);
		}
	}
}

static void same_as_the_twin(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 4; round++) {
		struct trib_words *words = trib_words_new(fields, FIELDS);
		struct twin twin = {
			.rows = trib_alloc_zeroed(ROWS, sizeof(*twin.rows)),
			.base = round == 0 ? 0 : (uint32_t)trib_rng_below(&rng, 4000000000u)
		};

		for (uint32_t n = 0; n < ROWS; n++)
			if (trib_rng_chance(&rng, 0.9))
				put_random(&rng, words, &twin, n);
		for (int turn = 0; turn < 14; turn++) {
			trib_words_refresh(words);
			if (turn % 5 == 4)
				trib_words_merge_all(words);
			struct trib_words_view *view = trib_words_view_ref(words);

			if (turn % 5 == 4)
				compare_counts(view, &twin);
			for (int q = 0; q < 60; q++)
				compare_query(&rng, view, &twin);
			change_some(&rng, words, &twin, turn % 3 ? 20 : 600);
			trib_words_view_unref(view);
		}
		trib_words_free(words);
		free(twin.rows);
	}
}

static void a_view_does_not_change(void **state)
{
	struct trib_words *words = trib_words_new(fields, FIELDS);
	struct trib_bytes corn[FIELDS] = { trib_bytes_text("糯玉米"), trib_bytes_text("") };
	static struct trib_words_query query;
	struct trib_words_hit hits[4];

	assert_int_equal(
		trib_words_query_parse(trib_bytes_text("玉米"), TRIB_WORDS_ALL, &query, NULL),
		TRIB_OK);
	trib_words_put(words, 5, corn);
	trib_words_refresh(words);
	struct trib_words_view *before = trib_words_view_ref(words);

	trib_words_put(words, 6, corn);
	trib_words_remove(words, 5);
	assert_int_equal(trib_words_top(before, &query, NULL, 4, hits), 1);
	trib_words_refresh(words);
	assert_int_equal(trib_words_top(before, &query, NULL, 4, hits), 1);
	assert_int_equal(hits[0].row, 5);
	struct trib_words_view *after = trib_words_view_ref(words);

	trib_words_free(words);
	assert_int_equal(trib_words_top(after, &query, NULL, 4, hits), 1);
	assert_int_equal(hits[0].row, 6);
	trib_words_view_unref(before);
	trib_words_view_unref(after);
}

enum { READ_ROWS = 500 };

struct reading {
	struct trib_words *words;
	atomic_bool done;
	atomic_uint views;
};

/* All rows have the word, and each view has each row once: whatever is being changed. */
static void *read_on(void *context)
{
	struct reading *reading = context;
	TRIB_AUTOFREE struct trib_words_query *query = trib_alloc(sizeof(*query));
	TRIB_AUTOFREE struct trib_words_hit *hits = trib_alloc(READ_ROWS * 2 * sizeof(*hits));
	bool seen[READ_ROWS];

	trib_assert(trib_words_query_parse(trib_bytes_text("玉米"), TRIB_WORDS_ALL, query, NULL) ==
		    TRIB_OK);
	while (!atomic_load(&reading->done)) {
		struct trib_words_view *view = trib_words_view_ref(reading->words);
		size_t count = trib_words_top(view, query, NULL, READ_ROWS * 2, hits);

		trib_assert(count == trib_words_view_size(view).rows);
		memset(seen, 0, sizeof(seen));
		for (size_t i = 0; i < count; i++) {
			trib_assert(hits[i].row < READ_ROWS && !seen[hits[i].row]);
			seen[hits[i].row] = true;
		}
		trib_words_view_unref(view);
		atomic_fetch_add(&reading->views, 1);
	}
	return NULL;
}

static void readers_beside_the_writer(void **state)
{
	struct reading reading = { .words = trib_words_new(fields, FIELDS) };
	struct trib_bytes corn[FIELDS] = { trib_bytes_text("糯玉米"), trib_bytes_text("") };
	pthread_t readers[2];
	struct trib_rng rng;

	trib_rng_seed(&rng, 3);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_on, &reading), 0);
	for (int turn = 0; turn < 300 || atomic_load(&reading.views) < 100; turn++) {
		for (int i = 0; i < 20; i++) {
			uint32_t row = (uint32_t)trib_rng_below(&rng, READ_ROWS);

			if (trib_rng_chance(&rng, 0.3))
				trib_words_remove(reading.words, row);
			else
				trib_words_put(reading.words, row, corn);
		}
		trib_words_refresh(reading.words);
	}
	atomic_store(&reading.done, true);
	for (int i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	trib_words_free(reading.words);
}

static bool take_term(void *context, struct trib_bytes term, uint32_t rows)
{
	trib_buffer_add_format(context, "%.*s:%u ", TRIB_BYTES_ARG(term), rows);
	return true;
}

static void terms_of_text_are_told(void **state)
{
	struct trib_words *words = trib_words_new(fields, FIELDS);
	struct trib_buffer told;

	trib_words_put(words, 1,
		       (struct trib_bytes[]){ trib_bytes_text("Red 玉米"), trib_bytes_text("") });
	trib_words_put(words, 2,
		       (struct trib_bytes[]){ trib_bytes_text("red"), trib_bytes_text("RED") });
	trib_words_refresh(words);
	struct trib_words_view *view = trib_words_view_ref(words);

	trib_buffer_init(&told, 100);
	trib_words_view_terms(view, take_term, &told);
	assert_string_equal(trib_buffer_text(&told), "red:2 ");
	trib_buffer_fini(&told);
	trib_words_view_unref(view);
	trib_words_free(words);
}

static void nothing_of_nothing(void **state)
{
	struct trib_words *words = trib_words_new(fields, FIELDS);
	struct trib_bytes none[FIELDS] = { trib_bytes_text(""), trib_bytes_text("!") };
	static struct trib_words_query query;
	struct trib_words_hit hits[4];

	assert_int_equal(
		trib_words_query_parse(trib_bytes_text("玉米"), TRIB_WORDS_ANY, &query, NULL),
		TRIB_OK);
	trib_words_merge_all(words);
	trib_words_remove(words, 1);
	trib_words_refresh(words);
	trib_words_put(words, 1, none);
	trib_words_merge_all(words);
	struct trib_words_view *view = trib_words_view_ref(words);

	assert_int_equal(trib_words_view_size(view).rows, 1);
	assert_int_equal(trib_words_top(view, &query, NULL, 4, hits), 0);
	trib_words_view_unref(view);
	trib_words_remove(words, 1);
	trib_words_merge_all(words);
	view = trib_words_view_ref(words);
	assert_int_equal(trib_words_view_size(view).segments, 0);
	trib_words_view_unref(view);
	trib_words_free(words);
}

static void folder_make(char ret_folder[64])
{
	strcpy(ret_folder, "/tmp/words-test-XXXXXX");
	assert_non_null(mkdtemp(ret_folder));
}

static void folder_remove(const char *folder)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

static struct trib_words *opened(const char *folder, bool whole)
{
	struct trib_words *words = trib_words_new(fields, FIELDS);
	struct trib_error error;

	assert_ok(trib_words_open(words, folder, whole, &error), error);
	return words;
}

/* Changed, saved and opened again and again, the index is what the twin is. */
static void the_same_after_a_restart(void **state)
{
	struct trib_rng rng;
	struct twin twin = { .rows = trib_alloc_zeroed(ROWS, sizeof(*twin.rows)), .base = 65000 };
	struct trib_words *words = trib_words_new(fields, FIELDS);
	struct trib_error error;
	char folder[64];

	trib_rng_seed(&rng, trib_test_seed());
	folder_make(folder);
	assert_int_equal(trib_words_open(words, folder, true, &error), TRIB_NOT_FOUND);
	change_some(&rng, words, &twin, 2000);
	for (int turn = 0; turn < 8; turn++) {
		if (turn == 5)
			trib_words_merge_all(words);
		assert_ok(trib_words_save(words, folder, &error), error);
		if (turn % 2) {
			trib_words_free(words);
			words = opened(folder, turn % 4 == 1);
		}
		struct trib_words_view *view = trib_words_view_ref(words);

		for (int q = 0; q < 40; q++)
			compare_query(&rng, view, &twin);
		trib_words_view_unref(view);
		change_some(&rng, words, &twin, 200);
	}
	trib_words_free(words);
	free(twin.rows);
	folder_remove(folder);
}

/* The one segment's path. */
static void segment_path(const char *folder, char ret_path[128])
{
	DIR *entries = opendir(folder);
	struct dirent *entry;

	ret_path[0] = '\0';
	while ((entry = readdir(entries)))
		if (strncmp(entry->d_name, "words-", 6) == 0) {
			assert_int_equal(ret_path[0], '\0');
			snprintf(ret_path, 128, "%s/%.40s", folder, entry->d_name);
		}
	closedir(entries);
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void damage_is_refused_by_name(void **state)
{
	struct trib_words *words = trib_words_new(fields, FIELDS);
	struct twin twin = { .rows = trib_alloc_zeroed(ROWS, sizeof(*twin.rows)) };
	static const struct trib_words_field other[FIELDS] = { { "title", 100, 8 },
							       { "brand", 100, 2 } };
	struct trib_rng rng;
	struct trib_error error;
	struct stat st;
	char folder[64], path[128], list[128];

	trib_rng_seed(&rng, 7);
	folder_make(folder);
	change_some(&rng, words, &twin, 500);
	assert_ok(trib_words_save(words, folder, &error), error);
	trib_words_free(words);
	segment_path(folder, path);
	snprintf(list, sizeof(list), "%s/words", folder);
	words = trib_words_new(other, FIELDS);
	assert_int_equal(trib_words_open(words, folder, true, &error), TRIB_UNSUPPORTED);
	trib_words_free(words);
	words = trib_words_new(fields, FIELDS);
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 0; at + 16 < st.st_size; at += 1 + (off_t)trib_rng_below(&rng, 400)) {
		struct trib_words_segment *segment;
		trib_status status;

		flip(path, at);
		status = trib_words_open(words, folder, true, &error);
		if (status == TRIB_OK) { /* between two regions */
			assert_ok(trib_words_segment_open(path, true, &segment, &error), error);
			trib_words_segment_unref(segment);
			trib_words_free(words);
			words = trib_words_new(fields, FIELDS);
		} else {
			assert_string_equal(error.at, path);
		}
		flip(path, at);
	}
	flip(list, 40);
	assert_int_equal(trib_words_open(words, folder, true, &error), TRIB_CORRUPT);
	assert_string_equal(error.at, list);
	flip(list, 40);
	for (off_t size = st.st_size - 1; size >= 0; size = size / 2 - 1) {
		assert_int_equal(truncate(path, size), 0);
		assert_int_equal(trib_words_open(words, folder, false, &error), TRIB_CORRUPT);
		assert_string_equal(error.at, path);
	}
	unlink(path);
	assert_int_equal(trib_words_open(words, folder, false, &error), TRIB_CORRUPT);
	assert_string_equal(error.at, path);
	trib_words_free(words);
	free(twin.rows);
	folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_the_twin),
		cmocka_unit_test(a_view_does_not_change),
		cmocka_unit_test(readers_beside_the_writer),
		cmocka_unit_test(terms_of_text_are_told),
		cmocka_unit_test(nothing_of_nothing),
		cmocka_unit_test(the_same_after_a_restart),
		cmocka_unit_test(damage_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
