//! The subset of Protocol Buffers used by event files: <https://protobuf.dev/programming-guides/encoding/>.
//!
//! A message is a sequence of fields, each a tag `number << 3 | wire type` and a value: a varint (0), eight bytes (1), a length
//! and that many bytes (2), or four bytes (5). Missing fields are 0 or empty.

/// Builds a message, field by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn varint(mut self, number: u64, value: u64) -> Self {
        self.tag(number, 0);
        self.push_varint(value);
        self
    }

    pub(super) fn double(mut self, number: u64, value: f64) -> Self {
        self.tag(number, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn float(mut self, number: u64, value: f32) -> Self {
        self.tag(number, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Bytes, a string, or a message.
    pub(super) fn bytes(mut self, number: u64, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.tag(number, 2);
        self.push_varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    /// A list of numbers, packed.
    pub(super) fn doubles(self, number: u64, values: &[f64]) -> Self {
        self.bytes(number, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }

    fn tag(&mut self, number: u64, wire_type: u64) {
        self.push_varint(number << 3 | wire_type);
    }

    fn push_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    /// Four or eight bytes, or as many as the field states.
    Bytes(&'a [u8]),
}

/// The fields of a message with their numbers, up to the first that is incomplete or of an unused wire type.
pub(super) fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let tag = varint(&mut message)?;
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut message)?),
            wire_type => {
                let length = match wire_type {
                    1 => 8,
                    2 => varint(&mut message)?,
                    5 => 4,
                    _ => return None,
                };
                let (bytes, rest) = message.split_at_checked(usize::try_from(length).ok()?)?;
                message = rest;
                Value::Bytes(bytes)
            }
        };
        Some((tag >> 3, value))
    })
}

/// The messages and strings in the field with this number.
pub(super) fn nested(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).filter_map(move |field| match field {
        (found, Value::Bytes(bytes)) if found == number => Some(bytes),
        _ => None,
    })
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_specification() {
        // The examples of the specification: {1: 150}, {2: "testing"}.
        assert_eq!(Message::default().varint(1, 150).as_ref(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().bytes(2, "testing").as_ref(), b"\x12\x07testing");
        assert_eq!(Message::default().double(1, 1.0).as_ref(), b"\x09\0\0\0\0\0\0\xf0\x3f");
        assert_eq!(Message::default().float(2, 1.0).as_ref(), b"\x15\0\0\x80\x3f");
        assert_eq!(Message::default().doubles(6, &[1.0]).as_ref(), b"\x32\x08\0\0\0\0\0\0\xf0\x3f");
        let largest = Message::default().varint(1, u64::MAX);
        assert_eq!(largest.as_ref().len(), 1 + 10);
        assert_eq!(fields(largest.as_ref()).collect::<Vec<_>>(), [(1, Value::Varint(u64::MAX))]);
    }

    #[test]
    fn fields_are_read_back_and_invalid_bytes_do_not_panic() {
        let inner = Message::default().bytes(1, "a").float(2, 0.5);
        let message = Message::default().varint(2, 300).bytes(5, inner.as_ref()).bytes(5, "b");
        assert_eq!(nested(message.as_ref(), 5).collect::<Vec<_>>(), [inner.as_ref(), b"b"]);
        assert_eq!(nested(inner.as_ref(), 1).collect::<Vec<_>>(), [b"a"]);
        assert_eq!(fields(message.as_ref()).count(), 3);
        for length in 0..message.as_ref().len() {
            assert!(fields(&message.as_ref()[..length]).count() < 3, "cut to {length}");
        }
        for wild in [&[0xff; 20][..], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], &[0x0b, 1], &[0x0f]] {
            assert_eq!(fields(wild).count(), 0, "{wild:?}");
        }
    }
}
