// Extended attributes of files, which Swift's view of glibc has not.
#ifndef CERTREG_CXATTR_SHIM_H
#define CERTREG_CXATTR_SHIM_H
#include <sys/xattr.h>
#endif
