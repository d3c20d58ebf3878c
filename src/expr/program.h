/*
 * A program: the checked tree, and the code that is evaluated. The code works on a stack of values; every
 * expression leaves one. Errors are values as well, so that && and || can absorb them.
 *
 *	a > 1 && b        VARIABLE a; CONST 1; CALL >; AND_FIRST →end; VARIABLE b; AND_NEXT →end; end: RETURN
 *	l.all(x, x > 0)   VARIABLE l; ITER →exit; next: NEXT →done; LOCAL; CONST 0; CALL >; ALL →exit; JUMP →next;
 *	                  done: END_ALL; exit: RETURN
 */
#ifndef TRIB_EXPR_PROGRAM_H
#define TRIB_EXPR_PROGRAM_H

#include "expr/ast.h"
#include "expr/text.h"
#include "expr/time.h"

enum operation {
	OP_CONST,     /* push constants[arg] */
	OP_VARIABLE,  /* push the fact number arg */
	OP_PRESENT,   /* push whether there is a fact number arg */
	OP_LOCAL,     /* push the item of frame arg */
	OP_FAIL,      /* push the fault `count` about the name constants[arg] */
	OP_SELECT,    /* pop a map, push its value of constants[arg] */
	OP_HAS,	      /* pop a map, push whether it has constants[arg] */
	OP_CALL,      /* pop `count` arguments, push the result of function arg */
	OP_MATCH,     /* pop a string, push whether it matches patterns[arg] */
	OP_ZONE,      /* pop a timestamp, push what selector `count` says of it in zones[arg] */
	OP_LIST,      /* pop arg values, push a list */
	OP_MAP,	      /* pop arg keys and values in turn, push a map */
	OP_AND_FIRST, /* if the top is false, go to arg */
	OP_AND_NEXT,  /* pop into the top; if that makes it false, go to arg */
	OP_OR_FIRST,
	OP_OR_NEXT,
	OP_CONDITION, /* pop; true: skip the next; false: the next; an error: push it and go to arg */
	OP_JUMP,      /* go to arg */
	OP_ITER,      /* pop a range into frame `count`; an error: push it and go to arg */
	OP_NEXT,      /* the next item into frame `count`; none: go to arg */
	OP_ALL,	      /* pop a condition; false: push it and go to arg; errors are kept */
	OP_EXISTS,    /* pop a condition; true: push it and go to arg; errors are kept */
	OP_ONE,	      /* pop a condition and count it; an error: push it and go to arg */
	OP_FILTER,    /* pop a condition and keep the item if it holds; an error: as above */
	OP_COLLECT,   /* pop a value and keep it; an error: as above */
	OP_END_ALL,   /* push the result of frame `count` */
	OP_END_EXISTS,
	OP_END_ONE,
	OP_END_LIST,
	OP_RETURN,
};

struct instruction {
	uint16_t operation;
	uint16_t count;
	uint32_t arg;
};

struct trib_expr_program {
	struct trib_arena arena; /* the tree, the code and the constants */
	struct trib_bytes source;
	struct trib_expr_env env; /* a copy */
	struct trib_expr_node *root;
	struct instruction *code;
	uint32_t *offsets; /* of each instruction in the source */
	uint32_t code_count, code_capacity;
	struct trib_value *constants;
	uint32_t constant_count, constant_capacity;
	struct re2_pattern **patterns;
	uint32_t pattern_count;
	struct time_zone_name *zones;
	uint32_t zone_count, zone_capacity;
	uint32_t stack_max, frames;
};

/* Makes the code of the checked tree. */
trib_status program_generate(struct trib_expr_program *program, struct ast_context *context);

#endif
