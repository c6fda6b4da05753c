//! The audio front end compared with values of an independent program, and recordings of every kind.
#![cfg(all(feature = "audio", feature = "npz"))]
#![allow(clippy::panic, clippy::unwrap_used, reason = "test helpers fail as tests do")]

mod common;

use std::path::Path;

use common::wav::{Pcm, wav};
use snn_data::Error;
use snn_data::audio::{
    ChannelStatistics, Compression, FilterEdges, FilterNorm, MelConfig, MelFilters, MelScale, MelSpectrogram,
    PowerSpectrum, Sound, Tail, apply_window, frames, hamming, pre_emphasis, remove_mean, resample,
};
use snn_data::npz::Npz;

/// Both use float64: only the order of operations differs.
const ROUNDING: f64 = 1e-9;

struct Golden(Npz);

impl Golden {
    fn open() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/audio_front_end.npz");
        Self(Npz::open(path).unwrap())
    }

    fn list(&mut self, name: &str) -> Vec<f64> {
        let list = self.0.read(name).unwrap();
        assert_eq!(list.shape.len(), 1);
        list.values
    }

    fn table(&mut self, name: &str) -> Vec<f64> {
        let table = self.0.read(name).unwrap();
        assert_eq!(table.shape.len(), 2);
        table.values
    }

    /// The sound of the fixture, 16 bits at 16 kHz.
    fn sound(&mut self) -> Vec<f64> {
        let pcm = self.0.read::<i16>("sound").unwrap();
        pcm.values.iter().map(|&sample| f64::from(sample) / 32768.0).collect()
    }
}

#[track_caller]
fn assert_close(ours: &[f64], golden: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), golden.len());
    for (k, (a, b)) in ours.iter().zip(golden).enumerate() {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "entry {k}: {a} instead of {b}");
    }
}

#[test]
fn every_stage_equals_the_independent_program() {
    let mut golden = Golden::open();
    let mut samples = golden.sound();
    pre_emphasis(&mut samples, 0.95, 0.0);
    assert_close(&samples, &golden.list("emphasized"), ROUNDING);

    let mut cut = frames(&samples, 400, 160, Tail::Pad);
    apply_window(&mut cut, &hamming(400));
    assert_close(&cut, &golden.table("windowed"), ROUNDING);

    let mut spectrum = PowerSpectrum::new(512);
    let power: Vec<f64> = cut.chunks(400).flat_map(|frame| spectrum.compute(frame).to_vec()).collect();
    assert_close(&power, &golden.table("power"), ROUNDING);

    let exact = MelConfig::default();
    let rounded = MelConfig { edges: FilterEdges::Rounded, ..exact.clone() };
    let slaney = MelConfig { scale: MelScale::Slaney, norm: FilterNorm::Area, ..exact.clone() };
    let mut logarithms = Vec::new();
    for (config, compression, name, compressed) in [
        (exact, Compression::Log, "exact", "log_exact"),
        (rounded, Compression::Decibel, "rounded", "decibel_rounded"),
        (slaney, Compression::Power, "slaney", "power_slaney"),
    ] {
        let filters = MelFilters::new(&config).unwrap();
        let weights: Vec<f64> = (0..40).flat_map(|channel| filters.weights(channel)).collect();
        assert_close(&weights, &golden.table(&format!("weights_{name}")), ROUNDING);

        let mut energies = vec![0.0; power.len() / 257 * 40];
        for (power, energies) in power.chunks(257).zip(energies.chunks_mut(40)) {
            filters.apply(power, energies);
        }
        compression.apply(&mut energies, 1e-10);
        assert_close(&energies, &golden.table(compressed), ROUNDING);
        if compression == Compression::Log {
            logarithms = energies;
        }
    }

    // Frames of a data set are f32.
    let mut single: Vec<f32> = logarithms.iter().map(|&value| value as f32).collect();
    ChannelStatistics::of([&*single], 40).standardize(&mut single);
    let single: Vec<f64> = single.into_iter().map(f64::from).collect();
    assert_close(&single, &golden.table("standardized"), 1e-5);

    remove_mean(&mut logarithms, 40);
    assert_close(&logarithms, &golden.table("centred"), ROUNDING);
}

#[test]
fn the_chain_equals_the_independent_program() {
    let mut golden = Golden::open();
    let frames = MelSpectrogram::new(&MelConfig::default(), 16_000).unwrap().compute(&golden.sound());
    assert_close(&frames, &golden.table("log_exact"), ROUNDING);
}

#[test]
fn the_chain_is_its_stages_bit_for_bit() {
    let config = MelConfig::default();
    let recorded = Golden::open().list("smooth_44100");

    let mut samples = resample(&recorded, 44_100, 16_000).unwrap();
    pre_emphasis(&mut samples, 0.95, 0.0);
    let mut cut = frames(&samples, 400, 160, Tail::Pad);
    apply_window(&mut cut, &hamming(400));
    let mut spectrum = PowerSpectrum::new(512);
    let filters = MelFilters::new(&config).unwrap();
    let mut staged = Vec::new();
    for frame in cut.chunks(400) {
        let mut energies = vec![0.0; 40];
        filters.apply(spectrum.compute(frame), &mut energies);
        Compression::Log.apply(&mut energies, config.floor);
        staged.extend(energies);
    }
    assert_eq!(MelSpectrogram::new(&config, 44_100).unwrap().compute(&recorded), staged);
}

