/*
 * Memory → store. A checkpoint is what has changed since the last one, as it stood between two batches, brought to
 * the store as one sorted file in the background.
 *
 *	freeze     engine's thread, at once: logs and dirty entities change hands, the ledger marks the point
 *	gather     engine's thread, in slices: balances as they were at the freeze
 *	wait       until the journal has made the position durable
 *	write      background thread: sort, filters, file, ingest; runs that are to become one
 *	finish     engine's thread: the new run is known
 *
 * A file that cannot be written is tried again every second: the journal has everything meanwhile.
 */
#include "engine/ahead.h"
#include "engine/business.h"
#include "engine/sites.h"
#include "engine/state.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

enum {
	GATHERED_PER_TURN = 256, /* some tens of microseconds */
	BLOCKS_PER_TURN = 16,	 /* of 4 KiB: likewise */
	KEY_BYTES = 24,
	BALANCE_KEY_BYTES = 13,
	SHARES_BEHIND_MAX = 5, /* so much journal may lie behind the store: it is what a restart replays */
};
#define RETRY_EVERY_NS INT64_C(1000000000)

struct balance {
	struct trib_account account;
	struct trib_balance balance;
};

/* A row that is made at the freeze: rules, activations, hits, counters. */
struct row {
	enum trib_table table;
	char key[KEY_BYTES];
	uint8_t key_size;
	size_t value, value_size; /* in row_bytes */
};

enum phase { GATHER, WAIT, WRITE, DONE };

struct checkpoint {
	enum phase phase; /* from WRITE on its thread's to change */
	uint64_t from, position;
	struct changes changes;
	struct trib_filter users; /* of changes.touches */
	struct trib_domain_freeze *domain;
	struct log_of balances; /* struct balance */
	struct shelf_frozen *shelves;
	size_t n_shelves;
	int64_t began_ms, ended_ms; /* engine time at `from` and at `position` */
	struct log_of rows;	/* struct row */
	struct trib_buffer row_bytes;
	struct trib_store *store;
	struct run run;
	const struct runs *runs; /* the engine's, of which these become one: */
	size_t merge_first, merge_count;
	struct run merged;
	bool has_merged;
	struct runs old; /* to be freed */
	trib_status status;
	struct trib_error error;
	pthread_t thread;
	bool thread_started;
	int64_t retry_ns; /* a failed one waits until then */
};

/* --- Freeze ------------------------------------------------------------------------------------------- */

static void add_row(struct checkpoint *checkpoint, enum trib_table table, struct trib_bytes key,
		    struct trib_bytes value)
{
	struct row *row = log_add(&checkpoint->rows);

	trib_assert(key.size <= KEY_BYTES);
	*row = (struct row){ .table = table, .key_size = (uint8_t)key.size,
			     .value = checkpoint->row_bytes.size, .value_size = value.size };
	memcpy(row->key, key.data, key.size);
	trib_buffer_add_bytes(&checkpoint->row_bytes, value);
	trib_assert(!checkpoint->row_bytes.failed);
}

static void add_counter(struct checkpoint *checkpoint, const char *name, uint64_t value)
{
	char bytes[8];

	add_row(checkpoint, TRIB_TABLE_META, trib_bytes_text(name), trib_bytes(bytes, trib_key_u64(bytes, value)));
}

/* Orders and users stand in the store under these keys. The mark tells nothing of them. */
static uint64_t hash_keys_mark(const struct trib_engine *engine)
{
	return trib_hash_keyed(trib_bytes_text("orders"), engine->order_key) ^
	       trib_hash_keyed(trib_bytes_text("users"), engine->user_key);
}

static void add_rules_version(struct checkpoint *checkpoint, const struct trib_rules *rules, uint32_t tree,
			      uint32_t version)
{
	Tributary__RulesPut put = TRIBUTARY__RULES_PUT__INIT;
	struct trib_buffer packed;
	struct trib_bytes source = trib_tree_source(trib_rules_tree(rules, tree, version));
	struct trib_bytes name = trib_rules_name(rules, tree);
	TRIB_AUTOFREE char *name_text = strndup(name.data, name.size);
	TRIB_AUTOFREE char *source_text = strndup(source.data, source.size);
	char key[8];

	put.name = name_text;
	put.has_version = 1;
	put.version = version;
	put.source = source_text;
	trib_buffer_init(&packed, SIZE_MAX);
	size_t size = tributary__rules_put__get_packed_size(&put);

	tributary__rules_put__pack(&put, (uint8_t *)trib_buffer_reserve(&packed, size));
	packed.size = size;
	trib_key_u32(key, tree);
	trib_key_u32(key + 4, version);
	add_row(checkpoint, TRIB_TABLE_RULES, trib_bytes(key, 8), trib_buffer_bytes(&packed));
	trib_buffer_fini(&packed);
}

static void add_activations(struct checkpoint *checkpoint, const struct trib_rules *rules)
{
	uint32_t count;
	const struct trib_rules_activation *activations = trib_rules_activations(rules, &count);

	for (uint32_t i = 0; i < count; i++) {
		char key[4], numbers[16];
		struct trib_buffer value;

		trib_key_u32(key, i);
		trib_key_u32(numbers, activations[i].tree);
		trib_key_u32(numbers + 4, activations[i].version);
		trib_key_u64(numbers + 8, (uint64_t)activations[i].from_ms);
		trib_buffer_init(&value, SIZE_MAX);
		trib_buffer_add(&value, numbers, sizeof(numbers));
		trib_rules_pack_rollout(rules, &activations[i], &value);
		add_row(checkpoint, TRIB_TABLE_ACTIVATION, trib_bytes(key, 4), trib_buffer_bytes(&value));
		trib_buffer_fini(&value);
	}
}

static void add_hits(struct checkpoint *checkpoint, const struct trib_rules *rules, uint32_t tree)
{
	for (uint32_t version = 1; version <= trib_rules_latest(rules, tree); version++) {
		const struct trib_tree *compiled = trib_rules_tree(rules, tree, version);
		const uint64_t *hits = trib_rules_hits(rules, tree, version);
		char key[8];

		trib_key_u32(key, tree);
		trib_key_u32(key + 4, version);
		add_row(checkpoint, TRIB_TABLE_HITS, trib_bytes(key, 8),
			trib_bytes(hits, trib_tree_nodes(compiled) * sizeof(*hits)));
	}
}

static void add_access_row(void *context, enum trib_table table, uint32_t number, struct trib_bytes value)
{
	char key[4];

	add_row(context, table, trib_bytes(key, trib_key_u32(key, number)), value);
}

static void add_audit_row(void *context, uint64_t number, struct trib_bytes value)
{
	char key[8];

	add_row(context, TRIB_TABLE_AUDIT, trib_bytes(key, trib_key_u64(key, number)), value);
}

