// A file driver of libhdf5 that adds an offset to every read, and refuses what libhdf5 comes to no end
// with.
#include "CHDF5Drivers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  uint64_t offset;
  uint64_t length;
} window_t;

typedef struct {
  H5FD_t base;  // must be first: libhdf5 sees this struct as its own
  int descriptor;
  dev_t device;
  ino_t inode;
  window_t window;
  haddr_t end_of_allocation;
} window_file_t;

static H5FD_t *window_open(const char *name, unsigned flags, hid_t access, haddr_t max_address) {
  (void)max_address;
  const window_t *window = H5Pget_driver_info(access);
  if (!window || (flags & (H5F_ACC_RDWR | H5F_ACC_CREAT | H5F_ACC_TRUNC))) return NULL;
  int descriptor = open(name, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return NULL;
  struct stat status;
  window_file_t *file = calloc(1, sizeof *file);
  int fits = file && fstat(descriptor, &status) == 0 &&
             window->offset <= (uint64_t)status.st_size &&
             window->length <= (uint64_t)status.st_size - window->offset;
  if (!fits) {
    free(file);
    close(descriptor);
    return NULL;
  }
  file->descriptor = descriptor;
  file->device = status.st_dev;
  file->inode = status.st_ino;
  file->window = *window;
  return &file->base;
}

static herr_t window_close(H5FD_t *base) {
  window_file_t *file = (window_file_t *)base;
  int result = close(file->descriptor);
  free(file);
  return result < 0 ? -1 : 0;
}

static int compare(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

// Two handles are of the same file if they show the same window of it.
static int window_compare(const H5FD_t *first, const H5FD_t *second) {
  const window_file_t *a = (const window_file_t *)first, *b = (const window_file_t *)second;
  int order = compare(a->device, b->device);
  if (!order) order = compare(a->inode, b->inode);
  if (!order) order = compare(a->window.offset, b->window.offset);
  return order;
}

static herr_t window_query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  if (flags) *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA_READ;
  return 0;
}

static haddr_t window_get_eoa(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return ((const window_file_t *)base)->end_of_allocation;
}

static herr_t window_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((window_file_t *)base)->end_of_allocation = address;
  return 0;
}

static haddr_t window_get_eof(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return ((const window_file_t *)base)->window.length;
}

// The handle is the descriptor, as in libhdf5's own driver.
static herr_t window_get_handle(H5FD_t *base, hid_t access, void **handle) {
  (void)access;
  *handle = &((window_file_t *)base)->descriptor;
  return 0;
}

static herr_t read_bytes(const window_file_t *file, haddr_t address, size_t size, char *target) {
  while (size > 0) {
    ssize_t count = pread(
        file->descriptor, target, size, (off_t)(file->window.offset + address));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return -1;
    target += count;
    size -= (size_t)count;
    address += (haddr_t)count;
  }
  return 0;
}

static uint64_t little_endian(const unsigned char *bytes, int count) {
  uint64_t value = 0;
  while (count-- > 0) value = value << 8 | bytes[count];
  return value;
}

// Whether a collection of the global heap leads libhdf5 1.10 from each of its objects to a later one. Of
// free space without size it makes a loop without end. The library reads a collection's first 4096 bytes
// in one call and the rest in another; this looks at all of it in the first.
static int heap_ends(const window_file_t *file, haddr_t address, const char *bytes, size_t size) {
  enum { header = 16, least = 4096 };
  if (size < least || memcmp(bytes, "GCOL\1", 5) != 0) return 1;
  uint64_t length = little_endian((const unsigned char *)bytes + 8, 8);
  if (length < least || length > file->window.length - address) return 1;  // libhdf5 refuses it
  unsigned char *heap = malloc(length);
  if (!heap || read_bytes(file, address, length, (char *)heap) != 0) {
    free(heap);
    return 0;
  }
  uint64_t position = header;
  int ends = 1;
  while (ends && position + header <= length) {
    uint64_t index = little_endian(heap + position, 2);
    uint64_t bytes_of_object = little_endian(heap + position + 8, 8);
    if (bytes_of_object > length - position) break;  // libhdf5 refuses it
    uint64_t step = index == 0 ? bytes_of_object : header + (bytes_of_object + 7) / 8 * 8;
    ends = step > 0;
    position += step;
  }
  free(heap);
  return ends;
}

static herr_t window_read(
    H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  (void)type;
  (void)transfer;
  const window_file_t *file = (const window_file_t *)base;
  if (address == HADDR_UNDEF || address > file->window.length) return -1;
  char *target = buffer;
  // What lies behind the end reads as zeros, as libhdf5's own driver has it.
  size_t inside = file->window.length - address;
  if (size > inside) {
    memset(target + inside, 0, size - inside);
    size = inside;
  }
  if (read_bytes(file, address, size, target) != 0) return -1;
  return heap_ends(file, address, target, size) ? 0 : -1;
}

// libhdf5 asks every driver for one.
static herr_t window_write(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
    const void *buffer) {
  (void)file, (void)type, (void)transfer, (void)address, (void)size, (void)buffer;
  return -1;
}

static const H5FD_class_t window_class = {
    .name = "window",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_SEMI,
    .fapl_size = sizeof(window_t),
    .open = window_open,
    .close = window_close,
    .cmp = window_compare,
    .query = window_query,
    .get_eoa = window_get_eoa,
    .set_eoa = window_set_eoa,
    .get_eof = window_get_eof,
    .get_handle = window_get_handle,
    .read = window_read,
    .write = window_write,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

herr_t chdf5_window_set(hid_t access, uint64_t offset, uint64_t length) {
  hid_t driver = H5FDregister(&window_class);
  if (driver < 0) return -1;
  window_t window = {offset, length};
  herr_t result = H5Pset_driver(access, driver, &window);
  // The property list keeps the driver; this was a reference of our own.
  H5FDunregister(driver);
  return result;
}
