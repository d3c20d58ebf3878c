/* What is offered at the cursor, row by row; and that no text whatever is too strange. */
#include "world.h"

#include <jansson.h>

/* | is the cursor. `some` are labels that are offered, `none` ones that are not; `inserted` is what the first becomes. */
static const struct {
	const char *text;
	size_t from;
	const char *some, *none, *inserted;
} rows[] = {
	{ "|", 0, "order.base,goods.brand,has,size,true,in,math.abs", "startsWith,exists", NULL },
	{ "or|", 0, "order.base,order.qty,order.carrier.owner", "goods.brand,touch.kind",
	  "order.base" },
	{ "order.|", 0, "order.base,order.ext", "goods.brand,size", NULL },
	{ "order.q|ty > 3", 0, "order.qty", "order.base", "order.qty" },
	{ "order.qty > 3 && goods.br|", 17, "goods.brand", "goods.price", "goods.brand" },
	{ "goods.brand.st|", 0, "startsWith", "endsWith,getHours", "goods.brand.startsWith(" },
	{ "goods.brand.|", 0, "startsWith,contains,size", "getHours,exists", NULL },
	{ "order.created_at.getH|", 0, "getHours", "startsWith", "order.created_at.getHours(" },
	{ "creator.tags.e|", 0, "exists,exists_one", "endsWith", "creator.tags.exists(" },
	{ "order.carrier.o|", 0, "order.carrier.owner", "order.carrier.id", "order.carrier.owner" },
	{ "string(order.qty).st|", 18, "startsWith", "order.qty", "startsWith(" },
	{ "touch.kind == '|", 15, "click,view,cart", "goods", "click" },
	{ "touch.kind == 'v|", 15, "view", "click", "view" },
	{ "touch.kind != \"c|", 15, "click,cart", "view", NULL },
	{ "touch.kind == |", 14, "click,view", "", "'click'" },
	{ "touch.kind in ['click', 'v|", 25, "view", "click", "view" },
	{ "touch.kind in [|", 15, "click", "", "'click'" },
	{ "goods.brand == '|", 16, "", "click,order.base", NULL },
	{ "goods.brand == '美妆' && touch.kind == '|", 38, "click", "", "click" },
	{ "ma|", 0, "math.abs,matches", "max", NULL },
	{ "ha|", 0, "has", "order.base", "has(" },
	{ "link.p|", 0, "link.pid", "link.source", NULL },
};

static bool offered(json_t *items, const char *label, size_t size)
{
	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *found =
			json_string_value(json_object_get(json_array_get(items, i), "label"));

		if (strlen(found) == size && memcmp(found, label, size) == 0)
			return true;
	}
	return false;
}

static void check_labels(json_t *items, const char *labels, bool expected, const char *text)
{
	for (const char *p = labels; *p; p += strcspn(p, ","), p += *p == ',')
		if (offered(items, p, strcspn(p, ",")) != expected)
			fail_msg("%s: found %.*s %s", text, (int)strcspn(p, ","), p,
				 expected ? "missing" : "offered");
}

static void rows_are_completed(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char text[128];
		const char *bar = strchr(rows[i].text, '|');
		size_t bytes = (size_t)(bar - rows[i].text), cursor = 0;
		struct trib_buffer reply;

		snprintf(text, sizeof(text), "%.*s%s", (int)bytes, rows[i].text, bar + 1);
		for (size_t j = 0; j < bytes; j++)
			cursor += ((unsigned char)text[j] & 0xc0) != 0x80;
		trib_buffer_init(&reply, 1 << 20);
		trib_rules_complete(trib_bytes_text(text), cursor, &reply);
		json_t *json = json_loadb(reply.data, reply.size, 0, NULL);

		assert_non_null(json);
		json_t *items = json_object_get(json, "items");

		if ((size_t)json_integer_value(json_object_get(json, "from")) != rows[i].from ||
		    (size_t)json_integer_value(json_object_get(json, "to")) != cursor)
			fail_msg("%s: %s", rows[i].text, trib_buffer_text(&reply));
		check_labels(items, rows[i].some, true, rows[i].text);
		check_labels(items, rows[i].none, false, rows[i].text);
		if (rows[i].inserted)
			assert_string_equal(json_string_value(json_object_get(
						    json_array_get(items, 0), "insert")),
					    rows[i].inserted);
		json_decref(json);
		trib_buffer_fini(&reply);
	}
}

/* Whatever is offered for the beginning of a fact leads to that fact. */
static void every_fact_is_found_by_its_beginning(void **state)
{
	for (int fact = 1; fact < TRIB_FACTS; fact++) {
		const char *name = trib_fact_rows[fact].name;
		struct trib_buffer reply;

		trib_buffer_init(&reply, 1 << 20);
		trib_rules_complete(trib_bytes(name, strlen(name) - 1), SIZE_MAX, &reply);
		json_t *json = json_loadb(reply.data, reply.size, 0, NULL);

		assert_true(offered(json_object_get(json, "items"), name, strlen(name)));
		json_decref(json);
		trib_buffer_fini(&reply);
	}
}

static void no_text_is_too_strange(void **state)
{
	static const char *const parts[] = { "order", ".",	    "qty", "'",	 "\"", " ", "==",
					     "in",    "[",	    ",",   "]",	 "(",  ")", "\\",
					     "美",    "touch.kind", "\n",  "!=", "=",  "st" };
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 20000; round++) {
		char text[256] = "";
		struct trib_buffer reply;

		for (uint64_t n = trib_rng_below(&rng, 12); n; n--)
			strcat(text, parts[trib_rng_below(&rng, TRIB_ARRAY_SIZE(parts))]);
		trib_buffer_init(&reply, 1 << 20);
		trib_rules_complete(trib_bytes_text(text), trib_rng_below(&rng, 40), &reply);
		json_t *json = json_loadb(reply.data, reply.size, 0, NULL);

		assert_non_null(json);
		assert_true(json_integer_value(json_object_get(json, "from")) <=
			    json_integer_value(json_object_get(json, "to")));
		json_decref(json);
		trib_buffer_fini(&reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_completed),
		cmocka_unit_test(every_fact_is_found_by_its_beginning),
		cmocka_unit_test(no_text_is_too_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
