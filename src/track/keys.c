#include "track/keys.h"

#include <inttypes.h>
#include <sodium.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/limits.h"
#include "track/key_file.h"
#include "track/ring.h"
#include "track/siphash.h"

#define TOKEN_FILE    "token.keys"
#define TOKEN_HEADING "tributary token keys 1\n"
#define HASH_FILE     "hash.keys"
#define HASH_HEADING  "tributary hash keys 1\n"
#define CLIENT_FILE    "client keys"
#define CLIENT_HEADING "tributary client keys 1\n"

enum {
	SECRET_BYTES = 16,
	SECRET_HEX = 2 * SECRET_BYTES,
	LINE_BYTES_MAX = 256, /* of token.keys, its end included */
};

/* Columns of a line of token.keys. */
enum { ID, STATUS, SCOPE, CREATED, NOT_BEFORE, NOT_AFTER, SECRET, COLUMNS };

/* One reading of token.keys. Ring keys are locked memory, infos are not secret. */
struct image {
	struct trib_ring_key *keys;  /* by id, 1 to count; 0 is absent */
	struct trib_key_info *infos; /* by id - 1: keys are never removed, so ids have no gaps */
	size_t count;
};

enum hash_use { USER_HASH, ORDER_HASH, NAMES_HASH, HASH_USES };
static const char *const hash_names[HASH_USES] = { "user", "order", "names" };

/* What tells one content of the file from the next without reading it. */
struct signature {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
	bool there;
};

struct trib_keys {
	struct trib_ring ring; /* of `image`, as the codec sees it */
	struct image image;
	struct trib_hash_key *hashes; /* HASH_USES of them, locked */
	struct signature seen;	      /* of the last attempt to read, good or not */
	struct trib_clock *clock;
	uint32_t (*number_of)(void *context, struct trib_bytes registration);
	void *context;
	int folder;
	bool locked;
};

const struct trib_ring *trib_keys_ring(const struct trib_keys *keys)
{
	return &keys->ring;
}

uint32_t trib_ring_signer(const struct trib_ring *ring, int64_t issued_at_ms, uint64_t registration)
{
	uint32_t general = 0;

	/* Ids only grow: from the newest down. */
	for (uint32_t id = ring->id_max; id > 0; id--) {
		const struct trib_ring_key *key = &ring->keys[id];

		if (trib_ring_judge(key, issued_at_ms, registration) != TRIB_TOKEN_OK)
			continue;
		if (!key->any_scope)
			return id;
		if (!general)
			general = id;
	}
	return general;
}

static void image_fini(struct image *image)
{
	sodium_free(image->keys);
	free(image->infos);
	*image = (struct image){ 0 };
}

static bool parse_time(struct trib_bytes text, int64_t open, int64_t *ret_ms)
{
	if (trib_bytes_is(text, "-")) {
		*ret_ms = open;
		return true;
	}
	return trib_bytes_to_i64(text, ret_ms);
}

static bool parse_secret(struct trib_bytes hex, unsigned char ret_secret[SECRET_BYTES])
{
	size_t size;

	return hex.size == SECRET_HEX &&
	       sodium_hex2bin(ret_secret, SECRET_BYTES, hex.data, hex.size, NULL, &size, NULL) ==
		       0 &&
	       size == SECRET_BYTES;
}

/* Cuts a line at single spaces; false where there are not exactly n parts, none of them empty. */
static bool split(struct trib_bytes line, struct trib_bytes *ret_parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *space =
			i + 1 < n ? memchr(line.data, ' ', line.size) : line.data + line.size;

		if (!space || space == line.data)
			return false;
		ret_parts[i] = trib_bytes(line.data, (size_t)(space - line.data));
		if (i + 1 < n)
			line = trib_bytes(space + 1, line.size - ret_parts[i].size - 1);
	}
	return !memchr(ret_parts[n - 1].data, ' ', ret_parts[n - 1].size);
}

static bool scope_valid(struct trib_bytes scope)
{
	return trib_bytes_is(scope, "*") || trib_external_id_valid(scope);
}

