#include "rules/wider.h"

#include "base/hash.h"

enum {
	KEYS_MAX = 8,		   /* values of one test that a sibling is kept under */
	STEPS_PAIR = 2000,	   /* of one comparison */
	KEY_TEXT = TRIB_FACTS,	   /* beside facts: a hash of the condition as written */
	KEY_TAG = TRIB_FACTS + 1,
};

struct entry {
	uint64_t key;
	uint32_t place, next; /* next: index + 1 of the next entry of the bucket, 0: none */
};

struct bucket {
	uint32_t first, count;
};

struct sibling {
	const struct cond *cond;
	struct trib_bytes when;
	trib_fact_set needs; /* of those without a key: facts that another's tests must ask for */
	bool scheduled;
};

struct wider {
	struct sibling *siblings; /* by place */
	struct bucket *buckets;
	uint32_t mask;
	struct entry *entries;
	uint32_t entry_count, entry_capacity;
	uint32_t *others; /* places of those without a key, ascending */
	uint32_t other_count;
};

struct wider *wider_new(uint32_t siblings)
{
	struct wider *wider = trib_alloc_zeroed(1, sizeof(*wider));
	uint32_t size = 16;

	while (size < 2 * siblings)
		size *= 2;
	wider->siblings = trib_alloc(siblings * sizeof(*wider->siblings) + 1);
	wider->others = trib_alloc(siblings * sizeof(*wider->others) + 1);
	wider->buckets = trib_alloc_zeroed(size, sizeof(*wider->buckets));
	wider->mask = size - 1;
	return wider;
}

void wider_free(struct wider *wider)
{
	if (!wider)
		return;
	free(wider->siblings);
	free(wider->others);
	free(wider->buckets);
	free(wider->entries);
	free(wider);
}

static uint64_t key_of(uint32_t of, int64_t value)
{
	return trib_hash_u64(trib_hash_u64((uint64_t)value) + of);
}

static struct bucket *bucket_of(const struct wider *wider, uint64_t key)
{
	return &wider->buckets[key & wider->mask];
}

static void add_entry(struct wider *wider, uint64_t key, uint32_t place)
{
	struct bucket *bucket = bucket_of(wider, key);

	if (wider->entry_count == wider->entry_capacity) {
		wider->entry_capacity = wider->entry_capacity ? wider->entry_capacity * 2 : 64;
		wider->entries =
			trib_realloc(wider->entries, wider->entry_capacity * sizeof(*wider->entries));
	}
	wider->entries[wider->entry_count] = (struct entry){ key, place, bucket->first };
	bucket->first = ++wider->entry_count;
	bucket->count++;
}

/* ---- What a sibling is kept under ------------------------------------------------------------------------ */

/* A test for at most KEYS_MAX values? */
static bool has_few(const struct cond *cond)
{
	uint64_t size = 0;

	if (cond->kind == COND_TAG)
		return !cond->negated;
	if (cond->kind != COND_SET || cond->set.count > KEYS_MAX)
		return false;
	for (uint32_t i = 0; i < cond->set.count; i++) {
		uint64_t more = (uint64_t)cond->set.ranges[i].hi - (uint64_t)cond->set.ranges[i].lo;

		if (more >= KEYS_MAX)
			return false;
		size += more + 1;
	}
	return size <= KEYS_MAX;
}

static uint32_t kind_of_key(const struct cond *test)
{
	return test->kind == COND_TAG ? (uint32_t)KEY_TAG : test->fact;
}

/* How many siblings are kept under the same values already: the fewer, the better the test tells. */
static uint64_t crowd(const struct wider *wider, const struct cond *test)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < test->set.count; i++)
		for (int64_t v = test->set.ranges[i].lo;; v++) {
			count += 1 + bucket_of(wider, key_of(kind_of_key(test), v))->count;
			if (v == test->set.ranges[i].hi)
				break;
		}
	return count;
}

/* The test to keep a condition without OR under; NULL: it has none. */
static const struct cond *key_test(const struct wider *wider, const struct cond *cond)
{
	const struct cond *best = NULL;
	uint64_t least = UINT64_MAX;

	if (cond->kind != COND_AND)
		return has_few(cond) ? cond : NULL;
	for (uint32_t i = 0; i < cond->count; i++)
		if (has_few(cond->args[i]) && crowd(wider, cond->args[i]) < least) {
			best = cond->args[i];
			least = crowd(wider, best);
		}
	return best;
}

/* Recurses into ORs only, which nest no deeper than conditions do. */
static bool has_keys(const struct wider *wider, const struct cond *cond)
{
	if (cond->kind != COND_OR)
		return key_test(wider, cond);
	for (uint32_t i = 0; i < cond->count; i++)
		if (!has_keys(wider, cond->args[i]))
			return false;
	return true;
}

