#include "base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>

struct row {
	enum trib_metric_kind kind;
	const char *name, *label, *help;
};

static const struct row rows[] = {
#define X(name, kind, text, label, help) { TRIB_##kind, text, label, help },
	TRIB_METRIC_TABLE(X)
#undef X
};

/* Bucket i holds what is at most 4 µs × 2^i; the last one everything else. The value is the count. */
struct cell {
	_Atomic uint64_t value; /* of a histogram: its count */
	char *label;
	struct histogram {
		_Atomic uint64_t sum_ns;
		_Atomic uint64_t buckets[TRIB_METRIC_BUCKETS];
	} * histogram;
};

enum { BUCKET_NS = 4000, TEXT_BYTES_MAX = 16 << 20 };

struct trib_metrics {
	pthread_mutex_t lock; /* of the text */
	struct trib_buffer text;
	struct cell cells[TRIB_METRIC_COUNT][TRIB_METRIC_CELLS];
};

static bool has_label(enum trib_metric metric)
{
	return rows[metric].label[0] != '\0';
}

struct trib_metrics *trib_metrics_new(void)
{
	struct trib_metrics *metrics = trib_alloc_zeroed(1, sizeof(*metrics));

	pthread_mutex_init(&metrics->lock, NULL);
	trib_buffer_init(&metrics->text, TEXT_BYTES_MAX);
	for (unsigned m = 0; m < TRIB_METRIC_COUNT; m++)
		if (!has_label(m))
			trib_metrics_label(metrics, m, 0, "");
	return metrics;
}

void trib_metrics_free(struct trib_metrics *metrics)
{
	if (!metrics)
		return;
	for (unsigned m = 0; m < TRIB_METRIC_COUNT; m++)
		for (unsigned c = 0; c < TRIB_METRIC_CELLS; c++) {
			free(metrics->cells[m][c].label);
			free(metrics->cells[m][c].histogram);
		}
	trib_buffer_fini(&metrics->text);
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}

void trib_metrics_set_text(struct trib_metrics *metrics, struct trib_bytes text)
{
	if (!metrics)
		return;
	pthread_mutex_lock(&metrics->lock);
	trib_buffer_reset(&metrics->text);
	trib_buffer_add_bytes(&metrics->text, text);
	pthread_mutex_unlock(&metrics->lock);
}

static struct cell *cell_of(const struct trib_metrics *metrics, enum trib_metric metric,
			    unsigned cell)
{
	trib_assert(cell < TRIB_METRIC_CELLS);
	return (struct cell *)&metrics->cells[metric][cell];
}

void trib_metrics_label(struct trib_metrics *metrics, enum trib_metric metric, unsigned cell,
			const char *value)
{
	if (!metrics)
		return;
	struct cell *found = cell_of(metrics, metric, cell);

	free(found->label);
	found->label = trib_strdup(value);
	if (rows[metric].kind == TRIB_HISTOGRAM && !found->histogram)
		found->histogram = trib_alloc_zeroed(1, sizeof(*found->histogram));
}

void trib_metrics_add(struct trib_metrics *metrics, enum trib_metric metric, unsigned cell,
		      uint64_t count)
{
	if (metrics)
		atomic_fetch_add_explicit(&cell_of(metrics, metric, cell)->value, count,
					  memory_order_relaxed);
}

void trib_metrics_set(struct trib_metrics *metrics, enum trib_metric metric, unsigned cell,
		      uint64_t value)
{
	if (metrics)
		atomic_store_explicit(&cell_of(metrics, metric, cell)->value, value,
				      memory_order_relaxed);
}

