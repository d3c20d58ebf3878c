/*
 * What if, as simulate.h says.
 *
 *	 journal ──record──▶ market events ──▶ view (nouns and rules as they stood)
 *	                 └─▶ orders, 16 at a time: decode and send for memory ──▶ resolve ──▶ tally
 */
#include "engine/simulate.h"

#include <jansson.h>
#include <sodium.h>

#include "engine/events.h"
#include "journal/journal.h"
#include "resolve/resolve.h"

enum {
	GROUP = 16, /* orders whose memory is on its way at the same time */
	EXAMPLES_DEFAULT = 20,
	EXAMPLES_OF_A_KIND = 3, /* of one change of outcome and node */
	PARTIES_SHOWN = 100,
	CHUNK_BYTES_MAX = 64 << 20,
	OUTCOMES = 32, /* there are fewer */
};

/* --- Sums --------------------------------------------------------------------------------------------- */

/* Of a party in a role, or (role 0) of a node, in one currency. */
struct sum {
	uint32_t id, role, currency;
	uint32_t used;
	int64_t before, after;
	uint64_t orders_before, orders_after;
};

struct sums {
	struct sum *items; /* open addressing */
	uint32_t count, mask;
};

static struct sum *find_sum(struct sums *sums, uint32_t id, uint32_t role, uint32_t currency)
{
	uint32_t i;

	if (2 * sums->count >= sums->mask) {
		struct sums old = *sums;

		sums->mask = old.mask ? 2 * old.mask + 1 : 1023;
		sums->items = trib_alloc_zeroed(sums->mask + 1, sizeof(*sums->items));
		sums->count = 0;
		for (uint32_t j = 0; old.items && j <= old.mask; j++)
			if (old.items[j].used)
				*find_sum(sums, old.items[j].id, old.items[j].role, old.items[j].currency) =
					old.items[j];
		free(old.items);
	}
	for (i = (uint32_t)trib_hash_u64((uint64_t)id << 32 | role << 16 | currency) & sums->mask; sums->items[i].used;
	     i = (i + 1) & sums->mask)
		if (sums->items[i].id == id && sums->items[i].role == role && sums->items[i].currency == currency)
			return &sums->items[i];
	sums->count++;
	sums->items[i] = (struct sum){ .id = id, .role = role, .currency = currency, .used = 1 };
	return &sums->items[i];
}

/* --- State -------------------------------------------------------------------------------------------- */

/* What was decided at first, as far as it is compared. */
struct before {
	enum trib_outcome outcome;
	uint32_t version, node, n_slices, n_lines;
	int64_t charged, base;
	struct trib_bytes facts;
	uint8_t winners[TRIB_LIMIT_TOUCHES_CONSIDERED];
	struct trib_order_line lines[TRIB_ORDER_LINES_MAX];
};

struct simulation {
	const struct trib_simulate_options *options;
	struct trib_simulate_progress *progress;
	struct trib_view *view;
	struct trib_tree *candidate;
	trib_fact_set engine_facts; /* that the candidate reads */
	struct trib_arena scratch;
	struct trib_buffer chunks;
	uint64_t change;
	uint32_t n_chunks, number; /* of the tree, 0: not there yet */
	int64_t now_ms;
	uint64_t position;

	struct trib_order_record *records; /* GROUP */
	uint64_t positions[GROUP];
	uint32_t n_records;
	struct before *before;

	struct trib_names *nodes;	/* their ids */
	uint32_t **node_numbers;	/* by version, then node: number in `nodes`; made when first met */
	uint32_t n_versions;
	uint32_t *candidate_nodes;
	struct sums parties, by_node, charged;
	uint64_t orders, others, changed, outcome_changed, winner_changed, money_changed, unknown_facts;
	uint64_t outcomes[OUTCOMES][OUTCOMES];
	struct trib_hash_key key;
	json_t *examples;
	struct trib_names *kinds; /* of changes that have examples; the number of them below */
	uint32_t *kind_counts;
	uint32_t n_kinds;
};

/* --- Comparing ---------------------------------------------------------------------------------------- */

