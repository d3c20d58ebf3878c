/*
 * Plays in the engine: the calls that put and activate them, and whose play an entity is.
 *
 *	PUT /plays/x ─ compiler's thread: read ─▶ decide ─▶ PlayPut ─▶ the book (play/book.h)
 *	PUT /plans/p ─▶ plays_settle: request → play, ext by its schema ─▶ the domain decides, as ever
 *
 * Nothing that is derived from files is journalled: a restart reads the plays that are active, and others when they are
 * asked for. What an entity was given stands in its own event, so replay resolves nothing.
 */
#include "engine/play_rules.h"
#include "engine/state.h"

/* --- Apply --------------------------------------------------------------------------------------------- */

trib_status apply_play(struct trib_engine *engine, const Tributary__Event *event, struct trib_error *error)
{
	if (event->kind_case == TRIBUTARY__EVENT__KIND_PLAY_ACTIVATED)
		return trib_playbook_apply_activated(engine->plays, event->play_activated, error);
	trib_status status = trib_playbook_apply_put(engine->plays, event->play_put, engine->offered_play, error);

	if (status == TRIB_OK)
		engine->offered_play = NULL;
	return status;
}

void plays_ready(struct trib_engine *engine)
{
	trib_playbook_active(engine->plays, engine->now_ms);
}

/* --- Whose an entity is -------------------------------------------------------------------------------- */

/* The fields of an entity that has a play. */
struct governed {
	const ProtobufCFieldDescriptor *ext, *play, *version;
};

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessage *message, const char *name)
{
	return protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
}

static bool find_governed(const ProtobufCMessage *message, struct governed *ret_governed)
{
	*ret_governed = (struct governed){ field_of(message, "ext"), field_of(message, "play"),
					   field_of(message, "play_version") };
	return ret_governed->ext && ret_governed->play && ret_governed->version;
}

/* A string that a message states, or none. */
static struct trib_bytes text_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *text = NULL;

	if (field && field->type == PROTOBUF_C_TYPE_STRING && field->label != PROTOBUF_C_LABEL_REPEATED)
		memcpy(&text, (const char *)message + field->offset, sizeof(text));
	return trib_bytes_text(text ? text : "");
}

static uint32_t number_at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *at = (const char *)message;

	return *(const protobuf_c_boolean *)(at + field->quantifier_offset) ? *(const uint32_t *)(at + field->offset) : 0;
}

/* The strings of a repeated field. */
static char *const *texts_at(const ProtobufCMessage *message, const char *name, size_t *ret_count)
{
	const ProtobufCFieldDescriptor *field = field_of(message, name);
	const char *at = (const char *)message;

	*ret_count = 0;
	if (!field || field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_STRING)
		return NULL;
	*ret_count = *(const size_t *)(at + field->quantifier_offset);
	return *(char *const *const *)(at + field->offset);
}

static void fill_text(struct trib_request *request, enum trib_request_field field, struct trib_bytes text)
{
	if (!request->texts[field].size)
		request->texts[field] = text;
}

static struct trib_bytes word_of(const struct trib_engine *engine, uint32_t code)
{
	return code ? trib_names_text(trib_domain_symbols(engine->domain), code) : trib_bytes("", 0);
}

/* What the entity does not say itself follows from the first of its goods … */
static void fill_goods(struct trib_engine *engine, const ProtobufCMessage *message, struct trib_request *request)
{
	size_t count;
	char *const *list = texts_at(message, "goods", &count);
	struct trib_bytes id = count ? trib_bytes_text(list[0]) : text_at(message, field_of(message, "goods"));
	const struct trib_goods *goods =
		trib_domain_goods(engine->domain, trib_domain_find(engine->domain, TRIB_NOUN_GOODS, id));

	fill_text(request, TRIB_REQUEST_CATEGORY, word_of(engine, goods->category));
	fill_text(request, TRIB_REQUEST_BRAND, word_of(engine, goods->brand));
	fill_text(request, TRIB_REQUEST_SITE, word_of(engine, goods->site));
	if (goods->merchant)
		fill_text(request, TRIB_REQUEST_MERCHANT,
			  trib_domain_id(engine->domain, TRIB_NOUN_PARTY, goods->merchant));
}

/* … and from its creator, where it is of one. */
static bool fill_creator(struct trib_engine *engine, const ProtobufCMessage *message, struct trib_request *request)
{
	size_t count;
	char *const *list = texts_at(message, "creators", &count);

	if (count == 1)
		fill_text(request, TRIB_REQUEST_CREATOR, trib_bytes_text(list[0]));
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, request->texts[TRIB_REQUEST_CREATOR]);
	const struct trib_party *party = trib_domain_party(engine->domain, number);

	if (!number)
		return true;
	fill_text(request, TRIB_REQUEST_REGION, word_of(engine, party->region));
	request->level = party->level;
	if (!party->tags)
		return true;
	struct trib_bytes *tags = trib_arena_alloc(&engine->arena, party->tags->count * sizeof(*tags));

	if (!tags)
		return false;
	for (uint32_t i = 0; i < party->tags->count; i++)
		tags[i] = word_of(engine, party->tags->codes[i]);
	request->tags = tags;
	request->tag_count = party->tags->count;
	return true;
}

