/* The fold of play/order_path.h. */
#include "play/order_path.h"

#include "base/limits.h"
#include "play/private.h"

/* By capability: the version's own, or its nearest parent's that has one. */
struct trib_order_ways {
	const struct play_override *ways[TRIB_CAPABILITIES];
};

struct way_version {
	uint32_t parent, parent_version; /* 0: none */
	struct play_override *own;	 /* those of its own; NULL: none */
	uint8_t *own_of;		 /* of each: its capability */
	uint32_t own_count;
	struct trib_play_tree *trees;
	uint32_t tree_count;
	struct trib_order_ways *ways; /* NULL: neither it nor a parent says anything */
	bool linked;
};

/* From from_ms on; ascending. */
struct way_activation {
	int64_t from_ms;
	uint32_t version;
};

struct way_play {
	struct way_version *versions; /* [0] is version 1 */
	uint32_t version_count, version_capacity;
	struct way_activation *activations;
	uint32_t activation_count, activation_capacity;
};

struct trib_order_path {
	struct way_play *plays; /* [0] is number 1 */
	uint32_t count, capacity;
};

#define GROW(array, count, capacity)                                                               \
	do {                                                                                       \
		if ((count) == (capacity)) {                                                       \
			(capacity) = (capacity) ? (capacity)*2 : 4;                                \
			(array) = trib_realloc((array), (capacity) * sizeof(*(array)));            \
		}                                                                                  \
	} while (0)

struct trib_order_path *trib_order_path_new(void)
{
	return trib_alloc_zeroed(1, sizeof(struct trib_order_path));
}

static void free_version(struct way_version *version)
{
	for (uint32_t i = 0; i < version->own_count; i++) {
		for (uint32_t j = 0; j < version->own[i].count; j++) {
			trib_expr_free(version->own[i].items[j].when);
			trib_expr_free(version->own[i].items[j].cel);
			free((char *)(uintptr_t)version->own[i].items[j].text);
		}
		free(version->own[i].items);
	}
	for (uint32_t i = 0; i < version->tree_count; i++)
		free(version->trees[i].name);
	free(version->trees);
	free(version->own);
	free(version->own_of);
	free(version->ways);
}

void trib_order_path_free(struct trib_order_path *path)
{
	if (!path)
		return;
	for (uint32_t i = 0; i < path->count; i++) {
		for (uint32_t v = 0; v < path->plays[i].version_count; v++)
			free_version(&path->plays[i].versions[v]);
		free(path->plays[i].versions);
		free(path->plays[i].activations);
	}
	free(path->plays);
	free(path);
}

static struct way_version *version_of(const struct trib_order_path *path, uint32_t play, uint32_t version)
{
	struct way_play *row = play >= 1 && play <= path->count ? &path->plays[play - 1] : NULL;

	return row && version >= 1 && version <= row->version_count ? &row->versions[version - 1] : NULL;
}

/* ---- Folding -------------------------------------------------------------------------------------- */

/* What was compiled when the play was put; a text that this release does not compile any more counts as false. */
static struct trib_expr_program *compile(const struct trib_capability_row *row, const char *text)
{
	struct trib_expr_variable variables[TRIB_CAPABILITY_FIELDS_MAX];
	struct trib_expr_env env = { .variables = variables, .variable_count = row->input_count, .flags = TRIB_EXPR_FACTS };
	struct trib_expr_program *program = NULL;
	struct trib_expr_error why;

	for (uint32_t i = 0; i < row->input_count; i++)
		variables[i] = (struct trib_expr_variable){ row->inputs[i].name, row->inputs[i].type };
	return trib_expr_compile(&env, trib_bytes_text(text), &program, &why) == TRIB_OK ? program : NULL;
}

static bool read_item(const struct trib_capability_row *row, const Tributary__PlayImplementation *from,
		      struct play_implementation *item)
{
	*item = (struct play_implementation){ .kind = from->cel ? PLAY_CEL : PLAY_USE };
	item->text = trib_strdup(from->cel ? from->cel : from->use ? from->use : "pass");
	if (from->when && !(item->when = compile(row, from->when)))
		return false;
	return !from->cel || (item->cel = compile(row, from->cel));
}

