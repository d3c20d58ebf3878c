/*
 * A gate that readers pass without waiting and that a writer can wait at until nobody is left who passed before:
 *
 *	reader                                   writer
 *	ticket = gate_enter(&gate);              atomic_store(&published, news);
 *	p = atomic_load(&published);             gate_wait(&gate);
 *	… use p …                                free(old);              // nobody has it any more
 *	gate_leave(&gate, ticket);
 *
 * Readers count themselves in one of two columns; the writer turns them to the other column and waits for the first to
 * run empty, twice. A reader that has the old pointer has counted itself before the new one was stored, in whichever
 * column, and each column was seen empty after that. Counters stand in lines of cache of their own, shared by few
 * threads. Any number of readers, one writer.
 */
#ifndef TRIB_CLIENT_GATE_H
#define TRIB_CLIENT_GATE_H

#include <sched.h>
#include <stdatomic.h>

enum { GATE_LINES = 64 };

struct gate {
	_Atomic unsigned column;
	struct {
		_Alignas(64) _Atomic unsigned inside[2];
	} lines[GATE_LINES];
};

static inline _Atomic unsigned *gate_enter(struct gate *gate, unsigned line)
{
	_Atomic unsigned *inside =
		&gate->lines[line % GATE_LINES].inside[atomic_load_explicit(&gate->column, memory_order_relaxed) & 1];

	atomic_fetch_add(inside, 1);
	return inside;
}

static inline void gate_leave(_Atomic unsigned *inside)
{
	atomic_fetch_sub_explicit(inside, 1, memory_order_release);
}

static inline void gate_wait(struct gate *gate)
{
	for (int turn = 0; turn < 2; turn++) {
		unsigned column = atomic_fetch_add(&gate->column, 1) & 1;

		for (unsigned i = 0; i < GATE_LINES; i++)
			while (atomic_load(&gate->lines[i].inside[column]))
				sched_yield();
	}
}

#endif
