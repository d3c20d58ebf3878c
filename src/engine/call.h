/*
 * Calls: how the HTTP door, which lives on other threads, asks the engine. A call is put on a ring, decided on the
 * engine's thread, and given back by done() once its answer may leave.
 */
#ifndef TRIB_ENGINE_CALL_H
#define TRIB_ENGINE_CALL_H

#include "base/bytes.h"
#include "base/status.h"
#include "domain/domain.h"
#include "engine/directory.h"

struct trib_engine;

enum trib_call_kind {
	TRIB_CALL_PUT,	 /* noun, name, body */
	TRIB_CALL_GET,	 /* noun, name */
	TRIB_CALL_CLOSE, /* noun, name */
	TRIB_CALL_LIST,	 /* noun, cursor, limit */
	TRIB_CALL_IMPORT, /* noun, items, atomic */
	TRIB_CALL_ACT,	 /* noun, name, action, body */
	TRIB_CALL_BULK, /* body */
	TRIB_CALL_PLAN_VERSIONS, TRIB_CALL_PLAN_UNSCHEDULE, /* name; version */
	TRIB_CALL_STATUS_PUT, TRIB_CALL_STATUS_GET, /* noun, name; body */
	TRIB_CALL_BOUNDS_PUT, TRIB_CALL_BOUNDS_GET, /* name: the category; body, NULL takes them away */
	TRIB_CALL_BOUNDS_LIST, /* cursor, limit */
	TRIB_CALL_TERMS, /* name (of goods), creator, offer, registration, at */
	TRIB_CALL_ENROL,	   /* name: the activity; body */
	TRIB_CALL_ENROLMENTS_ACT,  /* body */
	TRIB_CALL_COOPERATION_OFFER, /* name, body */
	TRIB_CALL_ENROLMENTS_OF_ACTIVITY, TRIB_CALL_ENROLMENTS_OF_GOODS, /* name, stage: a status; cursor, limit */
	TRIB_CALL_ENROLMENTS_OF_MERCHANT,
	TRIB_CALL_COOPERATIONS, /* name: the activity; cursor, limit */
	TRIB_CALL_LINK, TRIB_CALL_TOUCH, TRIB_CALL_ORDER, /* body */
	TRIB_CALL_TRACK, TRIB_CALL_ORDER_GET, TRIB_CALL_EXPLAIN, /* name */
	TRIB_CALL_ORDER_STATUS, TRIB_CALL_REFUND, /* name, body */
	TRIB_CALL_RELEASE, TRIB_CALL_REJECT,	  /* name, body */
	TRIB_CALL_REVIEWS,			  /* cursor, limit */
	TRIB_CALL_BALANCES, /* party, role, currency, kind_word, stage, detail, cursor, limit */
	TRIB_CALL_TALLIES, /* plan, creator, line, cursor, limit */
	TRIB_CALL_EXPERIENCE, /* party, creator, cursor, limit */
	TRIB_CALL_RULES_PUT, /* name, source */
	TRIB_CALL_RULES_PATCH, /* name, node, source */
	TRIB_CALL_RULES_GET, /* name, version (0: the active one) */
	TRIB_CALL_RULES_LIST,
	TRIB_CALL_RULES_ACTIVATE, /* name, version, at */
	TRIB_CALL_RULES_ROLLOUT, /* name, body */
	TRIB_CALL_RULES_HITS, /* name */
	TRIB_CALL_SIMULATE,   /* name, source */
	TRIB_CALL_SIMULATION, /* name, version: its number */
	TRIB_CALL_PLAY_PUT, /* name, body: a PlayPutRequest */
	TRIB_CALL_PLAY_GET, TRIB_CALL_PLAY_CLOSE, TRIB_CALL_PLAY_ROLLBACK, /* name */
	TRIB_CALL_PLAY_VERSION,	 /* name, version */
	TRIB_CALL_PLAY_ACTIVATE, /* name, body */
	TRIB_CALL_PLAY_LIST,
	TRIB_CALL_FORM, /* name: a noun's word; play: "", a name or name@version */
	TRIB_CALL_PLAY_SCHEMAS, /* what active plays add to entities, an object of schemas */
	TRIB_CALL_CHECKLIST,	/* name (of a play) */
	TRIB_CALL_CAPABILITIES,
	TRIB_CALL_FLOW, /* name: the id of a run */
	TRIB_CALL_FLOW_LIST, /* cursor, limit */
	TRIB_CALL_PLAY_RESOLVE, /* source: the request as JSON, "" for none */
	TRIB_CALL_STATE, /* health and counters, as JSON */
	TRIB_CALL_ESTIMATE, /* name (of goods), creator, offer */
	TRIB_CALL_SHELF, /* name (of the creator), node (the kind), cursor, limit */
	TRIB_CALL_SHELF_PUT, TRIB_CALL_SHELF_CHANGE, /* name, node, body */
	TRIB_CALL_SHELF_CLEAR, /* name, node */
	TRIB_CALL_GOODS_SHELVES, /* name (of goods) */
	TRIB_CALL_SITE_STATE, /* name */
	TRIB_CALL_SITE_IMPORT, /* name, items: SiteOrders */
	TRIB_CALL_SITE_ORDER, TRIB_CALL_SITE_RESOLVE, /* name, node: the order; body */
	TRIB_CALL_SITE_REVIEWS, /* name, cursor, limit */
	TRIB_CALL_PAYOUT, /* body */
	TRIB_CALL_STATEMENT, /* party, role, currency, kind_word, stage, from_ms, to_ms, format, language, cursor, limit */
	TRIB_CALL_RECORD, /* body: a RecordBatch */
	TRIB_CALL_WEBHOOK_PUT, TRIB_CALL_WEBHOOK_GET, TRIB_CALL_WEBHOOK_CLOSE, /* name; body */
	TRIB_CALL_WEBHOOK_TEST,	   /* name */
	TRIB_CALL_WEBHOOK_LIST,	   /* cursor, limit */
	TRIB_CALL_METRICS,	   /* name: a play, "" for all; from_ms, to_ms, step, cursor, limit */
	TRIB_CALL_OUTBOX_LIST,	   /* state_word, cursor, limit */
	TRIB_CALL_OUTBOX_RETRY, TRIB_CALL_OUTBOX_DROP, /* name: the id */
	TRIB_CALL_OUTBOX_TAKE,	   /* limit; the answer is a packed message Parcels */
	TRIB_CALL_OUTBOX_TELL,	   /* body: ParcelResults */
	TRIB_CALL_KEYS, /* the secret keys of rich clients, as text */
	TRIB_CALL_MARKET_POSITION,
	TRIB_CALL_TOKEN_MAKE, TRIB_CALL_TOKEN_ROTATE, /* body; name */
	TRIB_CALL_TOKEN_REVOKE, TRIB_CALL_TOKEN_GET,  /* name */
	TRIB_CALL_TOKEN_LIST, TRIB_CALL_USER_LIST,    /* cursor, limit */
	TRIB_CALL_USER_PUT,			      /* name, body, password_hash ("": none) */
	TRIB_CALL_USER_GET, TRIB_CALL_USER_CLOSE,     /* name */
	TRIB_CALL_USER_PASSWORD, /* name, session, password_hash (that was looked at), new_password_hash */
	TRIB_CALL_SIGN_IN,	 /* name, password_hash (that was looked at), session (to be ended), session_life_ms */
	TRIB_CALL_SIGN_OUT, TRIB_CALL_WHO, /* session, secret */
	TRIB_CALL_AUDIT,		   /* cursor, limit */
	TRIB_CALL_SNAPSHOT, /* since (0: full); the answer is file, then reply: bytes, not JSON */
};

