/* The generic codec: a table of refusals with their places, and random messages of every kind, JSON against protobuf-c. */
#include "test.h"

#include "proto/descriptors.h"
#include "proto/proto.h"
#include "proto/registry.h"

struct fixture {
	struct trib_arena arena;
	struct trib_buffer text;
	struct trib_error error;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	trib_arena_init(&f->arena, 64 << 20);
	trib_buffer_init(&f->text, 16 << 20);
}

static void tear_down(struct fixture *f)
{
	trib_arena_fini(&f->arena);
	trib_buffer_fini(&f->text);
}

#define LONG64	     "0123456789012345678901234567890123456789012345678901234567890123"
#define GOODS	     &tributary__goods__descriptor
#define PARTY	     &tributary__party__descriptor
#define PLAN	     &tributary__plan__descriptor
#define REGISTRATION &tributary__registration__descriptor
#define LINK	     &tributary__link_request__descriptor
#define TOUCH	     &tributary__touch_request__descriptor
#define ORDER	     &tributary__order_request__descriptor
#define ORDER_BASE   "\"order\":\"o\",\"user\":\"u\",\"goods\":\"g\""

static const struct {
	const ProtobufCMessageDescriptor *kind;
	const char *json, *at, *text; /* at NULL: taken */
} refusals[] = {
	/* clang-format off */
	{ GOODS, "{\"merchant\":\"m\"}", NULL, NULL },
	{ GOODS, "[]", "", "found an array, expected an object" },
	{ GOODS, "{}", "merchant", "found nothing, expected a string" },
	{ GOODS, "{\"merchant\":null}", "merchant", "found nothing, expected a string" },
	{ GOODS, "{\"merchant\":\"m\",\"price\":-1}", "price", "found -1, expected an integer from 0 to 9223372036854775807" },
	{ GOODS, "{\"merchant\":\"m\",\"price\":9223372036854775808}", "price",
	  "found 9223372036854775808, expected an integer from 0 to 9223372036854775807" },
	{ GOODS, "{\"merchant\":\"m\",\"price\":9223372036854775807}", NULL, NULL },
	{ GOODS, "{\"merchant\":\"m\",\"price\":\"19\"}", NULL, NULL },
	{ GOODS, "{\"merchant\":\"m\",\"price\":1.9e1}", NULL, NULL },
	{ GOODS, "{\"merchant\":\"m\",\"price\":19.0}", NULL, NULL },
	{ GOODS, "{\"merchant\":\"m\",\"price\":19.5}", "price", "found 19.5, expected an integer from 0 to 9223372036854775807" },
	{ GOODS, "{\"merchant\":\"m\",\"price\":\"19.0\"}", "price",
	  "found \"19.0\", expected an integer from 0 to 9223372036854775807" },
	{ GOODS, "{\"merchant\":\"m\",\"price\":true}", "price", "found true, expected an integer from 0 to 9223372036854775807" },
	{ GOODS, "{\"merchant\":\"m\",\"colour\":1}", "colour", "found an unknown field, expected one of Goods: id, title, merchant, category, brand, price, currency, site, status, ext, promoted, stock, play, play_version" },
	{ GOODS, "{\"merchant\":\"m\",\"price\":1,\"price\":1}", "line 1 column 37",
	  "found a second \"price\", expected each name once" },
	{ GOODS, "{\"merchant\":7}", "merchant", "found 7, expected a string" },
	{ GOODS, "{\"merchant\":\"a b\"}", "merchant",
	  "found \"a b\", expected an id: 1 to 64 bytes of UTF-8 without space, control character or /" },
	{ GOODS, "{\"merchant\":\"a/b\"}", "merchant",
	  "found \"a/b\", expected an id: 1 to 64 bytes of UTF-8 without space, control character or /" },
	{ GOODS, "{\"merchant\":\"" LONG64 "\"}", NULL, NULL },
	{ GOODS, "{\"merchant\":\"" LONG64 "x\"}", "merchant",
	  "found \"012345678901234567890123456789012345678901234567\"…, expected an id: 1 to 64 bytes of UTF-8 without space, control character or /" },
	{ GOODS, "{\"merchant\":\"m\\u0000\"}", "merchant", "found a NUL character, expected text without one" },
	{ GOODS, "{\"merchant\":\"m\",\"currency\":\"cny\"}", "currency",
	  "found \"cny\", expected a currency: three letters A to Z" },
	{ GOODS, "{\"merchant\":\"m\",\"status\":\"gone\"}", "status", "found \"gone\", expected one of active|withdrawn|closed" },
	{ GOODS, "{\"merchant\":\"m\",\"ext\":\"{}\"}", "ext", "found \"{}\", expected an object" },
	{ GOODS, "{\"merchant\":\"m\",\"ext\":{\"b\":[1.0],\"a\":{}}}", NULL, NULL },
	{ PARTY, "{\"number\":7,\"version\":\"whatever\"}", NULL, NULL },
	{ PARTY, "{\"tags\":\"x\"}", "tags", "found \"x\", expected an array" },
	{ PARTY, "{\"tags\":[\"x\",null]}", "tags[1]", "found null, expected a string" },
	{ PARTY, "{\"tags\":[\"" LONG64 "x\"]}", "tags[0]", "found 65 bytes, expected at most 64" },
	{ PARTY, "{\"roles\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}", "roles",
	  "found 17 items, expected at most 16" },
	{ PARTY, "{\"followers\":9007199254740992}", "followers",
	  "found 9007199254740992, expected an integer from 0 to 9007199254740991" },
	{ PARTY, "{\"score\":1e400}", "score", "found 1e400, expected a number that fits its type" },
	{ PARTY, "{\"score\":\"1\"}", "score", "found \"1\", expected a number" },
	{ PARTY, "{\"score\":4.75,\"level\":-3}", NULL, NULL },
	{ PLAN, "{\"merchant\":\"m\",\"goods\":[\"a\",\"b c\"]}", "goods[1]",
	  "found \"b c\", expected an id: 1 to 64 bytes of UTF-8 without space, control character or /" },
	{ PLAN, "{\"merchant\":\"m\",\"terms\":{\"commission_bps\":10001}}", "terms.commission_bps",
	  "found 10001, expected an integer from 0 to 10000" },
	{ PLAN, "{\"merchant\":\"m\",\"terms\":{\"commission_bps\":4294967297}}", "terms.commission_bps",
	  "found 4294967297, expected an integer from 0 to 10000" },
	{ PLAN, "{\"merchant\":\"m\",\"terms\":[]}", "terms", "found an array, expected an object" },
	{ PLAN, "{\"merchant\":\"m\",\"terms\":{\"rate\":1}}", "terms.rate", "found an unknown field, expected one of Terms: commission_bps, service_bps, service2_bps, leader, leader2, platform_bps, agency_bps" },
	{ PLAN, "{\"merchant\":\"m\",\"effective_to\":253402300800000}", "effective_to",
	  "found 253402300800000, expected an integer from 0 to 253402300799999" },
	{ REGISTRATION, "{\"channel\":\"c\",\"token_ttl\":\"1 week\"}", "token_ttl",
	  "found \"1 week\", expected a duration: a whole number and d, h, m, s or ms" },
	{ REGISTRATION, "{\"channel\":\"c\",\"priority\":2147483648}", "priority",
	  "found 2147483648, expected an integer from -2147483648 to 2147483647" },
	{ LINK, "{\"channel\":\"c\",\"creator\":\"k\",\"goods\":\"g\",\"ext\":{\"a\":1}}", "ext.a", "found 1, expected a string" },
	{ LINK, "{\"channel\":\"c\",\"creator\":\"k\",\"goods\":\"g\",\"ext\":{\"\":\"\"}}", "ext",
	  "found an empty name, expected a name" },
	{ LINK, "{\"channel\":\"c\",\"creator\":\"k\",\"goods\":\"g\",\"carrier\":{\"id\":\"x\"}}", "carrier.kind",
	  "found nothing, expected a string" },
	{ TOUCH, "{\"user\":\"u\",\"token\":\"t\",\"kind\":\"poke\"}", "kind",
	  "found \"poke\", expected one of click|view|cart|favourite|share_open" },
	{ ORDER, "{" ORDER_BASE "}", NULL, NULL },
	{ ORDER, "{" ORDER_BASE ",\"amounts\":{\"freight\":1}}", "amounts.paid", "found nothing, expected a value" },
	{ ORDER, "{" ORDER_BASE ",\"amounts\":{\"paid\":-1}}", "amounts.paid",
	  "found -1, expected an integer from 0 to 1152921504606846976" },
	{ ORDER, "{" ORDER_BASE ",\"base_amount\":0}", NULL, NULL },
	{ ORDER, "{" ORDER_BASE ",\"base_amount\":0,\"qty\":0}", "qty", "found 0, expected an integer from 1 to 1000000" },
	{ ORDER, "{" ORDER_BASE ",\"base_amount\":0,\"brief\":1}", "brief", "found 1, expected true or false" },
	/* clang-format on */
};

