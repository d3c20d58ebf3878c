/*
 * The real engine on the simulated disk and clock. The workload puts nouns, issues links, records touches, sends
 * orders, many of them again, and tells what becomes of them, of some before they come; the process is stopped,
 * killed, loses power, meets a failing disk. The auditor (model.h) says beforehand what each answer must be, and after
 * every opening:
 *
 *	1. what has survived is a beginning of what was decided, and everything that was answered is in it
 *	2. every order in it has its answer, no order beyond it is known
 *	3. each was decided by one version of the rules and one of its nodes, those that the model says; each version has
 *	   decided as many as it was to
 *	4. every balance is what the model says; debits equal credits; the rooms' own validators agree
 *
 * The store is RocksDB on the real disk, in a temporary folder: it keeps whatever it was given, which is the
 * harder case for a store that must never be ahead of its journal.
 *
 * Beside it stand rich clients (clients.c), who keep snapshots of the market and decide orders by themselves, and the rules
 * change while orders go on (switches.c).
 */
#include "market.h"

enum { LIVES = 6, STEPS = 90 };

/* --- Auditing ------------------------------------------------------------------------------------------ */

void market_order_id(uint64_t number, char ret_id[32])
{
	snprintf(ret_id, 32, number % 5 ? "o%llu" : "o%llu/1", (unsigned long long)number);
}

void market_check_order(struct market *market, const struct trib_order_record *record, int64_t charged,
			const struct model_op *op)
{
	const struct trib_rules *rules = trib_engine_rules(market->engine);
	const struct trib_tree *tree = trib_rules_tree(rules, record->tree, record->tree_version);
	const struct model_answer *expected = &op->answer;
	const char node[] = { expected->node, '\0' };
	char id[32];

	market_order_id(op->number, id);
	sim_expect(market->run, record->outcome == op->outcome && charged == op->charged,
		   "order %s (base %lld, g%u) is %s with %lld charged, expected %s with %lld", id, (long long)op->base,
		   op->goods, trib_outcome_word(record->outcome), (long long)charged, trib_outcome_word(op->outcome),
		   (long long)op->charged);
	sim_expect(market->run,
		   tree && record->tree_version == expected->version &&
			   trib_bytes_is(trib_tree_node(tree, record->node)->id, expected->node	   ? node
									 : expected->version > MODEL_BUILT_IN ? "n"
												      : "default"),
		   "order %s was decided by version %u, node " TRIB_BYTES_FMT ", expected version %u, node %s", id,
		   record->tree_version, TRIB_BYTES_ARG(trib_tree_node(tree, record->node)->id), expected->version,
		   expected->node ? node : "of the root");
}

static void audit_order(struct market *market, const struct model_op *op)
{
	const struct trib_order_record *record;
	struct trib_buffer json;
	struct trib_error error;
	uint64_t position;
	char id[32], rules[32];

	market_order_id(op->number, id);
	trib_status status =
		trib_engine_order(market->engine, trib_bytes_text(id), &record, &position, &error);

	if (status != TRIB_OK) {
		sim_fail(market->run, "order %s has gone: %s: %s", id, error.at, error.text);
		return;
	}
	market_check_order(market, record, record->charged, op);
	if (op->number % 16 != 0)
		return;
	trib_buffer_init(&json, 1 << 20);
	snprintf(rules, sizeof(rules), "\"default@%u\"", op->answer.version);
	status = trib_engine_explain(market->engine, trib_bytes_text(id), &json, &error);
	sim_expect(market->run, status == TRIB_OK, "explaining order %s: %s: %s", id, error.at,
		   error.text);
	sim_expect(market->run,
		   status != TRIB_OK ||
			   (strstr(trib_buffer_text(&json), trib_outcome_word(op->outcome)) &&
			    strstr(trib_buffer_text(&json), rules)),
		   "the explanation of order %s does not say %s by %s", id, trib_outcome_word(op->outcome), rules);
	trib_buffer_fini(&json);
}

/* Every version has decided as many orders as it was to decide, and no others. */
static void audit_hits(struct market *market)
{
	const struct trib_rules *rules = trib_engine_rules(market->engine);
	uint32_t tree = trib_rules_number(rules, trib_bytes_text("default"));

	for (uint32_t version = 1; version <= model_latest(&market->model); version++) {
		const uint64_t *hits = trib_rules_hits(rules, tree, version);
		uint64_t expected = 0, found = 0;

		for (size_t i = 0; i < market->model.count; i++)
			expected += market->model.ops[i].kind == MODEL_ORDER &&
				    market->model.ops[i].answer.version == version;
		for (uint32_t i = 0; hits && i < trib_tree_nodes(trib_rules_tree(rules, tree, version)); i++)
			found += hits[i];
		sim_expect(market->run, hits && found == expected, "version %u has decided %llu orders, expected %llu",
			   version, (unsigned long long)found, (unsigned long long)expected);
	}
}

