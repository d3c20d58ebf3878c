/*
 * Writing the marketplace as NDJSON: one file a noun, made for `POST /api/v1/<noun>:import`, and one of
 * traffic. On standard output the nouns' lines are wrapped, `{"put":"goods","value":{…}}`, and everything
 * comes in the order in which it must be loaded.
 */
#ifndef TRIB_CLI_GEN_WRITE_H
#define TRIB_CLI_GEN_WRITE_H

#include "cli/gen/world.h"

/* Where lines go. `write` gets whole lines, many at once; returning false ends the writing. */
struct trib_sink {
	bool (*write)(struct trib_sink *sink, struct trib_bytes lines);
	struct trib_buffer buffer;
	uint64_t lines, bytes;
	bool failed;
	bool wrapped; /* {"put":…,"value":…} around the nouns' lines */
};

/* The line begun in sink->buffer ends here. */
void trib_sink_end_line(struct trib_sink *sink);
void trib_sink_flush(struct trib_sink *sink);

/* X(function, file without .ndjson, in order of loading) */
#define TRIB_WRITE_TABLE(X)                                                                        \
	X(trib_write_parties, "parties")                                                           \
	X(trib_write_goods, "goods")                                                               \
	X(trib_write_plans, "plans")                                                               \
	X(trib_write_registrations, "registrations")

/* start_ms is the instant of the first traffic; plans are in force from a month before. */
#define X(function, name)                                                                          \
	void function(const struct trib_world *world, int64_t start_ms, struct trib_sink *sink);
TRIB_WRITE_TABLE(X)
#undef X

/* The rule trees of the scenes, {"name":…,"value":{"scene":…,"root":…}} a line. */
void trib_write_rules(struct trib_sink *sink);

/* One plan's JSON, as a version from effective_from on. */
void trib_write_plan(const struct trib_world *world, uint32_t plan, int64_t effective_from_ms,
		     struct trib_buffer *buffer);

/* "p17" and the like. */
void trib_write_id(struct trib_buffer *buffer, char letter, uint64_t index);
void trib_write_plan_id(struct trib_buffer *buffer, const struct trib_world_plan *plan);

#endif
