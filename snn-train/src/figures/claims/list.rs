//! Every claim: the source of its numbers, and their expected values.

use super::{
    claim::Check,
    findings,
    topic::{ABOVE_0, EQUAL, Request, Tested, Topic, accuracy, check, difference, equal},
};
use crate::{
    Error,
    figures::{
        Figure, Interval, Reproduction, Runs, Setting as _,
        bars::Bar,
        figure2, figure3, figure5, figure6,
        figure9::{self, Kind},
        part::Part,
        protocol::{INIT_SEED, RESET_GRADIENT, SHAPE},
        same,
        sources::{MNIST, RANDMAN, RAW_SC},
        statistics::{mean, median, resample},
    },
    sweep::{Settings, Sweep},
};

/// A drop by this much is a failure.
const FALL: f64 = 10.0;
/// A point of a map is solved if it is within this distance of the best.
const SOLVED: f64 = 5.0;

pub(super) fn claims(reproduction: &Reproduction, request: Request<'_>) -> Result<Vec<Tested>, Error> {
    let mut claims = gradient(reproduction, request)?;
    claims.extend(shape(reproduction, request)?);
    claims.extend(scale(reproduction, request)?);
    claims.extend(data_sets(reproduction, request)?);
    claims.extend(sparseness(reproduction, request)?);
    Ok(claims)
}

fn gradient(reproduction: &Reproduction, request: Request<'_>) -> Result<Vec<Tested>, Error> {
    let mut topic = Topic::new(reproduction, request, Figure::Gradient, "Randman, 2 classes");
    topic.compare([figure2::sweep(reproduction)?.into()]);
    let gains = figure2::gains(reproduction)?;
    let (own, spiking) = (gains[0], gains[gains.len() - 1]);
    let models = |runs: &Runs, shape: &str, gain| figure2::runs_of(runs, shape, gain);
    topic.claim(
        "1a",
        "2b",
        "with the true gradient, the hidden layer does not learn and accuracy is poor",
        |runs| {
            let (surrogate, truth) = (models(runs, "super-spike", own), models(runs, "true", own));
            Some(vec![difference("surrogate - true gradient", &surrogate, &truth, Some(20.0), None)?])
        },
    )?;
    topic.claim("1b", "2b", "with a surrogate gradient, the task is solved", |runs| {
        Some(vec![accuracy("test accuracy", &models(runs, "super-spike", own), Some(95.0), None)?])
    })?;
    let also = "the true gradient is also worse if hidden units spike from the start (beyond the paper)";
    topic.claim("1c", "2b", also, |runs| {
        let (surrogate, truth) = (models(runs, "super-spike", spiking), models(runs, "true", spiking));
        Some(vec![difference("surrogate - true gradient", &surrogate, &truth, Some(EQUAL), None)?])
    })?;
    Ok(topic.claims)
}

