/* The set of trees: versions, activations, scenes, hit counts. */
#include <inttypes.h>

#include "proto/json.h"
#include "rules/program.h"
#include "rules/rollout.h"
#include "rules/rules.h"

/*
 * The tree that is there before anybody says anything: last click within 30 days, and the shares that the terms
 * name. Like everything that orders were decided by, it never changes; a better one would be a later version.
 */
static const char default_source[] =
	"{\"root\":{\"id\":\"default\",\"model\":\"last\",\"window\":\"30d\",\"shares\":["
	"{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms."
	"commission_bps\"},"
	"{\"name\":\"service\",\"to\":\"leader\",\"from\":\"merchant\",\"bps\":\"terms.service_"
	"bps\"},"
	"{\"name\":\"service2\",\"to\":\"leader2\",\"from\":\"leader\",\"of\":\"service\",\"bps\":"
	"\"terms.service2_bps\"},"
	"{\"name\":\"technical\",\"to\":\"platform\",\"from\":\"creator\",\"of\":\"commission\","
	"\"bps\":\"terms.platform_bps\"},"
	"{\"name\":\"agency\",\"to\":\"agency\",\"from\":\"creator\",\"of\":\"commission\","
	"\"take\":\"rest\","
	"\"bps\":\"terms.agency_bps\"}]},\"scene\":\"default\"}";

/* One version of a tree. */
struct version {
	struct trib_tree *tree;
	uint64_t *hits; /* by node; NULL in copies */
};

/* A tree: its versions and when they are active. */
struct line {
	char *name;
	struct version *versions; /* [0] is version 1 */
	uint32_t version_count, version_capacity;
	/* By start; of equal starts the one decided last is last. */
	struct start {
		int64_t from_ms;
		uint32_t version;
		struct rollout *rollout; /* of a part of the orders; NULL: of all. Not owned */
	} * activations;
	uint32_t activation_count, activation_capacity;
	bool rolls; /* there has been a roll-out */
};

/* Who waits for one constant. */
struct want {
	struct trib_tree **trees;
	uint32_t count, capacity;
};

/*
 * A scene: which trees were made to serve it, from when. Ordered as a line's activations. One that is no longer its
 * tree's active version does not count any more.
 */
struct serving {
	int64_t from_ms;
	uint32_t line, version;
};

struct scene {
	struct serving *servings;
	uint32_t count, capacity;
};

struct trib_rules {
	struct trib_hash_key key;
	const struct trib_spaces *spaces;
	struct line *lines; /* [0] is number 1, which is `default` */
	uint32_t line_count, line_capacity;
	struct trib_names *names;	/* of lines: number */
	struct trib_names *scene_names; /* number; `default` is 1 */
	struct scene *scenes;		/* [0] is number 1 */
	uint32_t scene_count, scene_capacity;
	/* Dictionary code → scene, open addressing, code 0 is free. */
	struct code_row {
		uint32_t code, scene;
	} * codes;
	uint32_t code_count, code_mask;
	struct trib_rules_activation *activations; /* in the order decided */
	uint32_t activation_count, activation_capacity;
	struct trib_tree *offered; /* what apply_put may take instead of compiling; not owned */
	struct constants wanted; /* constants that were not known when a version came */
	struct want *wants;	 /* by wanted's number */
	uint32_t want_capacity;
};

#define PUSH(array, count, capacity)                                                               \
	({                                                                                         \
		if ((count) == (capacity)) {                                                       \
			(capacity) = (capacity) ? (capacity)*2 : 4;                                \
			(array) = trib_realloc((array), (capacity) * sizeof(*(array)));            \
		}                                                                                  \
		memset(&(array)[count], 0, sizeof(*(array)));                                      \
		&(array)[(count)++];                                                               \
	})

/* ---- Life -------------------------------------------------------------------------------------------------- */

static struct trib_rules *new_rules(const struct trib_hash_key *key,
				    const struct trib_spaces *spaces)
{
	struct trib_rules *rules = trib_alloc_zeroed(1, sizeof(*rules));

	rules->key = *key;
	rules->spaces = spaces;
	rules->names = trib_names_new(key);
	rules->scene_names = trib_names_new(key);
	rules->wanted.names = trib_names_new(key);
	rules->code_mask = 15;
	rules->codes = trib_alloc_zeroed(rules->code_mask + 1, sizeof(*rules->codes));
	return rules;
}

static void add_activation(struct trib_rules *rules, struct line *line, uint32_t version,
			   int64_t from_ms);

struct trib_rules *trib_rules_new(const struct trib_hash_key *key, const struct trib_spaces *spaces)
{
	struct trib_rules *rules = new_rules(key, spaces);
	struct trib_bytes name = trib_bytes_text("default");
	struct trib_error error;

	trib_assert(trib_rules_apply_put(rules, name, 1, trib_bytes_text(default_source), &error) ==
		    TRIB_OK);
	add_activation(rules, &rules->lines[0], 1, INT64_MIN);
	return rules;
}

static void free_line(struct line *line)
{
	for (uint32_t i = 0; i < line->version_count; i++) {
		trib_tree_unref(line->versions[i].tree);
		free(line->versions[i].hits);
	}
	free(line->versions);
	free(line->activations);
	free(line->name);
}

