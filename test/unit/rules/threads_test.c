/* One tree walked by several threads while the engine's thread tells it of names: under TSan no race, and a walk never
 * leads anywhere but to where it led before or leads after. */
#include "world.h"

#include <pthread.h>

enum { WALKERS = 2, GOODS = 400 };

static struct trib_tree *tree;
static bool stop;

/* Goods that the space does not know match by their texts; once known, by their codes. Codes run as texts do. */
static void *walk_on(void *context)
{
	struct world world;
	uint64_t *walks = context;

	world_init(&world);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE) || *walks == 0)
		for (uint32_t code = 1; code <= GOODS; code++) {
			struct trib_facts facts;
			struct trib_walk walk;
			char id[16];

			trib_facts_init(&facts, &world.spaces, &world.scratch);
			trib_facts_open(&facts, TRIB_GROUP_ORDER);
			trib_facts_set_string(&facts, TRIB_FACT_ORDER_GOODS, code,
					      trib_bytes_text(""));
			trib_tree_walk(tree, &facts, &walk);
			snprintf(id, sizeof(id), "n%u", code);
			if (!trib_bytes_is(walk.node->id, id) && !trib_bytes_is(walk.node->id, "r"))
				abort();
			++*walks;
		}
	world_fini(&world);
	return NULL;
}

static void walkers_see_names_or_not(void **state)
{
	struct world world;
	struct trib_buffer json;
	pthread_t threads[WALKERS];
	uint64_t walks[WALKERS] = { 0 };
	struct world_facts facts;
	struct trib_walk walk;
	struct trib_error error;

	world_init(&world);
	trib_buffer_init(&json, 1 << 20);
	trib_buffer_add_text(&json, "{\"root\":{\"id\":\"r\",\"children\":[");
	/* A table, a list, a test. */
	for (int i = 1; i <= GOODS; i++) {
		const char *format =
			i < GOODS / 2 ? "%s{\"id\":\"n%d\",\"when\":\"order.goods == 'g%d'\"}"
			: i % 2 ? "%s{\"id\":\"n%d\",\"when\":\"order.qty < 0 || order.goods in "
				  "['g%d','x']\"}"
				: "%s{\"id\":\"n%d\",\"when\":\"order.goods == 'g%d' || order.qty "
				  "< 0\"}";

		trib_buffer_add_format(&json, format, i > 1 ? "," : "", i, i);
	}
	trib_buffer_add_text(&json, "]}}");
	struct trib_tree_options options = {
		.spaces = &world.spaces, .key = &world_key, .name = "t", .trusted = true
	};

	assert_ok(trib_tree_new(&options, trib_buffer_bytes(&json), &tree, &error), error);
	for (int i = 0; i < WALKERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, walk_on, &walks[i]), 0);
	for (uint32_t i = 1; i <= GOODS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "g%u", i);
		assert_int_equal(world_add(&world, TRIB_SPACE_GOODS, name), i);
		trib_tree_name_added(tree, TRIB_SPACE_GOODS, trib_bytes_text(name), i);
		sched_yield();
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < WALKERS; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 1; i <= GOODS; i++) {
		char text[32], id[16];

		snprintf(text, sizeof(text), "order.goods=g%u", i);
		snprintf(id, sizeof(id), "n%u", i);
		trib_tree_walk(tree, world_facts(&world, text, &facts), &walk);
		assert_true(trib_bytes_is(walk.node->id, id));
	}
	trib_tree_unref(tree);
	trib_buffer_fini(&json);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walkers_see_names_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
