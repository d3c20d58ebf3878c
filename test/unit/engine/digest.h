/*
 * The whole state of an engine as text that a person can compare: one line a fact, in an order that does not depend on
 * how the state came about (live, by replay, from the store and a tail). Includes the room's private header, as what it
 * shows has no door.
 *
 *	struct trib_buffer text;
 *
 *	trib_buffer_init(&text, DIGEST_BYTES_MAX);
 *	digest_dump(engine, DIGEST_POSITIONS, &text);     // positions only where both sides have the same journal
 */
#ifndef TRIB_TEST_ENGINE_DIGEST_H
#define TRIB_TEST_ENGINE_DIGEST_H

#include <sodium.h>
#include "engine/state.h"

enum { DIGEST_BYTES_MAX = 256 << 20, DIGEST_USERS_MAX = 100000 };

/* Without DIGEST_POSITIONS, positions are left out. */
enum digest_what { DIGEST_PLAIN, DIGEST_POSITIONS };

struct digest {
	struct trib_engine *engine;
	enum digest_what what;
	struct trib_buffer *text;
	struct trib_arena arena;
	struct trib_buffer orders, links;
	uint64_t *users;
	size_t n_users;
	uint64_t events[32]; /* by kind */
};

static inline void digest_line(struct trib_buffer *text, struct trib_bytes line)
{
	trib_buffer_add_bytes(text, line);
	trib_buffer_add_char(text, '\n');
}

/* What stands in tables of its own: statuses by time, bounds of categories. */
static inline void digest_tables(struct digest *digest)
{
	const struct trib_domain *domain = digest->engine->domain;
	struct trib_bytes category;
	int32_t low, high;

	for (int noun = TRIB_NOUN_PARTY; noun <= TRIB_NOUN_PLAN; noun++) {
		for (uint32_t number = 1; number <= trib_domain_count(domain, (enum trib_noun)noun); number++) {
			uint32_t count;
			const struct trib_status_row *rows =
				trib_domain_statuses(domain, (enum trib_noun)noun, number, &count);

			for (uint32_t i = 0; i < count; i++)
				trib_buffer_add_format(digest->text, "status %s %u from %lld: %u %s\n",
						       trib_noun_word((enum trib_noun)noun), number,
						       (long long)rows[i].from_ms, rows[i].status,
						       rows[i].reason);
		}
	}
	for (uint32_t i = 1; i <= trib_domain_bounds_count(domain); i++)
		if (trib_domain_bounds(domain, i, &category, &low, &high))
			trib_buffer_add_format(digest->text, "bounds " TRIB_BYTES_FMT " %d to %d\n",
					       TRIB_BYTES_ARG(category), low, high);
}

/* Every entity as its last PUT left it, and the dictionary. */
static inline void digest_domain(struct digest *digest)
{
	const struct trib_domain *domain = digest->engine->domain;
	const struct trib_names *symbols = trib_domain_symbols(domain);
	struct trib_error error;

	for (int noun = TRIB_NOUN_PARTY; noun < TRIB_NOUN_COUNT; noun++) {
		for (uint32_t number = 1; number <= trib_domain_count(domain, (enum trib_noun)noun); number++) {
			struct trib_record *record = trib_domain_record(domain, (enum trib_noun)noun, number);
			struct trib_entity entity;
			trib_status status = trib_record_unpack(record, (enum trib_noun)noun, &digest->arena,
								&entity, &error);

			assert_ok(status, error);
			trib_buffer_add_format(digest->text, "%s %u@%u ", trib_noun_word((enum trib_noun)noun),
					       entity.number, entity.version);
			trib_proto_to_json(entity.message, TRIB_PROTO_SET_FIELDS, digest->text);
			trib_buffer_add_char(digest->text, '\n');
			trib_record_unref(record);
			trib_arena_reset(&digest->arena);
		}
	}
	for (uint32_t code = 1; code <= trib_names_count(symbols); code++) {
		trib_buffer_add_format(digest->text, "name %u ", code);
		digest_line(digest->text, trib_names_text(symbols, code));
	}
}