static void keep_before(const struct trib_order_record *record, struct before *before)
{
	before->outcome = record->outcome;
	before->version = record->tree_version;
	before->node = record->node;
	before->charged = record->charged;
	before->base = record->base_amount;
	before->facts = record->facts;
	before->n_slices = record->n_slices;
	before->n_lines = record->n_lines;
	for (uint32_t i = 0; i < record->n_slices; i++)
		before->winners[i] = (uint8_t)record->slices[i].touch;
	memcpy(before->lines, record->lines, record->n_lines * sizeof(record->lines[0]));
}

static bool same_winners(const struct before *before, const struct trib_order_record *after)
{
	if (before->n_slices != after->n_slices)
		return false;
	for (uint32_t i = 0; i < after->n_slices; i++)
		if (before->winners[i] != after->slices[i].touch)
			return false;
	return true;
}

/* Who pays whom how much; names of shares do not matter. */
static bool same_money(const struct before *before, const struct trib_order_record *after)
{
	if (before->n_lines != after->n_lines)
		return false;
	for (uint32_t i = 0; i < after->n_lines; i++) {
		const struct trib_order_line *a = &before->lines[i], *b = &after->lines[i];

		if (a->amount != b->amount || a->to_party != b->to_party || a->to_role != b->to_role ||
		    a->from_party != b->from_party || a->from_role != b->from_role)
			return false;
	}
	return true;
}

static void add_lines(struct simulation *sim, const struct trib_order_line *lines, uint32_t count,
		      uint32_t currency, bool after)
{
	for (uint32_t i = 0; i < count; i++) {
		struct sum *to = find_sum(&sim->parties, lines[i].to_party, lines[i].to_role, currency);

		*(after ? &to->after : &to->before) += lines[i].amount;
		struct sum *from = find_sum(&sim->parties, lines[i].from_party, lines[i].from_role, currency);

		*(after ? &from->after : &from->before) -= lines[i].amount;
	}
}

/* Node ids are numbered once, whatever versions they stand in. */
static uint32_t *number_nodes(struct simulation *sim, const struct trib_tree *tree)
{
	uint32_t count = trib_tree_nodes(tree), *numbers = trib_alloc(count * sizeof(*numbers));

	for (uint32_t i = 0; i < count; i++)
		numbers[i] = trib_names_add(sim->nodes, trib_tree_node(tree, i)->id);
	return numbers;
}

static uint32_t node_number(struct simulation *sim, uint32_t tree, uint32_t version, uint32_t node)
{
	const struct trib_tree *compiled = trib_rules_tree(trib_view_market(sim->view)->rules, tree, version);

	if (version >= sim->n_versions) {
		uint32_t count = TRIB_MAX(version + 1, sim->n_versions * 2);

		sim->node_numbers = trib_realloc(sim->node_numbers, count * sizeof(*sim->node_numbers));
		memset(sim->node_numbers + sim->n_versions, 0,
		       (count - sim->n_versions) * sizeof(*sim->node_numbers));
		sim->n_versions = count;
	}
	if (!compiled || node >= trib_tree_nodes(compiled))
		return 0;
	/* Trees of one scene may take part in turn; a tree that is not there yet has no numbers of its own. */
	if (tree != sim->number)
		return trib_names_add(sim->nodes, trib_tree_node(compiled, node)->id);
	if (!sim->node_numbers[version])
		sim->node_numbers[version] = number_nodes(sim, compiled);
	return sim->node_numbers[version][node];
}

/* --- Examples ----------------------------------------------------------------------------------------- */

static json_t *text_json(struct trib_bytes text)
{
	return json_stringn(text.data, text.size);
}

static json_t *side_json(struct simulation *sim, enum trib_outcome outcome, uint32_t node, int64_t charged,
			 const struct trib_order_record *record, const uint8_t *winners, uint32_t n_winners)
{
	json_t *list = json_array(), *json = json_object();

	for (uint32_t i = 0; i < n_winners; i++)
		json_array_append_new(list, json_integer((json_int_t)record->touches[winners[i]].touch.link));
	json_object_set_new(json, "outcome", json_string(trib_outcome_word(outcome)));
	json_object_set_new(json, "node", text_json(trib_names_text(sim->nodes, node)));
	json_object_set_new(json, "charged", json_integer((json_int_t)charged));
	json_object_set_new(json, "winners", list);
	return json;
}

