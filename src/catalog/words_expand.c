#include "catalog/words_expand.h"

#include "base/hash.h"
#include "catalog/words_analysis.h"
#include "catalog/words_pinyin.h"

enum {
	KEEP = 4,	     /* alternatives of one kind for one word */
	CHARACTERS_MAX = 16, /* of a word that is thought to be mistyped */
	DELETES_MAX = 1 + CHARACTERS_MAX + CHARACTERS_MAX * (CHARACTERS_MAX - 1) / 2,
};

enum key_kind { WRITTEN, PINYIN, INITIALS };

struct known {
	uint32_t text, size; /* as added, in texts */
	uint32_t folded, folded_size;
	uint64_t weight;
};

/* Ways to spell the known words, sorted by their bytes. */
struct key {
	uint32_t text, size;
	uint32_t known : 30, kind : 2;
};

struct deleted {
	uint32_t hash, known;
};

struct synonym {
	uint32_t from, from_size; /* folded, in texts */
	uint32_t to, to_size;
};

struct trib_words_vocabulary {
	struct trib_buffer texts;
	struct known *known;
	struct key *keys;
	struct deleted *deleted;
	struct synonym *synonyms;
	size_t known_count, known_capacity, key_count, deleted_count, deleted_capacity,
		synonym_count, synonym_capacity;
	bool sealed;
};

/* Room for one more; grows by doubling. */
static void *grown(void *array, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return array;
	*capacity = *capacity * 2 + 64;
	return trib_realloc(array, *capacity * size);
}

struct trib_words_vocabulary *trib_words_vocabulary_new(void)
{
	struct trib_words_vocabulary *vocabulary = trib_alloc_zeroed(1, sizeof(*vocabulary));

	trib_buffer_init(&vocabulary->texts, UINT32_MAX);
	trib_buffer_reserve(&vocabulary->texts, 1); /* so that an empty text is somewhere */
	return vocabulary;
}

void trib_words_vocabulary_free(struct trib_words_vocabulary *vocabulary)
{
	if (!vocabulary)
		return;
	trib_buffer_fini(&vocabulary->texts);
	free(vocabulary->known);
	free(vocabulary->keys);
	free(vocabulary->deleted);
	free(vocabulary->synonyms);
	free(vocabulary);
}

static struct trib_bytes text_at(const struct trib_words_vocabulary *vocabulary, uint32_t at,
				 uint32_t size)
{
	return trib_bytes(vocabulary->texts.data + at, size);
}

static uint32_t text_add(struct trib_words_vocabulary *vocabulary, struct trib_bytes text)
{
	size_t at = vocabulary->texts.size;

	trib_buffer_add_bytes(&vocabulary->texts, text);
	trib_assert(!vocabulary->texts.failed); /* the limits keep it far below */
	return (uint32_t)at;
}

/* Folded; empty where nothing is left or it is too long. */
static struct trib_bytes folded_text(struct trib_bytes text, struct trib_buffer *buffer)
{
	trib_buffer_reset(buffer);
	if (text.size <= TRIB_LIMIT_WORDS_KNOWN_BYTES)
		trib_words_fold(text, buffer);
	return buffer->failed ? trib_bytes("", 0) : trib_buffer_bytes(buffer);
}

bool trib_words_vocabulary_add(struct trib_words_vocabulary *vocabulary, struct trib_bytes text,
			       uint64_t weight)
{
	struct trib_buffer buffer;
	struct known known = { .weight = weight };

	trib_assert(!vocabulary->sealed);
	trib_buffer_init(&buffer, TRIB_LIMIT_WORDS_KNOWN_BYTES);
	struct trib_bytes folded = folded_text(text, &buffer);
	bool taken = folded.size > 0 && vocabulary->known_count < TRIB_LIMIT_WORDS_KNOWN;

	if (taken) {
		known.text = text_add(vocabulary, text);
		known.size = (uint32_t)text.size;
		known.folded = text_add(vocabulary, folded);
		known.folded_size = (uint32_t)folded.size;
		vocabulary->known = grown(vocabulary->known, vocabulary->known_count,
					  &vocabulary->known_capacity, sizeof(known));
		vocabulary->known[vocabulary->known_count++] = known;
	}
	trib_buffer_fini(&buffer);
	return taken;
}

