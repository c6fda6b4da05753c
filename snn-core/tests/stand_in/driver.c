// A mock of NVIDIA's driver library for tests: one GPU that uses host memory and runs the crate's kernels, compiled as C, one thread
// at a time. Misuse aborts the program: copies beyond an allocation, memory freed twice, a launch without a context or with more
// resources than a block may have.
//
// SNN_STAND_IN_INIT sets the result of cuInit, SNN_STAND_IN_COUNT the number of GPUs, SNN_STAND_IN_MEMORY the bytes of GPU memory, and
// SNN_STAND_IN_FAULT the kernel that fails, which every later wait reports. With SNN_STAND_IN_HANG, that kernel never ends.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "kernels.c"

typedef int Result;
typedef unsigned long long Address;

enum { OK = 0, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700 };
enum { MAX_THREADS = 1024, MAX_SHARED = 48 << 10, STACK = 64 << 10, WARP = 32 };

static long setting(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static void require(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "stand-in driver: %s\n", what);
    abort();
}

// Like the driver, the mock may be called from several threads: one call at a time.
static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static int lock(void) { return pthread_mutex_lock(&mutex); }
static void unlock(const int *unused) { (void)unused, pthread_mutex_unlock(&mutex); }

#define LOCKED __attribute__((cleanup(unlock), unused)) int locked = lock()

// Devices and contexts.

static _Thread_local void *current;
static int context;

Result cuInit(unsigned flags) { LOCKED; return flags ? 1 : (Result)setting("SNN_STAND_IN_INIT", OK); }

Result cuDeviceGetCount(int *count) {
    LOCKED;
    *count = (int)setting("SNN_STAND_IN_COUNT", 1);
    return OK;
}

Result cuDeviceGet(int *device, int ordinal) {
    LOCKED;
    *device = ordinal;
    return OK;
}

Result cuDeviceGetAttribute(int *value, int attribute, int device) {
    LOCKED;
    (void)device;
    switch (attribute) {
    case 75: *value = 9; break;          // compute capability, major
    case 76: *value = 0; break;          // minor
    case 39: *value = 2048; break;       // threads per processor
    case 97: *value = MAX_SHARED; break; // maximum on-chip memory per block
    default: *value = 1;
    }
    return OK;
}

Result cuDevicePrimaryCtxRetain(void **ctx, int device) {
    LOCKED;
    (void)device;
    *ctx = &context;
    return OK;
}

Result cuDevicePrimaryCtxRelease_v2(int device) {
    LOCKED;
    (void)device;
    return OK;
}

Result cuCtxSetCurrent(void *ctx) {
    LOCKED;
    current = ctx;
    return OK;
}

Result cuGetErrorString(Result error, const char **text) {
    LOCKED;
    (void)error;
    *text = "said by the stand-in";
    return OK;
}

// Streams and events. Work in the device's default stream is complete when the call returns. Copies in other streams are deferred until
// the caller waits for them: a caller that does not wait reads garbage.

static struct {
    char *start;
    size_t size;
} pinned[64];

static int is_pinned(const void *from, size_t size) {
    const char *start = from;
    for (size_t k = 0; k < sizeof pinned / sizeof *pinned; ++k)
        if (pinned[k].start && start >= pinned[k].start && start + size <= pinned[k].start + pinned[k].size) return 1;
    return 0;
}

static struct {
    char *to;
    const char *from;
    size_t size;
} copies[1 << 12];
// Deferred copies: those from `first_copy` to `copy_end` are pending.
static size_t first_copy, copy_end;

static void catch_up(size_t end) {
    for (; first_copy < end; ++first_copy) memcpy(copies[first_copy].to, copies[first_copy].from, copies[first_copy].size);
}

// Pending copies to pinned memory: nothing is written before the host waits for them.
static struct {
    char *to, *values;
    size_t size;
} downloads[1 << 12];
static size_t first_download, download_end;

static void deliver(size_t end) {
    for (; first_download < end; ++first_download) {
        memcpy(downloads[first_download].to, downloads[first_download].values, downloads[first_download].size);
        free(downloads[first_download].values);
    }
}

struct Event {
    struct timespec time;
    // Number of copies before the event.
    size_t copies, downloads;
};

Result cuStreamCreate(void **stream, unsigned flags) {
    LOCKED;
    require(flags == 1, "a stream that synchronizes with the default stream");
    *stream = &context;
    return OK;
}

