/* Every version of every play, and which of them is active when. */
#include "play/book.h"
#include "base/limits.h"
#include "base/names.h"
#include "play/private.h"

struct version {
	uint8_t *packed; /* its PlayPut */
	uint32_t packed_size;
	uint32_t parent, parent_version; /* a play's number; 0: none */
	int64_t at_ms;
	char *parent_name;	  /* while rows are loaded: the parent may come later */
	struct trib_play *play;	  /* NULL: not read yet */
	struct trib_error *why;	  /* it cannot be read */
};

struct activation {
	int64_t from_ms;
	uint32_t version, previous;
	bool undone;
};

struct entry {
	char *name;
	struct version *versions; /* [0] is version 1 */
	uint32_t version_count, version_capacity, versions_saved;
	struct activation *activations; /* [0] is number 1 */
	uint32_t activation_count, activation_capacity, activations_saved;
};

struct trib_playbook {
	struct trib_names *names;
	const struct trib_play_trees *trees;
	struct entry *entries; /* [0] is number 1 */
	uint32_t count, capacity;
	size_t bytes; /* of all versions */

	uint64_t active_made; /* how many times */
	struct trib_plays *active; /* of [active_from_ms, active_until_ms); NULL: to be made */
	int64_t active_from_ms, active_until_ms;
};

struct trib_playbook *trib_playbook_new(const struct trib_hash_key *key, const struct trib_play_trees *trees)
{
	struct trib_playbook *book = trib_alloc_zeroed(1, sizeof(*book));

	book->names = trib_names_new(key);
	book->trees = trees;
	return book;
}

static void forget_active(struct trib_playbook *book)
{
	trib_plays_free(TRIB_TAKE_PTR(book->active));
}

void trib_playbook_free(struct trib_playbook *book)
{
	if (!book)
		return;
	forget_active(book);
	for (uint32_t i = 0; i < book->count; i++) {
		struct entry *entry = &book->entries[i];

		for (uint32_t v = 0; v < entry->version_count; v++) {
			trib_play_free(entry->versions[v].play);
			free(entry->versions[v].packed);
			free(entry->versions[v].parent_name);
			free(entry->versions[v].why);
		}
		free(entry->versions);
		free(entry->activations);
		free(entry->name);
	}
	free(book->entries);
	trib_names_free(book->names);
	free(book);
}

/* ---- Reading -------------------------------------------------------------------------------------- */

static struct entry *entry_of(const struct trib_playbook *book, uint32_t number)
{
	return number >= 1 && number <= book->count ? &book->entries[number - 1] : NULL;
}

static struct version *version_of(const struct trib_playbook *book, uint32_t number, uint32_t version)
{
	struct entry *entry = entry_of(book, number);

	return entry && version >= 1 && version <= entry->version_count ? &entry->versions[version - 1] : NULL;
}

static trib_status read_files(const struct trib_playbook *book, const struct version *version,
			      struct trib_play **ret_play, struct trib_error *error)
{
	Tributary__PlayPut *put = tributary__play_put__unpack(NULL, version->packed_size, version->packed);
	struct trib_play_file files[TRIB_LIMIT_PLAY_FILES];

	if (!put || put->n_files > TRIB_LIMIT_PLAY_FILES) {
		tributary__play_put__free_unpacked(put, NULL);
		return trib_fail(error, TRIB_CORRUPT, "play", "found bytes that are no play");
	}
	for (size_t i = 0; i < put->n_files; i++)
		files[i] = (struct trib_play_file){ trib_bytes_text(put->files[i]->name),
						    trib_bytes_text(put->files[i]->text ? put->files[i]->text : "") };
	trib_status status = trib_play_new(files, (uint32_t)put->n_files, book->trees, ret_play, error);

	tributary__play_put__free_unpacked(put, NULL);
	return status;
}

/* A parent was there before its child was put, so this ends. */
static const struct trib_play *read_version(struct trib_playbook *book, uint32_t number, uint32_t version,
					    struct trib_error *error)
{
	struct version *row = version_of(book, number, version);
	struct trib_play *play = NULL;
	trib_status status;

