/* Plays of a server that runs, for the commands of `tributary play`. */
#ifndef TRIB_CLI_PLAY_SERVER_H
#define TRIB_CLI_PLAY_SERVER_H

#include <jansson.h>
#include "base/bytes.h"
#include "base/status.h"

struct play_server {
	const char *http, *token_file; /* token_file NULL: none */
	bool json;
};

/* Asks, and takes the answer apart; the caller decrefs it. What the server refuses is a failure, in its own words. */
trib_status play_server_ask(const struct play_server *server, const char *method, const char *path,
			    struct trib_bytes body, json_t **ret_answer, struct trib_error *error);

/* Puts the folder's play and activates it. Tells what became of it; false: it failed. */
bool play_server_install(const struct play_server *server, const char *folder, const char *name);
int play_server_list(const struct play_server *server);
int play_server_rollback(const struct play_server *server, const char *name);

/* A text of the answer, "" for none; a whole number, 0 for none. */
const char *play_text(const json_t *answer, const char *name);
long long play_number(const json_t *answer, const char *name);

/* play_diff.c: each of a and b is a folder or NAME@VERSION; b NULL: a, against what the server has of it. */
int play_diff(const struct play_server *server, const char *a, const char *b);

#endif