void trib_rules_free(struct trib_rules *rules)
{
	if (!rules)
		return;
	for (uint32_t i = 0; i < rules->line_count; i++)
		free_line(&rules->lines[i]);
	free(rules->lines);
	trib_names_free(rules->names);
	trib_names_free(rules->scene_names);
	for (uint32_t i = 0; i < rules->scene_count; i++)
		free(rules->scenes[i].servings);
	free(rules->scenes);
	trib_names_free(rules->wanted.names);
	for (uint32_t i = 0; i < rules->want_capacity; i++)
		free(rules->wants[i].trees);
	free(rules->wants);
	for (uint32_t i = 0; i < rules->activation_count; i++)
		rollout_unref(rules->activations[i].rollout);
	free(rules->activations);
	free(rules->codes);
	free(rules);
}

/* ---- Scenes ------------------------------------------------------------------------------------------------ */

static void put_code(struct trib_rules *rules, uint32_t code, uint32_t scene)
{
	uint32_t i;

	if ((rules->code_count + 1) * 2 > rules->code_mask + 1) {
		struct code_row *old = rules->codes;
		uint32_t size = rules->code_mask + 1;

		rules->code_mask = 2 * size - 1;
		rules->code_count = 0;
		rules->codes = trib_alloc_zeroed(2 * size, sizeof(*rules->codes));
		for (uint32_t j = 0; j < size; j++)
			if (old[j].code)
				put_code(rules, old[j].code, old[j].scene);
		free(old);
	}
	for (i = code * 2654435769u >> 7 & rules->code_mask; rules->codes[i].code;
	     i = (i + 1) & rules->code_mask)
		if (rules->codes[i].code == code)
			return;
	rules->codes[i] = (struct code_row){ code, scene };
	rules->code_count++;
}

/* The number of a scene, made if it is new. */
static uint32_t add_scene(struct trib_rules *rules, struct trib_bytes name)
{
	uint32_t number = trib_names_add(rules->scene_names, name), code = 0;

	if (number <= rules->scene_count)
		return number;
	PUSH(rules->scenes, rules->scene_count, rules->scene_capacity);
	if (rules->spaces)
		code = rules->spaces->find(rules->spaces->context, TRIB_SPACE_SYMBOL, name);
	if (code)
		put_code(rules, code, number);
	return number;
}

/* ---- Constants that wait --------------------------------------------------------------------------------- */

static void want_names(struct trib_rules *rules, struct trib_tree *tree)
{
	for (uint32_t constant = 1; constant < tree->constant_capacity; constant++) {
		if (!tree->constant_rows[constant].sites)
			continue;
		uint32_t number =
			constants_add(&rules->wanted, constants_space(&tree->constants, constant),
				      constants_text(&tree->constants, constant));

		if (number >= rules->want_capacity) {
			uint32_t old = rules->want_capacity;

			rules->want_capacity = TRIB_MAX(number + 1, old * 2);
			rules->wants = trib_realloc(rules->wants,
						    rules->want_capacity * sizeof(*rules->wants));
			memset(&rules->wants[old], 0,
			       (rules->want_capacity - old) * sizeof(*rules->wants));
		}
		struct want *want = &rules->wants[number];

		*PUSH(want->trees, want->count, want->capacity) = tree;
	}
}

void trib_rules_name_added(struct trib_rules *rules, enum trib_space space, struct trib_bytes text,
			   uint32_t code)
{
	uint32_t number;

	if (space == TRIB_SPACE_SYMBOL) {
		uint32_t scene = trib_names_find(rules->scene_names, text);

		if (scene)
			put_code(rules, code, scene);
	}
	if (TRIB_LIKELY(trib_names_count(rules->wanted.names) == 0))
		return;
	number = constants_find(&rules->wanted, space, text);
	if (!number)
		return;
	struct want *want = &rules->wants[number];

	for (uint32_t i = 0; i < want->count; i++)
		trib_tree_name_added(want->trees[i], space, text, code);
	free(want->trees);
	*want = (struct want){ 0 };
}

/* ---- Versions ---------------------------------------------------------------------------------------------- */

static struct line *find_line(const struct trib_rules *rules, struct trib_bytes name)
{
	uint32_t number = trib_names_find(rules->names, name);

	return number ? &rules->lines[number - 1] : NULL;
}

/* spaces NULL: names are looked up later. */
static trib_status make_tree(const struct trib_hash_key *key, const struct trib_spaces *spaces,
			     struct trib_bytes name, uint32_t number, uint32_t version,
			     struct trib_bytes json, bool trusted, struct trib_tree **ret_tree,
			     struct trib_error *error)
{
	char text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
	struct trib_tree_options options = { .spaces = spaces,
					     .key = key,
					     .name = text,
					     .number = number,
					     .version = version,
					     .trusted = trusted };

	memcpy(text, name.data, name.size);
	text[name.size] = '\0';
	return trib_tree_new(&options, json, ret_tree, error);
}

/* The number and version that a tree of this name would get. */
static trib_status next_version(const struct trib_rules *rules, struct trib_bytes name,
				uint32_t *ret_number, uint32_t *ret_version, struct trib_error *error)
{
	struct line *line;

	if (!trib_external_id_valid(name))
		return trib_fail(error, TRIB_INVALID, "name",
				 "expected 1 to 64 bytes without space, control or /");
	line = find_line(rules, name);
	*ret_number = line ? (uint32_t)(line - rules->lines) + 1 : rules->line_count + 1;
	*ret_version = line ? line->version_count + 1 : 1;
	if (*ret_number > TRIB_LIMIT_RULE_TREES)
		return trib_fail(error, TRIB_LIMIT, "name", "found %d trees, expected no more",
				 TRIB_LIMIT_RULE_TREES);
	if (*ret_version > TRIB_LIMIT_RULE_VERSIONS)
		return trib_fail(error, TRIB_LIMIT, "name", "found %d versions, expected no more",
				 TRIB_LIMIT_RULE_VERSIONS);
	return TRIB_OK;
}