static void add_example(struct simulation *sim, const struct trib_order_record *record, uint64_t position,
			uint32_t node_before, uint32_t node_after)
{
	uint32_t kind[4] = { sim->before->outcome, record->outcome, node_before, node_after };
	uint32_t max = sim->options->examples ? sim->options->examples : EXAMPLES_DEFAULT, number;
	uint8_t winners[TRIB_LIMIT_TOUCHES_CONSIDERED];
	json_t *json;

	if (json_array_size(sim->examples) >= max)
		return;
	number = trib_names_add(sim->kinds, trib_bytes(kind, sizeof(kind)));
	if (number >= sim->n_kinds) {
		uint32_t count = TRIB_MAX(number + 1, 2 * sim->n_kinds);

		sim->kind_counts = trib_realloc(sim->kind_counts, count * sizeof(*sim->kind_counts));
		memset(sim->kind_counts + sim->n_kinds, 0, (count - sim->n_kinds) * sizeof(*sim->kind_counts));
		sim->n_kinds = count;
	}
	if (sim->kind_counts[number]++ >= EXAMPLES_OF_A_KIND)
		return;
	for (uint32_t i = 0; i < record->n_slices; i++)
		winners[i] = (uint8_t)record->slices[i].touch;
	json = json_object();
	json_object_set_new(json, "order", text_json(record->order));
	json_object_set_new(json, "at", json_integer((json_int_t)record->at_ms));
	json_object_set_new(json, "position", json_integer((json_int_t)position));
	json_object_set_new(json, "version", json_integer(sim->before->version));
	json_object_set_new(json, "before",
			    side_json(sim, sim->before->outcome, node_before, sim->before->charged, record,
				      sim->before->winners, sim->before->n_slices));
	json_object_set_new(json, "after", side_json(sim, record->outcome, node_after, record->charged, record, winners,
						     record->n_slices));
	json_array_append_new(sim->examples, json);
}

/* --- Orders ------------------------------------------------------------------------------------------- */

/* What only the engine could count stands in the event, if the rules of that time asked for it. */
static void recorded_facts(const void *context, const struct trib_order_record *record TRIB_UNUSED,
			   const struct trib_touch *touch TRIB_UNUSED, trib_fact_set wanted, struct trib_facts *facts)
{
	const struct simulation *sim = context;
	struct trib_bytes rest = sim->before->facts;
	uint64_t fact, value;

	wanted &= trib_facts_engine_only;
	if (wanted & trib_fact_group_masks[TRIB_GROUP_COUNTER])
		trib_facts_open(facts, TRIB_GROUP_COUNTER);
	while (trib_wire_get_varint(&rest, &fact) && trib_wire_get_varint(&rest, &value) && fact < TRIB_FACTS)
		if (trib_fact_in(&wanted, (unsigned)fact))
			trib_facts_set(facts, (enum trib_fact)fact, trib_wire_unzigzag(value));
}

static bool facts_are_known(const struct simulation *sim)
{
	struct trib_bytes rest = sim->before->facts;
	trib_fact_set missing = sim->engine_facts;
	uint64_t fact, value;

	while (trib_wire_get_varint(&rest, &fact) && trib_wire_get_varint(&rest, &value) && fact < TRIB_FACTS)
		missing &= ~TRIB_FACT_BIT(fact);
	return missing == 0;
}

static void resolve_one(struct simulation *sim, struct trib_order_record *record, uint64_t position)
{
	const struct trib_resolve_request request = { .now_ms = sim->now_ms, .tree = sim->candidate,
						      .engine_facts = recorded_facts, .engine_context = sim,
						      .scratch = &sim->scratch };
	struct before *before = sim->before;
	uint32_t currency = record->currency;

	keep_before(record, before);
	uint32_t node_before = node_number(sim, record->tree, record->tree_version, record->node);

	trib_order_record_undecide(record);
	trib_view_resolve(sim->view, &request, record);
	uint32_t node_after = sim->candidate_nodes[record->node];
	bool outcome = before->outcome != record->outcome, winner = !same_winners(before, record);
	bool money = !same_money(before, record);

	sim->orders++;
	sim->outcomes[before->outcome % OUTCOMES][record->outcome % OUTCOMES]++;
	sim->outcome_changed += outcome;
	sim->winner_changed += winner;
	sim->money_changed += money;
	sim->unknown_facts += sim->engine_facts && !facts_are_known(sim);
	add_lines(sim, before->lines, before->n_lines, currency, false);
	add_lines(sim, record->lines, record->n_lines, currency, true);
	struct sum *sum = find_sum(&sim->by_node, node_before, 0, currency);

	sum->before += before->charged;
	sum->orders_before++;
	sum = find_sum(&sim->by_node, node_after, 0, currency);
	sum->after += record->charged;
	sum->orders_after++;
	sum = find_sum(&sim->charged, 0, 0, currency);
	sum->before += before->charged;
	sum->after += record->charged;
	if (!outcome && !winner && !money)
		return;
	sim->changed++;
	add_example(sim, record, position, node_before, node_after);
}

