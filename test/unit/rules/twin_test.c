/*
 * The compiled tree against its stupid twin, which walks the JSON and evaluates each condition as plain CEL, on
 * random trees and random facts. Also: what is refused as unreachable is never reached by the twin.
 */
#include "world.h"

#include <jansson.h>

#include "expr/expr.h"

/* ---- Facts as texts ------------------------------------------------------------------------------------ */

enum { TAGS_MAX = 4, EXT_MAX = 3 };

/* What the twin knows: no codes, no spaces. */
struct plain {
	uint32_t groups;      /* bits: open */
	bool set[TRIB_FACTS]; /* stated */
	int64_t number[TRIB_FACTS];
	double real[TRIB_FACTS];
	const char *text[TRIB_FACTS];
	const char *tags[TAGS_MAX];
	uint32_t tag_count;
	const char *keys[EXT_MAX], *values[EXT_MAX];
	uint32_t ext_count;
};

/* Few values, so that conditions often meet them. Some are in no dictionary. */
static const char *const words[] = { "a",      "b",	"c",	 "d", "known1",
				     "known2", "late1", "late2", "",  "é中" };
static const int64_t numbers[] = { 0, 1, 2, 3, 5, 8, 1000, -1, INT64_MAX, INT64_MIN };
static const double reals[] = { 0.0, -0.0, 0.5, 4.5, 4.75, 100, -3 };

static const char *pick(struct trib_rng *rng, const char *const *list, size_t count)
{
	return list[trib_rng_below(rng, count)];
}

#define PICK(rng, list) pick(rng, list, TRIB_ARRAY_SIZE(list))

static const char *random_word_of(struct trib_rng *rng, enum trib_fact fact, char text[32])
{
	const char *list = trib_fact_rows[fact].words;
	uint32_t count = 1;

	if (!*list)
		return PICK(rng, words);
	for (const char *p = list; *p; p++)
		count += *p == '|';
	for (uint64_t skip = trib_rng_below(rng, count); skip; skip--)
		list = strchr(list, '|') + 1;
	snprintf(text, 32, "%.*s", (int)strcspn(list, "|"), list);
	return text;
}

static int64_t random_number_of(struct trib_rng *rng, enum trib_fact fact)
{
	switch (trib_fact_rows[fact].kind) {
	case TRIB_FACT_TIME:
		return INT64_C(1700000000000) + (int64_t)trib_rng_below(rng, 5) * 1000 +
		       (int64_t)trib_rng_below(rng, 2);
	case TRIB_FACT_DURATION:
		return (int64_t)trib_rng_below(rng, 5) * 500;
	default:
		return numbers[trib_rng_below(rng, TRIB_ARRAY_SIZE(numbers))];
	}
}