static inline void digest_rules(struct digest *digest)
{
	const struct trib_rules *rules = digest->engine->rules;
	uint32_t count;
	const struct trib_rules_activation *activations = trib_rules_activations(rules, &count);
	struct trib_buffer *text = digest->text;

	for (uint32_t tree = 1; tree <= trib_rules_count(rules); tree++) {
		for (uint32_t version = 1; version <= trib_rules_latest(rules, tree); version++) {
			const struct trib_tree *compiled = trib_rules_tree(rules, tree, version);
			const uint64_t *hits = trib_rules_hits(rules, tree, version);
			struct trib_bytes source = trib_tree_source(compiled);

			trib_buffer_add_format(text, "rules %u " TRIB_BYTES_FMT "@%u hits", tree,
					       TRIB_BYTES_ARG(trib_rules_name(rules, tree)), version);
			for (uint32_t node = 0; node < trib_tree_nodes(compiled); node++)
				if (hits[node])
					trib_buffer_add_format(text, " %u:%llu", node,
							       (unsigned long long)hits[node]);
			/* A large one is told by its beginning. */
			trib_buffer_add_format(text, " %zu bytes ", source.size);
			digest_line(text, trib_bytes(source.data, TRIB_MIN(source.size, (size_t)4000)));
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		struct trib_buffer packed;

		trib_buffer_init(&packed, 1 << 20);
		trib_rules_pack_rollout(rules, &activations[i], &packed);
		trib_buffer_add_format(text, "activation %u@%u from %lld", activations[i].tree,
				       activations[i].version, (long long)activations[i].from_ms);
		if (packed.size)
			trib_buffer_add_format(text, " part %zu %llx", packed.size,
					       (unsigned long long)trib_hash_bytes(trib_buffer_bytes(&packed)));
		trib_buffer_add_char(text, '\n');
		trib_buffer_fini(&packed);
	}
}

struct digest_balance {
	struct trib_account account;
	struct trib_balance balance;
};

struct digest_balances {
	struct digest_balance *rows;
	size_t count;
};

static inline void digest_take_balance(void *context, struct trib_account account,
				       struct trib_balance balance)
{
	struct digest_balances *balances = context;

	/* An account that stands at 0 is the same as none. */
	if (balance.pending || balance.posted)
		balances->rows[balances->count++] = (struct digest_balance){ account, balance };
}

static inline int digest_compare_balances(const void *left, const void *right)
{
	const struct trib_account *a = &((const struct digest_balance *)left)->account;
	const struct trib_account *b = &((const struct digest_balance *)right)->account;

	return a->party != b->party ? (a->party < b->party ? -1 : 1) :
	       a->role != b->role   ? (a->role < b->role ? -1 : 1) :
				      (a->currency < b->currency ? -1 : a->currency > b->currency);
}

static inline void digest_ledger(struct digest *digest)
{
	const struct trib_domain *domain = digest->engine->domain;
	const struct trib_names *symbols = trib_domain_symbols(domain);
	const struct trib_ledger *ledger = digest->engine->ledger;
	struct digest_balances balances = { trib_alloc_zeroed(trib_ledger_count(ledger) + 1,
							      sizeof(struct digest_balance)), 0 };
	const struct trib_account all = { 0 };
	uint64_t cursor = 0;

	while (trib_ledger_list_sums(ledger, all, &cursor, SIZE_MAX, digest_take_balance, &balances))
		;
	qsort(balances.rows, balances.count, sizeof(*balances.rows), digest_compare_balances);
	for (size_t i = 0; i < balances.count; i++) {
		const struct digest_balance *row = &balances.rows[i];

		trib_buffer_add_format(digest->text, "balance " TRIB_BYTES_FMT " " TRIB_BYTES_FMT " " TRIB_BYTES_FMT " %lld\n",
				       TRIB_BYTES_ARG(trib_engine_party_id(digest->engine, row->account.party)),
				       TRIB_BYTES_ARG(trib_names_text(symbols, row->account.role)),
				       TRIB_BYTES_ARG(trib_names_text(symbols, row->account.currency)),
				       (long long)(row->balance.pending + row->balance.posted));
	}
	free(balances.rows);
}

/* Adds JSON without every "position":N, where they are not wanted. */
static inline void digest_add_json(struct digest *digest, struct trib_buffer *to, struct trib_bytes json)
{
	static const char key[] = "\"position\":";
	const char *found;

	while (digest->what != DIGEST_POSITIONS && (found = memmem(json.data, json.size, key, sizeof(key) - 1))) {
		const char *end = found + sizeof(key) - 1;

		while (end < json.data + json.size && *end != ',')
			end++;
		trib_buffer_add(to, json.data, (size_t)(found - json.data));
		json = trib_bytes(end + 1, (size_t)(json.data + json.size - end - 1));
	}
	digest_line(to, json);
}

/* By its name, as a caller would ask: through index, store and journal. */
static inline void digest_order(struct digest *digest, struct trib_bytes order)
{
	struct trib_buffer json;
	struct trib_error error;
	const struct trib_order_record *record;
	uint64_t position;
	TRIB_AUTOFREE char *id = strndup(order.data, order.size);

	trib_buffer_init(&json, 16 << 20);
	trib_status status = trib_engine_order(digest->engine, trib_bytes_text(id), &record, &position, &error);

	assert_ok(status, error);
	trib_engine_order_json(digest->engine, record, position, &json);
	trib_buffer_add_text(&digest->orders, "order ");
	digest_add_json(digest, &digest->orders, trib_buffer_bytes(&json));
	trib_buffer_reset(&json);
	status = trib_engine_explain(digest->engine, trib_bytes_text(id), &json, &error);
	assert_ok(status, error);
	trib_buffer_add_text(&digest->orders, "explain ");
	digest_add_json(digest, &digest->orders, trib_buffer_bytes(&json));
	trib_buffer_fini(&json);
}

static inline void digest_link(struct digest *digest, const struct trib_link_event *event)
{
	struct trib_engine *engine = digest->engine;
	uint64_t link = event->token.link;
	struct trib_error error;

	trib_buffer_add_format(&digest->links, "link %llu creator %u goods %u plan %u@%u at %lld",
			       (unsigned long long)link, event->token.creator, event->token.goods,
			       event->token.plan, event->token.plan_version, (long long)event->token.issued_at_ms);
	if (event->n_ext) {
		trib_status status = history_link_ext(engine, link, &error);

		assert_ok(status, error);
		for (uint32_t i = 0; i < engine->link_event.n_ext; i++)
			trib_buffer_add_format(&digest->links, " " TRIB_BYTES_FMT "=" TRIB_BYTES_FMT,
					       TRIB_BYTES_ARG(engine->link_event.ext[i].key),
					       TRIB_BYTES_ARG(engine->link_event.ext[i].value));
	}
	trib_buffer_add_char(&digest->links, '\n');
}

/* Of an order that is not known yet: what is kept of it now. */
static inline void digest_kept(struct digest *digest, struct trib_bytes body)
{
	static struct trib_life_messages messages;
	struct trib_engine *engine = digest->engine;
	struct trib_bytes order, kept;

	assert_true(trib_messages_kept_get(body, &order, &messages));
	if (!kept_find(engine->kept, kept_key(order, trib_hash_keyed(order, engine->order_key)), engine->now_ms, &kept))
		return;
	assert_true(trib_messages_kept_get(kept, &order, &messages));
	trib_buffer_add_format(&digest->links, "kept " TRIB_BYTES_FMT " %u refunds, %zu bytes\n", TRIB_BYTES_ARG(order),
			       messages.n_refunds, kept.size);
}

static inline void digest_event(struct digest *digest, struct trib_bytes event)
{
	static struct trib_order_record record;
	static struct trib_link_event link;
	struct trib_touch_event touch;
	struct trib_bytes body;
	uint32_t kind = trib_event_kind(event, &body);

	digest->events[TRIB_MIN(kind, 31u)]++;
	switch (kind) {
	case TRIB_EVENT_ORDER_DECIDED:
		assert_true(trib_order_record_get(body, &record));
		digest_order(digest, record.order);
		break;
	case TRIB_EVENT_MESSAGES_KEPT:
		digest_kept(digest, body);
		break;
	case TRIB_EVENT_LINK_ISSUED:
		assert_true(trib_link_event_get(body, &link));
		digest_link(digest, &link);
		break;
	case TRIB_EVENT_TOUCH_RECORDED:
		assert_true(trib_touch_event_get(body, &touch));
		assert_true(digest->n_users < DIGEST_USERS_MAX);
		digest->users[digest->n_users++] = touch.user;
		break;
	}
}

/* The journal names what there is; what is shown of it comes from the state. */
static inline void digest_journal(struct digest *digest)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	struct trib_error error;
	trib_status status = trib_journal_reader_new(digest->engine->journal, 0, &reader, &error);

	assert_ok(status, error);
	while ((status = trib_journal_reader_next(reader, &record, &error)) == TRIB_OK) {
		struct trib_bytes event;
		size_t offset = 0, at;
		int64_t time_ms;
		bool ok;

		while (trib_batch_next(record.payload, &offset, &time_ms, &event, &at, &ok))
			digest_event(digest, event);
		assert_true(ok);
	}
	assert_int_equal(status, TRIB_NOT_FOUND);
	trib_journal_reader_free(reader);
}

