#include "server/openapi.h"

#include "play/play.h"
#include "proto/proto.h"
#include "domain/domain.h"
#include "server/routes.h"

#define SCHEMAS "#/components/schemas/"

enum { ACCESS_REQUESTS = 5 }; /* and those of all others: REQUESTS */

/* Messages of the protocol that the door's bodies and answers name; what they hold comes along. Requests first. */
static const ProtobufCMessageDescriptor *const messages[] = {
	&tributary__access_token_request__descriptor, &tributary__rotate_request__descriptor,
	&tributary__user_request__descriptor, &tributary__password_request__descriptor,
	&tributary__sign_in_request__descriptor,
	&tributary__order_status_request__descriptor, &tributary__refund_request__descriptor,
	&tributary__action_request__descriptor, &tributary__enrol_request__descriptor,
	&tributary__bulk_request__descriptor, &tributary__offer_request__descriptor,
	&tributary__payout_request__descriptor,
	&tributary__review_request__descriptor, &tributary__shelf__descriptor, &tributary__shelf_change__descriptor,
	&tributary__link_request__descriptor,  &tributary__touch_request__descriptor, &tributary__record_batch__descriptor,
	&tributary__order_request__descriptor, &tributary__activate_request__descriptor, &tributary__rollout_request__descriptor,
	&tributary__play_put_request__descriptor,
	&tributary__terms__descriptor,	       &tributary__status_request__descriptor,
	&tributary__bounds__descriptor,	       &tributary__party__descriptor,
	&tributary__goods__descriptor,	       &tributary__plan__descriptor,
	&tributary__registration__descriptor,  &tributary__block__descriptor,
#define X(name, Type, field) &tributary__##field##__descriptor,
	TRIB_COLD_NOUN_TABLE(X)
#undef X
	&tributary__bulk_answer__descriptor, &tributary__enrolment_items__descriptor,
	&tributary__cooperation_items__descriptor,
	&tributary__action_answer__descriptor, &tributary__status_answer__descriptor, &tributary__link_answer__descriptor,
	&tributary__webhook__descriptor, &tributary__webhooks__descriptor,
	&tributary__delivery__descriptor, &tributary__deliveries__descriptor,
	&tributary__plan_versions__descriptor,
	&tributary__play_metrics__descriptor,
	&tributary__estimate__descriptor,
	&tributary__track_answer__descriptor,  &tributary__touch_answer__descriptor,
	&tributary__order_answer__descriptor, &tributary__put_answer__descriptor,
	&tributary__order__descriptor,	      &tributary__explanation__descriptor,
	&tributary__capabilities__descriptor, &tributary__flow_run__descriptor, &tributary__flow_run_items__descriptor, &tributary__flow_run_item__descriptor, &tributary__checklist__descriptor,
	&tributary__tally_items__descriptor,  &tributary__terms_answer__descriptor,
	&tributary__experience_items__descriptor,
	&tributary__access_token__descriptor, &tributary__access_token_answer__descriptor,
	&tributary__access_token_items__descriptor, &tributary__user__descriptor, &tributary__user_items__descriptor,
	&tributary__session_answer__descriptor, &tributary__audit_entry__descriptor, &tributary__audit_items__descriptor,
	&tributary__bounds_items__descriptor, &tributary__activate_answer__descriptor,
	&tributary__rule_tree_items__descriptor, &tributary__rule_hits__descriptor,    &tributary__simulation__descriptor,
	&tributary__life_cycles__descriptor,  &tributary__line_titles__descriptor,  &tributary__fact_items__descriptor,
	&tributary__completion__descriptor,   &tributary__health__descriptor,
	&tributary__market_position__descriptor,
	&tributary__import_answer__descriptor, &tributary__balances__descriptor,
	&tributary__statement__descriptor,     &tributary__payout_answer__descriptor,
	&tributary__order_status_answer__descriptor, &tributary__refund_answer__descriptor,
	&tributary__review_answer__descriptor, &tributary__reviews__descriptor, &tributary__review_item__descriptor,
	&tributary__shelf_answer__descriptor, &tributary__shelf_page__descriptor, &tributary__goods_shelves__descriptor,
	&tributary__record_answer__descriptor, &tributary__problem__descriptor,
	&tributary__play_put_answer__descriptor, &tributary__play_items__descriptor,
	&tributary__play_details__descriptor, &tributary__play_version__descriptor,
	&tributary__play_resolution__descriptor, &tributary__form__descriptor,
	&tributary__site_state__descriptor, &tributary__site_order__descriptor, &tributary__site_reviews__descriptor,
};
enum { REQUESTS = 20 };

