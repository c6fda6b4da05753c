// What spikes add to the current of the layer above: row n + 1 of `drive` becomes the sum of the weight rows picked by the
// spikes of step n, in the order in which they are listed; row 0 becomes 0. One thread a column of a row.
#include "common.cuh"

struct Project {
    float *drive;
    const float *weights;
    // Events: the units of row r are indices[offsets[r] .. offsets[r + 1]].
    const uint32_t *offsets;
    const uint16_t *indices;
    // Spikes of a hidden layer.
    const uint32_t *masks;
    uint64_t rows;
    uint32_t steps, columns, words;
};

KERNEL(project_events, Project, 256) {
    const size_t row = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    const unsigned column = blockIdx.y * blockDim.x + threadIdx.x;
    if (row >= a.rows || column >= a.columns) return;
    float sum = 0.0f;
    if (row % a.steps != 0) {
        const uint32_t end = a.offsets[row];
        for (uint32_t q = a.offsets[row - 1]; q < end; q += AHEAD) {
            float w[AHEAD];
            UNROLL for (unsigned k = 0; k < AHEAD; ++k)
                w[k] = end - q > k ? a.weights[(size_t)a.indices[q + k] * a.columns + column] : 0.0f;
            UNROLL for (unsigned k = 0; k < AHEAD; ++k) sum += w[k];
        }
    }
    a.drive[row * a.columns + column] = sum;
}

KERNEL(project_spikes, Project, 256) {
    const size_t row = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    const unsigned column = blockIdx.y * blockDim.x + threadIdx.x;
    if (row >= a.rows || column >= a.columns) return;
    float sum = 0.0f;
    if (row % a.steps != 0) {
        struct Cursor spikes = cursor(a.masks + (row - 1) * a.words, a.words);
        unsigned unit[AHEAD];
        do {
            float w[AHEAD];
            UNROLL for (unsigned k = 0; k < AHEAD; ++k) unit[k] = next_spike(&spikes);
            UNROLL for (unsigned k = 0; k < AHEAD; ++k)
                w[k] = unit[k] != NONE ? a.weights[(size_t)unit[k] * a.columns + column] : 0.0f;
            UNROLL for (unsigned k = 0; k < AHEAD; ++k) sum += w[k];
        } while (unit[AHEAD - 1] != NONE);
    }
    a.drive[row * a.columns + column] = sum;
}
