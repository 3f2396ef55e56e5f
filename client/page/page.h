/*
 * page: the pages that play timelines back, each in one file that needs no other and no server.
 *
 * Their sources are in web; the build puts them into the program (cmake/page.cmake). What a page
 * shows is one JSON object that the caller writes between begin and end, without any '<' in it.
 * What cannot be written shows in ferror.
 */
#ifndef CLIENT_PAGE_PAGE_H
#define CLIENT_PAGE_PAGE_H

#include <stdio.h>

enum page { PAGE_RACE, PAGE_LAB };

void page_begin(enum page page, FILE *to);
void page_end(enum page page, FILE *to);

#endif
