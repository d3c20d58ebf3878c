/* Which market readers see, and the file it is kept in. */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAG_BYTES_MAX = 1 << 30 };

/* The file is written anew once deltas have made it twice as large, and by at least so much. */
enum { DELTA_BYTES_MIN = 4 << 20 };

/* --- Publishing --------------------------------------------------------------------------------------- */

uint64_t market_position(const struct trib_client *client)
{
	const struct published *published = atomic_load(&client->store.published);

	return published ? trib_view_position(published->view) : 0;
}

bool market_wants_full(const struct trib_client *client)
{
	return client->store.delta_bytes > TRIB_MAX(client->store.base_bytes, (size_t)DELTA_BYTES_MIN);
}

/* From now on readers have this view; the one before is read by nobody when this returns, and given back. */
static struct trib_view *publish(struct trib_client *client, struct trib_view *view)
{
	struct store *store = &client->store;
	struct published *news = trib_alloc_zeroed(1, sizeof(*news)), *before = atomic_load(&store->published);
	struct trib_view *old = before ? before->view : NULL;
	struct trib_error error;

	news->view = view;
	if (store->keys_text && trib_keys_import(store->keys_text, &news->keys, &error) == TRIB_OK)
		trib_keys_bind(news->keys, trib_view_registration, view);
	atomic_store(&store->published, news);
	gate_wait(&store->gate);
	if (before) {
		trib_keys_free(before->keys);
		free(before);
	}
	pthread_mutex_lock(&client->lock);
	client->position = trib_view_position(view);
	pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);
	return old;
}

trib_status market_take_keys(struct trib_client *client, const char *text, struct trib_error *error)
{
	struct store *store = &client->store;
	struct published *now = atomic_load(&store->published);
	struct trib_keys *keys;

	if (store->keys_text && strcmp(text, store->keys_text) == 0)
		return TRIB_OK;
	trib_status status = trib_keys_import(text, &keys, error);

	if (status != TRIB_OK)
		return status;
	trib_keys_free(keys);
	sodium_free(store->keys_text);
	store->keys_text = sodium_malloc(strlen(text) + 1);
	trib_assert(store->keys_text);
	strcpy(store->keys_text, text);
	if (now)
		publish(client, now->view); /* the same view: nothing is given back */
	return TRIB_OK;
}

/* --- Parts -------------------------------------------------------------------------------------------- */

/* All of them are whole, and the first is what may come. *ret_bytes is what the whole ones take. */
static trib_status check_parts(struct trib_bytes parts, size_t *ret_bytes, size_t *ret_count, struct trib_error *error)
{
	struct trib_snapshot_part part;
	trib_status status;

	*ret_bytes = *ret_count = 0;
	while ((status = trib_snapshot_next(parts, ret_bytes, &part, error)) == TRIB_OK)
		++*ret_count;
	return status == TRIB_NOT_FOUND ? TRIB_OK : status;
}

static trib_status take_parts(struct trib_view *view, struct trib_bytes parts, struct trib_error *error)
{
	struct trib_snapshot_part part;
	size_t offset = 0;
	trib_status status;

	while ((status = trib_snapshot_next(parts, &offset, &part, error)) == TRIB_OK)
		if ((status = trib_view_take(view, &part, error)) != TRIB_OK)
			return status;
	return status == TRIB_NOT_FOUND ? TRIB_OK : status;
}

/* The file as it is, mapped; unmap what comes back. */
static trib_status map_file(const char *path, struct trib_bytes *ret_bytes, struct trib_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;

	if (fd < 0)
		return trib_fail(error, errno == ENOENT ? TRIB_NOT_FOUND : TRIB_IO, path, "%s", strerror(errno));
	if (fstat(fd, &info) != 0 || info.st_size == 0) {
		close(fd);
		return trib_fail(error, TRIB_NOT_FOUND, path, "found nothing in it");
	}
	void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);

	close(fd);
	if (data == MAP_FAILED)
		return trib_fail(error, TRIB_IO, path, "cannot be mapped: %s", strerror(errno));
	*ret_bytes = trib_bytes(data, (size_t)info.st_size);
	return TRIB_OK;
}

