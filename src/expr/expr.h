/*
 * CEL, the Common Expression Language: what people write wherever they state a condition or a formula.
 * One front end (parse, check), several back ends. What is supported and what deviates: docs/cel.md.
 *
 *	static const struct trib_expr_variable variables[] = {
 *		{ "order.qty", &trib_type_int },
 *		{ "touch", NULL },                      // presence only: has(touch)
 *		{ "touch.age", &trib_type_duration },
 *	};
 *	struct trib_expr_env env = { .variables = variables, .variable_count = 3, .flags = TRIB_EXPR_FACTS };
 *	struct trib_expr_error why;
 *	struct trib_expr_program *program;
 *
 *	if (trib_expr_compile(&env, trib_bytes_text("order.qty > 2 && has(touch)"), &program, &why) != TRIB_OK)
 *		printf("%u:%u: %s\n", why.line, why.column, why.text);
 *	if (trib_expr_eval(program, &facts, &arena, &value, &why) == TRIB_OK && value.kind == TRIB_VALUE_BOOL)
 *		…
 *	trib_expr_free(program);
 *
 * A program is immutable: any number of threads may evaluate it, each with its own arena. Evaluation does
 * not allocate outside the arena, does not recurse, takes at most TRIB_LIMIT_CEL_COST steps, and
 * depends on nothing but the program, the facts and (for named time zones) the system's tz database.
 *
 * trib_expr_root() gives the checked tree, for a room that compiles its own form of it (rules, select).
 */
#ifndef TRIB_EXPR_EXPR_H
#define TRIB_EXPR_EXPR_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/ranges.h"
#include "base/status.h"
#include "expr/re2_shim.h" /* the patterns of matches(), for other rooms that take patterns */

/* ---- Types ---------------------------------------------------------------------------------------- */

enum trib_type_kind {
	TRIB_TYPE_DYN,
	TRIB_TYPE_NULL,
	TRIB_TYPE_BOOL,
	TRIB_TYPE_INT,
	TRIB_TYPE_UINT,
	TRIB_TYPE_DOUBLE,
	TRIB_TYPE_STRING,
	TRIB_TYPE_BYTES,
	TRIB_TYPE_TIMESTAMP,
	TRIB_TYPE_DURATION,
	TRIB_TYPE_LIST,	   /* of element */
	TRIB_TYPE_MAP,	   /* of key to element */
	TRIB_TYPE_TYPE,	   /* the type of a type value */
	TRIB_TYPE_WRAPPER, /* element or null */
	TRIB_TYPE_VAR,	   /* inside the checker only: index says which */
};

/* Immutable; may be written as a constant: `{ TRIB_TYPE_MAP, .key = &trib_type_string, .element = &trib_type_dyn }`. */
struct trib_type {
	enum trib_type_kind kind;
	uint32_t index;
	const struct trib_type *key;
	const struct trib_type *element;
};

extern const struct trib_type trib_type_dyn, trib_type_null, trib_type_bool, trib_type_int,
	trib_type_uint, trib_type_double, trib_type_string, trib_type_bytes, trib_type_timestamp,
	trib_type_duration, trib_type_type, trib_type_list_dyn, trib_type_list_string,
	trib_type_map_dyn, trib_type_map_string;

/* Parses "int", "list(int)", "map(string, dyn)", "google.protobuf.Timestamp" or "timestamp", "wrapper(int)" … into arena. */
trib_status trib_type_parse(struct trib_bytes text, struct trib_arena *arena,
			    const struct trib_type **ret_type, struct trib_error *error);
void trib_type_format(const struct trib_type *type, struct trib_buffer *buffer);
bool trib_type_equal(const struct trib_type *a, const struct trib_type *b);

/* ---- Values --------------------------------------------------------------------------------------- */

enum trib_value_kind {
	TRIB_VALUE_NULL,
	TRIB_VALUE_BOOL,
	TRIB_VALUE_INT,
	TRIB_VALUE_UINT,
	TRIB_VALUE_DOUBLE,
	TRIB_VALUE_STRING, /* valid UTF-8 */
	TRIB_VALUE_BYTES,
	TRIB_VALUE_TIMESTAMP, /* seconds since 1970 and nanos, years 1 to 9999 */
	TRIB_VALUE_DURATION,  /* seconds and nanos, of the same sign */
	TRIB_VALUE_LIST,
	TRIB_VALUE_MAP,
	TRIB_VALUE_TYPE,
	TRIB_VALUE_ERROR, /* inside the evaluator only */
};

struct trib_list;
struct trib_map;

