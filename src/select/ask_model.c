/*
 * Asking a model: any server that answers POST …/chat/completions as OpenAI's does. It is told the fields and what may
 * be written, must answer by a JSON schema, and what it writes is checked like anybody's. What fails is sent back once
 * with the error; then the request is refused.
 */
#include <curl/curl.h>
#include "base/limits.h"
#include "proto/proto.h"
#include "select/ask_private.h"
#include "select/functions.h"

enum {
	TIMEOUT_MS = 20000,
	CONNECT_MS = 5000,
	ATTEMPTS = 2,
	BODY_BYTES_MAX = 1 << 20,
};

/* ---- What is asked -------------------------------------------------------------------------------- */

static const char schema[] =
	"{\"type\":\"object\",\"additionalProperties\":false,"
	"\"required\":[\"filter\",\"order_by\",\"descending\",\"limit\",\"understood\",\"not_"
	"understood\"],"
	"\"properties\":{\"filter\":{\"type\":\"string\"},\"order_by\":{\"type\":\"string\"},"
	"\"descending\":{\"type\":\"boolean\"},\"limit\":{\"type\":\"integer\"},"
	"\"understood\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	"\"additionalProperties\":false,"
	"\"required\":[\"text\",\"cel\"],\"properties\":{\"text\":{\"type\":\"string\"},\"cel\":{"
	"\"type\":\"string\"}}}},"
	"\"not_understood\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}";

static const char task[] = "You turn what an operator of an online marketplace says about goods "
			   "into a filter and an order, as JSON.\n"
			   "filter: an expression of CEL (the Common Expression Language) over the "
			   "fields below, of type bool; \"true\" if "
			   "nothing limits.\norder_by: a CEL expression of a number or a time, "
			   "\"\" for none; descending: whether the largest "
			   "comes first.\nlimit: how many are wanted, 0 if that is not "
			   "said.\nunderstood: each piece of the text, word for "
			   "word, with the CEL it became. not_understood: the pieces that became "
			   "nothing. Leave no piece out.\n"
			   "Money is in minor units: 99 yuan is 9900. Rates ending in _bps are "
			   "basis points: 15 % is 1500. Words that name "
			   "no field are sought in the title: title.words(\"…\"). Use only these "
			   "fields and functions.\n\nFields:\n";

static void add_prompt(const struct trib_ask *ask, const struct trib_ask_request *request,
		       struct trib_buffer *prompt)
{
	trib_buffer_add_text(prompt, task);
	for (uint32_t i = 0; i < ask->env.variable_count; i++) {
		trib_buffer_add_format(prompt, "%s: ", ask->env.variables[i].name);
		trib_type_format(ask->env.variables[i].type, prompt);
		trib_buffer_add_text(prompt, "\n");
	}
	trib_buffer_add_text(prompt, "\nFunctions beside CEL's own:\n");
#define X(id, name, signatures, about)                                                             \
	trib_buffer_add_text(prompt, (signatures)[0] == '.' ? "text." name ": " about "\n"         \
							    : name ": " about "\n");
	TRIB_SELECT_FUNCTION_TABLE(X)
#undef X
	trib_buffer_add_text(prompt, "A day is duration(\"24h\"). ");
	if (request->creator.size) {
		trib_buffer_add_text(prompt, "The creator who asks is ");
		trib_json_add_string(prompt, request->creator);
		trib_buffer_add_text(prompt, ".");
	}
}

static void add_message(struct trib_buffer *messages, const char *role, struct trib_bytes content)
{
	trib_buffer_add_format(messages,
			       "%s{\"role\":\"%s\",\"content\":", messages->size ? "," : "", role);
	trib_json_add_string(messages, content);
	trib_buffer_add_text(messages, "}");
}

/* ---- The request ---------------------------------------------------------------------------------- */

static size_t on_answer(char *data, size_t size, size_t count, void *context)
{
	struct trib_buffer *reply = context;

	trib_buffer_add(reply, data, size * count);
	return reply->failed ? 0 : size * count;
}

