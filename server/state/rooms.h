/*
 * rooms: the rooms of the whole server and their logs, in shared memory.
 *
 * A room is a log: a ring of messages, each with its number, sender and time.
 * Saying something is one append under that room's own lock; every worker with members in the room
 * keeps its place in the log and copies what is new from there, without a lock. So everyone gets
 * the same messages in the same order, and a killed worker loses none that was accepted.
 *
 * A room exists while `members` adds up to more than 0 or while it is an event's. It is found and
 * made under the directory's lock, which is taken before a room's own. One that everybody left
 * keeps its place, its log and its topic until the place is needed, so who comes back finds them
 * again. Whoever enters one that nobody is in has opened it; what an address opened is bounded, and
 * when it has so many, only rooms of its own are given up for its next.
 *
 * Written by: `members[w]` worker w alone; the log's fields and bytes the holder of `lock`; all
 * else the holder of the directory's lock. The log: `oldest` is moved on before bytes are
 * overwritten, and `end` after they are written, so a reader who copied and then finds `oldest`
 * beyond its place knows that it was overtaken, and a writer who is killed leaves nothing half
 * visible.
 */
#ifndef SERVER_STATE_ROOMS_H
#define SERVER_STATE_ROOMS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/config/options.h"
#include "server/state/directory.h"
#include "server/state/message.h"
#include "shared/sync/mutex.h"

#define ROOMS_OF_PEOPLE  1024 /* at a time, on the whole server */
#define ROOMS_MAX        2048 /* an event's room has a place however many people have opened */
#define ROOM_MESSAGE_MAX 3400 /* bytes of nick and text of a message in a log */
#define ROOM_EVENTS_MOST 64   /* members; in a larger room nobody is told who comes and goes */
#define ROOM_TOPIC_SIZE  513  /* bytes, a NUL counted in */
#define ROOM_NONE        UINT16_MAX
#define ROOM_REFUSED     (UINT16_MAX - 1)
#define ROOM_PADDING     UINT8_MAX

/*
 * Rooms that one address may have opened: an eighth of all, so that a stranger leaves seven to
 * others, while a school behind one address has enough; one connection can be in 32.
 */
#define ROOMS_AN_ADDRESS 128

/*
 * Before the nick and text of each message in a log. Of a MESSAGE_RENAMED, the sender's rooms
 * and its number follow, so that who shares several with them is told once. The text of a
 * MESSAGE_SALE is a struct message_sale.
 */
struct room_record {
	uint16_t size; /* of the whole record, a multiple of 8 */
	uint16_t text_length;
	uint8_t kind; /* enum message_kind, or ROOM_PADDING: nothing, up to the ring's end */
	uint8_t nick_length;
	uint8_t room_count;    /* MESSAGE_RENAMED: how many uint16_t follow the text */
	uint8_t heard_count;   /* the first of them: who is there is to hear it */
	uint64_t number;       /* 1 and up, in this room */
	struct address sender; /* its session is 0 if the server itself speaks */
	int64_t wall_ns;
	char bytes[];
};

struct room {
	_Atomic uint32_t version; /* odd while name and use change */
	bool used;
	bool of_event;
	char name[NAME_ROOM_SIZE]; /* with its '#' */
	_Atomic uint32_t members[OPTIONS_WORKERS_MAX];
	_Atomic uint32_t elsewhere; /* members on other machines: the bus process's */
	struct mutex lock;
	_Atomic uint64_t oldest; /* bytes ever overwritten or dropped */
	_Atomic uint64_t end;    /* bytes ever appended */
	_Atomic uint64_t lines;  /* ever appended */
	/* Of what the bus process appends (bus.h): whether a message is here is known by these. */
	_Atomic uint64_t sequence;     /* of the last one in the stream; 0: none came from there */
	_Atomic uint64_t sequence_end; /* the log's end behind it */
	_Atomic uint64_t sequence_before; /* that of the one before it */
	/* The topic is one of two, so that who is killed while writing leaves the old one. */
	_Atomic uint32_t topic_now;
	char topics[2][ROOM_TOPIC_SIZE];
	uint64_t emptied; /* when everybody had left: the higher, the later */
};

