//! Spikes in CSV files.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::csv::{ByteRecord, ReaderBuilder, Trim};

use super::head::{Head, MAX_SAMPLES};
use super::table::{Table, broken};
use crate::Error;
use crate::channels::{Channels, Layout};

/// The name of the format in errors.
pub(super) const CSV: &str = "CSV spike file";

/// Reads a file; pixels are mapped to channels.
pub(super) fn read(path: &Path, channels: &Channels) -> Result<Table, Error> {
    let file = File::open(path).map_err(|error| Error::io("read the spike file", path, &error))?;
    parse(file, path, channels)
}

/// Whether the bytes are a valid spike file of 100 channels, or of a sensor with 10 x 10 pixels.
pub(crate) fn parse_csv(bytes: &[u8]) -> bool {
    let sensor = Layout::Sensor { width: 10, height: 10, polarity: crate::Polarity::Both };
    [Layout::Line(100), sensor].into_iter().any(|layout| {
        Channels::new(layout, &[], 1).is_ok_and(|channels| parse(bytes, Path::new("file"), &channels).is_ok())
    })
}

/// Valid names of the columns.
const SAMPLE: &[&str] = &["sample"];
const TIME: &[&str] = &["time", "times", "t"];
const LABEL: &[&str] = &["label", "labels"];
const UNIT: &[&str] = &["unit", "units"];
const POLARITY: &[&str] = &["p", "polarity"];

/// Maximum length of the name of a sample or a class, in bytes.
const LONGEST: usize = 1000;

/// Maximum number of columns in an error message.
const LISTED: usize = 20;

/// Where the columns are.
struct Columns {
    sample: usize,
    time: usize,
    label: usize,
    speaker: Option<usize>,
    place: Place,
}

enum Place {
    Channel(usize),
    Pixel { x: usize, y: usize, p: Option<usize> },
}

impl Columns {
    fn of(header: &ByteRecord, channels: &Channels) -> Result<Self, String> {
        if header.is_empty() {
            return Err("the file is empty".to_owned());
        }
        if header[0].starts_with(b"\xff\xfe") || header[0].starts_with(b"\xfe\xff") {
            return Err("this is UTF-16 text: save it as UTF-8".to_owned());
        }
        let is_one_of = |names: &[&str], name: &[u8]| names.iter().any(|it| it.as_bytes() == name);
        let all: [&[&str]; 8] = [SAMPLE, TIME, LABEL, UNIT, POLARITY, &["speaker"], &["x"], &["y"]];
        for names in all {
            let found: Vec<_> = header.iter().filter(|name| is_one_of(names, name)).collect();
            if let [first, second, ..] = found[..] {
                let [first, second] = [first, second].map(String::from_utf8_lossy);
                return Err(format!("two columns have the same meaning: `{first}` and `{second}`"));
            }
        }
        let find = |names: &[&str]| header.iter().position(|name| is_one_of(names, name));
        let need = |names: &[&str]| {
            find(names).ok_or_else(|| {
                let there: Vec<_> = header.iter().take(LISTED).map(String::from_utf8_lossy).collect();
                let advice = if header.len() == 1 && there[0].contains([';', '\t']) {
                    "; separate columns by commas".to_owned()
                } else if header.len() > LISTED {
                    format!(", .. ({} columns)", header.len())
                } else {
                    String::new()
                };
                format!("there is no column `{}`, only {}{advice}", names[0], there.join(", "))
            })
        };
        let place = match (find(UNIT), find(&["x"])) {
            (Some(unit), _) => Place::Channel(unit),
            (None, Some(_)) if !channels.has_pixels() => {
                return Err("it has pixels (x, y): set data.sensor = [width, height]".to_owned());
            }
            (None, Some(x)) => {
                let p = find(POLARITY);
                if p.is_none() && channels.needs_polarity() {
                    return Err(
                        "there is no column `p`: set data.polarity = \"merge\" for events without polarity"
                            .to_owned(),
                    );
                }
                Place::Pixel { x, y: need(&["y"])?, p }
            }
            (None, None) => Place::Channel(need(UNIT)?),
        };
        Ok(Self {
            sample: need(SAMPLE)?,
            time: need(TIME)?,
            label: need(LABEL)?,
            speaker: find(&["speaker"]),
            place,
        })
    }
}

/// The samples so far.
#[derive(Default)]
struct Samples {
    numbers: HashMap<Vec<u8>, u32>,
    /// The label of each sample, with the line where it first occurs.
    labels: Vec<(Vec<u8>, u64)>,
    speakers: Vec<u32>,
}

