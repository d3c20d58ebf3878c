#include "expr/infer.h"

enum {
	TYPE_DEPTH_MAX = 100,	  /* of a list or map that is made */
	WALK_DEPTH_MAX = 500,	  /* through variables, types may nest deeper than they were made */
	WALK_STEPS_MAX = 4000000, /* a type may use another in several places, and that again */
};

/* Before each step down into a type; false: it is to be given up. leave() after it in any case. */
static bool enter(struct infer *infer)
{
	if (++infer->depth > WALK_DEPTH_MAX || ++infer->steps > WALK_STEPS_MAX)
		infer->too_complex = true;
	return !infer->too_complex;
}

static void leave(struct infer *infer)
{
	infer->depth--;
}

void infer_init(struct infer *infer, struct trib_arena *arena)
{
	*infer = (struct infer){ .arena = arena };
}

static const struct trib_type *make(struct infer *infer, enum trib_type_kind kind,
				    const struct trib_type *key, const struct trib_type *element)
{
	struct trib_type *type = trib_arena_alloc(infer->arena, sizeof(*type));

	if (!type) {
		infer->no_memory = true;
		return &trib_type_dyn;
	}
	*type = (struct trib_type){ .kind = kind, .key = key, .element = element };
	return type;
}

const struct trib_type *infer_variable(struct infer *infer)
{
	if (infer->count == infer->capacity) {
		uint32_t capacity = TRIB_MAX(16u, infer->capacity * 2);
		const struct trib_type **bindings =
			trib_arena_alloc(infer->arena, capacity * sizeof(*bindings));

		if (!bindings) {
			infer->no_memory = true;
			return &trib_type_dyn;
		}
		if (infer->count)
			memcpy(bindings, infer->bindings, infer->count * sizeof(*bindings));
		infer->bindings = bindings;
		infer->capacity = capacity;
	}
	const struct trib_type *type = make(infer, TRIB_TYPE_VAR, NULL, NULL);

	if (type->kind != TRIB_TYPE_VAR)
		return type;
	((struct trib_type *)(uintptr_t)type)->index = infer->count;
	infer->bindings[infer->count++] = NULL;
	return type;
}

/* The last variable of a chain of variables bound to variables; type itself where it is none. */
static const struct trib_type *last_variable(const struct infer *infer,
					     const struct trib_type *type)
{
	while (type->kind == TRIB_TYPE_VAR && infer->bindings[type->index] &&
	       infer->bindings[type->index]->kind == TRIB_TYPE_VAR)
		type = infer->bindings[type->index];
	return type;
}

const struct trib_type *infer_top(const struct infer *infer, const struct trib_type *type)
{
	type = last_variable(infer, type);
	return type->kind == TRIB_TYPE_VAR && infer->bindings[type->index]
		       ? infer->bindings[type->index]
		       : type;
}

/* How deep the type nests, counted up to the maximum. */
static uint32_t depth_of(const struct infer *infer, const struct trib_type *type, uint32_t max)
{
	type = infer_top(infer, type);
	if (max == 0 || (type->kind != TRIB_TYPE_LIST && type->kind != TRIB_TYPE_MAP))
		return 0;
	return 1 + depth_of(infer, type->element, max - 1);
}

const struct trib_type *infer_list(struct infer *infer, const struct trib_type *element)
{
	if (depth_of(infer, element, TYPE_DEPTH_MAX) >= TYPE_DEPTH_MAX)
		return &trib_type_list_dyn;
	return make(infer, TRIB_TYPE_LIST, NULL, element);
}

const struct trib_type *infer_map(struct infer *infer, const struct trib_type *key,
				  const struct trib_type *element)
{
	if (depth_of(infer, element, TYPE_DEPTH_MAX) >= TYPE_DEPTH_MAX)
		return &trib_type_map_dyn;
	return make(infer, TRIB_TYPE_MAP, key, element);
}

/* ---- Binding -------------------------------------------------------------------------------------- */

