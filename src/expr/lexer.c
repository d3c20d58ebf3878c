#include <math.h>
#include "expr/lexer.h"
#include "expr/unicode.h"
#include "expr/value.h"

/* A word that is more than a name, with its length. */
struct word {
	const char *text;
	uint32_t size;
};
#define WORD(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

static const struct word reserved_words[] = {
	WORD("as"),	WORD("break"),	   WORD("const"),  WORD("continue"), WORD("else"),
	WORD("for"),	WORD("function"),  WORD("if"),	   WORD("import"),   WORD("let"),
	WORD("loop"),	WORD("package"),   WORD("namespace"), WORD("return"), WORD("var"),
	WORD("void"),	WORD("while"),
};

const char *token_name(enum token_kind kind)
{
	static const char *const names[] = {
		[TOKEN_END] = "the end",      [TOKEN_INT] = "a number",
		[TOKEN_UINT] = "a number",    [TOKEN_DOUBLE] = "a number",
		[TOKEN_STRING] = "a string",  [TOKEN_BYTES] = "bytes",
		[TOKEN_IDENT] = "a name",     [TOKEN_QUOTED] = "a quoted name",
		[TOKEN_TRUE] = "true",	      [TOKEN_FALSE] = "false",
		[TOKEN_NULL] = "null",	      [TOKEN_IN] = "in",
		[TOKEN_LEFT_PAREN] = "'('",   [TOKEN_RIGHT_PAREN] = "')'",
		[TOKEN_LEFT_BRACKET] = "'['", [TOKEN_RIGHT_BRACKET] = "']'",
		[TOKEN_LEFT_BRACE] = "'{'",   [TOKEN_RIGHT_BRACE] = "'}'",
		[TOKEN_DOT] = "'.'",	      [TOKEN_COMMA] = "','",
		[TOKEN_COLON] = "':'",	      [TOKEN_QUESTION] = "'?'",
		[TOKEN_PLUS] = "'+'",	      [TOKEN_MINUS] = "'-'",
		[TOKEN_STAR] = "'*'",	      [TOKEN_SLASH] = "'/'",
		[TOKEN_PERCENT] = "'%'",      [TOKEN_NOT] = "'!'",
		[TOKEN_EQ] = "'=='",	      [TOKEN_NE] = "'!='",
		[TOKEN_LT] = "'<'",	      [TOKEN_LE] = "'<='",
		[TOKEN_GT] = "'>'",	      [TOKEN_GE] = "'>='",
		[TOKEN_AND] = "'&&'",	      [TOKEN_OR] = "'||'",
	};

	return names[kind];
}

/* The source ends with a NUL, so looking one byte past what was checked is safe. */
static char at(const struct lexer *lexer, uint32_t place)
{
	return place < lexer->context->source.size ? lexer->context->source.data[place] : '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
	return is_digit(c)	      ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void skip_space_and_comments(struct lexer *lexer)
{
	for (;;) {
		char c = at(lexer, lexer->next);

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
			lexer->next++;
		} else if (c == '/' && at(lexer, lexer->next + 1) == '/') {
			/* A carriage return alone does not end it. */
			while (lexer->next < lexer->context->source.size &&
			       at(lexer, lexer->next) != '\n')
				lexer->next++;
		} else {
			return;
		}
	}
}

static trib_status fail(struct lexer *lexer, uint32_t offset, const char *text)
{
	return ast_fail(lexer->context, TRIB_EXPR_PARSE, TRIB_SYNTAX, offset, "%s", text);
}

/* ---- Numbers -------------------------------------------------------------------------------------- */

static trib_status integer(struct lexer *lexer, struct token *token, uint32_t first, uint32_t base)
{
	uint64_t value = 0;

	for (uint32_t i = first; i < lexer->next; i++)
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)hex_digit(at(lexer, i)), &value))
			return fail(lexer, token->offset, "the number does not fit 64 bits");
	token->kind = TOKEN_INT;
	token->value = trib_value_uint(value);
	if (at(lexer, lexer->next) == 'u' || at(lexer, lexer->next) == 'U') {
		token->kind = TOKEN_UINT;
		lexer->next++;
	}
	return TRIB_OK;
}

static void skip_digits(struct lexer *lexer)
{
	while (is_digit(at(lexer, lexer->next)))
		lexer->next++;
}

