use super::*;

#[test]
fn values_by_hand() {
    let h = |shape, beta, x: f64| Surrogate { shape, beta }.derivative(x);
    assert_eq!(h(SurrogateShape::SuperSpike, 1.0, -1.0), 0.25);
    assert_eq!(h(SurrogateShape::Asymptotic, 4.0, 0.25), 1.0);
    assert_eq!(h(SurrogateShape::Asymptotic, 4.0, 0.0), 4.0);
    assert_eq!(h(SurrogateShape::Sigmoid, 10.0, 0.0), 0.25);
    assert_eq!(h(SurrogateShape::SigmoidRescaled, 10.0, 0.0), 1.0);
    // s(1) = 0.73105857863, s (1 - s) = 0.19661193324
    assert!((h(SurrogateShape::Sigmoid, 2.0, 0.5) - 0.196_611_933_241_482).abs() < 1e-15);
    assert_eq!(h(SurrogateShape::Sigmoid, 1e6, -1.0), 0.0);
    assert_eq!(h(SurrogateShape::Esser, 2.0, 0.25), 0.5);
    assert_eq!(h(SurrogateShape::Esser, 2.0, -0.75), 0.0);
    assert_eq!(h(SurrogateShape::Constant, 7.0, 3.0), 1.0);
    assert_eq!(h(SurrogateShape::True, 7.0, 0.0), 0.0);
    // pi b x / 2 = 1
    assert!((h(SurrogateShape::Arctangent, 4.0, 0.5 / std::f64::consts::PI) - 1.0).abs() < 1e-15);
    // the standard normal density at 1
    assert!((h(SurrogateShape::Gaussian, 2.0, -0.5) - 2.0 * 0.241_970_724_519_143_37).abs() < 1e-15);
    assert_eq!(h(SurrogateShape::Boxcar, 4.0, -0.12), 4.0);
    assert_eq!(h(SurrogateShape::Boxcar, 4.0, 0.125), 0.0);
}

/// Width 0.5, as in the paper; values from its authors' program, `(1.15 N(x; 0, 0.5) - 0.15 N(x; 0.5, 3) - 0.15 N(x; -0.5, 3))`.
#[test]
fn multi_gaussian_is_a_sum_of_three_normal_distributions() {
    let normal = |x: f64, mean: f64, sigma: f64| {
        (-0.5 * ((x - mean) / sigma).powi(2)).exp() / (sigma * std::f64::consts::TAU.sqrt())
    };
    let surrogate = Surrogate { shape: SurrogateShape::MultiGaussian, beta: 2.0 };
    for x in [-4.0, -1.0, 0.0, 0.3, 2.0] {
        let expected = 1.15 * normal(x, 0.0, 0.5) - 0.15 * (normal(x, 0.5, 3.0) + normal(x, -0.5, 3.0));
        assert!((surrogate.derivative(x) - expected).abs() < 1e-15, "{x}");
    }
    assert!(surrogate.derivative(2.0) < 0.0);
}

#[test]
fn every_shape_is_even_and_largest_at_the_threshold() {
    for &shape in SurrogateShape::ALL {
        let s = Surrogate { shape, beta: 3.0 };
        for k in 1..50 {
            let x = 0.1 * f64::from(k);
            assert_eq!(s.derivative(x), s.derivative(-x), "{shape:?}");
            assert!(s.derivative(x) <= s.derivative(0.0), "{shape:?}");
        }
    }
}

#[test]
fn antiderivatives_have_the_surrogates_as_derivatives() {
    let e = 1e-5;
    for &shape in SurrogateShape::ALL {
        for beta in [0.5, 1.0, 10.0] {
            let surrogate = Surrogate { shape, beta };
            for k in -40..40 {
                let x = 0.05 * f64::from(k) + 0.013; // no point within e of a kink of f
                let difference =
                    (surrogate.antiderivative(x + e) - surrogate.antiderivative(x - e)) / (2.0 * e);
                let h = surrogate.derivative(x);
                assert!(
                    (difference - h).abs() < 1e-6 * h.abs().max(1.0),
                    "{surrogate:?} at {x}: {difference}, not {h}"
                );
            }
        }
    }
}

/// Scripts and experiments use the word of a shape, kernels its code: neither may change.
#[test]
fn words_and_codes_are_stable() {
    let expected = [
        "super-spike",
        "sigmoid",
        "sigmoid-rescaled",
        "esser",
        "asymptotic",
        "constant",
        "true",
        "arctangent",
        "gaussian",
        "multi-gaussian",
        "boxcar",
    ];
    assert_eq!(SurrogateShape::WORDS, expected);
    for (code, (&shape, word)) in SurrogateShape::ALL.iter().zip(expected).enumerate() {
        assert_eq!((shape.word(), shape.code() as usize), (word, code));
        assert_eq!(serde_json::to_string(&shape).unwrap(), format!("\"{word}\""));
        assert_eq!(serde_json::from_str::<SurrogateShape>(&format!("\"{word}\"")).unwrap(), shape);
    }
}

/// The codes are those of the `enum` in the kernels' source: `SURROGATE_SUPER_SPIKE` is number 0, and so on.
#[test]
fn the_kernels_use_the_same_codes() {
    let source = include_str!("../fused/cuda/kernels/surrogate.cuh");
    let (_, list) = source.split_once("enum {").unwrap();
    let (list, _) = list.split_once('}').unwrap();
    let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let name =
        |shape: &SurrogateShape| format!("SURROGATE_{}", shape.word().to_uppercase().replace('-', "_"));
    assert_eq!(names, SurrogateShape::ALL.iter().map(name).collect::<Vec<_>>());
    for name in names {
        assert!(source.contains(&format!("case {name}:")), "the kernels do not compute {name}");
    }
}

#[test]
fn impossible_slopes_are_refused() {
    for beta in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(Surrogate { beta, ..Surrogate::default() }.validate().is_err());
    }
}
