//! The page as pixels.

use tiny_skia::{FillRule, LineCap, LineJoin, Mask, Paint, PathBuilder, Pixmap, StrokeDash, Transform};

use super::{
    Canvas, NotRendered, Rect, Stroke,
    canvas::{LETTER, Label, Operation},
    color::{BLACK, Color},
    glyphs::Fonts,
    path::{Path, Step},
};
impl Canvas {
    /// Renders the page as PNG with this number of dots per inch.
    ///
    /// # Errors
    /// [`NotRendered`] if there is not enough memory for the pixels.
    pub fn to_png(&self, dots_per_inch: f64) -> Result<Vec<u8>, NotRendered> {
        let fail = |reason: &dyn std::fmt::Display| NotRendered(reason.to_string());
        let scale = dots_per_inch / 72.0;
        let pixels = |points: f64| (points * scale).round() as u32;
        let mut pixmap = Pixmap::new(pixels(self.width), pixels(self.height))
            .ok_or_else(|| fail(&"the pixels do not fit in memory"))?;
        pixmap.fill(tiny_skia::Color::WHITE);
        // The width is a whole number of pixels.
        let scale = pixmap.width() as f32 / self.width as f32;
        let mut painter = Painter {
            pixmap,
            fonts: Fonts::load().map_err(|error| fail(&error))?,
            transform: Transform::from_scale(scale, scale),
            clip: None,
            used: None,
            crisp: false,
        };
        painter.draw(&self.operations);
        painter.pixmap.encode_png().map_err(|error| fail(&error))
    }
}

struct Painter {
    pixmap: Pixmap,
    fonts: Fonts,
    /// From points to pixels.
    transform: Transform,
    /// The visible area, if clipped.
    clip: Option<Clip>,
    /// The last mask: the many marks of a panel share one.
    used: Option<Clip>,
    crisp: bool,
}

struct Clip {
    rect: Rect,
    mask: Mask,
}

impl Painter {
    fn draw(&mut self, operations: &[Operation]) {
        for operation in operations {
            match operation {
                Operation::Outline(path, stroke) => self.outline(path, *stroke),
                Operation::Area(path, color, opacity) => self.fill(pen(path), *color, *opacity),
                Operation::Dots(points, stroke) => {
                    let mut discs = PathBuilder::new();
                    for &(x, y) in points {
                        discs.push_circle(round(x, 2), round(y, 2), stroke.width as f32 / 2.0);
                    }
                    self.fill(discs.finish(), stroke.color, stroke.opacity);
                }
                Operation::Rect(rect, color) => self.fill(frame(rect), *color, 1.0),
                Operation::Label(label) => self.label(label),
                Operation::Letter(x, y, letter) => {
                    let place = self.transform.pre_translate(*x as f32, *y as f32);
                    self.glyphs(self.fonts.letter(*letter, LETTER), place, BLACK);
                }
                Operation::Clipped(rect, operations) => self.clipped(*rect, operations),
                Operation::Crisp(operations) => {
                    let before = std::mem::replace(&mut self.crisp, true);
                    self.draw(operations);
                    self.crisp = before;
                }
            }
        }
    }

    fn paint(&self, color: Color, opacity: f64) -> Paint<'static> {
        let mut paint = Paint { anti_alias: !self.crisp, ..Paint::default() };
        let Color(red, green, blue) = color;
        paint.set_color_rgba8(red, green, blue, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8);
        paint
    }

    fn fill(&mut self, path: Option<tiny_skia::Path>, color: Color, opacity: f64) {
        let paint = self.paint(color, opacity);
        if let Some(path) = path {
            let mask = self.clip.as_ref().map(|clip| &clip.mask);
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.transform, mask);
        }
    }

    fn outline(&mut self, path: &Path, stroke: Stroke) {
        let paint = self.paint(stroke.color, stroke.opacity);
        let dash = stroke.dashes().map(|lengths| lengths.map(|length| length as f32).to_vec());
        let style = tiny_skia::Stroke {
            width: stroke.width as f32,
            line_cap: LineCap::Butt,
            line_join: LineJoin::Round,
            dash: dash.and_then(|lengths| StrokeDash::new(lengths, 0.0)),
            ..tiny_skia::Stroke::default()
        };
        if let Some(path) = pen(path) {
            let mask = self.clip.as_ref().map(|clip| &clip.mask);
            self.pixmap.stroke_path(&path, &paint, &style, self.transform, mask);
        }
    }

    fn label(&mut self, label: &Label) {
        let Label { place: (x, y), upwards, text, size, anchor, color } = label;
        let mut place = self.transform.pre_translate(round(*x, 2), round(*y, 2));
        if *upwards {
            place = place.pre_rotate(-90.0);
        }
        self.glyphs(self.fonts.label(text, *size, *anchor), place, *color);
    }

    fn glyphs(&mut self, glyphs: Option<tiny_skia::Path>, place: Transform, color: Color) {
        let paint = self.paint(color, 1.0);
        if let Some(glyphs) = glyphs {
            let mask = self.clip.as_ref().map(|clip| &clip.mask);
            self.pixmap.fill_path(&glyphs, &paint, FillRule::Winding, place, mask);
        }
    }

    /// Draws within a rectangle. Draws nothing if its area is zero.
    fn clipped(&mut self, rect: Rect, operations: &[Operation]) {
        let Some(path) = frame(&rect) else { return };
        let outer = self.clip.take();
        let used = self.used.take().filter(|used| used.rect == rect && outer.is_none());
        self.clip = used.or_else(|| {
            let mut mask = match &outer {
                Some(outer) => outer.mask.clone(),
                None => Mask::new(self.pixmap.width(), self.pixmap.height())?,
            };
            match outer {
                Some(_) => mask.intersect_path(&path, FillRule::Winding, true, self.transform),
                None => mask.fill_path(&path, FillRule::Winding, true, self.transform),
            }
            Some(Clip { rect, mask })
        });
        self.draw(operations);
        let inner = std::mem::replace(&mut self.clip, outer);
        self.used = inner.filter(|_| self.clip.is_none());
    }
}

/// Rounded as in the SVG.
fn round(value: f64, decimals: usize) -> f32 {
    let unit = if decimals == 1 { 10.0 } else { 100.0 };
    ((value * unit).round() / unit) as f32
}

/// A rectangle as a path; `None` if it has no area.
fn frame(rect: &Rect) -> Option<tiny_skia::Path> {
    let Rect { x, y, width, height } = *rect;
    tiny_skia::Rect::from_xywh(round(x, 2), round(y, 2), round(width, 2), round(height, 2))
        .map(PathBuilder::from_rect)
}

/// A path in points; `None` if it has no line.
fn pen(path: &Path) -> Option<tiny_skia::Path> {
    let round = |value| round(value, path.decimals);
    let mut pen = PathBuilder::new();
    let (mut x, mut y) = (0.0, 0.0);
    for step in &path.steps {
        match *step {
            Step::MoveTo(to_x, to_y) | Step::LineTo(to_x, to_y) => (x, y) = (round(to_x), round(to_y)),
            Step::HorizontalTo(to) => x = round(to),
            Step::VerticalTo(to) => y = round(to),
            Step::Right(length) => x += length as f32,
            Step::Down(length) => y += round(length),
            Step::Close => {
                pen.close();
                continue;
            }
        }
        match step {
            Step::MoveTo(..) => pen.move_to(x, y),
            _ => pen.line_to(x, y),
        }
    }
    pen.finish()
}
