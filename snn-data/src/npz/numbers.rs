//! Numbers of any type.

use super::Npz;
use super::npy::{Array, Bytes, Header, parse};
use crate::Error;

impl Npz {
    /// Reads an array of integers, floats or booleans of any width as `f64`, which is exact up to 2^53.
    ///
    /// # Errors
    ///
    /// Those of [`Npz::read`], except for the type: entries must be numbers.
    pub fn read_numbers(&mut self, name: &str) -> Result<Array<f64>, Error> {
        let bytes = self.bytes(name)?;
        numbers(&bytes).map_err(|problem| self.error(name, problem))
    }
}

fn numbers(bytes: &[u8]) -> Result<Array<f64>, String> {
    let (Header { kind, .. }, _) = Header::parse(bytes)?;
    match kind.get(1..).unwrap_or_default() {
        "b1" => of::<bool>(bytes, |it| f64::from(u8::from(it))),
        "i1" => of::<i8>(bytes, f64::from),
        "i2" => of::<i16>(bytes, f64::from),
        "i4" => of::<i32>(bytes, f64::from),
        "i8" => of::<i64>(bytes, |it| it as f64),
        "u1" => of::<u8>(bytes, f64::from),
        "u2" => of::<u16>(bytes, f64::from),
        "u4" => of::<u32>(bytes, f64::from),
        "u8" => of::<u64>(bytes, |it| it as f64),
        "f2" => of::<Half>(bytes, Half::value),
        "f4" => of::<f32>(bytes, f64::from),
        "f8" => of::<f64>(bytes, |it| it),
        _ => Err(format!("its entries have the type {kind}, which is not a number")),
    }
}

fn of<T: Bytes>(bytes: &[u8], number: impl Fn(T) -> f64) -> Result<Array<f64>, String> {
    let Array { shape, values } = parse::<T>(bytes)?;
    Ok(Array { shape, values: values.into_iter().map(number).collect() })
}

/// A 16-bit float: 1 sign bit, 5 exponent bits, 10 fraction bits.
#[derive(Clone, Copy)]
struct Half(u16);

impl Half {
    fn value(self) -> f64 {
        let sign = if self.0 >> 15 == 1 { -1.0 } else { 1.0 };
        let fraction = f64::from(self.0 & 0x3ff);
        sign * match i32::from(self.0 >> 10 & 0x1f) {
            0 => fraction * 2.0_f64.powi(-24),
            31 if fraction == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            exponent => (1024.0 + fraction) * 2.0_f64.powi(exponent - 25),
        }
    }
}

impl Bytes for Half {
    const KIND: &'static str = "f2";

    fn decode(bytes: &[u8]) -> Vec<Self> {
        u16::decode(bytes).into_iter().map(Self).collect()
    }

    fn encode(values: &[Self]) -> Vec<u8> {
        u16::encode(&values.iter().map(|value| value.0).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_numeric_type_is_read() {
        fn read<T: Bytes>(values: &[T]) -> Vec<f64> {
            let bytes = [Header::write::<T>(&[values.len()]), T::encode(values)].concat();
            numbers(&bytes).unwrap().values
        }
        assert_eq!(read(&[true, false]), [1.0, 0.0]);
        assert_eq!(read(&[-1_i8, 2]), [-1.0, 2.0]);
        assert_eq!(read(&[-300_i16]), [-300.0]);
        assert_eq!(read(&[-70_000_i32]), [-70_000.0]);
        assert_eq!(read(&[1_i64 << 40]), [(1_u64 << 40) as f64]);
        assert_eq!(read(&[200_u8]), [200.0]);
        assert_eq!(read(&[60_000_u16]), [60_000.0]);
        assert_eq!(read(&[4_000_000_000_u32]), [4e9]);
        assert_eq!(read(&[1_u64 << 50]), [(1_u64 << 50) as f64]);
        assert_eq!(read(&[0.25_f32]), [0.25]);
        assert_eq!(read(&[0.1_f64]), [0.1]);
        // 1, -2, 65504 (the largest), 2^-24 (the smallest), the nearest to 1/3, infinity.
        let halves = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0x7c00].map(Half);
        let expected = [1.0, -2.0, 65_504.0, 2.0_f64.powi(-24), 0.333_251_953_125, f64::INFINITY];
        assert_eq!(read(&halves), expected);
        assert!(Half(0x7e00).value().is_nan());
    }

    #[test]
    fn other_types_are_refused() {
        let bytes = Header::write::<u8>(&[0]);
        let text = bytes.windows(3).position(|window| window == b"|u1").unwrap();
        let mut bytes = bytes;
        bytes[text..text + 3].copy_from_slice(b"|V1");
        assert!(numbers(&bytes).unwrap_err().contains("type |V1, which is not a number"));
    }
}
