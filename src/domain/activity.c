/* What an activity must say. */
#include "domain/cold.h"

trib_status trib_check_activity(struct trib_cold *cold)
{
	const Tributary__Activity *activity = (const Tributary__Activity *)cold->entity;

	return trib_cold_need_party(cold, activity->leader, "leader");
}
