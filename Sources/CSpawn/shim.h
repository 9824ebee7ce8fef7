// Functions of glibc for starting and ending programs. Its headers declare two of them for GNU sources only, which Swift does
// not compile as.
#ifndef CERTREG_CSPAWN_SHIM_H
#define CERTREG_CSPAWN_SHIM_H
#include <signal.h>
#include <spawn.h>

// pipe2(2): with O_CLOEXEC, no program that starts at the same moment inherits the pipe.
extern int pipe2(int descriptors[2], int flags);

// posix_spawn_file_actions_addclosefrom_np(3), since glibc 2.34: closes all descriptors from `from` in the new program.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

// pidfd_open(2) and pidfd_send_signal(2), since glibc 2.36. A descriptor of a process stays with that process when its number is
// given to another one.
extern int pidfd_open(pid_t process, unsigned int flags);
extern int pidfd_send_signal(int descriptor, int signal, siginfo_t *info, unsigned int flags);
#endif
