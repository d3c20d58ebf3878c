/*
 * The nouns of the trade in the real engine, on the simulated disk and clock: a play that is put, activated, rolled back
 * and closed, whose flow refuses, tells and waits; plans with schedules and budgets through their lives; approvals,
 * enrolments, invitations with fees, samples, shelves; orders beside them; access tokens and sessions; and messages that
 * leave by the outbox. The process is stopped, killed, loses power, meets a failing disk. The auditor (trade.h) says of
 * each op what it must come to, and after every opening:
 *
 *	1. what has survived is a beginning of what was decided, and everything that was answered is in it
 *	2. every status, rate, shelf, balance, token and session is what the model says, and nothing else is there: so no
 *	   flow, and no command of several events, is there by half
 *	3. no message has left whose cause is not there, each says the same every time, and in the end every cause has
 *	   left its message
 */
#include <stdlib.h>
#include <string.h>
#include "engine/engine.h"
#include "engine/outbox.h"
#include "sim.h"
#include "trade.h"

#define HOUR_MS	 (INT64_C(3600) * 1000)
#define DAY_MS	 (24 * HOUR_MS)

enum { LIVES = 5, STEPS = 70, LEFT_MAX = 1024 };

struct trade {
	struct sim_clock clock;
	struct sim_run *run;
	char folder[64];
	struct trib_engine_options options;
	struct trib_engine *engine;

	struct trade_model model;
	size_t answered,
		least; /* ops whose answers have left; that must be there at the next opening */
	bool struck;   /* this opening can write, and the list was cut to what is there */
	bool peopled;  /* those who take part are there */
	struct {
		uint64_t id, content;
		bool taken; /* and told so, at least once */
		int plan;   /* of "plan.told"; else -1 */
	} left[LEFT_MAX];
	size_t n_left;
};

static int64_t wall_ms(struct trade *trade)
{
	return trib_clock_wall_ms(&trade->clock.clock);
}

/* --- Auditing ------------------------------------------------------------------------------------------- */

static const struct trib_domain *domain_of(const struct trade *trade)
{
	return trib_engine_domain(trade->engine);
}

static void audit_status(struct trade *trade, enum trib_noun noun, const char *id,
			 const char *expected, const char * or)
{
	uint32_t number = trib_domain_find(domain_of(trade), noun, trib_bytes_text(id));
	const char *found =
		number ? trib_domain_cold(domain_of(trade), noun, number)->status : "not there";

	sim_expect(trade->run, !strcmp(found, expected) || !strcmp(found, or),
		   "%s %s is %s, expected %s", trib_noun_word(noun), id, found, expected);
}

static void audit_people(struct trade *trade)
{
	const struct trade_state *state = &trade->model.state;
	char id[32];

	for (uint32_t i = 0; i < state->n_approvals; i++)
		audit_status(trade, TRIB_NOUN_APPROVAL,
			     trade->model.ops[state->approvals[i].op].text,
			     state->approvals[i].status, "");
	for (uint32_t i = 0; i < TRADE_ENROLMENTS; i++) {
		snprintf(id, sizeof(id), "e%u", i);
		audit_status(trade, TRIB_NOUN_ENROLMENT, id,
			     state->enrolments[i] ? state->enrolments[i] : "not there", "");
	}
	for (uint32_t i = 0; i < state->n_invitations; i++) {
		bool open = strstr("sent countered", state->invitations[i].status);

		snprintf(id, sizeof(id), "i%u", i);
		audit_status(trade, TRIB_NOUN_INVITATION, id, state->invitations[i].status,
			     open && state->invitations[i].expires_ms <= wall_ms(trade)
				     ? "expired"
				     : "");
	}
	for (uint32_t i = 0; i < state->n_samples; i++) {
		trade_sample_id(state, i, id);
		audit_status(trade, TRIB_NOUN_SAMPLE, id, state->samples[i].status, "");
	}
}

/* Nothing is there that was not decided. */
static void audit_counts(struct trade *trade)
{
	const struct trade_state *state = &trade->model.state;
	uint32_t plans = 0, enrolments = 0;

	for (int i = 0; i < TRADE_GOODS; i++)
		plans += state->plans[i].exists;
	for (int i = 0; i < TRADE_ENROLMENTS; i++) {
		plans += state->offered[i];
		enrolments += state->enrolments[i] != NULL;
	}
	for (uint32_t i = 0; i < state->n_invitations; i++)
		plans += !strcmp(state->invitations[i].status, "accepted");
	const struct {
		enum trib_noun noun;
		uint32_t expected;
	} rows[] = { { TRIB_NOUN_PLAN, plans },
		     { TRIB_NOUN_APPROVAL, state->n_approvals },
		     { TRIB_NOUN_ENROLMENT, enrolments },
		     { TRIB_NOUN_INVITATION, state->n_invitations },
		     { TRIB_NOUN_SAMPLE, state->n_samples } };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		sim_expect(trade->run,
			   trib_domain_count(domain_of(trade), rows[i].noun) == rows[i].expected,
			   "there are %u %s, expected %u",
			   trib_domain_count(domain_of(trade), rows[i].noun),
			   trib_noun_plural(rows[i].noun), rows[i].expected);
}

static void audit_terms(struct trade *trade)
{
	int64_t now_ms = trib_engine_now(trade->engine);

	for (uint32_t creator = 0; creator < TRADE_CREATORS; creator++)
		for (uint32_t goods = 0; goods < TRADE_GOODS; goods++) {
			struct trib_terms terms;
			char c[16], g[16];
			int64_t bps;
			int32_t plan;
			enum trib_outcome expected = trade_terms(&trade->model.state, creator,
								 goods, now_ms, &bps, &plan);

			snprintf(c, sizeof(c), "c%u", creator);
			snprintf(g, sizeof(g), "g%u", goods);
			trib_terms_resolve(
				domain_of(trade),
				&(struct trib_terms_request){
					.goods = trib_domain_find(domain_of(trade), TRIB_NOUN_GOODS,
								  trib_bytes_text(g)),
					.creator =
						trib_domain_find(domain_of(trade), TRIB_NOUN_PARTY,
								 trib_bytes_text(c)),
					.at_ms = now_ms,
					.lock_ms = now_ms },
				&terms);
			sim_expect(trade->run,
				   terms.outcome == expected && (expected != TRIB_OUTCOME_NONE ||
								 terms.commission_bps == bps),
				   "terms of %s for %s are %s at %d, expected %s at %lld", g, c,
				   trib_outcome_word(terms.outcome), terms.commission_bps,
				   trib_outcome_word(expected), (long long)bps);
		}
}

