/* Approvals: what waits for people. They come from flows of plays, never from outside. */
#include "domain/cold.h"

#include "domain/private.h"

/* A run of a flow is named by who made it, which no PUT from outside can do. */
trib_status trib_check_approval(struct trib_cold *cold)
{
	const Tributary__Approval *approval = (const Tributary__Approval *)cold->entity;

	if (!cold->action.size && !approval->has_run)
		return trib_fail(cold->error, TRIB_REFUSED, "id",
				 "found an approval that no flow has asked for, expected one of those that wait");
	return TRIB_OK;
}
