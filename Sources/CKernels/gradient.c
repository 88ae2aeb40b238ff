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

// Sixteen sums of four squares at a time, whatever the instruction set, added up in a fixed order. One array
// alone is read as fast as several only when it is asked for further ahead.
CK_DISPATCHED(
    double, ck_sum_of_squares_f32, (size_t count, const float *gradient), (count, gradient),
    enum { LANES = 16, AHEAD = CK_AHEAD };
    double sums[LANES] = {0};
    size_t block = 0;
    for (; block + CK_BLOCK <= count; block += CK_BLOCK) {
      ck_ask_ahead(gradient + block + AHEAD, 0);
      for (int k = 0; k < LANES; k++) {
        const float *g = gradient + block + k;
        float first = g[0] * g[0];
        float second = g[LANES] * g[LANES];
        float third = g[2 * LANES] * g[2 * LANES];
        float fourth = g[3 * LANES] * g[3 * LANES];
        sums[k] += ((double)first + (double)second) + ((double)third + (double)fourth);
      }
    }
    for (size_t i = block; i < count; i++) {
      float square = gradient[i] * gradient[i];
      sums[i % LANES] += (double)square;
    }
    double sum = 0;
    for (int k = 0; k < LANES; k++) sum += sums[k];
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
