#include "cli/gen/write.h"

#include <inttypes.h>
#include "cli/gen/builtin.h"

enum { FLUSH_BYTES = 256 << 10, PLAN_LEAD_DAYS = 30 };

static const struct plan_kind {
	const char *word;
	char letter;
} plan_kinds[] = {
#define X(name, word, letter, class) { word, letter },
	TRIB_WORLD_PLAN_TABLE(X)
#undef X
};

static const char *const plan_statuses[] = { "active", "paused", "ended" };

void trib_sink_flush(struct trib_sink *sink)
{
	if (!sink->failed && sink->buffer.size &&
	    !sink->write(sink, trib_buffer_bytes(&sink->buffer)))
		sink->failed = true;
	sink->bytes += sink->buffer.size;
	trib_buffer_reset(&sink->buffer);
}

void trib_sink_end_line(struct trib_sink *sink)
{
	trib_buffer_add_char(&sink->buffer, '\n');
	sink->lines++;
	if (sink->buffer.size >= FLUSH_BYTES)
		trib_sink_flush(sink);
}

static void text(struct trib_buffer *buffer, const char *value)
{
	trib_buffer_add_text(buffer, value);
}

void trib_write_id(struct trib_buffer *buffer, char letter, uint64_t index)
{
	trib_buffer_add_char(buffer, letter);
	trib_buffer_add_u64(buffer, index);
}

void trib_write_plan_id(struct trib_buffer *buffer, const struct trib_world_plan *plan)
{
	trib_write_id(buffer, plan_kinds[plan->kind].letter, plan->goods);
}

/* `"key":` before a value; every field but the first begins with a comma. */
static void key_id(struct trib_buffer *buffer, const char *key, char letter, uint64_t index)
{
	trib_buffer_add_format(buffer, ",\"%s\":\"", key);
	trib_write_id(buffer, letter, index);
	trib_buffer_add_char(buffer, '"');
}

static void begin(struct trib_sink *sink, const char *noun)
{
	if (sink->wrapped)
		trib_buffer_add_format(&sink->buffer, "{\"put\":\"%s\",\"value\":", noun);
	text(&sink->buffer, "{\"id\":\"");
}

static void end(struct trib_sink *sink)
{
	text(&sink->buffer, sink->wrapped ? "}}" : "}");
	trib_sink_end_line(sink);
}

/* ---- parties ---- */

/* A party that has nothing but an id, a role and a name. */
static void plain_party(struct trib_sink *sink, char letter, uint64_t index, const char *role,
			const char *name)
{
	begin(sink, "parties");
	trib_write_id(&sink->buffer, letter, index);
	trib_buffer_add_format(&sink->buffer, "\",\"roles\":[\"%s\"],\"name\":\"%s%" PRIu64 "\"",
			       role, name, index);
	end(sink);
}

static void creator(const struct trib_world *world, uint32_t index, struct trib_sink *sink)
{
	const struct trib_world_creator *from = &world->creators[index];
	const struct trib_market *market = world->market;
	const struct trib_words *first = &market->first_names, *second = &market->second_names;
	struct trib_buffer *buffer = &sink->buffer;

	begin(sink, "parties");
	trib_write_id(buffer, 'c', index);
	trib_buffer_add_format(buffer, "\",\"roles\":[\"creator\"],\"name\":\"%s%s%u\"",
			       first->text[index % first->count],
			       second->text[index / first->count % second->count], index);
	trib_buffer_add_format(buffer, ",\"level\":%d,\"region\":\"%s\",\"tags\":[\"%s\"]",
			       from->level, market->regions.text[from->region],
			       market->categories[from->category].name);
	trib_buffer_add_format(buffer, ",\"followers\":%" PRId64 ",\"score\":%d.%d",
			       from->followers, from->score_tenths / 10, from->score_tenths % 10);
	if (from->agency != TRIB_NONE)
		key_id(buffer, "agency", 'a', from->agency);
	/* A buyer's account known to be the creator's own. */
	if (from->sells)
		trib_buffer_add_format(buffer, ",\"user_ids\":[\"self%u\"]", index);
	end(sink);
}

void trib_write_parties(const struct trib_world *world, int64_t start_ms TRIB_UNUSED,
			struct trib_sink *sink)
{
	begin(sink, "parties");
	text(&sink->buffer, "platform\",\"roles\":[\"platform\"],\"name\":\"platform\"");
	end(sink);
	for (uint32_t i = 0; i < world->agencies; i++)
		plain_party(sink, 'a', i, "agency", "机构");
	for (uint32_t i = 0; i < world->leaders; i++)
		plain_party(sink, 'l', i, "leader", "招商团长");
	for (uint32_t i = 0; i < world->leaders2; i++)
		plain_party(sink, 'k', i, "leader2", "推广团长");
	for (uint32_t i = 0; i < world->merchants; i++)
		plain_party(sink, 'm', i, "merchant", "商家");
	for (uint32_t i = 0; i < world->size.creators; i++)
		creator(world, i, sink);
}

/* ---- goods, plans, registrations ---- */

void trib_write_goods(const struct trib_world *world, int64_t start_ms TRIB_UNUSED,
		      struct trib_sink *sink)
{
	const struct trib_market *market = world->market;
	struct trib_buffer *buffer = &sink->buffer;

