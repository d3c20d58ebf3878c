/* Checks values by a compiled schema; see schema.h. */
#include "play/schema.h"

#include <math.h>
#include <stdarg.h>
#include "play/schema_private.h"

enum { DEPTH_MAX = 400 }; /* of schemas in schemas; the value's depth and CHAIN_MAX keep it lower but for oddities */

/* Where in the value we are. */
struct place {
	const struct place *up;
	const struct trib_json *json;
	uint32_t index; /* in a list */
	bool listed;
};

struct run {
	bool tracks;
	uint32_t steps, depth;
	uint32_t quiet; /* above 0: a failure is no failure of the whole */
	trib_status status;
	struct trib_arena *arena;
	uint32_t *ret_line;
	struct trib_error *error;
};

/* One schema asked of one value. */
struct visit {
	struct run *run;
	const struct schema_node *node;
	const struct trib_json *json;
	const struct place *place;
	bool *seen; /* one a child of json: some keyword has looked at it. NULL: nobody wants to know */
};

static bool check(struct run *run, const struct schema_node *node, const struct place *place,
		  bool *seen);

/* ---- Refusals ------------------------------------------------------------------------------------- */

static void add_place(const struct place *place, struct trib_buffer *buffer)
{
	if (!place->up)
		return;
	add_place(place->up, buffer);
	if (place->listed)
		trib_buffer_add_format(buffer, "[%u]", place->index);
	else
		trib_buffer_add_format(buffer, "%s" TRIB_BYTES_FMT, buffer->size ? "." : "",
				       TRIB_BYTES_ARG(place->json->key));
}

static void add_found(const struct trib_json *json, struct trib_buffer *buffer)
{
	enum { FOUND_BYTES = 60 };
	size_t size = TRIB_MIN(json->text.size, (size_t)FOUND_BYTES);
	const char *dots = size < json->text.size ? "…" : "";

	while (size < json->text.size && size && (json->text.data[size] & 0xc0) == 0x80)
		size--;
	if (json->kind == TRIB_JSON_STRING)
		trib_buffer_add_format(buffer, "\"%.*s%s\"", (int)size, json->text.data, dots);
	else if (json->kind == TRIB_JSON_NUMBER)
		trib_buffer_add_format(buffer, "%.*s%s", (int)size, json->text.data, dots);
	else
		trib_buffer_add_text(buffer, trib_json_kind_name(json->kind));
}

/* Always false. `found` NULL: what stands at the place. */
static bool TRIB_PRINTF(4, 5) refuse_at(struct run *run, const struct place *place, const char *found,
					const char *format, ...)
{
	struct trib_buffer path, text;
	va_list args;
	char expected[TRIB_ERROR_TEXT_MAX];

	if (run->quiet || run->status != TRIB_OK)
		return false;
	run->status = TRIB_INVALID;
	if (run->ret_line)
		*run->ret_line = place->json->line;
	if (!run->error)
		return false;
	trib_buffer_init(&path, 64 << 10);
	trib_buffer_init(&text, 64 << 10);
	add_place(place, &path);
	if (found)
		trib_buffer_add_text(&text, found);
	else
		add_found(place->json, &text);
	va_start(args, format);
	vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	trib_fail(run->error, TRIB_INVALID, trib_buffer_text(&path), "found %s, expected %s",
		  trib_buffer_text(&text), expected);
	trib_buffer_fini(&path);
	trib_buffer_fini(&text);
	return false;
}

#define refuse(visit, ...) refuse_at((visit)->run, (visit)->place, NULL, __VA_ARGS__)

/* Too much work or memory ends the whole check, whatever keyword it happens under. */
static bool exhausted(struct run *run, const struct place *place)
{
	if (run->status != TRIB_OK)
		return false;
	run->status = TRIB_LIMIT;
	if (run->ret_line)
		*run->ret_line = place->json->line;
	trib_fail(run->error, TRIB_LIMIT, "", "found a value that takes more than %d steps to check",
		  TRIB_LIMIT_SCHEMA_STEPS);
	return false;
}

static bool spend(struct visit *visit, uint32_t steps)
{
	visit->run->steps += steps;
	return visit->run->steps <= TRIB_LIMIT_SCHEMA_STEPS || exhausted(visit->run, visit->place);
}