/* Rule trees are JSON of their own; the rules room says what is wrong with one. */
static const char rule_schemas[] =
	"\"RuleTree\":{\"type\":\"object\",\"required\":[\"root\"],\"properties\":{"
	"\"scene\":{\"type\":\"string\"},\"root\":{\"$ref\":\"" SCHEMAS "RuleNode\"}}},"
	"\"RuleSimulation\":{\"type\":\"object\",\"description\":\"a version, or a candidate tree; of orders "
	"decided from \u2026 until before \u2026\",\"properties\":{"
	"\"version\":{\"type\":\"integer\",\"minimum\":1},\"from\":{\"type\":\"integer\",\"minimum\":0},"
	"\"to\":{\"type\":\"integer\",\"minimum\":0},"
	"\"examples\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000},"
	"\"scene\":{\"type\":\"string\"},\"root\":{\"$ref\":\"" SCHEMAS "RuleNode\"}}},"
	"\"RuleVersion\":{\"type\":\"object\",\"required\":[\"name\",\"number\",\"version\",\"active\",\"scheduled\","
	"\"rollouts\",\"scene\",\"root\"],\"properties\":{\"name\":{\"type\":\"string\"},"
	"\"number\":{\"type\":\"integer\"},\"version\":{\"type\":\"integer\"},"
	"\"active\":{\"type\":\"integer\",\"description\":\"the active version, 0: none\"},"
	"\"scheduled\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"version\",\"at\"],"
	"\"properties\":{\"version\":{\"type\":\"integer\"},\"at\":{\"type\":\"integer\"}}}},"
	"\"rollouts\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"version\",\"at\",\"steps\"],"
	"\"properties\":{\"version\":{\"type\":\"integer\"},\"at\":{\"type\":\"integer\"},"
	"\"share_bps\":{\"type\":\"integer\"},\"when\":{\"type\":\"string\"},"
	"\"steps\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"share_bps\",\"at\"],"
	"\"properties\":{\"share_bps\":{\"type\":\"integer\"},\"at\":{\"type\":\"integer\"}}}}}}},"
	"\"scene\":{\"type\":\"string\"},\"root\":{\"$ref\":\"" SCHEMAS "RuleNode\"}}},"
	"\"RuleNodePatch\":{\"type\":\"object\",\"description\":\"fields of a node but id and children; null takes "
	"one away; before, after: a sibling's id\"},"
	"\"RuleNode\":{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"},"
	"\"priority\":{\"type\":\"integer\"},\"enabled\":{\"type\":\"boolean\",\"default\":true},"
	"\"from\":{\"type\":\"integer\"},\"to\":{\"type\":\"integer\"},"
	"\"when\":{\"type\":\"string\",\"format\":\"cel\",\"description\":\"CEL over the order's "
	"facts; absent: true\"},"
	"\"model\":{\"type\":\"string\",\"enum\":[\"last\",\"first\",\"priority\",\"linear\","
	"\"position\",\"decay\"]},"
	"\"window\":{\"type\":\"string\",\"format\":\"duration\"},"
	"\"match\":{\"type\":\"string\",\"enum\":[\"goods\",\"shop\",\"any\"]},"
	"\"match_rates\":{\"type\":\"object\",\"description\":\"the commission of touches of a level\",\"properties\":{"
	"\"goods\":{\"type\":\"integer\"},\"shop\":{\"type\":\"integer\"},\"any\":{\"type\":\"integer\"}}},"
	"\"assist\":{\"type\":\"string\",\"enum\":[\"last\",\"first\",\"priority\",\"linear\",\"position\",\"decay\"]},"
	"\"lock\":{\"type\":\"string\",\"enum\":[\"link\",\"touch\",\"order\",\"pay\",\"deposit\"]},"
	"\"grace\":{\"type\":\"string\",\"format\":\"duration\"},"
	"\"base\":{\"type\":\"string\",\"format\":\"cel\"},"
	"\"after_settlement\":{\"type\":\"string\",\"enum\":[\"claw_back\",\"keep\",\"claw_back_within\"]},"
	"\"claw_back_within\":{\"type\":\"string\",\"format\":\"duration\"},"
	"\"deposit_counts\":{\"type\":\"boolean\"},"
	"\"half_life\":{\"type\":\"string\",\"format\":\"duration\"},\"priority_by\":{\"type\":"
	"\"string\",\"format\":\"cel\"},"
	"\"shares\":{\"type\":\"array\",\"maxItems\":32,\"items\":{\"$ref\":\"" SCHEMAS
	"RuleShare\"}},"
	"\"outcome\":{\"type\":\"string\"},\"reason\":{\"type\":\"string\"},\"held\":{\"type\":"
	"\"boolean\"},"
	"\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"" SCHEMAS "RuleNode\"}}}},"
	"\"RuleShare\":{\"type\":\"object\",\"required\":[\"name\",\"to\",\"bps\"],\"properties\":{"
	"\"name\":{\"type\":\"string\"},\"to\":{\"type\":\"string\"},\"from\":{\"type\":\"string\"}"
	","
	"\"of\":{\"type\":\"string\",\"default\":\"base\"},"
	"\"take\":{\"type\":\"string\",\"enum\":[\"gross\",\"rest\"],\"default\":\"gross\"},"
	"\"bps\":{\"oneOf\":[{\"type\":\"integer\",\"minimum\":0,\"maximum\":10000},"
	"{\"type\":\"string\",\"description\":\"terms.commission_bps and the like\"}]},"
	"\"cap\":{\"type\":\"integer\",\"minimum\":0},"
	"\"round\":{\"type\":\"string\",\"enum\":[\"floor\",\"half_even\"],\"default\":\"floor\"}}"
	"}";

