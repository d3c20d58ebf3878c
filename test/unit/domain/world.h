/*
 * A small domain for tests: entities are written as JSON, as people PUT them, and every event is
 * kept, so that any test can replay its world.
 *
 *	struct world world;
 *	world_init(&world);
 *	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"m1\"}");
 *	uint32_t plan = world_number(&world, TRIB_NOUN_PLAN, "p1");
 *	world_fini(&world);
 */
#ifndef TRIB_TEST_WORLD_H
#define TRIB_TEST_WORLD_H

#include "test.h"

#include "domain/domain.h"
#include "domain/life.h"

struct world {
	struct trib_domain *domain;
	struct trib_arena arena;
	struct trib_error error;
	struct trib_domain_decision decision; /* of the last put or close that was not refused */
	int64_t now_ms;
	struct trib_buffer journal; /* size and bytes of each event */
};

static TRIB_UNUSED const struct trib_hash_key world_key = { { 7 } };

/* Conditions in tests are "level >= N" of the creator. */
static TRIB_UNUSED trib_status world_check(void *context, enum trib_condition_place place,
					   struct trib_bytes source, struct trib_error *error)
{
	return source.size > 9 && memcmp(source.data, "level >= ", 9) == 0
		       ? TRIB_OK
		       : trib_fail(error, TRIB_INVALID, "1:1",
				   "found something else, expected level >= N");
}

static TRIB_UNUSED bool world_creators_when(void *context, uint32_t condition, uint32_t creator,
					int64_t at_ms)
{
	const struct trib_domain *domain = ((struct world *)context)->domain;
	int64_t level = 0;

	trib_bytes_to_i64(trib_bytes(trib_domain_condition(domain, condition).data + 9,
				     trib_domain_condition(domain, condition).size - 9),
			  &level);
	return trib_domain_party(domain, creator)->level >= level;
}

static TRIB_UNUSED uint64_t world_hash_user(void *context, struct trib_bytes user)
{
	return trib_hash_keyed(user, &world_key);
}

static TRIB_UNUSED void world_hook(struct world *world)
{
	struct trib_domain_hooks hooks = { world, world_check, world_creators_when,
					   world_hash_user };

	trib_domain_set_hooks(world->domain, &hooks);
}

static TRIB_UNUSED void world_init(struct world *world)
{
	*world = (struct world){ .domain = trib_domain_new(&world_key), .now_ms = 1000 };
	trib_arena_init(&world->arena, 64 << 20);
	trib_buffer_init(&world->journal, 1 << 30);
	world_hook(world);
}

static TRIB_UNUSED void world_fini(struct world *world)
{
	const char *reason = "";

	if (!trib_domain_check(world->domain, &reason))
		fail_msg("%s", reason);
	trib_domain_free(world->domain);
	trib_arena_fini(&world->arena);
	trib_buffer_fini(&world->journal);
}

static TRIB_UNUSED void world_apply(struct world *world)
{
	for (uint32_t i = 0; i < world->decision.event_count; i++) {
		Tributary__Event *event = &world->decision.events[i];
		uint32_t size = (uint32_t)tributary__event__get_packed_size(event);

		trib_buffer_add(&world->journal, &size, sizeof(size));
		tributary__event__pack(event,
				       (uint8_t *)trib_buffer_reserve(&world->journal, size));
		world->journal.size += size;
		assert_ok(trib_domain_apply(world->domain, event, &world->error), world->error);
	}
}

static TRIB_UNUSED trib_status world_try(struct world *world, enum trib_noun noun, const char *json)
{
	ProtobufCMessage *message;

	trib_arena_reset(&world->arena);
	trib_status status = trib_proto_from_json(trib_noun_descriptor(noun), trib_bytes_text(json),
						  &world->arena, &message, &world->error);

	if (status == TRIB_OK)
		status = trib_domain_decide_put(world->domain, noun, message, world->now_ms,
						&world->arena, &world->decision, &world->error);
	if (status == TRIB_OK)
		world_apply(world);
	return status;
}

