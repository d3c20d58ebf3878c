/* The life of a program: from source to code, and what is asked of it. */
#include "expr/check.h"
#include "expr/program.h"

const char *trib_expr_stage_name(enum trib_expr_stage stage)
{
	return stage == TRIB_EXPR_PARSE ? "parse" : stage == TRIB_EXPR_CHECK ? "check" : "eval";
}

trib_status trib_expr_fail(struct trib_error *ret_error, const char *at,
			   const struct trib_expr_error *error)
{
	char place[TRIB_ERROR_AT_MAX];

	snprintf(place, sizeof(place), "%s%s%u:%u", at ? at : "", at && *at ? ":" : "", error->line,
		 error->column);
	return trib_fail(ret_error, error->status, place, "%s", error->text);
}

static const struct trib_type *copy_type(struct trib_arena *arena, const struct trib_type *type)
{
	struct trib_type *copy = type ? trib_arena_alloc(arena, sizeof(*copy)) : NULL;

	if (!copy)
		return NULL;
	*copy = *type;
	copy->key = copy_type(arena, type->key);
	copy->element = copy_type(arena, type->element);
	return copy;
}

/* The program outlives the env it was made for. */
static bool copy_env(struct trib_expr_program *program, const struct trib_expr_env *env)
{
	struct trib_arena *arena = &program->arena;
	struct trib_expr_variable *variables;

	program->env = *env;
	if (env->lasting)
		return true;
	variables = trib_arena_alloc(arena, (env->variable_count + 1) * sizeof(*variables));
	if (!variables)
		return false;
	for (uint32_t i = 0; i < env->variable_count; i++) {
		variables[i].name = trib_arena_copy(arena, trib_bytes_text(env->variables[i].name));
		variables[i].type = copy_type(arena, env->variables[i].type);
		if (!variables[i].name || (env->variables[i].type && !variables[i].type))
			return false;
	}
	program->env.variables = variables;
	program->env.container =
		env->container ? trib_arena_copy(arena, trib_bytes_text(env->container)) : NULL;
	return !env->container || program->env.container;
}

static trib_status build(struct trib_expr_program *program, const struct trib_expr_env *env,
			 struct trib_bytes source, struct trib_expr_error *error)
{
	struct ast_context context = { .arena = &program->arena, .source = source, .error = error };
	trib_status status;

	/* Looked at before it is copied. */
	if (source.size <= TRIB_LIMIT_CEL_SOURCE_BYTES) {
		char *copy = trib_arena_copy(&program->arena, source);

		if (!copy || !copy_env(program, env))
			return ast_fail(&context, TRIB_EXPR_PARSE, TRIB_NO_MEMORY, 0,
					"the expression needs more memory than one may have");
		context.source = program->source = trib_bytes(copy, source.size);
	}
	status = ast_parse(&context, env->flags, &program->root);
	return status == TRIB_OK ?
		       ast_check(&context, &program->env, program->root, &program->frames) :
		       status;
}

trib_status trib_expr_check(const struct trib_expr_env *env, struct trib_bytes source,
			    struct trib_expr_program **ret_program, struct trib_expr_error *error)
{
	struct trib_expr_program *program = trib_alloc_zeroed(1, sizeof(*program));

	trib_arena_init(&program->arena, TRIB_LIMIT_CEL_MEMORY_BYTES);
	trib_status status = build(program, env, source, error);

	if (status != TRIB_OK) {
		trib_expr_free(program);
		return status;
	}
	*ret_program = program;
	return TRIB_OK;
}

trib_status trib_expr_generate(struct trib_expr_program *program, struct trib_expr_error *error)
{
	struct ast_context context = { .arena = &program->arena,
				       .source = program->source,
				       .error = error };

	trib_assert(!program->code);
	return program_generate(program, &context);
}

trib_status trib_expr_compile(const struct trib_expr_env *env, struct trib_bytes source,
			      struct trib_expr_program **ret_program, struct trib_expr_error *error)
{
	struct trib_expr_program *program;
	trib_status status = trib_expr_check(env, source, &program, error);

	if (status != TRIB_OK)
		return status;
	status = trib_expr_generate(program, error);
	if (status == TRIB_OK)
		*ret_program = program;
	else
		trib_expr_free(program);
	return status;
}

void trib_expr_free(struct trib_expr_program *program)
{
	if (!program)
		return;
	for (uint32_t i = 0; i < program->pattern_count; i++)
		re2_pattern_free(program->patterns[i]);
	trib_arena_fini(&program->arena);
	free(program);
}

const struct trib_expr_node *trib_expr_root(const struct trib_expr_program *program)
{
	return program->root;
}

const struct trib_type *trib_expr_type(const struct trib_expr_program *program)
{
	return program->root->type;
}

struct trib_bytes trib_expr_source(const struct trib_expr_program *program)
{
	return program->source;
}

void trib_expr_position(const struct trib_expr_program *program, uint32_t offset,
			uint32_t *ret_line, uint32_t *ret_column)
{
	ast_position(program->source, offset, ret_line, ret_column);
}

void trib_expr_print(const struct trib_expr_program *program, struct trib_buffer *buffer)
{
	ast_print(&program->env, program->root, buffer);
}

void trib_expr_print_part(const struct trib_expr_program *program, const struct trib_expr_node *node,
			  struct trib_buffer *buffer)
{
	ast_print(&program->env, node, buffer);
}
