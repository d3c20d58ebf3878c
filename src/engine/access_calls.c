/*
 * Calls about access itself: tokens, users, sessions, the audit log; and what every call has of it: an entry of the log
 * for what it changed or was refused, an answer kept for its Idempotency-Key.
 */
#include "engine/state.h"

#include <sodium.h>

enum { AUDIT_BLOCK = 256 /* rows of the store that are read at a time */ };

static struct trib_bytes text_of(const char *text)
{
	return trib_bytes_text(text ? text : "");
}

static char *name_of(struct trib_engine *engine, const struct trib_call *call)
{
	return call->actor.name.size ? trib_arena_copy(&engine->arena, call->actor.name) : NULL;
}

static trib_status not_found(struct trib_call *call, const char *what)
{
	return trib_fail(&call->error, TRIB_NOT_FOUND, "id", "found \"%.*s\", expected the id of a known %s",
			 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data, what);
}

/* --- Events -------------------------------------------------------------------------------------------- */

static trib_status emit_token(struct trib_engine *engine, Tributary__AccessTokenPut *put, struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;

	event.kind_case = TRIBUTARY__EVENT__KIND_ACCESS_TOKEN_PUT;
	event.access_token_put = put;
	return engine_emit(engine, &event, error);
}

static trib_status emit_session(struct trib_engine *engine, Tributary__SessionPut *put, struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;

	event.kind_case = TRIBUTARY__EVENT__KIND_SESSION_PUT;
	event.session_put = put;
	return engine_emit(engine, &event, error);
}

bool access_is_changed_by(Tributary__Event__KindCase kind)
{
	return trib_directory_is_changed_by(kind) || kind == TRIBUTARY__EVENT__KIND_AUDITED ||
	       kind == TRIBUTARY__EVENT__KIND_ANSWER_KEPT;
}

static trib_status apply_audited(struct trib_engine *engine, const Tributary__AuditEntry *entry,
				 struct trib_error *error)
{
	size_t size = tributary__audit_entry__get_packed_size(entry);
	TRIB_AUTOFREE uint8_t *bytes = trib_alloc(size + 1);

	if (entry->number != audit_last(engine->audit) + 1)
		return trib_fail(error, TRIB_CORRUPT, "audit", "found entry %llu, expected %llu",
				 (unsigned long long)entry->number,
				 (unsigned long long)audit_last(engine->audit) + 1);
	tributary__audit_entry__pack(entry, bytes);
	audit_add(engine->audit, trib_bytes(bytes, size));
	return TRIB_OK;
}

static bool answer_of(const Tributary__AnswerKept *kept, struct answer *ret_answer)
{
	if (kept->key.len != ANSWER_KEY_BYTES || kept->content.len != ANSWER_KEY_BYTES)
		return false;
	*ret_answer = (struct answer){ .at_ms = kept->at, .status = kept->status, .body = text_of(kept->body) };
	memcpy(ret_answer->key, kept->key.data, ANSWER_KEY_BYTES);
	memcpy(ret_answer->content, kept->content.data, ANSWER_KEY_BYTES);
	return true;
}

trib_status access_apply(struct trib_engine *engine, const Tributary__Event *event, struct trib_error *error)
{
	struct answer answer;

	if (event->kind_case == TRIBUTARY__EVENT__KIND_AUDITED)
		return apply_audited(engine, event->audited, error);
	if (event->kind_case != TRIBUTARY__EVENT__KIND_ANSWER_KEPT)
		return trib_directory_apply(engine->directory, event, error);
	if (!answer_of(event->answer_kept, &answer))
		return trib_fail(error, TRIB_CORRUPT, "answer", "found bytes that are no kept answer");
	answers_add(engine->answers, &answer, true);
	return TRIB_OK;
}

/* --- The audit log ------------------------------------------------------------------------------------- */

static trib_status emit_entry(struct trib_engine *engine, Tributary__AuditEntry *entry, struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;

	entry->has_number = entry->has_at = entry->has_position = 1;
	entry->number = audit_last(engine->audit) + 1;
	entry->at = engine->now_ms;
	entry->position = engine->position;
	event.kind_case = TRIBUTARY__EVENT__KIND_AUDITED;
	event.audited = entry;
	return engine_emit(engine, &event, error);
}

/* So many a second are listed; the rest is counted by the next that is. */
static bool refusal_is_listed(struct trib_engine *engine, Tributary__AuditEntry *entry)
{
	struct refusals *refusals = &engine->refusals;

	if (engine->now_ms - refusals->second_ms >= 1000) {
		refusals->second_ms = engine->now_ms;
		refusals->listed = 0;
	}
	if (refusals->listed >= TRIB_LIMIT_AUDIT_REFUSALS) {
		refusals->left_out++;
		return false;
	}
	refusals->listed++;
	entry->has_left_out = refusals->left_out > 0;
	entry->left_out = refusals->left_out;
	refusals->left_out = 0;
	return true;
}

