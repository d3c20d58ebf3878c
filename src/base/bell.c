#include "base/bell.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int trib_bell_init(struct trib_bell *bell)
{
	bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	atomic_init(&bell->rung, false);
	return bell->fd < 0 ? errno : 0;
}

void trib_bell_fini(struct trib_bell *bell)
{
	close(bell->fd);
}

void trib_bell_ring(struct trib_bell *bell)
{
	uint64_t one = 1;

	if (atomic_exchange(&bell->rung, true))
		return;
	while (write(bell->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/*
 * The flag falls only after a successful read. Where the read finds nothing, the write that goes with the flag is still
 * on its way: it will make the descriptor readable, and the next call clears both.
 */
void trib_bell_clear(struct trib_bell *bell)
{
	uint64_t count;

	if (atomic_load(&bell->rung) && read(bell->fd, &count, sizeof(count)) == sizeof(count))
		atomic_exchange(&bell->rung, false);
}
