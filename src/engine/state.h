/*
 * What the files of the engine share: the engine itself. Private to the room. By what you look for:
 *
 *	the loop and the state
 *	engine.c	opening, recovery, the loop, batches
 *	apply.c		events → state, live and in replay
 *	events.c	the bytes of orders decided, touches, links; change.c: of what is told of orders later
 *
 *	commands, over RESP or HTTP
 *	orders.c	ATTRIBUTE
 *	records.c	RECORD
 *	links.c		LINK, TRACK, TOUCH
 *	conditions.c	… registration.when, plan.creators_when
 *	lifecycle.c	ORDER, REFUND, REVIEW
 *	groups.c	… refunds of a whole order, shared out over its lines; lines.c: which lines an order has
 *	kept.c		… what was told of orders that are not known yet
 *
 *	shelf.c		what is put on shelves (shelves.c: those in memory); shelf_page.c: pages of them;
 *	shelf_rounds.c	… whose creators are told when an offer ends
 *
 *	what plays come to
 *	business.c	events → figures of plays; rollups.c: by minute, hour, day
 *
 *	what the world outside is told
 *	outbox.c	effects → deliveries; webhooks.c: who asks for what; deliveries.c: what waits; targets.c: where to
 *
 *	what other orders decide
 *	stateful.c	budgets, steps, incentives: lines of their own; tallies.c: what they have come to
 *	counting.c	events → counters (counters.c) → facts
 *	dealings.c	who worked with whom, and what came of it (experience.c)
 *
 *	what HTTP asks
 *	calls.c		the ring, and most calls; nouns.c: about statuses, bounds and terms
 *	managed.c	rates that the platform moves
 *	bulk.c		many plans changed alike, a slice a turn; selection.c: which
 *	explain.c	records → JSON
 *	activities.c	enrolments by the hundred, and what their goods cost
 *	estimate.c	what a creator would earn
 *	review_list.c	held orders that wait (reviews.c); tally_list.c: GET /api/v1/tallies
 *	access.c	who may ask for what; access_calls.c: tokens, users, sessions, the audit log
 *	directory.c	… looked up; audit.c, answers.c: what is kept of that
 *	payouts.c	what was paid to a party, or came from it
 *	flows.c		flows of plays, runs of them, approvals; flow_points.c: where they are asked beside PUTs and links
 *	plays.c		plays: versions, whose an entity is, is its ext good; play_trees.c: are the trees in them; play_rules.c: put and active with them
 *	people.c	invitations and samples: what engine time and orders bring about (deadlines.c); sets.c
 *	sites.c		third-party sites: pids for links (pid_pool.c), how old prices are (freshness.c), alarms
 *	site_orders.c	… what they report of orders, and who should look at it (site_rows.c)
 *	statements.c	what a party had, what came and went, what it has
 *
 *	what has left memory
 *	order_index.c	fingerprint → position, of the newest orders
 *	history.c	looking older ones, and touches, up in the store; runs.c: asking filters first
 *	checkpoint.c	memory → store
 *
 *	beside the engine's thread
 *	compiler.c	rule trees and plays, compiled
 *	snapshots.c	the market → rich clients
 *	simulate.c	what if: orders of the journal decided again by other rules; simulations.c: those asked for
 *	warmer.c	memory before it is needed
 *	ahead.c		rows of the store, at a start
 */
#ifndef TRIB_ENGINE_STATE_H
#define TRIB_ENGINE_STATE_H

#include <pthread.h>
#include "base/bell.h"
#include "engine/answers.h"
#include "engine/audit.h"
#include "engine/bulk.h"
#include "engine/change.h"
#include "engine/counters.h"
#include "engine/compiler.h"
#include "engine/engine.h"
#include "engine/kept.h"
#include "engine/lines.h"
#include "engine/managed.h"
#include "engine/order_index.h"
#include "engine/outbox.h"
#include "engine/people.h"
#include "engine/reviews.h"
#include "engine/runs.h"
#include "engine/shelves.h"
#include "engine/site_rows.h"
#include "engine/snapshots.h"
#include "engine/statements.h"
#include "engine/stateful.h"
#include "play/play.h"
#include "store/store.h"

/* A growing array of plain values. */
struct log_of {
	void *items;
	size_t count, capacity, item_size;
};
void *log_add(struct log_of *log);
struct log_of log_take(struct log_of *log); /* the content; the log is empty then */

