/*
 * What capabilities do where no play says otherwise. Pure: values in, values out; `out` holds what `pass` would give.
 * Those of the trade (docs/commission.md, docs/plans.md) say what the engine does by itself.
 */
#include "play/private.h"

/* ---- Values --------------------------------------------------------------------------------------- */

static struct trib_value text_value(const char *text)
{
	return trib_value_string(trib_bytes_text(text));
}

static const struct trib_value *member(const struct trib_value *map, const char *name)
{
	struct trib_value key = text_value(name);

	return map->kind == TRIB_VALUE_MAP ? trib_map_find(map->map, &key) : NULL;
}

/* A whole number of a map; 0 where there is none. */
static int64_t int_of(const struct trib_value *map, const char *name)
{
	const struct trib_value *found = member(map, name);

	return found && found->kind == TRIB_VALUE_INT ? found->integer : 0;
}

static double number_of(const struct trib_value *map, const char *name)
{
	const struct trib_value *found = member(map, name);

	if (found && found->kind == TRIB_VALUE_DOUBLE)
		return found->number;
	return (double)int_of(map, name);
}

/* Is a text of the map another one than this? What is not stated is not another. */
static bool differs(const struct trib_value *map, const char *name, const char *text)
{
	const struct trib_value *found = member(map, name);

	return found && found->kind == TRIB_VALUE_STRING && found->size && !trib_bytes_is(trib_value_text(found), text);
}

static void refuse(struct trib_value *out, const char *text)
{
	out[0] = text_value(text);
}

/* Sums and products of what callers state stay in range. */
static int64_t sum(int64_t a, int64_t b)
{
	int64_t result;

	return __builtin_add_overflow(a, b, &result) ? (b < 0 ? INT64_MIN : INT64_MAX) : result;
}

static int64_t difference(int64_t a, int64_t b)
{
	int64_t result;

	return __builtin_sub_overflow(a, b, &result) ? (b < 0 ? INT64_MAX : INT64_MIN) : result;
}

static int64_t narrow(__int128 wide)
{
	return wide > INT64_MAX ? INT64_MAX : wide < INT64_MIN ? INT64_MIN : (int64_t)wide;
}

/* ---- Defaults ------------------------------------------------------------------------------------- */

typedef void default_fn(const struct trib_value *in, struct trib_value *out);

static void pass(const struct trib_value *in, struct trib_value *out)
{
}

static void creator_admit(const struct trib_value *in, struct trib_value *out)
{
	if (differs(&in[0], "status", "active"))
		refuse(out, "the creator is not active");
}

static void goods_admit(const struct trib_value *in, struct trib_value *out)
{
	if (differs(&in[0], "status", "active"))
		refuse(out, "the goods are not active");
}

static void plan_bounds(const struct trib_value *in, struct trib_value *out)
{
	if (in[0].integer < in[1].integer || in[0].integer > in[2].integer)
		refuse(out, "the commission lies outside its bounds");
}

static void plan_risk(const struct trib_value *in, struct trib_value *out)
{
	const struct trib_value *terms = member(&in[1], "terms");
	int64_t moved = terms ? difference(in[2].integer, int_of(terms, "commission_bps")) : 0;

	out[0] = trib_value_int(moved < 0 ? difference(0, moved) : moved);
}

static void plan_budget(const struct trib_value *in, struct trib_value *out)
{
	if (in[1].integer && in[1].integer < in[2].integer)
		refuse(out, "the budget lies below what is spent already");
}

static void managed_entrust(const struct trib_value *in, struct trib_value *out)
{
	if (in[1].integer >= in[2].integer)
		refuse(out, "the bounds leave the platform no room");
}

/* 1 of 10 above the goal is near enough to leave the rate alone. */
static void managed_move(const struct trib_value *in, struct trib_value *out)
{
	int64_t goal = in[4].integer, sold = in[5].integer, step = in[6].integer > 0 ? in[6].integer : 50;
	int64_t rate = in[1].integer;
	const char *why = "the goal is met";

	if (sold < goal) {
		rate = sum(rate, step);
		why = "below the goal: one step up";
	} else if ((__int128)sold * 10 > (__int128)goal * 11) {
		rate = difference(rate, step);
		why = "above the goal: one step down";
	}
	out[0] = trib_value_int(TRIB_MAX(in[2].integer, TRIB_MIN(rate, in[3].integer)));
	out[1] = text_value(why);
}

static void goods_enrol(const struct trib_value *in, struct trib_value *out)
{
	int64_t max_price = int_of(&in[0], "max_price");

	if (in[3].integer < int_of(&in[0], "min_commission_bps"))
		refuse(out, "the commission lies below what the activity asks");
	else if (in[4].integer < int_of(&in[0], "min_service_bps"))
		refuse(out, "the service rate lies below what the activity asks");
	else if (max_price && in[2].integer > max_price)
		refuse(out, "the price lies above what the activity takes");
}

static void enrolment_change(const struct trib_value *in, struct trib_value *out)
{
	if (in[0].boolean && in[1].integer < in[2].integer)
		refuse(out, "during promotion the commission may rise, not fall");
}

static void enrolment_withdraw(const struct trib_value *in, struct trib_value *out)
{
	if (in[1].boolean && !in[2].boolean)
		refuse(out, "during promotion the leader must consent");
}

static void price_watch(const struct trib_value *in, struct trib_value *out)
{
	if (in[2].integer && in[1].integer > in[2].integer)
		refuse(out, "the price lies above the enrolled one");
}

