//! The npy format: `\x93NUMPY`, a two-byte version, the length of the header, the header, the entries.
//!
//! The header is a Python dictionary: `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`. The first letter of the type
//! is the byte order (`<` little-endian, `>` big-endian, `|` for single bytes), followed by the kind and size of an entry.

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Maximum number of dimensions, the same as in NumPy.
const MAX_DIMENSIONS: usize = 64;

/// Maximum length of a header in an error message.
const LISTED: usize = 200;

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<T> {
    /// The length of each axis; empty for a single number.
    pub shape: Vec<usize>,
    /// The entries in row-major order: the last axis varies fastest.
    pub values: Vec<T>,
}

impl<T> Array<T> {
    /// The slices along the first axis, each in row-major order. A single number is one slice.
    pub fn rows(&self) -> impl Iterator<Item = &[T]> {
        let rows = self.shape.first().copied().unwrap_or(1);
        let size = self.values.len() / rows.max(1);
        (0..rows).filter_map(move |row| self.values.get(row * size..(row + 1) * size))
    }
}

/// A type of entries: integers of 8 to 64 bits, `f32`, `f64` and `bool`.
pub trait Element: sealed::Bytes {}

mod sealed {
    /// Entries as bytes.
    pub trait Bytes: Copy {
        /// Kind and size, in the notation of npy files.
        const KIND: &'static str;

        /// From little-endian bytes; excess bytes are ignored.
        fn decode(bytes: &[u8]) -> Vec<Self>;

        /// Little-endian bytes.
        fn encode(values: &[Self]) -> Vec<u8>;
    }
}

pub(super) use sealed::Bytes;

macro_rules! elements {
    ($($element:ty: $kind:literal),+) => {$(
        impl Bytes for $element {
            const KIND: &'static str = $kind;

            fn decode(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks().0.iter().map(|bytes| Self::from_le_bytes(*bytes)).collect()
            }

            fn encode(values: &[Self]) -> Vec<u8> {
                values.iter().flat_map(|value| value.to_le_bytes()).collect()
            }
        }

        impl Element for $element {}
    )+};
}

elements!(i8: "i1", i16: "i2", i32: "i4", i64: "i8", u8: "u1", u16: "u2", u32: "u4", u64: "u8", f32: "f4", f64: "f8");

impl Bytes for bool {
    const KIND: &'static str = "b1";

    fn decode(bytes: &[u8]) -> Vec<Self> {
        bytes.iter().map(|&byte| byte != 0).collect()
    }

    fn encode(values: &[Self]) -> Vec<u8> {
        values.iter().map(|&value| value.into()).collect()
    }
}

impl Element for bool {}

/// The header of an array.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    /// The type, such as `<f8`.
    pub(super) kind: String,
    /// Whether the first axis varies fastest.
    fortran: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// The header of a file, and the bytes after it.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), String> {
        let short = || "it ends within its header".to_owned();
        let rest = bytes.strip_prefix(MAGIC).ok_or("it is not an npy file")?;
        let (&[version, _], rest) = rest.split_first_chunk().ok_or_else(short)?;
        let (length, rest) = match version {
            1 => rest.split_first_chunk().map(|(length, rest)| (u16::from_le_bytes(*length).into(), rest)),
            2 | 3 => {
                rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest))
            }
            _ => return Err(format!("version {version} of the npy format is unknown")),
        }
        .ok_or_else(short)?;
        let (text, entries) = rest.split_at_checked(length).ok_or_else(short)?;
        let text = std::str::from_utf8(text).map_err(|_| "its header is not UTF-8")?;
        let header = Dictionary(text).header().ok_or_else(|| {
            let begin: String = text.trim().chars().take(LISTED).collect();
            format!("its header is invalid: {begin}")
        })?;
        Ok((header, entries))
    }

    /// The header of a row-major array, with its preamble.
    pub(super) fn write<T: Bytes>(shape: &[usize]) -> Vec<u8> {
        let order = if size_of::<T>() == 1 { '|' } else { '<' };
        Self::of(&format!("{order}{}", T::KIND), shape)
    }

    /// The same for entries of a type in NumPy's notation.
    pub(super) fn of(kind: &str, shape: &[usize]) -> Vec<u8> {
        let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
        // A tuple of one needs a trailing comma, others must not have one.
        let sizes = if shape.len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
        let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
        // The entries begin at a multiple of 64 bytes.
        let fixed = MAGIC.len() + 2 + 4;
        let total = (fixed + text.len() + 1).next_multiple_of(64);
        text.extend(std::iter::repeat_n(' ', total - fixed - text.len() - 1));
        text.push('\n');
        [MAGIC.as_slice(), &[2, 0], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
    }
}

/// An array with the type `T`.
pub(super) fn parse<T: Bytes>(bytes: &[u8]) -> Result<Array<T>, String> {
    let (Header { kind, fortran, shape }, entries) = Header::parse(bytes)?;
    let (order, found) = kind.split_at_checked(1).unwrap_or_default();
    if found != T::KIND || !(matches!(order, "<" | ">") || order == "|" && size_of::<T>() == 1) {
        return Err(format!(
            "its entries have the type {kind} instead of {}: convert them with `.astype(\"{}\")`",
            T::KIND,
            T::KIND
        ));
    }
    let size = size_of::<T>();
    let count = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    if count.and_then(|count| count.checked_mul(size)) != Some(entries.len()) {
        return Err(format!("{} bytes of entries do not make the shape {shape:?} of {kind}", entries.len()));
    }
    let values = if order == ">" {
        let swapped: Vec<u8> =
            entries.chunks_exact(size).flat_map(|entry| entry.iter().rev()).copied().collect();
        T::decode(&swapped)
    } else {
        T::decode(entries)
    };
    let values = if fortran && shape.len() > 1 { row_by_row(&shape, &values) } else { values };
    Ok(Array { shape, values })
}

