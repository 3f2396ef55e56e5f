/*
 * wire: what a message in the stream of all machines looks like, and under which subject it stands.
 *
 * A message is one record (shared/base/record.h): its tag says what it is about, its first fields
 * whose it is. So a version that knows a kind less passes over it, and a field that is added goes
 * to the end. The stream may hold anything: what is read is looked at as what strangers say.
 */
#ifndef SERVER_BUS_WIRE_H
#define SERVER_BUS_WIRE_H

#include <stdint.h>

#include "server/state/rooms.h"
#include "shared/base/record.h"

/* Numbers of kinds: never used for anything else again. */
enum wire_tag {
	WIRE_SAID = 1,  /* in a room */
	WIRE_TOPIC = 2, /* of a room */
	WIRE_JOINED = 3,
	WIRE_PARTED = 4,
	WIRE_RENAMED = 5,
	WIRE_PRESENCE = 6, /* who is where on a machine */
	WIRE_TOLD = 7,
	WIRE_KICKED = 8,
	WIRE_MUTED = 9,
	WIRE_BANNED = 10,
	WIRE_PRESENCE_ROOM = 11, /* behind WIRE_PRESENCE: a room there */
	WIRE_PRESENCE_PERSON = 12,
	WIRE_ERRAND = 13, /* behind it likewise: what is asked of somebody there */
	WIRE_ANSWER = 14
};

/* Whose a message is: line NUMBER of that worker of that machine, since that was started. */
struct wire_head {
	char node[OPTIONS_NODE_SIZE];
	uint64_t epoch;
	uint32_t worker;
	uint64_t number;
};

struct wire_message {
	struct wire_head head;
	struct span room;         /* its name; or a penalty's network (state/penalty.h) */
	struct room_message said; /* its sender is good on its own machine only */
};

/* Appends a message to RECORDS. Only of a kind that has a tag: not MESSAGE_SALE. */
void wire_write(struct records *records, struct wire_message *message);

enum wire_result {
	WIRE_GOOD,
	WIRE_UNUSABLE, /* of a kind that is not known here, or what it says cannot be */
	WIRE_STRANGE   /* none of ours: there is no head */
};

/* Reads one; its spans lie in BYTES. With WIRE_UNUSABLE the head is there. */
enum wire_result wire_read(struct span bytes, struct wire_message *message);

#define WIRE_STREAM       "turnstile"
#define WIRE_SUBJECTS     "turnstile.>"
#define WIRE_SUBJECT_SIZE 160 /* bytes, a NUL counted in */
#define WIRE_ID_SIZE      128 /* likewise */

/*
 * The subject under which a room's messages of one kind stand, "turnstile.say.tea": the stream
 * keeps the last ones of each. A room that is the same has the same one, however it is spelled.
 */
void wire_subject(enum message_kind kind, struct span room, char *subject);

/* By which the stream knows that it has a message: of the ROUND'th time that it is published. */
void wire_id(const struct wire_head *head, uint32_t round, char *id);

#endif
