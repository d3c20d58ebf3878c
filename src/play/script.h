/*
 * Scripts of plays: Lua 5.4 that can do nothing but compute.
 *
 *	struct trib_script *script;
 *	if (trib_script_new(source, &script, &line, &error) != TRIB_OK)       // does it compile, and run once?
 *		…
 *	if (trib_script_has(script, "fee"))
 *		status = trib_script_call(script, "fee", input, &output, &line, &error);
 *
 * A script's global functions are what can be called. Each takes one value and returns one, as JSON has them (tables
 * are objects or lists, null is nil); `return nil, "why"` refuses.
 *
 * Every call begins anew: nothing stays from one to the next, and the same input gives the same output, for `pairs`
 * goes in the order of keys and there is no clock, no random number, no address. What could take long in one
 * instruction (patterns, sorting, joining) is not there. A call has TRIB_LIMIT_SCRIPT_STEPS instructions,
 * TRIB_LIMIT_SCRIPT_BYTES of memory and, whatever it does, TRIB_LIMIT_SCRIPT_MS of CPU time; then it fails, and it alone.
 *
 * A script is immutable; any number of threads may call it.
 */
#ifndef TRIB_PLAY_SCRIPT_H
#define TRIB_PLAY_SCRIPT_H

#include "proto/proto.h"

struct trib_script;

/* INVALID or LIMIT. *ret_line: where; 0 if it is not known. */
trib_status trib_script_new(struct trib_bytes source, struct trib_script **ret_script, uint32_t *ret_line,
			    struct trib_error *error);
void trib_script_free(struct trib_script *script);

bool trib_script_has(const struct trib_script *script, const char *function);

/*
 * Appends what the function returned as canonical JSON. REFUSED: it said no, the text says why. INVALID: it failed, or
 * returned what JSON cannot say. LIMIT: it took too much.
 */
trib_status trib_script_call(const struct trib_script *script, const char *function, const struct trib_json *input,
			     struct trib_buffer *ret_output, uint32_t *ret_line, struct trib_error *error);

#endif
