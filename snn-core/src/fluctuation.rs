//! Fluctuation-driven initial weights, which give membrane potentials a chosen mean and standard deviation.

use crate::{
    Backend, Error, Float, Gains, InitialWeights, Initialization, Input, Network, NetworkConfig, Settings,
    config::Decay,
};

/// Initial weights after Rossbroich, Gygax & Zenke, "Fluctuation-driven initialization for spiking neural network
/// training", Neuromorphic Computing and Engineering 2, 044016 (2022), doi 10.1088/2634-4386/ac97bb.
///
/// A spike at step 0 through a weight of 1 changes the potential by `e[n]`, here in discrete time with the layer's decay factors
/// `b_mem` and `b_syn`:
///
/// ```text
/// e1 = sum_n e[n]   = 1 / (1 - b_syn)
/// e2 = sum_n e[n]^2 = (1 - b_mem)^2 (1 + b_mem b_syn) / ((1 - b_mem b_syn) (1 - b_mem^2) (1 - b_syn^2))
/// ```
///
/// With `n` afferents whose values have, at each step, the mean `m` and the variance `v` (spikes with probability `p`:
/// `m = p`, `v = p (1 - p)`), independent from step to step, and weights of mean `w` and variance `s^2`, the potential below
/// the threshold has, over time and averaged over units,
///
/// ```text
/// mean = n w m e1          variance = n (s^2 + w^2) v e2
/// ```
///
/// which determines `w` and `s` from the desired `mean` and `deviation`. The paper uses rates in continuous time, and `v = p`. In a
/// recurrent layer, `V_l` has mean 0 and contributes the fraction `recurrent_share` of the variance of the potential; `W_l`
/// contributes the rest. Weights are normally distributed; those of the readout are `N(0, k)`, `k = 1 / fan-in`, since a readout
/// has no threshold. [`Gains`] multiply the drawn weights.
///
/// For the first hidden layer, `m` and `v` are those of the given sample inputs. For deeper layers they are measured: the layers
/// below are drawn first and run on the same inputs. For a recurrent layer, the rate is that without recurrence, with the whole
/// variance in `W_l`. Inputs that are not independent between steps, such as frames of sound, cause larger fluctuations than
/// chosen; the means of units vary with the draw of their weights (variance `n s^2 m^2 e1^2` over units), and a reset after a
/// spike lowers mean and variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FluctuationDriven {
    /// Mean of the membrane potential.
    pub mean: f64,
    /// Standard deviation of the membrane potential over time, above 0. In the paper, the distance from the mean to the threshold
    /// is one to three standard deviations.
    pub deviation: f64,
    /// Fraction of the variance due to recurrent weights, from 0 to below 1.
    pub recurrent_share: f64,
}

impl Default for FluctuationDriven {
    /// Mean 0, standard deviation 1, a tenth of the variance due to recurrent weights.
    fn default() -> Self {
        FluctuationDriven { mean: 0.0, deviation: 1.0, recurrent_share: 0.1 }
    }
}

/// Mean and variance of the values of the units of a layer at a step.
#[derive(Debug, Clone, Copy)]
struct Drive {
    mean: f64,
    variance: f64,
}

impl Drive {
    /// The moments of spikes with a probability.
    fn of_spikes(probability: f64) -> Self {
        Drive { mean: probability, variance: probability * (1.0 - probability) }
    }

    fn of_input<E: Float>(input: &Input<E>) -> Self {
        match input {
            Input::Events(events) => {
                let places = (events.batch() * events.steps() * events.units()).max(1);
                Self::of_spikes(events.spikes() as f64 / places as f64)
            }
            Input::Frames(frames) => {
                let values = frames.values();
                let count = values.len().max(1) as f64;
                let mean = values.iter().map(|value| value.wide()).sum::<f64>() / count;
                let square = values.iter().map(|value| value.wide().powi(2)).sum::<f64>() / count;
                Drive { mean, variance: square - mean * mean }
            }
        }
    }
}

