#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/load/http_client.h"
#include "cli/load/line.h"
#include "cli/load/resp_client.h"

static const char help[] =
	"Loads what `tributary gen --out DIR` wrote into a running server: the nouns over HTTP, "
	"then the\n"
	"traffic over RESP, pipelined. All times are shifted so that the last is now. First every "
	"link is\n"
	"made, then touches and orders go in the order in which they arrived.\n\n"
	"  --resp HOST:PORT   (127.0.0.1:7390)\n"
	"  --http HOST:PORT   (127.0.0.1:7380)\n"
	"  --window N         commands under way at a time (4096)\n"
	"  --json             print what happened as JSON\n";

enum {
	WINDOW_MAX = 1 << 20,
	TALLY_MAX = 64,
	SAMPLES_MAX = 64, /* orders whose ids are told */
	CHUNK_BYTES = 256 << 10,
	PROGRESS_LINES = 4096,
};

/* How often each outcome or error came. */
struct tally {
	uint32_t count;
	struct {
		char name[48];
		uint64_t times;
		int64_t charged;
	} rows[TALLY_MAX];
};

enum sent { SENT_LINK, SENT_TOUCH, SENT_ORDER, SENT_REPEAT };

struct token {
	uint8_t size;
	char text[TRIB_LIMIT_TOKEN_CHARS];
};

struct load {
	const char *resp, *http, *folder;
	int64_t window;
	bool json;
	int64_t shift_ms;
	uint64_t lines, line; /* of traffic; where we are */
	struct trib_resp_client *client;
	struct token *tokens; /* by link number; size 0: refused or not made */
	uint64_t links_max;
	struct { /* commands under way, in order: a ring of window + 1 */
		uint8_t *what;
		uint64_t *which;
		uint64_t first, last, size;
	} under_way;
	struct tally links, touches, orders, repeats;
	char samples[SAMPLES_MAX][72];
	uint64_t sample_count; /* attributed orders */
	char (*order_ids)[72]; /* of the ring's orders, for samples */
	double link_seconds, pulse_seconds;
	uint64_t pulse_commands;
};

static void count(struct tally *tally, struct trib_bytes name, int64_t charged)
{
	uint32_t i = 0;
	size_t size = TRIB_MIN(name.size, sizeof(tally->rows[0].name) - 1);

	while (i < tally->count && (strlen(tally->rows[i].name) != size ||
				    memcmp(tally->rows[i].name, name.data, size)))
		i++;
	if (i == TALLY_MAX)
		i--; /* the last takes what is too many */
	if (i == tally->count) {
		tally->count++;
		memcpy(tally->rows[i].name, name.data, size);
	}
	tally->rows[i].times++;
	tally->rows[i].charged += charged;
}

/* ---- nouns ---- */

static trib_status map_file(const char *folder, const char *name, struct trib_bytes *ret_bytes,
			    struct trib_error *error)
{
	char path[4096];
	struct stat info;
	void *data = NULL;

	snprintf(path, sizeof(path), "%s/%s", folder, name);

	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &info) != 0)
		goto fail;
	if (info.st_size) {
		data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED)
			goto fail;
	}
	close(fd);
	*ret_bytes = trib_bytes(data, (size_t)info.st_size);
	return TRIB_OK;
fail:
	trib_fail(error, TRIB_IO, path, "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return TRIB_IO;
}

static void unmap(struct trib_bytes bytes)
{
	if (bytes.size)
		munmap((void *)(uintptr_t)bytes.data, bytes.size);
}

/* The next line without its end; false at the end of the text. */
static bool next_line(struct trib_bytes *rest, struct trib_bytes *ret_line)
{
	const char *stop = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;

	if (!stop)
		return false;
	*ret_line = trib_bytes(rest->data, (size_t)(stop - rest->data));
	*rest = trib_bytes(stop + 1, rest->size - ret_line->size - 1);
	return true;
}

/* A plan with its times shifted. */
static trib_status add_plan(struct load *load, struct trib_bytes line, struct trib_buffer *out,
			    struct trib_error *error)
{
	static const char *const times[] = { "effective_from", "effective_to" };
	json_t *plan = json_loadb(line.data, line.size, 0, NULL);

