/*
 * text_file: what editors leave in a text file without being asked, in one place for all files that
 * people write: the configuration, the operator's password, a JSON store.
 *
 * A mark at the front says that the file is UTF-8, and is no part of the text. At the ends of a
 * line stand spaces, TABs and the CR of other systems, which nobody sees. The last line may have no
 * end.
 */
#ifndef SHARED_TEXT_TEXT_FILE_H
#define SHARED_TEXT_TEXT_FILE_H

#include <stdbool.h>

#include "shared/text/words.h"

/* For messages, after the file's name. */
#define TEXT_FILE_IS_UTF16 "is UTF-16: save it as UTF-8"

/*
 * TEXT is a file's beginning, or all of it: takes the mark off its front. False when the mark is
 * UTF-16's, which nothing here reads.
 */
bool text_file_begin(struct span *text);

/* LINE without what nobody sees at its ends. */
struct span text_file_trim(struct span line);

#endif
