// Surrogate derivatives h(x), x = U - threshold, of slope b; their formulas and sources are in src/surrogate.
#pragma once
#include "common.cuh"

// In the order of `SurrogateShape`, as a test verifies.
enum {
    SURROGATE_SUPER_SPIKE,
    SURROGATE_SIGMOID,
    SURROGATE_SIGMOID_RESCALED,
    SURROGATE_ESSER,
    SURROGATE_ASYMPTOTIC,
    SURROGATE_CONSTANT,
    SURROGATE_TRUE,
    SURROGATE_ARCTANGENT,
    SURROGATE_GAUSSIAN,
    SURROGATE_MULTI_GAUSSIAN,
    SURROGATE_BOXCAR,
};

// exp(-y) for y >= 0; beyond 87, it stays at the smallest normal float. Not fminf, which would drop NaN.
DEVICE float exp_minus(float y) { return expf(-(y > 87.0f ? 87.0f : y)); }

// exp(-y^2 / 2)
DEVICE float bell(float y) { return exp_minus(0.5f * y * y); }

DEVICE float surrogate_derivative(unsigned shape, float b, float x) {
    const float y = b * fabsf(x);
    float r, e;
    // shapes share code, which keeps kernels small
    switch (shape) {
    case SURROGATE_SUPER_SPIKE:
    case SURROGATE_ASYMPTOTIC:
        r = 1.0f / (y + 1.0f);
        return (shape == SURROGATE_ASYMPTOTIC ? b * r : r) * r;
    case SURROGATE_SIGMOID:
    case SURROGATE_SIGMOID_RESCALED:
        // even in x; exp of a negative number cannot overflow
        e = exp_minus(y);
        r = 1.0f / (e + 1.0f);
        return (shape == SURROGATE_SIGMOID_RESCALED ? 4.0f * e : e) * r * r;
    case SURROGATE_ESSER:
        r = fmaf(-b, fabsf(x), 1.0f);
        return r < 0.0f ? 0.0f : r;
    case SURROGATE_CONSTANT:
        return 1.0f;
    case SURROGATE_TRUE:
        return 0.0f;
    case SURROGATE_ARCTANGENT:
        r = 1.57079632679489662f * y;
        return 0.5f * b / fmaf(r, r, 1.0f);
    case SURROGATE_GAUSSIAN:
    case SURROGATE_MULTI_GAUSSIAN:
        r = bell(y);
        if (shape == SURROGATE_MULTI_GAUSSIAN) {
            e = 0.0f;
            NO_UNROLL for (int side = -1; side <= 1; side += 2) e += bell((y + (float)side) / 6.0f);
            r = 1.15f * r - 0.025f * e;
        }
        return 0.398942280401432678f * b * r;
    case SURROGATE_BOXCAR:
        return 2.0f * y < 1.0f ? b : 0.0f;
    default:
        return NAN;
    }
}
