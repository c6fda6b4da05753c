// Definitions shared by all kernels. The sources use the common subset of CUDA C++ and C11: nvcc compiles them for the GPU, and tests
// compile them with the C compiler and run them on the host (emulation.h).
//
// Layouts: a trace is [batch, steps, units]; one of its rows is (sample, step). Spikes are bits, [batch, steps, words], unit 32 w + k in
// bit k of word w. Matrices are [pre, post], row-major. Where the order of operations affects the result, it does not depend on the size
// of blocks or the number of multiprocessors.
#pragma once
#include <stdint.h>

#ifdef __CUDACC__
// At most `threads` per block, and at least `blocks` blocks per multiprocessor.
#define KERNEL_AT(name, Arguments, threads, blocks) \
    extern "C" __global__ void __launch_bounds__(threads, blocks) name(const struct Arguments a)
#define DEVICE static __device__ __forceinline__
#define UNROLL _Pragma("unroll")
#define NO_UNROLL _Pragma("unroll 1")
extern __shared__ float4 snn_shared[];
#define SHARED(type, name) type *name = (type *)snn_shared
#define synchronize() __syncthreads()
// All 32 lanes of a warp must call these two; `lane` is the same for all.
#define ballot(predicate) __ballot_sync(0xffffffffu, predicate)
#define from_lane(word, lane) __shfl_sync(0xffffffffu, word, (int)(lane))
#define lowest_bit(bits) ((unsigned)__ffs((int)(bits)) - 1)
#define as_float(word) __uint_as_float(word)
#define as_word(value) __float_as_uint(value)
#else
#include "emulation.h"
#endif

// At least one block per multiprocessor: without this, ptxas of CUDA 13 spills registers to fit more blocks than on-chip memory permits.
#define KERNEL(name, Arguments, threads) KERNEL_AT(name, Arguments, threads, 1)

// Loads in flight per thread, where a loop over steps or spikes would otherwise wait for each one.
#define AHEAD 8

#define NONE 0xffffffffu

#define LANES 32

// Iterates over the set bits of `count` words in ascending order.
struct Cursor {
    const uint32_t *words;
    uint32_t bits;
    unsigned word, count;
};

DEVICE struct Cursor cursor(const uint32_t *words, unsigned count) {
    struct Cursor c;
    c.words = words;
    c.bits = words[0];
    c.word = 0;
    c.count = count;
    return c;
}

// The next unit with a spike, or NONE.
DEVICE unsigned next_spike(struct Cursor *c) {
    while (c->bits == 0) {
        if (c->word + 1 >= c->count) return NONE;
        c->word += 1;
        c->bits = c->words[c->word];
    }
    const unsigned unit = 32 * c->word + lowest_bit(c->bits);
    c->bits &= c->bits - 1;
    return unit;
}
