/* Patterns over the classes of tokens, and what each of them says; see ask_private.h. */
#include "select/ask_private.h"

enum { NONE = UINT32_MAX, SLOTS = 10, HOURS_MAX = 720 };

struct match {
	uint32_t count, end; /* tokens matched; the token behind the last */
	uint32_t token[SLOTS];
	const struct ask_meaning *meaning[SLOTS];
};

static const struct ask_meaning *slot(const struct match *match, char class)
{
	for (uint32_t i = 0; i < match->count; i++)
		if (match->meaning[i]->class == class)
			return match->meaning[i];
	return NULL;
}

static const struct ask_token *token_as(const struct ask_run *run, const struct match *match,
					char class)
{
	for (uint32_t i = 0; i < match->count; i++)
		if (match->meaning[i]->class == class)
			return &run->text.tokens[match->token[i]];
	return NULL;
}

/* The n-th number of a match. */
static const struct ask_token *number_of(const struct ask_run *run, const struct match *match,
					 uint32_t n)
{
	for (uint32_t i = 0; i < match->count; i++)
		if (match->meaning[i]->class == 'N' && n-- == 0)
			return &run->text.tokens[match->token[i]];
	return NULL;
}

static bool is_small(const struct ask_token *token)
{
	return ask_token_as(token, '.') || ask_token_as(token, '"');
}

static void not_understood(struct ask_run *run, uint32_t first, uint32_t last, const char *why)
{
	for (uint32_t i = first; i <= last; i++)
		run->why[i] = why;
}

/* ---- What is left over ---------------------------------------------------------------------------- */

static struct ask_term *push_term(struct ask_run *run, struct ask_term term, uint32_t first,
				  uint32_t last)
{
	const struct ask_term *before =
		run->term_count > run->clause ? &run->terms[run->term_count - 1] : NULL;

	term.link = run->link;
	term.time = NONE;
	term.first = first;
	term.last = last;
	if (run->not_token != NONE) {
		term.negated = !term.negated;
		term.first = run->not_token;
	} else if (before && before->negated && before->form == term.form &&
		   before->field == term.field && term.form != ASK_COMPARE &&
		   (term.link == '&' || term.link == '|')) {
		term.negated = true; /* not A and B: neither of them */
	}
	run->not_token = NONE;
	run->link = ' ';
	run->terms[run->term_count] = term;
	return &run->terms[run->term_count++];
}

/* Letters that nobody knows become words of the title; numbers among them, too. */
static void flush(struct ask_run *run, uint32_t end)
{
	const struct ask_token *tokens = run->text.tokens;
	uint32_t first = run->left_over;
	bool words = false;

	if (first == NONE)
		return;
	run->left_over = NONE;
	for (uint32_t i = first; i < end; i++)
		words = words || !ask_token_as(&tokens[i], 'N');
	if (!words) {
		not_understood(run, first, end - 1, "a number, and nothing that it is of");
		return;
	}
	struct trib_bytes text = trib_bytes(run->text.data + tokens[first].from,
					    tokens[end - 1].to - tokens[first].from);

	push_term(run,
		  (struct ask_term){ .form = ASK_WORDS, .field = run->ask->title, .code = text },
		  first, end - 1);
}

static struct ask_term *add_term(struct ask_run *run, struct ask_term term,
				 const struct match *match)
{
	flush(run, match->token[0]);
	return push_term(run, term, match->token[0], match->end - 1);
}

/* ---- Times ---------------------------------------------------------------------------------------- */

/* A field with the time that stands before it: sales of seven days are orders_7d. The token of the time, or NONE. */
static uint32_t take_time(struct ask_run *run, const struct ask_field **field, uint32_t *hours)
{
	uint32_t taken = NONE;

	if (run->time_token != NONE && (*field)->recent) {
		uint32_t asked = ask_token_as(&run->text.tokens[run->time_token], 'P')->hours;

		if (asked <= HOURS_MAX) {
			*hours = asked;
			taken = run->time_token;
		} else {
			not_understood(run, run->time_token, run->time_token,
				       "counts reach back 30 days");
		}
		run->time_token = NONE;
	}
	if (*hours && (*field)->recent)
		*field = (*field)->recent;
	return taken;
}