	if (!plan)
		return trib_fail(error, TRIB_SYNTAX, "plans.ndjson",
				 "found a line that is no JSON");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(times); i++) {
		json_int_t at = json_integer_value(json_object_get(plan, times[i]));

		if (at)
			json_object_set_new(plan, times[i], json_integer(at + load->shift_ms));
	}
	char *text = json_dumps(plan, JSON_COMPACT);

	trib_buffer_add_text(out, text);
	trib_buffer_add_char(out, '\n');
	free(text);
	json_decref(plan);
	return TRIB_OK;
}

/* Refused lines are told and end the load: what follows would lean on them. */
static trib_status check_import(const char *noun, int code, struct trib_buffer *body,
				struct trib_error *error)
{
	json_t *answer = json_loadb(body->data, body->size, 0, NULL);
	json_int_t refused = json_integer_value(json_object_get(answer, "refused"));
	char place[64];
	trib_status status = TRIB_OK;

	snprintf(place, sizeof(place), "%s:import", noun);
	if (code != 200 || refused || !answer) {
		json_t *first = json_array_get(json_object_get(answer, "errors"), 0);

		status =
			trib_fail(error, TRIB_REFUSED, place,
				  "%d, refused %" JSON_INTEGER_FORMAT ": line %d, %s: %.200s", code,
				  refused, (int)json_integer_value(json_object_get(first, "line")),
				  json_string_value(json_object_get(first, "at")) ?: "",
				  json_string_value(json_object_get(first, "detail"))
					  ?: trib_buffer_text(body));
	}
	json_decref(answer);
	return status;
}

static trib_status import_lines(struct load *load, struct trib_http *http, struct trib_bytes rest,
				bool plans, struct trib_error *error)
{
	struct trib_buffer part;
	struct trib_bytes line;
	trib_status status = TRIB_OK;

	trib_buffer_init(&part, SIZE_MAX);
	while (status == TRIB_OK && next_line(&rest, &line)) {
		if (plans) {
			status = add_plan(load, line, &part, error);
		} else {
			trib_buffer_add_bytes(&part, line);
			trib_buffer_add_char(&part, '\n');
		}
		if (status == TRIB_OK && part.size >= CHUNK_BYTES) {
			status = trib_http_send(http, trib_buffer_bytes(&part), error);
			trib_buffer_reset(&part);
		}
	}
	if (status == TRIB_OK)
		status = trib_http_send(http, trib_buffer_bytes(&part), error);
	trib_buffer_fini(&part);
	return status;
}

static trib_status import(struct load *load, const char *noun, struct trib_error *error)
{
	char name[64], path[64];
	struct trib_bytes text;
	struct trib_http *http;
	struct trib_buffer body;
	int code = 0;

	snprintf(name, sizeof(name), "%s.ndjson", noun);
	snprintf(path, sizeof(path), "/api/v1/%s:import", noun);

	trib_status status = map_file(load->folder, name, &text, error);

	if (status != TRIB_OK)
		return status;
	status = trib_http_begin(load->http, "POST", path, "application/x-ndjson", &http, error);
	if (status == TRIB_OK) {
		trib_buffer_init(&body, SIZE_MAX);
		status = import_lines(load, http, text, !strcmp(noun, "plans"), error);
		if (status == TRIB_OK)
			status = trib_http_end(http, &code, &body, error);
		else
			trib_http_free(http);
		if (status == TRIB_OK)
			status = check_import(noun, code, &body, error);
		trib_buffer_fini(&body);
	}
	unmap(text);
	return status;
}

/* {"name":…,"value":{…}}: a new version, then active. */
static trib_status put_rules(struct load *load, struct trib_bytes line, struct trib_error *error)
{
	json_t *row = json_loadb(line.data, line.size, 0, NULL), *answer;
	const char *name = json_string_value(json_object_get(row, "name"));
	char *value = json_dumps(json_object_get(row, "value"), JSON_COMPACT), path[128], body[64];
	struct trib_buffer reply;
	trib_status status;

	if (!name || !value || strlen(name) > 64) {
		json_decref(row);
		free(value);
		return trib_fail(error, TRIB_SYNTAX, "rules.ndjson", "expected name and value");
	}
	trib_buffer_init(&reply, SIZE_MAX);
	snprintf(path, sizeof(path), "/api/v1/rules/%s", name);
	status = trib_http_request(load->http, "PUT", path, trib_bytes_text(value), &reply, error);
	if (status == TRIB_OK) {
		answer = json_loadb(reply.data, reply.size, 0, NULL);
		snprintf(body, sizeof(body), "{\"version\":%d}",
			 (int)json_integer_value(json_object_get(answer, "version")));
		json_decref(answer);
		snprintf(path, sizeof(path), "/api/v1/rules/%s:activate", name);
		trib_buffer_reset(&reply);
		status = trib_http_request(load->http, "POST", path, trib_bytes_text(body), &reply,
					   error);
	}
	trib_buffer_fini(&reply);
	json_decref(row);
	free(value);
	return status;
}

