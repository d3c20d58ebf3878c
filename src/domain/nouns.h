/*
 * The nouns as rules, attribution and split read them: plain values in arrays, found by number.
 *
 * A number is dense (1, 2, 3, … in the order of creation; 0 = none) and never changes. A `code` is
 * a word of the dictionary (domain/words.h), 0 = not stated. Pointers are good until the next
 * trib_domain_apply.
 */
#ifndef TRIB_DOMAIN_NOUNS_H
#define TRIB_DOMAIN_NOUNS_H

#include <stdbool.h>
#include "domain/words.h"

/* A short list of codes, as stated, without repeats. NULL stands for an empty one. */
struct trib_codes {
	uint32_t count;
	uint32_t codes[];
};

static inline bool trib_codes_has(const struct trib_codes *list, uint32_t code)
{
	for (uint32_t i = 0; list && i < list->count; i++)
		if (list->codes[i] == code)
			return true;
	return false;
}

/*
 * A set of numbers, open addressing at half load: one cache line an answer, whatever its size. The
 * slots stay where they are as long as the domain.
 */
struct trib_id_set {
	const uint32_t *slots; /* mask + 1 of them, 0 = free; NULL: there is no set */
	uint32_t mask, count;
};

static inline uint32_t trib_id_set_slot(struct trib_id_set set, uint32_t number)
{
	return ((number * 2654435769u) >> 7) & set.mask;
}

/* `set` is there. */
static inline bool trib_id_set_has(struct trib_id_set set, uint32_t number)
{
	for (uint32_t i = trib_id_set_slot(set, number);; i = (i + 1) & set.mask) {
		if (set.slots[i] == number)
			return true;
		if (set.slots[i] == 0)
			return false;
	}
}

/* Keyed hashes of the buyer accounts known to be a party's own, ascending. */
struct trib_user_hashes {
	uint32_t count;
	uint64_t hashes[];
};

struct trib_party {
	int64_t level;
	double score;
	int64_t followers;
	const struct trib_codes *tags;
	const struct trib_codes *roles;
	const struct trib_user_hashes *users;
	uint32_t agency; /* party number */
	uint32_t region; /* code */
	uint32_t version;
	uint8_t status; /* ACTIVE, RESTRICTED, FROZEN or CLOSED */
};
_Static_assert(sizeof(struct trib_party) == 64, "one cache line");

/* A plan listed these goods from version `first` to version `last` of it. */
struct trib_goods_plan {
	uint32_t plan;
	uint32_t first;
	uint32_t last; /* UINT32_MAX while the newest version still lists them */
};

struct trib_goods {
	int64_t price; /* minor units of the currency */
	const struct trib_goods_plan
		*plans; /* plan_count of them, as they were listed; NULL for one */
	struct trib_goods_plan first_plan; /* plans[0]: most goods have one plan */
	uint32_t plan_count;
	uint32_t merchant;			  /* party number */
	uint32_t category, brand, site, currency; /* codes */
	uint32_t version;
	uint8_t status; /* ACTIVE, WITHDRAWN or CLOSED */
};
_Static_assert(sizeof(struct trib_goods) == 64, "one cache line");

/* One version of a plan; never changes. Open in [from_ms, to_ms) while its status is ACTIVE. */
struct trib_plan_version {
	int64_t from_ms, to_ms;	     /* to_ms is INT64_MAX when open-ended */
	struct trib_id_set creators; /* slots NULL: not limited by a list */
	uint16_t commission_bps, service_bps, service2_bps, platform_bps, agency_bps;
	uint8_t kind;			    /* GENERAL, TARGETED, EXCLUSIVE, ACTIVITY or MANAGED */
	uint8_t status;			    /* ACTIVE, PAUSED, ENDED or CLOSED */
	uint32_t number;		    /* 1, 2, … */
	uint32_t leader, leader2, merchant; /* party numbers */
	uint32_t creators_when;		    /* condition number, 0: none */
};
_Static_assert(sizeof(struct trib_plan_version) == 64, "one cache line");

/* From from_ms on this version is in force, up to the next step. */
struct trib_plan_step {
	int64_t from_ms;
	uint32_t version;
};

/*
 * A plan is a timeline. In force at t is the highest version whose from_ms <= t; versions that a
 * later one has covered for good are not among the steps, so that from_ms and version ascend
 * together there.
 */
struct trib_plan {
	struct trib_plan_version newest; /* version number version_count */
	const struct trib_plan_version
		*versions;		    /* [0] is version 1; NULL while there is but one */
	const struct trib_plan_step *steps; /* NULL while there is but one version */
	const uint32_t *goods;		    /* what the newest version lists, ascending */
	uint32_t goods_count;
	uint32_t version_count, step_count, step_capacity;
	uint32_t spare[6];
};
_Static_assert(sizeof(struct trib_plan) == 128, "two cache lines");

struct trib_registration {
	int64_t token_ttl_ms;
	uint32_t channel, scene, play; /* codes */
	uint32_t when;		       /* condition number, 0: always */
	int32_t priority;
	uint32_t version;
	uint8_t ext_overflow; /* KEEP or REFUSE */
	uint8_t status;	      /* ACTIVE or CLOSED */
};

/* Does the party own this buyer account? */
bool trib_party_has_user(const struct trib_party *party, uint64_t user_hash);

const struct trib_plan_version *trib_plan_version_find(const struct trib_plan *plan,
						       uint32_t version);
uint32_t trib_plan_version_in_force_slow(const struct trib_plan *plan, int64_t at_ms);

/* Version `version` of the plan, NULL if it has none of that number. */
static inline const struct trib_plan_version *trib_plan_version(const struct trib_plan *plan,
								uint32_t version)
{
	return TRIB_LIKELY(version == plan->newest.number) ? &plan->newest
							   : trib_plan_version_find(plan, version);
}

/* The number of the version in force at at_ms; 0 before the first. */
static inline uint32_t trib_plan_version_in_force(const struct trib_plan *plan, int64_t at_ms)
{
	return TRIB_LIKELY(at_ms >= plan->newest.from_ms)
		       ? plan->version_count
		       : trib_plan_version_in_force_slow(plan, at_ms);
}

#endif
