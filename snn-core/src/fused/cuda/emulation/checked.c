// The kernels again, compiled so that every memory access calls a function of watch.c, and undefined behavior traps.
#define SNN_PREFIX snn_checked_
#include "emulation.h"

#include "../kernels/network.cu"

#include "faulty.cuh"
