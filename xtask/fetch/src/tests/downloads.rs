//! Downloads from servers that misbehave.

use std::{fs, sync::Mutex, time::Duration};

use super::{
    super::{
        display::Display,
        download::{Trouble, Wanted, download},
        part::Part,
        patience::Patience,
        transport::Client,
    },
    server::{Reply, Request, Server, answer, rest, whole},
};

fn file() -> Vec<u8> {
    (0..100_000_u32).map(|n| (n * n % 251) as u8).collect()
}

fn patience() -> Patience {
    let silence = Duration::from_millis(300);
    Patience { attempts: 4, silence, least: 1000, sleep: |_| {}, ..Patience::default() }
}

/// The received content, its number of pieces, and the requests.
struct Came {
    outcome: Result<bool, String>,
    bytes: Vec<u8>,
    requests: Vec<Request>,
    said: Vec<String>,
}

fn get(verifiable: bool, reply: impl Fn(&Request) -> Reply + Send + 'static) -> Came {
    let folder = tempfile::tempdir().unwrap();
    get_into(&Part::new(folder.path().join("f.part")), verifiable, &Server::start(reply))
}

fn get_into(part: &Part, verifiable: bool, server: &Server) -> Came {
    let wanted = Wanted { name: "f".into(), bytes: None, limit: 200_000, verifiable };
    let (patience, display) = (patience(), Display::memory());
    let address = format!("{}f", server.address);
    let outcome = download(&Client::new(&patience), &address, &wanted, part, &patience, &display);
    let outcome = outcome.map_err(|trouble| match trouble {
        Trouble::Server(failure) => failure.problem,
        Trouble::Here(error) => error.to_string(),
    });
    let bytes = fs::read(part.path()).unwrap_or_default();
    Came { outcome, bytes, requests: server.requests(), said: display.said() }
}

fn offsets(came: &Came) -> Vec<Option<usize>> {
    came.requests.iter().map(|request| request.offset).collect()
}

#[test]
fn an_interrupted_download_resumes() {
    let came = get(false, |request| match request.offset {
        None => whole(&file(), "a", 30_000),
        Some(offset) => rest(&file(), "a", offset),
    });
    assert_eq!(came.outcome, Ok(true));
    assert!(came.bytes == file());
    assert_eq!(offsets(&came), [None, Some(30_000)]);
    assert_eq!(came.requests[1].if_range.as_deref(), Some("\"a\""));
    assert!(came.said[0].contains("retrying in"), "{:?}", came.said);
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let came = get(false, |request| whole(&file(), "a", if request.number == 0 { 30_000 } else { 100_000 }));
    assert!(came.outcome.is_ok() && came.bytes == file());
}

#[test]
fn parts_of_two_files_are_never_combined() {
    let other = || file().into_iter().rev().collect::<Vec<u8>>();
    // A server that supports If-Range sends the complete new file, others a part of it with its new tag.
    for heeds in [true, false] {
        let came = get(true, move |request| match (request.number, request.offset) {
            (0, _) => whole(&file(), "a", 30_000),
            (_, Some(offset)) if !heeds => rest(&other(), "b", offset),
            _ => whole(&other(), "b", 100_000),
        });
        assert!(came.outcome.is_ok() && came.bytes == other(), "{:?}", came.outcome);
    }
    // Without tag and checksum, there is no way to know whether the rest belongs to it.
    let came = get(false, |request| whole(&file(), "", if request.number == 0 { 30_000 } else { 100_000 }));
    assert!(came.outcome.is_ok() && came.bytes == file());
    assert_eq!(offsets(&came), [None, None]);
}

#[test]
fn a_later_run_resumes_and_with_a_checksum_from_another_server() {
    for (verifiable, expected) in [(true, Some(30_000)), (false, None)] {
        let folder = tempfile::tempdir().unwrap();
        let part = Part::new(folder.path().join("f.part"));
        let first = Server::start(|request| {
            if request.number == 0 { whole(&file(), "a", 30_000) } else { answer("404 Not Found", "", b"") }
        });
        assert!(get_into(&part, verifiable, &first).outcome.is_err());
        assert_eq!(part.len(), 30_000);
        let second = Server::start(|request| match request.offset {
            None => whole(&file(), "x", 100_000),
            Some(offset) => rest(&file(), "x", offset),
        });
        let came = get_into(&part, verifiable, &second);
        assert!(came.outcome.is_ok() && came.bytes == file());
        assert_eq!(offsets(&came), [expected]);
        // A complete file is not requested again.
        assert_eq!(get_into(&part, verifiable, &second).requests.len(), 1);
    }
}

#[test]
fn a_busy_server_is_retried_and_a_missing_file_is_not() {
    let came = get(false, |request| match request.number {
        0 => answer("503 Service Unavailable", "Retry-After: 7\r\nContent-Length: 0\r\n", b""),
        1 => answer("429 Too Many Requests", "Content-Length: 0\r\n", b""),
        _ => whole(&file(), "a", 100_000),
    });
    assert!(came.outcome.is_ok());
    assert!(came.said[0].contains("asks to wait 7s; retrying in 7.0 s"), "{:?}", came.said);
    let came = get(false, |_| answer("503 Service Unavailable", "Retry-After: 86400\r\n", b""));
    assert_eq!((came.requests.len(), came.outcome.is_err()), (1, true));
    let came = get(false, |_| answer("404 Not Found", "Content-Length: 0\r\n", b""));
    assert_eq!((came.requests.len(), came.outcome), (1, Err("the server answers 404 Not Found".into())));
    let came = get(false, |_| answer("500 Internal Server Error", "", b""));
    assert_eq!(came.requests.len(), 4, "no more attempts than the policy allows");
}

