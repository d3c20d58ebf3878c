/*
 * Tributary inside a Node service: a thin N-API layer over libtributary. index.js is what people see; here orders arrive as
 * arrays of texts and numbers, in the order of FIELDS there.
 *
 * A client and its one resolver belong to the thread of the JavaScript that made them. ask() blocks that thread, which is why
 * index.js runs it through a worker of libuv.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "tributary/tributary.h"

enum { TEXTS = 9, TEXT_MAX = 256 };

struct handle {
	struct trib_client *client;
	struct trib_resolver *resolver;
};

/* An order with room for its texts. */
struct order {
	struct trib_client_order line;
	char texts[TEXTS][TEXT_MAX];
	struct trib_client_pair pairs[32];
	char *ext; /* of the pairs, on the heap */
};

static napi_value fail(napi_env env, int status, const char *text)
{
	napi_throw_error(env, trib_client_status_word(status), text ? text : trib_client_status_word(status));
	return NULL;
}

static void free_handle(napi_env env, void *data, void *hint)
{
	struct handle *handle = data;

	trib_resolver_free(handle->resolver);
	trib_client_close(handle->client, 0);
	free(handle);
}

/* A text of an object's property, on the heap; NULL where there is none. */
static char *take_text(napi_env env, napi_value object, const char *name)
{
	napi_value value;
	napi_valuetype type;
	size_t size;

	napi_get_named_property(env, object, name, &value);
	napi_typeof(env, value, &type);
	if (type != napi_string)
		return NULL;
	napi_get_value_string_utf8(env, value, NULL, 0, &size);
	char *text = malloc(size + 1);

	napi_get_value_string_utf8(env, value, text, size + 1, &size);
	return text;
}

static napi_value open_client(napi_env env, napi_callback_info info)
{
	static const char *const names[] = { "snapshotFile", "http", "resp", "accessToken", "keysFile" };
	struct trib_client_options options = { .size = sizeof(options) };
	struct trib_client_error error;
	napi_value argument, value, external;
	size_t count = 1;
	char *texts[5];
	double number = 0;

	napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
	for (int i = 0; i < 5; i++)
		texts[i] = take_text(env, argument, names[i]);
	options.snapshot_file = texts[0];
	options.http = texts[1];
	options.resp = texts[2];
	options.access_token = texts[3];
	options.keys_file = texts[4];
	napi_get_named_property(env, argument, "pollMs", &value);
	if (napi_get_value_double(env, value, &number) == napi_ok)
		options.poll_ms = (uint32_t)number;
	struct handle *handle = calloc(1, sizeof(*handle));
	int status = trib_client_open(&options, &handle->client, &error);

	for (int i = 0; i < 5; i++)
		free(texts[i]);
	if (status != TRIB_CLIENT_OK) {
		free(handle);
		return fail(env, status, error.text);
	}
	handle->resolver = trib_resolver_new(handle->client);
	napi_create_external(env, handle, free_handle, NULL, &external);
	return external;
}

