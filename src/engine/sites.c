#include "engine/sites.h"

#include "base/limits.h"
#include "engine/freshness.h"
#include "engine/pid_pool.h"
#include "engine/state.h"
#include "expr/expr.h"

enum {
	MINUTE_MS = 60000,
	RELEASED_PER_TURN = 64,
	EVENT_ROOM = 2048, /* of alarms and their effects */
	URL_BYTES_MAX = 16 << 10,
};

static const char *const alarm_words[] = {
#define X(name, bit, word) [bit] = word,
	TRIB_SITE_ALARM_TABLE(X)
#undef X
};

/* What a SITE says, as it is asked. */
struct site {
	char id[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1]; /* "": there is none of this number */
	char *link;
	bool active, by_channel;
	int64_t ages_ms[FRESHNESS_LIMITS];
	int32_t stale_bps;
	uint32_t pids_low;
	struct freshness freshness;
	uint32_t alarms; /* bits */
	int64_t since_ms[SITE_ALARMS];
};

struct sites {
	struct site sites[TRIB_LIMIT_SITES + 1]; /* by number */
	uint32_t count;
	struct pid_pool *pool;
	struct site_reviews *reviews;
	struct deadlines deadlines; /* the next minute, as noun SITE; parties that are closed from a time on */
	struct number_list closed;  /* creators whose pids are to be released */
	bool look;		    /* something has changed that an alarm may depend on */
	uint64_t alarms_told;
	struct trib_arena arena; /* of the fold */
	struct trib_buffer url;
	char pid[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
};

void sites_init(struct trib_engine *engine)
{
	struct sites *sites = engine->sites = trib_alloc_zeroed(1, sizeof(*sites));

	sites->pool = pid_pool_new();
	sites->reviews = site_reviews_new();
	trib_arena_init(&sites->arena, 64 << 20);
	trib_buffer_init(&sites->url, URL_BYTES_MAX);
}

void sites_fini(struct trib_engine *engine)
{
	struct sites *sites = TRIB_TAKE_PTR(engine->sites);

	if (!sites)
		return;
	for (uint32_t i = 1; i <= sites->count; i++) {
		freshness_fini(&sites->sites[i].freshness);
		free(sites->sites[i].link);
	}
	pid_pool_free(sites->pool);
	site_reviews_free(sites->reviews);
	deadlines_fini(&sites->deadlines);
	free(sites->closed.numbers);
	trib_arena_fini(&sites->arena);
	trib_buffer_fini(&sites->url);
	free(sites);
}

const char *sites_id(const struct trib_engine *engine, uint32_t site)
{
	return engine->sites->sites[site].id;
}

struct site_reviews *sites_reviews(const struct trib_engine *engine)
{
	return engine->sites->reviews;
}

static bool is(const char *word, const char *other)
{
	return word && strcmp(word, other) == 0;
}

static uint32_t number_of(const struct trib_engine *engine, enum trib_noun noun, const char *id)
{
	return id ? trib_domain_find(engine->domain, noun, trib_bytes_text(id)) : 0;
}

/* --- Goods → freshness --------------------------------------------------------------------------------- */

/* Where and when goods were seen; site 0: they do not count. */
struct seen {
	uint32_t site;
	int64_t at_ms;
};

static struct seen seen_of(struct trib_engine *engine, uint32_t site, bool active, struct trib_bytes ext)
{
	struct seen seen = { 0 };
	const struct trib_json *root, *at;
	struct trib_error error;

	if (!site || site > engine->sites->count || !active || !ext.size || !memmem(ext.data, ext.size, "\"seen_at\"", 9))
		return seen;
	if (trib_json_parse(ext, TRIB_LIMIT_JSON_DEPTH, &engine->sites->arena, &root, &error) != TRIB_OK ||
	    root->kind != TRIB_JSON_OBJECT || !(at = trib_json_member(root, "seen_at")) ||
	    at->kind != TRIB_JSON_NUMBER || !trib_bytes_to_i64(at->text, &seen.at_ms) || seen.at_ms < 0)
		return seen;
	seen.site = site;
	return seen;
}

static struct seen seen_as_it_is(struct trib_engine *engine, uint32_t goods, uint32_t site)
{
	const struct trib_goods *entry = trib_domain_goods(engine->domain, goods);
	const struct trib_names *symbols = trib_domain_symbols(engine->domain);