static trib_status number(struct lexer *lexer, struct token *token)
{
	uint32_t first = lexer->next;
	bool whole = true;

	if (at(lexer, first) == '0' && at(lexer, first + 1) == 'x' &&
	    hex_digit(at(lexer, first + 2)) >= 0) {
		lexer->next += 2;
		while (hex_digit(at(lexer, lexer->next)) >= 0)
			lexer->next++;
		return integer(lexer, token, first + 2, 16);
	}
	skip_digits(lexer);
	if (at(lexer, lexer->next) == '.' && is_digit(at(lexer, lexer->next + 1))) {
		whole = false;
		lexer->next++;
		skip_digits(lexer);
	}
	if (at(lexer, lexer->next) == 'e' || at(lexer, lexer->next) == 'E') {
		char sign = at(lexer, lexer->next + 1);
		uint32_t digits = lexer->next + (sign == '+' || sign == '-' ? 2 : 1);

		if (is_digit(at(lexer, digits))) {
			whole = false;
			lexer->next = digits;
			skip_digits(lexer);
		}
	}
	if (whole)
		return integer(lexer, token, first, 10);
	double value = strtod(lexer->context->source.data + first, NULL);

	if (isinf(value))
		return fail(lexer, token->offset, "the number does not fit a double");
	token->kind = TOKEN_DOUBLE;
	token->value = trib_value_double(value);
	return TRIB_OK;
}

/* ---- Strings -------------------------------------------------------------------------------------- */

struct literal {
	bool bytes, raw;
	char quote;
	uint32_t quotes; /* 1 or 3 */
	char *data;	 /* decoded; never longer than the source */
	uint32_t size;
};

static bool at_closing(const struct lexer *lexer, const struct literal *literal)
{
	for (uint32_t i = 0; i < literal->quotes; i++)
		if (at(lexer, lexer->next + i) != literal->quote)
			return false;
	return true;
}

/* `count` hexadecimal digits from lexer->next on; negative if there are fewer. */
static int64_t hex_number(struct lexer *lexer, int count)
{
	int64_t value = 0;

	for (int i = 0; i < count; i++) {
		int digit = hex_digit(at(lexer, lexer->next));

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
		lexer->next++;
	}
	return value;
}

static void add_code_point(struct literal *literal, uint32_t code_point)
{
	literal->size += unicode_encode(code_point, literal->data + literal->size);
}

/* After a high surrogate: the low one, written as another \u escape. */
static int64_t low_surrogate(struct lexer *lexer, int64_t high)
{
	if (at(lexer, lexer->next) != '\\' || at(lexer, lexer->next + 1) != 'u')
		return -1;
	lexer->next += 2;
	int64_t low = hex_number(lexer, 4);

	return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
					      : -1;
}

static trib_status numeric_escape(struct lexer *lexer, struct literal *literal, char kind,
				  uint32_t offset)
{
	int64_t value;

	if (kind == 'x' || kind == 'X') {
		value = hex_number(lexer, 2);
	} else if (kind >= '0' && kind <= '3') {
		value = 0;
		for (int i = 0; i < 2 && value >= 0; i++, lexer->next++) {
			char c = at(lexer, lexer->next);

			value = c >= '0' && c <= '7' ? value * 8 + (c - '0') : -1;
		}
		value = value < 0 ? -1 : value + (kind - '0') * 64;
	} else {
		value = hex_number(lexer, kind == 'u' ? 4 : 8);
		if (literal->bytes)
			return fail(lexer, offset,
				    "\\u and \\U stand for code points and have no place in bytes");
		if (kind == 'u' && value >= 0xd800 && value <= 0xdbff)
			value = low_surrogate(lexer, value);
		if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
			return fail(lexer, offset, "the escape is no Unicode code point");
	}
	if (value < 0)
		return fail(lexer, offset,
			    "found a broken escape, expected \\xHH, \\OOO, \\uHHHH or \\UHHHHHHHH");
	if (literal->bytes)
		literal->data[literal->size++] = (char)value;
	else
		add_code_point(literal, (uint32_t)value);
	return TRIB_OK;
}

