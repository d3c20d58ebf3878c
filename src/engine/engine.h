/*
 * The engine: one thread, one journal, all state of the way back.
 *
 * Every command takes the same way. It is *decided* against the state in memory, which yields an event; the event
 * is *applied* at once, so that the next command sees it, and encoded into the open batch; the batch goes to the
 * *journal* as soon as the one before is written; the *answer* leaves when its batch is written:
 *
 *	trib_engine_orders(engine, requests, n, answer, connection);   // answers are made now …
 *	uint64_t ticket = trib_engine_ticket(engine);
 *	trib_engine_turn(engine);                                      // once per turn of the event loop
 *	if (trib_engine_settled(engine) >= ticket)                     // … and may leave now
 *		send(…);
 *
 * Replies to reads take a ticket too: what they show may not be durable yet.
 *
 * When a write fails, the engine is *lost*: what waited gets -UNKNOWN, trib_engine_recover() brings back the last
 * durable state, and until a probe succeeds commands that write get TRIB_READ_ONLY.
 *
 * Everything here belongs to the engine's thread, but for trib_engine_submit.
 */
#ifndef TRIB_ENGINE_ENGINE_H
#define TRIB_ENGINE_ENGINE_H

#include "engine/access.h"
#include "engine/call.h"
#include "engine/directory.h"
#include "engine/events.h"
#include "engine/play_trees.h"
#include "engine/tallies.h"
#include "journal/journal.h"
#include "resolve/resolve.h"

struct trib_engine;

/* Zero or NULL takes the default. */
struct trib_engine_options {
	const char *data;	/* the data folder, made if it is not there */
	struct trib_disk *disk; /* for the journal; the machine's */
	struct trib_clock *clock;
	enum trib_journal_sync sync;
	uint64_t segment_bytes, ring_bytes; /* of the journal; its defaults */
	size_t order_index_bytes;	    /* 1 GiB: the newest 64 million orders */
	size_t touches_bytes;		    /* 8 GiB */
	uint64_t checkpoint_bytes;	    /* of journal between two checkpoints; 256 MiB */
	int64_t duplicate_window_ms;	    /* 30 d */
	int64_t touch_retention_ms;	    /* 90 d */
	const char *outbox_allow;   /* where deliveries may go, as engine/targets.h reads it; nowhere */
	int64_t outbox_retry_ms;    /* 1 s: until the second attempt; then doubled each time */
	int64_t outbox_give_up_ms;  /* 24 h: nothing is tried for longer */
	bool foreground; /* no threads of our own: checkpoints run inside trib_engine_turn (tests, the simulator) */
};

enum { TRIB_AHEAD_MS_MAX = 5 * 60 * 1000 }; /* AT may lie so far after engine time */

trib_status trib_engine_open(const struct trib_engine_options *options, struct trib_engine **ret_engine,
			     struct trib_error *error);

/* A graceful end: what is in flight is written and a checkpoint taken. */
void trib_engine_close(struct trib_engine *engine);

/* As if the process had been killed: for tests. */
void trib_engine_abandon(struct trib_engine *engine);

/* What the program should log after opening; NULL if nothing. */
const char *trib_engine_warning(const struct trib_engine *engine);

/* --- The loop ----------------------------------------------------------------------------------------- */

enum trib_engine_state { TRIB_ENGINE_RUNNING, TRIB_ENGINE_READ_ONLY, TRIB_ENGINE_LOST };

/* Takes calls from the ring, closes the batch if it can be written, looks after checkpoints and probes. */
enum trib_engine_state trib_engine_turn(struct trib_engine *engine);

/* Readable when trib_engine_turn has something to do. -1 in the simulator. */
int trib_engine_event_fd(const struct trib_engine *engine);
/* Readable when a call has been submitted. */
int trib_engine_call_fd(const struct trib_engine *engine);

/* Numbers what has been decided so far; settled once the journal has it. */
uint64_t trib_engine_ticket(const struct trib_engine *engine);
uint64_t trib_engine_settled(const struct trib_engine *engine);

/* Blocks until everything decided is settled or the engine is lost. For tools and tests. */
enum trib_engine_state trib_engine_settle(struct trib_engine *engine);

/* After LOST: frees the state and reads it again from store and journal. Tickets go on. */
trib_status trib_engine_recover(struct trib_engine *engine, struct trib_error *error);

enum trib_engine_state trib_engine_state(const struct trib_engine *engine);
/* Why the engine is read-only or lost. */
const struct trib_error *trib_engine_reason(const struct trib_engine *engine);

/*
 * Takes up changes of the token keys, if there are any: to be called on SIGHUP and once a second. A failure is told
 * once for each state of the file, and leaves the keys as they were: log it.
 */