static void bind(struct infer *infer, const struct trib_type *variable,
		 const struct trib_type *type)
{
	if (infer->change_count == infer->change_capacity) {
		uint32_t capacity = TRIB_MAX(16u, infer->change_capacity * 2);
		struct infer_change *changes =
			trib_arena_alloc(infer->arena, capacity * sizeof(*changes));

		if (!changes) {
			infer->no_memory = true;
			return;
		}
		if (infer->change_count)
			memcpy(changes, infer->changes, infer->change_count * sizeof(*changes));
		infer->changes = changes;
		infer->change_capacity = capacity;
	}
	infer->changes[infer->change_count++] =
		(struct infer_change){ variable->index, infer->bindings[variable->index] };
	infer->bindings[variable->index] = type;
}

static void undo(struct infer *infer, uint32_t change_count)
{
	while (infer->change_count > change_count) {
		const struct infer_change *change = &infer->changes[--infer->change_count];

		infer->bindings[change->variable] = change->before;
	}
}

static bool occurs(struct infer *infer, const struct trib_type *variable,
		   const struct trib_type *type)
{
	type = infer_top(infer, type);
	bool found = type == variable;

	if (enter(infer)) {
		if (type->kind == TRIB_TYPE_MAP)
			found = found || occurs(infer, variable, type->key);
		if (type->kind == TRIB_TYPE_MAP || type->kind == TRIB_TYPE_LIST)
			found = found || occurs(infer, variable, type->element);
	}
	leave(infer);
	return found;
}

static bool takes_null(const struct trib_type *type)
{
	return type->kind == TRIB_TYPE_WRAPPER || type->kind == TRIB_TYPE_TIMESTAMP ||
	       type->kind == TRIB_TYPE_DURATION || type->kind == TRIB_TYPE_NULL;
}

static const struct trib_type *general(struct infer *infer, const struct trib_type *a,
				       const struct trib_type *b);

static const struct trib_type *general_parts(struct infer *infer, const struct trib_type *a,
					     const struct trib_type *b)
{
	const struct trib_type *element = general(infer, a->element, b->element);
	const struct trib_type *key = a->key ? general(infer, a->key, b->key) : NULL;

	return element == a->element && key == a->key ? a : make(infer, a->kind, key, element);
}

/* Of two types that may stand for one another, the one that takes more. */
static const struct trib_type *general(struct infer *infer, const struct trib_type *a,
				       const struct trib_type *b)
{
	a = infer_top(infer, a);
	b = infer_top(infer, b);
	if (a == b || a->kind == TRIB_TYPE_DYN || b->kind == TRIB_TYPE_VAR)
		return a;
	if (b->kind == TRIB_TYPE_DYN || a->kind == TRIB_TYPE_VAR || a->kind == TRIB_TYPE_NULL ||
	    b->kind == TRIB_TYPE_WRAPPER)
		return b;
	if ((a->kind != TRIB_TYPE_LIST && a->kind != TRIB_TYPE_MAP) || a->kind != b->kind)
		return a;
	const struct trib_type *wider = enter(infer) ? general_parts(infer, a, b) : a;

	leave(infer);
	return wider;
}

static bool unify(struct infer *infer, const struct trib_type *a, const struct trib_type *b);

/* A free variable takes the type; a bound one becomes as general as both need. */
static bool unify_variable(struct infer *infer, const struct trib_type *variable,
			   const struct trib_type *other)
{
	const struct trib_type *bound = infer->bindings[variable->index];

	if (!bound) {
		const struct trib_type *top = last_variable(infer, other);

		if (top == variable)
			return true;
		if (occurs(infer, variable, other))
			return false;
		bind(infer, variable, top);
		return true;
	}
	if (!unify(infer, bound, other))
		return false;
	const struct trib_type *wider = general(infer, bound, other);

	if (wider != bound && !occurs(infer, variable, wider))
		bind(infer, variable, wider);
	return true;
}

