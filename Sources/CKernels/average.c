#include "CKernels.h"
#include "dispatch.h"

#pragma STDC FP_CONTRACT OFF

#define PARAMETERS                                                                                 \
  size_t count, float keep, float take, const float *variable, const float *average,               \
      float *new_average
#define ARGUMENTS count, keep, take, variable, average, new_average

#define UPDATE(start, end)                                                                         \
  CK_INDEPENDENT_ITERATIONS                                                                        \
  for (size_t i = start; i < end; i++) new_average[i] = keep * average[i] + take * variable[i];

// The variable was just written and is still in the cache; only the average is asked for.
#define BODY                                                                                       \
  size_t block = 0;                                                                                \
  for (; block + CK_BLOCK <= count; block += CK_BLOCK) {                                           \
    ck_ask_ahead(average + block, average == new_average);                                         \
    UPDATE(block, block + CK_BLOCK)                                                                \
  }                                                                                                \
  UPDATE(block, count)

CK_DISPATCHED(void, ck_average_f32, (PARAMETERS), (ARGUMENTS), BODY)
