/*
 * Invitations: what one must say, and what its actions do. docs/invitations.md says what people see.
 *
 *	          ┌─────── counter, the other side's turn ──────┐
 *	sent ──► countered ──► …                                ▼
 *	  └───────────┴──► accepted (a targeted plan, a sample) │ declined │ expired │ withdrawn
 *	sending ──► sent       a set: the engine makes its invitations, slice by slice
 */
#include "base/limits.h"
#include "domain/cold.h"
#include "domain/private.h"
#include "expr/expr.h"

enum { DAY_MS = 86400000, OPEN_DAYS = 30 };

static Tributary__Invitation *of(struct trib_cold *cold)
{
	return (Tributary__Invitation *)cold->entity;
}

/* ---- Who proposes ------------------------------------------------------------------------- */

static uint32_t party_of(const struct trib_cold *cold, const char *id)
{
	return trib_domain_find(cold->domain, TRIB_NOUN_PARTY, trib_bytes_text(id));
}

/* What the best plan of these goods leaves to a leader and the creators: commission and service together; -1: none. */
static int32_t left_to_leader(const struct trib_cold *cold, uint32_t goods, uint32_t leader)
{
	const struct trib_goods *entry = trib_domain_goods(cold->domain, goods);
	const struct trib_goods_plan *plans = entry->plans ? entry->plans : &entry->first_plan;
	int32_t most = -1;

	for (uint32_t i = 0; i < entry->plan_count; i++) {
		const struct trib_plan *plan = trib_domain_plan(cold->domain, plans[i].plan);
		const struct trib_plan_version *version =
			trib_plan_version(plan, trib_plan_version_in_force(plan, cold->now_ms));

		if (!version || version->leader != leader || version->number < plans[i].first ||
		    version->number > plans[i].last || cold->now_ms >= version->to_ms ||
		    trib_domain_status(cold->domain, TRIB_NOUN_PLAN, plans[i].plan, cold->now_ms) != TRIB_WORD_ACTIVE)
			continue;
		most = TRIB_MAX(most, version->commission_bps + version->service_bps);
	}
	return most;
}

/* A leader gives out of what a plan of the merchant's gives to it. */
static trib_status check_leader(struct trib_cold *cold, uint32_t goods)
{
	const Tributary__Invitation *invitation = of(cold);
	int32_t most = left_to_leader(cold, goods, party_of(cold, invitation->from));
	int32_t asked = invitation->terms ? invitation->terms->commission_bps + invitation->terms->service_bps : 0;

	if (most < 0)
		return trib_fail(cold->error, TRIB_INVALID, "from",
				 "found \"%.64s\", expected the goods' merchant, or the leader of an open plan that lists them",
				 invitation->from);
	if (asked > most)
		return trib_fail(cold->error, TRIB_INVALID, "terms.commission_bps",
				 "found %d with the service rate, expected at most %d: what the merchant's plan gives", asked,
				 most);
	if (invitation->terms && invitation->terms->leader && strcmp(invitation->terms->leader, invitation->from) != 0)
		return trib_fail(cold->error, TRIB_INVALID, "terms.leader", "found \"%.64s\", expected who invites",
				 invitation->terms->leader);
	return TRIB_OK;
}

/* Known, of one merchant, and who invites may promise something for them. */
static trib_status check_goods(struct trib_cold *cold)
{
	const Tributary__Invitation *invitation = of(cold);
	uint32_t from = party_of(cold, invitation->from), merchant = 0;
	char at[32];

	if (invitation->n_goods == 0)
		return trib_fail(cold->error, TRIB_INVALID, "goods", "found none, expected one or more");
	for (size_t i = 0; i < invitation->n_goods; i++) {
		snprintf(at, sizeof(at), "goods[%zu]", i);
		TRY(trib_cold_need_known(cold, TRIB_NOUN_GOODS, invitation->goods[i], at));
		uint32_t goods = trib_domain_find(cold->domain, TRIB_NOUN_GOODS, trib_bytes_text(invitation->goods[i]));
		uint32_t owner = trib_domain_goods(cold->domain, goods)->merchant;

		if (merchant && owner != merchant)
			return trib_fail(cold->error, TRIB_INVALID, at,
					 "found goods of another merchant, expected those of one");
		merchant = owner;
		if (owner != from)
			TRY(check_leader(cold, goods));
	}
	return TRIB_OK;
}