/* Trims, folds; the text's place, or failure. */
static trib_status synonym_text(struct trib_words_vocabulary *vocabulary, struct trib_bytes text,
				unsigned line, uint32_t *ret_at, uint32_t *ret_size,
				struct trib_error *error)
{
	struct trib_buffer buffer;
	char at[32];

	trib_buffer_init(&buffer, TRIB_LIMIT_WORDS_KNOWN_BYTES);
	struct trib_bytes folded = folded_text(text, &buffer);

	*ret_at = text_add(vocabulary, folded);
	*ret_size = (uint32_t)folded.size;
	trib_buffer_fini(&buffer);
	snprintf(at, sizeof(at), "line %u", line);
	if (*ret_size == 0)
		return trib_fail(error, TRIB_SYNTAX, at,
				 "expected words of at most %d bytes by commas",
				 TRIB_LIMIT_WORDS_KNOWN_BYTES);
	return TRIB_OK;
}

enum { SYNONYMS_A_LINE = 16 };

struct synonym_side {
	uint32_t at[SYNONYMS_A_LINE], size[SYNONYMS_A_LINE], count;
};

static trib_status read_side(struct trib_words_vocabulary *vocabulary, struct trib_bytes text,
			     unsigned line, struct synonym_side *side, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (size_t begin = 0, end = 0; status == TRIB_OK && end <= text.size; end++) {
		if (end < text.size && text.data[end] != ',')
			continue;
		if (side->count == SYNONYMS_A_LINE) {
			char at[32];

			snprintf(at, sizeof(at), "line %u", line);
			return trib_fail(error, TRIB_LIMIT, at, "expected at most %d words",
					 SYNONYMS_A_LINE);
		}
		status = synonym_text(vocabulary, trib_bytes(text.data + begin, end - begin), line,
				      &side->at[side->count], &side->size[side->count], error);
		side->count++;
		begin = end + 1;
	}
	return status;
}

static void add_synonym(struct trib_words_vocabulary *vocabulary, const struct synonym_side *from,
			uint32_t f, const struct synonym_side *to, uint32_t t)
{
	if (trib_bytes_equal(text_at(vocabulary, from->at[f], from->size[f]),
			     text_at(vocabulary, to->at[t], to->size[t])))
		return;
	vocabulary->synonyms = grown(vocabulary->synonyms, vocabulary->synonym_count,
				     &vocabulary->synonym_capacity, sizeof(*vocabulary->synonyms));
	vocabulary->synonyms[vocabulary->synonym_count++] =
		(struct synonym){ .from = from->at[f],
				  .from_size = from->size[f],
				  .to = to->at[t],
				  .to_size = to->size[t] };
}

static trib_status synonym_line(struct trib_words_vocabulary *vocabulary, struct trib_bytes text,
				unsigned line, struct trib_error *error)
{
	struct synonym_side from = { 0 }, to = { 0 };
	const char *comment = memchr(text.data, '#', text.size);
	const char *arrow;
	trib_status status;

	text.size = comment ? (size_t)(comment - text.data) : text.size;
	while (text.size > 0 && strchr(" \t\r", text.data[text.size - 1]))
		text.size--;
	if (text.size == 0)
		return TRIB_OK;
	arrow = memmem(text.data, text.size, "=>", 2);
	if (!arrow) {
		status = read_side(vocabulary, text, line, &from, error);
		to = from;
	} else {
		size_t before = (size_t)(arrow - text.data);

		status = read_side(vocabulary, trib_bytes(text.data, before), line, &from, error);
		if (status == TRIB_OK)
			status =
				read_side(vocabulary, trib_bytes(arrow + 2, text.size - before - 2),
					  line, &to, error);
	}
	for (uint32_t f = 0; f < from.count && status == TRIB_OK; f++)
		for (uint32_t t = 0; t < to.count; t++)
			add_synonym(vocabulary, &from, f, &to, t);
	return status;
}

