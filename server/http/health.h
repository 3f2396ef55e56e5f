/*
 * health: GET /healthz: whether bookings can be taken, for whoever starts, stops and balances.
 */
#ifndef SERVER_HTTP_HEALTH_H
#define SERVER_HTTP_HEALTH_H

#include "server/http/handler.h"

resource_handler health_show;

#endif
