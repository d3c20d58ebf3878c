/* JSON Schema of every message is well-formed JSON with what the rules say; incompatible descriptors are caught. */
#include "test.h"

#include <glob.h>
#include <jansson.h>
#include "proto/descriptor.pb-c.h"
#include "proto/descriptors.h"
#include "proto/proto.h"

static void test_schema(void **state)
{
	const ProtobufCMessageDescriptor *roots[] = { &tributary__plan__descriptor,
						      &tributary__party__descriptor,
						      &tributary__batch__descriptor,
						      &tributary__order_request__descriptor };
	struct trib_buffer text;
	json_error_t error;

	trib_buffer_init(&text, 1 << 20);
	trib_buffer_add_char(&text, '{');
	trib_proto_schemas(roots, TRIB_ARRAY_SIZE(roots), 1, "#/", &text);
	trib_buffer_add_char(&text, '}');
	json_t *all = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);

	if (!all)
		fail_msg("%s at %d", error.text, error.position);
	json_t *plan = json_object_get(all, "Plan");
	json_t *fields = json_object_get(plan, "properties");

	assert_string_equal(json_string_value(json_object_get(plan, "description")),
			    "One version of a plan. A PUT adds a version; versions never change.");
	assert_string_equal(json_string_value(json_array_get(json_object_get(plan, "required"), 0)),
			    "merchant");
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(json_object_get(json_object_get(all, "Terms"),
								 "properties"),
						 "commission_bps"),
				 "maximum")),
			 10000);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(fields, "effective_to"), "description")),
			    "0: open");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(fields, "kind"), "default")),
		"general");
	assert_int_equal(json_array_size(json_object_get(json_object_get(fields, "kind"), "enum")),
			 6);
	assert_true(json_is_true(json_object_get(
		json_object_get(json_object_get(json_object_get(all, "Party"), "properties"),
				"user_ids"),
		"writeOnly")));
	assert_true(json_is_false(json_object_get(json_object_get(all, "Terms"), "additionalProperties")));
	assert_null(json_object_get(json_object_get(all, "Party"), "additionalProperties"));
	assert_non_null(json_object_get(all, "OrderDecided")); /* reached through Batch and Event */
	json_decref(all);
	trib_buffer_fini(&text);
}

typedef Google__Protobuf__FileDescriptorSet descriptor_set;
typedef Google__Protobuf__DescriptorProto message_descriptor;

static message_descriptor *terms_of(descriptor_set *set)
{
	for (size_t f = 0; f < set->n_file; f++)
		for (size_t i = 0; i < set->file[f]->n_message_type; i++)
			if (!strcmp(set->file[f]->message_type[i]->name, "Terms"))
				return set->file[f]->message_type[i];
	fail_msg("no Terms");
	return NULL;
}

static void retype(message_descriptor *terms)
{
	terms->field[0]->type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64;
}

static void renumber(message_descriptor *terms)
{
	terms->field[0]->number = 99;
}

static void rename_field(message_descriptor *terms)
{
	terms->field[0]->name[0] = 'x';
}

static void relabel(message_descriptor *terms)
{
	terms->field[0]->label = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED;
}

static void rename_message(message_descriptor *terms)
{
	terms->name[0] = 'G';
}

static void untouched(message_descriptor *terms)
{
}

static void test_incompatible(void **state)
{
	static const struct {
		void (*change)(message_descriptor *terms);
		const char *at, *text;
	} rows[] = {
		{ untouched, NULL, NULL },
		{ retype, "Terms.commission_bps",
		  "found another type, expected the type it was released with" },
		{ renumber, "Terms.commission_bps",
		  "found no such number, expected the field, or its number in `reserved`" },
		{ rename_field, "Terms.commission_bps",
		  "found xommission_bps, expected commission_bps" },
		{ relabel, "Terms.commission_bps",
		  "found another label, expected the label it was released with" },
		{ rename_message, "Terms", "found no such message, expected the message" },
	};
	struct trib_bytes old = trib_bytes(trib_proto_descriptors, trib_proto_descriptors_size);

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		descriptor_set *set = google__protobuf__file_descriptor_set__unpack(
			NULL, old.size, (const uint8_t *)old.data);
		struct trib_error error;

		rows[i].change(terms_of(set));
		size_t size = google__protobuf__file_descriptor_set__get_packed_size(set);
		uint8_t *packed = trib_alloc(size);

		google__protobuf__file_descriptor_set__pack(set, packed);
		trib_status status =
			trib_proto_compatible_sets(old, trib_bytes(packed, size), &error);

		if (rows[i].at) {
			assert_int_equal(status, TRIB_CONFLICT);
			assert_string_equal(error.at, rows[i].at);
			assert_string_equal(error.text, rows[i].text);
		} else {
			assert_ok(status, error);
		}
		free(packed);
		google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
	}
}

/* Every release's descriptors, test/golden/<release>/descriptors.pb: what protoc --descriptor_set_out wrote then. */
static void test_releases(void **state)
{
	const char *source = getenv("TRIB_SOURCE_DIR");
	char pattern[512];
	glob_t found = { 0 };

	snprintf(pattern, sizeof(pattern), "%s/test/golden/v*/descriptors.pb",
		 source ? source : ".");
	if (glob(pattern, 0, NULL, &found) != 0)
		return; /* none released yet */
	for (size_t i = 0; i < found.gl_pathc; i++) {
		static char bytes[1 << 20];
		FILE *file = fopen(found.gl_pathv[i], "rb");
		struct trib_error error;

		assert_non_null(file);
		size_t size = fread(bytes, 1, sizeof(bytes), file);

		fclose(file);
		if (trib_proto_compatible(trib_bytes(bytes, size), &error) != TRIB_OK)
			fail_msg("%s: %s: %s", found.gl_pathv[i], error.at, error.text);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_incompatible),
		cmocka_unit_test(test_releases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
