use super::*;

#[test]
fn a_panel_has_ticks_labels_and_marks_at_their_places() {
    let mut canvas = Canvas::new(120.0, 100.0, "test");
    let rect = Rect::new(20.0, 10.0, 80.0, 60.0);
    let axes = Axes::new(rect, AxisScale::logarithmic(0.01, 1.0), AxisScale::linear(0.0, 100.0))
        .labels("Learning rate *η*", "Accuracy (%)")
        .title("a & b");
    axes.draw(&mut canvas);
    assert_eq!(axes.place(0.1, 50.0), (60.0, 40.0));
    axes.line(&mut canvas, [(0.01, 0.0), (f64::NAN, 1.0), (0.1, 50.0), (1.0, 100.0)], Stroke::new(BLUE, 1.0));
    axes.bar(&mut canvas, 0.1, 0.05, 50.0, 10.0, GREY);
    axes.map(&mut canvas, &[vec![0.0, 1.0], vec![f64::NAN, 0.0]]);
    canvas.letter(0.0, 0.0, 'a');

    let svg = canvas.to_svg();
    let document = resvg::usvg::roxmltree::Document::parse(&svg).unwrap();
    let texts: Vec<_> = document
        .descendants()
        .filter(|node| node.has_tag_name("text"))
        .map(|node| {
            node.descendants().filter_map(|inner| inner.is_text().then(|| inner.text())?).collect::<String>()
        })
        .collect();
    for expected in ["a & b", "10−2", "10−1", "1", "0", "50", "100", "Learning rate η", "Accuracy (%)", "a"]
    {
        assert!(texts.iter().any(|text| text == expected), "{expected} is not among {texts:?}");
    }
    let paths: Vec<_> = document.descendants().filter_map(|node| node.attribute("d")).collect();
    assert!(paths.contains(&"M20.00 70.00M60.00 40.00L100.00 10.00"), "{paths:?}");
    assert!(paths.contains(&"M60.00 46.00V34.00M58.00 46.00h4M58.00 34.00h4"), "the error bar: {paths:?}");
    // Two cells of one value share a path, the cell without a value is not drawn.
    let cells: Vec<_> = paths.iter().filter(|path| path.contains('H') && path.contains('z')).collect();
    assert_eq!(cells.len(), 2, "{cells:?}");
    assert_eq!(cells[0].matches('z').count(), 2);
}

#[test]
fn text_is_rendered_with_the_font_that_ships() {
    let ink = |label: &str| {
        let mut canvas = Canvas::new(60.0, 20.0, "test");
        canvas.text(2.0, 14.0, label, 10.0, Anchor::Start, BLACK);
        let png = canvas.to_png(72.0).unwrap();
        let pixmap = resvg::tiny_skia::Pixmap::decode_png(&png).unwrap();
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
    let png = canvas.to_png(72.0).unwrap();
    let pixmap = resvg::tiny_skia::Pixmap::decode_png(&png).unwrap();
    let dark = |x, y| pixmap.pixel(x, y).unwrap().red() < 128;
    assert!(dark(10, 10) && dark(7, 10) && dark(10, 13));
    assert!(!dark(6, 6) && !dark(15, 10), "round, and no larger than asked for");
}
