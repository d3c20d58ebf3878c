/* `tributary eval`: one expression from the command line, or a line of JSON each from stdin. */
#include <errno.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/eval_json.h"

enum {
	READ_BYTES = 64 << 10,
	VALUES_BYTES = 16 << 20,  /* what vars of one line may hold */
	OUTPUT_BYTES = 512 << 20, /* JSON of a value that fills CEL_MEMORY_BYTES */
};

static const char help_text[] =
	"Evaluates an expression of CEL, the Common Expression Language, and prints its typed "
	"value.\n"
	"\n"
	"  --vars JSON   an object of variables; whole numbers are int, others double\n"
	"\n"
	"Without EXPR, each line of stdin is an object {expr, vars, container, types, check}, and "
	"a line\n"
	"{\"value\":…} or {\"error\",\"stage\"} answers it. docs/cel.md tells what is supported.\n"
	"\n"
	"  tributary eval 'order.qty * price > 100.0' --vars "
	"'{\"order\":{\"qty\":2},\"price\":59.9}'\n";

/* One evaluation; everything is used again for the next. */
struct session {
	struct trib_arena arena;  /* of the evaluation */
	struct trib_arena values; /* of what comes in */
	struct trib_buffer output;
	struct trib_expr_variable *variables;
	struct trib_value *facts; /* of the variables; kind ERROR: absent */
	uint32_t count, capacity;
};

static void session_init(struct session *session)
{
	*session = (struct session){ 0 };
	trib_arena_init(&session->arena, TRIB_LIMIT_CEL_MEMORY_BYTES);
	trib_arena_init(&session->values, VALUES_BYTES);
	trib_buffer_init(&session->output, OUTPUT_BYTES);
}

static void session_fini(struct session *session)
{
	trib_arena_fini(&session->arena);
	trib_arena_fini(&session->values);
	trib_buffer_fini(&session->output);
	free(session->variables);
	free(session->facts);
}

/* The variable of that name, added as an absent dyn if it is new. */
static uint32_t variable_of(struct session *session, const char *name)
{
	for (uint32_t i = 0; i < session->count; i++)
		if (!strcmp(session->variables[i].name, name))
			return i;
	if (session->count == session->capacity) {
		session->capacity = TRIB_MAX(16u, session->capacity * 2);
		session->variables = trib_realloc(session->variables,
						  session->capacity * sizeof(*session->variables));
		session->facts =
			trib_realloc(session->facts, session->capacity * sizeof(*session->facts));
	}
	session->variables[session->count] = (struct trib_expr_variable){ name, &trib_type_dyn };
	session->facts[session->count] = (struct trib_value){ .kind = TRIB_VALUE_ERROR };
	return session->count++;
}

static bool get_fact(void *context, uint32_t index, struct trib_arena *arena,
		     struct trib_value *ret_value)
{
	const struct session *session = context;

	if (session->facts[index].kind == TRIB_VALUE_ERROR)
		return false;
	*ret_value = session->facts[index];
	return true;
}

static trib_status read_vars(struct session *session, json_t *vars,
			     const struct eval_reader *reader)
{
	const char *name;
	json_t *item;
	char at[TRIB_ERROR_AT_MAX];

	json_object_foreach(vars, name, item)
	{
		uint32_t index = variable_of(session, name);

		snprintf(at, sizeof(at), "vars.%s", name);
		trib_status status = eval_json_value(reader, at, item, &session->facts[index]);

		if (status != TRIB_OK)
			return status;
	}
	return TRIB_OK;
}

static trib_status evaluate(struct session *session, struct trib_bytes source,
			    const char *container, uint32_t flags, struct trib_value *ret_value,
			    struct trib_expr_error *error, struct trib_expr_program **ret_program)
{
	struct trib_expr_env env = { .container = container,
				     .variables = session->variables,
				     .variable_count = session->count,
				     .flags = flags };
	struct trib_expr_facts facts = { .get = get_fact, .context = session };
	trib_status status = trib_expr_compile(&env, source, ret_program, error);

	return status == TRIB_OK
		       ? trib_expr_eval(*ret_program, &facts, &session->arena, ret_value, error)
		       : status;
}

/* ---- One expression ------------------------------------------------------------------------------- */

static int print_one(struct session *session, const char *expression)
{
	struct trib_expr_program *program = NULL;
	struct trib_expr_error why;
	struct trib_error error;
	struct trib_value value;
	int exit_code = TRIB_EXIT_FAILED;

	if (evaluate(session, trib_bytes_text(expression), NULL, 0, &value, &why, &program) ==
	    TRIB_OK) {
		trib_value_write_json(&value, &session->output);
		puts(trib_buffer_text(&session->output));
		exit_code = TRIB_EXIT_DONE;
	} else {
		trib_expr_fail(&error, trib_expr_stage_name(why.stage), &why);
		trib_cli_failed("eval", &error);
	}
	trib_expr_free(program);
	return exit_code;
}