static void add_answer_row(void *context, const unsigned char key[ANSWER_KEY_BYTES], const struct answer *answer)
{
	Tributary__AnswerKept kept = TRIBUTARY__ANSWER_KEPT__INIT;
	TRIB_AUTOFREE uint8_t *bytes = NULL;
	TRIB_AUTOFREE char *body = answer ? strndup(answer->body.data, answer->body.size) : NULL;
	size_t size = 0;

	if (answer) {
		kept.has_key = kept.has_content = kept.has_at = kept.has_status = 1;
		kept.key = (ProtobufCBinaryData){ ANSWER_KEY_BYTES, (uint8_t *)answer->key };
		kept.content = (ProtobufCBinaryData){ ANSWER_KEY_BYTES, (uint8_t *)answer->content };
		kept.at = answer->at_ms;
		kept.status = answer->status;
		kept.body = body;
		bytes = trib_alloc(tributary__answer_kept__get_packed_size(&kept) + 1);
		size = tributary__answer_kept__pack(&kept, bytes);
	}
	add_row(context, TRIB_TABLE_ANSWER, trib_bytes(key, ANSWER_KEY_BYTES), trib_bytes(bytes, size));
}

static void freeze_access(struct trib_engine *engine, struct checkpoint *checkpoint)
{
	add_counter(checkpoint, "sequence/audit", audit_last(engine->audit));
	trib_directory_take_changes(engine->directory, add_access_row, checkpoint);
	audit_freeze(engine->audit, add_audit_row, checkpoint);
	answers_take_changes(engine->answers, add_answer_row, checkpoint);
}

/* Versions are written once; activations and hits, which are small, each time. */
static void freeze_rules(struct trib_engine *engine, struct checkpoint *checkpoint)
{
	const struct trib_rules *rules = engine->rules;
	uint32_t trees = trib_rules_count(rules);

	if (engine->rules_saved_count <= trees) {
		engine->rules_saved = trib_realloc(engine->rules_saved, (trees + 1) * sizeof(uint32_t));
		for (uint32_t tree = engine->rules_saved_count; tree <= trees; tree++)
			engine->rules_saved[tree] = tree == 1; /* the built-in version is never written */
		engine->rules_saved_count = trees + 1;
	}
	for (uint32_t tree = 1; tree <= trees; tree++) {
		for (uint32_t v = engine->rules_saved[tree] + 1; v <= trib_rules_latest(rules, tree); v++)
			add_rules_version(checkpoint, rules, tree, v);
		engine->rules_saved[tree] = trib_rules_latest(rules, tree);
	}
	for (uint32_t tree = 1; tree <= trees; tree++)
		add_hits(checkpoint, rules, tree);
	add_activations(checkpoint, rules);
}

static void add_play(void *context, bool activation, uint32_t play, uint32_t number, struct trib_bytes packed)
{
	char key[8];

	trib_key_u32(key, play);
	trib_key_u32(key + 4, number);
	add_row(context, activation ? TRIB_TABLE_PLAY_ACTIVATION : TRIB_TABLE_PLAY, trib_bytes(key, 8), packed);
}

static void freeze_kept(struct trib_engine *engine, struct checkpoint *checkpoint)
{
	size_t count;
	TRIB_AUTOFREE struct kept_key *keys = kept_take_changed(engine->kept, &count);

	for (size_t i = 0; i < count; i++) {
		struct trib_buffer value;
		struct trib_bytes body;
		char key[16], at[8];

		trib_buffer_init(&value, SIZE_MAX);
		trib_key_u64(key, keys[i].fingerprint);
		trib_key_u64(key + 8, keys[i].hash);
		if (kept_find(engine->kept, keys[i], 0, &body)) {
			trib_buffer_add(&value, at, trib_key_u64(at, (uint64_t)kept_since(engine->kept, keys[i])));
			trib_buffer_add_bytes(&value, body);
		}
		add_row(checkpoint, TRIB_TABLE_KEPT, trib_bytes(key, 16), trib_buffer_bytes(&value));
		trib_buffer_fini(&value);
	}
}

static void add_place(void *context, uint32_t place, struct trib_bytes bytes)
{
	char key[4];

	add_row(context, TRIB_TABLE_COUNTER, trib_bytes(key, trib_key_u32(key, place)), bytes);
}

static void add_tally(void *context, const struct trib_tally *tally)
{
	char key[TRIB_TALLY_KEY_BYTES], value[TRIB_TALLY_VALUE_BYTES];

	trib_tally_put_row(tally, key, value);
	add_row(context, TRIB_TABLE_TALLY, trib_bytes(key, sizeof(key)), trib_bytes(value, sizeof(value)));
}

static void add_review(void *context, uint64_t position, bool waits)
{
	char key[8], value = waits;

	add_row(context, TRIB_TABLE_REVIEW, trib_bytes(key, trib_key_u64(key, position)), trib_bytes(&value, 1));
}

static void add_outbox(void *context, bool webhook, uint32_t key, struct trib_bytes row)
{
	char bytes[4];

	add_row(context, webhook ? TRIB_TABLE_WEBHOOK : TRIB_TABLE_OUTBOX, trib_bytes(bytes, trib_key_u32(bytes, key)), row);
}

static void add_business(void *context, bool metric, uint32_t level, uint32_t key, struct trib_bytes row)
{
	char bytes[8];

	trib_key_u32(bytes, metric ? level : key);
	trib_key_u32(bytes + 4, key);
	add_row(context, metric ? TRIB_TABLE_ROLLUP : TRIB_TABLE_PLAY_NAME, trib_bytes(bytes, metric ? 8 : 4), row);
}

static void add_site_review(void *context, struct kept_key key, const struct site_review *review)
{
	char bytes[16], row[SITE_REVIEW_BYTES];

	trib_key_u64(bytes, key.fingerprint);
	trib_key_u64(bytes + 8, key.hash);
	if (review)
		site_review_pack(review, row);
	add_row(context, TRIB_TABLE_SITE_REVIEW, trib_bytes(bytes, sizeof(bytes)), trib_bytes(row, review ? sizeof(row) : 0));
}

static void add_site_alarms(void *context, uint32_t site, struct trib_bytes row)
{
	char key[4];

	add_row(context, TRIB_TABLE_SITE_ALARM, trib_bytes(key, trib_key_u32(key, site)), row);
}

static void add_managed(void *context, const Tributary__PlanMoved *moved)
{
	char key[4];
	uint8_t value[64];

	trib_assert(tributary__plan_moved__get_packed_size(moved) <= sizeof(value));
	add_row(context, TRIB_TABLE_MANAGED, trib_bytes(key, trib_key_u32(key, moved->plan)),
		trib_bytes((const char *)value, tributary__plan_moved__pack(moved, value)));
}

