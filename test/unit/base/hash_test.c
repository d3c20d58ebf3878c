#include "test.h"
#include "base/hash.h"

/* Bit by bit, as the definition has it. */
static uint32_t crc32c_stupid(uint32_t seed, const unsigned char *data, size_t size)
{
	uint32_t crc = ~seed;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static void crc32c_known_values(void **state)
{
	unsigned char bytes[32] = { 0 };

	assert_int_equal(trib_crc32c(0, "123456789", 9), 0xe3069283u);
	assert_int_equal(trib_crc32c(0, bytes, 32), 0x8a9136aau); /* RFC 3720, B.4 */
	memset(bytes, 0xff, 32);
	assert_int_equal(trib_crc32c(0, bytes, 32), 0x62a8ab43u);
	assert_int_equal(trib_crc32c(0, "", 0), 0);
}

static void crc32c_like_its_twin_at_every_size(void **state)
{
	enum { SIZE = 20000 };
	struct trib_rng rng;
	unsigned char *bytes = trib_alloc(SIZE);

	trib_rng_seed(&rng, trib_test_seed());
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (unsigned char)trib_rng_u64(&rng);
	for (int round = 0; round < 300; round++) {
		size_t from = trib_rng_below(&rng, 64), size = trib_rng_below(&rng, SIZE - from);
		size_t cut = trib_rng_below(&rng, size + 1);
		uint32_t whole = trib_crc32c(0, bytes + from, size);

		assert_int_equal(whole, crc32c_stupid(0, bytes + from, size));
		assert_int_equal(trib_crc32c(trib_crc32c(0, bytes + from, cut), bytes + from + cut,
					     size - cut),
				 whole);
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_known_values),
		cmocka_unit_test(crc32c_like_its_twin_at_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
