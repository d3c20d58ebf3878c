/*
 * Asking in words: "适合宝妈的夏季防晒, 佣金20%以上, 百元以内, 卖得好的" becomes
 *
 *	filter    "宝妈" in audience && "summer" in season && category.startsWith("beauty/skincare/sunscreen")
 *	          && commission_bps >= 2000 && price <= 10000
 *	order_by  orders_30d, descending
 *
 * with what each part of the text came to, and what came to nothing. Two back ends give the same kind of answer: the
 * grammar, which needs no model and is deterministic, and any server that speaks as OpenAI's does.
 *
 *	struct trib_ask *ask;                      // fields, words, patterns; immutable, any thread
 *	trib_ask_new(trib_ask_vocabulary(), &ask, &error);
 *
 *	struct trib_ask_lexicon *lexicon = trib_ask_lexicon_new();       // what a catalog knows
 *	trib_ask_lexicon_add(lexicon, trib_bytes_text("花西子"), "brand", trib_bytes_text("花西子"));
 *
 *	struct trib_ask_request request = { .text = text, .creator = creator,
 *					    .find = trib_ask_lexicon_find, .context = lexicon };
 *	if (trib_ask_answer(ask, &request, &arena, &answer, &error) == TRIB_OK)
 *		trib_ask_print(&answer, &buffer);
 *
 * Every answer's filter and order have been checked against the fields. Nothing of a text is dropped in silence: each
 * character but spaces and punctuation lies in a part that was understood (small words with no CEL) or was not.
 */
#ifndef TRIB_SELECT_ASK_H
#define TRIB_SELECT_ASK_H

#include "base/arena.h"
#include "base/status.h"
#include "expr/expr.h"

/* ---- The vocabulary ------------------------------------------------------------------------------- */

struct trib_ask;

/* data/select/vocabulary.yaml, built in. */
struct trib_bytes trib_ask_vocabulary(void);

/* From a vocabulary in that form. */
trib_status trib_ask_new(struct trib_bytes yaml, struct trib_ask **ret_ask,
			 struct trib_error *error);
void trib_ask_free(struct trib_ask *ask);

/* The fields as variables, and trib_select_functions: what filters and orders are checked with. */
const struct trib_expr_env *trib_ask_env(const struct trib_ask *ask);

/* A value that a text begins with. */
struct trib_ask_value {
	const char *field; /* "brand"; "pool" for pools */
	struct trib_bytes code;
	size_t size; /* bytes of the text that name it */
};

/* The longest name of a value that `text` begins with; false: none. `text` is in lower case. Called many times a request. */
typedef bool trib_ask_find_fn(void *context, struct trib_bytes text,
			      struct trib_ask_value *ret_value);

/* A table of names for that; one writer, then any number of readers. A look-up costs a hash per length that names have. */
struct trib_ask_lexicon;
struct trib_ask_lexicon *trib_ask_lexicon_new(void);
void trib_ask_lexicon_free(struct trib_ask_lexicon *lexicon);
/* `field` must live as long. A name of over 64 bytes, or an empty one, is not added; one that is there stays. */
void trib_ask_lexicon_add(struct trib_ask_lexicon *lexicon, struct trib_bytes name,
			  const char *field, struct trib_bytes code);
trib_ask_find_fn trib_ask_lexicon_find;

/* ---- Asking --------------------------------------------------------------------------------------- */

/* A server that answers POST URL/chat/completions. */
struct trib_ask_model {
	const char *url;     /* "http://127.0.0.1:8000/v1" */
	const char *name;    /* of the model */
	const char *key;     /* sent as a bearer token; NULL: none */
	uint32_t timeout_ms; /* of each of at most two requests; 0: 20 s */
};

struct trib_ask_request {
	struct trib_bytes text;	   /* UTF-8, at most TRIB_LIMIT_ASK_BYTES */
	struct trib_bytes creator; /* who asks: "my shelf"; may be empty */
	trib_ask_find_fn *find;	   /* what the catalog knows; NULL: nothing */
	void *context;
	const struct trib_ask_model *model; /* NULL: the grammar */
};

struct trib_ask_part {
	struct trib_bytes text;
	uint32_t from, to; /* where it stands, in characters of the text; to is behind it */
	struct trib_bytes
		cel;	 /* what it came to: CEL, "order by …", "limit …"; "" for small words */
	const char *why; /* of what was not understood */
};

struct trib_ask_answer {
	struct trib_bytes filter;   /* CEL of a bool; "true" where nothing limits */
	struct trib_bytes order_by; /* CEL; empty: no order was asked for */
	bool descending;
	uint32_t limit; /* 0: none was asked for */
	const struct trib_ask_part *understood, *not_understood;
	uint32_t understood_count, not_understood_count;
};

/*
 * The answer lives in the arena, whose maximum bounds it. INVALID: not UTF-8. TOO_LARGE: a longer text. REFUSED, IO: of
 * the model. With a model it blocks until that has answered, so it must never be called on a thread of the engine or of
 * a door; the grammar takes some 20 us for a sentence.
 */
trib_status trib_ask_answer(const struct trib_ask *ask, const struct trib_ask_request *request,
			    struct trib_arena *arena, struct trib_ask_answer *ret_answer,
			    struct trib_error *error);

/* {"filter": …, "order_by": …, "descending": …, "limit": …, "understood": […], "not_understood": […]} */
void trib_ask_print(const struct trib_ask_answer *answer, struct trib_buffer *buffer);

#endif