/* An implementation that cannot be read is left out, as one that does not hold. */
static void read_way(const Tributary__PlayWay *way, const struct trib_capability_row *row, struct play_override *override)
{
	*override = (struct play_override){ .chain = way->has_chain && way->chain };
	override->items = trib_alloc_zeroed(way->n_of + 1, sizeof(*override->items));
	for (size_t i = 0; i < way->n_of; i++) {
		struct play_implementation *item = &override->items[override->count];

		if (read_item(row, way->of[i], item)) {
			override->count++;
			continue;
		}
		trib_expr_free(item->when);
		free((char *)(uintptr_t)item->text);
	}
}

static void read_ways(const Tributary__PlayPut *event, struct way_version *version)
{
	if (!event->n_ways)
		return;
	version->own = trib_alloc_zeroed(event->n_ways, sizeof(*version->own));
	version->own_of = trib_alloc_zeroed(event->n_ways, sizeof(*version->own_of));
	for (size_t i = 0; i < event->n_ways; i++) {
		const char *name = event->ways[i]->capability;
		enum trib_capability id = trib_capability_find(trib_bytes_text(name ? name : ""));

		if (id == TRIB_CAPABILITIES || trib_capability_row(id)->path != TRIB_CAPABILITY_ORDER)
			continue;
		read_way(event->ways[i], trib_capability_row(id), &version->own[version->own_count]);
		version->own_of[version->own_count++] = (uint8_t)id;
	}
}

static void read_trees(const Tributary__PlayPut *event, struct way_version *version)
{
	version->trees = event->n_trees ? trib_alloc_zeroed(event->n_trees, sizeof(*version->trees)) : NULL;
	for (size_t i = 0; i < event->n_trees; i++)
		if (event->trees[i]->tree)
			version->trees[version->tree_count++] =
				(struct trib_play_tree){ trib_strdup(event->trees[i]->tree), event->trees[i]->version };
}

/* A parent was there before its child was put, so this ends. */
static const struct trib_order_ways *link_version(struct trib_order_path *path, struct way_version *version)
{
	if (version->linked)
		return version->ways;
	struct way_version *parent = version_of(path, version->parent, version->parent_version);
	const struct trib_order_ways *above = parent ? link_version(path, parent) : NULL;

	version->linked = true;
	if (!above && !version->own_count)
		return NULL;
	version->ways = trib_alloc_zeroed(1, sizeof(*version->ways));
	if (above)
		*version->ways = *above;
	for (uint32_t i = 0; i < version->own_count; i++) {
		version->own[i].next = version->ways->ways[version->own_of[i]];
		version->ways->ways[version->own_of[i]] = &version->own[i];
	}
	return version->ways;
}

void trib_order_path_ready(struct trib_order_path *path)
{
	for (uint32_t i = 0; i < path->count; i++)
		for (uint32_t v = 0; v < path->plays[i].version_count; v++)
			link_version(path, &path->plays[i].versions[v]);
}

static struct way_play *play_of(struct trib_order_path *path, uint32_t play)
{
	while (path->count < play) {
		GROW(path->plays, path->count, path->capacity);
		path->plays[path->count++] = (struct way_play){ 0 };
	}
	return &path->plays[play - 1];
}

trib_status trib_order_path_put(struct trib_order_path *path, uint32_t play, uint32_t parent,
				const Tributary__PlayPut *event, struct trib_error *error)
{
	struct way_play *row = play ? play_of(path, play) : NULL;

	if (!row || !event->has_version || event->version != row->version_count + 1)
		return trib_fail(error, TRIB_CORRUPT, "play_put", "found a version that no play has next");
	GROW(row->versions, row->version_count, row->version_capacity);
	struct way_version *version = &row->versions[row->version_count++];

	*version = (struct way_version){ .parent = parent, .parent_version = parent ? event->parent_version : 0 };
	read_ways(event, version);
	read_trees(event, version);
	if (!parent || version_of(path, parent, version->parent_version))
		link_version(path, version);
	return TRIB_OK;
}