static CURLcode perform(const struct trib_ask_model *model, const char *url,
			struct trib_buffer *body, struct trib_buffer *reply, long *ret_code,
			char *why)
{
	CURL *easy = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long timeout_ms = model->timeout_ms ? (long)model->timeout_ms : TIMEOUT_MS;

	trib_assert(easy && headers);
	headers = curl_slist_append(headers, "Expect:");
	if (model->key) {
		char line[512];

		snprintf(line, sizeof(line), "Authorization: Bearer %s", model->key);
		headers = curl_slist_append(headers, line);
		memset(line, 0, sizeof(line));
	}
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, TRIB_MIN(timeout_ms, (long)CONNECT_MS));
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "tributary/" TRIB_VERSION);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->size);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, trib_buffer_text(body));
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
	CURLcode code = curl_easy_perform(easy);

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, ret_code);
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
	return code;
}

/* One question; the reply's bytes. */
static trib_status post(const struct trib_ask_model *model, const struct trib_buffer *messages,
			struct trib_buffer *reply, struct trib_error *error)
{
	char why[CURL_ERROR_SIZE] = "", url[1024];
	struct trib_buffer body;
	long code = 0;

	if (!model->url ||
	    snprintf(url, sizeof(url), "%s/chat/completions", model->url) >= (int)sizeof(url) ||
	    (model->key && strlen(model->key) > 400))
		return trib_fail(error, TRIB_INVALID, "model",
				 "found a URL or a key that is too long");
	trib_buffer_init(&body, BODY_BYTES_MAX);
	trib_buffer_add_text(&body, "{\"model\":");
	trib_json_add_string(&body, trib_bytes_text(model->name));
	trib_buffer_add_text(&body, ",\"temperature\":0,\"messages\":[");
	trib_buffer_add_bytes(&body, trib_buffer_bytes(messages));
	trib_buffer_add_format(&body,
			       "],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
			       "\"name\":\"selection\","
			       "\"strict\":true,\"schema\":%s}}}",
			       schema);
	if (body.failed || messages->failed) {
		trib_buffer_fini(&body);
		return trib_fail(error, TRIB_TOO_LARGE, "model",
				 "the question would be larger than %d bytes", BODY_BYTES_MAX);
	}
	CURLcode result = perform(model, url, &body, reply, &code, why);

	trib_buffer_fini(&body);
	if (reply->failed)
		return trib_fail(error, TRIB_REFUSED, "model",
				 "found an answer of more than %d bytes",
				 TRIB_LIMIT_ASK_REPLY_BYTES);
	if (result != CURLE_OK)
		return trib_fail(error, TRIB_IO, "model", "no answer: %s",
				 why[0] ? why : curl_easy_strerror(result));
	if (code != 200)
		return trib_fail(error, TRIB_IO, "model", "found status %ld, expected 200", code);
	return TRIB_OK;
}

/* ---- The reply ------------------------------------------------------------------------------------ */

/* choices[0].message.content */
static trib_status content_of(struct trib_bytes reply, struct trib_arena *arena,
			      struct trib_bytes *ret_content, struct trib_error *error)
{
	const struct trib_json *root, *choices, *content;
	trib_status status = trib_json_parse(reply, TRIB_LIMIT_JSON_DEPTH, arena, &root, error);

	if (status != TRIB_OK) {
		trib_error_within(error, "model");
		return status;
	}
	choices = trib_json_member(root, "choices");
	content = choices && choices->kind == TRIB_JSON_ARRAY && choices->first
			  ? trib_json_member(trib_json_member(choices->first, "message"), "content")
			  : NULL;
	if (!content || content->kind != TRIB_JSON_STRING)
		return trib_fail(error, TRIB_REFUSED, "model",
				 "found a reply without choices[0].message.content");
	*ret_content = content->text;
	return TRIB_OK;
}