static void random_plain(struct trib_rng *rng, struct plain *plain, char store[TRIB_FACTS][32])
{
	memset(plain, 0, sizeof(*plain));
	plain->groups = 1u << TRIB_GROUP_ORDER;
	for (int group = 1; group < TRIB_GROUPS; group++)
		plain->groups |= trib_rng_chance(rng, 0.8) ? 1u << group : 0;
	for (int fact = 1; fact < TRIB_FACTS; fact++) {
		const struct trib_fact_row *row = &trib_fact_rows[fact];

		plain->text[fact] = "";
		if (!(plain->groups >> row->group & 1) || trib_rng_chance(rng, 0.15))
			continue;
		plain->set[fact] = true;
		if (row->kind == TRIB_FACT_STRING) {
			plain->text[fact] = random_word_of(rng, (enum trib_fact)fact, store[fact]);
			plain->set[fact] = plain->text[fact][0];
		} else if (row->kind == TRIB_FACT_DOUBLE) {
			plain->real[fact] = reals[trib_rng_below(rng, TRIB_ARRAY_SIZE(reals))];
		} else if (row->kind == TRIB_FACT_TAGS) {
			plain->tag_count = (uint32_t)trib_rng_below(rng, TAGS_MAX + 1);
			for (uint32_t i = 0; i < plain->tag_count; i++)
				plain->tags[i] = words[trib_rng_below(rng, 6)];
			plain->set[fact] = plain->tag_count;
		} else if (row->kind == TRIB_FACT_EXT) {
			plain->ext_count = (uint32_t)trib_rng_below(rng, EXT_MAX + 1);
			for (uint32_t i = 0; i < plain->ext_count; i++) {
				plain->keys[i] = words[i];
				plain->values[i] = PICK(rng, words);
			}
			plain->set[fact] = plain->ext_count;
		} else if (row->kind == TRIB_FACT_BOOL) {
			plain->number[fact] = trib_rng_chance(rng, 0.5);
		} else if (row->kind != TRIB_FACT_PATH) {
			plain->number[fact] = random_number_of(rng, (enum trib_fact)fact);
		}
	}
	if (plain->set[TRIB_FACT_GOODS_CATEGORY] && trib_rng_chance(rng, 0.5)) {
		snprintf(store[TRIB_FACT_GOODS_CATEGORY_PATH], 32, "%s/%s",
			 plain->text[TRIB_FACT_GOODS_CATEGORY], PICK(rng, words));
		plain->text[TRIB_FACT_GOODS_CATEGORY] = store[TRIB_FACT_GOODS_CATEGORY_PATH];
	}
	/* A path is there when the category is. */
	plain->set[TRIB_FACT_GOODS_CATEGORY_PATH] = plain->set[TRIB_FACT_GOODS_CATEGORY];
}

/* The same as the compiled tree wants it. */
static void fill(struct world *world, const struct plain *plain, struct world_facts *ret_facts)
{
	struct trib_facts *facts = &ret_facts->facts;

	trib_facts_init(facts, &world->spaces, &world->scratch);
	for (int group = 0; group < TRIB_GROUPS; group++)
		if (plain->groups >> group & 1)
			trib_facts_open(facts, (enum trib_fact_group)group);
	for (int fact = 1; fact < TRIB_FACTS; fact++) {
		const struct trib_fact_row *row = &trib_fact_rows[fact];
		struct trib_bytes text = trib_bytes_text(plain->text[fact]);

		if (!plain->set[fact])
			continue;
		if (fact == TRIB_FACT_GOODS_CATEGORY)
			trib_facts_set_category(facts, world_find(world, row->space, text), text);
		else if (row->kind == TRIB_FACT_STRING)
			trib_facts_set_text(facts, (enum trib_fact)fact, text);
		else if (row->kind == TRIB_FACT_DOUBLE)
			trib_facts_set_double(facts, (enum trib_fact)fact, plain->real[fact]);
		else if (row->kind != TRIB_FACT_TAGS && row->kind != TRIB_FACT_EXT &&
			 row->kind != TRIB_FACT_PATH)
			trib_facts_set(facts, (enum trib_fact)fact, plain->number[fact]);
	}
	for (uint32_t i = 0; i < plain->tag_count; i++)
		ret_facts->tags.codes[i] = world_add(world, TRIB_SPACE_SYMBOL, plain->tags[i]);
	world_set_tags(facts, ret_facts, plain->tag_count);
	for (uint32_t i = 0; i < plain->ext_count; i++)
		ret_facts->ext[i] = (struct trib_ext_pair){ trib_bytes_text(plain->keys[i]),
							    trib_bytes_text(plain->values[i]) };
	trib_facts_set_ext(facts, ret_facts->ext, plain->ext_count);
}

/* ---- The twin ------------------------------------------------------------------------------------------- */

enum { VARIABLES = TRIB_FACTS - 1 + TRIB_GROUPS };

