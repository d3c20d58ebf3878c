#include "engine/state.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	ENTRIES_PER_TURN = 256,
	NICE = 10,
};

/* --- Rows --------------------------------------------------------------------------------------------- */

void statement_row_put(char key[STATEMENT_KEY_BYTES], char value[STATEMENT_VALUE_BYTES],
		       const struct trib_statement_row *row)
{
	trib_key_u32(key, row->account.party);
	trib_key_u32(key + 4, row->account.role);
	trib_key_u32(key + 8, row->account.currency);
	key[12] = (char)row->account.kind;
	trib_key_u64(key + 13, row->to);
	trib_key_u64(value, row->from);
	trib_key_u64(value + 8, (uint64_t)row->began_ms);
	trib_key_u64(value + 16, (uint64_t)row->ended_ms);
	trib_key_u64(value + 24, (uint64_t)row->balance.pending);
	trib_key_u64(value + 32, (uint64_t)row->balance.posted);
}

bool statement_row_get(struct trib_bytes key, struct trib_bytes value, struct trib_statement_row *ret_row)
{
	if (key.size != STATEMENT_KEY_BYTES || value.size != STATEMENT_VALUE_BYTES ||
	    !trib_account_kind_word((enum trib_account_kind)key.data[12]))
		return false;
	*ret_row = (struct trib_statement_row){
		.account = { trib_key_read_u32(key.data), trib_key_read_u32(key.data + 4),
			     trib_key_read_u32(key.data + 8), (uint8_t)key.data[12], 0 },
		.from = trib_key_read_u64(value.data),
		.to = trib_key_read_u64(key.data + 13),
		.began_ms = (int64_t)trib_key_read_u64(value.data + 8),
		.ended_ms = (int64_t)trib_key_read_u64(value.data + 16),
		.balance = { (int64_t)trib_key_read_u64(value.data + 24), (int64_t)trib_key_read_u64(value.data + 32) },
	};
	return true;
}

/* --- Reading, beside the engine ------------------------------------------------------------------------ */

enum format { FORMAT_JSON, FORMAT_CSV };
enum language { LANGUAGE_EN, LANGUAGE_ZH, LANGUAGE_BOTH };

struct statement_job {
	struct trib_call *call;
	enum format format;
	enum language language;
	struct trib_statement statement;
	struct trib_journal *journal;
	struct trib_store *store;
	struct trib_store_view *view;
	uint64_t tail, end, untold;
	int64_t tail_ms;
	trib_status status;
	struct trib_error error;
	pthread_t thread;
	bool thread_started;
	bool done, cancelled;
	struct trib_bell *bell;
	size_t formatted; /* entries */
};

static trib_status take_row(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	struct statement_job *job = context;
	struct trib_statement_row row;

	if (!statement_row_get(key, value, &row))
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no row of a statement");
	trib_statement_row(&job->statement, &row);
	return TRIB_OK;
}

/* Which events bear transfers, and where in them: fields of their messages. */
struct bearer {
	uint32_t kind, order, currency;
	uint32_t event_at; /* AT of what it tells; 0, and in releases that did not state it: the posting's time */
	uint32_t transfer; /* message Posting */
	uint32_t slice;	   /* the message that it stands in, as field 7; 0: in the event itself */
};

static const struct bearer bearers[] = {
	{ TRIB_EVENT_ORDER_DECIDED, 1, 7, 6, 0, 14 },
	{ TRIBUTARY__EVENT__KIND_LEDGER_PAID, 1, 4, 0, 6, 0 },
	{ TRIB_EVENT_ORDER_CHANGED, 1, 4, 46, 14, 0 },
};

enum { SLICE_LINE = 7 };

static bool read_posting(struct statement_job *job, const struct trib_statement_at *at, uint32_t currency,
			 struct trib_bytes posting)
{
	struct trib_transfer transfer;

	if (!trib_transfer_get(posting, &transfer))
		return false;
	trib_statement_transfer(&job->statement, at, currency, &transfer);
	return true;
}

