//! WAV files: the chunks in any order and form that programs write, then the samples.
//!
//! A WAV file is a list of chunks: a four-letter name, a 32-bit size, that many bytes, and a pad byte if the size is odd. `fmt `
//! describes the samples, `data` holds them. Real files are harder, because writers deviate from this: missing pad bytes,
//! placeholder sizes because a pipe cannot seek back, `fmt ` of any length, and RF64, which stores 64-bit sizes in a chunk
//! `ds64`. This module finds the chunks; hound then reads samples of the plain formats, given a header that it understands.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::sound::{Broken, MAX_SAMPLES, Mixer, Sound, full_scale, of_io};

const WAV: &str = "WAV file";

/// Maximum number of chunks of a file. Real files have about a dozen.
const MAX_CHUNKS: usize = 4096;

/// Maximum number of bytes of samples in a file: what fits a 32-bit header.
const MAX_BYTES: u64 = u32::MAX as u64 - 64;

/// Known chunk names, to distinguish a chunk after an odd-sized one from its pad byte.
const KNOWN: &[&[u8; 4]] = &[
    b"data", b"fmt ", b"LIST", b"fact", b"bext", b"cue ", b"smpl", b"inst", b"JUNK", b"junk", b"PAD ",
    b"FLLR", b"iXML", b"aXML", b"axml", b"chna", b"id3 ", b"ID3 ", b"PEAK", b"ds64", b"DISP", b"_PMX",
    b"cart", b"umid", b"minf", b"elm1", b"regn", b"acid", b"strc", b"SAUR", b"afsp", b"note", b"plst",
    b"levl", b"link", b"ResU", b"Cr8r", b"LGWV", b"wavl", b"slnt",
];

pub(super) fn read(mut file: BufReader<impl Read + Seek>) -> Result<Sound, Broken> {
    let (format, begin, bytes) = locate(&mut file)?;
    file.seek(SeekFrom::Start(begin)).map_err(header)?;
    format.decode(&mut file.take(bytes.into()), bytes)
}

/// Checks everything but the samples.
pub(super) fn check(mut file: BufReader<impl Read + Seek>) -> Result<(), Broken> {
    locate(&mut file).map(drop)
}

/// The format of the samples, where they begin, and how many bytes they take.
fn locate(file: &mut BufReader<impl Read + Seek>) -> Result<(Format, u64, u32), Broken> {
    let Chunks { format, data } = find_chunks(file)?;
    let frame = u64::from(format.bytes) * u64::from(format.channels);
    // A truncated stream may end within a sample: its length was never known, so this is not an error.
    let bytes = if data.open { data.bytes - data.bytes % frame } else { data.bytes };
    if bytes % frame != 0 {
        let problem = format!("{bytes} bytes of samples are not a multiple of the sample size {frame}");
        return Err(Broken::new("header", WAV, problem));
    }
    if bytes > MAX_BYTES {
        let problem = format!("{bytes} bytes of samples, more than 4 GiB: split it");
        return Err(Broken::new("header", WAV, problem));
    }
    // Reported at once, not after minutes of reading.
    if bytes / frame > MAX_SAMPLES as u64 {
        let problem = format!("{} samples, more than {MAX_SAMPLES}: cut it into pieces", bytes / frame);
        return Err(Broken::new("header", WAV, problem));
    }
    Ok((format, data.begin, bytes as u32))
}

fn header(error: io::Error) -> Broken {
    Broken::new("header", WAV, of_io(&error))
}

/// The content of the chunks of a file.
struct Chunks {
    format: Format,
    data: Data,
}

/// Where the samples start.
#[derive(Clone, Copy)]
struct Data {
    begin: u64,
    bytes: u64,
    /// Whether the file does not state how many there are.
    open: bool,
}

/// The sizes of `ds64`, for chunks whose own size is 0xFFFFFFFF.
#[derive(Default)]
struct Long {
    data: Option<u64>,
    table: Vec<([u8; 4], u64)>,
}

