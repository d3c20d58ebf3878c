/*
 * The generic codec: one entity as imports and answers have it.
 *
 *	bench-json [N, default 1 million]
 */
#include "base/clock.h"
#include "base/limits.h"
#include "proto/proto.h"

static const char goods[] = "{\"id\":\"goods-1234567\",\"title\":\"桌上的小灯 a small "
			    "lamp\",\"merchant\":\"merchant-4711\","
			    "\"category\":\"household/lamps\",\"brand\":\"brand "
			    "17\",\"price\":1990,\"currency\":\"CNY\",\"site\":\"shop\","
			    "\"ext\":{\"colour\":\"red\",\"watts\":12}}";
static const char party[] =
	"{\"id\":\"creator-1234567\",\"roles\":[\"creator\"],\"name\":\"somebody\",\"level\":3,"
	"\"followers\":81234,\"score\":4.75,\"tags\":[\"beauty\",\"northern\"]}";

static void measure(const char *what, const char *text, const ProtobufCMessageDescriptor *kind,
		    uint32_t count)
{
	struct trib_bytes json = trib_bytes_text(text);
	ProtobufCMessage *message = NULL;
	struct trib_arena arena;
	struct trib_buffer out;
	int64_t begun_ns = trib_cpu_thread_ns();

	trib_arena_init(&arena, 1 << 20);
	trib_buffer_init(&out, 1 << 20);
	for (uint32_t i = 0; i < count; i++) {
		trib_arena_reset(&arena);
		trib_assert(trib_proto_from_json(kind, json, &arena, &message, NULL) == TRIB_OK);
	}
	double read_ns = (double)(trib_cpu_thread_ns() - begun_ns) / count;

	begun_ns = trib_cpu_thread_ns();
	for (uint32_t i = 0; i < count; i++) {
		trib_buffer_reset(&out);
		trib_proto_to_json(message, TRIB_PROTO_ALL_FIELDS, &out);
	}
	double write_ns = (double)(trib_cpu_thread_ns() - begun_ns) / count;

	printf("%-6s read  %6.0f ns, %5.0f MB/s\n", what, read_ns,
	       1e3 * (double)json.size / read_ns);
	printf("%-6s write %6.0f ns, %5.0f MB/s\n", what, write_ns,
	       1e3 * (double)out.size / write_ns);
	trib_arena_fini(&arena);
	trib_buffer_fini(&out);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;

	measure("goods", goods, &tributary__goods__descriptor, count);
	measure("party", party, &tributary__party__descriptor, count);
	return 0;
}
