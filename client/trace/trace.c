#include "client/trace/trace.h"

#include <inttypes.h>
#include <stdarg.h>

#include "shared/base/clock.h"

void trace_event(struct trace *trace, char kind, unsigned thread, int64_t at_ns, const char *format,
		 ...)
{
	va_list arguments;

	fprintf(trace->file, "%s\n{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,\"ts\":%" PRId64 ".%03d,",
		trace->begun ? "," : "", kind, trace->process, thread, at_ns / NS_PER_US,
		(int)(at_ns % NS_PER_US));
	va_start(arguments, format);
	vfprintf(trace->file, format, arguments);
	va_end(arguments);
	fputc('}', trace->file);
	trace->begun = true;
}

void trace_begin(struct trace *trace, FILE *file)
{
	*trace = (struct trace){ .file = file };
	fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", file);
}

void trace_end(struct trace *trace)
{
	fputs("\n]}\n", trace->file);
}

static void write_name(struct trace *trace, unsigned thread, const char *of, const char *name)
{
	trace_event(trace, 'M', thread, 0, "\"name\":\"%s\",\"args\":{\"name\":\"%s\"}", of, name);
}

void trace_process(struct trace *trace, const char *name)
{
	trace->process++;
	write_name(trace, 0, "process_name", name);
}

void trace_thread(struct trace *trace, unsigned thread, const char *name)
{
	write_name(trace, thread, "thread_name", name);
}

/* A slice is one event, so it cannot lack its end. */
void trace_slice(struct trace *trace, unsigned thread, const char *name, const char *category,
		 int64_t from_ns, int64_t to_ns)
{
	int64_t length_ns = to_ns - from_ns;

	trace_event(trace, 'X', thread, from_ns,
		    "\"dur\":%" PRId64 ".%03d,\"name\":\"%s\",\"cat\":\"%s\"",
		    length_ns / NS_PER_US, (int)(length_ns % NS_PER_US), name, category);
}
