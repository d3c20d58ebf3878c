#include "server/deliver.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "base/log.h"
#include "proto/proto.h"

enum {
	TRANSFERS = 64, /* under way at a time, all together */
	HOST_CONNECTIONS = 8,
	CONNECT_MS = 5000,
	ANSWER_BYTES_MAX = 64 << 10, /* nobody reads it */
	AGAIN_MS = 1000,	     /* after the engine could not be asked or told */
	GRACE_MS = 1000,
	SECRETS_BYTES_MAX = 64 << 10,
	GONE = 410,
};

struct transfer {
	CURL *easy; /* NULL: free */
	struct curl_slist *headers;
	uint64_t id;
	size_t received;
	char *content;
	char why[CURL_ERROR_SIZE];
};

struct result {
	uint64_t id;
	int32_t code;
	int64_t retry_after_ms;
	bool never;
	char reason[100]; /* "": it was taken */
};

/* A call of ours: with us, with the engine, or back. */
enum { HERE, OUT, BACK };

struct call {
	struct trib_call call;
	atomic_int where;
	int64_t not_before_ms;
};

struct trib_deliver {
	struct trib_deliver_options options;
	CURLM *multi;
	pthread_t thread;
	atomic_bool rung, draining, idle;

	/* The thread's own. */
	struct call take, tell;
	int64_t due_ms; /* monotonic: when to ask again */
	int64_t stop_ms;
	struct transfer transfers[TRANSFERS];
	unsigned under_way;
	struct result *results; /* the first n_told are with the engine */
	size_t n_results, n_told, capacity;
	Tributary__ParcelResults told;

	pthread_mutex_t lock; /* of what follows */
	char *secrets;	      /* the file's text */
};

static int64_t now_ms(void)
{
	return trib_clock_monotonic_ns(trib_clock_system()) / 1000000;
}

/* --- Secrets ------------------------------------------------------------------------------------------ */

static trib_status read_secrets(const char *path, char **ret_text, struct trib_error *error)
{
	char *text = trib_alloc_zeroed(1, SECRETS_BYTES_MAX + 1);
	FILE *file = path[0] ? fopen(path, "re") : NULL;
	size_t size = file ? fread(text, 1, SECRETS_BYTES_MAX + 1, file) : 0;

	if (file)
		fclose(file);
	if (path[0] && (!file || size > SECRETS_BYTES_MAX || memchr(text, '\0', size))) {
		free(text);
		return trib_fail(error, file ? TRIB_INVALID : TRIB_IO, path, "found %s, expected a file of lines: a name, a space, a secret",
				 file ? "other content" : strerror(errno));
	}
	for (char *p = text, *end; *p; p = *end ? end + 1 : end) {
		char *space = strchr(p, ' ');

		end = strchrnul(p, '\n');
		if (p != end && *p != '#' && (!space || space == p || space + 1 >= end)) {
			free(text);
			return trib_fail(error, TRIB_INVALID, path, "found another line, expected a name, a space, a secret");
		}
	}
	*ret_text = text;
	return TRIB_OK;
}

/* With the lock. */
static bool find_secret(const struct trib_deliver *deliver, const char *name, struct trib_bytes *ret_secret)
{
	size_t size = strlen(name);

	for (const char *p = deliver->secrets, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '\n');
		if ((size_t)(end - p) > size + 1 && p[size] == ' ' && !memcmp(p, name, size)) {
			*ret_secret = trib_bytes(p + size + 1, (size_t)(end - p) - size - 1);
			return true;
		}
	}
	return false;
}

bool trib_deliver_has_secret(void *context, const char *name)
{
	struct trib_deliver *deliver = context;
	struct trib_bytes secret;

	pthread_mutex_lock(&deliver->lock);
	bool found = find_secret(deliver, name, &secret);

	pthread_mutex_unlock(&deliver->lock);
	return found;
}

