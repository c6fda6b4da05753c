//! Maps of sweeps of all kinds.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use snn_run::{
    Naming,
    sweep::{Manifest, Results, Row},
};

use super::*;
use crate::theme::{Colors, Marker, Theme};

/// A plan with these values of its axes (those of seeds are recognized by name) and these points.
pub(super) fn manifest(axes: &str, points: &str) -> Manifest {
    let axes: toml::Table = serde_json::from_str(axes).unwrap();
    let axes: Vec<_> = axes
        .into_iter()
        .map(|(key, values)| {
            let seed = key.ends_with("seed");
            serde_json::json!({"scale": "list", "seed": seed, "values": values, "key": key})
        })
        .collect();
    let points: Vec<serde_json::Value> = serde_json::from_str(points).unwrap();
    let points: Vec<_> = points
        .into_iter()
        .enumerate()
        .map(|(k, settings)| serde_json::json!({"id": format!("run-{k}"), "settings": settings}))
        .collect();
    let manifest = serde_json::json!({"version": 1, "name": "test", "runs": "runs", "axes": axes, "selection": {},
        "base": {}, "points": points});
    serde_json::from_value(manifest).unwrap()
}

/// A state with this sweep, whose k-th run has a best accuracy of 10 k %.
fn state(axes: &str, points: &str, states: &[RunState]) -> UiState {
    let manifest = manifest(axes, points);
    let row = |(k, point): (usize, &snn_run::sweep::Point)| Row {
        id: point.id.clone(),
        settings: point.settings.clone(),
        state: states.get(k).copied().unwrap_or(RunState::Done),
        epoch: 3,
        valid_accuracy: states.get(k).is_none_or(|it| *it == RunState::Done).then_some(0.1 * k as f64),
        valid_loss: None,
        late_gain: None,
        verdict: None,
        detail: None,
        lost_classes: None,
        test_accuracy: None,
        spikes: None,
        seconds: 10.0,
        message: None,
    };
    let rows = manifest.points.iter().enumerate().map(row).collect();
    let keys = manifest.axes.iter().map(|axis| axis.key.clone()).collect();
    let results = Results { keys, seeds: Vec::new(), rows };
    let mut state = UiState::new(Theme { colors: Colors::None, marker: Marker::Ascii }, "s".into(), true);
    let naming = Naming::of(results.rows.iter().map(|row| (row.id.as_str(), &row.settings)));
    state.model.sweep =
        Some(SweepView { manifest, results, naming, classes: Some(10), computing_left: Some(60.0) });
    state
}

fn screen(state: &UiState) -> String {
    let area = Rect::new(0, 0, 80, 22);
    let mut buffer = Buffer::empty(area);
    draw(state, area, &mut buffer);
    crate::widgets::text::tests::lines(&buffer).join("\n")
}

fn key(state: &mut UiState, key: KeyEvent) {
    super::super::binding::press(DEFINITION.bindings, state, key);
}

fn press(state: &mut UiState, keys: &str) {
    for c in keys.chars() {
        key(state, KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    }
}

const EIGHT: &str = r#"[{"a.x":1,"b.y":1,"c.z":"p"},{"a.x":2,"b.y":1,"c.z":"p"},{"a.x":1,"b.y":2,"c.z":"p"},
    {"a.x":2,"b.y":2,"c.z":"p"},{"a.x":1,"b.y":1,"c.z":"q"},{"a.x":2,"b.y":1,"c.z":"q"},{"a.x":1,"b.y":2,"c.z":"q"}]"#;

#[test]
fn two_keys_are_the_axes_and_the_third_is_stepped() {
    use RunState::{Done, Failed, Pending, Running};
    let axes = r#"{"a.x":[1,2],"b.y":[1,2],"c.z":["p","q"]}"#;
    let mut state = state(axes, EIGHT, &[Done, Done, Running, Failed, Done, Pending]);
    // The best setting has another value of the third key.
    assert!(screen(&state).contains("z [q]") && screen(&state).contains("run-6"), "{}", screen(&state));
    press(&mut state, "]]");
    let text = screen(&state);
    assert!(text.contains("z [p]") && text.contains("0.00") && text.contains("10.00"), "{text}");
    assert!(
        text.contains(" ~")
            && text.contains(" x")
            && text.contains("4 of 7 runs, 1 running, 1 pending, 1 failed"),
        "{text}"
    );
    press(&mut state, "]");
    let text = screen(&state);
    assert!(text.contains("z [q]") && text.contains("40.00") && text.contains(" ."), "{text}");
    press(&mut state, "]");
    assert!(screen(&state).contains("z [all]"), "the mean over all values");
    press(&mut state, "]hhjj");
    assert!(screen(&state).contains("run-0 x 1 y 1 p  done  0"), "{}", screen(&state));
    press(&mut state, "lkk");
    assert!(screen(&state).contains("run-3 x 2 y 2 p  failed"), "{}", screen(&state));
}

