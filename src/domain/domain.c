/* The life of a domain, ids and words, lists. */
#include "domain/private.h"

#include <sodium.h>

static const size_t entry_size[TRIB_NOUN_COUNT] = {
	[TRIB_NOUN_PARTY] = sizeof(struct trib_party),
	[TRIB_NOUN_GOODS] = sizeof(struct trib_goods),
	[TRIB_NOUN_PLAN] = sizeof(struct trib_plan),
	[TRIB_NOUN_REGISTRATION] = sizeof(struct trib_registration),
	[TRIB_NOUN_BLOCK] = sizeof(struct trib_block),
#define X(name, Type, field) [TRIB_NOUN_##name] = sizeof(struct trib_cold_entry),
	TRIB_COLD_NOUN_TABLE(X)
#undef X
};

const char *trib_noun_word(enum trib_noun noun)
{
	static const char *const words[] = {
#define X(name, number, word, plural, table) [number] = word,
		TRIB_NOUN_TABLE(X)
#undef X
	};

	return words[noun];
}

const char *trib_noun_plural(enum trib_noun noun)
{
	static const char *const plurals[] = {
#define X(name, number, word, plural, table) [number] = plural,
		TRIB_NOUN_TABLE(X)
#undef X
	};

	return plurals[noun];
}

enum trib_table trib_noun_table(enum trib_noun noun)
{
	static const uint8_t tables[] = {
#define X(name, number, word, plural, table) [number] = table,
		TRIB_NOUN_TABLE(X)
#undef X
	};

	return (enum trib_table)tables[noun];
}

bool trib_noun_find(struct trib_bytes text, enum trib_noun *ret_noun)
{
#define X(name, number, word, plural, table)                                                       \
	if (trib_bytes_is(text, plural)) {                                                         \
		*ret_noun = TRIB_NOUN_##name;                                                      \
		return true;                                                                       \
	}
	TRIB_NOUN_TABLE(X)
#undef X
	return false;
}

const ProtobufCMessageDescriptor *trib_noun_descriptor(enum trib_noun noun)
{
	static const ProtobufCMessageDescriptor *const descriptors[] = {
		[TRIB_NOUN_PARTY] = &tributary__party__descriptor,
		[TRIB_NOUN_GOODS] = &tributary__goods__descriptor,
		[TRIB_NOUN_PLAN] = &tributary__plan__descriptor,
		[TRIB_NOUN_REGISTRATION] = &tributary__registration__descriptor,
		[TRIB_NOUN_BLOCK] = &tributary__block__descriptor,
#define X(name, Type, field) [TRIB_NOUN_##name] = &tributary__##field##__descriptor,
		TRIB_COLD_NOUN_TABLE(X)
#undef X
	};

	return descriptors[noun];
}

const ProtobufCMessageDescriptor *trib_put_descriptor(enum trib_noun noun)
{
	static const ProtobufCMessageDescriptor *const descriptors[] = {
		[TRIB_NOUN_PARTY] = &tributary__party_put__descriptor,
		[TRIB_NOUN_GOODS] = &tributary__goods_put__descriptor,
		[TRIB_NOUN_PLAN] = &tributary__plan_put__descriptor,
		[TRIB_NOUN_REGISTRATION] = &tributary__registration_put__descriptor,
		[TRIB_NOUN_BLOCK] = &tributary__block_put__descriptor,
#define X(name, Type, field) [TRIB_NOUN_##name] = &tributary__##field##_put__descriptor,
		TRIB_COLD_NOUN_TABLE(X)
#undef X
	};

	return descriptors[noun];
}

/* ---- Life --------------------------------------------------------------------------------- */

/* Room for entries 0 to `number`; points the public view at them. */
void trib_domain_reserve(struct trib_domain *domain, enum trib_noun noun, uint32_t number)
{
	if (!entry_size[noun])
		return; /* a number that no noun has */
	trib_column_reserve(&domain->columns[noun], ((size_t)number + 1) * entry_size[noun]);
	trib_column_reserve(&domain->records[noun],
			    ((size_t)number + 1) * sizeof(struct trib_record *));
	domain->nouns.parties = domain->columns[TRIB_NOUN_PARTY].data;
	domain->nouns.goods = domain->columns[TRIB_NOUN_GOODS].data;
	domain->nouns.plans = domain->columns[TRIB_NOUN_PLAN].data;
	domain->nouns.registrations = domain->columns[TRIB_NOUN_REGISTRATION].data;
	domain->nouns.blocks = domain->columns[TRIB_NOUN_BLOCK].data;
}

