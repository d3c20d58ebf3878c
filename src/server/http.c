/* The daemon, its callbacks, and the thread that looks at the clock. */
#include "server/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/log.h"
#include "server/http_request.h"
#include "server/openapi.h"

enum {
	TICK_BUSY_MS = 5,   /* while requests wait */
	TICK_IDLE_MS = 250, /* else; slow connections are looked for so often */
	BODY_BYTES_PER_SECOND = 32 << 10,
};

static const int64_t second_ns = 1000000000;

/* ---- Calls ------------------------------------------------------------------------------------------- */

static void raise_position(struct trib_http *http, uint64_t position)
{
	uint64_t seen = atomic_load(&http->position);

	while (position > seen && !atomic_compare_exchange_weak(&http->position, &seen, position))
		;
}

/* Done with waiting: the HTTP thread goes on with the request. Last use of it here. */
void trib_http_request_wake(struct trib_http_request *request)
{
	MHD_resume_connection(request->connection);
}

/* On the engine's thread. */
static void call_done(struct trib_call *call)
{
	struct trib_http_request *request = call->context;
	struct trib_http *http = request->http;

	if (call->status == TRIB_UNKNOWN) /* what it stands for may never have been */
		call->position = 0;
	raise_position(http, call->position);
	if (!trib_http_filter_take(request))
		trib_http_request_wake(request);
	atomic_fetch_sub(&http->in_flight, 1);
}

static void probe_done(struct trib_call *call)
{
	struct trib_http *http = call->context;

	raise_position(http, call->position);
	atomic_store(&http->probing, false);
	atomic_fetch_sub(&http->in_flight, 1);
}

bool trib_http_give(struct trib_http *http, struct trib_call *call)
{
	/* Counted before draining is looked at: whoever sees the door idle while it drains will see it stay so. */
	atomic_fetch_add(&http->in_flight, 1);
	if (!atomic_load(&http->draining) && http->options.submit(http->options.context, call))
		return true;
	atomic_fetch_sub(&http->in_flight, 1);
	return false;
}

/* The ring is full, the server stops, or a position is not reached: the request, or the batch of an import, fails. */
void trib_http_request_busy(struct trib_http_request *request)
{
	uint64_t position = atomic_load(&request->http->position);
	struct trib_call *call = &request->call;

	if (request->at_least > position)
		call->status = trib_fail(&call->error, TRIB_BUSY, "at_least",
					 "found position %llu, expected it to reach %llu in time",
					 (unsigned long long)position,
					 (unsigned long long)request->at_least);
	else
		call->status = trib_fail(&call->error, TRIB_BUSY, "",
					 "found a full queue, expected room in it");
	trib_http_request_wake(request);
}

void trib_http_request_suspend(struct trib_http_request *request)
{
	struct trib_http *http = request->http;

	if (!request->counted)
		atomic_fetch_add(&http->answers, 1);
	request->counted = true;
	request->phase = TRIB_HTTP_WAITING;
	atomic_store(&request->client->deadline_ns, 0);
	request->call.done = call_done;
	request->call.context = request;
	MHD_suspend_connection(request->connection);
}

void trib_http_request_submit(struct trib_http_request *request)
{
	struct trib_http *http = request->http;
	int64_t wait_ms = http->options.at_least_ms;

	trib_http_request_suspend(request);
	if (request->at_least <= atomic_load(&http->position)) {
		if (trib_http_give(http, &request->call))
			return;
		if (!request->import) {
			trib_http_request_busy(request);
			return;
		}
	}
	if (!wait_ms)
		wait_ms = TRIB_LIMIT_HTTP_AT_LEAST_SECONDS * 1000;
	request->wait_until_ns = trib_http_now_ns() + wait_ms * 1000000;
	pthread_mutex_lock(&http->lock);
	request->next_waiting = http->waiting;
	http->waiting = request;
	pthread_cond_signal(&http->wake);
	pthread_mutex_unlock(&http->lock);
}

bool trib_http_request_charge(struct trib_http_request *request, size_t bytes)
{
	struct trib_http *http = request->http;

	if (atomic_fetch_add(&http->memory, bytes) + bytes > TRIB_LIMIT_HTTP_MEMORY_BYTES) {
		atomic_fetch_sub(&http->memory, bytes);
		return false;
	}
	request->charged += bytes;
	return true;
}

/* ---- The clock --------------------------------------------------------------------------------------- */

