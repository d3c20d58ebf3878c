/*
 * `tributary play diff`: what changes from one version of a play to another, file by file and line by line. Lines that
 * begin and end alike are set aside; of the rest the longest common part is kept, unless that would take too long: then
 * all of it counts as replaced.
 */
#include <string.h>
#include "cli/cli.h"
#include "cli/play_folder.h"
#include "cli/play_server.h"
#include "proto/proto.h"

enum { CELLS_MAX = 4 << 20 };

/* One side. */
struct side {
	struct play_folder *folder;
	char label[PLAY_PATH_BYTES];
	struct trib_buffer notes; /* of what is on the server: trees that somebody has changed since */
};

static void side_fini(struct side *side)
{
	if (side->folder)
		play_folder_fini(side->folder);
	free(side->folder);
	trib_buffer_fini(&side->notes);
}

static struct trib_bytes copy_of(const char *text)
{
	return trib_bytes_text(trib_strdup(text));
}

/* version 0: the active one, or the newest. */
static trib_status read_server(const struct play_server *server, const char *name, long long version,
			       struct side *side, struct trib_error *error)
{
	json_t *answer, *file;
	char url[256];
	size_t i;
	trib_status status = TRIB_OK;

	if (!version) {
		snprintf(url, sizeof(url), "/api/v1/plays/%.64s", name);
		status = play_server_ask(server, "GET", url, trib_bytes("", 0), &answer, error);
		if (status != TRIB_OK)
			return status;
		version = play_number(json_object_get(answer, "play"), "active");
		version = version ? version : play_number(json_object_get(answer, "play"), "version");
		json_decref(answer);
	}
	snprintf(url, sizeof(url), "/api/v1/plays/%.64s/versions/%lld", name, version);
	snprintf(side->label, sizeof(side->label), "%.64s@%lld", name, version);
	status = play_server_ask(server, "GET", url, trib_bytes("", 0), &answer, error);
	if (status != TRIB_OK)
		return status;
	json_array_foreach (json_object_get(answer, "files"), i, file)
		if (side->folder->count < TRIB_LIMIT_PLAY_FILES)
			side->folder->files[side->folder->count++] = (struct trib_play_file){
				copy_of(play_text(file, "name")), copy_of(play_text(file, "text"))
			};
	trib_buffer_init(&side->notes, 1 << 20);
	json_array_foreach (json_object_get(answer, "trees"), i, file)
		if (play_text(file, "why")[0])
			trib_buffer_add_format(&side->notes, "rules/%s.json of %s: on the server %s\n", play_text(file, "tree"),
					       side->label, play_text(file, "why"));
	json_decref(answer);
	return TRIB_OK;
}

/* "name@3"; the name of anything else is a folder's. */
static bool read_version(const char *text, char name[65], long long *ret_version)
{
	const char *at = strrchr(text, '@');
	int64_t version;

	if (!at || at == text || at - text > 64 || strchr(text, '/') ||
	    !trib_bytes_to_i64(trib_bytes_text(at + 1), &version) || version < 1)
		return false;
	snprintf(name, 65, "%.*s", (int)(at - text), text);
	*ret_version = version;
	return true;
}

static trib_status read_side(const struct play_server *server, const char *text, struct side *side,
			     struct trib_error *error)
{
	long long version;
	char name[65];

	side->folder = trib_alloc_zeroed(1, sizeof(*side->folder));
	if (read_version(text, name, &version))
		return read_server(server, name, version, side, error);
	snprintf(side->label, sizeof(side->label), "%s", text);
	return play_folder_read(side->folder, text, error);
}

/* ---- Lines ---------------------------------------------------------------------------------------- */

struct lines {
	struct trib_bytes *lines;
	size_t count;
};

static struct lines lines_of(struct trib_bytes text)
{
	struct lines lines = { .lines = trib_alloc((text.size + 1) * sizeof(*lines.lines)) };

	while (text.size) {
		const char *newline = memchr(text.data, '\n', text.size);
		size_t size = newline ? (size_t)(newline - text.data) : text.size;

		lines.lines[lines.count++] = trib_bytes(text.data, size);
		size += newline != NULL;
		text = trib_bytes(text.data + size, text.size - size);
	}
	return lines;
}

struct change {
	size_t added, removed;
	bool print;
};

static void tell(struct change *change, char sign, struct trib_bytes line)
{
	change->added += sign == '+';
	change->removed += sign == '-';
	if (change->print)
		printf("%c%.*s\n", sign, TRIB_BYTES_ARG(line));
}

/* The longest common part, by the table of lengths of what is left from each pair of lines on. */
static void compare_middle(const struct trib_bytes *old, size_t olds, const struct trib_bytes *new, size_t news,
			   struct change *change)
{
	size_t width = news + 1, i = 0, j = 0;
	bool fits = (olds + 1) <= CELLS_MAX / width;
	TRIB_AUTOFREE uint32_t *left = fits ? trib_alloc_zeroed((olds + 1) * width, sizeof(*left)) : NULL;

