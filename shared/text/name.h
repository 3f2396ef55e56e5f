/*
 * name: nicks, rooms, events and keys: what is a good one, and which are the same.
 *
 * Nicks and rooms are compared by case-folded NFKC (Unicode, by utf8proc), events and keys byte by
 * byte. The names that are the same have the same folded form, which is also what is hashed;
 * folding it again changes nothing.
 *
 * Letters are those of any script (Unicode's categories L*), digits likewise (Nd). A combining mark
 * (Mn, Mc) may follow a letter or another mark: Devanagari or Thai cannot be written without. What
 * is invisible by default (Default_Ignorable_Code_Point) is not taken, though some of it counts as
 * a letter or mark: names that look the same would differ.
 */
#ifndef SHARED_TEXT_NAME_H
#define SHARED_TEXT_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/text/words.h"

#define NAME_NICK_POINTS 24                         /* code points */
#define NAME_ROOM_POINTS 32                         /* after the '#' */
#define NAME_NICK_SIZE   (NAME_NICK_POINTS * 4 + 1) /* bytes, a NUL counted in */
#define NAME_ROOM_SIZE   (1 + NAME_ROOM_POINTS * 4 + 1)
#define NAME_EVENT_SIZE  (32 + 1)
#define NAME_KEY_SIZE    (64 + 1)
#define NAME_KEY_LEAST   16 /* bytes of a key that is taken today: a shorter one can be guessed */
#define NAME_FOLDED_SIZE (NAME_ROOM_SIZE * 18) /* bytes; more than NFKC can make of a name */

/* 1 to 24 letters (of any script), digits, '_' or '-'. */
bool name_is_nick(struct span name);

/* '#' and 1 to 32 of the same characters. */
bool name_is_room(struct span name);

/* 1 to 32 of a-z, 0-9 and '-'. */
bool name_is_event(struct span name);

/* 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-': stores hold short ones of former times. */
bool name_is_key(struct span name);

/*
 * Writes the folded form of a good nick or room to FOLDED (NAME_FOLDED_SIZE bytes) and returns its
 * length; 0 when it cannot be folded. ASCII goes a short way without utf8proc.
 */
size_t name_fold(struct span name, char *folded);

/*
 * The same of a person's name as servers of several machines write it, NICK or NICK@NODE; 0 also
 * when it is neither.
 */
#define NAME_PERSON_SIZE (NAME_NICK_SIZE + 17) /* bytes, a NUL counted in */
size_t name_fold_person(struct span name, char *folded);

#endif
