//! The layout of several views of a screen, if there is space.

use ratatui::layout::Rect;

/// Minimum size of a view.
const LEAST: (u16, u16) = (60, 18);

/// The visible ones of `number` views, and their areas: the current one, then as many of the next ones as fit. A terminal of ordinary
/// size shows only the current one, a wide one shows others at its right, a high one below it.
pub(crate) fn panes(area: Rect, front: usize, number: usize) -> Vec<(usize, Rect)> {
    let views = (0..number).map(|k| (front + k) % number);
    if area.width >= 2 * LEAST.0 && area.height >= LEAST.1 && number > 1 {
        let left = area.width / 2 - 2;
        let side = Rect { x: area.x + left + 2, width: area.width - left - 2, ..area };
        let first = Rect { width: left, ..area };
        let beside = stack(side, number - 1);
        return views.zip(std::iter::once(first).chain(beside)).collect();
    }
    views.zip(stack(area, number)).collect()
}

/// Areas one below the other, a line apart, as many as fit and at least one.
fn stack(area: Rect, number: usize) -> Vec<Rect> {
    let number = (usize::from(area.height + 1) / usize::from(LEAST.1 + 1)).clamp(1, number.max(1)) as u16;
    let height = (area.height + 1) / number;
    let place = |k| {
        let last = k + 1 == number;
        let height = if last { area.height - k * height } else { height - 1 };
        Rect { y: area.y + k * ((area.height + 1) / number), height, ..area }
    };
    (0..number).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_terminals_show_more() {
        let shown = |width, height, front| {
            let places = panes(Rect::new(0, 1, width, height), front, 3);
            places.into_iter().map(|(view, place)| (view, place.width, place.height)).collect::<Vec<_>>()
        };
        assert_eq!(shown(80, 21, 1), [(1, 80, 21)]);
        assert_eq!(shown(80, 45, 1), [(1, 80, 22), (2, 80, 22)]);
        assert_eq!(shown(160, 47, 2), [(2, 78, 47), (0, 80, 23), (1, 80, 23)]);
        assert_eq!(shown(160, 21, 0), [(0, 78, 21), (1, 80, 21)]);
        assert_eq!(shown(0, 0, 0), [(0, 0, 0)]);
    }

    #[test]
    fn areas_are_separate_and_inside() {
        for width in [0, 1, 59, 119, 120, 121, 300] {
            for height in [0, 1, 17, 18, 36, 37, 38, 60, 200] {
                let area = Rect::new(3, 2, width, height);
                let places: Vec<_> = panes(area, 0, 3).into_iter().map(|(_, place)| place).collect();
                for (k, place) in places.iter().enumerate() {
                    assert!(area.union(*place) == area || place.is_empty(), "{area} {place}");
                    assert!(places[..k].iter().all(|other| !other.intersects(*place)), "{area} {places:?}");
                }
            }
        }
    }
}