/* An answer too large for memory: read with pread, given back with unref. Any thread. */
struct trib_call_file {
	int fd;
	size_t size;
	unsigned count;
};
struct trib_call_file *trib_call_file_ref(struct trib_call_file *file);
void trib_call_file_unref(struct trib_call_file *file);

enum { TRIB_CALL_CURSOR_CHARS = 48, TRIB_CALL_ETAG_CHARS = 40, TRIB_CALL_HASH_BYTES = 16 };

/* Everything given belongs to the caller and stays until done(). */
struct trib_call {
	struct trib_call *next; /* the engine's */
	enum trib_call_kind kind;
	struct trib_actor actor; /* who asks; party is filled here, from party_id */
	enum trib_noun noun;
	struct trib_bytes name;
	const ProtobufCMessage *body; /* checked by trib_proto_from_json or trib_proto_check */
	struct trib_bytes source, node, action;
	uint32_t version;
	int64_t at_ms;
	bool has_at;
	struct trib_bytes creator, offer, registration, plan, line, play;
	struct trib_bytes party, role, currency, kind_word, stage, cursor;
	bool detail;
	int64_t from_ms, to_ms;
	bool has_to; /* else: until now */
	struct trib_bytes format, language;
	struct trib_bytes state_word, step;
	uint32_t limit;
	uint64_t since;
	/* IMPORT: one entity each; an item that is NULL was refused before. */
	const ProtobufCMessage *const *items;
	size_t n_items;
	trib_status *item_status;	/* filled */
	struct trib_error *item_errors; /* filled where item_status is not OK */
	bool atomic;
	bool dry_run; /* PUT: says what it would come to, and changes nothing */

