//! Event-camera recordings, written byte by byte as the formats are specified.
#![cfg(feature = "events")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail as tests do")]

mod common;

use std::fs;
use std::path::Path;

use common::camera::{Dvs, aedat, aer, packet, zip};
use snn_data::{
    BatchInput, Camera, CameraConfig, CameraLayout, Dataset, Error, Membership, Polarity, Recorded,
    SplitRule, collate,
};

const NMNIST: CameraLayout = CameraLayout::Nmnist;
const GESTURES: CameraLayout = CameraLayout::DvsGesture;

fn open(layout: CameraLayout, folder: &Path, config: &CameraConfig) -> Result<Camera, Error> {
    Camera::open(layout, folder, config, Recorded::default())
}

/// Step and unit of every spike of a sample.
fn spikes(data: &Camera, sample: u32) -> Vec<(usize, u16)> {
    let batch = collate(data, &[sample]).unwrap();
    let BatchInput::Events { offsets, units } = &batch.input else { panic!("spikes") };
    let row = |step: usize| offsets[step] as usize..offsets[step + 1] as usize;
    (0..batch.steps).flat_map(|step| units[row(step)].iter().map(move |&unit| (step, unit))).collect()
}

/// Two samples of each digit for training, one for the test; sample k of digit d has its first event at pixel (d, k).
fn digits() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (part, samples) in [("Train", 2), ("Test", 1)] {
        for digit in 0..10_u8 {
            let within = folder.path().join(part).join(digit.to_string());
            fs::create_dir_all(&within).unwrap();
            for k in 0..samples {
                let events = [(digit, k, true, 1_000), (33, 33, false, 299_999)];
                fs::write(within.join(format!("{k:05}.bin")), aer(&events)).unwrap();
            }
        }
    }
    folder
}

#[test]
fn nmnist() {
    let folder = digits();
    let config = CameraConfig { valid: SplitRule::stratified(0.5), ..CameraConfig::of(NMNIST) };
    let data = open(NMNIST, folder.path(), &config).unwrap();
    assert_eq!((data.len(), data.inputs(), data.classes(), data.steps()), (30, 2312, 10, 150));
    let splits = data.splits();
    assert_eq!(
        (splits.train.len(), splits.valid.len(), &splits.test[..]),
        (10, 10, &(20..30).collect::<Vec<_>>()[..])
    );
    assert_eq!((data.label(7), data.sample_name(7).unwrap().as_ref()), (3, "Train/3/00001.bin"));
    assert_eq!((data.label(29), data.sample_name(29).unwrap().as_ref()), (9, "Test/9/00000.bin"));
    // Pixel (3, 1), on; pixel (33, 33), off, within the last step of 2 ms.
    assert_eq!(spikes(&data, 7), [(0, 34 * 34 + 34 + 3), (149, 33 * 34 + 33)]);
    assert!(data.intake().unwrap().notes().is_empty());

    let pooled = CameraConfig { pool: 2, polarity: Polarity::Merge, ..config };
    let data = open(NMNIST, folder.path(), &pooled).unwrap();
    assert_eq!((data.inputs(), spikes(&data, 7)), (17 * 17, vec![(0, 1), (149, 16 * 17 + 16)]));
    let membership = Membership::of(&data).unwrap();
    let recorded = Recorded { membership: Some(&membership), ..Recorded::default() };
    let again = Camera::open(NMNIST, folder.path(), &pooled, recorded).unwrap();
    assert_eq!(again.splits(), data.splits());
}

