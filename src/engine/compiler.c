#include "engine/compiler.h"

#include <pthread.h>
#include <unistd.h>

#include "engine/state.h"

struct compile_job {
	struct trib_call *call;
	struct trib_hash_key key;
	struct trib_tree *base; /* of PATCH */
	struct trib_tree *tree;
	struct trib_play *play;
	struct compiled_trees trees; /* of the play */
	trib_status status;
	struct trib_error error;
	pthread_t thread;
	bool threaded, done;
	struct trib_bell *bell;
};

/* rules/live.json is the tree `live`. Each is right: the play has been read. */
static trib_status prepare_trees(struct compile_job *job, const struct trib_play_file *files, size_t count)
{
	static const char folder[] = "rules/", ending[] = ".json";
	const size_t around = sizeof(folder) + sizeof(ending) - 2;
	trib_status status = TRIB_OK;

	for (size_t i = 0; i < count && status == TRIB_OK; i++) {
		struct compiled_tree *tree = &job->trees.items[job->trees.count];

		if (files[i].name.size <= around || strncmp(files[i].name.data, folder, sizeof(folder) - 1) != 0)
			continue;
		snprintf(tree->name, sizeof(tree->name), "%.*s", (int)(files[i].name.size - around),
			 files[i].name.data + sizeof(folder) - 1);
		status = trib_rules_prepare(&job->key, trib_bytes_text(tree->name), files[i].text, &tree->tree, &job->error);
		job->trees.count += status == TRIB_OK;
	}
	return status;
}

/* A play bears the name that it is put by. */
static trib_status read_play(struct compile_job *job)
{
	const Tributary__PlayPutRequest *request = (const Tributary__PlayPutRequest *)job->call->body;
	struct trib_play_file files[TRIB_LIMIT_PLAY_FILES];

	if (request->n_files > TRIB_LIMIT_PLAY_FILES)
		return trib_fail(&job->error, TRIB_LIMIT, "files", "found %zu files, expected at most %d",
				 request->n_files, TRIB_LIMIT_PLAY_FILES);
	for (size_t i = 0; i < request->n_files; i++)
		files[i] = (struct trib_play_file){
			trib_bytes_text(request->files[i]->name),
			trib_bytes_text(request->files[i]->text ? request->files[i]->text : "")
		};
	trib_status status = trib_play_new(files, (uint32_t)request->n_files, &trib_play_trees, &job->play,
					   &job->error);

	if (status == TRIB_OK && !trib_bytes_is(job->call->name, trib_play_name(job->play)))
		return trib_fail(&job->error, TRIB_INVALID, "play.yaml: name", "found \"%s\", expected \"%.*s\" as in the path",
				 trib_play_name(job->play), TRIB_BYTES_ARG(job->call->name));
	return status == TRIB_OK ? prepare_trees(job, files, request->n_files) : status;
}

/* Reads only what stays as it is: the call's bytes, and a tree that is immutable. */
static void compile(struct compile_job *job)
{
	const struct trib_call *call = job->call;

	if (call->kind == TRIB_CALL_PLAY_PUT) {
		job->status = read_play(job);
		return;
	}
	struct trib_buffer patched;
	struct trib_bytes source = call->source;

	trib_buffer_init(&patched, 4 << 20);
	if (job->base) {
		job->status = trib_rules_patch(trib_tree_source(job->base), call->node, call->source, &patched,
					       &job->error);
		source = trib_buffer_bytes(&patched);
	}
	if (job->status == TRIB_OK)
		job->status = trib_rules_prepare(&job->key, call->name, source, &job->tree, &job->error);
	trib_buffer_fini(&patched);
}

static void *run(void *context)
{
	struct compile_job *job = context;

	compile(job);
	__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
	trib_bell_ring(job->bell);
	return NULL;
}

void compiler_init(struct trib_engine *engine)
{
	engine->compiler = (struct compiler){ 0 };
	engine->compiler.last_waiting = &engine->compiler.waiting;
}