static void audit_shelves(struct trade *trade)
{
	static const char *const kinds[] = { "showcase", "live_cart" };

	for (uint32_t i = 0; i < TRIB_ARRAY_SIZE(trade->model.state.shelves); i++) {
		const struct trade_shelf *shelf = &trade->model.state.shelves[i];
		const struct trib_shelf_page *page;
		struct trib_error error;
		char creator[16], goods[16];

		snprintf(creator, sizeof(creator), "c%u", i / TRADE_KINDS_OF_SHELF);
		const struct trib_shelf_page_request request = {
			.creator = trib_bytes_text(creator),
			.kind = trib_bytes_text(kinds[i % TRADE_KINDS_OF_SHELF])
		};

		if (trib_engine_shelf(trade->engine, &request, &page, &error) != TRIB_OK) {
			sim_fail(trade->run, "a shelf of %s: %s: %s", creator, error.at,
				 error.text);
			return;
		}
		sim_expect(trade->run,
			   page->version == shelf->version && page->n_rows == shelf->count,
			   "the %s of %s is at version %u with %u entries, expected %u with %u",
			   kinds[i % TRADE_KINDS_OF_SHELF], creator, page->version, page->n_rows,
			   shelf->version, shelf->count);
		for (uint32_t row = 0; row < shelf->count && !trade->run->failed; row++) {
			snprintf(goods, sizeof(goods), "g%u", shelf->goods[row]);
			sim_expect(trade->run, trib_bytes_is(page->rows[row].goods, goods),
				   "entry %u of %s is " TRIB_BYTES_FMT ", expected %s", row,
				   creator, TRIB_BYTES_ARG(page->rows[row].goods), goods);
		}
	}
}

static void audit_balance(struct trade *trade, const char *id, enum trib_word role,
			  int64_t expected)
{
	const struct trib_account account = { trib_domain_find(domain_of(trade), TRIB_NOUN_PARTY,
							       trib_bytes_text(id)),
					      role, TRIB_WORD_CNY };
	int64_t found = trib_ledger_balance(trib_engine_ledger(trade->engine), account);

	sim_expect(trade->run, found == expected, "%s has %lld, expected %lld", id,
		   (long long)found, (long long)expected);
}

static void audit_access(struct trade *trade)
{
	const struct trade_state *state = &trade->model.state;
	struct trib_directory *directory = trib_engine_directory(trade->engine);
	int64_t now_ms = wall_ms(trade);
	struct trib_credential who;

	for (uint32_t i = 0; i < state->n_tokens; i++) {
		const char *secret = trade->model.ops[state->tokens[i].op].text;
		enum trib_credential_result found =
			trib_directory_token(directory, trib_bytes_text(secret), now_ms, &who);

		sim_expect(trade->run,
			   found == (state->tokens[i].ended ? TRIB_CREDENTIAL_REVOKED
							    : TRIB_CREDENTIAL_OK),
			   "token %u is %d, expected it %s", i, found,
			   state->tokens[i].ended ? "revoked" : "good");
	}
	for (uint32_t i = 0; i < state->n_sessions; i++) {
		const char *secret = trade->model.ops[state->sessions[i].op].text;
		bool found = trib_directory_session(directory, trib_bytes_text(secret), now_ms,
						    900 * DAY_MS, &who) == TRIB_CREDENTIAL_OK;

		sim_expect(trade->run, found != state->sessions[i].ended,
			   "session %u is %s, expected otherwise", i, found ? "good" : "over");
	}
}

static void audit_orders(struct trade *trade)
{
	for (size_t i = 0; i < trade->model.count && !trade->run->failed; i++) {
		const struct trade_op *op = &trade->model.ops[i];
		const struct trib_order_record *record;
		struct trib_error error;
		uint64_t position;
		char id[32];

		if (op->kind != TRADE_ORDER)
			continue;
		snprintf(id, sizeof(id), "o%u", op->subject);
		trib_status status = trib_engine_order(trade->engine, trib_bytes_text(id), &record,
						       &position, &error);

		sim_expect(trade->run,
			   status == TRIB_OK && record->outcome == op->outcome &&
				   record->charged == op->charged,
			   "order %s is %s with %lld, expected %s with %lld", id,
			   status == TRIB_OK ? trib_outcome_word(record->outcome) : "not there",
			   status == TRIB_OK ? (long long)record->charged : 0,
			   trib_outcome_word(op->outcome), (long long)op->charged);
	}
}

static bool call(struct trade *trade, struct trib_call *call, struct trade_op *op);

/* {"play":{"name":"p",…,"version":3,"active":2,… */
static void audit_play(struct trade *trade)
{
	struct trib_call get = { .kind = TRIB_CALL_PLAY_GET, .name = trib_bytes_text("p") };
	unsigned version = 0, active = 0;

	if (!trade->model.state.play_versions || trade->run->failed)
		return;
	call(trade, &get, NULL);
	if (get.status == TRIB_OK && !trade->run->failed) {
		const char *versions = strstr(trib_buffer_text(&get.reply), "\"version\":");

		if (versions)
			sscanf(versions, "\"version\":%u,\"active\":%u", &version, &active);
		sim_expect(trade->run,
			   version == trade->model.state.play_versions &&
				   active == trade_active(&trade->model.state),
			   "the play has %u versions, %u active, expected %u, %u", version, active,
			   trade->model.state.play_versions, trade_active(&trade->model.state));
	}
	trib_buffer_fini(&get.reply);
}

static void audit(struct trade *trade)
{
	const char *reason = "";
	char id[16];

	audit_people(trade);
	audit_counts(trade);
	audit_terms(trade);
	audit_shelves(trade);
	audit_access(trade);
	audit_orders(trade);
	audit_balance(trade, "m", TRIB_WORD_MERCHANT, trade->model.state.merchant);
	for (uint32_t i = 0; i < TRADE_CREATORS; i++) {
		snprintf(id, sizeof(id), "c%u", i);
		audit_balance(trade, id, TRIB_WORD_CREATOR, trade->model.state.creators[i]);
	}
	sim_expect(trade->run, trib_engine_check(trade->engine, &reason), "%s", reason);
}

/* After an opening: strikes off what has not survived; an engine that cannot write may show less, for a while. */
static void resync(struct trade *trade)
{
	struct sim_run *run = trade->run;
	struct trib_engine_counts counts;
	size_t there = 0;

	trib_engine_count(trade->engine, &counts);
	while (there < trade->model.count && trade->model.ops[there].position <= counts.position)
		there++;
	trade->struck = trib_engine_state(trade->engine) == TRIB_ENGINE_RUNNING;
	sim_tell(run, "opened %sat position %llu: %zu ops survive, %zu must, %zu were decided",
		 trade->struck ? "" : "read-only ", (unsigned long long)counts.position, there,
		 trade->least, trade->model.count);
	if (!trade->struck)
		return;
	sim_expect(run, there >= trade->least, "%zu ops survive, expected at least %zu of %zu",
		   there, trade->least, trade->model.count);
	trade_cut(&trade->model, there);
	for (size_t i = 0; i < there; i++)
		trade->model.ops[i].ticket = 0;
	trade->answered = there;
	for (size_t i = 0; i < trade->n_left; i++)
		sim_expect(run, trade->left[i].id <= counts.position,
			   "message %llu has left, and its cause is not there",
			   (unsigned long long)trade->left[i].id);
	if (!run->failed && trade->peopled)
		audit(trade);
}