/* Some nouns have no statuses by time, some no actions. */
static bool is_there(const struct trib_route *route, enum trib_noun noun)
{
	if (!trib_noun_word(noun))
		return false;
	if (route->call == TRIB_CALL_ACT)
		return trib_noun_has_life(noun);
	bool of_status = route->call == TRIB_CALL_STATUS_PUT || route->call == TRIB_CALL_STATUS_GET;

	return !of_status || trib_noun_has_statuses(noun);
}

/* A pattern as it reads for one noun: "/api/v1/{noun}/{id}" → "/api/v1/plans/{id}". */
static void add_path(const char *pattern, enum trib_noun noun, struct trib_buffer *text)
{
	const char *hole = strstr(pattern, "{noun}");

	if (!hole) {
		trib_buffer_add_text(text, pattern);
		return;
	}
	trib_buffer_add(text, pattern, (size_t)(hole - pattern));
	trib_buffer_add_text(text, trib_noun_plural(noun));
	trib_buffer_add_text(text, hole + strlen("{noun}"));
}

static void add_ref(const char *name, struct trib_buffer *text)
{
	trib_buffer_add_format(text, "{\"$ref\":\"" SCHEMAS "%s\"}", name);
}

/* The fields of a request that plays ask for, as parameters. */
static void add_request_fields(struct trib_buffer *text, unsigned *count)
{
#define SCHEMA_STRING "{\"type\":\"string\"}"
#define SCHEMA_INT    "{\"type\":\"integer\"}"
#define SCHEMA_TAGS   "{\"type\":\"string\",\"description\":\"with commas between\"}"
#define SCHEMA_EXT    "{\"type\":\"string\",\"description\":\"a JSON object\"}"
	static const char *const rows[][3] = {
#define X(id, name, type, what) { name, SCHEMA_##type, what },
		TRIB_REQUEST_TABLE(X)
#undef X
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		trib_buffer_add_format(text,
				       "%s{\"name\":\"%s\",\"in\":\"query\",\"schema\":%s,\"description\":",
				       (*count)++ ? "," : "", rows[i][0], rows[i][1]);
		trib_json_add_string(text, trib_bytes_text(rows[i][2]));
		trib_buffer_add_char(text, '}');
	}
}

static bool is_read(const struct trib_route *route)
{
	return strcmp(route->method, "GET") == 0;
}

/* Has what the route reads or changes an ETag? */
static bool is_tagged(const struct trib_route *route)
{
	return route->action == TRIB_ACTION_OPENAPI || (route->action == TRIB_ACTION_CALL && trib_call_has_tag(route->call));
}

static void add_conditions(const struct trib_route *route, struct trib_buffer *text, unsigned *count)
{
	static const char *const help[][2] = {
		{ "If-Match", "an ETag: only if it is still that; else 412" },
		{ "If-None-Match", "*: only if there is none yet; else 412" },
		{ "If-None-Match", "an ETag: 304 while it is that" },
	};

	for (size_t i = 0; is_tagged(route) && i < TRIB_ARRAY_SIZE(help); i++) {
		if (is_read(route) != (i == 2) || (i == 1 && strcmp(route->method, "PUT") != 0))
			continue;
		trib_buffer_add_format(text,
				       "%s{\"name\":\"%s\",\"in\":\"header\",\"schema\":{\"type\":\"string\"},"
				       "\"description\":\"%s\"}",
				       (*count)++ ? "," : "", help[i][0], help[i][1]);
	}
}