/* Whoever acts for a merchant or leader proposes as that party; a creator does not propose. */
static trib_status check_own(struct trib_cold *cold)
{
	const struct trib_actor *actor = cold->actor;

	if (actor->role == TRIB_ACCESS_CREATOR && !cold->action.size)
		return trib_fail(cold->error, TRIB_FORBIDDEN, "from",
				 "found role creator, expected merchant or leader to invite");
	if (actor->role != TRIB_ACCESS_MERCHANT && actor->role != TRIB_ACCESS_LEADER)
		return TRIB_OK;
	if (of(cold)->from && trib_bytes_is(actor->party_id, of(cold)->from))
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_FORBIDDEN, "from", "found another's invitation, expected one of \"" TRIB_BYTES_FMT "\"",
			 TRIB_BYTES_ARG(actor->party_id));
}

/* ---- What is proposed --------------------------------------------------------------------- */

static trib_status check_sample_terms(struct trib_cold *cold, const Tributary__SampleTerms *terms)
{
	int64_t within_ms;

	if (!terms || !terms->within)
		return TRIB_OK;
	return trib_duration_parse(trib_bytes_text(terms->within), "sample.within", &within_ms, cold->error);
}

static trib_status check_fee(struct trib_cold *cold)
{
	Tributary__SlotFee *fee = of(cold)->slot_fee;
	int64_t within_ms;

	if (!fee)
		return TRIB_OK;
	if (fee->guarantee && fee->guarantee->within)
		TRY(trib_duration_parse(trib_bytes_text(fee->guarantee->within), "slot_fee.guarantee.within", &within_ms,
					cold->error));
	if (fee->currency && !trib_domain_find_code(cold->domain, trib_bytes_text(fee->currency)))
		return trib_fail(cold->error, TRIB_INVALID, "slot_fee.currency",
				 "found \"%.8s\", expected one that goods have", fee->currency);
	return TRIB_OK;
}

static char *name_after(struct trib_cold *cold, const char *what)
{
	char text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 32];
	int size = snprintf(text, sizeof(text), "%s.%s", of(cold)->id, what);

	return trib_arena_copy(cold->arena, trib_bytes(text, (size_t)size));
}

/* The plan that acceptance makes; NULL where the arena is full. Of a set it is for all of it. */
static Tributary__Plan *plan_of(struct trib_cold *cold)
{
	const Tributary__Invitation *invitation = of(cold);
	Tributary__Plan init = TRIBUTARY__PLAN__INIT;
	Tributary__Terms no_terms = TRIBUTARY__TERMS__INIT;
	Tributary__Plan *plan = trib_arena_alloc(cold->arena, sizeof(*plan));
	Tributary__Terms *terms = trib_arena_alloc(cold->arena, sizeof(*terms));
	char **creator = trib_arena_alloc(cold->arena, sizeof(*creator));
	uint32_t goods = trib_domain_find(cold->domain, TRIB_NOUN_GOODS, trib_bytes_text(invitation->goods[0]));
	struct trib_bytes merchant = trib_domain_id(cold->domain, TRIB_NOUN_PARTY,
						    trib_domain_goods(cold->domain, goods)->merchant);

	if (!plan || !terms || !creator)
		return NULL;
	*plan = init;
	*terms = invitation->terms ? *invitation->terms : no_terms;
	*creator = invitation->creator;
	plan->id = name_after(cold, "plan");
	plan->kind = "targeted";
	plan->merchant = trib_arena_copy(cold->arena, merchant);
	plan->goods = invitation->goods;
	plan->n_goods = invitation->n_goods;
	plan->creators = invitation->creator ? creator : invitation->creators;
	plan->n_creators = invitation->creator ? 1 : invitation->n_creators;
	plan->creators_when = invitation->creator ? NULL : invitation->creators_when;
	plan->terms = terms;
	if (plan->merchant && !trib_bytes_is(merchant, invitation->from))
		terms->leader = invitation->from;
	plan->has_effective_from = invitation->has_effective_from && invitation->effective_from > cold->now_ms;
	plan->effective_from = invitation->effective_from;
	plan->has_effective_to = invitation->has_effective_to && invitation->effective_to;
	plan->effective_to = invitation->effective_to;
	return plan->id && plan->merchant ? plan : NULL;
}

