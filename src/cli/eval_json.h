/* JSON as `eval` reads it: any integer of 64 bits, bounded nesting, no name twice; and values from it. */
#ifndef TRIB_CLI_EVAL_JSON_H
#define TRIB_CLI_EVAL_JSON_H

#include <jansson.h>
#include "expr/expr.h"

/*
 * jansson's integers end at 2^63 - 1. Where a text has larger ones it is read again with those in quotes;
 * *ret_quoted says so, because a string of 19 digits and more then may have been a number.
 */
trib_status eval_json_load(struct trib_bytes text, json_t **ret_json, bool *ret_quoted,
			   struct trib_error *error);

struct eval_reader {
	struct trib_arena *arena; /* what values point to; strings point into the JSON */
	bool typed;		  /* {"int": 5} is 5; else it is a map of one entry */
	bool quoted;		  /* as above */
	struct trib_error *error;
};

/* Plain JSON: whole numbers are int, others double; objects are maps. */
trib_status eval_json_value(const struct eval_reader *reader, const char *at, json_t *json,
			    struct trib_value *ret_value);

#endif
