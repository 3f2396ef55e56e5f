/*
 * websocket: the line protocol in WebSocket's frames: a text message is a line without its LF, both
 * ways.
 *
 * A connection that asks for /ws is handed over from http to this front; from then on it is one of
 * people's, and all that a line does is the front lines' (lines.h).
 */
#ifndef SERVER_HTTP_WEBSOCKET_H
#define SERVER_HTTP_WEBSOCKET_H

#include "server/http/handler.h"
#include "server/lines/input.h"
#include "server/lines/lines_session.h"

struct frames;

/* What is kept for one. */
struct websocket {
	struct lines_session lines;
	struct frames *frames;
	bool pinged; /* since it was heard last */
};

/* GET /ws: checks the handshake and gives the session its nick; then it is to be handed over. */
resource_handler websocket_shake_hands;

/*
 * Hands a session over, whose handshake is answered: what http keeps of it is what the peer sent
 * behind that, and in its next turn it is greeted and goes on with it.
 */
void websocket_begin(struct session *session);

/* One that a predecessor had handed over (front.h). */
bool websocket_revive(struct session *session);

#endif
