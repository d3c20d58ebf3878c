#include "engine/webhooks.h"

#include "base/limits.h"
#include "expr/expr.h"

struct webhook {
	Tributary__WebhookPut *put;
	struct trib_expr_program *when; /* NULL: always */
	bool never;			/* its `when` cannot be compiled any more */
	bool changed;
};

struct webhooks {
	struct webhook *items; /* by number - 1 */
	uint32_t count, capacity, active;
};

struct webhooks *webhooks_new(void)
{
	return trib_alloc_zeroed(1, sizeof(struct webhooks));
}

static void forget(struct webhook *webhook)
{
	if (webhook->put)
		tributary__webhook_put__free_unpacked(webhook->put, NULL);
	trib_expr_free(webhook->when);
}

void webhooks_free(struct webhooks *webhooks)
{
	if (!webhooks)
		return;
	for (uint32_t i = 0; i < webhooks->count; i++)
		forget(&webhooks->items[i]);
	free(webhooks->items);
	free(webhooks);
}

uint32_t webhooks_count(const struct webhooks *webhooks)
{
	return webhooks->count;
}

uint32_t webhooks_active(const struct webhooks *webhooks)
{
	return webhooks->active;
}

const Tributary__Webhook *webhooks_at(const struct webhooks *webhooks, uint32_t number)
{
	return webhooks->items[number - 1].put->webhook;
}

uint32_t webhooks_find(const struct webhooks *webhooks, struct trib_bytes id)
{
	for (uint32_t number = 1; number <= webhooks->count; number++)
		if (trib_bytes_is(id, webhooks_at(webhooks, number)->id))
			return number;
	return 0;
}

static const char *status_of(const Tributary__Webhook *webhook)
{
	return webhook->status ? webhook->status : "active";
}

bool webhooks_is(const struct webhooks *webhooks, uint32_t number, const char *status)
{
	return !strcmp(status_of(webhooks_at(webhooks, number)), status);
}

/* --- Conditions --------------------------------------------------------------------------------------- */

enum {
#define X(field) FIELD_##field,
	TRIB_EFFECT_TABLE(X)
#undef X
	FIELD_body,
	FIELDS
};

static const struct trib_type map_of_dyn = { TRIB_TYPE_MAP, .key = &trib_type_string, .element = &trib_type_dyn };

static const struct trib_expr_variable variables[FIELDS] = {
#define X(field) { #field, &trib_type_string },
	TRIB_EFFECT_TABLE(X)
#undef X
	{ "body", &map_of_dyn },
};

static trib_status compile(const char *source, struct trib_expr_program **ret_program, struct trib_error *error)
{
	const struct trib_expr_env env = { .variables = variables, .variable_count = FIELDS, .lasting = true };
	struct trib_expr_program *program;
	struct trib_expr_error why;

	if (trib_expr_compile(&env, trib_bytes_text(source), &program, &why) != TRIB_OK)
		return trib_expr_fail(error, "when", &why);
	enum trib_type_kind kind = trib_expr_type(program)->kind;

	if (kind == TRIB_TYPE_BOOL || kind == TRIB_TYPE_DYN) {
		*ret_program = program;
		return TRIB_OK;
	}
	trib_expr_free(program);
	return trib_fail(error, TRIB_INVALID, "when", "found another type, expected a condition (bool)");
}

/* A whole number is an int, another a double, as conditions elsewhere read them. Depth is bounded by the reader. */
static bool value_of(const struct trib_json *json, struct trib_arena *arena, struct trib_value *ret_value);

static bool items_of(const struct trib_json *json, struct trib_arena *arena, struct trib_value *ret_value)
{
	struct trib_value *items = trib_arena_alloc(arena, 2 * json->count * sizeof(*items));
	uint32_t i = 0;

	if (!items)
		return false;
	for (const struct trib_json *child = json->first; child; child = child->next, i++) {
		items[json->count + i] = trib_value_string(child->key);
		if (!value_of(child, arena, &items[i]))
			return false;
	}
	return (json->kind == TRIB_JSON_ARRAY ?
			trib_value_list(arena, items, json->count, ret_value) :
			trib_value_map(arena, items + json->count, items, json->count, ret_value)) == TRIB_OK;
}

static bool value_of(const struct trib_json *json, struct trib_arena *arena, struct trib_value *ret_value)
{
	int64_t whole;

	switch (json->kind) {
	case TRIB_JSON_NULL: *ret_value = trib_value_null(); return true;
	case TRIB_JSON_FALSE:
	case TRIB_JSON_TRUE: *ret_value = trib_value_bool(json->kind == TRIB_JSON_TRUE); return true;
	case TRIB_JSON_NUMBER:
		if (!trib_bytes_to_i64(json->text, &whole))
			return trib_value_parse_double(json->text, ret_value);
		*ret_value = trib_value_int(whole);
		return true;
	case TRIB_JSON_STRING: *ret_value = trib_value_string(json->text); return true;
	case TRIB_JSON_ARRAY:
	case TRIB_JSON_OBJECT: return items_of(json, arena, ret_value);
	}
	return false;
}

