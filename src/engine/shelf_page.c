/*
 * A page of a shelf as it stands now: each entry with its terms, by the function that LINK asks, and with price, stock
 * and status. Goods lie anywhere in memory, so a page goes over its entries several times, each time sending for what
 * the next time needs: a page of 50 costs some 50 misses side by side instead of 500 in a row.
 */
#include "engine/state.h"

enum { PAGE_ENTRIES = 50 };

struct shelf_page_work {
	struct trib_shelf shelf;
	struct trib_shelf_page page;
	struct trib_shelf_row rows[TRIB_LIMIT_LIST_ITEMS];
};

void shelf_page_init(struct trib_engine *engine)
{
	engine->shelf_page = trib_alloc(sizeof(*engine->shelf_page));
}

void shelf_page_fini(struct trib_engine *engine)
{
	free(TRIB_TAKE_PTR(engine->shelf_page));
}

/* --- What goods say ----------------------------------------------------------------------------------- */

/* Of a packed GoodsPut: fields by number, of Goods. */
static void read_goods(struct trib_bytes record, struct trib_shelf_row *row)
{
	struct trib_wire_field field;
	struct trib_bytes goods = trib_bytes("", 0);
	bool ok;

	while (trib_wire_next(&record, &field, &ok))
		if (field.number == 3 && field.type == TRIB_WIRE_BYTES)
			goods = field.bytes;
	while (trib_wire_next(&goods, &field, &ok)) {
		switch (field.number) {
		case 1: row->goods = field.bytes; break;
		case 2: row->title = field.bytes; break;
		case 8: row->site = field.bytes; break;
		case 13:
			row->has_stock = true;
			row->stock = (int64_t)field.value;
			break;
		default: break;
		}
	}
}

/* --- Validity ----------------------------------------------------------------------------------------- */

static void resolve(const struct trib_engine *engine, uint32_t creator, int64_t now_ms, uint8_t policy,
		    struct trib_shelf_row *row)
{
	const struct trib_terms_request request = { .goods = row->goods_number, .creator = creator,
						    .offer = row->offer_number, .at_ms = now_ms, .lock_ms = now_ms };
	struct trib_terms *terms = &row->terms;
	const char *reason = NULL;

	trib_terms_resolve(engine->domain, &request, terms);
	row->valid = row->pays = terms->outcome == TRIB_OUTCOME_NONE;
	if (!row->valid) {
		reason = trib_outcome_word((enum trib_outcome)terms->outcome);
	} else if (row->offer_number && terms->offer_outcome != TRIB_OUTCOME_NONE) {
		reason = trib_outcome_word((enum trib_outcome)terms->offer_outcome);
		row->valid = row->pays = policy == TRIB_SHELF_POLICY_FALL_BACK;
		row->ask = policy == TRIB_SHELF_POLICY_ASK;
	}
	if (row->valid && row->has_stock && row->stock == 0) {
		row->valid = false;
		reason = "out_of_stock";
	}
	row->reason = trib_bytes_text(reason);
}

static void fill_row(const struct trib_engine *engine, struct trib_shelf_row *row)
{
	const struct trib_names *symbols = trib_domain_symbols(engine->domain);
	const struct trib_goods *goods = trib_domain_goods(engine->domain, row->goods_number);

	row->price = goods->price;
	row->currency = trib_names_text(symbols, goods->currency);
	if (row->offer_number)
		row->offer = trib_domain_id(engine->domain, TRIB_NOUN_PLAN, row->offer_number);
	if (!row->pays)
		return;
	row->plan = trib_domain_id(engine->domain, TRIB_NOUN_PLAN, row->terms.plan);
	row->kind = trib_names_text(symbols, row->terms.kind);
	if (row->terms.leader)
		row->leader = trib_domain_id(engine->domain, TRIB_NOUN_PARTY, row->terms.leader);
	row->earn = trib_portion(goods->price, (uint32_t)row->terms.commission_bps, TRIB_ROUND_HALF_EVEN);
}

