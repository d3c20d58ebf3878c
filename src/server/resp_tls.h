/*
 * One RESP connection over TLS: what the socket gives becomes what the client said, and what it is told becomes what the socket
 * takes. Knows nothing of sockets or commands. Private to the room; plain connections have none of it.
 *
 *	resp_tls_feed(tls, bytes from the socket);
 *	while ((got = resp_tls_read(tls, place, size)) > 0)
 *		…                                        // RESP_TLS_MORE: the rest is to come, RESP_TLS_ENDED, RESP_TLS_BROKEN
 *	resp_tls_write(tls, replies);
 *	… send what stands in *resp_tls_out(tls), whatever has made it: a handshake, too
 */
#ifndef TRIB_SERVER_RESP_TLS_H
#define TRIB_SERVER_RESP_TLS_H

#include <sys/types.h>
#include "base/bytes.h"
#include "server/tls.h"

struct resp_tls_door;
struct resp_tls;

enum { RESP_TLS_ENDED = 0, RESP_TLS_MORE = -1, RESP_TLS_BROKEN = -2 };

/* What all connections of a door share. */
struct resp_tls_door *resp_tls_door_new(void);
void resp_tls_door_free(struct resp_tls_door *door);

/* NULL where there is no memory for one. */
struct resp_tls *resp_tls_new(const struct resp_tls_door *door, size_t out_bytes_max);
void resp_tls_free(struct resp_tls *tls);

/* The bytes stay until they have been read up to RESP_TLS_MORE. */
void resp_tls_feed(struct resp_tls *tls, struct trib_bytes bytes);
ssize_t resp_tls_read(struct resp_tls *tls, char *place, size_t size);
/* False: broken. */
bool resp_tls_write(struct resp_tls *tls, struct trib_bytes bytes);
/* Says that nothing more comes. */
void resp_tls_end(struct resp_tls *tls);
struct trib_buffer *resp_tls_out(struct resp_tls *tls);
/* What it holds, about. */
size_t resp_tls_held(const struct resp_tls *tls);

#endif
