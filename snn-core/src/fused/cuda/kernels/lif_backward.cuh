// The time loop backward of one hidden layer. On the right everything at n + 1 unless it says otherwise; h = h(x[n]):
//
//     a_S[n] = W_above a_I_above + V a_I + d zeta  ( - a_U (x[n + 1] before the reset + threshold)   differentiable reset )
//     a_U[n] = (1 - leak_mem) (1 - S[n]) a_U + h a_S[n]
//     a_I[n] = (1 - leak_syn) a_I + leak_mem (1 - S[n]) a_U
//              (1 - leak_syn) a_I + leak_mem a_U, and (1 - leak_mem) U[n] in a_S                    immediate reset
//
// Row n of `current_adjoints` comes with W_above a_I_above[n + 1] and is left with a_I[n + 1], which the layer below and the weight
// gradients need.
#include "common.cuh"
#include "surrogate.cuh"

struct LifBackward {
    const float *trace;
    const uint32_t *masks;
    float *current_adjoints;
    // d zeta, [batch, units].
    const float *d_counts;
    // V transposed, [units, units].
    const float *transposed;
    uint32_t batch, steps, units, words;
    // How many rows of `transposed` are kept on chip.
    uint32_t on_chip;
    // The surrogate derivative: its code, and its slope.
    uint32_t surrogate, differentiable;
    // Whether a spike resets the potential in its own step.
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

// From n + 1 to n; `pre_reset` is x[n] before the reset, `was_reset` S[n - 1].
DEVICE void lif_backward_unit(struct Adjoint *u, const struct LifBackward *a, float a_s, float pre_reset, int was_reset) {
    const float x = was_reset && !a->immediate ? -a->threshold : pre_reset;
    if (a->differentiable) {
        // an immediate reset wipes out b_mem U[n]
        const float potential = x + a->threshold;
        const float wiped_out = a->immediate ? fmaf(-a->leak_mem, potential, potential) : u->u_next;
        a_s = fmaf(-u->a_u, wiped_out, a_s);
        u->u_next = pre_reset + a->threshold;
    }
    const float kept = u->spiked ? 0.0f : u->a_u;
    u->a_i = fmaf(a->leak_mem, a->immediate ? u->a_u : kept, fmaf(-a->leak_syn, u->a_i, u->a_i));
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

// Without a gradient through V: every unit for itself. Blocks are (units, samples).
KERNEL(lif_backward, LifBackward, 256) {
    const size_t sample = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    const unsigned unit = blockIdx.y * blockDim.x + threadIdx.x;
    if (sample >= a.batch || unit >= a.units) return;
    const size_t first = sample * a.steps;
    const float d_count = a.d_counts[sample * a.units + unit];
    struct Adjoint u = last_step(&a, sample, unit);
    for (unsigned end = a.steps; end > 0; end = end > AHEAD ? end - AHEAD : 0) {
        float pre_reset[AHEAD], above[AHEAD];
        int was_reset[AHEAD];
        UNROLL for (unsigned k = 0; k < AHEAD; ++k) {
            if (k >= end) break;
            const size_t row = first + end - 1 - k;
            pre_reset[k] = a.trace[row * a.units + unit];
            above[k] = a.current_adjoints[row * a.units + unit];
            was_reset[k] = end - 1 > k && bit(a.masks, row - 1, a.words, unit);
        }
        UNROLL for (unsigned k = 0; k < AHEAD; ++k) {
            if (k >= end) break;
            a.current_adjoints[(first + end - 1 - k) * a.units + unit] = u.a_i;
            lif_backward_unit(&u, &a, above[k] + d_count, pre_reset[k], was_reset[k]);
        }
    }
}

// With a gradient through V: a block takes some samples back through all steps, so that a row of V serves them all. Thread
// (t, s) has the units t, t + threads, .. of sample s, and adds up every samples-th row of V for the units t, .. of all samples.
// The first rows of V lie on chip, as many as fit; the others come through the second-level cache.
DEVICE void lif_backward_samples(const struct LifBackward *a, const unsigned samples, const unsigned per_thread) {
    SHARED(float, currents); // a_I[n + 1], [units, samples]
    float *parts = currents + (size_t)a->units * samples; // [samples, samples, units]
    float *rows = parts + (samples > 1 ? (size_t)samples * samples * a->units : 0);
    const unsigned part = threadIdx.y;
    const size_t sample = (size_t)blockIdx.x * samples + part;
    const int present = sample < a->batch;
    const unsigned threads = blockDim.x * samples, thread = part * blockDim.x + threadIdx.x;
    for (size_t e = thread; e < (size_t)a->on_chip * a->units; e += threads) rows[e] = a->transposed[e];
    for (size_t e = thread; e < (size_t)a->units * samples; e += threads) currents[e] = 0.0f;
    struct Adjoint u[4];
    float d_count[4];
    UNROLL for (unsigned m = 0; m < per_thread; ++m) {
        const unsigned unit = threadIdx.x + m * blockDim.x;
        if (present && unit < a->units) {
            u[m] = last_step(a, sample, unit);
            d_count[m] = a->d_counts[sample * a->units + unit];
        }
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
                a_s[m] = a->current_adjoints[row * a->units + unit] + d_count[m];
                was_reset[m] = n > 0 && bit(a->masks, row - 1, a->words, unit);
            }
        }
        UNROLL for (unsigned m = 0; m < per_thread; ++m) {
            const unsigned unit = threadIdx.x + m * blockDim.x;
            if (unit >= a->units) continue;
            float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};
            unsigned post = part;
            UNROLL_8 for (; post < a->on_chip; post += samples) {
                const float v = rows[(size_t)post * a->units + unit];
                UNROLL for (unsigned s = 0; s < samples; ++s)
                    sum[s] = fmaf(v, currents[post * samples + s], sum[s]);
            }
            UNROLL_8 for (; post < a->units; post += samples) {
                const float v = a->transposed[(size_t)post * a->units + unit];
                UNROLL for (unsigned s = 0; s < samples; ++s)
                    sum[s] = fmaf(v, currents[post * samples + s], sum[s]);
            }
            if (samples == 1) {
                a_s[m] += sum[0];
            } else {
                UNROLL for (unsigned s = 0; s < samples; ++s) parts[((size_t)part * samples + s) * a->units + unit] = sum[s];
            }
        }
        synchronize();
        UNROLL for (unsigned m = 0; m < per_thread; ++m) {
            const unsigned unit = threadIdx.x + m * blockDim.x;
            if (!present || unit >= a->units) continue;
            if (samples > 1) {
                UNROLL for (unsigned s = 0; s < samples; ++s) a_s[m] += parts[((size_t)s * samples + part) * a->units + unit];
            }
            a->current_adjoints[row * a->units + unit] = u[m].a_i;
            lif_backward_unit(&u[m], a, a_s[m], pre_reset[m], was_reset[m]);
            currents[unit * samples + part] = u[m].a_i;
        }
        synchronize();
    }
}

KERNEL(lif_backward_recurrent_1, LifBackward, 1024) { lif_backward_samples(&a, 1, 1); }
KERNEL(lif_backward_recurrent_2, LifBackward, 1024) { lif_backward_samples(&a, 2, 1); }
KERNEL(lif_backward_recurrent_4, LifBackward, 1024) { lif_backward_samples(&a, 4, 1); }
KERNEL(lif_backward_recurrent_wide, LifBackward, 1024) { lif_backward_samples(&a, 1, 4); }