/* ---- Values --------------------------------------------------------------------------------------- */

const struct use *schema_use(const struct schema_node *node, enum keyword keyword)
{
	for (uint32_t i = 0; i < node->count; i++)
		if (node->uses[i].keyword == keyword)
			return &node->uses[i];
	return NULL;
}

const struct trib_json *schema_member(const struct trib_json *object, struct trib_bytes name)
{
	for (const struct trib_json *member = object->first; member; member = member->next)
		if (trib_bytes_equal(member->key, name))
			return member;
	return NULL;
}

struct schema_number schema_number(const struct trib_json *json)
{
	struct schema_number number = { 0 };
	struct trib_value value = trib_value_double(0);

	if (trib_bytes_to_i64(json->text, &number.integer)) {
		number.whole = true;
		number.real = (double)number.integer;
		return number;
	}
	trib_value_parse_double(json->text, &value);
	number.real = value.number;
	if (fabs(number.real) < 9007199254740992.0 && number.real == trunc(number.real)) {
		number.whole = true; /* 1.0 is 1 */
		number.integer = (int64_t)number.real;
	}
	return number;
}

int schema_compare(struct schema_number a, struct schema_number b)
{
	if (a.whole && b.whole)
		return (a.integer > b.integer) - (a.integer < b.integer);
	return (a.real > b.real) - (a.real < b.real);
}

/* Equal as JSON Schema has it: numbers by value, members in any order. */
static bool same(struct visit *visit, const struct trib_json *a, const struct trib_json *b)
{
	if (!spend(visit, 1) || a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == TRIB_JSON_STRING)
		return trib_bytes_equal(a->text, b->text);
	if (a->kind == TRIB_JSON_NUMBER)
		return schema_compare(schema_number(a), schema_number(b)) == 0;
	for (const struct trib_json *x = a->first, *y = b->first; x; x = x->next, y = y->next) {
		const struct trib_json *other = y;

		if (a->kind == TRIB_JSON_OBJECT && !trib_bytes_equal(x->key, y->key)) {
			if (!spend(visit, b->count) || !(other = schema_member(b, x->key)))
				return false;
		}
		if (!same(visit, x, other))
			return false;
	}
	return true;
}

static uint64_t characters(struct trib_bytes text)
{
	uint64_t count = 0;

	for (size_t i = 0; i < text.size; i++)
		count += (text.data[i] & 0xc0) != 0x80;
	return count;
}

/* ---- Keywords of single values -------------------------------------------------------------------- */

static bool check_type(struct visit *visit, const struct use *use)
{
	const struct trib_json *json = visit->json;
	uint64_t bit = UINT64_C(1) << json->kind;

	if (use->number & bit || (json->kind == TRIB_JSON_NUMBER &&
				  use->number >> TYPE_INTEGER & 1 && schema_number(json).whole))
		return true;
	if (use->value->kind == TRIB_JSON_STRING)
		return refuse(visit, "%s %s",
			      use->value->text.data[0] == 'i' || use->value->text.data[0] == 'a' ||
					      use->value->text.data[0] == 'o' ?
				      "an" :
				      "a",
			      use->value->text.data);
	return refuse(visit, "another type");
}

static bool check_enum(struct visit *visit, const struct use *use)
{
	struct trib_buffer list;
	uint32_t i = 0;

	for (const struct trib_json *item = use->value->first; item; item = item->next)
		if (same(visit, visit->json, item))
			return true;
	if (visit->run->quiet)
		return false;
	trib_buffer_init(&list, 64 << 10);
	for (const struct trib_json *item = use->value->first; item && i < 12; item = item->next, i++) {
		trib_buffer_add_text(&list, i ? ", " : "");
		add_found(item, &list);
	}
	refuse(visit, "one of %s%s", trib_buffer_text(&list), i < use->value->count ? ", …" : "");
	trib_buffer_fini(&list);
	return false;
}

static bool check_const(struct visit *visit, const struct use *use)
{
	if (same(visit, visit->json, use->value))
		return true;
	if (use->value->kind == TRIB_JSON_STRING)
		return refuse(visit, "\"%.60s\"", use->value->text.data);
	return refuse(visit, "the constant of its schema");
}

