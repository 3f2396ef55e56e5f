/*
 * output: whether what a subcommand printed got out. A full disk or a reader that went away must
 * not look like success: every subcommand that ends with a result on stdout asks here.
 */
#ifndef CLIENT_TERMINAL_OUTPUT_H
#define CLIENT_TERMINAL_OUTPUT_H

/* Flushes stdout; ends the program with 1 if anything printed so far could not be written. */
void output_flush_or_die(void);

#endif
