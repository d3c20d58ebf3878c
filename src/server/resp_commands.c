/* The RESP commands: arguments in, replies out. One table names them all; COMMAND is made from it. */
#include "server/resp_client.h"

#include <ctype.h>
#include <inttypes.h>
#include <strings.h>
#include <unistd.h>

typedef void command_fn(struct resp_client *client, const struct trib_bytes *args, size_t n);

/* X(NAME, function, arity (negative: at least), flags) */
#define COMMAND_TABLE(X)                                                                           \
	X("ATTRIBUTE", command_attribute, -6, "write")                                             \
	X("ORDER", command_order, -3, "write")                                                     \
	X("REFUND", command_refund, -5, "write")                                                   \
	X("REVIEW", command_review, -3, "write")                                                   \
	X("TOUCH", command_touch, -3, "write")                                                     \
	X("LINK", command_link, -4, "write")                                                       \
	X("TRACK", command_track, 2, "readonly")                                                   \
	X("RECORD", command_record, 2, "write")                                                    \
	X("SNAPSHOT", command_snapshot, 2, "readonly")                                             \
	X("EXPLAIN", command_explain, 2, "readonly")                                               \
	X("SHELF", command_shelf, -3, "readonly")                                                  \
	X("SHELVE", command_shelve, -4, "write")                                                   \
	X("UNSHELVE", command_unshelve, -4, "write")                                               \
	X("SHELFORDER", command_shelf_order, -4, "write")                                          \
	X("SHELFCLEAR", command_shelf_clear, 3, "write")                                           \
	X("SHELFCOUNT", command_shelf_count, 2, "readonly")                                        \
	X("PING", command_ping, -1, "fast")                                                        \
	X("ECHO", command_echo, 2, "fast")                                                         \
	X("HELLO", command_hello, -1, "noauth")                                                    \
	X("AUTH", command_auth, -2, "noauth")                                                      \
	X("CLIENT", command_client, -2, "noscript")                                                \
	X("COMMAND", command_command, -1, "loading")                                               \
	X("INFO", command_info, -1, "loading")                                                     \
	X("SELECT", command_select, 2, "fast")                                                     \
	X("QUIT", command_quit, -1, "noauth")

#define X(name, function, arity, flags) static command_fn function;
COMMAND_TABLE(X)
#undef X

static const struct command {
	const char *name;
	command_fn *run;
	int arity;
	const char *flags;
} commands[] = {
#define X(name, function, arity, flags) { name, function, arity, flags },
	COMMAND_TABLE(X)
#undef X
};

static bool word_is(struct trib_bytes arg, const char *word)
{
	return arg.size == strlen(word) && strncasecmp(arg.data, word, arg.size) == 0;
}

/* --- Options ------------------------------------------------------------------------------------------ */

/* What may stand behind the fixed arguments of LINK, TOUCH and ATTRIBUTE. */
enum option {
	OPTION_AT = 1 << 0,
	OPTION_QTY = 1 << 1,
	OPTION_SCENE = 1 << 2,
	OPTION_CARRIER = 1 << 3,
	OPTION_PAGE = 1 << 4,
	OPTION_EXT = 1 << 5,
	OPTION_BRIEF = 1 << 6,
	OPTION_KIND = 1 << 7,
	OPTION_OFFER = 1 << 8,
	OPTION_AMOUNTS = 1 << 9,
	OPTION_REASON = 1 << 20,
	OPTION_BASE = 1 << 21,
	OPTION_BY = 1 << 22,
};

struct options {
	unsigned given;
	int64_t at_ms, qty, base_amount;
	int64_t amounts[TRIB_AMOUNTS];
	struct trib_bytes scene, page, offer, reason, by;
	enum trib_touch_kind kind;
	struct trib_carrier_request carrier;
	uint32_t n_ext;
	struct trib_ext_pair ext[TRIB_LIMIT_EXT_PAIRS];
};

static const struct option_row {
	const char *word;
	enum option option;
	size_t arguments; /* SIZE_MAX: pairs up to the end */
} option_rows[] = {
	{ "AT", OPTION_AT, 1 },		  { "QTY", OPTION_QTY, 1 },   { "SCENE", OPTION_SCENE, 1 },
	{ "CARRIER", OPTION_CARRIER, 3 }, { "PAGE", OPTION_PAGE, 1 }, { "BRIEF", OPTION_BRIEF, 0 },
	{ "KIND", OPTION_KIND, 1 },	  { "OFFER", OPTION_OFFER, 1 }, { "EXT", OPTION_EXT, SIZE_MAX },
	{ "AMOUNTS", OPTION_AMOUNTS, TRIB_AMOUNTS },
	{ "REASON", OPTION_REASON, 1 },	  { "BASE", OPTION_BASE, 1 },
	{ "BY", OPTION_BY, 1 },
};

static trib_status take_number(struct trib_bytes arg, const char *at, int64_t low, int64_t *ret_number,
			       struct trib_error *error)
{
	if (trib_bytes_to_i64(arg, ret_number) && *ret_number >= low)
		return TRIB_OK;
	return trib_fail(error, TRIB_INVALID, at, "found \"%.*s\", expected an integer of at least %" PRId64,
			 (int)TRIB_MIN(arg.size, (size_t)32), arg.data, low);
}

static trib_status take_amounts(const struct trib_bytes *args, int64_t ret_amounts[TRIB_AMOUNTS],
				struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; status == TRIB_OK && i < TRIB_AMOUNTS; i++)
		status = take_number(args[i], trib_amount_word((enum trib_amount)i), 0, &ret_amounts[i], error);
	return status;
}

/* Pairs run to the end of the command: any word may be a name. */
static trib_status take_ext(const struct trib_bytes *args, size_t n, struct options *options, size_t *ret_used,
			    struct trib_error *error)
{
	size_t bytes = 0, i = 0;

	for (; i + 1 < n; i += 2) {
		if (options->n_ext == TRIB_LIMIT_EXT_PAIRS)
			return trib_fail(error, TRIB_INVALID, "EXT", "found more pairs, expected at most %d", TRIB_LIMIT_EXT_PAIRS);
		if (args[i].size == 0 || !trib_utf8_valid(args[i]) || !trib_utf8_valid(args[i + 1]))
			return trib_fail(error, TRIB_INVALID, "EXT", "found %s, expected names of one byte or more, in UTF-8",
					 args[i].size ? "other bytes" : "an empty name");
		bytes += args[i].size + args[i + 1].size;
		options->ext[options->n_ext++] = (struct trib_ext_pair){ args[i], args[i + 1] };
	}
	if (bytes > TRIB_LIMIT_EXT_BYTES)
		return trib_fail(error, TRIB_INVALID, "EXT", "found %zu bytes, expected at most %d", bytes,
				 TRIB_LIMIT_EXT_BYTES);
	*ret_used = i;
	return TRIB_OK;
}

