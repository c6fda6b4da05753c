//! From samples to batches: order, collation, and data sets that violate their contract.

#![allow(clippy::panic, clippy::unwrap_used, reason = "test helpers fail as tests do")]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use snn_data::{
    Batch, BatchBuilder, BatchInput, Binning, CoincidentSpikes, Dataset, Error, EventDataset, InputKind,
    LateSpikes, Splits, collate, shuffled,
};

const INPUTS: usize = 7;

/// Spikes of one sample: (ms, unit).
type Train = Vec<(f64, u16)>;

fn trains() -> impl Strategy<Value = Vec<Train>> {
    vec(vec((0.0..60.0, 0..INPUTS as u16), 0..40), 1..12)
}

fn binnings() -> impl Strategy<Value = Binning> {
    let late = prop_oneof![Just(LateSpikes::Clamp), Just(LateSpikes::Drop), Just(LateSpikes::Crop)];
    let coincident = prop_oneof![Just(CoincidentSpikes::Binary), Just(CoincidentSpikes::Sum)];
    (1_usize..50, 0.3..4.0, late, coincident).prop_map(|(steps, dt, late, coincident)| Binning {
        steps,
        dt,
        late,
        coincident,
    })
}

fn data_set(binning: Binning, trains: &[Train]) -> EventDataset {
    let mut data = EventDataset::new("trains", INPUTS, 3, binning).unwrap();
    for (label, train) in (0..3).cycle().zip(trains) {
        data.push(label, train.iter().copied()).unwrap();
    }
    data
}

/// How often each unit spikes in each step, counted without any of the code under test.
fn histogram(binning: &Binning, train: &[(f64, u16)]) -> BTreeMap<(usize, u16), usize> {
    let mut counts = BTreeMap::new();
    for &(time, unit) in train {
        let step = (time / binning.dt).floor() as usize;
        let step = match binning.late {
            LateSpikes::Clamp => step.min(binning.steps - 1),
            LateSpikes::Drop | LateSpikes::Crop if step >= binning.steps => continue,
            LateSpikes::Drop | LateSpikes::Crop => step,
        };
        let count = counts.entry((step, unit)).or_insert(0);
        *count = if binning.coincident == CoincidentSpikes::Binary { 1 } else { *count + 1 };
    }
    counts
}

fn events(batch: &Batch) -> (&[u32], &[u16]) {
    match &batch.input {
        BatchInput::Events { offsets, units } => (offsets, units),
        BatchInput::Frames { .. } => panic!("events"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_has_the_spikes_of_its_samples(
        (binning, trains, picks) in (binnings(), trains(), vec(any::<prop::sample::Index>(), 0..20))
    ) {
        let data = data_set(binning, &trains);
        let picks: Vec<u32> = picks.iter().map(|pick| pick.index(trains.len()) as u32).collect();
        let batch = collate(&data, &picks).unwrap();
        let (offsets, units) = events(&batch);

        prop_assert_eq!((batch.batch, batch.steps, batch.inputs), (picks.len(), binning.steps, INPUTS));
        prop_assert_eq!(offsets.len(), picks.len() * binning.steps + 1);
        prop_assert_eq!((offsets[0], *offsets.last().unwrap() as usize), (0, units.len()));
        for (sample, &pick) in picks.iter().enumerate() {
            prop_assert_eq!(batch.labels[sample], data.label(pick as usize));
            let mut found = BTreeMap::new();
            for step in 0..binning.steps {
                let row = sample * binning.steps + step;
                let spiking = &units[offsets[row] as usize..offsets[row + 1] as usize];
                prop_assert!(spiking.is_sorted());
                spiking.iter().for_each(|&unit| *found.entry((step, unit)).or_insert(0) += 1);
            }
            prop_assert_eq!(found, histogram(&binning, &trains[pick as usize]));
        }
    }

    #[test]
    fn an_epoch_visits_every_sample_once(
        (samples, batch_size, seed, epoch) in (0_u32..200, 1_usize..70, any::<u64>(), any::<u64>())
    ) {
        let train: Vec<u32> = (0..samples).map(|index| 3 * index).collect();
        let order = shuffled(&train, seed, epoch);
        prop_assert_eq!(&order, &shuffled(&train, seed, epoch));
        let mut visited: Vec<u32> = order.chunks(batch_size).flatten().copied().collect();
        visited.sort();
        prop_assert_eq!(visited, train);
    }

    #[test]
    fn rows_and_spikes_are_equivalent((binning, trains) in (binnings(), trains())) {
        let binned = data_set(binning, &trains);
        let indices: Vec<u32> = (0..trains.len() as u32).collect();
        let expected = collate(&binned, &indices).unwrap();
        let histograms: Vec<_> = trains.iter().map(|train| histogram(&binning, train)).collect();

        let spikes = |index: usize| {
            let repeat = |(&spike, &count)| std::iter::repeat_n(spike, count);
            histograms[index].iter().flat_map(repeat).collect::<Vec<(usize, u16)>>()
        };
        let by_spikes = Custom::new(&binned, |index, batch| batch.push_spikes(spikes(index)));
        prop_assert_eq!(&collate(&by_spikes, &indices).unwrap(), &expected);

        let by_rows = Custom::new(&binned, |index, batch| {
            let spikes = spikes(index);
            let offsets: Vec<u32> =
                (0..=binning.steps).map(|step| spikes.partition_point(|spike| spike.0 < step) as u32).collect();
            batch.push_rows(&offsets, &spikes.iter().map(|spike| spike.1).collect::<Vec<u16>>())
        });
        prop_assert_eq!(&collate(&by_rows, &indices).unwrap(), &expected);
    }
}

/// A data set with the shape of another, and samples written by a closure.
struct Custom<'a, W> {
    shape: &'a EventDataset,
    kind: InputKind,
    label: u16,
    write: W,
}

impl<'a, W: Fn(usize, &mut BatchBuilder) -> Result<(), Error> + Send + Sync> Custom<'a, W> {
    fn new(shape: &'a EventDataset, write: W) -> Self {
        Self { shape, kind: InputKind::Events, label: 0, write }
    }
}

impl<W: Fn(usize, &mut BatchBuilder) -> Result<(), Error> + Send + Sync> Dataset for Custom<'_, W> {
    fn name(&self) -> &str {
        "custom"
    }
    fn len(&self) -> usize {
        self.shape.len()
    }
    fn classes(&self) -> usize {
        self.shape.classes()
    }
    fn inputs(&self) -> usize {
        self.shape.inputs()
    }
    fn steps(&self) -> usize {
        self.shape.steps()
    }
    fn dt(&self) -> f64 {
        self.shape.dt()
    }
    fn kind(&self) -> InputKind {
        self.kind
    }
    fn splits(&self) -> &Splits {
        self.shape.splits()
    }
    fn label(&self, index: usize) -> u16 {
        if self.label == 0 { self.shape.label(index) } else { self.label }
    }
    fn sample(&self, index: usize, batch: &mut BatchBuilder) -> Result<(), Error> {
        (self.write)(index, batch)
    }
}

