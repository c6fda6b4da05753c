//! The content of a file from a source: downloaded, checked against every known checksum, and unpacked next to its destination.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use snn_catalog::{Checksums, DataSet, RemoteFile, Unpacked};

use super::{
    context::{Fetcher, Ready, kind},
    digest::{self, Digests},
    download::{Trouble, Wanted, download},
    error::{FetchError, Mismatch, WrongChecksum},
    part::Part,
    sources::{Form, Place, Source, holds_all},
    store::{FirstUse, now},
    transport::{self, Answer, Failure},
    unpack::{self, Written},
};

/// Maximum number of bytes of a checksum list.
const MAX_LIST: u64 = 1 << 20;

/// Maximum ratio of a packed file's size to that of its content.
const PACKING: u64 = 1 << 20;

/// The expected checksums of a packed file, and their source.
struct Expected {
    checksums: Checksums,
    authority: String,
}

/// The catalog as a source of checksums.
const AS_PUBLISHED: &str = "as published";

impl Fetcher<'_> {
    pub(super) fn try_source(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        source: &Source,
    ) -> Result<Ready, Trouble> {
        let from = source.place.to_string();
        let expected = self.expected(data_set, file, &source.place)?;
        let address = match &source.place {
            Place::Local(path) => {
                return Ok(self.unpack(data_set, file, path, source.form, &from, expected.as_ref())?);
            }
            Place::Remote(address) => address,
        };
        let content = file.unpacked.checksums();
        let wanted = Wanted {
            name: address.rsplit('/').next().unwrap_or(address).to_owned(),
            bytes: file.bytes.filter(|_| content.is_empty() && source.form == Form::Packed),
            limit: file.unpacked.max_bytes().saturating_add(PACKING),
            verifiable: !content.is_empty() || (expected.is_some() && source.form == Form::Packed),
        };
        let part_name = if source.form == Form::Packed { &file.name } else { &wanted.name };
        let part = self.store.part(&data_set.name, part_name);
        loop {
            let pieces = download(self.client, address, &wanted, &part, self.patience, self.display)?;
            match self.unpack(data_set, file, part.path(), source.form, &from, expected.as_ref()) {
                Ok(ready) => return Ok(ready),
                Err(error) if error.is_of_the_source() && pieces => {
                    self.display.say(&format!(
                        "{from}: the file was assembled from several connections and is wrong; downloading it again"
                    ));
                    part.discard()?;
                }
                Err(error) if error.is_of_the_source() => return Err(self.keep(error, &part)?.into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Keeps a wrong file for inspection.
    fn keep(&self, error: FetchError, part: &Part) -> Result<FetchError, FetchError> {
        let aside = self.store.set_aside(part.path())?;
        part.discard()?;
        Ok(match error {
            FetchError::Checksum(mut wrong) => {
                wrong.kept = Some(aside);
                FetchError::Checksum(wrong)
            }
            FetchError::Archive { place, problem, .. } => FetchError::Archive { path: aside, place, problem },
            other => other,
        })
    }

    /// The source of a packed file's checksums: the catalog, the record of its first use, or a list next to it.
    fn expected(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        place: &Place,
    ) -> Result<Option<Expected>, Trouble> {
        if !file.checksums.is_empty() {
            let authority = AS_PUBLISHED.to_owned();
            return Ok(Some(Expected { checksums: file.checksums.clone(), authority }));
        }
        if let Some((first, path)) = self.store.first_use(&data_set.name, &file.name)? {
            let checksums = Checksums { md5: None, sha256: Some(first.sha256) };
            let authority = format!(
                "as it was on first use, from {} at {}; recorded in {}",
                first.from,
                first.time,
                path.display()
            );
            return Ok(Some(Expected { checksums, authority }));
        }
        let Some(list) = &file.checksum_list else { return Ok(None) };
        let (text, authority) = match place {
            Place::Local(path) => {
                let path = path.with_file_name(list);
                let text = match read_list(&path) {
                    // The files were copied here without the list.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => {
                        return Err(FetchError::io("read the checksum list", &path)(error).into());
                    }
                    Ok(text) => text,
                };
                (text, path.display().to_string())
            }
            Place::Remote(file_address) => {
                let folder = &file_address[..file_address.rfind('/').map_or(0, |slash| slash + 1)];
                let address = format!("{folder}{list}");
                match self.small_file(&address) {
                    // A mirror may have only the file. The catalog's server has the list as well.
                    Err(failure) if failure.missing && !file.addresses().contains(file_address) => {
                        return Ok(None);
                    }
                    Err(failure) => {
                        let problem = format!("its checksum list, {address}: {}", failure.problem);
                        return Err(Failure { problem, ..failure }.into());
                    }
                    Ok(text) => (text, address),
                }
            }
        };
        let Some(md5) = listed(&text, &file.name) else {
            let problem = format!("its checksum list, {authority}, has no MD5 of {}", file.name);
            return Err(Failure::lasting(problem).into());
        };
        Ok(Some(Expected {
            checksums: Checksums { md5: Some(md5), sha256: None },
            authority: format!("as listed in {authority}"),
        }))
    }

    /// A short text from a server, with the same retries as for any other file.
    fn small_file(&self, address: &str) -> Result<String, Failure> {
        let mut failed = 0;
        loop {
            let failure = match self.client.get(address, None).and_then(text_of) {
                Ok(text) => return Ok(text),
                Err(failure) => failure,
            };
            failed += 1;
            let pause = failure.retry.and_then(|requested| self.patience.pause(failed, requested));
            let Some(pause) = pause else { return Err(failure) };
            let seconds = pause.as_secs_f64();
            self.display.say(&format!("{address}: {}; retrying in {seconds:.1} s", failure.problem));
            (self.patience.sleep)(pause);
        }
    }

    /// Checks a file, unpacks it, and checks its content. Nothing is left of refused content.
    fn unpack(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        path: &Path,
        form: Form,
        from: &str,
        expected: Option<&Expected>,
    ) -> Result<Ready, FetchError> {
        let ready = self.unpack_and_check(data_set, file, path, form, from, expected);
        if ready.is_err() {
            // Report the refusal; the next attempt starts with this removal, too.
            let _ = fs::remove_dir_all(self.staged(data_set));
        }
        ready
    }

    /// The folder for unpacking.
    fn staged(&self, data_set: &DataSet) -> PathBuf {
        self.store.work(&data_set.name).join("unpacked")
    }

    fn unpack_and_check(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        path: &Path,
        form: Form,
        from: &str,
        expected: Option<&Expected>,
    ) -> Result<Ready, FetchError> {
        let published = file.unpacked.checksums();
        let packed = if form == Form::Packed { Some(self.digest(&file.name, path)?) } else { None };
        let wrong = packed.as_ref().zip(expected).and_then(|(packed, expected)| {
            let mismatch = packed.check(&expected.checksums).err()?;
            Some(WrongChecksum::new(mismatch, format!("{} from {from}", file.name), &expected.authority))
        });
        // A differently packed file may still have the right content, if there is a checksum for it.
        if let Some(wrong) = wrong.clone().filter(|_| published.is_empty()) {
            return Err(wrong.into());
        }
        let content = match self.extract(data_set, file, path, form) {
            Err(FetchError::Archive { place, problem, path }) => match wrong {
                Some(wrong) => return Err(wrong.into()),
                None => return Err(FetchError::Archive { place, problem, path }),
            },
            content => content?,
        };
        content.check(&file.unpacked, from)?;

        let mut proofs = Vec::new();
        if let Some(expected) = expected.filter(|_| packed.is_some() && wrong.is_none()) {
            proofs.push(format!("{} of the packed file, {}", kind(&expected.checksums), expected.authority));
        }
        if !published.is_empty() {
            proofs.push(format!("{} of the unpacked content, as published", kind(published)));
        }
        let (proof, first_use) = match packed {
            _ if !proofs.is_empty() => (proofs.join("; "), None),
            Some(packed) => trust(&file.name, &packed.sha256, packed.bytes, from),
            None => self.trust_tree(data_set, file, &content.files, from)?,
        };
        Ok(Ready { path: content.path, files: content.files, from: from.to_owned(), proof, first_use })
    }

    /// Unpacks or copies into the working folder.
    fn extract(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        path: &Path,
        form: Form,
    ) -> Result<Content, FetchError> {
        let staged = self.staged(data_set);
        match fs::remove_dir_all(&staged) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FetchError::io("remove", &staged)(error));
            }
            _ => {}
        }
        fs::create_dir_all(&staged).map_err(FetchError::io("create the folder", &staged))?;
        let display = self.display;
        let verb = if form == Form::Packed { "unpacking" } else { "copying" };
        let bytes = fs::metadata(path).ok().filter(|it| it.is_file()).map(|it| it.len());
        display.begin(&format!("{verb} {}", file.name), bytes, 0);
        let content = match &file.unpacked {
            Unpacked::File { file: name, max_bytes, .. } => {
                let target = staged.join(name);
                let is_packed = form == Form::Packed && *name != file.name;
                let unpack = if is_packed { unpack::gzip } else { unpack::plain };
                unpack(path, &target, *max_bytes, display).map(|digests| {
                    let (bytes, sha256) = (digests.bytes, digests.sha256.clone());
                    let files = vec![Written { path: name.clone(), bytes, sha256 }];
                    Content { path: target, files, digests: Some(digests) }
                })
            }
            Unpacked::Folder { holds, max_bytes, max_files, .. } => {
                let unpack = if form == Form::Packed { unpack::tar_gzip } else { unpack::tree };
                unpack(path, &staged, *max_bytes, *max_files, display)
                    .and_then(|files| top(path, &staged, files, holds))
            }
        };
        display.end();
        content
    }

    fn digest(&self, name: &str, path: &Path) -> Result<Digests, FetchError> {
        let bytes = fs::metadata(path).ok().map(|it| it.len());
        self.display.begin(&format!("checking {name}"), bytes, 0);
        let digests = digest::file(path, self.display);
        self.display.end();
        digests
    }

    /// Trusts unpacked files without a published checksum, unless they differ from those trusted before.
    pub(super) fn trust_tree(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        files: &[Written],
        from: &str,
    ) -> Result<Trust, FetchError> {
        let name = format!("{}, unpacked", file.name);
        let sha256 = digest::folder(files.iter().map(|it| (it.path.as_str(), it.sha256.as_str())));
        match self.store.first_use(&data_set.name, &name)? {
            Some((first, _)) if first.sha256 == sha256 => {
                Ok((format!("SHA-256 of the unpacked files, as on first use at {}", first.time), None))
            }
            Some((first, path)) => {
                let mismatch = Mismatch { kind: "SHA-256", expected: first.sha256, found: sha256 };
                let authority = format!("as on first use at {}, recorded in {}", first.time, path.display());
                Err(WrongChecksum::new(mismatch, format!("{name}, from {from}"), &authority).into())
            }
            None => Ok(trust(&name, &sha256, files.iter().map(|it| it.bytes).sum(), from)),
        }
    }
}

