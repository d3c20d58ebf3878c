/*
 * Rich clients: order services with libtributary inside. Each keeps a snapshot of the market in a file of its own, takes
 * news of it late, twice, damaged or not at all, decides orders by itself, and tells the engine afterwards, at least once.
 *
 *	 news      engine ── snapshot ──▶ (late, damaged) ──▶ market_take ──▶ its view, its file
 *	 orders    trib_resolve ──▶ compared with the model as of the view's position ──▶ trib_client_record
 *	 records   queue ── RECORD ──▶ (lost, late, twice) ──▶ engine; dropped once the answer has come back
 *
 * The library is the real one, but for its thread, which finds no server to talk to: its part is played here.
 *
 * What the auditor asks, beside what market.c does:
 *
 *	1. a client stands where the last news that it could take has brought it, before and after it was killed
 *	2. each answer is the model's at that position; where the engine comes to the same, their bytes are alike
 *	3. what differs is counted by the reason that the model names
 *	4. an order whose RECORD was answered is in the books for good, and every recorded one in the end, once
 */
#include "market.h"

#include <unistd.h>
#include "client.h"

enum { CLIENTS = 2, PARTS_MAX = 64, RECORDS_MAX = 16, ORDERS_MAX = 6, AHEAD_MS_MAX = 60000 };

/* A snapshot on its way, and what it says of itself. */
struct delivery {
	struct trib_buffer bytes;
	bool there, damaged;
	unsigned parts;
	size_t first_size;
	uint64_t since, first_position, position; /* of the first part; of the last */
};

/* A RECORD that was sent: one at a time. */
struct flight {
	size_t count;
	uint64_t ticket; /* its answer leaves when this has settled */
};

struct client {
	struct trib_client *client;
	struct trib_resolver *resolver;
	char path[96];
	unsigned number;
	uint64_t position; /* where it stands; 0: nowhere yet */
	struct {
		uint64_t position;
		size_t end; /* in the file */
	} parts[PARTS_MAX];
	unsigned n_parts;
	struct delivery late;
	struct flight flight;
	struct trib_buffer straggler; /* a RECORD that the network brings once more */
};

/* An order that a client has decided. */
struct recorded {
	struct model_op op;
	struct model_answer answer; /* the model's, for the client's market */
	unsigned client;
	uint64_t position;
	size_t size;
	char *bytes; /* of the client's resolution */
	enum { QUEUED, ANSWERED, REFUSED, FORGOTTEN } state;
};

struct clients {
	struct market *market;
	struct client all[CLIENTS];
	char *keys;
	struct recorded *recorded;
	size_t count, capacity;
};

/* --- The process ---------------------------------------------------------------------------------------- */

struct clients *clients_new(struct market *market)
{
	struct clients *clients = trib_alloc_zeroed(1, sizeof(*clients));

	clients->market = market;
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = &clients->all[i];

		client->number = i;
		snprintf(client->path, sizeof(client->path), "%s/client%u.snapshot", market->folder, i);
		trib_buffer_init(&client->late.bytes, 64 << 20);
		trib_buffer_init(&client->straggler, 1 << 20);
	}
	return clients;
}

static void stop(struct client *client)
{
	trib_resolver_free(TRIB_TAKE_PTR(client->resolver));
	trib_client_close(TRIB_TAKE_PTR(client->client), 0);
}

void clients_free(struct clients *clients)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		stop(&clients->all[i]);
		trib_buffer_fini(&clients->all[i].late.bytes);
		trib_buffer_fini(&clients->all[i].straggler);
	}
	for (size_t i = 0; i < clients->count; i++)
		free(clients->recorded[i].bytes);
	free(clients->recorded);
	free(clients->keys);
	free(clients);
}

static void check_position(struct clients *clients, const struct client *client, const char *after)
{
	struct trib_client_state state = { .size = sizeof(state) };

	trib_client_state(client->client, &state);
	sim_expect(clients->market->run, state.position == client->position && state.has_snapshot == (client->position != 0),
		   "client %u stands at %llu after %s, expected %llu", client->number, (unsigned long long)state.position,
		   after, (unsigned long long)client->position);
}

/* Begins with what its file has. */
static void start(struct clients *clients, struct client *client)
{
	const struct trib_client_options options = { .size = sizeof(options), .snapshot_file = client->path };
	struct trib_client_error told;
	struct trib_error error;
	int status = trib_client_open(&options, &client->client, &told);

	if (status != TRIB_CLIENT_OK) {
		client->client = NULL;
		sim_fail(clients->market->run, "client %u does not begin: %s", client->number, told.text);
		return;
	}
	client->resolver = trib_resolver_new(client->client);
	sim_expect(clients->market->run, market_take_keys(client->client, clients->keys, &error) == TRIB_OK,
		   "client %u does not take the keys: %s: %s", client->number, error.at, error.text);
	check_position(clients, client, "beginning");
}