Result cuStreamDestroy_v2(void *stream) { LOCKED; return (void)stream, OK; }
static Result harm = OK;
Result cuStreamSynchronize(void *stream) {
    LOCKED;
    if (!stream) deliver(download_end);
    return harm;
}
Result cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
    LOCKED;
    (void)flags;
    if (!stream) catch_up(((struct Event *)event)->copies);
    return OK;
}

Result cuEventCreate(void **event, unsigned flags) {
    LOCKED;
    (void)flags;
    *event = calloc(1, sizeof(struct Event));
    return *event ? OK : OUT_OF_MEMORY;
}

Result cuEventDestroy_v2(void *event) { LOCKED; return free(event), OK; }
Result cuEventRecord(void *event, void *stream) {
    LOCKED;
    struct Event *to = event;
    if (stream) to->copies = copy_end;
    else to->downloads = download_end;
    return clock_gettime(CLOCK_MONOTONIC, &to->time), OK;
}
Result cuEventSynchronize(void *event) {
    LOCKED;
    catch_up(((struct Event *)event)->copies);
    deliver(((struct Event *)event)->downloads);
    return harm;
}

Result cuEventElapsedTime(float *milliseconds, void *begin, void *end) {
    LOCKED;
    const struct timespec *from = &((struct Event *)begin)->time, *to = &((struct Event *)end)->time;
    require(from->tv_sec && to->tv_sec, "a time between events that were not recorded");
    *milliseconds = (float)(to->tv_sec - from->tv_sec) * 1e3f + (float)(to->tv_nsec - from->tv_nsec) / 1e6f;
    return harm;
}

// Memory.

static struct {
    char *start;
    size_t size;
} pieces[1 << 16];
static size_t piece_count, in_use;

static void check(Address address, size_t size, const char *what) {
    const char *start = (const char *)address;
    for (size_t k = 0; k < piece_count; ++k)
        if (pieces[k].start && start >= pieces[k].start && start + size <= pieces[k].start + pieces[k].size) return;
    require(0, what);
}

Result cuMemAlloc_v2(Address *address, size_t size) {
    LOCKED;
    if (!current) return INVALID_CONTEXT;
    if (in_use + size > (size_t)setting("SNN_STAND_IN_MEMORY", 1L << 40)) return OUT_OF_MEMORY;
    require(piece_count < sizeof pieces / sizeof *pieces, "too many pieces of memory for this test");
    char *start = malloc(size ? size : 1);
    require(start != NULL, "not enough host memory");
    memset(start, 0xff, size); // garbage: not a number
    pieces[piece_count].start = start;
    pieces[piece_count++].size = size;
    in_use += size;
    *address = (Address)start;
    return OK;
}

Result cuMemHostAlloc(void **start, size_t size, unsigned flags) {
    LOCKED;
    if (!current) return INVALID_CONTEXT;
    require(size > 0 && flags == 0, "invalid size or flags of host memory");
    for (size_t k = 0; k < sizeof pinned / sizeof *pinned; ++k)
        if (!pinned[k].start) {
            *start = pinned[k].start = malloc(size);
            pinned[k].size = size;
            return *start ? OK : OUT_OF_MEMORY;
        }
    require(0, "too many pieces of host memory for this test");
    return OUT_OF_MEMORY;
}

Result cuMemFreeHost(void *start) {
    LOCKED;
    for (size_t k = first_copy; k < copy_end; ++k)
        require(copies[k].from != start, "host memory is freed before a copy from it is complete");
    for (size_t k = first_download; k < download_end; ++k)
        require(downloads[k].to != start, "host memory is freed before a copy to it is complete");
    for (size_t k = 0; k < sizeof pinned / sizeof *pinned; ++k)
        if (pinned[k].start == start) {
            free(start);
            pinned[k].start = NULL;
            return OK;
        }
    require(0, "host memory is freed that was not allocated");
    return OK;
}

Result cuMemFree_v2(Address address) {
    LOCKED;
    for (size_t k = first_copy; k < copy_end; ++k)
        require(copies[k].to != (char *)address, "memory is freed before a copy to it is complete");
    for (size_t k = 0; k < piece_count; ++k)
        if (pieces[k].start == (char *)address) {
            in_use -= pieces[k].size;
            free(pieces[k].start);
            pieces[k].start = NULL;
            return OK;
        }
    require(0, "memory is freed that was not allocated");
    return OK;
}

static unsigned long long kept;