trib_status trib_order_path_activated(struct trib_order_path *path, uint32_t play,
				      const Tributary__PlayActivated *event, struct trib_error *error)
{
	struct way_play *row = play && play <= path->count ? &path->plays[play - 1] : NULL;
	uint32_t version = event->has_version ? event->version : 0, at;

	if (!row || version > row->version_count || !event->has_at)
		return trib_fail(error, TRIB_CORRUPT, "play_activated", "found a play or version that is not there");
	/* Closing voids what was to come; of equal starts the one decided last holds. */
	while (!version && row->activation_count && row->activations[row->activation_count - 1].from_ms > event->at)
		row->activation_count--;
	GROW(row->activations, row->activation_count, row->activation_capacity);
	for (at = row->activation_count++; at && row->activations[at - 1].from_ms > event->at; at--)
		row->activations[at] = row->activations[at - 1];
	row->activations[at] = (struct way_activation){ event->at, version };
	return TRIB_OK;
}

void play_add_without(struct trib_bytes packed, uint32_t number, struct trib_buffer *buffer)
{
	struct trib_bytes rest = packed;
	struct trib_wire_field field;
	const char *begin = rest.data;
	bool ok;

	for (; trib_wire_next(&rest, &field, &ok); begin = rest.data)
		if (field.number != number)
			trib_buffer_add(buffer, begin, (size_t)(rest.data - begin));
}

void trib_order_path_add_lean(struct trib_bytes packed, struct trib_buffer *ret_lean)
{
	play_add_without(packed, PLAY_PUT_FILES, ret_lean);
}

/* ---- Rule trees ------------------------------------------------------------------------------------ */

const struct trib_play_tree *trib_order_path_trees(const struct trib_order_path *path, uint32_t play, uint32_t version,
						   uint32_t *ret_count)
{
	const struct way_version *row = version_of(path, play, version);

	*ret_count = row ? row->tree_count : 0;
	return row ? row->trees : NULL;
}

bool trib_order_path_has_tree(const struct trib_order_path *path, uint32_t play, struct trib_bytes name, uint32_t version)
{
	const struct way_version *row;

	for (uint32_t v = 1; (row = version_of(path, play, v)); v++)
		for (uint32_t i = 0; i < row->tree_count; i++)
			if (row->trees[i].version == version && trib_bytes_is(name, row->trees[i].name))
				return true;
	return false;
}

/* ---- Asking --------------------------------------------------------------------------------------- */

uint32_t trib_order_path_active(const struct trib_order_path *path, uint32_t play, int64_t at_ms)
{
	const struct way_play *row = play >= 1 && play <= path->count ? &path->plays[play - 1] : NULL;
	uint32_t low = 0, high = row ? row->activation_count : 0;

	if (high && row->activations[high - 1].from_ms <= at_ms)
		return row->activations[high - 1].version;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (row->activations[middle].from_ms <= at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? row->activations[low - 1].version : 0;
}

const struct trib_order_ways *trib_order_path_ways(const struct trib_order_path *path, uint32_t play, uint32_t version)
{
	const struct way_version *row = version_of(path, play, version);

	return row ? row->ways : NULL;
}

bool trib_order_ways_have(const struct trib_order_ways *ways, enum trib_capability capability)
{
	return ways && ways->ways[capability];
}

bool trib_order_ask(const struct trib_order_ways *ways, enum trib_capability capability, const struct trib_value *in,
		    struct trib_arena *arena, struct trib_value *out)
{
	struct trib_error ignored;
	struct play_run run = { .id = capability, .row = trib_capability_row(capability), .arena = arena, .out = out,
				.error = &ignored };

	memcpy(run.in, in, run.row->input_count * sizeof(*in));
	if (play_run_way(&run, ways->ways[capability]) == TRIB_OK)
		return true;
	for (uint32_t i = 0; i < run.row->output_count; i++)
		out[i] = run.row->laid_over[i] == UINT8_MAX ? play_value_zero(run.row->outputs[i].type) :
							     in[run.row->laid_over[i]];
	return false;
}
