/* Type inference: type variables, what may stand where, which signature of a function is meant. */
#ifndef TRIB_EXPR_INFER_H
#define TRIB_EXPR_INFER_H

#include "expr/expr.h"

/* Each variable's binding, and a log of changes so that a failed attempt can be undone. */
struct infer {
	struct trib_arena *arena;
	const struct trib_type **bindings;
	uint32_t count, capacity;
	struct infer_change {
		uint32_t variable;
		const struct trib_type *before;
	} * changes;
	uint32_t change_count, change_capacity;
	uint32_t depth; /* of the walk that is under way */
	uint32_t steps; /* of all walks */
	bool no_memory;
	bool too_complex; /* types nested so deep or so wide that walking them would not end soon */
};

void infer_init(struct infer *infer, struct trib_arena *arena);

/* A new type variable, list(element), map(key, element). A type nested too deep becomes dyn inside. */
const struct trib_type *infer_variable(struct infer *infer);
const struct trib_type *infer_list(struct infer *infer, const struct trib_type *element);
const struct trib_type *infer_map(struct infer *infer, const struct trib_type *key,
				  const struct trib_type *element);

/* The type with the variable at its top replaced by what it is bound to. */
const struct trib_type *infer_top(const struct infer *infer, const struct trib_type *type);

/* The type with all variables replaced; those that are free become dyn. */
const struct trib_type *infer_final(struct infer *infer, const struct trib_type *type);

/* The same when nothing will be bound or undone any more; it makes later calls quick. */
const struct trib_type *infer_finish(struct infer *infer, const struct trib_type *type);

/* Whether a value of type b may stand where a is expected; binds variables. On false nothing is bound. */
bool infer_assignable(struct infer *infer, const struct trib_type *a, const struct trib_type *b);

/* The type of a list of an a and a b: their common type, dyn if there is none. */
const struct trib_type *infer_join(struct infer *infer, const struct trib_type *a,
				   const struct trib_type *b);

/* The result of a function with these signatures (see function.h); NULL where none fits. */
const struct trib_type *infer_call(struct infer *infer, const char *signatures, bool method,
				   const struct trib_expr_node *const *args, uint32_t count);

#endif
