/*
 * A catalog of goods of any size, written as a table's segments: the same for the same seed and rows on every machine,
 * however many threads write it. What a row has hangs together: the category says which brands, what price, which
 * season and commission; a brand its shops; few goods sell most.
 */
#ifndef TRIB_CLI_GEN_CATALOG_H
#define TRIB_CLI_GEN_CATALOG_H

#include "base/status.h"

struct trib_gen_catalog {
	const char *folder; /* is made; must not have a table yet */
	uint64_t rows, seed;
	uint32_t threads;
	bool text; /* titles and tags, too */
	/* Called by one thread at a time; NULL: nobody wants to know. */
	void (*progress)(uint64_t done, uint64_t all);
};

trib_status trib_gen_catalog(const struct trib_gen_catalog *options, struct trib_error *error);

#endif