static void add_parameters(const struct trib_route *route, struct trib_buffer *text)
{
	static const char *const names[] = { "id", "order", "version", "node", "category", "action", "creator", "kind", "line" };
	unsigned count = 0;
	char hole[16];

	trib_buffer_add_text(text, ",\"parameters\":[");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++) {
		snprintf(hole, sizeof(hole), "{%s}", names[i]);
		if (!strstr(route->pattern, hole))
			continue;
		trib_buffer_add_format(text,
				       "%s{\"name\":\"%s\",\"in\":\"path\",\"required\":true,"
				       "\"schema\":{\"type\":\"%s\"}}",
				       count++ ? "," : "", names[i],
				       strcmp(names[i], "version") ? "string" : "integer");
	}
	for (size_t i = 0; i < trib_params_count; i++) {
		if (!(route->params & trib_params[i].param))
			continue;
		trib_buffer_add_format(
			text, "%s{\"name\":\"%s\",\"in\":\"query\",\"schema\":%s,\"description\":",
			count++ ? "," : "", trib_params[i].name, trib_params[i].schema);
		trib_json_add_string(text, trib_bytes_text(trib_params[i].help));
		trib_buffer_add_char(text, '}');
	}
	if (route->params & TRIB_PARAM_REQUEST)
		add_request_fields(text, &count);
	add_conditions(route, text, &count);
	trib_buffer_add_char(text, ']');
}

static void add_body(const struct trib_route *route, enum trib_noun noun, struct trib_buffer *text)
{
	const char *type = "application/json", *schema = "RuleTree";

	switch (route->body) {
	case TRIB_BODY_NONE:
		return;
	case TRIB_BODY_MESSAGE:
		schema = route->message->short_name;
		break;
	case TRIB_BODY_LINES:
		type = "application/x-ndjson";
		schema = route->message ? route->message->short_name : trib_noun_descriptor(noun)->short_name;
		break;
	case TRIB_BODY_NOUN:
		schema = trib_noun_descriptor(noun)->short_name;
		break;
	case TRIB_BODY_RULES:
		if (route->call == TRIB_CALL_SIMULATE)
			schema = "RuleSimulation";
		else if (route->call == TRIB_CALL_RULES_PATCH)
			schema = "RuleNodePatch";
		break;
	}
	trib_buffer_add_format(
		text, ",\"requestBody\":{\"required\":true,\"content\":{\"%s\":{\"schema\":", type);
	/* Answers add number and version to an entity; requests may not. */
	if (route->body == TRIB_BODY_NOUN || route->body == TRIB_BODY_LINES)
		trib_buffer_add_format(
			text, "{\"$ref\":\"" SCHEMAS "%s\",\"unevaluatedProperties\":false}",
			schema);
	else
		add_ref(schema, text);
	trib_buffer_add_text(text, "}}}");
}

/* Lists and reads of a noun name its own schema, which the table of routes cannot. */
static void add_answer_schema(const struct trib_route *route, enum trib_noun noun,
			      struct trib_buffer *text)
{
	bool of_noun = strstr(route->pattern, "{noun}") != NULL;

	if (route->answer && strchr(route->answer, '/')) {
		trib_buffer_add_text(text, "{\"type\":\"string\",\"format\":\"binary\"}");
	} else if (route->answer) {
		add_ref(route->answer, text);
	} else if (of_noun && route->call == TRIB_CALL_LIST) {
		trib_buffer_add_text(text, "{\"type\":\"object\",\"properties\":{\"items\":{"
					   "\"type\":\"array\",\"items\":");
		add_ref(trib_noun_descriptor(noun)->short_name, text);
		trib_buffer_add_text(text, "},\"next_cursor\":{\"type\":[\"string\",\"null\"]}},"
					   "\"required\":[\"items\",\"next_cursor\"]}");
	} else if (of_noun && route->call == TRIB_CALL_GET) {
		add_ref(trib_noun_descriptor(noun)->short_name, text);
	} else {
		trib_buffer_add_text(text, "{\"type\":\"object\"}");
	}
}

