//! Spikes in npz archives.

use std::path::Path;

use super::head::{Head, MAX_SAMPLES};
use super::table::{Table, broken};
use crate::channels::Channels;
use crate::npz::Npz;
use crate::{Error, TimeUnit};

/// The name of the format in errors.
const NPZ: &str = "npz archive of spikes";

/// Reads an archive; pixels are mapped to channels.
pub(super) fn read(path: &Path, channels: &Channels) -> Result<Table, Error> {
    let mut file = Archive { npz: Npz::open(path)?, path };
    let labels: Vec<u16> = file.whole("labels")?;
    if labels.len() > MAX_SAMPLES {
        return Err(file.broken("labels", format!("{} samples: the maximum is {MAX_SAMPLES}", labels.len())));
    }
    let times = file.list("times")?;
    let units = if file.npz.contains("units") { file.whole("units")? } else { file.pixels(channels)? };
    file.check_length("units", units.len(), times.len())?;
    let speakers = if file.npz.contains("speaker") { Some(file.whole::<u32>("speaker")?) } else { None };
    if let Some(speakers) = &speakers {
        file.check_length("speaker", speakers.len(), labels.len())?;
    }
    let keys = if file.npz.contains("classes") { Some(file.npz.read_texts("classes")?) } else { None };
    let time_unit = file.time_unit()?;
    let samples = labels.len();
    let head = Head { labels, speakers, keys, people: Vec::new() };
    let mut table = if file.npz.contains("offsets") {
        let offsets: Vec<usize> = file.whole("offsets")?;
        file.check_length("offsets", offsets.len(), samples + 1)?;
        if offsets[0] != 0 || offsets[samples] != times.len() || !offsets.is_sorted() {
            let problem = format!(
                "it must start at 0, never decrease, and end at the number of spikes, {}",
                times.len()
            );
            return Err(file.broken("offsets", problem));
        }
        if file.npz.contains("sample") {
            let numbers: Vec<usize> = file.whole("sample")?;
            let lengths = offsets.windows(2).map(|ends| ends[1] - ends[0]);
            if !lengths
                .enumerate()
                .flat_map(|(sample, spikes)| std::iter::repeat_n(sample, spikes))
                .eq(numbers)
            {
                return Err(file.broken("sample", "it contradicts `offsets`: remove one of them"));
            }
        }
        Table::sorted(NPZ, head, times, units, offsets[1..].to_vec())
    } else if file.npz.contains("sample") {
        let numbers: Vec<u32> = file.whole("sample")?;
        file.check_length("sample", numbers.len(), times.len())?;
        if let Some(entry) = numbers.iter().position(|&sample| sample as usize >= samples) {
            let problem =
                format!("there is no sample {}: `labels` has {samples}, counted from 0", numbers[entry]);
            return Err(broken(NPZ, path, format!("array `sample`, entry {entry}"), problem));
        }
        Table::grouped(NPZ, head, &numbers, &times, &units)?
    } else {
        let problem =
            "it has neither `offsets` (where each sample begins) nor `sample` (the sample of each spike)";
        return Err(broken(NPZ, path, "table of contents", problem));
    };
    table.time_unit = time_unit;
    Ok(table)
}

struct Archive<'a> {
    npz: Npz,
    path: &'a Path,
}

impl Archive<'_> {
    fn broken(&self, name: &str, problem: impl Into<String>) -> Error {
        broken(NPZ, self.path, format!("array `{name}`"), problem.into())
    }

    fn check_length(&self, name: &str, found: usize, expected: usize) -> Result<(), Error> {
        if found == expected {
            return Ok(());
        }
        Err(self.broken(name, format!("it has {found} entries instead of {expected}")))
    }

    /// A list of numbers.
    fn list(&mut self, name: &str) -> Result<Vec<f64>, Error> {
        let array = self.npz.read_numbers(name)?;
        if array.shape.len() != 1 {
            let problem = format!("it has the shape {:?} instead of being one list", array.shape);
            return Err(self.broken(name, problem));
        }
        Ok(array.values)
    }

    /// A list of integers.
    fn whole<T: TryFrom<i64>>(&mut self, name: &str) -> Result<Vec<T>, Error> {
        let values = self.list(name)?;
        let narrow = |(entry, value): (usize, f64)| {
            // Exact where it matters; larger values saturate and are out of range.
            let whole = value as i64;
            T::try_from(whole).ok().filter(|_| whole as f64 == value).ok_or_else(|| {
                broken(
                    NPZ,
                    self.path,
                    format!("array `{name}`, entry {entry}"),
                    format!("{value} is out of range"),
                )
            })
        };
        values.into_iter().enumerate().map(narrow).collect()
    }

    /// Channels of the pixels `x`, `y` and `p`.
    fn pixels(&mut self, channels: &Channels) -> Result<Vec<u32>, Error> {
        if !self.npz.contains("x") || !self.npz.contains("y") {
            let problem = "it has neither `units` (the channel of each spike) nor `x` and `y` (its pixel)";
            return Err(broken(NPZ, self.path, "table of contents", problem));
        }
        if !channels.has_pixels() {
            let problem = "it has pixels: set data.sensor = [width, height]";
            return Err(self.broken("x", problem));
        }
        let (x, y): (Vec<u32>, Vec<u32>) = (self.whole("x")?, self.whole("y")?);
        self.check_length("y", y.len(), x.len())?;
        let on: Vec<bool> = if self.npz.contains("p") {
            self.list("p")?.into_iter().map(|p| p > 0.0).collect()
        } else if channels.needs_polarity() {
            return Err(
                self.broken("p", "it is missing: set data.polarity = \"merge\" for events without polarity")
            );
        } else {
            vec![false; x.len()]
        };
        self.check_length("p", on.len(), x.len())?;
        let pixels = x.iter().zip(&y).zip(&on).enumerate();
        let channel = |(entry, ((&x, &y), &on)): (usize, ((&u32, &u32), &bool))| {
            channels.channel(x, y, on).ok_or_else(|| {
                let problem = format!("the sensor has no pixel ({x}, {y}): see data.sensor");
                broken(NPZ, self.path, format!("array `x`, entry {entry}"), problem)
            })
        };
        pixels.map(channel).collect()
    }

    fn time_unit(&mut self) -> Result<Option<TimeUnit>, Error> {
        if !self.npz.contains("time_unit") {
            return Ok(None);
        }
        match self.npz.read_text("time_unit")?.as_str() {
            "s" => Ok(Some(TimeUnit::S)),
            "ms" => Ok(Some(TimeUnit::Ms)),
            "us" => Ok(Some(TimeUnit::Us)),
            other => Err(self.broken("time_unit", format!("`{other}` is not a time unit: use s, ms or us"))),
        }
    }
}