/// Four samples of 3 steps and 7 inputs, used as the shape.
fn shape() -> EventDataset {
    data_set(Binning { steps: 3, ..Binning::default() }, &[vec![], vec![(0.5, 6)], vec![], vec![]])
}

/// The error within the one with the data set's name and the sample's index.
fn error_of(dataset: &dyn Dataset) -> Error {
    match collate(dataset, &[0, 1]).unwrap_err() {
        Error::Sample { dataset: name, index: 0, source } if name == dataset.name() => *source,
        other => panic!("{other}"),
    }
}

#[test]
fn frames_are_concatenated() {
    let shape = shape();
    let frames = |index: usize| (0..21).map(|value| (100 * index + value) as f32).collect::<Vec<f32>>();
    let mut data = Custom::new(&shape, |index, batch| batch.push_frames(&frames(index)));
    data.kind = InputKind::Frames;
    let batch = collate(&data, &[2, 0]).unwrap();
    assert_eq!(batch.labels, [2, 0]);
    assert_eq!(batch.input, BatchInput::Frames { values: [frames(2), frames(0)].concat() });
}

#[test]
fn a_batch_may_be_empty() {
    let batch = collate(&shape(), &[]).unwrap();
    assert_eq!(batch.batch, 0);
    assert_eq!(batch.input, BatchInput::Events { offsets: vec![0], units: vec![] });
}

#[test]
fn a_missing_sample_is_an_error_with_its_index() {
    let message = collate(&shape(), &[1, 4]).unwrap_err().to_string();
    assert_eq!(
        message,
        "data set `trains`, sample 4: there is no sample 4: the data set holds 4 samples, counted from 0"
    );
}

