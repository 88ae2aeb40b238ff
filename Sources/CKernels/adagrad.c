#include "CKernels.h"
#include "adagrad.h"

#define PARAMETERS                                                                                 \
  size_t count, float rate, float epsilon, const float *gradient, const float *variable,           \
      float *new_variable, const float *accumulator, float *new_accumulator
#define ARGUMENTS                                                                                  \
  count, rate, epsilon, gradient, variable, new_variable, accumulator, new_accumulator

// Updates `size` elements from `start`, to the places given.
#define UPDATE(start, size, variable_target, accumulator_target)                                   \
  ck_adagrad_block(                                                                                \
      roots, size, rate, epsilon, gradient + start, variable + start, variable_target,                    \
      accumulator + start, accumulator_target);

// Asks for nothing beyond the end: what lies behind a row of a table is another row, which nobody wants.
#define BODY                                                                                       \
  const int moves_variable = variable != new_variable;                                             \
  const int moves_accumulator = accumulator != new_accumulator;                                    \
  size_t block = 0;                                                                                \
  if (moves_variable || moves_accumulator) {                                                       \
    block = ck_before_line(moves_variable ? new_variable : new_accumulator, count);                \
    UPDATE(0, block, new_variable, new_accumulator)                                                \
  }                                                                                                \
  const int streams_variable = moves_variable && ck_begins_line(new_variable + block);             \
  const int streams_accumulator = moves_accumulator && ck_begins_line(new_accumulator + block);    \
  _Alignas(64) float variable_block[CK_BLOCK], accumulator_block[CK_BLOCK];                        \
  for (; block + CK_BLOCK <= count; block += CK_BLOCK) {                                           \
    if (block + CK_AHEAD < count) {                                                                \
      ck_ask_ahead(gradient + block, 0);                                                           \
      ck_ask_ahead(variable + block, !moves_variable);                                             \
      ck_ask_ahead(accumulator + block, !moves_accumulator);                                       \
    }                                                                                              \
    UPDATE(                                                                                        \
        block, CK_BLOCK, streams_variable ? variable_block : new_variable + block,                 \
        streams_accumulator ? accumulator_block : new_accumulator + block)                         \
    if (streams_variable) ck_stream(new_variable + block, variable_block);                         \
    if (streams_accumulator) ck_stream(new_accumulator + block, accumulator_block);                \
  }                                                                                                \
  UPDATE(block, count - block, new_variable + block, new_accumulator + block)                      \
  if (streams_variable || streams_accumulator) ck_end_streams();

CK_DISPATCHED_WITH_ROOTS(void, ck_adagrad_f32, (PARAMETERS), (ARGUMENTS), BODY)