	if (!entry->site || !site)
		site = entry->site ? trib_domain_find(engine->domain, TRIB_NOUN_SITE, trib_names_text(symbols, entry->site)) :
				     0;
	if (!entry->site || !site || entry->status != TRIB_WORD_ACTIVE)
		return (struct seen){ 0 };
	return seen_of(engine, site, true, trib_domain_ext(engine->domain, TRIB_NOUN_GOODS, goods, &engine->sites->arena));
}

static void fold_goods(struct trib_engine *engine, const Tributary__GoodsPut *put)
{
	const Tributary__Goods *goods = put->goods;
	struct sites *sites = engine->sites;
	struct seen before = { 0 }, now;

	if (!goods || !sites->count)
		return;
	if (put->number <= trib_domain_count(engine->domain, TRIB_NOUN_GOODS))
		before = seen_as_it_is(engine, put->number, 0);
	now = seen_of(engine, goods->site ? number_of(engine, TRIB_NOUN_SITE, goods->site) : 0,
		      !goods->status || is(goods->status, "active"), trib_bytes_text(goods->ext ? goods->ext : ""));
	if (before.site)
		freshness_remove(&sites->sites[before.site].freshness, before.at_ms);
	if (now.site)
		freshness_add(&sites->sites[now.site].freshness, now.at_ms);
}

/* The goods of a site that is new; with 0 those of all sites. Goods without a site are a cache line each. */
static void count_goods(struct trib_engine *engine, uint32_t site, const char *id)
{
	uint32_t code = site ? trib_domain_find_code(engine->domain, trib_bytes_text(id)) : 0;

	for (uint32_t goods = 1; goods <= trib_domain_count(engine->domain, TRIB_NOUN_GOODS); goods++) {
		uint32_t of = trib_domain_goods(engine->domain, goods)->site;

		if (!of || (site && of != code))
			continue;
		const struct seen seen = seen_as_it_is(engine, goods, site);

		if (seen.site)
			freshness_add(&engine->sites->sites[seen.site].freshness, seen.at_ms);
		trib_arena_reset(&engine->sites->arena);
	}
}

/* --- Sites, pids --------------------------------------------------------------------------------------- */

static int64_t duration_of(const char *text, const char *otherwise)
{
	int64_t ms = 0;
	struct trib_error error;

	trib_duration_parse(trib_bytes_text(text ? text : otherwise), "age", &ms, &error);
	return ms;
}

static void note_site(struct trib_engine *engine, uint32_t number, const Tributary__Site *message)
{
	struct sites *sites = engine->sites;

	trib_assert(number && number <= TRIB_LIMIT_SITES); /* the check of a PUT has seen to it */
	struct site *site = &sites->sites[number];

	snprintf(site->id, sizeof(site->id), "%s", message->id);
	free(site->link);
	site->link = message->link ? strdup(message->link) : NULL;
	site->active = is(message->status, "active");
	site->by_channel = is(message->pid_per, "channel");
	site->ages_ms[SITE_ALARM_PRICE_STALE] = duration_of(message->price_age, "1d");
	site->ages_ms[SITE_ALARM_STOCK_STALE] = duration_of(message->stock_age, "1d");
	site->ages_ms[SITE_ALARM_STATUS_STALE] = duration_of(message->status_age, "1d");
	site->stale_bps = message->has_stale_bps ? message->stale_bps : TRIB_SITE_STALE_BPS;
	site->pids_low = message->pids_low;
	sites->count = TRIB_MAX(sites->count, number);
	if (!sites->deadlines.count)
		deadlines_add(&sites->deadlines, engine->now_ms, TRIB_NOUN_SITE, 0);
	sites->look = true;
}

static void note_pid(struct trib_engine *engine, uint32_t number, const Tributary__Pid *pid)
{
	struct pid_fact fact = { .site = number_of(engine, TRIB_NOUN_SITE, pid->site), .state = PID_CLOSED };

	if (is(pid->status, "free")) {
		fact.state = PID_FREE;
		fact.free_at_ms = pid->has_free_at ? pid->free_at : 0;
	} else if (is(pid->status, "leased")) {
		fact.state = PID_LEASED;
		fact.creator = number_of(engine, TRIB_NOUN_PARTY, pid->creator);
		fact.channel = pid->channel ? trib_domain_find_code(engine->domain, trib_bytes_text(pid->channel)) : 0;
	} else if (is(pid->status, "unknown")) {
		fact.state = PID_UNKNOWN;
	}
	pid_pool_put(engine->sites->pool, number, &fact);
	engine->sites->look = true;
}

static void note_closed(struct trib_engine *engine, const Tributary__Event *event)
{
	struct sites *sites = engine->sites;

	if (event->kind_case == TRIBUTARY__EVENT__KIND_PARTY_PUT && event->party_put->party &&
	    is(event->party_put->party->status, "closed") && pid_pool_of(sites->pool, event->party_put->number, 0))
		number_list_add(&sites->closed, event->party_put->number);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_STATUS_SET && event->status_set->noun == TRIB_NOUN_PARTY &&
	    is(event->status_set->status, "closed") && pid_pool_of(sites->pool, event->status_set->number, 0))
		deadlines_add(&sites->deadlines, event->status_set->from, TRIB_NOUN_PARTY, event->status_set->number);
}