Result cuDeviceGetDefaultMemPool(void **pool, int device) { LOCKED; return (void)device, *pool = &context, OK; }

Result cuMemPoolSetAttribute(void *pool, int attribute, const unsigned long long *value) {
    LOCKED;
    require(pool == &context && attribute == 4, "an unknown pool, or an attribute other than the release threshold");
    kept = *value;
    return OK;
}

Result cuMemAllocAsync(Address *address, size_t size, void *stream) { LOCKED; return (void)stream, cuMemAlloc_v2(address, size); }
Result cuMemFreeAsync(Address address, void *stream) { LOCKED; return (void)stream, cuMemFree_v2(address); }

Result cuMemcpyHtoD_v2(Address to, const void *from, size_t size) {
    LOCKED;
    if (!current) return INVALID_CONTEXT;
    check(to, size, "a copy to the device goes beyond its memory");
    memcpy((void *)to, from, size);
    return OK;
}

Result cuMemcpyDtoH_v2(void *to, Address from, size_t size) {
    LOCKED;
    if (!current) return INVALID_CONTEXT;
    check(from, size, "a copy to the host goes beyond the device's memory");
    memcpy(to, (const void *)from, size);
    return OK;
}

Result cuMemcpyDtoD_v2(Address to, Address from, size_t size) {
    LOCKED;
    check(to, size, "a copy goes beyond its target");
    check(from, size, "a copy goes beyond its source");
    memmove((void *)to, (const void *)from, size);
    return OK;
}

Result cuMemsetD8_v2(Address to, unsigned char value, size_t size) {
    LOCKED;
    check(to, size, "a fill goes beyond its memory");
    memset((void *)to, value, size);
    return OK;
}

Result cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t size, void *stream) {
    LOCKED;
    if (!stream) return cuMemcpyHtoD_v2(to, from, size);
    if (!current) return INVALID_CONTEXT;
    check(to, size, "a copy to the device goes beyond its memory");
    require(is_pinned(from, size), "an asynchronous copy from memory that is not pinned makes the host wait");
    require(copy_end < sizeof copies / sizeof *copies, "too many copies for this test");
    copies[copy_end].to = (char *)to;
    copies[copy_end].from = from;
    copies[copy_end++].size = size;
    return OK;
}
Result cuMemcpyDtoHAsync_v2(void *to, Address from, size_t size, void *stream) {
    LOCKED;
    require(!stream, "a copy to the host in a stream other than the default stream");
    if (!is_pinned(to, size)) return cuMemcpyDtoH_v2(to, from, size);
    if (!current) return INVALID_CONTEXT;
    check(from, size, "a copy to the host goes beyond the device's memory");
    require(download_end < sizeof downloads / sizeof *downloads, "too many copies to the host for this test");
    char *values = malloc(size ? size : 1);
    require(values != NULL, "not enough host memory");
    memcpy(values, (const void *)from, size);
    memset(to, 0xff, size);
    downloads[download_end].to = to;
    downloads[download_end].values = values;
    downloads[download_end++].size = size;
    return OK;
}
Result cuMemcpyDtoDAsync_v2(Address to, Address from, size_t size, void *stream) {
    LOCKED;
    return (void)stream, cuMemcpyDtoD_v2(to, from, size);
}
Result cuMemsetD8Async(Address to, unsigned char value, size_t size, void *stream) {
    LOCKED;
    return (void)stream, cuMemsetD8_v2(to, value, size);
}

// Kernels.

#ifndef WITHOUT_MODULES

// dfdx's update of a parameter by SGD.
struct SgdConfig {
    double lr;
    unsigned char momentum_type[8];
    double momentum;
    unsigned char weight_decay_type[8];
    double weight_decay;
};

static void sgd_update(void **parameters) {
    const struct SgdConfig *config = parameters[0];
    const size_t count = *(const size_t *)parameters[1];
    float *param = *(float **)parameters[2], *velocity = *(float **)parameters[3];
    const float *grad = *(const float **)parameters[4];
    check((Address)param, count * sizeof *param, "SGD goes beyond its parameter");
    check((Address)velocity, count * sizeof *velocity, "SGD goes beyond its velocity");
    check((Address)grad, count * sizeof *grad, "SGD goes beyond its gradient");
    for (size_t k = 0; k < count; ++k) {
        float g = grad[k];
        if (config->weight_decay_type[0] == 1) g += (float)config->weight_decay * param[k];
        if (config->momentum_type[0] == 1) g = velocity[k] = g + (float)config->momentum * velocity[k];
        param[k] -= g * (float)config->lr;
    }
}

