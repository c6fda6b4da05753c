//! Curves and their keys.

use super::*;
use crate::{screens::curves::plots, state::letter, widgets::text::number};

#[test]
fn more_than_eight_curves_are_distinguished_without_colors() {
    let directory = tempfile::tempdir().unwrap();
    for k in 0..12_u32 {
        let id = format!("run-{k:02}");
        let state = snn_run::RecordedState::Done;
        let learning_rate = 0.004 * f64::from(k + 1);
        let sketch = fixture::Sketch { id: &id, state, epochs: 20, seed: k, learning_rate, beta: 10.0 };
        fixture::run(&directory.path().join(&id), &sketch);
    }
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("a 2 j j v v");
    let text = dashboard.screen(100, 30);
    let plots = plots(&dashboard.state);
    assert_eq!(plots[0].series.len(), 12);
    for (k, series) in plots[0].series.iter().enumerate() {
        let value = number(series.last().unwrap().1);
        let letter = letter(k);
        let line = text.lines().find(|line| line.contains(&format!("{letter} run-{k:02}")));
        assert!(line.is_some_and(|line| line.ends_with(&value)), "{letter} {value}: {text}");
        // At the end of the curve and along it.
        let curves = text.lines().skip(2).filter_map(|line| line.split_once(['│', '┤']));
        let seen: usize =
            curves.map(|(_, curve)| curve.chars().take(70).filter(|c| *c == letter).count()).sum();
        assert!(seen >= 1, "{letter}: {text}");
    }
    // The list of runs has the same letters.
    dashboard.press("1");
    let text = dashboard.screen(80, 24);
    assert!(text.contains("\na") && text.contains("\nb") && text.contains("\nl"), "{text}");
}

#[test]
fn curves_are_zoomed_panned_and_read_epoch_by_epoch() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.state.marked = ["randman-a", "randman-c"].map(str::to_owned).into();
    dashboard.press("2");
    let limits = |dashboard: &Dashboard| {
        let plot = &plots(&dashboard.state)[0];
        (plot.x.low, plot.x.high, plot.y.low, plot.y.high)
    };
    let whole = limits(&dashboard);
    assert_eq!((whole.0, whole.1), (0.0, 20.0));
    dashboard.press("+ +");
    let near = limits(&dashboard);
    assert!(
        near.0 > 4.0 && near.1 < 16.0 && near.3 < whole.3,
        "values are scaled to what is shown: {near:?}"
    );
    dashboard.press("] ] ] ] ] ] ]");
    assert_eq!(limits(&dashboard).1, 20.0, "not beyond the data");
    dashboard.press("[ }");
    let part = limits(&dashboard);
    assert!(part.1 < 20.0 && part.3 - part.2 < whole.3 - whole.2, "{part:?}");
    dashboard.press("z");
    assert_eq!(limits(&dashboard), whole);

    // The crosshair stops at the epochs of all runs, whatever the axis.
    dashboard.press("<");
    assert!(dashboard.screen(100, 30).contains("epoch 20"));
    assert!(
        dashboard.screen(100, 30).lines().any(|line| line.contains("b randman-c") && line.ends_with(" -")),
        "it ended before"
    );
    dashboard.press("< < < < < < < < <");
    let text = dashboard.screen(100, 30);
    assert!(text.contains("epoch 11"), "{text}");
    let value = number(plots(&dashboard.state)[0].series[0].points[10].1);
    assert!(
        text.lines().any(|line| line.contains("a randman-a") && line.ends_with(&value)),
        "{value}: {text}"
    );
    dashboard.press("t");
    assert!(dashboard.screen(100, 30).contains("step 352 (epoch 11 of a)"));
    dashboard.press("t + +");
    let plot = &plots(&dashboard.state)[0];
    let place = plot.x.place(plot.crosshair.unwrap());
    assert!((0.0..=1.0).contains(&place), "it stays visible: {place}");
    dashboard.press("c");
    assert_eq!(plots(&dashboard.state)[0].crosshair, None);
}

