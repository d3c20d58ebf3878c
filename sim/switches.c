/*
 * The rules change while orders go on: versions of one tree are put, activated, taken back, rolled out to a share of the
 * orders or to those for which a condition holds, by steps, now or later; nodes of the newest are moved, switched off,
 * given their time.
 *
 * What the auditor asks of each order is in model_rules.c: the version that decides is the one that the hash of its name
 * and the conditions say at its moment, and everything about the order is that version's.
 */
#include "market.h"

static const char tree_name[] = "default";

static bool put_source(struct market *market, struct trib_call *call, struct model_tree *tree)
{
	struct model_op op = { .kind = MODEL_VERSION };
	unsigned openings = market->openings;

	model_stage_tree(&market->model, tree);
	if (!market_call(market, call, &op) || market->run->failed || market->openings != openings)
		return false;
	const struct trib_rules *rules = trib_engine_rules(market->engine);
	uint32_t latest = trib_rules_latest(rules, trib_rules_number(rules, trib_bytes_text(tree_name)));

	sim_expect(market->run, latest == model_latest(&market->model), "version %u has come, expected %u", latest,
		   model_latest(&market->model));
	return true;
}

/* --- Versions ------------------------------------------------------------------------------------------- */

static struct model_condition draw_condition(struct market *market, enum model_when when)
{
	struct sim_run *run = market->run;

	return (struct model_condition){
		when, when == MODEL_BASE  ? 1 + (int64_t)sim_below(run, 100000)
		      : when == MODEL_BY    ? (int64_t)sim_below(run, MODEL_CREATORS)
		      : when == MODEL_OF    ? (int64_t)sim_below(run, MODEL_GOODS)
					    : 1 + (int64_t)sim_below(run, 5000)
	};
}

/* Each node asks for something else: so none is unreachable, wherever it stands. */
static struct model_tree draw_tree(struct market *market)
{
	struct sim_run *run = market->run;
	struct model_tree tree = { .window_days = 1 + (uint32_t)sim_below(run, 40),
				   .n_nodes = (uint32_t)sim_below(run, MODEL_NODES + 1) };
	uint32_t first = (uint32_t)sim_below(run, MODEL_NODES);

	for (uint32_t i = 0; i < tree.n_nodes; i++) {
		struct model_node *node = &tree.nodes[i];

		*node = (struct model_node){ .id = (char)('a' + i),
					     .condition = draw_condition(
						     market,
						     (enum model_when)(MODEL_BASE + (first + i) % MODEL_NODES)),
					     .effect = (enum model_effect)sim_below(run, 3) };
		node->value = node->effect == MODEL_OWN_RATE ? (uint32_t)sim_below(run, 4000)
							     : 1 + (uint32_t)sim_below(run, 9);
	}
	return tree;
}

#define TECHNICAL                                                                                              \
	"{\"name\":\"technical\",\"to\":\"platform\",\"from\":\"creator\",\"of\":\"commission\","                        \
	"\"bps\":\"terms.platform_bps\"}]"

static void add_node(const struct model_node *node, struct trib_buffer *json)
{
	char when[64];

	model_condition_text(&node->condition, when);
	trib_buffer_add_format(json, "{\"id\":\"%c\",\"when\":\"%s\",", node->id, when);
	switch (node->effect) {
	case MODEL_OWN_RATE:
		trib_buffer_add_format(json,
				       "\"shares\":[{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\","
				       "\"bps\":%u}," TECHNICAL "}",
				       node->value);
		break;
	case MODEL_OWN_SHOP:
		trib_buffer_add_text(json, "\"outcome\":\"own_shop\"}");
		break;
	case MODEL_OWN_WINDOW:
		trib_buffer_add_format(json, "\"window\":\"%ud\"}", node->value);
		break;
	}
}

static void put_version(struct market *market)
{
	struct model_tree tree = draw_tree(market);
	struct trib_buffer json;

	trib_buffer_init(&json, 1 << 16);
	trib_buffer_add_format(&json,
			       "{\"scene\":\"default\",\"root\":{\"id\":\"n\",\"window\":\"%ud\",\"shares\":["
			       "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\","
			       "\"bps\":\"terms.commission_bps\"},"
			       "{\"name\":\"service\",\"to\":\"leader\",\"from\":\"merchant\","
			       "\"bps\":\"terms.service_bps\"}," TECHNICAL ",\"children\":[",
			       tree.window_days);
	for (uint32_t i = 0; i < tree.n_nodes; i++) {
		trib_buffer_add_text(&json, i ? "," : "");
		add_node(&tree.nodes[i], &json);
	}
	trib_buffer_add_text(&json, "]}}");
	struct trib_call call = { .kind = TRIB_CALL_RULES_PUT,
				  .name = trib_bytes_text(tree_name),
				  .source = trib_buffer_bytes(&json) };

	sim_tell(market->run, "rules: version %u, window of %u days, %u nodes", model_latest(&market->model) + 1,
		 tree.window_days, tree.n_nodes);
	put_source(market, &call, &tree);
	trib_buffer_fini(&json);
}