	for (size_t a = olds; fits && a-- > 0;)
		for (size_t b = news; b-- > 0;)
			left[a * width + b] = trib_bytes_equal(old[a], new[b]) ?
						      left[(a + 1) * width + b + 1] + 1 :
						      TRIB_MAX(left[(a + 1) * width + b], left[a * width + b + 1]);
	while (i < olds || j < news) {
		if (fits && i < olds && j < news && trib_bytes_equal(old[i], new[j])) {
			i++;
			j++;
		} else if (i < olds && (j == news || !fits || left[(i + 1) * width + j] >= left[i * width + j + 1])) {
			tell(change, '-', old[i++]);
		} else {
			tell(change, '+', new[j++]);
		}
	}
}

static void compare_texts(struct trib_bytes old_text, struct trib_bytes new_text, struct change *change)
{
	struct lines old = lines_of(old_text), new = lines_of(new_text);
	size_t head = 0, olds = old.count, news = new.count;

	while (head < olds && head < news && trib_bytes_equal(old.lines[head], new.lines[head]))
		head++;
	while (olds > head && news > head && trib_bytes_equal(old.lines[olds - 1], new.lines[news - 1])) {
		olds--;
		news--;
	}
	if (change->print)
		printf("@@ line %zu @@\n", head + 1);
	compare_middle(old.lines + head, olds - head, new.lines + head, news - head, change);
	free(old.lines);
	free(new.lines);
}

/* ---- Files ---------------------------------------------------------------------------------------- */

struct comparing {
	const struct side *a, *b;
	bool json;
	uint32_t count; /* of files that differ */
};

static void compare_file(struct comparing *comparing, const struct trib_play_file *old,
			 const struct trib_play_file *new)
{
	struct trib_bytes name = old ? old->name : new->name, nothing = trib_bytes("", 0);
	struct change change = { .print = !comparing->json };
	const char *what = old && new ? "changed" : old ? "removed" : "added";
	struct trib_buffer line;

	if (old && new && trib_bytes_equal(old->text, new->text))
		return;
	if (change.print)
		printf("%s%.*s: %s\n", comparing->count ? "\n" : "", TRIB_BYTES_ARG(name), what);
	compare_texts(old ? old->text : nothing, new ? new->text : nothing, &change);
	comparing->count++;
	if (!comparing->json)
		return;
	trib_buffer_init(&line, 4096);
	trib_json_add_string(&line, name);
	printf("%s{\"name\":%s,\"change\":\"%s\",\"added\":%zu,\"removed\":%zu}", comparing->count > 1 ? "," : "",
	       trib_buffer_text(&line), what, change.added, change.removed);
	trib_buffer_fini(&line);
}

/* Both sides are in the order of names. */
static void compare(struct comparing *comparing)
{
	const struct play_folder *a = comparing->a->folder, *b = comparing->b->folder;
	uint32_t i = 0, j = 0;

	if (comparing->json)
		printf("{\"files\":[");
	else
		printf("from %s to %s\n", comparing->a->label, comparing->b->label);
	while (i < a->count || j < b->count) {
		int order = i == a->count ? 1 :
			    j == b->count ? -1 :
					    trib_bytes_compare(a->files[i].name, b->files[j].name);

		compare_file(comparing, order <= 0 ? &a->files[i] : NULL, order >= 0 ? &b->files[j] : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	if (comparing->json)
		puts("]}");
	else if (!comparing->count)
		puts("the same");
	if (!comparing->json)
		printf("%s%s", comparing->a->notes.size ? trib_buffer_text((struct trib_buffer *)(uintptr_t)&comparing->a->notes) : "",
		       comparing->b->notes.size ? trib_buffer_text((struct trib_buffer *)(uintptr_t)&comparing->b->notes) : "");
}

int play_diff(const struct play_server *server, const char *a, const char *b)
{
	struct side left = { 0 }, right = { 0 };
	struct trib_error error;
	char before[PLAY_PATH_BYTES], name[PLAY_PATH_BYTES];
	long long version;
	trib_status status;

	if (b) {
		status = read_side(server, a, &left, &error);
		if (status == TRIB_OK)
			status = read_side(server, b, &right, &error);
	} else {
		/* What is on the server is the older one. */
		play_path_split(a, before, name);
		if (read_version(a, name, &version))
			name[strcspn(name, "@")] = '\0';
		left.folder = trib_alloc_zeroed(1, sizeof(*left.folder));
		status = read_server(server, name, 0, &left, &error);
		if (status == TRIB_OK)
			status = read_side(server, a, &right, &error);
	}
	struct comparing comparing = { .a = &left, .b = &right, .json = server->json };

	if (status == TRIB_OK)
		compare(&comparing);
	side_fini(&left);
	side_fini(&right);
	return status == TRIB_OK ? TRIB_EXIT_DONE : trib_cli_failed("play", &error);
}
