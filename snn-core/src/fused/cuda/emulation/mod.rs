//! The host in place of a GPU, for tests: the very sources of the kernels, compiled as C, run thread by thread.
//!
//! A thread of the GPU is a coroutine, so that it can wait in the middle of a kernel for the others. In which order threads
//! go on is free, as on a GPU; results must not depend on it. On-chip memory starts as garbage, and so does all other.

#![allow(clippy::panic, reason = "a kernel that hangs fails the test that runs it")]

use super::{
    arguments::{Address, Kernel},
    kernel_device::{KernelDevice, Launch, Pool, WARP},
};
use crate::{Cpu, weights::Buffer};
use corosensei::{Coroutine, CoroutineResult, Yielder, stack::DefaultStack};
use dfdx::prelude::CpuError;
use std::{
    cell::{Cell, RefCell, UnsafeCell},
    ffi::c_void,
    ptr,
};

/// The GPU that the host is to stand in for.
#[derive(Debug, Clone)]
pub struct CudaEmulation {
    largest_shared: usize,
    reversed: bool,
    pool: Pool<Memory>,
}

impl CudaEmulation {
    /// One whose blocks can have so many bytes of on-chip memory, and whose last thread goes first if `reversed`.
    #[must_use]
    pub fn new(largest_shared: usize, reversed: bool) -> Self {
        CudaEmulation { largest_shared, reversed, pool: Pool::default() }
    }
}

impl Default for CudaEmulation {
    /// With the on-chip memory that every GPU has.
    fn default() -> Self {
        Self::new(48 << 10, false)
    }
}

/// Memory that kernels write to while others hold its address.
#[derive(Debug)]
pub(crate) struct Memory(Box<[UnsafeCell<u64>]>);

#[expect(unsafe_code, reason = "memory of a machine")]
// SAFETY: it is touched by `upload`, `download` and `launch` alone, which run one after the other for each network.
unsafe impl Sync for Memory {}

impl Memory {
    fn garbage(bytes: usize) -> Self {
        Memory((0..bytes.div_ceil(8)).map(|_| UnsafeCell::new(u64::MAX)).collect())
    }

    fn pointer(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut().cast()
    }
}

impl KernelDevice for CudaEmulation {
    type Device = Cpu;
    type Memory = Memory;

    fn pool(&self) -> &Pool<Memory> {
        &self.pool
    }

    fn allocate(&self, bytes: usize) -> Result<Memory, CpuError> {
        Ok(Memory::garbage(bytes))
    }

    fn address(memory: &Memory) -> Address {
        memory.pointer() as Address
    }

    fn upload(&self, memory: &mut Memory, bytes: &[u8]) -> Result<(), CpuError> {
        assert!(bytes.len() <= 8 * memory.0.len());
        #[expect(unsafe_code, reason = "memory of a machine")]
        // SAFETY: long enough, and nobody else's while borrowed mutably.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), memory.pointer(), bytes.len());
        }
        Ok(())
    }

    fn download(&self, memory: &Memory, bytes: &mut [u8]) -> Result<(), CpuError> {
        assert!(bytes.len() <= 8 * memory.0.len());
        #[expect(unsafe_code, reason = "memory of a machine")]
        // SAFETY: long enough, and no kernel runs now.
        unsafe {
            ptr::copy_nonoverlapping(memory.pointer(), bytes.as_mut_ptr(), bytes.len());
        }
        Ok(())
    }

    fn buffer(buffer: &Buffer<f32, Cpu>) -> Address {
        buffer.as_ptr() as Address
    }

    fn buffer_mut(buffer: &mut Buffer<f32, Cpu>) -> Address {
        buffer.as_mut_ptr() as Address
    }

    fn largest_shared(&self) -> usize {
        self.largest_shared
    }

    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    unsafe fn launch<A>(&self, kernel: &Kernel<A>, launch: Launch, arguments: &A) -> Result<(), CpuError> {
        let (body, waits) = body(kernel.name());
        assert!(launch.shared <= self.largest_shared, "{}: {launch:?}", kernel.name());
        assert!(launch.threads.iter().product::<usize>() <= 1024, "{}: {launch:?}", kernel.name());
        let [x, y, z] = launch.blocks;
        for block in 0..x * y * z {
            let block = Index { x: (block % x) as u32, y: (block / x % y) as u32, z: (block / x / y) as u32 };
            let shared = Memory::garbage(launch.shared);
            let block = Block { index: block, launch, shared: &shared, reversed: self.reversed };
            let arguments = ptr::from_ref(arguments).cast();
            // SAFETY: as the caller says.
            unsafe {
                if waits {
                    block.run(kernel.name(), body, arguments)
                } else {
                    block.run_straight(body, arguments)
                }
            }
        }
        Ok(())
    }
}

