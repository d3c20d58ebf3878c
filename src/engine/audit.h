/*
 * The newest entries of the audit log: those that the store does not have yet, and some more. Numbered from 1 without
 * gaps, packed as AuditEntry. Knows nothing of the engine.
 */
#ifndef TRIB_ENGINE_AUDIT_H
#define TRIB_ENGINE_AUDIT_H

#include "base/bytes.h"

struct audit;

struct audit *audit_new(void);
void audit_free(struct audit *audit);

/* The store has all up to this number: the next entry follows it. Only when there are none. */
void audit_begin(struct audit *audit, uint64_t last);

uint64_t audit_last(const struct audit *audit);
/* Number audit_last() + 1; copies the bytes. */
void audit_add(struct audit *audit, struct trib_bytes bytes);
/* False: it is in the store only, or nowhere. */
bool audit_find(const struct audit *audit, uint64_t number, struct trib_bytes *ret_bytes);

/* For a checkpoint: those that it writes. Once it has ended they may leave memory. */
typedef void audit_row_fn(void *context, uint64_t number, struct trib_bytes bytes);
void audit_freeze(struct audit *audit, audit_row_fn *add, void *context);
void audit_frozen_is_stored(struct audit *audit);

#endif
