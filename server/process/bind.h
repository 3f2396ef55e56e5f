/*
 * bind: a process of the server enters its sandbox, as the options have it, and says what holds.
 */
#ifndef SERVER_PROCESS_BIND_H
#define SERVER_PROCESS_BIND_H

#include "server/config/options.h"
#include "server/sandbox/sandbox.h"

/*
 * sandbox_enter for ROLE, unless --sandbox off; what is in force goes to the log at debug level.
 * The master also warns of what is not. Returns the parts in force.
 */
unsigned bind_to_role(enum sandbox_role role, const struct options *options);

#endif
