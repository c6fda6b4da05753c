//! Spikes in npz and CSV files: the accepted forms, and the errors for those that are refused.
#![cfg(feature = "events")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use snn_data::npz::NpzWriter;
use snn_data::{
    BatchInput, Dataset, Error, Polarity, Recorded, Sensor, Shd, ShdConfig, SpikeParts, SplitRule, TimeUnit,
    UnsortedSpikes, collate,
};

fn config() -> ShdConfig {
    ShdConfig {
        steps: 10,
        dt: 1.0,
        inputs: 6,
        time_unit: TimeUnit::Ms,
        test: SplitRule::stratified(0.0),
        valid: SplitRule::stratified(0.0),
        ..ShdConfig::default()
    }
}

fn open(path: &Path, config: &ShdConfig) -> Result<Shd, Error> {
    Shd::from_files("mine", path, None, config)
}

/// Step and unit of every spike of a sample.
fn spikes(data: &Shd, sample: u32) -> Vec<(usize, u16)> {
    let batch = collate(data, &[sample]).unwrap();
    let BatchInput::Events { offsets, units } = &batch.input else { panic!("spikes") };
    let row = |step: usize| offsets[step] as usize..offsets[step + 1] as usize;
    (0..batch.steps).flat_map(|step| units[row(step)].iter().map(move |&unit| (step, unit))).collect()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

/// Three samples: spikes of units 0 and 5, none, and one of unit 2.
fn plain() -> NpzWriter {
    let mut npz = NpzWriter::new();
    npz.add("times", &[3], &[0.5_f32, 3.25, 9.0]).unwrap();
    npz.add("units", &[3], &[0_i64, 5, 2]).unwrap();
    npz.add("labels", &[3], &[1_u8, 0, 1]).unwrap();
    npz
}

#[test]
fn npz_archives_with_offsets_or_sample_numbers() {
    let folder = Folder::new();
    let mut with_offsets = plain();
    with_offsets.add("offsets", &[4], &[0_i32, 2, 2, 3]).unwrap();
    with_offsets.add_texts("classes", &[2], &["no", "fünf"]).unwrap();
    with_offsets.add("speaker", &[3], &[7_u16, 7, 9]).unwrap();
    let data = open(&folder.write("a.npz", with_offsets.finish()), &config()).unwrap();
    assert_eq!((data.len(), data.classes(), data.inputs(), data.class_name(1)), (3, 2, 6, Some("fünf")));
    assert_eq!(
        [spikes(&data, 0), spikes(&data, 1), spikes(&data, 2)],
        [vec![(0, 0), (3, 5)], vec![], vec![(9, 2)]]
    );
    assert_eq!((data.speaker(2), data.sample_name(2).unwrap().as_ref()), (Some("9"), "0:2"));

    // Both, in agreement.
    let mut with_both = plain();
    with_both.add("offsets", &[4], &[0_i32, 2, 2, 3]).unwrap();
    with_both.add("sample", &[3], &[0_u8, 0, 2]).unwrap();
    let data = open(&folder.write("both.npz", with_both.finish()), &config()).unwrap();
    assert_eq!(spikes(&data, 2), [(9, 2)]);

    // The same in a different order, and in seconds, as stated in the archive.
    let mut with_numbers = NpzWriter::new();
    with_numbers.add("times", &[3], &[0.009, 0.0005, 0.003_25]).unwrap();
    with_numbers.add("units", &[3], &[2_u16, 0, 5]).unwrap();
    with_numbers.add("sample", &[3], &[2_i64, 0, 0]).unwrap();
    with_numbers.add("labels", &[3], &[1_i64, 0, 1]).unwrap();
    with_numbers.add_texts("time_unit", &[], &["s"]).unwrap();
    let same = open(&folder.write("named otherwise", with_numbers.finish()), &config()).unwrap();
    assert_eq!(same.time_unit(), Some(TimeUnit::S));
    for sample in 0..3 {
        assert_eq!(spikes(&same, sample), spikes(&data, sample));
    }
}

#[test]
fn csv_files() {
    let folder = Folder::new();
    let text = "\u{feff}sample, time, unit, label, speaker\r\nb,0.5,0,yes,4\r\nb,3.25,5,yes,4\na,,,no,5\nlast,9,2,yes,4\n";
    let data = open(&folder.write("spikes.csv", text), &config()).unwrap();
    assert_eq!(
        (data.len(), data.classes(), data.class_name(0), data.class_name(1)),
        (3, 2, Some("no"), Some("yes"))
    );
    assert_eq!((data.label(0), data.label(1), data.speaker(1)), (1, 0, Some("5")));
    assert_eq!(
        [spikes(&data, 0), spikes(&data, 1), spikes(&data, 2)],
        [vec![(0, 0), (3, 5)], vec![], vec![(9, 2)]]
    );
    // Numbers as labels are classes; samples may come mixed.
    let text = "label,sample,unit,time\n0,x,1,1\n3,y,1,2\n0,x,1,3\n";
    let data = open(&folder.write("numbers.csv", text), &config()).unwrap();
    assert_eq!((data.len(), data.classes(), data.class_name(0)), (2, 4, None));
    assert_eq!(spikes(&data, 0), [(1, 1), (3, 1)]);
}

#[test]
fn three_files_are_three_parts() {
    let folder = Folder::new();
    let text = |words: &[&str]| {
        let lines: Vec<_> =
            words.iter().enumerate().map(|(sample, word)| format!("{sample},1,1,{word}\n")).collect();
        format!("sample,time,unit,label\n{}", lines.concat())
    };
    let train = folder.write("train.csv", text(&["a", "b", "c"]));
    let test = folder.write("test.csv", text(&["c", "a"]));
    let valid = folder.write("valid.csv", text(&["b"]));
    let parts = SpikeParts { train: &train, test: Some(&test), valid: Some(&valid) };
    let config = ShdConfig { test: SplitRule::Official, valid: SplitRule::Official, ..config() };
    let open = |parts, config| Shd::from_parts("mine", parts, config, None, Recorded::default());
    let data = open(parts, &config).unwrap();
    let splits = data.splits();
    assert_eq!(
        (&splits.train[..], &splits.test[..], &splits.valid[..]),
        (&[0, 1, 2][..], &[3, 4][..], &[5][..])
    );
    // A file without all words maps its words by the names in the first.
    let labels: Vec<u16> = (0..6).map(|sample| data.label(sample)).collect();
    assert_eq!(labels, [0, 1, 2, 2, 0, 1]);
    let names: Vec<_> = (2..6).map(|sample| data.sample_name(sample).unwrap().into_owned()).collect();
    assert_eq!(names, ["0:2", "1:0", "1:1", "2:0"]);
    let only_valid = open(SpikeParts { test: None, ..parts }, &config).unwrap();
    assert_eq!((only_valid.splits().test.len(), &only_valid.splits().valid[..]), (0, &[3][..]));
    assert_eq!(only_valid.sample_name(3).unwrap(), "2:0");

    let other_rule = ShdConfig { valid: SplitRule::stratified(0.1), ..config.clone() };
    let message = open(parts, &other_rule).unwrap_err().to_string();
    assert!(message.contains("{ by = \"official\" } if there is a validation file"), "{message}");
    let unknown = folder.write("unknown.csv", text(&["d"]));
    let message = open(SpikeParts { valid: Some(&unknown), ..parts }, &config).unwrap_err().to_string();
    assert!(message.contains("only here: d; only there: a, b, c) (labels): "), "{message}");
}

#[test]
fn channels_are_pooled_and_selected_and_dropped_spikes_counted() {
    let folder = Folder::new();
    let lines: String = (0..200_000).step_by(10_000).map(|unit| format!("0,1,{unit},0\n")).collect();
    let path = folder.write("wide.csv", format!("sample,time,unit,label\n{lines}"));
    let wide = ShdConfig { inputs: 200_000, ..config() };
    let message = open(&path, &wide).unwrap_err().to_string();
    assert!(
        message.contains("pool must be 4 or more (this gives 200000 input units, and the maximum is 65536)"),
        "{message}"
    );
    let data =
        open(&path, &ShdConfig { pool: 1000, channels: vec![10_000, 59_999], ..wide.clone() }).unwrap();
    assert_eq!((data.inputs(), spikes(&data, 0)), (50, vec![(1, 0), (1, 10), (1, 20), (1, 30), (1, 40)]));
    let notes = data.intake().unwrap().notes();
    assert!(notes[0].starts_with("left out: 15 spikes not selected by data.channels"), "{notes:?}");
    let message = open(&path, &ShdConfig { inputs: 100_000, pool: 1000, ..wide }).unwrap_err().to_string();
    assert!(
        message
            .starts_with("a spike in channel 100000: there are 100000 channels, counted from 0 (sample 0): "),
        "{message}"
    );
}

#[test]
fn pixels_of_a_sensor() {
    let folder = Folder::new();
    let path = folder.write("camera.csv", "sample,time,x,y,p,label\n0,1,3,1,1,0\n0,2,0,0,0,0\n");
    let open = |path: &Path, polarity| {
        let sensor = Sensor { width: 4, height: 2, polarity };
        let parts = SpikeParts { train: path, test: None, valid: None };
        Shd::from_parts("mine", parts, &config(), Some(sensor), Recorded::default())
    };
    let data = open(&path, Polarity::Both).unwrap();
    assert_eq!((data.inputs(), spikes(&data, 0)), (16, vec![(1, 15), (2, 0)]));
    assert_eq!(spikes(&open(&path, Polarity::Merge).unwrap(), 0), [(1, 7), (2, 0)]);
    assert_eq!(spikes(&open(&path, Polarity::On).unwrap(), 0), [(1, 7)]);
    let message = Shd::from_files("mine", &path, None, &config()).unwrap_err().to_string();
    assert!(
        message.contains("it has pixels (x, y): set data.sensor = [width, height] (line 1): "),
        "{message}"
    );

    let npz = |with_polarity: bool, x: &[i16]| {
        let mut npz = NpzWriter::new();
        npz.add("times", &[2], &[1_u32, 2]).unwrap();
        npz.add("x", &[2], x).unwrap();
        npz.add("y", &[2], &[1_u8, 0]).unwrap();
        if with_polarity {
            npz.add("p", &[2], &[true, false]).unwrap();
        }
        npz.add("labels", &[1], &[0_u8]).unwrap();
        npz.add("offsets", &[2], &[0_u8, 2]).unwrap();
        folder.write("camera.npz", npz.finish())
    };
    assert_eq!(spikes(&open(&npz(true, &[3, 0]), Polarity::Both).unwrap(), 0), spikes(&data, 0));
    assert_eq!(spikes(&open(&npz(false, &[3, 0]), Polarity::Merge).unwrap(), 0), [(1, 7), (2, 0)]);
    let message = open(&npz(false, &[3, 0]), Polarity::Both).unwrap_err().to_string();
    assert!(
        message.contains("set data.polarity = \"merge\" for events without polarity (array `p`): "),
        "{message}"
    );
    let message = open(&npz(true, &[4, 0]), Polarity::Both).unwrap_err().to_string();
    assert!(
        message.contains("the sensor has no pixel (4, 1): see data.sensor (array `x`, entry 0): "),
        "{message}"
    );
    let message = open(&npz(true, &[-1, 0]), Polarity::Both).unwrap_err().to_string();
    assert!(message.contains("-1 is out of range (array `x`, entry 0): "), "{message}");
}

#[test]
fn errors_in_csv_files_name_the_line() {
    let folder = Folder::new();
    let header = "sample,time,unit,label\n";
    for (text, expected) in [
        (
            "sample;time;unit;label\n",
            "there is no column `unit`, only sample;time;unit;label; separate columns by commas (line 1): ",
        ),
        ("time,unit,label\n1,1,1\n", "there is no column `sample`, only time, unit, label (line 1): "),
        (header, "it contains no samples (labels): "),
        ("", "the file is empty (line 1): "),
        ("sample,t,time,unit,label\n", "two columns have the same meaning: `t` and `time` (line 1): "),
        ("sample,time,unit,label,unit\n", "two columns have the same meaning: `unit` and `unit` (line 1): "),
        (&vec!["c"; 100].join(","), "there is no column `unit`, only c, c"),
        (&vec!["c"; 100].join(","), "c, c, .. (100 columns) (line 1): "),
        (
            &format!("{header}0,1,1,\"0\n1,1,1,1\n"),
            "a field continues in the next line: a quotation mark is not closed (line 2): ",
        ),
        (&format!("{header}0,1,1,0,\"\n1,1,1,1\n"), " (line 2): "),
        (&format!("{header}0,1,1,0\n0,1,1\n"), "3 fields instead of 4 (line 3): "),
        (&format!("{header}0,one,1,0\n"), "`one` is not a valid time (line 2): "),
        (&format!("{header}0,1,-1,0\n"), "`-1` is not a valid unit (line 2): "),
        (&format!("{header}0,1,,0\n"), "`` is not a valid unit (line 2): "),
        (
            &format!("{header}0,1,1,0\n0,1,1,1\n"),
            "sample `0` has a different label or speaker than in line 2 (line 3): ",
        ),
        (&format!("{header}0,1,1,99999\n"), "`99999` is not a valid label (line 2): "),
        (&format!("{header},1,1,0\n"), "the sample or its label is empty (line 2): "),
        (&format!("{header}0,1,1,{}\n", "a".repeat(1001)), "its label has more than 1000 bytes (line 2): "),
        (
            &format!("{header}0,1,6,0\n"),
            "a spike in channel 6: there are 6 channels, counted from 0 (sample 0): ",
        ),
        (&format!("{header}0,nan,1,0\n"), "unit 1 spikes at NaN ms"),
        (&format!("{header}0,2,1,0\n0,1,1,0\n"), "spike 1 at 1 ms comes after one at 2 ms"),
        (&format!("{header}0,5000,1,0\n"), "1 of 1 spikes (100.0 %) fall after the last step"),
    ] {
        let error = open(&folder.write("broken.csv", text), &config()).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(expected) && message.ends_with("broken.csv"), "{message}\nnot {expected}");
    }
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        let text: Vec<u8> = "\u{feff}sample,time,unit,label\n".encode_utf16().flat_map(order).collect();
        let message = open(&folder.write("wide.csv", text), &config()).unwrap_err().to_string();
        assert!(message.contains("this is UTF-16 text: save it as UTF-8 (line 1): "), "{message}");
    }
    let sorted = ShdConfig { unsorted: UnsortedSpikes::Sort, ..config() };
    let path = folder.write("unsorted.csv", format!("{header}0,2,1,0\n0,1,1,0\n"));
    assert_eq!(spikes(&open(&path, &sorted).unwrap(), 0), [(1, 1), (2, 1)]);
}

