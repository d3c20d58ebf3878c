/* Activities: who may do what when, what becomes of the offers, and who is paid by them. */
#include "domain/activity.h"
#include "unit/engine/world.h"

#define DAY WORLD_DAY_MS

static const struct trib_actor admin = { .role = TRIB_ACCESS_ADMIN },
			       leader = { .role = TRIB_ACCESS_LEADER, .party_id = { "l1", 2 }, .name = { "tl", 2 } },
			       leader2 = { .role = TRIB_ACCESS_LEADER, .party_id = { "l2", 2 } },
			       merchant = { .role = TRIB_ACCESS_MERCHANT, .party_id = { "m1", 2 } },
			       stranger = { .role = TRIB_ACCESS_MERCHANT, .party_id = { "m2", 2 } },
			       creator = { .role = TRIB_ACCESS_CREATOR, .party_id = { "c1", 2 } };

static trib_status put_by(const struct trib_actor *actor, enum trib_noun noun, const char *json)
{
	const char *id = strstr(json, "\"id\":\"") + 6;

	return world_ask((struct trib_call){ .kind = TRIB_CALL_PUT, .noun = noun, .actor = *actor,
				       .name = trib_bytes(id, strcspn(id, "\"")) },
		   trib_noun_descriptor(noun), json);
}

static trib_status act_by(const struct trib_actor *actor, enum trib_noun noun, const char *id, const char *action,
			  const char *json)
{
	return world_ask((struct trib_call){ .kind = TRIB_CALL_ACT, .noun = noun, .actor = *actor, .name = trib_bytes_text(id),
				       .action = trib_bytes_text(action) },
		   &tributary__action_request__descriptor, json);
}

#define MUST(expression)                                                                           \
	do {                                                                                       \
		if ((expression) != TRIB_OK)                                                       \
			fail_msg("%s: %s: %s", #expression, world_error.at, world_error.text);       \
	} while (0)

static const char *get(enum trib_noun noun, const char *id)
{
	MUST(world_ask((struct trib_call){ .kind = TRIB_CALL_GET, .noun = noun, .name = trib_bytes_text(id) }, NULL, NULL));
	return world_reply;
}

#define SHOWS(noun, id, text)                                                                      \
	do {                                                                                       \
		if (!strstr(get(noun, id), text))                                                  \
			fail_msg("%s: %s", text, world_reply);                                      \
	} while (0)

/* An activity that enrols for a day, and promotes from the second to the tenth. */
static void publish(const char *id, const char *more)
{
	char json[1024];

	snprintf(json, sizeof(json),
		 "{\"id\":\"%s\",\"leader\":\"l1\",\"title\":\"May\",\"min_commission_bps\":1000,\"min_service_bps\":200,"
		 "\"enrol_to\":%lld,\"promote_from\":%lld,\"promote_to\":%lld%s}",
		 id, (long long)(WORLD_START_MS + 3 * DAY), (long long)(WORLD_START_MS + 2 * DAY),
		 (long long)(WORLD_START_MS + 10 * DAY), more);
	MUST(put_by(&leader, TRIB_NOUN_ACTIVITY, json));
	MUST(act_by(&leader, TRIB_NOUN_ACTIVITY, id, "publish", "{}"));
}

static void market(void)
{
	world_market();
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"l2\",\"roles\":[\"leader\"]}");
	world_rules("default", "{\"root\":{\"id\":\"all\",\"when\":\"has(touch)\",\"window\":\"30d\",\"shares\":["
			       "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"},"
			       "{\"name\":\"service\",\"to\":\"leader\",\"from\":\"merchant\",\"bps\":\"terms.service_bps\"},"
			       "{\"name\":\"service2\",\"to\":\"leader2\",\"from\":\"leader\",\"bps\":\"terms.service2_bps\"}]}}");
}

#define ENROL(id, goods, commission, service)                                                      \
	"{\"id\":\"" id "\",\"activity\":\"a1\",\"goods\":\"" goods "\",\"merchant\":\"m1\",\"commission_bps\":" commission \
	",\"service_bps\":" service "}"

/* The outcome and offer of a link; the token is kept for an order. */
static char token[128];
static enum trib_outcome link_by(const char *goods, const char *offer)
{
	const struct trib_link_request request = { .channel = trib_bytes_text("app"), .creator = trib_bytes_text("c1"),
						   .goods = trib_bytes_text(goods), .offer = trib_bytes_text(offer) };
	enum trib_outcome outcome = TRIB_OUTCOME_NONE;
	struct trib_error error;
	size_t size = 0;
	trib_status status = trib_engine_link(world.engine, &request, token, &size, &outcome, &error);

	token[size] = '\0';
	if (status != TRIB_OK && outcome == TRIB_OUTCOME_NONE)
		fail_msg("%s: %s", error.at, error.text);
	return outcome;
}

static struct trib_terms terms_of(const char *goods, const char *offer)
{
	const struct trib_domain *domain = trib_engine_domain(world.engine);
	struct trib_terms terms;

