/*
 * Terms of orders, and how fast a domain is folded and loaded: N creators, N goods, N plan
 * versions over N / 10 plans.
 *
 *	bench-terms [N, default 1 million]
 */
#include "base/clock.h"
#include "base/rng.h"
#include "domain/domain.h"

#include <sys/resource.h>
#include "server.h"

enum { VERSIONS = 10, CROWD = 500, BATCH = 256 };

static const struct trib_hash_key key = { { 3 } };

struct timed {
	const char *what;
	int64_t start_ns;
};

static struct timed begin(const char *what)
{
	return (struct timed){ what, trib_cpu_process_ns() };
}

static void end(struct timed timed, double count)
{
	double ns = (double)(trib_cpu_process_ns() - timed.start_ns);

	printf("%-52s %9.1f ns each  %10.0f per CPU-second\n", timed.what, ns / count,
	       count * 1e9 / ns);
}

static void put(struct trib_domain *domain, enum trib_noun noun, ProtobufCMessage *message,
		struct trib_arena *arena)
{
	struct trib_domain_decision decision;
	struct trib_error error;

	if (trib_domain_decide_put(domain, noun, message, 1000, arena, &decision, &error) !=
	    TRIB_OK) {
		fprintf(stderr, "%s: %s\n", error.at, error.text);
		exit(1);
	}
	for (uint32_t i = 0; i < decision.event_count; i++)
		if (trib_domain_apply(domain, &decision.events[i], &error) != TRIB_OK)
			exit(1);
	trib_arena_reset(arena);
}

static void fill_parties(struct trib_domain *domain, uint32_t count, struct trib_arena *arena)
{
	struct timed timed = begin("decide and apply a party");
	char id[24], *roles[] = { "creator" }, *tags[] = { "beauty", "northern" };

	for (uint32_t i = 1; i <= count; i++) {
		Tributary__Party party = TRIBUTARY__PARTY__INIT;

		snprintf(id, sizeof(id), "creator-%u", i);
		party.id = id;
		party.name = "somebody with a name";
		party.roles = roles;
		party.tags = tags;
		party.n_roles = 1;
		party.n_tags = 2;
		party.has_level = party.has_score = true;
		party.level = i % 7;
		party.score = i % 50 / 10.0;
		put(domain, TRIB_NOUN_PARTY, &party.base, arena);
	}
	end(timed, count);
}

static void fill_goods(struct trib_domain *domain, uint32_t count, struct trib_arena *arena)
{
	struct timed timed = begin("decide and apply goods");
	char id[24], merchant[24], brand[24];

	for (uint32_t i = 1; i <= count; i++) {
		Tributary__Goods goods = TRIBUTARY__GOODS__INIT;

		snprintf(id, sizeof(id), "goods-%u", i);
		snprintf(merchant, sizeof(merchant), "creator-%u", 1 + i % 1000);
		snprintf(brand, sizeof(brand), "brand %u", i % 5000);
		goods.id = id;
		goods.merchant = merchant;
		goods.title = "a thing that somebody sells";
		goods.category = "beauty/lipstick";
		goods.brand = brand;
		goods.has_price = true;
		goods.price = 1990;
		put(domain, TRIB_NOUN_GOODS, &goods.base, arena);
	}
	end(timed, count);
}

/* Each plan lists ten goods of its own, in every version. */
static void fill_plans(struct trib_domain *domain, uint32_t count, struct trib_arena *arena)
{
	struct timed timed = begin("decide and apply a version of a plan of 10 goods");
	uint32_t plans = count / VERSIONS;
	char id[24], text[10][24], *goods[10];

	for (uint32_t version = 0; version < VERSIONS; version++)
		for (uint32_t i = 1; i <= plans; i++) {
			Tributary__Plan plan = TRIBUTARY__PLAN__INIT;
			Tributary__Terms terms = TRIBUTARY__TERMS__INIT;

			snprintf(id, sizeof(id), "plan-%u", i);
			for (uint32_t j = 0; j < 10; j++) {
				snprintf(text[j], sizeof(text[j]), "goods-%u",
					 (i - 1) * 10 + j + 1);
				goods[j] = text[j];
			}
			plan.id = id;
			plan.merchant = "creator-1";
			plan.goods = goods;
			plan.n_goods = 10;
			plan.has_effective_from = true;
			plan.effective_from = 1000 + version * 1000;
			plan.terms = &terms;
			terms.has_commission_bps = true;
			terms.commission_bps = (int32_t)(1000 + version);
			put(domain, TRIB_NOUN_PLAN, &plan.base, arena);
		}
	end(timed, count);
}

