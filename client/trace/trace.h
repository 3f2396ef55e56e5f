/*
 * trace: writes who did what when for a trace viewer such as Perfetto, in the Chromium project's
 * "Trace Event Format": JSON, times in microseconds.
 *
 * A trace has processes, one after the other; each has threads with slices on them. Names are
 * written as they are: without quotes and control characters. What cannot be written shows in
 * ferror.
 */
#ifndef CLIENT_TRACE_TRACE_H
#define CLIENT_TRACE_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct trace {
	FILE *file;
	unsigned process; /* the one that all is about now */
	bool begun;       /* there is an event already */
};

void trace_begin(struct trace *trace, FILE *file);
void trace_end(struct trace *trace);

/* Goes on to the next process. */
void trace_process(struct trace *trace, const char *name);

/* Names a thread of it; threads are numbered from 1 on, 0 being the process itself. */
void trace_thread(struct trace *trace, unsigned thread, const char *name);

/* What a thread did from when to when. */
void trace_slice(struct trace *trace, unsigned thread, const char *name, const char *category,
		 int64_t from_ns, int64_t to_ns);

/* An event of another KIND; FORMAT gives its further members: `"name":"%s"`. */
__attribute__((format(printf, 5, 6))) void trace_event(struct trace *trace, char kind,
						       unsigned thread, int64_t at_ns,
						       const char *format, ...);

#endif