type Body = unsafe extern "C" fn(arguments: *const c_void);

macro_rules! bodies {
    ($($name:ident = $kernel:literal, $waits:literal;)*) => {
        #[expect(unsafe_code, reason = "compiled from C")]
        unsafe extern "C" {
            $(fn $name(arguments: *const c_void);)*
        }

        /// A kernel, and whether its threads wait for each other.
        fn body(kernel: &str) -> (Body, bool) {
            match kernel {
                $($kernel => ($name, $waits),)*
                other => panic!("no kernel `{other}`"),
            }
        }
    };
}

bodies! {
    snn_project_events = "project_events", false;
    snn_project_spikes = "project_spikes", false;
    snn_lif_forward = "lif_forward", true;
    snn_lif_forward_recurrent = "lif_forward_recurrent", true;
    snn_lif_forward_recurrent_wide = "lif_forward_recurrent_wide", true;
    snn_readout = "readout", false;
    snn_readout_adjoint = "readout_adjoint", false;
    snn_lif_backward = "lif_backward", false;
    snn_lif_backward_recurrent_1 = "lif_backward_recurrent_1", true;
    snn_lif_backward_recurrent_2 = "lif_backward_recurrent_2", true;
    snn_lif_backward_recurrent_4 = "lif_backward_recurrent_4", true;
    snn_lif_backward_recurrent_wide = "lif_backward_recurrent_wide", true;
    snn_gather_events = "gather_events", true;
    snn_gather_spikes = "gather_spikes", false;
    snn_reduce_partials = "reduce_partials", false;
    snn_product = "product", true;
    snn_transpose = "transpose", false;
    snn_sum_of_squares = "sum_of_squares", true;
}

#[expect(unsafe_code, reason = "compiled from C")]
unsafe extern "C" {
    fn snn_become(thread: *const Thread);
}

/// `struct SnnIndex`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Index {
    x: u32,
    y: u32,
    z: u32,
}

/// `struct SnnThread`
#[repr(C)]
struct Thread {
    thread: Index,
    block: Index,
    block_dim: Index,
    grid_dim: Index,
    shared: *mut u8,
    /// The thread's [`Hook`].
    scheduler: *const c_void,
    synchronize: unsafe extern "C" fn(*const c_void),
    ballot: unsafe extern "C" fn(*const c_void, u32) -> u32,
}

/// What a thread waits for.
enum Wait {
    Block,
    /// The bits of all lanes of its warp; it brings its own.
    Warp(bool),
}

/// How a thread that runs gives way: set while its coroutine lives.
struct Hook(Cell<*const Yielder<u32, Wait>>);