/* --- One node ------------------------------------------------------------------------------------------- */

static void swap(struct model_tree *tree, uint32_t a, uint32_t b)
{
	struct model_node kept = tree->nodes[a];

	tree->nodes[a] = tree->nodes[b];
	tree->nodes[b] = kept;
}

/* Changes the tree, and says how. Returns the id of the node that was changed. */
static char draw_patch(struct market *market, struct model_tree *tree, char *ret_json, size_t size)
{
	struct sim_run *run = market->run;
	uint32_t which = (uint32_t)sim_below(run, tree->n_nodes);
	struct model_node *node = &tree->nodes[which];
	char id = node->id;

	switch (sim_below(run, 4)) {
	case 0:
		node->disabled = !node->disabled;
		snprintf(ret_json, size, "{\"enabled\":%s}", node->disabled ? "false" : "true");
		break;
	case 1:
		node->from_ms = market_now_ms(market) + ((int64_t)sim_below(run, 96) - 48) * HOUR_MS;
		node->to_ms = node->from_ms + (1 + (int64_t)sim_below(run, 96)) * HOUR_MS;
		snprintf(ret_json, size, "{\"from\":%lld,\"to\":%lld}", (long long)node->from_ms, (long long)node->to_ms);
		break;
	case 2:
		node->from_ms = node->to_ms = 0;
		snprintf(ret_json, size, "{\"from\":null,\"to\":null}");
		break;
	default:
		if (which == 0) {
			tree->window_days = 1 + (uint32_t)sim_below(run, 40);
			snprintf(ret_json, size, "{\"window\":\"%ud\"}", tree->window_days);
			return 'n';
		}
		snprintf(ret_json, size, "{\"before\":\"%c\"}", tree->nodes[which - 1].id);
		swap(tree, which, which - 1);
	}
	return id;
}

static bool patch_node(struct market *market)
{
	uint32_t latest = model_latest(&market->model);
	const struct model_tree *base = model_tree_of(&market->model, latest);

	/* As long as nothing can be written the engine may show an older version than the newest. */
	if (!market->struck || !base || !base->n_nodes)
		return false;
	struct model_tree tree = *base;
	char json[128], node[2] = { 0 };

	node[0] = draw_patch(market, &tree, json, sizeof(json));
	sim_tell(market->run, "rules: node %s of version %u, %s", node, latest, json);
	/* Planted: what was changed is not. */
	struct trib_call call = { .kind = TRIB_CALL_RULES_PATCH,
				  .name = trib_bytes_text(tree_name),
				  .node = trib_bytes_text(node),
				  .source = trib_bytes_text(market->run->plant == SIM_PLANT_LOST_PATCH ? "{\"priority\":0}"
												      : json) };

	sim_mark(market->run, SIM_MARK_PATCHED);
	return put_source(market, &call, &tree);
}

/* --- Who decides ---------------------------------------------------------------------------------------- */

/* Newer ones more often; 1, which is built in, too. */
static uint32_t some_version(struct market *market)
{
	uint32_t latest = model_latest(&market->model);

	return sim_chance(market->run, 0.6) ? latest : 1 + (uint32_t)sim_below(market->run, latest);
}

static void activate(struct market *market)
{
	struct sim_run *run = market->run;
	struct model_switch change = { .version = some_version(market) };
	struct model_op op = { .kind = MODEL_SWITCH };
	struct trib_call call = { .kind = TRIB_CALL_RULES_ACTIVATE, .name = trib_bytes_text(tree_name),
				  .version = change.version };

	if (sim_chance(run, 0.2)) {
		change.at_ms = call.at_ms = market_now_ms(market) + (int64_t)sim_below(run, 48) * HOUR_MS;
		call.has_at = true;
	}
	if (change.version < model_latest(&market->model))
		sim_mark(run, SIM_MARK_TAKEN_BACK);
	if (call.has_at)
		sim_mark(run, SIM_MARK_LATER);
	sim_tell(run, "rules: version %u for all%s", change.version, call.has_at ? ", later" : "");
	model_stage_switch(&market->model, &change);
	/* Planted: it never arrives. */
	if (run->plant == SIM_PLANT_LOST_ROLLBACK && change.version < model_latest(&market->model)) {
		market_decided(market, &op);
		model_add(&market->model, &op);
	} else {
		market_call(market, &call, &op);
	}
}

