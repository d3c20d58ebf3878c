/*
 * `tributary serve`: one process, embedded storage, both doors.
 *
 * One thread runs the engine and the RESP door in one event loop; HTTP has its own and asks by calls. Signals:
 * SIGTERM and SIGINT stop gracefully (what was accepted is answered, a checkpoint is taken); SIGHUP reads the keys
 * again at once.
 */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>
#include "cli/cli.h"
#include "base/log.h"
#include "server/server.h"

enum { TICK_MS = 20, KEYS_EVERY_TICKS = 50, DRAIN_TICKS_MAX = 250 };

struct serve {
	struct trib_config config;
	uv_loop_t loop;
	uv_check_t check;
	uv_timer_t timer;
	uv_poll_t journal_poll, call_poll;
	uv_signal_t sigterm, sigint, sighup;
	struct trib_engine *engine;
	struct trib_auth *auth;
	struct trib_metrics *metrics;
	struct trib_resp *resp;
	struct trib_http *http;
	struct trib_deliver *deliver;
	struct trib_tls *tls; /* NULL: the doors are plain */
	enum trib_engine_state told; /* the state that was last logged */
	uint64_t alarms_told;
	uint64_t ticks, drain_ticks;
	bool stopping;
	int exit_code;
};

static void do_nothing(uv_poll_t *poll TRIB_UNUSED, int status TRIB_UNUSED, int events TRIB_UNUSED)
{
	/* It has woken the loop; the work is done in on_check. */
}

static void watch(struct serve *serve)
{
	uv_poll_init(&serve->loop, &serve->journal_poll, trib_engine_event_fd(serve->engine));
	uv_poll_start(&serve->journal_poll, UV_READABLE, do_nothing);
}

static void tell_state(struct serve *serve)
{
	enum trib_engine_state state = trib_engine_state(serve->engine);

	if (state == serve->told)
		return;
	if (state == TRIB_ENGINE_RUNNING)
		trib_log_info("storage takes writes again", NULL);
	else
		trib_log_error("read-only", "place", trib_engine_reason(serve->engine)->at, "why",
			       trib_engine_reason(serve->engine)->text, NULL);
	serve->told = state;
}

static void on_unwatched(uv_handle_t *handle)
{
	struct serve *serve = handle->data;

	watch(serve);
}

/* A write has failed: nothing since the last durable batch has happened. */
static void recover(struct serve *serve)
{
	struct trib_error error;

	trib_log_error("a write failed; going back to the last durable position", "place",
		       trib_engine_reason(serve->engine)->at, "why", trib_engine_reason(serve->engine)->text, NULL);
	if (serve->resp)
		trib_resp_lost(serve->resp);
	uv_poll_stop(&serve->journal_poll);
	if (trib_engine_recover(serve->engine, &error) != TRIB_OK) {
		trib_log_error("cannot read the state back; stopping", "place", error.at, "why", error.text, NULL);
		serve->exit_code = TRIB_EXIT_FAILED;
		uv_stop(&serve->loop);
		return;
	}
	serve->journal_poll.data = serve;
	uv_close((uv_handle_t *)&serve->journal_poll, on_unwatched);
	serve->told = TRIB_ENGINE_LOST;
	tell_state(serve);
}

static void drain(struct serve *serve)
{
	bool resp_drained = !serve->resp || trib_resp_drained(serve->resp);
	bool http_drained = !serve->http || trib_http_drained(serve->http);

	bool delivered = !serve->deliver || trib_deliver_idle(serve->deliver);

	if ((resp_drained && http_drained && delivered) || serve->drain_ticks > DRAIN_TICKS_MAX)
		uv_stop(&serve->loop);
}

static void on_check(uv_check_t *check)
{
	struct serve *serve = check->data;

	if (trib_engine_turn(serve->engine) == TRIB_ENGINE_LOST) {
		recover(serve);
		return;
	}
	if (serve->resp)
		trib_resp_settle(serve->resp);
	if (serve->stopping)
		drain(serve);
}

