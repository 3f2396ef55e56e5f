/*
 * rights: what each role needs: the table that the filter of system calls and Landlock are made of.
 */
#ifndef SERVER_SANDBOX_RIGHTS_H
#define SERVER_SANDBOX_RIGHTS_H

#include "server/sandbox/sandbox.h"

enum sandbox_right {
	RIGHT_STORE = 1,     /* open and change the files of the store's folder */
	RIGHT_THREADS = 2,   /* start threads of its own */
	RIGHT_PROCESSES = 4, /* start, bind and signal processes */
	RIGHT_ACCEPT = 8,    /* take connections from a listener */
	RIGHT_MANAGER = 16   /* tell the service manager, remove the pid file */
};

/* A bit each. */
unsigned sandbox_rights(enum sandbox_role role);

#endif