/* Where the newest event of an order stands. One that replaces is followed by an entry with what it replaces. */
struct order_entry {
	uint64_t fingerprint, position;
};
#define ORDER_ENTRY_REPLACES (UINT64_C(1) << 63)

struct link_entry {
	uint64_t link, position;
};

/* What has changed since the last checkpoint. */
struct changes {
	struct log_of orders;  /* struct order_entry */
	struct log_of touches; /* struct trib_touch_event */
	struct log_of links;   /* struct link_entry: those whose EXT is kept */
	struct line_log lines; /* of orders that have lines of their own names */
	struct log_of flows;   /* uint64_t: positions of runs */
	struct site_index site_rows;
};

struct checkpoint;

/* Scratch of what looks at an order's life: large, made once. */
struct life_work {
	/* Beside engine->earlier: what has been told of that order. */
	bool has_earlier;
	bool stood; /* `earlier` is what stands in the books before the change being made; else the decision */
	uint64_t position; /* of its newest event */
	int64_t told_at_ms; /* AT of the newest message that came */
	struct trib_order_change earlier;
	struct trib_buffer earlier_bytes;

	struct trib_order_change change; /* being made, or replayed */
	struct trib_life_messages messages, kept_messages;
	struct trib_life_messages whole; /* of groups.c: what was told of a payment */
	struct trib_life_order order;
	struct trib_market market; /* what the order's play is asked over, by */
	struct trib_order_asker asker;
	struct trib_split_way way;
	struct trib_arena scratch;
	uint32_t slice_of[TRIB_LIMIT_TOUCHES_CONSIDERED]; /* the decision's, of each of the order's; UINT32_MAX: none */
	struct trib_life life;
	uint32_t n_before;
	struct trib_transfer before[TRIB_LIFE_LINES_MAX], after[TRIB_LIFE_LINES_MAX];
	struct trib_buffer bytes; /* an event before it is journalled: its texts may stand in a batch that is let go */
};

/* What doors refuse, on its way to the audit log. */
struct refusals {
	pthread_mutex_t lock; /* around the queue */
	struct trib_refusal queue[64];
	uint32_t count;
	uint64_t lost; /* for want of room */
	uint64_t left_out; /* and those of a second that had too many */
	int64_t second_ms;
	uint32_t listed;
};

struct in_flight {
	uint64_t seq, next; /* batch and the mark behind it */
};

enum { IN_FLIGHT_MAX = 64 };

struct trib_engine {
	struct trib_engine_options options;
	struct trib_hash_key table_key;
	const struct trib_hash_key *order_key, *user_key; /* of `keys` */

	struct trib_keys *keys;
	struct trib_directory *directory;
	struct audit *audit;
	struct answers *answers;
	struct refusals refusals;
	struct trib_store *store;
	struct trib_journal *journal;
	struct trib_domain *domain;
	struct trib_rules *rules;
	struct trib_playbook *plays;
	struct trib_order_path *order_path; /* what they do on the way of orders */
	struct trib_buffer play_schemas; /* of /openapi.json, as the active plays are */
	uint64_t play_schemas_of;	 /* trib_playbook_active_made then */
	struct trib_play *offered_play; /* what was read of the one being put; apply takes it */
	struct trib_spaces spaces;
	struct trib_touches *touches;
	struct trib_ledger *ledger;
	struct trib_order_index *order_index;
	struct kept *kept;
	struct trib_counters *counters; /* NULL: no rules ask for what is counted */
	struct trib_tallies *tallies;
	struct trib_tallies *buyers;	/* by shop; NULL: nobody asks who is new */
	struct trib_experience *experience; /* NULL: nobody has dealt with anybody */
	struct people people;
	struct sites *sites;
	struct trib_reviews *reviews;	/* held orders that wait */
	struct shelves *shelves;
	struct outbox *outbox;
	struct business *business;
	struct warmer *warmer; /* NULL in the foreground */

	enum trib_engine_state state;
	struct trib_error reason; /* why not RUNNING */
	int64_t probed_ns;

	/* The open batch. */
	struct trib_journal_batch batch;
	bool batch_open;
	char *write_at;	   /* where the next event goes */
	int64_t now_ms;	   /* engine time */
	uint64_t seq;	   /* of the open batch */
	uint64_t settled;  /* the newest batch that is written */
	struct in_flight in_flight[IN_FLIGHT_MAX];
	uint32_t in_flight_head, in_flight_count;
	struct trib_journal_progress progress;
	uint64_t known_durable; /* the furthest that any opening of the journal has called durable */
	bool fenced;		/* a later epoch owns the journal: until the process ends it is only looked at */
	uint64_t position; /* of the newest event */

