//! Gauges: a partly filled bar with a visible full length.

use super::bars::stroke;
use crate::theme::Marker;

/// A bar of `cells` cells, filled up to `share`, 0 to 1.
pub(crate) fn gauge(share: f64, cells: usize, marker: Marker) -> String {
    let full = stroke(share.clamp(0.0, 1.0), cells, marker);
    let rest = cells.saturating_sub(full.chars().count());
    full + &if marker == Marker::Ascii { "-" } else { "░" }.repeat(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_has_its_full_length() {
        assert_eq!(gauge(0.5, 5, Marker::Braille), "██▌░░");
        assert_eq!(gauge(0.5, 4, Marker::Ascii), "##--");
        for share in [f64::NAN, -1.0, 0.0, 1e-9, 0.999, 1.0, 7.0] {
            for cells in 0..12 {
                assert_eq!(gauge(share, cells, Marker::HalfBlock).chars().count(), cells, "{share} {cells}");
            }
        }
    }
}