/* A secret that never changes here: asked for once. */
static bool fetch_keys(struct clients *clients)
{
	struct trib_call call = { .kind = TRIB_CALL_KEYS };

	if (clients->keys)
		return true;
	market_call_kept(clients->market, &call, NULL);
	if (call.status == TRIB_OK && !clients->market->run->failed)
		clients->keys = trib_strdup(trib_buffer_text(&call.reply));
	trib_buffer_fini(&call.reply);
	return clients->keys;
}

/* Of the file's parts those remain that lie before the damage. */
static void damage_file(struct clients *clients, struct client *client)
{
	struct sim_run *run = clients->market->run;
	size_t size = client->n_parts ? client->parts[client->n_parts - 1].end : 0;
	size_t at = size ? sim_below(run, size) : 0;
	bool cut = sim_chance(run, 0.5);

	if (!size)
		return;
	if (cut) {
		sim_expect(run, truncate(client->path, (off_t)at) == 0, "the client's file cannot be cut");
	} else {
		FILE *file = fopen(client->path, "r+");

		trib_assert(file && fseek(file, (long)at, SEEK_SET) == 0);
		int byte = fgetc(file);

		fseek(file, (long)at, SEEK_SET);
		fputc(byte ^ 1 << sim_below(run, 8), file);
		fclose(file);
	}
	while (client->n_parts && client->parts[client->n_parts - 1].end > at)
		client->n_parts--;
	client->position = client->n_parts ? client->parts[client->n_parts - 1].position : 0;
	sim_mark(run, SIM_MARK_FILE_DAMAGED);
	sim_tell(run, "client %u: file %s at %zu of %zu", client->number, cut ? "cut" : "damaged", at, size);
}

/* The process dies; what it has not sent is gone with it, and what is in its file stays. */
static void restart(struct clients *clients, struct client *client)
{
	sim_tell(clients->market->run, "client %u killed", client->number);
	stop(client);
	client->flight = (struct flight){ 0 };
	for (size_t i = 0; i < clients->count; i++)
		if (clients->recorded[i].client == client->number && clients->recorded[i].state != ANSWERED)
			clients->recorded[i].state = FORGOTTEN;
	if (sim_chance(clients->market->run, 0.5))
		damage_file(clients, client);
	start(clients, client);
}

/* --- News of the market ------------------------------------------------------------------------------------ */

static uint64_t number_at(const struct trib_buffer *bytes, size_t at)
{
	uint64_t number = 0;

	if (at + sizeof(number) <= bytes->size)
		memcpy(&number, bytes->data + at, sizeof(number));
	return number;
}

static bool add_bytes(void *context, struct trib_bytes bytes)
{
	trib_buffer_add_bytes(context, bytes);
	return true;
}

/* Planted: a delta that leaves out its last change, and is in order otherwise. */
static void leave_one_out(struct trib_buffer *bytes)
{
	struct trib_snapshot_part part;
	struct trib_snapshot_item item;
	struct trib_snapshot_writer writer;
	struct trib_buffer other;
	struct trib_error error;
	size_t offset = 0, items = 0;
	bool ok;

	if (trib_snapshot_next(trib_buffer_bytes(bytes), &offset, &part, &error) != TRIB_OK || !part.head.since)
		return;
	for (struct trib_snapshot_cursor cursor = trib_snapshot_items(&part); trib_snapshot_item(&cursor, &item, &ok);)
		items++;
	trib_buffer_init(&other, 64 << 20);
	trib_snapshot_begin(&writer, &part.head, add_bytes, &other);
	for (struct trib_snapshot_cursor cursor = trib_snapshot_items(&part);
	     items > 1 && trib_snapshot_item(&cursor, &item, &ok); items--)
		trib_snapshot_event(&writer, item.position, item.value);
	trib_snapshot_end(&writer);
	trib_buffer_reset(bytes);
	trib_buffer_add_bytes(bytes, trib_buffer_bytes(&other));
	trib_buffer_fini(&other);
}

