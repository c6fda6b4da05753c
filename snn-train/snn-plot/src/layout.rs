//! Rectangles on a page, and their division.

/// A rectangle on the page, in points; y runs downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left side.
    pub x: f64,
    /// Top.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// Creates a rectangle from its upper left corner.
    #[must_use]
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self { x, y, width, height }
    }

    /// Right side.
    #[must_use]
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Bottom.
    #[must_use]
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// The rectangle without margins.
    #[must_use]
    pub fn inset(&self, left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self::new(self.x + left, self.y + top, self.width - left - right, self.height - top - bottom)
    }

    /// Divides it into columns with widths proportional to `weights` and `gap` between them.
    #[must_use]
    pub fn columns(&self, weights: &[f64], gap: f64) -> Vec<Self> {
        let places = divide(self.x, self.width, weights, gap);
        places.map(|(x, width)| Self { x, width, ..*self }).collect()
    }

    /// Divides it into rows with heights proportional to `weights` and `gap` between them.
    #[must_use]
    pub fn rows(&self, weights: &[f64], gap: f64) -> Vec<Self> {
        let places = divide(self.y, self.height, weights, gap);
        places.map(|(y, height)| Self { y, height, ..*self }).collect()
    }
}

fn divide(start: f64, length: f64, weights: &[f64], gap: f64) -> impl Iterator<Item = (f64, f64)> {
    let free = length - gap * weights.len().saturating_sub(1) as f64;
    let total: f64 = weights.iter().sum();
    weights.iter().scan(start, move |at, weight| {
        let (begin, part) = (*at, free * weight / total);
        *at += part + gap;
        Some((begin, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fill_the_whole() {
        let columns = Rect::new(10.0, 0.0, 100.0, 20.0).columns(&[1.0, 2.0], 10.0);
        assert_eq!(columns, [Rect::new(10.0, 0.0, 30.0, 20.0), Rect::new(50.0, 0.0, 60.0, 20.0)]);
        let rows = Rect::new(0.0, 0.0, 1.0, 30.0).rows(&[1.0, 1.0], 0.0);
        assert_eq!(rows[1], Rect::new(0.0, 15.0, 1.0, 15.0));
    }
}