static trib_status need_active_party(struct trib_cold *cold, uint32_t party, const char *at)
{
	uint8_t status = party ? trib_domain_party_status(cold->domain, party, cold->now_ms) : TRIB_WORD_ACTIVE;

	if (status != TRIB_WORD_FROZEN && status != TRIB_WORD_CLOSED)
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_REFUSED, at, "found \"" TRIB_BYTES_FMT "\", who is %s, expected an active party",
			 TRIB_BYTES_ARG(trib_domain_id(cold->domain, TRIB_NOUN_PARTY, party)), trib_status_word_of(status));
}

/* What was proposed may have gone since: a deal about it would pay nobody. */
static trib_status check_there(struct trib_cold *cold)
{
	const Tributary__Invitation *invitation = of(cold);
	char at[32];

	for (size_t i = 0; i < invitation->n_goods; i++) {
		uint32_t goods = trib_domain_find(cold->domain, TRIB_NOUN_GOODS, trib_bytes_text(invitation->goods[i]));
		uint8_t status = trib_domain_goods_status(cold->domain, goods, cold->now_ms);

		snprintf(at, sizeof(at), "goods[%zu]", i);
		if (status != TRIB_WORD_ACTIVE)
			return trib_fail(cold->error, TRIB_REFUSED, at, "found \"%.64s\", which are %s, expected active goods",
					 invitation->goods[i], trib_status_word_of(status));
		TRY(need_active_party(cold, trib_domain_goods(cold->domain, goods)->merchant, at));
	}
	TRY(need_active_party(cold, party_of(cold, invitation->from), "from"));
	return invitation->creator ? need_active_party(cold, party_of(cold, invitation->creator), "creator") : TRIB_OK;
}

/* What is on the table could become a plan. */
static trib_status check_offer(struct trib_cold *cold)
{
	Tributary__Plan *plan;

	TRY(check_goods(cold));
	TRY(check_there(cold));
	TRY(check_sample_terms(cold, of(cold)->sample));
	TRY(check_fee(cold));
	plan = plan_of(cold);
	if (!plan)
		return trib_cold_no_memory(cold);
	/* It would replace somebody's plan. */
	if (of(cold)->creator && trib_domain_find(cold->domain, TRIB_NOUN_PLAN, trib_bytes_text(plan->id)))
		return trib_fail(cold->error, TRIB_REFUSED, "id", "found that there is a plan \"%s\" already, expected another id",
				 plan->id);
	return trib_domain_check_put(cold->domain, TRIB_NOUN_PLAN, &plan->base, cold->now_ms, NULL, cold->arena, cold->error);
}

/* ---- PUT ---------------------------------------------------------------------------------- */

/* One creator, a list, or a condition. */
static trib_status check_creators(struct trib_cold *cold)
{
	Tributary__Invitation *invitation = of(cold);
	bool conditional = invitation->creators_when && invitation->creators_when[0];

	if ((invitation->creator != NULL) + (invitation->n_creators != 0) + conditional != 1)
		return trib_fail(cold->error, TRIB_INVALID, "creator",
				 "found %s, expected one of creator, creators and creators_when",
				 invitation->creator || conditional || invitation->n_creators ? "several" : "none");
	if (!invitation->creator)
		return TRIB_OK; /* the plan's check looks at the others */
	TRY(trib_cold_need_party(cold, invitation->creator, "creator"));
	if (strcmp(invitation->creator, invitation->from) == 0)
		return trib_fail(cold->error, TRIB_INVALID, "creator", "found who invites, expected another party");
	return TRIB_OK;
}

static trib_status settle_expiry(struct trib_cold *cold)
{
	Tributary__Invitation *invitation = of(cold);
	int64_t latest = cold->now_ms + (int64_t)TRIB_LIMIT_INVITATION_DAYS * DAY_MS;

	if (!invitation->has_expires_at || !invitation->expires_at)
		invitation->expires_at = cold->now_ms + (int64_t)OPEN_DAYS * DAY_MS;
	invitation->has_expires_at = true;
	if (invitation->expires_at > cold->now_ms && invitation->expires_at <= latest)
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_INVALID, "expires_at",
			 "found %lld, expected a time after now, %lld, within %d days", (long long)invitation->expires_at,
			 (long long)cold->now_ms, TRIB_LIMIT_INVITATION_DAYS);
}

