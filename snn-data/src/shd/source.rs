//! A file of any format, and its reader.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

#[cfg(feature = "hdf5")]
use super::file::SpikeFile;
use super::head::{HDF5, Head};
#[cfg(feature = "hdf5")]
use super::isolate::Helper;
#[cfg(feature = "events")]
use super::{csv_file, npz_file, table::Table};
use crate::channels::Channels;
use crate::{Error, TimeUnit};

/// A file and its reader.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) reader: Reader,
    /// The time unit of the settings.
    unit: TimeUnit,
}

pub(super) enum Reader {
    #[cfg(feature = "hdf5")]
    Direct(SpikeFile),
    #[cfg(feature = "hdf5")]
    Helper(Box<Helper>),
    #[cfg(feature = "events")]
    Table(Table),
}

/// The format of a file.
enum Format {
    Hdf5,
    Npz,
    Csv,
}

impl Source {
    pub(super) fn open(path: &Path, unit: TimeUnit, channels: &Channels) -> Result<Self, Error> {
        // The HDF5 library reports a missing file in a page of text, and blocks on a pipe.
        let io = |error| Error::io("read the spike file", path, &error);
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(Error::format("file of spikes", "it is not a regular file").in_file(path, "type"));
        }
        let reader = Reader::open(Format::of(path).map_err(io)?, path, unit, channels)?;
        let source = Self { path: path.to_owned(), reader, unit };
        if source.head().labels.is_empty() {
            return Err(Error::format(source.format(), "it contains no samples").in_file(path, "labels"));
        }
        Ok(source)
    }

    pub(super) fn head(&self) -> &Head {
        match &self.reader {
            #[cfg(feature = "hdf5")]
            Reader::Direct(file) => &file.head,
            #[cfg(feature = "hdf5")]
            Reader::Helper(helper) => &helper.head,
            #[cfg(feature = "events")]
            Reader::Table(table) => &table.head,
        }
    }

    pub(super) fn head_mut(&mut self) -> &mut Head {
        match &mut self.reader {
            #[cfg(feature = "hdf5")]
            Reader::Direct(file) => &mut file.head,
            #[cfg(feature = "hdf5")]
            Reader::Helper(helper) => &mut helper.head,
            #[cfg(feature = "events")]
            Reader::Table(table) => &mut table.head,
        }
    }

    /// The time unit: that of the file if it has one, otherwise that of the settings.
    pub(super) fn time_unit(&self) -> TimeUnit {
        match &self.reader {
            #[cfg(feature = "hdf5")]
            Reader::Direct(_) | Reader::Helper(_) => self.unit,
            #[cfg(feature = "events")]
            Reader::Table(table) => table.time_unit.unwrap_or(self.unit),
        }
    }

    /// The name of the format in errors.
    pub(super) fn format(&self) -> &'static str {
        match &self.reader {
            #[cfg(feature = "hdf5")]
            Reader::Direct(_) | Reader::Helper(_) => HDF5,
            #[cfg(feature = "events")]
            Reader::Table(table) => table.format,
        }
    }

    /// Whether its words are only those that occur as labels, not all classes.
    pub(super) fn words_are_labels(&self) -> bool {
        match &self.reader {
            #[cfg(feature = "hdf5")]
            Reader::Direct(_) | Reader::Helper(_) => false,
            #[cfg(feature = "events")]
            Reader::Table(table) => table.format == csv_file::CSV,
        }
    }

    pub(super) fn in_file(&self, error: Error, place: impl Into<String>) -> Error {
        error.in_file(&self.path, place)
    }
}

impl Format {
    /// Detected by the first bytes, or else by the file extension.
    fn of(path: &Path) -> std::io::Result<Self> {
        let mut begin = Vec::new();
        File::open(path)?.take(8).read_to_end(&mut begin)?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        Ok(match begin.as_slice() {
            b"\x89HDF\r\n\x1a\n" => Self::Hdf5,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Self::Npz,
            _ if ending.eq_ignore_ascii_case("npz") => Self::Npz,
            _ if ending.eq_ignore_ascii_case("csv") => Self::Csv,
            _ => Self::Hdf5,
        })
    }
}

impl Reader {
    #[cfg_attr(not(all(feature = "events", feature = "hdf5")), allow(unused_variables))]
    fn open(format: Format, path: &Path, unit: TimeUnit, channels: &Channels) -> Result<Self, Error> {
        match format {
            #[cfg(feature = "hdf5")]
            Format::Hdf5 => match Helper::start(path, unit) {
                Some(helper) => Ok(Self::Helper(Box::new(helper?))),
                None => Ok(Self::Direct(SpikeFile::open(path, unit != TimeUnit::S)?)),
            },
            #[cfg(not(feature = "hdf5"))]
            Format::Hdf5 => {
                let kind = "this build does not support HDF5; enable the feature `hdf5`, or use npz or CSV"
                    .to_owned();
                Err(Error::Unsupported { format: HDF5, kind }.in_file(path, "type"))
            }
            #[cfg(feature = "events")]
            Format::Npz => npz_file::read(path, channels).map(Self::Table),
            #[cfg(feature = "events")]
            Format::Csv => csv_file::read(path, channels).map(Self::Table),
            #[cfg(not(feature = "events"))]
            Format::Npz | Format::Csv => {
                let kind = "this build supports only HDF5; enable the feature `events`".to_owned();
                Err(Error::Unsupported { format: "spike file", kind }.in_file(path, "type"))
            }
        }
    }
}
