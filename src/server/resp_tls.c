#include "server/resp_tls.h"

#include <errno.h>
#include <gnutls/abstract.h>

enum { SESSION_BYTES = 32 << 10 /* what GnuTLS keeps of one, about */ };

struct resp_tls_door {
	gnutls_certificate_credentials_t credentials;
	gnutls_datum_t tickets; /* the key of tickets, by which a client comes back without a whole handshake */
};

struct resp_tls {
	gnutls_session_t session;
	struct trib_bytes in; /* fed, not taken yet */
	struct trib_buffer out;
	bool open; /* the handshake is over */
};

struct resp_tls_door *resp_tls_door_new(void)
{
	struct resp_tls_door *door = trib_alloc_zeroed(1, sizeof(*door));

	trib_assert(gnutls_certificate_allocate_credentials(&door->credentials) == 0);
	trib_assert(gnutls_session_ticket_key_generate(&door->tickets) == 0);
	gnutls_certificate_set_retrieve_function2(door->credentials,
						  (gnutls_certificate_retrieve_function2 *)trib_tls_callback());
	return door;
}

void resp_tls_door_free(struct resp_tls_door *door)
{
	if (!door)
		return;
	gnutls_certificate_free_credentials(door->credentials);
	gnutls_memset(door->tickets.data, 0, door->tickets.size);
	gnutls_free(door->tickets.data);
	free(door);
}

static ssize_t pull(gnutls_transport_ptr_t context, void *place, size_t size)
{
	struct resp_tls *tls = context;
	size_t taken = TRIB_MIN(size, tls->in.size);

	if (!taken) {
		gnutls_transport_set_errno(tls->session, EAGAIN);
		return -1;
	}
	memcpy(place, tls->in.data, taken);
	tls->in = trib_bytes(tls->in.data + taken, tls->in.size - taken);
	return (ssize_t)taken;
}

static ssize_t push(gnutls_transport_ptr_t context, const void *data, size_t size)
{
	struct resp_tls *tls = context;

	trib_buffer_add(&tls->out, data, size);
	if (!tls->out.failed)
		return (ssize_t)size;
	gnutls_transport_set_errno(tls->session, EIO);
	return -1;
}

struct resp_tls *resp_tls_new(const struct resp_tls_door *door, size_t out_bytes_max)
{
	struct resp_tls *tls = trib_alloc_zeroed(1, sizeof(*tls));

	if (gnutls_init(&tls->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
		free(tls);
		return NULL;
	}
	trib_buffer_init(&tls->out, out_bytes_max);
	gnutls_transport_set_ptr(tls->session, tls);
	gnutls_transport_set_pull_function(tls->session, pull);
	gnutls_transport_set_push_function(tls->session, push);
	if (gnutls_set_default_priority(tls->session) < 0 ||
	    gnutls_session_ticket_enable_server(tls->session, &door->tickets) < 0 ||
	    gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, door->credentials) < 0) {
		resp_tls_free(tls);
		return NULL;
	}
	return tls;
}

void resp_tls_free(struct resp_tls *tls)
{
	if (!tls)
		return;
	gnutls_deinit(tls->session);
	trib_buffer_fini(&tls->out);
	free(tls);
}

void resp_tls_feed(struct resp_tls *tls, struct trib_bytes bytes)
{
	trib_assert(tls->in.size == 0);
	tls->in = bytes;
}

/* What may pass is tried again; each time something of the input has been taken, or there is none. */
static bool passes(int code)
{
	return code == GNUTLS_E_INTERRUPTED || code == GNUTLS_E_WARNING_ALERT_RECEIVED;
}

ssize_t resp_tls_read(struct resp_tls *tls, char *place, size_t size)
{
	ssize_t got;

	while (!tls->open) {
		int code = gnutls_handshake(tls->session);

		if (code == GNUTLS_E_AGAIN)
			return RESP_TLS_MORE;
		if (code < 0 && !passes(code))
			return RESP_TLS_BROKEN;
		tls->open = code == 0;
	}
	do
		got = gnutls_record_recv(tls->session, place, size);
	while (got < 0 && passes((int)got));
	if (got >= 0)
		return got; /* 0: it has said that nothing more comes */
	return got == GNUTLS_E_AGAIN ? RESP_TLS_MORE : RESP_TLS_BROKEN;
}

bool resp_tls_write(struct resp_tls *tls, struct trib_bytes bytes)
{
	while (bytes.size) {
		ssize_t sent = gnutls_record_send(tls->session, bytes.data, bytes.size);

		if (sent <= 0)
			return false;
		bytes = trib_bytes(bytes.data + sent, bytes.size - (size_t)sent);
	}
	return true;
}

void resp_tls_end(struct resp_tls *tls)
{
	if (tls->open)
		gnutls_bye(tls->session, GNUTLS_SHUT_WR);
}

struct trib_buffer *resp_tls_out(struct resp_tls *tls)
{
	return &tls->out;
}

size_t resp_tls_held(const struct resp_tls *tls)
{
	return SESSION_BYTES + tls->out.capacity;
}
