#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// The hot loops of float32 training, in C because Swift cannot choose instructions at run time.
//
// Every operation is rounded on its own: no contraction to fused multiply-add, no reordering, so that
// the baseline, AVX2 and AVX-512 builds of a loop give the same bits. A pair `x`, `new_x` is one array, updated
// in place, or two arrays that do not overlap; nothing else overlaps. Adagrad and the averages write a
// second array past the cache, so that it costs no more than updating in place.

/// One step of Adagrad over `count` elements:
///   new_accumulator = accumulator + gradient * gradient
///   new_variable = variable - (rate * gradient) / sqrt(new_accumulator + epsilon)
void ck_adagrad_f32(
    size_t count, float rate, float epsilon, const float *gradient, const float *variable,
    float *new_variable, const float *accumulator, float *new_accumulator);

/// What surrounds Adagrad in a step that does more.
struct ck_adagrad_stages {
  float rate, epsilon;
  /// The greatest magnitude of a gradient; infinite for none.
  float limit;
  /// What gradients are multiplied by, 1 for nothing, and then divided by if `divides` is not 0.
  float multiplier, divisor;
  int divides;
  /// Weight decay, if `decays` is not 0.
  float decay;
  int decays;
  /// The weights of a moving average, and whether it overwrites the variable.
  float keep, take;
  int overwrites;
};

/// One step of Adagrad between its stages, in one pass over memory: clipping, `ck_decay_f32`,
/// `ck_adagrad_f32` and, unless `average` is null, `ck_average_f32`, with the bits of all of these.
void ck_adagrad_stages_f32(
    size_t count, const struct ck_adagrad_stages *stages, const float *gradient,
    const float *variable, float *new_variable, const float *accumulator, float *new_accumulator,
    const float *average, float *new_average);

/// Some rows of a table, and the gradients that name them. The gradients of group `g` are the rows
/// `positions[starts[g]]` up to `positions[starts[g + 1] - 1]` of `gradients`, in order of appearance; the
/// row that they name is `rows[g]`. No two groups name the same row.
struct ck_row_groups {
  size_t count;
  /// Elements of a row.
  size_t width;
  const long *rows, *starts, *positions;
  const float *gradients;
};

/// One step of Adagrad over rows of a table, in place: for each group, with `sum` its gradients added up
/// from zero, one step of `ck_adagrad_f32`. `sum` has room for a row.
void ck_adagrad_summed_rows_f32(
    const struct ck_row_groups *groups, float rate, float epsilon, float *variable,
    float *accumulator, float *sum);

/// As `ck_adagrad_summed_rows_f32`, without a sum: for each group the squares of all its gradients are
/// added to the accumulator, then each of them moves the variable by that accumulator's root.
void ck_adagrad_separate_rows_f32(
    const struct ck_row_groups *groups, float rate, float epsilon, float *variable,
    float *accumulator);

/// A moving average over `count` elements: new_average = keep * average + take * variable
void ck_average_f32(
    size_t count, float keep, float take, const float *variable, const float *average,
    float *new_average);

/// One step of weight decay: new_variable = variable - (variable * decay) * rate
void ck_decay_f32(
    size_t count, float decay, float rate, const float *variable, float *new_variable);

/// result = gradient / divisor. Here and below `result` may be `gradient`.
void ck_divide_f32(size_t count, float divisor, const float *gradient, float *result);

/// result = max(min(gradient, limit), -limit); NaN stays.
void ck_limit_f32(size_t count, float limit, const float *gradient, float *result);

/// result = (gradient * multiplier) / divisor
void ck_ratio_f32(
    size_t count, float multiplier, float divisor, const float *gradient, float *result);

/// result = gradient * factor
void ck_multiply_f32(size_t count, float factor, const float *gradient, float *result);

/// The sum of the squares, each rounded to float and then added in double.
double ck_sum_of_squares_f32(size_t count, const float *gradient);

/// sum = sum + gradient
void ck_add_f32(size_t count, const float *gradient, float *sum);

/// new_accumulator = (gradient + accumulator) / divisor
void ck_accumulate_f32(
    size_t count, float divisor, const float *gradient, const float *accumulator,
    float *new_accumulator);