/// The published archives give the same data as the folders.
#[test]
fn nmnist_in_archives() {
    let folder = digits();
    let plain = open(NMNIST, folder.path(), &CameraConfig::of(NMNIST)).unwrap();
    for part in ["Train", "Test"] {
        let mut members =
            vec![(format!("{part}/"), Vec::new()), ("Readme.txt".to_owned(), b"read me".to_vec())];
        // Not sorted by name.
        for digit in (0..10).rev() {
            for entry in fs::read_dir(folder.path().join(part).join(digit.to_string())).unwrap() {
                let path = entry.unwrap().path();
                let name = format!("{part}/{digit}/{}", path.file_name().unwrap().to_str().unwrap());
                members.push((name, fs::read(path).unwrap()));
            }
        }
        fs::write(folder.path().join(format!("{part}.zip")), zip(&members)).unwrap();
        fs::remove_dir_all(folder.path().join(part)).unwrap();
    }
    let data = open(NMNIST, folder.path(), &CameraConfig::of(NMNIST)).unwrap();
    assert_eq!((data.len(), data.splits()), (plain.len(), plain.splits()));
    for sample in 0..30 {
        assert_eq!(spikes(&data, sample), spikes(&plain, sample));
        assert_eq!(data.sample_name(sample as usize), plain.sample_name(sample as usize));
        assert_eq!(data.fingerprint(sample as usize), plain.fingerprint(sample as usize));
    }

    let archive = folder.path().join("Test.zip");
    let message = |members: &[(String, Vec<u8>)]| {
        fs::write(&archive, zip(members)).unwrap();
        open(NMNIST, folder.path(), &CameraConfig::of(NMNIST)).unwrap_err().to_string()
    };
    let member = |bytes: &[u8]| vec![("Test/3/00001.bin".to_owned(), bytes.to_vec())];
    let cut = message(&member(&[1, 2, 3]));
    assert!(cut.contains("3 of 5 bytes (Test/3/00001.bin, event 0): ") && cut.ends_with("Test.zip"), "{cut}");
    assert!(
        message(&[]).contains("it holds no member of the form `Train/0/00001.bin` (table of contents): ")
    );
    let mut damaged = zip(&member(&aer(&[(1, 2, true, 3)])));
    damaged[48] ^= 1;
    fs::write(&archive, damaged).unwrap();
    let error = open(NMNIST, folder.path(), &CameraConfig::of(NMNIST)).unwrap_err().to_string();
    assert!(error.contains("its checksum is wrong: the archive is damaged (Test/3/00001.bin): "), "{error}");
}

/// Row 240 marks an overflow of the 13-bit clock.
#[test]
fn the_clock_of_nmnist_wraps_around() {
    let folder = digits();
    let path = folder.path().join("Train/0/00000.bin");
    fs::write(&path, aer(&[(1, 0, false, 100), (0, 240, false, 0), (2, 0, false, 100)])).unwrap();
    let config = CameraConfig { dt: 1.0, steps: 300, ..CameraConfig::of(NMNIST) };
    let data = open(NMNIST, folder.path(), &config).unwrap();
    assert_eq!(spikes(&data, 0), [(0, 1), (8, 2)]);
    let notes = data.intake().unwrap().notes();
    assert_eq!(notes, ["left out: 1 overflow of the camera's clock, not events: Train/0/00000.bin"]);
}

#[test]
fn broken_digits() {
    let folder = digits();
    let path = folder.path().join("Test/4/00000.bin");
    let message = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = open(NMNIST, folder.path(), &CameraConfig::of(NMNIST)).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error:?}");
        error.to_string()
    };
    let good = aer(&[(1, 2, true, 3), (4, 5, false, 6)]);
    assert!(
        message(&good[..8])
            .starts_with("not a valid N-MNIST file: the file ends within an event: 3 of 5 bytes (event 1): ")
    );
    assert!(
        message(&aer(&[(1, 2, true, 3), (34, 0, true, 4)]))
            .contains("pixel (34, 0): the sensor has 34 x 34 (event 1): ")
    );
    let late: Vec<_> = (0..100).map(|_| (1, 1, true, 400_000)).collect();
    assert!(message(&aer(&late)).contains("100 of 158 spikes (63.3 %) fall after the last step"));
    fs::write(&path, &good).unwrap();

    let config = CameraConfig { pool: 0, ..CameraConfig::of(NMNIST) };
    assert!(matches!(open(NMNIST, folder.path(), &config), Err(Error::Setting { key: "pool", .. })));
    let config = CameraConfig { channels: vec![0, 0, 34, 3], ..CameraConfig::of(NMNIST) };
    assert!(matches!(open(NMNIST, folder.path(), &config), Err(Error::Setting { key: "channels", .. })));
    fs::remove_dir_all(folder.path().join("Test/9")).unwrap();
    let error = open(NMNIST, folder.path(), &CameraConfig::of(NMNIST)).unwrap_err();
    assert!(matches!(&error, Error::Missing { path, .. } if path.ends_with("Test/9")), "{error:?}");
}

