//! Sound as spikes of the cochlea, and data sets of recordings as spike files.
#![cfg(feature = "audio")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail as tests do")]

mod common;

use std::f64::consts::TAU;

use snn_data::audio::Sound;
use snn_data::{Cochlea, CochleaConfig, Error};

fn tone(hertz: f64, seconds: f64) -> Sound {
    let samples =
        (0..(16_000.0 * seconds) as u32).map(|n| (TAU * hertz * f64::from(n) / 16_000.0).sin()).collect();
    Sound { rate: 16_000, samples }
}

fn cochlea(channels: usize) -> Cochlea {
    Cochlea::new(CochleaConfig { channels, ..CochleaConfig::default() }).unwrap()
}

/// The channel below which nine of ten spikes are: where the wave ends.
fn edge(spikes: &[(f32, u16)]) -> u16 {
    let mut channels: Vec<u16> = spikes.iter().map(|&(_, channel)| channel).collect();
    channels.sort_unstable();
    channels[channels.len() * 9 / 10]
}

#[test]
fn high_tones_excite_the_base_and_low_ones_the_apex() {
    let cochlea = cochlea(70);
    let edges = [4000.0, 2000.0, 1000.0, 500.0, 250.0].map(|hertz| {
        let spikes = cochlea.spikes(&tone(hertz, 0.3), 0).unwrap();
        assert!(spikes.len() > 200, "{hertz} Hz: {} spikes", spikes.len());
        assert!(spikes.windows(2).all(|pair| pair[0] <= pair[1]), "by time, then channel");
        edge(&spikes)
    });
    // An octave is about 0.46 cm, which is nine of 70 channels on 3.5 cm.
    let octaves: Vec<_> = edges.windows(2).map(|pair| i32::from(pair[1]) - i32::from(pair[0])).collect();
    assert!(octaves.iter().all(|step| (6..=13).contains(step)), "{edges:?}");
}

#[test]
fn spikes_are_reproducible_and_differ_between_streams() {
    let cochlea = cochlea(20);
    let sound = tone(700.0, 0.2);
    let spikes = cochlea.spikes(&sound, 7).unwrap();
    assert_eq!(cochlea.spikes(&sound, 7).unwrap(), spikes);
    assert_ne!(cochlea.spikes(&sound, 8).unwrap(), spikes);
    // The level is normalized.
    let louder = Sound { samples: sound.samples.iter().map(|sample| 0.125 * sample).collect(), ..sound };
    assert_eq!(cochlea.spikes(&louder, 7).unwrap(), spikes);
    let silence = Sound { rate: 16_000, samples: vec![0.0; 8000] };
    let noise = cochlea.spikes(&silence, 0).unwrap().len();
    assert!(noise * 10 < spikes.len(), "{noise} spikes of silence, {} of sound", spikes.len());
    assert_eq!(cochlea.spikes(&Sound { rate: 16_000, samples: vec![] }, 0).unwrap(), []);
}

#[test]
fn impossible_settings_are_refused() {
    for (config, key) in [
        (CochleaConfig { channels: 1, ..CochleaConfig::default() }, "channels"),
        (CochleaConfig { channels: 65_537, ..CochleaConfig::default() }, "channels"),
        (CochleaConfig { rate: 4000, ..CochleaConfig::default() }, "rate"),
    ] {
        assert!(matches!(Cochlea::new(config), Err(Error::Setting { key: found, .. }) if found == key));
    }
}

#[cfg(feature = "hdf5")]
mod encode {
    use std::fs;
    use std::path::Path;

    use snn_data::{Dataset, Intake, Recorded, Shd, ShdConfig, SpikeParts, Split, SplitRule, encode_speech};
    use snn_data::{SpeechConfig, SpeechLayout};

    use super::common::wav::{Pcm, wav};
    use super::*;

