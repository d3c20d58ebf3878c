/* Formats live for ever: an old release's descriptors against today's. */
#include "proto/schema.h"

#include "proto/descriptor.pb-c.h"
#include "proto/descriptors.h"

typedef Google__Protobuf__FileDescriptorSet descriptor_set;
typedef Google__Protobuf__DescriptorProto message_descriptor;
typedef Google__Protobuf__FieldDescriptorProto field_descriptor;

static trib_status broken(struct trib_error *error, const message_descriptor *message,
			  const field_descriptor *field, const char *found, const char *expected)
{
	char at[TRIB_ERROR_AT_MAX];

	snprintf(at, sizeof(at), "%s%s%s", message->name, field ? "." : "",
		 field ? field->name : "");
	return trib_fail(error, TRIB_CONFLICT, at, "found %s, expected %s", found, expected);
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool is_reserved(const message_descriptor *message, int32_t number)
{
	for (size_t i = 0; i < message->n_reserved_range; i++)
		if (number >= message->reserved_range[i]->start &&
		    number < message->reserved_range[i]->end)
			return true;
	return false;
}

static trib_status compare_field(const message_descriptor *old_message, const field_descriptor *old,
				 const message_descriptor *new_message, struct trib_error *error)
{
	const field_descriptor *new = NULL;

	for (size_t i = 0; i < new_message->n_field; i++)
		if (new_message->field[i]->number == old->number)
			new = new_message->field[i];
	if (!new)
		return is_reserved(new_message, old->number)
			       ? TRIB_OK
			       : broken(error, old_message, old, "no such number",
					"the field, or its number in `reserved`");
	if (!same_text(old->name, new->name))
		return broken(error, old_message, old, new->name, old->name);
	if (old->type != new->type || !same_text(old->type_name, new->type_name))
		return broken(error, old_message, old, "another type",
			      "the type it was released with");
	if (old->label != new->label)
		return broken(error, old_message, old, "another label",
			      "the label it was released with");
	if (old->has_oneof_index != new->has_oneof_index ||
	    (old->has_oneof_index && old->oneof_index != new->oneof_index))
		return broken(error, old_message, old, "another oneof",
			      "the oneof it was released with");
	return TRIB_OK;
}

static trib_status compare_message(const message_descriptor *old, message_descriptor *const *news,
				   size_t count, struct trib_error *error)
{
	const message_descriptor *new = NULL;
	trib_status status = TRIB_OK;

	for (size_t i = 0; i < count; i++)
		if (same_text(news[i]->name, old->name))
			new = news[i];
	if (!new)
		return broken(error, old, NULL, "no such message", "the message");
	for (size_t i = 0; status == TRIB_OK && i < old->n_field; i++)
		status = compare_field(old, old->field[i], new, error);
	for (size_t i = 0; status == TRIB_OK && i < old->n_nested_type; i++)
		status = compare_message(old->nested_type[i], new->nested_type, new->n_nested_type,
					 error);
	/* A number that was given up must stay so. */
	for (size_t i = 0; status == TRIB_OK && i < new->n_field; i++)
		if (is_reserved(old, new->field[i]->number))
			status = broken(error, old, new->field[i], "a number that was reserved",
					"a new number");
	return status;
}

static trib_status compare_sets(const descriptor_set *old, const descriptor_set *new,
				struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (size_t i = 0; status == TRIB_OK && i < old->n_file; i++) {
		const Google__Protobuf__FileDescriptorProto *file = NULL;

		for (size_t n = 0; n < new->n_file; n++)
			if (same_text(new->file[n]->name, old->file[i]->name))
				file = new->file[n];
		if (!file)
			return trib_fail(error, TRIB_CONFLICT, old->file[i]->name,
					 "found no such file, expected it");
		if (!same_text(file->package, old->file[i]->package))
			return trib_fail(error, TRIB_CONFLICT, file->name,
					 "found package %s, expected %s", file->package,
					 old->file[i]->package);
		for (size_t m = 0; status == TRIB_OK && m < old->file[i]->n_message_type; m++)
			status = compare_message(old->file[i]->message_type[m], file->message_type,
						 file->n_message_type, error);
	}
	return status;
}

trib_status trib_proto_compatible_sets(struct trib_bytes old, struct trib_bytes new,
				       struct trib_error *error)
{
	descriptor_set *before = google__protobuf__file_descriptor_set__unpack(
		NULL, old.size, (const uint8_t *)old.data);
	descriptor_set *after = google__protobuf__file_descriptor_set__unpack(
		NULL, new.size, (const uint8_t *)new.data);
	trib_status status;

	if (before && after)
		status = compare_sets(before, after, error);
	else
		status = trib_fail(error, TRIB_CORRUPT, "",
				   "found other bytes, expected a FileDescriptorSet");
	google__protobuf__file_descriptor_set__free_unpacked(before, NULL);
	google__protobuf__file_descriptor_set__free_unpacked(after, NULL);
	return status;
}

trib_status trib_proto_compatible(struct trib_bytes old, struct trib_error *error)
{
	return trib_proto_compatible_sets(
		old, trib_bytes(trib_proto_descriptors, trib_proto_descriptors_size), error);
}
