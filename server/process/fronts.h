/*
 * fronts: which front serves which kind of listener.
 */
#ifndef SERVER_PROCESS_FRONTS_H
#define SERVER_PROCESS_FRONTS_H

#include "server/config/options.h"
#include "server/session/front.h"

const struct front *front_of(enum listener_kind kind);

#endif
