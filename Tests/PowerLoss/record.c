// Records a process's changes to the files of a directory and the bytes it sends and receives, in one order. Preloaded
// (LD_PRELOAD) into certregd by `run`, which derives the possible states of a disk after a loss of power.
//
// RECORD_ROOT is the directory, RECORD_JOURNAL the file of records. With RECORD_SHORT the disk reports that it
// is nearly full. Sent bytes are recorded before they are sent, changes of a file after the change, and a
// synchronisation at its beginning and at its end: once it has ended, it covers everything before its beginning.
//
// SQLite's shared memory changes through a mapping and is not recorded; it has no meaning after a loss of power.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// Read by `run`, which declares the same layout. Two texts or byte strings follow.
struct record {
  uint32_t process;
  uint32_t kind;
  uint64_t file;  // inode, descriptor or number of a synchronisation
  int64_t offset;
  uint32_t first;
  uint32_t second;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static char root[512];
static size_t root_length;
static uint64_t syncs;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("RECORD_ROOT"), *file = getenv("RECORD_JOURNAL");
  if (!path || !file || strlen(path) >= sizeof root) return;
  strcpy(root, path);
  root_length = strlen(root);
  int opened = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  // Outside of the range of the program's descriptors.
  journal = syscall(SYS_fcntl, opened, F_DUPFD_CLOEXEC, 900);
  syscall(SYS_close, opened);
}

// Called with the lock held.
static void put(char kind, uint64_t file, int64_t offset, const void *first, size_t first_size, const void *second,
                size_t second_size) {
  struct record record = {getpid(), kind, file, offset, first_size, second_size};
  struct iovec parts[] = {{&record, sizeof record}, {(void *)first, first_size}, {(void *)second, second_size}};
  if (syscall(SYS_writev, journal, parts, 3) != (long)(sizeof record + first_size + second_size)) abort();
}

static int is_ours(const char *path) {
  return journal >= 0 && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || !path[root_length]);
}

// The inode of a file or directory below the root; 0 for others.
static uint64_t tracked[4096];
static uint32_t tracked_count;