static void publish_metrics(struct serve *serve)
{
	struct trib_engine_counts counts;
	struct trib_metrics *metrics = serve->metrics;

	trib_engine_count(serve->engine, &counts);
	for (unsigned i = 1; i < TRIB_ARRAY_SIZE(counts.outcomes); i++)
		trib_metrics_set(metrics, TRIB_METRIC_ORDERS, i, counts.outcomes[i]);
	trib_metrics_set(metrics, TRIB_METRIC_ORDER_REPEATS, 0, counts.repeats);
	trib_metrics_set(metrics, TRIB_METRIC_ORDER_CONFLICTS, 0, counts.conflicts);
	trib_metrics_set(metrics, TRIB_METRIC_TOUCHES, 0, counts.touches);
	trib_metrics_set(metrics, TRIB_METRIC_LINKS, 0, counts.links);
	trib_metrics_set(metrics, TRIB_METRIC_POSITION, 0, counts.position);
	trib_metrics_set(metrics, TRIB_METRIC_STORE_POSITION, 0, counts.store_position);
	trib_metrics_set(metrics, TRIB_METRIC_BATCHES, 0, counts.batches);
	trib_metrics_set(metrics, TRIB_METRIC_JOURNAL_BYTES, 0, counts.journal.written_bytes);
	trib_metrics_set(metrics, TRIB_METRIC_CHECKPOINTS, 0, counts.checkpoints);
	trib_metrics_set(metrics, TRIB_METRIC_MARKET_POSITION, 0, trib_engine_market_position(serve->engine));
	trib_metrics_set(metrics, TRIB_METRIC_RECORDS, 0, counts.records.accepted);
	trib_metrics_set(metrics, TRIB_METRIC_RECORDS, 1, counts.records.repeated);
	trib_metrics_set(metrics, TRIB_METRIC_RECORDS, 2, counts.records.refused);
	for (unsigned i = 1; i < TRIB_DIFFERENCES; i++)
		trib_metrics_set(metrics, TRIB_METRIC_RECORD_DIFFERENCES, i, counts.differences[i]);
	for (unsigned line = TRIB_TALLY_BUDGET; line <= TRIB_TALLY_INCENTIVE; line++) {
		trib_metrics_set(metrics, TRIB_METRIC_BUDGET_OVERSHOOTS, line, counts.overshoots[line]);
		trib_metrics_set(metrics, TRIB_METRIC_BUDGET_OVERSHOOT, line, counts.overshoot_amounts[line]);
	}
	trib_metrics_set(metrics, TRIB_METRIC_OUTBOX_PENDING, 0, counts.outbox_pending);
	trib_metrics_set(metrics, TRIB_METRIC_OUTBOX_DEAD, 0, counts.outbox_dead_now);
	trib_metrics_set(metrics, TRIB_METRIC_OUTBOX_OLDEST, 0, (uint64_t)counts.outbox_oldest_ms / 1000);
	trib_metrics_set(metrics, TRIB_METRIC_OUTBOX_DELIVERIES, 0, counts.outbox_done);
	trib_metrics_set(metrics, TRIB_METRIC_OUTBOX_DELIVERIES, 1, counts.outbox_failed);
	trib_metrics_set(metrics, TRIB_METRIC_OUTBOX_DELIVERIES, 2, counts.outbox_dead);
	trib_metrics_set(metrics, TRIB_METRIC_LIVE_TOUCHES, 0, counts.live_touches.touches);
	trib_metrics_set(metrics, TRIB_METRIC_READ_ONLY, 0,
			 trib_engine_state(serve->engine) != TRIB_ENGINE_RUNNING);
	for (unsigned noun = 0; noun < TRIB_NOUN_COUNT; noun++)
		if (trib_noun_word((enum trib_noun)noun))
			trib_metrics_set(metrics, TRIB_METRIC_ENTITIES, noun,
				 trib_domain_count(trib_engine_domain(serve->engine), (enum trib_noun)noun));
}

static void publish_business(struct serve *serve)
{
	struct trib_buffer text;

	trib_buffer_init(&text, 16 << 20);
	trib_engine_print_business(serve->engine, &text);
	trib_engine_print_sites(serve->engine, &text);
	trib_metrics_set_text(serve->metrics, trib_buffer_bytes(&text));
	trib_buffer_fini(&text);
}

/* Alarms of sites began, or ended. */
static void tell_alarms(struct serve *serve)
{
	struct trib_buffer json;

	trib_buffer_init(&json, 64 << 10);
	uint64_t told = trib_engine_alarms(serve->engine, &json);

	if (told != serve->alarms_told)
		trib_log_warn("alarms of third-party sites have changed", "alarms", trib_buffer_text(&json), NULL);
	serve->alarms_told = told;
	trib_buffer_fini(&json);
}

