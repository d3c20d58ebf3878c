/* A play's folder as files, for the commands of `tributary play`. */
#ifndef TRIB_CLI_PLAY_FOLDER_H
#define TRIB_CLI_PLAY_FOLDER_H

#include "base/limits.h"
#include "play/play.h"

enum { PLAY_PATH_BYTES = 4096 };

/* The files of a folder, by name. Names and texts are of the heap. Begins as zeros; large. */
struct play_folder {
	struct trib_play_file files[TRIB_LIMIT_PLAY_FILES];
	uint32_t count;
	size_t bytes;
};

/* Fills an empty one; what a failure leaves is freed by fini, too. */
trib_status play_folder_read(struct play_folder *folder, const char *root, struct trib_error *error);
void play_folder_fini(struct play_folder *folder);

/* The last part of a path, and what comes before it with its '/'. */
void play_path_split(const char *path, char ret_before[PLAY_PATH_BYTES], char ret_name[PLAY_PATH_BYTES]);

#endif