static bool check_multiple(struct visit *visit, const struct use *use)
{
	struct schema_number value = schema_number(visit->json), of = schema_number(use->value);
	double quotient = value.real / of.real;
	bool multiple;

	if (value.whole && of.whole)
		multiple = value.integer % of.integer == 0;
	else if (!isfinite(quotient))
		multiple = fmod(value.real, of.real) == 0;
	else
		multiple = fabs(quotient - nearbyint(quotient)) <= 1e-9 * fmax(1, fabs(quotient)) &&
			   (fabs(quotient) < 9007199254740992.0 || fmod(value.real, of.real) == 0);
	return multiple || refuse(visit, "a multiple of " TRIB_BYTES_FMT,
				  TRIB_BYTES_ARG(use->value->text));
}

static bool check_bound(struct visit *visit, const struct use *use)
{
	int order = schema_compare(schema_number(visit->json), schema_number(use->value));
	const char *words = "";
	bool good = true;

	switch (use->keyword) {
	case KEYWORD_MAXIMUM:
		good = order <= 0;
		words = "at most";
		break;
	case KEYWORD_EXCLUSIVE_MAXIMUM:
		good = order < 0;
		words = "less than";
		break;
	case KEYWORD_MINIMUM:
		good = order >= 0;
		words = "at least";
		break;
	default:
		good = order > 0;
		words = "more than";
	}
	return good || refuse(visit, "%s " TRIB_BYTES_FMT, words, TRIB_BYTES_ARG(use->value->text));
}

/* Of a string, a list or an object: how many, against a bound. */
static bool check_count(struct visit *visit, const struct use *use, uint64_t count, bool most,
			const char *what)
{
	if (most ? count <= use->number : count >= use->number)
		return true;
	return refuse(visit, "%s %llu %s", most ? "at most" : "at least",
		      (unsigned long long)use->number, what);
}

static bool check_pattern(struct visit *visit, const struct use *use)
{
	struct trib_bytes text = visit->json->text;

	return (spend(visit, 1 + (uint32_t)(text.size / 64)) &&
		re2_pattern_matches(use->patterns[0], text.data, text.size)) ||
	       refuse(visit, "what matches %.100s", use->value->text.data);
}

/* ---- Keywords of lists ---------------------------------------------------------------------------- */

static bool check_unique(struct visit *visit, const struct use *use)
{
	if (use->value->kind != TRIB_JSON_TRUE)
		return true;
	for (const struct trib_json *a = visit->json->first; a; a = a->next)
		for (const struct trib_json *b = a->next; b; b = b->next)
			if (same(visit, a, b))
				return refuse(visit, "no item twice");
	return true;
}

/* Items from the first-th on, each by its schema, or all by the only one. */
static bool check_items(struct visit *visit, const struct use *use, uint32_t first)
{
	bool each = use->keyword == KEYWORD_PREFIX_ITEMS;
	uint32_t index = 0;

	for (const struct trib_json *item = visit->json->first; item; item = item->next, index++) {
		struct place below = { visit->place, item, index, true };

		if (index < first || (use->keyword == KEYWORD_UNEVALUATED_ITEMS && visit->seen[index]))
			continue;
		if (each && index >= use->count)
			break;
		if (!check(visit->run, use->schemas[each ? index : 0], &below, NULL))
			return false;
		if (visit->seen)
			visit->seen[index] = true;
	}
	return true;
}

static bool check_contains(struct visit *visit, const struct use *use)
{
	const struct use *least = schema_use(visit->node, KEYWORD_MIN_CONTAINS);
	const struct use *most = schema_use(visit->node, KEYWORD_MAX_CONTAINS);
	uint64_t found = 0, min = least ? least->number : 1;
	uint32_t index = 0;

	visit->run->quiet++;
	for (const struct trib_json *item = visit->json->first; item; item = item->next, index++) {
		struct place below = { visit->place, item, index, true };

		if (!check(visit->run, use->schemas[0], &below, NULL))
			continue;
		found++;
		if (visit->seen)
			visit->seen[index] = true;
	}
	visit->run->quiet--;
	if (found < min)
		return refuse(visit, "at least %llu items of a kind", (unsigned long long)min);
	if (most && found > most->number)
		return refuse(visit, "at most %llu items of a kind", (unsigned long long)most->number);
	return true;
}

