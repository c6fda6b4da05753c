//! The file format of N-MNIST: events of five bytes.
//!
//! An event is x, y, and 24 bits, most significant first: 1 bit of polarity (1 for on), 23 bits of time in microseconds. An event
//! in row 240 is not a pixel: it marks an overflow of the camera's 13-bit clock, after which all times are 2^13 us later.

use super::recording::Event;

/// Bytes of an event.
const EVENT: usize = 5;

/// The row that marks a clock overflow, and the microseconds it adds.
const TURN: u8 = 240;
const TURN_TIME: u64 = 1 << 13;

/// The events of a file, and the number of overflow marks among them; pixels must be within `side` x `side`.
///
/// # Errors
///
/// The place and the problem.
pub(crate) fn parse(bytes: &[u8], side: u32) -> Result<(Vec<Event>, usize), (String, String)> {
    let (events, rest) = bytes.as_chunks::<EVENT>();
    if !rest.is_empty() {
        let place = format!("event {}", events.len());
        return Err((place, format!("the file ends within an event: {} of {EVENT} bytes", rest.len())));
    }
    let mut turns = 0;
    let mut found = Vec::with_capacity(events.len());
    for (number, &[x, y, high, middle, low]) in events.iter().enumerate() {
        if y == TURN {
            turns += 1;
            continue;
        }
        if u32::from(x) >= side || u32::from(y) >= side {
            return Err((
                format!("event {number}"),
                format!("pixel ({x}, {y}): the sensor has {side} x {side}"),
            ));
        }
        let time = u64::from(u32::from_be_bytes([0, high & 0x7f, middle, low])) + turns * TURN_TIME;
        found.push(Event { time, x: x.into(), y: y.into(), on: high & 0x80 != 0 });
    }
    Ok((found, turns as usize))
}
