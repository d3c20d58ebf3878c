/* Any bytes as a question about goods: the answer is CEL that the fields check, and no character of the text is missing from its parts. */
#include "base/limits.h"
#include "select/select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Parts stand in order, inside the text, and hold the bytes that stand there. */
static void look(struct trib_bytes text, const struct trib_ask_part *parts, uint32_t count, bool *seen)
{
	for (uint32_t i = 0; i < count; i++) {
		const char *at = text.data;
		uint32_t from = 0;

		for (; from < parts[i].from; from++)
			at += trib_utf8_step(trib_bytes(at, (size_t)(text.data + text.size - at)));
		trib_assert(at + parts[i].text.size <= text.data + text.size);
		trib_assert(!memcmp(at, parts[i].text.data, parts[i].text.size));
		trib_assert(parts[i].from < parts[i].to);
		memset(seen + (at - text.data), true, parts[i].text.size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trib_ask *ask;
	struct trib_bytes text = trib_bytes(data, size);
	struct trib_ask_request request = { .text = text, .creator = trib_bytes_text("c\"1") };
	struct trib_ask_answer answer;
	struct trib_expr_program *program;
	struct trib_expr_error why;
	struct trib_error error;
	struct trib_arena arena;

	if (!ask)
		trib_assert(trib_ask_new(trib_ask_vocabulary(), &ask, &error) == TRIB_OK);
	trib_arena_init(&arena, 8 << 20);
	trib_status status = trib_ask_answer(ask, &request, &arena, &answer, &error);

	if (status == TRIB_OK) {
		bool *seen = trib_alloc_zeroed(size + 1, sizeof(*seen));

		trib_assert(trib_expr_check(trib_ask_env(ask), answer.filter, &program, &why) == TRIB_OK);
		trib_assert(trib_expr_type(program)->kind == TRIB_TYPE_BOOL);
		trib_expr_free(program);
		look(text, answer.understood, answer.understood_count, seen);
		look(text, answer.not_understood, answer.not_understood_count, seen);
		for (size_t i = 0; i < size; i++)
			trib_assert(seen[i] || !((data[i] >= 'a' && data[i] <= 'z') || (data[i] >= '0' && data[i] <= '9')));
		free(seen);
	} else {
		trib_assert(error.text[0] && (status == TRIB_TOO_LARGE || !trib_utf8_valid(text) || status == TRIB_LIMIT));
	}
	trib_arena_fini(&arena);
	return 0;
}
