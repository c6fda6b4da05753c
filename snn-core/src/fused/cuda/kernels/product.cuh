// Dense products, for analog input and for adjoints of the layer below: c = a b, summed over the depth in order by fused
// multiply-adds. A block computes a tile of 64 x 64, a thread 4 x 4 of it. Rows on chip are padded by one element, so that a column is
// in 32 different banks.
#include "common.cuh"

#define SIDE 64
#define DEPTH 16

struct Product {
    // a[m][k] is at m a_row + k a_depth, b[k][n] at k b_depth + n b_column; c is [splits, rows, columns].
    const float *a, *b;
    float *c;
    uint64_t rows, columns, depth;
    uint64_t a_row, a_depth, b_depth, b_column;
    // Depth per split.
    uint64_t split;
    // If not 0: row m of c is row m - 1 of a b, and 0 if `steps` divides m, because the drive of step n belongs to n + 1.
    uint32_t steps;
};

KERNEL(product, Product, 256) {
    SHARED(float, left); // [DEPTH, SIDE + 1]
    float *right = left + DEPTH * (SIDE + 1); // [DEPTH, SIDE + 1]
    const unsigned thread = threadIdx.x, ty = thread / 16, tx = thread % 16;
    const size_t row = (size_t)blockIdx.x * SIDE, column = (size_t)blockIdx.y * SIDE;
    const size_t from = (size_t)blockIdx.z * a.split;
    const size_t to = from + a.split < a.depth ? from + a.split : a.depth;
    float sum[4][4];
    UNROLL for (unsigned y = 0; y < 4; ++y) UNROLL for (unsigned x = 0; x < 4; ++x) sum[y][x] = 0.0f;
    for (size_t base = from; base < to; base += DEPTH) {
        UNROLL for (unsigned part = 0; part < DEPTH * SIDE / 256; ++part) {
            const unsigned e = part * 256 + thread;
            // neighboring threads read neighboring values
            const unsigned m = a.a_row == 1 ? e % SIDE : e / DEPTH, k = a.a_row == 1 ? e / SIDE : e % DEPTH;
            const size_t r = row + m;
            const int there = r < a.rows && base + k < to && !(a.steps && r % a.steps == 0);
            left[k * (SIDE + 1) + m] = there ? a.a[(a.steps ? r - 1 : r) * a.a_row + (base + k) * a.a_depth] : 0.0f;
            const unsigned n = a.b_column == 1 ? e % SIDE : e / DEPTH, l = a.b_column == 1 ? e / SIDE : e % DEPTH;
            right[l * (SIDE + 1) + n] =
                column + n < a.columns && base + l < to ? a.b[(base + l) * a.b_depth + (column + n) * a.b_column] : 0.0f;
        }
        synchronize();
        UNROLL for (unsigned k = 0; k < DEPTH; ++k) {
            float l[4], r[4];
            UNROLL for (unsigned y = 0; y < 4; ++y) l[y] = left[k * (SIDE + 1) + 16 * y + ty];
            UNROLL for (unsigned x = 0; x < 4; ++x) r[x] = right[k * (SIDE + 1) + 16 * x + tx];
            UNROLL for (unsigned y = 0; y < 4; ++y)
                UNROLL for (unsigned x = 0; x < 4; ++x) sum[y][x] = fmaf(l[y], r[x], sum[y][x]);
        }
        synchronize();
    }
    UNROLL for (unsigned y = 0; y < 4; ++y)
        UNROLL for (unsigned x = 0; x < 4; ++x) {
            const size_t r = row + 16 * y + ty, n = column + 16 * x + tx;
            if (r < a.rows && n < a.columns) a.c[((size_t)blockIdx.z * a.rows + r) * a.columns + n] = sum[y][x];
        }
}

struct Transpose {
    const float *from;
    float *to;
    // Of `from`; `to` is [height, width], at least [columns, rows], and 0 beyond.
    uint32_t rows, columns, height, width;
};

KERNEL(transpose, Transpose, 256) {
    const size_t at = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= (size_t)a.height * a.width) return;
    const size_t row = at % a.width, column = at / a.width;
    a.to[at] = row < a.rows && column < a.columns ? a.from[row * a.columns + column] : 0.0f;
}
