#include "resolve/answer.h"

#include "proto/proto.h"

/* Fields of Resolution, Credit and Line: proto/tributary.proto. */
enum { POSITION = 1, ORDER, AT, OUTCOME, RULES, NODE, CHARGED, CURRENCY, CREDITS, COMPLETE, PENDING };
enum { CREDIT_TOUCH = 1, CREDIT_PLAN, CREDIT_BASE, CREDIT_LINES };
enum { LINE_NAME = 1, LINE_TO, LINE_FROM, LINE_AMOUNT };

enum {
	NUMBER_BYTES = 12,	    /* a field of one number */
	TEXT_BYTES = 4,		    /* a field of text, beside the text */
	VERSION_BYTES = 11,	    /* "@4294967295" */
	CREDIT_WIDTH = 3,	    /* of the length of a credit: up to 2 MiB */
	LINE_WIDTH = 2,		    /* of a line: up to 16 KiB */
	TEXT_MAX = 2 * TRIB_LIMIT_EXTERNAL_ID_BYTES,
};

static struct trib_bytes symbol(const struct trib_market *market, uint32_t code)
{
	return code ? trib_names_text(trib_domain_symbols(market->domain), code) : trib_bytes("", 0);
}

static const struct trib_tree *tree_of(const struct trib_market *market, const struct trib_order_record *record)
{
	return record->tree ? trib_rules_tree(market->rules, record->tree, record->tree_version) : NULL;
}

struct trib_bytes trib_market_line_name(const struct trib_market *market, const struct trib_order_record *record,
					const struct trib_order_line *line)
{
	const struct trib_tree *tree = tree_of(market, record);
	const struct trib_node *node = tree ? trib_tree_node(tree, record->node) : NULL;

	if (node && line->share < node->n_shares)
		return node->share_names[line->share];
	return symbol(market, line->name);
}

struct trib_bytes trib_market_line_party(const struct trib_market *market, uint32_t party, uint32_t role)
{
	if (role != TRIB_WORD_SERVICE_PROVIDER)
		return symbol(market, role);
	return party ? trib_domain_id(market->domain, TRIB_NOUN_PARTY, party) : trib_bytes_text("platform");
}

uint32_t trib_answer_pending(const struct trib_market *market, const struct trib_order_record *record)
{
	uint32_t pending = 0;

	for (uint32_t i = 0; i < record->n_slices; i++) {
		const struct trib_slice *slice = &record->slices[i];
		const struct trib_plan_version *version =
			trib_plan_version(trib_domain_plan(market->domain, slice->plan), slice->plan_version);

		if (!version || !version->attributes)
			continue;
		const struct trib_plan_attributes *attributes =
			trib_domain_attributes(market->domain, version->attributes);

		pending |= attributes->step.tier_count ? TRIB_PENDING_STEP : 0;
		pending |= attributes->budget || attributes->daily_cap ? TRIB_PENDING_BUDGET : 0;
		pending |= attributes->incentive.by ? TRIB_PENDING_INCENTIVE : 0;
		pending |= attributes->new_to_shop.by ? TRIB_PENDING_NEW_TO_SHOP : 0;
	}
	return pending;
}

size_t trib_answer_bytes_max(const struct trib_market *market, const struct trib_order_record *record)
{
	const struct trib_tree *tree = tree_of(market, record);
	size_t line = LINE_WIDTH + 1 + NUMBER_BYTES + 3 * (TEXT_BYTES + TEXT_MAX);
	size_t credit = CREDIT_WIDTH + 1 + 2 * NUMBER_BYTES + TEXT_BYTES + TEXT_MAX + VERSION_BYTES;
	size_t names = tree ? trib_rules_name(market->rules, record->tree).size +
				      trib_tree_node(tree, record->node)->id.size :
			      0;

	return 16 * NUMBER_BYTES + 16 * TEXT_BYTES + 4 * TEXT_MAX + record->order.size + names + VERSION_BYTES + 2 * TEXT_MAX +
	       record->n_slices * credit + record->n_lines * line;
}

static char *put_versioned(char *p, uint32_t field, struct trib_bytes id, uint32_t version)
{
	char digits[20];
	size_t size = trib_format_u64(digits, version);

	p = trib_wire_put_varint(trib_wire_put_tag(p, field, TRIB_WIRE_BYTES), id.size + 1 + size);
	if (id.size)
		memcpy(p, id.data, id.size);
	p[id.size] = '@';
	memcpy(p + id.size + 1, digits, size);
	return p + id.size + 1 + size;
}

/* Protobuf writes a number that was set even where it is 0; so do we. */
static char *put_number(char *p, uint32_t field, int64_t value)
{
	return trib_wire_put_varint(trib_wire_put_tag(p, field, TRIB_WIRE_VARINT), (uint64_t)value);
}

