/*
 * folder: a directory of a test's own, removed with all that is in it by folder_finish (call it in
 * the test's .fini, which Criterion runs after a failed assertion too).
 */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#define FOLDER_PATH_SIZE 256 /* bytes, a NUL counted in */

struct folder {
	char path[FOLDER_PATH_SIZE];
};

/* Makes it, in TMPDIR or /tmp. */
void folder_init(struct folder *folder);

/* Writes the path of the file NAME in it to PATH, which has FOLDER_PATH_SIZE bytes. */
void folder_file(const struct folder *folder, const char *name, char *path);

/* Does nothing when it was not made, or is removed already. */
void folder_finish(struct folder *folder);

#endif
