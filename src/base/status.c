#include "base/status.h"

#include <stdarg.h>
#include <string.h>

struct status_row {
	const char *word;
	int http;
	bool retriable;
	const char *text;
};

static const struct status_row status_rows[] = {
#define X(name, number, word, http, retriable, text) [number] = { word, http, retriable, text },
	TRIB_STATUS_TABLE(X)
#undef X
};

static const struct status_row *row_of(trib_status status)
{
	trib_assert((size_t)status < TRIB_ARRAY_SIZE(status_rows));
	return &status_rows[status];
}

trib_status trib_fail(struct trib_error *error, trib_status status, const char *at,
		      const char *format, ...)
{
	if (error) {
		va_list args;

		error->status = status;
		snprintf(error->at, sizeof(error->at), "%s", at ? at : "");
		va_start(args, format);
		vsnprintf(error->text, sizeof(error->text), format, args);
		va_end(args);
	}
	return status;
}

void trib_error_within(struct trib_error *error, const char *prefix)
{
	char joined[TRIB_ERROR_AT_MAX];
	const char *dot = error->at[0] && error->at[0] != '[' ? "." : "";

	if (snprintf(joined, sizeof(joined), "%s%s%s", prefix, dot, error->at) < 0)
		return;
	memcpy(error->at, joined, sizeof(joined));
}

const char *trib_status_word(trib_status status)
{
	return row_of(status)->word;
}

const char *trib_status_text(trib_status status)
{
	return row_of(status)->text;
}

int trib_status_http(trib_status status)
{
	return row_of(status)->http;
}

bool trib_status_retriable(trib_status status)
{
	return row_of(status)->retriable;
}
