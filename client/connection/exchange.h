/*
 * exchange: carries lines both ways until the server closes: ours out, the server's to whoever
 * shows them.
 *
 * Lines come from a list or from a descriptor, and go out as they come. When there are no more,
 * the output is closed, and since the server answers every whole line before it closes in turn,
 * its end means that all is answered. Both ways are polled at once: neither side waits for the
 * other to read. `send` and `chat` are made of this.
 */
#ifndef CLIENT_CONNECTION_EXCHANGE_H
#define CLIENT_CONNECTION_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/connection/connection.h"

struct exchange {
	struct connection *connection;
	char *const *lines; /* what to send, LINE_COUNT of them; or NULL: read DESCRIPTOR */
	int line_count;
	int descriptor;
	const char *farewell; /* sent after the last line; may be "" */
	void (*show)(struct span line);
};

struct exchange_result {
	int64_t commands; /* lines sent that get a final line */
	int64_t done;     /* final lines that said yes */
	int64_t refused;  /* and no */
	bool ended;       /* all was sent, and then the server closed in good order */
	bool bye;         /* the last final line was the answer to /quit */
};

struct exchange_result exchange_run(const struct exchange *exchange);

#endif
