#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <rocksdb/c.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	KEY_BYTES_MAX = 256,
	CACHE_BYTES = 128 << 20,
	WRITEBACK_BYTES = 1 << 20,
	FILTER_BITS_PER_KEY = 10,
	/* Files wait in level 0 without harm: nothing is ever written but by ingestion. */
	FILES_BEFORE_COMPACTION = 16,
	FILES_BEFORE_STALL = 1 << 20,
	/* One table byte and a 64-bit hash: what ORDER and TOUCH are looked up by. */
	FILTER_PREFIX_BYTES = 9,
};

struct trib_store {
	rocksdb_t *db;
	rocksdb_options_t *options;
	rocksdb_readoptions_t *read_options;
	char *folder;
	uint64_t position;
	bool read_only;		 /* it could be opened to be read, not to be written */
	struct trib_error error; /* why */
};

struct trib_checkpoint {
	struct trib_store *store;
	rocksdb_envoptions_t *env_options;
	rocksdb_sstfilewriter_t *writer;
	char *path;
	int file;	  /* the same path, only to send its pages to the disk; -1: not open */
	size_t unsent;	  /* bytes put since they were last sent */
	uint64_t position;
	trib_status status;
	struct trib_error error;
};

static const char position_key[] = "position";

/* Turns RocksDB's message, which it allocates, into ours. */
static trib_status fail_with(char *message, const char *at, struct trib_error *error)
{
	trib_status status = strstr(message, "Corruption") ? TRIB_CORRUPT : TRIB_IO;

	if (strstr(message, "lock file") && strstr(message, strerror(EAGAIN)))
		status = trib_fail(error, TRIB_BUSY, at, "another process has it open, expected to be the only one");
	else
		trib_fail(error, status, at, "RocksDB: %s", message);
	rocksdb_free(message);
	return status;
}

void store_quiet_log(void *options); /* quiet_log.cc */

static rocksdb_options_t *make_options(void)
{
	rocksdb_options_t *options = rocksdb_options_create();
	rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();

	rocksdb_cache_t *cache = rocksdb_cache_create_lru(CACHE_BYTES);

	rocksdb_block_based_options_set_block_cache(table, cache);
	rocksdb_cache_destroy(cache); /* the table's options hold it now */
	rocksdb_block_based_options_set_filter_policy(
		table, rocksdb_filterpolicy_create_bloom_full(FILTER_BITS_PER_KEY));
	rocksdb_block_based_options_set_format_version(table, 5);
	rocksdb_options_set_block_based_table_factory(options, table);
	rocksdb_block_based_options_destroy(table);
	rocksdb_options_set_prefix_extractor(
		options, rocksdb_slicetransform_create_fixed_prefix(FILTER_PREFIX_BYTES));
	rocksdb_options_set_create_if_missing(options, 1);
	rocksdb_options_set_compression(options, rocksdb_no_compression);
	rocksdb_options_set_compaction_style(options, rocksdb_universal_compaction);
	rocksdb_options_set_level0_file_num_compaction_trigger(options, FILES_BEFORE_COMPACTION);
	rocksdb_options_set_level0_slowdown_writes_trigger(options, FILES_BEFORE_STALL);
	rocksdb_options_set_level0_stop_writes_trigger(options, FILES_BEFORE_STALL);
	rocksdb_options_set_max_background_jobs(options, 2);
	rocksdb_options_set_max_open_files(options, 512);
	rocksdb_options_set_bytes_per_sync(options, WRITEBACK_BYTES);
	store_quiet_log(options);
	rocksdb_env_t *env = rocksdb_create_default_env();

	rocksdb_env_lower_thread_pool_cpu_priority(env);
	rocksdb_env_lower_high_priority_thread_pool_cpu_priority(env);
	rocksdb_options_set_env(options, env);
	rocksdb_env_destroy(env);
	return options;
}

static trib_status read_position(struct trib_store *store, struct trib_error *error)
{
	struct trib_buffer value;
	trib_status status;

	trib_buffer_init(&value, 64);
	status = trib_store_get(store, TRIB_TABLE_META, trib_bytes_text(position_key), &value, error);
	if (status == TRIB_NOT_FOUND) {
		store->position = 0;
		status = TRIB_OK;
	} else if (status == TRIB_OK && value.size != 8) {
		status = trib_fail(error, TRIB_CORRUPT, store->folder,
				   "found a position of %zu bytes, expected 8", value.size);
	} else if (status == TRIB_OK) {
		store->position = trib_key_read_u64(value.data);
	}
	trib_buffer_fini(&value);
	return status;
}