static void freeze_flows(struct checkpoint *checkpoint)
{
	const uint64_t *positions = checkpoint->changes.flows.items;

	for (size_t i = 0; i < checkpoint->changes.flows.count; i++) {
		char key[8];

		add_row(checkpoint, TRIB_TABLE_FLOW, trib_bytes(key, trib_key_u64(key, positions[i])), trib_bytes("", 0));
	}
}

/* What grows with orders: changes only, which gather_some copies. */
static void freeze_tallies(struct trib_engine *engine, struct checkpoint *checkpoint)
{
	if (engine->counters)
		trib_counters_freeze(engine->counters, add_place, checkpoint);
	trib_tallies_freeze(engine->tallies, add_tally, checkpoint);
	if (engine->buyers) {
		add_counter(checkpoint, "tracked/buyers", 1);
		trib_tallies_freeze(engine->buyers, add_tally, checkpoint);
	}
	if (engine->experience)
		trib_tallies_freeze(trib_experience_rows(engine->experience), add_tally, checkpoint);
	trib_reviews_take_changes(engine->reviews, add_review, checkpoint);
	managed_freeze(engine, add_managed, checkpoint);
}

static void add_shelf_block(void *context, uint32_t block, const char bytes[SHELVES_BLOCK_BYTES])
{
	char key[4];

	add_row(context, TRIB_TABLE_SHELF_COUNT, trib_bytes(key, trib_key_u32(key, block)),
		trib_bytes(bytes, SHELVES_BLOCK_BYTES));
}

/* Everything decided so far is in batches that are handed over: between two batches, state stands at `next`. */
static void begin(struct trib_engine *engine)
{
	struct checkpoint *checkpoint = trib_alloc_zeroed(1, sizeof(*checkpoint));

	checkpoint->store = engine->store;
	checkpoint->runs = &engine->runs;
	checkpoint->old = engine->old_runs;
	engine->old_runs = (struct runs){ 0 };
	if (!engine->runs_loading)
		runs_to_merge(&engine->runs, trib_order_index_horizon(engine->order_index), &checkpoint->merge_first,
			      &checkpoint->merge_count);
	checkpoint->from = trib_store_position(engine->store);
	checkpoint->position = trib_journal_next(engine->journal);
	checkpoint->balances.item_size = sizeof(struct balance);
	checkpoint->rows.item_size = sizeof(struct row);
	trib_buffer_init(&checkpoint->row_bytes, SIZE_MAX / 2);
	checkpoint->changes = (struct changes){ log_take(&engine->changes.orders),
						log_take(&engine->changes.touches),
						log_take(&engine->changes.links), engine->changes.lines,
						log_take(&engine->changes.flows), engine->changes.site_rows };
	engine->changes.site_rows = (struct site_index){ 0 };
	engine->changes.lines = (struct line_log){ 0 };
	checkpoint->users = engine->recent_users;
	engine->recent_users = engine->spare_users;
	engine->spare_users = (struct trib_filter){ 0 };
	checkpoint->domain = trib_domain_freeze(engine->domain);
	add_counter(checkpoint, "saved/hash-keys", hash_keys_mark(engine));
	add_counter(checkpoint, "sequence/change", engine->changes_written);
	add_counter(checkpoint, "sequence/link", engine->links_issued);
	add_counter(checkpoint, "sequence/market", engine->snapshots.position);
	add_counter(checkpoint, "sequence/time", (uint64_t)engine->now_ms);
	add_counter(checkpoint, "statements/from", engine->statements.untold);
	checkpoint->began_ms = engine->statements.stored_ms;
	checkpoint->ended_ms = engine->now_ms;
	freeze_access(engine, checkpoint);
	freeze_rules(engine, checkpoint);
	trib_playbook_freeze(engine->plays, add_play, checkpoint);
	freeze_kept(engine, checkpoint);
	freeze_tallies(engine, checkpoint);
	checkpoint->shelves = shelves_freeze(engine->shelves, &checkpoint->n_shelves);
	freeze_flows(checkpoint);
	outbox_freeze(engine, add_outbox, checkpoint);
	business_freeze(engine, add_business, checkpoint);
	sites_freeze(engine, add_site_alarms, checkpoint);
	site_reviews_take_changes(sites_reviews(engine), add_site_review, checkpoint);
	trib_ledger_freeze(engine->ledger);
	engine->checkpoint = checkpoint;
}

static void gather_balance(void *context, struct trib_account account, struct trib_balance balance)
{
	struct checkpoint *checkpoint = context;

	*(struct balance *)log_add(&checkpoint->balances) = (struct balance){ account, balance };
}

/* A slice of what was frozen, small enough that no order waits for it. True while there is more. */
static bool gather_some(struct trib_engine *engine)
{
	if (trib_ledger_freeze_step(engine->ledger, GATHERED_PER_TURN, gather_balance, engine->checkpoint))
		return true;
	if (engine->counters && trib_counters_freeze_step(engine->counters, GATHERED_PER_TURN))
		return true;
	if (shelves_gather(engine->shelves, BLOCKS_PER_TURN, add_shelf_block, engine->checkpoint))
		return true;
	return trib_tallies_freeze_step(engine->tallies, GATHERED_PER_TURN) ||
	       (engine->buyers && trib_tallies_freeze_step(engine->buyers, GATHERED_PER_TURN)) ||
	       (engine->experience &&
		trib_tallies_freeze_step(trib_experience_rows(engine->experience), GATHERED_PER_TURN));
}

/* --- Write -------------------------------------------------------------------------------------------- */

/* Stable radix sort by a 64-bit key at the beginning of each item; `spare` is as large as `items`. */
static void sort_by_u64(char *items, char *spare, size_t count, size_t item_size)
{
	char *from = items, *to = spare;

	for (unsigned shift = 0; shift < 64; shift += 16) {
		size_t *counts = trib_alloc_zeroed(1 << 16, sizeof(*counts));
		size_t sum = 0;

		for (size_t i = 0; i < count; i++) {
			uint64_t key;

			memcpy(&key, from + i * item_size, 8);
			counts[(key >> shift) & 0xffff]++;
		}
		for (size_t digit = 0; digit < 1 << 16; digit++) {
			size_t here = counts[digit];

			counts[digit] = sum;
			sum += here;
		}
		for (size_t i = 0; i < count; i++) {
			uint64_t key;

			memcpy(&key, from + i * item_size, 8);
			memcpy(to + counts[(key >> shift) & 0xffff]++ * item_size, from + i * item_size, item_size);
		}
		free(counts);
		char *swap = from;

		from = to;
		to = swap;
	}
	/* Four passes: the result is back in `items`. */
}

