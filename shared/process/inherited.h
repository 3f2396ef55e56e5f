/*
 * inherited: what a program's parent left it with, set right before anything else is done.
 *
 * Descriptors, the signal mask, ignored signals and the umask outlive exec(2), so a cron job, a
 * container's launcher or a language's runtime decides over them unless we do. What is meant for us
 * stays as it is: limits, timers, the working directory, ignored INT, HUP and PIPE.
 */
#ifndef SHARED_PROCESS_INHERITED_H
#define SHARED_PROCESS_INHERITED_H

/*
 * To be called first in main: no descriptor but 0, 1 and 2 is opened. Those that are closed become
 * /dev/null, lest what is opened next be taken for stderr; no signal is blocked any more; CHLD is
 * not ignored, or ended children would leave no status; XFSZ is, so that a write past the limit of
 * a file's size is an error (EFBIG) like a full disk, and no death; files that are made can be
 * written by their owner, and by nobody else. Ends the program if there is no /dev/null.
 */
void inherited_set_right(void);

#endif
