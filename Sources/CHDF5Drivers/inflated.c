// A file driver of libhdf5 that reads HDF5 content compressed by deflate (RFC 1951) inside a larger file,
// at any place of it, without unpacking it anywhere.
//
// One pass at the start checks the content, and keeps the state of the decompressor at regular distances.
// A read goes on from the nearest state before it, or from where the last one ended.
#include "CHDF5Drivers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
  INPUT_SIZE = 64 << 10,
  BLOCK_SIZE = 1 << 20,
  CACHED_BLOCKS = 12,
  // A state takes about 40 KiB; all of them, with the blocks, less than 48 MiB.
  MAXIMUM_STATES = 768,
};

typedef struct {
  z_stream stream;
  uint64_t consumed;  // compressed bytes that the stream has taken
  uint64_t produced;
  int is_valid;
  int is_at_end;
} inflater_t;

typedef struct {
  unsigned char *bytes;
  uint64_t index;
  uint64_t last_use;
  int is_valid;
} cached_block_t;

struct chdf5_inflated {
  atomic_int references;
  int descriptor;
  uint64_t offset;
  uint64_t length;
  uint64_t size;
  uint64_t distance;  // of two states, in blocks
  inflater_t *states;
  uint64_t state_count;
  inflater_t current;
  unsigned char input[INPUT_SIZE];
  cached_block_t blocks[CACHED_BLOCKS];
  uint64_t clock;
};

static void end(inflater_t *inflater) {
  if (inflater->is_valid) inflateEnd(&inflater->stream);
  inflater->is_valid = 0;
}

void chdf5_inflated_release(chdf5_inflated *content) {
  if (atomic_fetch_sub(&content->references, 1) > 1) return;
  end(&content->current);
  for (uint64_t index = 0; index < content->state_count; index++) end(&content->states[index]);
  for (int index = 0; index < CACHED_BLOCKS; index++) free(content->blocks[index].bytes);
  free(content->states);
  close(content->descriptor);
  free(content);
}

// `target` becomes a decompressor in the state of `source`, which has no input left.
static chdf5_inflated_status copy(inflater_t *target, inflater_t *source) {
  end(target);
  *target = *source;
  target->is_valid = inflateCopy(&target->stream, &source->stream) == Z_OK;
  return target->is_valid ? CHDF5_INFLATED_OK : CHDF5_INFLATED_NO_MEMORY;
}

// Produces exactly `size` further bytes. No input is kept between two calls: what the stream has not
// taken is read again.
static chdf5_inflated_status produce(
    chdf5_inflated *content, unsigned char *target, size_t size) {
  inflater_t *inflater = &content->current;
  z_stream *stream = &inflater->stream;
  stream->next_out = target;
  stream->avail_out = (uInt)size;
  while (stream->avail_out > 0) {
    uint64_t rest = content->length - inflater->consumed;
    size_t wanted = rest < INPUT_SIZE ? rest : INPUT_SIZE;
    if (wanted == 0) return CHDF5_INFLATED_WRONG_SIZE;
    ssize_t count = pread(
        content->descriptor, content->input, wanted,
        (off_t)(content->offset + inflater->consumed));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return CHDF5_INFLATED_UNREADABLE;
    if (count == 0) return CHDF5_INFLATED_WRONG_SIZE;
    stream->next_in = content->input;
    stream->avail_in = (uInt)count;
    int result = inflate(stream, Z_NO_FLUSH);
    inflater->consumed += (uint64_t)count - stream->avail_in;
    stream->avail_in = 0;
    if (result == Z_STREAM_END) {
      inflater->is_at_end = 1;
      if (stream->avail_out > 0) return CHDF5_INFLATED_WRONG_SIZE;
    }
    if (result == Z_MEM_ERROR) return CHDF5_INFLATED_NO_MEMORY;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return CHDF5_INFLATED_DAMAGED;
    }
  }
  inflater->produced += size;
  return CHDF5_INFLATED_OK;
}

// That the stream ends where the content does, and its input with it.
static chdf5_inflated_status finish(chdf5_inflated *content) {
  unsigned char surplus;
  if (!content->current.is_at_end) {
    chdf5_inflated_status status = produce(content, &surplus, 1);
    if (!content->current.is_at_end) {
      return status == CHDF5_INFLATED_OK ? CHDF5_INFLATED_WRONG_SIZE : status;
    }
    if (status == CHDF5_INFLATED_OK) return CHDF5_INFLATED_WRONG_SIZE;
  }
  return content->current.consumed == content->length ? CHDF5_INFLATED_OK
                                                      : CHDF5_INFLATED_WRONG_SIZE;
}

