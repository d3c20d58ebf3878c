/* Counting the values of fields over what is selected. Inside the room; one thread's. */
#ifndef TRIB_SELECT_FACETS_H
#define TRIB_SELECT_FACETS_H

#include "select/select.h"

struct facets {
	const struct trib_table *table;
	const uint32_t *fields;
	uint32_t count;
	uint64_t **counts; /* a field each, of each by code */
};

/* How many codes a field has, 0 included; 0 for a field that cannot be counted so. */
uint32_t facets_codes(const struct trib_table *table, uint32_t field);

void facets_init(struct facets *facets, const struct trib_table *table, const uint32_t *fields,
		 uint32_t count);
void facets_fini(struct facets *facets);

/* Of a chunk, `left` rows. */
trib_status facets_add(struct facets *facets, uint32_t chunk, const uint64_t rows[TRIB_CHUNK_WORDS],
		       uint32_t left, struct trib_error *error);
void facets_merge(struct facets *facets, const struct facets *other);
/* The caller's, as trib_selected_fini gives them back. */
struct trib_facet *facets_list(const struct facets *facets);

#endif