/* "3 active * …" into info and, with its secret, into *key. Returns what was expected, NULL if all
 * is well. */
static const char *parse_key(struct trib_bytes line, struct trib_key_info *info,
			     struct trib_ring_key *key)
{
	struct trib_bytes part[COLUMNS];
	unsigned char secret[SECRET_BYTES] = { 0 };
	uint64_t id;

	if (!split(line, part, COLUMNS))
		return "seven columns, one space between them";
	if (!trib_bytes_to_u64(part[ID], &id) || id < 1 || id > TRIB_LIMIT_KEY_ID)
		return "the id of a key first";
	info->id = (uint16_t)id;
	bool active = trib_bytes_is(part[STATUS], "active");

	if (!active && !trib_bytes_is(part[STATUS], "retired"))
		return "active or retired in the second column";
	info->status = active ? TRIB_KEY_ACTIVE : TRIB_KEY_RETIRED;
	if (!scope_valid(part[SCOPE]))
		return "a registration's id or * in the third column";
	memcpy(info->scope, part[SCOPE].data, part[SCOPE].size);
	if (!trib_bytes_to_i64(part[CREATED], &info->created_at_ms) ||
	    !parse_time(part[NOT_BEFORE], INT64_MIN, &info->not_before_ms) ||
	    !parse_time(part[NOT_AFTER], INT64_MAX, &info->not_after_ms))
		return "times in ms in columns four to six";
	if (active ? !parse_secret(part[SECRET], secret) : !trib_bytes_is(part[SECRET], "-"))
		return "32 hexadecimal digits last, - if the key is retired";
	*key = (struct trib_ring_key){
		.secret = { trib_load_le64(secret), trib_load_le64(secret + 8) },
		.not_before_ms = info->not_before_ms,
		.not_after_ms = info->not_after_ms,
		.scope = UINT64_MAX,
		.any_scope = trib_bytes_is(part[SCOPE], "*"),
		.state = active ? TRIB_RING_ACTIVE : TRIB_RING_RETIRED,
	};
	sodium_memzero(secret, sizeof(secret));
	return NULL;
}

/* The lines of keys, up to the end. */
static trib_status parse_ring(struct trib_key_lines lines, struct image *image, struct trib_error *error)
{
	struct trib_key_lines counting = lines;
	struct trib_bytes line;

	while (trib_key_lines_next(&counting, &line))
		image->count++;
	if (image->count > TRIB_LIMIT_KEY_ID)
		return trib_key_lines_refuse(&counting, "fewer keys", error);
	image->infos = trib_alloc_zeroed(image->count, sizeof(*image->infos));
	image->keys = sodium_allocarray(image->count + 1, sizeof(*image->keys));
	if (!image->keys)
		return trib_fail(error, TRIB_NO_MEMORY, TOKEN_FILE, "found no memory for keys");
	sodium_memzero(image->keys, (image->count + 1) * sizeof(*image->keys));
	for (size_t i = 0; trib_key_lines_next(&lines, &line); i++) {
		const char *expected = parse_key(line, &image->infos[i], &image->keys[i + 1]);

		if (!expected && image->infos[i].id != i + 1)
			expected = "ids from 1 on without gaps";
		if (expected)
			return trib_key_lines_refuse(&lines, expected, error);
	}
	return TRIB_OK;
}

static trib_status parse_image(const char *text, struct image *image, struct trib_error *error)
{
	struct trib_key_lines lines;
	trib_status status = trib_key_lines_init(&lines, TOKEN_FILE, text, TOKEN_HEADING, error);

	return status == TRIB_OK ? parse_ring(lines, image, error) : status;
}

static struct signature signature_of(const struct stat *info)
{
	return (struct signature){ info->st_dev,  info->st_ino,	 info->st_size,
				   info->st_mtim, info->st_ctim, true };
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_signature(const struct signature *a, const struct signature *b)
{
	return a->there == b->there && a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && same_time(a->modified, b->modified) &&
	       same_time(a->changed, b->changed);
}

static struct signature look(const struct trib_keys *keys)
{
	struct stat info;