static int64_t balance_of(const struct market *market, const char *id, enum trib_word role)
{
	const struct trib_account account = {
		.party = trib_domain_find(trib_engine_domain(market->engine), TRIB_NOUN_PARTY,
					  trib_bytes_text(id)),
		.role = role,
		.currency = TRIB_WORD_CNY,
	};

	return trib_ledger_balance(trib_engine_ledger(market->engine), account);
}

static void audit_balances(struct market *market, char letter, const int64_t *balances,
			   uint32_t count, enum trib_word role)
{
	for (uint32_t i = 0; i < count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%c%u", letter, i);
		int64_t found = balance_of(market, id, role);

		sim_expect(market->run, found == balances[i], "%s has %lld, expected %lld", id,
			   (long long)found, (long long)balances[i]);
	}
}

/* Everything that the model knows, against everything that the engine says. */
static void audit(struct market *market)
{
	const struct model_state *state = &market->model.state;
	const char *reason = "";

	for (size_t i = 0; i < market->model.count && !market->run->failed; i++)
		if (market->model.ops[i].kind == MODEL_ORDER)
			audit_order(market, &market->model.ops[i]);
	audit_balances(market, 'm', state->merchant_balance, MODEL_MERCHANTS, TRIB_WORD_MERCHANT);
	audit_balances(market, 'l', state->leader_balance, MODEL_LEADERS, TRIB_WORD_LEADER);
	audit_balances(market, 'c', state->creator_balance, MODEL_CREATORS, TRIB_WORD_CREATOR);
	sim_expect(market->run,
		   balance_of(market, "platform", TRIB_WORD_PLATFORM) == state->platform_balance,
		   "the platform has %lld, expected %lld",
		   (long long)balance_of(market, "platform", TRIB_WORD_PLATFORM),
		   (long long)state->platform_balance);
	audit_hits(market);
	switches_audit(market);
	clients_audit(market);
	sim_expect(market->run, trib_engine_check(market->engine, &reason), "%s", reason);
}

/* Nothing of the workload is there. */
static bool is_blank(const struct market *market, const struct trib_engine_counts *counts)
{
	const struct trib_domain *domain = trib_engine_domain(market->engine);
	const struct trib_rules *rules = trib_engine_rules(market->engine);
	uint32_t switches;

	trib_rules_activations(rules, &switches);
	return trib_domain_count(domain, TRIB_NOUN_PARTY) <= 1 && trib_domain_count(domain, TRIB_NOUN_REGISTRATION) == 0 &&
	       trib_rules_latest(rules, trib_rules_number(rules, trib_bytes_text("default"))) == MODEL_BUILT_IN &&
	       switches == 0 && counts->kept == 0;
}

/* A log of which nothing was left begins anew, and its own first events may stand where those of the list were. */
static size_t surviving(const struct market *market, const struct trib_engine_counts *counts)
{
	size_t count = 0;

	while (count < market->model.count && market->model.ops[count].position <= counts->position)
		count++;
	return is_blank(market, counts) ? 0 : count;
}

/*
 * After an opening: strikes off what has not survived. An engine that cannot write shows a beginning of the list,
 * perhaps not yet all that was answered; the judgement waits until it can.
 */
static void resync(struct market *market)
{
	struct sim_run *run = market->run;
	struct trib_engine_counts counts;

	trib_engine_count(market->engine, &counts);
	size_t there = surviving(market, &counts);
	bool writable = trib_engine_state(market->engine) == TRIB_ENGINE_RUNNING;

	sim_tell(run, "%s at position %llu: %zu ops survive, %zu must, %zu were decided",
		 writable ? "opened" : "opened read-only", (unsigned long long)counts.position,
		 there, market->least, market->model.count);
	market->struck = writable;
	market->openings++;
	if (!writable)
		return;
	sim_expect(run, there >= market->least, "%zu ops survive, expected at least %zu of %zu",
		   there, market->least, market->model.count);
	model_cut(&market->model, there);
	for (size_t i = 0; i < there; i++)
		market->model.ops[i].ticket = 0;
	market->answered = there;
	audit(market);
	market->forgetful = false;
}

/* --- What the workload does ---------------------------------------------------------------------------- */

void market_decided(struct market *market, struct model_op *op)
{
	struct trib_engine_counts counts;

	trib_engine_count(market->engine, &counts);
	op->at_ms = trib_engine_now(market->engine);
	op->position = counts.position;
	op->ticket = trib_engine_ticket(market->engine);
	market->run->commands++;
}

static const enum trib_noun nouns[] = {
	[MODEL_REGISTRATION] = TRIB_NOUN_REGISTRATION,
	[MODEL_MERCHANT] = TRIB_NOUN_PARTY,
	[MODEL_LEADER] = TRIB_NOUN_PARTY,
	[MODEL_CREATOR] = TRIB_NOUN_PARTY,
	[MODEL_ITEM] = TRIB_NOUN_GOODS,
	[MODEL_PLAN] = TRIB_NOUN_PLAN,
};

static void called(struct trib_call *call)
{
	*(bool *)call->context = true;
}