void sites_fold(struct trib_engine *engine, const Tributary__Event *event)
{
	switch (event->kind_case) {
	case TRIBUTARY__EVENT__KIND_GOODS_PUT:
		fold_goods(engine, event->goods_put);
		break;
	case TRIBUTARY__EVENT__KIND_SITE_PUT:
		if (!event->site_put->site)
			return;
		note_site(engine, event->site_put->number, event->site_put->site);
		if (event->site_put->version == 1)
			count_goods(engine, event->site_put->number, event->site_put->site->id);
		break;
	case TRIBUTARY__EVENT__KIND_PID_PUT:
		if (!event->pid_put->pid)
			return;
		note_pid(engine, event->pid_put->number, event->pid_put->pid);
		site_orders_leased(engine, event->pid_put->number, event->pid_put->pid);
		break;
	case TRIBUTARY__EVENT__KIND_PARTY_PUT:
	case TRIBUTARY__EVENT__KIND_STATUS_SET:
		if (engine->sites->count)
			note_closed(engine, event);
		return;
	default:
		return;
	}
	trib_arena_reset(&engine->sites->arena);
}

static trib_status apply_alarms(struct trib_engine *engine, const Tributary__SiteAlarmed *alarmed, struct trib_error *error)
{
	if (!alarmed->site || alarmed->site > engine->sites->count || alarmed->n_since > SITE_ALARMS)
		return trib_fail(error, TRIB_CORRUPT, "event", "found alarms of a site that is not there");
	struct site *site = &engine->sites->sites[alarmed->site];

	site->alarms = alarmed->alarms;
	for (size_t i = 0; i < alarmed->n_since; i++)
		site->since_ms[i] = alarmed->since[i];
	return TRIB_OK;
}

bool sites_is_changed_by(Tributary__Event__KindCase kind)
{
	return kind == TRIBUTARY__EVENT__KIND_SITE_ALARMED || kind == TRIBUTARY__EVENT__KIND_SITE_ORDER_PUT;
}

trib_status sites_apply(struct trib_engine *engine, const Tributary__Event *event, uint64_t position,
			struct trib_error *error)
{
	if (event->kind_case == TRIBUTARY__EVENT__KIND_SITE_ORDER_PUT)
		return site_orders_apply(engine, event->site_order_put, position, error);
	return apply_alarms(engine, event->site_alarmed, error);
}

static trib_status load_alarms(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	Tributary__SiteAlarmed *alarmed =
		tributary__site_alarmed__unpack(NULL, value.size, (const uint8_t *)value.data);
	trib_status status = key.size == 4 && alarmed ? apply_alarms(context, alarmed, error) :
							trib_fail(error, TRIB_CORRUPT, "store",
								  "found bytes that are no alarms of a site");

	if (alarmed)
		tributary__site_alarmed__free_unpacked(alarmed, NULL);
	return status;
}

static trib_status load_review(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	struct trib_engine *engine = context;

	if (key.size == 16 &&
	    site_reviews_load(engine->sites->reviews,
			      (struct kept_key){ trib_key_read_u64(key.data), trib_key_read_u64(key.data + 8) }, value))
		return TRIB_OK;
	return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no review of a site's order");
}

