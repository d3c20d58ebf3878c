/* The few macros that every room uses. */
#ifndef TRIB_BASE_MACROS_H
#define TRIB_BASE_MACROS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TRIB_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define TRIB_LIKELY(x) __builtin_expect(!!(x), 1)
#define TRIB_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TRIB_UNUSED __attribute__((unused))
#define TRIB_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define TRIB_PREFETCH(p) __builtin_prefetch((p))
#define TRIB_MIN(a, b) ((a) < (b) ? (a) : (b))
#define TRIB_MAX(a, b) ((a) > (b) ? (a) : (b))

/* A programmer error ends the process, in release builds too. */
#define trib_assert(condition)                                                                     \
	do {                                                                                       \
		if (TRIB_UNLIKELY(!(condition)))                                                   \
			trib_assert_failed(#condition, __FILE__, __LINE__);                        \
	} while (0)
_Noreturn void trib_assert_failed(const char *condition, const char *file, int line);

/* `TRIB_CLEANUP(free_fn) T *p` calls free_fn(&p) when p leaves its scope. */
#define TRIB_CLEANUP(fn) __attribute__((cleanup(fn)))
#define TRIB_TAKE_PTR(p)                                                                           \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

/* Memory for sizes that we chose: never NULL, the process ends instead. */
void *trib_alloc(size_t size);
void *trib_alloc_zeroed(size_t count, size_t size);
void *trib_realloc(void *memory, size_t size);
char *trib_strdup(const char *text);
/* Zeroed, for look-ups at random: on huge pages, where it is large and the kernel can. */
void *trib_alloc_table(size_t size);

static inline void trib_free_ptr(void *p)
{
	free(*(void **)p);
}
#define TRIB_AUTOFREE TRIB_CLEANUP(trib_free_ptr)

#endif
