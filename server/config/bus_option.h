/*
 * bus_option: what --node and --bus may say: a machine's name, and where the bus is that joins its
 * chat to the others'.
 */
#ifndef SERVER_CONFIG_BUS_OPTION_H
#define SERVER_CONFIG_BUS_OPTION_H

#include "server/config/options.h"

/* 1 to 16 of a-z, 0-9 and '-'. */
bool node_name_is_good(struct span name);

/* Makes a good name of a host's: its first part, in lower case. NODE takes OPTIONS_NODE_SIZE. */
void node_name_of_host(const char *host, char *node);

/*
 * Reads "nats://HOST[:PORT]" or "tls://HOST[:PORT]", or several, separated by commas, into the
 * options' servers; false and PROBLEM when it is no good, and then the options stay as they were.
 */
bool bus_option_read(struct options *options, const char *value, char *problem);

#endif