	/* State that has no room of its own. */
	uint64_t links_issued;
	uint32_t platform; /* its party number */
	uint64_t changes_written; /* numbers of chunked changes */
	struct changes changes;
	size_t touches_share; /* so many, and a checkpoint is due: an eighth of what memory holds */
	struct trib_filter recent_users; /* users of changes.touches: not in the store yet, not to be forgotten */
	struct trib_filter spare_users;  /* empty; takes its place at the next freeze */
	struct runs runs, old_runs; /* old: the next checkpoint frees them */
	size_t n_cold_runs;	    /* those that were there at opening, whose touches are not in memory */
	pthread_t runs_loader; /* while runs_loading, which is while opening */
	bool runs_loading;
	struct trib_error runs_error;
	struct checkpoint *checkpoint;
	struct snapshots snapshots;
	struct statements statements;
	uint32_t *rules_saved;	  /* by tree: versions already in the store */
	uint32_t rules_saved_count;
	enum trib_table loading; /* while opening */

	/* Reading a chunked change back. */
	uint64_t chunk_change;
	struct trib_buffer chunk_bytes;
	uint32_t chunk_count;

	/* Scratch, reused. */
	struct trib_order_record record;  /* being decided */
	struct trib_order_record earlier; /* read back */
	struct trib_buffer event_bytes;	  /* an event fetched from disk */
	struct trib_link_event link_event;
	struct trib_buffer link_bytes;
	struct trib_arena arena;	  /* one command's */
	struct trib_arena facts_arena;
	struct trib_arena flow_arena;	  /* one run's */
	struct trib_arena made_arena;	  /* that of the plan which another run's call makes */
	struct order_work *work;	  /* orders.c */
	struct life_work *life;		  /* lifecycle.c */
	struct stateful *stateful;	  /* stateful.c */
	struct shelf_work *shelf;	  /* shelf.c */
	struct shelf_page_work *shelf_page;
	struct shelf_rounds *shelf_rounds;

	/* Calls. */
	struct trib_call *ring; /* newest first; pushed by any thread */
	uint64_t ring_count;
	struct trib_bell bell; /* rung by whoever has work for the next turn */
	struct log_of waiting; /* decided, not yet settled */

	struct conditions *conditions; /* conditions.c */
	struct bulk *bulk;	       /* bulk.c; NULL: there never was a job */
	struct managed *managed;       /* managed.c; NULL: no plan has a goal */
	struct simulations *simulations;
	struct compiler compiler;
	struct trib_engine_counts counts;
};

/* What orders are resolved over, for one command: its parts may be others after the next. */
static inline struct trib_market engine_market(const struct trib_engine *engine)
{
	return (struct trib_market){ engine->domain, engine->rules, &engine->spaces, engine->platform, engine->order_path };
}

/* What events and rows of the market are folded into. */
static inline struct trib_market_state engine_market_state(const struct trib_engine *engine)
{
	return (struct trib_market_state){ engine->domain, engine->rules, engine->order_path };
}

/* engine.c */

/* TRIB_OK if commands may write now. */
trib_status engine_writable(struct trib_engine *engine, struct trib_error *error);

/* Engine time for the command at hand: that of the open batch, which this opens. */
trib_status engine_begin(struct trib_engine *engine, size_t bytes, struct trib_error *error);

/* Room for an event of up to `bytes` in the open batch; closes it and opens the next where it is full. */
trib_status engine_reserve(struct trib_engine *engine, size_t bytes, struct trib_error *error);

/* Where the next event goes, behind the batch's time; there is as much room as was reserved. */
char *engine_event_place(struct trib_engine *engine);

/* The event that was written there ends at `end`: returns its position. */
uint64_t engine_commit_event(struct trib_engine *engine, char *end);

/* Journals and applies an event that goes through protobuf-c, in chunks if it must. */
trib_status engine_emit(struct trib_engine *engine, const Tributary__Event *event, struct trib_error *error);

/* What was decided, as one record of the journal unless it is very large: all of it or nothing. */
trib_status engine_emit_all(struct trib_engine *engine, const struct trib_domain_decision *decision,
			    struct trib_error *error);

