//! What kernels run on: a GPU, or the host that stands in for one in the tests.

use super::arguments::{Address, Kernel, Packed};
use crate::{Backend, Input, weights::Buffer};
use dfdx::prelude::HasErr;
use std::{
    any::Any,
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

/// What goes wrong on a machine.
pub(crate) type Failure<M> = <<M as KernelDevice>::Device as HasErr>::Err;

/// How many blocks of how many threads, and the bytes of on-chip memory that each block has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Launch {
    pub(crate) blocks: [usize; 3],
    pub(crate) threads: [usize; 2],
    pub(crate) shared: usize,
}

/// Threads of the kernels that go by (column, row), and of those that go by element.
const THREADS: usize = 256;

/// Threads that hold together.
pub(crate) const WARP: usize = 32;

impl Launch {
    /// One thread for each of `rows` x `columns`; rows are samples or (sample, step), columns are units.
    pub(crate) fn by_column(rows: usize, columns: usize) -> Self {
        let width = columns.next_multiple_of(WARP).min(THREADS);
        let height = THREADS / width;
        Launch {
            blocks: [rows.div_ceil(height), columns.div_ceil(width), 1],
            threads: [width, height],
            shared: 0,
        }
    }

    /// One thread for each of `count`.
    pub(crate) fn by_element(count: usize) -> Self {
        Launch { blocks: [count.div_ceil(THREADS), 1, 1], threads: [THREADS, 1], shared: 0 }
    }
}

/// Runs the kernels of `kernels/`, in the order in which they are launched, on memory of its own and on dfdx's buffers.
pub(crate) trait KernelDevice: Clone + fmt::Debug + Send + Sync + 'static {
    /// The dfdx device whose buffers it works on.
    type Device: Backend<f32>;
    /// A piece of memory.
    type Memory: fmt::Debug + Send + Sync + 'static;
    /// A copy to the host that may not be complete.
    type Fetch: 'static;

    fn pool(&self) -> &Pool<Self::Memory>;
    /// Memory of `bytes` bytes, of any content.
    fn allocate(&self, bytes: usize) -> Result<Self::Memory, Failure<Self>>;
    /// Gives up what is kept for later, as there is no memory left.
    fn relieve(&self) {
        self.pool().clear();
    }
    /// What is known of the last failure beside its code, once.
    fn note(&self) -> Option<String> {
        None
    }
    /// Says that `memory` is now for `bytes` bytes, and for somebody else than before.
    fn lend(&self, memory: &Self::Memory, bytes: usize) {
        let _ = (memory, bytes);
    }
    /// Leaves in a buffer of dfdx what nobody takes for a result, where that costs no time that counts.
    fn poison(buffer: &mut Buffer<f32, Self::Device>) {
        let _ = buffer;
    }
    fn address(memory: &Self::Memory) -> Address;
    /// Copies from the host to the start of `memory`, which is long enough.
    fn upload(&self, memory: &mut Self::Memory, bytes: &[u8]) -> Result<(), Failure<Self>>;
    /// Copies the start of `memory`, which is long enough, to the host, once everything launched is done.
    fn download(&self, memory: &Self::Memory, bytes: &mut [u8]) -> Result<(), Failure<Self>>;

    /// Queues a copy of the start of `memory`, which is long enough, to the host.
    fn fetch(&self, memory: &Self::Memory, bytes: usize) -> Result<Self::Fetch, Failure<Self>>;
    /// Waits for a copy, and for nothing that was queued after it.
    fn complete(fetch: Self::Fetch, bytes: &mut [u8]) -> Result<(), Failure<Self>>;

    /// An input that was copied ahead to this machine; what is queued from now on finds it there.
    fn ahead(&self, input: &Input<f32>) -> Result<Option<Ahead>, Failure<Self>> {
        let _ = input;
        Ok(None)
    }

    /// Where a buffer of dfdx lies, to be read.
    fn buffer(buffer: &Buffer<f32, Self::Device>) -> Address;
    /// Where a buffer of dfdx lies, to be written.
    fn buffer_mut(buffer: &mut Buffer<f32, Self::Device>) -> Address;

    /// Runs the launches that this machine has recorded, if it records instead of launching at once.
    fn play(&self) -> Result<(), Failure<Self>> {
        Ok(())
    }

    /// Bytes of on-chip memory that a block can have at most.
    fn largest_shared(&self) -> usize;

    /// Starts a kernel.
    ///
    /// # Safety
    /// Every address in `arguments` is that of memory, large enough for what the kernel reads or writes there given the
    /// sizes in `arguments` and `launch`, which stays until later launches cannot tell.
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
    /// What keeps it there.
    pub(crate) kept: Arc<dyn Any + Send + Sync>,
}

/// Types that kernels and host share, any bit pattern of which is a value.
pub(crate) trait Plain: Copy + Default + 'static {
    fn bytes(values: &[Self]) -> &[u8];
    fn bytes_mut(values: &mut [Self]) -> &mut [u8];
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Plain for $type {
            #[expect(unsafe_code, reason = "numbers as bytes")]
            fn bytes(values: &[Self]) -> &[u8] {
                // SAFETY: the bytes of the slice, which are all initialized.
                unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
            }

            #[expect(unsafe_code, reason = "numbers as bytes")]
            fn bytes_mut(values: &mut [Self]) -> &mut [u8] {
                // SAFETY: the bytes of the slice, and any bytes are values of this type.
                unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
            }
        }
    )*};
}

plain!(u8, u16, u32, f32, f64);

/// `len` values in the memory of a machine. Goes back to the pool when dropped.
#[derive(Debug)]
pub(crate) struct DeviceBuffer<M: KernelDevice, T> {
    machine: M,
    /// There until dropped.
    memory: Option<(usize, M::Memory)>,
    address: Address,
    len: usize,
    values: PhantomData<T>,
}

impl<M: KernelDevice, T: Plain> DeviceBuffer<M, T> {
    /// DeviceBuffer for `len` values, of any content.
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

    /// What is kept may be all that is left: it is given up before there is no more.
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
        // what comes next on the machine comes after everything that uses this memory
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
