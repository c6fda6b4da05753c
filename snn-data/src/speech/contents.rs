//! Content hashes of recordings, recomputed only when a file has changed.
//!
//! A list next to the cached features stores the state of each recording of a folder when it was hashed: size, times of change,
//! inode. A file in the same state is not read again. Programs cannot set the time of the inode's last change, so a file with
//! new content but the old size and modification time is detected.
//!
//! All numbers are little-endian:
//!
//! ```text
//! magic          20 bytes   "snn-data contents 1\n"
//! for each recording
//!   length       4 bytes    of its name
//!   name                    within the data set
//!   state        16 bytes   fingerprint of size, times and inode
//!   content      16 bytes   fingerprint of the file
//! checksum       4 bytes    CRC-32 of everything before it
//! ```

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;

use super::corpus::{Corpus, Recording};
use super::store;
use crate::audio::Sound;
use crate::fingerprint::Hasher;
use crate::{Cancel, Error, Fingerprint, cancel};

const MAGIC: &[u8; 20] = b"snn-data contents 1\n";

/// Maximum size of a list: 256 MB hold a few million recordings.
const MAX_BYTES: u64 = 1 << 28;

/// A file that changed less than this before it was hashed may change again within the same tick of its file system's clock: it
/// is hashed again the next time.
const SETTLED: Duration = Duration::from_secs(2);

/// Files larger than this are hashed only if their headers are accepted: gigabytes take seconds.
const LARGE: u64 = 1 << 24;

/// State and content of each recording, by name.
type Known = HashMap<String, [Fingerprint; 2]>;

/// The fingerprint of every recording of a corpus; zeros for an unreadable one, whose reader will report the error.
///
/// # Errors
///
/// [`Error::Cancelled`].
pub(super) fn of(
    layout: &str,
    source: &Path,
    corpus: &Corpus,
    folder: Option<&Path>,
) -> Result<Vec<Fingerprint>, Error> {
    let list = folder.map(|folder| place(layout, source, folder));
    let known = list.as_deref().and_then(read).unwrap_or_default();
    let (begin, cancel) = (SystemTime::now(), Cancel::current());
    let hashed: Vec<(Option<Fingerprint>, Fingerprint)> = corpus
        .recordings
        .par_iter()
        .map(|recording| {
            let Ok(metadata) = fs::metadata(&recording.path) else { return (None, Fingerprint::default()) };
            let state = state(&metadata);
            match known.get(&recording.name) {
                Some([known, content]) if *known == state => (Some(state), *content),
                _ => {
                    let content = cancel.run(|| hash(recording, &metadata)).unwrap_or_default();
                    (settled(&metadata, begin).then_some(state), content)
                }
            }
        })
        .collect();
    cancel.check()?;
    let contents = hashed.iter().map(|&(_, content)| content).collect();
    if let Some(list) = list {
        let entries = corpus.recordings.iter().zip(&hashed).filter_map(|(recording, &(state, content))| {
            Some((recording.name.as_str(), [state?, content])).filter(|_| content != Fingerprint::default())
        });
        let entries: Vec<_> = entries.collect();
        let new = |&(name, found): &(&str, [Fingerprint; 2])| known.get(name) != Some(&found);
        if entries.len() != known.len() || entries.iter().any(new) {
            // Without the list, all files are read the next time; writing the features reports a folder that is not
            // writable.
            let _ = store::write(&list, |file| io::Write::write_all(file, &format(&entries)));
        }
    }
    Ok(contents)
}

/// The list of the recordings in `source`.
fn place(layout: &str, source: &Path, folder: &Path) -> PathBuf {
    let source = fs::canonicalize(source).unwrap_or_else(|_| source.to_owned());
    let name = Fingerprint::of(source.as_os_str().as_encoded_bytes()).to_string();
    folder.join(format!("{layout}-{}.contents", &name[..16]))
}

/// The state of a file, without its content.
fn state(metadata: &Metadata) -> Fingerprint {
    let mut hash = Hasher::default();
    hash.add(&metadata.len().to_le_bytes());
    let nanoseconds = |time: io::Result<SystemTime>| {
        time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |time| time.as_nanos())
    };
    hash.add(&nanoseconds(metadata.modified()).to_le_bytes());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        for number in [metadata.ctime(), metadata.ctime_nsec()] {
            hash.add(&number.to_le_bytes());
        }
        for number in [metadata.dev(), metadata.ino()] {
            hash.add(&number.to_le_bytes());
        }
    }
    #[cfg(not(unix))]
    hash.add(&nanoseconds(metadata.created()).to_le_bytes());
    hash.finish()
}

/// Whether a file has been unchanged for long enough.
fn settled(metadata: &Metadata, now: SystemTime) -> bool {
    #[cfg(unix)]
    let changed = {
        use std::os::unix::fs::MetadataExt as _;
        u64::try_from(metadata.ctime()).ok().map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds))
    };
    #[cfg(not(unix))]
    let changed = metadata.modified().ok();
    changed.and_then(|changed| now.duration_since(changed).ok()).is_some_and(|age| age > SETTLED)
}

fn hash(recording: &Recording, metadata: &Metadata) -> io::Result<Fingerprint> {
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file")); // opening a pipe would block
    }
    if metadata.len() > LARGE && Sound::is_refused_by_header(&recording.path) {
        return Err(io::Error::other("its reader refuses it"));
    }
    let mut file = cancel::Reader(File::open(&recording.path)?);
    let mut hash = Hasher::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hash.finish()),
            Ok(read) => hash.add(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn read(path: &Path) -> Option<Known> {
    let mut bytes = Vec::new();
    store::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    parse(&bytes)
}

/// The entries, or `None` if the list is damaged.
pub(crate) fn parse(bytes: &[u8]) -> Option<Known> {
    let (content, sum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut rest = content.strip_prefix(MAGIC)?;
    let mut known = Known::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let (state, after) = after.split_first_chunk::<16>()?;
        let (content, after) = after.split_first_chunk::<16>()?;
        known.insert(String::from_utf8(name.to_vec()).ok()?, [Fingerprint(*state), Fingerprint(*content)]);
        rest = after;
    }
    Some(known)
}

fn format(entries: &[(&str, [Fingerprint; 2])]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for (name, [state, content]) in entries {
        bytes.extend_from_slice(&(name.len() as u32).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&state.0);
        bytes.extend_from_slice(&content.0);
    }
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_back_or_ignored() {
        let [a, b] = [b"a", b"b"].map(|bytes| Fingerprint::of(bytes));
        let bytes = format(&[("yes/1.wav", [a, b]), ("no/ü.wav", [b, a])]);
        let known = parse(&bytes).unwrap();
        assert_eq!((known.len(), known["yes/1.wav"], known["no/ü.wav"]), (2, [a, b], [b, a]));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!((parse(&damaged), parse(&bytes[..at])), (None, None));
        }
    }
}
