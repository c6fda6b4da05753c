//! The page as a PDF document (ISO 32000-1): vector graphics, with text as outlines, so viewers do not need the font.
//!
//! Five objects: catalog, list of pages, page, content and information. Opacities are named graphics states.

use std::{collections::BTreeSet, fmt::Write as _, io::Write as _};

use flate2::{Compression, write::ZlibEncoder};
use tiny_skia::{PathSegment, Transform};

use super::{
    Canvas, NotRendered, Rect, Stroke,
    canvas::{LETTER, Label, Operation},
    color::{BLACK, Color},
    glyphs::Fonts,
    path::{Path, Step},
};

/// The distance of the control points of a quarter circle from its ends, as a fraction of the radius.
const ROUND: f64 = 0.552_284_75;

impl Canvas {
    /// The document.
    ///
    /// # Errors
    /// [`NotRendered`] if the built-in font cannot be read.
    pub fn to_pdf(&self) -> Result<Vec<u8>, NotRendered> {
        let fail = |reason: &dyn std::fmt::Display| NotRendered(reason.to_string());
        let fonts = Fonts::load().map_err(|error| fail(&error))?;
        let mut content = Content { text: String::new(), fonts, opacities: BTreeSet::new() };
        // The origin of PDF is the lower left corner, with y upwards.
        content.line(format_args!("1 0 0 -1 0 {} cm 1 j", number(self.height, 2)));
        content.draw(&self.operations);
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(content.text.as_bytes()).map_err(|error| fail(&error))?;
        let packed = packed.finish().map_err(|error| fail(&error))?;

        let states: Vec<_> = content
            .opacities
            .iter()
            .map(|percent| {
                let share = f64::from(*percent) / 100.0;
                format!("/{} << /ca {share} /CA {share} >>", state(*percent))
            })
            .collect();
        let size = format!("{} {}", number(self.width, 2), number(self.height, 2));
        let mut document = Document::begin();
        document.object(b"<< /Type /Catalog /Pages 2 0 R >>");
        document.object(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
        document.object(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size}] /Resources << /ExtGState << {} >> >> /Contents 4 0 R >>",
                states.join(" ")
            )
            .as_bytes(),
        );
        let head = format!("<< /Length {} /Filter /FlateDecode >>\nstream\n", packed.len());
        document.object(&[head.as_bytes(), &packed, b"\nendstream"].concat());
        document.object(format!("<< /Title {} /Producer (snn-plot) >>", text_string(&self.title)).as_bytes());
        Ok(document.end())
    }
}

/// The objects of a document, and their offsets.
struct Document {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Document {
    fn begin() -> Self {
        // The second line marks the file as binary.
        Self { bytes: b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec(), places: Vec::new() }
    }

    fn object(&mut self, content: &[u8]) {
        self.places.push(self.bytes.len());
        self.bytes.extend(format!("{} 0 obj\n", self.places.len()).bytes());
        self.bytes.extend(content);
        self.bytes.extend(b"\nendobj\n");
    }

    /// Adds the table of offsets. The last object is the document information, the first the catalog.
    fn end(mut self) -> Vec<u8> {
        let (table, number) = (self.bytes.len(), self.places.len() + 1);
        let mut end = format!("xref\n0 {number}\n0000000000 65535 f \n");
        for place in &self.places {
            // Writing to a string cannot fail.
            let _ = writeln!(end, "{place:010} 00000 n ");
        }
        let info = self.places.len();
        let _ = write!(
            end,
            "trailer\n<< /Size {number} /Root 1 0 R /Info {info} 0 R >>\nstartxref\n{table}\n%%EOF\n"
        );
        self.bytes.extend(end.bytes());
        self.bytes
    }
}

/// The operators that draw the page.
struct Content {
    text: String,
    fonts: Fonts,
    /// The opacities in use, in percent.
    opacities: BTreeSet<u8>,
}

impl Content {
    fn line(&mut self, operators: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(operators);
        self.text.push('\n');
    }

    fn draw(&mut self, operations: &[Operation]) {
        for operation in operations {
            match operation {
                Operation::Outline(path, stroke) => {
                    let path = of_path(path);
                    let style = self.stroke(*stroke);
                    self.line(format_args!("q {style}{path}S Q"));
                }
                Operation::Area(path, color, opacity) => self.fill(&of_path(path), *color, *opacity),
                Operation::Dots(points, stroke) => {
                    let discs: String = points.iter().map(|&place| disc(place, stroke.width / 2.0)).collect();
                    self.fill(&discs, stroke.color, stroke.opacity);
                }
                Operation::Rect(rect, color) => self.fill(&frame(rect), *color, 1.0),
                Operation::Label(label) => self.label(label),
                Operation::Letter(x, y, letter) => {
                    let outline = self.fonts.letter(*letter, LETTER);
                    self.glyphs(outline, Transform::from_translate(*x as f32, *y as f32), BLACK);
                }
                Operation::Clipped(rect, operations) => {
                    self.line(format_args!("q {}W n", frame(rect)));
                    self.draw(operations);
                    self.line(format_args!("Q"));
                }
                // Vector graphics have no seams; viewers determine how edges are smoothed.
                Operation::Crisp(operations) => self.draw(operations),
            }
        }
    }