/* [texts of FIELDS], [numbers: base or null, at, now, qty, 7 amounts or nothing], [key, value …] */
static int take_order(napi_env env, napi_value texts, napi_value numbers, napi_value ext, struct order *order)
{
	struct trib_client_text *places[TEXTS] = { &order->line.order, &order->line.user, &order->line.goods, &order->line.token,
						   &order->line.scene, &order->line.page, &order->line.carrier_kind,
						   &order->line.carrier_id, &order->line.carrier_owner };
	int64_t *amounts[] = { &order->line.base_amount, &order->line.at_ms, &order->line.now_ms, &order->line.qty };
	napi_value value;
	napi_valuetype type;
	uint32_t count;

	memset(&order->line, 0, sizeof(order->line));
	order->line.size = sizeof(order->line);
	order->ext = NULL;
	for (uint32_t i = 0; i < TEXTS; i++) {
		napi_get_element(env, texts, i, &value);
		if (napi_get_value_string_utf8(env, value, order->texts[i], TEXT_MAX, &places[i]->size) != napi_ok)
			return TRIB_CLIENT_INVALID;
		places[i]->data = order->texts[i];
	}
	napi_get_array_length(env, numbers, &count);
	for (uint32_t i = 0; i < count; i++) {
		int64_t *place = i < 4 ? amounts[i] : &order->line.amounts[i - 4];

		napi_get_element(env, numbers, i, &value);
		napi_typeof(env, value, &type);
		if (type == napi_null && i == 0)
			order->line.flags |= TRIB_CLIENT_NO_BASE;
		else if (i >= 4 + TRIB_CLIENT_AMOUNTS || napi_get_value_int64(env, value, place) != napi_ok)
			return TRIB_CLIENT_INVALID;
	}
	if (count > 4)
		order->line.flags |= TRIB_CLIENT_HAS_AMOUNTS;
	napi_get_array_length(env, ext, &count);
	if (count > 64)
		return TRIB_CLIENT_INVALID;
	size_t total = 1, used = 0, size;

	for (uint32_t i = 0; i < count; i++) {
		napi_get_element(env, ext, i, &value);
		if (napi_get_value_string_utf8(env, value, NULL, 0, &size) != napi_ok)
			return TRIB_CLIENT_INVALID;
		total += size + 1;
	}
	order->ext = count ? malloc(total) : NULL;
	for (uint32_t i = 0; i < count; i++) {
		struct trib_client_text *text = i % 2 ? &order->pairs[i / 2].value : &order->pairs[i / 2].key;

		napi_get_element(env, ext, i, &value);
		napi_get_value_string_utf8(env, value, order->ext + used, total - used, &text->size);
		text->data = order->ext + used;
		used += text->size + 1;
	}
	order->line.ext = order->pairs;
	order->line.n_ext = count / 2;
	return TRIB_CLIENT_OK;
}

static void set_number(napi_env env, napi_value object, const char *name, double number)
{
	napi_value value;

	napi_create_double(env, number, &value);
	napi_set_named_property(env, object, name, value);
}

static napi_value make_answer(napi_env env, const struct trib_client_answer *answer)
{
	napi_value object, value;

	napi_create_object(env, &object);
	set_number(env, object, "needsServer", answer->needs_server);
	set_number(env, object, "reasons", answer->reasons);
	set_number(env, object, "complete", answer->complete);
	set_number(env, object, "pending", answer->pending);
	set_number(env, object, "charged", (double)answer->charged);
	set_number(env, object, "position", (double)answer->position);
	napi_create_string_utf8(env, answer->outcome_word ? answer->outcome_word : "", NAPI_AUTO_LENGTH, &value);
	napi_set_named_property(env, object, "outcome", value);
	napi_create_buffer_copy(env, answer->resolution_size, answer->resolution, NULL, &value);
	napi_set_named_property(env, object, "resolution", value);
	return object;
}

/* handle, texts, numbers, ext [, resolution]: what every call about an order begins with. */
static struct handle *take_call(napi_env env, napi_callback_info info, napi_value *arguments, size_t *count,
				struct order *order)
{
	struct handle *handle = NULL;

	napi_get_cb_info(env, info, count, arguments, NULL, NULL);
	napi_get_value_external(env, arguments[0], (void **)&handle);
	if (take_order(env, arguments[1], arguments[2], arguments[3], order) != TRIB_CLIENT_OK) {
		free(order->ext);
		fail(env, TRIB_CLIENT_INVALID, NULL);
		return NULL;
	}
	return handle;
}

static napi_value resolve(napi_env env, napi_callback_info info)
{
	struct trib_client_answer answer = { .size = sizeof(answer) };
	napi_value arguments[5];
	size_t count = 5;
	struct order order;
	struct handle *handle = take_call(env, info, arguments, &count, &order);

	if (!handle)
		return NULL;
	int status = trib_resolve(handle->resolver, &order.line, &answer);

	free(order.ext);
	return status == TRIB_CLIENT_OK ? make_answer(env, &answer) : fail(env, status, NULL);
}

