/*
 * ring: shared/sync/ring.c, one producer and one consumer, each killed at any step and replaced.
 *
 * Proved: what is read is the oldest record that was published and not yet released, whole and once,
 * so none is lost, read twice, or read before it was published. A consumer's successor finds the
 * record that was not released again; a producer's successor goes on, whatever was reserved.
 * The run has no end: positions count modulo twice the capacity, numbers of records modulo 5, as at
 * most four lie in the ring. Words that nobody may read hold nothing, and reading that is an error.
 *
 * Left out: the order of memory accesses. Each side's bytes stand between an acquiring and a
 * releasing access, so that other processors see the order modelled here. The capacity is the least
 * that the code allows, four of the longest records; a word here is 8 bytes there.
 *
 * Must fail with: -DTAIL_FIRST      a record is published before it is written
 * Must fail with: -DRELEASE_FIRST   a record is released before it is read
 * Must fail with: -DNO_SKIP         a record goes on over the end of the memory
 */
#define CAPACITY 8 /* words */
#define LONGEST  2 /* words of a record, its header not counted in */

#define NUMBER(n)   ((n) % 5)
#define POSITION(p) ((p) % (2 * CAPACITY))
#define AT(p)       words[(p) % CAPACITY]
#define STRAIGHT(p) (CAPACITY - (p) % CAPACITY)
#define USED(from, to) POSITION((to) + 2 * CAPACITY - (from))

/* A word is a header or a number of a record: the bytes of it. */
#define SKIP    100
#define RECORD  200 /* and its length */
#define NOTHING 255

byte words[CAPACITY] = NOTHING;
byte head;
byte tail;
byte place;
byte reserved;
byte head_seen;

/* What the proof needs to know: numbers of the next record to be published and to be released. */
byte to_publish;
byte to_release;

chan kill_producer = [0] of { bit };
chan kill_consumer = [0] of { bit };

/* What lies between tail and head was never written, or was read for the last time. */
inline forget_free_words()
{
	at = 0;
	do
	:: at < CAPACITY - USED(head, tail) ->
		AT(tail + at) = NOTHING;
		at++
	:: else -> break
	od;
	at = 0
}

inline publish()
{
	d_step {
		tail = POSITION(place + 1 + length);
		to_publish = NUMBER(to_publish + 1);
		place = 0
	}
}

proctype producer()
{
	byte length;
	byte skipped;
	byte at;

start:
	{
		atomic {
			reserved = 0;
			skipped = 0;
			forget_free_words();
			if
			:: length = 1
			:: length = LONGEST
			fi;
#ifndef NO_SKIP
			if
			:: 1 + length > STRAIGHT(tail) -> skipped = STRAIGHT(tail)
			:: else
			fi
#endif
		}
		if
		:: atomic {
			skipped + 1 + length > CAPACITY - USED(head_seen, tail) ->
			head_seen = head;
			assert(USED(head_seen, tail) <= CAPACITY)
		   }
		:: else
		fi;
		if
		:: skipped + 1 + length > CAPACITY - USED(head_seen, tail) -> goto start
		:: else
		fi;
		if
		:: skipped > 0 -> AT(tail) = SKIP
		:: else
		fi;
		place = POSITION(tail + skipped);
		reserved = length;
#ifdef TAIL_FIRST
		publish();
		AT(place) = RECORD + length;
#endif
		do
		:: at < length ->
			atomic {
				at++;
				AT(place + at) = to_publish
			}
		:: else -> break
		od;
		if
		:: true
		:: length > 1 -> length-- /* published shorter than reserved */
		:: true -> goto start   /* reserved again instead */
		fi;
		assert(length <= reserved);
		reserved = 0;
#ifndef TAIL_FIRST
		AT(place) = RECORD + length;
		publish();
#endif
		goto start
	} unless {
		d_step {
			kill_producer?_ ->
			length = 0;
			skipped = 0;
			place = 0;
			forget_free_words()
		}
	};
	goto start
}

inline check_header()
{
	assert(header == SKIP && at % CAPACITY != 0 ||
	       header > RECORD && header <= RECORD + LONGEST);
	assert((header == SKIP -> STRAIGHT(at) : 1 + header - RECORD) <= USED(at, tail_seen));
	assert(header == SKIP || 1 + header - RECORD <= STRAIGHT(at))
}

proctype consumer()
{
	byte at;
	byte tail_seen;
	byte header;
	byte done;

start:
	{
		d_step {
			done = 0;
			header = 0;
			at = head;
		}
		atomic {
			tail_seen = tail;
			assert(USED(at, tail_seen) <= CAPACITY);
			if
			:: at == tail_seen -> goto start
			:: else
			fi
		}
		atomic {
			header = AT(at);
			check_header()
		}
		if
		:: header == SKIP ->
			at = POSITION(at + STRAIGHT(at));
			head = at;
			header = AT(at);
			check_header();
			assert(header != SKIP)
		:: else
		fi;
		assert(to_release != to_publish);
#ifdef RELEASE_FIRST
		head = POSITION(at + 1 + header - RECORD);
#endif
		do
		:: done < header - RECORD ->
			atomic {
				done++;
				assert(AT(at + done) == to_release)
			}
		:: else -> break
		od;
		assert(AT(at) == header); /* it releases what it looked at */
		d_step {
			head = POSITION(at + 1 + header - RECORD);
			to_release = NUMBER(to_release + 1);
		}
		goto start
	} unless {
		d_step {
			kill_consumer?_ ->
			at = 0;
			tail_seen = 0;
			header = 0;
			done = 0
		}
	};
	goto start
}

active proctype killer()
{
	do
	:: kill_producer!0
	:: kill_consumer!0
	od
}

init
{
	atomic {
		run producer();
		run consumer()
	}
}
