/*
 * A tree from the inside: its nodes as they were read, and the flat program that is walked.
 *
 * The program is an array of instructions. Each answers one question about the facts and names two places to go on
 * at: `t` if the answer is yes, `f` if it is no or cannot be given. A place is the index of an instruction, or
 * PC_DONE with the number of the node that decides. A node's children stand one after another in the order in which
 * they are tried; what follows on an entered child stands behind them.
 *
 *	root.when   t → children of root            f → DONE|OUTSIDE
 *	child a     t → children of a (or DONE|a)   f → child b
 *	child b     t → DONE|b                      f → DONE|root
 *
 * Siblings that stand next to each other and ask for values of one string become one TABLE: the code of the value →
 * where to go on. Siblings that ask for ranges of one number become one STEPS: a binary search over the ends.
 *
 * A string constant whose space does not know it has the stand-in code CODE_STAND_IN + its number. So has a fact
 * that the dictionary does not know, if the tree has that constant (walk() sees to it); so both meet without a
 * comparison of strings. When the space learns the text, the constant's places get the real code, each by one
 * store; a TABLE gets one more row.
 */
#ifndef TRIB_RULES_PROGRAM_H
#define TRIB_RULES_PROGRAM_H

#include "rules/condition.h"
#include "rules/tree.h"

/* X(NAME): what `t` is for. Codes and numbers of the fact are int64; data and tables are the program's. */
#define OP_TABLE_OF(X)                                                                                              \
	X(JUMP)	   /* always t */                                                                                   \
	X(RANGE)   /* lo <= value <= lo + span */                                                                   \
	X(SCAN)	   /* RANGE, whose f is the next instruction, another RANGE or SCAN */                              \
	X(OUTSIDE) /* not so */                                                                                     \
	X(IN)	   /* one of data[at … at + count) */                                                             \
	X(NOT_IN)                                                                                                   \
	X(TABLE) /* tables[at …], mask: the row's place; f if there is none */                                    \
	X(STEPS) /* data[at … at + count) ascending, then places: the one behind as many steps as are <= value */ \
	X(PRESENT) /* has(fact) */                                                                                  \
	X(NOT_PRESENT)                                                                                              \
	X(OPEN) /* has(group): fact is one of its facts */                                                          \
	X(NOT_OPEN)                                                                                                 \
	X(TAG) /* lo is one of the tags */                                                                          \
	X(NOT_TAG)                                                                                                  \
	X(PART) /* texts[at] is a part of the path */                                                               \
	X(NOT_PART)                                                                                                 \
	X(EXT_HAS) /* texts[at] is a key */                                                                         \
	X(NOT_EXT_HAS)                                                                                              \
	X(EXT_TEXT) /* the value of key texts[at] is one of the `count` texts behind it */                          \
	X(NOT_EXT_TEXT)                                                                                             \
	X(SAME) /* value of fact == value of other */                                                               \
	X(NOT_SAME)                                                                                                 \
	X(LESS)                                                                                                     \
	X(NOT_LESS)                                                                                                 \
	X(LESS_OR_SAME)                                                                                             \
	X(NOT_LESS_OR_SAME)                                                                                         \
	X(RICH) /* the whole condition of node `at`, by the evaluator */

enum op {
#define X(name) OP_##name,
	OP_TABLE_OF(X)
#undef X
};

/* 32 bytes: two a cache line. */
struct instr {
	uint8_t op, fact, other;
	uint32_t t, f;
	uint32_t count;
	int64_t lo;
	union {
		uint64_t span;
		uint64_t mask;
	};
};
#define instr_at lo /* where the operand is an index */

#define PC_DONE	      (UINT32_C(1) << 31)
#define PC_OUTSIDE    (UINT32_C(1) << 30) /* the root's condition is not true */
#define CODE_STAND_IN (INT64_C(1) << 40)
#define CODE_UNKNOWN  INT64_C(-2) /* of a fact whose string neither space nor tree knows */
#define ROW_FREE      INT64_MIN

struct table_row {
	int64_t key;
	uint32_t place;
};

static inline size_t table_hash(int64_t key)
{
	return (size_t)(((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

/* Where a constant's code stands, to be put there once it is known. */
enum site_kind { SITE_INSTR, SITE_DATA, SITE_TABLE, SITE_NAME, SITE_PARTY };
struct site {
	uint32_t next; /* of the same constant, 0: none */
	uint8_t kind;
	uint32_t at;	/* instruction, data, first row of the table, node */
	uint32_t mask;	/* of the table; share or party of the node */
	uint32_t place; /* of the row */
};

struct constant_row {
	uint32_t sites; /* the first; 0: it waits for nothing */
};

/* A node with what only this room needs. */
struct node {
	struct trib_node public;	    /* first */
	uint32_t first_child, next_sibling; /* in written order; 0: none */
	uint32_t children;		    /* how many */
	uint32_t tried; /* index in tree->order of its children as they are tried */
	struct trib_expr_program *program; /* of `when`; NULL: always */
	const struct cond *cond;	   /* while compiling */
	uint32_t path_at, path_size;	   /* in the tree's paths */
};

struct trib_tree {
	uint32_t references;
	char *name;
	uint32_t number, version;
	struct trib_bytes scene, source;
	struct trib_arena arena; /* nodes, texts, shares */
	struct node *nodes;
	uint32_t node_count, node_capacity;
	uint32_t *order;		     /* children of each node in the order tried */
	trib_fact_set facts;		     /* read by conditions */
	trib_fact_set strings;		     /* of them strings */
	struct trib_expr_program **formulas; /* of priority_by and base, freed with the tree */
	uint32_t formula_count;

	void *block; /* the four that follow */
	struct instr *code;
	uint32_t *owner; /* whose condition an instruction belongs to: its node */
	int64_t *data;
	struct table_row *rows;
	struct trib_bytes *texts;
	char *paths;
	uint32_t code_count, start;

	struct constants constants;
	struct constant_row *constant_rows; /* by constant */
	uint32_t constant_capacity;
	struct site *site_pool;
	uint32_t site_count, site_capacity;
	uint32_t waiting; /* constants that have sites */
	uint64_t *errors; /* by node */
	struct trib_bytes *symbols;
	uint32_t symbol_count;
};

/* parse.c: nodes with all they inherit, `when` not looked at. The JSON is read into `scratch`. */
trib_status tree_parse(struct trib_tree *tree, const struct trib_tree_options *options,
		       struct trib_bytes json, struct trib_arena *scratch, struct trib_error *error);

/* check.c: compiles every condition, sorts children, refuses what can never or may not be. Fills node->cond in `scratch`. */
trib_status tree_check(struct trib_tree *tree, const struct trib_tree_options *options,
		       struct trib_arena *scratch, struct trib_error *error);

/* compile.c: the program. */
void tree_compile(struct trib_tree *tree, const struct trib_spaces *spaces);

void tree_add_site(struct trib_tree *tree, uint32_t constant, struct site site);

/* The place of a refusal in a node: "vip.when". */
const char *node_at(const struct node *node, const char *field, char text[TRIB_ERROR_AT_MAX]);

#endif
