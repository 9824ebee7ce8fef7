// Makes one call of a process fail: preloaded (LD_PRELOAD) into certregd by `run`.
//
// A "site" is a function together with its callers, so that "the write of the write-ahead log at a commit" and
// "the write of the header of a new log" are two sites. A hash of return addresses identifies a site, counted from the
// start of each address's module, so that hashes are the same in every run. The task is in a file that this process and
// `run` map (struct shared): either this process counts, and writes every site that it passes, or one call at one site
// fails with one error.
//
// Calls inside libc do not pass through here, and neither do those of the dynamic loader.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MODE_OFF, MODE_COUNT, MODE_FAIL };
enum { DEPTH = 14, SITES = 16384, MODULES = 96 };

struct site {
  uint64_t hash;
  char kind[28];
  uint32_t count;
  // Module number << 40 | offset in it.
  uint64_t frames[DEPTH];
};

// Mapped by `run`, too, which declares the same layout.
struct shared {
  _Atomic uint32_t mode;
  _Atomic uint32_t fired;
  _Atomic int32_t error;
  _Atomic uint32_t occurrence;
  _Atomic uint64_t hash;
  char kind[32];
  _Atomic uint32_t lock;
  _Atomic uint32_t sites;
  uint32_t modules;
  uint32_t overflow;
  char module[MODULES][128];
  struct site site[SITES];
};

static struct shared *shared;
static struct { uintptr_t start, end; } module[MODULES];
static int modules;
// The address ranges of libraries whose allocations fail: SQLite, OpenSSL, systemd.
enum { LIBRARIES = 3 };
static const char *const library_name[LIBRARIES] = {"libsqlite3", "libcrypto", "libsystemd"};
static const char *const library_kind[LIBRARIES] = {"malloc.sqlite", "malloc.openssl", "malloc.systemd"};
static struct { uintptr_t start, end; } library[LIBRARIES];
// Reading the stack may allocate, which does not count. Initial-exec: no allocation to reach the variable itself.
static __thread int busy __attribute__((tls_model("initial-exec")));
// The error of a failed call of SQLite. The connection does not have it.
static __thread int sqlite_error __attribute__((tls_model("initial-exec")));

static int is_within(int number, void *caller) {
  return (uintptr_t)caller >= library[number].start && (uintptr_t)caller < library[number].end;
}

static int add_module(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size, (void)context;
  if (modules == MODULES) return 0;
  uintptr_t start = UINTPTR_MAX, end = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
    uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, to = from + info->dlpi_phdr[i].p_memsz;
    if (from < start) start = from;
    if (to > end) end = to;
  }
  module[modules].start = start;
  module[modules].end = end;
  const char *name = info->dlpi_name[0] ? info->dlpi_name : "program";
  strncpy(shared->module[modules], name, 127);
  for (int i = 0; i < LIBRARIES; i++)
    if (strstr(name, library_name[i])) library[i].start = start, library[i].end = end;
  modules++;
  return 0;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAIL_FILE");
  if (!path) return;
  int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  struct shared *mapped =
      (void *)syscall(SYS_mmap, 0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  syscall(SYS_close, file);
  if (mapped == MAP_FAILED) return;
  busy = 1;
  void *frames[4];
  backtrace(frames, 4);  // Loads the unwinder now.
  shared = mapped;
  dl_iterate_phdr(add_module, 0);
  shared->modules = modules;
  busy = 0;
}

static uint64_t place(void *address) {
  for (int i = 0; i < modules; i++)
    if ((uintptr_t)address >= module[i].start && (uintptr_t)address < module[i].end)
      return (uint64_t)(i + 1) << 40 | ((uintptr_t)address - module[i].start);
  return 0;
}

