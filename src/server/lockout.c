#include "server/lockout.h"

#include <pthread.h>
#include <sodium.h>
#include "base/hash.h"
#include "base/limits.h"

enum { SETS = 1024, WAYS = 8, WINDOW_MS = 15 * 60 * 1000, KINDS = 3 };

/* Of user and address together, of the address, of the user: the last is large, so that strangers cannot lock a user out easily. */
static const uint32_t failures_max[KINDS] = { TRIB_LIMIT_SIGN_IN_FAILURES, TRIB_LIMIT_SIGN_IN_FAILURES * 4,
					      TRIB_LIMIT_SIGN_IN_FAILURES * 20 };

struct count {
	uint64_t key; /* 0: free */
	int64_t since_ms;
	uint32_t failures;
};

struct trib_lockout {
	pthread_mutex_t lock;
	struct trib_hash_key key;
	struct count counts[SETS][WAYS];
};

struct trib_lockout *trib_lockout_new(void)
{
	struct trib_lockout *lockout = trib_alloc_zeroed(1, sizeof(*lockout));

	pthread_mutex_init(&lockout->lock, NULL);
	randombytes_buf(&lockout->key, sizeof(lockout->key));
	return lockout;
}

void trib_lockout_free(struct trib_lockout *lockout)
{
	if (!lockout)
		return;
	pthread_mutex_destroy(&lockout->lock);
	free(lockout);
}

static void keys_of(const struct trib_lockout *lockout, struct trib_bytes user, struct trib_bytes from,
		    uint64_t ret_keys[KINDS])
{
	uint64_t who = trib_hash_keyed(user, &lockout->key), where = trib_hash_keyed(from, &lockout->key);

	ret_keys[0] = trib_hash_u64(who ^ trib_hash_u64(where)) | 1;
	ret_keys[1] = trib_hash_u64(where + 1) | 1;
	ret_keys[2] = trib_hash_u64(who + 2) | 1;
}

/* The count of a key; else NULL or, to be made, the place of the one that began first. */
static struct count *find(struct trib_lockout *lockout, uint64_t key, int64_t now_ms, bool make)
{
	struct count *set = lockout->counts[(key >> 32) % SETS], *place = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key && now_ms - set[i].since_ms < WINDOW_MS)
			return &set[i];
		if (!set[i].key || set[i].key == key || (place->key && set[i].since_ms < place->since_ms))
			place = &set[i];
	}
	if (!make)
		return NULL;
	*place = (struct count){ .key = key, .since_ms = now_ms };
	return place;
}

int64_t trib_lockout_wait_ms(struct trib_lockout *lockout, struct trib_bytes user, struct trib_bytes from,
			     int64_t now_ms)
{
	uint64_t keys[KINDS];
	int64_t wait_ms = 0;

	keys_of(lockout, user, from, keys);
	pthread_mutex_lock(&lockout->lock);
	for (size_t i = 0; i < KINDS; i++) {
		const struct count *count = find(lockout, keys[i], now_ms, false);

		if (count && count->failures >= failures_max[i])
			wait_ms = TRIB_MAX(wait_ms, count->since_ms + WINDOW_MS - now_ms);
	}
	pthread_mutex_unlock(&lockout->lock);
	return wait_ms;
}

void trib_lockout_failed(struct trib_lockout *lockout, struct trib_bytes user, struct trib_bytes from, int64_t now_ms)
{
	uint64_t keys[KINDS];

	keys_of(lockout, user, from, keys);
	pthread_mutex_lock(&lockout->lock);
	for (size_t i = 0; i < KINDS; i++) {
		struct count *count = find(lockout, keys[i], now_ms, true);

		count->failures++;
		if (count->failures == failures_max[i])
			count->since_ms = now_ms; /* the whole time to wait begins now */
	}
	pthread_mutex_unlock(&lockout->lock);
}

void trib_lockout_passed(struct trib_lockout *lockout, struct trib_bytes user, struct trib_bytes from)
{
	uint64_t keys[KINDS];

	keys_of(lockout, user, from, keys);
	pthread_mutex_lock(&lockout->lock);
	for (size_t i = 0; i < KINDS; i += 2)
		for (size_t way = 0; way < WAYS; way++)
			if (lockout->counts[(keys[i] >> 32) % SETS][way].key == keys[i])
				lockout->counts[(keys[i] >> 32) % SETS][way] = (struct count){ 0 };
	pthread_mutex_unlock(&lockout->lock);
}
