//! Shared by the screens that show probes: the selected epoch, and the texts when there is no probe.

use snn_run::probe::Probe;

use crate::{
    data::{Probes, Wants, XAxis},
    state::UiState,
    widgets::text::clean,
};

/// The selected epoch, shared by all of these screens; `None` is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Epoch(pub(crate) Option<u32>);

/// The epoch that the user has selected.
pub(super) fn chosen_epoch(state: &UiState) -> Option<u32> {
    state.choice::<Epoch>().0
}

fn choose(state: &mut UiState, epoch: Option<u32>) {
    state.change(|it: &mut Epoch| it.0 = epoch);
}

/// The bindings of the epoch: a screen gives the keys for the previous and the next one.
macro_rules! epoch_binding {
    ($before:literal, $after:literal) => {
        Binding {
            what: "epoch",
            keys: &[
                ($before, |state| probed::epoch_by(state, -1)),
                ($after, |state| probed::epoch_by(state, 1)),
                ("g|Home", probed::first_epoch),
                ("G|End", probed::newest_epoch),
            ],
        }
    };
}
pub(super) use epoch_binding;

/// Selects another epoch with a probe.
pub(super) fn epoch_by(state: &mut UiState, by: isize) {
    let Some(probes) = state.subject_probes() else { return };
    let epoch = step(probes, chosen_epoch(state), by);
    choose(state, epoch);
}

pub(super) fn first_epoch(state: &mut UiState) {
    let Some(probes) = state.subject_probes() else { return };
    let first = probes.epochs.first().copied();
    choose(state, first);
}

pub(super) fn newest_epoch(state: &mut UiState) {
    choose(state, None);
}

/// The index after this number of steps, cyclically.
pub(super) fn turned(place: usize, of: usize, by: isize) -> usize {
    (place as isize + by).rem_euclid(of.max(1) as isize) as usize
}

/// These screens need all data of the selected run.
pub(super) fn wants(state: &UiState, wants: &mut Wants) {
    let subject = state.subject().map(|run| run.id.clone());
    wants.histories = subject.iter().cloned().collect();
    wants.probe = subject.map(|id| (id, chosen_epoch(state)));
}

/// The epoch of a later or earlier probe. The last one is returned as `None`, which follows new probes.
fn step(probes: &Probes, chosen: Option<u32>, by: isize) -> Option<u32> {
    let epoch = probes.epoch(chosen)?;
    let place = probes.epochs.iter().position(|&it| it == epoch)?.saturating_add_signed(by);
    probes.epochs.get(place).copied().filter(|_| place + 1 < probes.epochs.len())
}

/// The current probe, or the text to show instead.
pub(super) fn looked_at(state: &UiState) -> Result<&Probe, String> {
    let Some(run) = state.subject() else {
        return Err("No run is selected: go to Runs (1) and select one.".to_owned());
    };
    let id = clean(&state.short_name(&run.id));
    let failed = run.status.as_ref().and_then(|status| status.probe_error.as_ref());
    let Some(probes) = state.subject_probes().filter(|probes| !probes.epochs.is_empty()) else {
        return Err(match failed {
            Some(error) => format!("{id} has no probes: {}", clean(error)),
            None => format!(
                "{id} has no probes. The trainer takes them before training and after every probe.every epochs; with \
                 probe.every = 0, there are none."
            ),
        });
    };
    match &probes.current {
        None => Err(format!("Reading the probes of {id}.")),
        Some((_, Ok(probe))) => Ok(probe),
        Some((epoch, Err(reason))) => {
            Err(format!("The probe of epoch {epoch} of {id} cannot be read: {}", clean(reason)))
        }
    }
}

/// The current epoch, and its position among the epochs with probes.
pub(super) fn epoch_text(state: &UiState) -> String {
    let Some(probes) = state.subject_probes() else { return String::new() };
    let Some((epoch, _)) = &probes.current else { return String::new() };
    let mut text = match probes.epochs.iter().position(|it| it == epoch) {
        Some(place) => format!("epoch {epoch} ({}/{})", place + 1, probes.epochs.len()),
        None => format!("epoch {epoch}"),
    };
    if let Some(wanted) = probes.epoch(chosen_epoch(state)).filter(|wanted| wanted != epoch) {
        text += &format!(", reading {wanted}");
    }
    text
}

/// The current epoch: that of the probe or, without probes, the last of the run.
pub(super) fn epoch(state: &UiState) -> Option<f64> {
    let probes = state.subject_probes().and_then(|probes| Some(f64::from(probes.current.as_ref()?.0)));
    probes.or_else(|| {
        let last = state.model.histories.get(&state.subject()?.id)?.last()?;
        Some(f64::from(last.epoch))
    })
}

