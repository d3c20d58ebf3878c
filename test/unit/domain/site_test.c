#include "test.h"

#include "base/limits.h"
#include "domain/site.h"

/* A file in memory that is read a few bytes at a time. */
struct file {
	struct trib_bytes rest;
	size_t step;
};

static trib_status read_file(void *context, char *buffer, size_t size, size_t *ret_size,
			     struct trib_error *error)
{
	struct file *file = context;
	size_t n = TRIB_MIN(TRIB_MIN(file->step, size), file->rest.size);

	memcpy(buffer, file->rest.data, n);
	file->rest = trib_bytes(file->rest.data + n, file->rest.size - n);
	*ret_size = n;
	return TRIB_OK;
}

/* Of a feed: the goods. Of orders: `order/line pid status paid estimated final at`. Then the failure. */
static void read_all(const char *name, enum trib_site_file kind, struct trib_bytes text,
		     size_t step, struct trib_buffer *out)
{
	const struct trib_site_adapter *site = trib_site_adapter_find(name);
	struct file file = { text, step };
	struct trib_site_reader *reader = trib_site_reader_new(site, kind, read_file, &file);
	struct trib_site_row row;
	struct trib_error error;
	trib_status status;

	while ((status = trib_site_next(reader, &row, &error)) == TRIB_OK && row.line) {
		const struct trib_site_value *v = row.values;

		if (kind == TRIB_SITE_FEED)
			trib_site_add_goods(site, &row, out);
		else
			trib_buffer_add_format(
				out, "%d:%.*s/%.*s %.*s %.*s %lld %lld %lld %lld\n", (int)row.line,
				TRIB_BYTES_ARG(v[TRIB_SITE_ORDER].text),
				TRIB_BYTES_ARG(v[TRIB_SITE_LINE].text),
				TRIB_BYTES_ARG(v[TRIB_SITE_PID].text),
				TRIB_BYTES_ARG(v[TRIB_SITE_ORDER_STATUS].text),
				(long long)v[TRIB_SITE_PAID].number,
				(long long)v[TRIB_SITE_ESTIMATED].number,
				v[TRIB_SITE_FINAL].present ? (long long)v[TRIB_SITE_FINAL].number
							   : -1,
				(long long)v[TRIB_SITE_CREATED].number);
	}
	if (status != TRIB_OK)
		trib_buffer_add_format(out, "%s: %s", error.at, error.text);
	trib_site_reader_free(reader);
}

#define FEED   "item_id,title,shop_id,price,status,modified,stock\n"
#define ORDERS "trade_id,item_id,pid,status,paid,estimated,settled,created\n"
#define GOODS_1                                                                                    \
	"{\"id\":\"taobao-1\",\"merchant\":\"taobao-s1\",\"title\":\"灯\",\"price\":1990,"        \
	"\"currency\":\"CNY\","                                                                    \
	"\"site\":\"taobao\",\"stock\":5,\"status\":\"active\","                                   \
	"\"ext\":{\"site_goods\":\"1\",\"site_shop\":\"s1\",\"seen_at\":1795348803000}}\n"

