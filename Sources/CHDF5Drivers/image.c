// A file driver of libhdf5 whose files lie in memory, as far as they were written.
#include "CHDF5Drivers.h"

#include <stdlib.h>
#include <string.h>

struct chdf5_image {
  unsigned char **blocks;  // NULL where nothing was written
  uint64_t count;
  uint64_t end_of_allocation;
  uint64_t end_of_file;
};

typedef struct {
  H5FD_t base;  // must be first: libhdf5 sees this struct as its own
  chdf5_image *image;
} image_file_t;

chdf5_image *chdf5_image_create(void) { return calloc(1, sizeof(chdf5_image)); }

void chdf5_image_destroy(chdf5_image *image) {
  for (uint64_t index = 0; index < image->count; index++) free(image->blocks[index]);
  free(image->blocks);
  free(image);
}

uint64_t chdf5_image_length(const chdf5_image *image) { return image->end_of_allocation; }

const void *chdf5_image_block(const chdf5_image *image, uint64_t index) {
  return index < image->count ? image->blocks[index] : NULL;
}

static chdf5_image *image_of(const H5FD_t *file) { return ((const image_file_t *)file)->image; }

static H5FD_t *image_open(const char *name, unsigned flags, hid_t access, haddr_t max_address) {
  (void)name, (void)max_address;
  chdf5_image *const *image = H5Pget_driver_info(access);
  if (!image || !(flags & H5F_ACC_CREAT)) return NULL;
  image_file_t *file = calloc(1, sizeof *file);
  if (!file) return NULL;
  file->image = *image;
  return &file->base;
}

static herr_t image_close(H5FD_t *file) {
  free(file);
  return 0;
}

static int image_compare(const H5FD_t *first, const H5FD_t *second) {
  uintptr_t a = (uintptr_t)image_of(first), b = (uintptr_t)image_of(second);
  return a < b ? -1 : a > b;
}

static herr_t image_query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  if (flags) *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

static haddr_t image_get_eoa(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return image_of(file)->end_of_allocation;
}

static herr_t image_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  (void)type;
  image_of(file)->end_of_allocation = address;
  return 0;
}

static haddr_t image_get_eof(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return image_of(file)->end_of_file;
}

// The part of a block that a transfer of `size` bytes at `address` touches.
static size_t part_of_block(haddr_t address, size_t size) {
  size_t rest = CHDF5_IMAGE_BLOCK - address % CHDF5_IMAGE_BLOCK;
  return size < rest ? size : rest;
}

static herr_t image_read(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  (void)type, (void)transfer;
  char *target = buffer;
  while (size > 0) {
    size_t part = part_of_block(address, size);
    const unsigned char *block = chdf5_image_block(image_of(file), address / CHDF5_IMAGE_BLOCK);
    if (block) memcpy(target, block + address % CHDF5_IMAGE_BLOCK, part);
    else memset(target, 0, part);
    target += part, address += part, size -= part;
  }
  return 0;
}

// The block of an index, made if it is not there; NULL without memory.
static unsigned char *make_block(chdf5_image *image, uint64_t index) {
  if (index >= image->count) {
    uint64_t count = index + index / 2 + 64;
    unsigned char **blocks = realloc(image->blocks, count * sizeof *blocks);
    if (!blocks) return NULL;
    memset(blocks + image->count, 0, (count - image->count) * sizeof *blocks);
    image->blocks = blocks;
    image->count = count;
  }
  if (!image->blocks[index]) image->blocks[index] = calloc(1, CHDF5_IMAGE_BLOCK);
  return image->blocks[index];
}

static herr_t image_write(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
    const void *buffer) {
  (void)type, (void)transfer;
  chdf5_image *image = image_of(file);
  const char *source = buffer;
  while (size > 0) {
    size_t part = part_of_block(address, size);
    unsigned char *block = make_block(image, address / CHDF5_IMAGE_BLOCK);
    if (!block) return -1;
    memcpy(block + address % CHDF5_IMAGE_BLOCK, source, part);
    source += part, address += part, size -= part;
  }
  if (address > image->end_of_file) image->end_of_file = address;
  return 0;
}

static const H5FD_class_t image_class = {
    .name = "image",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_SEMI,
    .fapl_size = sizeof(chdf5_image *),
    .open = image_open,
    .close = image_close,
    .cmp = image_compare,
    .query = image_query,
    .get_eoa = image_get_eoa,
    .set_eoa = image_set_eoa,
    .get_eof = image_get_eof,
    .read = image_read,
    .write = image_write,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

herr_t chdf5_image_set(hid_t access, chdf5_image *image) {
  hid_t driver = H5FDregister(&image_class);
  if (driver < 0) return -1;
  herr_t result = H5Pset_driver(access, driver, &image);
  // The property list keeps the driver; this was a reference of our own.
  H5FDunregister(driver);
  return result;
}