fn find_chunks(file: &mut BufReader<impl Read + Seek>) -> Result<Chunks, Broken> {
    let end = file.seek(SeekFrom::End(0)).map_err(header)?;
    file.rewind().map_err(header)?;
    let mut head = [0; 12];
    file.read_exact(&mut head).map_err(header)?;
    let [magic @ .., _, _, _, _, _, _, _, _] = head;
    let riff = u64::from(u32_at(&head, 4));
    if &head[8..] != b"WAVE" {
        return Err(Broken::new("header", WAV, "no WAVE tag found"));
    }

    let mut long = Long::default();
    let (mut format, mut data, mut wave_list) = (None, None::<Data>, false);
    let mut at = 12;
    let mut chunks = 0;
    while at < end {
        let complete = format.is_some() && data.is_some();
        if complete && end - at < 8 {
            break; // a few trailing bytes, such as a pad byte
        }
        chunks += 1;
        if chunks > MAX_CHUNKS {
            return Err(Broken::new("header", WAV, format!("more than {MAX_CHUNKS} chunks")));
        }
        seek(file, at)?;
        let mut head = [0; 8];
        file.read_exact(&mut head).map_err(header)?;
        let [id @ .., _, _, _, _] = head;
        let announced = u32_at(&head, 4);
        let begin = at + 8;
        let left = end - begin;
        let mut size = u64::from(announced);
        match &id {
            b"ds64" if magic != *b"RIFF" => long = read_long(&mut file.take(size.min(left)))?,
            b"fmt " if format.is_some() => {
                return Err(Broken::new("header", WAV, "two `fmt ` chunks"));
            }
            b"fmt " => {
                if size > left {
                    return Err(Broken::new("header", WAV, "the file ends too early"));
                }
                let mut bytes = Vec::new();
                file.take(size.min(256)).read_to_end(&mut bytes).map_err(header)?;
                format = Some(Format::parse(&bytes)?);
            }
            b"data" => {
                let found = find_data(file, Chunk { begin, announced, left, riff }, &long)?;
                if data.is_some_and(|data| data.bytes > 0) && found.bytes > 0 {
                    return Err(Broken::unsupported("header", WAV, "several chunks of samples"));
                }
                if data.is_none_or(|data| data.bytes == 0) {
                    data = Some(found);
                }
                size = found.bytes;
            }
            b"LIST" => {
                let mut kind = [0; 4];
                wave_list |= size >= 4 && file.read_exact(&mut kind).is_ok() && &kind == b"wavl";
            }
            _ if complete && !KNOWN.contains(&&id) => break, // trailing data after the samples
            _ => {}
        }
        if announced == u32::MAX && &id != b"data" {
            size = long.table.iter().find(|(known, _)| *known == id).map_or(size, |&(_, size)| size);
        }
        at = match begin.checked_add(size) {
            Some(next) if next <= end => after(file, next, size, end)?,
            // Truncated samples are detected when they are read; nothing follows them.
            _ if format.is_some() && data.is_some() => break,
            _ => return Err(Broken::new("header", WAV, "the file ends too early")),
        };
    }
    let format =
        format.ok_or_else(|| Broken::new("header", WAV, "the file ends too early: no `fmt ` chunk"))?;
    match data {
        Some(data) => Ok(Chunks { format, data }),
        None if wave_list => Err(Broken::unsupported("header", WAV, "samples in pieces (a list `wavl`)")),
        None => Err(Broken::new("header", WAV, "the file ends too early: no `data` chunk")),
    }
}

/// Where the chunk after one that ends at `next` begins. RIFF requires a pad byte after an odd size, which some programs omit:
/// the position where a known chunk begins wins, by default the one that RIFF prescribes.
fn after(file: &mut BufReader<impl Read + Seek>, next: u64, size: u64, end: u64) -> Result<u64, Broken> {
    if size.is_multiple_of(2) || end - next < 9 {
        return Ok(next + size % 2);
    }
    seek(file, next)?;
    let mut bytes = [0; 5];
    file.read_exact(&mut bytes).map_err(header)?;
    let known = |id: &[u8]| KNOWN.iter().any(|known| known[..] == *id);
    Ok(if known(&bytes[..4]) && !known(&bytes[1..]) { next } else { next + 1 })
}

/// Seeks without discarding the read buffer.
fn seek(file: &mut BufReader<impl Read + Seek>, to: u64) -> Result<(), Broken> {
    let from = file.stream_position().map_err(header)?;
    file.seek_relative(to.wrapping_sub(from) as i64).map_err(header)
}

