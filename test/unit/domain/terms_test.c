/*
 * Terms in rule order: what each kind, state and time comes to, the expected outcome and winner in
 * the last columns. Times are small numbers: everything was put at 1000 unless it says otherwise.
 */
#include "world.h"

/* One thing that happens to the world before the question. */
struct step {
	int64_t now_ms;
	enum trib_noun noun;
	const char *json; /* or DELETE and the id; or STATUS, the id and what the door takes */
};

#define PARTY(text)                                                                                \
	{                                                                                          \
		1000, TRIB_NOUN_PARTY, text                                                        \
	}
#define PLAN(text)                                                                                 \
	{                                                                                          \
		1000, TRIB_NOUN_PLAN, text                                                         \
	}
#define PLAN_AT(now, text)                                                                         \
	{                                                                                          \
		now, TRIB_NOUN_PLAN, text                                                          \
	}
#define GENERAL                                                                                    \
	PLAN("{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"                           \
	     "\"terms\":{\"commission_bps\":1000,\"platform_bps\":100,\"agency_bps\":2000}}")
#define ACTIVITY(name, bps, leader)                                                                \
	PLAN("{\"id\":\"" name "\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":\"activity\","    \
	     "\"terms\":{\"commission_bps\":" bps ",\"service_bps\":300,\"service2_bps\":150,"     \
	     "\"leader\":\"" leader "\",\"leader2\":\"l9\"}}")
#define EXCLUSIVE(name, who)                                                                       \
	"{\"id\":\"" name "\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":\"exclusive\","        \
	"\"creators\":[\"" who "\"],\"terms\":{\"commission_bps\":500}}"
#define TARGETED(name, who, bps)                                                                   \
	PLAN("{\"id\":\"" name "\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":\"targeted\","    \
	     "\"creators\":[\"" who "\"],\"terms\":{\"commission_bps\":" bps "}}")

struct row {
	const char *name;
	struct step steps[6];
	const char *creator, *offer;
	int64_t at_ms, lock_ms;
	/* expected */
	const char *plan; /* plan@version of the winner */
	int32_t commission_bps;
	const char *leader;
	int32_t service_bps;
	enum trib_outcome offer_outcome;
	enum trib_outcome outcome;
};

#define WINS(...)	  __VA_ARGS__, TRIB_OUTCOME_NONE, TRIB_OUTCOME_NONE
#define COMES_TO(outcome) NULL, 0, NULL, 0, TRIB_OUTCOME_NONE, TRIB_OUTCOME_##outcome

