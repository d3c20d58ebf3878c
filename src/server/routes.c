#include "server/routes.h"

#include "engine/engine.h"

#define AT_LEAST TRIB_PARAM_AT_LEAST
#define PAGE	 (TRIB_PARAM_LIMIT | TRIB_PARAM_CURSOR | TRIB_PARAM_FILTER) /* what every list takes: http_filter.c */
#define ACCOUNT                                                                                    \
	(TRIB_PARAM_PARTY | TRIB_PARAM_ROLE | TRIB_PARAM_CURRENCY | TRIB_PARAM_KIND | TRIB_PARAM_STAGE)

/* Longer patterns before shorter ones that would match the same paths. */
const struct trib_route trib_routes[] = {
	{ "POST", "/api/v1/links", TRIB_ACTION_CALL, TRIB_CALL_LINK, TRIB_BODY_MESSAGE,
	  &tributary__link_request__descriptor, AT_LEAST, "LinkAnswer", "convertLink",
	  "Convert a link: its token" },
	{ "GET", "/api/v1/tracks/{id}", TRIB_ACTION_CALL, TRIB_CALL_TRACK, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "TrackAnswer", "readTrack", "What a token says" },
	{ "POST", "/api/v1/touches", TRIB_ACTION_CALL, TRIB_CALL_TOUCH, TRIB_BODY_MESSAGE,
	  &tributary__touch_request__descriptor, AT_LEAST, "TouchAnswer", "recordTouch",
	  "Record a touch of a user" },
	{ "POST", "/api/v1/orders", TRIB_ACTION_CALL, TRIB_CALL_ORDER, TRIB_BODY_MESSAGE,
	  &tributary__order_request__descriptor, AT_LEAST, "OrderAnswer", "attributeOrder",
	  "Attribute an order line and split its money" },
	{ "POST", "/api/v1/orders/{order}/status", TRIB_ACTION_CALL, TRIB_CALL_ORDER_STATUS,
	  TRIB_BODY_MESSAGE, &tributary__order_status_request__descriptor, AT_LEAST,
	  "OrderStatusAnswer", "tellOrderStatus", "Tell what became of an order" },
	{ "POST", "/api/v1/orders/{order}:release", TRIB_ACTION_CALL, TRIB_CALL_RELEASE,
	  TRIB_BODY_MESSAGE, &tributary__review_request__descriptor, AT_LEAST, "ReviewAnswer",
	  "releaseOrder", "Release a held order: it is paid as any other" },
	{ "POST", "/api/v1/orders/{order}:reject", TRIB_ACTION_CALL, TRIB_CALL_REJECT,
	  TRIB_BODY_MESSAGE, &tributary__review_request__descriptor, AT_LEAST, "ReviewAnswer",
	  "rejectOrder", "Reject a held order: nobody is paid" },
	{ "GET", "/api/v1/reviews", TRIB_ACTION_CALL, TRIB_CALL_REVIEWS, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE, "Reviews", "listReviews", "Held orders that wait for a review" },
	{ "POST", "/api/v1/orders/{order}/refunds", TRIB_ACTION_CALL, TRIB_CALL_REFUND,
	  TRIB_BODY_MESSAGE, &tributary__refund_request__descriptor, AT_LEAST, "RefundAnswer",
	  "refundOrder", "Tell of a refund of an order" },
	{ "GET", "/api/v1/orders/{order}:explain", TRIB_ACTION_CALL, TRIB_CALL_EXPLAIN,
	  TRIB_BODY_NONE, NULL, AT_LEAST, "Explanation", "explainOrder",
	  "Why an order was decided as it was" },
	{ "GET", "/api/v1/orders/{order}", TRIB_ACTION_CALL, TRIB_CALL_ORDER_GET, TRIB_BODY_NONE,
	  NULL, AT_LEAST, "Order", "readOrder", "An order as it was decided, and what has become of it" },
	{ "GET", "/api/v1/ledger/balances", TRIB_ACTION_CALL, TRIB_CALL_BALANCES, TRIB_BODY_NONE,
	  NULL, AT_LEAST | PAGE | ACCOUNT | TRIB_PARAM_DETAIL,
	  "Balances", "readBalances", "Balances by party, role and currency" },
	{ "POST", "/api/v1/orders:record", TRIB_ACTION_CALL, TRIB_CALL_RECORD, TRIB_BODY_MESSAGE,
	  &tributary__record_batch__descriptor, AT_LEAST, "RecordAnswer", "recordOrders",
	  "Keep orders that rich clients have resolved; each is decided again and compared" },
	{ "GET", "/api/v1/keys/client", TRIB_ACTION_CALL, TRIB_CALL_KEYS, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "text/plain", "readClientKeys",
	  "The secret keys by which rich clients verify tokens; only where an access token is needed" },
	{ "GET", "/api/v1/snapshot", TRIB_ACTION_CALL, TRIB_CALL_SNAPSHOT, TRIB_BODY_NONE, NULL,
	  AT_LEAST | TRIB_PARAM_SINCE, "application/vnd.tributary.snapshot", "readSnapshot",
	  "The market for rich clients: whole, or what has changed since a position" },
	{ "GET", "/api/v1/snapshot:position", TRIB_ACTION_CALL, TRIB_CALL_MARKET_POSITION, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "MarketPosition", "readSnapshotPosition",
	  "Where the market stands: a snapshot of that position is the newest" },
	{ "POST", "/api/v1/ledger/payouts", TRIB_ACTION_CALL, TRIB_CALL_PAYOUT, TRIB_BODY_MESSAGE,
	  &tributary__payout_request__descriptor, AT_LEAST, "PayoutAnswer", "payOut",
	  "Note that a party was paid or, below 0, has paid" },
	{ "GET", "/api/v1/ledger/statements", TRIB_ACTION_CALL, TRIB_CALL_STATEMENT, TRIB_BODY_NONE,
	  NULL,
	  AT_LEAST | PAGE | ACCOUNT | TRIB_PARAM_FROM | TRIB_PARAM_TO | TRIB_PARAM_FORMAT |
		  TRIB_PARAM_LANG,
	  "Statement", "readStatement",
	  "A party's entries over a period, with opening and closing figures" },
	{ "GET", "/api/v1/tallies", TRIB_ACTION_CALL, TRIB_CALL_TALLIES, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE | TRIB_PARAM_PLAN | TRIB_PARAM_CREATOR | TRIB_PARAM_LINE, "TallyItems", "listTallies",
	  "What plans have sold and spent: budgets, daily caps, incentives, steps" },
	{ "GET", "/api/v1/experience", TRIB_ACTION_CALL, TRIB_CALL_EXPERIENCE, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE | TRIB_PARAM_MERCHANT | TRIB_PARAM_CREATOR, "ExperienceItems", "listExperience",
	  "Who worked with whom, and with what result" },
	{ "POST", "/api/v1/rules/{id}:activate", TRIB_ACTION_CALL, TRIB_CALL_RULES_ACTIVATE,
	  TRIB_BODY_MESSAGE, &tributary__activate_request__descriptor, AT_LEAST, "ActivateAnswer",
	  "activateRules", "Make a version of a rule tree the active one" },
	{ "POST", "/api/v1/rules/{id}:rollout", TRIB_ACTION_CALL, TRIB_CALL_RULES_ROLLOUT,
	  TRIB_BODY_MESSAGE, &tributary__rollout_request__descriptor, AT_LEAST, "ActivateAnswer", "rollOutRules",
	  "Give a version a part of the tree's orders, beside the active one" },
	{ "POST", "/api/v1/rules/{id}:simulate", TRIB_ACTION_CALL, TRIB_CALL_SIMULATE, TRIB_BODY_RULES, NULL,
	  AT_LEAST, "Simulation", "simulateRules",
	  "Begin to decide the tree's orders again by a version, or a tree in the body, and report what would change" },
	{ "PATCH", "/api/v1/rules/{id}/nodes/{node}", TRIB_ACTION_CALL, TRIB_CALL_RULES_PATCH, TRIB_BODY_RULES,
	  NULL, AT_LEAST, "PutAnswer", "patchRulesNode",
	  "Change one node of the latest version, which makes a new one" },
	{ "GET", "/api/v1/rules/{id}/simulations/{version}", TRIB_ACTION_CALL, TRIB_CALL_SIMULATION,
	  TRIB_BODY_NONE, NULL, AT_LEAST, "Simulation", "readSimulation",
	  "How far a simulation is, and its report" },
	{ "GET", "/api/v1/rules/{id}/versions/{version}", TRIB_ACTION_CALL, TRIB_CALL_RULES_GET,
	  TRIB_BODY_NONE, NULL, AT_LEAST, "RuleVersion", "readRulesVersion",
	  "One version of a rule tree" },
	{ "GET", "/api/v1/rules/{id}/hits", TRIB_ACTION_CALL, TRIB_CALL_RULES_HITS, TRIB_BODY_NONE,
	  NULL, AT_LEAST, "RuleHits", "readRulesHits", "How often each node of each version decided" },
	{ "GET", "/api/v1/rules/{id}", TRIB_ACTION_CALL, TRIB_CALL_RULES_GET, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "RuleVersion", "readRules", "The latest version of a rule tree; which one is active, what is rolled out and what lies ahead" },
	{ "GET", "/api/v1/rules", TRIB_ACTION_CALL, TRIB_CALL_RULES_LIST, TRIB_BODY_NONE, NULL, AT_LEAST | PAGE,
	  "RuleTreeItems", "listRules", "All rule trees" },
	{ "PUT", "/api/v1/rules/{id}", TRIB_ACTION_CALL, TRIB_CALL_RULES_PUT, TRIB_BODY_RULES, NULL,
	  AT_LEAST, "PutAnswer", "putRules", "Add an immutable version of a rule tree" },
	{ "POST", "/api/v1/plays/{id}:activate", TRIB_ACTION_CALL, TRIB_CALL_PLAY_ACTIVATE,
	  TRIB_BODY_MESSAGE, &tributary__activate_request__descriptor, AT_LEAST, "ActivateAnswer",
	  "activatePlay", "Let a version of a play take what is new from a time on" },
	{ "POST", "/api/v1/plays/{id}:rollback", TRIB_ACTION_CALL, TRIB_CALL_PLAY_ROLLBACK,
	  TRIB_BODY_NONE, NULL, AT_LEAST, "ActivateAnswer", "rollBackPlay",
	  "Back to the version that was active before; again: further back" },
	{ "GET", "/api/v1/plays/{id}/versions/{version}", TRIB_ACTION_CALL, TRIB_CALL_PLAY_VERSION,
	  TRIB_BODY_NONE, NULL, AT_LEAST, "PlayVersion", "readPlayVersion", "The files of a version of a play" },
	{ "PUT", "/api/v1/plays/{id}", TRIB_ACTION_CALL, TRIB_CALL_PLAY_PUT, TRIB_BODY_MESSAGE,
	  &tributary__play_put_request__descriptor, AT_LEAST, "PlayPutAnswer", "putPlay",
	  "Add a version of a play; the same files again are no new version" },
	{ "GET", "/api/v1/plays/{id}", TRIB_ACTION_CALL, TRIB_CALL_PLAY_GET, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "PlayDetails", "readPlay", "A play, its versions and when each was active" },
	{ "DELETE", "/api/v1/plays/{id}", TRIB_ACTION_CALL, TRIB_CALL_PLAY_CLOSE, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "ActivateAnswer", "closePlay", "Let a play take nothing new; what began with it goes on" },
	{ "GET", "/api/v1/forms/{id}", TRIB_ACTION_CALL, TRIB_CALL_FORM, TRIB_BODY_NONE, NULL,
	  AT_LEAST | TRIB_PARAM_PLAY, "Form", "readForm",
	  "What a form of an entity (plan, goods …) needs: its schema, and what a play adds" },
	{ "GET", "/api/v1/plays:resolve", TRIB_ACTION_CALL, TRIB_CALL_PLAY_RESOLVE, TRIB_BODY_NONE, NULL,
	  AT_LEAST | TRIB_PARAM_REQUEST, "PlayResolution", "resolvePlay",
	  "Whose a request would be, and why" },
	{ "GET", "/api/v1/plays", TRIB_ACTION_CALL, TRIB_CALL_PLAY_LIST, TRIB_BODY_NONE, NULL, AT_LEAST | PAGE,
	  "PlayItems", "listPlays", "All plays" },
	{ "GET", "/api/v1/capabilities", TRIB_ACTION_CALL, TRIB_CALL_CAPABILITIES, TRIB_BODY_NONE, NULL, AT_LEAST | PAGE,
	  "Capabilities", "readCapabilities", "What plays may do their own way, and which do" },
	{ "GET", "/api/v1/flows", TRIB_ACTION_CALL, TRIB_CALL_FLOW_LIST, TRIB_BODY_NONE, NULL, AT_LEAST | PAGE, "FlowRunItems",
	  "listFlows", "Runs of plays' flows, the newest first" },
	{ "GET", "/api/v1/flows/{id}", TRIB_ACTION_CALL, TRIB_CALL_FLOW, TRIB_BODY_NONE, NULL, AT_LEAST, "FlowRun",
	  "readFlow", "A run of a play's flow, step by step" },
	{ "GET", "/api/v1/plays/{id}/checklist", TRIB_ACTION_CALL, TRIB_CALL_CHECKLIST, TRIB_BODY_NONE, NULL, AT_LEAST,
	  "Checklist", "readChecklist", "A play's working instructions" },
	{ "GET", "/api/v1/lines", TRIB_ACTION_LINES, 0, TRIB_BODY_NONE, NULL, 0, "LineTitles", "readLines",
	  "The usual money lines, with names in Chinese and English, and the accounts they post to" },
	{ "GET", "/api/v1/life-cycles", TRIB_ACTION_LIFE, 0, TRIB_BODY_NONE, NULL, 0, "LifeCycles", "readLifeCycles",
	  "What may be done to entities, in which status, by whom" },
	{ "GET", "/api/v1/facts", TRIB_ACTION_FACTS, 0, TRIB_BODY_NONE, NULL, 0, "FactItems", "readFacts",
	  "The facts that conditions may ask for" },
	{ "GET", "/api/v1/expr:complete", TRIB_ACTION_COMPLETE, 0, TRIB_BODY_NONE, NULL,
	  TRIB_PARAM_TEXT | TRIB_PARAM_CURSOR, "Completion", "completeExpression",
	  "What may be written at the cursor of a condition" },
	{ "GET", "/api/v1/goods/{id}:estimate", TRIB_ACTION_CALL, TRIB_CALL_ESTIMATE,
	  TRIB_BODY_NONE, NULL, AT_LEAST | TRIB_PARAM_CREATOR | TRIB_PARAM_OFFER, "Estimate",
	  "estimateGoods", "What a creator would earn by one of these goods, at their price" },
	{ "GET", "/api/v1/goods/{id}:terms", TRIB_ACTION_CALL, TRIB_CALL_TERMS, TRIB_BODY_NONE, NULL,
	  AT_LEAST | TRIB_PARAM_CREATOR | TRIB_PARAM_AT | TRIB_PARAM_OFFER | TRIB_PARAM_REGISTRATION,
	  "TermsAnswer", "explainTerms", "What goods would earn a creator, and why that plan rules" },
	{ "GET", "/api/v1/goods/{id}:shelves", TRIB_ACTION_CALL, TRIB_CALL_GOODS_SHELVES, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "GoodsShelves", "countShelves", "On how many shelves goods are" },
	{ "GET", "/api/v1/shelves/{creator}/{kind}", TRIB_ACTION_CALL, TRIB_CALL_SHELF, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE, "ShelfPage", "readShelf",
	  "A page of a creator's shelf, with the terms, price, stock and status of now" },
	{ "PUT", "/api/v1/shelves/{creator}/{kind}", TRIB_ACTION_CALL, TRIB_CALL_SHELF_PUT, TRIB_BODY_MESSAGE,
	  &tributary__shelf__descriptor, AT_LEAST, "ShelfAnswer", "putShelf", "Replace a shelf: its entries in order" },
	{ "POST", "/api/v1/shelves/{creator}/{kind}", TRIB_ACTION_CALL, TRIB_CALL_SHELF_CHANGE, TRIB_BODY_MESSAGE,
	  &tributary__shelf_change__descriptor, AT_LEAST, "ShelfAnswer", "changeShelf",
	  "List, remove, order and group goods on a shelf, all or nothing" },
	{ "DELETE", "/api/v1/shelves/{creator}/{kind}", TRIB_ACTION_CALL, TRIB_CALL_SHELF_CLEAR, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "ShelfAnswer", "clearShelf", "Take everything off a shelf" },
	{ "PUT", "/api/v1/bounds/{category}", TRIB_ACTION_CALL, TRIB_CALL_BOUNDS_PUT,
	  TRIB_BODY_MESSAGE, &tributary__bounds__descriptor, AT_LEAST, "BoundsAnswer", "putBounds",
	  "What commissions may lie between in a category and below it" },
	{ "GET", "/api/v1/bounds/{category}", TRIB_ACTION_CALL, TRIB_CALL_BOUNDS_GET,
	  TRIB_BODY_NONE, NULL, AT_LEAST, "BoundsAnswer", "readBounds", "The bounds that hold for a category" },
	{ "DELETE", "/api/v1/bounds/{category}", TRIB_ACTION_CALL, TRIB_CALL_BOUNDS_PUT,
	  TRIB_BODY_NONE, NULL, AT_LEAST, "BoundsAnswer", "deleteBounds", "Take a category's bounds away" },
	{ "GET", "/api/v1/bounds", TRIB_ACTION_CALL, TRIB_CALL_BOUNDS_LIST, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE, "BoundsItems", "listBounds", "Categories with bounds, a page at a time" },
	{ "PUT", "/api/v1/webhooks/{id}", TRIB_ACTION_CALL, TRIB_CALL_WEBHOOK_PUT, TRIB_BODY_MESSAGE,
	  &tributary__webhook__descriptor, AT_LEAST, "PutAnswer", "putWebhook",
	  "Make or replace who is told of effects, and where" },
	{ "GET", "/api/v1/webhooks/{id}", TRIB_ACTION_CALL, TRIB_CALL_WEBHOOK_GET, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "Webhook", "readWebhook", "Read a webhook" },
	{ "DELETE", "/api/v1/webhooks/{id}", TRIB_ACTION_CALL, TRIB_CALL_WEBHOOK_CLOSE, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "PutAnswer", "closeWebhook", "Close a webhook: what waits for it is dead" },
	{ "POST", "/api/v1/webhooks/{id}:test", TRIB_ACTION_CALL, TRIB_CALL_WEBHOOK_TEST, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "Delivery", "testWebhook", "Deliver an effect of kind webhook.test to this webhook" },
	{ "GET", "/api/v1/webhooks", TRIB_ACTION_CALL, TRIB_CALL_WEBHOOK_LIST, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE, "Webhooks", "listWebhooks", "Webhooks, a page at a time" },
	{ "GET", "/api/v1/plays/{id}/metrics", TRIB_ACTION_CALL, TRIB_CALL_METRICS, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE | TRIB_PARAM_FROM | TRIB_PARAM_TO | TRIB_PARAM_STEP, "PlayMetrics", "readPlayMetrics",
	  "What a play came to, by minute, hour or day, or altogether" },
	{ "GET", "/api/v1/metrics", TRIB_ACTION_CALL, TRIB_CALL_METRICS, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE | TRIB_PARAM_FROM | TRIB_PARAM_TO | TRIB_PARAM_STEP, "PlayMetrics", "readMetricsOfPlays",
	  "What all plays came to" },
	{ "POST", "/api/v1/outbox/{id}:retry", TRIB_ACTION_CALL, TRIB_CALL_OUTBOX_RETRY, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "Delivery", "retryDelivery", "Deliver at once what waits or was given up" },
	{ "POST", "/api/v1/outbox/{id}:drop", TRIB_ACTION_CALL, TRIB_CALL_OUTBOX_DROP, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "Delivery", "dropDelivery", "Never deliver it" },
	{ "GET", "/api/v1/outbox", TRIB_ACTION_CALL, TRIB_CALL_OUTBOX_LIST, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE | TRIB_PARAM_STATE, "Deliveries", "listDeliveries",
	  "Deliveries that wait, were given up (dead), or were taken lately (done)" },
	{ "POST", "/api/v1/activities/{id}:enrol", TRIB_ACTION_CALL, TRIB_CALL_ENROL, TRIB_BODY_MESSAGE,
	  &tributary__enrol_request__descriptor, AT_LEAST, "BulkAnswer", "enrolMany",
	  "Enrol goods in an activity, one by one: what became of each" },
	{ "POST", "/api/v1/enrolments:act", TRIB_ACTION_CALL, TRIB_CALL_ENROLMENTS_ACT, TRIB_BODY_MESSAGE,
	  &tributary__bulk_request__descriptor, AT_LEAST, "BulkAnswer", "actOnEnrolments",
	  "Approve, reject … many enrolments: what became of each" },
	{ "POST", "/api/v1/cooperations/{id}:offer", TRIB_ACTION_CALL, TRIB_CALL_COOPERATION_OFFER,
	  TRIB_BODY_MESSAGE, &tributary__offer_request__descriptor, AT_LEAST, "BulkAnswer", "offerByCooperation",
	  "Offer what an activity has recruited through its second-level leader" },
	{ "GET", "/api/v1/activities/{id}/enrolments", TRIB_ACTION_CALL, TRIB_CALL_ENROLMENTS_OF_ACTIVITY,
	  TRIB_BODY_NONE, NULL, AT_LEAST | PAGE | TRIB_PARAM_STATUS, "EnrolmentItems", "listEnrolmentsOfActivity",
	  "What is enrolled in an activity, newest first, and how many by status" },
	{ "GET", "/api/v1/activities/{id}/cooperations", TRIB_ACTION_CALL, TRIB_CALL_COOPERATIONS, TRIB_BODY_NONE,
	  NULL, AT_LEAST | PAGE, "CooperationItems", "listCooperationsOfActivity",
	  "Who sells an activity's goods on, newest first" },
	{ "GET", "/api/v1/goods/{id}/enrolments", TRIB_ACTION_CALL, TRIB_CALL_ENROLMENTS_OF_GOODS, TRIB_BODY_NONE,
	  NULL, AT_LEAST | PAGE | TRIB_PARAM_STATUS, "EnrolmentItems", "listEnrolmentsOfGoods",
	  "Where goods are enrolled, newest first" },
	{ "GET", "/api/v1/parties/{id}/enrolments", TRIB_ACTION_CALL, TRIB_CALL_ENROLMENTS_OF_MERCHANT,
	  TRIB_BODY_NONE, NULL, AT_LEAST | PAGE | TRIB_PARAM_STATUS, "EnrolmentItems", "listEnrolmentsOfMerchant",
	  "What a merchant has enrolled, newest first" },
	{ "POST", "/api/v1/plans:bulk", TRIB_ACTION_CALL, TRIB_CALL_BULK, TRIB_BODY_MESSAGE, &tributary__bulk__descriptor,
	  AT_LEAST, "ActionAnswer", "bulkPlans", "Begin to change many plans alike: preview, then apply unless dry_run" },
	{ "GET", "/api/v1/plans/{id}/versions", TRIB_ACTION_CALL, TRIB_CALL_PLAN_VERSIONS, TRIB_BODY_NONE, NULL, AT_LEAST | PAGE,
	  "PlanVersions", "readPlanVersions", "The version of a plan that is in force, and those that lie ahead" },
	{ "DELETE", "/api/v1/plans/{id}/versions/{version}", TRIB_ACTION_CALL, TRIB_CALL_PLAN_UNSCHEDULE,
	  TRIB_BODY_NONE, NULL, AT_LEAST, "PutAnswer", "unschedulePlan",
	  "Take a version out that lies ahead: what was before it goes on" },
	{ "POST", "/api/v1/sites/{id}/orders:import", TRIB_ACTION_IMPORT, TRIB_CALL_SITE_IMPORT, TRIB_BODY_LINES,
	  &tributary__site_order__descriptor, 0, "ImportAnswer", "importSiteOrders",
	  "Take what a third-party site reports of orders: compared, never attributed" },
	{ "POST", "/api/v1/sites/{id}/orders/{line}:resolve", TRIB_ACTION_CALL, TRIB_CALL_SITE_RESOLVE, TRIB_BODY_MESSAGE,
	  &tributary__review_request__descriptor, AT_LEAST, "SiteOrder", "resolveSiteOrder",
	  "Say that what was to be looked at has been" },
	{ "GET", "/api/v1/sites/{id}/orders/{line}", TRIB_ACTION_CALL, TRIB_CALL_SITE_ORDER, TRIB_BODY_NONE, NULL, AT_LEAST,
	  "SiteOrder", "readSiteOrder", "An order line as its site reports it, whose it is, and how it compares" },
	{ "GET", "/api/v1/sites/{id}/reviews", TRIB_ACTION_CALL, TRIB_CALL_SITE_REVIEWS, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE, "SiteReviews", "listSiteReviews", "Order lines of a site that somebody should look at, the oldest first" },
	{ "GET", "/api/v1/sites/{id}/state", TRIB_ACTION_CALL, TRIB_CALL_SITE_STATE, TRIB_BODY_NONE, NULL, AT_LEAST,
	  "SiteState", "readSiteState", "How a third-party site stands: how fresh its goods are, how many pids are left" },
	{ "PUT", "/api/v1/{noun}/{id}/status", TRIB_ACTION_CALL, TRIB_CALL_STATUS_PUT,
	  TRIB_BODY_MESSAGE, &tributary__status_request__descriptor, AT_LEAST, "StatusAnswer",
	  "putStatus", "Set a status from a time on, past or to come" },
	{ "GET", "/api/v1/{noun}/{id}/status", TRIB_ACTION_CALL, TRIB_CALL_STATUS_GET,
	  TRIB_BODY_NONE, NULL, AT_LEAST | PAGE, "StatusAnswer", "readStatus",
	  "The status in force now, and those set by time" },
	{ "POST", "/api/v1/{noun}/{id}:{action}", TRIB_ACTION_CALL, TRIB_CALL_ACT, TRIB_BODY_MESSAGE,
	  &tributary__action_request__descriptor, AT_LEAST, "ActionAnswer", "act",
	  "Lead it on in its life cycle: what is done to it, and why" },
	{ "POST", "/api/v1/{noun}:import", TRIB_ACTION_IMPORT, TRIB_CALL_IMPORT, TRIB_BODY_LINES,
	  NULL, TRIB_PARAM_ATOMIC, "ImportAnswer", "import", "Put many, one JSON object a line" },
	{ "GET", "/api/v1/{noun}", TRIB_ACTION_CALL, TRIB_CALL_LIST, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE, NULL, "list", "List, a page at a time" },
	{ "PUT", "/api/v1/{noun}/{id}", TRIB_ACTION_CALL, TRIB_CALL_PUT, TRIB_BODY_NOUN, NULL,
	  AT_LEAST | TRIB_PARAM_DRY_RUN, "PutAnswer", "put", "Make or replace" },
	{ "GET", "/api/v1/{noun}/{id}", TRIB_ACTION_CALL, TRIB_CALL_GET, TRIB_BODY_NONE, NULL,
	  AT_LEAST, NULL, "get", "Read" },
	{ "DELETE", "/api/v1/{noun}/{id}", TRIB_ACTION_CALL, TRIB_CALL_CLOSE, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "PutAnswer", "close", "Close; it can still be read" },
	{ "POST", "/api/v1/access-tokens", TRIB_ACTION_CALL, TRIB_CALL_TOKEN_MAKE, TRIB_BODY_MESSAGE,
	  &tributary__access_token_request__descriptor, AT_LEAST, "AccessTokenAnswer", "makeAccessToken",
	  "Make an access token; its secret is shown this once" },
	{ "GET", "/api/v1/access-tokens", TRIB_ACTION_CALL, TRIB_CALL_TOKEN_LIST, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE, "AccessTokenItems", "listAccessTokens", "Access tokens, without their secrets" },
	{ "POST", "/api/v1/access-tokens/{id}:rotate", TRIB_ACTION_CALL, TRIB_CALL_TOKEN_ROTATE, TRIB_BODY_MESSAGE,
	  &tributary__rotate_request__descriptor, AT_LEAST, "AccessTokenAnswer", "rotateAccessToken",
	  "Give an access token another secret; the old one may hold for a while" },
	{ "GET", "/api/v1/access-tokens/{id}", TRIB_ACTION_CALL, TRIB_CALL_TOKEN_GET, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "AccessToken", "readAccessToken", "An access token, without its secret" },
	{ "DELETE", "/api/v1/access-tokens/{id}", TRIB_ACTION_CALL, TRIB_CALL_TOKEN_REVOKE, TRIB_BODY_NONE, NULL,
	  AT_LEAST, "AccessToken", "revokeAccessToken", "Revoke an access token, at once and for good" },
	{ "GET", "/api/v1/users", TRIB_ACTION_CALL, TRIB_CALL_USER_LIST, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE, "UserItems", "listUsers", "Who may sign in" },
	{ "POST", "/api/v1/users/{id}:password", TRIB_ACTION_CALL, TRIB_CALL_USER_PASSWORD, TRIB_BODY_MESSAGE,
	  &tributary__password_request__descriptor, AT_LEAST, "User", "changePassword",
	  "Change one's own password; all sessions of the user end" },
	{ "PUT", "/api/v1/users/{id}", TRIB_ACTION_CALL, TRIB_CALL_USER_PUT, TRIB_BODY_MESSAGE,
	  &tributary__user_request__descriptor, AT_LEAST, "User", "putUser",
	  "Make or change a user; another role, party, status or password ends the user's sessions" },
	{ "GET", "/api/v1/users/{id}", TRIB_ACTION_CALL, TRIB_CALL_USER_GET, TRIB_BODY_NONE, NULL, AT_LEAST, "User",
	  "readUser", "A user" },
	{ "DELETE", "/api/v1/users/{id}", TRIB_ACTION_CALL, TRIB_CALL_USER_CLOSE, TRIB_BODY_NONE, NULL, AT_LEAST,
	  "User", "disableUser", "Let a user in no more" },
	{ "POST", "/api/v1/sessions", TRIB_ACTION_CALL, TRIB_CALL_SIGN_IN, TRIB_BODY_MESSAGE,
	  &tributary__sign_in_request__descriptor, AT_LEAST, "SessionAnswer", "signIn",
	  "Sign in: a cookie, and the CSRF token that writes bring beside it" },
	{ "GET", "/api/v1/sessions/current", TRIB_ACTION_CALL, TRIB_CALL_WHO, TRIB_BODY_NONE, NULL, AT_LEAST,
	  "SessionAnswer", "readSession", "Who the asker is" },
	{ "DELETE", "/api/v1/sessions/current", TRIB_ACTION_CALL, TRIB_CALL_SIGN_OUT, TRIB_BODY_NONE, NULL, AT_LEAST,
	  "SessionAnswer", "signOut", "Sign out" },
	{ "GET", "/api/v1/audit", TRIB_ACTION_CALL, TRIB_CALL_AUDIT, TRIB_BODY_NONE, NULL,
	  AT_LEAST | PAGE, "AuditItems", "readAudit",
	  "Who changed what, and who was refused, newest first" },
	{ "GET", "/healthz", TRIB_ACTION_CALL, TRIB_CALL_STATE, TRIB_BODY_NONE, NULL, AT_LEAST,
	  "Health", "readHealth", "200 while writes are taken, else 503 with the cause" },
	{ "GET", "/metrics", TRIB_ACTION_METRICS, 0, TRIB_BODY_NONE, NULL, 0, NULL, "readMetrics",
	  "Metrics in Prometheus' text format" },
	{ "GET", "/openapi.json", TRIB_ACTION_OPENAPI, TRIB_CALL_PLAY_SCHEMAS, TRIB_BODY_NONE, NULL, 0, NULL,
	  "readOpenapi", "This description" },
};
const size_t trib_routes_count = TRIB_ARRAY_SIZE(trib_routes);