/* ---- Keywords of objects -------------------------------------------------------------------------- */

static bool check_required(struct visit *visit, const struct trib_json *names)
{
	for (const struct trib_json *name = names->first; name; name = name->next) {
		if (!spend(visit, visit->json->count))
			return false;
		const struct trib_json missing = { .kind = TRIB_JSON_NULL, .line = visit->json->line, .key = name->text };
		const struct place below = { visit->place, &missing, 0, false };

		if (!schema_member(visit->json, name->text))
			return refuse_at(visit->run, &below, "nothing", "a value: it is required");
	}
	return true;
}

static bool check_needs(struct visit *visit, const struct use *use)
{
	for (const struct trib_json *need = use->value->first; need; need = need->next)
		if (schema_member(visit->json, need->key) && !check_required(visit, need))
			return false;
	return true;
}

static bool check_names(struct visit *visit, const struct use *use)
{
	for (const struct trib_json *member = visit->json->first; member; member = member->next) {
		struct trib_json name = { .kind = TRIB_JSON_STRING,
					  .line = member->line,
					  .key = member->key,
					  .text = member->key };
		struct place below = { visit->place, &name, 0, false };

		if (!check(visit->run, use->schemas[0], &below, NULL))
			return false;
	}
	return true;
}

/* The schema that `properties` has for a name, NULL if none. */
static const struct schema_node *property(const struct use *use, struct trib_bytes name)
{
	uint32_t i = 0;

	for (const struct trib_json *member = use->value->first; member; member = member->next, i++)
		if (trib_bytes_equal(member->key, name))
			return use->schemas[i];
	return NULL;
}

static bool check_patterns(struct visit *visit, const struct use *use, const struct place *below,
			   bool *ret_matched)
{
	struct trib_bytes key = below->json->key;

	*ret_matched = false;
	for (uint32_t i = 0; i < use->count; i++) {
		if (!spend(visit, 1 + (uint32_t)(key.size / 64)))
			return false;
		if (!re2_pattern_matches(use->patterns[i], key.data, key.size))
			continue;
		*ret_matched = true;
		if (!check(visit->run, use->schemas[i], below, NULL))
			return false;
	}
	return true;
}

/* Whether properties or patternProperties beside additionalProperties speak of a name. */
static bool spoken_of(struct visit *visit, struct trib_bytes name)
{
	const struct use *named = schema_use(visit->node, KEYWORD_PROPERTIES);
	const struct use *patterns = schema_use(visit->node, KEYWORD_PATTERN_PROPERTIES);

	if (named && property(named, name))
		return true;
	for (uint32_t i = 0; patterns && i < patterns->count; i++)
		if (re2_pattern_matches(patterns->patterns[i], name.data, name.size))
			return true;
	return false;
}

/* properties, patternProperties, additionalProperties, unevaluatedProperties: member by member. */
static bool check_members(struct visit *visit, const struct use *use)
{
	uint32_t index = 0;

	for (const struct trib_json *member = visit->json->first; member; member = member->next, index++) {
		struct place below = { visit->place, member, 0, false };
		const struct schema_node *node = NULL;
		bool matched = false;

		if (!spend(visit, 1 + use->count / 8))
			return false;
		if (use->keyword == KEYWORD_PROPERTIES)
			node = property(use, member->key);
		else if (use->keyword == KEYWORD_ADDITIONAL_PROPERTIES)
			node = spoken_of(visit, member->key) ? NULL : use->schemas[0];
		else if (use->keyword == KEYWORD_UNEVALUATED_PROPERTIES)
			node = visit->seen[index] ? NULL : use->schemas[0];
		else if (!check_patterns(visit, use, &below, &matched))
			return false;
		if (node && node->truth == TRUTH_NEVER)
			return refuse_at(visit->run, &below, "a field that is not known here",
					 "only those of its schema");
		if (node && !check(visit->run, node, &below, NULL))
			return false;
		if (visit->seen && (node || matched))
			visit->seen[index] = true;
	}
	return true;
}

/* ---- Keywords of schemas over the same value ------------------------------------------------------ */