static bool read_slice(struct statement_job *job, const struct trib_statement_at *at, uint32_t currency,
		       struct trib_bytes rest)
{
	struct trib_wire_field field;
	bool ok;

	while (trib_wire_next(&rest, &field, &ok))
		if (field.number == SLICE_LINE &&
		    (field.type != TRIB_WIRE_BYTES || !read_posting(job, at, currency, field.bytes)))
			return false;
	return ok;
}

/* Order, currency and time stand before what they are of. */
static bool read_bearer(struct statement_job *job, const struct bearer *bearer, struct trib_statement_at *at,
			struct trib_bytes rest)
{
	struct trib_wire_field field;
	uint32_t currency = 0;
	bool ok;

	while (trib_wire_next(&rest, &field, &ok)) {
		if (field.number == bearer->order)
			at->order = field.bytes;
		else if (field.number == bearer->currency)
			currency = (uint32_t)field.value;
		else if (bearer->event_at && field.number == bearer->event_at)
			at->event_ms = (int64_t)field.value;
		else if (bearer->slice && field.number == bearer->slice &&
			 (field.type != TRIB_WIRE_BYTES || !read_slice(job, at, currency, field.bytes)))
			return false;
		else if (bearer->transfer && field.number == bearer->transfer &&
			 (field.type != TRIB_WIRE_BYTES || !read_posting(job, at, currency, field.bytes)))
			return false;
	}
	return ok;
}

static bool read_record(struct statement_job *job, const struct trib_journal_record *record)
{
	struct trib_bytes event, body;
	size_t offset = 0, place;
	int64_t time_ms = 0;
	bool ok;

	while (trib_batch_next(record->payload, &offset, &time_ms, &event, &place, &ok)) {
		uint32_t kind = trib_event_kind(event, &body);

		for (size_t i = 0; i < TRIB_ARRAY_SIZE(bearers); i++) {
			struct trib_statement_at at = { .at_ms = time_ms, .event_ms = time_ms, .position = record->position + place };

			if (bearers[i].kind == kind && !read_bearer(job, &bearers[i], &at, body))
				return false;
		}
	}
	return ok;
}

static trib_status read_stretch(struct statement_job *job, const struct trib_statement_stretch *stretch)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	trib_status status = trib_journal_reader_new(job->journal, stretch->from, &reader, &job->error);

	if (status != TRIB_OK)
		return status;
	while (!__atomic_load_n(&job->cancelled, __ATOMIC_RELAXED) &&
	       (status = trib_journal_reader_next(reader, &record, &job->error)) == TRIB_OK &&
	       record.position < stretch->to)
		if (!read_record(job, &record)) {
			status = trib_fail(&job->error, TRIB_CORRUPT, "journal", "the record at %llu is no batch",
					   (unsigned long long)record.position);
			break;
		}
	trib_journal_reader_free(reader);
	return status == TRIB_NOT_FOUND ? TRIB_OK : status;
}

static trib_status read_all(struct statement_job *job)
{
	const struct trib_account *account = &job->statement.query.account;
	char prefix[4];
	trib_status status = trib_store_scan_view(job->store, job->view, TRIB_TABLE_STATEMENT,
						  trib_bytes(prefix, trib_key_u32(prefix, account->party)), take_row,
						  job, &job->error);
	size_t n = status == TRIB_OK ? trib_statement_plan(&job->statement, job->tail, job->tail_ms, job->end,
							   job->untold) :
				       0;

	for (size_t i = 0; status == TRIB_OK && i < n; i++)
		if (trib_statement_wants(&job->statement, &job->statement.stretches[i]))
			status = read_stretch(job, &job->statement.stretches[i]);
	trib_statement_finish(&job->statement);
	return status;
}

static void *job_thread(void *context)
{
	struct statement_job *job = context;

	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	job->status = read_all(job);
	__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
	trib_bell_ring(job->bell);
	return NULL;
}

/* --- What is asked ------------------------------------------------------------------------------------- */

