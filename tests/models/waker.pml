/*
 * waker: shared/sync/waker.c as the event loop uses it: one sleeper and two who have news for it, each
 * killed at any step and replaced.
 *
 * Proved: when somebody comes back from waker_wake, the sleeper has seen all that was published by
 * then, or will look before it sleeps, or is being woken. News whose bringer died before it woke
 * anybody are part of that: the next wake is enough for them, whoever it comes from. Stores to
 * `asleep` and to the news go through store buffers, first in, first out, which empty themselves at
 * any time (total store order); the kernel empties a dead process's.
 *
 * Left out: weaker orders than that. Each side has a store, a full fence and a load, for which C11
 * gives the same. Numbers of armings do not wrap round: looked at are all runs with up to ARMINGS
 * of them and up to NEWS news of each bringer.
 *
 * Must fail with: -DNO_SLEEPER_FENCE   it looks before others can see that it is armed
 * Must fail with: -DNO_BRINGER_FENCE   one looks for a sleeper before others can see the news
 * Must fail with: -DCLEAR_FIRST        killed between clearing and writing, it leaves one asleep
 * Must fail with: -DONE_NUMBER         a late clearing undoes the next arming
 */
#define ARMINGS  4
#define NEWS     2
#define BRINGERS 2
#define SLEEPER  BRINGERS /* the number of its store buffer */
#define STORES   3        /* more than are ever made without a fence */

/* In shared memory: */
byte asleep;
byte armings;
byte news[BRINGERS];
byte seen[BRINGERS];

/* Whether the eventfd was written since the sleeper's epoll set, edge-triggered, last told it. */
bool edge;

/* What the proof needs to know: */
byte published[BRINGERS];       /* what `news` will be when all stores are through */
bool will_look[BRINGERS] = true; /* the sleeper, before it sleeps */

chan buffers[BRINGERS + 1] = [STORES] of { byte };
chan kill[BRINGERS + 1] = [0] of { bit };

#define fence(process) empty(buffers[process])

active proctype memory()
{
end:
	do
	:: atomic { nempty(buffers[0]) -> buffers[0]?news[0] }
	:: atomic { nempty(buffers[1]) -> buffers[1]?news[1] }
	:: atomic { nempty(buffers[SLEEPER]) -> buffers[SLEEPER]?asleep }
	od
}

inline stay_awake()
{
	will_look[0] = true;
	will_look[1] = true
}

proctype sleeper()
{
start:
	fence(SLEEPER); /* its predecessor's */
	{
		do
		:: armings < ARMINGS ->
			armings++;
#ifdef ONE_NUMBER
			buffers[SLEEPER]!1;
#else
			buffers[SLEEPER]!armings;
#endif
#ifndef NO_SLEEPER_FENCE
			fence(SLEEPER);
#endif
			if
			:: d_step { seen[0] == news[0] -> will_look[0] = false }
				if
				:: d_step { seen[1] == news[1] -> will_look[1] = false }
end:
					d_step { edge -> edge = false; stay_awake() }
				:: d_step { seen[1] != news[1] -> stay_awake() }
				fi
			:: seen[0] != news[0]
			fi;
			buffers[SLEEPER]!0;
			seen[0] = news[0];
			seen[1] = news[1]
		:: else -> break /* looked at no further */
		od
	} unless {
		d_step { kill[SLEEPER]?_ -> stay_awake() }
		goto start
	}
}

/* What was published at FIRST and SECOND, or before, needs nobody else any more. */
#define is_known(i, what) (seen[i] >= what || will_look[i] || edge)

inline clear()
{
	atomic {
		fence(self); /* a locked instruction */
		if
		:: asleep == arming -> asleep = 0
		:: else
		fi
	}
}

proctype bringer(byte self)
{
	byte arming;
	byte first;
	byte second;

start:
	fence(self);
	{
		do
		:: published[self] < NEWS ->
			d_step {
				published[self]++;
				buffers[self]!published[self]
			}
#ifndef NO_BRINGER_FENCE
			fence(self);
#endif
			d_step {
				arming = asleep;
				first = (self == 0 -> published[0] : news[0]);
				second = (self == 1 -> published[1] : news[1])
			}
			if
			:: arming != 0 ->
#ifdef CLEAR_FIRST
				clear();
				edge = true
#else
				edge = true;
				clear()
#endif
			:: else
			fi;
			d_step {
				assert(is_known(0, first));
				assert(is_known(1, second));
				arming = 0;
				first = 0;
				second = 0
			}
		:: else -> break
		od
	} unless {
		d_step { kill[self]?_ -> arming = 0; first = 0; second = 0 }
		goto start
	}
}

active proctype killer()
{
end:
	do
	:: kill[0]!0
	:: kill[1]!0
	:: kill[SLEEPER]!0
	od
}

init
{
	atomic {
		run sleeper();
		run bringer(0);
		run bringer(1)
	}
}
