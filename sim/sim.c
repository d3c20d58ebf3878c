/* The simulator's command line, and what its worlds share. */
#include "sim.h"

#include <errno.h>
#include <ftw.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct world {
	const char *name;
	unsigned bit;
	void (*run)(struct sim_run *run);
	unsigned every; /* so many seeds are run, unless the world was named: each takes its time */
};

enum { COUNTER = 1, MARKET = 2, BOTH = 3, TRADE = 4, ALL = 7 };

static const struct world worlds[] = {
	{ "counter", COUNTER, sim_counter, 1 },
	{ "market", MARKET, sim_market, 1 },
	{ "trade", TRADE, sim_trade, 2 },
};

struct plant {
	const char *word;
	unsigned worlds;
	const char *text;
};

static const struct plant plants[SIM_PLANTS] = { [SIM_PLANT_NONE] = { "", BOTH, "" },
#define X(name, word, worlds, text) [SIM_PLANT_##name] = { word, worlds, text },
						 SIM_PLANT_TABLE(X)
#undef X
};

static const struct {
	unsigned world;
	const char *text;
} marks[SIM_MARKS] = {
#define X(name, world, text) [SIM_MARK_##name] = { world, text },
	SIM_MARK_TABLE(X)
#undef X
};

void sim_fail(struct sim_run *run, const char *format, ...)
{
	va_list args;

	if (run->failed)
		return;
	run->failed = true;
	va_start(args, format);
	vsnprintf(run->why, sizeof(run->why), format, args);
	va_end(args);
	sim_tell(run, "AUDITOR: %s", run->why);
}

void sim_tell(const struct sim_run *run, const char *format, ...)
{
	va_list args;

	if (!run->verbose)
		return;
	printf("# %10.3f ms  ", (double)trib_sim_disk_now_ns(run->disk) / 1e6);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void sim_draw_faults(struct sim_run *run)
{
	struct trib_sim_faults *faults = trib_sim_disk_faults(run->disk);

	faults->direct_refused = sim_chance(run, 0.2);
	faults->slow_chance = sim_chance(run, 0.2) ? 0.2 : 0.002;
	if (sim_chance(run, 0.3)) {
		faults->fail_after = (int64_t)sim_below(run, 120);
		faults->fail_count = 1 + (int64_t)sim_below(run, 6);
		faults->fail_error = sim_chance(run, 0.5) ? EIO : ENOSPC;
	}
}

void sim_clear_faults(struct sim_run *run)
{
	struct trib_sim_faults *faults = trib_sim_disk_faults(run->disk);

	faults->direct_refused = false;
	faults->slow_chance = 0;
	faults->fail_after = faults->lose_after = -1;
	faults->room_bytes = 0;
}

/* --- Chance and room for the engine ------------------------------------------------------------------- */

static struct trib_rng key_rng;

static const char *chance_name(void)
{
	return "seeded";
}

static uint32_t chance_random(void)
{
	return (uint32_t)trib_rng_u64(&key_rng);
}

static void chance_buf(void *const bytes, const size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)bytes)[i] = (unsigned char)trib_rng_u64(&key_rng);
}

static void seed_keys(uint64_t seed)
{
	static struct randombytes_implementation chance = {
		.implementation_name = chance_name,
		.random = chance_random,
		.buf = chance_buf,
	};

	trib_rng_seed(&key_rng, seed);
	randombytes_set_implementation(&chance);
}