	if (row->play)
		return row->play;
	if (row->why) {
		*error = *row->why;
		return NULL;
	}
	status = read_files(book, row, &play, error);
	const struct trib_play *up = status == TRIB_OK && row->parent ?
					     read_version(book, row->parent, row->parent_version, error) :
					     NULL;

	if (status == TRIB_OK && row->parent && !up)
		status = error->status;
	if (status == TRIB_OK)
		status = play_bind(play, up, error);
	if (status == TRIB_OK) {
		play->version = version;
		row->play = play;
		return play;
	}
	trib_play_free(play);
	row->why = trib_alloc(sizeof(*row->why));
	*row->why = *error;
	return NULL;
}

static trib_status need_version(const struct trib_playbook *book, struct trib_bytes name, uint32_t version,
				uint32_t *ret_number, struct trib_error *error)
{
	uint32_t number = trib_names_find(book->names, name);

	if (!number)
		return trib_fail(error, TRIB_NOT_FOUND, "name", "found \"%.*s\", expected the name of a known play",
				 (int)TRIB_MIN(name.size, (size_t)64), name.data);
	if (!version_of(book, number, version))
		return trib_fail(error, TRIB_NOT_FOUND, "version", "found %u, expected 1 to %u", version,
				 book->entries[number - 1].version_count);
	*ret_number = number;
	return TRIB_OK;
}

const struct trib_play *trib_playbook_find(struct trib_playbook *book, struct trib_bytes name, uint32_t version,
					   struct trib_error *error)
{
	uint32_t number;

	if (need_version(book, name, version, &number, error) != TRIB_OK)
		return NULL;
	return read_version(book, number, version, error);
}

/* ---- Timelines ------------------------------------------------------------------------------------ */

/* The number of the activation that holds, 0: none does. */
static uint32_t in_force(const struct entry *entry, int64_t now_ms)
{
	uint32_t best = 0;

	for (uint32_t i = 0; i < entry->activation_count; i++) {
		const struct activation *row = &entry->activations[i];

		if (!row->undone && row->from_ms <= now_ms &&
		    (!best || row->from_ms >= entry->activations[best - 1].from_ms))
			best = i + 1;
	}
	return best;
}

/* When the next activation begins, INT64_MAX: never. */
static int64_t next_change(const struct entry *entry, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	for (uint32_t i = 0; i < entry->activation_count; i++)
		if (!entry->activations[i].undone && entry->activations[i].from_ms > now_ms)
			next_ms = TRIB_MIN(next_ms, entry->activations[i].from_ms);
	return next_ms;
}

static uint32_t active_version(const struct entry *entry, int64_t now_ms)
{
	uint32_t holds = in_force(entry, now_ms);

	return holds ? entry->activations[holds - 1].version : 0;
}

uint32_t trib_playbook_version(const struct trib_playbook *book, uint32_t number, int64_t now_ms)
{
	const struct entry *entry = entry_of(book, number);

	return entry ? active_version(entry, now_ms) : 0;
}

const struct trib_plays *trib_playbook_active(struct trib_playbook *book, int64_t now_ms)
{
	struct trib_error error;

	if (book->active && now_ms >= book->active_from_ms && now_ms < book->active_until_ms)
		return book->active;
	forget_active(book);
	book->active = trib_plays_new();
	book->active_made++;
	book->active_from_ms = now_ms;
	book->active_until_ms = INT64_MAX;
	for (uint32_t number = 1; number <= book->count; number++) {
		const struct entry *entry = &book->entries[number - 1];
		uint32_t version = active_version(entry, now_ms);
		const struct trib_play *play = version ? read_version(book, number, version, &error) : NULL;

		if (play)
			plays_lend(book->active, play);
		book->active_until_ms = TRIB_MIN(book->active_until_ms, next_change(entry, now_ms));
	}
	plays_sort(book->active);
	return book->active;
}

