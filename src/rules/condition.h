/*
 * Conditions: what a checked CEL expression of type bool asks of the facts, in a normal form that the checks reason
 * about and the compiler makes a program of.
 *
 * Only one question counts: is it true? False and error are the same "not true", so an expression may be turned into
 * another that is true for the same facts. That gives much freedom. Negation is pushed down to the tests (by De
 * Morgan, which holds in CEL's logic with errors), where a negated test is true only if it can be answered at all;
 * a ? b : c becomes (a && b) || (!a && c); arguments of && and || may change places; tests of one fact join into one
 * set of values. What no test can express is left to the evaluator of expr as a whole expression (COND_RICH).
 */
#ifndef TRIB_RULES_CONDITION_H
#define TRIB_RULES_CONDITION_H

#include "base/names.h"
#include "expr/expr.h"
#include "rules/facts.h"
#include "base/ranges.h"

enum cond_kind {
	COND_NEVER,
	COND_ALWAYS,
	COND_AND, /* of two or more args, none of them AND, ALWAYS or NEVER */
	COND_OR,  /* likewise */
	COND_SET, /* the fact's group is open and its value is in set (of a string: its constant's number) */
	COND_PRESENT,  /* has(fact) */
	COND_OPEN,     /* has(group) */
	COND_TAG,      /* "text" in creator.tags; set: the one constant */
	COND_PART,     /* "key" in goods.category_path */
	COND_EXT_HAS,  /* has(order.ext.key) */
	COND_EXT_TEXT, /* order.ext.key is one of texts */
	COND_COMPARE,  /* fact < <= == other fact; of strings only == */
	COND_RICH,     /* the whole expression, by the evaluator */
};

struct cond {
	uint8_t kind;
	uint8_t fact, other;
	uint8_t group;
	uint8_t function; /* COMPARE: TRIB_FN_LT, LE, EQ */
	bool negated;	  /* of tests but SET: true where the answer is no */
	uint32_t count;
	struct trib_ranges set;
	union {
		const struct cond *const *args;
		const struct trib_bytes *texts; /* EXT_TEXT */
	};
	struct trib_bytes key; /* EXT_HAS, EXT_TEXT, PART */
};

/*
 * String constants of a tree, numbered from 1, each (space, text) once. A set of constants that is unbounded means
 * "any string but": numbers that do not exist (yet) stand for all other strings.
 */
struct constants {
	struct trib_names *names; /* of a byte for the space, then the text */
};

uint32_t constants_add(struct constants *constants, enum trib_space space, struct trib_bytes text);
uint32_t constants_find(const struct constants *constants, enum trib_space space,
			struct trib_bytes text);
enum trib_space constants_space(const struct constants *constants, uint32_t constant);
struct trib_bytes constants_text(const struct constants *constants, uint32_t constant);

/* The least value that a fact's sets can hold. */
int64_t fact_lowest(enum trib_fact fact);

/* Every string that facts with fixed words can be, and ""; false for other facts. */
bool fact_universe(enum trib_fact fact, struct trib_arena *arena, struct constants *constants,
		   struct trib_ranges *ret_set);

/* ---- CEL ---------------------------------------------------------------------------------------------- */

/*
 * Compiles source against the facts. `kind` is what its type must be (bool or int). Refuses with "at:line:column" as
 * the place. *ret_facts: what it reads; has(group) counts as all of the group.
 */
trib_status condition_compile(struct trib_bytes source, enum trib_type_kind kind, const char *at,
			      struct trib_expr_program **ret_program, trib_fact_set *ret_facts,
			      struct trib_error *error);

/* The same but for the code, which is made when it is known that tests do not do everything. */
trib_status condition_check(struct trib_bytes source, enum trib_type_kind kind, const char *at,
			    struct trib_expr_program **ret_program, trib_fact_set *ret_facts,
			    struct trib_error *error);
trib_status condition_generate(struct trib_expr_program *program, const char *at,
			       struct trib_error *error);

/* The fact that a node of an expression reads; TRIB_FACT_NONE: it is no fact. */
enum trib_fact condition_fact(const struct trib_expr_node *node);

/* The program evaluated over facts. Any failure is returned, and leaves the arena reset. */
trib_status condition_eval(const struct trib_expr_program *program, const struct trib_facts *facts,
			   struct trib_value *ret_value);

/* The normal form of a bool program. COND_RICH stands for the program itself. In arena, for as long as it lives. */
const struct cond *condition_make(const struct trib_expr_program *program, struct trib_arena *arena,
				  struct constants *constants);

/* cond, where the fact lies from lo to hi as well. */
const struct cond *condition_within(const struct cond *cond, enum trib_fact fact, int64_t lo, int64_t hi,
				    struct trib_arena *arena);

/* ---- Reasoning ---------------------------------------------------------------------------------------- */

/* What is known of the facts at some place of a tree. */
struct known {
	trib_fact_set open;	       /* facts whose group is certainly open, */
	trib_fact_set closed;	       /* or certainly not */
	trib_fact_set bounded;	       /* facts of which values[] is meaningful */
	struct trib_ranges values[TRIB_FACTS]; /* if the group is open, the value is in here */
};

/* Adds that cond is true. */
void known_true(struct known *known, const struct cond *cond, struct trib_arena *arena);

/* Adds that cond is not true. */
void known_not(struct known *known, const struct cond *cond, struct trib_arena *arena);

/* What cond comes to where `known` holds: true for the same facts among those. */
const struct cond *condition_simplify(const struct cond *cond, const struct known *known,
				      struct trib_arena *arena);

/* Certainly: wherever a is true, so is b? Takes at most *steps, which it counts down. */
bool condition_implies(const struct cond *a, const struct cond *b, uint32_t *steps);

bool condition_has_rich(const struct cond *cond);

#endif
