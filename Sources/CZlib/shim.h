// zlib, which undoes the compression of gzip files. Function-like macros, which Swift cannot import, come as inline
// functions.
#ifndef CERTREG_CZLIB_SHIM_H
#define CERTREG_CZLIB_SHIM_H
#include <zlib.h>

// inflateInit2 with a window of 32 KiB and the header and trailer of gzip.
static inline int certreg_inflate_init_gzip(z_stream *stream) { return inflateInit2(stream, 31); }
#endif
