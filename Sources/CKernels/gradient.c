#include "CKernels.h"
#include "dispatch.h"

#pragma STDC FP_CONTRACT OFF

// Loops over one array of gradients, which come from memory, to one that stays in the cache.
#define TRANSFORM(...)                                                                             \
  size_t block = 0;                                                                                \
  for (; block + CK_BLOCK <= count; block += CK_BLOCK) {                                           \
    ck_ask_ahead(gradient + block, 0);                                                             \
    CK_INDEPENDENT_ITERATIONS                                                                      \
    for (size_t i = block; i < block + CK_BLOCK; i++) {                                            \
      float g = gradient[i];                                                                       \
      result[i] = __VA_ARGS__;                                                                     \
    }                                                                                              \
  }                                                                                                \
  CK_INDEPENDENT_ITERATIONS                                                                        \
  for (size_t i = block; i < count; i++) {                                                         \
    float g = gradient[i];                                                                         \
    result[i] = __VA_ARGS__;                                                                       \
  }

CK_DISPATCHED(
    void, ck_divide_f32, (size_t count, float divisor, const float *gradient, float *result),
    (count, divisor, gradient, result), TRANSFORM(g / divisor))

// Written so that NaN stays.
CK_DISPATCHED(
    void, ck_limit_f32, (size_t count, float limit, const float *gradient, float *result),
    (count, limit, gradient, result), TRANSFORM(g > limit ? limit : g < -limit ? -limit : g))

CK_DISPATCHED(
    void, ck_ratio_f32,
    (size_t count, float multiplier, float divisor, const float *gradient, float *result),
    (count, multiplier, divisor, gradient, result), TRANSFORM((g * multiplier) / divisor))

CK_DISPATCHED(
    void, ck_multiply_f32, (size_t count, float factor, const float *gradient, float *result),
    (count, factor, gradient, result), TRANSFORM(g * factor))

// Sixteen sums, whatever the instruction set, added up in a fixed order.
CK_DISPATCHED(
    double, ck_sum_of_squares_f32, (size_t count, const float *gradient), (count, gradient),
    double sums[16] = {0};
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
      if (i % CK_BLOCK == 0) ck_ask_ahead(gradient + i, 0);
      for (int k = 0; k < 16; k++) {
        float square = gradient[i + k] * gradient[i + k];
        sums[k] += (double)square;
      }
    }
    for (int k = 0; i < count; i++, k++) {
      float square = gradient[i] * gradient[i];
      sums[k] += (double)square;
    }
    double sum = 0;
    for (int k = 0; k < 16; k++) sum += sums[k];
    return sum;)

CK_DISPATCHED(
    void, ck_accumulate_f32,
    (size_t count, float divisor, const float *gradient, const float *accumulator,
     float *new_accumulator),
    (count, divisor, gradient, accumulator, new_accumulator),
    size_t block = 0;
    for (; block + CK_BLOCK <= count; block += CK_BLOCK) {
      ck_ask_ahead(gradient + block, 0);
      ck_ask_ahead(accumulator + block, accumulator == new_accumulator);
      CK_INDEPENDENT_ITERATIONS
      for (size_t i = block; i < block + CK_BLOCK; i++)
        new_accumulator[i] = (gradient[i] + accumulator[i]) / divisor;
    }
    CK_INDEPENDENT_ITERATIONS
    for (size_t i = block; i < count; i++)
      new_accumulator[i] = (gradient[i] + accumulator[i]) / divisor;)

CK_DISPATCHED(
    void, ck_add_f32, (size_t count, const float *gradient, float *sum), (count, gradient, sum),
    CK_INDEPENDENT_ITERATIONS
    for (size_t i = 0; i < count; i++) sum[i] = sum[i] + gradient[i];)