impl Hook {
    #[expect(unsafe_code, reason = "called from C")]
    fn wait(&self, wait: Wait) -> u32 {
        let yielder = self.0.get();
        assert!(!yielder.is_null(), "a kernel that is listed as one without waits waits");
        // SAFETY: set at the start of the coroutine that calls this.
        unsafe { (*yielder).suspend(wait) }
    }
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn synchronize(hook: *const c_void) {
    // SAFETY: the hook of the running thread, which outlives it.
    unsafe { (*hook.cast::<Hook>()).wait(Wait::Block) };
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn ballot(hook: *const c_void, predicate: u32) -> u32 {
    // SAFETY: the hook of the running thread, which outlives it.
    unsafe { (*hook.cast::<Hook>()).wait(Wait::Warp(predicate != 0)) }
}

enum State {
    /// Goes on with this answer.
    Ready(u32),
    Waits(Wait),
    Done,
}

struct Block<'a> {
    index: Index,
    launch: Launch,
    shared: &'a Memory,
    reversed: bool,
}

thread_local! {
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

/// A stack for a kernel, and for what reports a failure in it.
fn stack() -> DefaultStack {
    const BYTES: usize = 128 << 10;
    let kept = STACKS.with_borrow_mut(Vec::pop);
    kept.unwrap_or_else(|| {
        DefaultStack::new(BYTES).unwrap_or_else(|error| panic!("no memory for a stack: {error}"))
    })
}

impl Block<'_> {
    fn threads(&self) -> usize {
        self.launch.threads.iter().product()
    }

    fn thread(&self, thread: usize, hook: *const Hook) -> Thread {
        let ([width, height], [x, y, z]) = (self.launch.threads, self.launch.blocks);
        Thread {
            thread: Index { x: (thread % width) as u32, y: (thread / width) as u32, z: 0 },
            block: self.index,
            block_dim: Index { x: width as u32, y: height as u32, z: 1 },
            grid_dim: Index { x: x as u32, y: y as u32, z: z as u32 },
            shared: self.shared.pointer(),
            scheduler: hook.cast(),
            synchronize,
            ballot,
        }
    }

    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (count, reversed) = (self.threads(), self.reversed);
        (0..count).map(move |k| if reversed { count - 1 - k } else { k })
    }

    /// Without waits, one thread after the other.
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    unsafe fn run_straight(&self, body: Body, arguments: *const c_void) {
        let hook = Hook(Cell::new(ptr::null()));
        for k in self.order() {
            let thread = self.thread(k, &raw const hook);
            // SAFETY: as the caller says; `thread` lives until the body is done.
            unsafe {
                snn_become(&raw const thread);
                body(arguments);
            }
        }
    }

    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    unsafe fn run(&self, name: &str, body: Body, arguments: *const c_void) {
        let hooks: Vec<Hook> = (0..self.threads()).map(|_| Hook(Cell::new(ptr::null()))).collect();
        let threads: Vec<Thread> = hooks.iter().enumerate().map(|(k, hook)| self.thread(k, hook)).collect();
        let mut coroutines: Vec<_> = hooks
            .iter()
            .map(|hook| {
                let hook = ptr::from_ref(hook);
                Coroutine::with_stack(stack(), move |yielder: &Yielder<u32, Wait>, _: u32| {
                    // SAFETY: hooks outlive coroutines, and the arguments are as the caller says.
                    unsafe {
                        (*hook).0.set(yielder);
                        body(arguments);
                    }
                })
            })
            .collect();
        let mut states: Vec<State> = hooks.iter().map(|_| State::Ready(0)).collect();
        while !states.iter().all(|state| matches!(state, State::Done)) {
            for k in self.order() {
                let State::Ready(answer) = states[k] else { continue };
                // SAFETY: `threads` outlives the coroutines.
                unsafe { snn_become(&raw const threads[k]) };
                states[k] = match coroutines[k].resume(answer) {
                    CoroutineResult::Yield(wait) => State::Waits(wait),
                    CoroutineResult::Return(()) => State::Done,
                };
            }
            assert!(release(&mut states), "`{name}` hangs: its threads wait for different things");
        }
        STACKS.with_borrow_mut(|stacks| stacks.extend(coroutines.into_iter().map(Coroutine::into_stack)));
    }
}

/// Lets go on who has waited long enough; `false` if nobody has, and somebody waits.
fn release(states: &mut [State]) -> bool {
    let mut released = states.iter().all(|state| matches!(state, State::Done));
    for warp in states.chunks_mut(WARP) {
        let lane = |state: &State| match state {
            State::Waits(Wait::Warp(bit)) => Some(*bit),
            _ => None,
        };
        if warp.len() == WARP && warp.iter().all(|state| lane(state).is_some()) {
            let bits = warp
                .iter()
                .enumerate()
                .fold(0, |bits, (k, state)| bits | u32::from(lane(state) == Some(true)) << k);
            warp.iter_mut().for_each(|state| *state = State::Ready(bits));
            released = true;
        }
    }
    let at_barrier = |state: &State| matches!(state, State::Waits(Wait::Block));
    if states.iter().any(at_barrier)
        && states.iter().all(|state| at_barrier(state) || matches!(state, State::Done))
    {
        states.iter_mut().filter(|state| at_barrier(state)).for_each(|state| *state = State::Ready(0));
        released = true;
    }
    released
}
