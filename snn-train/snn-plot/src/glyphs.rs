//! Labels as outlines: the glyphs of the built-in font.

use tiny_skia::{Path, PathBuilder};
use ttf_parser::{
    Face, FaceParsingError, GlyphId, OutlineBuilder,
    gpos::{PairAdjustment, PositioningSubtable},
};

use super::{
    Anchor,
    text::{self, FONTS, Run, SMALL},
};

/// The font in its three styles; no other font is used, so figures look the same everywhere.
pub(super) struct Fonts {
    regular: Face<'static>,
    italic: Face<'static>,
    bold: Face<'static>,
}

impl Fonts {
    pub(super) fn load() -> Result<Self, FaceParsingError> {
        let [regular, italic, bold] = FONTS.map(|font| Face::parse(font, 0));
        Ok(Self { regular: regular?, italic: italic?, bold: bold? })
    }

    /// A label of `size` points around the origin, y downwards; `None` if it is invisible.
    pub(super) fn label(&self, label: &str, size: f64, anchor: Anchor) -> Option<Path> {
        let mut pen = Pen::new();
        // As in SVG, spaces at the ends are ignored, and several collapse into one.
        let words: Vec<_> = label.split(' ').filter(|word| !word.is_empty()).collect();
        for run in text::runs(&words.join(" ")) {
            let face = if run.italic { &self.italic } else { &self.regular };
            pen.write(face, &run, size);
        }
        pen.finish(anchor)
    }

    /// A bold letter of `size` points that starts at the origin.
    pub(super) fn letter(&self, letter: char, size: f64) -> Option<Path> {
        let mut pen = Pen::new();
        let run = Run { text: letter.into(), raise: 0.0, small: false, italic: false };
        pen.write(&self.bold, &run, size);
        pen.finish(Anchor::Start)
    }
}

/// Draws glyphs in sequence.
struct Pen {
    outline: PathBuilder,
    /// Start of the next glyph, in points.
    x: f32,
    y: f32,
    /// Points per font unit.
    scale: f32,
}

impl Pen {
    fn new() -> Self {
        Self { outline: PathBuilder::new(), x: 0.0, y: 0.0, scale: 1.0 }
    }

    fn write(&mut self, face: &Face<'_>, run: &Run, size: f64) {
        self.y = -(size * run.raise) as f32;
        let size = if run.small { size * SMALL } else { size };
        self.scale = size as f32 / f32::from(face.units_per_em());
        let mut before = None;
        for letter in run.text.chars() {
            let Some(glyph) = face.glyph_index(letter) else {
                self.missing(size as f32);
                before = None;
                continue;
            };
            if let Some(before) = before {
                self.x += self.scale * f32::from(kerning(face, before, glyph));
            }
            face.outline_glyph(glyph, self);
            self.x += self.scale * f32::from(face.glyph_hor_advance(glyph).unwrap_or_default());
            before = Some(glyph);
        }
    }

    /// An empty box, for a character that the font lacks.
    fn missing(&mut self, size: f32) {
        let (left, right, top, line) = (0.08 * size, 0.52 * size, 0.7 * size, 0.06 * size);
        let (x, y) = (self.x, self.y);
        let mut contour = |points: [(f32, f32); 4]| {
            for (index, (right, up)) in points.into_iter().enumerate() {
                match index {
                    0 => self.outline.move_to(x + right, y - up),
                    _ => self.outline.line_to(x + right, y - up),
                }
            }
            self.outline.close();
        };
        contour([(left, 0.0), (left, top), (right, top), (right, 0.0)]);
        // In the opposite direction, which makes it a hole.
        let (left, right, bottom, top) = (left + line, right - line, line, top - line);
        contour([(left, bottom), (right, bottom), (right, top), (left, top)]);
        self.x += 0.6 * size;
    }

    fn finish(self, anchor: Anchor) -> Option<Path> {
        let shift = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -self.x / 2.0,
            Anchor::End => -self.x,
        };
        self.outline.finish()?.transform(tiny_skia::Transform::from_translate(shift, 0.0))
    }

    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + self.scale * x, self.y - self.scale * y)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.outline.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.outline.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.outline.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.outline.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.outline.close();
    }
}

/// Kerning between two glyphs, in font units: the font's only positioning feature is `kern`.
fn kerning(face: &Face<'_>, first: GlyphId, second: GlyphId) -> i16 {
    let Some(positioning) = face.tables().gpos else { return 0 };
    let pairs = positioning.lookups.into_iter().flat_map(|lookup| lookup.subtables.into_iter());
    pairs
        .filter_map(|subtable| {
            let PositioningSubtable::Pair(pairs) = subtable else { return None };
            let covered = pairs.coverage().get(first)?;
            let (first, _) = match pairs {
                PairAdjustment::Format1 { sets, .. } => sets.get(covered)?.get(second)?,
                PairAdjustment::Format2 { classes, matrix, .. } => {
                    matrix.get((classes.0.get(first), classes.1.get(second)))?
                }
            };
            Some(first.x_advance)
        })
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_kerned() {
        // The kerning of A and V is 152 of 2048 units, in Arimo as in Arial.
        let face = Fonts::load().unwrap().regular;
        let glyph = |letter| face.glyph_index(letter).unwrap();
        assert_eq!(kerning(&face, glyph('A'), glyph('V')), -152);
        assert_eq!(kerning(&face, glyph('H'), glyph('H')), 0);
        let fonts = Fonts::load().unwrap();
        let width = |label| fonts.label(label, 20.48, Anchor::Start).unwrap().bounds().right();
        // V starts after A (1366 units), minus the kerning.
        assert!((width("AV") - width("V") - 0.01 * (1366.0 - 152.0)).abs() < 1e-4);
    }

    #[test]
    fn anchors_shift_by_the_width() {
        let fonts = Fonts::load().unwrap();
        let place = |anchor| {
            let bounds = fonts.label(" 0^{0}  0 ", 10.0, anchor).unwrap().bounds();
            (bounds.left(), bounds.right())
        };
        let (start, middle, end) = (place(Anchor::Start), place(Anchor::Middle), place(Anchor::End));
        // Digits are 1139 of 2048 units wide, the space 569.
        let width = ((2.0 + SMALL as f32) * 11390.0 + 5690.0) / 2048.0;
        assert!((start.0 - middle.0 - width / 2.0).abs() < 1e-4, "{start:?} {middle:?}");
        assert!((start.1 - end.1 - width).abs() < 1e-4, "{start:?} {end:?}");
    }

    #[test]
    fn a_missing_glyph_is_a_box() {
        let fonts = Fonts::load().unwrap();
        let bounds = fonts.label("\u{6f22}", 10.0, Anchor::Start).unwrap().bounds();
        assert!(bounds.width() > 4.0 && bounds.height() > 6.0, "{bounds:?}");
        assert_eq!(fonts.label(" ", 10.0, Anchor::Start), None);
    }
}
