/*
 * Sites and their pids as nouns: what a PUT must say, and what actions do to a pid. docs/sites.md says what people see.
 *
 *	free ──assign──► leased ──release──► free, at rest until free_at
 *	unknown ─┘ (an order bears it)
 *
 * Whose an order is, its time says: the newest lease that had begun by then. A lease that was inserted into the past
 * moves none that began later.
 */
#include "base/limits.h"
#include "domain/cold.h"
#include "domain/private.h"
#include "domain/site.h"
#include "expr/expr.h"

enum { SITE_ID_BYTES_MAX = 16 };

/* ---- Sites -------------------------------------------------------------------------------- */

static trib_status check_age(struct trib_cold *cold, const char *text, const char *at)
{
	int64_t ms;

	return text ? trib_duration_parse(trib_bytes_text(text), at, &ms, cold->error) : TRIB_OK;
}

/* It stands in front of ids of goods and pids, with a '-' behind it. */
static bool is_site_name(const char *id)
{
	size_t size = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

	return id[size] == '\0' && size <= SITE_ID_BYTES_MAX;
}

trib_status trib_check_site(struct trib_cold *cold)
{
	Tributary__Site *site = (Tributary__Site *)cold->entity;
	const char *name = site->adapter ? site->adapter : site->id;
	const struct trib_site_adapter *adapter = trib_site_adapter_find(name);

	if (!cold->before && trib_domain_count(cold->domain, TRIB_NOUN_SITE) >= TRIB_LIMIT_SITES)
		return trib_fail(cold->error, TRIB_LIMIT, "id", "found one more, expected at most %d sites", TRIB_LIMIT_SITES);
	if (!is_site_name(site->id))
		return trib_fail(cold->error, TRIB_INVALID, "id",
				 "found \"%.64s\", expected at most %d letters, digits, '_' and '.'", site->id, SITE_ID_BYTES_MAX);
	if (!adapter)
		return trib_fail(cold->error, TRIB_INVALID, "adapter", "found \"%.64s\", expected one of %s", name,
				 trib_site_adapter_names());
	site->adapter = (char *)trib_site_adapter_name(adapter);
	if (!site->link)
		site->link = (char *)trib_site_adapter_link(adapter);
	if (!site->has_stale_bps) {
		site->has_stale_bps = true;
		site->stale_bps = TRIB_SITE_STALE_BPS;
	}
	TRY(trib_site_link_check(trib_bytes_text(site->link), "link", cold->error));
	TRY(check_age(cold, site->pid_rest, "pid_rest"));
	TRY(check_age(cold, site->price_age, "price_age"));
	TRY(check_age(cold, site->stock_age, "stock_age"));
	return check_age(cold, site->status_age, "status_age");
}

/* ---- Pids --------------------------------------------------------------------------------- */

static Tributary__Pid *of(struct trib_cold *cold)
{
	return (Tributary__Pid *)cold->entity;
}

static const Tributary__Site *site_of(struct trib_cold *cold)
{
	uint32_t number = of(cold)->site ?
				  trib_domain_find(cold->domain, TRIB_NOUN_SITE, trib_bytes_text(of(cold)->site)) :
				  0;

	return (const Tributary__Site *)trib_cold_read(cold->domain, TRIB_NOUN_SITE, number, cold->arena);
}

/* What a PUT cannot say: it stays as it was. */
static void carry(Tributary__Pid *pid, const Tributary__Pid *before)
{
	pid->creator = before->creator;
	pid->channel = before->channel;
	pid->has_free_at = before->has_free_at;
	pid->free_at = before->free_at;
	pid->n_leases = before->n_leases;
	pid->leases = before->leases;
}

/* "<site>-<pid>" */
static trib_status check_name(struct trib_cold *cold, const Tributary__Site *site)
{
	Tributary__Pid *pid = of(cold);
	size_t size = strlen(pid->site);
	const char *behind = pid->id + size + 1, *expected;

	if (strncmp(pid->id, pid->site, size) != 0 || pid->id[size] != '-' || !*behind)
		return trib_fail(cold->error, TRIB_INVALID, "id", "found \"%.64s\", expected \"%.64s-<pid>\"", pid->id,
				 pid->site);
	if (pid->pid && strcmp(pid->pid, behind) != 0)
		return trib_fail(cold->error, TRIB_INVALID, "pid", "found \"%.64s\", expected \"%.64s\" as the id says",
				 pid->pid, behind);
	pid->pid = (char *)behind;
	expected = trib_site_pid_expected(trib_site_adapter_find(site->adapter), trib_bytes_text(behind));
	return expected ? trib_fail(cold->error, TRIB_INVALID, "pid", "found \"%.64s\", expected %s", behind, expected) :
			  TRIB_OK;
}

