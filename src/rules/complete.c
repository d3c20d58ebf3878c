/* Completion by what stands before the cursor: a chain of names, or the beginning of a string. */
#include "rules/complete.h"

#include "expr/expr.h"
#include "proto/proto.h"
#include "rules/facts.h"

struct answer {
	struct trib_buffer *reply;
	uint32_t count;
};

static bool starts_with(const char *name, struct trib_bytes prefix)
{
	return strlen(name) >= prefix.size && (prefix.size == 0 || memcmp(name, prefix.data, prefix.size) == 0);
}

static void add_member(struct trib_buffer *reply, const char *name, const char *text)
{
	trib_buffer_add_format(reply, ",\"%s\":", name);
	trib_json_add_string(reply, trib_bytes_text(text));
}

static void add_item(struct answer *answer, const char *kind, const char *label, const char *type,
		     const char *insert, const char *doc)
{
	struct trib_buffer *reply = answer->reply;

	if (answer->count >= TRIB_COMPLETE_ITEMS_MAX)
		return;
	trib_buffer_add_text(reply, answer->count++ ? ",{\"label\":" : "{\"label\":");
	trib_json_add_string(reply, trib_bytes_text(label));
	add_member(reply, "kind", kind);
	add_member(reply, "type", type);
	add_member(reply, "insert", insert);
	add_member(reply, "doc", doc);
	trib_buffer_add_char(reply, '}');
}

/* ---- Signatures ------------------------------------------------------------------------------------------ */

/* The letter of expr/function.h for what a fact is. */
static char letter_of(enum trib_fact fact)
{
	static const char letters[] = {
		[TRIB_FACT_INT] = 'i',	    [TRIB_FACT_DOUBLE] = 'd', [TRIB_FACT_TIME] = 't',
		[TRIB_FACT_DURATION] = 'r', [TRIB_FACT_STRING] = 's', [TRIB_FACT_TAGS] = 'l',
		[TRIB_FACT_EXT] = 'M',	    [TRIB_FACT_BOOL] = 'b',   [TRIB_FACT_PATH] = 'l',
	};

	return letters[trib_fact_rows[fact].kind];
}

static const char *type_of_letter(char letter)
{
	switch (letter) {
	case 'b':
		return "bool";
	case 'i':
		return "int";
	case 'u':
		return "uint";
	case 'd':
		return "double";
	case 's':
		return "string";
	case 'y':
		return "bytes";
	case 't':
		return "timestamp";
	case 'r':
		return "duration";
	case 'l':
		return "list(string)";
	case 'L':
		return "list";
	case 'M':
		return "map";
	case 'T':
		return "type";
	default:
		return "dyn";
	}
}

/* One signature as people read it: "string.startsWith(string) → bool". Returns what follows it. */
static const char *write_signature(const char *next, const char *name, char text[160],
				   bool *ret_method, char *ret_receiver)
{
	const char *end = next + strcspn(next, " "), *colon = next + strcspn(next, ":");
	size_t size = 0;

	*ret_method = *next == '.';
	*ret_receiver = *ret_method ? next[1] : '\0';
	text[0] = '\0';
	if (*next == '*') {
		snprintf(text, 160, "%s(number …) → number", name);
		return end;
	}
	next += *ret_method;
	if (*ret_method)
		size += (size_t)snprintf(text, 160, "%s.", type_of_letter(*next++));
	size += (size_t)snprintf(text + size, 160 - size, "%s(", name);
	for (bool first = true; next < colon; next++, first = false)
		size += (size_t)snprintf(text + size, 160 - size, "%s%s", first ? "" : ", ",
					 type_of_letter(*next));
	snprintf(text + size, 160 - size, ") → %s", type_of_letter(colon[1]));
	return end;
}

/* May a method of this receiver be called on such a value? '\0': of whatever. */
static bool receives(char receiver, char letter)
{
	if (letter == '\0' || receiver == letter)
		return true;
	return (receiver == 'L' && letter == 'l') || receiver == 'A' || receiver == 'D';
}