/* How far a room's log is kept in the store: written by the holder of the store's lock alone. */
struct room_kept {
	struct name_hash hash; /* the room that it was */
	uint64_t position;
	uint64_t lines;
	uint32_t topic_now;
};

/* How far a worker's members in a room have been given its log: written by that worker's loop. */
struct room_place {
	uint64_t position;    /* changes last: what a successor goes by */
	uint64_t next_number; /* of the line expected there; 0: not known */
};

struct rooms {
	unsigned workers;          /* that there are */
	uint32_t log_size;         /* bytes that each room's log has room for; a power of two */
	_Atomic uint32_t log_most; /* likewise, that are kept: the pages of others are given back */
	uint64_t last_emptied;
	_Atomic uint64_t renames; /* how many there were: the last one's number */
	_Atomic int64_t kept_ns;  /* monotonic: when the store was last brought up to date */
	struct name_hash hashes[ROOMS_MAX];     /* of the names; all zero: the place is free */
	struct peer_address openers[ROOMS_MAX]; /* their owners; all zero: nobody's */
	struct room rooms[ROOMS_MAX];
	struct room_kept kept[ROOMS_MAX];
	unsigned char *logs; /* [ROOMS_MAX][log_size] */
	struct room_place places[OPTIONS_WORKERS_MAX][ROOMS_MAX];
	/* For each worker the rooms that have something new for it: a bit a room, and a summary. */
	struct {
		_Alignas(CACHE_LINE) _Atomic uint64_t any;
		_Atomic uint64_t bits[ROOMS_MAX / 64];
	} news[OPTIONS_WORKERS_MAX];
};

size_t rooms_size(unsigned history);
struct rooms *rooms_create(struct memory *memory, unsigned workers, unsigned history);

/* The master: there are so many workers, and logs keep so much, at most what there is room for. */
void rooms_use(struct rooms *rooms, unsigned workers, unsigned history);

/* With the directory's lock held. The room of that name; ROOM_NONE if it does not exist. */
uint16_t rooms_find(const struct rooms *rooms, const struct directory *directory, struct span name);

/*
 * The same, but one that does not exist is opened by OPENER. ROOM_REFUSED if that address has
 * opened as many as it may, ROOM_NONE if all people together have.
 */
uint16_t rooms_open(struct rooms *rooms, const struct directory *directory, struct span name,
		    struct peer_address opener);

/* With the directory's lock held: one member of WORKER's more or fewer. */
void rooms_enter(struct rooms *rooms, uint16_t room, uint32_t worker);
void rooms_leave(struct rooms *rooms, uint16_t room, uint32_t worker);

/* With the directory's lock held: so many are WORKER's MEMBERS in each of ROOMS_MAX rooms. */
void rooms_recount(struct rooms *rooms, uint32_t worker, const uint32_t *members);

/* With the directory's lock held: the room of an event, kept also while nobody is in it. */
uint16_t rooms_of_event(struct rooms *rooms, const struct directory *directory, const char *event);

/*
 * With the directory's lock held: the place of a room in which something is said elsewhere, also
 * when nobody here is in it; ROOM_NONE if there is no place for it.
 */
uint16_t rooms_remember(struct rooms *rooms, const struct directory *directory, struct span name);

/* Whether a worker with members in it has half of what the log keeps still to read. */
bool room_is_pressed(const struct rooms *rooms, uint16_t room);

/* There is another stream now, whose sequences begin anew. False: a room's lock is held. */
bool rooms_forget_sequences(struct rooms *rooms);

/* With the directory's lock held: so many are in it on other machines. */
void rooms_set_elsewhere(struct rooms *rooms, uint16_t room, uint32_t members);

/* How many are in it: here, and on all machines. */
uint32_t room_members_here(const struct rooms *rooms, uint16_t room);
uint32_t room_members(const struct rooms *rooms, uint16_t room);

/* Copies a room's name (NAME_ROOM_SIZE bytes); false if it is not in use. No lock. */
bool room_read_name(const struct rooms *rooms, uint16_t room, char *name);

/* Copies a room's topic (ROOM_TOPIC_SIZE bytes), "" if it has none. No lock. */
void room_read_topic(const struct rooms *rooms, uint16_t room, char *topic);