impl FluctuationDriven {
    fn validate(&self) -> Result<(), Error> {
        let FluctuationDriven { mean, deviation, recurrent_share } = *self;
        if !mean.is_finite() {
            return Err(Error::setting(Settings::Initialization, "mean", mean, "a finite number"));
        }
        if !(deviation.is_finite() && deviation > 0.0) {
            return Err(Error::setting(
                Settings::Initialization,
                "deviation",
                deviation,
                "a finite number above 0",
            ));
        }
        if !(0.0..1.0).contains(&recurrent_share) {
            let expected = "a number from 0 to below 1";
            return Err(Error::setting(
                Settings::Initialization,
                "recurrent_share",
                recurrent_share,
                expected,
            ));
        }
        Ok(())
    }

    /// Mean and standard deviation of the weights of `afferents` that cause this mean and this fraction of the variance.
    fn weights(
        &self,
        config: &NetworkConfig,
        layer: usize,
        afferents: usize,
        drive: Drive,
        (mean, share): (f64, f64),
    ) -> Result<(f64, f64), Error> {
        let (e1, e2) = kernel(config, layer);
        let n = afferents as f64;
        let silent = |what: &str| {
            let place = if layer == 0 { "the input".to_owned() } else { format!("hidden layer {layer}") };
            Err(Error::setting(
                Settings::Initialization,
                "deviation",
                self.deviation,
                format!(
                    "reachable, but {place} {what} on these samples: no weights give hidden layer {} \
                         this deviation",
                    layer + 1
                ),
            ))
        };
        if drive.variance <= 0.0 {
            return silent("is silent or constant");
        }
        let weight = if mean == 0.0 { 0.0 } else { mean / (n * drive.mean * e1) };
        if !weight.is_finite() {
            return silent("has a mean of 0");
        }
        let variance = share * self.deviation.powi(2) / (n * drive.variance * e2) - weight * weight;
        if variance < 0.0 {
            let least = (weight * weight * n * drive.variance * e2 / share).sqrt();
            return Err(Error::setting(
                Settings::Initialization,
                "deviation",
                self.deviation,
                format!(
                    "at least {least:.3}, the deviation that the mean of the weights alone causes in \
                         hidden layer {}",
                    layer + 1
                ),
            ));
        }
        Ok((weight, variance.sqrt()))
    }
}

/// `e1` and `e2` of a hidden layer, counted from 0.
fn kernel(config: &NetworkConfig, layer: usize) -> (f64, f64) {
    let Decay { mem, one_minus_mem, syn } = Decay::<f64>::hidden(config, layer);
    let square = one_minus_mem.powi(2) * (1.0 + mem * syn)
        / ((1.0 - mem * syn) * (1.0 - mem * mem) * (1.0 - syn * syn));
    (1.0 / (1.0 - syn), square)
}

