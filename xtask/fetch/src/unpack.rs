//! Safe unpacking: only files and folders are created, only within the target, and not larger than announced.

use std::{
    cell::Cell,
    collections::HashSet,
    fs::{self, File},
    io::{self, BufReader, Read, Write as _},
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use flate2::bufread::MultiGzDecoder;
use tar::{Archive, EntryType, PaxExtensions};

use super::{
    digest::{Digests, Hasher},
    display::Display,
    error::FetchError,
};

/// Maximum number of bytes of an entry's metadata, such as a long name.
const MAX_EXTENSION: u64 = 1 << 16;

/// Block size of a tar archive.
const BLOCK: u64 = 512;

/// A written file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// Within the target, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Unpacks a file packed by gzip.
pub(crate) fn gzip(
    source: &Path,
    target: &Path,
    max_bytes: u64,
    display: &Display,
) -> Result<Digests, FetchError> {
    copy(open(source, display)?, source, target, max_bytes, "content").and_then(
        |(digests, rest)| match rest {
            0 => Ok(digests),
            _ => Err(FetchError::archive(
                source,
                "content",
                format!("it unpacks to more than {max_bytes} bytes"),
            )),
        },
    )
}

/// Copies a file that is not packed.
pub(crate) fn plain(
    source: &Path,
    target: &Path,
    max_bytes: u64,
    display: &Display,
) -> Result<Digests, FetchError> {
    let file = File::open(source).map_err(FetchError::io("read", source))?;
    copy(Watched { file, display }, source, target, max_bytes, "content").and_then(|(digests, rest)| {
        match rest {
            0 => Ok(digests),
            _ => Err(FetchError::archive(source, "content", format!("it has more than {max_bytes} bytes"))),
        }
    })
}

/// Unpacks a tar archive packed by gzip into the folder `target`, which must be empty. Returns its files.
///
/// Refuses names that lead out of the target, links (no data set needs them), devices and other special entries, duplicate
/// names, names that are not UTF-8, more bytes or files than allowed, and a truncated archive.
pub(crate) fn tar_gzip(
    source: &Path,
    target: &Path,
    max_bytes: u64,
    max_files: u64,
    display: &Display,
) -> Result<Vec<Written>, FetchError> {
    let damaged = |place: &str, error: &io::Error| FetchError::archive(source, place, of_io(error));
    let read = Rc::new(Cell::new(0));
    let mut archive = Archive::new(Counted { inner: open(source, display)?, read: Rc::clone(&read) });
    let mut unpacking =
        Unpacking { source, target, max_bytes, max_files, folders: HashSet::new(), files: Vec::new() };
    let (mut name, mut end, mut entries) = (None, 0, 0_u64);
    for entry in archive.entries().map_err(|error| damaged("beginning", &error))?.raw(true) {
        let place = format!("entry {entries}");
        let mut entry = entry.map_err(|error| damaged(&place, &error))?;
        entries += 1;
        if entries > max_files.saturating_mul(4) {
            return Err(FetchError::archive(
                source,
                place,
                format!("more entries than {max_files} files need"),
            ));
        }
        let size = entry.header().entry_size().map_err(|error| damaged(&place, &error))?;
        end = entry.raw_file_position() + size.div_ceil(BLOCK) * BLOCK;
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName | EntryType::XHeader | EntryType::XGlobalHeader => {
                if size > MAX_EXTENSION {
                    return Err(FetchError::archive(source, place, format!("a name of {size} bytes")));
                }
                let mut text = Vec::new();
                entry.read_to_end(&mut text).map_err(|error| damaged(&place, &error))?;
                match kind {
                    EntryType::GNULongName => {
                        text.truncate(text.iter().position(|&byte| byte == 0).unwrap_or(text.len()));
                        name = Some(text);
                    }
                    EntryType::XHeader => name = long_name(&text, source, &place)?.or(name),
                    _ => {}
                }
            }
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {
                let name = name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                // Old archives have folders as files whose name ends in a slash.
                let is_folder = kind == EntryType::Directory || name.ends_with(b"/");
                let path = unpacking.path(&name)?;
                if is_folder { unpacking.folder(&path)? } else { unpacking.file(&path, size, &mut entry)? }
            }
            _ => {
                let name = name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                return Err(unpacking.refuse(&name, oddity(kind)));
            }
        }
    }
    if read.get() < end + BLOCK {
        return Err(FetchError::archive(source, "end", "the archive ends too early"));
    }
    // Gzip verifies the checksum only at the end.
    let mut rest = archive.into_inner();
    let mut buffer = vec![0; 1 << 16];
    while rest.read(&mut buffer).map_err(|error| damaged("end", &error))? > 0 {
        if read.get() > end.saturating_add(1 << 20) {
            return Err(FetchError::archive(source, "end", "there is data after the end of the archive"));
        }
    }
    Ok(unpacking.files)
}

