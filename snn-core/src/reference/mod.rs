//! The network step by step, out of plain dfdx operations and one spike operation: made to be read next to the equations.
//!
//! Every line of [`step`] is a line of [`NetworkConfig`]'s model. dfdx's tape differentiates it, so this is also the oracle
//! that the fused implementation is held against. It is slow: it keeps every intermediate of every step.
//!
//! A dfdx tensor carries its tape by value. [`again`] hands out a tensor for one more use while its tape stays behind; the
//! last use moves tensor and tape on. All tapes meet at the end, in the logits.

pub(crate) mod spike;
#[cfg(test)]
mod tests;

use crate::{
    Error, Events, Float, Input, NetworkConfig, Readout, RecurrentGradient, ResetGradient,
    backend::{Backend, Pass, Recording},
    config::Decay,
    weights::{Afferents, Matrix, Weights},
};
use dfdx::prelude::{HasShape, NoneTape, PutTape, SplitTape, Tape, TryMatMul};
use spike::SpikeFunction;

/// Membrane potential, synaptic current and number of spikes so far of a layer's units, `[batch, units]`.
struct LayerState<E: Float, D: Backend<E>, T> {
    u: Matrix<E, D, T>,
    i: Matrix<E, D, T>,
    zeta: Matrix<E, D, T>,
}

/// Stands in for what the backward pass treats as a constant: `(step, layer, spikes) -> the same without a gradient`.
type Detach<'a, E, D> = &'a dyn Fn(usize, usize, Matrix<E, D>) -> Matrix<E, D>;

/// Runs the network over all steps of `input`.
pub(crate) fn forward<E: Float, D: Backend<E>, T: Tape<E, D>>(
    config: &NetworkConfig,
    weights: &Weights<E, D>,
    input: &Input<E>,
    record: bool,
    tape: T,
) -> Result<Pass<E, D, T>, Error> {
    // multiplying by one makes a tensor that the tape does not know
    let detach = |_, _, spikes: Matrix<E, D>| spikes * E::one();
    forward_with(config, weights, input, record, tape, SpikeFunction::Threshold(config.surrogate), &detach)
}

fn forward_with<E: Float, D: Backend<E>, T: Tape<E, D>>(
    config: &NetworkConfig,
    weights: &Weights<E, D>,
    input: &Input<E>,
    record: bool,
    tape: T,
    function: SpikeFunction,
    detach: Detach<'_, E, D>,
) -> Result<Pass<E, D, T>, Error> {
    let device = weights.readout.device();
    let (batch, steps) = (input.batch(), input.steps());
    let b = Decay::new(config);
    let rest = |units: usize| -> Result<LayerState<E, D, T>, Error> {
        let zeros = || -> Result<Matrix<E, D, T>, Error> {
            Ok(device.try_zeros_like(&(batch, units)).map_err(Error::device)?.put_tape(T::default()))
        };
        Ok(LayerState { u: zeros()?, i: zeros()?, zeta: zeros()? })
    };

    let mut layers = config.hidden.iter().map(|layer| rest(layer.units)).collect::<Result<Vec<_>, _>>()?;
    let mut out = rest(config.outputs)?;
    out.u = out.u + E::of(config.readout_start);
    let mut readout = Vec::with_capacity(steps);
    let mut recorder = record.then(|| Recorder::new(config, batch, steps));

    for n in 0..steps {
        let frame =
            device.try_tensor_from_vec(frame(input, n), (batch, input.units())).map_err(Error::device)?;
        let mut below = frame.put_tape(T::default());
        let mut next = Vec::with_capacity(layers.len());
        for (l, state) in layers.into_iter().enumerate() {
            let s = D::spike(again(&state.u), config.threshold, function)?;
            if let Some(recorder) = &mut recorder {
                recorder.hidden(n, l, &s, &state.u);
            }
            let constant = || detach(n, l, s.retaped::<NoneTape>()).retaped::<T>();
            let reset = match config.reset_gradient {
                ResetGradient::Differentiable => again(&s),
                ResetGradient::Detached => constant(),
            };
            let recurrent = match config.recurrent_gradient {
                RecurrentGradient::Propagate => again(&s),
                RecurrentGradient::Detached => constant(),
            };
            let mut state = step(&b, state, reset, below, recurrent, &weights.hidden[l]);
            state.zeta = state.zeta + again(&s);
            next.push(state);
            below = s;
        }
        layers = next;
        readout.push(again(&out.u));
        out = LayerState {
            u: out.u * b.out + again(&out.i) * b.one_minus_out,
            i: out.i * b.syn + below.matmul(weights.readout.clone()),
            zeta: out.zeta,
        };
    }
    if let Some(recorder) = &mut recorder {
        recorder.readout(&readout);
    }

    let logits = logits(config.readout, readout);
    let (logits, mut tape) = merge(tape, logits);
    let mut counts = Vec::with_capacity(layers.len());
    for LayerState { u, i, zeta } in layers.into_iter().chain(std::iter::once(out)) {
        tape = merge(merge(tape, u).1, i).1;
        let (zeta, merged) = merge(tape, zeta);
        counts.push(zeta);
        tape = merged;
    }
    counts.pop(); // the readout does not spike
    let recording = recorder.map(Recorder::finish).transpose()?;
    Ok(Pass { logits: logits.put_tape(tape), counts, recording })
}