static void recover(struct market *market)
{
	struct trib_error error;

	sim_tell(market->run, "lost: %s: %s", trib_engine_reason(market->engine)->at,
		 trib_engine_reason(market->engine)->text);
	market->least = market->answered;
	clients_cut_off(market);
	if (trib_engine_recover(market->engine, &error) != TRIB_OK)
		sim_fail(market->run, "recovering: %s: %s", error.at, error.text);
	else
		resync(market);
}

/* As long as nothing can be written the engine shows a beginning: it may not know yet what a call speaks of. */
static bool is_expected(const struct trib_call *call, bool shows_all)
{
	return call->status == TRIB_OK || call->status == TRIB_READ_ONLY || call->status == TRIB_UNKNOWN || !shows_all;
}

bool market_call_kept(struct market *market, struct trib_call *call, struct model_op *op)
{
	bool done = false, noted = false, shows_all = market->struck;

	call->position = UINT64_MAX;
	call->done = called;
	call->context = &done;
	trib_buffer_init(&call->reply, 1 << 20);
	trib_assert(trib_engine_submit(market->engine, call));
	while (!done && !market->run->failed) {
		enum trib_engine_state state = trib_engine_turn(market->engine);

		if (!noted && call->position != UINT64_MAX && call->status == TRIB_OK) {
			noted = true;
			if (op) {
				market_decided(market, op);
				model_add(&market->model, op);
			}
		}
		if (state == TRIB_ENGINE_LOST ||
		    trib_engine_settle(market->engine) == TRIB_ENGINE_LOST)
			recover(market);
	}
	sim_expect(market->run, is_expected(call, shows_all), "a call was refused: %s: %s", call->error.at, call->error.text);
	return noted;
}

bool market_call(struct market *market, struct trib_call *call, struct model_op *op)
{
	bool noted = market_call_kept(market, call, op);

	trib_buffer_fini(&call->reply);
	return noted;
}

static void put_json(struct market *market, const char *json, struct model_op *op)
{
	struct trib_arena arena;
	ProtobufCMessage *message;
	struct trib_error error;
	struct trib_call call = { .kind = TRIB_CALL_PUT,
				  .noun = nouns[op->kind],
				  .name = trib_bytes_text("x") };

	trib_arena_init(&arena, 1 << 20);
	trib_assert(trib_proto_from_json(trib_noun_descriptor(call.noun), trib_bytes_text(json),
					 &arena, &message, &error) == TRIB_OK);
	call.body = message;
	market_call(market, &call, op);
	trib_arena_fini(&arena);
}

static void json_of(const struct model_op *op, char *ret_json, size_t size)
{
	static const char *const plan_states[] = { "active", "paused", "ended" };
	char leader[32] = "";

	switch (op->kind) {
	case MODEL_REGISTRATION:
		snprintf(ret_json, size, "{\"id\":\"r0\",\"channel\":\"app\"}");
		break;
	case MODEL_MERCHANT:
		snprintf(ret_json, size, "{\"id\":\"m%u\",\"roles\":[\"merchant\"]}", op->subject);
		break;
	case MODEL_LEADER:
		snprintf(ret_json, size, "{\"id\":\"l%u\",\"roles\":[\"leader\"]}", op->subject);
		break;
	case MODEL_CREATOR:
		snprintf(ret_json, size,
			 "{\"id\":\"c%u\",\"roles\":[\"creator\"],\"status\":\"%s\"}", op->subject,
			 op->state ? "frozen" : "active");
		break;
	case MODEL_ITEM:
		snprintf(ret_json, size,
			 "{\"id\":\"g%u\",\"merchant\":\"m%u\",\"price\":1000,\"status\":\"%s\"}",
			 op->subject, model_merchant_of(op->subject),
			 op->state ? "withdrawn" : "active");
		break;
	default:
		if (op->leader >= 0)
			snprintf(leader, sizeof(leader), ",\"leader\":\"l%d\"", op->leader);
		snprintf(ret_json, size,
			 "{\"id\":\"p%u\",\"merchant\":\"m%u\",\"goods\":[\"g%u\"],\"status\":\"%"
			 "s\","
			 "\"terms\":{\"commission_bps\":%u,\"service_bps\":%u,\"platform_bps\":%u%"
			 "s}}",
			 op->subject, model_merchant_of(op->subject), op->subject,
			 plan_states[op->state], op->commission_bps, op->service_bps,
			 op->platform_bps, leader);
	}
}

static void put(struct market *market, struct model_op op)
{
	char json[512];
	bool known = op.kind == MODEL_PLAN && market->model.state.plans[op.subject];

	json_of(&op, json, sizeof(json));
	sim_tell(market->run, "put %s", json);
	/* Planted: a change that never arrives. */
	if (market->run->plant == SIM_PLANT_OLD_RATE && known) {
		market_decided(market, &op);
		model_add(&market->model, &op);
	} else {
		put_json(market, json, &op);
	}
}

