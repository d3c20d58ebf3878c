/*
 * Payouts: money that went to a party or, below 0, came from it. A payout is an event that moves what is posted of the
 * party to the platform, which is owed what it has laid out; so the books still sum to 0, and a party that was paid
 * more than is left to it, after a refund, stands below 0 until what it earns later makes up for it.
 *
 * Payouts share the index of orders, under fingerprints that no order id has: a repeat finds the first.
 */
#include "engine/flow_points.h"
#include "engine/state.h"

static uint64_t payout_fingerprint(const struct trib_engine *engine, const char *id)
{
	char text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 8];
	/* An order's id has no control characters. */
	int size = snprintf(text, sizeof(text), "\x01payout%s", id);

	return trib_hash_keyed(trib_bytes(text, TRIB_MIN((size_t)size, sizeof(text) - 1)), engine->order_key);
}

/* --- Apply --------------------------------------------------------------------------------------------- */

static struct trib_transfer transfer_of(const Tributary__Posting *posting)
{
	return (struct trib_transfer){
		.name = posting->name,
		.from_party = posting->from_party,
		.from_role = posting->from_role,
		.to_party = posting->to_party,
		.to_role = posting->to_role,
		.from_kind = trib_kinds_from((uint8_t)posting->kinds, posting->from_role),
		.to_kind = trib_kinds_to((uint8_t)posting->kinds, posting->to_role),
		.pending = posting->amount,
		.posted = posting->posted,
	};
}

trib_status apply_payout(struct trib_engine *engine, const Tributary__LedgerPaid *paid, uint64_t position,
			 struct trib_error *error)
{
	for (size_t i = 0; i < paid->n_transfer; i++)
		if (!trib_kinds_valid(paid->transfer[i]->kinds))
			return trib_fail(error, TRIB_CORRUPT, "event", "found a payout between unknown accounts");
	history_add_order(engine, payout_fingerprint(engine, paid->id ? paid->id : ""), position);
	for (size_t i = 0; i < paid->n_transfer; i++) {
		const struct trib_transfer transfer = transfer_of(paid->transfer[i]);

		trib_chain_post(engine->ledger, &transfer, 1, paid->currency);
	}
	return TRIB_OK;
}

/* --- Decide -------------------------------------------------------------------------------------------- */

struct payout {
	const Tributary__PayoutRequest *request;
	struct trib_account account; /* that is paid */
	int64_t balance;	     /* posted, afterwards */
	uint64_t position;
};

static trib_status read_account(struct trib_engine *engine, struct payout *payout, struct trib_error *error)
{
	const Tributary__PayoutRequest *request = payout->request;
	struct trib_account *account = &payout->account;

	account->party = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, trib_bytes_text(request->party));
	if (!account->party)
		return trib_fail(error, TRIB_NOT_FOUND, "party", "found \"%.64s\", expected the id of a known party",
				 request->party);
	account->role = trib_domain_find_code(engine->domain, trib_bytes_text(request->role));
	if (!account->role || account->role == TRIB_WORD_PLATFORM)
		return trib_fail(error, TRIB_INVALID, "role", "found \"%.64s\", expected a role that is paid: creator, leader …",
				 request->role);
	account->currency = trib_domain_find_code(
		engine->domain, trib_bytes_text(request->currency ? request->currency : "CNY"));
	if (!account->currency)
		return trib_fail(error, TRIB_INVALID, "currency", "found \"%.8s\", expected one that goods have",
				 request->currency);
	account->kind = (uint8_t)trib_account_kind_of_role(account->role);
	account->stage = TRIB_STAGE_POSTED;
	return TRIB_OK;
}

static bool same_payout(const Tributary__LedgerPaid *paid, const struct payout *payout)
{
	return paid->party == payout->account.party && paid->role == payout->account.role &&
	       paid->currency == payout->account.currency && paid->amount == payout->request->amount;
}

/* The answer that the payout of that id was given; NOT_FOUND, or CONFLICT for other content. */
static trib_status find_payout(struct trib_engine *engine, struct payout *payout, struct trib_error *error)
{
	Tributary__LedgerPaid *paid;
	trib_status status = history_find_payout(engine, trib_bytes_text(payout->request->id),
						 payout_fingerprint(engine, payout->request->id), &paid,
						 &payout->position, error);

	if (status != TRIB_OK)
		return status;
	payout->balance = paid->balance;
	if (!same_payout(paid, payout))
		status = trib_fail(error, TRIB_CONFLICT, "id",
				   "found other content than at first, expected the same or another id");
	tributary__ledger_paid__free_unpacked(paid, NULL);
	return status;
}

