/*
 * A selection, run: chunks are handed out to threads, each leaves of its chunks the rows that are true, counts them and
 * keeps the first of them in order. In an AND whoever drops most for its time goes first; what is to be known of that is
 * measured on the way.
 */
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include "base/clock.h"
#include "select/facets.h"
#include "select/plan.h"

enum { EVAL_BYTES = 1 << 20, AND_MAX = 64 };

/* What a step has done, by one thread or all. */
struct tally {
	uint64_t given, left; /* rows */
	int64_t ns;
};

struct trib_selection {
	struct plan plan;
	bool ascending;
	uint32_t limit;
	uint32_t facets[TRIB_LIMIT_SELECT_FACETS], facet_count;
	struct tally *tallies; /* of the last run, a step each */
	uint64_t count;
	int64_t ns;
};

/* What the threads of a run share. */
struct run {
	struct trib_selection *selection;
	uint32_t chunk_count, next_chunk; /* atomic */
	bool stop;			  /* atomic: somebody has failed */
};

/* One thread's. rows[] is a binary heap once it is full: the worst of those kept is the first. */
struct worker {
	struct run *run;
	struct trib_arena arena;
	struct tally *tallies;
	uint64_t count;
	struct facets facets;
	struct trib_selected_row *rows;
	uint32_t row_count;
	trib_status status;
	struct trib_error error;
	pthread_t thread;
};

/* ---- Steps -------------------------------------------------------------------------------- */

static uint32_t take_step(struct worker *worker, const struct step *step, uint32_t chunk,
			  uint64_t rows[TRIB_CHUNK_WORDS], uint32_t given);

static bool failed(struct worker *worker, trib_status status)
{
	worker->status = status;
	__atomic_store_n(&worker->run->stop, true, __ATOMIC_RELAXED);
	return false;
}

static bool take_set(struct worker *worker, const struct step *step, uint32_t chunk, uint64_t *rows)
{
	struct trib_chunk column;
	trib_status status = trib_table_chunk(worker->run->selection->plan.table, chunk,
					      step->field, &column, &worker->error);

	return status == TRIB_OK ? trib_chunk_filter(&column, step->set, rows)
				 : failed(worker, status);
}

static bool take_codes(struct worker *worker, const struct step *step, uint32_t chunk,
		       uint64_t *rows)
{
	uint64_t having[TRIB_CHUNK_WORDS], any = 0;
	struct trib_code_sets sets;
	trib_status status = trib_table_codes(worker->run->selection->plan.table, chunk,
					      step->field, &sets, &worker->error);

	if (status != TRIB_OK)
		return failed(worker, status);
	if (!step->negated)
		return trib_codes_filter(&sets, step->set, rows);
	memcpy(having, rows, sizeof(having));
	trib_codes_filter(&sets, step->set, having);
	for (uint32_t word = 0; word < TRIB_CHUNK_WORDS; word++)
		any |= rows[word] &= ~having[word];
	return any != 0;
}

/* True, of a row; an error is not. */
static bool holds(struct worker *worker, const struct trib_expr_program *program,
		  struct row_facts *facts)
{
	struct trib_value value;
	trib_status status =
		trib_expr_eval(program, &(struct trib_expr_facts){ row_facts_get, facts, NULL, 0 },
			       &worker->arena, &value, NULL);

	trib_arena_reset(&worker->arena);
	return status == TRIB_OK && value.kind == TRIB_VALUE_BOOL && value.boolean;
}

static bool take_rich(struct worker *worker, const struct step *step, uint32_t chunk,
		      uint64_t *rows)
{
	struct row_facts facts = { .table = worker->run->selection->plan.table };
	uint64_t any = 0;

	for (uint32_t word = 0; word < TRIB_CHUNK_WORDS; word++) {
		for (uint64_t left = rows[word]; left; left &= left - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(left);

			facts.row = chunk * TRIB_CHUNK_ROWS + word * 64 + bit;
			if (!holds(worker, step->program, &facts))
				rows[word] &= ~(1ull << bit);
			if (facts.status != TRIB_OK) {
				worker->error = facts.error;
				return failed(worker, facts.status);
			}
		}
		any |= rows[word];
	}
	return any != 0;
}

