#include "base/column.h"

#include <sys/mman.h>
#include "base/macros.h"

enum { PAGE = 4096, HUGE = 2 << 20 };

static void *map_or_abort(void *memory)
{
	if (memory == MAP_FAILED) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return memory;
}

void trib_column_fini(struct trib_column *column)
{
	if (column->data)
		munmap(column->data, column->bytes);
	*column = (struct trib_column){ 0 };
}

void trib_column_reserve(struct trib_column *column, size_t size)
{
	if (size <= column->bytes)
		return;
	size_t bytes = TRIB_MAX(column->bytes * 2, (size_t)PAGE);

	while (bytes < size)
		bytes *= 2;
	if (column->data)
		column->data =
			map_or_abort(mremap(column->data, column->bytes, bytes, MREMAP_MAYMOVE));
	else
		column->data = map_or_abort(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
						 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	column->bytes = bytes;
	if (bytes >= HUGE)
		madvise(column->data, bytes,
			MADV_HUGEPAGE); /* a wish: what it says does not matter */
}