impl<E: Float, D: Backend<E>> Network<E, D> {
    /// A network with [`FluctuationDriven`] weights on the given device. The spike rates of inputs and layers are measured on
    /// `samples`; the random-number streams are those of [`Network::new`].
    ///
    /// ```
    /// use snn_core::{Events, FluctuationDriven, Gains, Input, Layer, Network, NetworkConfig};
    ///
    /// let config = NetworkConfig { hidden: vec![Layer::feed_forward(50)], ..NetworkConfig::new(100, 2) };
    /// let spikes: Vec<_> = (0..100).map(|step| (0, step, 7 * step % 100)).collect();
    /// let samples: Input<f32> = Events::from_spikes(1, 100, 100, &spikes)?.into();
    /// let how = FluctuationDriven::default();
    /// let network: Network = Network::fluctuation_driven(Default::default(), config, &how, Gains::default(), 1, &samples)?;
    /// assert!(network.forward(&samples)?.counts[0].iter().any(|&spikes| spikes > 0.0));
    /// # Ok::<(), snn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] for an invalid configuration, a mean or deviation that no weights achieve, and inputs or layers that are
    /// silent in `samples`; [`Error::Input`] if `samples` do not fit the network; [`Error::Device`] if memory runs out.
    pub fn fluctuation_driven(
        device: D,
        config: NetworkConfig,
        how: &FluctuationDriven,
        gains: Gains,
        seed: u64,
        samples: &Input<E>,
    ) -> Result<Self, Error> {
        how.validate()?;
        let distribution = Initialization::Normal { gain: 1.0 };
        let readout_only = Gains { input: 1.0, recurrent: 1.0, ..gains };
        let drawn = InitialWeights { distribution, gains: readout_only };
        gains.validate()?;
        let mut network = Self::drawn(device, config, drawn, seed)?;
        if samples.units() != network.config().inputs {
            network.forward(samples)?;
        }
        let mut drive = Drive::of_input(samples);
        let config = network.config().clone();
        for (l, layer) in config.hidden.iter().enumerate() {
            let fan_in = config.fan_in(l);
            let (w, v) = (format!("W{}", l + 1), format!("V{}", l + 1));
            let recurrent = layer.recurrent.then(|| network.values(&v)).transpose()?;
            let input = network.values(&w)?;
            let (mean, deviation) = how.weights(&config, l, fan_in, drive, (how.mean, 1.0))?;
            network.set_normal(&w, &input, fan_in, (mean, deviation), gains.input)?;
            if recurrent.is_some() {
                network.set_normal(&v, &vec![E::zero(); layer.units.pow(2)], layer.units, (0.0, 0.0), 1.0)?;
            }
            let rate = network.rate(samples, l, layer.units)?;
            if let Some(recurrent) = recurrent.filter(|_| how.recurrent_share > 0.0) {
                let share = how.recurrent_share;
                let (mean, deviation) = how.weights(&config, l, fan_in, drive, (how.mean, 1.0 - share))?;
                network.set_normal(&w, &input, fan_in, (mean, deviation), gains.input)?;
                // Its own spikes drive it, at the rate measured without recurrence.
                let own = Drive::of_spikes(rate);
                if own.variance > 0.0 {
                    let (mean, deviation) = how.weights(&config, l, layer.units, own, (0.0, share))?;
                    network.set_normal(&v, &recurrent, layer.units, (mean, deviation), gains.recurrent)?;
                } else {
                    return Err(Error::setting(
                        Settings::Initialization,
                        "deviation",
                        how.deviation,
                        format!(
                            "large enough for units of hidden layer {} to spike: none does on these samples",
                            l + 1
                        ),
                    ));
                }
            }
            drive = Drive::of_spikes(rate);
        }
        Ok(network)
    }

    fn values(&self, name: &str) -> Result<Vec<E>, Error> {
        let found = self.parameters().find(|(known, ..)| known == name);
        found.map(|(_, _, values)| values).ok_or_else(|| Error::parameter(name, "this network has none"))
    }

    /// Sets a matrix to `mean + deviation z`, times a gain; `drawn` contains `z` times the root of 1 / fan-in.
    fn set_normal(
        &mut self,
        name: &str,
        drawn: &[E],
        fan_in: usize,
        (mean, deviation): (f64, f64),
        gain: f64,
    ) -> Result<(), Error> {
        let scale = deviation * (fan_in as f64).sqrt();
        let values: Vec<E> = drawn.iter().map(|z| E::of(gain * (mean + scale * z.wide()))).collect();
        self.set_parameter(name, &values)
    }