static trib_status load_nouns(struct load *load, struct trib_error *error)
{
	static const char *const nouns[] = { "parties", "goods", "plans", "registrations" };
	struct trib_bytes text, rest, line;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(nouns); i++) {
		trib_status status = import(load, nouns[i], error);

		if (status != TRIB_OK)
			return status;
		fprintf(stderr, "loaded %s\n", nouns[i]);
	}
	trib_status status = map_file(load->folder, "rules.ndjson", &text, error);

	for (rest = text; status == TRIB_OK && next_line(&rest, &line);)
		status = put_rules(load, line, error);
	unmap(text);
	return status;
}

/* ---- traffic ---- */

static void sent(struct load *load, enum sent what, uint64_t which, struct trib_bytes order)
{
	uint64_t at = load->under_way.last++ % load->under_way.size;

	load->under_way.what[at] = (uint8_t)what;
	load->under_way.which[at] = which;
	if (order.size)
		snprintf(load->order_ids[at], sizeof(load->order_ids[at]), TRIB_BYTES_FMT,
			 TRIB_BYTES_ARG(order));
}

static struct trib_bytes first_word(struct trib_bytes text)
{
	const char *stop = memchr(text.data, ' ', text.size);

	return stop ? trib_bytes(text.data, (size_t)(stop - text.data)) : text;
}

static void take_order(struct load *load, uint64_t at, const struct trib_reply *reply)
{
	bool brief = reply->count >= 3 && reply->items[0].type == '*';
	struct trib_bytes outcome = brief ? reply->items[1].text : first_word(reply->items[0].text);

	count(&load->orders, outcome, brief ? reply->items[2].number : 0);
	if (!brief || !trib_bytes_is(outcome, "attributed") || reply->items[2].number <= 0)
		return;

	/* Some of the attributed ones, each as likely as any other (a reservoir). */
	uint64_t place = load->sample_count < SAMPLES_MAX
				 ? load->sample_count
				 : trib_hash_u64(load->sample_count) % load->sample_count;

	load->sample_count++;
	if (place < SAMPLES_MAX)
		memcpy(load->samples[place], load->order_ids[at], sizeof(load->samples[0]));
}

static void on_reply(void *context, const struct trib_reply *reply)
{
	struct load *load = context;
	uint64_t at = load->under_way.first++ % load->under_way.size;
	const struct trib_reply_item *first = &reply->items[0];
	struct trib_bytes word = first->type == '-' ? first_word(first->text) : first->text;
	struct token *token = &load->tokens[load->under_way.which[at]];

	switch ((enum sent)load->under_way.what[at]) {
	case SENT_LINK:
		if (first->type == '$' && first->text.size <= sizeof(token->text)) {
			token->size = (uint8_t)first->text.size;
			memcpy(token->text, first->text.data, first->text.size);
			word = trib_bytes_text("made");
		}
		count(&load->links, word, 0);
		break;
	case SENT_TOUCH:
		count(&load->touches, word, 0);
		break;
	case SENT_ORDER:
		take_order(load, at, reply);
		break;
	case SENT_REPEAT:
		count(&load->repeats, first->type == '*' ? trib_bytes_text("answered") : word, 0);
		break;
	}
}

static void argument_text(struct load *load, const char *text)
{
	trib_resp_argument(load->client, trib_bytes_text(text));
}

/* KEY value, where there is one. */
static void option(struct load *load, const char *key, struct trib_bytes value)
{
	if (!value.size)
		return;
	argument_text(load, key);
	trib_resp_argument(load->client, value);
}

static void option_carrier(struct load *load, const struct trib_bytes carrier[3])
{
	if (!carrier[0].size)
		return;
	argument_text(load, "CARRIER");
	for (int i = 0; i < 3; i++)
		trib_resp_argument(load->client, carrier[i]);
}