/* A slow client has the request's time, and more as it sends. */
void trib_http_request_set_deadline(struct trib_http_request *request, int64_t from_ns,
				    size_t bytes)
{
	int64_t request_ms = request->http->options.request_ms;

	if (!request_ms)
		request_ms = TRIB_LIMIT_HTTP_REQUEST_SECONDS * 1000;
	atomic_store(&request->client->deadline_ns,
		     from_ns + request_ms * 1000000 +
			     (int64_t)(bytes / BODY_BYTES_PER_SECOND) * second_ns);
}

/*
 * True when the request need not wait any longer; then it has been given to the engine or answered. Only imports
 * wait for room in the ring: they would lose what follows.
 */
static bool release(struct trib_http *http, struct trib_http_request *request, int64_t now_ns)
{
	bool reached = request->at_least <= atomic_load(&http->position);

	if (reached && trib_http_give(http, &request->call))
		return true;
	if (!(reached && !request->import) && now_ns < request->wait_until_ns &&
	    !atomic_load(&http->draining))
		return false;
	trib_http_request_busy(request);
	return true;
}

/* With the lock. */
static void look_at_waiting(struct trib_http *http, int64_t now_ns)
{
	struct trib_http_request **link = &http->waiting;

	while (*link) {
		struct trib_http_request *request = *link;

		/* Unlinked first: a request that is released may be gone. */
		*link = request->next_waiting;
		if (release(http, request, now_ns))
			continue;
		request->next_waiting = *link;
		*link = request;
		link = &request->next_waiting;
	}
	if (http->waiting && !atomic_exchange(&http->probing, true)) {
		trib_buffer_reset(&http->probe.reply);
		if (!trib_http_give(http, &http->probe))
			atomic_store(&http->probing, false);
	}
}

/* With the lock. */
static void cut_slow(struct trib_http *http, int64_t now_ns)
{
	for (struct trib_http_connection *client = http->connections; client;
	     client = client->next) {
		int64_t deadline_ns = atomic_load(&client->deadline_ns);

		if (!deadline_ns || now_ns < deadline_ns)
			continue;
		atomic_store(&client->deadline_ns, 0);
		trib_metrics_add(http->options.metrics, TRIB_METRIC_HTTP_CUT, 0, 1);
		shutdown(client->socket, SHUT_RDWR);
	}
}

static void *look_at_clock(void *context)
{
	struct trib_http *http = context;
	struct timespec until;

	pthread_setname_np(pthread_self(), "http-clock");
	pthread_mutex_lock(&http->lock);
	while (!http->stopping) {
		int64_t now_ns = trib_http_now_ns();

		look_at_waiting(http, now_ns);
		cut_slow(http, now_ns);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (http->waiting ? TICK_BUSY_MS : TICK_IDLE_MS) * 1000000l;
		until.tv_sec += until.tv_nsec / second_ns;
		until.tv_nsec %= second_ns;
		pthread_cond_timedwait(&http->wake, &http->lock, &until);
	}
	pthread_mutex_unlock(&http->lock);
	return NULL;
}

/* ---- libmicrohttpd's callbacks, all on the HTTP thread ------------------------------------------------ */

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct trib_http *http = context;
	struct trib_http_connection *client;

	pthread_mutex_lock(&http->lock);
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		client = trib_alloc_zeroed(1, sizeof(*client));
		client->socket =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
				->connect_fd;
		client->deadline_ns = trib_http_now_ns() + TRIB_LIMIT_HTTP_IDLE_SECONDS * second_ns;
		client->next = http->connections;
		if (client->next)
			client->next->previous = client;
		http->connections = client;
		*socket_context = client;
		trib_metrics_add(http->options.metrics, TRIB_METRIC_HTTP_CONNECTIONS, 0, 1);
	} else {
		client = *socket_context;
		if (client->next)
			client->next->previous = client->previous;
		if (client->previous)
			client->previous->next = client->next;
		else
			http->connections = client->next;
		free(client);
		trib_metrics_add(http->options.metrics, TRIB_METRIC_HTTP_CONNECTIONS, 0,
				 (uint64_t)-1);
	}
	pthread_mutex_unlock(&http->lock);
}

/* The request line has come. What is returned here is the request's context from now on. */
static void *on_request_line(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct trib_http_request *request = trib_alloc_zeroed(1, sizeof(*request));

	request->http = context;
	request->connection = connection;
	request->client = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
				  ->socket_context;
	request->started_ns = trib_http_now_ns();
	trib_arena_init(&request->arena, (size_t)64 << 20);
	trib_buffer_init(&request->body, TRIB_LIMIT_HTTP_BODY_BYTES);
	trib_buffer_init(&request->call.reply, TRIB_LIMIT_HTTP_REPLY_BYTES);
	trib_http_request_set_deadline(request, request->started_ns, 0);
	return request;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request_context,
			 enum MHD_RequestTerminationCode code)
{
	struct trib_http_request *request = *request_context;
	struct trib_http *http = context;