static void free_job(struct compile_job *job)
{
	if (job->threaded)
		pthread_join(job->thread, NULL);
	trib_tree_unref(job->base);
	trib_tree_unref(job->tree);
	trib_play_free(job->play);
	for (uint32_t i = 0; i < job->trees.count; i++)
		trib_tree_unref(job->trees.items[i].tree);
	free(job);
}

void compiler_fini(struct trib_engine *engine)
{
	struct compiler *compiler = &engine->compiler;
	struct trib_call *waiting = TRIB_TAKE_PTR(compiler->waiting);

	if (compiler->job) {
		struct trib_call *call = compiler->job->call;

		free_job(TRIB_TAKE_PTR(compiler->job));
		call->next = waiting;
		waiting = call;
	}
	while (waiting) {
		struct trib_call *call = waiting;

		waiting = call->next;
		call->status = trib_fail(&call->error, TRIB_UNKNOWN, "", "repeat this command");
		call->done(call);
	}
	compiler_init(engine);
}

bool compiler_take(struct trib_engine *engine, struct trib_call *call)
{
	struct compiler *compiler = &engine->compiler;

	if (call->kind != TRIB_CALL_RULES_PUT && call->kind != TRIB_CALL_RULES_PATCH &&
	    call->kind != TRIB_CALL_PLAY_PUT)
		return false;
	call->next = NULL;
	*compiler->last_waiting = call;
	compiler->last_waiting = &call->next;
	return true;
}

static void begin(struct trib_engine *engine)
{
	struct compiler *compiler = &engine->compiler;
	struct trib_call *call = compiler->waiting;
	struct compile_job *job = trib_alloc_zeroed(1, sizeof(*job));
	uint32_t number = trib_rules_number(engine->rules, call->name);

	compiler->waiting = call->next;
	if (!compiler->waiting)
		compiler->last_waiting = &compiler->waiting;
	job->call = call;
	job->key = engine->table_key;
	job->bell = &engine->bell;
	compiler->job = job;
	if (call->kind == TRIB_CALL_RULES_PATCH && !number) {
		job->status = trib_fail(&job->error, TRIB_NOT_FOUND, "name", "found no tree of that name");
		job->done = true;
		return;
	}
	if (call->kind == TRIB_CALL_RULES_PATCH)
		job->base = trib_tree_ref((struct trib_tree *)(uintptr_t)trib_rules_tree(
			engine->rules, number, trib_rules_latest(engine->rules, number)));
	if (!engine->options.foreground && pthread_create(&job->thread, NULL, run, job) == 0) {
		job->threaded = true;
		return;
	}
	compile(job);
	job->done = true;
}

void compiler_turn(struct trib_engine *engine)
{
	struct compiler *compiler = &engine->compiler;

	for (;;) {
		struct compile_job *job = compiler->job;

		if (!job && !compiler->waiting)
			return;
		if (!job) {
			begin(engine);
			continue;
		}
		if (!__atomic_load_n(&job->done, __ATOMIC_ACQUIRE))
			return;
		calls_decide(engine, job->call, job->status, &job->error);
		compiler->job = NULL;
		free_job(job);
	}
}

struct trib_tree *compiler_tree(struct trib_engine *engine, const struct trib_call *call, uint32_t *ret_base)
{
	struct compile_job *job = engine->compiler.job;

	trib_assert(job && job->call == call && job->tree);
	*ret_base = job->base ? trib_tree_version(job->base) : 0;
	return TRIB_TAKE_PTR(job->tree);
}

struct trib_play *compiler_play(struct trib_engine *engine, const struct trib_call *call)
{
	struct compile_job *job = engine->compiler.job;

	trib_assert(job && job->call == call && job->play);
	return TRIB_TAKE_PTR(job->play);
}

const struct compiled_trees *compiler_trees(struct trib_engine *engine, const struct trib_call *call)
{
	struct compile_job *job = engine->compiler.job;

	trib_assert(job && job->call == call);
	return &job->trees;
}
