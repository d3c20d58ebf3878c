/*
 * Any text as the script of a play; its functions f and g are called twice. Beyond not crashing: each ends, within its
 * limits, with the same answer both times unless time ran out.
 */
#include "base/limits.h"
#include "play/play.h"
#include "play/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void call_twice(const struct trib_script *script, const char *function, const struct trib_json *input)
{
	struct trib_buffer output[2];
	struct trib_error error = { 0 };
	trib_status status[2];
	uint32_t line;

	for (int i = 0; i < 2; i++) {
		trib_buffer_init(&output[i], 1 << 20);
		status[i] = trib_script_call(script, function, input, &output[i], &line, &error);
		trib_assert(status[i] == TRIB_OK || error.text[0]);
	}
	trib_assert(status[0] == status[1] || status[0] == TRIB_LIMIT || status[1] == TRIB_LIMIT);
	if (status[0] == TRIB_OK && status[1] == TRIB_OK)
		trib_assert(trib_bytes_equal(trib_buffer_bytes(&output[0]), trib_buffer_bytes(&output[1])));
	trib_buffer_fini(&output[0]);
	trib_buffer_fini(&output[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char input[] = "{\"n\":3,\"f\":1.5,\"list\":[1,\"a\",{\"x\":null}],\"text\":\"达\"}";
	const struct trib_json *json;
	struct trib_script *script;
	struct trib_arena arena;
	struct trib_error error;
	uint32_t line;

	if (trib_script_new(trib_bytes(data, size), &script, &line, &error) != TRIB_OK)
		return 0;
	trib_arena_init(&arena, 1 << 20);
	trib_assert(trib_json_parse(trib_bytes_text(input), TRIB_LIMIT_JSON_DEPTH, &arena, &json, &error) == TRIB_OK);
	call_twice(script, "f", json);
	call_twice(script, "g", json);
	trib_arena_fini(&arena);
	trib_script_free(script);
	return 0;
}