/* What implies an OR may imply any of its parts. */
static void add_keys(struct wider *wider, const struct cond *cond, uint32_t place)
{
	const struct cond *test;

	for (uint32_t i = 0; cond->kind == COND_OR && i < cond->count; i++)
		add_keys(wider, cond->args[i], place);
	if (cond->kind == COND_OR)
		return;
	test = key_test(wider, cond);
	for (uint32_t i = 0; i < test->set.count; i++)
		for (int64_t v = test->set.ranges[i].lo;; v++) {
			add_entry(wider, key_of(kind_of_key(test), v), place);
			if (v == test->set.ranges[i].hi)
				break;
		}
}

/* Facts whose values each part of an AND asks for: only what asks for all of them implies it. */
static trib_fact_set needs_of(const struct cond *cond)
{
	trib_fact_set facts = 0;

	if (cond->kind == COND_SET)
		return TRIB_FACT_BIT(cond->fact);
	for (uint32_t i = 0; cond->kind == COND_AND && i < cond->count; i++)
		if (cond->args[i]->kind == COND_SET)
			facts |= TRIB_FACT_BIT(cond->args[i]->fact);
	return facts;
}

void wider_add(struct wider *wider, uint32_t place, const struct cond *cond, struct trib_bytes when, bool scheduled)
{
	wider->siblings[place] = (struct sibling){ .cond = cond, .when = when, .scheduled = scheduled };
	if (when.size && !scheduled)
		add_entry(wider, key_of(KEY_TEXT, (int64_t)trib_hash_bytes(when)), place);
	if (cond->kind == COND_NEVER)
		return;
	if (has_keys(wider, cond)) {
		add_keys(wider, cond, place);
		return;
	}
	wider->siblings[place].needs = needs_of(cond);
	wider->others[wider->other_count++] = place;
}

/* ---- Finding --------------------------------------------------------------------------------------------- */

struct search {
	const struct wider *wider;
	const struct cond *cond;
	struct trib_bytes when;
	uint32_t *steps;
	int64_t found; /* the first so far, -1: none */
};

static bool takes_all(struct search *search, uint32_t place)
{
	const struct sibling *sibling = &search->wider->siblings[place];
	uint32_t steps = TRIB_MIN(*search->steps, (uint32_t)STEPS_PAIR), given = steps;

	if (!sibling->scheduled && trib_bytes_equal(sibling->when, search->when))
		return true;
	bool implies = condition_implies(search->cond, sibling->cond, &steps);

	*search->steps -= given - steps;
	return implies;
}

static void look_under(struct search *search, uint64_t key)
{
	const struct wider *wider = search->wider;

	for (uint32_t next = bucket_of(wider, key)->first; next; next = wider->entries[next - 1].next) {
		const struct entry *entry = &wider->entries[next - 1];

		if (entry->key == key && (search->found < 0 || entry->place < search->found) &&
		    takes_all(search, entry->place))
			search->found = entry->place;
	}
}

/* Under each test that may imply another's; of an OR its first part does, like all others. */
static void look_for(struct search *search, const struct cond *cond)
{
	if (cond->kind == COND_OR) {
		look_for(search, cond->args[0]);
	} else if (cond->kind == COND_AND) {
		for (uint32_t i = 0; i < cond->count; i++)
			look_for(search, cond->args[i]);
	} else if ((cond->kind == COND_SET || cond->kind == COND_TAG) && cond->set.count) {
		look_under(search, key_of(kind_of_key(cond), cond->set.ranges[0].lo));
	}
}

/* All facts whose values are asked for anywhere in it. */
static trib_fact_set tests_of(const struct cond *cond)
{
	trib_fact_set facts = cond->kind == COND_SET ? TRIB_FACT_BIT(cond->fact) : 0;

	for (uint32_t i = 0; (cond->kind == COND_AND || cond->kind == COND_OR) && i < cond->count; i++)
		facts |= tests_of(cond->args[i]);
	return facts;
}

int64_t wider_find(const struct wider *wider, const struct cond *cond, struct trib_bytes when, uint32_t *steps)
{
	struct search search = { wider, cond, when, steps, -1 };
	trib_fact_set tests = tests_of(cond);

	if (when.size)
		look_under(&search, key_of(KEY_TEXT, (int64_t)trib_hash_bytes(when)));
	look_for(&search, cond);
	for (uint32_t i = 0; i < wider->other_count && *steps; i++) {
		uint32_t place = wider->others[i];

		if (search.found >= 0 && place > search.found)
			break;
		if (!(wider->siblings[place].needs & ~tests) && takes_all(&search, place))
			search.found = place;
	}
	return search.found;
}
