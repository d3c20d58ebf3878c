/*
 * The secrets of a data folder, `<data>/keys/` (0700, files 0600, anything wider is refused):
 *
 *	token.keys	the ring of token keys: each with an id, a scope, a time of validity and a
 *status hash.keys	keys of the hashes under which journal and state know users, orders and
 *names; made once, never changed: without them the data folder cannot be read
 *
 * Secrets live in locked memory (sodium_malloc), are wiped on release and never printed or logged.
 *
 * Rotation: add a key (signing takes the newest at once), wait until the tokens of the old one have
 *expired, retire the old one. A retired key neither signs nor verifies.
 *
 * Not thread-safe: the owner's thread reloads between batches; others may read while nobody
 *reloads.
 */
#ifndef TRIB_TRACK_KEYS_H
#define TRIB_TRACK_KEYS_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/status.h"

struct trib_keys;

enum trib_keys_mode {
	TRIB_KEYS_EXISTING, /* missing files are a failure: the data folder has been used */
	TRIB_KEYS_CREATE,   /* make what is missing: the first start of a data folder */
};

enum trib_key_status { TRIB_KEY_ACTIVE, TRIB_KEY_RETIRED };

/* All of a token key but its secret. */
struct trib_key_info {
	uint16_t id;	/* 1–TRIB_LIMIT_KEY_ID */
	char scope[65]; /* a registration's external id, or "*" */
	int64_t created_at_ms;
	int64_t not_before_ms, not_after_ms; /* issue times it is good for, both included;
						INT64_MIN, INT64_MAX: open */
	enum trib_key_status status;
};

/* data_dir is the data folder itself; `keys` inside it is made with TRIB_KEYS_CREATE. */
trib_status trib_keys_open(const char *data_dir, enum trib_keys_mode mode, struct trib_clock *clock,
			   struct trib_keys **ret_keys, struct trib_error *error);
void trib_keys_free(struct trib_keys *keys);

/*
 * Reads the ring again if its file has changed. On a failure the last good ring stays in force and
 * the same broken file is not reported twice. Cheap when nothing changed (one stat): call it on
 * SIGHUP and once a second.
 */
trib_status trib_keys_reload(struct trib_keys *keys, bool *ret_changed, struct trib_error *error);

/* False where the kernel refused to lock the memory (RLIMIT_MEMLOCK): say so at start. */
bool trib_keys_locked(const struct trib_keys *keys);

/*
 * Scopes are external ids, tokens carry numbers: `number_of` tells the local number of a
 * registration, 0 if there is none (yet). It is asked now, at each reload and at each
 * trib_keys_rebind, which the owner calls when a registration has come. Until then a key with that
 * scope signs and verifies nothing.
 */
void trib_keys_bind(struct trib_keys *keys,
		    uint32_t (*number_of)(void *context, struct trib_bytes registration),
		    void *context);
void trib_keys_rebind(struct trib_keys *keys);

/* Keys of hashes. Each serves one purpose only; the pointers live as long as `keys`. */
const struct trib_hash_key *
trib_keys_user_hash(const struct trib_keys *keys); /* user ids → 64 bits */
const struct trib_hash_key *
trib_keys_order_hash(const struct trib_keys *keys); /* order fingerprints */
const struct trib_hash_key *
trib_keys_names_hash(const struct trib_keys *keys); /* tables of names */

/* Token keys in the order of their ids. */
size_t trib_keys_count(const struct trib_keys *keys);
struct trib_key_info trib_keys_info(const struct trib_keys *keys, size_t index);

/*
 * Changes to the ring's file, under a lock between processes, replaced atomically and synced. A
 * running server picks them up by itself. `wanted` gives scope, not_before_ms and not_after_ms; id
 * and secret are new.
 */
trib_status trib_keys_add(struct trib_keys *keys, const struct trib_key_info *wanted,
			  struct trib_key_info *ret_info, struct trib_error *error);
trib_status trib_keys_retire(struct trib_keys *keys, uint16_t id, struct trib_key_info *ret_info,
			     struct trib_error *error);

/*
 * What a rich client needs to read tokens and to know users: the ring and the key of user hashes, as a text of its own.
 * It is secret: it goes over an authenticated call or in a file of 0600, never with a snapshot. Keys that were imported
 * belong to no folder: they do not reload, and the keys of orders and names are not among them.
 */
enum { TRIB_KEYS_EXPORT_BYTES_MAX = 4 << 20 };
trib_status trib_keys_export(const struct trib_keys *keys, struct trib_buffer *ret_text,
			     struct trib_error *error);
/* The text stands in memory that may be read behind its end: terminated. */
trib_status trib_keys_import(const char *text, struct trib_keys **ret_keys, struct trib_error *error);

#endif