/* A time behind its field, or of nothing. */
static void settle_time(struct ask_run *run)
{
	uint32_t token = run->time_token;

	if (token == NONE)
		return;
	struct ask_term *last =
		run->term_count > run->clause ? &run->terms[run->term_count - 1] : NULL;

	if (last && last->form == ASK_COMPARE && last->field->recent && !last->hours)
		last->time = take_time(run, &last->field, &last->hours);
	else if (run->order.field && run->order.first >= run->clause_token &&
		 run->order.field->recent && !run->order.hours)
		run->order.time = take_time(run, &run->order.field, &run->order.hours);
	else
		not_understood(run, token, token, "a time, and nothing that it is of");
	run->time_token = NONE;
}

static bool time_waits(struct ask_run *run, const struct match *match)
{
	flush(run, match->token[0]);
	settle_time(run);
	run->time_token = match->token[0];
	return true;
}

static bool listing(struct ask_run *run, const struct match *match)
{
	const struct ask_meaning *time = slot(match, 'P');

	add_term(
		run,
		(struct ask_term){ .form = ASK_PIECE,
				   .field = run->ask->listed_at,
				   .code = ask_format(run->arena, "%s >= now() - duration(\"%uh\")",
						      run->ask->listed_at->name,
						      time ? time->hours : HOURS_MAX) },
		match);
	return true;
}

/* ---- Comparisons ---------------------------------------------------------------------------------- */

/* A number as a literal of a field; false: it cannot be one of it. */
static bool literal(const struct ask_run *run, const struct ask_field *field, int64_t number,
		    uint8_t unit, struct trib_bytes *ret_literal)
{
	int64_t value = number;

	switch (field->kind) {
	case ASK_MONEY:
		if (unit != ASK_UNIT_NONE && unit != ASK_UNIT_MONEY)
			return false;
		value = (number + 50) / 100;
		break;
	case ASK_RATE:
		if (unit != ASK_UNIT_NONE && unit != ASK_UNIT_PERCENT && unit != ASK_UNIT_TENTH)
			return false;
		value = (unit == ASK_UNIT_TENTH ? number * 10 : number) / 100;
		break;
	case ASK_COUNT:
		if ((unit != ASK_UNIT_NONE && unit != ASK_UNIT_GOODS && unit != ASK_UNIT_COUNT) ||
		    number % ASK_NUMBER_UNIT)
			return false;
		value = number / ASK_NUMBER_UNIT;
		break;
	case ASK_DECIMAL:
		if (unit != ASK_UNIT_NONE && unit != ASK_UNIT_STAR)
			return false;
		*ret_literal =
			ask_format(run->arena, "%lld.%04lld", (long long)(number / ASK_NUMBER_UNIT),
				   (long long)(number % ASK_NUMBER_UNIT));
		while (ret_literal->data[ret_literal->size - 1] == '0' &&
		       ret_literal->data[ret_literal->size - 2] != '.')
			ret_literal->size--;
		return true;
	default:
		return false;
	}
	*ret_literal = ask_format(run->arena, "%lld", (long long)value);
	return true;
}

static const struct ask_field *unnamed_field(const struct trib_ask *ask, uint8_t unit,
					     bool compared)
{
	switch (unit) {
	case ASK_UNIT_NONE:
		return compared ? ask->price : NULL;
	case ASK_UNIT_MONEY:
		return ask->price;
	case ASK_UNIT_PERCENT:
	case ASK_UNIT_TENTH:
		return ask->commission;
	case ASK_UNIT_STAR:
		return ask->rating;
	default:
		return NULL;
	}
}

