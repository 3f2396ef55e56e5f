#include "client/page/page.h"

#include <stddef.h>

/* Made by cmake/page.cmake: what stands before the data, and what after. */
extern const unsigned char page_race_head[], page_race_tail[];
extern const size_t page_race_head_size, page_race_tail_size;
extern const unsigned char page_lab_head[], page_lab_tail[];
extern const size_t page_lab_head_size, page_lab_tail_size;

void page_begin(enum page page, FILE *to)
{
	if (page == PAGE_RACE) {
		fwrite(page_race_head, 1, page_race_head_size, to);
	} else {
		fwrite(page_lab_head, 1, page_lab_head_size, to);
	}
}

void page_end(enum page page, FILE *to)
{
	if (page == PAGE_RACE) {
		fwrite(page_race_tail, 1, page_race_tail_size, to);
	} else {
		fwrite(page_lab_tail, 1, page_lab_tail_size, to);
	}
}