static void test_refusals(void **state)
{
	struct fixture f;

	set_up(&f);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(refusals); i++) {
		ProtobufCMessage *message = NULL;

		trib_arena_reset(&f.arena);
		trib_status status = trib_proto_from_json(
			refusals[i].kind, trib_bytes_text(refusals[i].json), &f.arena, &message, &f.error);

		if (!refusals[i].at) {
			assert_ok(status, f.error);
			continue;
		}
		if (status == TRIB_OK)
			fail_msg("taken: %s", refusals[i].json);
		assert_null(message); /* untouched on failure */
		assert_string_equal(f.error.at, refusals[i].at);
		assert_string_equal(f.error.text, refusals[i].text);
	}
	tear_down(&f);
}

static void test_shapes(void **state)
{
	struct fixture f;
	ProtobufCMessage *message;

	set_up(&f);
	assert_ok(trib_proto_from_json(
			  GOODS,
			  trib_bytes_text(
				  "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":9007199254740993,"
				  "\"ext\":{ \"z\":1,\"a\":\"é\" }}"),
			  &f.arena, &message, &f.error),
		  f.error);
	assert_string_equal(((Tributary__Goods *)message)->ext, "{\"a\":\"é\",\"z\":1}");
	trib_proto_to_json(message, TRIB_PROTO_ALL_FIELDS, &f.text);
	assert_string_equal(trib_buffer_text(&f.text),
			    "{\"id\":\"g1\",\"title\":null,\"merchant\":\"m1\",\"category\":null,"
			    "\"brand\":null,"
			    "\"price\":9007199254740993,\"currency\":\"CNY\",\"site\":null,"
			    "\"status\":\"active\","
			    "\"ext\":{\"a\":\"é\",\"z\":1},\"promoted\":null,"
			    "\"withdrawn_at\":null,\"stock\":null,\"play\":null,\"play_version\":null,\"number\":null,\"version\":null}");
	trib_buffer_reset(&f.text);
	assert_ok(trib_proto_from_json(
			  PARTY, trib_bytes_text("{\"roles\":[\"creator\"],\"user_ids\":[\"u\"]}"),
			  &f.arena, &message, &f.error),
		  f.error);
	trib_proto_to_json(message, TRIB_PROTO_ALL_FIELDS, &f.text);
	assert_string_equal(
		trib_buffer_text(&f.text),
		"{\"id\":null,\"roles\":[\"creator\"],\"name\":null,\"status\":\"active\","
		"\"level\":null,\"region\":null,\"tags\":[],\"followers\":null,\"score\":null,"
		"\"agency\":null,\"user_hashes\":[],\"deposit\":null,\"agencies\":[],"
		"\"ext\":null,\"play\":null,\"play_version\":null,\"number\":null,\"version\":null}");
	trib_buffer_reset(&f.text);
	Tributary__OrderAnswer answer = TRIBUTARY__ORDER_ANSWER__INIT;

	answer.outcome = "no_touch";
	answer.has_charged = true;
	trib_proto_to_json(&answer.base, TRIB_PROTO_SET_FIELDS, &f.text);
	assert_string_equal(trib_buffer_text(&f.text),
			    "{\"outcome\":\"no_touch\",\"charged\":0,\"credits\":[]}");
	tear_down(&f);
}

