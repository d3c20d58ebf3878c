/*
 * Every limit that an outsider can meet, with its unit and reason, in one table. `tributary limits --json`
 * prints it. X(NAME, value, unit, reason)
 */
#ifndef TRIB_BASE_LIMITS_H
#define TRIB_BASE_LIMITS_H

#include <stdint.h>

#define TRIB_LIMIT_TABLE(X)                                                                        \
	X(EXTERNAL_ID_BYTES, 64, "bytes", "an external id, as the doors state it")                 \
	X(TOKEN_CHARS, 120, "characters", "a link must fit the address fields of every carrier")   \
	X(TOKEN_EXT_BYTES, 16, "bytes", "EXT that travels inside a token")                         \
	X(KEY_ID, 16383, "keys", "token keys of a data folder over its life; two bytes in a token") \
	X(EXT_PAIRS, 32, "pairs", "EXT of one link or order")                                      \
	X(EXT_BYTES, 4096, "bytes", "EXT of one link or order, names and values together")         \
	X(ENTITY_EXT_BYTES, 65536, "bytes", "ext of an entity, as canonical JSON")                 \
	X(TOUCHES_CONSIDERED, 64, "touches", "candidates of one order; all are in its event")      \
	X(ORDER_TOKENS, 8, "tokens", "candidates that one order states, with commas between")      \
	X(TOUCHES_KEPT, 256, "touches", "of one user; the oldest are dropped")                     \
	X(TOUCH_PLACES, 1048575, "places", "registration, channel, carrier kind and page together") \
	X(RESP_ARGUMENTS, 1024, "arguments", "one RESP command")                                   \
	X(RESP_ARGUMENT_BYTES, 1048576, "bytes", "one RESP argument")                              \
	X(RESP_FRAME_BYTES, 2097152, "bytes", "one whole RESP command")                            \
	X(RESP_INLINE_BYTES, 65536, "bytes", "a command typed without RESP framing")               \
	X(RESP_OUTPUT_BYTES, 67108864, "bytes", "replies a slow client has not read; then closed") \
	X(RESP_MEMORY_BYTES, 536870912, "bytes", "commands and replies of all clients held; then the largest is closed") \
	X(RESP_CLIENTS, 10000, "connections", "each costs a socket and two buffers")               \
	X(HTTP_BODY_BYTES, 8388608, "bytes", "one request body; imports are streamed beyond it")   \
	X(HTTP_LINE_BYTES, 1048576, "bytes", "one line of an NDJSON import")                       \
	X(HTTP_HEAD_BYTES, 65536, "bytes", "request line and headers of one request")              \
	X(HTTP_MEMORY_BYTES, 536870912, "bytes", "bodies and answers held, all together; then 503") \
	X(HTTP_REPLY_BYTES, 67108864, "bytes", "one reply; ask for fewer items")                   \
	X(HTTP_REQUEST_SECONDS, 30, "seconds", "one request's head, then its body at 32 KiB/s")    \
	X(HTTP_AT_LEAST_SECONDS, 5, "seconds", "?at_least= waits so long; then 503")               \
	X(IMPORT_BATCH_LINES, 500, "lines", "decided at a time")                                   \
	X(IMPORT_ATOMIC_LINES, 10000, "lines", "one import with atomic=true, which is held whole") \
	X(IMPORT_ATOMIC_BYTES, 8388608, "bytes", "one import with atomic=true")                    \
	X(IMPORT_ERRORS, 1000, "errors", "listed in one answer; refused counts them all")          \
	X(SNAPSHOT_DELTA_BYTES, 16777216, "bytes", "changes kept for deltas; behind: a full one")  \
	X(ACCESS_TOKENS, 100000, "tokens", "access tokens that ever were; all in memory")          \
	X(ACCESS_USERS, 100000, "users", "who may sign in; all in memory")                         \
	X(ACCESS_SESSIONS, 10000, "sessions", "signed in at a time; then the oldest ends")         \
	X(USER_SESSIONS, 16, "sessions", "of one user; then the oldest ends")                      \
	X(PASSWORD_BYTES, 1024, "bytes", "one password; at least 10")                              \
	X(PASSWORD_JOBS, 32, "passwords", "waiting to be looked at; then 503")                     \
	X(SIGN_IN_FAILURES, 5, "failures", "of one user or address in 15 minutes; then both wait as long") \
	X(AUDIT_REFUSALS, 100, "refusals", "written a second; further ones are counted")           \
	X(AUDIT_SCANNED, 5000, "entries", "looked at for one page of the audit log or of a list")  \
	X(ANSWERS_KEPT, 100000, "answers", "of POSTs with an Idempotency-Key; then the oldest go") \
	X(ANSWERS_BYTES, 67108864, "bytes", "of such answers; one is at most 65536")               \
	X(FILTER_SCANNED, 20000, "items", "that one request's filter looks at; the cursor goes on there") \
	X(HTTP_CONNECTIONS, 1024, "connections", "each costs a socket and a buffer")               \
	X(HTTP_IDLE_SECONDS, 60, "seconds", "a connection that sends nothing is closed")           \
	X(LIST_ITEMS, 1000, "items", "one page of a list")                                         \
	X(STATEMENT_ROWS, 100000, "rows", "one page of a statement as CSV")                        \
	X(JSON_DEPTH, 64, "levels", "nesting of any JSON that comes in")                           \
	X(CEL_SOURCE_BYTES, 65536, "bytes", "one expression")                                      \
	X(CEL_DEPTH, 250, "levels", "nesting of one expression; the parser recurses")              \
	X(SELECT_ROWS, 100000, "rows", "that one selection returns; it counts all")                   \
	X(SELECT_FACETS, 16, "fields", "whose values one selection counts")                        \
	X(FACET_VALUES, 100, "values", "of one facet that are listed, the most frequent ones")     \
	X(CEL_COST, 10000000, "steps", "one evaluation, counted per node and per element")         \
	X(CEL_CONDITION_COST, 100000, "steps", "one condition outside rule trees: of a plan, activity, play, webhook …") \
	X(CEL_CREATORS_COST, 2000, "steps", "one creators_when, asked for one creator; what takes more does not hold") \
	X(CEL_MEMORY_BYTES, 67108864, "bytes", "one program, and one evaluation")                  \
	X(CEL_VALUE_DEPTH, 500, "levels", "lists in lists, maps in maps of one value")             \
	X(ASK_BYTES, 2000, "bytes", "one question about goods, in people's words")                 \
	X(ASK_REPLY_BYTES, 262144, "bytes", "what a model may answer to it")                       \
	X(CEL_PATTERN_BYTES, 4096, "bytes", "one regular expression")                              \
	X(RULE_NODES, 10000, "nodes", "one rule tree")                                             \
	X(RULE_DEPTH, 32, "levels", "nesting of one rule tree")                                    \
	X(RULE_SHARES, 32, "shares", "one node's split")                                           \
	X(GOODS_CONDITIONS, 200, "plans", "with creators_when that list the same goods, open or to come; each order may ask all") \
	X(GOODS_PLANS, 10000, "plans", "that ever listed the same goods; each order looks at all") \
	X(ACTIVITY_OFFERS, 10000, "offers", "of one activity: all of them end in one journal record") \
	X(ENROLMENT_OFFERS, 32, "offers", "of one enrolment: the leader's, and those of second-level leaders") \
	X(STATUSES, 1000, "statuses", "of one entity by time; all are kept in memory")             \
	X(BOUNDS, 100000, "categories", "with bounds; all are kept in memory")                     \
	X(HISTORY, 64, "items", "of one entity, the newest; all stand in each of its versions")    \
	X(PLAN_VERSIONS, 1048576, "versions", "of one plan; all are kept in memory")               \
	X(CSV_ROW_BYTES, 1048576, "bytes", "one row of a log that is read, as `credit` does")      \
	X(CSV_FIELDS, 1024, "fields", "one row of such a log")                                     \
	X(RULE_SOURCE_BYTES, 786432, "bytes", "one rule tree as JSON; a version is one event")     \
	X(RULE_TREES, 10000, "trees", "all in memory")                                             \
	X(RULE_VERSIONS, 100000, "versions", "of one tree; all in memory, and answer for their orders") \
	X(RULE_ROLLOUTS, 64, "roll-outs", "of one tree since it was activated as a whole")            \
	X(RULE_WINDOW_DAYS, 366, "days", "window, half_life; touches are not kept longer")         \
	X(ORDER_REFUNDS, 128, "refunds", "of one order line; each of its events holds them all")    \
	X(ORDER_LINES, 1000, "lines", "of one order, that are told what is told of the order")     \
	X(ORDER_EDITS, 16, "bases", "stated by status messages of one order line")                 \
	X(ORDER_REASON_BYTES, 128, "bytes", "REASON of a status message")                          \
	X(KEPT_ORDERS, 1000000, "orders", "unknown yet, whose messages are kept; all in memory")   \
	X(KEPT_BYTES, 268435456, "bytes", "messages of orders that are unknown yet")               \
	X(KEPT_DAYS, 30, "days", "messages of an unknown order wait so long for it")               \
	X(COUNTERS, 262144, "subjects", "users, devices, creators, links whose events are counted for rules") \
	X(TALLIES, 4194304, "tallies", "plan, creator and period that have sold or spent; all in memory") \
	X(BUYERS, 4194304, "buyers", "of shops whose plans or rules ask who is new; all in memory")  \
	X(SHELF_ENTRIES, 1000, "entries", "one shelf of one creator; each change writes it whole")   \
	X(SHELF_GROUPS, 64, "groups", "one shelf")                                                 \
	X(EXPERIENCE, 4194304, "rows", "of who dealt with whom, three and more a pair; beyond it new pairs are not kept") \
	X(INVITATION_ID_BYTES, 48, "bytes", "an invitation or sample; what comes of it is named after it") \
	X(BULK_WAITING, 8, "jobs", "bulk edits of one merchant that are not done: all wait in one line") \
	X(INVITATION_SET, 10000, "invitations", "of one set")                                      \
	X(INVITATION_ROUNDS, 16, "counters", "of one invitation, then it is taken or left")        \
	X(INVITATION_DAYS, 366, "days", "an invitation is open at most")                           \
	X(SAMPLE_GOODS, 20, "goods", "of one sample")                                              \
	X(PLAY_BYTES, 786432, "bytes", "one play, all its files together")                         \
	X(PLAY_FILES, 256, "files", "one play")                                                    \
	X(PLAY_DEPTH, 8, "plays", "a play, the play it specialises, and so on")                    \
	X(PLAY_IMPLEMENTATIONS, 16, "implementations", "of one capability by one play")            \
	X(FLOW_STEPS, 128, "steps", "and branches of one flow of a play")                          \
	X(FLOW_NAMES, 16, "names", "given by the steps of one flow to what they return")            \
	X(FLOW_PROPOSALS, 16, "messages", "and approvals that one run of a flow may propose")       \
	X(FLOW_BYTES, 16777216, "bytes", "of memory, one run of a flow")                           \
	X(FLOW_MS, 100, "ms", "of CPU, one run of a flow; its last step may take as long again")    \
	X(FLOW_TRACE_BYTES, 16384, "bytes", "the steps of a run, as its event keeps them")          \
	X(PLAYS, 1000, "plays", "that were ever put; a new entity asks each that is active")       \
	X(PLAY_VERSIONS, 100000, "versions", "of one play; none is ever removed")                  \
	X(PLAY_ACTIVATIONS, 100000, "activations", "of one play; all in memory")                   \
	X(PLAYS_BYTES, 67108864, "bytes", "files of all versions of all plays; all in memory")     \
	X(YAML_NAMES, 1000, "names", "one mapping of YAML")                                        \
	X(SCHEMA_NODES, 2000, "schemas", "one document of JSON Schema, those inside others too")  \
	X(SCHEMA_PATTERNS, 100, "patterns", "one document of JSON Schema")                         \
	X(SCHEMA_STEPS, 1000000, "steps", "one check by a schema")                                 \
	X(SCRIPT_STEPS, 1000000, "instructions", "one call of a script of a play")                 \
	X(SCRIPT_BYTES, 4194304, "bytes", "held by one call of a script; 32 times that over all of it") \
	X(SCRIPT_MS, 100, "ms", "of CPU, one call of a script")                                    \
	X(WEBHOOKS, 1000, "webhooks", "each effect asks all of them; all in memory")               \
	X(OUTBOX_BODY_BYTES, 16384, "bytes", "the body of one effect, as JSON")                    \
	X(OUTBOX_ITEMS, 262144, "deliveries", "that wait, or are dead; then what would tell more is refused") \
	X(OUTBOX_BYTES, 268435456, "bytes", "their texts; all in memory")                          \
	X(OUTBOX_DONE, 1000, "deliveries", "the newest that were taken are kept to be looked at")  \
	X(WORDS_FIELDS, 8, "fields", "of one word index")                                          \
	X(WORDS_TEXT_BYTES, 8192, "bytes", "of one text of a row that are indexed; the rest is not found") \
	X(WORDS_TERM_BYTES, 40, "bytes", "of one term; of a longer run of letters the rest is left out") \
	X(WORDS_QUERY_BYTES, 1024, "bytes", "one text that is searched for")                       \
	X(WORDS_QUERY_WORDS, 16, "words", "one text that is searched for")                         \
	X(WORDS_QUERY_ALTERNATIVES, 128, "alternatives", "of all words of a query")                \
	X(WORDS_QUERY_TERMS, 512, "terms", "of all alternatives of a query")                       \
	X(WORDS_TOP, 10000, "rows", "the best of a search")                                        \
	X(WORDS_KNOWN, 4000000, "words", "that a vocabulary knows: brands, categories, tags, frequent queries; all in memory") \
	X(WORDS_KNOWN_BYTES, 128, "bytes", "one known word or synonym")                            \
	X(WORDS_SYNONYM_BYTES, 4194304, "bytes", "one file of synonyms")                           \
	X(WORDS_INTENT_ROWS, 200, "rows", "the best of a query, whose categories and brands tell what it means") \
	X(SITES, 64, "sites", "that were ever put; each counts how old its goods' prices are")     \
	X(SITE_REVIEWS, 100000, "order lines", "of all sites that somebody should look at; then rows that would be another are refused") \
	X(PID_LEASES, 32, "leases", "the newest that a pid remembers")                             \
	X(BATCH_BYTES, 921600, "bytes", "one journal record; larger changes are chunked")

enum trib_limit {
#define X(name, value, unit, reason) TRIB_LIMIT_##name = value,
	TRIB_LIMIT_TABLE(X)
#undef X
};

#endif