	trib_terms_resolve(domain,
			   &(struct trib_terms_request){
				   .goods = trib_domain_find(domain, TRIB_NOUN_GOODS, trib_bytes_text(goods)),
				   .creator = trib_domain_find(domain, TRIB_NOUN_PARTY, trib_bytes_text("c1")),
				   .offer = trib_domain_find(domain, TRIB_NOUN_PLAN, trib_bytes_text(offer)),
				   .at_ms = world.clock.ms, .lock_ms = world.clock.ms },
			   &terms);
	return terms;
}

/* --- Who may do what, when ---------------------------------------------------------------------------- */

enum when { DAY_1, DAY_4, DAY_11 }; /* it enrols; it promotes; it is over */

/* Leads an enrolment to a state, at a time; what was done stands in `way`. */
static const struct {
	const char *state, *way; /* actions by the platform, with "-" for a night to the fourth day */
} states[] = {
	{ "submitted", "" },
	{ "approved", "approve" },
	{ "rejected", "reject" },
	{ "withdrawing", "approve - withdraw" },
	{ "withdrawn", "withdraw" },
	{ "ended", "approve end" },
};

#define OK	TRIB_OK
#define REFUSED TRIB_REFUSED
#define ANOTHER TRIB_FORBIDDEN

static const struct {
	const char *from;
	const struct trib_actor *actor;
	const char *action;
	enum when when;
	trib_status status;
	const char *to;
} life[] = {
	{ "submitted", &leader, "approve", DAY_1, OK, "approved" },
	{ "submitted", &leader, "approve", DAY_4, OK, "approved" },
	{ "submitted", &leader, "approve", DAY_11, REFUSED, "submitted" },
	{ "submitted", &admin, "approve", DAY_1, OK, "approved" },
	{ "submitted", &leader2, "approve", DAY_1, TRIB_NOT_FOUND, "submitted" },
	{ "submitted", &merchant, "approve", DAY_1, ANOTHER, "submitted" },
	{ "submitted", &creator, "approve", DAY_1, ANOTHER, "submitted" },
	{ "submitted", &leader, "reject", DAY_1, OK, "rejected" },
	{ "submitted", &merchant, "reject", DAY_1, ANOTHER, "submitted" },
	{ "submitted", &merchant, "withdraw", DAY_1, OK, "withdrawn" },
	{ "submitted", &stranger, "withdraw", DAY_1, TRIB_NOT_FOUND, "submitted" },
	{ "submitted", &leader, "withdraw", DAY_1, ANOTHER, "submitted" },
	{ "submitted", &leader, "consent", DAY_1, REFUSED, "submitted" },
	{ "submitted", &leader, "end", DAY_1, REFUSED, "submitted" },
	{ "approved", &leader, "approve", DAY_1, REFUSED, "approved" },
	{ "approved", &leader, "reject", DAY_1, REFUSED, "approved" },
	{ "approved", &merchant, "withdraw", DAY_1, OK, "withdrawn" },
	{ "approved", &merchant, "withdraw", DAY_4, OK, "withdrawing" },
	{ "approved", &merchant, "withdraw", DAY_11, REFUSED, "ended" },
	{ "approved", &leader, "end", DAY_1, OK, "ended" },
	{ "approved", &leader, "end", DAY_4, OK, "ended" },
	{ "approved", &leader, "end", DAY_11, REFUSED, "ended" },
	{ "approved", &merchant, "end", DAY_1, ANOTHER, "approved" },
	{ "approved", &leader, "price_raised", DAY_1, ANOTHER, "approved" },
	{ "approved", &admin, "price_raised", DAY_1, REFUSED, "approved" },
	{ "rejected", &leader, "approve", DAY_1, REFUSED, "rejected" },
	{ "rejected", &merchant, "withdraw", DAY_1, OK, "withdrawn" },
	{ "withdrawing", &leader, "consent", DAY_4, OK, "withdrawn" },
	{ "withdrawing", &merchant, "consent", DAY_4, ANOTHER, "withdrawing" },
	{ "withdrawing", &leader, "decline", DAY_4, OK, "approved" },
	{ "withdrawing", &leader, "end", DAY_4, OK, "ended" },
	{ "withdrawing", &leader, "consent", DAY_11, REFUSED, "ended" },
	{ "withdrawn", &leader, "approve", DAY_1, REFUSED, "withdrawn" },
	{ "withdrawn", &merchant, "withdraw", DAY_1, REFUSED, "withdrawn" },
	{ "ended", &merchant, "withdraw", DAY_1, REFUSED, "ended" },
	{ "ended", &leader, "end", DAY_1, REFUSED, "ended" },
};

static void until(enum when when)
{
	static const int days[] = { [DAY_1] = 0, [DAY_4] = 4, [DAY_11] = 11 };
	int64_t to_ms = WORLD_START_MS + days[when] * DAY;

	if (to_ms > world.clock.ms)
		world_pass(to_ms - world.clock.ms);
}

