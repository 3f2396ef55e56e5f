/*
 * handover: server/process/dispatch.c, copies.c and slot.c with the workers' side of it: the master
 * hands sockets to two workers and keeps a copy of each; a worker makes a session of each, says so,
 * ends some, and is killed at any step; its successor goes on with those whose copies it is given,
 * and may be killed, too.
 *
 * Proved: each socket has a session that is gone on with until it ends, and never a second one
 * beside it or after it began; a successor is given the socket of just that session; and when
 * nothing moves any more, every socket that was not ended is served, and the master has the copies
 * of these and of no others.
 *
 * A message brings one socket. A handoff's number is used once. Channels keep what a process said
 * before it died, and lose what was on its way to it. A session's end shuts its socket down, frees
 * its seat and sets a bit, in this order.
 *
 * Left out: several sockets in a message, a master without room for them, workers that accept by
 * themselves, and what a session is (stream.pml). The master does not die: the server ends with it.
 *
 * Looked at are all runs with so many sockets and deaths:
 * Also with: -DSOCKETS=1 -DDEATHS=3 -DENDS=1
 *
 * Must fail with: -DCLOSE_AT_ONCE    the master keeps no socket that it has sent
 * Must fail with: -DTRUST_ANSWERS    what a dead worker did not answer for is handed to another
 * Must fail with: -DSESSION_FIRST    a session is there before it says whose socket it has
 * Must fail with: -DSWEEP_BLIND      who sits in a seat is not looked at when its bit is set
 * Must fail with: -DADD_BLIND        nor when the worker says that it has a socket
 * Must fail with: -DCOPY_STAYS       the copy of who sat there before is not closed
 * Must fail with: -DNO_BITS          an end sets no bit
 * Must fail with: -DHALF_ENDS        a successor sets none for an end that its predecessor did not finish
 */
#ifndef SOCKETS
#define SOCKETS 2
#define DEATHS  1
#define ENDS    1
#endif
#define WORKERS 2
#define SEATS   2 /* of each worker */
#define REFUSED 9 /* in place of a seat */

#define SEAT(worker, number) ((worker) * SEATS + (number))

/* Shared memory: a seat's stream: whose handoff, and whether there is a session; the bits. */
byte handoff[WORKERS * SEATS];
bool session[WORKERS * SEATS];
bool bit_set[WORKERS * SEATS];

/* The master's: copies, by seat; what it sent and was not answered; what it has still to send. */
byte copy[WORKERS * SEATS];
byte copy_handoff[WORKERS * SEATS];
chan unanswered[WORKERS] = [SOCKETS] of { byte, byte };
bool waits[4];
bool is_up[WORKERS];

/* Channels: a socket and the number of its handoff; the same and a seat. */
chan to_worker[WORKERS] = [SOCKETS] of { byte, byte };
chan to_master[WORKERS] = [SOCKETS] of { byte, byte, byte };

/* What a worker was started with, and the seats whose sessions it has. */
byte given[WORKERS * SEATS];
bool mine[WORKERS * SEATS];
bool killed[WORKERS];
bool is_dead[WORKERS] = true;
byte ends = ENDS; /* sessions that they may end yet */

/* The truth: whose session began and ended, what each seat's session has as its socket, and how
 * many copies are open. */
bool began[4];
bool ended[4];
byte truth[WORKERS * SEATS];
byte copies;

#define is_there(at, number) (session[at] && handoff[at] == number)

/* What the master only needs for a moment: so that fewer states differ. */
inline forget()
{
	socket = 0;
	number = 0;
	at = 0
}

inline drop_copy(at)
{
	if
	:: copy[at] != 0 -> copies--; copy[at] = 0
	:: else
	fi
}

/* The worker has the socket at that seat: a copy is kept if the session is there still. */
inline add_copy(at, socket, number)
{
	if
#ifdef ADD_BLIND
	:: at != REFUSED ->
#else
	:: at != REFUSED && is_there(at, number) ->
#endif
#ifndef COPY_STAYS
		drop_copy(at);
#endif
		copies++;
		copy[at] = socket;
		copy_handoff[at] = number
	:: else /* it is closed */
	fi
}

inline hear(worker)
{
	to_master[worker]?socket, number, at;
	unanswered[worker]?_, _;
#ifndef CLOSE_AT_ONCE
	add_copy(at, socket, number);
#endif
	forget()
}

/* One that is shut down already is let go by whoever has it next. */
inline hand_to_another()
{
	if
	:: !ended[socket] -> waits[socket] = true
	:: else
	fi
}

/* What the dead one did not answer for is its successor's where there is a session. */
inline bury(worker)
{
	is_up[worker] = false;
	do
	:: nempty(unanswered[worker]) ->
		unanswered[worker]?socket, number;
#ifndef CLOSE_AT_ONCE
		if
#ifndef TRUST_ANSWERS
		:: is_there(SEAT(worker, 0), number) ->
			at = SEAT(worker, 0);
			add_copy(at, socket, number)
		:: is_there(SEAT(worker, 1), number) ->
			at = SEAT(worker, 1);
			add_copy(at, socket, number)
#endif
		:: else -> hand_to_another()
		fi
#endif
	:: empty(unanswered[worker]) -> break
	od;
	do
	:: nempty(to_worker[worker]) -> to_worker[worker]?_, _
	:: empty(to_worker[worker]) -> break
	od;
	given[SEAT(worker, 0)] = copy[SEAT(worker, 0)];
	given[SEAT(worker, 1)] = copy[SEAT(worker, 1)];
	is_dead[worker] = false;
	forget()
}

