//! Exports are written and read back.

use std::{fs, path::Path, time::Duration};

use super::*;
use crate::{
    data::{Source, Tailer},
    fixture,
    screens::curves,
    state::Screen,
    theme::Theme,
};

/// A screen of the dashboard over a directory, with all of its data read.
fn state(directory: &Path, screen: Screen, marked: &[&str]) -> UiState {
    let source = Source::open(directory).unwrap();
    let theme = Theme { colors: Colors::None, marker: Marker::Ascii };
    let mut state = UiState::new(theme, "runs".to_owned(), source.is_sweep());
    let mut tailer = Tailer::new(source, Duration::from_secs(3600));
    state.screen = screen;
    crate::start::settle(&mut tailer, &mut state);
    state.marked = marked.iter().map(|&id| id.to_owned()).collect();
    crate::start::settle(&mut tailer, &mut state);
    state
}

fn target(directory: &Path, name: &str) -> Target {
    directory.join(name).to_str().unwrap().parse().unwrap()
}

/// Names and texts of the elements of a well-formed XML document.
fn texts(svg: &str) -> Vec<String> {
    let (mut open, mut texts) = (Vec::new(), Vec::new());
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("tags end");
        assert!(!text.contains('&') || text.contains(';'), "{text}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if !text.trim().is_empty() {
            texts.push(text.trim().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
        }
    }
    assert!(open.is_empty(), "{open:?}");
    texts
}

/// Checks a document against its own table of objects.
fn check_pdf(document: &[u8]) {
    assert!(document.starts_with(b"%PDF-1.4\n") && document.ends_with(b"%%EOF\n"));
    let text = String::from_utf8_lossy(document).into_owned();
    let table: usize = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
    let table = String::from_utf8_lossy(&document[table..]).into_owned();
    let places: Vec<usize> =
        table.lines().filter(|line| line.ends_with(" n ")).map(|line| line[..10].parse().unwrap()).collect();
    assert_eq!(places.len(), 5);
    for (place, k) in places.into_iter().zip(1..) {
        assert!(document[place..].starts_with(format!("{k} 0 obj\n").as_bytes()), "object {k}");
    }
    assert!(text.contains("/Type /Catalog") && text.contains("/MediaBox [0 0 "));
}

