/* The bytes of a record: message OrderDecided. */
#include "resolve/record.h"

#include "commission/commission.h"
#include "proto/proto.h"

/* The widths of lengths that are written before what they count; the unit test compares with protobuf-c. */
enum { SLICE_LENGTH_WIDTH = 2, SMALL_LENGTH_WIDTH = 1 };

const char *trib_amount_word(enum trib_amount amount)
{
	static const char *const words[TRIB_AMOUNTS] = {
#define X(name, index, word) [index] = word,
		TRIB_AMOUNT_TABLE(X)
#undef X
	};

	return amount < TRIB_AMOUNTS ? words[amount] : NULL;
}

void trib_order_record_reset(struct trib_order_record *record)
{
	memset(record, 0, offsetof(struct trib_order_record, ext));
}

void trib_order_record_undecide(struct trib_order_record *record)
{
	const size_t from = offsetof(struct trib_order_record, outcome);

	memset((char *)record + from, 0, offsetof(struct trib_order_record, ext) - from);
	for (uint32_t i = 0; i < record->n_touches; i++)
		record->touches[i].reason = record->touches[i].assist = 0;
}

size_t trib_order_record_bytes_max(const struct trib_order_record *record)
{
	size_t ext = 0;

	for (uint32_t i = 0; i < record->n_ext; i++)
		ext += record->ext[i].key.size + record->ext[i].value.size + 16;
	return 256 + record->order.size + record->bad_token.size + record->path.size + record->facts.size + record->tallies.size +
	       record->play.size + record->n_asked * 96 + ext + (record->has_amounts ? 96 : 0) + record->n_touches * 128 + record->n_slices * 96 +
	       record->n_lines * 64 + (record->choice.asked ? 32 : 0) + (record->listed.block ? 24 : 0);
}

/* --- Writing ------------------------------------------------------------------------------------------ */

char *trib_token_fields_put(char *p, uint32_t field, const struct trib_touch *touch)
{
	char *content = trib_wire_open(p, field, SMALL_LENGTH_WIDTH);

	p = trib_wire_put_u64(content, 1, touch->link);
	p = trib_wire_put_u64(p, 2, touch->registration);
	p = trib_wire_put_u64(p, 3, touch->plan);
	p = trib_wire_put_u64(p, 4, touch->plan_version);
	p = trib_wire_put_u64(p, 5, touch->offer);
	p = trib_wire_put_u64(p, 6, touch->goods);
	p = trib_wire_put_u64(p, 7, touch->creator);
	p = trib_wire_put_u64(p, 8, touch->channel);
	p = trib_wire_put_u64(p, 9, touch->carrier_kind);
	p = trib_wire_put_u64(p, 10, touch->carrier);
	p = trib_wire_put_u64(p, 11, touch->carrier_owner);
	p = trib_wire_put_u64(p, 12, touch->page);
	p = trib_wire_put_u64(p, 13, (uint64_t)touch->issued_at_ms);
	trib_wire_close(content, p, SMALL_LENGTH_WIDTH);
	return p;
}

/* `several`: it is not the one token that the order bears. */
static char *put_considered(char *p, const struct trib_considered *considered, bool several)
{
	char *content = trib_wire_open(p, 13, SMALL_LENGTH_WIDTH);

	p = trib_token_fields_put(content, 1, &considered->touch);
	p = trib_wire_put_u64(p, 2, (uint64_t)considered->touch.at_ms);
	p = trib_wire_put_u64(p, 3, considered->touch.kind);
	p = trib_wire_put_u64(p, 4, considered->reason);
	if (several)
		p = trib_wire_put_u64(p, 5, considered->by_token);
	p = trib_wire_put_u64(p, 6, (uint64_t)considered->assist);
	trib_wire_close(content, p, SMALL_LENGTH_WIDTH);
	return p;
}

/* Where the rates of a slice stand. */
static const struct {
	uint8_t number, rate;
} rate_fields[] = {
	{ 8, TRIB_RATE_COMMISSION }, { 9, TRIB_RATE_SERVICE }, { 10, TRIB_RATE_SERVICE2 },
	{ 11, TRIB_RATE_PLATFORM },  { 12, TRIB_RATE_AGENCY },
};

