/*
 * What the files of libtributary share. Private to client/.
 *
 *	client.c    opening, closing, states
 *	market.c    which market readers see: taking snapshots into the one that nobody reads, the file
 *	gate.h      how readers take it without a lock
 *	resolve.c   one order, or a batch
 *	talk.c      the background thread: push, polling, records
 *	queue.c     records that wait
 *	wire.c      sockets, HTTP, RESP
 */
#ifndef TRIB_CLIENT_CLIENT_H
#define TRIB_CLIENT_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>
#include "gate.h"
#include "resolve/resolve.h"
#include "tributary/tributary.h"
#include "wire.h"

/* What a reader sees: published as a whole, never changed while it can be read. */
struct published {
	struct trib_view *view;
	struct trib_keys *keys; /* NULL: none yet */
};

/*
 * Two views of one market. Readers have the one that is published; news is taken into the other, which then changes
 * places with it. `lag` is what the spare one has missed: it is taken into it before the next news.
 */
struct store {
	char *path;
	int lock_fd;
	struct published *_Atomic published;
	struct gate gate;
	struct trib_view *spare; /* NULL: not made yet */
	struct trib_buffer lag;	 /* parts */
	size_t base_bytes, delta_bytes; /* in the file */
	char *keys_text;	 /* sodium_malloc */
};

/* Records in the order in which they came, each as a member of RecordBatch. */
struct queue {
	struct trib_buffer bytes;
	size_t begin; /* of the first record in bytes */
	size_t *ends; /* of records first … first + count */
	size_t first, count, capacity;
	uint64_t taken, done; /* records ever taken; ever told the server */
};

struct counts {
	uint64_t full, delta, bad, accepted, repeated, differed, refused, retries;
	int64_t checked_ms;
	bool connected;
};

struct trib_client {
	char *http, *resp, *access_token, *keys_file;
	uint32_t poll_ms;
	void (*log)(void *context, int level, const char *text);
	void *log_context;

	struct store store; /* but for published and gate: the background thread's */
	_Atomic bool keys_wanted; /* a token was signed with a key that is not here */

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	struct queue queue;
	struct counts counts;
	uint64_t position; /* published */
	uint64_t looked, look; /* news was asked for: wanted, done */
	bool stopping;

	int wake_fd;
	pthread_t thread;
	bool thread_started;

	pthread_mutex_t ask_lock;
	struct wire ask;
};

void client_log(struct trib_client *client, int level, const char *format, ...) TRIB_PRINTF(3, 4);
int64_t client_now_ms(void);

/* market.c: the background thread's, but for the readers' view of it. */

/* Reads what the file has. TRIB_NOT_FOUND where there is none; another failure leaves the file where it is. */
trib_status market_open(struct trib_client *client, struct trib_error *error);
void market_close(struct trib_client *client);
/* Parts as the server has sent them: checked, taken, published, then kept in the file. */
trib_status market_take(struct trib_client *client, struct trib_bytes parts, struct trib_error *error);
/* Other keys come into force. The text is terminated. */
trib_status market_take_keys(struct trib_client *client, const char *text, struct trib_error *error);
/* Makes the view that nobody reads before it is needed, so that the first change is not late. */
void market_ready(struct trib_client *client);
uint64_t market_position(const struct trib_client *client);
/* Has the file grown so much by deltas that a full snapshot is cheaper? */
bool market_wants_full(const struct trib_client *client);

/* queue.c: with the lock. */
void queue_init(struct queue *queue, size_t bytes_max);
void queue_fini(struct queue *queue);
bool queue_add(struct queue *queue, struct trib_bytes record);
/* The first records, at most `most` of them and the size of one command: how many, and their bytes. */
size_t queue_peek(const struct queue *queue, size_t most, struct trib_bytes *ret_bytes);
void queue_drop(struct queue *queue, size_t count);
/* A Record as a member of RecordBatch. False where it does not fit `out`. */
bool queue_put_record(const struct trib_client_order *order, const struct trib_client_answer *answer,
		      struct trib_buffer *out);

/* talk.c */
void *talk_thread(void *context);

#endif
