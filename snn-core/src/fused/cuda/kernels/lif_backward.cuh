// The backward time loop of one hidden layer. On the right, everything is at n + 1 unless marked otherwise; h = h(x[n]):
//
//     a_S[n] = W_above a_I_above + V a_I + d zeta  ( - a_U (x[n + 1] before the reset + threshold)   differentiable reset )
//     a_U[n] = (1 - leak_mem) (1 - S[n]) a_U + h a_S[n]
//     a_I[n] = (1 - leak_syn) a_I + leak_mem (1 - S[n]) a_U
//              (1 - leak_syn) a_I + leak_mem a_U, and (1 - leak_mem) U[n] in a_S                    immediate reset
//
// On entry, row n of `current_adjoints` contains W_above a_I_above[n + 1]; on exit a_I[n + 1], for the layer below and the weight
// gradients.
#pragma once
#include "common.cuh"
#include "surrogate.cuh"

struct LifBackward {
    const float *trace;
    const uint32_t *masks;
    float *current_adjoints;
    // d zeta, [batch, units], or null if it is 0.
    const float *d_counts;
    // V transposed, [units, units].
    const float *transposed;
    // The steps of the first maxima of the readout, [batch, outputs], if there is no other gradient; otherwise `outputs` is 0.
    const uint32_t *argmax_steps;
    uint32_t batch, steps, units, words;
    // Rows of `transposed` on chip (in `tile` kernels, per part), and rows per part.
    uint32_t on_chip, depth;
    uint32_t outputs;
    // Code of the surrogate; its slope is `beta`.
    uint32_t surrogate, differentiable;
    // Whether a spike resets the potential in the same step.
    uint32_t immediate;
    float beta, threshold, leak_mem, leak_syn;
};

struct Adjoint {
    float a_u, a_i;
    // U[n + 1] before the reset.
    float u_next;
    // S[n]
    int spiked;
};

// x[n]; `pre_reset` is x[n] before the reset, `was_reset` S[n - 1].
DEVICE float excitation(const struct LifBackward *a, float pre_reset, int was_reset) {
    return was_reset && !a->immediate ? -a->threshold : pre_reset;
}

// From n + 1 to n, but for a_U, of which it returns the part that the reset keeps.
DEVICE float lif_backward_kept(struct Adjoint *u, const struct LifBackward *a, float *a_s, float x, float pre_reset) {
    if (a->differentiable) {
        // an immediate reset subtracts b_mem U[n]
        const float potential = x + a->threshold;
        const float reset_amount = a->immediate ? fmaf(-a->leak_mem, potential, potential) : u->u_next;
        *a_s = fmaf(-u->a_u, reset_amount, *a_s);
        u->u_next = pre_reset + a->threshold;
    }
    const float kept = u->spiked ? 0.0f : u->a_u;
    u->a_i = fmaf(a->leak_mem, a->immediate ? u->a_u : kept, fmaf(-a->leak_syn, u->a_i, u->a_i));
    return kept;
}

// From n + 1 to n, with h = h(x[n]).
DEVICE void lif_backward_step(struct Adjoint *u, const struct LifBackward *a, float a_s, float pre_reset, int was_reset, float h) {
    const float kept = lif_backward_kept(u, a, &a_s, excitation(a, pre_reset, was_reset), pre_reset);
    u->a_u = fmaf(a_s, h, fmaf(-a->leak_mem, kept, kept));
    u->spiked = was_reset;
}

DEVICE void lif_backward_unit(struct Adjoint *u, const struct LifBackward *a, float a_s, float pre_reset, int was_reset) {
    const float x = excitation(a, pre_reset, was_reset);
    const float kept = lif_backward_kept(u, a, &a_s, x, pre_reset);
    u->a_u = fmaf(a_s, surrogate_derivative(a->surrogate, a->beta, x), fmaf(-a->leak_mem, kept, kept));
    u->spiked = was_reset;
}

