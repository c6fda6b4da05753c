//! Complete data sets, from a server or a mirror to a data directory.

use std::{fs, path::Path, thread};

use snn_catalog::{Catalog, DataSet};
use tar::EntryType;
use tempfile::TempDir;

use super::{
    super::{
        context::Fetcher,
        digest::{self, Hasher},
        display::Display,
        error::FetchError,
        fetcher::{Action, Outcome},
        inspect::{self, Presence},
        patience::Patience,
        sources::Mirror,
        store::Store,
        transport::Client,
    },
    archives::{gzip, tar},
    server::{Server, answer, whole},
};

const CONTENT: &[u8] = b"the content of a file";

fn archive() -> Vec<u8> {
    let file = EntryType::Regular;
    gzip(&tar(&[(file, "top/audio/a.wav", "", b"sound"), (file, "top/list.txt", "", b"a.wav")]))
}

/// A data set of one file, and one that is a folder; `unpacked` and `packed` are more keys of the two tables.
fn catalog(unpacked: &str, server: &str) -> Catalog {
    let head = |name: &str| {
        format!(
            "[[data_set]]\nname = \"{name}\"\ntitle = \"t\"\nhomepage = \"h\"\nlicense = \"l\"\ncitation = \"c\"\n\
             servers = [\"{server}\"]\n[[data_set.file]]\n"
        )
    };
    let single = "name = \"x.gz\"\nunpacked = { file = \"x\", max_bytes = 1000";
    let folder = "name = \"s.tar.gz\"\nunpacked = { holds = [\"audio\", \"list.txt\"], max_bytes = 1000, max_files = 9 }";
    format!("{}{single}{unpacked} }}\n{}{folder}\n", head("single"), head("folder")).parse().unwrap()
}

fn md5() -> String {
    let mut hasher = Hasher::default();
    hasher.update(CONTENT);
    format!(", checksums = {{ md5 = \"{}\" }}", hasher.finish().md5)
}

struct Place {
    root: TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(root.path().join("data"));
        Self { root, store }
    }

    fn fetch(
        &self,
        data_set: &DataSet,
        mirror: Option<&Mirror>,
    ) -> (Result<Outcome, FetchError>, Vec<String>) {
        let patience = Patience { sleep: |_| {}, ..Patience::default() };
        let (client, display) = (Client::new(&patience), Display::memory());
        let fetcher =
            Fetcher { store: &self.store, client: &client, mirror, patience: &patience, display: &display };
        (fetcher.fetch(data_set), display.said())
    }

    fn folder(&self, name: &str) -> std::path::PathBuf {
        self.store.folder(name)
    }
}

