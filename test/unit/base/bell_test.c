#include "test.h"

#include <poll.h>
#include <pthread.h>
#include "base/bell.h"

static bool rings(const struct trib_bell *bell)
{
	return poll(&(struct pollfd){ bell->fd, POLLIN, 0 }, 1, 0) == 1;
}

static void rung_twice_it_is_cleared_once(void **state)
{
	struct trib_bell bell;

	assert_int_equal(trib_bell_init(&bell), 0);
	trib_bell_clear(&bell);
	assert_false(rings(&bell));
	for (int round = 0; round < 3; round++) {
		trib_bell_ring(&bell);
		trib_bell_ring(&bell);
		assert_true(rings(&bell));
		trib_bell_clear(&bell);
		assert_false(rings(&bell));
		trib_bell_clear(&bell);
		assert_false(rings(&bell));
	}
	trib_bell_fini(&bell);
}

enum { RINGERS = 4, JOBS_EACH = 20000 };

static struct trib_bell shared;
static atomic_uint laid_down;

static void *lay_down_work(void *context TRIB_UNUSED)
{
	for (int i = 0; i < JOBS_EACH; i++) {
		atomic_fetch_add(&laid_down, 1);
		trib_bell_ring(&shared);
	}
	return NULL;
}

/* Who sleeps until the bell rings finds all work: a missed ring would leave this test asleep for ever. */
static void no_work_is_missed(void **state)
{
	pthread_t threads[RINGERS];
	unsigned done = 0;

	assert_int_equal(trib_bell_init(&shared), 0);
	for (int i = 0; i < RINGERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, lay_down_work, NULL), 0);
	while (done < RINGERS * JOBS_EACH) {
		poll(&(struct pollfd){ shared.fd, POLLIN, 0 }, 1, -1);
		trib_bell_clear(&shared);
		done += atomic_exchange(&laid_down, 0);
	}
	for (int i = 0; i < RINGERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(done, RINGERS * JOBS_EACH);
	trib_bell_fini(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rung_twice_it_is_cleared_once),
		cmocka_unit_test(no_work_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
