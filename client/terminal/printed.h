/*
 * printed: whether what a subcommand printed got out. A full disk or a reader that went away must
 * not look like success: every subcommand that ends with a result on stdout asks here.
 */
#ifndef CLIENT_TERMINAL_PRINTED_H
#define CLIENT_TERMINAL_PRINTED_H

/* Flushes stdout; ends the program with 1 if anything printed so far could not be written. */
void printed_or_die(void);

#endif