static napi_value record(napi_env env, napi_callback_info info)
{
	struct trib_client_answer answer = { .size = sizeof(answer) };
	napi_value arguments[5];
	size_t count = 5;
	struct order order;
	struct handle *handle = take_call(env, info, arguments, &count, &order);
	bool given = false;

	if (!handle)
		return NULL;
	if (count == 5 && napi_is_buffer(env, arguments[4], &given) == napi_ok && given)
		napi_get_buffer_info(env, arguments[4], (void **)&answer.resolution, &answer.resolution_size);
	int status = trib_client_record(handle->client, &order.line, given ? &answer : NULL);

	free(order.ext);
	return status == TRIB_CLIENT_OK ? NULL : fail(env, status, NULL);
}

/* A question under way on a thread of libuv. */
struct question {
	struct handle *handle;
	struct order order;
	struct trib_client_answer answer;
	int status;
	napi_deferred deferred;
	napi_async_work work;
	napi_ref keep;
};

static void ask_execute(napi_env env, void *data)
{
	struct question *question = data;

	question->status = trib_client_ask(question->handle->client, &question->order.line, &question->answer, 5000);
}

static void ask_complete(napi_env env, napi_status status, void *data)
{
	struct question *question = data;
	napi_value word, error;

	if (question->status == TRIB_CLIENT_OK) {
		napi_resolve_deferred(env, question->deferred, make_answer(env, &question->answer));
	} else {
		napi_create_string_utf8(env, trib_client_status_word(question->status), NAPI_AUTO_LENGTH, &word);
		napi_create_error(env, word, word, &error);
		napi_reject_deferred(env, question->deferred, error);
	}
	napi_delete_reference(env, question->keep);
	napi_delete_async_work(env, question->work);
	free(question->order.ext);
	free(question);
}

static napi_value ask(napi_env env, napi_callback_info info)
{
	struct question *question = calloc(1, sizeof(*question));
	napi_value arguments[5], promise, name;
	size_t count = 5;

	question->answer.size = sizeof(question->answer);
	question->handle = take_call(env, info, arguments, &count, &question->order);
	if (!question->handle) {
		free(question);
		return NULL;
	}
	napi_create_promise(env, &question->deferred, &promise);
	napi_create_string_utf8(env, "tributary.ask", NAPI_AUTO_LENGTH, &name);
	napi_create_reference(env, arguments[0], 1, &question->keep);
	napi_create_async_work(env, NULL, name, ask_execute, ask_complete, question, &question->work);
	napi_queue_async_work(env, question->work);
	return promise;
}

static napi_value state(napi_env env, napi_callback_info info)
{
	struct trib_client_state now = { .size = sizeof(now) };
	napi_value argument, object;
	struct handle *handle = NULL;
	size_t count = 1;

	napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
	napi_get_value_external(env, argument, (void **)&handle);
	trib_client_state(handle->client, &now);
	napi_create_object(env, &object);
	set_number(env, object, "hasSnapshot", now.has_snapshot);
	set_number(env, object, "hasKeys", now.has_keys);
	set_number(env, object, "connected", now.connected);
	set_number(env, object, "position", (double)now.position);
	set_number(env, object, "ageMs", (double)now.age_ms);
	set_number(env, object, "queued", (double)now.queued);
	set_number(env, object, "accepted", (double)now.accepted);
	set_number(env, object, "repeated", (double)now.repeated);
	set_number(env, object, "differed", (double)now.differed);
	set_number(env, object, "refused", (double)now.refused);
	return object;
}

static napi_value init(napi_env env, napi_value exports)
{
	static const struct {
		const char *name;
		napi_callback function;
	} functions[] = { { "open", open_client }, { "resolve", resolve }, { "record", record }, { "ask", ask }, { "state", state } };

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		napi_value function;

		napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
		napi_set_named_property(env, exports, functions[i].name, function);
	}
	return exports;
}

NAPI_MODULE(tributary, init)
