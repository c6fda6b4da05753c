use std::{fs, path::Path};

use snn_data::{Split, audio::Sound};

use super::*;
use crate::{Trainer, experiment::Experiment, network_input};

/// 16-bit WAV at 8 kHz.
fn wav(samples: &[f64]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    file.extend(8000_u32.to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend((2 * samples.len() as u32).to_le_bytes());
    samples.iter().for_each(|sample| file.extend(((sample * 32_767.0) as i16).to_le_bytes()));
    file
}

/// Recordings of two words, of different lengths: shorter and longer than the steps.
fn recordings(folder: &Path) {
    for (word, pitch) in [("high", 0.9), ("low", 0.2)] {
        fs::create_dir_all(folder.join(word)).unwrap();
        for take in 0..20 {
            let length = 1500 + 200 * take;
            let tone: Vec<f64> =
                (0..length).map(|n| 0.4 * (n as f64 * (pitch + 0.002 * take as f64)).sin()).collect();
            fs::write(folder.join(word).join(format!("{take}.wav")), wav(&tone)).unwrap();
        }
    }
}

fn sound_experiment(folder: &Path, changes: &[&str]) -> Experiment {
    let mut experiment = Experiment::default();
    experiment.set(&["data.name=folder", &format!("data.directory={}", folder.display())]).unwrap();
    let small = [
        "data.steps=30",
        "network.hidden=[30]",
        "network.recurrent=true",
        "initialization.gain=3",
        "training.epochs=2",
        "training.batch_size=8",
    ];
    experiment.set(&small).unwrap();
    experiment.set(changes).unwrap();
    experiment
}

fn trained(experiment: Experiment) -> Trainer {
    let mut trainer = Trainer::new(experiment).unwrap();
    trainer.run(&mut []).unwrap();
    trainer
}

/// Class, logits, and the bits of the logits of a sample in a batch.
fn of_batch(trainer: &Trainer, index: u32) -> (usize, Vec<f32>) {
    let batch = snn_data::collate(trainer.dataset(), &[index]).unwrap();
    let output = trainer.network().forward(&network_input(batch).unwrap().0).unwrap();
    (output.predictions()[0], output.logits)
}

#[test]
fn decisions_on_sound_equal_those_in_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    recordings(folder.path());
    for changes in [
        &[][..],
        &["data.standardize=false", "readout.head=sum"],
        &["data.mel.sample_rate=8000", "data.mel.high=4000"],
    ] {
        let trainer = trained(sound_experiment(folder.path(), changes));
        let checkpoint = trainer.checkpoint();
        let path = folder.path().join("export.npz");
        fs::write(&path, checkpoint.to_npz("it").unwrap()).unwrap();
        let mut streams = [
            Stream::of_checkpoint(&checkpoint).unwrap(),
            Stream::of_weights(&Weights::load(&path).unwrap()).unwrap(),
        ];
        fs::remove_file(&path).unwrap();
        let data = trainer.dataset();
        let mut labels = Vec::new();
        for &index in data.splits().get(Split::Train) {
            let name = data.sample_name(index as usize).unwrap();
            let sound = Sound::read(folder.path().join(&*name)).unwrap();
            let (label, logits) = of_batch(&trainer, index);
            labels.push(label);
            for (stream, piece) in streams.iter_mut().zip([77, 4000]) {
                let mut all = Vec::new();
                let mut tell = |it: &Decision<'_>| {
                    all.push((
                        it.window,
                        it.step,
                        it.is_final,
                        it.label,
                        it.class.to_owned(),
                        it.logits.to_vec(),
                        it.time,
                    ));
                };
                for samples in sound.samples.chunks(piece) {
                    stream.push_samples(samples, sound.rate, &mut tell).unwrap();
                }
                stream.finish(&mut tell).unwrap();
                let (_, step, _, found, class, found_logits, time) = all.iter().find(|it| it.2).unwrap();
                assert_eq!((*step, *found), (30, label));
                assert_eq!(found_logits, &logits, "bit by bit");
                assert_eq!(class, ["high", "low"][label]);
                assert_eq!(*time, 29.0 * 10.0 + 25.0);
                assert!(all.iter().enumerate().all(|(k, it)| (it.0, it.1) == (k as u64 / 30, k % 30 + 1)));
            }
        }
        assert!(labels.contains(&0) || labels.contains(&1));
    }
}

