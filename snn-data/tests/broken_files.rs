//! Broken files: each gives a typed error that names the file and the place; none causes a panic.
#![cfg(all(feature = "audio", feature = "mnist"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail as tests do")]

mod common;

use std::error::Error as _;
use std::fs;
use std::path::Path;

use common::flac::flac;
use common::idx::{gzip, idx};
use common::mutation::mutations;
use common::wav::{Pcm, wav};
use snn_data::audio::Sound;
use snn_data::{Dataset as _, Error, Idx, Reason, SpeechConfig, SpeechDataset, SpeechLayout, SplitRule};

/// Rounds of random damage for each kind of file on disk; `mutations.rs` does many more in memory.
const ROUNDS: u64 = 300;

/// Reads `bytes` as a file called `broken`; the error must be `expected`, followed by the path.
#[track_caller]
fn assert_broken<T: std::fmt::Debug>(bytes: &[u8], read: impl Fn(&Path) -> Result<T, Error>, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken");
    fs::write(&path, bytes).unwrap();
    let error = read(&path).unwrap_err();
    let Error::File { path: named, source, .. } = &error else { panic!("no place: {error}") };
    assert_eq!(*named, path);
    assert_eq!(error.source().unwrap().to_string(), source.to_string());
    let message = error.to_string();
    assert!(message.starts_with(expected), "{message}\nshould start with {expected}");
}

/// A damaged file is read or refused, whatever the damage.
fn survive<T>(good: &[u8], read: impl Fn(&Path) -> Result<T, Error>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    fs::write(&path, good).unwrap();
    assert!(read(&path).is_ok());
    mutations(good, ROUNDS, |bytes| {
        fs::write(&path, bytes).unwrap();
        if let Err(error) = read(&path) {
            assert!(matches!(error, Error::File { .. }), "{error:?}");
        }
    });
}

fn read_sound(path: &Path) -> Result<Sound, Error> {
    Sound::read(path)
}

fn read_idx(path: &Path) -> Result<Idx, Error> {
    Idx::read(path)
}

