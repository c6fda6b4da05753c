// A training step of a network with one hidden layer without recurrence, if everything that a sample needs fits on chip: one block per
// sample computes forward pass, loss, backward pass, and the partial weight gradients, which sum_gradients adds. The equations are those
// of the separate kernels, and so is the order of every sum: the results have the same bits.
//
// Blocks are samples, threads (unit, group): groups, a power of two, share rows of a trace, or units of the input.
#include "lif_backward.cuh"
#include "lif_forward.cuh"
#include "loss.cuh"
#include "readout.cuh"

struct TrainSample {
    // Without traces, masks and gradients, which are on chip. If there is no regularizer, `penalties` is null.
    struct LifForward forward;
    struct Readout readout;
    struct CrossEntropy loss;
    struct Activity activity;
    struct LifBackward backward;
    // W, [inputs, units], and W_out, [units, outputs].
    const float *weights, *readout_weights;
    // The input: events as in project.cuh, or values, [batch, steps, inputs].
    const uint32_t *offsets;
    const uint16_t *indices;
    const float *frames;
    // Gradients of W and W_out of every sample, [batch, inputs, units] and [batch, units, outputs], or null.
    float *sums, *readout_sums;
    uint32_t inputs;
    // The base-2 logarithm of the number of threads per row of the readout, at least `outputs`.
    uint32_t narrow_bits;
};

// Rows or units processed together by a thread.
#define TOGETHER 4

// What a step backward needs.
struct StepBack {
    float pre_reset, above, h;
    int was_reset;
};