static void option_at(struct load *load, int64_t at_ms)
{
	argument_text(load, "AT");
	trib_resp_argument_i64(load->client, at_ms + load->shift_ms);
}

static void send_link(struct load *load, const struct trib_traffic_line *line)
{
	size_t n = 4 + 2 * (!!line->offer.size + !!line->page.size + 1) +
		   (line->carrier[0].size ? 4 : 0);

	trib_resp_command(load->client, n);
	argument_text(load, "LINK");
	trib_resp_argument(load->client, line->channel);
	trib_resp_argument(load->client, line->creator);
	trib_resp_argument(load->client, line->goods);
	option(load, "OFFER", line->offer);
	option_carrier(load, line->carrier);
	option(load, "PAGE", line->page);
	option_at(load, line->at_ms);
	sent(load, SENT_LINK, (uint64_t)line->link, trib_bytes(NULL, 0));
}

/* The token of the line's link, `-` without one; one character changed where the line says so. */
static void argument_token(struct load *load, const struct trib_traffic_line *line)
{
	struct token token = load->tokens[line->link];

	if (!token.size) {
		argument_text(load, "-");
		return;
	}
	if (line->forge >= 0) {
		char *c = &token.text[line->forge % token.size];

		*c = *c == 'A' ? 'B' : 'A';
	}
	trib_resp_argument(load->client, trib_bytes(token.text, token.size));
}

static void send_touch(struct load *load, const struct trib_traffic_line *line)
{
	if (!load->tokens[line->link].size)
		return; /* its link was refused */
	trib_resp_command(load->client, 5);
	argument_text(load, "TOUCH");
	trib_resp_argument(load->client, line->user);
	argument_token(load, line);
	option_at(load, line->at_ms);
	sent(load, SENT_TOUCH, 0, trib_bytes(NULL, 0));
}

static void send_order(struct load *load, const struct trib_traffic_line *line)
{
	size_t n = 9 + 2 * (line->qty > 1) + 2 * (!!line->scene.size + !!line->page.size) +
		   (line->carrier[0].size ? 4 : 0);

	trib_resp_command(load->client, n);
	argument_text(load, "ATTRIBUTE");
	trib_resp_argument(load->client, line->id);
	trib_resp_argument(load->client, line->user);
	trib_resp_argument(load->client, line->goods);
	trib_resp_argument_i64(load->client, line->base_amount);
	argument_token(load, line);
	option_at(load, line->at_ms);
	if (line->qty > 1) {
		argument_text(load, "QTY");
		trib_resp_argument_i64(load->client, line->qty);
	}
	option(load, "SCENE", line->scene);
	option_carrier(load, line->carrier);
	option(load, "PAGE", line->page);
	argument_text(load, "BRIEF");
	sent(load, line->repeat ? SENT_REPEAT : SENT_ORDER, 0, line->id);
}

/* A plan changes: all that came before is answered first. */
static trib_status send_put(struct load *load, const struct trib_traffic_line *line,
			    struct trib_error *error)
{
	struct trib_buffer body, reply;
	char path[128];
	json_t *value = json_loadb(line->value.data, line->value.size, 0, NULL);
	const char *id = json_string_value(json_object_get(value, "id"));
	trib_status status = trib_resp_client_wait(load->client, 0, error);

	trib_buffer_init(&body, SIZE_MAX);
	trib_buffer_init(&reply, SIZE_MAX);
	if (status == TRIB_OK && (!id || !trib_bytes_is(line->put, "plans")))
		status = trib_fail(error, TRIB_SYNTAX, "put", "expected a plan with its id");
	if (status == TRIB_OK)
		status = add_plan(load, line->value, &body, error);
	if (status == TRIB_OK) {
		snprintf(path, sizeof(path), "/api/v1/plans/%.64s", id);
		status = trib_http_request(load->http, "PUT", path, trib_buffer_bytes(&body),
					   &reply, error);
	}
	trib_buffer_fini(&body);
	trib_buffer_fini(&reply);
	json_decref(value);
	return status;
}

