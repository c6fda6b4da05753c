//! The tables of the catalog.

use serde::Deserialize;

/// A data set that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// Its name, which is that of its folder within the data directory too.
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// Where its authors describe it.
    pub homepage: String,
    /// The terms of use, by their usual abbreviation.
    pub license: String,
    /// What to cite when it is used.
    pub citation: String,
    /// What else one should know before fetching it.
    pub note: Option<String>,
    /// Folders on servers that hold all files of the data set, the preferred one first; each ends in `/`.
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
    /// Its length, where it is published.
    pub bytes: Option<u64>,
    /// Published checksums of the packed file.
    #[serde(default)]
    pub checksums: Checksums,
    /// A list of MD5 checksums that lies beside the file on its server, where none is known in advance.
    pub checksum_list: Option<String>,
    /// What is in it.
    pub unpacked: Unpacked,
}

/// What a packed file holds, and how much it may hold at most: a damaged or forged file must not fill the disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Unpacked {
    /// One file (packed by gzip), which goes into the folder of the data set.
    File {
        /// Its name; if it is that of the packed file, this is not unpacked.
        file: String,
        /// Most bytes.
        max_bytes: u64,
        /// Published checksums.
        #[serde(default)]
        checksums: Checksums,
    },
    /// A tree of files (tar packed by gzip), which becomes the folder of the data set.
    Folder {
        /// Files and folders by which the right content is known. They lie at the top of the archive, or all in one folder
        /// that is at the top alone and whose name does not count. The checksum is about the first of them.
        holds: Vec<String>,
        /// Most bytes of all files.
        max_bytes: u64,
        /// Most files.
        max_files: u64,
        /// SHA-256 of the list of the SHA-256 of all files in the first folder of `holds`: lines of `sha256sum`, sorted by path
        /// bytewise.
        #[serde(default)]
        checksums: Checksums,
    },
}

/// Published checksums, in lower-case hexadecimal digits; any that is there must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksums {
    /// 32 digits.
    pub md5: Option<String>,
    /// 64 digits.
    pub sha256: Option<String>,
}

impl DataSet {
    /// Whether some server has every file, so that no mirror is needed.
    pub fn has_server(&self) -> bool {
        self.files.iter().all(|file| !file.addresses.is_empty())
    }

    /// Bytes to download, where all of them are published.
    pub fn bytes(&self) -> Option<u64> {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Most bytes that the data set takes once unpacked.
    pub fn max_unpacked_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.unpacked.max_bytes()).sum()
    }

    /// Makes addresses of the servers and the names, and puts them behind those that files have of their own.
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
    /// Where it is to be had, the preferred address first; none for what only mirrors have.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// The folder that holds it on a mirror, packed or not.
    pub fn mirror_folder(&self) -> &str {
        self.mirror_folder.as_deref().unwrap_or_default()
    }

    /// Whether a checksum is known in advance, of the packed file or of what is in it.
    pub fn is_verifiable(&self) -> bool {
        !self.checksums.is_empty() || !self.unpacked.checksums().is_empty()
    }
}

impl Unpacked {
    /// Most bytes of all files.
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
    /// Whether none is published.
    pub fn is_empty(&self) -> bool {
        self.md5.is_none() && self.sha256.is_none()
    }
}
