#pragma once
#include <hdf5/serial/hdf5.h>
#include <stdint.h>

/// Makes files opened with `access` (a file access property list) be read from a window of a larger
/// file: `length` bytes from `offset` on. Read-only. Returns a negative number on failure.
///
/// For HDF5 content inside an archive, which is so read in place, without a copy.
herr_t chdf5_window_set(hid_t access, uint64_t offset, uint64_t length);
