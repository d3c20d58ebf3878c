/*
 * The certificate of the doors that speak TLS, HTTP's and RESP's. It is asked for at every handshake, so that a new one is
 * taken up without a restart:
 *
 *	trib_tls_new(config.tls_cert, config.tls_key, &tls, &error);
 *	gnutls_certificate_set_retrieve_function2(credentials, trib_tls_callback());
 *	on SIGHUP:   trib_tls_reload(tls, &error);          // files that do not fit leave the last good ones in force
 */
#ifndef TRIB_SERVER_TLS_H
#define TRIB_SERVER_TLS_H

#include "base/bytes.h"
#include "base/status.h"

struct trib_tls;

/* At most one at a time; the texts are the caller's. */
trib_status trib_tls_new(const char *cert_file, const char *key_file, struct trib_tls **ret_tls, struct trib_error *error);
trib_status trib_tls_reload(struct trib_tls *tls, struct trib_error *error);
/* Once no door uses it. */
void trib_tls_free(struct trib_tls *tls);
/* A gnutls_certificate_retrieve_function2, as libmicrohttpd's MHD_OPTION_HTTPS_CERT_CALLBACK takes it, too. */
void *trib_tls_callback(void);

#endif
