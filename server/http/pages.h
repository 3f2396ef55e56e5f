/*
 * pages: the pages that are there for everybody: the box office, the same opened at an event, the
 * door, the control room. (A ticket's: ticket_page.h.)
 */
#ifndef SERVER_HTTP_PAGES_H
#define SERVER_HTTP_PAGES_H

#include "server/http/handler.h"

resource_handler pages_office, pages_event, pages_door, pages_op;

#endif
