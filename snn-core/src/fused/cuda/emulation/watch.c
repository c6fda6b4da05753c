// The functions that the compiler calls at every access of the checked kernels, in place of its thread sanitizer.
#include <stddef.h>

static _Thread_local void (*touched)(const void *address, size_t size, int written);

// Reports every access of the calling thread to `to`, unless it is null.
void snn_watch(void (*to)(const void *, size_t, int)) { touched = to; }

static void tell(const void *address, size_t size, int written) {
    if (touched) touched(address, size, written);
}

#define ACCESS(name, size, written) \
    void __tsan_##name(const void *address) { tell(address, size, written); }

ACCESS(read1, 1, 0)
ACCESS(read2, 2, 0)
ACCESS(read4, 4, 0)
ACCESS(read8, 8, 0)
ACCESS(read16, 16, 0)
ACCESS(write1, 1, 1)
ACCESS(write2, 2, 1)
ACCESS(write4, 4, 1)
ACCESS(write8, 8, 1)
ACCESS(write16, 16, 1)
ACCESS(unaligned_read2, 2, 0)
ACCESS(unaligned_read4, 4, 0)
ACCESS(unaligned_read8, 8, 0)
ACCESS(unaligned_read16, 16, 0)
ACCESS(unaligned_write2, 2, 1)
ACCESS(unaligned_write4, 4, 1)
ACCESS(unaligned_write8, 8, 1)
ACCESS(unaligned_write16, 16, 1)

void __tsan_read_range(const void *address, size_t size) { tell(address, size, 0); }
void __tsan_write_range(const void *address, size_t size) { tell(address, size, 1); }
void *__tsan_memcpy(void *to, const void *from, size_t size) {
    tell(from, size, 0);
    tell(to, size, 1);
    return __builtin_memcpy(to, from, size);
}
void *__tsan_memset(void *to, int value, size_t size) {
    tell(to, size, 1);
    return __builtin_memset(to, value, size);
}

void __tsan_init(void) {}
void __tsan_func_entry(void *from) { (void)from; }
void __tsan_func_exit(void) {}
