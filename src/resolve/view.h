/*
 * A view: a market that was made from snapshots, for reading and resolving away from the engine.
 *
 *	struct trib_view *view = trib_view_new();
 *
 *	while (trib_snapshot_next(file, &offset, &part, &error) == TRIB_OK)    // a full part, then deltas
 *		status = trib_view_take(view, &part, &error);
 *	trib_view_resolve(view, &request, &record);
 *
 * A part is folded by the same code that the engine replays its journal with. What does not fit (a delta that begins
 * elsewhere, an event that no decision could have made) is refused with the place; the view is then of no use any more,
 * which is why a client takes news into a view that nobody reads yet.
 *
 * Any number of threads may resolve over a view while nobody takes a part into it.
 */
#ifndef TRIB_RESOLVE_VIEW_H
#define TRIB_RESOLVE_VIEW_H

#include "resolve/resolve.h"
#include "resolve/snapshot.h"

struct trib_view;

struct trib_view *trib_view_new(void);
void trib_view_free(struct trib_view *view);

/*
 * A full part into a new view; a delta into one that stands at its `since` (or between `since` and its position: what
 * is known already is passed over). TRIB_CONFLICT for a part of another market, or one that begins elsewhere.
 */
trib_status trib_view_take(struct trib_view *view, const struct trib_snapshot_part *part,
			   struct trib_error *error);

/* Instead of parts: an event of the journal that changes the market, one after another from its beginning. */
trib_status trib_view_fold(struct trib_view *view, const Tributary__Event *event, uint64_t position,
			   struct trib_error *error);

const struct trib_market *trib_view_market(const struct trib_view *view);
uint64_t trib_view_position(const struct trib_view *view);
/* Which market it is of; 0 before the first part. */
uint64_t trib_view_id(const struct trib_view *view);
/* When the newest part was made, by the server's clock. */
int64_t trib_view_made_ms(const struct trib_view *view);

/* trib_resolve_order over the view's market. The scratch of the request serves the plans' conditions, too. */
void trib_view_resolve(const struct trib_view *view, const struct trib_resolve_request *request,
		       struct trib_order_record *record);

/* Does every number of a verified token name something in this market? One that does not may be newer than it. */
bool trib_view_knows(const struct trib_view *view, const struct trib_token *token);

/* The number of a registration, for the scopes of keys: context is the view. */
uint32_t trib_view_registration(void *context, struct trib_bytes id);

#endif
