#include "CKernels.h"
#include "square_roots.h"

CK_DISPATCHED_WITH_ROOTS(
    void, ck_square_roots_f32, (size_t count, float *values), (count, values),
    size_t block = 0;
    for (; block + CK_BLOCK <= count; block += CK_BLOCK) roots(values + block);
    ck_roots_by_instruction(count - block, values + block);)

void ck_square_roots_by_instruction_f32(size_t count, float *values) {
  ck_roots_by_instruction(count, values);
}
