#include "test.h"

#include "attribution/attribution.h"
#include "base/hash.h"

enum { USERS = 300, TWIN_MAX = 4000, NEVER = 0 };
#define MIB ((size_t)1 << 20)

static struct trib_touches *new_touches(size_t bytes_max, int64_t retention_ms)
{
	return trib_touches_new(&(struct trib_touches_options){ .bytes_max = bytes_max,
								.retention_ms = retention_ms });
}

static void check(const struct trib_touches *touches)
{
	const char *reason;

	if (!trib_touches_validate(touches, &reason))
		fail_msg("%s", reason);
}

static bool same_touch(const struct trib_touch *a, const struct trib_touch *b)
{
	return a->at_ms == b->at_ms && a->issued_at_ms == b->issued_at_ms && a->link == b->link &&
	       a->goods == b->goods && a->creator == b->creator && a->plan == b->plan &&
	       a->offer == b->offer && a->plan_version == b->plan_version &&
	       a->registration == b->registration && a->channel == b->channel &&
	       a->carrier_kind == b->carrier_kind && a->carrier == b->carrier &&
	       a->carrier_owner == b->carrier_owner && a->page == b->page && a->kind == b->kind &&
	       a->at_stated == b->at_stated;
}

static struct trib_touch random_touch(struct trib_rng *rng, int64_t now_ms)
{
	int64_t at_ms =
		now_ms - (int64_t)trib_rng_below(rng, trib_rng_chance(rng, 0.9) ? 50 : 2000);

	return (struct trib_touch){
		.at_ms = TRIB_MAX(at_ms, 0),
		.issued_at_ms =
			TRIB_MAX(at_ms, 0) - trib_rng_between(rng, -1000, (INT64_C(1) << 39) - 1),
		.link = trib_rng_chance(rng, 0.5) ? trib_rng_below(rng, 4)
						  : trib_rng_u64(rng) >> 16,
		.goods = (uint32_t)trib_rng_u64(rng),
		.creator = (uint32_t)trib_rng_u64(rng) >> 4,
		.plan = (uint32_t)trib_rng_u64(rng) >> 4,
		.offer = (uint32_t)trib_rng_u64(rng) >> 4,
		.plan_version = (uint32_t)trib_rng_u64(rng) >> 12,
		.registration = (uint32_t)trib_rng_below(rng, 5),
		.channel = (uint32_t)trib_rng_below(rng, 3) << 30,
		.carrier_kind = (uint32_t)trib_rng_below(rng, 7),
		.carrier = (uint32_t)trib_rng_u64(rng),
		.carrier_owner = (uint32_t)trib_rng_u64(rng) >> 4,
		.page = (uint32_t)trib_rng_below(rng, 9),
		.kind = (uint8_t)(1 + trib_rng_below(rng, 5)),
		.at_stated = trib_rng_chance(rng, 0.5),
	};
}

/* The twin: each user's touches in a list as they came; everything is looked for from its beginning. */
struct twin_user {
	struct trib_touch touches[TWIN_MAX];
	size_t count;
};

static bool twin_insert(struct twin_user *user, const struct trib_touch *touch)
{
	size_t at = 0;

	for (size_t i = 0; i < user->count; i++)
		if (touch->at_stated && user->touches[i].at_stated &&
		    user->touches[i].link == touch->link && user->touches[i].at_ms == touch->at_ms)
			return true;
	while (at < user->count && user->touches[at].at_ms <= touch->at_ms)
		at++;
	memmove(&user->touches[at + 1], &user->touches[at], (user->count - at) * sizeof(*touch));
	user->touches[at] = *touch;
	if (++user->count > TRIB_LIMIT_TOUCHES_KEPT)
		memmove(&user->touches[0], &user->touches[1], --user->count * sizeof(*touch));
	return false;
}

static void twin_expire(struct twin_user *user, int64_t before_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < user->count; i++)
		if (user->touches[i].at_ms >= before_ms)
			user->touches[kept++] = user->touches[i];
	user->count = kept;
}