trib_status trib_rules_prepare(const struct trib_hash_key *key, struct trib_bytes name,
			       struct trib_bytes json, struct trib_tree **ret_tree,
			       struct trib_error *error)
{
	if (!trib_external_id_valid(name))
		return trib_fail(error, TRIB_INVALID, "name",
				 "expected 1 to 64 bytes without space, control or /");
	return make_tree(key, NULL, name, 0, 0, json, false, ret_tree, error);
}

trib_status trib_rules_decide_prepared(const struct trib_rules *rules, struct trib_bytes name,
				       struct trib_tree *tree, uint32_t *ret_version,
				       struct trib_error *error)
{
	trib_status status = next_version(rules, name, &tree->number, &tree->version, error);

	if (status != TRIB_OK)
		return status;
	if (rules->spaces)
		trib_tree_resolve(tree, rules->spaces);
	*ret_version = tree->version;
	return TRIB_OK;
}

void trib_rules_offer(struct trib_rules *rules, struct trib_tree *tree)
{
	rules->offered = tree;
}

trib_status trib_rules_decide_put(const struct trib_rules *rules, struct trib_bytes name,
				  struct trib_bytes json, uint32_t *ret_version,
				  struct trib_buffer *ret_source, struct trib_error *error)
{
	struct trib_tree *tree;
	uint32_t number, version;
	trib_status status = next_version(rules, name, &number, &version, error);

	if (status == TRIB_OK)
		status = make_tree(&rules->key, rules->spaces, name, number, version, json, false,
				   &tree, error);
	if (status != TRIB_OK)
		return status;
	*ret_version = version;
	trib_buffer_add_bytes(ret_source, trib_tree_source(tree));
	trib_tree_unref(tree);
	return TRIB_OK;
}

trib_status trib_rules_apply_put(struct trib_rules *rules, struct trib_bytes name, uint32_t version,
				 struct trib_bytes source, struct trib_error *error)
{
	struct line *line = trib_external_id_valid(name) ? find_line(rules, name) : NULL;
	uint32_t number = line ? (uint32_t)(line - rules->lines) + 1 : rules->line_count + 1;
	struct trib_tree *tree;
	struct version *place;

	if (!trib_external_id_valid(name) || version != (line ? line->version_count : 0) + 1)
		return trib_fail(error, TRIB_CORRUPT, "rules",
				 "found version %u of " TRIB_BYTES_FMT ", expected %u", version,
				 TRIB_MIN((int)name.size, 64), name.data,
				 (line ? line->version_count : 0) + 1);
	if (rules->offered && rules->offered->number == number && rules->offered->version == version &&
	    trib_bytes_equal(rules->offered->source, source)) {
		tree = trib_tree_ref(TRIB_TAKE_PTR(rules->offered));
	} else if (make_tree(&rules->key, rules->spaces, name, number, version, source, true, &tree,
			     error) != TRIB_OK) {
		if (error)
			error->status = TRIB_CORRUPT;
		return TRIB_CORRUPT;
	}
	if (!line) {
		line = PUSH(rules->lines, rules->line_count, rules->line_capacity);
		line->name = trib_strdup(trib_tree_name(tree));
		trib_assert(trib_names_add(rules->names, name) == number);
	}
	place = PUSH(line->versions, line->version_count, line->version_capacity);
	place->tree = tree;
	place->hits = trib_alloc_zeroed(trib_tree_nodes(tree), sizeof(*place->hits));
	add_scene(rules, trib_tree_scene(tree));
	want_names(rules, tree);
	return TRIB_OK;
}

/* ---- Activations ------------------------------------------------------------------------------------------- */

trib_status trib_rules_decide_activate(const struct trib_rules *rules, struct trib_bytes name,
				       uint32_t version, int64_t at_ms, int64_t now_ms,
				       int64_t *ret_from_ms, struct trib_error *error)
{
	const struct line *line = find_line(rules, name);

	if (!line)
		return trib_fail(error, TRIB_NOT_FOUND, "name", "found no tree of that name");
	if (version == 0 || version > line->version_count)
		return trib_fail(error, TRIB_NOT_FOUND, "version", "found %u, expected 1 to %u",
				 version, line->version_count);
	*ret_from_ms = TRIB_MAX(at_ms, now_ms);
	return TRIB_OK;
}

/* Into the line's timeline; returns its place. */
static void add_start(struct line *line, struct start start)
{
	uint32_t i;

	PUSH(line->activations, line->activation_count, line->activation_capacity);
	for (i = line->activation_count - 1; i && line->activations[i - 1].from_ms > start.from_ms;
	     i--)
		line->activations[i] = line->activations[i - 1];
	line->activations[i] = start;
}

static void add_activation(struct trib_rules *rules, struct line *line, uint32_t version,
			   int64_t from_ms)
{
	struct scene *scene =
		&rules->scenes[add_scene(rules, trib_tree_scene(line->versions[version - 1].tree)) -
			       1];
	uint32_t i;

	add_start(line, (struct start){ from_ms, version, NULL });
	PUSH(scene->servings, scene->count, scene->capacity);
	for (i = scene->count - 1; i && scene->servings[i - 1].from_ms > from_ms; i--)
		scene->servings[i] = scene->servings[i - 1];
	scene->servings[i] = (struct serving){ from_ms, (uint32_t)(line - rules->lines), version };
}

