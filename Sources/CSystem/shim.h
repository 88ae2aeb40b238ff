// Calls of glibc that Swift's own Glibc module does not show.
#pragma once

#ifdef __linux__
#include <sys/types.h>
#include <sys/vfs.h>

// Since glibc 2.28; see rename(2). Flags: 1, fail when the new name exists; 2, exchange the two names.
int renameat2(
    int old_folder, const char *old_path, int new_folder, const char *new_path,
    unsigned int flags);

// See fallocate(2). Mode 0: the range gets its room on the disk, and the file grows to hold it.
int fallocate(int descriptor, int mode, off_t offset, off_t length);

// See sync_file_range(2). Flags: 2, SYNC_FILE_RANGE_WRITE: begin to write what is not on the disk.
int sync_file_range(int descriptor, off_t offset, off_t length, unsigned int flags);

// The kind of file system that a file lies on, by the numbers of linux/magic.h; see fstatfs(2). -1 if unknown.
static inline long csystem_file_system_type(int descriptor) {
  struct statfs status;
  return fstatfs(descriptor, &status) == 0 ? (long)status.f_type : -1;
}

// See memmem(3): where bytes stand first among others.
void *memmem(const void *bytes, size_t count, const void *pattern, size_t pattern_count);
#endif