/// A metric of the selected run, times `factor`: by epoch, including the extremes of merged epochs.
pub(super) fn metric(state: &UiState, name: &str, factor: f64) -> Vec<(f64, f64)> {
    let history = state.subject().and_then(|run| state.model.histories.get(&run.id));
    let series = history.map(|history| history.series(name, XAxis::Epoch)).unwrap_or_default();
    let mut points = Vec::with_capacity(series.len());
    for (epoch, bucket) in series {
        if bucket.low < bucket.high {
            points.extend([bucket.low, bucket.high].map(|value| (epoch, factor * value)));
        }
        points.push((epoch, factor * bucket.mean));
    }
    points
}

/// The value of a curve at the last point up to `x`.
pub(super) fn value_at(points: &[(f64, f64)], x: f64) -> Option<f64> {
    points.iter().rev().find(|point| point.0 <= x).map(|point| point.1)
}

#[cfg(test)]
pub(super) mod tests {
    use crossterm::event::KeyCode;
    use ratatui::{buffer::Buffer, layout::Rect};
    use snn_run::{
        EpochRecord, LayerRecord, Losses, Record, RunState,
        probe::{Histogram, InputProbe, LayerProbe, Raster, SampleProbe, Traces},
    };

    use super::*;
    use crate::{
        data::{Msg, ProbeSummary, Run},
        screens,
        state::Screen,
        theme::{Colors, Ground, Marker, Theme},
        widgets::text::tests::lines,
    };

    /// A probe of two hidden layers and three classes.
    pub(in crate::screens) fn probe(epoch: u32) -> Probe {
        let raster = |units: u32| Raster {
            size: units as usize,
            units: (0..units).collect(),
            spikes: (0..units).map(|unit| vec![unit, unit + 20]).collect(),
        };
        let traces = |units: u32| Traces {
            units: (0..units).collect(),
            stride: 1,
            values: (0..units)
                .map(|unit| (0..50).map(|n| (n * (unit + 1)) as f32 * 0.01).collect())
                .collect(),
        };
        let histogram = |mean: f64| Histogram {
            zero: 2,
            edges: (-6..=3).map(|k| 10_f64.powi(k)).collect(),
            counts: (1..10).collect(),
            mean,
        };
        let layer = LayerProbe { rates: histogram(12.5), derivatives: histogram(0.05) };
        let sample = SampleProbe {
            index: 17,
            label: 2,
            prediction: 1,
            input: InputProbe::Spikes(raster(9)),
            hidden: vec![raster(8), raster(6)],
            potentials: vec![traces(4), traces(3)],
            readout: traces(3),
        };
        let right =
            SampleProbe { index: 18, prediction: 2, input: InputProbe::Frames(traces(5)), ..sample.clone() };
        Probe {
            epoch,
            steps: 50,
            dt: 2.0,
            threshold: 1.0,
            samples: vec![sample, right],
            layers: vec![layer.clone(), layer],
            update_ratios: [("W1", 1e-3), ("W2", 0.3), ("Wout", 2e-3)].map(|(k, v)| (k.to_owned(), v)).into(),
            confusion: vec![vec![8, 1, 0], vec![0, 9, 0], vec![3, 0, 6]],
            ..Probe::default()
        }
    }

    /// A screen over a run with three epochs and these probes.
    pub(in crate::screens) fn state(screen: Screen, probes: Vec<Probe>) -> UiState {
        let theme = Theme { colors: Colors::None, marker: Marker::Ascii };
        let mut state = UiState::new(theme, "runs".to_owned(), false);
        state.screen = screen;
        let id = "demo".to_owned();
        state.update(Msg::Runs(vec![Run::new(id.clone(), "runs/demo".into(), Some(RunState::Done))]));
        screens::settle(&mut state);
        let epoch = |epoch: u32| {
            let layer = LayerRecord { spikes: 10.0, silent: 0.25, saturated: 0.0 };
            let gradients = [("W1", 1e-9), ("W2", 0.1), ("Wout", 0.0)];
            Record::Epoch(EpochRecord {
                epoch,
                valid: Some(Losses { loss: 0.5, accuracy: 0.75, ..Losses::default() }),
                layers: vec![layer, layer],
                gradient_norms: gradients.map(|(name, norm)| (name.to_owned(), norm)).into(),
                ..EpochRecord::default()
            })
        };
        state.update(Msg::History(id.clone(), (1..=3).map(epoch).collect()));
        let epochs: Vec<u32> = probes.iter().map(|probe| probe.epoch).collect();
        if !probes.is_empty() {
            state.update(Msg::ProbedEpochs(id.clone(), epochs));
        }
        for probe in probes {
            state.update(Msg::ProbeSummary(id.clone(), Box::new(ProbeSummary::of(&probe))));
            state.update(Msg::Probe(id.clone(), probe.epoch, Ok(Box::new(probe))));
        }
        state
    }