fn parse(file: impl Read, path: &Path, channels: &Channels) -> Result<Table, Error> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(file);
    let header = reader.byte_headers().map_err(|error| of_csv(error, path))?;
    // A byte order mark is not part of the first name.
    let header: ByteRecord = header
        .iter()
        .enumerate()
        .map(
            |(column, name)| {
                if column == 0 { name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name) } else { name }
            },
        )
        .collect();
    let columns = Columns::of(&header, channels).map_err(|problem| broken(CSV, path, "line 1", problem))?;
    let mut samples = Samples::default();
    let (mut numbers, mut times, mut units) = (Vec::<u32>::new(), Vec::<f64>::new(), Vec::<u32>::new());
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| of_csv(error, path))? {
        let line = record.position().map_or(0, ::csv::Position::line);
        let at_line = |problem: String| broken(CSV, path, format!("line {line}"), problem);
        // Otherwise the rest of the file would be one field.
        if record.as_slice().contains(&b'\n') {
            return Err(at_line(
                "a field continues in the next line: a quotation mark is not closed".to_owned(),
            ));
        }
        let sample = samples.number(&record, &columns, line).map_err(at_line)?;
        if let Some((time, unit)) = spike(&record, &columns, channels).map_err(at_line)? {
            let spikes = times.len();
            let full = |_| Error::no_memory::<f64>("spikes", spikes);
            numbers.try_reserve(1).and(units.try_reserve(1)).map_err(full)?;
            times.try_reserve(1).map_err(full)?;
            numbers.push(sample);
            times.push(time);
            units.push(unit);
        }
    }
    let speakers = columns.speaker.map(|_| std::mem::take(&mut samples.speakers));
    let (labels, keys) = samples.classes(path)?;
    Table::grouped(CSV, Head { labels, speakers, keys, people: Vec::new() }, &numbers, &times, &units)
}

impl Samples {
    /// The number of a line's sample, which may be new.
    fn number(&mut self, record: &ByteRecord, columns: &Columns, line: u64) -> Result<u32, String> {
        let field = |column: usize| record.get(column).unwrap_or_default();
        let (name, label) = (field(columns.sample), field(columns.label));
        if name.is_empty() || label.is_empty() {
            return Err("the sample or its label is empty".to_owned());
        }
        if name.len().max(label.len()) > LONGEST {
            return Err(format!("the sample or its label has more than {LONGEST} bytes"));
        }
        let speaker = match columns.speaker {
            Some(column) => number::<u32>(field(column), "speaker")?,
            None => 0,
        };
        if let Some(&known) = self.numbers.get(name) {
            let (first, first_line) = &self.labels[known as usize];
            if first != label || self.speakers[known as usize] != speaker {
                return Err(format!(
                    "sample `{}` has a different label or speaker than in line {first_line}",
                    String::from_utf8_lossy(name)
                ));
            }
            return Ok(known);
        }
        if self.labels.len() == MAX_SAMPLES {
            return Err(format!("more than {MAX_SAMPLES} samples"));
        }
        let known = self.labels.len() as u32;
        self.numbers.insert(name.to_vec(), known);
        self.labels.push((label.to_vec(), line));
        self.speakers.push(speaker);
        Ok(known)
    }

    /// The labels as numbers; words are numbered in alphabetical order.
    fn classes(self, path: &Path) -> Result<(Vec<u16>, Option<Vec<String>>), Error> {
        let is_number = |label: &[u8]| label.iter().all(u8::is_ascii_digit);
        let at_line = |line: u64, problem: String| broken(CSV, path, format!("line {line}"), problem);
        if self.labels.iter().all(|(label, _)| is_number(label)) {
            let numbers = self.labels.iter().map(|(label, line)| {
                number::<u16>(label, "label").map_err(|problem| at_line(*line, problem))
            });
            return Ok((numbers.collect::<Result<_, _>>()?, None));
        }
        let texts = self.labels.into_iter().map(|(label, line)| {
            String::from_utf8(label).map_err(|_| at_line(line, "the label is not UTF-8".to_owned()))
        });
        let texts = texts.collect::<Result<Vec<_>, _>>()?;
        let mut words = texts.clone();
        words.sort_unstable();
        words.dedup();
        if words.len() > 1 << 16 {
            let problem = format!("{} different words as labels: the maximum is 65536 classes", words.len());
            return Err(broken(CSV, path, "column `label`", problem));
        }
        let place = |text: &String| words.binary_search(text).unwrap_or_default() as u16;
        Ok((texts.iter().map(place).collect(), Some(words)))
    }
}

/// Time and channel of a line; `None` if it has neither.
fn spike(record: &ByteRecord, columns: &Columns, channels: &Channels) -> Result<Option<(f64, u32)>, String> {
    let field = |column: usize| record.get(column).unwrap_or_default();
    let time = field(columns.time);
    let place = match columns.place {
        Place::Channel(column) => field(column),
        Place::Pixel { x, .. } => field(x),
    };
    if time.is_empty() && place.is_empty() {
        return Ok(None);
    }
    let channel = match columns.place {
        Place::Channel(column) => number(field(column), "unit")?,
        Place::Pixel { x, y, p } => {
            let (x, y) = (number(field(x), "x")?, number(field(y), "y")?);
            let on = match p {
                Some(column) => number::<f64>(field(column), "p")? > 0.0,
                None => false,
            };
            channels
                .channel(x, y, on)
                .ok_or_else(|| format!("the sensor has no pixel ({x}, {y}): see data.sensor"))?
        }
    };
    Ok(Some((number(time, "time")?, channel)))
}

fn number<T: std::str::FromStr>(field: &[u8], column: &str) -> Result<T, String> {
    let text = String::from_utf8_lossy(field);
    text.parse().map_err(|_| format!("`{text}` is not a valid {column}"))
}

fn of_csv(error: ::csv::Error, path: &Path) -> Error {
    let line = error.position().map_or(1, ::csv::Position::line);
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => Error::io("read the spike file", path, &error),
        ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let problem = format!("{len} fields instead of {expected_len}");
            broken(CSV, path, format!("line {line}"), problem)
        }
        other => broken(CSV, path, format!("line {line}"), format!("{other:?}")),
    }
}
