#include "server/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

enum { CHAIN_MAX = 16 };

struct certificate {
	struct certificate *older;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned count;
	gnutls_privkey_t key;
};

struct trib_tls {
	const char *cert_file, *key_file;
	struct certificate *newest; /* atomic: handshakes read it. One that was handed out may be in use: all are kept until the end */
};

static struct trib_tls *in_use; /* the callback is given no context */

static trib_status fail(struct trib_error *error, const char *file, const char *what, int code)
{
	return trib_fail(error, TRIB_INVALID, file, "found %s, expected %s", gnutls_strerror(code), what);
}

static trib_status load_file(const char *file, gnutls_datum_t *ret_data, const char *what, struct trib_error *error)
{
	int code = gnutls_load_file(file, ret_data);

	return code == 0 ? TRIB_OK : fail(error, file, what, code);
}

static trib_status read_chain(struct certificate *certificate, const char *file, struct trib_error *error)
{
	gnutls_datum_t data;
	trib_status status = load_file(file, &data, "a certificate in PEM", error);

	if (status != TRIB_OK)
		return status;
	certificate->count = CHAIN_MAX;
	int code = gnutls_pcert_list_import_x509_raw(certificate->chain, &certificate->count, &data,
						     GNUTLS_X509_FMT_PEM, 0);

	gnutls_free(data.data);
	if (code >= 0)
		return TRIB_OK;
	certificate->count = 0;
	return fail(error, file, "a certificate in PEM", code);
}

static trib_status read_key(struct certificate *certificate, const char *file, struct trib_error *error)
{
	gnutls_datum_t data;
	trib_status status = load_file(file, &data, "a private key in PEM", error);

	if (status != TRIB_OK)
		return status;
	gnutls_privkey_init(&certificate->key);
	int code = gnutls_privkey_import_x509_raw(certificate->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);

	gnutls_memset(data.data, 0, data.size);
	gnutls_free(data.data);
	return code >= 0 ? TRIB_OK : fail(error, file, "a private key in PEM", code);
}

/* Does the key belong to the certificate? */
static trib_status check_pair(const struct certificate *certificate, const char *file, struct trib_error *error)
{
	unsigned char of_key[64], of_certificate[64];
	size_t key_size = sizeof(of_key), certificate_size = sizeof(of_certificate);
	gnutls_pubkey_t key;

	gnutls_pubkey_init(&key);
	int code = gnutls_pubkey_import_privkey(key, certificate->key, 0, 0);

	if (code >= 0)
		code = gnutls_pubkey_get_key_id(key, 0, of_key, &key_size);
	if (code >= 0)
		code = gnutls_pubkey_get_key_id(certificate->chain[0].pubkey, 0, of_certificate, &certificate_size);
	gnutls_pubkey_deinit(key);
	if (code < 0)
		return fail(error, file, "the certificate's key", code);
	if (key_size != certificate_size || memcmp(of_key, of_certificate, key_size) != 0)
		return trib_fail(error, TRIB_INVALID, file, "found another key, expected the certificate's");
	return TRIB_OK;
}

static void free_certificate(struct certificate *certificate)
{
	for (unsigned i = 0; i < certificate->count; i++)
		gnutls_pcert_deinit(&certificate->chain[i]);
	if (certificate->key)
		gnutls_privkey_deinit(certificate->key);
	free(certificate);
}

trib_status trib_tls_reload(struct trib_tls *tls, struct trib_error *error)
{
	struct certificate *certificate = trib_alloc_zeroed(1, sizeof(*certificate));
	trib_status status = read_chain(certificate, tls->cert_file, error);

	if (status == TRIB_OK)
		status = read_key(certificate, tls->key_file, error);
	if (status == TRIB_OK)
		status = check_pair(certificate, tls->key_file, error);
	if (status != TRIB_OK) {
		free_certificate(certificate);
		return status;
	}
	certificate->older = tls->newest;
	__atomic_store_n(&tls->newest, certificate, __ATOMIC_RELEASE);
	return TRIB_OK;
}

static int give_certificate(gnutls_session_t session TRIB_UNUSED, const gnutls_datum_t *authorities TRIB_UNUSED,
			    int authorities_count TRIB_UNUSED, const gnutls_pk_algorithm_t *algorithms TRIB_UNUSED,
			    int algorithms_count TRIB_UNUSED, gnutls_pcert_st **ret_chain, unsigned *ret_count,
			    gnutls_privkey_t *ret_key)
{
	struct certificate *certificate = __atomic_load_n(&in_use->newest, __ATOMIC_ACQUIRE);

	*ret_chain = certificate->chain;
	*ret_count = certificate->count;
	*ret_key = certificate->key;
	return 0;
}

void *trib_tls_callback(void)
{
	return (void *)give_certificate;
}

trib_status trib_tls_new(const char *cert_file, const char *key_file, struct trib_tls **ret_tls,
			      struct trib_error *error)
{
	struct trib_tls *tls;
	trib_status status;

	if (!key_file || !key_file[0])
		return trib_fail(error, TRIB_INVALID, "--tls-key", "found none, expected the key of --tls-cert");
	tls = trib_alloc_zeroed(1, sizeof(*tls));
	tls->cert_file = cert_file;
	tls->key_file = key_file;
	status = trib_tls_reload(tls, error);
	if (status != TRIB_OK) {
		free(tls);
		return status;
	}
	trib_assert(!in_use);
	in_use = tls;
	*ret_tls = tls;
	return TRIB_OK;
}

void trib_tls_free(struct trib_tls *tls)
{
	if (!tls)
		return;
	in_use = NULL;
	while (tls->newest) {
		struct certificate *older = tls->newest->older;

		free_certificate(tls->newest);
		tls->newest = older;
	}
	free(tls);
}
