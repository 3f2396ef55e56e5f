/*
 * connection: a connection to the server, and the lines that come in on it.
 *
 * Whoever opened it closes it. Reading and writing never block: poll `descriptor`. What fails says
 * why in one line of text, for the caller to show.
 */
#ifndef CLIENT_CONNECTION_CONNECTION_H
#define CLIENT_CONNECTION_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "client/options/server_address.h"
#include "shared/text/words.h"

#define CONNECTION_LINE_MAX     4096  /* bytes of a line from the server, its end counted in */
#define CONNECTION_BUFFER       65536 /* bytes that are read ahead */
#define CONNECTION_PROBLEM_SIZE 512

struct connection {
	int descriptor;
	struct tls_link *link;        /* under it; or NULL */
	struct sockaddr_storage peer; /* where the server was found */
	socklen_t peer_length;
	size_t start; /* of what was read and not yet taken, in `bytes` */
	size_t end;
	char bytes[CONNECTION_BUFFER];
};

enum connection_state {
	CONNECTION_OPEN,
	CONNECTION_ENDED, /* the server closed it, after all it had to say */
	CONNECTION_BROKEN /* errno says how */
};

/*
 * Connects and reads the greeting. False, and PROBLEM (CONNECTION_PROBLEM_SIZE bytes, clean), when
 * there is no server, when it turns us away, or when what is there is no turnstile.
 */
bool connection_open(struct connection *connection, const struct server_address *address,
		     char *problem);

/* The same; what is wrong ends the program. */
void connection_open_or_die(struct connection *connection, const struct server_address *address);

void connection_close(struct connection *connection);

/*
 * Puts TLS, if ADDRESS wants it, under a connection that has its descriptor, and may be connecting
 * still. False and PROBLEM when that cannot be; then it is closed.
 */
bool connection_secure(struct connection *connection, const struct server_address *address,
		       char *problem);

/*
 * Reads what has come, if all lines were taken or there is room. What came before an end or a break
 * is still there to be taken.
 */
enum connection_state connection_fill(struct connection *connection);

/*
 * The next whole line, without its end; false when there is none yet. It is good until the next
 * fill. A line that is too long to be the server's comes in pieces.
 */
bool connection_take_line(struct connection *connection, struct span *line);

/* Writes what goes out now of LENGTH bytes and says how much in WRITTEN. */
enum connection_state connection_write(struct connection *connection, const char *bytes,
				       size_t length, size_t *written);

/* Says that nothing more will be written: the server answers what it has, and closes. */
void connection_end_output(struct connection *connection);

#endif
