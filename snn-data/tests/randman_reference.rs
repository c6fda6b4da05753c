//! Random manifolds compared with spike times of an independent program.
#![cfg(feature = "npz")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "test helpers fail as tests do")]

use std::env;
use std::path::{Path, PathBuf};

use snn_data::Manifold;
use snn_data::npz::{Array, Npz};

/// Agreement of spike times, in ms.
const TOLERANCE: f64 = 1e-6;

fn read(archive: &mut Npz, name: &str) -> Array<f64> {
    archive.read(name).unwrap()
}

/// Worst difference in ms between our spike times and `times [sample, unit]`, for `coefficients` of a manifold, each
/// `[unit, dim, term]`, and `latent [sample, dim]`.
fn worst_difference(
    [units, dim]: [usize; 2],
    coefficients: [&[f64]; 3],
    latent: &[f64],
    times: &[f64],
    alpha: f64,
) -> f64 {
    let [a, b, c] = coefficients;
    let manifold = Manifold::new(dim, units, alpha, a, b, c).unwrap();
    let ours = manifold.spike_times(latent, 50.0).unwrap();
    assert_eq!(ours.len(), times.len());
    // Not `f64::max`, which would ignore a NaN.
    ours.iter().zip(times).map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, |worst, difference| {
        assert!(difference.is_finite());
        difference.max(worst)
    })
}

/// The three equal parts of a list.
fn thirds(list: &[f64]) -> [&[f64]; 3] {
    let size = list.len() / 3;
    [0, 1, 2].map(|part| &list[part * size..(part + 1) * size])
}

#[test]
fn spike_times_agree_with_the_fixture() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/randman_manifolds.npz");
    let mut fixture = Npz::open(path).unwrap();
    for (case, alpha) in [("line", 1.0), ("plane", 2.0)] {
        // [manifold, A/B/C, unit, dim, term]
        let theta = read(&mut fixture, &format!("{case}_theta"));
        let latent = read(&mut fixture, &format!("{case}_latent"));
        let times = read(&mut fixture, &format!("{case}_times"));
        let [manifolds, 3, units, dim, _] = theta.shape[..] else { panic!("{:?}", theta.shape) };
        assert_eq!([times.shape[0], latent.shape[0]], [manifolds; 2]);
        for (manifold, ((theta, latent), times)) in
            theta.rows().zip(latent.rows()).zip(times.rows()).enumerate()
        {
            let worst = worst_difference([units, dim], thirds(theta), latent, times, alpha);
            println!("{case}, manifold {manifold}: worst difference {worst:.1e} ms");
            assert!(worst < TOLERANCE);
        }
    }
}

#[test]
fn spike_times_agree_with_the_whole_reference() {
    let Some(directory) = env::var_os("SNN_REFERENCE_DIR").map(PathBuf::from) else {
        return snn_test_support::skip(
            "SNN_REFERENCE_DIR does not name the directory that holds datasets/randman_seed0*.npz",
        );
    };
    let datasets = directory.join("datasets");
    let mut archive = Npz::open(datasets.join("randman_seed0_theta.npz")).unwrap();
    let theta = read(&mut archive, "theta");
    let mut data = Npz::open(datasets.join("randman_seed0.npz")).unwrap();
    let (times, latent) = (read(&mut data, "X"), read(&mut data, "latent"));
    let [classes, 3, units, _] = theta.shape[..] else { panic!("{:?}", theta.shape) };
    let (times_of, latent_of) = (times.values.len() / classes, latent.values.len() / classes);
    let samples = times.values.chunks(times_of).zip(latent.values.chunks(latent_of));
    assert_eq!(samples.len(), classes);
    for (class, (theta, (times, latent))) in theta.rows().zip(samples).enumerate() {
        let worst = worst_difference([units, 1], thirds(theta), latent, times, 1.0);
        println!("class {class}: worst difference {worst:.1e} ms");
        assert!(worst < TOLERANCE);
    }
}