/* A creator may have been closed, and the process ended before its pids were released. */
static void look_for_closed(struct trib_engine *engine, const Tributary__Pid *pid)
{
	uint32_t creator = number_of(engine, TRIB_NOUN_PARTY, pid->creator);

	if (creator && trib_domain_party_status(engine->domain, creator, engine->now_ms) == TRIB_WORD_CLOSED)
		number_list_add(&engine->sites->closed, creator);
}

trib_status sites_load(struct trib_engine *engine, struct trib_error *error)
{
	struct sites *sites = engine->sites;

	for (uint32_t number = 1; number <= trib_domain_count(engine->domain, TRIB_NOUN_SITE); number++) {
		const ProtobufCMessage *entity = trib_cold_read(engine->domain, TRIB_NOUN_SITE, number, &sites->arena);

		if (entity)
			note_site(engine, number, (const Tributary__Site *)entity);
		trib_arena_reset(&sites->arena);
	}
	for (uint32_t number = 1; number <= trib_domain_count(engine->domain, TRIB_NOUN_PID); number++) {
		const ProtobufCMessage *entity = trib_cold_read(engine->domain, TRIB_NOUN_PID, number, &sites->arena);

		if (entity) {
			note_pid(engine, number, (const Tributary__Pid *)entity);
			look_for_closed(engine, (const Tributary__Pid *)entity);
		}
		trib_arena_reset(&sites->arena);
	}
	if (sites->count)
		count_goods(engine, 0, NULL);
	trib_status status =
		trib_store_scan(engine->store, TRIB_TABLE_SITE_ALARM, trib_bytes("", 0), load_alarms, engine, error);

	return status == TRIB_OK ? trib_store_scan(engine->store, TRIB_TABLE_SITE_REVIEW, trib_bytes("", 0), load_review,
						   engine, error) :
				   status;
}

/* --- Links --------------------------------------------------------------------------------------------- */

struct trib_bytes trib_engine_link_url(const struct trib_engine *engine)
{
	return trib_buffer_bytes(&engine->sites->url);
}

struct trib_bytes trib_engine_link_pid(const struct trib_engine *engine)
{
	return trib_bytes_text(engine->sites->pid);
}

static trib_status no_pid(struct trib_engine *engine, const struct site *site, struct trib_error *error)
{
	engine->sites->look = true;
	return trib_fail(error, TRIB_NO_PID, "goods", "found no pid of \"%s\" that is free, expected one for this creator: import more",
			 site->id);
}

/* Nobody has to be allowed to: it is the pool's way. */
static trib_status lease(struct trib_engine *engine, uint32_t pid, struct trib_bytes creator, struct trib_bytes channel,
			 struct site_link *link, struct trib_error *error)
{
	const struct trib_actor *actor = trib_domain_actor(engine->domain);
	Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
	const char *led_to;

	request.creator = trib_arena_copy(&engine->arena, creator);
	request.channel = channel.size ? trib_arena_copy(&engine->arena, channel) : NULL;
	trib_domain_set_actor(engine->domain, NULL);
	trib_status status = trib_domain_decide_action(engine->domain, TRIB_NOUN_PID,
						       trib_domain_id(engine->domain, TRIB_NOUN_PID, pid),
						       trib_bytes_text("assign"), &request, engine->now_ms,
						       &engine->arena, &link->lease, &led_to, error);

	trib_domain_set_actor(engine->domain, actor);
	for (uint32_t i = 0; status == TRIB_OK && i < link->lease.event_count; i++)
		link->bytes += trib_event_size(&link->lease.events[i]) + 16;
	return status;
}

/* "<site>-<pid>" */
static struct trib_bytes pid_text(const struct trib_engine *engine, uint32_t pid, const struct site *site)
{
	struct trib_bytes id = trib_domain_id(engine->domain, TRIB_NOUN_PID, pid);
	size_t size = strlen(site->id) + 1;

	return trib_bytes(id.data + size, id.size - size);
}

trib_status sites_link_begin(struct trib_engine *engine, const struct trib_token *token, struct site_link *ret_link,
			     struct trib_error *error)
{
	struct sites *sites = engine->sites;
	const struct trib_names *symbols = trib_domain_symbols(engine->domain);
	const struct trib_goods *goods = trib_domain_goods(engine->domain, token->goods);
	const struct trib_registration *registration = trib_domain_registration(engine->domain, token->registration);

