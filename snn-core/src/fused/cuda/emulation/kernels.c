// The kernels as C.
#include "emulation.h"

static _Thread_local const struct SnnThread *snn_thread;

// Sets the GPU thread that the calling host thread runs.
void snn_become(const struct SnnThread *thread) { snn_thread = thread; }

const struct SnnThread *snn_self(void) { return snn_thread; }

#include "../kernels/network.cu"
