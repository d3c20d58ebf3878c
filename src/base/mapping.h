/*
 * A whole file, mapped to be read. Unmapped by trib_unmap; any thread may read.
 *
 *	status = trib_map("goods/0.seg", &bytes, &error);       // NOT_FOUND, IO; an empty file gives no bytes
 *	…
 *	trib_unmap(bytes);
 */
#ifndef TRIB_BASE_MAPPING_H
#define TRIB_BASE_MAPPING_H

#include "base/bytes.h"
#include "base/status.h"

trib_status trib_map(const char *path, struct trib_bytes *ret_bytes, struct trib_error *error);
void trib_unmap(struct trib_bytes bytes);

#endif