uint64_t trib_playbook_active_made(const struct trib_playbook *book)
{
	return book->active_made;
}

/* ---- Putting -------------------------------------------------------------------------------------- */

static int compare_files(const void *left, const void *right)
{
	return strcmp((*(Tributary__PlayFile *const *)left)->name, (*(Tributary__PlayFile *const *)right)->name);
}

/* Binds a play to the version of its parent that is to be had now. */
static trib_status bind_parent(struct trib_playbook *book, struct trib_play *play, int64_t now_ms,
			       uint32_t *ret_number, struct trib_error *error)
{
	uint32_t number = play->parent[0] ? trib_names_find(book->names, trib_bytes_text(play->parent)) : 0;
	const struct entry *entry = entry_of(book, number);
	const struct trib_play *up = NULL;

	if (play->parent[0] && !entry) {
		trib_fail(error, TRIB_REFUSED, "parent", "found \"%s\", expected a play that was put before", play->parent);
		return play_error_in(error, "play.yaml", play->parent_line);
	}
	if (entry) {
		uint32_t active = active_version(entry, now_ms);

		up = read_version(book, number, active ? active : entry->version_count, error);
		if (!up)
			return error->status = TRIB_REFUSED;
	}
	*ret_number = number;
	trib_status status = play_bind(play, up, error);

	/* Nothing of the path is missing: it is the files that name what is not there. */
	return status == TRIB_NOT_FOUND ? (error->status = TRIB_INVALID) : status;
}

/* Would the event be the version that is there? Its trees have been put since, if it was put with them. */
static bool is_version(const struct version *version, Tributary__PlayPut event, uint32_t number)
{
	struct trib_buffer bare;
	bool has_trees = false;

	event.version = number;
	event.at = version->at_ms;
	for (size_t i = 0; i < event.n_files; i++)
		has_trees |= !strncmp(event.files[i]->name, "rules/", 6);
	trib_buffer_init(&bare, version->packed_size);
	play_add_without(trib_bytes(version->packed, version->packed_size), PLAY_PUT_TREES, &bare);
	bool same = tributary__play_put__get_packed_size(&event) == bare.size && has_trees == (bare.size < version->packed_size);
	TRIB_AUTOFREE uint8_t *bytes = trib_alloc(bare.size + 1);

	if (same) {
		tributary__play_put__pack(&event, bytes);
		same = memcmp(bytes, bare.data, bare.size) == 0;
	}
	trib_buffer_fini(&bare);
	return same;
}

static trib_status check_limits(const struct trib_playbook *book, const struct entry *entry,
				const Tributary__PlayPut *event, struct trib_error *error)
{
	if (!entry && book->count == TRIB_LIMIT_PLAYS)
		return trib_fail(error, TRIB_LIMIT, "name", "found %d plays, expected fewer", TRIB_LIMIT_PLAYS);
	if (entry && entry->version_count == TRIB_LIMIT_PLAY_VERSIONS)
		return trib_fail(error, TRIB_LIMIT, "name", "found %d versions of it, expected fewer",
				 TRIB_LIMIT_PLAY_VERSIONS);
	if (book->bytes + tributary__play_put__get_packed_size(event) > TRIB_LIMIT_PLAYS_BYTES)
		return trib_fail(error, TRIB_LIMIT, "files", "found more than %d bytes in all versions of all plays, expected fewer",
				 TRIB_LIMIT_PLAYS_BYTES);
	return TRIB_OK;
}

