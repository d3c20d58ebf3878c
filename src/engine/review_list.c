/* The queue of held orders, for people. Releasing and rejecting one is a message about it: lifecycle.c. */
#include "engine/state.h"

static void add_member(struct trib_buffer *json, const char *name, struct trib_bytes text)
{
	trib_buffer_add_format(json, "%s\"%s\":", json->data[json->size - 1] == '{' ? "" : ",", name);
	trib_json_add_string(json, text);
}

static void add_item(struct trib_engine *engine, uint64_t position, struct trib_buffer *json)
{
	const struct trib_order_record *record = &engine->earlier;
	const struct trib_tree *tree = trib_rules_tree(engine->rules, record->tree, record->tree_version);
	const struct trib_node *node = tree ? trib_tree_node(tree, record->node) : NULL;

	trib_buffer_add_char(json, '{');
	add_member(json, "order", record->order);
	if (node)
		add_member(json, "node", node->id);
	if (node && node->reason.size)
		add_member(json, "reason", node->reason);
	add_member(json, "goods", trib_domain_id(engine->domain, TRIB_NOUN_GOODS, record->goods));
	add_member(json, "currency", trib_names_text(trib_domain_symbols(engine->domain), record->currency));
	trib_buffer_add_format(json, ",\"charged\":%lld,\"base_amount\":%lld,\"at\":%lld,\"position\":%llu}",
			       (long long)record->charged, (long long)record->base_amount, (long long)record->at_ms,
			       (unsigned long long)position);
}

trib_status trib_engine_reviews(struct trib_engine *engine, uint64_t after, uint32_t limit, struct trib_buffer *json,
				struct trib_error *error)
{
	uint32_t count = 0;
	uint64_t last = after, position = 0;

	trib_buffer_add_text(json, "{\"items\":[");
	for (; count < limit && (position = trib_reviews_next(engine->reviews, last)); last = position) {
		trib_status status = history_read_decision(engine, position, error);

		if (status != TRIB_OK)
			return status;
		if (count++)
			trib_buffer_add_char(json, ',');
		add_item(engine, position, json);
	}
	if (count == limit && trib_reviews_next(engine->reviews, last))
		trib_buffer_add_format(json, "],\"next_cursor\":\"%llu\"", (unsigned long long)last);
	else
		trib_buffer_add_text(json, "],\"next_cursor\":null");
	trib_buffer_add_format(json, ",\"total\":%zu}", trib_reviews_count(engine->reviews));
	return TRIB_OK;
}
