//! `snn figure`

use std::{
    collections::HashSet,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::atomic::AtomicBool,
};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use serde_json::json;
use snn_train::{
    figures::{DATA_SETS, Drawn, Figure, FirstWeights, Plan, Reproduction, Scale, untrained_activity},
    sweep::{RunEvent, Update},
};

use crate::{
    bar::Bar,
    common::{FAILURE, STOPPED, UsageError, path_text},
    stop,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Numbers of figures, `all`, or `activity`: the activity of the untrained network for each choice of initial weights, and
    /// the choice used for the figures
    #[arg(value_name = "NUMBER|all|activity", required_unless_present = "claims")]
    figures: Vec<String>,
    /// Scale of the runs: smoke takes seconds and only tests the program, quick takes minutes and shows the tendency, reduced is
    /// a part of the paper's protocol on half the samples, full is all of it
    #[arg(long, value_enum, default_value_t = HowMuch::Quick)]
    scale: HowMuch,
    /// The initial weights: `active` uses those of the presets, with the smallest gain at which the untrained network
    /// spikes; `printed` uses those of the paper
    #[arg(long, value_name = "NAME", default_value = "active", value_parser = PossibleValuesParser::new(FirstWeights::NAMES))]
    initialization: String,
    /// Number of batches of seeds, 1 to 3, for grids where one batch leaves claims undecided
    #[arg(long, value_name = "N", default_value_t = 1)]
    batches: u32,
    /// Train no networks with two hidden layers for figures 3 and 5
    #[arg(long)]
    shallow: bool,
    /// Output folder for figures and their runs [default: figures/SCALE, or figures/SCALE-NAME for initial weights other than
    /// `active`]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// For figures 6, 7 and 9, only panels on these data sets, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = PossibleValuesParser::new(DATA_SETS))]
    data: Option<Vec<String>>,
    /// Only the runs that these claims of `snn claims` compare, separated by commas, such as 5b,7c; by default for all figures
    /// that have such runs
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "shallow")]
    claims: Option<Vec<String>>,
    /// Only count the runs, without training or drawing
    #[arg(long)]
    plan: bool,
    /// Draw from the existing runs, without training
    #[arg(long, conflicts_with = "plan")]
    draw_only: bool,
    /// Write the results as JSON
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum HowMuch {
    Smoke,
    Quick,
    Reduced,
    Full,
}