/// CRC-32C (Castagnoli) of `crc`'s bytes followed by these; `crc` is 0 for none. Reads at the speed of
/// memory where the processor has an instruction for it.
uint32_t ck_crc32c(uint32_t crc, const void *bytes, size_t byte_count);

/// The same without that instruction.
uint32_t ck_crc32c_portable(uint32_t crc, const void *bytes, size_t byte_count);

/// The square roots, correctly rounded, in place: as the steps above take them, with AVX-512 without the
/// divider (square_roots.h).
void ck_square_roots_f32(size_t count, float *values);

/// The same by the instruction alone.
void ck_square_roots_by_instruction_f32(size_t count, float *values);

/// The square root, correctly rounded, as one instruction. Swift's `squareRoot()` calls libm on Linux,
/// which keeps the loop around it from being vectorized.
static inline __attribute__((always_inline)) float ck_sqrt_f32(float x) {
  return __builtin_elementwise_sqrt(x);
}

/// As `ck_sqrt_f32`, of a double.
static inline __attribute__((always_inline)) double ck_sqrt_f64(double x) {
  return __builtin_elementwise_sqrt(x);
}

/// Asks for `byte_count` bytes to be brought into the cache, for writing soon.
static inline __attribute__((always_inline)) void ck_prefetch(
    const void *address, size_t byte_count) {
  for (size_t offset = 0; offset < byte_count; offset += 64)
    __builtin_prefetch((const char *)address + offset, 1);
}

/// What the elements of a run are like. All but the first counts are over the finite elements; with none
/// of these `sum` and `squares` are 0, `minimum` is infinite and `maximum` minus infinity.
struct ck_summary {
  double sum;
  /// Of the squared distances from the run's own mean.
  double squares;
  double minimum, maximum;
  size_t zero_count, nan_count, infinity_count;
};

/// Sums are taken in double in a fixed order, whatever the instruction set. Accurate and fast for runs that
/// stay in the cache, such as 4096 elements: they are read twice.
void ck_summarize_f32(size_t count, const float *elements, struct ck_summary *summary);
void ck_summarize_f64(size_t count, const double *elements, struct ck_summary *summary);

// An element's key is its bits as an unsigned integer, all of them flipped where the element is negative and
// the first one where it is not, so that keys are ordered like elements. The upper part of a key is its
// sign, its exponent and 7 bits of its fraction: 16 bits of float, 19 of double.
enum { CK_UPPER_COUNT_F32 = 1 << 16, CK_UPPER_COUNT_F64 = 1 << 19, CK_LOWER_COUNT = 1 << 16 };

/// Adds one to a count of `upper part of the key` for each element: in one of four tables that follow each
/// other, whose sum counts, or for doubles in the only one.
void ck_count_upper_f32(size_t count, const float *elements, uint32_t *counts);
void ck_count_upper_f64(size_t count, const double *elements, uint32_t *counts);

/// Adds one to `counts[(slot - 1) * CK_LOWER_COUNT + the next 16 bits of the key]` for each element whose
/// `slot`, which stands in `slots[upper part of the key]`, is not 0.
void ck_count_lower_f32(
    size_t count, const float *elements, const uint8_t *slots, uint32_t *counts);
void ck_count_lower_f64(
    size_t count, const double *elements, const uint8_t *slots, uint32_t *counts);

/// How two runs differ, in eight lanes: lane `k` has every eighth element from the `k`th on. In double.
enum { CK_COMPARED = 8 };
struct ck_comparison {
  /// Of the distances, of their squares, and of the squares of the first run: not finite where an element of
  /// either run is not, or a distance overflows.
  double sum[CK_COMPARED], squares[CK_COMPARED], first_squares[CK_COMPARED];
  /// The largest distance.
  double greatest[CK_COMPARED];
  /// How many are further apart than `absolute + relative * |b|`.
  int64_t changed[CK_COMPARED];
  /// How many are equal, but of other bits: zeros of other signs.
  int64_t other_zeros[CK_COMPARED];
};

/// Compares two runs of finite numbers; `count` is a multiple of eight. The bits of every figure are the same
/// for all instruction sets.
void ck_compare_f32(
    size_t count, const float *a, const float *b, double absolute, double relative,
    struct ck_comparison *found);
void ck_compare_f64(
    size_t count, const double *a, const double *b, double absolute, double relative,
    struct ck_comparison *found);

#endif
