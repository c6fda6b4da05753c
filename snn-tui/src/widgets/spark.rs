//! Sparklines: a curve in a line of text.

use crate::theme::Marker;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Increasing heights, in ASCII.
const SIGNS: [char; 5] = ['_', '.', '-', '=', '#'];

/// `values` in at most `cells` cells, each with the mean of its values, between `low` at the bottom and `high` at the top. A value that
/// is not finite leaves a gap.
pub(crate) fn spark(values: &[f32], (low, high): (f32, f32), cells: usize, marker: Marker) -> String {
    let number = cells.min(values.len());
    let glyphs = if marker == Marker::Ascii { &SIGNS[..] } else { &BLOCKS[..] };
    let glyph = |k: usize| {
        let part = &values[k * values.len() / number..(k + 1) * values.len() / number];
        let finite = part.iter().filter(|value| value.is_finite());
        let mean = finite.clone().sum::<f32>() / finite.count() as f32;
        let share = (mean - low) / (high - low);
        if !share.is_finite() {
            return ' ';
        }
        glyphs[((share * glyphs.len() as f32) as usize).min(glyphs.len() - 1)]
    };
    (0..number).map(glyph).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_proportional_to_values() {
        let values = [0.0, 0.25, 0.5, 1.0, f32::NAN, 7.0, -1.0];
        assert_eq!(spark(&values, (0.0, 1.0), 20, Marker::Braille), "▁▃▅█ █▁");
        assert_eq!(spark(&values, (0.0, 1.0), 20, Marker::Ascii), "_.-# #_");
        assert_eq!(spark(&[0.0, 1.0, 1.0, 1.0], (0.0, 1.0), 2, Marker::HalfBlock), "▅█");
        assert_eq!(spark(&[], (0.0, 1.0), 5, Marker::Braille), "");
        assert_eq!(spark(&[1.0], (1.0, 1.0), 5, Marker::Braille), " ");
    }
}