/* Random messages that keep the rules. */
struct maker {
	struct trib_rng rng;
	struct trib_arena *arena;
};

static ProtobufCMessage *make_message(struct maker *maker, const ProtobufCMessageDescriptor *kind,
				      int depth);

static char *make_string(struct maker *maker, const struct trib_field *field)
{
	static const char *const rows[][3] = {
		[TRIB_FORMAT_NONE] = { "", "a \"quoted\" \\ text\n", "日本 é \x7f" },
		[TRIB_FORMAT_ID] = { "g1", LONG64, "达人-7" },
		[TRIB_FORMAT_TIME] = { "", "", "" },
		[TRIB_FORMAT_DURATION] = { "30d", "0s", "250ms" },
		[TRIB_FORMAT_CEL] = { "true", "goods.price > 7 && \"x\" in creator.tags", "1" },
		[TRIB_FORMAT_CURRENCY] = { "CNY", "BRL", "USD" },
		[TRIB_FORMAT_JSON] = { "{}", "{\"a\":[1,{\"b\":null}],\"z\":\"é\"}",
				       "{\"n\":1e3}" },
		[TRIB_FORMAT_AMOUNT] = { "", "", "" },
	};

	if (field->one_of)
		return trib_arena_copy(maker->arena,
				       trib_bytes(field->one_of, strcspn(field->one_of, "|")));
	return trib_arena_copy(
		maker->arena, trib_bytes_text(rows[field->format][trib_rng_below(&maker->rng, 3)]));
}