#[test]
fn the_ranking_selects_settings_and_counts_finished_runs() {
    use RunState::{Done, Pending, Running};
    let axes = r#"{"a.x":[1,2],"b.y":[1,2],"c.z":["p","q"]}"#;
    let mut state = state(axes, EIGHT, &[Done, Done, Running, Done, Done, Pending, Done]);
    let wide = |state: &UiState| {
        let area = Rect::new(0, 0, 100, 30);
        let mut buffer = Buffer::empty(area);
        draw(state, area, &mut buffer);
        crate::widgets::text::tests::lines(&buffer)
    };
    let of_setting = |line: &String| {
        let at = line.find("x 1 y").or(line.find("x 2 y"))?;
        Some(line[at..].split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let ranked: Vec<String> = wide(&state).iter().filter_map(of_setting).collect();
    assert_eq!(
        ranked[..7],
        [
            "x 1 y 2 q 60.00 - 1",
            "x 1 y 1 q 40.00 - 1",
            "x 2 y 2 p 30.00 - 1",
            "x 2 y 1 p 10.00 - 1",
            "x 1 y 1 p 0.00 - 1",
            "x 1 y 2 p - - 0~",
            "x 2 y 1 q - - 0.",
        ],
        "{}",
        wide(&state).join("\n")
    );
    let text = wide(&state).join("\n");
    // Only x 1, y 1 was tried with both p and q; only y 1, p with both x 1 and x 2.
    assert!(text.contains("z: changes it by 40.00, best q") && text.contains("p: 0.00   q: 40.00"), "{text}");
    assert!(text.contains("x: changes it by 10.00, best 2"), "{text}");
    // The next best setting, and back, wherever they are.
    for (keys, run, value) in
        [("", "run-6", "q"), ("b", "run-4", "q"), ("b", "run-3", "p"), ("BB", "run-6", "q")]
    {
        press(&mut state, keys);
        let text = screen(&state);
        assert!(text.contains(run) && text.contains(&format!("z [{value}]")), "{keys} {run}: {text}");
    }
    press(&mut state, "v");
    let text = screen(&state);
    assert!(text.contains("best settings") && !text.contains("1/classes"), "{text}");
    press(&mut state, "j");
    assert!(screen(&state).contains("z: changes it by"), "{}", screen(&state));
    press(&mut state, "v");
    assert!(screen(&state).contains("run-4"), "{}", screen(&state));
}

#[test]
fn colors_start_at_chance() {
    let mut state = state(r#"{"a.x":[1,2]}"#, r#"[{"a.x":1},{"a.x":2}]"#, &[]);
    let text = screen(&state);
    assert!(
        text.contains("@ 28  ") && text.contains("from guessing, 1/classes"),
        "noise is not amplified: {text}"
    );
    state.model.sweep.as_mut().unwrap().classes = None;
    assert!(!screen(&state).contains("guessing"));
}

#[test]
fn enter_opens_the_curves_of_a_cell() {
    let mut state = state(
        r#"{"a.x":[1,2],"b.seed":[0,1]}"#,
        r#"[{"a.x":1,"b.seed":0},{"a.x":1,"b.seed":1},{"a.x":2,"b.seed":0}]"#,
        &[],
    );
    for row in &state.model.sweep.as_ref().unwrap().results.rows {
        let run = crate::data::Run::new(row.id.clone(), "".into(), Some(RunState::Done));
        state.model.runs.insert(row.id.clone(), run);
    }
    assert!(screen(&state).contains("mean over seed"), "{}", screen(&state));
    assert!(screen(&state).contains("5.00"), "{}", screen(&state));
    assert!(screen(&state).contains("x 2: 1 run "), "the cursor starts at the best: {}", screen(&state));
    press(&mut state, "h");
    key(&mut state, KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
    assert_eq!(state.screen, Screen::CURVES);
    assert_eq!(state.marked.iter().collect::<Vec<_>>(), ["run-0", "run-1"]);
}

#[test]
fn sweeps_of_any_shape_have_a_map() {
    for (axes, points) in [
        ("{}", "[{}]"),
        ("{}", "[]"),
        (r#"{"a.seed":[1,2,3]}"#, r#"[{"a.seed":1},{"a.seed":3}]"#),
        (r#"{"a.word":["p","q"]}"#, r#"[{"a.word":"p"},{}]"#),
        (r#"{"a.x":[1,2],"b.y":[[1],[1,2]]}"#, r#"[{"a.x":1},{"b.y":[1,2]}]"#),
    ] {
        let mut state = state(axes, points, &[]);
        for keys in ["", "l", "k", "j", "h", "c", "r", "c", "o", "]", "[", "m", "M"] {
            press(&mut state, keys);
            screen(&state);
        }
    }
}
