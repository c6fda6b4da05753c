//! WAV files of any kind.

/// How a sample is stored.
#[derive(Clone, Copy, Debug)]
pub enum Pcm {
    /// Integers of 8, 16, 24 or 32 bits.
    Int(u16),
    /// Floating point of 32 bits.
    Float,
}

/// A file of these chunks; each has a pad byte if its size is odd.
pub fn riff(magic: &[u8; 4], size: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = magic.to_vec();
    file.extend_from_slice(&size.to_le_bytes());
    file.extend_from_slice(b"WAVE");
    chunks.iter().for_each(|chunk| file.extend_from_slice(chunk));
    file
}

/// A file with the correct size.
pub fn riff_of(chunks: &[Vec<u8>]) -> Vec<u8> {
    let size = 4 + chunks.iter().map(Vec::len).sum::<usize>();
    riff(b"RIFF", size as u32, chunks)
}

/// A chunk whose header states `size`, without a pad byte.
pub fn chunk_sized(id: &[u8; 4], size: u32, bytes: &[u8]) -> Vec<u8> {
    [&id[..], &size.to_le_bytes(), bytes].concat()
}

/// A chunk with its pad byte.
pub fn chunk(id: &[u8; 4], bytes: &[u8]) -> Vec<u8> {
    let mut chunk = chunk_sized(id, bytes.len() as u32, bytes);
    if bytes.len() % 2 == 1 {
        chunk.push(0);
    }
    chunk
}

/// The content of a `fmt ` chunk at 16 kHz: 16 bytes and an extension.
pub fn fmt(tag: u16, channels: u16, bits: u16, align: u16, more: &[u8]) -> Vec<u8> {
    let mut bytes = [tag, channels].map(u16::to_le_bytes).concat();
    bytes.extend_from_slice(&16_000_u32.to_le_bytes());
    bytes.extend_from_slice(&(16_000 * u32::from(align)).to_le_bytes());
    bytes.extend_from_slice(&[align, bits].map(u16::to_le_bytes).concat());
    bytes.extend_from_slice(more);
    bytes
}

/// The extension of `WAVE_FORMAT_EXTENSIBLE`, 24 bytes with its length.
pub fn extension(tag: u16, valid_bits: u16) -> Vec<u8> {
    let mut bytes = [22, valid_bits, 0, 0, tag].map(u16::to_le_bytes).concat();
    bytes.extend_from_slice(&[0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    bytes
}

/// A WAV file of interleaved samples in -1 to 1.
pub fn wav(pcm: Pcm, channels: u16, rate: u32, samples: &[f64]) -> Vec<u8> {
    let (tag, bits) = match pcm {
        Pcm::Int(bits) => (1_u16, bits),
        Pcm::Float => (3, 32),
    };
    let mut data = Vec::new();
    for &sample in samples {
        match pcm {
            Pcm::Int(8) => data.push(((sample * 128.0).round() + 128.0).clamp(0.0, 255.0) as u8),
            Pcm::Int(bits) => {
                let full = (f64::from(bits) - 1.0).exp2();
                let value = (sample * full).round().clamp(-full, full - 1.0) as i32;
                data.extend_from_slice(&value.to_le_bytes()[..usize::from(bits / 8)]);
            }
            Pcm::Float => data.extend_from_slice(&(sample as f32).to_le_bytes()),
        }
    }
    let align = channels * bits / 8;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data.len() as u32).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0");
    file.extend_from_slice(&tag.to_le_bytes());
    file.extend_from_slice(&channels.to_le_bytes());
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&(rate.wrapping_mul(u32::from(align))).to_le_bytes());
    file.extend_from_slice(&align.to_le_bytes());
    file.extend_from_slice(&bits.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&(data.len() as u32).to_le_bytes());
    file.extend_from_slice(&data);
    file
}