/* A message for a room. */
struct room_message {
	enum message_kind kind; /* the text of a MESSAGE_TOPIC is the room's topic from here on */
	struct span nick;
	struct span text;
	struct address sender;
	int64_t wall_ns;
	uint64_t rename;       /* MESSAGE_RENAMED: its number, of rooms->renames */
	const uint16_t *rooms; /* likewise: as in the record */
	size_t room_count;
	size_t heard_count;
	uint64_t sequence; /* its place in the stream of all machines; 0: it did not come from there
			    */
};

/*
 * Appends a message and marks the room as news for every worker with members in it. False if
 * somebody else holds the room's lock: keep it and try again next turn. The workers are to be
 * woken. One with a sequence is appended once: when the log has it already, nothing is done.
 */
bool room_append(struct rooms *rooms, uint16_t room, const struct room_message *message);

/*
 * Copies what is new in the room at PLACE from POSITION on into BUFFER: whole records, as much as
 * SIZE bytes take (at least the largest record's), moves POSITION on, and returns how many bytes.
 * MISSED is how many lines were overwritten before they were read; NEXT_NUMBER is the number of the
 * line expected at POSITION, 0 where that is not known, and is kept up to date.
 */
size_t room_read(const struct rooms *rooms, uint16_t place, uint64_t *position,
		 uint64_t *next_number, unsigned char *buffer, size_t size, uint64_t *missed);

/*
 * Whether the last that a room's log has of that session's coming and going is that it went. Reads
 * all of the log: for a successor, which cannot know what its predecessor told.
 */
bool room_told_gone(const struct rooms *rooms, uint16_t place, uint64_t session);

/* WORKER's place in a room's log; and a copy. */
struct room_place *room_place(struct rooms *rooms, uint32_t worker, uint16_t room);
struct room_place room_place_read(struct rooms *rooms, uint32_t worker, uint16_t room);

/*
 * At the server's start: puts a room that the store kept at its place, empty and so not yet
 * existing, and then what was said in it. Before the first fork; or, with the directory's lock
 * held, if rooms_can_restore says that neither its place nor its name is taken meanwhile.
 */
bool rooms_can_restore(const struct rooms *rooms, const struct directory *directory, uint16_t place,
		       struct span name);
void rooms_restore(struct rooms *rooms, const struct directory *directory, uint16_t place,
		   struct span name, const char *topic);
void rooms_restore_said(struct rooms *rooms, uint16_t place, uint64_t number, int64_t wall_ns,
			struct span nick, struct span text);

/*
 * The record at or after *POSITION in a room's log, which is moved on to where it stands; NULL at
 * the end. For who knows that nobody appends.
 */
const struct room_record *rooms_record(const struct rooms *rooms, uint16_t place,
				       uint64_t *position);

/*
 * Likewise before the first fork, of another layout's rooms: spells the name of the room at PLACE;
 * appends a message as its line NUMBER; and says how many members WORKER has in each of ROOMS_MAX
 * rooms, which may have something new for them.
 */
void rooms_restore_name(struct rooms *rooms, const struct directory *directory, uint16_t place,
			struct span name, bool of_event);
void rooms_restore_message(struct rooms *rooms, uint16_t place, uint64_t number,
			   const struct room_message *message);
void rooms_restore_members(struct rooms *rooms, uint32_t worker, const uint32_t *members);

/* What was posted, out of a record of the log of the room of that NAME; both have to stay. */
struct message room_message_of(const struct room_record *record, struct span name);

/* The room and the number of a MESSAGE_RENAMED's record. */
uint16_t room_rename_room(const struct room_record *record, size_t index);
uint64_t room_rename_number(const struct room_record *record);

/* The largest record there is. */
#define ROOM_RECORD_MAX (sizeof(struct room_record) + ROOM_MESSAGE_MAX + SEAT_ROOMS_MAX * 2 + 16)

/* Takes the next room with news for WORKER, in the order of places; ROOM_NONE if there is none. */
uint16_t rooms_next_news(struct rooms *rooms, uint32_t worker);
void rooms_note_news(struct rooms *rooms, uint16_t room, uint32_t worker);
bool rooms_have_news(const struct rooms *rooms, uint32_t worker);

#endif
