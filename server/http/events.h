/*
 * events: the API's requests on events.
 */
#ifndef SERVER_HTTP_EVENTS_H
#define SERVER_HTTP_EVENTS_H

#include "server/http/handler.h"
#include "server/state/stock_board.h"

resource_handler events_list, events_show, events_audit, events_make, events_change;

/* The name of an event in a path, to EVENT, NAME_EVENT_SIZE bytes. */
enum outcome events_read_name(struct span argument, char *event, struct problem *problem);

/* Adds an event, as one JSON object, to a body. */
void events_write(struct reply *body, const struct stock_board_event *event);

#endif