/* What a step costs for each row that it drops: the lower comes first. Who has not been asked yet, before all. */
static double cost(const struct tally *tally)
{
	return tally->given ? (double)tally->ns / ((double)(tally->given - tally->left) +
						   1e-3 * (double)tally->given)
			    : 0;
}

static uint32_t take_all(struct worker *worker, const struct step *step, uint32_t chunk,
			 uint64_t *rows, uint32_t given)
{
	const struct step *order[AND_MAX];
	double costs[AND_MAX];
	uint32_t count = TRIB_MIN(step->count, (uint32_t)AND_MAX);

	for (uint32_t i = 0; i < count; i++) {
		double own = cost(&worker->tallies[step->args[i]->number]);
		uint32_t place = i;

		for (; place && costs[place - 1] > own; place--) {
			costs[place] = costs[place - 1];
			order[place] = order[place - 1];
		}
		costs[place] = own;
		order[place] = step->args[i];
	}
	for (uint32_t i = 0; given && i < step->count; i++)
		given = take_step(worker, i < count ? order[i] : step->args[i], chunk, rows, given);
	return given;
}

static uint32_t take_any(struct worker *worker, const struct step *step, uint32_t chunk,
			 uint64_t *rows, uint32_t given)
{
	uint64_t found[TRIB_CHUNK_WORDS] = { 0 }, asked[TRIB_CHUNK_WORDS];
	uint32_t left = 0;

	for (uint32_t i = 0; left < given && i < step->count; i++) {
		for (uint32_t word = 0; word < TRIB_CHUNK_WORDS; word++)
			asked[word] = rows[word] & ~found[word];
		uint32_t some = take_step(worker, step->args[i], chunk, asked, given - left);

		for (uint32_t word = 0; some && word < TRIB_CHUNK_WORDS; word++)
			found[word] |= asked[word];
		left += some;
	}
	memcpy(rows, found, sizeof(found));
	return worker->status == TRIB_OK ? left : 0;
}

static uint32_t take(struct worker *worker, const struct step *step, uint32_t chunk, uint64_t *rows,
		     uint32_t given)
{
	bool any = false;

	switch ((enum step_kind)step->kind) {
	case STEP_ALL:
		return given;
	case STEP_NONE:
		return 0;
	case STEP_AND:
		return take_all(worker, step, chunk, rows, given);
	case STEP_OR:
		return take_any(worker, step, chunk, rows, given);
	case STEP_SET:
		any = take_set(worker, step, chunk, rows);
		break;
	case STEP_CODES:
		any = take_codes(worker, step, chunk, rows);
		break;
	case STEP_RICH:
		any = take_rich(worker, step, chunk, rows);
		break;
	}
	return any ? trib_chunk_count(rows) : 0;
}

/* How many of the `given` rows are left; 0, too, if the worker has failed. Then what is in rows does not matter. */
static uint32_t take_step(struct worker *worker, const struct step *step, uint32_t chunk,
			  uint64_t rows[TRIB_CHUNK_WORDS], uint32_t given)
{
	struct tally *tally = &worker->tallies[step->number];
	int64_t begun = trib_clock_monotonic_ns(trib_clock_system());
	uint32_t left = take(worker, step, chunk, rows, given);

	tally->given += given;
	tally->left += left;
	tally->ns += trib_clock_monotonic_ns(trib_clock_system()) - begun;
	return left;
}

/* ---- Order -------------------------------------------------------------------------------- */

/* Does a come before b? Keys are made so that the higher is first; NaN is last. */
static bool before(const struct trib_selected_row *a, const struct trib_selected_row *b)
{
	if (a->key != b->key && !(isnan(a->key) && isnan(b->key)))
		return isnan(b->key) || a->key > b->key;
	return a->row < b->row;
}

static int compare_rows(const void *a, const void *b)
{
	return before(a, b) ? -1 : 1;
}

static void sift_down(struct trib_selected_row *rows, uint32_t count)
{
	struct trib_selected_row moved = rows[0];
	uint32_t i = 0;

	for (uint32_t child; (child = 2 * i + 1) < count; i = child) {
		child += child + 1 < count && before(&rows[child], &rows[child + 1]);
		if (!before(&moved, &rows[child]))
			break;
		rows[i] = rows[child];
	}
	rows[i] = moved;
}

