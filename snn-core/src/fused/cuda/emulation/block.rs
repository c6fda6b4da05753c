//! A block of threads. Each thread is a coroutine, so it can wait for the others in the middle of a kernel.

use super::{
    super::kernel_device::{Launch, WARP},
    check::Checker,
    memory::Memory,
    order::Order,
};
use corosensei::{
    Coroutine, CoroutineResult, Yielder,
    stack::{DefaultStack, Stack as _},
};
use std::{
    cell::{Cell, RefCell},
    ffi::c_void,
    ops::Range,
    ptr,
};

pub(super) type Body = unsafe extern "C" fn(arguments: *const c_void);

#[expect(unsafe_code, reason = "compiled from C")]
unsafe extern "C" {
    fn snn_become(thread: *const Thread);
}

/// `struct SnnIndex`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Index {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) z: u32,
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
    synchronize: unsafe extern "C" fn(*const c_void, u32),
    ballot: unsafe extern "C" fn(*const c_void, u32, u32) -> u32,
    from_lane: unsafe extern "C" fn(*const c_void, u32, u32, u32) -> u32,
}

/// What a thread waits for, and the line of the sources.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wait {
    Block(u32),
    /// The bits of all lanes of its warp, including its own.
    Ballot(u32, bool),
    /// The word of a lane; it provides its own.
    Shuffle {
        line: u32,
        word: u32,
        lane: u32,
    },
}

impl Wait {
    /// Equal for threads that wait for each other.
    fn place(self) -> (u8, u32) {
        match self {
            Wait::Block(line) => (0, line),
            Wait::Ballot(line, _) => (1, line),
            Wait::Shuffle { line, .. } => (2, line),
        }
    }
}

/// The yielder of a running thread, valid while its coroutine exists.
struct Hook(Cell<*const Yielder<u32, Wait>>);

