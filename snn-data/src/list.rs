//! Lists of sample names, one per line.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::Error;

const LIST: &str = "list of samples";

/// Maximum number of bytes of a list: a longer one would not fit in memory together with its data set.
const MAX_BYTES: u64 = 1 << 28;

/// A list of sample names, in its order.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) entries: Vec<Entry>,
}

/// A line of a list.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The line number, from 1.
    pub(crate) line: usize,
    /// The name, without a leading `./`.
    pub(crate) name: String,
}

impl List {
    /// Reads one name per line. Empty lines, white space around names and a leading `./` are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or [`Error::File`] with the line of a name that is not UTF-8 or occurs twice.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let open = |error| Error::io("read the list", path, &error);
        let mut bytes = Vec::new();
        File::open(path).map_err(open)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(open)?;
        if bytes.len() as u64 > MAX_BYTES {
            let error = Error::format(LIST, format!("longer than {MAX_BYTES} bytes"));
            return Err(error.in_file(path, "size"));
        }
        Self::parse(&bytes, path)
    }

    /// [`read`](Self::read) for the bytes of a file.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        // A byte order mark is not part of the first name.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            let error = Error::format(LIST, "it is UTF-16: save it as UTF-8");
            return Err(error.in_file(path, "line 1"));
        }
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        for (line, bytes) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let broken =
                |problem: String| Error::format(LIST, problem).in_file(path, format!("line {}", line + 1));
            let name = std::str::from_utf8(bytes).map_err(|_| broken("the name is not UTF-8".into()))?.trim();
            let name = name.strip_prefix("./").unwrap_or(name);
            if name.is_empty() {
                continue;
            }
            if !seen.insert(name) {
                return Err(broken(format!("`{name}` is a duplicate")));
            }
            entries.push(Entry { line: line + 1, name: name.to_owned() });
        }
        Ok(Self { entries })
    }
}

impl Entry {
    /// The error for a name that no sample has.
    pub(crate) fn unknown(&self, path: &Path) -> Error {
        Error::format(LIST, format!("the data set has no sample `{}`", self.name))
            .in_file(path, format!("line {}", self.line))
    }
}