/// A `data` chunk, as announced by its header and the file.
struct Chunk {
    begin: u64,
    announced: u32,
    /// Bytes from `begin` to the end of the file.
    left: u64,
    /// The size in the file header.
    riff: u64,
}

/// The number of bytes of samples, considering placeholders from programs that do not know it when they begin.
fn find_data(file: &mut BufReader<impl Read + Seek>, chunk: Chunk, long: &Long) -> Result<Data, Broken> {
    let Chunk { begin, announced, left, riff } = chunk;
    let open = Data { begin, bytes: left, open: true };
    let exactly = |bytes| Data { begin, bytes, open: false };
    match announced {
        u32::MAX => Ok(match long.data {
            Some(bytes @ 1..) if bytes != u64::MAX => exactly(bytes),
            _ => open,
        }),
        // Empty, if the file header agrees and another chunk follows; otherwise the writer never filled it in.
        0 if left == 0 => Ok(exactly(0)),
        0 if riff + 8 == begin + left && left >= 8 => {
            let mut id = [0; 4];
            file.read_exact(&mut id).map_err(header)?;
            Ok(if KNOWN.contains(&&id) { exactly(0) } else { open })
        }
        0 => Ok(open),
        // Written by sox, arecord and ffmpeg to a pipe: larger than any file, and than this one.
        0x7fff_f000..=0x8000_0000 | 0xffff_ff00.. if u64::from(announced) > left => Ok(open),
        bytes => Ok(exactly(bytes.into())),
    }
}

fn read_long(reader: &mut impl Read) -> Result<Long, Broken> {
    let mut bytes = Vec::new();
    reader.take(28 + 12 * MAX_CHUNKS as u64).read_to_end(&mut bytes).map_err(header)?;
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 8)?;
        Some(u64::from(u32_at(bytes, 4)) << 32 | u64::from(u32_at(bytes, 0)))
    };
    let Some(data) = number(8) else {
        return Err(Broken::new("header", WAV, "its chunk `ds64` ends too early"));
    };
    let entries = bytes.get(28..).unwrap_or_default().chunks_exact(12);
    let table = entries.map(|entry| {
        let size = u64::from(u32_at(entry, 8)) << 32 | u64::from(u32_at(entry, 4));
        ([entry[0], entry[1], entry[2], entry[3]], size)
    });
    Ok(Long { data: Some(data), table: table.collect() })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// How a sample is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Code {
    Integer,
    Float,
    ALaw,
    MuLaw,
}

/// The content of `fmt `.
#[derive(Debug, PartialEq)]
pub(super) struct Format {
    pub(super) code: Code,
    pub(super) channels: u16,
    pub(super) rate: u32,
    /// Bytes of a sample of one channel.
    pub(super) bytes: u16,
}

impl Format {
    /// Reads a chunk of any length: 14 bytes are old, 16 and 18 usual, 20 and 40 from Pro Tools and others, longer ones have
    /// trailing data. Only the extension of `WAVE_FORMAT_EXTENSIBLE` adds information to the first 16 bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        /// The common ending of format GUIDs derived from a tag.
        const TAIL: [u8; 14] =
            [0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];
        /// The ending of GUIDs of an ambisonic sound field.
        const FIELD: [u8; 14] =
            [0x00, 0x00, 0x21, 0x07, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0x00, 0x00, 0x00];

