/*
 * Any bytes as the sections of a snapshot, under a digest that fits: what gets past the digest must not harm either.
 * And the bytes as they are, which the digest stops.
 */
#include "resolve/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(struct trib_bytes file)
{
	struct trib_view *view = trib_view_new();
	struct trib_snapshot_part part;
	struct trib_error error;
	size_t offset = 0;

	while (trib_snapshot_next(file, &offset, &part, &error) == TRIB_OK &&
	       trib_view_take(view, &part, &error) == TRIB_OK)
		;
	trib_view_free(view);
}

/* A part around the bytes: header, they, END and the digest. */
static void take_sections(struct trib_bytes sections)
{
	static const char header[] = "TRIBSNAP\1\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\377\377\377\377\0\0\0\0\0\0\0\0\0\0\0\0";
	char end[TRIB_SNAPSHOT_SECTION_BYTES] = { 0 };
	unsigned char digest[TRIB_SNAPSHOT_DIGEST_BYTES];
	struct trib_buffer file;

	_Static_assert(sizeof(header) - 1 == TRIB_SNAPSHOT_HEADER_BYTES, "a whole header");
	end[8] = (char)sizeof(digest);
	trib_buffer_init(&file, 1 << 26);
	trib_buffer_add(&file, header, sizeof(header) - 1);
	trib_buffer_add_bytes(&file, sections);
	trib_buffer_add(&file, end, sizeof(end));
	crypto_generichash(digest, sizeof(digest), (const unsigned char *)file.data, file.size, NULL, 0);
	trib_buffer_add(&file, digest, sizeof(digest));
	take(trib_buffer_bytes(&file));
	trib_buffer_fini(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (sodium_init() < 0 || size > 1 << 20)
		return 0;
	take(trib_bytes(data, size));
	take_sections(trib_bytes(data, size));
	return 0;
}