/* Of one capability; NULL where the arena is full. */
static Tributary__PlayWay *add_way(const struct play_override *override, enum trib_capability id, struct trib_arena *arena)
{
	Tributary__PlayWay *way = trib_arena_alloc(arena, sizeof(*way));
	Tributary__PlayImplementation *items = trib_arena_alloc(arena, override->count * sizeof(*items));

	if (!way || !items)
		return NULL;
	tributary__play_way__init(way);
	way->capability = (char *)(uintptr_t)trib_capability_row(id)->name;
	way->has_chain = true;
	way->chain = override->chain;
	way->of = trib_arena_alloc(arena, override->count * sizeof(*way->of));
	for (uint32_t i = 0; way->of && i < override->count; i++) {
		const struct play_implementation *item = &override->items[i];

		tributary__play_implementation__init(&items[i]);
		items[i].when = item->when ? trib_arena_copy(arena, trib_expr_source(item->when)) : NULL;
		if (item->when && !items[i].when)
			return NULL;
		*(item->kind == PLAY_CEL ? &items[i].cel : &items[i].use) = (char *)(uintptr_t)item->text;
		way->of[way->n_of++] = &items[i];
	}
	return way->of ? way : NULL;
}

/* What it says of capabilities on the way of orders goes with the event: whoever resolves orders has no files. */
static bool add_ways(const struct trib_play *play, struct trib_arena *arena, Tributary__PlayPut *event)
{
	event->ways = trib_arena_alloc(arena, TRIB_CAPABILITIES * sizeof(*event->ways));
	for (int id = 0; event->ways && id < TRIB_CAPABILITIES; id++) {
		if (!play->overrides[id] || trib_capability_row((enum trib_capability)id)->path != TRIB_CAPABILITY_ORDER)
			continue;
		Tributary__PlayWay *way = add_way(play->overrides[id], (enum trib_capability)id, arena);

		if (!way)
			return false;
		event->ways[event->n_ways++] = way;
	}
	return event->ways != NULL;
}

trib_status trib_playbook_decide_put(struct trib_playbook *book, struct trib_play *play,
				     const Tributary__PlayPutRequest *request, int64_t now_ms,
				     struct trib_arena *arena, Tributary__PlayPut *ret_event, bool *ret_again,
				     struct trib_error *error)
{
	Tributary__PlayPut event = TRIBUTARY__PLAY_PUT__INIT;
	const struct entry *entry = entry_of(book, trib_names_find(book->names, trib_bytes_text(play->name)));
	uint32_t parent = 0;
	trib_status status = bind_parent(book, play, now_ms, &parent, error);

	if (status != TRIB_OK)
		return status;
	event.name = (char *)play->name;
	event.has_version = event.has_at = true;
	event.at = now_ms;
	event.parent = parent ? book->entries[parent - 1].name : NULL;
	event.has_parent_version = parent != 0;
	event.parent_version = parent ? play->up->version : 0;
	event.n_files = request->n_files;
	event.files = trib_arena_alloc(arena, request->n_files * sizeof(*event.files));
	if (!event.files || !add_ways(play, arena, &event))
		return trib_fail(error, TRIB_NO_MEMORY, "files", "out of the memory granted to a command");
	memcpy(event.files, request->files, request->n_files * sizeof(*event.files));
	qsort(event.files, event.n_files, sizeof(*event.files), compare_files);
	event.version = entry ? entry->version_count : 0;
	*ret_again = entry && is_version(&entry->versions[event.version - 1], event, event.version);
	if (!*ret_again) {
		event.version++;
		status = check_limits(book, entry, &event, error);
	}
	if (status == TRIB_OK)
		*ret_event = event;
	return status;
}

/* Grows a heap array to hold one more. */
#define GROW(array, count, capacity)                                                               \
	do {                                                                                       \
		if ((count) == (capacity)) {                                                       \
			(capacity) = (capacity) ? (capacity)*2 : 8;                                \
			(array) = trib_realloc((array), (capacity) * sizeof(*(array)));            \
		}                                                                                  \
	} while (0)

static struct version *add_version(struct trib_playbook *book, const Tributary__PlayPut *event)
{
	struct trib_bytes name = trib_bytes_text(event->name);
	uint32_t number = trib_names_add(book->names, name);

	if (number > book->count) {
		GROW(book->entries, book->count, book->capacity);
		book->entries[book->count++] = (struct entry){ .name = trib_strdup(event->name) };
	}
	struct entry *entry = &book->entries[number - 1];