        let broken = |problem: String| Broken::new("header", WAV, problem);
        let unsupported = |kind: String| Broken::unsupported("header", WAV, kind);
        let number = |at: usize| bytes.get(at..at + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let (Some(mut tag), Some(channels), Some(align)) = (number(0), number(2), number(12)) else {
            return Err(broken(format!("a `fmt ` chunk of {} bytes: it needs at least 14", bytes.len())));
        };
        let rate = u32_at(bytes, 4);
        if channels == 0 {
            return Err(broken("file contains zero channels".into()));
        }
        if tag == 0xfffe {
            let Some(name) = bytes.get(24..40) else {
                let length = bytes.len();
                return Err(broken(format!(
                    "WAVE_FORMAT_EXTENSIBLE in {length} bytes: it needs at least 40"
                )));
            };
            tag = u16::from_le_bytes([name[0], name[1]]);
            match &name[2..] {
                tail if tail == TAIL => {}
                tail if tail == FIELD => return Err(unsupported("an ambisonic sound field".into())),
                _ => return Err(unsupported(format!("a private code ({name:02x?})"))),
            }
        }
        let code = match tag {
            1 => Code::Integer,
            3 => Code::Float,
            6 => Code::ALaw,
            7 => Code::MuLaw,
            _ => return Err(unsupported(format!("{}: convert it to PCM", code_name(tag)))),
        };
        // Without a bit depth (the oldest form), samples fill their container.
        let bits = number(14).unwrap_or((align / channels).saturating_mul(8));
        let container = bits.div_ceil(8);
        let allowed: &[u16] = match code {
            Code::Integer => &[1, 2, 3, 4],
            Code::Float => &[4, 8],
            Code::ALaw | Code::MuLaw => &[1],
        };
        if !allowed.contains(&container) || (code == Code::Float && bits % 8 != 0) {
            let kind = match code {
                Code::Integer => "integers",
                Code::Float => "floating point",
                Code::ALaw => "A-law",
                Code::MuLaw => "mu-law",
            };
            return Err(unsupported(format!("{kind} of {bits} bits")));
        }
        // Fewer valid bits than the container has (`WAVE_FORMAT_EXTENSIBLE`, or 12 bits in 2 bytes) are left-aligned:
        // full scale is that of the container, and no conversion is needed. A container with more bytes than its bits need is
        // different: programs disagree on where the samples are in it.
        let frame = u32::from(container) * u32::from(channels);
        if align != 0 && u32::from(align) != frame {
            let kind = format!("{bits} bits per sample in {align}-byte frames of {channels} channels");
            return Err(unsupported(format!("{kind}, which programs interpret differently: convert it")));
        }
        Ok(Self { code, channels, rate, bytes: container })
    }

    /// One sample of one channel, `self.bytes` bytes.
    pub(super) fn sample(&self, sample: &[u8]) -> f64 {
        // left-aligned in 32 bits, then shifted back for sign extension
        let integer = || {
            let mut wide = [0; 4];
            wide[4 - sample.len()..].copy_from_slice(sample);
            i32::from_le_bytes(wide) >> (8 * (4 - sample.len()))
        };
        match (self.code, sample) {
            // the only unsigned integers
            (Code::Integer, &[byte]) => (f64::from(byte) - 128.0) * full_scale(8),
            (Code::Integer, _) => f64::from(integer()) * full_scale(8 * u32::from(self.bytes)),
            (Code::Float, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]).into(),
            (Code::Float, &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
            (Code::ALaw, &[code]) => a_law(code),
            (Code::MuLaw, &[code]) => mu_law(code),
            // `parse` rejects other lengths
            _ => f64::NAN,
        }
    }

    /// Reads all samples, `bytes` bytes.
    fn decode(&self, reader: &mut impl Read, bytes: u32) -> Result<Sound, Broken> {
        let mut mixer = Mixer::new(WAV, self.rate, self.channels.into())?;
        match (self.code, self.bytes) {
            (Code::Integer, container) => {
                let scale = full_scale(8 * u32::from(container));
                self.plain(reader, bytes, &mut mixer, |sample: i32| f64::from(sample) * scale)?;
            }
            (Code::Float, 4) => self.plain(reader, bytes, &mut mixer, |sample: f32| f64::from(sample))?,
            (Code::Float, _) => {
                self.each(reader, bytes, &mut mixer, |bytes: [u8; 8]| f64::from_le_bytes(bytes))?
            }
            (Code::ALaw, _) => self.each(reader, bytes, &mut mixer, |[code]: [u8; 1]| a_law(code))?,
            (Code::MuLaw, _) => self.each(reader, bytes, &mut mixer, |[code]: [u8; 1]| mu_law(code))?,
        }
        Ok(mixer.finish())
    }