/// Copies a folder, under the same rules.
pub(crate) fn tree(
    source: &Path,
    target: &Path,
    max_bytes: u64,
    max_files: u64,
    display: &Display,
) -> Result<Vec<Written>, FetchError> {
    let mut unpacking =
        Unpacking { source, target, max_bytes, max_files, folders: HashSet::new(), files: Vec::new() };
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let from = source.join(&folder);
        let io = FetchError::io;
        for entry in fs::read_dir(&from).map_err(io("read", &from))? {
            let entry = entry.map_err(io("read", &from))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(unpacking.refuse(name.as_encoded_bytes(), "its name is not UTF-8"));
            };
            let name = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let kind = entry.file_type().map_err(io("read", &entry.path()))?;
            if kind.is_dir() {
                unpacking.folder(Path::new(&name))?;
                folders.push(name);
            } else if kind.is_file() {
                let size = entry.metadata().map_err(io("read", &entry.path()))?.len();
                let file = File::open(entry.path()).map_err(io("read", &entry.path()))?;
                unpacking.file(Path::new(&name), size, &mut Watched { file, display })?;
            } else {
                return Err(unpacking.refuse(name.as_bytes(), "it is neither file nor folder"));
            }
        }
    }
    Ok(unpacking.files)
}

/// The content unpacked so far, and the remaining limits.
struct Unpacking<'a> {
    source: &'a Path,
    target: &'a Path,
    /// Remaining limits.
    max_bytes: u64,
    max_files: u64,
    folders: HashSet<PathBuf>,
    files: Vec<Written>,
}

