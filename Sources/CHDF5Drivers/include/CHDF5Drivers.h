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

/// HDF5 content that is compressed by deflate inside a larger file, as a member of an archive is.
/// Counted references.
typedef struct chdf5_inflated chdf5_inflated;

typedef enum {
  CHDF5_INFLATED_OK,
  /// The file cannot be opened or read; `errno` says why.
  CHDF5_INFLATED_UNREADABLE,
  /// The compressed bytes are none.
  CHDF5_INFLATED_DAMAGED,
  /// They hold more or fewer bytes than was said.
  CHDF5_INFLATED_WRONG_SIZE,
  /// They hold other bytes than was said.
  CHDF5_INFLATED_WRONG_CHECKSUM,
  CHDF5_INFLATED_NO_MEMORY,
} chdf5_inflated_status;

/// Decompresses the content once, to check it. `length` compressed bytes from `offset` of the file on
/// are `size` bytes with the CRC-32 `checksum`. Needs neither disk space nor, whatever the size, more than
/// 48 MiB. `result` is a reference of the caller's own.
chdf5_inflated_status chdf5_inflated_open(
    const char *path, uint64_t offset, uint64_t length, uint64_t size, uint32_t checksum,
    chdf5_inflated **result);
void chdf5_inflated_release(chdf5_inflated *content);

/// Makes a file opened with `access` be read from `content`, which it then keeps. Read-only. Returns a
/// negative number on failure.
herr_t chdf5_inflated_set(hid_t access, chdf5_inflated *content);