static bool check_some(struct visit *visit, const struct use *use)
{
	uint32_t good = 0;

	visit->run->quiet++;
	for (uint32_t i = 0; i < use->count; i++)
		/* Where somebody wants to know what was looked at, anyOf has to ask all. */
		if (!(use->keyword == KEYWORD_ANY_OF && good && !visit->seen))
			good += check(visit->run, use->schemas[i], visit->place, visit->seen);
	visit->run->quiet--;
	if (use->keyword == KEYWORD_ANY_OF)
		return good || refuse(visit, "what fits one of anyOf");
	return good == 1 ||
	       refuse(visit, "what fits exactly one of oneOf, and not %s", good ? "several" : "none");
}

static bool check_not(struct visit *visit, const struct use *use)
{
	visit->run->quiet++;
	bool good = check(visit->run, use->schemas[0], visit->place, NULL);

	visit->run->quiet--;
	return visit->run->status == TRIB_OK && (!good || refuse(visit, "what its `not` does not fit"));
}

static bool check_if(struct visit *visit, const struct use *use)
{
	visit->run->quiet++;
	bool good = check(visit->run, use->schemas[0], visit->place, visit->seen);

	visit->run->quiet--;
	const struct use *next = schema_use(visit->node, good ? KEYWORD_THEN : KEYWORD_ELSE);

	return !next || check(visit->run, next->schemas[0], visit->place, visit->seen);
}

static bool check_all(struct visit *visit, const struct use *use)
{
	const struct trib_json *name = use->value->first;

	for (uint32_t i = 0; i < use->count; i++) {
		bool asked = use->keyword != KEYWORD_DEPENDENT_SCHEMAS ||
			     schema_member(visit->json, name->key);

		if (asked && !check(visit->run, use->schemas[i], visit->place, visit->seen))
			return false;
		name = name ? name->next : NULL;
	}
	return true;
}

/* ---- One schema ----------------------------------------------------------------------------------- */

static bool check_list_use(struct visit *visit, const struct use *use)
{
	const struct use *prefix = schema_use(visit->node, KEYWORD_PREFIX_ITEMS);

	switch (use->keyword) {
	case KEYWORD_MAX_ITEMS:
	case KEYWORD_MIN_ITEMS:
		return check_count(visit, use, visit->json->count, use->keyword == KEYWORD_MAX_ITEMS,
				   "items");
	case KEYWORD_UNIQUE_ITEMS:
		return check_unique(visit, use);
	case KEYWORD_PREFIX_ITEMS:
	case KEYWORD_UNEVALUATED_ITEMS:
		return check_items(visit, use, 0);
	case KEYWORD_ITEMS:
		return check_items(visit, use, prefix ? prefix->count : 0);
	case KEYWORD_CONTAINS:
		return check_contains(visit, use);
	default:
		return true;
	}
}

static bool check_object_use(struct visit *visit, const struct use *use)
{
	switch (use->keyword) {
	case KEYWORD_MAX_PROPERTIES:
	case KEYWORD_MIN_PROPERTIES:
		return check_count(visit, use, visit->json->count,
				   use->keyword == KEYWORD_MAX_PROPERTIES, "fields");
	case KEYWORD_REQUIRED:
		return check_required(visit, use->value);
	case KEYWORD_DEPENDENT_REQUIRED:
		return check_needs(visit, use);
	case KEYWORD_PROPERTY_NAMES:
		return check_names(visit, use);
	case KEYWORD_PROPERTIES:
	case KEYWORD_PATTERN_PROPERTIES:
	case KEYWORD_ADDITIONAL_PROPERTIES:
	case KEYWORD_UNEVALUATED_PROPERTIES:
		return check_members(visit, use);
	case KEYWORD_DEPENDENT_SCHEMAS:
		return check_all(visit, use);
	default:
		return true;
	}
}

static bool check_scalar_use(struct visit *visit, const struct use *use)
{
	bool number = visit->json->kind == TRIB_JSON_NUMBER;
	bool text = visit->json->kind == TRIB_JSON_STRING;

	switch (use->keyword) {
	case KEYWORD_MULTIPLE_OF:
		return !number || check_multiple(visit, use);
	case KEYWORD_MAXIMUM:
	case KEYWORD_EXCLUSIVE_MAXIMUM:
	case KEYWORD_MINIMUM:
	case KEYWORD_EXCLUSIVE_MINIMUM:
		return !number || check_bound(visit, use);
	case KEYWORD_MAX_LENGTH:
	case KEYWORD_MIN_LENGTH:
		return !text || check_count(visit, use, characters(visit->json->text),
					    use->keyword == KEYWORD_MAX_LENGTH, "characters");
	case KEYWORD_PATTERN:
		return !text || check_pattern(visit, use);
	default:
		return true;
	}
}

