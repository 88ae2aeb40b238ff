#ifndef CK_DISPATCH_H
#define CK_DISPATCH_H

// One loop, compiled for several instruction sets and chosen at run time. The choice is a branch on
// a flag rather than an ifunc (`target_clones`), which crashes under ThreadSanitizer.

// The loops index all their arrays alike, so that an iteration touches nothing that another one does,
// in place or not: the compiler need not test for overlap.
#define CK_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")

#if defined(__x86_64__)
#define CK_AVX2 __attribute__((target("avx2")))
#define CK_HAS_AVX2 __builtin_cpu_supports("avx2")
#endif

#endif
