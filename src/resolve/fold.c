#include "resolve/fold.h"

const enum trib_table trib_market_tables[] = {
	TRIB_TABLE_PLAY,  TRIB_TABLE_PLAY_ACTIVATION,
	TRIB_TABLE_NAME,  TRIB_TABLE_PARTY, TRIB_TABLE_GOODS,	   TRIB_TABLE_PLAN,
	TRIB_TABLE_REGISTRATION, TRIB_TABLE_BLOCK, TRIB_TABLE_STATUS, TRIB_TABLE_BOUNDS,
	TRIB_TABLE_RULES, TRIB_TABLE_ACTIVATION,
};
const size_t trib_market_tables_count = TRIB_ARRAY_SIZE(trib_market_tables);

bool trib_market_table_is_rules(enum trib_table table)
{
	return table == TRIB_TABLE_RULES || table == TRIB_TABLE_ACTIVATION;
}

/* --- Rows --------------------------------------------------------------------------------------------- */

static trib_status load_rules(struct trib_rules *rules, struct trib_bytes value, struct trib_error *error)
{
	Tributary__RulesPut *put = tributary__rules_put__unpack(NULL, value.size, (const uint8_t *)value.data);

	if (!put)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no rule tree");
	trib_status status = trib_rules_apply_put(rules, trib_bytes_text(put->name), put->version,
						  trib_bytes_text(put->source), error);

	tributary__rules_put__free_unpacked(put, NULL);
	return status;
}

static trib_status load_activation(struct trib_rules *rules, struct trib_bytes key, struct trib_bytes value,
				   struct trib_error *error)
{
	uint32_t tree = key.size == 4 && value.size >= 16 ? trib_key_read_u32(value.data) : 0;

	/* Behind the numbers of a roll-out stands its event. */
	if (tree && value.size > 16) {
		Tributary__RulesActivated *event = tributary__rules_activated__unpack(
			NULL, value.size - 16, (const uint8_t *)value.data + 16);

		if (!event)
			return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no roll-out");
		trib_status status = trib_rules_apply_rollout(rules, event, error);

		tributary__rules_activated__free_unpacked(event, NULL);
		return status;
	}
	if (tree == 0 || tree > trib_rules_count(rules))
		return trib_fail(error, TRIB_CORRUPT, "store", "found an activation of no rule tree");
	return trib_rules_apply_activate(rules, trib_rules_name(rules, tree), trib_key_read_u32(value.data + 4),
					 (int64_t)trib_key_read_u64(value.data + 8), error);
}

/* Plays have numbers of the domain's: by name, so that whatever is of one finds it. */
static uint32_t number_of(const struct trib_market_state *state, const char *play)
{
	return trib_domain_name_play(state->domain, trib_bytes_text(play ? play : ""));
}

static trib_status put_play(const struct trib_market_state *state, const Tributary__PlayPut *put, struct trib_error *error)
{
	return trib_order_path_put(state->plays, number_of(state, put->name), number_of(state, put->parent), put, error);
}

static trib_status load_play(const struct trib_market_state *state, struct trib_bytes value, struct trib_error *error)
{
	Tributary__PlayPut *put = tributary__play_put__unpack(NULL, value.size, (const uint8_t *)value.data);
	trib_status status = put ? put_play(state, put, error) :
				   trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no play");

	tributary__play_put__free_unpacked(put, NULL);
	return status;
}

static trib_status load_play_activation(const struct trib_market_state *state, struct trib_bytes value,
					struct trib_error *error)
{
	Tributary__PlayActivated *event =
		tributary__play_activated__unpack(NULL, value.size, (const uint8_t *)value.data);
	trib_status status = event ? trib_order_path_activated(state->plays, number_of(state, event->name), event, error) :
				     trib_fail(error, TRIB_CORRUPT, "store", "found bytes that activate no play");

	tributary__play_activated__free_unpacked(event, NULL);
	return status;
}

