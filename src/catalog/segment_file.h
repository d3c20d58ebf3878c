/* The bytes of a segment file, for its writer and its reader. Inside the room. */
#ifndef TRIB_CATALOG_SEGMENT_FILE_H
#define TRIB_CATALOG_SEGMENT_FILE_H

#include "catalog/segment.h"

#define TRIB_SEGMENT_MAGIC "TRIBSEG1"

enum { SEGMENT_HEAD_BYTES = 4096, SEGMENT_ALIGNMENT = 64 };

struct segment_head {
	char magic[8];
	uint32_t field_count, chunk_count;
	uint64_t rows;
	uint64_t fields_at, directory_at, size; /* of the file */
	uint8_t digest[16];
	uint32_t behind_crc; /* of fields and directory */
	uint32_t crc;	     /* of what stands before it here */
};

struct segment_field {
	char name[TRIB_FIELD_NAME_MAX]; /* terminated */
	uint8_t kind, decimals, zeros[6];
};

struct segment_entry {
	uint64_t at, size; /* the blob */
	int64_t min, max;  /* numbers only, as all down to bits */
	uint64_t step;
	uint32_t count; /* of the dictionary; of CODES: codes */
	uint32_t rows;
	uint32_t crc; /* of the blob */
	uint8_t bits, zeros[11];
};
_Static_assert(sizeof(struct segment_entry) == 64, "entries are read where they stand");
_Static_assert(sizeof(struct segment_head) == 72 && sizeof(struct segment_field) == 72,
	       "no padding in files");

#endif
