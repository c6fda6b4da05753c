//! Spoken-word data sets, from small folders of the published layouts.
#![cfg(feature = "audio")]
#![allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use common::flac::flac;
use common::wav::{Pcm, wav};
use snn_data::audio::{ChannelStatistics, MelConfig, MelSpectrogram, Sound, fit_length};
use snn_data::{
    Dataset, Error, InputKind, Reason, SpeechConfig, SpeechDataset, SpeechEvent, SpeechLayout, SplitRule,
    cache_files,
};
use tempfile::TempDir;

/// A tone that differs from file to file.
fn tone(k: usize, samples: usize) -> Vec<f64> {
    (0..samples).map(|n| 0.3 * (n as f64 * (0.1 + 0.02 * k as f64)).sin()).collect()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn write_wav(folder: &Path, name: &str, k: usize) {
    write(folder, name, &wav(Pcm::Int(16), 1, 8000, &tone(k, 2000 + 100 * k)));
}

/// Two digits, two speakers, takes 3 to 6: takes 3 and 4 are the official test part.
fn digits() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (k, name) in
        (0..16).map(|k| (k, format!("recordings/{}_{}_{}.wav", k % 2, ["ann", "bob"][k / 2 % 2], 3 + k / 4)))
    {
        write_wav(folder.path(), &name, k);
    }
    write(folder.path(), "recordings/.hidden", b"no recording");
    write(folder.path(), "recordings/README.md", b"no recording");
    folder
}

fn small(layout: SpeechLayout) -> SpeechConfig {
    SpeechConfig { steps: 20, valid: SplitRule::stratified(0.25), ..SpeechConfig::of(layout) }
}

fn open(layout: SpeechLayout, folder: &Path, config: &SpeechConfig) -> Result<SpeechDataset, Error> {
    SpeechDataset::open(layout, folder, config, None, &|_| {})
}

#[test]
fn free_spoken_digits() {
    let folder = digits();
    let data = open(SpeechLayout::Fsdd, folder.path(), &small(SpeechLayout::Fsdd)).unwrap();
    assert_eq!((data.len(), data.classes(), data.inputs(), data.steps()), (16, 10, 40, 20));
    assert_eq!((data.kind(), data.dt(), data.name()), (InputKind::Frames, 2.0, "fsdd"));
    let splits = data.splits();
    assert_eq!((splits.train.len(), splits.valid.len(), splits.test.len()), (6, 2, 8));
    let take = |i: u32| data.recording(i as usize).rsplit('_').next();
    assert!(splits.test.iter().all(|&i| matches!(take(i), Some("3.wav" | "4.wav"))));
    assert_eq!((data.recording(0), data.speaker(0), data.label(0)), ("0_ann_3.wav", Some("ann"), 0));
    assert_eq!(data.class_name(1), Some("one"));
    assert_eq!(data.duration(0), Some(250.0));
}

#[test]
fn speakers_are_left_out_one_by_one() {
    let folder = digits();
    let config = SpeechConfig {
        test: SplitRule::Speakers { speakers: vec!["bob".into()] },
        ..small(SpeechLayout::Fsdd)
    };
    let data = open(SpeechLayout::Fsdd, folder.path(), &config).unwrap();
    assert_eq!(data.splits().test.len(), 8);
    assert!(data.splits().test.iter().all(|&i| data.speaker(i as usize) == Some("bob")));
    assert!(data.splits().train.iter().all(|&i| data.speaker(i as usize) == Some("ann")));
}

