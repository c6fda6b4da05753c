// A mock of cuBLAS: multiplies matrices in host memory.
#include <stddef.h>

static void *stream;

int cublasCreate_v2(void **handle) { return *handle = &stream, 0; }
int cublasDestroy_v2(void *handle) { return handle == &stream ? 0 : 1; }
int cublasSetStream_v2(void *handle, void *to) { return handle == &stream ? (stream = to, 0) : 1; }

// c = alpha a b + beta c, all column-major; a is [m, k] and b [k, n], or transposed.
int cublasSgemm_v2(void *handle, int transposed_a, int transposed_b, int m, int n, int k, const float *alpha, const float *a,
                   int a_column, const float *b, int b_column, const float *beta, float *c, int c_column) {
    if (handle != &stream) return 1;
    for (int column = 0; column < n; ++column)
        for (int row = 0; row < m; ++row) {
            float sum = 0.0f;
            for (int at = 0; at < k; ++at) {
                const float left = transposed_a ? a[at + (size_t)row * a_column] : a[row + (size_t)at * a_column];
                const float right = transposed_b ? b[column + (size_t)at * b_column] : b[at + (size_t)column * b_column];
                sum += left * right;
            }
            float *to = &c[row + (size_t)column * c_column];
            *to = *alpha * sum + (*beta == 0.0f ? 0.0f : *beta * *to);
        }
    return 0;
}
