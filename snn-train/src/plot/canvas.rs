//! An SVG document in the making.

use std::fmt::{self, Write as _};

use super::{
    Rect,
    colour::{BLACK, Colour},
    text,
};

/// Where the given place lies in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stroke {
    pub(crate) colour: Colour,
    /// In points.
    pub(crate) width: f64,
    pub(crate) dashed: bool,
    /// 1 covers what lies below, 0 is invisible.
    pub(crate) opacity: f64,
}

impl Stroke {
    pub(crate) const fn new(colour: Colour, width: f64) -> Self {
        Self { colour, width, dashed: false, opacity: 1.0 }
    }

    pub(crate) const fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }

    pub(crate) const fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

impl fmt::Display for Stroke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"", self.colour, self.width)?;
        if self.dashed {
            write!(f, " stroke-dasharray=\"{} {}\"", 3.0 * self.width.max(0.6), 2.0 * self.width.max(0.6))?;
        }
        if self.opacity < 1.0 {
            write!(f, " stroke-opacity=\"{}\"", self.opacity)?;
        }
        Ok(())
    }
}

/// Sizes of text, in points: what journals print.
pub(crate) const TEXT: f64 = 7.0;
pub(crate) const SMALL_TEXT: f64 = 6.0;
const LETTER: f64 = 10.0;

/// An SVG document in the making; its unit is the point.
#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub(super) width: f64,
    pub(super) height: f64,
    title: String,
    body: String,
    clips: usize,
}

impl Canvas {
    /// An empty page. The title is for programs that read the picture aloud.
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        Self { width, height, title: title.to_owned(), body: String::new(), clips: 0 }
    }

    /// The whole page.
    pub(crate) fn page(&self) -> Rect {
        Rect::new(0.0, 0.0, self.width, self.height)
    }

    /// The document.
    pub(crate) fn to_svg(&self) -> String {
        let Self { width, height, body, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}pt\" height=\"{height}pt\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"{}\">\n<title>{}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n",
            text::FAMILY,
            text::escape(&self.title),
        )
    }

    // Writing to a string cannot fail.
    fn write(&mut self, element: fmt::Arguments<'_>) {
        let _ = self.body.write_fmt(element);
        self.body.push('\n');
    }

    /// A label whose baseline starts, has its middle, or ends at a place.
    pub(crate) fn text(&mut self, x: f64, y: f64, label: &str, size: f64, anchor: Anchor, colour: Colour) {
        self.write_text(format_args!("x=\"{x:.2}\" y=\"{y:.2}\""), label, size, anchor, colour);
    }

    /// A label that runs upwards.
    pub(crate) fn text_upwards(&mut self, x: f64, y: f64, label: &str, size: f64, anchor: Anchor) {
        self.write_text(
            format_args!("transform=\"translate({x:.2} {y:.2}) rotate(-90)\""),
            label,
            size,
            anchor,
            BLACK,
        );
    }

    fn write_text(
        &mut self,
        place: fmt::Arguments<'_>,
        label: &str,
        size: f64,
        anchor: Anchor,
        colour: Colour,
    ) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let spans = text::spans(label, size);
        self.write(format_args!(
            "<text {place} font-size=\"{size}\" fill=\"{colour}\"{anchor}>{spans}</text>"
        ));
    }

    /// The bold letter of a panel, at the upper left of its place.
    pub(crate) fn letter(&mut self, x: f64, y: f64, letter: char) {
        self.write(format_args!(
            "<text x=\"{x:.2}\" y=\"{:.2}\" font-size=\"{LETTER}\" font-weight=\"bold\">{letter}</text>",
            y + LETTER * 0.75
        ));
    }

    /// Straight lines from point to point.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let mut path = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.2} {y:.2}", if index == 0 { 'M' } else { 'L' });
        }
        self.path(&path, stroke);
    }

    /// An SVG path, outlined.
    pub(super) fn path(&mut self, path: &str, stroke: Stroke) {
        if !path.is_empty() {
            self.write(format_args!("<path d=\"{path}\"{stroke} stroke-linejoin=\"round\"/>"));
        }
    }

    /// An SVG path, filled.
    pub(super) fn area(&mut self, path: &str, colour: Colour, opacity: f64) {
        if !path.is_empty() {
            let opacity = if opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
            self.write(format_args!("<path d=\"{path}\" fill=\"{colour}\"{opacity}/>"));
        }
    }

    /// Discs of one size and colour.
    pub(crate) fn dots(&mut self, points: impl IntoIterator<Item = (f64, f64)>, size: f64, fill: Stroke) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "M{x:.2} {y:.2}h0");
        }
        if !path.is_empty() {
            let stroke = Stroke { width: size, ..fill };
            self.write(format_args!("<path d=\"{path}\"{stroke} stroke-linecap=\"round\"/>"));
        }
    }

    /// A filled rectangle.
    pub(crate) fn rect(&mut self, rect: Rect, colour: Colour) {
        let Rect { x, y, width, height } = rect;
        self.write(format_args!(
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{colour}\"/>"
        ));
    }

    /// Draws, and hides what lies outside of `rect`.
    pub(crate) fn clipped(&mut self, rect: Rect, draw: impl FnOnce(&mut Self)) {
        let Rect { x, y, width, height } = rect;
        self.clips += 1;
        let id = self.clips;
        self.write(format_args!(
            "<clipPath id=\"clip{id}\"><rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"/>\
             </clipPath>\n<g clip-path=\"url(#clip{id})\">"
        ));
        draw(self);
        self.write(format_args!("</g>"));
    }

    /// Draws sharp edges, for cells that must leave no seam between them.
    pub(super) fn crisp(&mut self, draw: impl FnOnce(&mut Self)) {
        self.write(format_args!("<g shape-rendering=\"crispEdges\">"));
        draw(self);
        self.write(format_args!("</g>"));
    }
}
