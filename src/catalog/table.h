/*
 * A table: its segments and the words of its columns, in a folder that a manifest names. Rows are numbered by chunk and
 * place: chunk × 65,536 + place; only the last chunk of a segment may have fewer rows, so numbers may have gaps.
 *
 *	trib_table_open("catalog/goods", &table, &error);
 *	trib_table_field(table, trib_bytes_text("price"), &price);
 *	for (uint32_t chunk = 0; chunk < trib_table_chunks(table); chunk++)
 *		trib_table_chunk(table, chunk, price, &prices, &error);
 *	trib_table_close(table);
 *
 * What is in the folder beside what the manifest names is passed over. Any thread may read.
 */
#ifndef TRIB_CATALOG_TABLE_H
#define TRIB_CATALOG_TABLE_H

#include "catalog/dictionary.h"
#include "catalog/segment.h"

struct trib_table;

/* Segments are "0.seg", "1.seg" …, words "<field>.words": those of every CODE and CODES field. Durable when it returns. */
trib_status trib_table_write_manifest(const char *folder, const char *name,
				      const struct trib_segment_info *segments,
				      uint32_t segment_count, struct trib_error *error);
/* Their paths, terminated. */
void trib_table_segment_path(const char *folder, uint32_t segment, char *ret_path, size_t size);
void trib_table_words_path(const char *folder, const char *field, char *ret_path, size_t size);

trib_status trib_table_open(const char *folder, struct trib_table **ret_table,
			    struct trib_error *error);
void trib_table_close(struct trib_table *table);

const char *trib_table_name(const struct trib_table *table);
uint64_t trib_table_rows(const struct trib_table *table);
uint64_t trib_table_bytes(const struct trib_table *table); /* of its files */
uint32_t trib_table_chunks(const struct trib_table *table);
uint32_t trib_table_chunk_rows(const struct trib_table *table, uint32_t chunk);

const struct trib_field *trib_table_fields(const struct trib_table *table, uint32_t *ret_count);
bool trib_table_field(const struct trib_table *table, struct trib_bytes name, uint32_t *ret_field);
/* The words of a CODE or CODES field; NULL for others. */
const struct trib_dictionary *trib_table_words(const struct trib_table *table, uint32_t field);

/* As those of a segment (catalog/segment.h). */
trib_status trib_table_chunk(const struct trib_table *table, uint32_t chunk, uint32_t field,
			     struct trib_chunk *ret_chunk, struct trib_error *error);
trib_status trib_table_codes(const struct trib_table *table, uint32_t chunk, uint32_t field,
			     struct trib_code_sets *ret_sets, struct trib_error *error);
trib_status trib_table_texts(const struct trib_table *table, uint32_t chunk, uint32_t field,
			     struct trib_texts *ret_texts, struct trib_error *error);

#endif
