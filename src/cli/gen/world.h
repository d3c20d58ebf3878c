/*
 * The marketplace as it stands before the first click: merchants and goods, creators who sell and their
 * shelves, leaders, agencies, and the plans that say who gets what. All numbers are indices from 0; ids are
 * made of a letter and the index when they are written.
 *
 * Drawn correlated: category → price → commission; hot goods are cheaper and pay more; creators with more
 * followers sell more, keep longer shelves and are more often bound to an agency.
 */
#ifndef TRIB_CLI_GEN_WORLD_H
#define TRIB_CLI_GEN_WORLD_H

#include "cli/gen/draw.h"
#include "cli/gen/market.h"

enum { TRIB_NONE = UINT32_MAX };

/* What a shelf entry's terms come from. Targeted and exclusive plans are drawn as one. */
enum trib_entry_class {
	TRIB_CLASS_GENERAL,
	TRIB_CLASS_MANAGED,
	TRIB_CLASS_ACTIVITY,
	TRIB_CLASS_TARGETED
};
enum { TRIB_CLASSES = 4 };

/* X(NAME, word, id letter, class) */
#define TRIB_WORLD_PLAN_TABLE(X)                                                                   \
	X(GENERAL, "general", 'p', TRIB_CLASS_GENERAL)                                             \
	X(MANAGED, "managed", 'm', TRIB_CLASS_MANAGED)                                             \
	X(ACTIVITY, "activity", 'a', TRIB_CLASS_ACTIVITY)                                          \
	X(ACTIVITY2, "activity", 'b', TRIB_CLASS_ACTIVITY)                                         \
	X(TARGETED, "targeted", 't', TRIB_CLASS_TARGETED)                                          \
	X(EXCLUSIVE, "exclusive", 'x', TRIB_CLASS_TARGETED)

enum trib_world_plan_kind {
#define X(name, word, letter, class) TRIB_WORLD_PLAN_##name,
	TRIB_WORLD_PLAN_TABLE(X)
#undef X
};

enum trib_world_plan_status { TRIB_WORLD_ACTIVE, TRIB_WORLD_PAUSED, TRIB_WORLD_ENDED };

struct trib_world_goods {
	int64_t price;
	uint32_t merchant, rank; /* rank 1 is the hottest */
	uint32_t first_plan;	 /* its plans stand together: up to the next goods' first */
	uint32_t entries;	 /* shelves it stands on */
	uint16_t brand;		 /* 0: unbranded */
	uint16_t commission_bps;
	uint8_t category;
	uint8_t noun;
};

struct trib_world_creator {
	int64_t followers;
	uint32_t agency; /* TRIB_NONE: free */
	uint8_t level, score_tenths, category, region;
	bool sells;
};

struct trib_world_seller {
	uint32_t creator;
	uint32_t first_entry;
	uint32_t class_end[TRIB_CLASSES]; /* entries of a class stand together; ends are absolute */
	double weight;			  /* share of orders */
};

struct trib_world_plan {
	uint32_t goods;
	uint32_t leader, leader2;	  /* TRIB_NONE: none */
	uint32_t first_creator, creators; /* in world->plan_creators */
	uint16_t commission_bps, service_bps, service2_bps;
	uint8_t kind;	/* enum trib_world_plan_kind */
	uint8_t status; /* enum trib_world_plan_status */
};

struct trib_world_entry {
	uint32_t goods, plan;
	float cumulative; /* of the weights of its seller and class, the last is their sum */
};

struct trib_world_size {
	uint64_t seed;
	uint32_t creators, goods;
	uint64_t orders;
};

struct trib_world {
	const struct trib_market *market;
	struct trib_world_size size;
	struct trib_world_goods *goods;
	struct trib_world_creator *creators;
	struct trib_world_seller *sellers; /* by rank, the biggest first */
	struct trib_world_plan *plans;
	struct trib_world_entry *entries;
	uint32_t *goods_by_rank; /* rank - 1 → goods */
	uint32_t *plan_creators;
	uint32_t merchants, leaders, leaders2, agencies;
	uint32_t seller_count, plan_count, entry_count;
	uint32_t class_example
		[TRIB_CLASSES]; /* some entry of that class, TRIB_NONE: there is none */
};

/* Random numbers of one purpose: what one table draws never depends on the size of another. */
void trib_world_rng(const struct trib_world *world, uint32_t purpose, struct trib_rng *ret_rng);
enum {
	TRIB_RNG_GOODS = 1,
	TRIB_RNG_PLANS,
	TRIB_RNG_CREATORS,
	TRIB_RNG_SHELVES,
	TRIB_RNG_LIVE,
	TRIB_RNG_TRAFFIC
};

/* The market must outlive the world. */
struct trib_world *trib_world_new(const struct trib_market *market,
				  const struct trib_world_size *size);
void trib_world_free(struct trib_world *world);

enum trib_entry_class trib_world_class(const struct trib_world_plan *plan);

/* The seller of an entry, found by its place. */
uint32_t trib_world_entry_seller(const struct trib_world *world, uint32_t entry);

/* An entry of this seller and class by weight; TRIB_NONE where the seller has none. */
uint32_t trib_world_pick(const struct trib_world *world, uint32_t seller,
			 enum trib_entry_class class, struct trib_rng *rng);

#endif
