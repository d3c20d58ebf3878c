#include "catalog/words_build.h"

#include "base/hash.h"
#include "catalog/words_analysis.h"

/* A term's slot holds, while one row is put, what the row's occurrences of it weigh. */
struct slot {
	uint64_t key; /* 0: free */
	uint32_t term, weight;
};

struct term {
	uint64_t key;
	uint32_t text, size; /* in texts */
	uint64_t count;
};

struct occurrence {
	uint32_t term;
	uint16_t impact, position;
};

struct row {
	uint32_t row, sequence;
	uint64_t first, count; /* of occurrences */
	bool gone;
};

struct trib_words_builder {
	struct trib_words_field fields[TRIB_LIMIT_WORDS_FIELDS];
	size_t field_count;
	struct slot *slots;
	size_t slot_mask, term_count, term_capacity;
	struct term *terms;
	struct trib_buffer texts;
	struct trib_column occurrences, rows;
	size_t occurrence_count, row_count;
	bool ascending; /* so far, each row once */
	struct trib_words_analysis analysis;
};

enum { SLOTS_FIRST = 1024 };

struct trib_words_builder *trib_words_builder_new(const struct trib_words_field *fields,
						  size_t field_count)
{
	struct trib_words_builder *builder = trib_alloc_zeroed(1, sizeof(*builder));

	trib_assert(field_count > 0 && field_count <= TRIB_LIMIT_WORDS_FIELDS);
	memcpy(builder->fields, fields, field_count * sizeof(*fields));
	builder->field_count = field_count;
	builder->slots = trib_alloc_zeroed(SLOTS_FIRST, sizeof(*builder->slots));
	builder->slot_mask = SLOTS_FIRST - 1;
	builder->ascending = true;
	trib_buffer_init(&builder->texts, UINT32_MAX);
	/* What is empty is somewhere, too. */
	trib_buffer_reserve(&builder->texts, 1);
	trib_column_reserve(&builder->occurrences, 1);
	return builder;
}

void trib_words_builder_free(struct trib_words_builder *builder)
{
	if (!builder)
		return;
	free(builder->slots);
	free(builder->terms);
	trib_buffer_fini(&builder->texts);
	trib_column_fini(&builder->occurrences);
	trib_column_fini(&builder->rows);
	trib_words_analysis_fini(&builder->analysis);
	free(builder);
}

uint64_t trib_words_fields_digest(const struct trib_words_field *fields, size_t field_count)
{
	uint64_t digest = field_count;

	for (size_t i = 0; i < field_count; i++)
		digest = trib_hash_u64(
			digest + trib_hash_bytes(trib_bytes_text(fields[i].name)) +
			((uint64_t)fields[i].weight_percent << 32 | fields[i].usual_units));
	return digest;
}

size_t trib_words_builder_occurrences(const struct trib_words_builder *builder)
{
	return builder->occurrence_count;
}

static struct slot *slot_of(struct trib_words_builder *builder, uint64_t key)
{
	size_t at = trib_hash_u64(key) & builder->slot_mask;

	while (builder->slots[at].key && builder->slots[at].key != key)
		at = (at + 1) & builder->slot_mask;
	return &builder->slots[at];
}

static void grow_slots(struct trib_words_builder *builder)
{
	struct slot *old = builder->slots;
	size_t old_count = builder->slot_mask + 1;

	builder->slots = trib_alloc_table(old_count * 4 * sizeof(*old));
	builder->slot_mask = old_count * 4 - 1;
	for (size_t i = 0; i < old_count; i++)
		if (old[i].key)
			*slot_of(builder, old[i].key) = old[i];
	free(old);
}

