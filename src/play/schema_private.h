/* A compiled schema: schema_compile.c makes it, schema.c checks by it. */
#ifndef TRIB_PLAY_SCHEMA_PRIVATE_H
#define TRIB_PLAY_SCHEMA_PRIVATE_H

#include "expr/expr.h"
#include "play/schema.h"

/* What the value of a keyword must look like in the schema. */
enum shape {
	SHAPE_NOTE,	/* anything; says nothing about values */
	SHAPE_TEXT,	/* a string; a note too */
	SHAPE_MEMBERS_NOTE, /* $defs: an object of schemas, which apply only where they are referred to */
	SHAPE_REF,	/* "#…" */
	SHAPE_SCHEMA,
	SHAPE_SCHEMAS,	/* a list of one or more */
	SHAPE_MEMBERS,	/* an object of schemas */
	SHAPE_PATTERNS, /* the same, its names are patterns */
	SHAPE_PATTERN,
	SHAPE_NUMBER,
	SHAPE_POSITIVE, /* a number above 0 */
	SHAPE_COUNT,	/* a whole number from 0 on */
	SHAPE_FLAG,	/* true or false */
	SHAPE_TYPES,	/* the name of a type or a list of them */
	SHAPE_NAMES,	/* a list of strings */
	SHAPE_NEEDS,	/* an object of lists of strings */
	SHAPE_VALUES,	/* a list of anything */
};

/*
 * X(ID, name, shape, in place). In the order in which they are asked: what depends on others' work comes after them.
 * In place: its schemas look at the same value, not at a part of it.
 */
#define KEYWORD_TABLE(X)                                                                           \
	X(SCHEMA, "$schema", TEXT, false)                                                          \
	X(ID, "$id", TEXT, false)                                                                  \
	X(COMMENT, "$comment", TEXT, false)                                                        \
	X(ANCHOR, "$anchor", TEXT, false)                                                          \
	X(TITLE, "title", TEXT, false)                                                             \
	X(DESCRIPTION, "description", TEXT, false)                                                 \
	X(DEFAULT, "default", NOTE, false)                                                         \
	X(EXAMPLES, "examples", VALUES, false)                                                     \
	X(DEPRECATED, "deprecated", FLAG, false)                                                   \
	X(READ_ONLY, "readOnly", FLAG, false)                                                      \
	X(WRITE_ONLY, "writeOnly", FLAG, false)                                                    \
	X(FORMAT, "format", TEXT, false)                                                           \
	X(CONTENT_ENCODING, "contentEncoding", TEXT, false)                                        \
	X(CONTENT_MEDIA_TYPE, "contentMediaType", TEXT, false)                                     \
	X(CONTENT_SCHEMA, "contentSchema", NOTE, false)                                            \
	X(DEFS, "$defs", MEMBERS_NOTE, false)                                                      \
	X(TYPE, "type", TYPES, false)                                                              \
	X(ENUM, "enum", VALUES, false)                                                             \
	X(CONST, "const", NOTE, false)                                                             \
	X(MULTIPLE_OF, "multipleOf", POSITIVE, false)                                              \
	X(MAXIMUM, "maximum", NUMBER, false)                                                       \
	X(EXCLUSIVE_MAXIMUM, "exclusiveMaximum", NUMBER, false)                                    \
	X(MINIMUM, "minimum", NUMBER, false)                                                       \
	X(EXCLUSIVE_MINIMUM, "exclusiveMinimum", NUMBER, false)                                    \
	X(MAX_LENGTH, "maxLength", COUNT, false)                                                   \
	X(MIN_LENGTH, "minLength", COUNT, false)                                                   \
	X(PATTERN, "pattern", PATTERN, false)                                                      \
	X(MAX_ITEMS, "maxItems", COUNT, false)                                                     \
	X(MIN_ITEMS, "minItems", COUNT, false)                                                     \
	X(UNIQUE_ITEMS, "uniqueItems", FLAG, false)                                                \
	X(MAX_PROPERTIES, "maxProperties", COUNT, false)                                           \
	X(MIN_PROPERTIES, "minProperties", COUNT, false)                                           \
	X(REQUIRED, "required", NAMES, false)                                                      \
	X(DEPENDENT_REQUIRED, "dependentRequired", NEEDS, false)                                   \
	X(PROPERTY_NAMES, "propertyNames", SCHEMA, false)                                          \
	X(PROPERTIES, "properties", MEMBERS, false)                                                \
	X(PATTERN_PROPERTIES, "patternProperties", PATTERNS, false)                                \
	X(ADDITIONAL_PROPERTIES, "additionalProperties", SCHEMA, false)                            \
	X(PREFIX_ITEMS, "prefixItems", SCHEMAS, false)                                             \
	X(ITEMS, "items", SCHEMA, false)                                                           \
	X(MAX_CONTAINS, "maxContains", COUNT, false)                                               \
	X(MIN_CONTAINS, "minContains", COUNT, false)                                               \
	X(CONTAINS, "contains", SCHEMA, false)                                                     \
	X(REF, "$ref", REF, true)                                                                  \
	X(ALL_OF, "allOf", SCHEMAS, true)                                                          \
	X(ANY_OF, "anyOf", SCHEMAS, true)                                                          \
	X(ONE_OF, "oneOf", SCHEMAS, true)                                                          \
	X(NOT, "not", SCHEMA, true)                                                                \
	X(IF, "if", SCHEMA, true)                                                                  \
	X(THEN, "then", SCHEMA, true)                                                              \
	X(ELSE, "else", SCHEMA, true)                                                              \
	X(DEPENDENT_SCHEMAS, "dependentSchemas", MEMBERS, true)                                    \
	X(UNEVALUATED_ITEMS, "unevaluatedItems", SCHEMA, false)                                    \
	X(UNEVALUATED_PROPERTIES, "unevaluatedProperties", SCHEMA, false)