void trib_deliver_sign(struct trib_bytes secret, int64_t at_seconds, struct trib_bytes content,
		       char ret_text[TRIB_SIGNATURE_CHARS])
{
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	int size = snprintf(ret_text, TRIB_SIGNATURE_CHARS, "%lld.", (long long)at_seconds);

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.data, secret.size);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)ret_text, (unsigned long long)size);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)content.data, content.size);
	crypto_auth_hmacsha256_final(&state, mac);
	size = snprintf(ret_text, TRIB_SIGNATURE_CHARS, "t=%lld,v1=", (long long)at_seconds);
	sodium_bin2hex(ret_text + size, (size_t)(TRIB_SIGNATURE_CHARS - size), mac, sizeof(mac));
}

trib_status trib_deliver_reload(struct trib_deliver *deliver, struct trib_error *error)
{
	char *text = NULL;
	trib_status status = read_secrets(deliver->options.secrets, &text, error);

	if (status != TRIB_OK)
		return status;
	pthread_mutex_lock(&deliver->lock);
	char *before = deliver->secrets;

	deliver->secrets = text;
	pthread_mutex_unlock(&deliver->lock);
	if (before)
		sodium_memzero(before, strlen(before));
	free(before);
	return TRIB_OK;
}

/* --- Transfers ---------------------------------------------------------------------------------------- */

static void add_result(struct trib_deliver *deliver, const struct result *result)
{
	if (deliver->n_results == deliver->capacity) {
		deliver->capacity = TRIB_MAX(2 * deliver->capacity, (size_t)TRANSFERS);
		deliver->results = trib_realloc(deliver->results, deliver->capacity * sizeof(*result));
	}
	deliver->results[deliver->n_results++] = *result;
}

static size_t on_answer(char *data TRIB_UNUSED, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;

	transfer->received += size * count;
	return transfer->received > ANSWER_BYTES_MAX ? 0 : size * count;
}

static void add_header(struct transfer *transfer, const char *format, ...) TRIB_PRINTF(2, 3);
static void add_header(struct transfer *transfer, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	transfer->headers = curl_slist_append(transfer->headers, text);
}

/* False: the secret is not there. */
static bool add_headers(struct trib_deliver *deliver, struct transfer *transfer, const Tributary__Parcel *parcel)
{
	char signature[TRIB_SIGNATURE_CHARS];
	struct trib_bytes secret;
	bool found = true;

	add_header(transfer, "Content-Type: application/json");
	add_header(transfer, "Expect:");
	add_header(transfer, "Idempotency-Key: %llu", (unsigned long long)parcel->id);
	add_header(transfer, "Tributary-Event: %s", parcel->kind);
	add_header(transfer, "Tributary-Attempt: %u", parcel->attempt);
	if (!parcel->secret || !parcel->secret[0])
		return true;
	pthread_mutex_lock(&deliver->lock);
	found = find_secret(deliver, parcel->secret, &secret);
	if (found)
		trib_deliver_sign(secret, trib_clock_wall_ms(trib_clock_system()) / 1000,
				  trib_bytes_text(transfer->content), signature);
	pthread_mutex_unlock(&deliver->lock);
	if (found)
		add_header(transfer, "Tributary-Signature: %s", signature);
	return found;
}

static void set_options(struct trib_deliver *deliver, struct transfer *transfer, const char *url)
{
	CURL *easy = transfer->easy;
	int64_t timeout_ms = deliver->options.timeout_ms;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)TRIB_MIN(timeout_ms, (int64_t)CONNECT_MS));
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "tributary/" TRIB_VERSION);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(transfer->content));
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->content);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->why);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
}