/* Asks the engine, as GET /api/v1/snapshot does. */
static bool fetch(struct clients *clients, uint64_t since, struct delivery *delivery)
{
	struct market *market = clients->market;
	struct trib_call call = { .kind = TRIB_CALL_SNAPSHOT, .since = since };
	unsigned openings = market->openings;

	market_call_kept(market, &call, NULL);
	/* Of a market in which nothing has happened there is nothing to know. */
	bool came = call.status == TRIB_OK && !market->run->failed && market->openings == openings &&
		    trib_engine_market_position(market->engine);

	trib_buffer_reset(&delivery->bytes);
	*delivery = (struct delivery){ .bytes = delivery->bytes, .there = came };
	if (came && call.file) {
		char *place = trib_buffer_reserve(&delivery->bytes, call.file->size);

		trib_assert(pread(call.file->fd, place, call.file->size, 0) == (ssize_t)call.file->size);
		delivery->bytes.size += call.file->size;
		delivery->first_size = call.file->size;
		delivery->parts++;
	}
	if (came && call.reply.size) {
		trib_buffer_add_bytes(&delivery->bytes, trib_buffer_bytes(&call.reply));
		delivery->first_size = delivery->parts++ ? delivery->first_size : call.reply.size;
	}
	trib_call_file_unref(call.file);
	trib_buffer_fini(&call.reply);
	if (!came)
		return false;
	if (market->run->plant == SIM_PLANT_LOST_DELTA && delivery->parts == 1)
		leave_one_out(&delivery->bytes);
	delivery->since = number_at(&delivery->bytes, 24);
	delivery->first_position = number_at(&delivery->bytes, 32);
	delivery->position = trib_engine_market_position(market->engine);
	return true;
}

static void damage(struct clients *clients, struct delivery *delivery)
{
	struct sim_run *run = clients->market->run;
	size_t at = sim_below(run, delivery->bytes.size);

	delivery->damaged = true;
	if (sim_chance(run, 0.5))
		delivery->bytes.data[at] = (char)(delivery->bytes.data[at] ^ 1 << sim_below(run, 8));
	else /* somewhere in its last part */
		delivery->bytes.size -= 1 + sim_below(run, delivery->parts > 1 ? delivery->bytes.size - delivery->first_size
									      : delivery->bytes.size);
	if (delivery->parts > 1 && delivery->bytes.size == delivery->first_size)
		delivery->damaged = false, delivery->parts = 1, delivery->position = delivery->first_position;
}

/* Never a damaged one, never an older one, never one that leaves a gap. */
static bool is_taken(const struct client *client, const struct delivery *delivery)
{
	if (delivery->damaged)
		return false;
	if (!delivery->since)
		return delivery->position >= client->position;
	if (!client->position || delivery->position < client->position)
		return false;
	return delivery->since <= client->position;
}

static void note_parts(struct client *client, const struct delivery *delivery)
{
	size_t end = 0;

	if (!delivery->since)
		client->n_parts = 0;
	if (client->n_parts)
		end = client->parts[client->n_parts - 1].end;
	for (unsigned i = 0; i < delivery->parts && client->n_parts < PARTS_MAX; i++) {
		client->parts[client->n_parts].position = i + 1 == delivery->parts ? delivery->position
										    : delivery->first_position;
		client->parts[client->n_parts++].end =
			end + (i + 1 == delivery->parts ? delivery->bytes.size : delivery->first_size);
	}
}

static void mark_delivery(struct sim_run *run, const struct client *client, const struct delivery *delivery, bool taken)
{
	if (taken)
		sim_mark(run, delivery->since ? SIM_MARK_DELTA_TAKEN : SIM_MARK_FULL_TAKEN);
	else if (delivery->damaged)
		sim_mark(run, SIM_MARK_DAMAGED_REFUSED);
	else
		sim_mark(run, delivery->position < client->position ? SIM_MARK_OLDER_REFUSED : SIM_MARK_GAP_REFUSED);
}

static void deliver(struct clients *clients, struct client *client, struct delivery *delivery)
{
	struct sim_run *run = clients->market->run;
	struct trib_error error = { .text = "" };
	bool expected = is_taken(client, delivery);
	bool taken = market_take(client->client, trib_buffer_bytes(&delivery->bytes), &error) == TRIB_OK;

	sim_tell(run, "client %u at %llu: %s from %llu to %llu%s: %s", client->number, (unsigned long long)client->position,
		 delivery->since ? "delta" : "full", (unsigned long long)delivery->since,
		 (unsigned long long)delivery->position, delivery->damaged ? ", damaged" : "", taken ? "taken" : error.text);
	sim_expect(run, taken == expected, "client %u at %llu %s a %s from %llu to %llu%s, expected otherwise: %s",
		   client->number, (unsigned long long)client->position, taken ? "takes" : "refuses",
		   delivery->since ? "delta" : "full snapshot", (unsigned long long)delivery->since,
		   (unsigned long long)delivery->position, delivery->damaged ? ", damaged" : "", error.text);
	mark_delivery(run, client, delivery, taken);
	if (taken && (!delivery->since || delivery->position > client->position)) {
		note_parts(client, delivery);
		client->position = delivery->position;
	}
	delivery->there = false;
	check_position(clients, client, "news");
}

