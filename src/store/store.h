/*
 * The state at a journal position, in RocksDB: one family, a one-byte prefix per table. Its own write-ahead log
 * is never used, because the journal is the write-ahead log: everything since the store's position is replayed.
 *
 * State enters in one way only. A checkpoint is one sorted file that holds whatever changed since the last one,
 * together with the position that it brings the store to; RocksDB ingests it in one step, so a crash leaves
 * either the old state at the old position or the new state at the new one:
 *
 *	struct trib_checkpoint *checkpoint;
 *	trib_checkpoint_begin(store, position, &checkpoint, &error);
 *	trib_checkpoint_put(checkpoint, TRIB_TABLE_PARTY, key, value);   // tables, then keys, in ascending order
 *	…
 *	trib_checkpoint_commit(checkpoint, &error);     // by now, position must be durable in the journal
 *
 * Nothing is deleted except by a newer value. One checkpoint at a time, from any thread; reads from any thread.
 */
#ifndef TRIB_STORE_STORE_H
#define TRIB_STORE_STORE_H

#include "base/bytes.h"
#include "base/status.h"
#include "store/filter.h"
#include "store/prints.h"

/* Table prefixes never change their meaning. X(NAME, prefix, what key → value is) */
#define TRIB_TABLE_LIST(X)                                                                         \
	X(META, 0x01, "name → value; `position` is where the store stands")                        \
	X(ACCESS_TOKEN, 0x90, "number → AccessTokenPut") \
	X(ACCESS_USER, 0x91, "number → UserPut") \
	X(ACCESS_SESSION, 0x92, "slot → SessionPut") \
	X(AUDIT, 0x93, "number → AuditEntry") \
	X(ANSWER, 0x94, "hash of an Idempotency-Key → AnswerKept; empty: no longer") \
	X(NAME, 0x10, "number → text of a dictionary code")                                        \
	X(PARTY, 0x11, "number → PartyPut")                                                        \
	X(GOODS, 0x12, "number → GoodsPut")                                                        \
	X(PLAN, 0x13, "number, version → PlanPut")                                                 \
	X(REGISTRATION, 0x14, "number → RegistrationPut")                                          \
	X(RULES, 0x15, "tree, version → RulesPut")                                               \
	X(ACTIVATION, 0x17, "count → tree, version, from when")                            \
	X(HITS, 0x16, "tree, version → hits per node")                                             \
	X(BLOCK, 0x18, "number → BlockPut")                                                        \
	X(STATUS, 0x19, "number, noun → StatusTimeline")                                           \
	X(BOUNDS, 0x1a, "number → BoundsSet")                                                      \
	X(BALANCE, 0x20, "party, role, currency, kind → balances pending and posted; of 0.1: party, role, currency → balance")                                        \
	X(STATEMENT, 0x21, "party, role, currency, kind, mark → the stretch of the journal up to that mark, and balances at its end") \
	X(LINK_EXT, 0x28, "link → position of its event, where EXT did not fit into the token")                            \
	X(ORDER, 0x30, "order fingerprint → positions of its events")                              \
	X(ORDER_RUN, 0x31, "from, to → the orders' fingerprints of that stretch of the journal, packed as prints.h says; of 0.1: a filter over them") \
	X(KEPT, 0x32, "order fingerprint, hash → when, MessagesKept; empty: no longer")           \
	X(LINE, 0x33, "order fingerprint, position of the decision of one of its lines → nothing")         \
	X(TOUCH, 0x38, "user hash, mark → TouchRecorded of one user up to that mark, each behind its size")                        \
	X(TOUCH_RUN, 0x39, "from, to → the user hashes of that stretch, packed likewise")     \
	X(COUNTER, 0x40, "place → what is counted of the subject there; engine/counters.h")   \
	X(TALLY, 0x41, "kind, plan, rule, creator, period → what was sold and spent; engine/tallies.h") \
	X(REVIEW, 0x42, "position of the decision of a held order → does it wait?")                \
	X(FLOW, 0x58, "position of a run of a flow → nothing")                                     \
	X(APPROVAL, 0x59, "number → ApprovalPut")                                                  \
	X(PLAY, 0x50, "play, version → PlayPut")                                                   \
	X(PLAY_ACTIVATION, 0x51, "play, count → PlayActivated")                                    \
	X(OUTBOX, 0x60, "slot → OutboxStored; empty: the slot is free")                            \
	X(WEBHOOK, 0x61, "number → WebhookPut")                                                    \
	X(ROLLUP, 0x62, "level, slot → RollupStored")                                              \
	X(PLAY_NAME, 0x63, "number of engine/business.h → name of a play")                         \
	X(BULK, 0x68, "number → BulkPut")                                                          \
	X(MANAGED, 0x69, "plan → PlanMoved, the newest")                                           \
	X(ACTIVITY, 0x70, "number → ActivityPut")                                                  \
	X(COOPERATION, 0x71, "number → CooperationPut")                                            \
	X(ENROLMENT, 0x72, "number → EnrolmentPut")                                                \
	X(INVITATION, 0x78, "number → InvitationPut")                                              \
	X(SAMPLE, 0x79, "number → SamplePut")                                                      \
	X(SHELF, 0x80, "creator, kind → a shelf as domain/shelf.h writes it")                 \
	X(SHELF_COUNT, 0x81, "1024 goods → on how many shelves each is")                           \
	X(SITE, 0x98, "number → SitePut")                                                          \
	X(PID, 0x99, "number → PidPut")                                                            \
	X(SITE_ORDER, 0x9a, "hash, hash of site and order line → position of its newest SiteOrderPut")  \
	X(SITE_REVIEW, 0x9b, "the same → engine/site_rows.h; empty: nobody has to look at it any more") \
	X(SITE_ALARM, 0x9c, "site → SiteAlarmed, the newest")