static bool get_field(void *context, uint32_t index, struct trib_arena *arena, struct trib_value *ret_value)
{
	const struct webhooks_effect *effect = context;

	switch (index) {
#define X(field) case FIELD_##field: *ret_value = trib_value_string(effect->field); return true;
		TRIB_EFFECT_TABLE(X)
#undef X
	default: return value_of(effect->body, arena, ret_value);
	}
}

/* --- Kinds -------------------------------------------------------------------------------------------- */

static bool kind_matches(const char *asked, struct trib_bytes kind)
{
	size_t size = strlen(asked);

	if (size && asked[size - 1] == '*')
		return kind.size >= size - 1 && !memcmp(kind.data, asked, size - 1);
	return trib_bytes_is(kind, asked);
}

bool webhooks_ask_for(const struct webhooks *webhooks, uint32_t number, struct trib_bytes kind)
{
	const Tributary__Webhook *webhook = webhooks_at(webhooks, number);

	if (!strcmp(status_of(webhook), "closed"))
		return false;
	for (size_t i = 0; i < webhook->n_kinds; i++)
		if (kind_matches(webhook->kinds[i], kind))
			return true;
	return false;
}

bool webhooks_want(const struct webhooks *webhooks, uint32_t number, const struct webhooks_effect *effect,
		   struct trib_arena *arena)
{
	const struct webhook *webhook = &webhooks->items[number - 1];
	const struct trib_expr_facts facts = { .get = get_field, .context = (void *)effect,
					       .steps = TRIB_LIMIT_CEL_CONDITION_COST };
	struct trib_value value;

	if (webhook->never || !webhooks_ask_for(webhooks, number, effect->kind))
		return false;
	if (!webhook->when)
		return true;
	return trib_expr_eval(webhook->when, &facts, arena, &value, NULL) == TRIB_OK &&
	       value.kind == TRIB_VALUE_BOOL && value.boolean;
}

/* "*", "sample.*", or a kind. */
static bool is_kind(const char *text)
{
	const char *star = strchr(text, '*');

	return trib_external_id_valid(trib_bytes_text(text)) &&
	       (!star || (!star[1] && (star == text || star[-1] == '.')));
}

trib_status webhooks_check(const Tributary__Webhook *webhook, struct trib_error *error)
{
	struct trib_expr_program *when = NULL;
	trib_status status = TRIB_OK;

	if (webhook->n_kinds == 0)
		return trib_fail(error, TRIB_INVALID, "kinds", "found none, expected one or more");
	for (size_t i = 0; i < webhook->n_kinds; i++)
		if (!is_kind(webhook->kinds[i]))
			return trib_fail(error, TRIB_INVALID, "kinds", "found \"%.64s\", expected \"sample.shipped\", \"sample.*\" or \"*\"",
					 webhook->kinds[i]);
	if (webhook->when && webhook->when[0])
		status = compile(webhook->when, &when, error);
	trib_expr_free(when);
	return status;
}

trib_status webhooks_apply(struct webhooks *webhooks, const Tributary__WebhookPut *put, struct trib_error *error)
{
	struct trib_error why;

	if (!put->webhook || !put->webhook->id || put->number == 0 || put->number > webhooks->count + 1)
		return trib_fail(error, TRIB_CORRUPT, "event", "found a webhook that is none");
	if (put->number > webhooks->count) {
		if (webhooks->count == webhooks->capacity) {
			webhooks->capacity = TRIB_MAX(webhooks->capacity * 2, 16u);
			webhooks->items = trib_realloc(webhooks->items, webhooks->capacity * sizeof(struct webhook));
		}
		webhooks->items[webhooks->count++] = (struct webhook){ 0 };
	}
	struct webhook *webhook = &webhooks->items[put->number - 1];
	size_t size = tributary__webhook_put__get_packed_size(put);
	TRIB_AUTOFREE uint8_t *bytes = trib_alloc(size + 1);

	if (webhook->put)
		webhooks->active -= !webhooks_is(webhooks, put->number, "closed");
	tributary__webhook_put__pack(put, bytes);
	forget(webhook); /* closing changes what stands here: nothing of `put` is read from now on */
	*webhook = (struct webhook){ .put = tributary__webhook_put__unpack(NULL, size, bytes), .changed = true };
	trib_assert(webhook->put);
	put = webhook->put;
	webhooks->active += !webhooks_is(webhooks, put->number, "closed");
	if (put->webhook->when && put->webhook->when[0])
		webhook->never = compile(put->webhook->when, &webhook->when, &why) != TRIB_OK;
	return TRIB_OK;
}

void webhooks_take_changed(struct webhooks *webhooks, webhooks_fn *emit, void *context)
{
	for (uint32_t i = 0; i < webhooks->count; i++) {
		struct webhook *webhook = &webhooks->items[i];
		size_t size = tributary__webhook_put__get_packed_size(webhook->put);
		TRIB_AUTOFREE uint8_t *bytes = trib_alloc(size + 1);

		if (!webhook->changed)
			continue;
		tributary__webhook_put__pack(webhook->put, bytes);
		emit(context, i + 1, trib_bytes(bytes, size));
		webhook->changed = false;
	}
}
