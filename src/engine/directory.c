#include "engine/directory.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

enum { RANDOM_BYTES = 30, CHECK_BYTES = 3, BODY_CHARS = (RANDOM_BYTES + CHECK_BYTES) / 3 * 4 };

/* One record: its newest event, packed for the store and unpacked for us. */
struct item {
	ProtobufCMessage *put;
	bool changed;	  /* since the store last had it */
	int64_t used_ms; /* of a session; atomic by the lock */
};

struct items {
	struct item *at; /* by number - 1 */
	uint32_t count, capacity;
};

/* Secrets by the first bytes of their hash. Old entries stay until the map grows: whoever finds one looks at the item. */
struct slot {
	uint64_t key;
	uint32_t kind, number; /* number 0: free */
};

struct trib_directory {
	pthread_mutex_t lock; /* around everything that other threads may ask */
	_Atomic bool guards, loading;
	_Atomic uint64_t generation;
	struct items tokens, users, sessions;
	struct trib_names *names; /* of users, numbered as they are */
	struct slot *map;
	uint32_t mask, used;
};

/* --- Secrets ------------------------------------------------------------------------------------------- */

static const char *const prefixes[] = {
#define X(name, prefix) prefix,
	TRIB_SECRET_TABLE(X)
#undef X
};

static void check_of(enum trib_secret_kind kind, const unsigned char random[RANDOM_BYTES],
		     unsigned char ret_check[CHECK_BYTES])
{
	unsigned char hash[crypto_generichash_BYTES];
	const char *prefix = prefixes[kind];

	crypto_generichash(hash, sizeof(hash), random, RANDOM_BYTES, (const unsigned char *)"tributary-secret", 16);
	for (size_t i = 0; prefix[i]; i++)
		hash[i % CHECK_BYTES] ^= (unsigned char)prefix[i];
	memcpy(ret_check, hash, CHECK_BYTES);
}

static void hash_of(const unsigned char random[RANDOM_BYTES], unsigned char ret_hash[TRIB_SECRET_HASH_BYTES])
{
	crypto_generichash(ret_hash, TRIB_SECRET_HASH_BYTES, random, RANDOM_BYTES, NULL, 0);
}