static bool unify(struct infer *infer, const struct trib_type *a, const struct trib_type *b)
{
	a = last_variable(infer, a);
	b = last_variable(infer, b);
	if (a == b)
		return true;
	if (b->kind == TRIB_TYPE_VAR && (a->kind != TRIB_TYPE_VAR || !infer->bindings[b->index]))
		return unify_variable(infer, b, a);
	if (a->kind == TRIB_TYPE_VAR)
		return unify_variable(infer, a, b);
	if (a->kind == TRIB_TYPE_DYN || b->kind == TRIB_TYPE_DYN)
		return true;
	if (a->kind == TRIB_TYPE_NULL || b->kind == TRIB_TYPE_NULL)
		return takes_null(a) && takes_null(b);
	if (a->kind == TRIB_TYPE_WRAPPER)
		a = a->element;
	if (b->kind == TRIB_TYPE_WRAPPER)
		b = b->element;
	if (a->kind != b->kind)
		return false;
	if (a->kind != TRIB_TYPE_MAP && a->kind != TRIB_TYPE_LIST)
		return true;
	bool fits = enter(infer) && (!a->key || unify(infer, a->key, b->key)) &&
		    unify(infer, a->element, b->element);

	leave(infer);
	return fits;
}

bool infer_assignable(struct infer *infer, const struct trib_type *a, const struct trib_type *b)
{
	uint32_t before = infer->change_count;
	bool fits = unify(infer, a, b);

	if (!fits)
		undo(infer, before);
	return fits;
}

const struct trib_type *infer_join(struct infer *infer, const struct trib_type *a,
				   const struct trib_type *b)
{
	return infer_assignable(infer, a, b) ? general(infer, a, b) : &trib_type_dyn;
}

/* Lets every variable of a chain point to its end. Nothing is undone any more when types are made final. */
static void shorten(struct infer *infer, const struct trib_type *type)
{
	const struct trib_type *last = last_variable(infer, type);

	while (type != last) {
		const struct trib_type *next = infer->bindings[type->index];

		infer->bindings[type->index] = last;
		type = next;
	}
}

const struct trib_type *infer_final(struct infer *infer, const struct trib_type *type)
{
	type = infer_top(infer, type);
	if (type->kind == TRIB_TYPE_VAR)
		return &trib_type_dyn;
	if (type->kind != TRIB_TYPE_LIST && type->kind != TRIB_TYPE_MAP)
		return type;
	if (enter(infer)) {
		const struct trib_type *element = infer_final(infer, type->element);
		const struct trib_type *key = type->key ? infer_final(infer, type->key) : NULL;

		if (element != type->element || key != type->key)
			type = make(infer, type->kind, key, element);
	}
	leave(infer);
	return type;
}

const struct trib_type *infer_finish(struct infer *infer, const struct trib_type *type)
{
	if (type->kind == TRIB_TYPE_MAP)
		shorten(infer, type->key);
	if (type->kind == TRIB_TYPE_MAP || type->kind == TRIB_TYPE_LIST)
		shorten(infer, type->element);
	shorten(infer, type);
	return infer_final(infer, type);
}

/* ---- Signatures ----------------------------------------------------------------------------------- */

/* The type that a letter of a signature stands for; A and B are made when first met. */
static const struct trib_type *letter_type(struct infer *infer, char letter,
					   const struct trib_type *parameters[2])
{
	static const struct {
		char letter;
		const struct trib_type *type;
	} simple[] = {
		{ 'b', &trib_type_bool },     { 'i', &trib_type_int },
		{ 'u', &trib_type_uint },     { 'd', &trib_type_double },
		{ 's', &trib_type_string },   { 'y', &trib_type_bytes },
		{ 'n', &trib_type_null },     { 't', &trib_type_timestamp },
		{ 'r', &trib_type_duration }, { 'T', &trib_type_type },
		{ 'D', &trib_type_dyn },      { 'l', &trib_type_list_string },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(simple); i++)
		if (simple[i].letter == letter)
			return simple[i].type;
	for (int i = 0; i < 2; i++)
		if (!parameters[i] &&
		    (letter == "AB"[i] || letter == 'M' || (letter == 'L' && i == 0)))
			parameters[i] = infer_variable(infer);
	return letter == 'A'   ? parameters[0]
	       : letter == 'B' ? parameters[1]
	       : letter == 'L' ? make(infer, TRIB_TYPE_LIST, NULL, parameters[0])
			       : make(infer, TRIB_TYPE_MAP, parameters[0], parameters[1]);
}