impl Hook {
    #[expect(unsafe_code, reason = "called from C")]
    fn wait(&self, wait: Wait) -> u32 {
        let yielder = self.0.get();
        assert!(!yielder.is_null(), "a kernel listed without waits waits");
        // SAFETY: set at the start of the calling coroutine.
        unsafe { (*yielder).suspend(wait) }
    }
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn synchronize(hook: *const c_void, line: u32) {
    // SAFETY: the hook of the running thread, which outlives it.
    unsafe { (*hook.cast::<Hook>()).wait(Wait::Block(line)) };
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn ballot(hook: *const c_void, line: u32, predicate: u32) -> u32 {
    // SAFETY: the hook of the running thread, which outlives it.
    unsafe { (*hook.cast::<Hook>()).wait(Wait::Ballot(line, predicate != 0)) }
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn from_lane(hook: *const c_void, line: u32, word: u32, lane: u32) -> u32 {
    // SAFETY: the hook of the running thread, which outlives it.
    unsafe { (*hook.cast::<Hook>()).wait(Wait::Shuffle { line, word, lane }) }
}

#[derive(Debug, Clone, Copy)]
enum ThreadState {
    /// Continues with this value.
    Ready(u32),
    Waits(Wait),
    Done,
}

pub(super) struct Block<'a> {
    pub(super) index: Index,
    /// Its index.
    pub(super) number: usize,
    pub(super) launch: Launch,
    pub(super) shared: &'a Memory,
    pub(super) order: Order,
}

thread_local! {
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

/// A stack for a kernel, and for the report of a failure in it.
fn stack() -> DefaultStack {
    const BYTES: usize = 128 << 10;
    let kept = STACKS.with_borrow_mut(Vec::pop);
    kept.unwrap_or_else(|| {
        DefaultStack::new(BYTES).unwrap_or_else(|error| panic!("no memory for a stack: {error}"))
    })
}

fn extent<T>(values: &[T]) -> Range<usize> {
    let range = values.as_ptr_range();
    range.start as usize..range.end as usize
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
            from_lane,
        }
    }

    /// Runs threads that never wait, one after the other.
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    pub(super) unsafe fn run_straight(&self, body: Body, arguments: *const c_void) {
        let hook = Hook(Cell::new(ptr::null()));
        for k in self.order.of(self.threads(), self.number) {
            let thread = self.thread(k, &raw const hook);
            // SAFETY: as the caller guarantees; `thread` outlives the body.
            unsafe {
                snn_become(&raw const thread);
                body(arguments);
            }
        }
    }

    /// Runs all threads in turns, from one wait to the next.
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    pub(super) unsafe fn run(
        &self,
        name: &str,
        body: Body,
        arguments: *const c_void,
        mut checker: Option<&mut Checker>,
    ) {
        let hooks: Vec<Hook> = (0..self.threads()).map(|_| Hook(Cell::new(ptr::null()))).collect();
        let threads: Vec<Thread> = hooks.iter().enumerate().map(|(k, hook)| self.thread(k, hook)).collect();
        let stacks: Vec<_> = hooks.iter().map(|_| stack()).collect();
        let extents: Vec<_> = stacks.iter().map(|it| it.limit().get()..it.base().get()).collect();
        if let Some(checker) = &mut checker {
            let start = self.shared.pointer() as usize;
            checker.block(self.number as u32, start..start + self.launch.shared, extent(&threads));
        }
        let mut coroutines: Vec<_> = hooks
            .iter()
            .zip(stacks)
            .map(|(hook, stack)| {
                let hook = ptr::from_ref(hook);
                Coroutine::with_stack(stack, move |yielder: &Yielder<u32, Wait>, _: u32| {
                    // SAFETY: hooks outlive coroutines, and the caller guarantees the arguments.
                    unsafe {
                        (*hook).0.set(yielder);
                        body(arguments);
                    }
                })
            })
            .collect();
        let mut states: Vec<ThreadState> = hooks.iter().map(|_| ThreadState::Ready(0)).collect();
        let mut turn = self.number;
        while !states.iter().all(|state| matches!(state, ThreadState::Done)) {
            for k in self.order.of(self.threads(), turn) {
                let ThreadState::Ready(answer) = states[k] else { continue };
                if let Some(checker) = &mut checker {
                    checker.thread(k as u32, extents[k].clone());
                }
                // SAFETY: `threads` outlives the coroutines.
                unsafe { snn_become(&raw const threads[k]) };
                states[k] = match coroutines[k].resume(answer) {
                    CoroutineResult::Yield(wait) => ThreadState::Waits(wait),
                    CoroutineResult::Return(()) => ThreadState::Done,
                };
            }
            let Released { anyone, barrier } = release(&mut states);
            if !anyone {
                // in the middle of C code, which cannot be unwound
                std::mem::forget(coroutines);
                panic!("`{name}` hangs: its threads wait for different things");
            }
            if let (Some(checker), true) = (&mut checker, barrier) {
                checker.barrier();
            }
            turn += 1;
        }
        STACKS.with_borrow_mut(|stacks| stacks.extend(coroutines.into_iter().map(Coroutine::into_stack)));
    }
}

struct Released {
    /// `false` if all threads that are left wait.
    anyone: bool,
    /// Whether the whole block has passed a barrier.
    barrier: bool,
}

/// The common wait of all these threads, if there is one.
fn common_place(states: &[ThreadState]) -> Option<(u8, u32)> {
    let place = |state: &ThreadState| match state {
        ThreadState::Waits(wait) => Some(wait.place()),
        _ => None,
    };
    let first = place(states.first()?)?;
    states.iter().all(|state| place(state) == Some(first)).then_some(first)
}

/// Releases threads whose wait is over.
fn release(states: &mut [ThreadState]) -> Released {
    let mut anyone = states.iter().all(|state| matches!(state, ThreadState::Done));
    for warp in states.chunks_mut(WARP) {
        let whole = warp.len() == WARP && common_place(warp).is_some();
        let at_barrier = matches!(warp.first(), Some(ThreadState::Waits(Wait::Block(_))));
        if !whole || at_barrier {
            continue;
        }
        let bits = warp.iter().enumerate().fold(0, |bits, (k, state)| match state {
            ThreadState::Waits(Wait::Ballot(_, true)) => bits | 1 << k,
            _ => bits,
        });
        let words: Vec<u32> = warp
            .iter()
            .map(|state| match state {
                ThreadState::Waits(Wait::Shuffle { word, .. }) => *word,
                _ => bits,
            })
            .collect();
        for state in warp.iter_mut() {
            let lane = match state {
                ThreadState::Waits(Wait::Shuffle { lane, .. }) => *lane as usize % WARP,
                _ => 0,
            };
            *state = ThreadState::Ready(words[lane]);
        }
        anyone = true;
    }
    let waiting: Vec<ThreadState> =
        states.iter().filter(|state| !matches!(state, ThreadState::Done)).copied().collect();
    let barrier = matches!(common_place(&waiting), Some((0, _)));
    if barrier {
        let waits = |state: &&mut ThreadState| !matches!(state, ThreadState::Done);
        states.iter_mut().filter(waits).for_each(|state| *state = ThreadState::Ready(0));
    }
    Released { anyone: anyone || barrier, barrier }
}