// dfdx's update of a parameter by Adam.
struct AdamConfig {
    double lr, beta1, beta2, eps;
    unsigned char weight_decay_type[8];
    double weight_decay;
};

static void adam_update(void **parameters) {
    const struct AdamConfig *config = parameters[0];
    const size_t count = *(const size_t *)parameters[1];
    const float step = (float)*(const int *)parameters[2];
    float *param = *(float **)parameters[3], *m = *(float **)parameters[4], *v = *(float **)parameters[5];
    const float *grad = *(const float **)parameters[6];
    check((Address)param, count * sizeof *param, "Adam goes beyond its parameter");
    check((Address)m, count * sizeof *m, "Adam goes beyond its first moment");
    check((Address)v, count * sizeof *v, "Adam goes beyond its second moment");
    check((Address)grad, count * sizeof *grad, "Adam goes beyond its gradient");
    const float beta1 = (float)config->beta1, beta2 = (float)config->beta2, lr = (float)config->lr;
    for (size_t k = 0; k < count; ++k) {
        float g = grad[k];
        if (config->weight_decay_type[0] == 1) g += (float)config->weight_decay * param[k];
        m[k] = m[k] * beta1 + g * (1.0f - beta1);
        v[k] = v[k] * beta2 + g * g * (1.0f - beta2);
        const float m_hat = m[k] / (1.0f - powf(beta1, step)), v_hat = v[k] / (1.0f - powf(beta2, step));
        g = lr * m_hat / (sqrtf(v_hat) + (float)config->eps);
        if (config->weight_decay_type[0] == 2) g += (float)config->weight_decay * lr * param[k];
        param[k] -= g;
    }
}

struct Function {
    const char *name;
    void (*body)(const void *arguments);
    // Size of the arguments in bytes.
    size_t size;
};

#define KERNELS(each) \
    each(project_events) each(project_events_on_chip) each(project_spikes) each(lif_forward) \
    each(lif_forward_recurrent) each(lif_forward_recurrent_wide) each(readout) each(readout_adjoint) \
    each(lif_backward) each(lif_backward_recurrent_1) each(lif_backward_recurrent_2) \
    each(lif_backward_recurrent_wide) each(lif_backward_recurrent_tile_2) each(lif_backward_recurrent_tile_4) \
    each(gather_events) each(gather_spikes) each(product) each(transpose) each(cross_entropy) \
    each(activity) each(train_events) each(train_frames) each(sum_gradients) each(update_weights) each(multiply_adds)

#define FUNCTION(name) {#name, snn_##name, sizeof(arguments_of_##name)},
static struct Function functions[] = {KERNELS(FUNCTION){"sgd_update_f32", NULL, 0}, {"adam_update_f32", NULL, 0}};

Result cuModuleLoad(void **module, const char *path) { LOCKED; return (void)path, *module = &context, OK; }
Result cuModuleLoadData(void **module, const void *image) { LOCKED; return (void)image, *module = &context, OK; }
Result cuModuleUnload(void *module) { LOCKED; return (void)module, OK; }

Result cuModuleGetFunction(void **function, void *module, const char *name) {
    LOCKED;
    require(module == &context, "no such module");
    for (size_t k = 0; k < sizeof functions / sizeof *functions; ++k)
        if (strcmp(functions[k].name, name) == 0) {
            *function = &functions[k];
            return OK;
        }
    // dfdx loads all kernels of a module at once
    struct Function *unknown = calloc(1, sizeof *unknown);
    char *text = malloc(64 + strlen(name));
    if (!unknown || !text) return OUT_OF_MEMORY;
    sprintf(text, "the mock driver lacks the dfdx kernel %s", name);
    unknown->name = text;
    *function = unknown;
    return strstr(name, "_f") ? OK : NOT_FOUND;
}

Result cuFuncSetAttribute(void *function, int attribute, int value) {
    LOCKED;
    (void)function;
    require(attribute == 8 && value <= MAX_SHARED, "more on-chip memory than available");
    return OK;
}

Result cuFuncGetAttribute(int *value, int attribute, void *function) {
    LOCKED;
    (void)function;
    *value = attribute == 4 ? 40 : 0; // registers per thread
    return OK;
}