const LABELS: &str = "class,startTime_usec,endTime_usec\n2,1000,501000\n11,600000,900000\n";

/// A recording with events in the first gesture, between both, and in the second.
fn trial() -> Vec<u8> {
    let events = [
        Dvs { x: 127, y: 1, on: true, time: 1_000, valid: true },
        Dvs { x: 0, y: 0, on: false, time: 21_000, valid: true },
        Dvs { x: 5, y: 5, on: false, time: 22_000, valid: false },
        Dvs { x: 5, y: 5, on: false, time: 501_000, valid: true },
        Dvs { x: 64, y: 127, on: false, time: 600_000, valid: true },
    ];
    // Packets of special events (type 0) are between those of polarity events.
    aedat(&[packet(1, 0, 0, &events[..2]), packet(0, 0, 0, &events[..1]), packet(1, 0, 0, &events[2..])])
}

fn gestures() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for user in ["user01_led", "user02_lab", "user24_led"] {
        fs::write(folder.path().join(format!("{user}.aedat")), trial()).unwrap();
        fs::write(folder.path().join(format!("{user}_labels.csv")), LABELS).unwrap();
    }
    fs::write(folder.path().join("trials_to_train.txt"), "user01_led.aedat\nuser02_lab.aedat\n").unwrap();
    fs::write(folder.path().join("trials_to_test.txt"), "user24_led.aedat\n\n").unwrap();
    folder
}

#[test]
fn dvs_gesture() {
    let folder = gestures();
    let speakers = SplitRule::Speakers { speakers: vec!["user02".into()] };
    let config = CameraConfig { pool: 1, valid: speakers, ..CameraConfig::of(GESTURES) };
    let data = open(GESTURES, folder.path(), &config).unwrap();
    assert_eq!((data.len(), data.inputs(), data.classes(), data.dt()), (6, 32_768, 11, 10.0));
    let splits = data.splits();
    assert_eq!(
        (&splits.train[..], &splits.valid[..], &splits.test[..]),
        (&[0, 1][..], &[2, 3][..], &[4, 5][..])
    );
    assert_eq!(
        (data.class_name(data.label(0)), data.class_name(10)),
        (Some("right_hand_wave"), Some("other_gestures"))
    );
    assert_eq!(data.sample_name(3).unwrap(), "user02_lab.aedat:1");
    assert_eq!(spikes(&data, 0), [(0, 128 * 128 + 128 + 127), (2, 0)]);
    assert_eq!(spikes(&data, 1), [(0, 127 * 128 + 64)]);
    let notes = data.intake().unwrap().notes();
    let expected = [
        "left out: 3 events outside of labeled intervals: user01_led.aedat:0, user02_lab.aedat:0, user24_led.aedat:0",
        "left out: 3 events marked as invalid by the camera: user01_led.aedat:0, user02_lab.aedat:0, user24_led.aedat:0",
        "left out: 3 events other than brightness changes: user01_led.aedat:0, user02_lab.aedat:0, \
         user24_led.aedat:0",
    ];
    assert_eq!(notes, expected);
    let pooled = open(GESTURES, folder.path(), &CameraConfig::of(GESTURES)).unwrap();
    assert_eq!((pooled.inputs(), spikes(&pooled, 1)), (32 * 32 * 2, vec![(0, 31 * 32 + 16)]));
}

/// In the published data set, a gesture of user22 overlaps the next.
#[test]
fn overlapping_gestures_are_reported() {
    let folder = gestures();
    let labels = "class,startTime_usec,endTime_usec\n1,1000,601000\n2,600000,900000\n";
    fs::write(folder.path().join("user01_led_labels.csv"), labels).unwrap();
    let data = open(GESTURES, folder.path(), &CameraConfig::of(GESTURES)).unwrap();
    let notes = data.intake().unwrap().notes();
    assert!(notes[0].starts_with("user01_led_labels.csv: gesture 0 overlaps the next"), "{notes:?}");
    assert_eq!((data.spikes(0), data.spikes(1)), (4, 1), "the event at 600 ms counts for both");
}

