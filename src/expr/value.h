/* Values inside the room: ordering, hashing, numbers as text. */
#ifndef TRIB_EXPR_VALUE_H
#define TRIB_EXPR_VALUE_H

#include "expr/expr.h"

/* -1, 0, 1; 2 where one is NaN; 3 where the kinds have no order between them. */
int trib_value_order(const struct trib_value *a, const struct trib_value *b);

/* How many values a and b hold at most, for the cost of comparing them; at least 1, at most `max`. */
uint64_t trib_value_weight(const struct trib_value *value, uint64_t max);

static inline bool trib_value_is_number(const struct trib_value *value)
{
	return value->kind >= TRIB_VALUE_INT && value->kind <= TRIB_VALUE_DOUBLE;
}

static inline uint32_t trib_value_depth(const struct trib_value *value)
{
	return value->kind == TRIB_VALUE_LIST  ? value->list->depth
	       : value->kind == TRIB_VALUE_MAP ? value->map->depth
					       : 0;
}

/* The shortest decimal that reads back as the same double, as Go's %g writes it; "NaN", "+Inf", "-Inf". At most 32 bytes. */
size_t trib_double_format(double number, char text[40]);

/* The same digits without an exponent, as Go's %f with precision -1: up to 350 bytes. */
size_t trib_double_format_plain(double number, char text[400]);

/* A double written as CEL and Go write them: "1.5", "-1e3", "NaN", "Infinity", "-inf". False: it is none. */
bool trib_double_parse(struct trib_bytes text, double *ret_number);

#endif
