//! Archives of NumPy arrays: those written by NumPy, our own, and broken ones.
#![cfg(feature = "npz")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "test helpers fail as tests do")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::mutation::mutations;
use proptest::prelude::*;
use snn_data::Error;
use snn_data::npz::{Array, Element, Npz, NpzWriter};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// See `fixtures/make_numpy_fixtures.py`.
fn expected<T: TryFrom<i32, Error: std::fmt::Debug>>(shape: &[usize], start: i32) -> Array<T> {
    let count = shape.iter().product::<usize>() as i32;
    Array { shape: shape.into(), values: (0..count).map(|k| T::try_from(3 * k + start).unwrap()).collect() }
}

/// Like [`expected`], for types without a conversion from integers.
fn floats(shape: &[usize]) -> Array<f64> {
    let Array { shape, values } = expected::<i32>(shape, -7);
    Array { shape, values: values.into_iter().map(f64::from).collect() }
}

#[test]
fn archives_of_numpy_are_read() {
    let mut packed = Npz::open(fixture("numpy_packed.npz")).unwrap();
    assert_eq!(packed.read("i1").unwrap(), expected::<i8>(&[2, 3], -7));
    assert_eq!(packed.read("i2").unwrap(), expected::<i16>(&[2, 3], -7));
    assert_eq!(packed.read("i4").unwrap(), expected::<i32>(&[2, 3], -7));
    assert_eq!(packed.read("i8").unwrap(), expected::<i64>(&[2, 3], -7));
    assert_eq!(packed.read("u1").unwrap(), expected::<u8>(&[2, 3], 0));
    assert_eq!(packed.read("u2").unwrap(), expected::<u16>(&[2, 3], 0));
    assert_eq!(packed.read("u4").unwrap(), expected::<u32>(&[2, 3], 0));
    assert_eq!(packed.read("u8").unwrap(), expected::<u64>(&[2, 3], 0));
    assert_eq!(packed.read::<f32>("f4").unwrap().values, [-7.0, -4.0, -1.0, 2.0, 5.0, 8.0]);
    assert_eq!(packed.read("f8").unwrap(), floats(&[2, 3]));
    assert_eq!(packed.read::<bool>("truth").unwrap().values, [true, false, true, false, true]);
    assert_eq!(packed.read("swapped").unwrap(), floats(&[2, 3]));
    assert_eq!(packed.read("swapped_integers").unwrap(), expected::<i16>(&[4], -7));
    assert_eq!(packed.read("columns").unwrap(), floats(&[2, 3, 4]));
    assert_eq!(packed.read("number").unwrap(), Array { shape: vec![], values: vec![2.5] });
    assert_eq!(packed.read("empty").unwrap(), Array::<f32> { shape: vec![0, 3], values: vec![] });
    assert_eq!(packed.read("long").unwrap(), expected::<i32>(&[1000], -7));
    assert_eq!(packed.names().next(), Some("i1"));
    assert!(packed.contains("columns") && !packed.contains("columns.npy"));
    assert_eq!(packed.describe("swapped_integers").unwrap(), (">i2".into(), vec![4]));

    let mut stored = Npz::open(fixture("numpy_stored.npz")).unwrap();
    assert_eq!(stored.read("i2").unwrap(), expected::<i16>(&[2, 3], -7));
    assert_eq!(stored.read("columns").unwrap(), floats(&[2, 3, 4]));

    let mut streamed = Npz::open(fixture("numpy_streamed.npz")).unwrap();
    assert_eq!(streamed.read("f8").unwrap(), floats(&[2, 3]));
}

#[test]
fn rows_are_along_the_first_axis() {
    let rows = |shape: &[usize]| floats(shape).rows().map(<[f64]>::len).collect::<Vec<_>>();
    assert_eq!(rows(&[2, 3, 4]), [12, 12]);
    assert_eq!(rows(&[3]), [1, 1, 1]);
    assert_eq!(rows(&[]), [1]);
    assert_eq!(rows(&[2, 0]), [0, 0]);
    assert_eq!(rows(&[0, 2]), [0; 0]);
}

#[track_caller]
fn assert_problem<T>(result: Result<T, Error>, place: &str, problem: &str) {
    let error = result.err().unwrap();
    let Error::File { place: found, source, .. } = &error else { panic!("no place: {error}") };
    assert_eq!(found, place);
    assert!(source.to_string().contains(problem), "{source}\nshould contain {problem}");
}

