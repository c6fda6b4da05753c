// The end of a training step, for all weight matrices at once: sum_gradients adds up partial sums and squares, update_weights combines
// the squares into norms, clips, and updates the weights. The order of every sum depends only on the shapes.
#include "common.cuh"

// Threads per block, one per value.
#define UPDATE_THREADS 256
// Partial sums loaded at a time.
#define PARTS_AHEAD 16
// Maximum number of matrices per launch.
#define MATRICES 32

struct MatrixRow {
    float *weights;
    float *gradient;
    // State of the optimizer: Adam's moments, or the velocity of SGD and null.
    float *first, *second;
    // [parts, count]
    const float *sums;
    uint64_t count;
    // Number of partial sums. If there are none, the gradient is only read.
    uint32_t parts;
    // Index of the first block that works on this matrix.
    uint32_t first_block;
    // Whether the gradient is read before the partial sums are added; otherwise it starts at 0.
    uint32_t adds;
    // Whether update_weights skips this matrix.
    uint32_t frozen;
};

DEVICE unsigned matrix_of_block(const struct MatrixRow *rows, unsigned count) {
    unsigned found = 0;
    NO_UNROLL for (unsigned m = 1; m < count; ++m)
        if (blockIdx.x >= rows[m].first_block) found = m;
    return found;
}

// Sums one number of each thread; all threads get the result. `sums` is [UPDATE_THREADS].
DEVICE double sum_of_block(double *sums, double mine) {
    sums[threadIdx.x] = mine;
    for (unsigned half = UPDATE_THREADS / 2; half > 0; half /= 2) {
        synchronize();
        if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    synchronize();
    const double sum = sums[0];
    synchronize();
    return sum;
}

struct SumGradients {
    // One per block.
    double *squares;
    // [loss_rows, batch]
    const double *losses;
    // [loss_rows]
    double *loss_sums;
    // Blocks of the matrices; another `loss_rows` blocks follow.
    uint32_t blocks, matrices, loss_rows, batch;
    struct MatrixRow rows[MATRICES];
};

KERNEL(sum_gradients, SumGradients, UPDATE_THREADS) {
    SHARED(double, sums);
    double sum = 0.0;
    if (blockIdx.x >= a.blocks) {
        const unsigned row = blockIdx.x - a.blocks;
        for (unsigned at = threadIdx.x; at < a.batch; at += UPDATE_THREADS) sum += a.losses[(size_t)row * a.batch + at];
        sum = sum_of_block(sums, sum);
        if (threadIdx.x == 0) a.loss_sums[row] = sum;
        return;
    }
    const unsigned m = matrix_of_block(a.rows, a.matrices);
    const float *partial = a.rows[m].sums;
    float *gradient = a.rows[m].gradient;
    const size_t count = a.rows[m].count;
    const uint32_t parts = a.rows[m].parts;
    const int reads = a.rows[m].adds;
    const size_t at = (size_t)(blockIdx.x - a.rows[m].first_block) * UPDATE_THREADS + threadIdx.x;
    const int there = at < count;
    float total = reads && there ? gradient[at] : 0.0f;
    NO_UNROLL for (uint32_t p = 0; p < parts; p += PARTS_AHEAD) {
        const float *next = partial + p * count + at;
        float value[PARTS_AHEAD];
        UNROLL for (unsigned k = 0; k < PARTS_AHEAD; ++k) value[k] = there && parts - p > k ? next[k * count] : 0.0f;
        UNROLL for (unsigned k = 0; k < PARTS_AHEAD; ++k)
            if (parts - p > k) total += value[k];
    }
    if (parts != 0 && there) gradient[at] = total;
    sum = sum_of_block(sums, (double)total * (double)total);
    if (threadIdx.x == 0) a.squares[blockIdx.x] = sum;
}

enum Rule { RULE_SGD, RULE_ADAM };

// Settings of one update, in `f32` as the CPU uses them.
struct Rates {
    // Maximum norm of all gradients together; 0 disables clipping.
    double limit;
    uint32_t rule;
    float learning_rate;
    // Added to the gradient, times the weight.
    float weight_decay;
    // Subtracted from the weight, times the weight.
    float decoupled;
    // Decay of the first moment, or momentum; 1 - decay.
    float decay_first, rest_first;
    float decay_second, rest_second;
    // 1 / (1 - decay^step)
    float correction_first, correction_second;
    float epsilon;
    uint32_t padding;
};

struct UpdateWeights {
    // Of sum_gradients; null if neither norms nor clipping are requested.
    const double *squares;
    // [loss_rows]
    const double *loss_sums;
    // Squared norm of each gradient, [matrices].
    double *norms;
    // Null if only the norms are requested.
    const struct Rates *rates;
    uint32_t blocks, matrices, loss_rows, padding;
    struct MatrixRow rows[MATRICES];
};

// Nothing is updated if the loss or a gradient is not finite: the host reports the error after the next step was queued.
KERNEL(update_weights, UpdateWeights, UPDATE_THREADS) {
    SHARED(double, sums);
    int finite = 1;
    double squared_norm = 0.0;
    if (a.squares) {
        NO_UNROLL for (unsigned m = 0; m < a.matrices; ++m) {
            const unsigned end = m + 1 < a.matrices ? a.rows[m + 1].first_block : a.blocks;
            double sum = 0.0;
            for (unsigned b = a.rows[m].first_block + threadIdx.x; b < end; b += UPDATE_THREADS) sum += a.squares[b];
            sum = sum_of_block(sums, sum);
            if (blockIdx.x == 0 && threadIdx.x == 0) a.norms[m] = sum;
            const double norm = sqrt(sum);
            squared_norm += norm * norm;
        }
        NO_UNROLL for (unsigned row = 0; row < a.loss_rows; ++row) finite = finite && isfinite(a.loss_sums[row]);
        finite = finite && isfinite(squared_norm);
    }
    if (!a.rates || !finite) return;
    const struct Rates rates = *a.rates;
    const double norm = sqrt(squared_norm);
    const int clips = rates.limit > 0.0 && norm > rates.limit;
    const float factor = clips ? (float)(rates.limit / norm) : 1.0f;
    const unsigned m = matrix_of_block(a.rows, a.matrices);
    if (a.rows[m].frozen) return;
    float *weights = a.rows[m].weights, *first_state = a.rows[m].first, *second_state = a.rows[m].second;
    const float *gradient = a.rows[m].gradient;
    const size_t count = a.rows[m].count;
    const size_t at = (size_t)(blockIdx.x - a.rows[m].first_block) * UPDATE_THREADS + threadIdx.x;
    if (at >= count) return;
    const float w = weights[at];
    float step = gradient[at], first = first_state[at];
    if (clips) step *= factor;
    if (rates.weight_decay > 0.0f) step += rates.weight_decay * w;
    if (rates.rule == RULE_SGD) {
        first = step + rates.decay_first * first;
        step = first * rates.learning_rate;
    } else {
        const float before = second_state ? second_state[at] : 0.0f;
        const float second = before * rates.decay_second + step * step * rates.rest_second;
        first = first * rates.decay_first + step * rates.rest_first;
        const float mean = first * rates.correction_first, square = second * rates.correction_second;
        step = rates.learning_rate * mean / (sqrtf(square) + rates.epsilon);
        if (second_state) second_state[at] = second;
    }
    if (rates.decoupled > 0.0f) step += rates.decoupled * w;
    first_state[at] = first;
    weights[at] = w - step;
}