impl Unpacking<'_> {
    fn refuse(&self, name: &[u8], problem: impl Into<String>) -> FetchError {
        FetchError::archive(self.source, format!("entry `{}`", name.escape_ascii()), problem)
    }

    /// The path of an entry within the target.
    fn path(&self, name: &[u8]) -> Result<PathBuf, FetchError> {
        let refuse = |problem: &str| self.refuse(name, problem);
        let text = str::from_utf8(name).map_err(|_| refuse("its name is not UTF-8"))?;
        // Path syntax of both Unix and Windows, on every system.
        if text.contains(['\\', '\0']) || text.split('/').next().is_some_and(|first| first.ends_with(':')) {
            return Err(refuse("its name is not allowed"));
        }
        let mut path = PathBuf::new();
        for component in Path::new(text).components() {
            match component {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                Component::ParentDir => return Err(refuse("its name leads out of the folder")),
                Component::RootDir | Component::Prefix(_) => {
                    return Err(refuse("its name is an absolute path"));
                }
            }
        }
        Ok(path)
    }

    fn folder(&mut self, path: &Path) -> Result<(), FetchError> {
        // Folders use space, too, and an archive may contain nothing else.
        if self.folders.len() as u64 > self.max_files {
            return Err(FetchError::archive(self.source, path.display().to_string(), "too many folders"));
        }
        for folder in path.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
            if !self.folders.insert(folder.to_owned()) {
                break;
            }
        }
        let target = self.target.join(path);
        fs::create_dir_all(&target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                self.refuse(path.as_os_str().as_encoded_bytes(), "a file with that name exists")
            }
            _ => FetchError::io("create the folder", &target)(error),
        })
    }

    fn file(&mut self, path: &Path, size: u64, reader: &mut dyn Read) -> Result<(), FetchError> {
        let name = path.to_str().unwrap_or_default().replace('\\', "/");
        if name.is_empty() {
            return Err(self.refuse(b"", "a file without a name"));
        }
        if self.files.len() as u64 >= self.max_files {
            return Err(self.refuse(name.as_bytes(), "more files than the maximum of the data set"));
        }
        if size > self.max_bytes {
            return Err(
                self.refuse(name.as_bytes(), format!("{size} bytes exceed the maximum of the data set"))
            );
        }
        if let Some(folder) = path.parent().filter(|folder| !self.folders.contains(*folder)) {
            self.folder(folder)?;
        }
        let target = self.target.join(path);
        // This refuses duplicate names, and writing through links.
        if fs::symlink_metadata(&target).is_ok() {
            return Err(self.refuse(name.as_bytes(), "it is a duplicate"));
        }
        let (digests, _) = copy(reader.take(size), self.source, &target, size, &format!("entry `{name}`"))?;
        if digests.bytes != size {
            let problem = format!("it ends after {} of {size} bytes", digests.bytes);
            return Err(self.refuse(name.as_bytes(), problem));
        }
        self.max_bytes -= size;
        self.files.push(Written { path: name, bytes: size, sha256: digests.sha256 });
        Ok(())
    }
}

/// The path in an extended header, if there is one.
fn long_name(header: &[u8], source: &Path, place: &str) -> Result<Option<Vec<u8>>, FetchError> {
    let mut name = None;
    for extension in PaxExtensions::new(header) {
        let extension = extension.map_err(|error| FetchError::archive(source, place, error.to_string()))?;
        match extension.key_bytes() {
            b"path" => name = Some(extension.value_bytes().to_vec()),
            // It would change the position of everything after it; only files of 8 GB and more need it.
            b"size" => return Err(FetchError::archive(source, place, "a size in an extended header")),
            key if key.starts_with(b"GNU.sparse") => {
                return Err(FetchError::archive(source, place, oddity(EntryType::GNUSparse)));
            }
            _ => {}
        }
    }
    Ok(name)
}

fn oddity(kind: EntryType) -> String {
    let kind = match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::GNULongLink => "a link with a long name",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        _ => "of an unknown kind",
    };
    format!("it is {kind}: only files and folders are unpacked")
}

/// Copies up to `max_bytes`, and returns how many of the next bytes (0 or 1) remained.
fn copy(
    mut reader: impl Read,
    source: &Path,
    target: &Path,
    max_bytes: u64,
    place: &str,
) -> Result<(Digests, u64), FetchError> {
    let io = |error| FetchError::io("write", target)(error);
    let mut file = File::create_new(target).map_err(io)?;
    let mut hasher = Hasher::default();
    let mut left = max_bytes;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(FetchError::archive(source, place, of_io(&error))),
        };
        if read as u64 > left {
            return Ok((hasher.finish(), 1));
        }
        left -= read as u64;
        hasher.update(&buffer[..read]);
        file.write_all(&buffer[..read]).map_err(io)?;
    }
    Ok((hasher.finish(), 0))
}

fn open<'a>(
    source: &Path,
    display: &'a Display,
) -> Result<MultiGzDecoder<BufReader<Watched<'a>>>, FetchError> {
    let file = File::open(source).map_err(FetchError::io("read", source))?;
    Ok(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, Watched { file, display })))
}

fn of_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
        _ => error.to_string(),
    }
}

/// Reports how much has been read.
struct Watched<'a> {
    file: File,
    display: &'a Display,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.display.advance(read as u64);
        Ok(read)
    }
}

/// Counts the bytes read.
struct Counted<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}