/* A party asks as itself. */
static bool fill_party(struct trib_engine *engine, const ProtobufCMessage *message, struct trib_request *request)
{
	const Tributary__Party *party = (const Tributary__Party *)message;
	struct trib_bytes *tags = trib_arena_alloc(&engine->arena, party->n_tags * sizeof(*tags));

	if (!tags)
		return false;
	for (size_t i = 0; i < party->n_tags; i++)
		tags[i] = trib_bytes_text(party->tags[i]);
	request->level = party->has_level ? party->level : 0;
	request->tags = tags;
	request->tag_count = (uint32_t)party->n_tags;
	return true;
}

/* The request that an entity is: fields of the same names, and what follows from them. */
static trib_status make_request(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage *message,
				const struct trib_json *ext, struct trib_request *ret_request, struct trib_error *error)
{
	static const struct {
		enum trib_request_field field;
		const char *name;
	} rows[] = {
#define X(id, name, type, what) { TRIB_REQUEST_##id, name },
		TRIB_REQUEST_TABLE(X)
#undef X
	};
	struct trib_request request = { .ext = ext };
	char action[64];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		if (rows[i].field != TRIB_REQUEST_EXT)
			request.texts[rows[i].field] = text_at(message, field_of(message, rows[i].name));
	snprintf(action, sizeof(action), "%s.put", trib_noun_word(noun));
	const char *copy = trib_arena_copy(&engine->arena, trib_bytes_text(action));
	bool fits = copy != NULL;

	if (fits)
		request.texts[TRIB_REQUEST_ACTION] = trib_bytes_text(copy);
	request.texts[TRIB_REQUEST_ROLE] =
		trib_bytes_text(trib_access_role_word(trib_domain_actor(engine->domain)->role));
	if (noun == TRIB_NOUN_PLAN) {
		const Tributary__Plan *plan = (const Tributary__Plan *)message;

		fill_text(&request, TRIB_REQUEST_KIND, trib_bytes_text("general"));
		if (plan->terms && plan->terms->leader)
			fill_text(&request, TRIB_REQUEST_LEADER, trib_bytes_text(plan->terms->leader));
	}
	if (noun == TRIB_NOUN_PARTY) {
		fits = fits && fill_party(engine, message, &request);
	} else {
		fill_goods(engine, message, &request);
		fits = fits && fill_creator(engine, message, &request);
	}
	*ret_request = request;
	return fits ? TRIB_OK :
		      trib_fail(error, TRIB_TOO_LARGE, "", "found more than one command may hold, expected less");
}

/* An entity as it is put, and what becomes of its play. */
struct settling {
	enum trib_noun noun;
	const ProtobufCMessage *message;
	struct governed governed;
	struct trib_bytes stated, kept; /* names; "": none */
	uint32_t stated_version, kept_version;
	bool is_new;
	const struct trib_json *ext;
	struct trib_request request;
};

/* What the entity has, where it is there. The platform's own ways are "" with version 0. */
static trib_status find_kept(struct trib_engine *engine, struct settling *settling, struct trib_error *error)
{
	struct trib_bytes id = text_at(settling->message, field_of(settling->message, "id"));
	uint32_t number = trib_domain_find(engine->domain, settling->noun, id);
	struct trib_entity entity;

	settling->is_new = !number;
	if (!number)
		return TRIB_OK;
	struct trib_record *record = trib_domain_record(engine->domain, settling->noun, number);
	trib_status status = trib_record_unpack(record, settling->noun, &engine->arena, &entity, error);

	trib_record_unref(record);
	if (status != TRIB_OK)
		return status;
	settling->kept = text_at(entity.message, settling->governed.play);
	settling->kept_version = number_at(entity.message, settling->governed.version);
	return TRIB_OK;
}

/* The play that a PUT states: it must apply, and of its versions the active one counts. */
static trib_status choose_stated(struct trib_engine *engine, const struct settling *settling,
				 const struct trib_play **ret_play, struct trib_error *error)
{
	const char *found = settling->stated.data;
	uint32_t number = trib_playbook_number(engine->plays, settling->stated);
	uint32_t version = trib_playbook_version(engine->plays, number, engine->now_ms);

	if (!version)
		return trib_fail(error, TRIB_INVALID, "play", "found \"%.64s\", expected a play that is active, or default",
				 found);
	if (settling->stated_version && settling->stated_version != version)
		return trib_fail(error, TRIB_INVALID, "play_version", "found %u, expected %u, the version of \"%.64s\" that is active",
				 settling->stated_version, version, found);
	*ret_play = trib_playbook_find(engine->plays, settling->stated, version, error);
	if (!*ret_play)
		return error->status = TRIB_REFUSED;
	return trib_play_applies(*ret_play, &settling->request, &engine->arena, error);
}

