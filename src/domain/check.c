/*
 * The validator: what is true of every domain, told by the first sentence that is not. And its
 * digest.
 */
#include "domain/private.h"

#define MUST(condition, sentence)                                                                  \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			*ret_reason = (sentence);                                                  \
			return false;                                                              \
		}                                                                                  \
	} while (0)

static bool check_words(const struct trib_domain *domain, const char **ret_reason)
{
	const struct trib_names *symbols = domain->symbols;

	MUST(trib_names_count(symbols) >= TRIB_WORD_FIRST_FREE - 1, "a shipped word has no code");
#define X(name, code, word, english, chinese)                                                      \
	MUST(trib_bytes_is(trib_names_text(symbols, code), word), "a role is not at its code");
	TRIB_ROLE_TABLE(X)
#undef X
#define X(name, code, word)                                                                        \
	MUST(trib_bytes_is(trib_names_text(symbols, code), word), "a word is not at its code");
	TRIB_OTHER_WORD_TABLE(X)
#undef X
	return true;
}

static bool check_entities(const struct trib_domain *domain, const char **ret_reason)
{
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++) {
		uint32_t count = domain->nouns.count[noun];

		MUST(trib_names_count(domain->ids[noun]) == count,
		     "ids and entities differ in number");
		for (uint32_t i = 1; i <= count; i++) {
			const struct trib_record *record =
				*trib_domain_record_slot(domain, noun, i);

			MUST(record && atomic_load(&record->references) > 0,
			     "an entity has no record");
		}
	}
	return true;
}

static bool check_party(const struct trib_domain *domain, const struct trib_party *party,
			const char **ret_reason)
{
	uint32_t codes = trib_names_count(domain->symbols);
	const struct trib_codes *lists[] = { party->tags, party->roles };

	MUST(party->version > 0, "a party has no version");
	MUST(party->agency <= domain->nouns.count[TRIB_NOUN_PARTY], "an agency does not exist");
	MUST(party->region <= codes, "a region has no code");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(lists); i++)
		for (uint32_t j = 0; lists[i] && j < lists[i]->count; j++)
			MUST(lists[i]->codes[j] >= 1 && lists[i]->codes[j] <= codes,
			     "a tag or role has no code");
	MUST(!(party->flags & TRIB_PARTY_BOUND) || !party->agency, "a party is bound twice");
	return true;
}

static bool lists(const struct trib_plan *plan, uint32_t goods)
{
	for (uint32_t i = 0; i < plan->goods_count; i++)
		if (plan->goods[i] == goods)
			return true;
	return false;
}

static bool check_goods(const struct trib_domain *domain, uint32_t number, const char **ret_reason)
{
	const struct trib_goods *goods = trib_domain_goods(domain, number);
	const struct trib_goods_plan *entries = trib_goods_plans(goods);

	MUST(goods->version > 0, "goods have no version");
	MUST(goods->merchant >= 1 && goods->merchant <= domain->nouns.count[TRIB_NOUN_PARTY],
	     "a merchant does not exist");
	MUST(!goods->plans ||
		     memcmp(&goods->plans[0], &goods->first_plan, sizeof(goods->first_plan)) == 0,
	     "the first plan of goods is not the first");
	for (uint32_t i = 0; i < goods->plan_count; i++) {
		const struct trib_goods_plan *entry = &entries[i];

		MUST(entry->plan >= 1 && entry->plan <= domain->nouns.count[TRIB_NOUN_PLAN],
		     "goods have a plan that does not exist");
		const struct trib_plan *plan = trib_domain_plan(domain, entry->plan);

		MUST(entry->first >= 1 && entry->first <= plan->version_count &&
			     entry->first <= entry->last,
		     "goods have a plan from a version that does not exist");
		MUST(entry->last == UINT32_MAX ? lists(plan, number)
					       : entry->last < plan->version_count,
		     "goods have a plan that does not list them");
	}
	return true;
}

static bool check_steps(const struct trib_plan *plan, const char **ret_reason)
{
	if (plan->version_count == 1) {
		MUST(!plan->steps && !plan->versions, "one version is written down twice");
		return true;
	}
	MUST(plan->step_count >= 1 && plan->step_count <= plan->step_capacity,
	     "a timeline has no step");
	MUST(plan->steps[plan->step_count - 1].version == plan->version_count,
	     "the newest version is not the last step");
	for (uint32_t i = 0; i < plan->step_count; i++) {
		const struct trib_plan_version *version =
			trib_plan_version_find(plan, plan->steps[i].version);

		MUST(version && version->number == plan->steps[i].version,
		     "a version has another number");
		MUST(version->from_ms == plan->steps[i].from_ms,
		     "a step is not at its version's time");
		MUST(i == 0 || (plan->steps[i - 1].from_ms < plan->steps[i].from_ms &&
				plan->steps[i - 1].version < plan->steps[i].version),
		     "steps do not ascend");
	}
	MUST(memcmp(&plan->versions[plan->version_count - 1], &plan->newest,
		    sizeof(plan->newest)) == 0,
	     "the newest version is not the last");
	return true;
}

