/*
 * What POSTs with an Idempotency-Key were answered, for a day, by the hash of who asked and the key. Bounded: then the
 * oldest go earlier. Knows nothing of the engine.
 */
#ifndef TRIB_ENGINE_ANSWERS_H
#define TRIB_ENGINE_ANSWERS_H

#include "base/bytes.h"

enum { ANSWER_KEY_BYTES = 16, ANSWER_BODY_BYTES_MAX = 65536 };
#define ANSWER_KEPT_MS (INT64_C(24) * 3600 * 1000)

struct answers;

struct answer {
	unsigned char key[ANSWER_KEY_BYTES], content[ANSWER_KEY_BYTES];
	int64_t at_ms;
	uint32_t status;
	struct trib_bytes body;
};

struct answers *answers_new(uint32_t count_max, size_t bytes_max);
void answers_free(struct answers *answers);

/* Copies it; a key that is there keeps its answer. What is older than a day before at_ms goes. */
void answers_add(struct answers *answers, const struct answer *answer, bool changed);
/* NULL: not there, or a day has passed. Good until the next addition. */
const struct answer *answers_find(const struct answers *answers, const unsigned char key[ANSWER_KEY_BYTES],
				  int64_t now_ms);
uint32_t answers_count(const struct answers *answers);

/* What has come (answer) or gone (NULL) since the last time, each key once. */
typedef void answers_row_fn(void *context, const unsigned char key[ANSWER_KEY_BYTES], const struct answer *answer);
void answers_take_changes(struct answers *answers, answers_row_fn *add, void *context);

#endif
