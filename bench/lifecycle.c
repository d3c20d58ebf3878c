/*
 * Random lives of orders: every one is told in up to three sequences, the differences posted after each message. The
 * books must end the same, and as a twin says that sees the set of messages only.
 *
 *	bench-lifecycle [lives, default 1 million] [seed, default the clock]
 */
#include "../test/unit/commission/lives.h"
#include "base/clock.h"

int main(int argc, char **argv)
{
	uint64_t lives = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)trib_clock_monotonic_ns(trib_clock_system());
	static struct life_case life;
	struct lives_counts counts = { 0 };
	struct trib_rng rng;

	printf("seed %llu\n", (unsigned long long)seed);
	trib_rng_seed(&rng, seed);
	int64_t start_ns = trib_cpu_process_ns();

	while (counts.other_sequences < lives) {
		const char *reason = lives_try(&rng, &life, &counts);

		if (reason) {
			printf("life %llu: %s\n", (unsigned long long)counts.lives, reason);
			return 1;
		}
	}
	int64_t ns = trib_cpu_process_ns() - start_ns;

	printf("%llu lives of %.1f messages in %llu other sequences, %llu messages refused: books the same, and the split "
	       "of what is left; %.1f s of CPU\n",
	       (unsigned long long)counts.lives, (double)counts.messages / (double)counts.lives,
	       (unsigned long long)counts.other_sequences, (unsigned long long)counts.refused, (double)ns / 1e9);
	return 0;
}
