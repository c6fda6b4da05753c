//! Damaged and malicious archives.

use std::{fs, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, EntryType, Header};

use super::super::{display::Display, error::FetchError, unpack};

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An entry with an arbitrary name, which the library would refuse to write.
fn entry(kind: EntryType, name: &str, link: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

pub(super) fn tar(entries: &[(EntryType, &str, &str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, link, content) in entries {
        builder.append(&entry(*kind, name, link, content.len() as u64), *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Unpacks, and checks that nothing was written outside of the target.
fn unpack(packed: &[u8]) -> Result<usize, String> {
    let root = tempfile::tempdir().unwrap();
    let (source, target) = (root.path().join("a.tar.gz"), root.path().join("target"));
    fs::write(&source, packed).unwrap();
    fs::create_dir(&target).unwrap();
    let outcome = unpack::tar_gzip(&source, &target, 10_000, 5, &Display::memory());
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2, "something was written outside of the target");
    assert!(only_plain(&target));
    outcome.map(|files| files.len()).map_err(|error| {
        assert!(matches!(error, FetchError::Archive { .. }), "{error:?}");
        error.to_string()
    })
}

fn only_plain(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().flatten().all(|entry| {
        let kind = entry.file_type().unwrap();
        kind.is_file() || (kind.is_dir() && only_plain(&entry.path()))
    })
}

#[test]
fn a_valid_archive_is_unpacked() {
    let file = EntryType::Regular;
    let good = tar(&[
        (EntryType::Directory, "./", "", b""),
        (EntryType::Directory, "./a/", "", b""),
        (file, "./a/x", "", b"1"),
        (file, "b/c/y", "", b"22"),
    ]);
    assert_eq!(unpack(&gzip(&good)), Ok(2));
    let mut builder = Builder::new(Vec::new());
    let long = format!("{}/x", "long".repeat(50));
    builder.append_data(&mut entry(EntryType::Regular, "", "", 1), &long, &b"1"[..]).unwrap();
    assert_eq!(unpack(&gzip(&builder.into_inner().unwrap())), Ok(1), "a name of 202 bytes");
}

#[test]
fn malicious_archives_are_refused() {
    let file = EntryType::Regular;
    for (entries, expected) in [
        (vec![(file, "../x", "", &b"1"[..])], "its name leads out of the folder"),
        (vec![(file, "a/../../x", "", b"1")], "its name leads out of the folder"),
        (vec![(file, "/tmp/x", "", b"1")], "its name is an absolute path"),
        (vec![(file, "C:/x", "", b"1")], "its name is not allowed"),
        (vec![(file, "..\\x", "", b"1")], "its name is not allowed"),
        (vec![(EntryType::Directory, "../d", "", b"")], "its name leads out of the folder"),
        (vec![(EntryType::Symlink, "l", "/etc", b""), (file, "l/x", "", b"1")], "a symbolic link"),
        (vec![(EntryType::Link, "l", "../../x", b"")], "a hard link"),
        (vec![(EntryType::Char, "c", "", b"")], "a device"),
        (vec![(EntryType::Fifo, "p", "", b"")], "a pipe"),
        (vec![(file, "x", "", b"1"), (file, "x", "", b"2")], "it is a duplicate"),
        (vec![(file, "x", "", b"1"), (file, "x/y", "", b"2")], "a file with that name exists"),
        (
            vec![(file, "x", "", &[0; 6_000]), (file, "y", "", &[0; 6_000])],
            "exceed the maximum of the data set",
        ),
        (
            vec![
                (file, "1", "", b""),
                (file, "2", "", b""),
                (file, "3", "", b""),
                (file, "4", "", b""),
                (file, "5", "", b""),
                (file, "6", "", b""),
            ],
            "more files than the maximum of the data set",
        ),
        (vec![(file, "\u{0}", "", b"1")], "a file without a name"),
    ] {
        let message = unpack(&gzip(&tar(&entries))).unwrap_err();
        assert!(message.contains(expected), "{message}\nshould say: {expected}");
    }
    let folders: Vec<String> = (0..30).map(|n| format!("d{n}/")).collect();
    let folders: Vec<_> =
        folders.iter().map(|it| (EntryType::Directory, it.as_str(), "", &b""[..])).collect();
    assert!(unpack(&gzip(&tar(&folders))).is_err());
}

#[test]
fn excessive_sizes_are_refused_in_advance() {
    for kind in [EntryType::Regular, EntryType::GNULongName, EntryType::XHeader] {
        let huge = entry(kind, "x", "", 1 << 40);
        assert!(unpack(&gzip(huge.as_bytes())).is_err());
    }
}

#[test]
fn damage_is_found() {
    let good = tar(&[(EntryType::Regular, "x", "", &[7; 3000])]);
    let packed = gzip(&good);
    for broken in [
        vec![],
        b"garbage, not gzip".to_vec(),
        gzip(b"garbage, not tar, and long enough"),
        gzip(&[b'x'; 2048]),
        packed[..packed.len() - 5].to_vec(),
        packed[..packed.len() / 2].to_vec(),
        gzip(&good[..1000]),
        gzip(&good[..512 + 3072]), // all of the file, and not the end of the archive
        [&packed[..], b"more"].concat(),
    ] {
        assert!(unpack(&broken).is_err(), "{} bytes", broken.len());
    }
}

#[test]
fn a_packed_file_is_limited_in_size() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("x.gz");
    let unpack = |bytes: &[u8], name: &str| {
        fs::write(&source, bytes).unwrap();
        unpack::gzip(&source, &folder.path().join(name), 1000, &Display::memory())
    };
    assert_eq!(unpack(&gzip(&[1; 1000]), "a").unwrap().bytes, 1000);
    let message = unpack(&gzip(&[1; 1_000_000]), "b").unwrap_err().to_string();
    assert!(message.ends_with("it unpacks to more than 1000 bytes"), "{message}");
    assert!(unpack(&gzip(&[1; 1000])[..20], "c").is_err());
    assert!(unpack(b"plain", "d").is_err());
}
