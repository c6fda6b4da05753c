//! Checks of every access of a kernel: it must be in a buffer named by the arguments, or in the block's on-chip memory; no other thread
//! may have written the same word since the last barrier, nor read it if this access is a write.

use super::{super::arguments::Packed, memory::buffer_at};
use std::{cell::Cell, collections::HashMap, ffi::c_void, ops::Range, ptr};

const WORD: usize = 4;

/// More than one thread.
const MANY: u32 = u32::MAX - 1;
const NOBODY: u32 = u32::MAX;

/// The last writer and reader of a word, and the barrier of their block before the access.
#[derive(Debug, Clone, Copy)]
struct Word {
    writer: u32,
    reader: u32,
    /// Block and epoch of each.
    written: (u32, u32),
    read: (u32, u32),
}

impl Default for Word {
    fn default() -> Self {
        Word { writer: NOBODY, reader: NOBODY, written: (0, 0), read: (0, 0) }
    }
}

/// One launch of a kernel.
#[derive(Debug)]
pub(super) struct Checker {
    kernel: &'static str,
    /// Memory named by the arguments.
    buffers: Vec<Range<usize>>,
    /// The arguments, and the description of the threads.
    own: [Range<usize>; 2],
    shared: Range<usize>,
    stack: Range<usize>,
    on_chip: HashMap<usize, Word>,
    global: HashMap<usize, Word>,
    block: u32,
    thread: u32,
    /// Number of barriers passed by the block.
    epoch: u32,
    fault: Option<String>,
}

thread_local! {
    static CURRENT: Cell<*mut Checker> = const { Cell::new(ptr::null_mut()) };
}

#[expect(unsafe_code, reason = "compiled from C")]
unsafe extern "C" {
    fn snn_watch(touched: Option<unsafe extern "C" fn(*const c_void, usize, i32)>);
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn touched(address: *const c_void, size: usize, written: i32) {
    let checker = CURRENT.get();
    // SAFETY: set while a kernel runs, to a checker that nothing else uses in the meantime.
    if let Some(checker) = unsafe { checker.as_mut() } {
        checker.touch(address as usize, size, written != 0);
    }
}

impl Checker {
    /// A checker for a launch with these arguments.
    pub(super) fn new<A: Packed>(kernel: &'static str, arguments: &A) -> Self {
        let words = arguments.words().into_iter().map(|word| word as usize);
        let mut buffers: Vec<_> = words.filter_map(buffer_at).collect();
        buffers.sort_by_key(|it| it.start);
        buffers.dedup();
        let start = ptr::from_ref(arguments) as usize;
        Checker {
            kernel,
            buffers,
            own: [start..start + size_of::<A>(), 0..0],
            shared: 0..0,
            stack: 0..0,
            on_chip: HashMap::new(),
            global: HashMap::new(),
            block: 0,
            thread: 0,
            epoch: 0,
            fault: None,
        }
    }

    /// Runs `body`, checking every access of the calling thread.
    pub(super) fn watch(&mut self, body: impl FnOnce(&mut Self)) {
        CURRENT.set(self);
        #[expect(unsafe_code, reason = "compiled from C")]
        // SAFETY: the function is static.
        unsafe {
            snn_watch(Some(touched));
        }
        body(self);
        #[expect(unsafe_code, reason = "compiled from C")]
        // SAFETY: as above.
        unsafe {
            snn_watch(None);
        }
        CURRENT.set(ptr::null_mut());
    }

    /// Starts a block; `threads` contains the description of its threads.
    pub(super) fn block(&mut self, block: u32, shared: Range<usize>, threads: Range<usize>) {
        (self.block, self.shared, self.epoch) = (block, shared, 0);
        self.own[1] = threads;
        self.on_chip.clear();
    }

    pub(super) fn thread(&mut self, thread: u32, stack: Range<usize>) {
        (self.thread, self.stack) = (thread, stack);
    }

    pub(super) fn barrier(&mut self) {
        self.epoch += 1;
    }

    /// The first fault.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    fn blame(&mut self, what: &str) {
        if self.fault.is_none() {
            let Self { kernel, block, thread, epoch, .. } = self;
            self.fault =
                Some(format!("`{kernel}`: thread {thread} of block {block}, after {epoch} barriers, {what}"));
        }
    }

    fn touch(&mut self, address: usize, size: usize, written: bool) {
        let end = address + size;
        let holds = |range: &Range<usize>| range.start <= address && end <= range.end;
        if holds(&self.stack) || self.own.iter().any(holds) {
            return;
        }
        let shared = holds(&self.shared);
        if !shared && !self.buffers.iter().any(holds) {
            // The access belongs to the memory whose end it has passed by the least: on the host, shared memory may be
            // allocated next to a buffer.
            let past = |range: &Range<usize>| {
                if range.start <= address { address.saturating_sub(range.end) } else { usize::MAX }
            };
            let past_shared = past(&self.shared);
            let on_chip =
                past_shared < 1 << 12 && self.buffers.iter().all(|buffer| past_shared < past(buffer));
            let place = if on_chip { "on chip" } else { "in memory" };
            let (verb, start) = (if written { "writes" } else { "reads" }, self.shared.start);
            let at = if on_chip { address - start } else { address };
            return self.blame(&format!("{verb} {size} bytes {place} at {at:#x}, where nothing is its own"));
        }
        for word in address / WORD..end.div_ceil(WORD) {
            let (me, now) = (self.thread, (self.block, self.epoch));
            let words = if shared { &mut self.on_chip } else { &mut self.global };
            let state = words.entry(word).or_default();
            // other blocks may run before, after or at the same time
            let meets = |other: u32, then: (u32, u32)| {
                other != NOBODY && (then.0 != now.0 || (other != me && then == now))
            };
            let before = *state;
            if written {
                (state.writer, state.written) = (me, now);
            } else if before.reader != NOBODY && before.read.0 != now.0 {
                // readers in several blocks: any write is a race with one of them
                (state.reader, state.read) = (MANY, (u32::MAX, 0));
            } else if before.reader == NOBODY || before.read != now {
                (state.reader, state.read) = (me, now);
            } else if before.reader != me {
                state.reader = MANY;
            }
            if meets(before.writer, before.written) {
                self.blame(if written {
                    "writes what another has written since the last barrier"
                } else {
                    "reads what another has written since the last barrier"
                });
            } else if written && meets(before.reader, before.read) {
                self.blame("writes what another has read since the last barrier");
            }
        }
    }
}
