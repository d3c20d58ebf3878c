/*
 * Offline credit: a log of touches and conversions, or a file of paths, goes through the models of models.h.
 * `tributary credit` is its program.
 *
 *	struct trib_credit_options options = TRIB_CREDIT_DEFAULTS;
 *	options.rule.model = TRIB_MODEL_LINEAR;
 *	status = trib_credit(&options, csv, &text, &error);     // text: channel,conversions,value …
 *
 * Touch logs: one row a touch or conversion, in any order; the word in the column `kind` says which, rows of other
 * kinds are passed over. A conversion credits the touches of its user with conversion − window ≤ touch < conversion;
 * of equal times the later in the file is the later. Touches are not used up. Without touches: "(none)".
 *
 * Path files: path;total_conversions;total_conversion_value, touches of a path separated by " > ". They have no
 * times, so they refuse the model decay and a window.
 *
 * Values are decimals of a currency's major unit, rounded half to even to two places once per row; then each part is
 * floored and the newest touch gets what is left. Conversions are divided by weight. There is no limit of 64 touches.
 */
#ifndef TRIB_ATTRIBUTION_CREDIT_H
#define TRIB_ATTRIBUTION_CREDIT_H

#include "attribution/models.h"
#include "base/csv.h"
#include "base/hash.h"

enum trib_credit_format {
	TRIB_CREDIT_BY_HEADER, /* paths if there are columns path and total_conversions */
	TRIB_CREDIT_TOUCHES,
	TRIB_CREDIT_PATHS,
};

struct trib_credit_options {
	struct trib_model_rule rule; /* half_life in ms */
	enum trib_credit_format format;
	int64_t window_ms;
	bool window_stated;
	const char *priority; /* channels, the highest first, as a line of CSV; NULL: none */
	/* Columns of touch logs. `value` NULL: the column "value" if there is one, else all values are 0. */
	const char *user, *time, *channel, *kind, *value;
	const char *touch, *conversion; /* words in the column `kind` */
	struct trib_hash_key key;	/* of the tables that hold users and channels */
};

#define TRIB_CREDIT_DEFAULTS                                                                       \
	{                                                                                          \
		.rule.half_life = TRIB_HALF_LIFE_DEFAULT_MS,                                       \
		.window_ms = INT64_C(30) * 24 * 3600 * 1000, .user = "user", .time = "time",       \
		.channel = "channel", .kind = "kind", .touch = "touch", .conversion = "conversion" \
	}

/* Adds the table to *text. Failures name the line and the column. Memory grows with the rows of a touch log. */
trib_status trib_credit(const struct trib_credit_options *options, struct trib_csv *csv,
			struct trib_buffer *text, struct trib_error *error);

#endif