/* What its sender said, and nothing of what has become of it. */
static Tributary__Invitation as_sent(const Tributary__Invitation *invitation)
{
	Tributary__Invitation sent = *invitation;

	sent.status = sent.turn = sent.set = sent.plan = sent.sample_id = NULL;
	sent.before = NULL;
	sent.history = NULL;
	sent.n_before = sent.n_history = 0;
	sent.has_made = sent.has_looked_at = sent.has_decided_at = sent.has_play_version = false;
	sent.has_number = sent.has_version = false;
	return sent;
}

static bool is_same(struct trib_cold *cold)
{
	Tributary__Invitation now = as_sent(of(cold)), before = as_sent((const Tributary__Invitation *)cold->before);

	if (!now.has_expires_at || !now.expires_at) {
		now.has_expires_at = true;
		now.expires_at = before.expires_at;
	}
	size_t size = tributary__invitation__get_packed_size(&now);
	uint8_t *bytes = trib_arena_alloc(cold->arena, 2 * size);

	if (!bytes || size != tributary__invitation__get_packed_size(&before))
		return false;
	tributary__invitation__pack(&now, bytes);
	tributary__invitation__pack(&before, bytes + size);
	return memcmp(bytes, bytes + size, size) == 0;
}

static trib_status put(struct trib_cold *cold)
{
	Tributary__Invitation *invitation = of(cold);

	if (cold->before && strcmp(cold->from, "closed") != 0) {
		if (!is_same(cold))
			return trib_fail(cold->error, TRIB_CONFLICT, "id",
					 "found other content than was sent, expected the same, another id, or :counter");
		*invitation = *(const Tributary__Invitation *)cold->before;
		return TRIB_OK;
	}
	if (strlen(invitation->id) > TRIB_LIMIT_INVITATION_ID_BYTES && !invitation->set)
		return trib_fail(cold->error, TRIB_INVALID, "id", "found %zu bytes, expected at most %d",
				 strlen(invitation->id), TRIB_LIMIT_INVITATION_ID_BYTES);
	TRY(trib_cold_need_party(cold, invitation->from, "from"));
	TRY(check_creators(cold));
	TRY(settle_expiry(cold));
	TRY(check_offer(cold));
	invitation->turn = "creator";
	if (!invitation->creator) {
		invitation->status = "sending";
		invitation->turn = NULL;
		invitation->has_made = invitation->has_looked_at = true;
		invitation->made = invitation->looked_at = 0;
	}
	return TRIB_OK;
}

trib_status trib_check_invitation(struct trib_cold *cold)
{
	TRY(check_own(cold));
	return cold->action.size ? TRIB_OK : put(cold);
}

/* A condition gets its number, by which the engine asks for it. */
void trib_fold_invitation(struct trib_domain *domain, uint32_t number TRIB_UNUSED, const ProtobufCMessage *entity)
{
	const Tributary__Invitation *invitation = (const Tributary__Invitation *)entity;

	if (invitation->creators_when && invitation->creators_when[0])
		trib_names_add(domain->conditions, trib_bytes_text(invitation->creators_when));
}

/* ---- Actions ------------------------------------------------------------------------------ */

/* Is it for the actor to answer? The platform answers for whoever's turn it is. */
static trib_status need_turn(struct trib_cold *cold)
{
	const char *turn = of(cold)->turn;
	enum trib_access_role role = cold->actor->role;
	bool creator = role == TRIB_ACCESS_CREATOR, from = role == TRIB_ACCESS_MERCHANT || role == TRIB_ACCESS_LEADER;

	TRY(check_own(cold));
	if (!turn)
		return trib_fail(cold->error, TRIB_REFUSED, "creator",
				 "found an invitation of a set, expected that of one creator: %s.1, …", of(cold)->id);
	if ((creator && strcmp(turn, "creator") != 0) || (from && strcmp(turn, "from") != 0))
		return trib_fail(cold->error, TRIB_REFUSED, "turn", "found the turn of the other side, expected its answer");
	if (of(cold)->expires_at <= cold->now_ms)
		return trib_fail(cold->error, TRIB_REFUSED, "expires_at", "found it expired at %lld, expected it open",
				 (long long)of(cold)->expires_at);
	return TRIB_OK;
}