trib_status trib_rules_apply_activate(struct trib_rules *rules, struct trib_bytes name,
				      uint32_t version, int64_t from_ms, struct trib_error *error)
{
	struct line *line = find_line(rules, name);

	if (!line || version == 0 || version > line->version_count)
		return trib_fail(error, TRIB_CORRUPT, "rules",
				 "found an activation of version %u of " TRIB_BYTES_FMT
				 ", which is not there",
				 version, TRIB_MIN((int)name.size, 64), name.data);
	add_activation(rules, line, version, from_ms);
	*PUSH(rules->activations, rules->activation_count, rules->activation_capacity) =
		(struct trib_rules_activation){ from_ms, (uint32_t)(line - rules->lines) + 1,
						version, NULL };
	return TRIB_OK;
}

/* The place behind the activation that holds at a time, 0: none yet. Those that lie ahead are few. */
static uint32_t behind_active(const struct line *line, int64_t now_ms)
{
	for (uint32_t i = line->activation_count; i; i--)
		if (line->activations[i - 1].from_ms <= now_ms && !line->activations[i - 1].rollout)
			return i;
	return 0;
}

/* The version active at a time, 0: none yet. */
static uint32_t version_at(const struct line *line, int64_t now_ms)
{
	uint32_t place = behind_active(line, now_ms);

	return place ? line->activations[place - 1].version : 0;
}

/* ---- Roll-outs --------------------------------------------------------------------------------------------- */

/* Walks over what is rolled out at a time, one version after another in the order in which they first came. */
struct rolled {
	const struct line *line;
	uint32_t first, next, end;
};

static struct rolled rolled_begin(const struct line *line, int64_t now_ms)
{
	struct rolled rolled = { .line = line, .end = line->activation_count };

	rolled.first = rolled.next = behind_active(line, now_ms);
	if (rolled.first == 0)
		rolled.end = 0;
	while (rolled.end > rolled.first && line->activations[rolled.end - 1].from_ms > now_ms)
		rolled.end--;
	return rolled;
}

static const struct start *rolled_next(struct rolled *rolled)
{
	const struct start *starts = rolled->line->activations;

	while (rolled->next < rolled->end) {
		const struct start *found = &starts[rolled->next++];
		bool seen = false;

		for (const struct start *before = &starts[rolled->first]; before < found; before++)
			seen |= before->version == found->version;
		if (seen)
			continue;
		/* The latest word about this version. */
		for (uint32_t i = rolled->next; i < rolled->end; i++)
			if (starts[i].version == found->version)
				found = &starts[i];
		return found;
	}
	return NULL;
}

/* How many have been said since the line was last activated as a whole. */
static uint32_t count_rollouts(const struct line *line)
{
	uint32_t count = 0;

	for (uint32_t i = line->activation_count; i && line->activations[i - 1].rollout; i--)
		count++;
	return count;
}

static const struct trib_tree *choose_version(const struct line *line, const struct trib_tree *tree,
					      int64_t now_ms, const struct trib_rules_order *order,
					      struct trib_rules_choice *ret_choice)
{
	struct rolled rolled = rolled_begin(line, now_ms);
	struct trib_rules_choice choice = { 0 };
	const struct start *start;
	uint32_t below = 0, position = UINT32_MAX;

	while (!choice.chosen && (start = rolled_next(&rolled))) {
		const struct rollout *rollout = start->rollout;
		uint32_t share = rollout_share_bps(rollout, now_ms), from = below;

		choice.asked = true;

		/* One place for all shares of a tree; they share its salt. */
		if (rollout->step_count && position == UINT32_MAX)
			position = rollout_position(rollout, order->id);
		bool mine =
			rollout->step_count == 0 || (position >= below && position < below + share);

		if (rollout->step_count)
			below += share;
		if (!mine || (rollout->when && !order->holds(order->context, rollout->when)))
			continue;
		tree = line->versions[start->version - 1].tree;
		choice.chosen = true;
		choice.conditional = rollout->when != NULL;
		choice.from = (uint16_t)(rollout->step_count ? from : 0);
		choice.to = (uint16_t)(rollout->step_count ? below : 0);
	}
	choice.has_place = position != UINT32_MAX;
	choice.place = (uint16_t)(choice.has_place ? position : 0);
	*ret_choice = choice;
	return tree;
}

trib_fact_set trib_rules_rollout_facts(const struct trib_rules *rules, uint32_t tree,
				       int64_t now_ms)
{
	const struct start *start;
	trib_fact_set facts = 0;

	if (tree == 0 || tree > rules->line_count)
		return 0;
	struct rolled rolled = rolled_begin(&rules->lines[tree - 1], now_ms);

	while ((start = rolled_next(&rolled)))
		if (start->rollout->when)
			facts |= trib_tree_facts(start->rollout->when);
	return facts;
}

/* Steps in the order of their times, the first being the share at the beginning. */
static trib_status make_steps(const Tributary__RolloutRequest *request, int64_t from_ms,
			      struct trib_arena *arena, Tributary__RulesActivated *event,
			      struct trib_error *error)
{
	size_t count = request->n_steps + request->has_share_bps;
	Tributary__RolloutStep *steps = trib_arena_alloc(arena, (count + 1) * sizeof(*steps));
	Tributary__RolloutStep **list = trib_arena_alloc(arena, (count + 1) * sizeof(*list));
	int64_t last_ms = from_ms;
	size_t n = 0;

