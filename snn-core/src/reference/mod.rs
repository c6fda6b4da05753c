//! The network step by step, with plain dfdx operations and one spike operation: readable next to the equations.
//!
//! Every line of a [`neuron`] model is a line of its equations. dfdx's tape differentiates it, so this is also the reference for
//! testing the fused implementation. It is slow: it stores every intermediate value of every step.
//!
//! A dfdx tensor carries its tape by value. [`again`] returns a tensor for one more use while its tape stays behind; the last use
//! moves tensor and tape. All tapes are merged at the end, in the logits.

pub(crate) mod cpu;
mod neuron;
#[cfg(test)]
mod tests;

use crate::{
    Backend, Error, Events, Float, Input, NetworkConfig, NeuronKind, Readout, RecurrentGradient,
    ResetGradient,
    config::Decay,
    pass::{Adjoint, Answer, Recording, Wanted},
    spike::SpikeFunction,
    weights::{Matrix, Weights},
};
use dfdx::prelude::{
    Backward, HasShape, NoneTape, OwnedTape, PutTape, Rank0, SplitTape, SumTo, Tape, Tensor, TryMatMul,
};
use neuron::{AdaptiveLif, Drive, Lif, Neuron, again};

/// The states of a layer's units and their spike counts so far, `[batch, units]`.
struct LayerState<E: Float, D: Backend<E>, T> {
    states: Vec<Matrix<E, D, T>>,
    zeta: Matrix<E, D, T>,
}

/// Replaces spikes that the backward pass treats as constant: `(step, layer, spikes) -> the same without a gradient`.
type Detach<'a, E, D> = &'a dyn Fn(usize, usize, Matrix<E, D>) -> Matrix<E, D>;

/// Runs the network over all steps of `input`.
pub(crate) fn forward<E: Float, D: Backend<E>>(
    config: &NetworkConfig,
    weights: &Weights<E, D>,
    input: &Input<E>,
    wanted: Wanted,
) -> Result<Answer<E, D>, Error> {
    if D::host_mut(&mut weights.readout.device().upload(&[E::zero()])?).is_none() {
        return Err(Error::Unsupported(
            "the reference implementation only supports the CPU; set `implementation` to `Implementation::Fused` for a GPU"
                .into(),
        ));
    }
    // multiplying by one creates a tensor unknown to the tape
    let detach = |_, _, spikes: Matrix<E, D>| spikes * E::one();
    let function = SpikeFunction::Threshold(config.surrogate);
    if wanted.adjoint {
        let tape = OwnedTape::<E, D>::default();
        let unrolled = forward_with(config, weights, input, wanted.recording, tape, function, &detach)?;
        unrolled.answer(weights, wanted)
    } else {
        let unrolled = forward_with(config, weights, input, wanted.recording, NoneTape, function, &detach)?;
        let readout = wanted.readout.then(|| unrolled.readout()).transpose()?;
        let Unrolled { logits, counts, recording, .. } = unrolled;
        Ok(Answer { logits, counts, readout, recording, adjoint: None })
    }
}

/// The result of running step by step; all tapes are merged in the logits.
struct Unrolled<E: Float, D: Backend<E>, T> {
    logits: Matrix<E, D, T>,
    counts: Vec<Matrix<E, D>>,
    /// Readout potentials of each step, `[batch, outputs]`.
    readout: Vec<Matrix<E, D>>,
    recording: Option<Recording<E>>,
}

impl<E: Float, D: Backend<E>, T> Unrolled<E, D, T> {
    /// Readout potentials as one tensor, `[batch, steps, outputs]`.
    fn readout(&self) -> Result<crate::weights::Traces<E, D>, Error> {
        let (steps, &(batch, outputs)) = (self.readout.len(), self.logits.shape());
        let mut values = vec![E::zero(); batch * steps * outputs];
        for (n, u) in self.readout.iter().enumerate() {
            scatter(&mut values, &u.as_vec(), n, steps, outputs);
        }
        let device = self.logits.device();
        device.try_tensor_from_vec(values, (batch, steps, outputs)).map_err(Error::device)
    }
}

