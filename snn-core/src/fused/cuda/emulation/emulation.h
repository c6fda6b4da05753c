// Replaces CUDA when the kernels are compiled as C: a thread of the GPU is a coroutine, and the program that runs the kernels schedules
// them.
#pragma once
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct SnnIndex {
    uint32_t x, y, z;
};

// The same fields as `Thread` in block.rs.
struct SnnThread {
    struct SnnIndex thread, block, block_dim, grid_dim;
    void *shared;
    const void *scheduler;
    // These return when the other threads of the block, or the other lanes of the warp, have reached the same line.
    void (*synchronize)(const void *scheduler, uint32_t line);
    uint32_t (*ballot)(const void *scheduler, uint32_t line, uint32_t predicate);
    uint32_t (*from_lane)(const void *scheduler, uint32_t line, uint32_t word, uint32_t lane);
};

// The running thread. Not inlined, so that memory checks see only the accesses of the kernels.
const struct SnnThread *snn_self(void);

// As on a GPU, a float4 may alias floats.
typedef struct __attribute__((aligned(16), may_alias)) {
    float x, y, z, w;
} float4;

static inline float4 make_float4(float x, float y, float z, float w) {
    const float4 four = {x, y, z, w};
    return four;
}

static inline float as_float(uint32_t word) {
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static inline uint32_t as_word(float value) {
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

// The kernels are compiled twice, the second time with checks and a different prefix.
#ifndef SNN_PREFIX
#define SNN_PREFIX snn_
#endif
#define SNN_JOIN_(a, b) a##b
#define SNN_JOIN(a, b) SNN_JOIN_(a, b)

#define KERNEL_AT(name, Arguments, threads, blocks)                                                   \
    typedef struct Arguments arguments_of_##name;                                                     \
    static void name##_(const struct Arguments a);                                                    \
    void SNN_JOIN(SNN_PREFIX, name)(const void *arguments) { name##_(*(const struct Arguments *)arguments); } \
    static void name##_(const struct Arguments a)
#define DEVICE static inline
#define UNROLL
#define NO_UNROLL
#define SHARED(type, name) type *name = (type *)snn_self()->shared
#define threadIdx (snn_self()->thread)
#define blockIdx (snn_self()->block)
#define blockDim (snn_self()->block_dim)
#define gridDim (snn_self()->grid_dim)
#define synchronize() snn_self()->synchronize(snn_self()->scheduler, __LINE__)
#define ballot(predicate) snn_self()->ballot(snn_self()->scheduler, __LINE__, (uint32_t)((predicate) != 0))
#define from_lane(word, lane) snn_self()->from_lane(snn_self()->scheduler, __LINE__, word, lane)
#define lowest_bit(bits) ((unsigned)__builtin_ctz(bits))
