//! The tables of the catalog.

use serde::Deserialize;

/// A data set that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// Its name, also the name of its folder within the data directory.
    pub name: String,
    /// A one-line description.
    pub title: String,
    /// Where its authors describe it.
    pub homepage: String,
    /// The terms of use, by their usual abbreviation.
    pub license: String,
    /// The citation to give when using it.
    pub citation: String,
    /// What to know before fetching it.
    pub note: Option<String>,
    /// Folders on servers that hold all files of the data set, preferred first; each ends in `/`.
    #[serde(default)]
    servers: Vec<String>,
    /// What to fetch.
    #[serde(rename = "file")]
    pub files: Vec<RemoteFile>,
}

/// One file on a server, and what it unpacks to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteFile {
    /// Its name, the same on servers and mirrors.
    pub name: String,
    #[serde(default)]
    addresses: Vec<String>,
    mirror_folder: Option<String>,
    /// Its length, if published.
    pub bytes: Option<u64>,
    /// Published checksums of the packed file.
    #[serde(default)]
    pub checksums: Checksums,
    /// A list of MD5 checksums next to the file on its server, if none is known in advance.
    pub checksum_list: Option<String>,
    /// Its content.
    pub unpacked: Unpacked,
}

/// The content of a packed file and its maximum size: a damaged or forged file must not fill the disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Unpacked {
    /// One file (packed by gzip), unpacked to the folder of the data set.
    File {
        /// Its name; a file with the name of the packed file is not unpacked.
        file: String,
        /// Maximum number of bytes.
        max_bytes: u64,
        /// Published checksums.
        #[serde(default)]
        checksums: Checksums,
    },
    /// A file tree (tar packed by gzip), which becomes the folder of the data set.
    Folder {
        /// Files and folders that identify the right content. They are at the top of the archive, or all in a single top-level folder
        /// with any name. The checksum covers the first of them.
        holds: Vec<String>,
        /// Maximum number of bytes of all files.
        max_bytes: u64,
        /// Maximum number of files.
        max_files: u64,
        /// SHA-256 of the list of the SHA-256 of all files in the first folder of `holds`: lines of `sha256sum`, sorted by path
        /// bytewise.
        #[serde(default)]
        checksums: Checksums,
    },
}

/// Published checksums, in lower-case hexadecimal digits; all that are given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksums {
    /// 32 digits.
    pub md5: Option<String>,
    /// 64 digits.
    pub sha256: Option<String>,
}

impl DataSet {
    /// Whether servers have every file and no mirror is needed.
    pub fn has_server(&self) -> bool {
        self.files.iter().all(|file| !file.addresses.is_empty())
    }

    /// Bytes to download, if all sizes are published.
    pub fn bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Maximum number of bytes of the unpacked data set.
    pub fn max_unpacked_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.unpacked.max_bytes()).sum()
    }

    /// Builds addresses from servers and names, and appends them to the files' own addresses.
    pub(super) fn spread_servers(&mut self) {
        for file in &mut self.files {
            file.addresses.extend(self.servers.iter().map(|server| format!("{server}{}", file.name)));
            file.mirror_folder.get_or_insert_with(|| self.name.clone());
        }
    }

    pub(super) fn servers(&self) -> &[String] {
        &self.servers
    }
}

impl RemoteFile {
    /// Its addresses, preferred first; empty if only mirrors have it.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// The folder that holds it on a mirror, packed or not.
    pub fn mirror_folder(&self) -> &str {
        self.mirror_folder.as_deref().unwrap_or_default()
    }

    /// Whether a checksum of the packed file or of its content is known in advance.
    pub fn is_verifiable(&self) -> bool {
        !self.checksums.is_empty() || !self.unpacked.checksums().is_empty()
    }
}

impl Unpacked {
    /// Maximum number of bytes of all files.
    pub fn max_bytes(&self) -> u64 {
        match self {
            Self::File { max_bytes, .. } | Self::Folder { max_bytes, .. } => *max_bytes,
        }
    }

    /// Published checksums of the content.
    pub fn checksums(&self) -> &Checksums {
        match self {
            Self::File { checksums, .. } | Self::Folder { checksums, .. } => checksums,
        }
    }
}

impl Checksums {
    /// Whether no checksum is published.
    pub fn is_empty(&self) -> bool {
        self.md5.is_none() && self.sha256.is_none()
    }
}
