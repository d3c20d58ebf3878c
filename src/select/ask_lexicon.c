/* Names by length: a look-up tries the lengths that there are, the longest first, so it does not depend on how many names there are. */
#include <sodium.h>
#include "base/names.h"
#include "select/ask_private.h"

enum { NAME_BYTES_MAX = 64 };

struct ask_words {
	struct trib_names *names;
	void **places; /* by number */
	uint32_t capacity;
	uint32_t of_length[NAME_BYTES_MAX + 1];
};

struct ask_words *ask_words_new(void)
{
	struct ask_words *words = trib_alloc_zeroed(1, sizeof(*words));
	struct trib_hash_key key;

	randombytes_buf(key.bytes, sizeof(key.bytes));
	words->names = trib_names_new(&key);
	return words;
}

void ask_words_free(struct ask_words *words)
{
	if (!words)
		return;
	trib_names_free(words->names);
	free(words->places);
	free(words);
}

void **ask_words_place(struct ask_words *words, struct trib_bytes name)
{
	if (name.size == 0 || name.size > NAME_BYTES_MAX)
		return NULL;
	uint32_t before = trib_names_count(words->names);
	uint32_t number = trib_names_add(words->names, name);

	if (number >= words->capacity) {
		uint32_t capacity = TRIB_MAX(1024u, 2 * words->capacity);

		words->places = trib_realloc(words->places, capacity * sizeof(*words->places));
		words->capacity = capacity;
	}
	if (number > before) {
		words->places[number] = NULL;
		words->of_length[name.size]++;
	}
	return &words->places[number];
}

static bool ends_here(struct trib_bytes text, size_t size)
{
	return size >= text.size || !ask_is_latin(text.data[size - 1]) ||
	       !ask_is_latin(text.data[size]);
}

bool ask_word_ends(struct trib_bytes text, size_t size, size_t *ret_size)
{
	*ret_size = size;
	if (ends_here(text, size))
		return true;
	/* A plural: "lipsticks", "dresses". */
	char before = text.data[size - 1];

	if (before < 'a' || before > 'z')
		return false;
	for (size_t more = 1; more <= 2 && size + more <= text.size; more++)
		if (text.data[size + more - 1] == 's' && (more == 1 || text.data[size] == 'e') &&
		    ends_here(text, size + more)) {
			*ret_size = size + more;
			return true;
		}
	return false;
}

void *ask_words_find(const struct ask_words *words, struct trib_bytes text, size_t size_max,
		     size_t *ret_size)
{
	for (size_t size = TRIB_MIN(TRIB_MIN(text.size, size_max), (size_t)NAME_BYTES_MAX);
	     size > 0; size--) {
		size_t whole;

		if (!words->of_length[size] || !ask_word_ends(text, size, &whole))
			continue;
		uint32_t number = trib_names_find(words->names, trib_bytes(text.data, size));

		if (number) {
			*ret_size = whole;
			return words->places[number];
		}
	}
	return NULL;
}

/* ---- What a catalog knows ------------------------------------------------------------------------- */

struct entry {
	const char *field;
	uint32_t size;
	char code[];
};

struct trib_ask_lexicon {
	struct ask_words *words;
	struct trib_arena arena;
};

struct trib_ask_lexicon *trib_ask_lexicon_new(void)
{
	struct trib_ask_lexicon *lexicon = trib_alloc_zeroed(1, sizeof(*lexicon));

	lexicon->words = ask_words_new();
	trib_arena_init(&lexicon->arena, SIZE_MAX / 2); /* names are what the catalog has */
	return lexicon;
}

void trib_ask_lexicon_free(struct trib_ask_lexicon *lexicon)
{
	if (!lexicon)
		return;
	ask_words_free(lexicon->words);
	trib_arena_fini(&lexicon->arena);
	free(lexicon);
}

void trib_ask_lexicon_add(struct trib_ask_lexicon *lexicon, struct trib_bytes name,
			  const char *field, struct trib_bytes code)
{
	char lower[NAME_BYTES_MAX];

	if (name.size > sizeof(lower))
		return;
	for (size_t i = 0; i < name.size; i++)
		lower[i] = name.data[i] >= 'A' && name.data[i] <= 'Z' ? (char)(name.data[i] + 32)
								      : name.data[i];
	void **place = ask_words_place(lexicon->words, trib_bytes(lower, name.size));

	if (!place || *place)
		return;
	struct entry *entry = trib_arena_alloc(&lexicon->arena, sizeof(*entry) + code.size);

	trib_assert(entry);
	entry->field = field;
	entry->size = (uint32_t)code.size;
	if (code.size)
		memcpy(entry->code, code.data, code.size);
	*place = entry;
}

bool trib_ask_lexicon_find(void *context, struct trib_bytes text, struct trib_ask_value *ret_value)
{
	const struct trib_ask_lexicon *lexicon = context;
	size_t size;
	const struct entry *entry = ask_words_find(lexicon->words, text, text.size, &size);

	if (!entry)
		return false;
	*ret_value =
		(struct trib_ask_value){ entry->field, trib_bytes(entry->code, entry->size), size };
	return true;
}
