/*
 * Who has tried too many passwords: counts by user and address together, by address, and by user, over a quarter of an
 * hour; who has reached one of them waits until it is over, with the right password, too. In bounded memory: where a
 * place is taken, the count that began first goes. Any thread.
 */
#ifndef TRIB_SERVER_LOCKOUT_H
#define TRIB_SERVER_LOCKOUT_H

#include "base/bytes.h"

struct trib_lockout;

struct trib_lockout *trib_lockout_new(void);
void trib_lockout_free(struct trib_lockout *lockout);

/* How long to wait, ms; 0: go on. */
int64_t trib_lockout_wait_ms(struct trib_lockout *lockout, struct trib_bytes user, struct trib_bytes from,
			     int64_t now_ms);
void trib_lockout_failed(struct trib_lockout *lockout, struct trib_bytes user, struct trib_bytes from, int64_t now_ms);
/* Signed in: the two are forgotten; what the address has failed at with others is not. */
void trib_lockout_passed(struct trib_lockout *lockout, struct trib_bytes user, struct trib_bytes from);

#endif