/* Field, comparison and one or two numbers, in whatever order the pattern had them. */
static bool compare(struct ask_run *run, const struct match *match)
{
	const struct ask_meaning *named = slot(match, 'F'), *to = slot(match, 'R'),
				 *about = slot(match, 'Z');
	const struct ask_meaning *op = slot(match, 'B') ? slot(match, 'B') : slot(match, 'A');
	const struct ask_token *first = number_of(run, match, 0),
			       *second = number_of(run, match, 1);
	uint8_t unit = first->unit || !second ? first->unit : second->unit;
	int64_t low = first->low, high = second ? second->high : first->high;
	struct ask_term term = { .form = ASK_COMPARE, .negated = slot(match, '!') != NULL };

	term.field = named ? named->field
			   : unnamed_field(run->ask, unit, op || to || about || low != high);
	term.hours = named ? named->hours : 0;
	if (!term.field)
		return false;
	if (second && first->scale == 1 && !first->unit && second->scale > 1 &&
	    low < high / second->scale)
		low *= second->scale; /* 3到5万 */
	if (about) {
		low -= low / 10;
		high += high / 10;
	}
	/* "and" alone is no range: 500 orders and 100 reviews. */
	if (low > high || (to && ask_token_as(token_as(run, match, 'R'), '&') &&
			   !slot(match, 'W') && !slot(match, 'M')))
		return false;
	if (!literal(run, term.field, low, unit, &term.low) ||
	    !literal(run, term.field, high, unit, &term.high))
		return false;
	term.low_op = ASK_GE;
	term.high_op = ASK_LE;
	term.has_low = term.has_high = low != high;
	if ((op && !second) || low == high) {
		enum ask_op one = op ? (enum ask_op)op->number : term.field->bare;

		term.has_low = one == ASK_EQ || one == ASK_GT || one == ASK_GE;
		term.has_high = !term.has_low;
		term.low_op = term.high_op = one;
	}
	flush(run, match->token[0]);
	uint32_t time = take_time(run, &term.field, &term.hours);

	add_term(run, term, match)->time = time;
	return true;
}

/* "The chart's first ten": 1 to 10. */
static bool rank(struct ask_run *run, const struct match *match)
{
	const struct ask_field *field = slot(match, 'F')->field;
	struct ask_term term = { .form = ASK_COMPARE,
				 .field = field,
				 .low_op = ASK_GE,
				 .high_op = ASK_LE,
				 .has_low = true,
				 .has_high = true,
				 .low = trib_bytes("1", 1) };

	if (!field->rank ||
	    !literal(run, field, number_of(run, match, 0)->high, ASK_UNIT_NONE, &term.high))
		return false;
	add_term(run, term, match);
	return true;
}

/* ---- Orders and limits ---------------------------------------------------------------------------- */

static bool set_order(struct ask_run *run, struct ask_order order, const struct match *match)
{
	flush(run, match->token[0]);
	order.first = match->token[0];
	order.last = match->end - 1;
	if (run->order.field && (order.weak || !run->order.weak)) {
		not_understood(run, order.first, order.last, "a second order");
		return true;
	}
	if (run->order.field)
		not_understood(run, run->order.first, run->order.last, "a second order");
	order.time = take_time(run, &order.field, &order.hours);
	run->order = order;
	run->not_token = NONE; /* 不要…最便宜: nothing to negate */
	return true;
}

static bool order_by(struct ask_run *run, const struct match *match)
{
	const struct ask_meaning *named = slot(match, 'F');
	const struct ask_field *field = named->field;
	bool down = slot(match, 'S') || slot(match, 'H'), up = slot(match, 's') || slot(match, 'h');

	if (field->kind < ASK_MONEY || field->kind == ASK_VIRTUAL)
		return false;
	return set_order(run,
			 (struct ask_order){ .field = field,
					     .hours = named->hours,
					     .descending = down || (!up && !field->low_first),
					     .weak = !slot(match, 'y') && !slot(match, 'Y') &&
						     (slot(match, 'H') || slot(match, 'h')) },
			 match);
}

static bool set_limit(struct ask_run *run, uint32_t first, uint32_t last,
		      const struct ask_token *number)
{
	int64_t count = number->high / ASK_NUMBER_UNIT;

	if ((number->unit != ASK_UNIT_NONE && number->unit != ASK_UNIT_GOODS &&
	     number->unit != ASK_UNIT_COUNT) ||
	    number->high % ASK_NUMBER_UNIT || count < 1 || count > UINT32_MAX)
		return false;
	flush(run, first);
	if (run->limit) {
		not_understood(run, first, last, "a second limit");
		return true;
	}
	run->limit = (uint32_t)count;
	run->limit_first = first;
	run->limit_last = last;
	return true;
}

