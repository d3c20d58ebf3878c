/*
 * JSON Schema, draft 2020-12: what a value must look like.
 *
 *	struct trib_schema *schema;
 *	if (trib_schema_new(json, &schema, &line, &error) != TRIB_OK)      // `json`: the schema, parsed
 *		…
 *	if (trib_schema_check(schema, value, &arena, &line, &error) != TRIB_OK)
 *		…                      // at "plan.slots[2].label", text "found 7, expected a string"
 *	trib_schema_free(schema);
 *
 * All keywords of the core, applicator, unevaluated and validation vocabularies but $dynamicRef, $dynamicAnchor and
 * $vocabulary; $ref stays inside the document ("#", "#/$defs/x", "#anchor"). `format` and the content… keywords are
 * notes, as the draft has it. Stricter than the draft: a keyword that is not known is refused, for it is a misspelt one,
 * unless its name begins with "x-", which is for hints. Patterns are RE2's: no look-around, no back-references.
 *
 * A schema is immutable; any number of threads may check by it, each with its own arena. A check takes at most
 * TRIB_LIMIT_SCHEMA_STEPS steps.
 */
#ifndef TRIB_PLAY_SCHEMA_H
#define TRIB_PLAY_SCHEMA_H

#include "proto/proto.h"

struct trib_schema;

/* json outlives the schema. *ret_line (not NULL) is the line of what is refused, as the reader counted it. */
trib_status trib_schema_new(const struct trib_json *json, struct trib_schema **ret_schema,
			    uint32_t *ret_line, struct trib_error *error);
void trib_schema_free(struct trib_schema *schema);

/* INVALID: value is not what the schema asks. LIMIT: it took too many steps, or more memory than the arena has. */
trib_status trib_schema_check(const struct trib_schema *schema, const struct trib_json *value,
			      struct trib_arena *arena, uint32_t *ret_line, struct trib_error *error);

/*
 * Is value (an object) good as the property `part` of each of some schemas? One that has no such property asks nothing.
 * A field that none of them speaks of is refused. Places begin with the part.
 */
trib_status trib_schema_check_part(const struct trib_schema *const *schemas, uint32_t count,
				   struct trib_bytes part, const struct trib_json *value,
				   struct trib_arena *arena, uint32_t *ret_line, struct trib_error *error);

/* Does the schema have that property? */
bool trib_schema_has_part(const struct trib_schema *schema, struct trib_bytes part);

#endif
