#include "test.h"

#include "base/metrics.h"

static void prints_what_prometheus_reads(void **state)
{
	struct trib_metrics *metrics = trib_metrics_new();
	struct trib_buffer text;

	trib_metrics_label(metrics, TRIB_METRIC_ORDERS, 0, "attributed");
	trib_metrics_label(metrics, TRIB_METRIC_ORDERS, 7, "a\"b");
	trib_metrics_add(metrics, TRIB_METRIC_ORDERS, 0, 2);
	trib_metrics_add(metrics, TRIB_METRIC_ORDERS, 0, 3);
	trib_metrics_set(metrics, TRIB_METRIC_POSITION, 0, 4096);
	trib_metrics_observe(metrics, TRIB_METRIC_HTTP_SECONDS, 0, 4000);
	trib_metrics_observe(metrics, TRIB_METRIC_HTTP_SECONDS, 0, 4001);
	trib_metrics_observe(metrics, TRIB_METRIC_HTTP_SECONDS, 0, UINT64_MAX / 2);
	trib_metrics_add(NULL, TRIB_METRIC_ORDERS, 0, 1);
	trib_buffer_init(&text, 1 << 20);
	trib_metrics_print(metrics, &text);

	static const char *const lines[] = {
		"# HELP tributary_orders_total order lines decided, repeats not counted\n",
		"\n# TYPE tributary_orders_total counter\n",
		"\ntributary_orders_total{outcome=\"attributed\"} 5\n",
		"\ntributary_orders_total{outcome=\"a\\\"b\"} 0\n",
		"\ntributary_position 4096\n",
		"\ntributary_http_request_seconds_bucket{le=\"4e-06\"} 1\n",
		"\ntributary_http_request_seconds_bucket{le=\"8e-06\"} 2\n",
		"_bucket{le=\"+Inf\"} 3\n",
		"\ntributary_http_request_seconds_count 3\n",
	};
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(lines); i++)
		if (!strstr(trib_buffer_text(&text), lines[i]))
			fail_msg("no %s in %s", lines[i], trib_buffer_text(&text));
	assert_int_equal(trib_metrics_value(metrics, TRIB_METRIC_ORDERS, 0), 5);
	trib_buffer_fini(&text);
	trib_metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_what_prometheus_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
