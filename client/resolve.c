/* Resolving: an order as its caller states it → the record → the resolution's bytes. */
#include "client.h"

enum {
	ANSWER_BYTES = 20 << 10, /* one order's, of one touch: 32 lines of three names each and more */
	OUT_BYTES = TRIB_CLIENT_BATCH_MAX * ANSWER_BYTES,
	SCRATCH_BYTES_MAX = 64 << 20,
	QTY_MAX = 1000000,
};

/* What is prepared for one order of a batch. */
struct work {
	uint32_t goods;
	bool by_token, several;
	enum trib_token_result result;
	struct trib_token token;
};

struct trib_resolver {
	struct trib_client *client;
	unsigned line; /* of the gate */
	struct trib_arena scratch;
	char *out;
	size_t out_size;
	struct work work[TRIB_CLIENT_BATCH_MAX];
	struct trib_bytes texts[TRIB_CLIENT_BATCH_MAX];
	struct trib_token tokens[TRIB_CLIENT_BATCH_MAX];
	enum trib_token_result results[TRIB_CLIENT_BATCH_MAX];
	uint16_t who[TRIB_CLIENT_BATCH_MAX];
	struct trib_candidate_list list; /* of the order at hand, if it states several candidates */
	struct trib_order_record record;
};

struct trib_resolver *trib_resolver_new(struct trib_client *client)
{
	static _Atomic unsigned lines;
	struct trib_resolver *resolver = calloc(1, sizeof(*resolver));
	char *out = malloc(OUT_BYTES);

	if (!resolver || !out) {
		free(resolver);
		free(out);
		return NULL;
	}
	resolver->client = client;
	resolver->line = atomic_fetch_add(&lines, 1);
	resolver->out = out;
	trib_arena_init(&resolver->scratch, SCRATCH_BYTES_MAX);
	return resolver;
}

void trib_resolver_free(struct trib_resolver *resolver)
{
	if (!resolver)
		return;
	trib_arena_fini(&resolver->scratch);
	free(resolver->out);
	free(resolver);
}

static struct trib_bytes bytes_of(struct trib_client_text text)
{
	return trib_bytes(text.data ? text.data : "", text.data ? text.size : 0);
}

/* --- Is it an order? ---------------------------------------------------------------------------------- */

static bool order_id_valid(struct trib_bytes order)
{
	const char *slash = memchr(order.data, '/', order.size);
	size_t first = slash ? (size_t)(slash - order.data) : order.size;

	return trib_external_id_valid(trib_bytes(order.data, first)) &&
	       (!slash || trib_external_id_valid(trib_bytes(slash + 1, order.size - first - 1)));
}

static bool empty_or_id(struct trib_client_text text)
{
	return text.size == 0 || trib_external_id_valid(bytes_of(text));
}

/* What the server would refuse is refused here. */
static bool order_valid(const struct trib_client_order *order)
{
	bool amounts = order->flags & TRIB_CLIENT_HAS_AMOUNTS, no_base = order->flags & TRIB_CLIENT_NO_BASE;

	if (order->size < sizeof(*order) || !order_id_valid(bytes_of(order->order)) ||
	    !trib_external_id_valid(bytes_of(order->user)) || !trib_external_id_valid(bytes_of(order->goods)) ||
	    !empty_or_id(order->scene) || !empty_or_id(order->page) || !empty_or_id(order->carrier_kind) ||
	    !empty_or_id(order->carrier_id) || !empty_or_id(order->carrier_owner) ||
	    (order->carrier_kind.size == 0 && (order->carrier_id.size || order->carrier_owner.size)) ||
	    order->base_amount < 0 || order->qty < 0 || order->qty > QTY_MAX || order->at_ms <= 0 ||
	    (no_base && !amounts) || order->n_ext > TRIB_LIMIT_EXT_PAIRS)
		return false;
	for (int i = 0; amounts && i < TRIB_CLIENT_AMOUNTS; i++)
		if (order->amounts[i] < 0 || order->amounts[i] > TRIB_AMOUNT_MAX)
			return false;
	return true;
}

