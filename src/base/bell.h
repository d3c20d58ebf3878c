/*
 * A bell: any thread rings it, one thread's event loop wakes by it. Ringing a bell that rings already costs no system call.
 *
 * Who rings has laid down its work before; who hears clears the bell first and looks for work after. So no work is missed,
 * and a bell that nobody has rung since stays silent: the loop sleeps.
 */
#ifndef TRIBUTARY_BASE_BELL_H
#define TRIBUTARY_BASE_BELL_H

#include <stdatomic.h>
#include <stdbool.h>

struct trib_bell {
	int fd; /* readable while it rings */
	atomic_bool rung;
};

/* 0, or the errno of a descriptor that could not be had. */
int trib_bell_init(struct trib_bell *bell);
void trib_bell_fini(struct trib_bell *bell);
void trib_bell_ring(struct trib_bell *bell);
/* By the one thread that hears it. */
void trib_bell_clear(struct trib_bell *bell);

#endif
