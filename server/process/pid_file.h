/*
 * pid_file: says in a file which process the master is.
 *
 * It is opened before the sandbox, which lets no file there be opened, and written when this
 * process serves: until then it may name the one that serves before it.
 */
#ifndef SERVER_PROCESS_PID_FILE_H
#define SERVER_PROCESS_PID_FILE_H

/* Both do nothing where PATH is "". Dies when it cannot be opened. */
void pid_file_open(const char *path);
void pid_file_write(void);

#endif