    /// Samples read by hound, after a minimal header that describes them.
    fn plain<S: hound::Sample>(
        &self,
        reader: &mut impl Read,
        bytes: u32,
        mixer: &mut Mixer,
        value: impl Fn(S) -> f64,
    ) -> Result<(), Broken> {
        let align = self.bytes * self.channels;
        let tag: u16 = if self.code == Code::Float { 3 } else { 1 };
        let mut head = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        head.extend_from_slice(&tag.to_le_bytes());
        head.extend_from_slice(&self.channels.to_le_bytes());
        head.extend_from_slice(&self.rate.to_le_bytes());
        head.extend_from_slice(&self.rate.wrapping_mul(align.into()).to_le_bytes());
        head.extend_from_slice(&align.to_le_bytes());
        head.extend_from_slice(&(8 * self.bytes).to_le_bytes());
        head.extend_from_slice(b"data");
        head.extend_from_slice(&bytes.to_le_bytes());
        let broken = |place: String, error: hound::Error| match error {
            hound::Error::IoError(error) => Broken::new(place, WAV, of_io(&error)),
            other => Broken::new(place, WAV, other.to_string()),
        };
        let mut reader = hound::WavReader::new(head.as_slice().chain(reader))
            .map_err(|error| broken("header".to_owned(), error))?;
        for sample in reader.samples::<S>() {
            let sample = sample.map_err(|error| broken(mixer.place(), error))?;
            mixer.push(value(sample))?;
        }
        Ok(())
    }

    /// Samples of `N` bytes, one after the other.
    fn each<const N: usize>(
        &self,
        reader: &mut impl Read,
        bytes: u32,
        mixer: &mut Mixer,
        value: impl Fn([u8; N]) -> f64,
    ) -> Result<(), Broken> {
        for _ in 0..bytes as usize / N {
            let mut sample = [0; N];
            reader.read_exact(&mut sample).map_err(|error| Broken::new(mixer.place(), WAV, of_io(&error)))?;
            mixer.push(value(sample))?;
        }
        Ok(())
    }
}

/// The names of common format tags.
fn code_name(tag: u16) -> String {
    let name = match tag {
        0x0002 => "Microsoft ADPCM",
        0x0011 => "IMA ADPCM",
        0x0014 | 0x0040 | 0x0045 | 0x0064 => "G.72x ADPCM",
        0x0022 => "TrueSpeech",
        0x0031 => "GSM 6.10",
        0x0050 | 0x0055 => "MP3",
        0x00ff | 0x1600..=0x1602 | 0xa106 => "AAC",
        0x0161..=0x0163 => "WMA",
        0x2000 => "AC-3",
        0x674f..=0x6771 => "Vorbis",
        0xf1ac => "FLAC in WAV",
        _ => return format!("code {tag:#06x}"),
    };
    format!("{name} (code {tag:#06x})")
}

/// A sample of A-law (ITU-T G.711): sign, exponent of 3 bits, mantissa of 4, every second bit inverted.
fn a_law(code: u8) -> f64 {
    let code = code ^ 0x55;
    let (exponent, mantissa) = (u32::from(code >> 4 & 7), i32::from(code & 15));
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    f64::from(if code & 0x80 != 0 { magnitude } else { -magnitude }) / 32_768.0
}

/// A sample of mu-law (ITU-T G.711): the same with all bits inverted and a bias of 132.
fn mu_law(code: u8) -> f64 {
    let code = !code;
    let magnitude = (((i32::from(code & 15) << 3) + 132) << (code >> 4 & 7)) - 132;
    f64::from(if code & 0x80 != 0 { -magnitude } else { magnitude }) / 32_768.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companded_samples_are_those_of_g_711() {
        // The ends and the middle of the tables of ITU-T G.191, as 16-bit integers.
        let integer = |value: f64| (value * 32_768.0) as i32;
        for (code, expected) in [
            (0x55, -8),
            (0xd5, 8),
            (0x2a, -32_256),
            (0xaa, 32_256),
            (0x00, -5504),
            (0x80, 5504),
            (0x5a, -248),
        ] {
            assert_eq!(integer(a_law(code)), expected, "A-law {code:#04x}");
        }
        for (code, expected) in
            [(0xff, 0), (0x7f, 0), (0x00, -32_124), (0x80, 32_124), (0x3f, -1980), (0xbf, 1980), (0xf0, 120)]
        {
            assert_eq!(integer(mu_law(code)), expected, "mu-law {code:#04x}");
        }
    }
}
