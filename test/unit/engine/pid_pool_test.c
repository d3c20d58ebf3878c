/* The pools of pids against an array of facts that is searched. */
#include "test.h"

#include "base/rng.h"
#include "engine/pid_pool.h"

enum { STEPS = 60000, PIDS = 300, SITES = 3, CREATORS = 40 };

static struct pid_fact twin[PIDS + 1];

static bool is_free(uint32_t pid, uint32_t site, int64_t now_ms)
{
	return twin[pid].state == PID_FREE && twin[pid].site == site && twin[pid].free_at_ms <= now_ms;
}

static uint32_t twin_next(uint32_t site, int64_t now_ms)
{
	for (uint32_t pid = 1; pid <= PIDS; pid++)
		if (is_free(pid, site, now_ms))
			return pid;
	return 0;
}

static uint32_t twin_find(uint32_t site, uint32_t creator, uint32_t channel)
{
	for (uint32_t pid = 1; pid <= PIDS; pid++)
		if (twin[pid].state == PID_LEASED && twin[pid].site == site && twin[pid].creator == creator &&
		    twin[pid].channel == channel)
			return pid;
	return 0;
}

static struct pid_counts twin_count(uint32_t site, int64_t now_ms)
{
	struct pid_counts counts = { 0 };

	for (uint32_t pid = 1; pid <= PIDS; pid++) {
		if (twin[pid].site != site)
			continue;
		counts.free += is_free(pid, site, now_ms);
		counts.resting += twin[pid].state == PID_FREE && !is_free(pid, site, now_ms);
		counts.leased += twin[pid].state == PID_LEASED;
		counts.unknown += twin[pid].state == PID_UNKNOWN;
	}
	return counts;
}

static void check(struct pid_pool *pool, struct trib_rng *rng, int64_t now_ms)
{
	uint32_t site = 1 + (uint32_t)trib_rng_below(rng, SITES), creator = 1 + (uint32_t)trib_rng_below(rng, CREATORS);
	uint32_t channel = (uint32_t)trib_rng_below(rng, 2), pid = 0;
	struct pid_counts counts = pid_pool_count(pool, site, now_ms), expected = twin_count(site, now_ms);

	assert_memory_equal(&counts, &expected, sizeof(counts));
	assert_int_equal(pid_pool_next(pool, site, now_ms), twin_next(site, now_ms));
	assert_int_equal(pid_pool_find(pool, site, creator, channel), twin_find(site, creator, channel));
	for (uint32_t i = 1; i <= PIDS; i++)
		if (twin[i].state == PID_LEASED && twin[i].creator == creator)
			assert_int_equal(pid = pid_pool_of(pool, creator, pid), i);
	assert_int_equal(pid_pool_of(pool, creator, pid), 0);
}

static void says_what_an_array_says(void **state)
{
	struct pid_pool *pool = pid_pool_new();
	int64_t now_ms = 1000;
	struct trib_rng rng;

	memset(twin, 0, sizeof(twin));
	trib_rng_seed(&rng, trib_test_seed());
	for (int step = 0; step < STEPS; step++) {
		uint32_t pid = 1 + (uint32_t)trib_rng_below(&rng, PIDS);
		struct pid_fact fact = { .site = twin[pid].site ? twin[pid].site : 1 + (uint32_t)trib_rng_below(&rng, SITES) };

		fact.state = (uint8_t)(1 + trib_rng_below(&rng, PID_STATES - 1));
		if (fact.state == PID_FREE)
			fact.free_at_ms = trib_rng_below(&rng, 2) ? 0 : now_ms + (int64_t)trib_rng_below(&rng, 3000);
		if (fact.state == PID_LEASED) {
			fact.creator = 1 + (uint32_t)trib_rng_below(&rng, CREATORS);
			fact.channel = (uint32_t)trib_rng_below(&rng, 2);
		}
		pid_pool_put(pool, pid, &fact);
		twin[pid] = fact;
		now_ms += (int64_t)trib_rng_below(&rng, 20);
		check(pool, &rng, now_ms);
	}
	pid_pool_free(pool);
}

/* What a restart does: facts by number, in whatever order they had come before. */
static void does_not_depend_on_the_order_of_facts(void **state)
{
	struct pid_pool *live = pid_pool_new(), *again = pid_pool_new();
	int64_t now_ms = 0;
	struct trib_rng rng;

	memset(twin, 0, sizeof(twin));
	trib_rng_seed(&rng, trib_test_seed());
	for (uint32_t pid = PIDS; pid > 0; pid--) {
		twin[pid] = (struct pid_fact){ .site = 1, .state = PID_FREE };
		pid_pool_put(live, pid, &twin[pid]);
	}
	for (int step = 0; step < 1000; step++) { /* leased, released, leased again */
		uint32_t pid = pid_pool_next(live, 1, ++now_ms);

		if (!pid || trib_rng_below(&rng, 3) == 0) {
			pid = 1 + (uint32_t)trib_rng_below(&rng, PIDS);
			twin[pid] = (struct pid_fact){ .site = 1, .state = PID_FREE, .free_at_ms = now_ms + 50 };
		} else {
			twin[pid] = (struct pid_fact){ .site = 1, .state = PID_LEASED, .creator = 1 + pid % CREATORS };
		}
		pid_pool_put(live, pid, &twin[pid]);
	}
	for (uint32_t pid = 1; pid <= PIDS; pid++)
		pid_pool_put(again, pid, &twin[pid]);
	for (int i = 0; i < PIDS; i++) {
		uint32_t pid = pid_pool_next(live, 1, now_ms + 10);

		assert_int_equal(pid_pool_next(again, 1, now_ms + 10), pid);
		if (!pid)
			break;
		pid_pool_put(live, pid, &(struct pid_fact){ .site = 1, .state = PID_CLOSED });
		pid_pool_put(again, pid, &(struct pid_fact){ .site = 1, .state = PID_CLOSED });
	}
	pid_pool_free(live);
	pid_pool_free(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_an_array_says),
		cmocka_unit_test(does_not_depend_on_the_order_of_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