	*ret_link = (struct site_link){ 0 };
	trib_buffer_reset(&sites->url);
	sites->pid[0] = '\0';
	if (TRIB_LIKELY(!sites->count || !goods->site))
		return TRIB_OK;
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_SITE, trib_names_text(symbols, goods->site));
	const struct site *site = &sites->sites[number];
	uint32_t channel = site->by_channel ? token->channel : 0;

	if (!number || !site->active)
		return TRIB_OK;
	ret_link->site = number;
	if (registration->pid) { /* the business line's own */
		ret_link->pid = trib_names_text(symbols, registration->pid);
		return TRIB_OK;
	}
	uint32_t pid = pid_pool_find(sites->pool, number, token->creator, channel);

	if (pid) {
		ret_link->pid = pid_text(engine, pid, site);
		return TRIB_OK;
	}
	pid = pid_pool_next(sites->pool, number, engine->now_ms);
	if (!pid)
		return no_pid(engine, site, error);
	ret_link->pid = pid_text(engine, pid, site);
	return lease(engine, pid, trib_domain_id(engine->domain, TRIB_NOUN_PARTY, token->creator),
		     channel ? trib_names_text(symbols, channel) : trib_bytes("", 0), ret_link, error);
}

/* What the site calls them: `ext` of the goods says it, or what stands behind "<site>-" in their id. */
static void names_at_site(struct trib_engine *engine, uint32_t goods, const struct site *site, struct trib_bytes *ret_goods,
			  struct trib_bytes *ret_shop)
{
	struct trib_bytes id = trib_domain_id(engine->domain, TRIB_NOUN_GOODS, goods);
	struct trib_bytes ext = trib_domain_ext(engine->domain, TRIB_NOUN_GOODS, goods, &engine->arena);
	size_t size = strlen(site->id);
	const struct trib_json *root, *member;
	struct trib_error error;

	*ret_shop = trib_bytes("", 0);
	*ret_goods = id.size > size + 1 && memcmp(id.data, site->id, size) == 0 && id.data[size] == '-' ?
			     trib_bytes(id.data + size + 1, id.size - size - 1) :
			     id;
	if (!ext.size || trib_json_parse(ext, TRIB_LIMIT_JSON_DEPTH, &engine->arena, &root, &error) != TRIB_OK ||
	    root->kind != TRIB_JSON_OBJECT)
		return;
	if ((member = trib_json_member(root, "site_goods")) && member->kind == TRIB_JSON_STRING)
		*ret_goods = member->text;
	if ((member = trib_json_member(root, "site_shop")) && member->kind == TRIB_JSON_STRING)
		*ret_shop = member->text;
}

trib_status sites_link_end(struct trib_engine *engine, const struct trib_token *token, const struct site_link *link,
			   struct trib_bytes text, struct trib_error *error)
{
	struct sites *sites = engine->sites;
	const struct site *site = &sites->sites[link->site];
	struct trib_bytes values[TRIB_SITE_LINK_PLACES];
	char number[24];
	trib_status status = TRIB_OK;

	if (TRIB_LIKELY(!link->site))
		return TRIB_OK;
	names_at_site(engine, token->goods, site, &values[TRIB_SITE_LINK_GOODS], &values[TRIB_SITE_LINK_SHOP]);
	values[TRIB_SITE_LINK_PID] = link->pid;
	values[TRIB_SITE_LINK_CREATOR] = trib_domain_id(engine->domain, TRIB_NOUN_PARTY, token->creator);
	values[TRIB_SITE_LINK_CHANNEL] = trib_names_text(trib_domain_symbols(engine->domain), token->channel);
	values[TRIB_SITE_LINK_LINK] =
		trib_bytes(number, (size_t)snprintf(number, sizeof(number), "%llu", (unsigned long long)token->link));
	values[TRIB_SITE_LINK_TOKEN] = text;
	snprintf(sites->pid, sizeof(sites->pid), TRIB_BYTES_FMT, TRIB_BYTES_ARG(link->pid));
	trib_site_link_write(trib_bytes_text(site->link), values, &sites->url);
	for (uint32_t i = 0; status == TRIB_OK && i < link->lease.event_count; i++)
		status = engine_emit(engine, &link->lease.events[i], error);
	return status;
}

/* --- Alarms -------------------------------------------------------------------------------------------- */

static void move_limits(struct site *site, int64_t now_ms)
{
	for (int i = 0; i < FRESHNESS_LIMITS; i++)
		freshness_limit(&site->freshness, i, now_ms - site->ages_ms[i]);
}