/// From step `n` to `n + 1`:
///
/// ```text
/// U[n+1] = (b_mem U[n] + (1 - b_mem) I[n]) (1 - S[n])
/// I[n+1] = b_syn I[n] + W S_below[n] + V S[n]
/// ```
fn step<E: Float, D: Backend<E>, T: Tape<E, D>>(
    b: &Decay<E>,
    LayerState { u, i, zeta }: LayerState<E, D, T>,
    reset: Matrix<E, D, T>,
    below: Matrix<E, D, T>,
    recurrent: Matrix<E, D, T>,
    afferents: &Afferents<E, D>,
) -> LayerState<E, D, T> {
    let keep = reset.negate() + E::one();
    let u = (u * b.mem + again(&i) * b.one_minus_mem) * keep;
    let mut i = i * b.syn + below.matmul(afferents.input.clone());
    if let Some(v) = &afferents.recurrent {
        i = i + recurrent.matmul(v.clone());
    }
    LayerState { u, i, zeta }
}

/// Max (the first maximum where tied) or sum over the readout potentials of all steps.
fn logits<E: Float, D: Backend<E>, T: Tape<E, D>>(
    head: Readout,
    readout: Vec<Matrix<E, D, T>>,
) -> Matrix<E, D, T> {
    let shape = *readout[0].shape();
    let values: Vec<Vec<E>> = readout.iter().map(|u| u.as_vec()).collect();
    let first_maximum =
        |k: usize| (1..values.len()).fold(0, |m, n| if values[n][k] > values[m][k] { n } else { m });
    let chosen: Vec<usize> = (0..shape.0 * shape.1).map(first_maximum).collect();
    let device = readout[0].device().clone();
    let mut sum = device.zeros_like(&shape).put_tape(T::default());
    for (n, u) in readout.into_iter().enumerate() {
        sum = match head {
            Readout::Sum => sum + u,
            Readout::Max => {
                let mask: Vec<E> =
                    chosen.iter().map(|&m| if m == n { E::one() } else { E::zero() }).collect();
                sum + u * device.tensor_from_vec(mask, shape).put_tape(T::default())
            }
        };
    }
    sum
}

/// The tensor for one more use; its tape stays with `t`.
fn again<E: Float, D: Backend<E>, T: Tape<E, D>>(t: &Matrix<E, D, T>) -> Matrix<E, D, T> {
    t.retaped::<T>()
}

fn merge<E: Float, D: Backend<E>, T: Tape<E, D>>(tape: T, t: Matrix<E, D, T>) -> (Matrix<E, D>, T) {
    let (t, other) = t.split_tape();
    (t, tape.merge(other))
}

/// Input of step `n`, dense, `[batch, units]`.
fn frame<E: Float>(input: &Input<E>, n: usize) -> Vec<E> {
    let units = input.units();
    let mut x = vec![E::zero(); input.batch() * units];
    for (sample, x) in x.chunks_exact_mut(units).enumerate() {
        match input {
            Input::Events(events) => {
                for &unit in events.row(sample, n) {
                    x[usize::from(unit)] += E::one();
                }
            }
            Input::Frames(frames) => {
                let at = (sample * input.steps() + n) * units;
                x.copy_from_slice(&frames.values()[at..at + units]);
            }
        }
    }
    x
}

/// Collects spikes and potentials, from `[steps][batch, units]` to `[batch, steps, units]`.
struct Recorder<E> {
    units: Vec<usize>,
    batch: usize,
    steps: usize,
    spikes: Vec<Vec<(usize, usize, usize)>>,
    potentials: Vec<Vec<E>>,
    readout: Vec<E>,
}

impl<E: Float> Recorder<E> {
    fn new(config: &NetworkConfig, batch: usize, steps: usize) -> Self {
        let units: Vec<usize> = config.hidden.iter().map(|l| l.units).collect();
        Recorder {
            batch,
            steps,
            spikes: vec![Vec::new(); units.len()],
            potentials: units.iter().map(|u| vec![E::zero(); batch * steps * u]).collect(),
            readout: vec![E::zero(); batch * steps * config.outputs],
            units,
        }
    }

    fn hidden<D: Backend<E>, T>(&mut self, n: usize, l: usize, s: &Matrix<E, D, T>, u: &Matrix<E, D, T>) {
        let units = self.units[l];
        for (k, s) in s.as_vec().into_iter().enumerate() {
            if s > E::zero() {
                self.spikes[l].push((k / units, n, k % units));
            }
        }
        scatter(&mut self.potentials[l], &u.as_vec(), n, self.steps, units);
    }

    fn readout<D: Backend<E>, T>(&mut self, trace: &[Matrix<E, D, T>]) {
        for (n, u) in trace.iter().enumerate() {
            scatter(&mut self.readout, &u.as_vec(), n, self.steps, u.shape().1);
        }
    }

    fn finish(self) -> Result<Recording<E>, Error> {
        let spikes = self.spikes.iter().zip(&self.units);
        let spikes = spikes.map(|(s, &units)| Events::from_spikes(self.batch, self.steps, units, s));
        Ok(Recording {
            spikes: spikes.collect::<Result<_, _>>()?,
            potentials: self.potentials,
            readout: self.readout,
        })
    }
}

/// Writes `[batch, units]` of step `n` into `[batch, steps, units]`.
fn scatter<E: Copy>(trace: &mut [E], values: &[E], n: usize, steps: usize, units: usize) {
    for (sample, row) in values.chunks_exact(units).enumerate() {
        let at = (sample * steps + n) * units;
        trace[at..at + units].copy_from_slice(row);
    }
}
