/*
 * bus: server/bus: one machine says lines, its publisher sends them over a connection that breaks to
 * a stream that may refuse any, and the readers of that machine and of another one take what is in
 * the stream. The machine's bus process, publisher and reader in one, is killed at any step.
 *
 * Proved: each room's log has every line once, in the order in which they were said, on both
 * machines; and when nothing moves any more, all of them have come back, and so none waits.
 *
 * A connection that breaks loses what is on its way. The stream knows a line that it
 * took by its number and round, until it forgets. Appending is one step here: that a log has a
 * message once, wherever who appends is killed, the tests say (test_rooms.c). What is left out: more
 * than one worker, holes in the stream, another stream, and the bound of an outbox. That nothing
 * has come back for long is a timeout: it comes when nobody else can do anything.
 *
 * Also with: -DLINES=3 -DBREAKS=0 -DKILLS=0
 * Also with: -DLINES=3 -DLOSSES=0 -DKILLS=0
 * Also with: -DLINES=3 -DLOSSES=0 -DBREAKS=0 -DFORGETS=0
 *
 * Must fail with: -DEARLY_COUNTS   a line counts though one before it is missing
 * Must fail with: -DREPEATED_COUNT a line that comes twice counts twice
 * Must fail with: -DPOSITION_FIRST a reader is past a message before it has taken it
 * Must fail with: -DSAID_ONCE      what counted before a death is not noted as back after it
 * Must fail with: -DONE_ROUND      a line is sent anew under the same round, and the stream forgets none
 */
#ifndef LINES
#define LINES 2
#endif
#ifndef BREAKS
#define BREAKS 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifdef ONE_ROUND
#define FORGETS 0
#endif
#ifndef FORGETS
#define FORGETS 1
#endif
#define PLACES   20 /* of the stream */
#define ROUNDS   8
#define TIMEOUTS 6 /* so often at most nothing moves before all is said */

#define OWN   0
#define OTHER 1

/* The stream: a line in each place; the rounds under which it knows each, as bits. */
byte place[PLACES];
byte places;
byte known[LINES + 1];

/* What is on its way to it: a line and its round. */
chan connection = [LINES] of { byte, byte };
bool open = true;

/* Shared memory of each machine; `said` is the first's alone. */
byte said;
byte last[2];
byte position[2];
byte log_length[2];
byte log_sequence[2];

/* What the publisher is to do: a line is missing; the process is another one; so is the connection. */
byte missing;
bool reborn;

byte breaks;
byte losses;
byte kills;
byte forgets;
byte timeouts;

#define NEXT_ROUND(round) round = (round + 1 < ROUNDS -> round + 1 : 0)

active proctype publisher()
{
	byte next = 1;
	byte round = 0;

	do
	:: atomic { said == LINES -> break }
	:: atomic { reborn -> reborn = false; open = true; next = said + 1; round = 0 }
	:: atomic {
		!open && !reborn ->
		open = true;
		next = said + 1
	}
	:: atomic {
		missing != 0 ->
		if
		:: missing == said + 1 ->
			next = said + 1;
#ifndef ONE_ROUND
			NEXT_ROUND(round)
#endif
		:: else
		fi;
		missing = 0
	}
	:: atomic { next <= said -> next = said + 1 }
	:: atomic {
		open && !reborn && next > said && next <= LINES && nfull(connection) ->
		connection ! next, round;
		next++
	}
	:: atomic {
		timeout ->
		timeouts++;
		assert(timeouts < TIMEOUTS);
		next = said + 1;
#ifndef ONE_ROUND
		NEXT_ROUND(round)
#endif
	}
	od
}

active proctype stream()
{
	byte line;
	byte round;

end:
	do
	:: atomic {
		connection ? line, round ->
		if
		:: known[line] & (1 << round) /* it has that */
		:: !(known[line] & (1 << round)) ->
			assert(places < PLACES);
			place[places] = line;
			places++;
			known[line] = known[line] | (1 << round)
		:: !(known[line] & (1 << round)) && losses < LOSSES -> losses++
		fi;
		line = 0;
		round = 0
	}
	:: atomic {
		forgets < FORGETS && places > 0 ->
		forgets++;
		known[1] = 0;
		known[2] = 0;
		known[LINES] = 0
	}
	od
}

/* What is on its way is lost. */
active proctype cable()
{
	byte line;
	byte round;

	do
	:: atomic {
		breaks < BREAKS && open ->
		breaks++;
		do
		:: connection ? line, round
		:: empty(connection) -> break
		od;
		open = false;
		line = 0;
		round = 0
	}
	:: break
	od
}

#define DIE                                                         \
	if                                                          \
	:: atomic {                                                 \
		machine == OWN && kills < KILLS && said < LINES ->  \
		kills++;                                            \
		reborn = true;                                      \
		goto again                                          \
	}                                                           \
	:: true                                                     \
	fi

proctype reader(byte machine)
{
	byte line;
	byte sequence;

again:
	sequence = position[machine];
	do
	:: atomic { last[machine] == LINES && (machine == OTHER || said == LINES) -> break }
	:: sequence < places ->
		line = place[sequence];
#ifdef POSITION_FIRST
		position[machine] = sequence + 1;
		DIE;
#endif
		if
#ifndef REPEATED_COUNT
		:: line <= last[machine]
#else
		:: line <= last[machine] -> goto counts
#endif
		:: line == last[machine] + 1 -> goto counts
		:: line > last[machine] + 1 ->
#ifdef EARLY_COUNTS
			goto counts
#else
			if
			:: machine == OWN -> missing = said + 1
			:: else
			fi;
			goto taken
#endif
		fi;
#ifdef SAID_ONCE
		goto taken;
#endif
		goto back;
counts:
		atomic {
			if
			:: sequence + 1 > log_sequence[machine] ->
				assert(line == log_length[machine] + 1);
				log_length[machine]++;
				log_sequence[machine] = sequence + 1
			:: else
			fi
		}
		DIE;
		last[machine] = line;
		DIE;
back:
		if
		:: machine == OWN && line > said -> said = line
		:: else
		fi;
		DIE;
taken:
		position[machine] = sequence + 1;
		sequence++;
		line = 0
	od
}

init
{
	atomic {
		run reader(OWN);
		run reader(OTHER)
	}
}
