/*
 * The book of plays: every version of every play that was put, and which of them is active when. It is state of the
 * engine, a fold over two events; no version is ever removed, so that what began with one goes on with it.
 *
 *	status = trib_playbook_decide_put(book, play, &request, now_ms, &arena, &event, &again, &error);    // changes nothing
 *	status = trib_playbook_apply_put(book, &event, play, &error);     // replayed: NULL, it is read once it is needed
 *
 *	status = trib_playbook_decide_activate(book, name, version, at_ms, now_ms, &event, &again, &error);
 *	status = trib_playbook_apply_activated(book, &event, &error);
 *
 *	const struct trib_plays *plays = trib_playbook_active(book, now_ms);    // a linked set, for trib_plays_choose
 *	const struct trib_play *play = trib_playbook_find(book, name, version, &error);    // of an entity that began with it
 *
 * A version is bound to one version of its parent when it is put: the active one, or the newest where none is active.
 * So nothing that comes later changes what a version is; a play whose parent has changed is put again, with the same
 * files, and that is a new version.
 *
 * Activations make a timeline: at any time the one with the latest start holds, of equal starts the one decided last.
 * Version 0 closes: no new entity gets the play. A rollback goes back to what was active before, and again further.
 *
 * The engine's thread only. Plays are good as long as the book, sets until the next change or the next time that is
 * asked for.
 */
#ifndef TRIB_PLAY_BOOK_H
#define TRIB_PLAY_BOOK_H

#include "base/hash.h"
#include "play/play.h"

struct trib_playbook;

/* `trees` outlives the book. */
struct trib_playbook *trib_playbook_new(const struct trib_hash_key *key, const struct trib_play_trees *trees);
void trib_playbook_free(struct trib_playbook *book);

/* ---- Changes -------------------------------------------------------------------------------------- */

/*
 * What putting a play that was read from those files comes to: it is bound to its parent. *ret_again: the newest version is just that, there is no
 * event; ret_event has its number. The event lives in the arena. REFUSED: its parent is not there; LIMIT.
 */
trib_status trib_playbook_decide_put(struct trib_playbook *book, struct trib_play *play,
				     const Tributary__PlayPutRequest *request, int64_t now_ms,
				     struct trib_arena *arena, Tributary__PlayPut *ret_event, bool *ret_again,
				     struct trib_error *error);

/* Takes the play that was decided (NULL: it is read from the event's files when it is needed), but not on failure. */
trib_status trib_playbook_apply_put(struct trib_playbook *book, const Tributary__PlayPut *event,
				    struct trib_play *play, struct trib_error *error);

/*
 * From at_ms on, but not before now_ms. *ret_again: it is so already. The event's name is the book's. NOT_FOUND: no such
 * play or version. REFUSED: it cannot be read; nothing to roll back to.
 */
trib_status trib_playbook_decide_activate(struct trib_playbook *book, struct trib_bytes name, uint32_t version,
					  int64_t at_ms, int64_t now_ms, Tributary__PlayActivated *ret_event,
					  bool *ret_again, struct trib_error *error);
trib_status trib_playbook_decide_rollback(struct trib_playbook *book, struct trib_bytes name, int64_t now_ms,
					  Tributary__PlayActivated *ret_event, struct trib_error *error);
trib_status trib_playbook_decide_close(struct trib_playbook *book, struct trib_bytes name, int64_t now_ms,
				       Tributary__PlayActivated *ret_event, bool *ret_again,
				       struct trib_error *error);
trib_status trib_playbook_apply_activated(struct trib_playbook *book, const Tributary__PlayActivated *event,
					  struct trib_error *error);

/* ---- Looking --------------------------------------------------------------------------------------- */

/* Plays have numbers 1 … count in the order in which they came; versions are 1 … newest. */
uint32_t trib_playbook_count(const struct trib_playbook *book);
uint32_t trib_playbook_number(const struct trib_playbook *book, struct trib_bytes name); /* 0: none */
const char *trib_playbook_name(const struct trib_playbook *book, uint32_t number);
uint32_t trib_playbook_newest(const struct trib_playbook *book, uint32_t number);
uint32_t trib_playbook_version(const struct trib_playbook *book, uint32_t number, int64_t now_ms); /* active; 0: none */

/* A version, read where it was not yet. NULL: no such one, or this release cannot read it; why stands in the error. */
const struct trib_play *trib_playbook_find(struct trib_playbook *book, struct trib_bytes name, uint32_t version,
					   struct trib_error *error);

/* The plays that take what is new at that time, linked. */
const struct trib_plays *trib_playbook_active(struct trib_playbook *book, int64_t now_ms);
uint64_t trib_playbook_active_made(const struct trib_playbook *book); /* moves on whenever that becomes another set */

/* The PlayPut of a version, packed. */
struct trib_bytes trib_playbook_packed(const struct trib_playbook *book, uint32_t number, uint32_t version);

/* An activation by its number, from 1 on; false behind the last. *ret_undone: a closing that came later undid it. */
bool trib_playbook_activation(const struct trib_playbook *book, uint32_t number, uint32_t activation,
			      uint32_t *ret_version, int64_t *ret_from_ms, bool *ret_undone);

/* ---- Store ----------------------------------------------------------------------------------------- */

/* What came since the last freeze: of a play its version of that number, or its activation, as packed events. */
typedef void trib_playbook_row_fn(void *context, bool activation, uint32_t play, uint32_t number,
				  struct trib_bytes packed);
void trib_playbook_freeze(struct trib_playbook *book, trib_playbook_row_fn *row, void *context);

/* Rows of a store into a new book: all versions by play and version, then all activations; then loaded(). */
trib_status trib_playbook_load(struct trib_playbook *book, bool activation, uint32_t play, uint32_t number,
			       struct trib_bytes packed, struct trib_error *error);
trib_status trib_playbook_loaded(struct trib_playbook *book, struct trib_error *error);

#endif
