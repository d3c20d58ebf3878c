/*
 * The background thread: looks for news, and tells the server what was recorded.
 *
 *	RESP connection    HELLO 3, SNAPSHOT SUBSCRIBE; then pushes come in and batches of RECORD go out, one in flight
 *	HTTP               GET /api/v1/snapshot?since= and the keys, a connection each
 *
 * A batch stays in the queue until its reply has come; whatever else happens it is sent again.
 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CONNECT_MS = 2000,
	ANSWER_MS = 10000,
	BATCH_RECORDS_MAX = 1000,
	BACKOFF_MS_MIN = 50,
	BACKOFF_MS_MAX = 5000,
	POLL_BESIDE_PUSH_MS = 10000,
	KEYS_MS = 60000,	/* between two looks for other keys */
	KEYS_WANTED_MS = 1000,	/* … where a token is signed with one that is not here */
};

struct talk {
	struct trib_client *client;
	struct wire wire;
	struct trib_buffer out;
	size_t in_flight;	   /* records */
	int64_t in_flight_until_ms;
	int64_t connect_ms, backoff_ms; /* not before */
	int64_t send_ms;	   /* records not before */
	int64_t look_ms, keys_ms;  /* when to look next */
	bool look;		   /* a push has come, or somebody waits */
	char told[256];		   /* the last trouble that was logged */
};

/* Each trouble once, until another comes or it is over. */
static void tell(struct talk *talk, const char *what, const struct trib_error *error)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s: %s", what, error->at, error->text);
	if (strcmp(text, talk->told) == 0)
		return;
	snprintf(talk->told, sizeof(talk->told), "%s", text);
	client_log(talk->client, 1, "%s", text);
}

/* --- News --------------------------------------------------------------------------------------------- */

static void look(struct talk *talk)
{
	struct trib_client *client = talk->client;
	struct trib_buffer parts;
	struct trib_error error;
	char path[96] = "/api/v1/snapshot";
	uint64_t position = market_position(client);
	bool connected;

	if (position && !market_wants_full(client))
		snprintf(path, sizeof(path), "/api/v1/snapshot?since=%llu", (unsigned long long)position);
	trib_buffer_init(&parts, (size_t)4 << 30);
	trib_status status =
		wire_http_get(client->http, path, client->access_token, wire_now_ms() + ANSWER_MS, &parts, &error);
	bool came = status == TRIB_OK;

	if (came)
		status = market_take(client, trib_buffer_bytes(&parts), &error);
	trib_buffer_fini(&parts);
	pthread_mutex_lock(&client->lock);
	if (status == TRIB_OK)
		client->counts.checked_ms = client_now_ms();
	else if (came)
		client->counts.bad++;
	connected = client->counts.connected;
	client->looked = client->look;
	pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);
	if (status == TRIB_OK)
		talk->told[0] = '\0';
	else
		tell(talk, came ? "snapshot refused" : "no news", &error);
	talk->look_ms = wire_now_ms() + (connected ? TRIB_MAX((int64_t)POLL_BESIDE_PUSH_MS, (int64_t)client->poll_ms) :
						     client->poll_ms);
}

/* A file of keys is as secret as what is in it. */
static trib_status read_keys_file(const char *path, struct trib_buffer *text, struct trib_error *error)
{
	FILE *file = fopen(path, "re");
	struct stat info;

	if (!file)
		return trib_fail(error, TRIB_IO, path, "%s", strerror(errno));
	if (fstat(fileno(file), &info) != 0 || (info.st_mode & 077)) {
		fclose(file);
		return trib_fail(error, TRIB_FORBIDDEN, path, "found it open to others, expected mode 0600");
	}
	char *place = trib_buffer_reserve(text, TRIB_KEYS_EXPORT_BYTES_MAX);

	text->size += fread(place, 1, TRIB_KEYS_EXPORT_BYTES_MAX, file);
	fclose(file);
	return TRIB_OK;
}

static void look_for_keys(struct talk *talk)
{
	struct trib_client *client = talk->client;
	struct trib_buffer text;
	struct trib_error error;
	trib_status status;

	talk->keys_ms = wire_now_ms() + KEYS_MS;
	atomic_store(&client->keys_wanted, false);
	if (!client->keys_file && !(client->http && client->access_token))
		return;
	/* One block from the start: no copy of a secret is left behind where it has grown. */
	trib_buffer_init(&text, TRIB_KEYS_EXPORT_BYTES_MAX + 1);
	trib_buffer_reserve(&text, TRIB_KEYS_EXPORT_BYTES_MAX);
	status = client->keys_file ? read_keys_file(client->keys_file, &text, &error) :
				     wire_http_get(client->http, "/api/v1/keys/client", client->access_token,
						   wire_now_ms() + ANSWER_MS, &text, &error);
	if (status == TRIB_OK)
		status = market_take_keys(client, trib_buffer_text(&text), &error);
	sodium_memzero(text.data, text.capacity);
	trib_buffer_fini(&text);
	if (status != TRIB_OK) {
		tell(talk, "no keys", &error);
		talk->keys_ms = wire_now_ms() + KEYS_WANTED_MS;
	}
}