/* Whoever acts for a party cannot leave a play, and what it asks for, by stating another: theirs is the one that wins. */
static trib_status choose_as_stated(struct trib_engine *engine, const struct settling *settling,
				    const struct trib_play **ret_play, struct trib_error *error)
{
	trib_status status = trib_plays_choose(trib_playbook_active(engine->plays, engine->now_ms), &settling->request,
					       &engine->arena, ret_play, error);
	const char *name = *ret_play ? trib_play_name(*ret_play) : "default";

	if (status != TRIB_OK)
		return status;
	if (trib_bytes_is(settling->stated, name))
		return *ret_play ? choose_stated(engine, settling, ret_play, error) : TRIB_OK;
	return trib_fail(error, TRIB_INVALID, "play", "found \"%.*s\", expected \"%s\", which this belongs to, or none",
			 (int)TRIB_MIN(settling->stated.size, (size_t)64), settling->stated.data, name);
}

static trib_status choose(struct trib_engine *engine, const struct settling *settling,
			  const struct trib_play **ret_play, struct trib_error *error)
{
	bool as_kept = !settling->is_new && (!settling->stated.size || trib_bytes_equal(settling->stated, settling->kept) ||
					     (!settling->kept.size && trib_bytes_is(settling->stated, "default"))) &&
		       (!settling->stated_version || settling->stated_version == settling->kept_version);

	*ret_play = NULL;
	if (as_kept && settling->kept.size) {
		*ret_play = trib_playbook_find(engine->plays, settling->kept, settling->kept_version, error);
		return *ret_play ? TRIB_OK : (error->status = TRIB_REFUSED);
	}
	if (as_kept)
		return TRIB_OK;
	if (settling->stated.size && trib_access_role_has_party(trib_domain_actor(engine->domain)->role))
		return choose_as_stated(engine, settling, ret_play, error);
	if (trib_bytes_is(settling->stated, "default"))
		return TRIB_OK;
	if (settling->stated.size)
		return choose_stated(engine, settling, ret_play, error);
	if (settling->stated_version)
		return trib_fail(error, TRIB_INVALID, "play_version", "found %u, expected play beside it", settling->stated_version);
	return trib_plays_choose(trib_playbook_active(engine->plays, engine->now_ms), &settling->request,
				 &engine->arena, ret_play, error);
}

/* "plan.slot_fee" of the schema is "ext.slot_fee" of the entity. */
static void name_place(enum trib_noun noun, struct trib_error *error)
{
	size_t size = strlen(trib_noun_word(noun));
	char at[TRIB_ERROR_AT_MAX];

	if (strncmp(error->at, trib_noun_word(noun), size) != 0)
		return;
	snprintf(at, sizeof(at), "ext%s", error->at + size);
	snprintf(error->at, sizeof(error->at), "%s", at);
}

static trib_status check_ext(struct trib_engine *engine, const struct settling *settling,
			     const struct trib_play *play, struct trib_error *error)
{
	static const struct trib_json nothing = { .kind = TRIB_JSON_OBJECT };
	trib_status status = trib_play_check_ext(play, trib_bytes_text(trib_noun_word(settling->noun)),
						 settling->ext ? settling->ext : &nothing, &engine->arena, error);

	if (status != TRIB_OK)
		name_place(settling->noun, error);
	return status;
}

/* A copy that bears the play. */
static trib_status tell_play(struct trib_engine *engine, const struct settling *settling,
			     const struct trib_play *play, const ProtobufCMessage **message,
			     struct trib_error *error)
{
	size_t size = settling->message->descriptor->sizeof_message;
	char *copy = trib_arena_alloc(&engine->arena, size);
	const char *name = play ? trib_play_name(play) : NULL;
	const struct governed *governed = &settling->governed;

	if (!copy)
		return trib_fail(error, TRIB_TOO_LARGE, "", "found more than one command may hold, expected less");
	memcpy(copy, settling->message, size);
	memcpy(copy + governed->play->offset, &name, sizeof(name));
	*(protobuf_c_boolean *)(copy + governed->version->quantifier_offset) = play != NULL;
	*(uint32_t *)(copy + governed->version->offset) = play ? trib_play_version(play) : 0;
	*message = (const ProtobufCMessage *)(const void *)copy;
	return TRIB_OK;
}

trib_status plays_settle(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage **message,
			 struct trib_error *error)
{
	struct settling settling = { .noun = noun, .message = *message };
	const struct trib_play *play;
	trib_status status;

	if (!find_governed(*message, &settling.governed))
		return TRIB_OK;
	settling.stated = text_at(*message, settling.governed.play);
	settling.stated_version = number_at(*message, settling.governed.version);
	if (!trib_playbook_count(engine->plays) && !settling.stated.size && !settling.stated_version)
		return TRIB_OK;
	struct trib_bytes ext = text_at(*message, settling.governed.ext);

	status = ext.size ? trib_json_parse(ext, TRIB_LIMIT_JSON_DEPTH, &engine->arena, &settling.ext, error) : TRIB_OK;
	if (status == TRIB_OK)
		status = find_kept(engine, &settling, error);
	if (status == TRIB_OK)
		status = make_request(engine, noun, *message, settling.ext, &settling.request, error);
	if (status == TRIB_OK)
		status = choose(engine, &settling, &play, error);
	if (status == TRIB_OK && play)
		status = check_ext(engine, &settling, play, error);
	return status == TRIB_OK ? tell_play(engine, &settling, play, message, error) : status;
}

