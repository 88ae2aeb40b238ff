#include "CKernels.h"
#include "dispatch.h"

#pragma STDC FP_CONTRACT OFF

typedef double ck_doubles __attribute__((vector_size(64), aligned(8)));
typedef int64_t ck_integers __attribute__((vector_size(64), aligned(8)));
typedef float ck_floats __attribute__((vector_size(32), aligned(4)));
typedef ck_doubles ck_doubles_in_memory __attribute__((may_alias));
typedef ck_floats ck_floats_in_memory __attribute__((may_alias));

static const int64_t ck_magnitude = INT64_MAX;  // all bits but the sign

// Eight of everything, whatever the instruction set. What is not finite makes a sum of squares that is not.
#define COMPARE(load)                                                                              \
  ck_doubles sum = {0}, squares = {0}, first_squares = {0}, greatest = {0};                        \
  ck_integers changed = {0}, other_zeros = {0};                                                    \
  for (size_t i = 0; i + CK_COMPARED <= count; i += CK_COMPARED) {                                 \
    ck_doubles x = load(a + i), y = load(b + i);                                                   \
    ck_doubles distance = (ck_doubles)((ck_integers)(y - x) & ck_magnitude);                       \
    ck_doubles limit = absolute + relative * (ck_doubles)((ck_integers)y & ck_magnitude);          \
    changed -= (ck_integers)(distance > limit);                                                    \
    other_zeros -= (ck_integers)(x == y) & (ck_integers)((ck_integers)x != (ck_integers)y);        \
    sum += distance;                                                                               \
    squares += distance * distance;                                                                \
    first_squares += x * x;                                                                        \
    ck_integers is_more = (ck_integers)(distance > greatest);                                      \
    greatest = (ck_doubles)((is_more & (ck_integers)distance) | (~is_more & (ck_integers)greatest)); \
  }                                                                                                \
  for (int k = 0; k < CK_COMPARED; k++) {                                                          \
    found->sum[k] = sum[k];                                                                        \
    found->squares[k] = squares[k];                                                                \
    found->first_squares[k] = first_squares[k];                                                    \
    found->greatest[k] = greatest[k];                                                              \
    found->changed[k] = changed[k];                                                                \
    found->other_zeros[k] = other_zeros[k];                                                        \
  }

#define WIDENED(place)                                                                             \
  __builtin_convertvector(*(const ck_floats_in_memory *)(place), ck_doubles)
#define AS_IS(place) (*(const ck_doubles_in_memory *)(place))

CK_DISPATCHED(
    void, ck_compare_f32,
    (size_t count, const float *a, const float *b, double absolute, double relative,
     struct ck_comparison *found),
    (count, a, b, absolute, relative, found), COMPARE(WIDENED))

CK_DISPATCHED(
    void, ck_compare_f64,
    (size_t count, const double *a, const double *b, double absolute, double relative,
     struct ck_comparison *found),
    (count, a, b, absolute, relative, found), COMPARE(AS_IS))