/// The unpacked content of a file.
struct Content {
    /// The unpacked file, or the folder to move into place.
    path: PathBuf,
    files: Vec<Written>,
    /// The digests of the unpacked file.
    digests: Option<Digests>,
}

impl Content {
    /// Checks the content against its published checksums, if there are any.
    fn check(&self, unpacked: &Unpacked, from: &str) -> Result<(), FetchError> {
        match (unpacked, &self.digests) {
            (Unpacked::File { file, checksums, .. }, Some(digests)) => {
                digests.check(checksums).map_err(|mismatch| {
                    WrongChecksum::new(mismatch, format!("{file} from {from}"), AS_PUBLISHED).into()
                })
            }
            (Unpacked::Folder { holds, checksums, .. }, _) => check_tree(&self.files, holds, checksums, from),
            _ => Ok(()),
        }
    }
}

/// Checks the files in the first folder of `holds` against their published checksum, if there is one.
pub(super) fn check_tree(
    files: &[Written],
    holds: &[String],
    published: &Checksums,
    from: &str,
) -> Result<(), FetchError> {
    let Some((expected, first)) = published.sha256.as_ref().zip(holds.first()) else { return Ok(()) };
    let files = files.iter().filter(|file| Path::new(&file.path).starts_with(first));
    let found = digest::folder(files.map(|file| (file.path.as_str(), file.sha256.as_str())));
    if found == *expected {
        return Ok(());
    }
    let mismatch = Mismatch { kind: "SHA-256", expected: expected.clone(), found };
    Err(WrongChecksum::new(mismatch, format!("the files of `{first}` from {from}"), AS_PUBLISHED).into())
}

