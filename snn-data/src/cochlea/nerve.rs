//! Hair cells, the nerve fibers that they drive, and the bushy cells that receive their spikes.

use rand::RngCore;
use rand_chacha::ChaCha8Rng;

/// Channels computed in parallel.
pub(super) const LANES: usize = 16;

/// Meddis (1986, 1988): A and B of the permeability k = g (s + A) / (s + B + A) for a stimulus s, then g, y, l, r, x and h in 1/s. The pool
/// of free transmitter holds at most 1.
const A: f32 = 5.0;
const B: f32 = 300.0;
const G: f32 = 2000.0;
const Y: f32 = 5.05;
const L: f32 = 2500.0;
const R: f32 = 6580.0;
const X: f32 = 66.3;
const H: f32 = 50_000.0;

/// Fibers per channel, and their refractory period in seconds.
const FIBERS: u32 = 40;
const FIBER_REFRACTORY: f64 = 1e-3;

/// Bushy cells: time constants of membrane and synapse, refractory period (s), and the total weight of all fibers (1/s); they fire
/// at potential 1.
const TAU_MEM: f64 = 1e-3;
const TAU_SYN: f64 = 5e-4;
const REFRACTORY: f64 = 1e-3;
const WEIGHT: f64 = 13e3;

type Lanes = [f32; LANES];

/// As many channels as there are lanes, starting at rest.
pub(super) struct Nerve<'a> {
    random: &'a mut ChaCha8Rng,
    dt: f32,
    /// Transmitter: free (q), in the cleft (c) and being reprocessed (w).
    free: Lanes,
    cleft: Lanes,
    reprocessed: Lanes,
    /// Fibers that can fire, and a ring buffer of how many fired in the last steps.
    ready: [u32; LANES],
    fired: Vec<[u32; LANES]>,
    at: usize,
    current: Lanes,
    potential: Lanes,
    /// Remaining refractory steps of each cell.
    silent: [i32; LANES],
    membrane_decay: f32,
    synapse_decay: f32,
    weight: f32,
    refractory: i32,
}

impl<'a> Nerve<'a> {
    pub(super) fn new(rate: f64, random: &'a mut ChaCha8Rng) -> Self {
        let steps = |seconds: f64| (seconds * rate).round().max(1.0) as usize;
        // The equilibrium of the three amounts of transmitter.
        let k = G * A / (A + B);
        let cleft = Y * k / (L * k + Y * (L + R));
        Self {
            random,
            dt: (1.0 / rate) as f32,
            free: [cleft * (L + R) / k; LANES],
            cleft: [cleft; LANES],
            reprocessed: [cleft * R / X; LANES],
            ready: [FIBERS; LANES],
            fired: vec![[0; LANES]; steps(FIBER_REFRACTORY)],
            at: 0,
            current: [0.0; LANES],
            potential: [0.0; LANES],
            silent: [0; LANES],
            membrane_decay: (-1.0 / (rate * TAU_MEM)).exp() as f32,
            synapse_decay: (-1.0 / (rate * TAU_SYN)).exp() as f32,
            weight: (WEIGHT / f64::from(FIBERS) / rate) as f32,
            refractory: steps(REFRACTORY) as i32,
        }
    }

    /// Advances by some steps; `spike` receives the step and lane of each spike.
    pub(super) fn run(&mut self, velocity: &[Lanes], mut spike: impl FnMut(usize, usize)) {
        let mut bytes = [0; 4 * LANES];
        for (step, velocity) in velocity.iter().enumerate() {
            let probability = self.hair_cells(velocity);
            self.random.fill_bytes(&mut bytes);
            let fired = self.fibers(&probability, &bytes);
            let mut spikes = [false; LANES];
            self.bushy_cells(&fired, &mut spikes);
            if spikes.contains(&true) {
                (0..LANES).filter(|&lane| spikes[lane]).for_each(|lane| spike(step, lane));
            }
        }
    }

    /// One step of the hair cells; returns the firing probability of each non-refractory fiber.
    ///
    /// q' = y (1 - q) + x w - k q, c' = k q - (l + r) c, w' = r c - x w, probability h c dt.
    fn hair_cells(&mut self, velocity: &Lanes) -> Lanes {
        let dt = self.dt;
        let mut probability = [0.0; LANES];
        for lane in 0..LANES {
            let [q, c, w] = [self.free[lane], self.cleft[lane], self.reprocessed[lane]];
            let drive = (velocity[lane] + A).max(0.0);
            let ejected = G * dt * drive / (drive + B) * q;
            let replenished = (Y * dt * (1.0 - q)).max(0.0);
            let returned = X * dt * w;
            self.free[lane] = (q + replenished - ejected + returned).max(0.0);
            let cleft = (c + ejected - (L + R) * dt * c).max(0.0);
            self.cleft[lane] = cleft;
            self.reprocessed[lane] = (w + R * dt * c - returned).max(0.0);
            probability[lane] = H * dt * cleft;
        }
        probability
    }