static trib_status take_option(const struct option_row *row, const struct trib_bytes *args,
			       struct options *options, struct trib_error *error)
{
	switch (row->option) {
	case OPTION_AT:
		return take_number(args[0], "AT", 0, &options->at_ms, error);
	case OPTION_QTY:
		return take_number(args[0], "QTY", 1, &options->qty, error);
	case OPTION_AMOUNTS:
		return take_amounts(args, options->amounts, error);
	case OPTION_SCENE:
		options->scene = args[0];
		break;
	case OPTION_PAGE:
		options->page = args[0];
		break;
	case OPTION_OFFER:
		options->offer = args[0];
		break;
	case OPTION_REASON:
		options->reason = args[0];
		break;
	case OPTION_BY:
		options->by = args[0];
		break;
	case OPTION_BASE:
		return take_number(args[0], "BASE", 0, &options->base_amount, error);
	case OPTION_CARRIER:
		if (!trib_external_id_valid(args[0]))
			return trib_fail(error, TRIB_INVALID, "CARRIER", "found the kind \"%.*s\", expected kind, id and owner",
					 (int)TRIB_MIN(args[0].size, (size_t)64), args[0].data);
		options->carrier = (struct trib_carrier_request){ args[0], args[1], args[2] };
		break;
	case OPTION_KIND:
		if (!trib_touch_kind_of_word(args[0], &options->kind))
			return trib_fail(error, TRIB_INVALID, "KIND",
					 "found \"%.*s\", expected click, view, cart, favourite or share_open",
					 (int)TRIB_MIN(args[0].size, (size_t)32), args[0].data);
		break;
	default:
		break;
	}
	return TRIB_OK;
}

static trib_status take_options(const struct trib_bytes *args, size_t n, unsigned allowed,
				struct options *options, struct trib_error *error)
{
	options->given = 0;
	options->n_ext = 0;
	options->qty = 0;
	options->at_ms = 0;
	options->kind = (enum trib_touch_kind)0;
	options->base_amount = 0;
	options->scene = options->page = options->offer = options->reason = options->by = trib_bytes(NULL, 0);
	options->carrier = (struct trib_carrier_request){ 0 };
	for (size_t i = 0; i < n;) {
		const struct option_row *row = NULL;
		trib_status status;
		size_t used = 0;

		for (size_t r = 0; r < TRIB_ARRAY_SIZE(option_rows) && !row; r++)
			if ((option_rows[r].option & allowed) && word_is(args[i], option_rows[r].word))
				row = &option_rows[r];
		if (!row)
			return trib_fail(error, TRIB_SYNTAX, "arguments", "found \"%.*s\", expected an option of this command",
					 (int)TRIB_MIN(args[i].size, (size_t)32), args[i].data);
		if (options->given & row->option)
			return trib_fail(error, TRIB_SYNTAX, row->word, "found it twice, expected it once");
		options->given |= row->option;
		i++;
		if (row->option == OPTION_EXT) {
			status = take_ext(args + i, n - i, options, &used, error);
			if (status != TRIB_OK)
				return status;
			if (used == 0)
				return trib_fail(error, TRIB_SYNTAX, "EXT", "found %zu arguments, expected pairs of a name and a value",
						 n - i);
			/* What is left of an odd number of words may only be BRIEF. */
			i += used;
			continue;
		}
		if (n - i < row->arguments)
			return trib_fail(error, TRIB_SYNTAX, row->word, "found %zu arguments, expected %zu", n - i,
					 row->arguments);
		status = take_option(row, args + i, options, error);
		if (status != TRIB_OK)
			return status;
		i += row->arguments;
	}
	if (!trib_ext_sort(options->ext, options->n_ext))
		return trib_fail(error, TRIB_INVALID, "EXT", "found a name twice, expected it once");
	return TRIB_OK;
}

static void reply_error(struct resp_client *client, const struct trib_error *error)
{
	trib_resp_error(client->out, error);
}

/* --- ATTRIBUTE ---------------------------------------------------------------------------------------- */

/* Orders that wait to be decided together. One door, one thread. */
static struct {
	struct trib_order_request requests[TRIB_ORDERS_MAX];
	bool brief[TRIB_ORDERS_MAX];
	struct options options[TRIB_ORDERS_MAX];
	size_t n;
} pending;

static void reply_versioned(struct trib_buffer *out, struct trib_bytes id, uint32_t version)
{
	char digits[20];
	size_t size = trib_format_u64(digits, version);

	trib_resp_header(out, '$', (int64_t)(id.size + 1 + size));
	trib_buffer_add_bytes(out, id);
	trib_buffer_add_char(out, '@');
	trib_buffer_add(out, digits, size);
	trib_buffer_add(out, "\r\n", 2);
}

static void reply_credits(struct resp_client *client, const struct trib_order_record *record)
{
	const struct trib_domain *domain = trib_engine_domain(client->engine);
	struct trib_buffer *out = client->out;

	trib_resp_array(out, record->n_slices);
	for (uint32_t i = 0; i < record->n_slices; i++) {
		const struct trib_slice *slice = &record->slices[i];
		char link[20];

		trib_resp_array(out, 4);
		trib_resp_bulk(out, trib_bytes(link, trib_format_u64(link, record->touches[slice->touch].touch.link)));
		reply_versioned(out, trib_domain_id(domain, TRIB_NOUN_PLAN, slice->plan), slice->plan_version);
		trib_resp_integer(out, slice->base);
		trib_resp_array(out, slice->n_lines);
		for (uint32_t j = 0; j < slice->n_lines; j++) {
			const struct trib_order_line *line = &record->lines[slice->line + j];

			trib_resp_array(out, 4);
			trib_resp_bulk(out, trib_engine_line_name(client->engine, record, line));
			trib_resp_bulk(out, trib_engine_line_party(client->engine, line->to_party, line->to_role));
			trib_resp_bulk(out,
				       trib_engine_line_party(client->engine, line->from_party, line->from_role));
			trib_resp_integer(out, line->amount);
		}
	}
}

