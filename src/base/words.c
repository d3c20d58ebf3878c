/* The words of base/words.h, and their look-up, made from its tables. */
#include "base/words.h"

#define WORD_CASE(name, number, text)                                                              \
	case TRIB_##name:                                                                          \
		return text;
#define WORD_TEST(name, number, text)                                                              \
	if (trib_bytes_is(word, text)) {                                                           \
		*ret = TRIB_##name;                                                                \
		return true;                                                                       \
	}

#define DEFINE_WORDS(noun, TABLE)                                                                  \
	const char *trib_##noun##_word(enum trib_##noun noun)                                      \
	{                                                                                          \
		switch (noun) {                                                                    \
			TABLE(WORD_CASE)                                                           \
		}                                                                                  \
		return NULL;                                                                       \
	}                                                                                          \
	bool trib_##noun##_of_word(struct trib_bytes word, enum trib_##noun *ret)                  \
	{                                                                                          \
		TABLE(WORD_TEST)                                                                   \
		return false;                                                                      \
	}

/* clang-format off */
DEFINE_WORDS(model, TRIB_MODEL_TABLE)
DEFINE_WORDS(match, TRIB_MATCH_TABLE)
DEFINE_WORDS(lock, TRIB_LOCK_TABLE)
DEFINE_WORDS(touch_kind, TRIB_TOUCH_KIND_TABLE)
DEFINE_WORDS(after_settlement, TRIB_AFTER_SETTLEMENT_TABLE)
/* clang-format on */