static inline int digest_compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* What is older than the retention may be there or not. */
static inline void digest_touches(struct digest *digest)
{
	struct trib_engine *engine = digest->engine;
	int64_t oldest_ms = engine->now_ms - engine->options.touch_retention_ms;
	struct trib_touch list[TRIB_LIMIT_TOUCHES_CONSIDERED];
	struct trib_error error;

	qsort(digest->users, digest->n_users, sizeof(*digest->users), digest_compare_u64);
	for (size_t i = 0; i < digest->n_users; i++) {
		if (i && digest->users[i] == digest->users[i - 1])
			continue;
		trib_status status = history_load_user(engine, digest->users[i], &error);

		assert_ok(status, error);
		size_t n = trib_touches_of(engine->touches, digest->users[i], INT64_MAX, list,
					   TRIB_LIMIT_TOUCHES_CONSIDERED);

		for (size_t j = 0; j < n; j++) {
			const struct trib_touch *touch = &list[j];

			if (touch->at_ms < oldest_ms)
				continue;
			trib_buffer_add_format(digest->text,
					       "touch of %016llx at %lld%s kind %u link %llu goods %u creator %u plan %u@%u "
					       "offer %u registration %u channel %u carrier %u %u %u page %u issued %lld\n",
					       (unsigned long long)digest->users[i], (long long)touch->at_ms,
					       touch->at_stated ? " (stated)" : "", touch->kind,
					       (unsigned long long)touch->link, touch->goods, touch->creator, touch->plan,
					       touch->plan_version, touch->offer, touch->registration, touch->channel,
					       touch->carrier_kind, touch->carrier, touch->carrier_owner, touch->page,
					       (long long)touch->issued_at_ms);
		}
	}
}