static void list_refusal(struct trib_engine *engine, Tributary__AuditEntry *entry)
{
	struct trib_error error;

	if (engine_begin(engine, 0, &error) == TRIB_OK && refusal_is_listed(engine, entry))
		emit_entry(engine, entry, &error);
	else
		engine->refusals.left_out += engine_writable(engine, &error) != TRIB_OK;
}

static void fill_actor(struct trib_engine *engine, const struct trib_actor *actor, Tributary__AuditEntry *entry)
{
	entry->actor = actor->name.size ? trib_arena_copy(&engine->arena, actor->name) : NULL;
	entry->role = (char *)trib_access_role_word(actor->role);
	entry->party = actor->party_id.size ? trib_arena_copy(&engine->arena, actor->party_id) : NULL;
	entry->from = actor->from.size ? trib_arena_copy(&engine->arena, actor->from) : NULL;
}

trib_status access_note_call(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__AuditEntry entry = TRIBUTARY__AUDIT_ENTRY__INIT;
	bool refused = call->hidden || call->status == TRIB_FORBIDDEN || call->status == TRIB_UNAUTHORIZED;

	if (!call->action_text.size || (!refused && (!call->audited || call->status != TRIB_OK || call->repeated || call->dry_run)))
		return TRIB_OK;
	trib_arena_reset(&engine->arena);
	fill_actor(engine, &call->actor, &entry);
	entry.action = trib_arena_copy(&engine->arena, call->action_text);
	entry.outcome = refused ? "refused" : "changed";
	if (!refused)
		return emit_entry(engine, &entry, &call->error);
	entry.code = (char *)trib_status_word(call->status);
	entry.detail = call->error.at;
	list_refusal(engine, &entry);
	return TRIB_OK;
}

trib_status access_note_act(struct trib_engine *engine, const char *action, enum trib_noun noun, uint32_t number,
			    struct trib_error *error)
{
	Tributary__AuditEntry entry = TRIBUTARY__AUDIT_ENTRY__INIT;
	const struct trib_actor *actor = trib_domain_actor(engine->domain);
	struct trib_bytes id = trib_domain_id(engine->domain, noun, number);
	char text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 64], name[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];

	snprintf(text, sizeof(text), "%s %s/" TRIB_BYTES_FMT, action, trib_noun_plural(noun), TRIB_BYTES_ARG(id));
	snprintf(name, sizeof(name), TRIB_BYTES_FMT, TRIB_BYTES_ARG(actor->name));
	entry.actor = name[0] ? name : NULL;
	entry.role = (char *)(uintptr_t)trib_access_role_word(actor->role);
	entry.action = text;
	entry.outcome = "changed";
	return emit_entry(engine, &entry, error);
}

void trib_engine_note_refusal(struct trib_engine *engine, const struct trib_refusal *refusal)
{
	struct refusals *refusals = &engine->refusals;

	pthread_mutex_lock(&refusals->lock);
	if (refusals->count < TRIB_ARRAY_SIZE(refusals->queue))
		refusals->queue[refusals->count++] = *refusal;
	else
		refusals->lost++;
	pthread_mutex_unlock(&refusals->lock);
	trib_bell_ring(&engine->bell);
}

static void list_queued(struct trib_engine *engine, const struct trib_refusal *refusal)
{
	Tributary__AuditEntry entry = TRIBUTARY__AUDIT_ENTRY__INIT;

	entry.actor = refusal->actor[0] ? (char *)refusal->actor : NULL;
	entry.role = refusal->known ? (char *)trib_access_role_word(refusal->role) : NULL;
	entry.party = refusal->party[0] ? (char *)refusal->party : NULL;
	entry.from = refusal->from[0] ? (char *)refusal->from : NULL;
	entry.action = (char *)refusal->action;
	entry.outcome = "refused";
	entry.code = (char *)trib_status_word(refusal->status);
	entry.detail = refusal->detail[0] ? (char *)refusal->detail : NULL;
	list_refusal(engine, &entry);
}

void access_turn(struct trib_engine *engine)
{
	struct refusals *refusals = &engine->refusals;
	struct trib_refusal queue[TRIB_ARRAY_SIZE(refusals->queue)];
	uint32_t count;

	if (TRIB_LIKELY(!__atomic_load_n(&refusals->count, __ATOMIC_RELAXED)) || engine->state != TRIB_ENGINE_RUNNING)
		return;
	pthread_mutex_lock(&refusals->lock);
	count = refusals->count;
	memcpy(queue, refusals->queue, count * sizeof(*queue));
	refusals->left_out += refusals->lost;
	refusals->count = refusals->lost = 0;
	pthread_mutex_unlock(&refusals->lock);
	for (uint32_t i = 0; i < count; i++)
		list_queued(engine, &queue[i]);
}

