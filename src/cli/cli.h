/*
 * The program `tributary`: one subcommand a file. Each takes its own arguments (argv[0] is its name) and
 * returns the exit code: 0 done, 1 refused or failed, 2 usage. The table below is the single list; help and
 * shell completion are made from it.
 */
#ifndef TRIB_CLI_CLI_H
#define TRIB_CLI_CLI_H

#include "base/status.h"

enum trib_exit { TRIB_EXIT_DONE = 0, TRIB_EXIT_FAILED = 1, TRIB_EXIT_USAGE = 2 };

/* Where `serve` keeps its data, and the tools look for it, unless --data says otherwise. */
#define TRIB_DATA_DIR_DEFAULT "tributary-data"

/* X(name, function, summary) */
#define TRIB_COMMAND_TABLE(X)                                                                      \
	X("ask", trib_cli_ask, "turn words about goods into a filter and an order")                \
	X("completion", trib_cli_completion, "print a script that completes commands in a shell")  \
	X("credit", trib_cli_credit, "credit channels with conversions, offline, from a file")     \
	X("eval", trib_cli_eval, "evaluate a CEL expression, or many from stdin")                  \
	X("facts", trib_cli_facts, "print the facts that conditions may ask for")                  \
	X("gen", trib_cli_gen, "write a marketplace and a day of its traffic as NDJSON")           \
	X("key", trib_cli_key, "add, list or retire the keys that sign tokens")                    \
	X("limits", trib_cli_limits, "print every limit, its unit and its reason")                 \
	X("load", trib_cli_load, "load a generated marketplace into a running server")             \
	X("play", trib_cli_play, "make a play, check it, run its cases, install it")                           \
	X("select", trib_cli_select, "select rows of a table by CEL over its fields")              \
	X("serve", trib_cli_serve, "run the engine and open its doors")                            \
	X("simulate", trib_cli_simulate, "say what a candidate rule tree would have changed")         \
	X("site", trib_cli_site, "read what other sites export: goods and orders")             \
	X("snapshot", trib_cli_snapshot, "write the market as a file for rich clients")

#define X(name, function, summary) int function(int argc, char **argv);
TRIB_COMMAND_TABLE(X)
#undef X

/* Prints `usage: tributary …`, a blank line and the text to stdout and returns 0. */
int trib_cli_help(const char *usage, const char *text);

/* Prints `tributary NAME: problem` and a hint at --help to stderr and returns 2. */
int trib_cli_usage_error(const char *command, const char *format, ...) TRIB_PRINTF(2, 3);

/* Prints the failure's place and text to stderr and returns 1. */
int trib_cli_failed(const char *command, const struct trib_error *error);

#endif
