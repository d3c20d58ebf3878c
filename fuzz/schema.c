/*
 * A schema, a NUL, a value. Beyond not crashing: a refusal says where and why, the same value gets the same answer
 * twice, and a schema agrees with `not` of itself on nothing but what is too much work for either.
 */
#include "base/limits.h"
#include "play/play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct trib_json *parse(struct trib_arena *arena, struct trib_bytes text)
{
	const struct trib_json *json;
	struct trib_error error;

	return trib_json_parse(text, TRIB_LIMIT_JSON_DEPTH, arena, &json, &error) == TRIB_OK ? json : NULL;
}

/* {"not": schema}; NULL where the schema refers to places in itself, which are others then. */
static struct trib_schema *opposite(struct trib_arena *arena, struct trib_bytes text)
{
	struct trib_schema *schema = NULL;
	struct trib_buffer buffer;
	struct trib_error error;
	uint32_t line;

	if (memmem(text.data, text.size, "$", 1) || memmem(text.data, text.size, "\\", 1))
		return NULL;
	trib_buffer_init(&buffer, 64 << 20);
	trib_buffer_add_format(&buffer, "{\"not\": " TRIB_BYTES_FMT "}", TRIB_BYTES_ARG(text));
	char *copy = trib_arena_copy(arena, trib_buffer_bytes(&buffer));
	const struct trib_json *json = copy ? parse(arena, trib_bytes(copy, buffer.size)) : NULL;

	if (json && trib_schema_new(json, &schema, &line, &error) != TRIB_OK)
		schema = NULL;
	trib_buffer_fini(&buffer);
	return schema;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *nul = size ? memchr(data, 0, size) : NULL;
	struct trib_schema *schema, *other;
	struct trib_arena arena;
	struct trib_error error = { 0 };
	uint32_t line = 0;

	if (!nul)
		return 0;
	trib_arena_init(&arena, 64 << 20);
	struct trib_bytes text = trib_bytes(data, (size_t)(nul - (const char *)data));
	const struct trib_json *json = parse(&arena, text);
	const struct trib_json *value = parse(&arena, trib_bytes(nul + 1, size - text.size - 1));

	if (!json || !value)
		goto done;
	if (trib_schema_new(json, &schema, &line, &error) != TRIB_OK) {
		trib_assert(error.text[0] && line > 0);
		goto done;
	}
	trib_status status = trib_schema_check(schema, value, &arena, &line, &error);

	trib_assert(status == TRIB_OK || (error.text[0] && line > 0));
	trib_assert(trib_schema_check(schema, value, &arena, &line, &error) == status || status == TRIB_LIMIT);
	other = opposite(&arena, text);
	if (other) {
		trib_status turned = trib_schema_check(other, value, &arena, &line, &error);

		trib_assert(turned != status || status == TRIB_LIMIT);
	}
	trib_schema_free(other);
	trib_schema_free(schema);
done:
	trib_arena_fini(&arena);
	return 0;
}
