#include "cli/play_server.h"

#include <errno.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/load/http_client.h"
#include "cli/play_folder.h"
#include "proto/proto.h"

enum { BODY_BYTES_MAX = 64 << 20 };

const char *play_text(const json_t *answer, const char *name)
{
	const char *text = json_string_value(json_object_get(answer, name));

	return text ? text : "";
}

long long play_number(const json_t *answer, const char *name)
{
	return (long long)json_integer_value(json_object_get(answer, name));
}

static trib_status read_token(const struct play_server *server, char token[4096], struct trib_error *error)
{
	token[0] = '\0';
	if (!server->token_file)
		return TRIB_OK;
	FILE *file = fopen(server->token_file, "re");

	if (!file)
		return trib_fail(error, TRIB_IO, server->token_file, "cannot be read: %s", strerror(errno));
	size_t size = fread(token, 1, 4095, file);

	fclose(file);
	token[size] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	return TRIB_OK;
}

trib_status play_server_ask(const struct play_server *server, const char *method, const char *path,
			    struct trib_bytes body, json_t **ret_answer, struct trib_error *error)
{
	struct trib_buffer text;
	char token[4096];
	int code = 0;
	trib_status status = read_token(server, token, error);

	if (status != TRIB_OK)
		return status;
	trib_buffer_init(&text, BODY_BYTES_MAX);
	status = trib_http_ask(server->http, method, path, token, body, &code, &text, error);
	explicit_bzero(token, sizeof(token));
	json_t *answer = status == TRIB_OK ? json_loadb(text.data ? text.data : "", text.size, 0, NULL) : NULL;

	trib_buffer_fini(&text);
	if (status != TRIB_OK)
		return status;
	if (answer && code < 300) {
		*ret_answer = answer;
		return TRIB_OK;
	}
	if (answer)
		status = trib_fail(error, TRIB_REFUSED, play_text(answer, "at"), "%s", play_text(answer, "detail"));
	else
		status = trib_fail(error, TRIB_SYNTAX, path, "found status %d without JSON, expected the server of Tributary", code);
	json_decref(answer);
	return status;
}

static void print_json(const json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT);

	puts(text);
	free(text);
}

static void add_files(const struct play_folder *folder, struct trib_buffer *body)
{
	trib_buffer_add_text(body, "{\"files\":[");
	for (uint32_t i = 0; i < folder->count; i++) {
		trib_buffer_add_text(body, i ? ",{\"name\":" : "{\"name\":");
		trib_json_add_string(body, folder->files[i].name);
		trib_buffer_add_text(body, ",\"text\":");
		trib_json_add_string(body, folder->files[i].text);
		trib_buffer_add_char(body, '}');
	}
	trib_buffer_add_text(body, "]}");
}

static trib_status put_folder(const struct play_server *server, const char *path, const char *name,
			      json_t **ret_answer, struct trib_error *error)
{
	struct play_folder *folder = trib_alloc_zeroed(1, sizeof(*folder));
	struct trib_buffer body;
	char url[128];
	trib_status status = play_folder_read(folder, path, error);

	trib_buffer_init(&body, BODY_BYTES_MAX);
	add_files(folder, &body);
	snprintf(url, sizeof(url), "/api/v1/plays/%s", name);
	if (status == TRIB_OK)
		status = play_server_ask(server, "PUT", url, trib_buffer_bytes(&body), ret_answer, error);
	trib_buffer_fini(&body);
	play_folder_fini(folder);
	free(folder);
	return status;
}

/* What has become of the rule trees that came with it. */
static void print_trees(const json_t *answer)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(answer, "trees"), i, item) {
		if (play_text(item, "why")[0])
			printf("  rules %s: version %lld is put, and not active: %s\n", play_text(item, "tree"),
			       play_number(item, "version"), play_text(item, "why"));
		else
			printf("  rules %s: version %lld\n", play_text(item, "tree"), play_number(item, "version"));
	}
}

bool play_server_install(const struct play_server *server, const char *folder, const char *name)
{
	json_t *put = NULL, *activated = NULL;
	struct trib_error error;
	char url[128], body[64];
	trib_status status = put_folder(server, folder, name, &put, &error);
	long long version = play_number(put, "version");
	bool active = status == TRIB_OK && play_number(put, "active") == version;

	snprintf(url, sizeof(url), "/api/v1/plays/%s:activate", name);
	snprintf(body, sizeof(body), "{\"version\":%lld}", version);
	if (status == TRIB_OK && !active)
		status = play_server_ask(server, "POST", url, trib_bytes_text(body), &activated, &error);
	if (status != TRIB_OK) {
		trib_cli_failed("play", &error);
	} else if (server->json) {
		print_json(activated ? activated : put);
	} else {
		printf("%s: version %lld is active%s\n", name, version, active ? ", as before" : "");
		print_trees(activated);
	}
	json_decref(put);
	json_decref(activated);
	return status == TRIB_OK;
}

int play_server_list(const struct play_server *server)
{
	json_t *answer, *item;
	struct trib_error error;
	size_t i;

	if (play_server_ask(server, "GET", "/api/v1/plays", trib_bytes("", 0), &answer, &error) != TRIB_OK)
		return trib_cli_failed("play", &error);
	if (server->json) {
		print_json(answer);
		json_decref(answer);
		return TRIB_EXIT_DONE;
	}
	printf("%-24s %7s %7s %8s  %-24s %s\n", "name", "newest", "active", "priority", "parent", "title");
	json_array_foreach (json_object_get(answer, "items"), i, item) {
		const char *parent = play_text(item, "parent"), *unreadable = play_text(item, "unreadable");

		printf("%-24s %7lld %7lld %8lld  %-24s %s\n", play_text(item, "name"), play_number(item, "version"),
		       play_number(item, "active"), play_number(item, "priority"), parent[0] ? parent : "-",
		       unreadable[0] ? unreadable : play_text(item, "title"));
	}
	json_decref(answer);
	return TRIB_EXIT_DONE;
}

int play_server_rollback(const struct play_server *server, const char *name)
{
	struct trib_error error;
	json_t *answer;
	char url[256];

	if (strlen(name) > 100 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name))
		return trib_cli_usage_error("play", "found \"%.64s\", expected the name of a play", name);
	snprintf(url, sizeof(url), "/api/v1/plays/%s:rollback", name);
	if (play_server_ask(server, "POST", url, trib_bytes("", 0), &answer, &error) != TRIB_OK)
		return trib_cli_failed("play", &error);
	if (server->json) {
		print_json(answer);
	} else {
		printf("%s: version %lld is active\n", name, play_number(answer, "version"));
		print_trees(answer);
	}
	json_decref(answer);
	return TRIB_EXIT_DONE;
}
