/*
 * The fold: an event becomes state, live and in every replay. What an event says was checked when
 * it was decided; it is checked again here as far as memory safety and the meaning of numbers need
 * it, and before anything changes.
 */
#include "domain/private.h"

trib_status trib_fold_refuse(struct trib_error *error, enum trib_noun noun, uint32_t number,
			     const char *why)
{
	char at[64];

	snprintf(at, sizeof(at), "%s %u", trib_noun_word(noun), number);
	return trib_fail(error, TRIB_CORRUPT, at, "%s", why);
}

uint32_t trib_fold_reference(const struct trib_domain *domain, enum trib_noun noun, const char *id,
			     bool *ret_ok)
{
	if (!id)
		return 0;
	uint32_t number = trib_names_find(domain->ids[noun], trib_text(id));

	if (!number)
		*ret_ok = false;
	return number;
}

uint32_t trib_fold_code(const struct trib_domain *domain, const char *word, bool *ret_ok)
{
	if (!word || !word[0])
		return 0;
	uint32_t code = trib_names_find(domain->symbols, trib_text(word));

	if (!code)
		*ret_ok = false;
	return code;
}

uint32_t trib_version_of(const struct trib_domain *domain, enum trib_noun noun, uint32_t number)
{
	switch (noun) {
	case TRIB_NOUN_PARTY:
		return trib_domain_party(domain, number)->version;
	case TRIB_NOUN_GOODS:
		return trib_domain_goods(domain, number)->version;
	case TRIB_NOUN_PLAN:
		return trib_domain_plan(domain, number)->version_count;
	case TRIB_NOUN_BLOCK:
		return trib_domain_block(domain, number)->version;
	case TRIB_NOUN_REGISTRATION:
		return trib_domain_registration(domain, number)->version;
	default:
		return trib_domain_cold(domain, noun, number)->version;
	}
}

trib_status trib_fold_begin(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
			    uint32_t version, const char *id, struct trib_error *error)
{
	uint32_t count = trib_domain_count(domain, noun);
	/* The store holds the newest version of everything but plans. */
	bool any_version = domain->loading && noun != TRIB_NOUN_PLAN;

	if (!id || !trib_external_id_valid(trib_text(id)))
		return trib_fold_refuse(error, noun, number, "found no valid id, expected one");
	if (number == 0 || number > count + 1 || (any_version && number != count + 1))
		return trib_fold_refuse(
			error, noun, number,
			"found a number out of turn, expected the next or a known one");
	if (trib_names_find(domain->ids[noun], trib_text(id)) != (number <= count ? number : 0))
		return trib_fold_refuse(error, noun, number, "found the id of another number");
	if (version == 0 ||
	    (!any_version &&
	     version != (number <= count ? trib_version_of(domain, noun, number) : 0) + 1))
		return trib_fold_refuse(error, noun, number, "found a version out of turn");
	return TRIB_OK;
}

void trib_note_change(struct trib_domain *domain, uint8_t table, uint32_t number, uint8_t noun,
		      uint32_t version, struct trib_record *record)
{
	TRIB_GROW(domain->changes, domain->change_count, domain->change_capacity);
	domain->changes[domain->change_count++] = (struct trib_change){
		.table = table,
		.noun = noun,
		.number = number,
		.version = version,
		.record = record,
	};
}

void trib_fold_enter(struct trib_domain *domain, enum trib_noun noun, uint32_t number,
		     uint32_t version, const char *id, const ProtobufCMessage *put,
		     struct trib_record *record)
{
	if (number > domain->nouns.count[noun]) {
		uint32_t added = trib_names_add(domain->ids[noun], trib_text(id));

		trib_assert(added == number);
		trib_domain_reserve(domain, noun, number);
		domain->nouns.count[noun] = number;
	}
	struct trib_record **slot = trib_domain_record_slot(domain, noun, number);

	if (record) {
		record = trib_record_ref(record);
	} else {
		record = trib_record_new(protobuf_c_message_get_packed_size(put));
		protobuf_c_message_pack(put, (uint8_t *)record->bytes);
	}
	trib_record_unref(*slot);
	*slot = record;
	if (!domain->loading)
		trib_note_change(domain, (uint8_t)trib_noun_table(noun), number, 0, version,
				 trib_record_ref(record));
}

