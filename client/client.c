#include "client.h"

#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_BYTES_DEFAULT ((size_t)64 << 20)
enum { POLL_MS_DEFAULT = 1000, POLL_MS_MIN = 10 };

const char *trib_client_version(void)
{
	return TRIB_VERSION;
}

const char *trib_client_status_word(int status)
{
	static const char *const words[] = { "ok", "invalid", "no_snapshot", "busy", "io", "refused" };

	return status >= 0 && (size_t)status < TRIB_ARRAY_SIZE(words) ? words[status] : "unknown";
}

const char *trib_client_reason_word(uint32_t reason)
{
	static const char *const words[] = { "no_token",    "engine_facts", "unknown_goods", "newer_token",
					     "unknown_key", "no_keys",	    "unknown_party", "too_large",
					     "several_tokens" };
	int bit = reason ? __builtin_ctz(reason) : -1;

	return bit >= 0 && (size_t)bit < TRIB_ARRAY_SIZE(words) ? words[bit] : "unknown";
}

int64_t client_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void client_log(struct trib_client *client, int level, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!client->log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	client->log(client->log_context, level, text);
}

static int fail(struct trib_client_error *ret_error, int status, const char *text)
{
	if (ret_error)
		snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
	return status;
}

static char *copy(const char *text)
{
	return text && text[0] ? trib_strdup(text) : NULL;
}

static void ring(struct trib_client *client)
{
	if (write(client->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t)) < 0)
		return; /* it has been rung already */
}

/* --- Life --------------------------------------------------------------------------------------------- */

static void free_client(struct trib_client *client)
{
	market_close(client);
	queue_fini(&client->queue);
	wire_fini(&client->ask);
	if (client->wake_fd >= 0)
		close(client->wake_fd);
	pthread_cond_destroy(&client->changed);
	pthread_mutex_destroy(&client->lock);
	pthread_mutex_destroy(&client->ask_lock);
	if (client->access_token)
		sodium_memzero(client->access_token, strlen(client->access_token));
	free(client->access_token);
	free(client->http);
	free(client->resp);
	free(client->keys_file);
	free(client);
}

static void init_locks(struct trib_client *client)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&client->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&client->lock, NULL);
	pthread_mutex_init(&client->ask_lock, NULL);
}

static struct trib_client *new_client(const struct trib_client_options *options)
{
	/* The gate's lines are lines of cache. */
	struct trib_client *client = aligned_alloc(64, (sizeof(*client) + 63) / 64 * 64);

	trib_assert(client && sodium_init() >= 0);
	memset(client, 0, sizeof(*client));
	client->http = copy(options->http);
	client->resp = copy(options->resp);
	client->access_token = copy(options->access_token);
	client->keys_file = copy(options->keys_file);
	client->poll_ms = options->poll_ms ? TRIB_MAX(options->poll_ms, (uint32_t)POLL_MS_MIN) : POLL_MS_DEFAULT;
	client->log = options->log;
	client->log_context = options->log_context;
	client->store.path = trib_strdup(options->snapshot_file);
	client->store.lock_fd = -1;
	queue_init(&client->queue, options->queue_bytes ? (size_t)options->queue_bytes : QUEUE_BYTES_DEFAULT);
	wire_init(&client->ask);
	init_locks(client);
	client->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return client;
}

int trib_client_open(const struct trib_client_options *options, struct trib_client **ret_client,
		     struct trib_client_error *ret_error)
{
	struct trib_error error;
	char text[512];

	if (options->size < sizeof(*options) || !options->snapshot_file || !options->snapshot_file[0])
		return fail(ret_error, TRIB_CLIENT_INVALID,
			    "options: found no size or snapshot_file, expected sizeof(options) and the path of a file");
	struct trib_client *client = new_client(options);
	trib_status status = market_open(client, &error);

	if (status == TRIB_BUSY || client->wake_fd < 0) {
		snprintf(text, sizeof(text), "%s: %s", error.at, error.text);
		free_client(client);
		return fail(ret_error, TRIB_CLIENT_IO, text);
	}
	/* A file that cannot be read is no reason not to begin: the server has another. */
	if (status != TRIB_OK && status != TRIB_NOT_FOUND) {
		client->counts.bad++;
		client_log(client, 1, "%s: %s", error.at, error.text);
	}
	if (pthread_create(&client->thread, NULL, talk_thread, client) != 0) {
		free_client(client);
		return fail(ret_error, TRIB_CLIENT_IO, "found no thread to begin");
	}
	client->thread_started = true;
	*ret_client = client;
	return TRIB_CLIENT_OK;
}

void trib_client_close(struct trib_client *client, uint32_t flush_ms)
{
	if (!client)
		return;
	if (flush_ms)
		trib_client_flush(client, flush_ms);
	pthread_mutex_lock(&client->lock);
	client->stopping = true;
	pthread_mutex_unlock(&client->lock);
	ring(client);
	pthread_join(client->thread, NULL);
	free_client(client);
}