/* Into the record, sorted by key. False where a key is empty or stands twice, or all is too much. */
static bool take_ext(const struct trib_client_order *order, struct trib_order_record *record)
{
	size_t bytes = 0;

	for (size_t i = 0; i < order->n_ext; i++) {
		const struct trib_ext_pair pair = { bytes_of(order->ext[i].key), bytes_of(order->ext[i].value) };
		size_t place = i;

		bytes += pair.key.size + pair.value.size;
		if (pair.key.size == 0 || !trib_utf8_valid(pair.key) || !trib_utf8_valid(pair.value))
			return false;
		while (place > 0 && trib_bytes_compare(record->ext[place - 1].key, pair.key) > 0) {
			record->ext[place] = record->ext[place - 1];
			place--;
		}
		record->ext[place] = pair;
		if (place > 0 && trib_bytes_equal(record->ext[place - 1].key, pair.key))
			return false;
	}
	record->n_ext = (uint32_t)order->n_ext;
	return bytes <= TRIB_LIMIT_EXT_BYTES;
}

/* --- Prepare ------------------------------------------------------------------------------------------ */

_Static_assert((int)TRIB_CLIENT_AMOUNTS == (int)TRIB_AMOUNTS, "the amounts of an order");
#define X(name, bit, word) _Static_assert((int)TRIB_CLIENT_##name == (int)TRIB_PENDING_##name, word);
TRIB_PENDING_TABLE(X)
#undef X

static void decode_tokens(struct trib_resolver *resolver, const struct published *published,
			  const struct trib_client_order *orders, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct trib_bytes token = bytes_of(orders[i].token);

		resolver->work[i].several = trib_candidates_are_several(token);
		resolver->work[i].by_token =
			token.size && !trib_bytes_is(token, "-") && !resolver->work[i].several;
		resolver->work[i].result = TRIB_TOKEN_UNKNOWN_KEY;
		if (!resolver->work[i].by_token || !published->keys)
			continue;
		resolver->texts[count] = token;
		resolver->who[count++] = (uint16_t)i;
	}
	if (count == 0)
		return;
	trib_token_decode_batch(published->keys, resolver->texts, count, resolver->tokens, resolver->results);
	for (size_t i = 0; i < count; i++) {
		struct work *work = &resolver->work[resolver->who[i]];

		work->result = resolver->results[i];
		work->token = resolver->tokens[i];
	}
}

/* Passes over the batch, each of which sends for the memory that the next one reads. */
static void prepare(struct trib_resolver *resolver, const struct published *published,
		    const struct trib_client_order *orders, size_t n)
{
	const struct trib_domain *domain = trib_view_market(published->view)->domain;
	const struct trib_names *ids = trib_domain_ids(domain, TRIB_NOUN_GOODS);
	uint64_t hashes[TRIB_CLIENT_BATCH_MAX];

	for (size_t i = 0; i < n; i++) {
		hashes[i] = trib_names_hash(ids, bytes_of(orders[i].goods));
		trib_names_prefetch(ids, hashes[i]);
	}
	decode_tokens(resolver, published, orders, n);
	for (size_t i = 0; i < n; i++) {
		struct work *work = &resolver->work[i];

		work->goods = trib_names_find_hashed(ids, bytes_of(orders[i].goods), hashes[i]);
		if (work->by_token && work->result == TRIB_TOKEN_OK && trib_view_knows(published->view, &work->token))
			trib_terms_prefetch(domain, work->goods, work->token.creator);
	}
	for (size_t i = 0; i < n; i++)
		trib_terms_prefetch_plans(domain, resolver->work[i].goods, 0);
}

/* --- One order ---------------------------------------------------------------------------------------- */

/* The code of a word, and its text where the dictionary has none. */
static uint32_t code_of(const struct trib_domain *domain, struct trib_client_text text, struct trib_bytes *ret_unknown)
{
	struct trib_bytes word = bytes_of(text);
	uint32_t code = word.size ? trib_domain_find_code(domain, word) : 0;

	if (!code)
		*ret_unknown = word;
	return code;
}

/* What of a token is newer than what is here. */
static uint32_t reasons_of_token(const struct published *published, enum trib_token_result result,
				 const struct trib_token *token)
{
	if (result == TRIB_TOKEN_UNKNOWN_KEY || result == TRIB_TOKEN_KEY_NOT_VALID)
		return TRIB_CLIENT_UNKNOWN_KEY;
	return result == TRIB_TOKEN_OK && !trib_view_knows(published->view, token) ? TRIB_CLIENT_NEWER_TOKEN : 0;
}