static uint32_t term_add(struct trib_words_builder *builder, uint64_t key, struct trib_bytes text)
{
	if (builder->term_count == builder->term_capacity) {
		builder->term_capacity = builder->term_capacity * 2 + 256;
		builder->terms = trib_realloc(builder->terms,
					      builder->term_capacity * sizeof(*builder->terms));
	}
	builder->terms[builder->term_count] = (struct term){ .key = key,
							     .text = (uint32_t)builder->texts.size,
							     .size = (uint32_t)text.size };
	trib_buffer_add_bytes(&builder->texts, text);
	trib_assert(!builder->texts.failed); /* 4 GiB of terms: the index seals long before */
	return (uint32_t)builder->term_count++;
}

/* What one occurrence in a text of `units` weighs, in 65,536ths: BM25F's weight by length, b = 0.75. */
static uint32_t occurrence_weight(const struct trib_words_field *field, uint64_t units)
{
	uint64_t usual = TRIB_MAX(field->usual_units, 1u);
	uint64_t weight =
		65536 * (uint64_t)field->weight_percent * usual / (25 * usual + 75 * units);

	return (uint32_t)TRIB_MAX(weight, (uint64_t)1);
}

/* Saturation with k1 = 1.2, in 255ths. */
static uint32_t impact_of(uint64_t weight)
{
	const uint64_t k1 = 78643;

	return (uint32_t)TRIB_MAX((255 * weight + (k1 + weight) / 2) / (k1 + weight), (uint64_t)1);
}

/* The tokens of one text weigh in the slots of their terms, and stand in the occurrences, their impact still open. */
static void put_text(struct trib_words_builder *builder, size_t f)
{
	struct trib_words_analysis *analysis = &builder->analysis;
	uint32_t weight = occurrence_weight(&builder->fields[f], analysis->unit_count);

	while ((builder->term_count + analysis->count) * 5 > builder->slot_mask * 3)
		grow_slots(builder);
	for (size_t i = 0; i < analysis->count; i++)
		TRIB_PREFETCH(&builder->slots[trib_hash_u64(analysis->tokens[i].key) &
					      builder->slot_mask]);
	trib_column_reserve(&builder->occurrences, (builder->occurrence_count + analysis->count) *
							   sizeof(struct occurrence));
	struct occurrence *to = builder->occurrences.data;

	for (size_t i = 0; i < analysis->count; i++) {
		const struct trib_words_token *token = &analysis->tokens[i];

		if (token->position > TRIB_WORDS_POSITION_MAX)
			break;
		struct slot *slot = slot_of(builder, token->key);

		if (!slot->key) {
			slot->key = token->key;
			slot->term =
				term_add(builder, token->key,
					 trib_bytes(analysis->text + token->text, token->size));
		}
		slot->weight =
			(uint32_t)TRIB_MIN((uint64_t)slot->weight + weight, (uint64_t)UINT32_MAX);
		to[builder->occurrence_count++] =
			(struct occurrence){ .term = slot->term,
					     .position = (uint16_t)token->position };
	}
}

static struct row *row_add(struct trib_words_builder *builder, uint32_t row)
{
	size_t n = builder->row_count++;

	trib_column_reserve(&builder->rows, (n + 1) * sizeof(struct row));
	struct row *rows = builder->rows.data;

	if (n > 0 && rows[n - 1].row >= row)
		builder->ascending = false;
	rows[n] = (struct row){ .row = row,
				.sequence = (uint32_t)n,
				.first = builder->occurrence_count };
	return &rows[n];
}

void trib_words_builder_put(struct trib_words_builder *builder, uint32_t row,
			    const struct trib_bytes *texts)
{
	struct row *added = row_add(builder, row);
	uint32_t first = 0;

	trib_assert(row != TRIB_WORDS_END);
	for (size_t f = 0; f < builder->field_count; f++) {
		if (texts[f].size == 0)
			continue;
		trib_words_analyse(&builder->analysis, texts[f], first);
		put_text(builder, f);
		first = builder->analysis.next_position +
			1; /* no phrase goes on from one field to the next */
	}
	added->count = builder->occurrence_count - added->first;
	struct occurrence *of_row = (struct occurrence *)builder->occurrences.data + added->first;

	for (size_t i = 0; i < added->count; i++)
		of_row[i].impact = (uint16_t)impact_of(
			slot_of(builder, builder->terms[of_row[i].term].key)->weight);
	for (size_t i = 0; i < added->count; i++)
		slot_of(builder, builder->terms[of_row[i].term].key)->weight = 0;
}