Result cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void *function, int threads, size_t shared) {
    LOCKED;
    (void)function;
    require(threads > 0 && threads <= MAX_THREADS && shared <= MAX_SHARED, "a block that is too large for a multiprocessor");
    *blocks = 2048 / threads;
    return OK;
}

// A block: each thread is a coroutine that runs until it waits for the others.
enum State { READY, WAITS_FOR_BLOCK, WAITS_FOR_BITS, WAITS_FOR_WORD, DONE };

static ucontext_t scheduler, contexts[MAX_THREADS];
static struct SnnThread threads[MAX_THREADS];
static enum State states[MAX_THREADS];
// For each thread, the word it exchanges with its warp, the lane it reads, and the source line where it waits.
static uint32_t words[MAX_THREADS], lanes[MAX_THREADS], lines[MAX_THREADS];
static size_t running;
static const struct Function *launched;
static const void *launched_with;

static void wait_for(enum State state, uint32_t line) {
    states[running] = state;
    lines[running] = line;
    swapcontext(&contexts[running], &scheduler);
}

static void synchronize_threads(const void *unused, uint32_t line) { (void)unused, wait_for(WAITS_FOR_BLOCK, line); }

static uint32_t ballot_of_warp(const void *unused, uint32_t line, uint32_t predicate) {
    (void)unused;
    words[running] = predicate != 0;
    wait_for(WAITS_FOR_BITS, line);
    return words[running];
}

static uint32_t word_from_lane(const void *unused, uint32_t line, uint32_t word, uint32_t lane) {
    (void)unused;
    words[running] = word;
    lanes[running] = lane % WARP;
    wait_for(WAITS_FOR_WORD, line);
    return words[running];
}

static void thread_body(void) {
    launched->body(launched_with);
    states[running] = DONE;
}

// Resumes the threads whose wait is over. Returns whether all threads are done.
static int release_threads(size_t count) {
    size_t done = 0, at_barrier = 0, released = 0;
    uint32_t barrier = 0;
    for (size_t k = 0; k < count; ++k)
        if (states[k] == WAITS_FOR_BLOCK) barrier = lines[k];
    for (size_t k = 0; k < count; ++k) {
        done += states[k] == DONE;
        at_barrier += states[k] == WAITS_FOR_BLOCK && lines[k] == barrier;
    }
    if (done == count) return 1;
    for (size_t warp = 0; warp + WARP <= count; warp += WARP) {
        uint32_t word = 0, brought[WARP];
        size_t together = 0;
        for (size_t k = 0; k < WARP; ++k) {
            together += states[warp + k] == states[warp] && lines[warp + k] == lines[warp];
            word |= (words[warp + k] & 1) << k;
            brought[k] = words[warp + k];
        }
        const enum State state = states[warp];
        if (together != WARP || (state != WAITS_FOR_BITS && state != WAITS_FOR_WORD)) continue;
        for (size_t k = 0; k < WARP; ++k) {
            words[warp + k] = state == WAITS_FOR_BITS ? word : brought[lanes[warp + k]];
            states[warp + k] = READY;
            ++released;
        }
    }
    for (size_t k = 0; at_barrier && at_barrier + done == count && k < count; ++k)
        if (states[k] == WAITS_FOR_BLOCK) {
            states[k] = READY;
            ++released;
        }
    require(released > 0, "the threads of a kernel wait for different things");
    return 0;
}

