#include "client/page/page.h"

#include <stddef.h>

/* Made by cmake/page.cmake: what stands before the data, and what after. */
extern const unsigned char page_head[];
extern const size_t page_head_size;
extern const unsigned char page_tail[];
extern const size_t page_tail_size;

void page_begin(FILE *to)
{
	fwrite(page_head, 1, page_head_size, to);
}

void page_end(FILE *to)
{
	fwrite(page_tail, 1, page_tail_size, to);
}
