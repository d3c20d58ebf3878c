#include <stdarg.h>
#include <string.h>
#include "cli/cli.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
#define X(name, function, summary) { name, function, summary },
	TRIB_COMMAND_TABLE(X)
#undef X
};

int trib_cli_help(const char *usage, const char *text)
{
	printf("usage: tributary %s\n\n%s", usage, text);
	return TRIB_EXIT_DONE;
}

int trib_cli_usage_error(const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "tributary %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nSee 'tributary %s --help'.\n", command);
	return TRIB_EXIT_USAGE;
}

int trib_cli_failed(const char *command, const struct trib_error *error)
{
	fprintf(stderr, "tributary %s: %s%s%s\n", command, error->at, error->at[0] ? ": " : "",
		error->text);
	return TRIB_EXIT_FAILED;
}

static int print_commands(FILE *to)
{
	fputs("usage: tributary COMMAND [OPTION …]\n\n"
	      "The distribution engine of a live-commerce platform.\n\ncommands:\n",
	      to);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n'tributary COMMAND --help' tells more. 'tributary --version' prints the version.\n", to);
	return to == stdout ? TRIB_EXIT_DONE : TRIB_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return print_commands(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))
		return print_commands(stdout);
	if (!strcmp(argv[1], "--version")) {
		puts("tributary " TRIB_VERSION);
		return TRIB_EXIT_DONE;
	}
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "tributary: found \"%s\", expected a command\n\n", argv[1]);
	return print_commands(stderr);
}
