//! FLAC files.

use std::io::Read;

use md5::{Digest, Md5};

use super::sound::{Broken, MAX_SAMPLES, Mixer, Sound, full_scale, of_io};

const FLAC: &str = "FLAC file";

fn broken(place: impl Into<String>, error: claxon::Error) -> Broken {
    match error {
        claxon::Error::IoError(error) => Broken::new(place, FLAC, of_io(&error)),
        claxon::Error::FormatError(problem) => Broken::new(place, FLAC, problem),
        claxon::Error::Unsupported(kind) => Broken::unsupported(place, FLAC, kind),
    }
}

/// Checks the header.
pub(super) fn check(reader: impl Read) -> Result<(), Broken> {
    open(reader, true).map(drop)
}

fn open<R: Read>(reader: R, metadata_only: bool) -> Result<claxon::FlacReader<R>, Broken> {
    let options = claxon::FlacReaderOptions { metadata_only, read_vorbis_comment: false };
    let reader = claxon::FlacReader::new_ext(reader, options).map_err(|error| broken("header", error))?;
    // Reported at once, not after minutes of reading.
    match reader.streaminfo().samples {
        Some(samples) if samples > MAX_SAMPLES as u64 => {
            let problem = format!("{samples} samples, more than {MAX_SAMPLES}: cut it into pieces");
            Err(Broken::new("header", FLAC, problem))
        }
        _ => Ok(reader),
    }
}

pub(super) fn read(reader: impl Read) -> Result<Sound, Broken> {
    let mut reader = open(reader, false)?;
    let info = reader.streaminfo();
    let scale = full_scale(info.bits_per_sample);
    let mut mixer = Mixer::new(FLAC, info.sample_rate, info.channels)?;
    let mut sum = SampleSum::of(&info);
    let mut blocks = reader.blocks();
    let mut buffer = Vec::new();
    while let Some(block) = blocks.read_next_or_eof(buffer).map_err(|error| broken(mixer.place(), error))? {
        if block.channels() != info.channels {
            let problem = format!("{} channels after a header with {}", block.channels(), info.channels);
            return Err(Broken::new(mixer.place(), FLAC, problem));
        }
        for n in 0..block.duration() {
            for channel in 0..block.channels() {
                let sample = block.sample(channel, n);
                mixer.push(f64::from(sample) * scale)?;
                if let Some(sum) = &mut sum {
                    sum.add(sample);
                }
            }
        }
        buffer = block.into_buffer();
    }
    match info.samples {
        Some(announced) if announced != mixer.len() as u64 => {
            let problem = format!("it ends here, but its header announces {announced} samples");
            return Err(Broken::new(mixer.place(), FLAC, problem));
        }
        _ => {}
    }
    if sum.is_some_and(|sum| !sum.agrees()) {
        let problem = "its samples do not match the MD5 in its header: it is damaged";
        return Err(Broken::new("MD5", FLAC, problem));
    }
    Ok(mixer.finish())
}

/// The MD5 of all samples as defined by the format: interleaved, little-endian, each in the fewest bytes that hold its bits.
struct SampleSum {
    expected: [u8; 16],
    bytes: usize,
    hash: Md5,
    /// Samples buffered to be hashed together.
    buffer: Vec<u8>,
}

impl SampleSum {
    /// `None` if the header has no MD5, indicated by zeros.
    fn of(info: &claxon::metadata::StreamInfo) -> Option<Self> {
        (info.md5sum != [0; 16]).then(|| Self {
            expected: info.md5sum,
            bytes: info.bits_per_sample.div_ceil(8) as usize,
            hash: Md5::new(),
            buffer: Vec::with_capacity(Self::BLOCK + 4),
        })
    }

    const BLOCK: usize = 1 << 14;

    fn add(&mut self, sample: i32) {
        self.buffer.extend_from_slice(&sample.to_le_bytes()[..self.bytes]);
        if self.buffer.len() >= Self::BLOCK {
            self.hash.update(&self.buffer);
            self.buffer.clear();
        }
    }

    fn agrees(mut self) -> bool {
        self.hash.update(&self.buffer);
        self.hash.finalize()[..] == self.expected
    }
}
