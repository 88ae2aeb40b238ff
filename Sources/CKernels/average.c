#include "CKernels.h"
#include "dispatch.h"

#pragma STDC FP_CONTRACT OFF

#define PARAMETERS                                                                                 \
  size_t count, float keep, float take, const float *variable, const float *average,               \
      float *new_average
#define ARGUMENTS count, keep, take, variable, average, new_average

#define LOOP                                                                                       \
  CK_INDEPENDENT_ITERATIONS                                                                        \
  for (size_t i = 0; i < count; i++) new_average[i] = keep * average[i] + take * variable[i];

static void average_baseline(PARAMETERS) { LOOP }

#ifdef CK_AVX2
CK_AVX2 static void average_avx2(PARAMETERS) { LOOP }
#endif

void ck_average_f32(PARAMETERS) {
#ifdef CK_AVX2
  if (CK_HAS_AVX2) {
    average_avx2(ARGUMENTS);
    return;
  }
#endif
  average_baseline(ARGUMENTS);
}
