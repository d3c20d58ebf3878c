/* Cold nouns: what a change comes to, and the fold. */
#include "domain/cold.h"

#include "domain/private.h"

static trib_cold_check *const checks[TRIB_NOUN_COUNT] = {
#define X(name, check, fold) [TRIB_NOUN_##name] = check,
	TRIB_COLD_CODE_TABLE(X)
#undef X
};

static trib_cold_fold *const folds[TRIB_NOUN_COUNT] = {
#define X(name, check, fold) [TRIB_NOUN_##name] = fold,
	TRIB_COLD_CODE_TABLE(X)
#undef X
};

/* All Puts of cold nouns are laid out alike. */
#define X(name, Type, field)                                                                       \
	_Static_assert(offsetof(Tributary__##Type##Put, field) ==                                  \
				       offsetof(struct trib_cold_put, entity) &&                   \
			       offsetof(Tributary__##Type##Put, version) ==                        \
				       offsetof(struct trib_cold_put, version) &&                  \
			       sizeof(Tributary__##Type##Put) == sizeof(struct trib_cold_put),     \
		       "number, version, the entity");
TRIB_COLD_NOUN_TABLE(X)
#undef X

bool trib_noun_is_cold(enum trib_noun noun)
{
	switch (noun) {
#define X(name, Type, field) case TRIB_NOUN_##name:
		TRIB_COLD_NOUN_TABLE(X)
#undef X
		return true;
	default:
		return false;
	}
}

bool trib_event_is_of_cold_noun(Tributary__Event__KindCase kind)
{
	switch (kind) {
#define X(name, Type, field) case TRIBUTARY__EVENT__KIND_##name##_PUT:
		TRIB_COLD_NOUN_TABLE(X)
#undef X
		return true;
	default:
		return false;
	}
}

Tributary__Event trib_cold_event(enum trib_noun noun, ProtobufCMessage *put)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;

	switch (noun) {
#define X(name, Type, field)                                                                       \
	case TRIB_NOUN_##name:                                                                     \
		event.kind_case = TRIBUTARY__EVENT__KIND_##name##_PUT;                             \
		event.field##_put = (Tributary__##Type##Put *)put;                                 \
		break;
		TRIB_COLD_NOUN_TABLE(X)
#undef X
	default:
		trib_assert(!"a cold noun");
	}
	return event;
}

const struct trib_cold_entry *trib_domain_cold(const struct trib_domain *domain, enum trib_noun noun,
					       uint32_t number)
{
	return (const struct trib_cold_entry *)domain->columns[noun].data + number;
}

/* ---- Fields that all have ----------------------------------------------------------------- */

static void *field_of(const ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

	trib_assert(field);
	return (char *)message + field->offset;
}

static char **status_of(const ProtobufCMessage *entity)
{
	return field_of(entity, "status");
}

const char *trib_cold_id(const ProtobufCMessage *entity)
{
	return *(char **)field_of(entity, "id");
}

static void leave_out(ProtobufCMessage *message, const char *name)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

	trib_assert(field);
	*(protobuf_c_boolean *)((char *)message + field->quantifier_offset) = false;
}

/* The history is the server's: that of `before`, or none. */
static void carry_history(ProtobufCMessage *entity, const ProtobufCMessage *before)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(entity->descriptor, "history");

	trib_assert(field);
	*(size_t *)((char *)entity + field->quantifier_offset) =
		before ? *(const size_t *)((const char *)before + field->quantifier_offset) : 0;
	*(void **)((char *)entity + field->offset) =
		before ? *(void *const *)((const char *)before + field->offset) : NULL;
}

/* ---- For checks --------------------------------------------------------------------------- */

trib_status trib_cold_no_memory(struct trib_cold *cold)
{
	return trib_fail(cold->error, TRIB_TOO_LARGE, "",
			 "found more than one command may hold, expected less");
}

trib_status trib_cold_need_stated(struct trib_cold *cold, const char *value, const char *at)
{
	if (value && value[0])
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_INVALID, at, "found nothing, expected a value");
}

trib_status trib_cold_need_known(struct trib_cold *cold, enum trib_noun noun, const char *id, const char *at)
{
	if (!id || trib_domain_find(cold->domain, noun, trib_text(id)) ||
	    (noun == cold->noun && cold->beside && trib_names_find(cold->beside, trib_text(id))))
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_INVALID, at, "found \"%.64s\", expected the id of a known %s", id,
			 trib_noun_word(noun));
}

