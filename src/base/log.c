#include "base/log.h"

#include <stdarg.h>
#include <unistd.h>
#include "base/clock.h"

enum { LINE_MAX_BYTES = 8 << 10 };

static enum trib_log_level lowest = TRIB_LOG_INFO;
static bool as_json;

void trib_log_setup(enum trib_log_level level, bool json)
{
	lowest = level;
	as_json = json;
}

static bool needs_quotes(const char *text)
{
	if (!*text)
		return true;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == '"' || *text == '=' || *text == '\\')
			return true;
	return false;
}

static void add_quoted(struct trib_buffer *line, const char *text)
{
	trib_buffer_add_char(line, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			trib_buffer_add_format(line, "\\%c", c);
		else if (c < ' ')
			trib_buffer_add_format(line, "\\u%04x", c);
		else
			trib_buffer_add_char(line, (char)c);
	}
	trib_buffer_add_char(line, '"');
}

static void add_pair(struct trib_buffer *line, const char *key, const char *value)
{
	if (as_json) {
		trib_buffer_add_char(line, line->size > 1 ? ',' : ' ');
		add_quoted(line, key);
		trib_buffer_add_char(line, ':');
		add_quoted(line, value);
		return;
	}
	if (line->size)
		trib_buffer_add_char(line, ' ');
	trib_buffer_add_format(line, "%s=", key);
	if (needs_quotes(value))
		add_quoted(line, value);
	else
		trib_buffer_add_text(line, value);
}

void trib_log(enum trib_log_level level, const char *message, ...)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	struct trib_buffer line;
	char time_text[40];
	va_list args;

	if (level < lowest)
		return;
	trib_buffer_init(&line, LINE_MAX_BYTES);
	if (as_json)
		trib_buffer_add_char(&line, '{');
	add_pair(&line, "time", trib_time_format(trib_clock_wall_ms(trib_clock_system()), time_text));
	add_pair(&line, "level", names[level]);
	add_pair(&line, "msg", message);
	va_start(args, message);
	for (const char *key; (key = va_arg(args, const char *));) {
		const char *value = va_arg(args, const char *);

		add_pair(&line, key, value ? value : "");
	}
	va_end(args);
	trib_buffer_add_text(&line, as_json ? "}\n" : "\n");
	if (!line.failed && write(STDERR_FILENO, line.data, line.size) < 0)
		lowest = TRIB_LOG_ERROR; /* nobody can be told */
	trib_buffer_fini(&line);
}