static bool check_plan(const struct trib_domain *domain, uint32_t number, const char **ret_reason)
{
	const struct trib_plan *plan = trib_domain_plan(domain, number);

	MUST(plan->version_count > 0, "a plan has no version");
	for (uint32_t i = 0; i < plan->goods_count; i++) {
		MUST(i == 0 || plan->goods[i - 1] < plan->goods[i], "a plan's goods do not ascend");
		const struct trib_goods *goods = trib_domain_goods(domain, plan->goods[i]);
		bool known = false;

		for (uint32_t j = 0; j < goods->plan_count; j++)
			known |= trib_goods_plans(goods)[j].plan == number &&
				 trib_goods_plans(goods)[j].last == UINT32_MAX;
		MUST(known, "a plan lists goods that do not know it");
	}
	return check_steps(plan, ret_reason);
}

static bool check_past(const struct trib_domain *domain, uint32_t number, const char **ret_reason)
{
	const struct trib_plan *plan = trib_domain_plan(domain, number);
	const struct trib_plan_past *past = trib_plan_past(domain, number);
	int64_t before_ms = INT64_MIN;

	for (uint32_t i = 0; past && i < past->kept_count; i++) {
		const struct trib_plan_version *version = trib_plan_version(plan, past->kept[i].version);

		MUST(version && version->number < plan->version_count, "a version is kept that is none");
		MUST(version->from_ms > before_ms && version->from_ms < plan->newest.from_ms,
		     "versions that are kept do not ascend to the newest");
		before_ms = version->from_ms;
	}
	return true;
}

static bool check_choices(const struct trib_domain *domain, const char **ret_reason)
{
	MUST(domain->choice_count == domain->nouns.count[TRIB_NOUN_REGISTRATION],
	     "choices and registrations differ in number");
	for (size_t i = 0; i < domain->choice_count; i++) {
		const struct trib_choice *choice = &domain->choices[i];
		const struct trib_registration *registration =
			trib_domain_registration(domain, choice->number);

		MUST(i == 0 || trib_choice_compare(choice - 1, choice) < 0,
		     "choices are not in order");
		MUST(choice->channel == registration->channel &&
			     choice->scene == registration->scene &&
			     choice->priority == registration->priority,
		     "a choice is not what its registration says");
	}
	return true;
}

static bool check_timelines(const struct trib_domain *domain, const char **ret_reason)
{
	MUST(domain->timed.count == domain->timeline_count, "timelines are lost or shared");
	for (size_t i = 0; i < domain->timeline_count; i++) {
		const struct trib_timeline *timeline = &domain->timelines[i];

		MUST(timeline->count > 0, "a timeline is empty");
		for (uint32_t j = 1; j < timeline->count; j++)
			MUST(timeline->rows[j - 1].from_ms < timeline->rows[j].from_ms,
			     "statuses do not ascend");
	}
	return true;
}

static bool check_blocks(const struct trib_domain *domain, const char **ret_reason)
{
	uint32_t listed = 0;

	for (uint32_t i = 1; i <= domain->nouns.count[TRIB_NOUN_BLOCK]; i++) {
		const struct trib_block *block = trib_domain_block(domain, i);
		bool active = block->status == TRIB_WORD_ACTIVE;

		listed += active;
		MUST(!active || block->until_ms <= 0 ||
			     trib_domain_blocked(domain, (enum trib_block_kind)block->kind,
						 block->key, block->until_ms - 1),
		     "a block is not found by its key");
	}
	MUST(listed == domain->blocked.count, "blocks that are closed are listed");
	return true;
}