/* A view of all whole parts of the file. Bytes behind them are what a crash has torn: they are cut. */
static trib_status view_of_file(struct trib_client *client, struct trib_view **ret_view, struct trib_error *error)
{
	struct store *store = &client->store;
	struct trib_bytes file;
	size_t whole, count;
	trib_status status = map_file(store->path, &file, error);

	if (status != TRIB_OK)
		return status;
	struct trib_error torn;

	status = check_parts(file, &whole, &count, &torn);
	if (status != TRIB_OK && count == 0) {
		munmap((void *)file.data, file.size);
		*error = torn;
		return status;
	}
	if (status != TRIB_OK)
		client_log(client, 1, "%s: cut behind %zu bytes: %s", store->path, whole, torn.text);
	struct trib_view *view = trib_view_new();
	struct trib_snapshot_part first;
	size_t offset = 0;

	trib_snapshot_next(file, &offset, &first, error);
	status = take_parts(view, trib_bytes(file.data, whole), error);
	store->base_bytes = first.bytes.size;
	store->delta_bytes = whole - first.bytes.size;
	munmap((void *)file.data, file.size);
	if (status == TRIB_OK && whole < file.size && truncate(store->path, (off_t)whole) != 0)
		status = trib_fail(error, TRIB_IO, store->path, "cannot be cut: %s", strerror(errno));
	if (status == TRIB_OK)
		*ret_view = view;
	else
		trib_view_free(view);
	return status;
}

static bool write_all(int fd, struct trib_bytes bytes)
{
	while (bytes.size) {
		ssize_t size = write(fd, bytes.data, bytes.size);

		if (size < 0 && errno != EINTR)
			return false;
		if (size > 0)
			bytes = trib_bytes(bytes.data + size, bytes.size - (size_t)size);
	}
	return true;
}

