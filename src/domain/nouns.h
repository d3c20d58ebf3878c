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

enum trib_party_flag {
	TRIB_PARTY_TIMED = 1,	 /* statuses were set by time: trib_domain_party_status */
	TRIB_PARTY_BOUND = 2,	 /* agencies are bound by time: trib_domain_agency */
	TRIB_PARTY_HAS_USERS = 4 /* trib_domain_party_has_user may say yes */
};

struct trib_party {
	int64_t level;
	double score;
	int64_t followers;
	int64_t deposit; /* minor units */
	const struct trib_codes *tags;
	const struct trib_codes *roles;
	uint32_t agency; /* party number; 0 where TRIB_PARTY_BOUND */
	uint32_t region; /* code */
	uint32_t version;
	uint8_t status; /* ACTIVE, RESTRICTED, FROZEN or CLOSED: what its PUT says */
	uint8_t flags;	/* enum trib_party_flag */
	uint16_t since_day; /* when it was first put, in days since 1970; 0: not known */
};
_Static_assert(sizeof(struct trib_party) == 64, "one cache line");

/* How an agency's creator is paid. */
enum trib_agency_pay { TRIB_AGENCY_SPLIT, TRIB_AGENCY_ALL };

/* Who a party is bound to, in [from_ms, to_ms). */
struct trib_binding {
	int64_t from_ms, to_ms;
	uint32_t agency; /* party number */
	uint8_t pay;	 /* enum trib_agency_pay */
};

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
	uint8_t status; /* ACTIVE, WITHDRAWN or CLOSED: what their PUT says */
	bool promoted;
	bool timed; /* statuses were set by time: trib_domain_goods_status */
	uint32_t audience; /* the domain's own: how plans are found by creator */
};
_Static_assert(sizeof(struct trib_goods) == 64, "one cache line");

/*
 * What only some plans say, of one version. Numbers are enums here, and 0 where nothing is stated; what a version says
 * of these is kept once as long as its successors say the same.
 */
enum trib_measure { TRIB_MEASURE_ORDERS, TRIB_MEASURE_QTY, TRIB_MEASURE_GMV };
enum trib_counted_at { TRIB_COUNTED_AT_PAID, TRIB_COUNTED_AT_RECEIVED, TRIB_COUNTED_AT_SETTLED };
enum trib_step_per { TRIB_STEP_PER_CREATOR, TRIB_STEP_PER_PLAN };
enum trib_step_period { TRIB_STEP_DAY, TRIB_STEP_WEEK, TRIB_STEP_MONTH, TRIB_STEP_WHOLE_PLAN };

struct trib_tier {
	int64_t from; /* of the measure */
	int32_t bps;  /* on top of the commission */
};

enum { TRIB_TIERS_MAX = 16 };

struct trib_step {
	uint8_t measure, counted_at, per, period; /* the enums above */
	bool applies_to_all; /* else to what lies beyond the tier's from */
	uint8_t tier_count;  /* 0: there is no step */
	struct trib_tier tiers[TRIB_TIERS_MAX]; /* ascending */
};

/* Local time of some days: in [from_min, to_min) minutes of the day. */
struct trib_open_hours {
	uint8_t days; /* bit 0: Monday */
	uint16_t from_min, to_min;
};

enum { TRIB_OPEN_HOURS_MAX = 4 };

/* What the rate of a managed plan is moved towards. */
enum trib_goal { TRIB_GOAL_NONE, TRIB_GOAL_GMV, TRIB_GOAL_ORDERS, TRIB_GOAL_COST_SHARE };

/* An amount beside the commission; by is 0 where there is none. */
struct trib_extra {
	int64_t amount; /* an order, minor units */
	int32_t bps;	/* of the base */
	uint8_t by;	/* who pays: the word PLATFORM or MERCHANT */
};

struct trib_plan_attributes {
	int64_t budget, daily_cap; /* of commission, minor units; 0: none */
	int64_t grace_ms;	   /* of an exclusive plan */
	int64_t incentive_budget;
	int64_t new_to_shop_window_ms;
	struct trib_extra incentive, new_to_shop;
	int32_t min_bps, max_bps; /* of a managed plan; bounded: they hold */
	bool bounded;
	struct trib_open_hours hours[TRIB_OPEN_HOURS_MAX];
	uint8_t hours_count;	  /* 0: it is always open */
	int64_t new_creators_ms;  /* of whom it is for, how lately they were first put; 0: it is for all */
	uint8_t goal;		  /* enum trib_goal */
	int32_t goal_step_bps;
	int64_t goal_target, goal_every_ms;
	uint32_t zone; /* code of the time zone of days, weeks and months */
	uint32_t ext;  /* for trib_domain_ext_of_plan, 0: none */
	struct trib_step step;
};

