#include "server/session/sessions.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"

void sessions_create(struct turn *turn)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	const uint32_t seats = turn->shared->seats;

	if (!sessions || !(sessions->table = calloc(seats, sizeof(*sessions->table))) ||
	    !(sessions->free = calloc(seats, sizeof(*sessions->free)))) {
		die("out of memory");
	}
	sessions->bans_seen = turn->shared->directory->admission->bans_made;
	reply_init(&sessions->reply, turn->arena, &turn->hand->replies);
	reply_init(&sessions->framed, NULL, NULL);
	turn->sessions = sessions;
}

void sessions_destroy(struct turn *turn)
{
	struct sessions *sessions = turn->sessions;

	reply_finish(&sessions->reply);
	reply_finish(&sessions->framed);
	block_release(sessions->copied);
	free(sessions->table);
	free(sessions->free);
	free(sessions);
}

void sessions_forget(struct turn *turn)
{
	memset(turn->sessions->table, 0, turn->sessions->used * sizeof(*turn->sessions->table));
}

uint32_t sessions_take_seat(struct turn *turn)
{
	struct sessions *sessions = turn->sessions;

	if (sessions->free_count > 0) {
		return sessions->free[--sessions->free_count];
	}
	return sessions->used < turn->shared->seats ? sessions->used++ : NO_SEAT_LEFT;
}

void sessions_free_seat(struct turn *turn, uint32_t seat)
{
	struct sessions *sessions = turn->sessions;

	sessions->table[seat] = NULL;
	sessions->free[sessions->free_count++] = seat;
}

struct address session_address(const struct session *session)
{
	return (struct address){ session->turn->worker, session->index, session->number };
}

struct session *session_find(const struct turn *turn, uint32_t index, uint64_t number)
{
	struct session *session = turn->sessions->table[index];

	return session && session->number == number ? session : NULL;
}

struct session *sessions_next(const struct turn *turn, uint32_t *index)
{
	while (*index < turn->sessions->used) {
		struct session *session = turn->sessions->table[(*index)++];

		if (session) {
			return session;
		}
	}
	return NULL;
}

void sessions_add_unsent(struct session *session)
{
	if (!session->unsent) {
		session->unsent = true;
		session->next_unsent = session->turn->sessions->unsent;
		session->turn->sessions->unsent = session;
	}
}

void session_retry_later(struct session *session)
{
	if (!session->waiting) {
		session->waiting = true;
		session->next_waiting = session->turn->sessions->waiting;
		session->turn->sessions->waiting = session;
	}
}

void sessions_add_leaving(struct session *session)
{
	if (!session->leaving) {
		session->leaving = true;
		session->next_ended = session->turn->sessions->ended;
		session->turn->sessions->ended = session;
	}
}

void session_note(struct turn *turn, const struct session *session, enum trail_kind kind,
		  const char *format, ...)
{
	char who[TRAIL_WHO_SIZE] = "an operator who is gone";
	va_list arguments;

	if (session) {
		trail_who(session->let_in ? session->seat->nick : "somebody", session->peer, who);
	}
	va_start(arguments, format);
	trail_note(&turn->sessions->trail, turn_now_ns(turn), who, kind, format, arguments);
	va_end(arguments);
}
