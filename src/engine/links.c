/* LINK makes a token, TRACK reads one, TOUCH records that a user met one. */
#include "engine/flows.h"
#include "engine/sites.h"
#include "engine/state.h"

/* --- LINK --------------------------------------------------------------------------------------------- */

struct link_numbers {
	uint32_t channel, creator, goods, offer, scene;
	uint32_t carrier_kind, carrier, carrier_owner, page;
	uint32_t registration;
	int64_t at_ms;
};

static trib_status find_noun(struct trib_engine *engine, enum trib_noun noun, struct trib_bytes id,
			     const char *at, uint32_t *ret_number, struct trib_error *error)
{
	*ret_number = trib_domain_find(engine->domain, noun, id);
	if (*ret_number)
		return TRIB_OK;
	return trib_fail(error, TRIB_NOT_FOUND, at, "found \"%.*s\", expected the id of a known %s",
			 (int)TRIB_MIN(id.size, (size_t)64), id.data, trib_noun_word(noun));
}

struct when_context {
	struct trib_engine *engine;
	const struct link_numbers *numbers;
};

/* A registration's condition sees the link as the touch that it will make, before any order. */
static bool registration_when(void *context, uint32_t registration)
{
	struct when_context *when = context;
	struct trib_engine *engine = when->engine;
	const struct link_numbers *numbers = when->numbers;
	const struct trib_touch touch = { .at_ms = numbers->at_ms, .issued_at_ms = numbers->at_ms,
					  .goods = numbers->goods, .creator = numbers->creator,
					  .channel = numbers->channel, .carrier_kind = numbers->carrier_kind,
					  .carrier = numbers->carrier,
					  .carrier_owner = numbers->carrier_owner, .page = numbers->page,
					  .kind = TRIB_TOUCH_CLICK };
	const struct trib_market market = engine_market(engine);
	struct trib_facts facts;

	trib_facts_init(&facts, &engine->spaces, &engine->facts_arena);
	trib_facts_open_goods(&market, &facts, numbers->goods, numbers->at_ms);
	trib_facts_open_creator(&market, &facts, numbers->creator, numbers->at_ms);
	trib_facts_open_touch(&facts, &touch);
	return conditions_hold(engine, trib_domain_registration(engine->domain, registration)->when, &facts);
}

static trib_status choose_registration(struct trib_engine *engine, const struct trib_link_request *request,
				       struct link_numbers *numbers, struct trib_error *error)
{
	struct when_context when = { engine, numbers };

	if (numbers->channel && (numbers->scene || request->scene.size == 0))
		numbers->registration = trib_domain_choose_registration(
			engine->domain, numbers->channel, numbers->scene, registration_when, &when);
	if (numbers->registration)
		return TRIB_OK;
	return trib_fail(error, TRIB_NOT_FOUND, "channel",
			 "found \"%.*s\"%s%.*s, expected a channel with a registration whose `when` holds for this link",
			 (int)TRIB_MIN(request->channel.size, (size_t)64), request->channel.data,
			 request->scene.size ? " in scene " : "",
			 (int)TRIB_MIN(request->scene.size, (size_t)64), request->scene.data);
}

static trib_status find_numbers(struct trib_engine *engine, const struct trib_link_request *request,
				struct link_numbers *numbers, struct trib_error *error)
{
	trib_status status;

	if ((status = find_noun(engine, TRIB_NOUN_PARTY, request->creator, "creator", &numbers->creator,
				error)) != TRIB_OK ||
	    (status = find_noun(engine, TRIB_NOUN_GOODS, request->goods, "goods", &numbers->goods, error)) !=
		    TRIB_OK ||
	    (request->offer.size && (status = find_noun(engine, TRIB_NOUN_PLAN, request->offer, "offer",
							&numbers->offer, error)) != TRIB_OK) ||
	    (status = engine_event_time(engine, request->has_at, request->at_ms, &numbers->at_ms, error)) !=
		    TRIB_OK)
		return status;
	numbers->channel = trib_domain_find_code(engine->domain, request->channel);
	numbers->scene = request->scene.size ? trib_domain_find_code(engine->domain, request->scene) : 0;
	/* The condition may ask about carrier and page; a link that is refused leaves their names behind at worst. */
	if ((status = engine_carrier(engine, &request->carrier, &numbers->carrier_kind, &numbers->carrier,
				     &numbers->carrier_owner, error)) != TRIB_OK ||
	    (status = engine_code(engine, request->page, "PAGE", &numbers->page, error)) != TRIB_OK)
		return status;
	return choose_registration(engine, request, numbers, error);
}

