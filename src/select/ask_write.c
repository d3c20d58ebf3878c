/* Terms as CEL, and the parts of the text with what they came to. */
#include <stdarg.h>
#include "base/limits.h"
#include "select/ask_private.h"

struct trib_bytes ask_format(struct trib_arena *arena, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int size = vsnprintf(NULL, 0, format, args);
	char *text = trib_arena_alloc(arena, (size_t)size + 1);

	trib_assert(size >= 0 && text); /* the text is bounded, so is what it becomes */
	vsnprintf(text, (size_t)size + 1, format, again);
	va_end(again);
	va_end(args);
	return trib_bytes(text, (size_t)size);
}

struct trib_bytes ask_quote(struct trib_arena *arena, struct trib_bytes text)
{
	struct trib_value value = trib_value_string(text);
	struct trib_buffer buffer;

	trib_buffer_init(&buffer, 6 * text.size + 16);
	trib_value_print(&value, &buffer);
	trib_assert(!buffer.failed);
	struct trib_bytes quoted = ask_format(arena, "%s", trib_buffer_text(&buffer));

	trib_buffer_fini(&buffer);
	return quoted;
}

/* ---- One term ------------------------------------------------------------------------------------- */

static struct trib_bytes write_is(const struct ask_run *run, const struct ask_term *term,
				  bool negated)
{
	struct trib_bytes code = ask_quote(run->arena, term->code);
	const char *is = term->field->is, *place = is ? strstr(is, "{}") : NULL;

	if (place)
		return ask_format(run->arena, "%s%.*s%.*s%s", negated ? "!" : "", (int)(place - is),
				  is, TRIB_BYTES_ARG(code), place + 2);
	if (term->field->kind == ASK_CODES)
		return ask_format(run->arena, negated ? "!(%.*s in %s)" : "%.*s in %s",
				  TRIB_BYTES_ARG(code), term->field->name);
	return ask_format(run->arena, "%s %s %.*s", term->field->name,
			  negated ? "!=" : "==", TRIB_BYTES_ARG(code));
}

static struct trib_bytes write_compare(const struct ask_run *run, const struct ask_term *term,
				       bool negated)
{
	static const char *const inverted[ASK_OP_COUNT] = { "!=", ">=", ">", "<=", "<" };
	struct trib_bytes name = ask_field_text(run->arena, term->field, term->hours);
	const char *low = ask_op_texts[term->low_op], *high = ask_op_texts[term->high_op];

	if (term->has_low && term->has_high)
		return ask_format(run->arena,
				  negated ? "!(%s %s %.*s && %s %s %.*s)"
					  : "%s %s %.*s && %s %s %.*s",
				  name.data, low, TRIB_BYTES_ARG(term->low), name.data, high,
				  TRIB_BYTES_ARG(term->high));
	if (negated) {
		low = inverted[term->low_op];
		high = inverted[term->high_op];
	}
	return term->has_low ? ask_format(run->arena, "%s %s %.*s", name.data, low,
					  TRIB_BYTES_ARG(term->low))
			     : ask_format(run->arena, "%s %s %.*s", name.data, high,
					  TRIB_BYTES_ARG(term->high));
}

static struct trib_bytes write_piece(const struct ask_run *run, const struct ask_term *term,
				     bool negated)
{
	if (!negated)
		return term->code;
	if (term->code.data[0] == '!')
		return trib_bytes(term->code.data + 1, term->code.size - 1);
	return ask_format(run->arena,
			  memchr(term->code.data, ' ', term->code.size) ? "!(%.*s)" : "!%.*s",
			  TRIB_BYTES_ARG(term->code));
}

struct trib_bytes ask_write_term(const struct ask_run *run, const struct ask_term *term,
				 bool negated)
{
	switch (term->form) {
	case ASK_IS:
		return write_is(run, term, negated);
	case ASK_COMPARE:
		return write_compare(run, term, negated);
	case ASK_PIECE:
		return write_piece(run, term, negated);
	default:
		break;
	}
	struct trib_bytes words = ask_quote(run->arena, term->code);

	return ask_format(run->arena, "%s%s.words(%.*s)", negated ? "!" : "", term->field->name,
			  TRIB_BYTES_ARG(words));
}