static trib_status escape(struct lexer *lexer, struct literal *literal)
{
	static const char from[] = "abfnrtv\\?\"'`", to[] = "\a\b\f\n\r\t\v\\?\"'`";
	uint32_t offset = lexer->next;
	char kind = at(lexer, lexer->next + 1);
	const char *simple = kind ? strchr(from, kind) : NULL;

	lexer->next += 2;
	if (simple) {
		literal->data[literal->size++] = to[simple - from];
		return TRIB_OK;
	}
	if (kind && strchr("xXuU0123", kind))
		return numeric_escape(lexer, literal, kind, offset);
	return fail(lexer, offset,
		    "found an unknown escape, expected one of \\a \\b \\f \\n \\r \\t \\v \\\\ \\? "
		    "\\\" \\' "
		    "\\` \\xHH \\uHHHH \\UHHHHHHHH \\OOO");
}

static trib_status string_body(struct lexer *lexer, struct token *token, struct literal *literal)
{
	while (!at_closing(lexer, literal)) {
		char c = at(lexer, lexer->next);

		if (lexer->next >= lexer->context->source.size)
			return fail(lexer, token->offset, "the string is not closed");
		if (literal->quotes == 1 && (c == '\n' || c == '\r'))
			return fail(
				lexer, lexer->next,
				"found a line break, which only a triple-quoted string may hold");
		if (c == '\\' && !literal->raw) {
			trib_status status = escape(lexer, literal);

			if (status != TRIB_OK)
				return status;
			continue;
		}
		literal->data[literal->size++] = c;
		lexer->next++;
	}
	lexer->next += literal->quotes;
	return TRIB_OK;
}

/* lexer->next is at the opening quote. */
static trib_status string(struct lexer *lexer, struct token *token, bool bytes, bool raw)
{
	struct literal literal = {
		.bytes = bytes, .raw = raw, .quote = at(lexer, lexer->next), .quotes = 1
	};
	uint32_t end;

	if (at(lexer, lexer->next + 1) == literal.quote &&
	    at(lexer, lexer->next + 2) == literal.quote)
		literal.quotes = 3;
	lexer->next += literal.quotes;
	/* A first walk finds the end, so that the memory taken is that of the literal and not of the rest. */
	for (end = lexer->next; end < lexer->context->source.size; end++) {
		if (at(lexer, end) == '\\' && !raw)
			end++;
		else if (at(lexer, end) == literal.quote &&
			 (literal.quotes == 1 || (at(lexer, end + 1) == literal.quote &&
						  at(lexer, end + 2) == literal.quote)))
			break;
	}
	literal.data = trib_arena_alloc(lexer->context->arena, end - lexer->next + 8);
	if (!literal.data)
		return ast_fail(lexer->context, TRIB_EXPR_PARSE, TRIB_NO_MEMORY, token->offset,
				"out of memory");
	trib_status status = string_body(lexer, token, &literal);

	if (status != TRIB_OK)
		return status;
	struct trib_bytes text = trib_bytes(literal.data, literal.size);

	token->kind = bytes ? TOKEN_BYTES : TOKEN_STRING;
	token->value = bytes ? trib_value_bytes(text) : trib_value_string(text);
	return TRIB_OK;
}

/* b, r and br (in any case) before a quote make it another literal. */
static bool string_prefix(struct lexer *lexer, bool *ret_bytes, bool *ret_raw)
{
	uint32_t place = lexer->next;

	*ret_bytes = at(lexer, place) == 'b' || at(lexer, place) == 'B';
	place += *ret_bytes;
	*ret_raw = at(lexer, place) == 'r' || at(lexer, place) == 'R';
	place += *ret_raw;
	if (at(lexer, place) != '"' && at(lexer, place) != '\'')
		return false;
	lexer->next = place;
	return true;
}

/* ---- Names and signs ------------------------------------------------------------------------------ */

static bool is_word(struct trib_bytes text, const struct word *word)
{
	return text.size == word->size && text.data[0] == word->text[0] &&
	       memcmp(text.data, word->text, word->size) == 0;
}

static void name(struct lexer *lexer, struct token *token)
{
	static const struct {
		struct word word;
		enum token_kind kind;
	} keywords[] = { { WORD("true"), TOKEN_TRUE },
			 { WORD("false"), TOKEN_FALSE },
			 { WORD("null"), TOKEN_NULL },
			 { WORD("in"), TOKEN_IN } };

	while (is_name_start(at(lexer, lexer->next)) || is_digit(at(lexer, lexer->next)))
		lexer->next++;
	struct trib_bytes text = trib_bytes(lexer->context->source.data + token->offset,
					    lexer->next - token->offset);

	token->kind = TOKEN_IDENT;
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(keywords); i++)
		if (is_word(text, &keywords[i].word))
			token->kind = keywords[i].kind;
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(reserved_words); i++)
		token->reserved |= is_word(text, &reserved_words[i]);
}