	GROW(entry->versions, entry->version_count, entry->version_capacity);
	struct version *version = &entry->versions[entry->version_count++];

	*version = (struct version){ .packed_size = (uint32_t)tributary__play_put__get_packed_size(event),
				     .at_ms = event->has_at ? event->at : 0 };
	version->packed = trib_alloc(version->packed_size + !version->packed_size);
	tributary__play_put__pack(event, version->packed);
	book->bytes += version->packed_size;
	return version;
}

/* Is the version the next one of its play? */
static bool is_next(const struct trib_playbook *book, const Tributary__PlayPut *event)
{
	const struct entry *entry =
		event->name ? entry_of(book, trib_names_find(book->names, trib_bytes_text(event->name))) : NULL;

	return event->name && event->name[0] && event->has_version &&
	       event->version == (entry ? entry->version_count : 0) + 1;
}

trib_status trib_playbook_apply_put(struct trib_playbook *book, const Tributary__PlayPut *event,
				    struct trib_play *play, struct trib_error *error)
{
	uint32_t parent = event->parent ? trib_names_find(book->names, trib_bytes_text(event->parent)) : 0;

	if (!is_next(book, event) || (event->parent && !version_of(book, parent, event->parent_version)))
		return trib_fail(error, TRIB_CORRUPT, "play_put", "found a version that no play has next");
	struct version *version = add_version(book, event);

	version->parent = parent;
	version->parent_version = parent ? event->parent_version : 0;
	version->play = play;
	if (play)
		play->version = event->version;
	return TRIB_OK;
}

/* ---- Activating ----------------------------------------------------------------------------------- */

static void fill_event(const struct entry *entry, uint32_t version, int64_t from_ms, uint32_t previous,
		       Tributary__PlayActivated *ret_event)
{
	Tributary__PlayActivated event = TRIBUTARY__PLAY_ACTIVATED__INIT;

	event.name = entry->name;
	event.has_version = event.has_at = event.has_previous = true;
	event.version = version;
	event.at = from_ms;
	event.previous = previous;
	*ret_event = event;
}

static trib_status need_room(const struct entry *entry, struct trib_error *error)
{
	if (entry->activation_count < TRIB_LIMIT_PLAY_ACTIVATIONS)
		return TRIB_OK;
	return trib_fail(error, TRIB_LIMIT, "name", "found %d activations of it, expected fewer",
			 TRIB_LIMIT_PLAY_ACTIVATIONS);
}

trib_status trib_playbook_decide_activate(struct trib_playbook *book, struct trib_bytes name, uint32_t version,
					  int64_t at_ms, int64_t now_ms, Tributary__PlayActivated *ret_event,
					  bool *ret_again, struct trib_error *error)
{
	int64_t from_ms = TRIB_MAX(at_ms, now_ms);
	uint32_t number;
	trib_status status = need_version(book, name, version, &number, error);

	if (status != TRIB_OK)
		return status;
	const struct entry *entry = &book->entries[number - 1];

	if (!read_version(book, number, version, error)) {
		error->status = TRIB_REFUSED;
		return TRIB_REFUSED;
	}
	uint32_t before = in_force(entry, from_ms);

	*ret_again = before && entry->activations[before - 1].version == version &&
		     next_change(entry, from_ms) == INT64_MAX;
	/* Back behind a closing, and behind what is the same. */
	while (before && (entry->activations[before - 1].version == 0 ||
			  entry->activations[before - 1].version == version))
		before = entry->activations[before - 1].previous;
	fill_event(entry, version, from_ms, before, ret_event);
	return *ret_again ? TRIB_OK : need_room(entry, error);
}

static trib_status need_play(const struct trib_playbook *book, struct trib_bytes name,
			     const struct entry **ret_entry, struct trib_error *error)
{
	uint32_t number;
	trib_status status = need_version(book, name, 1, &number, error); /* a play has at least one */

	if (status == TRIB_OK)
		*ret_entry = &book->entries[number - 1];
	return status;
}

