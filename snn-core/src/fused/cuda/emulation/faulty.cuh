// Kernels with one fault each, which the checks must find.
#include "../kernels/common.cuh"

struct Faulty {
    float *values;
    uint32_t count, fault;
};

enum { FAULT_NONE, FAULT_BEYOND, FAULT_SHARED_RACE, FAULT_BLOCKS_RACE, FAULT_BARRIERS, FAULT_READ_RACE, FAULT_SHARED_BEYOND };

KERNEL(faulty, Faulty, 64) {
    SHARED(float, shared);
    const unsigned thread = threadIdx.x, at = blockIdx.x * blockDim.x + thread;
    shared[thread] = (float)at;
    synchronize();
    float value = shared[blockDim.x - 1 - thread];
    if (a.fault == FAULT_SHARED_RACE) shared[thread / 2] = value;
    if (a.fault == FAULT_READ_RACE) shared[thread] = 0.0f;
    if (a.fault == FAULT_SHARED_BEYOND) value = shared[thread + 1];
    if (a.fault == FAULT_BARRIERS && thread < 32)
        synchronize();
    else
        synchronize();
    if (a.fault == FAULT_BLOCKS_RACE) a.values[thread] = value;
    a.values[a.fault == FAULT_BEYOND ? at + 1 : at] = value;
}
