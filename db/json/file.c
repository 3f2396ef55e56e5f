#include "db/json/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/store/in_use.h"
#include "db/store/kind.h"

void json_file_init(struct json_file *file, const char *path)
{
	*file = (struct json_file){ .path = path, .descriptor = -1 };
}

void json_file_finish(struct json_file *file)
{
	if (file->descriptor >= 0) {
		close(file->descriptor);
	}
	free(file->text);
}

static bool fail(const struct json_file *file, const char *suffix, char *error)
{
	return store_refuse(error, "%s%s: %s", file->path, suffix, strerror(errno));
}

/* Reads all of DESCRIPTOR into the text. */
static bool read_text(struct json_file *file, int descriptor)
{
	struct stat status;
	ssize_t count;
	free(file->text);
	file->length = 0;
	file->text = fstat(descriptor, &status) == 0 ? malloc((size_t)status.st_size + 1) : NULL;
	if (!file->text) {
		return false;
	}
	while ((count = pread(descriptor, file->text + file->length,
			      (size_t)status.st_size - file->length, (off_t)file->length)) > 0) {
		file->length += (size_t)count;
	}
	file->text[file->length] = '\0';
	return count == 0;
}

static bool write_text(const struct json_file *file, int descriptor)
{
	for (size_t done = 0; done < file->length;) {
		ssize_t count =
			pwrite(descriptor, file->text + done, file->length - done, (off_t)done);
		if (count < 0) {
			return false;
		}
		done += (size_t)count;
	}
	return true;
}

/* What was renamed in the store's folder is on disk after this. */
static bool sync_folder(const struct json_file *file)
{
	char folder[PATH_MAX];
	int length = (int)(strrchr(file->path, '/') - file->path) + 1;
	snprintf(folder, sizeof(folder), "%.*s", length, file->path);
	int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = descriptor >= 0 && fsync(descriptor) == 0;
	int problem = errno;
	if (descriptor >= 0) {
		close(descriptor);
	}
	errno = problem;
	return synced;
}

bool json_file_settle_journal(struct json_file *file, char *error)
{
	char name[PATH_MAX];
	snprintf(name, sizeof(name), "%.*s-journal", PATH_MAX - 9, file->path);
	FILE *journal = fopen(name, "re");
	if (!journal) {
		return errno == ENOENT || fail(file, "-journal", error);
	}
	int lines = 0;
	for (int byte; lines < 2 && (byte = getc(journal)) != EOF;) {
		lines += byte == '\n';
	}
	bool was_read = !ferror(journal);
	fclose(journal);
	if (!was_read || lines < 2) {
		return (was_read && unlink(name) == 0) || fail(file, "-journal", error);
	}
	return store_refuse(
		error,
		"%s: has sales that version 0.1.0 wrote there: let that version convert the "
		"store (turnstile store convert json:%s sqlite:NEW), or delete the journal",
		name, file->path);
}

enum store_result json_file_open(struct json_file *file, char *error)
{
	if (file->descriptor >= 0) {
		close(file->descriptor);
	}
	file->descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
	if (file->descriptor < 0 && errno == ENOENT) {
		return STORE_NONE;
	}
	if (file->descriptor < 0 || !in_use_mark(file->descriptor) ||
	    fstat(file->descriptor, &file->status) < 0) {
		fail(file, "", error);
		return STORE_FAILED;
	}
	return STORE_OK;
}

/* Who wrote it may have died before the folder was synced: what we tell of it must last. */
enum store_result json_file_take(struct json_file *file, char *error)
{
	if (!read_text(file, file->descriptor) || !sync_folder(file)) {
		fail(file, "", error);
		return STORE_FAILED;
	}
	return file->length > 0 ? STORE_OK : STORE_NONE;
}

enum store_result json_file_read(struct json_file *file, char *error)
{
	enum store_result result = json_file_open(file, error);
	return result == STORE_OK ? json_file_take(file, error) : result;
}

bool json_file_is_other(struct json_file *file, bool *is_other, char *error)
{
	const struct stat *known = &file->status;
	struct stat now;
	if (stat(file->path, &now) < 0) {
		return fail(file, "", error);
	}
	*is_other = now.st_ino != known->st_ino || now.st_dev != known->st_dev ||
		    now.st_size != known->st_size || now.st_mtim.tv_sec != known->st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != known->st_mtim.tv_nsec;
	return true;
}

/* Who can read the file can make codes. The owner stays where we may set it. */
static bool copy_mode(int from, int to, bool keep_mode)
{
	struct stat status;
	if (from < 0) {
		return true;
	}
	if (fstat(from, &status) < 0 ||
	    (fchown(to, status.st_uid, status.st_gid) < 0 && errno != EPERM)) {
		return false;
	}
	return !keep_mode || fchmod(to, status.st_mode & 0777) == 0;
}

/* Puts the text in FILE's place once it is on disk; its descriptor, or -1 with errno. */
static int replace(struct json_file *file, bool keep_mode)
{
	char beside[PATH_MAX];
	snprintf(beside, sizeof(beside), "%.*s-new", PATH_MAX - 5, file->path);
	int fresh = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fresh < 0) {
		return -1;
	}
	if (in_use_mark(fresh) && copy_mode(file->descriptor, fresh, keep_mode) &&
	    write_text(file, fresh) && fsync(fresh) == 0 && rename(beside, file->path) == 0) {
		return fresh;
	}
	int problem = errno;
	close(fresh);
	unlink(beside);
	errno = problem;
	return -1;
}

bool json_file_write(struct json_file *file, bool keep_mode, char *error)
{
	int fresh = replace(file, keep_mode);
	if (fresh < 0) {
		return fail(file, "-new", error);
	}
	if (!sync_folder(file) || fstat(fresh, &file->status) < 0) {
		file->unclear = true;
		close(fresh);
		return fail(file, "", error);
	}
	if (file->descriptor >= 0) {
		close(file->descriptor);
	}
	file->descriptor = fresh;
	return true;
}
