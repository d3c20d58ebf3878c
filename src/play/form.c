/* What a play adds to an entity, as a form shows it: one schema of the whole chain, and the fields in written order. */
#include "play/private.h"

static const struct trib_json *schema_of(const struct trib_play *play)
{
	for (uint32_t i = 0; i < play->document_count; i++)
		if (!strcmp(play->documents[i].name, "ext.schema.json"))
			return play->documents[i].json;
	return NULL;
}

/* What the schema says of the entity; NULL: nothing. */
static const struct trib_json *part_of(const struct trib_play *play, const char *entity)
{
	const struct trib_json *schema = schema_of(play), *properties = schema ? trib_json_member(schema, "properties") : NULL;

	return properties ? trib_json_member(properties, entity) : NULL;
}

/* What the document says, up to its brace. */
static void add_members(const struct trib_play *play, struct trib_arena *arena, struct trib_buffer *json)
{
	for (const struct trib_json *member = schema_of(play)->first; member; member = member->next) {
		if (trib_bytes_is(member->key, "$id"))
			continue;
		trib_buffer_add_char(json, ',');
		trib_json_add_string(json, member->key);
		trib_buffer_add_char(json, ':');
		trib_json_add(json, member, arena);
	}
	trib_buffer_add_char(json, '}');
}

/* The whole document under an id of its own, so that its "#/$defs/…" go on leading into it. */
static void add_document(const struct trib_play *play, struct trib_arena *arena, struct trib_buffer *json)
{
	trib_buffer_add_format(json, "\"%s\":{\"$id\":\"play:%s\"", play->name, play->name);
	add_members(play, arena, json);
}

/* The name of a play's document among many: of one name there may be several versions, as parents. */
static void add_document_name(const struct trib_play *play, struct trib_buffer *json)
{
	trib_buffer_add_format(json, "play.%s.%u", play->name, trib_play_version(play));
}

/* The oldest ancestor first. */
static uint32_t chain_of(const struct trib_play *play, const char *entity, const struct trib_play **ret_chain)
{
	uint32_t count = 0;

	for (; play; play = play->up)
		if (part_of(play, entity))
			ret_chain[count++] = play;
	for (uint32_t i = 0; i < count / 2; i++) {
		const struct trib_play *other = ret_chain[i];

		ret_chain[i] = ret_chain[count - 1 - i];
		ret_chain[count - 1 - i] = other;
	}
	return count;
}

void trib_play_form_schema(const struct trib_play *play, const char *entity, struct trib_arena *arena,
			   struct trib_buffer *json)
{
	const struct trib_play *chain[TRIB_LIMIT_PLAY_DEPTH];
	uint32_t count = chain_of(play, entity, chain);

	trib_buffer_add_text(json, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\"");
	if (play)
		trib_buffer_add_text(json, ",\"unevaluatedProperties\":false");
	for (uint32_t i = 0; i < count; i++)
		trib_buffer_add_format(json, "%s{\"$ref\":\"play:%s#/properties/%s\"}", i ? "," : ",\"allOf\":[",
				       chain[i]->name, entity);
	trib_buffer_add_text(json, count ? "],\"$defs\":{" : "");
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			trib_buffer_add_char(json, ',');
		add_document(chain[i], arena, json);
	}
	trib_buffer_add_text(json, count ? "}}" : "}");
}

void trib_play_write_document(const struct trib_play *play, struct trib_arena *arena, struct trib_buffer *json)
{
	if (!schema_of(play))
		return;
	trib_buffer_add_text(json, ",\"");
	add_document_name(play, json);
	trib_buffer_add_text(json, "\":{\"$id\":\"");
	add_document_name(play, json);
	trib_buffer_add_char(json, '"');
	add_members(play, arena, json);
}

void trib_play_write_part(const struct trib_play *play, const char *entity, struct trib_buffer *json)
{
	const struct trib_play *chain[TRIB_LIMIT_PLAY_DEPTH];
	uint32_t count = chain_of(play, entity, chain);

	trib_buffer_add_text(json, "{\"type\":\"object\",\"title\":");
	trib_json_add_string(json, trib_bytes_text(play->name));
	trib_buffer_add_text(json, ",\"unevaluatedProperties\":false");
	for (uint32_t i = 0; i < count; i++) {
		trib_buffer_add_text(json, i ? ",{\"$ref\":\"" : ",\"allOf\":[{\"$ref\":\"");
		trib_buffer_add_text(json, "#/components/schemas/");
		add_document_name(chain[i], json);
		trib_buffer_add_format(json, "/properties/%s\"}", entity);
	}
	trib_buffer_add_text(json, count ? "]}" : "}");
}

/* A keyword of a field, or of the definition that it refers to in the same document. */
static struct trib_bytes keyword_of(const struct trib_json *schema, const struct trib_json *field, const char *keyword)
{
	static const char defs[] = "#/$defs/";
	const struct trib_json *value = trib_json_member(field, keyword), *ref = trib_json_member(field, "$ref");

	if (!value && ref && ref->kind == TRIB_JSON_STRING && ref->text.size >= sizeof(defs) &&
	    !memcmp(ref->text.data, defs, sizeof(defs) - 1)) {
		const struct trib_json *all = trib_json_member(schema, "$defs");
		const struct trib_json *named = all ? trib_json_member(all, ref->text.data + sizeof(defs) - 1) : NULL;

		value = named ? trib_json_member(named, keyword) : NULL;
	}
	return value && value->kind == TRIB_JSON_STRING ? value->text : trib_bytes("", 0);
}

static bool is_required(const struct trib_json *part, struct trib_bytes name)
{
	const struct trib_json *list = trib_json_member(part, "required");

	for (const struct trib_json *item = list ? list->first : NULL; item; item = item->next)
		if (item->kind == TRIB_JSON_STRING && trib_bytes_equal(item->text, name))
			return true;
	return false;
}

uint32_t trib_play_form_fields(const struct trib_play *play, const char *entity, struct trib_play_form_field *ret_fields,
			       uint32_t fields_max)
{
	const struct trib_play *chain[TRIB_LIMIT_PLAY_DEPTH];
	uint32_t plays = chain_of(play, entity, chain), count = 0;

	for (uint32_t i = 0; i < plays; i++) {
		const struct trib_json *part = part_of(chain[i], entity), *properties = trib_json_member(part, "properties");

		for (const struct trib_json *field = properties ? properties->first : NULL; field && count < fields_max;
		     field = field->next)
			ret_fields[count++] = (struct trib_play_form_field){
				.name = field->key,
				.title = keyword_of(schema_of(chain[i]), field, "title"),
				.description = keyword_of(schema_of(chain[i]), field, "description"),
				.type = keyword_of(schema_of(chain[i]), field, "type"),
				.widget = keyword_of(schema_of(chain[i]), field, "x-widget"),
				.required = is_required(part, field->key),
				.play = chain[i]->name,
			};
	}
	return count;
}