static char *put_line(char *p, const struct trib_market *market, const struct trib_order_record *record,
		      const struct trib_order_line *line)
{
	char *content = trib_wire_open(p, CREDIT_LINES, LINE_WIDTH);

	p = trib_wire_put_bytes(content, LINE_NAME, trib_market_line_name(market, record, line));
	p = trib_wire_put_bytes(p, LINE_TO, trib_market_line_party(market, line->to_party, line->to_role));
	p = trib_wire_put_bytes(p, LINE_FROM, trib_market_line_party(market, line->from_party, line->from_role));
	p = put_number(p, LINE_AMOUNT, line->amount);
	trib_wire_close(content, p, LINE_WIDTH);
	return p;
}

static char *put_credit(char *p, const struct trib_market *market, const struct trib_order_record *record,
			const struct trib_slice *slice)
{
	char *content = trib_wire_open(p, CREDITS, CREDIT_WIDTH);

	p = put_number(content, CREDIT_TOUCH, (int64_t)record->touches[slice->touch].touch.link);
	p = put_versioned(p, CREDIT_PLAN, trib_domain_id(market->domain, TRIB_NOUN_PLAN, slice->plan),
			  slice->plan_version);
	p = put_number(p, CREDIT_BASE, slice->base);
	for (uint32_t i = 0; i < slice->n_lines; i++)
		p = put_line(p, market, record, &record->lines[slice->line + i]);
	trib_wire_close(content, p, CREDIT_WIDTH);
	return p;
}

char *trib_answer_put(char *p, const struct trib_market *market, uint64_t position,
		      const struct trib_order_record *record)
{
	const struct trib_tree *tree = tree_of(market, record);

	p = put_number(p, POSITION, (int64_t)position);
	p = trib_wire_put_bytes(p, ORDER, record->order);
	p = put_number(p, AT, record->at_ms);
	p = trib_wire_put_bytes(p, OUTCOME, trib_bytes_text(trib_outcome_word(record->outcome)));
	if (tree) {
		p = put_versioned(p, RULES, trib_rules_name(market->rules, record->tree), record->tree_version);
		p = trib_wire_put_bytes(p, NODE, trib_tree_node(tree, record->node)->id);
	}
	p = put_number(p, CHARGED, record->charged);
	p = trib_wire_put_bytes(p, CURRENCY, symbol(market, record->currency));
	for (uint32_t i = 0; i < record->n_slices; i++)
		p = put_credit(p, market, record, &record->slices[i]);
	uint32_t pending = trib_answer_pending(market, record);

	p = put_number(p, COMPLETE, pending == 0);
#define X(name, bit, word)                                                                         \
	if (pending & (1 << bit))                                                                   \
		p = trib_wire_put_bytes(p, PENDING, trib_bytes_text(word));
	TRIB_PENDING_TABLE(X)
#undef X
	return p;
}

/* --- Comparing ---------------------------------------------------------------------------------------- */

const char *trib_difference_word(enum trib_difference difference)
{
	static const char *const words[] = {
		[TRIB_DIFFERENCE_NONE] = "none",
#define X(name, number, word, field) [TRIB_DIFFERENCE_##name] = word,
		TRIB_DIFFERENCE_TABLE(X)
#undef X
	};

	return difference < TRIB_DIFFERENCES ? words[difference] : "other";
}

static enum trib_difference difference_of(uint32_t field)
{
	switch (field) {
#define X(name, number, word, its_field)                                                           \
	case its_field ? its_field : 1000 + number:                                                \
		return TRIB_DIFFERENCE_##name;
		TRIB_DIFFERENCE_TABLE(X)
#undef X
	default:
		return TRIB_DIFFERENCE_OTHER;
	}
}

/* Fields stand in ascending order; those that repeat, in theirs. The next one but POSITION; false at the end. */
static bool next_field(struct trib_bytes *rest, struct trib_wire_field *ret_field, bool *ret_ok)
{
	do {
		if (!trib_wire_next(rest, ret_field, ret_ok))
			return false;
	} while (ret_field->number == POSITION);
	return true;
}

static bool same_field(const struct trib_wire_field *a, const struct trib_wire_field *b)
{
	return a->number == b->number && a->type == b->type &&
	       (a->type == TRIB_WIRE_BYTES ? trib_bytes_equal(a->bytes, b->bytes) : a->value == b->value);
}

enum trib_difference trib_answer_compare(struct trib_bytes theirs, struct trib_bytes ours)
{
	enum trib_difference first = TRIB_DIFFERENCE_NONE;
	struct trib_wire_field a, b;

	for (;;) {
		bool a_ok, b_ok, a_there = next_field(&theirs, &a, &a_ok), b_there = next_field(&ours, &b, &b_ok);

		if (!a_there && !a_ok)
			return TRIB_DIFFERENCE_UNREADABLE;
		if (!a_there && !b_there)
			return first;
		if (a_there && b_there && same_field(&a, &b))
			continue;
		enum trib_difference here = difference_of(b_there && (!a_there || b.number < a.number) ? b.number :
													  a.number);

		if (first == TRIB_DIFFERENCE_NONE || here < first)
			first = here;
		if (!a_there || !b_there || a.number != b.number)
			return first;
	}
}
