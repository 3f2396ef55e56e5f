#include "client/lab/lab_page.h"

#include "client/lab/timeline.h"
#include "client/page/page.h"

/* The page ends at a '<' in its data, so there is none. */
static void write_text(const char *text, FILE *to)
{
	putc('"', to);
	for (; *text; text++) {
		const unsigned char byte = (unsigned char)*text;
		if (byte < ' ' || byte == '"' || byte == '\\' || byte == '<') {
			fprintf(to, "\\u%04x", byte);
		} else {
			putc(byte, to);
		}
	}
	putc('"', to);
}

static double seconds(int64_t ns)
{
	return ns > 0 ? (double)ns / (double)NS_PER_SECOND : 0;
}

/* "[row, kind, name, from, to]", since there may be many. */
static void write_span(const struct lab_span *span, int64_t start_ns, FILE *to)
{
	fprintf(to, "[%u,\"%s\",", span->row, span->doing == LAB_WORKS ? "critical" : "wait");
	write_text(span->name, to);
	fprintf(to, ",%.6f,%.6f]", seconds(span->from_ns - start_ns),
		seconds(span->to_ns - start_ns));
}

static void write_spans(const struct lab_timeline *timeline, unsigned part, FILE *to)
{
	const char *before = "";

	for (unsigned i = 0; i < lab_span_count(timeline); i++) {
		const struct lab_span *span = &timeline->spans[i];
		if (span->part == part && span->to_ns != 0) {
			fputs(before, to);
			write_span(span, timeline->list[part].start_ns, to);
			before = ",";
		}
	}
}

static void write_part(const struct lab *lab, unsigned part, FILE *to)
{
	const struct lab_part *about = &lab->timeline->list[part];

	fputs(part > 0 ? ",{\"title\":" : "{\"title\":", to);
	write_text(about->title, to);
	fputs(",\"who\":", to);
	write_text(about->who, to);
	fprintf(to, ",\"rows\":%u,\"wall\":%.6f,\"spans\":[", lab_row_count(lab->timeline, part),
		seconds(lab_part_ns(lab, part)));
	write_spans(lab->timeline, part, to);
	fputs("]}", to);
}

static void write_facts(const struct lab *lab, FILE *to)
{
	for (unsigned i = 0; i < lab->fact_count; i++) {
		fprintf(to, "%s{\"holds\":%s,\"text\":", i > 0 ? "," : "",
			lab->facts[i].holds ? "true" : "false");
		write_text(lab->facts[i].text, to);
		putc('}', to);
	}
}

void lab_page_write(const struct lab *lab, const char *summary, FILE *to)
{
	page_begin(PAGE_LAB, to);
	fputs("{\"name\":", to);
	write_text(lab->name, to);
	fputs(",\"summary\":", to);
	write_text(summary, to);
	fputs(",\"parts\":[", to);
	for (unsigned part = 0; part < lab->timeline->parts; part++) {
		write_part(lab, part, to);
	}
	fputs("],\"facts\":[", to);
	write_facts(lab, to);
	fputs("]}", to);
	page_end(PAGE_LAB, to);
}