trib_status trib_cold_need_party(struct trib_cold *cold, const char *id, const char *at)
{
	trib_status status = trib_cold_need_stated(cold, id, at);

	return status == TRIB_OK ? trib_cold_need_known(cold, TRIB_NOUN_PARTY, id, at) : status;
}

trib_status trib_cold_need_condition(struct trib_cold *cold, enum trib_condition_place place, const char *source,
				     const char *at)
{
	const struct trib_domain_hooks *hooks = &cold->domain->hooks;
	struct trib_error why = { 0 };

	if (!source || !source[0])
		return TRIB_OK;
	if (!hooks->check_condition)
		return trib_fail(cold->error, TRIB_UNSUPPORTED, at, "found a condition, expected none here");
	trib_status status = hooks->check_condition(hooks->context, place, trib_text(source), &why);

	return status == TRIB_OK ? TRIB_OK : trib_fail_condition(cold->error, status, at, &why);
}

trib_status trib_cold_add(struct trib_cold *cold, const struct trib_domain_decision *decision)
{
	uint32_t count = cold->also_count + decision->event_count;
	Tributary__Event *events = trib_arena_alloc(cold->arena, (count + 1) * sizeof(*events));

	if (!events)
		return trib_cold_no_memory(cold);
	if (cold->also_count)
		memcpy(events, cold->also, cold->also_count * sizeof(*events));
	if (decision->event_count)
		memcpy(events + cold->also_count, decision->events, decision->event_count * sizeof(*events));
	cold->also = events;
	cold->also_count = count;
	return TRIB_OK;
}

ProtobufCMessage *trib_cold_read(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
				 struct trib_arena *arena)
{
	if (number == 0 || number > trib_domain_count(domain, noun))
		return NULL;
	const struct trib_record *record = *trib_domain_record_slot(domain, noun, number);
	struct trib_cold_put *put = (struct trib_cold_put *)trib_domain_unpack(
		trib_put_descriptor(noun), trib_record_bytes(record), arena);

	return put ? put->entity : NULL;
}

/* ---- Deciding ----------------------------------------------------------------------------- */

static struct trib_cold begin(const struct trib_domain *domain, enum trib_noun noun, int64_t now_ms,
			      struct trib_arena *arena, struct trib_error *error)
{
	return (struct trib_cold){ .domain = domain,
				   .noun = noun,
				   .now_ms = now_ms,
				   .arena = arena,
				   .actor = trib_domain_actor(domain),
				   .error = error };
}

/* The entity as it is, and a copy to be changed. */
static trib_status begin_with(struct trib_cold *cold, const ProtobufCMessage *given)
{
	size_t size = given->descriptor->sizeof_message;

	cold->entity = trib_arena_alloc(cold->arena, size);
	if (!cold->entity)
		return trib_cold_no_memory(cold);
	memcpy(cold->entity, given, size);
	leave_out(cold->entity, "number");
	leave_out(cold->entity, "version");
	carry_history(cold->entity, cold->before);
	return TRIB_OK;
}

static trib_status check_owner(struct trib_cold *cold, const ProtobufCMessage *entity)
{
	const struct trib_actor *actor = cold->actor;

	if (!entity || trib_life_is_own(entity, actor))
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_FORBIDDEN, trib_access_role_word(actor->role),
			 "found another's %s, expected one of \"" TRIB_BYTES_FMT "\"", trib_noun_word(cold->noun),
			 TRIB_BYTES_ARG(actor->party_id));
}

static trib_status finish(struct trib_cold *cold, ProtobufCMessage **ret_put)
{
	const ProtobufCMessageDescriptor *descriptor = trib_put_descriptor(cold->noun);
	struct trib_cold_put *put;

	if (checks[cold->noun])
		TRY(checks[cold->noun](cold));
	put = trib_arena_alloc(cold->arena, sizeof(*put));
	if (!put)
		return trib_cold_no_memory(cold);
	descriptor->message_init(&put->base);
	put->entity = cold->entity;
	*ret_put = &put->base;
	return TRIB_OK;
}

/* The first item of its history: who made it, or opened it again, and when. */
static trib_status note_beginning(struct trib_cold *cold)
{
	bool again = cold->from && strcmp(cold->from, "closed") == 0;

	if (cold->number && !again)
		return TRIB_OK;
	return trib_life_note(cold->entity,
			      trib_life_item(trib_text(again ? "reopen" : "create"), *status_of(cold->entity), NULL,
					     cold->actor, cold->now_ms, cold->arena),
			      cold->arena) ?
		       TRIB_OK :
		       trib_cold_no_memory(cold);
}