static void look(struct clients *clients, struct client *client)
{
	struct sim_run *run = clients->market->run;
	struct delivery now = { .there = false };
	bool full = client->n_parts >= PARTS_MAX - 2 || sim_chance(run, 0.15);

	if (client->late.there && sim_chance(run, 0.5)) {
		deliver(clients, client, &client->late);
		return;
	}
	trib_buffer_init(&now.bytes, 64 << 20);
	if (fetch(clients, full ? 0 : client->position, &now)) {
		if (sim_chance(run, 0.15))
			damage(clients, &now);
		if (!client->late.there && sim_chance(run, 0.35)) {
			struct delivery spare = client->late;

			client->late = now;
			now = spare;
		} else {
			deliver(clients, client, &now);
		}
	}
	trib_buffer_fini(&now.bytes);
}

/* --- Orders ----------------------------------------------------------------------------------------------- */

/* Why the client must ask the engine. Candidates of a list are looked at where nothing else is in the way. */
static uint32_t reasons_of(const struct model *model, const struct model_state *state, const struct model_op *op)
{
	uint32_t reasons = 0;

	if (market_states_twice(op) && !state->goods[op->goods])
		return TRIB_CLIENT_UNKNOWN_GOODS;
	if (op->link == MODEL_NO_TOKEN)
		reasons |= market_states_twice(op) ? TRIB_CLIENT_SEVERAL_TOKENS : TRIB_CLIENT_NO_TOKEN;
	if (op->link >= 0) {
		const struct model_op *link = &model->ops[op->link];

		if (!state->registration || !state->goods[link->goods] || !state->creators[link->creator] ||
		    !state->plans[link->goods])
			reasons |= TRIB_CLIENT_NEWER_TOKEN;
	}
	return reasons | (state->goods[op->goods] ? 0 : TRIB_CLIENT_UNKNOWN_GOODS);
}

static bool is_line(const Tributary__Line *line, const char *name, const char *to, const char *from, int64_t amount)
{
	return line->name && line->to && line->from && strcmp(line->name, name) == 0 && strcmp(line->to, to) == 0 &&
	       strcmp(line->from, from) == 0 && line->amount == amount;
}

static bool is_credit(const struct model *model, const Tributary__Credit *credit, const struct model_answer *answer,
		      const struct model_op *op)
{
	static const char *const rows[MODEL_LINES][3] = { { "commission", "creator", "merchant" },
							  { "service", "leader", "merchant" },
							  { "technical", "platform", "creator" } };
	int64_t lines[MODEL_LINES];
	char plan[32];
	size_t n = 0;

	snprintf(plan, sizeof(plan), "p%u@%llu", op->goods, (unsigned long long)model->ops[answer->plan].number);
	if (credit->touch != model->ops[answer->link].number || !credit->plan || strcmp(credit->plan, plan) != 0 ||
	    credit->base != op->base)
		return false;
	model_lines(answer, op->base, lines);
	for (int i = 0; i < MODEL_LINES; i++)
		if (lines[i] >= 0 && (n == credit->n_lines || !is_line(credit->lines[n++], rows[i][0], rows[i][1], rows[i][2],
								       lines[i])))
			return false;
	return n == credit->n_lines;
}

/* Does a resolution say what the model does, and nothing else? */
static bool is_resolution(const struct model *model, const Tributary__Resolution *found, uint64_t position, const char *id,
			  const struct model_answer *answer, const struct model_op *op)
{
	char rules[32], node[8] = { answer->node };
	bool credited = answer->outcome == TRIB_OUTCOME_ATTRIBUTED;

	if (!answer->node)
		strcpy(node, answer->version > MODEL_BUILT_IN ? "n" : "default");
	snprintf(rules, sizeof(rules), "default@%u", answer->version);
	return found && found->position == position && found->order && strcmp(found->order, id) == 0 &&
	       found->at == op->stated_ms && found->outcome &&
	       strcmp(found->outcome, trib_outcome_word(answer->outcome)) == 0 && found->rules &&
	       strcmp(found->rules, rules) == 0 && found->node && strcmp(found->node, node) == 0 &&
	       found->complete && found->n_pending == 0 && found->n_credits == credited &&
	       (!credited || is_credit(model, found->credits[0], answer, op));
}

static int64_t charged_by(const struct model_answer *answer, int64_t base)
{
	int64_t lines[MODEL_LINES];

	model_lines(answer, base, lines);
	return answer->outcome == TRIB_OUTCOME_ATTRIBUTED ? TRIB_MAX(lines[MODEL_COMMISSION], (int64_t)0) +
								    TRIB_MAX(lines[MODEL_SERVICE], (int64_t)0)
							  : 0;
}

