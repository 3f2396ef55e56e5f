/*
 * stream: server/state/stream.h with server/session/progress.c, output.c and adopt.c: a worker takes
 * requests from a connection and answers them; it is killed at any step, and so is its successor.
 *
 * Proved: whatever the kernel took, sent and gave, each request has exactly one final answer, in its
 * order; each is carried out once at most, and once if its answer says so; no byte of the input is
 * lost or taken twice, also where a request comes in two pieces; and when nothing moves any more,
 * all is answered.
 *
 * What is in shared memory: the output's segments, linked in by one store; the input word, bytes
 * done with and which of two rests holds, one store; the hand: what is begun, what is done and how
 * many replies answer it, the last two with one store; the mark. What is the kernel's: how many
 * bytes it took and gave. All else is private, and lost.
 *
 * Left out: what others send (a delivery's tag is the same mark), requests that wait for a lock or
 * the clerk, the arena. A request is two bytes, an answer is one.
 *
 * Looked at are all runs with so many requests and deaths:
 * Also with: -DREQUESTS=2 -DDEATHS=3
 * Also with: -DREQUESTS=3 -DDEATHS=1
 *
 * Must fail with: -DTRUST_NOTE    the note of what was sent is believed, and not the kernel
 * Must fail with: -DONE_REST      the rest is overwritten before the input word changes
 * Must fail with: -DINPUT_APART   the bytes done with and which rest holds are two stores
 * Must fail with: -DDONE_APART    what is done and how many replies answer it are two stores
 * Must fail with: -DNO_BEGUN      a request is carried out before it is noted as begun
 * Must fail with: -DNO_MARK       replies that a predecessor had ready are queued without a look
 * Must fail with: -DDONE_FIRST    what replies answer is noted before the tag that they are queued with
 * Must fail with: -DLINK_EARLY    a segment is linked in before its bytes are there
 * Must fail with: -DTAKE_AGAIN    what was done is not passed over
 */
#ifndef REQUESTS
#define REQUESTS 2
#define DEATHS   2
#endif
#define BYTES       (2 * REQUESTS)
#define INTERRUPTED 10 /* added to a request's number: its answer is that nobody can know */

/* The kernel: what the peer sent, what was read and what was sent to it. */
byte came;
byte read;
byte sent;

/* In shared memory: the output. What is linked in ends at `end`; all of it was dropped: is_empty. */
byte bytes[REQUESTS];
bool is_empty = true;
byte end_of_output;
byte noted_sent;
byte mark_tag;
byte mark_before;

/* The input word, and the two rests: the request whose first byte was taken, or 0. */
byte input;
bit which;
byte rest[2];

/* The hand. */
bool in_hand;
byte before;
bit before_which;
byte begun;
byte done;
byte ready; /* replies that answer what is done, and are not queued */
byte replies[REQUESTS];
byte committing;
byte committing_done;
byte last_tag;

/* The truth. */
byte carried_out[REQUESTS + 1];

bool killed;

active proctype peer()
{
	do
	:: came < BYTES -> came++
	:: came == BYTES -> break
	od
}

active proctype killer()
{
	byte deaths;

	do
	:: deaths < DEATHS && !killed -> atomic { killed = true; deaths++ }
	:: break
	od
}

/* READY replies go behind what is queued: their bytes first, then the store that links them in. */
inline queue_replies()
{
	mark_before = queued;
	mark_tag = committing;
#ifdef LINK_EARLY
	atomic { end_of_output = queued + count; is_empty = false }
#endif
	i = 0;
	do
	:: i < count -> bytes[queued + i] = replies[i]; i++
	:: else -> break
	od;
#ifndef LINK_EARLY
	atomic { end_of_output = queued + count; is_empty = false };
#endif
	queued = queued + count
}

inline note_done()
{
#ifdef DONE_APART
	done = requests_done;
	ready = count
#else
	atomic { done = requests_done; ready = count }
#endif
}

/* The tag first: with the old one, what is done would seem to be queued. */
inline begin_commit()
{
#ifdef DONE_FIRST
	committing_done = requests_done;
#endif
	last_tag++;
	committing = last_tag;
	committing_done = requests_done
}