    /// Two words by three speakers, ten takes each, as the Free Spoken Digits are laid out.
    fn recordings() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let recordings = folder.path().join("recordings");
        fs::create_dir(&recordings).unwrap();
        for (digit, hertz) in [(0, 600.0), (7, 2000.0)] {
            for speaker in ["ann", "bob", "eve"] {
                for take in 0..7 {
                    let samples = tone(hertz + f64::from(take), 0.1).samples;
                    let bytes = wav(Pcm::Int(16), 1, 16_000, &samples);
                    fs::write(recordings.join(format!("{digit}_{speaker}_{take}.wav")), bytes).unwrap();
                }
            }
        }
        folder
    }

    fn encode(folder: &Path, out: &Path, config: &SpeechConfig) -> Result<snn_data::Encoded, Error> {
        encode_speech(SpeechLayout::Fsdd, folder, config, &cochlea(20), "digits", out, &|_, _| {})
    }

    fn config() -> SpeechConfig {
        SpeechConfig { words: vec!["zero".into(), "seven".into()], ..SpeechConfig::of(SpeechLayout::Fsdd) }
    }

    #[test]
    fn encoded_parts_are_readable_files() {
        let folder = recordings();
        let out = folder.path().join("out");
        let encoded = encode(folder.path(), &out, &config()).unwrap();
        assert_eq!(
            encoded.files.iter().map(|it| (it.split, it.samples)).collect::<Vec<_>>(),
            [(Split::Train, 11), (Split::Valid, 1), (Split::Test, 30)]
        );
        assert!((encoded.seconds - 4.2).abs() < 1e-9 && encoded.intake.recordings == 42);
        let [train, valid, test] =
            ["train", "valid", "test"].map(|part| out.join(format!("digits_{part}.h5")));
        let parts = SpikeParts { train: &train, test: Some(&test), valid: Some(&valid) };
        let config = ShdConfig {
            steps: 60,
            dt: 2.0,
            inputs: 20,
            test: SplitRule::Official,
            valid: SplitRule::Official,
            ..ShdConfig::default()
        };
        let data = Shd::from_parts("digits", parts, &config, None, Recorded::default()).unwrap();
        assert_eq!((data.len(), data.class_name(1), data.splits().test.len()), (42, Some("seven"), 30));
        let speakers: Vec<_> = (0..42).filter_map(|sample| data.speaker(sample)).collect();
        assert!(speakers.len() == 42 && speakers.contains(&"2") && !speakers.contains(&"3"));
        let read: u64 = data.intake().map_or(0, |intake: &Intake| intake.spikes);
        assert_eq!(read, encoded.files.iter().map(|it| it.spikes).sum::<u64>());

        // Nothing is overwritten.
        let message = encode(folder.path(), &out, &self::config()).unwrap_err().to_string();
        assert!(message.contains("out must be a folder without existing output files"), "{message}");
    }

    #[test]
    fn results_do_not_depend_on_threads_or_other_files() {
        let folder = recordings();
        let spikes = |threads: usize, out: &str, config: &SpeechConfig| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let out = folder.path().join(out);
            pool.install(|| encode(folder.path(), &out, config)).unwrap();
            let config =
                ShdConfig { steps: 60, inputs: 20, test: SplitRule::stratified(0.0), ..ShdConfig::default() };
            let data = Shd::from_files("test", &out.join("digits_test.h5"), None, &config).unwrap();
            (0..data.len()).map(|sample| data.fingerprint(sample).unwrap()).collect::<Vec<_>>()
        };
        let one = spikes(1, "one", &config());
        assert_eq!(spikes(3, "three", &config()), one);
        let word = SpeechConfig { words: vec!["seven".into()], ..config() };
        assert_eq!(
            spikes(2, "word", &word),
            one[15..],
            "the spikes of a recording do not depend on the other recordings"
        );
    }

    #[test]
    fn broken_recordings_are_refused_or_counted() {
        let folder = recordings();
        fs::write(folder.path().join("recordings/0_ann_0.wav"), "no sound").unwrap();
        let out = folder.path().join("out");
        let error = encode(folder.path(), &out, &config()).unwrap_err();
        assert!(matches!(error, Error::Recordings { total: 42, .. }) && !out.exists(), "{error}");
        let encoded = encode(folder.path(), &out, &SpeechConfig { skip_broken: true, ..config() }).unwrap();
        assert_eq!((encoded.intake.recordings, encoded.intake.broken.len()), (41, 1));
    }
}