	/* Who asks from where, for the audit log: "PUT /api/v1/plans/p1". Changes are listed where `audited`. */
	struct trib_bytes action_text;
	bool audited;
	/* Conditions, as HTTP writes them; empty: none. */
	struct trib_bytes if_match, if_none_match;
	/* A POST that is done once: the key, and a hash of what is asked. */
	struct trib_bytes idempotency_key;
	unsigned char content_hash[TRIB_CALL_HASH_BYTES];
	uint32_t session; /* slot of the asker's session; 0: none */
	int64_t session_life_ms, expires_ms;
	char secret[TRIB_SECRET_CHARS]; /* of the asker's session; filled by SIGN_IN, emptied by SIGN_OUT */
	char password_hash[TRIB_PASSWORD_HASH_BYTES], new_password_hash[TRIB_PASSWORD_HASH_BYTES];

	/* The answer. */
	trib_status status;
	struct trib_error error;
	const char *code;  /* of a refusal by outcome: "no_plan"; else NULL */
	int http_status;   /* 200 or 201 when status is OK */
	uint64_t position; /* of the newest event when this was decided */
	bool hidden;	   /* NOT_FOUND, because the asker must not know that it is there */
	bool repeated;	   /* the answer that was kept for its idempotency_key */
	char etag[TRIB_CALL_ETAG_CHARS]; /* of what it shows or has changed; "": none */
	const char *content_type; /* NULL: JSON */
	char next_cursor[TRIB_CALL_CURSOR_CHARS]; /* of an answer that has no place for it inside; "": none */
	struct trib_buffer reply; /* JSON; initialised by the caller, with its maximum */
	struct trib_call_file *file; /* SNAPSHOT: what stands before the reply, or NULL; the caller unrefs it */
	void (*done)(struct trib_call *call); /* on the engine's thread */
	void *context;
};

/* Has what this kind reads or changes an ETag? */
bool trib_call_has_tag(enum trib_call_kind kind);

/* Is one of the tags of If-Match or If-None-Match this one? "*" is any that is there ("" is not). */
bool trib_etag_matches(struct trib_bytes header, const char *etag);

/* Any thread. False when the ring is full: answer 503 busy. */
bool trib_engine_submit(struct trib_engine *engine, struct trib_call *call);

#endif
