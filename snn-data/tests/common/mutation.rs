//! Random damage that readers must survive.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Calls `read` with `rounds` damaged versions of a file: bytes changed, removed, duplicated, the end truncated, fields set to
/// their extremes. The damage is the same in every run.
pub fn mutations(file: &[u8], rounds: u64, mut read: impl FnMut(&[u8])) {
    for round in 0..rounds {
        let mut rng = ChaCha8Rng::seed_from_u64(round);
        let mut bytes = file.to_vec();
        for _ in 0..rng.gen_range(1..4) {
            damage(&mut bytes, &mut rng);
        }
        read(&bytes);
    }
}

fn damage(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    if bytes.is_empty() {
        bytes.push(rng.r#gen());
        return;
    }
    // Headers are short and matter most.
    let end = if rng.gen_bool(0.7) { bytes.len().min(64) } else { bytes.len() };
    let at = rng.gen_range(0..end);
    let to = (at + rng.gen_range(1..9)).min(bytes.len());
    match rng.gen_range(0..5) {
        0 => bytes[at] ^= 1 << rng.gen_range(0..8),
        1 => {
            let extreme = [0, 1, 0x7f, 0x80, 0xff].choose(rng).copied().unwrap_or(0);
            bytes[at..to].fill(extreme);
        }
        2 => drop(bytes.drain(at..to)),
        3 => {
            let doubled = bytes[at..to].to_vec();
            bytes.splice(at..at, doubled);
        }
        _ => bytes.truncate(at),
    }
}