static const struct trib_json *member(const struct trib_json *root, const char *name,
				      enum trib_json_kind kind)
{
	const struct trib_json *json = trib_json_member(root, name);

	return json && (json->kind == kind ||
			(kind == TRIB_JSON_TRUE && json->kind == TRIB_JSON_FALSE))
		       ? json
		       : NULL;
}

static bool is_mark(unsigned char c)
{
	return c <= ' ' || (c < 128 && strchr(",;.!?:()\"'", c));
}

/* A part of the text that nothing has claimed yet; false: it does not stand there. */
static bool claim(struct trib_bytes text, bool *claimed, struct trib_bytes piece,
		  struct trib_ask_part *ret_part)
{
	for (size_t at = 0; piece.size && at + piece.size <= text.size; at++) {
		if (memcmp(text.data + at, piece.data, piece.size) || claimed[at])
			continue;
		memset(claimed + at, true, piece.size);
		*ret_part = (struct trib_ask_part){ .text = trib_bytes(text.data + at, piece.size),
						    .from = ask_characters(text, at),
						    .to = ask_characters(text, at + piece.size) };
		return true;
	}
	return false;
}

/* The model's parts, as far as they stand in the text; what it left out was not understood. */
static bool read_parts(struct trib_bytes text, const struct trib_json *understood,
		       const struct trib_json *not_understood, struct trib_arena *arena,
		       struct trib_ask_answer *answer)
{
	struct trib_ask_part *yes = trib_arena_alloc(arena, (understood->count + 1) * sizeof(*yes));
	struct trib_ask_part *no =
		trib_arena_alloc(arena, (not_understood->count + text.size + 1) * sizeof(*no));
	bool *claimed = trib_arena_alloc_zeroed(arena, text.size + 1);

	if (!yes || !no || !claimed)
		return false;
	for (const struct trib_json *json = understood->first; json; json = json->next) {
		const struct trib_json *piece = member(json, "text", TRIB_JSON_STRING),
				       *cel = member(json, "cel", TRIB_JSON_STRING);

		if (piece && cel &&
		    claim(text, claimed, piece->text, &yes[answer->understood_count]))
			yes[answer->understood_count++].cel = cel->text;
	}
	for (const struct trib_json *json = not_understood->first; json; json = json->next)
		if (json->kind == TRIB_JSON_STRING &&
		    claim(text, claimed, json->text, &no[answer->not_understood_count]))
			no[answer->not_understood_count++].why = "the model made nothing of it";
	for (size_t from = 0, to; from < text.size; from = to) {
		bool left_out = !claimed[from] && !is_mark((unsigned char)text.data[from]);

		for (to = from + 1; left_out && to < text.size && !claimed[to] &&
				    !is_mark((unsigned char)text.data[to]);)
			to++;
		if (left_out)
			no[answer->not_understood_count++] =
				(struct trib_ask_part){ .text = trib_bytes(text.data + from,
									   to - from),
							.from = ask_characters(text, from),
							.to = ask_characters(text, to),
							.why = "the model left it out" };
	}
	answer->understood = yes;
	answer->not_understood = no;
	return true;
}

static trib_status read_answer(const struct trib_ask *ask, const struct trib_ask_request *request,
			       struct trib_bytes content, struct trib_arena *arena,
			       struct trib_ask_answer *ret_answer, struct trib_error *error)
{
	const struct trib_json *root;
	trib_status status = trib_json_parse(content, TRIB_LIMIT_JSON_DEPTH, arena, &root, error);

	if (status != TRIB_OK)
		return status;
	const struct trib_json *filter = member(root, "filter", TRIB_JSON_STRING),
			       *order_by = member(root, "order_by", TRIB_JSON_STRING);
	const struct trib_json *descending = member(root, "descending", TRIB_JSON_TRUE),
			       *limit = member(root, "limit", TRIB_JSON_NUMBER);
	const struct trib_json *yes = member(root, "understood", TRIB_JSON_ARRAY),
			       *no = member(root, "not_understood", TRIB_JSON_ARRAY);
	uint64_t count;

