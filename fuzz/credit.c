/*
 * Any bytes as a touch log or a path file. Beyond not crashing: every model divides the same conversions and the
 * same money, to the last cent.
 */
#include "attribution/attribution.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	struct trib_bytes rest;
	size_t step;
};

static trib_status read_input(void *context, char *buffer, size_t size, size_t *ret_size,
			      struct trib_error *error)
{
	struct input *input = context;
	size_t n = TRIB_MIN(TRIB_MIN(input->step, size), input->rest.size);

	memcpy(buffer, input->rest.data, n);
	input->rest = trib_bytes(input->rest.data + n, input->rest.size - n);
	*ret_size = n;
	return TRIB_OK;
}

/* The sum of the last column of the table, in hundredths. */
static uint64_t sum_of_values(struct trib_bytes text)
{
	uint64_t sum = 0, value = 0;

	for (size_t i = sizeof("channel,conversions,value\n") - 1; i < text.size; i++) {
		char c = text.data[i];

		if (c >= '0' && c <= '9')
			value = value * 10 + (uint64_t)(c - '0');
		else if (c != '.')
			value = 0;
		/* A line end inside the quotes of a channel's name follows no ".dd". */
		if (c != '.' && i + 1 < text.size && text.data[i + 1] == '\n' &&
		    text.data[i - 2] == '.')
			sum += value;
	}
	return sum;
}

static trib_status credit(const uint8_t *data, size_t size, enum trib_model model,
			  uint64_t *ret_sum)
{
	struct trib_credit_options options = TRIB_CREDIT_DEFAULTS;
	struct input input = { trib_bytes(data, size), 1 + size % 97 };
	struct trib_csv *csv = trib_csv_new(read_input, &input);
	struct trib_buffer text;
	struct trib_error error;
	trib_status status;

	options.rule.model = model;
	options.priority = "b,\"a\"";
	trib_buffer_init(&text, 64 << 20);
	status = trib_credit(&options, csv, &text, &error);
	if (status == TRIB_OK)
		*ret_sum = sum_of_values(trib_buffer_bytes(&text));
	trib_buffer_fini(&text);
	trib_csv_free(csv);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t first = 0, sum;

	/* Channels that look like the end of a row would confuse the sum, not the program. */
	bool plain = !memchr(data, '"', size) && !memchr(data, '\r', size);
	trib_status expected = credit(data, size, TRIB_MODEL_LAST, &first);

	for (int model = TRIB_MODEL_FIRST; model <= TRIB_MODEL_DECAY; model++) {
		trib_status status = credit(data, size, (enum trib_model)model, &sum);

		if (model == TRIB_MODEL_DECAY && status == TRIB_REFUSED)
			continue; /* paths */
		/* Whether the sums of one channel pass 64 bits depends on the model. */
		if (status == TRIB_LIMIT || expected == TRIB_LIMIT)
			continue;
		trib_assert(status == expected);
		trib_assert(status != TRIB_OK || !plain || sum == first);
	}
	return 0;
}
