/*
 * Where each user's block stands: user → unit, 8 bytes a slot. Private to the room.
 *
 * 1,024 tables, each with linear probing and a size of its own, so that growing one never takes long. A slot bears
 * 27 bits of the user's hash, which say both where it wants to stand and, nearly always, whose it is; the block
 * itself, whose first 8 bytes are the user, decides.
 *
 *	hash of the user:  table (10 bits) | tag (27 bits) | not used (27 bits)
 *	slot:              tag (27 bits) | unit (37 bits); 0: empty
 */
#ifndef TRIB_ATTRIBUTION_USER_INDEX_H
#define TRIB_ATTRIBUTION_USER_INDEX_H

#include "attribution/blocks.h"

enum { TRIB_USER_TABLE_BITS = 10, TRIB_USER_TABLES = 1 << TRIB_USER_TABLE_BITS };

struct trib_user_table {
	uint64_t *slots;
	uint32_t count;
	uint32_t bits; /* 2^bits slots */
};

struct trib_user_index {
	const struct trib_blocks *blocks;
	struct trib_user_table tables[TRIB_USER_TABLES];
	size_t bytes, count;
};

/* Walks over all users, a slot at a time; what is removed or added meanwhile may be seen or not. */
struct trib_user_hand {
	uint32_t table, slot;
};

void trib_user_index_init(struct trib_user_index *index, const struct trib_blocks *blocks);
void trib_user_index_fini(struct trib_user_index *index);

void trib_user_index_prefetch(const struct trib_user_index *index, uint64_t user);

/* The unit of the first slot that may be the user's, without a look at the block; 0: none. */
uint64_t trib_user_index_guess(const struct trib_user_index *index, uint64_t user);

/* The user's unit; 0: none. */
uint64_t trib_user_index_find(const struct trib_user_index *index, uint64_t user);

/* How many bytes adding this user would take now: mostly none. */
size_t trib_user_index_growth(const struct trib_user_index *index, uint64_t user);

/* The user is not there yet. */
void trib_user_index_add(struct trib_user_index *index, uint64_t user, uint64_t unit);
/* The user is there, at this unit. */
void trib_user_index_move(struct trib_user_index *index, uint64_t user, uint64_t from, uint64_t to);
void trib_user_index_remove(struct trib_user_index *index, uint64_t user, uint64_t unit);

/* A hand at the first slot of the user's table. */
struct trib_user_hand trib_user_index_beside(uint64_t user);

/* The unit under the hand (0: an empty slot), which goes on to the next slot and after the last to the first. */
uint64_t trib_user_index_next(const struct trib_user_index *index, struct trib_user_hand *hand);

/* Counts are right and every slot can be found; else false and the first reason. */
bool trib_user_index_validate(const struct trib_user_index *index, const char **ret_reason);

#endif
