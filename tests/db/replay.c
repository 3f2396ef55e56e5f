#include "tests/db/replay.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/db/scratch.h"

#define STEPS_MAX 4096
#define BYTES_MAX (1 << 23) /* of all writes together */
#define NAME_ROOM 32
#define FILES_MAX 64
#define FILE_MAX  (1 << 20) /* bytes of a file */
#define PLACE_MAX 512       /* bytes of a path */
#define SECTOR    512       /* bytes that a disk writes whole or not at all */

enum kind { WRITE, TRUNCATE, SYNC, SYNC_FOLDER, RENAME, REMOVE };

struct step {
	enum kind kind;
	char name[NAME_ROOM];
	char other[NAME_ROOM]; /* rename: the new name */
	size_t offset;         /* truncate: the length */
	size_t start;          /* of a write's bytes, in `bytes` */
	size_t length;
	int acknowledged;
};

/* Shared by all processes that are recorded: one writes at a time, as it holds the store's lock. */
struct recording {
	struct step steps[STEPS_MAX];
	size_t step_count;
	char bytes[BYTES_MAX];
	size_t byte_count;
	char place[PLACE_MAX]; /* the folder; "" when nothing is recorded */
	int acknowledged;
};

static struct recording *recording;

void replay_record(const char *folder)
{
	if (!recording) {
		void *memory = mmap(NULL, sizeof(*recording), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		cr_assert(memory != MAP_FAILED);
		recording = memory;
	}
	recording->step_count = 0;
	recording->byte_count = 0;
	recording->acknowledged = 0;
	snprintf(recording->place, sizeof(recording->place), "%s", folder);
}

void replay_stop(void)
{
	recording->place[0] = '\0';
}

void replay_acknowledge(int sales)
{
	recording->acknowledged = sales;
}

size_t replay_steps(void)
{
	return recording->step_count;
}

size_t replay_step_bytes(size_t step)
{
	return step < recording->step_count ? recording->steps[step].length : 0;
}

int replay_acknowledged(size_t step)
{
	return step < recording->step_count ? recording->steps[step].acknowledged
					    : recording->acknowledged;
}

/* The name of PATH in the folder, "" for the folder itself; NULL if it is not there. */
static const char *name_in(const char *path)
{
	const char *place = recording ? recording->place : "";
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
	cr_assert(recording->step_count < STEPS_MAX && strlen(name) < NAME_ROOM);
	struct step *step = &recording->steps[recording->step_count++];
	*step = (struct step){ .kind = kind, .acknowledged = recording->acknowledged };
	snprintf(step->name, sizeof(step->name), "%s", name);
	return step;
}

/* The name of an open file, good until the next call. */
static const char *name_of(int descriptor)
{
	static char path[PLACE_MAX];
	char link[64];
	if (!recording || recording->place[0] == '\0') {
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
	cr_assert(recording->byte_count + length <= BYTES_MAX);
	memcpy(recording->bytes + recording->byte_count, written, length);
	step->offset = (size_t)offset;
	step->start = recording->byte_count;
	step->length = length;
	recording->byte_count += length;
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

void replay_note_remove(const char *path)
{
	const char *name = name_in(path);
	if (name) {
		add_step(REMOVE, name);
	}
}

/* A disk that is made up of the steps. */

struct content {
	char bytes[FILE_MAX];
	size_t length;
};

struct file {
	struct content now;
	struct content synced;
	char name[NAME_ROOM];        /* "" when it was removed, or another renamed over it */
	char synced_name[NAME_ROOM]; /* likewise, after the folder's last sync */
	size_t made;                 /* the step that made it */
	bool made_lasts;             /* the folder was synced since */
};

static struct file files[FILES_MAX];
static size_t file_count;
static struct file *file_of[STEPS_MAX]; /* which file each step was about */
static bool lasting[STEPS_MAX];         /* whether it was synced since */

static struct file *find(const char *name)
{
	for (size_t i = 0; i < file_count; i++) {
		if (strcmp(files[i].name, name) == 0) {
			return &files[i];
		}
	}
	return NULL;
}

static struct file *find_or_make(const char *name, size_t number)
{
	struct file *file = find(name);
	if (file) {
		return file;
	}
	cr_assert(file_count < FILES_MAX);
	file = &files[file_count++];
	file->now.length = 0;
	file->synced.length = 0;
	file->synced_name[0] = '\0';
	file->made = number;
	file->made_lasts = false;
	snprintf(file->name, sizeof(file->name), "%s", name);
	return file;
}

static void set_length(struct content *content, size_t length)
{
	cr_assert(length <= FILE_MAX);
	if (length > content->length) {
		memset(content->bytes + content->length, 0, length - content->length);
	}
	content->length = length;
}

/* The bytes FROM to TO of a write. */
static void write_part(struct content *content, const struct step *step, size_t from, size_t to)
{
	if (content->length < step->offset + to) {
		set_length(content, step->offset + to);
	}
	memcpy(content->bytes + step->offset + from, recording->bytes + step->start + from,
	       to - from);
}

static void copy_content(struct content *to, const struct content *from)
{
	memcpy(to->bytes, from->bytes, from->length);
	to->length = from->length;
}

static void rename_file(const struct step *step, struct file *file)
{
	struct file *over = find(step->other);
	if (over) {
		over->name[0] = '\0';
	}
	snprintf(file->name, sizeof(file->name), "%s", step->other);
}

static bool is_of_folder(const struct step *step)
{
	return step->kind == RENAME || step->kind == REMOVE;
}

static void sync_folder(size_t number)
{
	for (size_t i = 0; i < file_count; i++) {
		memcpy(files[i].synced_name, files[i].name, NAME_ROOM);
		files[i].made_lasts = true;
	}
	for (size_t i = 0; i < number; i++) {
		lasting[i] |= is_of_folder(&recording->steps[i]);
	}
}

static void sync_file(struct file *file, size_t number)
{
	copy_content(&file->synced, &file->now);
	for (size_t i = 0; i < number; i++) {
		lasting[i] |= file_of[i] == file && !is_of_folder(&recording->steps[i]);
	}
}

/* The step with this number; a write is done up to LENGTH bytes. */
static void carry_out(size_t number, size_t length)
{
	const struct step *step = &recording->steps[number];
	lasting[number] = false;
	file_of[number] = NULL;
	if (step->kind == SYNC_FOLDER) {
		sync_folder(number);
		return;
	}
	struct file *file =
		step->kind == REMOVE ? find(step->name) : find_or_make(step->name, number);
	if (!file) {
		return;
	}
	file_of[number] = file;
	switch (step->kind) {
	case WRITE: write_part(&file->now, step, 0, length); break;
	case TRUNCATE: set_length(&file->now, step->offset); break;
	case SYNC: sync_file(file, number); break;
	case RENAME: rename_file(step, file); break;
	case REMOVE: file->name[0] = '\0'; break;
	case SYNC_FOLDER: break;
	}
}

static void carry_out_first(size_t count)
{
	file_count = 0;
	for (size_t i = 0; i < count; i++) {
		carry_out(i, recording->steps[i].length);
	}
}

static void remove_files(const char *folder)
{
	static const char *const names[] = { "s", "s-new", "s-wal", "s-shm", "s-journal" };
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
		carry_out(count, length);
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

/* Lots that are drawn from a seed (splitmix64). */
static uint64_t draw(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static bool draw_half(uint64_t *seed)
{
	return draw(seed) & 1;
}

/* Each sector of the write for itself is there or not. */
static void tear(struct content *content, const struct step *step, uint64_t *seed)
{
	size_t end;
	for (size_t from = 0; from < step->length; from = end) {
		end = from + SECTOR - (step->offset + from) % SECTOR;
		end = end < step->length ? end : step->length;
		if (draw_half(seed)) {
			write_part(content, step, from, end);
		}
	}
}

/* Lost, done, or torn. */
static void carry_out_perhaps(struct content *content, const struct step *step, uint64_t *seed)
{
	if (step->kind == TRUNCATE && draw_half(seed)) {
		set_length(content, step->offset);
	}
	if (step->kind != WRITE) {
		return;
	}
	switch (draw(seed) % 3) {
	case 0: break;
	case 1: write_part(content, step, 0, step->length); break;
	default: tear(content, step, seed);
	}
}

/* A change of the folder that was not synced happened, or not. */
static void change_name_perhaps(size_t number, uint64_t *seed)
{
	const struct step *step = &recording->steps[number];
	struct file *file = file_of[number];
	if (!file || !draw_half(seed)) {
		return;
	}
	if (file->made == number && !file->made_lasts) {
		memcpy(file->name, step->name, NAME_ROOM);
	} else if (step->kind == RENAME && !lasting[number]) {
		rename_file(step, file);
	} else if (step->kind == REMOVE && !lasting[number]) {
		file->name[0] = '\0';
	}
}

/* What is in the folder: its names as they were synced, and of the changes since then some. */
static void mix_names(size_t count, uint64_t *seed)
{
	for (size_t i = 0; i < file_count; i++) {
		memcpy(files[i].name, files[i].synced_name, NAME_ROOM);
	}
	for (size_t i = 0; i < count; i++) {
		change_name_perhaps(i, seed);
	}
}

void replay_make_mixture(const char *folder, size_t count, uint64_t seed)
{
	static struct content content;
	carry_out_first(count);
	mix_names(count, &seed);
	remove_files(folder);
	for (size_t i = 0; i < file_count; i++) {
		copy_content(&content, &files[i].synced);
		for (size_t step = 0; step < count; step++) {
			if (file_of[step] == &files[i] && !lasting[step]) {
				carry_out_perhaps(&content, &recording->steps[step], &seed);
			}
		}
		make_file(folder, files[i].name, &content);
	}
}