enum trib_table {
#define X(name, prefix, doc) TRIB_TABLE_##name = prefix,
	TRIB_TABLE_LIST(X)
#undef X
};

struct trib_store;
struct trib_checkpoint;

/* Opens or creates the store in `folder`. One that can be read but not written opens read-only. */
trib_status trib_store_open(const char *folder, struct trib_store **ret_store,
			    struct trib_error *error);
void trib_store_close(struct trib_store *store);

/* Why it can only be read; NULL where it can be written. Checkpoints of a read-only store fail. */
const struct trib_error *trib_store_read_only(const struct trib_store *store);

/* Opens a read-only store again, to be written. Nobody else may use the store meanwhile. */
trib_status trib_store_retry(struct trib_store *store);

/* The journal position up to which everything is in the store; 0 when it is new. */
uint64_t trib_store_position(const struct trib_store *store);

trib_status trib_checkpoint_begin(struct trib_store *store, uint64_t position,
				  struct trib_checkpoint **ret_checkpoint, struct trib_error *error);

/*
 * Keys must ascend, tables first (those of META come after "position"). A failure is kept and told by commit.
 */
void trib_checkpoint_put(struct trib_checkpoint *checkpoint, enum trib_table table,
			 struct trib_bytes key, struct trib_bytes value);

/* Makes the file durable and ingests it; frees the checkpoint either way. */
trib_status trib_checkpoint_commit(struct trib_checkpoint *checkpoint, struct trib_error *error);
void trib_checkpoint_abandon(struct trib_checkpoint *checkpoint);

/* Replaces *ret_value's content; TRIB_NOT_FOUND when there is no such key. */
trib_status trib_store_get(struct trib_store *store, enum trib_table table, struct trib_bytes key,
			   struct trib_buffer *ret_value, struct trib_error *error);

/* Calls visit for every key of the table that begins with `prefix`, in order, until it returns other than OK. */
typedef trib_status trib_store_visit(void *context, struct trib_bytes key, struct trib_bytes value,
				     struct trib_error *error);
trib_status trib_store_scan(struct trib_store *store, enum trib_table table, struct trib_bytes prefix,
			    trib_store_visit *visit, void *context, struct trib_error *error);

/* The keys of a table that stand before `before` (empty: all of them), the last one first. */
trib_status trib_store_scan_back(struct trib_store *store, enum trib_table table, struct trib_bytes before,
				 trib_store_visit *visit, void *context, struct trib_error *error);

/*
 * The store as it is now, whatever checkpoints come later; and the position that it stands at. Any thread may scan it,
 * beside checkpoints.
 */
struct trib_store_view;
struct trib_store_view *trib_store_view_new(struct trib_store *store, uint64_t *ret_position);
void trib_store_view_free(struct trib_store *store, struct trib_store_view *view);
trib_status trib_store_scan_view(struct trib_store *store, const struct trib_store_view *view, enum trib_table table,
				 struct trib_bytes prefix, trib_store_visit *visit, void *context,
				 struct trib_error *error);

/* Numbers in keys are big-endian, so that byte order is number order. */
static inline size_t trib_key_u32(char *key, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(key, &value, sizeof(value));
	return sizeof(value);
}

static inline size_t trib_key_u64(char *key, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(key, &value, sizeof(value));
	return sizeof(value);
}

static inline uint32_t trib_key_read_u32(const char *key)
{
	uint32_t value;

	memcpy(&value, key, sizeof(value));
	return __builtin_bswap32(value);
}

static inline uint64_t trib_key_read_u64(const char *key)
{
	uint64_t value;

	memcpy(&value, key, sizeof(value));
	return __builtin_bswap64(value);
}

#endif