// `framed`: whether the input is analog.
DEVICE void train_on_chip(const struct TrainSample *a, const int framed) {
    SHARED(float, on_chip);
    const size_t sample = blockIdx.x;
    const unsigned units = a->forward.units, steps = a->forward.steps, words = a->forward.words, outputs = a->readout.outputs;
    const unsigned inputs = a->inputs;
    const unsigned unit = threadIdx.x, group = threadIdx.y, groups = blockDim.y;
    const unsigned threads = blockDim.x * groups, thread = group * blockDim.x + unit;
    const unsigned lane = thread % LANES, warp = thread / LANES, warps = threads / LANES;
    // threads of the readout: (column, row); those beyond the last whole row have no column
    const unsigned row = thread >> a->narrow_bits, rows = threads >> a->narrow_bits;
    const unsigned column = row < rows ? thread - (row << a->narrow_bits) : NONE;
    const int mine = unit < units;

    // Rows of W_out are padded to an odd number of values, so that a column is in 32 different banks; those of the readout to an odd
    // number of vectors.
    const unsigned stride = outputs | 1, pitch = 4 * ((steps + 3) / 4 | 1);
    float *readout = on_chip;                                // [outputs, pitch]: drive, then a_I[n + 1] in column n
    float *trace = readout + outputs * pitch;                // [steps, units]: drive, then potentials, as in lif_forward.cuh
    float *adjoints = trace + steps * units;                 // [steps, units]: a_I[n + 1] in row n
    float *derivatives = adjoints + steps * units;           // [steps, units]: h(x[n])
    float *weights = derivatives + steps * units;            // [inputs, units]: W, then its gradient
    // Only a differentiable reset needs potentials in the backward pass.
    if (!a->backward.differentiable) {
        weights = derivatives;
        derivatives = trace;
    }
    float *readout_weights = weights + inputs * units;       // [units, stride]
    float *logits = readout_weights + units * stride, *d_logits = logits + outputs; // [outputs]
    float *counts = d_logits + outputs, *d_counts = counts + units;                 // [units]
    uint32_t *masks = (uint32_t *)(d_counts + units);        // [steps, words]
    uint32_t *offsets = masks + steps * words;               // [steps + 1]

    // two matrices by the same code
    NO_UNROLL for (unsigned part = 0; part < 2; ++part) {
        const unsigned height = part ? units : inputs, width = part ? outputs : units;
        const unsigned x = part ? column : unit, y = part ? row : group, every = part ? rows : groups;
        if (x >= width) continue;
        const float *from = (part ? a->readout_weights : a->weights) + x;
        float *to = (part ? readout_weights : weights) + x;
        const unsigned next = part ? stride : units;
        NO_UNROLL for (unsigned first = y; first < height; first += AHEAD * every) {
            float value[AHEAD];
            UNROLL for (unsigned k = 0; k < AHEAD; ++k)
                value[k] = first + k * every < height ? from[(first + k * every) * width] : 0.0f;
            UNROLL for (unsigned k = 0; k < AHEAD; ++k)
                if (first + k * every < height) to[(first + k * every) * next] = value[k];
        }
    }
    if (!framed) {
        for (unsigned n = thread; n <= steps; n += threads) offsets[n] = a->offsets[sample * steps + n];
        NO_UNROLL for (unsigned e = thread; e < steps * units; e += threads) trace[e] = 0.0f;
    }
    synchronize();

    // The drive of step n comes from the input of step n - 1. Steps without events are found 32 at a time.
    const float *frames = framed ? a->frames + sample * steps * inputs : 0;
    if (!framed) {
        NO_UNROLL for (unsigned from = LANES * group; from < steps; from += LANES * groups) {
            const unsigned own = from + lane;
            uint32_t active = ballot(own + 1 < steps && offsets[own] != offsets[own + 1]);
            for (; active != 0; active &= active - 1) {
                const unsigned n = from + lowest_bit(active);
                const uint32_t end = offsets[n + 1];
                float sum = 0.0f;
                NO_UNROLL for (uint32_t q = offsets[n]; q < end; ++q)
                    sum += mine ? weights[a->indices[q] * units + unit] : 0.0f;
                if (mine) trace[(n + 1) * units + unit] = sum;
            }
        }
    } else if (mine) {
        NO_UNROLL for (unsigned first = TOGETHER * group; first < steps; first += TOGETHER * groups) {
            float sum[TOGETHER];
            unsigned at[TOGETHER]; // the row of step n - 1, or some row if there is none
            UNROLL for (unsigned r = 0; r < TOGETHER; ++r) {
                const unsigned n = first + r;
                sum[r] = 0.0f;
                at[r] = (n > 0 && n < steps ? n - 1 : 0) * inputs;
            }
            NO_UNROLL for (unsigned k = 0; k < inputs; ++k) {
                const float w = weights[k * units + unit];
                UNROLL for (unsigned r = 0; r < TOGETHER; ++r) {
                    const float value = frames[at[r] + k];
                    sum[r] = fmaf(first + r > 0 ? value : 0.0f, w, sum[r]);
                }
            }
            UNROLL for (unsigned r = 0; r < TOGETHER; ++r)
                if (first + r < steps) trace[(first + r) * units + unit] = sum[r];
        }
    }
    synchronize();

    if (group == 0) {
        struct Unit u;
        rest(&u, a->forward.threshold);
        // the next drive is loaded while this step is computed
        float *now = trace + unit, next = mine ? *now : 0.0f;
        uint32_t *mask = masks + warp;
        NO_UNROLL for (unsigned n = 0; n < steps; ++n, now += units, mask += words) {
            const float drive = next;
            if (mine && n + 1 < steps) next = now[units];
            const int spiking = mine && u.x > 0.0;
            const uint32_t word = ballot(spiking);
            if (lane == 0) *mask = word;
            if (mine) *now = u.pre_reset;
            lif_forward_unit(&u, &a->forward, (double)drive, spiking);
        }
        if (mine) counts[unit] = a->forward.counts[sample * units + unit] = u.count;
    }
    synchronize();

    if (column < outputs) {
        NO_UNROLL for (unsigned n = row; n < steps; n += rows) {
            float sum = 0.0f;
            if (n > 0) {
                struct Cursor spikes = cursor(masks + (n - 1) * words, words);
                unsigned k;
                while ((k = next_spike(&spikes)) != NONE) sum += readout_weights[k * stride + column];
            }
            readout[column * pitch + n] = sum;
        }
    }
    synchronize();

    // Some warps run the readout, the others compute the derivatives of the surrogate.
    const unsigned readers = (outputs + LANES - 1) / LANES;
    uint32_t argmax_step = 0;
    if (thread < outputs) {
        struct Integrator s;
        readout_start(&s, &a->readout);
        const float *drive = readout + thread * pitch;
        float next = drive[0];
        NO_UNROLL for (unsigned n = 0; n < steps; ++n) {
            const float now = next;
            if (n + 1 < steps) next = drive[n + 1];
            readout_step(&s, &a->readout, n, now);
        }
        logits[thread] = a->readout.logits[sample * outputs + thread] = (float)s.best;
        argmax_step = s.argmax_step;
    } else if (warp >= readers) {
        const unsigned first = warp - readers, every = warps - readers, shape = a->backward.surrogate;
        const float beta = a->backward.beta;
        NO_UNROLL for (unsigned word = 0; word < words; ++word) {
            unsigned at = first * units + LANES * word + lane;
            if (LANES * word + lane >= units) break;
            NO_UNROLL for (unsigned n = first; n < steps; n += every, at += every * units) {
                const int was_reset = n > 0 && (masks[(n - 1) * words + word] >> lane & 1u);
                derivatives[at] = surrogate_derivative(shape, beta, excitation(&a->backward, trace[at], was_reset));
            }
        }
    }
    synchronize();

    if (warp == 0) cross_entropy_of(&a->loss, sample, logits, d_logits, lane);
    if (warp == 1 && a->activity.penalties) activity_of(&a->activity, sample, counts, d_counts, lane);
    synchronize();

    if (thread < outputs) {
        const float d = d_logits[thread];
        struct IntegratorAdjoint s = {0.0f, 0.0f};
        NO_UNROLL for (unsigned n = steps; n-- > 0;) {
            readout[thread * pitch + n] = s.a_i;
            readout_adjoint_step(&s, &a->readout, !a->readout.maximum || n == argmax_step ? d : 0.0f);
        }
    }
    synchronize();

    // four steps at a time; those beyond the last are not used
    if (mine) {
        NO_UNROLL for (unsigned first = TOGETHER * group; first < steps; first += TOGETHER * groups) {
            float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            const float *w = readout_weights + unit * stride, *above = readout + first;
            NO_UNROLL for (unsigned o = 0; o < outputs; ++o, above += pitch) {
                const float4 four = *(const float4 *)above;
                sum.x = fmaf(four.x, w[o], sum.x);
                sum.y = fmaf(four.y, w[o], sum.y);
                sum.z = fmaf(four.z, w[o], sum.z);
                sum.w = fmaf(four.w, w[o], sum.w);
            }
            float *to = adjoints + first * units + unit;
            to[0] = sum.x;
            if (first + 1 < steps) to[units] = sum.y;
            if (first + 2 < steps) to[2 * units] = sum.z;
            if (first + 3 < steps) to[3 * units] = sum.w;
        }
    }
    synchronize();

    if (group == 0 && mine) {
        const float d_count = a->activity.penalties ? d_counts[unit] : 0.0f;
        struct Adjoint u;
        u.a_u = u.a_i = u.u_next = 0.0f;
        u.spiked = bit(masks, steps - 1, words, unit);
        // the step before is loaded while this one is computed
        unsigned at = (steps - 1) * units + unit;
        const uint32_t *before = masks + (steps - 1) * words + warp;
        struct StepBack next = {trace[at], adjoints[at], derivatives[at], 0};
        NO_UNROLL for (unsigned n = steps; n-- > 0; at -= units) {
            struct StepBack now = next;
            if (n > 0) {
                before -= words;
                now.was_reset = (int)(*before >> lane & 1u);
                next.pre_reset = trace[at - units];
                next.above = adjoints[at - units];
                next.h = derivatives[at - units];
            }
            adjoints[at] = u.a_i;
            lif_backward_step(&u, &a->backward, now.above + d_count, now.pre_reset, now.was_reset, now.h);
        }
    }
    synchronize();

    // A warp has one row of W_out at a time, and finds the spikes of its unit in 32 steps at once.
    if (a->readout_sums) {
        float *sums = a->readout_sums + sample * units * outputs;
        NO_UNROLL for (unsigned k = warp; k < units; k += warps)
            NO_UNROLL for (unsigned o = lane; o - lane < outputs; o += LANES) {
                float sum = 0.0f;
                const uint32_t *word = masks + lane * words + k / LANES;
                const float *above = readout + (o < outputs ? o : 0) * pitch;
                NO_UNROLL for (unsigned n = lane; n - lane < steps; n += LANES, word += LANES * words, above += LANES) {
                    uint32_t spikes = ballot(n < steps && (*word >> k % LANES & 1u));
                    NO_UNROLL for (; spikes != 0; spikes &= spikes - 1) sum += above[lowest_bit(spikes)];
                }
                if (o < outputs) sums[k * outputs + o] = sum;
            }
    }
    if (!a->sums) return;
    float *sums = a->sums + sample * inputs * units;
    if (framed) {
        if (!mine) return;
        NO_UNROLL for (unsigned first = TOGETHER * group; first < inputs; first += TOGETHER * groups) {
            float sum[TOGETHER];
            unsigned channel[TOGETHER]; // of the input; some channel beyond the last
            UNROLL for (unsigned r = 0; r < TOGETHER; ++r) {
                sum[r] = 0.0f;
                channel[r] = first + r < inputs ? first + r : first;
            }
            NO_UNROLL for (unsigned n = 0; n < steps; ++n) {
                const float adjoint = adjoints[n * units + unit];
                UNROLL for (unsigned r = 0; r < TOGETHER; ++r) sum[r] = fmaf(frames[n * inputs + channel[r]], adjoint, sum[r]);
            }
            UNROLL for (unsigned r = 0; r < TOGETHER; ++r)
                if (first + r < inputs) sums[(first + r) * units + unit] = sum[r];
        }
        return;
    }
    // Thread (c, g) has column c of every groups-th row of the gradient, from row g.
    if (mine)
        NO_UNROLL for (unsigned k = group; k < inputs; k += groups) weights[k * units + unit] = 0.0f;
    NO_UNROLL for (unsigned from = 0; from < steps; from += LANES) {
        uint32_t active = ballot(from + lane < steps && offsets[from + lane] != offsets[from + lane + 1]);
        for (; active != 0; active &= active - 1) {
            const unsigned n = from + lowest_bit(active);
            const uint32_t end = offsets[n + 1];
            const float adjoint = mine ? adjoints[n * units + unit] : 0.0f;
            NO_UNROLL for (uint32_t q = offsets[n]; q < end; ++q) {
                const unsigned k = a->indices[q];
                if (mine && (k & (groups - 1)) == group) weights[k * units + unit] += adjoint;
            }
        }
    }
    if (mine)
        NO_UNROLL for (unsigned k = group; k < inputs; k += groups) sums[k * units + unit] = weights[k * units + unit];
}

KERNEL(train_events, TrainSample, 512) { train_on_chip(&a, 0); }
KERNEL(train_frames, TrainSample, 512) { train_on_chip(&a, 1); }