/// `bytes` with `new` at `at`.
fn with(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

#[test]
fn wav_files() {
    let good = wav(Pcm::Int(16), 1, 16_000, &[0.0, 0.25, 0.5, 0.75]);
    let cases: &[(Vec<u8>, &str)] = &[
        (
            b"<!DOCTYPE html>".to_vec(),
            "not a valid recording: it begins with neither RIFF (WAV) nor fLaC (FLAC) (the first bytes): ",
        ),
        (good[..3].to_vec(), "not a valid recording: it begins with neither"),
        (Vec::new(), "not a valid recording: the file is empty (the first bytes): "),
        (
            b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
            "not a valid recording: it is a Git LFS pointer: `git lfs pull`",
        ),
        (
            b"ID3\x03 is an MP3".to_vec(),
            "unsupported recording: it is MP3, or FLAC after an ID3 tag; convert it to",
        ),
        (b"NIST_1A\n   1024\n".to_vec(), "unsupported recording: it is NIST SPHERE; convert it"),
        (good[..30].to_vec(), "not a valid WAV file: the file ends too early (header): "),
        (good[..36].to_vec(), "not a valid WAV file: the file ends too early: no `data` chunk (header): "),
        (good[..44 + 5].to_vec(), "not a valid WAV file: the file ends too early (sample 2): "),
        (with(&good, 8, b"AIFF"), "not a valid WAV file: no WAVE tag found (header): "),
        (with(&good, 22, &[0, 0]), "not a valid WAV file: file contains zero channels (header): "),
        (
            with(&good, 24, &[1, 0, 0, 0, 2, 0, 0, 0]),
            "not a valid WAV file: 1 Hz is not a valid sample rate (1000 to 768000 Hz) (header): ",
        ),
        (
            with(&good, 20, &[2, 0]),
            "unsupported WAV file: Microsoft ADPCM (code 0x0002): convert it to PCM (header): ",
        ),
        (with(&good, 34, &[40, 0]), "unsupported WAV file: integers of 40 bits (header): "),
        (with(&good, 40, &[0xfe, 0xff, 0, 0]), "not a valid WAV file: the file ends too early (sample 4): "),
        (
            with(&good, 40, &[7]),
            "not a valid WAV file: 7 bytes of samples are not a multiple of the sample size 2",
        ),
        (
            wav(Pcm::Float, 1, 16_000, &[0.0, f64::NAN]),
            "not a valid WAV file: NaN is not a valid sample (sample 1): ",
        ),
    ];
    for (bytes, expected) in cases {
        assert_broken(bytes, read_sound, expected);
    }
    for pcm in [Pcm::Int(8), Pcm::Int(24), Pcm::Float] {
        survive(&wav(pcm, 2, 16_000, &[0.1; 40]), read_sound);
    }
}

#[test]
fn flac_files() {
    let samples: Vec<i32> = (0..600).map(|n| n * 31 % 2000 - 1000).collect();
    let good = flac(1, 48_000, &samples);
    let cases: &[(Vec<u8>, &str)] = &[
        (good[..20].to_vec(), "not a valid FLAC file: the file ends too early (header): "),
        (good[..900].to_vec(), "not a valid FLAC file: the file ends too early (sample 0): "),
        (
            good[..42].to_vec(),
            "not a valid FLAC file: it ends here, but its header announces 600 samples (sample 0): ",
        ),
        (with(&good, 500, &[0x55, 0xaa]), "not a valid FLAC file: frame CRC mismatch (sample 0): "),
        (with(&good, 42, &[0]), "not a valid FLAC file: frame sync code missing (sample 0): "),
        // An MD5 of different samples.
        (with(&good, 26, &[1; 16]), "not a valid FLAC file: its samples do not match the MD5 in its"),
    ];
    for (bytes, expected) in cases {
        assert_broken(bytes, read_sound, expected);
    }
    survive(&good, read_sound);
}

#[test]
fn idx_files() {
    let good = idx(&[2, 3], &[1, 2, 3, 4, 5, 6]);
    let packed = gzip(&good);
    let cases: &[(Vec<u8>, &str)] = &[
        (vec![], "not a valid idx file: the file ends too early (header): "),
        (good[..7].to_vec(), "not a valid idx file: the file ends too early (header): "),
        (
            good[..good.len() - 2].to_vec(),
            "not a valid idx file: it ends here, but 6 entries were announced (entry 4): ",
        ),
        (
            [&good[..], &[7]].concat(),
            "not a valid idx file: it continues after the announced entries (entry 6): ",
        ),
        (
            with(&good, 0, &[1]),
            "not a valid idx file: it begins with [01, 00, 08, 02], not with two zero bytes (header): ",
        ),
        (
            with(&good, 2, &[0x0d]),
            "not a valid idx file: entries of type 0x0d instead of 0x08, unsigned bytes (header): ",
        ),
        (with(&good, 3, &[0]), "not a valid idx file: 0 dimensions instead of 1 to 8 (header): "),
        (with(&good, 4, &[0xff; 8]), "not a valid idx file: shape [4294967295, 4294967295] has more than"),
        (
            idx(&[1 << 30], &[0; 10]),
            "not a valid idx file: it ends here, but 1073741824 entries were announced (entry 10): ",
        ),
        (packed[..packed.len() - 9].to_vec(), "not a valid idx file: "),
        (
            with(&packed, packed.len() - 8, &[0, 1, 2, 3]),
            "not a valid idx file: corrupt gzip stream does not have a matching checksum",
        ),
        ([&packed[..], b"more"].concat(), "not a valid idx file: "),
    ];
    for (bytes, expected) in cases {
        assert_broken(bytes, read_idx, expected);
    }
    survive(&good, read_idx);
    survive(&packed, read_idx);
}

/// A folder with two labels, four recordings each.
fn recordings() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for label in ["a", "b"] {
        fs::create_dir(folder.path().join(label)).unwrap();
        for k in 0..4 {
            let path = folder.path().join(label).join(format!("{k}.wav"));
            fs::write(path, wav(Pcm::Int(16), 1, 16_000, &[0.1; 500])).unwrap();
        }
    }
    folder
}