static void lead_to(const char *id, const char *way)
{
	char action[32];

	for (int used; sscanf(way, "%31s%n", action, &used) == 1; way += used) {
		if (!strcmp(action, "-"))
			until(DAY_4);
		else
			MUST(act_by(&admin, TRIB_NOUN_ENROLMENT, id, action, "{\"reason\":\"on the way\"}"));
	}
}

static void every_state_actor_and_action(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(life); i++) {
		char id[16], json[512], told[64];
		size_t from = 0;

		/* A market of its own: time only goes on. */
		if (i)
			world_setup(NULL);
		market();
		publish("a1", ",\"notice\":\"1h\"");
		while (strcmp(states[from].state, life[i].from))
			from++;
		snprintf(id, sizeof(id), "e%zu", i);
		snprintf(json, sizeof(json),
			 "{\"id\":\"%s\",\"activity\":\"a1\",\"goods\":\"g1\",\"commission_bps\":2000,\"service_bps\":500}", id);
		MUST(put_by(&admin, TRIB_NOUN_ENROLMENT, json));
		lead_to(id, states[from].way);
		until(life[i].when);
		trib_status status = act_by(life[i].actor, TRIB_NOUN_ENROLMENT, id, life[i].action, "{\"reason\":\"so\"}");

		if (status != life[i].status)
			fail_msg("row %zu, %s %s: %d: %s: %s", i, life[i].from, life[i].action, status, world_error.at,
				 world_error.text);
		snprintf(told, sizeof(told), "\"status\":\"%s\",\"price\"", life[i].to);
		if (!strstr(get(TRIB_NOUN_ENROLMENT, id), told))
			fail_msg("row %zu, %s %s: expected %s: %s", i, life[i].from, life[i].action, life[i].to, world_reply);
		if (i + 1 < TRIB_ARRAY_SIZE(life))
			world_teardown(NULL);
	}
}

/* --- Enrolling ---------------------------------------------------------------------------------------- */

static void what_may_be_enrolled(void **state)
{
	static const struct {
		const struct trib_actor *actor;
		const char *json;
		trib_status status;
		const char *at;
	} rows[] = {
		{ &merchant, ENROL("e1", "g1", "999", "500"), TRIB_REFUSED, "commission_bps" },
		{ &merchant, ENROL("e1", "g1", "2000", "199"), TRIB_REFUSED, "service_bps" },
		{ &merchant, ENROL("e1", "g1", "2000", "10001"), TRIB_INVALID, "service_bps" },
		{ &merchant, ENROL("e1", "g9", "2000", "500"), TRIB_INVALID, "goods" },
		{ &merchant, ENROL("e1", "g3", "2000", "500"), TRIB_INVALID, "merchant" },
		{ &merchant, ENROL("e1", "g2", "2000", "500"), TRIB_REFUSED, "goods" }, /* the requirement */
		{ &merchant, ENROL("e1", "g1", "1999", "500"), TRIB_REFUSED, "goods" }, /* the requirement, too */
		{ &stranger, ENROL("e1", "g1", "2000", "500"), TRIB_FORBIDDEN, NULL },
		{ &creator, ENROL("e1", "g1", "2000", "500"), TRIB_FORBIDDEN, NULL },
		{ &leader, ENROL("e1", "g1", "2000", "500"), TRIB_FORBIDDEN, NULL },
		{ &merchant, ENROL("p1", "g1", "2000", "500"), TRIB_OK, NULL }, /* the id of a plan: it cannot be approved */
		{ &merchant, ENROL("e2", "g1", "2000", "500"), TRIB_REFUSED, "goods" }, /* twice */
	};

	market();
	publish("a1", ",\"requirements_when\":\"goods.category == 'beauty' && goods.price >= 1000 && "
		      "terms.commission_bps >= 2000 && merchant.status == 'active'\"");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		trib_status status = put_by(rows[i].actor, TRIB_NOUN_ENROLMENT, rows[i].json);

		if (status != rows[i].status || (rows[i].at && strcmp(rows[i].at, world_error.at)))
			fail_msg("row %zu: %d: %s: %s", i, status, world_error.at, world_error.text);
	}
	assert_int_equal(act_by(&leader, TRIB_NOUN_ENROLMENT, "p1", "approve", "{}"), TRIB_REFUSED);
	assert_int_equal(put_by(&leader, TRIB_NOUN_ACTIVITY,
				"{\"id\":\"a2\",\"leader\":\"l1\",\"requirements_when\":\"creator.level > 3\"}"),
			 TRIB_INVALID);
	assert_int_equal(put_by(&leader, TRIB_NOUN_ACTIVITY, "{\"id\":\"a2\",\"leader\":\"l2\"}"), TRIB_FORBIDDEN);
	assert_int_equal(put_by(&leader, TRIB_NOUN_ACTIVITY,
				"{\"id\":\"a2\",\"leader\":\"l1\",\"promote_from\":5,\"promote_to\":5}"),
			 TRIB_INVALID);
	until(DAY_4); /* enrolment is over */
	assert_int_equal(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e3", "g1", "2000", "500")), TRIB_REFUSED);
	assert_string_equal(world_error.at, "activity");
}