#[test]
fn a_body_is_limited_in_size() {
    let came = get(false, |_| answer("200 OK", "", &[7; 300_000]));
    assert!(
        came.outcome
            .is_err_and(|it| it.starts_with("the server sends more than the maximum of 200000 bytes"))
    );
    assert!(came.bytes.is_empty(), "nothing of it is kept");
    let came = get(false, |_| answer("200 OK", "Content-Length: 300000\r\n", &[7; 10]));
    assert!(came.outcome.is_err_and(|it| it.starts_with("the server announces more than")));
}

#[test]
fn an_endless_body_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    for head in [
        &b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"[..],
        // One chunk that never ends.
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
        // The headers themselves.
        b"HTTP/1.1 200 OK\r\nX: ",
    ] {
        let part = Part::new(folder.path().join("f.part"));
        let came = get_into(&part, true, &Server::endless(head));
        assert!(came.outcome.is_err() && came.bytes.is_empty(), "{:?}", came.outcome);
    }
}

#[test]
fn a_body_that_always_ends_early_is_an_error() {
    let came = get(false, |_| whole(&file(), "", 10));
    assert!(came.outcome.is_err());
    // Too small a length truncates the file, which its checksum will detect.
    let came = get(false, |_| answer("200 OK", "Content-Length: 50\r\n", &file()));
    assert_eq!((came.outcome, came.bytes.len()), (Ok(false), 50));
    // A truncated chunk, and a complete one without the final empty one.
    for chunk in [&b"64\r\nhalf of it"[..], b"4\r\nall \r\n"] {
        let came = get(false, move |_| answer("200 OK", "Transfer-Encoding: chunked\r\n", chunk));
        assert!(came.outcome.is_err(), "{:?}", came.outcome);
    }
}

#[test]
fn redirects_are_followed_and_garbage_is_refused() {
    let came = get(false, |request| match request.path.as_str() {
        "/f" => answer("302 Found", "Location: /g\r\nContent-Length: 0\r\n", b""),
        _ => whole(&file(), "a", 100_000),
    });
    assert!(came.outcome.is_ok() && came.bytes == file());
    assert!(get(false, |_| b"garbage\r\n\r\n".to_vec()).outcome.is_err());
    let came = get(false, |_| answer("302 Found", "Location: /f\r\nContent-Length: 0\r\n", b""));
    assert!(came.outcome.is_err(), "a redirect loop");
}

#[test]
fn a_silent_server_times_out() {
    let number = Mutex::new(0);
    let came = get(false, move |_| {
        *number.lock().unwrap() += 1;
        if *number.lock().unwrap() == 1 {
            std::thread::sleep(Duration::from_millis(900));
        }
        whole(&file(), "a", 100_000)
    });
    assert!(came.outcome.is_ok() && came.said[0].contains("no answer"), "{:?} {:?}", came.outcome, came.said);
}

#[test]
fn an_unreachable_server_differs_from_one_that_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = Wanted { name: "f".into(), bytes: None, limit: 10, verifiable: false };
    let part = Part::new(folder.path().join("f.part"));
    // A port that was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (patience, display) = (patience(), Display::memory());
    let address = format!("http://127.0.0.1:{port}/f");
    let outcome = download(&Client::new(&patience), &address, &wanted, &part, &patience, &display);
    assert!(matches!(outcome, Err(Trouble::Server(failure)) if failure.offline));
    assert_eq!(display.said().len(), 1, "only one more attempt");
}

#[test]
fn a_very_slow_download_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let part = Part::new(folder.path().join("f.part"));
    let begin = std::time::Instant::now();
    let came = get_into(&part, true, &Server::trickling());
    let problem = came.outcome.unwrap_err();
    assert!(problem.starts_with("received only ") && problem.contains(" bytes in "), "{problem}");
    assert_eq!(came.said.len(), 3, "four attempts, with or without bytes: {:?}", came.said);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert!(!came.bytes.is_empty(), "received bytes are kept");
}

#[test]
fn a_different_server_is_not_asked_twice() {
    let Some(server) = Forged::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let wanted = Wanted { name: "f".into(), bytes: None, limit: 10, verifiable: false };
    let part = Part::new(folder.path().join("f.part"));
    let display = Display::memory();
    let patience = Patience { silence: Duration::from_secs(20), ..patience() };
    let outcome = download(&Client::new(&patience), &server.address, &wanted, &part, &patience, &display);
    let Err(Trouble::Server(failure)) = outcome else { panic!("its identity is wrong") };
    assert!(failure.problem.contains("certificate") && failure.retry.is_none(), "{failure:?}");
    assert!(display.said().is_empty(), "{:?}", display.said());
}

/// A server with a self-signed certificate.
struct Forged {
    address: String,
    process: std::process::Child,
    _folder: tempfile::TempDir,
}

impl Forged {
    /// `None` where openssl is not installed.
    fn start() -> Option<Self> {
        use std::process::{Command, Stdio};

        let folder = tempfile::tempdir().unwrap();
        let openssl = |words: &[&str]| {
            let mut command = Command::new("openssl");
            command.args(words).current_dir(folder.path());
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let key =
            ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k", "-out", "c", "-days", "2"];
        let name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
        if !openssl(&[&key[..], &name].concat()).status().is_ok_and(|status| status.success()) {
            snn_test_support::skip("openssl is not installed");
            return None;
        }
        // A port that was just free.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = openssl(&["s_server", "-accept", &port.to_string(), "-key", "k", "-cert", "c", "-www"]);
        let process = { process }.spawn().unwrap();
        let connects = |_: &u32| {
            std::thread::sleep(Duration::from_millis(20));
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        };
        assert!((0..500).any(|n| connects(&n)), "openssl serves");
        Some(Self { address: format!("https://localhost:{port}/f"), process, _folder: folder })
    }
}

impl Drop for Forged {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