/* One version of a plan; never changes. Open in [from_ms, to_ms) while its status is ACTIVE. */
struct trib_plan_version {
	int64_t from_ms, to_ms;	     /* to_ms is INT64_MAX when open-ended */
	struct trib_id_set creators; /* slots NULL: not limited by a list */
	uint16_t commission_bps, service_bps, service2_bps, platform_bps, agency_bps;
	uint8_t kind;			    /* GENERAL, TARGETED, EXCLUSIVE, ACTIVITY or MANAGED */
	uint8_t status;			    /* ACTIVE, PAUSED, ENDED or CLOSED */
	uint32_t number;		    /* 1, 2, … */
	uint32_t leader, leader2;	    /* party numbers */
	uint32_t attributes;		    /* for trib_domain_attributes, 0: none */
	uint32_t creators_when;		    /* condition number, 0: none */
};
_Static_assert(sizeof(struct trib_plan_version) == 64, "one cache line");

/* From from_ms on this version is in force, up to the next step. */
struct trib_plan_step {
	int64_t from_ms;
	uint32_t version;
};

/* Is it the offer of an enrolment; and of an exclusive activity, so that its goods are sold through it only? */
enum trib_plan_offer { TRIB_OFFER_NONE, TRIB_OFFER_ENROLLED, TRIB_OFFER_SOLE };

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
	bool timed; /* statuses were set by time: trib_domain_status_timed */
	uint8_t offer; /* enum trib_plan_offer */
	uint32_t play, play_version; /* whose it is since its newest PUT: of trib_domain_plays; 0: nobody's */
	uint32_t spare[3];
};
_Static_assert(sizeof(struct trib_plan) == 128, "two cache lines");

/* Which of several plans wins. Of two of one rank the ties decide, in order. */
enum trib_tie {
	TRIB_TIE_NONE,
	TRIB_TIE_HIGHER_COMMISSION,
	TRIB_TIE_LOWER_COMMISSION,
	TRIB_TIE_NEWER,
	TRIB_TIE_OLDER
};

struct trib_precedence {
	uint8_t rank[5];       /* by kind, from GENERAL on; the higher wins */
	uint8_t rank_unchosen; /* of an activity that nobody chose */
	uint8_t ties[4];       /* enum trib_tie */
};

/* Who or what is blocked. X(NAME, number, word); numbers never change. */
#define TRIB_BLOCK_KIND_TABLE(X)                                                                   \
	X(USER, 1, "user")                                                                         \
	X(CREATOR, 2, "creator")                                                                   \
	X(DEVICE, 3, "device")                                                                     \
	X(ORDER, 4, "order")                                                                       \
	X(GOODS, 5, "goods")                                                                       \
	X(CARRIER, 6, "carrier")                                                                   \
	X(ADDRESS, 7, "address")

enum trib_block_kind {
	TRIB_BLOCK_NONE = 0,
#define X(name, number, word) TRIB_BLOCK_##name = number,
	TRIB_BLOCK_KIND_TABLE(X)
#undef X
		TRIB_BLOCK_KINDS /* one more than there are */
};

struct trib_block {
	uint64_t key;	  /* user hash, number of a party or goods, or a hash of the text */
	int64_t until_ms; /* INT64_MAX: for good */
	uint32_t version;
	uint8_t kind;	/* enum trib_block_kind */
	uint8_t status; /* ACTIVE or CLOSED */
};

struct trib_registration {
	int64_t token_ttl_ms;
	uint32_t channel, scene;       /* codes */
	uint32_t play;		       /* of trib_domain_plays, 0: none is stated */
	uint32_t pid;		       /* a code: what its links are called at a third-party site */
	uint32_t when;		       /* condition number, 0: always */
	int32_t priority;
	uint32_t version;
	uint8_t ext_overflow; /* KEEP or REFUSE */
	uint8_t status;	      /* ACTIVE or CLOSED */
	bool ranked;	      /* it has a precedence or ties of its own */
	struct trib_precedence precedence;
};

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