#[test]
fn a_stream_equals_the_whole_recording() {
    let recorded: Vec<f64> = Golden::open().list("smooth_48000").repeat(3);
    let configs = [
        MelConfig::default(),
        MelConfig { hop: 40.0, ..MelConfig::default() }, // gaps between frames
        MelConfig { tail: Tail::Drop, frame: 20.0, ..MelConfig::default() },
    ];
    for config in configs {
        for rate in [16_000, 48_000, 44_100] {
            let mut mel = MelSpectrogram::new(&config, rate).unwrap();
            let whole = mel.compute(&recorded);
            for size in [1, 159, 160, 161, 4_096, recorded.len()] {
                let mut streamed = Vec::new();
                mel.reset();
                for piece in recorded.chunks(size) {
                    mel.push(piece);
                    while let Some(frame) = mel.pop() {
                        streamed.extend_from_slice(frame);
                    }
                }
                mel.finish();
                while let Some(frame) = mel.pop() {
                    streamed.extend_from_slice(frame);
                }
                assert!(streamed == whole, "pieces of {size} at {rate} Hz");
            }
        }
    }
}

#[test]
fn other_rates_give_the_same_spectrogram() {
    let mut golden = Golden::open();
    let expected = golden.table("smooth_frames");
    for rate in [8_000, 11_025, 44_100, 48_000] {
        let sound = golden.list(&format!("smooth_{rate}"));
        let found = MelSpectrogram::new(&MelConfig::default(), rate).unwrap().compute(&sound);
        // 11025 / 2 samples are a little less than a quarter of a second, and so may be the last frame.
        assert!(expected.len() - found.len() <= 40, "{rate} Hz: {} values", found.len());
        // Where there is sound; elsewhere, the two differ in the level of silence.
        for (k, (a, b)) in found.iter().zip(&expected).enumerate().filter(|(_, (_, b))| **b > -10.0) {
            assert!((a - b).abs() < 2e-3, "{rate} Hz, entry {k}: {a} instead of {b}");
        }
    }
}

#[test]
fn a_sound_may_be_empty_or_one_sample() {
    let mut mel = MelSpectrogram::new(&MelConfig::default(), 16_000).unwrap();
    assert!(mel.compute(&[]).is_empty());
    assert_eq!(mel.compute(&[0.5]).len(), 40);
    let mut mel = MelSpectrogram::new(&MelConfig::default(), 48_000).unwrap();
    assert_eq!(mel.compute(&[0.5]).len(), 40);
}

fn read(bytes: &[u8]) -> Result<Sound, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    std::fs::write(&path, bytes).unwrap();
    Sound::read(&path)
}

#[test]
fn every_kind_of_pcm_is_read() {
    let samples = [-1.0, -0.5, 0.0, 0.25, 0.5];
    for (pcm, step) in [
        (Pcm::Int(8), 1.0 / 128.0),
        (Pcm::Int(16), 1.0 / 32_768.0),
        (Pcm::Int(24), 0.0),
        (Pcm::Int(32), 0.0),
        (Pcm::Float, 0.0),
    ] {
        let sound = read(&wav(pcm, 1, 22_050, &samples)).unwrap();
        assert_eq!(sound.rate, 22_050);
        assert_eq!(sound.samples.len(), samples.len());
        for (ours, theirs) in sound.samples.iter().zip(samples) {
            assert!((ours - theirs).abs() <= step, "{pcm:?}: {ours} instead of {theirs}");
        }
    }
}

#[test]
fn channels_are_mixed_down() {
    let sound = read(&wav(Pcm::Int(16), 2, 16_000, &[0.5, 0.0, 0.25, 0.25, -0.5, 0.5])).unwrap();
    assert_eq!(sound.samples, [0.25, 0.25, 0.0]);
    let sound = read(&wav(Pcm::Float, 5, 16_000, &[0.5, 0.5, 0.0, -0.5, 0.75])).unwrap();
    assert_eq!(sound.samples, [0.25]);
    assert_eq!(sound.duration(), 1.0 / 16.0);
}

#[test]
fn empty_and_one_sample_files_are_read() {
    assert_eq!(read(&wav(Pcm::Int(16), 1, 8_000, &[])).unwrap(), Sound { rate: 8_000, samples: vec![] });
    assert_eq!(read(&wav(Pcm::Int(24), 1, 8_000, &[0.5])).unwrap().samples, [0.5]);
}

#[test]
fn flac_is_read_bit_by_bit() {
    // Two channels of 16 bits at 48 kHz.
    let stereo: Vec<i32> = (0..5000).flat_map(|n| [(n * 37) % 20_000 - 10_000, 5000 - n]).collect();
    let sound = read(&common::flac::flac(2, 48_000, &stereo)).unwrap();
    assert_eq!(sound.rate, 48_000);
    let expected: Vec<f64> =
        stereo.chunks(2).map(|pair| f64::from(pair[0] + pair[1]) / 2.0 / 32_768.0).collect();
    assert_eq!(sound.samples, expected);
}
