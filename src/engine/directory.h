/*
 * Who may ask: access tokens, users, their sessions; in memory, a fold over events. The engine's thread decides and
 * applies; the doors, on threads of their own, look secrets up:
 *
 *	struct trib_credential who;
 *	switch (trib_directory_token(directory, given, now_ms, &who)) {
 *	case TRIB_CREDENTIAL_OK:
 *		…                                   // who.role, who.party, who.name
 *
 * A secret is 240 random bits and a checksum, so that a typing error, or what a scanner finds in a log, is told from one
 * without looking it up:  trib_ or tribs_ (of a session), then 44 characters of URL-safe base64. Only BLAKE2b of it is kept.
 */
#ifndef TRIB_ENGINE_DIRECTORY_H
#define TRIB_ENGINE_DIRECTORY_H

#include "base/limits.h"
#include "domain/domain.h"

enum {
	TRIB_SECRET_CHARS = 56, /* with prefix and terminator */
	TRIB_SECRET_HASH_BYTES = 32,
	TRIB_PASSWORD_HASH_BYTES = 128, /* crypto_pwhash_STRBYTES */
	TRIB_CSRF_CHARS = 44,
};

/* X(NAME, prefix) */
#define TRIB_SECRET_TABLE(X)                                                                       \
	X(TOKEN, "trib_")                                                                          \
	X(SESSION, "tribs_")

enum trib_secret_kind {
#define X(name, prefix) TRIB_SECRET_##name,
	TRIB_SECRET_TABLE(X)
#undef X
};

void trib_secret_make(enum trib_secret_kind kind, char ret_text[TRIB_SECRET_CHARS],
		      unsigned char ret_hash[TRIB_SECRET_HASH_BYTES]);
/* False where the text cannot be one that was made. */
bool trib_secret_parse(enum trib_secret_kind kind, struct trib_bytes text,
		       unsigned char ret_hash[TRIB_SECRET_HASH_BYTES]);

/* What writes of a session bring beside its cookie: a page of another origin cannot know it. */
void trib_secret_csrf(struct trib_bytes session, char ret_text[TRIB_CSRF_CHARS]);

/* What a secret stands for, copied out. */
struct trib_credential {
	enum trib_access_role role;
	uint32_t token;	  /* number; 0: none */
	uint32_t session; /* slot, from 1; 0: none */
	uint32_t rate;	  /* requests a second; 0: as configured */
	int64_t expires_ms; /* 0: never */
	char name[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1], party[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
};

enum trib_credential_result {
	TRIB_CREDENTIAL_OK,
	TRIB_CREDENTIAL_UNKNOWN,
	TRIB_CREDENTIAL_EXPIRED,
	TRIB_CREDENTIAL_REVOKED,
	TRIB_CREDENTIAL_BUSY, /* the state is being read again */
};

struct trib_directory;

struct trib_directory *trib_directory_new(void);
void trib_directory_free(struct trib_directory *directory);

/* ---- Any thread ------------------------------------------------------------------------------------- */

/* Was there ever an admin's token or an admin who signs in? From then on everybody has to say who they are. */
bool trib_directory_guards(const struct trib_directory *directory);

/* Changes with every change; who keeps a credential looks again. */
uint64_t trib_directory_generation(const struct trib_directory *directory);

enum trib_credential_result trib_directory_token(struct trib_directory *directory, struct trib_bytes text,
						 int64_t now_ms, struct trib_credential *ret_credential);
/* That of a session ends, too, when it was not used for idle_ms; each use counts. */
enum trib_credential_result trib_directory_session(struct trib_directory *directory, struct trib_bytes text,
						   int64_t now_ms, int64_t idle_ms,
						   struct trib_credential *ret_credential);
/* Is the token still as good as it was? By its number. */
bool trib_directory_token_holds(struct trib_directory *directory, uint32_t token, int64_t now_ms);

/* The Argon2id hash of somebody who may sign in; false, and "" , of anybody else. */
bool trib_directory_password(struct trib_directory *directory, struct trib_bytes user,
			     char ret_hash[TRIB_PASSWORD_HASH_BYTES]);

/* ---- The engine's thread ------------------------------------------------------------------------------ */

/* Before the state is read (again), and after: meanwhile nobody is let in. */
void trib_directory_begin(struct trib_directory *directory);
void trib_directory_loaded(struct trib_directory *directory);

bool trib_directory_is_changed_by(Tributary__Event__KindCase kind);
trib_status trib_directory_apply(struct trib_directory *directory, const Tributary__Event *event,
				 struct trib_error *error);

uint32_t trib_directory_tokens(const struct trib_directory *directory);
uint32_t trib_directory_users(const struct trib_directory *directory);
/* By number, from 1; NULL beyond. */
const Tributary__AccessTokenPut *trib_directory_token_at(const struct trib_directory *directory, uint32_t number);
const Tributary__UserPut *trib_directory_user_at(const struct trib_directory *directory, uint32_t number);
uint32_t trib_directory_find_user(const struct trib_directory *directory, struct trib_bytes id);

/* The slot for another session of the user: a free one, else that of a session that has to end. From 1. */
uint32_t trib_directory_slot(const struct trib_directory *directory, const char *user, int64_t now_ms);
/* The next slot, behind `after`, with a session of the user; 0: there is none. */
uint32_t trib_directory_next_session(const struct trib_directory *directory, const char *user, uint32_t after);

/* Rows of the store that have changed since the last time; and one that it holds. */
typedef void trib_directory_row_fn(void *context, enum trib_table table, uint32_t number, struct trib_bytes value);
void trib_directory_take_changes(struct trib_directory *directory, trib_directory_row_fn *add, void *context);
trib_status trib_directory_load(struct trib_directory *directory, enum trib_table table, struct trib_bytes value,
				struct trib_error *error);

#endif