/* Whatever the op needs and is not there yet; returns whether it is all there. */
bool market_need(struct market *market, enum model_kind kind, uint32_t subject)
{
	const struct model_state *state = &market->model.state;
	struct model_op op = { .kind = kind, .subject = subject };

	switch (kind) {
	case MODEL_REGISTRATION:
		if (state->registration)
			return true;
		break;
	case MODEL_MERCHANT:
		if (state->merchants[subject])
			return true;
		break;
	case MODEL_LEADER:
		if (state->leaders[subject])
			return true;
		break;
	case MODEL_CREATOR:
		if (state->creators[subject])
			return true;
		break;
	default:
		if (state->goods[subject])
			return true;
		if (!market_need(market, MODEL_MERCHANT, model_merchant_of(subject)))
			return false;
	}
	put(market, op);
	return false;
}

static void put_plan(struct market *market)
{
	struct sim_run *run = market->run;
	struct model_op op = {
		.kind = MODEL_PLAN,
		.subject = (uint32_t)sim_below(run,
					       MODEL_GOODS - 1), /* the last goods never have one */
		.state = sim_chance(run, 0.8) ? 0 : 1 + (uint32_t)sim_below(run, 2),
		.commission_bps = (uint32_t)sim_below(run, 5000),
		.service_bps = (uint32_t)sim_below(run, 1000),
		.platform_bps = (uint32_t)sim_below(run, 3000),
		.leader = (int32_t)sim_below(run, MODEL_LEADERS + 1) - 1,
	};

	/* A plan that has ended stays so. */
	if (market->model.state.plans[op.subject] &&
	    market->model.ops[market->model.state.plans[op.subject] - 1].state == 2)
		return;
	if (op.state == 2 && sim_chance(run, 0.8))
		op.state = 0;
	if (market_need(market, MODEL_ITEM, op.subject) &&
	    (op.leader < 0 || market_need(market, MODEL_LEADER, (uint32_t)op.leader)))
		put(market, op);
}

static void put_something(struct market *market)
{
	struct sim_run *run = market->run;
	struct model_op op = { .state = sim_chance(run, 0.25) };

	if (sim_chance(run, 0.7)) {
		put_plan(market);
		return;
	}
	op.kind = sim_chance(run, 0.5) ? MODEL_CREATOR : MODEL_ITEM;
	op.subject =
		(uint32_t)sim_below(run, op.kind == MODEL_CREATOR ? MODEL_CREATORS : MODEL_GOODS);
	if (market_need(market, op.kind, op.subject))
		put(market, op);
}

/* A refusal because of the disk is no op. Anything else that is unexpected is a finding. */
bool market_refused(struct market *market, trib_status status, const char *what,
		    const struct trib_error *error)
{
	if (status == TRIB_OK)
		return false;
	market->run->refusals++;
	sim_expect(market->run, status == TRIB_READ_ONLY, "%s: %s: %s", what, error->at,
		   error->text);
	return true;
}

/* The number that the engine has given to a link. */
static uint64_t link_number(struct market *market, const char *token)
{
	struct trib_track_answer answer;
	struct trib_error error;
	trib_status status = trib_engine_track(market->engine, trib_bytes_text(token), &answer, &error);

	sim_expect(market->run, status == TRIB_OK && answer.result == TRIB_TOKEN_OK, "a token just issued is not one");
	return answer.token.link;
}

static void issue_link(struct market *market)
{
	struct sim_run *run = market->run;
	struct model_op op = { .kind = MODEL_LINK,
			       .creator = (uint32_t)sim_below(run, MODEL_CREATORS),
			       .goods = (uint32_t)sim_below(run, MODEL_GOODS) };
	char creator[16], goods[16];
	enum trib_outcome outcome;
	struct trib_error error;
	size_t size = 0;

	if (!market_need(market, MODEL_REGISTRATION, 0) || !market_need(market, MODEL_CREATOR, op.creator) ||
	    !market_need(market, MODEL_ITEM, op.goods))
		return;
	snprintf(creator, sizeof(creator), "c%u", op.creator);
	snprintf(goods, sizeof(goods), "g%u", op.goods);
	const struct trib_link_request request = { .channel = trib_bytes_text("app"),
						   .creator = trib_bytes_text(creator),
						   .goods = trib_bytes_text(goods) };
	trib_status status =
		trib_engine_link(market->engine, &request, op.token, &size, &outcome, &error);

	if (status == TRIB_REFUSED) {
		int32_t plan;
		enum trib_outcome expected = model_terms(&market->model, &market->model.state, op.goods, op.creator,
							 trib_engine_now(market->engine), &plan);

		sim_expect(run, outcome == expected, "link of %s for %s is refused: %s, expected %s", goods, creator,
			   trib_outcome_word(outcome), trib_outcome_word(expected));
		return;
	}
	if (market_refused(market, status, "link", &error))
		return;
	op.token[size] = '\0';
	op.number = link_number(market, op.token);
	market_decided(market, &op);
	struct model_op *added = model_add(&market->model, &op);

	sim_expect(run, added->outcome == TRIB_OUTCOME_NONE,
		   "link of %s for %s was issued, expected %s", goods, creator,
		   trib_outcome_word(added->outcome));
}