const struct trib_param_row trib_params[] = {
	{ TRIB_PARAM_AT_LEAST, "at_least", "{\"type\":\"integer\",\"minimum\":0}",
	  "answer only once the server has reached this Tributary-Position; 503 if it does not in "
	  "a few seconds" },
	{ TRIB_PARAM_LIMIT, "limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}",
	  "items a page" },
	{ TRIB_PARAM_CURSOR, "cursor", "{\"type\":\"string\"}",
	  "next_cursor of the page before; of expr:complete, a character's number, counted from "
	  "0" },
	{ TRIB_PARAM_FILTER, "filter", "{\"type\":\"string\",\"format\":\"cel\"}",
	  "only items for which this holds: CEL over their fields" },
	{ TRIB_PARAM_PARTY, "party", "{\"type\":\"string\"}", "only of this party" },
	{ TRIB_PARAM_MERCHANT, "merchant", "{\"type\":\"string\"}", "only of this merchant or leader" },
	{ TRIB_PARAM_ROLE, "role", "{\"type\":\"string\"}", "only in this role" },
	{ TRIB_PARAM_CURRENCY, "currency", "{\"type\":\"string\"}", "only in this currency" },
	{ TRIB_PARAM_SINCE, "since", "{\"type\":\"integer\",\"minimum\":0}",
	  "the position of a snapshot that is there already: only what has changed since; the whole "
	  "where that reaches back too far" },
	{ TRIB_PARAM_CREATOR, "creator", "{\"type\":\"string\"}", "of terms: whose, must be stated; of a list: only of this creator" },
	{ TRIB_PARAM_PLAY, "play", "{\"type\":\"string\"}",
	  "of a form: a play, or play@version; absent: the platform's own ways" },
	{ TRIB_PARAM_PLAN, "plan", "{\"type\":\"string\"}", "only of this plan" },
	{ TRIB_PARAM_LINE, "line",
	  "{\"type\":\"string\",\"enum\":[\"step\",\"budget\",\"daily_cap\",\"incentive\"]}",
	  "only what decides this line" },
	{ TRIB_PARAM_AT, "at", "{\"type\":\"integer\",\"minimum\":0}",
	  "as of this time, ms UTC; absent: now" },
	{ TRIB_PARAM_OFFER, "offer", "{\"type\":\"string\"}",
	  "the plan that the creator chose when listing" },
	{ TRIB_PARAM_REGISTRATION, "registration", "{\"type\":\"string\"}",
	  "whose precedence of plans rules" },
	{ TRIB_PARAM_DRY_RUN, "dry_run", "{\"type\":\"boolean\",\"default\":false}",
	  "true: say what it would come to, with the run of its play's flow, and change nothing" },
	{ TRIB_PARAM_ATOMIC, "atomic", "{\"type\":\"boolean\",\"default\":false}",
	  "all lines or none" },
	{ TRIB_PARAM_TEXT, "text", "{\"type\":\"string\"}",
	  "the condition as far as it is written" },
	{ TRIB_PARAM_KIND, "kind",
	  "{\"type\":\"string\",\"enum\":[\"payable\",\"receivable\",\"held\",\"subsidy\",\"fee\",\"tax\"]}",
	  "only accounts of this kind" },
	{ TRIB_PARAM_STAGE, "stage", "{\"type\":\"string\",\"enum\":[\"pending\",\"posted\"]}",
	  "only what is estimated (pending) or final (posted)" },
	{ TRIB_PARAM_FROM, "from", "{\"type\":\"integer\",\"minimum\":0}",
	  "the beginning of the period, ms since 1970 UTC; absent: ever" },
	{ TRIB_PARAM_TO, "to", "{\"type\":\"integer\",\"minimum\":0}",
	  "its end, which is not part of it; absent: until now" },
	{ TRIB_PARAM_FORMAT, "format",
	  "{\"type\":\"string\",\"enum\":[\"json\",\"csv\"],\"default\":\"json\"}", "of the answer" },
	{ TRIB_PARAM_LANG, "lang",
	  "{\"type\":\"string\",\"enum\":[\"en\",\"zh\",\"both\"],\"default\":\"en\"}",
	  "of the column names of CSV; zh: of its words, too" },
	{ TRIB_PARAM_STEP, "step", "{\"type\":\"string\",\"enum\":[\"minute\",\"hour\",\"day\"]}",
	  "an item for each of these periods, UTC; absent: one for all time" },
	{ TRIB_PARAM_STATE, "state", "{\"type\":\"string\",\"enum\":[\"pending\",\"dead\",\"done\"],\"default\":\"pending\"}",
	  "only in this state" },
	{ TRIB_PARAM_STATUS, "status",
	  "{\"type\":\"string\",\"enum\":[\"submitted\",\"approved\",\"rejected\",\"withdrawing\","
	  "\"withdrawn\",\"ended\",\"closed\"]}",
	  "only of this status" },
	{ TRIB_PARAM_DETAIL, "detail", "{\"type\":\"boolean\",\"default\":false}",
	  "an item for each kind of account, with what is pending and what is posted" },
};
const size_t trib_params_count = TRIB_ARRAY_SIZE(trib_params);

