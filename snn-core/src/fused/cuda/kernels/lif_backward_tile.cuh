// The backward time loop of a recurrent layer of at most 256 units: V stays in the multiprocessor for all steps, part of it in registers.
//
// A block processes several samples backward over all steps. The rows of V transposed (one per unit above) are divided into PARTS parts,
// and its columns into groups of four units: thread (g, p) multiplies part p of the rows of group g by the adjoint currents of all
// samples. It keeps HELD of its rows in registers, as many others as fit in on-chip memory that only this thread reads, and loads the
// rest in every step. Sums are computed row by row within a part, then part by part: the location of a row, and the number of samples
// that share it, do not affect the result.
#include "lif_backward.cuh"

#define PARTS 8
#define HELD 16 // maximum

// sum += row times the adjoint currents of several samples
DEVICE void multiply(float sum[][4], const float *currents, float4 row, unsigned samples) {
    UNROLL for (unsigned s = 0; s < samples; ++s) {
        sum[s][0] = fmaf(row.x, currents[s], sum[s][0]);
        sum[s][1] = fmaf(row.y, currents[s], sum[s][1]);
        sum[s][2] = fmaf(row.z, currents[s], sum[s][2]);
        sum[s][3] = fmaf(row.w, currents[s], sum[s][3]);
    }
}

// The adjoint currents of several rows.
DEVICE void fetch(float *to, const float4 *currents, unsigned fours) {
    UNROLL for (unsigned q = 0; q < fours; ++q) {
        const float4 four = currents[q];
        to[4 * q] = four.x;
        to[4 * q + 1] = four.y;
        to[4 * q + 2] = four.z;
        to[4 * q + 3] = four.w;
    }
}