static void decide_now(struct trib_cold *cold)
{
	of(cold)->has_decided_at = true;
	of(cold)->decided_at = cold->now_ms;
	of(cold)->turn = NULL;
}

static trib_status add_plan(struct trib_cold *cold, char **ret_merchant)
{
	struct trib_domain_decision decision;
	Tributary__Plan *plan = plan_of(cold);

	if (!plan)
		return trib_cold_no_memory(cold);
	TRY(trib_domain_decide_put(cold->domain, TRIB_NOUN_PLAN, &plan->base, cold->now_ms, cold->arena, &decision,
				   cold->error));
	of(cold)->plan = plan->id;
	*ret_merchant = plan->merchant;
	return trib_cold_add(cold, &decision);
}

static trib_status add_sample(struct trib_cold *cold, char *merchant)
{
	const Tributary__Invitation *invitation = of(cold);
	Tributary__Sample init = TRIBUTARY__SAMPLE__INIT;
	Tributary__Sample *sample = trib_arena_alloc(cold->arena, sizeof(*sample));
	struct trib_domain_decision decision;

	if (!sample)
		return trib_cold_no_memory(cold);
	*sample = init;
	sample->id = name_after(cold, "sample");
	sample->creator = invitation->creator;
	sample->goods = invitation->goods;
	sample->n_goods = TRIB_MIN(invitation->n_goods, (size_t)TRIB_LIMIT_SAMPLE_GOODS);
	sample->plan = invitation->plan;
	sample->merchant = merchant;
	sample->invitation = invitation->id;
	sample->terms = invitation->sample;
	if (!sample->id)
		return trib_cold_no_memory(cold);
	TRY(trib_domain_decide_put(cold->domain, TRIB_NOUN_SAMPLE, &sample->base, cold->now_ms, cold->arena, &decision,
				   cold->error));
	of(cold)->sample_id = sample->id;
	return trib_cold_add(cold, &decision);
}

/* The fee as it is from now on; what is in the books follows (engine/people.c). */
static trib_status set_fee(struct trib_cold *cold, const char *state, int64_t returned, int64_t sold)
{
	Tributary__SlotFee *fee = trib_arena_alloc(cold->arena, sizeof(*fee));

	if (!fee)
		return trib_cold_no_memory(cold);
	*fee = *of(cold)->slot_fee;
	fee->state = (char *)state;
	fee->has_returned = returned != 0;
	fee->returned = returned;
	fee->has_sold = sold >= 0;
	fee->sold = sold;
	of(cold)->slot_fee = fee;
	return TRIB_OK;
}

trib_status trib_accept_invitation(struct trib_cold *cold)
{
	char *merchant = NULL;

	TRY(need_turn(cold));
	TRY(check_offer(cold));
	TRY(add_plan(cold, &merchant));
	if (of(cold)->sample)
		TRY(add_sample(cold, merchant));
	if (of(cold)->slot_fee) {
		const char *due = of(cold)->slot_fee->due;

		TRY(set_fee(cold, due && strcmp(due, "accepted") == 0 ? "settled" : "owed", 0, -1));
	}
	decide_now(cold);
	return TRIB_OK;
}

/* What was on the table joins those before it. */
static trib_status lay_aside(struct trib_cold *cold)
{
	Tributary__Invitation *invitation = of(cold);
	Tributary__Offer init = TRIBUTARY__OFFER__INIT, *offer = trib_arena_alloc(cold->arena, sizeof(*offer));
	Tributary__Offer **before =
		trib_arena_alloc(cold->arena, (invitation->n_before + 1) * sizeof(Tributary__Offer *));

	if (!offer || !before)
		return trib_cold_no_memory(cold);
	if (invitation->n_before == TRIB_LIMIT_INVITATION_ROUNDS)
		return trib_fail(cold->error, TRIB_REFUSED, "before", "found %zu counters, expected it to be accepted or declined",
				 invitation->n_before);
	*offer = init;
	offer->terms = invitation->terms;
	offer->has_effective_from = invitation->has_effective_from;
	offer->effective_from = invitation->effective_from;
	offer->has_effective_to = invitation->has_effective_to;
	offer->effective_to = invitation->effective_to;
	offer->sample = invitation->sample;
	offer->slot_fee = invitation->slot_fee;
	offer->message = invitation->message;
	offer->by = strcmp(invitation->turn, "creator") == 0 ? "from" : "creator";
	if (invitation->n_before)
		memcpy(before, invitation->before, invitation->n_before * sizeof(Tributary__Offer *));
	before[invitation->n_before++] = offer;
	invitation->before = before;
	return TRIB_OK;
}

