/* A text as tokens: the longest word or number at each place; letters that nobody knows stand for themselves. */
#include "base/limits.h"
#include "select/ask_private.h"

static const struct ask_meaning separator = { .class = ',' }, mark = { .class = '"' },
				unknown = { .class = 'w' };

const struct ask_meaning *ask_token_as(const struct ask_token *token, char class)
{
	const struct ask_meaning *meaning = token->meanings;

	while (meaning && meaning->class != class)
		meaning = meaning->next;
	return meaning;
}

/* ---- Normalising ---------------------------------------------------------------------------------- */

/* Half-width and lower case; spaces of any kind are one space. Never longer than the original. */
static void normalise(struct ask_text *text)
{
	struct trib_bytes from = text->original;
	size_t size;

	for (size_t at = 0; at < from.size; at += size) {
		const unsigned char *p = (const unsigned char *)from.data + at;
		uint32_t c = *p;

		size = trib_utf8_step(trib_bytes(p, from.size - at));
		if (size == 3) {
			c = (uint32_t)(p[0] & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63);
			c = c >= 0xff01 && c <= 0xff5e ? c - 0xfee0
			    : c == 0x3000	       ? ' '
			    : c == 0x2019	       ? '\''
						       : c;
		}
		if (c <= ' ' || c == 127)
			c = ' ';
		if (c == ' ' && (text->size == 0 || text->data[text->size - 1] == ' '))
			continue;
		if (c >= 'A' && c <= 'Z')
			c += 32;
		if (c < 128) {
			text->origin[text->size] = (uint32_t)at;
			text->data[text->size++] = (char)c;
			continue;
		}
		for (size_t i = 0; i < size; i++) {
			text->origin[text->size] = (uint32_t)at;
			text->data[text->size++] = (char)p[i];
		}
	}
	text->origin[text->size] = (uint32_t)from.size;
	text->data[text->size] = '\0';
}

/* ---- Tokens --------------------------------------------------------------------------------------- */

static bool is_one_of(struct trib_bytes character, const char *const *set)
{
	for (; *set; set++)
		if (trib_bytes_is(character, *set))
			return true;
	return false;
}

/* What no word and no number begins with: a run of Latin letters, a sign, or one character. */
static size_t read_other(struct trib_bytes text, struct ask_token *token)
{
	static const char *const separators[] = { ",", ";",  ".", "!",	"?",  ":", "(",
						  ")", "。", "…", "，", "；", NULL };
	static const char *const marks[] = { "“",  "”",	 "‘",  "「", "」", "『", "』",
					     "《", "》", "【", "】", "·",  "—",	 NULL };
	size_t size = trib_utf8_step(text);
	struct trib_bytes character = trib_bytes(text.data, size);

	if (!ask_is_latin(text.data[0])) {
		token->meanings = is_one_of(character, separators)	     ? &separator
				  : size == 1 || is_one_of(character, marks) ? &mark
									     : &unknown;
		return size;
	}
	while (size < text.size && (ask_is_latin(text.data[size]) ||
				    ((text.data[size] == '-' || text.data[size] == '\'') &&
				     size + 1 < text.size && ask_is_latin(text.data[size + 1]))))
		size++;
	token->meanings = &unknown;
	return size;
}

/* A value of the catalog, with the vocabulary's meanings where they are as long. */
static size_t read_value(const struct trib_ask *ask, const struct trib_ask_request *request,
			 struct trib_arena *arena, struct trib_bytes text, size_t known,
			 struct ask_token *token)
{
	struct trib_ask_value value;

	if (!request->find || !request->find(request->context, text, &value) || value.size == 0 ||
	    value.size > text.size || value.size < known)
		return known;
	const struct ask_field *field = ask_field_find(ask, trib_bytes_text(value.field));
	struct ask_meaning *meaning = trib_arena_alloc_zeroed(arena, sizeof(*meaning));

	trib_assert(meaning);
	if (!field)
		return known;
	*meaning = (struct ask_meaning){
		.next = value.size == known ? token->meanings : NULL,
		.class = ask_value_class(field),
		.field = field,
		.code = trib_bytes(trib_arena_copy(arena, value.code), value.code.size),
	};
	token->meanings = meaning;
	return value.size;
}

