#include "CCeilings.h"

#define INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")

// As the kernels do, the loops ask for memory 2 KiB ahead, once for every 64 elements.
#define AHEAD(array, for_writing)                                                                  \
  for (int k = 0; k < 64; k += 16) __builtin_prefetch(array + block + 512 + k, for_writing);

#define BLOCKED(ahead, ...)                                                                        \
  size_t block = 0;                                                                                \
  for (; block + 64 <= count; block += 64) {                                                       \
    ahead;                                                                                         \
    INDEPENDENT_ITERATIONS                                                                         \
    for (size_t i = block; i < block + 64; i++) { __VA_ARGS__ }                                    \
  }                                                                                                \
  for (size_t i = block; i < count; i++) { __VA_ARGS__ }

// Defines `name` as a loop that is compiled for the baseline, for AVX2 and for AVX-512, and chosen at run
// time.
#if defined(__x86_64__)
#define DISPATCHED(name, parameters, arguments, ...)                                               \
  static void name##_baseline parameters { __VA_ARGS__ }                                           \
  __attribute__((target("avx2"))) static void name##_avx2 parameters { __VA_ARGS__ }               \
  __attribute__((target("avx512f"))) static void name##_avx512 parameters { __VA_ARGS__ }          \
  void name parameters {                                                                           \
    if (__builtin_cpu_supports("avx512f"))                                                         \
      name##_avx512 arguments;                                                                     \
    else if (__builtin_cpu_supports("avx2"))                                                       \
      name##_avx2 arguments;                                                                       \
    else                                                                                           \
      name##_baseline arguments;                                                                   \
  }
#else
#define DISPATCHED(name, parameters, arguments, ...)                                               \
  void name parameters { __VA_ARGS__ }
#endif

DISPATCHED(
    ceiling_step, (size_t count, const float *gradient, float *variable, float *accumulator),
    (count, gradient, variable, accumulator),
    BLOCKED(
        AHEAD(gradient, 0) AHEAD(variable, 1) AHEAD(accumulator, 1),
        float a = accumulator[i] + gradient[i];
        accumulator[i] = a;
        variable[i] = variable[i] + a;))

DISPATCHED(
    ceiling_averaged_step,
    (size_t count, const float *gradient, float *variable, float *accumulator, float *average),
    (count, gradient, variable, accumulator, average),
    BLOCKED(
        AHEAD(gradient, 0) AHEAD(variable, 1) AHEAD(accumulator, 1) AHEAD(average, 1),
        float a = accumulator[i] + gradient[i];
        float v = variable[i] + a;
        accumulator[i] = a;
        variable[i] = v;
        average[i] = average[i] + v;))

DISPATCHED(
    plain_increment, (size_t count, float *values), (count, values),
    BLOCKED(AHEAD(values, 1), values[i] = values[i] + 1;))

DISPATCHED(
    ceiling_rows,
    (size_t row_count, size_t width, const long *rows, const float *gradient, float *variable,
     float *accumulator),
    (row_count, width, rows, gradient, variable, accumulator),
    for (size_t r = 0; r < row_count; r++) {
      const float *g = gradient + r * width;
      float *v = variable + (size_t)rows[r] * width;
      float *s = accumulator + (size_t)rows[r] * width;
      INDEPENDENT_ITERATIONS
      for (size_t i = 0; i < width; i++) {
        float a = s[i] + g[i];
        s[i] = a;
        v[i] = v[i] + a;
      }
    })

// Eight sums, so that reading is not held up by the latency of additions.
DISPATCHED(
    plain_sum, (size_t count, const float *values, float *result), (count, values, result),
    float sums[64] = {0};
    BLOCKED(AHEAD(values, 0), sums[i % 64] += values[i];)
    float sum = 0;
    for (int k = 0; k < 64; k++) sum += sums[k];
    *result = sum;)