#[test]
fn unreadable_archives_give_the_reason() {
    let mut packed = Npz::open(fixture("numpy_packed.npz")).unwrap();
    assert_problem(
        packed.read::<f64>("times"),
        "array `times`",
        "not in the archive, which holds `i1`, `i2`,",
    );
    assert_problem(
        packed.read::<f32>("f8"),
        "array `f8`",
        "type <f8 instead of f4: convert them with `.astype(\"f4\")`",
    );
    assert_problem(packed.read::<f64>("complex"), "array `complex`", "type <c16 instead of f8");
    assert_problem(packed.read::<f64>("text"), "array `text`", "type <U2 instead of f8");
    assert_problem(packed.read::<f64>("records"), "array `records`", "header is invalid");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.npz");
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Npz::open(&path)
    };
    assert_problem(open(b""), "table of contents", "not a zip archive");
    assert_problem(
        open(b"\x93NUMPY\x01\x00 not an archive, but a single array"),
        "table of contents",
        "not a zip archive",
    );
    let good = fs::read(fixture("numpy_stored.npz")).unwrap();
    // An archive that was appended to: programs disagree about which entry is valid.
    let mut writer = NpzWriter::new();
    writer.add("aa", &[1], &[1.0]).unwrap();
    writer.add("bb", &[1], &[2.0]).unwrap();
    let mut doubled = writer.finish();
    while let Some(at) = doubled.windows(2).position(|window| window == b"bb") {
        doubled[at..at + 2].copy_from_slice(b"aa");
    }
    assert_problem(open(&doubled), "table of contents", "it has two entries named `aa.npy`");
    assert_problem(open(&good[..good.len() - 1]), "table of contents", "not a zip archive");
    // The first entry after its header, which is padded with spaces.
    let at = good.windows(2).position(|window| window == b" \n").unwrap() + 2;
    let mut damaged = good.clone();
    damaged[at] ^= 1;
    assert_problem(open(&damaged).unwrap().read::<i16>("i2"), "array `i2`", "checksum is wrong");
    assert!(open(&damaged).unwrap().read::<f64>("f8").is_ok());
    assert!(matches!(Npz::open(folder.path().join("none")), Err(Error::Io { .. })));
}

#[test]
fn damage_is_refused_or_irrelevant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.npz");
    for name in ["numpy_stored.npz", "numpy_streamed.npz", "numpy_packed.npz"] {
        let good = fs::read(fixture(name)).unwrap();
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            match Npz::open(&path).and_then(|mut archive| archive.read::<f64>("f8")) {
                Ok(array) => assert_eq!(array, floats(&[2, 3])),
                Err(error) => assert!(matches!(error, Error::File { .. }), "{error:?}"),
            }
        };
        mutations(&good, 1000, read);
        // The same from the end, where the table of contents is.
        let backward: Vec<u8> = good.iter().rev().copied().collect();
        mutations(&backward, 2000, |bytes| read(&bytes.iter().rev().copied().collect::<Vec<_>>()));
    }
}

fn write<T: Element>(values: &[T]) -> Vec<u8> {
    let mut archive = NpzWriter::new();
    archive.add("values", &[values.len()], values).unwrap();
    archive.finish()
}

#[test]
fn archives_are_reproducible_and_names_unique() {
    assert_eq!(write(&[1_u8, 2]), write(&[1_u8, 2]));
    let mut archive = NpzWriter::new();
    archive.add("a", &[], &[1.0]).unwrap();
    assert!(matches!(archive.add("a", &[], &[1.0]), Err(Error::Setting { key: "name", .. })));
    assert!(matches!(archive.add("", &[], &[1.0]), Err(Error::Setting { key: "name", .. })));
    assert!(matches!(archive.add("b", &[2, 2], &[1.0]), Err(Error::Length { found: 1, expected: 4, .. })));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.npz");
    fs::write(&path, archive.finish()).unwrap();
    assert_eq!(Npz::open(&path).unwrap().names().collect::<Vec<_>>(), ["a"]);
    fs::write(&path, NpzWriter::new().finish()).unwrap();
    assert_problem(Npz::open(&path).unwrap().read::<u8>("a"), "array `a`", "which holds no arrays");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_arrays_are_read_back(floats: Vec<f32>, integers: Vec<u16>, truths: Vec<bool>, name in "\\PC{1,20}") {
        prop_assume!(!["integers", "truths"].contains(&&*name) && !name.ends_with(".npy"));
        let mut archive = NpzWriter::new();
        archive.add(&name, &[floats.len(), 1], &floats).unwrap();
        archive.add("integers", &[1, integers.len()], &integers).unwrap();
        archive.add("truths", &[truths.len()], &truths).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.npz");
        fs::write(&path, archive.finish()).unwrap();
        let mut archive = Npz::open(&path).unwrap();
        let found = archive.read::<f32>(&name).unwrap();
        prop_assert_eq!(found.shape, [floats.len(), 1]);
        let bits = |floats: &[f32]| floats.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&found.values), bits(&floats));
        prop_assert_eq!(archive.read::<u16>("integers").unwrap(), Array { shape: vec![1, integers.len()], values: integers });
        prop_assert_eq!(archive.read::<bool>("truths").unwrap().values, truths);
    }
}
