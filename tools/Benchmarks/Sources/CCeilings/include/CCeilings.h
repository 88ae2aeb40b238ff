#ifndef CCEILINGS_H
#define CCEILINGS_H

#include <stddef.h>

// What the memory allows: loops with a kernel's loads and stores and next to no arithmetic, compiled,
// dispatched and prefetching as the kernels do.

/// The loads and stores of an Adagrad step (20 bytes an element) and bare additions.
void ceiling_step(size_t count, const float *gradient, float *variable, float *accumulator);

/// The loads and stores of an Adagrad step with averages (28 bytes an element) and bare additions.
void ceiling_averaged_step(
    size_t count, const float *gradient, float *variable, float *accumulator, float *average);

/// Reads the rows of `gradient` and the named rows of two tables, and writes the latter back changed.
void ceiling_rows(
    size_t row_count, size_t width, const long *rows, const float *gradient, float *variable,
    float *accumulator);

// Plain memory bandwidth: one array at a time.

/// Reads and writes an array in place: 8 bytes an element.
void plain_increment(size_t count, float *values);

/// Reads an array: 4 bytes an element.
void plain_sum(size_t count, const float *values, float *result);

/// Lays out a weights file of Keras 3 of `layers` kernels with libhdf5 and nothing else: groups, names,
/// datasets that have their place. No numbers are written. Returns 0 on failure.
int lay_out_bare(const char *path, int layers, long inputs, long units);

/// How many blocks of memory this process was given so far, by malloc and its relatives.
long allocation_count(void);

#endif
