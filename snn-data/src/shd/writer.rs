//! Writing HDF5 spike files, slice by slice.

use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5::types::{VarLenArray, VarLenUnicode};
use hdf5::{Dataset, File, H5Type};

use super::head::{HDF5, SLICE};
use crate::Error;

/// The content of a file except its spikes.
pub(crate) struct Content<'a> {
    pub(crate) labels: Vec<u16>,
    /// The speaker of each sample, if known.
    pub(crate) speakers: Option<Vec<u32>>,
    /// The word of each class.
    pub(crate) words: &'a [String],
    /// The name of each sample, which readers of spikes ignore.
    pub(crate) names: Vec<&'a str>,
}

/// A file being written. It has a temporary name until it is finished.
pub(crate) struct SpikeWriter {
    path: PathBuf,
    partial: PathBuf,
    file: File,
    times: Dataset,
    units: Dataset,
    samples: usize,
    written: usize,
}

impl SpikeWriter {
    /// Begins a file with its content except the spikes.
    pub(crate) fn create(path: &Path, content: &Content<'_>) -> Result<Self, Error> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".part");
        let partial = PathBuf::from(partial);
        let broken = |error: hdf5::Error| refused(&partial, &error);
        // A new file: not one behind a link, and not a pipe, on which the library would wait.
        let _ = std::fs::remove_file(&partial);
        std::fs::File::create_new(&partial)
            .map_err(|error| Error::io("create the spike file", &partial, &error))?;
        let file = File::create(&partial).map_err(broken)?;
        let samples = content.labels.len();
        let group = file.create_group("spikes").map_err(broken)?;
        let rows = |kind: hdf5::DatasetBuilderEmpty, name| {
            kind.shape(samples).chunk(SLICE.min(samples)).create(name)
        };
        let times = rows(group.new_dataset_builder().empty::<VarLenArray<f32>>(), "times").map_err(broken)?;
        let units = rows(group.new_dataset_builder().empty::<VarLenArray<u16>>(), "units").map_err(broken)?;
        file.new_dataset_builder().with_data(&content.labels).create("labels").map_err(broken)?;
        let extra = file.create_group("extra").map_err(broken)?;
        if let Some(speakers) = &content.speakers {
            extra.new_dataset_builder().with_data(speakers).create("speaker").map_err(broken)?;
        }
        let texts = |texts: &mut dyn Iterator<Item = &str>, name: &str| {
            // HDF5 text can contain anything but a zero byte, which file systems do not allow in names.
            let texts: Vec<VarLenUnicode> = texts.map(|text| text.parse().unwrap_or_default()).collect();
            extra.new_dataset_builder().with_data(&texts).create(name).map(drop).map_err(broken)
        };
        texts(&mut content.words.iter().map(String::as_str), "keys")?;
        texts(&mut content.names.iter().copied(), "recordings")?;
        Ok(Self { path: path.to_owned(), partial, file, times, units, samples, written: 0 })
    }

    /// Writes the spikes (seconds, unit) of the next samples.
    pub(crate) fn write(&mut self, spikes: &[Vec<(f32, u16)>]) -> Result<(), Error> {
        let range = self.written..self.written + spikes.len();
        let broken = |error: hdf5::Error| refused(&self.partial, &error);
        rows(&self.times, range.clone(), spikes, |&(time, _)| time).map_err(broken)?;
        rows(&self.units, range.clone(), spikes, |&(_, unit)| unit).map_err(broken)?;
        self.written = range.end;
        Ok(())
    }

    /// Renames the file to its final name, once all samples are written.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.written != self.samples {
            let what = "samples of a spike file";
            return Err(Error::Length { what, found: self.written, expected: self.samples });
        }
        let Self { path, partial, file, times, units, .. } = self;
        drop((times, units));
        file.close().map_err(|error| refused(&partial, &error))?;
        std::fs::rename(&partial, &path).map_err(|error| Error::io("rename the spike file", &path, &error))
    }
}

fn rows<T: Copy>(
    dataset: &Dataset,
    range: Range<usize>,
    spikes: &[Vec<(f32, u16)>],
    part: impl Fn(&(f32, u16)) -> T,
) -> hdf5::Result<()>
where
    VarLenArray<T>: H5Type,
{
    let rows: Vec<VarLenArray<T>> =
        spikes.iter().map(|row| row.iter().map(&part).collect::<Vec<_>>().as_slice().into()).collect();
    dataset.write_slice(&rows, range)
}

fn refused(path: &Path, error: &hdf5::Error) -> Error {
    Error::format(HDF5, error.to_string()).in_file(path, "writing it")
}