/* The alarms that should stand now. */
static uint32_t alarms_of(struct trib_engine *engine, uint32_t number)
{
	struct site *site = &engine->sites->sites[number];
	struct pid_counts pids = pid_pool_count(engine->sites->pool, number, engine->now_ms);
	uint32_t alarms = 0;

	if (!site->active)
		return 0;
	move_limits(site, engine->now_ms);
	for (int i = 0; i < FRESHNESS_LIMITS; i++)
		if ((uint64_t)freshness_older(&site->freshness, i) * 10000 >
		    (uint64_t)site->stale_bps * site->freshness.total)
			alarms |= 1u << i;
	if (pids.free + pids.resting + pids.leased && pids.free <= site->pids_low)
		alarms |= 1u << SITE_ALARM_PIDS_LOW;
	return alarms;
}

static trib_status tell(struct trib_engine *engine, uint32_t number, int alarm, bool begins, struct trib_error *error)
{
	struct site *site = &engine->sites->sites[number];
	struct pid_counts pids = pid_pool_count(engine->sites->pool, number, engine->now_ms);
	char body[512], entity[96];

	if (alarm == SITE_ALARM_PIDS_LOW)
		snprintf(body, sizeof(body), "{\"site\":\"%s\",\"alarm\":\"%s\",\"pids_free\":%u,\"pids_leased\":%u}", site->id,
			 alarm_words[alarm], pids.free, pids.leased);
	else
		snprintf(body, sizeof(body), "{\"site\":\"%s\",\"alarm\":\"%s\",\"goods\":%u,\"stale\":%u}", site->id,
			 alarm_words[alarm], site->freshness.total, freshness_older(&site->freshness, alarm));
	snprintf(entity, sizeof(entity), "site/%s", site->id);
	const struct engine_effect effect = { .kind = begins ? "site.alarm" : "site.recovered",
					      .body = trib_bytes_text(body),
					      .entity = trib_bytes_text(entity) };

	return engine_outbox_add(engine, &effect, error);
}

/* Effects first: where there is no room for them, nothing has happened yet, and it is tried again. */
static trib_status change_alarms(struct trib_engine *engine, uint32_t number, uint32_t alarms, struct trib_error *error)
{
	struct site *site = &engine->sites->sites[number];
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__SiteAlarmed alarmed = TRIBUTARY__SITE_ALARMED__INIT;
	int64_t since_ms[SITE_ALARMS];
	trib_status status = engine_reserve(engine, outbox_is_used(engine) ? OUTBOX_ROOM_BYTES : EVENT_ROOM, error);

	for (int i = 0; i < SITE_ALARMS; i++) {
		bool stands = alarms >> i & 1, stood = site->alarms >> i & 1;

		since_ms[i] = !stands ? 0 : stood ? site->since_ms[i] : engine->now_ms;
		if (status == TRIB_OK && stands != stood)
			status = tell(engine, number, i, stands, error);
	}
	alarmed.has_site = alarmed.has_alarms = true;
	alarmed.site = number;
	alarmed.alarms = alarms;
	alarmed.n_since = SITE_ALARMS;
	alarmed.since = since_ms;
	event.kind_case = TRIBUTARY__EVENT__KIND_SITE_ALARMED;
	event.site_alarmed = &alarmed;
	if (status == TRIB_OK)
		status = engine_emit(engine, &event, error);
	engine->sites->alarms_told += status == TRIB_OK;
	return status;
}

static void look_at_sites(struct trib_engine *engine)
{
	struct trib_error error;

	for (uint32_t number = 1; number <= engine->sites->count; number++) {
		uint32_t alarms = alarms_of(engine, number);

		if (alarms != engine->sites->sites[number].alarms)
			change_alarms(engine, number, alarms, &error);
	}
}

/* Some of the pids of a creator that is closed. True while there are more. */
static bool release_some(struct trib_engine *engine, uint32_t creator)
{
	struct trib_error error;
	uint32_t pid = 0;

	if (trib_domain_party_status(engine->domain, creator, engine->now_ms) != TRIB_WORD_CLOSED)
		return false;
	for (int i = 0; i < RELEASED_PER_TURN && (pid = pid_pool_of(engine->sites->pool, creator, pid)); i++) {
		trib_arena_reset(&engine->arena);
		people_act(engine, TRIB_NOUN_PID, pid, "release", NULL, &error);
	}
	return pid != 0;
}