impl<E: Float, D: Backend<E>> Unrolled<E, D, OwnedTape<E, D>> {
    /// Moves the tape into an adjoint, which runs it: for gradients `d` of the results, the gradient of
    /// `sum logits d_logits + sum counts d_counts + sum readout d_readout` is propagated to the weights.
    fn answer(self, weights: &Weights<E, D>, wanted: Wanted) -> Result<Answer<E, D>, Error> {
        let readout = wanted.readout.then(|| self.readout()).transpose()?;
        let Unrolled { logits: taped, counts, readout: steps, recording } = self;
        // new tensors: the outer tape must not confuse them with those of the inner tape
        let anew =
            |t: &Matrix<E, D>| t.device().try_tensor_from_vec(t.as_vec(), *t.shape()).map_err(Error::device);
        let logits = anew(&taped.retaped::<NoneTape>())?;
        let outer_counts = counts.iter().map(anew).collect::<Result<Vec<_>, _>>()?;
        let above = (logits.ghost(), outer_counts.iter().map(|c| c.ghost()).collect::<Vec<_>>());
        let readout_above = readout.as_ref().map(|r| r.ghost());
        let matrices: Vec<_> = weights.named().map(|(_, w)| w.ghost()).collect();
        let adjoint: Adjoint<E, D> = Box::new(move |gradients| {
            let device = taped.device().clone();
            let &(batch, outputs) = taped.shape();
            let d = device.try_tensor_from_vec(
                D::host(gradients.get_or_alloc_mut(&above.0)?).into_owned(),
                *taped.shape(),
            )?;
            let mut total: Tensor<Rank0, E, D, OwnedTape<E, D>> = (taped * d).try_sum()?;
            for (zeta, above) in counts.iter().zip(&above.1) {
                let d = D::host(gradients.get_or_alloc_mut(above)?).into_owned();
                if d.iter().any(|&d| d != E::zero()) {
                    let d = device.try_tensor_from_vec(d, *zeta.shape())?;
                    total = total + (zeta.retaped::<OwnedTape<E, D>>() * d).try_sum()?;
                }
            }
            if let Some(above) = &readout_above {
                let d = D::host(gradients.get_or_alloc_mut(above)?).into_owned();
                let count = steps.len();
                for (n, u) in steps.iter().enumerate() {
                    let of_sample = |b: usize| d[(b * count + n) * outputs..][..outputs].iter().copied();
                    let d: Vec<E> = (0..batch).flat_map(of_sample).collect();
                    if d.iter().any(|&d| d != E::zero()) {
                        let d = device.try_tensor_from_vec(d, (batch, outputs))?;
                        total = total + (u.retaped::<OwnedTape<E, D>>() * d).try_sum()?;
                    }
                }
            }
            let mut within = total.try_backward()?;
            for w in &matrices {
                let found = D::host(within.get_or_alloc_mut(w)?).into_owned();
                // only the CPU gets here: no other device has the spike operation
                if let Some(sum) = D::host_mut(gradients.get_or_alloc_mut(w)?) {
                    sum.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
                }
            }
            Ok(())
        });
        Ok(Answer { logits, counts: outer_counts, readout, recording, adjoint: Some(adjoint) })
    }
}

fn forward_with<E: Float, D: Backend<E>, T: Tape<E, D>>(
    config: &NetworkConfig,
    weights: &Weights<E, D>,
    input: &Input<E>,
    record: bool,
    tape: T,
    function: SpikeFunction,
    detach: Detach<'_, E, D>,
) -> Result<Unrolled<E, D, T>, Error> {
    match config.neuron {
        NeuronKind::Lif => unroll::<Lif<E>, _, _, _>(config, weights, input, record, tape, function, detach),
        NeuronKind::AdaptiveLif => {
            unroll::<AdaptiveLif<E>, _, _, _>(config, weights, input, record, tape, function, detach)
        }
    }
}