struct trib_domain *trib_domain_new(const struct trib_hash_key *table_key)
{
	struct trib_domain *domain = trib_alloc_zeroed(1, sizeof(*domain));

	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++) {
		domain->ids[noun] = trib_names_new(table_key);
		trib_domain_reserve(domain, noun, 0);
	}
	domain->table_key = *table_key;
	domain->symbols = trib_names_new(table_key);
	domain->plays = trib_names_new(table_key);
	domain->bounded = trib_names_new(table_key);
	domain->conditions = trib_names_new(table_key);
	domain->exts = trib_names_new(table_key);
	domain->attributes = trib_alloc_zeroed(1, sizeof(*domain->attributes));
	domain->attribute_count = domain->attribute_capacity = 1;
	trib_words_seed(domain->symbols);
	trib_arena_init(&domain->sets, SIZE_MAX);
	trib_arena_init(&domain->unpacked, SIZE_MAX);
	return domain;
}

static void free_entries(struct trib_domain *domain)
{
	const struct trib_nouns *nouns = &domain->nouns;

	for (uint32_t i = 1; i <= nouns->count[TRIB_NOUN_PARTY]; i++) {
		free((void *)nouns->parties[i].tags);
		free((void *)nouns->parties[i].roles);
	}
	for (uint32_t i = 1; i <= nouns->count[TRIB_NOUN_GOODS]; i++)
		free((void *)nouns->goods[i].plans);
	for (uint32_t i = 1; i <= nouns->count[TRIB_NOUN_PLAN]; i++) {
		free((void *)nouns->plans[i].versions);
		free((void *)nouns->plans[i].steps);
		free((void *)nouns->plans[i].goods);
	}
}

void trib_domain_free(struct trib_domain *domain)
{
	if (!domain)
		return;
	free_entries(domain);
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++) {
		for (uint32_t i = 1; i <= domain->nouns.count[noun]; i++)
			trib_record_unref(*trib_domain_record_slot(domain, noun, i));
		trib_column_fini(&domain->columns[noun]);
		trib_column_fini(&domain->records[noun]);
		trib_names_free(domain->ids[noun]);
	}
	for (size_t i = 0; i < domain->change_count; i++)
		trib_record_unref(domain->changes[i].record);
	for (size_t i = 0; i < domain->pending_count; i++)
		trib_record_unref(domain->pending[i].record);
	free(domain->changes);
	free(domain->pending);
	free(domain->choices);
	free(domain->attributes);
	free(domain->bounds);
	trib_names_free(domain->bounded);
	trib_recruiting_fini(&domain->recruiting);
	trib_timelines_fini(domain);
	trib_audiences_fini(domain);
	trib_plan_pasts_fini(domain);
	trib_pairs_fini(&domain->blocked);
	trib_bindings_fini(domain);
	trib_pairs_fini(&domain->users);
	free(domain->scratch[0]);
	free(domain->scratch[1]);
	trib_names_free(domain->symbols);
	trib_names_free(domain->plays);
	trib_names_free(domain->conditions);
	trib_names_free(domain->exts);
	trib_arena_fini(&domain->sets);
	trib_arena_fini(&domain->unpacked);
	free(domain);
}

void trib_domain_set_hooks(struct trib_domain *domain, const struct trib_domain_hooks *hooks)
{
	domain->hooks = *hooks;
}

void trib_domain_set_actor(struct trib_domain *domain, const struct trib_actor *actor)
{
	domain->actor = actor;
}

const struct trib_actor *trib_domain_actor(const struct trib_domain *domain)
{
	static const struct trib_actor engine = { .role = TRIB_ACCESS_ENGINE };

	return domain->actor ? domain->actor : &engine;
}

/* ---- Ids and words ------------------------------------------------------------------------ */

const struct trib_names *trib_domain_ids(const struct trib_domain *domain, enum trib_noun noun)
{
	return domain->ids[noun];
}

uint32_t trib_domain_find(const struct trib_domain *domain, enum trib_noun noun,
			  struct trib_bytes id)
{
	return trib_names_find(domain->ids[noun], id);
}

struct trib_bytes trib_domain_id(const struct trib_domain *domain, enum trib_noun noun,
				 uint32_t number)
{
	return trib_names_text(domain->ids[noun], number);
}

const struct trib_names *trib_domain_symbols(const struct trib_domain *domain)
{
	return domain->symbols;
}

const struct trib_names *trib_domain_plays(const struct trib_domain *domain)
{
	return domain->plays;
}

uint32_t trib_domain_name_play(struct trib_domain *domain, struct trib_bytes name)
{
	return name.size ? trib_names_add(domain->plays, name) : 0;
}

