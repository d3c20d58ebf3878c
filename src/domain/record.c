/*
 * Whole entities, packed: what GET shows and the store keeps. Shared between threads by counting.
 */
#include "domain/private.h"

struct trib_record *trib_record_new(size_t size)
{
	struct trib_record *record = trib_alloc(sizeof(*record) + size);

	trib_assert(size <= UINT32_MAX);
	atomic_init(&record->references, 1);
	record->size = (uint32_t)size;
	return record;
}

struct trib_record *trib_record_ref(struct trib_record *record)
{
	atomic_fetch_add_explicit(&record->references, 1, memory_order_relaxed);
	return record;
}

void trib_record_unref(struct trib_record *record)
{
	if (record && atomic_fetch_sub_explicit(&record->references, 1, memory_order_acq_rel) == 1)
		free(record);
}

struct trib_record *trib_record_of(struct trib_bytes bytes)
{
	struct trib_record *record = trib_record_new(bytes.size);

	if (bytes.size)
		memcpy(record->bytes, bytes.data, bytes.size);
	return record;
}

struct trib_bytes trib_domain_look(const struct trib_domain *domain, enum trib_noun noun,
				   uint32_t number)
{
	return trib_record_bytes(*trib_domain_record_slot(domain, noun, number));
}

/* First the slots of all, then, once they are there, what they point to. */
void trib_domain_prefetch_record(const struct trib_domain *domain, enum trib_noun noun,
				 uint32_t number, bool slot)
{
	struct trib_record **place = trib_domain_record_slot(domain, noun, number);

	if (slot) {
		TRIB_PREFETCH(place);
		return;
	}
	TRIB_PREFETCH(*place);
	TRIB_PREFETCH((const char *)*place + 64);
}

struct trib_bytes trib_record_bytes(const struct trib_record *record)
{
	return trib_bytes(record->bytes, record->size);
}

static void *arena_allocate(void *arena, size_t size)
{
	return trib_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *memory)
{
}

ProtobufCMessage *trib_domain_unpack(const ProtobufCMessageDescriptor *descriptor,
				     struct trib_bytes bytes, struct trib_arena *arena)
{
	ProtobufCAllocator allocator = { arena_allocate, arena_free, arena };

	return protobuf_c_message_unpack(descriptor, &allocator, bytes.size,
					 (const uint8_t *)bytes.data);
}

/* user_hashes as people see them: 16 hexadecimal digits each. */
static trib_status show_users(const Tributary__PartyPut *put, struct trib_arena *arena)
{
	size_t count = put->n_user_hash;
	char **texts = trib_arena_alloc(arena, (count + 1) * sizeof(*texts));
	char *digits = trib_arena_alloc(arena, count * 17 + 1);

	if (!texts || !digits)
		return TRIB_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		texts[i] = digits + i * 17;
		snprintf(texts[i], 17, "%016llx", (unsigned long long)put->user_hash[i]);
	}
	put->party->user_hashes = texts;
	put->party->n_user_hashes = count;
	return TRIB_OK;
}

static trib_status show_hash(Tributary__BlockPut *put, struct trib_arena *arena)
{
	char *digits = put->has_user_hash ? trib_arena_alloc(arena, 17) : NULL;

	if (put->has_user_hash && !digits)
		return TRIB_NO_MEMORY;
	if (digits)
		snprintf(digits, 17, "%016llx", (unsigned long long)put->user_hash);
	put->block->value_hash = digits;
	return TRIB_OK;
}