enum keyword {
#define X(id, name, shape, in_place) KEYWORD_##id,
	KEYWORD_TABLE(X)
#undef X
		KEYWORDS
};

struct keyword_row {
	const char *name;
	enum shape shape;
	bool in_place;
};
extern const struct keyword_row keyword_rows[KEYWORDS];

struct schema_node;

/* A keyword that stands in a schema. */
struct use {
	enum keyword keyword;
	const struct trib_json *value;
	uint32_t count;			/* of schemas */
	struct schema_node **schemas;	/* in the order written; of $ref the one that is meant */
	struct re2_pattern **patterns;	/* of PATTERN one, of PATTERNS one a schema */
	uint64_t number;		/* of COUNT */
};

enum truth { TRUTH_ASKS, TRUTH_ALWAYS, TRUTH_NEVER };
enum colour { COLOUR_NEW, COLOUR_OPEN, COLOUR_DONE }; /* while circles are looked for */

struct schema_node {
	const struct trib_json *json;
	struct schema_node *next; /* of all, as they were made */
	enum truth truth;	  /* the schemas true and false ask nothing */
	enum colour colour;
	uint32_t count;
	struct use *uses; /* in the order of the table */
};

struct trib_schema {
	struct trib_arena arena;
	struct schema_node *root, *last;
	uint32_t count;
	bool tracks; /* some unevaluated… keyword wants to know what has been looked at */
};

/* The use of a keyword in a schema, NULL if it does not stand there. */
const struct use *schema_use(const struct schema_node *node, enum keyword keyword);

/* The value of a member whose name is a view. */
const struct trib_json *schema_member(const struct trib_json *object, struct trib_bytes name);

/* Numbers, exact where both are whole and fit 64 bits. */
struct schema_number {
	bool whole;
	int64_t integer;
	double real; /* always */
};
struct schema_number schema_number(const struct trib_json *json);
int schema_compare(struct schema_number a, struct schema_number b);

/* The type a word names, as bits over trib_json_kind; 0: none. INTEGER stands beside NUMBER. */
enum { TYPE_INTEGER = TRIB_JSON_OBJECT + 1 };
uint32_t schema_type_bit(struct trib_bytes word);

#endif