static void keep(struct worker *worker, struct trib_selected_row row)
{
	uint32_t limit = worker->run->selection->limit, i = worker->row_count;

	if (i == limit) {
		if (before(&row, &worker->rows[0])) {
			worker->rows[0] = row;
			sift_down(worker->rows, limit);
		}
		return;
	}
	for (worker->row_count++; i && before(&worker->rows[(i - 1) / 2], &row); i = (i - 1) / 2)
		worker->rows[i] = worker->rows[(i - 1) / 2];
	worker->rows[i] = row;
}

/* Of the rows those are left that could still be among the first. False: none could. */
static bool narrow(struct worker *worker, const struct trib_chunk *keys,
		   uint64_t rows[TRIB_CHUNK_WORDS])
{
	bool ascending = worker->run->selection->ascending;
	struct trib_range range = { INT64_MIN, INT64_MAX };

	if (worker->row_count < worker->run->selection->limit || isnan(worker->rows[0].key))
		return true;
	/* A double may stand for several integers of this size: those next to it are looked at one by one. */
	double edge = ascending ? -worker->rows[0].key : worker->rows[0].key,
	       room = fabs(edge) * 0x1p-52;

	if (ascending && edge + room < 0x1p62)
		range.hi = (int64_t)ceil(edge + room);
	else if (!ascending && edge - room > -0x1p62)
		range.lo = (int64_t)floor(edge - room);
	return trib_chunk_filter(keys, (struct trib_ranges){ 1, &range }, rows);
}

static void keep_by_field(struct worker *worker, uint32_t chunk, uint64_t rows[TRIB_CHUNK_WORDS])
{
	const struct trib_selection *selection = worker->run->selection;
	struct trib_chunk keys;
	trib_status status = trib_table_chunk(selection->plan.table, chunk,
					      selection->plan.order_field, &keys, &worker->error);

	if (status != TRIB_OK) {
		failed(worker, status);
		return;
	}
	if (!narrow(worker, &keys, rows))
		return;
	for (uint32_t word = 0; word < TRIB_CHUNK_WORDS; word++)
		for (uint64_t left = rows[word]; left; left &= left - 1) {
			uint32_t place = word * 64 + (uint32_t)__builtin_ctzll(left);
			double key = (double)trib_chunk_value(&keys, place);

			keep(worker,
			     (struct trib_selected_row){ chunk * TRIB_CHUNK_ROWS + place,
							 selection->ascending ? -key : key });
		}
}

static double key_of(struct worker *worker, struct row_facts *facts)
{
	struct trib_value value;
	trib_status status =
		trib_expr_eval(worker->run->selection->plan.order,
			       &(struct trib_expr_facts){ row_facts_get, facts, NULL, 0 },
			       &worker->arena, &value, NULL);

	trib_arena_reset(&worker->arena);
	if (status != TRIB_OK)
		return NAN;
	return value.kind == TRIB_VALUE_DOUBLE ? value.number
	       : value.kind == TRIB_VALUE_TIMESTAMP
		       ? (double)value.integer * 1000 + value.nanos / 1000000
		       : (double)value.integer;
}

static void keep_by_expression(struct worker *worker, uint32_t chunk,
			       const uint64_t rows[TRIB_CHUNK_WORDS])
{
	const struct trib_selection *selection = worker->run->selection;
	struct row_facts facts = { .table = selection->plan.table };

	for (uint32_t word = 0; word < TRIB_CHUNK_WORDS; word++)
		for (uint64_t left = rows[word]; left; left &= left - 1) {
			facts.row = chunk * TRIB_CHUNK_ROWS + word * 64 +
				    (uint32_t)__builtin_ctzll(left);
			double key = selection->plan.order ? key_of(worker, &facts) : 0;

			keep(worker, (struct trib_selected_row){
					     facts.row, selection->ascending ? -key : key });
			if (facts.status != TRIB_OK) {
				worker->error = facts.error;
				failed(worker, facts.status);
				return;
			}
		}
}

/* ---- Threads ------------------------------------------------------------------------------ */