/* --- From enrolment to the leader's pay --------------------------------------------------------------- */

static void an_approved_enrolment_is_an_offer(void **state)
{
	market();
	publish("a1", "");
	SHOWS(TRIB_NOUN_ACTIVITY, "a1", "\"phase\":\"enrolling\",\"enrols\":true");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2000", "500")));
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "reject", "{\"reason\":\"too dear\"}"));
	SHOWS(TRIB_NOUN_ENROLMENT, "e1", "\"reason\":\"too dear\"");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2500", "500")));
	SHOWS(TRIB_NOUN_ENROLMENT, "e1", "\"status\":\"submitted\"");
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"));
	SHOWS(TRIB_NOUN_ENROLMENT, "e1", "\"offers\":[{\"plan\":\"e1\",");
	SHOWS(TRIB_NOUN_PLAN, "e1", "\"activity\":\"a1\"");
	/* Nobody else changes an offer. */
	assert_int_equal(put_by(&admin, TRIB_NOUN_PLAN, "{\"id\":\"e1\",\"merchant\":\"m1\",\"goods\":[\"g1\"]}"), TRIB_REFUSED);
	assert_int_equal(world_ask((struct trib_call){ .kind = TRIB_CALL_CLOSE, .noun = TRIB_NOUN_PLAN, .name = trib_bytes_text("e1") },
			     NULL, NULL),
			 TRIB_REFUSED);
	/* It has not begun: who chose it gets what is open, without the leader. */
	assert_int_equal(terms_of("g1", "e1").leader, 0);
	until(DAY_4);
	SHOWS(TRIB_NOUN_ACTIVITY, "a1", "\"phase\":\"promoting\",\"enrols\":false");
	assert_int_equal(link_by("g1", "e1"), TRIB_OUTCOME_NONE);
	assert_int_equal(world_order("o1", "u1", "g1", 10000, token).charged, 3000);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 2500);
	assert_int_equal(world_balance("l1", TRIB_WORD_LEADER), 500);
	/* A rise stands at once; a cut does not stand at all. */
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "3000", "500")));
	assert_int_equal(terms_of("g1", "e1").commission_bps, 3000);
	assert_int_equal(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2999", "500")), TRIB_REFUSED);
	assert_string_equal(world_error.at, "commission_bps");
	assert_int_equal(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "3000", "499")), TRIB_REFUSED);
	/* Out with consent only. */
	MUST(act_by(&merchant, TRIB_NOUN_ENROLMENT, "e1", "withdraw", "{\"reason\":\"sold out\"}"));
	assert_int_equal(terms_of("g1", "e1").commission_bps, 3000);
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "consent", "{}"));
	assert_int_equal(terms_of("g1", "e1").commission_bps, 1000);
	assert_int_equal(terms_of("g1", "e1").offer_outcome, TRIB_OUTCOME_PLAN_ENDED);
	assert_int_equal(world_order("o2", "u2", "g1", 10000, token).charged, 1000);
}

/* Before the promotion, lower terms are told anew. */
static void lower_terms_are_looked_at_again(void **state)
{
	market();
	publish("a1", "");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2500", "500")));
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"));
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2600", "500")));
	SHOWS(TRIB_NOUN_ENROLMENT, "e1", "\"status\":\"approved\"");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2400", "500")));
	SHOWS(TRIB_NOUN_ENROLMENT, "e1", "\"status\":\"submitted\"");
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"));
	until(DAY_4);
	assert_int_equal(terms_of("g1", "e1").commission_bps, 2400);
}

/* --- The price watch ---------------------------------------------------------------------------------- */

#define PRICE(price) "{\"id\":\"g1\",\"merchant\":\"m1\",\"category\":\"beauty\",\"price\":" price "}"