static trib_status read_words(const struct trib_call *call, struct statement_job *job, struct trib_error *error)
{
	static const char *const formats[] = { "json", "csv" }, *const languages[] = { "en", "zh", "both" };
	size_t format = 0, language = 0;

	while (call->format.size && format < TRIB_ARRAY_SIZE(formats) &&
	       !trib_bytes_is(call->format, formats[format]))
		format++;
	if (format == TRIB_ARRAY_SIZE(formats))
		return engine_refuse(error, "format", call->format, "json or csv");
	while (call->language.size && language < TRIB_ARRAY_SIZE(languages) &&
	       !trib_bytes_is(call->language, languages[language]))
		language++;
	if (language == TRIB_ARRAY_SIZE(languages))
		return engine_refuse(error, "lang", call->language, "en, zh or both");
	job->format = (enum format)format;
	job->language = (enum language)language;
	return TRIB_OK;
}

/* "position.index", as a page gave it. */
static bool read_cursor(struct trib_bytes text, struct trib_statement_place *ret_place)
{
	const char *dot = text.size ? memchr(text.data, '.', text.size) : NULL;
	uint64_t index;

	if (!dot || !trib_bytes_to_u64(trib_bytes(text.data, (size_t)(dot - text.data)), &ret_place->position) ||
	    !trib_bytes_to_u64(trib_bytes(dot + 1, (size_t)(text.data + text.size - dot - 1)), &index) ||
	    index > UINT32_MAX)
		return false;
	ret_place->index = (uint32_t)index;
	return true;
}

/* A word that nothing bears matches nothing. */
static uint32_t code_or_none(const struct trib_engine *engine, struct trib_bytes word)
{
	uint32_t code = word.size ? trib_domain_find_code(engine->domain, word) : 0;

	return code || !word.size ? code : UINT32_MAX;
}

static trib_status read_query(struct trib_engine *engine, const struct trib_call *call,
			      struct trib_statement_query *query, struct trib_error *error)
{
	enum trib_account_kind kind = 0;
	enum trib_stage stage = 0;

	if (!call->party.size)
		return trib_fail(error, TRIB_INVALID, "party", "found none, expected whose statement it is");
	query->account.party = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, call->party);
	if (!query->account.party)
		return trib_fail(error, TRIB_NOT_FOUND, "party", "found \"%.*s\", expected the id of a known party",
				 (int)TRIB_MIN(call->party.size, (size_t)64), call->party.data);
	if (call->kind_word.size && !trib_account_kind_of_word(call->kind_word, &kind))
		return engine_refuse(error, "kind", call->kind_word,
				     "payable, receivable, held, subsidy, fee or tax");
	if (call->stage.size && !trib_stage_of_word(call->stage, &stage))
		return engine_refuse(error, "stage", call->stage, "pending or posted");
	query->account.role = code_or_none(engine, call->role);
	query->account.currency = code_or_none(engine, call->currency);
	query->account.kind = (uint8_t)kind;
	query->account.stage = (uint8_t)stage;
	query->from_ms = call->from_ms;
	query->to_ms = call->has_to ? call->to_ms : engine->now_ms + 1;
	if (call->has_to && query->to_ms < query->from_ms)
		return trib_fail(error, TRIB_INVALID, "to", "found %lld, expected from or later", (long long)query->to_ms);
	query->to_ms = TRIB_MAX(query->to_ms, query->from_ms);
	if (call->cursor.size && !read_cursor(call->cursor, &query->after))
		return engine_refuse(error, "cursor", call->cursor, "one that a statement has given");
	return TRIB_OK;
}

/* A job for the call; the place of what is wrong with it. */
static trib_status prepare(struct trib_engine *engine, struct trib_call *call, struct statement_job **ret_job,
			   struct trib_error *error)
{
	struct statement_job *job = trib_alloc_zeroed(1, sizeof(*job));
	struct trib_statement_query query = { 0 };
	trib_status status = read_words(call, job, error);

