#include "rules/rollout.h"

static trib_status compile_when(struct trib_bytes when, const struct trib_spaces *spaces,
				const struct trib_hash_key *key, struct trib_tree **ret_tree,
				struct trib_error *error)
{
	const struct trib_tree_options options = {
		.spaces = spaces, .key = key, .name = "rollout", .number = 1, .version = 1
	};
	struct trib_buffer json;
	trib_status status;

	if (when.size > TRIB_LIMIT_CEL_SOURCE_BYTES)
		return trib_fail(error, TRIB_TOO_LARGE, "when",
				 "found %zu bytes, expected at most %d", when.size,
				 TRIB_LIMIT_CEL_SOURCE_BYTES);
	trib_buffer_init(&json, TRIB_LIMIT_CEL_SOURCE_BYTES * 6 + 64);
	trib_buffer_add_text(&json, "{\"root\":{\"id\":\"rollout\",\"when\":");
	trib_json_add_string(&json, when);
	trib_buffer_add_text(&json, "}}");
	status = trib_tree_new(&options, trib_buffer_bytes(&json), ret_tree, error);
	trib_buffer_fini(&json);
	return status;
}

trib_status rollout_new(const Tributary__RulesActivated *event, const struct trib_spaces *spaces,
			const struct trib_hash_key *key, struct rollout **ret_rollout,
			struct trib_error *error)
{
	struct trib_bytes when = trib_bytes_text(event->when ? event->when : "");
	struct trib_tree *tree = NULL;
	struct rollout *rollout;
	trib_status status;
	char *text;

	if (when.size) {
		status = compile_when(when, spaces, key, &tree, error);
		if (status != TRIB_OK)
			return status;
	}
	rollout =
		trib_alloc_zeroed(1, sizeof(*rollout) + event->n_step * sizeof(rollout->steps[0]));
	text = trib_alloc(when.size + 1);
	if (when.size)
		memcpy(text, when.data, when.size);
	text[when.size] = '\0';
	rollout->references = 1;
	rollout->salt = event->salt;
	rollout->when = tree;
	rollout->when_text = trib_bytes(text, when.size);
	rollout->step_count = (uint32_t)event->n_step;
	for (size_t i = 0; i < event->n_step; i++)
		rollout->steps[i] =
			(struct rollout_step){ event->step[i]->at, event->step[i]->share_bps };
	*ret_rollout = rollout;
	return TRIB_OK;
}

struct rollout *rollout_ref(struct rollout *rollout)
{
	if (rollout)
		__atomic_fetch_add(&rollout->references, 1, __ATOMIC_RELAXED);
	return rollout;
}

void rollout_unref(struct rollout *rollout)
{
	if (!rollout || __atomic_fetch_sub(&rollout->references, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	trib_tree_unref(rollout->when);
	free((char *)(uintptr_t)rollout->when_text.data);
	free(rollout);
}

uint32_t rollout_share_bps(const struct rollout *rollout, int64_t now_ms)
{
	if (rollout->step_count == 0)
		return 10000;
	for (uint32_t i = rollout->step_count; i; i--)
		if (rollout->steps[i - 1].from_ms <= now_ms)
			return rollout->steps[i - 1].share_bps;
	return 0;
}

uint32_t rollout_position(const struct rollout *rollout, struct trib_bytes order)
{
	const char *slash = order.size ? memchr(order.data, '/', order.size) : NULL;
	uint64_t hash;

	if (slash)
		order.size = (size_t)(slash - order.data);
	hash = trib_hash_u64(trib_hash_bytes(order) ^ rollout->salt);
	return (uint32_t)((hash >> 32) * 10000 >> 32);
}
