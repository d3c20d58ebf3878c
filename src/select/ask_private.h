/*
 * How the grammar works. A text becomes tokens (ask_token.c): words of the vocabulary, names of the catalog, numbers
 * with their units, and letters that nobody knows. A token may mean several things; each meaning has a class, a letter:
 *
 *	F  a field               N  a number            P  a time until now ("last 7 days")
 *	B  compares, before      A  compares, after     R  "to"    W  "between"    M  "within that range"
 *	Z  about                 V  a value             G  a region                I  a pool
 *	X  a fixed piece of CEL  S s  most, least       H h  high, low             Y y  sort by, first
 *	T  top                   n  new                 L  listed                  k  in stock
 *	o  made in               p  pool                t  title                   v  a request for a number of goods
 *	!  not                   |  or                  &  and                     ,  punctuation
 *	.  a small word          w  nothing known
 *
 * Patterns over these letters (ask_pattern.c) turn tokens into terms, the longest pattern first, in one pass from left
 * to right; a token that fits none is left over and becomes words of the title, or is not understood. Terms are
 * then grouped by or, not, and lists, and written as CEL (ask_write.c).
 */
#ifndef TRIB_SELECT_ASK_PRIVATE_H
#define TRIB_SELECT_ASK_PRIVATE_H

#include "select/ask.h"

/* ---- Vocabulary (ask_vocabulary.c) ---------------------------------------------------------------- */

/* X(NAME, name in the vocabulary, type, of its window's members as well) */
#define ASK_KIND_TABLE(X)                                                                          \
	X(TEXT, "text", &trib_type_string)                                                         \
	X(CODE, "code", &trib_type_string)                                                         \
	X(CODES, "codes", &trib_type_list_string)                                                  \
	X(MONEY, "money", &trib_type_int)                                                          \
	X(RATE, "rate", &trib_type_int)                                                            \
	X(COUNT, "count", &trib_type_int)                                                          \
	X(DECIMAL, "decimal", &trib_type_double)                                                   \
	X(FLAG, "flag", &trib_type_bool)                                                           \
	X(TIME, "time", &trib_type_timestamp)                                                      \
	X(VIRTUAL, "virtual", NULL) /* no variable: its values are pieces of CEL */

enum ask_kind {
#define X(id, name, type) ASK_##id,
	ASK_KIND_TABLE(X)
#undef X
};

/* What follows a number. */
#define ASK_UNIT_TABLE(X)                                                                          \
	X(MONEY, "money")                                                                          \
	X(PERCENT, "percent")                                                                      \
	X(TENTH, "tenth")                                                                          \
	X(STAR, "star")                                                                            \
	X(GOODS, "goods")                                                                          \
	X(COUNT, "count")                                                                          \
	X(HOUR, "hour")                                                                            \
	X(DAY, "day")                                                                              \
	X(WEEK, "week")                                                                            \
	X(MONTH, "month")                                                                          \
	X(OTHER, "other")

enum ask_unit {
	ASK_UNIT_NONE,
#define X(id, name) ASK_UNIT_##id,
	ASK_UNIT_TABLE(X)
#undef X
};

enum ask_op { ASK_EQ, ASK_LT, ASK_LE, ASK_GT, ASK_GE, ASK_OP_COUNT };
extern const char *const ask_op_texts[ASK_OP_COUNT];

struct ask_field {
	const char *name;
	enum ask_kind kind;
	enum ask_op bare;
	bool windows, rank, low_first, any;
	const char *alone;		/* NULL: a field alone says nothing */
	const char *is;			/* NULL: as its kind has it */
	const struct ask_field *recent; /* itself, where it is a family; NULL: none */
};

struct ask_phrase {
	const char *filter; /* or */
	const struct ask_field *order;
	bool descending, weak;
};

struct ask_meaning {
	const struct ask_meaning *next;
	char class;
	uint8_t number; /* B, A: ask_op; u: ask_unit; '.': ASK_PARTICLE where it is no part of another word */
	uint32_t hours; /* P; F: of a word such as 月销, 0: none */
	const struct ask_field *field;
	const struct ask_phrase *phrase;
	struct trib_bytes code; /* V, G, I */
};

/* Classes that only the reader of numbers asks for. */
enum { ASK_PARTICLE = 1 };
enum { ASK_CLASS_UNIT = 'u', ASK_CLASS_MONEY_BEFORE = '$', ASK_CLASS_RECENT = 'r' };

struct ask_words;

struct trib_ask {
	struct trib_arena arena;
	struct ask_words *words;
	struct ask_field *fields;
	uint32_t field_count;
	/* What is meant where no field is named. */
	const struct ask_field *price, *commission, *rating, *stock, *stock_regions, *listed_at,
		*title;
	struct trib_expr_variable *variables;
	struct trib_expr_env env;
};

/* Of the values of a field: V, G or I. */
char ask_value_class(const struct ask_field *field);

const struct ask_field *ask_field_find(const struct trib_ask *ask, struct trib_bytes name);

/* ---- Words by length (ask_lexicon.c) -------------------------------------------------------------- */