/* Each pass sends for what the next one reads. */
static void fill_rows(struct trib_engine *engine, uint32_t creator, int64_t now_ms)
{
	const struct trib_domain *domain = engine->domain;
	const struct trib_shelf *shelf = &engine->shelf_page->shelf;
	struct trib_shelf_row *rows = engine->shelf_page->rows;
	const struct trib_names *symbols = trib_domain_symbols(domain);

	for (uint32_t i = 0; i < shelf->count; i++) {
		trib_terms_prefetch(domain, shelf->entries[i].goods, creator);
		trib_domain_prefetch_record(domain, TRIB_NOUN_GOODS, shelf->entries[i].goods, true);
	}
	for (uint32_t i = 0; i < shelf->count; i++) {
		trib_terms_prefetch_plans(domain, shelf->entries[i].goods, shelf->entries[i].offer);
		trib_domain_prefetch_record(domain, TRIB_NOUN_GOODS, shelf->entries[i].goods, false);
	}
	for (uint32_t i = 0; i < shelf->count; i++) {
		const struct trib_shelf_entry *entry = &shelf->entries[i];
		uint8_t policy = entry->policy ? entry->policy : shelf->policy;

		rows[i] = (struct trib_shelf_row){ .goods_number = entry->goods, .offer_number = entry->offer };
		read_goods(trib_domain_look(domain, TRIB_NOUN_GOODS, entry->goods), &rows[i]);
		resolve(engine, creator, now_ms, policy, &rows[i]);
		if (entry->group)
			rows[i].group = shelf->groups[entry->group - 1];
		if (entry->policy)
			rows[i].policy = trib_shelf_policy_word((enum trib_shelf_policy)entry->policy);
		rows[i].status =
			trib_names_text(symbols, trib_domain_goods_status(domain, entry->goods, now_ms));
	}
	for (uint32_t i = 0; i < shelf->count; i++)
		fill_row(engine, &rows[i]);
}

trib_status trib_engine_shelf(struct trib_engine *engine, const struct trib_shelf_page_request *request,
			      const struct trib_shelf_page **ret_page, struct trib_error *error)
{
	/* A read opens no batch, so engine time may stand where it was long ago. */
	const int64_t now_ms = TRIB_MAX(engine->now_ms, trib_clock_wall_ms(engine->options.clock));
	struct trib_shelf_page *page = &engine->shelf_page->page;
	struct trib_shelf *shelf = &engine->shelf_page->shelf;
	uint32_t limit = TRIB_MIN(request->limit ? request->limit : PAGE_ENTRIES, (uint32_t)TRIB_LIMIT_LIST_ITEMS);
	struct trib_bytes record;
	enum trib_shelf_kind kind;
	uint32_t creator;
	uint64_t from = 0;
	trib_status status = shelf_find(engine, request->creator, request->kind, &creator, &kind, error);

	if (status != TRIB_OK)
		return status;
	if (request->cursor.size && (!trib_bytes_to_u64(request->cursor, &from) || from > TRIB_LIMIT_SHELF_ENTRIES))
		return engine_refuse(error, "cursor", request->cursor, "one that this shelf has given");
	if ((status = shelf_record(engine, creator, kind, &record, error)) != TRIB_OK)
		return status;
	*page = (struct trib_shelf_page){ .creator = request->creator, .kind = trib_shelf_kind_word(kind),
					  .from = (uint32_t)from, .rows = engine->shelf_page->rows };
	if (!trib_shelf_read_page(record, (uint32_t)from, limit, shelf, &page->total))
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no shelf");
	fill_rows(engine, creator, now_ms);
	page->version = shelf->version;
	page->policy = trib_shelf_policy_word((enum trib_shelf_policy)shelf->policy);
	page->groups = shelf->groups;
	page->n_groups = shelf->group_count;
	page->n_rows = shelf->count;
	page->next = from + shelf->count < page->total ? (uint32_t)from + shelf->count : 0;
	*ret_page = page;
	return TRIB_OK;
}

/* --- JSON --------------------------------------------------------------------------------------------- */

#define ADD(json, literal) trib_buffer_add((json), "" literal, sizeof(literal) - 1)

/* Ids and words mostly have nothing to be escaped. */
static void add_string(struct trib_buffer *json, struct trib_bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == '"' || text.data[i] == '\\' ||
		    (unsigned char)text.data[i] >= 0x7f) {
			trib_json_add_string(json, text);
			return;
		}
	char *place = trib_buffer_reserve(json, text.size + 2);

	if (!place)
		return;
	*place = '"';
	memcpy(place + 1, text.data, text.size);
	place[text.size + 1] = '"';
	json->size += text.size + 2;
}