static void check_resolution(struct clients *clients, const struct client *client, const struct model_op *op,
			     const char *id, const struct model_answer *expected, const struct trib_client_answer *answer)
{
	struct sim_run *run = clients->market->run;
	Tributary__Resolution *found =
		tributary__resolution__unpack(NULL, answer->resolution_size, (const uint8_t *)answer->resolution);
	int64_t charged = charged_by(expected, op->base);

	sim_expect(run,
		   answer->outcome == (uint32_t)expected->outcome && answer->charged == charged && answer->complete &&
			   answer->position == client->position,
		   "client %u at %llu decides order %s as %s with %lld charged, expected %s with %lld", client->number,
		   (unsigned long long)answer->position, id, answer->outcome_word, (long long)answer->charged,
		   trib_outcome_word(expected->outcome), (long long)charged);
	sim_expect(run,
		   is_resolution(&clients->market->model, found, client->position, id, expected, op) &&
			   found->charged == charged,
		   "client %u at %llu tells order %s as %s at %s, expected version %u, node %c", client->number,
		   (unsigned long long)client->position, id, found && found->rules ? found->rules : "nothing",
		   found && found->node ? found->node : "nothing", expected->version,
		   expected->node ? expected->node : 'n');
	tributary__resolution__free_unpacked(found, NULL);
}

/* An order as its service states it to the library. */
struct stated {
	struct trib_client_order order;
	char id[32], user[16], goods[16], token[TRIB_LIMIT_TOKEN_CHARS + 1];
	char list[2 * TRIB_LIMIT_TOKEN_CHARS + 2];
};

static struct trib_client_text text(const char *string)
{
	return (struct trib_client_text){ string, strlen(string) };
}

static void state_order(const struct model_op *op, struct stated *stated)
{
	market_order_id(op->number, stated->id);
	snprintf(stated->user, sizeof(stated->user), "u%u", op->user);
	snprintf(stated->goods, sizeof(stated->goods), "g%u", op->goods);
	stated->order = (struct trib_client_order){
		.size = sizeof(stated->order), .order = text(stated->id), .user = text(stated->user),
		.goods = text(stated->goods), .token = text(stated->token), .base_amount = op->base,
		.at_ms = op->stated_ms,
	};
	if (market_states_amounts(op, stated->order.amounts)) {
		stated->order.flags = TRIB_CLIENT_HAS_AMOUNTS | TRIB_CLIENT_NO_BASE;
		stated->order.base_amount = 0;
	}
	if (market_states_twice(op)) {
		snprintf(stated->list, sizeof(stated->list), "%s,%s", stated->token, stated->token);
		stated->order.token = text(stated->list);
	}
}

static void note_recorded(struct clients *clients, const struct client *client, const struct model_op *op,
			  const struct model_answer *answer, const struct trib_client_answer *told)
{
	if (clients->count == clients->capacity) {
		clients->capacity = clients->capacity ? 2 * clients->capacity : 64;
		clients->recorded = trib_realloc(clients->recorded, clients->capacity * sizeof(*clients->recorded));
	}
	struct recorded *recorded = &clients->recorded[clients->count++];

	*recorded = (struct recorded){ .op = *op, .answer = *answer, .client = client->number,
				       .position = client->position, .size = told->resolution_size,
				       .bytes = trib_alloc(told->resolution_size) };
	memcpy(recorded->bytes, told->resolution, told->resolution_size);
}

static void decide(struct clients *clients, struct client *client)
{
	struct market *market = clients->market;
	struct trib_client_answer answer = { .size = sizeof(answer) };
	struct model_answer expected;
	struct model_state state;
	struct model_op op;
	struct stated stated;

	market_draw_order(market, 0.1, &op, stated.token);
	/* Its clock runs with the engine's, whose time stands still while a batch is open. */
	op.stated_ms = TRIB_MIN(market_now_ms(market), trib_engine_now(market->engine) + AHEAD_MS_MAX);
	/* Nobody has a token before it has been answered, and nobody asks about what is long past. */
	if (op.link >= (int32_t)market->answered || op.stated_ms < market_now_ms(market) - 29 * 24 * HOUR_MS ||
	    !market_need(market, MODEL_ITEM, op.goods))
		return;
	op.number = market->next_order++;
	state_order(&op, &stated);
	model_state_at(&market->model, client->position, &state);
	uint32_t reasons = client->position ? reasons_of(&market->model, &state, &op) : 0;
	int status = trib_resolve(client->resolver, &stated.order, &answer);

	sim_expect(market->run, status == (client->position ? TRIB_CLIENT_OK : TRIB_CLIENT_NO_SNAPSHOT),
		   "client %u answers %s", client->number, trib_client_status_word(status));
	sim_expect(market->run,
		   answer.needs_server == (reasons || !client->position) && (!client->position || answer.reasons == reasons),
		   "client %u at %llu asks the engine about order %s for reasons %#x, expected %#x", client->number,
		   (unsigned long long)client->position, stated.id, answer.reasons, reasons);
	if (market->run->failed)
		return;
	if (answer.needs_server) {
		sim_mark(market->run, SIM_MARK_ASKED);
		if (trib_engine_state(market->engine) != TRIB_ENGINE_LOST)
			market_ask(market, &op, stated.token);
		return;
	}
	model_resolve(&market->model, &state, &op, op.stated_ms, op.stated_ms, &expected);
	check_resolution(clients, client, &op, stated.id, &expected, &answer);
	status = trib_client_record(client->client, &stated.order, &answer);
	sim_expect(market->run, status == TRIB_CLIENT_OK, "client %u cannot record: %s", client->number,
		   trib_client_status_word(status));
	note_recorded(clients, client, &op, &expected, &answer);
	market->run->commands++;
	if (client->position < trib_engine_market_position(market->engine))
		sim_mark(market->run, SIM_MARK_STALE);
}

