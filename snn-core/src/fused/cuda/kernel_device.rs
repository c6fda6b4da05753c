//! The interface of a device that runs kernels: a GPU, or the host in tests.

use super::arguments::{Address, Kernel, Packed};
use crate::{Backend, Input, weights::Buffer};
use dfdx::prelude::HasErr;
use std::{
    any::Any,
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

/// The error of a machine.
pub(crate) type Failure<M> = <<M as KernelDevice>::Device as HasErr>::Err;

/// Blocks of the grid, threads per block, and bytes of on-chip memory per block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Launch {
    pub(crate) blocks: [usize; 3],
    pub(crate) threads: [usize; 2],
    pub(crate) shared: usize,
}

/// Threads per block of kernels with one thread per (column, row) or per element.
const THREADS: usize = 256;

/// Threads per warp.
pub(crate) const WARP: usize = 32;

impl Launch {
    /// One thread per element of `rows` x `columns`; rows are samples or (sample, step), columns are units.
    pub(crate) fn by_column(rows: usize, columns: usize) -> Self {
        let width = columns.next_multiple_of(WARP).min(THREADS);
        let height = THREADS / width;
        Launch {
            blocks: [rows.div_ceil(height), columns.div_ceil(width), 1],
            threads: [width, height],
            shared: 0,
        }
    }

    /// One thread per element.
    pub(crate) fn by_element(count: usize) -> Self {
        Launch { blocks: [count.div_ceil(THREADS), 1, 1], threads: [THREADS, 1], shared: 0 }
    }
}

/// Runs the kernels of `kernels/` in the order of their launches, on its own memory and on dfdx's buffers.
pub(crate) trait KernelDevice: Clone + fmt::Debug + Send + Sync + 'static {
    /// The dfdx device whose buffers it works on.
    type Device: Backend<f32>;
    /// A piece of memory.
    type Memory: fmt::Debug + Send + Sync + 'static;
    /// A copy to the host that may not be complete.
    type Fetch: 'static;

    fn pool(&self) -> &Pool<Self::Memory>;
    /// Uninitialized memory.
    fn allocate(&self, bytes: usize) -> Result<Self::Memory, Failure<Self>>;
    /// Frees memory kept for reuse, because there is none left.
    fn relieve(&self) {
        self.pool().clear();
    }
    /// Takes the note about the last failure, if there is one in addition to its code.
    fn note(&self) -> Option<String> {
        None
    }
    /// Called when `memory` gets a new owner, who uses `bytes` bytes.
    fn lend(&self, memory: &Self::Memory, bytes: usize) {
        let _ = (memory, bytes);
    }
    /// Fills a buffer of dfdx with invalid values, where this is cheap (in tests).
    fn poison(buffer: &mut Buffer<f32, Self::Device>) {
        let _ = buffer;
    }
    fn address(memory: &Self::Memory) -> Address;
    /// Copies from the host to the start of `memory`, which is long enough.
    fn upload(&self, memory: &mut Self::Memory, bytes: &[u8]) -> Result<(), Failure<Self>>;
    /// Waits for all launches, and copies the start of `memory`, which is long enough, to the host.
    fn download(&self, memory: &Self::Memory, bytes: &mut [u8]) -> Result<(), Failure<Self>>;

    /// Queues a copy of the start of `memory`, which is long enough, to the host.
    fn fetch(&self, memory: &Self::Memory, bytes: usize) -> Result<Self::Fetch, Failure<Self>>;
    /// Waits for a copy, and for nothing that was queued after it.
    fn complete(fetch: Self::Fetch, bytes: &mut [u8]) -> Result<(), Failure<Self>>;

    /// An input that was staged on this machine; everything queued from now on waits for its copy.
    fn ahead(&self, input: &Input<f32>) -> Result<Option<Ahead>, Failure<Self>> {
        let _ = input;
        Ok(None)
    }

    /// The address of a buffer of dfdx, for reading.
    fn buffer(buffer: &Buffer<f32, Self::Device>) -> Address;
    /// The address of a buffer of dfdx, for writing.
    fn buffer_mut(buffer: &mut Buffer<f32, Self::Device>) -> Address;

    /// Runs the launches that this machine has recorded, if it records instead of launching at once.
    fn play(&self) -> Result<(), Failure<Self>> {
        Ok(())
    }

    /// Maximum on-chip memory per block, in bytes.
    fn largest_shared(&self) -> usize;

    /// Whether one kernel may run the whole training step of a sample that fits on chip.
    fn whole_samples(&self) -> bool {
        true
    }

    /// Launches a kernel.
    ///
    /// # Safety
    /// Every address in `arguments` points to memory that is large enough for the accesses of the kernel, given the sizes in
    /// `arguments` and `launch`, and that is freed or reused only in the order of launches.
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    unsafe fn launch<A: Packed>(
        &self,
        kernel: &Kernel<A>,
        launch: Launch,
        arguments: &A,
    ) -> Result<(), Failure<Self>>;
}