static bool check_use(struct visit *visit, const struct use *use)
{
	switch (use->keyword) {
	case KEYWORD_TYPE:
		return check_type(visit, use);
	case KEYWORD_ENUM:
		return check_enum(visit, use);
	case KEYWORD_CONST:
		return check_const(visit, use);
	case KEYWORD_REF:
	case KEYWORD_ALL_OF:
		return check_all(visit, use);
	case KEYWORD_ANY_OF:
	case KEYWORD_ONE_OF:
		return check_some(visit, use);
	case KEYWORD_NOT:
		return check_not(visit, use);
	case KEYWORD_IF:
		return check_if(visit, use);
	default:
		return visit->json->kind == TRIB_JSON_ARRAY    ? check_list_use(visit, use)
		       : visit->json->kind == TRIB_JSON_OBJECT ? check_object_use(visit, use)
							       : check_scalar_use(visit, use);
	}
}

/* What was looked at counts for `seen` where the whole schema fits. */
static bool check(struct run *run, const struct schema_node *node, const struct place *place, bool *seen)
{
	struct visit visit = { run, node, place->json, place, NULL };
	bool good = node->truth != TRUTH_NEVER;

	if (!spend(&visit, 1))
		return false;
	if (run->depth == DEPTH_MAX)
		return exhausted(run, place);
	if (!good)
		return refuse(&visit, "nothing here");
	if (run->tracks) {
		visit.seen = trib_arena_alloc_zeroed(run->arena, place->json->count);
		if (!visit.seen)
			return exhausted(run, place);
	}
	run->depth++;
	for (uint32_t i = 0; i < node->count && good; i++)
		good = check_use(&visit, &node->uses[i]);
	run->depth--;
	for (uint32_t i = 0; good && seen && i < place->json->count; i++)
		seen[i] |= visit.seen[i];
	return good && run->status == TRIB_OK;
}

trib_status trib_schema_check(const struct trib_schema *schema, const struct trib_json *value,
			      struct trib_arena *arena, uint32_t *ret_line, struct trib_error *error)
{
	struct run run = { .tracks = schema->tracks, .arena = arena, .ret_line = ret_line, .error = error };
	struct place place = { .json = value };

	check(&run, schema->root, &place, NULL);
	return run.status;
}

bool trib_schema_has_part(const struct trib_schema *schema, struct trib_bytes part)
{
	const struct use *use = schema_use(schema->root, KEYWORD_PROPERTIES);

	return use && property(use, part);
}

trib_status trib_schema_check_part(const struct trib_schema *const *schemas, uint32_t count,
				   struct trib_bytes part, const struct trib_json *value,
				   struct trib_arena *arena, uint32_t *ret_line, struct trib_error *error)
{
	struct run run = { .tracks = true, .arena = arena, .ret_line = ret_line, .error = error };
	struct trib_json whole = { .kind = TRIB_JSON_OBJECT }, named = *value;
	struct place root = { .json = &whole }, place = { .up = &root, .json = &named };
	bool *seen = trib_arena_alloc_zeroed(arena, value->count);
	uint32_t index = 0;

	named.key = part;
	if (!seen)
		exhausted(&run, &place);
	else if (value->kind != TRIB_JSON_OBJECT)
		refuse_at(&run, &place, NULL, "an object");
	for (uint32_t i = 0; i < count && run.status == TRIB_OK; i++) {
		const struct use *use = schema_use(schemas[i]->root, KEYWORD_PROPERTIES);
		const struct schema_node *node = use ? property(use, part) : NULL;

		if (node)
			check(&run, node, &place, seen);
	}
	for (const struct trib_json *member = value->first; member && run.status == TRIB_OK;
	     member = member->next, index++) {
		struct place below = { &place, member, 0, false };

		if (!seen[index])
			refuse_at(&run, &below, "a field that is not known here",
				  "only those of its schema");
	}
	return run.status;
}