char *trib_order_line_put(char *p, uint32_t field, const struct trib_order_line *line)
{
	char *content = trib_wire_open(p, field, SMALL_LENGTH_WIDTH);

	p = trib_wire_put_u64(content, 1, line->share);
	p = trib_wire_put_u64(p, 2, line->name);
	p = trib_wire_put_u64(p, 3, line->to_party);
	p = trib_wire_put_u64(p, 4, line->to_role);
	p = trib_wire_put_u64(p, 5, line->from_party);
	p = trib_wire_put_u64(p, 6, line->from_role);
	p = trib_wire_put_s64(p, 7, line->amount);
	p = trib_wire_put_u64(p, 8, line->kinds);
	trib_wire_close(content, p, SMALL_LENGTH_WIDTH);
	return p;
}

static char *put_slice(char *p, const struct trib_slice *slice, const struct trib_order_line *lines)
{
	char *content = trib_wire_open(p, 14, SLICE_LENGTH_WIDTH);

	p = trib_wire_put_u64(content, 1, slice->touch);
	p = trib_wire_put_u64(p, 2, slice->plan);
	p = trib_wire_put_u64(p, 3, slice->plan_version);
	p = trib_wire_put_u64(p, 4, slice->offer);
	p = trib_wire_put_u64(p, 5, slice->offer_version);
	p = trib_wire_put_u64(p, 6, (uint64_t)slice->base);
	for (uint32_t i = 0; i < slice->n_lines; i++)
		p = trib_order_line_put(p, 7, &lines[slice->line + i]);
	for (uint32_t i = 0; i < TRIB_ARRAY_SIZE(rate_fields); i++)
		p = trib_wire_put_u64(p, rate_fields[i].number, slice->rates.bps[rate_fields[i].rate]);
	p = trib_wire_put_u64(p, 13, slice->rates.all_to_agency);
	trib_wire_close(content, p, SLICE_LENGTH_WIDTH);
	return p;
}

/* message Amounts: at most 70 bytes. */
static char *put_amounts(char *p, uint32_t field, const int64_t amounts[TRIB_AMOUNTS])
{
	char *content = trib_wire_open(p, field, SMALL_LENGTH_WIDTH);

	p = content;
	for (uint32_t i = 0; i < TRIB_AMOUNTS; i++)
		p = trib_wire_put_u64(p, i + 1, (uint64_t)amounts[i]);
	trib_wire_close(content, p, SMALL_LENGTH_WIDTH);
	return p;
}

char *trib_ext_pairs_put(char *p, uint32_t field, const struct trib_ext_pair *pairs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char *content = trib_wire_open(p, field, SLICE_LENGTH_WIDTH);

		p = trib_wire_put_bytes(content, 1, pairs[i].key);
		p = trib_wire_put_bytes(p, 2, pairs[i].value);
		trib_wire_close(content, p, SLICE_LENGTH_WIDTH);
	}
	return p;
}

/* message Listed */
static char *put_listed(char *p, uint32_t field, const struct trib_order_listed *listed)
{
	char *content = trib_wire_open(p, field, SMALL_LENGTH_WIDTH);

	p = trib_wire_put_u64(content, 1, listed->block);
	p = trib_wire_put_u64(p, 2, listed->version);
	p = trib_wire_put_u64(p, 3, listed->kind);
	trib_wire_close(content, p, SMALL_LENGTH_WIDTH);
	return p;
}

/* message RolledOut */
static char *put_choice(char *p, uint32_t field, const struct trib_rules_choice *choice)
{
	char *content = trib_wire_open(p, field, SMALL_LENGTH_WIDTH);

	p = trib_wire_put_u64(content, 1, choice->chosen);
	p = trib_wire_put_u64(p, 2, choice->has_place ? choice->place + 1u : 0);
	p = trib_wire_put_u64(p, 3, choice->from);
	p = trib_wire_put_u64(p, 4, choice->to);
	p = trib_wire_put_u64(p, 5, choice->conditional);
	trib_wire_close(content, p, SMALL_LENGTH_WIDTH);
	return p;
}

/* message PlayAsked: names and words of ours, 80 bytes at most. */
static char *put_asked(char *p, uint32_t field, const struct trib_asked *asked)
{
	char *content = trib_wire_open(p, field, SMALL_LENGTH_WIDTH);

	p = trib_wire_put_bytes(content, 1, asked->capability);
	p = trib_wire_put_bytes(p, 2, asked->gave);
	p = trib_wire_put_u64(p, 3, asked->failed);
	trib_wire_close(content, p, SMALL_LENGTH_WIDTH);
	return p;
}