/* The place of some link that was issued; -1 for none. Newer ones more often. */
static int32_t some_link(struct market *market)
{
	int32_t found = -1;
	uint64_t seen = 0;

	for (size_t i = 0; i < market->model.count; i++) {
		const struct model_op *op = &market->model.ops[i];

		if (op->kind == MODEL_LINK && (++seen < 4 || sim_chance(market->run, 0.2)))
			found = (int32_t)i;
	}
	return found;
}

static void touch(struct market *market)
{
	struct sim_run *run = market->run;
	struct model_op op = { .kind = MODEL_TOUCH,
			       .link = some_link(market),
			       .user = (uint32_t)sim_below(run, MODEL_USERS) };
	enum trib_touch_answer answer;
	struct trib_error error;
	char user[16];

	if (op.link < 0)
		return;
	snprintf(user, sizeof(user), "u%u", op.user);
	const struct trib_touch_request request = {
		.user = trib_bytes_text(user),
		.token = trib_bytes_text(market->model.ops[op.link].token),
	};

	if (market_refused(market, trib_engine_touch(market->engine, &request, &answer, &error), "touch",
		    &error))
		return;
	market_decided(market, &op);
	if (answer == TRIB_TOUCH_RECORDED) {
		struct model_op *added = model_add(&market->model, &op);

		sim_expect(run, added->outcome == TRIB_OUTCOME_NONE,
			   "a touch was recorded, expected it to have expired");
		return;
	}
	sim_expect(run,
		   answer == TRIB_TOUCH_EXPIRED &&
			   op.at_ms - market->model.ops[op.link].at_ms > 30 * 24 * HOUR_MS,
		   "a touch was not recorded: %s", trib_touch_answer_word(answer));
}

/* --- Orders -------------------------------------------------------------------------------------------- */

/* One order of a call: what is sent, and what the auditor expects. */
struct sent {
	struct model_op op;
	bool repeat, changed;
	char id[32], user[16], goods[16], token[TRIB_LIMIT_TOKEN_CHARS + 1];
	char list[2 * TRIB_LIMIT_TOKEN_CHARS + 2];
};

struct sending {
	struct market *market;
	struct sent sent[BATCH_MAX];
	struct trib_order_request requests[BATCH_MAX];
};

static void check_repeat(struct market *market, const struct sent *sent,
			 const struct trib_order_answer *answer)
{
	const struct model_op *first = model_order(&market->model, sent->op.number);

	if (!first) {
		/* Its first sending was refused. */
		sim_expect(market->run, !answer->repeated, "order %s is a repeat of nothing",
			   sent->id);
		return;
	}
	/* What was decided last is not known to have happened while nothing can be written. */
	if (!market->struck && answer->status == TRIB_READ_ONLY)
		return;
	if (sent->changed) {
		sim_expect(market->run, answer->status == TRIB_CONFLICT,
			   "order %s with other content is %s, expected a conflict", sent->id,
			   trib_status_word(answer->status));
		return;
	}
	sim_expect(market->run, answer->status == TRIB_OK && answer->repeated,
		   "the repeat of order %s is %s, expected its first answer, %s", sent->id,
		   trib_status_word(answer->status), trib_outcome_word(first->outcome));
	if (!market->run->failed)
		market_check_order(market, answer->record, answer->record->charged, first);
}

static void answered(void *context, size_t i, const struct trib_order_answer *answer)
{
	struct sending *sending = context;
	struct market *market = sending->market;
	struct sent *sent = &sending->sent[i];

	if (sent->repeat)
		check_repeat(market, sent, answer);
	if (market->run->failed || answer->status == TRIB_CONFLICT ||
	    (answer->status == TRIB_OK && answer->repeated) ||
	    market_refused(market, answer->status, "order", answer->error))
		return;
	market_decided(market, &sent->op);
	const struct model_op *op = model_add(&market->model, &sent->op);

	market_check_order(market, answer->record,
			   answer->record->charged - (market->run->plant == SIM_PLANT_LOST_CENT &&
						      answer->record->charged > 5000),
			   op);
	if (op->answer.rolled_out)
		sim_mark(market->run, SIM_MARK_ROLLED_OUT);
	if (op->answer.passed_over)
		sim_mark(market->run, SIM_MARK_OUT_OF_TIME);
}

void market_draw_order(struct market *market, double no_token_chance, struct model_op *ret_op,
		       char ret_token[TRIB_LIMIT_TOKEN_CHARS + 1])
{
	struct sim_run *run = market->run;
	struct model_op op = { .kind = MODEL_ORDER,
			       .user = (uint32_t)sim_below(run, MODEL_USERS),
			       .goods = (uint32_t)sim_below(run, MODEL_GOODS),
			       .base = sim_chance(run, 0.05) ? 0 : (int64_t)sim_below(run, 100000) };

	strcpy(ret_token, "-");
	op.link = sim_chance(run, no_token_chance) ? MODEL_NO_TOKEN : some_link(market);
	if (op.link >= 0) {
		strcpy(ret_token, market->model.ops[op.link].token);
		if (sim_chance(run, 0.85))
			op.goods = market->model.ops[op.link].goods;
		if (sim_chance(run, 0.05)) {
			/* The last letters are the signature's. */
			char *at = ret_token + strlen(ret_token) - 2;

			*at = *at == 'A' ? 'B' : 'A';
			op.link = MODEL_FORGED;
		}
	}
	*ret_op = op;
}

