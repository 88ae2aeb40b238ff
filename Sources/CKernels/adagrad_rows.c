#include "CKernels.h"
#include "adagrad.h"

#pragma STDC FP_CONTRACT OFF

// Rows lie far apart, each of its lines a wait for memory. The lines of the next rows are asked for in
// time, as much of them as is under way at once without driving each other out of the second-level cache.
enum { ROW_FLOATS_AHEAD = 2048, MOST_ROWS_AHEAD = 64 };

static inline __attribute__((always_inline)) size_t rows_ahead(size_t width) {
  size_t rows = ROW_FLOATS_AHEAD / (width ? width : 1);
  return rows < 1 ? 1 : rows > MOST_ROWS_AHEAD ? MOST_ROWS_AHEAD : rows;
}

static inline __attribute__((always_inline)) void ask_for_row(const float *row, size_t width) {
  for (size_t i = 0; i < width; i += CK_LINE) __builtin_prefetch(row + i, 0, 2);
}

// Calls `...` for each group, with the group's row `v` of the variable and `a` of the accumulator.
#define EACH_GROUP(...)                                                                            \
  const size_t width = groups->width, ahead = rows_ahead(width);                                   \
  for (size_t group = 0; group < groups->count; group++) {                                         \
    if (group + ahead < groups->count) {                                                           \
      size_t next = (size_t)groups->rows[group + ahead] * width;                                   \
      ask_for_row(variable + next, width);                                                         \
      ask_for_row(accumulator + next, width);                                                      \
    }                                                                                              \
    const long start = groups->starts[group], end = groups->starts[group + 1];                     \
    float *v = variable + (size_t)groups->rows[group] * width;                                     \
    float *a = accumulator + (size_t)groups->rows[group] * width;                                  \
    __VA_ARGS__                                                                                    \
  }

#define GRADIENT(number) (groups->gradients + (size_t)groups->positions[number] * width)

// One step of the group's row by `gradient`.
#define UPDATE(gradient)                                                                           \
  for (size_t start_of_block = 0; start_of_block < width; start_of_block += CK_BLOCK) {            \
    size_t rest = width - start_of_block;                                                          \
    ck_adagrad_block(                                                                              \
        roots, rest < CK_BLOCK ? rest : CK_BLOCK, rate, epsilon, (gradient) + start_of_block,      \
        v + start_of_block, v + start_of_block, a + start_of_block, a + start_of_block);           \
  }

CK_DISPATCHED_WITH_ROOTS(
    void, ck_adagrad_summed_rows_f32,
    (const struct ck_row_groups *groups, float rate, float epsilon, float *variable,
     float *accumulator, float *sum),
    (groups, rate, epsilon, variable, accumulator, sum),
    EACH_GROUP(
        const float *first = GRADIENT(start);
        CK_INDEPENDENT_ITERATIONS
        for (size_t i = 0; i < width; i++) {
          sum[i] = 0.0f + first[i];  // Not the same as first[i]: minus zero becomes zero.
        }
        for (long number = start + 1; number < end; number++) {
          const float *next = GRADIENT(number);
          CK_INDEPENDENT_ITERATIONS
          for (size_t i = 0; i < width; i++) sum[i] = sum[i] + next[i];
        }
        UPDATE(sum)))

CK_DISPATCHED_WITH_ROOTS(
    void, ck_adagrad_separate_rows_f32,
    (const struct ck_row_groups *groups, float rate, float epsilon, float *variable,
     float *accumulator),
    (groups, rate, epsilon, variable, accumulator),
    EACH_GROUP(
        const float *first = GRADIENT(start);
        if (end - start == 1) {
          UPDATE(first)
          continue;
        }
        for (long number = start; number < end; number++) {
          const float *g = GRADIENT(number);
          CK_INDEPENDENT_ITERATIONS
          for (size_t i = 0; i < width; i++) a[i] = a[i] + g[i] * g[i];
        }
        for (long number = start; number < end; number++) {
          const float *g = GRADIENT(number);
          CK_INDEPENDENT_ITERATIONS
          for (size_t i = 0; i < width; i++)
            v[i] = v[i] - (rate * g[i]) / __builtin_elementwise_sqrt(a[i] + epsilon);
        }))