const struct trib_param_row *trib_param_find(const char *name)
{
	for (size_t i = 0; i < trib_params_count; i++)
		if (!strcmp(trib_params[i].name, name))
			return &trib_params[i];
	return NULL;
}

unsigned trib_route_roles(const struct trib_route *route, enum trib_noun noun, bool writes)
{
	if (route->action == TRIB_ACTION_CALL || route->action == TRIB_ACTION_IMPORT)
		return trib_access_roles(route->call, noun, writes);
	return route->action == TRIB_ACTION_METRICS ? trib_access_readers() : trib_access_all_roles();
}

static void capture(struct trib_bytes name, struct trib_bytes value, struct trib_route_match *match)
{
	if (trib_bytes_is(name, "noun"))
		match->noun = value;
	else if (trib_bytes_is(name, "version"))
		match->version = value;
	else if (trib_bytes_is(name, "node") || trib_bytes_is(name, "kind") || trib_bytes_is(name, "line"))
		match->node = value;
	else if (trib_bytes_is(name, "action"))
		match->action = value;
	else
		match->id = value;
}

/* How many bytes of the path a `{name}` takes, given what follows it in the pattern; 0: no match. */
static size_t captured_size(struct trib_bytes name, const char *rest, struct trib_bytes path)
{
	const char *slash = path.size ? memchr(path.data, '/', path.size) : NULL;
	size_t suffix = strlen(rest);

	if (rest[0] == ':' && rest[1] == '{') {
		const char *colon = path.size && !slash ? memrchr(path.data, ':', path.size) : NULL;

		return colon ? (size_t)(colon - path.data) : 0;
	}
	/* An order's id may hold a slash: what follows it is told by the end of the path. */
	bool any = trib_bytes_is(name, "order") || trib_bytes_is(name, "line");

	if (*rest == '/' && !any)
		return slash ? (size_t)(slash - path.data) : 0;
	if (slash && !any && !trib_bytes_is(name, "category"))
		return 0;
	if (path.size <= suffix || memcmp(path.data + path.size - suffix, rest, suffix) != 0)
		return 0;
	return path.size - suffix;
}

