#include "select/facets.h"

uint32_t facets_codes(const struct trib_table *table, uint32_t field)
{
	uint32_t count;
	uint8_t kind = trib_table_fields(table, &count)[field].kind;

	if (kind == TRIB_FIELD_BOOL)
		return 2;
	return kind == TRIB_FIELD_CODE || kind == TRIB_FIELD_CODES
		       ? trib_dictionary_count(trib_table_words(table, field)) + 1
		       : 0;
}

void facets_init(struct facets *facets, const struct trib_table *table, const uint32_t *fields,
		 uint32_t count)
{
	*facets = (struct facets){ table, fields, count,
				   trib_alloc(count * sizeof(*facets->counts)) };
	for (uint32_t i = 0; i < count; i++)
		facets->counts[i] =
			trib_alloc_zeroed(facets_codes(table, fields[i]), sizeof(**facets->counts));
}

void facets_fini(struct facets *facets)
{
	for (uint32_t i = 0; i < facets->count; i++)
		free(facets->counts[i]);
	free(facets->counts);
}

/* Codes beyond the dictionary are counted as none: the file is not what was written, and reads as "". */
static void add_numbers(const struct trib_chunk *column, const uint64_t rows[TRIB_CHUNK_WORDS],
			uint64_t *counts, uint32_t codes)
{
	int64_t values[TRIB_BLOCK_ROWS];

	for (uint32_t block = 0; block < TRIB_CHUNK_BLOCKS; block++) {
		const uint64_t *words = rows + block * TRIB_BLOCK_WORDS;
		bool decoded = false;

		for (uint32_t word = 0; word < TRIB_BLOCK_WORDS; word++)
			for (uint64_t left = words[word]; left; left &= left - 1) {
				if (!decoded)
					trib_chunk_decode(column, block, values);
				decoded = true;
				uint64_t code = (uint64_t)
					values[word * 64 + (uint32_t)__builtin_ctzll(left)];

				counts[code < codes ? code : 0]++;
			}
	}
}

/* A chunk names a code once, with the rows that have it. */
static void add_codes(const struct trib_code_sets *sets, const uint64_t rows[TRIB_CHUNK_WORDS],
		      uint64_t *counts, uint32_t codes)
{
	for (uint32_t i = 0; i < sets->count; i++) {
		uint64_t having[TRIB_CHUNK_WORDS];
		struct trib_range only = { sets->codes[i], sets->codes[i] };

		memcpy(having, rows, sizeof(having));
		if (trib_codes_filter(sets, (struct trib_ranges){ 1, &only }, having))
			counts[sets->codes[i] < codes ? sets->codes[i] : 0] +=
				trib_chunk_count(having);
	}
}

trib_status facets_add(struct facets *facets, uint32_t chunk, const uint64_t rows[TRIB_CHUNK_WORDS],
		       uint32_t left, struct trib_error *error)
{
	trib_status status = TRIB_OK;
	uint32_t count;
	const struct trib_field *fields = trib_table_fields(facets->table, &count);

	for (uint32_t i = 0; left && status == TRIB_OK && i < facets->count; i++) {
		uint32_t field = facets->fields[i], codes = facets_codes(facets->table, field);
		struct trib_code_sets sets;
		struct trib_chunk column;

		if (fields[field].kind == TRIB_FIELD_CODES) {
			status = trib_table_codes(facets->table, chunk, field, &sets, error);
			if (status == TRIB_OK)
				add_codes(&sets, rows, facets->counts[i], codes);
		} else {
			status = trib_table_chunk(facets->table, chunk, field, &column, error);
			if (status == TRIB_OK)
				add_numbers(&column, rows, facets->counts[i], codes);
		}
	}
	return status;
}

void facets_merge(struct facets *facets, const struct facets *other)
{
	for (uint32_t i = 0; i < facets->count; i++) {
		uint32_t codes = facets_codes(facets->table, facets->fields[i]);

		for (uint32_t code = 0; code < codes; code++)
			facets->counts[i][code] += other->counts[i][code];
	}
}

static int by_count(const void *a, const void *b)
{
	const struct trib_facet_value *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return (x->code > y->code) - (x->code < y->code);
}

struct trib_facet *facets_list(const struct facets *facets)
{
	struct trib_facet *list = trib_alloc_zeroed(facets->count, sizeof(*list));

	for (uint32_t i = 0; i < facets->count; i++) {
		uint32_t codes = facets_codes(facets->table, facets->fields[i]), n = 0;
		struct trib_facet_value *values = trib_alloc(codes * sizeof(*values));

		for (uint32_t code = 0; code < codes; code++)
			if (facets->counts[i][code])
				values[n++] =
					(struct trib_facet_value){ code, facets->counts[i][code] };
		qsort(values, n, sizeof(*values), by_count);
		list[i] = (struct trib_facet){ .field = facets->fields[i],
					       .value_count = TRIB_MIN(
						       n, (uint32_t)TRIB_LIMIT_FACET_VALUES),
					       .distinct = n };
		list[i].values = trib_realloc(values, list[i].value_count * sizeof(*values));
	}
	return list;
}