trib_status trib_words_vocabulary_synonyms(struct trib_words_vocabulary *vocabulary,
					   struct trib_bytes file, struct trib_error *error)
{
	size_t before = vocabulary->synonym_count;
	trib_status status = TRIB_OK;
	unsigned line = 1;

	trib_assert(!vocabulary->sealed);
	if (file.size > TRIB_LIMIT_WORDS_SYNONYM_BYTES)
		return trib_fail(error, TRIB_TOO_LARGE, "synonyms",
				 "found %zu bytes, expected at most %d", file.size,
				 TRIB_LIMIT_WORDS_SYNONYM_BYTES);
	for (size_t begin = 0; begin < file.size && status == TRIB_OK; line++) {
		const char *end = memchr(file.data + begin, '\n', file.size - begin);
		size_t size = end ? (size_t)(end - file.data) - begin : file.size - begin;

		status = synonym_line(vocabulary, trib_bytes(file.data + begin, size), line, error);
		begin += size + 1;
	}
	if (status != TRIB_OK)
		vocabulary->synonym_count = before;
	return status;
}

static int compare_texts(const struct trib_words_vocabulary *vocabulary, uint32_t a,
			 uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return trib_bytes_compare(text_at(vocabulary, a, a_size), text_at(vocabulary, b, b_size));
}

static int compare_known(const void *a, const void *b, void *context)
{
	const struct known *x = a, *y = b;
	int order = compare_texts(context, x->folded, x->folded_size, y->folded, y->folded_size);

	return order ? order : x->text < y->text ? -1 : x->text > y->text;
}

static int compare_keys(const void *a, const void *b, void *context)
{
	const struct key *x = a, *y = b;
	int order = compare_texts(context, x->text, x->size, y->text, y->size);

	return order ? order : x->known < y->known ? -1 : x->known > y->known;
}

static int compare_deleted(const void *a, const void *b)
{
	const struct deleted *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->known < y->known ? -1 : x->known > y->known;
}

static int compare_synonyms(const void *a, const void *b, void *context)
{
	const struct synonym *x = a, *y = b;
	int order = compare_texts(context, x->from, x->from_size, y->from, y->from_size);

	return order ? order : x->to < y->to ? -1 : x->to > y->to;
}

/* The same word added again: one, its weights added. */
static void join_known(struct trib_words_vocabulary *vocabulary)
{
	struct known *known = vocabulary->known;
	size_t kept = 0;

	if (vocabulary->known_count > 0)
		qsort_r(known, vocabulary->known_count, sizeof(*known), compare_known, vocabulary);
	for (size_t i = 0; i < vocabulary->known_count; i++) {
		struct known *last = kept ? &known[kept - 1] : NULL;

		if (last && compare_texts(vocabulary, last->folded, last->folded_size,
					  known[i].folded, known[i].folded_size) == 0)
			last->weight += known[i].weight;
		else
			known[kept++] = known[i];
	}
	vocabulary->known_count = kept;
}

/* The characters of a word; 0 where there are more than are thought to be mistyped. */
static size_t characters_of(struct trib_bytes text, uint32_t ret_characters[CHARACTERS_MAX])
{
	size_t count = 0;

	for (size_t at = 0; at < text.size;) {
		size_t step = trib_utf8_step(trib_bytes(text.data + at, text.size - at));
		uint32_t c = 0;

		if (step == 0 || count == CHARACTERS_MAX)
			return 0;
		memcpy(&c, text.data + at, step); /* whatever it is, it is one to one */
		ret_characters[count++] = c;
		at += step;
	}
	return count;
}

/* How many typing errors are thought of. */
static unsigned errors_of(const uint32_t *characters, size_t count)
{
	bool letters = true;

	for (size_t i = 0; i < count; i++)
		letters = letters && characters[i] < 0x80;
	if (letters)
		return count >= 8 ? 2 : count >= 4;
	return count >= 3;
}

static uint32_t hash_without(const uint32_t *characters, size_t count, size_t a, size_t b)
{
	uint32_t left[CHARACTERS_MAX];
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		if (i != a && i != b)
			left[size++] = characters[i];
	return (uint32_t)trib_hash_bytes(trib_bytes(left, size * sizeof(*left)));
}