static void reply_order(struct resp_client *client, const struct trib_order_record *record)
{
	const struct trib_rules *rules = trib_engine_rules(client->engine);
	const struct trib_names *symbols = trib_domain_symbols(trib_engine_domain(client->engine));
	struct trib_buffer *out = client->out;

	trib_resp_map(out, client->version, 6);
	trib_resp_text(out, "outcome");
	trib_resp_text(out, trib_outcome_word(record->outcome));
	trib_resp_text(out, "rules");
	reply_versioned(out, trib_rules_name(rules, record->tree), record->tree_version);
	trib_resp_text(out, "node");
	trib_resp_bulk(out, trib_tree_node(trib_rules_tree(rules, record->tree, record->tree_version), record->node)->id);
	trib_resp_text(out, "charged");
	trib_resp_integer(out, record->charged);
	trib_resp_text(out, "currency");
	trib_resp_bulk(out, trib_names_text(symbols, record->currency));
	trib_resp_text(out, "credits");
	reply_credits(client, record);
}

static void order_answered(void *context, size_t i, const struct trib_order_answer *answer)
{
	struct resp_client *client = context;

	if (answer->status != TRIB_OK) {
		reply_error(client, answer->error);
	} else if (pending.brief[i]) {
		trib_resp_array(client->out, 2);
		trib_resp_text(client->out, trib_outcome_word(answer->record->outcome));
		trib_resp_integer(client->out, answer->record->charged);
	} else {
		reply_order(client, answer->record);
	}
}

void resp_commands_flush(struct resp_client *client)
{
	if (pending.n)
		trib_engine_orders(client->engine, pending.requests, pending.n, order_answered, client);
	pending.n = 0;
}

static void command_attribute(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	enum { ALLOWED = OPTION_AT | OPTION_QTY | OPTION_SCENE | OPTION_CARRIER | OPTION_PAGE | OPTION_EXT | OPTION_BRIEF |
	       OPTION_AMOUNTS };
	struct options *options = &pending.options[pending.n];
	struct trib_error error;
	bool no_base = trib_bytes_is(args[4], "-");
	int64_t base_amount = 0;

	if ((!no_base && take_number(args[4], "base_amount", 0, &base_amount, &error) != TRIB_OK) ||
	    take_options(args + 6, n - 6, ALLOWED, options, &error) != TRIB_OK) {
		resp_commands_flush(client);
		reply_error(client, &error);
		return;
	}
	pending.brief[pending.n] = options->given & OPTION_BRIEF;
	pending.requests[pending.n++] = (struct trib_order_request){
		.order = args[1], .user = args[2], .goods = args[3], .token = args[5],
		.base_amount = base_amount, .no_base = no_base, .at_ms = options->at_ms, .has_at = options->given & OPTION_AT,
		.qty = options->qty, .scene = options->scene, .page = options->page,
		.carrier = options->carrier, .ext = options->ext, .n_ext = options->n_ext,
	};
	if (options->given & OPTION_AMOUNTS) {
		struct trib_order_request *request = &pending.requests[pending.n - 1];

		request->has_amounts = true;
		memcpy(request->amounts, options->amounts, sizeof(request->amounts));
	}
	if (pending.n == TRIB_ORDERS_MAX)
		resp_commands_flush(client);
}

/* --- LINK, TRACK, TOUCH, EXPLAIN ---------------------------------------------------------------------- */

static void command_link(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	enum { ALLOWED = OPTION_AT | OPTION_OFFER | OPTION_SCENE | OPTION_CARRIER | OPTION_PAGE | OPTION_EXT };
	struct options options;
	struct trib_error error;
	enum trib_outcome outcome = TRIB_OUTCOME_NONE;
	char text[TRIB_LIMIT_TOKEN_CHARS], reason[48];
	size_t size;

	if (take_options(args + 4, n - 4, ALLOWED, &options, &error) != TRIB_OK) {
		reply_error(client, &error);
		return;
	}
	const struct trib_link_request request = {
		.channel = args[1], .creator = args[2], .goods = args[3], .offer = options.offer,
		.scene = options.scene, .page = options.page, .carrier = options.carrier,
		.at_ms = options.at_ms, .has_at = options.given & OPTION_AT, .ext = options.ext,
		.n_ext = options.n_ext,
	};

	if (trib_engine_link(client->engine, &request, text, &size, &outcome, &error) == TRIB_OK) {
		trib_resp_bulk(client->out, trib_bytes(text, size));
		return;
	}
	if (outcome == TRIB_OUTCOME_NONE) {
		reply_error(client, &error);
		return;
	}
	snprintf(reason, sizeof(reason), "%s", trib_outcome_word(outcome));
	for (char *p = reason; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	trib_resp_error_text(client->out, "%s %s: %s", reason, error.at, error.text);
}

static void command_touch(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	struct options options;
	struct trib_error error;
	enum trib_touch_answer answer;

	if (take_options(args + 3, n - 3, OPTION_AT | OPTION_KIND | OPTION_CARRIER | OPTION_PAGE, &options,
			 &error) != TRIB_OK) {
		reply_error(client, &error);
		return;
	}
	const struct trib_touch_request request = {
		.user = args[1], .token = args[2], .page = options.page, .kind = options.kind,
		.carrier = options.carrier, .at_ms = options.at_ms, .has_at = options.given & OPTION_AT,
	};

	if (trib_engine_touch(client->engine, &request, &answer, &error) == TRIB_OK)
		trib_resp_text(client->out, trib_touch_answer_word(answer));
	else
		reply_error(client, &error);
}

/* --- Rich clients ------------------------------------------------------------------------------------- */

/* RECORD <RecordBatch> */
static void command_record(struct resp_client *client, const struct trib_bytes *args, size_t n TRIB_UNUSED)
{
	Tributary__RecordBatch *batch =
		tributary__record_batch__unpack(NULL, args[1].size, (const uint8_t *)args[1].data);
	struct trib_record_counts counts;
	struct trib_error error;

	if (!batch) {
		trib_fail(&error, TRIB_INVALID, "records", "found other bytes, expected a serialised RecordBatch");
		reply_error(client, &error);
		return;
	}
	if (trib_engine_record(client->engine, batch, &counts, &error) != TRIB_OK) {
		reply_error(client, &error);
	} else {
		const struct {
			const char *name;
			uint64_t count;
		} rows[] = { { "accepted", counts.accepted }, { "repeated", counts.repeated },
			     { "differed", counts.differed }, { "refused", counts.refused } };

		trib_resp_map(client->out, client->version, TRIB_ARRAY_SIZE(rows));
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
			trib_resp_text(client->out, rows[i].name);
			trib_resp_integer(client->out, (int64_t)rows[i].count);
		}
	}
	tributary__record_batch__free_unpacked(batch, NULL);
}