/* 16 bytes, passed by value. What it points to belongs to an arena, a program or the giver of the facts. */
struct trib_value {
	uint8_t kind;
	union {
		uint32_t size; /* string, bytes */
		int32_t nanos; /* timestamp, duration */
		uint32_t code; /* type: the trib_value_kind of its values; error: why */
	};
	union {
		bool boolean;
		int64_t integer; /* int; seconds of a timestamp or duration */
		uint64_t unsigned_integer;
		double number;
		const char *text;
		const struct trib_list *list;
		const struct trib_map *map;
	};
};

struct trib_list {
	uint32_t count;
	uint32_t depth; /* 1 + the deepest item's; bounded by TRIB_LIMIT_CEL_VALUE_DEPTH */
	const struct trib_value *items;
};

/* Pairs in the order written. Keys are bool, int, uint or string; numbers that are equal are the same key. */
struct trib_map {
	uint32_t count;
	uint32_t depth;
	const struct trib_value *keys, *values;
	const uint32_t *
		slots; /* open addressing, slot_mask + 1 of them, position + 1; NULL: search in order */
	uint32_t slot_mask;
};

static inline struct trib_value trib_value_null(void)
{
	return (struct trib_value){ .kind = TRIB_VALUE_NULL };
}

static inline struct trib_value trib_value_bool(bool value)
{
	return (struct trib_value){ .kind = TRIB_VALUE_BOOL, .boolean = value };
}

static inline struct trib_value trib_value_int(int64_t value)
{
	return (struct trib_value){ .kind = TRIB_VALUE_INT, .integer = value };
}

static inline struct trib_value trib_value_uint(uint64_t value)
{
	return (struct trib_value){ .kind = TRIB_VALUE_UINT, .unsigned_integer = value };
}

static inline struct trib_value trib_value_double(double value)
{
	return (struct trib_value){ .kind = TRIB_VALUE_DOUBLE, .number = value };
}

/* Valid UTF-8 is the caller's promise; at most 4 GiB. */
static inline struct trib_value trib_value_string(struct trib_bytes text)
{
	return (struct trib_value){ .kind = TRIB_VALUE_STRING,
				    .size = (uint32_t)text.size,
				    .text = text.data ? text.data : "" };
}

static inline struct trib_value trib_value_bytes(struct trib_bytes bytes)
{
	return (struct trib_value){ .kind = TRIB_VALUE_BYTES,
				    .size = (uint32_t)bytes.size,
				    .text = bytes.data ? bytes.data : "" };
}

/* From milliseconds, as the rest of the engine keeps time. Years 1 to 9999 are the caller's promise. */
struct trib_value trib_value_timestamp_ms(int64_t ms);
struct trib_value trib_value_duration_ms(int64_t ms);
/* And back, of a timestamp or duration: the greatest that is not above it, and whether it is that. */
int64_t trib_value_floor_ms(const struct trib_value *value, bool *ret_exact);

/* The bytes of a string or bytes value. */
static inline struct trib_bytes trib_value_text(const struct trib_value *value)
{
	return trib_bytes(value->text, value->size);
}

/* Lists and maps keep the arrays they are given (in the same arena, or living as long). INVALID: a key that is
 * no key, or is there twice. LIMIT: too deep. NO_MEMORY: the arena is full. */
trib_status trib_value_list(struct trib_arena *arena, const struct trib_value *items,
			    uint32_t count, struct trib_value *ret_list);
trib_status trib_value_map(struct trib_arena *arena, const struct trib_value *keys,
			   const struct trib_value *values, uint32_t count,
			   struct trib_value *ret_map);

/* The value of key in map, NULL if there is none. */
const struct trib_value *trib_map_find(const struct trib_map *map, const struct trib_value *key);

/* Equality as CEL's == has it: numbers by value over their types, NaN unlike itself, other types never equal. */
bool trib_value_equal(const struct trib_value *a, const struct trib_value *b);

/* The name of a kind as type() gives it: "int", "null_type", "google.protobuf.Timestamp". */
const char *trib_value_kind_name(enum trib_value_kind kind);

/* As CEL would have it written: 5u, "a\n", [1, 2], timestamp("2026-11-22T09:30:00Z"). */
void trib_value_print(const struct trib_value *value, struct trib_buffer *buffer);

/* From text: RFC 3339, "1h30m" or "1.5s", the name of a type. False: the text is none. */
bool trib_value_parse_timestamp(struct trib_bytes text, struct trib_value *ret_timestamp);
bool trib_value_parse_duration(struct trib_bytes text, struct trib_value *ret_duration);
bool trib_value_parse_double(struct trib_bytes text, struct trib_value *ret_double);
bool trib_value_parse_type(struct trib_bytes text, struct trib_value *ret_type);

