#include "CKernels.h"
#include "dispatch.h"

#pragma STDC FP_CONTRACT OFF

#define UPDATE(start, end)                                                                         \
  CK_INDEPENDENT_ITERATIONS                                                                        \
  for (size_t i = start; i < end; i++)                                                             \
    new_variable[i] = variable[i] - (variable[i] * decay) * rate;

CK_DISPATCHED(
    void, ck_decay_f32,
    (size_t count, float decay, float rate, const float *variable, float *new_variable),
    (count, decay, rate, variable, new_variable),
    size_t block = 0;
    for (; block + CK_BLOCK <= count; block += CK_BLOCK) {
      ck_ask_ahead(variable + block, variable == new_variable);
      UPDATE(block, block + CK_BLOCK)
    }
    UPDATE(block, count))