/* SNAPSHOT POSITION | SUBSCRIBE | UNSUBSCRIBE: each replies where the market stands. */
static void command_snapshot(struct resp_client *client, const struct trib_bytes *args, size_t n TRIB_UNUSED)
{
	if (word_is(args[1], "SUBSCRIBE") && client->version < 3) {
		trib_resp_error_text(client->out, "ERR SNAPSHOT SUBSCRIBE pushes, which needs RESP3: HELLO 3 first");
		return;
	}
	if (word_is(args[1], "SUBSCRIBE") || word_is(args[1], "UNSUBSCRIBE")) {
		client->subscribed = word_is(args[1], "SUBSCRIBE");
	} else if (!word_is(args[1], "POSITION")) {
		trib_resp_error_text(client->out, "ERR unknown subcommand '%.*s'. Try POSITION, SUBSCRIBE, UNSUBSCRIBE.",
				     (int)TRIB_MIN(args[1].size, (size_t)64), args[1].data);
		return;
	}
	trib_resp_integer(client->out, (int64_t)trib_engine_market_position(client->engine));
}

/* --- ORDER, REFUND ------------------------------------------------------------------------------------ */

/* The order is not known yet; the message is kept. */
static void reply_pending(struct resp_client *client)
{
	trib_resp_array(client->out, 2);
	trib_resp_text(client->out, "pending");
	trib_resp_null(client->out, client->version);
}

static void command_order(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	struct options options;
	struct trib_error error;
	struct trib_status_answer answer;
	enum trib_order_state state;

	if (!trib_order_state_of_word(args[2], &state)) {
		trib_fail(&error, TRIB_INVALID, "status",
			  "found \"%.*s\", expected created, paid, shipped, received, settled or invalid",
			  (int)TRIB_MIN(args[2].size, (size_t)32), args[2].data);
		reply_error(client, &error);
		return;
	}
	if (take_options(args + 3, n - 3, OPTION_AT | OPTION_REASON | OPTION_BASE, &options, &error) != TRIB_OK) {
		reply_error(client, &error);
		return;
	}
	const struct trib_status_request request = {
		.order = args[1], .state = state, .reason = options.reason, .at_ms = options.at_ms,
		.has_at = options.given & OPTION_AT, .base_amount = options.base_amount,
		.has_base = options.given & OPTION_BASE,
	};

	if (trib_engine_order_status(client->engine, &request, &answer, &error) != TRIB_OK) {
		reply_error(client, &error);
	} else if (answer.pending) {
		reply_pending(client);
	} else {
		int code = trib_order_state_code(answer.state);

		trib_resp_array(client->out, 2);
		trib_resp_text(client->out, trib_order_state_word(answer.state));
		if (code)
			trib_resp_integer(client->out, code);
		else
			trib_resp_null(client->out, client->version);
	}
}

/* REVIEW <order> release|reject [REASON r] [BY who] [AT ms]: "released" or "rejected". */
static void command_review(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	struct options options;
	struct trib_error error;
	struct trib_review_request request = { .order = args[1] };

	if (word_is(args[2], "release"))
		request.verdict = TRIB_REVIEW_RELEASED;
	else if (word_is(args[2], "reject"))
		request.verdict = TRIB_REVIEW_REJECTED;
	else
		trib_fail(&error, TRIB_INVALID, "decision", "found \"%.*s\", expected release or reject",
			  (int)TRIB_MIN(args[2].size, (size_t)32), args[2].data);
	if (!request.verdict || take_options(args + 3, n - 3, OPTION_AT | OPTION_REASON | OPTION_BY, &options, &error) != TRIB_OK) {
		reply_error(client, &error);
		return;
	}
	request.reason = options.reason;
	request.by = options.by;
	request.at_ms = options.at_ms;
	request.has_at = options.given & OPTION_AT;
	if (trib_engine_review(client->engine, &request, &error) != TRIB_OK)
		reply_error(client, &error);
	else
		trib_resp_text(client->out, trib_review_word(request.verdict));
}

static void command_refund(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	struct options options;
	struct trib_error error;
	struct trib_refund_answer answer;
	enum trib_refund_kind kind;
	int64_t amount;

	if (!trib_refund_kind_of_word(args[3], &kind)) {
		trib_fail(&error, TRIB_INVALID, "kind",
			  "found \"%.*s\", expected full, partial, refund_only, return, freight_only, price_protection, "
			  "exchange, chargeback or forfeiture",
			  (int)TRIB_MIN(args[3].size, (size_t)32), args[3].data);
		reply_error(client, &error);
		return;
	}
	if (take_number(args[4], "amount", 0, &amount, &error) != TRIB_OK ||
	    take_options(args + 5, n - 5, OPTION_AT | OPTION_QTY, &options, &error) != TRIB_OK) {
		reply_error(client, &error);
		return;
	}
	const struct trib_refund_request request = {
		.order = args[1], .refund = args[2], .kind = kind, .amount = amount, .qty = options.qty,
		.at_ms = options.at_ms, .has_at = options.given & OPTION_AT,
	};

	if (trib_engine_refund(client->engine, &request, &answer, &error) != TRIB_OK) {
		reply_error(client, &error);
	} else if (answer.pending) {
		reply_pending(client);
	} else {
		trib_resp_array(client->out, 2);
		trib_resp_integer(client->out, answer.remaining);
		trib_resp_integer(client->out, answer.reversed);
	}
}

static void reply_pair(struct trib_buffer *out, const char *name, struct trib_bytes value, size_t *count)
{
	if (value.size == 0)
		return;
	trib_resp_text(out, name);
	trib_resp_bulk(out, value);
	(*count)++;
}

static void reply_number_pair(struct trib_buffer *out, const char *name, int64_t value, size_t *count)
{
	trib_resp_text(out, name);
	trib_resp_integer(out, value);
	(*count)++;
}