inline commit()
{
	begin_commit();
	queue_replies();
	count = 0;
	note_done()
}

/* What becomes of the next request, as progress_next says; then its reply. */
inline take_request()
{
	requests++;
	if
	:: requests <= resume_done -> requests_done = requests
	:: requests > resume_done && resume_begun ->
		resume_begun = false;
		replies[count] = request + INTERRUPTED;
		count++;
		requests_done = requests;
		note_done()
	:: requests > resume_done && !resume_begun ->
#ifndef NO_BEGUN
		begun = requests;
#endif
		carried_out[request]++;
		assert(carried_out[request] == 1);
		replies[count] = request;
		count++;
		requests_done = requests;
		note_done()
#ifdef NO_BEGUN
		;
		begun = requests
#endif
	fi
}

/* LENGTH bytes from INPUT on, which are bytes of the request they belong to. */
inline take_bytes()
{
	requests = 0;
	requests_done = 0;
	half = rest[which];
	at = 0;
	do
	:: at < length ->
		request = (input + at) / 2 + 1;
		if
		:: half == 0 -> half = request
		:: half != 0 ->
			assert(half == request);
			half = 0;
			take_request();
			if
			:: count > 0 -> commit()
			:: true
			fi
		fi;
		at++
	:: else -> break
	od;
	if
	:: count > 0 -> commit()
	:: else
	fi;
	/* progress_end */
#ifdef ONE_REST
	rest[which] = half;
	input = input + length
#else
	rest[1 - which] = half;
#ifdef INPUT_APART
	input = input + length;
	which = 1 - which
#else
	atomic { input = input + length; which = 1 - which }
#endif
#endif
}

inline begin_hand()
{
	in_hand = false;
	before = input;
	before_which = which;
	committing = 0;
	begun = 0;
	atomic { done = 0; ready = 0 };
	in_hand = true
}

/* The peer gets the byte at FROM. */
inline send_one()
{
	atomic {
		sent++;
		assert(bytes[from] == sent || bytes[from] == sent + INTERRUPTED);
		assert(bytes[from] != sent || carried_out[sent] == 1)
	}
	from++;
	noted_sent = from
}

/* A worker at its start: what a predecessor left. */
inline adopt()
{
	is_in_hand = in_hand && input == before && which == before_which;
#ifdef TRUST_NOTE
	from = noted_sent;
#else
	from = sent;
#endif
	queued = (is_empty -> from : end_of_output);
	if
	:: !is_empty && end_of_output <= from -> is_empty = true
	:: else
	fi;
	if
	:: !is_in_hand -> input = read
	:: else
	fi
}

inline queue_what_was_ready()
{
	count = ready;
	requests_done = done;
	if
	:: count > 0 ->
#ifdef NO_MARK
		if
		:: true ->
#else
		if
		:: committing != 0 && mark_tag == committing && queued > mark_before &&
			committing_done == done -> skip
		:: else ->
#endif
			begin_commit();
			queue_replies()
		fi;
		count = 0;
		atomic { done = requests_done; ready = 0 }
	:: else
	fi
}

active proctype worker()
{
	/* Private, and lost with it. */
	byte from, queued, count, i, requests, requests_done, resume_done, half, at, length, request;
	bool resume_begun, is_in_hand;

start:
	atomic { count = 0; resume_done = 0; resume_begun = false; killed = false };
	{
		adopt();
		if
		:: is_in_hand ->
			queue_what_was_ready();
#ifndef TAKE_AGAIN
			resume_done = done;
#endif
			resume_begun = begun > done;
			length = read - input;
			if
			:: length > 0 -> take_bytes()
			:: else
			fi;
			atomic { resume_done = 0; resume_begun = false }
		:: else
		fi;
end:
		do
		:: read < came ->
			begin_hand();
			atomic { length = 1; read++ };
			do
			:: read < came -> atomic { length++; read++ }
			:: break
			od;
			take_bytes()
		:: !is_empty && from < end_of_output ->
			send_one();
			if
			:: from == end_of_output -> is_empty = true
			:: else
			fi
		od
	} unless {
		killed;
		goto start
	}
}

active proctype judge()
{
	timeout -> assert(sent == REQUESTS)
}