/* --- Records ---------------------------------------------------------------------------------------------- */

static struct recorded *find_recorded(struct clients *clients, const char *order)
{
	uint64_t number = strtoull(order + 1, NULL, 10);

	for (size_t i = 0; i < clients->count; i++)
		if (clients->recorded[i].op.number == number)
			return &clients->recorded[i];
	return NULL;
}

/* What the model expects of a batch. */
struct tally {
	struct trib_record_counts counts;
	uint64_t differences[TRIB_DIFFERENCES];
};

/* The engine has decided the same as the client: then it writes the same bytes. */
static void check_bytes(struct clients *clients, const struct recorded *recorded, const struct trib_order_record *record)
{
	struct market *market = clients->market;
	const struct trib_market over = { .domain = trib_engine_domain(market->engine),
					  .rules = trib_engine_rules(market->engine) };
	char *bytes = trib_alloc(trib_answer_bytes_max(&over, record));
	size_t size = (size_t)(trib_answer_put(bytes, &over, recorded->position, record) - bytes);

	sim_expect(market->run, size == recorded->size && memcmp(bytes, recorded->bytes, size) == 0,
		   "order %llu has other bytes at the client than at the engine", (unsigned long long)recorded->op.number);
	free(bytes);
}

/* One record that has arrived, and how it counts. */
static void take_record(struct clients *clients, const char *order, struct tally *tally)
{
	struct market *market = clients->market;
	struct recorded *recorded = find_recorded(clients, order);
	const struct trib_order_record *record;
	struct trib_error error;
	uint64_t position;

	trib_assert(recorded);
	struct model_op op = recorded->op;

	if (model_order(&market->model, op.number)) {
		tally->counts.repeated++;
		return;
	}
	if (op.stated_ms < trib_engine_now(market->engine) - 30 * 24 * HOUR_MS) {
		tally->counts.refused++;
		recorded->state = recorded->state == QUEUED ? REFUSED : recorded->state;
		sim_mark(market->run, SIM_MARK_RECORD_REFUSED);
		return;
	}
	if (trib_engine_order(market->engine, trib_bytes_text(order), &record, &position, &error) != TRIB_OK) {
		sim_fail(market->run, "order %s was recorded, and is not there: %s: %s", order, error.at, error.text);
		return;
	}
	market_decided(market, &op);
	op.position = position;
	tally->counts.accepted++;
	const struct model_op *decided = model_add(&market->model, &op);
	enum trib_difference difference = model_difference(&recorded->answer, &decided->answer, op.base);

	market_check_order(market, record, record->charged, decided);
	tally->counts.differed += difference != TRIB_DIFFERENCE_NONE;
	tally->differences[difference]++;
	if (difference == TRIB_DIFFERENCE_NONE) {
		check_bytes(clients, recorded, record);
		return;
	}
	sim_mark(market->run, (enum sim_mark)(SIM_MARK_DIFFERS_OUTCOME + difference - TRIB_DIFFERENCE_OUTCOME));
	sim_tell(market->run, "order %s differs in %s", order, trib_difference_word(difference));
}

static void check_tally(struct clients *clients, const struct tally *tally, const struct trib_record_counts *counts,
			const struct trib_engine_counts *before)
{
	struct sim_run *run = clients->market->run;
	const struct trib_record_counts *expected = &tally->counts;
	struct trib_engine_counts after;

	sim_expect(run, memcmp(counts, expected, sizeof(*counts)) == 0,
		   "RECORD: %llu accepted, %llu repeated, %llu differed, %llu refused, expected %llu, %llu, %llu, %llu",
		   (unsigned long long)counts->accepted, (unsigned long long)counts->repeated,
		   (unsigned long long)counts->differed, (unsigned long long)counts->refused,
		   (unsigned long long)expected->accepted, (unsigned long long)expected->repeated,
		   (unsigned long long)expected->differed, (unsigned long long)expected->refused);
	trib_engine_count(clients->market->engine, &after);
	for (int i = 1; i < TRIB_DIFFERENCES; i++)
		sim_expect(run, after.differences[i] - before->differences[i] == tally->differences[i],
			   "%llu orders differ in %s, expected %llu",
			   (unsigned long long)(after.differences[i] - before->differences[i]),
			   trib_difference_word((enum trib_difference)i), (unsigned long long)tally->differences[i]);
}

