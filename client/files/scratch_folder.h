/*
 * scratch_folder: a new folder under $TMPDIR or /tmp, for a store that goes away afterwards.
 */
#ifndef CLIENT_FILES_SCRATCH_FOLDER_H
#define CLIENT_FILES_SCRATCH_FOLDER_H

#include <limits.h>

/* Makes it and writes its path to PATH; dies when it cannot. */
void scratch_folder_make(const char *name, char path[PATH_MAX]);

/* Removes it and all that is in it. */
void scratch_folder_remove(const char *path);

#endif