/* --- Calls ---------------------------------------------------------------------------------------------- */

static void called(struct trib_call *done)
{
	*(bool *)done->context = true;
}

static void recover(struct trade *trade)
{
	struct trib_error error;

	sim_tell(trade->run, "lost: %s: %s", trib_engine_reason(trade->engine)->at,
		 trib_engine_reason(trade->engine)->text);
	trade->least = trade->answered;
	if (trib_engine_recover(trade->engine, &error) != TRIB_OK)
		sim_fail(trade->run, "recovering: %s: %s", error.at, error.text);
	else
		resync(trade);
}

/* It has happened, whether or not it will be written. */
static void note(struct trade *trade, struct trade_op *op)
{
	struct trib_engine_counts counts;

	trib_engine_count(trade->engine, &counts);
	op->at_ms = trib_engine_now(trade->engine);
	op->position = counts.position;
	op->ticket = trib_engine_ticket(trade->engine);
	trade->run->commands++;
	trib_status status = trade_add(&trade->model, op);

	sim_expect(trade->run, status == TRIB_OK, "op %d of %u is taken, expected %s", op->kind,
		   op->subject, trib_status_word(status));
}

/* What a refusal should have been. */
static void check_refusal(struct trade *trade, struct trade_op *op, trib_status found,
			  const struct trib_error *error)
{
	struct trade_state copy = trade->model.state;

	trade->run->refusals++;
	if (!trade->struck || found == TRIB_READ_ONLY || found == TRIB_UNKNOWN)
		return;
	op->at_ms = trib_engine_now(trade->engine);
	trib_status expected = trade_fold(&trade->model, &copy, op, trade->model.count);

	sim_expect(trade->run, found == expected, "op %d of %u is %s (%s: %s), expected %s",
		   op->kind, op->subject, trib_status_word(found), error->at, error->text,
		   trib_status_word(expected));
}

/* What an answer brings that the model cannot know. */
static void keep_text(struct trade *trade, const struct trib_call *done, struct trade_op *op)
{
	static const char before[] = "\"token\":\"";
	struct trib_bytes reply = trib_buffer_bytes(&done->reply);
	const char *at = NULL, *end = NULL;

	if (op->kind == TRADE_TOKEN && reply.size)
		at = memmem(reply.data, reply.size, before, strlen(before));
	if (at) {
		at += strlen(before);
		end = memchr(at, '"', reply.size - (size_t)(at - reply.data));
	}
	if (end)
		snprintf(op->text, sizeof(op->text), "%.*s", (int)(end - at), at);
	if (op->kind == TRADE_SIGN_IN)
		snprintf(op->text, sizeof(op->text), "%s", done->secret);
	uint32_t approvals = trib_domain_count(domain_of(trade), TRIB_NOUN_APPROVAL);

	/* The newest, if this is what waits for it. */
	if (op->kind == TRADE_PLAN && approvals)
		snprintf(op->text, sizeof(op->text), TRIB_BYTES_FMT,
			 TRIB_BYTES_ARG(
				 trib_domain_id(domain_of(trade), TRIB_NOUN_APPROVAL, approvals)));
}

/* Runs a call to its end. The reply is the caller's to free. Returns whether it was decided. */
static bool call(struct trade *trade, struct trib_call *call, struct trade_op *op)
{
	bool done = false, noted = false;

	call->position = UINT64_MAX;
	call->done = called;
	call->context = &done;
	trib_buffer_init(&call->reply, 1 << 20);
	trib_assert(trib_engine_submit(trade->engine, call));
	while (!done && !trade->run->failed) {
		enum trib_engine_state state = trib_engine_turn(trade->engine);

		if (!noted && call->position != UINT64_MAX && call->status == TRIB_OK) {
			noted = true;
			if (op) {
				keep_text(trade, call, op);
				note(trade, op);
			}
		}
		if (state == TRIB_ENGINE_LOST ||
		    trib_engine_settle(trade->engine) == TRIB_ENGINE_LOST)
			recover(trade);
	}
	if (!noted && op && !trade->run->failed)
		check_refusal(trade, op, call->status, &call->error);
	return noted;
}

/* Planted: what is answered and never told. */
static bool is_planted(struct trade *trade, const struct trade_op *op)
{
	switch (trade->run->plant) {
	case SIM_PLANT_LOST_SHELF:
		return op->kind == TRADE_SHELVE;
	case SIM_PLANT_LOST_ACCEPTANCE:
		return op->kind == TRADE_INVITE_ACT && op->act == TRADE_ACT_ACCEPT;
	case SIM_PLANT_LOST_APPROVAL:
		return op->kind == TRADE_DECIDE;
	case SIM_PLANT_LOST_REVOKE:
		return op->kind == TRADE_REVOKE;
	case SIM_PLANT_OLD_PLAY:
		return op->kind == TRADE_ROLLBACK;
	case SIM_PLANT_LATE_PAUSE:
		return op->kind == TRADE_PLAN_ACT;
	default:
		return false;
	}
}

static void ask(struct trade *trade, struct trib_call one, const ProtobufCMessageDescriptor *body,
		const char *json, struct trade_op *op)
{
	struct trib_arena arena;
	ProtobufCMessage *message = NULL;
	struct trib_error error;
	struct trade_state copy = trade->model.state;

	op->at_ms = trib_engine_now(trade->engine);
	if (is_planted(trade, op) &&
	    trade_fold(&trade->model, &copy, op, trade->model.count) == TRIB_OK) {
		note(trade, op);
		return;
	}
	trib_arena_init(&arena, 1 << 20);
	if (body &&
	    trib_proto_from_json(body, trib_bytes_text(json), &arena, &message, &error) != TRIB_OK)
		sim_fail(trade->run, "%s: %s: %s", json, error.at, error.text);
	one.body = message;
	sim_tell(trade->run, "op %d of %u %s %s", op->kind, op->subject,
		 one.action.size ? trade_act_word(op->act) : "", json ? json : "");
	if (!trade->run->failed)
		call(trade, &one, op);
	trib_buffer_fini(&one.reply);
	trib_arena_fini(&arena);
}

static void put(struct trade *trade, enum trib_noun noun, const char *id, const char *json,
		struct trade_op *op)
{
	ask(trade,
	    (struct trib_call){ .kind = TRIB_CALL_PUT, .noun = noun, .name = trib_bytes_text(id) },
	    trib_noun_descriptor(noun), json, op);
}

static void act(struct trade *trade, enum trib_noun noun, const char *id, struct trade_op *op)
{
	char json[128];

	snprintf(json, sizeof(json),
		 op->act == TRADE_ACT_COUNTER ? "{\"offer\":{\"terms\":{\"commission_bps\":%lld}}}"
					      : "{\"reason\":\"r\"}",
		 (long long)op->amount);
	ask(trade,
	    (struct trib_call){ .kind = TRIB_CALL_ACT,
				.noun = noun,
				.name = trib_bytes_text(id),
				.action = trib_bytes_text(trade_act_word(op->act)) },
	    &tributary__action_request__descriptor, json, op);
}