static void leader2_rate(const struct trib_value *in, struct trib_value *out)
{
	if (in[0].integer < in[1].integer || in[0].integer > in[2].integer)
		refuse(out, "the rate lies outside the activity's minimum and the first leader's");
}

static void leader2_cancel(const struct trib_value *in, struct trib_value *out)
{
	if (!in[0].boolean)
		refuse(out, "the other leader has not consented");
}

static void invitation_expire(const struct trib_value *in, struct trib_value *out)
{
	if (!in[2].integer)
		out[0] = trib_value_int(sum(in[1].integer, INT64_C(7) * 86400 * 1000));
}

static void sample_rule(const struct trib_value *in, struct trib_value *out)
{
	if (int_of(&in[0], "level") < int_of(&in[1], "min_level"))
		refuse(out, "the creator's level is too low");
	else if (int_of(&in[0], "followers") < int_of(&in[1], "min_followers"))
		refuse(out, "the creator has too few followers");
	else if (number_of(&in[0], "score") < number_of(&in[1], "min_score"))
		refuse(out, "the creator's score is too low");
}

/* A rule that asks for nothing in figures asks for a listing. */
static void sample_fulfilled(const struct trib_value *in, struct trib_value *out)
{
	int64_t minutes = int_of(&in[0], "live_minutes"), sold = int_of(&in[0], "sold");

	out[0] = trib_value_bool(minutes || sold ? in[2].integer >= minutes && in[3].integer >= sold : in[1].boolean);
}

static void sample_overdue(const struct trib_value *in, struct trib_value *out)
{
	out[0] = trib_value_bool(in[2].integer && in[1].integer > in[2].integer);
}

static void slot_refund(const struct trib_value *in, struct trib_value *out)
{
	int64_t promised = in[1].integer, missing = difference(promised, in[2].integer);

	if (promised > 0 && missing > 0)
		out[0] = trib_value_int(narrow((__int128)in[0].integer * TRIB_MIN(missing, promised) / promised));
}

static void approval_ask(const struct trib_value *in, struct trib_value *out)
{
	if (!in[1].size)
		out[1] = text_value("operator");
}

static void approval_decide(const struct trib_value *in, struct trib_value *out)
{
	const struct trib_value *asked = member(&in[0], "role");

	if (differs(&in[0], "status", "waiting"))
		refuse(out, "it is decided already");
	else if (asked && asked->kind == TRIB_VALUE_STRING && asked->size && !trib_bytes_is(trib_value_text(&in[2]), "admin") &&
		 !trib_value_equal(asked, &in[2]))
		refuse(out, "another role is asked");
}

static void shelf_offer_ended(const struct trib_value *in, struct trib_value *out)
{
	if (!in[2].size)
		out[0] = text_value("fall_back");
}

static void shelf_tell(const struct trib_value *in, struct trib_value *out)
{
	if (!in[1].integer)
		out[0] = trib_value_int(in[0].integer);
}

static void order_base(const struct trib_value *in, struct trib_value *out)
{
	int64_t base = sum(difference(difference(in[0].integer, in[1].integer), in[2].integer), in[3].integer);

	out[0] = trib_value_int(TRIB_MAX(base, 0));
}

static void order_self_purchase(const struct trib_value *in, struct trib_value *out)
{
	if (in[1].boolean)
		out[0] = text_value("self_purchase");
}

static void commission_amount(const struct trib_value *in, struct trib_value *out)
{
	__int128 product = (__int128)in[0].integer * in[1].integer;

	out[0] = trib_value_int(narrow(product / 10000 - (product % 10000 < 0)));
}

static void commission_cap(const struct trib_value *in, struct trib_value *out)
{
	if (in[1].integer > 0)
		out[0] = trib_value_int(TRIB_MIN(in[0].integer, in[1].integer));
}

static void commission_estimate(const struct trib_value *in, struct trib_value *out)
{
	__int128 product = (__int128)in[0].integer * in[1].integer, whole = product / 10000 - (product % 10000 < 0);
	__int128 rest = product - whole * 10000;

	out[0] = trib_value_int(narrow(whole + (rest > 5000 || (rest == 5000 && whole % 2 != 0))));
}

static void refund_admit(const struct trib_value *in, struct trib_value *out)
{
	if (in[0].integer > in[1].integer)
		refuse(out, "more than remains of the order");
}

static void settle_due(const struct trib_value *in, struct trib_value *out)
{
	out[0] = trib_value_int(sum(in[0].integer, in[1].integer ? in[1].integer : INT64_C(7) * 86400 * 1000));
}

static void settle_clawback(const struct trib_value *in, struct trib_value *out)
{
	out[0] = trib_value_bool(difference(in[1].integer, in[0].integer) <= in[2].integer);
}

static void payout_admit(const struct trib_value *in, struct trib_value *out)
{
	if (in[1].integer > in[2].integer)
		refuse(out, "more than the balance");
}

static void webhook(const struct trib_value *in, struct trib_value *out)
{
	if (!in[1].size)
		out[1] = text_value("webhook");
}

static void sample_request(const struct trib_value *in, struct trib_value *out)
{
	if (!in[1].size)
		out[1] = text_value("sample.request");
}

static default_fn *const defaults[TRIB_CAPABILITIES] = {
#define X(id, name, path, inputs, outputs, otherwise, what) otherwise,
	TRIB_CAPABILITY_TABLE(X)
#undef X
};

void trib_capability_default(enum trib_capability capability, const struct trib_value *in, struct trib_value *out)
{
	defaults[capability](in, out);
}