static size_t read_token(const struct trib_ask *ask, const struct trib_ask_request *request,
			 struct trib_arena *arena, struct trib_bytes text, struct ask_token *token)
{
	static const struct ask_meaning number_meaning = { .class = 'N' };
	struct ask_token number;
	size_t size = 0, number_size = ask_number_read(ask, text, &number);

	token->meanings = ask_words_find(ask->words, text, text.size, &size);
	if (!token->meanings)
		size = 0;
	size = read_value(ask, request, arena, text, size, token);
	if (number_size > size) {
		*token = (struct ask_token){ .from = token->from,
					     .space = token->space,
					     .meanings = &number_meaning,
					     .low = number.low,
					     .high = number.high,
					     .scale = number.scale,
					     .unit = number.unit };
		return number_size;
	}
	return size ? size : read_other(text, token);
}

/* ---- Times ---------------------------------------------------------------------------------------- */

static uint32_t hours_of(const struct ask_token *token)
{
	static const int64_t hours[] = { [ASK_UNIT_HOUR] = 1,
					 [ASK_UNIT_DAY] = 24,
					 [ASK_UNIT_WEEK] = 168,
					 [ASK_UNIT_MONTH] = 720 };

	if (!ask_token_as(token, 'N') || token->unit < ASK_UNIT_HOUR ||
	    token->unit > ASK_UNIT_MONTH)
		return 0;
	int64_t count = token->high / ASK_NUMBER_UNIT;

	return count > 0 && count < 10000 ? (uint32_t)(count * hours[token->unit]) : 0;
}

/* "the last 7 days", "7天内", "7天": one token of class P. */
static void fold_times(struct ask_text *text, struct trib_arena *arena)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < text->count; count++) {
		struct ask_token token = text->tokens[i];
		uint32_t at = i + (ask_token_as(&token, ASK_CLASS_RECENT) && i + 1 < text->count &&
				   hours_of(&text->tokens[i + 1]));
		uint32_t hours = hours_of(&text->tokens[at]);

		if (hours) {
			struct ask_meaning *meaning =
				trib_arena_alloc_zeroed(arena, sizeof(*meaning));
			const struct ask_meaning *after;

			trib_assert(meaning);
			meaning->class = 'P';
			meaning->hours = hours;
			if (at + 1 < text->count &&
			    (after = ask_token_as(&text->tokens[at + 1], 'A')) &&
			    after->number == ASK_LE)
				at++;
			token.meanings = meaning;
			token.to = text->tokens[at].to;
		}
		text->tokens[count] = token;
		i = (hours ? at : i) + 1;
	}
	text->count = count;
}

trib_status ask_text_check(struct trib_bytes text, struct trib_error *error)
{
	if (text.size > TRIB_LIMIT_ASK_BYTES)
		return trib_fail(error, TRIB_TOO_LARGE, "text",
				 "found %zu bytes, expected at most %d", text.size,
				 TRIB_LIMIT_ASK_BYTES);
	if (!trib_utf8_valid(text))
		return trib_fail(error, TRIB_INVALID, "text", "found bytes that are not UTF-8");
	return TRIB_OK;
}

trib_status ask_tokens(const struct trib_ask *ask, const struct trib_ask_request *request,
		       struct trib_arena *arena, struct ask_text *text, struct trib_error *error)
{
	size_t size = request->text.size;
	trib_status status = ask_text_check(request->text, error);

	if (status != TRIB_OK)
		return status;
	*text = (struct ask_text){ .original = request->text };
	text->data = trib_arena_alloc(arena, size + 1);
	text->origin = trib_arena_alloc(arena, (size + 1) * sizeof(*text->origin));
	text->tokens = trib_arena_alloc_zeroed(arena, (size + 1) * sizeof(*text->tokens));
	trib_assert(text->data && text->origin && text->tokens);
	normalise(text);
	for (uint32_t at = 0; at < text->size;) {
		struct ask_token *token = &text->tokens[text->count];

		token->space = text->data[at] == ' ';
		at += token->space;
		if (at == text->size)
			break;
		token->from = at;
		at += (uint32_t)read_token(ask, request, arena,
					   trib_bytes(text->data + at, text->size - at), token);
		token->to = at;
		text->count++;
	}
	fold_times(text, arena);
	return TRIB_OK;
}
