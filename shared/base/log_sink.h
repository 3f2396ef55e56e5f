/*
 * log_sink: where log lines go: stderr, one call a line, without ever waiting for who reads it.
 *
 * A pipe or terminal that nobody reads takes no more at some time, and a write would stop the whole
 * process. Whether a descriptor waits belongs to all who have it open, so stderr is not changed but
 * opened anew. Where that is not allowed it is asked before each line whether it takes one: then
 * only a line of another process that slips in between could make this one wait.
 */
#ifndef SHARED_BASE_LOG_SINK_H
#define SHARED_BASE_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>

/* From here on no line waits; for the process and its children. Before there are threads. */
void log_sink_never_block(void);

/* Writes a line. False if it was not written, or not all of it; errno is changed. */
bool log_sink_write(const char *line, size_t length);

#endif