static void end_transfer(struct trib_deliver *deliver, struct transfer *transfer)
{
	curl_multi_remove_handle(deliver->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	free(transfer->content);
	*transfer = (struct transfer){ 0 };
	deliver->under_way--;
}

static void begin_transfer(struct trib_deliver *deliver, const Tributary__Parcel *parcel)
{
	struct transfer *transfer = deliver->transfers;

	while (transfer->easy) /* no more is asked for than there is room for */
		transfer++;
	*transfer = (struct transfer){ .easy = curl_easy_init(), .id = parcel->id,
				       .content = trib_strdup(parcel->content) };
	trib_assert(transfer->easy);
	deliver->under_way++;
	bool signed_well = add_headers(deliver, transfer, parcel);

	set_options(deliver, transfer, parcel->url);
	if (signed_well && curl_multi_add_handle(deliver->multi, transfer->easy) == CURLM_OK)
		return;
	struct result result = { .id = parcel->id };

	snprintf(result.reason, sizeof(result.reason), "%s",
		 signed_well ? "the transfer could not be begun" : "the secret is not in --outbox-secrets");
	add_result(deliver, &result);
	end_transfer(deliver, transfer);
}

static void judge(struct trib_deliver *deliver, struct transfer *transfer, CURLcode code)
{
	struct result result = { .id = transfer->id };
	curl_off_t retry_after = 0;
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
	/* An answer that is longer than anybody reads is an answer. */
	bool answered = status && (code == CURLE_OK || transfer->received > ANSWER_BYTES_MAX);

	result.code = (int32_t)status;
	result.retry_after_ms = retry_after > 0 && retry_after < INT32_MAX ? (int64_t)retry_after * 1000 : 0;
	result.never = answered && status == GONE;
	if (!answered)
		snprintf(result.reason, sizeof(result.reason), "%.99s",
			 transfer->why[0] ? transfer->why : curl_easy_strerror(code));
	else if (status / 100 == 3)
		snprintf(result.reason, sizeof(result.reason), "HTTP %ld: redirects are not followed", status);
	else if (status / 100 != 2)
		snprintf(result.reason, sizeof(result.reason), "HTTP %ld", status);
	add_result(deliver, &result);
}

static void collect(struct trib_deliver *deliver)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(deliver->multi, &left))) {
		struct transfer *transfer;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		judge(deliver, transfer, message->data.result);
		end_transfer(deliver, transfer);
	}
}

/* --- Asking and telling the engine -------------------------------------------------------------------- */

/* On the engine's thread. */
static void given_back(struct trib_call *given)
{
	struct trib_deliver *deliver = given->context;
	struct call *call = given->kind == TRIB_CALL_OUTBOX_TAKE ? &deliver->take : &deliver->tell;

	/* The thread may end as soon as it has the call back; what wakes it stays until trib_deliver_stop, which comes later
	 * on this thread. */
	atomic_store_explicit(&call->where, BACK, memory_order_release);
	curl_multi_wakeup(deliver->multi);
}

static void submit(struct trib_deliver *deliver, struct call *call, enum trib_call_kind kind)
{
	struct trib_buffer reply = call->call.reply;

	trib_buffer_reset(&reply);
	call->call = (struct trib_call){ .kind = kind, .done = given_back, .context = deliver, .reply = reply };
	if (kind == TRIB_CALL_OUTBOX_TAKE)
		call->call.limit = TRANSFERS - deliver->under_way;
	else
		call->call.body = &deliver->told.base;
	atomic_store(&call->where, OUT);
	if (deliver->options.submit(deliver->options.context, &call->call))
		return;
	atomic_store(&call->where, HERE);
	call->not_before_ms = now_ms() + AGAIN_MS;
}

/* Room for what is being told, until it is told. */
static void make_told(struct trib_deliver *deliver)
{
	Tributary__ParcelResults *told = &deliver->told;
	size_t count = deliver->n_told = deliver->n_results;
	Tributary__ParcelResult *items = trib_alloc(count * sizeof(*items));

	*told = (Tributary__ParcelResults)TRIBUTARY__PARCEL_RESULTS__INIT;
	told->n_result = count;
	told->result = trib_alloc(count * sizeof(Tributary__ParcelResult *));
	for (size_t i = 0; i < count; i++) {
		struct result *result = &deliver->results[i];

		items[i] = (Tributary__ParcelResult)TRIBUTARY__PARCEL_RESULT__INIT;
		items[i].has_id = items[i].has_code = items[i].has_retry_after_ms = items[i].has_never = 1;
		items[i].id = result->id;
		items[i].code = result->code;
		items[i].retry_after_ms = result->retry_after_ms;
		items[i].never = result->never;
		items[i].reason = result->reason[0] ? trib_strdup(result->reason) : NULL;
		told->result[i] = &items[i];
	}
}

