#include "tests/db/replay.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/db/scratch.h"

#define STEPS_MAX 512
#define BYTES_MAX (1 << 20) /* of all writes together */
#define NAME_ROOM 32
#define FILES_MAX 64
#define FILE_MAX  (1 << 14) /* bytes of a file */
#define PLACE_MAX 512       /* bytes of a path */

enum kind { WRITE, TRUNCATE, SYNC, SYNC_FOLDER, RENAME };

struct step {
	enum kind kind;
	char name[NAME_ROOM];
	char other[NAME_ROOM]; /* rename: the new name */
	size_t offset;         /* truncate: the length */
	size_t start;          /* of a write's bytes, in `bytes` */
	size_t length;
	int acknowledged;
};

static struct step steps[STEPS_MAX];
static size_t step_count;
static char bytes[BYTES_MAX];
static size_t byte_count;
static char place[PLACE_MAX]; /* the folder; "" when nothing is recorded */
static int acknowledged;

void replay_record(const char *folder)
{
	snprintf(place, sizeof(place), "%s", folder);
	step_count = 0;
	byte_count = 0;
	acknowledged = 0;
}

void replay_stop(void)
{
	place[0] = '\0';
}

void replay_acknowledge(int sales)
{
	acknowledged = sales;
}

size_t replay_steps(void)
{
	return step_count;
}

size_t replay_step_bytes(size_t step)
{
	return step < step_count ? steps[step].length : 0;
}

int replay_acknowledged(size_t step)
{
	return step < step_count ? steps[step].acknowledged : acknowledged;
}

/* The name of PATH in the folder, "" for the folder itself; NULL if it is not there. */
static const char *name_in(const char *path)
{
	size_t length = strlen(place);
	if (length == 0 || strncmp(path, place, length) != 0) {
		return NULL;
	}
	if (path[length] == '\0') {
		return "";
	}
	return path[length] == '/' ? path + length + 1 : NULL;
}

static struct step *add_step(enum kind kind, const char *name)
{
	cr_assert(step_count < STEPS_MAX && strlen(name) < NAME_ROOM);
	struct step *step = &steps[step_count++];
	*step = (struct step){ .kind = kind, .acknowledged = acknowledged };
	snprintf(step->name, sizeof(step->name), "%s", name);
	return step;
}

/* The name of an open file, good until the next call. */
static const char *name_of(int descriptor)
{
	static char path[PLACE_MAX];
	char link[64];
	if (place[0] == '\0') {
		return NULL;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
	ssize_t length = readlink(link, path, sizeof(path) - 1);
	if (length < 0) {
		return NULL;
	}
	path[length] = '\0';
	return name_in(path);
}

void replay_note_write(int descriptor, const void *written, size_t length, long offset)
{
	const char *name = name_of(descriptor);
	if (!name) {
		return;
	}
	struct step *step = add_step(WRITE, name);
	cr_assert(byte_count + length <= BYTES_MAX);
	memcpy(bytes + byte_count, written, length);
	step->offset = (size_t)offset;
	step->start = byte_count;
	step->length = length;
	byte_count += length;
}

void replay_note_truncate(int descriptor, long length)
{
	const char *name = name_of(descriptor);
	if (name) {
		add_step(TRUNCATE, name)->offset = (size_t)length;
	}
}

void replay_note_sync(int descriptor)
{
	const char *name = name_of(descriptor);
	if (name) {
		add_step(*name ? SYNC : SYNC_FOLDER, name);
	}
}

void replay_note_rename(const char *from, const char *to)
{
	const char *name = name_in(from);
	const char *other = name_in(to);
	if (!name || !other) {
		return;
	}
	struct step *step = add_step(RENAME, name);
	snprintf(step->other, sizeof(step->other), "%s", other);
}

/* A disk that is made up of the steps. */

struct content {
	char bytes[FILE_MAX];
	size_t length;
};

struct file {
	struct content now;
	struct content synced;
	char name[NAME_ROOM];        /* "" when another was renamed over it */
	char synced_name[NAME_ROOM]; /* likewise, after the folder's last sync */
};

static struct file files[FILES_MAX];
static size_t file_count;

static struct file *find(const char *name)
{
	for (size_t i = 0; i < file_count; i++) {
		if (strcmp(files[i].name, name) == 0) {
			return &files[i];
		}
	}
	return NULL;
}

static struct file *find_or_make(const char *name)
{
	struct file *file = find(name);
	if (file) {
		return file;
	}
	cr_assert(file_count < FILES_MAX);
	file = &files[file_count++];
	memset(file, 0, sizeof(*file));
	snprintf(file->name, sizeof(file->name), "%s", name);
	return file;
}

static void write_to(struct content *content, const struct step *step, size_t length)
{
	cr_assert(step->offset <= content->length && step->offset + length <= FILE_MAX);
	memcpy(content->bytes + step->offset, bytes + step->start, length);
	if (content->length < step->offset + length) {
		content->length = step->offset + length;
	}
}

static void rename_file(const struct step *step)
{
	struct file *over = find(step->other);
	struct file *file = find(step->name);
	if (over) {
		over->name[0] = '\0';
	}
	snprintf(file->name, sizeof(file->name), "%s", step->other);
}

static void sync_folder(void)
{
	for (size_t i = 0; i < file_count; i++) {
		memcpy(files[i].synced_name, files[i].name, NAME_ROOM);
	}
}

/* A write is done up to LENGTH bytes. */
static void carry_out(const struct step *step, size_t length)
{
	struct file *file;
	if (step->kind == SYNC_FOLDER) {
		sync_folder();
		return;
	}
	file = find_or_make(step->name);
	switch (step->kind) {
	case WRITE: write_to(&file->now, step, length); break;
	case TRUNCATE: file->now.length = step->offset; break;
	case SYNC: file->synced = file->now; break;
	case RENAME: rename_file(step); break;
	case SYNC_FOLDER: break;
	}
}

static void carry_out_first(size_t count)
{
	file_count = 0;
	for (size_t i = 0; i < count; i++) {
		carry_out(&steps[i], steps[i].length);
	}
}

static void remove_files(const char *folder)
{
	static const char *const names[] = { "s", "s-new" };
	char path[PLACE_MAX + NAME_ROOM + 2];
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
}

static void make_file(const char *folder, const char *name, const struct content *content)
{
	char path[PLACE_MAX + NAME_ROOM + 2];
	if (*name == '\0') {
		return;
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	write_file(path, content->bytes, content->length);
}

void replay_make(const char *folder, size_t count, size_t length)
{
	carry_out_first(count);
	if (length > 0) {
		carry_out(&steps[count], length);
	}
	remove_files(folder);
	for (size_t i = 0; i < file_count; i++) {
		make_file(folder, files[i].name, &files[i].now);
	}
}

void replay_make_synced(const char *folder, size_t count)
{
	carry_out_first(count);
	remove_files(folder);
	for (size_t i = 0; i < file_count; i++) {
		make_file(folder, files[i].synced_name, &files[i].synced);
	}
}
