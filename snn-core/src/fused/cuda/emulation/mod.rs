//! The host as a substitute for a GPU, for tests: the sources of the kernels, compiled as C, run thread by thread.
//!
//! Blocks and threads may run in any order, as on a GPU; results must not depend on it. All memory, on chip and off, is initialized with
//! invalid values whenever it gets a new owner. With checks, a second compilation of the kernels reports every access, and traps on
//! undefined behavior.
//!
//! - `block`: threads that wait for each other; `order`: the order of blocks and threads;
//! - `memory`: buffers and their addresses; `check`: checks of accesses; in tests, `far`: offsets beyond 4 GiB, `steps`: whole steps.

#![allow(clippy::panic, reason = "a faulty kernel fails its test")]

mod block;
mod check;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod far;
mod memory;
mod order;
#[cfg(test)]
mod steps;

#[cfg(test)]
use super::kernel_device::Plain;
use super::{
    arguments::{Address, Kernel, Packed},
    kernel_device::{KernelDevice, Launch, Pool},
};
use crate::{Cpu, weights::Buffer};
use block::{Block, Body, Index};
use check::Checker;
use dfdx::prelude::CpuError;
use memory::{Memories, Memory};
use order::Order;
use std::{
    ffi::c_void,
    ptr,
    sync::{Arc, Mutex, PoisonError},
};

/// An emulated GPU.
#[derive(Debug, Clone)]
pub struct CudaEmulation {
    largest_shared: usize,
    order: Order,
    checked: bool,
    layer_by_layer: bool,
    pool: Memories,
    /// Records launches instead of running them.
    paper: Option<Paper>,
}

/// A launch that was recorded but not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperLaunch {
    /// Its name in the sources.
    pub kernel: &'static str,
    /// Blocks of the grid.
    pub blocks: [usize; 3],
    /// Threads per block.
    pub threads: [usize; 2],
    /// Bytes of on-chip memory per block.
    pub shared: usize,
}

/// The launches recorded by a [`CudaEmulation`] on paper.
#[derive(Debug, Clone, Default)]
pub struct Paper(Arc<Mutex<Vec<PaperLaunch>>>);

impl Paper {
    /// The launches since the last call, in order.
    #[must_use]
    pub fn take(&self) -> Vec<PaperLaunch> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CudaEmulation {
    /// Maximum on-chip memory per block on a GPU of compute capability 9.0.
    pub const H100: usize = super::occupancy::LARGEST_SHARED;

    /// A GPU with `largest_shared` bytes of on-chip memory per block. If `reversed`, the last block and thread run first.
    #[must_use]
    pub fn new(largest_shared: usize, reversed: bool) -> Self {
        let order = if reversed { Order::Descending } else { Order::Ascending };
        CudaEmulation {
            largest_shared,
            order,
            checked: false,
            layer_by_layer: false,
            pool: Pool::default(),
            paper: None,
        }
    }

    /// Runs blocks and threads in a different order in every turn, determined by the seed.
    #[must_use]
    pub fn shuffled(self, seed: u64) -> Self {
        CudaEmulation { order: Order::Shuffled(seed), ..self }
    }

    /// Runs a kernel per layer and pass even if a whole training step of a sample fits on chip.
    #[must_use]
    pub fn layer_by_layer(self) -> Self {
        CudaEmulation { layer_by_layer: true, ..self }
    }

    /// Runs no kernels, so results are invalid, but records all launches.
    #[must_use]
    pub fn on_paper(self) -> (Self, Paper) {
        let paper = Paper::default();
        (CudaEmulation { paper: Some(paper.clone()), ..self }, paper)
    }

    /// Checks every access: within a buffer, aligned, and without a race. This takes about thirty times as long.
    #[must_use]
    pub fn checked(self) -> Self {
        CudaEmulation { checked: true, ..self }
    }
}

impl Default for CudaEmulation {
    /// With the on-chip memory of every GPU.
    fn default() -> Self {
        Self::new(48 << 10, false)
    }
}

impl KernelDevice for CudaEmulation {
    type Device = Cpu;
    type Memory = Memory;
    type Fetch = Vec<u8>;