	if (status == TRIB_OK)
		status = read_query(engine, call, &query, error);
	if (status != TRIB_OK) {
		free(job);
		return status;
	}
	query.limit = call->limit ? call->limit :
		      job->format == FORMAT_CSV ? TRIB_LIMIT_STATEMENT_ROWS :
						  TRIB_LIMIT_LIST_ITEMS;
	job->call = call;
	job->bell = &engine->bell;
	job->journal = engine->journal;
	job->store = engine->store;
	job->end = engine->progress.written;
	job->untold = engine->statements.untold;
	job->tail_ms = engine->statements.stored_ms;
	trib_statement_init(&job->statement, &query);
	*ret_job = job;
	return TRIB_OK;
}

/* --- The job ------------------------------------------------------------------------------------------- */

void statements_init(struct trib_engine *engine)
{
	engine->statements = (struct statements){ .last_waiting = &engine->statements.waiting };
}

bool statements_take(struct trib_engine *engine, struct trib_call *call)
{
	struct statements *statements = &engine->statements;

	if (call->kind != TRIB_CALL_STATEMENT)
		return false;
	call->next = NULL;
	*statements->last_waiting = call;
	statements->last_waiting = &call->next;
	return true;
}

static void job_free(struct trib_engine *engine, struct statement_job *job)
{
	__atomic_store_n(&job->cancelled, true, __ATOMIC_RELAXED);
	if (job->thread_started)
		pthread_join(job->thread, NULL);
	if (job->view)
		trib_store_view_free(engine->store, job->view);
	trib_statement_fini(&job->statement);
	free(job);
}

static void begin_job(struct trib_engine *engine)
{
	struct statements *statements = &engine->statements;
	struct trib_call *call = statements->waiting;
	struct trib_error error;

	statements->waiting = call->next;
	if (!statements->waiting)
		statements->last_waiting = &statements->waiting;
	trib_status status = prepare(engine, call, &statements->job, &error);

	if (status != TRIB_OK) {
		calls_decide(engine, call, status, &error);
		return;
	}
	struct statement_job *job = statements->job;

	job->view = trib_store_view_new(engine->store, &job->tail);
	if (engine->options.foreground || pthread_create(&job->thread, NULL, job_thread, job) != 0) {
		job->status = read_all(job);
		job->done = true;
	} else {
		job->thread_started = true;
	}
}

static void add_head(struct trib_engine *engine, struct statement_job *job);
static void add_entries(struct trib_engine *engine, struct statement_job *job, size_t n);
static void add_foot(struct trib_engine *engine, struct statement_job *job);

/* True when the answer is complete. */
static bool format_some(struct trib_engine *engine, struct statement_job *job)
{
	size_t left = job->statement.n_entries - job->formatted;

	if (job->status != TRIB_OK)
		return true;
	if (job->call->reply.size == 0)
		add_head(engine, job);
	add_entries(engine, job, TRIB_MIN(left, (size_t)ENTRIES_PER_TURN));
	if (left > ENTRIES_PER_TURN)
		return false;
	add_foot(engine, job);
	return true;
}

void statements_turn(struct trib_engine *engine)
{
	struct statements *statements = &engine->statements;

	if (statements->job && __atomic_load_n(&statements->job->done, __ATOMIC_ACQUIRE)) {
		struct statement_job *job = statements->job;

		if (!format_some(engine, job)) {
			trib_bell_ring(&engine->bell);
			return;
		}
		calls_decide(engine, job->call, job->status, &job->error);
		statements->job = NULL;
		job_free(engine, job);
	}
	while (!statements->job && statements->waiting)
		begin_job(engine);
	if (statements->job && __atomic_load_n(&statements->job->done, __ATOMIC_ACQUIRE))
		trib_bell_ring(&engine->bell);
}

trib_status statements_answer(struct trib_engine *engine, struct trib_call *call)
{
	/* The reply has been written, turn by turn. */
	trib_assert(engine->statements.job && engine->statements.job->call == call);
	return TRIB_OK;
}