static void a_price_above_the_enrolled_one(void **state)
{
	static const struct {
		const char *rule;
		enum trib_outcome raised, restored; /* of the chosen offer */
	} rows[] = {
		{ "freeze", TRIB_OUTCOME_PLAN_PAUSED, TRIB_OUTCOME_NONE },
		{ "warn", TRIB_OUTCOME_NONE, TRIB_OUTCOME_NONE },
		{ "delist", TRIB_OUTCOME_PLAN_ENDED, TRIB_OUTCOME_PLAN_ENDED },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char more[64], effect[64];

		if (i)
			world_setup(NULL);
		market();
		snprintf(more, sizeof(more), ",\"price_rule\":\"%s\"", rows[i].rule);
		snprintf(effect, sizeof(effect), "\"price\":2000,\"effect\":\"%s\"}", rows[i].rule);
		publish("a1", more);
		MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2500", "500")));
		MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"));
		until(DAY_4);
		world_put(TRIB_NOUN_GOODS, PRICE("1800")); /* cheaper is fine */
		SHOWS(TRIB_NOUN_ENROLMENT, "e1", "\"violation\":null");
		world_put(TRIB_NOUN_GOODS, PRICE("2000"));
		SHOWS(TRIB_NOUN_ENROLMENT, "e1", effect);
		world_pass(1000);
		assert_int_equal(terms_of("g1", "e1").offer_outcome, rows[i].raised);
		world_put(TRIB_NOUN_GOODS, PRICE("2100")); /* told once */
		world_put(TRIB_NOUN_GOODS, PRICE("1999"));
		world_pass(1000);
		assert_int_equal(terms_of("g1", "e1").offer_outcome, rows[i].restored);
		if (rows[i].restored == TRIB_OUTCOME_NONE)
			SHOWS(TRIB_NOUN_ENROLMENT, "e1", "\"violation\":null");
		else
			SHOWS(TRIB_NOUN_ENROLMENT, "e1", "\"status\":\"ended\"");
		if (i + 1 < TRIB_ARRAY_SIZE(rows))
			world_teardown(NULL);
	}
}

/* Raised before it was approved: the leader sees it. */
static void a_price_raised_before_approval(void **state)
{
	market();
	publish("a1", "");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2500", "500")));
	world_put(TRIB_NOUN_GOODS, PRICE("2000"));
	assert_int_equal(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"), TRIB_REFUSED);
	assert_string_equal(world_error.at, "price");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2600", "500")));
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"));
}

/* --- Exclusive activities ----------------------------------------------------------------------------- */

static void goods_of_an_exclusive_activity(void **state)
{
	market();
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"hand\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"activity\","
				  "\"terms\":{\"commission_bps\":4000,\"service_bps\":900,\"leader\":\"l2\"}}");
	publish("a1", ",\"kind\":\"exclusive\"");
	publish("a2", "");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2500", "500")));
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT,
		    "{\"id\":\"e2\",\"activity\":\"a2\",\"goods\":\"g1\",\"merchant\":\"m1\",\"commission_bps\":2600,\"service_bps\":500}"));
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"));
	assert_int_equal(act_by(&leader, TRIB_NOUN_ENROLMENT, "e2", "approve", "{}"), TRIB_REFUSED);
	assert_string_equal(world_error.at, "goods");
	/* Another's offer stands until the promotion begins, and again once it is over. */
	assert_int_equal(terms_of("g1", "hand").commission_bps, 4000);
	until(DAY_4);
	const char *const offers[] = { "", "hand", "p1", "e1" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(offers); i++) {
		struct trib_terms terms = terms_of("g1", offers[i]);

		assert_int_equal(terms.commission_bps, 2500);
		assert_int_equal(terms.service_bps, 500);
		assert_int_equal(terms.offer, terms.plan);
	}
	assert_int_equal(link_by("g1", "hand"), TRIB_OUTCOME_NONE);
	assert_int_equal(world_order("o1", "u1", "g1", 10000, token).charged, 3000);
	assert_int_equal(world_balance("l1", TRIB_WORD_LEADER), 500);
	assert_int_equal(world_balance("l2", TRIB_WORD_LEADER), 0);
	until(DAY_11);
	assert_int_equal(terms_of("g1", "hand").commission_bps, 4000);
}

/* --- Second-level leaders ----------------------------------------------------------------------------- */

#define COOPERATE(id, bps) "{\"id\":\"" id "\",\"activity\":\"a1\",\"leader2\":\"l2\",\"service2_bps\":" bps "}"

static trib_status offer_by(const struct trib_actor *actor, const char *json)
{
	return world_ask((struct trib_call){ .kind = TRIB_CALL_COOPERATION_OFFER, .actor = *actor, .name = trib_bytes_text("co1") },
		   &tributary__offer_request__descriptor, json);
}