/// How content was verified, and what to record if it is only trusted.
type Trust = (String, Option<FirstUse>);

fn trust(name: &str, sha256: &str, bytes: u64, from: &str) -> Trust {
    let first = FirstUse {
        name: name.to_owned(),
        sha256: sha256.to_owned(),
        bytes,
        from: from.to_owned(),
        time: now(),
    };
    (format!("none published; trusted on first use, SHA-256 {sha256}"), Some(first))
}

/// Finds the content in the unpacked files: all of them, or the single top-level folder.
fn top(source: &Path, staged: &Path, files: Vec<Written>, holds: &[String]) -> Result<Content, FetchError> {
    if holds_all(staged, holds) {
        return Ok(Content { path: staged.to_owned(), files, digests: None });
    }
    let first = files.first().and_then(|file| file.path.split_once('/')).map(|(first, _)| first.to_owned());
    let inner = first.as_deref().filter(|first| holds_all(&staged.join(first), holds)).and_then(|first| {
        let strip = |file: &Written| {
            let path = file.path.strip_prefix(first)?.strip_prefix('/')?.to_owned();
            Some(Written { path, ..file.clone() })
        };
        let files = files.iter().map(strip).collect::<Option<Vec<_>>>()?;
        Some(Content { path: staged.join(first), files, digests: None })
    });
    inner.ok_or_else(|| {
        FetchError::archive(source, "content", format!("it does not contain {}", holds.join(", ")))
    })
}

