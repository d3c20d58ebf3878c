/*
 * Rows of the store read ahead at a start: a thread of its own scans a table and unpacks its rows while the caller folds those
 * before them, a batch at a time. Private to the room.
 */
#ifndef TRIB_ENGINE_AHEAD_H
#define TRIB_ENGINE_AHEAD_H

#include "domain/domain.h"

/* All rows of a table of nouns into the domain, in key order. */
trib_status ahead_load(struct trib_store *store, enum trib_table table, struct trib_domain *domain,
		       struct trib_error *error);

#endif