static void *work(void *context)
{
	struct worker *worker = context;
	struct run *run = worker->run;
	const struct trib_selection *selection = run->selection;
	uint64_t rows[TRIB_CHUNK_WORDS];
	uint32_t chunk;

	while (!__atomic_load_n(&run->stop, __ATOMIC_RELAXED) &&
	       (chunk = __atomic_fetch_add(&run->next_chunk, 1, __ATOMIC_RELAXED)) <
		       run->chunk_count) {
		uint32_t given = trib_table_chunk_rows(selection->plan.table, chunk);

		trib_chunk_all(given, rows);
		uint32_t left = take_step(worker, selection->plan.root, chunk, rows, given);

		worker->count += left;
		if (!left)
			continue;
		trib_status status = facets_add(&worker->facets, chunk, rows, left, &worker->error);

		if (status != TRIB_OK) {
			failed(worker, status);
			break;
		}
		if (!selection->limit)
			continue;
		if (selection->plan.order_is_field)
			keep_by_field(worker, chunk, rows);
		else
			keep_by_expression(worker, chunk, rows);
	}
	return NULL;
}

static void begin_worker(struct worker *worker, struct run *run)
{
	*worker = (struct worker){ .run = run };
	trib_arena_init(&worker->arena, EVAL_BYTES);
	worker->tallies =
		trib_alloc_zeroed(run->selection->plan.step_count, sizeof(*worker->tallies));
	worker->rows = trib_alloc(run->selection->limit * sizeof(*worker->rows));
	facets_init(&worker->facets, run->selection->plan.table, run->selection->facets,
		    run->selection->facet_count);
}

static void end_worker(struct worker *worker)
{
	trib_arena_fini(&worker->arena);
	facets_fini(&worker->facets);
	free(worker->tallies);
	free(worker->rows);
}

static trib_status gather(struct trib_selection *selection, struct worker *workers,
			  uint32_t threads, struct trib_selected *ret_selected,
			  struct trib_error *error)
{
	struct trib_selected selected = { .rows = trib_alloc((size_t)selection->limit * threads *
							     sizeof(*selected.rows)) };

	memset(selection->tallies, 0, selection->plan.step_count * sizeof(*selection->tallies));
	for (uint32_t i = 0; i < threads; i++) {
		if (workers[i].status != TRIB_OK) {
			free(selected.rows);
			if (error)
				*error = workers[i].error;
			return workers[i].status;
		}
		selected.count += workers[i].count;
		if (i)
			facets_merge(&workers[0].facets, &workers[i].facets);
		memcpy(selected.rows + selected.row_count, workers[i].rows,
		       workers[i].row_count * sizeof(*selected.rows));
		selected.row_count += workers[i].row_count;
		for (uint32_t s = 0; s < selection->plan.step_count; s++) {
			selection->tallies[s].given += workers[i].tallies[s].given;
			selection->tallies[s].left += workers[i].tallies[s].left;
			selection->tallies[s].ns += workers[i].tallies[s].ns;
		}
	}
	qsort(selected.rows, selected.row_count, sizeof(*selected.rows), compare_rows);
	selected.row_count = TRIB_MIN(selected.row_count, selection->limit);
	for (uint32_t i = 0; selection->ascending && i < selected.row_count; i++)
		selected.rows[i].key = -selected.rows[i].key;
	selected.facets = facets_list(&workers[0].facets);
	selected.facet_count = selection->facet_count;
	selection->count = selected.count;
	*ret_selected = selected;
	return TRIB_OK;
}

trib_status trib_selection_run(struct trib_selection *selection, uint32_t threads,
			       struct trib_selected *ret_selected, struct trib_error *error)
{
	struct run run = { .selection = selection,
			   .chunk_count = trib_table_chunks(selection->plan.table) };
	TRIB_AUTOFREE struct worker *workers = trib_alloc(threads * sizeof(*workers));
	int64_t begun = trib_clock_monotonic_ns(trib_clock_system());