/* One block of the store, oldest first, as it was packed. */
struct audit_block {
	struct trib_engine *engine;
	struct trib_bytes rows[AUDIT_BLOCK];
};

static trib_status take_block_row(void *context, struct trib_bytes key, struct trib_bytes value,
				  struct trib_error *error)
{
	struct audit_block *block = context;
	char *copy = trib_arena_copy(&block->engine->arena, value);

	if (key.size != 8 || !copy)
		return trib_fail(error, key.size != 8 ? TRIB_CORRUPT : TRIB_NO_MEMORY, "audit",
				 "the log cannot be read");
	block->rows[trib_key_read_u64(key.data) % AUDIT_BLOCK] = trib_bytes(copy, value.size);
	return TRIB_OK;
}

static trib_status read_block(struct trib_engine *engine, uint64_t number, struct audit_block *block,
			      struct trib_error *error)
{
	char key[8];

	trib_arena_reset(&engine->arena);
	*block = (struct audit_block){ .engine = engine };
	trib_key_u64(key, number);
	return trib_store_scan(engine->store, TRIB_TABLE_AUDIT, trib_bytes(key, 7), take_block_row, block, error);
}

static void add_entry(struct trib_bytes bytes, bool first, struct trib_buffer *json)
{
	Tributary__AuditEntry *entry =
		tributary__audit_entry__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);

	if (!entry)
		return;
	if (!first)
		trib_buffer_add_char(json, ',');
	trib_proto_to_json(&entry->base, TRIB_PROTO_SET_FIELDS, json);
	tributary__audit_entry__free_unpacked(entry, NULL);
}

/* Newest first; the cursor is the number of the oldest entry that the page before had. */
static trib_status call_audit(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS), filled = 0;
	uint64_t before = audit_last(engine->audit) + 1, block_of = UINT64_MAX;
	TRIB_AUTOFREE struct audit_block *block = trib_alloc(sizeof(*block));
	struct trib_bytes bytes;
	trib_status status = TRIB_OK;

	if (call->cursor.size && (!trib_bytes_to_u64(call->cursor, &before) || !before))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	before = TRIB_MIN(before, audit_last(engine->audit) + 1);
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	while (status == TRIB_OK && before > 1 && filled < limit) {
		before--;
		if (!audit_find(engine->audit, before, &bytes)) {
			if (block_of != before / AUDIT_BLOCK)
				status = read_block(engine, before, block, &call->error);
			block_of = before / AUDIT_BLOCK;
			bytes = block->rows[before % AUDIT_BLOCK];
		}
		if (status == TRIB_OK && bytes.data)
			add_entry(bytes, filled++ == 0, &call->reply);
	}
	if (before > 1)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%llu\"}", (unsigned long long)before);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return status;
}

/* --- Tokens -------------------------------------------------------------------------------------------- */

/* Whoever acts for a party names one that is there; nobody else does. */
static trib_status check_role_party(struct trib_engine *engine, const char *role_word, const char *party,
				    struct trib_error *error)
{
	enum trib_access_role role = TRIB_ACCESS_ADMIN;

	trib_access_role_of_word(text_of(role_word), &role);
	if (!trib_access_role_has_party(role))
		return party ? trib_fail(error, TRIB_INVALID, "party", "found \"%s\", expected none: %s acts for nobody",
					 party, role_word) :
			       TRIB_OK;
	if (!party || !trib_domain_find(engine->domain, TRIB_NOUN_PARTY, text_of(party)))
		return trib_fail(error, TRIB_INVALID, "party", "found \"%s\", expected the id of a known party",
				 party ? party : "");
	return TRIB_OK;
}

static void add_token_answer(struct trib_engine *engine, struct trib_call *call, const Tributary__AccessToken *token,
			     char *secret)
{
	Tributary__AccessTokenAnswer answer = TRIBUTARY__ACCESS_TOKEN_ANSWER__INIT;

	answer.id = token->id;
	answer.token = secret;
	answer.role = token->role;
	answer.party = token->party;
	answer.has_expires_at = token->has_expires_at;
	answer.expires_at = token->expires_at;
	answer.has_position = 1;
	answer.position = engine->position;
	trib_proto_to_json(&answer.base, TRIB_PROTO_SET_FIELDS, &call->reply);
}