/* A full snapshot replaces the file as a whole; a delta goes behind what is there. */
static trib_status keep(struct store *store, struct trib_bytes parts, bool full, struct trib_error *error)
{
	char unfinished[4096];
	const char *path = full ? unfinished : store->path;

	snprintf(unfinished, sizeof(unfinished), "%s.unfinished", store->path);
	int fd = open(path, full ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC : O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	bool done = fd >= 0 && write_all(fd, parts) && fdatasync(fd) == 0;

	if (fd >= 0)
		close(fd);
	if (done && full)
		done = rename(unfinished, store->path) == 0;
	if (!done)
		return trib_fail(error, TRIB_IO, store->path, "cannot be written: %s", strerror(errno));
	if (full) {
		store->base_bytes = parts.size;
		store->delta_bytes = 0;
	} else {
		store->delta_bytes += parts.size;
	}
	return TRIB_OK;
}

/* --- Taking ------------------------------------------------------------------------------------------- */

/* Never another market, never an older one. */
static trib_status check_full(const struct trib_client *client, const struct trib_view *view, struct trib_error *error)
{
	const struct published *now = atomic_load(&client->store.published);

	if (!now)
		return TRIB_OK;
	if (trib_view_id(now->view) != trib_view_id(view))
		return trib_fail(error, TRIB_CONFLICT, "snapshot", "found one of another market");
	if (trib_view_position(view) < trib_view_position(now->view))
		return trib_fail(error, TRIB_CONFLICT, "snapshot", "found position %llu, have %llu already",
				 (unsigned long long)trib_view_position(view),
				 (unsigned long long)trib_view_position(now->view));
	return TRIB_OK;
}

static trib_status take_full(struct trib_client *client, struct trib_bytes parts, struct trib_error *error)
{
	struct store *store = &client->store;
	struct trib_view *view = trib_view_new();
	trib_status status = take_parts(view, parts, error);

	if (status == TRIB_OK)
		status = check_full(client, view, error);
	if (status == TRIB_OK)
		status = keep(store, parts, true, error);
	if (status != TRIB_OK) {
		trib_view_free(view);
		return status;
	}
	trib_view_free(publish(client, view));
	trib_view_free(TRIB_TAKE_PTR(store->spare));
	trib_buffer_reset(&store->lag);
	return TRIB_OK;
}

/* The view that nobody reads, up to where the published one stands. */
static trib_status ready_spare(struct trib_client *client, struct trib_error *error)
{
	struct store *store = &client->store;
	trib_status status = store->spare ? take_parts(store->spare, trib_buffer_bytes(&store->lag), error) :
					    view_of_file(client, &store->spare, error);

	if (status != TRIB_OK)
		trib_view_free(TRIB_TAKE_PTR(store->spare));
	trib_buffer_reset(&store->lag);
	return status;
}

void market_ready(struct trib_client *client)
{
	struct trib_error error;

	if (!client->store.spare && atomic_load(&client->store.published) && ready_spare(client, &error) != TRIB_OK)
		client_log(client, 1, "%s: %s", error.at, error.text);
}

static trib_status take_delta(struct trib_client *client, struct trib_bytes parts, struct trib_error *error)
{
	struct store *store = &client->store;
	trib_status status = ready_spare(client, error);

	if (status != TRIB_OK)
		return status;
	status = take_parts(store->spare, parts, error);
	if (status == TRIB_OK)
		status = keep(store, parts, false, error);
	if (status != TRIB_OK) {
		/* It may have taken half of it: made anew from the file when it is needed. */
		trib_view_free(TRIB_TAKE_PTR(store->spare));
		return status;
	}
	store->spare = publish(client, TRIB_TAKE_PTR(store->spare));
	trib_buffer_add_bytes(&store->lag, parts);
	return TRIB_OK;
}

trib_status market_take(struct trib_client *client, struct trib_bytes parts, struct trib_error *error)
{
	const struct published *now = atomic_load(&client->store.published);
	struct trib_snapshot_part first;
	size_t offset = 0, whole, count;
	trib_status status = check_parts(parts, &whole, &count, error);

	if (status == TRIB_OK)
		status = trib_snapshot_next(parts, &offset, &first, error);
	if (status == TRIB_OK && first.head.since == 0)
		status = take_full(client, parts, error);
	else if (status == TRIB_OK && !now)
		status = trib_fail(error, TRIB_CONFLICT, "snapshot", "found a delta, expected a full one first");
	else if (status == TRIB_OK && (count > 1 || first.head.position > trib_view_position(now->view)))
		status = take_delta(client, parts, error);
	/* A delta of nothing says that there is nothing; it is checked all the same. */
	else if (status == TRIB_OK && (first.head.market != trib_view_id(now->view) ||
				       first.head.position < trib_view_position(now->view)))
		status = trib_fail(error, TRIB_CONFLICT, "snapshot", "found one of another market or an older one");
	if (status != TRIB_OK)
		return status;
	pthread_mutex_lock(&client->lock);
	if (first.head.since == 0)
		client->counts.full++;
	else if (!now || first.head.position > first.head.since)
		client->counts.delta++;
	pthread_mutex_unlock(&client->lock);
	return TRIB_OK;
}

trib_status market_open(struct trib_client *client, struct trib_error *error)
{
	struct store *store = &client->store;
	struct trib_view *view;
	char lock_path[4096];

	trib_buffer_init(&store->lag, LAG_BYTES_MAX);
	snprintf(lock_path, sizeof(lock_path), "%s.lock", store->path);
	store->lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0 || flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return trib_fail(error, TRIB_BUSY, lock_path, "cannot be locked: another process has the file, or %s",
				 strerror(errno));
	trib_status status = view_of_file(client, &view, error);

	if (status == TRIB_OK)
		trib_view_free(publish(client, view));
	return status;
}

void market_close(struct trib_client *client)
{
	struct store *store = &client->store;
	struct published *now = atomic_load(&store->published);

	if (now) {
		trib_view_free(now->view);
		trib_keys_free(now->keys);
		free(now);
	}
	trib_view_free(store->spare);
	trib_buffer_fini(&store->lag);
	sodium_free(store->keys_text);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store->path);
}