void statements_fini(struct trib_engine *engine)
{
	struct statements *statements = &engine->statements;
	struct trib_call *waiting = TRIB_TAKE_PTR(statements->waiting);

	if (statements->job) {
		struct trib_call *call = statements->job->call;

		job_free(engine, TRIB_TAKE_PTR(statements->job));
		call->next = waiting;
		waiting = call;
	}
	while (waiting) {
		struct trib_call *call = waiting;

		waiting = call->next;
		trib_buffer_reset(&call->reply);
		call->status = trib_fail(&call->error, TRIB_UNKNOWN, "", "repeat this command");
		call->done(call);
	}
	statements_init(engine);
}

/* --- JSON ---------------------------------------------------------------------------------------------- */

static struct trib_bytes symbol(const struct trib_engine *engine, uint32_t code)
{
	return code ? trib_names_text(trib_domain_symbols(engine->domain), code) : trib_bytes("", 0);
}

static void add_field(struct trib_buffer *json, const char *key, struct trib_bytes text)
{
	char last = json->data[json->size - 1];

	trib_buffer_add_text(json, last == '{' ? "\"" : ",\"");
	trib_buffer_add_text(json, key);
	trib_buffer_add_text(json, "\":");
	trib_json_add_string(json, text);
}

static void add_account(const struct trib_engine *engine, const struct trib_account *account,
			struct trib_buffer *json)
{
	add_field(json, "role", symbol(engine, account->role));
	add_field(json, "currency", symbol(engine, account->currency));
	add_field(json, "kind", trib_bytes_text(trib_account_kind_word(account->kind)));
	add_field(json, "stage", trib_bytes_text(trib_stage_word(account->stage)));
}

static int64_t figure(const struct trib_balance *balance, uint8_t stage)
{
	return stage == TRIB_STAGE_PENDING ? balance->pending : balance->posted;
}

/* Does the statement show this stage of an account? */
static bool shows(const struct trib_statement *statement, const struct trib_statement_account *held, uint8_t stage)
{
	uint8_t wanted = statement->query.account.stage;

	return (!wanted || wanted == stage) && held->stages >> stage & 1;
}

static void add_figures(const struct trib_engine *engine, const struct trib_statement *statement,
			struct trib_buffer *json)
{
	for (size_t i = 0; i < statement->n_accounts; i++)
		for (uint8_t stage = TRIB_STAGE_PENDING; stage <= TRIB_STAGE_POSTED; stage++) {
			const struct trib_statement_account *held = &statement->accounts[i];
			struct trib_account account = held->account;

			if (!shows(statement, held, stage))
				continue;
			account.stage = stage;
			trib_buffer_add_text(json, json->data[json->size - 1] == '[' ? "{" : ",{");
			add_account(engine, &account, json);
			trib_buffer_add_format(json, ",\"opening\":%lld,\"closing\":%lld}",
					       (long long)figure(&held->opening, stage),
					       (long long)figure(&held->closing, stage));
		}
}

static void add_json_head(const struct trib_engine *engine, struct statement_job *job)
{
	struct trib_buffer *json = &job->call->reply;

	trib_buffer_add_char(json, '{');
	add_field(json, "party", job->call->party);
	trib_buffer_add_format(json, ",\"from\":%lld,\"to\":%lld,\"accounts\":[",
			       (long long)job->statement.query.from_ms, (long long)job->statement.query.to_ms);
	add_figures(engine, &job->statement, json);
	trib_buffer_add_text(json, "],\"entries\":[");
}

static struct trib_bytes order_of(const struct trib_statement *statement, const struct trib_statement_entry *entry)
{
	return trib_bytes(statement->texts.data + entry->order, entry->order_size);
}

