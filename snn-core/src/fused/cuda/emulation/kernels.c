// The kernels as C.
#include "emulation.h"

_Thread_local const struct SnnThread *snn_thread;

// Which thread the code that the calling thread of the host runs stands for.
void snn_become(const struct SnnThread *thread) { snn_thread = thread; }

#include "../kernels/network.cu"
