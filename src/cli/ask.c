/* `tributary ask`: words about goods as a filter and an order, by the grammar or by a model. */
#include <getopt.h>
#include <string.h>
#include "base/limits.h"
#include "cli/cli.h"
#include "select/select.h"

enum { ANSWER_BYTES = 8 << 20 };

static const char usage[] = "ask [OPTION …] TEXT";
static const char help[] =
	"Prints what TEXT says about goods as JSON: a filter in CEL, an order, a limit, and what each part of the text came "
	"to.\n"
	"\n"
	"  --creator ID       who asks, for \"not yet on my shelf\"\n"
	"  --model URL        ask a server that speaks as OpenAI's does (http://127.0.0.1:8000/v1), not the grammar; its key\n"
	"                     is taken from the environment, TRIBUTARY_ASK_KEY\n"
	"  --model-name NAME  which of its models\n"
	"  --timeout-ms N     for each of at most two answers of it; 20000\n"
	"\n"
	"  tributary ask '适合宝妈的夏季防晒, 佣金20%以上, 百元以内, 卖得好的'\n";

struct options {
	const char *text, *creator;
	struct trib_ask_model model;
	bool help;
};

/* True: *ret_options is filled. */
static bool read_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option names[] = {
		{ "creator", required_argument, NULL, 'c' }, { "model", required_argument, NULL, 'm' },
		{ "model-name", required_argument, NULL, 'n' }, { "timeout-ms", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct options options = { .creator = "", .model = { .name = "default", .key = getenv("TRIBUTARY_ASK_KEY") } };
	int letter;

	optind = 1;
	while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
		int64_t number;

		if (letter == 'c')
			options.creator = optarg;
		else if (letter == 'm')
			options.model.url = optarg;
		else if (letter == 'n')
			options.model.name = optarg;
		else if (letter == 'h')
			options.help = true;
		else if (letter == 't' && trib_bytes_to_i64(trib_bytes_text(optarg), &number) && number > 0 && number <= 600000)
			options.model.timeout_ms = (uint32_t)number;
		else
			return false;
	}
	if (!options.help && optind + 1 != argc)
		return false;
	options.text = argv[optind];
	*ret_options = options;
	return true;
}

int trib_cli_ask(int argc, char **argv)
{
	struct trib_ask *ask = NULL;
	struct trib_ask_answer answer;
	struct trib_arena arena;
	struct trib_buffer json;
	struct options options;
	struct trib_error error;

	if (!read_options(argc, argv, &options))
		return trib_cli_usage_error("ask", "expected one text, and options as --help lists them");
	if (options.help)
		return trib_cli_help(usage, help);
	struct trib_ask_request request = { .text = trib_bytes_text(options.text), .creator = trib_bytes_text(options.creator),
					    .model = options.model.url ? &options.model : NULL };

	trib_arena_init(&arena, ANSWER_BYTES);
	trib_buffer_init(&json, ANSWER_BYTES);
	trib_status status = trib_ask_new(trib_ask_vocabulary(), &ask, &error);

	status = status == TRIB_OK ? trib_ask_answer(ask, &request, &arena, &answer, &error) : status;
	if (status == TRIB_OK) {
		trib_ask_print(&answer, &json);
		puts(trib_buffer_text(&json));
	} else {
		trib_cli_failed("ask", &error);
	}
	trib_ask_free(ask);
	trib_buffer_fini(&json);
	trib_arena_fini(&arena);
	return status == TRIB_OK ? TRIB_EXIT_DONE : TRIB_EXIT_FAILED;
}
