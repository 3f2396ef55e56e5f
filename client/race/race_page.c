#include "client/race/race_page.h"

#include "client/page/page.h"
#include "client/race/report.h"
#include "client/race/schedule.h"

/* What the page's scheduler begins with. */
static void write_schedule(const struct race *race, FILE *to)
{
	const struct race_schedule *schedule = race->plan.schedule;

	fputs(",\"schedule\":\"", to);
	for (size_t i = 0; schedule && i < schedule->count; i++) {
		fprintf(to, "%s%u%c", i > 0 ? " " : "", schedule->steps[i].buyer + 1,
			schedule->steps[i].letter);
	}
	fputs("\"}", to);
}

void race_page_write(const struct race *race, FILE *to)
{
	page_begin(PAGE_RACE, to);
	fputs("{\"race\":", to);
	race_report_print_json(race, to);
	write_schedule(race, to);
	page_end(PAGE_RACE, to);
}