void trib_words_builder_remove(struct trib_words_builder *builder, uint32_t row)
{
	if (builder->row_count > 0)
		row_add(builder, row)->gone = true;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return x->sequence < y->sequence ? -1 : 1;
}

/* By number, of each the latest, without those that are gone. */
static void settle_rows(struct trib_words_builder *builder)
{
	struct row *rows = builder->rows.data;
	size_t kept = 0;

	if (!builder->ascending)
		qsort(rows, builder->row_count, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < builder->row_count; i++)
		if ((i + 1 == builder->row_count || rows[i + 1].row != rows[i].row) &&
		    !rows[i].gone)
			rows[kept++] = rows[i];
	builder->row_count = kept;
}

/* Occurrences as records, term by term. ret_ends: where each term's end. */
static uint64_t *sort_records(struct trib_words_builder *builder, uint64_t *ret_ends)
{
	const struct row *rows = builder->rows.data;
	const struct occurrence *from = builder->occurrences.data;
	uint64_t *records = trib_alloc((builder->occurrence_count + 1) * sizeof(*records)), at = 0;

	memset(ret_ends, 0, builder->term_count * sizeof(*ret_ends));
	for (size_t r = 0; r < builder->row_count; r++)
		for (size_t i = 0; i < rows[r].count; i++)
			ret_ends[from[rows[r].first + i].term]++;
	for (size_t t = 0; t < builder->term_count; t++) {
		builder->terms[t].count = ret_ends[t];
		ret_ends[t] = at;
		at += builder->terms[t].count;
	}
	for (size_t r = 0; r < builder->row_count; r++)
		for (size_t i = 0; i < rows[r].count; i++) {
			const struct occurrence *each = &from[rows[r].first + i];

			records[ret_ends[each->term]++] =
				trib_words_record(rows[r].row, each->impact, each->position);
		}
	return records;
}

struct key_and_term {
	uint64_t key;
	uint32_t term;
};

static int compare_keys(const void *a, const void *b)
{
	const struct key_and_term *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static void reset(struct trib_words_builder *builder)
{
	builder->term_count = builder->occurrence_count = builder->row_count = 0;
	builder->ascending = true;
	trib_buffer_reset(&builder->texts);
	memset(builder->slots, 0, (builder->slot_mask + 1) * sizeof(*builder->slots));
}

struct trib_words_segment *trib_words_builder_seal(struct trib_words_builder *builder)
{
	struct trib_words_image image;

	settle_rows(builder);
	if (builder->row_count == 0) {
		reset(builder);
		return NULL;
	}
	TRIB_AUTOFREE uint64_t *ends = trib_alloc((builder->term_count + 1) * sizeof(*ends));
	TRIB_AUTOFREE uint64_t *records = sort_records(builder, ends);
	TRIB_AUTOFREE struct key_and_term *order =
		trib_alloc((builder->term_count + 1) * sizeof(*order));

	for (size_t t = 0; t < builder->term_count; t++)
		order[t] = (struct key_and_term){ builder->terms[t].key, (uint32_t)t };
	qsort(order, builder->term_count, sizeof(*order), compare_keys);
	trib_words_image_init(&image,
			      trib_words_fields_digest(builder->fields, builder->field_count));
	for (size_t r = 0; r < builder->row_count; r++)
		trib_words_image_row(&image, ((struct row *)builder->rows.data)[r].row);
	for (size_t i = 0; i < builder->term_count; i++) {
		const struct term *term = &builder->terms[order[i].term];

		if (term->count)
			trib_words_image_term(
				&image, term->key,
				trib_bytes(builder->texts.data + term->text, term->size),
				records + ends[order[i].term] - term->count, term->count);
	}
	reset(builder);
	return trib_words_image_seal(&image);
}
