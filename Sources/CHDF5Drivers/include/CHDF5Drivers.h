#pragma once
#include <hdf5/serial/hdf5.h>
#include <stdint.h>

/// Makes files opened with `access` (a file access property list) be read from a window of a larger
/// file: `length` bytes from `offset` on. Read-only. Returns a negative number on failure.
///
/// For HDF5 content inside an archive, which is so read in place, without a copy.
herr_t chdf5_window_set(hid_t access, uint64_t offset, uint64_t length);

/// A file in memory of which only those blocks exist that were written to.
typedef struct chdf5_image chdf5_image;

/// The bytes of a block.
#define CHDF5_IMAGE_BLOCK ((uint64_t)1 << 16)

/// An empty image; NULL without memory. The caller destroys it.
chdf5_image *chdf5_image_create(void);
void chdf5_image_destroy(chdf5_image *image);

/// Makes the file that is created with `access` lie in `image`, which must be empty and live until the
/// file is closed. Returns a negative number on failure.
///
/// For files that are laid out by libhdf5 and filled by others: what is allocated and never written
/// takes no memory.
herr_t chdf5_image_set(hid_t access, chdf5_image *image);

/// The size of the file once it is closed.
uint64_t chdf5_image_length(const chdf5_image *image);

/// The bytes from `index * CHDF5_IMAGE_BLOCK` on; NULL if none of them was written: they are zero.
const void *chdf5_image_block(const chdf5_image *image, uint64_t index);