#[test]
fn curves_are_exported_with_the_same_numbers() {
    let runs = tempfile::tempdir().unwrap();
    fixture::runs(runs.path());
    let mut state = state(runs.path(), Screen::CURVES, &["randman-a", "randman-b", "randman-c"]);
    let folder = tempfile::tempdir().unwrap();
    let svg = target(folder.path(), "curves.svg");
    let beside = write(&mut state, What::Plots, (80, 24), &svg).unwrap();
    assert_eq!(beside, folder.path().join("curves.csv"));
    let plots = curves::plots(&state);

    let texts = texts(&fs::read_to_string(&svg.path).unwrap());
    for expected in ["loss", "accuracy (%)", "epoch", "dotted: train"] {
        assert!(texts.iter().any(|text| text == expected), "{expected} is not among {texts:?}");
    }
    for series in plots.iter().flat_map(|plot| &plot.series) {
        let value = crate::widgets::text::number(series.last().unwrap().1);
        let label = format!("{} {} {value}", series.letter.unwrap(), series.name);
        assert!(texts.contains(&label), "{label} is not among {texts:?}");
    }

    // All plotted values, row by row, with all digits.
    let mut reader = csv::Reader::from_path(&beside).unwrap();
    assert_eq!(reader.headers().unwrap(), vec!["panel", "series", "x", "y", "low", "high"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let points = plots.iter().flat_map(|plot| {
        let of_series = |series: &crate::widgets::Series| {
            series
                .points
                .iter()
                .map(|point| (plot.title.clone(), series.label.clone(), *point))
                .collect::<Vec<_>>()
        };
        plot.series.iter().flat_map(of_series).collect::<Vec<_>>()
    });
    let points: Vec<_> = points.collect();
    assert_eq!(rows.len(), points.len());
    assert!(rows.len() > 200, "two metrics of three runs, train and validation");
    for (row, (title, label, (x, y))) in rows.iter().zip(points) {
        assert_eq!((&row[0], &row[1]), (title.as_str(), label.as_str()));
        assert_eq!((row[2].parse(), row[3].parse()), (Ok(x), Ok(y)));
    }
    assert_eq!(&rows[0][1], "randman-a valid");

    let png = target(folder.path(), "curves.png");
    write(&mut state, What::Plots, (80, 24), &png).unwrap();
    let pixels = tiny_skia::Pixmap::decode_png(&fs::read(&png.path).unwrap()).unwrap();
    let count = |color: snn_plot::Color| {
        let is = |pixel: &&tiny_skia::PremultipliedColorU8| {
            (pixel.red(), pixel.green(), pixel.blue()) == (color.0, color.1, color.2)
        };
        pixels.pixels().iter().filter(is).count()
    };
    assert!(pixels.width() > 1500 && pixels.height() > 400, "{} {}", pixels.width(), pixels.height());
    for color in [scale::series(0), scale::series(1), scale::series(2)] {
        assert!(count(color) > 300, "{color}");
    }
    let pdf = target(folder.path(), "curves.pdf");
    write(&mut state, What::Plots, (80, 24), &pdf).unwrap();
    check_pdf(&fs::read(&pdf.path).unwrap());
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(
        names,
        ["curves.csv", "curves.pdf", "curves.png", "curves.svg"],
        "nothing else is left behind"
    );
}

#[test]
fn every_screen_can_be_exported_with_any_terminal() {
    let runs = tempfile::tempdir().unwrap();
    fixture::runs(runs.path());
    let sweep = tempfile::tempdir().unwrap();
    fixture::sweep(sweep.path());
    let folder = tempfile::tempdir().unwrap();
    for screen in screens::SCREENS.iter().map(|definition| definition.screen) {
        let source = if screen == Screen::SWEEP { sweep.path() } else { runs.path() };
        let mut state = state(source, screen, &[]);
        for what in [What::Plots, What::Screen(100, 30)] {
            for name in ["x.svg", "x.pdf", "x.png"] {
                let target = target(folder.path(), name);
                let beside = write(&mut state, what, (100, 30), &target).unwrap();
                let bytes = fs::read(&target.path).unwrap();
                match target.format {
                    Format::Svg => assert!(!texts(&String::from_utf8(bytes.clone()).unwrap()).is_empty()),
                    Format::Pdf => check_pdf(&bytes),
                    Format::Png => assert!(tiny_skia::Pixmap::decode_png(&bytes).is_ok()),
                }
                let rows =
                    csv::Reader::from_path(&beside).unwrap().into_records().map(Result::unwrap).count();
                assert!(rows >= 2, "{} {name}: {rows}", screen.0);
                assert_eq!(state.theme.marker, Marker::Ascii, "the screen is unchanged");
                // System shows the current load; all other exports are reproducible.
                state.theme.colors = Colors::Indexed(crate::theme::Ground::Dark);
                if screen != Screen::SYSTEM {
                    write(&mut state, what, (100, 30), &target).unwrap();
                    assert!(fs::read(&target.path).unwrap() == bytes, "{} {name}", screen.0);
                }
            }
        }
    }
}

#[test]
fn every_view_of_probes_can_be_exported() {
    let runs = tempfile::tempdir().unwrap();
    fixture::runs(runs.path());
    let folder = tempfile::tempdir().unwrap();
    let svg = target(folder.path(), "x.svg");
    for (screen, words) in [
        (
            "activity",
            [
                ["input", "readout"],
                ["neuron 0 of layer 1", "neuron 10 of layer 1"],
                ["layer 1", "silent units (%)"],
            ],
        ),
        (
            "learning",
            [
                ["gradient norm", "Wout"],
                ["layer 2: fine", "mean derivative"],
                ["true class", "predicted class"],
            ],
        ),
    ] {
        let mut state = state(runs.path(), Screen(screen), &[]);
        for words in words {
            let beside = write(&mut state, What::Plots, (80, 24), &svg).unwrap();
            let texts = texts(&fs::read_to_string(&svg.path).unwrap());
            for word in words {
                assert!(texts.iter().any(|text| text.ends_with(word)), "{screen}: {word} in {texts:?}");
            }
            let numbers = fs::read_to_string(beside).unwrap();
            assert!(numbers.lines().count() > 20 && !numbers.contains("NaN"), "{numbers}");
            screens::key(&mut state, crossterm::event::KeyCode::Char('v').into());
        }
    }
}

#[test]
fn markup_in_names_is_escaped() {
    let runs = tempfile::tempdir().unwrap();
    let sketch = |id| fixture::Sketch {
        id,
        state: snn_run::RecordedState::Done,
        epochs: 5,
        seed: 0,
        learning_rate: 0.1,
        beta: 1.0,
    };
    let name = "a_{x}*b* <&>, \"c\"";
    fixture::run(&runs.path().join(name), &sketch(name));
    let mut state = state(runs.path(), Screen::CURVES, &[name]);
    let folder = tempfile::tempdir().unwrap();
    let svg = target(folder.path(), "x.svg");
    let beside = write(&mut state, What::Plots, (80, 24), &svg).unwrap();
    let texts = texts(&fs::read_to_string(&svg.path).unwrap());
    assert!(texts.iter().any(|text| text.replace("&quot;", "\"").starts_with(name)), "{texts:?}");
    let row = csv::Reader::from_path(&beside).unwrap().into_records().next().unwrap().unwrap();
    assert_eq!(row[1], format!("{name} valid"));
}

#[test]
fn failed_exports_change_nothing() {
    let runs = tempfile::tempdir().unwrap();
    fixture::runs(runs.path());
    let mut state = state(runs.path(), Screen::CURVES, &[]);
    let folder = tempfile::tempdir().unwrap();
    // A directory has the name of the CSV file.
    fs::create_dir(folder.path().join("x.csv")).unwrap();
    fs::write(folder.path().join("x.svg"), "old").unwrap();
    let error = write(&mut state, What::Plots, (80, 24), &target(folder.path(), "x.svg")).unwrap_err();
    assert!(error.to_string().contains("x.csv"), "{error}");
    assert_eq!(fs::read_to_string(folder.path().join("x.svg")).unwrap(), "old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let error = write(&mut state, What::Plots, (80, 24), &target(folder.path(), "no/x.svg")).unwrap_err();
    assert!(error.to_string().contains("no/x.svg"), "{error}");

    let empty = tempfile::tempdir().unwrap();
    let mut state = self::state(empty.path(), Screen::RUNS, &[]);
    let error = write(&mut state, What::Plots, (80, 24), &target(folder.path(), "y.svg")).unwrap_err();
    assert_eq!(error.to_string(), "there are no runs in runs");
    assert!(!folder.path().join("y.svg").exists());
}