static void free_told(struct trib_deliver *deliver)
{
	Tributary__ParcelResults *told = &deliver->told;

	for (size_t i = 0; i < told->n_result; i++)
		free(told->result[i]->reason);
	if (told->n_result)
		free(told->result[0]);
	free(told->result);
	*told = (Tributary__ParcelResults){ 0 };
}

static void take_back_told(struct trib_deliver *deliver)
{
	struct call *tell = &deliver->tell;

	free_told(deliver);
	atomic_store(&tell->where, HERE);
	if (tell->call.status != TRIB_OK) { /* told again later; twice does no harm */
		tell->not_before_ms = now_ms() + AGAIN_MS;
		return;
	}
	deliver->n_results -= deliver->n_told;
	memmove(deliver->results, deliver->results + deliver->n_told, deliver->n_results * sizeof(struct result));
	deliver->due_ms = 0;
}

static void take_back_taken(struct trib_deliver *deliver)
{
	struct call *take = &deliver->take;
	struct trib_bytes reply = trib_buffer_bytes(&take->call.reply);
	Tributary__Parcels *parcels = NULL;

	atomic_store(&take->where, HERE);
	if (take->call.status == TRIB_OK)
		parcels = tributary__parcels__unpack(NULL, reply.size, (const uint8_t *)reply.data);
	if (!parcels) {
		take->not_before_ms = deliver->due_ms = now_ms() + AGAIN_MS;
		return;
	}
	for (size_t i = 0; i < parcels->n_parcel; i++)
		begin_transfer(deliver, parcels->parcel[i]);
	if (parcels->has_next_ms)
		deliver->due_ms = TRIB_MIN(deliver->due_ms, now_ms() + TRIB_MAX(parcels->next_ms, (int64_t)1));
	tributary__parcels__free_unpacked(parcels, NULL);
}

static void talk(struct trib_deliver *deliver)
{
	int64_t now = now_ms();
	bool draining = atomic_load(&deliver->draining);

	if (atomic_load_explicit(&deliver->tell.where, memory_order_acquire) == BACK)
		take_back_told(deliver);
	if (atomic_load_explicit(&deliver->take.where, memory_order_acquire) == BACK)
		take_back_taken(deliver);
	if (deliver->n_results && atomic_load(&deliver->tell.where) == HERE && now >= deliver->tell.not_before_ms) {
		make_told(deliver);
		submit(deliver, &deliver->tell, TRIB_CALL_OUTBOX_TELL);
		if (atomic_load(&deliver->tell.where) == HERE)
			free_told(deliver);
	}
	if (atomic_exchange(&deliver->rung, false))
		deliver->due_ms = 0;
	if (draining || now < deliver->due_ms || now < deliver->take.not_before_ms || deliver->under_way == TRANSFERS ||
	    atomic_load(&deliver->take.where) != HERE)
		return;
	deliver->due_ms = INT64_MAX;
	submit(deliver, &deliver->take, TRIB_CALL_OUTBOX_TAKE);
	if (atomic_load(&deliver->take.where) == HERE)
		deliver->due_ms = deliver->take.not_before_ms;
}

/* --- The thread --------------------------------------------------------------------------------------- */