/* The code of a word, journalled as new if it is. 0 for "". `at` is its place in the command. */
trib_status engine_code(struct trib_engine *engine, struct trib_bytes word, const char *at,
			uint32_t *ret_code, struct trib_error *error);

/* AT, or engine time; TRIB_TOO_OLD, TRIB_BAD_TIME. */
trib_status engine_event_time(struct trib_engine *engine, bool has_at, int64_t at_ms, int64_t *ret_at_ms,
			      struct trib_error *error);

/* kind, id and owner of a carrier as numbers. */
trib_status engine_carrier(struct trib_engine *engine, const struct trib_carrier_request *carrier,
			   uint32_t *ret_kind, uint32_t *ret_id, uint32_t *ret_owner,
			   struct trib_error *error);

/* apply.c */

trib_status apply_event(struct trib_engine *engine, struct trib_bytes event, uint64_t position,
			struct trib_error *error);
/* The record's event stands at `position`. False where the ledger would overflow: then nothing is applied. */
bool apply_order_fits(struct trib_engine *engine, const struct trib_order_record *record);
void apply_order(struct trib_engine *engine, const struct trib_order_record *record, uint64_t fingerprint,
		 uint64_t position);
/* The change's event stands at `position`. */
void apply_change(struct trib_engine *engine, const struct trib_order_change *change, uint64_t fingerprint,
		  uint64_t position);
trib_status apply_touch(struct trib_engine *engine, const struct trib_touch_event *event,
			struct trib_error *error);
void apply_link(struct trib_engine *engine, const struct trib_link_event *event, uint64_t position);
trib_status apply_market(struct trib_engine *engine, const Tributary__Event *event, struct trib_error *error);

/* history.c */

/* The decision that stands at a position, into engine->earlier. */
trib_status history_read_decision(struct trib_engine *engine, uint64_t position, struct trib_error *error);
/*
 * Is this order decided already? TRIB_NOT_FOUND, or its record in engine->earlier and its position, and what has been told
 * of it since in engine->life.
 */
trib_status history_find_order(struct trib_engine *engine, struct trib_bytes order, uint64_t fingerprint,
			       uint64_t *ret_position, struct trib_error *error);
/* The event at a position where one is known to stand; to be freed. */
trib_status history_read_event(struct trib_engine *engine, uint64_t position, Tributary__Event **ret_event,
			       struct trib_error *error);
/* The payout of that id, to be freed, and its position; TRIB_NOT_FOUND. */
trib_status history_find_payout(struct trib_engine *engine, struct trib_bytes id, uint64_t fingerprint,
				Tributary__LedgerPaid **ret_paid, uint64_t *ret_position, struct trib_error *error);
void history_prefetch_order(const struct trib_engine *engine, uint64_t fingerprint);
/* Brings a user's touches into memory if they are in the store only. */
trib_status history_load_user(struct trib_engine *engine, uint64_t user, struct trib_error *error);
/* The EXT that a link keeps, in engine->link_event. */
trib_status history_link_ext(struct trib_engine *engine, uint64_t link, struct trib_error *error);
/* May this user's touches leave memory, because the store has all of them? What trib_touches asks. */
bool history_may_forget(void *context, uint64_t user);
/* Adds to the index, making room where it is full. */
void history_add_order(struct trib_engine *engine, uint64_t fingerprint, uint64_t position);
/* The ids of the lines "<order>/…" that were decided, in the arena; at most TRIB_LIMIT_ORDER_LINES. */
trib_status history_find_lines(struct trib_engine *engine, struct trib_bytes order, struct trib_bytes **ret_lines,
			       size_t *ret_count, struct trib_error *error);
/* The order's newest event is at `position` now, and no longer at `previous`. */
void history_change_order(struct trib_engine *engine, uint64_t fingerprint, uint64_t previous, uint64_t position);
/*
 * Filters are as large as the history is long: a thread of their own reads them while the journal is replayed. Who
 * asks for a user of the past meanwhile waits for it; for orders of the past nobody asks before the end.
 */
void history_load_begin(struct trib_engine *engine);
trib_status history_load_end(struct trib_engine *engine, struct trib_error *error);
void history_free_runs(struct trib_engine *engine);

/* checkpoint.c */