static bool matches(const char *pattern, struct trib_bytes path, struct trib_route_match *match)
{
	enum trib_noun noun;

	while (*pattern) {
		if (*pattern != '{') {
			if (path.size == 0 || *path.data != *pattern)
				return false;
			path = trib_bytes(path.data + 1, path.size - 1);
			pattern++;
			continue;
		}
		const char *end = strchr(pattern, '}');
		struct trib_bytes name = trib_bytes(pattern + 1, (size_t)(end - pattern - 1));
		size_t size = captured_size(name, end + 1, path);
		struct trib_bytes value = trib_bytes(path.data, size);

		if (size == 0 || (trib_bytes_is(name, "noun") && !trib_noun_find(value, &noun)))
			return false;
		if (trib_bytes_is(name, "action") &&
		    (!trib_noun_find(match->noun, &noun) || !trib_noun_has_life(noun)))
			return false;
		capture(name, value, match);
		path = trib_bytes(path.data + size, path.size - size);
		pattern = end + 1;
	}
	return path.size == 0;
}

enum trib_route_result trib_route_find(const char *method, struct trib_bytes path,
				       struct trib_route_match *ret_match)
{
	enum trib_route_result result = TRIB_ROUTE_NO_PATH;

	if (!strcmp(method, "HEAD"))
		method = "GET";
	for (size_t i = 0; i < trib_routes_count; i++) {
		struct trib_route_match match = { .route = &trib_routes[i] };

		if (!matches(trib_routes[i].pattern, path, &match))
			continue;
		result = TRIB_ROUTE_NO_METHOD;
		if (strcmp(trib_routes[i].method, method) != 0)
			continue;
		*ret_match = match;
		return TRIB_ROUTE_FOUND;
	}
	return result;
}