trib_status trib_cold_decide_put(const struct trib_domain *domain, enum trib_noun noun,
				 const ProtobufCMessage *given, int64_t now_ms, const struct trib_names *beside,
				 struct trib_arena *arena, ProtobufCMessage **ret_put,
				 struct trib_domain_decision *ret_first, struct trib_error *error)
{
	struct trib_cold cold = begin(domain, noun, now_ms, arena, error);
	const char *stated = *status_of(given);
	ProtobufCMessage *put;

	cold.beside = beside;
	cold.number = trib_domain_find(domain, noun, trib_text(trib_cold_id(given)));
	if (cold.number && !(cold.before = trib_cold_read(domain, noun, cold.number, arena)))
		return trib_cold_no_memory(&cold);
	TRY(begin_with(&cold, given));
	TRY(check_owner(&cold, cold.before));
	cold.from = cold.number ? trib_domain_cold(domain, noun, cold.number)->status : NULL;
	cold.to = cold.from && strcmp(cold.from, "closed") != 0 ? cold.from : trib_life_begin(noun);
	if (stated && !trib_life_status(noun, stated))
		return trib_fail(error, TRIB_INVALID, "status", "found \"%.64s\", expected %s", stated, cold.to);
	if (stated && strcmp(stated, cold.to) != 0)
		return trib_fail(error, TRIB_REFUSED, "status", "found \"%s\", expected %s: actions change it",
				 stated, cold.to);
	*status_of(cold.entity) = (char *)cold.to;
	TRY(finish(&cold, &put));
	TRY(note_beginning(&cold));
	TRY(check_owner(&cold, cold.entity)); /* now: a check may have said whose it is, where the body leaves it out */
	*ret_put = put;
	*ret_first = (struct trib_domain_decision){ .events = cold.also, .event_count = cold.also_count };
	return TRIB_OK;
}

static trib_status make_events(struct trib_cold *cold, ProtobufCMessage *put,
			       struct trib_domain_decision *ret_decision)
{
	struct trib_cold_put *numbered = (struct trib_cold_put *)put;
	uint32_t version = trib_domain_cold(cold->domain, cold->noun, cold->number)->version + 1;
	Tributary__Event event;

	numbered->has_number = numbered->has_version = true;
	numbered->number = cold->number;
	numbered->version = version;
	event = trib_cold_event(cold->noun, put);
	TRY(trib_cold_add(cold, &(struct trib_domain_decision){ .events = &event, .event_count = 1 }));
	*ret_decision = (struct trib_domain_decision){ .events = cold->also,
						       .event_count = cold->also_count,
						       .number = cold->number,
						       .version = version };
	return TRIB_OK;
}

/* The entity with another status; `row` NULL: DELETE. */
static trib_status act(struct trib_cold *cold, const struct trib_life_row *row,
		       struct trib_domain_decision *ret_decision)
{
	ProtobufCMessage *put;

	TRY(begin_with(cold, cold->before));
	TRY(check_owner(cold, cold->before));
	cold->to = row ? row->to : trib_life_status(cold->noun, "closed");
	if (row && row->hook)
		TRY(row->hook(cold));
	*status_of(cold->entity) = (char *)cold->to;
	if (!trib_life_note(cold->entity,
			    trib_life_item(cold->action, cold->to, cold->request, cold->actor, cold->now_ms,
					   cold->arena),
			    cold->arena))
		return trib_cold_no_memory(cold);
	TRY(finish(cold, &put));
	return make_events(cold, put, ret_decision);
}

static trib_status begin_known(struct trib_cold *cold, struct trib_bytes id)
{
	cold->number = trib_domain_find(cold->domain, cold->noun, id);
	if (!cold->number)
		return trib_fail(cold->error, TRIB_NOT_FOUND, "id",
				 "found \"" TRIB_BYTES_FMT "\", expected the id of a known %s",
				 (int)TRIB_MIN(id.size, (size_t)64), id.data, trib_noun_word(cold->noun));
	cold->from = trib_domain_cold(cold->domain, cold->noun, cold->number)->status;
	cold->before = trib_cold_read(cold->domain, cold->noun, cold->number, cold->arena);
	return cold->before ? TRIB_OK : trib_cold_no_memory(cold);
}

