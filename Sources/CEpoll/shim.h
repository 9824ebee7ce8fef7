// What a loop over many descriptors needs of Linux. Swift's view of glibc has none of it.
#ifndef CERTREG_CEPOLL_SHIM_H
#define CERTREG_CEPOLL_SHIM_H
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// accept4(2): its headers show it to GNU sources only.
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
#endif
