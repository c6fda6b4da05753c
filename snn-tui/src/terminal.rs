//! The terminal: taken over, drawn on with as few bytes as possible, and always restored.

mod background;
mod job;
mod painter;

use std::{
    io::{self, BufWriter, Stdout},
    panic,
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    cursor, execute,
    style::{Attribute, SetAttribute},
    terminal::{self, EndSynchronizedUpdate},
};
use ratatui::{buffer::Buffer, layout::Rect};

pub(crate) use background::{Heard, Listener};
pub(crate) use painter::Painter;

/// Large enough to write most frames at once.
const BUFFER: usize = 64 << 10;

/// Whether the terminal must be restored.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Reports buttons and the wheel, with decimal coordinates. Reports of movements would only cause useless work.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// The terminal while the dashboard uses it.
pub(crate) struct Terminal {
    painter: Painter<BufWriter<Stdout>>,
    mouse: bool,
    /// Whether `suspend` has taken the terminal again, and its signal is still pending.
    is_back: bool,
}

impl Terminal {
    /// Takes over the terminal, and the mouse on request. Both are restored when this is dropped, and in a panic.
    pub(crate) fn take(mouse: bool) -> io::Result<Self> {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back();
            previous(panic);
        }));
        let painter = Painter::new(BufWriter::with_capacity(BUFFER, io::stdout()));
        let mut terminal = Self { painter, mouse, is_back: false };
        terminal.enter()?;
        Ok(terminal)
    }

    fn enter(&mut self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        terminal::enable_raw_mode()?;
        job::keep_suspend_key()?;
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        if self.mouse {
            self.painter.send(MOUSE_ON)?;
        }
        self.painter.forget();
        Ok(())
    }

    /// Asks for the background color. Whether and when an answer arrives is up to the terminal: see [`Listener`].
    pub(crate) fn ask_background(&mut self) -> io::Result<()> {
        self.painter.send(background::QUESTION)
    }

    /// Draws with `draw` at the current size of the terminal.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        let (width, height) = terminal::size()?;
        self.painter.draw(Rect::new(0, 0, width, height), draw)
    }

    /// Writes something that is not part of a frame, such as a bell.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.painter.send(bytes)
    }

    /// Redraws everything next time.
    pub(crate) fn forget(&mut self) {
        self.painter.forget();
    }

    /// Gives the terminal back to the shell, stops this process, and takes the terminal again once it is continued. Does nothing
    /// and returns `false` if no shell could continue it.
    pub(crate) fn suspend(&mut self) -> io::Result<bool> {
        if !job::has_shell() {
            return Ok(false);
        }
        give_back();
        job::stop()?;
        self.enter()?;
        self.is_back = true;
        Ok(true)
    }

    /// The process was continued. After a stop that we did not see coming (SIGSTOP), takes the terminal again, because other
    /// programs have changed it meanwhile, and returns `true`.
    pub(crate) fn resume(&mut self) -> io::Result<bool> {
        if std::mem::take(&mut self.is_back) {
            return Ok(false);
        }
        give_back();
        self.enter()?;
        Ok(true)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Restores the terminal; errors are ignored.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = io::Write::write_all(&mut io::stdout(), MOUSE_OFF);
        let _ = execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            SetAttribute(Attribute::Reset),
            terminal::LeaveAlternateScreen,
            cursor::Show
        );
        let _ = terminal::disable_raw_mode();
    }
}