trib_status checkpoint_load(struct trib_engine *engine, struct trib_error *error);
/* Begins one if it is due (or `now`), goes on with the one under way. True while one is under way. */
bool checkpoint_turn(struct trib_engine *engine, bool now);
bool checkpoint_is_due(const struct trib_engine *engine);
/* Runs the one under way, or a new one, to its end, waiting. False where it cannot be written now. */
bool checkpoint_finish(struct trib_engine *engine, bool begin);
void checkpoint_drop(struct trib_engine *engine);
/* Has the one under way touches of this user, which are not in the store yet? */
bool checkpoint_may_have_user(const struct trib_engine *engine, uint64_t user);
/* The links of the one under way, which are neither in engine->changes nor in the store; NULL: none. */
const struct log_of *checkpoint_links(const struct trib_engine *engine);
const struct line_log *checkpoint_lines(const struct trib_engine *engine);
const struct log_of *checkpoint_flows(const struct trib_engine *engine);
const struct site_index *checkpoint_site_rows(const struct trib_engine *engine);
void changes_fini(struct changes *changes);

/* warmer.c */

void warmer_start(struct trib_engine *engine);
void warmer_stop(struct trib_engine *engine);

/* calls.c */

/* TRIB_INVALID: found …, expected …. */
trib_status engine_refuse(struct trib_error *error, const char *at, struct trib_bytes found, const char *expected);
void calls_init(struct trib_engine *engine);
void calls_fini(struct trib_engine *engine);
void calls_turn(struct trib_engine *engine);
/* A PUT, as doors and imports make it: its play, its decision, its effects. */
trib_status put_one(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage *message,
		    struct trib_domain_decision *ret_decision, struct trib_error *error);
void calls_answer(struct trib_engine *engine, bool lost);
/* The pairs of EXT are in the command's arena. */
trib_status calls_order_request(struct trib_engine *engine, const Tributary__OrderRequest *body,
				struct trib_order_request *ret_request, struct trib_error *error);
/* The JSON of a PutAnswer. */
void calls_add_put_reply(struct trib_buffer *json, struct trib_bytes id, uint32_t number, uint32_t version,
			 uint64_t position);
/* Decides a call that was kept waiting; `failed` other than OK is its answer. */
void calls_decide(struct trib_engine *engine, struct trib_call *call, trib_status failed,
		  const struct trib_error *error);
/* Gives the words of a tree their codes, so that lines can bear them. */
trib_status engine_name_tree(struct trib_engine *engine, uint32_t tree, uint32_t version,
			     struct trib_error *error);

/* estimate.c */

trib_status call_estimate(struct trib_engine *engine, struct trib_call *call);

/* nouns.c */

trib_status call_act(struct trib_engine *engine, struct trib_call *call);
trib_status call_plan_versions(struct trib_engine *engine, struct trib_call *call);
trib_status call_plan_unschedule(struct trib_engine *engine, struct trib_call *call);
trib_status call_status_put(struct trib_engine *engine, struct trib_call *call);
trib_status call_status_get(struct trib_engine *engine, struct trib_call *call);
trib_status call_bounds_put(struct trib_engine *engine, struct trib_call *call);
trib_status call_bounds_get(struct trib_engine *engine, struct trib_call *call);
trib_status call_bounds_list(struct trib_engine *engine, struct trib_call *call);
trib_status call_terms(struct trib_engine *engine, struct trib_call *call);
/* Where the plans that competed for a touch of an order are listed, as a JSON string. */
void engine_add_terms_path(const struct trib_engine *engine, const struct trib_order_record *record,
			   const struct trib_touch *touch, struct trib_buffer *json);

/* shelf.c */

void shelf_init(struct trib_engine *engine);
void shelf_fini(struct trib_engine *engine);
struct shelves *shelf_table_new(void);
/* The numbers of a shelf's name. */
trib_status shelf_find(struct trib_engine *engine, struct trib_bytes creator, struct trib_bytes kind,
		       uint32_t *ret_creator, enum trib_shelf_kind *ret_kind, struct trib_error *error);
/* Its record, from memory or store; empty: there is none. Good until the next command. */
trib_status shelf_record(struct trib_engine *engine, uint32_t creator, enum trib_shelf_kind kind,
			 struct trib_bytes *ret_record, struct trib_error *error);