void trib_route_allow(struct trib_bytes path, char text[64])
{
	size_t size = 0;

	text[0] = '\0';
	for (size_t i = 0; i < trib_routes_count; i++) {
		const char *method = trib_routes[i].method;
		struct trib_route_match match = { 0 };

		if (!matches(trib_routes[i].pattern, path, &match) || strstr(text, method))
			continue;
		size += (size_t)snprintf(text + size, 64 - size, "%s%s%s", size ? ", " : "", method,
					 strcmp(method, "GET") ? "" : ", HEAD");
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool trib_percent_decode(struct trib_bytes raw, struct trib_arena *arena,
			 struct trib_bytes *ret_text)
{
	char *text = trib_arena_alloc(arena, raw.size + 1);
	size_t size = 0;

	if (!text)
		return false;
	for (size_t i = 0; i < raw.size; i++) {
		if (raw.data[i] != '%') {
			text[size++] = raw.data[i];
			continue;
		}
		int high = i + 2 < raw.size ? hex_value(raw.data[i + 1]) : -1;
		int low = i + 2 < raw.size ? hex_value(raw.data[i + 2]) : -1;

		if (high < 0 || low < 0)
			return false;
		text[size++] = (char)(high << 4 | low);
		i += 2;
	}
	text[size] = '\0';
	*ret_text = trib_bytes(text, size);
	return true;
}