/* --- What the workload does ------------------------------------------------------------------------------- */

/* Files whose version wants a fee of its own number, and adds it to the rate. */
static void put_play(struct trade *trade)
{
	uint32_t version = trade->model.state.play_versions + 1;
	struct trade_op op = { .kind = TRADE_PLAY };
	char json[2048];

	if (version >= TRADE_MANY)
		return;
	snprintf(json, sizeof(json),
		 "{\"files\":[{\"name\":\"play.yaml\",\"text\":\"name: p\\nwhen: request.scene == "
		 "'live'\\ncapabilities:\\n"
		 "  plan.price: [{cel: commission_bps + %u}]\\n\"},"
		 "{\"name\":\"ext.schema.json\",\"text\":\"{\\\"properties\\\": {\\\"plan\\\": "
		 "{\\\"required\\\": [\\\"fee\\\"], "
		 "\\\"properties\\\": {\\\"fee\\\": {\\\"const\\\": %u}}}}}\"},"
		 "{\"name\":\"flow.yaml\",\"text\":\"flows:\\n  plan.put:\\n"
		 "    - {do: notify, with: {kind: '\\\"plan.told\\\"', to: '\\\"m\\\"', body: "
		 "'{\\\"bps\\\": commission_bps}'}}\\n"
		 "    - {when: commission_bps >= %d, refuse: too much}\\n"
		 "    - {when: commission_bps >= %d, wait: approval, what: much}\\n    - do: "
		 "plan.price\\n\"}]}",
		 version, version, TRADE_REFUSED_BPS, TRADE_WAITS_BPS);
	ask(trade, (struct trib_call){ .kind = TRIB_CALL_PLAY_PUT, .name = trib_bytes_text("p") },
	    &tributary__play_put_request__descriptor, json, &op);
}

static void switch_play(struct trade *trade)
{
	struct sim_run *run = trade->run;
	const struct trade_state *state = &trade->model.state;
	uint64_t dice = sim_below(run, 10);
	struct trade_op op = { .kind = dice < 6	  ? TRADE_ACTIVATE
				       : dice < 9 ? TRADE_ROLLBACK
						  : TRADE_CLOSE };
	char json[64];

	if (state->n_activations + 2 >= TRADE_MANY)
		return;
	op.subject = 1 + (uint32_t)sim_below(run, state->play_versions + 1);
	snprintf(json, sizeof(json), "{\"version\":%u}", op.subject);
	if (op.kind == TRADE_ACTIVATE)
		ask(trade,
		    (struct trib_call){ .kind = TRIB_CALL_PLAY_ACTIVATE,
					.name = trib_bytes_text("p") },
		    &tributary__activate_request__descriptor, json, &op);
	else
		ask(trade,
		    (struct trib_call){ .kind = op.kind == TRADE_ROLLBACK ? TRIB_CALL_PLAY_ROLLBACK
									  : TRIB_CALL_PLAY_CLOSE,
					.name = trib_bytes_text("p") },
		    NULL, NULL, &op);
	if (op.position && op.kind == TRADE_ROLLBACK)
		sim_mark(run, SIM_MARK_PLAY_ROLLED_BACK);
}

static void put_plan(struct trade *trade)
{
	struct sim_run *run = trade->run;
	struct trade_op op = { .kind = TRADE_PLAN,
			       .subject = (uint32_t)sim_below(run, TRADE_GOODS) };
	const struct trade_plan *plan = &trade->model.state.plans[op.subject];
	int64_t now_ms = wall_ms(trade);
	const struct trade_plan_version *now = trade_in_force(plan, now_ms);
	char json[512], id[16], from[64] = "";

	/* What lies ahead would be covered; what has ended stays so. */
	if (trade_is_ahead(plan, now_ms) || plan->count + 4 >= TRADE_MANY ||
	    (now && !strcmp(now->status, "ended")) ||
	    trade->model.state.n_approvals + 1 >= TRADE_MANY)
		return;
	uint32_t play = plan->exists ? plan->play : trade_active(&trade->model.state);

	op.other = sim_chance(run, 0.9) ? play : play + 1;
	op.amount = (int64_t)(sim_chance(run, 0.6) ? sim_below(run, 4000) : sim_below(run, 9990)) &
		    ~INT64_C(63);
	op.amount += plan->count; /* another than the last */
	if (now && op.amount < TRADE_WAITS_BPS && sim_chance(run, 0.2)) {
		op.from_ms = now_ms + (1 + (int64_t)sim_below(run, 48)) * HOUR_MS;
		snprintf(from, sizeof(from), ",\"effective_from\":%lld", (long long)op.from_ms);
	}
	snprintf(id, sizeof(id), "p%u", op.subject);
	snprintf(json, sizeof(json),
		 "{\"id\":\"%s\",\"merchant\":\"m\",\"goods\":[\"g%u\"],\"scene\":\"live\","
		 "\"terms\":{\"commission_bps\":%lld},"
		 "\"ext\":{\"fee\":%u}%s%s}",
		 id, op.subject, (long long)op.amount, op.other,
		 op.subject % 2 ? ",\"budget\":40000" : "", from);
	uint32_t waiting = trade->model.state.n_approvals;

	put(trade, TRIB_NOUN_PLAN, id, json, &op);
	if (op.position && trade->model.state.n_approvals > waiting)
		sim_mark(run, SIM_MARK_WAITED);
	else if (op.position && op.from_ms)
		sim_mark(run, SIM_MARK_SCHEDULED);
	else if (!op.position && play == op.other && op.amount >= TRADE_REFUSED_BPS)
		sim_mark(run, SIM_MARK_FLOW_REFUSED);
}

static void act_on_plan(struct trade *trade)
{
	struct trade_op op = { .kind = TRADE_PLAN_ACT,
			       .subject = (uint32_t)sim_below(trade->run, TRADE_GOODS),
			       .act = sim_chance(trade->run, 0.05)  ? TRADE_ACT_END
				      : sim_chance(trade->run, 0.5) ? TRADE_ACT_PAUSE
								    : TRADE_ACT_RESUME };
	const struct trade_plan *plan = &trade->model.state.plans[op.subject];
	char id[16];

	if (trade_is_ahead(plan, wall_ms(trade)) || plan->count + 4 >= TRADE_MANY)
		return;
	snprintf(id, sizeof(id), "p%u", op.subject);
	act(trade, TRIB_NOUN_PLAN, id, &op);
}