/* The typed JSON of INTERFACE.md: {"int":5}, {"list":[{"string":"a"}]}. */
void trib_value_write_json(const struct trib_value *value, struct trib_buffer *buffer);

/* ---- Environment ---------------------------------------------------------------------------------- */

/* A declared name, dotted or not. The longest declared name that an expression's a.b.c begins with is meant. */
struct trib_expr_variable {
	const char *name;
	const struct trib_type *type; /* NULL: it can only be asked for with has(name) */
};

/*
 * A function that the environment declares. The checker knows it, the evaluator does not: it is for who reads the tree
 * (a selection answers on_shelf("c1") by a set). Signatures as in expr/function.h: "s:b", a method ".ss:b".
 */
struct trib_expr_declared {
	const char *name;
	const char *signatures;
};

enum trib_expr_flag {
	/* For rules: has(name) of a declared name without a dot is allowed, and a constant pattern of matches()
	 * that RE2 refuses is an error of the check, not of the evaluation. */
	TRIB_EXPR_FACTS = 1 << 0,
	/* No types: names and overloads are looked at when evaluated. */
	TRIB_EXPR_UNCHECKED = 1 << 1,
};

struct trib_expr_env {
	const char *
		container; /* "a.b": x means a.b.x, a.x or x, the first that is declared; NULL: none */
	const struct trib_expr_variable *variables; /* used while compiling only */
	uint32_t variable_count;
	const struct trib_expr_declared *functions; /* used while checking only */
	uint32_t function_count;
	uint32_t flags;
	bool lasting; /* container and variables outlive the program, which then keeps no copy of them */
	/* The index of the variable of that name, where there are many; NULL: they are looked through. */
	bool (*find)(struct trib_bytes name, uint32_t *ret_index);
};

enum trib_expr_stage { TRIB_EXPR_PARSE, TRIB_EXPR_CHECK, TRIB_EXPR_EVAL };

/* Where and why. Written only on failure. */
struct trib_expr_error {
	enum trib_expr_stage stage;
	trib_status status;    /* SYNTAX, INVALID, LIMIT, NO_MEMORY */
	uint32_t line, column; /* from 1; columns count code points */
	char text[TRIB_ERROR_TEXT_MAX];
};

const char *trib_expr_stage_name(enum trib_expr_stage stage); /* "parse", "check", "eval" */

/* The same as a trib_error: at becomes "AT:line:column" (or "line:column" where at is ""). Returns its status. */
trib_status trib_expr_fail(struct trib_error *ret_error, const char *at,
			   const struct trib_expr_error *error);

/* ---- The tree ------------------------------------------------------------------------------------- */

enum trib_expr_kind {
	TRIB_EXPR_CONST,    /* value; calls, lists and maps of constants are folded into one */
	TRIB_EXPR_VARIABLE, /* index: the declared variable */
	TRIB_EXPR_PRESENT,  /* has() of declared variable `index` */
	TRIB_EXPR_LOCAL,  /* the variable of the enclosing comprehension whose index is the same */
	TRIB_EXPR_SELECT, /* args[0].name, of a map */
	TRIB_EXPR_HAS,	  /* has(args[0].name), of a map */
	TRIB_EXPR_CALL, /* function over args; a receiver is args[0]. AND and OR take two args or more */
	TRIB_EXPR_LIST,		 /* args */
	TRIB_EXPR_MAP,		 /* args: key, value, key, value … */
	TRIB_EXPR_COMPREHENSION, /* function: ALL, EXISTS, EXISTS_ONE, FILTER, MAP; args: range, body;
				    MAP over three: range, condition, body. index: its variable */
	TRIB_EXPR_UNRESOLVED,	 /* unchecked only: evaluates to an error */
	/* Before the check only: */
	TRIB_EXPR_IDENT,
	TRIB_EXPR_MESSAGE,
};

/*
 * Every function, operator and macro. X(ID, name): an operator's name is its sign. A method and a function of
 * one name share an id; args[0] is the receiver.
 */
