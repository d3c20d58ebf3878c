/* The shipped words of the dictionary, and the small sets of words that statuses and kinds are. */
#include "domain/private.h"

struct word {
	const char *text;
	uint8_t code;
};

void trib_words_seed(struct trib_names *symbols)
{
	static const char *const words[TRIB_WORD_FIRST_FREE] = {
#define X(name, code, word, english, chinese) [code] = word,
		TRIB_ROLE_TABLE(X)
#undef X
#define X(name, code, word) [code] = word,
			TRIB_OTHER_WORD_TABLE(X)
#undef X
	};

	for (uint32_t code = 1; code < TRIB_WORD_FIRST_FREE; code++) {
		char unused[3] = { 1, (char)('0' + code / 10), (char)('0' + code % 10) };
		struct trib_bytes word =
			words[code] ? trib_text(words[code]) : trib_bytes(unused, 3);
		uint32_t got = trib_names_add(symbols, word);

		trib_assert(got == code);
	}
}

/* The first word is the default. */
static uint8_t among(const char *text, const struct word *words, size_t count)
{
	if (!text)
		return words[0].code;
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, words[i].text) == 0)
			return words[i].code;
	return 0;
}

uint8_t trib_word_of_status(enum trib_noun noun, const char *text)
{
	static const struct word of_party[] = { { "active", TRIB_WORD_ACTIVE },
						{ "restricted", TRIB_WORD_RESTRICTED },
						{ "frozen", TRIB_WORD_FROZEN },
						{ "closed", TRIB_WORD_CLOSED } };
	static const struct word of_goods[] = { { "active", TRIB_WORD_ACTIVE },
						{ "withdrawn", TRIB_WORD_WITHDRAWN },
						{ "closed", TRIB_WORD_CLOSED } };
	static const struct word of_plan[] = { { "active", TRIB_WORD_ACTIVE },
					       { "draft", TRIB_WORD_DRAFT },
					       { "review", TRIB_WORD_REVIEW },
					       { "paused", TRIB_WORD_PAUSED },
					       { "ended", TRIB_WORD_ENDED },
					       { "closed", TRIB_WORD_CLOSED } };
	static const struct word of_block[] = { { "active", TRIB_WORD_ACTIVE },
						{ "closed", TRIB_WORD_CLOSED } };
	static const struct word of_registration[] = { { "active", TRIB_WORD_ACTIVE },
						       { "closed", TRIB_WORD_CLOSED } };

	switch (noun) {
	case TRIB_NOUN_PARTY:
		return among(text, of_party, TRIB_ARRAY_SIZE(of_party));
	case TRIB_NOUN_GOODS:
		return among(text, of_goods, TRIB_ARRAY_SIZE(of_goods));
	case TRIB_NOUN_PLAN:
		return among(text, of_plan, TRIB_ARRAY_SIZE(of_plan));
	case TRIB_NOUN_BLOCK:
		return among(text, of_block, TRIB_ARRAY_SIZE(of_block));
	default:
		return among(text, of_registration, TRIB_ARRAY_SIZE(of_registration));
	}
}

const char *trib_status_word_of(uint8_t status)
{
	switch (status) {
#define X(name, code, word)                                                                        \
	case code:                                                                                 \
		return word;
		TRIB_OTHER_WORD_TABLE(X) TRIB_LATER_WORD_TABLE(X)
#undef X
	default:
		return "";
	}
}

const char *trib_statuses_of(enum trib_noun noun)
{
	switch (noun) {
	case TRIB_NOUN_PARTY:
		return "active, restricted, frozen or closed";
	case TRIB_NOUN_GOODS:
		return "active, withdrawn or closed";
	case TRIB_NOUN_PLAN:
		return "active, paused, ended or closed";
	default:
		return "active or closed";
	}
}

uint8_t trib_word_of_kind(const char *text)
{
	static const struct word kinds[] = { { "general", TRIB_WORD_GENERAL },
					     { "targeted", TRIB_WORD_TARGETED },
					     { "exclusive", TRIB_WORD_EXCLUSIVE },
					     { "activity", TRIB_WORD_ACTIVITY },
					     { "managed", TRIB_WORD_MANAGED } };

	return among(text, kinds, TRIB_ARRAY_SIZE(kinds));
}

uint8_t trib_word_of_overflow(const char *text)
{
	static const struct word rows[] = { { "keep", TRIB_WORD_KEEP },
					    { "refuse", TRIB_WORD_REFUSE } };

	return among(text, rows, TRIB_ARRAY_SIZE(rows));
}
