/* Records that wait to be told the server. */
#include "client.h"

enum {
	RECORD_FIELD = 1,   /* of RecordBatch */
	REQUEST_FIELD = 1,  /* of Record */
	RESOLUTION_FIELD = 2,
	WIDTH = 4,	    /* of lengths that are filled in later */
	COMMAND_BYTES_MAX = 900 << 10,
};

void queue_init(struct queue *queue, size_t bytes_max)
{
	*queue = (struct queue){ 0 };
	trib_buffer_init(&queue->bytes, bytes_max);
}

void queue_fini(struct queue *queue)
{
	trib_buffer_fini(&queue->bytes);
	free(queue->ends);
}

/* What has been told stands before `begin`: it goes when it is more than what is left. */
static void compact(struct queue *queue)
{
	if (queue->begin < queue->bytes.size / 2 && queue->count)
		return;
	memmove(queue->bytes.data, queue->bytes.data + queue->begin, queue->bytes.size - queue->begin);
	queue->bytes.size -= queue->begin;
	for (size_t i = 0; i < queue->count; i++)
		queue->ends[i] = queue->ends[queue->first + i] - queue->begin;
	queue->first = queue->begin = 0;
}

bool queue_add(struct queue *queue, struct trib_bytes record)
{
	if (queue->bytes.size + record.size > queue->bytes.size_max)
		return false;
	trib_buffer_add_bytes(&queue->bytes, record);
	if (queue->bytes.failed)
		return false;
	if (queue->first + queue->count == queue->capacity) {
		queue->capacity = queue->capacity ? 2 * queue->capacity : 1024;
		queue->ends = trib_realloc(queue->ends, queue->capacity * sizeof(*queue->ends));
	}
	queue->ends[queue->first + queue->count++] = queue->bytes.size;
	queue->taken++;
	return true;
}

size_t queue_peek(const struct queue *queue, size_t most, struct trib_bytes *ret_bytes)
{
	size_t count = 0, end = queue->begin;

	while (count < TRIB_MIN(queue->count, most) &&
	       (count == 0 || queue->ends[queue->first + count] - queue->begin <= COMMAND_BYTES_MAX))
		end = queue->ends[queue->first + count++];
	*ret_bytes = trib_bytes(queue->bytes.data + queue->begin, end - queue->begin);
	return count;
}

void queue_drop(struct queue *queue, size_t count)
{
	if (count == 0)
		return;
	queue->begin = queue->ends[queue->first + count - 1];
	queue->first += count;
	queue->count -= count;
	queue->done += count;
	compact(queue);
}

/* --- One record --------------------------------------------------------------------------------------- */

static struct trib_bytes bytes_of(struct trib_client_text text)
{
	return trib_bytes(text.data ? text.data : "", text.data ? text.size : 0);
}

static char *put_set(char *p, uint32_t field, int64_t value)
{
	return trib_wire_put_varint(trib_wire_put_tag(p, field, TRIB_WIRE_VARINT), (uint64_t)value);
}

static char *put_carrier(char *p, const struct trib_client_order *order)
{
	char *content = trib_wire_open(p, 9, WIDTH);

	if (order->carrier_kind.size == 0)
		return p;
	p = trib_wire_put_bytes(content, 1, bytes_of(order->carrier_kind));
	p = trib_wire_put_bytes(p, 2, bytes_of(order->carrier_id));
	p = trib_wire_put_bytes(p, 3, bytes_of(order->carrier_owner));
	trib_wire_close(content, p, WIDTH);
	return p;
}

static char *put_amounts(char *p, const struct trib_client_order *order)
{
	char *content = trib_wire_open(p, 13, WIDTH);

	if (!(order->flags & TRIB_CLIENT_HAS_AMOUNTS))
		return p;
	p = content;
	for (uint32_t i = 0; i < TRIB_CLIENT_AMOUNTS; i++)
		p = put_set(p, i + 1, order->amounts[i]);
	trib_wire_close(content, p, WIDTH);
	return p;
}

/* The fields of OrderRequest. */
static char *put_request(char *p, const struct trib_client_order *order)
{
	char *content = trib_wire_open(p, REQUEST_FIELD, WIDTH);
	struct trib_bytes token = bytes_of(order->token);

	p = trib_wire_put_bytes(content, 1, bytes_of(order->order));
	p = trib_wire_put_bytes(p, 2, bytes_of(order->user));
	p = trib_wire_put_bytes(p, 3, bytes_of(order->goods));
	if (!(order->flags & TRIB_CLIENT_NO_BASE))
		p = put_set(p, 4, order->base_amount);
	p = trib_wire_put_bytes(p, 5, token.size ? token : trib_bytes_text("-"));
	p = put_set(p, 6, order->at_ms);
	p = trib_wire_put_u64(p, 7, (uint64_t)order->qty);
	p = trib_wire_put_bytes(p, 8, bytes_of(order->scene));
	p = put_carrier(p, order);
	p = trib_wire_put_bytes(p, 10, bytes_of(order->page));
	for (size_t i = 0; i < order->n_ext; i++) {
		char *pair = trib_wire_open(p, 11, WIDTH);

		p = trib_wire_put_bytes(pair, 1, bytes_of(order->ext[i].key));
		p = trib_wire_put_bytes(p, 2, bytes_of(order->ext[i].value));
		trib_wire_close(pair, p, WIDTH);
	}
	p = put_amounts(p, order);
	trib_wire_close(content, p, WIDTH);
	return p;
}

bool queue_put_record(const struct trib_client_order *order, const struct trib_client_answer *answer,
		      struct trib_buffer *out)
{
	size_t size = 1024 + order->order.size + order->user.size + order->goods.size + order->token.size +
		      order->scene.size + order->page.size + order->carrier_kind.size + order->carrier_id.size +
		      order->carrier_owner.size + (answer ? answer->resolution_size : 0);

	if (order->n_ext > TRIB_LIMIT_EXT_PAIRS)
		return false;
	for (size_t i = 0; i < order->n_ext; i++)
		size += 32 + order->ext[i].key.size + order->ext[i].value.size;
	char *p = size < 1 << 20 ? trib_buffer_reserve(out, size) : NULL;

	if (!p)
		return false;
	char *content = trib_wire_open(p, RECORD_FIELD, WIDTH), *end = put_request(content, order);

	if (answer && answer->resolution)
		end = trib_wire_put_bytes(end, RESOLUTION_FIELD, trib_bytes(answer->resolution, answer->resolution_size));
	trib_wire_close(content, end, WIDTH);
	out->size += (size_t)(end - p);
	return true;
}