static bool twin_parts(const char *path, struct trib_arena *arena, struct trib_value *ret_value)
{
	struct trib_value *items = trib_arena_alloc(arena, 32 * sizeof(*items));
	uint32_t count = 0;

	for (; *path; path += strcspn(path, "/"), path += *path == '/')
		if (*path != '/')
			items[count++] = trib_value_string(trib_bytes(path, strcspn(path, "/")));
	return trib_value_list(arena, items, count, ret_value) == TRIB_OK;
}

static bool twin_get(void *context, uint32_t index, struct trib_arena *arena,
		     struct trib_value *ret_value)
{
	const struct plain *plain = context;
	uint32_t fact = index + 1;
	const struct trib_fact_row *row = &trib_fact_rows[fact];
	struct trib_value *items = trib_arena_alloc(arena, 16 * sizeof(*items));

	if (!(plain->groups >> row->group & 1))
		return false;
	switch (row->kind) {
	case TRIB_FACT_INT:
		*ret_value = trib_value_int(plain->number[fact]);
		return true;
	case TRIB_FACT_DOUBLE:
		*ret_value = trib_value_double(plain->real[fact]);
		return true;
	case TRIB_FACT_TIME:
		*ret_value = trib_value_timestamp_ms(plain->number[fact]);
		return true;
	case TRIB_FACT_DURATION:
		*ret_value = trib_value_duration_ms(plain->number[fact]);
		return true;
	case TRIB_FACT_STRING:
		*ret_value = trib_value_string(trib_bytes_text(plain->text[fact]));
		return true;
	case TRIB_FACT_TAGS:
		for (uint32_t i = 0; i < plain->tag_count; i++)
			items[i] = trib_value_string(trib_bytes_text(plain->tags[i]));
		return trib_value_list(arena, items, plain->tag_count, ret_value) == TRIB_OK;
	case TRIB_FACT_BOOL:
		*ret_value = trib_value_bool(plain->number[fact]);
		return true;
	case TRIB_FACT_PATH:
		return twin_parts(plain->text[TRIB_FACT_GOODS_CATEGORY], arena, ret_value);
	default:
		for (uint32_t i = 0; i < plain->ext_count; i++) {
			items[i] = trib_value_string(trib_bytes_text(plain->keys[i]));
			items[8 + i] = trib_value_string(trib_bytes_text(plain->values[i]));
		}
		return trib_value_map(arena, items, items + 8, plain->ext_count, ret_value) ==
		       TRIB_OK;
	}
}

static bool twin_has(void *context, uint32_t index)
{
	const struct plain *plain = context;

	if (index >= TRIB_FACTS - 1)
		return plain->groups >> (index - (TRIB_FACTS - 1)) & 1;
	return plain->set[index + 1];
}

/* Programs by the number in the node's id. */
enum { NODES_MAX = 4096 };
static struct trib_expr_program *programs[NODES_MAX];

static int number_of(json_t *node)
{
	int number = atoi(json_string_value(json_object_get(node, "id")) + 1);

	assert_true(number >= 0 && number < NODES_MAX);
	return number;
}

static void compile_one(json_t *node)
{
	json_t *when = json_object_get(node, "when");
	struct trib_expr_variable variables[VARIABLES];
	struct trib_expr_env env = { .variables = variables,
				     .variable_count = VARIABLES,
				     .flags = TRIB_EXPR_FACTS };
	struct trib_expr_error why;
	struct trib_error error;
	struct trib_arena arena;

	if (!when)
		return;
	trib_arena_init(&arena, 1 << 20);
	for (uint32_t i = 0; i < VARIABLES; i++) {
		uint32_t fact = i + 1;

		variables[i].name =
			fact < TRIB_FACTS
				? trib_fact_rows[fact].name
				: trib_fact_group_name((enum trib_fact_group)(fact - TRIB_FACTS));
		variables[i].type = NULL;
		if (fact < TRIB_FACTS)
			assert_ok(trib_type_parse(trib_bytes_text(trib_fact_type_name(
							  (enum trib_fact)fact)),
						  &arena, &variables[i].type, &error),
				  error);
	}
	if (trib_expr_compile(&env, trib_bytes_text(json_string_value(when)),
			      &programs[number_of(node)], &why) != TRIB_OK)
		fail_msg("%s\n%s", why.text, json_string_value(when));
	trib_arena_fini(&arena);
}