/* ---- Groups --------------------------------------------------------------------------------------- */

static bool same_values(const struct ask_term *a, const struct ask_term *b)
{
	return a->form == ASK_IS && b->form == ASK_IS && a->field == b->field &&
	       a->negated == b->negated;
}

static bool below(struct trib_bytes path, struct trib_bytes other)
{
	return path.size < other.size && other.data[path.size] == '/' &&
	       !memcmp(path.data, other.data, path.size);
}

/*
 * How many terms from here on are one group of which one is enough: A or B; values of one field that no good has two of;
 * not A and B. 1: this term by itself.
 */
static uint32_t group_size(const struct ask_run *run, uint32_t from)
{
	const struct ask_term *terms = run->terms;
	uint32_t count = 1;
	bool any = terms[from].form == ASK_IS && (terms[from].field->any || terms[from].negated);

	for (; from + count < run->term_count; count++) {
		const struct ask_term *before = &terms[from + count - 1], *next = before + 1;
		bool same = same_values(before, next),
		     listed = next->link == '&' || next->link == '|';

		if (same && (below(before->code, next->code) || below(next->code, before->code)))
			break;
		if (next->link == '|' && before->negated == next->negated)
			any = true;
		else if (!same || !(listed || (before->field->any && !before->negated)))
			break;
	}
	if (any)
		return count;
	return 1;
}

static void add_group(const struct ask_run *run, uint32_t from, uint32_t count,
		      struct trib_buffer *filter)
{
	const struct ask_term *terms = run->terms + from;
	bool plain = true;

