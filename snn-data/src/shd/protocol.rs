//! The messages by which a helper sends the content of a file, described in [`isolate`](super::isolate).

use std::io::{self, Read, Write};

use super::head::{HDF5, Head, LENGTHS, MAX_SAMPLES, Person};
use crate::Error;

/// Maximum number of bytes of a text in a message.
const MAX_TEXT: u32 = 1 << 16;

/// Whether bytes begin like the output of a helper.
pub(crate) fn parse_head(bytes: &mut &[u8]) -> bool {
    read_head(bytes).is_ok()
}

pub(super) fn write_numbers<T: Copy, const N: usize>(
    out: &mut impl Write,
    numbers: &[T],
    bytes: fn(T) -> [u8; N],
) -> io::Result<()> {
    out.write_all(&(numbers.len() as u32).to_le_bytes())?;
    numbers.iter().try_for_each(|&number| out.write_all(&bytes(number)))
}

fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    // Longer words are damage.
    let most = text.len().min(MAX_TEXT as usize);
    let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    out.write_all(&(end as u32).to_le_bytes())?;
    out.write_all(&text.as_bytes()[..end])
}

fn write_option<T>(
    out: &mut impl Write,
    value: Option<T>,
    write: impl FnOnce(&mut dyn Write, T) -> io::Result<()>,
) -> io::Result<()> {
    out.write_all(&[value.is_some().into()])?;
    value.map_or(Ok(()), |value| write(out, value))
}

pub(super) fn write_head(out: &mut impl Write, head: &Head) -> io::Result<()> {
    out.write_all(b"H")?;
    write_numbers(out, &head.labels, u16::to_le_bytes)?;
    write_option(out, head.speakers.as_ref(), |mut out, speakers| {
        write_numbers(&mut out, speakers, u32::to_le_bytes)
    })?;
    write_option(out, head.keys.as_ref(), |mut out, keys| {
        out.write_all(&(keys.len() as u32).to_le_bytes())?;
        keys.iter().try_for_each(|key| write_text(&mut out, key))
    })?;
    out.write_all(&(head.people.len() as u32).to_le_bytes())?;
    for person in &head.people {
        write_option(out, person.gender.as_ref(), |mut out, gender| write_text(&mut out, gender))?;
        for number in [person.age, person.body_height] {
            write_option(out, number, |out, number| out.write_all(&number.to_le_bytes()))?;
        }
    }
    Ok(())
}

/// An error of [`SpikeFile`], without the path, which the receiver knows.
pub(super) fn write_error(out: &mut impl Write, error: &Error) -> io::Result<()> {
    let (place, source) = match error {
        Error::File { place, source, .. } => (place.as_str(), &**source),
        other => ("", other),
    };
    out.write_all(b"E")?;
    write_text(out, place)?;
    match source {
        Error::Length { what, found, expected } if LENGTHS.contains(what) => {
            let what = LENGTHS.iter().position(|known| known == what).unwrap_or_default();
            out.write_all(&[b'L', what as u8])?;
            out.write_all(&(*found as u64).to_le_bytes())?;
            out.write_all(&(*expected as u64).to_le_bytes())
        }
        Error::Format { problem, .. } => {
            out.write_all(b"F")?;
            write_text(out, problem)
        }
        Error::Unsupported { kind, .. } => {
            out.write_all(b"U")?;
            write_text(out, kind)
        }
        Error::Busy { reason, .. } => {
            out.write_all(b"B")?;
            write_text(out, reason)
        }
        other => {
            out.write_all(b"I")?;
            write_text(out, &other.to_string())
        }
    }
}

fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "invalid message")
}

fn read_byte(input: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    input.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn read_u32(input: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

/// Reads a list of at most `most` numbers. It grows with the data received.
pub(super) fn read_numbers<T, const N: usize>(
    input: &mut impl Read,
    most: u32,
    number: fn([u8; N]) -> T,
) -> io::Result<Vec<T>> {
    let count = read_u32(input)?;
    if count > most {
        return Err(nonsense());
    }
    let mut numbers = Vec::new();
    let mut buffer = vec![0; N << 14];
    let mut left = count as usize;
    while left > 0 {
        let bytes = &mut buffer[..N * left.min(1 << 14)];
        input.read_exact(bytes)?;
        numbers.extend(bytes.as_chunks::<N>().0.iter().map(|&bytes| number(bytes)));
        left -= bytes.len() / N;
    }
    Ok(numbers)
}

fn read_text(input: &mut impl Read) -> io::Result<String> {
    let length = read_u32(input)?;
    if length > MAX_TEXT {
        return Err(nonsense());
    }
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| nonsense())
}

fn read_option<R: Read, T>(
    input: &mut R,
    read: impl FnOnce(&mut R) -> io::Result<T>,
) -> io::Result<Option<T>> {
    match read_byte(input)? {
        0 => Ok(None),
        1 => read(input).map(Some),
        _ => Err(nonsense()),
    }
}

/// A list of items of varying length.
fn read_list<R: Read, T>(input: &mut R, mut read: impl FnMut(&mut R) -> io::Result<T>) -> io::Result<Vec<T>> {
    let count = read_u32(input)?;
    if count as usize > MAX_SAMPLES {
        return Err(nonsense());
    }
    (0..count).map(|_| read(input)).collect()
}

pub(super) fn read_head(input: &mut impl Read) -> io::Result<Head> {
    let most = MAX_SAMPLES as u32;
    let head = Head {
        labels: read_numbers(input, most, u16::from_le_bytes)?,
        speakers: read_option(input, |input| read_numbers(input, most, u32::from_le_bytes))?,
        keys: read_option(input, |input| read_list(input, read_text))?,
        people: read_list(input, |input| {
            Ok(Person {
                gender: read_option(input, read_text)?,
                age: read_option(input, read_u32)?,
                body_height: read_option(input, read_u32)?,
            })
        })?,
    };
    let fits = head.speakers.as_ref().is_none_or(|speakers| speakers.len() == head.labels.len());
    if fits { Ok(head) } else { Err(nonsense()) }
}

/// The place and the error.
pub(super) fn read_error(input: &mut impl Read) -> io::Result<(String, Error)> {
    let place = read_text(input)?;
    let error = match read_byte(input)? {
        b'L' => {
            let what = LENGTHS.get(usize::from(read_byte(input)?)).ok_or_else(nonsense)?;
            let mut number = || {
                let mut bytes = [0; 8];
                input.read_exact(&mut bytes).map(|()| u64::from_le_bytes(bytes) as usize)
            };
            Error::Length { what, found: number()?, expected: number()? }
        }
        b'F' => Error::format(HDF5, read_text(input)?),
        b'U' => Error::Unsupported { format: HDF5, kind: read_text(input)? },
        b'B' => Error::Busy { format: HDF5, reason: read_text(input)? },
        _ => Error::format(HDF5, read_text(input)?),
    };
    Ok((place, error))
}
