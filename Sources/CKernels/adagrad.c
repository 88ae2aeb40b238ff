#include "CKernels.h"
#include "dispatch.h"

#pragma STDC FP_CONTRACT OFF

#define PARAMETERS                                                                                 \
  size_t count, float rate, float epsilon, const float *gradient, const float *variable,           \
      float *new_variable, const float *accumulator, float *new_accumulator
#define ARGUMENTS                                                                                  \
  count, rate, epsilon, gradient, variable, new_variable, accumulator, new_accumulator

#define UPDATE(start, end)                                                                         \
  CK_INDEPENDENT_ITERATIONS                                                                        \
  for (size_t i = start; i < end; i++) {                                                           \
    float g = gradient[i];                                                                         \
    float v = variable[i];                                                                         \
    float a = accumulator[i] + g * g;                                                              \
    new_accumulator[i] = a;                                                                        \
    new_variable[i] = v - (rate * g) / __builtin_elementwise_sqrt(a + epsilon);                    \
  }

// Asks for nothing beyond the end: what lies behind a row of a table is another row, which nobody wants.
#define BODY                                                                                       \
  size_t block = 0;                                                                                \
  for (; block + CK_BLOCK <= count; block += CK_BLOCK) {                                           \
    if (block + CK_AHEAD < count) {                                                                \
      ck_ask_ahead(gradient + block, 0);                                                           \
      ck_ask_ahead(variable + block, variable == new_variable);                                    \
      ck_ask_ahead(accumulator + block, accumulator == new_accumulator);                           \
    }                                                                                              \
    UPDATE(block, block + CK_BLOCK)                                                                \
  }                                                                                                \
  UPDATE(block, count)

CK_DISPATCHED(void, ck_adagrad_f32, (PARAMETERS), (ARGUMENTS), BODY)