#[test]
fn decisions_on_spikes_equal_those_in_a_batch() {
    let mut experiment = Experiment::default();
    let small = [
        "data.samples_per_class=20",
        "network.hidden=[40, 30]",
        "initialization.gain=6",
        "training.epochs=1",
    ];
    experiment.set(&small).unwrap();
    let trainer = trained(experiment);
    let mut stream = Stream::of_checkpoint(&trainer.checkpoint()).unwrap();
    let (dt, steps) = (trainer.dataset().dt(), trainer.dataset().steps());
    for &index in &trainer.dataset().splits().train[..10] {
        let batch = snn_data::collate(trainer.dataset(), &[index]).unwrap();
        let snn_data::BatchInput::Events { offsets, units } = batch.input else { panic!("spikes") };
        let (label, logits) = of_batch(&trainer, index);
        let mut finals = Vec::new();
        let mut tell = |it: &Decision<'_>| {
            if it.is_final {
                finals.push((it.step, it.label, it.logits.to_vec()));
            }
        };
        for step in 0..steps {
            // in any order within a step
            for &unit in units[offsets[step] as usize..offsets[step + 1] as usize].iter().rev() {
                stream.push_spike((step as f64 + 0.5) * dt, unit, &mut tell).unwrap();
            }
        }
        stream.finish(&mut tell).unwrap();
        assert_eq!(finals, [(steps, label, logits)]);
    }
}

#[test]
fn windows_are_consecutive() {
    let mut experiment = Experiment::default();
    experiment.set(&["data.samples_per_class=20", "training.epochs=1"]).unwrap();
    let trainer = trained(experiment);
    let count = |window: usize| {
        let mut stream = Stream::of_checkpoint(&trainer.checkpoint()).unwrap().with_window(window).unwrap();
        let (mut steps, mut finals) = (0, 0);
        let mut tell = |it: &Decision<'_>| {
            steps += 1;
            finals += usize::from(it.is_final);
        };
        stream.push_spike(0.5, 3, &mut tell).unwrap();
        stream.push_silence(250.0, &mut tell).unwrap();
        assert!(
            stream.push_spike(10.0, 3, &mut tell).unwrap_err().to_string().contains("must be sorted by time")
        );
        assert!(stream.push_spike(251.0, 99, &mut tell).is_err());
        stream.finish(&mut tell).unwrap();
        // a new stream starts at 0
        stream.push_spike(0.0, 3, &mut tell).unwrap();
        (steps, finals)
    };
    assert_eq!(count(100), (300, 3));
    assert_eq!(count(0), (250, 0));
    let mut stream = Stream::of_checkpoint(&trainer.checkpoint()).unwrap();
    let error = stream.push_samples(&[0.0], 16_000, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("no front end for sound"), "{error}");
}

#[test]
fn impossible_streams_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    recordings(folder.path());
    let trainer = trained(sound_experiment(folder.path(), &["data.remove_mean=true", "training.epochs=1"]));
    let mut stream = Stream::of_checkpoint(&trainer.checkpoint()).unwrap();
    let error = stream.push_samples(&[0.0], 8000, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("data.remove_mean = false"), "{error}");
    assert!(stream.push_spike(0.0, 1, &mut |_| ()).unwrap_err().to_string().contains("trained on sound"));
    let trainer = trained(sound_experiment(folder.path(), &["training.epochs=1"]));
    let mut stream = Stream::of_checkpoint(&trainer.checkpoint()).unwrap();
    stream.push_samples(&[0.0; 800], 8000, &mut |_| ()).unwrap();
    let error = stream.push_samples(&[0.0; 800], 16_000, &mut |_| ()).unwrap_err().to_string();
    assert!(error.contains("8000 Hz, but now 16000 Hz"), "{error}");
    let mut old = trainer.checkpoint();
    old.state.data = None;
    assert!(Stream::of_checkpoint(&old).unwrap_err().to_string().contains("do not record the data"));
}
