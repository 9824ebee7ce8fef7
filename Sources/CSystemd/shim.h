// The parts of libsystemd that certregd uses.
#ifndef CERTREG_CSYSTEMD_SHIM_H
#define CERTREG_CSYSTEMD_SHIM_H
#define SD_JOURNAL_SUPPRESS_LOCATION 1
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>
#endif
