/*
 * Any bytes as JSON, and as each kind of message that comes in. Beyond not crashing: canonical form is a fixed
 * point, and a message that is taken comes back from its own JSON with the same bytes.
 */
#include "base/limits.h"
#include "proto/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const kinds[] = {
	&tributary__party__descriptor,	       &tributary__goods__descriptor,
	&tributary__plan__descriptor,	       &tributary__registration__descriptor,
	&tributary__link_request__descriptor,  &tributary__touch_request__descriptor,
	&tributary__order_request__descriptor, &tributary__batch__descriptor,
};

static void try_canonical(struct trib_bytes text, struct trib_arena *arena)
{
	struct trib_buffer first, second;

	trib_buffer_init(&first, 16 << 20);
	trib_buffer_init(&second, 16 << 20);
	if (trib_json_canonical(text, arena, &first, NULL) == TRIB_OK) {
		trib_assert(trib_json_canonical(trib_buffer_bytes(&first), arena, &second, NULL) ==
			    TRIB_OK);
		trib_assert(
			trib_bytes_equal(trib_buffer_bytes(&first), trib_buffer_bytes(&second)));
	}
	trib_buffer_fini(&first);
	trib_buffer_fini(&second);
}

static void pack(const ProtobufCMessage *message, struct trib_buffer *buffer)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	trib_buffer_reset(buffer);
	protobuf_c_message_pack(message, (uint8_t *)trib_buffer_reserve(buffer, size + 1));
	buffer->size = size;
}

static void try_message(const ProtobufCMessageDescriptor *kind, struct trib_bytes text,
			struct trib_arena *arena)
{
	struct trib_buffer json, before, after;
	ProtobufCMessage *message, *again;
	struct trib_error error;

	if (trib_proto_from_json(kind, text, arena, &message, &error) != TRIB_OK)
		return;
	if (kind == &tributary__party__descriptor)
		((Tributary__Party *)message)->n_user_ids = 0; /* write-only */
	trib_buffer_init(&json, 64 << 20);
	trib_buffer_init(&before, 64 << 20);
	trib_buffer_init(&after, 64 << 20);
	trib_proto_to_json(message, TRIB_PROTO_SET_FIELDS, &json);
	trib_assert(trib_proto_from_json(kind, trib_buffer_bytes(&json), arena, &again, &error) ==
		    TRIB_OK);
	pack(message, &before);
	pack(again, &after);
	trib_assert(trib_bytes_equal(trib_buffer_bytes(&before), trib_buffer_bytes(&after)));
	trib_buffer_fini(&json);
	trib_buffer_fini(&before);
	trib_buffer_fini(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trib_bytes text = trib_bytes(data, size);
	struct trib_arena arena;

	trib_arena_init(&arena, 64 << 20);
	try_canonical(text, &arena);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(kinds); i++) {
		trib_arena_reset(&arena);
		try_message(kinds[i], text, &arena);
	}
	trib_arena_fini(&arena);
	return 0;
}
