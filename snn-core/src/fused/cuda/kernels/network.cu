// All kernels, as one translation unit.
#include "advance.cuh"
#include "gradient.cuh"
#include "norm.cuh"
#include "product.cuh"
#include "project.cuh"
#include "readout.cuh"
#include "retreat.cuh"
