//! Samples as text: braille dots for spikes, shades or colors for values.

use std::fmt::Write as _;

use snn_plot::{Color, viridis};
use snn_run::counted;
use snn_terminal::escape;

use super::{Content, Preview, Sample, range};

/// The text format of a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Terminal columns.
    pub width: usize,
    /// Lines per sample.
    pub height: usize,
    /// Whether to use plain ASCII instead of braille and blocks.
    pub ascii: bool,
    /// Whether to show values as colors instead of shades.
    pub color: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 80, height: 8, ascii: false, color: false }
    }
}

/// Shades from few spikes, or low values, to many.
const ASCII: [char; 6] = [' ', '.', ':', '+', '*', '#'];
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

impl Preview {
    /// The samples, one below another.
    #[must_use]
    pub fn to_text(&self, look: &Look) -> String {
        let samples: Vec<_> = self.samples.iter().map(|sample| self.sample_to_text(sample, look)).collect();
        samples.join("\n")
    }

    fn sample_to_text(&self, sample: &Sample, look: &Look) -> String {
        let number = self.inputs.to_string();
        // A number and a line next to the picture.
        let columns = look.width.saturating_sub(number.len() + 2).max(8);
        let lines = match &sample.content {
            Content::Spikes(spikes) => self.raster(spikes, columns, look),
            Content::Frames(frames) => self.shades(frames, columns, look),
        };
        let wide = lines.first().map_or(0, |(width, _)| *width);
        let bar = if look.ascii { '|' } else { '│' };
        let last = lines.len().saturating_sub(1);
        // Writing to a string cannot fail.
        let mut text = self.describe(sample) + "\n";
        for (index, (_, line)) in lines.into_iter().enumerate() {
            let label = match index {
                0 => number.as_str(),
                index if index == last => "1",
                _ => "",
            };
            let _ = writeln!(text, "{label:>width$} {bar}{line}", width = number.len());
        }
        let end = format!("{} ms", self.length());
        let gap = wide.saturating_sub(1);
        let _ = writeln!(text, "{:width$}0{end:>gap$}", "", width = number.len() + 2);
        text
    }

    fn describe(&self, sample: &Sample) -> String {
        let mut text = format!("sample {}: ", sample.index);
        match &sample.class {
            Some(class) if *class != sample.label.to_string() => {
                let _ = write!(text, "class {} ({class})", sample.label);
            }
            _ => {
                let _ = write!(text, "class {}", sample.label);
            }
        }
        if let Some(speaker) = &sample.speaker {
            let _ = write!(text, ", speaker {speaker}");
        }
        if let Some(duration) = sample.duration {
            let _ = write!(text, ", {duration:.0} ms");
        }
        match &sample.content {
            Content::Spikes(spikes) => {
                let _ = write!(text, ", {}", counted(spikes.len(), "spike", "spikes"));
            }
            Content::Frames(frames) => {
                let (low, high) = range(frames);
                let _ = write!(text, ", values from {low:.2} to {high:.2}");
            }
        }
        escape(&text).into_owned()
    }

    /// Lines with their widths, the highest unit first.
    fn raster(&self, spikes: &[(u32, u16)], columns: usize, look: &Look) -> Vec<(usize, String)> {
        let (across, down) = if look.ascii { (1, 1) } else { (2, 4) };
        let columns = columns.min(self.steps.div_ceil(across));
        let rows = look.height.clamp(1, self.inputs.div_ceil(down).max(1));
        let mut dots = vec![vec![0_u32; columns * across]; rows * down];
        for &(step, unit) in spikes {
            // At most one dot per step, so that spikes are at their steps.
            let x = step as usize * (columns * across).min(self.steps) / self.steps.max(1);
            let y = usize::from(unit) * (rows * down).min(self.inputs) / self.inputs.max(1);
            dots[rows * down - 1 - y][x] += 1;
        }
        if look.ascii {
            let most = dots.iter().flatten().copied().max().unwrap_or(1).max(1);
            let line = |row: &Vec<u32>| {
                // A small value is still visible.
                let mark = |&count: &u32| {
                    pick(&ASCII, (f64::from(count) / f64::from(most)).max(f64::from(count.min(1)) / 5.0))
                };
                row.iter().map(mark).collect()
            };
            return dots.iter().map(|row| (columns, line(row))).collect();
        }
        let line = |rows: &[Vec<u32>]| (0..columns).map(|column| braille(rows, 2 * column)).collect();
        dots.chunks(4).map(|rows| (columns, line(rows))).collect()
    }

