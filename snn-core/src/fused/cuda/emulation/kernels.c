// The kernels as C.
#include "emulation.h"

static _Thread_local const struct SnnThread *snn_thread;

// Which thread the code that the calling thread of the host runs stands for.
void snn_become(const struct SnnThread *thread) { snn_thread = thread; }

const struct SnnThread *snn_self(void) { return snn_thread; }

#include "../kernels/network.cu"