static void add_terms(struct trib_buffer *json, const struct trib_shelf_row *row)
{
	char plan[TRIB_LIMIT_EXTERNAL_ID_BYTES + 24];
	size_t size = row->plan.size;

	memcpy(plan, row->plan.data, size);
	plan[size++] = '@';
	size += trib_format_u64(plan + size, row->terms.plan_version);
	ADD(json, ",\"plan\":");
	add_string(json, trib_bytes(plan, size));
	ADD(json, ",\"kind\":");
	add_string(json, row->kind);
	ADD(json, ",\"commission_bps\":");
	trib_buffer_add_i64(json, row->terms.commission_bps);
	if (row->leader.size) {
		ADD(json, ",\"leader\":");
		add_string(json, row->leader);
	}
	ADD(json, ",\"earn\":");
	trib_buffer_add_i64(json, row->earn);
}

static void add_row(struct trib_buffer *json, uint32_t place, const struct trib_shelf_row *row)
{
	ADD(json, "{\"place\":");
	trib_buffer_add_u64(json, place);
	ADD(json, ",\"goods\":");
	add_string(json, row->goods);
	if (row->title.size) {
		ADD(json, ",\"title\":");
		add_string(json, row->title);
	}
	if (row->site.size) {
		ADD(json, ",\"site\":");
		add_string(json, row->site);
	}
	ADD(json, ",\"price\":");
	trib_buffer_add_i64(json, row->price);
	ADD(json, ",\"currency\":");
	add_string(json, row->currency);
	ADD(json, ",\"status\":");
	add_string(json, row->status);
	if (row->has_stock) {
		ADD(json, ",\"stock\":");
		trib_buffer_add_i64(json, row->stock);
	}
	if (row->group.size) {
		ADD(json, ",\"group\":");
		add_string(json, row->group);
	}
	if (row->offer.size) {
		ADD(json, ",\"offer\":");
		add_string(json, row->offer);
	}
	if (row->policy) {
		ADD(json, ",\"policy\":");
		add_string(json, trib_bytes_text(row->policy));
	}
	if (row->valid)
		ADD(json, ",\"valid\":true");
	else
		ADD(json, ",\"valid\":false");
	if (row->reason.size) {
		ADD(json, ",\"reason\":");
		add_string(json, row->reason);
	}
	if (row->ask)
		ADD(json, ",\"ask\":true");
	if (row->pays)
		add_terms(json, row);
	ADD(json, "}");
}

void trib_engine_shelf_json(const struct trib_shelf_page *page, struct trib_buffer *json)
{
	ADD(json, "{\"creator\":");
	add_string(json, page->creator);
	ADD(json, ",\"kind\":");
	add_string(json, trib_bytes_text(page->kind));
	ADD(json, ",\"version\":");
	trib_buffer_add_u64(json, page->version);
	ADD(json, ",\"total\":");
	trib_buffer_add_u64(json, page->total);
	ADD(json, ",\"policy\":");
	add_string(json, trib_bytes_text(page->policy));
	ADD(json, ",\"groups\":[");
	for (uint32_t i = 0; i < page->n_groups; i++) {
		if (i)
			ADD(json, ",");
		add_string(json, page->groups[i]);
	}
	ADD(json, "],\"items\":[");
	for (uint32_t i = 0; i < page->n_rows; i++) {
		if (i)
			ADD(json, ",");
		add_row(json, page->from + i, &page->rows[i]);
	}
	ADD(json, "],\"next_cursor\":");
	if (page->next)
		trib_buffer_add_format(json, "\"%u\"}", page->next);
	else
		ADD(json, "null}");
}

trib_status call_shelf(struct trib_engine *engine, struct trib_call *call)
{
	const struct trib_shelf_page_request request = { .creator = call->name, .kind = call->node,
							 .cursor = call->cursor, .limit = call->limit };
	const struct trib_shelf_page *page;

	if (shelf_check_actor(call, false) != TRIB_OK)
		return TRIB_FORBIDDEN;
	trib_status status = trib_engine_shelf(engine, &request, &page, &call->error);

	if (status != TRIB_OK)
		return status;
	trib_engine_shelf_json(page, &call->reply);
	call->version = page->version; /* its tag's */
	return TRIB_OK;
}
