/* What a home of the journal provides; journal.c hands every call of the door to it. */
#ifndef TRIB_JOURNAL_HOME_H
#define TRIB_JOURNAL_HOME_H

#include "journal/journal.h"

struct trib_journal_home {
	void (*free)(struct trib_journal *journal);
	enum trib_journal_state (*state)(const struct trib_journal *journal);
	const char *(*warning)(const struct trib_journal *journal);

	trib_status (*begin)(struct trib_journal *journal, struct trib_journal_batch *ret_batch);
	trib_status (*append)(struct trib_journal *journal, size_t size, uint64_t *ret_next);
	trib_status (*poll)(struct trib_journal *journal,
			    struct trib_journal_progress *ret_progress,
			    struct trib_journal_failure *ret_failure);
	int (*event_fd)(const struct trib_journal *journal);
	void (*wait)(struct trib_journal *journal);
	trib_status (*sync)(struct trib_journal *journal);
	trib_status (*probe)(struct trib_journal *journal);

	const char *(*recent)(const struct trib_journal *journal, uint64_t position, size_t size);
	trib_status (*fetch)(struct trib_journal *journal, struct trib_journal_fetch *fetches,
			     size_t count, struct trib_error *error);
	trib_status (*reader_new)(struct trib_journal *journal, uint64_t from,
				  struct trib_journal_reader **ret_reader,
				  struct trib_error *error);
	trib_status (*reader_next)(struct trib_journal_reader *reader,
				   struct trib_journal_record *ret_record,
				   struct trib_error *error);
	void (*reader_free)(struct trib_journal_reader *reader);

	trib_status (*trim)(struct trib_journal *journal, uint64_t before);
	uint32_t (*epoch)(const struct trib_journal *journal);
	uint64_t (*first)(const struct trib_journal *journal);
	uint64_t (*next)(const struct trib_journal *journal);
	size_t (*batch_bytes_max)(const struct trib_journal *journal);
	void (*stats)(const struct trib_journal *journal, struct trib_journal_stats *ret_stats);
};

/* A home's own structs begin with these. */
struct trib_journal {
	const struct trib_journal_home *home;
};

struct trib_journal_reader {
	const struct trib_journal_home *home;
};

trib_status trib_segment_journal_open(const struct trib_journal_options *options,
				      struct trib_journal **ret_journal, struct trib_error *error);

#endif
