// Two functions of glibc that starting a program cleanly needs. Its headers show them to GNU sources only, which Swift's
// view of them is not.
#ifndef CERTREG_CSPAWN_SHIM_H
#define CERTREG_CSPAWN_SHIM_H
#include <spawn.h>

// pipe2(2): a pipe that no program started at the same moment inherits.
extern int pipe2(int descriptors[2], int flags);

// posix_spawn_file_actions_addclosefrom_np(3), since glibc 2.34: closes every descriptor from `from` on in the new program.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
#endif
