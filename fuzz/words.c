/*
 * The word index: texts and queries of strangers, and segment files whose bytes are not what was written.
 *
 * A first byte below 0xc0: the rest is a text and, after a newline, a query. Otherwise: changes of a good segment, four bytes
 * each (where, what), its checksums made right again, so that reading is reached, and refusing by checksum is not all there is.
 */
#include <stdint.h>
#include "base/hash.h"
#include "catalog/words_analysis.h"
#include "catalog/words_build.h"
#include "catalog/words_expand.h"
#include "catalog/words_show.h"
#include "catalog/words_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct trib_words_field field = { "title", .weight_percent = 100, .usual_units = 8 };
static struct trib_words_query query;

static void check_ranges(struct trib_bytes text)
{
	struct trib_words_range ranges[8];
	size_t count = trib_words_highlight(&query, text, 8, ranges);

	for (size_t i = 0; i < count; i++)
		trib_assert(ranges[i].begin < ranges[i].end && ranges[i].end <= text.size &&
			    (i == 0 || ranges[i - 1].end < ranges[i].begin));
}

/* A row with the text is found by each query that the text itself makes. */
static void texts(struct trib_bytes text, struct trib_bytes asked)
{
	static struct trib_words_vocabulary *vocabulary;
	struct trib_words *words = trib_words_new(&field, 1);
	struct trib_words_completion completions[4];
	struct trib_words_hit hit;

	if (!vocabulary) {
		static const char *const known[] = { "玉米", "糯玉米", "lipstick", "sunscreen",
						     "羽绒服" };

		vocabulary = trib_words_vocabulary_new();
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(known); i++)
			trib_words_vocabulary_add(vocabulary, trib_bytes_text(known[i]), i);
		trib_words_vocabulary_synonyms(vocabulary, trib_bytes_text("番茄, 西红柿"), NULL);
		trib_words_vocabulary_seal(vocabulary);
	}
	trib_words_put(words, 7, &text);
	trib_words_refresh(words);
	struct trib_words_view *view = trib_words_view_ref(words);

	for (int mode = TRIB_WORDS_ALL; mode <= TRIB_WORDS_PHRASE; mode++) {
		if (trib_words_query_parse(text, (enum trib_words_mode)mode, &query, NULL) ==
			    TRIB_OK &&
		    trib_words_top(view, &query, NULL, 1, &hit) != 1)
			trib_assert(mode != TRIB_WORDS_ANY);
		if (trib_words_query_parse(asked, (enum trib_words_mode)mode, &query, NULL) ==
		    TRIB_OK) {
			trib_words_expand(vocabulary, asked, &query);
			trib_words_top(view, &query, NULL, 1, &hit);
			check_ranges(text);
		}
	}
	trib_words_complete(vocabulary, asked, 4, completions);
	struct trib_words_vocabulary *other = trib_words_vocabulary_new();

	trib_words_vocabulary_synonyms(other, asked, NULL);
	trib_words_vocabulary_free(other);
	trib_words_view_unref(view);
	trib_words_free(words);
}

static struct trib_words_segment *good_segment(void)
{
	struct trib_words_builder *builder = trib_words_builder_new(&field, 1);
	char title[64];

	for (uint32_t row = 0; row < 700; row++) {
		snprintf(title, sizeof(title), "玉米%s red %u %s", row % 3 ? "糯" : "", row / 5,
			 row % 7 ? "玉米" : "");
		trib_words_builder_put(builder, 100 + row * (1 + row % 2),
				       &(struct trib_bytes){ title, strlen(title) });
	}
	struct trib_words_segment *segment = trib_words_builder_seal(builder);

	trib_words_builder_free(builder);
	return segment;
}

static void right_checksums(char *bytes, size_t size)
{
	struct trib_words_header *header = (void *)bytes;

	for (size_t i = 0; i < TRIB_WORDS_REGIONS; i++)
		if (header->regions[i].at <= size &&
		    header->regions[i].size <= size - header->regions[i].at)
			header->regions[i].crc = trib_crc32c(0, bytes + header->regions[i].at,
							     header->regions[i].size);
	header->crc = 0;
	header->crc = trib_crc32c(0, header, sizeof(*header));
}

static void read_all(struct trib_words_segment *segment)
{
	static const char *const asked[] = { "玉米", "糯 玉米", "red 糯", "玉米 red 3" };
	static uint64_t bits[TRIB_WORDS_CHUNK_WORDS];
	const struct trib_words_header *header = trib_words_segment_header(segment);
	struct trib_words_view *view = trib_words_view_new(1);
	size_t bytes = header->regions[TRIB_WORDS_PRESENT].size;
	struct trib_words_live *live = trib_alloc(sizeof(*live) + bytes);
	struct trib_words_hit hits[20];

	atomic_init(&live->references, 1);
	live->rows = header->rows;
	memcpy(live->bits, trib_words_segment_present(segment), bytes);
	view->parts[view->count++] = (struct trib_words_view_part){ segment, live };
	view->rows = live->rows;
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(asked); i++)
		for (int mode = TRIB_WORDS_ALL; mode <= TRIB_WORDS_PHRASE; mode++) {
			trib_assert(trib_words_query_parse(trib_bytes_text(asked[i]),
							   (enum trib_words_mode)mode, &query,
							   NULL) == TRIB_OK);
			trib_words_top(view, &query, NULL, 20, hits);
			struct trib_words_set *set = trib_words_set_new(view, &query);

			trib_words_set_chunk(set, 0, bits);
			trib_words_set_free(set);
		}
	struct trib_words_part part = { segment, live->bits };

	if (header->row_end < 1 << 20)
		trib_words_segment_unref(trib_words_merge(&part, 1, 0));
	trib_words_view_unref(view);
}

static void segments(const uint8_t *data, size_t size)
{
	static struct trib_words_segment *good;
	struct trib_words_segment *segment;

	good = good ? good : good_segment();
	struct trib_bytes from = trib_words_segment_bytes(good);
	char *bytes = aligned_alloc(64, (from.size + 63) & ~(size_t)63);

	memcpy(bytes, from.data, from.size);
	for (size_t i = 0; i + 4 <= size && i < 64; i += 4)
		bytes[(data[i] | (size_t)data[i + 1] << 8 | (size_t)data[i + 2] << 16) %
		      from.size] = (char)data[i + 3];
	right_checksums(bytes, from.size);
	if (trib_words_segment_of_bytes(trib_bytes(bytes, from.size), "fuzz", true, &segment,
					NULL) == TRIB_OK)
		read_all(segment);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] >= 0xc0) {
		segments(data + 1, size - 1);
		return 0;
	}
	const uint8_t *newline = memchr(data + 1, '\n', size - 1);
	size_t text = newline ? (size_t)(newline - data) - 1 : size - 1;

	texts(trib_bytes(data + 1, text),
	      newline ? trib_bytes(newline + 1, size - text - 2) : trib_bytes("", 0));
	return 0;
}
