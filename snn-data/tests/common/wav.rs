//! WAV files of any kind.

/// How a sample is stored.
#[derive(Clone, Copy, Debug)]
pub enum Pcm {
    /// Integers of 8, 16, 24 or 32 bits.
    Int(u16),
    /// Floating point of 32 bits.
    Float,
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