static trib_status call_token_make(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__AccessTokenRequest *request = (const Tributary__AccessTokenRequest *)call->body;
	Tributary__AccessTokenPut put = TRIBUTARY__ACCESS_TOKEN_PUT__INIT;
	Tributary__AccessToken token = TRIBUTARY__ACCESS_TOKEN__INIT;
	unsigned char hash[TRIB_SECRET_HASH_BYTES];
	char secret[TRIB_SECRET_CHARS], id[16];
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = check_role_party(engine, request->role, request->party, &call->error);
	if (status == TRIB_OK && request->expires_at && request->expires_at <= engine->now_ms)
		status = trib_fail(&call->error, TRIB_INVALID, "expires_at", "found %lld, expected a time to come",
				   (long long)request->expires_at);
	if (status == TRIB_OK && trib_directory_tokens(engine->directory) >= TRIB_LIMIT_ACCESS_TOKENS)
		status = trib_fail(&call->error, TRIB_LIMIT, "", "found %d access tokens, expected fewer",
				   TRIB_LIMIT_ACCESS_TOKENS);
	if (status != TRIB_OK)
		return status;
	trib_secret_make(TRIB_SECRET_TOKEN, secret, hash);
	put.has_number = put.has_hash = token.has_created_at = 1;
	put.number = trib_directory_tokens(engine->directory) + 1;
	put.hash = (ProtobufCBinaryData){ sizeof(hash), hash };
	put.token = &token;
	snprintf(id, sizeof(id), "t%u", put.number);
	token.id = id;
	token.name = request->name;
	token.role = request->role;
	token.party = request->party;
	token.status = "active";
	token.created_at = engine->now_ms;
	token.created_by = name_of(engine, call);
	token.has_expires_at = request->expires_at > 0;
	token.expires_at = request->expires_at;
	token.has_rate = request->rate > 0;
	token.rate = request->rate;
	status = emit_token(engine, &put, &call->error);
	if (status == TRIB_OK)
		add_token_answer(engine, call, &token, secret);
	call->http_status = 201;
	sodium_memzero(secret, sizeof(secret));
	return status;
}

/* "t3" → 3; NULL where there is no such token. */
static const Tributary__AccessTokenPut *find_token(const struct trib_engine *engine, const struct trib_call *call)
{
	struct trib_bytes id = call->name;
	uint64_t number = 0;

	if (id.size < 2 || id.data[0] != 't' || id.data[1] == '0' ||
	    !trib_bytes_to_u64(trib_bytes(id.data + 1, id.size - 1), &number) || number > UINT32_MAX)
		return NULL;
	return trib_directory_token_at(engine->directory, (uint32_t)number);
}

static trib_status call_token_rotate(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__RotateRequest *request = (const Tributary__RotateRequest *)call->body;
	const Tributary__AccessTokenPut *found = find_token(engine, call);
	unsigned char hash[TRIB_SECRET_HASH_BYTES];
	char secret[TRIB_SECRET_CHARS];
	int64_t grace_ms = 0;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK && !found)
		status = not_found(call, "access token");
	if (status == TRIB_OK && request->grace)
		status = trib_duration_parse(text_of(request->grace), "grace", &grace_ms, &call->error);
	if (status == TRIB_OK && found->token->revoked_at)
		status = trib_fail(&call->error, TRIB_REFUSED, "status", "found revoked, expected active");
	if (status != TRIB_OK)
		return status;
	Tributary__AccessTokenPut put = *found;
	Tributary__AccessToken token = *found->token;

	trib_secret_make(TRIB_SECRET_TOKEN, secret, hash);
	put.token = &token;
	put.has_hash = put.has_old_hash = token.has_rotated_at = token.has_old_until = 1;
	put.old_hash = found->hash;
	put.hash = (ProtobufCBinaryData){ sizeof(hash), hash };
	token.rotated_at = engine->now_ms;
	token.old_until = engine->now_ms + grace_ms;
	status = emit_token(engine, &put, &call->error);
	if (status == TRIB_OK) /* what was found is gone: the new value stands in its place */
		add_token_answer(engine, call, find_token(engine, call)->token, secret);
	sodium_memzero(secret, sizeof(secret));
	return status;
}

static void add_token(const struct trib_engine *engine, const Tributary__AccessTokenPut *put, struct trib_buffer *json)
{
	Tributary__AccessToken token = *put->token;

	token.status = token.revoked_at						      ? "revoked" :
		       token.expires_at && engine->now_ms >= token.expires_at ? "expired" :
										"active";
	trib_proto_to_json(&token.base, TRIB_PROTO_SET_FIELDS, json);
}

