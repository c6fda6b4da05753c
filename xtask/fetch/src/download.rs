//! Downloading a file from a server to a partial file, which is kept and resumed.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    time::Instant,
};

use super::{
    display::Display,
    error::FetchError,
    part::{Origin, Part},
    patience::Patience,
    transport::{self, Answer, Client, Failure, From, Kind},
};

/// Maximum number of connections for one file, each of which received some of it: enough for any bad connection.
const MOST_CONNECTIONS: u32 = 1000;

/// Maximum number of attempts for an unreachable server.
const TRIES_TO_REACH: u32 = 2;

/// The expected file.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    /// Its exact length, if known.
    pub(crate) bytes: Option<u64>,
    /// Maximum number of bytes, regardless of what a server sends.
    pub(crate) limit: u64,
    /// Whether a checksum will detect mixed pieces of different files.
    pub(crate) verifiable: bool,
}

/// Why the download failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    Server(Failure),
    Here(FetchError),
}

impl std::convert::From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Server(failure)
    }
}

impl std::convert::From<FetchError> for Trouble {
    fn from(error: FetchError) -> Self {
        Self::Here(error)
    }
}

/// Downloads `address` to `part`, resuming existing content. Returns whether the file consists of several pieces.
pub(crate) fn download(
    client: &Client,
    address: &str,
    wanted: &Wanted,
    part: &Part,
    patience: &Patience,
    display: &Display,
) -> Result<bool, Trouble> {
    let (mut failed, mut connections, mut pieces) = (0, 0, part.len() > 0);
    loop {
        let before = part.len();
        let failure = match attempt(client, address, wanted, part, patience, display) {
            Ok(Step::Done) => {
                display.end();
                return Ok(pieces);
            }
            Ok(Step::Restart) => {
                part.discard()?;
                pieces = false;
                Failure::passing("the file has changed on the server since its first part was downloaded")
            }
            Err(Trouble::Server(failure)) => failure,
            Err(trouble) => return Err(trouble),
        };
        display.end();
        let Some(requested) = failure.retry else { return Err(failure.into()) };
        connections += 1;
        if part.len() > before {
            pieces = true;
            // A trickle of bytes does not count as progress.
            failed = if failure.slow { failed } else { 0 };
        }
        failed += 1;
        let useless = failure.offline && part.len() == 0 && failed >= TRIES_TO_REACH;
        let pause = patience.pause(failed, requested).filter(|_| !useless && connections < MOST_CONNECTIONS);
        let Some(pause) = pause else { return Err(failure.into()) };
        let seconds = pause.as_secs_f64();
        display.say(&format!("{address}: {}; retrying in {seconds:.1} s", failure.problem));
        (patience.sleep)(pause);
    }
}

enum Step {
    Done,
    Restart,
}

fn attempt(
    client: &Client,
    address: &str,
    wanted: &Wanted,
    part: &Part,
    patience: &Patience,
    display: &Display,
) -> Result<Step, Trouble> {
    let have = part.len();
    let origin = part.origin().filter(|_| have > 0).unwrap_or_default();
    let same = origin.address == address;
    let trusted = wanted.verifiable || (same && origin.validator().is_some());
    if have > 0 && origin.total == Some(have) && (wanted.verifiable || same) {
        return Ok(Step::Done);
    }
    let goes_on = have > 0 && trusted && origin.total.is_none_or(|total| have < total);
    let from = From { offset: have, validator: origin.validator().filter(|_| same) };
    let answer = client.get(address, goes_on.then_some(from))?;
    match answer.kind {
        Kind::Whole => part.discard()?,
        Kind::Part { offset, total } => {
            let other_tag =
                same && answer.etag.is_some() && origin.etag.is_some() && answer.etag != origin.etag;
            let other_length = origin.total.is_some() && total.is_some() && origin.total != total;
            if !goes_on || offset != have || other_tag || other_length {
                return Ok(Step::Restart);
            }
        }
        // The same length does not guarantee the same file, but a checksum will detect a mix.
        Kind::Beyond { total } if goes_on && wanted.verifiable && total == Some(have) => {
            return Ok(Step::Done);
        }
        Kind::Beyond { .. } => return Ok(Step::Restart),
    }
    receive(address, answer, wanted, part, patience, display).map(|()| Step::Done)
}

/// Appends the body of a response to the part.
fn receive(
    address: &str,
    mut answer: Answer,
    wanted: &Wanted,
    part: &Part,
    patience: &Patience,
    display: &Display,
) -> Result<(), Trouble> {
    let begin = part.len();
    let announced = match answer.kind {
        Kind::Part { total: Some(total), .. } => Some(total),
        _ => answer.length.and_then(|length| length.checked_add(begin)),
    };
    if let (Some(announced), Some(bytes)) = (announced, wanted.bytes)
        && announced != bytes
    {
        let problem = format!("the server announces {announced} bytes, but the file has {bytes}");
        return Err(Failure::lasting(problem).into());
    }
    let limit = wanted.bytes.unwrap_or(wanted.limit);
    if announced.is_some_and(|announced| announced > limit) {
        let problem = format!("the server announces more than the maximum of {limit} bytes");
        return Err(Failure::lasting(problem).into());
    }
    let total = announced.or(wanted.bytes);
    let mut origin = Origin {
        address: address.to_owned(),
        etag: answer.etag.take(),
        last_modified: answer.last_modified.take(),
        total,
    };
    part.remember(&origin)?;
    let io = |error| FetchError::io("write", part.path())(error);
    let mut file = OpenOptions::new().create(true).append(true).open(part.path()).map_err(io)?;
    display.begin(&wanted.name, total, begin);

    let mut have = begin;
    let (mut since, mut came) = (Instant::now(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match answer.body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(transport::of_body(&error).into()),
        };
        have += read as u64;
        came += read as u64;
        let elapsed = since.elapsed();
        if elapsed >= patience.silence {
            if came < patience.least && total.is_none_or(|total| have < total) {
                file.write_all(&buffer[..read]).map_err(io)?;
                let problem = format!("received only {came} bytes in {} s", elapsed.as_secs_f64().round());
                return Err(Failure { slow: true, ..Failure::passing(problem) }.into());
            }
            (since, came) = (Instant::now(), 0);
        }
        if have > limit {
            drop(file);
            part.discard()?;
            let problem = format!("the server sends more than the maximum of {limit} bytes");
            return Err(Failure::lasting(problem).into());
        }
        file.write_all(&buffer[..read]).map_err(io)?;
        display.advance(read as u64);
    }
    match total {
        Some(total) if have < total => {
            let problem = format!("the server ended the file after {have} of {total} bytes");
            Err(Failure::passing(problem).into())
        }
        Some(_) => finish(&file, part),
        None => {
            origin.total = Some(have);
            part.remember(&origin)?;
            finish(&file, part)
        }
    }
}

fn finish(file: &File, part: &Part) -> Result<(), Trouble> {
    // Some file systems report a full disk only here.
    Ok(file.sync_data().map_err(FetchError::io("write", part.path()))?)
}
