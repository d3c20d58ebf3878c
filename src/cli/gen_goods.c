/* `tributary gen goods`: a catalog of goods, written as segments. */
#include <inttypes.h>
#include <unistd.h>
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/gen/catalog.h"
#include "cli/gen_goods.h"

static const char help[] =
	"Writes a catalog of goods as the segments of a table, for `tributary select`: the same "
	"for the same seed and number\n"
	"of rows on every machine.\n\n"
	"  --rows N       goods (1000000)\n"
	"  --out DIR      the folder of the table; it is made, and must not have one yet\n"
	"  --seed S       which catalog (1)\n"
	"  --threads N    that write (as many as there are cores, up to 16)\n"
	"  --text         titles and tags, too\n\n"
	"docs/catalog.md names the fields.\n";

static void show(uint64_t done, uint64_t all)
{
	fprintf(stderr, "\r%3.0f %%  %" PRIu64 " of %" PRIu64 " goods",
		100.0 * (double)done / (double)all, done, all);
	if (done == all)
		fputc('\n', stderr);
}

static int read_options(int argc, char **argv, struct trib_gen_catalog *options)
{
	int64_t rows = 1000000, seed = 1,
		threads = TRIB_MIN(TRIB_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L), 16L);
	const struct {
		const char *name;
		int64_t *number, least, most;
	} numbers[] = { { "--rows", &rows, 1, UINT32_MAX - 65535ll },
			{ "--seed", &seed, 0, INT64_MAX },
			{ "--threads", &threads, 1, 64 } };

	for (int i = 1; i < argc; i++) {
		size_t n = 0;

		if (!strcmp(argv[i], "--text")) {
			options->text = true;
			continue;
		}
		while (n < TRIB_ARRAY_SIZE(numbers) && strcmp(argv[i], numbers[n].name) != 0)
			n++;
		if (n == TRIB_ARRAY_SIZE(numbers) && strcmp(argv[i], "--out") != 0)
			return trib_cli_usage_error("gen goods", "found \"%s\", expected an option",
						    argv[i]);
		if (++i == argc)
			return trib_cli_usage_error("gen goods", "found nothing after \"%s\"",
						    argv[i - 1]);
		if (n == TRIB_ARRAY_SIZE(numbers))
			options->folder = argv[i];
		else if (!trib_bytes_to_i64(trib_bytes_text(argv[i]), numbers[n].number) ||
			 *numbers[n].number < numbers[n].least ||
			 *numbers[n].number > numbers[n].most)
			return trib_cli_usage_error(
				"gen goods", "%s: found \"%s\", expected %" PRId64 " to %" PRId64,
				numbers[n].name, argv[i], numbers[n].least, numbers[n].most);
	}
	if (!options->folder)
		return trib_cli_usage_error("gen goods",
					    "found no --out, expected the folder to write to");
	options->rows = (uint64_t)rows;
	options->seed = (uint64_t)seed;
	options->threads = (uint32_t)threads;
	return TRIB_EXIT_DONE;
}

int trib_cli_gen_goods(int argc, char **argv)
{
	struct trib_gen_catalog options = { .progress = isatty(STDERR_FILENO) ? show : NULL };
	struct trib_error error;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return trib_cli_help(
			"gen goods --out DIR [--rows N] [--seed S] [--threads N] [--text]", help);
	int code = read_options(argc, argv, &options);

	if (code != TRIB_EXIT_DONE)
		return code;
	return trib_gen_catalog(&options, &error) == TRIB_OK ? TRIB_EXIT_DONE
							     : trib_cli_failed("gen goods", &error);
}