trib_status trib_playbook_decide_rollback(struct trib_playbook *book, struct trib_bytes name, int64_t now_ms,
					  Tributary__PlayActivated *ret_event, struct trib_error *error)
{
	const struct entry *entry;
	trib_status status = need_play(book, name, &entry, error);

	if (status != TRIB_OK)
		return status;
	uint32_t holds = in_force(entry, now_ms);
	uint32_t previous = holds ? entry->activations[holds - 1].previous : 0;

	if (!previous)
		return trib_fail(error, TRIB_REFUSED, "name", "found no version that was active before, expected one to go back to");
	const struct activation *back = &entry->activations[previous - 1];
	uint32_t number = trib_names_find(book->names, name);

	if (!read_version(book, number, back->version, error)) {
		error->status = TRIB_REFUSED;
		return TRIB_REFUSED;
	}
	fill_event(entry, back->version, now_ms, back->previous, ret_event);
	return need_room(entry, error);
}

trib_status trib_playbook_decide_close(struct trib_playbook *book, struct trib_bytes name, int64_t now_ms,
				       Tributary__PlayActivated *ret_event, bool *ret_again,
				       struct trib_error *error)
{
	const struct entry *entry;
	trib_status status = need_play(book, name, &entry, error);

	if (status != TRIB_OK)
		return status;
	uint32_t holds = in_force(entry, now_ms);
	bool closed = !holds || entry->activations[holds - 1].version == 0;

	*ret_again = closed && next_change(entry, now_ms) == INT64_MAX;
	if (closed && holds)
		holds = entry->activations[holds - 1].previous;
	fill_event(entry, 0, now_ms, holds, ret_event);
	return *ret_again ? TRIB_OK : need_room(entry, error);
}

static trib_status add_activation(struct trib_playbook *book, struct entry *entry,
				  const Tributary__PlayActivated *event, struct trib_error *error)
{
	uint32_t version = event->has_version ? event->version : 0;
	uint32_t previous = event->has_previous ? event->previous : 0;

	if (!entry || version > entry->version_count || previous > entry->activation_count || !event->has_at)
		return trib_fail(error, TRIB_CORRUPT, "play_activated", "found a play or version that is not there");
	if (version == 0)
		for (uint32_t i = 0; i < entry->activation_count; i++)
			entry->activations[i].undone |= entry->activations[i].from_ms > event->at;
	GROW(entry->activations, entry->activation_count, entry->activation_capacity);
	entry->activations[entry->activation_count++] =
		(struct activation){ .from_ms = event->at, .version = version, .previous = previous };
	forget_active(book);
	return TRIB_OK;
}

trib_status trib_playbook_apply_activated(struct trib_playbook *book, const Tributary__PlayActivated *event,
					  struct trib_error *error)
{
	uint32_t number = event->name ? trib_names_find(book->names, trib_bytes_text(event->name)) : 0;

	return add_activation(book, entry_of(book, number), event, error);
}

/* ---- Looking --------------------------------------------------------------------------------------- */

uint32_t trib_playbook_count(const struct trib_playbook *book)
{
	return book->count;
}

uint32_t trib_playbook_number(const struct trib_playbook *book, struct trib_bytes name)
{
	return trib_names_find(book->names, name);
}

const char *trib_playbook_name(const struct trib_playbook *book, uint32_t number)
{
	return book->entries[number - 1].name;
}

uint32_t trib_playbook_newest(const struct trib_playbook *book, uint32_t number)
{
	return book->entries[number - 1].version_count;
}

struct trib_bytes trib_playbook_packed(const struct trib_playbook *book, uint32_t number, uint32_t version)
{
	const struct version *row = version_of(book, number, version);

	return row ? trib_bytes(row->packed, row->packed_size) : trib_bytes("", 0);
}