/* Are the goods on any shelf of the creator's? Between commands only. */
bool shelf_lists(struct trib_engine *engine, uint32_t creator, uint32_t goods);
trib_status apply_shelf(struct trib_engine *engine, const Tributary__ShelfPut *put, struct trib_error *error);
trib_status shelf_load_counts(struct trib_engine *engine, struct trib_bytes key, struct trib_bytes value,
			      struct trib_error *error);
trib_status shelf_check_actor(struct trib_call *call, bool writes);
trib_status call_shelve(struct trib_engine *engine, struct trib_call *call);
trib_status call_goods_shelves(struct trib_engine *engine, struct trib_call *call);

/* shelf_page.c */

void shelf_page_init(struct trib_engine *engine);
void shelf_page_fini(struct trib_engine *engine);
trib_status call_shelf(struct trib_engine *engine, struct trib_call *call);
/* access.c */

/* Before a call is decided: may its asker, who acts for a party? Fills parameters that say whose. */
trib_status access_check(struct trib_engine *engine, struct trib_call *call);
/* What the asker may see of an entity, as of now; false where that is nothing. */
bool access_show(struct trib_engine *engine, const struct trib_call *call, enum trib_noun noun, struct trib_entity *entity);
/* One of many that a call names: may the asker do this with it? Else TRIB_FORBIDDEN, or TRIB_NOT_FOUND as if it were not there. */
trib_status access_may_act(struct trib_engine *engine, const struct trib_call *call, enum trib_noun noun,
			   struct trib_bytes id, struct trib_error *error);
/* Are the goods the asker's own? Always, for who acts for nobody. */
bool access_has_goods(const struct trib_engine *engine, const struct trib_call *call, const char *id);
/* Does a creator that asks know of this plan? Always, for others. */
bool access_knows_plan(const struct trib_engine *engine, const struct trib_call *call, struct trib_bytes id);

/* access_calls.c */

void access_begin(struct trib_engine *engine);
void access_end(struct trib_engine *engine);
trib_status access_load(struct trib_engine *engine, struct trib_error *error);
bool access_is_changed_by(Tributary__Event__KindCase kind);
trib_status access_apply(struct trib_engine *engine, const Tributary__Event *event, struct trib_error *error);
/* Lists what doors have refused. */
void access_turn(struct trib_engine *engine);
trib_status call_access(struct trib_engine *engine, struct trib_call *call);
/* Before: true if its Idempotency-Key has an answer, or another request (CONFLICT). */
bool access_repeat(struct trib_engine *engine, struct trib_call *call, trib_status *ret_status);
/* Afterwards: keeps the answer, lists the change or the refusal. */
trib_status access_keep_answer(struct trib_engine *engine, struct trib_call *call);
trib_status access_note_call(struct trib_engine *engine, struct trib_call *call);
/* An act of the engine's own, by the actor of the domain: "expire", "move". */
trib_status access_note_act(struct trib_engine *engine, const char *action, enum trib_noun noun, uint32_t number,
			    struct trib_error *error);

/* shelf_rounds.c */

void shelf_rounds_init(struct trib_engine *engine);
void shelf_rounds_fini(struct trib_engine *engine);
/* A plan has changed. */
void shelf_rounds_want(struct trib_engine *engine);
void shelf_rounds_turn(struct trib_engine *engine);

/* tally_list.c */

trib_status call_tallies(struct trib_engine *engine, struct trib_call *call);

/* conditions.c */

trib_status conditions_check(void *context, enum trib_condition_place place, struct trib_bytes source,
			     struct trib_error *error);
bool conditions_creator(void *context, uint32_t condition, uint32_t creator, int64_t at_ms);
/* Does a condition hold for these facts? An error of evaluation is false. */
bool conditions_hold(struct trib_engine *engine, uint32_t condition, struct trib_facts *facts);
/* Does an enrolment meet the requirements of its activity? */
bool conditions_meets(void *context, const struct trib_recruited *recruited);
void conditions_fini(struct trib_engine *engine);

/* activities.c */

trib_status call_enrol(struct trib_engine *engine, struct trib_call *call);
trib_status call_enrolments_act(struct trib_engine *engine, struct trib_call *call);
trib_status call_cooperation_offer(struct trib_engine *engine, struct trib_call *call);
trib_status call_cooperations(struct trib_engine *engine, struct trib_call *call);
trib_status call_enrolments(struct trib_engine *engine, struct trib_call *call, enum trib_enrolments_by by);
/* What is decided, before it is: effects for whom it concerns. `action` empty: a PUT. */
trib_status activities_tell(struct trib_engine *engine, const struct trib_domain_decision *decision,
			    struct trib_bytes action, struct trib_error *error);