static int64_t make_integer(struct maker *maker, const struct trib_field *field, int64_t low,
			    int64_t high)
{
	if (field->bounded) {
		low = field->min;
		high = field->max;
	}
	switch (trib_rng_below(&maker->rng, 4)) {
	case 0:
		return low;
	case 1:
		return high;
	default:
		return trib_rng_between(&maker->rng, low, high);
	}
}

static void make_value(struct maker *maker, const struct trib_field *field, void *value, int depth)
{
	switch (field->descriptor->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		*(int32_t *)value = (int32_t)make_integer(maker, field, INT32_MIN, INT32_MAX);
		return;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		*(uint32_t *)value = (uint32_t)make_integer(maker, field, 0, UINT32_MAX);
		return;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		*(int64_t *)value = make_integer(maker, field, INT64_MIN, INT64_MAX);
		return;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		*(uint64_t *)value = trib_rng_u64(&maker->rng) >> trib_rng_below(&maker->rng, 64);
		return;
	case PROTOBUF_C_TYPE_DOUBLE:
		*(double *)value = trib_rng_normal(&maker->rng) * 1e6;
		return;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)value = trib_rng_chance(&maker->rng, 0.5);
		return;
	case PROTOBUF_C_TYPE_STRING:
		*(char **)value = make_string(maker, field);
		return;
	case PROTOBUF_C_TYPE_BYTES: {
		size_t size = trib_rng_below(&maker->rng, 9);
		uint8_t *data = trib_arena_alloc(maker->arena, 16);

		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)trib_rng_u64(&maker->rng);
		*(ProtobufCBinaryData *)value = (ProtobufCBinaryData){ size, data };
		return;
	}
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)value =
			make_message(maker, field->descriptor->descriptor, depth - 1);
		return;
	default:
		fail_msg("%s: a type without a maker", field->descriptor->name);
	}
}

static void make_map(struct maker *maker, const struct trib_field *field, ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor->descriptor;
	size_t count = trib_rng_below(&maker->rng, 4);
	char **entries = trib_arena_alloc(maker->arena, 4 * sizeof(*entries));
	static char *const keys[] = { "k", "日", "a.b", "z" };

	for (size_t i = 0; i < count; i++) {
		entries[i] = trib_arena_alloc_zeroed(maker->arena, entry->sizeof_message);
		protobuf_c_message_init(entry, entries[i]);
		*(char **)(entries[i] + entry->fields[0].offset) = keys[i];
		*(char **)(entries[i] + entry->fields[1].offset) = i ? "v\"" : "";
	}
	*(void **)trib_field_value(field, message) = entries;
	*(size_t *)trib_field_quantifier(field, message) = count;
}