/* Why the server must be asked before anything is resolved; 0: it need not. */
static uint32_t reasons_before(const struct published *published, const struct trib_client_order *order,
			       const struct work *work)
{
	uint32_t reasons = 0;

	if (!work->several && !work->by_token)
		reasons |= TRIB_CLIENT_NO_TOKEN;
	else if (!published->keys)
		reasons |= TRIB_CLIENT_NO_KEYS;
	else if (work->by_token)
		reasons |= reasons_of_token(published, work->result, &work->token);
	if (!work->goods)
		reasons |= TRIB_CLIENT_UNKNOWN_GOODS;
	return reasons;
}

/*
 * Several candidates: tokens are weighed here, recorded touches on the server alone. One token that is newer than what
 * is here leaves the whole order to it.
 */
static uint32_t add_several(struct trib_resolver *resolver, const struct published *published)
{
	const struct trib_candidate_list *list = &resolver->list;
	uint32_t reasons = list->touches ? TRIB_CLIENT_SEVERAL_TOKENS : 0;
	struct trib_token token;
	enum trib_token_result result;

	for (uint32_t i = 0; i < list->count && !reasons; i++) {
		trib_token_decode_batch(published->keys, &list->texts[i], 1, &token, &result);
		reasons |= reasons_of_token(published, result, &token);
		if (result == TRIB_TOKEN_OK && !reasons)
			trib_candidates_add_token(&resolver->record, &token);
		else
			trib_candidates_add_bad(&resolver->record, list->texts[i]);
	}
	resolver->record.by_token = true;
	return reasons;
}

/* Does the rule that decided, or the way to it, read what only the engine knows? Roll-outs lie on that way, too. */
static bool reads_engine_facts(const struct trib_market *market, const struct trib_order_record *record, int64_t now_ms)
{
	const struct trib_tree *tree = trib_rules_tree(market->rules, record->tree, record->tree_version);

	return tree && ((trib_tree_facts(tree) | trib_tree_node(tree, record->node)->priority_facts |
			 trib_rules_rollout_facts(market->rules, record->tree, now_ms)) &
			trib_facts_engine_only) != 0;
}

/* The upper half of the record: what was stated. Returns the reasons that come up. */
static uint32_t state_order(const struct published *published, const struct trib_client_order *order,
			    const struct work *work, struct trib_resolve_request *request,
			    struct trib_order_record *record)
{
	const struct trib_domain *domain = trib_view_market(published->view)->domain;
	struct trib_bytes owner = bytes_of(order->carrier_owner);

	record->order = bytes_of(order->order);
	if (published->keys)
		record->user = trib_hash_keyed(bytes_of(order->user), trib_keys_user_hash(published->keys));
	record->goods = work->goods;
	record->currency = trib_domain_goods(domain, work->goods)->currency;
	record->base_computed = order->flags & TRIB_CLIENT_NO_BASE;
	record->base_amount = record->base_computed ? 0 : order->base_amount;
	record->has_amounts = order->flags & TRIB_CLIENT_HAS_AMOUNTS;
	if (record->has_amounts)
		memcpy(record->amounts, order->amounts, sizeof(record->amounts));
	record->qty = (uint32_t)order->qty;
	record->at_ms = order->at_ms;
	record->at_stated = true;
	record->scene = code_of(domain, order->scene, &request->scene_text);
	record->page = code_of(domain, order->page, &request->page_text);
	record->carrier_kind = code_of(domain, order->carrier_kind, &request->carrier_kind_text);
	record->carrier = code_of(domain, order->carrier_id, &request->carrier_text);
	record->by_token |= work->by_token;
	if (work->by_token && work->result == TRIB_TOKEN_OK)
		trib_candidates_add_token(record, &work->token);
	else if (work->by_token)
		trib_candidates_add_bad(record, bytes_of(order->token));
	if (owner.size == 0)
		return 0;
	record->carrier_owner = trib_domain_find(domain, TRIB_NOUN_PARTY, owner);
	return record->carrier_owner ? 0 : TRIB_CLIENT_UNKNOWN_PARTY;
}