fn open(folder: &Path, config: &SpeechConfig, cache: Option<&Path>) -> Result<SpeechDataset, Error> {
    SpeechDataset::open(SpeechLayout::Folder, folder, config, cache, &|_| {})
}

#[test]
fn lists() {
    let folder = recordings();
    let config = SpeechConfig {
        test: SplitRule::Official,
        valid: SplitRule::Official,
        steps: 4,
        ..SpeechConfig::default()
    };
    let list = folder.path().join("testing_list.txt");
    for (text, expected) in [
        (
            &b"a/0.wav\na/9.wav"[..],
            "not a valid list of samples: the data set has no sample `a/9.wav` (line 2): ",
        ),
        (b"../a/0.wav", "not a valid list of samples: the data set has no sample `../a/0.wav` (line 1): "),
        (b"a/0.wav\n\n./a/0.wav", "not a valid list of samples: `a/0.wav` is a duplicate (line 3): "),
        (b"a/\xe9.wav", "not a valid list of samples: the name is not UTF-8 (line 1): "),
        (b"b/3.wav", "not a valid list of samples: `b/3.wav` is also in validation_list.txt (line 1): "),
    ] {
        fs::write(folder.path().join("validation_list.txt"), "b/3.wav").unwrap();
        fs::write(&list, text).unwrap();
        let message = open(folder.path(), &config, None).unwrap_err().to_string();
        assert!(message.starts_with(expected) && message.ends_with("testing_list.txt"), "{message}");
    }
    mutations(b"a/0.wav\n./a/1.wav\nb/2.wav\n", 300, |bytes| {
        fs::write(&list, bytes).unwrap();
        if let Err(error) = open(folder.path(), &config, None) {
            assert!(matches!(error, Error::File { .. }), "{error:?}");
        }
    });
}

#[test]
fn heidelberg_lists() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("audio")).unwrap();
    let name = "lang-german_speaker-01_trial-4_digit-5.flac";
    fs::write(folder.path().join("audio").join(name), flac(1, 48_000, &[7; 4000])).unwrap();
    let layout = SpeechLayout::Heidelberg;
    let open = || SpeechDataset::open(layout, folder.path(), &SpeechConfig::of(layout), None, &|_| {});
    assert!(matches!(open(), Err(Error::Io { .. })), "no list");
    fs::write(folder.path().join("test_filenames.txt"), "").unwrap();
    for (line, expected) in [
        ("lang-french_speaker-01_trial-4_digit-5.flac", "is not of the form lang-{english|german}_"),
        ("lang-german_speaker-01_trial-4_digit-10.flac", "is not of the form"),
        ("lang-german_speaker-01_trial-5_digit-5.flac", "the data set has no sample"),
    ] {
        fs::write(folder.path().join("train_filenames.txt"), format!("{name}\n{line}\n")).unwrap();
        let message = open().unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("(line 2)"), "{message}");
    }
    for list in ["train_filenames.txt", "test_filenames.txt"] {
        fs::write(folder.path().join(list), name).unwrap();
    }
    let message = open().unwrap_err().to_string();
    assert!(message.contains("is also in train_filenames.txt (line 1)"), "{message}");
}

#[test]
fn recordings_of_a_data_set_are_named() {
    let folder = recordings();
    let path = folder.path().join("b/2.wav");
    for (bytes, expected) in [
        (b"RIFF".to_vec(), "not a valid WAV file: the file ends too early (header): "),
        (
            wav(Pcm::Int(16), 1, 16_000, &[]),
            "not a valid recording of a word: it contains no samples: remove it (sample 0): ",
        ),
    ] {
        fs::write(&path, bytes).unwrap();
        let message = open(folder.path(), &SpeechConfig::default(), None).unwrap_err().to_string();
        let message = message
            .strip_prefix(
                "1 of 8 recordings cannot be read (data.skip_broken = true continues without them): ",
            )
            .unwrap();
        assert!(message.starts_with(expected) && message.ends_with("2.wav"), "{message}");
    }
}

