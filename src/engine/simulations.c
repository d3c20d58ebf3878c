#include "engine/simulations.h"

#include <jansson.h>
#include <pthread.h>

#include "engine/simulate.h"
#include "engine/state.h"

enum { KEPT_MAX = 16, REPORT_BYTES_MAX = 4 << 20, EXAMPLES_MAX = 1000 };

struct simulation_job {
	uint64_t number; /* from 1 */
	char name[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1], data[4096];
	char *source;
	struct trib_simulate_options options;
	struct trib_simulate_progress progress;
	pthread_t thread;
	bool threaded, done; /* done: the thread has nothing left to do */
	struct trib_buffer report;
	trib_status status;
	struct trib_error error;
};

struct simulations {
	struct simulation_job *jobs[KEPT_MAX]; /* by number modulo */
	uint64_t newest;
};

static void *run(void *context)
{
	struct simulation_job *job = context;

	job->status = trib_simulate(&job->options, &job->progress, &job->report, &job->error);
	__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void free_job(struct simulation_job *job)
{
	if (!job)
		return;
	__atomic_store_n(&job->progress.cancel, true, __ATOMIC_RELAXED);
	if (job->threaded)
		pthread_join(job->thread, NULL);
	trib_buffer_fini(&job->report);
	free(job->source);
	free(job);
}

void simulations_fini(struct trib_engine *engine)
{
	struct simulations *all = TRIB_TAKE_PTR(engine->simulations);

	for (int i = 0; all && i < KEPT_MAX; i++)
		free_job(all->jobs[i]);
	free(all);
}

/* A whole number from 0 to max, 0 where it is not stated. */
static bool take_number(json_t *json, const char *name, int64_t max, int64_t *ret_number)
{
	json_t *value = json_object_get(json, name);

	*ret_number = 0;
	if (!value || json_is_null(value))
		return true;
	*ret_number = json_integer_value(value);
	return json_is_integer(value) && *ret_number >= 0 && *ret_number <= max;
}

/* What is left of the body once it is known what to simulate is the candidate. */
static trib_status read_request(const struct trib_engine *engine, const struct trib_call *call,
				struct simulation_job *job, struct trib_error *error)
{
	static const struct {
		const char *name;
		int64_t max;
	} rows[] = { { "version", UINT32_MAX }, { "from", INT64_MAX }, { "to", INT64_MAX },
		     { "examples", EXAMPLES_MAX } };
	int64_t numbers[TRIB_ARRAY_SIZE(rows)];
	json_t *json = json_loadb(call->source.data, call->source.size, JSON_REJECT_DUPLICATES, NULL);
	trib_status status = TRIB_OK;

	if (!json_is_object(json)) {
		json_decref(json);
		return trib_fail(error, TRIB_INVALID, "", "expected an object with version, or root");
	}
	for (size_t i = 0; status == TRIB_OK && i < TRIB_ARRAY_SIZE(rows); i++) {
		if (!take_number(json, rows[i].name, rows[i].max, &numbers[i]))
			status = trib_fail(error, TRIB_INVALID, rows[i].name, "expected an integer from 0 to %lld",
					   (long long)rows[i].max);
		json_object_del(json, rows[i].name);
	}
	if (status == TRIB_OK && numbers[2] && numbers[2] < numbers[1])
		status = trib_fail(error, TRIB_INVALID, "to", "found %lld, expected from or later, %lld",
				   (long long)numbers[2], (long long)numbers[1]);
	if (status == TRIB_OK && numbers[0]) {
		const struct trib_tree *tree = trib_rules_tree(
			engine->rules, trib_rules_number(engine->rules, call->name), (uint32_t)numbers[0]);
		struct trib_bytes source = tree ? trib_tree_source(tree) : trib_bytes("", 0);

		if (json_object_size(json))
			status = trib_fail(error, TRIB_INVALID, json_object_iter_key(json_object_iter(json)),
					   "found a candidate beside version, expected one of them");
		else if (!tree)
			status = trib_fail(error, TRIB_NOT_FOUND, "version", "found no version %lld of that tree",
					   (long long)numbers[0]);
		else
			job->source = strndup(source.data, source.size);
	} else if (status == TRIB_OK) {
		job->source = json_dumps(json, JSON_COMPACT);
	}
	json_decref(json);
	if (status != TRIB_OK)
		return status;
	job->options = (struct trib_simulate_options){ .data = job->data, .name = trib_bytes_text(job->name),
						       .source = trib_bytes_text(job->source),
						       .from_ms = numbers[1], .to_ms = numbers[2],
						       .examples = (uint32_t)numbers[3],
						       .durable = engine->progress.durable };
	return TRIB_OK;
}

/* What cannot be a tree is refused at once, not by the job. */
static trib_status check_candidate(const struct simulation_job *job, const struct trib_engine *engine,
				   struct trib_error *error)
{
	const struct trib_tree_options options = { .key = &engine->table_key, .name = job->name, .number = 1,
						   .version = 1 };
	struct trib_tree *tree;
	trib_status status = trib_tree_new(&options, job->options.source, &tree, error);

	if (status == TRIB_OK)
		trib_tree_unref(tree);
	return status;
}

static void show(const struct simulation_job *job, struct trib_buffer *json)
{
	bool done = __atomic_load_n(&job->done, __ATOMIC_ACQUIRE);

	trib_buffer_add_format(json, "{\"id\":%llu,\"rules\":", (unsigned long long)job->number);
	trib_json_add_string(json, trib_bytes_text(job->name));
	trib_buffer_add_format(json, ",\"state\":\"%s\",\"percent\":%u,\"orders\":%llu",
			       !done ? "running" : job->status == TRIB_OK ? "done" : "failed",
			       done && job->status == TRIB_OK ? 100 : trib_simulate_percent(&job->progress),
			       (unsigned long long)__atomic_load_n(&job->progress.orders, __ATOMIC_RELAXED));
	if (done && job->status == TRIB_OK) {
		trib_buffer_add_text(json, ",\"report\":");
		trib_buffer_add_bytes(json, trib_buffer_bytes(&job->report));
	} else if (done) {
		trib_buffer_add_format(json, ",\"code\":\"%s\",\"at\":", trib_status_word(job->status));
		trib_json_add_string(json, trib_bytes_text(job->error.at));
		trib_buffer_add_text(json, ",\"detail\":");
		trib_json_add_string(json, trib_bytes_text(job->error.text));
	}
	trib_buffer_add_char(json, '}');
}

trib_status simulations_begin(struct trib_engine *engine, struct trib_call *call)
{
	struct simulations *all = engine->simulations;
	struct simulation_job *job, *last;
	trib_status status;

	if (!all)
		all = engine->simulations = trib_alloc_zeroed(1, sizeof(*all));
	last = all->newest ? all->jobs[all->newest % KEPT_MAX] : NULL;
	if (last && !__atomic_load_n(&last->done, __ATOMIC_ACQUIRE))
		return trib_fail(&call->error, TRIB_BUSY, "", "found simulation %llu under way, expected it to be done",
				 (unsigned long long)last->number);
	job = trib_alloc_zeroed(1, sizeof(*job));
	trib_buffer_init(&job->report, REPORT_BYTES_MAX);
	snprintf(job->name, sizeof(job->name), TRIB_BYTES_FMT, TRIB_BYTES_ARG(call->name));
	snprintf(job->data, sizeof(job->data), "%s", engine->options.data);
	status = read_request(engine, call, job, &call->error);
	if (status == TRIB_OK)
		status = check_candidate(job, engine, &call->error);
	if (status != TRIB_OK) {
		free_job(job);
		return status;
	}
	job->number = ++all->newest;
	free_job(all->jobs[job->number % KEPT_MAX]);
	all->jobs[job->number % KEPT_MAX] = job;
	if (engine->options.foreground)
		run(job);
	else
		job->threaded = pthread_create(&job->thread, NULL, run, job) == 0;
	if (!engine->options.foreground && !job->threaded) {
		job->status = trib_fail(&job->error, TRIB_NO_MEMORY, "", "no thread can be started");
		job->done = true;
	}
	call->http_status = 202;
	show(job, &call->reply);
	return TRIB_OK;
}

trib_status simulations_show(struct trib_engine *engine, struct trib_call *call)
{
	struct simulations *all = engine->simulations;
	struct simulation_job *job = all && call->version ? all->jobs[call->version % KEPT_MAX] : NULL;

	if (!job || job->number != call->version || !trib_bytes_is(call->name, job->name))
		return trib_fail(&call->error, TRIB_NOT_FOUND, "version",
				 "found no simulation %u of that tree; the newest %d are kept", call->version,
				 KEPT_MAX);
	show(job, &call->reply);
	return TRIB_OK;
}
