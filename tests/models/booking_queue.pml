/*
 * booking_queue: server/state/booking_queue.c and server/booking/batch.c: two workers, each with a loop that puts requests on the
 * queue and a clerk that carries out everybody's while it holds the store's lock. Workers are killed
 * at any step, buried by the master, and replaced or not.
 *
 * Proved: each request is carried out once in the committed store, and answered only after its
 * commit, with what was committed; or it is answered as failed, and never was. When nothing moves
 * any more and a clerk lives, all that was put on the queue is answered: nobody waits for ever, also
 * after deaths at every step and after a commit that failed, and no clerk needs its time-out for it.
 * Stores to `submitted` and `serving` go through store buffers (total store order).
 *
 * Left out: batches that write nothing, time-outs, offers, holds that lapse, the waiting list, --serialize join and none, and
 * how the loop is woken (waker.pml). Slots do not wrap round. The store commits at once or not at
 * all; its number of the last batch is only whether it is the last that was begun.
 *
 * Looked at are all runs with so many requests of each worker, deaths, and commits that fail:
 * Also with: -DFIRSTS=2 -DSECONDS=1 -DDEATHS=0 -DFAILURES=0
 * Also with: -DFIRSTS=1 -DSECONDS=1 -DDEATHS=0 -DFAILURES=1
 * Also with: -DFIRSTS=1 -DSECONDS=0 -DDEATHS=2 -DFAILURES=1
 *
 * Must fail with: -DNO_CALLER_FENCE   a loop looks who serves before its request can be seen
 * Must fail with: -DNO_HOLDER_FENCE   a holder looks a last time while it seems to serve still
 * Must fail with: -DNO_BURIAL         a clerk that died at work keeps the bells silent
 * Must fail with: -DLOOK_AT_OWN       a clerk that was rung for another's before it slept, sleeps
 * Must fail with: -DTRUST_STATE       a successor does not ask the store for the batch
 * Must fail with: -DDO_AGAIN          a successor carries out again what was committed
 */
#define WORKERS  2
#define SLOTS   2 /* of each worker */

/* How much is looked at: requests of the first worker and the second, deaths, and commits
 * that fail. */
#ifndef FIRSTS
#define FIRSTS   1
#define SECONDS  1
#define DEATHS   1
#define FAILURES 0
#endif
#define WANTED(worker) (worker == 0 -> FIRSTS : SECONDS)

#define SLOT(worker, at) (SLOTS * (worker) + (at))
#define FAILED           3 /* an answer; the others are 1 and 2, another each time it is tried */

#define NONE        0
#define CARRIED_OUT 1
#define COMMITTED   2

/* The booking queue: */
byte submitted[WORKERS];
byte answered[WORKERS];
byte taken[WORKERS];
byte answers[WORKERS * SLOTS];
bool rung[WORKERS]; /* the bell has another number than its clerk saw last */
bool clerk_asleep[WORKERS];
byte serving;
byte state;
byte ends[WORKERS];

/* The store: its lock (1 + the holder; 0), whether it has the last number, what it answered. */
byte lock;
bool has_number = true;
byte committed[WORKERS * SLOTS];

/* The machine: */
bool alive[WORKERS] = true;
byte threads[WORKERS]; /* that run */
bool in_futex[WORKERS];
byte put_in[WORKERS]; /* `submitted`, as the loop stored it; others see it later */
bool stops_serving[WORKERS]; /* stored 0 into `serving`, which others see later */

#define has_work_of(worker) (submitted[worker] != answered[worker])
#define has_work            (has_work_of(0) || has_work_of(1))

active proctype memory()
{
end:
	do
	:: d_step { submitted[0] != put_in[0] -> submitted[0]++ }
	:: d_step { submitted[1] != put_in[1] -> submitted[1]++ }
	:: d_step { stops_serving[0] -> stops_serving[0] = false; serving = 0 }
	:: d_step { stops_serving[1] -> stops_serving[1] = false; serving = 0 }
	od
}

inline ring_bell(worker)
{
	rung[worker] = true;
	if
	:: clerk_asleep[worker] -> in_futex[worker] = false
	:: else
	fi
}

inline check_answer(at)
{
	assert(answers[at] != 0);
	assert(committed[at] == (answers[at] == FAILED -> 0 : answers[at]));
	answers[at] = 0; /* nobody looks at them any more */
	committed[at] = 0
}

inline call_clerk()
{
#ifndef NO_CALLER_FENCE
	submitted[self] == put_in[self];
#endif
	if
	:: serving == 0 -> ring_bell(self)
	:: else
	fi
}

proctype loop(byte self)
{
start:
end_dead:
	atomic { alive[self] -> threads[self]++ }
	{
end:
		do
		:: put_in[self] < WANTED(self) ->
			put_in[self]++;
			if
			:: put_in[self] < WANTED(self) -> put_in[self]++ /* two in one turn */
			:: true
			fi;
			call_clerk()
		:: d_step {
				taken[self] != answered[self] ->
				check_answer(SLOT(self, taken[self]));
				taken[self]++
			}
		od
	} unless {
		d_step { !alive[self] -> threads[self]-- }
		goto start
	}
}

