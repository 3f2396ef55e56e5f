#include "server/chat/post.h"

#include <stdlib.h>
#include <string.h>

#include "server/process/worker.h"
#include "server/session/session.h"
#include "shared/base/log.h"
#include "shared/text/text.h"

#define QUEUED_LINES_MAX 256 /* that wait for a room's lock */

/* A line of a worker's that found its room's lock taken. */
struct queued_line {
	struct queued_line *next;
	uint16_t room;
	uint32_t room_version; /* the room as it was: in another one it has no place */
	struct room_line line; /* its text and rooms are in `bytes` */
	uint16_t rooms[SEAT_ROOMS_MAX];
	char bytes[];
};

void post_finish(struct post_queue *posts)
{
	for (struct queued_line *next, *line = posts->oldest; line; line = next) {
		next = line->next;
		free(line);
	}
	memset(posts, 0, sizeof(*posts));
}

static bool has_queued(const struct post_queue *posts, uint16_t room)
{
	for (const struct queued_line *line = posts->oldest; line; line = line->next) {
		if (line->room == room) {
			return true;
		}
	}
	return false;
}

bool post_line(struct worker *worker, uint16_t room, const struct room_line *line)
{
	if (has_queued(&worker->posts, room) || !room_append(worker->shared->rooms, room, line)) {
		return false;
	}
	score_add(worker->score, COUNTER_MESSAGES, 1);
	worker_wake_room(worker, room);
	return true;
}

static void queue_line(struct worker *worker, uint16_t room, const struct room_line *line)
{
	struct post_queue *posts = &worker->posts;
	struct queued_line *queued = malloc(sizeof(*queued) + line->length);

	if (!queued) {
		die("out of memory");
	}
	queued->next = NULL;
	queued->room = room;
	queued->room_version = worker->shared->rooms->rooms[room].version;
	queued->line = *line;
	memcpy(queued->bytes, line->text, line->length);
	queued->line.text = queued->bytes;
	if (line->room_count > 0) {
		memcpy(queued->rooms, line->rooms, line->room_count * sizeof(*line->rooms));
	}
	queued->line.rooms = queued->rooms;
	*(posts->newest ? &posts->newest->next : &posts->oldest) = queued;
	posts->newest = queued;
	posts->count++;
}

void post_line_or_queue(struct worker *worker, uint16_t room, const struct room_line *line)
{
	if (!post_line(worker, room, line)) {
		if (worker->posts.count == QUEUED_LINES_MAX) {
			log_warning("a line for a room is dropped: its lock is held for too long");
			return;
		}
		queue_line(worker, room, line);
	}
}

void post_retry(struct worker *worker)
{
	struct post_queue *posts = &worker->posts;

	while (posts->oldest) {
		struct queued_line *first = posts->oldest;
		struct rooms *rooms = worker->shared->rooms;

		if (rooms->rooms[first->room].version == first->room_version) {
			if (!room_append(rooms, first->room, &first->line)) {
				return;
			}
			worker_wake_room(worker, first->room);
		}
		posts->oldest = first->next;
		if (!posts->oldest) {
			posts->newest = NULL;
		}
		posts->count--;
		free(first);
	}
}

/* Writes FIRST and WORD behind LENGTH bytes of BUFFER, which has room; returns the new length. */
static size_t put(char *buffer, size_t length, char first, const char *word)
{
	size_t word_length = strlen(word);

	buffer[length] = first;
	memcpy(buffer + length + 1, word, word_length);
	return length + 1 + word_length;
}

struct room_line post_message(const struct session *session, char *buffer, const char *kind,
			      uint16_t room, struct span text)
{
	struct worker *worker = session->worker;
	size_t length = put(buffer, 0, '*', kind);

	length = put(buffer, length, ' ', worker->shared->rooms->rooms[room].name);
	length = put(buffer, length, ' ', session->seat->nick);
	if (text.length > 0) {
		buffer[length++] = ' ';
		length += text_clean(text.text, text.length, buffer + length);
	}
	buffer[length++] = '\n';
	return (struct room_line){ .kind = ROOM_LINE,
				   .text = buffer,
				   .length = length,
				   .sender = session_address(session),
				   .wall_ns = worker_wall_ns(worker) };
}

bool post_hears_events(const struct worker *worker, uint16_t room)
{
	uint32_t members = room_members(worker->shared->rooms, room);

	return members > 1 && members <= ROOM_EVENTS_MOST;
}

void post_event(struct session *session, const char *kind, uint16_t room, struct span text)
{
	char buffer[POST_MESSAGE_SIZE];

	if (post_hears_events(session->worker, room)) {
		struct room_line line = post_message(session, buffer, kind, room, text);

		post_line_or_queue(session->worker, room, &line);
	}
}