static int eval_one(const char *expression, const char *vars)
{
	struct session session;
	struct trib_error error;
	json_t *json = NULL;
	int exit_code = TRIB_EXIT_USAGE;
	bool quoted;

	session_init(&session);
	struct eval_reader reader = { .arena = &session.values, .error = &error };

	if (vars && eval_json_load(trib_bytes_text(vars), &json, &quoted, &error) != TRIB_OK)
		trib_cli_usage_error("eval", "--vars: %s", error.text);
	else if (json && (!json_is_object(json) || quoted))
		trib_cli_usage_error(
			"eval",
			"--vars: expected an object, its whole numbers from -2^63 to 2^63 - 1");
	else if (json && read_vars(&session, json, &reader) != TRIB_OK)
		trib_cli_usage_error("eval", "--vars: %s: %s", error.at, error.text);
	else
		exit_code = print_one(&session, expression);
	json_decref(json);
	session_fini(&session);
	return exit_code;
}

/* ---- Lines ---------------------------------------------------------------------------------------- */

/* {"error":…,"stage":…} */
static void answer_error(struct session *session, const char *stage, const char *at,
			 const char *text)
{
	char message[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

	snprintf(message, sizeof(message), "%s%s%s", at, *at ? ": " : "", text);
	/* A text cut in the middle of a character must still be JSON. */
	for (size_t size = strlen(message); size > 0 && !trib_utf8_valid(trib_bytes(message, size));
	     size--)
		message[size - 1] = '\0';
	json_t *json = json_string(message);
	char *quoted = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

	trib_buffer_reset(&session->output);
	trib_buffer_add_format(&session->output, "{\"error\":%s,\"stage\":\"%s\"}",
			       quoted ? quoted : "\"\"", stage);
	free(quoted);
	json_decref(json);
}

struct request {
	struct trib_bytes expression;
	const char *container;
	json_t *vars, *types;
	bool check;
};

/* Takes the request apart; false: *ret_problem says what is wrong with it. Other names are passed over. */
static bool read_request(json_t *json, struct request *ret_request, const char **ret_problem)
{
	json_t *expression = json_object_get(json, "expr"),
	       *container = json_object_get(json, "container");
	json_t *vars = json_object_get(json, "vars"), *types = json_object_get(json, "types");
	json_t *check = json_object_get(json, "check");

	*ret_problem = !json_is_object(json)			 ? "expected an object"
		       : !json_is_string(expression)		 ? "expr: expected a string"
		       : container && !json_is_string(container) ? "container: expected a string"
		       : vars && !json_is_object(vars)		 ? "vars: expected an object"
		       : types && !json_is_object(types)	 ? "types: expected an object"
		       : check && !json_is_boolean(check)	 ? "check: expected true or false"
								 : NULL;
	if (*ret_problem)
		return false;
	*ret_request = (struct request){
		.expression =
			trib_bytes(json_string_value(expression), json_string_length(expression)),
		.container = json_string_value(container),
		.vars = vars,
		.types = types,
		.check = !json_is_false(check),
	};
	return true;
}

static trib_status read_types(struct session *session, json_t *types, struct trib_error *error)
{
	const char *name;
	json_t *item;

	json_object_foreach(types, name, item)
	{
		uint32_t index = variable_of(session, name);
		struct trib_bytes text =
			trib_bytes(json_string_value(item), json_string_length(item));

		if (!json_is_string(item))
			return trib_fail(error, TRIB_INVALID, name,
					 "expected the type as a string");
		trib_status status = trib_type_parse(text, &session->values,
						     &session->variables[index].type, error);

		if (status != TRIB_OK) {
			trib_error_within(error, name);
			trib_error_within(error, "types");
			return status;
		}
	}
	return TRIB_OK;
}

static void answer_request(struct session *session, const struct request *request, bool quoted)
{
	struct trib_expr_program *program = NULL;
	struct trib_expr_error why;
	struct trib_error error = { 0 };
	struct trib_value value;
	struct eval_reader reader = {
		.arena = &session->values, .typed = true, .quoted = quoted, .error = &error
	};
	char at[32];

	if (read_types(session, request->types, &error) != TRIB_OK) {
		answer_error(session, "check", error.at, error.text);
		return;
	}
	if (read_vars(session, request->vars, &reader) != TRIB_OK) {
		answer_error(session, "parse", error.at, error.text);
		return;
	}
	if (evaluate(session, request->expression, request->container,
		     request->check ? 0 : TRIB_EXPR_UNCHECKED, &value, &why, &program) == TRIB_OK) {
		trib_buffer_add_text(&session->output, "{\"value\":");
		trib_value_write_json(&value, &session->output);
		trib_buffer_add_char(&session->output, '}');
		if (session->output.failed)
			answer_error(session, "eval", "", "the value is too large to print");
	} else {
		snprintf(at, sizeof(at), "%u:%u", why.line, why.column);
		answer_error(session, trib_expr_stage_name(why.stage), at, why.text);
	}
	trib_expr_free(program);
}

/* Leaves the answer in session->output. */
static void answer_line(struct session *session, struct trib_bytes line)
{
	struct trib_error error;
	struct request request;
	json_t *json = NULL;
	const char *problem;
	bool quoted;

	session->count = 0;
	trib_arena_reset(&session->arena);
	trib_arena_reset(&session->values);
	trib_buffer_reset(&session->output);
	if (eval_json_load(line, &json, &quoted, &error) != TRIB_OK)
		answer_error(session, "parse", "", error.text);
	else if (!read_request(json, &request, &problem))
		answer_error(session, "parse", "", problem);
	else
		answer_request(session, &request, quoted);
	json_decref(json);
}

/* Lines as they come; what is too long is dropped up to its end, and answered as one line. */
struct lines {
	struct trib_buffer line;
	char *data;
	size_t next, size;
	bool ended;
};

/* False: no more lines. Before it waits for more, it lets the answers so far go out. */
static bool next_line(struct lines *lines)
{
	trib_buffer_reset(&lines->line);
	for (;;) {
		char *start = lines->data + lines->next;
		char *end = lines->next < lines->size
				    ? memchr(start, '\n', lines->size - lines->next)
				    : NULL;
		size_t size = end ? (size_t)(end - start) : lines->size - lines->next;

		trib_buffer_add(&lines->line, start, size);
		lines->next += size + (end != NULL);
		if (end)
			return true;
		if (lines->ended)
			return lines->line.size > 0 || lines->line.failed;
		fflush(stdout);
		ssize_t got = read(STDIN_FILENO, lines->data, READ_BYTES);

		if (got < 0 && errno == EINTR)
			got = 0;
		else
			lines->ended = got <= 0;
		lines->next = 0;
		lines->size = got > 0 ? (size_t)got : 0;
	}
}

static bool is_blank(struct trib_bytes line)
{
	for (size_t i = 0; i < line.size; i++)
		if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
			return false;
	return true;
}

static int eval_lines(void)
{
	struct session session;
	struct lines lines = { .data = trib_alloc(READ_BYTES) };
	char too_long[80];

	snprintf(too_long, sizeof(too_long), "the line is longer than %d bytes",
		 TRIB_LIMIT_HTTP_LINE_BYTES);
	session_init(&session);
	trib_buffer_init(&lines.line, TRIB_LIMIT_HTTP_LINE_BYTES);
	while (next_line(&lines)) {
		if (lines.line.failed)
			answer_error(&session, "parse", "", too_long);
		else if (is_blank(trib_buffer_bytes(&lines.line)))
			continue;
		else
			answer_line(&session, trib_buffer_bytes(&lines.line));
		fwrite(session.output.data, 1, session.output.size, stdout);
		putchar('\n');
	}
	fflush(stdout);
	trib_buffer_fini(&lines.line);
	free(lines.data);
	session_fini(&session);
	return ferror(stdout) ? TRIB_EXIT_FAILED : TRIB_EXIT_DONE;
}

/* ---- Arguments ------------------------------------------------------------------------------------ */

/* "--name": an option. "--5" and "-x" are expressions. */
static bool is_option(const char *argument)
{
	return !strncmp(argument, "--", 2) && argument[2] >= 'a' && argument[2] <= 'z';
}

int trib_cli_eval(int argc, char **argv)
{
	const char *expression = NULL, *vars = NULL;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help"))
			return trib_cli_help("eval [EXPR [--vars JSON]]", help_text);
		if (!strcmp(argv[i], "--vars")) {
			if (++i == argc)
				return trib_cli_usage_error("eval",
							    "--vars: expected JSON after it");
			vars = argv[i];
		} else if (!strncmp(argv[i], "--vars=", 7)) {
			vars = argv[i] + 7;
		} else if (is_option(argv[i])) {
			return trib_cli_usage_error("eval", "found %s, expected --vars", argv[i]);
		} else if (expression) {
			return trib_cli_usage_error("eval", "found \"%s\", expected one expression",
						    argv[i]);
		} else {
			expression = argv[i];
		}
	}
	if (vars && !expression)
		return trib_cli_usage_error(
			"eval", "--vars goes with an expression; lines of stdin bring their own");
	return expression ? eval_one(expression, vars) : eval_lines();
}
