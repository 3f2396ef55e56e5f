/*
 * link: a TLS connection to a server, as a plain descriptor.
 *
 * Whoever is connected gives the TCP socket away, and uses the descriptor in its place: reads,
 * polls, half-closes it. A thread, one for all links of the process, shakes hands, verifies the
 * server's chain and name, and carries what is said (relay.h). When that fails the descriptor ends
 * like a connection, and the link says why.
 */
#ifndef SHARED_TLS_LINK_H
#define SHARED_TLS_LINK_H

#include <stdbool.h>

#define TLS_LINK_PROBLEM_SIZE 384 /* bytes of what is wrong, a NUL counted in */

struct tls_link;

/*
 * Links SOCKET, connected, and owned from here on, with the server that is to be NAME: a host's
 * name or an address. CA_FILE (NULL: the system's) has the certificates of whom to believe, the
 * same for all links. NULL and PROBLEM when there can be no link.
 */
struct tls_link *tls_link_open(int socket, const char *name, const char *ca_file,
			       char problem[TLS_LINK_PROBLEM_SIZE]);

/* The descriptor to use. Its user closes it, and then the link. */
int tls_link_descriptor(const struct tls_link *link);

/* Why it ended: false when it did not, or in good order. */
bool tls_link_failed(struct tls_link *link, char problem[TLS_LINK_PROBLEM_SIZE]);

/*
 * Gives the link back, its descriptor being closed. With PATIENT what was written is sent first,
 * for a second at most: a process that ends would take it along. NULL is fine.
 */
void tls_link_close(struct tls_link *link, bool patient);

#endif
