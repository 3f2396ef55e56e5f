/*
 * boot: which boot of the machine this is.
 *
 * Files that are shared by mapping (the lock, the index of keys) are good for one boot only: what
 * stood in them when the power went may be held by nobody, or only half on disk. Each names its
 * boot by this.
 */
#ifndef DB_STORE_BOOT_H
#define DB_STORE_BOOT_H

#include <stdbool.h>

#define BOOT_SIZE 40 /* the kernel's 36 characters and NULs */

/* Writes the name of this boot to BOOT, BOOT_SIZE bytes; false with errno when it is unknown. */
bool boot_read(char *boot);

#endif
