/*
 * What `tributary load` reads: lines of traffic from a file, and a server's replies. The input's first byte says
 * which of the two the rest is. A line that is taken is made of views into the input; a reply is taken whole or not
 * at all, however it is cut.
 */
#include "cli/load/line.h"
#include "cli/load/resp_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_view(struct trib_bytes view, struct trib_bytes input)
{
	trib_assert(!view.size ||
		    (view.data >= input.data && view.data + view.size <= input.data + input.size));
}

static void try_line(struct trib_bytes input)
{
	struct trib_traffic_line line;
	struct trib_error error;

	if (trib_traffic_line_parse(input, &line, &error) != TRIB_OK)
		return;
	const struct trib_bytes views[] = { line.id,	    line.user,	     line.goods,
					    line.creator,   line.channel,    line.offer,
					    line.scene,	    line.page,	     line.put,
					    line.value,	    line.carrier[0], line.carrier[1],
					    line.carrier[2] };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(views); i++)
		check_view(views[i], input);
}

static void try_reply(struct trib_bytes input)
{
	struct trib_reply reply;
	size_t consumed, cut;

	if (!trib_reply_parse(input, &reply, &consumed) || consumed == SIZE_MAX)
		return;
	trib_assert(consumed > 0 && consumed <= input.size && reply.count > 0);
	for (uint32_t i = 0; i < reply.count; i++)
		check_view(reply.items[i].text, input);
	if (consumed <= 64)
		for (size_t part = 0; part < consumed; part++)
			trib_assert(!trib_reply_parse(trib_bytes(input.data, part), &reply, &cut) ||
				    cut == SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct trib_bytes input = trib_bytes(data + 1, size - 1);

	if (data[0] & 1)
		try_reply(input);
	else
		try_line(input);
	return 0;
}