static size_t size_of_block(const chdf5_inflated *content, uint64_t index) {
  uint64_t rest = content->size - index * BLOCK_SIZE;
  return rest < BLOCK_SIZE ? rest : BLOCK_SIZE;
}

static cached_block_t *oldest_block(chdf5_inflated *content) {
  cached_block_t *oldest = &content->blocks[0];
  for (int index = 1; index < CACHED_BLOCKS; index++) {
    cached_block_t *block = &content->blocks[index];
    if (block->last_use < oldest->last_use) oldest = block;
  }
  if (!oldest->bytes) oldest->bytes = malloc(BLOCK_SIZE);
  oldest->is_valid = 0;
  return oldest->bytes ? oldest : NULL;
}

// Produces the block at which the current stream stands.
static chdf5_inflated_status produce_block(chdf5_inflated *content, cached_block_t **result) {
  cached_block_t *block = oldest_block(content);
  if (!block) return CHDF5_INFLATED_NO_MEMORY;
  uint64_t index = content->current.produced / BLOCK_SIZE;
  chdf5_inflated_status status = produce(content, block->bytes, size_of_block(content, index));
  if (status != CHDF5_INFLATED_OK) {
    end(&content->current);
    return status;
  }
  block->index = index;
  block->is_valid = 1;
  block->last_use = ++content->clock;
  *result = block;
  return CHDF5_INFLATED_OK;
}

// Goes through the whole content, keeps states, and compares size and checksum.
static chdf5_inflated_status check(chdf5_inflated *content, uint32_t checksum) {
  uint64_t block_count = (content->size + BLOCK_SIZE - 1) / BLOCK_SIZE;
  content->distance = (block_count + MAXIMUM_STATES - 1) / MAXIMUM_STATES;
  if (content->distance == 0) content->distance = 1;
  content->states = calloc(block_count / content->distance + 1, sizeof *content->states);
  if (!content->states) return CHDF5_INFLATED_NO_MEMORY;
  content->current.is_valid = inflateInit2(&content->current.stream, -MAX_WBITS) == Z_OK;
  if (!content->current.is_valid) return CHDF5_INFLATED_NO_MEMORY;
  uLong sum = crc32(0, NULL, 0);
  for (uint64_t index = 0; index < block_count; index++) {
    if (index % content->distance == 0) {
      chdf5_inflated_status status =
          copy(&content->states[content->state_count++], &content->current);
      if (status != CHDF5_INFLATED_OK) return status;
    }
    cached_block_t *block = NULL;
    chdf5_inflated_status status = produce_block(content, &block);
    if (status != CHDF5_INFLATED_OK) return status;
    sum = crc32(sum, block->bytes, (uInt)size_of_block(content, index));
  }
  chdf5_inflated_status status = finish(content);
  end(&content->current);
  if (status != CHDF5_INFLATED_OK) return status;
  return sum == checksum ? CHDF5_INFLATED_OK : CHDF5_INFLATED_WRONG_CHECKSUM;
}

chdf5_inflated_status chdf5_inflated_open(
    const char *path, uint64_t offset, uint64_t length, uint64_t size, uint32_t checksum,
    chdf5_inflated **result) {
  // What deflate can make of so few bytes.
  if (size / 1032 > length) return CHDF5_INFLATED_WRONG_SIZE;
  chdf5_inflated *content = calloc(1, sizeof *content);
  if (!content) return CHDF5_INFLATED_NO_MEMORY;
  content->references = 1;
  content->offset = offset;
  content->length = length;
  content->size = size;
  content->descriptor = open(path, O_RDONLY | O_CLOEXEC);
  chdf5_inflated_status status = CHDF5_INFLATED_UNREADABLE;
  if (content->descriptor >= 0) status = check(content, checksum);
  if (status == CHDF5_INFLATED_OK) *result = content;
  else chdf5_inflated_release(content);
  return status;
}