#[test]
fn a_sample_that_does_not_fit_is_an_error() {
    type Write = fn(usize, &mut BatchBuilder) -> Result<(), Error>;
    let spikes = InputKind::Events;
    let cases: &[(InputKind, Write, Error)] = &[
        (spikes, |_, _| Ok(()), Error::WrittenTimes { times: 0 }),
        (
            spikes,
            |_, batch| batch.push_spikes([]).and_then(|()| batch.push_spikes([])),
            Error::WrittenTimes { times: 2 },
        ),
        (spikes, |_, batch| batch.push_spikes([(3, 0)]), Error::Step { step: 3, steps: 3 }),
        (spikes, |_, batch| batch.push_spikes([(0, 7)]), Error::Unit { unit: 7, inputs: 7 }),
        (spikes, |_, batch| batch.push_spikes([(1, 0), (0, 5)]), Error::Unsorted { step: 0, unit: 5 }),
        (spikes, |_, batch| batch.push_spikes([(1, 4), (1, 3)]), Error::Unsorted { step: 1, unit: 3 }),
        (
            spikes,
            |_, batch| batch.push_rows(&[0, 0, 0], &[]),
            Error::Length { what: "row offsets [steps + 1]", found: 3, expected: 4 },
        ),
        (spikes, |_, batch| batch.push_rows(&[1, 1, 1, 1], &[2]), Error::RowOffsets { spikes: 1 }),
        (spikes, |_, batch| batch.push_rows(&[0, 0, 0, 2], &[2]), Error::RowOffsets { spikes: 1 }),
        (spikes, |_, batch| batch.push_rows(&[0, 2, 0, 2], &[2, 3]), Error::RowOffsets { spikes: 2 }),
        (spikes, |_, batch| batch.push_rows(&[0, 0, 1, 1], &[7]), Error::Unit { unit: 7, inputs: 7 }),
        (spikes, |_, batch| batch.push_rows(&[0, 0, 2, 2], &[6, 2]), Error::Unsorted { step: 1, unit: 2 }),
        (
            spikes,
            |_, batch| batch.push_frames(&[0.0; 21]),
            Error::Kind { announced: InputKind::Events, written: InputKind::Frames },
        ),
        (
            InputKind::Frames,
            |_, batch| batch.push_spikes([]),
            Error::Kind { announced: InputKind::Frames, written: InputKind::Events },
        ),
        (
            InputKind::Frames,
            |_, batch| batch.push_frames(&[0.0; 20]),
            Error::Length { what: "frames [steps, inputs]", found: 20, expected: 21 },
        ),
    ];
    let shape = shape();
    for &(kind, write, ref expected) in cases {
        let mut data = Custom::new(&shape, write);
        data.kind = kind;
        assert_eq!(&error_of(&data), expected);
    }

    let mut data = Custom::new(&shape, |_, batch: &mut BatchBuilder| batch.push_spikes([]));
    data.label = 3;
    assert_eq!(error_of(&data), Error::Label { label: 3, classes: 3 });
}

#[test]
fn invalid_spike_trains_leave_the_data_set_unchanged() {
    let mut data = EventDataset::new("trains", INPUTS, 3, Binning::default()).unwrap();
    data.push(0, [(2.0, 1)]).unwrap();
    for (label, time, unit, expected) in [
        (3, 1.0, 0, "label 3 is not a class"),
        (0, 1.0, 7, "a spike in unit 7: there are 7 input units"),
        (0, -0.5, 2, "unit 2 spikes at -0.5 ms"),
        (0, f64::NAN, 2, "unit 2 spikes at NaN ms"),
        (0, f64::INFINITY, 2, "unit 2 spikes at inf ms"),
    ] {
        let message = data.push(label, [(3.0, 0), (time, unit)]).unwrap_err().to_string();
        assert!(message.starts_with(&format!("data set `trains`, sample 1: {expected}")), "{message}");
    }
    assert_eq!((data.len(), data.spikes(0)), (1, 1));
    assert_eq!(data.intake().unwrap().spikes, 1);
    // The largest number is late as well.
    data.push(2, [(f64::MAX, 3)]).unwrap();
    assert_eq!(data.intake().unwrap().late_clamped, 1);
    let batch = collate(&data, &[1]).unwrap();
    assert_eq!(events(&batch).0[99..], [0, 1]);
}

#[test]
fn impossible_shapes_are_refused() {
    let new = |inputs, classes, binning| EventDataset::new("", inputs, classes, binning).map(|_| ());
    let binning = Binning::default();
    assert_eq!(new(65_536, 65_536, binning), Ok(()));
    for (inputs, classes, binning, key) in [
        (0, 1, binning, "inputs"),
        (65_537, 1, binning, "inputs"),
        (1, 0, binning, "classes"),
        (1, 65_537, binning, "classes"),
        (1, 1, Binning { steps: 0, ..binning }, "steps"),
        (1, 1, Binning { steps: 1 << 32, ..binning }, "steps"),
        (1, 1, Binning { dt: 0.0, ..binning }, "dt"),
        (1, 1, Binning { dt: f64::NAN, ..binning }, "dt"),
    ] {
        match new(inputs, classes, binning).unwrap_err() {
            Error::Setting { key: found, .. } => assert_eq!(found, key),
            other => panic!("{other}"),
        }
    }
    let mut data = EventDataset::new("", 1, 1, binning).unwrap();
    assert_eq!(
        data.set_splits(Splits { test: vec![0], ..Splits::default() }),
        Err(Error::Index { index: 0, len: 0 })
    );
    assert!(matches!(data.reserve(usize::MAX, 0), Err(Error::OutOfMemory { .. })));
}