static void a_second_level_leader_sells_it_on(void **state)
{
	market();
	publish("a1", ",\"leader2\":{\"min_service_bps\":100}");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2000", "600")));
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"));
	assert_int_equal(put_by(&leader2, TRIB_NOUN_COOPERATION, COOPERATE("co1", "99")), TRIB_REFUSED);
	assert_int_equal(put_by(&merchant, TRIB_NOUN_COOPERATION, COOPERATE("co1", "200")), TRIB_FORBIDDEN);
	MUST(put_by(&leader2, TRIB_NOUN_COOPERATION, COOPERATE("co1", "200")));
	assert_int_equal(act_by(&leader2, TRIB_NOUN_COOPERATION, "co1", "accept", "{}"), TRIB_FORBIDDEN);
	assert_int_equal(offer_by(&leader2, "{\"enrolments\":[\"e1\"]}"), TRIB_OK);
	assert_non_null(strstr(world_reply, "\"code\":\"refused\",\"at\":\"cooperation\""));
	MUST(act_by(&leader, TRIB_NOUN_COOPERATION, "co1", "accept", "{}"));
	MUST(offer_by(&leader2, "{\"enrolments\":[\"e1\",\"e9\"]}"));
	assert_non_null(strstr(world_reply, "{\"id\":\"e1\",\"status\":\"approved\"},{\"id\":\"e9\",\"code\":\"not_found\""));
	assert_int_equal(offer_by(&merchant, "{\"enrolments\":[\"e1\"]}"), TRIB_FORBIDDEN);
	until(DAY_4);
	assert_int_equal(link_by("g1", "e1.co1"), TRIB_OUTCOME_NONE);
	assert_int_equal(world_order("o1", "u1", "g1", 10000, token).charged, 2600);
	assert_int_equal(world_balance("l1", TRIB_WORD_LEADER), 400); /* 600 less 200 */
	assert_int_equal(world_balance("l2", TRIB_WORD_LEADER2), 200);
	/* The end needs the other one. */
	MUST(act_by(&leader, TRIB_NOUN_COOPERATION, "co1", "cancel", "{\"reason\":\"enough\"}"));
	SHOWS(TRIB_NOUN_COOPERATION, "co1", "\"asked_by\":\"leader1\"");
	assert_int_equal(act_by(&leader, TRIB_NOUN_COOPERATION, "co1", "consent", "{}"), TRIB_FORBIDDEN);
	MUST(act_by(&leader2, TRIB_NOUN_COOPERATION, "co1", "decline", "{}"));
	assert_int_equal(terms_of("g1", "e1.co1").leader2 != 0, true);
	MUST(act_by(&leader2, TRIB_NOUN_COOPERATION, "co1", "cancel", "{}"));
	MUST(act_by(&leader, TRIB_NOUN_COOPERATION, "co1", "consent", "{}"));
	assert_int_equal(terms_of("g1", "e1.co1").offer_outcome, TRIB_OUTCOME_PLAN_ENDED);
	assert_int_equal(terms_of("g1", "e1").leader != 0, true);
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2100", "600")));
	assert_int_equal(terms_of("g1", "e1.co1").offer_outcome, TRIB_OUTCOME_PLAN_ENDED);
}

/* --- Many, lists, the end ----------------------------------------------------------------------------- */

static const char *list(enum trib_call_kind kind, const char *id, const char *status, uint32_t limit, const char *cursor)
{
	MUST(world_ask((struct trib_call){ .kind = kind, .name = trib_bytes_text(id), .stage = trib_bytes_text(status), .limit = limit,
				     .cursor = trib_bytes_text(cursor) },
		 NULL, NULL));
	return world_reply;
}

static unsigned count_of(const char *text, const char *word)
{
	unsigned count = 0;

	for (; (text = strstr(text, word)); text++)
		count++;
	return count;
}

static void many_at_once(void **state)
{
	char json[4096] = "{\"items\":[", id[32];

	market();
	publish("a1", ",\"goods_max\":3");
	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "{\"id\":\"n%d\",\"merchant\":\"m1\"}", i);
		world_put(TRIB_NOUN_GOODS, id);
		snprintf(json + strlen(json), sizeof(json) - strlen(json),
			 "%s{\"id\":\"e%d\",\"goods\":\"n%d\",\"commission_bps\":%d,\"service_bps\":300}", i ? "," : "", i, i,
			 i == 2 ? 10 : 1500);
	}
	strcat(json, "]}");
	MUST(world_ask((struct trib_call){ .kind = TRIB_CALL_ENROL, .actor = merchant, .name = trib_bytes_text("a1") },
		 &tributary__enrol_request__descriptor, json));
	assert_int_equal(count_of(world_reply, "\"status\":\"submitted\""), 4);
	assert_non_null(strstr(world_reply, "{\"id\":\"e2\",\"code\":\"refused\",\"at\":\"commission_bps\""));
	assert_non_null(strstr(world_reply, "\"accepted\":4,\"refused\":1"));
	MUST(world_ask((struct trib_call){ .kind = TRIB_CALL_ENROLMENTS_ACT, .actor = leader }, &tributary__bulk_request__descriptor,
		 "{\"action\":\"approve\",\"items\":[{\"id\":\"e0\"},{\"id\":\"e1\"},{\"id\":\"e2\"},{\"id\":\"e3\"},{\"id\":\"e4\"}]}"));
	assert_non_null(strstr(world_reply, "{\"id\":\"e2\",\"code\":\"not_found\""));
	assert_non_null(strstr(world_reply, "{\"id\":\"e4\",\"code\":\"refused\",\"at\":\"activity\"")); /* goods_max */
	MUST(world_ask((struct trib_call){ .kind = TRIB_CALL_ENROLMENTS_ACT, .actor = leader }, &tributary__bulk_request__descriptor,
		 "{\"action\":\"reject\",\"items\":[{\"id\":\"e4\"}],\"reason\":\"full\"}"));
	assert_non_null(strstr(list(TRIB_CALL_ENROLMENTS_OF_ACTIVITY, "a1", "", 0, ""),
			       "\"counts\":{\"submitted\":0,\"approved\":3,\"rejected\":1,"));
	assert_int_equal(count_of(world_reply, "\"activity\":\"a1\""), 4);
	assert_int_equal(count_of(list(TRIB_CALL_ENROLMENTS_OF_ACTIVITY, "a1", "approved", 2, ""), "\"activity\":\"a1\""), 2);
	assert_non_null(strstr(world_reply, "\"next_cursor\":\"2\""));
	assert_int_equal(count_of(list(TRIB_CALL_ENROLMENTS_OF_ACTIVITY, "a1", "approved", 2, "2"), "\"activity\":\"a1\""), 1);
	assert_non_null(strstr(world_reply, "\"next_cursor\":null"));
	assert_int_equal(count_of(list(TRIB_CALL_ENROLMENTS_OF_MERCHANT, "m1", "", 0, ""), "\"activity\":\"a1\""), 4);
	assert_int_equal(count_of(list(TRIB_CALL_ENROLMENTS_OF_GOODS, "n3", "", 0, ""), "\"activity\":\"a1\""), 1);
	until(DAY_11);
	assert_non_null(strstr(list(TRIB_CALL_ENROLMENTS_OF_ACTIVITY, "a1", "", 0, ""), "\"approved\":0,"));
	assert_non_null(strstr(world_reply, "\"ended\":3"));
}