void sim_folder_make(struct sim_run *run, char ret_path[64])
{
	snprintf(ret_path, 64, "%s/trib-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	trib_assert(mkdtemp(ret_path));
	seed_keys(trib_rng_u64(&run->rng));
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
	return remove(path);
}

void sim_folder_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- Engines -------------------------------------------------------------------------------------------- */

static int64_t wall_ms(struct trib_clock *clock)
{
	struct sim_clock *of = (struct sim_clock *)clock;

	return SIM_START_MS + of->skipped_ms + trib_sim_disk_now_ns(of->run->disk) / 1000000;
}

static int64_t monotonic_ns(struct trib_clock *clock)
{
	struct sim_clock *of = (struct sim_clock *)clock;

	return of->skipped_ms * 1000000 + trib_sim_disk_now_ns(of->run->disk);
}

void sim_clock_init(struct sim_clock *clock, struct sim_run *run)
{
	*clock = (struct sim_clock){ .clock = { wall_ms, monotonic_ns }, .run = run };
}

struct trib_engine *sim_engine_open(struct sim_run *run, const struct trib_engine_options *options)
{
	struct trib_engine *engine;
	struct trib_error error;

	for (int attempt = 0; attempt < 20; attempt++)
		if (trib_engine_open(options, &engine, &error) == TRIB_OK)
			return engine;
	sim_fail(run, "opening: %s: %s", error.at, error.text);
	return NULL;
}

bool sim_engine_end(struct sim_run *run, struct trib_engine *engine)
{
	uint64_t how = sim_below(run, 5);

	sim_tell(run, "%s", how == 0 ? "stopped" : how == 1 ? "killed" : "power cut");
	if (how == 0) {
		sim_clear_faults(run);
		trib_engine_close(engine);
		return false;
	}
	if (how == 1)
		trib_sim_disk_kill(run->disk);
	else
		trib_sim_disk_crash(run->disk);
	run->crashes += how > 1;
	trib_engine_abandon(engine);
	return how > 1;
}

/* --- Runs ----------------------------------------------------------------------------------------------- */

static void run_once(const struct world *world, uint64_t seed, enum sim_plant plant, bool verbose,
		     struct sim_run *ret_run)
{
	struct sim_run run = { .seed = seed, .plant = plant, .verbose = verbose };

	trib_rng_seed(&run.rng, seed);
	run.disk = trib_sim_disk_new(trib_rng_u64(&run.rng));
	struct trib_sim_faults *faults = trib_sim_disk_faults(run.disk);

	faults->plant_no_sync = plant == SIM_PLANT_NO_SYNC;
	faults->plant_no_folder_sync = plant == SIM_PLANT_NO_FOLDER_SYNC;
	faults->plant_not_durable = plant == SIM_PLANT_NOT_DURABLE;
	world->run(&run);
	trib_sim_disk_free(run.disk);
	run.disk = NULL;
	*ret_run = run;
}

struct arguments {
	uint64_t seed, seeds;
	const char *world;
	enum sim_plant plant;
	bool all_plants, verbose;
};

static bool wanted(const struct arguments *arguments, const struct world *world)
{
	return !arguments->world || strcmp(arguments->world, world->name) == 0;
}

enum { SEEDS_THAT_MEET_ALL = 100 };

/* Where many seeds were run: have they met everything that the worlds can do? Returns how many things they have not. */
static uint64_t tell_marks(const struct arguments *arguments, const uint64_t met[SIM_MARKS], uint64_t *cases)
{
	uint64_t missing = 0;

	for (size_t w = 0; w < TRIB_ARRAY_SIZE(worlds); w++)
		for (int i = 0; i < SIM_MARKS; i++) {
			if (marks[i].world != worlds[w].bit || !wanted(arguments, &worlds[w]) ||
			    arguments->seeds < SEEDS_THAT_MEET_ALL)
				continue;
			printf("%sok %llu - %s: %s, %llu times\n", met[i] ? "" : "not ", (unsigned long long)++*cases, worlds[w].name,
			       marks[i].text, (unsigned long long)met[i]);
			missing += !met[i];
		}
	return missing;
}

static int run_seeds(const struct arguments *arguments)
{
	uint64_t cases = 0, failures = 0, met[SIM_MARKS] = { 0 };

	for (size_t w = 0; w < TRIB_ARRAY_SIZE(worlds); w++)
		for (uint64_t i = 0; wanted(arguments, &worlds[w]) && i < arguments->seeds; i++) {
			struct sim_run run;

			if (!arguments->world && (arguments->seed + i) % worlds[w].every)
				continue;
			run_once(&worlds[w], arguments->seed + i, SIM_PLANT_NONE,
				 arguments->verbose, &run);
			printf("%sok %llu - %s, seed %llu: %llu lives, %llu crashes, %llu "
			       "commands, %llu answered, "
			       "%llu refused\n",
			       run.failed ? "not " : "", (unsigned long long)++cases,
			       worlds[w].name, (unsigned long long)run.seed,
			       (unsigned long long)run.lives, (unsigned long long)run.crashes,
			       (unsigned long long)run.commands, (unsigned long long)run.answered,
			       (unsigned long long)run.refusals);
			if (run.failed)
				printf("# %s\n# again: sim --world %s --seed %llu -v\n", run.why,
				       worlds[w].name, (unsigned long long)run.seed);
			fflush(stdout);
			failures += run.failed;
			for (int mark = 0; mark < SIM_MARKS; mark++)
				met[mark] += run.marks[mark];
		}
	failures += tell_marks(arguments, met, &cases);
	printf("1..%llu\n", (unsigned long long)cases);
	return failures > 0;
}

/* Caught by which seed? Seeds are tried in order; false where none does. */
static bool caught(const struct arguments *arguments, const struct world *world,
		   enum sim_plant plant, struct sim_run *ret_run)
{
	for (uint64_t i = 0; i < arguments->seeds; i++) {
		run_once(world, arguments->seed + i, plant, arguments->verbose, ret_run);
		if (ret_run->failed)
			return true;
	}
	return false;
}

static int run_plants(const struct arguments *arguments)
{
	uint64_t cases = 0, failures = 0;

	for (int plant = SIM_PLANT_NONE + 1; plant < SIM_PLANTS; plant++)
		for (size_t w = 0; w < TRIB_ARRAY_SIZE(worlds); w++) {
			struct sim_run run;

			if (!(plants[plant].worlds & worlds[w].bit) ||
			    !wanted(arguments, &worlds[w]) ||
			    (!arguments->all_plants && (int)arguments->plant != plant))
				continue;
			bool found = caught(arguments, &worlds[w], (enum sim_plant)plant, &run);

			printf("%sok %llu - %s, planted %s (%s): %s\n", found ? "" : "not ",
			       (unsigned long long)++cases, worlds[w].name, plants[plant].word,
			       plants[plant].text, found ? run.why : "not caught");
			fflush(stdout);
			failures += !found;
		}
	printf("1..%llu\n", (unsigned long long)cases);
	return failures > 0 || cases == 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: sim [--seed N] [--seeds K] [--world counter|market|trade] [--plant WORD "
			"| --plants] "
			"[-v]\nplants:\n");
	for (int i = SIM_PLANT_NONE + 1; i < SIM_PLANTS; i++)
		fprintf(stderr, "  %-18s %s\n", plants[i].word, plants[i].text);
	return 2;
}

static bool parse_plant(const char *word, enum sim_plant *ret_plant)
{
	for (int i = SIM_PLANT_NONE + 1; i < SIM_PLANTS; i++)
		if (strcmp(plants[i].word, word) == 0) {
			*ret_plant = (enum sim_plant)i;
			return true;
		}
	return false;
}

static bool parse_world(const char *word)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(worlds); i++)
		if (strcmp(worlds[i].name, word) == 0)
			return true;
	return false;
}

int main(int count, char **words)
{
	struct arguments arguments = { .seed = 1 };

	for (int i = 1; i < count; i++) {
		const char *word = words[i], *value = i + 1 < count ? words[i + 1] : NULL;
		bool good = true;

		if (strcmp(word, "-v") == 0) {
			arguments.verbose = true;
			continue;
		}
		if (strcmp(word, "--plants") == 0) {
			arguments.all_plants = true;
			continue;
		}
		if (!value)
			return usage();
		i++;
		if (strcmp(word, "--seed") == 0)
			good = trib_bytes_to_u64(trib_bytes_text(value), &arguments.seed);
		else if (strcmp(word, "--seeds") == 0)
			good = trib_bytes_to_u64(trib_bytes_text(value), &arguments.seeds);
		else if (strcmp(word, "--plant") == 0)
			good = parse_plant(value, &arguments.plant);
		else if (strcmp(word, "--world") == 0)
			good = parse_world(arguments.world = value);
		else
			good = false;
		if (!good)
			return usage();
	}
	bool planted = arguments.plant || arguments.all_plants;

	if (!arguments.seeds)
		arguments.seeds = planted ? 20 : 1;
	return planted ? run_plants(&arguments) : run_seeds(&arguments);
}