/* `lead` is what stands before the name and is replaced with it: "goods.brand.". */
static void add_functions(struct answer *answer, struct trib_bytes lead, struct trib_bytes prefix,
			  bool methods, char letter)
{
	for (int function = TRIB_FN_SIZE; function < TRIB_FN_COUNT; function++) {
		const char *name = trib_expr_function_name((enum trib_expr_function)function);
		const char *next = trib_expr_function_signatures((enum trib_expr_function)function);
		char doc[160], insert[128];

		if (!starts_with(name, prefix))
			continue;
		for (; *next; next += *next == ' ') {
			bool method;
			char receiver;

			next = write_signature(next, name, doc, &method, &receiver);
			if (method != methods || (method && !receives(receiver, letter)))
				continue;
			snprintf(insert, sizeof(insert), TRIB_BYTES_FMT "%s(", TRIB_BYTES_ARG(lead),
				 name);
			add_item(answer, method ? "method" : "function", name,
				 strstr(doc, "→ ") + strlen("→ "), insert, doc);
			break;
		}
	}
}

/* ---- Names ------------------------------------------------------------------------------------------------- */

static const struct word {
	const char *label, *kind, *type, *insert, *doc;
} words[] = {
	{ "has", "macro", "bool", "has(", "has(fact), has(group): was it stated?" },
	{ "true", "keyword", "bool", "true", "" },
	{ "false", "keyword", "bool", "false", "" },
	{ "in", "keyword", "bool", "in ", "value in list, key in map" },
};

static const struct word list_words[] = {
	{ "all", "macro", "bool", "all(", "list.all(x, condition)" },
	{ "exists", "macro", "bool", "exists(", "list.exists(x, condition)" },
	{ "exists_one", "macro", "bool", "exists_one(", "list.exists_one(x, condition)" },
	{ "filter", "macro", "list", "filter(", "list.filter(x, condition)" },
	{ "map", "macro", "list", "map(", "list.map(x, expression)" },
};

static void add_words(struct answer *answer, const struct word *list, size_t count,
		      struct trib_bytes lead, struct trib_bytes prefix)
{
	for (size_t i = 0; i < count; i++) {
		char insert[128];

		if (!starts_with(list[i].label, prefix))
			continue;
		snprintf(insert, sizeof(insert), TRIB_BYTES_FMT "%s", TRIB_BYTES_ARG(lead),
			 list[i].insert);
		add_item(answer, list[i].kind, list[i].label, list[i].type, insert, list[i].doc);
	}
}

static void add_facts(struct answer *answer, struct trib_bytes prefix)
{
	for (int fact = 1; fact < TRIB_FACTS; fact++) {
		const struct trib_fact_row *row = &trib_fact_rows[fact];

		if (starts_with(row->name, prefix))
			add_item(answer, "fact", row->name,
				 trib_fact_type_name((enum trib_fact)fact), row->name, row->doc);
	}
}

/* ---- The text before the cursor ---------------------------------------------------------------------------- */

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

/* Where the chain of names that ends at `end` begins. */
static size_t chain_start(struct trib_bytes text, size_t end)
{
	while (end && is_name(text.data[end - 1]))
		end--;
	return end;
}

/* Behind the quote of a string that is still open at the end of text; 0: none is. */
static size_t open_string(struct trib_bytes text)
{
	size_t open = 0;
	char quote = '\0';

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (quote && c == '\\')
			i++;
		else if (quote && c == quote)
			quote = '\0';
		else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
			open = i + 1;
		}
	}
	return quote ? open : 0;
}

static size_t skip_spaces_back(struct trib_bytes text, size_t end)
{
	while (end && (text.data[end - 1] == ' ' || text.data[end - 1] == '\n' ||
		       text.data[end - 1] == '\t'))
		end--;
	return end;
}

/* The fact that is compared with what begins at `end`: fact == …, fact != …, fact in [ 'a', … */
static enum trib_fact compared_fact(struct trib_bytes text, size_t end)
{
	size_t start;

	end = skip_spaces_back(text, end);
	/* Out of a list: back to its bracket, strings on the way being passed over. */
	if (end && (text.data[end - 1] == ',' || text.data[end - 1] == '[')) {
		while (end && text.data[end - 1] != '[')
			end--;
		end = end ? skip_spaces_back(text, end - 1) : 0;
		if (end < 2 || memcmp(text.data + end - 2, "in", 2) != 0)
			return TRIB_FACT_NONE;
		end = skip_spaces_back(text, end - 2);
	} else if (end >= 2 && text.data[end - 1] == '=' &&
		   (text.data[end - 2] == '=' || text.data[end - 2] == '!')) {
		end = skip_spaces_back(text, end - 2);
	} else {
		return TRIB_FACT_NONE;
	}
	start = chain_start(text, end);
	return trib_fact_find(trib_bytes(text.data + start, end - start));
}