#define TRIB_EXPR_FUNCTION_TABLE(X)                                                                \
	X(NONE, "")                                                                                \
	X(AND, "&&")                                                                               \
	X(OR, "||")                                                                                \
	X(NOT, "!")                                                                                \
	X(CONDITIONAL, "?:")                                                                       \
	X(EQ, "==")                                                                                \
	X(NE, "!=")                                                                                \
	X(LT, "<")                                                                                 \
	X(LE, "<=")                                                                                \
	X(GT, ">")                                                                                 \
	X(GE, ">=")                                                                                \
	X(IN, "in")                                                                                \
	X(ADD, "+")                                                                                \
	X(SUB, "-")                                                                                \
	X(MUL, "*")                                                                                \
	X(DIV, "/")                                                                                \
	X(MOD, "%")                                                                                \
	X(NEG, "-_")                                                                               \
	X(INDEX, "[]")                                                                             \
	X(ALL, "all")                                                                              \
	X(EXISTS, "exists")                                                                        \
	X(EXISTS_ONE, "exists_one")                                                                \
	X(FILTER, "filter")                                                                        \
	X(MAP, "map")                                                                              \
	X(DECLARED, "")                                                                            \
	X(SIZE, "size")                                                                            \
	X(TYPE, "type")                                                                            \
	X(DYN, "dyn")                                                                              \
	X(INT, "int")                                                                              \
	X(UINT, "uint")                                                                            \
	X(DOUBLE, "double")                                                                        \
	X(BOOL, "bool")                                                                            \
	X(STRING, "string")                                                                        \
	X(BYTES, "bytes")                                                                          \
	X(TIMESTAMP, "timestamp")                                                                  \
	X(DURATION, "duration")                                                                    \
	X(CONTAINS, "contains")                                                                    \
	X(STARTS_WITH, "startsWith")                                                               \
	X(ENDS_WITH, "endsWith")                                                                   \
	X(MATCHES, "matches")                                                                      \
	X(GET_FULL_YEAR, "getFullYear")                                                            \
	X(GET_MONTH, "getMonth")                                                                   \
	X(GET_DATE, "getDate")                                                                     \
	X(GET_DAY_OF_MONTH, "getDayOfMonth")                                                       \
	X(GET_DAY_OF_WEEK, "getDayOfWeek")                                                         \
	X(GET_DAY_OF_YEAR, "getDayOfYear")                                                         \
	X(GET_HOURS, "getHours")                                                                   \
	X(GET_MINUTES, "getMinutes")                                                               \
	X(GET_SECONDS, "getSeconds")                                                               \
	X(GET_MILLISECONDS, "getMilliseconds")                                                     \
	X(CHAR_AT, "charAt")                                                                       \
	X(INDEX_OF, "indexOf")                                                                     \
	X(LAST_INDEX_OF, "lastIndexOf")                                                            \
	X(JOIN, "join")                                                                            \
	X(SPLIT, "split")                                                                          \
	X(REPLACE, "replace")                                                                      \
	X(SUBSTRING, "substring")                                                                  \
	X(TRIM, "trim")                                                                            \
	X(LOWER_ASCII, "lowerAscii")                                                               \
	X(UPPER_ASCII, "upperAscii")                                                               \
	X(REVERSE, "reverse")                                                                      \
	X(FORMAT, "format")                                                                        \
	X(QUOTE, "strings.quote")                                                                  \
	X(MATH_GREATEST, "math.greatest")                                                          \
	X(MATH_LEAST, "math.least")                                                                \
	X(MATH_CEIL, "math.ceil")                                                                  \
	X(MATH_FLOOR, "math.floor")                                                                \
	X(MATH_ROUND, "math.round")                                                                \
	X(MATH_TRUNC, "math.trunc")                                                                \
	X(MATH_ABS, "math.abs")                                                                    \
	X(MATH_SIGN, "math.sign")                                                                  \
	X(MATH_IS_NAN, "math.isNaN")                                                               \
	X(MATH_IS_INF, "math.isInf")                                                               \
	X(MATH_IS_FINITE, "math.isFinite")                                                         \
	X(MATH_BIT_AND, "math.bitAnd")                                                             \
	X(MATH_BIT_OR, "math.bitOr")                                                               \
	X(MATH_BIT_XOR, "math.bitXor")                                                             \
	X(MATH_BIT_NOT, "math.bitNot")                                                             \
	X(MATH_BIT_SHIFT_LEFT, "math.bitShiftLeft")                                                \
	X(MATH_BIT_SHIFT_RIGHT, "math.bitShiftRight")                                              \
	X(MATH_SQRT, "math.sqrt")

enum trib_expr_function {
#define X(id, name) TRIB_FN_##id,
	TRIB_EXPR_FUNCTION_TABLE(X)
#undef X
		TRIB_FN_COUNT,
};

