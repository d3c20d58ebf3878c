/* What there is: capabilities, who asks for them, and what plays do there. Checklists stand here, too. */
#include "play/private.h"

struct map {
	struct trib_buffer *json;
	enum trib_capability id;
	uint32_t count;
};

static void add_text(struct trib_buffer *json, const char *key, const char *text)
{
	trib_buffer_add_text(json, key);
	trib_json_add_string(json, trib_bytes_text(text));
}

static void add_fields(struct trib_buffer *json, const char *key, const struct trib_capability_field *fields, uint32_t count)
{
	struct trib_buffer type;

	trib_buffer_init(&type, 256);
	trib_buffer_add_text(json, key);
	for (uint32_t i = 0; i < count; i++) {
		trib_buffer_reset(&type);
		trib_type_format(fields[i].type, &type);
		trib_buffer_add_char(json, i ? ',' : '{');
		trib_json_add_string(json, trib_bytes_text(fields[i].name));
		add_text(json, ":", trib_buffer_text(&type));
	}
	trib_buffer_add_text(json, count ? "}" : "{}");
	trib_buffer_fini(&type);
}

static void add_implementations(void *context, const struct trib_play *play)
{
	static const char *const kinds[] = { "lua", "cel", "use" };
	struct map *map = context;
	const struct play_override *own = play->overrides[map->id];

	for (uint32_t i = 0; own && i < own->count; i++) {
		const struct play_implementation *item = &own->items[i];

		add_text(map->json, map->count++ ? ",{\"play\":" : "{\"play\":", play->name);
		trib_buffer_add_format(map->json, ",\"line\":%u,\"chain\":%s,\"kind\":\"%s\"", item->line,
				       own->chain ? "true" : "false", kinds[item->kind]);
		add_text(map->json, ",\"text\":", item->text);
		trib_buffer_add_text(map->json, ",\"when\":");
		if (item->when)
			trib_json_add_string(map->json, trib_expr_source(item->when));
		else
			trib_buffer_add_text(map->json, "null");
		trib_buffer_add_char(map->json, '}');
	}
}

/* Those that do not leave it as the platform has it: by their own doing, or a parent's. */
static void add_play(void *context, const struct trib_play *play)
{
	struct map *map = context;

	if (play->ways[map->id])
		add_text(map->json, map->count++ ? "," : "", play->name);
}

/*
 * Asked in a flow that runs. Messages and approvals are asked by plays' own steps alone, and so in any of them; those on the way
 * of orders where orders are resolved (resolve/ways.h).
 */
static bool is_served(enum trib_capability id)
{
	bool served = trib_capability_row(id)->path != TRIB_CAPABILITY_CONTROL;

	for (int flow = 0; flow < TRIB_FLOWS; flow++)
		served |= trib_flow_row((enum trib_flow)flow)->served && play_flow_asks((enum trib_flow)flow, id);
	return served;
}

static void add_capability(const struct trib_plays *plays, enum trib_capability id, struct trib_buffer *json)
{
	const struct trib_capability_row *row = trib_capability_row(id);
	struct map map = { .json = json, .id = id };

	add_text(json, id ? ",{\"capability\":" : "{\"capability\":", row->name);
	add_text(json, ",\"path\":", trib_capability_path_word(row->path));
	add_text(json, ",\"what\":", row->what);
	add_fields(json, ",\"inputs\":", row->inputs, row->input_count);
	add_fields(json, ",\"outputs\":", row->outputs, row->output_count);
	trib_buffer_add_format(json, ",\"served\":%s,\"flows\":[", is_served(id) ? "true" : "false");
	for (int flow = 0, count = 0; flow < TRIB_FLOWS; flow++)
		if (play_flow_asks((enum trib_flow)flow, id))
			add_text(json, count++ ? "," : "", trib_flow_row((enum trib_flow)flow)->name);
	trib_buffer_add_text(json, "],\"implementations\":[");
	if (plays)
		trib_plays_each(plays, add_implementations, &map);
	trib_buffer_add_text(json, "],\"plays\":[");
	map.count = 0;
	if (plays)
		trib_plays_each(plays, add_play, &map);
	trib_buffer_add_text(json, "]}");
}

void trib_capabilities_write(const struct trib_plays *plays, struct trib_buffer *json)
{
	trib_buffer_add_text(json, "{\"items\":[");
	for (int id = 0; id < TRIB_CAPABILITIES; id++)
		add_capability(plays, (enum trib_capability)id, json);
	trib_buffer_add_text(json, "],\"flows\":[");
	for (int flow = 0; flow < TRIB_FLOWS; flow++) {
		const struct trib_flow_row *row = trib_flow_row((enum trib_flow)flow);

		add_text(json, flow ? ",{\"flow\":" : "{\"flow\":", row->name);
		add_text(json, ",\"what\":", row->what);
		trib_buffer_add_format(json, ",\"served\":%s", row->served ? "true" : "false");
		add_fields(json, ",\"fields\":", row->fields, row->count);
		add_fields(json, ",\"results\":", row->fields + row->results_from, row->count - row->results_from);
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_text(json, "],\"next_cursor\":null}");
}

trib_status trib_play_write_checklist(const struct trib_play *play, struct trib_buffer *json, struct trib_arena *arena,
				      struct trib_error *error)
{
	const char *name = play->name;

	for (; play; play = play->up)
		for (uint32_t i = 0; i < play->document_count; i++)
			if (!strcmp(play->documents[i].name, "checklist.yaml")) {
				add_text(json, "{\"play\":", play->name);
				trib_buffer_add_text(json, ",\"checklist\":");
				trib_json_add(json, play->documents[i].json, arena);
				trib_buffer_add_char(json, '}');
				return TRIB_OK;
			}
	return trib_fail(error, TRIB_NOT_FOUND, "checklist", "found none in the play %.64s or its parents", name);
}