DEVICE int bit(const uint32_t *masks, size_t row, unsigned words, unsigned unit) {
    return (int)(masks[row * words + unit / 32] >> (unit % 32) & 1u);
}

DEVICE struct Adjoint last_step(const struct LifBackward *a, size_t sample, unsigned unit) {
    struct Adjoint u;
    u.a_u = u.a_i = u.u_next = 0.0f;
    u.spiked = bit(a->masks, sample * a->steps + a->steps - 1, a->words, unit);
    return u;
}

// Steps loaded at a time.
#define BACK 4

struct Fetched {
    float pre_reset[BACK], above[BACK];
    int was_reset[BACK];
};

// Loads the BACK steps before `end` of one unit.
DEVICE void fetch_steps(struct Fetched *to, const struct LifBackward *a, size_t first, unsigned end, unsigned unit) {
    UNROLL for (unsigned k = 0; k < BACK; ++k) {
        const int there = k < end;
        const size_t row = first + (there ? end - 1 - k : 0);
        to->pre_reset[k] = there ? a->trace[row * a->units + unit] : 0.0f;
        to->above[k] = there ? a->current_adjoints[row * a->units + unit] : 0.0f;
        to->was_reset[k] = k + 1 < end && bit(a->masks, row - 1, a->words, unit);
    }
}

// Without a gradient through V: units are independent. Blocks are (units, samples). The next steps are loaded while the current ones
// are computed.
KERNEL(lif_backward, LifBackward, 256) {
    const size_t sample = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    const unsigned unit = blockIdx.y * blockDim.x + threadIdx.x;
    if (sample >= a.batch || unit >= a.units) return;
    const size_t first = sample * a.steps;
    const float d_count = a.d_counts ? a.d_counts[sample * a.units + unit] : 0.0f;
    struct Adjoint u = last_step(&a, sample, unit);
    struct Fetched now, next;
    fetch_steps(&now, &a, first, a.steps, unit);
    NO_UNROLL for (unsigned end = a.steps; end > 0;) {
        const unsigned before = end > BACK ? end - BACK : 0;
        fetch_steps(&next, &a, first, before, unit);
        UNROLL for (unsigned k = 0; k < BACK; ++k) {
            // beyond the first step, values are 0 and not used
            if (k < end) a.current_adjoints[(first + end - 1 - k) * a.units + unit] = u.a_i;
            lif_backward_unit(&u, &a, now.above[k] + d_count, now.pre_reset[k], now.was_reset[k]);
        }
        now = next;
        end = before;
    }
}

// sum[s] += row `post` of `rows` times the adjoint current of sample s, for every samples-th row below `end`. Returns the next row.
DEVICE unsigned multiply_rows(float *sum, const float *rows, const float *currents, unsigned units, unsigned samples, unsigned unit,
                              unsigned post, unsigned end) {
    NO_UNROLL for (; post + (AHEAD - 1) * samples < end; post += AHEAD * samples) {
        float v[AHEAD];
        UNROLL for (unsigned k = 0; k < AHEAD; ++k) v[k] = rows[(size_t)(post + k * samples) * units + unit];
        UNROLL for (unsigned k = 0; k < AHEAD; ++k)
            UNROLL for (unsigned s = 0; s < samples; ++s)
                sum[s] = fmaf(v[k], currents[(post + k * samples) * samples + s], sum[s]);
    }
    NO_UNROLL for (; post < end; post += samples)
        UNROLL for (unsigned s = 0; s < samples; ++s)
            sum[s] = fmaf(rows[(size_t)post * units + unit], currents[post * samples + s], sum[s]);
    return post;
}