struct ask_words *ask_words_new(void);
void ask_words_free(struct ask_words *words);
/* The place of a name's meanings, made if it is new; NULL for a name that is empty or too long. */
void **ask_words_place(struct ask_words *words, struct trib_bytes name);
/* Of the longest name that is at most `size_max` bytes of text's beginning and ends where a word may end; NULL: none. */
void *ask_words_find(const struct ask_words *words, struct trib_bytes text, size_t size_max,
		     size_t *ret_size);

/* Of normalised text: what a Latin word or a number is made of. */
static inline bool ask_is_latin(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether a word may end at text[size], having begun at text[0]: Latin letters and digits do not go on. */
bool ask_word_ends(struct trib_bytes text, size_t size, size_t *ret_size);

/* ---- Tokens (ask_token.c, ask_number.c) ----------------------------------------------------------- */

enum { ASK_NUMBER_UNIT = 10000 }; /* numbers have four places */

struct ask_token {
	uint32_t from, to; /* in the normalised text */
	const struct ask_meaning *meanings;
	int64_t low, high; /* N, in 1/ASK_NUMBER_UNIT; they differ in 两三百 */
	int64_t scale;	   /* N: what its 千, 万, k multiplied it by */
	uint8_t unit;	   /* N: ask_unit */
	bool space;	   /* before it */
};

struct ask_text {
	struct trib_bytes original;
	char *data; /* normalised: half-width, lower case, single spaces */
	uint32_t size;
	uint32_t *origin; /* of each byte, and behind the last: its offset in the original */
	struct ask_token *tokens;
	uint32_t count;
};

/* TOO_LARGE, INVALID: not a text that may be asked. */
trib_status ask_text_check(struct trib_bytes text, struct trib_error *error);

trib_status ask_tokens(const struct trib_ask *ask, const struct trib_ask_request *request,
		       struct trib_arena *arena, struct ask_text *ret_text,
		       struct trib_error *error);

/* A number with what multiplies it, its sign of money and its unit; its size, 0 where there is none. */
size_t ask_number_read(const struct trib_ask *ask, struct trib_bytes text,
		       struct ask_token *ret_number);

const struct ask_meaning *ask_token_as(const struct ask_token *token, char class);

/* ---- Terms (ask_pattern.c, ask_write.c) ----------------------------------------------------------- */

enum ask_form { ASK_IS, ASK_COMPARE, ASK_PIECE, ASK_WORDS };

struct ask_term {
	enum ask_form form;
	const struct ask_field *field; /* IS, COMPARE; of a piece where it is of one */
	uint32_t hours;		       /* COMPARE: of a family; 0: the usual */
	struct trib_bytes code;	       /* IS, PIECE, WORDS */
	bool has_low, has_high;	       /* COMPARE */
	enum ask_op low_op, high_op;
	struct trib_bytes low, high; /* literals */
	bool negated;
	bool fixed;		    /* IS: a region that is said to be of making, or of stock */
	char link;		    /* to the term before: '|', '&', ',' a new clause, ' ' none */
	uint32_t first, last, time; /* tokens; time: of when it is asked for, UINT32_MAX: none */
};

struct ask_order {
	const struct ask_field *field; /* NULL: none */
	uint32_t hours;
	bool descending, weak;
	uint32_t first, last, time; /* as of a term */
};

struct ask_run {
	const struct trib_ask *ask;
	const struct trib_ask_request *request;
	struct trib_arena *arena;
	struct ask_text text;
	struct ask_term *terms;
	uint32_t term_count;
	struct ask_order order;
	uint32_t limit, limit_first, limit_last;
	const char **why; /* by token: why it was not understood; NULL: it was */

	/* Of the clause under way. */
	char link;
	uint32_t clause; /* the first term of it */
	uint32_t clause_token;
	uint32_t not_token;  /* of a "not" that waits for its term; UINT32_MAX: none */
	uint32_t time_token; /* of a time that waits for its field */
	uint32_t left_over;  /* where letters that nobody knows began */
	bool stock_next;     /* the next regions are those of stock */
};

/* Fills terms, order and limit. */
void ask_match(struct ask_run *run);

/* The name of a field with its window. */
struct trib_bytes ask_field_text(struct trib_arena *arena, const struct ask_field *field,
				 uint32_t hours);
/* Characters in the first `size` bytes. */
uint32_t ask_characters(struct trib_bytes text, size_t size);
struct trib_bytes ask_quote(struct trib_arena *arena, struct trib_bytes text);
struct trib_bytes ask_format(struct trib_arena *arena, const char *format, ...) TRIB_PRINTF(2, 3);
struct trib_bytes ask_write_term(const struct ask_run *run, const struct ask_term *term,
				 bool negated);

trib_status ask_write(struct ask_run *run, struct trib_ask_answer *ret_answer,
		      struct trib_error *error);

/* Checks filter and order_by against the fields. */
trib_status ask_check(const struct trib_ask *ask, const struct trib_ask_answer *answer,
		      struct trib_error *error);

/* ---- The model (ask_model.c) ---------------------------------------------------------------------- */

trib_status ask_model(const struct trib_ask *ask, const struct trib_ask_request *request,
		      struct trib_arena *arena, struct trib_ask_answer *ret_answer,
		      struct trib_error *error);

#endif