/* The same order again, with other content in one case out of five. */
static bool draw_repeat(struct market *market, struct sent *sent)
{
	struct sim_run *run = market->run;
	size_t orders = 0;

	for (size_t i = 0; i < market->model.count; i++)
		if (market->model.ops[i].kind == MODEL_ORDER && sim_below(run, ++orders) == 0)
			sent->op = market->model.ops[i];
	/* The text of a forged token is not kept. */
	if (orders == 0 || sent->op.link == MODEL_FORGED)
		return false;
	strcpy(sent->token, sent->op.link >= 0 ? market->model.ops[sent->op.link].token : "-");
	sent->repeat = true;
	sent->changed = sim_chance(run, 0.2);
	sent->op.base += sent->changed;
	return true;
}

bool market_states_amounts(const struct model_op *op, int64_t ret_amounts[TRIB_AMOUNTS])
{
	int64_t freight = (int64_t)(op->number % 100), coupon = (int64_t)(op->number % 50);

	if (op->number % 4 != 1 || op->base + freight < coupon)
		return false;
	memset(ret_amounts, 0, TRIB_AMOUNTS * sizeof(*ret_amounts));
	ret_amounts[TRIB_AMOUNT_PAID] = op->base + freight - coupon;
	ret_amounts[TRIB_AMOUNT_FREIGHT] = freight;
	ret_amounts[TRIB_AMOUNT_COUPON_PLATFORM] = coupon;
	ret_amounts[TRIB_AMOUNT_COUPON_MERCHANT] = 7;
	return true;
}

/* How the engine's door is told of it. */
static void request_of(struct sent *sent, struct trib_order_request *ret_request)
{
	const struct model_op *op = &sent->op;

	snprintf(sent->user, sizeof(sent->user), "u%u", op->user);
	snprintf(sent->goods, sizeof(sent->goods), "g%u", op->goods);
	*ret_request = (struct trib_order_request){
		.order = trib_bytes_text(sent->id),
		.user = trib_bytes_text(sent->user),
		.goods = trib_bytes_text(sent->goods),
		.token = trib_bytes_text(sent->token),
		.base_amount = op->base,
		.has_at = op->stated_ms != 0,
		.at_ms = op->stated_ms,
	};
	if (market_states_amounts(op, ret_request->amounts)) {
		ret_request->has_amounts = ret_request->no_base = true;
		ret_request->base_amount = 0;
	}
	if (market_states_twice(op)) {
		snprintf(sent->list, sizeof(sent->list), "%s,%s", sent->token, sent->token);
		ret_request->token = trib_bytes_text(sent->list);
	}
}

static bool draw_order(struct market *market, struct sent *sent,
		       struct trib_order_request *ret_request)
{
	struct sim_run *run = market->run;

	*sent = (struct sent){ 0 };
	if (!sim_chance(run, 0.15) || !draw_repeat(market, sent)) {
		*sent = (struct sent){ 0 };
		market_draw_order(market, 0.3, &sent->op, sent->token);
		sent->op.number = market->next_order++;
	}
	if (!market_need(market, MODEL_ITEM, sent->op.goods))
		return false;
	/* Planted: the repeat is sent under another name. */
	market_order_id(sent->repeat && !sent->changed && run->plant == SIM_PLANT_FORGOTTEN_REPEAT
				? market->next_order++
				: sent->op.number,
			sent->id);
	request_of(sent, ret_request);
	return true;
}

static void send_orders(struct market *market)
{
	struct sending *sending = trib_alloc_zeroed(1, sizeof(*sending));
	size_t wanted = 1 + sim_below(market->run, BATCH_MAX), count = 0;
	unsigned openings = market->openings;

	sending->market = market;
	while (count < wanted && !market->run->failed && market->openings == openings &&
	       draw_order(market, &sending->sent[count], &sending->requests[count]))
		count++;
	if (count > 0 && !market->run->failed &&
	    trib_engine_state(market->engine) != TRIB_ENGINE_LOST)
		trib_engine_orders(market->engine, sending->requests, count, answered, sending);
	free(sending);
}

void market_ask(struct market *market, const struct model_op *op, const char *token)
{
	struct sending *sending = trib_alloc_zeroed(1, sizeof(*sending));
	struct sent *sent = &sending->sent[0];

	sending->market = market;
	sent->op = *op;
	snprintf(sent->token, sizeof(sent->token), "%s", token);
	market_order_id(op->number, sent->id);
	request_of(sent, &sending->requests[0]);
	trib_engine_orders(market->engine, sending->requests, 1, answered, sending);
	free(sending);
}

/* --- What is told of orders later ------------------------------------------------------------------------- */