Result cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned width, unsigned height, unsigned depth,
                      unsigned shared, void *stream, void **parameters, void **extra) {
    LOCKED;
    (void)stream;
    (void)extra;
    if (!current) return INVALID_CONTEXT;
    launched = function;
    const char *harmful = getenv("SNN_STAND_IN_FAULT");
    if (harmful && strcmp(harmful, launched->name) == 0) {
        while (getenv("SNN_STAND_IN_HANG")) pause();
        return harm = ILLEGAL_ADDRESS, OK;
    }
    if (strcmp(launched->name, "sgd_update_f32") == 0) return sgd_update(parameters), OK;
    if (strcmp(launched->name, "adam_update_f32") == 0) return adam_update(parameters), OK;
    require(launched->body != NULL, launched->name);
    const size_t count = (size_t)width * height * depth;
    require(count > 0 && count <= MAX_THREADS && depth == 1, "too many threads in a block");
    require(x > 0 && y > 0 && z > 0 && y < 65536 && z < 65536, "an impossible grid size");
    require(shared <= MAX_SHARED, "more on-chip memory than available");
    static _Alignas(16) char on_chip[MAX_SHARED];
    static char stacks[MAX_THREADS][STACK];
    launched_with = parameters[0];
    for (size_t block = 0; block < (size_t)x * y * z; ++block) {
        memset(on_chip, 0xff, sizeof on_chip);
        for (size_t k = 0; k < count; ++k) {
            threads[k] = (struct SnnThread){
                .thread = {(uint32_t)(k % width), (uint32_t)(k / width), 0},
                .block = {(uint32_t)(block % x), (uint32_t)(block / x % y), (uint32_t)(block / x / y)},
                .block_dim = {width, height, 1},
                .grid_dim = {x, y, z},
                .shared = on_chip,
                .synchronize = synchronize_threads,
                .ballot = ballot_of_warp,
                .from_lane = word_from_lane,
            };
            states[k] = READY;
            words[k] = 0;
            getcontext(&contexts[k]);
            contexts[k].uc_stack.ss_sp = stacks[k];
            contexts[k].uc_stack.ss_size = STACK;
            contexts[k].uc_link = &scheduler;
            makecontext(&contexts[k], thread_body, 0);
        }
        do {
            for (running = 0; running < count; ++running)
                if (states[running] == READY) {
                    snn_become(&threads[running]);
                    swapcontext(&scheduler, &contexts[running]);
                }
        } while (!release_threads(count));
    }
    return OK;
}

// Graphs: a chain of launches. SNN_STAND_IN_NO_GRAPHS makes the driver refuse them.

enum { NOT_SUPPORTED = 801, MAX_NODES = 64 };

struct Node {
    struct Function *function;
    unsigned grid[3], block[3], shared;
    void **parameters, **extra;
};

struct Graph {
    size_t count;
    struct Node nodes[MAX_NODES];
    void *arguments[MAX_NODES];
};

Result cuGraphCreate(void **graph, unsigned flags) {
    LOCKED;
    (void)flags;
    if (getenv("SNN_STAND_IN_NO_GRAPHS")) return NOT_SUPPORTED;
    *graph = calloc(1, sizeof(struct Graph));
    return *graph ? OK : OUT_OF_MEMORY;
}

Result cuGraphAddKernelNode(void **node, void *to, void *const *dependencies, size_t count, const struct Node *launch) {
    LOCKED;
    struct Graph *graph = to;
    const size_t k = graph->count;
    require(k < MAX_NODES, "too many kernels in a graph for this test");
    require(count == (k > 0) && (k == 0 || dependencies[0] == &graph->nodes[k - 1]), "kernels of a graph that may overlap");
    graph->nodes[k] = *launch;
    graph->arguments[k] = malloc(launch->function->size);
    require(graph->arguments[k] != NULL && !launch->extra, "arguments of a graph");
    memcpy(graph->arguments[k], launch->parameters[0], launch->function->size);
    graph->count += 1;
    *node = &graph->nodes[k];
    return OK;
}

Result cuGraphInstantiateWithFlags(void **executable, const void *from, unsigned long long flags) {
    LOCKED;
    (void)flags;
    struct Graph *copy = malloc(sizeof *copy);
    require(copy != NULL, "not enough host memory");
    *copy = *(const struct Graph *)from;
    for (size_t k = 0; k < copy->count; ++k) {
        const size_t size = copy->nodes[k].function->size;
        copy->arguments[k] = memcpy(malloc(size), ((const struct Graph *)from)->arguments[k], size);
    }
    *executable = copy;
    return OK;
}

Result cuGraphDestroy(void *graph) {
    LOCKED;
    for (size_t k = 0; k < ((struct Graph *)graph)->count; ++k) free(((struct Graph *)graph)->arguments[k]);
    return free(graph), OK;
}

Result cuGraphExecDestroy(void *executable) { LOCKED; return cuGraphDestroy(executable); }

Result cuGraphLaunch(void *executable, void *stream) {
    LOCKED;
    const struct Graph *graph = executable;
    for (size_t k = 0; k < graph->count; ++k) {
        const struct Node *node = &graph->nodes[k];
        void *parameters[] = {graph->arguments[k]};
        const Result result = cuLaunchKernel(node->function, node->grid[0], node->grid[1], node->grid[2], node->block[0],
                                             node->block[1], node->block[2], node->shared, stream, parameters, NULL);
        if (result) return result;
    }
    return OK;
}

#endif
