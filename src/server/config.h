/*
 * What `tributary serve` can be told, in one table: parsing, --help and docs/configuration.md are made of it.
 *
 *	struct trib_config config;
 *	status = trib_config_parse(argc - 1, argv + 1, &config, &error);   // error.at "--sync"
 *	listen_on(&config.resp);
 */
#ifndef TRIB_SERVER_CONFIG_H
#define TRIB_SERVER_CONFIG_H

#include <sys/socket.h>
#include "base/bytes.h"
#include "base/status.h"

/* Where to listen: "127.0.0.1:7380", "[::1]:7380", "localhost:7380"; "off" for nowhere. Port 0: any free one. */
struct trib_address {
	bool on;
	bool loopback;
	uint16_t port;
	char host[64]; /* as written, without brackets */
	struct sockaddr_storage socket;
	socklen_t socket_size;
};

/*
 * X(field, TYPE, default, argument, help). The flag is --field with dashes. CHOICE values are listed in the
 * argument, by "|", and the field is the index of the one chosen.
 */
#define TRIB_CONFIG_TABLE(X)                                                                       \
	X(data, TEXT, "tributary-data", "FOLDER",                                                  \
	  "where journal, state and keys live; made if it is not there")                           \
	X(resp, ADDRESS, "127.0.0.1:7390", "ADDRESS", "where RESP listens; off: nowhere")          \
	X(http, ADDRESS, "127.0.0.1:7380", "ADDRESS", "where HTTP listens; off: nowhere")          \
	X(http_hosts, TEXT, "", "NAME,…",                                                          \
	  "more names by which clients may call the HTTP door (Host)")                             \
	X(token_file, TEXT, "", "FILE",                                                            \
	  "holds the access token; needed for any address but loopback")                           \
	X(tls_cert, TEXT, "", "FILE",                                                              \
	  "certificate and chain (PEM) by which the HTTP door speaks TLS; read again on SIGHUP")   \
	X(tls_key, TEXT, "", "FILE", "its private key (PEM); needed with --tls-cert")              \
	X(resp_tls, CHOICE, "off", "off|on", "whether RESP speaks TLS, too, by --tls-cert; then TLS only") \
	X(rate, SIZE, "0", "NUMBER",                                                               \
	  "HTTP requests, and RESP commands, a second that one access token or session may make; 0: as many as it likes") \
	X(session_idle, DURATION, "30m", "DURATION", "a session that is not used for so long ends") \
	X(session_life, DURATION, "12h", "DURATION", "a session ends after so long, used or not")  \
	X(sync, CHOICE, "batch", "batch|interval|off",                                             \
	  "when an answer leaves: durable, within 100 ms, at once")                                \
	X(duplicate_window, DURATION, "30d", "DURATION",                                           \
	  "how long ago AT may lie; repeats are known as long")                                    \
	X(touch_retention, DURATION, "90d", "DURATION", "how long touches are kept")               \
	X(order_index, SIZE, "1GiB", "SIZE", "memory for the index of the newest orders")          \
	X(touches, SIZE, "8GiB", "SIZE", "memory for touches, at most")                            \
	X(checkpoint, SIZE, "256MiB", "SIZE", "of journal between two checkpoints")                \
	X(segment, SIZE, "64MiB", "SIZE", "of one file of the journal")                            \
	X(outbox_allow, TEXT, "", "URL,…",                                                         \
	  "where webhooks may be: how their URLs begin; nowhere unless said")                      \
	X(outbox_secrets, TEXT, "", "FILE",                                                        \
	  "a line each: a name, and the secret by which deliveries are signed")                    \
	X(outbox_timeout, DURATION, "10s", "DURATION", "how long a target may take to answer")     \
	X(outbox_retry, DURATION, "1s", "DURATION",                                                \
	  "from a delivery that failed to the next try; doubled each time, up to 1h")              \
	X(outbox_give_up, DURATION, "24h", "DURATION",                                             \
	  "how long a delivery is tried; then it is dead")                                         \
	X(log_format, CHOICE, "text", "text|json", "how log lines look")                           \
	X(log_level, CHOICE, "info", "debug|info|warn|error", "the lowest level that is logged")

#define TRIB_CONFIG_TEXT     const char *
#define TRIB_CONFIG_ADDRESS  struct trib_address
#define TRIB_CONFIG_CHOICE   int
#define TRIB_CONFIG_DURATION int64_t  /* ms */
#define TRIB_CONFIG_SIZE     uint64_t /* bytes */

struct trib_config {
#define X(field, type, initial, argument, help) TRIB_CONFIG_##type field;
	TRIB_CONFIG_TABLE(X)
#undef X
};

/* Defaults, then `--flag value` or `--flag=value`. Texts point into args. */
trib_status trib_config_parse(int count, char **args, struct trib_config *ret_config,
			      struct trib_error *error);

/* One line a flag. */
void trib_config_help(struct trib_buffer *text);

trib_status trib_address_parse(struct trib_bytes text, const char *at,
			       struct trib_address *ret_address, struct trib_error *error);

/* Would this host, a name or a numeric address without brackets, be this machine only? */
bool trib_host_is_loopback(struct trib_bytes host);

/* "512", "64KiB", "1GiB"; bytes. */
trib_status trib_size_parse(struct trib_bytes text, const char *at, uint64_t *ret_bytes,
			    struct trib_error *error);

#endif
