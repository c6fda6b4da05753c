//! Custom losses on logits, spike counts and readout potentials: the gradients of the fused implementation and the CUDA
//! kernels compared with those of the reference in `f64`, and refused uses.

#![allow(clippy::panic, clippy::unwrap_used, reason = "test helpers fail like tests")]

use snn_core::{
    Backend, Cpu, CudaEmulation, Error, Float, Gradients, Initialization, Input, Layer, Network,
    NetworkConfig, Pass, Readout, Regularizer,
    dfdx::{
        prelude::{Backward, Device, HasShape, MeanTo, OwnedTape, Rank0, SumTo, Tensor},
        tensor_ops::log_softmax,
    },
};
use snn_tests::{
    measure::{norm, relative_error},
    problem::{Problem, Signal, reference},
};

type Taped<E> = OwnedTape<E, Cpu>;
type Scalar<E> = Tensor<Rank0, E, Cpu, Taped<E>>;

/// A loss computed from all results of a pass.
trait Loss {
    fn of<E: Float>(&self, pass: Pass<E, Cpu, Taped<E>>) -> Scalar<E>
    where
        Cpu: Backend<E>;
}

/// Mean squared distance of the last layer's counts from 2.
struct Counts;

impl Loss for Counts {
    fn of<E: Float>(&self, mut pass: Pass<E, Cpu, Taped<E>>) -> Scalar<E>
    where
        Cpu: Backend<E>,
    {
        let counts = pass.counts.pop().unwrap();
        (counts - E::of(2.0)).square().mean()
    }
}

/// Mean squared distance of the readout from 0.3, at every step.
struct EveryStep;

impl Loss for EveryStep {
    fn of<E: Float>(&self, pass: Pass<E, Cpu, Taped<E>>) -> Scalar<E>
    where
        Cpu: Backend<E>,
    {
        (pass.readout - E::of(0.3)).square().mean()
    }
}

/// All three at once, with the counts of every layer.
struct Everything;

impl Loss for Everything {
    fn of<E: Float>(&self, pass: Pass<E, Cpu, Taped<E>>) -> Scalar<E>
    where
        Cpu: Backend<E>,
    {
        let mut loss = pass.logits.square().mean::<Rank0, _>();
        for counts in pass.counts {
            loss = loss + (counts * E::of(0.1)).square().mean::<Rank0, _>();
        }
        loss + pass.readout.square().mean::<Rank0, _>()
    }
}

fn gradients<E: Float>(network: &Network<E>, input: &Input<E>, loss: &impl Loss) -> Vec<(String, Vec<f64>)>
where
    Cpu: Backend<E>,
{
    let pass = network.forward_on(input, OwnedTape::default()).unwrap();
    let found = network.gradients(loss.of(pass).backward()).unwrap();
    let wide = |name: &str| found.get(name).unwrap().into_iter().map(|g| g.wide()).collect();
    network.parameters().map(|(name, ..)| (name.clone(), wide(&name))).collect()
}

fn problem(readout: Readout) -> Problem {
    let hidden = vec![Layer::recurrent(20), Layer::feed_forward(17)];
    let config = NetworkConfig { hidden, readout, ..NetworkConfig::new(12, 5) };
    Problem { gain: 9.0, signal: Signal::Repeated(0.2), ..Problem::new(config, 19, 40) }
}

fn check(loss: &impl Loss, readout_learns: bool) {
    for readout in [Readout::Max, Readout::Sum] {
        let problem = problem(readout);
        let network = problem.network();
        let expected = gradients(&reference::<f64>(&network), &problem.input(), loss);
        let mut emulated = network.clone();
        emulated.emulate_cuda(CudaEmulation::default());
        for (what, network) in [("fused", &network), ("CUDA", &emulated)] {
            for ((name, found), (_, expected)) in
                gradients(network, &problem.input(), loss).iter().zip(&expected)
            {
                let learns = readout_learns || name != "Wout";
                assert_eq!(norm(expected) > 1e-6, learns, "{name}: {}", norm(expected));
                let error = relative_error(found, expected);
                assert!(!learns || error < 2e-5, "{what}, {readout:?}: {name} is off by {error:.1e}");
                assert!(learns || norm(found) == 0.0);
            }
        }
    }
}