/* The word, and what is left of it without one character or, where two errors are thought of, two. */
static size_t deletes_of(const uint32_t *characters, size_t count, unsigned errors,
			 uint32_t ret_hashes[DELETES_MAX])
{
	size_t hashes = 0;

	ret_hashes[hashes++] = hash_without(characters, count, SIZE_MAX, SIZE_MAX);
	for (size_t a = 0; a < count; a++)
		ret_hashes[hashes++] = hash_without(characters, count, a, SIZE_MAX);
	for (size_t a = 0; a < count && errors > 1; a++)
		for (size_t b = a + 1; b < count; b++)
			ret_hashes[hashes++] = hash_without(characters, count, a, b);
	return hashes;
}

static void add_deletes(struct trib_words_vocabulary *vocabulary, uint32_t n)
{
	const struct known *known = &vocabulary->known[n];
	uint32_t characters[CHARACTERS_MAX], hashes[DELETES_MAX];
	size_t count =
		characters_of(text_at(vocabulary, known->folded, known->folded_size), characters);
	/* A query that is one shorter or longer may think of one error more or less. */
	size_t hash_count =
		count >= 2 ? deletes_of(characters, count, count >= 7 ? 2 : 1, hashes) : 0;

	for (size_t i = 0; i < hash_count; i++) {
		vocabulary->deleted =
			grown(vocabulary->deleted, vocabulary->deleted_count,
			      &vocabulary->deleted_capacity, sizeof(*vocabulary->deleted));
		vocabulary->deleted[vocabulary->deleted_count++] = (struct deleted){ hashes[i], n };
	}
}

static void add_keys(struct trib_words_vocabulary *vocabulary, uint32_t n, struct trib_buffer *full,
		     struct trib_buffer *initials)
{
	const struct known *known = &vocabulary->known[n];
	struct key *key = &vocabulary->keys[vocabulary->key_count];

	*key++ = (struct key){
		.text = known->folded, .size = known->folded_size, .known = n, .kind = WRITTEN
	};
	trib_buffer_reset(full);
	trib_buffer_reset(initials);
	if (trib_words_pinyin(text_at(vocabulary, known->folded, known->folded_size), full,
			      initials)) {
		uint32_t at = text_add(vocabulary, trib_buffer_bytes(full));

		*key++ = (struct key){
			.text = at, .size = (uint32_t)full->size, .known = n, .kind = PINYIN
		};
		at = text_add(vocabulary, trib_buffer_bytes(initials));
		*key++ = (struct key){
			.text = at, .size = (uint32_t)initials->size, .known = n, .kind = INITIALS
		};
	}
	vocabulary->key_count = (size_t)(key - vocabulary->keys);
}

void trib_words_vocabulary_seal(struct trib_words_vocabulary *vocabulary)
{
	struct trib_buffer full, initials;

	trib_assert(!vocabulary->sealed);
	vocabulary->sealed = true;
	join_known(vocabulary);
	trib_buffer_init(&full, TRIB_LIMIT_WORDS_KNOWN_BYTES * 8);
	trib_buffer_init(&initials, TRIB_LIMIT_WORDS_KNOWN_BYTES * 8);
	vocabulary->keys =
		trib_alloc((vocabulary->known_count * 3 + 1) * sizeof(*vocabulary->keys));
	for (size_t n = 0; n < vocabulary->known_count; n++) {
		add_keys(vocabulary, (uint32_t)n, &full, &initials);
		add_deletes(vocabulary, (uint32_t)n);
	}
	trib_buffer_fini(&full);
	trib_buffer_fini(&initials);
	if (vocabulary->key_count > 0)
		qsort_r(vocabulary->keys, vocabulary->key_count, sizeof(*vocabulary->keys),
			compare_keys, vocabulary);
	if (vocabulary->deleted_count > 0)
		qsort(vocabulary->deleted, vocabulary->deleted_count, sizeof(*vocabulary->deleted),
		      compare_deleted);
	if (vocabulary->synonym_count > 0)
		qsort_r(vocabulary->synonyms, vocabulary->synonym_count,
			sizeof(*vocabulary->synonyms), compare_synonyms, vocabulary);
}

