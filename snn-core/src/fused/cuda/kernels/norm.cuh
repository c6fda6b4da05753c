// The sum of squares of some values, in double. Each block leaves the sum of a part, and sum_parts adds them: in an order that the
// number of values alone decides.
#include "common.cuh"

#define NORM_THREADS 256
// Values of a block.
#define NORM_PART 8192

// The sum over the block of one number of each thread, for thread 0; `sums` is [NORM_THREADS].
DEVICE double sum_of_block(double *sums, double mine) {
    sums[threadIdx.x] = mine;
    for (unsigned half = NORM_THREADS / 2; half > 0; half /= 2) {
        synchronize();
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    return threadIdx.x == 0 ? sums[0] : 0.0;
}

struct Norm {
    const float *values;
    // One for each block.
    double *parts;
    uint64_t count;
};

KERNEL(sum_of_squares, Norm, NORM_THREADS) {
    SHARED(double, sums);
    const size_t first = (size_t)blockIdx.x * NORM_PART;
    const size_t last = first + NORM_PART < a.count ? first + NORM_PART : a.count;
    double sum = 0.0;
    for (size_t at = first + threadIdx.x; at < last; at += AHEAD * NORM_THREADS) {
        float value[AHEAD];
        UNROLL for (unsigned k = 0; k < AHEAD; ++k)
            value[k] = at + k * NORM_THREADS < last ? a.values[at + k * NORM_THREADS] : 0.0f;
        UNROLL for (unsigned k = 0; k < AHEAD; ++k) sum += (double)value[k] * (double)value[k];
    }
    sum = sum_of_block(sums, sum);
    if (threadIdx.x == 0) a.parts[blockIdx.x] = sum;
}

struct SumParts {
    // [rows, count]
    const double *parts;
    // [rows]
    double *sums;
    uint32_t count;
};

KERNEL(sum_parts, SumParts, NORM_THREADS) {
    SHARED(double, sums);
    double sum = 0.0;
    for (unsigned at = threadIdx.x; at < a.count; at += NORM_THREADS) sum += a.parts[(size_t)blockIdx.x * a.count + at];
    sum = sum_of_block(sums, sum);
    if (threadIdx.x == 0) a.sums[blockIdx.x] = sum;
}