static void compile_all(json_t *node)
{
	json_t *children = json_object_get(node, "children");

	compile_one(node);
	for (size_t i = 0; i < json_array_size(children); i++)
		compile_all(json_array_get(children, i));
}

static void free_all(void)
{
	for (int i = 0; i < NODES_MAX; i++)
		trib_expr_free(TRIB_TAKE_PTR(programs[i]));
}

static bool twin_true(json_t *node, const struct plain *plain)
{
	struct trib_expr_facts facts = { twin_get, (void *)(uintptr_t)plain, twin_has };
	struct trib_expr_program *program = programs[number_of(node)];
	struct trib_expr_error why;
	struct trib_value value;
	struct trib_arena arena;
	bool result;

	if (json_is_false(json_object_get(node, "enabled")) ||
	    plain->number[TRIB_FACT_ORDER_CREATED_AT] < json_integer_value(json_object_get(node, "from")) ||
	    (json_object_get(node, "to") &&
	     plain->number[TRIB_FACT_ORDER_CREATED_AT] >= json_integer_value(json_object_get(node, "to"))))
		return false;
	if (!program)
		return true;
	trib_arena_init(&arena, 1 << 20);
	result = trib_expr_eval(program, &facts, &arena, &value, &why) == TRIB_OK && value.boolean;
	trib_arena_fini(&arena);
	return result;
}

static json_int_t priority_of(json_t *node)
{
	return json_integer_value(json_object_get(node, "priority"));
}

/* Tries all children, by priority, then as written. Writes "id+ id- …" and returns the node that decides. */
static const char *twin_walk(json_t *node, const struct plain *plain, char *path, bool *ret_outside)
{
	json_t *children = json_object_get(node, "children"), *entered = NULL;
	size_t count = json_array_size(children);
	bool tried[64] = { false };

	*ret_outside = false;
	for (size_t n = 0; n < count && !entered; n++) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < count; i++)
			if (!tried[i] && (best == SIZE_MAX ||
					  priority_of(json_array_get(children, i)) >
						  priority_of(json_array_get(children, best))))
				best = i;
		tried[best] = true;
		json_t *child = json_array_get(children, best);
		bool value = twin_true(child, plain);

		sprintf(path + strlen(path), " %s%c",
			json_string_value(json_object_get(child, "id")), value ? '+' : '-');
		entered = value ? child : NULL;
	}
	if (entered)
		return twin_walk(entered, plain, path, ret_outside);
	return json_string_value(json_object_get(node, "id"));
}

static const char *twin(json_t *root, const struct plain *plain, char *path, bool *ret_outside)
{
	bool value = twin_true(root, plain);

	sprintf(path, "%s%c", json_string_value(json_object_get(root, "id")), value ? '+' : '-');
	if (value)
		return twin_walk(root, plain, path, ret_outside);
	*ret_outside = true;
	return json_string_value(json_object_get(root, "id"));
}

/* ---- Random conditions ---------------------------------------------------------------------------------- */

static void add_cond(struct trib_rng *rng, struct trib_buffer *out, int depth);

/* What most conditions of the tree ask for, so that runs of siblings ask for the same fact; NONE: anything. */
static enum trib_fact focus;

