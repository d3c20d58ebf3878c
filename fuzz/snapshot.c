/*
 * Any bytes as a snapshot: as they are, which the digest stops; and with digests that fit, so that what gets past them must
 * not harm either. What is taken is also resolved by: an order of some goods, by some creators.
 *
 * Mutation keeps the shape: it changes one row, event or head, and writes the parts anew.
 */
#include "resolve/resolve.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_BYTES_MAX = 1 << 20, NOUNS_TRIED = 4 };

/* --- Resolving ---------------------------------------------------------------------------------------- */

static void resolve(const struct trib_view *view)
{
	static struct trib_order_record record, again;
	static char bytes[1 << 20];
	struct trib_arena scratch;

	trib_arena_init(&scratch, 1 << 20);
	for (uint32_t i = 0; i < 2 * NOUNS_TRIED; i++) {
		const struct trib_resolve_request request = { .now_ms = trib_view_made_ms(view) + (int64_t)i * 1000,
							      .scratch = &scratch };

		trib_order_record_reset(&record);
		record.order = trib_bytes_text("o1");
		record.goods = 1 + i % NOUNS_TRIED;
		if (record.goods > trib_domain_count(trib_view_market(view)->domain, TRIB_NOUN_GOODS))
			continue;
		record.base_amount = 9999;
		record.qty = 1;
		record.at_ms = trib_view_made_ms(view);
		record.n_touches = 1 + i % 3;
		for (uint32_t j = 0; j < record.n_touches; j++)
			record.touches[j].touch = (struct trib_touch){
				.at_ms = record.at_ms - 1000 + j, .issued_at_ms = record.at_ms - 1000 + j, .link = 1 + i,
				.goods = record.goods, .creator = 1 + (i / NOUNS_TRIED + j) % 8, .plan = 1 + j, .plan_version = 1,
				.registration = 1, .kind = 1,
			};
		trib_view_resolve(view, &request, &record);
		trib_assert(trib_order_record_bytes_max(&record) <= sizeof(bytes));
		char *end = trib_order_record_put(bytes, &record);

		trib_assert(trib_order_record_get(trib_bytes(bytes, (size_t)(end - bytes)), &again));
		trib_assert(again.charged == record.charged && again.n_lines == record.n_lines);
	}
	trib_arena_fini(&scratch);
}

static void take(struct trib_bytes file)
{
	struct trib_snapshot_part part;
	struct trib_error error;
	size_t offset = 0;

	if (trib_snapshot_next(file, &offset, &part, &error) != TRIB_OK)
		return;
	struct trib_view *view = trib_view_new();

	while (trib_view_take(view, &part, &error) == TRIB_OK) {
		resolve(view);
		if (trib_snapshot_next(file, &offset, &part, &error) != TRIB_OK)
			break;
	}
	trib_view_free(view);
}

/* --- Digests that fit --------------------------------------------------------------------------------- */

/* Where the part ends that begins at `begin`; 0 where its sections pass the file. Its digest is made to fit. */
static size_t sign_part(struct trib_buffer *file, size_t begin)
{
	size_t at = begin + TRIB_SNAPSHOT_HEADER_BYTES;
	uint32_t kind;
	uint64_t bytes;

	for (;; at += bytes) {
		if (at + TRIB_SNAPSHOT_SECTION_BYTES > file->size)
			return 0;
		memcpy(&kind, file->data + at, sizeof(kind));
		memcpy(&bytes, file->data + at + 8, sizeof(bytes));
		at += TRIB_SNAPSHOT_SECTION_BYTES;
		if (bytes > file->size - at)
			return 0;
		if (kind == TRIB_SNAPSHOT_END)
			break;
	}
	if (bytes != TRIB_SNAPSHOT_DIGEST_BYTES)
		return 0;
	crypto_generichash((unsigned char *)file->data + at, bytes, (const unsigned char *)file->data + begin, at - begin, NULL,
			   0);
	return at + bytes;
}