/* Its last lease is over, and it rests. */
static trib_status end_lease(struct trib_cold *cold)
{
	Tributary__Pid *pid = of(cold);
	const Tributary__Site *site = site_of(cold);
	int64_t rest_ms = 0;

	if (!site)
		return trib_cold_no_memory(cold);
	TRY(trib_duration_parse(trib_bytes_text(site->pid_rest ? site->pid_rest : "30d"), "pid_rest", &rest_ms,
				cold->error));
	if (!pid->creator)
		return TRIB_OK;
	/* The list is borrowed: a copy of it, and of its last. */
	Tributary__PidLease **leases = trib_arena_alloc(cold->arena, pid->n_leases * sizeof(*leases));
	Tributary__PidLease *last = trib_arena_alloc(cold->arena, sizeof(*last));

	if (!leases || !last)
		return trib_cold_no_memory(cold);
	memcpy(leases, pid->leases, pid->n_leases * sizeof(*leases));
	*last = *leases[pid->n_leases - 1];
	last->has_to = true;
	last->to = cold->now_ms;
	leases[pid->n_leases - 1] = last;
	pid->leases = leases;
	pid->creator = pid->channel = NULL;
	pid->has_free_at = true;
	pid->free_at = cold->now_ms + rest_ms;
	return TRIB_OK;
}

trib_status trib_check_pid(struct trib_cold *cold)
{
	const Tributary__Pid *before = (const Tributary__Pid *)cold->before;
	const Tributary__Site *site;

	TRY(trib_cold_need_stated(cold, of(cold)->site, "site"));
	TRY(trib_cold_need_known(cold, TRIB_NOUN_SITE, of(cold)->site, "site"));
	if (trib_bytes_is(cold->action, "delete"))
		return end_lease(cold);
	if (cold->action.size)
		return TRIB_OK;
	if (before)
		carry(of(cold), before);
	site = site_of(cold);
	return site ? check_name(cold, site) : trib_cold_no_memory(cold);
}

static bool is_same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Inserted by its time; in the place of one that began then. Beyond the limit the oldest goes. */
static trib_status add_lease(struct trib_cold *cold, Tributary__PidLease *lease)
{
	Tributary__Pid *pid = of(cold);
	Tributary__PidLease **leases = trib_arena_alloc(cold->arena, (pid->n_leases + 1) * sizeof(*leases));
	size_t count = 0, i = 0;

	if (!leases)
		return trib_cold_no_memory(cold);
	for (; i < pid->n_leases && pid->leases[i]->from < lease->from; i++)
		leases[count++] = pid->leases[i];
	leases[count++] = lease;
	i += i < pid->n_leases && pid->leases[i]->from == lease->from;
	for (; i < pid->n_leases; i++)
		leases[count++] = pid->leases[i];
	size_t over = count > TRIB_LIMIT_PID_LEASES ? count - TRIB_LIMIT_PID_LEASES : 0;

	pid->leases = leases + over;
	pid->n_leases = count - over;
	return TRIB_OK;
}

trib_status trib_assign_pid(struct trib_cold *cold)
{
	const Tributary__ActionRequest *request = cold->request;
	Tributary__PidLease *lease = trib_arena_alloc(cold->arena, sizeof(*lease));
	Tributary__Pid *pid = of(cold);
	bool unknown = strcmp(cold->from, "unknown") == 0;

	if (!lease)
		return trib_cold_no_memory(cold);
	TRY(trib_cold_need_party(cold, request ? request->creator : NULL, "creator"));
	if (request->has_at && request->at > cold->now_ms)
		return trib_fail(cold->error, TRIB_INVALID, "at", "found a time to come, expected one that is past");
	if (request->channel && !trib_domain_find_code(cold->domain, trib_bytes_text(request->channel)))
		return trib_fail(cold->error, TRIB_INVALID, "channel", "found \"%.64s\", expected the channel of a registration",
				 request->channel);
	*lease = (Tributary__PidLease)TRIBUTARY__PID_LEASE__INIT;
	lease->creator = request->creator;
	lease->channel = request->channel;
	lease->has_from = true;
	lease->from = request->has_at ? request->at : unknown ? 0 : cold->now_ms;
	if (pid->creator && is_same(pid->creator, lease->creator) && is_same(pid->channel, lease->channel) &&
	    pid->leases[pid->n_leases - 1]->from <= lease->from)
		return trib_fail(cold->error, TRIB_REFUSED, "creator", "found \"%.64s\", expected another: it is that creator's",
				 lease->creator);
	TRY(add_lease(cold, lease));
	const Tributary__PidLease *last = pid->leases[pid->n_leases - 1];

	if (last->has_to) { /* what was inserted is over already */
		cold->to = trib_life_status(TRIB_NOUN_PID, "free");
		return TRIB_OK;
	}
	pid->creator = last->creator;
	pid->channel = last->channel;
	pid->has_free_at = false;
	pid->free_at = 0;
	return TRIB_OK;
}

trib_status trib_release_pid(struct trib_cold *cold)
{
	return end_lease(cold);
}

const Tributary__PidLease *trib_pid_lease_at(const Tributary__Pid *pid, int64_t at_ms)
{
	const Tributary__PidLease *found = NULL;

	for (size_t i = 0; i < pid->n_leases && pid->leases[i]->from <= at_ms; i++)
		found = pid->leases[i];
	return found;
}