/* What fits of EXT goes into the token; the rest is kept under the link's id or refused. */
static trib_status pack_ext(struct trib_engine *engine, const struct trib_link_request *request,
			    uint32_t registration, struct trib_token *token, struct trib_error *error)
{
	struct trib_link_event *event = &engine->link_event;
	size_t packed = trib_ext_pack(request->ext, request->n_ext, token->ext, &token->ext_size);

	event->n_ext = 0;
	if (packed == request->n_ext)
		return TRIB_OK;
	if (trib_domain_registration(engine->domain, registration)->ext_overflow == TRIB_WORD_REFUSE)
		return trib_fail(error, TRIB_TOKEN_TOO_LONG, "EXT",
				 "found more than fits into a token, expected at most %d bytes (a registration may say ext_overflow: keep)",
				 TRIB_LIMIT_TOKEN_EXT_BYTES);
	token->ext_kept = true;
	for (size_t i = packed; i < request->n_ext; i++)
		event->ext[event->n_ext++] = (struct trib_ext_pair){ request->ext[i].key, request->ext[i].value };
	return TRIB_OK;
}

/* A token that is too long with EXT inside gives it up before it gives up itself. */
static trib_status sign(struct trib_engine *engine, const struct trib_link_request *request,
			struct trib_token *token, char ret_text[TRIB_LIMIT_TOKEN_CHARS], size_t *ret_size,
			struct trib_error *error)
{
	struct trib_link_event *event = &engine->link_event;
	trib_status status = trib_token_encode(engine->keys, token, ret_text, ret_size, error);

	if (status != TRIB_TOKEN_TOO_LONG || token->ext_size == 0 ||
	    trib_domain_registration(engine->domain, token->registration)->ext_overflow == TRIB_WORD_REFUSE)
		return status;
	memset(token->ext, 0, sizeof(token->ext));
	token->ext_size = 0;
	token->ext_kept = true;
	event->n_ext = 0;
	for (uint32_t i = 0; i < request->n_ext; i++)
		event->ext[event->n_ext++] = (struct trib_ext_pair){ request->ext[i].key, request->ext[i].value };
	return trib_token_encode(engine->keys, token, ret_text, ret_size, error);
}

static trib_status check_ext(const struct trib_link_request *request, struct trib_error *error)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < request->n_ext; i++)
		bytes += request->ext[i].key.size + request->ext[i].value.size;
	if (request->n_ext <= TRIB_LIMIT_EXT_PAIRS && bytes <= TRIB_LIMIT_EXT_BYTES)
		return TRIB_OK;
	return trib_fail(error, TRIB_TOO_LARGE, "EXT", "found %u pairs of %zu bytes, expected at most %d pairs of %d bytes",
			 request->n_ext, bytes, TRIB_LIMIT_EXT_PAIRS, TRIB_LIMIT_EXT_BYTES);
}

static void make_token(struct trib_engine *engine, const struct link_numbers *numbers,
		       const struct trib_terms *terms, struct trib_token *ret_token)
{
	*ret_token = (struct trib_token){
		.link = engine->links_issued + 1,
		.issued_at_ms = numbers->at_ms,
		.registration = numbers->registration,
		.plan = terms->plan,
		.plan_version = terms->plan_version,
		.offer = numbers->offer,
		.goods = numbers->goods,
		.creator = numbers->creator,
		.channel = numbers->channel,
		.carrier_kind = numbers->carrier_kind,
		.carrier = numbers->carrier,
		.carrier_owner = numbers->carrier_owner,
		.page = numbers->page,
		.order_engine = 0,
		.goods_engine = 1,
	};
}

/* What is no id names nobody, but it is another mistake than to name somebody unknown. */
static trib_status check_ids(const struct trib_link_request *request, struct trib_error *error)
{
	trib_status status = check_id(request->channel, "channel", error);

	if (status == TRIB_OK)
		status = check_id(request->creator, "creator", error);
	if (status == TRIB_OK)
		status = check_id(request->goods, "goods", error);
	if (status == TRIB_OK && request->offer.size)
		status = check_id(request->offer, "OFFER", error);
	if (status == TRIB_OK && request->scene.size)
		status = check_id(request->scene, "SCENE", error);
	return status;
}