    /// A probe with inconsistent contents.
    pub(in crate::screens) fn odd_probe() -> Probe {
        let mut odd = probe(u32::MAX);
        (odd.dt, odd.threshold, odd.steps) = (1e300, f64::NAN, u32::MAX);
        let [first, second] = &mut odd.samples[..] else { return odd };
        first.hidden[0].units.clear();
        first.hidden[1].spikes.push(vec![u32::MAX; 3]);
        first.potentials[0].values.truncate(1);
        first.potentials[1].units.clear();
        (first.readout.stride, first.label) = (0, u16::MAX);
        first.readout.values[1] = vec![f32::NAN, f32::INFINITY, f32::MAX, f32::MIN];
        second.hidden.clear();
        second.potentials.clear();
        second.input =
            InputProbe::Frames(Traces { values: vec![vec![], vec![f32::NAN]], ..Traces::default() });
        second.readout = Traces::default();
        odd.layers[0].rates = Histogram { zero: 5, counts: vec![1; 40], ..Histogram::default() };
        odd.layers[1].derivatives =
            Histogram { edges: vec![f64::NAN; 4], counts: vec![0; 9], ..Histogram::default() };
        odd.layers.push(LayerProbe::default());
        odd.update_ratios.insert("V\x1b[2J1".to_owned(), f64::NAN);
        odd.update_ratios.insert(String::new(), f64::INFINITY);
        odd.confusion = vec![vec![1], vec![], vec![0; 9]];
        odd
    }

    /// Draws the screen at many sizes and with every theme, after each of these keys.
    pub(in crate::screens) fn draw_everywhere(state: &mut UiState, keys: &str) {
        for key in keys.chars() {
            screens::key(state, KeyCode::Char(key).into());
            for marker in [Marker::Braille, Marker::HalfBlock, Marker::Ascii] {
                for colors in [Colors::None, Colors::Sixteen(Ground::Light), Colors::Indexed(Ground::Dark)] {
                    state.theme = Theme { colors, marker };
                    let sizes = [(50, 12), (60, 15), (80, 24), (119, 40), (160, 50), (200, 60)];
                    let small = [(0, 0), (1, 1), (7, 3), (13, 5), (24, 9), (49, 11)];
                    for (width, height) in sizes.into_iter().chain(small) {
                        let area = Rect::new(0, 0, width, height);
                        screens::draw(state, area, &mut Buffer::empty(area));
                        body(state, width, height);
                    }
                }
            }
        }
    }

    /// The screen alone, whatever the size of the terminal.
    pub(in crate::screens) fn body(state: &UiState, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        (screens::table::definition(state.screen).draw)(state, area, &mut buffer);
        lines(&buffer).join("\n")
    }

    #[test]
    fn missing_data_is_explained() {
        for screen in [Screen("activity"), Screen("learning")] {
            let mut state = state(screen, Vec::new());
            if screen == Screen("learning") {
                // Gradients are in the history; the other views need a probe.
                assert!(body(&state, 80, 22).contains("Wout"));
                screens::key(&mut state, KeyCode::Char('v').into());
            }
            assert!(body(&state, 80, 22).contains("demo has no probes"), "{}", body(&state, 80, 22));
            let status = snn_run::Status {
                probe_error: Some("disk is \x1bfull".to_owned()),
                ..snn_run::Status::default()
            };
            let run = Run { status: Some(status), ..state.model.runs["demo"].clone() };
            state.update(Msg::Runs(vec![run]));
            assert!(body(&state, 80, 22).contains("has no probes: disk is \\u001bfull"));
            state.update(Msg::ProbedEpochs("demo".to_owned(), vec![1]));
            assert!(body(&state, 80, 22).contains("Reading the probes of demo"));
            state.update(Msg::Probe("demo".to_owned(), 1, Err("torn".to_owned())));
            assert!(body(&state, 80, 22).contains("epoch 1 of demo cannot be read: torn"));
            let none = UiState::new(state.theme, String::new(), false);
            assert!(body(&UiState { screen, ..none }, 80, 22).contains("No run is selected"));
        }
    }

    #[test]
    fn epochs_are_stepped_through_and_the_last_follows_new_ones() {
        let probes = Probes { epochs: vec![0, 4, 8, 12], ..Probes::default() };
        assert_eq!(step(&probes, None, -1), Some(8));
        assert_eq!(step(&probes, Some(8), 1), None, "the newest, even if newer ones follow");
        assert_eq!(step(&probes, None, 1), None);
        assert_eq!(step(&probes, Some(0), -1), Some(0));
        assert_eq!(
            step(&probes, Some(5), 1),
            Some(8),
            "from an epoch without a probe, starting at the one before"
        );
        assert_eq!(step(&Probes::default(), Some(3), 1), None);
    }

    #[test]
    fn values_are_those_of_the_epoch_or_the_previous_one() {
        let points = [(1.0, 10.0), (2.0, 20.0), (4.0, 40.0)];
        let at = [0.0, 1.0, 3.0, 9.0].map(|x| value_at(&points, x));
        assert_eq!(at, [None, Some(10.0), Some(20.0), Some(40.0)]);
    }
}
