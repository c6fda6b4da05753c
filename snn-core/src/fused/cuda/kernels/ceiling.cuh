// The maximum rate of multiply-adds of a GPU: chains of fused multiply-adds in registers.
#include "common.cuh"

// Chains per thread, enough to hide the latency of each operation.
#define CHAINS 16

struct MultiplyAdds {
    // [threads of all blocks]
    float *sums;
    uint32_t rounds;
};

KERNEL(multiply_adds, MultiplyAdds, 256) {
    const size_t at = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    const float gain = 0.5f + 0.001f * (float)threadIdx.x;
    float sum[CHAINS];
    UNROLL for (unsigned k = 0; k < CHAINS; ++k) sum[k] = (float)k;
    NO_UNROLL for (unsigned r = 0; r < a.rounds; ++r) UNROLL for (unsigned k = 0; k < CHAINS; ++k) sum[k] = fmaf(sum[k], gain, 1.0f);
    float total = 0.0f;
    UNROLL for (unsigned k = 0; k < CHAINS; ++k) total += sum[k];
    a.sums[at] = total;
}