/* As the engine does: memory is sent for before it is read. */
static void resolve_batch(const struct trib_domain *domain, const struct trib_terms_request *requests, struct trib_terms *terms)
{
	for (size_t i = 0; i < BATCH; i++)
		trib_terms_prefetch(domain, requests[i].goods, requests[i].creator);
	for (size_t i = 0; i < BATCH; i++)
		trib_terms_prefetch_plans(domain, requests[i].goods, requests[i].offer);
	for (size_t i = 0; i < BATCH; i++)
		trib_terms_resolve(domain, &requests[i], &terms[i]);
}

static void ask(const struct trib_domain *domain, const char *what, uint32_t goods_count,
		double skew, int64_t at_ms, int64_t lock_ms)
{
	enum { ASKED = 1 << 20, ROUNDS = 8 };
	struct trib_terms_request *requests = trib_alloc(ASKED * sizeof(*requests));
	struct trib_terms terms[BATCH];
	struct trib_zipf zipf;
	struct trib_rng rng;
	uint64_t total = 0;

	trib_rng_seed(&rng, 1);
	if (skew > 0)
		trib_zipf_init(&zipf, goods_count, skew);
	for (uint32_t i = 0; i < ASKED; i++) {
		uint64_t draw =
			skew > 0 ? trib_hash_u64(trib_zipf_draw(&zipf, &rng)) : trib_rng_u64(&rng);

		requests[i] = (struct trib_terms_request){
			.goods = 1 + (uint32_t)(draw % goods_count),
			.creator = 1 + (uint32_t)trib_rng_below(&rng, goods_count),
			.at_ms = at_ms,
			.lock_ms = lock_ms,
		};
	}
	struct timed timed = begin(what);

	for (int round = 0; round < ROUNDS; round++)
		for (uint32_t i = 0; i < ASKED; i += BATCH) {
			resolve_batch(domain, &requests[i], terms);
			total += (uint64_t)terms[round].commission_bps;
		}
	end(timed, (double)ASKED * ROUNDS);
	if (total == 0)
		exit(1);
	free(requests);
}

/* CROWD targeted plans on one goods, each for `listed` creators; the asker is in the last. */
static void ask_crowd(uint32_t listed, struct trib_arena *arena)
{
	struct trib_domain *domain = trib_domain_new(&key);
	char what[80], (*texts)[24] = trib_alloc(listed * sizeof(*texts)), id[24];
	char **creators = trib_alloc(listed * sizeof(*creators)), *goods[] = { "goods-1" };
	struct trib_terms terms;
	struct trib_rng rng;

	trib_rng_seed(&rng, 2);
	for (uint32_t i = 1; i <= 20000; i++) {
		Tributary__Party party = TRIBUTARY__PARTY__INIT;

		snprintf(id, sizeof(id), "creator-%u", i);
		party.id = id;
		put(domain, TRIB_NOUN_PARTY, &party.base, arena);
	}
	Tributary__Goods item = TRIBUTARY__GOODS__INIT;

	item.id = goods[0];
	item.merchant = "creator-1";
	put(domain, TRIB_NOUN_GOODS, &item.base, arena);
	for (uint32_t i = 1; i <= CROWD; i++) {
		Tributary__Plan plan = TRIBUTARY__PLAN__INIT;

		for (uint32_t j = 0; j < listed; j++) {
			snprintf(texts[j], sizeof(texts[j]), "creator-%u",
				 1 + (uint32_t)trib_rng_below(&rng, 20000));
			creators[j] = texts[j];
		}
		snprintf(id, sizeof(id), "plan-%u", i);
		plan.id = id;
		plan.kind = "targeted";
		plan.merchant = "creator-1";
		plan.goods = goods;
		plan.n_goods = 1;
		plan.creators = creators;
		plan.n_creators = listed;
		put(domain, TRIB_NOUN_PLAN, &plan.base, arena);
	}
	snprintf(what, sizeof(what), "%d plans on one goods, %u creators each", CROWD, listed);
	struct timed timed = begin(what);

	for (int i = 0; i < 20000; i++) {
		struct trib_terms_request request = { .goods = 1,
						      .creator = 1 + (uint32_t)i % 20000,
						      .at_ms = 2000,
						      .lock_ms = 1999 };

		trib_terms_resolve(domain, &request, &terms);
	}
	end(timed, 20000);
	trib_domain_free(domain);
	free(texts);
	free(creators);
}