	if (count == 1) {
		trib_buffer_add_bytes(filter, ask_write_term(run, terms, terms->negated));
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		plain = plain && terms[i].form == ASK_IS && terms[i].field == terms[0].field &&
			terms[i].field->kind == ASK_CODE && !terms[i].field->is;
	if (plain)
		trib_buffer_add_format(filter, terms->negated ? "!(%s in [" : "%s in [",
				       terms->field->name);
	else
		trib_buffer_add_text(filter, terms->negated ? "!(" : "(");
	for (uint32_t i = 0; i < count; i++) {
		struct trib_bytes cel = plain ? ask_quote(run->arena, terms[i].code)
					      : ask_write_term(run, &terms[i], false);
		bool close =
			!plain && trib_utf8_valid(cel) && memmem(cel.data, cel.size, " && ", 4);

		trib_buffer_add_text(filter, i == 0 ? "" : plain ? ", " : " || ");
		trib_buffer_add_format(filter, close ? "(%.*s)" : "%.*s", TRIB_BYTES_ARG(cel));
	}
	trib_buffer_add_text(filter, !plain ? ")" : terms->negated ? "])" : "]");
}

static void add_filter(const struct ask_run *run, struct trib_buffer *filter)
{
	uint32_t count;

	for (uint32_t i = 0; i < run->term_count; i += count) {
		count = group_size(run, i);
		trib_buffer_add_text(filter, i ? " && " : "");
		add_group(run, i, count, filter);
	}
	if (!run->term_count)
		trib_buffer_add_text(filter, "true");
}

/* ---- Parts ---------------------------------------------------------------------------------------- */

/* Whom a token belongs to: a term, or one of these. */
enum { SMALL = -1, PUNCTUATION = -2, UNKNOWN = -3, ORDER = -4, LIMIT = -5 };

static void own(int32_t *owners, uint32_t first, uint32_t last, uint32_t time, int32_t owner)
{
	for (uint32_t i = first; i <= last; i++)
		owners[i] = owners[i] == SMALL || owners[i] == PUNCTUATION ? owner : owners[i];
	if (time != UINT32_MAX)
		owners[time] = owner;
}

static int32_t *find_owners(const struct ask_run *run)
{
	int32_t *owners = trib_arena_alloc(run->arena, (run->text.count + 1) * sizeof(*owners));

	trib_assert(owners);
	for (uint32_t i = 0; i < run->text.count; i++) {
		const struct ask_token *token = &run->text.tokens[i];

		owners[i] = run->why[i]						   ? UNKNOWN
			    : ask_token_as(token, ',') || ask_token_as(token, '"') ? PUNCTUATION
										   : SMALL;
	}
	for (uint32_t i = 0; i < run->term_count; i++)
		own(owners, run->terms[i].first, run->terms[i].last, run->terms[i].time,
		    (int32_t)i);
	if (run->order.field)
		own(owners, run->order.first, run->order.last, run->order.time, ORDER);
	if (run->limit)
		own(owners, run->limit_first, run->limit_last, UINT32_MAX, LIMIT);
	return owners;
}

uint32_t ask_characters(struct trib_bytes text, size_t size)
{
	uint32_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
	return count;
}

static struct trib_bytes order_text(const struct ask_run *run)
{
	return ask_field_text(run->arena, run->order.field, run->order.hours);
}

static struct trib_bytes cel_of(const struct ask_run *run, int32_t owner)
{
	if (owner >= 0)
		return ask_write_term(run, &run->terms[owner], run->terms[owner].negated);
	if (owner == ORDER)
		return ask_format(run->arena, "order by %s%s", order_text(run).data,
				  run->order.descending ? " descending" : "");
	if (owner == LIMIT)
		return ask_format(run->arena, "limit %u", run->limit);
	return trib_bytes("", 0);
}

static void add_parts(const struct ask_run *run, struct trib_ask_answer *answer)
{
	const struct ask_text *text = &run->text;
	size_t size = (text->count + 1) * sizeof(struct trib_ask_part);
	struct trib_ask_part *understood = trib_arena_alloc(run->arena, size),
			     *not_understood = trib_arena_alloc(run->arena, size);
	int32_t *owners = find_owners(run);
	uint32_t next;

	trib_assert(understood && not_understood);
	for (uint32_t i = 0; i < text->count; i = next) {
		for (next = i + 1; next < text->count && owners[next] == owners[i] &&
				   run->why[next] == run->why[i];)
			next++;
		if (owners[i] == PUNCTUATION)
			continue;
		uint32_t from = text->origin[text->tokens[i].from],
			 to = text->origin[text->tokens[next - 1].to];

		struct trib_ask_part part = { .text = trib_bytes(text->original.data + from,
								 to - from),
					      .from = ask_characters(text->original, from),
					      .to = ask_characters(text->original, to),
					      .cel = cel_of(run, owners[i]),
					      .why = run->why[i] };

		if (part.why)
			not_understood[answer->not_understood_count++] = part;
		else
			understood[answer->understood_count++] = part;
	}
	answer->understood = understood;
	answer->not_understood = not_understood;
}

trib_status ask_write(struct ask_run *run, struct trib_ask_answer *ret_answer,
		      struct trib_error *error)
{
	struct trib_ask_answer answer = { .limit = run->limit };
	struct trib_buffer filter;

	trib_buffer_init(&filter, TRIB_LIMIT_CEL_SOURCE_BYTES);
	add_filter(run, &filter);
	if (filter.failed) {
		trib_buffer_fini(&filter);
		return trib_fail(error, TRIB_LIMIT, "text",
				 "found more conditions than one filter may have");
	}
	answer.filter = ask_format(run->arena, "%s", trib_buffer_text(&filter));
	trib_buffer_fini(&filter);
	if (run->order.field) {
		answer.order_by = order_text(run);
		answer.descending = run->order.descending;
	}
	add_parts(run, &answer);
	trib_status status = ask_check(run->ask, &answer, error);

	if (status == TRIB_OK)
		*ret_answer = answer;
	return status;
}