/* After a PUT of goods: enrolments that it raises above their price, or brings back. */
trib_status activities_watch_price(struct trib_engine *engine, uint32_t goods, struct trib_error *error);

/* payouts.c */

trib_status apply_payout(struct trib_engine *engine, const Tributary__LedgerPaid *paid, uint64_t position,
			 struct trib_error *error);
trib_status call_payout(struct trib_engine *engine, struct trib_call *call);

/* plays.c */

/* PlayPut and PlayActivated. */
trib_status apply_play(struct trib_engine *engine, const Tributary__Event *event, struct trib_error *error);
/* Once everything is read: reads the active plays, so that nobody waits for them later. */
void plays_ready(struct trib_engine *engine);
/*
 * Whose play is an entity that is put, and is its ext good? A new one is given the play that its request resolves to,
 * with its active version, unless it states one; one that is there keeps its own unless another is stated. *message is
 * replaced by a copy in the arena that says so; nouns that have no play are left alone.
 */
trib_status plays_settle(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage **message,
			 struct trib_error *error);
trib_status call_play_put(struct trib_engine *engine, struct trib_call *call);
trib_status call_play_get(struct trib_engine *engine, struct trib_call *call);
trib_status call_play_version(struct trib_engine *engine, struct trib_call *call);
trib_status call_play_list(struct trib_engine *engine, struct trib_call *call);
trib_status call_play_activate(struct trib_engine *engine, struct trib_call *call);
trib_status call_play_rollback(struct trib_engine *engine, struct trib_call *call);
trib_status call_play_close(struct trib_engine *engine, struct trib_call *call);
trib_status call_play_resolve(struct trib_engine *engine, struct trib_call *call);
trib_status call_play_schemas(struct trib_engine *engine, struct trib_call *call);
trib_status call_form(struct trib_engine *engine, struct trib_call *call);

/* links.c */

/*
 * Could we have issued this verified token? Whoever holds a key can forge within its scope, and a folder restored from
 * an older copy knows fewer names: no number of a token may index anything before this has been asked.
 */
bool engine_could_issue(const struct trib_engine *engine, const struct trib_token *token);

/* counting.c */

/* After an activation: counts from now on, if a tree asks for it. */
void counting_begin(struct trib_engine *engine);
void counting_touch(struct trib_engine *engine, const struct trib_touch_event *event);
void counting_order(struct trib_engine *engine, const struct trib_order_record *record);
/* engine_facts of a trib_resolve_request; context is the engine. */
void counting_facts(const void *context, const struct trib_order_record *record, const struct trib_touch *touch,
		    trib_fact_set wanted, struct trib_facts *facts);
trib_status counting_load(struct trib_engine *engine, struct trib_bytes key, struct trib_bytes value,
			  struct trib_error *error);

/* lifecycle.c */

void lifecycle_init(struct trib_engine *engine);
void lifecycle_fini(struct trib_engine *engine);
/*
 * An order has been decided (`record`, at `position`) about which messages were kept: takes them over, and
 * puts the event that they come to into the open batch, which has room for lifecycle_kept_bytes_max().
 */
struct kept_bodies {
	/* Of "o1/2"; of "o1"; of the payment that the line states as its parent. The last two stay kept for further lines. */
	struct trib_bytes own, order, parent; /* empty: none */
	bool shares; /* refunds of the whole are to be shared anew once the line is there */
	bool shared; /* refunds of its own name were those of a whole, and its lines have them */
};
bool lifecycle_find_kept(struct trib_engine *engine, const struct trib_order_record *record, uint64_t fingerprint,
			 struct kept_bodies *ret_bodies);
size_t lifecycle_kept_bytes_max(const struct trib_order_record *record, const struct kept_bodies *bodies);
void lifecycle_take_kept(struct trib_engine *engine, const struct kept_bodies *bodies); /* before the decision is applied */
void lifecycle_tell_kept(struct trib_engine *engine, const struct trib_order_record *record, uint64_t fingerprint,
			 uint64_t position);
/*
 * Looks an order up: its decision into engine->earlier, life->order and what is in the books, what was told of it into
 * life->messages. Texts live as long as the open batch.
 */
trib_status lifecycle_find(struct trib_engine *engine, struct trib_bytes order, uint64_t fingerprint,
			   uint64_t *ret_decision, struct trib_error *error);
