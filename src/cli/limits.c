#include <inttypes.h>
#include <string.h>
#include "base/limits.h"
#include "cli/cli.h"

static const struct limit {
	const char *name;
	int64_t value;
	const char *unit, *reason;
} limits[] = {
#define X(name, value, unit, reason) { #name, value, unit, reason },
	TRIB_LIMIT_TABLE(X)
#undef X
};

/* "RESP_FRAME_BYTES" is printed as "resp_frame_bytes". */
static const char *lower(const char *name, char text[64])
{
	size_t i;

	for (i = 0; name[i] && i < 63; i++)
		text[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
	text[i] = '\0';
	return text;
}

int trib_cli_limits(int argc, char **argv)
{
	bool json = argc == 2 && !strcmp(argv[1], "--json");
	char name[64];

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return trib_cli_help("limits [--json]", "Prints every limit, its unit and its reason.\n");
	if (argc > 2 || (argc == 2 && !json))
		return trib_cli_usage_error("limits", "found \"%s\", expected --json or nothing",
					    argv[argc - 1]);
	if (json)
		puts("{");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(limits); i++) {
		const struct limit *limit = &limits[i];

		if (json)
			printf("  \"%s\": {\"value\": %" PRId64 ", \"unit\": \"%s\", \"reason\": \"%s\"}%s\n",
			       lower(limit->name, name), limit->value, limit->unit, limit->reason,
			       i + 1 < TRIB_ARRAY_SIZE(limits) ? "," : "");
		else
			printf("%-22s %10" PRId64 " %-12s %s\n", lower(limit->name, name), limit->value,
			       limit->unit, limit->reason);
	}
	if (json)
		puts("}");
	return TRIB_EXIT_DONE;
}
