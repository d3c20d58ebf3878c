/*
 * Runtime failures. A function that can fail returns a trib_status and, where
 * people will read it, fills a trib_error that names the place and what was
 * expected there:
 *
 *	struct trib_error error;
 *	if (trib_plan_parse(json, &plan, &error) != TRIB_OK)
 *		trib_log_warn("plan refused", "at", error.at, "why", error.text, NULL);
 *
 * Three kinds of "no" are never mixed: a rule outcome is a value (domain/outcome.h),
 * a runtime failure is a trib_status, a programmer error is trib_assert.
 *
 * Numbers and names never change; new rows go to the end.
 */
#ifndef TRIB_BASE_STATUS_H
#define TRIB_BASE_STATUS_H

#include <stdbool.h>
#include "base/macros.h"

/* X(NAME, number, code word, HTTP status, retriable, text). RESP shows the word in upper case. */
#define TRIB_STATUS_TABLE(X)                                                                       \
	X(OK, 0, "ok", 200, false, "done")                                                         \
	X(INVALID, 1, "invalid", 400, false, "a value is not what is expected there")              \
	X(NOT_FOUND, 2, "not_found", 404, false, "nothing of that name")                           \
	X(CONFLICT, 3, "conflict", 409, false, "same id, other content; nothing changed")          \
	X(TOO_OLD, 4, "too_old", 422, false, "AT lies before the duplicate window")                \
	X(BAD_TIME, 5, "badtime", 422, false, "AT lies too far ahead of engine time")              \
	X(TOO_LARGE, 6, "too_large", 413, false, "larger than the limit of that place")            \
	X(READ_ONLY, 7, "readonly", 503, true, "storage takes no writes now")                      \
	X(UNKNOWN, 8, "unknown", 503, true, "not known to be durable; repeat this command")        \
	X(BUSY, 9, "busy", 503, true, "too much is waiting; try again")                            \
	X(UNAUTHORIZED, 10, "noauth", 401, false, "authentication required")                       \
	X(FORBIDDEN, 11, "noperm", 403, false, "not allowed")                                      \
	X(IO, 12, "io", 500, true, "the disk or the network failed")                               \
	X(CORRUPT, 13, "corrupt", 500, false, "stored bytes are not what was written")             \
	X(UNSUPPORTED, 14, "unsupported", 400, false, "known, but not built yet")                  \
	X(NO_MEMORY, 15, "no_memory", 503, true, "out of the memory granted to this")              \
	X(FENCED, 16, "fenced", 503, false, "another owner has taken the journal")                 \
	X(TOKEN_TOO_LONG, 17, "token_too_long", 422, false, "the token would pass 120 characters") \
	X(SYNTAX, 18, "syntax", 400, false, "cannot be parsed")                                    \
	X(LIMIT, 19, "limit", 422, false, "a limit of depth, count, time or cost is reached")      \
	X(REFUSED, 20, "refused", 422, false, "a rule of the trade refuses this")                  \
	X(METHOD, 21, "method_not_allowed", 405, false, "this place does not take that method")    \
	X(INTERNAL, 22, "internal", 500, false, "a fault of the program")                          \
	X(OVER_REFUND, 23, "over_refund", 422, false, "more than remains of the order")            \
	X(RATE, 24, "rate_limited", 429, true, "more often than is granted; wait")                 \
	X(CHANGED, 25, "precondition_failed", 412, false, "it is another than the condition says") \
	X(NO_PID, 26, "no_pid", 422, false, "the site's pool has no pid that is free")

typedef enum trib_status {
#define X(name, number, word, http, retriable, text) TRIB_##name = number,
	TRIB_STATUS_TABLE(X)
#undef X
} trib_status;

enum { TRIB_ERROR_AT_MAX = 160, TRIB_ERROR_TEXT_MAX = 320 };

/* Where and why. Written only on failure; both strings are always terminated. */
struct trib_error {
	trib_status status;
	char at[TRIB_ERROR_AT_MAX];	/* the place: "plans[3].terms.commission_bps", "seg-7@4096" */
	char text[TRIB_ERROR_TEXT_MAX]; /* "found -1, expected an integer from 0 to 10000" */
};

/* Fills *error (NULL is allowed) and returns status, so that callers write `return trib_fail(…)`. */
trib_status trib_fail(struct trib_error *error, trib_status status, const char *at,
		      const char *format, ...) TRIB_PRINTF(4, 5);

/* Puts "prefix" before the place: trib_error_within(&e, "line 7") turns "at" into "line 7.at". */
void trib_error_within(struct trib_error *error, const char *prefix);

const char *trib_status_word(trib_status status); /* "not_found" */
const char *trib_status_text(trib_status status);
int trib_status_http(trib_status status);
bool trib_status_retriable(trib_status status);

#endif