static trib_status call_token_revoke(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__AccessTokenPut *found = find_token(engine, call);
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK && !found)
		return not_found(call, "access token");
	if (status == TRIB_OK && !found->token->revoked_at) {
		Tributary__AccessTokenPut put = *found;
		Tributary__AccessToken token = *found->token;

		put.token = &token;
		token.has_revoked_at = 1;
		token.revoked_at = engine->now_ms;
		token.status = "revoked";
		status = emit_token(engine, &put, &call->error);
	}
	if (status == TRIB_OK)
		add_token(engine, find_token(engine, call), &call->reply);
	return status;
}

static trib_status call_token_get(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__AccessTokenPut *found = find_token(engine, call);

	engine_begin(engine, 0, &call->error);
	if (!found)
		return not_found(call, "access token");
	add_token(engine, found, &call->reply);
	return TRIB_OK;
}

static void add_user(const struct trib_engine *engine TRIB_UNUSED, const Tributary__UserPut *put,
		     struct trib_buffer *json)
{
	trib_proto_to_json(&put->user->base, TRIB_PROTO_SET_FIELDS, json);
}

/* Tokens and users alike, by number; the cursor is the last number of the page before. */
static trib_status call_access_list(struct trib_engine *engine, struct trib_call *call, bool users)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS), filled = 0;
	uint32_t count = users ? trib_directory_users(engine->directory) : trib_directory_tokens(engine->directory);
	uint64_t after = 0;

	if (call->cursor.size && !trib_bytes_to_u64(call->cursor, &after))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	engine_begin(engine, 0, &call->error);
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	for (; after < count && filled < limit; filled++) {
		if (filled)
			trib_buffer_add_char(&call->reply, ',');
		after++;
		if (users)
			add_user(engine, trib_directory_user_at(engine->directory, (uint32_t)after), &call->reply);
		else
			add_token(engine, trib_directory_token_at(engine->directory, (uint32_t)after), &call->reply);
	}
	if (after < count)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%llu\"}", (unsigned long long)after);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return TRIB_OK;
}

/* --- Users --------------------------------------------------------------------------------------------- */

static trib_status end_sessions(struct trib_engine *engine, const char *user, uint32_t but, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (uint32_t slot = 0; status == TRIB_OK &&
				(slot = trib_directory_next_session(engine->directory, user, slot)) != 0;) {
		Tributary__SessionPut put = TRIBUTARY__SESSION_PUT__INIT;

		put.has_slot = 1;
		put.slot = slot;
		if (slot != but)
			status = emit_session(engine, &put, error);
	}
	return status;
}

static bool same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* Journals a user; whatever changes what its sessions may do, or how it signs in, ends them. */
static trib_status put_user(struct trib_engine *engine, Tributary__UserPut *put, const Tributary__UserPut *found,
			    struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	bool ends = found && (!same(found->user->role, put->user->role) || !same(found->user->party, put->user->party) ||
			      !same(found->user->status, put->user->status) ||
			      !same(found->password_hash, put->password_hash));
	TRIB_AUTOFREE char *id = trib_strdup(put->user->id);

	event.kind_case = TRIBUTARY__EVENT__KIND_USER_PUT;
	event.user_put = put;
	trib_status status = engine_emit(engine, &event, error);

	return status == TRIB_OK && ends ? end_sessions(engine, id, 0, error) : status;
}

static const Tributary__UserPut *find_user(const struct trib_engine *engine, const struct trib_call *call)
{
	return trib_directory_user_at(engine->directory, trib_directory_find_user(engine->directory, call->name));
}

/* "t3", "token-file": who is named in the log, and whose an Idempotency-Key is, must be one of them. */
static bool is_name_of_token(struct trib_bytes id)
{
	uint64_t number;

	return trib_bytes_is(id, "token-file") ||
	       (id.size > 1 && id.data[0] == 't' && trib_bytes_to_u64(trib_bytes(id.data + 1, id.size - 1), &number));
}

static trib_status call_user_put(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__UserRequest *request = (const Tributary__UserRequest *)call->body;
	const Tributary__UserPut *found = find_user(engine, call);
	Tributary__UserPut put = TRIBUTARY__USER_PUT__INIT;
	Tributary__User user = TRIBUTARY__USER__INIT;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = check_role_party(engine, request->role, request->party, &call->error);
	if (status == TRIB_OK && !found && is_name_of_token(call->name))
		status = engine_refuse(&call->error, "id", call->name, "another: access tokens are called so");
	if (status == TRIB_OK && !found && !call->password_hash[0])
		status = trib_fail(&call->error, TRIB_INVALID, "password", "found nothing, expected one for a new user");
	if (status == TRIB_OK && !found && trib_directory_users(engine->directory) >= TRIB_LIMIT_ACCESS_USERS)
		status = trib_fail(&call->error, TRIB_LIMIT, "", "found %d users, expected fewer", TRIB_LIMIT_ACCESS_USERS);
	if (status != TRIB_OK)
		return status;
	put.has_number = user.has_created_at = user.has_password_at = 1;
	put.number = found ? found->number : trib_directory_users(engine->directory) + 1;
	put.user = &user;
	put.password_hash = call->password_hash[0] ? call->password_hash : found->password_hash;
	user.id = trib_arena_copy(&engine->arena, call->name);
	user.role = request->role;
	user.party = request->party;
	user.name = request->name;
	user.status = request->status ? request->status : "active";
	user.created_at = found ? found->user->created_at : engine->now_ms;
	user.created_by = found ? found->user->created_by : name_of(engine, call);
	user.password_at = call->password_hash[0] ? engine->now_ms : found->user->password_at;
	call->http_status = found ? 200 : 201;
	status = put_user(engine, &put, found, &call->error);
	if (status == TRIB_OK)
		add_user(engine, find_user(engine, call), &call->reply);
	return status;
}