#[test]
fn values_are_standardized_spectrograms() {
    let folder = digits();
    let config = small(SpeechLayout::Fsdd);
    let raw = open(SpeechLayout::Fsdd, folder.path(), &SpeechConfig { standardize: false, ..config.clone() })
        .unwrap();
    assert_eq!(raw.statistics(), None);
    let sound = Sound::read(folder.path().join("recordings").join(raw.recording(5))).unwrap();
    let mut frames = MelSpectrogram::new(&config.mel, sound.rate).unwrap().compute(&sound.samples);
    fit_length(&mut frames, 40, 20).unwrap();
    let frames: Vec<f32> = frames.into_iter().map(|value| value as f32).collect();
    assert_eq!(raw.frames(5), frames);

    let data = open(SpeechLayout::Fsdd, folder.path(), &config).unwrap();
    let statistics = data.statistics().unwrap();
    let train = raw.splits().train.iter().map(|&i| raw.frames(i as usize));
    assert_eq!(*statistics, ChannelStatistics::of(train, 40), "of the training part only");
    let train = data.splits().train.iter().map(|&i| data.frames(i as usize));
    let standardized = ChannelStatistics::of(train, 40);
    assert!(standardized.mean.iter().all(|mean| mean.abs() < 1e-5));
    assert!(standardized.deviation.iter().all(|deviation| (deviation - 1.0).abs() < 1e-5));
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let folder = digits();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let data =
            pool.install(|| open(SpeechLayout::Fsdd, folder.path(), &small(SpeechLayout::Fsdd)).unwrap());
        (0..16).flat_map(|i| data.frames(i).to_vec()).collect::<Vec<f32>>()
    };
    assert_eq!(with(1), with(4));
}

/// Three words, two clips each; one for validation, one for the test.
fn commands() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (k, word) in ["yes", "no", "up"].into_iter().enumerate() {
        for take in 0..2 {
            write_wav(folder.path(), &format!("{word}/0a2b400{k}_nohash_{take}.wav"), k);
        }
    }
    write_wav(folder.path(), "_background_noise_/white.wav", 9);
    write(folder.path(), "LICENSE", b"CC BY 4.0");
    write(folder.path(), "validation_list.txt", b"./yes/0a2b4000_nohash_1.wav\n");
    write(folder.path(), "testing_list.txt", b"up/0a2b4002_nohash_0.wav\nno/0a2b4001_nohash_0.wav\n");
    folder
}

#[test]
fn speech_commands_follow_the_official_lists() {
    let folder = commands();
    let layout = SpeechLayout::SpeechCommands;
    let data = open(layout, folder.path(), &SpeechConfig::of(layout)).unwrap();
    assert_eq!((data.len(), data.classes(), data.steps()), (6, 3, 100));
    assert_eq!([0, 1, 2].map(|label| data.class_name(label)), [Some("no"), Some("up"), Some("yes")]);
    let names = |indices: &[u32]| indices.iter().map(|&i| data.recording(i as usize)).collect::<Vec<_>>();
    assert_eq!(names(&data.splits().valid), ["yes/0a2b4000_nohash_1.wav"]);
    assert_eq!(names(&data.splits().test), ["no/0a2b4001_nohash_0.wav", "up/0a2b4002_nohash_0.wav"]);
    assert_eq!(data.speaker(0), Some("0a2b4001"));
}

#[test]
fn words_are_chosen_in_their_order() {
    let folder = commands();
    let layout = SpeechLayout::SpeechCommands;
    let config = SpeechConfig { words: vec!["yes".into(), "no".into()], ..SpeechConfig::of(layout) };
    let data = open(layout, folder.path(), &config).unwrap();
    assert_eq!((data.len(), data.classes()), (4, 2));
    assert_eq!([data.class_name(0), data.class_name(1)], [Some("yes"), Some("no")]);
    assert_eq!(data.label(0), 1, "`no` comes first in the folder");
    assert_eq!(data.splits().test.len(), 1);

    let config = SpeechConfig { words: vec!["maybe".into()], ..config };
    let message = open(layout, folder.path(), &config).unwrap_err().to_string();
    assert_eq!(message, "`words = maybe` is invalid: words must be among no, up, yes");
}

