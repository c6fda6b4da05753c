//! Streamed sound: WAV or raw PCM from a pipe of unknown length.

use std::fmt;
use std::io::{self, Read};

use super::RATES;
use super::sound::Broken;
use super::wav::{Code, Format};
use crate::Error;

const STREAM: &str = "sound stream";

/// Maximum number of bytes of a chunk skipped before the samples.
const MAX_CHUNK: u64 = 1 << 26;

/// How samples of raw PCM are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// 16-bit integers, little-endian.
    S16,
    /// 24-bit integers in three bytes, little-endian.
    S24,
    /// 32-bit integers, little-endian.
    S32,
    /// Floats, little-endian.
    F32,
    /// A-law (ITU-T G.711).
    ALaw,
    /// mu-law (ITU-T G.711).
    MuLaw,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: &[Encoding] =
        &[Encoding::S16, Encoding::S24, Encoding::S32, Encoding::F32, Encoding::ALaw, Encoding::MuLaw];

    /// Its name on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::S16 => "s16le",
            Self::S24 => "s24le",
            Self::S32 => "s32le",
            Self::F32 => "f32le",
            Self::ALaw => "alaw",
            Self::MuLaw => "mulaw",
        }
    }
}

/// Samples of a sound as they arrive, mixed down to one channel: the same numbers as from [`Sound::read`](super::Sound::read)
/// for a file with the same bytes.
pub struct SoundStream<R> {
    reader: R,
    format: Format,
    /// Remaining bytes of samples, if known.
    left: Option<u64>,
    /// Bytes of an incomplete sample, and a read buffer.
    held: Vec<u8>,
    buffer: Vec<u8>,
    /// Samples returned so far.
    samples: u64,
}

impl<R: Read> SoundStream<R> {
    /// Reads the header of a WAV file up to its samples. Placeholder sizes from programs that wrote to a pipe mean: to the end.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] for anything but WAV, or [`Error::Unsupported`] for an unsupported kind of it.
    pub fn wav(mut reader: R) -> Result<Self, Error> {
        let broken = |problem: &str| Error::format(STREAM, problem);
        let io = |error: io::Error| {
            let ends = error.kind() == io::ErrorKind::UnexpectedEof;
            Error::format(
                STREAM,
                if ends { "it ends within its header".to_owned() } else { error.to_string() },
            )
        };
        let mut head = [0; 12];
        reader.read_exact(&mut head).map_err(io)?;
        if !matches!(&head[..4], b"RIFF" | b"RF64" | b"BW64") || &head[8..] != b"WAVE" {
            return Err(broken("it is not WAV; specify how raw samples are stored"));
        }
        let (mut format, mut long) = (None, None);
        loop {
            let mut head = [0; 8];
            reader.read_exact(&mut head).map_err(io)?;
            let announced = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            if &head[..4] == b"data" {
                let format = format.ok_or_else(|| broken("its samples come before its `fmt ` chunk"))?;
                let left = match announced {
                    u32::MAX => long,
                    // placeholders written by programs that do not know the size yet
                    0 | 0x7fff_f000..=0x8000_0000 | 0xffff_ff00.. => None,
                    bytes => Some(bytes.into()),
                };
                return Self::new(reader, format, left);
            }
            let size = u64::from(announced);
            if size > MAX_CHUNK {
                return Err(broken("a chunk before its samples is longer than 64 MiB"));
            }
            let mut bytes = Vec::new();
            reader.by_ref().take(size + size % 2).read_to_end(&mut bytes).map_err(io)?;
            match &head[..4] {
                b"fmt " => {
                    format = Some(Format::parse(&bytes).map_err(|Broken { error, .. }| error)?);
                }
                b"ds64" => {
                    long = bytes.get(8..16).and_then(|it| Some(u64::from_le_bytes(*it.first_chunk()?)));
                    long = long.filter(|&bytes| bytes != 0 && bytes != u64::MAX);
                }
                _ => {}
            }
        }
    }

    /// Raw samples, interleaved.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] unless the rate is 1000 to 768000 Hz and there is at least one channel.
    pub fn raw(reader: R, encoding: Encoding, rate: u32, channels: u16) -> Result<Self, Error> {
        let (code, bytes) = match encoding {
            Encoding::S16 => (Code::Integer, 2),
            Encoding::S24 => (Code::Integer, 3),
            Encoding::S32 => (Code::Integer, 4),
            Encoding::F32 => (Code::Float, 4),
            Encoding::ALaw => (Code::ALaw, 1),
            Encoding::MuLaw => (Code::MuLaw, 1),
        };
        if channels == 0 {
            return Err(Error::setting("channels", channels, "at least 1"));
        }
        Self::new(reader, Format { code, channels, rate, bytes }, None)
    }

    fn new(reader: R, format: Format, left: Option<u64>) -> Result<Self, Error> {
        if !RATES.contains(&format.rate) {
            return Err(Error::setting("sample_rate", format.rate, "1000 to 768000 Hz"));
        }
        let frame = usize::from(format.bytes) * usize::from(format.channels);
        // about 10 ms at a time, to return available samples without waiting for more
        let buffer = vec![0; frame * (format.rate as usize / 100).max(1)];
        Ok(Self { reader, format, left, held: Vec::new(), buffer, samples: 0 })
    }

    /// Sample rate in Hz.
    pub fn rate(&self) -> u32 {
        self.format.rate
    }