static void label_metrics(struct trib_metrics *metrics)
{
#define X(name, number, word, english, chinese)                                                    \
	trib_metrics_label(metrics, TRIB_METRIC_ORDERS, number, word);
	TRIB_OUTCOME_TABLE(X)
#undef X
	trib_metrics_label(metrics, TRIB_METRIC_TOUCHES, 0, "recorded");
	trib_metrics_label(metrics, TRIB_METRIC_RECORDS, 0, "accepted");
	trib_metrics_label(metrics, TRIB_METRIC_RECORDS, 1, "repeated");
	trib_metrics_label(metrics, TRIB_METRIC_RECORDS, 2, "refused");
	trib_metrics_label(metrics, TRIB_METRIC_OUTBOX_DELIVERIES, 0, "taken");
	trib_metrics_label(metrics, TRIB_METRIC_OUTBOX_DELIVERIES, 1, "failed");
	trib_metrics_label(metrics, TRIB_METRIC_OUTBOX_DELIVERIES, 2, "given_up");
	for (unsigned i = 1; i < TRIB_DIFFERENCES; i++)
		trib_metrics_label(metrics, TRIB_METRIC_RECORD_DIFFERENCES, i,
				   trib_difference_word((enum trib_difference)i));
	for (unsigned line = TRIB_TALLY_BUDGET; line <= TRIB_TALLY_INCENTIVE; line++) {
		trib_metrics_label(metrics, TRIB_METRIC_BUDGET_OVERSHOOTS, line,
				   trib_tally_kind_word((enum trib_tally_kind)line));
		trib_metrics_label(metrics, TRIB_METRIC_BUDGET_OVERSHOOT, line,
				   trib_tally_kind_word((enum trib_tally_kind)line));
	}
	for (unsigned noun = 0; noun < TRIB_NOUN_COUNT; noun++)
		if (trib_noun_word((enum trib_noun)noun))
			trib_metrics_label(metrics, TRIB_METRIC_ENTITIES, noun, trib_noun_word((enum trib_noun)noun));
}

static void reload_keys(struct serve *serve)
{
	struct trib_error error;
	bool changed = false;

	if (trib_engine_reload_keys(serve->engine, &changed, &error) != TRIB_OK)
		trib_log_error("keys not read; the last good ones stay in force", "place", error.at, "why",
			       error.text, NULL);
	else if (changed)
		trib_log_info("keys read again", NULL);
}

static void reload_secrets(struct serve *serve)
{
	struct trib_error error;

	if (serve->deliver && trib_deliver_reload(serve->deliver, &error) != TRIB_OK)
		trib_log_error("secrets of the outbox not read; the last good ones stay in force", "place", error.at,
			       "why", error.text, NULL);
}

static void reload_certificate(struct serve *serve)
{
	struct trib_error error;

	if (!serve->tls)
		return;
	if (trib_tls_reload(serve->tls, &error) != TRIB_OK)
		trib_log_error("certificate not read; the last good one stays in force", "place", error.at, "why",
			       error.text, NULL);
	else
		trib_log_info("certificate read again", NULL);
}

static void on_tick(uv_timer_t *timer)
{
	struct serve *serve = timer->data;

	if (serve->ticks++ % KEYS_EVERY_TICKS == 0) {
		reload_keys(serve);
		publish_metrics(serve);
		publish_business(serve);
		tell_state(serve);
		tell_alarms(serve);
	}
	serve->drain_ticks += serve->stopping;
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct serve *serve = signal->data;

	if (number == SIGHUP) {
		reload_keys(serve);
		reload_secrets(serve);
		reload_certificate(serve);
		return;
	}
	if (serve->stopping) {
		uv_stop(&serve->loop);
		return;
	}
	trib_log_info("stopping", "signal", number == SIGINT ? "SIGINT" : "SIGTERM", NULL);
	serve->stopping = true;
	if (serve->resp)
		trib_resp_drain(serve->resp);
	if (serve->http)
		trib_http_drain(serve->http);
	if (serve->deliver)
		trib_deliver_drain(serve->deliver);
}

static void listen_signal(struct serve *serve, uv_signal_t *signal, int number)
{
	uv_signal_init(&serve->loop, signal);
	signal->data = serve;
	uv_signal_start(signal, on_signal, number);
}

static bool submit(void *context, struct trib_call *call)
{
	return trib_engine_submit(context, call);
}

static void refused(void *context, const struct trib_refusal *refusal)
{
	trib_engine_note_refusal(context, refusal);
}

static trib_status open_certificate(struct serve *serve, struct trib_error *error)
{
	const struct trib_config *config = &serve->config;

	if (config->tls_cert[0])
		return trib_tls_new(config->tls_cert, config->tls_key, &serve->tls, error);
	return config->resp_tls ? trib_fail(error, TRIB_INVALID, "--tls-cert", "found none, expected one: RESP is to speak TLS") :
				  TRIB_OK;
}