bool trib_playbook_activation(const struct trib_playbook *book, uint32_t number, uint32_t activation,
			      uint32_t *ret_version, int64_t *ret_from_ms, bool *ret_undone)
{
	const struct entry *entry = entry_of(book, number);

	if (!entry || activation < 1 || activation > entry->activation_count)
		return false;
	const struct activation *row = &entry->activations[activation - 1];

	*ret_version = row->version;
	*ret_from_ms = row->from_ms;
	*ret_undone = row->undone;
	return true;
}

/* ---- Store ----------------------------------------------------------------------------------------- */

static void freeze_activation(const struct entry *entry, uint32_t play, uint32_t index, trib_playbook_row_fn *row,
			      void *context)
{
	const struct activation *activation = &entry->activations[index];
	Tributary__PlayActivated event;
	uint8_t bytes[256];

	fill_event(entry, activation->version, activation->from_ms, activation->previous, &event);
	size_t size = tributary__play_activated__get_packed_size(&event);

	trib_assert(size <= sizeof(bytes));
	tributary__play_activated__pack(&event, bytes);
	row(context, true, play, index + 1, trib_bytes(bytes, size));
}

void trib_playbook_freeze(struct trib_playbook *book, trib_playbook_row_fn *row, void *context)
{
	for (uint32_t number = 1; number <= book->count; number++) {
		struct entry *entry = &book->entries[number - 1];

		for (uint32_t v = entry->versions_saved + 1; v <= entry->version_count; v++)
			row(context, false, number, v, trib_playbook_packed(book, number, v));
		for (uint32_t i = entry->activations_saved; i < entry->activation_count; i++)
			freeze_activation(entry, number, i, row, context);
		entry->versions_saved = entry->version_count;
		entry->activations_saved = entry->activation_count;
	}
}

static trib_status load_version(struct trib_playbook *book, uint32_t play, uint32_t number,
				const Tributary__PlayPut *put, struct trib_error *error)
{
	if (!is_next(book, put) || put->version != number || play > book->count + 1 ||
	    (play == book->count + 1) != (number == 1))
		return trib_fail(error, TRIB_CORRUPT, "store", "found a version that no play has next");
	struct version *version = add_version(book, put);

	version->parent_name = put->parent ? trib_strdup(put->parent) : NULL;
	version->parent_version = put->parent ? put->parent_version : 0;
	return TRIB_OK;
}

trib_status trib_playbook_load(struct trib_playbook *book, bool activation, uint32_t play, uint32_t number,
			       struct trib_bytes packed, struct trib_error *error)
{
	const uint8_t *bytes = (const uint8_t *)packed.data;
	trib_status status;

	if (activation) {
		Tributary__PlayActivated *event = tributary__play_activated__unpack(NULL, packed.size, bytes);

		status = event ? add_activation(book, entry_of(book, play), event, error) : TRIB_CORRUPT;
		tributary__play_activated__free_unpacked(event, NULL);
	} else {
		Tributary__PlayPut *put = tributary__play_put__unpack(NULL, packed.size, bytes);

		status = put ? load_version(book, play, number, put, error) : TRIB_CORRUPT;
		tributary__play_put__free_unpacked(put, NULL);
	}
	return status == TRIB_OK ? TRIB_OK : trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no play");
}

trib_status trib_playbook_loaded(struct trib_playbook *book, struct trib_error *error)
{
	for (uint32_t i = 0; i < book->count; i++) {
		struct entry *entry = &book->entries[i];

		for (uint32_t v = 0; v < entry->version_count; v++) {
			struct version *version = &entry->versions[v];
			TRIB_AUTOFREE char *parent = TRIB_TAKE_PTR(version->parent_name);

			version->parent = parent ? trib_names_find(book->names, trib_bytes_text(parent)) : 0;
			if (parent && !version_of(book, version->parent, version->parent_version))
				return trib_fail(error, TRIB_CORRUPT, "store", "found a play without its parent");
		}
		entry->versions_saved = entry->version_count;
		entry->activations_saved = entry->activation_count;
	}
	return TRIB_OK;
}