char *trib_order_record_put(char *p, const struct trib_order_record *record)
{
	p = trib_wire_put_bytes(p, 1, record->order);
	p = trib_wire_put_fixed64(p, 2, record->user);
	p = trib_wire_put_fixed64(p, 3, record->content);
	p = trib_wire_put_u64(p, 4, record->goods);
	p = trib_wire_put_u64(p, 5, (uint64_t)record->base_amount);
	p = trib_wire_put_u64(p, 6, (uint64_t)record->at_ms);
	p = trib_wire_put_u64(p, 7, record->currency);
	p = trib_wire_put_u64(p, 8, record->outcome);
	p = trib_wire_put_u64(p, 9, record->tree);
	p = trib_wire_put_u64(p, 10, record->tree_version);
	p = trib_wire_put_u64(p, 11, record->node);
	p = trib_wire_put_bytes(p, 12, record->path);
	for (uint32_t i = 0; i < record->n_touches; i++)
		p = put_considered(p, &record->touches[i], record->n_touches > 1);
	for (uint32_t i = 0; i < record->n_slices; i++)
		p = put_slice(p, &record->slices[i], record->lines);
	p = trib_wire_put_s64(p, 15, record->charged);
	p = trib_wire_put_u64(p, 16, record->qty);
	p = trib_wire_put_u64(p, 17, record->scene);
	p = trib_wire_put_u64(p, 18, record->page);
	p = trib_wire_put_u64(p, 19, record->carrier_kind);
	p = trib_wire_put_u64(p, 20, record->carrier);
	p = trib_wire_put_u64(p, 21, record->carrier_owner);
	p = trib_ext_pairs_put(p, 22, record->ext, record->n_ext);
	p = trib_wire_put_bytes(p, 23, record->bad_token);
	p = trib_wire_put_u64(p, 24, record->at_stated);
	p = trib_wire_put_u64(p, 25, record->by_token);
	p = trib_wire_put_bytes(p, 26, record->facts);
	if (TRIB_UNLIKELY(record->has_amounts)) {
		p = put_amounts(p, 27, record->amounts);
		p = trib_wire_put_u64(p, 28, record->base_computed);
		p = trib_wire_put_s64(p, 29, record->base_result);
	}
	p = trib_wire_put_u64(p, 45, record->held);
	p = trib_wire_put_bytes(p, 46, record->tallies);
	if (TRIB_UNLIKELY(record->listed.block))
		p = put_listed(p, 47, &record->listed);
	if (TRIB_UNLIKELY(record->choice.asked))
		p = put_choice(p, 48, &record->choice);
	if (TRIB_UNLIKELY(record->play.size)) {
		p = trib_wire_put_bytes(p, 49, record->play);
		p = trib_wire_put_u64(p, 50, record->play_version);
		for (uint32_t i = 0; i < record->n_asked; i++)
			p = put_asked(p, 51, &record->asked[i]);
	}
	return p;
}

/* --- Reading ------------------------------------------------------------------------------------------ */

bool trib_token_fields_get(struct trib_bytes rest, struct trib_touch *touch)
{
	struct trib_wire_field field;
	bool ok;

	while (trib_wire_next(&rest, &field, &ok)) {
		uint32_t narrow = (uint32_t)field.value;

		if (field.type != TRIB_WIRE_VARINT)
			continue;
		switch (field.number) {
		case 1: touch->link = field.value; break;
		case 2: touch->registration = narrow; break;
		case 3: touch->plan = narrow; break;
		case 4: touch->plan_version = narrow; break;
		case 5: touch->offer = narrow; break;
		case 6: touch->goods = narrow; break;
		case 7: touch->creator = narrow; break;
		case 8: touch->channel = narrow; break;
		case 9: touch->carrier_kind = narrow; break;
		case 10: touch->carrier = narrow; break;
		case 11: touch->carrier_owner = narrow; break;
		case 12: touch->page = narrow; break;
		case 13: touch->issued_at_ms = (int64_t)field.value; break;
		}
	}
	return ok;
}

static bool get_considered(struct trib_bytes rest, struct trib_considered *ret_considered)
{
	struct trib_wire_field field;
	bool ok;

	*ret_considered = (struct trib_considered){ 0 };
	while (trib_wire_next(&rest, &field, &ok)) {
		switch (field.number) {
		case 1:
			if (field.type != TRIB_WIRE_BYTES ||
			    !trib_token_fields_get(field.bytes, &ret_considered->touch))
				return false;
			break;
		case 2: ret_considered->touch.at_ms = (int64_t)field.value; break;
		case 3: ret_considered->touch.kind = (uint8_t)field.value; break;
		case 4: ret_considered->reason = (uint8_t)field.value; break;
		case 5: ret_considered->by_token = field.value != 0; break;
		case 6: ret_considered->assist = (int64_t)field.value; break;
		}
	}
	return ok;
}