/// Converts entries from column-major to row-major order.
fn row_by_row<T: Copy>(shape: &[usize], values: &[T]) -> Vec<T> {
    let strides: Vec<usize> =
        shape.iter().scan(1, |stride, &size| Some(std::mem::replace(stride, *stride * size))).collect();
    let mut at = vec![0; shape.len()];
    let mut sorted = Vec::with_capacity(values.len());
    while sorted.len() < values.len() {
        let place: usize = at.iter().zip(&strides).map(|(at, stride)| at * stride).sum();
        sorted.push(values[place]);
        for (at, &size) in at.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < size {
                break;
            }
            *at = 0;
        }
    }
    sorted
}

/// The rest of the text of a dictionary.
struct Dictionary<'a>(&'a str);

impl<'a> Dictionary<'a> {
    fn header(mut self) -> Option<Header> {
        let (mut kind, mut fortran, mut shape) = (None, None, None);
        self.expect('{')?;
        while self.expect('}').is_none() {
            let key = self.string()?;
            self.expect(':')?;
            match key {
                "descr" => kind = Some(self.string()?.to_owned()),
                "fortran_order" => fortran = Some(self.truth()?),
                "shape" => shape = Some(self.tuple()?),
                _ => return None,
            }
            if self.expect(',').is_none() {
                self.expect('}')?;
                break;
            }
        }
        self.0.trim().is_empty().then_some(())?;
        Some(Header { kind: kind?, fortran: fortran?, shape: shape? })
    }

    fn expect(&mut self, sign: char) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(sign)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (string, rest) = text[1..].split_once(quote)?;
        self.0 = rest;
        Some(string)
    }

    fn truth(&mut self) -> Option<bool> {
        let text = self.0.trim_start();
        let (truth, rest) = match (text.strip_prefix("True"), text.strip_prefix("False")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return None,
        };
        self.0 = rest;
        Some(truth)
    }

    fn tuple(&mut self) -> Option<Vec<usize>> {
        self.expect('(')?;
        let (tuple, rest) = self.0.split_once(')')?;
        self.0 = rest;
        let tuple = tuple.trim();
        let tuple = tuple.strip_suffix(',').unwrap_or(tuple);
        if tuple.is_empty() {
            return Some(Vec::new());
        }
        // Python 2 wrote long integers with an L.
        let sizes: Vec<usize> = tuple
            .split(',')
            .map(|size| size.trim().trim_end_matches('L').parse())
            .collect::<Result<_, _>>()
            .ok()?;
        (sizes.len() <= MAX_DIMENSIONS).then_some(sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Option<Header> {
        Dictionary(text).header()
    }

    #[test]
    fn headers_are_dictionaries_of_python() {
        let expected =
            |fortran, shape: &[usize]| Some(Header { kind: "<f8".into(), fortran, shape: shape.into() });
        let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n";
        assert_eq!(header(text), expected(false, &[3, 4]));
        assert_eq!(header("{\"shape\":(5,),\"fortran_order\":True,\"descr\":\"<f8\"}"), expected(true, &[5]));
        assert_eq!(header("{'descr': '<f8', 'fortran_order': False, 'shape': (), }"), expected(false, &[]));
        assert_eq!(
            header("{'descr': '<f8', 'fortran_order': False, 'shape': (3L,), }"),
            expected(false, &[3])
        );
        for broken in [
            "",
            "{}",
            "{'descr': '<f8', 'fortran_order': False}",
            "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f8', 'fortran_order': None, 'shape': (3,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3, -1)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} and more",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
            "{\u{e9}: '<f8'}",
        ] {
            assert_eq!(header(broken), None, "{broken}");
        }
    }

    #[test]
    fn written_arrays_are_read_back() {
        for shape in [&[][..], &[6], &[2, 3], &[1, 2, 3]] {
            let values: Vec<i32> = (0..shape.iter().product::<usize>() as i32).collect();
            let header = Header::write::<i32>(shape);
            assert_eq!(header.len() % 64, 0);
            let bytes = [header, i32::encode(&values)].concat();
            assert_eq!(parse::<i32>(&bytes), Ok(Array { shape: shape.into(), values }));
            assert!(parse::<u32>(&bytes).is_err_and(|problem| problem.contains("type <i4 instead of u4")));
            assert!(parse::<i32>(&bytes[..bytes.len() - 1]).is_err());
        }
    }

    #[test]
    fn columns_become_rows() {
        // [[0, 1, 2], [3, 4, 5]] in column-major order, and the same with an axis of length 1 in between.
        assert_eq!(row_by_row(&[2, 3], &[0, 3, 1, 4, 2, 5]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(row_by_row(&[2, 1, 3], &[0, 3, 1, 4, 2, 5]), [0, 1, 2, 3, 4, 5]);
        assert!(row_by_row::<u8>(&[0, 3], &[]).is_empty());
    }
}