static bool limit(struct ask_run *run, const struct match *match)
{
	const struct ask_token *number = number_of(run, match, 0);

	if (match->count == 1 && number->unit != ASK_UNIT_GOODS)
		return false;
	return set_limit(run, match->token[0], match->end - 1, number);
}

/* "The first ten by sales". */
static bool order_and_limit(struct ask_run *run, const struct match *match)
{
	struct match field = *match;

	field.count = 1;
	field.end = match->token[0] + 1;
	if (slot(match, 'F')->field->rank)
		return rank(run, match);
	return order_by(run, &field) &&
	       set_limit(run, field.end, match->end - 1, number_of(run, match, 0));
}

/* ---- Values, phrases, fields alone ---------------------------------------------------------------- */

static bool value(struct ask_run *run, const struct match *match)
{
	const struct ask_meaning *meaning = slot(match, 'V');

	meaning = meaning ? meaning : slot(match, 'I');
	add_term(
		run,
		(struct ask_term){ .form = ASK_IS, .field = meaning->field, .code = meaning->code },
		match);
	return true;
}

static bool region(struct ask_run *run, const struct match *match)
{
	const struct ask_meaning *meaning = slot(match, 'G');
	bool made = slot(match, 'o') != NULL, stock = run->stock_next && !made;

	add_term(run,
		 (struct ask_term){ .form = ASK_IS,
				    .field = stock ? run->ask->stock_regions : meaning->field,
				    .code = meaning->code,
				    .fixed = made || stock },
		 match);
	run->stock_next = stock;
	return true;
}

/* "In stock": in the regions before it, in those that follow, or anywhere. */
static bool in_stock(struct ask_run *run, const struct match *match)
{
	uint32_t next = match->end;

	flush(run, match->token[0]);
	struct ask_term *last =
		run->term_count > run->clause ? &run->terms[run->term_count - 1] : NULL;

	if (last && last->form == ASK_IS && !last->fixed && !strcmp(last->field->name, "origin") &&
	    run->not_token == NONE) {
		last->last = match->end - 1;
		for (struct ask_term *term = last;
		     term >= run->terms + run->clause && term->form == ASK_IS && !term->fixed &&
		     term->field == last->field;
		     term--)
			if (term != last)
				term->field = run->ask->stock_regions;
		last->field = run->ask->stock_regions;
		return true;
	}
	while (next < run->text.count && is_small(&run->text.tokens[next]) &&
	       !ask_token_as(&run->text.tokens[next], 'G'))
		next++;
	if (next < run->text.count && ask_token_as(&run->text.tokens[next], 'G')) {
		run->stock_next = true;
		return true;
	}
	add_term(run,
		 (struct ask_term){ .form = ASK_PIECE,
				    .field = run->ask->stock,
				    .code = trib_bytes_text(run->ask->stock->alone) },
		 match);
	return true;
}

static bool phrase(struct ask_run *run, const struct match *match)
{
	const struct ask_phrase *says = slot(match, 'X')->phrase;

	if (says->order)
		return set_order(run,
				 (struct ask_order){ .field = says->order,
						     .descending = says->descending,
						     .weak = says->weak && !slot(match, 'y') &&
							     !slot(match, 'Y') },
				 match);
	struct trib_bytes cel = trib_bytes_text(says->filter);
	const char *creator = strstr(says->filter, "{creator}");

	if (creator && !run->request->creator.size) {
		flush(run, match->token[0]);
		not_understood(run, match->token[0], match->end - 1,
			       "the request names no creator");
		return true;
	}
	if (creator) {
		struct trib_bytes name = ask_quote(run->arena, run->request->creator);

		cel = ask_format(run->arena, "%.*s%.*s%s", (int)(creator - says->filter),
				 says->filter, TRIB_BYTES_ARG(name), creator + strlen("{creator}"));
	}
	add_term(run, (struct ask_term){ .form = ASK_PIECE, .code = cel }, match);
	return true;
}