static void decide(struct trade *trade)
{
	const struct trade_state *state = &trade->model.state;
	struct trade_op op = { .kind = TRADE_DECIDE,
			       .act = sim_chance(trade->run, 0.7) ? TRADE_ACT_APPROVE
								  : TRADE_ACT_REJECT };

	if (!state->n_approvals)
		return;
	op.subject = (uint32_t)sim_below(trade->run, state->n_approvals);
	const struct trade_plan *plan = &state->plans[state->approvals[op.subject].plan];

	if (trade_is_ahead(plan, wall_ms(trade)) || plan->count + 4 >= TRADE_MANY)
		return;
	bool late = plan->count != state->approvals[op.subject].version;

	act(trade, TRIB_NOUN_APPROVAL, trade->model.ops[state->approvals[op.subject].op].text, &op);
	if (op.act == TRADE_ACT_APPROVE && (op.position || late))
		sim_mark(trade->run, op.position ? SIM_MARK_APPROVED : SIM_MARK_APPROVED_LATE);
}

static void enrol(struct trade *trade)
{
	static const enum trade_act choice[] = { TRADE_ACT_APPROVE, TRADE_ACT_REJECT,
						 TRADE_ACT_WITHDRAW };
	struct trade_op op = { .kind = TRADE_ENROL,
			       .subject = (uint32_t)sim_below(trade->run, TRADE_ENROLMENTS) };
	const char *status = trade->model.state.enrolments[op.subject];
	char id[16], json[256];

	snprintf(id, sizeof(id), "e%u", op.subject);
	if (!status || !strcmp(status, "rejected") || !strcmp(status, "withdrawn")) {
		snprintf(json, sizeof(json),
			 "{\"id\":\"%s\",\"activity\":\"a\",\"goods\":\"h%u\",\"merchant\":\"m\","
			 "\"commission_bps\":%d,\"service_bps\":300}",
			 id, op.subject, 1000 + (int)sim_below(trade->run, 1000));
		put(trade, TRIB_NOUN_ENROLMENT, id, json, &op);
		return;
	}
	op.kind = TRADE_ENROL_ACT;
	op.act = choice[sim_below(trade->run, 3)];
	act(trade, TRIB_NOUN_ENROLMENT, id, &op);
}

static void invite(struct trade *trade)
{
	struct sim_run *run = trade->run;
	uint32_t number = trade->model.state.n_invitations;
	struct trade_op op = { .kind = TRADE_INVITE,
			       .subject = (uint32_t)sim_below(run, TRADE_CREATORS),
			       .other = (uint32_t)sim_below(run, TRADE_GOODS),
			       .amount = 1 + (int64_t)sim_below(run, 5000),
			       .fee = sim_chance(run, 0.6) ? 1 + (int64_t)sim_below(run, 9000) : 0,
			       .settled = sim_chance(run, 0.5),
			       .sample = sim_chance(run, 0.4) };
	char id[16], fee[96] = "", json[512];

	if (number + 1 >= TRADE_MANY)
		return;
	op.expires_ms =
		wall_ms(trade) + (sim_chance(run, 0.3) ? 30 * HOUR_MS : 300 * DAY_MS);
	snprintf(id, sizeof(id), "i%u", number);
	if (op.fee)
		snprintf(fee, sizeof(fee), ",\"slot_fee\":{\"amount\":%lld,\"due\":\"%s\"}",
			 (long long)op.fee, op.settled ? "accepted" : "settled");
	snprintf(json, sizeof(json),
		 "{\"id\":\"%s\",\"from\":\"m\",\"creator\":\"c%u\",\"goods\":[\"g%u\"],\"terms\":{"
		 "\"commission_bps\":%lld},"
		 "\"expires_at\":%lld%s%s}",
		 id, op.subject, op.other, (long long)op.amount, (long long)op.expires_ms, fee,
		 op.sample ? ",\"sample\":{}" : "");
	put(trade, TRIB_NOUN_INVITATION, id, json, &op);
}

static void act_on_invitation(struct trade *trade)
{
	static const enum trade_act choice[] = { TRADE_ACT_ACCEPT,   TRADE_ACT_ACCEPT,
						 TRADE_ACT_COUNTER,  TRADE_ACT_DECLINE,
						 TRADE_ACT_WITHDRAW, TRADE_ACT_SETTLE,
						 TRADE_ACT_RETURN };
	struct sim_run *run = trade->run;
	struct trade_op op = { .kind = TRADE_INVITE_ACT,
			       .amount = 1 + (int64_t)sim_below(run, 5000) };
	char id[16];

	if (!trade->model.state.n_invitations)
		return;
	op.subject = (uint32_t)sim_below(run, trade->model.state.n_invitations);
	const struct trade_invitation *one = &trade->model.state.invitations[op.subject];
	bool open = strstr("sent countered", one->status);

	/* The engine lets it expire at some turn behind its time. */
	if (open && one->expires_ms <= wall_ms(trade) + HOUR_MS) {
		sim_mark(run, SIM_MARK_EXPIRED);
		return;
	}
	op.act = choice[sim_below(run, 3) ? sim_below(run, open ? 5 : 7) : sim_below(run, 7)];
	if (op.act == TRADE_ACT_COUNTER && one->rounds > 12)
		return;
	snprintf(id, sizeof(id), "i%u", op.subject);
	act(trade, TRIB_NOUN_INVITATION, id, &op);
	if (op.position && (op.act == TRADE_ACT_ACCEPT || op.act == TRADE_ACT_RETURN))
		sim_mark(run,
			 op.act == TRADE_ACT_ACCEPT ? SIM_MARK_ACCEPTED : SIM_MARK_FEE_RETURNED);
}

static void samples(struct trade *trade)
{
	static const enum trade_act choice[] = { TRADE_ACT_APPROVE, TRADE_ACT_APPROVE,
						 TRADE_ACT_REJECT,  TRADE_ACT_SHIP,
						 TRADE_ACT_RECEIVE, TRADE_ACT_CANCEL };
	const struct trade_state *state = &trade->model.state;
	struct trade_op op = { .kind = TRADE_SAMPLE,
			       .subject = (uint32_t)sim_below(trade->run, TRADE_CREATORS),
			       .other = (uint32_t)sim_below(trade->run, TRADE_GOODS) };
	char id[32], json[128];

	if (state->n_asked + 1 < TRADE_MANY && (!state->n_samples || sim_chance(trade->run, 0.3))) {
		snprintf(id, sizeof(id), "s%u", state->n_asked);
		snprintf(json, sizeof(json),
			 "{\"id\":\"%s\",\"creator\":\"c%u\",\"goods\":[\"g%u\"]}", id, op.subject,
			 op.other);
		put(trade, TRIB_NOUN_SAMPLE, id, json, &op);
		return;
	}
	if (!state->n_samples)
		return;
	op.kind = TRADE_SAMPLE_ACT;
	op.subject = (uint32_t)sim_below(trade->run, state->n_samples);
	op.act = choice[sim_below(trade->run, TRIB_ARRAY_SIZE(choice))];
	trade_sample_id(state, op.subject, id);
	act(trade, TRIB_NOUN_SAMPLE, id, &op);
	if (op.position && op.act == TRADE_ACT_RECEIVE)
		sim_mark(trade->run, SIM_MARK_RECEIVED);
}

