/*
 * signal_flag: the flag that a signal sets, for a program without an event loop: it looks at the
 * flag between two steps, and ends in good order.
 *
 * There is one flag a process, whichever signals set it. A signal also ends a wait of the kernel's
 * (EINTR), so nobody sleeps on without having looked.
 */
#ifndef SHARED_PROCESS_SIGNAL_FLAG_H
#define SHARED_PROCESS_SIGNAL_FLAG_H

#include <signal.h>

/* 0 until a signal that is caught has come. */
typedef volatile sig_atomic_t signal_flag;

/* From now on signal NUMBER sets the flag; returns the flag, which lasts as long as the process. */
const signal_flag *signal_flag_catch(int number);

#endif