static struct model_switch draw_rollout(struct market *market)
{
	struct sim_run *run = market->run;
	struct model_switch change = { .rollout = true, .version = some_version(market),
				       .has_share = sim_chance(run, 0.6) };
	int64_t at_ms = market_now_ms(market);

	if (sim_chance(run, 0.2))
		change.at_ms = at_ms += (int64_t)sim_below(run, 48) * HOUR_MS;
	if (change.has_share)
		change.steps[change.n_steps++].share_bps = (uint32_t)sim_below(run, 10001);
	while (change.n_steps < MODEL_STEPS && sim_chance(run, 0.3)) {
		at_ms += (1 + (int64_t)sim_below(run, 24)) * HOUR_MS;
		change.steps[change.n_steps++] = (struct model_step){ at_ms, (uint32_t)sim_below(run, 10001) };
	}
	if (change.n_steps == 0 || sim_chance(run, 0.3))
		change.condition = draw_condition(market, (enum model_when)(MODEL_BASE + sim_below(run, MODEL_NODES)));
	return change;
}

static void roll_out(struct market *market)
{
	struct model_switch change = draw_rollout(market);
	struct model_op op = { .kind = MODEL_SWITCH };
	Tributary__RolloutRequest request = TRIBUTARY__ROLLOUT_REQUEST__INIT;
	Tributary__RolloutStep steps[MODEL_STEPS], *list[MODEL_STEPS];
	struct trib_call call = { .kind = TRIB_CALL_RULES_ROLLOUT, .name = trib_bytes_text(tree_name),
				  .body = &request.base };
	char when[64];

	model_condition_text(&change.condition, when);
	request.has_version = true;
	request.version = change.version;
	request.when = when;
	request.has_at = change.at_ms != 0;
	request.at = change.at_ms;
	request.has_share_bps = change.has_share;
	/* Planted: fewer are asked for than were to be. */
	request.share_bps = change.steps[0].share_bps / (market->run->plant == SIM_PLANT_OTHER_SHARE ? 2 : 1);
	for (uint32_t i = change.has_share; i < change.n_steps; i++) {
		Tributary__RolloutStep *step = list[request.n_steps] = &steps[request.n_steps];

		request.n_steps++;
		tributary__rollout_step__init(step);
		step->has_at = step->has_share_bps = true;
		step->at = change.steps[i].at_ms;
		step->share_bps = change.steps[i].share_bps;
	}
	request.steps = list;
	sim_tell(market->run, "rules: version %u for %d of 10000 and %u steps where \"%s\"%s", change.version,
		 change.has_share ? (int)change.steps[0].share_bps : -1, (unsigned)request.n_steps, when,
		 change.at_ms ? ", later" : "");
	model_stage_switch(&market->model, &change);
	if (market_call(market, &call, &op) && !market->run->failed)
		switches_audit(market);
}

void switches_audit(struct market *market)
{
	uint32_t count;
	const struct trib_rules *rules = trib_engine_rules(market->engine);
	const struct trib_rules_activation *activations = trib_rules_activations(rules, &count);

	for (uint32_t i = 0; i < count; i++) {
		struct trib_buffer packed;

		if (!activations[i].rollout)
			continue;
		trib_buffer_init(&packed, 1 << 16);
		trib_rules_pack_rollout(rules, &activations[i], &packed);
		Tributary__RulesActivated *event =
			tributary__rules_activated__unpack(NULL, packed.size, (const uint8_t *)packed.data);

		sim_expect(market->run, event && event->salt && (!market->model.salt || market->model.salt == event->salt),
			   "orders have moved to other places among ten thousand");
		if (event)
			market->model.salt = event->salt;
		tributary__rules_activated__free_unpacked(event, NULL);
		trib_buffer_fini(&packed);
	}
	if (market->struck)
		sim_expect(market->run, count == market->model.state.switches, "the rules were switched %u times, expected %u",
			   count, market->model.state.switches);
}

void switch_rules(struct market *market)
{
	struct sim_run *run = market->run;
	unsigned openings = market->openings;

	switch (sim_below(run, 4)) {
	case 0:
		put_version(market);
		break;
	case 1:
		if (!patch_node(market))
			put_version(market);
		break;
	default:
		break;
	}
	if (run->failed || market->openings != openings)
		return;
	if (sim_chance(run, 0.5))
		activate(market);
	else
		roll_out(market);
}