	if (!steps || !list)
		return trib_fail(error, TRIB_TOO_LARGE, "steps", "found %zu", request->n_steps);
	for (size_t i = 0; i < count; i++) {
		tributary__rollout_step__init(&steps[i]);
		list[i] = &steps[i];
		steps[i].has_at = steps[i].has_share_bps = 1;
	}
	if (request->has_share_bps) {
		steps[n].at = from_ms;
		steps[n++].share_bps = request->share_bps;
	}
	for (size_t i = 0; i < request->n_steps; i++) {
		const Tributary__RolloutStep *step = request->steps[i];
		char at[32];

		snprintf(at, sizeof(at), "steps[%zu].at", i);
		if (step->at < last_ms || (n && step->at == last_ms && i))
			return trib_fail(error, TRIB_INVALID, at,
					 "found %lld, expected later than %lld",
					 (long long)step->at, (long long)last_ms);
		last_ms = steps[n].at = step->at;
		steps[n++].share_bps = step->share_bps;
	}
	event->n_step = n;
	event->step = list;
	return TRIB_OK;
}

/* The scene that the orders of a line have at a time must be the version's. */
static trib_status check_scene(const struct line *line, uint32_t version, int64_t from_ms,
			       struct trib_error *error)
{
	uint32_t active = version_at(line, from_ms);
	struct trib_bytes scene, other;

	if (active == 0)
		return trib_fail(error, TRIB_REFUSED, "version",
				 "found no active version beside which to roll out, expected one");
	scene = trib_tree_scene(line->versions[active - 1].tree);
	other = trib_tree_scene(line->versions[version - 1].tree);
	if (trib_bytes_equal(scene, other))
		return TRIB_OK;
	return trib_fail(error, TRIB_REFUSED, "version",
			 "found scene " TRIB_BYTES_FMT ", expected " TRIB_BYTES_FMT
			 ", which the active version serves",
			 TRIB_BYTES_ARG(other), TRIB_BYTES_ARG(scene));
}

trib_status trib_rules_decide_rollout(const struct trib_rules *rules, struct trib_bytes name,
				      const Tributary__RolloutRequest *request, int64_t now_ms,
				      struct trib_arena *arena,
				      Tributary__RulesActivated *ret_event,
				      struct trib_error *error)
{
	const struct line *line = find_line(rules, name);
	Tributary__RulesActivated event = TRIBUTARY__RULES_ACTIVATED__INIT;
	struct rollout *rollout;
	int64_t from_ms;
	trib_status status = trib_rules_decide_activate(rules, name, request->version,
							request->has_at ? request->at : now_ms,
							now_ms, &from_ms, error);

	if (status == TRIB_OK)
		status = check_scene(line, request->version, from_ms, error);
	if (status != TRIB_OK)
		return status;
	if (!request->has_share_bps && !(request->when && *request->when) && request->n_steps == 0)
		return trib_fail(error, TRIB_INVALID, "share_bps",
				 "found no part of the orders, expected share_bps, when or steps");
	if (count_rollouts(line) >= TRIB_LIMIT_RULE_ROLLOUTS)
		return trib_fail(error, TRIB_LIMIT, "name",
				 "found %d roll-outs since the last activation, expected no more",
				 TRIB_LIMIT_RULE_ROLLOUTS);
	event.name = trib_arena_copy(arena, name);
	event.has_version = event.has_at = event.has_part = event.has_salt = 1;
	event.version = request->version;
	event.at = from_ms;
	event.part = 1;
	event.when = request->when && *request->when ? request->when : NULL;
	event.salt = trib_hash_keyed(name, &rules->key);
	for (uint32_t i = line->activation_count; i; i--)
		if (line->activations[i - 1].rollout)
			event.salt = line->activations[i - 1].rollout->salt;
	status = make_steps(request, from_ms, arena, &event, error);
	if (status == TRIB_OK)
		status = rollout_new(&event, rules->spaces, &rules->key, &rollout, error);
	if (status != TRIB_OK)
		return status;
	rollout_unref(rollout);
	*ret_event = event;
	return TRIB_OK;
}

trib_status trib_rules_apply_rollout(struct trib_rules *rules,
				     const Tributary__RulesActivated *event,
				     struct trib_error *error)
{
	struct line *line = event->name ? find_line(rules, trib_bytes_text(event->name)) : NULL;
	struct rollout *rollout;

	if (!line || event->version == 0 || event->version > line->version_count)
		return trib_fail(error, TRIB_CORRUPT, "rules",
				 "found a roll-out of version %u, which is not there",
				 event->version);
	if (rollout_new(event, rules->spaces, &rules->key, &rollout, error) != TRIB_OK)
		return trib_fail(error, TRIB_CORRUPT, "rules",
				 "found a roll-out that was never accepted");
	if (rollout->when)
		want_names(rules, rollout->when);
	line->rolls = true;
	add_start(line, (struct start){ event->at, event->version, rollout });
	*PUSH(rules->activations, rules->activation_count, rules->activation_capacity) =
		(struct trib_rules_activation){ event->at, (uint32_t)(line - rules->lines) + 1,
						event->version, rollout };
	return TRIB_OK;
}

