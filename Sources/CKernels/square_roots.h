#ifndef CK_SQUARE_ROOTS_H
#define CK_SQUARE_ROOTS_H

#include "dispatch.h"

// The divider of a processor takes as long for a square root as for a division, one at a time: loops that
// need both are bound by it, not by memory. With AVX-512 the roots can be had from its multipliers instead,
// in the time that the divider needs for the divisions, and with the same bits.

// Takes the square roots of CK_BLOCK floats in place, correctly rounded.
typedef void ck_block_roots(float *block);

static inline __attribute__((always_inline)) void ck_roots_by_instruction(
    size_t count, float *values) {
  CK_INDEPENDENT_ITERATIONS
  for (size_t i = 0; i < count; i++) values[i] = __builtin_elementwise_sqrt(values[i]);
}

static inline void ck_block_roots_by_instruction(float *block) {
  ck_roots_by_instruction(CK_BLOCK, block);
}

#if defined(__x86_64__)
#include <immintrin.h>

#define CK_AVX512 __attribute__((target("avx512f")))
#define CK_HAS_AVX512 __builtin_cpu_supports("avx512f")

// Newton's iteration for g = sqrt(a) and h = 1 / (2 g) at once, from an estimate that is off by less than
// 2^-14 of its value, and one step from g by the remainder a - g g, which rounds correctly (Markstein,
// "Computation of elementary functions on the IBM RISC System/6000 processor", IBM Journal of Research
// and Development 34, 1990). `tools/prove_square_roots.py` proves it for every a whose remainder is
// no subnormal number, and every such estimate: processors differ in theirs.
CK_AVX512 static inline __attribute__((always_inline)) __m512 ck_root_by_newton(__m512 a) {
  const __m512 half = _mm512_set1_ps(0.5f);
  __m512 estimate = _mm512_rsqrt14_ps(a);
  __m512 g = _mm512_mul_ps(a, estimate), h = _mm512_mul_ps(estimate, half);
  __m512 r = _mm512_fnmadd_ps(g, h, half);
  g = _mm512_fmadd_ps(g, r, g);
  h = _mm512_fmadd_ps(h, r, h);
  __m512 d = _mm512_fnmadd_ps(g, g, a);
  return _mm512_fmadd_ps(h, d, g);
}

// From 2^-70 on, remainders are normal. What is less, negative, infinite or not a number gives a root that
// is less than 2^-35 or not a number; the instruction takes the roots of a block that has any.
CK_AVX512 static inline void ck_block_roots_by_newton(float *block) {
  enum { WIDTH = 16, COUNT = CK_BLOCK / WIDTH };
  const __m512 least = _mm512_set1_ps(0x1p-35f);
  __m512 roots[COUNT];
  __mmask16 are_right = 0xffff;
#pragma clang loop unroll(full)
  for (int k = 0; k < COUNT; k++) {
    roots[k] = ck_root_by_newton(_mm512_loadu_ps(block + k * WIDTH));
    are_right = _mm512_mask_cmp_ps_mask(are_right, roots[k], least, _CMP_GE_OQ);
  }
  if (__builtin_expect(are_right != 0xffff, 0)) {
    ck_roots_by_instruction(CK_BLOCK, block);
    return;
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < COUNT; k++) _mm512_storeu_ps(block + k * WIDTH, roots[k]);
}
#endif

// The roots of at most a block. A part of one is not worth more than the instruction.
static inline __attribute__((always_inline)) void ck_take_roots(
    ck_block_roots *roots, size_t count, float *values) {
  if (count == CK_BLOCK)
    roots(values);
  else
    ck_roots_by_instruction(count, values);
}

// As CK_DISPATCHED, for AVX-512 too. In the body `roots` takes those of a block.
#ifdef CK_AVX512
#define CK_DISPATCHED_WITH_ROOTS(type, name, parameters, arguments, ...)                           \
  static type name##_baseline parameters {                                                         \
    ck_block_roots *const roots = ck_block_roots_by_instruction;                                   \
    __VA_ARGS__                                                                                    \
  }                                                                                                \
  CK_AVX2 static type name##_avx2 parameters {                                                     \
    ck_block_roots *const roots = ck_block_roots_by_instruction;                                   \
    __VA_ARGS__                                                                                    \
  }                                                                                                \
  CK_AVX512 static type name##_avx512 parameters {                                                 \
    ck_block_roots *const roots = ck_block_roots_by_newton;                                        \
    __VA_ARGS__                                                                                    \
  }                                                                                                \
  type name parameters {                                                                           \
    if (CK_HAS_AVX512) return name##_avx512 arguments;                                             \
    return CK_HAS_AVX2 ? name##_avx2 arguments : name##_baseline arguments;                        \
  }
#else
#define CK_DISPATCHED_WITH_ROOTS(type, name, parameters, arguments, ...)                           \
  type name parameters {                                                                           \
    ck_block_roots *const roots = ck_block_roots_by_instruction;                                   \
    __VA_ARGS__                                                                                    \
  }
#endif

#endif