fn shape(reproduction: &Reproduction, request: Request<'_>) -> Result<Vec<Tested>, Error> {
    let (one, two) = (figure3::sweep(reproduction)?, figure3::deep_sweep(reproduction)?);
    let mut topic = Topic::new(reproduction, request, Figure::Shape, "Randman");
    topic.compare([one.clone().into()]);
    let bars = |runs: &Runs| figure3::bars(reproduction, runs);
    let region = "solved in a wide region of (beta, eta): widest with SuperSpike, then Sigmoid', then Esser";
    topic.claim("2a", "3b", region, |runs| {
        let solved = ["super-spike", "sigmoid", "esser"].map(|shape| solved(reproduction, runs, shape));
        let more = |a: usize, b: usize, what: &str| {
            // The same points of both maps are resampled together.
            let pairs: Vec<_> = solved[a].iter().copied().zip(solved[b].iter().copied()).collect();
            let share =
                |pairs: &[(f64, f64)]| 100.0 * mean(&pairs.iter().map(|(a, b)| a - b).collect::<Vec<_>>());
            let interval =
                Interval::of(share(&pairs), resample(&pairs, 2000).map(|pairs| share(&pairs)).collect())?;
            Some(check(format!("{what}: more of the map solved, %"), interval, Some(ABOVE_0), None))
        };
        let own = Interval::of_mean(&solved[0].iter().map(|it| 100.0 * it).collect::<Vec<_>>())?;
        Some(vec![
            check("SuperSpike: share of the map solved, %", own, None, None),
            more(0, 1, "SuperSpike - Sigmoid'")?,
            more(1, 2, "Sigmoid' - Esser")?,
        ])
    })?;
    topic.claim("2b", "3c", "the best accuracy is the same for all three shapes", |runs| {
        let bars = bars(runs);
        let of = |index: usize| &bars[index].models;
        Some(vec![
            equal("SuperSpike - Sigmoid', one hidden layer", of(1), of(3))?,
            equal("SuperSpike - Esser, one hidden layer", of(1), of(5))?,
        ])
    })?;
    topic.claim("3a", "3c", "networks without a hidden layer fail", |runs| {
        let bars = bars(runs);
        let (with, without) = (&bars[1].models, &bars[0].models);
        Some(vec![difference("one hidden layer - none", with, without, Some(FALL), None)?])
    })?;
    topic.claim("4a", "3d", "robust to the seeds of data and initial weights", |runs| {
        let [(_, data), (_, initial), _] = figure3::repetitions(reproduction, runs);
        let spread = |what: &str, sample: &[f64]| {
            let interval = Interval::of_statistic(sample, |sample| {
                crate::sweep::MeanSd::of(sample).and_then(|summary| summary.sd).unwrap_or(0.0)
            })?;
            Some(check(format!("standard deviation over {what}, points"), interval, None, Some(EQUAL)))
        };
        Some(vec![spread("data sets", &data)?, spread("initial weights", &initial)?])
    })?;
    let batches = f64::from(reproduction.number_of_batches());
    let on_the_map = move |it: &Settings| !it.is(SHAPE, "constant") && it.number(INIT_SEED) < batches;
    topic.compare([one.clone().into(), Part::of(two.clone(), on_the_map)]);
    topic.claim("3b", "3c", "one and two hidden layers perform equally well", |runs| {
        let of = |shape, depth| figure3::best(reproduction, runs, shape, depth, true);
        let shapes = [("super-spike", "SuperSpike"), ("sigmoid", "Sigmoid'"), ("esser", "Esser")];
        shapes
            .into_iter()
            .map(|(shape, name)| {
                equal(&format!("{name}: one hidden layer - two"), &of(shape, 1), &of(shape, 2))
            })
            .collect()
    })?;
    let constant_or_none = |it: &Settings| it.depth() == 0 || it.is(SHAPE, "constant");
    topic.compare([one, two.clone()].map(|sweep| Part::of(sweep, constant_or_none)));
    topic.claim(
        "3c",
        "3c",
        "with beta = 0, accuracy drops to about that without a hidden layer",
        |runs| {
            let bars = bars(runs);
            let none = &bars[0].models;
            let constant =
                |index: usize, what| difference(what, &bars[index].models, none, Some(-FALL), Some(FALL));
            Some(vec![
                constant(7, "beta = 0, one hidden layer - none")?,
                constant(8, "beta = 0, two hidden layers - none")?,
            ])
        },
    )?;
    topic.compare([Part::of(two, figure3::is_repetition)]);
    topic.claim("4b", "3d", "a few low outliers with two hidden layers", |runs| {
        let [_, _, (_, initial)] = figure3::repetitions(reproduction, runs);
        let least = median(&initial) - SOLVED;
        let interval = Interval::of_share(initial.iter().filter(|it| **it < least).count(), initial.len())?;
        let what = format!("models more than {SOLVED} points below the median, %");
        Some(vec![check(what, interval, Some(ABOVE_0), Some(25.0))])
    })?;
    topic.claims.sort_by_key(|it| it.claim.id);
    Ok(topic.claims)
}

/// 1 for each solved point of the map and 0 for the others, in the same order for all shapes.
fn solved(reproduction: &Reproduction, runs: &Runs, shape: &str) -> Vec<f64> {
    let map = runs.of(|row| figure3::first(row) && row.depth() == 1 && row.is(SHAPE, shape));
    let best = runs.accuracies().into_iter().fold(f64::NEG_INFINITY, f64::max);
    let points = figure3::points(reproduction);
    let accuracy = |(eta, beta)| map.of(|row| same(row.eta(), eta) && same(row.beta(), beta)).mean_accuracy();
    points.into_iter().map(|point| f64::from(u8::from(accuracy(point) >= best - SOLVED))).collect()
}

