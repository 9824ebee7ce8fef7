// zlib, which undoes the compression of gzip files and of entries in zip archives. Function-like macros, which Swift cannot
// import, come as inline functions.
#ifndef CERTREG_CZLIB_SHIM_H
#define CERTREG_CZLIB_SHIM_H
#include <zlib.h>

// inflateInit2: `windowBits` is -15 for a bare deflate stream and 31 for gzip.
static inline int certreg_inflate_init(z_stream *stream, int windowBits) {
  return inflateInit2(stream, windowBits);
}
#endif
