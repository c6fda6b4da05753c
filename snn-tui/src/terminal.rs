//! The terminal: taken over, drawn on with as few bytes as possible, and given back whatever happens.

use std::{
    io::{self, BufWriter, Stdout},
    panic,
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    QueueableCommand as _, cursor, execute,
    style::{Attribute, SetAttribute},
    terminal::{self, BeginSynchronizedUpdate, ClearType, EndSynchronizedUpdate},
};
use ratatui::{
    backend::{Backend as _, CrosstermBackend},
    buffer::Buffer,
    layout::Rect,
};

/// Large enough for most frames, so that one is one write.
const BUFFER: usize = 64 << 10;

/// Whether there is anything to give back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while the dashboard is on it.
pub(crate) struct Terminal {
    painter: Painter<BufWriter<Stdout>>,
}

impl Terminal {
    /// Takes the terminal over. It is given back when this is dropped, and in a panic.
    pub(crate) fn take() -> io::Result<Self> {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back();
            previous(panic);
        }));
        TAKEN.store(true, Ordering::SeqCst);
        terminal::enable_raw_mode()?;
        execute!(io::stdout(), terminal::EnterAlternateScreen, cursor::Hide)?;
        Ok(Self { painter: Painter::new(BufWriter::with_capacity(BUFFER, io::stdout())) })
    }

    /// Shows what `draw` paints on as much room as there is now.
    pub(crate) fn draw(&mut self, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        let (width, height) = terminal::size()?;
        self.painter.draw(Rect::new(0, 0, width, height), draw)
    }

    /// Draws everything anew next time.
    pub(crate) fn forget(&mut self) {
        self.painter.forget();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Puts the terminal back as it was; what fails now is not worth a word.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
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

/// Writes the difference between what is on the screen and what should be. Where there is none it writes nothing.
pub(crate) struct Painter<W: io::Write> {
    backend: CrosstermBackend<W>,
    shown: Option<Buffer>,
}

impl<W: io::Write> Painter<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { backend: CrosstermBackend::new(writer), shown: None }
    }

    pub(crate) fn forget(&mut self) {
        self.shown = None;
    }

    /// Paints a frame.
    pub(crate) fn draw(&mut self, area: Rect, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        let mut next = Buffer::empty(area);
        draw(area, &mut next);
        // Whatever a widget was given: what a terminal would obey is no symbol.
        for cell in &mut next.content {
            if cell.symbol().contains(snn_terminal::is_unsafe) {
                cell.set_symbol("\u{fffd}");
            }
        }
        let anew = self.shown.as_ref().is_none_or(|shown| shown.area != area);
        let before = if anew { Buffer::empty(area) } else { self.shown.take().unwrap_or_default() };
        let changes = before.diff(&next);
        if anew || !changes.is_empty() {
            self.backend.queue(BeginSynchronizedUpdate)?;
            if anew {
                self.backend.queue(terminal::Clear(ClearType::All))?;
            }
            self.backend.draw(changes.into_iter())?;
            self.backend.queue(EndSynchronizedUpdate)?;
            io::Write::flush(&mut self.backend)?;
        }
        self.shown = Some(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use ratatui::style::{Color, Style};

    use super::*;

    /// What was written, for all to see.
    #[derive(Clone, Default)]
    struct Wire(Rc<RefCell<Vec<u8>>>);

    impl io::Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Curves of three runs that grow by an epoch, within axes that stay as they are.
    #[test]
    fn a_steady_chart_of_three_runs_costs_less_than_two_kilobytes_a_frame() {
        use crate::{
            theme::{Colors, Marker, Theme},
            widgets::{Axis, AxisScale, Plot, Series},
        };
        let theme = Theme { colors: Colors::Indexed, marker: Marker::Braille };
        let plot = |epochs: u32| {
            let curve = |run: u32| {
                let value =
                    |k: u32| (f64::from(k), (f64::from(k) / 50.0).tanh() * (0.9 + 0.03 * f64::from(run)));
                let points = (0..epochs).map(value).collect();
                let letter = char::from_u32(u32::from('a') + run);
                Series {
                    letter,
                    name: format!("run {run}"),
                    points,
                    color: run as usize,
                    ..Series::default()
                }
            };
            let series: Vec<_> = (0..3).map(curve).collect();
            let values = series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
            let y = Axis::around("", AxisScale::Linear, values.collect::<Vec<_>>());
            Plot { title: "accuracy".into(), x: Axis::new("epoch", 0.0, 200.0), y, series, ..Plot::default() }
        };
        let (wire, area) = (Wire::default(), Rect::new(0, 0, 200, 50));
        let mut painter = Painter::new(wire.clone());
        let mut costs = Vec::new();
        for epochs in 150..170 {
            let before = wire.0.borrow().len();
            painter.draw(area, |area, buffer| plot(epochs).draw(theme, area, buffer)).unwrap();
            costs.push(wire.0.borrow().len() - before);
        }
        assert!(costs[1..].iter().all(|&bytes| bytes < 2000), "{costs:?}");
        assert!(costs[1..].iter().any(|&bytes| bytes > 0), "{costs:?}");
    }

    #[test]
    fn an_unchanged_frame_costs_nothing_and_a_changed_one_little() {
        let (wire, area) = (Wire::default(), Rect::new(0, 0, 80, 24));
        let mut painter = Painter::new(wire.clone());
        let text = |text: &'static str| {
            move |_: Rect, buffer: &mut Buffer| {
                buffer.set_string(3, 5, text, Style::new().fg(Color::Indexed(32)));
            }
        };
        painter.draw(area, text("spikes")).unwrap();
        let first = wire.0.borrow().len();
        assert!(first > 0);
        painter.draw(area, text("spikes")).unwrap();
        assert_eq!(wire.0.borrow().len(), first);
        painter.draw(area, text("spiked")).unwrap();
        let changed = wire.0.borrow().len() - first;
        assert!(changed > 0 && changed < 80, "{changed}");

        let mut screen = vt100::Parser::new(24, 80, 0);
        screen.process(&wire.0.borrow());
        assert_eq!(screen.screen().contents().trim(), "spiked");
        painter.forget();
        painter.draw(area, text("anew")).unwrap();
        screen.process(&wire.0.borrow());
        assert_eq!(screen.screen().contents().trim(), "anew");
    }
}