	if (fstatat(keys->folder, TOKEN_FILE, &info, 0) != 0)
		return (struct signature){ 0 };
	return signature_of(&info);
}

/* Reads token.keys and puts it in force; the ring in force stays where that fails. */
static trib_status load_ring(struct trib_keys *keys, struct trib_error *error)
{
	struct image image = { 0 };
	struct stat info;
	char *text;

	keys->seen = look(keys);
	trib_status status = trib_key_file_read(keys->folder, TOKEN_FILE, &text, &info, error);

	if (status != TRIB_OK)
		return status;
	keys->seen = signature_of(&info);
	status = parse_image(text, &image, error);
	sodium_free(text);
	if (status != TRIB_OK) {
		image_fini(&image);
		return status;
	}
	image_fini(&keys->image);
	keys->image = image;
	keys->ring = (struct trib_ring){ image.keys, (uint32_t)image.count };
	/* sodium_malloc asks for the lock without telling; asking again tells. */
	keys->locked = sodium_mlock(image.keys, (image.count + 1) * sizeof(*image.keys)) == 0;
	trib_keys_rebind(keys);
	return TRIB_OK;
}

static trib_status load_hashes(struct trib_keys *keys, struct trib_error *error)
{
	struct trib_key_lines lines;
	struct trib_bytes line, part[2];
	struct stat info;
	char *text;
	trib_status status = trib_key_file_read(keys->folder, HASH_FILE, &text, &info, error);

	if (status != TRIB_OK)
		return status;
	keys->hashes = sodium_allocarray(HASH_USES, sizeof(*keys->hashes));
	trib_assert(keys->hashes);
	status = trib_key_lines_init(&lines, HASH_FILE, text, HASH_HEADING, error);
	for (int use = 0; status == TRIB_OK && use < HASH_USES; use++)
		if (!trib_key_lines_next(&lines, &line) || !split(line, part, 2) ||
		    !trib_bytes_is(part[0], hash_names[use]) ||
		    !parse_secret(part[1], keys->hashes[use].bytes))
			status = trib_key_lines_refuse(&lines, "user, order and names, a key each",
						       error);
	if (status == TRIB_OK && trib_key_lines_next(&lines, &line))
		status = trib_key_lines_refuse(&lines, "no more keys", error);
	sodium_free(text);
	return status;
}

static void format_time(int64_t ms, char text[24])
{
	if (ms == INT64_MIN || ms == INT64_MAX)
		strcpy(text, "-");
	else
		snprintf(text, 24, "%" PRId64, ms);
}

static size_t format_key(char *line, const struct trib_key_info *info, const char *secret)
{
	char not_before[24], not_after[24];

	format_time(info->not_before_ms, not_before);
	format_time(info->not_after_ms, not_after);
	return (size_t)snprintf(line, LINE_BYTES_MAX, "%u %s %s %" PRId64 " %s %s %s\n", info->id,
				info->status == TRIB_KEY_ACTIVE ? "active" : "retired", info->scope,
				info->created_at_ms, not_before, not_after,
				info->status == TRIB_KEY_ACTIVE ? secret : "-");
}

static void secret_to_hex(const struct trib_ring_key *key, char ret_hex[SECRET_HEX + 1])
{
	unsigned char secret[SECRET_BYTES];

	for (int i = 0; i < SECRET_BYTES; i++)
		secret[i] = (unsigned char)(key->secret[i / 8] >> (8 * (i % 8)));
	sodium_bin2hex(ret_hex, SECRET_HEX + 1, secret, sizeof(secret));
	sodium_memzero(secret, sizeof(secret));
}

static void fresh_secret(char ret_hex[SECRET_HEX + 1])
{
	unsigned char secret[SECRET_BYTES];

	randombytes_buf(secret, sizeof(secret));
	sodium_bin2hex(ret_hex, SECRET_HEX + 1, secret, sizeof(secret));
	sodium_memzero(secret, sizeof(secret));
}

/* Writes token.keys: the ring as read (with the statuses in infos), then `added` with a new secret.
 */
static trib_status write_ring(struct trib_keys *keys, const struct trib_key_info *added,
			      struct trib_error *error)
{
	const struct image *image = &keys->image;
	size_t room = sizeof(TOKEN_HEADING) + (image->count + 2) * LINE_BYTES_MAX;
	char *text = sodium_malloc(room), *end = text, hex[SECRET_HEX + 1];

