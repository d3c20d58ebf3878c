/*
 * What plays cost the request that they belong to: finding the play among 100, checking an ext by JSON Schema, calling
 * a script; and reading a play whole.
 *
 *	bench-play [MILLISECONDS a row]
 */
#include "base/clock.h"
#include "base/limits.h"
#include "play/play.h"

enum { PLAYS = 100 };

static const char ext_schema[] =
	"{\"$defs\": {\"money\": {\"type\": \"integer\", \"minimum\": 0}}, \"properties\": {\"plan\": {"
	"\"required\": [\"slot_fee\"], \"properties\": {\"slot_fee\": {\"$ref\": \"#/$defs/money\"}, \"label\": {\"type\": \"string\", "
	"\"maxLength\": 40}, \"tier\": {\"enum\": [\"a\", \"b\", \"c\"]}, \"slots\": {\"type\": \"array\", \"maxItems\": 20, \"uniqueItems\": "
	"true, \"items\": {\"type\": \"string\", \"pattern\": \"^[A-Z][0-9]+$\"}}, \"ratio\": {\"type\": \"number\", \"maximum\": 1}}}}}";
static const char hooks[] = "function deposit(plan)\n"
			    "  if #plan.slots > 10 then return nil, 'more than ten slots' end\n"
			    "  local each = math.ceil(plan.slot_fee / 10 / 100) * 100\n"
			    "  return {each = each, total = each * #plan.slots}\n"
			    "end\n";
static const char ext_text[] =
	"{\"slot_fee\": 50000, \"label\": \"晚八点\", \"tier\": \"b\", \"slots\": [\"A1\", \"A2\", \"B7\"], \"ratio\": 0.25}";
static const char request_text[] = "{\"action\": \"plan.put\", \"scene\": \"live\", \"kind\": \"targeted\", \"category\": "
				   "\"beauty/lips\", \"merchant\": \"m77\", \"level\": 3, \"tags\": [\"new\", \"top100\"]}";

static trib_status no_tree(void *context, struct trib_bytes name, struct trib_bytes json, struct trib_error *error)
{
	return TRIB_OK;
}

static const struct trib_play_trees trees = { .check = no_tree };

struct world {
	struct trib_plays *plays;
	const struct trib_play *play; /* the one with ext and script */
	const struct trib_json *request, *ext;
	struct trib_arena arena; /* of one piece of work */
	struct trib_buffer output;
};

static struct trib_play *read_play(int number)
{
	char text[256];
	struct trib_play_file files[] = { { trib_bytes_text("play.yaml"), { 0 } },
					  { trib_bytes_text("ext.schema.json"), trib_bytes_text(ext_schema) },
					  { trib_bytes_text("hooks.lua"), trib_bytes_text(hooks) } };
	struct trib_error error = { 0 };
	struct trib_play *play = NULL;

	snprintf(text, sizeof(text),
		 "name: p%d\nwhen: request.scene == 'live' && request.kind == 'targeted' && request.merchant == 'm%d'\n", number,
		 number);
	files[0].text = trib_bytes_text(text);
	trib_status status = trib_play_new(files, 3, &trees, &play, &error);

	if (status != TRIB_OK)
		fprintf(stderr, "%s: %s\n", error.at, error.text);
	trib_assert(status == TRIB_OK);
	return play;
}

static void resolve(struct world *world)
{
	const struct trib_play *won = NULL;

	trib_assert(trib_plays_resolve(world->plays, world->request, &world->arena, &won, NULL) == TRIB_OK &&
		    won == world->play);
}

static void check_ext(struct world *world)
{
	trib_assert(trib_play_check_ext(world->play, trib_bytes_text("plan"), world->ext, &world->arena, NULL) == TRIB_OK);
}

static void call(struct world *world)
{
	struct trib_error error;

	trib_buffer_reset(&world->output);
	trib_assert(trib_play_call(world->play, "deposit", world->ext, &world->output, &error) == TRIB_OK);
}

static void read_whole(struct world *world)
{
	trib_play_free(read_play(0));
}

static void measure(const char *name, void (*work)(struct world *), struct world *world, int64_t ms)
{
	int64_t start = trib_cpu_thread_ns(), spent;
	uint64_t count = 0;

	do {
		for (int i = 0; i < 16; i++, count++) {
			trib_arena_reset(&world->arena);
			work(world);
		}
		spent = trib_cpu_thread_ns() - start;
	} while (spent < ms * 1000000);
	printf("%-42s %8.2f µs of CPU\n", name, (double)spent / 1000 / (double)count);
}

int main(int argc, char **argv)
{
	int64_t ms = argc > 1 ? atoll(argv[1]) : 500;
	struct world world = { .plays = trib_plays_new() };
	struct trib_arena arena;
	struct trib_error error;

	trib_arena_init(&arena, 1 << 20);
	trib_arena_init(&world.arena, 1 << 20);
	trib_buffer_init(&world.output, 1 << 20);
	for (int i = 0; i < PLAYS; i++)
		trib_assert(trib_plays_add(world.plays, read_play(i), &error) == TRIB_OK);
	trib_assert(trib_plays_link(world.plays, &error) == TRIB_OK);
	world.play = trib_plays_find(world.plays, "p77");
	trib_assert(trib_json_parse(trib_bytes_text(request_text), 9, &arena, &world.request, &error) == TRIB_OK);
	trib_assert(trib_json_parse(trib_bytes_text(ext_text), 9, &arena, &world.ext, &error) == TRIB_OK);
	measure("the play of a request, among 100", resolve, &world, ms);
	measure("an ext of five fields by its schema", check_ext, &world, ms);
	measure("a function of hooks.lua", call, &world, ms);
	measure("a play of three files, read whole", read_whole, &world, ms);
	trib_plays_free(world.plays);
	trib_buffer_fini(&world.output);
	trib_arena_fini(&world.arena);
	trib_arena_fini(&arena);
	return 0;
}