/* Whether an argument of this kind can never match the letter: spares making types to no end. */
static bool hopeless(const struct infer *infer, char letter, const struct trib_type *type)
{
	type = infer_top(infer, type);
	switch (type->kind) {
	case TRIB_TYPE_LIST:
		return !strchr("LlAB", letter);
	case TRIB_TYPE_MAP:
		return !strchr("MAB", letter);
	case TRIB_TYPE_DYN:
	case TRIB_TYPE_VAR:
	case TRIB_TYPE_WRAPPER:
	case TRIB_TYPE_NULL:
		return false;
	default:
		return strchr("LlM", letter) != NULL;
	}
}

/* The letter of a plain type, which no other letter of a plain type takes; 0: the type is not one. */
static char plain_letter(const struct trib_type *type)
{
	switch (type->kind) {
	case TRIB_TYPE_BOOL:
		return 'b';
	case TRIB_TYPE_INT:
		return 'i';
	case TRIB_TYPE_UINT:
		return 'u';
	case TRIB_TYPE_DOUBLE:
		return 'd';
	case TRIB_TYPE_STRING:
		return 's';
	case TRIB_TYPE_BYTES:
		return 'y';
	case TRIB_TYPE_TIMESTAMP:
		return 't';
	case TRIB_TYPE_DURATION:
		return 'r';
	default:
		return 0;
	}
}

static bool is_plain(char letter)
{
	return letter >= 'a' && letter != 'n' && letter != 'l';
}

/* The result of one signature, NULL where it does not fit. */
static const struct trib_type *fit(struct infer *infer, const char *signature,
				   const struct trib_expr_node *const *args, uint32_t count)
{
	const struct trib_type *parameters[2] = { NULL, NULL };
	uint32_t before = infer->change_count;

	/* Most signatures are told to be others at first sight. */
	for (uint32_t i = 0; i < count; i++) {
		char letter = plain_letter(args[i]->type);

		if (letter && is_plain(signature[i]) && signature[i] != letter)
			return NULL;
	}

	for (uint32_t i = 0; i < count; i++)
		if (hopeless(infer, signature[i], args[i]->type))
			return NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (unify(infer, letter_type(infer, signature[i], parameters), args[i]->type))
			continue;
		undo(infer, before);
		return NULL;
	}
	const struct trib_type *result = letter_type(infer, signature[count + 1], parameters);

	/* Nothing says what comes out of a dyn, or of an empty list. */
	result = infer_top(infer, result);
	return result->kind == TRIB_TYPE_VAR ? &trib_type_dyn : result;
}

const struct trib_type *infer_call(struct infer *infer, const char *signatures, bool method,
				   const struct trib_expr_node *const *args, uint32_t count)
{
	const struct trib_type *result = NULL;

	for (const char *next = signatures; *next;) {
		bool is_method = *next == '.';
		const char *signature = next + is_method, *end = signature;

		while (*end != ':')
			end++;
		if (is_method == method && (size_t)(end - signature) == count) {
			const struct trib_type *type = fit(infer, signature, args, count);

			if (type && result &&
			    !trib_type_equal(infer_final(infer, type), infer_final(infer, result)))
				result = &trib_type_dyn;
			else if (type && !result)
				result = type;
		}
		for (next = end; *next && *next != ' ';)
			next++;
		next += *next == ' ';
	}
	return result;
}