	if (!text)
		return trib_fail(error, TRIB_NO_MEMORY, TOKEN_FILE, "found no memory for keys");
	end = stpcpy(end, TOKEN_HEADING);
	for (size_t i = 0; i < image->count; i++) {
		secret_to_hex(&image->keys[i + 1], hex);
		end += format_key(end, &image->infos[i], hex);
	}
	if (added) {
		fresh_secret(hex);
		end += format_key(end, added, hex);
	}
	sodium_memzero(hex, sizeof(hex));
	end += trib_key_file_close(trib_bytes(text, (size_t)(end - text)), image->count + !!added,
				   end);
	trib_status status = trib_key_file_write(keys->folder, TOKEN_FILE,
						 trib_bytes(text, (size_t)(end - text)), error);

	sodium_free(text);
	return status;
}

static trib_status write_hashes(struct trib_keys *keys, struct trib_error *error)
{
	char *text = sodium_malloc(512), *end = text, hex[SECRET_HEX + 1];

	trib_assert(text);
	end = stpcpy(end, HASH_HEADING);
	for (int use = 0; use < HASH_USES; use++) {
		fresh_secret(hex);
		end += sprintf(end, "%s %s\n", hash_names[use], hex);
	}
	sodium_memzero(hex, sizeof(hex));
	end += trib_key_file_close(trib_bytes(text, (size_t)(end - text)), HASH_USES, end);
	trib_status status = trib_key_file_write(keys->folder, HASH_FILE,
						 trib_bytes(text, (size_t)(end - text)), error);

	sodium_free(text);
	return status;
}

/* The first start of a data folder: one key for every registration, and keys of hashes. */
static trib_status create_missing(struct trib_keys *keys, struct trib_error *error)
{
	const struct trib_key_info first = { 1,		"*",	   trib_clock_wall_ms(keys->clock),
					     INT64_MIN, INT64_MAX, TRIB_KEY_ACTIVE };
	trib_status status = TRIB_OK;

	if (flock(keys->folder, LOCK_EX) != 0)
		return trib_fail(error, TRIB_IO, "keys", "cannot lock the folder");
	if (faccessat(keys->folder, HASH_FILE, F_OK, 0) != 0)
		status = write_hashes(keys, error);
	if (status == TRIB_OK && faccessat(keys->folder, TOKEN_FILE, F_OK, 0) != 0)
		status = write_ring(keys, &first, error);
	flock(keys->folder, LOCK_UN);
	return status;
}

trib_status trib_keys_open(const char *data_dir, enum trib_keys_mode mode, struct trib_clock *clock,
			   struct trib_keys **ret_keys, struct trib_error *error)
{
	bool create = mode == TRIB_KEYS_CREATE;
	int folder;

	trib_assert(sodium_init() >= 0);
	trib_status status = trib_key_folder_open(data_dir, create, &folder, error);

	if (status != TRIB_OK)
		return status;
	struct trib_keys *keys = trib_alloc_zeroed(1, sizeof(*keys));

