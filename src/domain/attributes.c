/* What only some plans say: steps, budgets, incentives, grace, bounds. Most versions have none. */
#include "domain/private.h"

/* The place of a word in a list that ends with NULL; the first for NULL. False where it is not there. */
static bool among(const char *word, const char *const *words, uint8_t *ret_index)
{
	*ret_index = 0;
	for (uint8_t i = 0; word && words[i]; i++) {
		*ret_index = i;
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return !word;
}

static bool read_step(const Tributary__Step *said, struct trib_step *step)
{
	static const char *const measures[] = { "orders", "qty", "gmv", NULL };
	static const char *const counted[] = { "paid", "received", "settled", NULL };
	static const char *const pers[] = { "creator", "plan", NULL };
	static const char *const periods[] = { "month", "day", "week", "plan", NULL };
	static const uint8_t period_of[] = { TRIB_STEP_MONTH, TRIB_STEP_DAY, TRIB_STEP_WEEK,
					     TRIB_STEP_WHOLE_PLAN };
	static const char *const applies[] = { "beyond", "all", NULL };
	uint8_t period, all;

	if (!among(said->measure, measures, &step->measure) ||
	    !among(said->counted_at, counted, &step->counted_at) ||
	    !among(said->per, pers, &step->per) || !among(said->period, periods, &period) ||
	    !among(said->applies, applies, &all) || said->n_tiers == 0 ||
	    said->n_tiers > TRIB_TIERS_MAX)
		return false;
	step->period = period_of[period];
	step->applies_to_all = all;
	step->tier_count = (uint8_t)said->n_tiers;
	for (size_t i = 0; i < said->n_tiers; i++) {
		const Tributary__Tier *tier = said->tiers[i];

		step->tiers[i].from = TRIB_STATED(tier, from);
		step->tiers[i].bps = TRIB_STATED(tier, bps);
		if (step->tiers[i].from < 0 || step->tiers[i].bps < 0 || step->tiers[i].bps > 10000 ||
		    (i > 0 && step->tiers[i].from <= step->tiers[i - 1].from))
			return false;
	}
	return true;
}

static bool read_extra(int64_t amount, int32_t bps, const char *by, uint8_t default_by,
		       struct trib_extra *extra)
{
	extra->amount = amount;
	extra->bps = bps;
	extra->by = default_by;
	if (by)
		extra->by = strcmp(by, "merchant") == 0 ? TRIB_WORD_MERCHANT : TRIB_WORD_PLATFORM;
	return amount >= 0 && bps >= 0 && bps <= 10000;
}

static bool read_duration(const char *text, const char *otherwise, int64_t *ret_ms)
{
	return trib_duration_parse(trib_text(text ? text : otherwise), "", ret_ms, NULL) == TRIB_OK;
}

static bool read_extras(const Tributary__Plan *plan, struct trib_plan_attributes *attributes)
{
	const Tributary__Incentive *incentive = plan->incentive;
	const Tributary__NewToShop *new_to_shop = plan->new_to_shop;

	if (incentive) {
		attributes->incentive_budget = TRIB_STATED(incentive, budget);
		if (!read_extra(TRIB_STATED(incentive, amount), TRIB_STATED(incentive, bps),
				incentive->from, TRIB_WORD_PLATFORM, &attributes->incentive))
			return false;
	}
	if (!new_to_shop)
		return true;
	return read_extra(TRIB_STATED(new_to_shop, amount), TRIB_STATED(new_to_shop, bps),
			  new_to_shop->from, TRIB_WORD_MERCHANT, &attributes->new_to_shop) &&
	       read_duration(new_to_shop->window, "365d", &attributes->new_to_shop_window_ms);
}

static bool read_goal(const Tributary__Goal *goal, struct trib_plan_attributes *attributes)
{
	static const char *const measures[] = { "gmv", "orders", "cost_share", NULL };
	uint8_t measure;

	if (!among(goal->measure, measures, &measure))
		return false;
	attributes->goal = measure + 1;
	attributes->goal_target = TRIB_STATED(goal, target);
	attributes->goal_step_bps = TRIB_STATED(goal, step_bps) ? goal->step_bps : 100;
	return attributes->goal_target > 0 && attributes->goal_step_bps > 0 &&
	       read_duration(goal->every, "1d", &attributes->goal_every_ms) && attributes->goal_every_ms > 0;
}

/* Minutes of "09:30"; false for other text. */
static bool read_minutes(const char *text, uint16_t *ret_minutes)
{
	static const char form[] = "dd:dd";
	uint32_t hours, minutes;

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	hours = (uint32_t)(text[0] - '0') * 10 + (uint32_t)(text[1] - '0');
	minutes = (uint32_t)(text[3] - '0') * 10 + (uint32_t)(text[4] - '0');
	*ret_minutes = (uint16_t)(hours * 60 + minutes);
	return minutes < 60 && *ret_minutes <= 24 * 60;
}

bool trib_open_hours_read(const Tributary__OpenHours *said, struct trib_open_hours *ret_hours)
{
	struct trib_open_hours hours = { .days = said->n_days ? 0 : 0x7f };

	for (size_t i = 0; i < said->n_days; i++) {
		if (said->days[i] < 1 || said->days[i] > 7)
			return false;
		hours.days |= (uint8_t)(1u << (said->days[i] - 1));
	}
	if (!read_minutes(said->from ? said->from : "00:00", &hours.from_min) ||
	    !read_minutes(said->to ? said->to : "24:00", &hours.to_min) || hours.from_min >= hours.to_min)
		return false;
	*ret_hours = hours;
	return true;
}

static bool read_schedule(const Tributary__Plan *plan, struct trib_plan_attributes *attributes)
{
	if (plan->n_schedule > TRIB_OPEN_HOURS_MAX)
		return false;
	for (size_t i = 0; i < plan->n_schedule; i++) {
		struct trib_open_hours hours;

		if (!trib_open_hours_read(plan->schedule[i], &hours))
			return false;
		attributes->hours[i].days = hours.days; /* field by field: its padding stays zero */
		attributes->hours[i].from_min = hours.from_min;
		attributes->hours[i].to_min = hours.to_min;
	}
	attributes->hours_count = (uint8_t)plan->n_schedule;
	return !plan->new_creators || read_duration(plan->new_creators, NULL, &attributes->new_creators_ms);
}

bool trib_attributes_read(const struct trib_domain *domain, const Tributary__Plan *plan,
			  struct trib_plan_attributes *ret_attributes)
{
	struct trib_plan_attributes *attributes = ret_attributes;
	bool known = true;

	memset(attributes, 0, sizeof(*attributes)); /* padding too: they are compared by bytes */
	attributes->budget = TRIB_STATED(plan, budget);
	attributes->daily_cap = TRIB_STATED(plan, daily_cap);
	attributes->zone = trib_fold_code(domain, plan->time_zone, &known);
	if (plan->bounds) {
		attributes->bounded = true;
		attributes->min_bps = TRIB_STATED(plan->bounds, min_bps);
		attributes->max_bps = TRIB_STATED(plan->bounds, max_bps);
	}
	return known && attributes->budget >= 0 && attributes->daily_cap >= 0 &&
	       attributes->min_bps >= 0 && attributes->min_bps <= attributes->max_bps &&
	       (!plan->grace || read_duration(plan->grace, NULL, &attributes->grace_ms)) &&
	       (!plan->step || read_step(plan->step, &attributes->step)) &&
	       read_schedule(plan, attributes) && (!plan->goal || read_goal(plan->goal, attributes)) &&
	       read_extras(plan, attributes);
}

uint32_t trib_attributes_number(struct trib_domain *domain,
				const struct trib_plan_attributes *attributes, uint32_t before)
{
	const size_t size = sizeof(*attributes);

	if (memcmp(attributes, &domain->attributes[before], size) == 0)
		return before;
	if (memcmp(attributes, &domain->attributes[0], size) == 0)
		return 0;
	TRIB_GROW(domain->attributes, domain->attribute_count, domain->attribute_capacity);
	memcpy(&domain->attributes[domain->attribute_count], attributes, size);
	return (uint32_t)domain->attribute_count++;
}

struct trib_bytes trib_domain_ext_of_plan(const struct trib_domain *domain, uint32_t attributes)
{
	uint32_t ext = domain->attributes[attributes].ext;

	return ext ? trib_names_text(domain->exts, ext) : trib_bytes("", 0);
}

const struct trib_plan_attributes *trib_domain_attributes(const struct trib_domain *domain,
							  uint32_t number)
{
	return &domain->attributes[number];
}