// Whether this call has to fail.
static int hit(const char *kind) {
  uint32_t mode;
  if (!shared || busy || (mode = shared->mode) == MODE_OFF) return 0;
  if (mode == MODE_FAIL && (shared->fired || strcmp(kind, shared->kind))) return 0;
  busy = 1;
  int saved = errno, is_hit = 0;
  void *stack[DEPTH + 2];
  int depth = backtrace(stack, DEPTH + 2);
  uint64_t frames[DEPTH] = {0}, hash = 0xcbf29ce484222325;
  for (const char *c = kind; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
  // The first two are this function and the wrapper.
  for (int i = 2; i < depth; i++) {
    frames[i - 2] = place(stack[i]);
    hash = (hash ^ frames[i - 2]) * 0x100000001b3;
  }
  while (atomic_exchange(&shared->lock, 1)) syscall(SYS_sched_yield);
  if (mode == MODE_FAIL) {
    if (hash == shared->hash && !shared->fired && shared->occurrence-- == 1) shared->fired = is_hit = 1;
  } else {
    uint32_t i = 0, n = shared->sites;
    while (i < n && shared->site[i].hash != hash) i++;
    if (i == SITES) {
      shared->overflow++;
    } else {
      if (i == n) {
        shared->site[i].hash = hash;
        strncpy(shared->site[i].kind, kind, sizeof shared->site[i].kind - 1);
        memcpy(shared->site[i].frames, frames, sizeof frames);
        shared->sites = n + 1;
      }
      shared->site[i].count++;
    }
  }
  atomic_store(&shared->lock, 0);
  errno = saved;
  busy = 0;
  return is_hit;
}

// The real function behind the wrapper of this name.
#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// A function that returns -1 and sets errno.
#define SYSTEM(kind, result, name, parameters, arguments) \
  result name parameters { \
    REAL(name); \
    if (hit(kind)) return errno = shared->error, -1; \
    return real arguments; \
  }

// A function that returns its error.
#define RETURNING(kind, name, parameters, arguments) \
  int name parameters { \
    REAL(name); \
    if (hit(kind)) return shared->error; \
    return real arguments; \
  }

// ---- Files

static int needs_mode(int flags) { return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE; }

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(name); \
    mode_t mode = 0; \
    if (needs_mode(flags)) { \
      va_list list; \
      va_start(list, flags); \
      mode = va_arg(list, mode_t); \
      va_end(list); \
    } \
    if (hit("open")) return errno = shared->error, -1; \
    return real(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

// The kind of a descriptor: files and sockets have different errors, and an eventfd or timerfd has none.
static int is_kind(int descriptor, mode_t kind) {
  struct stat status;
  if (!shared || busy || shared->mode == MODE_OFF) return 0;
  return syscall(SYS_newfstatat, descriptor, "", &status, AT_EMPTY_PATH) == 0 && (status.st_mode & S_IFMT) == kind;
}

// A transfer of half the bytes, which write(2) and read(2) may do at any time, has its own error number: -1.
#define TRANSFER(name, result, parameters, arguments, half) \
  result name parameters { \
    REAL(name); \
    if (is_kind(descriptor, S_IFREG) ? hit(#name ".file") : is_kind(descriptor, S_IFSOCK) && hit(#name ".socket")) { \
      if (shared->error == -1 && size > 1) return half; \
      return errno = shared->error == -1 ? EINTR : shared->error, -1; \
    } \
    return real arguments; \
  }
TRANSFER(read, ssize_t, (int descriptor, void *bytes, size_t size), (descriptor, bytes, size),
         real(descriptor, bytes, size / 2))
TRANSFER(write, ssize_t, (int descriptor, const void *bytes, size_t size), (descriptor, bytes, size),
         real(descriptor, bytes, size / 2))
TRANSFER(pread, ssize_t, (int descriptor, void *bytes, size_t size, off_t offset), (descriptor, bytes, size, offset),
         real(descriptor, bytes, size / 2, offset))
TRANSFER(pread64, ssize_t, (int descriptor, void *bytes, size_t size, off_t offset), (descriptor, bytes, size, offset),
         real(descriptor, bytes, size / 2, offset))
TRANSFER(pwrite, ssize_t, (int descriptor, const void *bytes, size_t size, off_t offset),
         (descriptor, bytes, size, offset), real(descriptor, bytes, size / 2, offset))
TRANSFER(pwrite64, ssize_t, (int descriptor, const void *bytes, size_t size, off_t offset),
         (descriptor, bytes, size, offset), real(descriptor, bytes, size / 2, offset))
TRANSFER(send, ssize_t, (int descriptor, const void *bytes, size_t size, int flags), (descriptor, bytes, size, flags),
         real(descriptor, bytes, size / 2, flags))
TRANSFER(recv, ssize_t, (int descriptor, void *bytes, size_t size, int flags), (descriptor, bytes, size, flags),
         real(descriptor, bytes, size / 2, flags))
SYSTEM("writev", ssize_t, writev, (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count))
SYSTEM("sendmsg", ssize_t, sendmsg, (int descriptor, const struct msghdr *message, int flags),
       (descriptor, message, flags))
SYSTEM("recvmsg", ssize_t, recvmsg, (int descriptor, struct msghdr *message, int flags), (descriptor, message, flags))
SYSTEM("fsync", int, fsync, (int descriptor), (descriptor))
SYSTEM("fdatasync", int, fdatasync, (int descriptor), (descriptor))
SYSTEM("ftruncate", int, ftruncate, (int descriptor, off_t size), (descriptor, size))
SYSTEM("ftruncate", int, ftruncate64, (int descriptor, off_t size), (descriptor, size))
SYSTEM("fallocate", int, fallocate, (int descriptor, int mode, off_t offset, off_t size),
       (descriptor, mode, offset, size))
SYSTEM("lseek", off_t, lseek, (int descriptor, off_t offset, int whence), (descriptor, offset, whence))
SYSTEM("lseek", off_t, lseek64, (int descriptor, off_t offset, int whence), (descriptor, offset, whence))
SYSTEM("stat", int, stat, (const char *path, struct stat *status), (path, status))
SYSTEM("stat", int, stat64, (const char *path, struct stat64 *status), (path, status))
SYSTEM("stat", int, lstat, (const char *path, struct stat *status), (path, status))
SYSTEM("stat", int, lstat64, (const char *path, struct stat64 *status), (path, status))
SYSTEM("fstat", int, fstat, (int descriptor, struct stat *status), (descriptor, status))
SYSTEM("fstat", int, fstat64, (int descriptor, struct stat64 *status), (descriptor, status))
SYSTEM("fstat", int, fstatat, (int directory, const char *path, struct stat *status, int flags),
       (directory, path, status, flags))
SYSTEM("statvfs", int, statvfs, (const char *path, struct statvfs *status), (path, status))
SYSTEM("access", int, access, (const char *path, int mode), (path, mode))
SYSTEM("unlink", int, unlink, (const char *path), (path))
SYSTEM("rename", int, rename, (const char *from, const char *to), (from, to))
SYSTEM("mkdir", int, mkdir, (const char *path, mode_t mode), (path, mode))
SYSTEM("chmod", int, chmod, (const char *path, mode_t mode), (path, mode))
SYSTEM("fchmod", int, fchmod, (int descriptor, mode_t mode), (descriptor, mode))
SYSTEM("fchownat", int, fchownat, (int directory, const char *path, uid_t user, gid_t group, int flags),
       (directory, path, user, group, flags))
SYSTEM("flock", int, flock, (int descriptor, int operation), (descriptor, operation))
SYSTEM("dup", int, dup, (int descriptor), (descriptor))

// close(2) closes the descriptor even if it fails. It cannot fail for descriptors other than files.
int close(int descriptor) {
  REAL(close);
  if (!is_kind(descriptor, S_IFREG) || !hit("close")) return real(descriptor);
  real(descriptor);
  return errno = shared->error, -1;
}

#define FCNTL(name) \
  int name(int descriptor, int command, ...) { \
    REAL(name); \
    va_list list; \
    va_start(list, command); \
    void *argument = va_arg(list, void *); \
    va_end(list); \
    int is_lock = command == F_SETLK || command == F_SETLKW || command == F_GETLK; \
    /* Releasing a whole lock needs no resources. */ \
    if (is_lock && ((struct flock *)argument)->l_type == F_UNLCK) return real(descriptor, command, argument); \
    if (hit(is_lock ? "fcntl.lock" : "fcntl")) return errno = shared->error, -1; \
    return real(descriptor, command, argument); \
  }
FCNTL(fcntl)
FCNTL(fcntl64)

#define MMAP(name) \
  void *name(void *address, size_t size, int protection, int flags, int descriptor, off_t offset) { \
    REAL(name); \
    if (descriptor >= 0 && hit("mmap")) return errno = shared->error, MAP_FAILED; \
    return real(address, size, protection, flags, descriptor, offset); \
  }
MMAP(mmap)
MMAP(mmap64)

// ---- Sockets and other descriptors

SYSTEM("socket", int, socket, (int domain, int type, int protocol), (domain, type, protocol))
SYSTEM("socketpair", int, socketpair, (int domain, int type, int protocol, int pair[2]), (domain, type, protocol, pair))
SYSTEM("bind", int, bind, (int descriptor, const struct sockaddr *address, socklen_t size),
       (descriptor, address, size))
SYSTEM("listen", int, listen, (int descriptor, int backlog), (descriptor, backlog))
SYSTEM("accept", int, accept4, (int descriptor, struct sockaddr *address, socklen_t *size, int flags),
       (descriptor, address, size, flags))
SYSTEM("connect", int, connect, (int descriptor, const struct sockaddr *address, socklen_t size),
       (descriptor, address, size))
SYSTEM("getsockopt", int, getsockopt, (int descriptor, int level, int name, void *value, socklen_t *size),
       (descriptor, level, name, value, size))
SYSTEM("setsockopt", int, setsockopt, (int descriptor, int level, int name, const void *value, socklen_t size),
       (descriptor, level, name, value, size))
SYSTEM("getsockname", int, getsockname, (int descriptor, struct sockaddr *address, socklen_t *size),
       (descriptor, address, size))
SYSTEM("getpeername", int, getpeername, (int descriptor, struct sockaddr *address, socklen_t *size),
       (descriptor, address, size))
SYSTEM("shutdown", int, shutdown, (int descriptor, int how), (descriptor, how))
SYSTEM("epoll_create", int, epoll_create, (int size), (size))
SYSTEM("epoll_create", int, epoll_create1, (int flags), (flags))
SYSTEM("epoll_wait", int, epoll_wait, (int poller, struct epoll_event *events, int count, int milliseconds),
       (poller, events, count, milliseconds))
SYSTEM("eventfd", int, eventfd, (unsigned int value, int flags), (value, flags))
SYSTEM("timerfd_create", int, timerfd_create, (clockid_t clock, int flags), (clock, flags))
SYSTEM("pipe", int, pipe, (int pair[2]), (pair))
SYSTEM("pipe", int, pipe2, (int pair[2], int flags), (pair, flags))
SYSTEM("getrlimit", int, getrlimit, (__rlimit_resource_t resource, struct rlimit *limit), (resource, limit))
SYSTEM("setrlimit", int, setrlimit, (__rlimit_resource_t resource, const struct rlimit *limit), (resource, limit))
RETURNING("getaddrinfo", getaddrinfo,
          (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found),
          (node, service, hints, found))
RETURNING("pthread_create", pthread_create,
          (pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument),
          (thread, attributes, body, argument))

// Only a new registration takes memory.
int epoll_ctl(int poller, int operation, int descriptor, struct epoll_event *event) {
  REAL(epoll_ctl);
  if (operation == EPOLL_CTL_ADD && hit("epoll_ctl")) return errno = shared->error, -1;
  return real(poller, operation, descriptor, event);
}

// ---- Memory: by design of the language, Swift code ends the process without memory; C libraries continue

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static int is_allocation_hit(void *caller) {
  if (!shared || busy || shared->mode == MODE_OFF) return 0;
  for (int i = 0; i < LIBRARIES; i++)
    if (is_within(i, caller)) return hit(library_kind[i]);
  return 0;
}

#define ALLOCATING(name, parameters, arguments) \
  void *name parameters { \
    if (is_allocation_hit(__builtin_return_address(0))) return errno = ENOMEM, NULL; \
    return __libc_##name arguments; \
  }
ALLOCATING(malloc, (size_t size), (size))
ALLOCATING(calloc, (size_t count, size_t size), (count, size))
ALLOCATING(realloc, (void *pointer, size_t size), (pointer, size))

// BoringSSL, which is linked into the programs for HTTPS, calls these if they exist (crypto/mem.cc).
void *OPENSSL_memory_alloc(size_t size) { return hit("malloc.boringssl") ? NULL : __libc_malloc(size); }
void OPENSSL_memory_free(void *pointer) { free(pointer); }
size_t OPENSSL_memory_get_size(void *pointer) { return malloc_usable_size(pointer); }

// ---- SQLite and OpenSSL as the program calls them; their inner calls fail through the system calls below them

#define CALLER __builtin_return_address(0)

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
enum { SQLITE_NOMEM = 7 };

#define SQLITE(name, parameters, arguments, before) \
  int name parameters; \
  int name parameters { \
    REAL(name); \
    sqlite_error = 0; \
    if (!is_within(0, CALLER) && hit(#name)) { \
      before; \
      return sqlite_error = shared->error; \
    } \
    return real arguments; \
  }
SQLITE(sqlite3_open_v2, (const char *path, sqlite3 **database, int flags, const char *vfs),
       (path, database, flags, vfs), *database = NULL)
SQLITE(sqlite3_prepare_v3,
       (sqlite3 *database, const char *sql, int size, unsigned flags, sqlite3_stmt **statement, const char **tail),
       (database, sql, size, flags, statement, tail), *statement = NULL)
SQLITE(sqlite3_step, (sqlite3_stmt *statement), (statement), )
SQLITE(sqlite3_exec,
       (sqlite3 *database, const char *sql, int (*row)(void *, int, char **, char **), void *context, char **message),
       (database, sql, row, context, message), if (message) *message = NULL)
SQLITE(sqlite3_bind_blob64,
       (sqlite3_stmt *statement, int index, const void *bytes, uint64_t size, void (*release)(void *)),
       (statement, index, bytes, size, release), )
SQLITE(sqlite3_bind_text, (sqlite3_stmt *statement, int index, const char *text, int size, void (*release)(void *)),
       (statement, index, text, size, release), )
SQLITE(sqlite3_bind_zeroblob, (sqlite3_stmt *statement, int index, int size), (statement, index, size), )
SQLITE(sqlite3_wal_checkpoint_v2, (sqlite3 *database, const char *name, int mode, int *frames, int *moved),
       (database, name, mode, frames, moved), )
SQLITE(sqlite3_busy_timeout, (sqlite3 *database, int milliseconds), (database, milliseconds), )

// A column's conversion may need memory: NULL then, and the connection says why.
const void *sqlite3_column_blob(sqlite3_stmt *, int);
const void *sqlite3_column_blob(sqlite3_stmt *statement, int column) {
  REAL(sqlite3_column_blob);
  sqlite_error = 0;
  const void *found = real(statement, column);
  if (!found || is_within(0, CALLER) || !hit("sqlite3_column_blob")) return found;
  sqlite_error = SQLITE_NOMEM;
  return NULL;
}

#define SQLITE_STATE(result, name, failed) \
  result name(sqlite3 *); \
  result name(sqlite3 *database) { \
    REAL(name); \
    return sqlite_error ? (failed) : real(database); \
  }
SQLITE_STATE(int, sqlite3_extended_errcode, sqlite_error)
SQLITE_STATE(int, sqlite3_errcode, sqlite_error & 0xff)
SQLITE_STATE(const char *, sqlite3_errmsg, "made to fail")

// ---- OpenSSL: on valid input these fail for lack of memory, and report it

void ERR_new(void), ERR_set_error(int library, int reason, const char *format, ...);

static void lack_memory(void) {
  busy = 1;
  ERR_new();
  ERR_set_error(13 /* ASN1 */, 256 | 3 << 18 /* ERR_R_MALLOC_FAILURE */, 0);
  busy = 0;
}

#define OPENSSL(result, name, parameters, arguments) \
  result name parameters; \
  result name parameters { \
    REAL(name); \
    if (!is_within(1, CALLER) && hit(#name)) return lack_memory(), (result)(intptr_t)shared->error; \
    return real arguments; \
  }
typedef void *P;
OPENSSL(P, ASN1_INTEGER_to_BN, (P number, P result), (number, result))
OPENSSL(P, ASN1_item_d2i, (P * value, const unsigned char **in, long size, P item), (value, in, size, item))
OPENSSL(int, ASN1_item_i2d, (P value, unsigned char **out, P item), (value, out, item))
OPENSSL(int, ASN1_item_verify, (P item, P algorithm, P signature, P data, P key),
        (item, algorithm, signature, data, key))
OPENSSL(P, BIO_new_mem_buf, (const void *bytes, int size), (bytes, size))
OPENSSL(P, BN_new, (void), ())
OPENSSL(P, BN_bn2dec, (P number), (number))
OPENSSL(int, BN_bn2binpad, (P number, unsigned char *out, int size), (number, out, size))
OPENSSL(int, EC_GROUP_get_curve, (P group, P p, P a, P b, P context), (group, p, a, b, context))
OPENSSL(int, EC_GROUP_get_order, (P group, P order, P context), (group, order, context))
OPENSSL(P, EC_GROUP_new_by_curve_name, (int number), (number))
OPENSSL(int, EC_POINT_get_affine_coordinates, (P group, P point, P x, P y, P context), (group, point, x, y, context))
OPENSSL(P, EC_POINT_new, (P group), (group))
OPENSSL(int, EC_POINT_oct2point, (P group, P point, const unsigned char *bytes, size_t size, P context),
        (group, point, bytes, size, context))
OPENSSL(P, d2i_PUBKEY, (P * key, const unsigned char **in, long size), (key, in, size))
OPENSSL(P, d2i_RSAPublicKey, (P * key, const unsigned char **in, long size), (key, in, size))
OPENSSL(P, EVP_MD_CTX_new, (void), ())
OPENSSL(int, EVP_DigestSignInit, (P context, P * key, P digest, P engine, P pkey), (context, key, digest, engine, pkey))
OPENSSL(int, EVP_DigestSign, (P context, unsigned char *out, size_t *size, const unsigned char *in, size_t count),
        (context, out, size, in, count))
OPENSSL(int, X509_check_private_key, (P certificate, P key), (certificate, key))
OPENSSL(int, i2d_X509, (P certificate, unsigned char **out), (certificate, out))
OPENSSL(P, PEM_read_bio_X509, (P bio, P *certificate, P callback, P context), (bio, certificate, callback, context))
OPENSSL(P, PEM_read_bio_PrivateKey, (P bio, P *key, P callback, P context), (bio, key, callback, context))
OPENSSL(P, HMAC,
        (P digest, const void *key, int key_size, const unsigned char *bytes, size_t size, unsigned char *out,
         unsigned *out_size),
        (digest, key, key_size, bytes, size, out, out_size))
OPENSSL(P, SHA256, (const unsigned char *bytes, size_t size, unsigned char *out), (bytes, size, out))