uint32_t trib_domain_find_code(const struct trib_domain *domain, struct trib_bytes word)
{
	return trib_names_find(domain->symbols, word);
}

struct trib_bytes trib_domain_condition(const struct trib_domain *domain, uint32_t condition)
{
	return trib_names_text(domain->conditions, condition);
}

uint32_t trib_domain_condition_count(const struct trib_domain *domain)
{
	return trib_names_count(domain->conditions);
}

uint32_t trib_domain_find_condition(const struct trib_domain *domain, struct trib_bytes source)
{
	return trib_names_find(domain->conditions, source);
}

uint32_t trib_domain_party_of_user(const struct trib_domain *domain, uint64_t user_hash)
{
	return trib_pairs_first(&domain->users, user_hash);
}

bool trib_domain_party_has_user(const struct trib_domain *domain, uint32_t party,
				uint64_t user_hash)
{
	return trib_pairs_has(&domain->users, user_hash, party);
}

/* ---- Registrations ------------------------------------------------------------------------ */

int trib_choice_compare(const void *a, const void *b)
{
	const struct trib_choice *left = a, *right = b;

	if (left->channel != right->channel)
		return left->channel < right->channel ? -1 : 1;
	if (left->priority != right->priority)
		return left->priority > right->priority ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

void trib_choices_sort(struct trib_domain *domain)
{
	if (domain->choice_count)
		qsort(domain->choices, domain->choice_count, sizeof(*domain->choices),
		      trib_choice_compare);
}

uint32_t trib_domain_choose_registration(const struct trib_domain *domain, uint32_t channel,
					 uint32_t scene,
					 bool (*when)(void *context, uint32_t registration),
					 void *context)
{
	const struct trib_choice *choices = domain->choices;
	size_t low = 0, high = domain->choice_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (choices[middle].channel < channel)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i < domain->choice_count && choices[i].channel == channel; i++) {
		const struct trib_registration *registration =
			trib_domain_registration(domain, choices[i].number);

		if (registration->status != TRIB_WORD_ACTIVE ||
		    (scene && choices[i].scene != scene))
			continue;
		if (!registration->when || (when && when(context, choices[i].number)))
			return choices[i].number;
	}
	return 0;
}

/* ---- Whole entities and lists ------------------------------------------------------------- */

struct trib_record *trib_domain_record(const struct trib_domain *domain, enum trib_noun noun,
				       uint32_t number)
{
	if (number == 0 || number > trib_domain_count(domain, noun))
		return NULL;
	return trib_record_ref(*trib_domain_record_slot(domain, noun, number));
}

/* A cursor is the base64 of: its format, the noun, the number that the page before ended with. */
enum { CURSOR_FORMAT = 1, CURSOR_BYTES = 6 };

static void cursor_write(enum trib_noun noun, uint32_t number, char ret_text[TRIB_CURSOR_CHARS])
{
	unsigned char bytes[CURSOR_BYTES] = { CURSOR_FORMAT, (unsigned char)noun };

	trib_key_u32((char *)bytes + 2, number);
	sodium_bin2base64(ret_text, TRIB_CURSOR_CHARS, bytes, sizeof(bytes),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static trib_status cursor_read(enum trib_noun noun, struct trib_bytes cursor, uint32_t *ret_number,
			       struct trib_error *error)
{
	unsigned char bytes[CURSOR_BYTES];
	size_t size;

	if (cursor.size == 0) {
		*ret_number = 0;
		return TRIB_OK;
	}
	if (sodium_base642bin(bytes, sizeof(bytes), cursor.data, cursor.size, NULL, &size, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    size != CURSOR_BYTES || bytes[0] != CURSOR_FORMAT || bytes[1] != noun)
		return trib_fail(error, TRIB_INVALID, "cursor",
				 "found one that is not ours, expected a next_cursor of this list");
	*ret_number = trib_key_read_u32((char *)bytes + 2);
	return TRIB_OK;
}

trib_status trib_domain_list(const struct trib_domain *domain, enum trib_noun noun,
			     struct trib_bytes cursor, uint32_t limit,
			     struct trib_record **ret_records, uint32_t *ret_count,
			     char ret_next[TRIB_CURSOR_CHARS], struct trib_error *error)
{
	uint32_t after = 0, filled = 0, count = trib_domain_count(domain, noun);
	trib_status status = cursor_read(noun, cursor, &after, error);

	if (status != TRIB_OK)
		return status;
	while (filled < limit && after < count)
		ret_records[filled++] = trib_domain_record(domain, noun, ++after);
	*ret_count = filled;
	ret_next[0] = '\0';
	if (after < count)
		cursor_write(noun, after, ret_next);
	return TRIB_OK;
}