static trib_status check_amount(struct trib_engine *engine, struct payout *payout, struct trib_error *error)
{
	int64_t amount = payout->request->amount;
	int64_t posted = trib_ledger_balance(engine->ledger, payout->account);

	if (amount == 0)
		return trib_fail(error, TRIB_INVALID, "amount", "found 0, expected what was paid or, below 0, came in");
	if (amount > 0 && amount > posted)
		return trib_fail(error, TRIB_REFUSED, "amount", "found %lld, expected at most %lld, which is posted",
				 (long long)amount, (long long)posted);
	if (__builtin_sub_overflow(posted, amount, &payout->balance))
		return trib_fail(error, TRIB_LIMIT, "amount", "found %lld, a balance would pass 64 bits", (long long)amount);
	return TRIB_OK;
}

/* What comes in nobody is asked about. */
static trib_status ask_play(struct trib_engine *engine, const struct payout *payout, struct trib_error *error)
{
	const int64_t amount = payout->request->amount;
	struct engine_flow flow = { 0 };
	trib_status status = amount > 0 ? points_payout(engine, payout->account.party, amount, payout->balance + amount, &flow, error) :
					  TRIB_OK;

	return status == TRIB_OK ? engine_flow_end(engine, &flow,
						   &(struct engine_flow_about){ .noun = TRIB_NOUN_PARTY,
										.id = trib_bytes_text(payout->request->party) },
						   error) :
				   status;
}

static trib_status record_payout(struct trib_engine *engine, struct payout *payout, struct trib_error *error)
{
	const struct trib_account *account = &payout->account;
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__LedgerPaid paid = TRIBUTARY__LEDGER_PAID__INIT;
	Tributary__Posting posting = TRIBUTARY__POSTING__INIT, *postings[] = { &posting };
	trib_status status = engine_code(engine, trib_bytes_text(trib_line_kind_word(TRIB_LINE_PAYOUT)), "payout",
					 &posting.name, error);

	if (status != TRIB_OK)
		return status;
	posting.has_name = posting.has_from_party = posting.has_from_role = posting.has_to_party =
		posting.has_to_role = posting.has_kinds = posting.has_posted = 1;
	posting.from_party = account->party;
	posting.from_role = account->role;
	posting.to_party = engine->platform;
	posting.to_role = TRIB_WORD_PLATFORM;
	posting.kinds = trib_kinds_pack(account->kind, TRIB_ACCOUNT_RECEIVABLE);
	posting.posted = payout->request->amount;
	paid.id = payout->request->id;
	paid.has_party = paid.has_role = paid.has_currency = paid.has_amount = paid.has_balance = 1;
	paid.party = account->party;
	paid.role = account->role;
	paid.currency = account->currency;
	paid.amount = payout->request->amount;
	paid.balance = payout->balance;
	paid.transfer = postings;
	paid.n_transfer = 1;
	const struct trib_transfer transfer = transfer_of(&posting);

	if (!trib_chain_accepts(engine->ledger, &transfer, 1, account->currency))
		return trib_fail(error, TRIB_LIMIT, "amount", "found %lld, a balance would pass 64 bits",
				 (long long)payout->request->amount);
	event.kind_case = TRIBUTARY__EVENT__KIND_LEDGER_PAID;
	event.ledger_paid = &paid;
	status = engine_emit(engine, &event, error);
	payout->position = engine->position;
	return status;
}

trib_status call_payout(struct trib_engine *engine, struct trib_call *call)
{
	struct payout payout = { .request = (const Tributary__PayoutRequest *)call->body };
	Tributary__PayoutAnswer answer = TRIBUTARY__PAYOUT_ANSWER__INIT;
	trib_status status = read_account(engine, &payout, &call->error);

	if (status != TRIB_OK)
		return status;
	status = find_payout(engine, &payout, &call->error);
	if (status == TRIB_NOT_FOUND) {
		if ((status = engine_begin(engine, 0, &call->error)) != TRIB_OK ||
		    (status = check_amount(engine, &payout, &call->error)) != TRIB_OK ||
		    (status = ask_play(engine, &payout, &call->error)) != TRIB_OK ||
		    (status = record_payout(engine, &payout, &call->error)) != TRIB_OK)
			return status;
		call->http_status = 201;
	}
	if (status != TRIB_OK)
		return status;
	answer.id = payout.request->id;
	answer.party = payout.request->party;
	answer.role = payout.request->role;
	answer.currency = payout.request->currency ? payout.request->currency : "CNY";
	answer.has_amount = answer.has_balance = answer.has_position = 1;
	answer.amount = payout.request->amount;
	answer.balance = payout.balance;
	answer.position = payout.position;
	trib_proto_to_json(&answer.base, TRIB_PROTO_SET_FIELDS, &call->reply);
	return TRIB_OK;
}