/// The complete text of a response.
fn text_of(answer: Answer) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    answer.body.take(MAX_LIST + 1).read_to_end(&mut bytes).map_err(|error| transport::of_body(&error))?;
    if bytes.len() as u64 > MAX_LIST {
        return Err(Failure::lasting(format!("it has more than {MAX_LIST} bytes")));
    }
    if answer.length.is_some_and(|length| length != bytes.len() as u64) {
        return Err(Failure::passing("the connection was interrupted"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::lasting("it is not text"))
}

fn read_list(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_LIST).read_to_string(&mut text)?;
    Ok(text)
}

/// The MD5 of a file in a list written by `md5sum`.
fn listed(text: &str, name: &str) -> Option<String> {
    let entry = |line: &str| {
        let (sum, file) = line.trim().split_once(char::is_whitespace)?;
        let file = file.trim_start().trim_start_matches('*').trim_start_matches("./");
        let hexadecimal = sum.len() == 32 && sum.chars().all(|c| c.is_ascii_hexdigit());
        (hexadecimal && file == name).then(|| sum.to_ascii_lowercase())
    };
    text.lines().find_map(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_checksums_are_read() {
        let list = "d47c9825dee33347913e8ce0f2be08b0  shd_train.h5.gz\n\
                    D41D8CD98F00B204E9800998ECF8427E *./hd_audio.tar.gz\nno sum\n0123  short.gz\n";
        assert_eq!(listed(list, "shd_train.h5.gz").as_deref(), Some("d47c9825dee33347913e8ce0f2be08b0"));
        assert_eq!(listed(list, "hd_audio.tar.gz").as_deref(), Some("d41d8cd98f00b204e9800998ecf8427e"));
        assert_eq!(
            (listed(list, "short.gz"), listed(list, "sum"), listed(list, "audio.tar.gz")),
            (None, None, None)
        );
    }
}
