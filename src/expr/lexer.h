/* Tokens of CEL. A token is found when asked for; nothing is kept but the place. */
#ifndef TRIB_EXPR_LEXER_H
#define TRIB_EXPR_LEXER_H

#include "expr/ast.h"

enum token_kind {
	TOKEN_END,
	TOKEN_INT,
	TOKEN_UINT,
	TOKEN_DOUBLE,
	TOKEN_STRING,
	TOKEN_BYTES,
	TOKEN_IDENT,  /* reserved words too: they may name fields and methods */
	TOKEN_QUOTED, /* `a-b`: a field only; the text is without its backticks */
	TOKEN_TRUE,
	TOKEN_FALSE,
	TOKEN_NULL,
	TOKEN_IN,
	TOKEN_LEFT_PAREN,
	TOKEN_RIGHT_PAREN,
	TOKEN_LEFT_BRACKET,
	TOKEN_RIGHT_BRACKET,
	TOKEN_LEFT_BRACE,
	TOKEN_RIGHT_BRACE,
	TOKEN_DOT,
	TOKEN_COMMA,
	TOKEN_COLON,
	TOKEN_QUESTION,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_STAR,
	TOKEN_SLASH,
	TOKEN_PERCENT,
	TOKEN_NOT,
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_AND,
	TOKEN_OR,
};

struct token {
	enum token_kind kind;
	uint32_t offset, size;
	bool reserved;		 /* IDENT: a word kept for host languages */
	struct trib_value value; /* literals. INT is unsigned here: its sign stands before it */
};

struct lexer {
	struct ast_context *context;
	uint32_t next;
};

trib_status lexer_next(struct lexer *lexer, struct token *ret_token);

/* How a token is called in an error: "identifier", "')'", "the end". */
const char *token_name(enum token_kind kind);

#endif
