/*
 * Shell completion. Commands come from the table of commands; a command's options are read from its --help when they
 * are asked for, so that there is no second list.
 */
#include <string.h>
#include "cli/cli.h"

static const char help[] = "Prints a script that completes commands, options and file names.\n"
			   "\n"
			   "  bash   source <(tributary completion bash)\n"
			   "  zsh    source <(tributary completion zsh)\n";

static const char *const commands[] = {
#define X(name, function, summary) name,
	TRIB_COMMAND_TABLE(X)
#undef X
};

static const char bash[] =
	"_tributary() {\n"
	"	local word=${COMP_WORDS[COMP_CWORD]} words\n"
	"	if [ \"$COMP_CWORD\" = 1 ]; then\n"
	"		words=$_tributary_commands\n"
	"	elif [ \"${word#-}\" != \"$word\" ]; then\n"
	"		words=$(\"${COMP_WORDS[0]}\" \"${COMP_WORDS[1]}\" --help 2>/dev/null |\n"
	"			grep -oE -- '--[a-z][a-z0-9-]*' | sort -u)\n"
	"	elif [ \"$COMP_CWORD\" = 2 ] && [ \"${COMP_WORDS[1]}\" = play ]; then\n"
	"		words=$(\"${COMP_WORDS[0]}\" play --help 2>/dev/null |\n"
	"			grep -oE '^ +play [a-z]+' | grep -oE '[a-z]+$' | sort -u)\n"
	"	else\n"
	"		COMPREPLY=($(compgen -f -- \"$word\"))\n"
	"		return\n"
	"	fi\n"
	"	COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	"}\n"
	"complete -o filenames -F _tributary tributary\n";

int trib_cli_completion(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return trib_cli_help("completion bash|zsh", help);
	if (argc != 2 || (strcmp(argv[1], "bash") && strcmp(argv[1], "zsh")))
		return trib_cli_usage_error("completion", "found \"%s\", expected bash or zsh",
					    argc > 1 ? argv[argc - 1] : "");
	if (!strcmp(argv[1], "zsh"))
		puts("autoload -Uz compinit bashcompinit && compinit && bashcompinit");
	fputs("_tributary_commands='", stdout);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(commands); i++)
		printf("%s%s", i ? " " : "", commands[i]);
	puts(" help'");
	fputs(bash, stdout);
	return TRIB_EXIT_DONE;
}