/* Each sees what is its own. */
static void others_are_not_shown(void **state)
{
	static const struct {
		const struct trib_actor *actor;
		unsigned enrolments, cooperations;
	} rows[] = {
		{ &admin, 1, 1 }, { &leader, 1, 1 }, { &leader2, 0, 1 }, { &merchant, 1, 0 }, { &stranger, 0, 0 }, { &creator, 0, 0 },
	};

	market();
	publish("a1", ",\"leader2\":{}");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, /* whose goods they are need not be said */
		    "{\"id\":\"e1\",\"activity\":\"a1\",\"goods\":\"g1\",\"commission_bps\":2500,\"service_bps\":500}"));
	MUST(put_by(&leader2, TRIB_NOUN_COOPERATION, COOPERATE("co1", "200")));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_call call = { .name = trib_bytes_text("a1"), .actor = *rows[i].actor };

		call.kind = TRIB_CALL_ENROLMENTS_OF_ACTIVITY;
		MUST(world_ask(call, NULL, NULL));
		assert_int_equal(count_of(world_reply, "\"goods\":\"g1\""), rows[i].enrolments);
		call.kind = TRIB_CALL_COOPERATIONS;
		MUST(world_ask(call, NULL, NULL));
		assert_int_equal(count_of(world_reply, "\"leader2\":\"l2\""), rows[i].cooperations);
	}
}

/* As many offers as an activity may have: they end in one decision. */
static void a_full_activity_ends_at_once(void **state)
{
	enum { MANY = 300 };
	char id[64], json[256];

	market();
	publish("a1", "");
	for (int i = 0; i < MANY; i++) {
		snprintf(json, sizeof(json), "{\"id\":\"n%d\",\"merchant\":\"m1\"}", i);
		world_put(TRIB_NOUN_GOODS, json);
		snprintf(json, sizeof(json),
			 "{\"id\":\"e%d\",\"activity\":\"a1\",\"goods\":\"n%d\",\"commission_bps\":1500,\"service_bps\":300}", i, i);
		MUST(put_by(&admin, TRIB_NOUN_ENROLMENT, json));
		snprintf(id, sizeof(id), "e%d", i);
		MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, id, "approve", "{}"));
	}
	MUST(act_by(&leader, TRIB_NOUN_ACTIVITY, "a1", "delist", "{\"reason\":\"r\"}"));
	world_pass(DAY);
	until(DAY_4);
	for (int i = 0; i < MANY; i += 100) {
		snprintf(id, sizeof(id), "e%d", i);
		snprintf(json, sizeof(json), "n%d", i);
		assert_int_equal(terms_of(json, id).offer_outcome, TRIB_OUTCOME_PLAN_ENDED);
	}
	const char *reason = "";

	world_crash();
	assert_true(trib_engine_check(world.engine, &reason));
	SHOWS(TRIB_NOUN_ENROLMENT, "e7", "\"status\":\"ended\"");
}