trib_status trib_engine_reload_keys(struct trib_engine *engine, bool *ret_changed, struct trib_error *error);

/* --- Access ------------------------------------------------------------------------------------------- */

/* Stays the same as long as the engine; any thread may look secrets up. */
struct trib_directory *trib_engine_directory(struct trib_engine *engine);

/* What a door has refused by itself, for the audit log. */
struct trib_refusal {
	trib_status status;
	bool known; /* who asked; else role, actor and party say nothing */
	enum trib_access_role role;
	char actor[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1], party[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
	char from[64], action[160], detail[160];
};
/* Any thread. Bounded: what comes too fast is counted only. */
void trib_engine_note_refusal(struct trib_engine *engine, const struct trib_refusal *refusal);

/* --- Commands ----------------------------------------------------------------------------------------- */

struct trib_carrier_request {
	struct trib_bytes kind, id, owner; /* kind empty: none stated */
};

/* One order line as its caller states it. All strings are the caller's and stay until the answer is made. */
struct trib_order_request {
	struct trib_bytes order, user, goods, token; /* token: "-" for none */
	int64_t base_amount;
	int64_t amounts[TRIB_AMOUNTS];
	bool has_amounts;
	bool no_base; /* base_amount is not stated but computed from the amounts, which must be */
	int64_t at_ms;
	int64_t qty; /* 0: not stated */
	bool has_at;
	struct trib_bytes scene, page;
	struct trib_carrier_request carrier;
	const struct trib_ext_pair *ext; /* keys strictly ascending */
	uint32_t n_ext;
};

/*
 * One answer. status OK: the record says everything, `repeated` if it is an earlier order's. Else error.
 * Both are valid during the call only.
 */
struct trib_order_answer {
	trib_status status;
	const struct trib_error *error;
	const struct trib_order_record *record;
	bool repeated;
};
typedef void trib_order_answer_fn(void *context, size_t i, const struct trib_order_answer *answer);

enum { TRIB_ORDERS_MAX = 256 }; /* one call decides at most so many */

/* Decides orders in their order; answers come in that order, before this returns. */
void trib_engine_orders(struct trib_engine *engine, const struct trib_order_request *requests, size_t n,
			trib_order_answer_fn *answer, void *context);

struct trib_record_counts {
	uint64_t accepted, repeated, differed, refused;
};

/*
 * What rich clients have resolved by themselves: each order is decided again, journalled, and compared with what the
 * client made of it. Records that can never be accepted are refused one by one; a failure that passes (read-only, busy)
 * fails the whole: what was accepted before it is repeated when the batch comes again.
 */
trib_status trib_engine_record(struct trib_engine *engine, const Tributary__RecordBatch *batch,
			       struct trib_record_counts *ret_counts, struct trib_error *error);

/* A status of an order, as somebody tells it. */
struct trib_status_request {
	struct trib_bytes order, reason;
	enum trib_order_state state;
	int64_t at_ms, base_amount;
	bool has_at, has_base; /* base_amount: what the base is from then on */
};

struct trib_status_answer {
	bool pending; /* the order is not known yet; the message is kept */
	enum trib_order_state state;
};

trib_status trib_engine_order_status(struct trib_engine *engine, const struct trib_status_request *request,
				     struct trib_status_answer *ret_answer, struct trib_error *error);

/* Releases or rejects a held order. Again: nothing. TRIB_REFUSED: it was not held; TRIB_CONFLICT: decided otherwise. */
struct trib_review_request {
	struct trib_bytes order, reason, by;
	enum trib_review_verdict verdict;
	int64_t at_ms;
	bool has_at;
};
trib_status trib_engine_review(struct trib_engine *engine, const struct trib_review_request *request,
			       struct trib_error *error);
/* The JSON of GET /api/v1/reviews: those that wait behind a position, `after`. */
trib_status trib_engine_reviews(struct trib_engine *engine, uint64_t after, uint32_t limit, struct trib_buffer *json,
				struct trib_error *error);

struct trib_refund_request {
	struct trib_bytes order, refund;
	enum trib_refund_kind kind;
	int64_t amount, at_ms;
	int64_t qty; /* 0: not stated */
	bool has_at;
};

/*
 * remaining is what is left of the base; reversed how much less outside payers are charged now; of a forfeiture, what the
 * creator lost. A repeat is told what it was told at first.
 */
struct trib_refund_answer {
	bool pending;
	int64_t remaining, reversed;
};

trib_status trib_engine_refund(struct trib_engine *engine, const struct trib_refund_request *request,
			       struct trib_refund_answer *ret_answer, struct trib_error *error);

struct trib_link_request {
	struct trib_bytes channel, creator, goods, offer, scene, page;
	struct trib_carrier_request carrier;
	int64_t at_ms;
	bool has_at;
	const struct trib_ext_pair *ext; /* keys strictly ascending */
	uint32_t n_ext;
};

/*
 * Converts a link. TRIB_REFUSED with *ret_outcome: the terms say no (no_plan, creator_not_allowed, …).
 * The text is not terminated.
 */
trib_status trib_engine_link(struct trib_engine *engine, const struct trib_link_request *request,
			     char ret_text[TRIB_LIMIT_TOKEN_CHARS], size_t *ret_size,
			     enum trib_outcome *ret_outcome, struct trib_error *error);

/*
 * Of the link that was converted last, until the next command: where it leads at the third-party site that its goods are of,
 * and by which pid. Empty: they are of none. TRIB_NO_PID: the site has no pid for the creator.
 */
struct trib_bytes trib_engine_link_url(const struct trib_engine *engine);
struct trib_bytes trib_engine_link_pid(const struct trib_engine *engine);

struct trib_touch_request {
	struct trib_bytes user, token, page;
	enum trib_touch_kind kind; /* 0: click */
	struct trib_carrier_request carrier;
	int64_t at_ms;
	bool has_at;
};

enum trib_touch_answer { TRIB_TOUCH_RECORDED, TRIB_TOUCH_EXPIRED, TRIB_TOUCH_BAD_TOKEN };

const char *trib_touch_answer_word(enum trib_touch_answer answer); /* "recorded" */

trib_status trib_engine_touch(struct trib_engine *engine, const struct trib_touch_request *request,
			      enum trib_touch_answer *ret_answer, struct trib_error *error);

/* What a token says. Fields beside result are filled for TRIB_TOKEN_OK only. */
struct trib_track_answer {
	enum trib_token_result result;
	bool expired;
	struct trib_token token;
	int64_t expires_at_ms;
	uint32_t n_ext;
	struct trib_ext_pair ext[TRIB_LIMIT_EXT_PAIRS]; /* point into the engine until its next command */
};
trib_status trib_engine_track(struct trib_engine *engine, struct trib_bytes token,
			      struct trib_track_answer *ret_answer, struct trib_error *error);

/* The JSON of a TrackAnswer. */
void trib_engine_track_json(const struct trib_engine *engine, const struct trib_track_answer *answer,
			    struct trib_buffer *json);

/* Sorts EXT by key, as requests want it; false where a key stands twice. */
bool trib_ext_sort(struct trib_ext_pair *pairs, size_t n);

/* The event of an order; valid until the next command. TRIB_NOT_FOUND. */
trib_status trib_engine_order(struct trib_engine *engine, struct trib_bytes order,
			      const struct trib_order_record **ret_record, uint64_t *ret_position,
			      struct trib_error *error);

/* The JSON of EXPLAIN, and of GET /api/v1/orders/{id}. */
trib_status trib_engine_explain(struct trib_engine *engine, struct trib_bytes order,
				struct trib_buffer *json, struct trib_error *error);
void trib_engine_order_json(const struct trib_engine *engine, const struct trib_order_record *record,
			    uint64_t position, struct trib_buffer *json);
/* The JSON of an OrderAnswer. */
void trib_engine_answer_json(const struct trib_engine *engine, const struct trib_order_record *record,
			     struct trib_buffer *json);

/* A line as its share writes it: its name; a role, or the id of a party that the share calls by it. */
struct trib_bytes trib_engine_line_name(const struct trib_engine *engine,
					const struct trib_order_record *record,
					const struct trib_order_line *line);
struct trib_bytes trib_engine_line_party(const struct trib_engine *engine, uint32_t party, uint32_t role);

/* --- Shelves ------------------------------------------------------------------------------------------ */

struct trib_shelf_request {
	struct trib_bytes creator, kind; /* kind: a word of TRIB_SHELF_KIND_TABLE */
	const Tributary__ShelfChange *change; /* or: */
	const Tributary__Shelf *whole;
};

struct trib_shelf_answer {
	uint32_t version, total, added, removed;
	uint64_t position;
};

/* All or nothing. TRIB_REFUSED with *ret_outcome: what LINK would say to goods or offer that are new on the shelf. */
trib_status trib_engine_shelve(struct trib_engine *engine, const struct trib_shelf_request *request,
			       struct trib_shelf_answer *ret_answer, enum trib_outcome *ret_outcome,
			       struct trib_error *error);

struct trib_shelf_page_request {
	struct trib_bytes creator, kind, cursor;
	uint32_t limit; /* 0: 50 */
};

/* An entry as it stands now. Texts that are empty have nothing to say. */
struct trib_shelf_row {
	uint32_t goods_number, offer_number;
	struct trib_bytes goods, title, site, currency, status, group, offer, plan, kind, leader, reason;
	const char *policy; /* of its own; else NULL */
	int64_t price, stock, earn;
	bool has_stock, valid, ask;
	bool pays; /* plan, kind, leader, earn and terms are those by which it earns */
	struct trib_terms terms;
};

/* Good until the next command. */
struct trib_shelf_page {
	struct trib_bytes creator;
	const char *kind, *policy;
	uint32_t version, total, from;
	uint32_t next; /* cursor of the next page; 0: this is the last */
	uint32_t n_groups, n_rows;
	const struct trib_bytes *groups;
	const struct trib_shelf_row *rows;
};

trib_status trib_engine_shelf(struct trib_engine *engine, const struct trib_shelf_page_request *request,
			      const struct trib_shelf_page **ret_page, struct trib_error *error);
/* The JSON of a ShelfPage. */
void trib_engine_shelf_json(const struct trib_shelf_page *page, struct trib_buffer *json);

/* On how many shelves are these goods? */
trib_status trib_engine_shelves_of(const struct trib_engine *engine, struct trib_bytes goods, uint64_t *ret_count,
				   struct trib_error *error);

/* --- Looking ------------------------------------------------------------------------------------------ */

const struct trib_domain *trib_engine_domain(const struct trib_engine *engine);
const struct trib_rules *trib_engine_rules(const struct trib_engine *engine);
const struct trib_ledger *trib_engine_ledger(const struct trib_engine *engine);
int64_t trib_engine_now(const struct trib_engine *engine); /* engine time, ms */
/* Of the newest change of the market: where the snapshots stand that are made now. */
uint64_t trib_engine_market_position(const struct trib_engine *engine);

/* The id of a party, "platform" for none: as ledger and answers show it. */
struct trib_bytes trib_engine_party_id(const struct trib_engine *engine, uint32_t party);

struct trib_engine_counts {
	uint64_t position;   /* of the newest event */
	uint64_t store_position;
	uint64_t orders, repeats, conflicts, refusals, touches, links;
	uint64_t changes; /* messages about orders that changed what stands of them */
	uint64_t kept;	  /* orders, unknown yet, whose messages are kept */
	uint64_t outcomes[32];
	/* By tally (tallies.h): orders that passed a limit, and by how much, in minor units. */
	uint64_t overshoots[TRIB_TALLY_BUYER], overshoot_amounts[TRIB_TALLY_BUYER];
	uint64_t snapshots; /* full ones that were made */
	struct trib_record_counts records;
	uint64_t differences[TRIB_DIFFERENCES];
	uint64_t checkpoints, checkpoints_failed, batches, replayed_events;
	struct trib_journal_stats journal;
	struct trib_touches_counts live_touches;
	uint64_t indexed_orders, runs;
	uint64_t outbox_pending, outbox_dead_now; /* deliveries that wait; that were given up and are still there */
	int64_t outbox_oldest_ms; /* for how long the oldest of those that wait has been tried */
	uint64_t outbox_done, outbox_failed, outbox_dead; /* taken; attempts that failed; given up */
	bool warm;	       /* memory that was reserved is there */
	bool checkpoint_due;   /* one is under way, or more than its share of journal waits for one */
	bool indexes_complete; /* everything up to the newest durable event is in the store's runs or in memory */
};
void trib_engine_count(const struct trib_engine *engine, struct trib_engine_counts *ret_counts);

/*
 * Who delivers the outbox is called on the engine's thread when it may have something due: to ask by TRIB_CALL_OUTBOX_TAKE.
 */
void trib_engine_listen_outbox(struct trib_engine *engine, void (*ring)(void *context), void *context);

/* What plays have come to, in Prometheus' text format. */
void trib_engine_print_business(const struct trib_engine *engine, struct trib_buffer *text);

/* How sites stand, likewise. */
void trib_engine_print_sites(struct trib_engine *engine, struct trib_buffer *text);
/* How often alarms of sites began or ended since the opening; and those that stand, a JSON list of "taobao: price_stale". */
uint64_t trib_engine_alarms(const struct trib_engine *engine, struct trib_buffer *json);

/* Starts a checkpoint now; trib_engine_turn goes on with it. */
void trib_engine_checkpoint(struct trib_engine *engine);

/* The validators of every room; false names the first broken invariant. Slow: tests and the simulator. */
bool trib_engine_check(const struct trib_engine *engine, const char **ret_reason);

#include "engine/simulate.h"

#endif