static void reply_track_fields(struct resp_client *client, const struct trib_track_answer *answer,
			       struct trib_buffer *out, size_t *count)
{
	const struct trib_domain *domain = trib_engine_domain(client->engine);
	const struct trib_names *symbols = trib_domain_symbols(domain);
	const struct trib_token *token = &answer->token;
	uint32_t scene = trib_domain_registration(domain, token->registration)->scene;

#define SYMBOL(code) ((code) ? trib_names_text(symbols, (code)) : trib_bytes("", 0))
	reply_number_pair(out, "link", (int64_t)token->link, count);
	reply_pair(out, "registration", trib_domain_id(domain, TRIB_NOUN_REGISTRATION, token->registration), count);
	reply_pair(out, "channel", SYMBOL(token->channel), count);
	reply_pair(out, "scene", SYMBOL(scene), count);
	reply_pair(out, "creator", trib_engine_party_id(client->engine, token->creator), count);
	reply_pair(out, "goods", trib_domain_id(domain, TRIB_NOUN_GOODS, token->goods), count);
	trib_resp_text(out, "plan");
	reply_versioned(out, trib_domain_id(domain, TRIB_NOUN_PLAN, token->plan), token->plan_version);
	(*count)++;
	if (token->offer)
		reply_pair(out, "offer", trib_domain_id(domain, TRIB_NOUN_PLAN, token->offer), count);
	if (token->carrier_kind) {
		trib_resp_text(out, "carrier");
		trib_resp_array(out, 3);
		trib_resp_bulk(out, SYMBOL(token->carrier_kind));
		trib_resp_bulk(out, SYMBOL(token->carrier));
		trib_resp_bulk(out, token->carrier_owner ?
					    trib_engine_party_id(client->engine, token->carrier_owner) :
					    trib_bytes("", 0));
		(*count)++;
	}
	reply_pair(out, "page", SYMBOL(token->page), count);
	reply_number_pair(out, "issued_at", token->issued_at_ms, count);
	reply_number_pair(out, "expires_at", answer->expires_at_ms, count);
#undef SYMBOL
	if (!answer->n_ext)
		return;
	trib_resp_text(out, "ext");
	trib_resp_map(out, client->version, answer->n_ext);
	for (uint32_t i = 0; i < answer->n_ext; i++) {
		trib_resp_bulk(out, answer->ext[i].key);
		trib_resp_bulk(out, answer->ext[i].value);
	}
	(*count)++;
}

static void command_track(struct resp_client *client, const struct trib_bytes *args, size_t n TRIB_UNUSED)
{
	static struct trib_track_answer answer;
	struct trib_error error;
	struct trib_buffer fields;
	size_t count = 1;

	if (trib_engine_track(client->engine, args[1], &answer, &error) != TRIB_OK) {
		reply_error(client, &error);
		return;
	}
	trib_buffer_init(&fields, TRIB_LIMIT_RESP_ARGUMENT_BYTES);
	if (answer.result != TRIB_TOKEN_OK)
		reply_pair(&fields, "reason", trib_bytes_text(trib_token_result_word(answer.result)), &count);
	else
		reply_track_fields(client, &answer, &fields, &count);
	trib_resp_map(client->out, client->version, count);
	trib_resp_text(client->out, "outcome");
	trib_resp_text(client->out, answer.result != TRIB_TOKEN_OK ? "bad_token" :
				    answer.expired		   ? "expired" :
								     "ok");
	trib_buffer_add_bytes(client->out, trib_buffer_bytes(&fields));
	trib_buffer_fini(&fields);
}

static void command_explain(struct resp_client *client, const struct trib_bytes *args, size_t n TRIB_UNUSED)
{
	struct trib_buffer json;
	struct trib_error error;

	trib_buffer_init(&json, TRIB_LIMIT_RESP_FRAME_BYTES);
	if (trib_engine_explain(client->engine, args[1], &json, &error) == TRIB_OK)
		trib_resp_bulk(client->out, trib_buffer_bytes(&json));
	else
		reply_error(client, &error);
	trib_buffer_fini(&json);
}

/* --- Shelves ------------------------------------------------------------------------------------------ */

static void command_shelf(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	resp_shelf(client, args, n);
}

static void command_shelve(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	resp_shelve(client, args, n);
}

static void command_unshelve(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	resp_unshelve(client, args, n);
}

static void command_shelf_order(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	resp_shelf_order(client, args, n);
}

static void command_shelf_clear(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	resp_shelf_clear(client, args, n);
}

static void command_shelf_count(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	resp_shelf_count(client, args, n);
}

/* --- What every Redis client expects ------------------------------------------------------------------ */

static void lower_name(const struct command *command, char text[32])
{
	size_t i = 0;

	for (; command->name[i]; i++)
		text[i] = (char)tolower((unsigned char)command->name[i]);
	text[i] = '\0';
}

static const struct command *find_command(struct trib_bytes name)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(commands); i++)
		if (word_is(name, commands[i].name))
			return &commands[i];
	return NULL;
}

/* As Redis writes it: 'client|id' for a subcommand. */
static void reply_wrong_arity(struct resp_client *client, const struct command *command, const char *subcommand)
{
	char name[32];

	lower_name(command, name);
	trib_resp_error_text(client->out, "ERR wrong number of arguments for '%s%s%s' command", name,
			     subcommand ? "|" : "", subcommand ? subcommand : "");
}

static void command_ping(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	if (n > 2)
		trib_resp_error_text(client->out, "ERR wrong number of arguments for 'ping' command");
	else if (n == 2)
		trib_resp_bulk(client->out, args[1]);
	else
		trib_resp_simple(client->out, "PONG");
}

static void command_echo(struct resp_client *client, const struct trib_bytes *args, size_t n TRIB_UNUSED)
{
	trib_resp_bulk(client->out, args[1]);
}

static void command_select(struct resp_client *client, const struct trib_bytes *args, size_t n TRIB_UNUSED)
{
	int64_t index;

	if (!trib_bytes_to_i64(args[1], &index))
		trib_resp_error_text(client->out, "ERR value is not an integer or out of range");
	else if (index == 0)
		trib_resp_simple(client->out, "OK");
	else
		trib_resp_error_text(client->out, "ERR DB index is out of range");
}

static void command_quit(struct resp_client *client, const struct trib_bytes *args TRIB_UNUSED,
			 size_t n TRIB_UNUSED)
{
	trib_resp_simple(client->out, "OK");
	client->closing = true;
}

/* What a command does, as access knows it. Those that are not here are the connection's, and for everybody. */
static const struct {
	command_fn *run;
	enum trib_call_kind kind;
	bool writes;
} calls[] = {
	{ command_attribute, TRIB_CALL_ORDER, true },	{ command_order, TRIB_CALL_ORDER_STATUS, true },
	{ command_refund, TRIB_CALL_REFUND, true },	{ command_review, TRIB_CALL_RELEASE, true },
	{ command_touch, TRIB_CALL_TOUCH, true },	{ command_link, TRIB_CALL_LINK, true },
	{ command_track, TRIB_CALL_TRACK, false },	{ command_record, TRIB_CALL_RECORD, true },
	{ command_snapshot, TRIB_CALL_SNAPSHOT, false }, { command_explain, TRIB_CALL_EXPLAIN, false },
	{ command_shelf, TRIB_CALL_SHELF, false },	{ command_shelve, TRIB_CALL_SHELF_CHANGE, true },
	{ command_unshelve, TRIB_CALL_SHELF_CHANGE, true }, { command_shelf_order, TRIB_CALL_SHELF_CHANGE, true },
	{ command_shelf_clear, TRIB_CALL_SHELF_CLEAR, true }, { command_shelf_count, TRIB_CALL_GOODS_SHELVES, false },
	{ command_info, TRIB_CALL_MARKET_POSITION, false },
};