/* A checkpoint that was being written at a crash left its file behind. */
static void remove_unfinished(const char *folder)
{
	struct trib_buffer path;

	trib_buffer_init(&path, 4096);
	trib_buffer_add_format(&path, "%s/checkpoint.sst", folder);
	unlink(trib_buffer_text(&path));
	trib_buffer_fini(&path);
}

static void free_store(struct trib_store *store)
{
	rocksdb_readoptions_destroy(store->read_options);
	rocksdb_options_destroy(store->options);
	free(store->folder);
	free(store);
}

/* On a disk that takes no writes. What was last ingested is all there is. */
static trib_status open_to_read(struct trib_store *store, const struct trib_error *why)
{
	char *message = NULL;

	store->db = rocksdb_open_for_read_only(store->options, store->folder, 0, &message);
	if (message) {
		rocksdb_free(message);
		return TRIB_IO;
	}
	store->read_only = true;
	store->error = *why;
	return TRIB_OK;
}

const struct trib_error *trib_store_read_only(const struct trib_store *store)
{
	return store->read_only ? &store->error : NULL;
}

trib_status trib_store_retry(struct trib_store *store)
{
	struct trib_error error;
	char *message = NULL;

	if (!store->read_only)
		return TRIB_OK;
	rocksdb_t *db = rocksdb_open(store->options, store->folder, &message);

	if (message)
		return fail_with(message, store->folder, &error);
	rocksdb_close(store->db);
	store->db = db;
	store->read_only = false;
	return TRIB_OK;
}

trib_status trib_store_open(const char *folder, struct trib_store **ret_store,
			    struct trib_error *error)
{
	char *message = NULL;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return trib_fail(error, TRIB_IO, folder, "cannot make the folder: %s", strerror(errno));
	remove_unfinished(folder);
	struct trib_store *store = trib_alloc_zeroed(1, sizeof(*store));

	store->options = make_options();
	store->read_options = rocksdb_readoptions_create();
	rocksdb_readoptions_set_total_order_seek(store->read_options, 1);
	store->folder = trib_strdup(folder);
	store->db = rocksdb_open(store->options, folder, &message);
	if (message) {
		trib_status failed = fail_with(message, folder, error);

		if (failed != TRIB_IO || open_to_read(store, error) != TRIB_OK) {
			free_store(store);
			return failed;
		}
	}
	trib_status status = read_position(store, error);

	if (status != TRIB_OK) {
		trib_store_close(store);
		return status;
	}
	*ret_store = store;
	return TRIB_OK;
}

void trib_store_close(struct trib_store *store)
{
	if (!store)
		return;
	rocksdb_cancel_all_background_work(store->db, 1);
	rocksdb_close(store->db);
	free_store(store);
}

uint64_t trib_store_position(const struct trib_store *store)
{
	return __atomic_load_n(&store->position, __ATOMIC_ACQUIRE);
}

/*
 * A file that is left to the page cache reaches the disk in one burst at its end, and the journal's writes wait
 * behind it. Sent for a little at a time, and waited for, it takes turns with them.
 */