/* ---- Words -------------------------------------------------------------------------------- */

trib_status trib_fold_name(struct trib_domain *domain, uint32_t code, struct trib_bytes word,
			   struct trib_error *error)
{
	if (word.size == 0 || code != trib_names_count(domain->symbols) + 1 ||
	    trib_names_find(domain->symbols, word))
		return trib_fail(error, TRIB_CORRUPT, "name",
				 "found code %u out of turn or for a known word", code);
	trib_names_add(domain->symbols, word);
	if (!domain->loading) {
		struct trib_record *record = trib_record_new(word.size);

		memcpy(record->bytes, word.data, word.size);
		trib_note_change(domain, TRIB_TABLE_NAME, code, 0, 0, record);
	}
	return TRIB_OK;
}

/* Codes without repeats; NULL for none. */
static struct trib_codes *fold_codes(const struct trib_domain *domain, char **words, size_t count,
				     bool *ret_ok)
{
	if (count == 0)
		return NULL;
	struct trib_codes *list = trib_alloc(sizeof(*list) + count * sizeof(*list->codes));

	list->count = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t code = trib_fold_code(domain, words[i], ret_ok);

		if (code && !trib_codes_has(list, code))
			list->codes[list->count++] = code;
	}
	return list;
}

/* ---- Parties ------------------------------------------------------------------------------ */

/* The buyer accounts that its last PUT said, before the record is replaced. */
static void forget_users(struct trib_domain *domain, uint32_t number)
{
	const struct trib_record *record = *trib_domain_record_slot(domain, TRIB_NOUN_PARTY, number);
	Tributary__PartyPut *put = tributary__party_put__unpack(NULL, record->size,
								(const uint8_t *)record->bytes);

	trib_assert(put);
	for (size_t i = 0; i < put->n_user_hash; i++)
		trib_pairs_remove(&domain->users, put->user_hash[i], number);
	tributary__party_put__free_unpacked(put, NULL);
}

static void enter_party(struct trib_domain *domain, const Tributary__PartyPut *put,
			struct trib_record *record, struct trib_party now,
			struct trib_bindings bindings)
{
	const struct trib_party *before = trib_domain_party(domain, 0);

	if (put->number <= trib_domain_count(domain, TRIB_NOUN_PARTY))
		before = trib_domain_party(domain, put->number);
	if (before->flags & TRIB_PARTY_HAS_USERS)
		forget_users(domain, put->number);
	now.flags = before->flags & TRIB_PARTY_TIMED;
	trib_fold_enter(domain, TRIB_NOUN_PARTY, put->number, put->version, put->party->id,
			&put->base, record);
	struct trib_party *entry =
		(struct trib_party *)domain->columns[TRIB_NOUN_PARTY].data + put->number;

	for (size_t i = 0; i < put->n_user_hash; i++)
		trib_pairs_add(&domain->users, put->user_hash[i], put->number);
	now.flags |= put->n_user_hash ? TRIB_PARTY_HAS_USERS : 0;
	now.flags |= bindings.count ? TRIB_PARTY_BOUND : 0;
	trib_bindings_put(domain, put->number, bindings);
	free((void *)entry->tags);
	free((void *)entry->roles);
	*entry = now;
}

trib_status trib_fold_party(struct trib_domain *domain, const Tributary__PartyPut *put,
			    struct trib_record *record, struct trib_error *error)
{
	const Tributary__Party *party = put->party;
	trib_status status = trib_fold_begin(domain, TRIB_NOUN_PARTY, put->number, put->version,
					     party ? party->id : NULL, error);
	struct trib_bindings bindings = { 0 };
	bool known = true, agency_known = true;