/* What a route answers when it has done what was asked. */
static const int *statuses_of(const struct trib_route *route)
{
	static const int ok[] = { 200, 0 }, made[] = { 201, 0 }, put[] = { 200, 201, 0 }, kept[] = { 200, 202, 0 },
			 begun[] = { 202, 0 }, asked[] = { 200, 201, 202, 0 }, health[] = { 200, 503, 0 };

	switch (route->call) {
	case TRIB_CALL_LINK:
	case TRIB_CALL_WEBHOOK_TEST:
	case TRIB_CALL_TOKEN_MAKE:
	case TRIB_CALL_SIGN_IN:
		return made;
	case TRIB_CALL_PAYOUT:
		return put;
	case TRIB_CALL_SHELF_CHANGE:
		return put;
	case TRIB_CALL_ORDER_STATUS:
	case TRIB_CALL_REFUND:
		return kept;
	case TRIB_CALL_SIMULATE:
	case TRIB_CALL_BULK:
		return begun;
	case TRIB_CALL_STATE:
		return health;
	case TRIB_CALL_STATUS_PUT:
		return ok;
	case TRIB_CALL_PUT:
		return asked; /* of plans: what a play lets wait for an approval */
	default:
		return strcmp(route->method, "PUT") == 0 ? put : ok;
	}
}

static const char *description_of(int status)
{
	return status == 201 ? "new" :
	       status == 202 ? "taken; it goes on later" :
	       status == 503 ? "no writes are taken" :
			       "done";
}

static void add_answer(const struct trib_route *route, enum trib_noun noun, int status, struct trib_buffer *text)
{
	bool metrics = route->action == TRIB_ACTION_METRICS;
	const char *type = metrics				       ? "text/plain" :
			   route->answer && strchr(route->answer, '/') ? route->answer :
									 "application/json";

	trib_buffer_add_format(text,
			       "\"%d\":{\"description\":\"%s\",\"headers\":{\"Tributary-Position\":{\"schema\":"
			       "{\"type\":\"integer\"}}%s},\"content\":{\"%s\":{\"schema\":",
			       status, description_of(status),
			       is_tagged(route) ? ",\"ETag\":{\"schema\":{\"type\":\"string\"}}" : "", type);
	if (metrics)
		trib_buffer_add_text(text, "{\"type\":\"string\"}");
	else
		add_answer_schema(route, noun, text);
	trib_buffer_add_char(text, '}');
	if (route->params & TRIB_PARAM_FORMAT)
		trib_buffer_add_text(text, ",\"text/csv\":{\"schema\":{\"type\":\"string\"}}");
	trib_buffer_add_text(text, "}},");
}

static void add_answers(const struct trib_route *route, enum trib_noun noun, struct trib_buffer *text)
{
	trib_buffer_add_text(text, ",\"responses\":{");
	for (const int *status = statuses_of(route); *status; status++)
		add_answer(route, noun, *status, text);
	if (is_tagged(route) && is_read(route))
		trib_buffer_add_text(text, "\"304\":{\"description\":\"not changed since If-None-Match\"},");
	trib_buffer_add_text(text, "\"default\":{\"description\":\"refused or failed\",\"content\":{"
				   "\"application/problem+json\":{\"schema\":");
	add_ref("Problem", text);
	trib_buffer_add_text(text, "}}}}");
}

static void add_roles(unsigned roles, struct trib_buffer *text)
{
	unsigned count = 0;

	trib_buffer_add_text(text, ",\"x-roles\":[");
	for (unsigned role = 0; role < TRIB_ACCESS_ROLES; role++)
		if (roles & TRIB_ACCESS_BIT(role))
			trib_buffer_add_format(text, "%s\"%s\"", count++ ? "," : "",
					       trib_access_role_word((enum trib_access_role)role));
	trib_buffer_add_char(text, ']');
}

static void add_operation(const struct trib_route *route, enum trib_noun noun,
			  struct trib_buffer *text)
{
	bool of_noun = strstr(route->pattern, "{noun}") != NULL;

	trib_buffer_add_char(text, '"');
	for (const char *p = route->method; *p; p++)
		trib_buffer_add_char(text, (char)(*p | 0x20));
	trib_buffer_add_format(text, "\":{\"operationId\":\"%s%s\",\"summary\":", route->operation,
			       of_noun ? trib_noun_descriptor(noun)->short_name : "");
	trib_json_add_string(text, trib_bytes_text(route->summary));
	add_roles(trib_route_roles(route, noun, strcmp(route->method, "GET") != 0), text);
	add_parameters(route, text);
	add_body(route, noun, text);
	add_answers(route, noun, text);
	trib_buffer_add_char(text, '}');
}