static enum trib_fact random_fact(struct trib_rng *rng, enum trib_fact_kind kind)
{
	if (focus && trib_fact_rows[focus].kind == kind)
		return focus;
	for (;;) {
		enum trib_fact fact = (enum trib_fact)(1 + trib_rng_below(rng, TRIB_FACTS - 1));

		/* A few facts are favoured, so that siblings share them. */
		if (trib_rng_chance(rng, 0.6))
			fact = trib_rng_chance(rng, 0.5) ? TRIB_FACT_GOODS_CATEGORY
							 : TRIB_FACT_ORDER_BASE;
		if (trib_fact_rows[fact].kind == kind)
			return fact;
		if (kind != TRIB_FACT_STRING && kind != TRIB_FACT_INT)
			for (int i = 1; i < TRIB_FACTS; i++)
				if (trib_fact_rows[i].kind == kind && trib_rng_chance(rng, 0.5))
					return (enum trib_fact)i;
	}
}

static const char *const comparisons[] = { "==", "!=", "<", "<=", ">", ">=" };

static void add_text_test(struct trib_rng *rng, struct trib_buffer *out)
{
	enum trib_fact fact = random_fact(rng, TRIB_FACT_STRING);
	const char *name = trib_fact_rows[fact].name;
	char store[32];

	switch (trib_rng_below(rng, 6)) {
	case 0:
		trib_buffer_add_format(out, "%s != '%s'", name, random_word_of(rng, fact, store));
		break;
	case 1:
		trib_buffer_add_format(out, "'%s' == %s", random_word_of(rng, fact, store), name);
		break;
	case 2:
		trib_buffer_add_format(out, "%s in [", name);
		for (uint64_t i = 0, n = trib_rng_below(rng, 12); i < n; i++)
			trib_buffer_add_format(out, "%s'%s'", i ? ", " : "",
					       random_word_of(rng, fact, store));
		trib_buffer_add_text(out, "]");
		break;
	default:
		trib_buffer_add_format(out, "%s == '%s'", name, random_word_of(rng, fact, store));
	}
}

static void add_number(struct trib_rng *rng, struct trib_buffer *out, enum trib_fact fact)
{
	char time[40];

	switch (trib_fact_rows[fact].kind) {
	case TRIB_FACT_TIME:
		trib_buffer_add_format(out, "timestamp('%s')",
				       trib_time_format(random_number_of(rng, fact), time));
		break;
	case TRIB_FACT_DURATION:
		trib_buffer_add_format(out, "duration('%s')",
				       trib_rng_chance(rng, 0.5)   ? "1s"
				       : trib_rng_chance(rng, 0.5) ? "500.0005ms"
								   : "-0.3ms");
		break;
	case TRIB_FACT_DOUBLE:
		trib_buffer_add_format(out, "%.2f",
				       reals[trib_rng_below(rng, TRIB_ARRAY_SIZE(reals))]);
		break;
	default:
		trib_buffer_add_i64(out, numbers[trib_rng_below(rng, TRIB_ARRAY_SIZE(numbers))]);
	}
}

static void add_number_test(struct trib_rng *rng, struct trib_buffer *out)
{
	static const enum trib_fact_kind kinds[] = { TRIB_FACT_INT,	 TRIB_FACT_INT,
						     TRIB_FACT_INT,	 TRIB_FACT_TIME,
						     TRIB_FACT_DURATION, TRIB_FACT_DOUBLE };
	enum trib_fact fact =
		focus && trib_rng_chance(rng, 0.9) && trib_fact_rows[focus].kind != TRIB_FACT_STRING
			? focus
			: random_fact(rng, kinds[trib_rng_below(rng, TRIB_ARRAY_SIZE(kinds))]);
	const char *name = trib_fact_rows[fact].name;

	switch (trib_rng_below(rng, 4)) {
	case 0:
		trib_buffer_add_format(out, "%s in [", name);
		for (uint64_t i = 0, n = trib_rng_below(rng, 12); i < n; i++) {
			trib_buffer_add_text(out, i ? ", " : "");
			add_number(rng, out, fact);
		}
		trib_buffer_add_text(out, "]");
		break;
	case 1:
		add_number(rng, out, fact);
		trib_buffer_add_format(out, " %s %s", PICK(rng, comparisons), name);
		break;
	default:
		trib_buffer_add_format(out, "%s %s ", name, PICK(rng, comparisons));
		add_number(rng, out, fact);
	}
}

