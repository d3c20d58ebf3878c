/*
 * Channels and what they are credited with. Private to the room; `tributary credit` prints it.
 *
 * Conversions are kept as exact as 64 bits after the millionth, money in minor units.
 */
#ifndef TRIB_ATTRIBUTION_TALLY_H
#define TRIB_ATTRIBUTION_TALLY_H

#include "attribution/models.h"
#include "base/names.h"
#include "base/status.h"

struct trib_tally;

/* `priority` names channels, the highest first, as a line of CSV; NULL: none. Fails where it is not one. */
trib_status trib_tally_new(const struct trib_model_rule *rule, const struct trib_hash_key *key,
			   const char *priority, struct trib_tally **ret_tally,
			   struct trib_error *error);
void trib_tally_free(struct trib_tally *tally);

/* The number of a channel, from 1. */
uint32_t trib_tally_channel(struct trib_tally *tally, struct trib_bytes name);

/*
 * A path to be credited is put together touch by touch, oldest first; then trib_tally_credit divides what it led to
 * among its touches by the model: `count` in millionths by weight, `value` in minor units, floored. A path without
 * touches credits "(none)". TRIB_LIMIT when a sum would pass 64 bits.
 */
void trib_tally_begin(struct trib_tally *tally);
void trib_tally_touch(struct trib_tally *tally, uint32_t channel, int64_t age);
trib_status trib_tally_credit(struct trib_tally *tally, int64_t count, int64_t value,
			      struct trib_error *error);

/* channel,conversions,value: whoever is credited, in byte order, "(none)" last. */
void trib_tally_print(const struct trib_tally *tally, struct trib_buffer *text);

#endif