static void flush(struct simulation *sim)
{
	const struct trib_market *market = trib_view_market(sim->view);

	for (uint32_t i = 0; i < sim->n_records; i++)
		trib_terms_prefetch_plans(market->domain, sim->records[i].goods, 0);
	for (uint32_t i = 0; i < sim->n_records; i++)
		resolve_one(sim, &sim->records[i], sim->positions[i]);
	sim->n_records = 0;
	__atomic_store_n(&sim->progress->orders, sim->orders, __ATOMIC_RELAXED);
}

/* Of the tree's orders, or of those of its scene where it is not there yet. */
static bool concerns(struct simulation *sim, const struct trib_order_record *record)
{
	const struct trib_market *market = trib_view_market(sim->view);
	uint32_t scene = record->scene;

	if (sim->number)
		return record->tree == sim->number;
	for (uint32_t i = record->n_touches; !scene && record->by_token && i-- > 0;)
		if (record->touches[i].by_token)
			scene = trib_domain_registration(market->domain, record->touches[i].touch.registration)->scene;
	return trib_bytes_equal(scene ? market->spaces->text(market->spaces->context, TRIB_SPACE_SYMBOL, scene) :
					trib_bytes_text("default"),
				trib_tree_scene(sim->candidate));
}

static trib_status take_order(struct simulation *sim, struct trib_bytes body, uint64_t position,
			      struct trib_error *error)
{
	struct trib_order_record *record = &sim->records[sim->n_records];
	const struct trib_market *market = trib_view_market(sim->view);

	if (sim->now_ms < sim->options->from_ms)
		return TRIB_OK;
	if (!trib_order_record_get(body, record))
		return trib_fail(error, TRIB_CORRUPT, "journal", "found bytes that are no order at position %llu",
				 (unsigned long long)position);
	if (!concerns(sim, record)) {
		sim->others++;
		return TRIB_OK;
	}
	trib_terms_prefetch(market->domain, record->goods,
			    record->n_touches ? record->touches[record->n_touches - 1].touch.creator : 0);
	sim->positions[sim->n_records++] = position;
	if (sim->n_records == GROUP)
		flush(sim);
	return TRIB_OK;
}

/* --- Events ------------------------------------------------------------------------------------------- */

static trib_status take_event(struct simulation *sim, struct trib_bytes bytes, uint64_t position,
			      struct trib_error *error);

static trib_status take_chunk(struct simulation *sim, const Tributary__Chunk *chunk, struct trib_error *error)
{
	if (chunk->index == 0) {
		trib_buffer_reset(&sim->chunks);
		sim->change = chunk->change;
		sim->n_chunks = 0;
	}
	if (chunk->change != sim->change || chunk->index != sim->n_chunks)
		return trib_fail(error, TRIB_CORRUPT, "journal", "found a piece of a change that fits no other");
	trib_buffer_add(&sim->chunks, chunk->data.data, chunk->data.len);
	sim->n_chunks++;
	return sim->chunks.failed ? trib_fail(error, TRIB_CORRUPT, "journal", "found a change that is too large") :
				    TRIB_OK;
}

static trib_status take_change(struct simulation *sim, const Tributary__Event *event, uint64_t position,
			       struct trib_error *error)
{
	struct trib_bytes text;
	enum trib_space space;
	uint32_t number;

	flush(sim); /* orders before it are resolved without it */
	trib_status status = trib_view_fold(sim->view, event, position, error);

	if (status != TRIB_OK)
		return status;
	if (trib_market_names(event, &space, &text, &number))
		trib_tree_name_added(sim->candidate, space, text, number);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_RULES_PUT)
		sim->number = trib_rules_number(trib_view_market(sim->view)->rules, sim->options->name);
	return TRIB_OK;
}