static void add_other_test(struct trib_rng *rng, struct trib_buffer *out)
{
	static const char *const tests[] = {
		"true",
		"false",
		"has(touch)",
		"has(creator)",
		"has(terms)",
		"has(order.page)",
		"has(touch.kind)",
		"has(order.ext)",
		"has(creator.tags)",
		"has(order.qty)",
		"'a' in creator.tags",
		"'late1' in creator.tags",
		"creator.tags.exists(t, t == 'b')",
		"creator.tags.all(t, t != 'c')",
		"has(order.ext.a)",
		"'b' in order.ext",
		"order.ext.a == 'known1'",
		"order.ext['b'] != 'c'",
		"order.ext.c in ['a', 'é中']",
		"order.carrier.owner == touch.carrier.owner",
		"order.page != touch.page",
		"order.qty < goods.price",
		"touch.count >= creator.level",
		"order.created_at > link.issued_at",
		"terms.leader == order.carrier.owner",
		"goods.category.startsWith('kno')",
		"goods.category.matches('^[ab]$')",
		"order.base + 1 > 5",
		"order.base / order.qty > 1",
		"order.created_at.getHours() == 22",
		"size(creator.tags) > 1",
		"creator.score > 1",
		"creator.score != 4.0",
		"(has(touch) == true)",
		"(order.qty > 1) != false",
		"order.qty > 1u",
		"goods.category < 'b'",
		"order.ext.a == order.ext.b",
		"order.qty > 1.5",
		"goods.category + 'x' == 'ax'",
		"order.site == goods.category",
		"order.goods == terms.plan",
		"touch.same_carrier",
		"!touch.same_carrier",
		"touch.same_carrier == false",
		"true != touch.same_carrier",
		"touch.same_carrier == has(touch.kind)",
		"(touch.same_carrier ? order.qty > 1 : order.qty < 8)",
		"touch.same_carrier in [true]",
		"has(touch.same_carrier)",
		"'a' in goods.category_path",
		"!('known1' in goods.category_path)",
		"goods.category_path.exists(p, 'b' == p)",
		"has(goods.category_path)",
		"size(goods.category_path) == 2",
		"goods.category_path[0] == 'c'",
		"has(merchant)",
	};

	trib_buffer_add_text(out, PICK(rng, tests));
}

static void add_joined(struct trib_rng *rng, struct trib_buffer *out, int depth,
		       const char *operator)
{
	uint64_t n = 2 + trib_rng_below(rng, 3);

	trib_buffer_add_char(out, '(');
	if (focus && operator[1] == '&') {
		focus == TRIB_FACT_GOODS_CATEGORY ? add_text_test(rng, out)
						  : add_number_test(rng, out);
		trib_buffer_add_text(out, operator);
		n--;
	}
	for (uint64_t i = 0; i < n; i++) {
		trib_buffer_add_text(out, i ? operator: "");
		add_cond(rng, out, depth - 1);
	}
	trib_buffer_add_char(out, ')');
}

static void add_cond(struct trib_rng *rng, struct trib_buffer *out, int depth)
{
	uint64_t kind = trib_rng_below(rng, depth > 0 ? 16 : 9);

	if (focus && depth > 0 && trib_rng_chance(rng, 0.4))
		kind = 9;
	else if (focus && trib_rng_chance(rng, 0.8))
		kind = trib_fact_rows[focus].kind == TRIB_FACT_STRING ? 0 : 4;

	if (kind < 4) {
		add_text_test(rng, out);
	} else if (kind < 7) {
		add_number_test(rng, out);
	} else if (kind < 9) {
		add_other_test(rng, out);
	} else if (kind < 12) {
		add_joined(rng, out, depth, " && ");
	} else if (kind < 14) {
		add_joined(rng, out, depth, " || ");
	} else if (kind < 15) {
		trib_buffer_add_text(out, "!(");
		add_cond(rng, out, depth - 1);
		trib_buffer_add_char(out, ')');
	} else {
		trib_buffer_add_char(out, '(');
		add_cond(rng, out, depth - 1);
		trib_buffer_add_text(out, " ? ");
		add_cond(rng, out, depth - 1);
		trib_buffer_add_text(out, " : ");
		add_cond(rng, out, depth - 1);
		trib_buffer_add_char(out, ')');
	}
}

