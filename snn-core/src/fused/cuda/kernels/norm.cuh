// The sum of squares of some values, in double and in an order of its own; one block.
#include "common.cuh"

#define NORM_THREADS 256

struct Norm {
    const float *values;
    double *sum;
    uint64_t count;
};

KERNEL(sum_of_squares, Norm, NORM_THREADS) {
    SHARED(double, sums); // [NORM_THREADS]
    double sum = 0.0;
    UNROLL_8 for (size_t at = threadIdx.x; at < a.count; at += NORM_THREADS)
        sum += (double)a.values[at] * (double)a.values[at];
    sums[threadIdx.x] = sum;
    for (unsigned half = NORM_THREADS / 2; half > 0; half /= 2) {
        synchronize();
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    if (threadIdx.x == 0) *a.sum = sums[0];
}
