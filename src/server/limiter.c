#include "server/limiter.h"

#include "base/hash.h"

bool trib_limiter_take(struct trib_limiter *limiter, uint64_t key, uint32_t rate, int64_t now_ns)
{
	struct trib_limiter_bucket *set = limiter->sets[trib_hash_u64(++key) % TRIB_LIMITER_SETS], *bucket = set;

	for (size_t i = 0; i < TRIB_LIMITER_WAYS; i++) {
		if (set[i].key == key) {
			bucket = &set[i];
			break;
		}
		if (set[i].at_ns < bucket->at_ns)
			bucket = &set[i];
	}
	if (bucket->key != key)
		*bucket = (struct trib_limiter_bucket){ key, rate, now_ns };
	bucket->left += (double)(now_ns - bucket->at_ns) * 1e-9 * rate;
	bucket->left = TRIB_MIN(bucket->left, (double)rate);
	bucket->at_ns = now_ns;
	if (bucket->left < 1)
		return false;
	bucket->left -= 1;
	return true;
}
