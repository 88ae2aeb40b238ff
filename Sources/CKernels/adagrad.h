#ifndef CK_ADAGRAD_H
#define CK_ADAGRAD_H

#include "square_roots.h"

#pragma STDC FP_CONTRACT OFF

// One step of Adagrad over at most a block of elements.
static inline __attribute__((always_inline)) void ck_adagrad_block(
    ck_block_roots *roots, size_t count, float rate, float epsilon, const float *gradient,
    const float *variable, float *new_variable, const float *accumulator, float *new_accumulator) {
  _Alignas(64) float root[CK_BLOCK];
  CK_INDEPENDENT_ITERATIONS
  for (size_t i = 0; i < count; i++) {
    float a = accumulator[i] + gradient[i] * gradient[i];
    new_accumulator[i] = a;
    root[i] = a + epsilon;
  }
  ck_take_roots(roots, count, root);
  CK_INDEPENDENT_ITERATIONS
  for (size_t i = 0; i < count; i++)
    new_variable[i] = variable[i] - (rate * gradient[i]) / root[i];
}

#endif
