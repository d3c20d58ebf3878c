/*
 * libtributary: Tributary inside an order service. It resolves orders (verifies the token, finds the rule, splits the
 * money) in the caller's own process, from a snapshot of the market that it keeps fresh, and reports them to the server
 * in the background. The answer is the server's, byte for byte, for the same order at the same position of the market.
 *
 *	struct trib_client_options options = { .size = sizeof(options), .snapshot_file = "market.snapshot",
 *					       .http = "10.0.0.7:7380", .resp = "10.0.0.7:7390",
 *					       .access_token = token };
 *	struct trib_client *client;
 *	struct trib_client_error error;
 *	if (trib_client_open(&options, &client, &error) != TRIB_CLIENT_OK)
 *		…
 *	struct trib_resolver *resolver = trib_resolver_new(client);             // one a thread
 *
 *	struct trib_client_order order = { .size = sizeof(order), .order = text("o1"), .user = text("u1"),
 *					   .goods = text("g1"), .token = token, .base_amount = 9900, .at_ms = now };
 *	struct trib_client_answer answer = { .size = sizeof(answer) };
 *	if (trib_resolve(resolver, &order, &answer) == TRIB_CLIENT_OK && !answer.needs_server)
 *		trib_client_record(client, &order, &answer);                    // to the journal, in the background
 *	else
 *		trib_client_ask(client, &order, &answer, 1000);                 // a call to the server
 *
 * **Threads.** A client may be used by any number of threads. A resolver belongs to one thread at a time. Resolving takes
 * no lock, allocates nothing and touches no network; a new snapshot comes into force between two orders, and each
 * answer comes from one of them.
 *
 * **What it cannot know it says.** An order without a token needs the buyer's touches, a rule may count what others have
 * bought, goods may be newer than the snapshot: then `needs_server` is set, `reasons` says why, and nothing else of
 * the answer means anything. Lines that depend on counters (steps, budgets, incentives) are added by the server:
 * `complete` is 0 and `pending` says of which kinds.
 *
 * **ABI.** Every struct begins with its size, so that later versions may add fields at its end: set it to sizeof, and what
 * is not stated to zero. Symbols are listed in client/symbols.txt; none is ever taken away.
 */
#ifndef TRIBUTARY_TRIBUTARY_H
#define TRIBUTARY_TRIBUTARY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TRIB_API __attribute__((visibility("default")))
#else
#define TRIB_API
#endif

/* "0.1.0", of the library that is loaded. Any thread. */
TRIB_API const char *trib_client_version(void);

struct trib_client;
struct trib_resolver;

/* Numbers never change. */
enum trib_client_status {
	TRIB_CLIENT_OK = 0,
	TRIB_CLIENT_INVALID = 1,     /* the order cannot be one: a field is not what is expected there */
	TRIB_CLIENT_NO_SNAPSHOT = 2, /* there is none yet, neither a file nor a server that has sent one */
	TRIB_CLIENT_BUSY = 3,	     /* the queue of records is full: nothing was taken */
	TRIB_CLIENT_IO = 4,	     /* the server or the disk did not answer */
	TRIB_CLIENT_REFUSED = 5,     /* the server has said no */
};

/* "no_snapshot". Any thread. */
TRIB_API const char *trib_client_status_word(int status);

struct trib_client_error {
	char text[512]; /* terminated; "market.snapshot: found …, expected …" */
};

/* UTF-8 of `size` bytes; need not be terminated. */
struct trib_client_text {
	const char *data;
	size_t size;
};

struct trib_client_pair {
	struct trib_client_text key, value;
};

/* ---- The client ------------------------------------------------------------------------------------- */

struct trib_client_options {
	uint32_t size;		   /* sizeof(struct trib_client_options) */
	const char *snapshot_file; /* needed. Read at the start, kept up to date; this process alone writes to it */
	const char *http;	   /* "host:port"; NULL: the file is all there is */
	const char *resp;	   /* "host:port"; NULL: no push, no records, no questions */
	const char *access_token;  /* the server's, or NULL */
	const char *keys_file;	   /* of `tributary key export`; NULL: asked of the server, which needs an access token */
	uint32_t poll_ms;	   /* how often to ask where no push comes; 0: 1000 */
	uint64_t queue_bytes;	   /* of records that wait to be sent; 0: 64 MiB */
	/* Told what an operator should know: level 0 info, 1 warning. From any thread; must not call back. NULL: nobody. */
	void (*log)(void *context, int level, const char *text);
	void *log_context;
};