fn serving(files: Vec<(&'static str, Vec<u8>)>) -> Server {
    Server::start(move |request| match files.iter().find(|(path, _)| *path == request.path) {
        Some((_, file)) => whole(file, "a", file.len()),
        None => answer("404 Not Found", "Content-Length: 0\r\n", b""),
    })
}

#[test]
fn verified_files_are_not_requested_again() {
    let server = serving(vec![("/x.gz", gzip(CONTENT))]);
    let catalog = catalog(&md5(), &server.address);
    let (place, single) = (Place::new(), &catalog.data_sets[0]);
    assert_eq!(inspect::state(&place.store, single), Presence::Absent);
    for action in [Action::Fetched, Action::Present] {
        let outcome = place.fetch(single, None).0.unwrap();
        assert_eq!(
            (outcome.action, outcome.size.files, outcome.size.bytes),
            (action, 1, CONTENT.len() as u64)
        );
        assert_eq!(outcome.proofs, ["x.gz: MD5 of the unpacked content, as published"]);
    }
    assert_eq!(server.requests().len(), 1);
    assert_eq!(fs::read(place.folder("single").join("x")).unwrap(), CONTENT);
    assert!(inspect::verify(&place.store, single, &Display::memory()).is_ok());

    // Any damage is found and repaired; the previous content is kept.
    fs::write(place.folder("single").join("x"), "something else").unwrap();
    assert_eq!(inspect::state(&place.store, single), Presence::Changed);
    let message = inspect::verify(&place.store, single, &Display::memory()).unwrap_err().to_string();
    assert!(message.contains("x has changed") && message.contains("wrong MD5 of x"), "{message}");
    let (outcome, said) = place.fetch(single, None);
    assert_eq!(outcome.unwrap().action, Action::Fetched);
    assert!(said.iter().any(|it| it.contains("is kept in")), "{said:?}");
    assert_eq!(fs::read(place.store.root().join(".fetch/aside/x.1")).unwrap(), b"something else");
}

/// Some data sets are read from their archives.
#[test]
fn files_with_equal_packed_and_unpacked_names_are_kept() {
    let server = serving(vec![("/x.zip", CONTENT.to_vec())]);
    let text = format!(
        "[[data_set]]\nname = \"s\"\ntitle = \"t\"\nhomepage = \"h\"\nlicense = \"l\"\ncitation = \"c\"\nservers = [\"{}\"]\n\
         [[data_set.file]]\nname = \"x.zip\"\nunpacked = {{ file = \"x.zip\", max_bytes = 1000{} }}\n",
        server.address,
        md5()
    );
    let catalog: Catalog = text.parse().unwrap();
    let place = Place::new();
    for action in [Action::Fetched, Action::Present] {
        assert_eq!(place.fetch(&catalog.data_sets[0], None).0.unwrap().action, action);
    }
    assert_eq!(fs::read(place.folder("s").join("x.zip")).unwrap(), CONTENT);
    // Put there by the user.
    let place = Place::new();
    fs::create_dir_all(place.folder("s")).unwrap();
    fs::write(place.folder("s").join("x.zip"), CONTENT).unwrap();
    assert_eq!(place.fetch(&catalog.data_sets[0], None).0.unwrap().action, Action::Recorded);
}

#[test]
fn correct_files_from_elsewhere_are_recorded() {
    let place = Place::new();
    let catalog = catalog(&md5(), "http://127.0.0.1:1/");
    fs::create_dir_all(place.folder("single")).unwrap();
    fs::write(place.folder("single").join("x"), CONTENT).unwrap();
    assert_eq!(inspect::state(&place.store, &catalog.data_sets[0]), Presence::Unrecorded);
    assert_eq!(place.fetch(&catalog.data_sets[0], None).0.unwrap().action, Action::Recorded);
    // Unrelated content must not be moved.
    fs::create_dir_all(place.folder("folder")).unwrap();
    fs::write(place.folder("folder").join("thesis.txt"), "all of it").unwrap();
    assert!(matches!(place.fetch(&catalog.data_sets[1], None).0, Err(FetchError::InTheWay { .. })));
}

#[test]
fn wrong_files_are_reported_kept_and_not_used() {
    let server = serving(vec![("/x.gz", gzip(b"forged"))]);
    let catalog = catalog(&md5(), &server.address);
    let place = Place::new();
    let message = place.fetch(&catalog.data_sets[0], None).0.unwrap_err().to_string();
    assert!(
        message.contains("wrong MD5 of x") && message.contains("expected ") && message.contains("found ")
    );
    assert!(message.contains("The file is kept as"), "{message}");
    assert!(place.store.root().join(".fetch/aside/x.gz.1").exists());
    assert!(!place.folder("single").exists());
}

#[test]
fn trust_on_first_use_is_remembered() {
    let server = serving(vec![("/s.tar.gz", archive())]);
    let place = Place::new();
    let (outcome, said) = place.fetch(&catalog("", &server.address).data_sets[1], None);
    assert_eq!(outcome.unwrap().size.files, 2);
    assert!(said.iter().any(|it| it.contains("trusted on first use")), "{said:?}");
    // The single top-level folder is not part of the data set.
    assert_eq!(fs::read(place.folder("folder").join("audio/a.wav")).unwrap(), b"sound");

    fs::remove_dir_all(place.folder("folder")).unwrap();
    let forged =
        gzip(&tar(&[(EntryType::Regular, "audio/b", "", b"x"), (EntryType::Regular, "list.txt", "", b"")]));
    let server = serving(vec![("/s.tar.gz", forged)]);
    let message = place.fetch(&catalog("", &server.address).data_sets[1], None).0.unwrap_err().to_string();
    assert!(message.contains("wrong SHA-256") && message.contains("as it was on first use"), "{message}");
}

#[test]
fn mirrors_have_packed_or_unpacked_files() {
    let catalog = catalog(&md5(), "http://127.0.0.1:1/");
    let mirror = |fill: &dyn Fn(&Path)| {
        let place = Place::new();
        let root = place.root.path().join("mirror");
        for name in ["single", "folder/audio"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fill(&root);
        let mirror = Mirror::Folder(root);
        catalog.data_sets.iter().all(|it| place.fetch(it, Some(&mirror)).0.is_ok())
    };
    assert!(mirror(&|root| {
        fs::write(root.join("single/x.gz"), gzip(CONTENT)).unwrap();
        fs::write(root.join("folder/s.tar.gz"), archive()).unwrap();
    }));
    assert!(mirror(&|root| {
        fs::write(root.join("single/x"), CONTENT).unwrap();
        fs::write(root.join("folder/audio/a.wav"), "sound").unwrap();
        fs::write(root.join("folder/list.txt"), "a.wav").unwrap();
    }));
    let server = serving(vec![("/m/single/x", CONTENT.to_vec())]);
    let address: Mirror = format!("{}m", server.address).parse().unwrap();
    assert!(Place::new().fetch(&catalog.data_sets[0], Some(&address)).0.is_ok());
    assert!("ftp://x".parse::<Mirror>().is_err() && "no/such/folder".parse::<Mirror>().is_err());
}

/// A data set of one file whose MD5 is in a list next to it.
fn listed(server: &str) -> DataSet {
    let text = catalog("", server).data_sets[0].clone();
    let mut data_set = text;
    data_set.files[0].checksum_list = Some("sums".to_owned());
    data_set
}

fn list(file: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::default();
    hasher.update(file);
    format!("{}  x.gz\n", hasher.finish().md5).into_bytes()
}

#[test]
fn an_unreadable_list_of_checksums_is_an_error() {
    let packed = gzip(CONTENT);
    // It is available at the third request.
    let (file, sums) = (packed.clone(), list(&packed));
    let server = Server::start(move |request| match (request.path.as_str(), request.number) {
        ("/sums", 0..2) => answer("503 Service Unavailable", "Content-Length: 0\r\n", b""),
        ("/sums", _) => whole(&sums, "s", sums.len()),
        _ => whole(&file, "a", file.len()),
    });
    let outcome = Place::new().fetch(&listed(&server.address), None).0.unwrap();
    assert!(outcome.proofs[0].contains("as listed in"), "{:?}", outcome.proofs);

    let busy = || answer("503 Service Unavailable", "Content-Length: 0\r\n", b"");
    let missing = || answer("404 Not Found", "Content-Length: 0\r\n", b"");
    let cut = || answer("200 OK", "Content-Length: 100\r\n", b"0123");
    let html = || answer("200 OK", "", b"<html>log in first</html>");
    let binary = || answer("200 OK", "", b"\xff\xfe");
    let long = || answer("200 OK", "", &[b'x'; 2 << 20]);
    type Reply = fn() -> Vec<u8>;
    let replies: [(Reply, &str); 6] = [
        (busy, "503"),
        (missing, "404"),
        (cut, "interrupted"),
        (html, "has no MD5 of x.gz"),
        (binary, "not text"),
        (long, "more than"),
    ];
    for (reply, expected) in replies {
        let file = packed.clone();
        let server = Server::start(move |request| match request.path.as_str() {
            "/sums" => reply(),
            _ => whole(&file, "a", file.len()),
        });
        let place = Place::new();
        let (outcome, said) = place.fetch(&listed(&server.address), None);
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains("checksum list") && message.contains(expected), "{message}");
        assert!(!said.iter().any(|line| line.contains("is published")), "{said:?}");
        assert!(!place.folder("single").exists());
    }
    // A mirror may lack it.
    let server = serving(vec![("/m/single/x.gz", packed)]);
    let address: Mirror = format!("{}m", server.address).parse().unwrap();
    assert!(Place::new().fetch(&listed("http://127.0.0.1:1/"), Some(&address)).0.is_ok());
}

#[test]
fn a_refused_archive_leaves_no_files() {
    let bad = [
        gzip(&tar(&[(EntryType::Regular, "a", "", b"1"), (EntryType::Symlink, "b", "/etc/passwd", b"")])),
        gzip(&tar(&[(EntryType::Regular, "a", "", b"1"), (EntryType::Regular, "../b", "", b"2")])),
        // An intact archive that is not the data set.
        gzip(&tar(&[(EntryType::Regular, "a", "", b"1")])),
        archive()[..archive().len() - 10].to_vec(),
    ];
    for packed in bad {
        let server = serving(vec![("/s.tar.gz", packed)]);
        let place = Place::new();
        assert!(place.fetch(&catalog("", &server.address).data_sets[1], None).0.is_err());
        assert!(!place.store.work("folder").join("unpacked").exists());
        assert!(!place.folder("folder").exists());
    }
}

#[test]
fn two_runs_at_once_download_once() {
    let server = serving(vec![("/x.gz", gzip(CONTENT))]);
    let catalog = catalog(&md5(), &server.address);
    let place = Place::new();
    thread::scope(|scope| {
        let runs: Vec<_> =
            (0..4).map(|_| scope.spawn(|| place.fetch(&catalog.data_sets[0], None).0.unwrap())).collect();
        let fetched = runs.into_iter().map(|run| run.join().unwrap().action);
        assert_eq!(fetched.filter(|&action| action == Action::Fetched).count(), 1);
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_read_only_folder_is_named() {
    let place = Place::new();
    // A file instead of a folder: an error for everyone, including the superuser.
    fs::write(place.store.root(), "").unwrap();
    let message =
        place.fetch(&catalog("", "http://127.0.0.1:1/").data_sets[0], None).0.unwrap_err().to_string();
    assert!(message.starts_with("cannot create the folder ") && message.contains("data"), "{message}");
    let full = FetchError::io("write", Path::new("d/x"))(std::io::ErrorKind::StorageFull.into()).to_string();
    assert!(full.starts_with("cannot write d/x: ") && full.contains("the same command resumes"), "{full}");
    assert!(digest::file(Path::new("no/such/file"), &Display::memory()).is_err());
}
