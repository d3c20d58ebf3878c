/* The rules as the auditor believes in them: versions, and who decides about an order. */
#include "model.h"

#include <stdio.h>
#include "base/hash.h"
#include "base/macros.h"

/* The n-th of an array that grows. */
static void *place(void **array, size_t *capacity, size_t n, size_t size)
{
	if (n >= *capacity) {
		*capacity = 2 * n + 16;
		*array = trib_realloc(*array, *capacity * size);
	}
	return (char *)*array + n * size;
}

void model_stage_tree(struct model *model, const struct model_tree *tree)
{
	*(struct model_tree *)place((void **)&model->trees, &model->tree_capacity, model->state.versions, sizeof(*tree)) =
		*tree;
}

void model_stage_switch(struct model *model, const struct model_switch *change)
{
	*(struct model_switch *)place((void **)&model->switches, &model->switch_capacity, model->state.switches,
				      sizeof(*change)) = *change;
}

const struct model_tree *model_tree_of(const struct model *model, uint32_t version)
{
	return version > MODEL_BUILT_IN ? &model->trees[version - MODEL_BUILT_IN - 1] : NULL;
}

void model_condition_text(const struct model_condition *condition, char ret_text[64])
{
	static const char *const formats[] = {
		[MODEL_ALWAYS] = "",
		[MODEL_BASE] = "order.base >= %lld",
		[MODEL_BY] = "creator.id == 'c%lld'",
		[MODEL_OF] = "order.goods == 'g%lld'",
		[MODEL_RATED] = "terms.commission_bps >= %lld",
	};

	snprintf(ret_text, 64, formats[condition->when], (long long)condition->value);
}

static bool holds(const struct model_condition *condition, const struct model_facts *facts)
{
	switch (condition->when) {
	case MODEL_ALWAYS:
		return true;
	case MODEL_BASE:
		return facts->base >= condition->value;
	case MODEL_BY:
		return facts->creator == condition->value;
	case MODEL_OF:
		return facts->goods == condition->value;
	case MODEL_RATED:
		return facts->rate >= condition->value;
	}
	return false;
}

const struct model_node *model_walk(const struct model_tree *tree, const struct model_facts *facts,
				    bool *ret_passed_over)
{
	*ret_passed_over = false;
	for (uint32_t i = 0; tree && i < tree->n_nodes; i++) {
		const struct model_node *node = &tree->nodes[i];
		bool on = !node->disabled && (!node->from_ms || facts->at_ms >= node->from_ms) &&
			  (!node->to_ms || facts->at_ms < node->to_ms);

		if (!holds(&node->condition, facts))
			continue;
		if (on)
			return node;
		*ret_passed_over = true;
	}
	return NULL;
}

/* Where an order stands among ten thousand: a hash of its name without its line. */
static uint32_t place_of(const struct model *model, uint64_t number)
{
	char name[32];
	int size = snprintf(name, sizeof(name), "o%llu", (unsigned long long)number);
	uint64_t hash = trib_hash_u64(trib_hash_bytes(trib_bytes(name, (size_t)size)) ^ model->salt);

	return (uint32_t)((hash >> 32) * 10000 >> 32);
}

static uint32_t share_at(const struct model_switch *rollout, int64_t now_ms)
{
	uint32_t share = 0;

	for (uint32_t i = 0; i < rollout->n_steps; i++)
		if (rollout->steps[i].at_ms <= now_ms)
			share = rollout->steps[i].share_bps;
	return share;
}

/* Was a said before b, for times of the same moment? */
static bool is_before(const struct model *model, uint32_t a, uint32_t b)
{
	int64_t a_ms = model->switches[a].at_ms, b_ms = model->switches[b].at_ms;

	return a_ms < b_ms || (a_ms == b_ms && a < b);
}

/* Of the roll-outs behind the activation the one that comes next behind `last` (-1: the first); -1 none. */
static int32_t next_rollout(const struct model *model, const struct model_state *state, int32_t active, int32_t last,
			    int64_t now_ms)
{
	int32_t next = -1;

	for (uint32_t i = 0; i < state->switches; i++) {
		const struct model_switch *one = &model->switches[i];

		if (one->rollout && one->at_ms <= now_ms && (active < 0 || is_before(model, (uint32_t)active, i)) &&
		    (last < 0 || is_before(model, (uint32_t)last, i)) && (next < 0 || is_before(model, i, (uint32_t)next)))
			next = (int32_t)i;
	}
	return next;
}

uint32_t model_choose(const struct model *model, const struct model_state *state, const struct model_facts *facts,
		      int64_t now_ms, bool *ret_rolled_out)
{
	uint32_t below = 0, own = place_of(model, facts->number);
	int32_t active = -1;

	for (uint32_t i = 0; i < state->switches; i++)
		if (!model->switches[i].rollout && model->switches[i].at_ms <= now_ms &&
		    (active < 0 || is_before(model, (uint32_t)active, i)))
			active = (int32_t)i;
	for (int32_t i = next_rollout(model, state, active, -1, now_ms); i >= 0;
	     i = next_rollout(model, state, active, i, now_ms)) {
		uint32_t version = model->switches[i].version;
		const struct model_switch *word = NULL;
		bool asked = false;

		/* Each version is asked once, where it first came, by the last word about it. */
		for (int32_t j = next_rollout(model, state, active, -1, now_ms); j >= 0;
		     j = next_rollout(model, state, active, j, now_ms)) {
			if (model->switches[j].version != version)
				continue;
			asked |= is_before(model, (uint32_t)j, (uint32_t)i);
			word = &model->switches[j];
		}
		if (asked)
			continue;
		uint32_t share = share_at(word, now_ms);
		bool mine = word->n_steps == 0 || (own >= below && own < below + share);

		below += word->n_steps ? share : 0;
		if ((*ret_rolled_out = mine && holds(&word->condition, facts)))
			return version;
	}
	*ret_rolled_out = false;
	return active < 0 ? MODEL_BUILT_IN : model->switches[active].version;
}
