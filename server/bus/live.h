/*
 * live: what machines tell each other at once and nobody keeps: who is there, in which rooms; and
 * what it looks like.
 *
 * A message is a row of records (shared/base/record.h): a head, which says whose it is, and then
 * rooms and people that are new there or changed. So one without any is a sign of life, and there
 * is one each second. Messages of a machine have numbers without a gap: who missed one asks for all
 * anew. As all that comes from the bus, it is looked at as what strangers say.
 */
#ifndef SERVER_BUS_LIVE_H
#define SERVER_BUS_LIVE_H

#include <stdint.h>

#include "server/state/errands.h"
#include "server/state/rooms.h"
#include "shared/base/record.h"

/* Outside the stream's subjects. */
#define LIVE_SUBJECT_ALL "turnstile-now.all"
#define LIVE_SUBJECT_TO  "turnstile-now.to." /* and a machine's name: for that alone */
#define LIVE_MESSAGE_MAX (64 * 1024)         /* bytes; a longer one is none of ours */

enum live_flag {
	LIVE_FIRST = 1, /* all is told anew from here on */
	LIVE_LAST = 2,  /* up to here */
	LIVE_ASKS = 4,  /* all others are to tell all anew */
	LIVE_LEAVES = 8 /* the machine stops */
};

struct live_head {
	char node[OPTIONS_NODE_SIZE];
	uint64_t epoch;  /* of that server */
	uint64_t chain;  /* its numbers' ; 0: it only asks, and is not one of us yet */
	uint64_t number; /* within the chain */
	uint32_t flags;
	int64_t age_ns; /* how long the name has been its own */
	int64_t now_ns; /* its monotonic clock */
};

/* A room there, by a number that people's entries use for it. */
struct live_room {
	uint16_t number; /* below ROOMS_MAX */
	uint32_t members;
	struct span name;
};

struct live_person {
	uint32_t seat; /* a number of that place there */
	uint64_t session;
	struct span nick; /* empty: nobody is there any more */
	uint32_t room_count;
	uint16_t rooms[SEAT_ROOMS_MAX]; /* their numbers */
};

void live_write_head(struct records *records, struct live_head *head);
void live_write_room(struct records *records, struct live_room *room);
void live_write_person(struct records *records, struct live_person *person);

/* Reads the head; RECORDS stands behind it then. False: none of ours. */
bool live_read_head(struct records *records, struct span bytes, struct live_head *head);

/* What is for one machine alone: behind the head one of these. */
void live_write_errand(struct records *records, struct errand *errand);
void live_write_answer(struct records *records, struct errand *errand);

enum live_entry {
	LIVE_END,
	LIVE_ROOM,
	LIVE_PERSON,
	LIVE_ERRAND,
	LIVE_ANSWER,
	LIVE_OTHER,
	LIVE_BROKEN
};

/* The next entry: ROOM or PERSON is filled in; LIVE_OTHER is of a kind that is not known here. */
enum live_entry live_read_entry(struct records *records, struct live_room *room,
				struct live_person *person);

/* LIVE_ERRAND, with what is asked in ERRAND; LIVE_ANSWER, with its number and what is answered. */
enum live_entry live_read_errand(struct records *records, struct errand *errand);

#endif
