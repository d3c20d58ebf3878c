/*
 * Any bytes as what a site exports, of every site and kind of file. Beyond not crashing: amounts lie in their
 * range, goods are lines of JSON that an import reads, and how the file is cut while it is read does not matter.
 */
#include "base/limits.h"
#include "domain/site.h"
#include "proto/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct trib_bytes rest;
	size_t step;
};

static trib_status read_input(void *context, char *buffer, size_t size, size_t *ret_size,
			      struct trib_error *error)
{
	struct input *input = context;
	size_t n = TRIB_MIN(TRIB_MIN(input->step, size), input->rest.size);

	memcpy(buffer, input->rest.data, n);
	input->rest = trib_bytes(input->rest.data + n, input->rest.size - n);
	*ret_size = n;
	return TRIB_OK;
}

static void check_goods(struct trib_bytes line)
{
	struct trib_arena arena;
	ProtobufCMessage *message;
	struct trib_error error;

	trib_arena_init(&arena, 16 << 20);
	trib_assert(trib_proto_from_json(&tributary__goods__descriptor, line, &arena, &message,
					 &error) == TRIB_OK);
	trib_arena_fini(&arena);
}

static uint64_t read_all(const struct trib_site_adapter *site, enum trib_site_file file, struct input input,
			 trib_status *ret_status)
{
	struct trib_site_reader *reader = trib_site_reader_new(site, file, read_input, &input);
	struct trib_site_row row;
	struct trib_error error;
	struct trib_buffer line;
	uint64_t rows = 0;

	trib_buffer_init(&line, 1 << 20);
	while ((*ret_status = trib_site_next(reader, &row, &error)) == TRIB_OK && row.line) {
		rows++;
		if (file == TRIB_SITE_FEED) {
			trib_buffer_reset(&line);
			trib_site_add_goods(site, &row, &line);
			check_goods(trib_buffer_bytes(&line));
		} else {
			trib_assert(row.values[TRIB_SITE_PAID].number >= 0);
			trib_assert(row.values[TRIB_SITE_ESTIMATED].number >= 0);
		}
	}
	trib_buffer_fini(&line);
	trib_site_reader_free(reader);
	return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "jd", "taobao" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++)
		for (int file = TRIB_SITE_FEED; file <= TRIB_SITE_ORDERS; file++) {
			const struct trib_site_adapter *site = trib_site_adapter_find(names[i]);
			struct input whole = { trib_bytes(data, size), SIZE_MAX };
			struct input cut = { trib_bytes(data, size), 1 + size % 97 };
			trib_status first, second;
			uint64_t rows = read_all(site, (enum trib_site_file)file, whole, &first);

			trib_assert(rows ==
				    read_all(site, (enum trib_site_file)file, cut, &second));
			trib_assert(first == second);
		}
	return 0;
}
