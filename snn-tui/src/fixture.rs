//! Runs for tests, in the format of the trainer, identical every time.

use std::{collections::BTreeMap, fs, path::Path, time::SystemTime};

use snn_run::{
    Best, EpochRecord, LayerRecord, Losses, Record, RecordedState, Seconds, Status, WarningRecord,
    probe::{Histogram, InputProbe, LayerProbe, Probe, Raster, SampleProbe, Traces},
};

/// The description of a run.
pub(crate) struct Sketch<'a> {
    pub(crate) id: &'a str,
    pub(crate) state: RecordedState,
    /// Finished epochs, of 20.
    pub(crate) epochs: u32,
    pub(crate) seed: u32,
    pub(crate) learning_rate: f64,
    pub(crate) beta: f64,
}

/// Marks a running run as finished.
pub(crate) fn end(path: &Path) {
    let status = path.join("status.json");
    let mut text: serde_json::Value = serde_json::from_slice(&fs::read(&status).unwrap()).unwrap();
    text["state"] = "done".into();
    fs::write(status, text.to_string()).unwrap();
}

/// A pseudo-random value from 0 to 1.
fn noise(k: u32) -> f64 {
    f64::from(k.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24)
}

/// Four runs: two finished seeds of one experiment, a running one, and a failed one.
pub(crate) fn runs(directory: &Path) {
    let sketch = |id, state, epochs, seed, learning_rate| Sketch {
        id,
        state,
        epochs,
        seed,
        learning_rate,
        beta: 10.0,
    };
    for sketch in [
        sketch("randman-a", RecordedState::Done, 20, 0, 0.03),
        sketch("randman-b", RecordedState::Done, 20, 1, 0.03),
        sketch("randman-c", RecordedState::Running, 12, 0, 0.01),
        sketch("randman-d", RecordedState::Failed, 3, 0, 1.0),
    ] {
        run(&directory.join(sketch.id), &sketch);
    }
}