const char *trib_expr_function_name(enum trib_expr_function function);
/* a < b is b > a: the comparison with its sides changed; others are as they were. */
enum trib_expr_function trib_expr_mirrored(enum trib_expr_function function);
/*
 * The numbers of a scale that stand in `function` (<, <=, >, >= or ==) to a constant: `floor` is the greatest that is
 * not above it, exact: it is that.
 */
struct trib_ranges trib_expr_compared(struct trib_arena *arena, enum trib_expr_function function, int64_t floor, bool exact,
				      struct trib_range scale);
const char *trib_expr_function_signatures(enum trib_expr_function function); /* see expr/function.h */

/*
 * A call of a declared function is a CALL of DECLARED, index says which one; generating its program is refused.
 *
 * && and || are flat (a && b && c is one call of three). Left-leaning chains (a + b + c, a.b.c, a[0][1]) are
 * not: a walker that recurses must look at the root's depth first, which may be as large as the source is long.
 */
struct trib_expr_node {
	uint8_t kind;	   /* trib_expr_kind */
	uint8_t method;	   /* CALL: written args[0].f(…) */
	uint16_t function; /* trib_expr_function */
	uint32_t offset;   /* in the source, bytes */
	uint32_t index;
	uint32_t count; /* of args */
	uint32_t depth; /* of this tree, from 1 */
	const struct trib_type *type;
	const struct trib_expr_node *const *args;
	union {
		struct trib_value value;
		struct trib_bytes
			name; /* SELECT, HAS: the field; COMPREHENSION: its variable; others: as written */
	};
};

/* ---- Programs ------------------------------------------------------------------------------------- */

struct trib_expr_program;

/* Parses, checks and compiles. Everything env and source point to may go afterwards. */
trib_status trib_expr_compile(const struct trib_expr_env *env, struct trib_bytes source,
			      struct trib_expr_program **ret_program,
			      struct trib_expr_error *error);

/* The same in two steps, for who looks at the tree and may not need the evaluator. The second one is made once. */
trib_status trib_expr_check(const struct trib_expr_env *env, struct trib_bytes source,
			    struct trib_expr_program **ret_program, struct trib_expr_error *error);
trib_status trib_expr_generate(struct trib_expr_program *program, struct trib_expr_error *error);
void trib_expr_free(struct trib_expr_program *program);

const struct trib_expr_node *trib_expr_root(const struct trib_expr_program *program);
const struct trib_type *trib_expr_type(const struct trib_expr_program *program); /* of the result */
struct trib_bytes trib_expr_source(const struct trib_expr_program *program);
void trib_expr_position(const struct trib_expr_program *program, uint32_t offset,
			uint32_t *ret_line, uint32_t *ret_column);

/* Where the values of variables come from. */
struct trib_expr_facts {
	/* Fills *ret_value with declared variable `index`; false: it is absent (its use is an error, has() of it
	 * false). Memory it needs comes from arena; what it points to must live until the result is used. */
	bool (*get)(void *context, uint32_t index, struct trib_arena *arena,
		    struct trib_value *ret_value);
	void *context;
	/* What has(name) says, where that is not whether `get` can fill it (a value may have a default); NULL: it is. */
	bool (*has)(void *context, uint32_t index);
	uint32_t steps; /* one evaluation may take, at most TRIB_LIMIT_CEL_COST; 0: that many */
};

/* The result may point into arena, program and facts. The arena's maximum bounds the memory of the evaluation.
 * error may be NULL; a failure then costs no more than a success. */
trib_status trib_expr_eval(const struct trib_expr_program *program,
			   const struct trib_expr_facts *facts, struct trib_arena *arena,
			   struct trib_value *ret_value, struct trib_expr_error *error);

/* Writes the tree as CEL again: parsing that gives the same tree. */
void trib_expr_print(const struct trib_expr_program *program, struct trib_buffer *buffer);
/* The same of one node of the program's tree. */
void trib_expr_print_part(const struct trib_expr_program *program, const struct trib_expr_node *node,
			  struct trib_buffer *buffer);

/* ---- Calendars ------------------------------------------------------------------------------------ */

enum trib_period { TRIB_PERIOD_DAY, TRIB_PERIOD_WEEK, TRIB_PERIOD_MONTH };

/*
 * When the day, week (from Monday) or month begins that holds a moment, and when the next one does, in a time zone: a
 * name of the tz database ("Asia/Shanghai"), "UTC", or an offset ("+08:00"). False: no such zone. ms UTC since 1970.
 */
bool trib_zone_period(struct trib_bytes zone, enum trib_period period, int64_t at_ms,
		      int64_t *ret_from_ms, int64_t *ret_to_ms);

#endif