static void add_node(struct trib_rng *rng, struct trib_buffer *out, int *number, int depth)
{
	bool first = true;

	trib_buffer_add_format(out, "{\"id\":\"n%d\"", (*number)++);
	if (trib_rng_chance(rng, focus && *number == 1 ? 0.1 : 0.95)) {
		trib_buffer_add_text(out, ",\"when\":\"");
		add_cond(rng, out, (int)trib_rng_below(rng, 4));
		trib_buffer_add_char(out, '"');
	}
	if (trib_rng_chance(rng, focus ? 0.05 : 0.3))
		trib_buffer_add_format(out, ",\"priority\":%d", (int)trib_rng_between(rng, -2, 2));
	if (trib_rng_chance(rng, 0.05))
		trib_buffer_add_text(out, ",\"enabled\":false");
	if (trib_rng_chance(rng, 0.1))
		trib_buffer_add_format(out, ",\"from\":%lld",
				       (long long)(INT64_C(1700000000000) + (int64_t)trib_rng_below(rng, 3) * 1000));
	if (trib_rng_chance(rng, 0.1))
		trib_buffer_add_format(out, ",\"to\":%lld",
				       (long long)(INT64_C(1700000003000) + (int64_t)trib_rng_below(rng, 3) * 1000));
	trib_buffer_add_text(out, ",\"children\":[");
	for (uint64_t n = depth ? trib_rng_below(rng, focus ? 14 : 8) : 0; n; n--) {
		trib_buffer_add_text(out, first ? "" : ",");
		first = false;
		add_node(rng, out, number, depth - 1);
	}
	trib_buffer_add_text(out, "]}");
}

/* ---- Comparing ------------------------------------------------------------------------------------------- */

static trib_status make(struct world *world, struct trib_bytes json, bool trusted,
			struct trib_tree **ret_tree, struct trib_error *error)
{
	struct trib_tree_options options = {
		.spaces = &world->spaces, .key = &world_key, .name = "t", .trusted = trusted
	};

	return trib_tree_new(&options, json, ret_tree, error);
}

static void compare(struct world *world, const struct trib_tree *tree, json_t *root,
		    const struct plain *plain, const char *json, const char *never)
{
	struct world_facts facts;
	struct trib_path_cursor cursor;
	const struct trib_node *node;
	struct trib_walk walk;
	char expected[4096], path[4096] = "";
	bool outside, value;

	const char *id = twin(root, plain, expected, &outside);

	fill(world, plain, &facts);
	trib_tree_walk(tree, &facts.facts, &walk);
	trib_path_begin(tree, walk.path, &cursor);
	while (trib_path_next(&cursor, &node, &value))
		sprintf(path + strlen(path), "%s" TRIB_BYTES_FMT "%c", *path ? " " : "",
			TRIB_BYTES_ARG(node->id), value ? '+' : '-');
	if (!trib_bytes_is(walk.node->id, id) || strcmp(path, expected) != 0 ||
	    (walk.outcome == TRIB_OUTCOME_NOT_DISTRIBUTED) != outside)
		fail_msg("found " TRIB_BYTES_FMT " by %s, expected %s by %s\n%s",
			 TRIB_BYTES_ARG(walk.node->id), path, id, expected, json);
	if (*never && (strstr(path, never) || strncmp(path, never + 1, strlen(never + 1)) == 0))
		fail_msg("%s was refused as unreachable, but %s\n%s", never, path, json);
}