	if (!request)
		return;
	atomic_store(&request->client->deadline_ns,
		     trib_http_now_ns() + TRIB_LIMIT_HTTP_IDLE_SECONDS * second_ns);
	atomic_fetch_sub(&http->memory, request->charged);
	atomic_fetch_sub(&http->answers, request->counted);
	trib_http_import_free(request->import);
	trib_http_filter_free(request->filter);
	trib_call_file_unref(request->call.file);
	trib_buffer_fini(&request->call.reply);
	trib_buffer_fini(&request->body);
	trib_arena_fini(&request->arena);
	free(request);
	*request_context = NULL;
}

/* Some of the body; leaves in *size what was not taken. False: close the connection. */
static bool take_body(struct trib_http_request *request, const char *data, size_t *size)
{
	size_t taken = *size;

	if (request->import && !request->refused) {
		taken = trib_http_import_feed(request->import, trib_bytes(data, *size));
		atomic_store(&request->client->deadline_ns, 0); /* idle time alone counts */
		if (trib_http_import_ready(request->import))
			trib_http_request_submit(request);
	} else {
		trib_http_request_body(request, trib_bytes(data, *size));
		trib_http_request_set_deadline(request, request->started_ns, request->received);
	}
	request->received += taken;
	*size -= taken;
	/* Of a refused body some is read, so that the client comes to read the answer; not without end. */
	return !request->refused || request->received <= 2 * TRIB_LIMIT_HTTP_BODY_BYTES;
}

static enum MHD_Result finish(struct trib_http_request *request)
{
	if (request->phase == TRIB_HTTP_READING && !request->refused) {
		if (request->import) {
			trib_http_import_end(request->import);
			if (trib_http_import_ready(request->import))
				trib_http_request_submit(request);
		} else if (request->match.route->action == TRIB_ACTION_CALL ||
			   request->match.route->action == TRIB_ACTION_OPENAPI) {
			trib_http_request_parse(request);
			if (!request->refused && !trib_http_password_take(request))
				trib_http_request_submit(request);
		}
	}
	if (request->phase == TRIB_HTTP_WAITING)
		return MHD_YES;
	request->phase = TRIB_HTTP_ANSWERING;
	return trib_http_request_answer(request);
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url,
				 const char *method, const char *version, const char *upload,
				 size_t *upload_size, void **request_context)
{
	struct trib_http_request *request = *request_context;

	if (!request->begun) {
		request->begun = true;
		trib_http_request_begin(request, method, url, version);
		return request->close ? finish(request) : MHD_YES;
	}
	if (request->phase == TRIB_HTTP_WAITING) { /* given back */
		request->phase = TRIB_HTTP_READING;
		if (request->import && !request->refused)
			trib_http_import_collect(request->import);
		else if (!request->import)
			request->phase = TRIB_HTTP_ANSWERING;
	}
	if (*upload_size)
		return take_body(request, upload, upload_size) ? MHD_YES : MHD_NO;
	return finish(request);
}

/* Paths are matched as they were sent, so nothing is decoded here. */
static size_t on_unescape(void *context, struct MHD_Connection *connection, char *text)
{
	return strlen(text);
}

static void on_log(void *context, const char *format, va_list args)
{
	char text[256];

	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	trib_log_debug("http", "libmicrohttpd", text, NULL);
}

/* ---- Life -------------------------------------------------------------------------------------------- */

static trib_status listen_on(const struct trib_address *address, int *ret_socket,
			     struct trib_error *error)
{
	char at[96];
	int one = 1;
	int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(at, sizeof(at), "%s:%u", address->host, address->port);
	if (fd < 0)
		return trib_fail(error, TRIB_IO, at, "found %s, expected a socket",
				 strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&address->socket, address->socket_size) != 0 ||
	    listen(fd, SOMAXCONN) != 0) {
		trib_status status = trib_fail(
			error, TRIB_IO, at, "found %s, expected to listen there", strerror(errno));

		close(fd);
		return status;
	}
	*ret_socket = fd;
	return TRIB_OK;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);

	if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0)
		return 0;
	return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
						 : ((struct sockaddr_in *)&bound)->sin_port);
}

