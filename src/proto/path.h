/* Where in a JSON text or a message we are, for errors: "terms.commission_bps", "goods[3]". Lives
 * on the stack. */
#ifndef TRIB_PROTO_PATH_H
#define TRIB_PROTO_PATH_H

#include "base/status.h"
#include "base/bytes.h"

enum { TRIB_PATH_NO_INDEX = -1 };

struct trib_path {
	const struct trib_path *parent; /* NULL: the root, whose name is the prefix, "" for none */
	struct trib_bytes name;
	int64_t index; /* of a list's element, else TRIB_PATH_NO_INDEX */
};

static inline struct trib_path trib_path_root(const char *at)
{
	return (struct trib_path){ .name = trib_bytes_text(at), .index = TRIB_PATH_NO_INDEX };
}

static inline struct trib_path trib_path_member(const struct trib_path *parent,
						struct trib_bytes name)
{
	return (struct trib_path){ .parent = parent, .name = name, .index = TRIB_PATH_NO_INDEX };
}

static inline struct trib_path trib_path_element(const struct trib_path *parent, size_t index)
{
	return (struct trib_path){ .parent = parent, .index = (int64_t)index };
}

/* At most TRIB_ERROR_AT_MAX bytes with the terminator. */
void trib_path_format(const struct trib_path *path, char text[TRIB_ERROR_AT_MAX]);

#endif