static void shelve(struct trade *trade)
{
	static const char *const kinds[] = { "showcase", "live_cart" };
	struct sim_run *run = trade->run;
	struct trade_op op = { .kind = TRADE_SHELVE,
			       .subject = (uint32_t)sim_below(run, TRADE_CREATORS *
									   TRADE_KINDS_OF_SHELF) };
	char creator[16], json[256];
	size_t size = (size_t)snprintf(json, sizeof(json), "{\"entries\":[");
	uint32_t first = (uint32_t)sim_below(run, TRADE_GOODS),
		 step = sim_chance(run, 0.5) ? 1 : TRADE_GOODS - 1;

	for (uint32_t i = 0; i < TRADE_GOODS; i++) {
		if (!sim_chance(run, 0.5))
			continue;
		uint32_t goods = (first + i * step) % TRADE_GOODS;

		size += (size_t)snprintf(json + size, sizeof(json) - size, "%s{\"goods\":\"g%u\"}",
					 op.n_goods ? "," : "", goods);
		op.goods[op.n_goods++] = goods;
	}
	snprintf(json + size, sizeof(json) - size, "]}");
	snprintf(creator, sizeof(creator), "c%u", op.subject / TRADE_KINDS_OF_SHELF);
	ask(trade,
	    (struct trib_call){ .kind = TRIB_CALL_SHELF_PUT,
				.name = trib_bytes_text(creator),
				.node = trib_bytes_text(kinds[op.subject % TRADE_KINDS_OF_SHELF]) },
	    &tributary__shelf__descriptor, json, &op);
}

static void link_goods(struct trade *trade)
{
	struct trade_op op = { .kind = TRADE_LINK,
			       .subject = (uint32_t)sim_below(trade->run, TRADE_CREATORS),
			       .other = (uint32_t)sim_below(trade->run, TRADE_GOODS) };
	char creator[16], goods[16];
	enum trib_outcome outcome;
	struct trib_error error;
	size_t size = 0;

	snprintf(creator, sizeof(creator), "c%u", op.subject);
	snprintf(goods, sizeof(goods), "g%u", op.other);
	const struct trib_link_request request = { .channel = trib_bytes_text("app"),
						   .creator = trib_bytes_text(creator),
						   .goods = trib_bytes_text(goods) };
	trib_status status =
		trib_engine_link(trade->engine, &request, op.text, &size, &outcome, &error);

	op.text[size] = '\0';
	if (status == TRIB_OK)
		note(trade, &op);
	else
		check_refusal(trade, &op, status, &error);
}

struct answered {
	trib_status status;
	struct trib_error error;
	enum trib_outcome outcome;
	int64_t charged;
};

static void order_answered(void *context, size_t i, const struct trib_order_answer *answer)
{
	struct answered *result = context;

	*result = (struct answered){ .status = answer->status };
	if (answer->status != TRIB_OK) {
		result->error = *answer->error;
		return;
	}
	result->outcome = answer->record->outcome;
	result->charged = answer->record->charged;
}

static void send_order(struct trade *trade)
{
	struct trade_op op = { .kind = TRADE_ORDER,
			       .amount = 1 + (int64_t)sim_below(trade->run, 60000) };
	uint32_t links = 0;
	struct answered answered;
	char id[16], goods[16];

	for (size_t i = 0; i < trade->model.count; i++) {
		op.subject += trade->model.ops[i].kind == TRADE_ORDER;
		if (trade->model.ops[i].kind == TRADE_LINK && sim_below(trade->run, ++links) < 2)
			op.other = (uint32_t)i;
	}
	if (!links)
		return;
	snprintf(id, sizeof(id), "o%u", op.subject);
	snprintf(goods, sizeof(goods), "g%u", trade->model.ops[op.other].other);
	const struct trib_order_request request = { .order = trib_bytes_text(id),
						    .user = trib_bytes_text("u"),
						    .goods = trib_bytes_text(goods),
						    .token = trib_bytes_text(
							    trade->model.ops[op.other].text),
						    .base_amount = op.amount };

	trib_engine_orders(trade->engine, &request, 1, order_answered, &answered);
	if (answered.status != TRIB_OK) {
		check_refusal(trade, &op, answered.status, &answered.error);
		return;
	}
	if (!trade->struck) /* the repeat of one that is not shown yet */
		return;
	note(trade, &op);
	const struct trade_op *added = &trade->model.ops[trade->model.count - 1];

	sim_expect(trade->run,
		   answered.outcome == added->outcome && answered.charged == added->charged,
		   "order %s of %lld is %s with %lld, expected %s with %lld", id,
		   (long long)op.amount, trib_outcome_word(answered.outcome),
		   (long long)answered.charged, trib_outcome_word(added->outcome),
		   (long long)added->charged);
	if (added->outcome == TRIB_OUTCOME_BUDGET_EXHAUSTED)
		sim_mark(trade->run, SIM_MARK_BUDGET_SPENT);
}

