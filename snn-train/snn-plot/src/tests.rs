use super::*;

/// An element of a document.
struct Element {
    /// Name and attributes.
    tag: String,
    /// Its text, including that of nested elements.
    text: String,
}

/// The elements of a document, in order of their ends; panics unless they are properly nested.
fn elements(document: &str) -> Vec<Element> {
    let (mut open, mut closed): (Vec<Element>, Vec<Element>) = Default::default();
    for part in document.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("tags end");
        if let Some(name) = tag.strip_prefix('/') {
            let element = open.pop().expect("every end has a start");
            assert_eq!(element.tag.split(' ').next(), Some(name));
            if let Some(outer) = open.last_mut() {
                outer.text += &element.text;
            }
            closed.push(element);
        } else if let Some(tag) = tag.strip_suffix('/') {
            closed.push(Element { tag: tag.to_owned(), text: String::new() });
        } else {
            open.push(Element { tag: tag.to_owned(), text: String::new() });
        }
        if let Some(inner) = open.last_mut() {
            inner.text +=
                &text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        }
    }
    assert!(open.is_empty(), "every element ends");
    closed
}

#[test]
fn a_panel_has_ticks_labels_and_marks_in_place() {
    let mut canvas = Canvas::new(120.0, 100.0, "test");
    let rect = Rect::new(20.0, 10.0, 80.0, 60.0);
    let axes = Axes::new(rect, AxisScale::logarithmic(0.01, 1.0), AxisScale::linear(0.0, 100.0))
        .labels("Learning rate *η*", "Accuracy (%)")
        .title("a & b");
    axes.draw(&mut canvas);
    assert_eq!(axes.place(0.1, 50.0), (60.0, 40.0));
    axes.line(&mut canvas, [(0.01, 0.0), (f64::NAN, 1.0), (0.1, 50.0), (1.0, 100.0)], Stroke::new(BLUE, 1.0));
    axes.bar(&mut canvas, 0.1, 0.05, 50.0, 10.0, GRAY);
    axes.map(&mut canvas, &[vec![0.0, 1.0], vec![f64::NAN, 0.0]]);
    canvas.letter(0.0, 0.0, 'a');

    let svg = canvas.to_svg();
    let elements = elements(&svg);
    let texts: Vec<_> = elements
        .iter()
        .filter(|element| element.tag.starts_with("text "))
        .map(|element| &*element.text)
        .collect();
    for expected in ["a & b", "10−2", "10−1", "1", "0", "50", "100", "Learning rate η", "Accuracy (%)", "a"]
    {
        assert!(texts.contains(&expected), "{expected} is not among {texts:?}");
    }
    let paths: Vec<_> = elements
        .iter()
        .filter_map(|element| element.tag.strip_prefix("path d=\"")?.split('"').next())
        .collect();
    assert!(paths.contains(&"M20.00 70.00M60.00 40.00L100.00 10.00"), "{paths:?}");
    assert!(paths.contains(&"M60.00 46.00V34.00M58.00 46.00h4M58.00 34.00h4"), "the error bar: {paths:?}");
    // Two cells with the same value share a path; the cell without a value is not drawn.
    let cells: Vec<_> = paths.iter().filter(|path| path.contains('H') && path.contains('z')).collect();
    assert_eq!(cells.len(), 2, "{cells:?}");
    assert_eq!(cells[0].matches('z').count(), 2);
}

#[test]
fn text_is_rendered_with_the_bundled_font() {
    let ink = |label: &str| {
        let mut canvas = Canvas::new(60.0, 20.0, "test");
        canvas.text(2.0, 14.0, label, 10.0, Anchor::Start, BLACK);
        let png = canvas.to_png(72.0).unwrap();
        let pixmap = tiny_skia::Pixmap::decode_png(&png).unwrap();
        assert_eq!((pixmap.width(), pixmap.height()), (60, 20));
        pixmap.pixels().iter().filter(|pixel| pixel.red() < 128).count()
    };
    assert_eq!(ink(""), 0);
    assert!(ink("ηβ−±") > 20, "Greek and signs are in the font");
    assert!(ink("10^{−3}") > ink("10"));
}