static void write_answer(struct trib_resolver *resolver, const struct published *published,
			 struct trib_client_answer *answer)
{
	const struct trib_order_record *record = &resolver->record;
	const struct trib_market *market = trib_view_market(published->view);
	char *begin = resolver->out + resolver->out_size;

	if (trib_answer_bytes_max(market, record) > OUT_BYTES - resolver->out_size) {
		answer->reasons = TRIB_CLIENT_TOO_LARGE;
		return;
	}
	char *end = trib_answer_put(begin, market, trib_view_position(published->view), record);

	answer->resolution = begin;
	answer->resolution_size = (size_t)(end - begin);
	resolver->out_size += answer->resolution_size;
	answer->pending = trib_answer_pending(market, record);
	answer->complete = answer->pending == 0;
	answer->outcome = (uint32_t)record->outcome;
	answer->outcome_word = trib_outcome_word(record->outcome);
	answer->charged = record->charged;
}

static int resolve_one(struct trib_resolver *resolver, const struct published *published,
		       const struct trib_client_order *order, const struct work *work,
		       struct trib_client_answer *answer)
{
	const struct trib_market *market = trib_view_market(published->view);
	struct trib_order_record *record = &resolver->record;
	struct trib_resolve_request request = { .now_ms = order->now_ms ? order->now_ms : order->at_ms,
						.scratch = &resolver->scratch };
	uint32_t size = answer->size;

	*answer = (struct trib_client_answer){ .size = size, .needs_server = 1,
					       .position = trib_view_position(published->view) };
	if (!order_valid(order) ||
	    (work->several && trib_candidates_split(bytes_of(order->token), &resolver->list, NULL) != TRIB_OK))
		return TRIB_CLIENT_INVALID;
	answer->reasons = reasons_before(published, order, work);
	trib_order_record_reset(record);
	if (!answer->reasons && work->several)
		answer->reasons = add_several(resolver, published);
	if (answer->reasons & TRIB_CLIENT_UNKNOWN_KEY)
		atomic_store_explicit(&resolver->client->keys_wanted, true, memory_order_relaxed);
	if (answer->reasons)
		return TRIB_CLIENT_OK;
	if (!take_ext(order, record))
		return TRIB_CLIENT_INVALID;
	answer->reasons = state_order(published, order, work, &request, record);
	if (answer->reasons)
		return TRIB_CLIENT_OK;
	trib_view_resolve(published->view, &request, record);
	if (record->needs_engine || reads_engine_facts(market, record, request.now_ms))
		answer->reasons = TRIB_CLIENT_ENGINE_FACTS;
	else
		write_answer(resolver, published, answer);
	answer->needs_server = answer->reasons != 0;
	return TRIB_CLIENT_OK;
}

int trib_resolve_batch(struct trib_resolver *resolver, const struct trib_client_order *orders, size_t n,
		       struct trib_client_answer *ret_answers, int *ret_statuses)
{
	struct store *store = &resolver->client->store;
	int result = TRIB_CLIENT_OK;

	if (n > TRIB_CLIENT_BATCH_MAX)
		return TRIB_CLIENT_INVALID;
	_Atomic unsigned *ticket = gate_enter(&store->gate, resolver->line);
	const struct published *published = atomic_load(&store->published);

	resolver->out_size = 0;
	if (published)
		prepare(resolver, published, orders, n);
	else
		result = TRIB_CLIENT_NO_SNAPSHOT;
	for (size_t i = 0; i < n; i++) {
		ret_answers[i].needs_server = 1;
		ret_statuses[i] = published ? resolve_one(resolver, published, &orders[i], &resolver->work[i],
							  &ret_answers[i]) :
					      TRIB_CLIENT_NO_SNAPSHOT;
		trib_arena_reset(&resolver->scratch);
	}
	gate_leave(ticket);
	return result;
}

int trib_resolve(struct trib_resolver *resolver, const struct trib_client_order *order,
		 struct trib_client_answer *ret_answer)
{
	int status, result = trib_resolve_batch(resolver, order, 1, ret_answer, &status);

	return result == TRIB_CLIENT_OK ? status : result;
}