static uint64_t inode_of(int descriptor, mode_t *mode) {
  struct stat status;
  if (journal < 0 || syscall(SYS_newfstatat, descriptor, "", &status, AT_EMPTY_PATH)) return 0;
  *mode = status.st_mode & S_IFMT;
  if (*mode != S_IFREG && *mode != S_IFDIR) return 0;
  for (uint32_t i = 0; i < tracked_count; i++)
    if (tracked[i] == status.st_ino) return status.st_ino;
  return 0;
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define LOCKED(body) \
  do { \
    int saved = errno; \
    pthread_mutex_lock(&lock); \
    body; \
    pthread_mutex_unlock(&lock); \
    errno = saved; \
  } while (0)

static int do_open(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  if (!is_ours(path)) return real(path, flags, mode);
  pthread_mutex_lock(&lock);
  int existed = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
  int descriptor = real(path, flags, mode), saved = errno;
  struct stat status;
  if (descriptor >= 0 && syscall(SYS_newfstatat, descriptor, "", &status, AT_EMPTY_PATH) == 0) {
    if (tracked_count < 4096) tracked[tracked_count++] = status.st_ino;
    put(existed ? 'o' : 'O', status.st_ino, flags & O_TRUNC ? 1 : 0, path, strlen(path), 0, 0);
  }
  pthread_mutex_unlock(&lock);
  errno = saved;
  return descriptor;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0; \
    va_end(list); \
    return do_open(real, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

// Bytes for a file or a peer.
static void note_sending(int descriptor, const void *bytes, size_t size, mode_t mode) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  if (mode != S_IFSOCK || syscall(SYS_getsockname, descriptor, &address, &length)) return;
  put(address.ss_family == AF_UNIX ? 'A' : 'C', descriptor, 0, bytes, size, 0, 0);
}

#define PWRITE(name) \
  ssize_t name(int descriptor, const void *bytes, size_t size, off_t offset) { \
    REAL(name); \
    mode_t mode; \
    uint64_t inode = inode_of(descriptor, &mode); \
    if (!inode) return real(descriptor, bytes, size, offset); \
    ssize_t result; \
    LOCKED(result = real(descriptor, bytes, size, offset); \
           if (result > 0) put('W', inode, offset, 0, 0, bytes, result)); \
    return result; \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t write(int descriptor, const void *bytes, size_t size) {
  REAL(write);
  mode_t mode = 0;
  uint64_t inode = inode_of(descriptor, &mode);
  if (journal >= 0 && mode == S_IFSOCK) LOCKED(note_sending(descriptor, bytes, size, mode));
  if (!inode) return real(descriptor, bytes, size);
  ssize_t result;
  LOCKED(off_t offset = fcntl(descriptor, F_GETFL) & O_APPEND ? lseek(descriptor, 0, SEEK_END) : lseek(descriptor, 0, SEEK_CUR);
         result = real(descriptor, bytes, size); if (result > 0) put('W', inode, offset, 0, 0, bytes, result));
  return result;
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  REAL(writev);
  mode_t mode = 0;
  inode_of(descriptor, &mode);
  if (journal >= 0 && mode == S_IFSOCK)
    LOCKED(for (int i = 0; i < count; i++) note_sending(descriptor, parts[i].iov_base, parts[i].iov_len, mode));
  return real(descriptor, parts, count);
}

ssize_t send(int descriptor, const void *bytes, size_t size, int flags) {
  REAL(send);
  if (journal >= 0) LOCKED(note_sending(descriptor, bytes, size, S_IFSOCK));
  return real(descriptor, bytes, size, flags);
}

ssize_t recv(int descriptor, void *bytes, size_t size, int flags) {
  REAL(recv);
  ssize_t result = real(descriptor, bytes, size, flags);
  if (journal >= 0 && result > 0) LOCKED(put('I', descriptor, 0, bytes, result, 0, 0));
  return result;
}

#define TRUNCATE(name) \
  int name(int descriptor, off_t size) { \
    REAL(name); \
    mode_t mode; \
    uint64_t inode = inode_of(descriptor, &mode); \
    if (!inode) return real(descriptor, size); \
    int result; \
    LOCKED(result = real(descriptor, size); if (!result) put('T', inode, size, 0, 0, 0, 0)); \
    return result; \
  }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNCHRONISE(name) \
  int name(int descriptor) { \
    REAL(name); \
    mode_t mode; \
    uint64_t inode = inode_of(descriptor, &mode), number = 0; \
    if (!inode) return real(descriptor); \
    LOCKED(number = ++syncs; put('S', inode, number, 0, 0, 0, 0)); \
    int result = real(descriptor); \
    if (!result) LOCKED(put('E', inode, number, 0, 0, 0, 0)); \
    return result; \
  }
SYNCHRONISE(fsync)
SYNCHRONISE(fdatasync)

#define PATH(name, kind, parameters, arguments, first, second) \
  int name parameters { \
    REAL(name); \
    if (!is_ours(first)) return real arguments; \
    int result; \
    const char *other = second; \
    pthread_mutex_lock(&lock); \
    result = real arguments; \
    int saved = errno; \
    if (!result) put(kind, 0, 0, first, strlen(first), other, strlen(other)); \
    pthread_mutex_unlock(&lock); \
    errno = saved; \
    return result; \
  }
PATH(unlink, 'U', (const char *path), (path), path, "")
PATH(mkdir, 'M', (const char *path, mode_t mode), (path, mode), path, "")
PATH(rename, 'R', (const char *from, const char *to), (from, to), from, to)

int statvfs(const char *path, struct statvfs *status) {
  REAL(statvfs);
  int result = real(path, status);
  if (getenv("RECORD_SHORT")) status->f_bavail = 0;
  return result;
}