static struct trib_domain *load(const struct trib_domain_row *rows, size_t count)
{
	static const struct {
		enum trib_table table;
		const char *what;
	} tables[] = { { TRIB_TABLE_NAME, "load a word" },
		       { TRIB_TABLE_PARTY, "load a party" },
		       { TRIB_TABLE_GOODS, "load goods" },
		       { TRIB_TABLE_PLAN, "load a version of a plan of 10 goods" } };
	struct trib_domain *domain = trib_domain_new(&key);
	struct trib_error error;
	size_t i = 0;

	for (size_t table = 0; table < TRIB_ARRAY_SIZE(tables); table++) {
		struct timed timed = begin(tables[table].what);
		size_t first = i;

		for (; i < count && rows[i].table == tables[table].table; i++)
			if (trib_domain_load(domain, rows[i].table,
					     trib_bytes(rows[i].key, rows[i].key_size),
					     rows[i].value, &error) != TRIB_OK) {
				fprintf(stderr, "%s: %s\n", error.at, error.text);
				exit(1);
			}
		end(timed, (double)(i - first));
	}
	if (trib_domain_load_done(domain, &error) != TRIB_OK)
		exit(1);
	return domain;
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
	struct trib_domain *domain = trib_domain_new(&key);
	struct trib_arena arena;
	size_t row_count;

	trib_arena_init(&arena, 64 << 20);
	fill_parties(domain, count, &arena);
	fill_goods(domain, count, &arena);
	fill_plans(domain, count, &arena);
	printf("memory of %u of each: %.0f MiB\n", count, (double)bench_resident_bytes(getpid()) / 1048576);

	ask(domain, "terms, one general plan, 1,000 goods", 1000, 0, 1 << 20, 1 << 20);
	ask(domain, "terms, one general plan, Zipf 0.99", count, 0.99, 1 << 20, 1 << 20);
	ask(domain, "terms, one general plan, uniform", count, 0, 1 << 20, 1 << 20);
	ask(domain, "terms, locked five versions ago, Zipf 0.99", count, 0.99, 1 << 20, 5500);
	ask_crowd(1, &arena);
	ask_crowd(100, &arena);
	ask_crowd(2000, &arena);

	struct timed timed = begin("freeze, on the engine's thread (all at once)");
	struct trib_domain_freeze *freeze = trib_domain_freeze(domain);

	end(timed, 1);
	timed = begin("sort a row of it, on another thread");
	const struct trib_domain_row *rows = trib_domain_freeze_rows(freeze, &row_count);

	end(timed, (double)row_count);
	struct trib_domain *again = load(rows, row_count);

	if (trib_domain_digest(again) != trib_domain_digest(domain)) {
		fputs("the loaded domain differs\n", stderr);
		return 1;
	}
	trib_domain_free(again);
	trib_domain_freeze_free(freeze);
	trib_domain_free(domain);
	trib_arena_fini(&arena);
	return 0;
}