bool trib_order_line_get(struct trib_bytes rest, struct trib_order_line *ret_line)
{
	struct trib_wire_field field;
	bool ok;

	*ret_line = (struct trib_order_line){ 0 };
	while (trib_wire_next(&rest, &field, &ok)) {
		uint32_t narrow = (uint32_t)field.value;

		switch (field.number) {
		case 1: ret_line->share = (uint16_t)narrow; break;
		case 2: ret_line->name = narrow; break;
		case 3: ret_line->to_party = narrow; break;
		case 4: ret_line->to_role = narrow; break;
		case 5: ret_line->from_party = narrow; break;
		case 6: ret_line->from_role = narrow; break;
		case 7: ret_line->amount = trib_wire_unzigzag(field.value); break;
		case 8:
			if (!trib_kinds_valid(field.value))
				return false;
			ret_line->kinds = (uint8_t)field.value;
			break;
		}
	}
	return ok;
}

static bool get_slice(struct trib_bytes rest, struct trib_order_record *record, struct trib_slice *ret_slice)
{
	struct trib_wire_field field;
	bool ok;

	*ret_slice = (struct trib_slice){ .line = record->n_lines };
	while (trib_wire_next(&rest, &field, &ok)) {
		switch (field.number) {
		case 1: ret_slice->touch = (uint32_t)field.value; break;
		case 2: ret_slice->plan = (uint32_t)field.value; break;
		case 3: ret_slice->plan_version = (uint32_t)field.value; break;
		case 4: ret_slice->offer = (uint32_t)field.value; break;
		case 5: ret_slice->offer_version = (uint32_t)field.value; break;
		case 6: ret_slice->base = (int64_t)field.value; break;
		case 7:
			if (field.type != TRIB_WIRE_BYTES || record->n_lines == TRIB_ORDER_LINES_MAX ||
			    !trib_order_line_get(field.bytes, &record->lines[record->n_lines]))
				return false;
			record->n_lines++;
			ret_slice->n_lines++;
			break;
		case 13: ret_slice->rates.all_to_agency = field.value != 0; break;
		default:
			for (uint32_t i = 0; i < TRIB_ARRAY_SIZE(rate_fields); i++)
				if (field.number == rate_fields[i].number)
					ret_slice->rates.bps[rate_fields[i].rate] = (uint16_t)field.value;
		}
	}
	return ok && ret_slice->touch < TRIB_MAX(record->n_touches, 1u);
}

static bool get_amounts(struct trib_bytes rest, struct trib_order_record *record)
{
	struct trib_wire_field field;
	bool ok;

	record->has_amounts = true;
	while (trib_wire_next(&rest, &field, &ok))
		if (field.type == TRIB_WIRE_VARINT && field.number >= 1 && field.number <= TRIB_AMOUNTS)
			record->amounts[field.number - 1] = (int64_t)field.value;
	return ok;
}

bool trib_ext_pair_get(struct trib_bytes rest, struct trib_ext_pair *ret_pair)
{
	struct trib_wire_field field;
	bool ok;

	*ret_pair = (struct trib_ext_pair){ 0 };
	while (trib_wire_next(&rest, &field, &ok)) {
		if (field.type == TRIB_WIRE_BYTES && field.number == 1)
			ret_pair->key = field.bytes;
		else if (field.type == TRIB_WIRE_BYTES && field.number == 2)
			ret_pair->value = field.bytes;
	}
	return ok;
}

static bool get_listed(struct trib_bytes rest, struct trib_order_listed *ret_listed)
{
	struct trib_wire_field field;
	bool ok;

	while (trib_wire_next(&rest, &field, &ok))
		switch (field.number) {
		case 1: ret_listed->block = (uint32_t)field.value; break;
		case 2: ret_listed->version = (uint32_t)field.value; break;
		case 3: ret_listed->kind = (uint8_t)TRIB_MIN(field.value, (uint64_t)UINT8_MAX); break;
		}
	return ok;
}

