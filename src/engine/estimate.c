/*
 * The figure that a creator sees before listing goods 预计赚: the full commission on their price under the terms of
 * now, rounded half to even. What is earned later follows from the order's base and its rule's rounding, and may differ.
 */
#include "engine/state.h"

static trib_status find_noun(const struct trib_engine *engine, enum trib_noun noun, struct trib_bytes id,
			     const char *at, uint32_t *ret_number, struct trib_error *error)
{
	*ret_number = id.size ? trib_domain_find(engine->domain, noun, id) : 0;
	if (*ret_number)
		return TRIB_OK;
	return trib_fail(error, id.size ? TRIB_NOT_FOUND : TRIB_INVALID, at, "found %s%.*s%s, expected the id of a known %s",
			 id.size ? "\"" : "nothing", (int)TRIB_MIN(id.size, (size_t)64), id.data ? id.data : "",
			 id.size ? "\"" : "", trib_noun_word(noun));
}

static void write_estimate(const struct trib_engine *engine, const struct trib_call *call,
			   const struct trib_goods *goods, const struct trib_terms *terms, struct trib_buffer *json)
{
	const struct trib_names *symbols = trib_domain_symbols(engine->domain);
	char plan[TRIB_LIMIT_EXTERNAL_ID_BYTES + 16], offer[sizeof(plan)], currency[16], kind[16];
	Tributary__Estimate body = TRIBUTARY__ESTIMATE__INIT;
	struct trib_arena arena;
	struct trib_bytes id = trib_domain_id(engine->domain, TRIB_NOUN_PLAN, terms->plan);

	trib_arena_init(&arena, 1 << 12);
	snprintf(plan, sizeof(plan), TRIB_BYTES_FMT "@%u", TRIB_BYTES_ARG(id), terms->plan_version);
	id = trib_names_text(symbols, goods->currency);
	snprintf(currency, sizeof(currency), TRIB_BYTES_FMT, TRIB_BYTES_ARG(id));
	id = trib_names_text(symbols, terms->kind);
	snprintf(kind, sizeof(kind), TRIB_BYTES_FMT, TRIB_BYTES_ARG(id));
	body.goods = trib_arena_copy(&arena, call->name);
	body.creator = trib_arena_copy(&arena, call->creator);
	body.currency = currency;
	body.plan = plan;
	body.kind = kind;
	if (terms->offer) {
		id = trib_domain_id(engine->domain, TRIB_NOUN_PLAN, terms->offer);
		snprintf(offer, sizeof(offer), TRIB_BYTES_FMT "@%u", TRIB_BYTES_ARG(id), terms->offer_version);
		body.offer = offer;
	}
	body.has_price = body.has_commission_bps = body.has_amount = 1;
	body.price = goods->price;
	body.commission_bps = terms->commission_bps;
	body.amount = trib_portion(goods->price, (uint32_t)terms->commission_bps, TRIB_ROUND_HALF_EVEN);
	trib_proto_to_json(&body.base, TRIB_PROTO_SET_FIELDS, json);
	trib_arena_fini(&arena);
}

trib_status call_estimate(struct trib_engine *engine, struct trib_call *call)
{
	/* A read opens no batch, so engine time may stand where it was long ago. */
	const int64_t now_ms = TRIB_MAX(engine->now_ms, trib_clock_wall_ms(engine->options.clock));
	struct trib_terms_request request = { .at_ms = now_ms, .lock_ms = now_ms };
	struct trib_terms terms;
	trib_status status = find_noun(engine, TRIB_NOUN_GOODS, call->name, "id", &request.goods, &call->error);

	if (status == TRIB_OK)
		status = find_noun(engine, TRIB_NOUN_PARTY, call->creator, "creator", &request.creator, &call->error);
	if (status == TRIB_OK && call->offer.size)
		status = find_noun(engine, TRIB_NOUN_PLAN, call->offer, "offer", &request.offer, &call->error);
	if (status != TRIB_OK)
		return status;
	trib_terms_resolve(engine->domain, &request, &terms);
	/* As with a link: an offer that is not open is refused, rather than passed over. */
	if (terms.outcome == TRIB_OUTCOME_NONE && request.offer)
		terms.outcome = terms.offer_outcome;
	if (terms.outcome != TRIB_OUTCOME_NONE) {
		call->code = trib_outcome_word((enum trib_outcome)terms.outcome);
		return trib_fail(&call->error, TRIB_REFUSED, "terms", "%s",
				 trib_outcome_text((enum trib_outcome)terms.outcome));
	}
	write_estimate(engine, call, trib_domain_goods(engine->domain, request.goods), &terms, &call->reply);
	return TRIB_OK;
}