/* --- Changes ------------------------------------------------------------------------------------------- */

/* "play@version", or NULL for none. */
static char *versioned(struct trib_engine *engine, const char *name, uint32_t version)
{
	char text[128];

	if (!name)
		return NULL;
	snprintf(text, sizeof(text), "%s@%u", name, version);
	return trib_arena_copy(&engine->arena, trib_bytes_text(text));
}

/* A version's event, in the arena; NULL where that is full. */
static Tributary__PlayPut *put_of(struct trib_engine *engine, uint32_t number, uint32_t version)
{
	struct trib_bytes packed = trib_playbook_packed(engine->plays, number, version);

	return (Tributary__PlayPut *)trib_proto_unpack(&tributary__play_put__descriptor, packed, &engine->arena);
}

trib_status call_play_put(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__PlayPut put;
	struct trib_play *play = compiler_play(engine, call);
	bool again = false;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = trib_playbook_decide_put(engine->plays, play, (const Tributary__PlayPutRequest *)call->body,
						  engine->now_ms, &engine->arena, &put, &again, &call->error);
	if (status == TRIB_OK && !again)
		status = play_rules_put(engine, compiler_trees(engine, call), &put, &call->error);
	if (status == TRIB_OK && !again) {
		event.kind_case = TRIBUTARY__EVENT__KIND_PLAY_PUT;
		event.play_put = &put;
		engine->offered_play = play;
		status = engine_emit(engine, &event, &call->error);
		if (status == TRIB_OK)
			play = NULL; /* the book's now */
		engine->offered_play = NULL;
	}
	if (status == TRIB_OK) {
		Tributary__PlayPutAnswer answer = TRIBUTARY__PLAY_PUT_ANSWER__INIT;

		answer.id = trib_arena_copy(&engine->arena, call->name);
		answer.parent = versioned(engine, put.parent, put.parent_version);
		answer.has_version = answer.has_active = answer.has_position = true;
		answer.version = put.version;
		answer.active = trib_playbook_version(engine->plays, trib_playbook_number(engine->plays, call->name),
						      engine->now_ms);
		answer.position = engine->position;
		play_rules_show(engine, put.name, put.version, engine->now_ms, &answer.n_trees, &answer.trees);
		trib_proto_to_json(&answer.base, TRIB_PROTO_SET_FIELDS, &call->reply);
		call->http_status = !again && put.version == 1 ? 201 : 200;
	}
	trib_play_free(play);
	return status;
}

/* What became of an activation that was decided. */
static trib_status activate(struct trib_engine *engine, struct trib_call *call, Tributary__PlayActivated *activated,
			    bool again)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__ActivateAnswer answer = TRIBUTARY__ACTIVATE_ANSWER__INIT;
	trib_status status = TRIB_OK;

	event.kind_case = TRIBUTARY__EVENT__KIND_PLAY_ACTIVATED;
	event.play_activated = activated;
	if (!again)
		status = engine_emit(engine, &event, &call->error);
	if (status == TRIB_OK && !again && activated->version)
		status = play_rules_activate(engine, activated, &answer.n_trees, &answer.trees, &call->error);
	if (status != TRIB_OK)
		return status;
	answer.id = activated->name;
	answer.has_version = answer.has_at = answer.has_position = true;
	answer.version = activated->version;
	answer.at = activated->at;
	answer.position = engine->position;
	trib_proto_to_json(&answer.base, TRIB_PROTO_SET_FIELDS, &call->reply);
	return TRIB_OK;
}

trib_status call_play_activate(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__ActivateRequest *request = (const Tributary__ActivateRequest *)call->body;
	Tributary__PlayActivated event;
	bool again;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = trib_playbook_decide_activate(engine->plays, call->name, request->version,
						       request->has_at ? request->at : engine->now_ms, engine->now_ms,
						       &event, &again, &call->error);
	return status == TRIB_OK ? activate(engine, call, &event, again) : status;
}

trib_status call_play_rollback(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__PlayActivated event;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = trib_playbook_decide_rollback(engine->plays, call->name, engine->now_ms, &event, &call->error);
	return status == TRIB_OK ? activate(engine, call, &event, false) : status;
}

trib_status call_play_close(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__PlayActivated event;
	bool again;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = trib_playbook_decide_close(engine->plays, call->name, engine->now_ms, &event, &again, &call->error);
	return status == TRIB_OK ? activate(engine, call, &event, again) : status;
}

/* --- Looking ------------------------------------------------------------------------------------------- */

/* The entities that a play may add fields to. */
static char *const entities[] = { "party",     "goods",	     "plan",   "activity", "enrolment",
				  "invitation", "sample", "shelf", "order" };