static TRIB_UNUSED uint32_t world_put(struct world *world, enum trib_noun noun, const char *json)
{
	if (world_try(world, noun, json) != TRIB_OK)
		fail_msg("%s: %s: %s", json, world->error.at, world->error.text);
	return world->decision.number;
}

static TRIB_UNUSED trib_status world_close(struct world *world, enum trib_noun noun, const char *id)
{
	trib_arena_reset(&world->arena);
	trib_status status =
		trib_domain_decide_close(world->domain, noun, trib_bytes_text(id), world->now_ms,
					 &world->arena, &world->decision, &world->error);

	if (status == TRIB_OK)
		world_apply(world);
	return status;
}

/* `json` is what the door of statuses takes. */
static TRIB_UNUSED trib_status world_status(struct world *world, enum trib_noun noun,
					    const char *id, const char *json)
{
	ProtobufCMessage *message;

	trib_arena_reset(&world->arena);
	trib_status status = trib_proto_from_json(&tributary__status_request__descriptor,
						  trib_bytes_text(json), &world->arena, &message,
						  &world->error);

	if (status == TRIB_OK)
		status = trib_domain_decide_status(world->domain, noun, trib_bytes_text(id),
						   (const Tributary__StatusRequest *)message,
						   world->now_ms, &world->arena, &world->decision,
						   &world->error);
	if (status == TRIB_OK)
		world_apply(world);
	return status;
}

/* 0 for NULL. */
static TRIB_UNUSED uint32_t world_number(const struct world *world, enum trib_noun noun,
					 const char *id)
{
	return id ? trib_domain_find(world->domain, noun, trib_bytes_text(id)) : 0;
}

/* The JSON of an entity, as GET shows it; valid until the next call that uses the arena. */
static TRIB_UNUSED const char *world_get(struct world *world, enum trib_noun noun, const char *id)
{
	struct trib_record *record =
		trib_domain_record(world->domain, noun, world_number(world, noun, id));
	struct trib_entity entity;
	struct trib_buffer json;

	assert_non_null(record);
	trib_arena_reset(&world->arena);
	trib_buffer_init(&json, 1 << 20);
	assert_ok(trib_record_unpack(record, noun, &world->arena, &entity, &world->error),
		  world->error);
	trib_proto_to_json(entity.message, TRIB_PROTO_SET_FIELDS, &json);
	const char *text = trib_arena_copy(&world->arena, trib_buffer_bytes(&json));

	trib_buffer_fini(&json);
	trib_record_unref(record);
	return text;
}

/* A second domain, folded from the journal of the first. */
static TRIB_UNUSED struct trib_domain *world_replay(struct world *world)
{
	struct trib_domain *domain = trib_domain_new(&world_key);

	for (size_t at = 0; at < world->journal.size;) {
		uint32_t size;

		memcpy(&size, world->journal.data + at, sizeof(size));
		Tributary__Event *event = tributary__event__unpack(
			NULL, size, (const uint8_t *)world->journal.data + at + sizeof(size));

		assert_non_null(event);
		assert_ok(trib_domain_apply(domain, event, &world->error), world->error);
		tributary__event__free_unpacked(event, NULL);
		at += sizeof(size) + size;
	}
	return domain;
}

/* An action by somebody, NULL: the platform; what it comes to is applied. */
static inline trib_status world_act(struct world *world, const struct trib_actor *actor, enum trib_noun noun, const char *id,
		       const char *action, const char *json)
{
	const char *to = NULL;
	ProtobufCMessage *request;

	trib_arena_reset(&world->arena);
	assert_ok(trib_proto_from_json(&tributary__action_request__descriptor, trib_bytes_text(json), &world->arena,
				       &request, &world->error),
		  world->error);
	trib_domain_set_actor(world->domain, actor);
	trib_status status = trib_domain_decide_action(world->domain, noun, trib_bytes_text(id), trib_bytes_text(action),
						       (const Tributary__ActionRequest *)request, world->now_ms,
						       &world->arena, &world->decision, &to, &world->error);

	trib_domain_set_actor(world->domain, NULL);
	if (status == TRIB_OK)
		world_apply(world);
	return status;
}

#endif
