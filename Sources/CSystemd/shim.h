// The parts of libsystemd that certregd uses, and what Swift does not see of glibc.
#ifndef CERTREG_CSYSTEMD_SHIM_H
#define CERTREG_CSYSTEMD_SHIM_H
#define SD_JOURNAL_SUPPRESS_LOCATION 1
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>
#include <time.h>

// Declared only under _GNU_SOURCE, which a header cannot set once another one was read.
extern int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *deadline);
extern int pthread_setname_np(pthread_t thread, const char *name);

// open(2) and fchownat(2), hidden in the same way. The values are part of the kernel's interface.
static const int certreg_O_PATH = __O_PATH;
static const int certreg_AT_EMPTY_PATH = 0x1000;

// sem_clockwait(3) on CLOCK_MONOTONIC: a wait that ends on time although the wall clock is set.
static inline int certreg_sem_wait_until(sem_t *sem, const struct timespec *deadline) {
  return sem_clockwait(sem, CLOCK_MONOTONIC, deadline);
}

// pthread_setname_np(3): the name is cut to 15 bytes by the caller.
static inline int certreg_name_thread(pthread_t thread, const char *name) { return pthread_setname_np(thread, name); }

// pidfd_open(2), for which glibc has a function since 2.36 alone.
static inline int certreg_pidfd_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }
#endif
