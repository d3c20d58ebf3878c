/* Who has to wait after wrong passwords, and for how long; what a Cookie header says; work that is queued. */
#include <stdatomic.h>
#include "base/limits.h"
#include "server/lockout.h"
#include "server/server.h"
#include "server/workers.h"
#include "test.h"

enum { MINUTE_MS = 60000 };

static int64_t wait_ms(struct trib_lockout *lockout, const char *user, const char *from, int64_t now_ms)
{
	return trib_lockout_wait_ms(lockout, trib_bytes_text(user), trib_bytes_text(from), now_ms);
}

static void fails(struct trib_lockout *lockout, const char *user, const char *from, int64_t now_ms)
{
	trib_lockout_failed(lockout, trib_bytes_text(user), trib_bytes_text(from), now_ms);
}

static void failures(void **state)
{
	struct trib_lockout *lockout = trib_lockout_new();
	char name[16];

	for (int i = 0; i < TRIB_LIMIT_SIGN_IN_FAILURES; i++) {
		assert_int_equal(wait_ms(lockout, "ann", "a", i), 0);
		fails(lockout, "ann", "a", i);
	}
	assert_int_equal(wait_ms(lockout, "ann", "a", 4), 15 * MINUTE_MS);
	assert_int_equal(wait_ms(lockout, "ann", "b", 4), 0);
	assert_int_equal(wait_ms(lockout, "bob", "a", 4), 0);
	assert_int_equal(wait_ms(lockout, "ann", "a", 4 + 15 * MINUTE_MS), 0);
	trib_lockout_passed(lockout, trib_bytes_text("ann"), trib_bytes_text("a"));
	assert_int_equal(wait_ms(lockout, "ann", "a", 5), 0);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		fails(lockout, name, "c", 10);
	}
	assert_true(wait_ms(lockout, "ann", "c", 11) > 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		fails(lockout, "eve", name, 20);
	}
	assert_true(wait_ms(lockout, "eve", "elsewhere", 21) > 0);
	trib_lockout_free(lockout);
}

/* However many names come, memory stays, and who failed last is still known. */
static void many_names(void **state)
{
	struct trib_lockout *lockout = trib_lockout_new();
	char name[16];

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		fails(lockout, name, name, i);
	}
	for (int i = 0; i < TRIB_LIMIT_SIGN_IN_FAILURES; i++)
		fails(lockout, "ann", "a", 100000);
	assert_true(wait_ms(lockout, "ann", "a", 100000) > 0);
	trib_lockout_free(lockout);
}

static void cookies(void **state)
{
	static const struct {
		const char *header, *value; /* NULL: none */
	} cases[] = {
		{ "s=1", "1" },		   { "a=b; s=1; c=d", "1" }, { "  s = 1 ;", "1" }, { "ss=1", NULL },
		{ "s", NULL },		   { "", NULL },	     { ";;;s=;", "" },	   { "s=1; s=2", "2" },
		{ "a=\"s=1\"; b=2", NULL }, { "S=1", NULL },	     { "=;=s=1", NULL },   { "s=a=b", "a=b" },
	};
	struct trib_bytes value;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(cases); i++) {
		bool found = trib_cookie_find(trib_bytes_text(cases[i].header), "s", &value);

		assert_int_equal(found, cases[i].value != NULL);
		if (found)
			assert_true(trib_bytes_is(value, cases[i].value));
	}
}

struct job {
	struct trib_work work;
	_Atomic int *ran;
};

static void run(struct trib_work *work)
{
	atomic_fetch_add(((struct job *)(void *)work)->ran, 1);
}

/* What was taken runs, also of a pool that is let go; what was not does not. */
static void work(void **state)
{
	enum { JOBS = 1000 };
	struct trib_workers *workers = trib_workers_new("test", 2, 16);
	struct job *jobs = trib_alloc_zeroed(JOBS, sizeof(*jobs));
	_Atomic int ran = 0;
	int taken = 0;

	for (size_t i = 0; i < JOBS; i++) {
		jobs[i] = (struct job){ { .run = run }, &ran };
		taken += trib_workers_submit(workers, &jobs[i].work);
	}
	trib_workers_free(workers);
	assert_true(taken >= 16);
	assert_int_equal(atomic_load(&ran), taken);
	free(jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures),
		cmocka_unit_test(many_names),
		cmocka_unit_test(cookies),
		cmocka_unit_test(work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