static trib_status call_user_get(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__UserPut *found = find_user(engine, call);

	if (!found)
		return not_found(call, "user");
	add_user(engine, found, &call->reply);
	return TRIB_OK;
}

static trib_status call_user_close(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__UserPut *found = find_user(engine, call);
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK && !found)
		return not_found(call, "user");
	if (status == TRIB_OK && strcmp(found->user->status, "disabled") != 0) {
		Tributary__UserPut put = *found;
		Tributary__User user = *found->user;

		put.user = &user;
		user.status = "disabled";
		status = put_user(engine, &put, found, &call->error);
	}
	if (status == TRIB_OK)
		add_user(engine, find_user(engine, call), &call->reply);
	return status;
}

/* The door has looked at the old password, by the hash that it hands on; the new one's is in secret_hash. */
static trib_status call_user_password(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__UserPut *found = find_user(engine, call);
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status != TRIB_OK)
		return status;
	if (!found || !trib_bytes_equal(call->actor.name, call->name) || !call->session ||
	    !same(found->password_hash, call->password_hash))
		return trib_fail(&call->error, TRIB_FORBIDDEN, "old_password", "found another, expected one's own");
	Tributary__UserPut put = *found;
	Tributary__User user = *found->user;

	put.user = &user;
	put.password_hash = call->new_password_hash;
	user.has_password_at = 1;
	user.password_at = engine->now_ms;
	status = put_user(engine, &put, found, &call->error);
	if (status == TRIB_OK)
		add_user(engine, find_user(engine, call), &call->reply);
	return status;
}

/* --- Sessions ------------------------------------------------------------------------------------------ */

static void add_session(const struct trib_call *call, const char *user, const char *role, const char *party,
			int64_t expires_ms, struct trib_buffer *json)
{
	Tributary__SessionAnswer answer = TRIBUTARY__SESSION_ANSWER__INIT;
	char csrf[TRIB_CSRF_CHARS];

	answer.user = (char *)user;
	answer.role = (char *)role;
	answer.party = (char *)party;
	if (call->secret[0]) {
		trib_secret_csrf(trib_bytes_text(call->secret), csrf);
		answer.csrf_token = csrf;
		answer.has_expires_at = 1;
		answer.expires_at = expires_ms;
	}
	trib_proto_to_json(&answer.base, TRIB_PROTO_SET_FIELDS, json);
}

/* The door has looked at the password, by the hash that it hands on. Whoever was signed in there is so no more. */
static trib_status call_sign_in(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__UserPut *found = find_user(engine, call);
	Tributary__SessionPut put = TRIBUTARY__SESSION_PUT__INIT, before = TRIBUTARY__SESSION_PUT__INIT;
	unsigned char hash[TRIB_SECRET_HASH_BYTES];
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status != TRIB_OK)
		return status;
	if (!found || strcmp(found->user->status, "active") != 0 || !same(found->password_hash, call->password_hash))
		return trib_fail(&call->error, TRIB_UNAUTHORIZED, "password",
				 "found another user or password, expected one that is known");
	if (call->session) {
		before.has_slot = 1;
		before.slot = call->session;
		status = emit_session(engine, &before, &call->error);
	}
	put.has_slot = put.has_hash = put.has_created_at = put.has_expires_at = 1;
	put.slot = trib_directory_slot(engine->directory, found->user->id, engine->now_ms);
	put.user = found->user->id;
	trib_secret_make(TRIB_SECRET_SESSION, call->secret, hash);
	put.hash = (ProtobufCBinaryData){ sizeof(hash), hash };
	put.created_at = engine->now_ms;
	put.expires_at = engine->now_ms + call->session_life_ms;
	if (status == TRIB_OK)
		status = emit_session(engine, &put, &call->error);
	if (status == TRIB_OK)
		add_session(call, found->user->id, found->user->role, found->user->party, put.expires_at, &call->reply);
	else
		call->secret[0] = '\0';
	call->http_status = 201;
	return status;
}