/// Two speakers and four digits in two languages, one recording each; one of them for the test.
fn heidelberg() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let pcm: Vec<i32> = tone(1, 4800).iter().map(|x| (x * 32_768.0) as i32).collect();
    let mut lists = [String::new(), String::new()];
    for speaker in ["01", "11"] {
        for (language, digit) in [("english", 0), ("english", 7), ("german", 0), ("german", 5)] {
            let name = format!("lang-{language}_speaker-{speaker}_trial-4_digit-{digit}.flac");
            write(folder.path(), &format!("audio/{name}"), &flac(1, 48_000, &pcm));
            lists[usize::from(speaker == "11")] += &format!("{name}\n");
        }
    }
    write(folder.path(), "train_filenames.txt", lists[0].as_bytes());
    write(folder.path(), "test_filenames.txt", lists[1].as_bytes());
    folder
}

#[test]
fn heidelberg_digits_have_two_languages() {
    let folder = heidelberg();
    let layout = SpeechLayout::Heidelberg;
    let data = open(layout, folder.path(), &SpeechConfig::of(layout)).unwrap();
    assert_eq!((data.len(), data.classes(), data.steps(), data.inputs()), (8, 20, 80, 40));
    let labels: Vec<u16> = (0..8).map(|i| data.label(i)).collect();
    assert_eq!(labels, [0, 7, 10, 15, 0, 7, 10, 15]);
    assert_eq!(data.class_name(15), Some("fünf"));
    assert_eq!(data.splits().test, [4, 5, 6, 7]);
    assert_eq!((data.speaker(0), data.speaker(7)), (Some("01"), Some("11")));

    let config = SpeechConfig { words: vec!["fünf".into(), "zero".into()], ..SpeechConfig::of(layout) };
    let data = open(layout, folder.path(), &config).unwrap();
    assert_eq!((data.len(), data.label(0), data.label(1)), (4, 1, 0));
}

#[test]
fn any_folder_of_labeled_recordings() {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..20 {
        write_wav(folder.path(), &format!("{}/take {k}.wav", ["bark", "purr"][k % 2]), k);
    }
    let stereo: Vec<i32> = (0..9600).map(|n| n % 300).collect();
    write(folder.path(), "moo/Cow.FLAC", &flac(2, 44_100, &stereo));
    write(folder.path(), "empty/notes.txt", b"");
    let layout = SpeechLayout::Folder;
    let data = open(layout, folder.path(), &SpeechConfig::of(layout)).unwrap();
    assert_eq!((data.len(), data.classes()), (21, 3));
    assert_eq!([0, 1, 2].map(|label| data.class_name(label)), [Some("bark"), Some("moo"), Some("purr")]);
    assert_eq!((data.splits().test.len(), data.splits().valid.len()), (2, 2));
    assert_eq!(data.speaker(0), None);
}

/// Everything that is not a recording of a class is counted by reason.
#[test]
fn skipped_recordings_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..20 {
        write_wav(folder.path(), &format!("{}/{k}.wav", ["no", "yes"][k % 2]), k);
    }
    for name in [
        "_silence_/a.wav",
        "_silence_/deep/b.flac",
        "_unknown_/c.wav",
        "yes/more/d.wav",
        "no/more/evenmore/e.WAV",
        "loose.wav",
        "yes/.hidden.wav",
        ".cache/f.wav",
        "yes/._0.wav", // of macOS
        "yes/g.mp3",
        "h.ogg",
        "yes/notes.txt",
        ".DS_Store",
    ] {
        write(folder.path(), name, b"");
    }
    let layout = SpeechLayout::Folder;
    let data = open(layout, folder.path(), &SpeechConfig::of(layout)).unwrap();
    assert_eq!((data.len(), data.classes()), (20, 2));
    let intake = data.intake().unwrap();
    let mut counts: Vec<_> =
        intake.left_out.iter().map(|left_out| (left_out.reason, left_out.count)).collect();
    counts.sort_unstable();
    assert_eq!(
        counts,
        [
            (Reason::SpecialFolder, 3),
            (Reason::Deeper, 2),
            (Reason::NoClass, 1),
            (Reason::Hidden, 2),
            (Reason::OtherFormat, 2),
        ]
    );
    assert!(
        intake.notes().contains(
            &"left out: 3 recordings in a folder that begins with `_` (list it in data.words to load it): _silence_, \
              _unknown_"
                .to_owned()
        ),
        "{:?}",
        intake.notes()
    );
    assert_eq!((intake.recordings, intake.resampled, intake.cropped, intake.padded), (20, 20, 0, 20));

    // Such a folder is loaded if it is listed.
    for k in 0..3 {
        write_wav(folder.path(), &format!("_silence_/{k}.wav"), k);
    }
    fs::remove_file(folder.path().join("_silence_/a.wav")).unwrap();
    let words = vec!["yes".to_owned(), "_silence_".to_owned()];
    let data =
        open(layout, folder.path(), &SpeechConfig { words, steps: 5, ..SpeechConfig::of(layout) }).unwrap();
    assert_eq!((data.len(), data.class_name(1)), (13, Some("_silence_")));
    assert_eq!(data.intake().unwrap().cropped, 13);
}