static trib_status take_unpacked(struct simulation *sim, const Tributary__Event *event, uint64_t position,
				 struct trib_error *error)
{
	if (trib_market_is_changed_by(event->kind_case))
		return take_change(sim, event, position, error);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_CHUNK)
		return take_chunk(sim, event->chunk, error);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_CHUNKS_COMMITTED)
		return event->chunks_committed->change == sim->change &&
				       event->chunks_committed->count == sim->n_chunks ?
			       take_event(sim, trib_buffer_bytes(&sim->chunks), position, error) :
			       trib_fail(error, TRIB_CORRUPT, "journal", "found a change without all of its pieces");
	return TRIB_OK;
}

static trib_status take_event(struct simulation *sim, struct trib_bytes bytes, uint64_t position,
			      struct trib_error *error)
{
	/* Most events are touches and links: told by their first byte, and passed over. */
	const char touch = TRIB_EVENT_TOUCH_RECORDED << 3 | 2, link = TRIB_EVENT_LINK_ISSUED << 3 | 2;
	struct trib_bytes body;

	if (bytes.size && (bytes.data[0] == touch || bytes.data[0] == link))
		return TRIB_OK;
	uint32_t kind = trib_event_kind(bytes, &body);

	if (kind == TRIB_EVENT_ORDER_DECIDED)
		return take_order(sim, body, position, error);
	if (!trib_market_is_changed_by((Tributary__Event__KindCase)kind) && kind != TRIBUTARY__EVENT__KIND_CHUNK &&
	    kind != TRIBUTARY__EVENT__KIND_CHUNKS_COMMITTED)
		return TRIB_OK;
	Tributary__Event *event = tributary__event__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);

	if (!event)
		return trib_fail(error, TRIB_CORRUPT, "journal", "found bytes that are no event at position %llu",
				 (unsigned long long)position);
	trib_status status = take_unpacked(sim, event, position, error);

	tributary__event__free_unpacked(event, NULL);
	return status;
}

/* TRIB_NOT_FOUND behind the last order that is asked for. */
static trib_status take_record(struct simulation *sim, const struct trib_journal_record *record,
			       struct trib_error *error)
{
	struct trib_bytes event;
	size_t offset = 0, at;
	int64_t time_ms = sim->now_ms;
	trib_status status = TRIB_OK;
	bool ok = true;

	while (status == TRIB_OK && trib_batch_next(record->payload, &offset, &time_ms, &event, &at, &ok)) {
		sim->now_ms = time_ms;
		if (sim->options->to_ms && time_ms >= sim->options->to_ms)
			return TRIB_NOT_FOUND;
		sim->position = record->position + at;
		status = take_event(sim, event, record->position + at, error);
	}
	flush(sim); /* what they point to goes with the record */
	if (status == TRIB_OK && !ok)
		status = trib_fail(error, TRIB_CORRUPT, "journal", "the record at %llu is no batch",
				   (unsigned long long)record->position);
	return status;
}

/* --- The report --------------------------------------------------------------------------------------- */

static json_t *outcomes_json(const struct simulation *sim)
{
	json_t *list = json_array();

	for (int before = 0; before < OUTCOMES; before++)
		for (int after = 0; after < OUTCOMES; after++)
			if (sim->outcomes[before][after])
				json_array_append_new(
					list, json_pack("{s:s, s:s, s:I}", "before",
							trib_outcome_word((enum trib_outcome)before), "after",
							trib_outcome_word((enum trib_outcome)after), "orders",
							(json_int_t)sim->outcomes[before][after]));
	return list;
}

static int compare_sums(const void *left, const void *right)
{
	const struct sum *a = left, *b = right;
	uint64_t x = (uint64_t)llabs((long long)(a->after - a->before));
	uint64_t y = (uint64_t)llabs((long long)(b->after - b->before));

	if (x != y)
		return x > y ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->role < b->role ? -1 : a->role > b->role;
}

/* The used ones, those that differ most first. */
static uint32_t sort_sums(struct sums *sums)
{
	uint32_t count = 0;

	for (uint32_t i = 0; sums->items && i <= sums->mask; i++)
		if (sums->items[i].used)
			sums->items[count++] = sums->items[i];
	if (count)
		qsort(sums->items, count, sizeof(*sums->items), compare_sums);
	return count;
}