static void sort_log(struct log_of *log)
{
	TRIB_AUTOFREE char *spare = trib_alloc(log->count * log->item_size);

	sort_by_u64(log->items, spare, log->count, log->item_size);
}

/* Takes a position out of a list of them. */
static void drop_position(struct trib_buffer *positions, uint64_t position)
{
	for (size_t at = 0; at + 8 <= positions->size; at += 8) {
		if (trib_key_read_u64(positions->data + at) != position)
			continue;
		positions->size -= 8;
		memmove(positions->data + at, positions->data + at + 8, positions->size - at);
		return;
	}
}

/* Orders that share a fingerprint share a row, which holds the newest position of each. */
static void write_orders(struct checkpoint *checkpoint, struct trib_checkpoint *file)
{
	struct log_of *log = &checkpoint->changes.orders;
	const struct order_entry *entries = log->items;
	struct trib_buffer value;

	trib_buffer_init(&value, 1 << 16);
	for (size_t i = 0, next; i < log->count; i = next) {
		char key[8], position[8];

		trib_key_u64(key, entries[i].fingerprint);
		trib_buffer_reset(&value);
		for (next = i; next < log->count && entries[next].fingerprint == entries[i].fingerprint; next++) {
			uint64_t newest = entries[next].position;

			if (newest & ORDER_ENTRY_REPLACES)
				drop_position(&value, entries[++next].position);
			drop_position(&value, newest & ~ORDER_ENTRY_REPLACES);
			trib_buffer_add(&value, position, trib_key_u64(position, newest & ~ORDER_ENTRY_REPLACES));
		}
		trib_checkpoint_put(file, TRIB_TABLE_ORDER, trib_bytes(key, 8), trib_buffer_bytes(&value));
	}
	trib_buffer_fini(&value);
}

static void write_run(struct trib_checkpoint *file, enum trib_table table, const struct run *run,
		      const struct run_filter *of)
{
	char key[16];

	if (!of->filter.words)
		return;
	trib_key_u64(key, run->from);
	trib_key_u64(key + 8, run->to);
	trib_checkpoint_put(file, table, trib_bytes(key, 16), run_filter_bytes(of));
}

static void write_touches(struct checkpoint *checkpoint, struct trib_checkpoint *file)
{
	const struct log_of *log = &checkpoint->changes.touches;
	const struct trib_touch_event *events = log->items;
	struct trib_buffer value;

	trib_buffer_init(&value, SIZE_MAX / 2);
	for (size_t i = 0, next; i < log->count; i = next) {
		char key[16];

		trib_key_u64(key, events[i].user);
		trib_key_u64(key + 8, checkpoint->position);
		trib_buffer_reset(&value);
		for (next = i; next < log->count && events[next].user == events[i].user; next++) {
			char body[TRIB_TOUCH_EVENT_BYTES_MAX], size[4];
			size_t body_size = (size_t)(trib_touch_body_put(body, &events[next]) - body);

			trib_buffer_add(&value, size,
					(size_t)(trib_wire_put_varint(size, body_size) - size));
			trib_buffer_add(&value, body, body_size);
		}
		trib_checkpoint_put(file, TRIB_TABLE_TOUCH, trib_bytes(key, 16), trib_buffer_bytes(&value));
	}
	trib_buffer_fini(&value);
}