static void take_due(struct trib_engine *engine)
{
	struct sites *sites = engine->sites;
	struct deadline due;

	while (deadlines_take(&sites->deadlines, engine->now_ms, &due)) {
		if (due.noun == TRIB_NOUN_PARTY) {
			number_list_add(&sites->closed, due.number);
			continue;
		}
		deadlines_add(&sites->deadlines, (engine->now_ms / MINUTE_MS + 1) * MINUTE_MS, TRIB_NOUN_SITE, 0);
		sites->look = true;
	}
}

void sites_turn(struct trib_engine *engine)
{
	struct sites *sites = engine->sites;
	struct trib_error error;

	if (TRIB_LIKELY(!sites->count) || engine->state != TRIB_ENGINE_RUNNING ||
	    (!sites->look && !sites->closed.count &&
	     !deadlines_due(&sites->deadlines,
			    TRIB_MAX(engine->now_ms, trib_clock_wall_ms(engine->options.clock)))) ||
	    engine_begin(engine, 0, &error) != TRIB_OK)
		return;
	take_due(engine);
	if (sites->closed.count && !release_some(engine, sites->closed.numbers[0]))
		number_list_remove(&sites->closed, sites->closed.numbers[0]);
	if (sites->look) {
		sites->look = false;
		look_at_sites(engine);
	}
	trib_arena_reset(&engine->arena);
	if (sites->closed.count)
		trib_bell_ring(&engine->bell);
}

void sites_freeze(struct trib_engine *engine, site_row_fn *emit, void *context)
{
	for (uint32_t number = 1; number <= engine->sites->count; number++) {
		struct site *site = &engine->sites->sites[number];
		Tributary__SiteAlarmed alarmed = TRIBUTARY__SITE_ALARMED__INIT;
		uint8_t row[128];

		alarmed.has_site = alarmed.has_alarms = true;
		alarmed.site = number;
		alarmed.alarms = site->alarms;
		alarmed.n_since = SITE_ALARMS;
		alarmed.since = site->since_ms;
		trib_assert(tributary__site_alarmed__get_packed_size(&alarmed) <= sizeof(row));
		emit(context, number, trib_bytes((const char *)row, tributary__site_alarmed__pack(&alarmed, row)));
	}
}

/* --- Looking ------------------------------------------------------------------------------------------- */

void sites_add_alarms(const struct trib_engine *engine, struct trib_buffer *json)
{
	unsigned count = 0;

	trib_buffer_add_char(json, '[');
	for (uint32_t number = 1; number <= engine->sites->count; number++)
		for (int i = 0; i < SITE_ALARMS; i++)
			if (engine->sites->sites[number].alarms >> i & 1)
				trib_buffer_add_format(json, "%s\"%s: %s\"", count++ ? "," : "",
						       engine->sites->sites[number].id, alarm_words[i]);
	trib_buffer_add_char(json, ']');
}

uint64_t trib_engine_alarms(const struct trib_engine *engine, struct trib_buffer *json)
{
	sites_add_alarms(engine, json);
	return engine->sites->alarms_told;
}

trib_status call_site_state(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_SITE, call->name);
	struct site *site = &engine->sites->sites[number];
	struct trib_buffer *json = &call->reply;
	unsigned count = 0;

	if (!number)
		return trib_fail(&call->error, TRIB_NOT_FOUND, "id", "found \"%.*s\", expected the id of a known site",
				 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
	engine_begin(engine, 0, &call->error);
	struct pid_counts pids = pid_pool_count(engine->sites->pool, number, engine->now_ms);

	move_limits(site, engine->now_ms);
	trib_buffer_add_format(json, "{\"id\":\"%s\",\"goods\":%u,\"stale_price\":%u,\"stale_stock\":%u,\"stale_status\":%u",
			       site->id, site->freshness.total, freshness_older(&site->freshness, 0),
			       freshness_older(&site->freshness, 1), freshness_older(&site->freshness, 2));
	int64_t oldest_ms = freshness_oldest(&site->freshness);

	if (oldest_ms >= 0)
		trib_buffer_add_format(json, ",\"oldest_seen_at\":%lld", (long long)oldest_ms);
	trib_buffer_add_format(json, ",\"pids_free\":%u,\"pids_resting\":%u,\"pids_leased\":%u,\"pids_unknown\":%u,\"alarms\":[",
			       pids.free, pids.resting, pids.leased, pids.unknown);
	for (int i = 0; i < SITE_ALARMS; i++)
		if (site->alarms >> i & 1)
			trib_buffer_add_format(json, "%s{\"alarm\":\"%s\",\"since\":%lld}", count++ ? "," : "", alarm_words[i],
					       (long long)site->since_ms[i]);
	trib_buffer_add_format(json, "],\"reviews\":%zu}", site_reviews_count(engine->sites->reviews, number));
	return TRIB_OK;
}