/* This is the door of services: whoever acts for a party asks by HTTP, where it is held to what is that party's. */
static bool role_may(enum trib_access_role role, const struct command *command)
{
	static const char *const connection[] = { "PING", "ECHO", "HELLO", "AUTH", "CLIENT", "COMMAND", "SELECT", "QUIT" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(calls); i++)
		if (calls[i].run == command->run)
			return !trib_access_role_has_party(role) &&
			       (trib_access_roles(calls[i].kind, 0, calls[i].writes) & TRIB_ACCESS_BIT(role));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(connection); i++)
		if (!strcmp(command->name, connection[i]))
			return true;
	/* One that nobody has said anything of. */
	return role == TRIB_ACCESS_ADMIN || role == TRIB_ACCESS_OPERATOR;
}

void resp_set_rights(struct resp_client *client)
{
	_Static_assert(TRIB_ARRAY_SIZE(commands) <= 64, "one bit each");
	struct trib_directory *directory = trib_auth_directory(client->auth);

	client->generation = directory ? trib_directory_generation(directory) : 0;
	client->may = 0;
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(commands); i++)
		if (role_may(client->who.role, &commands[i]))
			client->may |= UINT64_C(1) << i;
	client->allowed = client->authenticated || !trib_auth_guards(client->auth);
	client->rate = !client->authenticated ? 0 : client->who.rate ? client->who.rate : resp_default_rate(client->resp);
	client->attributes = client->allowed && role_may(client->who.role, find_command(trib_bytes_text("ATTRIBUTE")));
}

void resp_look_again(struct resp_client *client)
{
	struct trib_directory *directory = trib_auth_directory(client->auth);
	int64_t now_ms;

	if (TRIB_LIKELY((!directory || client->generation == trib_directory_generation(directory)) &&
			!client->who.expires_ms))
		return;
	now_ms = trib_clock_wall_ms(trib_clock_system());
	if (client->authenticated && client->who.token &&
	    (!trib_directory_token_holds(directory, client->who.token, now_ms) ||
	     (client->who.expires_ms && now_ms >= client->who.expires_ms))) {
		client->authenticated = false;
		client->who = (struct trib_credential){ 0 };
	}
	resp_set_rights(client);
}

/* For the audit log. */
static void note_refusal(const struct resp_client *client, trib_status status, const char *action)
{
	struct trib_refusal refusal = { .status = status, .known = client->authenticated, .role = client->who.role,
					.from = "resp" };

	snprintf(refusal.actor, sizeof(refusal.actor), "%s", client->who.name);
	snprintf(refusal.party, sizeof(refusal.party), "%s", client->who.party);
	snprintf(refusal.action, sizeof(refusal.action), "%s", action);
	trib_engine_note_refusal(client->engine, &refusal);
}

void resp_refuse_rate(struct resp_client *client)
{
	trib_resp_error_text(client->out, "RATE_LIMITED AUTH: found more than %u commands a second, expected fewer", client->rate);
	note_refusal(client, TRIB_RATE, "RESP");
}

static bool is_token(struct trib_bytes text)
{
	return text.size >= 5 && !memcmp(text.data, "trib_", 5);
}

static bool authenticate(struct resp_client *client, struct trib_bytes user, struct trib_bytes token)
{
	struct trib_credential who;

	/* Where nobody has to say who they are, a word that is no token of ours says nothing. */
	if (!trib_auth_guards(client->auth) && !is_token(token) && (!user.size || trib_bytes_is(user, "default")))
		return true;
	if ((user.size && !trib_bytes_is(user, "default")) ||
	    trib_auth_token(client->auth, token, trib_clock_wall_ms(trib_clock_system()), &who) != TRIB_CREDENTIAL_OK) {
		note_refusal(client, TRIB_UNAUTHORIZED, "AUTH");
		trib_resp_error_text(client->out,
				     "WRONGPASS invalid username-password pair or user is disabled.");
		return false;
	}
	client->who = who;
	client->authenticated = true;
	resp_set_rights(client);
	return true;
}

static void command_auth(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	if (n > 3) {
		trib_resp_error_text(client->out, "ERR syntax error");
		return;
	}
	if (!trib_auth_guards(client->auth) &&
	    !is_token(args[n - 1])) {
		trib_resp_error_text(client->out,
				     "ERR AUTH called without any access token configured. Are you sure your configuration is correct?");
		return;
	}
	if (authenticate(client, n == 3 ? args[1] : trib_bytes(NULL, 0), args[n - 1]))
		trib_resp_simple(client->out, "OK");
}

static bool set_name(struct resp_client *client, struct trib_bytes name)
{
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] > ' ' && name.data[i] < 127 && name.size < sizeof(client->name))
			continue;
		trib_resp_error_text(client->out,
				     "ERR Client names cannot contain spaces, newlines or special characters.");
		return false;
	}
	memcpy(client->name, name.data, name.size);
	client->name[name.size] = '\0';
	return true;
}

/* HELLO [2|3 [AUTH user token] [SETNAME name]] */
static void command_hello(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	int64_t version = client->version;
	size_t i = 2;

	if (n >= 2 && !trib_bytes_to_i64(args[1], &version)) {
		trib_resp_error_text(client->out, "ERR Protocol version is not an integer or out of range");
		return;
	}
	if (version < 2 || version > 3) {
		trib_resp_error_text(client->out, "NOPROTO unsupported protocol version");
		return;
	}
	while (i < n) {
		if (word_is(args[i], "AUTH") && n - i >= 3) {
			if (!authenticate(client, args[i + 1], args[i + 2]))
				return;
			i += 3;
		} else if (word_is(args[i], "SETNAME") && n - i >= 2) {
			if (!set_name(client, args[i + 1]))
				return;
			i += 2;
		} else {
			trib_resp_error_text(client->out, "ERR Syntax error in HELLO option '%.*s'",
					     (int)TRIB_MIN(args[i].size, (size_t)64), args[i].data);
			return;
		}
	}
	if (!client->allowed) {
		trib_resp_error_text(client->out,
				     "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time");
		return;
	}
	client->version = (int)version;
	trib_resp_map(client->out, client->version, 7);
	trib_resp_text(client->out, "server");
	trib_resp_text(client->out, "tributary");
	trib_resp_text(client->out, "version");
	trib_resp_text(client->out, TRIB_VERSION);
	trib_resp_text(client->out, "proto");
	trib_resp_integer(client->out, client->version);
	trib_resp_text(client->out, "id");
	trib_resp_integer(client->out, (int64_t)client->id);
	trib_resp_text(client->out, "mode");
	trib_resp_text(client->out, "standalone");
	trib_resp_text(client->out, "role");
	trib_resp_text(client->out, "master");
	trib_resp_text(client->out, "modules");
	trib_resp_array(client->out, 0);
}