    /// How many fibers of each lane fire: binomial, out of the non-refractory ones.
    fn fibers(&mut self, probability: &Lanes, bytes: &[u8; 4 * LANES]) -> Lanes {
        let back = self.fired[self.at];
        let mut counts = [0; LANES];
        let words = bytes.as_chunks::<4>().0;
        for lane in 0..LANES {
            self.ready[lane] += back[lane];
            let uniform = (u32::from_le_bytes(words[lane]) >> 8) as f32 * (1.0 / 16_777_216.0);
            // The probability that at least one fires is at most the sum of all: usually, none does.
            if 1.0 - uniform <= self.ready[lane] as f32 * probability[lane] {
                counts[lane] = binomial(self.ready[lane], probability[lane], uniform);
                self.ready[lane] -= counts[lane];
            }
        }
        self.fired[self.at] = counts;
        self.at = (self.at + 1) % self.fired.len();
        counts.map(|count| count as f32)
    }

    /// One step of the bushy cells.
    fn bushy_cells(&mut self, fired: &Lanes, spikes: &mut [bool; LANES]) {
        for lane in 0..LANES {
            let is_ready = self.silent[lane] <= 0;
            let is_spike = is_ready && self.potential[lane] >= 1.0;
            spikes[lane] = is_spike;
            let current = self.current[lane] * self.synapse_decay + fired[lane];
            self.current[lane] = current;
            let charged = self.potential[lane] * self.membrane_decay + self.weight * current;
            self.potential[lane] = if is_spike || !is_ready { 0.0 } else { charged };
            self.silent[lane] = if is_spike { self.refractory } else { self.silent[lane] - 1 };
        }
    }
}

/// The smallest k with P(at most k of `count` fire) > `uniform`.
#[inline(never)]
fn binomial(count: u32, probability: f32, uniform: f32) -> u32 {
    if probability >= 1.0 {
        return count;
    }
    let ratio = probability / (1.0 - probability);
    let mut term = (1.0 - probability).powi(count as i32);
    let (mut sum, mut fired) = (term, 0);
    while uniform >= sum && fired < count {
        term *= ratio * (count - fired) as f32 / (fired + 1) as f32;
        fired += 1;
        sum += term;
    }
    fired
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn the_binomial_distribution_has_its_mean_and_its_variance() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for (count, probability) in [(40, 0.01_f32), (40, 0.3), (7, 0.9), (3, 1.0)] {
            let draws: Vec<f64> = (0..20_000)
                .map(|_| {
                    let uniform = (random.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0);
                    f64::from(binomial(count, probability, uniform))
                })
                .collect();
            let mean = draws.iter().sum::<f64>() / 2e4;
            let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / 2e4;
            let (n, p) = (f64::from(count), f64::from(probability));
            let expected = n * p * (1.0 - p);
            assert!((mean - n * p).abs() <= 5.0 * (expected / 2e4).sqrt(), "{mean} instead of {}", n * p);
            assert!((variance - expected).abs() <= 0.1 * expected, "{variance} instead of {expected}");
        }
    }

    /// Without sound, fibers fire at random, 50 to 60 times per second, and bushy cells hardly ever.
    #[test]
    fn silence_is_nearly_silent() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let mut nerve = Nerve::new(16_000.0, &mut random);
        let mut spikes = 0;
        nerve.run(&vec![[0.0; LANES]; 16_000], |_, _| spikes += 1);
        assert!(spikes < 10 * LANES, "{spikes} spikes per second in {LANES} cells");
        let [q, c] = [nerve.free[0], nerve.cleft[0]];
        let rest = Nerve::new(16_000.0, &mut ChaCha8Rng::seed_from_u64(2)).cleft[0];
        assert!((c - rest).abs() < 1e-3 * rest && q < 1.0, "transmitter is in equilibrium");
        let rate = H * c;
        assert!((50.0..70.0).contains(&rate), "{rate}");
    }

    /// A louder stimulus releases more transmitter, most of it at its onset.
    #[test]
    fn an_onset_has_more_spikes_than_the_rest() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut nerve = Nerve::new(16_000.0, &mut random);
        let mut early = 0;
        let mut late = 0;
        nerve.run(&vec![[300.0; LANES]; 16_000], |step, _| {
            early += usize::from(step < 160);
            late += usize::from(step >= 15_840);
        });
        assert!(
            early > 2 * late && early > LANES,
            "{early} spikes within the first 10 ms, {late} within the last"
        );
    }
}