/* The words of a fact that begin with prefix, in quotes where none is open. */
static void add_fact_words(struct answer *answer, enum trib_fact fact, struct trib_bytes prefix,
			   bool quoted)
{
	for (const char *p = trib_fact_rows[fact].words; *p; p += strcspn(p, "|"), p += *p == '|') {
		char label[64], insert[66];

		snprintf(label, sizeof(label), "%.*s", (int)strcspn(p, "|"), p);
		snprintf(insert, sizeof(insert), "'%s'", label);
		if (starts_with(label, prefix))
			add_item(answer, "word", label, "string", quoted ? insert : label,
				 trib_fact_rows[fact].doc);
	}
}

/* fact.prefix: methods of what the fact before the last dot is, if it is one. */
static void add_methods_of_fact(struct answer *answer, struct trib_bytes chain, size_t dot)
{
	enum trib_fact fact = trib_fact_find(trib_bytes(chain.data, dot));
	struct trib_bytes lead = trib_bytes(chain.data, dot + 1);
	struct trib_bytes prefix = trib_bytes(chain.data + dot + 1, chain.size - dot - 1);

	if (fact == TRIB_FACT_NONE)
		return;
	add_functions(answer, lead, prefix, true, letter_of(fact));
	if (letter_of(fact) == 'l' || letter_of(fact) == 'M')
		add_words(answer, list_words, TRIB_ARRAY_SIZE(list_words), lead, prefix);
}

/* Returns where the part that is to be replaced begins. */
static size_t complete_chain(struct answer *answer, struct trib_bytes text)
{
	size_t start = chain_start(text, text.size), dot = text.size;
	struct trib_bytes chain = trib_bytes(text.data + start, text.size - start),
			  none = { "", 0 };

	while (dot > start && text.data[dot - 1] != '.')
		dot--;
	/* A call's result, an index: anything that has methods. */
	if (chain.size && chain.data[0] == '.') {
		struct trib_bytes prefix = trib_bytes(text.data + dot, text.size - dot);

		add_functions(answer, none, prefix, true, '\0');
		add_words(answer, list_words, TRIB_ARRAY_SIZE(list_words), none, prefix);
		return dot;
	}
	enum trib_fact fact = compared_fact(text, start);

	if (fact)
		add_fact_words(answer, fact, chain, true);
	add_facts(answer, chain);
	add_words(answer, words, TRIB_ARRAY_SIZE(words), none, chain);
	add_functions(answer, none, chain, false, '\0');
	if (dot > start)
		add_methods_of_fact(answer, chain, dot - 1 - start);
	return start;
}

static size_t characters(struct trib_bytes text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.size; i++)
		count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
	return count;
}

/* The bytes before a character. */
static struct trib_bytes before(struct trib_bytes text, size_t cursor)
{
	size_t size = 0;

	for (; size < text.size; size++)
		if (((unsigned char)text.data[size] & 0xc0) != 0x80 && cursor-- == 0)
			break;
	return trib_bytes(text.data, size);
}

void trib_rules_complete(struct trib_bytes text, size_t cursor, struct trib_buffer *reply)
{
	struct trib_buffer items;
	struct answer answer = { .reply = &items };
	size_t from;

	text = before(text, cursor);
	from = open_string(text);
	trib_buffer_init(&items, 1 << 20);
	if (from) {
		enum trib_fact fact = compared_fact(text, from - 1);

		if (fact)
			add_fact_words(&answer, fact,
				       trib_bytes(text.data + from, text.size - from), false);
	} else {
		from = complete_chain(&answer, text);
	}
	trib_buffer_add_format(reply, "{\"from\":%zu,\"to\":%zu,\"items\":[",
			       characters(trib_bytes(text.data, from)), characters(text));
	trib_buffer_add_bytes(reply, trib_buffer_bytes(&items));
	trib_buffer_add_text(reply, "]}");
	trib_buffer_fini(&items);
}