static void set_money(const struct simulation *sim, const struct sum *sum, json_t *json)
{
	const struct trib_spaces *spaces = trib_view_market(sim->view)->spaces;

	json_object_set_new(json, "currency",
			    text_json(spaces->text(spaces->context, TRIB_SPACE_SYMBOL, sum->currency)));
	json_object_set_new(json, "before", json_integer((json_int_t)sum->before));
	json_object_set_new(json, "after", json_integer((json_int_t)sum->after));
}

static json_t *charged_json(struct simulation *sim)
{
	json_t *list = json_array();

	for (uint32_t i = 0, n = sort_sums(&sim->charged); i < n; i++) {
		json_t *json = json_object();

		set_money(sim, &sim->charged.items[i], json);
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *nodes_json(struct simulation *sim)
{
	json_t *list = json_array();

	for (uint32_t i = 0, n = sort_sums(&sim->by_node); i < n; i++) {
		const struct sum *sum = &sim->by_node.items[i];
		json_t *json = json_object();

		json_object_set_new(json, "node", text_json(trib_names_text(sim->nodes, sum->id)));
		json_object_set_new(json, "orders_before", json_integer((json_int_t)sum->orders_before));
		json_object_set_new(json, "orders_after", json_integer((json_int_t)sum->orders_after));
		set_money(sim, sum, json);
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *parties_json(struct simulation *sim, uint32_t *ret_count)
{
	const struct trib_market *market = trib_view_market(sim->view);
	const struct trib_spaces *spaces = market->spaces;
	uint32_t count = sort_sums(&sim->parties), changed = 0;
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++) {
		const struct sum *sum = &sim->parties.items[i];
		json_t *json;

		changed += sum->before != sum->after;
		if (i >= PARTIES_SHOWN)
			continue;
		json = json_object();
		json_object_set_new(json, "party",
				    text_json(trib_domain_id(market->domain, TRIB_NOUN_PARTY, sum->id)));
		json_object_set_new(json, "role",
				    text_json(spaces->text(spaces->context, TRIB_SPACE_SYMBOL, sum->role)));
		set_money(sim, sum, json);
		json_array_append_new(list, json);
	}
	*ret_count = changed;
	return list;
}

static void write_report(struct simulation *sim, struct trib_buffer *report)
{
	json_t *json = json_object();
	uint32_t parties_changed;
	json_t *parties = parties_json(sim, &parties_changed);
	char *text;

	json_object_set_new(json, "rules", text_json(sim->options->name));
	json_object_set_new(json, "nodes_of_candidate", json_integer(trib_tree_nodes(sim->candidate)));
	json_object_set_new(json, "from", json_integer((json_int_t)sim->options->from_ms));
	json_object_set_new(json, "to", json_integer((json_int_t)sim->options->to_ms));
	json_object_set_new(json, "position", json_integer((json_int_t)sim->position));
	json_object_set_new(json, "orders", json_integer((json_int_t)sim->orders));
	json_object_set_new(json, "orders_of_other_trees", json_integer((json_int_t)sim->others));
	json_object_set_new(json, "orders_without_counted_facts", json_integer((json_int_t)sim->unknown_facts));
	json_object_set_new(json, "changed",
			    json_pack("{s:I, s:I, s:I, s:I}", "orders", (json_int_t)sim->changed, "outcome",
				      (json_int_t)sim->outcome_changed, "winner", (json_int_t)sim->winner_changed,
				      "money", (json_int_t)sim->money_changed));
	json_object_set_new(json, "outcomes", outcomes_json(sim));
	json_object_set_new(json, "charged", charged_json(sim));
	json_object_set_new(json, "nodes", nodes_json(sim));
	json_object_set_new(json, "parties_changed", json_integer(parties_changed));
	json_object_set_new(json, "parties", parties);
	json_object_set(json, "examples", sim->examples);
	text = json_dumps(json, JSON_COMPACT);
	trib_assert(text);
	trib_buffer_add_text(report, text);
	free(text);
	json_decref(json);
}

/* --- Running ------------------------------------------------------------------------------------------ */

static trib_status open_journal(const char *data, uint64_t durable, struct trib_journal **ret_journal,
				struct trib_error *error)
{
	char folder[4096];
	const struct trib_journal_options options = { .folder = folder, .observe = true, .durable = durable };

	snprintf(folder, sizeof(folder), "%s/journal", data);
	return trib_journal_open(&options, ret_journal, error);
}

static void begin(struct simulation *sim)
{
	trib_assert(sodium_init() >= 0);
	randombytes_buf(&sim->key, sizeof(sim->key));
	trib_arena_init(&sim->scratch, 64 << 20);
	trib_buffer_init(&sim->chunks, CHUNK_BYTES_MAX);
	sim->view = trib_view_new();
	sim->number = trib_rules_number(trib_view_market(sim->view)->rules, sim->options->name);
	sim->nodes = trib_names_new(&sim->key);
	sim->kinds = trib_names_new(&sim->key);
	sim->records = trib_alloc_zeroed(GROUP, sizeof(*sim->records));
	sim->before = trib_alloc_zeroed(1, sizeof(*sim->before));
	sim->examples = json_array();
}

static void end(struct simulation *sim)
{
	for (uint32_t i = 0; i < sim->n_versions; i++)
		free(sim->node_numbers[i]);
	free(sim->node_numbers);
	free(sim->candidate_nodes);
	free(sim->parties.items);
	free(sim->by_node.items);
	free(sim->charged.items);
	free(sim->kind_counts);
	free(sim->records);
	free(sim->before);
	json_decref(sim->examples);
	trib_names_free(sim->nodes);
	trib_names_free(sim->kinds);
	trib_tree_unref(sim->candidate);
	trib_view_free(sim->view);
	trib_buffer_fini(&sim->chunks);
	trib_arena_fini(&sim->scratch);
}

static trib_status make_candidate(struct simulation *sim, struct trib_error *error)
{
	char name[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
	const struct trib_tree_options options = { .key = &sim->key, .name = name, .number = 1, .version = 1 };

	if (!trib_external_id_valid(sim->options->name))
		return trib_fail(error, TRIB_INVALID, "name",
				 "expected 1 to 64 bytes without space, control or /");
	memcpy(name, sim->options->name.data, sim->options->name.size);
	name[sim->options->name.size] = '\0';
	trib_status status = trib_tree_new(&options, sim->options->source, &sim->candidate, error);

	if (status != TRIB_OK)
		return status;
	sim->engine_facts = trib_tree_facts(sim->candidate) & trib_facts_engine_only;
	sim->candidate_nodes = number_nodes(sim, sim->candidate);
	trib_tree_resolve(sim->candidate, trib_view_market(sim->view)->spaces); /* the words that are built in */
	return TRIB_OK;
}

static trib_status run(struct simulation *sim, struct trib_journal *journal, struct trib_error *error)
{
	struct trib_simulate_progress *progress = sim->progress;
	struct trib_journal_progress written;
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	trib_status status = trib_journal_reader_new(journal, 0, &reader, error);

	if (status != TRIB_OK)
		return status;
	trib_journal_poll(journal, &written, NULL);
	__atomic_store_n(&progress->first, trib_journal_first(journal), __ATOMIC_RELAXED);
	__atomic_store_n(&progress->position, trib_journal_first(journal), __ATOMIC_RELAXED);
	__atomic_store_n(&progress->last, TRIB_MAX(written.written, 1), __ATOMIC_RELAXED);
	while ((status = trib_journal_reader_next(reader, &record, error)) == TRIB_OK &&
	       (status = take_record(sim, &record, error)) == TRIB_OK) {
		__atomic_store_n(&progress->position, record.next, __ATOMIC_RELAXED);
		if (__atomic_load_n(&progress->cancel, __ATOMIC_RELAXED)) {
			status = trib_fail(error, TRIB_REFUSED, "", "it was ended before it was done");
			break;
		}
	}
	trib_journal_reader_free(reader);
	if (status != TRIB_NOT_FOUND)
		return status;
	flush(sim);
	__atomic_store_n(&progress->position, progress->last, __ATOMIC_RELAXED);
	return TRIB_OK;
}

trib_status trib_simulate(const struct trib_simulate_options *options, struct trib_simulate_progress *progress,
			  struct trib_buffer *report, struct trib_error *error)
{
	struct simulation *sim = trib_alloc_zeroed(1, sizeof(*sim));
	struct trib_journal *journal = NULL;

	sim->options = options;
	sim->progress = progress;
	begin(sim);
	trib_status status = make_candidate(sim, error);

	if (status == TRIB_OK)
		status = open_journal(options->data, options->durable, &journal, error);
	if (status == TRIB_OK)
		status = run(sim, journal, error);
	if (status == TRIB_OK)
		write_report(sim, report);
	trib_journal_free(journal);
	end(sim);
	free(sim);
	return status;
}

unsigned trib_simulate_percent(const struct trib_simulate_progress *progress)
{
	uint64_t last = __atomic_load_n(&progress->last, __ATOMIC_RELAXED);
	uint64_t first = __atomic_load_n(&progress->first, __ATOMIC_RELAXED);
	uint64_t position = __atomic_load_n(&progress->position, __ATOMIC_RELAXED);

	if (last <= first || position <= first)
		return 0;
	return position >= last ? 100 : (unsigned)((position - first) * 100.0 / (double)(last - first));
}

/* --- Versions ----------------------------------------------------------------------------------------- */

/* Is this the version that is sought? Large ones come in chunks. */
static trib_status match_version(struct trib_bytes bytes, struct trib_bytes name, uint32_t version,
				 struct trib_buffer *chunks, struct trib_buffer *ret_source, bool *ret_found)
{
	struct trib_bytes body;
	uint32_t kind = trib_event_kind(bytes, &body);

	if (kind != TRIBUTARY__EVENT__KIND_RULES_PUT && kind != TRIBUTARY__EVENT__KIND_CHUNK &&
	    kind != TRIBUTARY__EVENT__KIND_CHUNKS_COMMITTED)
		return TRIB_OK;
	Tributary__Event *event = tributary__event__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);
	trib_status status = TRIB_OK;

	if (!event)
		return TRIB_CORRUPT;
	if (event->kind_case == TRIBUTARY__EVENT__KIND_RULES_PUT) {
		*ret_found = event->rules_put->version == version && trib_bytes_is(name, event->rules_put->name);
		if (*ret_found)
			trib_buffer_add_text(ret_source, event->rules_put->source);
	} else if (event->kind_case == TRIBUTARY__EVENT__KIND_CHUNK) {
		if (event->chunk->index == 0)
			trib_buffer_reset(chunks);
		trib_buffer_add(chunks, event->chunk->data.data, event->chunk->data.len);
	} else if (event->kind_case == TRIBUTARY__EVENT__KIND_CHUNKS_COMMITTED) {
		struct trib_buffer none;

		trib_buffer_init(&none, 0);
		status = match_version(trib_buffer_bytes(chunks), name, version, &none, ret_source, ret_found);
	}
	tributary__event__free_unpacked(event, NULL);
	return status;
}

trib_status trib_simulate_find_version(const char *data, struct trib_bytes name, uint32_t version,
				       struct trib_buffer *ret_source, struct trib_error *error)
{
	struct trib_journal *journal;
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	struct trib_buffer chunks;
	bool found = false;
	trib_status status = open_journal(data, 0, &journal, error);

	if (status != TRIB_OK)
		return status;
	trib_buffer_init(&chunks, CHUNK_BYTES_MAX);
	status = trib_journal_reader_new(journal, 0, &reader, error);
	while (status == TRIB_OK && !found &&
	       (status = trib_journal_reader_next(reader, &record, error)) == TRIB_OK) {
		struct trib_bytes event;
		size_t offset = 0, at;
		int64_t time_ms = 0;
		bool ok;

		while (!found && trib_batch_next(record.payload, &offset, &time_ms, &event, &at, &ok))
			if (match_version(event, name, version, &chunks, ret_source, &found) != TRIB_OK)
				status = trib_fail(error, TRIB_CORRUPT, "journal", "found bytes that are no event");
	}
	trib_journal_reader_free(reader);
	trib_journal_free(journal);
	trib_buffer_fini(&chunks);
	if (status == TRIB_NOT_FOUND || (status == TRIB_OK && !found))
		return trib_fail(error, TRIB_NOT_FOUND, "version", "found no version %u of " TRIB_BYTES_FMT, version,
				 TRIB_BYTES_ARG(name));
	return status;
}