static int compare_balances(const void *left, const void *right)
{
	const struct trib_account *a = left, *b = right;

	if (a->party != b->party)
		return a->party < b->party ? -1 : 1;
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	if (a->currency != b->currency)
		return a->currency < b->currency ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

static void write_balances(struct checkpoint *checkpoint, struct trib_checkpoint *file)
{
	struct balance *balances = checkpoint->balances.items;

	if (checkpoint->balances.count)
		qsort(balances, checkpoint->balances.count, sizeof(*balances), compare_balances);
	for (size_t i = 0; i < checkpoint->balances.count; i++) {
		char key[BALANCE_KEY_BYTES], value[16];

		trib_key_u32(key, balances[i].account.party);
		trib_key_u32(key + 4, balances[i].account.role);
		trib_key_u32(key + 8, balances[i].account.currency);
		key[12] = (char)balances[i].account.kind;
		trib_key_u64(value, (uint64_t)balances[i].balance.pending);
		trib_key_u64(value + 8, (uint64_t)balances[i].balance.posted);
		trib_checkpoint_put(file, TRIB_TABLE_BALANCE, trib_bytes(key, sizeof(key)),
				    trib_bytes(value, sizeof(value)));
	}
}

/* In the order of write_balances. */
static void write_statement_rows(struct checkpoint *checkpoint, struct trib_checkpoint *file)
{
	const struct balance *balances = checkpoint->balances.items;

	for (size_t i = 0; i < checkpoint->balances.count; i++) {
		char key[STATEMENT_KEY_BYTES], value[STATEMENT_VALUE_BYTES];
		const struct trib_statement_row row = { .account = balances[i].account,
							.from = checkpoint->from,
							.to = checkpoint->position,
							.began_ms = checkpoint->began_ms,
							.ended_ms = checkpoint->ended_ms,
							.balance = balances[i].balance };

		statement_row_put(key, value, &row);
		trib_checkpoint_put(file, TRIB_TABLE_STATEMENT, trib_bytes(key, sizeof(key)),
				    trib_bytes(value, sizeof(value)));
	}
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = memcmp(a->key, b->key, TRIB_MIN(a->key_size, b->key_size));

	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return order ? order : a->key_size - b->key_size;
}

/* They were gathered in whatever order they came. */
static void sort_rows(struct checkpoint *checkpoint)
{
	if (checkpoint->rows.count)
		qsort(checkpoint->rows.items, checkpoint->rows.count, sizeof(struct row), compare_rows);
}

static void write_rows(struct checkpoint *checkpoint, struct trib_checkpoint *file, enum trib_table first,
		       enum trib_table last)
{
	const struct row *rows = checkpoint->rows.items;

	for (size_t i = 0; i < checkpoint->rows.count; i++)
		if (rows[i].table >= first && rows[i].table <= last)
			trib_checkpoint_put(file, rows[i].table, trib_bytes(rows[i].key, rows[i].key_size),
					    trib_bytes(checkpoint->row_bytes.data + rows[i].value,
						       rows[i].value_size));
}

static void write_domain(const struct checkpoint *checkpoint, struct trib_checkpoint *file,
			 enum trib_table first, enum trib_table last)
{
	size_t count;
	const struct trib_domain_row *rows = trib_domain_freeze_rows(checkpoint->domain, &count);

	for (size_t i = 0; i < count; i++)
		if (rows[i].table >= first && rows[i].table <= last)
			trib_checkpoint_put(file, (enum trib_table)rows[i].table,
					    trib_bytes(rows[i].key, rows[i].key_size), rows[i].value);
}

/* Both are sorted, and no table is in both. */
static void write_between(struct checkpoint *checkpoint, struct trib_checkpoint *file, int after, int before)
{
	size_t count, i = 0, j = 0;
	const struct trib_domain_row *domain = trib_domain_freeze_rows(checkpoint->domain, &count);
	const struct row *rows = checkpoint->rows.items;

	while (i < checkpoint->rows.count || j < count) {
		bool ours = j == count || (i < checkpoint->rows.count && rows[i].table < domain[j].table);
		uint8_t table = ours ? (uint8_t)rows[i].table : domain[j].table;

		if (table > after && table < before && ours)
			trib_checkpoint_put(file, rows[i].table, trib_bytes(rows[i].key, rows[i].key_size),
					    trib_bytes(checkpoint->row_bytes.data + rows[i].value,
						       rows[i].value_size));
		else if (table > after && table < before)
			trib_checkpoint_put(file, (enum trib_table)table,
					    trib_bytes(domain[j].key, domain[j].key_size), domain[j].value);
		i += ours;
		j += !ours;
	}
}

static void write_links(const struct checkpoint *checkpoint, struct trib_checkpoint *file)
{
	const struct link_entry *links = checkpoint->changes.links.items;

	for (size_t i = 0; i < checkpoint->changes.links.count; i++) {
		char key[8], value[8];

		trib_key_u64(key, links[i].link);
		trib_key_u64(value, links[i].position);
		trib_checkpoint_put(file, TRIB_TABLE_LINK_EXT, trib_bytes(key, 8), trib_bytes(value, 8));
	}
}

static void write_lines(struct checkpoint *checkpoint, struct trib_checkpoint *file)
{
	TRIB_AUTOFREE struct line_entry *entries = line_log_sorted(&checkpoint->changes.lines);

	for (uint32_t i = 0; i < checkpoint->changes.lines.count; i++) {
		char key[16];

		trib_key_u64(key, entries[i].order);
		trib_key_u64(key + 8, entries[i].position);
		trib_checkpoint_put(file, TRIB_TABLE_LINE, trib_bytes(key, 16), trib_bytes("", 0));
	}
}

static void write_site_rows(struct checkpoint *checkpoint, struct trib_checkpoint *file)
{
	TRIB_AUTOFREE struct site_row *rows = site_index_sorted(&checkpoint->changes.site_rows);

	for (size_t i = 0; i < checkpoint->changes.site_rows.count; i++) {
		char key[16], value[8];

		trib_key_u64(key, rows[i].key.fingerprint);
		trib_key_u64(key + 8, rows[i].key.hash);
		trib_key_u64(value, rows[i].position);
		trib_checkpoint_put(file, TRIB_TABLE_SITE_ORDER, trib_bytes(key, 16), trib_bytes(value, 8));
	}
}

static int compare_shelves(const void *left, const void *right)
{
	const struct shelf_frozen *a = left, *b = right;

	if (a->creator != b->creator)
		return a->creator < b->creator ? -1 : 1;
	return a->kind - b->kind;
}

static void write_shelves(struct checkpoint *checkpoint, struct trib_checkpoint *file)
{
	struct shelf_frozen *shelves = checkpoint->shelves;

	qsort(shelves, checkpoint->n_shelves, sizeof(*shelves), compare_shelves);
	for (size_t i = 0; i < checkpoint->n_shelves; i++) {
		char key[5];

		trib_key_u32(key, shelves[i].creator);
		key[4] = (char)shelves[i].kind;
		trib_checkpoint_put(file, TRIB_TABLE_SHELF, trib_bytes(key, sizeof(key)),
				    trib_record_bytes(shelves[i].record));
	}
}

static void build_filters(struct checkpoint *checkpoint)
{
	struct log_of *orders = &checkpoint->changes.orders, *touches = &checkpoint->changes.touches;

	checkpoint->run = (struct run){ .from = checkpoint->from, .to = checkpoint->position };
	sort_log(orders);
	sort_log(touches);
	run_filter_make(&checkpoint->run.orders, orders->items, orders->count, orders->item_size);
	run_filter_make(&checkpoint->run.touches, touches->items, touches->count, touches->item_size);
}

/* What the engine does not look at. Giving back so much memory takes a while; here nobody waits for it. */
static void drop_written(struct checkpoint *checkpoint)
{
	free(TRIB_TAKE_PTR(checkpoint->changes.orders.items));
	free(TRIB_TAKE_PTR(checkpoint->changes.touches.items));
	free(TRIB_TAKE_PTR(checkpoint->balances.items));
	free(TRIB_TAKE_PTR(checkpoint->rows.items));
	trib_buffer_fini(&checkpoint->row_bytes);
	trib_domain_freeze_free(TRIB_TAKE_PTR(checkpoint->domain));
	for (size_t i = 0; i < checkpoint->n_shelves; i++)
		trib_record_unref(TRIB_TAKE_PTR(checkpoint->shelves[i].record));
	runs_fini(&checkpoint->old);
}

static void write_checkpoint(struct checkpoint *checkpoint)
{
	struct trib_checkpoint *file;

	checkpoint->status = trib_checkpoint_begin(checkpoint->store, checkpoint->position, &file,
						   &checkpoint->error);
	if (checkpoint->status != TRIB_OK)
		return;
	build_filters(checkpoint);
	sort_rows(checkpoint);
	write_rows(checkpoint, file, TRIB_TABLE_META, TRIB_TABLE_META);
	write_domain(checkpoint, file, TRIB_TABLE_NAME, TRIB_TABLE_REGISTRATION);
	write_rows(checkpoint, file, TRIB_TABLE_RULES, TRIB_TABLE_ACTIVATION);
	write_domain(checkpoint, file, TRIB_TABLE_BLOCK, TRIB_TABLE_BOUNDS);
	write_balances(checkpoint, file);
	write_statement_rows(checkpoint, file);
	write_links(checkpoint, file);
	write_orders(checkpoint, file);
	write_run(file, TRIB_TABLE_ORDER_RUN, &checkpoint->run, &checkpoint->run.orders);
	write_rows(checkpoint, file, TRIB_TABLE_KEPT, TRIB_TABLE_KEPT);
	write_lines(checkpoint, file);
	write_touches(checkpoint, file);
	write_run(file, TRIB_TABLE_TOUCH_RUN, &checkpoint->run, &checkpoint->run.touches);
	write_rows(checkpoint, file, TRIB_TABLE_COUNTER, TRIB_TABLE_REVIEW);
	write_between(checkpoint, file, TRIB_TABLE_REVIEW, TRIB_TABLE_SHELF);
	write_shelves(checkpoint, file);
	write_between(checkpoint, file, TRIB_TABLE_SHELF, TRIB_TABLE_SITE_ORDER);
	write_site_rows(checkpoint, file);
	write_between(checkpoint, file, TRIB_TABLE_SITE_ORDER, UINT8_MAX + 1);
	checkpoint->status = trib_checkpoint_commit(file, &checkpoint->error);
	if (checkpoint->status != TRIB_OK)
		return;
	drop_written(checkpoint);
	if (checkpoint->merge_count)
		checkpoint->has_merged = runs_merge(checkpoint->runs->items + checkpoint->merge_first,
						    checkpoint->merge_count, &checkpoint->merged);
}

static void *write_thread(void *context)
{
	struct checkpoint *checkpoint = context;

	/* Only when nobody else wants the core. Nice would not do: a slice of it, however low its weight, is milliseconds. */
	sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 });
	write_checkpoint(checkpoint);
	__atomic_store_n(&checkpoint->phase, DONE, __ATOMIC_RELEASE);
	return NULL;
}

