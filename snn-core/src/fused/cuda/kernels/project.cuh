// The drive of a layer by spikes of the layer below: row n + 1 of `drive` becomes the sum of the weight rows selected by the spikes of
// step n, in their order; row 0 becomes 0. One thread per column of a row.
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
    // If the weights are on chip: their rows, and the rows of `drive` per block.
    uint32_t units, chunk;
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

// The same with 32 columns of all weights on chip, if they fit. Lane c of a warp has column c, and a warp processes one row at a time;
// lane l loads indices 2 l and 2 l + 1, which the warp then exchanges. Blocks are (tile of columns, chunk of rows), threads (column, warp).
KERNEL(project_events_on_chip, Project, 512) {
    SHARED(float, tile); // [units, LANES]
    const unsigned lane = threadIdx.x, warp = threadIdx.y;
    const unsigned column = blockIdx.x * LANES + lane;
    for (unsigned k = warp; k < a.units; k += blockDim.y)
        tile[k * LANES + lane] = column < a.columns ? a.weights[(size_t)k * a.columns + column] : 0.0f;
    synchronize();
    const size_t first = (size_t)blockIdx.y * a.chunk;
    const size_t last = first + a.chunk < a.rows ? first + a.chunk : a.rows;
    for (size_t row = first + warp; row < last; row += blockDim.y) {
        float sum = 0.0f;
        if (row % a.steps != 0) {
            const uint32_t end = a.offsets[row];
            for (uint32_t q = a.offsets[row - 1]; q < end; q += 2 * LANES) {
                const unsigned count = end - q < 2 * LANES ? end - q : 2 * LANES;
                uint32_t pair = 2 * lane < count ? a.indices[q + 2 * lane] : 0;
                if (2 * lane + 1 < count) pair |= (uint32_t)a.indices[q + 2 * lane + 1] << 16;
                for (unsigned k = 0; k < count; k += AHEAD) {
                    float w[AHEAD];
                    UNROLL for (unsigned l = 0; l < AHEAD; l += 2) {
                        const uint32_t units = from_lane(pair, (k + l) / 2);
                        w[l] = k + l < count ? tile[(units & 0xffffu) * LANES + lane] : 0.0f;
                        w[l + 1] = k + l + 1 < count ? tile[(units >> 16) * LANES + lane] : 0.0f;
                    }
                    UNROLL for (unsigned l = 0; l < AHEAD; ++l) sum += w[l];
                }
            }
        }
        if (column < a.columns) a.drive[row * a.columns + column] = sum;
    }
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
