/*
 * A selection: CEL over the fields of one noun's messages, by their names, as they are shown in lists.
 *
 *	selection_new(&tributary__plan__descriptor, trib_bytes_text("kind == 'general' && terms.commission_bps < 500"),
 *		      &selection, &error);
 *	if (selection_holds(selection, &plan->base))
 *		…
 *
 * A field that is not stated is null. An error of evaluation is false.
 */
#ifndef TRIB_ENGINE_SELECTION_H
#define TRIB_ENGINE_SELECTION_H

#include "base/bytes.h"
#include "base/status.h"
#include "proto/proto.h"

struct selection;

/* TRIB_INVALID at `filter`, with line and column. */
trib_status selection_new(const ProtobufCMessageDescriptor *descriptor, struct trib_bytes source,
			  struct selection **ret_selection, struct trib_error *error);
void selection_free(struct selection *selection);
bool selection_holds(struct selection *selection, const ProtobufCMessage *message);

#endif
