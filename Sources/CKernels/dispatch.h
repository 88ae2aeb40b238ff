#ifndef CK_DISPATCH_H
#define CK_DISPATCH_H

#include <stddef.h>
#include <stdint.h>

// One loop, compiled for several instruction sets and chosen at run time. The choice is a branch on
// a flag rather than an ifunc (`target_clones`), which crashes under ThreadSanitizer. AVX-512 is only
// where it does more than move as much memory: see square_roots.h.

#if defined(__x86_64__)
#define CK_AVX2 __attribute__((target("avx2")))
#define CK_HAS_AVX2 __builtin_cpu_supports("avx2")
#endif

// Defines `name` as a function whose body is compiled for each instruction set.
#ifdef CK_AVX2
#define CK_DISPATCHED(type, name, parameters, arguments, ...)                                      \
  static type name##_baseline parameters { __VA_ARGS__ }                                           \
  CK_AVX2 static type name##_avx2 parameters { __VA_ARGS__ }                                       \
  type name parameters {                                                                           \
    return CK_HAS_AVX2 ? name##_avx2 arguments : name##_baseline arguments;                        \
  }
#else
#define CK_DISPATCHED(type, name, parameters, arguments, ...)                                      \
  type name parameters { __VA_ARGS__ }
#endif

// The loops index all their arrays alike, so that an iteration touches nothing that another one does,
// in place or not: the compiler need not test for overlap.
#define CK_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")

// The long latencies of square roots and divisions leave too few loads in flight to keep the memory
// busy; asking 2 KiB ahead does. Beyond the end of an array it does nothing.
enum { CK_BLOCK = 64, CK_AHEAD = 512, CK_LINE = 16 };  // in floats

static inline __attribute__((always_inline)) void ck_ask_ahead(const float *block, int for_writing) {
  for (int offset = CK_AHEAD; offset < CK_AHEAD + CK_BLOCK; offset += CK_LINE) {
    if (for_writing)
      __builtin_prefetch(block + offset, 1);
    else
      __builtin_prefetch(block + offset, 0);
  }
}

// New values that go to other memory than the old ones came from are written past the cache: an ordinary
// store would first read what it is about to overwrite. They are computed into a block in the cache, which
// is then streamed as it is.
typedef float ck_vector __attribute__((vector_size(32), may_alias));

static inline __attribute__((always_inline)) void ck_stream(float *target, const float *block) {
  for (int i = 0; i < CK_BLOCK; i += 8)
    __builtin_nontemporal_store(*(const ck_vector *)(block + i), (ck_vector *)(target + i));
}

// How many of `count` floats stand before the first that begins a cache line.
static inline __attribute__((always_inline)) size_t ck_before_line(
    const float *target, size_t count) {
  size_t before = (-(uintptr_t)target / sizeof(float)) % CK_LINE;
  return before < count ? before : count;
}

static inline __attribute__((always_inline)) int ck_begins_line(const float *target) {
  return (uintptr_t)target % (CK_LINE * sizeof(float)) == 0;
}

// What was streamed is seen by other threads before anything that is written from now on.
static inline __attribute__((always_inline)) void ck_end_streams(void) {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#else
  __atomic_thread_fence(__ATOMIC_RELEASE);
#endif
}

#endif