static size_t twin_of(const struct twin_user *user, int64_t not_after_ms, struct trib_touch *list,
		      size_t max)
{
	size_t until = 0, from;

	while (until < user->count && user->touches[until].at_ms <= not_after_ms)
		until++;
	from = until > max ? until - max : 0;
	for (size_t i = from; i < until; i++)
		list[i - from] = user->touches[i];
	return until - from;
}

static void compare(struct trib_touches *touches, uint64_t user, const struct twin_user *twin,
		    int64_t not_after_ms, size_t max)
{
	struct trib_touch found[TRIB_LIMIT_TOUCHES_KEPT], expected[TRIB_LIMIT_TOUCHES_KEPT];
	size_t n = trib_touches_of(touches, user, not_after_ms, found, max);

	assert_int_equal(n, twin_of(twin, not_after_ms, expected, max));
	for (size_t i = 0; i < n; i++)
		assert_true(same_touch(&found[i], &expected[i]));
}

/* Users are 0, 1, 2, …: the worst that hashes could be. A few of them get most of the touches. */
static void the_store_is_the_same_as_a_list(void **state)
{
	struct trib_rng rng;
	struct trib_zipf zipf;
	struct twin_user *twin = trib_alloc_zeroed(USERS, sizeof(*twin));
	struct trib_touches *touches = new_touches(64 * MIB, NEVER);

	trib_rng_seed(&rng, trib_test_seed());
	trib_zipf_init(&zipf, USERS, 0.9);
	for (int64_t now_ms = 1000000; now_ms < 1060000; now_ms++) {
		uint64_t user = trib_zipf_draw(&zipf, &rng) - 1;

		if (trib_rng_chance(&rng, 0.8)) {
			struct trib_touch touch = random_touch(&rng, now_ms);
			bool known = !twin[user].count,
			     knew = trib_touches_knows(touches, user, &touch);
			struct trib_error error;

			assert_ok(
				trib_touches_insert(touches, user, &touch, now_ms, &known, &error),
				error);
			assert_int_equal(known, twin_insert(&twin[user], &touch));
			assert_int_equal(known, knew);
		} else if (trib_rng_chance(&rng, 0.02)) {
			trib_touches_forget_user(touches, user);
			twin[user].count = 0;
		}
		trib_touches_prefetch(touches, user);
		trib_touches_prefetch_list(touches, user);
		compare(touches, user, &twin[user], now_ms - (int64_t)trib_rng_below(&rng, 300),
			trib_rng_below(&rng, TRIB_LIMIT_TOUCHES_KEPT + 1));
		assert_int_equal(trib_touches_has_user(touches, user), twin[user].count != 0);
		if (now_ms % 5000 == 0) {
			trib_touches_touch_ahead(touches, now_ms % 10000 ? MIB : 1024 * MIB);
			check(touches);
		}
	}
	for (uint64_t user = 0; user < USERS; user++)
		compare(touches, user, &twin[user], INT64_MAX, TRIB_LIMIT_TOUCHES_KEPT);
	check(touches);
	trib_touches_free(touches);
	free(twin);
}

