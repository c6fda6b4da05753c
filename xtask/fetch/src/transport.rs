//! One request to a server, and what its answer amounts to.

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

/// Why a server gave nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) problem: String,
    /// Whether another try may help, and how long the server asks to wait before it.
    pub(crate) retry: Option<Option<Duration>>,
    /// Whether the server was not even reached.
    pub(crate) offline: bool,
    /// Whether the server says that it has no such file.
    pub(crate) missing: bool,
    /// Whether bytes came, too few to wait for: they are kept, and count for nothing.
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

/// The part of a file that is asked for: all from an offset on, provided that the file is still the one of the validator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct From<'a> {
    pub(crate) offset: u64,
    pub(crate) validator: Option<&'a str>,
}

/// What a server sends.
pub(crate) struct Answer {
    pub(crate) kind: Kind,
    /// Bytes of the body, if the server says so.
    pub(crate) length: Option<u64>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) body: Box<dyn Read>,
}

/// What the body is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Whole,
    /// From this offset on, of a file of that length (if the server knows it).
    Part {
        offset: u64,
        total: Option<u64>,
    },
    /// Nothing: the file is no longer than the offset asked for. Its length, if the server says so.
    Beyond {
        total: Option<u64>,
    },
}

/// Speaks HTTP and HTTPS, through the proxies that the environment asks for.
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

    /// Asks for a file.
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
        // What begins encrypted stays so.
        .https_only(scheme == "https")
        .http_status_as_error(false)
        .user_agent(concat!("spiking-surrogate/", env!("CARGO_PKG_VERSION")))
        // The packed file is wanted as it is.
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
            _ => return Err(Failure::lasting("the server sends a part of the file, and does not say which")),
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
        ureq::Error::HostNotFound => unreached("the host is not known here".to_owned()),
        ureq::Error::ConnectionFailed => unreached("no connection".to_owned()),
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            unreached("no answer to the attempt to connect".to_owned())
        }
        ureq::Error::Timeout(_) => Failure::passing("no answer"),
        ureq::Error::Io(error) => match error.kind() {
            ConnectionRefused | HostUnreachable | NetworkDown | NetworkUnreachable => {
                unreached(error.to_string())
            }
            // The resolver's refusal has no kind of its own.
            _ if error.to_string().starts_with("failed to lookup address") => {
                unreached("its name cannot be looked up".to_owned())
            }
            _ if is_of_certificate(error) => Failure::lasting(error.to_string()),
            _ => Failure::passing(error.to_string()),
        },
        ureq::Error::Protocol(error) => Failure::passing(format!("no valid HTTP: {error}")),
        other => Failure::lasting(other.to_string()),
    }
}

/// Whether the server is not who it should be. TLS hides its reasons in an error of the connection; the server will be the
/// same next time.
fn is_of_certificate(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
        && error.to_string().to_ascii_lowercase().contains("certificate")
}

/// What an interrupted body amounts to.
pub(crate) fn of_body(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Failure::passing("the connection has been cut"),
        io::ErrorKind::TimedOut => Failure::passing("nothing comes any more"),
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