static void access(struct trade *trade)
{
	const struct trade_state *state = &trade->model.state;
	struct trade_op op = { .kind = sim_chance(trade->run, 0.5) ? TRADE_TOKEN : TRADE_SIGN_IN };
	struct trib_credential who = { 0 };
	char id[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
	uint32_t count = op.kind == TRADE_TOKEN ? state->n_tokens : state->n_sessions;
	bool ends = count && sim_chance(trade->run, 0.4);

	if (!ends && op.kind == TRADE_TOKEN && count + 1 < TRADE_MANY)
		ask(trade, (struct trib_call){ .kind = TRIB_CALL_TOKEN_MAKE },
		    &tributary__access_token_request__descriptor, "{\"role\":\"read_only\"}", &op);
	if (!ends && op.kind == TRADE_SIGN_IN && count + 1 < TRADE_SESSIONS_MAX)
		ask(trade,
		    (struct trib_call){ .kind = TRIB_CALL_SIGN_IN,
					.name = trib_bytes_text("root"),
					.password_hash = "hash",
					.session_life_ms = 900 * DAY_MS },
		    NULL, NULL, &op);
	if (!ends)
		return;
	op.subject = (uint32_t)sim_below(trade->run, count);
	struct trib_bytes secret = trib_bytes_text(
		trade->model
			.ops[op.kind == TRADE_TOKEN ? state->tokens[op.subject].op
						    : state->sessions[op.subject].op]
			.text);
	struct trib_directory *directory = trib_engine_directory(trade->engine);
	int64_t now_ms = wall_ms(trade);

	if (op.kind == TRADE_TOKEN
		    ? trib_directory_token(directory, secret, now_ms, &who) != TRIB_CREDENTIAL_OK
		    : trib_directory_session(directory, secret, now_ms, 900 * DAY_MS, &who) !=
			      TRIB_CREDENTIAL_OK)
		return; /* it has ended */
	op.kind = op.kind == TRADE_TOKEN ? TRADE_REVOKE : TRADE_SIGN_OUT;
	snprintf(id, sizeof(id), "%s", who.name);
	ask(trade,
	    (struct trib_call){ .kind = op.kind == TRADE_REVOKE ? TRIB_CALL_TOKEN_REVOKE
								: TRIB_CALL_SIGN_OUT,
				.name = trib_bytes_text(id),
				.session = who.session },
	    NULL, NULL, &op);
	if (op.position)
		sim_mark(trade->run, SIM_MARK_ACCESS_ENDED);
}

/* --- Messages that leave ---------------------------------------------------------------------------------- */

/* One more that has left, or one again: which says the same. */
static size_t leave(struct trade *trade, const Tributary__Parcel *parcel)
{
	uint64_t content = trib_hash_bytes(trib_bytes_text(parcel->content));
	const char *plan = strstr(parcel->content, "\"plan/p");
	size_t i = 0;

	while (i < trade->n_left && trade->left[i].id != parcel->id)
		i++;
	if (i < trade->n_left) {
		sim_mark(trade->run, SIM_MARK_LEFT_AGAIN);
		sim_expect(trade->run, trade->left[i].content == content,
			   "message %llu says another thing than before",
			   (unsigned long long)parcel->id);
		return i;
	}
	trib_assert(trade->n_left < LEFT_MAX);
	trade->left[i].id = parcel->id;
	trade->left[i].content = content;
	trade->left[i].taken = false;
	trade->left[i].plan = strcmp(parcel->kind, "plan.told") == 0 && plan ? plan[7] - '0' : -1;
	trade->n_left++;
	return i;
}

static void tell(struct trade *trade, size_t *list, size_t count, double good)
{
	Tributary__ParcelResults results = TRIBUTARY__PARCEL_RESULTS__INIT;
	Tributary__ParcelResult items[8], *pointers[8];
	struct trib_call one = { .kind = TRIB_CALL_OUTBOX_TELL, .body = &results.base };

	for (size_t i = 0; i < count; i++) {
		bool taken = sim_chance(trade->run, good);

		tributary__parcel_result__init(&items[i]);
		items[i].has_id = items[i].has_code = true;
		items[i].id = trade->left[list[i]].id;
		items[i].code = taken ? 200 : 503;
		items[i].reason = taken ? NULL : (char *)(uintptr_t) "busy";
		trade->left[list[i]].taken |= taken;
		pointers[i] = &items[i];
	}
	results.n_result = count;
	results.result = pointers;
	call(trade, &one, NULL);
	trib_buffer_fini(&one.reply);
}

/* Some that are due leave; not every one gets there, and not always is that told. Returns how many. */
static size_t deliver(struct trade *trade, double good, double told)
{
	struct trib_call take = { .kind = TRIB_CALL_OUTBOX_TAKE, .limit = 8 };
	size_t list[8], count = 0;

	call(trade, &take, NULL);
	if (trade->run->failed || take.status != TRIB_OK) {
		trib_buffer_fini(&take.reply);
		return 0;
	}
	Tributary__Parcels *parcels =
		tributary__parcels__unpack(NULL, take.reply.size, (const uint8_t *)take.reply.data);

	trib_assert(parcels && parcels->n_parcel <= TRIB_ARRAY_SIZE(list));
	for (size_t i = 0; i < parcels->n_parcel && !trade->run->failed; i++) {
		/* Planted: it is told that it was taken, and nothing has left. */
		if (trade->run->plant == SIM_PLANT_LOST_MESSAGE &&
		    parcels->parcel[i]->id % 3 == 0) {
			list[count] = leave(trade, parcels->parcel[i]);
			trade->left[list[count++]].plan = -1;
			continue;
		}
		list[count++] = leave(trade, parcels->parcel[i]);
	}
	tributary__parcels__free_unpacked(parcels, NULL);
	trib_buffer_fini(&take.reply);
	if (count && !trade->run->failed && sim_chance(trade->run, told))
		tell(trade, list, count, good);
	return count;
}

/* --- A life ----------------------------------------------------------------------------------------------- */

static void release_answers(struct trade *trade)
{
	uint64_t settled = trade->run->plant == SIM_PLANT_EARLY_ANSWER
				   ? UINT64_MAX
				   : trib_engine_settled(trade->engine);

	while (trade->struck && trade->answered < trade->model.count &&
	       trade->model.ops[trade->answered].ticket <= settled) {
		trade->answered++;
		trade->run->answered++;
	}
}

static void turn(struct trade *trade)
{
	switch (trib_engine_turn(trade->engine)) {
	case TRIB_ENGINE_LOST:
		recover(trade);
		break;
	case TRIB_ENGINE_READ_ONLY:
		trade->clock.skipped_ms += 1000;
		break;
	case TRIB_ENGINE_RUNNING:
		if (!trade->struck)
			resync(trade);
		release_answers(trade);
	}
}

static void skip(struct trade *trade)
{
	int64_t hours = (int64_t)sim_below(trade->run, sim_chance(trade->run, 0.3) ? 100 : 3);

	if (trade->clock.skipped_ms + hours * HOUR_MS < 200 * DAY_MS)
		trade->clock.skipped_ms += hours * HOUR_MS;
}

/* Planted: a flow that fails, of which its message is left. */
static void plant_half_flow(struct trade *trade)
{
	struct trib_error error;

	if (trade->run->plant == SIM_PLANT_HALF_FLOW && sim_chance(trade->run, 0.1))
		engine_outbox_add(trade->engine,
				  &(struct engine_effect){ .kind = "plan.told",
							   .entity = trib_bytes_text("plan/p0") },
				  &error);
}

static void (*const moves[])(struct trade *trade) = {
	put_play,
	switch_play,
	switch_play,
	put_plan,
	put_plan,
	put_plan,
	put_plan,
	act_on_plan,
	decide,
	decide,
	enrol,
	enrol,
	invite,
	act_on_invitation,
	act_on_invitation,
	samples,
	samples,
	shelve,
	shelve,
	link_goods,
	link_goods,
	send_order,
	send_order,
	send_order,
	access,
	skip,
	plant_half_flow,
};

static void step(struct trade *trade)
{
	uint64_t dice = sim_below(trade->run, TRIB_ARRAY_SIZE(moves) + 8);

	turn(trade);
	if (trade->run->failed || trib_engine_state(trade->engine) == TRIB_ENGINE_LOST)
		return;
	/* Plans are made soon: so that some are the play's, it comes first. */
	if (!trade->model.state.n_activations && sim_chance(trade->run, 0.7))
		(trade->model.state.play_versions ? switch_play : put_play)(trade);
	else if (dice < TRIB_ARRAY_SIZE(moves))
		moves[dice](trade);
	else if (dice == TRIB_ARRAY_SIZE(moves))
		trib_engine_checkpoint(trade->engine);
	else if (dice < TRIB_ARRAY_SIZE(moves) + 4)
		deliver(trade, 0.7, 0.8);
	else
		trib_sim_disk_step(trade->run->disk);
}

static void open_engine(struct trade *trade)
{
	trade->engine = sim_engine_open(trade->run, &trade->options);
	if (trade->engine)
		resync(trade);
}

static void end_life(struct trade *trade)
{
	release_answers(trade);
	trade->least = trade->answered;
	sim_engine_end(trade->run, TRIB_TAKE_PTR(trade->engine));
}

static void live(struct trade *trade)
{
	struct sim_run *run = trade->run;

	run->lives++;
	open_engine(trade);
	if (run->failed)
		return;
	sim_draw_faults(run);
	for (uint64_t i = 0, steps = sim_below(run, STEPS); i < steps && !run->failed; i++)
		step(trade);
	if (run->failed)
		return;
	end_life(trade);
	sim_clear_faults(run);
}

/* What never goes wrong: who takes part. */
static void first_life(struct trade *trade)
{
	static const struct {
		enum trib_call_kind kind;
		enum trib_noun noun;
		const char *id, *json;
	} rows[] = {
#define PUT(noun, id, more) { TRIB_CALL_PUT, TRIB_NOUN_##noun, id, "{\"id\":\"" id "\"," more "}" }
		PUT(PARTY, "m", "\"roles\":[\"merchant\"]"),
		PUT(PARTY, "l", "\"roles\":[\"leader\"]"),
		PUT(PARTY, "c0", "\"roles\":[\"creator\"]"),
		PUT(PARTY, "c1", "\"roles\":[\"creator\"]"),
		PUT(PARTY, "c2", "\"roles\":[\"creator\"]"),
		PUT(GOODS, "g0", "\"merchant\":\"m\",\"price\":1000"),
		PUT(GOODS, "g1", "\"merchant\":\"m\",\"price\":1000"),
		PUT(GOODS, "g2", "\"merchant\":\"m\",\"price\":1000"),
		PUT(GOODS, "g3", "\"merchant\":\"m\",\"price\":1000"),
		PUT(GOODS, "h0", "\"merchant\":\"m\",\"price\":1000"),
		PUT(GOODS, "h1", "\"merchant\":\"m\",\"price\":1000"),
		PUT(GOODS, "h2", "\"merchant\":\"m\",\"price\":1000"),
		PUT(REGISTRATION, "r", "\"channel\":\"app\""),
		/* It enrols for years, and never promotes. */
		PUT(ACTIVITY, "a",
		    "\"leader\":\"l\",\"title\":\"t\",\"enrol_to\":1890000000000,\"promote_from\":"
		    "1890000000000"),
		{ TRIB_CALL_ACT, TRIB_NOUN_ACTIVITY, "a", "{}" },
		{ TRIB_CALL_WEBHOOK_PUT, 0, "w",
		  "{\"id\":\"w\",\"url\":\"http://127.0.0.1:9/"
		  "\",\"kinds\":[\"plan.told\",\"invitation.*\"]}" },
		{ TRIB_CALL_USER_PUT, 0, "root", "{\"role\":\"admin\"}" },
	};

	open_engine(trade);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows) && !trade->run->failed; i++) {
		struct trib_call one = { .kind = rows[i].kind,
					 .noun = rows[i].noun,
					 .name = trib_bytes_text(rows[i].id),
					 .action = trib_bytes_text("publish"),
					 .password_hash = "hash" };
		const ProtobufCMessageDescriptor *body =
			one.kind == TRIB_CALL_PUT	    ? trib_noun_descriptor(one.noun)
			: one.kind == TRIB_CALL_ACT	    ? &tributary__action_request__descriptor
			: one.kind == TRIB_CALL_WEBHOOK_PUT ? &tributary__webhook__descriptor
							    : &tributary__user_request__descriptor;
		struct trib_arena arena;
		ProtobufCMessage *message;
		struct trib_error error;

		trib_arena_init(&arena, 1 << 20);
		trib_assert(trib_proto_from_json(body, trib_bytes_text(rows[i].json), &arena,
						 &message, &error) == TRIB_OK);
		one.body = message;
		call(trade, &one, NULL);
		sim_expect(trade->run, one.status == TRIB_OK, "%s: %s: %s", rows[i].id,
			   one.error.at, one.error.text);
		trib_buffer_fini(&one.reply);
		trib_arena_fini(&arena);
	}
	trade->peopled = true;
	if (!trade->run->failed)
		trib_engine_close(TRIB_TAKE_PTR(trade->engine));
}