static void delisting_takes_its_notice(void **state)
{
	market();
	publish("a1", ",\"notice\":\"12h\"");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2500", "500")));
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"));
	assert_int_equal(world_ask((struct trib_call){ .kind = TRIB_CALL_CLOSE, .noun = TRIB_NOUN_ACTIVITY, .actor = leader,
						 .name = trib_bytes_text("a1") },
			     NULL, NULL),
			 TRIB_REFUSED);
	assert_int_equal(act_by(&leader, TRIB_NOUN_ACTIVITY, "a1", "withdraw", "{}"), TRIB_REFUSED);
	until(DAY_4);
	assert_int_equal(act_by(&leader, TRIB_NOUN_ACTIVITY, "a1", "delist", "{}"), TRIB_INVALID); /* why? */
	assert_int_equal(act_by(&leader, TRIB_NOUN_ACTIVITY, "a1", "delist", "{\"reason\":\"r\",\"at\":1}"), TRIB_REFUSED);
	MUST(act_by(&leader, TRIB_NOUN_ACTIVITY, "a1", "delist", "{\"reason\":\"no stock\"}"));
	SHOWS(TRIB_NOUN_ACTIVITY, "a1", "\"phase\":\"promoting\"");
	assert_int_equal(terms_of("g1", "e1").offer_outcome, TRIB_OUTCOME_NONE);
	world_pass(DAY / 2);
	SHOWS(TRIB_NOUN_ACTIVITY, "a1", "\"phase\":\"delisted\"");
	SHOWS(TRIB_NOUN_ENROLMENT, "e1", "\"status\":\"ended\"");
	assert_int_equal(terms_of("g1", "e1").offer_outcome, TRIB_OUTCOME_PLAN_ENDED);
	assert_int_equal(terms_of("g1", "e1").commission_bps, 1000); /* falls back to the general plan */
}

/* --- Restart ------------------------------------------------------------------------------------------ */

static void restart_comes_to_the_same(void **state)
{
	static const struct {
		enum trib_noun noun;
		const char *id;
	} shown[] = { { TRIB_NOUN_ACTIVITY, "a1" }, { TRIB_NOUN_ENROLMENT, "e1" }, { TRIB_NOUN_ENROLMENT, "e2" },
		      { TRIB_NOUN_COOPERATION, "co1" }, { TRIB_NOUN_PLAN, "e1" }, { TRIB_NOUN_PLAN, "e1.co1" } };
	char before[TRIB_ARRAY_SIZE(shown)][4096];

	market();
	publish("a1", ",\"leader2\":{\"min_service_bps\":100},\"requirements_when\":\"goods.price > 100\"");
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e1", "g1", "2500", "500")));
	MUST(put_by(&merchant, TRIB_NOUN_ENROLMENT, ENROL("e2", "g2", "2500", "500")));
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e1", "approve", "{}"));
	MUST(act_by(&leader, TRIB_NOUN_ENROLMENT, "e2", "reject", "{\"reason\":\"no\"}"));
	MUST(put_by(&leader2, TRIB_NOUN_COOPERATION, COOPERATE("co1", "200")));
	MUST(act_by(&leader, TRIB_NOUN_COOPERATION, "co1", "accept", "{}"));
	MUST(offer_by(&leader2, "{\"enrolments\":[\"e1\"]}"));
	until(DAY_4);
	world_put(TRIB_NOUN_GOODS, PRICE("2000"));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(shown); i++)
		snprintf(before[i], sizeof(before[i]), "%s", get(shown[i].noun, shown[i].id));
	for (int round = 0; round < 3; round++) {
		const char *reason = "";

		if (round % 2)
			world_restart();
		else
			world_crash();
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(shown); i++)
			assert_string_equal(get(shown[i].noun, shown[i].id), before[i]);
		assert_true(trib_engine_check(world.engine, &reason));
		assert_non_null(strstr(list(TRIB_CALL_ENROLMENTS_OF_ACTIVITY, "a1", "", 0, ""),
				       "\"counts\":{\"submitted\":0,\"approved\":1,\"rejected\":1,"));
		assert_int_equal(count_of(list(TRIB_CALL_ENROLMENTS_OF_MERCHANT, "m1", "", 0, ""), "\"activity\":\"a1\""), 2);
	}
	/* Where it goes on. */
	world_pass(1000);
	assert_int_equal(terms_of("g1", "e1").offer_outcome, TRIB_OUTCOME_PLAN_PAUSED);
	world_put(TRIB_NOUN_GOODS, PRICE("1999"));
	world_pass(1000);
	assert_int_equal(terms_of("g1", "e1.co1").service2_bps, 200);
}

#define IN_A_MARKET(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_MARKET(every_state_actor_and_action),   IN_A_MARKET(what_may_be_enrolled),
		IN_A_MARKET(an_approved_enrolment_is_an_offer), IN_A_MARKET(lower_terms_are_looked_at_again),
		IN_A_MARKET(a_price_above_the_enrolled_one), IN_A_MARKET(a_price_raised_before_approval),
		IN_A_MARKET(goods_of_an_exclusive_activity), IN_A_MARKET(a_second_level_leader_sells_it_on),
		IN_A_MARKET(many_at_once),		     IN_A_MARKET(delisting_takes_its_notice),
		IN_A_MARKET(restart_comes_to_the_same),	     IN_A_MARKET(others_are_not_shown),
		IN_A_MARKET(a_full_activity_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