inline look_at_bit(seat)
{
	at = seat;
	bit_set[at] = false;
	atomic {
		number = copy_handoff[at];
		if
#ifdef SWEEP_BLIND
		:: true -> drop_copy(at)
#else
		:: !is_there(at, number) -> drop_copy(at)
		:: is_there(at, number)
#endif
		fi;
		at = 0;
		number = 0
	}
}

#define HAND(which, worker) \
	atomic { \
		waits[which] && is_up[worker] && nfull(to_worker[worker]) && nfull(unanswered[worker]) -> \
		waits[which] = false; \
		last++; \
		unanswered[worker]!which, last; \
		to_worker[worker]!which, last \
	}

active proctype master()
{
	byte accepted, socket, number, at, last;

end:
	do
	:: atomic { accepted < SOCKETS -> accepted++; waits[accepted] = true }
	:: HAND(1, 0)
	:: HAND(1, 1)
	:: HAND(2, 0)
	:: HAND(2, 1)
	:: HAND(3, 0)
	:: HAND(3, 1)
	:: atomic { nempty(to_master[0]) -> hear(0) }
	:: atomic { nempty(to_master[1]) -> hear(1) }
	:: atomic { is_dead[0] && empty(to_master[0]) -> bury(0) }
	:: atomic { is_dead[1] && empty(to_master[1]) -> bury(1) }
	:: bit_set[0] -> look_at_bit(0)
	:: bit_set[1] -> look_at_bit(1)
	:: bit_set[2] -> look_at_bit(2)
	:: bit_set[3] -> look_at_bit(3)
	od
}

inline set_bit(at)
{
#ifdef NO_BITS
	skip
#else
	bit_set[at] = true
#endif
}

inline free_seat(at)
{
	session[at] = false;
	set_bit(at)
}

inline end_session(at)
{
	ended[truth[at]] = true;
	free_seat(at);
	mine[at] = false
}

inline adopt_seat(seat)
{
	at = seat;
	if
	:: session[at] && given[at] != 0 && !ended[truth[at]] ->
		atomic { assert(given[at] == truth[at]); mine[at] = true }
	:: session[at] && (given[at] == 0 || ended[truth[at]]) -> free_seat(at)
#ifdef HALF_ENDS
	:: !session[at]
#else
	:: !session[at] && given[at] != 0 -> set_bit(at)
	:: !session[at] && given[at] == 0
#endif
	fi
}

inline begin_session()
{
	atomic { assert(!began[socket]); began[socket] = true; truth[at] = socket; session[at] = true }
}

inline open(seat)
{
	at = seat;
#ifdef SESSION_FIRST
	begin_session();
	handoff[at] = number;
#else
	handoff[at] = number;
	begin_session();
#endif
	mine[at] = true;
	atomic { to_master[self]!socket, number, at; forget() }
}

proctype worker(byte self)
{
	byte socket, number, at;

start:
end_unborn:
	!is_dead[self];
	{
		adopt_seat(SEAT(self, 0));
		adopt_seat(SEAT(self, 1));
		is_up[self] = true;
end:
		do
		:: nempty(to_worker[self]) ->
			atomic { to_worker[self]?socket, number };
			if
			:: !mine[SEAT(self, 0)] -> open(SEAT(self, 0))
			:: !mine[SEAT(self, 1)] -> open(SEAT(self, 1))
			:: mine[SEAT(self, 0)] && mine[SEAT(self, 1)] ->
				ended[socket] = true;
				atomic { to_master[self]!socket, number, REFUSED; forget() }
			fi
		:: atomic { mine[SEAT(self, 0)] && ends > 0 -> ends-- }; end_session(SEAT(self, 0))
		:: atomic { mine[SEAT(self, 1)] && ends > 0 -> ends-- }; end_session(SEAT(self, 1))
		od
	} unless {
		killed[self];
		atomic {
			killed[self] = false;
			mine[SEAT(self, 0)] = false;
			mine[SEAT(self, 1)] = false;
			is_dead[self] = true;
			forget()
		}
		goto start
	}
}

active proctype killer()
{
	byte deaths;

	do
	:: atomic { deaths < DEATHS && !is_dead[0] && !killed[0] -> killed[0] = true; deaths++ }
	:: atomic { deaths < DEATHS && !is_dead[1] && !killed[1] -> killed[1] = true; deaths++ }
	:: break
	od
}

#define serves(at, socket) (mine[at] && truth[at] == socket)
#define served(socket)     (serves(0, socket) + serves(1, socket) + serves(2, socket) + serves(3, socket))
#define has_its_copy(at)   (mine[at] -> copy[at] == truth[at] : copy[at] == 0)

init
{
	atomic { run worker(0); run worker(1) };
	timeout ->
	assert(ended[1] || served(1) == 1);
	assert(SOCKETS < 2 || ended[2] || served(2) == 1);
	assert(SOCKETS < 3 || ended[3] || served(3) == 1);
	assert(has_its_copy(0) && has_its_copy(1) && has_its_copy(2) && has_its_copy(3));
	assert(copies == mine[0] + mine[1] + mine[2] + mine[3])
}