#[test]
fn recordings_that_are_too_long_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..40 {
        write_wav(folder.path(), &format!("{}/{k:02}.wav", ["no", "yes"][k % 2]), k);
    }
    for (name, head) in [("no/02.wav", &b"RIFF\xff\xff\xff\xffWAVE"[..]), ("yes/03.wav", b"OggS")] {
        let path = folder.path().join(name);
        let mut long = fs::read(&path).unwrap();
        let place = long.windows(4).position(|it| it == b"data").unwrap();
        long[place + 4..place + 8].fill(0xff);
        long[..head.len()].copy_from_slice(head);
        fs::write(&path, long).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_len(6_000_000_000).unwrap();
    }
    let mut config = small(SpeechLayout::Folder);
    let begin = std::time::Instant::now();
    let error = open(SpeechLayout::Folder, folder.path(), &config).unwrap_err();
    let Error::Recordings { broken, .. } = &error else { panic!("{error}") };
    assert!(broken[0].to_string().contains("bytes of samples, more than 4 GiB: split it"), "{error}");
    assert!(broken[1].to_string().contains("it is Ogg"), "{error}");
    config.skip_broken = true;
    assert_eq!(open(SpeechLayout::Folder, folder.path(), &config).unwrap().len(), 38);
    assert!(begin.elapsed().as_secs() < 5, "hashing takes more than 20 s: {:?}", begin.elapsed());
}

#[test]
fn missing_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (layout, what) in [
        (SpeechLayout::Heidelberg, "no folder `audio` of the Heidelberg Digits here: "),
        (SpeechLayout::Fsdd, "no folder `recordings` of the Free Spoken Digit Dataset here: "),
        (SpeechLayout::SpeechCommands, "no recording (.wav or .flac) here: "),
    ] {
        let message = open(layout, folder.path(), &SpeechConfig::of(layout)).unwrap_err().to_string();
        assert!(message.starts_with(what), "{message}");
    }
    let none = folder.path().join("none");
    let layout = SpeechLayout::Folder;
    assert!(matches!(open(layout, &none, &SpeechConfig::of(layout)), Err(Error::Missing { .. })));
}

#[test]
fn impossible_values_are_refused() {
    type Change = fn(&mut SpeechConfig);
    let cases: &[(&str, Change)] = &[
        ("`steps = 0`", |c| c.steps = 0),
        ("`steps = 1048577`", |c| c.steps = (1 << 20) + 1),
        ("`dt = 0`", |c| c.dt = 0.0),
        ("`words = yes`", |c| c.words = vec!["yes".into(), "no".into(), "yes".into()]),
        ("`channels = 0`", |c| c.mel.channels = 0),
    ];
    for (expected, change) in cases {
        let mut config = SpeechConfig::default();
        change(&mut config);
        let message = config.validate().expect_err(expected).to_string();
        assert!(message.starts_with(expected), "{message}");
    }
    let config: SpeechConfig =
        toml::from_str("steps = 50\ntest = { by = \"official\" }\n[mel]\nchannels = 30").unwrap();
    assert_eq!((config.steps, config.mel.channels, &config.test), (50, 30, &SplitRule::Official));
    assert_eq!(toml::from_str::<SpeechConfig>(&toml::to_string(&config).unwrap()), Ok(config));
}