fn scale(reproduction: &Reproduction, request: Request<'_>) -> Result<Vec<Tested>, Error> {
    let mut topic = Topic::new(reproduction, request, Figure::Scale, "Randman");
    let [one, two] = [1, 2].map(|depth| figure5::reset_sweep(reproduction, depth));
    let (one, two) = (one?, two?);
    let of = |sweep: &Sweep, shape: &'static str| Part::of(sweep.clone(), move |it| it.is(SHAPE, shape));
    let best =
        |runs: &Runs, way, depth, recurrent| figure5::best_of(reproduction, runs, way, depth, recurrent);
    let [super_control, super_reset, control, reset] = figure5::RESET;
    let is_compared = |it: &Settings| it.is(SHAPE, "super-spike") || it.is(RESET_GRADIENT, "detached");
    topic.compare([Part::of(one.clone(), is_compared)]);
    topic.claim("5a", "5c", "SuperSpike with and without the gradient through the reset, and the asymptotic surrogate without it, perform equally", |runs| {
        let of = |way| best(runs, way, 1, false);
        let ours = of(super_control);
        Some(vec![
            equal("sCtl - sDR", &ours, &of(super_reset))?,
            equal("sCtl - aCtl", &ours, &of(control))?,
        ])
    })?;
    topic.compare([of(&one, "asymptotic")]);
    topic.claim("5b", "5c", "the gradient through the reset impairs the asymptotic surrogate", |runs| {
        let (without, with) = (best(runs, control, 1, false), best(runs, reset, 1, false));
        let mut check = difference("aCtl - aDR, one hidden layer", &without, &with, Some(EQUAL), None)?;
        check.models.push(findings::by_slope("aDR", &figure5::runs_of(runs, reset, 1, false)));
        Some(vec![check])
    })?;
    let is_compared = |it: &Settings| it.is(SHAPE, "asymptotic") && it.is(RESET_GRADIENT, "differentiable");
    topic.compare([one, two].map(|sweep| Part::of(sweep, is_compared)));
    topic.claim("5c", "5d", "more layers increase this impairment", |runs| {
        let (one, two) = (best(runs, reset, 1, false), best(runs, reset, 2, false));
        let mut check = difference("aDR: one hidden layer - two", &one, &two, Some(ABOVE_0), None)?;
        for (name, depth) in [("aDR with one", 1), ("aDR with two", 2)] {
            check.models.push(findings::by_slope(name, &figure5::runs_of(runs, reset, depth, false)));
        }
        Some(vec![check])
    })?;
    let recurrent = figure5::recurrent_sweep(reproduction, 1)?;
    let [_, super_through, control, through] = figure5::RECURRENCE;
    let chance = 100.0 / reproduction.classes();
    topic.compare([of(&recurrent, "asymptotic")]);
    topic.claim(
        "6a",
        "5e",
        "with gradients through recurrent connections, the asymptotic surrogate falls to chance",
        |runs| {
            let models = best(runs, through, 1, true);
            let mut falls = accuracy("aProp: test accuracy", &models, None, Some(chance + FALL))?;
            falls.models.push(findings::by_slope("aProp", &figure5::runs_of(runs, through, 1, true)));
            Some(vec![falls, difference("aCtl - aProp", &best(runs, control, 1, true), &models, None, None)?])
        },
    )?;
    topic.compare([of(&recurrent, "super-spike")]);
    topic.claim("6b", "5e", "SuperSpike loses little accuracy with these gradients", |runs| {
        let (without, with) = (best(runs, super_control, 1, true), best(runs, super_through, 1, true));
        Some(vec![difference("sCtl - sProp", &without, &with, Some(-EQUAL), Some(FALL))?])
    })?;
    Ok(topic.claims)
}

/// A comparison of two bars of figure 6.
struct Comparison {
    id: &'static str,
    panel: char,
    figure: &'static str,
    statement: &'static str,
    /// The differences: indices of bars, and their description. They must be equal, or the first one better.
    pairs: &'static [(usize, usize, &'static str)],
    equal: bool,
}

const READOUTS: &[(usize, usize, &str)] =
    &[(0, 1, "feed-forward: Max - Sum"), (2, 3, "recurrent: Max - Sum")];
