/*
 * One line of traffic.ndjson, read without memory of its own: a tenth of the cost of a general JSON reader, so
 * that the reader is not what a pulse measures. Keys may come in any order; unknown ones are refused.
 */
#ifndef TRIB_CLI_LOAD_LINE_H
#define TRIB_CLI_LOAD_LINE_H

#include "base/bytes.h"
#include "base/status.h"

enum trib_traffic_what {
	TRIB_TRAFFIC_LINK,
	TRIB_TRAFFIC_TOUCH,
	TRIB_TRAFFIC_ORDER,
	TRIB_TRAFFIC_PUT
};

struct trib_traffic_line {
	enum trib_traffic_what what;
	int64_t at_ms;
	int64_t link; /* its number in a link, else whose token is borne; 0: none */
	int64_t base_amount, qty, repeat;
	int64_t forge; /* -1 where it is not stated */
	struct trib_bytes id, user, goods, creator, channel, offer, scene, page;
	struct trib_bytes carrier[3]; /* empty: not stated */
	struct trib_bytes put, value; /* the noun, and the JSON as it stands */
};

/* Views into the line, which has no line end. */
trib_status trib_traffic_line_parse(struct trib_bytes line, struct trib_traffic_line *ret_line,
				    struct trib_error *error);

#endif