static void learn(struct world *world, struct trib_tree *tree, struct trib_tree *strict,
		  const char *text)
{
	for (int space = 1; space < TRIB_SPACES; space++)
		if (!trib_names_find(world->names[space], trib_bytes_text(text))) {
			uint32_t code = world_add(world, (enum trib_space)space, text);

			trib_tree_name_added(tree, (enum trib_space)space, trib_bytes_text(text),
					     code);
			if (strict)
				trib_tree_name_added(strict, (enum trib_space)space,
						     trib_bytes_text(text), code);
		}
}

static void world_with_words(struct world *world)
{
	world_init(world);
	for (int space = 1; space < TRIB_SPACES; space++)
		for (int i = 0; i < 6; i++)
			world_add(world, (enum trib_space)space, words[i]);
	for (int fact = 1; fact < TRIB_FACTS; fact++)
		for (const char *p = trib_fact_rows[fact].words; *p;
		     p += strcspn(p, "|"), p += *p == '|')
			trib_names_add(world->names[TRIB_SPACE_SYMBOL],
				       trib_bytes(p, strcspn(p, "|")));
}

/* One random tree: many facts, half of them before and half after late1 and late2 get their codes. */
static void one_tree(struct trib_rng *rng, int *refused, int *accepted)
{
	struct world world;
	struct trib_buffer json;
	struct trib_error error = { 0 };
	struct trib_tree *tree, *strict = NULL;
	char store[TRIB_FACTS][32], never[TRIB_ERROR_AT_MAX] = "";
	int number = 0;

	world_with_words(&world);
	trib_buffer_init(&json, 16 << 20);
	trib_buffer_add_text(&json, "{\"root\":");
	focus = trib_rng_chance(rng, 0.5)   ? TRIB_FACT_NONE
		: trib_rng_chance(rng, 0.5) ? TRIB_FACT_GOODS_CATEGORY
		: trib_rng_chance(rng, 0.5) ? TRIB_FACT_ORDER_BASE
					    : TRIB_FACT_CREATOR_SCORE;
	add_node(rng, &json, &number, 1 + (int)trib_rng_below(rng, 3));
	trib_buffer_add_char(&json, '}');
	assert_ok(make(&world, trib_buffer_bytes(&json), true, &tree, &error), error);
	trib_status status = make(&world, trib_buffer_bytes(&json), false, &strict, &error);

	if (status != TRIB_OK) {
		assert_int_equal(status, TRIB_REFUSED);
		snprintf(never, sizeof(never), " %.*s+", (int)strcspn(error.at, "."), error.at);
	}
	*(status == TRIB_OK ? accepted : refused) += 1;
	json_t *body = json_loadb(json.data, json.size, 0, NULL),
	       *root = json_object_get(body, "root");

	assert_non_null(root);
	compile_all(root);
	for (int i = 0; i < 60; i++) {
		struct plain plain;

		if (i == 30)
			for (int late = 6; late < 8; late++)
				learn(&world, tree, strict, words[late]);
		random_plain(rng, &plain, store);
		compare(&world, tree, root, &plain, json.data, never);
		if (strict)
			compare(&world, strict, root, &plain, json.data, never);
	}
	free_all();
	json_decref(body);
	trib_tree_unref(tree);
	trib_tree_unref(strict);
	trib_buffer_fini(&json);
	world_fini(&world);
}

static void random_trees_are_walked_as_by_the_twin(void **state)
{
	struct trib_rng rng;
	int refused = 0, accepted = 0;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 1500; round++)
		one_tree(&rng, &refused, &accepted);
	printf("# %d trees accepted, %d refused as unreachable\n", accepted, refused);
	assert_true(accepted > 50 && refused > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_trees_are_walked_as_by_the_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