/* Adds a refund to life->messages, if it may be; `known`: to those of the order that was found. */
trib_status lifecycle_tell_refund(struct trib_engine *engine, const struct trib_refund_request *request, bool known,
				  bool *ret_changed, uint32_t *ret_at, struct trib_error *error);
/* What life->messages come to for the order that was found, into life->change. */
void lifecycle_compute(struct trib_engine *engine);
/* Then: what the refund at messages.refunds[at] has done, which is also what its repeats are told. */
void lifecycle_answer_refund(const struct trib_engine *engine, uint32_t at, struct trib_refund_answer *ret_answer);
/* Then: journals and applies it. */
trib_status lifecycle_record(struct trib_engine *engine, struct trib_bytes order, uint64_t fingerprint,
			     uint64_t decision, struct trib_error *error);
/* Or: journals and keeps life->messages, for an order that is not known or lines that are to come. */
trib_status lifecycle_keep(struct trib_engine *engine, struct trib_bytes order, struct trib_error *error);

/* groups.c */

/* So much of a batch, and what is shared out at once stands in one: some hundred lines. */
enum { GROUPS_BATCH_BYTES = 1 << 16 };

/* What the payment of a line is called: its EXT `parent`, or the order in its id; empty: it is a payment by itself. */
struct trib_bytes groups_name(const struct trib_order_record *record);
/* REFUND of an order that is no line: *ret_found says whether it has lines. */
trib_status groups_refund(struct trib_engine *engine, const struct trib_refund_request *request, bool *ret_found,
			  struct trib_refund_answer *ret_answer, struct trib_error *error);
/* Is there a line that calls its payment so? */
bool groups_has_lines(struct trib_engine *engine, struct trib_bytes name);
/* A line has come, or something was told of one: the parts of all lines are shared anew. */
trib_status groups_share_again(struct trib_engine *engine, struct trib_bytes name, struct trib_error *error);

/* stateful.c */

void stateful_init(struct trib_engine *engine);
void stateful_fini(struct trib_engine *engine);
/* After resolving: takes out what budgets no longer pay, adds lines, fills record->tallies. May journal a name. */
trib_status stateful_decide(struct trib_engine *engine, struct trib_order_record *record, struct trib_error *error);
/* `,"stateful":[…]` of EXPLAIN. */
void stateful_explain(const struct trib_engine *engine, struct trib_bytes tallies, struct trib_buffer *json);
/* One item of GET /api/v1/tallies. */
void stateful_add_tally(struct trib_engine *engine, const struct trib_tally *tally, struct trib_buffer *json);
/*
 * After a message: our lines of one slice of the change, behind its others, which begin at first_line; then the tallies
 * of the whole. What stood before is engine->life's.
 */
void stateful_begin_change(struct trib_engine *engine);
void stateful_change_slice(struct trib_engine *engine, const struct trib_order_record *record,
			   struct trib_order_change *change, uint32_t slice, uint32_t first_line);
void stateful_end_change(struct trib_engine *engine, struct trib_order_change *change);
/* The change of a tally in the order at hand, begun from what stands; NULL where there is no room for a new one. */
struct trib_tally_change *stateful_change_of(struct trib_engine *engine, const struct trib_tallies *tallies,
					     struct trib_tally_key key, uint32_t plan_version);
/* The first of the bytes of an event's tallies, which it is taken off; false where there is none. */
bool stateful_next_tally(struct trib_bytes *rest, struct trib_tally_change *ret_change);
/* The tallies of an event. */
void stateful_apply(struct trib_engine *engine, struct trib_bytes tallies);
/* From now on it is known who has bought in which shop. */
void stateful_begin_buyers(struct trib_engine *engine);
void stateful_bought(struct trib_engine *engine, const struct trib_order_record *record);
bool stateful_is_new_to_shop(const struct trib_engine *engine, const struct trib_order_record *record, int64_t window_ms);
trib_status stateful_load(struct trib_engine *engine, struct trib_bytes key, struct trib_bytes value,
			  struct trib_error *error);

/* orders.c */

trib_status check_id(struct trib_bytes text, const char *at, struct trib_error *error);
trib_status check_order_id(struct trib_bytes order, struct trib_error *error);
void orders_init(struct trib_engine *engine);
void orders_fini(struct trib_engine *engine);

#endif
