//! [`Network`]s step by step: [`Network::state`], [`Network::step`], and states as bytes.

use crate::{Error, Network, State, StepInput, fused::Numbers};

/// The magic bytes of a saved state, and its version.
const MAGIC: &[u8; 8] = b"snnstate";
const VERSION: u32 = 2;

impl Network {
    /// A resting state, to process `batch` samples in parallel with [`step`](Network::step).
    ///
    /// # Errors
    /// [`Error::Input`] for no samples; [`Error::Unsupported`] if this network does not use
    /// [`Implementation::Fused`](crate::Implementation::Fused), which stepping requires.
    pub fn state(&self, batch: usize) -> Result<State, Error> {
        if batch == 0 {
            return Err(Error::Input("a state of no samples".into()));
        }
        Ok(State::new(&*self.ready()?, batch))
    }

    /// Advances by one step, and returns the readout potentials `U_out[n]`, `[batch, outputs]`.
    ///
    /// The result is bit-identical to a batch with the same input ([`forward`](Network::forward), [`record`](Network::record)) on the
    /// same instruction set, also with saved and restored states. As in a batch, the input of step `n` drives the first hidden layer
    /// at `n + 1`. Samples are processed sequentially on this thread, without allocation, except for the weights, once after they
    /// have changed.
    ///
    /// ```
    /// use snn_core::{Events, Initialization, Input, Layer, Network, NetworkConfig};
    ///
    /// let config = NetworkConfig { hidden: vec![Layer::recurrent(50)], ..NetworkConfig::new(10, 2) };
    /// let network: Network = Network::new(config, Initialization::Normal { gain: 7.0 }, 1)?;
    /// let mut state = network.state(1)?;
    /// for step in 0..100_u16 {
    ///     let spikes: &[u16] = if step % 3 == 0 { &[2, 7] } else { &[] };
    ///     let readout = network.step(&mut state, spikes)?;
    ///     assert_eq!(readout.len(), 2);
    /// }
    ///
    /// let spikes: Vec<_> = (0..100).step_by(3).flat_map(|step| [(0, step, 2), (0, step, 7)]).collect();
    /// let input: Input<f32> = Events::from_spikes(1, 100, 10, &spikes)?.into();
    /// assert_eq!(network.forward(&input)?.logits, state.logits());
    /// # Ok::<(), snn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] if state or input do not fit the network, [`Error::Unsupported`] as for [`state`](Network::state). The state
    /// is then unchanged.
    pub fn step<'s, 'i>(
        &self,
        state: &'s mut State,
        input: impl Into<StepInput<'i>>,
    ) -> Result<&'s [f32], Error> {
        let ready = self.ready()?;
        state.step(&ready, self.dispatch(), input.into())
    }

    /// Resets a state to rest, for the next sample.
    ///
    /// # Errors
    /// [`Error::Input`] if it belongs to a network of a different shape.
    pub fn reset(&self, state: &mut State) -> Result<(), Error> {
        state.rest(&*self.ready()?)
    }

    /// Restores the state saved by [`State::to_bytes`].
    ///
    /// # Errors
    /// [`Error::Input`] if the bytes are not those of a state of this network; [`Error::Unsupported`] as for
    /// [`state`](Network::state).
    pub fn restore_state(&self, bytes: &[u8]) -> Result<State, Error> {
        let damaged = || Error::Input("these bytes are not a complete saved state of a network".into());
        let mut reader = Reader(bytes.strip_prefix(MAGIC).ok_or_else(damaged)?);
        let version = u32::from_le_bytes(reader.take().ok_or_else(damaged)?);
        if version != VERSION {
            return Err(Error::Input(format!(
                "the saved state has format version {version}; only version {VERSION} is supported"
            )));
        }
        let sizes = reader.number().ok_or_else(damaged)?;
        let ends = 3 + self.config().hidden.len() as u64;
        let shape = (0..sizes.min(ends + 1)).map(|_| reader.number()).collect::<Option<Vec<u64>>>();
        let shape = shape.ok_or_else(damaged)?;
        let batch = shape.get(2).copied().ok_or_else(damaged)?;
        // each sample takes more bytes than this, so a damaged number cannot allocate more memory than there are bytes
        if batch == 0 || batch > bytes.len() as u64 {
            return Err(damaged());
        }
        let mut state = self.state(batch as usize)?;
        if state.shape() != shape {
            return Err(Error::Input("the saved state belongs to a network of a different shape".into()));
        }
        let steps = reader.number().ok_or_else(damaged)?;
        let mut readout = vec![0.0; state.readout().len()];
        reader.singles(&mut readout).ok_or_else(damaged)?;
        for numbers in state.numbers_mut() {
            let filled = match numbers {
                Numbers::Single(values) => reader.singles(values),
                Numbers::Wide(values) => reader.wides(values),
            };
            filled.ok_or_else(damaged)?;
        }
        if !reader.0.is_empty() {
            return Err(damaged());
        }
        state.restored(steps, readout);
        Ok(state)
    }
}

impl State {
    /// The state as bytes, from which [`Network::restore_state`] continues bit for bit, on any machine. They do not include the spikes
    /// of the last step ([`State::spikes`]).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        let shape = self.shape();
        bytes.extend((shape.len() as u64).to_le_bytes());
        shape.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
        bytes.extend(self.steps().to_le_bytes());
        self.readout().iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        for numbers in self.numbers() {
            match numbers {
                Numbers::Wide(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
                Numbers::Single(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
            }
        }
        bytes
    }
}

/// Reads little-endian numbers sequentially.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, behind) = self.0.split_first_chunk()?;
        self.0 = behind;
        Some(*bytes)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn singles(&mut self, values: &mut [f32]) -> Option<()> {
        values.iter_mut().try_for_each(|value| {
            *value = self.take().map(f32::from_le_bytes)?;
            Some(())
        })
    }

    fn wides(&mut self, values: &mut [f64]) -> Option<()> {
        values.iter_mut().try_for_each(|value| {
            *value = self.take().map(f64::from_le_bytes)?;
            Some(())
        })
    }
}