static inline void digest_tally(void *context, const struct trib_tally *tally)
{
	trib_buffer_add_format(context, "%s of plan %u rule %u creator %u from %d: %lld orders, %lld pieces, %lld sold, %lld\n",
			       trib_tally_kind_word((enum trib_tally_kind)tally->key.kind), tally->key.plan, tally->key.rule,
			       tally->key.creator, tally->key.period, (long long)tally->sold.orders,
			       (long long)tally->sold.qty, (long long)tally->sold.gmv, (long long)tally->amount);
}

/* Everything must be settled. Adds to `text`, which fails where it is too small. */
static inline void digest_dump(struct trib_engine *engine, enum digest_what what, struct trib_buffer *text)
{
	struct digest digest = { .engine = engine, .what = what, .text = text };
	const char *reason = "";

	trib_engine_settle(engine);
	if (!trib_engine_check(engine, &reason))
		fail_msg("%s", reason);
	trib_arena_init(&digest.arena, 64 << 20);
	trib_buffer_init(&digest.orders, DIGEST_BYTES_MAX);
	trib_buffer_init(&digest.links, DIGEST_BYTES_MAX);
	digest.users = trib_alloc_zeroed(DIGEST_USERS_MAX, sizeof(*digest.users));
	digest_domain(&digest);
	digest_tables(&digest);
	digest_journal(&digest);
	digest_rules(&digest);
	digest_ledger(&digest);
	if (engine->counters)
		trib_counters_dump(engine->counters, text);
	trib_tallies_each(engine->tallies, digest_tally, text);
	if (engine->buyers)
		trib_tallies_each(engine->buyers, digest_tally, text);
	if (trib_reviews_count(engine->reviews))
		trib_buffer_add_format(text, "held orders that wait: %zu\n", trib_reviews_count(engine->reviews));
	trib_buffer_add_bytes(text, trib_buffer_bytes(&digest.links));
	digest_touches(&digest);
	trib_buffer_add_bytes(text, trib_buffer_bytes(&digest.orders));
	trib_buffer_add_format(text, "links issued %llu\n", (unsigned long long)engine->links_issued);
	for (size_t kind = 1; what == DIGEST_POSITIONS && kind < TRIB_ARRAY_SIZE(digest.events); kind++)
		trib_buffer_add_format(text, "events of kind %zu: %llu\n", kind,
				       (unsigned long long)digest.events[kind]);
	assert_false(text->failed || digest.orders.failed || digest.links.failed);
	trib_buffer_fini(&digest.orders);
	trib_buffer_fini(&digest.links);
	trib_arena_fini(&digest.arena);
	free(digest.users);
}

/* BLAKE2b-256 of the text, in hexadecimal. */
static inline void digest_hash(struct trib_bytes text, char ret_hex[65])
{
	unsigned char hash[32];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text.data, text.size, NULL, 0);
	sodium_bin2hex(ret_hex, 65, hash, sizeof(hash));
}

/* Fails with the first line that differs. */
static inline void digest_assert_equal(const char *name, struct trib_bytes found, struct trib_bytes expected)
{
	size_t line = 1, begin = 0, i = 0;

	if (trib_bytes_equal(found, expected))
		return;
	for (; i < found.size && i < expected.size && found.data[i] == expected.data[i]; i++) {
		if (found.data[i] != '\n')
			continue;
		begin = i + 1;
		line++;
	}
	const char *found_end = memchr(found.data + begin, '\n', found.size - begin);
	const char *expected_end = memchr(expected.data + begin, '\n', expected.size - begin);

	fail_msg("%s: line %zu\n   found %.*s\nexpected %.*s", name, line,
		 (int)(found_end ? found_end - found.data - (ptrdiff_t)begin : (ptrdiff_t)(found.size - begin)),
		 found.data + begin,
		 (int)(expected_end ? expected_end - expected.data - (ptrdiff_t)begin :
				      (ptrdiff_t)(expected.size - begin)),
		 expected.data + begin);
}

#endif