/* Has an earlier route the same pattern? Then it has taken this one along. */
static bool is_taken(const struct trib_route *route)
{
	for (const struct trib_route *before = trib_routes; before < route; before++)
		if (!strcmp(before->pattern, route->pattern))
			return true;
	return false;
}

static void add_path_item(const struct trib_route *route, enum trib_noun noun, bool *first,
			  struct trib_buffer *text)
{
	bool first_method = true;

	trib_buffer_add_text(text, *first ? "\"" : ",\"");
	*first = false;
	add_path(route->pattern, noun, text);
	trib_buffer_add_text(text, "\":{");
	for (size_t i = 0; i < trib_routes_count; i++) {
		if (strcmp(trib_routes[i].pattern, route->pattern) != 0)
			continue;
		if (!first_method)
			trib_buffer_add_char(text, ',');
		first_method = false;
		add_operation(&trib_routes[i], noun, text);
	}
	trib_buffer_add_char(text, '}');
}

/* The ext of an entity that plays may add to is a schema of its own, which the engine's answer brings along. */
static void name_ext(struct trib_buffer *schemas, enum trib_noun noun, struct trib_buffer *text)
{
	const ProtobufCMessageDescriptor *descriptor = trib_noun_word(noun) ? trib_noun_descriptor(noun) : NULL;
	static const char ext[] = "\"ext\":{";
	char name[80];

	if (!descriptor || !protobuf_c_message_descriptor_get_field_by_name(descriptor, "ext") ||
	    !protobuf_c_message_descriptor_get_field_by_name(descriptor, "play_version"))
		return;
	snprintf(name, sizeof(name), "\"%s\":{\"type\":", descriptor->short_name);
	const char *all = trib_buffer_text(schemas), *message = strstr(all, name);
	const char *from = message ? strstr(message, ext) : NULL, *to = from ? strchr(from, '}') : NULL;

	trib_assert(to);
	trib_buffer_reset(text);
	trib_buffer_add(text, all, (size_t)(from - all));
	trib_buffer_add_format(text, "\"ext\":{\"$ref\":\"" SCHEMAS "%s.ext\"", descriptor->short_name);
	trib_buffer_add_text(text, to);
	const struct trib_buffer named = *text;

	*text = *schemas;
	*schemas = named;
}

static void add_schemas(struct trib_buffer *text)
{
	struct trib_buffer schemas, scratch;

	trib_buffer_init(&schemas, 4 << 20);
	trib_buffer_init(&scratch, 4 << 20);
	trib_proto_schemas(messages, TRIB_ARRAY_SIZE(messages), ACCESS_REQUESTS + REQUESTS, SCHEMAS, &schemas);
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++)
		name_ext(&schemas, (enum trib_noun)noun, &scratch);
	trib_buffer_add_bytes(text, trib_buffer_bytes(&schemas));
	trib_buffer_fini(&schemas);
	trib_buffer_fini(&scratch);
}

void trib_openapi_print(struct trib_buffer *text)
{
	bool first = true;

	trib_buffer_add_text(
		text,
		"{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Tributary\",\"version\":"
		"\"" TRIB_VERSION
		"\",\"description\":\"Amounts are integers in minor units, times are ms UTC, "
		"rates are basis points.\",\"license\":{\"name\":\"Apache-2.0\","
		"\"identifier\":\"Apache-2.0\"}},\"security\":[{},{\"token\":[]}],\"paths\":{");
	for (size_t i = 0; i < trib_routes_count; i++) {
		const struct trib_route *route = &trib_routes[i];
		bool of_noun = strstr(route->pattern, "{noun}") != NULL;

		for (size_t n = 0; !is_taken(route) && n < (of_noun ? TRIB_NOUN_COUNT : 1); n++)
			if (!of_noun || (trib_noun_descriptor((enum trib_noun)n) && is_there(route, (enum trib_noun)n)))
				add_path_item(route, (enum trib_noun)n, &first, text);
	}
	trib_buffer_add_text(text,
			     "},\"components\":{\"securitySchemes\":{\"token\":{\"type\":\"http\","
			     "\"scheme\":\"bearer\"}},\"schemas\":{");
	add_schemas(text);
	trib_buffer_add_char(text, ',');
	trib_buffer_add_text(text, rule_schemas);
	trib_buffer_add_text(text, "}}}");
}