// The bytes of a block, from the cache or made.
static const unsigned char *block_bytes(chdf5_inflated *content, uint64_t index) {
  for (int slot = 0; slot < CACHED_BLOCKS; slot++) {
    cached_block_t *block = &content->blocks[slot];
    if (!block->is_valid || block->index != index) continue;
    block->last_use = ++content->clock;
    return block->bytes;
  }
  uint64_t start = index * BLOCK_SIZE;
  inflater_t *state = &content->states[index / content->distance];
  int goes_on = content->current.is_valid && content->current.produced <= start &&
                content->current.produced >= state->produced;
  if (!goes_on && copy(&content->current, state) != CHDF5_INFLATED_OK) return NULL;
  cached_block_t *block = NULL;
  while (content->current.produced <= start) {
    if (produce_block(content, &block) != CHDF5_INFLATED_OK) return NULL;
  }
  return block->bytes;
}

// The driver.

typedef struct {
  H5FD_t base;  // must be first: libhdf5 sees this struct as its own
  chdf5_inflated *content;
  haddr_t end_of_allocation;
} inflated_file_t;

static H5FD_t *inflated_open(const char *name, unsigned flags, hid_t access, haddr_t maximum) {
  (void)name, (void)maximum;
  chdf5_inflated *const *content = H5Pget_driver_info(access);
  if (!content || (flags & (H5F_ACC_RDWR | H5F_ACC_CREAT | H5F_ACC_TRUNC))) return NULL;
  inflated_file_t *file = calloc(1, sizeof *file);
  if (!file) return NULL;
  file->content = *content;
  atomic_fetch_add(&file->content->references, 1);
  return &file->base;
}

static herr_t inflated_close(H5FD_t *base) {
  chdf5_inflated_release(((inflated_file_t *)base)->content);
  free(base);
  return 0;
}

// Every content is a file of its own.
static int inflated_compare(const H5FD_t *first, const H5FD_t *second) {
  uintptr_t a = (uintptr_t)((const inflated_file_t *)first)->content;
  uintptr_t b = (uintptr_t)((const inflated_file_t *)second)->content;
  return a < b ? -1 : a > b;
}

static herr_t inflated_query(const H5FD_t *file, unsigned long *flags) {
  (void)file;
  if (flags) *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA_READ;
  return 0;
}

static haddr_t inflated_get_eoa(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return ((const inflated_file_t *)base)->end_of_allocation;
}

static herr_t inflated_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((inflated_file_t *)base)->end_of_allocation = address;
  return 0;
}

static haddr_t inflated_get_eof(const H5FD_t *base, H5FD_mem_t type) {
  (void)type;
  return ((const inflated_file_t *)base)->content->size;
}

static herr_t inflated_read(
    H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  (void)type, (void)transfer;
  chdf5_inflated *content = ((inflated_file_t *)base)->content;
  if (address == HADDR_UNDEF || address > content->size) return -1;
  char *target = buffer;
  // What lies behind the end reads as zeros, as libhdf5's own driver has it.
  size_t inside = content->size - address;
  if (size > inside) {
    memset(target + inside, 0, size - inside);
    size = inside;
  }
  while (size > 0) {
    const unsigned char *bytes = block_bytes(content, address / BLOCK_SIZE);
    if (!bytes) return -1;
    size_t start = address % BLOCK_SIZE;
    size_t part = BLOCK_SIZE - start < size ? BLOCK_SIZE - start : size;
    memcpy(target, bytes + start, part);
    target += part, address += part, size -= part;
  }
  return 0;
}

// libhdf5 asks every driver for one.
static herr_t inflated_write(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
    const void *buffer) {
  (void)file, (void)type, (void)transfer, (void)address, (void)size, (void)buffer;
  return -1;
}

static const H5FD_class_t inflated_class = {
    .name = "inflated",
    .maxaddr = (haddr_t)INT64_MAX,
    .fc_degree = H5F_CLOSE_SEMI,
    .fapl_size = sizeof(chdf5_inflated *),
    .open = inflated_open,
    .close = inflated_close,
    .cmp = inflated_compare,
    .query = inflated_query,
    .get_eoa = inflated_get_eoa,
    .set_eoa = inflated_set_eoa,
    .get_eof = inflated_get_eof,
    .read = inflated_read,
    .write = inflated_write,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

herr_t chdf5_inflated_set(hid_t access, chdf5_inflated *content) {
  hid_t driver = H5FDregister(&inflated_class);
  if (driver < 0) return -1;
  herr_t result = H5Pset_driver(access, driver, &content);
  // The property list keeps the driver; this was a reference of our own.
  H5FDunregister(driver);
  return result;
}
