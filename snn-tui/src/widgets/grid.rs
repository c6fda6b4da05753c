//! The layout of many small views of the same size.

use ratatui::layout::Rect;

/// Cells between neighbors.
const GAP: u16 = 2;
/// The approximate ratio of height to width of a cell; a plot is twice as wide as it is high.
const ASPECT: u16 = 4;

/// Areas, row by row, for this number of views that need at least `least` each: as large as possible with space for all of them, or, if
/// there is none, as many as fit.
pub(crate) fn grid(area: Rect, number: usize, least: (u16, u16)) -> Vec<Rect> {
    let (columns, rows) = ((area.width + GAP) / (least.0 + GAP), area.height / least.1);
    if columns == 0 || rows == 0 || number == 0 {
        return Vec::new();
    }
    let size = |columns: u16, rows: u16| ((area.width + GAP) / columns - GAP, area.height / rows);
    let shapes = (1..=rows).map(|rows| (number.div_ceil(usize::from(rows)), rows));
    let fitting = shapes.filter(|(wanted, _)| *wanted <= usize::from(columns));
    let largest = fitting.map(|(wanted, rows)| (wanted as u16, rows)).max_by_key(|&(columns, rows)| {
        let (width, height) = size(columns, rows);
        (width / ASPECT).min(height)
    });
    let (columns, rows) = largest.unwrap_or((columns, rows));
    let (width, height) = size(columns, rows);
    let place = |k: u16| Rect {
        x: area.x + k % columns * (width + GAP),
        y: area.y + k / columns * height,
        width,
        height,
    };
    (0..columns * rows).map(place).take(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_separate_and_inside() {
        for (width, height) in [(0, 0), (35, 8), (36, 9), (80, 22), (200, 60), (400, 20)] {
            for number in [0, 1, 2, 7, 24, 500] {
                let area = Rect::new(3, 2, width, height);
                let places = grid(area, number, (36, 9));
                assert!(places.len() <= number);
                for (k, place) in places.iter().enumerate() {
                    assert!(area.union(*place) == area && place.width >= 36 && place.height >= 9);
                    assert!(places[..k].iter().all(|other| !other.intersects(*place)));
                }
            }
        }
        assert_eq!(grid(Rect::new(0, 0, 200, 60), 24, (36, 9)).len(), 24);
        assert_eq!(grid(Rect::new(0, 0, 80, 22), 24, (36, 9)).len(), 4);
    }
}