    /// Appends the available samples, waiting for the first of them; full scale is -1 to 1. `false` at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] for a sample that is not a number, an end before the announced number of samples, and a failing reader.
    pub fn read(&mut self, samples: &mut Vec<f64>) -> Result<bool, Error> {
        let wanted = self.left.map_or(u64::MAX, |left| left).min(self.buffer.len() as u64) as usize;
        let count = if wanted == 0 { 0 } else { self.fill(wanted)? };
        if count == 0 {
            return match self.left {
                Some(1..) => Err(Error::format(STREAM, format!("it ends early, at sample {}", self.samples))),
                _ => Ok(false),
            };
        }
        self.left = self.left.map(|left| left - count as u64);
        self.held.extend_from_slice(&self.buffer[..count]);
        let size = usize::from(self.format.bytes);
        let frame = size * usize::from(self.format.channels);
        let whole = self.held.len() - self.held.len() % frame;
        for frame in self.held[..whole].chunks_exact(frame) {
            let sum: f64 = frame.chunks_exact(size).map(|sample| self.format.sample(sample)).sum();
            let mean = sum / f64::from(self.format.channels);
            if !mean.is_finite() {
                return Err(Error::format(STREAM, format!("sample {} is not a number", self.samples)));
            }
            samples.push(mean);
            self.samples += 1;
        }
        self.held.drain(..whole);
        Ok(true)
    }

    fn fill(&mut self, wanted: usize) -> Result<usize, Error> {
        loop {
            match self.reader.read(&mut self.buffer[..wanted]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| Error::format(STREAM, error.to_string())),
            }
        }
    }
}

impl<R> fmt::Debug for SoundStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoundStream").field("format", &self.format).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Sound;

    /// Returns a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(mut stream: SoundStream<Trickle<'_>>) -> Result<Vec<f64>, Error> {
        let mut samples = Vec::new();
        while stream.read(&mut samples)? {}
        Ok(samples)
    }

    fn wav(tag: u16, bits: u16, channels: u16, announced: Option<u32>, data: &[u8]) -> Vec<u8> {
        let align = bits / 8 * channels;
        let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0".to_vec();
        for half in [tag, channels] {
            file.extend(half.to_le_bytes());
        }
        file.extend(16_000_u32.to_le_bytes());
        file.extend((16_000 * u32::from(align)).to_le_bytes());
        for half in [align, bits] {
            file.extend(half.to_le_bytes());
        }
        file.extend(b"data");
        file.extend(announced.unwrap_or(data.len() as u32).to_le_bytes());
        file.extend(data);
        file
    }

    #[test]
    fn a_stream_equals_a_file() {
        let bytes: Vec<u8> = (0..2400_u32).map(|k| (k.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let floats: Vec<u8> = (0..300).flat_map(|k| (k as f32 / 300.0 - 0.5).to_le_bytes()).collect();
        for (tag, bits, channels) in [
            (1, 8, 1),
            (1, 16, 1),
            (1, 16, 2),
            (1, 24, 1),
            (1, 32, 3),
            (6, 8, 1),
            (7, 8, 2),
            (3, 32, 1),
            (3, 32, 2),
        ] {
            let data = if tag == 3 { &floats } else { &bytes };
            let file = wav(tag, bits, channels, None, data);
            let expected = Sound::parse(&file).unwrap();
            for piece in [1, 7, 4096] {
                let stream = SoundStream::wav(Trickle(&file, piece)).unwrap();
                assert_eq!(stream.rate(), expected.rate);
                assert_eq!(all(stream).unwrap(), expected.samples, "{tag} {bits} {channels} {piece}");
            }
        }
        for (encoding, tag, bits) in [
            (Encoding::S16, 1, 16),
            (Encoding::S24, 1, 24),
            (Encoding::S32, 1, 32),
            (Encoding::F32, 3, 32),
            (Encoding::ALaw, 6, 8),
            (Encoding::MuLaw, 7, 8),
        ] {
            let data = if tag == 3 { &floats } else { &bytes };
            let expected = Sound::parse(&wav(tag, bits, 2, None, data)).unwrap();
            let stream = SoundStream::raw(Trickle(data, 11), encoding, 16_000, 2).unwrap();
            assert_eq!(all(stream).unwrap(), expected.samples, "{encoding:?}");
        }
    }

    #[test]
    fn open_ends_and_broken_streams() {
        let data = [1_u8; 1001];
        for open in [0, 0xffff_ffff, 0x7fff_ffff] {
            let file = wav(1, 16, 1, Some(open), &data);
            assert_eq!(all(SoundStream::wav(Trickle(&file, 99)).unwrap()).unwrap().len(), 500);
        }
        let file = wav(1, 16, 1, Some(2000), &data);
        let error = all(SoundStream::wav(Trickle(&file, 99)).unwrap()).unwrap_err().to_string();
        assert!(error.contains("ends early, at sample 500"), "{error}");
        let nan = f32::NAN.to_le_bytes();
        let stream = SoundStream::raw(Trickle(&nan, 4), Encoding::F32, 8000, 1).unwrap();
        assert!(all(stream).unwrap_err().to_string().contains("sample 0 is not a number"));
        for (bytes, words) in [
            (&b"RIFF"[..], "ends within its header"),
            (b"fLaC12345678", "it is not WAV"),
            (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "before its `fmt ` chunk"),
            (b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\x7f", "longer than 64 MiB"),
        ] {
            let error = SoundStream::wav(Trickle(bytes, 5)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(SoundStream::raw(Trickle(&[], 1), Encoding::S16, 16_000, 0).is_err());
        assert!(SoundStream::raw(Trickle(&[], 1), Encoding::S16, 1, 1).is_err());
    }
}