static void print_goods(struct trib_engine *engine, uint32_t number, struct trib_buffer *text)
{
	const struct site *site = &engine->sites->sites[number];

	trib_buffer_add_format(text, "tributary_site_goods{site=\"%s\"} %u\n", site->id, site->freshness.total);
}

static void print_stale(struct trib_engine *engine, uint32_t number, struct trib_buffer *text)
{
	struct site *site = &engine->sites->sites[number];
	static const char *const of[] = { "price", "stock", "status" };

	move_limits(site, engine->now_ms);
	for (int i = 0; i < FRESHNESS_LIMITS; i++)
		trib_buffer_add_format(text, "tributary_site_goods_stale{site=\"%s\",of=\"%s\"} %u\n", site->id, of[i],
				       freshness_older(&site->freshness, i));
}

static void print_oldest(struct trib_engine *engine, uint32_t number, struct trib_buffer *text)
{
	struct site *site = &engine->sites->sites[number];
	int64_t oldest_ms = freshness_oldest(&site->freshness);

	if (oldest_ms >= 0)
		trib_buffer_add_format(text, "tributary_site_oldest_seconds{site=\"%s\"} %lld\n", site->id,
				       (long long)(TRIB_MAX(engine->now_ms - oldest_ms, INT64_C(0)) / 1000));
}

static void print_pids(struct trib_engine *engine, uint32_t number, struct trib_buffer *text)
{
	const struct site *site = &engine->sites->sites[number];
	struct pid_counts pids = pid_pool_count(engine->sites->pool, number, engine->now_ms);
	const struct {
		const char *state;
		uint32_t count;
	} rows[] = { { "free", pids.free }, { "resting", pids.resting }, { "leased", pids.leased }, { "unknown", pids.unknown } };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		trib_buffer_add_format(text, "tributary_site_pids{site=\"%s\",state=\"%s\"} %u\n", site->id, rows[i].state,
				       rows[i].count);
}

static void print_reviews(struct trib_engine *engine, uint32_t number, struct trib_buffer *text)
{
	trib_buffer_add_format(text, "tributary_site_reviews{site=\"%s\"} %zu\n", sites_id(engine, number),
			       site_reviews_count(engine->sites->reviews, number));
}

static void print_alarms(struct trib_engine *engine, uint32_t number, struct trib_buffer *text)
{
	const struct site *site = &engine->sites->sites[number];

	for (int i = 0; i < SITE_ALARMS; i++)
		trib_buffer_add_format(text, "tributary_site_alarm{site=\"%s\",alarm=\"%s\"} %u\n", site->id, alarm_words[i],
				       site->alarms >> i & 1);
}

void trib_engine_print_sites(struct trib_engine *engine, struct trib_buffer *text)
{
	static const struct {
		const char *name, *help;
		void (*print)(struct trib_engine *engine, uint32_t number, struct trib_buffer *text);
	} parts[] = {
		{ "goods", "active goods of a third-party site that say when they were seen", print_goods },
		{ "goods_stale", "of these, seen longer ago than the site's limit", print_stale },
		{ "oldest_seconds", "since the goods were seen that were not seen for longest", print_oldest },
		{ "pids", "pids of a third-party site", print_pids },
		{ "reviews", "order lines of a third-party site that somebody should look at", print_reviews },
		{ "alarm", "1 while it stands", print_alarms },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(parts); i++) {
		trib_buffer_add_format(text, "# HELP tributary_site_%s %s\n# TYPE tributary_site_%s gauge\n", parts[i].name,
				       parts[i].help, parts[i].name);
		for (uint32_t number = 1; number <= engine->sites->count; number++)
			parts[i].print(engine, number, text);
	}
}