static void make_field(struct maker *maker, const struct trib_field *field,
		       ProtobufCMessage *message, int depth)
{
	const ProtobufCFieldDescriptor *descriptor = field->descriptor;

	if (field->map) {
		make_map(maker, field, message);
	} else if (descriptor->label == PROTOBUF_C_LABEL_REPEATED) {
		size_t count = trib_rng_below(&maker->rng, 4),
		       size = trib_field_element_size(field);
		char *items = trib_arena_alloc_zeroed(maker->arena, 4 * size);

		for (size_t i = 0; i < count; i++)
			make_value(maker, field, items + i * size, depth);
		*(void **)trib_field_value(field, message) = items;
		*(size_t *)trib_field_quantifier(field, message) = count;
	} else {
		make_value(maker, field, trib_field_value(field, message), depth);
		if (descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
			*(uint32_t *)trib_field_quantifier(field, message) = descriptor->id;
		else if (descriptor->type != PROTOBUF_C_TYPE_STRING &&
			 descriptor->type != PROTOBUF_C_TYPE_MESSAGE)
			*(protobuf_c_boolean *)trib_field_quantifier(field, message) = true;
	}
}

static ProtobufCMessage *make_message(struct maker *maker, const ProtobufCMessageDescriptor *kind,
				      int depth)
{
	const struct trib_message *known = trib_registry_find(kind);
	ProtobufCMessage *message = trib_arena_alloc_zeroed(maker->arena, kind->sizeof_message);
	uint64_t chosen = kind->n_fields ? trib_rng_below(&maker->rng, kind->n_fields) : 0;

	protobuf_c_message_init(kind, message);
	for (unsigned i = 0; i < kind->n_fields; i++) {
		const struct trib_field *field = &known->fields[i];

		if (field->read_only || field->write_only)
			continue;
		if (field->descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF
			    ? i == chosen
			    : field->required || trib_rng_chance(&maker->rng, 0.6))
			make_field(maker, field, message, depth);
	}
	return message;
}

static void assert_same_bytes(const ProtobufCMessage *a, const ProtobufCMessage *b,
			      const char *text)
{
	size_t size = protobuf_c_message_get_packed_size(a);
	uint8_t *left = trib_alloc(size + 1), *right = trib_alloc(size + 1);

	if (protobuf_c_message_get_packed_size(b) != size)
		fail_msg("%s", text);
	protobuf_c_message_pack(a, left);
	protobuf_c_message_pack(b, right);
	if (memcmp(left, right, size) != 0)
		fail_msg("%s", text);
	free(left);
	free(right);
}

/* message → JSON → message → bytes equals message → bytes; message → bytes → message → JSON equals message → JSON. */
static void test_round_trip(void **state)
{
	struct maker maker;
	struct fixture f;
	int kinds = 0;

	set_up(&f);
	maker.arena = &f.arena;
	trib_rng_seed(&maker.rng, trib_test_seed());
	for (size_t k = 0; trib_proto_messages[k]; k++) {
		const ProtobufCMessageDescriptor *kind = trib_proto_messages[k];

		if (strstr(kind->short_name, "Entry"))
			continue;
		kinds++;
		for (int i = 0; i < 300; i++) {
			trib_arena_reset(&f.arena);
			trib_buffer_reset(&f.text);
			ProtobufCMessage *made = make_message(&maker, kind, 5), *read, *unpacked;

			assert_ok(trib_proto_check(made, &f.error), f.error);
			trib_proto_to_json(made, TRIB_PROTO_SET_FIELDS, &f.text);
			if (trib_proto_from_json(kind, trib_buffer_bytes(&f.text), &f.arena, &read,
						 &f.error) != TRIB_OK)
				fail_msg("%s: %s in %s", f.error.at, f.error.text,
					 trib_buffer_text(&f.text));
			assert_same_bytes(made, read, trib_buffer_text(&f.text));

			size_t size = protobuf_c_message_get_packed_size(made);
			uint8_t *packed = trib_alloc(size + 1);
			struct trib_buffer again;

			protobuf_c_message_pack(made, packed);
			unpacked = protobuf_c_message_unpack(kind, NULL, size, packed);
			assert_non_null(unpacked);
			trib_buffer_init(&again, 16 << 20);
			trib_proto_to_json(unpacked, TRIB_PROTO_SET_FIELDS, &again);
			assert_string_equal(trib_buffer_text(&again), trib_buffer_text(&f.text));
			trib_buffer_fini(&again);
			protobuf_c_message_free_unpacked(unpacked, NULL);
			free(packed);
		}
	}
	assert_true(kinds > 30);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