static trib_status call_sign_out(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__SessionPut put = TRIBUTARY__SESSION_PUT__INIT;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK && !call->session)
		return trib_fail(&call->error, TRIB_NOT_FOUND, "Cookie", "found no session, expected one");
	put.has_slot = 1;
	put.slot = call->session;
	if (status == TRIB_OK)
		status = emit_session(engine, &put, &call->error);
	call->secret[0] = '\0';
	if (status == TRIB_OK)
		add_session(call, name_of(engine, call), trib_access_role_word(call->actor.role), NULL, 0, &call->reply);
	return status;
}

static trib_status call_who(struct trib_engine *engine, struct trib_call *call)
{
	const char *party = call->actor.party_id.size ? trib_arena_copy(&engine->arena, call->actor.party_id) : NULL;

	add_session(call, name_of(engine, call), trib_access_role_word(call->actor.role), party, call->expires_ms,
		    &call->reply);
	return TRIB_OK;
}

trib_status call_access(struct trib_engine *engine, struct trib_call *call)
{
	switch (call->kind) {
	case TRIB_CALL_TOKEN_MAKE: return call_token_make(engine, call);
	case TRIB_CALL_TOKEN_ROTATE: return call_token_rotate(engine, call);
	case TRIB_CALL_TOKEN_REVOKE: return call_token_revoke(engine, call);
	case TRIB_CALL_TOKEN_GET: return call_token_get(engine, call);
	case TRIB_CALL_TOKEN_LIST: return call_access_list(engine, call, false);
	case TRIB_CALL_USER_PUT: return call_user_put(engine, call);
	case TRIB_CALL_USER_GET: return call_user_get(engine, call);
	case TRIB_CALL_USER_CLOSE: return call_user_close(engine, call);
	case TRIB_CALL_USER_LIST: return call_access_list(engine, call, true);
	case TRIB_CALL_USER_PASSWORD: return call_user_password(engine, call);
	case TRIB_CALL_SIGN_IN: return call_sign_in(engine, call);
	case TRIB_CALL_SIGN_OUT: return call_sign_out(engine, call);
	case TRIB_CALL_WHO: return call_who(engine, call);
	case TRIB_CALL_AUDIT: return call_audit(engine, call);
	default: return trib_fail(&call->error, TRIB_INTERNAL, "call", "found kind %d", call->kind);
	}
}

/* --- Answers of POSTs with an Idempotency-Key ------------------------------------------------------------ */

static void key_of(const struct trib_call *call, unsigned char ret_key[ANSWER_KEY_BYTES])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, ANSWER_KEY_BYTES);
	crypto_generichash_update(&state, (const unsigned char *)call->actor.name.data, call->actor.name.size);
	crypto_generichash_update(&state, (const unsigned char *)"", 1);
	crypto_generichash_update(&state, (const unsigned char *)call->idempotency_key.data, call->idempotency_key.size);
	crypto_generichash_final(&state, ret_key, ANSWER_KEY_BYTES);
}

bool access_repeat(struct trib_engine *engine, struct trib_call *call, trib_status *ret_status)
{
	unsigned char key[ANSWER_KEY_BYTES];
	const struct answer *kept;

	if (!call->idempotency_key.size)
		return false;
	key_of(call, key);
	kept = answers_find(engine->answers, key, engine->now_ms);
	if (!kept)
		return false;
	call->repeated = true;
	*ret_status = TRIB_OK;
	if (memcmp(kept->content, call->content_hash, ANSWER_KEY_BYTES) != 0) {
		*ret_status = trib_fail(&call->error, TRIB_CONFLICT, "Idempotency-Key",
					"found another request than the first of that key, expected the same");
		return true;
	}
	call->http_status = (int)kept->status;
	trib_buffer_add_bytes(&call->reply, kept->body);
	return true;
}

trib_status access_keep_answer(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__AnswerKept kept = TRIBUTARY__ANSWER_KEPT__INIT;
	unsigned char key[ANSWER_KEY_BYTES];

	/* An answer beside JSON, or a very long one, is not kept: the same is done again. */
	if (!call->idempotency_key.size || call->repeated || call->status != TRIB_OK || call->file ||
	    call->reply.size > ANSWER_BODY_BYTES_MAX)
		return TRIB_OK;
	trib_arena_reset(&engine->arena);
	key_of(call, key);
	kept.has_key = kept.has_content = kept.has_at = kept.has_status = 1;
	kept.key = (ProtobufCBinaryData){ sizeof(key), key };
	kept.content = (ProtobufCBinaryData){ ANSWER_KEY_BYTES, call->content_hash };
	kept.at = engine->now_ms;
	kept.status = (uint32_t)call->http_status;
	kept.body = trib_arena_copy(&engine->arena, trib_buffer_bytes(&call->reply));
	event.kind_case = TRIBUTARY__EVENT__KIND_ANSWER_KEPT;
	event.answer_kept = &kept;
	return engine_emit(engine, &event, &call->error);
}

