//! N-MNIST: one file per sample, in a folder for each part and digit, or in the published archives of these.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::CameraLayout;
use super::aer;
use super::recording::{LeftOut, Recording};
use crate::npz::zip::{self, Broken, Member};
use crate::{Error, Reason, Split};

/// The name of the format in errors.
const AER: &str = "N-MNIST file";
const ZIP: &str = "zip archive";

/// Maximum number of bytes of a file: typical ones have 5 to 40 kB.
const MAX_BYTES: u64 = 1 << 26;

/// Files read at once.
const CHUNK: usize = 1024;

/// A file, with the part and label given by its folders.
struct Listed {
    place: Place,
    name: String,
    label: u16,
    split: Split,
}

enum Place {
    File(PathBuf),
    /// An archive and a member of it.
    Packed(PathBuf, Member),
}

/// Visits all samples: the training part, then the test part; by digit, then by name.
pub(super) fn visit(
    folder: &Path,
    visit: &mut dyn FnMut(Recording, LeftOut) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut listed = Vec::new();
    for (part, split) in [("Train", Split::Train), ("Test", Split::Test)] {
        let names = [part.to_owned(), part.to_lowercase()];
        let archive = folder.join(format!("{part}.zip"));
        match names.iter().find(|name| folder.join(name).is_dir()) {
            Some(name) => list_folder(folder, name, split, &mut listed)?,
            None if archive.is_file() => list_archive(archive, split, &mut listed)?,
            None => {
                let what = format!("folder `{part}` or archive `{part}.zip`");
                return Err(Error::Missing { what, path: folder.to_owned() });
            }
        }
    }
    for chunk in listed.chunks(CHUNK) {
        let read: Vec<_> = chunk.par_iter().map(read).collect();
        for recording in read {
            let (recording, left_out) = recording?;
            visit(recording, left_out)?;
        }
    }
    Ok(())
}

fn list_folder(folder: &Path, part: &str, split: Split, listed: &mut Vec<Listed>) -> Result<(), Error> {
    for digit in 0..10 {
        let within = format!("{part}/{digit}");
        let names = files(&folder.join(&within))?;
        listed.extend(names.into_iter().map(|file| {
            let name = format!("{within}/{file}");
            Listed { place: Place::File(folder.join(&name)), name, label: digit, split }
        }));
    }
    Ok(())
}

/// Members of the form `Train/DIGIT/NUMBER.bin`.
fn list_archive(archive: PathBuf, split: Split, listed: &mut Vec<Listed>) -> Result<(), Error> {
    let mut file = File::open(&archive).map_err(|error| Error::io("read the archive", &archive, &error))?;
    let members = zip::members(&mut file).map_err(|broken| of_zip(broken, &archive, "table of contents"))?;
    let mut found = Vec::new();
    for member in members {
        let mut parts = member.name.rsplit('/');
        let (file, digit) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is_sample =
            file.ends_with(".bin") && !file.starts_with('.') && !member.name.starts_with("__MACOSX");
        if let (true, Ok(label @ 0..10)) = (is_sample, digit.parse()) {
            let name = member.name.clone();
            found.push(Listed { place: Place::Packed(archive.clone(), member), name, label, split });
        }
    }
    if found.is_empty() {
        let error = Error::format(ZIP, "it holds no member of the form `Train/0/00001.bin`");
        return Err(error.in_file(&archive, "table of contents"));
    }
    found.sort_by(|a, b| (a.label, &a.name).cmp(&(b.label, &b.name)));
    listed.append(&mut found);
    Ok(())
}

fn of_zip(broken: Broken, archive: &Path, place: &str) -> Error {
    match broken {
        Broken::Io(error) => Error::io("read the archive", archive, &error),
        Broken::Format(problem) => Error::format(ZIP, problem).in_file(archive, place),
    }
}

/// Names of the `.bin` files of a folder, in order.
fn files(folder: &Path) -> Result<Vec<String>, Error> {
    let io = |error| Error::io("list the folder", folder, &error);
    let entries = fs::read_dir(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::Missing { what: "folder of a digit".to_owned(), path: folder.to_owned() }
        }
        _ => io(error),
    })?;
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry.map_err(io)?.file_name().into_string()
            && name.ends_with(".bin")
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn read(listed: &Listed) -> Result<(Recording, LeftOut), Error> {
    let Listed { place, name, label, split } = listed;
    let (path, bytes, within) = match place {
        Place::File(path) => {
            let io = |error| Error::io("read the recording", path, &error);
            let mut bytes = Vec::new();
            File::open(path).map_err(io)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
            (path, bytes, String::new())
        }
        Place::Packed(archive, member) => {
            let mut file =
                File::open(archive).map_err(|error| Error::io("read the archive", archive, &error))?;
            let bytes =
                zip::content(&mut file, member, MAX_BYTES).map_err(|broken| of_zip(broken, archive, name))?;
            (archive, bytes, format!("{name}, "))
        }
    };
    let broken =
        |place: &str, problem: String| Error::format(AER, problem).in_file(path, format!("{within}{place}"));
    if bytes.len() as u64 > MAX_BYTES {
        return Err(broken("size", format!("longer than {MAX_BYTES} bytes")));
    }
    let (events, turns) = aer::parse(&bytes, CameraLayout::Nmnist.side())
        .map_err(|(place, problem)| broken(&place, problem))?;
    let recording = Recording { name: name.clone(), label: *label, speaker: None, split: *split, events };
    Ok((recording, vec![(Reason::ClockMarks, turns)]))
}
