// The readout, forward and backward: a leaky integrator without spike or reset, and the maximum (the first one if tied) or the sum of
// its potential over the steps. One thread per unit of a sample.
//
//     U[n+1] = U[n] + leak_out (I[n] - U[n])              I[n+1] = I[n] - leak_syn I[n] + drive[n+1]
//     a_U[n] = a_U - leak_out a_U + (d logit at the first maximum, or everywhere for Sum) + d U[n]
//     a_I[n] = a_I - leak_syn a_I + leak_out a_U          (on the right at n + 1)
#pragma once
#include "common.cuh"

struct Readout {
    // Drive; backward, a_I[n + 1] replaces it in row n.
    float *trace;
    // [batch, outputs]: logits, their gradient, and the step of the first maximum.
    float *logits;
    const float *d_logits;
    uint32_t *argmax_steps;
    // U[n]; backward, their gradient; [batch, steps, outputs], or null.
    float *potentials;
    double leak_out, leak_syn, start;
    uint32_t batch, steps, outputs, maximum;
};

struct Integrator {
    double u, i;
    // The maximum so far and its step, or the sum.
    double best;
    uint32_t argmax_step;
};

DEVICE void readout_start(struct Integrator *s, const struct Readout *a) {
    s->u = a->start;
    s->i = s->best = 0.0;
    s->argmax_step = 0;
}

// Step n; `drive` is that of I[n].
DEVICE void readout_step(struct Integrator *s, const struct Readout *a, unsigned n, float drive) {
    s->i += (double)drive;
    if (!a->maximum) {
        s->best += s->u;
    } else if (n == 0 || s->u > s->best) {
        s->best = s->u;
        s->argmax_step = n;
    }
    s->u = fma(a->leak_out, s->i - s->u, s->u);
    s->i = fma(-a->leak_syn, s->i, s->i);
}

KERNEL(readout, Readout, 256) {
    const size_t sample = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    const unsigned unit = blockIdx.y * blockDim.x + threadIdx.x;
    if (sample >= a.batch || unit >= a.outputs) return;
    const size_t at = sample * a.steps * a.outputs + unit;
    struct Integrator s;
    readout_start(&s, &a);
    for (unsigned first = 0; first < a.steps; first += AHEAD) {
        float drive[AHEAD];
        UNROLL for (unsigned k = 0; k < AHEAD; ++k)
            drive[k] = first + k < a.steps ? a.trace[at + (size_t)(first + k) * a.outputs] : 0.0f;
        UNROLL for (unsigned k = 0; k < AHEAD; ++k) {
            const unsigned n = first + k;
            if (n >= a.steps) break;
            if (a.potentials) a.potentials[at + (size_t)n * a.outputs] = (float)s.u;
            readout_step(&s, &a, n, drive[k]);
        }
    }
    a.logits[sample * a.outputs + unit] = (float)s.best;
    a.argmax_steps[sample * a.outputs + unit] = s.argmax_step;
}

struct IntegratorAdjoint {
    float a_u, a_i;
};

// From n + 1 to n; `direct` is the gradient with respect to U[n] that does not pass through U[n + 1].
DEVICE void readout_adjoint_step(struct IntegratorAdjoint *s, const struct Readout *a, float direct) {
    const float leak_out = (float)a->leak_out, leak_syn = (float)a->leak_syn;
    s->a_i = fmaf(leak_out, s->a_u, fmaf(-leak_syn, s->a_i, s->a_i));
    s->a_u = fmaf(-leak_out, s->a_u, s->a_u) + direct;
}

KERNEL(readout_adjoint, Readout, 256) {
    const size_t sample = (size_t)blockIdx.x * blockDim.y + threadIdx.y;
    const unsigned unit = blockIdx.y * blockDim.x + threadIdx.x;
    if (sample >= a.batch || unit >= a.outputs) return;
    float *current_adjoints = a.trace + sample * a.steps * a.outputs + unit;
    const float d = a.d_logits[sample * a.outputs + unit];
    const uint32_t argmax_step = a.argmax_steps[sample * a.outputs + unit];
    struct IntegratorAdjoint s = {0.0f, 0.0f};
    for (unsigned n = a.steps; n-- > 0;) {
        current_adjoints[(size_t)n * a.outputs] = s.a_i;
        float direct = !a.maximum || n == argmax_step ? d : 0.0f;
        if (a.potentials) direct += a.potentials[((size_t)sample * a.steps + n) * a.outputs + unit];
        readout_adjoint_step(&s, &a, direct);
    }
}
