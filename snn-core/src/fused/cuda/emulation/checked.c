// The kernels once more, compiled so that every access to memory calls a function below, and undefined behaviour traps.
#define SNN_PREFIX snn_checked_
#include "emulation.h"

#include "../kernels/network.cu"

#include "faulty.cuh"
