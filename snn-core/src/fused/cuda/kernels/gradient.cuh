// Weight gradients: for every spike of a unit below, one row of the adjoint currents. A block has a tile of 32 columns on chip, with as
// many units as fit (usually all), and processes a group of samples; the partial sums of the groups are added in order by
// sum_gradients. Lane c of every warp has column c of the tile, and each unit belongs to one warp, so no two threads add to the same
// sum, and each sum is computed in the order of the rows. Adjoint currents are read once per tile of units.
//
// Blocks are (tile of units, tile of columns, group), threads (column, warp).
#include "common.cuh"

// Rows processed together, and events on chip at a time.
#define ROWS 64
#define STAGE 2048

// A word of `staged` is an event: its row in 8 bits, its warp in 8, its unit in 16.
#define OWNER(event) ((event) >> 16 & 0xffu)
#define NOBODY 0xffu

struct Gather {
    // [groups, units, columns]
    float *sums;
    // a_I[n + 1] in row n.
    const float *current_adjoints;
    const uint32_t *offsets;
    const uint16_t *indices;
    const uint32_t *masks;
    uint32_t batch, steps, units, columns, words;
    // Samples of a group, and units of a tile: a multiple of 32.
    uint32_t samples, tile;
};

// The sums of a block, [tile, LANES], from 0.
DEVICE void clear(const struct Gather *a, float *sums) {
    for (unsigned k = threadIdx.y; k < a->tile; k += blockDim.y) sums[k * LANES + threadIdx.x] = 0.0f;
}

DEVICE void store(const struct Gather *a, const float *sums, unsigned from, unsigned column) {
    if (column >= a->columns) return;
    for (unsigned k = threadIdx.y; k < a->tile && from + k < a->units; k += blockDim.y)
        a->sums[((size_t)blockIdx.z * a->units + from + k) * a->columns + column] = sums[k * LANES + threadIdx.x];
}

DEVICE size_t last_row(const struct Gather *a, size_t first) {
    const size_t batch = (size_t)a->batch * a->steps, group = first + (size_t)a->samples * a->steps;
    return group < batch ? group : batch;
}

// Two hits are processed at once; if both belong to the same unit, the second adds to the first.
KERNEL(gather_events, Gather, 512) {
    SHARED(float, sums);
    float *slots = sums + a.tile * LANES;              // [ROWS, LANES]
    uint32_t *staged = (uint32_t *)(slots + ROWS * LANES); // [STAGE]
    const unsigned lane = threadIdx.x, warp = threadIdx.y;
    const unsigned from = blockIdx.x * a.tile, column = blockIdx.y * LANES + lane;
    const size_t first = (size_t)blockIdx.z * a.samples * a.steps, last = last_row(&a, first);
    clear(&a, sums);
    for (size_t row = first; row < last; row += ROWS) {
        const unsigned rows = last - row < ROWS ? (unsigned)(last - row) : ROWS;
        const uint32_t every = a.offsets[row + rows];
        for (uint32_t begin = a.offsets[row]; begin < every; begin += STAGE) {
            const uint32_t end = every - begin < STAGE ? every : begin + STAGE;
            // the previous events are no longer needed
            synchronize();
            for (unsigned r = warp; r < rows; r += blockDim.y) {
                const uint32_t start = a.offsets[row + r] > begin ? a.offsets[row + r] : begin;
                const uint32_t stop = a.offsets[row + r + 1] < end ? a.offsets[row + r + 1] : end;
                slots[r * LANES + lane] = column < a.columns ? a.current_adjoints[(row + r) * a.columns + column] : 0.0f;
                for (uint32_t q = start + lane; q < stop; q += LANES) {
                    const unsigned unit = a.indices[q] - from;
                    const unsigned owner = unit < a.tile ? unit % blockDim.y : NOBODY;
                    staged[q - begin] = r << 24 | owner << 16 | (unit & 0xffffu);
                }
            }
            synchronize();
            const unsigned count = end - begin;
            for (unsigned base = 0; base < count; base += LANES) {
                const uint32_t event = base + lane < count ? staged[base + lane] : NOBODY << 16;
                uint32_t hits = ballot(OWNER(event) == warp);
                while (hits != 0) {
                    const unsigned one = lowest_bit(hits);
                    hits &= hits - 1;
                    const int pair = hits != 0;
                    const unsigned two = pair ? lowest_bit(hits) : one;
                    hits &= hits - 1;
                    const uint32_t e = from_lane(event, one), f = from_lane(event, two);
                    float *to = &sums[(e & 0xffffu) * LANES + lane], *next = &sums[(f & 0xffffu) * LANES + lane];
                    const float left = *to + slots[(e >> 24) * LANES + lane];
                    const float right = (to == next ? left : *next) + slots[(f >> 24) * LANES + lane];
                    *to = left;
                    if (pair) *next = right;
                }
            }
        }
    }
    synchronize();
    store(&a, sums, from, column);
}

// A warp has 32 units of the tile at a time, the bits of one word. The work is partitioned for three blocks of 512 threads, or six of
// 256, per multiprocessor. Without this bound, ptxas for 10.0 uses 69 registers; with it, ptxas for earlier GPUs spills two.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
#define GATHER_PLACES 3
#else
#define GATHER_PLACES 1
#endif

KERNEL_AT(gather_spikes, Gather, 512, GATHER_PLACES) {
    SHARED(float, sums);
    const unsigned lane = threadIdx.x;
    const unsigned from = blockIdx.x * a.tile, column = blockIdx.y * LANES + lane;
    const size_t first = (size_t)blockIdx.z * a.samples * a.steps, last = last_row(&a, first);
    clear(&a, sums);
    synchronize();
    for (size_t row = first; row < last; row += AHEAD)
        for (unsigned word = threadIdx.y; word < a.tile / 32 && from / 32 + word < a.words; word += blockDim.y) {
            uint32_t bits[AHEAD];
            float slot[AHEAD];
            UNROLL for (unsigned r = 0; r < AHEAD; ++r)
                bits[r] = row + r < last ? a.masks[(row + r) * a.words + from / 32 + word] : 0;
            UNROLL for (unsigned r = 0; r < AHEAD; ++r)
                slot[r] = bits[r] != 0 && column < a.columns ? a.current_adjoints[(row + r) * a.columns + column] : 0.0f;
            UNROLL for (unsigned r = 0; r < AHEAD; ++r)
                for (uint32_t left = bits[r]; left != 0; left &= left - 1)
                    sums[(32 * word + lowest_bit(left)) * LANES + lane] += slot[r];
        }
    synchronize();
    store(&a, sums, from, column);
}