/* --- Turn --------------------------------------------------------------------------------------------- */

static void join(struct checkpoint *checkpoint)
{
	if (checkpoint->thread_started)
		pthread_join(checkpoint->thread, NULL);
	checkpoint->thread_started = false;
}

static void drop_filters(struct checkpoint *checkpoint)
{
	run_fini(&checkpoint->run);
	checkpoint->run = (struct run){ 0 };
	if (checkpoint->has_merged)
		runs_drop_merged(&checkpoint->merged);
	checkpoint->has_merged = false;
}

static void checkpoint_free(struct checkpoint *checkpoint)
{
	drop_written(checkpoint);
	free(checkpoint->shelves);
	changes_fini(&checkpoint->changes);
	free(checkpoint);
}

/* What it held of the engine's goes back, empty. */
static void checkpoint_end(struct trib_engine *engine)
{
	struct checkpoint *checkpoint = TRIB_TAKE_PTR(engine->checkpoint);

	trib_filter_clear(&checkpoint->users);
	engine->spare_users = checkpoint->users;
	checkpoint_free(checkpoint);
}

static void finish(struct trib_engine *engine)
{
	struct checkpoint *checkpoint = engine->checkpoint;

	join(checkpoint);
	if (checkpoint->status != TRIB_OK) {
		drop_filters(checkpoint);
		checkpoint->phase = WAIT;
		checkpoint->retry_ns = trib_clock_monotonic_ns(engine->options.clock) + RETRY_EVERY_NS;
		engine->counts.checkpoints_failed++;
		return;
	}
	audit_frozen_is_stored(engine->audit);
	if (checkpoint->has_merged)
		runs_replace(&engine->runs, checkpoint->merge_first, checkpoint->merge_count, checkpoint->merged,
			     &engine->old_runs);
	runs_add(&engine->runs, checkpoint->run);
	shelves_stored(engine->shelves, checkpoint->shelves, checkpoint->n_shelves);
	engine->statements.stored_ms = checkpoint->ended_ms;
	engine->counts.checkpoints++;
	checkpoint_end(engine);
}

/* A share of the journal has come; or a share of the touches, which cannot leave memory before they are stored. */
static bool is_due(const struct trib_engine *engine)
{
	return trib_journal_next(engine->journal) - trib_store_position(engine->store) >=
		       engine->options.checkpoint_bytes ||
	       engine->changes.touches.count >= engine->touches_share;
}

static bool is_overdue(const struct trib_engine *engine)
{
	return trib_journal_next(engine->journal) - trib_store_position(engine->store) >=
		       SHARES_BEHIND_MAX * engine->options.checkpoint_bytes ||
	       engine->changes.touches.count >= 2 * engine->touches_share;
}

bool checkpoint_is_due(const struct trib_engine *engine)
{
	return engine->checkpoint || is_due(engine);
}

/* One step of the checkpoint under way. True while it is. */
static bool advance(struct trib_engine *engine)
{
	struct checkpoint *checkpoint = engine->checkpoint;

	switch (__atomic_load_n(&checkpoint->phase, __ATOMIC_ACQUIRE)) {
	case GATHER:
		if (!gather_some(engine)) {
			checkpoint->phase = WAIT;
			trib_journal_sync(engine->journal);
		}
		trib_bell_ring(&engine->bell);
		break;
	case WAIT:
		if (engine->progress.durable < checkpoint->position ||
		    trib_clock_monotonic_ns(engine->options.clock) < checkpoint->retry_ns)
			break;
		checkpoint->phase = WRITE;
		if (engine->options.foreground ||
		    pthread_create(&checkpoint->thread, NULL, write_thread, checkpoint) != 0) {
			write_checkpoint(checkpoint);
			checkpoint->phase = DONE;
		} else {
			checkpoint->thread_started = true;
		}
		break;
	case WRITE:
		break;
	case DONE:
		finish(engine);
		break;
	}
	return engine->checkpoint != NULL;
}

bool checkpoint_turn(struct trib_engine *engine, bool now)
{
	struct checkpoint *checkpoint = engine->checkpoint;

	if (!checkpoint) {
		/* Batches that follow each other without a gap would never let it begin. */
		if (is_overdue(engine) && trib_engine_settle(engine) != TRIB_ENGINE_RUNNING)
			return false;
		bool between = !engine->batch_open || engine->write_at == engine->batch.payload;

		if (between && (now || is_due(engine)) &&
		    trib_journal_next(engine->journal) > trib_store_position(engine->store))
			begin(engine);
		return engine->checkpoint != NULL;
	}
	/* Commands wait, rather than a restart later; but not for a store that takes nothing. */
	if (is_overdue(engine) && !checkpoint->retry_ns)
		return !checkpoint_finish(engine, false);
	return advance(engine);
}

bool checkpoint_finish(struct trib_engine *engine, bool begin_one)
{
	if (begin_one && !engine->checkpoint) {
		trib_engine_settle(engine);
		checkpoint_turn(engine, true);
	}
	while (engine->state == TRIB_ENGINE_RUNNING && engine->checkpoint) {
		struct checkpoint *checkpoint = engine->checkpoint;

		if (__atomic_load_n(&checkpoint->phase, __ATOMIC_ACQUIRE) == WAIT) {
			if (checkpoint->retry_ns)
				return false;
			trib_engine_settle(engine);
			trib_journal_wait(engine->journal, &engine->progress, NULL);
		}
		join(checkpoint);
		advance(engine);
	}
	return engine->checkpoint == NULL;
}

void checkpoint_drop(struct trib_engine *engine)
{
	if (!engine->checkpoint)
		return;
	join(engine->checkpoint);
	drop_filters(engine->checkpoint);
	checkpoint_end(engine);
}

