// The loss and its gradient with respect to logits and spike counts: softmax cross-entropy with smoothed labels, and the activity
// regularizer. A warp processes a sample, 32 values at a time, which every lane reads in turn, so that every sum is computed in the order
// of classes or units, as on the CPU (src/head.rs, which has the equations).
//
// Blocks are groups of samples, threads (lane, sample).
#pragma once
#include "common.cuh"

struct CrossEntropy {
    // [batch, outputs]
    const float *logits;
    float *d_logits;
    const uint16_t *labels;
    // Of each sample, in nats.
    double *losses;
    // Weights of the label and of every class in the target.
    double confidence, even;
    uint32_t batch, outputs;
    // The target of the label, that of every other class, and their common factor.
    float of_label, of_others, scale;
};

// A warp, on the logits of a sample and their gradient.
DEVICE void cross_entropy_of(const struct CrossEntropy *a, size_t sample, const float *logits, float *d_logits, unsigned lane) {
    const unsigned label = a->labels[sample];
    float largest = -INFINITY;
    for (unsigned base = 0; base < a->outputs; base += LANES) {
        const float mine = base + lane < a->outputs ? logits[base + lane] : -INFINITY;
        NO_UNROLL for (unsigned k = 0; k < LANES; ++k) largest = fmaxf(largest, as_float(from_lane(as_word(mine), k)));
    }
    float sum = 0.0f, d_all = 0.0f;
    double of_label = 0.0, of_all = 0.0;
    for (unsigned base = 0; base < a->outputs; base += LANES) {
        const unsigned count = a->outputs - base < LANES ? a->outputs - base : LANES;
        const float below = lane < count ? logits[base + lane] - largest : 0.0f, mine = expf(below);
        if (lane < count) d_logits[base + lane] = mine;
        NO_UNROLL for (unsigned k = 0; k < count; ++k) {
            const double logit = (double)as_float(from_lane(as_word(below), k));
            const int is_label = base + k == label;
            sum += as_float(from_lane(as_word(mine), k));
            d_all -= (is_label ? a->of_label : a->of_others) * a->scale;
            of_all += logit;
            if (is_label) of_label = logit;
        }
    }
    const float d_sum = (1.0f / sum) * d_all;
    for (unsigned k = lane; k < a->outputs; k += LANES)
        d_logits[k] = (k == label ? a->of_label : a->of_others) * a->scale + d_logits[k] * d_sum;
    if (lane == 0) a->losses[sample] = log((double)sum) - (a->confidence * of_label + a->even * of_all);
}

KERNEL(cross_entropy, CrossEntropy, 256) {
    const size_t sample = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    // whole warps return
    if (sample >= a.batch) return;
    cross_entropy_of(&a, sample, a.logits + sample * a.outputs, a.d_logits + sample * a.outputs, threadIdx.x);
}

struct Activity {
    // [batch, units]
    const float *counts;
    float *d_counts;
    // Of each sample, times its strength.
    double *penalties;
    double lower_strength, lower_threshold, upper_strength, upper_threshold;
    uint32_t batch, units;
    // Whether the excess over the upper bound is squared.
    uint32_t squared;
    // 1 / units, and the gradients of both terms with respect to their excess or shortfall.
    float inverse_units, d_over, d_square;
};

// A warp, on the counts of a sample and their gradient.
DEVICE void activity_of(const struct Activity *a, size_t sample, const float *counts, float *d_counts, unsigned lane) {
    // a sum of integers, exact in any order
    float total = 0.0f;
    double short_of = 0.0;
    for (unsigned base = 0; base < a->units; base += LANES) {
        const unsigned count = a->units - base < LANES ? a->units - base : LANES;
        const float mine = lane < count ? counts[base + lane] : 0.0f;
        NO_UNROLL for (unsigned k = 0; k < count; ++k) {
            const float spikes = as_float(from_lane(as_word(mine), k));
            const double missing = a->lower_threshold - (double)spikes;
            total += spikes;
            short_of += missing > 0.0 ? missing * missing : 0.0;
        }
    }
    const float over = total * a->inverse_units - (float)a->upper_threshold;
    float d_upper = 0.0f;
    if (a->upper_strength > 0.0 && over > 0.0f) d_upper = a->inverse_units * (a->squared ? (over + over) * a->d_over : a->d_over);
    for (unsigned k = lane; k < a->units; k += LANES) {
        const float missing = (float)a->lower_threshold - counts[k];
        d_counts[k] = a->lower_strength > 0.0 && missing > 0.0f ? d_upper - (missing + missing) * a->d_square : d_upper;
    }
    const double excess = (double)total / (double)a->units - a->upper_threshold;
    const double upper = excess > 0.0 ? (a->squared ? excess * excess : excess) : 0.0;
    if (lane == 0) a->penalties[sample] = a->lower_strength * short_of / (double)a->units + a->upper_strength * upper;
}

KERNEL(activity, Activity, 256) {
    const size_t sample = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    // whole warps return
    if (sample >= a.batch) return;
    activity_of(&a, sample, a.counts + sample * a.units, a.d_counts + sample * a.units, threadIdx.x);
}