/* The number of an order that was decided, or of one that is still to come. */
static uint64_t some_order(struct market *market, bool known)
{
	return known ? 1 + sim_below(market->run, market->next_order) : market->next_order + sim_below(market->run, 20);
}

static void tell_status(struct market *market)
{
	struct sim_run *run = market->run;
	struct model_op op = { .kind = MODEL_STATUS, .number = some_order(market, sim_chance(run, 0.8)),
			       .state = TRIB_ORDER_PAID + (uint32_t)sim_below(run, TRIB_ORDER_STATES - TRIB_ORDER_PAID) };
	const struct trib_status_request *request;
	struct trib_status_answer answer;
	struct trib_error error;
	char id[32];

	if (op.state == TRIB_ORDER_INVALID && sim_chance(run, 0.7))
		op.state = TRIB_ORDER_PAID;
	market_order_id(op.number, id);
	request = &(struct trib_status_request){ .order = trib_bytes_text(id),
						 .state = (enum trib_order_state)op.state };
	trib_status status = trib_engine_order_status(market->engine, request, &answer, &error);

	/* As long as nothing can be written the engine may know less of the order than was decided: repeats are no news. */
	if (status == TRIB_OK && !market->struck)
		return;
	market_decided(market, &op);
	const struct model_op *order = model_order(&market->model, op.number);
	struct model_life life = order ? order->life : model_kept(&market->model, op.number, op.at_ms);

	if (status == TRIB_REFUSED) {
		sim_expect(run, op.state != TRIB_ORDER_INVALID && model_is_over(&life),
			   "order %s refuses %s", id, trib_order_state_word((enum trib_order_state)op.state));
		return;
	}
	if (market_refused(market, status, "status", &error))
		return;
	sim_expect(run, op.state == TRIB_ORDER_INVALID || !model_is_over(&life) || life.reached & 1u << op.state,
		   "order %s takes %s, being invalid",
		   id, trib_order_state_word((enum trib_order_state)op.state));
	model_add(&market->model, &op);
	order = model_order(&market->model, op.number);
	sim_expect(run, answer.pending == !order && (!order || answer.state == order->life.state),
		   "order %s is %s after %s, expected %s", id,
		   answer.pending ? "pending" : trib_order_state_word(answer.state),
		   trib_order_state_word((enum trib_order_state)op.state),
		   order ? trib_order_state_word(order->life.state) : "pending");
}

/* A new refund, or in one case out of five a known one again. */
static void tell_refund(struct market *market)
{
	struct sim_run *run = market->run;
	struct model_op op = { .kind = MODEL_REFUND, .number = some_order(market, true), .refund = sim_below(run, 5),
			       .state = 1 + (uint32_t)sim_below(run, TRIB_REFUND_FORFEITURE) };
	const struct model_op *order = model_order(&market->model, op.number);
	const struct model_op *first = model_refund(&market->model, op.number, op.refund);
	struct trib_refund_answer answer;
	struct trib_error error;
	char id[32], refund[16];

	if (!order)
		return;
	int64_t left = order->life.remaining;

	op.base = (int64_t)sim_below(run, (uint64_t)left + 1 + (uint64_t)left / 8);
	if (first) {
		op.state = first->state;
		op.base = first->base;
	}
	market_order_id(op.number, id);
	snprintf(refund, sizeof(refund), "r%u", (unsigned)op.refund);
	const struct trib_refund_request request = { .order = trib_bytes_text(id), .refund = trib_bytes_text(refund),
						     .kind = (enum trib_refund_kind)op.state, .amount = op.base };
	bool lowers = trib_refund_effect(request.kind) == TRIB_REFUND_LOWERS;
	trib_status status = TRIB_OK;

	/* Planted: a refund that is answered and never told. */
	answer = (struct trib_refund_answer){ .remaining = left - (lowers ? op.base : 0) };
	if (run->plant != SIM_PLANT_LOST_REFUND)
		status = trib_engine_refund(market->engine, &request, &answer, &error);

	if (status == TRIB_OK && !market->struck)
		return;
	market_decided(market, &op);
	bool over = model_is_over(&order->life);

	if (!first && (status == TRIB_OVER_REFUND || status == TRIB_REFUSED)) {
		sim_expect(run, lowers ? op.base > (over ? 0 : left) : over && op.state == TRIB_REFUND_FORFEITURE,
			   "order %s with %lld left refuses %s of %lld: %s", id, (long long)left,
			   trib_refund_kind_word(request.kind), (long long)op.base, error.text);
		return;
	}
	if (market_refused(market, status, "refund", &error))
		return;
	if (!first)
		first = model_add(&market->model, &op);
	if (lowers)
		sim_expect(run, answer.reversed == first->charged && (over || answer.remaining == first->life.remaining),
			   "refund %s of %s leaves %lld and reverses %lld, expected %lld and %lld", refund, id,
			   (long long)answer.remaining, (long long)answer.reversed, (long long)first->life.remaining,
			   (long long)first->charged);
}

/* --- A life -------------------------------------------------------------------------------------------- */

