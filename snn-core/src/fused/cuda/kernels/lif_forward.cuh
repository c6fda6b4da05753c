// The forward time loop of one hidden layer.
//
//     S[n]   = x[n] > 0                                              x = U - threshold
//     x[n+1] = x[n] + leak_mem (I[n] - threshold - x[n])             or -threshold after a spike; of an immediate reset with
//                                                                    -threshold for x[n] after a spike
//     I[n+1] = I[n] - leak_syn I[n] + drive[n+1] + V S[n]
//
// On entry, row n of `trace` contains drive[n], which is read before the potential replaces it: x[n] before the reset, which a
// differentiable reset needs; S[n - 1] tells whether there was a reset. States are double: rounding errors accumulate over the steps,
// and a spike that moves changes everything after it.
#pragma once
#include "common.cuh"

struct LifForward {
    float *trace;
    uint32_t *masks;
    // [batch, units]
    float *counts;
    // V, [units, units].
    const float *recurrent;
    double threshold, leak_mem, leak_syn;
    uint32_t batch, steps, units, words;
    // Whether the input is analog: its drive is then added separately from that of recurrent spikes.
    uint32_t framed;
    // Whether a spike resets the potential in the same step.
    uint32_t immediate;
};

struct Unit {
    double x, i;
    // x[n] before the reset, as in the trace.
    float pre_reset;
    float count;
};

DEVICE void rest(struct Unit *u, double threshold) {
    u->x = -threshold;
    u->pre_reset = (float)u->x;
    u->i = 0.0;
    u->count = 0.0f;
}

// From n to n + 1; `drive` is that of I[n].
DEVICE void lif_forward_unit(struct Unit *u, const struct LifForward *a, double drive, int spiking) {
    const double i = u->i + drive;
    u->i = fma(-a->leak_syn, i, i);
    const double from = a->immediate && spiking ? -a->threshold : u->x;
    const double pre_reset = fma(a->leak_mem, (i - a->threshold) - from, from);
    u->pre_reset = (float)pre_reset;
    u->x = spiking && !a->immediate ? -a->threshold : pre_reset;
    u->count += spiking ? 1.0f : 0.0f;
}

// A layer without recurrence: units are independent. Blocks are (units, samples), warps 32 units of one sample.
KERNEL(lif_forward, LifForward, 256) {
    const size_t sample = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    const unsigned unit = blockIdx.y * blockDim.x + threadIdx.x;
    // whole warps return
    if (sample >= a.batch || unit / 32 >= a.words) return;
    const int mine = unit < a.units;
    float *trace = a.trace + sample * a.steps * a.units + unit;
    uint32_t *masks = a.masks + sample * a.steps * a.words + unit / 32;
    struct Unit u;
    rest(&u, a.threshold);
    for (unsigned first = 0; first < a.steps; first += AHEAD) {
        float drive[AHEAD];
        UNROLL for (unsigned k = 0; k < AHEAD; ++k)
            drive[k] = mine && first + k < a.steps ? trace[(size_t)(first + k) * a.units] : 0.0f;
        UNROLL for (unsigned k = 0; k < AHEAD; ++k) {
            const size_t n = first + k;
            if (n >= a.steps) break;
            const int spiking = mine && u.x > 0.0;
            const uint32_t word = ballot(spiking);
            if (unit % 32 == 0) masks[n * a.words] = word;
            if (mine) trace[n * a.units] = u.pre_reset;
            lif_forward_unit(&u, &a, (double)drive[k], spiking);
        }
    }
    if (mine) a.counts[sample * a.units + unit] = u.count;
}