/* A field alone says something of its own, or belongs to what was just said of it. */
static bool field_alone(struct ask_run *run, const struct match *match)
{
	const struct ask_field *field = slot(match, 'F')->field;
	struct ask_term *last =
		run->term_count > run->clause ? &run->terms[run->term_count - 1] : NULL;

	if (field->alone) {
		add_term(run,
			 (struct ask_term){ .form = ASK_PIECE,
					    .field = field,
					    .code = trib_bytes_text(field->alone) },
			 match);
		return true;
	}
	if (!last || last->field != field || run->left_over != NONE)
		return false;
	last->last = match->end - 1;
	return true;
}

/* ---- The table ------------------------------------------------------------------------------------ */

/* [xy] one of these, ? may be missing, ^ none of these may follow. Small words may stand between. The longest wins, then
 * the first. */
static const struct {
	const char *pattern;
	bool (*says)(struct ask_run *run,
		     const struct match *match); /* false: not that, after all */
} patterns[] = {
	{ "FTN", order_and_limit },
	{ "TNF", rank },
	{ "TN^[ARZ]", limit },
	{ "vN^[ARZF]", limit },
	{ "N^[ARZF]", limit },
	{ "F!?BNA?", compare },
	{ "FW?NRN[MA]?", compare },
	{ "FNA", compare },
	{ "FNZ", compare },
	{ "FZN", compare },
	{ "FN", compare },
	{ "BFN", compare },
	{ "!?BNF^[NB]", compare },
	{ "!?BNA?", compare },
	{ "NAF^[NB]", compare },
	{ "NA", compare },
	{ "W?NRN[MA]?F^[NB]", compare },
	{ "W?NRN[MA]?", compare },
	{ "ZNF^[NB]", compare },
	{ "ZN", compare },
	{ "NZ", compare },
	{ "NF^[NBSs]", compare },
	{ "N", compare },
	{ "Y?F[SsHh]y?", order_by },
	{ "[Ss]F^[NB]", order_by },
	{ "YFy?", order_by },
	{ "Fy", order_by },
	{ "PL", listing },
	{ "LP", listing },
	{ "Pn", listing },
	{ "nP", listing },
	{ "Ln", listing },
	{ "n", listing },
	{ "P", time_waits },
	{ "Y?Xy?", phrase },
	{ "oG", region },
	{ "Go", region },
	{ "G", region },
	{ "V", value },
	{ "Ip", value },
	{ "pI", value },
	{ "I", value },
	{ "k", in_stock },
	{ "F", field_alone },
};

/* The class of the set that a token has, as a meaning. */
static const struct ask_meaning *token_of(const struct ask_token *token, const char *set,
					  size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const struct ask_meaning *meaning = ask_token_as(token, set[i]);

		if (meaning)
			return meaning;
	}
	return NULL;
}

static uint32_t skip_small(const struct ask_run *run, uint32_t at, const char *set, size_t size)
{
	while (at < run->text.count && is_small(&run->text.tokens[at]) &&
	       !token_of(&run->text.tokens[at], set, size))
		at++;
	return at;
}

static bool matches(const struct ask_run *run, const char *pattern, uint32_t at,
		    struct match *match)
{
	match->count = 0;
	match->end = at;
	while (*pattern) {
		bool none = *pattern == '^', optional;
		const char *set = pattern += none;
		size_t size = 1;

		if (*pattern == '[') {
			set = ++pattern;
			size = strcspn(set, "]");
			pattern += size;
		}
		pattern++;
		optional = *pattern == '?';
		pattern += optional;
		uint32_t next = match->count || none ? skip_small(run, match->end, set, size) : at;
		const struct ask_meaning *meaning =
			next < run->text.count ? token_of(&run->text.tokens[next], set, size)
					       : NULL;

		if (none)
			return !meaning;
		if (!meaning && !optional)
			return false;
		if (meaning) {
			match->token[match->count] = next;
			match->meaning[match->count++] = meaning;
			match->end = next + 1;
		}
	}
	return true;
}

/* The longest pattern that says something here; false: none does. */
static bool apply(struct ask_run *run, uint32_t at, uint32_t *ret_end)
{
	uint32_t ends[TRIB_ARRAY_SIZE(patterns)];
	struct match match;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(patterns); i++)
		ends[i] = matches(run, patterns[i].pattern, at, &match) ? match.end : 0;
	for (;;) {
		size_t best = 0;

		for (size_t i = 1; i < TRIB_ARRAY_SIZE(patterns); i++)
			if (ends[i] > ends[best])
				best = i;
		if (!ends[best])
			return false;
		matches(run, patterns[best].pattern, at, &match);
		if (patterns[best].says(run, &match)) {
			*ret_end = match.end;
			return true;
		}
		ends[best] = 0;
	}
}

