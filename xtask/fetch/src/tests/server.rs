//! A local web server with scripted responses.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// The parts of a request used by tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// Its number, from 0.
    pub(super) number: usize,
    pub(super) path: String,
    /// The first requested byte.
    pub(super) offset: Option<usize>,
    pub(super) if_range: Option<String>,
}

/// All bytes sent.
pub(super) type Reply = Vec<u8>;

pub(super) struct Server {
    pub(super) address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request in turn until the test program ends.
    pub(super) fn start(reply: impl Fn(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let mut request = Request { number, path: String::new(), offset: None, if_range: None };
                for line in BufReader::new(&stream).lines().map_while(Result::ok) {
                    let lower = line.to_ascii_lowercase();
                    if let Some(path) = line.strip_prefix("GET ") {
                        request.path = path.split(' ').next().unwrap_or_default().to_owned();
                    } else if let Some(range) = lower.strip_prefix("range: bytes=") {
                        request.offset = range.trim_end_matches('-').parse().ok();
                    } else if lower.starts_with("if-range: ") {
                        request.if_range = Some(line["if-range: ".len()..].to_owned());
                    } else if line.is_empty() {
                        break;
                    }
                }
                seen.lock().unwrap().push(request.clone());
                // A client that closes the connection early is not an error.
                let _ = (&stream).write_all(&reply(&request));
            }
        });
        Self { address, requests }
    }

    /// Sends these headers, and then bytes until the client disconnects.
    pub(super) fn endless(head: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                while lines.next().is_some_and(|line| !line.is_empty()) {}
                let mut sent = (&stream).write_all(head);
                while sent.is_ok() {
                    sent = (&stream).write_all(&[7; 1000]);
                }
            }
        });
        Self { address, requests: Arc::default() }
    }

    /// Sends a byte occasionally, until the client disconnects.
    pub(super) fn trickling() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                    while lines.next().is_some_and(|line| !line.is_empty()) {}
                    let mut sent = (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
                    while sent.is_ok() {
                        thread::sleep(Duration::from_millis(20));
                        sent = (&stream).write_all(&[7]);
                    }
                });
            }
        });
        Self { address, requests: Arc::default() }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// An answer with these headers (each ending in a line break) and that body.
pub(super) fn answer(status: &str, headers: &str, body: &[u8]) -> Reply {
    [format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").as_bytes(), body].concat()
}

/// The whole file, of which the server sends the first `sent` bytes.
pub(super) fn whole(file: &[u8], etag: &str, sent: usize) -> Reply {
    let headers = format!("Content-Length: {}\r\n{}", file.len(), tag(etag));
    answer("200 OK", &headers, &file[..sent])
}

/// The file from an offset on.
pub(super) fn rest(file: &[u8], etag: &str, offset: usize) -> Reply {
    let (length, last) = (file.len(), file.len() - 1);
    let range = format!("Content-Range: bytes {offset}-{last}/{length}\r\n{}", tag(etag));
    let headers = format!("Content-Length: {}\r\n{range}", length - offset);
    answer("206 Partial Content", &headers, &file[offset..])
}

fn tag(etag: &str) -> String {
    if etag.is_empty() { String::new() } else { format!("ETag: \"{etag}\"\r\n") }
}
