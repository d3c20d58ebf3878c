/* Allocation that ends the process instead of returning NULL, and the assert that stays on. */
#include "base/macros.h"

#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

_Noreturn void trib_assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, condition);
	abort();
}

static void *or_abort(void *memory)
{
	if (!memory) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *trib_alloc(size_t size)
{
	return or_abort(malloc(size ? size : 1));
}

void *trib_alloc_zeroed(size_t count, size_t size)
{
	return or_abort(calloc(count ? count : 1, size ? size : 1));
}

void *trib_realloc(void *memory, size_t size)
{
	return or_abort(realloc(memory, size ? size : 1));
}

char *trib_strdup(const char *text)
{
	return or_abort(strdup(text));
}

void *trib_alloc_table(size_t size)
{
	if (size < HUGE_PAGE)
		return trib_alloc_zeroed(1, size);
	size = (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
	void *table = or_abort(aligned_alloc(HUGE_PAGE, size));

	madvise(table, size, MADV_HUGEPAGE); /* a wish: what it says does not matter */
	return memset(table, 0, size);
}
