/*
 * boxoffice: the commands that sell.
 *
 * /events and /left are answered from the board at once. Everything that changes the store goes
 * over the queue, and is answered when it is durable.
 */
#ifndef SERVER_BOOKING_BOXOFFICE_H
#define SERVER_BOOKING_BOXOFFICE_H

#include "server/lines/command.h"

enum outcome boxoffice_events(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_left(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_book(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_hold(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_confirm(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_cancel(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_ticket(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_admit(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_wait(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_audit(struct session *session, struct span arguments, struct reply *reply);
enum outcome boxoffice_event(struct session *session, struct span arguments, struct reply *reply);

#endif