trib_fact_set trib_rules_activation_facts(const struct trib_rules *rules,
					  const struct trib_rules_activation *activation)
{
	const struct trib_tree *tree = trib_rules_tree(rules, activation->tree, activation->version);
	trib_fact_set facts = tree ? trib_tree_facts(tree) : 0;

	if (activation->rollout && activation->rollout->when)
		facts |= trib_tree_facts(activation->rollout->when);
	return facts;
}

void trib_rules_pack_rollout(const struct trib_rules *rules,
			     const struct trib_rules_activation *activation,
			     struct trib_buffer *buffer)
{
	Tributary__RulesActivated event = TRIBUTARY__RULES_ACTIVATED__INIT;
	Tributary__RolloutStep steps[33], *list[33];
	const struct rollout *rollout = activation->rollout;

	if (!rollout)
		return;
	trib_assert(rollout->step_count <= TRIB_ARRAY_SIZE(steps));
	for (uint32_t i = 0; i < rollout->step_count; i++) {
		tributary__rollout_step__init(&steps[i]);
		list[i] = &steps[i];
		steps[i].has_at = steps[i].has_share_bps = 1;
		steps[i].at = rollout->steps[i].from_ms;
		steps[i].share_bps = rollout->steps[i].share_bps;
	}
	TRIB_AUTOFREE char *when = strndup(rollout->when_text.data, rollout->when_text.size);

	event.name = rules->lines[activation->tree - 1].name;
	event.has_version = event.has_at = event.has_part = event.has_salt = 1;
	event.version = activation->version;
	event.at = activation->from_ms;
	event.part = 1;
	event.salt = rollout->salt;
	event.when = rollout->when ? when : NULL;
	event.n_step = rollout->step_count;
	event.step = list;
	size_t size = tributary__rules_activated__get_packed_size(&event);

	tributary__rules_activated__pack(&event, (uint8_t *)trib_buffer_reserve(buffer, size));
	buffer->size += size;
}

/* ---- Per order --------------------------------------------------------------------------------------------- */

static const struct trib_tree *serving_at(const struct trib_rules *rules, uint32_t scene,
					  int64_t now_ms)
{
	const struct scene *place;

	if (scene == 0)
		return NULL;
	place = &rules->scenes[scene - 1];
	for (uint32_t i = place->count; i; i--) {
		const struct serving *serving = &place->servings[i - 1];
		const struct line *line = &rules->lines[serving->line];

		if (serving->from_ms <= now_ms && version_at(line, now_ms) == serving->version)
			return line->versions[serving->version - 1].tree;
	}
	return NULL;
}

static const struct trib_tree *find_tree(const struct trib_rules *rules, uint32_t scene,
					 int64_t now_ms)
{
	const struct trib_tree *tree = serving_at(rules, scene, now_ms);

	if (!tree)
		tree = serving_at(rules, 1, now_ms);
	/* Should the tree `default` have been moved to another scene, what is built in remains. */
	return tree ? tree : rules->lines[0].versions[0].tree;
}

const struct trib_tree *trib_rules_find(const struct trib_rules *rules, uint32_t scene,
					int64_t now_ms)
{
	if (!scene)
		return find_tree(rules, 1, now_ms);
	for (uint32_t i = scene * 2654435769u >> 7 & rules->code_mask; rules->codes[i].code;
	     i = (i + 1) & rules->code_mask)
		if (rules->codes[i].code == scene)
			return find_tree(rules, rules->codes[i].scene, now_ms);
	return find_tree(rules, 1, now_ms);
}

const struct trib_tree *trib_rules_choose(const struct trib_rules *rules, uint32_t scene,
					  int64_t now_ms, const struct trib_rules_order *order,
					  struct trib_rules_choice *ret_choice)
{
	const struct trib_tree *tree = trib_rules_find(rules, scene, now_ms);
	const struct line *line = &rules->lines[trib_tree_number(tree) - 1];

	if (TRIB_LIKELY(!line->rolls))
		return tree;
	return choose_version(line, tree, now_ms, order, ret_choice);
}

const struct trib_tree *trib_rules_find_text(const struct trib_rules *rules,
					     struct trib_bytes scene, int64_t now_ms)
{
	return find_tree(rules, trib_names_find(rules->scene_names, scene), now_ms);
}

static struct version *find_version(const struct trib_rules *rules, uint32_t tree, uint32_t version)
{
	if (tree == 0 || tree > rules->line_count || version == 0 ||
	    version > rules->lines[tree - 1].version_count)
		return NULL;
	return &rules->lines[tree - 1].versions[version - 1];
}

bool trib_rules_hit(struct trib_rules *rules, uint32_t tree, uint32_t version, uint32_t node)
{
	struct version *place = find_version(rules, tree, version);

	if (!place || !place->hits || node >= trib_tree_nodes(place->tree))
		return false;
	place->hits[node]++;
	return true;
}

bool trib_rules_load_hits(struct trib_rules *rules, uint32_t tree, uint32_t version,
			  const uint64_t *hits, uint32_t nodes)
{
	struct version *place = find_version(rules, tree, version);

	if (!place || !place->hits || nodes != trib_tree_nodes(place->tree))
		return false;
	memcpy(place->hits, hits, nodes * sizeof(*hits));
	return true;
}

/* ---- Looking ------------------------------------------------------------------------------------------------ */

uint32_t trib_rules_count(const struct trib_rules *rules)
{
	return rules->line_count;
}

uint32_t trib_rules_number(const struct trib_rules *rules, struct trib_bytes name)
{
	return trib_names_find(rules->names, name);
}

