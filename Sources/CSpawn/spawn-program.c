#define _GNU_SOURCE
#include "spawn-program.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

// Tries the paths as execvp(3) does, but runs no shell on a file of another format.
static int execute(const struct certreg_program *program) {
  int denied = 0;
  for (char *const *path = program->paths; *path != NULL; path++) {
    execve(*path, program->arguments, program->environment);
    switch (errno) {
    case EACCES: denied = 1; break;
    case ENOENT: case ENOTDIR: case ESTALE: case ENODEV: case ETIMEDOUT: break;
    default: return errno;
    }
  }
  return denied ? EACCES : ENOENT;
}

// Runs in the child, which shares its memory with the process until the program starts. Returns only on failure.
static int become(const struct certreg_program *program) {
  // Before the signals are let through: a handler would run on the memory of the process.
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &action, NULL);
  if (setpgid(0, 0) != 0) return errno;
  int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(program->output, STDOUT_FILENO) < 0 ||
      dup2(program->errors, STDERR_FILENO) < 0)
    return errno;
  closefrom(STDERR_FILENO + 1);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
  if (limit.rlim_cur > program->open_files) limit.rlim_cur = program->open_files;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, NULL) != 0) return errno;
  return execute(program);
}

int certreg_spawn(pid_t *process, const struct certreg_program *program) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  // The child writes it.
  volatile int failure = 0;
  pid_t child = vfork();
  if (child == 0) {
    failure = become(program);
    _exit(127);
  }
  int code = child < 0 ? errno : failure;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (child > 0 && code != 0) {
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  }
  *process = child;
  return code;
}
