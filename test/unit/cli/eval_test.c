/* `tributary eval`, as a program: its lines, its arguments, its exit codes. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test.h"

struct child {
	pid_t pid;
	int in, out;
};

/* argv[0] is the program's name for itself; stderr is dropped. */
static struct child start(const char *const *arguments)
{
	int in[2], out[2];
	struct child child;
	const char *binary = getenv("TRIB_BIN");

	assert_non_null(binary);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		if (!freopen("/dev/null", "w", stderr))
			_exit(126);
		execv(binary, (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	child.in = in[1];
	child.out = out[0];
	return child;
}

/* All it prints until it ends; its exit code. */
static int finish(struct child *child, struct trib_buffer *output)
{
	char data[4096];
	ssize_t got;
	int status;

	close(child->in);
	while ((got = read(child->out, data, sizeof(data))) > 0)
		trib_buffer_add(output, data, (size_t)got);
	close(child->out);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		assert_true(done > 0);
		data += done;
		size -= (size_t)done;
	}
}

/* One line, however many reads it takes. */
static void read_line(int fd, struct trib_buffer *line)
{
	char c;

	trib_buffer_reset(line);
	while (read(fd, &c, 1) == 1 && c != '\n')
		trib_buffer_add_char(line, c);
}

static const char *const no_arguments[] = { "tributary", "eval", NULL };

static const struct {
	const char *line, *answer;
} conversation[] = {
	/* clang-format off */
	{ "{\"expr\":\"1 + 1\"}", "{\"value\":{\"int\":2}}" },
	{ "{\"expr\":\"x * 2\",\"vars\":{\"x\":{\"int\":21}}}", "{\"value\":{\"int\":42}}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":{\"uint\":18446744073709551615}}}", "{\"value\":{\"uint\":18446744073709551615}}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":{\"uint\":\"18446744073709551615\"}}}", "{\"value\":{\"uint\":18446744073709551615}}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":{\"int\":-9223372036854775808}}}", "{\"value\":{\"int\":-9223372036854775808}}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":{\"int\":\"-9223372036854775808\"}}}", "{\"value\":{\"int\":-9223372036854775808}}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":{\"int\":9223372036854775808}}}",
	  "{\"error\":\"vars.x: found \\\"9223372036854775808\\\", expected an integer from -2^63 to 2^63 - 1\",\"stage\":\"parse\"}" },
	{ "{\"expr\":\"[x, y, z]\",\"vars\":{\"x\":{\"double\":\"NaN\"},\"y\":{\"double\":\"-Infinity\"},\"z\":{\"double\":1}}}",
	  "{\"value\":{\"list\":[{\"double\":\"NaN\"},{\"double\":\"-Infinity\"},{\"double\":1.0}]}}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":{\"bytes\":\"AP8=\"}}}", "{\"value\":{\"bytes\":\"AP8=\"}}" },
	{ "{\"expr\":\"x.size()\",\"vars\":{\"x\":{\"bytes\":\"YWJj\"}}}", "{\"value\":{\"int\":3}}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":{\"bytes\":\"AP8\"}}}",
	  "{\"error\":\"vars.x: found \\\"AP8\\\", expected standard base64\",\"stage\":\"parse\"}" },
	{ "{\"expr\":\"x + y\",\"vars\":{\"x\":{\"timestamp\":\"2009-02-13T23:31:30Z\"},\"y\":{\"duration\":\"1.5s\"}}}",
	  "{\"value\":{\"timestamp\":\"2009-02-13T23:31:31.5Z\"}}" },
	{ "{\"expr\":\"x == int\",\"vars\":{\"x\":{\"type\":\"int\"}}}", "{\"value\":{\"bool\":true}}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":{\"map\":[[{\"int\":1},{\"list\":[{\"null\":null}]}]]}}}",
	  "{\"value\":{\"map\":[[{\"int\":1},{\"list\":[{\"null\":null}]}]]}}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":{\"map\":[[{\"int\":1},{\"int\":1}],[{\"uint\":1},{\"int\":2}]]}}}",
	  "{\"error\":\"vars.x: found a map with a key twice, or one that is no bool, int, uint or string\",\"stage\":\"parse\"}" },
	{ "{\"expr\":\"x.a[1] + y\",\"vars\":{\"x\":{\"a\":[1,2]},\"y\":3}}", "{\"value\":{\"int\":5}}" },
	{ "{\"expr\":\"x + 1\",\"types\":{\"x\":\"string\"},\"vars\":{\"x\":{\"string\":\"a\"}}}",
	  "{\"error\":\"1:3: found no matching overload for '+' applied to (string, int)\",\"stage\":\"check\"}" },
	{ "{\"expr\":\"x + 1\",\"vars\":{\"x\":{\"string\":\"a\"}}}",
	  "{\"error\":\"1:3: no such overload: '+' applied to (string, int)\",\"stage\":\"eval\"}" },
	{ "{\"expr\":\"x\",\"types\":{\"x\":\"int\"}}", "{\"error\":\"1:1: no such attribute: x\",\"stage\":\"eval\"}" },
	{ "{\"expr\":\"x\"}", "{\"error\":\"1:1: undeclared reference to 'x' (in container '')\",\"stage\":\"check\"}" },
	{ "{\"expr\":\"x || true\",\"check\":false}", "{\"value\":{\"bool\":true}}" },
	{ "{\"expr\":\"y\",\"container\":\"x\",\"vars\":{\"x.y\":{\"bool\":true},\"y\":{\"int\":1}}}",
	  "{\"value\":{\"bool\":true}}" },
	{ "{\"expr\":\"1 +\"}", "{\"error\":\"1:4: found the end, expected an expression\",\"stage\":\"parse\"}" },
	{ "{\"expr\":\"b'\\u0000' < b'\\u0001'\"}", "{\"value\":{\"bool\":true}}" },
	{ "{\"expr\":\"'\\u4e2d\\u6587'\"}", "{\"value\":{\"string\":\"中文\"}}" },
	{ "{\"expr\":1}", "{\"error\":\"expr: expected a string\",\"stage\":\"parse\"}" },
	{ "[]", "{\"error\":\"expected an object\",\"stage\":\"parse\"}" },
	{ "{}", "{\"error\":\"expr: expected a string\",\"stage\":\"parse\"}" },
	{ "{\"expr\":\"1\",\"types\":{\"x\":\"integer\"}}",
	  "{\"error\":\"types.x: found \\\"integer\\\", expected a CEL type such as int or map(string, list(int))\",\"stage\":\"check\"}" },
	{ "{\"expr\":\"x\",\"vars\":{\"x\":12345678901234567890}}",
	  "{\"error\":\"vars.x: found \\\"12345678901234567890\\\", expected {\\\"int\\\":…}, {\\\"uint\\\":…} or {\\\"string\\\":…} for so many digits\",\"stage\":\"parse\"}" },
	/* clang-format on */
};

/* A line in, a line out, before the next is sent: whoever tests against it can converse. */
static void lines(void **state)
{
	struct child child = start(no_arguments);
	struct trib_buffer line;

	trib_buffer_init(&line, 1 << 16);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(conversation); i++) {
		write_all(child.in, conversation[i].line, strlen(conversation[i].line));
		write_all(child.in, "\n", 1);
		read_line(child.out, &line);
		assert_string_equal(trib_buffer_text(&line), conversation[i].answer);
	}
	trib_buffer_reset(&line);
	assert_int_equal(finish(&child, &line), 0);
	assert_int_equal(line.size, 0);
	trib_buffer_fini(&line);
}

/* Lines that are no JSON, twice the same name, too deep, too long, or the last without its end. */
static void bad_lines(void **state)
{
	static const char *const begins[] = {
		"{\"error\":\"broken JSON",	  "{\"error\":\"broken JSON",
		"{\"error\":\"found JSON nested", "{\"error\":\"the line is longer than",
		"{\"value\":{\"int\":1}}",	  "{\"error\":\"broken JSON",
		"{\"value\":{\"int\":2}}",
	};
	struct child child = start(no_arguments);
	struct trib_buffer input, line;
	size_t number = 0;

	trib_buffer_init(&input, 8 << 20);
	trib_buffer_init(&line, 1 << 16);
	trib_buffer_add_text(
		&input,
		"nonsense\n{\"expr\":\"1\",\"expr\":\"2\"}\n{\"expr\":\"x\",\"vars\":{\"x\":");
	for (int i = 0; i < 1000; i++)
		trib_buffer_add_char(&input, '[');
	trib_buffer_add_text(&input, "\n\"");
	for (int i = 0; i < 3 << 20; i++)
		trib_buffer_add_char(&input, 'a');
	trib_buffer_add_text(&input, "\n\n  \r\n{\"expr\":\"1\"}\n\"\xff\"\n{\"expr\":\"2\"}");
	pid_t writer = fork();

	if (writer == 0) {
		write_all(child.in, input.data, input.size);
		_exit(0);
	}
	close(child.in);
	child.in = dup(0);
	for (number = 0; number < TRIB_ARRAY_SIZE(begins); number++) {
		read_line(child.out, &line);
		if (strncmp(trib_buffer_text(&line), begins[number], strlen(begins[number])))
			fail_msg("line %zu: %s", number, trib_buffer_text(&line));
	}
	trib_buffer_reset(&line);
	assert_int_equal(finish(&child, &line), 0);
	assert_int_equal(line.size, 0);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	trib_buffer_fini(&input);
	trib_buffer_fini(&line);
}

/* Good lines with bytes changed: whatever they are now, each is answered by one line. */
static void broken_lines(void **state)
{
	static const char *const seeds[] = {
		"{\"expr\":\"x + "
		"1\",\"vars\":{\"x\":{\"int\":-12345678901234567890}},\"check\":false}",
		"{\"expr\":\"[x, "
		"y]\",\"types\":{\"x\":\"list(int)\"},\"vars\":{\"x\":{\"list\":[{\"int\":1}]},"
		"\"y\":{\"map\":[[{\"bool\":true},{\"bytes\":\"YQ==\"}]]}}}",
		"{\"expr\":\"x == "
		"y\",\"container\":\"a.b\",\"vars\":{\"a.x\":{\"duration\":\"1.5s\"},\"y\":"
		"{\"timestamp\":\"2026-11-22T09:30:00Z\"},\"z\":[1,2.5e3,null,\"\\ud83d\\ude00\"]}"
		"}",
	};
	enum { LINES = 20000 };
	struct child child = start(no_arguments);
	struct trib_buffer input, output;
	struct trib_rng rng;
	size_t lines_in = 0, lines_out = 0;

	trib_rng_seed(&rng, trib_test_seed());
	trib_buffer_init(&input, 16 << 20);
	trib_buffer_init(&output, 64 << 20);
	for (; lines_in < LINES; lines_in++) {
		const char *seed = seeds[trib_rng_below(&rng, TRIB_ARRAY_SIZE(seeds))];
		size_t size = strlen(seed), begin = input.size;

		trib_buffer_add(&input, seed, size);
		for (uint64_t changes = 1 + trib_rng_below(&rng, 3); changes > 0; changes--) {
			char c = trib_rng_chance(&rng, 0.7)
					 ? "{}[]\",:\\0123456789-.eEtfn"[trib_rng_below(&rng, 25)]
					 : (char)trib_rng_below(&rng, 256);

			input.data[begin + trib_rng_below(&rng, size)] = c == '\n' ? ' ' : c;
		}
		trib_buffer_add_char(&input, '\n');
	}
	pid_t writer = fork();

	if (writer == 0) {
		write_all(child.in, input.data, input.size);
		_exit(0);
	}
	close(child.in);
	child.in = dup(0);
	assert_int_equal(finish(&child, &output), 0);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	for (const char *next = trib_buffer_text(&output); *next; lines_out++) {
		assert_true(!strncmp(next, "{\"value\":", 9) || !strncmp(next, "{\"error\":", 9));
		next = strchr(next, '\n');
		assert_non_null(next);
		next++;
	}
	assert_int_equal(lines_out, lines_in);
	trib_buffer_fini(&input);
	trib_buffer_fini(&output);
}

static void arguments(void **state)
{
	static const struct {
		const char *arguments[6];
		int exit_code;
		const char *output;
	} rows[] = {
		{ { "tributary", "eval", "1 + 1" }, 0, "{\"int\":2}\n" },
		{ { "tributary", "eval", "-1" }, 0, "{\"int\":-1}\n" },
		{ { "tributary", "eval", "--1" }, 0, "{\"int\":1}\n" },
		{ { "tributary", "eval", "x + y.z", "--vars", "{\"x\":1,\"y\":{\"z\":2}}" },
		  0,
		  "{\"int\":3}\n" },
		{ { "tributary", "eval", "--vars", "{\"x\":1.5}", "x" }, 0, "{\"double\":1.5}\n" },
		{ { "tributary", "eval", "--vars={\"x\":[true,null,\"a\"]}", "x" },
		  0,
		  "{\"list\":[{\"bool\":true},{\"null\":null},{\"string\":\"a\"}]}\n" },
		{ { "tributary", "eval", "x", "--vars", "{\"x\":{\"int\":5}}" },
		  0,
		  "{\"map\":[[{\"string\":\"int\"},{\"int\":5}]]}\n" },
		{ { "tributary", "eval", "1 / 0" }, 1, "" },
		{ { "tributary", "eval", "1 +" }, 1, "" },
		{ { "tributary", "eval", "" }, 1, "" },
		{ { "tributary", "eval", "nowhere" }, 1, "" },
		{ { "tributary", "eval", "1", "2" }, 2, "" },
		{ { "tributary", "eval", "1", "--vars" }, 2, "" },
		{ { "tributary", "eval", "1", "--vars", "{" }, 2, "" },
		{ { "tributary", "eval", "1", "--vars", "[]" }, 2, "" },
		{ { "tributary", "eval", "1", "--vars", "{\"x\":1,\"x\":2}" }, 2, "" },
		{ { "tributary", "eval", "x", "--vars", "{\"x\":9223372036854775808}" }, 2, "" },
		{ { "tributary", "eval", "--vars", "{}" }, 2, "" },
		{ { "tributary", "eval", "1", "--nothing" }, 2, "" },
	};
	struct trib_buffer output;

	trib_buffer_init(&output, 1 << 16);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct child child = start(rows[i].arguments);

		trib_buffer_reset(&output);
		assert_int_equal(finish(&child, &output), rows[i].exit_code);
		assert_string_equal(trib_buffer_text(&output), rows[i].output);
	}
	trib_buffer_fini(&output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(broken_lines),
		cmocka_unit_test(arguments),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