void trib_metrics_observe(struct trib_metrics *metrics, enum trib_metric metric, unsigned cell,
			  uint64_t ns)
{
	unsigned bucket = 0;

	if (!metrics)
		return;
	struct cell *found = cell_of(metrics, metric, cell);

	trib_assert(found->histogram);
	while (bucket < TRIB_METRIC_BUCKETS - 1 && ns > (uint64_t)BUCKET_NS << bucket)
		bucket++;
	atomic_fetch_add_explicit(&found->histogram->buckets[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&found->histogram->sum_ns, ns, memory_order_relaxed);
	atomic_fetch_add_explicit(&found->value, 1, memory_order_relaxed);
}

uint64_t trib_metrics_value(const struct trib_metrics *metrics, enum trib_metric metric,
			    unsigned cell)
{
	return metrics ? atomic_load_explicit(&cell_of(metrics, metric, cell)->value,
					      memory_order_relaxed)
		       : 0;
}

/* `{outcome="attributed",le="0.1"}`; nothing where there is neither. */
static void print_labels(const struct row *row, const struct cell *cell, const char *le,
			 struct trib_buffer *text)
{
	if (!row->label[0] && !le)
		return;
	trib_buffer_add_char(text, '{');
	if (row->label[0]) {
		trib_buffer_add_format(text, "%s=\"", row->label);
		for (const char *p = cell->label; *p; p++) {
			if (*p == '"' || *p == '\\')
				trib_buffer_add_char(text, '\\');
			trib_buffer_add_char(text, *p == '\n' ? ' ' : *p);
		}
		trib_buffer_add_char(text, '"');
	}
	if (le)
		trib_buffer_add_format(text, "%sle=\"%s\"", row->label[0] ? "," : "", le);
	trib_buffer_add_char(text, '}');
}

static void print_histogram(const struct row *row, const struct cell *cell,
			    struct trib_buffer *text)
{
	uint64_t below = 0;
	char le[32];

	for (unsigned b = 0; b < TRIB_METRIC_BUCKETS; b++) {
		below += atomic_load_explicit(&cell->histogram->buckets[b], memory_order_relaxed);
		if (b + 1 < TRIB_METRIC_BUCKETS)
			snprintf(le, sizeof(le), "%.9g", 1e-9 * BUCKET_NS * (double)(1u << b));
		else
			snprintf(le, sizeof(le), "+Inf");
		trib_buffer_add_format(text, "%s_bucket", row->name);
		print_labels(row, cell, le, text);
		trib_buffer_add_format(text, " %llu\n", (unsigned long long)below);
	}
	trib_buffer_add_format(text, "%s_sum", row->name);
	print_labels(row, cell, NULL, text);
	trib_buffer_add_format(text, " %.9f\n",
			       1e-9 * (double)atomic_load_explicit(&cell->histogram->sum_ns,
								   memory_order_relaxed));
	/* the count is what the buckets add up to, so that both agree while others write */
	trib_buffer_add_format(text, "%s_count", row->name);
	print_labels(row, cell, NULL, text);
	trib_buffer_add_format(text, " %llu\n", (unsigned long long)below);
}

void trib_metrics_print(const struct trib_metrics *metrics, struct trib_buffer *text)
{
	static const char *const kinds[] = {
		[TRIB_COUNTER] = "counter", [TRIB_GAUGE] = "gauge", [TRIB_HISTOGRAM] = "histogram"
	};

	if (!metrics)
		return;
	for (unsigned m = 0; m < TRIB_METRIC_COUNT; m++) {
		trib_buffer_add_format(text, "# HELP %s %s\n# TYPE %s %s\n", rows[m].name,
				       rows[m].help, rows[m].name, kinds[rows[m].kind]);
		for (unsigned c = 0; c < TRIB_METRIC_CELLS; c++) {
			const struct cell *cell = &metrics->cells[m][c];

			if (!cell->label)
				continue;
			if (rows[m].kind == TRIB_HISTOGRAM) {
				print_histogram(&rows[m], cell, text);
				continue;
			}
			trib_buffer_add_text(text, rows[m].name);
			print_labels(&rows[m], cell, NULL, text);
			trib_buffer_add_format(text, " %llu\n",
					       (unsigned long long)atomic_load_explicit(
						       &cell->value, memory_order_relaxed));
		}
	}
	pthread_mutex_lock(&((struct trib_metrics *)metrics)->lock);
	trib_buffer_add_bytes(text, trib_buffer_bytes(&metrics->text));
	pthread_mutex_unlock(&((struct trib_metrics *)metrics)->lock);
}
