/* The table of facts, printed. */
#include <string.h>
#include "cli/cli.h"
#include "rules/rules.h"

int trib_cli_facts(int argc, char **argv)
{
	bool json = argc == 2 && !strcmp(argv[1], "--json");
	bool markdown = argc == 2 && !strcmp(argv[1], "--markdown");
	struct trib_buffer buffer;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return trib_cli_help("facts [--json | --markdown]",
				     "Prints the facts that conditions may ask for.\n\n"
				     "local   known to whoever has the order, its touches and the nouns\n"
				     "engine  counted by the engine; a client must ask the server\n");
	if (argc > 2 || (argc == 2 && !json && !markdown))
		return trib_cli_usage_error("facts", "found \"%s\", expected --json, --markdown or nothing",
					    argv[argc - 1]);
	trib_buffer_init(&buffer, 1 << 20);
	if (json)
		trib_facts_write_json(&buffer);
	else if (markdown)
		trib_facts_write_markdown(&buffer);
	else
		for (int fact = 1; fact < TRIB_FACTS; fact++)
			trib_buffer_add_format(&buffer, "%-26s %-20s %-7s %s\n", trib_fact_rows[fact].name,
					       trib_fact_type_name((enum trib_fact)fact),
					       trib_fact_home_name(trib_fact_rows[fact].home),
					       trib_fact_rows[fact].doc);
	fputs(trib_buffer_text(&buffer), stdout);
	if (json)
		putchar('\n');
	trib_buffer_fini(&buffer);
	return TRIB_EXIT_DONE;
}
