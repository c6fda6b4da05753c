//! Validation of a catalog.

use std::collections::HashSet;

use crate::{Checksums, DataSet, RemoteFile, Unpacked};

/// Describes the first error found.
pub(super) fn consistent(data_sets: &[DataSet]) -> Result<(), String> {
    let mut names = HashSet::new();
    for data_set in data_sets {
        let place = |problem| format!("data set `{}`: {problem}", data_set.name);
        if !names.insert(&data_set.name) {
            return Err(place("it is listed twice".to_owned()));
        }
        data_set_is_consistent(data_set).map_err(place)?;
    }
    Ok(())
}

fn data_set_is_consistent(data_set: &DataSet) -> Result<(), String> {
    plain_name(&data_set.name)?;
    for (key, text) in [
        ("title", &data_set.title),
        ("homepage", &data_set.homepage),
        ("license", &data_set.license),
        ("citation", &data_set.citation),
    ] {
        if text.trim().is_empty() {
            return Err(format!("no {key}"));
        }
    }
    if let Some(server) = data_set.servers().iter().find(|server| !server.ends_with('/')) {
        return Err(format!("the server {server} does not end in `/`"));
    }
    if data_set.files.is_empty() {
        return Err("no file".to_owned());
    }
    let mut contents = HashSet::new();
    for file in &data_set.files {
        file_is_consistent(file).map_err(|problem| format!("file `{}`: {problem}", file.name))?;
        match &file.unpacked {
            Unpacked::File { file, .. } if !contents.insert(file) => {
                return Err(format!("two files unpack to `{file}`"));
            }
            Unpacked::Folder { .. } if data_set.files.len() > 1 => {
                return Err("a data set that unpacks to a folder cannot have other files".to_owned());
            }
            _ => {}
        }
    }
    Ok(())
}

fn file_is_consistent(file: &RemoteFile) -> Result<(), String> {
    plain_name(&file.name)?;
    plain_name(file.mirror_folder())?;
    file.checksum_list.as_deref().map_or(Ok(()), plain_name)?;
    for address in file.addresses() {
        let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split_once('/')).map_or("", |(host, _)| host);
        if host.is_empty() || address.contains(char::is_whitespace) {
            return Err(format!("`{address}` is not an address"));
        }
    }
    checksums_are_consistent(&file.checksums)?;
    checksums_are_consistent(file.unpacked.checksums())?;
    if file.bytes == Some(0) || file.unpacked.max_bytes() == 0 {
        return Err("max_bytes is 0".to_owned());
    }
    match &file.unpacked {
        Unpacked::File { file: name, .. } => plain_name(name),
        Unpacked::Folder { holds, max_files, .. } => {
            if holds.is_empty() || *max_files == 0 {
                return Err("max_files is 0".to_owned());
            }
            if file.unpacked.checksums().md5.is_some() {
                return Err("folders have no MD5".to_owned());
            }
            holds.iter().try_for_each(|name| plain_name(name))
        }
    }
}

/// A name that is a single path component on every system and in every address, and not hidden.
fn plain_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(allowed) {
        return Err(format!("`{name}` is not a plain name"));
    }
    Ok(())
}

fn checksums_are_consistent(checksums: &Checksums) -> Result<(), String> {
    for (kind, digits, checksum) in [("MD5", 32, &checksums.md5), ("SHA-256", 64, &checksums.sha256)] {
        let Some(checksum) = checksum else { continue };
        let hexadecimal = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if checksum.len() != digits || !checksum.chars().all(hexadecimal) {
            return Err(format!(
                "`{checksum}` is not a valid {kind} ({digits} lower-case hexadecimal digits)"
            ));
        }
    }
    Ok(())
}