/*
 * Reads the snapshot file, if there is one, and begins to look for news. Without file and server the client is there
 * all the same: it answers TRIB_CLIENT_NO_SNAPSHOT until a snapshot has come. A file that is damaged is left where it
 * is, said so, and replaced by the next full snapshot.
 */
TRIB_API int trib_client_open(const struct trib_client_options *options, struct trib_client **ret_client,
			      struct trib_client_error *ret_error);

/* Waits up to `flush_ms` for records to be sent, then ends. No resolver may be in use. NULL is allowed. */
TRIB_API void trib_client_close(struct trib_client *client, uint32_t flush_ms);

struct trib_client_state {
	uint32_t size;
	uint32_t has_snapshot, has_keys, connected; /* 0 or 1 */
	uint64_t market, position;
	int64_t made_ms;     /* when the snapshot's newest part was made, server time */
	int64_t checked_ms;  /* when the server last said that there is nothing newer; 0: not since the start */
	int64_t age_ms;	     /* how long ago that was, or the part was made if it never has */
	uint64_t full, delta; /* snapshots taken */
	uint64_t bad;	     /* snapshots refused: damaged, of another market, older */
	uint64_t queued, accepted, repeated, differed, refused; /* records */
	uint64_t retries;    /* batches of records sent again */
};

/* Any thread. */
TRIB_API void trib_client_state(const struct trib_client *client, struct trib_client_state *ret_state);

/* Looks for news now and waits until the client stands at `position` or later. TRIB_CLIENT_IO after timeout_ms. */
TRIB_API int trib_client_wait(struct trib_client *client, uint64_t position, uint32_t timeout_ms);

/* ---- Orders ----------------------------------------------------------------------------------------- */

/* Amounts, in this order, minor units of the goods' currency. */
enum { TRIB_CLIENT_PAID, TRIB_CLIENT_FREIGHT, TRIB_CLIENT_TAX, TRIB_CLIENT_COUPON_MERCHANT,
       TRIB_CLIENT_COUPON_PLATFORM, TRIB_CLIENT_COUPON_CREATOR, TRIB_CLIENT_DEPOSIT, TRIB_CLIENT_AMOUNTS };

enum trib_client_flags {
	TRIB_CLIENT_HAS_AMOUNTS = 1 << 0, /* amounts are stated */
	TRIB_CLIENT_NO_BASE = 1 << 1,	  /* base_amount is not; the rule's formula gives it, from the amounts */
};

/* One order line, as ATTRIBUTE takes it. What is not stated is zero. */
struct trib_client_order {
	uint32_t size;
	uint32_t flags;
	struct trib_client_text order, user, goods;
	struct trib_client_text token; /* empty or "-": none */
	int64_t base_amount;
	int64_t amounts[TRIB_CLIENT_AMOUNTS];
	int64_t at_ms; /* the order's time, UTC; needed */
	int64_t now_ms; /* by which rules are active; 0: at_ms */
	int64_t qty;   /* 0: not stated */
	struct trib_client_text scene, page;
	struct trib_client_text carrier_kind, carrier_id, carrier_owner;
	const struct trib_client_pair *ext; /* any order, no key twice; at most 32 */
	size_t n_ext;
};