/* Nothing goes wrong any more: what waits leaves, and everything is looked at once more. */
static void last_life(struct trade *trade)
{
	struct trib_engine_counts counts;

	open_engine(trade);
	while (!trade->run->failed && !trade->struck)
		turn(trade);
	for (int i = 0; i < 2000 && !trade->run->failed; i++) {
		trib_engine_count(trade->engine, &counts);
		if (!counts.outbox_pending)
			break;
		turn(trade);
		if (!deliver(trade, 1, 1))
			trade->clock.skipped_ms += HOUR_MS;
	}
	if (trade->run->failed)
		return;
	trib_engine_count(trade->engine, &counts);
	sim_expect(trade->run, !counts.outbox_pending && !counts.outbox_dead_now,
		   "%llu messages wait, and %llu are dead",
		   (unsigned long long)counts.outbox_pending,
		   (unsigned long long)counts.outbox_dead_now);
	for (int plan = 0; plan < TRADE_GOODS; plan++) {
		uint32_t left = 0;

		for (size_t i = 0; i < trade->n_left; i++)
			left += trade->left[i].plan == plan && trade->left[i].taken;
		sim_expect(trade->run, left == trade->model.state.told[plan],
			   "%u messages of p%d have left, expected %u", left, plan,
			   trade->model.state.told[plan]);
	}
	audit(trade);
	audit_play(trade);
	if (!trade->run->failed)
		trib_engine_close(TRIB_TAKE_PTR(trade->engine));
}

void sim_trade(struct sim_run *run)
{
	struct trade *trade = trib_alloc_zeroed(1, sizeof(*trade));

	sim_clock_init(&trade->clock, run);
	trade->run = run;
	sim_folder_make(run, trade->folder);
	trade->options = (struct trib_engine_options){
		.data = trade->folder,
		.disk = trib_sim_disk_table(run->disk),
		.clock = &trade->clock.clock,
		/* A run of a flow wants its room in one batch. */
		.segment_bytes = 4 << 20,
		.ring_bytes = 4 << 20,
		.order_index_bytes = 1 << 14,
		.touches_bytes = 16 << 20,
		.checkpoint_bytes = 24 << 10,
		.outbox_allow = "http://127.0.0.1:9/",
		.outbox_give_up_ms = 900 * DAY_MS,
		.foreground = true,
	};
	first_life(trade);
	for (int life = 0; life < LIVES && !run->failed; life++)
		live(trade);
	if (!run->failed)
		last_life(trade);
	trib_engine_abandon(TRIB_TAKE_PTR(trade->engine));
	trade_model_fini(&trade->model);
	sim_folder_remove(trade->folder);
	free(trade);
}
