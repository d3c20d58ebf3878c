/*
 * Third-party sites (Taobao, JD, …), whose goods are sold here and whose orders they decide themselves. One interface for
 * all of them, and a row of a table (site.c) for each: what its pids look like, where its links lead, and how what it
 * exports is read, whatever its columns, units and words are called there:
 *
 *	const struct trib_site_adapter *site = trib_site_adapter_find("taobao");
 *
 *	expected = trib_site_pid_expected(site, pid);                   // pid pool: NULL, this is one
 *	trib_site_link_write(trib_bytes_text(trib_site_adapter_link(site)), values, &url); // link writer
 *
 *	struct trib_site_reader *reader = trib_site_reader_new(site, TRIB_SITE_ORDERS, read, file); // order, or feed reader
 *	struct trib_site_row row;
 *	while ((status = trib_site_next(reader, &row, &error)) == TRIB_OK && row.line)
 *		sum += row.values[TRIB_SITE_PAID].number;
 *	trib_site_reader_free(reader);
 *
 * Failures name line and column: "line 7, column price: found …". docs/sites.md states the files. A file is as long as
 * it likes; a row has at most TRIB_LIMIT_CSV_ROW_BYTES.
 */
#ifndef TRIB_DOMAIN_SITE_H
#define TRIB_DOMAIN_SITE_H

#include "base/csv.h"
#include "proto/proto.h"

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

struct trib_site_adapter;
struct trib_site_reader;

/* NULL if there is no such site. */
const struct trib_site_adapter *trib_site_adapter_find(const char *name);
const char *trib_site_adapter_name(const struct trib_site_adapter *site);
/* Their names, "jd, taobao". */
const char *trib_site_adapter_names(void);

/* Where its links lead, unless a site says otherwise: a template. */
const char *trib_site_adapter_link(const struct trib_site_adapter *site);

/* What its pids look like, where this is none; NULL: it is one. */
const char *trib_site_pid_expected(const struct trib_site_adapter *site, struct trib_bytes pid);

/* ---- Links ------------------------------------------------------------------------------- */

/* The places that a template may name. X(NAME, word, what stands there) */
#define TRIB_SITE_LINK_TABLE(X)                                                                    \
	X(GOODS, "goods", "the goods as the site calls them")                                      \
	X(SHOP, "shop", "their shop as the site calls it, or nothing")                             \
	X(PID, "pid", "the pid that is the creator's")                                             \
	X(CREATOR, "creator", "the creator's id")                                                  \
	X(CHANNEL, "channel", "the channel of the link")                                           \
	X(LINK, "link", "the number of the link")                                                  \
	X(TOKEN, "token", "the link's token")

enum trib_site_place {
#define X(name, word, what) TRIB_SITE_LINK_##name,
	TRIB_SITE_LINK_TABLE(X)
#undef X
		TRIB_SITE_LINK_PLACES
};

/*
 * A template is "https://item.example/i?id={goods}&pid={pid}": http or https, a host that nothing is put into, ASCII
 * without space, every brace part of a place of the table, {goods} and {pid} among them.
 */
trib_status trib_site_link_check(struct trib_bytes link, const char *at, struct trib_error *error);

/* Fills a template that was checked. Whatever is no letter, digit, '-', '.', '_' or '~' is percent-encoded. */
void trib_site_link_write(struct trib_bytes link, const struct trib_bytes values[TRIB_SITE_LINK_PLACES],
			  struct trib_buffer *url);

/* ---- Files ------------------------------------------------------------------------------- */

struct trib_site_reader *trib_site_reader_new(const struct trib_site_adapter *site,
					      enum trib_site_file file, trib_csv_read_fn *read,
					      void *context);
void trib_site_reader_free(struct trib_site_reader *reader);

/* After a failure the reader is of no more use. */
trib_status trib_site_next(struct trib_site_reader *reader, struct trib_site_row *ret_row,
			   struct trib_error *error);

/* Adds the goods of a row of a feed as a line for goods:import. */
void trib_site_add_goods(const struct trib_site_adapter *site, const struct trib_site_row *row,
			 struct trib_buffer *buffer);

/* Adds the order line of a row as a line for orders:import. */
void trib_site_add_order(const struct trib_site_adapter *site, const struct trib_site_row *row,
			 struct trib_buffer *buffer);

/* Adds, in quotes, what an id of the site's is called here: "<site>-<id>". */
void trib_site_add_id(const struct trib_site_adapter *site, const struct trib_site_value *value,
		      struct trib_buffer *buffer);

/* ---- Pids -------------------------------------------------------------------------------- */

enum { TRIB_SITE_STALE_BPS = 500 };

/* Whose orders of that time are: the newest lease that had begun; NULL: nobody's. */
const Tributary__PidLease *trib_pid_lease_at(const Tributary__Pid *pid, int64_t at_ms);

#endif