    fn pool(&self) -> &Pool<Memory> {
        &self.pool
    }

    fn allocate(&self, bytes: usize) -> Result<Memory, CpuError> {
        Ok(Memory::garbage(bytes))
    }

    fn lend(&self, memory: &Memory, bytes: usize) {
        if self.paper.is_none() {
            memory.poison();
        }
        memory::tell(memory.pointer() as usize, bytes);
    }

    fn poison(buffer: &mut Buffer<f32, Cpu>) {
        buffer.fill(f32::NAN);
    }

    fn address(memory: &Memory) -> Address {
        memory.pointer() as Address
    }

    fn upload(&self, memory: &mut Memory, bytes: &[u8]) -> Result<(), CpuError> {
        assert!(bytes.len() <= memory.len());
        #[expect(unsafe_code, reason = "memory of a machine")]
        // SAFETY: long enough, and borrowed mutably.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), memory.pointer(), bytes.len());
        }
        Ok(())
    }

    fn download(&self, memory: &Memory, bytes: &mut [u8]) -> Result<(), CpuError> {
        assert!(bytes.len() <= memory.len());
        #[expect(unsafe_code, reason = "memory of a machine")]
        // SAFETY: long enough, and no kernel is running.
        unsafe {
            ptr::copy_nonoverlapping(memory.pointer(), bytes.as_mut_ptr(), bytes.len());
        }
        Ok(())
    }

    fn fetch(&self, memory: &Memory, bytes: usize) -> Result<Vec<u8>, CpuError> {
        let mut copy = vec![0; bytes];
        self.download(memory, &mut copy)?;
        Ok(copy)
    }

    fn complete(fetch: Vec<u8>, bytes: &mut [u8]) -> Result<(), CpuError> {
        bytes.copy_from_slice(&fetch);
        Ok(())
    }

    fn buffer(buffer: &Buffer<f32, Cpu>) -> Address {
        memory::tell(buffer.as_ptr() as usize, size_of_val(buffer.as_slice()));
        buffer.as_ptr() as Address
    }

    fn buffer_mut(buffer: &mut Buffer<f32, Cpu>) -> Address {
        memory::tell(buffer.as_ptr() as usize, size_of_val(buffer.as_slice()));
        buffer.as_mut_ptr() as Address
    }

    fn largest_shared(&self) -> usize {
        self.largest_shared
    }

    fn whole_samples(&self) -> bool {
        !self.layer_by_layer
    }

    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    unsafe fn launch<A: Packed>(
        &self,
        kernel: &Kernel<A>,
        launch: Launch,
        arguments: &A,
    ) -> Result<(), CpuError> {
        let kind = body(kernel.name());
        assert!(launch.shared <= self.largest_shared, "{}: {launch:?}", kernel.name());
        assert!(launch.threads.iter().product::<usize>() <= 1024, "{}: {launch:?}", kernel.name());
        let [x, y, z] = launch.blocks;
        assert!(x < 1 << 31 && y < 1 << 16 && z < 1 << 16 && x * y * z > 0, "{}: {launch:?}", kernel.name());
        if let Some(Paper(paper)) = &self.paper {
            let Launch { blocks, threads, shared } = launch;
            let noted = PaperLaunch { kernel: kernel.name(), blocks, threads, shared };
            paper.lock().unwrap_or_else(PoisonError::into_inner).push(noted);
            return Ok(());
        }
        let mut checker = self.checked.then(|| Checker::new(kernel.name(), arguments));
        let arguments = ptr::from_ref(arguments).cast();
        for number in self.order.of(x * y * z, 0) {
            let index =
                Index { x: (number % x) as u32, y: (number / x % y) as u32, z: (number / x / y) as u32 };
            let shared = Memory::garbage(launch.shared);
            let block = Block { index, number, launch, shared: &shared, order: self.order };
            // SAFETY: as the caller guarantees.
            unsafe {
                match &mut checker {
                    Some(checker) => checker
                        .watch(|checker| block.run(kernel.name(), kind.checked, arguments, Some(checker))),
                    None if kind.waits => block.run(kernel.name(), kind.body, arguments, None),
                    None => block.run_straight(kind.body, arguments),
                }
            }
        }
        if let Some(fault) = checker.as_ref().and_then(Checker::fault) {
            panic!("{fault}");
        }
        Ok(())
    }
}