struct trib_bytes trib_rules_name(const struct trib_rules *rules, uint32_t tree)
{
	return tree && tree <= rules->line_count ? trib_bytes_text(rules->lines[tree - 1].name)
						 : trib_bytes("", 0);
}

uint32_t trib_rules_latest(const struct trib_rules *rules, uint32_t tree)
{
	return tree && tree <= rules->line_count ? rules->lines[tree - 1].version_count : 0;
}

uint32_t trib_rules_active(const struct trib_rules *rules, uint32_t tree, int64_t now_ms)
{
	return tree && tree <= rules->line_count ? version_at(&rules->lines[tree - 1], now_ms) : 0;
}

const struct trib_tree *trib_rules_tree(const struct trib_rules *rules, uint32_t tree,
					uint32_t version)
{
	const struct version *place = find_version(rules, tree, version);

	return place ? place->tree : NULL;
}

const uint64_t *trib_rules_hits(const struct trib_rules *rules, uint32_t tree, uint32_t version)
{
	const struct version *place = find_version(rules, tree, version);

	return place ? place->hits : NULL;
}

const struct trib_rules_activation *trib_rules_activations(const struct trib_rules *rules,
							   uint32_t *ret_count)
{
	*ret_count = rules->activation_count;
	return rules->activations;
}

/* ---- Copies ------------------------------------------------------------------------------------------------- */

static void *duplicate(const void *array, size_t count, size_t size)
{
	void *copy = trib_alloc((count + 1) * size);

	if (count)
		memcpy(copy, array, count * size);
	return copy;
}

static void copy_names(struct trib_names *from, struct trib_names *to)
{
	for (uint32_t i = 1; i <= trib_names_count(from); i++)
		trib_names_add(to, trib_names_text(from, i));
}

struct trib_rules *trib_rules_copy(const struct trib_rules *rules)
{
	struct trib_rules *copy = new_rules(&rules->key, rules->spaces);

	copy_names(rules->names, copy->names);
	copy_names(rules->scene_names, copy->scene_names);
	copy->lines = duplicate(rules->lines, rules->line_count, sizeof(*rules->lines));
	copy->line_count = copy->line_capacity = rules->line_count;
	for (uint32_t i = 0; i < rules->line_count; i++) {
		const struct line *line = &rules->lines[i];

		copy->lines[i].name = trib_strdup(line->name);
		copy->lines[i].versions =
			duplicate(line->versions, line->version_count, sizeof(*line->versions));
		copy->lines[i].activations = duplicate(line->activations, line->activation_count,
						       sizeof(*line->activations));
		for (uint32_t j = 0; j < line->version_count; j++) {
			trib_tree_ref(line->versions[j].tree);
			copy->lines[i].versions[j].hits = NULL;
		}
	}
	copy->scenes = duplicate(rules->scenes, rules->scene_count, sizeof(*rules->scenes));
	copy->scene_count = copy->scene_capacity = rules->scene_count;
	copy->activations =
		duplicate(rules->activations, rules->activation_count, sizeof(*rules->activations));
	copy->activation_count = copy->activation_capacity = rules->activation_count;
	for (uint32_t i = 0; i < copy->activation_count; i++)
		rollout_ref(copy->activations[i].rollout);
	for (uint32_t i = 0; i < rules->scene_count; i++)
		copy->scenes[i].servings =
			duplicate(rules->scenes[i].servings, rules->scenes[i].count,
				  sizeof(*rules->scenes[i].servings));
	free(copy->codes);
	copy->codes = duplicate(rules->codes, rules->code_mask + 1, sizeof(*rules->codes));
	copy->code_mask = rules->code_mask;
	copy->code_count = rules->code_count;
	return copy;
}

/* ---- Answers of the doors ------------------------------------------------------------------------------------ */

static void add_scheduled(struct trib_buffer *json, const struct line *line, int64_t now_ms)
{
	const char *comma = "";

	for (uint32_t i = 0; i < line->activation_count; i++) {
		const struct start *activation = &line->activations[i];

		if (activation->from_ms <= now_ms || activation->rollout)
			continue;
		trib_buffer_add_format(json, "%s{\"version\":%u,\"at\":%" PRId64 "}", comma,
				       activation->version, activation->from_ms);
		comma = ",";
	}
}

static void add_rollout(struct trib_buffer *json, const struct start *start, int64_t now_ms)
{
	const struct rollout *rollout = start->rollout;
	const char *comma = "";

	trib_buffer_add_format(json, "{\"version\":%u,\"at\":%" PRId64, start->version, start->from_ms);
	if (rollout->step_count)
		trib_buffer_add_format(json, ",\"share_bps\":%u", rollout_share_bps(rollout, now_ms));
	if (rollout->when) {
		trib_buffer_add_text(json, ",\"when\":");
		trib_json_add_string(json, rollout->when_text);
	}
	trib_buffer_add_text(json, ",\"steps\":[");
	for (uint32_t i = 0; i < rollout->step_count; i++) {
		if (rollout->steps[i].from_ms <= now_ms)
			continue;
		trib_buffer_add_format(json, "%s{\"share_bps\":%u,\"at\":%" PRId64 "}", comma,
				       rollout->steps[i].share_bps, rollout->steps[i].from_ms);
		comma = ",";
	}
	trib_buffer_add_text(json, "]}");
}

