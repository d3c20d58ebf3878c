/*
 * Third-party sites (Taobao, JD, …), whose goods are sold here and whose orders they decide themselves. What a site
 * exports is read by one interface, whatever its columns, units and words are called there:
 *
 *	struct trib_site_reader *reader = trib_site_reader_new(trib_site_find("taobao"), TRIB_SITE_ORDERS, read, file);
 *	struct trib_site_row row;
 *	while ((status = trib_site_next(reader, &row, &error)) == TRIB_OK && row.line)
 *		sum += row.values[TRIB_SITE_PAID].number;
 *	trib_site_reader_free(reader);
 *
 * A site is a table of columns (site.c), not code. Failures name line and column: "line 7, column price: found …".
 * docs/sites.md states the files. A file is as long as it likes; a row has at most TRIB_LIMIT_CSV_ROW_BYTES.
 */
#ifndef TRIB_CLI_SITE_SITE_H
#define TRIB_CLI_SITE_SITE_H

#include "base/csv.h"

enum trib_site_file { TRIB_SITE_FEED, TRIB_SITE_ORDERS };

enum trib_site_kind {
	TRIB_SITE_ID,	  /* an external id, short enough that "<site>-<id>" is one, too */
	TRIB_SITE_TEXT,	  /* UTF-8 of at most 256 bytes without NUL */
	TRIB_SITE_AMOUNT, /* in cents, from 0 */
	TRIB_SITE_COUNT,  /* from 0 */
	TRIB_SITE_TIME,	  /* ms UTC */
	TRIB_SITE_WORD,	  /* one of our words, for which the site has its own */
};

/* What a row tells. X(NAME, file, kind, required). Columns that a site has besides are passed over. */
#define TRIB_SITE_FIELD_TABLE(X)                                                                   \
	X(GOODS, FEED, ID, true)                                                                   \
	X(TITLE, FEED, TEXT, true)                                                                 \
	X(SHOP, FEED, ID, true)                                                                    \
	X(CATEGORY, FEED, TEXT, false)                                                             \
	X(BRAND, FEED, TEXT, false)                                                                \
	X(PRICE, FEED, AMOUNT, true)                                                               \
	X(STOCK, FEED, COUNT, false)                                                               \
	X(GOODS_STATUS, FEED, WORD, true) /* active, withdrawn, closed */                          \
	X(SEEN, FEED, TIME, true)	  /* when price, stock and status were so */               \
	X(ORDER, ORDERS, ID, true)                                                                 \
	X(LINE, ORDERS, ID, false)                                                                 \
	X(ORDERED_GOODS, ORDERS, ID, true)                                                         \
	X(PID, ORDERS, TEXT, false)	    /* empty: the site does not know by whom */            \
	X(ORDER_STATUS, ORDERS, WORD, true) /* paid, received, settled, closed */                  \
	X(PAID, ORDERS, AMOUNT, true)	    /* by the buyer */                                     \
	X(ESTIMATED, ORDERS, AMOUNT, true)  /* commission when it was paid */                      \
	X(FINAL, ORDERS, AMOUNT, false) /* commission when it was settled; until then nothing */   \
	X(CREATED, ORDERS, TIME, true)

enum trib_site_field {
#define X(name, file, kind, required) TRIB_SITE_##name,
	TRIB_SITE_FIELD_TABLE(X)
#undef X
		TRIB_SITE_FIELDS
};

struct trib_site_value {
	bool present;		/* an optional field may be empty */
	struct trib_bytes text; /* ID and TEXT as they stand there, WORD: ours */
	int64_t number;		/* AMOUNT, COUNT, TIME */
};

struct trib_site_row {
	uint64_t line;					 /* from 1; 0: the end */
	struct trib_site_value values[TRIB_SITE_FIELDS]; /* valid until the next call */
};

struct trib_site;
struct trib_site_reader;

/* NULL if there is no such site. */
const struct trib_site *trib_site_find(const char *name);
const char *trib_site_name(const struct trib_site *site);
/* Their names, "jd, taobao". */
const char *trib_site_names(void);

struct trib_site_reader *trib_site_reader_new(const struct trib_site *site,
					      enum trib_site_file file, trib_csv_read_fn *read,
					      void *context);
void trib_site_reader_free(struct trib_site_reader *reader);

/* After a failure the reader is of no more use. */
trib_status trib_site_next(struct trib_site_reader *reader, struct trib_site_row *ret_row,
			   struct trib_error *error);

/* Adds the goods of a row of a feed as a line for goods:import. */
void trib_site_add_goods(const struct trib_site *site, const struct trib_site_row *row,
			 struct trib_buffer *buffer);

/* Adds, in quotes, what an id of the site's is called here: "<site>-<id>". */
void trib_site_add_id(const struct trib_site *site, const struct trib_site_value *value,
		      struct trib_buffer *buffer);

#endif
