//! Files created by the tests.

use std::path::{Path, PathBuf};

use half::f16;
use hdf5::types::{FixedAscii, VarLenArray, VarLenUnicode};
use hdf5::{File, H5Type};
use num_traits::FromPrimitive;

/// The content of a file; tests damage one part of it.
pub(crate) struct Fixture<T, U> {
    pub(crate) times: Vec<Vec<T>>,
    pub(crate) units: Vec<Vec<U>>,
    pub(crate) labels: Vec<i32>,
    pub(crate) keys: Option<Vec<&'static str>>,
    pub(crate) speakers: Option<Vec<i32>>,
    pub(crate) chunked: bool,
}

/// Twelve samples of the classes 0, 1, 2 by speakers 0 and 3. Sample i has i spikes (so the first has none), spike k at k / 64 s
/// of unit 50 k + i.
pub(crate) fn samples<T: FromPrimitive, U: FromPrimitive>() -> Fixture<T, U> {
    let time = |k: usize| T::from_f64(k as f64 / 64.0).unwrap();
    let unit = |i: usize, k: usize| U::from_usize(50 * k + i).unwrap();
    Fixture {
        times: (0..12).map(|i| (0..i).map(time).collect()).collect(),
        units: (0..12).map(|i| (0..i).map(|k| unit(i, k)).collect()).collect(),
        labels: (0..12).map(|i| i % 3).collect(),
        keys: None,
        speakers: None,
        chunked: false,
    }
}

/// The numbers of the published files.
pub(crate) fn half() -> Fixture<f16, u16> {
    samples()
}

impl<T: Copy, U: Copy> Fixture<T, U>
where
    VarLenArray<T>: H5Type,
    VarLenArray<U>: H5Type,
{
    pub(crate) fn write(&self, folder: &Path, name: &str) -> PathBuf {
        fn rows<T: Copy>(rows: &[Vec<T>]) -> Vec<VarLenArray<T>> {
            rows.iter().map(|row| VarLenArray::from_slice(row)).collect()
        }
        let path = folder.join(name);
        let file = File::create(&path).unwrap();
        let spikes = file.create_group("spikes").unwrap();
        let plain = |builder: hdf5::DatasetBuilder| {
            if self.chunked { builder.chunk(5).deflate(4) } else { builder }
        };
        plain(spikes.new_dataset_builder()).with_data(&rows(&self.times)).create("times").unwrap();
        plain(spikes.new_dataset_builder()).with_data(&rows(&self.units)).create("units").unwrap();
        file.new_dataset_builder().with_data(&self.labels).create("labels").unwrap();
        let extra = file.create_group("extra").unwrap();
        if let Some(keys) = &self.keys {
            let keys: Vec<VarLenUnicode> = keys.iter().map(|key| key.parse().unwrap()).collect();
            extra.new_dataset_builder().with_data(&keys).create("keys").unwrap();
        }
        if let Some(speakers) = &self.speakers {
            extra.new_dataset_builder().with_data(speakers).create("speaker").unwrap();
            let meta = extra.create_group("meta_info").unwrap();
            let genders = ["male", "female"].map(|gender| FixedAscii::<6>::from_ascii(gender).unwrap());
            meta.new_dataset_builder().with_data(&genders).create("gender").unwrap();
            meta.new_dataset_builder().with_data(&[31_u16, 27]).create("age").unwrap();
        }
        path
    }
}
