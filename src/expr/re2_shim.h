/* RE2 behind C. A pattern is immutable and may be matched from any thread. */
#ifndef TRIB_EXPR_RE2_SHIM_H
#define TRIB_EXPR_RE2_SHIM_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct re2_pattern;

/* NULL: RE2 refuses the pattern, or it would need more than memory_max bytes. */
struct re2_pattern *re2_pattern_new(const char *pattern, size_t size, size_t memory_max);
void re2_pattern_free(struct re2_pattern *pattern);

/* Whether some part of the text matches. */
bool re2_pattern_matches(const struct re2_pattern *pattern, const char *text, size_t size);

/* Instructions of the compiled pattern: what a match costs per byte at worst. */
int re2_pattern_size(const struct re2_pattern *pattern);

#ifdef __cplusplus
}
#endif

#endif
