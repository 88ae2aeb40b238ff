#include "CKernels.h"
#include "dispatch.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

enum { CK_LANES = 16 };

// The first pass over a run: sixteen of everything, whatever the instruction set, put together in a fixed
// order. One loop for each two or three of them: together they need more registers than there are. What is
// not finite shows in the count and sends the run to the slow loop below.
#define PASS(type, integer, exponent_bits)                                                         \
  double sums[CK_LANES] = {0};                                                                     \
  type minima[CK_LANES], maxima[CK_LANES];                                                         \
  integer zeros[CK_LANES] = {0}, strange[CK_LANES] = {0};                                          \
  for (int k = 0; k < CK_LANES; k++) {                                                             \
    minima[k] = INFINITY;                                                                          \
    maxima[k] = -INFINITY;                                                                         \
  }                                                                                                \
  size_t whole = count / CK_LANES * CK_LANES;                                                      \
  for (size_t i = 0; i < whole; i += CK_LANES)                                                     \
    for (int k = 0; k < CK_LANES; k++) sums[k] += (double)elements[i + k];                         \
  for (size_t i = 0; i < whole; i += CK_LANES) {                                                   \
    for (int k = 0; k < CK_LANES; k++) {                                                           \
      type x = elements[i + k];                                                                    \
      minima[k] = x < minima[k] ? x : minima[k];                                                   \
      maxima[k] = x > maxima[k] ? x : maxima[k];                                                   \
    }                                                                                              \
  }                                                                                                \
  for (size_t i = 0; i < whole; i += CK_LANES) {                                                   \
    for (int k = 0; k < CK_LANES; k++) {                                                           \
      integer bits;                                                                                \
      memcpy(&bits, &elements[i + k], sizeof bits);                                                \
      zeros[k] += elements[i + k] == 0;                                                            \
      strange[k] += (bits & exponent_bits) == exponent_bits;                                       \
    }                                                                                              \
  }                                                                                                \
  integer strange_count = 0;                                                                       \
  for (int k = 0; k < CK_LANES; k++) strange_count += strange[k];                                  \
  for (size_t i = whole; i < count; i++) {                                                         \
    integer bits;                                                                                  \
    memcpy(&bits, &elements[i], sizeof bits);                                                      \
    strange_count += (bits & exponent_bits) == exponent_bits;                                      \
  }                                                                                                \
  if (strange_count == 0) {                                                                        \
    for (int k = 0; k < CK_LANES; k++) {                                                           \
      summary->sum += sums[k];                                                                     \
      summary->minimum = minima[k] < summary->minimum ? minima[k] : summary->minimum;              \
      summary->maximum = maxima[k] > summary->maximum ? maxima[k] : summary->maximum;              \
      summary->zero_count += zeros[k];                                                             \
    }                                                                                              \
    for (size_t i = whole; i < count; i++) ck_add(summary, (double)elements[i]);                   \
  } else {                                                                                         \
    for (size_t i = 0; i < count; i++) ck_add(summary, (double)elements[i]);                       \
  }

// The second pass, around the mean that the first one found.
#define SQUARES(type)                                                                              \
  size_t finite = count - summary->nan_count - summary->infinity_count;                            \
  double mean = finite ? summary->sum / (double)finite : 0;                                        \
  if (finite == count) {                                                                           \
    double squares[CK_LANES] = {0};                                                                \
    for (size_t i = 0; i < whole; i += CK_LANES) {                                                 \
      for (int k = 0; k < CK_LANES; k++) {                                                         \
        double distance = (double)elements[i + k] - mean;                                          \
        squares[k] += distance * distance;                                                         \
      }                                                                                            \
    }                                                                                              \
    for (int k = 0; k < CK_LANES; k++) summary->squares += squares[k];                             \
  } else {                                                                                         \
    whole = 0;                                                                                     \
  }                                                                                                \
  for (size_t i = whole; i < count; i++) {                                                         \
    double distance = (double)elements[i] - mean;                                                  \
    if (isfinite(elements[i])) summary->squares += distance * distance;                            \
  }

static inline __attribute__((always_inline)) void ck_add(struct ck_summary *summary, double x) {
  if (isnan(x)) {
    summary->nan_count++;
  } else if (isinf(x)) {
    summary->infinity_count++;
  } else {
    summary->sum += x;
    summary->minimum = x < summary->minimum ? x : summary->minimum;
    summary->maximum = x > summary->maximum ? x : summary->maximum;
    summary->zero_count += x == 0;
  }
}

static const struct ck_summary ck_nothing = {.minimum = INFINITY, .maximum = -INFINITY};

CK_DISPATCHED(
    void, ck_summarize_f32, (size_t count, const float *elements, struct ck_summary *summary),
    (count, elements, summary), *summary = ck_nothing; PASS(float, uint32_t, 0x7f800000u)
        SQUARES(float))

CK_DISPATCHED(
    void, ck_summarize_f64, (size_t count, const double *elements, struct ck_summary *summary),
    (count, elements, summary), *summary = ck_nothing; PASS(double, uint64_t, 0x7ff0000000000000u)
        SQUARES(double))

static inline __attribute__((always_inline)) uint32_t ck_key_f32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits ^ ((uint32_t)((int32_t)bits >> 31) | 0x80000000u);
}

static inline __attribute__((always_inline)) uint64_t ck_key_f64(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits ^ ((uint64_t)((int64_t)bits >> 63) | 0x8000000000000000u);
}

// Four tables in turn, since an addition to a count waits for the one before to the same count.
void ck_count_upper_f32(size_t count, const float *elements, uint32_t *counts) {
  uint32_t *tables[4] = {
      counts, counts + CK_UPPER_COUNT_F32, counts + 2 * CK_UPPER_COUNT_F32,
      counts + 3 * CK_UPPER_COUNT_F32};
  size_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (int k = 0; k < 4; k++) tables[k][ck_key_f32(elements[i + k]) >> 16]++;
  for (; i < count; i++) counts[ck_key_f32(elements[i]) >> 16]++;
}

void ck_count_upper_f64(size_t count, const double *elements, uint32_t *counts) {
  for (size_t i = 0; i < count; i++) counts[ck_key_f64(elements[i]) >> 45]++;
}

void ck_count_lower_f32(
    size_t count, const float *elements, const uint8_t *slots, uint32_t *counts) {
  for (size_t i = 0; i < count; i++) {
    uint32_t key = ck_key_f32(elements[i]);
    uint32_t slot = slots[key >> 16];
    if (slot) counts[(slot - 1) << 16 | (key & 0xffff)]++;
  }
}

void ck_count_lower_f64(
    size_t count, const double *elements, const uint8_t *slots, uint32_t *counts) {
  for (size_t i = 0; i < count; i++) {
    uint64_t key = ck_key_f64(elements[i]);
    uint32_t slot = slots[key >> 45];
    if (slot) counts[(slot - 1) << 16 | (key >> 29 & 0xffff)]++;
  }
}