/* Why the server must be asked; bits. Numbers never change. */
enum trib_client_reason {
	TRIB_CLIENT_NO_TOKEN = 1 << 0,	    /* the buyer's touches are on the server */
	TRIB_CLIENT_ENGINE_FACTS = 1 << 1,  /* the rule asks for what only the server counts */
	TRIB_CLIENT_UNKNOWN_GOODS = 1 << 2, /* not in the snapshot, perhaps newer */
	TRIB_CLIENT_NEWER_TOKEN = 1 << 3,   /* it names what is not in the snapshot */
	TRIB_CLIENT_UNKNOWN_KEY = 1 << 4,   /* it was signed with a key that is not here, or not valid here */
	TRIB_CLIENT_NO_KEYS = 1 << 5,	    /* no keys have come yet */
	TRIB_CLIENT_UNKNOWN_PARTY = 1 << 6, /* the carrier's owner is not in the snapshot */
	TRIB_CLIENT_TOO_LARGE = 1 << 7,	    /* the answer does not fit the resolver's memory */
	TRIB_CLIENT_SEVERAL_TOKENS = 1 << 8, /* recorded touches are stated as candidates beside tokens */
};

/* The name of one reason, "no_token". Any thread. */
TRIB_API const char *trib_client_reason_word(uint32_t reason);

/* Kinds of lines that the server will add; bits. */
enum trib_client_pending {
	TRIB_CLIENT_STEP = 1 << 0,
	TRIB_CLIENT_BUDGET = 1 << 1,
	TRIB_CLIENT_INCENTIVE = 1 << 2,
	TRIB_CLIENT_NEW_TO_SHOP = 1 << 3,
};

struct trib_client_answer {
	uint32_t size;
	uint32_t needs_server; /* 1: ask; only reasons and position mean anything */
	uint32_t reasons;      /* enum trib_client_reason */
	uint32_t complete;     /* 0: the server will add lines of the kinds in pending */
	uint32_t pending;      /* enum trib_client_pending */
	uint32_t outcome;      /* its number; see docs/client.md */
	const char *outcome_word; /* "attributed"; lives as long as the library */
	int64_t charged;       /* what outside payers pay, minor units */
	uint64_t position;     /* of the market that it comes from */
	/* The message Resolution of tributary.proto. Lives in the resolver until its next call. NULL: none. */
	const void *resolution;
	size_t resolution_size;
};

/* A place to resolve in, about 5 MiB of which most is never touched. Any thread; NULL where memory is short. */
TRIB_API struct trib_resolver *trib_resolver_new(struct trib_client *client);
TRIB_API void trib_resolver_free(struct trib_resolver *resolver);

/*
 * Resolves one order: a pure function of the order and the position of the market. INVALID and NO_SNAPSHOT leave the
 * answer as it was but for needs_server, which is then 1. One thread at a time for a resolver.
 */
TRIB_API int trib_resolve(struct trib_resolver *resolver, const struct trib_client_order *order,
			  struct trib_client_answer *ret_answer);

enum { TRIB_CLIENT_BATCH_MAX = 256 };

/*
 * Up to TRIB_CLIENT_BATCH_MAX orders over one and the same position, cheaper than one by one. ret_statuses[i] is what
 * trib_resolve would return. The structs stand one behind the other, as wide as this header says.
 */
TRIB_API int trib_resolve_batch(struct trib_resolver *resolver, const struct trib_client_order *orders, size_t n,
				struct trib_client_answer *ret_answers, int *ret_statuses);

/* ---- Telling the server ----------------------------------------------------------------------------- */

/*
 * Takes an order and what it was resolved to into the queue for the server, which decides it again, journals it and
 * counts where it comes to something else. It arrives once or more; the same order twice is harmless. BUSY where the
 * queue is full. answer NULL: the order alone. Any thread; takes a lock, and does not wait for the network.
 */
TRIB_API int trib_client_record(struct trib_client *client, const struct trib_client_order *order,
				const struct trib_client_answer *answer);

/* Waits until what was recorded before is with the server. TRIB_CLIENT_IO after timeout_ms. Any thread. */
TRIB_API int trib_client_flush(struct trib_client *client, uint32_t timeout_ms);

/*
 * Has the server decide the order, now: its outcome, outcome_word and charged are filled. The order is then journalled and
 * need not be recorded. One question at a time goes over a connection of its own. Any thread; waits for the network.
 */
TRIB_API int trib_client_ask(struct trib_client *client, const struct trib_client_order *order,
			     struct trib_client_answer *ret_answer, uint32_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