/* --- The connection ----------------------------------------------------------------------------------- */

static void set_connected(struct trib_client *client, bool connected)
{
	pthread_mutex_lock(&client->lock);
	client->counts.connected = connected;
	pthread_mutex_unlock(&client->lock);
}

static void hang_up(struct talk *talk, const char *what, const struct trib_error *error)
{
	tell(talk, what, error);
	wire_close(&talk->wire);
	set_connected(talk->client, false);
	if (talk->in_flight) {
		pthread_mutex_lock(&talk->client->lock);
		talk->client->counts.retries++;
		pthread_mutex_unlock(&talk->client->lock);
	}
	talk->in_flight = 0;
	talk->connect_ms = wire_now_ms() + talk->backoff_ms;
	talk->backoff_ms = TRIB_MIN(2 * talk->backoff_ms, (int64_t)BACKOFF_MS_MAX);
	/* Without pushes news is asked for again. */
	talk->look_ms = TRIB_MIN(talk->look_ms, wire_now_ms() + talk->client->poll_ms);
}

static trib_status greet(struct talk *talk, struct trib_error *error)
{
	const char *token = talk->client->access_token;
	int64_t until_ms = wire_now_ms() + ANSWER_MS;
	struct wire_reply reply;

	trib_buffer_reset(&talk->out);
	wire_command(&talk->out, token ? 5 : 2);
	wire_argument(&talk->out, trib_bytes_text("HELLO"));
	wire_argument(&talk->out, trib_bytes_text("3"));
	if (token) {
		wire_argument(&talk->out, trib_bytes_text("AUTH"));
		wire_argument(&talk->out, trib_bytes_text("default"));
		wire_argument(&talk->out, trib_bytes_text(token));
	}
	wire_command(&talk->out, 2);
	wire_argument(&talk->out, trib_bytes_text("SNAPSHOT"));
	wire_argument(&talk->out, trib_bytes_text("SUBSCRIBE"));
	trib_status status = wire_send(&talk->wire, trib_buffer_bytes(&talk->out), until_ms, error);

	for (int i = 0; i < 2 && status == TRIB_OK; i++) {
		status = wire_reply(&talk->wire, until_ms, &reply, error);
		if (status == TRIB_OK && reply.items[0].type == '-')
			status = trib_fail(error, TRIB_REFUSED, "server", TRIB_BYTES_FMT,
					   (int)TRIB_MIN(reply.items[0].text.size, (size_t)200), reply.items[0].text.data);
	}
	return status;
}

static void connect_resp(struct talk *talk)
{
	struct trib_error error;
	trib_status status = wire_connect(&talk->wire, talk->client->resp, wire_now_ms() + CONNECT_MS, &error);

	if (status == TRIB_OK)
		status = greet(talk, &error);
	if (status != TRIB_OK) {
		hang_up(talk, "no connection", &error);
		return;
	}
	talk->backoff_ms = BACKOFF_MS_MIN;
	talk->look = true; /* what was missed meanwhile */
	set_connected(talk->client, true);
}

/* --- Records ------------------------------------------------------------------------------------------ */

static void send_records(struct talk *talk)
{
	struct trib_client *client = talk->client;
	struct trib_bytes batch;
	struct trib_error error;

	trib_buffer_reset(&talk->out);
	pthread_mutex_lock(&client->lock);
	talk->in_flight = queue_peek(&client->queue, BATCH_RECORDS_MAX, &batch);
	if (talk->in_flight) {
		wire_command(&talk->out, 2);
		wire_argument(&talk->out, trib_bytes_text("RECORD"));
		wire_argument(&talk->out, batch);
	}
	pthread_mutex_unlock(&client->lock);
	if (!talk->in_flight)
		return;
	talk->in_flight_until_ms = wire_now_ms() + ANSWER_MS;
	if (wire_send(&talk->wire, trib_buffer_bytes(&talk->out), talk->in_flight_until_ms, &error) != TRIB_OK)
		hang_up(talk, "records not sent", &error);
}

static uint64_t number_of(const struct wire_reply *reply, const char *name)
{
	for (uint32_t i = 1; i + 1 < reply->count; i += 2)
		if (trib_bytes_is(reply->items[i].text, name) && reply->items[i + 1].type == ':')
			return (uint64_t)reply->items[i + 1].number;
	return 0;
}