const NETWORKS: &[(usize, usize, &str)] = &[(2, 0, "recurrent - feed-forward, Max")];

const COMPARISONS: [Comparison; 8] = {
    const fn compare(
        id: &'static str,
        panel: char,
        figure: &'static str,
        statement: &'static str,
        pairs: &'static [(usize, usize, &'static str)],
        equal: bool,
    ) -> Comparison {
        Comparison { id, panel, figure, statement, pairs, equal }
    }
    [
        compare("7a", 'a', "6a", "Sum and Max readout perform equally on Randman", READOUTS, true),
        compare("7b", 'b', "6b", "Sum and Max readout perform equally on MNIST", READOUTS, true),
        compare("7c", 'd', "6d", "Sum and Max readout perform equally on RawHD", READOUTS, true),
        compare("7d", 'a', "6a", "recurrence makes no difference on Randman", NETWORKS, true),
        compare("7e", 'b', "6b", "recurrence makes no difference on MNIST", NETWORKS, true),
        compare("7f", 'c', "6c", "recurrent networks perform better on SHD", NETWORKS, false),
        compare("7g", 'd', "6d", "recurrent networks perform better on RawHD", NETWORKS, false),
        compare("7h", 'e', "6e", "recurrent networks perform better on RawSC", NETWORKS, false),
    ]
};

/// An accuracy reported in the paper: index of the bar, mean and standard deviation (%).
const NUMBERS: [(&str, char, &str, &str, usize, f64, f64); 7] = [
    ("7i", 'b', "6b", "98.3 +- 0.9 % on MNIST, feed-forward with Max", 0, 98.3, 0.9),
    ("7j", 'c', "6c", "82 +- 2 % on SHD, recurrent", 2, 82.0, 2.0),
    ("7k", 'd', "6d", "94 +- 2 % on RawHD, recurrent", 2, 94.0, 2.0),
    ("7l", 'd', "6d", "85 +- 3 % on RawHD, feed-forward", 0, 85.0, 3.0),
    ("7m", 'e', "6e", "85.3 +- 0.3 % on RawSC, recurrent with Max", 2, 85.3, 0.3),
    ("7n", 'e', "6e", "80.7 +- 0.4 % on RawSC, recurrent with Sum", 3, 80.7, 0.4),
    ("7o", 'e', "6e", "70 +- 2 % on RawSC, feed-forward", 0, 70.0, 2.0),
];

fn data_sets(reproduction: &Reproduction, request: Request<'_>) -> Result<Vec<Tested>, Error> {
    let mut topics = Vec::new();
    for (panel, source) in &figure6::SOURCES {
        let found =
            reproduction.find_or_recall(source, |found| figure6::sweep(reproduction, *panel, found))?;
        let kind = found.as_ref().map_or_else(|_| source.itself(), |found| *found).kind();
        let mut topic = Topic::on(reproduction, request, Figure::DataSets, source, &found);
        let sweep = found.ok().map(|found| figure6::sweep(reproduction, *panel, found)).transpose()?;
        let bars_of = |bars: &[usize]| {
            let bars = bars.to_vec();
            sweep
                .clone()
                .map(|sweep| Part::of(sweep, move |it| bars.iter().any(|&bar| figure6::is_of(it, bar))))
        };
        for comparison in COMPARISONS.iter().filter(|comparison| comparison.panel == *panel) {
            let Comparison { id, figure, statement, pairs, equal: same, .. } = comparison;
            let compared: Vec<_> = pairs.iter().flat_map(|&(a, b, _)| [a, b]).collect();
            topic.compare(bars_of(&compared));
            topic.claim(id, figure, *statement, |runs| {
                let bars: Vec<Bar> = figure6::bars(reproduction, kind, runs);
                let of = |&(a, b, what): &(usize, usize, &str)| {
                    let (a, b) = (&bars[a].models, &bars[b].models);
                    if *same { equal(what, a, b) } else { difference(what, a, b, Some(ABOVE_0), None) }
                };
                pairs.iter().map(of).collect()
            })?;
        }
        topic.compare_with_the_paper();
        for &(id, of, figure, statement, bar, paper, sd) in &NUMBERS {
            if of == *panel {
                topic.compare(bars_of(&[bar]));
                topic.claim(id, figure, statement, |runs| {
                    let models = &figure6::bars(reproduction, kind, runs)[bar].models;
                    let (least, most) = (Some(paper - 2.0 * sd), Some(paper + 2.0 * sd));
                    Some(vec![accuracy("test accuracy", models, least, most)?])
                })?;
            }
        }
        topics.extend(topic.claims);
    }
    topics.sort_by_key(|it: &Tested| it.claim.id);
    Ok(topics)
}