static void client_id(struct resp_client *client, const struct trib_bytes *args TRIB_UNUSED)
{
	trib_resp_integer(client->out, (int64_t)client->id);
}

static void client_getname(struct resp_client *client, const struct trib_bytes *args TRIB_UNUSED)
{
	if (client->name[0])
		trib_resp_text(client->out, client->name);
	else
		trib_resp_null(client->out, client->version);
}

static void client_setname(struct resp_client *client, const struct trib_bytes *args)
{
	if (set_name(client, args[2]))
		trib_resp_simple(client->out, "OK");
}

static void client_ok(struct resp_client *client, const struct trib_bytes *args TRIB_UNUSED)
{
	trib_resp_simple(client->out, "OK");
}

static void client_list(struct resp_client *client, const struct trib_bytes *args)
{
	struct trib_buffer lines;

	trib_buffer_init(&lines, TRIB_LIMIT_RESP_OUTPUT_BYTES);
	if (word_is(args[1], "LIST"))
		resp_list_clients(client->resp, &lines);
	else
		resp_describe_client(client, &lines);
	trib_resp_verbatim(client->out, client->version, trib_buffer_bytes(&lines));
	trib_buffer_fini(&lines);
}

static const struct subcommand {
	const char *name;
	void (*run)(struct resp_client *client, const struct trib_bytes *args);
	size_t arguments; /* 0: any number */
} client_subcommands[] = {
	{ "id", client_id, 2 },		  { "getname", client_getname, 2 }, { "setname", client_setname, 3 },
	{ "setinfo", client_ok, 4 },	  { "no-evict", client_ok, 3 },	    { "no-touch", client_ok, 3 },
	{ "list", client_list, 0 },	  { "info", client_list, 2 },
};

static void command_client(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(client_subcommands); i++) {
		const struct subcommand *subcommand = &client_subcommands[i];

		if (!word_is(args[1], subcommand->name))
			continue;
		if (subcommand->arguments && n != subcommand->arguments)
			reply_wrong_arity(client, find_command(args[0]), subcommand->name);
		else
			subcommand->run(client, args);
		return;
	}
	trib_resp_error_text(client->out,
			     "ERR unknown subcommand '%.*s'. Try ID, GETNAME, SETNAME, SETINFO, NO-EVICT, NO-TOUCH, LIST, INFO.",
			     (int)TRIB_MIN(args[1].size, (size_t)64), args[1].data);
}

/* Ten fields, as Redis 7 gives them. */
static void reply_command_info(struct resp_client *client, const struct command *command)
{
	char name[32];

	if (!command) {
		trib_resp_null_array(client->out, client->version);
		return;
	}
	lower_name(command, name);
	trib_resp_array(client->out, 10);
	trib_resp_text(client->out, name);
	trib_resp_integer(client->out, command->arity);
	trib_resp_array(client->out, 1);
	trib_resp_simple(client->out, command->flags);
	for (int i = 0; i < 3; i++)
		trib_resp_integer(client->out, 0);
	for (int i = 0; i < 4; i++)
		trib_resp_array(client->out, 0);
}

static void command_command(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	if (n == 1 || (n == 2 && word_is(args[1], "INFO"))) {
		trib_resp_array(client->out, TRIB_ARRAY_SIZE(commands));
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(commands); i++)
			reply_command_info(client, &commands[i]);
	} else if (word_is(args[1], "COUNT")) {
		trib_resp_integer(client->out, TRIB_ARRAY_SIZE(commands));
	} else if (word_is(args[1], "LIST")) {
		trib_resp_array(client->out, TRIB_ARRAY_SIZE(commands));
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(commands); i++) {
			char name[32];

			lower_name(&commands[i], name);
			trib_resp_text(client->out, name);
		}
	} else if (word_is(args[1], "INFO") && n > 2) {
		trib_resp_array(client->out, n - 2);
		for (size_t i = 2; i < n; i++)
			reply_command_info(client, find_command(args[i]));
	} else if (word_is(args[1], "DOCS")) {
		trib_resp_map(client->out, client->version, 0);
	} else {
		trib_resp_error_text(client->out, "ERR unknown subcommand '%.*s'. Try COUNT, LIST, INFO, DOCS.",
				     (int)TRIB_MIN(args[1].size, (size_t)64), args[1].data);
	}
}

static const char *sync_words[] = { "batch", "interval", "off" };
static const char *sync_promises[] = { "an answer is durable",
				       "a power cut may lose the answers of the last 100 ms, kill -9 never",
				       "a power cut may lose the last answers, kill -9 never" };

