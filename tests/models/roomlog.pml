/*
 * roomlog: the log of a room in server/state/rooms.c: one who appends under its robust lock, killed at any
 * step and followed by the next, and one who reads without a lock, killed too.
 *
 * Proved: a reader gets every record whole, as it was appended, in the order of numbers; what was
 * overwritten between two of its reads is counted as missed, no more and no less. A line whose
 * writer died before it published was never there, and the next number is right after every death.
 * The lock lets in one writer at a time, so one who is replaced stands for all. Readers change
 * nothing that others see, so one stands for all of them: each is given the same lines in the same
 * order. Words that a dead writer left beyond the end hold nothing, and taking that is an error.
 *
 * Left out: news bits, topics, and rooms that are forgotten. The order of memory accesses: the
 * fences in make_space and room_read make others see the order modelled here. The lock itself is
 * pthread's. Looked at are all runs of up to LINES lines.
 *
 * Must fail with: -DLATE_OLDEST   bytes are overwritten before `oldest` is moved on
 * Must fail with: -DEARLY_END     a record is published before it is written
 * Must fail with: -DNO_CHECK      a reader that was overtaken does not notice
 * Must fail with: -DNO_REPAIR     a number is given twice after a death
 */
#define SIZE    8 /* words of the log */
#define LONGEST 3 /* words of a record, its header counted in */
#define BUFFER  4 /* words a reader copies at most */
#define LINES   5

#define AT(p)       words[(p) % SIZE]
#define STRAIGHT(p) (SIZE - (p) % SIZE)

/* A word is a header (size and number) or a part of the text (the number). */
#define NOTHING            0
#define PADDING(size)      (100 + (size))
#define HEADER(size, n)    (10 * (size) + (n))
#define TEXT(n)            (200 + (n))
#define IS_PADDING(header) ((header) > 100)
#define SIZE_OF(header)    ((header) > 100 -> (header) - 100 : (header) / 10)
#define NUMBER_OF(header)  ((header) % 10)

byte words[SIZE];
byte oldest;
byte end_; /* `end` in the code */
byte lines;

/* The robust lock: somebody has it, and its holder died before the repair was done. */
bool held;
bool broken;

/* What the proof needs to know: lines published. */
byte said;

chan kill_writer = [0] of { bit };
chan kill_reader = [0] of { bit };

/* Drops the oldest records until SPACE words are free. */
inline find_space(space)
{
	from = oldest;
	do
	:: end_ + space - from > SIZE -> from = from + SIZE_OF(AT(from))
	:: else -> break
	od
}

/* A repair that is cut short is done again, from its beginning. */
inline repair()
{
	from = oldest;
	do
	:: from < end_ ->
		if
		:: !IS_PADDING(AT(from)) -> lines = NUMBER_OF(AT(from))
		:: else
		fi;
		from = from + SIZE_OF(AT(from))
	:: else -> break
	od
}

inline pad()
{
	d_step { find_space(STRAIGHT(end_)) }
	oldest = from;
	AT(end_) = PADDING(STRAIGHT(end_));
	end_ = end_ + STRAIGHT(end_)
}

inline publish()
{
	d_step {
		end_ = place + size;
		said++;
		assert(said == lines + 1)
	}
}

inline append()
{
#ifndef LATE_OLDEST
	oldest = from;
#endif
#ifdef EARLY_END
	publish();
#endif
	do
	:: at < size - 1 -> d_step { at++; AT(place + at) = TEXT(lines + 1) }
	:: else -> break
	od;
	AT(place) = HEADER(size, lines + 1);
#ifdef LATE_OLDEST
	oldest = from;
#endif
#ifndef EARLY_END
	publish()
#endif
}

inline forget()
{
	size = 0;
	from = 0;
	place = 0;
	at = 0
}

/* What lies between the end and the oldest is nobody's. */
inline forget_unpublished()
{
	at = 0;
	do
	:: at < SIZE - (end_ - oldest) -> AT(end_ + at) = NOTHING; at++
	:: else -> break
	od
}

proctype writer()
{
	byte size;
	byte from;
	byte place;
	byte at;

start:
	{
		do
		:: said < LINES ->
			held = true;
			if
			:: broken ->
#ifndef NO_REPAIR
				repair();
#endif
				broken = false
			:: else
			fi;
			if
			:: size = 2
			:: size = LONGEST
			fi;
			if
			:: STRAIGHT(end_) < size -> pad()
			:: else
			fi;
			d_step { find_space(size); place = end_ }
			append();
			lines++;
			d_step { held = false; forget() }
		:: else -> break
		od
	} unless {
		d_step {
			kill_writer?_ ->
			broken = broken || held;
			held = false;
			forget_unpublished();
			forget()
		}
		goto start
	}
}

/* The record of HEADER, at AT in the buffer, is the expected one after those that were missed. */
inline check_line()
{
	if
	:: expected == 0 -> expected = NUMBER_OF(header) /* the first that it reads here */
	:: expected != 0 && is_first && NUMBER_OF(header) > expected ->
		expected = NUMBER_OF(header) /* what lies between is counted as missed */
	:: else
	fi;
	assert(NUMBER_OF(header) == expected && expected <= said);
	is_first = false;
	i = 1;
	do
	:: i < SIZE_OF(header) ->
		assert(buffer[at + i] == TEXT(expected));
		i++
	:: else -> break
	od;
	expected++
}

/* All of the copied bytes that make whole records: at least one of them. */
inline take_records()
{
	at = 0;
	is_first = true;
	do
	:: at < length && at + SIZE_OF(buffer[at]) <= length ->
		header = buffer[at];
		assert(header != NOTHING);
		if
		:: !IS_PADDING(header) -> check_line()
		:: else
		fi;
		at = at + SIZE_OF(header)
	:: else -> break
	od;
	assert(at > 0);
	position = position + at
}

inline forget_copy()
{
	at = 0;
	do
	:: at < BUFFER -> buffer[at] = NOTHING; at++
	:: else -> break
	od;
	at = 0;
	i = 0;
	length = 0;
	header = 0;
	is_first = false
}

proctype reader()
{
	byte position;
	byte expected;
	byte buffer[BUFFER];
	byte length;
	byte at;
	byte i;
	byte header;
	bool is_first;

start:
	{
		d_step { position = end_; expected = 0 }
		do
		:: true ->
end:
			d_step {
				position != end_ ->
				length = end_ - position;
				length = (length < BUFFER -> length : BUFFER);
				length = (length < STRAIGHT(position) -> length : STRAIGHT(position))
			}
			do
			:: at < length -> d_step { buffer[at] = AT(position + at); at++ }
			:: else ->
				d_step {
					if
#ifndef NO_CHECK
					:: position < oldest -> position = oldest
#endif
					:: else -> take_records()
					fi;
					forget_copy()
				}
				break
			od
		od
	} unless {
		d_step { kill_reader?_ -> forget_copy() }
		goto start
	}
}

active proctype killer()
{
end:
	do
	:: kill_writer!0
	:: kill_reader!0
	od
}

init
{
	atomic {
		run writer();
		run reader()
	}
}
