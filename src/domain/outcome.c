/* The words of outcomes, from their table. */
#include "domain/outcome.h"

const char *trib_outcome_word(enum trib_outcome outcome)
{
	switch (outcome) {
	case TRIB_OUTCOME_NONE:
		return "none";
#define X(name, number, word, english, chinese)                                                    \
	case TRIB_OUTCOME_##name:                                                                  \
		return word;
		TRIB_OUTCOME_TABLE(X)
#undef X
	}
	return "unknown";
}

const char *trib_outcome_text(enum trib_outcome outcome)
{
	switch (outcome) {
	case TRIB_OUTCOME_NONE:
		return "nothing speaks against it";
#define X(name, number, word, english, chinese)                                                    \
	case TRIB_OUTCOME_##name:                                                                  \
		return english;
		TRIB_OUTCOME_TABLE(X)
#undef X
	}
	return "unknown";
}

const char *trib_outcome_text_zh(enum trib_outcome outcome)
{
	switch (outcome) {
	case TRIB_OUTCOME_NONE:
		return "无";
#define X(name, number, word, english, chinese)                                                    \
	case TRIB_OUTCOME_##name:                                                                  \
		return chinese;
		TRIB_OUTCOME_TABLE(X)
#undef X
	}
	return "未知";
}

enum trib_outcome trib_outcome_find(struct trib_bytes text)
{
#define X(name, number, word, english, chinese)                                                    \
	if (trib_bytes_is(text, word))                                                             \
		return TRIB_OUTCOME_##name;
	TRIB_OUTCOME_TABLE(X)
#undef X
	return TRIB_OUTCOME_NONE;
}