/* ---- The pass ------------------------------------------------------------------------------------- */

static void end_clause(struct ask_run *run, uint32_t at)
{
	flush(run, at);
	settle_time(run);
	if (run->not_token != NONE)
		not_understood(run, run->not_token, run->not_token, "a negation of nothing");
	run->not_token = NONE;
	run->stock_next = false;
	run->link = ',';
	run->clause = run->term_count;
	run->clause_token = at + 1;
}

/* "Not": of what follows; at the end of a clause, or right behind a term and before a space, of what stands before. */
static void negate(struct ask_run *run, uint32_t at)
{
	const struct ask_token *tokens = run->text.tokens;
	uint32_t next = at + 1;

	flush(run, at);
	while (next < run->text.count && is_small(&tokens[next]))
		next++;
	bool ends = next >= run->text.count || ask_token_as(&tokens[next], ',');
	bool behind = at > 0 && !tokens[at].space && at + 1 < run->text.count &&
		      tokens[at + 1].space && (unsigned char)run->text.data[tokens[at].from] >= 128;

	if ((!ends && !behind) || run->term_count == run->clause) {
		run->not_token = at;
		return;
	}
	struct ask_term *term = &run->terms[run->term_count - 1];

	term->last = at;
	for (;; term--) {
		term->negated = !term->negated;
		if (term->form != ASK_IS || term == run->terms + run->clause ||
		    (term->link != '&' && term->link != '|') || term[-1].form != ASK_IS ||
		    term[-1].field != term->field)
			break;
	}
}

/* A single character such as 可 or 高 that stands in a word nobody knows: 可乐, 高跟鞋. */
static bool inside_word(const struct ask_run *run, uint32_t at)
{
	const struct ask_token *token = &run->text.tokens[at], *next = token + 1;
	const struct ask_meaning *small = ask_token_as(token, '.');

	if (token->to - token->from > 4 || (unsigned char)run->text.data[token->from] < 128 ||
	    (small && small->number == ASK_PARTICLE))
		return false;
	if (ask_token_as(token, '|') || ask_token_as(token, '&'))
		return run->term_count == run->clause && run->left_over == NONE; /* 和田玉 */
	if (ask_token_as(token, 'v') && run->term_count == run->clause && run->left_over == NONE)
		return false;
	return at + 1 < run->text.count && !next->space && ask_token_as(next, 'w');
}

/* A token that no pattern begins with. */
static void single(struct ask_run *run, uint32_t at)
{
	const struct ask_token *token = &run->text.tokens[at];
	bool one =
		token->to - token->from <= 4 && (unsigned char)run->text.data[token->from] >= 128;

	if (ask_token_as(token, ',')) {
		end_clause(run, at);
	} else if (inside_word(run, at) || ask_token_as(token, 'w') || ask_token_as(token, 'N')) {
		run->left_over = run->left_over == NONE ? at : run->left_over;
	} else if (ask_token_as(token, '!')) {
		negate(run, at);
	} else if (ask_token_as(token, '|') || ask_token_as(token, '&')) {
		flush(run, at);
		if (run->term_count > run->clause || run->link == ',')
			run->link = ask_token_as(token, '|') ? '|' : '&';
	} else if (is_small(token) || token_of(token, "vtopWZMk", 8)) {
		flush(run, at);
	} else if (one) {
		run->left_over = run->left_over == NONE ? at : run->left_over;
	} else {
		flush(run, at);
		not_understood(run, at, at, "a word of comparison, and nothing that it compares");
	}
}

void ask_match(struct ask_run *run)
{
	uint32_t next;

	run->left_over = run->not_token = run->time_token = NONE;
	run->link = ',';
	for (uint32_t at = 0; at < run->text.count; at = next) {
		next = at + 1;
		if (inside_word(run, at) || !apply(run, at, &next))
			single(run, at);
	}
	end_clause(run, run->text.count);
}
