#include "test.h"

#include "track/ext.h"

#define PAIR(k, v)                                                                                 \
	{                                                                                          \
		{ k, sizeof(k) - 1 },                                                              \
		{                                                                                  \
			v, sizeof(v) - 1                                                           \
		}                                                                                  \
	}

static void packs_what_fits(void **state)
{
	static const struct {
		struct trib_ext_pair pairs[3];
		size_t n, packed, size;
	} rows[] = {
		{ { PAIR("a", "") }, 0, 0, 0 },
		{ { PAIR("a", "") }, 1, 1, 3 },
		{ { PAIR("a", "1"), PAIR("b", "22"), PAIR("c", "333") }, 3, 3, 15 },
		{ { PAIR("a", "1"), PAIR("b", "22"), PAIR("c", "4444") }, 3, 3, 16 },
		{ { PAIR("a", "1"), PAIR("b", "22"), PAIR("c", "55555") }, 3, 2, 9 },
		{ { PAIR("a", "7777777777777") }, 1, 1, 16 },
		{ { PAIR("a", "88888888888888"), PAIR("b", "") }, 2, 0, 0 },
		{ { PAIR("12345678901234567", "") }, 1, 0, 0 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		uint8_t ext[TRIB_LIMIT_TOKEN_EXT_BYTES], size;
		size_t packed = trib_ext_pack(rows[i].pairs, rows[i].n, ext, &size), k = 0;
		struct trib_ext_pair pair;

		assert_int_equal(packed, rows[i].packed);
		assert_int_equal(size, rows[i].size);
		assert_true(trib_ext_valid(trib_bytes(ext, size)));
		for (struct trib_bytes rest = trib_bytes(ext, size); trib_ext_next(&rest, &pair);
		     k++) {
			assert_true(trib_bytes_equal(pair.key, rows[i].pairs[k].key));
			assert_true(trib_bytes_equal(pair.value, rows[i].pairs[k].value));
		}
		assert_int_equal(k, packed);
	}
}

static void refuses_other_forms(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		bool valid;
	} rows[] = {
		{ "", 0, true },
		{ "\1a\0", 3, true },
		{ "\1a\0\1b\0", 6, true },
		{ "\1a\0\2aa\0", 7, true },
		{ "\1a\0\1a\0", 6, false },
		{ "\1b\0\1a\0", 6, false },
		{ "\2aa\0\1a\0", 7, false },
		{ "\0\0", 2, false },
		{ "\1", 1, false },
		{ "\1a", 2, false },
		{ "\1a\1", 3, false },
		{ "\1a\377", 3, false },
		{ "\1a\0\0", 4, false },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		assert_int_equal(trib_ext_valid(trib_bytes(rows[i].bytes, rows[i].size)),
				 rows[i].valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packs_what_fits),
		cmocka_unit_test(refuses_other_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