static void rows_are_read_as_the_site_means_them(void **state)
{
	static const struct {
		const char *site;
		enum trib_site_file file;
		const char *text, *found;
	} rows[] = {
		/* clang-format off */
		{ "taobao", TRIB_SITE_FEED, FEED, "" },
		{ "taobao", TRIB_SITE_FEED, FEED "1,灯,s1,19.9,onsale,2026-11-22 20:00:03,5\n", GOODS_1 },
		{ "taobao", TRIB_SITE_FEED, "", "line 1: found nothing, expected the names of columns" },
		{ "taobao", TRIB_SITE_FEED, "item_id,title\n", "line 1, column shop_id: found no such column, expected one" },
		{ "taobao", TRIB_SITE_FEED, "item_id,item_id\n", "line 1, column item_id: found it twice, expected it once" },
		{ "taobao", TRIB_SITE_FEED, FEED "1,灯\n", "line 2: found 2 columns, expected 7 as in the first line" },
		{ "taobao", TRIB_SITE_FEED, FEED "1,灯,s1,19.905,onsale,2026-11-22 20:00:03,5\n",
		  "line 2, column price: found \"19.905\", expected yuan from 0 to 10^13 with at most two places" },
		{ "taobao", TRIB_SITE_FEED, FEED "1,灯,s1,-1,onsale,2026-11-22 20:00:03,5\n",
		  "line 2, column price: found \"-1\", expected yuan from 0 to 10^13 with at most two places" },
		{ "taobao", TRIB_SITE_FEED, FEED "1,灯,s1,1,sold,2026-11-22 20:00:03,5\n",
		  "line 2, column status: found \"sold\", expected one of onsale, instock, deleted" },
		{ "taobao", TRIB_SITE_FEED, FEED "1,灯,s1,1,onsale,1795348803000,5\n",
		  "line 2, column modified: found \"1795348803000\", expected a time like 2026-11-22 20:00:03" },
		{ "taobao", TRIB_SITE_FEED, FEED "1,灯,s1,1,onsale,2026-11-22 20:00:03,-5\n",
		  "line 2, column stock: found \"-5\", expected a whole number from 0 to 10^15" },
		{ "taobao", TRIB_SITE_FEED, FEED ",灯,s1,1,onsale,2026-11-22 20:00:03,5\n",
		  "line 2, column item_id: found nothing, expected a value" },
		{ "taobao", TRIB_SITE_FEED, FEED "a b,灯,s1,1,onsale,2026-11-22 20:00:03,5\n",
		  "line 2, column item_id: found \"a b\", expected an id of at most 55 bytes without space, control character or '/'" },
		{ "taobao", TRIB_SITE_ORDERS, ORDERS "t1,1,mm_1,已付款,19.90,3.98,,2026-11-22 20:00:03\n",
		  "2:t1/ mm_1 paid 1990 398 -1 1795348803000\n" },
		{ "taobao", TRIB_SITE_ORDERS, ORDERS "t1,1,,已结算,19.90,3.98,3.5,2026-11-22 20:00:03\n",
		  "2:t1/  settled 1990 398 350 1795348803000\n" },
		{ "jd", TRIB_SITE_ORDERS, "", "" },
		{ "jd", TRIB_SITE_ORDERS, "\n{\"orderId\":7,\"lineId\":\"1\",\"skuId\":9,\"positionId\":30,\"validCode\":18,"
		  "\"payFen\":1990,\"estimateFen\":398,\"actualFen\":null,\"orderTime\":5}",
		  "2:7/1 30 settled 1990 398 -1 5\n" },
		{ "jd", TRIB_SITE_ORDERS, "{\"orderId\":{}}", "line 1, column orderId: found an object, expected a string or a number" },
		{ "jd", TRIB_SITE_ORDERS, "[]\n", "line 1: found an array, expected an object" },
		{ "jd", TRIB_SITE_FEED, "{}", "line 1, column skuId: found nothing, expected a value" },
		{ "jd", TRIB_SITE_FEED, "{\"skuId\":1,\"skuName\":\"a\",\"shopId\":1,\"priceFen\":1.5}",
		  "line 1, column priceFen: found \"1.5\", expected a whole number of cents from 0 to 10^15" },
		/* clang-format on */
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		for (size_t step = 1; step < 400; step += 57) {
			struct trib_buffer out;

			trib_buffer_init(&out, 1 << 20);
			read_all(rows[i].site, rows[i].file, trib_bytes_text(rows[i].text), step,
				 &out);
			assert_string_equal(trib_buffer_text(&out), rows[i].found);
			trib_buffer_fini(&out);
		}
}

static void a_row_has_an_end(void **state)
{
	size_t size = TRIB_LIMIT_CSV_ROW_BYTES + (256 << 10);
	char *text = trib_alloc(size);
	struct trib_buffer out;

	memset(text, ' ', size);
	trib_buffer_init(&out, 1 << 20);
	read_all("jd", TRIB_SITE_FEED, trib_bytes(text, size), size, &out);
	assert_string_equal(trib_buffer_text(&out),
			    "line 1: found a row of more than 1 MiB, expected a shorter one");
	trib_buffer_fini(&out);
	free(text);
}

static void sites_have_names(void **state)
{
	assert_null(trib_site_adapter_find("tmall"));
	assert_string_equal(trib_site_adapter_name(trib_site_adapter_find("jd")), "jd");
	assert_string_equal(trib_site_adapter_names(), "jd, taobao");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_read_as_the_site_means_them),
		cmocka_unit_test(a_row_has_an_end),
		cmocka_unit_test(sites_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