static trib_status tell_engine(struct market *market, Tributary__RecordBatch *batch, struct trib_record_counts *ret_counts,
			       struct trib_error *error)
{
	char *kept[RECORDS_MAX] = { NULL };
	char other[RECORDS_MAX][32];

	trib_assert(batch->n_records <= RECORDS_MAX);
	for (size_t i = 0; i < batch->n_records; i++) {
		Tributary__Record *record = batch->records[i];

		kept[i] = record->request->order;
		/* Planted: nobody compares. */
		record->has_resolution &= market->run->plant != SIM_PLANT_UNSEEN_DIFFERENCE;
		/* Planted: what comes again is not known again. */
		if (market->run->plant == SIM_PLANT_DOUBLE_RECORD &&
		    model_order(&market->model, strtoull(kept[i] + 1, NULL, 10))) {
			market_order_id(market->next_order++, other[i]);
			record->request->order = other[i];
		}
	}
	trib_status status = trib_engine_record(market->engine, batch, ret_counts, error);

	for (size_t i = 0; i < batch->n_records; i++)
		batch->records[i]->request->order = kept[i];
	return status;
}

/* A RECORD arrives. Returns whether the engine has taken it. */
static bool arrive(struct clients *clients, struct trib_bytes bytes)
{
	struct market *market = clients->market;
	Tributary__RecordBatch *batch =
		tributary__record_batch__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);
	struct trib_record_counts counts;
	struct trib_engine_counts before;
	struct tally tally = { .counts = { 0 } };
	struct trib_error error;

	if (!batch) {
		sim_fail(market->run, "a client has queued bytes that are no RecordBatch");
		return false;
	}
	trib_engine_count(market->engine, &before);
	trib_status status = tell_engine(market, batch, &counts, &error);
	bool taken = !market_refused(market, status, "RECORD", &error) && !market->run->failed;

	if (!taken)
		sim_expect(market->run, counts.accepted == 0, "a RECORD fails, and %llu of it are accepted",
			   (unsigned long long)counts.accepted);
	for (size_t i = 0; taken && i < batch->n_records && !market->run->failed; i++)
		take_record(clients, batch->records[i]->request->order, &tally);
	if (taken && !market->run->failed)
		check_tally(clients, &tally, &counts, &before);
	tributary__record_batch__free_unpacked(batch, NULL);
	return taken && !market->run->failed;
}

/* The first records of the queue, as the library's thread would send them; copied. How many. */
static size_t peek(struct client *client, size_t most, struct trib_buffer *ret_bytes)
{
	struct trib_bytes bytes;

	pthread_mutex_lock(&client->client->lock);
	size_t count = queue_peek(&client->client->queue, most, &bytes);

	trib_buffer_add_bytes(ret_bytes, bytes);
	pthread_mutex_unlock(&client->client->lock);
	return count;
}

/* The answer has come: the records may go. */
static void drop(struct clients *clients, struct client *client, size_t count, bool answered)
{
	pthread_mutex_lock(&client->client->lock);
	queue_drop(&client->client->queue, count);
	pthread_mutex_unlock(&client->client->lock);
	for (size_t i = 0; i < clients->count && count; i++) {
		struct recorded *recorded = &clients->recorded[i];

		if (recorded->client != client->number || recorded->state == FORGOTTEN || recorded->state == ANSWERED)
			continue;
		count--;
		if (recorded->state == QUEUED && answered)
			recorded->state = ANSWERED;
		else if (recorded->state == REFUSED)
			recorded->state = FORGOTTEN;
	}
}

static void send_records(struct clients *clients, struct client *client)
{
	struct sim_run *run = clients->market->run;
	struct trib_buffer bytes;
	double fate = trib_rng_unit(&run->rng);
	bool straggles = client->straggler.size == 0 && sim_chance(run, 0.2);

	if (client->flight.count)
		return;
	trib_buffer_init(&bytes, 1 << 20);
	size_t count = peek(client, 1 + sim_below(run, RECORDS_MAX), &bytes);

	if (count && straggles)
		trib_buffer_add_bytes(&client->straggler, trib_buffer_bytes(&bytes));
	if (count && fate < 0.2) {
		sim_mark(run, SIM_MARK_RECORD_LOST);
		sim_tell(run, "client %u: %zu records lost on their way", client->number, count);
		/* Planted: they are forgotten all the same. */
		if (run->plant == SIM_PLANT_LOST_RECORD)
			drop(clients, client, count, false);
	} else if (count && arrive(clients, trib_buffer_bytes(&bytes))) {
		bool back = fate < 0.8;

		sim_tell(run, "client %u: %zu records%s", client->number, count, back ? "" : ", their answer lost");
		if (!back)
			sim_mark(run, SIM_MARK_ANSWER_LOST);
		else
			client->flight = (struct flight){ count, trib_engine_ticket(clients->market->engine) };
	}
	trib_buffer_fini(&bytes);
}