trib_status trib_cold_decide_close(const struct trib_domain *domain, enum trib_noun noun, struct trib_bytes id,
				   int64_t now_ms, struct trib_arena *arena,
				   struct trib_domain_decision *ret_decision, struct trib_error *error)
{
	struct trib_cold cold = begin(domain, noun, now_ms, arena, error);

	TRY(begin_known(&cold, id));
	cold.action = trib_text("delete");
	if (strcmp(cold.from, "closed") != 0)
		return act(&cold, NULL, ret_decision);
	*ret_decision = (struct trib_domain_decision){
		.number = cold.number, .version = trib_domain_cold(domain, noun, cold.number)->version
	};
	return TRIB_OK;
}

trib_status trib_domain_decide_action(const struct trib_domain *domain, enum trib_noun noun, struct trib_bytes id,
				      struct trib_bytes action, const Tributary__ActionRequest *request,
				      int64_t now_ms, struct trib_arena *arena,
				      struct trib_domain_decision *ret_decision, const char **ret_status,
				      struct trib_error *error)
{
	struct trib_cold cold = begin(domain, noun, now_ms, arena, error);
	const struct trib_life_row *row;

	if (noun == TRIB_NOUN_PLAN)
		return trib_plan_decide_action(domain, id, action, request, now_ms, arena, ret_decision,
					       ret_status, error);
	if (!trib_noun_is_cold(noun))
		return trib_fail(error, TRIB_NOT_FOUND, "action", "found \"%.*s\", expected no action of %s",
				 (int)TRIB_MIN(action.size, (size_t)32), action.data, trib_noun_word(noun));
	TRY(begin_known(&cold, id));
	TRY(trib_life_check(noun, action, cold.from, cold.actor, &row, error));
	cold.action = action;
	cold.request = request;
	TRY(act(&cold, row, ret_decision));
	*ret_status = cold.to;
	return TRIB_OK;
}

/* ---- The fold ----------------------------------------------------------------------------- */

trib_status trib_fold_cold(struct trib_domain *domain, enum trib_noun noun, const struct trib_cold_put *put,
			   struct trib_record *record, struct trib_error *error)
{
	trib_status status = trib_fold_begin(domain, noun, put->number, put->version,
					     put->entity ? trib_cold_id(put->entity) : NULL, error);

	if (status != TRIB_OK)
		return status;
	const char *word = trib_life_status(noun, *status_of(put->entity));

	if (!word)
		return trib_fold_refuse(error, noun, put->number, "found a status that is none of its life cycle");
	trib_fold_enter(domain, noun, put->number, put->version, trib_cold_id(put->entity), &put->base, record);
	((struct trib_cold_entry *)domain->columns[noun].data)[put->number] =
		(struct trib_cold_entry){ word, put->version };
	if (folds[noun])
		folds[noun](domain, put->number, put->entity);
	return TRIB_OK;
}

bool trib_cold_apply(struct trib_domain *domain, const Tributary__Event *event, trib_status *ret_status,
		     struct trib_error *error)
{
	switch (event->kind_case) {
#define X(name, Type, field)                                                                       \
	case TRIBUTARY__EVENT__KIND_##name##_PUT:                                                  \
		*ret_status = trib_fold_cold(domain, TRIB_NOUN_##name,                             \
					     (const struct trib_cold_put *)(const void *)event->field##_put,     \
					     NULL, error);                                         \
		return true;
		TRIB_COLD_NOUN_TABLE(X)
#undef X
	default:
		return false;
	}
}

/* The first broken invariant of a noun, NULL for none. */
const char *trib_cold_broken(const struct trib_domain *domain, enum trib_noun noun)
{
	struct trib_arena arena;
	const char *broken = NULL;

	trib_arena_init(&arena, SIZE_MAX);
	for (uint32_t i = 1; !broken && i <= trib_domain_count(domain, noun); i++) {
		const struct trib_cold_entry *entry = trib_domain_cold(domain, noun, i);
		const ProtobufCMessage *entity = trib_cold_read(domain, noun, i, &arena);

		if (!entity || !trib_bytes_is(trib_domain_id(domain, noun, i), trib_cold_id(entity)))
			broken = "a cold entity has no record of its own";
		else if (!entry->version || !entry->status || strcmp(*status_of(entity), entry->status) != 0)
			broken = "a cold entity has another status than its record";
		trib_arena_reset(&arena);
	}
	trib_arena_fini(&arena);
	return broken;
}
