// Stands in for CUDA where the kernels are compiled as C: a thread of the GPU is a coroutine of the program that runs them,
// which says which thread goes on, and when.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>

struct SnnIndex {
    uint32_t x, y, z;
};

// Field by field `Thread` of mod.rs.
struct SnnThread {
    struct SnnIndex thread, block, block_dim, grid_dim;
    void *shared;
    const void *scheduler;
    // Both return when the other threads of the block, or the other lanes of the warp, have come as far.
    void (*synchronize)(const void *scheduler);
    uint32_t (*ballot)(const void *scheduler, uint32_t predicate);
};

extern _Thread_local const struct SnnThread *snn_thread;

#define KERNEL(name, Arguments, threads)                                                              \
    static void name##_(const struct Arguments a);                                                    \
    void snn_##name(const void *arguments) { name##_(*(const struct Arguments *)arguments); } \
    static void name##_(const struct Arguments a)
#define DEVICE static inline
#define UNROLL
#define UNROLL_8
#define SHARED(type, name) type *name = (type *)snn_thread->shared
#define threadIdx (snn_thread->thread)
#define blockIdx (snn_thread->block)
#define blockDim (snn_thread->block_dim)
#define gridDim (snn_thread->grid_dim)
#define synchronize() snn_thread->synchronize(snn_thread->scheduler)
#define ballot(predicate) snn_thread->ballot(snn_thread->scheduler, (uint32_t)(predicate))
#define lowest_bit(bits) ((unsigned)__builtin_ctz(bits))
