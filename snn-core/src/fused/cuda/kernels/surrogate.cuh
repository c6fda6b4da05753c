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
    switch (shape) {
    case SURROGATE_SUPER_SPIKE:
        r = 1.0f / (y + 1.0f);
        return r * r;
    case SURROGATE_ASYMPTOTIC:
        r = 1.0f / (y + 1.0f);
        return b * r * r;
    case SURROGATE_SIGMOID:
        // even in x; exp of a negative number cannot overflow
        e = exp_minus(y);
        r = 1.0f / (e + 1.0f);
        return e * r * r;
    case SURROGATE_SIGMOID_RESCALED:
        e = exp_minus(y);
        r = 1.0f / (e + 1.0f);
        return 4.0f * e * r * r;
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
        return 0.398942280401432678f * b * bell(y);
    case SURROGATE_MULTI_GAUSSIAN:
        e = bell((y - 1.0f) / 6.0f) + bell((y + 1.0f) / 6.0f);
        return 0.398942280401432678f * b * (1.15f * bell(y) - 0.025f * e);
    case SURROGATE_BOXCAR:
        return 2.0f * y < 1.0f ? b : 0.0f;
    default:
        return NAN;
    }
}