// With a gradient through V, and more units than fit in a tile (lif_backward_tile.cuh): a block processes several samples backward over
// all steps, which share every row of V. Thread (t, s) has the units t, t + threads, .. of sample s, and sums every samples-th row of V
// for the units t, .. of all samples. As many rows of V as fit are on chip; the others are read through the second-level cache.
DEVICE void lif_backward_samples(const struct LifBackward *a, const unsigned samples, const unsigned per_thread) {
    SHARED(float, currents); // a_I[n + 1], [units, samples]
    float *parts = currents + (size_t)a->units * samples; // [samples, samples, units]
    float *rows = parts + (size_t)samples * samples * a->units;
    const unsigned part = threadIdx.y;
    const size_t sample = (size_t)blockIdx.x * samples + part;
    const int present = sample < a->batch;
    const unsigned threads = blockDim.x * samples, thread = part * blockDim.x + threadIdx.x;
    for (size_t e = thread; e < (size_t)a->on_chip * a->units; e += threads) rows[e] = a->transposed[e];
    for (size_t e = thread; e < (size_t)a->units * samples; e += threads) currents[e] = 0.0f;
    struct Adjoint u[4];
    UNROLL for (unsigned m = 0; m < per_thread; ++m) {
        const unsigned unit = threadIdx.x + m * blockDim.x;
        if (present && unit < a->units) u[m] = last_step(a, sample, unit);
    }
    synchronize();
    for (unsigned n = a->steps; n-- > 0;) {
        const size_t row = sample * a->steps + n;
        float pre_reset[4], a_s[4];
        int was_reset[4];
        UNROLL for (unsigned m = 0; m < per_thread; ++m) {
            const unsigned unit = threadIdx.x + m * blockDim.x;
            if (present && unit < a->units) {
                pre_reset[m] = a->trace[row * a->units + unit];
                // d zeta is read again in every step, to save registers
                a_s[m] = a->current_adjoints[row * a->units + unit];
                a_s[m] += a->d_counts ? a->d_counts[sample * a->units + unit] : 0.0f;
                was_reset[m] = n > 0 && bit(a->masks, row - 1, a->words, unit);
            }
        }
        NO_UNROLL for (unsigned unit = threadIdx.x; unit < a->units; unit += blockDim.x) {
            float sum[2] = {0.0f, 0.0f};
            const unsigned rest = multiply_rows(sum, rows, currents, a->units, samples, unit, part, a->on_chip);
            multiply_rows(sum, a->transposed, currents, a->units, samples, unit, rest, a->units);
            UNROLL for (unsigned s = 0; s < samples; ++s) parts[((size_t)part * samples + s) * a->units + unit] = sum[s];
        }
        // A loop that is not unrolled, so that there is one copy of the surrogate's code: with four, the kernel is larger than the
        // instruction cache.
        float h[4] = {0.0f, 0.0f, 0.0f, 0.0f};
        NO_UNROLL for (unsigned k = 0; k < per_thread; ++k) {
            float x = 0.0f;
            UNROLL for (unsigned m = 0; m < per_thread; ++m)
                if (m == k && present && threadIdx.x + m * blockDim.x < a->units) x = excitation(a, pre_reset[m], was_reset[m]);
            const float derivative = surrogate_derivative(a->surrogate, a->beta, x);
            UNROLL for (unsigned m = 0; m < per_thread; ++m)
                if (m == k) h[m] = derivative;
        }
        synchronize();
        UNROLL for (unsigned m = 0; m < per_thread; ++m) {
            const unsigned unit = threadIdx.x + m * blockDim.x;
            if (!present || unit >= a->units) continue;
            UNROLL for (unsigned s = 0; s < samples; ++s) a_s[m] += parts[((size_t)s * samples + part) * a->units + unit];
            a->current_adjoints[row * a->units + unit] = u[m].a_i;
            lif_backward_step(&u[m], a, a_s[m], pre_reset[m], was_reset[m], h[m]);
            currents[unit * samples + part] = u[m].a_i;
        }
        synchronize();
    }
}

KERNEL(lif_backward_recurrent_1, LifBackward, 1024) { lif_backward_samples(&a, 1, 1); }
KERNEL(lif_backward_recurrent_2, LifBackward, 1024) { lif_backward_samples(&a, 2, 1); }
KERNEL(lif_backward_recurrent_wide, LifBackward, 1024) { lif_backward_samples(&a, 1, 4); }