static trib_status fill_entity(ProtobufCMessage *put, enum trib_noun noun, struct trib_arena *arena,
			       struct trib_entity *ret_entity)
{
	/* The Puts begin alike but their types differ. */
	if (noun == TRIB_NOUN_PARTY) {
		Tributary__PartyPut *party = (Tributary__PartyPut *)put;

		if (!party->party || show_users(party, arena) != TRIB_OK)
			return TRIB_CORRUPT;
		*ret_entity =
			(struct trib_entity){ &party->party->base, party->number, party->version };
	} else if (noun == TRIB_NOUN_GOODS) {
		Tributary__GoodsPut *goods = (Tributary__GoodsPut *)put;

		if (!goods->goods)
			return TRIB_CORRUPT;
		*ret_entity =
			(struct trib_entity){ &goods->goods->base, goods->number, goods->version };
	} else if (noun == TRIB_NOUN_PLAN) {
		Tributary__PlanPut *plan = (Tributary__PlanPut *)put;

		if (!plan->plan)
			return TRIB_CORRUPT;
		*ret_entity =
			(struct trib_entity){ &plan->plan->base, plan->number, plan->version };
	} else if (noun == TRIB_NOUN_BLOCK) {
		Tributary__BlockPut *block = (Tributary__BlockPut *)put;

		if (!block->block || show_hash(block, arena) != TRIB_OK)
			return TRIB_CORRUPT;
		*ret_entity =
			(struct trib_entity){ &block->block->base, block->number, block->version };
	} else if (trib_noun_is_cold(noun)) {
		struct trib_cold_put *cold = (struct trib_cold_put *)put;

		if (!cold->entity)
			return TRIB_CORRUPT;
		*ret_entity = (struct trib_entity){ cold->entity, cold->number, cold->version };
	} else {
		Tributary__RegistrationPut *registration = (Tributary__RegistrationPut *)put;

		if (!registration->registration)
			return TRIB_CORRUPT;
		*ret_entity = (struct trib_entity){ &registration->registration->base,
						    registration->number, registration->version };
	}
	return TRIB_OK;
}

trib_status trib_record_unpack(const struct trib_record *record, enum trib_noun noun,
			       struct trib_arena *arena, struct trib_entity *ret_entity,
			       struct trib_error *error)
{
	ProtobufCMessage *put =
		trib_domain_unpack(trib_put_descriptor(noun), trib_record_bytes(record), arena);

	if (!put || fill_entity(put, noun, arena, ret_entity) != TRIB_OK)
		return trib_fail(error, TRIB_CORRUPT, trib_noun_word(noun),
				 "found bytes that cannot be read, expected a packed entity");
	return TRIB_OK;
}

/* A string or number field by its name, of messages that have it. */
static void *field_of(ProtobufCMessage *message, const char *name, bool stated)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

	if (field->type != PROTOBUF_C_TYPE_STRING)
		*(protobuf_c_boolean *)((char *)message + field->quantifier_offset) = stated;
	return (char *)message + field->offset;
}

struct trib_bytes trib_domain_ext(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
				  struct trib_arena *arena)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(trib_noun_descriptor(noun), "ext");
	const struct trib_record *record = number ? *trib_domain_record_slot(domain, noun, number) : NULL;
	struct trib_entity entity;

	if (!field || !record || trib_record_unpack(record, noun, arena, &entity, NULL) != TRIB_OK)
		return trib_bytes("", 0);
	const char *ext = *(const char *const *)((const char *)entity.message + field->offset);

	return trib_bytes_text(ext ? ext : "");
}

void trib_domain_show(const struct trib_domain *domain, enum trib_noun noun, int64_t at_ms,
		      const struct trib_entity *entity)
{
	ProtobufCMessage *message = entity->message;

	*(uint32_t *)field_of(message, "number", true) = entity->number;
	*(uint32_t *)field_of(message, "version", true) = entity->version;
	if (trib_noun_is_cold(noun))
		trib_recruiting_show(domain, noun, at_ms, entity->number, message);
	if (!trib_status_is_timed(domain, noun, entity->number))
		return;
	uint8_t status = trib_domain_status(domain, noun, entity->number, at_ms);

	*(const char **)field_of(message, "status", true) = trib_status_word_of(status);
	if (noun != TRIB_NOUN_GOODS)
		return;
	int64_t withdrawn_at = trib_domain_withdrawn_at(domain, entity->number);

	*(int64_t *)field_of(message, "withdrawn_at", withdrawn_at != 0) = withdrawn_at;
}