static trib_status open_doors(struct serve *serve, struct trib_error *error)
{
	const struct trib_config *config = &serve->config;
	const uint32_t rate = (uint32_t)TRIB_MIN(config->rate, (uint64_t)UINT32_MAX);
	struct trib_resp_options resp = { .address = &config->resp,
					  .auth = serve->auth,
					  .metrics = serve->metrics,
					  .engine = serve->engine,
					  .rate = rate };
	struct trib_http_options http = { .address = &config->http,
						.hosts = config->http_hosts,
						.auth = serve->auth,
						.metrics = serve->metrics,
						.submit = submit,
						.refused = refused,
						.context = serve->engine,
						.has_secret = trib_deliver_has_secret,
						.rate = rate,
						.session_idle_ms = config->session_idle,
						.session_life_ms = config->session_life };
	trib_status status = TRIB_OK;

	trib_auth_set_directory(serve->auth, trib_engine_directory(serve->engine));
	if ((config->resp.on && !config->resp.loopback && !trib_auth_guards(serve->auth)) ||
	    (config->http.on && !config->http.loopback && !trib_auth_guards(serve->auth)))
		return trib_fail(error, TRIB_FORBIDDEN, "--token-file",
				 "found none, expected one: a door other than loopback needs an access token");
	const struct trib_deliver_options deliver = { .secrets = config->outbox_secrets,
						      .timeout_ms = config->outbox_timeout,
						      .submit = submit,
						      .context = serve->engine };

	status = open_certificate(serve, error);
	http.tls = serve->tls;
	resp.tls = config->resp_tls ? serve->tls : NULL;
	if (status == TRIB_OK)
		status = trib_deliver_start(&deliver, &serve->deliver, error);
	if (status == TRIB_OK)
		trib_engine_listen_outbox(serve->engine, trib_deliver_ring, serve->deliver);
	http.secrets = serve->deliver;
	if (config->resp.on && status == TRIB_OK)
		status = trib_resp_start(&serve->loop, &resp, &serve->resp, error);
	if (config->http.on && status == TRIB_OK)
		status = trib_http_start(&http, &serve->http, error);
	return status;
}

static void tell_doors(const struct serve *serve)
{
	char text[96];

	if (serve->resp) {
		snprintf(text, sizeof(text), "%s:%u", serve->config.resp.host, trib_resp_port(serve->resp));
		trib_log_info("listening", "door", "resp", "address", text, serve->config.resp_tls ? "tls" : NULL, "on", NULL);
	}
	if (serve->http) {
		snprintf(text, sizeof(text), "%s://%s:%u", serve->config.tls_cert[0] ? "https" : "http", serve->config.http.host, trib_http_port(serve->http));
		trib_log_info("listening", "door", "http", "address", text, NULL);
	}
}

static trib_status open_engine(struct serve *serve, struct trib_error *error)
{
	const struct trib_config *config = &serve->config;
	const struct trib_engine_options options = {
		.data = config->data,
		.sync = (enum trib_journal_sync)config->sync,
		.segment_bytes = config->segment,
		.order_index_bytes = config->order_index,
		.touches_bytes = config->touches,
		.checkpoint_bytes = config->checkpoint,
		.duplicate_window_ms = config->duplicate_window,
		.touch_retention_ms = config->touch_retention,
		.outbox_allow = config->outbox_allow,
		.outbox_retry_ms = config->outbox_retry,
		.outbox_give_up_ms = config->outbox_give_up,
	};
	trib_status status = trib_engine_open(&options, &serve->engine, error);

	if (status == TRIB_OK && trib_engine_warning(serve->engine))
		trib_log_warn(trib_engine_warning(serve->engine), NULL);
	return status;
}

static void log_started(const struct serve *serve, int64_t opened_ns)
{
	static const char *const promises[] = { "an answer is durable",
						"a power cut may lose the answers of the last 100 ms",
						"a power cut may lose the last answers" };
	static const char *const words[] = { "batch", "interval", "off" };
	struct trib_engine_counts counts;
	char milliseconds[24], replayed[24];

	trib_engine_count(serve->engine, &counts);
	milliseconds[trib_format_i64(milliseconds, opened_ns / 1000000)] = '\0';
	replayed[trib_format_u64(replayed, counts.replayed_events)] = '\0';
	trib_log_info("tributary " TRIB_VERSION, "data", serve->config.data, "sync", words[serve->config.sync],
		      "promise", promises[serve->config.sync], "opened_ms", milliseconds, "replayed", replayed,
		      NULL);
}

static bool is_signal(const uv_handle_t *handle)
{
	return handle->type == UV_SIGNAL;
}

static void close_handle(uv_handle_t *handle, void *context TRIB_UNUSED)
{
	if (!uv_is_closing(handle) && !is_signal(handle))
		uv_close(handle, NULL);
}

