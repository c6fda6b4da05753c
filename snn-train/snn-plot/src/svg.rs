//! The page as an SVG document.

use std::fmt::{self, Display, Write as _};

use super::{
    Anchor, Canvas, Rect, Stroke,
    canvas::{LETTER, Label, Operation},
    path::{Path, Step},
    text::{self, SMALL},
};

impl Canvas {
    /// The document.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let Self { width, height, title, operations } = self;
        let mut body = Body::default();
        body.write_all(operations);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}pt\" height=\"{height}pt\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"{}\">\n<title>{}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            text::FAMILY,
            escape(title),
            body.document,
        )
    }
}

/// The elements, one per line.
#[derive(Default)]
struct Body {
    document: String,
    clips: usize,
}

impl Body {
    fn write_all(&mut self, operations: &[Operation]) {
        operations.iter().for_each(|operation| self.write(operation));
    }

    // Writing to a string cannot fail.
    fn element(&mut self, element: fmt::Arguments<'_>) {
        let _ = self.document.write_fmt(element);
        self.document.push('\n');
    }

    fn write(&mut self, operation: &Operation) {
        match operation {
            Operation::Outline(path, stroke) => {
                self.element(format_args!("<path d=\"{path}\"{stroke} stroke-linejoin=\"round\"/>"));
            }
            Operation::Area(path, color, opacity) => {
                let opacity =
                    if *opacity < 1.0 { format!(" fill-opacity=\"{opacity}\"") } else { String::new() };
                self.element(format_args!("<path d=\"{path}\" fill=\"{color}\"{opacity}/>"));
            }
            // Lines of length zero have round ends.
            Operation::Dots(points, stroke) => {
                let mut path = Path::new();
                path.extend(points.iter().flat_map(|&(x, y)| [Step::MoveTo(x, y), Step::Right(0.0)]));
                self.element(format_args!("<path d=\"{path}\"{stroke} stroke-linecap=\"round\"/>"));
            }
            Operation::Rect(rect, color) => {
                self.element(format_args!("<rect {} fill=\"{color}\"/>", Sides(rect)));
            }
            Operation::Label(label) => self.label(label),
            Operation::Letter(x, y, letter) => self.element(format_args!(
                "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{LETTER}\" font-weight=\"bold\">{letter}</text>"
            )),
            Operation::Clipped(rect, operations) => {
                self.clips += 1;
                let id = self.clips;
                self.element(format_args!(
                    "<clipPath id=\"clip{id}\"><rect {}/></clipPath>\n<g clip-path=\"url(#clip{id})\">",
                    Sides(rect)
                ));
                self.write_all(operations);
                self.element(format_args!("</g>"));
            }
            Operation::Crisp(operations) => {
                self.element(format_args!("<g shape-rendering=\"crispEdges\">"));
                self.write_all(operations);
                self.element(format_args!("</g>"));
            }
        }
    }

    fn label(&mut self, label: &Label) {
        let Label { place: (x, y), upwards, text, size, anchor, color } = label;
        let place = if *upwards {
            format!("transform=\"translate({x:.2} {y:.2}) rotate(-90)\"")
        } else {
            format!("x=\"{x:.2}\" y=\"{y:.2}\"")
        };
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let spans = spans(text, *size);
        self.element(format_args!(
            "<text {place} font-size=\"{size}\" fill=\"{color}\"{anchor}>{spans}</text>"
        ));
    }
}

impl Display for Stroke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"", self.color, self.width)?;
        if let Some([dash, gap]) = self.dashes() {
            write!(f, " stroke-dasharray=\"{dash} {gap}\"")?;
        }
        if self.opacity < 1.0 {
            write!(f, " stroke-opacity=\"{}\"", self.opacity)?;
        }
        Ok(())
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.decimals;
        self.steps.iter().try_for_each(|step| match step {
            Step::MoveTo(x, y) => write!(f, "M{x:.decimals$} {y:.decimals$}"),
            Step::LineTo(x, y) => write!(f, "L{x:.decimals$} {y:.decimals$}"),
            Step::HorizontalTo(x) => write!(f, "H{x:.decimals$}"),
            Step::VerticalTo(y) => write!(f, "V{y:.decimals$}"),
            Step::Right(length) => write!(f, "h{length}"),
            Step::Down(length) => write!(f, "v{length:.decimals$}"),
            Step::Close => f.write_str("z"),
        })
    }
}

/// The attributes of a rectangle.
struct Sides<'a>(&'a Rect);

impl Display for Sides<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rect { x, y, width, height } = self.0;
        write!(f, "x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"")
    }
}

/// The content of a text element of `size` points.
fn spans(label: &str, size: f64) -> String {
    let mut spans = String::new();
    // Shifts in SVG are relative to the preceding text.
    let mut baseline = 0.0;
    // Writing to a string cannot fail.
    for run in text::runs(label) {
        let mut style = String::new();
        if run.raise != baseline {
            let _ = write!(style, " dy=\"{:.2}\"", size * (baseline - run.raise));
            baseline = run.raise;
        }
        if run.small {
            let _ = write!(style, " font-size=\"{:.2}\"", size * SMALL);
        }
        if run.italic {
            style.push_str(" font-style=\"italic\"");
        }
        let text = escape(&run.text);
        let _ = match style.as_str() {
            "" => write!(spans, "{text}"),
            style => write!(spans, "<tspan{style}>{text}</tspan>"),
        };
    }
    spans
}

/// Text, escaped for XML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_spans() {
        assert_eq!(spans("a < b & c", 10.0), "a &lt; b &amp; c");
        assert_eq!(spans("10^{−3}", 10.0), r#"10<tspan dy="-3.80" font-size="7.20">−3</tspan>"#);
        assert_eq!(
            spans("*n*_{h} = 1", 10.0),
            "<tspan font-style=\"italic\">n</tspan><tspan dy=\"2.00\" font-size=\"7.20\">h</tspan><tspan dy=\"-2.00\"> = \
             1</tspan>"
        );
        assert_eq!(spans("a_b {c} ^2", 10.0), "a_b {c} ^2", "only a brace after the sign makes an index");
    }
}
