// What a loop over many descriptors needs of Linux. Swift's view of glibc has none of it.
//
// sys/socket.h is not included: its constants would then be those of two modules, and which one Swift finds them in
// would depend on what it reads first.
#ifndef CERTREG_CEPOLL_SHIM_H
#define CERTREG_CEPOLL_SHIM_H
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct sockaddr;

// accept4(2): its header shows it to GNU sources only.
extern int accept4(int descriptor, struct sockaddr *address, unsigned int *length, int flags);
#endif