/* Answers leave as their tickets settle. */
static void release_answers(struct market *market)
{
	uint64_t settled = market->run->plant == SIM_PLANT_EARLY_ANSWER
				   ? UINT64_MAX
				   : trib_engine_settled(market->engine);

	while (market->struck && market->answered < market->model.count &&
	       market->model.ops[market->answered].ticket <= settled) {
		market->answered++;
		market->run->answered++;
	}
	if (market->struck)
		clients_settled(market, settled);
}

static void turn(struct market *market)
{
	switch (trib_engine_turn(market->engine)) {
	case TRIB_ENGINE_LOST:
		recover(market);
		break;
	case TRIB_ENGINE_READ_ONLY:
		market->clock.skipped_ms += 1000;
		break;
	case TRIB_ENGINE_RUNNING:
		if (!market->struck)
			resync(market);
		release_answers(market);
	}
}

/* Hours, days, or so long that what was not told before is too late. Touches are kept for 90 days: never so long. */
static void skip(struct market *market)
{
	struct sim_run *run = market->run;
	double span = trib_rng_unit(&run->rng);
	int64_t hours = span < 0.04 ? 31 * 24 : (int64_t)sim_below(run, span < 0.2 ? 240 : 2);

	if (market->clock.skipped_ms + hours * HOUR_MS < 80 * 24 * HOUR_MS)
		market->clock.skipped_ms += hours * HOUR_MS;
}

static void step(struct market *market)
{
	struct sim_run *run = market->run;

	turn(market);
	if (run->failed || trib_engine_state(market->engine) == TRIB_ENGINE_LOST)
		return;
	switch (sim_below(run, 28)) {
	case 0:
		put_something(market);
		break;
	case 1:
	case 2:
		put_plan(market);
		break;
	case 3:
	case 4:
	case 5:
		issue_link(market);
		break;
	case 6:
	case 7:
	case 8:
		touch(market);
		break;
	case 9:
		trib_engine_checkpoint(market->engine);
		break;
	case 10:
		skip(market);
		break;
	case 11:
	case 12:
	case 13:
		trib_sim_disk_step(run->disk);
		break;
	case 14:
		tell_status(market);
		break;
	case 15:
		tell_refund(market);
		break;
	case 16:
		switch_rules(market);
		break;
	case 17:
	case 18:
	case 19:
	case 20:
	case 21:
	case 22:
	case 23:
		clients_step(market);
		break;
	default:
		send_orders(market);
	}
}

static void open_engine(struct market *market)
{
	market->engine = sim_engine_open(market->run, &market->options);
	if (market->engine)
		resync(market);
}

static void end_life(struct market *market)
{
	release_answers(market);
	market->least = market->answered;
	clients_cut_off(market);
	/* `interval` and `off` may lose the last answers to a power cut. */
	if (sim_engine_end(market->run, TRIB_TAKE_PTR(market->engine)) && market->options.sync != TRIB_JOURNAL_SYNC_BATCH) {
		market->least = 0;
		market->forgetful = true;
	}
}

static void live(struct market *market)
{
	struct sim_run *run = market->run;

	run->lives++;
	market->options.sync = (enum trib_journal_sync)(sim_chance(run, 0.7) ? 0 : sim_below(run, 3));
	open_engine(market);
	if (run->failed)
		return;
	sim_draw_faults(run);
	for (uint64_t i = 0, steps = sim_below(run, STEPS); i < steps && !run->failed; i++)
		step(market);
	if (run->failed)
		return;
	end_life(market);
	sim_clear_faults(run);
}

/* Nothing goes wrong any more: what waits with the clients arrives, and everything is looked at once more. */
static void last_life(struct market *market)
{
	market->options.sync = TRIB_JOURNAL_SYNC_BATCH;
	open_engine(market);
	while (!market->run->failed && !market->struck)
		turn(market);
	if (!market->run->failed)
		clients_drain(market);
	if (!market->run->failed)
		audit(market);
	if (market->engine)
		trib_engine_close(TRIB_TAKE_PTR(market->engine));
}

void sim_market(struct sim_run *run)
{
	struct market market = { .run = run, .next_order = 1 };

	sim_clock_init(&market.clock, run);
	sim_folder_make(run, market.folder);
	market.options = (struct trib_engine_options){
		.data = market.folder,
		.disk = trib_sim_disk_table(run->disk),
		.clock = &market.clock.clock,
		.segment_bytes = 64 << 10,
		.ring_bytes = 128 << 10,
		/* So few that orders are found in the store's runs. */
		.order_index_bytes = 1 << (10 + sim_below(run, 8)),
		.touches_bytes = 16 << 20,
		.checkpoint_bytes = 32 << 10,
		.foreground = true,
	};
	market.clients = clients_new(&market);
	for (int life = 0; life < LIVES && !run->failed; life++)
		live(&market);
	if (!run->failed)
		last_life(&market);
	clients_free(market.clients);
	trib_engine_abandon(TRIB_TAKE_PTR(market.engine));
	model_fini(&market.model);
	sim_folder_remove(market.folder);
}