void trib_secret_make(enum trib_secret_kind kind, char ret_text[TRIB_SECRET_CHARS],
		      unsigned char ret_hash[TRIB_SECRET_HASH_BYTES])
{
	unsigned char body[RANDOM_BYTES + CHECK_BYTES];
	size_t prefix = strlen(prefixes[kind]);

	randombytes_buf(body, RANDOM_BYTES);
	check_of(kind, body, body + RANDOM_BYTES);
	hash_of(body, ret_hash);
	memcpy(ret_text, prefixes[kind], prefix);
	sodium_bin2base64(ret_text + prefix, TRIB_SECRET_CHARS - prefix, body, sizeof(body),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(body, sizeof(body));
}

bool trib_secret_parse(enum trib_secret_kind kind, struct trib_bytes text,
		       unsigned char ret_hash[TRIB_SECRET_HASH_BYTES])
{
	unsigned char body[RANDOM_BYTES + CHECK_BYTES], check[CHECK_BYTES];
	size_t prefix = strlen(prefixes[kind]), size;

	if (text.size != prefix + BODY_CHARS || memcmp(text.data, prefixes[kind], prefix) != 0 ||
	    sodium_base642bin(body, sizeof(body), text.data + prefix, BODY_CHARS, NULL, &size, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    size != sizeof(body))
		return false;
	check_of(kind, body, check);
	if (sodium_memcmp(check, body + RANDOM_BYTES, CHECK_BYTES) != 0)
		return false;
	hash_of(body, ret_hash);
	return true;
}

void trib_secret_csrf(struct trib_bytes session, char ret_text[TRIB_CSRF_CHARS])
{
	unsigned char hash[32];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)session.data, session.size,
			   (const unsigned char *)"tributary-csrf-token", 20);
	sodium_bin2base64(ret_text, TRIB_CSRF_CHARS, hash, sizeof(hash), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* --- Life ---------------------------------------------------------------------------------------------- */

static void drop_items(struct items *items)
{
	for (uint32_t i = 0; i < items->count; i++)
		if (items->at[i].put)
			protobuf_c_message_free_unpacked(items->at[i].put, NULL);
	free(items->at);
	*items = (struct items){ 0 };
}

/* No chooser of ids gains by collisions here: users are made by admins. */
static struct trib_names *new_names(void)
{
	static const struct trib_hash_key key = { 0 };

	return trib_names_new(&key);
}

static void drop(struct trib_directory *directory)
{
	drop_items(&directory->tokens);
	drop_items(&directory->users);
	drop_items(&directory->sessions);
	trib_names_free(directory->names);
	free(directory->map);
	directory->names = NULL;
	directory->map = NULL;
	directory->mask = directory->used = 0;
}

struct trib_directory *trib_directory_new(void)
{
	struct trib_directory *directory = trib_alloc_zeroed(1, sizeof(*directory));

	trib_assert(sodium_init() >= 0);
	pthread_mutex_init(&directory->lock, NULL);
	directory->names = new_names();
	return directory;
}

void trib_directory_free(struct trib_directory *directory)
{
	if (!directory)
		return;
	drop(directory);
	pthread_mutex_destroy(&directory->lock);
	free(directory);
}

void trib_directory_begin(struct trib_directory *directory)
{
	pthread_mutex_lock(&directory->lock);
	atomic_store(&directory->loading, true);
	drop(directory);
	directory->names = new_names();
	pthread_mutex_unlock(&directory->lock);
}

void trib_directory_loaded(struct trib_directory *directory)
{
	atomic_fetch_add(&directory->generation, 1);
	atomic_store(&directory->loading, false);
}

/* --- The map ------------------------------------------------------------------------------------------- */

static const ProtobufCMessage *put_at(const struct items *items, uint32_t number)
{
	return number >= 1 && number <= items->count ? items->at[number - 1].put : NULL;
}

const Tributary__AccessTokenPut *trib_directory_token_at(const struct trib_directory *directory, uint32_t number)
{
	return (const Tributary__AccessTokenPut *)put_at(&directory->tokens, number);
}

const Tributary__UserPut *trib_directory_user_at(const struct trib_directory *directory, uint32_t number)
{
	return (const Tributary__UserPut *)put_at(&directory->users, number);
}

static const Tributary__SessionPut *session_at(const struct trib_directory *directory, uint32_t number)
{
	return (const Tributary__SessionPut *)put_at(&directory->sessions, number);
}

static uint64_t key_of(ProtobufCBinaryData hash)
{
	uint64_t key = 0;

	if (hash.len == TRIB_SECRET_HASH_BYTES)
		memcpy(&key, hash.data, sizeof(key));
	return key;
}

static void insert(struct trib_directory *directory, ProtobufCBinaryData hash, enum trib_secret_kind kind,
		   uint32_t number)
{
	uint64_t key = key_of(hash);
	uint32_t i = (uint32_t)key & directory->mask;

	if (hash.len != TRIB_SECRET_HASH_BYTES)
		return;
	while (directory->map[i].number)
		i = (i + 1) & directory->mask;
	directory->map[i] = (struct slot){ key, kind, number };
	directory->used++;
}

static void insert_item(struct trib_directory *directory, enum trib_secret_kind kind, uint32_t number)
{
	if (kind == TRIB_SECRET_TOKEN) {
		const Tributary__AccessTokenPut *token = trib_directory_token_at(directory, number);

		insert(directory, token->hash, kind, number);
		insert(directory, token->old_hash, kind, number);
	} else if (session_at(directory, number)->user) {
		insert(directory, session_at(directory, number)->hash, kind, number);
	}
}

/* Makes room for what one item may add; leaves out what nothing stands behind any more. */
static void grow_map(struct trib_directory *directory)
{
	uint32_t live = 2 * directory->tokens.count + directory->sessions.count + 2, size = 1024;

	if (directory->map && (directory->used + 2) * 2 <= directory->mask)
		return;
	while (size < live * 4)
		size *= 2;
	free(directory->map);
	directory->map = trib_alloc_zeroed(size, sizeof(*directory->map));
	directory->mask = size - 1;
	directory->used = 0;
	for (uint32_t i = 1; i <= directory->tokens.count; i++)
		insert_item(directory, TRIB_SECRET_TOKEN, i);
	for (uint32_t i = 1; i <= directory->sessions.count; i++)
		if (session_at(directory, i))
			insert_item(directory, TRIB_SECRET_SESSION, i);
}

static bool is_hash(ProtobufCBinaryData data, const unsigned char hash[TRIB_SECRET_HASH_BYTES])
{
	return data.len == TRIB_SECRET_HASH_BYTES && sodium_memcmp(data.data, hash, TRIB_SECRET_HASH_BYTES) == 0;
}

static uint32_t find_secret(const struct trib_directory *directory, enum trib_secret_kind kind,
			    const unsigned char hash[TRIB_SECRET_HASH_BYTES])
{
	uint64_t key;

	if (!directory->map)
		return 0;
	memcpy(&key, hash, sizeof(key));
	for (uint32_t i = (uint32_t)key & directory->mask; directory->map[i].number; i = (i + 1) & directory->mask) {
		const struct slot *slot = &directory->map[i];

		if (slot->key != key || slot->kind != kind)
			continue;
		if (kind == TRIB_SECRET_SESSION) {
			const Tributary__SessionPut *session = session_at(directory, slot->number);

			if (session && session->user && is_hash(session->hash, hash))
				return slot->number;
		} else {
			const Tributary__AccessTokenPut *token = trib_directory_token_at(directory, slot->number);

			if (is_hash(token->hash, hash) || is_hash(token->old_hash, hash))
				return slot->number;
		}
	}
	return 0;
}

/* --- Looking up ---------------------------------------------------------------------------------------- */

bool trib_directory_guards(const struct trib_directory *directory)
{
	return atomic_load_explicit(&directory->guards, memory_order_relaxed);
}

uint64_t trib_directory_generation(const struct trib_directory *directory)
{
	return atomic_load_explicit(&directory->generation, memory_order_acquire);
}

static void copy_text(char to[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1], const char *text)
{
	snprintf(to, TRIB_LIMIT_EXTERNAL_ID_BYTES + 1, "%s", text ? text : "");
}

static enum trib_credential_result token_state(const Tributary__AccessTokenPut *put, int64_t now_ms)
{
	const Tributary__AccessToken *token = put->token;

	if (token->revoked_at)
		return TRIB_CREDENTIAL_REVOKED;
	return token->expires_at && now_ms >= token->expires_at ? TRIB_CREDENTIAL_EXPIRED : TRIB_CREDENTIAL_OK;
}

static enum trib_credential_result look_token(const Tributary__AccessTokenPut *put, uint32_t number,
					      const unsigned char hash[TRIB_SECRET_HASH_BYTES], int64_t now_ms,
					      struct trib_credential *ret_credential)
{
	const Tributary__AccessToken *token = put->token;
	enum trib_credential_result result = token_state(put, now_ms);
	bool old = !is_hash(put->hash, hash);

	if (result == TRIB_CREDENTIAL_OK && old && now_ms >= token->old_until)
		result = TRIB_CREDENTIAL_REVOKED;
	if (result != TRIB_CREDENTIAL_OK)
		return result;
	*ret_credential = (struct trib_credential){ .token = number, .rate = token->rate,
						    .expires_ms = token->expires_at };
	if (old && (!token->expires_at || token->old_until < token->expires_at))
		ret_credential->expires_ms = token->old_until;
	copy_text(ret_credential->name, token->id);
	copy_text(ret_credential->party, token->party);
	return trib_access_role_of_word(trib_bytes_text(token->role), &ret_credential->role) ?
		       TRIB_CREDENTIAL_OK :
		       TRIB_CREDENTIAL_REVOKED;
}

enum trib_credential_result trib_directory_token(struct trib_directory *directory, struct trib_bytes text,
						 int64_t now_ms, struct trib_credential *ret_credential)
{
	enum trib_credential_result result = TRIB_CREDENTIAL_UNKNOWN;
	unsigned char hash[TRIB_SECRET_HASH_BYTES];
	uint32_t number;

	if (!trib_secret_parse(TRIB_SECRET_TOKEN, text, hash))
		return TRIB_CREDENTIAL_UNKNOWN;
	pthread_mutex_lock(&directory->lock);
	if (atomic_load(&directory->loading))
		result = TRIB_CREDENTIAL_BUSY;
	else if ((number = find_secret(directory, TRIB_SECRET_TOKEN, hash)) != 0)
		result = look_token(trib_directory_token_at(directory, number), number, hash, now_ms, ret_credential);
	pthread_mutex_unlock(&directory->lock);
	return result;
}

bool trib_directory_token_holds(struct trib_directory *directory, uint32_t token, int64_t now_ms)
{
	pthread_mutex_lock(&directory->lock);
	const Tributary__AccessTokenPut *put = trib_directory_token_at(directory, token);
	bool holds = put && token_state(put, now_ms) == TRIB_CREDENTIAL_OK;

	pthread_mutex_unlock(&directory->lock);
	return holds;
}

static bool is_active(const Tributary__UserPut *put)
{
	return put && put->user && !strcmp(put->user->status, "active");
}

static enum trib_credential_result look_session(struct trib_directory *directory, uint32_t slot, int64_t now_ms,
						int64_t idle_ms, struct trib_credential *ret_credential)
{
	struct item *item = &directory->sessions.at[slot - 1];
	const Tributary__SessionPut *session = session_at(directory, slot);
	const Tributary__UserPut *put = trib_directory_user_at(
		directory, trib_names_find(directory->names, trib_bytes_text(session->user)));

	/* After a restart nobody knows when it was last used: from then on. */
	if (!item->used_ms)
		item->used_ms = now_ms;
	if (now_ms >= session->expires_at || now_ms - item->used_ms >= idle_ms)
		return TRIB_CREDENTIAL_EXPIRED;
	if (!is_active(put))
		return TRIB_CREDENTIAL_REVOKED;
	item->used_ms = TRIB_MAX(item->used_ms, now_ms);
	*ret_credential = (struct trib_credential){ .session = slot, .expires_ms = session->expires_at };
	copy_text(ret_credential->name, put->user->id);
	copy_text(ret_credential->party, put->user->party);
	return trib_access_role_of_word(trib_bytes_text(put->user->role), &ret_credential->role) ?
		       TRIB_CREDENTIAL_OK :
		       TRIB_CREDENTIAL_REVOKED;
}

enum trib_credential_result trib_directory_session(struct trib_directory *directory, struct trib_bytes text,
						   int64_t now_ms, int64_t idle_ms,
						   struct trib_credential *ret_credential)
{
	enum trib_credential_result result = TRIB_CREDENTIAL_UNKNOWN;
	unsigned char hash[TRIB_SECRET_HASH_BYTES];
	uint32_t slot;

	if (!trib_secret_parse(TRIB_SECRET_SESSION, text, hash))
		return TRIB_CREDENTIAL_UNKNOWN;
	pthread_mutex_lock(&directory->lock);
	if (atomic_load(&directory->loading))
		result = TRIB_CREDENTIAL_BUSY;
	else if ((slot = find_secret(directory, TRIB_SECRET_SESSION, hash)) != 0)
		result = look_session(directory, slot, now_ms, idle_ms, ret_credential);
	pthread_mutex_unlock(&directory->lock);
	return result;
}

bool trib_directory_password(struct trib_directory *directory, struct trib_bytes user,
			     char ret_hash[TRIB_PASSWORD_HASH_BYTES])
{
	pthread_mutex_lock(&directory->lock);
	const Tributary__UserPut *put =
		trib_directory_user_at(directory, trib_names_find(directory->names, user));
	bool found = is_active(put) && put->password_hash && put->password_hash[0];

	snprintf(ret_hash, TRIB_PASSWORD_HASH_BYTES, "%s", found ? put->password_hash : "");
	pthread_mutex_unlock(&directory->lock);
	return found;
}

/* --- Folding ------------------------------------------------------------------------------------------- */

bool trib_directory_is_changed_by(Tributary__Event__KindCase kind)
{
	return kind == TRIBUTARY__EVENT__KIND_ACCESS_TOKEN_PUT || kind == TRIBUTARY__EVENT__KIND_USER_PUT ||
	       kind == TRIBUTARY__EVENT__KIND_SESSION_PUT;
}

static ProtobufCMessage *copy_of(const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	TRIB_AUTOFREE uint8_t *bytes = trib_alloc(size + 1);

	protobuf_c_message_pack(message, bytes);
	return protobuf_c_message_unpack(message->descriptor, NULL, size, bytes);
}

/* Numbers are given in order: at most one more than there are. */
static bool put_item(struct items *items, uint32_t number, const ProtobufCMessage *message, bool changed)
{
	if (number < 1 || number > items->count + 1)
		return false;
	if (number > items->count) {
		if (items->count == items->capacity) {
			items->capacity = items->capacity ? items->capacity * 2 : 64;
			items->at = trib_realloc(items->at, items->capacity * sizeof(*items->at));
		}
		items->at[items->count++] = (struct item){ 0 };
	}
	struct item *item = &items->at[number - 1];
	ProtobufCMessage *copy = copy_of(message); /* which may share texts with the one before */

	if (item->put)
		protobuf_c_message_free_unpacked(item->put, NULL);
	item->put = copy;
	item->changed = changed;
	item->used_ms = 0;
	return item->put != NULL;
}

static void note_admin(struct trib_directory *directory, const char *role)
{
	if (role && !strcmp(role, trib_access_role_word(TRIB_ACCESS_ADMIN)))
		atomic_store(&directory->guards, true);
}

static bool put_token(struct trib_directory *directory, const Tributary__AccessTokenPut *put, bool changed)
{
	if (!put->token || !put->token->id || !put->token->role || put->number > TRIB_LIMIT_ACCESS_TOKENS)
		return false;
	if (!put_item(&directory->tokens, put->number, &put->base, changed))
		return false;
	grow_map(directory);
	insert_item(directory, TRIB_SECRET_TOKEN, put->number);
	/* What was put may have shared its texts with what stood there: from here on the copy is asked. */
	note_admin(directory, trib_directory_token_at(directory, put->number)->token->role);
	return true;
}

static bool put_user(struct trib_directory *directory, const Tributary__UserPut *put, bool changed)
{
	if (!put->user || !put->user->id || !put->user->role || !put->user->status ||
	    put->number > TRIB_LIMIT_ACCESS_USERS)
		return false;
	if (!put_item(&directory->users, put->number, &put->base, changed))
		return false;
	const Tributary__User *user = trib_directory_user_at(directory, put->number)->user;

	note_admin(directory, user->role);
	return trib_names_add(directory->names, trib_bytes_text(user->id)) == put->number;
}

static bool put_session(struct trib_directory *directory, const Tributary__SessionPut *put, bool changed)
{
	if (put->slot > TRIB_LIMIT_ACCESS_SESSIONS || !put_item(&directory->sessions, put->slot, &put->base, changed))
		return false;
	grow_map(directory);
	insert_item(directory, TRIB_SECRET_SESSION, put->slot);
	return true;
}

static trib_status corrupt(struct trib_error *error)
{
	return trib_fail(error, TRIB_CORRUPT, "access", "found a record that no decision has made");
}

trib_status trib_directory_apply(struct trib_directory *directory, const Tributary__Event *event,
				 struct trib_error *error)
{
	bool good = false;

	pthread_mutex_lock(&directory->lock);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_ACCESS_TOKEN_PUT)
		good = put_token(directory, event->access_token_put, true);
	else if (event->kind_case == TRIBUTARY__EVENT__KIND_USER_PUT)
		good = put_user(directory, event->user_put, true);
	else if (event->kind_case == TRIBUTARY__EVENT__KIND_SESSION_PUT)
		good = put_session(directory, event->session_put, true);
	pthread_mutex_unlock(&directory->lock);
	atomic_fetch_add_explicit(&directory->generation, 1, memory_order_release);
	return good ? TRIB_OK : corrupt(error);
}

uint32_t trib_directory_tokens(const struct trib_directory *directory)
{
	return directory->tokens.count;
}

uint32_t trib_directory_users(const struct trib_directory *directory)
{
	return directory->users.count;
}

uint32_t trib_directory_find_user(const struct trib_directory *directory, struct trib_bytes id)
{
	return trib_names_find(directory->names, id);
}

/* --- Sessions ------------------------------------------------------------------------------------------ */

uint32_t trib_directory_slot(const struct trib_directory *directory, const char *user, int64_t now_ms)
{
	uint32_t free_slot = 0, oldest = 0, own = 0, own_oldest = 0;

	for (uint32_t slot = 1; slot <= directory->sessions.count; slot++) {
		const Tributary__SessionPut *session = session_at(directory, slot);

		if (!session->user || now_ms >= session->expires_at) {
			free_slot = free_slot ? free_slot : slot;
			continue;
		}
		if (!oldest || session->created_at < session_at(directory, oldest)->created_at)
			oldest = slot;
		if (strcmp(session->user, user) != 0)
			continue;
		own++;
		if (!own_oldest || session->created_at < session_at(directory, own_oldest)->created_at)
			own_oldest = slot;
	}
	if (own >= TRIB_LIMIT_USER_SESSIONS)
		return own_oldest;
	if (free_slot)
		return free_slot;
	return directory->sessions.count < TRIB_LIMIT_ACCESS_SESSIONS ? directory->sessions.count + 1 : oldest;
}

uint32_t trib_directory_next_session(const struct trib_directory *directory, const char *user, uint32_t after)
{
	for (uint32_t slot = after + 1; slot <= directory->sessions.count; slot++) {
		const Tributary__SessionPut *session = session_at(directory, slot);

		if (session->user && !strcmp(session->user, user))
			return slot;
	}
	return 0;
}

/* --- Store --------------------------------------------------------------------------------------------- */

static void take_items(struct items *items, enum trib_table table, trib_directory_row_fn *add, void *context)
{
	for (uint32_t i = 0; i < items->count; i++) {
		struct item *item = &items->at[i];

		if (!item->changed)
			continue;
		size_t size = protobuf_c_message_get_packed_size(item->put);
		TRIB_AUTOFREE uint8_t *bytes = trib_alloc(size + 1);

		protobuf_c_message_pack(item->put, bytes);
		add(context, table, i + 1, trib_bytes(bytes, size));
		item->changed = false;
	}
}

void trib_directory_take_changes(struct trib_directory *directory, trib_directory_row_fn *add, void *context)
{
	take_items(&directory->tokens, TRIB_TABLE_ACCESS_TOKEN, add, context);
	take_items(&directory->users, TRIB_TABLE_ACCESS_USER, add, context);
	take_items(&directory->sessions, TRIB_TABLE_ACCESS_SESSION, add, context);
}

static const ProtobufCMessageDescriptor *descriptor_of(enum trib_table table)
{
	return table == TRIB_TABLE_ACCESS_TOKEN ? &tributary__access_token_put__descriptor :
	       table == TRIB_TABLE_ACCESS_USER	? &tributary__user_put__descriptor :
						  &tributary__session_put__descriptor;
}

trib_status trib_directory_load(struct trib_directory *directory, enum trib_table table, struct trib_bytes value,
				struct trib_error *error)
{
	ProtobufCMessage *put =
		protobuf_c_message_unpack(descriptor_of(table), NULL, value.size, (const uint8_t *)value.data);
	bool good = false;

	if (!put)
		return corrupt(error);
	pthread_mutex_lock(&directory->lock);
	if (table == TRIB_TABLE_ACCESS_TOKEN)
		good = put_token(directory, (const Tributary__AccessTokenPut *)put, false);
	else if (table == TRIB_TABLE_ACCESS_USER)
		good = put_user(directory, (const Tributary__UserPut *)put, false);
	else
		good = put_session(directory, (const Tributary__SessionPut *)put, false);
	pthread_mutex_unlock(&directory->lock);
	protobuf_c_message_free_unpacked(put, NULL);
	return good ? TRIB_OK : corrupt(error);
}