trib_status trib_market_load(const struct trib_market_state *state, enum trib_table table, struct trib_bytes key,
			     struct trib_bytes value, struct trib_error *error)
{
	switch (table) {
	case TRIB_TABLE_RULES:
		return load_rules(state->rules, value, error);
	case TRIB_TABLE_ACTIVATION:
		return load_activation(state->rules, key, value, error);
	case TRIB_TABLE_PLAY:
		return load_play(state, value, error);
	case TRIB_TABLE_PLAY_ACTIVATION:
		return load_play_activation(state, value, error);
	default:
		return trib_domain_load(state->domain, table, key, value, error);
	}
}

/* --- Events ------------------------------------------------------------------------------------------- */

bool trib_market_is_changed_by(Tributary__Event__KindCase kind)
{
	switch (kind) {
	case TRIBUTARY__EVENT__KIND_PARTY_PUT:
	case TRIBUTARY__EVENT__KIND_GOODS_PUT:
	case TRIBUTARY__EVENT__KIND_PLAN_PUT:
	case TRIBUTARY__EVENT__KIND_REGISTRATION_PUT:
	case TRIBUTARY__EVENT__KIND_BLOCK_PUT:
	case TRIBUTARY__EVENT__KIND_STATUS_SET:
	case TRIBUTARY__EVENT__KIND_BOUNDS_SET:
	case TRIBUTARY__EVENT__KIND_NAME_ADDED:
	case TRIBUTARY__EVENT__KIND_RULES_PUT:
	case TRIBUTARY__EVENT__KIND_RULES_ACTIVATED:
	case TRIBUTARY__EVENT__KIND_PLAY_PUT:
	case TRIBUTARY__EVENT__KIND_PLAY_ACTIVATED:
		return true;
	default:
		return false;
	}
}

bool trib_market_names(const Tributary__Event *event, enum trib_space *ret_space, struct trib_bytes *ret_text,
		       uint32_t *ret_number)
{
	switch (event->kind_case) {
	case TRIBUTARY__EVENT__KIND_NAME_ADDED:
		*ret_space = TRIB_SPACE_SYMBOL;
		*ret_text = trib_bytes_text(event->name_added->text);
		*ret_number = event->name_added->number;
		return true;
	case TRIBUTARY__EVENT__KIND_PARTY_PUT:
		*ret_space = TRIB_SPACE_PARTY;
		*ret_text = trib_bytes_text(event->party_put->party->id);
		*ret_number = event->party_put->number;
		return true;
	case TRIBUTARY__EVENT__KIND_GOODS_PUT:
		*ret_space = TRIB_SPACE_GOODS;
		*ret_text = trib_bytes_text(event->goods_put->goods->id);
		*ret_number = event->goods_put->number;
		return true;
	case TRIBUTARY__EVENT__KIND_PLAN_PUT:
		*ret_space = TRIB_SPACE_PLAN;
		*ret_text = trib_bytes_text(event->plan_put->plan->id);
		*ret_number = event->plan_put->number;
		return true;
	default:
		return false;
	}
}

trib_status trib_market_apply(const struct trib_market_state *state, const Tributary__Event *event, struct trib_error *error)
{
	struct trib_rules *rules = state->rules;
	struct trib_bytes text;
	enum trib_space space;
	uint32_t number;

	switch (event->kind_case) {
	case TRIBUTARY__EVENT__KIND_RULES_PUT:
		return trib_rules_apply_put(rules, trib_bytes_text(event->rules_put->name), event->rules_put->version,
					    trib_bytes_text(event->rules_put->source), error);
	case TRIBUTARY__EVENT__KIND_RULES_ACTIVATED:
		if (event->rules_activated->part)
			return trib_rules_apply_rollout(rules, event->rules_activated, error);
		return trib_rules_apply_activate(rules, trib_bytes_text(event->rules_activated->name),
						 event->rules_activated->version, event->rules_activated->at, error);
	case TRIBUTARY__EVENT__KIND_PLAY_PUT:
		return put_play(state, event->play_put, error);
	case TRIBUTARY__EVENT__KIND_PLAY_ACTIVATED:
		return trib_order_path_activated(state->plays, number_of(state, event->play_activated->name),
						 event->play_activated, error);
	default:
		break;
	}
	trib_status status = trib_domain_apply(state->domain, event, error);

	if (status == TRIB_OK && trib_market_names(event, &space, &text, &number))
		trib_rules_name_added(rules, space, text, number);
	return status;
}
