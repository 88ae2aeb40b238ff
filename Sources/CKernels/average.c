#include "CKernels.h"
#include "dispatch.h"

#pragma STDC FP_CONTRACT OFF

#define PARAMETERS                                                                                 \
  size_t count, float keep, float take, const float *variable, const float *average,               \
      float *new_average
#define ARGUMENTS count, keep, take, variable, average, new_average

#define UPDATE(start, size, target)                                                                \
  CK_INDEPENDENT_ITERATIONS                                                                        \
  for (size_t i = 0; i < size; i++)                                                                \
    (target)[i] = keep * average[start + i] + take * variable[start + i];

// The variable was just written and is still in the cache; only the average is asked for.
#define BODY                                                                                       \
  const int moves = average != new_average;                                                        \
  size_t block = moves ? ck_before_line(new_average, count) : 0;                                   \
  UPDATE(0, block, new_average)                                                                    \
  _Alignas(64) float average_block[CK_BLOCK];                                                      \
  for (; block + CK_BLOCK <= count; block += CK_BLOCK) {                                           \
    ck_ask_ahead(average + block, !moves);                                                         \
    float *target = moves ? average_block : new_average + block;                                   \
    UPDATE(block, CK_BLOCK, target)                                                                \
    if (moves) ck_stream(new_average + block, average_block);                                      \
  }                                                                                                \
  UPDATE(block, count - block, new_average + block)                                                \
  if (moves) ck_end_streams();

CK_DISPATCHED(void, ck_average_f32, (PARAMETERS), (ARGUMENTS), BODY)