trib_status trib_counter_invitation(struct trib_cold *cold)
{
	Tributary__Invitation *invitation = of(cold);
	const Tributary__Offer *offer = cold->request ? cold->request->offer : NULL;

	TRY(need_turn(cold));
	if (!offer)
		return trib_fail(cold->error, TRIB_INVALID, "offer", "found nothing, expected what is proposed instead");
	TRY(lay_aside(cold));
	if (offer->terms)
		invitation->terms = offer->terms;
	if (offer->sample)
		invitation->sample = offer->sample;
	if (offer->slot_fee)
		invitation->slot_fee = offer->slot_fee;
	if (offer->has_effective_from) {
		invitation->has_effective_from = true;
		invitation->effective_from = offer->effective_from;
	}
	if (offer->has_effective_to) {
		invitation->has_effective_to = true;
		invitation->effective_to = offer->effective_to;
	}
	invitation->message = offer->message;
	invitation->turn = strcmp(invitation->turn, "creator") == 0 ? "from" : "creator";
	return check_offer(cold);
}

trib_status trib_decline_invitation(struct trib_cold *cold)
{
	if (cold->actor->role != TRIB_ACCESS_CREATOR)
		TRY(need_turn(cold));
	decide_now(cold);
	return TRIB_OK;
}

/* Of a set: its invitations follow, slice by slice. */
trib_status trib_withdraw_invitation(struct trib_cold *cold)
{
	decide_now(cold);
	if (!of(cold)->creator)
		of(cold)->looked_at = 0;
	return TRIB_OK;
}

trib_status trib_expire_invitation(struct trib_cold *cold)
{
	if (of(cold)->expires_at > cold->now_ms)
		return trib_fail(cold->error, TRIB_REFUSED, "expires_at", "found %lld, expected a time that has come",
				 (long long)of(cold)->expires_at);
	decide_now(cold);
	return TRIB_OK;
}

/* ---- The slot fee ------------------------------------------------------------------------- */

static trib_status need_fee(struct trib_cold *cold, const char *states)
{
	const Tributary__SlotFee *fee = of(cold)->slot_fee;

	if (fee && fee->state && strstr(states, fee->state))
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_REFUSED, "slot_fee.state", "found %s, expected %s",
			 fee && fee->state ? fee->state : "no fee", states);
}

trib_status trib_settle_fee(struct trib_cold *cold)
{
	TRY(need_fee(cold, "owed"));
	return set_fee(cold, "settled", 0, -1);
}

int64_t trib_cold_sold(struct trib_cold *cold)
{
	const char *ext = cold->request ? cold->request->ext : NULL;
	const struct trib_json *root, *sold;
	uint64_t number;

	if (!ext || trib_json_parse(trib_bytes_text(ext), TRIB_LIMIT_JSON_DEPTH, cold->arena, &root, cold->error) != TRIB_OK)
		return -1;
	sold = trib_json_member(root, "sold");
	if (!sold || sold->kind != TRIB_JSON_NUMBER || !trib_bytes_to_u64(sold->text, &number) || number > INT64_MAX)
		return -1;
	return (int64_t)number;
}

/* The part of the fee that the guarantee misses; all of it where nothing is said of what was sold. */
trib_status trib_return_fee(struct trib_cold *cold)
{
	const Tributary__SlotFee *fee = of(cold)->slot_fee;
	int64_t sold = trib_cold_sold(cold), back;

	TRY(need_fee(cold, "owed or settled"));
	if (fee->has_sold || fee->has_returned)
		return trib_fail(cold->error, TRIB_REFUSED, "slot_fee", "found it judged, expected that it never was");
	back = fee->amount;
	if (sold >= 0 && fee->guarantee) {
		int64_t missing = TRIB_MAX(fee->guarantee->least - sold, (int64_t)0);

		back = (int64_t)((__int128)fee->amount * missing / fee->guarantee->least);
	}
	return set_fee(cold, back == fee->amount ? "returned" : "settled", back, sold);
}