static void straggle(struct clients *clients, struct client *client)
{
	if (!client->straggler.size)
		return;
	sim_mark(clients->market->run, SIM_MARK_RECORD_LATE);
	sim_tell(clients->market->run, "client %u: an old RECORD arrives", client->number);
	arrive(clients, trib_buffer_bytes(&client->straggler));
	trib_buffer_reset(&client->straggler);
}

void clients_settled(struct market *market, uint64_t settled)
{
	struct clients *clients = market->clients;

	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = &clients->all[i];

		if (client->flight.count && client->flight.ticket <= settled) {
			drop(clients, client, client->flight.count, true);
			client->flight = (struct flight){ 0 };
		}
	}
}

void clients_cut_off(struct market *market)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct flight *flight = &market->clients->all[i].flight;

		if (flight->count)
			sim_mark(market->run, SIM_MARK_CUT_OFF);
		*flight = (struct flight){ 0 };
	}
}

/* --- What must be true -------------------------------------------------------------------------------------- */

/* The machine has forgotten what it had answered: whoever relied on that begins with nothing. */
static void begin_anew(struct clients *clients, struct client *client)
{
	client->late.there = false;
	trib_buffer_reset(&client->straggler);
	unlink(client->path);
	client->n_parts = 0;
	client->position = 0;
	if (client->client)
		restart(clients, client);
}

void clients_audit(struct market *market)
{
	struct clients *clients = market->clients;
	struct trib_engine_counts counts;

	if (!market->struck)
		return;
	trib_engine_count(market->engine, &counts);
	for (unsigned i = 0; i < CLIENTS && !market->run->failed; i++) {
		struct client *client = &clients->all[i];
		uint64_t known = TRIB_MAX(client->position, client->late.there ? client->late.position : 0);

		if (market->forgetful)
			begin_anew(clients, client);
		else
			sim_expect(market->run, known <= counts.position,
				   "client %u knows the market up to %llu, and it has survived up to %llu", i,
				   (unsigned long long)known, (unsigned long long)counts.position);
	}
	for (size_t i = 0; i < clients->count && !market->run->failed; i++) {
		struct recorded *recorded = &clients->recorded[i];

		if (recorded->state != ANSWERED || model_order(&market->model, recorded->op.number))
			continue;
		sim_expect(market->run, market->forgetful, "order %llu is lost, whose RECORD was answered",
			   (unsigned long long)recorded->op.number);
		recorded->state = FORGOTTEN;
	}
}

static void drain(struct clients *clients, struct client *client)
{
	struct market *market = clients->market;
	struct trib_buffer bytes;
	size_t count = 1;

	trib_buffer_init(&bytes, 1 << 20);
	while (client->client && count && !market->run->failed) {
		trib_buffer_reset(&bytes);
		count = peek(client, RECORDS_MAX, &bytes);
		if (!count)
			break;
		bool taken = arrive(clients, trib_buffer_bytes(&bytes));

		sim_expect(market->run, taken, "client %u cannot get rid of its records", client->number);
		sim_expect(market->run, trib_engine_settle(market->engine) == TRIB_ENGINE_RUNNING,
			   "the engine is lost without a cause");
		if (taken)
			drop(clients, client, count, true);
	}
	trib_buffer_fini(&bytes);
}

void clients_drain(struct market *market)
{
	struct clients *clients = market->clients;

	for (unsigned i = 0; i < CLIENTS; i++)
		drain(clients, &clients->all[i]);
	for (size_t i = 0; i < clients->count && !market->run->failed; i++)
		sim_expect(market->run,
			   clients->recorded[i].state == ANSWERED || clients->recorded[i].state == FORGOTTEN,
			   "order %llu was recorded, and never told the engine",
			   (unsigned long long)clients->recorded[i].op.number);
}

/* --- What they do ----------------------------------------------------------------------------------------- */

void clients_step(struct market *market)
{
	struct clients *clients = market->clients;
	struct sim_run *run = market->run;
	struct client *client = &clients->all[sim_below(run, CLIENTS)];

	if (!client->client) {
		if (fetch_keys(clients))
			start(clients, client);
		return;
	}
	uint64_t dice = sim_below(run, 24);

	if (dice == 0)
		restart(clients, client);
	else if (dice < 3)
		straggle(clients, client);
	else if (dice < 9)
		look(clients, client);
	else if (dice < 14)
		send_records(clients, client);
	else
		for (uint64_t i = 0, n = 1 + sim_below(run, ORDERS_MAX); i < n && !run->failed; i++)
			decide(clients, client);
}
