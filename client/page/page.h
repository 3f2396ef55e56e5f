/*
 * page: the page that plays timelines back, in one file that needs no other and no server.
 *
 * Its sources are in web/race; the build puts them into the program (cmake/page.cmake). What it
 * shows is one JSON object that the caller writes between begin and end, without any '<' in it.
 * What cannot be written shows in ferror.
 */
#ifndef CLIENT_PAGE_PAGE_H
#define CLIENT_PAGE_PAGE_H

#include <stdio.h>

void page_begin(FILE *to);
void page_end(FILE *to);

#endif