	keys->folder = folder;
	keys->clock = clock;
	if (create)
		status = create_missing(keys, error);
	if (status == TRIB_OK)
		status = load_hashes(keys, error);
	if (status == TRIB_OK)
		status = load_ring(keys, error);
	if (status == TRIB_OK)
		*ret_keys = keys;
	else
		trib_keys_free(keys);
	return status;
}

void trib_keys_free(struct trib_keys *keys)
{
	if (!keys)
		return;
	image_fini(&keys->image);
	sodium_free(keys->hashes);
	if (keys->folder >= 0)
		close(keys->folder);
	free(keys);
}

trib_status trib_keys_reload(struct trib_keys *keys, bool *ret_changed, struct trib_error *error)
{
	struct signature now = look(keys);
	bool changed = !same_signature(&now, &keys->seen);
	trib_status status = changed ? load_ring(keys, error) : TRIB_OK;

	if (status == TRIB_OK && ret_changed)
		*ret_changed = changed;
	return status;
}

bool trib_keys_locked(const struct trib_keys *keys)
{
	return keys->locked;
}

void trib_keys_bind(struct trib_keys *keys,
		    uint32_t (*number_of)(void *context, struct trib_bytes registration),
		    void *context)
{
	keys->number_of = number_of;
	keys->context = context;
	trib_keys_rebind(keys);
}

void trib_keys_rebind(struct trib_keys *keys)
{
	for (size_t i = 0; keys->number_of && i < keys->image.count; i++) {
		struct trib_ring_key *key = &keys->image.keys[i + 1];

		if (key->any_scope)
			continue;
		uint32_t number =
			keys->number_of(keys->context, trib_bytes_text(keys->image.infos[i].scope));

		key->scope = number ? number : UINT64_MAX;
	}
}

const struct trib_hash_key *trib_keys_user_hash(const struct trib_keys *keys)
{
	return &keys->hashes[USER_HASH];
}

const struct trib_hash_key *trib_keys_order_hash(const struct trib_keys *keys)
{
	return &keys->hashes[ORDER_HASH];
}

const struct trib_hash_key *trib_keys_names_hash(const struct trib_keys *keys)
{
	return &keys->hashes[NAMES_HASH];
}

size_t trib_keys_count(const struct trib_keys *keys)
{
	return keys->image.count;
}

struct trib_key_info trib_keys_info(const struct trib_keys *keys, size_t index)
{
	trib_assert(index < keys->image.count);
	return keys->image.infos[index];
}

/* Runs with the folder locked: what others have written first, then the change, then read it back.
 */
static trib_status add_locked(struct trib_keys *keys, const struct trib_key_info *wanted,
			      struct trib_key_info *ret_info, struct trib_error *error)
{
	trib_status status = load_ring(keys, error);

	if (status != TRIB_OK)
		return status;
	if (keys->image.count == TRIB_LIMIT_KEY_ID)
		return trib_fail(error, TRIB_LIMIT, "id", "found %d keys already, expected fewer",
				 TRIB_LIMIT_KEY_ID);
	struct trib_key_info info = *wanted;

	info.id = (uint16_t)(keys->image.count + 1);
	info.status = TRIB_KEY_ACTIVE;
	info.created_at_ms = trib_clock_wall_ms(keys->clock);
	status = write_ring(keys, &info, error);
	if (status == TRIB_OK)
		status = load_ring(keys, error);
	if (status == TRIB_OK && ret_info)
		*ret_info = info;
	return status;
}

trib_status trib_keys_add(struct trib_keys *keys, const struct trib_key_info *wanted,
			  struct trib_key_info *ret_info, struct trib_error *error)
{
	if (strnlen(wanted->scope, sizeof(wanted->scope)) == sizeof(wanted->scope) ||
	    !scope_valid(trib_bytes_text(wanted->scope)))
		return trib_fail(error, TRIB_INVALID, "scope",
				 "found \"%.64s\", expected a registration's id or *",
				 wanted->scope);
	if (wanted->not_before_ms > wanted->not_after_ms)
		return trib_fail(error, TRIB_INVALID, "not_after",
				 "found a time before not_before, expected a later one");
	if (flock(keys->folder, LOCK_EX) != 0)
		return trib_fail(error, TRIB_IO, "keys", "cannot lock the folder");
	trib_status status = add_locked(keys, wanted, ret_info, error);

	flock(keys->folder, LOCK_UN);
	return status;
}

static trib_status retire_locked(struct trib_keys *keys, uint16_t id,
				 struct trib_key_info *ret_info, struct trib_error *error)
{
	trib_status status = load_ring(keys, error);

