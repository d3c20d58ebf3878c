#include "server/resp_wire.h"

#include <stdarg.h>

/* Reads digits up to "\r\n" from *at on. COMMAND: *ret_number and *at (behind the line end) are set. */
static enum trib_resp_parse parse_number(struct trib_bytes input, size_t *at, int64_t *ret_number,
					 struct trib_error *error)
{
	size_t i = *at;
	bool negative = i < input.size && input.data[i] == '-';
	int64_t number = 0;
	size_t digits = 0;

	for (i += negative; i < input.size; i++, digits++) {
		unsigned digit = (unsigned char)input.data[i] - '0';

		if (digit > 9)
			break;
		if (digits == 10)
			goto refused;
		number = number * 10 + digit;
	}
	if (i + 1 >= input.size && (i == input.size || input.data[i] == '\r'))
		return TRIB_RESP_INCOMPLETE;
	if (digits == 0 || input.data[i] != '\r' || input.data[i + 1] != '\n')
		goto refused;
	*at = i + 2;
	*ret_number = negative ? -number : number;
	return TRIB_RESP_COMMAND;
refused:
	trib_fail(error, TRIB_SYNTAX, "Protocol error",
		  "found another character, expected a whole number and CR LF");
	return TRIB_RESP_REFUSED;
}

static enum trib_resp_parse parse_argument(struct trib_bytes input, size_t *at, struct trib_bytes *ret_arg,
					   struct trib_error *error)
{
	int64_t size;

	if (*at >= input.size)
		return TRIB_RESP_INCOMPLETE;
	if (input.data[*at] != '$') {
		trib_fail(error, TRIB_SYNTAX, "Protocol error", "found '%c', expected '$'",
			  input.data[*at] > ' ' && input.data[*at] < 127 ? input.data[*at] : '?');
		return TRIB_RESP_REFUSED;
	}
	size_t i = *at + 1;
	enum trib_resp_parse parsed = parse_number(input, &i, &size, error);

	if (parsed != TRIB_RESP_COMMAND)
		return parsed;
	if (size < 0 || size > TRIB_LIMIT_RESP_ARGUMENT_BYTES) {
		trib_fail(error, TRIB_TOO_LARGE, "Protocol error",
			  "found an argument of %lld bytes, expected at most %d", (long long)size,
			  TRIB_LIMIT_RESP_ARGUMENT_BYTES);
		return TRIB_RESP_REFUSED;
	}
	if (input.size - i < (size_t)size + 2)
		return TRIB_RESP_INCOMPLETE;
	if (input.data[i + (size_t)size] != '\r' || input.data[i + (size_t)size + 1] != '\n') {
		trib_fail(error, TRIB_SYNTAX, "Protocol error",
			  "found an argument that is longer than it says, expected CR LF behind it");
		return TRIB_RESP_REFUSED;
	}
	*ret_arg = trib_bytes(input.data + i, (size_t)size);
	*at = i + (size_t)size + 2;
	return TRIB_RESP_COMMAND;
}

/* Words between spaces; a word in quotes may hold spaces. There are no escapes: arguments are views of the input. */
static enum trib_resp_parse parse_inline(struct trib_bytes input, struct trib_bytes *args, size_t *ret_n,
					 size_t *ret_consumed, struct trib_error *error)
{
	const char *end = memchr(input.data, '\n', input.size);
	size_t n = 0;

	if (!end || (size_t)(end - input.data) > TRIB_LIMIT_RESP_INLINE_BYTES) {
		if (input.size <= TRIB_LIMIT_RESP_INLINE_BYTES)
			return TRIB_RESP_INCOMPLETE;
		trib_fail(error, TRIB_TOO_LARGE, "Protocol error", "found an inline command of over %d bytes",
			  TRIB_LIMIT_RESP_INLINE_BYTES);
		return TRIB_RESP_REFUSED;
	}
	const char *p = input.data, *stop = end > p && end[-1] == '\r' ? end - 1 : end;

	while (p < stop) {
		if (*p == ' ' || *p == '\t') {
			p++;
			continue;
		}
		char quote = *p == '"' || *p == '\'' ? *p++ : 0;
		const char *word = p;

		while (p < stop && (quote ? *p != quote : *p != ' ' && *p != '\t'))
			p++;
		if ((quote && p == stop) || n == TRIB_LIMIT_RESP_ARGUMENTS) {
			trib_fail(error, TRIB_SYNTAX, "Protocol error", "unbalanced quotes in request");
			return TRIB_RESP_REFUSED;
		}
		args[n++] = trib_bytes(word, (size_t)(p - word));
		p += quote != 0;
	}
	*ret_n = n;
	*ret_consumed = (size_t)(end - input.data) + 1;
	return TRIB_RESP_COMMAND;
}

