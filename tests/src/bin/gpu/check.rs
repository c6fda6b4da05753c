//! Golden cases and random problems on a GPU, compared with the CPU and an independent program.

use crate::moved::moved;
use snn_core::{Cuda, Implementation, NeuronKind};
use snn_tests::{
    golden,
    measure::worst,
    random::{FUSED, random_problems},
    run::Run,
};
use std::panic::{self, AssertUnwindSafe};

/// Number of golden cases and random problems in the quick check.
const QUICK: usize = 12;

/// Reports every failing case; returns whether all passed.
///
/// The quick check uses the path of the trainer, which runs only our own GPU code; the full one also uses dfdx's tape.
pub(crate) fn check(gpu: &Cuda, quick: bool) -> bool {
    let lif = |case: &golden::Case| case.expected.config.neuron == NeuronKind::Lif;
    let mut cases = golden::cases(golden::PAPER);
    if quick {
        cases.truncate(QUICK);
    } else {
        cases.extend(golden::cases(golden::EXTENSIONS).into_iter().filter(lif));
    }
    let mut largest = 0.0f64;
    let mut failures = 0;
    for case in &cases {
        let error = panic::catch_unwind(AssertUnwindSafe(|| compare(gpu, case, quick)));
        // the panic printed the error
        failures += usize::from(error.is_err());
        largest = largest.max(error.unwrap_or_default());
    }
    println!(
        "{} golden cases, {failures} of them wrong; of the others, worst relative error {largest:.2e}",
        cases.len()
    );
    if quick {
        return failures == 0;
    }
    let random = panic::catch_unwind(AssertUnwindSafe(|| {
        random_problems(400, &FUSED, &|network, problem| {
            let network = moved(network, gpu);
            Some(Run::new(&network, &problem.input(), &problem.labels(), &problem.regularizer))
        });
    }));
    failures == 0 && random.is_ok()
}

/// Returns the error of the case.
fn compare(gpu: &Cuda, case: &golden::Case, quick: bool) -> f64 {
    let network = moved(&case.network::<f32>(Implementation::Fused), gpu);
    let run = || match quick {
        true => Run::of_step(&network, &case.input(), &case.labels, &case.regularizer),
        false => case.run(&network),
    };
    let (found, again) = (run(), run());
    let expected = &case.expected;
    found.assert_same_spikes(expected, &case.name);
    assert!(found.gradients == again.gradients, "{}: two runs differ", case.name);
    let error =
        worst([found.forward_error(expected), found.loss_error(expected), found.gradient_error(expected)]);
    assert!(error <= 2e-5, "{}: off by {error:.2e}", case.name);
    error
}
