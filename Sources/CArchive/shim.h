// libarchive, which opens archives and compressed files. Macros with casts, which Swift cannot import, come as inline
// functions.
#ifndef CERTREG_CARCHIVE_SHIM_H
#define CERTREG_CARCHIVE_SHIM_H
#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <sys/resource.h>

// memfd_create(2), since glibc 2.27. Its header declares it for GNU sources only, which Swift does not compile as.
extern int memfd_create(const char *name, unsigned int flags);

// A file in memory alone, which no program that is started inherits (MFD_CLOEXEC); -1 on failure.
static inline int certreg_memory_file(void) { return memfd_create("archive", 0x0001U); }

// A locale whose characters are UTF-8. glibc has it built in since 2.35, so no package of locales is needed.
static inline locale_t certreg_utf8_locale(void) { return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); }

static inline int certreg_entry_is_regular(struct archive_entry *entry) {
  return archive_entry_filetype(entry) == AE_IFREG;
}
static inline int certreg_entry_is_directory(struct archive_entry *entry) {
  return archive_entry_filetype(entry) == AE_IFDIR;
}
static inline int certreg_entry_is_link(struct archive_entry *entry) {
  return archive_entry_filetype(entry) == AE_IFLNK || archive_entry_hardlink(entry) != NULL;
}

#endif