static void fill_play(struct trib_engine *engine, const struct trib_play *play, Tributary__PlayItem *item)
{
	item->entities = trib_arena_alloc(&engine->arena, sizeof(entities));
	item->title = (char *)trib_play_title(play);
	item->description = (char *)trib_play_description(play);
	item->when = (char *)trib_play_when(play);
	item->has_priority = true;
	item->priority = trib_play_priority(play);
	for (size_t i = 0; item->entities && i < TRIB_ARRAY_SIZE(entities); i++)
		if (trib_play_adds_to(play, trib_bytes_text(entities[i])))
			item->entities[item->n_entities++] = entities[i];
}

static void fill_item(struct trib_engine *engine, uint32_t number, Tributary__PlayItem *item)
{
	const char *name = trib_playbook_name(engine->plays, number);
	struct trib_error error;

	tributary__play_item__init(item);
	item->name = (char *)name;
	item->has_version = item->has_active = true;
	item->version = trib_playbook_newest(engine->plays, number);
	item->active = trib_playbook_version(engine->plays, number, engine->now_ms);
	uint32_t version = item->active ? item->active : item->version;
	const struct trib_play *play = trib_playbook_find(engine->plays, trib_bytes_text(name), version, &error);
	const Tributary__PlayPut *put = put_of(engine, number, version);
	char why[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 2];

	if (put)
		item->parent = versioned(engine, put->parent, put->parent_version);
	if (play) {
		fill_play(engine, play, item);
		return;
	}
	snprintf(why, sizeof(why), "%s: %s", error.at, error.text);
	item->unreadable = trib_arena_copy(&engine->arena, trib_bytes_text(why));
}

trib_status call_play_list(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t count = trib_playbook_count(engine->plays);

	engine_begin(engine, 0, &call->error); /* time moves on where nothing can be written, too */
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	for (uint32_t number = 1; number <= count; number++) {
		Tributary__PlayItem item;

		fill_item(engine, number, &item);
		if (number > 1)
			trib_buffer_add_char(&call->reply, ',');
		trib_proto_to_json(&item.base, TRIB_PROTO_SET_FIELDS, &call->reply);
		trib_arena_reset(&engine->arena);
	}
	trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return TRIB_OK;
}

