#include "engine/answers.h"

enum { BUCKETS = 1 << 16 };

struct entry {
	struct answer answer;
	struct entry *next;	  /* of the same bucket */
	struct entry *younger; /* by age */
	bool changed;
};

struct answers {
	struct entry *buckets[BUCKETS];
	struct entry *oldest, *youngest;
	uint32_t count, count_max;
	size_t bytes, bytes_max;
	unsigned char (*gone)[ANSWER_KEY_BYTES]; /* that the store may have */
	size_t gone_count, gone_capacity;
};

struct answers *answers_new(uint32_t count_max, size_t bytes_max)
{
	struct answers *answers = trib_alloc_zeroed(1, sizeof(*answers));

	answers->count_max = count_max;
	answers->bytes_max = bytes_max;
	return answers;
}

static struct entry **bucket_of(struct answers *answers, const unsigned char key[ANSWER_KEY_BYTES])
{
	uint16_t hash;

	memcpy(&hash, key, sizeof(hash)); /* keys are hashes */
	return &answers->buckets[hash];
}

static struct entry *find(const struct answers *answers, const unsigned char key[ANSWER_KEY_BYTES])
{
	struct entry *entry = *bucket_of((struct answers *)answers, key);

	while (entry && memcmp(entry->answer.key, key, ANSWER_KEY_BYTES) != 0)
		entry = entry->next;
	return entry;
}

static void note_gone(struct answers *answers, const unsigned char key[ANSWER_KEY_BYTES])
{
	if (answers->gone_count == answers->gone_capacity) {
		answers->gone_capacity = answers->gone_capacity ? answers->gone_capacity * 2 : 64;
		answers->gone = trib_realloc(answers->gone, answers->gone_capacity * sizeof(*answers->gone));
	}
	memcpy(answers->gone[answers->gone_count++], key, ANSWER_KEY_BYTES);
}

static void drop_oldest(struct answers *answers)
{
	struct entry *entry = answers->oldest, **link = bucket_of(answers, entry->answer.key);

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	answers->oldest = entry->younger;
	if (!answers->oldest)
		answers->youngest = NULL;
	answers->count--;
	answers->bytes -= entry->answer.body.size;
	if (!entry->changed)
		note_gone(answers, entry->answer.key);
	free(entry);
}

void answers_free(struct answers *answers)
{
	if (!answers)
		return;
	while (answers->oldest)
		drop_oldest(answers);
	free(answers->gone);
	free(answers);
}

void answers_add(struct answers *answers, const struct answer *answer, bool changed)
{
	struct entry *entry, **bucket;

	/* First: a key that a day has let go may come again before anything else does. */
	while (answers->oldest && (answers->count >= answers->count_max ||
				   answers->bytes + answer->body.size > answers->bytes_max ||
				   answer->at_ms - answers->oldest->answer.at_ms >= ANSWER_KEPT_MS))
		drop_oldest(answers);
	if (find(answers, answer->key))
		return; /* no decision keeps a second one */
	entry = trib_alloc(sizeof(*entry) + answer->body.size + 1);
	*entry = (struct entry){ .answer = *answer, .changed = changed };
	if (answer->body.size)
		memcpy(entry + 1, answer->body.data, answer->body.size);
	entry->answer.body.data = (const char *)(entry + 1);
	bucket = bucket_of(answers, answer->key);
	entry->next = *bucket;
	*bucket = entry;
	if (answers->youngest)
		answers->youngest->younger = entry;
	else
		answers->oldest = entry;
	answers->youngest = entry;
	answers->count++;
	answers->bytes += answer->body.size;
}

const struct answer *answers_find(const struct answers *answers, const unsigned char key[ANSWER_KEY_BYTES],
				  int64_t now_ms)
{
	const struct entry *entry = find(answers, key);

	return entry && now_ms - entry->answer.at_ms < ANSWER_KEPT_MS ? &entry->answer : NULL;
}

uint32_t answers_count(const struct answers *answers)
{
	return answers->count;
}

void answers_take_changes(struct answers *answers, answers_row_fn *add, void *context)
{
	for (size_t i = 0; i < answers->gone_count; i++)
		if (!find(answers, answers->gone[i])) /* else the row is written anew below */
			add(context, answers->gone[i], NULL);
	answers->gone_count = 0;
	for (struct entry *entry = answers->oldest; entry; entry = entry->younger) {
		if (entry->changed)
			add(context, entry->answer.key, &entry->answer);
		entry->changed = false;
	}
}
