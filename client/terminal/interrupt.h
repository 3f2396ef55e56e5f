/*
 * interrupt: a flag that Ctrl-C and the like set, for who has something to put away first.
 */
#ifndef CLIENT_TERMINAL_INTERRUPT_H
#define CLIENT_TERMINAL_INTERRUPT_H

#include <signal.h>

#define INTERRUPT_STATUS 130 /* exit status of who was stopped, as a shell has it */

/* From now on SIGINT, SIGTERM and SIGHUP set what is returned; it is never reset. */
const volatile sig_atomic_t *interrupt_watch(void);

#endif