/// What the observer heard, in short.
fn heard(folder: &Path, config: &SpeechConfig, cache: &Path) -> (Vec<String>, Vec<f32>) {
    let events = Mutex::new(Vec::new());
    let observe = |event: SpeechEvent<'_>| {
        let name = match event {
            SpeechEvent::Computed { done, total } if done == total => "computed".to_owned(),
            SpeechEvent::Computed { .. } => return,
            SpeechEvent::CacheRead { .. } => "read".to_owned(),
            SpeechEvent::CacheWritten { .. } => "written".to_owned(),
            SpeechEvent::CacheDamaged { error } => error.to_string().split(": /").next().unwrap().to_owned(),
            SpeechEvent::CacheNotWritten { .. } => "not written".to_owned(),
            _ => "unknown".to_owned(),
        };
        events.lock().unwrap().push(name);
    };
    let data = SpeechDataset::open(SpeechLayout::Fsdd, folder, config, Some(cache), &observe).unwrap();
    let values = (0..data.len()).flat_map(|i| data.frames(i).to_vec()).collect();
    (events.into_inner().unwrap(), values)
}

#[test]
fn the_cache_is_correct_or_recomputed() {
    let (folder, cache) = (digits(), tempfile::tempdir().unwrap());
    let cache = cache.path().join("made/if/need/be");
    let config = small(SpeechLayout::Fsdd);
    let (events, values) = heard(folder.path(), &config, &cache);
    assert_eq!(events, ["computed", "written"]);
    assert_eq!(heard(folder.path(), &config, &cache), (vec!["read".into()], values.clone()));

    // Splits and standardization are applied after the cache.
    let other = SpeechConfig { valid: SplitRule::stratified(0.5), standardize: false, ..config.clone() };
    assert_eq!(heard(folder.path(), &other, &cache).0, ["read"]);
    // Settings that affect the features use a separate cache.
    let other = SpeechConfig { mel: MelConfig { floor: 1e-9, ..config.mel.clone() }, ..config.clone() };
    assert_eq!(heard(folder.path(), &other, &cache).0, ["computed", "written"]);
    assert_eq!(cache_files::usage(&cache).unwrap().files, 2);

    // Damage of every kind.
    fs::remove_dir_all(&cache).unwrap();
    heard(folder.path(), &config, &cache);
    let file = features_in(&cache);
    let good = fs::read(&file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 4;
        bytes
    };
    for (bytes, problem) in [
        (good[..good.len() - 1].to_vec(), format!("{} bytes instead of {}", good.len() - 1, good.len())),
        (Vec::new(), format!("0 bytes instead of {}", good.len())),
        (flipped(0), "it belongs to a different data set or version".into()),
        (flipped(40), "it belongs to a different data set or version".into()),
        (flipped(60), "the content has changed since it was written".into()),
        (flipped(good.len() / 2), "the content has changed since it was written".into()),
        (flipped(good.len() - 1), "the content has changed since it was written".into()),
    ] {
        fs::write(&file, bytes).unwrap();
        let (events, again) = heard(folder.path(), &config, &cache);
        assert!(events[0].starts_with(&format!("not a valid cache of features: {problem} (")), "{events:?}");
        assert_eq!(events[1..], ["computed", "written"]);
        assert!(again == values);
        assert_eq!(fs::read(&file).unwrap(), good);
    }

    // A recording that changes makes it stale.
    write_wav(folder.path(), "recordings/0_ann_3.wav", 3);
    let (events, changed) = heard(folder.path(), &config, &cache);
    assert_eq!(events, ["computed", "written"]);
    assert!(changed != values);

    // A folder that is not writable only costs time.
    let blocked = folder.path().join("recordings/README.md");
    assert_eq!(heard(folder.path(), &config, &blocked).0.last().unwrap(), "not written");
}