#[test]
fn a_loss_on_spike_counts_alone() {
    check(&Counts, false);
}

#[test]
fn a_loss_on_the_readout_of_every_step() {
    check(&EveryStep, true);
}

#[test]
fn a_loss_on_everything_at_once() {
    check(&Everything, true);
}

/// Under Sum, the gradient of a logit is that of the readout potential at every step.
#[test]
fn the_sum_over_the_readout_is_the_logit() {
    struct Logits;
    impl Loss for Logits {
        fn of<E: Float>(&self, pass: Pass<E, Cpu, Taped<E>>) -> Scalar<E>
        where
            Cpu: Backend<E>,
        {
            pass.logits.square().mean()
        }
    }
    struct Summed;
    impl Loss for Summed {
        fn of<E: Float>(&self, pass: Pass<E, Cpu, Taped<E>>) -> Scalar<E>
        where
            Cpu: Backend<E>,
        {
            let &(batch, _, outputs) = pass.readout.shape();
            let summed = pass.readout.sum::<(usize, usize), snn_core::dfdx::shapes::Axis<1>>();
            assert_eq!(summed.shape(), &(batch, outputs));
            summed.square().mean()
        }
    }
    let problem = problem(Readout::Sum);
    let network = problem.network();
    let (one, other) =
        (gradients(&network, &problem.input(), &Logits), gradients(&network, &problem.input(), &Summed));
    for ((name, one), (_, other)) in one.iter().zip(&other) {
        assert!(relative_error(one, other) < 1e-5, "{name}");
    }
}

/// A manually smoothed cross-entropy equals that of the network for smoothing 0.
#[test]
fn smoothed_labels_by_hand() {
    struct Smoothed {
        labels: Vec<u16>,
        smoothing: f64,
    }
    impl Loss for Smoothed {
        fn of<E: Float>(&self, pass: Pass<E, Cpu, Taped<E>>) -> Scalar<E>
        where
            Cpu: Backend<E>,
        {
            let &(batch, classes) = pass.logits.shape();
            let mut targets = vec![E::of(self.smoothing / classes as f64); batch * classes];
            for (row, &label) in targets.chunks_exact_mut(classes).zip(&self.labels) {
                row[usize::from(label)] += E::of(1.0 - self.smoothing);
            }
            let targets = tensor(&pass.logits, targets, (batch, classes));
            (log_softmax::<snn_core::dfdx::shapes::Axis<1>, _, _, _, _>(pass.logits) * targets)
                .sum::<Rank0, _>()
                .negate()
                / E::of(batch as f64)
        }
    }
    let problem = problem(Readout::Max);
    let network = problem.network();
    let labels = problem.labels();
    let plain = network.loss(&problem.input(), &labels, &Regularizer::default()).unwrap().backward().unwrap();
    let by_hand =
        |smoothing| gradients(&network, &problem.input(), &Smoothed { labels: labels.clone(), smoothing });
    let wide = |name: &str| plain.get(name).unwrap().into_iter().map(f64::from).collect::<Vec<_>>();
    for (name, found) in by_hand(0.0) {
        assert!(relative_error(&found, &wide(&name)) < 1e-5, "{name}");
    }
    assert!(by_hand(0.2).iter().any(|(name, found)| relative_error(found, &wide(name)) > 1e-2));
}

#[test]
fn a_backward_pass_that_reaches_no_weight_is_an_error() {
    let problem = problem(Readout::Max);
    let (network, other) = (problem.network(), Problem { seed: 5, ..problem.clone() }.network());
    let input = problem.input();
    let pass = || network.forward_on(&input, OwnedTape::default()).unwrap();

    // the counts, without their tape
    let counts = pass().counts.remove(0).retaped::<Taped<f32>>();
    assert_eq!(
        network.gradients(counts.square().mean::<Rank0, _>().backward()).unwrap_err(),
        Error::Unreached
    );
    // gradients of another network, and of the same one
    let loss = || Counts.of(pass());
    assert_eq!(other.gradients(loss().backward()).unwrap_err(), Error::Unreached);
    assert!(network.gradients(loss().backward()).unwrap().norm().unwrap() > 0.0);
    // a clone has the same weights
    assert!(network.clone().gradients(loss().backward()).is_ok());
    // a second loss from one pass, after the backward pass of the first
    let Pass { logits, readout, .. } = pass();
    assert!(network.gradients(logits.square().mean::<Rank0, _>().backward()).is_ok());
    let second = readout.square().mean::<Rank0, _>().backward();
    let message = network.gradients(second).unwrap_err().to_string();
    assert!(message.contains("once"), "{message}");
}