    fn opacity(&mut self, opacity: f64) -> String {
        let percent = (opacity.clamp(0.0, 1.0) * 100.0).round() as u8;
        if percent == 100 {
            return String::new();
        }
        self.opacities.insert(percent);
        format!("/{} gs ", state(percent))
    }

    fn stroke(&mut self, stroke: Stroke) -> String {
        let opacity = self.opacity(stroke.opacity);
        let dashes = stroke
            .dashes()
            .map_or_else(String::new, |[dash, gap]| format!("[{} {}] 0 d ", number(dash, 2), number(gap, 2)));
        format!("{opacity}{} RG {} w {dashes}", of_color(stroke.color), number(stroke.width, 2))
    }

    fn fill(&mut self, path: &str, color: Color, opacity: f64) {
        let opacity = self.opacity(opacity);
        self.line(format_args!("q {opacity}{} rg {path}f Q", of_color(color)));
    }

    fn label(&mut self, label: &Label) {
        let Label { place: (x, y), upwards, text, size, anchor, color } = label;
        let mut place = Transform::from_translate(*x as f32, *y as f32);
        if *upwards {
            place = place.pre_rotate(-90.0);
        }
        let outline = self.fonts.label(text, *size, *anchor);
        self.glyphs(outline, place, *color);
    }

    fn glyphs(&mut self, outline: Option<tiny_skia::Path>, place: Transform, color: Color) {
        if let Some(outline) = outline.and_then(|outline| outline.transform(place)) {
            self.fill(&of_outline(&outline), color, 1.0);
        }
    }
}

/// The name of the graphics state of an opacity.
fn state(percent: u8) -> String {
    format!("o{percent}")
}

/// A number without an exponent, which PDF does not support, and without trailing zeros.
fn number(value: f64, decimals: usize) -> String {
    // Positions farther from the page are invisible, and readers may not support larger numbers.
    let value = if value.is_nan() { 0.0 } else { value.clamp(-30_000.0, 30_000.0) };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn of_color(Color(red, green, blue): Color) -> String {
    let share = |level: u8| number(f64::from(level) / 255.0, 3);
    format!("{} {} {}", share(red), share(green), share(blue))
}

fn frame(rect: &Rect) -> String {
    let [x, y, width, height] = [rect.x, rect.y, rect.width, rect.height].map(|value| number(value, 2));
    format!("{x} {y} {width} {height} re ")
}

fn of_path(path: &Path) -> String {
    let place = |x: f64, y: f64| format!("{} {}", number(x, path.decimals), number(y, path.decimals));
    let (mut x, mut y) = (0.0, 0.0);
    let mut text = String::new();
    for step in &path.steps {
        match *step {
            Step::MoveTo(to_x, to_y) | Step::LineTo(to_x, to_y) => (x, y) = (to_x, to_y),
            Step::HorizontalTo(to) => x = to,
            Step::VerticalTo(to) => y = to,
            Step::Right(length) => x += length,
            Step::Down(length) => y += length,
            Step::Close => {
                text.push_str("h ");
                continue;
            }
        }
        let operator = if matches!(step, Step::MoveTo(..)) { 'm' } else { 'l' };
        let _ = write!(text, "{} {operator} ", place(x, y));
    }
    text
}

/// A circle of four curves.
fn disc((x, y): (f64, f64), radius: f64) -> String {
    let at =
        |right: f64, down: f64| format!("{} {}", number(x + radius * right, 2), number(y + radius * down, 2));
    let mut text = format!("{} m ", at(1.0, 0.0));
    for (right, down) in [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)] {
        // A quarter turn on from (right, down) is (-down, right).
        let _ = write!(
            text,
            "{} {} {} c ",
            at(right - ROUND * down, down + ROUND * right),
            at(ROUND * right - down, ROUND * down + right),
            at(-down, right)
        );
    }
    text + "h "
}

fn of_outline(outline: &tiny_skia::Path) -> String {
    let place = |x: f32, y: f32| format!("{} {}", number(f64::from(x), 3), number(f64::from(y), 3));
    let mut text = String::new();
    let mut last = (0.0, 0.0);
    for segment in outline.segments() {
        // Writing to a string cannot fail.
        let _ = match segment {
            PathSegment::MoveTo(to) => {
                last = (to.x, to.y);
                write!(text, "{} m ", place(to.x, to.y))
            }
            PathSegment::LineTo(to) => {
                last = (to.x, to.y);
                write!(text, "{} l ", place(to.x, to.y))
            }
            // PDF has only cubic curves.
            PathSegment::QuadTo(control, to) => {
                let toward = |from: (f32, f32)| {
                    let near = |from: f32, control: f32| from + 2.0 / 3.0 * (control - from);
                    place(near(from.0, control.x), near(from.1, control.y))
                };
                let (first, second) = (toward(last), toward((to.x, to.y)));
                last = (to.x, to.y);
                write!(text, "{first} {second} {} c ", place(to.x, to.y))
            }
            PathSegment::CubicTo(first, second, to) => {
                last = (to.x, to.y);
                write!(
                    text,
                    "{} {} {} c ",
                    place(first.x, first.y),
                    place(second.x, second.y),
                    place(to.x, to.y)
                )
            }
            PathSegment::Close => {
                text.push_str("h ");
                Ok(())
            }
        };
    }
    text
}

/// A text string: UTF-16 with a byte order mark, in hexadecimal digits.
fn text_string(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    format!("<FEFF{units}>")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::{Anchor, BLUE};

    /// The objects of a document, located by its table of offsets.
    fn objects(document: &[u8]) -> Vec<Vec<u8>> {
        let find = |what: &[u8], from: usize| {
            from + document[from..].windows(what.len()).position(|window| window == what).unwrap()
        };
        let tail = String::from_utf8_lossy(&document[document.len() - 40..]).into_owned();
        let table: usize = tail.split("startxref\n").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
        let table = std::str::from_utf8(&document[table..]).unwrap();
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("xref"));
        let number: usize = lines.next().unwrap().strip_prefix("0 ").unwrap().parse().unwrap();
        assert!(lines.next().unwrap().ends_with(" f "));
        let places = lines.take(number - 1).map(|line| line[..10].parse::<usize>().unwrap());
        places
            .enumerate()
            .map(|(index, place)| {
                let head = format!("{} 0 obj\n", index + 1);
                assert!(document[place..].starts_with(head.as_bytes()), "object {}", index + 1);
                document[place + head.len()..find(b"\nendobj", place)].to_vec()
            })
            .collect()
    }