static void old_touches_expire(void **state)
{
	enum { RETENTION = 400 };
	struct trib_rng rng;
	struct twin_user *twin = trib_alloc_zeroed(USERS, sizeof(*twin));
	struct trib_touches *touches = new_touches(64 * MIB, RETENTION);
	int64_t now_ms;

	trib_rng_seed(&rng, trib_test_seed());
	for (now_ms = 1000000; now_ms < 1020000; now_ms++) {
		uint64_t user = trib_rng_below(&rng, 30);
		struct trib_touch touch = random_touch(&rng, now_ms);
		struct trib_error error;
		bool known;

		twin_expire(&twin[user], now_ms - RETENTION);
		touch.at_ms = TRIB_MAX(touch.at_ms, now_ms - RETENTION);
		assert_ok(trib_touches_insert(touches, user, &touch, now_ms, &known, &error),
			  error);
		assert_int_equal(known, twin_insert(&twin[user], &touch));
		if (!known)
			compare(touches, user, &twin[user], INT64_MAX, TRIB_LIMIT_TOUCHES_KEPT);
		trib_touches_sweep(touches, now_ms, trib_rng_below(&rng, 300));
		if (now_ms % 1000 == 0)
			check(touches);
	}
	/* A full turn of the hand leaves what has not expired, then nothing. */
	trib_touches_sweep(touches, now_ms, 100000);
	for (uint64_t user = 0; user < 30; user++) {
		twin_expire(&twin[user], now_ms - RETENTION);
		compare(touches, user, &twin[user], INT64_MAX, TRIB_LIMIT_TOUCHES_KEPT);
	}
	trib_touches_sweep(touches, now_ms + 10 * RETENTION, 100000);
	check(touches);
	assert_int_equal(trib_touches_count(touches).users, 0);
	assert_int_equal(trib_touches_count(touches).touches, 0);
	trib_touches_free(touches);
	free(twin);
}

static bool may_evict_even(void *context, uint64_t user)
{
	(*(size_t *)context)++;
	return user % 2 == 0;
}

static void memory_is_bounded_by_eviction_or_refusal(void **state)
{
	struct trib_touch touch = { .at_ms = 5, .link = 1, .kind = TRIB_TOUCH_CLICK };
	struct trib_error error;
	size_t asked = 0, refused = 0;
	bool known;

	for (int evicting = 0; evicting <= 1; evicting++) {
		struct trib_touches *touches = trib_touches_new(&(struct trib_touches_options){
			.bytes_max = 8 * MIB,
			.may_evict = evicting ? may_evict_even : NULL,
			.context = &asked,
		});

		refused = 0;
		for (uint64_t i = 0; i < 300000; i++) {
			uint64_t user = trib_hash_u64(i % 150000);
			uint64_t before = trib_touches_count(touches).touches;
			trib_status status;

			touch.link = i;
			touch.at_ms = (int64_t)i;
			status = trib_touches_insert(touches, user, &touch, 0, &known, &error);
			assert_true(trib_touches_count(touches).bytes <= 8 * MIB);
			if (status == TRIB_OK)
				continue;
			assert_int_equal(status, TRIB_NO_MEMORY);
			if (!evicting)
				assert_int_equal(trib_touches_count(touches).touches, before);
			if (++refused > 50)
				break;
		}
		assert_true(refused > 0);
		assert_int_equal(asked != 0, evicting);
		assert_int_equal(trib_touches_count(touches).evicted != 0, evicting);
		check(touches);
		trib_touches_free(touches);
	}
}