static bool get_choice(struct trib_bytes rest, struct trib_rules_choice *ret_choice)
{
	struct trib_wire_field field;
	bool ok;

	ret_choice->asked = true;
	while (trib_wire_next(&rest, &field, &ok))
		switch (field.number) {
		case 1: ret_choice->chosen = field.value != 0; break;
		case 2:
			ret_choice->has_place = field.value != 0;
			ret_choice->place = (uint16_t)(field.value - ret_choice->has_place);
			break;
		case 3: ret_choice->from = (uint16_t)field.value; break;
		case 4: ret_choice->to = (uint16_t)field.value; break;
		case 5: ret_choice->conditional = field.value != 0; break;
		}
	return ok;
}

static bool get_asked(struct trib_bytes rest, struct trib_asked *ret_asked)
{
	struct trib_wire_field field;
	bool ok;

	*ret_asked = (struct trib_asked){ 0 };
	while (trib_wire_next(&rest, &field, &ok))
		if (field.type == TRIB_WIRE_BYTES && field.number == 1)
			ret_asked->capability = field.bytes;
		else if (field.type == TRIB_WIRE_BYTES && field.number == 2)
			ret_asked->gave = field.bytes;
		else if (field.type == TRIB_WIRE_VARINT && field.number == 3)
			ret_asked->failed = field.value != 0;
	return ok;
}

static bool get_order_bytes_field(const struct trib_wire_field *field, struct trib_order_record *record)
{
	switch (field->number) {
	case 1: record->order = field->bytes; return true;
	case 12: record->path = field->bytes; return true;
	case 13:
		return record->n_touches < TRIB_LIMIT_TOUCHES_CONSIDERED &&
		       get_considered(field->bytes, &record->touches[record->n_touches++]);
	case 14:
		return record->n_slices < TRIB_LIMIT_TOUCHES_CONSIDERED &&
		       get_slice(field->bytes, record, &record->slices[record->n_slices++]);
	case 22:
		return record->n_ext < TRIB_LIMIT_EXT_PAIRS &&
		       trib_ext_pair_get(field->bytes, &record->ext[record->n_ext++]);
	case 23: record->bad_token = field->bytes; return true;
	case 26: record->facts = field->bytes; return true;
	case 27: return get_amounts(field->bytes, record);
	case 46: record->tallies = field->bytes; return true;
	case 47: return get_listed(field->bytes, &record->listed);
	case 48: return get_choice(field->bytes, &record->choice);
	case 49: record->play = field->bytes; return true;
	case 51:
		return record->n_asked < TRIB_ORDER_ASKED_MAX && get_asked(field->bytes, &record->asked[record->n_asked++]);
	}
	return true;
}

bool trib_order_record_get(struct trib_bytes bytes, struct trib_order_record *ret_record)
{
	struct trib_order_record *record = ret_record;
	struct trib_wire_field field;
	bool ok;

	trib_order_record_reset(record);
	while (trib_wire_next(&bytes, &field, &ok)) {
		uint32_t narrow = (uint32_t)field.value;

		if (field.type == TRIB_WIRE_BYTES) {
			if (!get_order_bytes_field(&field, record))
				return false;
			continue;
		}
		switch (field.number) {
		case 2: record->user = field.value; break;
		case 3: record->content = field.value; break;
		case 4: record->goods = narrow; break;
		case 5: record->base_amount = (int64_t)field.value; break;
		case 6: record->at_ms = (int64_t)field.value; break;
		case 7: record->currency = narrow; break;
		case 8: record->outcome = (enum trib_outcome)narrow; break;
		case 9: record->tree = narrow; break;
		case 10: record->tree_version = narrow; break;
		case 11: record->node = narrow; break;
		case 15: record->charged = trib_wire_unzigzag(field.value); break;
		case 16: record->qty = narrow; break;
		case 17: record->scene = narrow; break;
		case 18: record->page = narrow; break;
		case 19: record->carrier_kind = narrow; break;
		case 20: record->carrier = narrow; break;
		case 21: record->carrier_owner = narrow; break;
		case 24: record->at_stated = narrow; break;
		case 25: record->by_token = narrow; break;
		case 28: record->base_computed = narrow; break;
		case 29: record->base_result = trib_wire_unzigzag(field.value); break;
		case 45: record->held = narrow; break;
		case 50: record->play_version = narrow; break;
		}
	}
	if (record->n_touches == 1)
		record->touches[0].by_token = record->by_token;
	return ok && record->order.size > 0 && record->order.size <= TRIB_ORDER_ID_BYTES_MAX;
}