enum trib_resp_parse trib_resp_parse(struct trib_bytes input, struct trib_bytes *args, size_t *ret_n,
				     size_t *ret_consumed, struct trib_error *error)
{
	size_t at = 1;
	int64_t count;

	if (input.size == 0)
		return TRIB_RESP_INCOMPLETE;
	if (input.data[0] != '*')
		return parse_inline(input, args, ret_n, ret_consumed, error);
	enum trib_resp_parse parsed = parse_number(input, &at, &count, error);

	if (parsed != TRIB_RESP_COMMAND)
		return parsed;
	if (count > TRIB_LIMIT_RESP_ARGUMENTS) {
		trib_fail(error, TRIB_TOO_LARGE, "Protocol error", "found %lld arguments, expected at most %d",
			  (long long)count, TRIB_LIMIT_RESP_ARGUMENTS);
		return TRIB_RESP_REFUSED;
	}
	for (int64_t i = 0; i < count; i++) {
		parsed = parse_argument(input, &at, &args[i], error);
		if (parsed == TRIB_RESP_INCOMPLETE && input.size > TRIB_LIMIT_RESP_FRAME_BYTES) {
			trib_fail(error, TRIB_TOO_LARGE, "Protocol error",
				  "found a command of over %d bytes", TRIB_LIMIT_RESP_FRAME_BYTES);
			return TRIB_RESP_REFUSED;
		}
		if (parsed != TRIB_RESP_COMMAND)
			return parsed;
	}
	*ret_n = count > 0 ? (size_t)count : 0;
	*ret_consumed = at;
	return TRIB_RESP_COMMAND;
}

void trib_resp_simple(struct trib_buffer *out, const char *text)
{
	trib_buffer_add_char(out, '+');
	trib_buffer_add_text(out, text);
	trib_buffer_add(out, "\r\n", 2);
}

void trib_resp_map(struct trib_buffer *out, int version, size_t n)
{
	if (version >= 3)
		trib_resp_header(out, '%', (int64_t)n);
	else
		trib_resp_array(out, 2 * n);
}

void trib_resp_null(struct trib_buffer *out, int version)
{
	trib_buffer_add_text(out, version >= 3 ? "_\r\n" : "$-1\r\n");
}

void trib_resp_null_array(struct trib_buffer *out, int version)
{
	trib_buffer_add_text(out, version >= 3 ? "_\r\n" : "*-1\r\n");
}

void trib_resp_verbatim(struct trib_buffer *out, int version, struct trib_bytes text)
{
	if (version < 3) {
		trib_resp_bulk(out, text);
		return;
	}
	trib_resp_header(out, '=', (int64_t)text.size + 4);
	trib_buffer_add_text(out, "txt:");
	trib_buffer_add_bytes(out, text);
	trib_buffer_add_text(out, "\r\n");
}

/*
 * The protocol ends an error at the line's end, so what outsiders wrote must not break the line; and what they wrote, or was
 * cut off in the middle of a character, may be no UTF-8, which clients expect.
 */
static void add_one_line(struct trib_buffer *out, const char *text)
{
	struct trib_bytes rest = trib_bytes_text(text);

	while (rest.size) {
		size_t step = trib_utf8_step(rest);

		if (step > 1)
			trib_buffer_add(out, rest.data, step);
		else
			trib_buffer_add_char(out, step == 0 ? '?' : (unsigned char)*rest.data < ' ' ? ' ' : *rest.data);
		rest = trib_bytes(rest.data + TRIB_MAX(step, (size_t)1), rest.size - TRIB_MAX(step, (size_t)1));
	}
}

void trib_resp_error(struct trib_buffer *out, const struct trib_error *error)
{
	trib_buffer_add_char(out, '-');
	for (const char *word = trib_status_word(error->status); *word; word++)
		trib_buffer_add_char(out, *word >= 'a' && *word <= 'z' ? (char)(*word - 32) : *word);
	trib_buffer_add_char(out, ' ');
	if (error->at[0]) {
		add_one_line(out, error->at);
		trib_buffer_add_text(out, ": ");
	}
	add_one_line(out, error->text);
	trib_buffer_add(out, "\r\n", 2);
}

void trib_resp_error_text(struct trib_buffer *out, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	trib_buffer_add_char(out, '-');
	add_one_line(out, text);
	trib_buffer_add(out, "\r\n", 2);
}