/* `a-b`: letters, digits, '_', '.', '-', '/' and space between backticks. */
static trib_status quoted_name(struct lexer *lexer, struct token *token)
{
	uint32_t first = ++lexer->next;

	for (;; lexer->next++) {
		char c = at(lexer, lexer->next);

		if (c == '`' && lexer->next > first)
			break;
		if (!is_name_start(c) && !is_digit(c) && (!c || !strchr(".-/ ", c)))
			return fail(lexer, token->offset,
				    "found a broken quoted name, expected letters, digits, "
				    "'_', '.', '-', '/' or space between backticks");
	}
	lexer->next++;
	token->kind = TOKEN_QUOTED;
	return TRIB_OK;
}

/* The sign that begins with c, with the length of its longest form; TOKEN_END: none. */
static enum token_kind sign_of(char c, char next, uint32_t *ret_size)
{
	*ret_size = 2;
	switch (c) {
	case '=':
		return next == '=' ? TOKEN_EQ : TOKEN_END;
	case '&':
		return next == '&' ? TOKEN_AND : TOKEN_END;
	case '|':
		return next == '|' ? TOKEN_OR : TOKEN_END;
	case '!':
		*ret_size = next == '=' ? 2 : 1;
		return next == '=' ? TOKEN_NE : TOKEN_NOT;
	case '<':
		*ret_size = next == '=' ? 2 : 1;
		return next == '=' ? TOKEN_LE : TOKEN_LT;
	case '>':
		*ret_size = next == '=' ? 2 : 1;
		return next == '=' ? TOKEN_GE : TOKEN_GT;
	default:
		*ret_size = 1;
		return TOKEN_END;
	}
}

static trib_status sign(struct lexer *lexer, struct token *token)
{
	static const uint8_t single[128] = {
		['('] = TOKEN_LEFT_PAREN,   [')'] = TOKEN_RIGHT_PAREN,	 ['['] = TOKEN_LEFT_BRACKET,
		[']'] = TOKEN_RIGHT_BRACKET, ['{'] = TOKEN_LEFT_BRACE,	 ['}'] = TOKEN_RIGHT_BRACE,
		['.'] = TOKEN_DOT,	    [','] = TOKEN_COMMA,	 [':'] = TOKEN_COLON,
		['?'] = TOKEN_QUESTION,	    ['+'] = TOKEN_PLUS,		 ['-'] = TOKEN_MINUS,
		['*'] = TOKEN_STAR,	    ['/'] = TOKEN_SLASH,	 ['%'] = TOKEN_PERCENT,
	};
	unsigned char c = (unsigned char)at(lexer, lexer->next);
	uint32_t size = 1;
	enum token_kind kind = c < 128 ? (enum token_kind)single[c] : TOKEN_END;

	if (kind == TOKEN_END)
		kind = sign_of((char)c, at(lexer, lexer->next + 1), &size);
	if (kind == TOKEN_END)
		return fail(lexer, lexer->next,
			    c == '=' ? "found =, expected == to compare" :
			    c == '&' ? "found &, expected &&" :
			    c == '|' ? "found |, expected ||" :
				       "found a character that begins nothing");
	token->kind = kind;
	lexer->next += size;
	return TRIB_OK;
}

trib_status lexer_next(struct lexer *lexer, struct token *ret_token)
{
	bool bytes, raw;
	trib_status status = TRIB_OK;

	skip_space_and_comments(lexer);
	struct token token = { .kind = TOKEN_END, .offset = lexer->next };
	char c = at(lexer, lexer->next);

	if (lexer->next >= lexer->context->source.size)
		;
	else if (string_prefix(lexer, &bytes, &raw))
		status = string(lexer, &token, bytes, raw);
	else if (is_name_start(c))
		name(lexer, &token);
	else if (is_digit(c) || (c == '.' && is_digit(at(lexer, lexer->next + 1))))
		status = number(lexer, &token);
	else if (c == '`')
		status = quoted_name(lexer, &token);
	else
		status = sign(lexer, &token);
	if (status != TRIB_OK)
		return status;
	token.size = lexer->next - token.offset;
	*ret_token = token;
	return TRIB_OK;
}