void trib_client_state(const struct trib_client *client, struct trib_client_state *ret_state)
{
	struct trib_client *shared = (struct trib_client *)client;
	_Atomic unsigned *ticket = gate_enter(&shared->store.gate, 0);
	const struct published *published = atomic_load(&shared->store.published);
	struct trib_client_state state = { .size = ret_state->size };

	if (published) {
		state.has_snapshot = 1;
		state.has_keys = published->keys != NULL;
		state.market = trib_view_id(published->view);
		state.position = trib_view_position(published->view);
		state.made_ms = trib_view_made_ms(published->view);
	}
	gate_leave(ticket);
	pthread_mutex_lock(&shared->lock);
	state.connected = shared->counts.connected;
	state.checked_ms = shared->counts.checked_ms;
	state.full = shared->counts.full;
	state.delta = shared->counts.delta;
	state.bad = shared->counts.bad;
	state.queued = shared->queue.count;
	state.accepted = shared->counts.accepted;
	state.repeated = shared->counts.repeated;
	state.differed = shared->counts.differed;
	state.refused = shared->counts.refused;
	state.retries = shared->counts.retries;
	pthread_mutex_unlock(&shared->lock);
	if (state.has_snapshot)
		state.age_ms = TRIB_MAX(client_now_ms() - (state.checked_ms ? state.checked_ms : state.made_ms),
					(int64_t)0);
	memcpy(ret_state, &state, TRIB_MIN((size_t)ret_state->size, sizeof(state)));
}

/* --- Waiting ------------------------------------------------------------------------------------------ */

static struct timespec deadline_of(uint32_t timeout_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return until;
}

int trib_client_wait(struct trib_client *client, uint64_t position, uint32_t timeout_ms)
{
	struct timespec until = deadline_of(timeout_ms);
	int waited = 0;

	pthread_mutex_lock(&client->lock);
	while ((client->position < position || !client->position) && waited != ETIMEDOUT) {
		if (client->look == client->looked) {
			client->look++;
			ring(client);
		}
		waited = pthread_cond_timedwait(&client->changed, &client->lock, &until);
	}
	bool there = client->position && client->position >= position;

	pthread_mutex_unlock(&client->lock);
	return there ? TRIB_CLIENT_OK : TRIB_CLIENT_IO;
}

int trib_client_flush(struct trib_client *client, uint32_t timeout_ms)
{
	struct timespec until = deadline_of(timeout_ms);
	int waited = 0;

	ring(client);
	pthread_mutex_lock(&client->lock);
	uint64_t taken = client->queue.taken;

	while (client->queue.done < taken && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&client->changed, &client->lock, &until);
	bool done = client->queue.done >= taken;

	pthread_mutex_unlock(&client->lock);
	return done ? TRIB_CLIENT_OK : TRIB_CLIENT_IO;
}

/* --- Records and questions ---------------------------------------------------------------------------- */

int trib_client_record(struct trib_client *client, const struct trib_client_order *order,
		       const struct trib_client_answer *answer)
{
	static _Thread_local char place[8 << 10];
	struct trib_buffer bytes = { .data = place, .capacity = sizeof(place), .size_max = sizeof(place) };
	struct trib_buffer large;
	int status = TRIB_CLIENT_OK;
	bool first;

	/* Almost every record fits a piece of the thread's own. */
	trib_buffer_init(&large, 1 << 20);
	if (!queue_put_record(order, answer, &bytes) && !queue_put_record(order, answer, &large))
		status = TRIB_CLIENT_INVALID;
	pthread_mutex_lock(&client->lock);
	first = client->queue.count == 0;
	if (status == TRIB_CLIENT_OK && !queue_add(&client->queue, trib_buffer_bytes(large.size ? &large : &bytes)))
		status = TRIB_CLIENT_BUSY;
	pthread_mutex_unlock(&client->lock);
	if (first && status == TRIB_CLIENT_OK)
		ring(client);
	trib_buffer_fini(&large);
	return status;
}

static struct trib_bytes bytes_of(struct trib_client_text text)
{
	return trib_bytes(text.data ? text.data : "", text.data ? text.size : 0);
}

static void add_number(struct trib_buffer *out, int64_t number)
{
	char digits[24];

	wire_argument(out, trib_bytes(digits, trib_format_i64(digits, number)));
}

static void add_word(struct trib_buffer *out, const char *word)
{
	wire_argument(out, trib_bytes_text(word));
}