static void add_info_engine(struct trib_engine *engine, struct trib_buffer *text)
{
	struct trib_engine_counts counts;

	trib_engine_count(engine, &counts);
	trib_buffer_add_format(text, "# Persistence\r\nloading:0\r\nsync:%s\r\nsync_promise:%s\r\n",
			       sync_words[counts.journal.sync], sync_promises[counts.journal.sync]);
	trib_buffer_add_format(text, "state:%s\r\n",
			       trib_engine_state(engine) == TRIB_ENGINE_RUNNING ? "running" : "read_only");
	if (trib_engine_state(engine) != TRIB_ENGINE_RUNNING)
		trib_buffer_add_format(text, "reason:%s\r\n", trib_engine_reason(engine)->text);
	trib_buffer_add_format(text, "position:%" PRIu64 "\r\nstore_position:%" PRIu64 "\r\n", counts.position,
			       counts.store_position);
	trib_buffer_add_format(text,
			       "journal_records:%" PRIu64 "\r\njournal_bytes:%" PRIu64 "\r\njournal_direct:%d\r\n"
			       "journal_write_p50_us:%" PRIu64 "\r\njournal_write_p99_us:%" PRIu64 "\r\n",
			       counts.journal.records, counts.journal.written_bytes, counts.journal.direct,
			       trib_histogram_quantile(&counts.journal.write_ns, 0.5) / 1000,
			       trib_histogram_quantile(&counts.journal.write_ns, 0.99) / 1000);
	trib_buffer_add_format(text, "checkpoints:%" PRIu64 "\r\ncheckpoints_failed:%" PRIu64 "\r\n",
			       counts.checkpoints, counts.checkpoints_failed);
	trib_buffer_add_format(text,
			       "# Orders\r\norders:%" PRIu64 "\r\nrepeats:%" PRIu64 "\r\nconflicts:%" PRIu64
			       "\r\nrefusals:%" PRIu64 "\r\ntouches:%" PRIu64 "\r\nlinks:%" PRIu64 "\r\n",
			       counts.orders, counts.repeats, counts.conflicts, counts.refusals, counts.touches,
			       counts.links);
	trib_buffer_add_format(text,
			       "live_users:%" PRIu64 "\r\nlive_touches:%" PRIu64 "\r\nindexed_orders:%" PRIu64
			       "\r\nruns:%" PRIu64 "\r\nwarm:%d\r\ncheckpoint_due:%d\r\nindexes_complete:%d\r\n",
			       counts.live_touches.users, counts.live_touches.touches, counts.indexed_orders,
			       counts.runs, counts.warm, counts.checkpoint_due, counts.indexes_complete);
#define X(name, number, word, english, chinese)                                                    \
	if (counts.outcomes[number])                                                                \
		trib_buffer_add_format(text, "outcome_%s:%" PRIu64 "\r\n", word, counts.outcomes[number]);
	TRIB_OUTCOME_TABLE(X)
#undef X
	trib_buffer_add_format(text,
			       "# Market\r\nmarket_position:%" PRIu64 "\r\nsnapshots:%" PRIu64 "\r\nrecords_accepted:%" PRIu64
			       "\r\nrecords_repeated:%" PRIu64 "\r\nrecords_differed:%" PRIu64 "\r\nrecords_refused:%" PRIu64
			       "\r\n",
			       trib_engine_market_position(engine), counts.snapshots, counts.records.accepted,
			       counts.records.repeated, counts.records.differed, counts.records.refused);
#define X(name, number, word, field)                                                               \
	if (counts.differences[number])                                                             \
		trib_buffer_add_format(text, "record_difference_%s:%" PRIu64 "\r\n", word,          \
				       counts.differences[number]);
	TRIB_DIFFERENCE_TABLE(X)
#undef X
}

static bool section_is_wanted(struct trib_bytes name, const struct trib_bytes *args, size_t n)
{
	bool wanted = n == 1;

	for (size_t i = 1; i < n && !wanted; i++)
		wanted = word_is(args[i], "all") || word_is(args[i], "default") || word_is(args[i], "everything") ||
			 (args[i].size == name.size && strncasecmp(args[i].data, name.data, name.size) == 0);
	return wanted;
}

/* Of "# Name", lines, "# Name", lines … those that INFO was asked for; a blank line between two, as Redis has it. */
static void reply_sections(struct resp_client *client, struct trib_bytes text, const struct trib_bytes *args, size_t n)
{
	struct trib_buffer out;

	trib_buffer_init(&out, 2 * text.size);
	while (text.size) {
		const char *line = memchr(text.data, '\r', text.size);
		const char *next = memmem(text.data + 1, text.size - 1, "\n# ", 3);
		size_t size = next ? (size_t)(next + 1 - text.data) : text.size;

		if (section_is_wanted(trib_bytes(text.data + 2, (size_t)(line - text.data) - 2), args, n)) {
			trib_buffer_add_text(&out, out.size ? "\r\n" : "");
			trib_buffer_add(&out, text.data, size);
		}
		text = trib_bytes(text.data + size, text.size - size);
	}
	trib_resp_verbatim(client->out, client->version, trib_buffer_bytes(&out));
	trib_buffer_fini(&out);
}

static void command_info(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	const struct resp_totals *totals = resp_totals(client->resp);
	int64_t up_ms = trib_clock_wall_ms(trib_clock_system()) - totals->started_ms;
	struct trib_buffer text;

	trib_buffer_init(&text, 64 << 10);
	trib_buffer_add_format(&text,
			       "# Server\r\nredis_version:7.0.0\r\ntributary_version:%s\r\nprocess_id:%d\r\n"
			       "tcp_port:%u\r\nuptime_in_seconds:%" PRId64 "\r\ncpu_ms:%" PRId64 "\r\n",
			       TRIB_VERSION, getpid(), totals->port, up_ms / 1000, trib_cpu_process_ns() / 1000000);
	trib_buffer_add_format(&text,
			       "# Clients\r\nconnected_clients:%" PRIu64 "\r\n# Stats\r\ntotal_commands_processed:%" PRIu64
			       "\r\n# Replication\r\nrole:master\r\n",
			       totals->clients, totals->commands);
	add_info_engine(client->engine, &text);
	reply_sections(client, trib_buffer_bytes(&text), args, n);
	trib_buffer_fini(&text);
}

/* --- Dispatch ----------------------------------------------------------------------------------------- */

static void refuse_role(struct resp_client *client, const struct command *command)
{
	note_refusal(client, TRIB_FORBIDDEN, command->name);
	trib_resp_error_text(client->out, "NOPERM this access token's role %s has no permissions to run the '%s' command",
			     trib_access_role_word(client->who.role), command->name);
}

void resp_command(struct resp_client *client, const struct trib_bytes *args, size_t n)
{
	const struct command *command = find_command(args[0]);

	if (TRIB_LIKELY(command && command->run == command_attribute && n >= 6 && client->attributes)) {
		command_attribute(client, args, n);
		return;
	}
	resp_commands_flush(client);
	if (!command && (word_is(args[0], "POST") || word_is(args[0], "HOST:"))) {
		/* A web page makes its browser talk to us: what follows must not be taken for commands. */
		trib_resp_error_text(client->out, "ERR Protocol error: found HTTP, expected RESP");
		client->closing = true;
		return;
	}
	if (!command)
		trib_resp_error_text(client->out, "ERR unknown command '%.*s'",
				     (int)TRIB_MIN(args[0].size, (size_t)128), args[0].data);
	else if (command->arity >= 0 ? n != (size_t)command->arity : n < (size_t)-command->arity)
		reply_wrong_arity(client, command, NULL);
	else if (!client->allowed && strcmp(command->flags, "noauth") != 0)
		trib_resp_error_text(client->out, "NOAUTH Authentication required.");
	else if (!(client->may >> (command - commands) & 1))
		refuse_role(client, command);
	else
		command->run(client, args, n);
}