fn sparseness(reproduction: &Reproduction, request: Request<'_>) -> Result<Vec<Tested>, Error> {
    let mut claims = Vec::new();
    for (panel, source) in &figure9::SOURCES {
        let found =
            reproduction.find_or_recall(source, |found| figure9::sweep(reproduction, *panel, found))?;
        let mut topic = Topic::on(reproduction, request, Figure::Sparseness, source, &found);
        let chance = found.as_ref().map_or(f64::NAN, |found| figure9::chance(reproduction, *found));
        let sweep = found.ok().map(|found| figure9::sweep(reproduction, *panel, found)).transpose()?;
        let of = |kind: Kind| sweep.clone().map(|sweep| Part::of(sweep, move |it| kind.has(it)));
        let critical = |runs: &Runs, kind| figure9::critical(runs, kind, chance);
        let [one, two, recurrent] = figure9::KINDS;
        if *source == RANDMAN {
            topic.compare(of(one));
            let cut = "spikes can be cut by about two orders of magnitude before accuracy falls";
            topic.claim("8a", "9", cut, |runs| {
                let most = mean(&figure9::unregularized(runs, one));
                let Interval { value, low, high } = critical(runs, one)?;
                let decades = |spikes: f64| (most / spikes).log10();
                let interval = Interval { value: decades(value), low: decades(high), high: decades(low) };
                let check = check(
                    "spikes without regularization / critical spikes, decades",
                    interval,
                    Some(1.5),
                    None,
                );
                let mut models =
                    vec![findings::of_cut(&figure9::fitted(runs, one), most, reproduction.classes())];
                models.extend(figure9::look_into(runs, one, chance));
                Some(vec![Check { models, ..check }])
            })?;
            for (id, kind, paper, what) in [
                ("8b", one, 36.0, "one hidden layer"),
                ("8c", two, 76.0, "two hidden layers"),
                ("8d", recurrent, 26.0, "one recurrent hidden layer"),
            ] {
                topic.compare(of(kind));
                let statement = format!("the knee is at about {paper} spikes per input: {what}");
                topic.claim(id, "9", statement, |runs| {
                    let (least, most) = (Some(paper / 2.0), Some(paper * 2.0));
                    let check =
                        check("critical spikes, to a factor of two", critical(runs, kind)?, least, most);
                    Some(vec![Check { models: figure9::look_into(runs, kind, chance), ..check }])
                })?;
            }
        } else if *source == MNIST {
            topic.compare(of(one));
            topic.claim("8e", "9", "fewer than 10 spikes suffice on MNIST", |runs| {
                let check =
                    check("critical spikes, one hidden layer", critical(runs, one)?, None, Some(10.0));
                Some(vec![Check { models: figure9::look_into(runs, one, chance), ..check }])
            })?;
        } else if *source == RAW_SC {
            topic.compare_with_the_paper();
            topic.compare([one, recurrent].into_iter().filter_map(of));
            let statement =
                "80 % on RawSC needs over 2000 spikes in feed-forward and about 150 in recurrent networks";
            topic.claim("8f", "9", statement, |runs| {
                let of = |name: &str, kind, least, most| {
                    let models = figure9::look_into(runs, kind, chance);
                    let check = match figure9::spikes_for(80.0, runs, kind, chance) {
                        Some(spikes) => check(format!("{name}: spikes for 80 %"), spikes, Some(least), most),
                        None => check(
                            format!("{name}: test accuracy of the best, % (the fit does not reach 80)"),
                            Interval::of_mean(&figure9::best_accuracies(runs, kind))?,
                            Some(80.0),
                            None,
                        ),
                    };
                    Some(Check { models, ..check })
                };
                let recurrent = of("recurrent", recurrent, 75.0, Some(300.0));
                Some(vec![of("feed-forward", one, 2000.0, None)?, recurrent?])
            })?;
        }
        claims.extend(topic.claims);
    }
    Ok(claims)
}