#[test]
fn errors_in_npz_archives_name_the_array() {
    let folder = Folder::new();
    type Spoil = fn(&mut NpzWriter);
    let cases: [(Spoil, &str); 8] = [
        (
            |_| {},
            "it has neither `offsets` (where each sample begins) nor `sample` (the sample of each spike) (table of",
        ),
        (
            |npz| npz.add("offsets", &[3], &[0_u8, 2, 3]).unwrap(),
            "it has 3 entries instead of 4 (array `offsets`): ",
        ),
        (
            |npz| npz.add("offsets", &[4], &[0_u8, 2, 1, 3]).unwrap(),
            "it must start at 0, never decrease, and end at the number of spikes, 3 (array `offsets`): ",
        ),
        (
            |npz| npz.add("offsets", &[2, 2], &[0_u8, 2, 2, 3]).unwrap(),
            "it has the shape [2, 2] instead of being one list (array `offsets`): ",
        ),
        (
            |npz| npz.add("sample", &[3], &[0_u8, 1, 3]).unwrap(),
            "there is no sample 3: `labels` has 3, counted from 0 (array `sample`, entry 2): ",
        ),
        (
            |npz| {
                npz.add("offsets", &[4], &[0_u8, 2, 2, 3]).unwrap();
                npz.add("sample", &[3], &[0_u8, 1, 2]).unwrap();
            },
            "it contradicts `offsets`: remove one of them (array `sample`): ",
        ),
        (
            |npz| npz.add("sample", &[3], &[0.0, 0.5, 1.0]).unwrap(),
            "0.5 is out of range (array `sample`, entry 1): ",
        ),
        (
            |npz| {
                npz.add("offsets", &[4], &[0_u8, 2, 2, 3]).unwrap();
                npz.add_texts("time_unit", &[], &["ns"]).unwrap();
            },
            "`ns` is not a time unit: use s, ms or us (array `time_unit`): ",
        ),
    ];
    for (spoil, expected) in cases {
        let mut npz = plain();
        spoil(&mut npz);
        let error = open(&folder.write("broken.npz", npz.finish()), &config()).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}\nnot {expected}");
    }
}

#[test]
fn changed_files_are_read_or_refused() {
    let folder = Folder::new();
    let mut npz = plain();
    npz.add("offsets", &[4], &[0_i32, 2, 2, 3]).unwrap();
    npz.add_texts("classes", &[2], &["no", "yes"]).unwrap();
    for (name, bytes) in [
        ("damaged.npz", npz.finish()),
        ("damaged.csv", b"sample,time,unit,label,speaker\n0,1,1,yes,0\n0,2.5,1,yes,0\n1,1,1,no,1\n".to_vec()),
    ] {
        assert!(open(&folder.write(name, &bytes), &config()).is_ok());
        let mut refused = 0;
        snn_test_support::mutation::mutations(&bytes, 0..500, |_, bytes| {
            if let Err(error) = open(&folder.write(name, bytes), &config()) {
                // A damaged signature.
                assert!(matches!(error, Error::File { .. }), "{error:?}");
                refused += 1;
            }
        });
        assert!((50..500).contains(&refused), "{name}: {refused}");
    }
}
