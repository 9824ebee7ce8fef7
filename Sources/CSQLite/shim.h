// SQLite, from Debian's libsqlite3.
#ifndef CERTREG_CSQLITE_SHIM_H
#define CERTREG_CSQLITE_SHIM_H
#include <sqlite3.h>

// SQLITE_TRANSIENT is a cast, which Swift cannot import: SQLite copies what is bound before the call returns.
static inline int certreg_bind_blob_copy(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
  return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_TRANSIENT);
}
static inline int certreg_bind_text_copy(sqlite3_stmt *statement, int index, const char *text, int count) {
  return sqlite3_bind_text(statement, index, text, count, SQLITE_TRANSIENT);
}

// Extended result codes are macros with an operator in them, which Swift does not import either.
static const int certreg_SQLITE_IOERR_CORRUPTFS = SQLITE_IOERR_CORRUPTFS;
static const int certreg_SQLITE_IOERR_SHMSIZE = SQLITE_IOERR_SHMSIZE;
#endif
