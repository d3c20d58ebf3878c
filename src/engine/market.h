/* What orders are resolved over, for one command: its parts may be others after the next. Private to the room. */
#ifndef TRIB_ENGINE_MARKET_H
#define TRIB_ENGINE_MARKET_H

#include "engine/state.h"

static inline struct trib_market engine_market(const struct trib_engine *engine)
{
	return (struct trib_market){ engine->domain, engine->rules, &engine->spaces, engine->platform };
}

#endif