static trib_status need_play(struct trib_engine *engine, struct trib_call *call, uint32_t *ret_number)
{
	*ret_number = trib_playbook_number(engine->plays, call->name);
	if (*ret_number)
		return TRIB_OK;
	return trib_fail(&call->error, TRIB_NOT_FOUND, "name", "found \"%.*s\", expected the name of a known play",
			 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
}

enum { SHOWN = 1000 };

static void add_versions(struct trib_engine *engine, uint32_t number, struct trib_buffer *json)
{
	uint32_t newest = trib_playbook_newest(engine->plays, number);

	trib_buffer_add_text(json, "\"versions\":[");
	for (uint32_t version = newest; version >= 1 && newest - version < SHOWN; version--) {
		Tributary__PlayVersionItem item = TRIBUTARY__PLAY_VERSION_ITEM__INIT;
		const Tributary__PlayPut *put;

		trib_arena_reset(&engine->arena);
		put = put_of(engine, number, version);
		if (!put)
			break;
		item.has_version = item.has_at = true;
		item.version = version;
		item.at = put->at;
		item.parent = versioned(engine, put->parent, put->parent_version);
		if (version < newest)
			trib_buffer_add_char(json, ',');
		trib_proto_to_json(&item.base, TRIB_PROTO_SET_FIELDS, json);
	}
	trib_buffer_add_char(json, ']');
}

static void add_activations(struct trib_engine *engine, uint32_t number, struct trib_buffer *json)
{
	uint32_t last = 0, version, shown = 0;
	int64_t from_ms;
	bool undone;

	while (trib_playbook_activation(engine->plays, number, last + 1, &version, &from_ms, &undone))
		last++;
	trib_buffer_add_text(json, "\"activations\":[");
	for (; last && shown < SHOWN; last--) {
		trib_playbook_activation(engine->plays, number, last, &version, &from_ms, &undone);
		if (!undone)
			trib_buffer_add_format(json, "%s{\"version\":%u,\"at\":%lld}", shown++ ? "," : "", version,
					       (long long)from_ms);
	}
	trib_buffer_add_char(json, ']');
}

trib_status call_play_get(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__PlayItem item;
	uint32_t number;
	trib_status status = need_play(engine, call, &number);

	if (status != TRIB_OK)
		return status;
	engine_begin(engine, 0, &call->error);
	fill_item(engine, number, &item);
	trib_buffer_add_text(&call->reply, "{\"play\":");
	trib_proto_to_json(&item.base, TRIB_PROTO_SET_FIELDS, &call->reply);
	trib_buffer_add_char(&call->reply, ',');
	add_versions(engine, number, &call->reply);
	trib_buffer_add_char(&call->reply, ',');
	add_activations(engine, number, &call->reply);
	trib_buffer_add_char(&call->reply, '}');
	return TRIB_OK;
}

trib_status call_play_version(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__PlayVersion answer = TRIBUTARY__PLAY_VERSION__INIT;
	uint32_t number;
	trib_status status = need_play(engine, call, &number);

	if (status != TRIB_OK)
		return status;
	uint32_t newest = trib_playbook_newest(engine->plays, number);

	if (call->version > newest)
		return trib_fail(&call->error, TRIB_NOT_FOUND, "version", "found %u, expected 1 to %u", call->version,
				 newest);
	engine_begin(engine, 0, &call->error);
	Tributary__PlayPut *put = put_of(engine, number, call->version);

	if (!put)
		return trib_fail(&call->error, TRIB_NO_MEMORY, "", "out of the memory granted to a command");
	answer.name = put->name;
	answer.has_version = answer.has_active = answer.has_at = true;
	answer.version = put->version;
	answer.active = trib_playbook_version(engine->plays, number, engine->now_ms);
	answer.parent = versioned(engine, put->parent, put->parent_version);
	answer.at = put->at;
	answer.n_files = put->n_files;
	answer.files = put->files;
	play_rules_show(engine, put->name, put->version, engine->now_ms, &answer.n_trees, &answer.trees);
	trib_proto_to_json(&answer.base, TRIB_PROTO_SET_FIELDS, &call->reply);
	return TRIB_OK;
}

/* --- Whose would it be? -------------------------------------------------------------------------------- */

static void add_candidate(struct trib_buffer *json, const char *play, uint32_t version, bool applies, bool won,
			  const char *why)
{
	Tributary__PlayCandidate candidate = TRIBUTARY__PLAY_CANDIDATE__INIT;

	candidate.play = (char *)play;
	candidate.has_version = candidate.has_applies = candidate.has_won = true;
	candidate.version = version;
	candidate.applies = applies;
	candidate.won = won;
	candidate.why = (char *)why;
	trib_proto_to_json(&candidate.base, TRIB_PROTO_SET_FIELDS, json);
}

/* Active ones that this release cannot read take nothing; that is told, too. */
static void add_unreadable(struct trib_engine *engine, struct trib_buffer *json)
{
	for (uint32_t number = 1; number <= trib_playbook_count(engine->plays); number++) {
		uint32_t version = trib_playbook_version(engine->plays, number, engine->now_ms);
		const char *name = trib_playbook_name(engine->plays, number);
		struct trib_error error;

		if (!version || trib_playbook_find(engine->plays, trib_bytes_text(name), version, &error))
			continue;
		add_candidate(json, name, version, false, false, "this release cannot read it");
		trib_buffer_add_char(json, ',');
	}
}

/* A merchant's request says whose it is, whether it does or not. */
static struct trib_bytes whose_request(struct trib_engine *engine, const struct trib_call *call, struct trib_buffer *text)
{
	struct trib_bytes given = call->source.size ? call->source : trib_bytes_text("{}");
	const struct trib_json *request;
	struct trib_error error;

	if (!trib_access_role_has_party(call->actor.role) ||
	    trib_json_parse(given, TRIB_LIMIT_JSON_DEPTH, &engine->arena, &request, &error) != TRIB_OK)
		return given;
	trib_buffer_add_format(text, "{\"role\":\"%s\",\"merchant\":", trib_access_role_word(call->actor.role));
	trib_json_add_string(text, call->actor.party_id);
	for (const struct trib_json *member = request->first; member; member = member->next) {
		if (trib_bytes_is(member->key, "role") || trib_bytes_is(member->key, "merchant"))
			continue;
		trib_buffer_add_char(text, ',');
		trib_json_add_string(text, member->key);
		trib_buffer_add_char(text, ':');
		trib_json_add(text, member, &engine->arena);
	}
	trib_buffer_add_char(text, '}');
	const char *copy = text->failed ? NULL : trib_arena_copy(&engine->arena, trib_buffer_bytes(text));

	return copy ? trib_bytes(copy, text->size) : given;
}

trib_status call_play_resolve(struct trib_engine *engine, struct trib_call *call)
{
	bool partly = trib_access_role_has_party(call->actor.role); /* whom other plays are for is not theirs to know */
	struct trib_buffer own;

	trib_buffer_init(&own, TRIB_LIMIT_FLOW_BYTES / 4);
	struct trib_bytes text = whose_request(engine, call, &own);

	trib_buffer_fini(&own);
	struct trib_play_candidate *candidates;
	const struct trib_json *request;
	const struct trib_play *won = NULL;
	uint32_t count;
	trib_status status =
		trib_json_parse(text, TRIB_LIMIT_JSON_DEPTH, &engine->arena, &request, &call->error);

	engine_begin(engine, 0, &call->error);
	if (status == TRIB_OK)
		status = trib_plays_explain(trib_playbook_active(engine->plays, engine->now_ms), request,
					    &engine->arena, &candidates, &count, &call->error);
	if (status != TRIB_OK)
		return status;
	for (uint32_t i = 0; i < count && !won; i++)
		won = candidates[i].applies ? candidates[i].play : NULL;
	trib_buffer_add_format(&call->reply, "{\"play\":\"%s\",\"version\":%u,\"candidates\":[",
			       won ? trib_play_name(won) : "default", won ? trib_play_version(won) : 0);
	for (uint32_t i = 0; i < count; i++) {
		if (partly && !candidates[i].applies)
			continue;
		add_candidate(&call->reply, trib_play_name(candidates[i].play),
			      trib_play_version(candidates[i].play), candidates[i].applies,
			      candidates[i].play == won, candidates[i].why);
		trib_buffer_add_char(&call->reply, ',');
	}
	if (!partly)
		add_unreadable(engine, &call->reply);
	add_candidate(&call->reply, "default", 0, true, !won, "the platform's own ways are for what is no play's");
	trib_buffer_add_text(&call->reply, "]}");
	return TRIB_OK;
}

/* --- Forms --------------------------------------------------------------------------------------------- */

/* "slot-live", which is its active version or else the newest, or "slot-live@2". *ret_play NULL: the platform's own ways. */
static trib_status find_form_play(struct trib_engine *engine, struct trib_call *call, const struct trib_play **ret_play)
{
	const char *at = call->play.size ? memrchr(call->play.data, '@', call->play.size) : NULL;
	struct trib_bytes name = trib_bytes(call->play.data, at ? (size_t)(at - call->play.data) : call->play.size);
	uint32_t number = trib_playbook_number(engine->plays, name);
	uint32_t active = trib_playbook_version(engine->plays, number, engine->now_ms);
	uint64_t version = active;

	*ret_play = NULL;
	if (!call->play.size || trib_bytes_is(call->play, "default"))
		return TRIB_OK;
	if (number && !active)
		version = trib_playbook_newest(engine->plays, number);
	if (!number || (at && (!trib_bytes_to_u64(trib_bytes(at + 1, call->play.size - name.size - 1), &version) ||
			       version > UINT32_MAX)))
		return trib_fail(&call->error, TRIB_NOT_FOUND, "play", "found \"%.*s\", expected a known play, or play@version",
				 (int)TRIB_MIN(call->play.size, (size_t)80), call->play.data);
	*ret_play = trib_playbook_find(engine->plays, name, (uint32_t)version, &call->error);
	return *ret_play ? TRIB_OK : call->error.status;
}

static trib_status find_form_noun(struct trib_call *call, enum trib_noun *ret_noun)
{
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++)
		if (trib_bytes_is(call->name, trib_noun_word((enum trib_noun)noun))) {
			*ret_noun = (enum trib_noun)noun;
			return TRIB_OK;
		}
	if (trib_noun_find(call->name, ret_noun))
		return TRIB_OK;
	return trib_fail(&call->error, TRIB_NOT_FOUND, "entity", "found \"%.*s\", expected party, goods, plan …",
			 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
}

static void add_form_fields(struct trib_engine *engine, const struct trib_play *play, Tributary__Form *form)
{
	enum { FIELDS_MAX = TRIB_LIMIT_SCHEMA_NODES };
	struct trib_play_form_field *found = trib_arena_alloc(&engine->arena, FIELDS_MAX * sizeof(*found));
	uint32_t count = found && play ? trib_play_form_fields(play, form->entity, found, FIELDS_MAX) : 0;
	Tributary__FormField *fields = trib_arena_alloc(&engine->arena, count * sizeof(*fields));

	form->fields = trib_arena_alloc(&engine->arena, count * sizeof(*form->fields));
	for (uint32_t i = 0; fields && form->fields && i < count; i++) {
		tributary__form_field__init(&fields[i]);
		fields[i].name = (char *)found[i].name.data;
		fields[i].title = found[i].title.size ? (char *)found[i].title.data : NULL;
		fields[i].description = found[i].description.size ? (char *)found[i].description.data : NULL;
		fields[i].type = found[i].type.size ? (char *)found[i].type.data : NULL;
		fields[i].widget = found[i].widget.size ? (char *)found[i].widget.data : NULL;
		fields[i].has_required = true;
		fields[i].required = found[i].required;
		fields[i].play = (char *)found[i].play;
		form->fields[form->n_fields++] = &fields[i];
	}
}

trib_status call_form(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__Form form = TRIBUTARY__FORM__INIT;
	const struct trib_play *play;
	struct trib_buffer schema, ext;
	enum trib_noun noun;
	trib_status status = find_form_noun(call, &noun);

	engine_begin(engine, 0, &call->error);
	if (status == TRIB_OK)
		status = find_form_play(engine, call, &play);
	if (status != TRIB_OK)
		return status;
	const ProtobufCMessageDescriptor *descriptor = trib_noun_descriptor(noun);

	trib_buffer_init(&schema, 16 << 20);
	trib_buffer_init(&ext, 16 << 20);
	trib_buffer_add_format(&schema, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$ref\":\"#/$defs/%s\",\"$defs\":{",
			       descriptor->short_name);
	trib_proto_schemas(&descriptor, 1, 1, "#/$defs/", &schema);
	trib_buffer_add_text(&schema, "}}");
	form.entity = (char *)trib_noun_word(noun);
	trib_play_form_schema(play, form.entity, &engine->arena, &ext);
	form.play = play ? (char *)trib_play_name(play) : "default";
	form.has_version = true;
	form.version = play ? trib_play_version(play) : 0;
	form.title = play && trib_play_title(play)[0] ? (char *)trib_play_title(play) : NULL;
	form.schema = (char *)trib_buffer_text(&schema);
	form.ext = (char *)trib_buffer_text(&ext);
	add_form_fields(engine, play, &form);
	trib_proto_to_json(&form.base, TRIB_PROTO_SET_FIELDS, &call->reply);
	trib_buffer_fini(&schema);
	trib_buffer_fini(&ext);
	return TRIB_OK;
}

/* --- What all of them add ------------------------------------------------------------------------------ */

/* Nouns whose ext is a play's. */
static bool has_play(enum trib_noun noun)
{
	const ProtobufCMessageDescriptor *descriptor = trib_noun_word(noun) ? trib_noun_descriptor(noun) : NULL;

	return descriptor && protobuf_c_message_descriptor_get_field_by_name(descriptor, "ext") &&
	       protobuf_c_message_descriptor_get_field_by_name(descriptor, "play") &&
	       protobuf_c_message_descriptor_get_field_by_name(descriptor, "play_version");
}

struct schemas {
	struct trib_engine *engine;
	struct trib_buffer *json;
	enum trib_noun noun;
	const struct trib_play **written; /* documents */
	uint32_t written_count, written_max;
	bool names; /* refer to the parts, or write them */
};

static void count_chain(void *context, const struct trib_play *play)
{
	for (; play; play = trib_play_up(play))
		((struct schemas *)context)->written_max++;
}

/* A play and its parents, which need not be active in that version: each once. */
static void add_documents(void *context, const struct trib_play *play)
{
	struct schemas *schemas = context;

	for (uint32_t i = 0; play; play = trib_play_up(play)) {
		for (i = 0; i < schemas->written_count && schemas->written[i] != play; i++)
			;
		if (i < schemas->written_count)
			continue;
		schemas->written[schemas->written_count++] = play;
		trib_play_write_document(play, &schemas->engine->arena, schemas->json);
	}
}

static void add_part(void *context, const struct trib_play *play)
{
	struct schemas *schemas = context;
	const char *word = trib_noun_word(schemas->noun), *name = trib_noun_descriptor(schemas->noun)->short_name;

	if (!trib_play_adds_to(play, trib_bytes_text(word)))
		return;
	if (schemas->names) {
		trib_buffer_add_format(schemas->json, ",{\"$ref\":\"#/components/schemas/%s.ext.%s\"}", name,
				       trib_play_name(play));
		return;
	}
	trib_buffer_add_format(schemas->json, ",\"%s.ext.%s\":", name, trib_play_name(play));
	trib_play_write_part(play, word, schemas->json);
}

static void add_noun(struct schemas *schemas, const struct trib_plays *plays)
{
	const char *name = trib_noun_descriptor(schemas->noun)->short_name;

	trib_buffer_add_format(schemas->json,
			       ",\"%s.ext.default\":{\"type\":\"object\",\"title\":\"of a play that asks for nothing, or of none\"},"
			       "\"%s.ext\":{\"description\":\"as its play has it\",\"type\":[\"object\",\"null\"],"
			       "\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"#/components/schemas/%s.ext.default\"}",
			       name, name, name);
	schemas->names = true;
	trib_plays_each(plays, add_part, schemas);
	trib_buffer_add_text(schemas->json, "]}");
	schemas->names = false;
	trib_plays_each(plays, add_part, schemas);
}

static void write_schemas(struct trib_engine *engine, const struct trib_plays *plays)
{
	struct schemas schemas = { .engine = engine, .json = &engine->play_schemas };

	trib_buffer_reset(&engine->play_schemas);
	trib_plays_each(plays, count_chain, &schemas);
	schemas.written = trib_alloc_zeroed(schemas.written_max + 1, sizeof(*schemas.written));
	trib_plays_each(plays, add_documents, &schemas);
	free(schemas.written);
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++) {
		schemas.noun = (enum trib_noun)noun;
		if (has_play(schemas.noun))
			add_noun(&schemas, plays);
	}
}

trib_status call_play_schemas(struct trib_engine *engine, struct trib_call *call)
{
	engine_begin(engine, 0, &call->error); /* time moves on where nothing can be written, too */
	const struct trib_plays *plays = trib_playbook_active(engine->plays, engine->now_ms);

	if (engine->play_schemas_of != trib_playbook_active_made(engine->plays))
		write_schemas(engine, plays);
	engine->play_schemas_of = trib_playbook_active_made(engine->plays);
	if (engine->play_schemas.failed)
		return trib_fail(&call->error, TRIB_LIMIT, "plays", "found plays with more schemas than one answer may hold");
	trib_buffer_add_char(&call->reply, '{');
	trib_buffer_add(&call->reply, engine->play_schemas.data + 1, engine->play_schemas.size - 1); /* but the first comma */
	trib_buffer_add_char(&call->reply, '}');
	return TRIB_OK;
}