static void progress(const struct load *load, const char *what, bool done)
{
	enum { WIDTH = 40 };
	uint64_t part = load->lines ? load->line * WIDTH / load->lines : WIDTH;

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%-7s [", what);
	for (uint64_t i = 0; i < WIDTH; i++)
		fputc(i < part ? '#' : '.', stderr);
	fprintf(stderr, "] %3d %%%s", load->lines ? (int)(load->line * 100 / load->lines) : 100,
		done ? "\n" : "");
}

/* One pass over the traffic: `links` makes the links, else everything but them is sent. */
static trib_status pass(struct load *load, struct trib_bytes rest, bool links,
			struct trib_error *error)
{
	struct trib_bytes text;
	trib_status status = TRIB_OK;

	for (load->line = 0; status == TRIB_OK && next_line(&rest, &text);) {
		struct trib_traffic_line line;

		if (++load->line % PROGRESS_LINES == 0)
			progress(load, links ? "links" : "traffic", false);
		status = trib_traffic_line_parse(text, &line, error);
		if (status == TRIB_OK && (line.link < 0 || (uint64_t)line.link > load->links_max))
			status = trib_fail(error, TRIB_INVALID, "link",
					   "found %" PRId64 ", expected one of %" PRIu64, line.link,
					   load->links_max);
		if (status != TRIB_OK || links != (line.what == TRIB_TRAFFIC_LINK))
			continue;
		if (line.what == TRIB_TRAFFIC_LINK)
			send_link(load, &line);
		else if (line.what == TRIB_TRAFFIC_TOUCH)
			send_touch(load, &line);
		else if (line.what == TRIB_TRAFFIC_ORDER)
			send_order(load, &line);
		else
			status = send_put(load, &line, error);
		if (status == TRIB_OK)
			status = trib_resp_client_wait(load->client, (uint64_t)load->window, error);
	}
	if (status != TRIB_OK) {
		char place[32];

		snprintf(place, sizeof(place), "traffic.ndjson:%" PRIu64, load->line);
		trib_error_within(error, place);
		return status;
	}
	progress(load, links ? "links" : "traffic", true);
	return trib_resp_client_wait(load->client, 0, error);
}

static double seconds_since(int64_t from_ns)
{
	return (double)(trib_clock_monotonic_ns(trib_clock_system()) - from_ns) / 1e9;
}

static trib_status load_traffic(struct load *load, struct trib_error *error)
{
	struct trib_bytes text;
	trib_status status = map_file(load->folder, "traffic.ndjson", &text, error);

	if (status != TRIB_OK)
		return status;
	load->under_way.size = (uint64_t)load->window + 2;
	load->under_way.what = trib_alloc_zeroed(load->under_way.size, 1);
	load->under_way.which = trib_alloc_zeroed(load->under_way.size, sizeof(uint64_t));
	load->order_ids = trib_alloc_zeroed(load->under_way.size, sizeof(*load->order_ids));
	load->tokens = trib_alloc_zeroed(load->links_max + 1, sizeof(*load->tokens));
	status = trib_resp_client_connect(load->resp, on_reply, load, &load->client, error);

	int64_t begin_ns = trib_clock_monotonic_ns(trib_clock_system());

	if (status == TRIB_OK)
		status = pass(load, text, true, error);
	load->link_seconds = seconds_since(begin_ns);
	begin_ns = trib_clock_monotonic_ns(trib_clock_system());

	uint64_t before = load->under_way.last;

	if (status == TRIB_OK)
		status = pass(load, text, false, error);
	load->pulse_seconds = seconds_since(begin_ns);
	load->pulse_commands = load->under_way.last - before;
	unmap(text);
	return status;
}

/* ---- the whole ---- */

static trib_status read_about(struct load *load, struct trib_error *error)
{
	struct trib_bytes text;
	trib_status status = map_file(load->folder, "about.json", &text, error);

	if (status != TRIB_OK)
		return status;
	json_t *about = json_loadb(text.data, text.size, 0, NULL);
	json_int_t format = json_integer_value(json_object_get(about, "format"));
	json_int_t last = json_integer_value(json_object_get(about, "last_at"));
	json_int_t links = json_integer_value(json_object_get(about, "links"));

	load->lines = (uint64_t)json_integer_value(json_object_get(about, "traffic_lines"));
	unmap(text);
	json_decref(about);
	if (format != 1 || links < 0 || links > INT32_MAX)
		return trib_fail(error, TRIB_INVALID, "about.json", "expected format 1");
	load->links_max = (uint64_t)links;
	load->shift_ms = last ? trib_clock_wall_ms(trib_clock_system()) - last : 0;
	return TRIB_OK;
}

static void print_tally(const char *name, const struct tally *tally, bool charged)
{
	printf("\"%s\":{", name);
	for (uint32_t i = 0; i < tally->count; i++) {
		printf("%s\"%s\":", i ? "," : "", tally->rows[i].name);
		if (charged)
			printf("{\"orders\":%" PRIu64 ",\"charged\":%" PRId64 "}",
			       tally->rows[i].times, tally->rows[i].charged);
		else
			printf("%" PRIu64, tally->rows[i].times);
	}
	printf("}");
}

static void print_json(const struct load *load)
{
	putchar('{');
	print_tally("links", &load->links, false);
	putchar(',');
	print_tally("touches", &load->touches, false);
	putchar(',');
	print_tally("orders", &load->orders, true);
	putchar(',');
	print_tally("repeats", &load->repeats, false);
	printf(",\"link_seconds\":%.3f,\"pulse_seconds\":%.3f,\"pulse_commands\":%" PRIu64
	       ",\"samples\":[",
	       load->link_seconds, load->pulse_seconds, load->pulse_commands);
	for (uint64_t i = 0; i < TRIB_MIN(load->sample_count, SAMPLES_MAX); i++)
		printf("%s\"%s\"", i ? "," : "", load->samples[i]);
	puts("]}");
}

static void print_text(const struct load *load)
{
	const struct {
		const char *name;
		const struct tally *tally;
	} rows[] = { { "link", &load->links },
		     { "touch", &load->touches },
		     { "order", &load->orders },
		     { "repeat", &load->repeats } };

	for (size_t r = 0; r < TRIB_ARRAY_SIZE(rows); r++)
		for (uint32_t i = 0; i < rows[r].tally->count; i++)
			printf("%-6s %-24s %12" PRIu64 "\n", rows[r].name,
			       rows[r].tally->rows[i].name, rows[r].tally->rows[i].times);
	printf("%" PRIu64 " touches and orders in %.2f s, %.0f a second\n", load->pulse_commands,
	       load->pulse_seconds,
	       (double)load->pulse_commands / TRIB_MAX(load->pulse_seconds, 1e-9));
}

static int read_options(int argc, char **argv, struct load *load)
{
	for (int i = 1; i < argc; i++) {
		const char **text = !strcmp(argv[i], "--resp")	 ? &load->resp
				    : !strcmp(argv[i], "--http") ? &load->http
								 : NULL;

		if (!strcmp(argv[i], "--json")) {
			load->json = true;
		} else if (text || !strcmp(argv[i], "--window")) {
			if (++i == argc)
				return trib_cli_usage_error("load", "found nothing after \"%s\"",
							    argv[i - 1]);
			if (text)
				*text = argv[i];
			else if (!trib_bytes_to_i64(trib_bytes_text(argv[i]), &load->window) ||
				 load->window < 1 || load->window > WINDOW_MAX)
				return trib_cli_usage_error(
					"load", "--window: found \"%s\", expected 1 to %d", argv[i],
					WINDOW_MAX);
		} else if (argv[i][0] == '-' || load->folder) {
			return trib_cli_usage_error(
				"load", "found \"%s\", expected an option or one folder", argv[i]);
		} else {
			load->folder = argv[i];
		}
	}
	if (!load->folder)
		return trib_cli_usage_error("load", "found no folder");
	return TRIB_EXIT_DONE;
}

int trib_cli_load(int argc, char **argv)
{
	struct load load = { .resp = "127.0.0.1:7390", .http = "127.0.0.1:7380", .window = 4096 };
	struct trib_error error;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return trib_cli_help("load [OPTION …] DIR", help);

	int code = read_options(argc, argv, &load);

	if (code != TRIB_EXIT_DONE)
		return code;
	trib_status status = read_about(&load, &error);

	if (status == TRIB_OK)
		status = load_nouns(&load, &error);
	if (status == TRIB_OK)
		status = load_traffic(&load, &error);
	if (status == TRIB_OK && load.json)
		print_json(&load);
	else if (status == TRIB_OK)
		print_text(&load);
	trib_resp_client_free(load.client);
	free(load.tokens);
	free(load.under_way.what);
	free(load.under_way.which);
	free(load.order_ids);
	return status == TRIB_OK ? TRIB_EXIT_DONE : trib_cli_failed("load", &error);
}
