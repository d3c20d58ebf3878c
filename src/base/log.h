/*
 * Structured logs: one line an event, `time level message key=value …`, on stderr. The program logs, once;
 * library rooms return errors instead. Values are quoted where they need it; secrets never go in.
 *
 *	trib_log_info("listening", "door", "resp", "address", "127.0.0.1:7390", NULL);
 */
#ifndef TRIB_BASE_LOG_H
#define TRIB_BASE_LOG_H

#include <stdbool.h>
#include "base/macros.h"

enum trib_log_level { TRIB_LOG_DEBUG, TRIB_LOG_INFO, TRIB_LOG_WARN, TRIB_LOG_ERROR };

/* Set once at start: the lowest level that is written, and whether lines are JSON objects. */
void trib_log_setup(enum trib_log_level level, bool json);

/* Pairs of strings follow, ended by NULL. Any thread. */
void trib_log(enum trib_log_level level, const char *message, ...) __attribute__((sentinel));
#define trib_log_debug(...) trib_log(TRIB_LOG_DEBUG, __VA_ARGS__)
#define trib_log_info(...) trib_log(TRIB_LOG_INFO, __VA_ARGS__)
#define trib_log_warn(...) trib_log(TRIB_LOG_WARN, __VA_ARGS__)
#define trib_log_error(...) trib_log(TRIB_LOG_ERROR, __VA_ARGS__)

#endif