    fn content(document: &[u8]) -> String {
        let object = &objects(document)[3];
        let begin = object.windows(7).position(|window| window == b"stream\n").unwrap() + 7;
        let packed = &object[begin..object.len() - "\nendstream".len()];
        let head = String::from_utf8_lossy(&object[..begin]).into_owned();
        assert!(head.contains(&format!("/Length {} ", packed.len())), "{head}");
        let mut text = String::new();
        flate2::read::ZlibDecoder::new(packed).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_document_has_its_objects_where_its_table_says() {
        let mut canvas = Canvas::new(120.0, 80.5, "a (ü) title");
        canvas.line(&[(10.0, 10.0), (50.0, 1e9)], Stroke::new(BLUE, 1.0).dashed().opacity(0.5));
        canvas.text(10.0, 40.0, "x^{2} *i* \\*", 8.0, Anchor::Start, BLACK);
        canvas.clipped(Rect::new(0.0, 0.0, 60.0, 60.0), |canvas| {
            canvas.dots([(5.0, 5.0)], 2.0, Stroke::new(BLACK, 0.0));
        });
        canvas.letter(0.0, 0.0, 'a');
        let document = canvas.to_pdf().unwrap();
        assert!(document.starts_with(b"%PDF-1.4\n") && document.ends_with(b"%%EOF\n"));
        let objects = objects(&document);
        let text = |index: usize| String::from_utf8_lossy(&objects[index]).into_owned();
        assert_eq!(objects.len(), 5);
        assert!(
            text(2).contains("/MediaBox [0 0 120 80.5]") && text(2).contains("/o50 << /ca 0.5 /CA 0.5 >>")
        );
        assert!(text(4).contains("<FEFF0061002000280"), "{}", text(4));
        let content = content(&document);
        assert!(content.starts_with("1 0 0 -1 0 80.5 cm"), "{content}");
        assert!(content.contains("/o50 gs 0 0.447 0.698 RG 1 w [3 2] 0 d 10 10 m 50 30000 l S"), "{content}");
        assert!(content.contains("0 0 60 60 re W n"), "{content}");
        // Each saved state is restored, and no operand has an exponent.
        let count = |operator: &str| content.split_whitespace().filter(|word| *word == operator).count();
        assert_eq!(count("q"), count("Q"));
        assert!(count("c") > 20, "glyphs are curves");
        for word in content
            .split(|c: char| c.is_whitespace() || c == ']')
            .filter(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
        {
            assert!(word.parse::<f64>().is_ok() && !word.contains('e'), "{word}");
        }
    }

    #[test]
    fn numbers_are_short_and_plain() {
        assert_eq!([0.0, -0.001, 1e-9, 12.5, 100.0].map(|it| number(it, 2)), ["0", "0", "0", "12.5", "100"]);
        assert_eq!([f64::NAN, f64::NEG_INFINITY].map(|it| number(it, 2)), ["0", "-30000"]);
    }
}