    fn shades(&self, frames: &[Vec<f32>], columns: usize, look: &Look) -> Vec<(usize, String)> {
        let (low, high) = range(frames);
        let columns = columns.min(self.steps).max(1);
        let halves = if look.color && !look.ascii { 2 } else { 1 };
        let rows = (look.height * halves).clamp(1, self.inputs.max(1));
        let mean = |row: usize, column: usize| {
            let steps = part(column, columns, self.steps);
            let units = part(row, rows, self.inputs);
            let values = frames[steps].iter().flat_map(|frame| &frame[units.clone()]);
            let (sum, count) = values.fold((0.0, 0.0), |(sum, n), &value| (sum + f64::from(value), n + 1.0));
            (sum / f64::max(count, 1.0) - low) / (high - low)
        };
        let lines = rows.div_ceil(halves);
        let line = |line: usize| -> String {
            let top = rows.saturating_sub(1 + halves * line);
            let mut text = String::new();
            for column in 0..columns {
                if halves == 2 {
                    let (upper, lower) = (mean(top, column), top.checked_sub(1).map(|row| mean(row, column)));
                    let Color(r, g, b) = viridis(upper);
                    let _ = write!(text, "\x1b[38;2;{r};{g};{b}m");
                    if let Some(lower) = lower {
                        let Color(r, g, b) = viridis(lower);
                        let _ = write!(text, "\x1b[48;2;{r};{g};{b}m");
                    } else {
                        text.push_str("\x1b[49m");
                    }
                    text.push('▀');
                } else if look.ascii {
                    text.push(pick(&ASCII, mean(top, column)));
                } else {
                    text.push(pick(&SHADES, mean(top, column)));
                }
            }
            if halves == 2 {
                text.push_str("\x1b[0m");
            }
            text
        };
        (0..lines).map(|index| (columns, line(index))).collect()
    }
}

/// The `index`-th of `parts` parts of `0..all`, never empty.
fn part(index: usize, parts: usize, all: usize) -> std::ops::Range<usize> {
    let start = index * all / parts;
    start..((index + 1) * all / parts).max(start + 1).min(all)
}

fn pick(marks: &[char], share: f64) -> char {
    marks[(share.clamp(0.0, 1.0) * (marks.len() - 1) as f64).round() as usize]
}

/// Two dots across and four down.
fn braille(rows: &[Vec<u32>], x: usize) -> char {
    const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
    let mut pattern = 0;
    for (row, bits) in rows.iter().zip(BITS) {
        for (dot, bit) in row[x..].iter().zip(bits) {
            if *dot > 0 {
                pattern |= bit;
            }
        }
    }
    char::from_u32(0x2800 + pattern).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(inputs: usize, steps: usize, content: Content) -> Preview {
        let sample = Sample { index: 7, label: 2, class: None, speaker: None, duration: None, content };
        Preview { name: "test".to_owned(), inputs, steps, dt: 2.0, samples: vec![sample] }
    }

    #[test]
    fn a_spike_is_a_dot_at_its_step_and_unit() {
        let spikes = preview(8, 8, Content::Spikes(vec![(0, 0), (1, 7), (7, 0)]));
        let text = spikes.to_text(&Look::default());
        assert_eq!(text, "sample 7: class 2, 3 spikes\n8 │⠈⠀⠀⠀\n1 │⡀⠀⠀⢀\n   016 ms\n");
        let ascii = spikes.to_text(&Look { ascii: true, ..Look::default() });
        assert!(ascii.is_ascii());
        assert_eq!(ascii.lines().nth(1), Some("8 | #      "));
        assert_eq!(ascii.lines().nth(8), Some("1 |#      #"));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let spikes = preview(700, 500, Content::Spikes((0..500).map(|n| (n, n as u16)).collect()));
        let frames = preview(40, 100, Content::Frames(vec![vec![0.5; 40]; 100]));
        for (width, ascii) in [(20, false), (40, true), (80, false), (200, false)] {
            for preview in [&spikes, &frames] {
                let text = preview.to_text(&Look { width, ascii, ..Look::default() });
                let body = text.lines().skip(1);
                let widest = body.map(|line| line.chars().count()).max().unwrap();
                assert!(widest <= width, "{widest} of {width}:\n{text}");
                assert!(text.lines().count() <= 10);
            }
        }
    }

    #[test]
    fn values_become_shades_from_low_to_high() {
        let frames = preview(2, 3, Content::Frames(vec![vec![0.0, 1.0], vec![0.5, 0.5], vec![1.0, 0.0]]));
        let text = frames.to_text(&Look::default());
        assert_eq!(text.lines().nth(1), Some("2 │█▒ "));
        assert_eq!(text.lines().nth(2), Some("1 │ ▒█"));
        let colors = frames.to_text(&Look { color: true, ..Look::default() });
        assert_eq!(colors.lines().nth(1).unwrap().matches('▀').count(), 3, "two values in each cell");
        assert!(colors.contains("\x1b[0m"));
    }
}
