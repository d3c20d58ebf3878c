/* The bytes of a snapshot: what is written is read; what is damaged, torn or strange is refused. */
#include "test.h"

#include "resolve/resolve.h"

static bool add(void *context, struct trib_bytes bytes)
{
	trib_buffer_add_bytes(context, bytes);
	return true;
}

static const struct trib_snapshot_head full = { .market = 7, .position = 900, .made_ms = 1000 };
static const struct trib_snapshot_head delta = { .market = 7, .since = 900, .position = 950, .made_ms = 2000 };

/* A full part with two rows and an event, then a delta with one event. */
static void write_file(struct trib_buffer *file)
{
	struct trib_snapshot_writer writer;

	trib_snapshot_begin(&writer, &full, add, file);
	trib_snapshot_row(&writer, TRIB_TABLE_NAME, trib_bytes("\0\0\0\1", 4), trib_bytes_text("beauty"));
	trib_snapshot_row(&writer, TRIB_TABLE_PARTY, trib_bytes("\0\0\0\1", 4), trib_bytes("", 0));
	trib_snapshot_event(&writer, 900, trib_bytes_text("event"));
	assert_true(trib_snapshot_end(&writer));
	trib_snapshot_begin(&writer, &delta, add, file);
	trib_snapshot_event(&writer, 950, trib_bytes_text("another"));
	assert_true(trib_snapshot_end(&writer));
}

static void what_is_written_is_read(void **state TRIB_UNUSED)
{
	struct trib_buffer file;
	struct trib_snapshot_part part;
	struct trib_snapshot_item item;
	struct trib_error error;
	size_t offset = 0;
	bool ok;

	trib_buffer_init(&file, 1 << 20);
	write_file(&file);
	assert_ok(trib_snapshot_next(trib_buffer_bytes(&file), &offset, &part, &error), error);
	assert_memory_equal(&part.head, &full, sizeof(full));
	struct trib_snapshot_cursor cursor = trib_snapshot_items(&part);

	assert_true(trib_snapshot_item(&cursor, &item, &ok));
	assert_int_equal(item.table, TRIB_TABLE_NAME);
	assert_true(trib_bytes_is(item.value, "beauty"));
	assert_true(trib_snapshot_item(&cursor, &item, &ok));
	assert_int_equal(item.value.size, 0);
	assert_true(trib_snapshot_item(&cursor, &item, &ok));
	assert_int_equal(item.kind, TRIB_SNAPSHOT_EVENTS);
	assert_int_equal(item.position, 900);
	assert_false(trib_snapshot_item(&cursor, &item, &ok));
	assert_true(ok);
	assert_ok(trib_snapshot_next(trib_buffer_bytes(&file), &offset, &part, &error), error);
	assert_memory_equal(&part.head, &delta, sizeof(delta));
	assert_int_equal(trib_snapshot_next(trib_buffer_bytes(&file), &offset, &part, &error), TRIB_NOT_FOUND);
	trib_buffer_fini(&file);
}

/* Every byte changed, every length cut: no part is believed that is not whole. */
static void damage_is_refused(void **state TRIB_UNUSED)
{
	struct trib_buffer file;
	struct trib_snapshot_part part;
	struct trib_error error;
	size_t first = 0;

	trib_buffer_init(&file, 1 << 20);
	write_file(&file);
	assert_ok(trib_snapshot_next(trib_buffer_bytes(&file), &first, &part, &error), error);
	for (size_t i = 0; i < first; i++) {
		size_t offset = 0;

		file.data[i] ^= 0x20;
		assert_int_not_equal(trib_snapshot_next(trib_buffer_bytes(&file), &offset, &part, &error), TRIB_OK);
		assert_int_equal(offset, 0);
		file.data[i] ^= 0x20;
	}
	for (size_t size = 1; size < first; size++) {
		/* On the heap alone, so that the sanitizer sees a byte too far. */
		TRIB_AUTOFREE char *cut = trib_alloc(size);
		size_t offset = 0;

		memcpy(cut, file.data, size);
		assert_int_equal(trib_snapshot_next(trib_bytes(cut, size), &offset, &part, &error), TRIB_CORRUPT);
	}
	trib_buffer_fini(&file);
}

/* A section that nobody knows is passed over, unless it says that it must not be. */
static void unknown_sections(void **state TRIB_UNUSED)
{
	for (uint32_t flags = 0; flags <= TRIB_SNAPSHOT_MUST; flags++) {
		struct trib_buffer file;
		struct trib_snapshot_part part;
		struct trib_snapshot_item item;
		struct trib_error error;
		size_t offset = 0;
		uint32_t kind = 99;
		uint64_t size = 5;
		unsigned char digest[TRIB_SNAPSHOT_DIGEST_BYTES];
		bool ok;

		trib_buffer_init(&file, 1 << 20);
		write_file(&file);
		file.size = TRIB_SNAPSHOT_HEADER_BYTES;
		trib_buffer_add(&file, &kind, 4);
		trib_buffer_add(&file, &flags, 4);
		trib_buffer_add(&file, &size, 8);
		trib_buffer_add_text(&file, "later");
		kind = TRIB_SNAPSHOT_END;
		size = sizeof(digest);
		trib_buffer_add(&file, &kind, 4);
		trib_buffer_add(&file, &flags, 4);
		trib_buffer_add(&file, &size, 8);
		crypto_generichash(digest, sizeof(digest), (const unsigned char *)file.data, file.size, NULL, 0);
		trib_buffer_add(&file, digest, sizeof(digest));
		assert_int_equal(trib_snapshot_next(trib_buffer_bytes(&file), &offset, &part, &error),
				 flags ? TRIB_UNSUPPORTED : TRIB_OK);
		if (!flags) {
			struct trib_snapshot_cursor cursor = trib_snapshot_items(&part);

			assert_false(trib_snapshot_item(&cursor, &item, &ok));
			assert_true(ok);
		}
		trib_buffer_fini(&file);
	}
}

/* A whole part whose content makes no sense changes nothing but a view that is thrown away. */
static void nonsense_is_refused(void **state TRIB_UNUSED)
{
	struct trib_buffer file;
	struct trib_snapshot_part part;
	struct trib_error error;
	size_t offset = 0;
	struct trib_view *view = trib_view_new();

	trib_buffer_init(&file, 1 << 20);
	write_file(&file);
	assert_ok(trib_snapshot_next(trib_buffer_bytes(&file), &offset, &part, &error), error);
	assert_int_equal(trib_view_take(view, &part, &error), TRIB_CORRUPT);
	trib_view_free(view);
	view = trib_view_new();
	assert_ok(trib_snapshot_next(trib_buffer_bytes(&file), &offset, &part, &error), error);
	assert_int_equal(trib_view_take(view, &part, &error), TRIB_CONFLICT); /* a delta without its beginning */
	trib_view_free(view);
	trib_buffer_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(unknown_sections),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
