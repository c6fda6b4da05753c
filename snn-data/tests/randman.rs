//! Random manifolds as a data set.

#![allow(clippy::panic, clippy::unwrap_used, reason = "test helpers fail as tests do")]

use snn_data::{BatchInput, Dataset, Error, Portion, Randman, RandmanConfig, collate};

fn small() -> RandmanConfig {
    RandmanConfig { classes: 3, samples_per_class: 40, inputs: 5, n_cutoff: 50, ..RandmanConfig::default() }
}

#[test]
fn the_default_is_the_paper_s_data_set() {
    let data = Randman::new(RandmanConfig::default()).unwrap();
    assert_eq!((data.len(), data.classes(), data.inputs()), (10_000, 10, 20));
    assert_eq!((data.steps(), data.dt()), (100, 1.0));
    let splits = data.splits();
    assert_eq!((splits.train.len(), splits.valid.len(), splits.test.len()), (8000, 1000, 1000));

    // Over the samples of its class, every input has its earliest spike at 0 ms and its latest at 50 ms.
    for class in 0..10 {
        for input in 0..20 {
            let times = (class * 1000..(class + 1) * 1000).map(|sample| data.spike_times(sample)[input]);
            assert_eq!(times.clone().fold(f64::INFINITY, f64::min), 0.0);
            assert_eq!(times.fold(f64::NEG_INFINITY, f64::max), 50.0);
        }
    }
}

#[test]
fn splits_are_disjoint_and_balanced() {
    let config = RandmanConfig { valid: Portion::Count(7), test: Portion::Fraction(0.25), ..small() };
    let data = Randman::new(config).unwrap();
    let splits = data.splits();
    assert_eq!(splits.validate(data.len()), Ok(()));
    for (split, per_class) in [(&splits.train, 23), (&splits.valid, 7), (&splits.test, 10)] {
        for class in 0..3 {
            let count = split.iter().filter(|&&index| data.label(index as usize) == class).count();
            assert_eq!(count, per_class);
        }
    }
}

#[test]
fn every_input_spikes_once_in_the_step_of_its_time() {
    for (dt, steps) in [(1.0, 100), (2.5, 20), (0.5, 30), (100.0, 1)] {
        let data = Randman::new(RandmanConfig { dt, steps, ..small() }).unwrap();
        let batch = collate(&data, &[0, 41, 119]).unwrap();
        let BatchInput::Events { offsets, units } = batch.input else { panic!("events") };
        assert_eq!(units.len(), 3 * 5);
        for (row, index) in [0, 41, 119].into_iter().enumerate() {
            for (unit, time) in (0..).zip(data.spike_times(index)) {
                let step = ((time / dt).floor() as usize).min(steps - 1);
                let row = row * steps + step;
                let spiking = &units[offsets[row] as usize..offsets[row + 1] as usize];
                assert!(spiking.contains(&unit), "dt {dt}, sample {index}, unit {unit} at {time} ms");
            }
        }
    }
}

#[test]
fn the_data_depend_only_on_the_configuration() {
    for dim in 1..=3 {
        let config = RandmanConfig { dim, ..small() };
        let times = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let data = pool.install(|| Randman::new(config.clone())).unwrap();
            (0..data.len()).flat_map(|index| data.spike_times(index).to_vec()).collect::<Vec<f64>>()
        };
        let one = times(1);
        assert_eq!(one, times(2));
        assert_eq!(one, times(4));
    }
}

#[test]
fn seeds_classes_and_purposes_draw_different_numbers() {
    let data = |seed| Randman::new(RandmanConfig { seed, ..small() }).unwrap();
    let (first, second) = (data(0), data(1));
    assert_ne!(first.latent(0), second.latent(0));
    assert_ne!(first.spike_times(0), second.spike_times(0));
    assert_ne!(first.latent(0), first.latent(40));
    assert_eq!(first.latent(0), data(0).latent(0));
}

#[test]
fn the_first_samples_are_fixed() {
    // A configuration gives the same data in every version of the program. (The last digits depend on the platform's
    // power function.)
    let data = Randman::new(small()).unwrap();
    assert_eq!(data.latent(0), [0.3069353108937377]);
    let pinned = [14.706348441706, 29.470011606497, 41.610007506794, 50.0, 14.989951419172];
    for (time, pinned) in data.spike_times(0).iter().zip(pinned) {
        assert!((time - pinned).abs() < 1e-9, "{time} {pinned}");
    }
}

#[test]
fn larger_alpha_makes_smoother_manifolds() {
    // Mean jump between neighbors on the manifold, relative to the whole range.
    let roughness = |alpha| {
        let data =
            Randman::new(RandmanConfig { alpha, classes: 1, samples_per_class: 500, ..small() }).unwrap();
        let mut order: Vec<usize> = (0..500).collect();
        order.sort_by(|&a, &b| data.latent(a)[0].total_cmp(&data.latent(b)[0]));
        let jumps =
            order.windows(2).map(|pair| (data.spike_times(pair[0])[0] - data.spike_times(pair[1])[0]).abs());
        jumps.sum::<f64>() / 499.0 / 50.0
    };
    let (rough, smooth, smoother) = (roughness(1.0), roughness(2.0), roughness(4.0));
    assert!(rough > smooth && smooth > smoother, "{rough} {smooth} {smoother}");
}

#[test]
fn one_sample_per_class_is_possible() {
    let config =
        RandmanConfig { samples_per_class: 1, valid: Portion::Count(0), test: Portion::Count(0), ..small() };
    let data = Randman::new(config).unwrap();
    assert_eq!(data.splits().train, [0, 1, 2]);
    assert_eq!(data.spike_times(1), [0.0; 5]);
}

#[test]
fn impossible_settings_are_refused_before_any_work() {
    let error = Randman::new(RandmanConfig { classes: 0, ..small() }).unwrap_err();
    assert!(matches!(error, Error::Setting { key: "classes", .. }));
    // 65536 * 65535 samples of 4294967295 steps: the shape is valid, but there is not enough memory.
    let config = RandmanConfig {
        classes: 65_536,
        samples_per_class: 65_535,
        steps: u32::MAX as usize,
        ..RandmanConfig::default()
    };
    assert!(matches!(Randman::new(config), Err(Error::OutOfMemory { .. })));
}
