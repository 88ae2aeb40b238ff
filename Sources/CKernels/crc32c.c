#include "CKernels.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

// CRC-32C: polynomial 0x1EDC6F41, here bit-reflected (0x82F63B78), all ones before and after
// (RFC 3720, section 12.1 and appendix B.4). `state` below is the register without the final inversion.

static inline uint64_t load64(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

// MARK: - Tables

// A remainder is linear in the bits of its byte, so a table of 256 follows from the remainders of the
// eight single bits. Table k holds those of a byte that k further zero bytes follow.
#define BIT(i, bit, remainder) (((i) >> (bit)) & 1 ? remainder##u : 0)
#define ENTRY(i, a, b, c, d, e, f, g, h)                                                           \
  (BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ BIT(i, 4, e) ^ BIT(i, 5, f) ^       \
   BIT(i, 6, g) ^ BIT(i, 7, h))
#define FOUR(i, ...)                                                                               \
  ENTRY(i, __VA_ARGS__), ENTRY(i + 1, __VA_ARGS__), ENTRY(i + 2, __VA_ARGS__),                     \
      ENTRY(i + 3, __VA_ARGS__)
#define SIXTEEN(i, ...)                                                                            \
  FOUR(i, __VA_ARGS__), FOUR(i + 4, __VA_ARGS__), FOUR(i + 8, __VA_ARGS__), FOUR(i + 12, __VA_ARGS__)
#define SIXTY_FOUR(i, ...)                                                                         \
  SIXTEEN(i, __VA_ARGS__), SIXTEEN(i + 16, __VA_ARGS__), SIXTEEN(i + 32, __VA_ARGS__),             \
      SIXTEEN(i + 48, __VA_ARGS__)
#define TABLE(...)                                                                                 \
  {                                                                                                \
    SIXTY_FOUR(0, __VA_ARGS__), SIXTY_FOUR(64, __VA_ARGS__), SIXTY_FOUR(128, __VA_ARGS__),         \
        SIXTY_FOUR(192, __VA_ARGS__)                                                               \
  }

static const uint32_t tables[8][256] = {
    TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78),
    TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9),
    TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743),
    TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f),
    TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c),
    TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6),
    TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4),
    TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664),
};

uint32_t ck_crc32c_portable(uint32_t crc, const void *bytes, size_t byte_count) {
  const uint8_t *next = bytes;
  uint32_t state = ~crc;
  for (; byte_count >= 8; byte_count -= 8, next += 8) {
    uint8_t word[8];
    memcpy(word, next, 8);
    state ^= word[0] | (uint32_t)word[1] << 8 | (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
    state = tables[7][state & 255] ^ tables[6][state >> 8 & 255] ^ tables[5][state >> 16 & 255] ^
            tables[4][state >> 24] ^ tables[3][word[4]] ^ tables[2][word[5]] ^ tables[1][word[6]] ^
            tables[0][word[7]];
  }
  for (; byte_count > 0; byte_count--, next++) state = state >> 8 ^ tables[0][(state ^ *next) & 255];
  return ~state;
}

// MARK: - x86-64

#if defined(__x86_64__)
#define CK_CRC __attribute__((target("sse4.2,pclmul")))

// The remainder of `state` followed by so many zero bytes n, where `factor` is x^(8n - 33) modulo the
// polynomial: the product of two reflected remainders is x^1 short, and the instruction that reduces it
// multiplies by x^32.
CK_CRC static inline uint64_t behind(uint64_t state, uint32_t factor) {
  __m128i product =
      _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)state), _mm_cvtsi32_si128((int)factor), 0);
  return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

// The instruction takes three cycles, but one can begin in each: three ranges that lie behind one
// another go side by side. `once` and `twice` shift by one and two lanes.
CK_CRC static inline __attribute__((always_inline)) uint64_t three_lanes(
    uint64_t state, const uint8_t *bytes, size_t lane, uint32_t once, uint32_t twice) {
  uint64_t second = 0, third = 0;
  for (size_t i = 0; i < lane; i += 8) {
    state = _mm_crc32_u64(state, load64(bytes + i));
    second = _mm_crc32_u64(second, load64(bytes + lane + i));
    third = _mm_crc32_u64(third, load64(bytes + 2 * lane + i));
  }
  return behind(state, twice) ^ behind(second, once) ^ third;
}

enum { LONG_LANE = 4096, SHORT_LANE = 256 };

CK_CRC static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *next, size_t byte_count) {
  uint64_t state = (uint32_t)~crc;
  for (; byte_count >= 3 * LONG_LANE; byte_count -= 3 * LONG_LANE, next += 3 * LONG_LANE)
    state = three_lanes(state, next, LONG_LANE, 0x82f89c77, 0x54a86326);
  for (; byte_count >= 3 * SHORT_LANE; byte_count -= 3 * SHORT_LANE, next += 3 * SHORT_LANE)
    state = three_lanes(state, next, SHORT_LANE, 0xb9e02b86, 0xdd7e3b0c);
  for (; byte_count >= 8; byte_count -= 8, next += 8) state = _mm_crc32_u64(state, load64(next));
  for (; byte_count > 0; byte_count--, next++) state = _mm_crc32_u8((uint32_t)state, *next);
  return ~(uint32_t)state;
}

uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t byte_count) {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")
             ? crc32c_sse42(crc, bytes, byte_count)
             : ck_crc32c_portable(crc, bytes, byte_count);
}

// MARK: - ARM

#elif defined(__ARM_FEATURE_CRC32)

uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t byte_count) {
  const uint8_t *next = bytes;
  uint32_t state = ~crc;
  for (; byte_count >= 8; byte_count -= 8, next += 8) state = __crc32cd(state, load64(next));
  for (; byte_count > 0; byte_count--, next++) state = __crc32cb(state, *next);
  return ~state;
}

#else

uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t byte_count) {
  return ck_crc32c_portable(crc, bytes, byte_count);
}

#endif
