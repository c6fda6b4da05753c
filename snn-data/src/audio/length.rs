//! One number of frames for all recordings.

use crate::Error;

/// Crops `frames`, `[frames, channels]`, to the first `steps` frames, or pads it to `steps` by repeating the last.
///
/// ```
/// # fn main() -> Result<(), snn_data::Error> {
/// use snn_data::audio::fit_length;
///
/// let mut frames = vec![1.0, 10.0, 2.0, 20.0];
/// fit_length(&mut frames, 2, 3)?;
/// assert_eq!(frames, [1.0, 10.0, 2.0, 20.0, 2.0, 20.0]);
/// fit_length(&mut frames, 2, 1)?;
/// assert_eq!(frames, [1.0, 10.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Length`] if there is no frame to repeat, or an incomplete one.
pub fn fit_length<T: Copy>(frames: &mut Vec<T>, channels: usize, steps: usize) -> Result<(), Error> {
    let (found, wanted) = (frames.len(), channels * steps);
    if channels == 0 || found < channels || found % channels != 0 {
        return Err(Error::Length {
            what: "frames [frames, channels] of a recording to pad",
            found,
            expected: channels.max(1),
        });
    }
    frames.truncate(wanted);
    while frames.len() < wanted {
        frames.extend_from_within(frames.len() - channels..);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_sound_cannot_be_repeated() {
        assert!(fit_length::<f64>(&mut vec![], 2, 3).is_err());
        assert!(fit_length(&mut vec![1.0, 2.0, 3.0], 2, 3).is_err());
        assert!(fit_length(&mut vec![1.0], 0, 3).is_err());
    }
}
