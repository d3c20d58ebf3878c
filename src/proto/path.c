#include "proto/path.h"

static size_t add(const struct trib_path *path, char *text, size_t size)
{
	size_t used = path->parent ? add(path->parent, text, size) : 0;
	int added;

	if (path->index != TRIB_PATH_NO_INDEX)
		added = snprintf(text + used, size - used, "[%lld]", (long long)path->index);
	else
		added = snprintf(text + used, size - used, "%s" TRIB_BYTES_FMT, used ? "." : "",
				 (int)TRIB_MIN(path->name.size, size), path->name.data);
	return TRIB_MIN(used + (size_t)TRIB_MAX(added, 0), size - 1);
}

void trib_path_format(const struct trib_path *path, char text[TRIB_ERROR_AT_MAX])
{
	text[0] = '\0';
	add(path, text, TRIB_ERROR_AT_MAX);
}