static void ranges_are_kept_and_passed(void **state)
{
	const struct trib_touch widest = {
		.at_ms = (INT64_C(1) << 42) - 1,
		.issued_at_ms = (INT64_C(1) << 42) - (INT64_C(1) << 39),
		.link = (UINT64_C(1) << 48) - 1,
		.goods = UINT32_MAX,
		.creator = (1u << 28) - 1,
		.plan = (1u << 28) - 1,
		.offer = (1u << 28) - 1,
		.plan_version = (1u << 20) - 1,
		.registration = UINT32_MAX,
		.channel = UINT32_MAX,
		.carrier_kind = UINT32_MAX,
		.carrier = UINT32_MAX,
		.carrier_owner = (1u << 28) - 1,
		.page = UINT32_MAX,
		.kind = TRIB_TOUCH_SHARE_OPEN,
		.at_stated = true,
	};
	struct trib_touch touch = widest, back;
	struct trib_touches *touches = new_touches(8 * MIB, NEVER);
	struct trib_error error;
	bool known = true;

	assert_ok(trib_touches_insert(touches, UINT64_MAX, &touch, 0, &known, &error), error);
	assert_false(known);
	assert_int_equal(trib_touches_of(touches, UINT64_MAX, INT64_MAX, &back, 1), 1);
	assert_true(same_touch(&back, &widest));

#define REFUSED(change, place)                                                                     \
	touch = widest;                                                                            \
	change;                                                                                    \
	assert_int_equal(trib_touches_insert(touches, 7, &touch, 0, &known, &error),               \
			 TRIB_INVALID);                                                            \
	assert_string_equal(error.at, place)

	REFUSED(touch.at_ms++, "at");
	REFUSED(touch.at_ms = -1, "at");
	REFUSED(touch.issued_at_ms--, "issued_at");
	REFUSED(touch.issued_at_ms = INT64_MIN, "issued_at");
	REFUSED(touch.link++, "link");
	REFUSED(touch.creator++, "creator");
	REFUSED(touch.plan++, "plan");
	REFUSED(touch.offer++, "offer");
	REFUSED(touch.plan_version++, "plan_version");
	REFUSED(touch.carrier_owner++, "carrier_owner");
	REFUSED(touch.kind = 0, "kind");
	REFUSED(touch.kind = 6, "kind");
	assert_int_equal(trib_touches_count(touches).touches, 1);
	trib_touches_free(touches);
}

static void loading_takes_sorted_lists_only(void **state)
{
	struct trib_touches *touches = new_touches(8 * MIB, NEVER);
	struct trib_touch list[TRIB_LIMIT_TOUCHES_KEPT + 1], back[TRIB_LIMIT_TOUCHES_KEPT];
	struct trib_error error;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(list); i++)
		list[i] = (struct trib_touch){ .at_ms = (int64_t)(i / 2),
					       .link = i,
					       .kind = TRIB_TOUCH_VIEW };
	assert_int_equal(trib_touches_load(touches, 1, list, TRIB_ARRAY_SIZE(list), &error),
			 TRIB_TOO_LARGE);
	assert_ok(trib_touches_load(touches, 1, list, TRIB_LIMIT_TOUCHES_KEPT, &error), error);
	assert_int_equal(trib_touches_of(touches, 1, INT64_MAX, back, TRIB_ARRAY_SIZE(back)),
			 TRIB_ARRAY_SIZE(back));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(back); i++)
		assert_true(same_touch(&back[i], &list[i]));
	assert_ok(trib_touches_load(touches, 2, list, 0, &error), error);
	assert_false(trib_touches_has_user(touches, 2));
	list[3].at_ms = 0;
	assert_int_equal(trib_touches_load(touches, 2, list, 4, &error), TRIB_CORRUPT);
	assert_false(trib_touches_has_user(touches, 2));
	check(touches);
	trib_touches_free(touches);
}

static void places_are_bounded(void **state)
{
	struct trib_touches *touches = new_touches(256 * MIB, NEVER);
	struct trib_touch touch = { .kind = TRIB_TOUCH_CLICK };
	struct trib_error error;
	bool known;

	for (uint32_t i = 0; i < TRIB_LIMIT_TOUCH_PLACES; i++) {
		touch.page = i;
		touch.at_ms = i;
		assert_ok(trib_touches_insert(touches, i % 5000, &touch, 0, &known, &error), error);
	}
	touch.page = TRIB_LIMIT_TOUCH_PLACES;
	assert_int_equal(trib_touches_insert(touches, 1, &touch, 0, &known, &error), TRIB_LIMIT);
	touch.page = 77;
	assert_ok(trib_touches_insert(touches, 1, &touch, 0, &known, &error), error);
	check(touches);
	trib_touches_free(touches);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_store_is_the_same_as_a_list),
		cmocka_unit_test(old_touches_expire),
		cmocka_unit_test(memory_is_bounded_by_eviction_or_refusal),
		cmocka_unit_test(ranges_are_kept_and_passed),
		cmocka_unit_test(loading_takes_sorted_lists_only),
		cmocka_unit_test(places_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