static struct MHD_Daemon *start_daemon(struct trib_http *http, int fd)
{
	struct MHD_OptionItem options[] = {
		{ MHD_OPTION_LISTEN_SOCKET, fd, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, TRIB_LIMIT_HTTP_CONNECTIONS, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, TRIB_LIMIT_HTTP_IDLE_SECONDS, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, TRIB_LIMIT_HTTP_HEAD_BYTES, NULL },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, http },
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_request_line, http },
		{ MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)on_unescape, NULL },
		{ http->options.tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0, trib_tls_callback() },
		{ MHD_OPTION_END, 0, NULL },
	};

	/* The logger stands first, so that it hears of what is wrong with the others. */
	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
					MHD_USE_ERROR_LOG | (http->options.tls ? MHD_USE_TLS : 0),
				0, NULL, NULL, on_access, http, MHD_OPTION_EXTERNAL_LOGGER, on_log,
				NULL, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

static void free_http(struct trib_http *http)
{
	trib_workers_free(http->passwords);
	trib_workers_free(http->filters);
	trib_lockout_free(http->lockout);
	trib_buffer_fini(&http->probe.reply);
	trib_buffer_fini(&http->openapi);
	pthread_cond_destroy(&http->wake);
	pthread_mutex_destroy(&http->lock);
	free(http);
}

static void init_locks(struct trib_http *http)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&http->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&http->lock, NULL);
}

trib_status trib_http_start(const struct trib_http_options *options, struct trib_http **ret_http,
			    struct trib_error *error)
{
	struct trib_http *http;
	trib_status status;
	int fd = -1;

	if (!options->address->loopback && !trib_auth_guards(options->auth))
		return trib_fail(error, TRIB_FORBIDDEN, options->address->host,
				 "found no access token, expected --token-file for any address but "
				 "loopback");
	http = trib_alloc_zeroed(1, sizeof(*http));
	status = listen_on(options->address, &fd, error);
	if (status != TRIB_OK) {
		free(http);
		return status;
	}
	http->options = *options;
	if (!http->options.session_idle_ms)
		http->options.session_idle_ms = INT64_C(30) * 60 * 1000;
	if (!http->options.session_life_ms)
		http->options.session_life_ms = INT64_C(12) * 3600 * 1000;
	http->passwords = trib_workers_new("passwords", 1, TRIB_LIMIT_PASSWORD_JOBS);
	http->filters = trib_workers_new("filters", 1, TRIB_LIMIT_HTTP_CONNECTIONS);
	http->lockout = trib_lockout_new();
	http->guard = (struct trib_guard){ .address = options->address, .hosts = options->hosts };
	http->port = port_of(fd);
	http->listening = -1;
	trib_buffer_init(&http->openapi, 4 << 20);
	trib_openapi_print(&http->openapi);
	trib_assert(!http->openapi.failed);
	http->probe =
		(struct trib_call){ .kind = TRIB_CALL_STATE, .done = probe_done, .context = http };
	trib_buffer_init(&http->probe.reply, 1 << 20);
	init_locks(http);
	trib_http_label_metrics(options->metrics);
	http->daemon = start_daemon(http, fd);
	if (!http->daemon) {
		close(fd);
		free_http(http);
		return trib_fail(error, TRIB_IO, options->address->host,
				 "libmicrohttpd does not start");
	}
	trib_assert(pthread_create(&http->clock_thread, NULL, look_at_clock, http) == 0);
	/* The first answers already know a position. */
	if (!atomic_exchange(&http->probing, true) && !trib_http_give(http, &http->probe))
		atomic_store(&http->probing, false);
	*ret_http = http;
	return TRIB_OK;
}

uint16_t trib_http_port(const struct trib_http *http)
{
	return http->port;
}

void trib_http_drain(struct trib_http *http)
{
	atomic_store(&http->draining, true);
	if (http->listening >= 0)
		return;
	/* libmicrohttpd has yet to take it out of its epoll set, so it is closed only when that has ended. */
	http->listening = MHD_quiesce_daemon(http->daemon);
	if (http->listening >= 0)
		shutdown(http->listening, SHUT_RDWR);
}

bool trib_http_idle(struct trib_http *http)
{
	pthread_mutex_lock(&http->lock);
	bool waiting = http->waiting != NULL;

	pthread_mutex_unlock(&http->lock);
	return !waiting && atomic_load(&http->in_flight) == 0;
}

bool trib_http_drained(struct trib_http *http)
{
	return atomic_load(&http->answers) == 0 && trib_http_idle(http);
}

void trib_http_stop(struct trib_http *http)
{
	if (!http)
		return;
	pthread_mutex_lock(&http->lock);
	trib_assert(!http->waiting && atomic_load(&http->in_flight) == 0);
	http->stopping = true;
	pthread_cond_signal(&http->wake);
	pthread_mutex_unlock(&http->lock);
	pthread_join(http->clock_thread, NULL);
	MHD_stop_daemon(http->daemon);
	if (http->listening >= 0)
		close(http->listening);
	free_http(http);
}
