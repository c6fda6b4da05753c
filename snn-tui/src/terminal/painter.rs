//! Frames as bytes: the difference between the current and the new content of the screen.

use std::io::{self, Write};

use crossterm::{
    QueueableCommand as _,
    terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate},
};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};

/// Writes the difference between the current and the new content; nothing if they are equal.
pub(crate) struct Painter<W: Write> {
    writer: W,
    shown: Option<Buffer>,
}

impl<W: Write> Painter<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { writer, shown: None }
    }

    pub(crate) fn forget(&mut self) {
        self.shown = None;
    }

    /// Writes something that is not part of a frame, such as a bell.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.writer.flush()
    }

    /// Paints a frame.
    pub(crate) fn draw(&mut self, area: Rect, draw: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        let mut next = Buffer::empty(area);
        draw(area, &mut next);
        // Whatever text a widget got: control characters are not symbols.
        for cell in &mut next.content {
            if cell.symbol().contains(snn_terminal::is_unsafe) {
                cell.set_symbol("\u{fffd}");
            }
        }
        let anew = self.shown.as_ref().is_none_or(|shown| shown.area != area);
        let before = if anew { Buffer::empty(area) } else { self.shown.take().unwrap_or_default() };
        let changes = before.diff(&next);
        if anew || !changes.is_empty() {
            self.writer.queue(BeginSynchronizedUpdate)?;
            if anew {
                self.writer.queue(Clear(ClearType::All))?;
            }
            self.write(&changes)?;
            self.writer.queue(EndSynchronizedUpdate)?;
            self.writer.flush()?;
        }
        self.shown = Some(next);
        Ok(())
    }

    /// Writes cells. Unlike the backend of ratatui, which writes the 16 ANSI colors as the first of 256, this writes them with their own
    /// codes, which every terminal knows.
    fn write(&mut self, cells: &[(u16, u16, &Cell)]) -> io::Result<()> {
        let plain = Look { ink: Color::Reset, paper: Color::Reset, modifier: Modifier::empty() };
        let (mut look, mut cursor) = (plain, None);
        for &(x, y, cell) in cells {
            if cursor != Some((x, y)) {
                write!(self.writer, "\x1b[{};{}H", y + 1, x + 1)?;
            }
            // After a wide character, the cursor is set again.
            cursor = Some((x + 1, y));
            let next = Look { ink: cell.fg, paper: cell.bg, modifier: cell.modifier };
            look.change(next, &mut self.writer)?;
            look = next;
            self.writer.write_all(cell.symbol().as_bytes())?;
        }
        look.change(plain, &mut self.writer)
    }
}

/// The style of a cell.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    ink: Color,
    paper: Color,
    modifier: Modifier,
}

/// Modifiers and their codes (ECMA-48, 8.3.117).
const MODIFIERS: [(Modifier, u8); 5] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::REVERSED, 7),
];

impl Look {
    /// Writes the codes that change this style to the next one.
    fn change(self, next: Self, writer: &mut impl Write) -> io::Result<()> {
        if self == next {
            return Ok(());
        }
        let mut codes: Vec<String> = Vec::new();
        let mut from = self;
        if !(self.modifier - next.modifier).is_empty() {
            codes.push("0".to_owned());
            from = Self { ink: Color::Reset, paper: Color::Reset, modifier: Modifier::empty() };
        }
        let added = next.modifier - from.modifier;
        codes
            .extend(MODIFIERS.iter().filter(|(it, _)| added.contains(*it)).map(|(_, code)| code.to_string()));
        if from.ink != next.ink {
            codes.push(color(next.ink, 30));
        }
        if from.paper != next.paper {
            codes.push(color(next.paper, 40));
        }
        write!(writer, "\x1b[{}m", codes.join(";"))
    }
}

/// The code of a color; those of inks begin at 30, those of papers at 40.
fn color(color: Color, first: u8) -> String {
    let bright = first + 60;
    let code = match color {
        Color::Reset => first + 9,
        Color::Black => first,
        Color::Red => first + 1,
        Color::Green => first + 2,
        Color::Yellow => first + 3,
        Color::Blue => first + 4,
        Color::Magenta => first + 5,
        Color::Cyan => first + 6,
        Color::Gray => first + 7,
        Color::DarkGray => bright,
        Color::LightRed => bright + 1,
        Color::LightGreen => bright + 2,
        Color::LightYellow => bright + 3,
        Color::LightBlue => bright + 4,
        Color::LightMagenta => bright + 5,
        Color::LightCyan => bright + 6,
        Color::White => bright + 7,
        Color::Indexed(index) => return format!("{};5;{index}", first + 8),
        Color::Rgb(r, g, b) => return format!("{};2;{r};{g};{b}", first + 8),
    };
    code.to_string()
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use ratatui::style::{Color, Style};

    use super::*;

    /// The written bytes, shared.
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

    /// Curves of three runs that grow by an epoch, within unchanged axes.
    #[test]
    fn a_steady_chart_of_three_runs_costs_less_than_two_kilobytes_a_frame() {
        use crate::{
            theme::{Colors, Ground, Marker, Theme},
            widgets::{Axis, AxisScale, Plot, Series},
        };
        let theme = Theme { colors: Colors::Indexed(Ground::Dark), marker: Marker::Braille };
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
    fn an_unchanged_frame_has_no_bytes_and_a_changed_one_few() {
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

    #[test]
    fn style_changes_use_as_few_codes_as_possible() {
        let (wire, area) = (Wire::default(), Rect::new(0, 0, 6, 1));
        Painter::new(wire.clone())
            .draw(area, |_, buffer| {
                buffer.set_string(0, 0, "a", Style::new().fg(Color::Red));
                buffer.set_string(1, 0, "b", Style::new().fg(Color::Red).bold());
                buffer.set_string(2, 0, "c", Style::new().fg(Color::LightBlue).bg(Color::Gray));
                buffer.set_string(3, 0, "d", Style::new());
                buffer.set_string(5, 0, "e", Style::new().bg(Color::Indexed(200)).reversed());
            })
            .unwrap();
        let text = String::from_utf8(wire.0.borrow().clone()).unwrap();
        let painted = text.split_once("\x1b[2J").unwrap().1.split("\x1b[?2026l").next().unwrap().to_owned();
        assert_eq!(
            painted,
            "\x1b[1;1H\x1b[31ma\x1b[1mb\x1b[0;94;47mc\x1b[39;49md\x1b[1;6H\x1b[7;48;5;200me\x1b[0m"
        );
        let mut screen = vt100::Parser::new(1, 6, 0);
        screen.process(text.as_bytes());
        let cell = |x: u16| screen.screen().cell(0, x).unwrap().clone();
        assert_eq!((cell(0).fgcolor(), cell(0).bold()), (vt100::Color::Idx(1), false));
        assert_eq!((cell(1).fgcolor(), cell(1).bold()), (vt100::Color::Idx(1), true));
        assert_eq!(
            (cell(2).fgcolor(), cell(2).bgcolor(), cell(2).bold()),
            (vt100::Color::Idx(12), vt100::Color::Idx(7), false)
        );
        assert_eq!((cell(3).fgcolor(), cell(3).bgcolor()), (vt100::Color::Default, vt100::Color::Default));
        assert_eq!((cell(5).bgcolor(), cell(5).inverse()), (vt100::Color::Idx(200), true));
    }
}