/// An input on a machine: offsets and indices of its events, or its values.
pub(crate) struct Ahead {
    pub(crate) parts: [Address; 2],
    /// Keeps it allocated.
    pub(crate) kept: Arc<dyn Any + Send + Sync>,
}

/// Types shared by kernels and host, for which every bit pattern is valid.
pub(crate) trait Plain: Copy + Default + 'static {
    fn bytes(values: &[Self]) -> &[u8];
    fn bytes_mut(values: &mut [Self]) -> &mut [u8];
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Plain for $type {
            #[expect(unsafe_code, reason = "numbers as bytes")]
            fn bytes(values: &[Self]) -> &[u8] {
                // SAFETY: the bytes of a slice, all initialized.
                unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
            }

            #[expect(unsafe_code, reason = "numbers as bytes")]
            fn bytes_mut(values: &mut [Self]) -> &mut [u8] {
                // SAFETY: the bytes of a slice, and any bytes are valid values.
                unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
            }
        }
    )*};
}

plain!(u8, u16, u32, f32, f64);

/// `len` values in device memory, which returns to the pool when dropped.
#[derive(Debug)]
pub(crate) struct DeviceBuffer<M: KernelDevice, T> {
    machine: M,
    /// `None` only while dropping.
    memory: Option<(usize, M::Memory)>,
    address: Address,
    len: usize,
    values: PhantomData<T>,
}

impl<M: KernelDevice, T: Plain> DeviceBuffer<M, T> {
    /// `len` uninitialized values.
    pub(crate) fn new(machine: &M, len: usize) -> Result<Self, Failure<M>> {
        let bytes = (len * size_of::<T>()).max(1).next_multiple_of(256);
        let (capacity, memory) = match machine.pool().take(bytes) {
            Some(kept) => kept,
            None => (bytes, Self::allocate(machine, bytes)?),
        };
        machine.lend(&memory, len * size_of::<T>());
        let address = M::address(&memory);
        Ok(DeviceBuffer {
            machine: machine.clone(),
            memory: Some((capacity, memory)),
            address,
            len,
            values: PhantomData,
        })
    }

    /// If memory runs out, frees what is kept for reuse, and tries again.
    fn allocate(machine: &M, bytes: usize) -> Result<M::Memory, Failure<M>> {
        machine.allocate(bytes).or_else(|_| {
            machine.relieve();
            machine.allocate(bytes)
        })
    }

    /// A copy of `values`.
    pub(crate) fn of(machine: &M, values: &[T]) -> Result<Self, Failure<M>> {
        let mut room = Self::new(machine, values.len())?;
        if let Some((_, memory)) = &mut room.memory {
            machine.upload(memory, T::bytes(values))?;
        }
        Ok(room)
    }

    /// Queues a copy of the values to the host.
    pub(crate) fn fetch(&self) -> Result<Option<M::Fetch>, Failure<M>> {
        let bytes = self.len * size_of::<T>();
        self.memory.as_ref().map(|(_, memory)| self.machine.fetch(memory, bytes)).transpose()
    }

    /// The values, copied to the host.
    pub(crate) fn to_host(&self) -> Result<Vec<T>, Failure<M>> {
        let mut values = vec![T::default(); self.len];
        if let Some((_, memory)) = &self.memory {
            self.machine.download(memory, T::bytes_mut(&mut values))?;
        }
        Ok(values)
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }
}

impl<M: KernelDevice, T> Drop for DeviceBuffer<M, T> {
    fn drop(&mut self) {
        // later operations on the machine come after all that use this memory
        if let Some((capacity, memory)) = self.memory.take() {
            self.machine.pool().release(capacity, self.address, memory);
        }
    }
}

/// Memory for reuse: training steps request the same sizes again and again.
#[derive(Debug)]
pub(crate) struct Pool<V>(Arc<Mutex<Vec<Piece<V>>>>);

/// Capacity in bytes, address, and memory.
type Piece<V> = (usize, Address, V);

impl<V> Default for Pool<V> {
    fn default() -> Self {
        Pool(Arc::default())
    }
}

impl<V> Clone for Pool<V> {
    fn clone(&self) -> Self {
        Pool(Arc::clone(&self.0))
    }
}

impl<V> Pool<V> {
    /// The smallest piece of at least `bytes` bytes that wastes less than half of its capacity; of equal pieces, the one with the lowest
    /// address, so that the same requests get the same addresses in every step.
    fn take(&self, bytes: usize) -> Option<(usize, V)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |capacity: usize| capacity >= bytes && capacity / 2 <= bytes;
        let candidates = kept.iter().enumerate().filter(|(_, (capacity, ..))| fits(*capacity));
        let (best, _) = candidates.min_by_key(|(_, (capacity, address, _))| (*capacity, *address))?;
        let (capacity, _, memory) = kept.swap_remove(best);
        Some((capacity, memory))
    }

    fn release(&self, capacity: usize, address: Address, memory: V) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((capacity, address, memory));
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