static void add_json_entry(const struct trib_engine *engine, struct statement_job *job,
			   const struct trib_statement_entry *entry)
{
	struct trib_buffer *json = &job->call->reply;
	struct trib_bytes line = symbol(engine, entry->name);

	trib_buffer_add_text(json, json->data[json->size - 1] == '[' ? "{" : ",{");
	trib_buffer_add_format(json, "\"at\":%lld,\"position\":%llu", (long long)entry->at_ms,
			       (unsigned long long)entry->place.position);
	add_field(json, "order", order_of(&job->statement, entry));
	add_field(json, "line", line);
	add_field(json, "line_kind", trib_bytes_text(trib_line_kind_word(trib_line_kind_of_name(line))));
	add_account(engine, &entry->account, json);
	trib_buffer_add_format(json, ",\"debit\":%lld,\"credit\":%lld",
			       (long long)(entry->amount < 0 ? -entry->amount : 0),
			       (long long)(entry->amount > 0 ? entry->amount : 0));
	add_field(json, "counterparty", trib_engine_party_id(engine, entry->other_party));
	add_field(json, "counterparty_role", symbol(engine, entry->other_role));
	trib_buffer_add_format(json, ",\"event_at\":%lld}", (long long)entry->event_ms);
}

static void print_cursor(const struct statement_job *job, char text[TRIB_CALL_CURSOR_CHARS])
{
	const struct trib_statement *statement = &job->statement;
	const struct trib_statement_place *last = &statement->entries[statement->n_entries - 1].place;

	snprintf(text, TRIB_CALL_CURSOR_CHARS, "%llu.%u", (unsigned long long)last->position, last->index);
}

/* --- CSV ----------------------------------------------------------------------------------------------- */

/* X(English, 中文) */
#define COLUMNS(X)                                                                                 \
	X("type", "类型")                                                                          \
	X("posted_at", "记账时间")                                                                 \
	X("order", "订单")                                                                         \
	X("line", "分佣项")                                                                        \
	X("line_kind", "分佣项类型")                                                               \
	X("party", "主体")                                                                         \
	X("role", "角色")                                                                          \
	X("currency", "币种")                                                                      \
	X("account", "科目")                                                                       \
	X("stage", "阶段")                                                                         \
	X("debit", "支出")                                                                         \
	X("credit", "收入")                                                                        \
	X("balance", "余额")                                                                       \
	X("counterparty", "对方")                                                                  \
	X("counterparty_role", "对方角色")                                                         \
	X("position", "位置")                                                                      \
	X("event_at", "业务时间")

static void add_header(struct trib_buffer *csv, enum language language)
{
#define X(en, zh)                                                                                  \
	trib_buffer_add_text(csv, language == LANGUAGE_EN ? en "," : language == LANGUAGE_ZH ? zh "," : zh " " en ",");
	COLUMNS(X)
#undef X
	csv->size--;
	trib_buffer_add_text(csv, "\r\n");
}

static void add_cell(struct trib_buffer *csv, struct trib_bytes text)
{
	trib_csv_add(csv, text);
	trib_buffer_add_char(csv, ',');
}

static void add_number_cell(struct trib_buffer *csv, int64_t number, bool shown)
{
	if (shown)
		trib_buffer_add_i64(csv, number);
	trib_buffer_add_char(csv, ',');
}

/* RFC 3339, UTC, to the millisecond. */
static void add_time_cell(struct trib_buffer *csv, int64_t at_ms)
{
	time_t seconds = at_ms / 1000;
	struct tm parts;

	gmtime_r(&seconds, &parts);
	trib_buffer_add_format(csv, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ,", parts.tm_year + 1900, parts.tm_mon + 1,
			       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (int)(at_ms % 1000));
}

static void add_account_cells(const struct trib_engine *engine, const struct statement_job *job,
			      const struct trib_account *account, struct trib_buffer *csv)
{
	bool zh = job->language == LANGUAGE_ZH;

	add_cell(csv, job->call->party);
	add_cell(csv, symbol(engine, account->role));
	add_cell(csv, symbol(engine, account->currency));
	add_cell(csv, trib_bytes_text(zh ? trib_account_kind_title(account->kind, true) :
					   trib_account_kind_word(account->kind)));
	add_cell(csv, trib_bytes_text(zh ? trib_stage_title(account->stage, true) :
					   trib_stage_word(account->stage)));
}

