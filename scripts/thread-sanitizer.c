// Tells the thread sanitizer about locks of Swift's Mutex that had to wait.
//
// Mutex's code for a free lock is compiled into the program, so the sanitizer sees it. Its code for a lock that another thread
// holds is in libswiftSynchronization, which is not instrumented: the sanitizer does not see the lock change threads, and reports
// races on the protected data. These functions, linked into the programs, wrap the library's three.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

extern void __tsan_acquire(void *);
extern void __tsan_release(void *);

static void *next(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) abort();
  return function;
}

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void mutex_lock(uint32_t thread, SELF void *self) __asm__(LOCK);
SWIFT bool mutex_try_lock(SELF void *self) __asm__(TRY_LOCK);
SWIFT void mutex_unlock(SELF void *self) __asm__(UNLOCK);

SWIFT void mutex_lock(uint32_t thread, SELF void *self) {
  SWIFT void (*lock)(uint32_t, SELF void *) = next(LOCK);
  lock(thread, self);
  __tsan_acquire(self);
}

SWIFT bool mutex_try_lock(SELF void *self) {
  SWIFT bool (*try_lock)(SELF void *) = next(TRY_LOCK);
  bool locked = try_lock(self);
  if (locked) __tsan_acquire(self);
  return locked;
}

SWIFT void mutex_unlock(SELF void *self) {
  SWIFT void (*unlock)(SELF void *) = next(UNLOCK);
  __tsan_release(self);
  unlock(self);
}
