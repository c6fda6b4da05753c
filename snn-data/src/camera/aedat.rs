//! AEDAT 3.1, the file format of DVS Gesture: lines of text that begin with `#`, then packets.
//!
//! The first line is `#!AER-DAT3.1`, the last `#!END-HEADER`. A packet is a header of 28 bytes, little-endian: type (2 bytes), source (2),
//! event size, offset of the time in an event, clock overflows, capacity, events, valid events (4 each); then its events. A
//! polarity event (type 1, 8 bytes) is a word, bit 0 valid, bit 1 polarity, bits 2 to 16 the row, bits 17 to 31 the column, and the time in
//! microseconds. The clock has 31 bits.

use std::io::{self, BufRead, Read};

use super::recording::Event;

/// The packet type of polarity events, and the size of such an event.
const POLARITY: u16 = 1;
const EVENT: usize = 8;

/// Maximum number of bytes of the text, and of one event of any type.
const MAX_TEXT: u64 = 1 << 20;
const MAX_EVENT: u32 = 1 << 24;

/// A file, read packet by packet.
pub(crate) struct Aedat<R> {
    file: R,
    side: u32,
    /// Packets so far.
    packets: usize,
    /// Events left out: those of other types, and those that the camera marks as invalid.
    pub(crate) others: usize,
    pub(crate) invalid: usize,
}

/// Why a file cannot be read.
pub(crate) enum Broken {
    Io(io::Error),
    /// The place and the problem.
    Format(String, String),
}

impl<R: BufRead> Aedat<R> {
    /// Reads the text at the beginning; pixels must be within `side` x `side`.
    pub(crate) fn open(mut file: R, side: u32) -> Result<Self, Broken> {
        let mut text = Vec::new();
        let mut read = 0;
        loop {
            text.clear();
            let line = (&mut file).take(MAX_TEXT - read).read_until(b'\n', &mut text).map_err(Broken::Io)?;
            let words = text.trim_ascii_end();
            if read == 0 && words != b"#!AER-DAT3.1" {
                let begin = String::from_utf8_lossy(&words[..words.len().min(20)]).into_owned();
                let problem = format!("it begins with `{begin}` instead of `#!AER-DAT3.1`");
                return Err(Broken::Format("header".to_owned(), problem));
            }
            read += line as u64;
            if words == b"#!END-HEADER" {
                return Ok(Self { file, side, packets: 0, others: 0, invalid: 0 });
            }
            if !words.starts_with(b"#") || read >= MAX_TEXT {
                let problem = "the text at the beginning does not end with `#!END-HEADER`".to_owned();
                return Err(Broken::Format("header".to_owned(), problem));
            }
        }
    }

    /// Replaces `events` by the next packet of polarity events; `false` at the end.
    pub(crate) fn packet(&mut self, events: &mut Vec<Event>) -> Result<bool, Broken> {
        loop {
            events.clear();
            let place = format!("packet {}", self.packets);
            let broken = |problem: String| Broken::Format(place.clone(), problem);
            if self.file.fill_buf().map_err(Broken::Io)?.is_empty() {
                return Ok(false);
            }
            let mut header = [0; 28];
            self.fill(&mut header, &place, "header")?;
            self.packets += 1;
            let word =
                |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
            let kind = u16::from_le_bytes([header[0], header[1]]);
            let (size, turns, count) = (word(4), word(12), word(20));
            if kind != POLARITY {
                if size > MAX_EVENT {
                    return Err(broken(format!("events of {size} bytes")));
                }
                let bytes = u64::from(size) * u64::from(count);
                let skipped =
                    io::copy(&mut (&mut self.file).take(bytes), &mut io::sink()).map_err(Broken::Io)?;
                if skipped < bytes {
                    return Err(broken(format!(
                        "the file ends within it: {skipped} of {bytes} bytes of events"
                    )));
                }
                self.others += count as usize;
                continue;
            }
            if size as usize != EVENT {
                return Err(broken(format!("polarity events have {EVENT} bytes, not {size}")));
            }
            let mut event = [0; EVENT];
            for number in 0..count {
                self.fill(&mut event, &place, &format!("event {number}"))?;
                let word = u32::from_le_bytes([event[0], event[1], event[2], event[3]]);
                let time = u32::from_le_bytes([event[4], event[5], event[6], event[7]]);
                let (x, y) = (word >> 17, word >> 2 & 0x7fff);
                if word & 1 == 0 {
                    self.invalid += 1;
                    continue;
                }
                if x >= self.side || y >= self.side {
                    let side = self.side;
                    return Err(broken(format!(
                        "event {number} at pixel ({x}, {y}): the sensor has {side} x {side}"
                    )));
                }
                if time >> 31 == 1 {
                    return Err(broken(format!("event {number} at {time} us: times have 31 bits")));
                }
                let time = u64::from(turns) << 31 | u64::from(time);
                events.push(Event { time, x: x as u16, y: y as u16, on: word >> 1 & 1 == 1 });
            }
            return Ok(true);
        }
    }

    fn fill(&mut self, bytes: &mut [u8], place: &str, what: &str) -> Result<(), Broken> {
        self.file.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Broken::Format(place.to_owned(), format!("the file ends within its {what}"))
            }
            _ => Broken::Io(error),
        })
    }
}
