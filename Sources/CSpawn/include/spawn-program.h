// Functions for starting and ending programs. The headers of glibc declare some of its own for GNU sources only, which
// Swift does not compile as.
#ifndef CERTREG_SPAWN_PROGRAM_H
#define CERTREG_SPAWN_PROGRAM_H
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>

// pipe2(2): with O_CLOEXEC, no program that starts at the same moment inherits the pipe.
extern int pipe2(int descriptors[2], int flags);

// posix_spawn_file_actions_addclosefrom_np(3), since glibc 2.34: closes all descriptors from `from` in the new program.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

// pidfd_open(2) and pidfd_send_signal(2), since glibc 2.36. A descriptor of a process stays with that process when its
// number is given to another one. Programs that start on glibc 2.34 as well are linked with COlderGlibc, which has
// both.
extern int pidfd_open(pid_t process, unsigned int flags);
extern int pidfd_send_signal(int descriptor, int signal, siginfo_t *info, unsigned int flags);

// A program to start.
struct certreg_program {
  // Where it may be, in the order of the search, with NULL at the end.
  char *const *paths;
  char *const *arguments;
  char *const *environment;
  // Become its standard output and its standard error. Its standard input is empty.
  int output;
  int errors;
  // Its soft limit of open files, unless this process has a lower one.
  rlim_t open_files;
};

// Starts a program in a process group of its own, with default signal handling and no other descriptors.
// posix_spawn(3) cannot set limits, and a limit that is set from outside comes after the program's first instructions.
//
// Returns 0 and the process in `*process`, or else the errno of the step that failed.
int certreg_spawn(pid_t *process, const struct certreg_program *program);
#endif
