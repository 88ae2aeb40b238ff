// A call of glibc that Swift's own Glibc module does not show.
#pragma once

#ifdef __linux__
// Since glibc 2.28; see rename(2). Flags: 1, fail when the new name exists; 2, exchange the two names.
int renameat2(
    int old_folder, const char *old_path, int new_folder, const char *new_path,
    unsigned int flags);
#endif
