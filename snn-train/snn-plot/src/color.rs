//! Colors that are distinguishable with any kind of color vision.

use std::fmt;

/// An sRGB color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

// The palette of Okabe & Ito (2008), "Color Universal Design".

/// Black.
pub const BLACK: Color = Color(0, 0, 0);
/// Orange.
pub const ORANGE: Color = Color(0xE6, 0x9F, 0x00);
/// Sky blue.
pub const SKY: Color = Color(0x56, 0xB4, 0xE9);
/// Bluish green.
pub const GREEN: Color = Color(0x00, 0x9E, 0x73);
/// Blue.
pub const BLUE: Color = Color(0x00, 0x72, 0xB2);
/// Vermilion.
pub const VERMILION: Color = Color(0xD5, 0x5E, 0x00);
/// Reddish purple.
pub const PURPLE: Color = Color(0xCC, 0x79, 0xA7);
/// Gray.
pub const GRAY: Color = Color(0x8C, 0x8C, 0x8C);
/// Light gray.
pub const LIGHT_GRAY: Color = Color(0xD2, 0xD2, 0xD2);
/// White.
pub const WHITE: Color = Color(255, 255, 255);

/// Colors for classes, ordered for maximum contrast between neighbors.
pub const CLASSES: [Color; 6] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY];

impl Color {
    /// The color between this one (`share` 0) and `other` (`share` 1).
    #[must_use]
    pub fn towards(self, other: Self, share: f64) -> Self {
        let mix = |a: u8, b: u8| {
            (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round().clamp(0.0, 255.0) as u8
        };
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// The color map viridis at `share` of its length, 0 to 1: even steps in lightness.
#[must_use]
pub fn viridis(share: f64) -> Color {
    let color = colorous::VIRIDIS.eval_continuous(share.clamp(0.0, 1.0));
    Color(color.r, color.g, color.b)
}

/// Shades of one color for `count` ordered values, light to dark.
#[must_use]
pub fn shades(of: Color, count: usize) -> Vec<Color> {
    let light = of.towards(WHITE, 0.7);
    let dark = of.towards(BLACK, 0.55);
    let share = |index: usize| if count > 1 { index as f64 / (count - 1) as f64 } else { 0.5 };
    let shade = |share: f64| match share {
        share if share < 0.5 => light.towards(of, 2.0 * share),
        share => of.towards(dark, 2.0 * share - 1.0),
    };
    (0..count).map(|index| shade(share(index))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_run_from_dark_to_light_and_shades_the_other_way() {
        let lightness = |Color(r, g, b): Color| 2 * u32::from(r) + 5 * u32::from(g) + u32::from(b);
        assert_eq!(viridis(0.0).to_string(), "#440154");
        assert_eq!(viridis(1.0), viridis(2.0));
        let map: Vec<_> = (0..=10).map(|step| lightness(viridis(f64::from(step) / 10.0))).collect();
        assert!(map.is_sorted(), "{map:?}");
        let shades: Vec<_> = shades(BLUE, 5).into_iter().map(lightness).collect();
        assert!(shades.is_sorted_by(|a, b| a > b), "{shades:?}");
        assert_eq!(BLACK.towards(WHITE, 0.5), Color(128, 128, 128));
    }
}