impl From<HowMuch> for Scale {
    fn from(scale: HowMuch) -> Self {
        match scale {
            HowMuch::Smoke => Self::Smoke,
            HowMuch::Quick => Self::Quick,
            HowMuch::Reduced => Self::Reduced,
            HowMuch::Full => Self::Full,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (wants_activity, words): (Vec<_>, Vec<_>) =
        arguments.figures.iter().cloned().partition(|word| word == ACTIVITY);
    let mut figures = figures(&words)?;
    let scale = Scale::from(arguments.scale);
    let first_weights: FirstWeights = arguments.initialization.parse()?;
    let default = || PathBuf::from("figures").join(first_weights.directory(scale));
    let out = arguments.out.clone().unwrap_or_else(default);
    let mut reproduction = Reproduction::new(out, scale)
        .from(first_weights)
        .batches(arguments.batches)?
        .shallow(arguments.shallow);
    if let Some(names) = &arguments.data {
        reproduction = reproduction.only(names)?;
    }
    if let Some(ids) = &arguments.claims {
        reproduction = reproduction.only_claims(ids)?;
        let compared = reproduction.figures_of_claims()?;
        if figures.is_empty() {
            figures = compared;
        } else if let Some(other) = figures.iter().find(|figure| !compared.contains(figure)) {
            let claims = ids.join(", ");
            let number = other.number();
            return Err(UsageError(format!(
                "figure {number} has no runs for claims {claims}; omit {number}"
            ))
            .into());
        }
    }
    if !wants_activity.is_empty() {
        activity(&reproduction, arguments)?;
    }
    if arguments.plan {
        return plan(&reproduction, &figures, arguments.json);
    }
    let stop = stop::on_signals(false)?;
    let mut complete = true;
    for figure in figures {
        let drawn = match make(&reproduction, figure, arguments, &stop.flag) {
            Ok(drawn) => drawn,
            // The next figure may not be affected by this error.
            Err(error) if !error.is::<io::Error>() => {
                writeln!(
                    snn_terminal::stderr(),
                    "error: figure {}: {}",
                    figure.number(),
                    snn_terminal::escape(&error.to_string())
                )?;
                complete = false;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(drawn) = drawn else {
            if arguments.json {
                tell_json(figure, scale, "stopped", &Drawn::default())?;
            }
            stop.explain();
            let _ = writeln!(snn_terminal::stderr(), "stopped; the same command resumes");
            stop::leave(STOPPED);
        };
        complete &= drawn.incomplete.is_empty() || arguments.draw_only;
        if arguments.json {
            let state = if drawn.incomplete.is_empty() { "done" } else { "incomplete" };
            tell_json(figure, scale, state, &drawn)?;
        } else {
            tell(figure, &drawn)?;
        }
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// Prints and draws the activity of untrained networks for each requested data set, by default the manifolds.
fn activity(reproduction: &Reproduction, arguments: &Arguments) -> anyhow::Result<()> {
    let default = [DATA_SETS[0].to_owned()];
    for data_set in arguments.data.as_deref().unwrap_or(&default) {
        let rows = untrained_activity(data_set)?;
        let files = if arguments.plan { Vec::new() } else { reproduction.draw_activity(data_set, &rows)? };
        let mut out = snn_terminal::stdout();
        if arguments.json {
            let files: Vec<_> = files.iter().map(|file| path_text(file)).collect();
            let result =
                json!({"version": 1, "kind": "activity", "data": data_set, "rows": rows, "files": files});
            writeln!(out, "{result}")?;
            continue;
        }
        writeln!(
            out,
            "{data_set}: hidden spikes per input before training, mean of ten draws of the weights"
        )?;
        for row in &rows {
            let least = row.spikes.iter().copied().fold(f64::INFINITY, f64::min);
            let most = row.spikes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let chosen = if row.chosen { "  <- active: the smallest gain with at least 0.5" } else { "" };
            writeln!(out, "  {:<18} {:>7.3} ({least:.3} to {most:.3}){chosen}", row.weights, row.mean)?;
        }
        for file in files {
            writeln!(out, "  {}", file.display())?;
        }
    }
    Ok(())
}

/// Trains missing runs, unless disabled, and draws. `None` when stopped.
fn make(
    reproduction: &Reproduction,
    figure: Figure,
    arguments: &Arguments,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Drawn>> {
    if !arguments.draw_only {
        let mut progress = Progress::new(figure, arguments.quiet);
        if !reproduction.train(figure, stop, &mut |name, update| progress.show(name, update))? {
            return Ok(None);
        }
    }
    Ok(Some(reproduction.draw(figure)?))
}

fn tell(figure: Figure, drawn: &Drawn) -> io::Result<()> {
    let mut out = snn_terminal::stdout();
    writeln!(out, "figure {}: {}", figure.number(), figure.title())?;
    for file in &drawn.files {
        writeln!(out, "  {}", file.display())?;
    }
    for missing in &drawn.missing {
        writeln!(out, "  panel {} is not drawn: {}", missing.panel, missing.reason)?;
    }
    for incomplete in &drawn.incomplete {
        writeln!(out, "  drawn without all runs: {incomplete}")?;
    }
    Ok(())
}

fn tell_json(figure: Figure, scale: Scale, state: &str, drawn: &Drawn) -> io::Result<()> {
    let files: Vec<_> = drawn.files.iter().map(|file| path_text(file)).collect();
    let result = json!({
        "version": 1,
        "kind": "figure",
        "figure": figure.number(),
        "scale": scale,
        "state": state,
        "files": files,
        "missing": drawn.missing,
        "incomplete": drawn.incomplete,
    });
    writeln!(snn_terminal::stdout(), "{result}")
}

/// The figure that is not in the paper.
const ACTIVITY: &str = "activity";

fn figures(words: &[String]) -> Result<Vec<Figure>, UsageError> {
    let mut figures = Vec::new();
    for word in words {
        match word.as_str() {
            "all" => figures.extend(Figure::ALL),
            "4" => {
                let reason =
                    "figure 4 is a sketch of the computation, without data: there is nothing to reproduce";
                return Err(UsageError(reason.to_owned()));
            }
            word => match word.parse().ok().and_then(Figure::of) {
                Some(figure) => figures.push(figure),
                None => {
                    let numbers: Vec<_> =
                        Figure::ALL.iter().map(|figure| figure.number().to_string()).collect();
                    return Err(UsageError(format!(
                        "there is no figure `{word}`; use {}, all or activity",
                        numbers.join(", ")
                    )));
                }
            },
        }
    }
    let mut seen = HashSet::new();
    figures.retain(|figure| seen.insert(*figure));
    Ok(figures)
}

fn plan(reproduction: &Reproduction, figures: &[Figure], json: bool) -> anyhow::Result<ExitCode> {
    let each: Vec<(Figure, Plan)> = figures
        .iter()
        .map(|&figure| Ok((figure, reproduction.plan(&[figure])?)))
        .collect::<anyhow::Result<_>>()?;
    let all = reproduction.plan(figures)?;
    let mut out = snn_terminal::stdout();
    if json {
        let each: Vec<_> =
            each.iter().map(|(figure, plan)| json!({"figure": figure.number(), "plan": plan})).collect();
        let result = json!({"version": 1, "kind": "figure_plan", "scale": reproduction.scale(), "figures": each, "all": all});
        writeln!(out, "{result}")?;
        return Ok(ExitCode::SUCCESS);
    }
    for (figure, plan) in each {
        writeln!(out, "figure {}: {:>5} runs, {:>5} done", figure.number(), plan.runs, plan.done)?;
    }
    writeln!(out, "together: {:>5} runs, {:>5} done (shared ones counted once)", all.runs, all.done)?;
    Ok(ExitCode::SUCCESS)
}

/// Progress of a figure's runs: a bar on a terminal, occasional lines elsewhere.
struct Progress {
    bar: Option<Bar>,
    quiet: bool,
    /// The sweep of the last line, and its percentage.
    told: (String, u64),
}

impl Progress {
    fn new(figure: Figure, quiet: bool) -> Self {
        let bar = (!quiet && snn_terminal::stderr().is_terminal()).then(|| {
            let bar = Bar::new(1000, "{prefix} {bar:20} {percent:>3} % {wide_msg}");
            bar.set_prefix(&format!("figure {}", figure.number()));
            bar
        });
        Self { bar, quiet, told: (String::new(), 0) }
    }

    fn show(&mut self, sweep: &str, update: &Update<'_>) {
        let progress = &update.progress;
        let remaining =
            progress.remaining.map_or_else(String::new, |seconds| format!(", {} to go", duration(seconds)));
        let failed =
            if progress.failed > 0 { format!(", {} failed", progress.failed) } else { String::new() };
        let text = format!("{} of {} runs{failed}{remaining}", progress.done, progress.runs);
        let failure = match update.event {
            RunEvent::Failed(error) => Some(format!("run {} failed: {error}", update.point.id)),
            _ => None,
        };
        if let Some(bar) = &self.bar {
            bar.set_position((1000.0 * progress.fraction) as u64);
            bar.set_message(&format!("{sweep}: {text}"));
            if let Some(failure) = failure {
                bar.println(&failure);
            }
        } else {
            let percent = (100.0 * progress.fraction) as u64;
            // Errors on standard error are ignored.
            if let Some(failure) = failure {
                let _ = writeln!(snn_terminal::stderr(), "{}", snn_terminal::escape(&failure));
            }
            if self.told.0 != sweep {
                self.told = (sweep.to_owned(), 0);
            }
            if !self.quiet && percent >= self.told.1 + 5 {
                self.told.1 = percent - percent % 5;
                let _ = writeln!(snn_terminal::stderr(), "{sweep}: {percent} %, {text}");
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn duration(seconds: f64) -> String {
    match seconds as u64 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_is_selected_once_by_number() {
        let choose = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
            figures(&words).map(|figures| figures.into_iter().map(Figure::number).collect::<Vec<_>>())
        };
        assert_eq!(choose(&["3", "1", "3"]).unwrap(), [3, 1]);
        assert_eq!(choose(&["all", "1"]).unwrap().len(), Figure::ALL.len());
        assert!(choose(&["4"]).unwrap_err().to_string().contains("sketch"));
        assert!(choose(&["12"]).unwrap_err().to_string().contains("there is no figure `12`"));
    }
}