bool trib_domain_check(const struct trib_domain *domain, const char **ret_reason)
{
	const struct trib_nouns *nouns = &domain->nouns;

	if (!check_words(domain, ret_reason) || !check_entities(domain, ret_reason))
		return false;
	for (uint32_t i = 1; i <= nouns->count[TRIB_NOUN_PARTY]; i++)
		if (!check_party(domain, &nouns->parties[i], ret_reason))
			return false;
	for (uint32_t i = 1; i <= nouns->count[TRIB_NOUN_GOODS]; i++)
		if (!check_goods(domain, i, ret_reason))
			return false;
	for (uint32_t i = 1; i <= nouns->count[TRIB_NOUN_PLAN]; i++)
		if (!check_plan(domain, i, ret_reason) || !check_past(domain, i, ret_reason))
			return false;
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++)
		if (trib_noun_is_cold((enum trib_noun)noun) &&
		    (*ret_reason = trib_cold_broken(domain, (enum trib_noun)noun)))
			return false;
	if ((*ret_reason = trib_recruiting_broken(domain)))
		return false;
	return check_timelines(domain, ret_reason) && check_blocks(domain, ret_reason) &&
	       check_choices(domain, ret_reason);
}

/* ---- Digest ------------------------------------------------------------------------------- */

static void mix(uint64_t *digest, uint64_t value)
{
	*digest = trib_hash_u64(*digest ^ value);
}

/*
 * Of an old version everything but its creators, which stand in a table whose shape is our own
 * business.
 */
static void mix_version(const struct trib_domain *domain, uint64_t *digest,
			const struct trib_plan_version *version)
{
	struct trib_plan_version copy = *version;

	copy.creators = (struct trib_id_set){ .count = version->creators.count };
	copy.creators_when = copy.attributes = 0; /* numbered by the process */
	mix(digest, trib_hash_bytes(trib_bytes(&copy, sizeof(copy))));
	struct trib_plan_attributes attributes = domain->attributes[version->attributes];

	mix(digest, trib_hash_bytes(trib_domain_ext_of_plan(domain, version->attributes)));
	attributes.ext = 0; /* numbered by the process, too */
	mix(digest, trib_hash_bytes(trib_bytes(&attributes, sizeof(attributes))));
}

static void mix_statuses(const struct trib_domain *domain, enum trib_noun noun, uint64_t *digest)
{
	for (uint32_t number = 1; number <= domain->nouns.count[noun]; number++) {
		uint32_t count;
		const struct trib_status_row *rows =
			trib_domain_statuses(domain, noun, number, &count);

		for (uint32_t i = 0; i < count; i++) {
			mix(digest, (uint64_t)rows[i].from_ms);
			mix(digest, (uint64_t)number << 8 | rows[i].status);
			mix(digest, trib_hash_bytes(trib_text(rows[i].reason)));
		}
	}
}

static void mix_bounds(const struct trib_domain *domain, uint64_t *digest)
{
	struct trib_bytes category;
	int32_t low = 0, high = 0;

	for (uint32_t i = 1; i <= trib_domain_bounds_count(domain); i++) {
		bool set = trib_domain_bounds(domain, i, &category, &low, &high);

		mix(digest, trib_hash_bytes(category));
		mix(digest, set ? (uint64_t)low << 16 | (uint64_t)high : UINT64_MAX);
	}
}

uint64_t trib_domain_digest(const struct trib_domain *domain)
{
	uint64_t digest = 0;

	for (uint32_t i = 1; i <= trib_names_count(domain->symbols); i++)
		mix(&digest, trib_hash_bytes(trib_names_text(domain->symbols, i)));
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++) {
		mix(&digest, domain->nouns.count[noun]);
		for (uint32_t i = 1; i <= domain->nouns.count[noun]; i++)
			mix(&digest, trib_hash_bytes(trib_record_bytes(
					     *trib_domain_record_slot(domain, noun, i))));
	}
	mix_statuses(domain, TRIB_NOUN_PARTY, &digest);
	mix_statuses(domain, TRIB_NOUN_GOODS, &digest);
	mix_statuses(domain, TRIB_NOUN_PLAN, &digest);
	mix_bounds(domain, &digest);
	for (uint32_t i = 1; i <= domain->nouns.count[TRIB_NOUN_PLAN]; i++) {
		const struct trib_plan *plan = trib_domain_plan(domain, i);
		const struct trib_plan_past *past = trib_plan_past(domain, i);

		for (uint32_t n = 0; past && n < past->note_count; n++)
			mix(&digest, trib_hash_bytes(trib_record_bytes(past->notes[n])));
		for (uint32_t n = 0; past && n < past->kept_count; n++)
			mix(&digest, past->kept[n].version);
		for (uint32_t version = 1; version <= plan->version_count; version++)
			mix_version(domain, &digest, trib_plan_version(plan, version));
	}
	return digest;
}