trib_status trib_engine_link(struct trib_engine *engine, const struct trib_link_request *request,
			     char ret_text[TRIB_LIMIT_TOKEN_CHARS], size_t *ret_size,
			     enum trib_outcome *ret_outcome, struct trib_error *error)
{
	struct trib_link_event *event = &engine->link_event;
	struct link_numbers numbers = { 0 };
	struct trib_token token;
	struct trib_terms terms;
	struct site_link at_site;
	trib_status status;

	*ret_outcome = TRIB_OUTCOME_NONE;
	trib_arena_reset(&engine->arena);
	if ((status = check_ids(request, error)) != TRIB_OK || (status = check_ext(request, error)) != TRIB_OK ||
	    (status = engine_begin(engine, 0, error)) != TRIB_OK ||
	    (status = find_numbers(engine, request, &numbers, error)) != TRIB_OK)
		return status;
	const struct trib_terms_request wanted = { .goods = numbers.goods, .creator = numbers.creator,
						   .offer = numbers.offer,
						   .registration = numbers.registration, .at_ms = numbers.at_ms,
						   .lock_ms = numbers.at_ms };

	trib_terms_resolve(engine->domain, &wanted, &terms);
	/* A link says which offer it is for: one that is not open is refused now, rather than passed over later. */
	if (terms.outcome == TRIB_OUTCOME_NONE && numbers.offer)
		terms.outcome = terms.offer_outcome;
	if (terms.outcome != TRIB_OUTCOME_NONE) {
		*ret_outcome = terms.outcome;
		return trib_fail(error, TRIB_REFUSED, "terms", "%s", trib_outcome_text(terms.outcome));
	}
	if (trib_domain_registration(engine->domain, numbers.registration)->play &&
	    (status = flows_link(engine, request, numbers.registration, numbers.creator, numbers.goods,
				 terms.commission_bps, error)) != TRIB_OK)
		return status;
	make_token(engine, &numbers, &terms, &token);
	if ((status = pack_ext(engine, request, numbers.registration, &token, error)) != TRIB_OK ||
	    (status = sign(engine, request, &token, ret_text, ret_size, error)) != TRIB_OK ||
	    (status = sites_link_begin(engine, &token, &at_site, error)) != TRIB_OK ||
	    (status = engine_reserve(engine, TRIB_LINK_EVENT_BYTES_MAX + at_site.bytes, error)) != TRIB_OK ||
	    (status = sites_link_end(engine, &token, &at_site, trib_bytes(ret_text, *ret_size), error)) != TRIB_OK)
		return status;
	trib_touch_of_token(&token, &event->token);
	event->token.kind = 0;
	char *end = trib_link_event_put(engine_event_place(engine), event);

	apply_link(engine, event, engine_commit_event(engine, end));
	return TRIB_OK;
}

/* --- TRACK -------------------------------------------------------------------------------------------- */

bool engine_could_issue(const struct trib_engine *engine, const struct trib_token *token)
{
	const struct trib_domain *domain = engine->domain;
	uint32_t parties = trib_domain_count(domain, TRIB_NOUN_PARTY);
	uint32_t plans = trib_domain_count(domain, TRIB_NOUN_PLAN);
	uint32_t words = trib_names_count(trib_domain_symbols(domain));

	return token->link - 1 < engine->links_issued && token->order_engine == 0 && token->goods_engine == 1 &&
	       token->registration - 1 < trib_domain_count(domain, TRIB_NOUN_REGISTRATION) &&
	       token->goods - 1 < trib_domain_count(domain, TRIB_NOUN_GOODS) && token->creator - 1 < parties &&
	       token->plan - 1 < plans && token->offer <= plans && token->carrier_owner <= parties &&
	       token->channel <= words && token->carrier_kind <= words && token->carrier <= words &&
	       token->page <= words;
}

/* Verifies, and refuses links that were never issued; the time to live is the registration's. */
static enum trib_token_result read_token(struct trib_engine *engine, struct trib_bytes text,
					 struct trib_token *ret_token, int64_t *ret_expires_at_ms)
{
	enum trib_token_result result = trib_token_decode(engine->keys, text, ret_token);

