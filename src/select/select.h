/*
 * Selections: CEL over the fields of a table, answered from sets and columns, chunk by chunk.
 *
 *	struct trib_select_request request = {
 *		.filter = trib_bytes_text("category.startsWith('women/dresses') && price < 9900 && rating >= 4.5"),
 *		.order_by = trib_bytes_text("sold_30d"), .limit = 100,
 *	};
 *	struct trib_selection *selection;
 *	struct trib_selected selected;
 *
 *	status = trib_selection_new(table, &request, &selection, &error);   // "filter:1:10: …"
 *	status = trib_selection_run(selection, 2, &selected, &error);
 *	printf("%lu goods, the first is row %u\n", selected.count, selected.rows[0].row);
 *	trib_selected_fini(&selected);
 *	trib_selection_free(selection);
 *
 * A row is selected when the filter is true for it; an error of its evaluation is "not true". What compares a field
 * with constants becomes a set of values (of codes, for words) that bit planes are asked for; what cannot, is evaluated
 * on the rows that are left. Whatever the way, the result is that of the CEL evaluator on every row.
 *
 * Of the functions of selections (select/functions.h) now() and in_region() are answered here; the others are
 * TRIB_UNSUPPORTED: they need the engine.
 *
 * In CEL a field is: INT int, DECIMAL double, TIME timestamp, BOOL bool, CODE and TEXT string ("" for none), CODES
 * list(string).
 *
 * A selection is one thread's, and starts threads of its own when it runs. The table outlives it.
 */
#ifndef TRIB_SELECT_SELECT_H
#define TRIB_SELECT_SELECT_H

#include "catalog/catalog.h"
#include "expr/expr.h"
#include "select/ask.h" /* a filter and an order from people's words */
#include "select/functions.h"

struct trib_select_request {
	struct trib_bytes filter;   /* of type bool; empty: all rows */
	struct trib_bytes order_by; /* of type int, double or timestamp; empty: by row */
	bool ascending;
	int64_t now_ms; /* what now() is */
	const uint32_t *
		facets; /* fields of words or flags, whose values are to be counted over all selected rows */
	uint32_t facet_count; /* at most TRIB_LIMIT_SELECT_FACETS */
	uint32_t limit; /* rows to be returned, at most TRIB_LIMIT_SELECT_ROWS; 0: only count */
};

struct trib_selected_row {
	uint32_t row;
	double key; /* of the order; 0 without one */
};

/* How many of the selected rows have a value of a field: the most frequent first, of equals the lower code. */
struct trib_facet {
	uint32_t field;
	uint32_t value_count; /* listed: at most TRIB_LIMIT_FACET_VALUES */
	uint64_t distinct;    /* all that there are */
	struct trib_facet_value {
		uint32_t code; /* 0 of a CODE: no word; of a BOOL: 0, 1 */
		uint64_t count;
	} * values;
};

struct trib_selected {
	uint64_t count; /* all that the filter selects */
	struct trib_selected_row *
		rows; /* the first of them in order; of equal keys the lower row is first. Rows without a
					   key (an error of its evaluation, NaN) come last */
	uint32_t row_count;
	struct trib_facet *facets; /* as they were asked for */
	uint32_t facet_count;
};
void trib_selected_fini(struct trib_selected *selected);

struct trib_selection;
/* TRIB_INVALID, TRIB_SYNTAX … at "filter:line:column" or "order_by:line:column". */
trib_status trib_selection_new(const struct trib_table *table,
			       const struct trib_select_request *request,
			       struct trib_selection **ret_selection, struct trib_error *error);
void trib_selection_free(struct trib_selection *selection);

/* TRIB_CORRUPT: a segment is not what was written; it is named. */
trib_status trib_selection_run(struct trib_selection *selection, uint32_t threads,
			       struct trib_selected *ret_selected, struct trib_error *error);

/* The plan as lines of text, with what each step of the last run was given and has left, and its time. */
void trib_selection_explain(const struct trib_selection *selection, struct trib_buffer *buffer);

/* A field of a row as CEL sees it; what it points to lives as long as table and arena. */
trib_status trib_select_value(const struct trib_table *table, uint32_t row, uint32_t field,
			      struct trib_arena *arena, struct trib_value *ret_value,
			      struct trib_error *error);

#endif