static void count_handle(uv_handle_t *handle, void *context)
{
	*(unsigned *)context += !is_signal(handle);
}

static unsigned open_handles(uv_loop_t *loop)
{
	unsigned count = 0;

	uv_walk(loop, count_handle, &count);
	return count;
}

static void turn_to_the_end(struct serve *serve)
{
	if (trib_engine_turn(serve->engine) == TRIB_ENGINE_LOST)
		_exit(TRIB_EXIT_FAILED);
	trib_engine_settle(serve->engine);
}

/* The engine gives back first what it has taken. One that is lost for good never will; then nothing is left to save. */
static void close_http(struct serve *serve)
{
	if (!serve->http)
		return;
	trib_http_drain(serve->http);
	while (!trib_http_idle(serve->http))
		turn_to_the_end(serve);
	trib_http_stop(serve->http);
}

static void close_deliver(struct serve *serve)
{
	if (!serve->deliver)
		return;
	trib_deliver_drain(serve->deliver);
	while (!trib_deliver_idle(serve->deliver))
		turn_to_the_end(serve);
	trib_engine_listen_outbox(serve->engine, NULL, NULL);
	trib_deliver_stop(serve->deliver);
}

static int run(struct serve *serve, struct trib_error *error)
{
	int64_t begun_ns = trib_clock_monotonic_ns(trib_clock_system());

	if (open_engine(serve, error) != TRIB_OK)
		return TRIB_EXIT_FAILED;
	serve->told = TRIB_ENGINE_RUNNING;
	log_started(serve, trib_clock_monotonic_ns(trib_clock_system()) - begun_ns);
	tell_state(serve);
	publish_metrics(serve);
	publish_business(serve);
	uv_loop_init(&serve->loop);
	if (open_doors(serve, error) == TRIB_OK) {
		uv_check_init(&serve->loop, &serve->check);
		serve->check.data = serve;
		uv_check_start(&serve->check, on_check);
		uv_timer_init(&serve->loop, &serve->timer);
		serve->timer.data = serve;
		uv_timer_start(&serve->timer, on_tick, TICK_MS, TICK_MS);
		watch(serve);
		uv_poll_init(&serve->loop, &serve->call_poll, trib_engine_call_fd(serve->engine));
		uv_poll_start(&serve->call_poll, UV_READABLE, do_nothing);
		listen_signal(serve, &serve->sigterm, SIGTERM);
		listen_signal(serve, &serve->sigint, SIGINT);
		listen_signal(serve, &serve->sighup, SIGHUP);
		tell_doors(serve);
		uv_run(&serve->loop, UV_RUN_DEFAULT);
	} else {
		serve->exit_code = TRIB_EXIT_FAILED;
	}
	close_http(serve);
	close_deliver(serve);
	trib_engine_settle(serve->engine);
	if (serve->resp)
		trib_resp_settle(serve->resp);
	trib_resp_stop(serve->resp);
	/* Signals stay caught up to the end: another one must not cut the last checkpoint short. */
	uv_walk(&serve->loop, close_handle, NULL);
	while (open_handles(&serve->loop))
		uv_run(&serve->loop, UV_RUN_NOWAIT);
	trib_engine_close(serve->engine);
	return serve->exit_code;
}

int trib_cli_serve(int argc, char **argv)
{
	static struct serve serve;
	struct trib_error error = { 0 };
	struct trib_buffer help;
	struct rlimit files;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		trib_buffer_init(&help, 64 << 10);
		trib_config_help(&help);
		trib_cli_help("serve [OPTION …]", trib_buffer_text(&help));
		trib_buffer_fini(&help);
		return TRIB_EXIT_DONE;
	}
	if (trib_config_parse(argc - 1, argv + 1, &serve.config, &error) != TRIB_OK)
		return trib_cli_usage_error("serve", "%s: %s", error.at, error.text);
	trib_log_setup((enum trib_log_level)serve.config.log_level, serve.config.log_format == 1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full disk */
	signal(SIGHUP, SIG_IGN);  /* until the keys are there to be read again */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (trib_auth_open(serve.config.token_file, &serve.auth, &error) != TRIB_OK)
		return trib_cli_failed("serve", &error);
	serve.metrics = trib_metrics_new();
	label_metrics(serve.metrics);
	int code = run(&serve, &error);

	if (code != TRIB_EXIT_DONE && error.text[0])
		trib_cli_failed("serve", &error);
	trib_tls_free(serve.tls);
	trib_metrics_free(serve.metrics);
	trib_auth_free(serve.auth);
	return code;
}
