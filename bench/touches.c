/*
 * The touch store: touches arrive for users in random order; then orders without a token look up their users and are
 * resolved by a model that looks at every touch.
 *
 *	bench-touches [users, default 1 million] [touches a user, default 16] [lookups, default 2 million]
 *
 * The figures of docs/benchmarks.md: bench-touches 10000000
 */
#include "attribution/attribution.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "server.h"

enum { BATCH = 64, DAY_MS = 24 * 3600 * 1000 };

struct figures {
	uint64_t count;
	int64_t spent_ns;
};

static struct trib_touch random_touch(struct trib_rng *rng, int64_t at_ms)
{
	uint64_t bits = trib_rng_u64(rng);

	return (struct trib_touch){
		.at_ms = at_ms,
		.issued_at_ms = at_ms - (int64_t)(bits >> 40),
		.link = bits >> 16,
		.goods = (uint32_t)bits & 1, /* half of a user's touches match */
		.creator = (uint32_t)(bits >> 10) & 0xfffff,
		.plan = (uint32_t)(bits >> 20) & 0xfffff,
		.plan_version = 1,
		.registration = (uint32_t)(bits >> 30) & 7,
		.channel = (uint32_t)(bits >> 33) & 31,
		.carrier_kind = (uint32_t)(bits >> 38) & 7,
		.page = (uint32_t)(bits >> 41) & 3,
		.carrier = (uint32_t)(bits >> 5),
		.kind = TRIB_TOUCH_CLICK,
		.at_stated = true,
	};
}

/* The i-th of n in an order that scatters and meets each once: the stride is prime. */
static uint64_t scattered(uint64_t i, uint64_t n)
{
	return (uint64_t)((unsigned __int128)i * 2654435761u % n);
}

static struct figures insert_all(struct trib_touches *touches, uint64_t users, uint64_t per_user,
				 struct trib_rng *rng)
{
	struct trib_touch batch[BATCH];
	uint64_t batch_users[BATCH];
	struct figures figures = { users * per_user, 0 };
	struct trib_error error;
	bool known;

	for (uint64_t i = 0; i < figures.count; i += BATCH) {
		for (uint64_t j = 0; j < BATCH; j++) {
			batch_users[j] = trib_hash_u64(scattered((i + j) % users, users) + 1);
			batch[j] = random_touch(rng, (int64_t)((i + j) / users) * DAY_MS);
		}
		int64_t start_ns = trib_cpu_process_ns();

		for (uint64_t j = 0; j < BATCH; j++)
			trib_touches_prefetch(touches, batch_users[j]);
		for (uint64_t j = 0; j < BATCH; j++)
			trib_touches_prefetch_list(touches, batch_users[j]);
		for (uint64_t j = 0; j < BATCH; j++)
			if (trib_touches_insert(touches, batch_users[j], &batch[j], 0, &known,
						&error) != TRIB_OK) {
				printf("%s: %s\n", error.at, error.text);
				exit(1);
			}
		figures.spent_ns += trib_cpu_process_ns() - start_ns;
	}
	return figures;
}

static int64_t resolve_one(struct trib_touches *touches, uint64_t user,
			   const struct trib_node *node, const struct trib_order_facts *order)
{
	struct trib_touch list[TRIB_LIMIT_TOUCHES_CONSIDERED];
	struct trib_candidate candidates[TRIB_LIMIT_TOUCHES_CONSIDERED];
	struct trib_resolution resolution;
	size_t n = trib_touches_of(touches, user, order->at_ms, list, TRIB_ARRAY_SIZE(list));

	for (size_t i = 0; i < n; i++)
		candidates[i] = (struct trib_candidate){ .at_ms = list[i].at_ms,
							 .goods = list[i].goods,
							 .kind = list[i].kind };
	trib_attribution_resolve(node, order, candidates, n, &resolution);
	return resolution.winners ? resolution.slice[resolution.winners - 1] : 0;
}

static struct figures look_up(struct trib_touches *touches, uint64_t users, uint64_t lookups,
			      const struct trib_node *node, struct trib_rng *rng)
{
	struct trib_order_facts order = { .at_ms = 20ll * DAY_MS, .base = 9900, .goods = 1 };
	struct figures figures = { lookups, 0 };
	uint64_t batch[BATCH];
	int64_t start_ns, sum = 0;

	start_ns = trib_cpu_process_ns();
	for (uint64_t i = 0; i < lookups; i += BATCH) {
		for (uint64_t j = 0; j < BATCH; j++)
			batch[j] = trib_hash_u64(trib_rng_below(rng, users) + 1);
		for (uint64_t j = 0; j < BATCH; j++)
			trib_touches_prefetch(touches, batch[j]);
		for (uint64_t j = 0; j < BATCH; j++)
			trib_touches_prefetch_list(touches, batch[j]);
		for (uint64_t j = 0; j < BATCH; j++)
			sum += resolve_one(touches, batch[j], node, &order);
	}
	figures.spent_ns = trib_cpu_process_ns() - start_ns;
	if (!sum)
		puts("nothing was attributed");
	return figures;
}

static uint64_t per_second(struct figures figures)
{
	return (uint64_t)((double)figures.count * 1e9 / (double)figures.spent_ns);
}

int main(int argc, char **argv)
{
	uint64_t users = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	uint64_t per_user = argc > 2 ? strtoull(argv[2], NULL, 10) : 16;
	uint64_t lookups = argc > 3 ? strtoull(argv[3], NULL, 10) : 2000000;
	struct trib_touches *touches =
		trib_touches_new(&(struct trib_touches_options){ .bytes_max = (size_t)64 << 30 });
	struct trib_node node = { .window_ms = 30ll * DAY_MS, .half_life_ms = 7ll * DAY_MS };
	struct trib_rng rng;

	trib_rng_seed(&rng, 1);
	struct figures inserted = insert_all(touches, users, per_user, &rng);
	struct trib_touches_counts counts = trib_touches_count(touches);

	printf("%llu users, %llu touches\n", (unsigned long long)counts.users,
	       (unsigned long long)counts.touches);
	printf("insertion:                     %llu per CPU-second\n",
	       (unsigned long long)per_second(inserted));
	printf("memory per live touch, all in: %.1f bytes (the process: %.1f)\n",
	       (double)counts.bytes / (double)counts.touches,
	       (double)bench_resident_bytes(getpid()) / (double)counts.touches);
	for (int model = 0; model <= TRIB_MODEL_DECAY; model++) {
		node.model = (enum trib_model)model;
		printf("lookup and %-8s             %llu per CPU-second\n",
		       trib_model_word(node.model),
		       (unsigned long long)per_second(
			       look_up(touches, users, lookups, &node, &rng)));
	}
	trib_touches_free(touches);
	return 0;
}
