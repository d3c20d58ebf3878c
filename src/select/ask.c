#include "select/ask_private.h"

#include "base/limits.h"
#include "proto/proto.h"

enum { GRAMMAR_BYTES = 64 << 20 }; /* more than a text of TRIB_LIMIT_ASK_BYTES can need */

/* ---- The check ------------------------------------------------------------------------------------ */

/* NULL: it is of the type that is wanted. */
static trib_status check_one(const struct trib_ask *ask, const char *at, struct trib_bytes cel,
			     bool filter, struct trib_error *error)
{
	struct trib_expr_program *program;
	struct trib_expr_error why;
	trib_status status = trib_expr_check(&ask->env, cel, &program, &why);

	if (status != TRIB_OK)
		return trib_expr_fail(error, at, &why);
	enum trib_type_kind kind = trib_expr_type(program)->kind;
	bool fits = filter ? kind == TRIB_TYPE_BOOL
			   : kind == TRIB_TYPE_INT || kind == TRIB_TYPE_DOUBLE ||
				     kind == TRIB_TYPE_TIMESTAMP;

	trib_expr_free(program);
	return fits ? TRIB_OK
		    : trib_fail(error, TRIB_INVALID, at, "found another type, expected %s",
				filter ? "a bool" : "a number or a time");
}

trib_status ask_check(const struct trib_ask *ask, const struct trib_ask_answer *answer,
		      struct trib_error *error)
{
	trib_status status = check_one(ask, "filter", answer->filter, true, error);

	return status == TRIB_OK && answer->order_by.size
		       ? check_one(ask, "order_by", answer->order_by, false, error)
		       : status;
}

/* ---- The answer ----------------------------------------------------------------------------------- */

static bool copy(struct trib_arena *arena, struct trib_bytes *text)
{
	text->data = trib_arena_copy(arena, *text);
	return text->data;
}

static bool copy_parts(struct trib_arena *arena, const struct trib_ask_part **parts, uint32_t count)
{
	struct trib_ask_part *own = trib_arena_alloc(arena, (count + 1) * sizeof(*own));

	for (uint32_t i = 0; own && i < count; i++) {
		own[i] = (*parts)[i];
		if (!copy(arena, &own[i].text) || !copy(arena, &own[i].cel))
			return false;
	}
	*parts = own;
	return own;
}

/* The grammar works in memory of its own, so that only the answer can be too large for the caller's. */
static trib_status ask_grammar(const struct trib_ask *ask, const struct trib_ask_request *request,
			       struct trib_arena *arena, struct trib_ask_answer *ret_answer,
			       struct trib_error *error)
{
	struct trib_ask_answer answer;
	struct trib_arena own;
	struct ask_run run = { .ask = ask, .request = request, .arena = &own };

	trib_arena_init(&own, GRAMMAR_BYTES);
	trib_status status = ask_tokens(ask, request, &own, &run.text, error);

	if (status == TRIB_OK) {
		run.terms =
			trib_arena_alloc_zeroed(&own, (run.text.count + 1) * sizeof(*run.terms));
		run.why = trib_arena_alloc_zeroed(&own, (run.text.count + 1) * sizeof(*run.why));
		trib_assert(run.terms && run.why);
		ask_match(&run);
		status = ask_write(&run, &answer, error);
	}
	if (status == TRIB_OK) {
		if (copy(arena, &answer.filter) && copy(arena, &answer.order_by) &&
		    copy_parts(arena, &answer.understood, answer.understood_count) &&
		    copy_parts(arena, &answer.not_understood, answer.not_understood_count))
			*ret_answer = answer;
		else
			status = trib_fail(error, TRIB_NO_MEMORY, "text",
					   "the answer is larger than the memory for it");
	}
	trib_arena_fini(&own);
	return status;
}

trib_status trib_ask_answer(const struct trib_ask *ask, const struct trib_ask_request *request,
			    struct trib_arena *arena, struct trib_ask_answer *ret_answer,
			    struct trib_error *error)
{
	return request->model ? ask_model(ask, request, arena, ret_answer, error)
			      : ask_grammar(ask, request, arena, ret_answer, error);
}

/* ---- Printing ------------------------------------------------------------------------------------- */

static void print_parts(const char *name, const struct trib_ask_part *parts, uint32_t count,
			struct trib_buffer *buffer)
{
	trib_buffer_add_format(buffer, ",\"%s\":[", name);
	for (uint32_t i = 0; i < count; i++) {
		trib_buffer_add_text(buffer, i ? ",{\"text\":" : "{\"text\":");
		trib_json_add_string(buffer, parts[i].text);
		trib_buffer_add_format(buffer, ",\"from\":%u,\"to\":%u", parts[i].from,
				       parts[i].to);
		trib_buffer_add_text(buffer, parts[i].why ? ",\"why\":" : ",\"cel\":");
		trib_json_add_string(buffer,
				     parts[i].why ? trib_bytes_text(parts[i].why) : parts[i].cel);
		trib_buffer_add_text(buffer, "}");
	}
	trib_buffer_add_text(buffer, "]");
}

void trib_ask_print(const struct trib_ask_answer *answer, struct trib_buffer *buffer)
{
	trib_buffer_add_text(buffer, "{\"filter\":");
	trib_json_add_string(buffer, answer->filter);
	if (answer->order_by.size) {
		trib_buffer_add_text(buffer, ",\"order_by\":");
		trib_json_add_string(buffer, answer->order_by);
		trib_buffer_add_format(buffer, ",\"descending\":%s",
				       answer->descending ? "true" : "false");
	}
	if (answer->limit)
		trib_buffer_add_format(buffer, ",\"limit\":%u", answer->limit);
	print_parts("understood", answer->understood, answer->understood_count, buffer);
	print_parts("not_understood", answer->not_understood, answer->not_understood_count, buffer);
	trib_buffer_add_text(buffer, "}");
}