inline wait_for_bell()
{
	rung[self] = false;
	clerk_asleep[self] = true;
	if
#ifdef LOOK_AT_OWN
	:: has_work_of(self) -> someone_serves = (serving != 0)
	:: !has_work_of(self) -> someone_serves = true
#else
	:: has_work -> someone_serves = (serving != 0)
	:: !has_work -> someone_serves = true /* as good as */
#endif
	fi;
	if
	:: someone_serves ->
		d_step { someone_serves = false; in_futex[self] = !rung[self] }
end:
		!in_futex[self]
	:: else
	fi;
	clerk_asleep[self] = false
}

inline publish_of(worker)
{
	answered[worker] = (ends[worker] > answered[worker] -> ends[worker] : answered[worker])
}

inline publish()
{
	publish_of(0);
	publish_of(1);
	d_step { state = NONE; ends[0] = 0; ends[1] = 0 }
}

inline settle()
{
	if
	:: state == NONE
#ifdef TRUST_STATE
	:: state == COMMITTED -> publish()
	:: d_step { state == CARRIED_OUT -> state = NONE }
#else
#ifdef DO_AGAIN
	:: d_step { state != NONE -> state = NONE }
#else
	:: state == COMMITTED && has_number -> publish()
	:: d_step { state != NONE && !(state == COMMITTED && has_number) -> state = NONE }
#endif
#endif
	fi
}

inline forget()
{
	at = 0;
	until = 0
}

inline carry_out_ring(worker)
{
	atomic { until = submitted[worker]; at = answered[worker] }
	do
	:: d_step {
			at < until ->
			answers[SLOT(worker, at)] = (answers[SLOT(worker, at)] == 1 -> 2 : 1);
			at++
		}
	:: d_step { at == until -> ends[worker] = at; forget() } break
	od
}

/* Of one ring, what the transaction that is committed now changed. */
inline commit_ring(worker)
{
	at = answered[worker];
	do
	:: at < ends[worker] ->
		assert(committed[SLOT(worker, at)] == 0);
		committed[SLOT(worker, at)] = answers[SLOT(worker, at)];
		at++
	:: else -> break
	od
}

inline fail_ring(worker)
{
	at = answered[worker];
	do
	:: d_step { at < ends[worker] -> answers[SLOT(worker, at)] = FAILED; at++ }
	:: d_step { at == ends[worker] -> forget() } break
	od
}

inline serve_batch()
{
	d_step { ends[0] = answered[0]; ends[1] = answered[1] }
	state = CARRIED_OUT;
	carry_out_ring(0);
	carry_out_ring(1);
	has_number = false;
	state = COMMITTED;
	if
	:: d_step {
			true ->
			commit_ring(0);
			commit_ring(1);
			forget();
			has_number = true
		}
	:: d_step { failures < FAILURES -> failures++; good = false }
		fail_ring(0);
		fail_ring(1)
	fi;
	publish()
}

inline serve_all()
{
	do
	:: good && has_work ->
		!stops_serving[self]; /* a processor's stores keep their order */
		serving = self + 1;
		do
		:: good && has_work -> serve_batch()
		:: else -> break
		od;
		stops_serving[self] = true;
#ifndef NO_HOLDER_FENCE
		!stops_serving[self]
#endif
	:: else -> break
	od
}

byte failures;

proctype clerk(byte self)
{
	bool someone_serves;
	bool good = true;
	byte at;
	byte until;

start:
end_dead:
	atomic { alive[self] -> threads[self]++ }
	{
		do
		:: true ->
			wait_for_bell();
			d_step { lock == 0 -> lock = self + 1 }
			settle();
			serve_all();
			atomic { lock = 0; good = true }
		od
	} unless {
		d_step { !alive[self] -> someone_serves = false; good = true; forget(); threads[self]-- }
		goto start
	}
}

/* The kernel finishes its stores and gives back its lock; its transaction is gone. */
inline kill_worker(worker)
{
	d_step {
		alive[worker] && deaths < DEATHS ->
		alive[worker] = false;
		deaths++;
		in_futex[worker] = false;
		submitted[worker] = put_in[worker];
		serving = (stops_serving[worker] -> 0 : serving);
		stops_serving[worker] = false;
		lock = (lock == worker + 1 -> 0 : lock)
	}
}

active proctype killer()
{
	byte deaths;

end:
	do
	:: kill_worker(0)
	:: kill_worker(1)
	od
}

inline bury(worker)
{
	atomic { !alive[worker] && threads[worker] == 0 && !buried[worker] -> buried[worker] = true }
#ifndef NO_BURIAL
	d_step { serving = (serving == worker + 1 -> 0 : serving) }
#endif
	ring_bell(0);
	ring_bell(1);
	if
	:: d_step { true -> buried[worker] = false; alive[worker] = true }
	:: true /* it cannot be replaced */
	fi
}

active proctype master()
{
	bool buried[WORKERS];

end:
	do
	:: bury(0)
	:: bury(1)
	od
}

inline check_end(worker)
{
	assert(put_in[worker] == submitted[worker]);
	assert(answered[worker] == submitted[worker]);
	assert(!alive[worker] || (put_in[worker] == WANTED(worker) && taken[worker] == WANTED(worker)))
}

init
{
	atomic {
		run loop(0);
		run loop(1);
		run clerk(0);
		run clerk(1)
	}
end:
	timeout ->
	if
	:: alive[0] || alive[1] -> check_end(0); check_end(1)
	:: else
	fi
}