/// Writes one run.
pub(crate) fn run(path: &Path, sketch: &Sketch<'_>) {
    fs::create_dir_all(path.join("probes")).unwrap();
    let config = format!(
        "[data]\nname = \"randman\"\nseed = 0\n[network]\nhidden = [40, 20]\nrecurrent = [true, false]\n\
         [surrogate]\nshape = \"super-spike\"\nbeta = {:?}\n[readout]\nhead = \"max\"\n\
         [optimizer]\nlearning_rate = {:?}\nlearning_rate_decay = 1.0\n[training]\nepochs = 20\nbatch_size = 250\nseed = {seed}\n\
         [initialization]\nseed = {seed}\n",
        sketch.beta,
        sketch.learning_rate,
        seed = sketch.seed,
    );
    fs::write(path.join("config.toml"), config).unwrap();
    fs::write(path.join("env.json"), r#"{"version":1,"sessions":[{"device":"cpu"}]}"#).unwrap();
    let records: Vec<_> = (1..=sketch.epochs).map(|epoch| epoch_record(epoch, sketch)).collect();
    let mut lines: String =
        records.iter().map(|record| Record::Epoch(record.clone()).to_line() + "\n").collect();
    if sketch.state == RecordedState::Failed {
        let warning = WarningRecord { epoch: 1, message: "layer 2 is silent: no unit has spiked".to_owned() };
        lines += &(Record::Warning(warning).to_line() + "\n");
    }
    fs::write(path.join("metrics.jsonl"), lines).unwrap();
    let best = records.iter().max_by(|a, b| accuracy(a).total_cmp(&accuracy(b))).map(|record| Best {
        epoch: record.epoch,
        accuracy: accuracy(record),
        loss: record.train.loss,
    });
    let status = Status {
        version: 1,
        state: sketch.state,
        pid: u32::MAX - 1,
        heartbeat: SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64(),
        epoch: sketch.epochs,
        epochs: 20,
        batch: 16,
        batches: 32,
        samples: 8000,
        best,
        test_accuracy: (sketch.state == RecordedState::Done).then_some(0.9625),
        message: (sketch.state == RecordedState::Failed).then(|| "the loss is NaN in epoch 4".to_owned()),
        ..Status::default()
    };
    fs::write(path.join("status.json"), serde_json::to_vec(&status).unwrap()).unwrap();
    for epoch in (0..=sketch.epochs).step_by(4) {
        let probe = serde_json::to_vec(&probe(epoch, sketch.seed)).unwrap();
        fs::write(path.join(format!("probes/{epoch:07}.json")), probe).unwrap();
    }
}

fn accuracy(record: &EpochRecord) -> f64 {
    record.valid.map_or(0.0, |valid| valid.accuracy)
}

fn epoch_record(epoch: u32, sketch: &Sketch<'_>) -> EpochRecord {
    let progress = 1.0 - (-f64::from(epoch) * sketch.learning_rate.min(0.1) * 8.0).exp();
    let jitter = 0.03 * (noise(epoch + 100 * sketch.seed) - 0.5);
    let losses = |extra: f64| {
        let cross_entropy = 2.3 * (1.0 - progress) + 0.05 + extra + jitter.abs();
        let accuracy = (0.1 + 0.88 * progress - extra + jitter).clamp(0.0, 1.0);
        Losses { loss: cross_entropy + 0.01, cross_entropy, regularization: 0.01, accuracy }
    };
    let layer = |spikes: f64, silent| LayerRecord { spikes, silent, saturated: 0.0 };
    let norm = |scale: f64| scale * (1.0 - progress) + 1e-3;
    EpochRecord {
        epoch,
        step: u64::from(epoch) * 32,
        time: 1.8e9 + f64::from(epoch),
        train: losses(0.0),
        valid: Some(losses(0.02)),
        best: false,
        layers: vec![
            layer(120.0 + 60.0 * progress, 0.3 * (1.0 - progress)),
            layer(50.0, 0.5 * (1.0 - progress)),
        ],
        learning_rate: Some(sketch.learning_rate),
        gradient_norms: [("V1", 0.02), ("W1", 0.3), ("W2", 0.2), ("Wout", 0.5)]
            .map(|(name, scale)| (name.to_owned(), norm(scale)))
            .into(),
        seconds: Seconds {
            data: 0.01,
            forward: 0.2,
            backward: 0.5,
            update: 0.02,
            validation: 0.05,
            checkpoint: 0.02,
        },
    }
}

/// A probe of two samples with 20 inputs, 40 and 20 hidden units and 10 classes.
pub(crate) fn probe(epoch: u32, seed: u32) -> Probe {
    const STEPS: u32 = 100;
    let raster = |units: u32, density: f64, salt: u32| Raster {
        size: units as usize,
        units: (0..units).collect(),
        spikes: (0..units)
            .map(|unit| (0..STEPS).filter(|step| noise(salt + unit * 1009 + step) < density).collect())
            .collect(),
    };
    let traces = |units: &[u32], wave: &dyn Fn(u32, f64) -> f64| Traces {
        units: units.to_vec(),
        stride: 1,
        values: units
            .iter()
            .map(|&unit| {
                (0..STEPS).map(|step| wave(unit, f64::from(step) / f64::from(STEPS)) as f32).collect()
            })
            .collect(),
    };
    let sample = |index: u32, label: u16| SampleProbe {
        index,
        label,
        prediction: if epoch > 4 { label } else { 3 },
        input: InputProbe::Spikes(raster(20, 0.01, seed + index)),
        hidden: vec![raster(40, 0.02 + 0.001 * f64::from(epoch), 7 + index), raster(20, 0.03, 77 + index)],
        potentials: [40, 20]
            .map(|units| {
                traces(&[0, units / 4, units / 2, 3 * units / 4], &|unit, t| {
                    1.1 * (6.0 * t + f64::from(unit)).sin() * (t * 3.0).min(1.0)
                })
            })
            .to_vec(),
        readout: traces(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &|unit, t| {
            let own = f64::from(u8::from(unit == u32::from(label))) * f64::from(epoch);
            (0.2 + 0.1 * own) * (3.0 * t).sin() - 0.02 * f64::from(unit) * t
        }),
    };
    let histogram = |low: i32, high: i32, peak: i32| {
        let edges: Vec<f64> = (low * 4..=high * 4).map(|k| 10_f64.powf(f64::from(k) / 4.0)).collect();
        let counts =
            (low * 4..high * 4).map(|k| (100.0 / (1.0 + f64::from((k - 4 * peak).pow(2)))) as u64).collect();
        Histogram { zero: 3, edges, counts, mean: 10_f64.powi(peak) }
    };
    let layer = LayerProbe {
        rates: histogram(-1, 3, 1),
        derivatives: histogram(-6, 2, if epoch == 0 { -4 } else { -1 }),
    };
    let ratios = [("V1", 2e-3), ("W1", 1e-3), ("W2", 5e-4), ("Wout", 4e-3)];
    let ratios: BTreeMap<_, _> = ratios.map(|(name, ratio)| (name.to_owned(), ratio)).into();
    let confused = |truth: u32, class: u32| match class {
        class if class == truth => 10 + epoch,
        class => u32::from((class + truth) % 7 == 1),
    };
    let confusion = (0..10).map(|truth| (0..10).map(|class| confused(truth, class)).collect());
    Probe {
        version: 1,
        epoch,
        seconds: 0.01,
        steps: STEPS,
        dt: 1.0,
        threshold: 1.0,
        samples: vec![sample(17, 0), sample(23, 5)],
        layers: vec![layer.clone(), layer],
        update_ratios: if epoch == 0 { BTreeMap::new() } else { ratios },
        confusion: if epoch == 0 { Vec::new() } else { confusion.collect() },
    }
}

/// A sweep over learning rate, slope and seed; some of its runs have not started.
pub(crate) fn sweep(directory: &Path) {
    let (rates, slopes, seeds) = ([0.001, 0.01, 0.1], [1.0, 10.0, 100.0], [0, 1]);
    let mut points = Vec::new();
    for (k, rate) in rates.into_iter().enumerate() {
        for (j, slope) in slopes.into_iter().enumerate() {
            for seed in seeds {
                let id = format!("randman-0000000{k}{j}{seed}ab");
                points.push(serde_json::json!({"id": id, "settings": {
                    "optimizer.learning_rate": rate, "surrogate.beta": slope, "initialization.seed": seed}}));
                let state = match (k, j, seed) {
                    (2, 2, _) => continue,
                    (2, 1, 1) => RecordedState::Running,
                    (2, 0, 0) => RecordedState::Failed,
                    _ => RecordedState::Done,
                };
                let epochs = if state == RecordedState::Done { 20 } else { 5 };
                let sketch = Sketch { id: &id, state, epochs, seed, learning_rate: rate, beta: slope };
                run(&directory.join("runs").join(&id), &sketch);
            }
        }
    }
    let axis = |key: &str, scale: &str, seed: bool, values: serde_json::Value| serde_json::json!({"key": key, "scale": scale, "seed": seed, "values": values});
    let manifest = serde_json::json!({
        "version": 1, "name": "slopes", "runs": "runs",
        "axes": [axis("optimizer.learning_rate", "logarithmic", false, rates.to_vec().into()),
                 axis("surrogate.beta", "logarithmic", false, slopes.to_vec().into()),
                 axis("initialization.seed", "list", true, seeds.to_vec().into())],
        "selection": {}, "base": {}, "points": points,
    });
    fs::write(directory.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
}