	if (result != TRIB_TOKEN_OK)
		return result;
	if (!engine_could_issue(engine, ret_token))
		return TRIB_TOKEN_MAC;
	*ret_expires_at_ms = ret_token->issued_at_ms +
			     trib_domain_registration(engine->domain, ret_token->registration)->token_ttl_ms;
	return TRIB_TOKEN_OK;
}

trib_status trib_engine_track(struct trib_engine *engine, struct trib_bytes text,
			      struct trib_track_answer *ret_answer, struct trib_error *error)
{
	struct trib_ext_pair pair;

	engine_begin(engine, 0, error); /* time moves on where nothing can be written, too */
	ret_answer->n_ext = 0;
	ret_answer->expired = false;
	ret_answer->result = read_token(engine, text, &ret_answer->token, &ret_answer->expires_at_ms);
	if (ret_answer->result != TRIB_TOKEN_OK)
		return TRIB_OK;
	ret_answer->expired = engine->now_ms > ret_answer->expires_at_ms;
	struct trib_bytes rest = trib_bytes(ret_answer->token.ext, ret_answer->token.ext_size);

	while (trib_ext_next(&rest, &pair))
		ret_answer->ext[ret_answer->n_ext++] = pair;
	if (!ret_answer->token.ext_kept)
		return TRIB_OK;
	trib_status status = history_link_ext(engine, ret_answer->token.link, error);

	for (uint32_t i = 0; status == TRIB_OK && i < engine->link_event.n_ext &&
			     ret_answer->n_ext < TRIB_LIMIT_EXT_PAIRS; i++)
		ret_answer->ext[ret_answer->n_ext++] = (struct trib_ext_pair){ engine->link_event.ext[i].key,
									       engine->link_event.ext[i].value };
	return status;
}

/* --- TOUCH -------------------------------------------------------------------------------------------- */

static trib_status fill_touch(struct trib_engine *engine, const struct trib_touch_request *request,
			      struct trib_touch *touch, struct trib_error *error)
{
	trib_status status = engine_event_time(engine, request->has_at, request->at_ms, &touch->at_ms, error);

	touch->at_stated = request->has_at;
	touch->kind = (uint8_t)(request->kind ? request->kind : TRIB_TOUCH_CLICK);
	if (status == TRIB_OK && request->carrier.kind.size)
		status = engine_carrier(engine, &request->carrier, &touch->carrier_kind, &touch->carrier,
					&touch->carrier_owner, error);
	if (status == TRIB_OK && request->page.size)
		status = engine_code(engine, request->page, "PAGE", &touch->page, error);
	return status == TRIB_OK ? trib_touches_accepts(engine->touches, touch, error) : status;
}

trib_status trib_engine_touch(struct trib_engine *engine, const struct trib_touch_request *request,
			      enum trib_touch_answer *ret_answer, struct trib_error *error)
{
	struct trib_touch_event event = { .user = trib_hash_keyed(request->user, engine->user_key) };
	struct trib_token token;
	int64_t expires_at_ms;
	trib_status status;

	trib_arena_reset(&engine->arena);
	if (!trib_external_id_valid(request->user))
		return trib_fail(error, TRIB_INVALID, "user",
				 "found %zu bytes, expected 1 to 64 bytes of UTF-8 without space, control or '/'",
				 request->user.size);
	if ((status = engine_begin(engine, 0, error)) != TRIB_OK)
		return status;
	if (read_token(engine, request->token, &token, &expires_at_ms) != TRIB_TOKEN_OK) {
		*ret_answer = TRIB_TOUCH_BAD_TOKEN;
		return TRIB_OK;
	}
	trib_touch_of_token(&token, &event.touch);
	if ((status = fill_touch(engine, request, &event.touch, error)) != TRIB_OK)
		return status;
	*ret_answer = event.touch.at_ms > expires_at_ms ? TRIB_TOUCH_EXPIRED : TRIB_TOUCH_RECORDED;
	if (*ret_answer == TRIB_TOUCH_EXPIRED ||
	    (status = history_load_user(engine, event.user, error)) != TRIB_OK ||
	    trib_touches_knows(engine->touches, event.user, &event.touch))
		return status;
	if ((status = engine_reserve(engine, TRIB_TOUCH_EVENT_BYTES_MAX, error)) != TRIB_OK ||
	    (status = apply_touch(engine, &event, error)) != TRIB_OK)
		return status;
	engine_commit_event(engine, trib_touch_event_put(engine_event_place(engine), &event));
	return TRIB_OK;
}