	for (uint32_t i = 0; i < world->size.goods; i++) {
		const struct trib_world_goods *goods = &world->goods[i];
		const struct trib_market_category *category = &market->categories[goods->category];
		bool voucher = !strcmp(category->name, "voucher");

		begin(sink, "goods");
		trib_write_id(buffer, 'g', i);
		trib_buffer_add_format(buffer, "\",\"title\":\"%s %u\"",
				       category->nouns.text[goods->noun], i);
		key_id(buffer, "merchant", 'm', goods->merchant);
		trib_buffer_add_format(buffer, ",\"category\":\"%s\"", category->name);
		if (goods->brand)
			trib_buffer_add_format(buffer, ",\"brand\":\"%s-%d\"", category->name,
					       goods->brand);
		trib_buffer_add_format(buffer,
				       ",\"price\":%" PRId64 ",\"currency\":\"%s\",\"site\":\"%s\"",
				       goods->price, market->currency, voucher ? "local" : "own");
		end(sink);
	}
}

static void plan_terms(const struct trib_world *world, const struct trib_world_plan *plan,
		       struct trib_buffer *buffer)
{
	trib_buffer_add_format(buffer, ",\"terms\":{\"commission_bps\":%d", plan->commission_bps);
	if (plan->leader != TRIB_NONE) {
		trib_buffer_add_format(buffer, ",\"service_bps\":%d", plan->service_bps);
		key_id(buffer, "leader", 'l', plan->leader);
	}
	if (plan->leader2 != TRIB_NONE) {
		trib_buffer_add_format(buffer, ",\"service2_bps\":%d", plan->service2_bps);
		key_id(buffer, "leader2", 'k', plan->leader2);
	}
	trib_buffer_add_format(buffer, ",\"platform_bps\":%d,\"agency_bps\":%d}",
			       (int)world->market->plans_platform_bps[0],
			       (int)world->market->plans_agency_bps[0]);
}

void trib_write_plan(const struct trib_world *world, uint32_t index, int64_t effective_from_ms,
		     struct trib_buffer *buffer)
{
	const struct trib_world_plan *plan = &world->plans[index];

	text(buffer, "{\"id\":\"");
	trib_write_plan_id(buffer, plan);
	text(buffer, "\",\"goods\":[\"");
	trib_write_id(buffer, 'g', plan->goods);
	text(buffer, "\"]");
	key_id(buffer, "merchant", 'm', world->goods[plan->goods].merchant);
	trib_buffer_add_format(buffer, ",\"kind\":\"%s\"", plan_kinds[plan->kind].word);
	if (trib_world_class(plan) == TRIB_CLASS_TARGETED) {
		text(buffer, ",\"creators\":[");
		for (uint32_t i = 0; i < plan->creators; i++) {
			text(buffer, i ? ",\"" : "\"");
			trib_write_id(buffer, 'c', world->plan_creators[plan->first_creator + i]);
			trib_buffer_add_char(buffer, '"');
		}
		trib_buffer_add_char(buffer, ']');
	}
	trib_buffer_add_format(buffer, ",\"effective_from\":%" PRId64, effective_from_ms);
	if (plan->status != TRIB_WORLD_ACTIVE)
		trib_buffer_add_format(buffer, ",\"status\":\"%s\"", plan_statuses[plan->status]);
	plan_terms(world, plan, buffer);
	trib_buffer_add_char(buffer, '}');
}

void trib_write_plans(const struct trib_world *world, int64_t start_ms, struct trib_sink *sink)
{
	int64_t from_ms = start_ms - PLAN_LEAD_DAYS * INT64_C(86400000);

	for (uint32_t i = 0; i < world->plan_count; i++) {
		const struct trib_world_plan *plan = &world->plans[i];

		/* A plan for creators whose shelves have nothing from it would be for nobody. */
		if (trib_world_class(plan) == TRIB_CLASS_TARGETED && !plan->creators)
			continue;
		if (sink->wrapped)
			text(&sink->buffer, "{\"put\":\"plans\",\"value\":");
		trib_write_plan(world, i, from_ms < 1 ? 1 : from_ms, &sink->buffer);
		if (sink->wrapped)
			trib_buffer_add_char(&sink->buffer, '}');
		trib_sink_end_line(sink);
	}
}

/* One business line a kind of carrier: its channel bears the carrier's name. */
void trib_write_registrations(const struct trib_world *world, int64_t start_ms TRIB_UNUSED,
			      struct trib_sink *sink)
{
	for (uint32_t i = 0; i < world->market->carrier_count; i++) {
		const struct trib_market_carrier *carrier = &world->market->carriers[i];

		begin(sink, "registrations");
		trib_buffer_add_format(&sink->buffer,
				       "%s\",\"channel\":\"%s\",\"scene\":\"%s\",\"priority\":%u",
				       carrier->kind, carrier->kind, carrier->scene,
				       world->market->carrier_count - i);
		end(sink);
	}
}

void trib_write_rules(struct trib_sink *sink)
{
	static const struct {
		const char *name;
		struct trib_bytes (*text)(void);
	} trees[] = {
		{ "live", trib_rules_live_builtin },
		{ "shelf", trib_rules_shelf_builtin },
		{ "share", trib_rules_share_builtin },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(trees); i++) {
		struct trib_bytes json = trees[i].text();

		trib_buffer_add_format(&sink->buffer, "{%s\"name\":\"%s\",\"value\":",
				       sink->wrapped ? "\"put\":\"rules\"," : "", trees[i].name);
		for (size_t k = 0; k < json.size; k++)
			if (json.data[k] != '\n')
				trib_buffer_add_char(&sink->buffer, json.data[k]);
		trib_buffer_add_char(&sink->buffer, '}');
		trib_sink_end_line(sink);
	}
}
