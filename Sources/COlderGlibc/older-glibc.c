// Functions that the Swift runtime, Foundation and users of CSpawn take from glibc 2.35 and 2.36. With them here the
// programs start on systems with glibc 2.34 as well: Amazon Linux 2023, RHEL 9 and their kin.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#else
#error "the first version of glibc's symbols on this processor has to be named here"
#endif

// glibc 2.35 gave hypot(3) a second version, which differs in the last bit of some results.
__asm__(".symver first_hypot, hypot@" FIRST_VERSION);
__asm__(".symver first_hypotf, hypotf@" FIRST_VERSION);
double first_hypot(double x, double y);
float first_hypotf(float x, float y);
double hypot(double x, double y) { return first_hypot(x, y); }
float hypotf(float x, float y) { return first_hypotf(x, y); }

// pidfd_open(2) and pidfd_send_signal(2): system calls, for which glibc has functions since 2.36.
int pidfd_open(pid_t process, unsigned int flags) { return (int)syscall(SYS_pidfd_open, process, flags); }
int pidfd_send_signal(int descriptor, int signal, siginfo_t *information, unsigned int flags) {
  return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, information, flags);
}
