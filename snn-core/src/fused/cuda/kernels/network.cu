// All kernels, as one translation unit.
#include "lif_forward.cuh"
#include "gradient.cuh"
#include "norm.cuh"
#include "product.cuh"
#include "project.cuh"
#include "readout.cuh"
#include "lif_backward.cuh"
