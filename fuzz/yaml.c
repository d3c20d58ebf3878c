/* Any bytes as YAML: what is accepted is a tree that JSON can say, and that JSON is read as the same tree. */
#include "base/limits.h"
#include "play/play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trib_buffer once, again;
	const struct trib_json *root;
	struct trib_error error;
	struct trib_arena arena;

	trib_arena_init(&arena, 16 << 20);
	trib_buffer_init(&once, 64 << 20);
	trib_buffer_init(&again, 64 << 20);
	if (trib_yaml_parse(trib_bytes(data, size), TRIB_LIMIT_JSON_DEPTH, &arena, &root, &error) == TRIB_OK) {
		trib_json_add(&once, root, &arena);
		trib_assert(trib_json_canonical(trib_buffer_bytes(&once), &arena, &again, &error) == TRIB_OK);
		trib_assert(trib_bytes_equal(trib_buffer_bytes(&once), trib_buffer_bytes(&again)));
	} else {
		trib_assert(!strncmp(error.at, "line ", 5) && error.text[0]);
	}
	trib_buffer_fini(&once);
	trib_buffer_fini(&again);
	trib_arena_fini(&arena);
	return 0;
}
