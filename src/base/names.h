/*
 * Names: strings seen from outside, each with a small dense number (1, 2, 3, …; 0 is "none").
 * It serves external ids (party "c1" → 17) and dictionary codes of facts (category "beauty" → 4).
 *
 * The table hashes with a secret key, because outsiders choose the strings. Memory comes from the heap
 * and is never given back before _fini. One writer; readers on other threads need a lock of their own.
 */
#ifndef TRIB_BASE_NAMES_H
#define TRIB_BASE_NAMES_H

#include "base/hash.h"

struct trib_names;

struct trib_names *trib_names_new(const struct trib_hash_key *key);
void trib_names_free(struct trib_names *names);

/* The number of text, 0 if it was never added. */
uint32_t trib_names_find(const struct trib_names *names, struct trib_bytes text);

/* The number of text, added if it is new. */
uint32_t trib_names_add(struct trib_names *names, struct trib_bytes text);

/* The text of a number from 1 to count; valid as long as the table. */
struct trib_bytes trib_names_text(const struct trib_names *names, uint32_t number);
uint32_t trib_names_count(const struct trib_names *names);

/* A batch of look-ups in two steps: prefetch each hash, then find with it. */
uint64_t trib_names_hash(const struct trib_names *names, struct trib_bytes text);
void trib_names_prefetch(const struct trib_names *names, uint64_t hash);
uint32_t trib_names_find_hashed(const struct trib_names *names, struct trib_bytes text, uint64_t hash);

#endif