/* --- Conditions ---------------------------------------------------------------------------------------- */

bool trib_etag_matches(struct trib_bytes header, const char *etag)
{
	const char *p = header.data, *end = header.data + header.size;

	if (!etag[0])
		return false;
	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma ? comma : end;

		while (p < stop && (*p == ' ' || *p == '\t'))
			p++;
		if (stop - p > 2 && p[0] == 'W' && p[1] == '/') /* a cache's word for it: the content is what counts */
			p += 2;
		struct trib_bytes tag = trib_bytes(p, (size_t)(stop - p));

		while (tag.size && (tag.data[tag.size - 1] == ' ' || tag.data[tag.size - 1] == '\t'))
			tag.size--;
		if (trib_bytes_is(tag, "*") || trib_bytes_is(tag, etag))
			return true;
		p = stop + 1;
	}
	return false;
}

/* --- Checkpoint ---------------------------------------------------------------------------------------- */

struct answer_row {
	struct answer answer;
	char *body;
};

static trib_status load_answer(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	struct log_of *rows = context;
	struct answer answer;

	if (value.size == 0)
		return TRIB_OK;
	Tributary__AnswerKept *kept =
		tributary__answer_kept__unpack(NULL, value.size, (const uint8_t *)value.data);
	bool good = kept && key.size == ANSWER_KEY_BYTES && answer_of(kept, &answer);

	if (good) {
		struct answer_row *row = log_add(rows);

		row->body = trib_strdup(kept->body ? kept->body : "");
		answer.body = trib_bytes_text(row->body);
		row->answer = answer;
	}
	if (kept)
		tributary__answer_kept__free_unpacked(kept, NULL);
	return good ? TRIB_OK : trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no kept answer");
}

static int compare_answers(const void *left, const void *right)
{
	const struct answer_row *a = left, *b = right;

	return (a->answer.at_ms > b->answer.at_ms) - (a->answer.at_ms < b->answer.at_ms);
}

static trib_status load_answers(struct trib_engine *engine, struct trib_error *error)
{
	struct log_of log = { .item_size = sizeof(struct answer_row) };
	trib_status status = trib_store_scan(engine->store, TRIB_TABLE_ANSWER, trib_bytes("", 0), load_answer, &log, error);
	struct answer_row *rows = log.items;

	if (log.count)
		qsort(rows, log.count, sizeof(*rows), compare_answers);
	for (size_t i = 0; i < log.count; i++) {
		answers_add(engine->answers, &rows[i].answer, false);
		free(rows[i].body);
	}
	free(rows);
	return status;
}

struct load_rows {
	struct trib_engine *engine;
	enum trib_table table;
};

static trib_status load_row(void *context, struct trib_bytes key TRIB_UNUSED, struct trib_bytes value,
			    struct trib_error *error)
{
	const struct load_rows *load = context;

	return trib_directory_load(load->engine->directory, load->table, value, error);
}

trib_status access_load(struct trib_engine *engine, struct trib_error *error)
{
	static const enum trib_table tables[] = { TRIB_TABLE_ACCESS_TOKEN, TRIB_TABLE_ACCESS_USER,
						  TRIB_TABLE_ACCESS_SESSION };
	trib_status status = load_answers(engine, error);

	for (size_t i = 0; status == TRIB_OK && i < TRIB_ARRAY_SIZE(tables); i++) {
		struct load_rows load = { engine, tables[i] };

		status = trib_store_scan(engine->store, tables[i], trib_bytes("", 0), load_row, &load, error);
	}
	return status;
}

/* --- Life ---------------------------------------------------------------------------------------------- */

/* The directory stays while the state is read again: the doors hold it, and meanwhile it lets nobody in. */
void access_begin(struct trib_engine *engine)
{
	trib_directory_begin(engine->directory);
	engine->audit = audit_new();
	engine->answers = answers_new(TRIB_LIMIT_ANSWERS_KEPT, TRIB_LIMIT_ANSWERS_BYTES);
}

void access_end(struct trib_engine *engine)
{
	audit_free(TRIB_TAKE_PTR(engine->audit));
	answers_free(TRIB_TAKE_PTR(engine->answers));
}

struct trib_directory *trib_engine_directory(struct trib_engine *engine)
{
	return engine->directory;
}