#[test]
fn wraparounds_of_the_31_bit_clock_are_counted() {
    let folder = gestures();
    let labels =
        format!("class,startTime_usec,endTime_usec\n1,{},{}\n", (1_u64 << 31) + 5, (1_u64 << 31) + 99);
    fs::write(folder.path().join("user01_led_labels.csv"), labels).unwrap();
    let event = Dvs { x: 0, y: 0, on: false, time: 7, valid: true };
    let bytes = aedat(&[packet(1, 0, 0, &[event]), packet(1, 0, 1, &[event])]);
    fs::write(folder.path().join("user01_led.aedat"), bytes).unwrap();
    let data = open(GESTURES, folder.path(), &CameraConfig::of(GESTURES)).unwrap();
    assert_eq!(data.spikes(0), 1);
}

#[test]
fn broken_gestures() {
    let folder = gestures();
    let read = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        let good = fs::read(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        let error = open(GESTURES, folder.path(), &CameraConfig::of(GESTURES)).unwrap_err();
        fs::write(&path, good).unwrap();
        assert!(matches!(&error, Error::File { path: named, .. } if *named == path), "{error:?}");
        error.to_string()
    };
    let good = trial();
    let text = good.windows(14).position(|window| window == b"#!END-HEADER\r\n").unwrap() + 14;
    let wide = Dvs { x: 128, y: 0, on: true, time: 0, valid: true };
    let with_size = |size| [&good[..text + 4], &[size], &good[text + 5..]].concat();
    for (bytes, expected) in [
        (b"#!AER-DAT2.0\r\n".to_vec(), "it begins with `#!AER-DAT2.0` instead of `#!AER-DAT3.1` (header): "),
        (good[..text - 14].to_vec(), "the text at the beginning does not end with `#!END-HEADER` (header): "),
        (good[..text + 20].to_vec(), "the file ends within its header (packet 0): "),
        (good[..text + 28 + 12].to_vec(), "the file ends within its event 1 (packet 0): "),
        (
            good[..text + 28 + 16 + 28 + 3].to_vec(),
            "the file ends within it: 3 of 8 bytes of events (packet 1): ",
        ),
        (with_size(9), "polarity events have 8 bytes, not 9 (packet 0): "),
        (
            aedat(&[packet(1, 0, 0, &[wide])]),
            "event 0 at pixel (128, 0): the sensor has 128 x 128 (packet 0): ",
        ),
    ] {
        let message = read("user24_led.aedat", &bytes);
        assert!(
            message.starts_with("not a valid AEDAT 3.1 file: ") && message.contains(expected),
            "{message}"
        );
    }
    for (text, expected) in [
        ("class,start,end\n", "`class,start,end` instead of `class,startTime_usec,endTime_usec` (line 1): "),
        ("class,startTime_usec,endTime_usec\n", "it lists no gesture (line 1): "),
        (
            "class,startTime_usec,endTime_usec\n1,2\n",
            "`1,2` instead of a class, a start and an end (line 2): ",
        ),
        ("class,startTime_usec,endTime_usec\n\n12,2,3\n", "class 12 from 2 to 3: classes are 1 to 11"),
        ("class,startTime_usec,endTime_usec\n1,3,3\n", "class 1 from 3 to 3"),
    ] {
        let message = read("user02_lab_labels.csv", text.as_bytes());
        assert!(message.contains(expected), "{message}");
    }
    let message = read("trials_to_test.txt", b"../user01_led.aedat\n");
    assert!(
        message.contains("`../user01_led.aedat` does not name an .aedat file in the same folder (line 1): "),
        "{message}"
    );
    fs::remove_file(folder.path().join("trials_to_test.txt")).unwrap();
    let error = open(GESTURES, folder.path(), &CameraConfig::of(GESTURES)).unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error:?}");
}
