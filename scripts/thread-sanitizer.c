// Tells the thread sanitizer about locks of Swift's Mutex that had to wait.
//
// The code of Mutex that runs where nobody else holds the lock is compiled into the program, so the sanitizer sees it. What
// runs where somebody does is in libswiftSynchronization, which is not instrumented: the lock goes from one thread to the next
// unseen, and what it guards looks like a race. These functions, linked into the programs, stand in front of those three.
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