static void sign(struct trib_buffer *file)
{
	size_t at = 0;

	while (at < file->size && (at = sign_part(file, at)) != 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trib_buffer file;

	if (sodium_init() < 0 || size > FILE_BYTES_MAX)
		return 0;
	trib_buffer_init(&file, FILE_BYTES_MAX + 64);
	trib_buffer_add(&file, data, size);
	take(trib_buffer_bytes(&file));
	sign(&file);
	take(trib_buffer_bytes(&file));
	trib_buffer_fini(&file);
	return 0;
}

/* --- Mutation ----------------------------------------------------------------------------------------- */

enum change { KEEP, CHANGE, DOUBLE, DROP };

struct rewrite {
	struct trib_buffer *out;
	struct trib_rng *rng;
	uint64_t victim, seen; /* which item is changed, and how many have passed */
	enum change change;
	char value[16 << 10];
};

static bool add(void *context, struct trib_bytes bytes)
{
	return trib_buffer_add_bytes(context, bytes), !((struct trib_buffer *)context)->failed;
}

static void put_item(struct trib_snapshot_writer *writer, const struct trib_snapshot_item *item)
{
	if (item->kind == TRIB_SNAPSHOT_ROWS)
		trib_snapshot_row(writer, item->table, item->key, item->value);
	else
		trib_snapshot_event(writer, item->position, item->value);
}

static void change_item(struct rewrite *rewrite, struct trib_snapshot_item *item)
{
	struct trib_rng *rng = rewrite->rng;
	size_t room = sizeof(rewrite->value);

	if (trib_rng_chance(rng, 0.1))
		item->table = (enum trib_table)fuzz_number(rng, item->table);
	else if (trib_rng_chance(rng, 0.1))
		item->position = fuzz_number(rng, item->position);
	else if (item->kind == TRIB_SNAPSHOT_ROWS && trib_rng_chance(rng, 0.1))
		item->key = trib_bytes(rewrite->value, fuzz_mutate_bytes(rewrite->value, item->key, 64));
	else if (item->value.size < room)
		item->value = trib_bytes(rewrite->value, fuzz_put_message(rewrite->value, item->value, room, rng, 0));
}

static void rewrite_part(struct rewrite *rewrite, const struct trib_snapshot_part *part)
{
	struct trib_snapshot_cursor cursor = trib_snapshot_items(part);
	struct trib_snapshot_head head = part->head;
	struct trib_snapshot_writer writer;
	struct trib_snapshot_item item;
	bool ok;

	if (rewrite->change == CHANGE && trib_rng_chance(rewrite->rng, 0.02))
		*(trib_rng_chance(rewrite->rng, 0.5) ? &head.since : &head.position) = fuzz_number(rewrite->rng, head.position);
	trib_snapshot_begin(&writer, &head, add, rewrite->out);
	while (trib_snapshot_item(&cursor, &item, &ok)) {
		bool victim = rewrite->seen++ == rewrite->victim;

		if (victim && rewrite->change == CHANGE)
			change_item(rewrite, &item);
		if (!victim || rewrite->change != DROP)
			put_item(&writer, &item);
		if (victim && rewrite->change == DOUBLE)
			put_item(&writer, &item);
	}
	trib_snapshot_end(&writer);
}

/* Writes the parts of a file; returns how many items they have. */
static uint64_t rewrite_file(struct trib_bytes file, struct rewrite *rewrite)
{
	struct trib_snapshot_part part;
	size_t offset = 0;

	trib_buffer_reset(rewrite->out);
	rewrite->seen = 0;
	while (trib_snapshot_next(file, &offset, &part, NULL) == TRIB_OK)
		rewrite_part(rewrite, &part);
	return rewrite->seen;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static struct rewrite rewrite;
	struct trib_buffer file, out;
	struct trib_rng rng;
	size_t made = 0;

	trib_rng_seed(&rng, seed);
	if (trib_rng_chance(&rng, 0.05))
		return LLVMFuzzerMutate(data, size, max);
	trib_buffer_init(&file, 4 * FILE_BYTES_MAX);
	trib_buffer_init(&out, 4 * FILE_BYTES_MAX);
	trib_buffer_add(&file, data, size);
	sign(&file);
	rewrite.out = &out;
	rewrite.rng = &rng;
	rewrite.change = KEEP;
	uint64_t items = rewrite_file(trib_buffer_bytes(&file), &rewrite);

	if (items) {
		rewrite.victim = trib_rng_below(&rng, items);
		rewrite.change = trib_rng_chance(&rng, 0.8) ? CHANGE : trib_rng_chance(&rng, 0.5) ? DOUBLE : DROP;
		rewrite_file(trib_buffer_bytes(&file), &rewrite);
		if (!out.failed && out.size <= max && out.size) {
			memcpy(data, out.data, out.size);
			made = out.size;
		}
	}
	trib_buffer_fini(&file);
	trib_buffer_fini(&out);
	return made ? made : LLVMFuzzerMutate(data, size, max);
}