	if (status != TRIB_OK)
		return status;
	struct trib_party now = {
		.level = TRIB_STATED(party, level),
		.score = TRIB_STATED(party, score),
		.followers = TRIB_STATED(party, followers),
		.deposit = TRIB_STATED(party, deposit),
		.agency =
			trib_fold_reference(domain, TRIB_NOUN_PARTY, party->agency, &agency_known),
		.region = trib_fold_code(domain, party->region, &known),
		.version = put->version,
		.status = trib_word_of_status(TRIB_NOUN_PARTY, party->status),
		.since_day = (uint16_t)TRIB_STATED(put, since_day),
	};
	TRIB_AUTOFREE struct trib_codes *tags =
		fold_codes(domain, party->tags, party->n_tags, &known);
	TRIB_AUTOFREE struct trib_codes *roles =
		fold_codes(domain, party->roles, party->n_roles, &known);

	if (known && now.status)
		agency_known &= trib_bindings_read(domain, party, &bindings);
	if (!known || !now.status || (!agency_known && !domain->loading)) {
		free(bindings.rows);
		return trib_fold_refuse(error, TRIB_NOUN_PARTY, put->number,
					"found a word or an agency that is not known");
	}
	now.tags = TRIB_TAKE_PTR(tags);
	now.roles = TRIB_TAKE_PTR(roles);
	enter_party(domain, put, record, now, bindings);
	if (!agency_known) { /* comes later in the table */
		TRIB_GROW(domain->pending, domain->pending_count, domain->pending_capacity);
		domain->pending[domain->pending_count++] = (struct trib_pending_agency){
			put->number,
			trib_record_ref(
				*trib_domain_record_slot(domain, TRIB_NOUN_PARTY, put->number)),
		};
	}
	return TRIB_OK;
}

/* ---- Goods -------------------------------------------------------------------------------- */

trib_status trib_fold_goods(struct trib_domain *domain, const Tributary__GoodsPut *put,
			    struct trib_record *record, struct trib_error *error)
{
	const Tributary__Goods *goods = put->goods;
	trib_status status = trib_fold_begin(domain, TRIB_NOUN_GOODS, put->number, put->version,
					     goods ? goods->id : NULL, error);
	bool known = true;

	if (status != TRIB_OK)
		return status;
	struct trib_goods now = {
		.price = TRIB_STATED(goods, price),
		.merchant = trib_fold_reference(domain, TRIB_NOUN_PARTY, goods->merchant, &known),
		.category = trib_fold_code(domain, goods->category, &known),
		.brand = trib_fold_code(domain, goods->brand, &known),
		.site = trib_fold_code(domain, goods->site, &known),
		.currency = goods->currency ? trib_fold_code(domain, goods->currency, &known)
					    : TRIB_WORD_CNY,
		.version = put->version,
		.status = trib_word_of_status(TRIB_NOUN_GOODS, goods->status),
		.promoted = TRIB_STATED(goods, promoted),
	};

	if (!known || !now.status || !now.merchant)
		return trib_fold_refuse(error, TRIB_NOUN_GOODS, put->number,
					"found a word or a merchant that is not known");
	trib_fold_enter(domain, TRIB_NOUN_GOODS, put->number, put->version, goods->id, &put->base,
			record);
	struct trib_goods *entry =
		(struct trib_goods *)domain->columns[TRIB_NOUN_GOODS].data + put->number;

	now.plans = entry->plans;
	now.first_plan = entry->first_plan;
	now.plan_count = entry->plan_count;
	now.timed = entry->timed;
	now.audience = entry->audience;
	*entry = now;
	return TRIB_OK;
}

/* ---- Registrations ------------------------------------------------------------------------ */

static void choice_put(struct trib_domain *domain, uint32_t number,
		       const struct trib_registration *registration, bool known)
{
	struct trib_choice choice = { registration->channel, registration->priority, number,
				      registration->scene };
	size_t i = 0;

	if (known) {
		while (domain->choices[i].number != number)
			i++;
		domain->choice_count--;
		memmove(&domain->choices[i], &domain->choices[i + 1],
			(domain->choice_count - i) * sizeof(choice));
	}
	TRIB_GROW(domain->choices, domain->choice_count, domain->choice_capacity);
	i = domain->choice_count++;
	/* Rows from the store are sorted once, when all are there. */
	for (;
	     !domain->loading && i > 0 && trib_choice_compare(&domain->choices[i - 1], &choice) > 0;
	     i--)
		domain->choices[i] = domain->choices[i - 1];
	domain->choices[i] = choice;
}