	if (!filter || !order_by || !descending || !limit || !yes || !no ||
	    !trib_bytes_to_u64(limit->text, &count) || count > UINT32_MAX)
		return trib_fail(error, TRIB_INVALID, "",
				 "found JSON of another form, expected that of the schema");
	struct trib_ask_answer answer = { .filter = filter->text,
					  .order_by = order_by->text,
					  .descending = descending->kind == TRIB_JSON_TRUE,
					  .limit = (uint32_t)count };

	status = ask_check(ask, &answer, error);
	if (status != TRIB_OK)
		return status;
	if (!read_parts(request->text, yes, no, arena, &answer))
		return trib_fail(error, TRIB_NO_MEMORY, "",
				 "the answer is larger than the memory for it");
	*ret_answer = answer;
	return TRIB_OK;
}

/* ---- The two attempts ----------------------------------------------------------------------------- */

/* What the model says to the messages. */
static trib_status ask_once(const struct trib_ask_model *model, const struct trib_buffer *messages,
			    struct trib_arena *arena, struct trib_bytes *ret_content,
			    struct trib_error *error)
{
	struct trib_buffer reply;
	char *kept = NULL;

	trib_buffer_init(&reply, TRIB_LIMIT_ASK_REPLY_BYTES);
	trib_status status = post(model, messages, &reply, error);
	size_t size = reply.size;

	if (status == TRIB_OK)
		kept = trib_arena_copy(
			arena, trib_buffer_bytes(&reply)); /* what is read of it points into it */
	trib_buffer_fini(&reply);
	if (status != TRIB_OK)
		return status;
	return kept ? content_of(trib_bytes(kept, size), arena, ret_content, error)
		    : trib_fail(error, TRIB_NO_MEMORY, "model",
				"the answer is larger than the memory for it");
}

/* The model's answer, and where that is refused, the one it gives when it is told why. */
static trib_status converse(const struct trib_ask *ask, const struct trib_ask_request *request,
			    struct trib_buffer *messages, struct trib_arena *arena,
			    struct trib_ask_answer *ret_answer, struct trib_error *error)
{
	struct trib_bytes content;
	struct trib_error why;
	char repair[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 100];

	for (int i = 0; i < ATTEMPTS; i++) {
		trib_status status = ask_once(request->model, messages, arena, &content, error);

		if (status != TRIB_OK)
			return status;
		status = read_answer(ask, request, content, arena, ret_answer, &why);
		if (status == TRIB_OK)
			return TRIB_OK;
		snprintf(repair, sizeof(repair),
			 "That was refused: %s%s%s. Answer again in the same form, without this "
			 "fault.",
			 why.at, why.at[0] ? ": " : "", why.text);
		add_message(messages, "assistant", content);
		add_message(messages, "user", trib_bytes_text(repair));
	}
	return trib_fail(error, TRIB_REFUSED, "model",
			 "its answer was refused, and the one it repaired it by: %s%s%s", why.at,
			 why.at[0] ? ": " : "", why.text);
}

trib_status ask_model(const struct trib_ask *ask, const struct trib_ask_request *request,
		      struct trib_arena *arena, struct trib_ask_answer *ret_answer,
		      struct trib_error *error)
{
	struct trib_buffer prompt, messages;
	trib_status status = ask_text_check(request->text, error);

	if (status != TRIB_OK)
		return status;
	trib_buffer_init(&prompt, BODY_BYTES_MAX);
	trib_buffer_init(&messages, BODY_BYTES_MAX);
	add_prompt(ask, request, &prompt);
	add_message(&messages, "system", trib_buffer_bytes(&prompt));
	add_message(&messages, "user", request->text);
	status = converse(ask, request, &messages, arena, ret_answer, error);
	trib_buffer_fini(&prompt);
	trib_buffer_fini(&messages);
	return status;
}