/* Opening figures before the first page's entries, closing figures behind the last one's. */
static void add_csv_figures(const struct trib_engine *engine, const struct statement_job *job, bool opening)
{
	const struct trib_statement *statement = &job->statement;
	struct trib_buffer *csv = &job->call->reply;
	const char *type = job->language == LANGUAGE_ZH ? (opening ? "期初" : "期末") :
							  (opening ? "opening" : "closing");

	for (size_t i = 0; i < statement->n_accounts; i++)
		for (uint8_t stage = TRIB_STAGE_PENDING; stage <= TRIB_STAGE_POSTED; stage++) {
			const struct trib_statement_account *held = &statement->accounts[i];
			struct trib_account account = held->account;

			if (!shows(statement, held, stage))
				continue;
			account.stage = stage;
			add_cell(csv, trib_bytes_text(type));
			add_time_cell(csv, opening ? statement->query.from_ms : statement->query.to_ms);
			trib_buffer_add_text(csv, ",,,"); /* order, line, its kind */
			add_account_cells(engine, job, &account, csv);
			trib_buffer_add_text(csv, ",,"); /* debit, credit */
			add_number_cell(csv, figure(opening ? &held->opening : &held->closing, stage), true);
			trib_buffer_add_text(csv, ",,,\r\n");
		}
}

static void add_csv_entry(const struct trib_engine *engine, const struct statement_job *job,
			  const struct trib_statement_entry *entry)
{
	struct trib_buffer *csv = &job->call->reply;
	struct trib_bytes line = symbol(engine, entry->name);
	enum trib_line_kind kind = trib_line_kind_of_name(line);
	bool zh = job->language == LANGUAGE_ZH;

	add_cell(csv, trib_bytes_text(zh ? "明细" : "entry"));
	add_time_cell(csv, entry->at_ms);
	add_cell(csv, order_of(&job->statement, entry));
	add_cell(csv, line);
	add_cell(csv, trib_bytes_text(zh ? trib_line_kind_title(kind, true) : trib_line_kind_word(kind)));
	add_account_cells(engine, job, &entry->account, csv);
	add_number_cell(csv, -entry->amount, entry->amount < 0);
	add_number_cell(csv, entry->amount, entry->amount > 0);
	add_number_cell(csv, 0, false); /* balance */
	add_cell(csv, trib_engine_party_id(engine, entry->other_party));
	add_cell(csv, symbol(engine, entry->other_role));
	trib_buffer_add_format(csv, "%llu,", (unsigned long long)entry->place.position);
	add_time_cell(csv, entry->event_ms);
	csv->size--; /* the last one */
	trib_buffer_add_text(csv, "\r\n");
}

/* --- Either -------------------------------------------------------------------------------------------- */

static void add_head(struct trib_engine *engine, struct statement_job *job)
{
	if (job->format == FORMAT_JSON) {
		add_json_head(engine, job);
		return;
	}
	job->call->content_type = "text/csv; charset=utf-8; header=present";
	if (job->statement.query.after.position) {
		job->call->content_type = "text/csv; charset=utf-8; header=absent";
		return;
	}
	add_header(&job->call->reply, job->language);
	add_csv_figures(engine, job, true);
}

static void add_entries(struct trib_engine *engine, struct statement_job *job, size_t n)
{
	for (; n; n--) {
		const struct trib_statement_entry *entry = &job->statement.entries[job->formatted++];

		if (job->format == FORMAT_JSON)
			add_json_entry(engine, job, entry);
		else
			add_csv_entry(engine, job, entry);
	}
}

static void add_foot(struct trib_engine *engine, struct statement_job *job)
{
	struct trib_call *call = job->call;
	bool more = job->statement.more && job->statement.n_entries;

	call->next_cursor[0] = '\0';
	if (more)
		print_cursor(job, call->next_cursor);
	if (job->format == FORMAT_CSV && !more)
		add_csv_figures(engine, job, false);
	if (job->format == FORMAT_CSV)
		return;
	if (more)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%s\"}", call->next_cursor);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
}