	if (status != TRIB_OK)
		return status;
	if (id < 1 || id > keys->image.count)
		return trib_fail(error, TRIB_NOT_FOUND, "id", "found no key %u", id);
	struct trib_key_info *info = &keys->image.infos[id - 1];
	struct trib_key_info retired = *info;

	retired.status = TRIB_KEY_RETIRED;
	if (info->status == TRIB_KEY_ACTIVE) {
		*info = retired;
		status = write_ring(keys, NULL, error);
		if (status != TRIB_OK) {
			info->status = TRIB_KEY_ACTIVE;
			return status;
		}
		status = load_ring(keys, error);
	}
	if (status == TRIB_OK && ret_info)
		*ret_info = retired;
	return status;
}

trib_status trib_keys_retire(struct trib_keys *keys, uint16_t id, struct trib_key_info *ret_info,
			     struct trib_error *error)
{
	if (flock(keys->folder, LOCK_EX) != 0)
		return trib_fail(error, TRIB_IO, "keys", "cannot lock the folder");
	trib_status status = retire_locked(keys, id, ret_info, error);

	flock(keys->folder, LOCK_UN);
	return status;
}

/* ---- For clients ---- */

trib_status trib_keys_export(const struct trib_keys *keys, struct trib_buffer *ret_text,
			     struct trib_error *error)
{
	const struct image *image = &keys->image;
	char hex[SECRET_HEX + 1];
	size_t begin = ret_text->size;
	/* All at once, so that no copy of a secret is left behind where the buffer has grown. */
	char *text = trib_buffer_reserve(ret_text, sizeof(CLIENT_HEADING) + (image->count + 3) * LINE_BYTES_MAX);

	if (!text)
		return trib_fail(error, TRIB_NO_MEMORY, CLIENT_FILE, "found no room for keys");
	char *end = stpcpy(text, CLIENT_HEADING);

	sodium_bin2hex(hex, sizeof(hex), keys->hashes[USER_HASH].bytes, SECRET_BYTES);
	end += sprintf(end, "%s %s\n", hash_names[USER_HASH], hex);
	for (size_t i = 0; i < image->count; i++) {
		secret_to_hex(&image->keys[i + 1], hex);
		end += format_key(end, &image->infos[i], hex);
	}
	sodium_memzero(hex, sizeof(hex));
	end += trib_key_file_close(trib_bytes(text, (size_t)(end - text)), image->count + 1, end);
	ret_text->size = begin + (size_t)(end - text);
	return TRIB_OK;
}

trib_status trib_keys_import(const char *text, struct trib_keys **ret_keys, struct trib_error *error)
{
	struct trib_key_lines lines;
	struct trib_bytes line, part[2];

	trib_assert(sodium_init() >= 0);
	trib_status status = trib_key_lines_init(&lines, CLIENT_FILE, text, CLIENT_HEADING, error);

	if (status != TRIB_OK)
		return status;
	struct trib_keys *keys = trib_alloc_zeroed(1, sizeof(*keys));

	keys->folder = -1;
	keys->clock = trib_clock_system();
	keys->hashes = sodium_allocarray(HASH_USES, sizeof(*keys->hashes));
	trib_assert(keys->hashes);
	sodium_memzero(keys->hashes, HASH_USES * sizeof(*keys->hashes));
	if (!trib_key_lines_next(&lines, &line) || !split(line, part, 2) ||
	    !trib_bytes_is(part[0], hash_names[USER_HASH]) ||
	    !parse_secret(part[1], keys->hashes[USER_HASH].bytes))
		status = trib_key_lines_refuse(&lines, "the key of users first", error);
	if (status == TRIB_OK)
		status = parse_ring(lines, &keys->image, error);
	if (status != TRIB_OK) {
		trib_keys_free(keys);
		return status;
	}
	keys->ring = (struct trib_ring){ keys->image.keys, (uint32_t)keys->image.count };
	*ret_keys = keys;
	return TRIB_OK;
}