/* Those under way, then those that lie ahead. */
static void add_rollouts(struct trib_buffer *json, const struct line *line, int64_t now_ms)
{
	struct rolled rolled = rolled_begin(line, now_ms);
	const struct start *start;
	const char *comma = "";

	for (; (start = rolled_next(&rolled)); comma = ",") {
		trib_buffer_add_text(json, comma);
		add_rollout(json, start, now_ms);
	}
	for (uint32_t i = 0; i < line->activation_count; i++) {
		if (!line->activations[i].rollout || line->activations[i].from_ms <= now_ms)
			continue;
		trib_buffer_add_text(json, comma);
		add_rollout(json, &line->activations[i], now_ms);
		comma = ",";
	}
}

/*
 * The root as the canonical source has it: {"root":…} or {"root":…,"scene":…}. The engine's thread answers, and a tree
 * may be large: so it is not read again.
 */
static struct trib_bytes source_of_root(const struct trib_tree *tree)
{
	static const char begin[] = "{\"root\":";
	struct trib_bytes source = tree->source;
	struct trib_buffer scene;
	size_t after = 1;

	if (source.data[source.size - 2] != '}') {
		trib_buffer_init(&scene, 6 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 64);
		trib_buffer_add_text(&scene, ",\"scene\":");
		trib_json_add_string(&scene, tree->scene);
		after += scene.size;
		trib_buffer_fini(&scene);
	}
	trib_assert(source.size > sizeof(begin) + after);
	return trib_bytes(source.data + sizeof(begin) - 1, source.size - (sizeof(begin) - 1) - after);
}

trib_status trib_rules_write_json(const struct trib_rules *rules, struct trib_bytes name,
				  uint32_t version, int64_t now_ms, struct trib_buffer *json,
				  struct trib_error *error)
{
	const struct line *line = find_line(rules, name);
	const struct trib_tree *tree;

	if (!line)
		return trib_fail(error, TRIB_NOT_FOUND, "name", "found no tree of that name");
	if (version > line->version_count)
		return trib_fail(error, TRIB_NOT_FOUND, "version", "found %u, expected 1 to %u",
				 version, line->version_count);
	tree = line->versions[(version ? version : line->version_count) - 1].tree;
	trib_buffer_add_text(json, "{\"name\":");
	trib_json_add_string(json, trib_bytes_text(line->name));
	trib_buffer_add_format(json, ",\"number\":%u,\"version\":%u,\"active\":%u,\"scheduled\":[",
			       tree->number, tree->version, version_at(line, now_ms));
	add_scheduled(json, line, now_ms);
	trib_buffer_add_text(json, "],\"rollouts\":[");
	add_rollouts(json, line, now_ms);
	trib_buffer_add_text(json, "],\"scene\":");
	trib_json_add_string(json, tree->scene);
	trib_buffer_add_text(json, ",\"root\":");
	trib_buffer_add_bytes(json, source_of_root(tree));
	trib_buffer_add_char(json, '}');
	return TRIB_OK;
}

void trib_rules_write_list(const struct trib_rules *rules, int64_t now_ms, struct trib_buffer *json)
{
	trib_buffer_add_text(json, "{\"items\":[");
	for (uint32_t i = 0; i < rules->line_count; i++) {
		const struct line *line = &rules->lines[i];
		const struct trib_tree *latest = line->versions[line->version_count - 1].tree;

		trib_buffer_add_text(json, i ? ",{\"name\":" : "{\"name\":");
		trib_json_add_string(json, trib_bytes_text(line->name));
		trib_buffer_add_format(json, ",\"number\":%u,\"version\":%u,\"active\":%u,\"scene\":", latest->number,
				       latest->version, version_at(line, now_ms));
		trib_json_add_string(json, latest->scene);
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_text(json, "],\"next_cursor\":null}");
}

static void add_hits(struct trib_buffer *json, const struct version *version, uint32_t number)
{
	const struct trib_tree *tree = version->tree;
	uint64_t total = 0;

	for (uint32_t i = 0; version->hits && i < tree->node_count; i++)
		total += version->hits[i];
	trib_buffer_add_format(json, "{\"version\":%u,\"hits\":%" PRIu64 ",\"nodes\":[", number, total);
	for (uint32_t i = 0; i < tree->node_count; i++) {
		trib_buffer_add_text(json, i ? ",{\"node\":" : "{\"node\":");
		trib_json_add_string(json, tree->nodes[i].public.id);
		trib_buffer_add_text(json, ",\"hits\":");
		trib_buffer_add_i64(json, version->hits ? (int64_t)version->hits[i] : 0);
		trib_buffer_add_text(json, ",\"errors\":");
		trib_buffer_add_i64(json, (int64_t)trib_tree_errors(tree, i));
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_text(json, "]}");
}

trib_status trib_rules_write_hits(const struct trib_rules *rules, struct trib_bytes name,
				  struct trib_buffer *json, struct trib_error *error)
{
	const struct line *line = find_line(rules, name);

	if (!line)
		return trib_fail(error, TRIB_NOT_FOUND, "name", "found no tree of that name");
	trib_buffer_add_text(json, "{\"name\":");
	trib_json_add_string(json, trib_bytes_text(line->name));
	trib_buffer_add_text(json, ",\"versions\":[");
	for (uint32_t i = 0; i < line->version_count; i++) {
		if (i)
			trib_buffer_add_char(json, ',');
		add_hits(json, &line->versions[i], i + 1);
	}
	trib_buffer_add_text(json, "]}");
	return TRIB_OK;
}
