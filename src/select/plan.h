/*
 * What a filter comes to: a tree of steps that each leave some of the rows of a chunk. Inside the room.
 *
 * Only one question counts: is it true? So negation is pushed down to the tests (De Morgan, which holds with CEL's
 * errors), a ? b : c becomes (a && b) || (!a && c), and arguments may change places. Tests of columns cannot err.
 */
#ifndef TRIB_SELECT_PLAN_H
#define TRIB_SELECT_PLAN_H

#include "expr/expr.h"
#include "select/select.h"

enum step_kind {
	STEP_ALL,
	STEP_NONE,
	STEP_AND, /* of two or more args */
	STEP_OR,
	STEP_SET,   /* the value of a column of numbers is in the set */
	STEP_CODES, /* CODES: one of the row's codes is in the set; negated: none is */
	STEP_RICH,  /* the expression, by the evaluator, row by row */
};

struct step {
	uint8_t kind;
	bool negated; /* of what is written; SET: its set is that already. CODES: no row of the set; RICH: the program says so */
	uint32_t field;
	uint32_t number; /* from 0, of the steps of a plan */
	uint32_t count;
	const struct step *const *args;
	struct trib_ranges set;
	const struct trib_expr_node *node; /* what it was written as */
	struct step *joined; /* SET: another test of the column that is part of the set */
	struct trib_expr_program *program; /* RICH */
};

struct plan {
	const struct trib_table *table;
	int64_t now_ms;
	struct trib_arena arena;
	struct trib_expr_variable *variables; /* a field each */
	uint32_t variable_count;
	struct trib_expr_program *filter; /* checked only: its parts have programs; NULL: none */
	struct trib_expr_program *order;
	const struct step *root;
	struct step **rich; /* steps that own a program */
	uint32_t rich_count, step_count;
	bool order_is_field; /* a column of numbers, which needs no evaluator */
	uint32_t order_field;
};

trib_status plan_make(struct plan *plan, const struct trib_table *table,
		      const struct trib_select_request *request, struct trib_error *error);
void plan_fini(struct plan *plan);

/* A row for the evaluator. */
struct row_facts {
	const struct trib_table *table;
	uint32_t row;
	trib_status status; /* of the segment */
	struct trib_error error;
};
bool row_facts_get(void *context, uint32_t index, struct trib_arena *arena,
		   struct trib_value *ret_value);

#endif