trib_status trib_fold_registration(struct trib_domain *domain,
				   const Tributary__RegistrationPut *put,
				   struct trib_record *record, struct trib_error *error)
{
	const Tributary__Registration *registration = put->registration;
	trib_status status =
		trib_fold_begin(domain, TRIB_NOUN_REGISTRATION, put->number, put->version,
				registration ? registration->id : NULL, error);
	bool known = true;
	struct trib_registration now = { .version = put->version };

	if (status != TRIB_OK)
		return status;
	now.channel = trib_fold_code(domain, registration->channel, &known);
	now.scene = trib_fold_code(domain, registration->scene, &known);
	now.pid = trib_fold_code(domain, registration->pid, &known);
	now.priority = TRIB_STATED(registration, priority);
	now.ext_overflow = trib_word_of_overflow(registration->ext_overflow);
	now.status = trib_word_of_status(TRIB_NOUN_REGISTRATION, registration->status);
	if (!known || !now.channel || !now.ext_overflow || !now.status)
		return trib_fold_refuse(error, TRIB_NOUN_REGISTRATION, put->number,
					"found a word that is not known");
	if (!trib_precedence_read(registration, &now.precedence, &now.ranked))
		return trib_fold_refuse(error, TRIB_NOUN_REGISTRATION, put->number,
					"found a precedence of no known words");
	status = trib_duration_parse(
		trib_text(registration->token_ttl ? registration->token_ttl : "30d"), "token_ttl",
		&now.token_ttl_ms, error);
	if (status != TRIB_OK)
		return trib_fold_refuse(error, TRIB_NOUN_REGISTRATION, put->number,
					"found a token_ttl that is no duration");
	if (registration->when && registration->when[0])
		now.when = trib_names_add(domain->conditions, trib_text(registration->when));
	now.play = trib_domain_name_play(domain, trib_text(registration->play ? registration->play : ""));
	bool old = put->number <= trib_domain_count(domain, TRIB_NOUN_REGISTRATION);

	trib_fold_enter(domain, TRIB_NOUN_REGISTRATION, put->number, put->version, registration->id,
			&put->base, record);
	((struct trib_registration *)domain->columns[TRIB_NOUN_REGISTRATION].data)[put->number] =
		now;
	choice_put(domain, put->number, &now, old);
	return TRIB_OK;
}

/* ---- All of them -------------------------------------------------------------------------- */

trib_status trib_domain_apply(struct trib_domain *domain, const Tributary__Event *event,
			      struct trib_error *error)
{
	trib_status status;

	switch (event->kind_case) {
	case TRIBUTARY__EVENT__KIND_PARTY_PUT:
		return trib_fold_party(domain, event->party_put, NULL, error);
	case TRIBUTARY__EVENT__KIND_GOODS_PUT:
		return trib_fold_goods(domain, event->goods_put, NULL, error);
	case TRIBUTARY__EVENT__KIND_PLAN_PUT:
		return trib_fold_plan(domain, event->plan_put, NULL, error);
	case TRIBUTARY__EVENT__KIND_REGISTRATION_PUT:
		return trib_fold_registration(domain, event->registration_put, NULL, error);
	case TRIBUTARY__EVENT__KIND_BLOCK_PUT:
		return trib_fold_block(domain, event->block_put, NULL, error);
	case TRIBUTARY__EVENT__KIND_STATUS_SET:
		return trib_fold_status(domain, event->status_set, error);
	case TRIBUTARY__EVENT__KIND_BOUNDS_SET:
		return trib_fold_bounds(domain, event->bounds_set, error);
	case TRIBUTARY__EVENT__KIND_NAME_ADDED:
		return trib_fold_name(domain, event->name_added->number,
				      event->name_added->text ? trib_text(event->name_added->text)
							      : trib_bytes(NULL, 0),
				      error);
	default:
		return trib_cold_apply(domain, event, &status, error) ? status : TRIB_OK;
	}
}