#[test]
fn dots_are_discs() {
    let mut canvas = Canvas::new(20.0, 20.0, "test");
    canvas.dots([(10.0, 10.0)], 8.0, Stroke::new(BLACK, 0.0));
    let dark = dark(&canvas);
    assert!(dark(10, 10) && dark(7, 10) && dark(10, 13));
    assert!(!dark(6, 6) && !dark(15, 10), "round, and no larger than asked for");
}

/// Whether pixels of a page at 72 dots per inch are darker than half.
fn dark(canvas: &Canvas) -> impl Fn(u32, u32) -> bool {
    let pixmap = tiny_skia::Pixmap::decode_png(&canvas.to_png(72.0).unwrap()).unwrap();
    move |x, y| pixmap.pixel(x, y).unwrap().red() < 128
}

#[test]
fn marks_outside_of_clips_are_hidden() {
    let mut canvas = Canvas::new(40.0, 40.0, "test");
    let across = [(0.0, 20.0), (40.0, 20.0)];
    canvas.clipped(Rect::new(10.0, 0.0, 20.0, 40.0), |canvas| {
        canvas
            .clipped(Rect::new(0.0, 0.0, 20.0, 40.0), |canvas| canvas.line(&across, Stroke::new(BLACK, 4.0)));
        canvas.line(&[(0.0, 30.0), (40.0, 30.0)], Stroke::new(BLACK, 4.0));
    });
    canvas.line(&[(0.0, 10.0), (40.0, 10.0)], Stroke::new(BLACK, 4.0));
    let dark = dark(&canvas);
    let row = |y| [5, 15, 25, 35].map(|x| dark(x, y));
    assert_eq!(row(20), [false, true, false, false], "within both");
    assert_eq!(row(30), [false, true, true, false], "within one");
    assert_eq!(row(10), [true; 4], "nothing is cut off after the group");
}

#[test]
fn dashes_leave_gaps_and_opacity_shines_through() {
    let mut canvas = Canvas::new(40.0, 40.0, "test");
    canvas.line(&[(0.0, 10.0), (40.0, 10.0)], Stroke::new(BLACK, 4.0).dashed());
    canvas.line(&[(0.0, 30.0), (40.0, 30.0)], Stroke::new(BLACK, 4.0).opacity(0.4));
    let dark = dark(&canvas);
    assert_eq!(
        [2, 10, 15, 22, 30].map(|x| dark(x, 10)),
        [true, true, false, true, true],
        "dashes of 12, gaps of 8"
    );
    assert_eq!([2, 10, 15, 22, 30].map(|x| dark(x, 30)), [false; 5]);
}

#[test]
fn upward_text_is_rotated() {
    let extent = |canvas: &Canvas| {
        let dark = dark(canvas);
        let ink = (0..40).flat_map(|x| (0..40).map(move |y| (x, y))).filter(|&(x, y)| dark(x, y));
        ink.fold([40, 0, 40, 0], |[left, right, top, bottom], (x, y)| {
            [left.min(x), right.max(x), top.min(y), bottom.max(y)]
        })
    };
    let (mut across, mut upwards) = (Canvas::new(40.0, 40.0, "test"), Canvas::new(40.0, 40.0, "test"));
    across.text(10.0, 20.0, "HHH", 10.0, Anchor::Start, BLACK);
    upwards.text_upwards(20.0, 30.0, "HHH", 10.0, Anchor::Start);
    let ([left, right, top, bottom], turned) = (extent(&across), extent(&upwards));
    assert!(right - left > 15 && bottom - top < 8, "{left} {right} {top} {bottom}");
    assert_eq!(turned, [top, bottom, 39 - right, 39 - left], "turned to the left");
}

#[test]
fn cells_leave_no_seam() {
    let mut canvas = Canvas::new(50.0, 50.0, "test");
    let rect = Rect::new(5.0, 5.0, 37.3, 41.7);
    let axes = Axes::new(rect, AxisScale::linear(0.0, 1.0), AxisScale::linear(0.0, 1.0));
    axes.map(&mut canvas, &vec![vec![0.0; 13]; 11]);
    let dark = dark(&canvas);
    assert!((5..42).all(|x| (5..46).all(|y| dark(x, y))));
}
