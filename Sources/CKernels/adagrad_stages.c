#include "CKernels.h"
#include "square_roots.h"

#pragma STDC FP_CONTRACT OFF

enum { NO_AVERAGE, AVERAGE, OVERWRITE };

// At most a block of elements. `divides`, `decays` and `averages` are constants wherever this is called, so
// that each call is a loop without the stages that it does not have.
static inline __attribute__((always_inline)) void update(
    ck_block_roots *roots, const int divides, const int decays, const int averages, size_t count,
    const struct ck_adagrad_stages *stages, const float *gradient, const float *variable,
    float *new_variable, const float *accumulator, float *new_accumulator, const float *average,
    float *new_average) {
  const float rate = stages->rate, epsilon = stages->epsilon, limit = stages->limit,
              multiplier = stages->multiplier, divisor = stages->divisor, decay = stages->decay,
              keep = stages->keep, take = stages->take;
  _Alignas(64) float step[CK_BLOCK], root[CK_BLOCK];
  CK_INDEPENDENT_ITERATIONS
  for (size_t i = 0; i < count; i++) {
    float g = gradient[i];
    g = g > limit ? limit : g < -limit ? -limit : g;  // NaN stays.
    g = g * multiplier;
    if (divides) g = g / divisor;
    float a = accumulator[i] + g * g;
    new_accumulator[i] = a;
    step[i] = rate * g;
    root[i] = a + epsilon;
  }
  ck_take_roots(roots, count, root);
  CK_INDEPENDENT_ITERATIONS
  for (size_t i = 0; i < count; i++) {
    float v = variable[i];
    if (decays) v = v - (v * decay) * rate;
    v = v - step[i] / root[i];
    if (averages != NO_AVERAGE) {
      float m = keep * average[i] + take * v;
      new_average[i] = m;
      if (averages == OVERWRITE) v = m;
    }
    new_variable[i] = v;
  }
}

static inline __attribute__((always_inline)) void update_all(
    ck_block_roots *roots, const int divides, const int decays, const int averages, size_t count,
    const struct ck_adagrad_stages *stages, const float *gradient, const float *variable,
    float *new_variable, const float *accumulator, float *new_accumulator, const float *average,
    float *new_average) {
  const int moves_variable = variable != new_variable;
  const int moves_accumulator = accumulator != new_accumulator;
  const int moves_average = averages != NO_AVERAGE && average != new_average;
  const int moves = moves_variable || moves_accumulator || moves_average;
  // Any will do: a tensor's elements begin where those of another do, and if not they are not streamed.
  float *first = moves_variable ? new_variable : moves_accumulator ? new_accumulator : new_average;
  size_t block = moves ? ck_before_line(first, count) : 0;
  update(
      roots, divides, decays, averages, block, stages, gradient, variable, new_variable,
      accumulator, new_accumulator, average, new_average);
  const int streams_variable = moves_variable && ck_begins_line(new_variable + block);
  const int streams_accumulator = moves_accumulator && ck_begins_line(new_accumulator + block);
  const int streams_average = moves_average && ck_begins_line(new_average + block);
  _Alignas(64) float variable_block[CK_BLOCK], accumulator_block[CK_BLOCK], average_block[CK_BLOCK];
  for (; block + CK_BLOCK <= count; block += CK_BLOCK) {
    ck_ask_ahead(gradient + block, 0);
    ck_ask_ahead(variable + block, !moves_variable);
    ck_ask_ahead(accumulator + block, !moves_accumulator);
    if (averages != NO_AVERAGE) ck_ask_ahead(average + block, !moves_average);
    update(
        roots, divides, decays, averages, CK_BLOCK, stages, gradient + block, variable + block,
        streams_variable ? variable_block : new_variable + block, accumulator + block,
        streams_accumulator ? accumulator_block : new_accumulator + block,
        averages == NO_AVERAGE ? NULL : average + block,
        averages == NO_AVERAGE  ? NULL
        : streams_average       ? average_block
                                : new_average + block);
    if (streams_variable) ck_stream(new_variable + block, variable_block);
    if (streams_accumulator) ck_stream(new_accumulator + block, accumulator_block);
    if (streams_average) ck_stream(new_average + block, average_block);
  }
  update(
      roots, divides, decays, averages, count - block, stages, gradient + block, variable + block,
      new_variable + block, accumulator + block, new_accumulator + block,
      averages == NO_AVERAGE ? NULL : average + block,
      averages == NO_AVERAGE ? NULL : new_average + block);
  if (streams_variable || streams_accumulator || streams_average) ck_end_streams();
}

#define CASE(divides, decays, averages)                                                            \
  case (divides) * 6 + (decays) * 3 + (averages):                                                  \
    update_all(                                                                                    \
        roots, divides, decays, averages, count, stages, gradient, variable, new_variable,         \
        accumulator, new_accumulator, average, new_average);                                       \
    break;
#define CASES(divides, decays)                                                                     \
  CASE(divides, decays, NO_AVERAGE)                                                                \
  CASE(divides, decays, AVERAGE)                                                                   \
  CASE(divides, decays, OVERWRITE)

CK_DISPATCHED_WITH_ROOTS(
    void, ck_adagrad_stages_f32,
    (size_t count, const struct ck_adagrad_stages *stages, const float *gradient,
     const float *variable, float *new_variable, const float *accumulator, float *new_accumulator,
     const float *average, float *new_average),
    (count, stages, gradient, variable, new_variable, accumulator, new_accumulator, average,
     new_average),
    int averages = !average ? NO_AVERAGE : stages->overwrites ? OVERWRITE : AVERAGE;
    switch ((stages->divides ? 6 : 0) + (stages->decays ? 3 : 0) + averages) {
      CASES(0, 0)
      CASES(0, 1)
      CASES(1, 0)
      CASES(1, 1)
    })