bool checkpoint_may_have_user(const struct trib_engine *engine, uint64_t user)
{
	return engine->checkpoint && trib_filter_may_have(&engine->checkpoint->users, user);
}

const struct log_of *checkpoint_flows(const struct trib_engine *engine)
{
	return engine->checkpoint ? &engine->checkpoint->changes.flows : NULL;
}

const struct site_index *checkpoint_site_rows(const struct trib_engine *engine)
{
	return engine->checkpoint ? &engine->checkpoint->changes.site_rows : NULL;
}

const struct log_of *checkpoint_links(const struct trib_engine *engine)
{
	return engine->checkpoint ? &engine->checkpoint->changes.links : NULL;
}

const struct line_log *checkpoint_lines(const struct trib_engine *engine)
{
	return engine->checkpoint ? &engine->checkpoint->changes.lines : NULL;
}

/* --- Load --------------------------------------------------------------------------------------------- */

static trib_status load_market_row(void *context, struct trib_bytes key, struct trib_bytes value,
				   struct trib_error *error)
{
	struct trib_engine *engine = context;

	const struct trib_market_state state = engine_market_state(engine);

	return trib_market_load(&state, engine->loading, key, value, error);
}

static trib_status load_cold_nouns(struct trib_engine *engine, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (int noun = 0; status == TRIB_OK && noun < TRIB_NOUN_COUNT; noun++) {
		if (!trib_noun_is_cold((enum trib_noun)noun))
			continue;
		engine->loading = trib_noun_table((enum trib_noun)noun);
		status = trib_store_scan(engine->store, engine->loading, trib_bytes("", 0), load_market_row, engine,
					 error);
	}
	return status;
}

static trib_status load_hits(void *context, struct trib_bytes key, struct trib_bytes value,
			     struct trib_error *error)
{
	struct trib_engine *engine = context;

	if (key.size == 8 && trib_rules_load_hits(engine->rules, trib_key_read_u32(key.data),
						  trib_key_read_u32(key.data + 4),
						  (const uint64_t *)(const void *)value.data,
						  (uint32_t)(value.size / sizeof(uint64_t))))
		return TRIB_OK;
	return trib_fail(error, TRIB_CORRUPT, "store", "found hits of no rule tree");
}

static trib_status load_place(void *context, struct trib_bytes key, struct trib_bytes value,
			      struct trib_error *error)
{
	return counting_load(context, key, value, error);
}

static trib_status load_tally(void *context, struct trib_bytes key, struct trib_bytes value,
			      struct trib_error *error)
{
	return stateful_load(context, key, value, error);
}

static trib_status load_review(void *context, struct trib_bytes key, struct trib_bytes value,
			       struct trib_error *error)
{
	struct trib_engine *engine = context;

	if (key.size != 8 || value.size != 1)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no review");
	if (*value.data)
		trib_reviews_load(engine->reviews, trib_key_read_u64(key.data));
	return TRIB_OK;
}

static trib_status load_shelf_counts(void *context, struct trib_bytes key, struct trib_bytes value,
				     struct trib_error *error)
{
	return shelf_load_counts(context, key, value, error);
}

static trib_status load_outbox(void *context, struct trib_bytes key, struct trib_bytes value,
			       struct trib_error *error)
{
	struct trib_engine *engine = context;

	if (key.size != 4)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no row of the outbox");
	return outbox_load(engine, engine->loading == TRIB_TABLE_WEBHOOK, trib_key_read_u32(key.data), value, error);
}

static trib_status load_play_name(void *context, struct trib_bytes key, struct trib_bytes value,
				  struct trib_error *error)
{
	if (key.size != 4)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no name of a play");
	return business_load_play(context, trib_key_read_u32(key.data), value, error);
}

static trib_status load_rollup(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	if (key.size != 8)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no rollup");
	return rollups_load(business_rollups(context), trib_key_read_u32(key.data), trib_key_read_u32(key.data + 4), value,
			    error);
}

static trib_status load_rollups(struct trib_engine *engine, struct trib_error *error)
{
	trib_status status = trib_store_scan(engine->store, TRIB_TABLE_ROLLUP, trib_bytes("", 0), load_rollup, engine, error);

	rollups_load_done(business_rollups(engine));
	return status;
}

static trib_status load_outboxes(struct trib_engine *engine, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (engine->loading = TRIB_TABLE_OUTBOX; status == TRIB_OK && engine->loading <= TRIB_TABLE_WEBHOOK;
	     engine->loading++)
		status = trib_store_scan(engine->store, engine->loading, trib_bytes("", 0), load_outbox, engine, error);
	outbox_load_done(engine);
	return status;
}

static trib_status load_play(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	struct trib_engine *engine = context;

	if (key.size != 8)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no play");
	return trib_playbook_load(engine->plays, engine->loading == TRIB_TABLE_PLAY_ACTIVATION, trib_key_read_u32(key.data),
				  trib_key_read_u32(key.data + 4), value, error);
}

static trib_status load_plays(struct trib_engine *engine, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (enum trib_table table = TRIB_TABLE_PLAY; table <= TRIB_TABLE_PLAY_ACTIVATION && status == TRIB_OK; table++) {
		engine->loading = table;
		status = trib_store_scan(engine->store, table, trib_bytes("", 0), load_play, engine, error);
	}
	return status == TRIB_OK ? trib_playbook_loaded(engine->plays, error) : status;
}

static trib_status load_balance(void *context, struct trib_bytes key, struct trib_bytes value,
				struct trib_error *error)
{
	struct trib_engine *engine = context;

	bool old = key.size == 12 && value.size == 8;

	if (!old && (key.size != BALANCE_KEY_BYTES || value.size != 16 ||
		     !trib_account_kind_word((enum trib_account_kind)key.data[12])))
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no balance");
	struct trib_account account = { .party = trib_key_read_u32(key.data),
					.role = trib_key_read_u32(key.data + 4),
					.currency = trib_key_read_u32(key.data + 8) };
	struct trib_balance balance = { .pending = (int64_t)trib_key_read_u64(value.data) };

	account.kind = old ? (uint8_t)trib_account_kind_of_role(account.role) : (uint8_t)key.data[12];
	if (!old)
		balance.posted = (int64_t)trib_key_read_u64(value.data + 8);
	trib_ledger_load(engine->ledger, account, balance);
	return TRIB_OK;
}

static trib_status load_counter(void *context, struct trib_bytes key, struct trib_bytes value,
				struct trib_error *error)
{
	struct trib_engine *engine = context;

