/*
 * Metrics: what /metrics shows, in one table. Writers on any thread, readers on any other, no locks.
 *
 *	struct trib_metrics *metrics = trib_metrics_new();
 *	trib_metrics_label(metrics, TRIB_METRIC_ORDERS, 0, "attributed");   // once, before threads start
 *	trib_metrics_add(metrics, TRIB_METRIC_ORDERS, 0, 250);              // a hot path adds once a batch
 *	trib_metrics_set(metrics, TRIB_METRIC_POSITION, 0, position);
 *	trib_metrics_observe(metrics, TRIB_METRIC_HTTP_SECONDS, 0, elapsed_ns);
 *	trib_metrics_print(metrics, &text);                                 // Prometheus' text format
 *
 * A metric with a label has up to TRIB_METRIC_CELLS values of it, named by trib_metrics_label; one without has
 * the cell 0. Cells that were never named are not printed. Every function takes metrics NULL and does nothing.
 */
#ifndef TRIB_BASE_METRICS_H
#define TRIB_BASE_METRICS_H

#include "base/bytes.h"

enum trib_metric_kind {
	TRIB_COUNTER,	/* only grows */
	TRIB_GAUGE,	/* the newest value */
	TRIB_HISTOGRAM, /* of durations in ns, printed in seconds */
};

/* X(NAME, kind, "printed_name", "label" or "", "help") */
#define TRIB_METRIC_TABLE(X)                                                                       \
	X(ORDERS, COUNTER, "tributary_orders_total", "outcome",                                    \
	  "order lines decided, repeats not counted")                                              \
	X(ORDER_REPEATS, COUNTER, "tributary_order_repeats_total", "",                             \
	  "orders that had been decided before")                                                   \
	X(ORDER_CONFLICTS, COUNTER, "tributary_order_conflicts_total", "",                         \
	  "orders refused: same id, other content")                                                \
	X(TOUCHES, COUNTER, "tributary_touches_total", "outcome",                                  \
	  "touches by what became of them")                                                        \
	X(LINKS, COUNTER, "tributary_links_total", "", "links converted")                          \
	X(COMMANDS, COUNTER, "tributary_resp_commands_total", "", "RESP commands")                 \
	X(COMMAND_ERRORS, COUNTER, "tributary_resp_errors_total", "", "RESP commands refused")     \
	X(RESP_CLIENTS, GAUGE, "tributary_resp_clients", "", "RESP connections now")               \
	X(RESP_CUT, COUNTER, "tributary_resp_cut_total", "",                                       \
	  "RESP connections closed for holding too much memory")                                 \
	X(RESP_MEMORY_BYTES, GAUGE, "tributary_resp_memory_bytes", "",                             \
	  "commands and replies of RESP clients in memory")                                        \
	X(HTTP_REQUESTS, COUNTER, "tributary_http_requests_total", "status",                       \
	  "HTTP requests answered")                                                                \
	X(HTTP_SECONDS, HISTOGRAM, "tributary_http_request_seconds", "",                           \
	  "from request read to answer ready")                                                     \
	X(HTTP_CONNECTIONS, GAUGE, "tributary_http_connections", "", "HTTP connections now")       \
	X(HTTP_CUT, COUNTER, "tributary_http_cut_total", "",                                       \
	  "HTTP connections closed for being slow")                                                \
	X(IMPORT_LINES, COUNTER, "tributary_import_lines_total", "result",                         \
	  "lines of NDJSON imports")                                                               \
	X(POSITION, GAUGE, "tributary_position", "", "journal position of the newest event")       \
	X(STORE_POSITION, GAUGE, "tributary_store_position", "",                                   \
	  "journal position that the store stands at")                                             \
	X(BATCHES, COUNTER, "tributary_batches_total", "", "journal records written")              \
	X(JOURNAL_BYTES, COUNTER, "tributary_journal_bytes_total", "",                             \
	  "bytes of journal records written")                                                      \
	X(JOURNAL_SECONDS, HISTOGRAM, "tributary_journal_write_seconds", "",                       \
	  "one durable journal write")                                                             \
	X(CHECKPOINTS, COUNTER, "tributary_checkpoints_total", "", "checkpoints of the store")     \
	X(READ_ONLY, GAUGE, "tributary_read_only", "", "1 while storage takes no writes")          \
	X(MARKET_POSITION, GAUGE, "tributary_market_position", "",                                 \
	  "journal position of the newest change of the market")                                   \
	X(RECORDS, COUNTER, "tributary_records_total", "result",                                   \
	  "orders that rich clients resolved and reported")                                        \
	X(RECORD_DIFFERENCES, COUNTER, "tributary_record_differences_total", "field",              \
	  "records where the server came to something else, by the first field that differs")      \
	X(BUDGET_OVERSHOOTS, COUNTER, "tributary_budget_overshoots_total", "line",                 \
	  "orders that spent more of a plan's budget than was left")                                \
	X(BUDGET_OVERSHOOT, COUNTER, "tributary_budget_overshoot_minor_units_total", "line",       \
	  "by how much they did, in minor units")                                                   \
	X(OUTBOX_PENDING, GAUGE, "tributary_outbox_pending", "", "deliveries that wait")           \
	X(OUTBOX_DEAD, GAUGE, "tributary_outbox_dead", "", "deliveries that were given up")        \
	X(OUTBOX_OLDEST, GAUGE, "tributary_outbox_oldest_seconds", "",                             \
	  "for how long the oldest delivery that waits has been tried")                            \
	X(OUTBOX_DELIVERIES, COUNTER, "tributary_outbox_deliveries_total", "result",               \
	  "attempts that were taken or failed; deliveries given up")                               \
	X(LIVE_TOUCHES, GAUGE, "tributary_live_touches", "", "touches in memory")                  \
	X(ENTITIES, GAUGE, "tributary_entities", "noun", "parties, goods, plans, registrations, blocks")

enum trib_metric {
#define X(name, kind, text, label, help) TRIB_METRIC_##name,
	TRIB_METRIC_TABLE(X)
#undef X
		TRIB_METRIC_COUNT
};

enum { TRIB_METRIC_CELLS = 64, TRIB_METRIC_BUCKETS = 24 };

struct trib_metrics;

struct trib_metrics *trib_metrics_new(void);
void trib_metrics_free(struct trib_metrics *metrics);

/* Names a cell; the text is copied. Before other threads use the metrics. */
void trib_metrics_label(struct trib_metrics *metrics, enum trib_metric metric, unsigned cell,
			const char *value);

void trib_metrics_add(struct trib_metrics *metrics, enum trib_metric metric, unsigned cell,
		      uint64_t count);
/* Gauges; also a counter that somebody else counts. */
void trib_metrics_set(struct trib_metrics *metrics, enum trib_metric metric, unsigned cell,
		      uint64_t value);
void trib_metrics_observe(struct trib_metrics *metrics, enum trib_metric metric, unsigned cell,
			  uint64_t ns);

/* What somebody else prints, in Prometheus' text format: shown behind the rest until the next text. */
void trib_metrics_set_text(struct trib_metrics *metrics, struct trib_bytes text);

uint64_t trib_metrics_value(const struct trib_metrics *metrics, enum trib_metric metric,
			    unsigned cell);

void trib_metrics_print(const struct trib_metrics *metrics, struct trib_buffer *text);

#endif
