/*
 * listener_option: reads what --listen is given: KIND:ADDRESS:PORT, such as lines:0.0.0.0:7000 or
 * echo:[::1]:7007. No name is looked up but "localhost", which is 127.0.0.1.
 */
#ifndef SERVER_CONFIG_LISTENER_OPTION_H
#define SERVER_CONFIG_LISTENER_OPTION_H

#include <stdbool.h>

#include "server/config/options.h"
#include "shared/text/words.h"

/* The kind's name as --listen and the "listening" line have it: "lines", "echo". */
const char *listener_kind_name(enum listener_kind kind);

/* False and PROBLEM (OPTION_PROBLEM_SIZE bytes) when TEXT is no listener. */
bool listener_option_read(const char *text, struct listener_option *listener, char *problem);

/* Likewise when NAME is no kind of listener that there is. */
bool listener_kind_read(struct span name, enum listener_kind *kind, char *problem);

/* Whether its connections speak TLS, which the tls process does; and what they agree on by ALPN. */
bool listener_kind_is_tls(enum listener_kind kind);
const char *listener_kind_alpn(enum listener_kind kind); /* NULL: nothing */

/* Whether one of the options' listeners is such. */
bool options_have_tls(const struct options *options);

#endif