#[test]
fn gradients_can_be_changed_scaled_and_clipped() {
    let problem = problem(Readout::Max);
    let network = problem.network();
    let fresh = || -> Gradients {
        network
            .loss(&problem.input(), &problem.labels(), &Regularizer::default())
            .unwrap()
            .backward()
            .unwrap()
    };
    let before = fresh();
    let total = before.norm().unwrap();
    let by_matrix: f64 = before.norms().unwrap().iter().map(|(_, norm)| norm.powi(2)).sum::<f64>().sqrt();
    assert!(total > 0.0 && (total - by_matrix).abs() < 1e-12);

    // a limit above the norm changes no bit
    let mut gradients = fresh();
    assert_eq!(gradients.clip_norm(total * 1.01).unwrap(), total);
    assert_eq!(gradients.get("W1"), before.get("W1"));
    // a limit below the norm keeps the direction
    assert_eq!(gradients.clip_norm(total / 4.0).unwrap(), total);
    assert!((gradients.norm().unwrap() - total / 4.0).abs() < 1e-6 * total);
    let ratio = gradients.get("V1").unwrap()[3] / before.get("V1").unwrap()[3];
    assert!((ratio - 0.25).abs() < 1e-6, "{ratio}");

    let mut gradients = fresh();
    gradients.scale(-2.0).unwrap();
    assert_eq!(gradients.get("Wout").unwrap()[1], -2.0 * before.get("Wout").unwrap()[1]);
    gradients.get_mut("W2").unwrap().unwrap().fill(1.0);
    assert!(gradients.get("W2").unwrap().iter().all(|&g| g == 1.0));
    let size = before.get("W2").unwrap().len();
    gradients.set("W2", &vec![3.0; size]).unwrap();
    assert!(gradients.get("W2").unwrap().iter().all(|&g| g == 3.0));

    assert!(gradients.get_mut("W9").unwrap().is_none());
    let message = gradients.set("W9", &[]).unwrap_err().to_string();
    assert!(message.contains("W9") && message.contains("W1, V1, W2, Wout"), "{message}");
    assert!(gradients.set("W2", &[0.0]).is_err());
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(gradients.clip_norm(bad), Err(Error::Setting { .. })));
    }
    assert!(gradients.scale(f64::NAN).is_err());
}

/// Values on the device of another tensor.
fn tensor<E: Float, T>(
    like: &Tensor<(usize, usize), E, Cpu, T>,
    values: Vec<E>,
    shape: (usize, usize),
) -> Tensor<(usize, usize), E, Cpu>
where
    Cpu: Device<E>,
{
    use snn_core::dfdx::prelude::TensorFromVec;
    like.device().tensor_from_vec(values, shape)
}

#[test]
fn gradients_of_a_custom_loss_train_like_others() {
    let problem = problem(Readout::Max);
    let mut network: Network =
        Network::new(problem.config.clone(), Initialization::Normal { gain: 9.0 }, 3).unwrap();
    let mut adam =
        snn_core::Adam::new(snn_core::AdamConfig { learning_rate: 0.01, ..Default::default() }, &network)
            .unwrap();
    let value = |network: &Network| {
        let pass = network.forward_on(&problem.input(), OwnedTape::default()).unwrap();
        Counts.of(pass).as_vec()[0]
    };
    let before = value(&network);
    for _ in 0..30 {
        let pass = network.forward_on(&problem.input(), OwnedTape::default()).unwrap();
        let gradients = network.gradients(Counts.of(pass).backward()).unwrap();
        adam.update(&mut network, &gradients).unwrap();
    }
    let after = value(&network);
    assert!(after < 0.7 * before, "{before} -> {after}");
}
