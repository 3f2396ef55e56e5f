/*
 * metrics: GET /metrics: what the server counts, as Prometheus scrapes it (text format 0.0.4).
 */
#ifndef SERVER_HTTP_METRICS_H
#define SERVER_HTTP_METRICS_H

#include "server/http/handler.h"

resource_handler metrics_show;

#endif
