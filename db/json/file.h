/*
 * json_file: the one file of a JSON store on disk, which is replaced as a whole and never torn.
 *
 * A new text is written to "FILE-new", synced, renamed over FILE, and the folder is synced: whoever
 * dies and whatever is lost at any moment, FILE is the old one or the new one. ERROR
 * (STORE_ERROR_SIZE bytes) says what failed and names the file. The lock must be held throughout.
 */
#ifndef DB_JSON_FILE_H
#define DB_JSON_FILE_H

#include <sys/stat.h>

#include "db/store/records.h"

struct json_file {
	const char *path; /* the caller's to keep */
	int descriptor; /* what was read or written last, or -1: keeps its inode's number in use */
	bool unclear;   /* the text that could not be written is FILE, but perhaps not for good */
	struct stat status;
	char *text; /* what was read, or is to be written: LENGTH bytes and a NUL */
	size_t length;
};

void json_file_init(struct json_file *file, const char *path);
void json_file_finish(struct json_file *file);

/*
 * Version 0.1.0 kept "FILE-journal", a line for what the others are of and one for each sale since
 * FILE was written. One with sales is refused; one without is removed.
 */
bool json_file_settle_journal(struct json_file *file, char *error);

/*
 * Opens the one that is there now, and reads that, though another may have replaced it by then:
 * that needs no lock. STORE_NONE when it is not there, or empty. What was read is on disk for good.
 */
enum store_result json_file_open(struct json_file *file, char *error);
enum store_result json_file_take(struct json_file *file, char *error);

/* Both. */
enum store_result json_file_read(struct json_file *file, char *error);

/* Whether it is another one than when this handle read or wrote it. */
bool json_file_is_other(struct json_file *file, bool *is_other, char *error);

/*
 * Replaces it; KEEP_MODE: with the mode and the owner that it had, else it is its owner's alone.
 * After a failure FILE is what it was, unless it is unclear; and the handle is of no more use.
 */
bool json_file_write(struct json_file *file, bool keep_mode, char *error);

#endif