static void spread_writeback(struct trib_checkpoint *checkpoint, size_t bytes)
{
	checkpoint->unsent += bytes;
	if (checkpoint->unsent < WRITEBACK_BYTES || checkpoint->file < 0)
		return;
	checkpoint->unsent = 0;
	(void)sync_file_range(checkpoint->file, 0, 0,
			      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

static void put_raw(struct trib_checkpoint *checkpoint, enum trib_table table, struct trib_bytes key,
		    struct trib_bytes value)
{
	char full[KEY_BYTES_MAX];
	char *message = NULL;

	trib_assert(key.size < sizeof(full));
	full[0] = (char)table;
	if (key.size)
		memcpy(full + 1, key.data, key.size);
	rocksdb_sstfilewriter_put(checkpoint->writer, full, key.size + 1, value.data, value.size,
				  &message);
	if (message)
		checkpoint->status = fail_with(message, checkpoint->path, &checkpoint->error);
	spread_writeback(checkpoint, key.size + value.size);
}

trib_status trib_checkpoint_begin(struct trib_store *store, uint64_t position,
				  struct trib_checkpoint **ret_checkpoint, struct trib_error *error)
{
	struct trib_checkpoint *checkpoint = trib_alloc_zeroed(1, sizeof(*checkpoint));
	struct trib_buffer path;
	char *message = NULL;

	trib_buffer_init(&path, 4096);
	trib_buffer_add_format(&path, "%s/checkpoint.sst", store->folder);
	checkpoint->store = store;
	checkpoint->file = -1;
	checkpoint->path = trib_strdup(trib_buffer_text(&path));
	trib_buffer_fini(&path);
	checkpoint->env_options = rocksdb_envoptions_create();
	checkpoint->writer = rocksdb_sstfilewriter_create(checkpoint->env_options, store->options);
	rocksdb_sstfilewriter_open(checkpoint->writer, checkpoint->path, &message);
	if (message) {
		trib_status status = fail_with(message, checkpoint->path, error);

		trib_checkpoint_abandon(checkpoint);
		return status;
	}
	char value[8];

	trib_key_u64(value, position);
	checkpoint->position = position;
	checkpoint->file = open(checkpoint->path, O_WRONLY | O_CLOEXEC);
	put_raw(checkpoint, TRIB_TABLE_META, trib_bytes_text(position_key), trib_bytes(value, 8));
	*ret_checkpoint = checkpoint;
	return TRIB_OK;
}

void trib_checkpoint_put(struct trib_checkpoint *checkpoint, enum trib_table table,
			 struct trib_bytes key, struct trib_bytes value)
{
	trib_assert(table != TRIB_TABLE_META ||
		    trib_bytes_compare(key, trib_bytes_text(position_key)) > 0);
	if (checkpoint->status == TRIB_OK)
		put_raw(checkpoint, table, key, value);
}

void trib_checkpoint_abandon(struct trib_checkpoint *checkpoint)
{
	if (!checkpoint)
		return;
	rocksdb_sstfilewriter_destroy(checkpoint->writer);
	rocksdb_envoptions_destroy(checkpoint->env_options);
	if (checkpoint->file >= 0)
		close(checkpoint->file);
	unlink(checkpoint->path);
	free(checkpoint->path);
	free(checkpoint);
}

static trib_status ingest(struct trib_checkpoint *checkpoint, struct trib_error *error)
{
	rocksdb_ingestexternalfileoptions_t *options = rocksdb_ingestexternalfileoptions_create();
	const char *const files[] = { checkpoint->path };
	char *message = NULL;

	rocksdb_ingestexternalfileoptions_set_move_files(options, 1);
	rocksdb_ingest_external_file(checkpoint->store->db, files, 1, options, &message);
	rocksdb_ingestexternalfileoptions_destroy(options);
	return message ? fail_with(message, checkpoint->path, error) : TRIB_OK;
}

trib_status trib_checkpoint_commit(struct trib_checkpoint *checkpoint, struct trib_error *error)
{
	char *message = NULL;
	trib_status status = checkpoint->status;

	if (status != TRIB_OK && error)
		*error = checkpoint->error;
	if (status == TRIB_OK) {
		rocksdb_sstfilewriter_finish(checkpoint->writer, &message);
		if (message)
			status = fail_with(message, checkpoint->path, error);
	}
	if (status == TRIB_OK)
		status = ingest(checkpoint, error);
	if (status == TRIB_OK)
		__atomic_store_n(&checkpoint->store->position, checkpoint->position, __ATOMIC_RELEASE);
	trib_checkpoint_abandon(checkpoint);
	return status;
}

trib_status trib_store_get(struct trib_store *store, enum trib_table table, struct trib_bytes key,
			   struct trib_buffer *ret_value, struct trib_error *error)
{
	char full[KEY_BYTES_MAX];
	char *message = NULL;

	trib_assert(key.size < sizeof(full));
	full[0] = (char)table;
	if (key.size)
		memcpy(full + 1, key.data, key.size);
	rocksdb_pinnableslice_t *slice = rocksdb_get_pinned(store->db, store->read_options, full,
							    key.size + 1, &message);
	if (message)
		return fail_with(message, store->folder, error);
	if (!slice)
		return TRIB_NOT_FOUND;
	size_t size;
	const char *data = rocksdb_pinnableslice_value(slice, &size);

	trib_buffer_reset(ret_value);
	trib_buffer_add(ret_value, data, size);
	rocksdb_pinnableslice_destroy(slice);
	if (ret_value->failed)
		return trib_fail(error, TRIB_TOO_LARGE, store->folder, "found a value of %zu bytes", size);
	return TRIB_OK;
}

/* RocksDB's snapshot: what is ingested later is not seen through it. */
struct trib_store_view {
	const rocksdb_snapshot_t *snapshot;
};

struct trib_store_view *trib_store_view_new(struct trib_store *store, uint64_t *ret_position)
{
	struct trib_store_view *view = trib_alloc_zeroed(1, sizeof(*view));
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();
	char key[KEY_BYTES_MAX], *message = NULL;
	size_t size = 0;

	view->snapshot = rocksdb_create_snapshot(store->db);
	rocksdb_readoptions_set_snapshot(options, view->snapshot);
	key[0] = (char)TRIB_TABLE_META;
	memcpy(key + 1, position_key, strlen(position_key));
	char *value = rocksdb_get(store->db, options, key, 1 + strlen(position_key), &size, &message);

	*ret_position = value && size == 8 ? trib_key_read_u64(value) : 0;
	rocksdb_free(value);
	rocksdb_free(message);
	rocksdb_readoptions_destroy(options);
	return view;
}

void trib_store_view_free(struct trib_store *store, struct trib_store_view *view)
{
	if (!view)
		return;
	rocksdb_release_snapshot(store->db, view->snapshot);
	free(view);
}

trib_status trib_store_scan(struct trib_store *store, enum trib_table table, struct trib_bytes prefix,
			    trib_store_visit *visit, void *context, struct trib_error *error)
{
	return trib_store_scan_view(store, NULL, table, prefix, visit, context, error);
}

trib_status trib_store_scan_back(struct trib_store *store, enum trib_table table, struct trib_bytes before,
				 trib_store_visit *visit, void *context, struct trib_error *error)
{
	/* Behind every key of the table, where none is stated. */
	char full[KEY_BYTES_MAX] = { (char)(before.size ? table : table + 1) };
	trib_status status = TRIB_OK;
	char *message = NULL;

	trib_assert(before.size + 1 < sizeof(full) && table < 0xff);
	if (before.size)
		memcpy(full + 1, before.data, before.size);
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();

	rocksdb_readoptions_set_total_order_seek(options, 1);
	rocksdb_iterator_t *it = rocksdb_create_iterator(store->db, options);

	for (rocksdb_iter_seek_for_prev(it, full, before.size + 1); status == TRIB_OK && rocksdb_iter_valid(it);
	     rocksdb_iter_prev(it)) {
		size_t key_size, value_size;
		const char *key = rocksdb_iter_key(it, &key_size);
		const char *value = rocksdb_iter_value(it, &value_size);

		if (key_size > 0 && (unsigned char)key[0] < table)
			break;
		if (key_size == 0 || (unsigned char)key[0] != table ||
		    (before.size && trib_bytes_equal(trib_bytes(key + 1, key_size - 1), before)))
			continue;
		status = visit(context, trib_bytes(key + 1, key_size - 1), trib_bytes(value, value_size), error);
	}
	rocksdb_iter_get_error(it, &message);
	rocksdb_iter_destroy(it);
	rocksdb_readoptions_destroy(options);
	if (message)
		return status == TRIB_OK ? fail_with(message, store->folder, error) :
					   (rocksdb_free(message), status);
	return status;
}

trib_status trib_store_scan_view(struct trib_store *store, const struct trib_store_view *view, enum trib_table table,
				 struct trib_bytes prefix, trib_store_visit *visit, void *context,
				 struct trib_error *error)
{
	char full[KEY_BYTES_MAX];
	size_t full_size = prefix.size + 1;
	trib_status status = TRIB_OK;
	char *message = NULL;

	trib_assert(prefix.size < sizeof(full));
	full[0] = (char)table;
	if (prefix.size)
		memcpy(full + 1, prefix.data, prefix.size);
	rocksdb_readoptions_t *options = rocksdb_readoptions_create();

	if (view)
		rocksdb_readoptions_set_snapshot(options, view->snapshot);
	/* A whole hash as prefix may use the files' prefix filters; anything shorter must look everywhere. */
	if (full_size >= FILTER_PREFIX_BYTES)
		rocksdb_readoptions_set_prefix_same_as_start(options, 1);
	else
		rocksdb_readoptions_set_total_order_seek(options, 1);
	rocksdb_iterator_t *it = rocksdb_create_iterator(store->db, options);

	for (rocksdb_iter_seek(it, full, full_size); status == TRIB_OK && rocksdb_iter_valid(it);
	     rocksdb_iter_next(it)) {
		size_t key_size, value_size;
		const char *key = rocksdb_iter_key(it, &key_size);
		const char *value = rocksdb_iter_value(it, &value_size);

		if (key_size < full_size || memcmp(key, full, full_size) != 0)
			break;
		status = visit(context, trib_bytes(key + 1, key_size - 1), trib_bytes(value, value_size),
			       error);
	}
	rocksdb_iter_get_error(it, &message);
	rocksdb_iter_destroy(it);
	rocksdb_readoptions_destroy(options);
	if (message)
		return status == TRIB_OK ? fail_with(message, store->folder, error) :
					   (rocksdb_free(message), status);
	return status;
}