/* ATTRIBUTE, as its arguments stand in docs/http.md. EXT comes last: its pairs run to the end. */
static void put_attribute(const struct trib_client_order *order, struct trib_buffer *out)
{
	bool amounts = order->flags & TRIB_CLIENT_HAS_AMOUNTS;
	size_t n = 9 + (order->qty ? 2 : 0) + (order->scene.size ? 2 : 0) + (order->page.size ? 2 : 0) +
		   (order->carrier_kind.size ? 4 : 0) + (amounts ? 1 + TRIB_CLIENT_AMOUNTS : 0) +
		   (order->n_ext ? 1 + 2 * order->n_ext : 0);

	wire_command(out, n);
	add_word(out, "ATTRIBUTE");
	wire_argument(out, bytes_of(order->order));
	wire_argument(out, bytes_of(order->user));
	wire_argument(out, bytes_of(order->goods));
	if (order->flags & TRIB_CLIENT_NO_BASE)
		add_word(out, "-");
	else
		add_number(out, order->base_amount);
	wire_argument(out, order->token.size ? bytes_of(order->token) : trib_bytes_text("-"));
	add_word(out, "AT");
	add_number(out, order->at_ms);
	if (order->qty) {
		add_word(out, "QTY");
		add_number(out, order->qty);
	}
	if (order->scene.size) {
		add_word(out, "SCENE");
		wire_argument(out, bytes_of(order->scene));
	}
	if (order->page.size) {
		add_word(out, "PAGE");
		wire_argument(out, bytes_of(order->page));
	}
	if (order->carrier_kind.size) {
		add_word(out, "CARRIER");
		wire_argument(out, bytes_of(order->carrier_kind));
		wire_argument(out, bytes_of(order->carrier_id));
		wire_argument(out, bytes_of(order->carrier_owner));
	}
	if (amounts) {
		add_word(out, "AMOUNTS");
		for (int i = 0; i < TRIB_CLIENT_AMOUNTS; i++)
			add_number(out, order->amounts[i]);
	}
	add_word(out, "BRIEF");
	if (order->n_ext)
		add_word(out, "EXT");
	for (size_t i = 0; i < order->n_ext; i++) {
		wire_argument(out, bytes_of(order->ext[i].key));
		wire_argument(out, bytes_of(order->ext[i].value));
	}
}

static trib_status connect_ask(struct trib_client *client, int64_t until_ms, struct trib_error *error)
{
	struct wire_reply reply;
	struct trib_buffer hello;
	trib_status status = wire_connect(&client->ask, client->resp, until_ms, error);

	if (status != TRIB_OK || !client->access_token)
		return status;
	trib_buffer_init(&hello, 8192);
	wire_command(&hello, 2);
	add_word(&hello, "AUTH");
	add_word(&hello, client->access_token);
	status = wire_send(&client->ask, trib_buffer_bytes(&hello), until_ms, error);
	trib_buffer_fini(&hello);
	if (status == TRIB_OK)
		status = wire_reply(&client->ask, until_ms, &reply, error);
	if (status == TRIB_OK && reply.items[0].type == '-')
		status = TRIB_UNAUTHORIZED;
	return status;
}

static int take_brief(const struct wire_reply *reply, struct trib_client_answer *answer)
{
	uint32_t size = answer->size;

	if (reply->count < 3 || reply->items[0].type != '*' || reply->items[2].type != ':')
		return TRIB_CLIENT_REFUSED;
	enum trib_outcome outcome = trib_outcome_find(reply->items[1].text);

	*answer = (struct trib_client_answer){ .size = size, .complete = 1, .outcome = (uint32_t)outcome,
					       .outcome_word = trib_outcome_word(outcome),
					       .charged = reply->items[2].number };
	return TRIB_CLIENT_OK;
}

int trib_client_ask(struct trib_client *client, const struct trib_client_order *order,
		    struct trib_client_answer *ret_answer, uint32_t timeout_ms)
{
	int64_t until_ms = wire_now_ms() + timeout_ms;
	trib_status status = TRIB_OK;
	struct wire_reply reply;
	struct trib_buffer out;
	struct trib_error error;
	int result = TRIB_CLIENT_IO;

	if (!client->resp || order->n_ext > TRIB_LIMIT_EXT_PAIRS)
		return client->resp ? TRIB_CLIENT_INVALID : TRIB_CLIENT_IO;
	trib_buffer_init(&out, 1 << 20);
	put_attribute(order, &out);
	pthread_mutex_lock(&client->ask_lock);
	/* A connection that has gone since the last question is made anew, once: the same order twice is harmless. */
	for (int tries = 0; tries < 2 && result == TRIB_CLIENT_IO; tries++) {
		status = client->ask.fd < 0 ? connect_ask(client, until_ms, &error) : TRIB_OK;
		if (status == TRIB_OK)
			status = wire_send(&client->ask, trib_buffer_bytes(&out), until_ms, &error);
		if (status == TRIB_OK)
			status = wire_reply(&client->ask, until_ms, &reply, &error);
		if (status == TRIB_OK)
			result = take_brief(&reply, ret_answer);
		else
			wire_close(&client->ask);
		if (status == TRIB_LIMIT)
			break;
	}
	pthread_mutex_unlock(&client->ask_lock);
	trib_buffer_fini(&out);
	return result;
}