// Blocks are groups of `samples`, threads (group of units, part), with groups rounded up to whole warps.
DEVICE void lif_backward_tile(const struct LifBackward *a, const unsigned samples, const unsigned held_rows,
                              const unsigned fetched) {
    const unsigned depth = a->depth, width = 4 * blockDim.x, group = threadIdx.x, part = threadIdx.y;
    SHARED(float, currents); // a_I[n + 1], [PARTS depth, samples]: 0 past the last unit
    float *parts = currents + PARTS * depth * samples; // [PARTS, samples, width]
    float4 *rows = (float4 *)(parts + PARTS * samples * width); // [PARTS, on_chip, groups]
    const float4 *mine = (const float4 *)currents + part * depth * samples / 4;
    const float4 *transposed = (const float4 *)a->transposed;
    float4 *chip = rows + part * a->on_chip * blockDim.x + group;
    const unsigned thread = part * blockDim.x + group;
    const unsigned first_row = part * depth;

    for (unsigned e = thread; e < PARTS * depth * samples; e += PARTS * blockDim.x) currents[e] = 0.0f;
    float4 held[HELD];
    UNROLL for (unsigned k = 0; k < held_rows; ++k) held[k] = transposed[(size_t)(first_row + k) * blockDim.x + group];
    for (unsigned k = 0; k < a->on_chip; ++k)
        chip[k * blockDim.x] = transposed[(size_t)(first_row + held_rows + k) * blockDim.x + group];

    // thread t also computes the step of unit t % width of samples t / width, t / width + 2, ..
    const unsigned unit = thread % width;
    struct Adjoint u[2];
    float d_count[2];
    size_t first[2];
    int present[2];
    unsigned end = 0;
    UNROLL for (unsigned m = 0; m < samples / 2; ++m) {
        const size_t sample = (size_t)blockIdx.x * samples + thread / width + 2 * m;
        present[m] = sample < a->batch && unit < a->units;
        first[m] = sample * a->steps;
        d_count[m] = present[m] && a->d_counts ? a->d_counts[sample * a->units + unit] : 0.0f;
    }
    // after the last maximum, all adjoints are 0
    NO_UNROLL for (unsigned e = 0; e < samples * a->outputs; ++e) {
        const size_t at = (size_t)blockIdx.x * samples * a->outputs + e;
        const unsigned peak = at < (size_t)a->batch * a->outputs ? a->argmax_steps[at] : 0;
        end = peak > end ? peak : end;
    }
    if (a->outputs == 0) end = a->steps;
    UNROLL for (unsigned m = 0; m < samples / 2; ++m) {
        u[m].a_u = u[m].a_i = u[m].u_next = 0.0f;
        u[m].spiked = present[m] && end > 0 && bit(a->masks, first[m] + end - 1, a->words, unit);
    }
    synchronize();
    NO_UNROLL for (unsigned n = end; n-- > 0;) {
        float pre_reset[2], a_s[2];
        int was_reset[2];
        UNROLL for (unsigned m = 0; m < samples / 2; ++m) {
            const size_t row = first[m] + n;
            pre_reset[m] = present[m] ? a->trace[row * a->units + unit] : 0.0f;
            a_s[m] = present[m] ? a->current_adjoints[row * a->units + unit] : 0.0f;
            was_reset[m] = present[m] && n > 0 && bit(a->masks, row - 1, a->words, unit);
        }
        float sum[4][4];
        UNROLL for (unsigned s = 0; s < samples; ++s) UNROLL for (unsigned x = 0; x < 4; ++x) sum[s][x] = 0.0f;
        UNROLL for (unsigned k = 0; k < held_rows; k += fetched) {
            float c[8];
            fetch(c, mine + k * samples / 4, fetched * samples / 4);
            UNROLL for (unsigned l = 0; l < fetched; ++l) multiply(sum, c + l * samples, held[k + l], samples);
        }
        NO_UNROLL for (unsigned k = held_rows; k < held_rows + a->on_chip; k += fetched) {
            float c[8];
            float4 row[4];
            UNROLL for (unsigned l = 0; l < fetched; ++l) row[l] = chip[(k - held_rows + l) * blockDim.x];
            fetch(c, mine + k * samples / 4, fetched * samples / 4);
            UNROLL for (unsigned l = 0; l < fetched; ++l) multiply(sum, c + l * samples, row[l], samples);
        }
        NO_UNROLL for (unsigned k = held_rows + a->on_chip; k < depth; k += fetched) {
            float c[8];
            float4 row[4];
            UNROLL for (unsigned l = 0; l < fetched; ++l)
                row[l] = transposed[(size_t)(first_row + k + l) * blockDim.x + group];
            fetch(c, mine + k * samples / 4, fetched * samples / 4);
            UNROLL for (unsigned l = 0; l < fetched; ++l) multiply(sum, c + l * samples, row[l], samples);
        }
        UNROLL for (unsigned s = 0; s < samples; ++s) {
            float4 *to = (float4 *)(parts + (part * samples + s) * width) + group;
            *to = make_float4(sum[s][0], sum[s][1], sum[s][2], sum[s][3]);
        }
        synchronize();
        UNROLL for (unsigned m = 0; m < samples / 2; ++m) {
            const unsigned s = thread / width + 2 * m;
            float from[PARTS];
            UNROLL for (unsigned p = 0; p < PARTS; ++p) from[p] = parts[(p * samples + s) * width + unit];
            if (!present[m]) continue;
            float total = a_s[m] + d_count[m];
            UNROLL for (unsigned p = 0; p < PARTS; ++p) total += from[p];
            a->current_adjoints[(first[m] + n) * a->units + unit] = u[m].a_i;
            lif_backward_unit(&u[m], a, total, pre_reset[m], was_reset[m]);
            currents[unit * samples + s] = u[m].a_i;
        }
        synchronize();
    }
}

KERNEL(lif_backward_recurrent_tile_2, LifBackward, 512) { lif_backward_tile(&a, 2, 16, 4); }
// With 12 rows, ptxas for 8.0 runs out of registers.
KERNEL(lif_backward_recurrent_tile_4, LifBackward, 512) { lif_backward_tile(&a, 4, 10, 2); }