	if (value.size != 8)
		return TRIB_OK;
	if (trib_bytes_is(key, "saved/hash-keys") && trib_key_read_u64(value.data) != hash_keys_mark(engine))
		return trib_fail(error, TRIB_CORRUPT, "hash.keys",
				 "found other keys than the store was made with: no order or user in it would be known again");
	if (trib_bytes_is(key, "tracked/buyers"))
		stateful_begin_buyers(engine);
	else if (trib_bytes_is(key, "sequence/change"))
		engine->changes_written = trib_key_read_u64(value.data);
	else if (trib_bytes_is(key, "sequence/audit"))
		audit_begin(engine->audit, trib_key_read_u64(value.data));
	else if (trib_bytes_is(key, "sequence/link"))
		engine->links_issued = trib_key_read_u64(value.data);
	else if (trib_bytes_is(key, "sequence/market"))
		engine->snapshots.position = trib_key_read_u64(value.data);
	else if (trib_bytes_is(key, "sequence/time"))
		engine->now_ms = engine->statements.stored_ms =
			TRIB_MAX(engine->now_ms, (int64_t)trib_key_read_u64(value.data));
	else if (trib_bytes_is(key, "statements/from"))
		engine->statements.untold = trib_key_read_u64(value.data);
	return TRIB_OK;
}

/* Rows come by key; entries are put by age, the oldest first. */
struct kept_row {
	int64_t at_ms;
	struct kept_key key;
	char *body;
	size_t size;
};

static trib_status load_kept(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	struct log_of *rows = context;

	if (value.size == 0)
		return TRIB_OK;
	if (key.size != 16 || value.size < 8)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no kept messages");
	struct kept_row *row = log_add(rows);

	*row = (struct kept_row){ .at_ms = (int64_t)trib_key_read_u64(value.data),
				  .key = { trib_key_read_u64(key.data), trib_key_read_u64(key.data + 8) },
				  .body = trib_alloc(value.size - 8), .size = value.size - 8 };
	memcpy(row->body, value.data + 8, row->size);
	return TRIB_OK;
}

static int compare_kept(const void *left, const void *right)
{
	const struct kept_row *a = left, *b = right;

	return a->at_ms < b->at_ms ? -1 : a->at_ms > b->at_ms;
}

static trib_status load_all_kept(struct trib_engine *engine, struct trib_error *error)
{
	struct log_of log = { .item_size = sizeof(struct kept_row) };
	trib_status status =
		trib_store_scan(engine->store, TRIB_TABLE_KEPT, trib_bytes("", 0), load_kept, &log, error);
	struct kept_row *rows = log.items;
	size_t count;

	if (log.count)
		qsort(rows, log.count, sizeof(*rows), compare_kept);
	for (size_t i = 0; i < log.count; i++) {
		kept_put(engine->kept, rows[i].key, rows[i].at_ms, trib_bytes(rows[i].body, rows[i].size));
		free(rows[i].body);
	}
	free(rows);
	free(kept_take_changed(engine->kept, &count));
	return status;
}

/* There may be millions of some nouns: what can be done beside their folding is. */
static trib_status load_market_table(struct trib_engine *engine, struct trib_error *error)
{
	enum trib_table table = engine->loading;
	bool large = table == TRIB_TABLE_PARTY || table == TRIB_TABLE_GOODS || table == TRIB_TABLE_PLAN;

	if (large && !engine->options.foreground)
		return ahead_load(engine->store, table, engine->domain, error);
	return trib_store_scan(engine->store, table, trib_bytes("", 0), load_market_row, engine, error);
}

trib_status checkpoint_load(struct trib_engine *engine, struct trib_error *error)
{
	struct trib_bytes all = trib_bytes("", 0);

	/* A store of an earlier release says nothing of rows: it kept none. */
	engine->statements.untold = trib_store_position(engine->store);
	trib_status status = trib_store_scan(engine->store, TRIB_TABLE_META, all, load_counter, engine, error);

	if (status == TRIB_OK) /* before those who are of a play */
		status = trib_store_scan(engine->store, TRIB_TABLE_PLAY_NAME, all, load_play_name, engine, error);
	for (size_t i = 0; status == TRIB_OK && i < trib_market_tables_count; i++) {
		bool last = i + 1 == trib_market_tables_count ||
			    trib_market_table_is_rules(trib_market_tables[i + 1]);

		engine->loading = trib_market_tables[i];
		status = load_market_table(engine, error);
		last &= !trib_market_table_is_rules(engine->loading);
		if (status == TRIB_OK && last)
			status = load_cold_nouns(engine, error);
		if (status == TRIB_OK && last)
			status = trib_domain_load_done(engine->domain, error);
	}
	trib_order_path_ready(engine->order_path);
	if (status == TRIB_OK)
		status = access_load(engine, error);
	if (status == TRIB_OK)
		status = trib_store_scan(engine->store, TRIB_TABLE_HITS, all, load_hits, engine, error);
	if (status == TRIB_OK)
		status = trib_store_scan(engine->store, TRIB_TABLE_BALANCE, all, load_balance, engine, error);
	if (status == TRIB_OK)
		status = load_all_kept(engine, error);
	if (status == TRIB_OK)
		status = load_plays(engine, error);
	counting_begin(engine);
	if (status == TRIB_OK)
		status = trib_store_scan(engine->store, TRIB_TABLE_COUNTER, all, load_place, engine, error);
	if (status == TRIB_OK)
		status = trib_store_scan(engine->store, TRIB_TABLE_TALLY, all, load_tally, engine, error);
	if (status == TRIB_OK)
		status = trib_store_scan(engine->store, TRIB_TABLE_REVIEW, all, load_review, engine, error);
	if (status == TRIB_OK) {
		managed_begin(engine);
		status = trib_store_scan(engine->store, TRIB_TABLE_MANAGED, all, managed_load, engine, error);
	}
	if (status == TRIB_OK)
		status = trib_store_scan(engine->store, TRIB_TABLE_SHELF_COUNT, all, load_shelf_counts, engine, error);
	if (status == TRIB_OK)
		status = load_outboxes(engine, error);
	if (status == TRIB_OK)
		status = load_rollups(engine, error);
	if (status != TRIB_OK)
		return status;
	people_loaded(engine);
	if ((status = sites_load(engine, error)) != TRIB_OK)
		return status;
	snapshots_loaded(engine, engine->snapshots.position);
	uint32_t trees = trib_rules_count(engine->rules);

	engine->rules_saved = trib_alloc_zeroed(trees + 1, sizeof(uint32_t));
	engine->rules_saved_count = trees + 1;
	for (uint32_t tree = 1; tree <= trees; tree++)
		engine->rules_saved[tree] = trib_rules_latest(engine->rules, tree);
	trib_keys_rebind(engine->keys);
	return TRIB_OK;
}