fn unroll<N: Neuron<E>, E: Float, D: Backend<E>, T: Tape<E, D>>(
    config: &NetworkConfig,
    weights: &Weights<E, D>,
    input: &Input<E>,
    record: bool,
    tape: T,
    function: SpikeFunction,
    detach: Detach<'_, E, D>,
) -> Result<Unrolled<E, D, T>, Error> {
    let device = weights.readout.device();
    let (batch, steps) = (input.batch(), input.steps());
    let zeros = |units: usize| -> Result<Matrix<E, D, T>, Error> {
        Ok(device.try_zeros_like(&(batch, units)).map_err(Error::device)?.put_tape(T::default()))
    };
    let rest = |units: usize| -> Result<LayerState<E, D, T>, Error> {
        let states = (0..N::STATES).map(|_| zeros(units)).collect::<Result<_, _>>()?;
        Ok(LayerState { states, zeta: zeros(units)? })
    };

    let neurons: Vec<N> = (0..config.hidden.len()).map(|l| N::of(config, l)).collect();
    let mut layers = config.hidden.iter().map(|layer| rest(layer.units)).collect::<Result<Vec<_>, _>>()?;
    let b = Decay::<E>::readout(config);
    let (mut u_out, mut i_out) =
        (zeros(config.outputs)? + E::of(config.readout_start), zeros(config.outputs)?);
    let mut readout = Vec::with_capacity(steps);
    let mut recorder = record.then(|| Recorder::new(config, batch, steps));

    for n in 0..steps {
        let frame =
            device.try_tensor_from_vec(frame(input, n), (batch, input.units())).map_err(Error::device)?;
        let mut below = frame.put_tape(T::default());
        let mut next = Vec::with_capacity(layers.len());
        for (l, (LayerState { states, zeta }, neuron)) in layers.into_iter().zip(&neurons).enumerate() {
            let s = D::spike(neuron.excitation(&states), config.threshold, function)?;
            if let Some(recorder) = &mut recorder {
                recorder.hidden(n, l, &s, &states[0]);
            }
            let constant = || detach(n, l, s.retaped::<NoneTape>()).retaped::<T>();
            let reset = match config.reset_gradient {
                ResetGradient::Differentiable => again(&s),
                ResetGradient::Detached => constant(),
            };
            let mut currents = vec![below.matmul(weights.hidden[l].input.clone())];
            if let Some(v) = &weights.hidden[l].recurrent {
                let spikes = match config.recurrent_gradient {
                    RecurrentGradient::Propagate => again(&s),
                    RecurrentGradient::Detached => constant(),
                };
                currents.push(spikes.matmul(v.clone()));
            }
            let states = neuron.step(states, Drive { spikes: again(&s), reset, currents });
            next.push(LayerState { states, zeta: zeta + again(&s) });
            below = s;
        }
        layers = next;
        readout.push(again(&u_out));
        // U_out[n+1] = b_out U_out[n] + (1 - b_out) I_out[n],   I_out[n+1] = b_syn I_out[n] + W_out S[n]
        u_out = u_out * b.mem + again(&i_out) * b.one_minus_mem;
        i_out = i_out * b.syn + below.matmul(weights.readout.clone());
    }
    if let Some(recorder) = &mut recorder {
        recorder.readout(&readout);
    }

    let potentials = readout.iter().map(|u| u.retaped::<NoneTape>()).collect();
    let logits = logits(config.readout, readout);
    let (logits, mut tape) = merge(tape, logits);
    let mut counts = Vec::with_capacity(layers.len());
    for LayerState { states, zeta } in layers {
        for state in states {
            tape = merge(tape, state).1;
        }
        let (zeta, merged) = merge(tape, zeta);
        counts.push(zeta);
        tape = merged;
    }
    tape = merge(merge(tape, u_out).1, i_out).1;
    let recording = recorder.map(Recorder::finish).transpose()?;
    Ok(Unrolled { logits: logits.put_tape(tape), counts, readout: potentials, recording })
}

/// Max (the first maximum if tied) or sum over the readout potentials of all steps.
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

/// Rearranges spikes and potentials from `[steps][batch, units]` to `[batch, steps, units]`.
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

/// Copies `[batch, units]` of step `n` to `[batch, steps, units]`.
fn scatter<E: Copy>(trace: &mut [E], values: &[E], n: usize, steps: usize, units: usize) {
    for (sample, row) in values.chunks_exact(units).enumerate() {
        let at = (sample * steps + n) * units;
        trace[at..at + units].copy_from_slice(row);
    }
}