/* How long there is nothing to do unless somebody rings or a transfer moves. */
static int sleep_ms(const struct trib_deliver *deliver)
{
	enum { LONG = 60 * 1000 };
	int64_t now = now_ms(), until = now + LONG;

	if (atomic_load(&deliver->draining))
		return 10;
	if (atomic_load(&deliver->take.where) == HERE && deliver->under_way < TRANSFERS)
		until = TRIB_MIN(until, TRIB_MAX(deliver->due_ms, deliver->take.not_before_ms));
	if (atomic_load(&deliver->tell.where) == HERE && deliver->n_results)
		until = TRIB_MIN(until, deliver->tell.not_before_ms);
	return (int)TRIB_MAX(until - now, (int64_t)0);
}

/* Nothing of ours is with the engine, and nothing is left to tell or to wait for. */
static bool is_over(struct trib_deliver *deliver)
{
	if (!atomic_load(&deliver->draining))
		return false;
	if (!deliver->stop_ms)
		deliver->stop_ms = now_ms() + GRACE_MS;
	if (now_ms() >= deliver->stop_ms)
		for (size_t i = 0; i < TRANSFERS; i++)
			if (deliver->transfers[i].easy)
				end_transfer(deliver, &deliver->transfers[i]);
	return !deliver->under_way && atomic_load(&deliver->take.where) == HERE &&
	       atomic_load(&deliver->tell.where) == HERE &&
	       (!deliver->n_results || now_ms() >= deliver->stop_ms);
}

static void *deliver_all(void *context)
{
	struct trib_deliver *deliver = context;
	int running;

	pthread_setname_np(pthread_self(), "outbox");
	while (!is_over(deliver)) {
		talk(deliver);
		curl_multi_perform(deliver->multi, &running);
		collect(deliver);
		curl_multi_poll(deliver->multi, NULL, 0, sleep_ms(deliver), NULL);
	}
	atomic_store(&deliver->idle, true);
	return NULL;
}

trib_status trib_deliver_start(const struct trib_deliver_options *options, struct trib_deliver **ret_deliver,
			       struct trib_error *error)
{
	struct trib_deliver *deliver = trib_alloc_zeroed(1, sizeof(*deliver));

	deliver->options = *options;
	pthread_mutex_init(&deliver->lock, NULL);
	if (trib_deliver_reload(deliver, error) != TRIB_OK) {
		pthread_mutex_destroy(&deliver->lock);
		free(deliver);
		return error->status;
	}
	trib_assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	deliver->multi = curl_multi_init();
	trib_assert(deliver->multi);
	curl_multi_setopt(deliver->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS);
	curl_multi_setopt(deliver->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)TRANSFERS);
	trib_buffer_init(&deliver->take.call.reply, 16 << 20);
	trib_buffer_init(&deliver->tell.call.reply, 1 << 10);
	deliver->due_ms = INT64_MAX; /* the engine rings when something waits */
	trib_assert(pthread_create(&deliver->thread, NULL, deliver_all, deliver) == 0);
	*ret_deliver = deliver;
	return TRIB_OK;
}

void trib_deliver_ring(void *context)
{
	struct trib_deliver *deliver = context;

	atomic_store(&deliver->rung, true);
	curl_multi_wakeup(deliver->multi);
}

void trib_deliver_drain(struct trib_deliver *deliver)
{
	atomic_store(&deliver->draining, true);
	curl_multi_wakeup(deliver->multi);
}

bool trib_deliver_idle(const struct trib_deliver *deliver)
{
	return atomic_load(&deliver->idle);
}

void trib_deliver_stop(struct trib_deliver *deliver)
{
	if (!deliver)
		return;
	pthread_join(deliver->thread, NULL);
	curl_multi_cleanup(deliver->multi);
	curl_global_cleanup();
	trib_buffer_fini(&deliver->take.call.reply);
	trib_buffer_fini(&deliver->tell.call.reply);
	pthread_mutex_destroy(&deliver->lock);
	sodium_memzero(deliver->secrets, strlen(deliver->secrets));
	free(deliver->secrets);
	free(deliver->results);
	free(deliver);
}