/* The first key that is not before the text. */
static size_t key_from(const struct trib_words_vocabulary *vocabulary, struct trib_bytes text)
{
	size_t low = 0, high = vocabulary->key_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct key *key = &vocabulary->keys[middle];

		if (trib_bytes_compare(text_at(vocabulary, key->text, key->size), text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The heaviest of what was offered, each once. */
struct chosen {
	uint32_t known[64];
	uint64_t weight[64];
	size_t count, max;
};

static void offer(struct chosen *chosen, uint32_t known, uint64_t weight)
{
	size_t at;

	for (at = 0; at < chosen->count; at++)
		if (chosen->known[at] == known)
			return;
	if (chosen->count < chosen->max)
		chosen->count++;
	else if (chosen->weight[chosen->count - 1] >= weight)
		return;
	for (at = chosen->count - 1; at > 0 && chosen->weight[at - 1] < weight; at--) {
		chosen->known[at] = chosen->known[at - 1];
		chosen->weight[at] = chosen->weight[at - 1];
	}
	chosen->known[at] = known;
	chosen->weight[at] = weight;
}

size_t trib_words_complete(const struct trib_words_vocabulary *vocabulary, struct trib_bytes prefix,
			   size_t max, struct trib_words_completion *ret_completions)
{
	struct chosen chosen = { .max = TRIB_MIN(max, TRIB_ARRAY_SIZE(chosen.known)) };
	struct trib_buffer buffer;

	trib_assert(vocabulary->sealed);
	trib_buffer_init(&buffer, TRIB_LIMIT_WORDS_KNOWN_BYTES);
	struct trib_bytes folded = folded_text(prefix, &buffer);

	for (size_t i = key_from(vocabulary, folded);
	     i < vocabulary->key_count && folded.size > 0 && chosen.max > 0; i++) {
		const struct key *key = &vocabulary->keys[i];

		if (key->size < folded.size ||
		    memcmp(vocabulary->texts.data + key->text, folded.data, folded.size) != 0)
			break;
		offer(&chosen, key->known, vocabulary->known[key->known].weight);
	}
	for (size_t i = 0; i < chosen.count; i++) {
		const struct known *known = &vocabulary->known[chosen.known[i]];

		ret_completions[i] = (struct trib_words_completion){
			text_at(vocabulary, known->text, known->size), known->weight
		};
	}
	trib_buffer_fini(&buffer);
	return chosen.count;
}

static bool key_is(const struct trib_words_vocabulary *vocabulary, size_t i, struct trib_bytes text)
{
	return i < vocabulary->key_count &&
	       trib_bytes_equal(
		       text_at(vocabulary, vocabulary->keys[i].text, vocabulary->keys[i].size),
		       text);
}

static bool is_known(const struct trib_words_vocabulary *vocabulary, struct trib_bytes text)
{
	for (size_t i = key_from(vocabulary, text); key_is(vocabulary, i, text); i++)
		if (vocabulary->keys[i].kind == WRITTEN)
			return true;
	return false;
}

/* Optimal string alignment; more than 2 is 3. */
static unsigned distance_of(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	unsigned rows[3][CHARACTERS_MAX + 1];

	for (size_t j = 0; j <= b_count; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_count; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3],
			 *before = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_count; j++) {
			unsigned least = above[j - 1] + (a[i - 1] != b[j - 1]);

			least = TRIB_MIN(least, TRIB_MIN(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				least = TRIB_MIN(least, before[j - 2] + 1);
			row[j] = least;
		}
	}
	return TRIB_MIN(rows[a_count % 3][b_count], 3u);
}

/* Words that are one error away, and those that are two; the word itself is not known. */
static void find_typos(const struct trib_words_vocabulary *vocabulary, struct trib_bytes text,
		       struct chosen *one, struct chosen *two)
{
	uint32_t characters[CHARACTERS_MAX], others[CHARACTERS_MAX], hashes[DELETES_MAX];
	size_t count = characters_of(text, characters);
	unsigned errors = errors_of(characters, count);
	size_t hash_count = errors ? deletes_of(characters, count, errors, hashes) : 0;

	for (size_t h = 0; h < hash_count; h++) {
		size_t low = 0, high = vocabulary->deleted_count;

		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (vocabulary->deleted[middle].hash < hashes[h])
				low = middle + 1;
			else
				high = middle;
		}
		for (;
		     low < vocabulary->deleted_count && vocabulary->deleted[low].hash == hashes[h];
		     low++) {
			uint32_t n = vocabulary->deleted[low].known;
			const struct known *known = &vocabulary->known[n];
			size_t other_count = characters_of(
				text_at(vocabulary, known->folded, known->folded_size), others);
			unsigned distance = distance_of(characters, count, others, other_count);

			if (distance <= errors)
				offer(distance <= 1 ? one : two, n, known->weight);
		}
	}
}

/* A query that grows: the words of the old one, each with more alternatives. */
struct grower {
	const struct trib_words_vocabulary *vocabulary;
	struct trib_words_query *query;
	struct trib_words_query found; /* what an alternative's text is as a query */
	struct trib_buffer folded, full, initials;
	uint32_t kept_ways, kept_terms; /* room that the rest of the old query takes */
	bool full_up;
};

static void grow_way(struct grower *grower, uint32_t weight_percent)
{
	struct trib_words_query *query = grower->query;

	if (query->alternative_count + grower->kept_ways >= TRIB_LIMIT_WORDS_QUERY_ALTERNATIVES) {
		grower->full_up = true;
		return;
	}
	query->alternatives[query->alternative_count++] =
		(struct trib_words_alternative){ .weight_percent = weight_percent,
						 .first = query->term_count };
	query->words[query->word_count - 1].count++;
}

static void grow_terms(struct grower *grower, const struct trib_words_query *from,
		       const struct trib_words_alternative *way)
{
	struct trib_words_query *query = grower->query;

	if (grower->full_up ||
	    query->term_count + way->count + grower->kept_terms > TRIB_LIMIT_WORDS_QUERY_TERMS) {
		grower->full_up = true;
		return;
	}
	memcpy(query->terms + query->term_count, from->terms + way->first,
	       way->count * sizeof(*query->terms));
	query->term_count += way->count;
	query->alternatives[query->alternative_count - 1].count += way->count;
}

/* Takes back an alternative that had no room, so that the query stays whole. */
static void drop_unfinished(struct grower *grower, uint32_t alternatives, uint32_t terms)
{
	struct trib_words_query *query = grower->query;

	if (!grower->full_up)
		return;
	query->words[query->word_count - 1].count -= query->alternative_count - alternatives;
	query->alternative_count = alternatives;
	query->term_count = terms;
}

/* Another text as a way to find the word: all its words, each in its first way. */
static void grow_text(struct grower *grower, struct trib_bytes text, uint32_t weight_percent)
{
	struct trib_words_query *found = &grower->found;
	uint32_t alternatives = grower->query->alternative_count, terms = grower->query->term_count;

	if (grower->full_up || trib_words_query_parse(text, TRIB_WORDS_ALL, found, NULL) != TRIB_OK)
		return;
	grow_way(grower, weight_percent);
	for (uint32_t w = 0; w < found->word_count && !grower->full_up; w++)
		grow_terms(grower, found, &found->alternatives[found->words[w].first]);
	drop_unfinished(grower, alternatives, terms);
}

static void grow_chosen(struct grower *grower, const struct chosen *chosen, uint32_t weight_percent)
{
	for (size_t i = 0; i < chosen->count; i++) {
		const struct known *known = &grower->vocabulary->known[chosen->known[i]];

		grow_text(grower, text_at(grower->vocabulary, known->folded, known->folded_size),
			  weight_percent);
	}
}

static void grow_synonyms(struct grower *grower, struct trib_bytes text)
{
	const struct trib_words_vocabulary *vocabulary = grower->vocabulary;
	size_t low = 0, high = vocabulary->synonym_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct synonym *synonym = &vocabulary->synonyms[middle];

		if (trib_bytes_compare(text_at(vocabulary, synonym->from, synonym->from_size),
				       text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < vocabulary->synonym_count; low++) {
		const struct synonym *synonym = &vocabulary->synonyms[low];

		if (!trib_bytes_equal(text_at(vocabulary, synonym->from, synonym->from_size), text))
			return;
		grow_text(grower, text_at(vocabulary, synonym->to, synonym->to_size), 100);
	}
}

/* Words spelt so in pinyin, or by initials. */
static void find_spelt(const struct trib_words_vocabulary *vocabulary, struct trib_bytes letters,
		       struct chosen *full, struct chosen *initials)
{
	for (size_t i = key_from(vocabulary, letters); key_is(vocabulary, i, letters); i++) {
		const struct key *key = &vocabulary->keys[i];
		uint64_t weight = vocabulary->known[key->known].weight;

		if (key->kind == PINYIN)
			offer(full, key->known, weight);
		else if (key->kind == INITIALS && letters.size >= 2)
			offer(initials, key->known, weight);
	}
}

static void grow_word(struct grower *grower, struct trib_bytes text)
{
	const struct trib_words_vocabulary *vocabulary = grower->vocabulary;
	struct chosen full = { .max = KEEP }, initials = { .max = KEEP }, one = { .max = KEEP },
		      two = { .max = KEEP };
	struct trib_bytes folded = folded_text(text, &grower->folded);

	if (folded.size == 0)
		return;
	grow_synonyms(grower, folded);
	if (is_known(vocabulary, folded))
		return;
	trib_buffer_reset(&grower->full);
	trib_buffer_reset(&grower->initials);
	if (trib_words_pinyin(folded, &grower->full, &grower->initials)) {
		find_spelt(vocabulary, trib_buffer_bytes(&grower->full), &full,
			   &(struct chosen){ 0 });
		grow_chosen(grower, &full, 60);
	} else {
		find_spelt(vocabulary, folded, &full, &initials);
		grow_chosen(grower, &full, 80);
		grow_chosen(grower, &initials, 60);
	}
	find_typos(vocabulary, folded, &one, &two);
	grow_chosen(grower, &one, 50);
	grow_chosen(grower, &two, 35);
}

void trib_words_expand(const struct trib_words_vocabulary *vocabulary, struct trib_bytes text,
		       struct trib_words_query *query)
{
	TRIB_AUTOFREE struct trib_words_query *old = trib_alloc(sizeof(*old));
	TRIB_AUTOFREE struct grower *grower = trib_alloc_zeroed(1, sizeof(*grower));

	trib_assert(vocabulary->sealed);
	if (query->mode == TRIB_WORDS_PHRASE)
		return;
	*old = *query;
	grower->vocabulary = vocabulary;
	grower->query = query;
	trib_buffer_init(&grower->folded, TRIB_LIMIT_WORDS_KNOWN_BYTES);
	trib_buffer_init(&grower->full, TRIB_LIMIT_WORDS_KNOWN_BYTES * 8);
	trib_buffer_init(&grower->initials, TRIB_LIMIT_WORDS_KNOWN_BYTES * 8);
	grower->kept_ways = old->alternative_count;
	grower->kept_terms = old->term_count;
	query->word_count = query->alternative_count = query->term_count = 0;
	for (uint32_t w = 0; w < old->word_count; w++) {
		struct trib_words_query_word *word = &query->words[query->word_count++];

		*word = old->words[w];
		word->first = query->alternative_count;
		word->count = 0;
		grower->full_up = false; /* the old words have their room */
		for (uint32_t a = 0; a < old->words[w].count; a++) {
			const struct trib_words_alternative *way =
				&old->alternatives[old->words[w].first + a];

			grower->kept_ways--;
			grower->kept_terms -= way->count;
			grow_way(grower, way->weight_percent);
			grow_terms(grower, old, way);
		}
		if (word->end <= text.size)
			grow_word(grower,
				  trib_bytes(text.data + word->begin, word->end - word->begin));
	}
	trib_buffer_fini(&grower->folded);
	trib_buffer_fini(&grower->full);
	trib_buffer_fini(&grower->initials);
}
