/* What the tests of this room share: a temporary data folder with keys, and random tokens. */
#ifndef TRIB_TEST_TRACK_SUPPORT_H
#define TRIB_TEST_TRACK_SUPPORT_H

#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "track/track.h"

struct data_folder {
	char path[64];
};

static inline void data_folder_make(struct data_folder *folder)
{
	strcpy(folder->path, "/tmp/tributary-test-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
}

static inline void data_folder_remove(struct data_folder *folder)
{
	static const char *const names[] = { "/keys/token.keys",
					     "/keys/token.keys.new",
					     "/keys/hash.keys",
					     "/keys/hash.keys.new",
					     "/keys",
					     "" };
	char path[128];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", folder->path, names[i]);
		remove(path);
	}
}

static inline const char *data_file(const struct data_folder *folder, const char *name,
				    char path[128])
{
	snprintf(path, 128, "%s/keys/%s", folder->path, name);
	return path;
}

/* Writes a file as somebody other than us would. */
static inline void data_file_put(const struct data_folder *folder, const char *name,
				 const char *text, mode_t mode)
{
	char path[128];
	int fd;

	data_file(folder, name, path);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* A number whose length in bits is uniform, so that every length of varint comes up. */
static inline uint64_t random_number(struct trib_rng *rng, unsigned bits)
{
	unsigned size = (unsigned)trib_rng_below(rng, bits + 1);

	return size ? trib_rng_u64(rng) >> (64 - size) : 0;
}

static inline void random_ext(struct trib_rng *rng, struct trib_token *token)
{
	size_t left = TRIB_LIMIT_TOKEN_EXT_BYTES;
	uint8_t *out = token->ext;
	char key = (char)('a' + trib_rng_below(rng, 5));

	while (left >= 3 && trib_rng_chance(rng, 0.8)) {
		size_t size = trib_rng_below(rng, left - 2);

		*out++ = 1;
		*out++ = (uint8_t)key;
		*out++ = (uint8_t)size;
		for (size_t i = 0; i < size; i++)
			*out++ = (uint8_t)trib_rng_u64(rng);
		left -= 3 + size;
		key++;
	}
	token->ext_size = (uint8_t)(out - token->ext);
}

/* Any content, some of it too long for a token. */
static inline struct trib_token random_token(struct trib_rng *rng)
{
	struct trib_token token = {
		.link = random_number(rng, 48),
		.issued_at_ms = (int64_t)random_number(rng, 48),
		.registration = (uint32_t)random_number(rng, 32),
		.plan = (uint32_t)random_number(rng, 32),
		.plan_version = (uint32_t)random_number(rng, 32),
		.goods = (uint32_t)random_number(rng, 32),
		.creator = (uint32_t)random_number(rng, 32),
		.channel = (uint32_t)random_number(rng, 32),
		.order_engine = (uint16_t)random_number(rng, 16),
		.goods_engine = (uint16_t)random_number(rng, 16),
		.ext_kept = trib_rng_chance(rng, 0.1),
	};

	if (trib_rng_chance(rng, 0.5))
		token.carrier_kind = (uint32_t)random_number(rng, 32);
	if (trib_rng_chance(rng, 0.5))
		token.carrier = (uint32_t)random_number(rng, 32);
	if (trib_rng_chance(rng, 0.5))
		token.carrier_owner = (uint32_t)random_number(rng, 32);
	if (trib_rng_chance(rng, 0.5))
		token.page = (uint32_t)random_number(rng, 32);
	if (trib_rng_chance(rng, 0.3))
		token.offer =
			trib_rng_chance(rng, 0.5) ? token.plan : (uint32_t)random_number(rng, 32);
	if (trib_rng_chance(rng, 0.3))
		random_ext(rng, &token);
	return token;
}

static inline bool tokens_equal(const struct trib_token *a, const struct trib_token *b)
{
	return a->link == b->link && a->issued_at_ms == b->issued_at_ms &&
	       a->registration == b->registration && a->plan == b->plan &&
	       a->plan_version == b->plan_version && a->offer == b->offer && a->goods == b->goods &&
	       a->creator == b->creator && a->channel == b->channel &&
	       a->carrier_kind == b->carrier_kind && a->carrier == b->carrier &&
	       a->carrier_owner == b->carrier_owner && a->page == b->page &&
	       a->order_engine == b->order_engine && a->goods_engine == b->goods_engine &&
	       a->key == b->key && a->ext_kept == b->ext_kept && a->ext_size == b->ext_size &&
	       memcmp(a->ext, b->ext, sizeof(a->ext)) == 0;
}

#endif