	trib_assert(threads >= 1);
	for (uint32_t i = 0; i < threads; i++)
		begin_worker(&workers[i], &run);
	for (uint32_t i = 1; i < threads; i++)
		trib_assert(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	work(&workers[0]);
	for (uint32_t i = 1; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	trib_status status = gather(selection, workers, threads, ret_selected, error);

	for (uint32_t i = 0; i < threads; i++)
		end_worker(&workers[i]);
	selection->ns = trib_clock_monotonic_ns(trib_clock_system()) - begun;
	return status;
}

void trib_selected_fini(struct trib_selected *selected)
{
	for (uint32_t i = 0; i < selected->facet_count; i++)
		free(selected->facets[i].values);
	free(selected->facets);
	free(selected->rows);
	*selected = (struct trib_selected){ 0 };
}

/* ---- Life --------------------------------------------------------------------------------- */

static trib_status check_request(const struct trib_table *table,
				 const struct trib_select_request *request,
				 struct trib_error *error)
{
	uint32_t count;
	const struct trib_field *fields = trib_table_fields(table, &count);

	if (request->limit > TRIB_LIMIT_SELECT_ROWS)
		return trib_fail(error, TRIB_LIMIT, "limit", "found %u, expected at most %d rows",
				 request->limit, TRIB_LIMIT_SELECT_ROWS);
	if (request->facet_count > TRIB_LIMIT_SELECT_FACETS)
		return trib_fail(error, TRIB_LIMIT, "facets",
				 "found %u, expected at most %d fields", request->facet_count,
				 TRIB_LIMIT_SELECT_FACETS);
	for (uint32_t i = 0; i < request->facet_count; i++)
		if (!facets_codes(table, request->facets[i]))
			return trib_fail(error, TRIB_INVALID, "facets",
					 "found \"%s\", expected a field of words or flags",
					 fields[request->facets[i]].name);
	return TRIB_OK;
}

trib_status trib_selection_new(const struct trib_table *table,
			       const struct trib_select_request *request,
			       struct trib_selection **ret_selection, struct trib_error *error)
{
	struct trib_selection *selection = trib_alloc_zeroed(1, sizeof(*selection));
	trib_status status = check_request(table, request, error);

	if (status == TRIB_OK)
		status = plan_make(&selection->plan, table, request, error);
	if (status != TRIB_OK) {
		trib_selection_free(selection);
		return status;
	}
	selection->ascending = request->ascending;
	selection->limit = request->limit;
	selection->facet_count = request->facet_count;
	for (uint32_t i = 0; i < request->facet_count; i++)
		selection->facets[i] = request->facets[i];
	selection->tallies =
		trib_alloc_zeroed(selection->plan.step_count, sizeof(*selection->tallies));
	*ret_selection = selection;
	return TRIB_OK;
}

void trib_selection_free(struct trib_selection *selection)
{
	if (!selection)
		return;
	plan_fini(&selection->plan);
	free(selection->tallies);
	free(selection);
}

/* ---- Explaining --------------------------------------------------------------------------- */

static void explain_step(const struct trib_selection *selection, const struct step *step, int depth,
			 struct trib_buffer *buffer)
{
	static const char *const words[] = {
		[STEP_ALL] = "all rows", [STEP_NONE] = "no row", [STEP_AND] = "all of",
		[STEP_OR] = "any of",	 [STEP_SET] = "planes",	 [STEP_CODES] = "sets",
		[STEP_RICH] = "evaluate"
	};
	const struct tally *tally = &selection->tallies[step->number];

	trib_buffer_add_format(buffer, "%12" PRIu64 " → %-12" PRIu64 " %8.2f ms  %*s%s",
			       tally->given, tally->left, (double)tally->ns / 1e6, depth * 2, "",
			       words[step->kind]);
	for (const struct step *part = step; part && part->node; part = part->joined) {
		trib_buffer_add_text(buffer, part == step ? ": " : ", ");
		if (part->negated)
			trib_buffer_add_text(buffer, "not ");
		trib_expr_print_part(selection->plan.filter, part->node, buffer);
	}
	trib_buffer_add_text(buffer, "\n");
	for (uint32_t i = 0; i < step->count; i++)
		explain_step(selection, step->args[i], depth + 1, buffer);
}

void trib_selection_explain(const struct trib_selection *selection, struct trib_buffer *buffer)
{
	explain_step(selection, selection->plan.root, 0, buffer);
	trib_buffer_add_format(
		buffer,
		"%" PRIu64 " rows selected in %.2f ms; steps' times are of all threads together\n",
		selection->count, (double)selection->ns / 1e6);
}