#[test]
fn broken_recordings_are_all_listed_and_can_be_skipped() {
    let (folder, cache) = (recordings(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("a/1.wav"), b"RIFF").unwrap();
    fs::create_dir(folder.path().join("b/5.wav")).unwrap();
    fs::write(folder.path().join("b/2.wav"), b"no sound").unwrap();
    let config = SpeechConfig { steps: 3, standardize: false, ..SpeechConfig::default() };
    let Error::Recordings { broken, total } = open(folder.path(), &config, None).unwrap_err() else {
        panic!("another error")
    };
    let path = |error: &Error| match error {
        Error::File { path, .. } => path.strip_prefix(folder.path()).unwrap().to_owned(),
        other => panic!("not a file error: {other}"),
    };
    assert_eq!(broken.iter().map(path).collect::<Vec<_>>(), ["a/1.wav", "b/2.wav", "b/5.wav"].map(Path::new));
    assert_eq!(total, 9);

    let skip = SpeechConfig { skip_broken: true, ..config.clone() };
    // The second time from the cache, which does not store errors.
    for cache in [None, Some(cache.path()), Some(cache.path())] {
        let data = open(folder.path(), &skip, cache).unwrap();
        assert_eq!((data.len(), data.classes()), (6, 2));
        assert_eq!([data.recording(1), data.recording(4)], ["a/2.wav", "b/1.wav"]);
        assert_eq!((data.label(2), data.label(3)), (0, 1));
        assert_eq!(data.frames(5), data.frames(0));
        let intake = data.intake().unwrap();
        assert_eq!((intake.recordings, intake.broken.len()), (6, 3));
        assert!(intake.notes().iter().any(|note| note.starts_with("3 of 9 recordings cannot be read")));
    }
    assert!(open(folder.path(), &config, Some(cache.path())).is_err(), "and refused from the cache, too");
    for k in [0, 2, 3] {
        fs::remove_file(folder.path().join(format!("a/{k}.wav"))).unwrap();
    }
    for k in [0, 1, 3] {
        fs::remove_file(folder.path().join(format!("b/{k}.wav"))).unwrap();
    }
    assert!(open(folder.path(), &skip, None).is_err(), "nothing is left");
}

#[test]
#[cfg(unix)]
fn names_that_are_not_utf_8_are_skipped() {
    use std::os::unix::ffi::OsStrExt;
    let folder = recordings();
    fs::write(folder.path().join("a").join(std::ffi::OsStr::from_bytes(b"\xff.wav")), b"").unwrap();
    for name in [&b".caf\xe9"[..], b"notes\xff.txt", b".\xff.wav"] {
        fs::write(folder.path().join("b").join(std::ffi::OsStr::from_bytes(name)), b"").unwrap();
    }
    let data = open(folder.path(), &SpeechConfig::default(), None).unwrap();
    assert_eq!(data.len(), 8);
    let counts: Vec<_> =
        data.intake().unwrap().left_out.iter().map(|left_out| (left_out.reason, left_out.count)).collect();
    assert_eq!(counts, [(Reason::NotUtf8, 1), (Reason::Hidden, 1)]);
}

#[test]
fn cache_files() {
    let (folder, cache) = (recordings(), tempfile::tempdir().unwrap());
    let config = SpeechConfig { steps: 2, ..SpeechConfig::default() };
    let values = |data: &SpeechDataset| (0..8).flat_map(|i| data.frames(i).to_vec()).collect::<Vec<f32>>();
    let right = values(&open(folder.path(), &config, Some(cache.path())).unwrap());
    let mut entries = fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().path());
    let file = entries.find(|path| path.extension().unwrap() == "features").unwrap();
    let good = fs::read(&file).unwrap();
    mutations(&good, 300, |bytes| {
        fs::write(&file, bytes).unwrap();
        assert!(values(&open(folder.path(), &config, Some(cache.path())).unwrap()) == right);
    });
}