/// A kernel without and with checks, and whether its threads wait for each other.
struct Kind {
    body: Body,
    checked: Body,
    waits: bool,
}

macro_rules! bodies {
    ($($name:ident = $checked:ident = $kernel:literal, $waits:literal;)*) => {
        #[expect(unsafe_code, reason = "compiled from C")]
        unsafe extern "C" {
            $(
                fn $name(arguments: *const c_void);
                fn $checked(arguments: *const c_void);
            )*
            #[cfg(test)]
            fn snn_checked_faulty(arguments: *const c_void);
        }

        fn body(kernel: &str) -> Kind {
            match kernel {
                $($kernel => Kind { body: $name, checked: $checked, waits: $waits },)*
                #[cfg(test)]
                "faulty" => Kind { body: snn_checked_faulty, checked: snn_checked_faulty, waits: true },
                other => panic!("no kernel `{other}`"),
            }
        }
    };
}

bodies! {
    snn_project_events = snn_checked_project_events = "project_events", false;
    snn_project_events_on_chip = snn_checked_project_events_on_chip = "project_events_on_chip", true;
    snn_project_spikes = snn_checked_project_spikes = "project_spikes", false;
    snn_lif_forward = snn_checked_lif_forward = "lif_forward", true;
    snn_lif_forward_recurrent = snn_checked_lif_forward_recurrent = "lif_forward_recurrent", true;
    snn_lif_forward_recurrent_wide = snn_checked_lif_forward_recurrent_wide = "lif_forward_recurrent_wide", true;
    snn_readout = snn_checked_readout = "readout", false;
    snn_readout_adjoint = snn_checked_readout_adjoint = "readout_adjoint", false;
    snn_lif_backward = snn_checked_lif_backward = "lif_backward", false;
    snn_lif_backward_recurrent_1 = snn_checked_lif_backward_recurrent_1 = "lif_backward_recurrent_1", true;
    snn_lif_backward_recurrent_2 = snn_checked_lif_backward_recurrent_2 = "lif_backward_recurrent_2", true;
    snn_lif_backward_recurrent_wide = snn_checked_lif_backward_recurrent_wide = "lif_backward_recurrent_wide", true;
    snn_lif_backward_recurrent_tile_2 = snn_checked_lif_backward_recurrent_tile_2 = "lif_backward_recurrent_tile_2", true;
    snn_lif_backward_recurrent_tile_4 = snn_checked_lif_backward_recurrent_tile_4 = "lif_backward_recurrent_tile_4", true;
    snn_gather_events = snn_checked_gather_events = "gather_events", true;
    snn_gather_spikes = snn_checked_gather_spikes = "gather_spikes", true;
    snn_product = snn_checked_product = "product", true;
    snn_transpose = snn_checked_transpose = "transpose", false;
    snn_cross_entropy = snn_checked_cross_entropy = "cross_entropy", true;
    snn_activity = snn_checked_activity = "activity", true;
    snn_train_events = snn_checked_train_events = "train_events", true;
    snn_train_frames = snn_checked_train_frames = "train_frames", true;
    snn_sum_gradients = snn_checked_sum_gradients = "sum_gradients", true;
    snn_update_weights = snn_checked_update_weights = "update_weights", true;
    snn_multiply_adds = snn_checked_multiply_adds = "multiply_adds", false;
}
