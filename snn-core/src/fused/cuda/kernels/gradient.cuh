// Weight gradients: for every spike of a unit below, one row of the adjoint currents. A block has a tile of units (rows of the
// gradient) and of columns on chip, and goes through a group of samples; groups leave partial sums, which reduce_partials adds in their
// order. Each thread has a column for itself, so nothing is added by two threads at once. Blocks are (tile of units, tile of
// columns, group): those of a group run at about the same time, so that only the first of them reads its rows from main memory.
#include "common.cuh"

// Units of a tile.
#define TILE 64
// Steps that are looked at together.
#define ROWS 16
// Events on chip at a time.
#define STAGE 512

struct Gather {
    // [groups, units, columns]
    float *sums;
    // a_I[n + 1] in row n.
    const float *current_adjoints;
    const uint32_t *offsets;
    const uint16_t *indices;
    const uint32_t *masks;
    uint32_t batch, steps, units, columns, words;
    // Samples of a group.
    uint32_t samples;
};

DEVICE void store(const struct Gather *a, const float *sums, unsigned from, unsigned column) {
    if (column >= a->columns) return;
    for (unsigned k = 0; k < TILE && from + k < a->units; ++k)
        a->sums[((size_t)blockIdx.z * a->units + from + k) * a->columns + column] = sums[k * blockDim.x + threadIdx.x];
}

KERNEL(gather_events, Gather, 128) {
    SHARED(float, sums);
    uint32_t *starts = (uint32_t *)(sums + TILE * blockDim.x);
    uint16_t *staged = (uint16_t *)(starts + ROWS + 1);
    const unsigned from = blockIdx.x * TILE, column = blockIdx.y * blockDim.x + threadIdx.x;
    const size_t first = (size_t)blockIdx.z * a.samples * a.steps;
    const size_t batch = (size_t)a.batch * a.steps, group = first + (size_t)a.samples * a.steps;
    const size_t last = group < batch ? group : batch;
    for (unsigned k = 0; k < TILE; ++k) sums[k * blockDim.x + threadIdx.x] = 0.0f;
    for (size_t row = first; row < last; row += ROWS) {
        const unsigned rows = last - row < ROWS ? (unsigned)(last - row) : ROWS;
        float slot[ROWS];
        UNROLL for (unsigned r = 0; r < ROWS; ++r)
            slot[r] = r < rows && column < a.columns ? a.current_adjoints[(row + r) * a.columns + column] : 0.0f;
        for (unsigned r = threadIdx.x; r <= rows; r += blockDim.x) starts[r] = a.offsets[row + r];
        synchronize();
        for (uint32_t begin = starts[0]; begin < starts[rows]; begin += STAGE) {
            const uint32_t end = starts[rows] - begin < STAGE ? starts[rows] : begin + STAGE;
            for (uint32_t q = begin + threadIdx.x; q < end; q += blockDim.x) staged[q - begin] = a.indices[q];
            synchronize();
            UNROLL for (unsigned r = 0; r < ROWS; ++r) {
                if (r >= rows) break;
                const uint32_t start = starts[r] > begin ? starts[r] : begin;
                const uint32_t stop = starts[r + 1] < end ? starts[r + 1] : end;
                for (uint32_t q = start; q < stop; ++q) {
                    const unsigned k = staged[q - begin] - from;
                    if (k < TILE) sums[k * blockDim.x + threadIdx.x] += slot[r];
                }
            }
            synchronize();
        }
        synchronize();
    }
    store(&a, sums, from, column);
}

KERNEL(gather_spikes, Gather, 128) {
    SHARED(float, sums);
    const unsigned from = blockIdx.x * TILE, column = blockIdx.y * blockDim.x + threadIdx.x;
    const size_t first = (size_t)blockIdx.z * a.samples * a.steps;
    const size_t batch = (size_t)a.batch * a.steps, group = first + (size_t)a.samples * a.steps;
    const size_t last = group < batch ? group : batch;
    for (unsigned k = 0; k < TILE; ++k) sums[k * blockDim.x + threadIdx.x] = 0.0f;
    for (size_t row = first; row < last; row += AHEAD) {
        float slot[AHEAD];
        uint32_t bits[AHEAD][TILE / 32];
        UNROLL for (unsigned r = 0; r < AHEAD; ++r) {
            const int there = row + r < last;
            slot[r] = there && column < a.columns ? a.current_adjoints[(row + r) * a.columns + column] : 0.0f;
            UNROLL for (unsigned w = 0; w < TILE / 32; ++w)
                bits[r][w] = there && from / 32 + w < a.words ? a.masks[(row + r) * a.words + from / 32 + w] : 0;
        }
        UNROLL for (unsigned r = 0; r < AHEAD; ++r)
            UNROLL for (unsigned w = 0; w < TILE / 32; ++w)
                for (uint32_t left = bits[r][w]; left != 0; left &= left - 1)
                    sums[(32 * w + lowest_bit(left)) * blockDim.x + threadIdx.x] += slot[r];
    }
    store(&a, sums, from, column);
}

struct ReducePartials {
    // [parts, count]
    const float *sums;
    // [count], added to.
    float *total;
    uint64_t count;
    uint32_t parts;
};

KERNEL(reduce_partials, ReducePartials, 256) {
    const size_t at = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= a.count) return;
    float total = a.total[at];
    UNROLL_8 for (uint32_t p = 0; p < a.parts; ++p) total += a.sums[p * a.count + at];
    a.total[at] = total;
}
