/*
 * Any bytes as the `shares` of a node. What is accepted splits any base, by any rates and for any parties, so that
 * every payer's charges are others' credits; and what a chain of two such splits adds to the books is their difference.
 */
#include "base/names.h"
#include "base/rng.h"
#include "commission/commission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct trib_hash_key key = { { 9 } };
static struct trib_names *names;

static uint32_t find(void *context, enum trib_space space, struct trib_bytes text)
{
	return trib_names_find(names, text);
}

static struct trib_bytes text_of(void *context, enum trib_space space, uint32_t code)
{
	return trib_names_text(names, code);
}

static const struct trib_spaces spaces = { .find = find, .text = text_of };

static size_t split(struct trib_rng *rng, const struct trib_node *node, struct trib_line *lines)
{
	uint32_t parties[TRIB_SLOTS] = { 0 };
	struct trib_rates rates = { .all_to_agency = trib_rng_chance(rng, 0.3) };
	int64_t base = (int64_t)(trib_rng_u64(rng) >> (1 + trib_rng_below(rng, 63))), charged;
	const char *reason = "";

	for (size_t i = 1; i < TRIB_RATES; i++)
		rates.bps[i] = (uint16_t)trib_rng_below(rng, 10001);
	for (uint32_t slot = 0; slot < TRIB_SLOTS; slot++)
		parties[slot] = trib_rng_chance(rng, 0.9) ? slot + 1 : 0;
	size_t n = trib_split(node->shares, node->n_shares, base, &rates, parties, lines, &charged);

	trib_assert(n <= TRIB_SPLIT_LINES_MAX);
	trib_assert(trib_split_conserved(node->shares, node->n_shares, base, lines, n, charged, &reason));
	return n;
}

static size_t transfers_of(const struct trib_line *lines, size_t n, bool posted, struct trib_transfer *transfers)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t kinds = trib_line_kinds((enum trib_line_kind)lines[i].kind, lines[i].from + 1u, lines[i].to + 1u, false);

		transfers[i] = (struct trib_transfer){ .name = lines[i].share,
						       .from_party = lines[i].from_party,
						       .from_role = lines[i].from + 1u,
						       .to_party = lines[i].to_party,
						       .to_role = lines[i].to + 1u,
						       .from_kind = trib_kinds_from(kinds, lines[i].from + 1u),
						       .to_kind = trib_kinds_to(kinds, lines[i].to + 1u) };
		*(posted ? &transfers[i].posted : &transfers[i].pending) = lines[i].amount;
	}
	return n;
}

/* The books after both steps hold what the second split says, whatever the first was. */
static void chain(struct trib_rng *rng, const struct trib_node *node)
{
	struct trib_line lines[TRIB_SPLIT_LINES_MAX];
	struct trib_transfer before[TRIB_SPLIT_LINES_MAX], after[TRIB_SPLIT_LINES_MAX];
	struct trib_transfer added[2 * TRIB_SPLIT_LINES_MAX], left[2 * TRIB_SPLIT_LINES_MAX];
	size_t n_before = transfers_of(lines, split(rng, node, lines), false, before);
	size_t n_after = transfers_of(lines, split(rng, node, lines), trib_rng_chance(rng, 0.5), after);
	size_t n_added = trib_chain_difference(before, n_before, after, n_after, added);

	trib_assert(n_added <= n_before + n_after);
	/* What is to be added to `before` and then taken from `after` leaves nothing. */
	for (size_t i = 0; i < n_added; i++) {
		char bytes[TRIB_TRANSFER_BYTES_MAX];
		struct trib_transfer again;
		char *end = trib_transfer_put(bytes, 1, &added[i]);

		trib_assert(trib_transfer_get(trib_bytes(bytes + 2, (size_t)(end - bytes - 2)), &again));
		trib_assert(again.pending == added[i].pending && again.posted == added[i].posted);
		trib_assert(trib_transfer_same_line(&again, &added[i]));
	}
	trib_assert(trib_chain_difference(after, n_after, after, n_after, left) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trib_tree_options options = { .spaces = &spaces, .key = &key, .name = "fuzz" };
	struct trib_buffer json;
	struct trib_tree *tree;
	struct trib_error error;
	struct trib_rng rng;

	if (!names)
		names = trib_names_new(&key);
	trib_buffer_init(&json, 1 << 20);
	trib_buffer_add_text(&json, "{\"root\":{\"id\":\"r\",\"shares\":[");
	trib_buffer_add(&json, data, size);
	trib_buffer_add_text(&json, "]}}");
	if (!json.failed && trib_tree_new(&options, trib_buffer_bytes(&json), &tree, &error) == TRIB_OK) {
		trib_rng_seed(&rng, trib_hash_bytes(trib_buffer_bytes(&json)));
		for (int round = 0; round < 8; round++)
			for (uint32_t node = 0; node < trib_tree_nodes(tree); node++)
				chain(&rng, trib_tree_node(tree, node));
		trib_tree_unref(tree);
	}
	trib_buffer_fini(&json);
	return 0;
}