static const struct row rows[] = {
	/* no_plan */
	{ "no plan at all", { { 0 } }, "a", NULL, 1000, 1000, COMES_TO(NO_PLAN) },
	{ "a targeted plan of somebody else is no plan for others",
	  { TARGETED("t", "b", "2000") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  COMES_TO(NO_PLAN) },
	{ "the plan lists the goods no longer",
	  { GENERAL, PLAN_AT(2000, "{\"id\":\"general\",\"merchant\":\"m\"}") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(NO_PLAN) },
	{ "the plan did not list them yet: with orders that come late, time decides",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\"}"),
	    PLAN_AT(2000, "{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"]}") },
	  "a",
	  NULL,
	  1999,
	  1999,
	  COMES_TO(NO_PLAN) },
	{ "a level that the creator has not reached",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"creators_when\":\"level >= "
		 "5\"}") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  COMES_TO(NO_PLAN) },
	{ "a general plan may be limited to some creators",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"creators\":[\"b\"]}") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  COMES_TO(NO_PLAN) },
	/* plan_not_started, plan_paused, plan_ended */
	{ "starts later",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"effective_from\":5000}") },
	  "a",
	  NULL,
	  4999,
	  4999,
	  COMES_TO(PLAN_NOT_STARTED) },
	{ "put after the order was made",
	  { GENERAL },
	  "a",
	  NULL,
	  999,
	  999,
	  COMES_TO(PLAN_NOT_STARTED) },
	{ "paused",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"status\":\"paused\"}") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  COMES_TO(PLAN_PAUSED) },
	{ "paused, and its time is over",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"status\":\"paused\","
		 "\"effective_to\":3000}") },
	  "a",
	  NULL,
	  3000,
	  3000,
	  COMES_TO(PLAN_ENDED) },
	{ "ended",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"status\":\"ended\"}") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  COMES_TO(PLAN_ENDED) },
	{ "its time is over at effective_to",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"effective_to\":3000}") },
	  "a",
	  NULL,
	  3000,
	  3000,
	  COMES_TO(PLAN_ENDED) },
	{ "and not a millisecond before",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"effective_to\":3000}") },
	  "a",
	  NULL,
	  2999,
	  2999,
	  WINS("p@1", 0, NULL, 0) },
	{ "closed by DELETE",
	  { GENERAL, PLAN_AT(2000, "DELETE general") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(PLAN_ENDED) },
	{ "closed after the order was made",
	  { GENERAL, PLAN_AT(2000, "DELETE general") },
	  "a",
	  NULL,
	  1999,
	  1999,
	  WINS("general@1", 1000, NULL, 0) },
	{ "of several states the first in the fixed order",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"status\":\"ended\"}"),
	    PLAN("{\"id\":\"q\",\"merchant\":\"m\",\"goods\":[\"g\"],\"status\":\"paused\"}"),
	    PLAN("{\"id\":\"r\",\"merchant\":\"m\",\"goods\":[\"g\"],\"effective_from\":5000}") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(PLAN_NOT_STARTED) },
	{ "a targeted plan of somebody else has no state for others",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],\"status\":\"ended\"}"),
	    PLAN("{\"id\":\"q\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":\"targeted\","
		 "\"creators\":[\"b\"],\"effective_from\":5000}") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(PLAN_ENDED) },
	/* goods_withdrawn, party_frozen */
	{ "goods withdrawn",
	  { GENERAL,
	    { 1000, TRIB_NOUN_GOODS,
	      "{\"id\":\"g\",\"merchant\":\"m\",\"status\":\"withdrawn\"}" } },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(GOODS_WITHDRAWN) },
	{ "goods closed",
	  { GENERAL, { 1000, TRIB_NOUN_GOODS, "DELETE g" } },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(GOODS_WITHDRAWN) },
	{ "creator frozen",
	  { GENERAL, PARTY("{\"id\":\"a\",\"status\":\"frozen\"}") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(PARTY_FROZEN) },
	{ "creator closed",
	  { GENERAL, PARTY("DELETE a") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(PARTY_FROZEN) },
	{ "merchant frozen",
	  { GENERAL, PARTY("{\"id\":\"m\",\"status\":\"frozen\"}") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(PARTY_FROZEN) },
	{ "restricted is not frozen",
	  { GENERAL, PARTY("{\"id\":\"a\",\"status\":\"restricted\"}") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  WINS("general@1", 1000, NULL, 0) },
	{ "withdrawn comes before frozen",
	  { GENERAL, { 1000, TRIB_NOUN_GOODS, "DELETE g" }, PARTY("DELETE a") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(GOODS_WITHDRAWN) },
	{ "ended comes before withdrawn",
	  { GENERAL, PLAN("DELETE general"), { 1000, TRIB_NOUN_GOODS, "DELETE g" } },
	  "a",
	  NULL,
	  2000,
	  2000,
	  COMES_TO(PLAN_ENDED) },
	/* creator_not_allowed */
	{ "exclusive plan made after another creator's link",
	  { GENERAL, PLAN_AT(5000, EXCLUSIVE("x", "b")) },
	  "a",
	  NULL,
	  6000,
	  2000,
	  COMES_TO(CREATOR_NOT_ALLOWED) },
	{ "an order from before the exclusive plan is allowed",
	  { GENERAL, PLAN_AT(5000, EXCLUSIVE("x", "b")) },
	  "a",
	  NULL,
	  4999,
	  2000,
	  WINS("general@1", 1000, NULL, 0) },
	{ "the exclusive plan is the only one",
	  { PLAN(EXCLUSIVE("x", "b")) },
	  "a",
	  NULL,
	  1000,
	  1000,
	  COMES_TO(CREATOR_NOT_ALLOWED) },
	{ "a targeted plan does not help against an exclusive one",
	  { TARGETED("t", "a", "3000"), PLAN(EXCLUSIVE("x", "b")) },
	  "a",
	  NULL,
	  1000,
	  1000,
	  COMES_TO(CREATOR_NOT_ALLOWED) },
	{ "one exclusive plan each",
	  { PLAN(EXCLUSIVE("x", "b")), PLAN(EXCLUSIVE("y", "a")) },
	  "a",
	  NULL,
	  1000,
	  1000,
	  WINS("y@1", 500, NULL, 0) },
	{ "an exclusive plan that is over stops nobody",
	  { GENERAL, PLAN(EXCLUSIVE("x", "b")), PLAN_AT(2000, "DELETE x") },
	  "a",
	  NULL,
	  2000,
	  2000,
	  WINS("general@1", 1000, NULL, 0) },
	{ "frozen comes before not allowed",
	  { PLAN(EXCLUSIVE("x", "b")), PARTY("DELETE a") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  COMES_TO(PARTY_FROZEN) },
	/* who wins */
	{ "exclusive before targeted",
	  { TARGETED("t", "a", "3000"), PLAN(EXCLUSIVE("x", "a")) },
	  "a",
	  NULL,
	  1000,
	  1000,
	  WINS("x@1", 500, NULL, 0) },
	{ "targeted before the chosen activity",
	  { ACTIVITY("act", "4000", "l1"), TARGETED("t", "a", "2000") },
	  "a",
	  "act",
	  1000,
	  1000,
	  WINS("t@1", 2000, "l1", 300) },
	{ "targeted: others keep theirs",
	  { GENERAL, TARGETED("t", "b", "2000") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  WINS("general@1", 1000, NULL, 0) },
	{ "the chosen activity before the general plan",
	  { GENERAL, ACTIVITY("act", "500", "l1") },
	  "a",
	  "act",
	  1000,
	  1000,
	  WINS("act@1", 500, "l1", 300) },
	{ "two leaders, same goods: the one that was chosen is paid",
	  { ACTIVITY("act1", "2000", "l1"), ACTIVITY("act2", "500", "l2") },
	  "a",
	  "act2",
	  1000,
	  1000,
	  WINS("act2@1", 500, "l2", 300) },
	{ "an activity that nobody chose gives way to the general plan",
	  { GENERAL, ACTIVITY("act", "3000", "l1") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  WINS("general@1", 1000, NULL, 0) },
	{ "but is better than nothing",
	  { ACTIVITY("act", "3000", "l1") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  WINS("act@1", 3000, "l1", 300) },
	{ "managed replaces general",
	  { GENERAL,
	    PLAN("{\"id\":\"mg\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":\"managed\","
		 "\"terms\":{\"commission_bps\":800}}") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  WINS("mg@1", 800, NULL, 0) },
	{ "equal kinds: the higher commission",
	  { TARGETED("t", "a", "2500"), TARGETED("u", "a", "2000") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  WINS("t@1", 2500, NULL, 0) },
	{ "equal commission: the newer",
	  { TARGETED("t", "a", "2000"), TARGETED("u", "a", "2000") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  WINS("u@1", 2000, NULL, 0) },
	{ "an audience by condition",
	  { GENERAL,
	    PLAN("{\"id\":\"t\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":\"targeted\","
		 "\"creators_when\":\"level >= 2\",\"terms\":{\"commission_bps\":2000}}") },
	  "a",
	  NULL,
	  1000,
	  1000,
	  WINS("t@1", 2000, NULL, 0) },
	/* statuses by time: the order's AT decides */
	{ "paused from a time on: before it",
	  { GENERAL, PLAN("STATUS general {\"status\":\"paused\",\"from\":5000}") },
	  "a",
	  NULL,
	  4999,
	  4999,
	  WINS("general@1", 1000, NULL, 0) },
	{ "paused from a time on: from it on",
	  { GENERAL, PLAN("STATUS general {\"status\":\"paused\",\"from\":5000}") },
	  "a",
	  NULL,
	  5000,
	  5000,
	  COMES_TO(PLAN_PAUSED) },
	{ "paused for a while",
	  { GENERAL, PLAN("STATUS general {\"status\":\"active\",\"from\":8000}"),
	    PLAN("STATUS general {\"status\":\"paused\",\"from\":5000}") },
	  "a",
	  NULL,
	  8000,
	  8000,
	  WINS("general@1", 1000, NULL, 0) },
	{ "set for the past, late",
	  { GENERAL, PLAN_AT(9000, "STATUS general {\"status\":\"ended\",\"from\":3000}") },
	  "a",
	  NULL,
	  3500,
	  3500,
	  COMES_TO(PLAN_ENDED) },
	{ "a new version does not open what is paused",
	  { GENERAL, PLAN("STATUS general {\"status\":\"paused\"}"),
	    PLAN_AT(2000, "{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
			  "\"terms\":{\"commission_bps\":1100}}") },
	  "a",
	  NULL,
	  3000,
	  3000,
	  COMES_TO(PLAN_PAUSED) },
	{ "unless it says so",
	  { GENERAL, PLAN("STATUS general {\"status\":\"paused\"}"),
	    PLAN_AT(2000, "{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
			  "\"status\":\"active\",\"terms\":{\"commission_bps\":1100}}") },
	  "a",
	  NULL,
	  3000,
	  3000,
	  WINS("general@2", 1100, NULL, 0) },
	{ "closed drops what was planned behind it",
	  { GENERAL, PLAN("STATUS general {\"status\":\"active\",\"from\":8000}"),
	    PLAN_AT(4000, "DELETE general") },
	  "a",
	  NULL,
	  9000,
	  9000,
	  COMES_TO(PLAN_ENDED) },
	{ "goods withdrawn from a time on",
	  { GENERAL,
	    { 1000, TRIB_NOUN_GOODS, "STATUS g {\"status\":\"withdrawn\",\"from\":5000}" } },
	  "a",
	  NULL,
	  5000,
	  5000,
	  COMES_TO(GOODS_WITHDRAWN) },
	{ "and an order from before",
	  { GENERAL,
	    { 1000, TRIB_NOUN_GOODS, "STATUS g {\"status\":\"withdrawn\",\"from\":5000}" } },
	  "a",
	  NULL,
	  4999,
	  4999,
	  WINS("general@1", 1000, NULL, 0) },
	{ "a creator frozen for a while",
	  { GENERAL, PARTY("STATUS a {\"status\":\"frozen\",\"from\":2000,\"reason\":\"returns\"}"),
	    PARTY("STATUS a {\"status\":\"active\",\"from\":3000}") },
	  "a",
	  NULL,
	  2999,
	  2999,
	  COMES_TO(PARTY_FROZEN) },
	{ "a merchant frozen, the order locked before",
	  { GENERAL, PARTY("STATUS m {\"status\":\"frozen\",\"from\":2000}") },
	  "a",
	  NULL,
	  2500,
	  1500,
	  COMES_TO(PARTY_FROZEN) },
	{ "an exclusive plan that is paused stops nobody",
	  { GENERAL, PLAN(EXCLUSIVE("x", "b")),
	    PLAN("STATUS x {\"status\":\"paused\",\"from\":5000}") },
	  "a",
	  NULL,
	  5000,
	  5000,
	  WINS("general@1", 1000, NULL, 0) },
	/* the grace of an exclusive plan */
	{ "exclusive plan made after another creator's link, with grace: within it",
	  { GENERAL, PLAN_AT(5000, "{\"id\":\"x\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":"
				   "\"exclusive\",\"creators\":[\"b\"],\"grace\":\"2s\"}") },
	  "a",
	  NULL,
	  6999,
	  2000,
	  WINS("general@1", 1000, NULL, 0) },
	{ "… and when it is over",
	  { GENERAL, PLAN_AT(5000, "{\"id\":\"x\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":"
				   "\"exclusive\",\"creators\":[\"b\"],\"grace\":\"2s\"}") },
	  "a",
	  NULL,
	  7000,
	  2000,
	  COMES_TO(CREATOR_NOT_ALLOWED) },
	{ "another rate does not begin the grace anew",
	  { GENERAL, PLAN_AT(5000, "{\"id\":\"x\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":"
				   "\"exclusive\",\"creators\":[\"b\"],\"grace\":\"2s\"}"),
	    PLAN_AT(6500, "{\"id\":\"x\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":"
			  "\"exclusive\",\"creators\":[\"b\"],\"grace\":\"2s\","
			  "\"terms\":{\"commission_bps\":100}}") },
	  "a",
	  NULL,
	  7000,
	  2000,
	  COMES_TO(CREATOR_NOT_ALLOWED) },
	/* the offer */
	{ "the offer's leader is paid when an exclusive plan wins",
	  { ACTIVITY("act", "1000", "l1"), PLAN(EXCLUSIVE("x", "a")) },
	  "a",
	  "act",
	  1000,
	  1000,
	  WINS("x@1", 500, "l1", 300) },
	{ "an offer that has ended: fall back to the winner's",
	  { GENERAL, ACTIVITY("act", "500", "l1"), PLAN_AT(2000, "DELETE act") },
	  "a",
	  "act",
	  3000,
	  1500,
	  "general@1",
	  1000,
	  NULL,
	  0,
	  TRIB_OUTCOME_PLAN_ENDED,
	  TRIB_OUTCOME_NONE },
	{ "an offer of other goods is none",
	  { GENERAL, PLAN("{\"id\":\"q\",\"merchant\":\"m\",\"terms\":{\"leader\":\"l1\"}}") },
	  "a",
	  "q",
	  1000,
	  1000,
	  "general@1",
	  1000,
	  NULL,
	  0,
	  TRIB_OUTCOME_NO_PLAN,
	  TRIB_OUTCOME_NONE },
	{ "a general plan as the offer has no leader, whoever wins",
	  { GENERAL, ACTIVITY("act", "500", "l1"), TARGETED("t", "a", "2000") },
	  "a",
	  "general",
	  1000,
	  1000,
	  WINS("t@1", 2000, NULL, 0) },
	{ "a refusal says what became of the offer too",
	  { ACTIVITY("act", "500", "l1"), PLAN("DELETE act") },
	  "a",
	  "act",
	  2000,
	  2000,
	  NULL,
	  0,
	  NULL,
	  0,
	  TRIB_OUTCOME_PLAN_ENDED,
	  TRIB_OUTCOME_PLAN_ENDED },
	/* the lock */
	{ "rate cut between click and order, lock order",
	  { GENERAL, PLAN_AT(5000, "{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
				   "\"terms\":{\"commission_bps\":400}}") },
	  "a",
	  NULL,
	  6000,
	  6000,
	  WINS("general@2", 400, NULL, 0) },
	{ "rate cut between click and order, lock link",
	  { GENERAL, PLAN_AT(5000, "{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
				   "\"terms\":{\"commission_bps\":400}}") },
	  "a",
	  NULL,
	  6000,
	  2000,
	  WINS("general@1", 1000, NULL, 0) },
	{ "a cut that was announced: not before its day",
	  { GENERAL, PLAN("{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
			  "\"effective_from\":5000,\"terms\":{\"commission_bps\":400}}") },
	  "a",
	  NULL,
	  4999,
	  4999,
	  WINS("general@1", 1000, NULL, 0) },
	{ "a cut that was announced: on its day",
	  { GENERAL, PLAN("{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
			  "\"effective_from\":5000,\"terms\":{\"commission_bps\":400}}") },
	  "a",
	  NULL,
	  5000,
	  5000,
	  WINS("general@2", 400, NULL, 0) },
	{ "a cut that was announced and taken back",
	  { GENERAL,
	    PLAN("{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
		 "\"effective_from\":5000,\"terms\":{\"commission_bps\":400}}"),
	    PLAN_AT(2000, "{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
			  "\"terms\":{\"commission_bps\":900}}") },
	  "a",
	  NULL,
	  6000,
	  6000,
	  WINS("general@3", 900, NULL, 0) },
	{ "a version that rules the past, put late",
	  { GENERAL, PLAN_AT(9000, "{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
				   "\"effective_from\":500,\"terms\":{\"commission_bps\":1200}}") },
	  "a",
	  NULL,
	  600,
	  600,
	  WINS("general@2", 1200, NULL, 0) },
	{ "a plan that did not exist when the link was made: its rate at the order",
	  { GENERAL, PLAN_AT(5000, "DELETE general"),
	    PLAN_AT(5000, "{\"id\":\"n\",\"merchant\":\"m\",\"goods\":[\"g\"],"
			  "\"terms\":{\"commission_bps\":700}}") },
	  "a",
	  NULL,
	  6000,
	  2000,
	  WINS("n@1", 700, NULL, 0) },
	{ "a version that did not list the goods locks nothing",
	  { PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"terms\":{\"commission_bps\":3000}}"),
	    PLAN_AT(5000, "{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],"
			  "\"terms\":{\"commission_bps\":700}}") },
	  "a",
	  NULL,
	  6000,
	  2000,
	  WINS("p@2", 700, NULL, 0) },
	{ "listed, dropped, listed again: the link's version counts",
	  { GENERAL, PLAN_AT(3000, "{\"id\":\"general\",\"merchant\":\"m\"}"),
	    PLAN_AT(5000, "{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
			  "\"terms\":{\"commission_bps\":700}}") },
	  "a",
	  NULL,
	  6000,
	  2000,
	  WINS("general@1", 1000, NULL, 0) },
	{ "the lock holds the leader's rate as well",
	  { ACTIVITY("act", "1000", "l1"),
	    PLAN_AT(5000,
		    "{\"id\":\"act\",\"merchant\":\"m\",\"goods\":[\"g\"],\"kind\":\"activity\","
		    "\"terms\":{\"commission_bps\":900,\"service_bps\":100,\"leader\":\"l2\"}}"),
	    TARGETED("t", "a", "2000") },
	  "a",
	  "act",
	  6000,
	  2000,
	  WINS("t@1", 2000, "l1", 300) },
	{ "the rate that would be locked decides between equals",
	  { GENERAL,
	    PLAN("{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],"
		 "\"terms\":{\"commission_bps\":1500}}"),
	    PLAN_AT(5000, "{\"id\":\"p\",\"merchant\":\"m\",\"goods\":[\"g\"],"
			  "\"terms\":{\"commission_bps\":200}}") },
	  "a",
	  NULL,
	  6000,
	  2000,
	  WINS("p@1", 1500, NULL, 0) },
	/* who is not there */
	{ "an unknown creator", { GENERAL }, NULL, NULL, 2000, 2000, COMES_TO(NO_PLAN) },
};

static void seed(struct world *world)
{
	static const char *const parties[] = { "m", "l1", "l2", "l9", "mcn", "b" };
	char json[64];

	world_init(world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(parties); i++) {
		snprintf(json, sizeof(json), "{\"id\":\"%s\"}", parties[i]);
		world_put(world, TRIB_NOUN_PARTY, json);
	}
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"a\",\"agency\":\"mcn\",\"level\":2}");
	world_put(world, TRIB_NOUN_GOODS, "{\"id\":\"g\",\"merchant\":\"m\"}");
}

static void take_steps(struct world *world, const struct step *steps)
{
	for (int i = 0; i < 6 && steps[i].json; i++) {
		world->now_ms = steps[i].now_ms;
		if (strncmp(steps[i].json, "STATUS ", 7) == 0) {
			char id[16];

			sscanf(steps[i].json + 7, "%15s", id);
			assert_ok(world_status(world, steps[i].noun, id, strchr(steps[i].json, '{')),
				  world->error);
		} else if (strncmp(steps[i].json, "DELETE ", 7) == 0)
			assert_ok(world_close(world, steps[i].noun, steps[i].json + 7),
				  world->error);
		else
			world_put(world, steps[i].noun, steps[i].json);
	}
}

static void expect(const struct world *world, const struct row *row, const struct trib_terms *terms)
{
	char plan[80] = "", text[200], expected[200];
	const struct trib_domain *domain = world->domain;

	if (terms->plan)
		snprintf(plan, sizeof(plan), TRIB_BYTES_FMT "@%u",
			 TRIB_BYTES_ARG(trib_domain_id(domain, TRIB_NOUN_PLAN, terms->plan)),
			 terms->plan_version);
	snprintf(text, sizeof(text), "%s %s %d leader %u %d offer %s",
		 trib_outcome_word(terms->outcome), plan, terms->commission_bps, terms->leader,
		 terms->service_bps, trib_outcome_word(terms->offer_outcome));
	snprintf(expected, sizeof(expected), "%s %s %d leader %u %d offer %s",
		 trib_outcome_word(row->outcome), row->plan ? row->plan : "", row->commission_bps,
		 world_number(world, TRIB_NOUN_PARTY, row->leader), row->service_bps,
		 trib_outcome_word(row->offer_outcome));
	if (strcmp(text, expected) != 0)
		fail_msg("%s: found %s, expected %s", row->name, text, expected);
}

static void rows_in_rule_order(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct trib_terms terms;
		struct world world;

		seed(&world);
		take_steps(&world, row->steps);
		struct trib_terms_request request = {
			.goods = world_number(&world, TRIB_NOUN_GOODS, "g"),
			.creator = world_number(&world, TRIB_NOUN_PARTY, row->creator),
			.offer = world_number(&world, TRIB_NOUN_PLAN, row->offer),
			.at_ms = row->at_ms,
			.lock_ms = row->lock_ms,
		};

		trib_terms_resolve(world.domain, &request, &terms);
		expect(&world, row, &terms);
		world_fini(&world);
	}
}

static void all_that_terms_name(void **state)
{
	struct trib_terms terms;
	struct world world;

	seed(&world);
	take_steps(&world, (struct step[6]){ GENERAL, ACTIVITY("act", "500", "l1"), { 0 } });
	struct trib_terms_request request = {
		.goods = 1,
		.creator = world_number(&world, TRIB_NOUN_PARTY, "a"),
		.offer = world_number(&world, TRIB_NOUN_PLAN, "act"),
		.at_ms = 2000,
		.lock_ms = 2000,
	};

	trib_terms_resolve(world.domain, &request, &terms);
	assert_int_equal(terms.kind, TRIB_WORD_ACTIVITY);
	assert_int_equal(terms.offer, request.offer);
	assert_int_equal(terms.offer_version, 1);
	assert_int_equal(terms.merchant, world_number(&world, TRIB_NOUN_PARTY, "m"));
	assert_int_equal(terms.creator, request.creator);
	assert_int_equal(terms.agency, world_number(&world, TRIB_NOUN_PARTY, "mcn"));
	assert_int_equal(terms.leader2, world_number(&world, TRIB_NOUN_PARTY, "l9"));
	assert_int_equal(terms.service2_bps, 150);
	request.offer = 0;
	trib_terms_resolve(world.domain, &request, &terms);
	assert_int_equal(terms.kind, TRIB_WORD_GENERAL);
	assert_int_equal(terms.platform_bps, 100);
	assert_int_equal(terms.agency_bps, 2000);
	assert_int_equal(terms.offer, 0);
	/* Numbers that a token of another life may bear. */
	request = (struct trib_terms_request){ 999, request.creator, 999, 2000, 2000 };
	trib_terms_resolve(world.domain, &request, &terms);
	assert_int_equal(terms.outcome, TRIB_OUTCOME_NO_PLAN);
	world_fini(&world);
}

static void every_candidate_is_explained(void **state)
{
	static const struct {
		const char *plan;
		enum trib_terms_verdict verdict;
		int32_t commission_bps;
	} expected[] = {
		{ "general", TRIB_TERMS_LOWER_KIND, 1000 },
		{ "t", TRIB_TERMS_OLDER, 2000 },
		{ "u", TRIB_TERMS_WON, 2000 },
		{ "v", TRIB_TERMS_OTHER_CREATORS, 5000 },
		{ "w", TRIB_TERMS_LOWER_COMMISSION, 100 },
		{ "x", TRIB_TERMS_ENDED, 500 },
	};
	struct trib_terms_candidate candidates[8];
	struct world world;

	seed(&world);
	take_steps(&world, (struct step[6]){ GENERAL, TARGETED("t", "a", "2000"),
					     TARGETED("u", "a", "2000"), TARGETED("v", "b", "5000"),
					     TARGETED("w", "a", "100"),
					     PLAN_AT(1000, EXCLUSIVE("x", "a")) });
	assert_ok(world_close(&world, TRIB_NOUN_PLAN, "x"), world.error);
	struct trib_terms_request request = {
		.goods = 1,
		.creator = world_number(&world, TRIB_NOUN_PARTY, "a"),
		.at_ms = 2000,
		.lock_ms = 2000,
	};

	assert_int_equal(trib_terms_explain(world.domain, &request, candidates, 8),
			 TRIB_ARRAY_SIZE(expected));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(expected); i++) {
		assert_int_equal(candidates[i].plan,
				 world_number(&world, TRIB_NOUN_PLAN, expected[i].plan));
		assert_string_equal(trib_terms_verdict_word(candidates[i].verdict),
				    trib_terms_verdict_word(expected[i].verdict));
		assert_int_equal(candidates[i].commission_bps, expected[i].commission_bps);
	}
	/*
	 * Nobody wins against an exclusive plan of others, and the count does not depend on the
	 * capacity.
	 */
	world_put(&world, TRIB_NOUN_PLAN, EXCLUSIVE("x", "b"));
	assert_int_equal(trib_terms_explain(world.domain, &request, candidates, 3), 6);
	assert_int_equal(candidates[2].verdict, TRIB_TERMS_BARRED);
	world_fini(&world);
}

/* A registration that states another order, by which its links are judged. */
static void a_registration_may_rank_plans_its_own_way(void **state)
{
	static const struct {
		const char *says, *plan;
		enum trib_terms_verdict of_target;
	} ways[] = {
		{ "", "t", TRIB_TERMS_WON },
		{ ",\"precedence\":[\"general\"]", "general", TRIB_TERMS_LOWER_KIND },
		{ ",\"precedence\":[\"activity\",\"targeted\"]", "act", TRIB_TERMS_LOWER_KIND },
		{ ",\"precedence\":[\"managed\"]", "t", TRIB_TERMS_WON },
		{ ",\"ties\":[\"lower_commission\"]", "u", TRIB_TERMS_HIGHER_COMMISSION },
		{ ",\"ties\":[\"newer\"]", "u", TRIB_TERMS_OLDER },
		{ ",\"ties\":[\"older\"]", "t", TRIB_TERMS_WON },
	};
	struct trib_terms_candidate candidates[8];
	struct trib_terms terms;
	struct world world;
	char json[160];

	seed(&world);
	take_steps(&world, (struct step[6]){ GENERAL, ACTIVITY("act", "100", "l1"),
					     TARGETED("t", "a", "2000"), TARGETED("u", "a", "1500") });
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(ways); i++) {
		snprintf(json, sizeof(json), "{\"id\":\"r\",\"channel\":\"app\"%s}", ways[i].says);
		struct trib_terms_request request = {
			.goods = 1,
			.creator = world_number(&world, TRIB_NOUN_PARTY, "a"),
			.offer = world_number(&world, TRIB_NOUN_PLAN, "act"),
			.registration = world_put(&world, TRIB_NOUN_REGISTRATION, json),
			.at_ms = 2000,
			.lock_ms = 2000,
		};

		trib_terms_resolve(world.domain, &request, &terms);
		assert_int_equal(terms.plan, world_number(&world, TRIB_NOUN_PLAN, ways[i].plan));
		assert_int_equal(terms.leader, world_number(&world, TRIB_NOUN_PARTY, "l1"));
		assert_int_equal(trib_terms_explain(world.domain, &request, candidates, 8), 4);
		assert_int_equal(candidates[2].verdict, ways[i].of_target);
	}
	/* Whoever is among the exclusive plan's creators may sell, whatever wins. */
	world_put(&world, TRIB_NOUN_PLAN, EXCLUSIVE("x", "a"));
	struct trib_terms_request request = {
		.goods = 1,
		.creator = world_number(&world, TRIB_NOUN_PARTY, "a"),
		.registration = world_put(&world, TRIB_NOUN_REGISTRATION,
					  "{\"id\":\"r\",\"channel\":\"app\",\"precedence\":[\"targeted\"]}"),
		.at_ms = 2000,
		.lock_ms = 2000,
	};

	trib_terms_resolve(world.domain, &request, &terms);
	assert_int_equal(terms.outcome, TRIB_OUTCOME_NONE);
	assert_int_equal(terms.plan, world_number(&world, TRIB_NOUN_PLAN, "t"));
	request.creator = world_number(&world, TRIB_NOUN_PARTY, "b");
	trib_terms_resolve(world.domain, &request, &terms);
	assert_int_equal(terms.outcome, TRIB_OUTCOME_CREATOR_NOT_ALLOWED);
	world_fini(&world);
}

static void the_agency_of_order_time(void **state)
{
	struct trib_terms terms;
	struct world world;

	seed(&world);
	world_put(&world, TRIB_NOUN_PLAN,
		  "{\"id\":\"general\",\"merchant\":\"m\",\"goods\":[\"g\"],"
		  "\"terms\":{\"commission_bps\":1000,\"agency_bps\":2000}}");
	/* The agency changes between order (2000) and settlement. */
	world_put(&world, TRIB_NOUN_PARTY,
		  "{\"id\":\"a\",\"agencies\":[{\"agency\":\"l1\",\"to\":3000,\"pay\":\"all_to_agency\"},"
		  "{\"agency\":\"l2\",\"from\":3000}]}");
	struct trib_terms_request request = { .goods = 1,
					      .creator = world_number(&world, TRIB_NOUN_PARTY, "a"),
					      .at_ms = 2000,
					      .lock_ms = 9000 };

	trib_terms_resolve(world.domain, &request, &terms);
	assert_int_equal(terms.agency, world_number(&world, TRIB_NOUN_PARTY, "l1"));
	assert_int_equal(terms.agency_pay, TRIB_AGENCY_ALL);
	request.at_ms = 3000;
	trib_terms_resolve(world.domain, &request, &terms);
	assert_int_equal(terms.agency, world_number(&world, TRIB_NOUN_PARTY, "l2"));
	assert_int_equal(terms.agency_pay, TRIB_AGENCY_SPLIT);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(rows_in_rule_order),
					    cmocka_unit_test(all_that_terms_name),
					    cmocka_unit_test(every_candidate_is_explained),
					    cmocka_unit_test(a_registration_may_rank_plans_its_own_way),
					    cmocka_unit_test(the_agency_of_order_time) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