/* Such a batch will be taken later; any other "no" is final. */
static bool is_for_now(struct trib_bytes error)
{
	static const char *const words[] = { "UNKNOWN", "READONLY", "BUSY", "IO", "NO_MEMORY", "FENCED" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(words); i++)
		if (error.size >= strlen(words[i]) && memcmp(error.data, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

static void take_reply(struct talk *talk, const struct wire_reply *reply)
{
	struct trib_client *client = talk->client;
	const struct wire_item *first = &reply->items[0];
	size_t told = talk->in_flight;

	talk->in_flight = 0;
	pthread_mutex_lock(&client->lock);
	if (first->type == '-' && is_for_now(first->text)) {
		client->counts.retries++;
		talk->send_ms = wire_now_ms() + talk->backoff_ms;
		talk->backoff_ms = TRIB_MIN(2 * talk->backoff_ms, (int64_t)BACKOFF_MS_MAX);
		told = 0;
	} else if (first->type == '-') {
		client->counts.refused += told;
	} else {
		talk->backoff_ms = BACKOFF_MS_MIN;
		client->counts.accepted += number_of(reply, "accepted");
		client->counts.repeated += number_of(reply, "repeated");
		client->counts.differed += number_of(reply, "differed");
		client->counts.refused += number_of(reply, "refused");
	}
	queue_drop(&client->queue, told);
	pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);
	if (first->type == '-')
		client_log(client, 1, "records: " TRIB_BYTES_FMT, (int)TRIB_MIN(first->text.size, (size_t)200),
			   first->text.data);
}

static void read_wire(struct talk *talk)
{
	struct wire_reply reply;
	struct trib_error error;
	trib_status status = wire_fill(&talk->wire, wire_now_ms(), &error);

	while (status == TRIB_OK && (status = wire_next(&talk->wire, &reply, &error)) == TRIB_OK) {
		if (reply.items[0].type == '>')
			talk->look = true;
		else if (talk->in_flight)
			take_reply(talk, &reply);
	}
	if (status != TRIB_OK && status != TRIB_NOT_FOUND && status != TRIB_LIMIT)
		hang_up(talk, "connection lost", &error);
}

/* --- The loop ----------------------------------------------------------------------------------------- */

/* Does what is due. */
static void work(struct talk *talk, int64_t now_ms)
{
	struct trib_client *client = talk->client;
	struct trib_error error;

	if (client->resp && talk->wire.fd < 0 && now_ms >= talk->connect_ms)
		connect_resp(talk);
	if (now_ms >= talk->keys_ms || (atomic_load(&client->keys_wanted) && talk->keys_ms - now_ms < KEYS_MS - KEYS_WANTED_MS))
		look_for_keys(talk);
	if (client->http && (talk->look || now_ms >= talk->look_ms)) {
		talk->look = false;
		look(talk);
		market_ready(client);
	}
	if (talk->wire.fd >= 0 && talk->in_flight && now_ms > talk->in_flight_until_ms) {
		trib_fail(&error, TRIB_LIMIT, "server", "found no answer in time");
		hang_up(talk, "records not answered", &error);
	}
	if (talk->wire.fd >= 0 && !talk->in_flight && now_ms >= talk->send_ms)
		send_records(talk);
}

static void wait_for_more(struct talk *talk, int64_t now_ms)
{
	struct pollfd fds[2] = { { talk->client->wake_fd, POLLIN, 0 }, { talk->wire.fd, POLLIN, 0 } };
	int64_t until_ms = TRIB_MIN(talk->keys_ms, now_ms + 1000);
	uint64_t rung;

	if (talk->client->http)
		until_ms = TRIB_MIN(until_ms, talk->look_ms);
	if (talk->client->resp && talk->wire.fd < 0)
		until_ms = TRIB_MIN(until_ms, talk->connect_ms);
	if (talk->send_ms > now_ms)
		until_ms = TRIB_MIN(until_ms, talk->send_ms);
	poll(fds, talk->wire.fd >= 0 ? 2 : 1, (int)TRIB_MAX(until_ms - now_ms, (int64_t)0));
	while (read(talk->client->wake_fd, &rung, sizeof(rung)) > 0)
		;
	if (talk->wire.fd >= 0 && fds[1].revents)
		read_wire(talk);
}

void *talk_thread(void *context)
{
	struct talk talk = { .client = context, .backoff_ms = BACKOFF_MS_MIN };
	struct trib_client *client = context;
	bool stopping = false;

	pthread_setname_np(pthread_self(), "tributary");
	wire_init(&talk.wire);
	trib_buffer_init(&talk.out, 4 << 20);
	while (!stopping) {
		work(&talk, wire_now_ms());
		wait_for_more(&talk, wire_now_ms());
		pthread_mutex_lock(&client->lock);
		stopping = client->stopping;
		talk.look |= client->look > client->looked;
		pthread_mutex_unlock(&client->lock);
	}
	wire_fini(&talk.wire);
	trib_buffer_fini(&talk.out);
	return NULL;
}