// A recurrent layer: a block processes one sample over all steps. Threads exchange the spikes of a step as bits in two alternating
// on-chip buffers; rows of V are read through the second-level cache, which they fit. Thread t has the units t, t + threads, .. The
// drive from below is loaded `depth` steps in advance, `depth` steps at a time.
DEVICE void lif_forward_recurrent_units(const struct LifForward *a, const unsigned per_thread, const unsigned depth,
                                        const unsigned flight) {
    SHARED(uint32_t, shared);
    const size_t sample = blockIdx.x;
    float *trace = a->trace + sample * a->steps * a->units;
    uint32_t *masks = a->masks + sample * a->steps * a->words;
    struct Unit u[4];
    float drive[4], analog[4];
    // Of steps base + 1, base + 2, ..
    float soon[4][4], later[4][4];
    UNROLL for (unsigned m = 0; m < per_thread; ++m) {
        const unsigned unit = threadIdx.x + m * blockDim.x;
        rest(&u[m], a->threshold);
        drive[m] = analog[m] = 0.0f;
        UNROLL for (unsigned k = 0; k < depth; ++k)
            soon[m][k] = unit < a->units && k + 1 < a->steps ? trace[(size_t)(k + 1) * a->units + unit] : 0.0f;
    }
    for (unsigned base = 0; base < a->steps; base += depth) {
        UNROLL for (unsigned m = 0; m < per_thread; ++m) {
            const unsigned unit = threadIdx.x + m * blockDim.x;
            UNROLL for (unsigned k = 0; k < depth; ++k) {
                const unsigned n = base + depth + 1 + k;
                later[m][k] = unit < a->units && n < a->steps ? trace[(size_t)n * a->units + unit] : 0.0f;
            }
        }
        UNROLL for (unsigned k = 0; k < depth; ++k) {
            const unsigned n = base + k;
            if (n >= a->steps) break;
            uint32_t *words = shared + (n % 2) * a->words;
            unsigned spiking = 0; // unit m in bit m
            UNROLL for (unsigned m = 0; m < per_thread; ++m) {
                const unsigned unit = threadIdx.x + m * blockDim.x;
                const int mine = unit < a->units;
                const unsigned spikes = mine && u[m].x > 0.0;
                spiking |= spikes << m;
                const uint32_t word = ballot(spikes);
                if (unit % 32 == 0 && mine) {
                    words[unit / 32] = word;
                    masks[(size_t)n * a->words + unit / 32] = word;
                }
            }
            synchronize();
            UNROLL for (unsigned m = 0; m < per_thread; ++m) {
                const unsigned unit = threadIdx.x + m * blockDim.x;
                if (unit < a->units) trace[(size_t)n * a->units + unit] = u[m].pre_reset;
                // in this order: the sum of two rounded parts is not the rounded sum
                u[m].i += (double)drive[m];
                lif_forward_unit(&u[m], a, (double)analog[m], spiking >> m & 1u);
                drive[m] = a->framed ? 0.0f : soon[m][k];
                analog[m] = a->framed ? soon[m][k] : 0.0f;
            }
            struct Cursor spikes = cursor(words, a->words);
            unsigned pre[AHEAD]; // `flight` of them
            do {
                UNROLL for (unsigned l = 0; l < flight; ++l) pre[l] = next_spike(&spikes);
                UNROLL for (unsigned m = 0; m < per_thread; ++m) {
                    const unsigned unit = threadIdx.x + m * blockDim.x;
                    float v[AHEAD];
                    UNROLL for (unsigned l = 0; l < flight; ++l)
                        v[l] = unit < a->units && pre[l] != NONE ? a->recurrent[(size_t)pre[l] * a->units + unit] : 0.0f;
                    UNROLL for (unsigned l = 0; l < flight; ++l) drive[m] += v[l];
                }
            } while (pre[flight - 1] != NONE);
        }
        UNROLL for (unsigned m = 0; m < per_thread; ++m)
            UNROLL for (unsigned k = 0; k < depth; ++k) soon[m][k] = later[m][k];
    }
    UNROLL for (unsigned m = 0; m < per_thread; ++m) {
        const unsigned unit = threadIdx.x + m * blockDim.x;
        if (unit < a->units) a->counts[sample * a->units + unit] = u[m].count;
    }
}

KERNEL(lif_forward_recurrent, LifForward, 1024) { lif_forward_recurrent_units(&a, 1, 4, 8); }
KERNEL(lif_forward_recurrent_wide, LifForward, 1024) { lif_forward_recurrent_units(&a, 4, 1, 4); }