/// The one file of features in a cache.
fn features_in(cache: &Path) -> std::path::PathBuf {
    let mut entries = fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.extension().unwrap() == "features").unwrap()
}

/// Other sound under the names, sizes and times of change of the old: by another folder, or in the same one.
#[test]
fn the_cache_depends_on_the_content() {
    let (a, b, cache) = (digits(), digits(), tempfile::tempdir().unwrap());
    let config = SpeechConfig { standardize: false, ..small(SpeechLayout::Fsdd) };
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let set_times = |folder: &Path| {
        for entry in fs::read_dir(folder.join("recordings")).unwrap() {
            fs::File::options().write(true).open(entry.unwrap().path()).unwrap().set_modified(time).unwrap();
        }
    };
    let name = "recordings/0_ann_3.wav";
    write(b.path(), name, &wav(Pcm::Int(16), 1, 8000, &tone(7, 2000)));
    set_times(a.path());
    set_times(b.path());
    let of_a = heard(a.path(), &config, cache.path()).1;
    let (events, of_b) = heard(b.path(), &config, cache.path());
    assert_eq!(events, ["computed", "written"]);
    assert!(of_a[800..] == of_b[800..] && of_a[..800] != of_b[..800]);
    // A copy of a folder shares the cached features.
    let copy = digits();
    assert_eq!(heard(copy.path(), &config, cache.path()), (vec!["read".to_owned()], of_a.clone()));
    // A folder with a replaced file does not.
    write(a.path(), name, &wav(Pcm::Int(16), 1, 8000, &tone(7, 2000)));
    set_times(a.path());
    assert_eq!(heard(a.path(), &config, cache.path()), (vec!["read".to_owned()], of_b));
}

#[test]
fn leftovers_of_a_killed_writer_are_removed() {
    let (folder, cache) = (digits(), tempfile::tempdir().unwrap());
    let config = small(SpeechLayout::Fsdd);
    heard(folder.path(), &config, cache.path());
    for name in ["fsdd-0123.features.4711-0.part", "fsdd-0123.contents.4711-1.part"] {
        fs::write(cache.path().join(name), b"half").unwrap();
    }
    heard(folder.path(), &config, cache.path());
    let left = fs::read_dir(cache.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().unwrap() == "part");
    assert_eq!(left.count(), 0);
    assert!(cache_files::clear(cache.path()).unwrap().bytes > 0);
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}

/// A test part from a different source: different sample rate, and a word that is never trained on.
#[test]
fn different_sample_rates_or_words_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    for (word, part, rate) in [
        ("no", "a", 16_000),
        ("yes", "a", 16_000),
        ("no", "b", 8000),
        ("yes", "b", 8000),
        ("zero", "b", 8000),
    ] {
        for k in 0..4 {
            let name = format!("{word}/{part}{k}.wav");
            write(folder.path(), &name, &wav(Pcm::Int(16), 1, rate, &tone(k, 2000)));
        }
    }
    let list = |words: &[&str]| {
        let names = words.iter().flat_map(|word| (0..4).map(move |k| format!("{word}/b{k}.wav\n")));
        fs::write(folder.path().join("testing_list.txt"), names.collect::<String>()).unwrap();
        fs::write(folder.path().join("validation_list.txt"), "").unwrap();
        let config = SpeechConfig { test: SplitRule::Official, ..SpeechConfig::of(SpeechLayout::Folder) };
        let data = SpeechDataset::open(SpeechLayout::Folder, folder.path(), &config, None, &|_| ()).unwrap();
        data.intake().unwrap().doubts.clone()
    };
    assert_eq!(
        list(&["no", "yes", "zero"]),
        [
            "the recordings of the test part have 8000 Hz, but those for training 16000 Hz",
            "the test part has samples of a class without any for training: zero",
        ]
    );
    assert!(list(&["no", "zero"]).iter().all(|doubt| !doubt.contains("Hz")), "some of each");
}