#[test]
fn metrics_are_chosen_from_a_list() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("2 m");
    let text = dashboard.screen(100, 40);
    for entry in
        ["metrics (1/25)", "loss and accuracy", "all, in small", "gradient_norms.Wout 0.0", "seconds.forward"]
    {
        assert!(text.contains(entry), "{entry}: {text}");
    }
    dashboard.press("j j j j j");
    let text = dashboard.screen(100, 40);
    assert!(text.contains("metrics (6/25)") && text.contains("gradient_norms.V1 (norm)"), "{text}");
    dashboard.press("Esc");
    assert_eq!(dashboard.state.screen, Screen::CURVES, "the list is closed first");
    assert!(!dashboard.screen(100, 40).contains("metrics (6/25)"));
    dashboard.press("Esc");
    assert_eq!(dashboard.state.screen, Screen::RUNS);
    // All metrics as small plots, with names above, as many as fit.
    dashboard.press("a 2 k k k k");
    let text = dashboard.screen(200, 60);
    let wide = ["a randman-a  b randman-b", "seconds.total (s per epoch)", "regularization", "learning_rate"];
    assert!(wide.iter().all(|word| text.contains(word)), "{text}");
    let narrow = dashboard.screen(80, 24);
    assert!(narrow.contains("more metrics: see the list (m)"), "{narrow}");
}

#[test]
fn one_diverged_run_does_not_flatten_the_others() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let path = directory.path().join("randman-b/metrics.jsonl");
    let lines = std::fs::read_to_string(&path).unwrap();
    let wild = |line: &str| {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        if record["epoch"] == 7 {
            record["train"]["loss"] = 7489.0.into();
        }
        record.to_string() + "\n"
    };
    std::fs::write(&path, lines.lines().map(wild).collect::<String>()).unwrap();
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.state.marked = ["randman-a", "randman-b", "randman-c"].map(str::to_owned).into();
    dashboard.press("2");
    let high = |dashboard: &Dashboard| plots(&dashboard.state)[0].y.high;
    assert!(high(&dashboard) < 10.0);
    let text = dashboard.screen(100, 30);
    assert!(text.contains("▲ 1 outside"), "{text}");
    assert!(text.lines().nth(2).is_some_and(|line| line.contains('▲')), "{text}");
    dashboard.press("r");
    assert!(high(&dashboard) > 7000.0 && !dashboard.screen(100, 30).contains('▲'));
}

#[test]
fn seeds_of_one_experiment_are_grouped_into_one_curve() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("a Enter b");
    let names: Vec<_> = plots(&dashboard.state)[1].series.iter().map(|series| series.name.clone()).collect();
    assert!(names.contains(&"2 x lr .03".to_owned()), "{names:?}");
    assert_eq!(names.len(), 6, "three groups, train and validation: {names:?}");
    assert!(plots(&dashboard.state)[1].series.iter().any(|series| !series.band.is_empty()));
    let labels: Vec<_> =
        plots(&dashboard.state)[1].series.iter().map(|series| series.label.clone()).collect();
    assert!(labels.contains(&"2 x lr .03 train".to_owned()), "{labels:?}");
}

#[test]
fn no_view_of_curves_is_too_small_or_too_wide() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    // Small plots of all metrics, with the list and the crosshair, in bands over time, at maximum zoom.
    for keys in ["a 2 j", "m <", "t t b", "+ + + + + + + + + + + + + + + + + + + + } } } ( [", "y Y", "r v"] {
        dashboard.press(keys);
        for marker in [Marker::Braille, Marker::Ascii] {
            dashboard.state.theme = Theme { colors: Colors::Indexed(Ground::Dark), marker };
            for width in [0, 1, 20, 37, 50, 80, 150, 200, 300] {
                for height in [0, 1, 6, 12, 24, 40, 60, 100] {
                    let area = Rect::new(0, 0, width, height);
                    crate::screens::draw(&dashboard.state, area, &mut Buffer::empty(area));
                }
            }
        }
    }
}
