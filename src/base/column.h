/*
 * An array by number that grows in place, on fresh pages: aligned, so that an entry of half a cache line does not straddle two;
 * zeroed; huge where the kernel can, because look-ups are random.
 */
#ifndef TRIBUTARY_BASE_COLUMN_H
#define TRIBUTARY_BASE_COLUMN_H

#include <stddef.h>

struct trib_column {
	void *data;
	size_t bytes; /* mapped */
};

void trib_column_fini(struct trib_column *column);
/* Afterwards `size` bytes may be used; new ones are zero. The data may have moved. */
void trib_column_reserve(struct trib_column *column, size_t size);

#endif