    /// The mean spike probability of a unit per step.
    fn rate(&self, samples: &Input<E>, layer: usize, units: usize) -> Result<f64, Error> {
        let output = self.forward(samples)?;
        let spikes: f64 = output.counts[layer].iter().map(|count| count.wide()).sum();
        Ok(spikes / (output.batch * samples.steps() * units) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Events, Frames, Layer};
    use rand::Rng;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

    const STEPS: usize = 400;
    /// Steps until the effect of the initial potential of 0 has decayed.
    const SETTLED: usize = 100;

    /// Inputs that spike with a probability at each step.
    fn poisson(units: usize, probability: f64) -> Input<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut spikes = Vec::new();
        for (sample, step) in (0..4).flat_map(|sample| (0..STEPS).map(move |step| (sample, step))) {
            spikes.extend(
                (0..units).filter(|_| rng.r#gen::<f64>() < probability).map(|unit| (sample, step, unit)),
            );
        }
        Events::from_spikes(4, STEPS, units, &spikes).unwrap().into()
    }

    fn config(hidden: Vec<Layer>, inputs: usize) -> NetworkConfig {
        NetworkConfig { hidden, ..NetworkConfig::new(inputs, 3) }
    }

    /// Mean of the potentials of a layer, and their standard deviation over time, averaged (as variances) over units.
    fn moments(network: &Network, input: &Input<f32>, layer: usize) -> (f64, f64) {
        let (_, recording) = network.record(input).unwrap();
        let units = network.config().hidden[layer].units;
        let potentials = &recording.potentials[layer];
        let (mut means, mut variances) = (Vec::new(), Vec::new());
        for sample in 0..input.batch() {
            for unit in 0..units {
                let at = |step: usize| f64::from(potentials[(sample * STEPS + step) * units + unit]);
                let trace: Vec<f64> = (SETTLED..STEPS).map(at).collect();
                let mean = trace.iter().sum::<f64>() / trace.len() as f64;
                means.push(mean);
                variances.push(trace.iter().map(|u| (u - mean).powi(2)).sum::<f64>() / trace.len() as f64);
            }
        }
        let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        (average(&means), average(&variances).sqrt())
    }

    fn near(found: f64, wanted: f64, scale: f64, what: &str) {
        assert!((found - wanted).abs() < 0.1 * scale, "{what}: {found}, wanted {wanted}");
    }

    /// Far below the threshold, without resets: accurate to 10 %.
    #[test]
    fn potentials_have_the_requested_mean_and_deviation() {
        for (mean, deviation, probability, tau_mem) in
            [(0.0, 0.1, 0.02, 10.0), (0.2, 0.1, 0.05, 20.0), (-0.3, 0.15, 0.01, 10.0), (0.0, 0.1, 0.2, 5.0)]
        {
            let how = FluctuationDriven { mean, deviation, recurrent_share: 0.0 };
            let input = poisson(300, probability);
            let config = NetworkConfig {
                tau_mem: tau_mem.into(),
                threshold: 50.0,
                ..config(vec![Layer::feed_forward(2000)], 300)
            };
            let gains = Gains::default();
            let network =
                Network::fluctuation_driven(crate::Cpu::default(), config, &how, gains, 2, &input).unwrap();
            let (found, spread) = moments(&network, &input, 0);
            // The mean of 2000 units whose means differ.
            near(found, mean, if mean == 0.0 { deviation } else { mean.abs() }, "mean");
            near(spread, deviation, deviation, "deviation");
        }
    }

    /// A deep layer is driven by spikes of the layer below, whose rate is measured; its own threshold is far above.
    #[test]
    fn a_deep_layer_uses_the_rate_of_the_layer_below() {
        let how = FluctuationDriven { mean: 0.0, deviation: 1.0, recurrent_share: 0.0 };
        let input = poisson(200, 0.02);
        let hidden = vec![Layer::feed_forward(300), Layer::feed_forward(300)];
        let two = Network::fluctuation_driven(
            crate::Cpu::default(),
            config(hidden, 200),
            &how,
            Gains::default(),
            2,
            &input,
        );
        let two: Network = two.unwrap();
        let (_, recording) = two.record(&input).unwrap();
        // Only the second layer, on the spikes of the first, with an unreachable threshold.
        let alone = NetworkConfig { threshold: 1e6, ..config(vec![Layer::feed_forward(300)], 300) };
        let mut layer: Network = Network::new(alone, Initialization::default(), 0).unwrap();
        layer.set_parameter("W1", &two.values("W2").unwrap()).unwrap();
        let spikes: Input<f32> = recording.spikes[0].clone().into();
        let (_, spread) = moments(&layer, &spikes, 0);
        // Spikes of a layer are not independent between steps, so this is not exact.
        assert!((0.7..1.4).contains(&spread), "{spread}");
    }

    /// A recurrent layer with a rate high enough for its recurrent weights to matter, on its own spikes.
    #[test]
    fn recurrent_weights_have_their_share_of_the_variance() {
        let how = FluctuationDriven { mean: 0.0, deviation: 1.0, recurrent_share: 0.4 };
        let input = poisson(200, 0.05);
        let config = config(vec![Layer::recurrent(300)], 200);
        let network: Network = Network::fluctuation_driven(
            crate::Cpu::default(),
            config.clone(),
            &how,
            Gains::default(),
            2,
            &input,
        )
        .unwrap();
        let variance = |name: &str| {
            let values = network.values(name).unwrap();
            values.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>() / values.len() as f64
        };
        let feed_forward = FluctuationDriven { recurrent_share: 0.0, ..how };
        let whole: Network = Network::fluctuation_driven(
            crate::Cpu::default(),
            config,
            &feed_forward,
            Gains::default(),
            2,
            &input,
        )
        .unwrap();
        let before =
            whole.values("W1").unwrap().iter().map(|w| f64::from(*w).powi(2)).sum::<f64>() / 60_000.0;
        assert!((variance("W1") / before - 0.6).abs() < 1e-3, "{}", variance("W1") / before);
        assert!(whole.values("V1").unwrap().iter().all(|&w| w == 0.0), "no share, no weights");
        let rate = whole.rate(&input, 0, 300).unwrap();
        let (_, e2) = kernel(network.config(), 0);
        near(300.0 * variance("V1") * rate * (1.0 - rate) * e2, 0.4, 0.4, "share");
    }

    #[test]
    fn unreachable_potentials_are_refused_by_setting() {
        let frames: Input<f32> =
            Frames::new(1, 4, 2, vec![1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0]).unwrap().into();
        let silent: Input<f32> = Events::from_spikes(1, 4, 2, &[]).unwrap().into();
        let layers = || config(vec![Layer::feed_forward(5)], 2);
        let refused = |how: FluctuationDriven, config: NetworkConfig, input: &Input<f32>| {
            let made: Result<Network, _> =
                Network::fluctuation_driven(crate::Cpu::default(), config, &how, Gains::default(), 0, input);
            made.unwrap_err().to_string()
        };
        let plain = FluctuationDriven::default();
        for (how, input, part) in [
            (FluctuationDriven { deviation: 0.0, ..plain }, &frames, "`deviation` of the initialization"),
            (FluctuationDriven { mean: f64::NAN, ..plain }, &frames, "`mean` of the initialization"),
            (
                FluctuationDriven { recurrent_share: 1.0, ..plain },
                &frames,
                "`recurrent_share` of the initialization",
            ),
            (FluctuationDriven { mean: 0.5, ..plain }, &frames, "the input has a mean of 0"),
            (plain, &silent, "the input is silent"),
        ] {
            let message = refused(how, layers(), input);
            assert!(message.contains(part), "{message}");
        }
        let message = refused(
            FluctuationDriven { mean: 2.0, deviation: 0.01, ..plain },
            config(vec![Layer::feed_forward(5)], 20),
            &poisson(20, 0.1),
        );
        assert!(message.contains("at least"), "{message}");
        let deep = config(vec![Layer::feed_forward(5), Layer::feed_forward(5)], 20);
        let message = refused(FluctuationDriven { deviation: 1e-3, ..plain }, deep, &poisson(20, 0.1));
        assert!(message.contains("hidden layer 1 is silent"), "{message}");
    }
}
