/*
 * Block lists: who or what is not dealt with until a time. Found by kind and key, whatever the number of blocks.
 */
#include "domain/private.h"

static const char *const kind_words[TRIB_BLOCK_KINDS] = {
#define X(name, number, word) [number] = word,
	TRIB_BLOCK_KIND_TABLE(X)
#undef X
};

enum trib_block_kind trib_block_kind_of(const char *word)
{
	for (int kind = 1; word && kind < TRIB_BLOCK_KINDS; kind++)
		if (strcmp(word, kind_words[kind]) == 0)
			return (enum trib_block_kind)kind;
	return (enum trib_block_kind)0;
}

const char *trib_block_kind_word(enum trib_block_kind kind)
{
	return (size_t)kind < TRIB_ARRAY_SIZE(kind_words) ? kind_words[kind] : NULL;
}

/* Where a block stands among the pairs: kinds do not meet. */
static uint64_t place_of(uint8_t kind, uint64_t key)
{
	return trib_hash_u64(key) + kind;
}

static uint64_t key_of_text(const struct trib_domain *domain, struct trib_bytes text)
{
	return trib_hash_keyed(text, &domain->table_key);
}

bool trib_domain_has_blocks(const struct trib_domain *domain, enum trib_block_kind kind)
{
	return domain->blocks_of_kind[kind] > 0;
}

uint32_t trib_domain_blocked(const struct trib_domain *domain, enum trib_block_kind kind,
			     uint64_t key, int64_t at_ms)
{
	uint64_t place = place_of(kind, key);
	uint32_t slot = 0, number, found = 0;

	if (!trib_domain_has_blocks(domain, kind))
		return 0;
	while ((number = trib_pairs_next(&domain->blocked, place, &slot))) {
		const struct trib_block *block = trib_domain_block(domain, number);

		if (block->kind == kind && block->key == key && at_ms < block->until_ms &&
		    (!found || number < found))
			found = number;
	}
	return found;
}

uint32_t trib_domain_blocked_text(const struct trib_domain *domain, enum trib_block_kind kind,
				  struct trib_bytes value, int64_t at_ms)
{
	if (!trib_domain_has_blocks(domain, kind))
		return 0;
	return trib_domain_blocked(domain, kind, key_of_text(domain, value), at_ms);
}

/* False where the event's block cannot be. */
static bool read_block(const struct trib_domain *domain, const Tributary__BlockPut *put,
		       struct trib_block *block)
{
	const Tributary__Block *said = put->block;
	struct trib_bytes value = trib_text(said->value ? said->value : "");
	bool known = true;

	block->version = put->version;
	block->kind = (uint8_t)trib_block_kind_of(said->kind);
	block->status = trib_word_of_status(TRIB_NOUN_BLOCK, said->status);
	block->until_ms = TRIB_STATED(said, until) ? said->until : INT64_MAX;
	switch (block->kind) {
	case 0:
		return false;
	case TRIB_BLOCK_USER:
		block->key = put->user_hash;
		return block->status && put->has_user_hash;
	case TRIB_BLOCK_CREATOR:
		block->key = trib_fold_reference(domain, TRIB_NOUN_PARTY, said->value, &known);
		break;
	case TRIB_BLOCK_GOODS:
		block->key = trib_fold_reference(domain, TRIB_NOUN_GOODS, said->value, &known);
		break;
	default:
		block->key = key_of_text(domain, value);
	}
	return block->status && value.size > 0 && known;
}

static void list(struct trib_domain *domain, uint32_t number, const struct trib_block *block)
{
	if (block->status != TRIB_WORD_ACTIVE)
		return;
	trib_pairs_add(&domain->blocked, place_of(block->kind, block->key), number);
	domain->blocks_of_kind[block->kind]++;
}

static void unlist(struct trib_domain *domain, uint32_t number, const struct trib_block *block)
{
	if (block->status != TRIB_WORD_ACTIVE)
		return;
	trib_pairs_remove(&domain->blocked, place_of(block->kind, block->key), number);
	domain->blocks_of_kind[block->kind]--;
}

trib_status trib_fold_block(struct trib_domain *domain, const Tributary__BlockPut *put,
			    struct trib_record *record, struct trib_error *error)
{
	struct trib_block now = { 0 };
	trib_status status = trib_fold_begin(domain, TRIB_NOUN_BLOCK, put->number, put->version,
					     put->block ? put->block->id : NULL, error);

	if (status != TRIB_OK)
		return status;
	if (!read_block(domain, put, &now))
		return trib_fold_refuse(error, TRIB_NOUN_BLOCK, put->number,
					"found a kind, a status or a value that cannot be");
	if (put->number <= trib_domain_count(domain, TRIB_NOUN_BLOCK))
		unlist(domain, put->number, trib_domain_block(domain, put->number));
	trib_fold_enter(domain, TRIB_NOUN_BLOCK, put->number, put->version, put->block->id,
			&put->base, record);
	((struct trib_block *)domain->columns[TRIB_NOUN_BLOCK].data)[put->number] = now;
	list(domain, put->number, &now);
	return TRIB_OK;
}
