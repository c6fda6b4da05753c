//! A request to a server, and the interpretation of its response.

use std::{
    io::{self, Read},
    time::{Duration, SystemTime},
};

use ureq::{
    Agent, Proxy,
    http::{HeaderMap, Response, StatusCode, header},
};

use super::{
    patience::{Patience, retry_after},
    proxy,
};

/// Why a request failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) problem: String,
    /// Whether a retry may help, and how long the server asks to wait before it.
    pub(crate) retry: Option<Option<Duration>>,
    /// Whether the server was unreachable.
    pub(crate) offline: bool,
    /// Whether the server says that it has no such file.
    pub(crate) missing: bool,
    /// Whether too few bytes arrived: they are kept, but do not count as progress.
    pub(crate) slow: bool,
}

impl Failure {
    pub(crate) fn lasting(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), retry: None, offline: false, missing: false, slow: false }
    }

    pub(crate) fn passing(problem: impl Into<String>) -> Self {
        Self { retry: Some(None), ..Self::lasting(problem) }
    }
}

/// The requested part of a file: everything from an offset, provided that the file still matches the validator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From<'a> {
    pub(crate) offset: u64,
    pub(crate) validator: Option<&'a str>,
}

/// A server's response.
pub(crate) struct Answer {
    pub(crate) kind: Kind,
    /// Length of the body, if the server states it.
    pub(crate) length: Option<u64>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) body: Box<dyn Read>,
}

/// The part of the file in the body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Whole,
    /// The file from this offset, with its total length (if the server knows it).
    Part {
        offset: u64,
        total: Option<u64>,
    },
    /// Nothing: the file is not longer than the requested offset. Its length, if the server states it.
    Beyond {
        total: Option<u64>,
    },
}

/// An HTTP and HTTPS client, using the proxies set in the environment.
pub(crate) struct Client {
    http: Result<Agent, String>,
    https: Result<Agent, String>,
}

impl Client {
    pub(crate) fn new(patience: &Patience) -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let agent = |scheme: &str| Ok(agent(patience, scheme, proxy::from_variables(scheme, variable)?));
        Self { http: agent("http"), https: agent("https") }
    }

    /// Requests a file.
    pub(crate) fn get(&self, address: &str, from: Option<From<'_>>) -> Result<Answer, Failure> {
        let agent = if address.starts_with("https:") { &self.https } else { &self.http };
        let agent = agent.as_ref().map_err(Failure::lasting)?;
        let mut request = agent.get(address);
        if let Some(From { offset, validator }) = from {
            request = request.header(header::RANGE, format!("bytes={offset}-"));
            if let Some(validator) = validator {
                request = request.header(header::IF_RANGE, validator);
            }
        }
        let response = request.call().map_err(|error| of_error(&error))?;
        of_response(response)
    }
}

fn agent(patience: &Patience, scheme: &str, proxy: Option<Proxy>) -> Agent {
    Agent::config_builder()
        .proxy(proxy)
        // Never downgrade from HTTPS to HTTP.
        .https_only(scheme == "https")
        .http_status_as_error(false)
        .user_agent(concat!("spiking-surrogate/", env!("CARGO_PKG_VERSION")))
        // Do not decompress the packed file.
        .accept_encoding("identity")
        .timeout_connect(Some(patience.connect))
        .timeout_recv_response(Some(patience.silence))
        .timeout_per_read(Some(patience.silence))
        .build()
        .into()
}

fn of_response(response: Response<ureq::Body>) -> Result<Answer, Failure> {
    let status = response.status();
    let headers = response.headers();
    let kind = match status {
        StatusCode::OK => Kind::Whole,
        StatusCode::PARTIAL_CONTENT => match content_range(headers) {
            Some((Some(offset), total)) => Kind::Part { offset, total },
            _ => return Err(Failure::lasting("the server sends an unspecified part of the file")),
        },
        StatusCode::RANGE_NOT_SATISFIABLE => {
            Kind::Beyond { total: content_range(headers).and_then(|(_, total)| total) }
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            return Err(busy(status, headers));
        }
        _ if status.is_server_error() => return Err(busy(status, headers)),
        _ => {
            let missing = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
            return Err(Failure { missing, ..Failure::lasting(format!("the server answers {status}")) });
        }
    };
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (etag, last_modified) = (text(header::ETAG), text(header::LAST_MODIFIED));
    let length = response.body().content_length();
    Ok(Answer { kind, length, etag, last_modified, body: Box::new(response.into_body().into_reader()) })
}

fn busy(status: StatusCode, headers: &HeaderMap) -> Failure {
    let wait = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let wait = wait.and_then(|value| retry_after(value, SystemTime::now()));
    let asks = wait.map_or(String::new(), |wait| {
        format!(" and asks to wait {}", humantime::format_duration(Duration::from_secs(wait.as_secs())))
    });
    Failure { retry: Some(wait), ..Failure::lasting(format!("the server answers {status}{asks}")) }
}

/// Offset and total length of `bytes 100-199/1000`, `bytes 100-199/*` or `bytes */1000`.
fn content_range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.strip_prefix("bytes")?.trim().split_once('/')?;
    Some((range.split_once('-').and_then(|(offset, _)| offset.parse().ok()), total.parse().ok()))
}

fn of_error(error: &ureq::Error) -> Failure {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable};
    let unreached = |problem: String| Failure { offline: true, ..Failure::passing(problem) };
    match error {
        ureq::Error::HostNotFound => unreached("the host is unknown".to_owned()),
        ureq::Error::ConnectionFailed => unreached("no connection".to_owned()),
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            unreached("no response to the connection attempt".to_owned())
        }
        ureq::Error::Timeout(_) => Failure::passing("no answer"),
        ureq::Error::Io(error) => match error.kind() {
            ConnectionRefused | HostUnreachable | NetworkDown | NetworkUnreachable => {
                unreached(error.to_string())
            }
            // The resolver's error has no specific kind.
            _ if error.to_string().starts_with("failed to lookup address") => {
                unreached("its name cannot be resolved".to_owned())
            }
            _ if is_of_certificate(error) => Failure::lasting(error.to_string()),
            _ => Failure::passing(error.to_string()),
        },
        ureq::Error::Protocol(error) => Failure::passing(format!("invalid HTTP: {error}")),
        other => Failure::lasting(other.to_string()),
    }
}

/// Whether the server's identity is wrong. TLS reports this as a connection error, which a retry will not fix.
fn is_of_certificate(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
        && error.to_string().to_ascii_lowercase().contains("certificate")
}

/// The failure for an interrupted body.
pub(crate) fn of_body(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Failure::passing("the connection was interrupted"),
        io::ErrorKind::TimedOut => Failure::passing("no more data arrives"),
        _ => Failure::passing(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_RANGE, value.parse().expect("a header"));
            content_range(&headers)
        };
        assert_eq!(read("bytes 100-199/1000"), Some((Some(100), Some(1000))));
        assert_eq!(read("bytes 100-199/*"), Some((Some(100), None)));
        assert_eq!(read("bytes */1000"), Some((None, Some(1000))));
        assert_eq!(read("pages 1-2/3"), None);
        assert_eq!(content_range(&HeaderMap::new()), None);
    }
}
