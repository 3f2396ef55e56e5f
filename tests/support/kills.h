/*
 * kills: kills children again and again, each at another point, and looks after each whether all is
 * as promised. CHECK is called in the test itself, and also once when nobody was killed.
 */
#ifndef TESTS_SUPPORT_KILLS_H
#define TESTS_SUPPORT_KILLS_H

/*
 * RUN(ARGUMENT) in a child that is led to one of its instructions and killed there: to each of them
 * where they are few, else to as many, drawn by lot, as there is time for. Leading is slow, so RUN
 * should be short. Skips the test where nobody may trace.
 */
void kill_at_steps(int (*run)(void *argument), void *argument, void (*check)(void *argument));

/* RUN(ARGUMENT), which never ends by itself, in COUNT children, killed after less than 1 ms. */
void kill_at_random(int count, int (*run)(void *argument), void *argument,
		    void (*check)(void *argument));

/*
 * RUN(ARGUMENT) in a child that is led instruction by instruction; after each, CHECK(ARGUMENT): for
 * what has to be so at every moment, whenever somebody is killed. It must not take a lock. Skips
 * the test where nobody may trace.
 */
void watch_each_step(int (*run)(void *argument), void *argument, void (*check)(void *argument));

#endif
