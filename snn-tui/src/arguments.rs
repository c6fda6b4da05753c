//! The command line.

use std::{env, path::PathBuf, str::FromStr};

use anyhow::{Result, bail};
use clap::{
    Parser, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

use crate::{
    export::Target,
    notify::Notify,
    screens::{SCREENS, curves, probed},
    state::{Filter, Screen, UiState, headings},
    theme::{Colors, Ground, Marker, Theme},
};

/// Watch training runs in the terminal; quitting does not stop them
#[derive(Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Directory of runs, of one run, or of a sweep. With several, such as `runs sweeps/*`, the name of
    /// each run starts with that of its directory
    #[arg(default_value = "runs", value_name = "RUNS_DIR")]
    pub(crate) runs: Vec<PathBuf>,
    /// Write a screen as text and exit; the default if the output is not a terminal, or TERM is `dumb`
    #[arg(long)]
    pub(crate) once: bool,
    /// Write the runs as JSON and exit
    #[arg(long, conflicts_with_all = ["once", "export"])]
    pub(crate) json: bool,
    /// Write the plot as SVG, PDF or PNG, by the file extension, and its numbers as CSV next to it, and exit; with `--once`,
    /// write the screen
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<Target>,
    /// The first screen, or the one to write
    #[arg(long, default_value = SCREENS[0].screen.0, value_parser = screen_parser())]
    screen: Screen,
    /// Put the cursor on this run
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Mark these runs, or `all` that match the filter
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    mark: Vec<String>,
    /// Show only runs that match: words, and conditions as in `snn runs --where`, such as `randman best>=0.9`
    #[arg(long, value_name = "WORDS")]
    filter: Option<String>,
    /// Sort by a column; `-` before it reverses the order
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    sort: Option<String>,
    /// The metric of the curves, such as `loss`, `spikes` or `gradient_norms.W1`, or `all`; by default loss and accuracy
    #[arg(long)]
    metric: Option<String>,
    /// The epoch whose probe is shown; by default the newest
    #[arg(long)]
    epoch: Option<u32>,
    /// Columns and rows of the output [default: the terminal's, or 80x24]
    #[arg(long, value_name = "WxH")]
    size: Option<Size>,
    /// Characters for curves [default: braille if the locale is UTF-8, otherwise ascii]
    #[arg(long, value_enum)]
    marker: Option<Marker>,
    /// Colors; `auto` follows NO_COLOR and TERM
    #[arg(long, value_enum, default_value = "auto")]
    color: ColorChoice,
    /// Colors for a dark or a light background; `auto` asks the terminal
    #[arg(long, value_enum, default_value = "auto")]
    theme: ThemeChoice,
    /// Use the mouse wheel and clicks; hold Shift to select text
    #[arg(long)]
    pub(crate) mouse: bool,
    /// Ring the bell, or send a desktop notification (OSC 9), when a run ends
    #[arg(long, value_enum)]
    pub(crate) notify: Option<Notify>,
    /// Seconds between reads of the files
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = positive)]
    pub(crate) interval: f64,
    /// Maximum number of frames per second
    #[arg(long, value_name = "N", default_value_t = 4.0, value_parser = positive)]
    pub(crate) fps: f64,
    /// Write the completion script of a shell to standard output and exit
    #[arg(long, value_name = "SHELL", exclusive = true)]
    pub(crate) completions: Option<clap_complete::Shell>,
    /// Write the man page into this directory, such as ~/.local/share/man/man1, and exit
    #[arg(long, value_name = "DIR", exclusive = true)]
    pub(crate) man: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    Auto,
    #[value(name = "256")]
    Indexed,
    #[value(name = "16")]
    Sixteen,
    #[value(alias = "none")]
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ThemeChoice {
    Auto,
    Dark,
    Light,
}

/// `80x24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u16, pub(crate) u16);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        match numbers {
            Some((width @ 1..=1000, height @ 1..=1000)) => Ok(Self(width, height)),
            _ => Err("give columns and rows, from 1x1 to 1000x1000, such as 80x24".to_owned()),
        }
    }
}

/// Accepts the names in the table of screens.
fn screen_parser() -> impl TypedValueParser<Value = Screen> {
    let words = SCREENS.iter().map(|it| PossibleValue::new(it.screen.0).help(it.about));
    let named = |word: String| SCREENS.iter().find(|it| it.screen.0 == word);
    PossibleValuesParser::new(words).map(move |word| named(word).map_or(Screen::RUNS, |it| it.screen))
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.05..=3600.0).contains(&value) => Ok(value),
        _ => Err("give a number from 0.05 to 3600".to_owned()),
    }
}

/// The background in `COLORFGBG`, which some terminals set: `15;0` or `0;default;15`, numbers of ANSI colors.
fn ground_of(colors: &str) -> Option<Ground> {
    let number: u8 = colors.rsplit_once(';')?.1.parse().ok()?;
    match number {
        7 | 9..=15 => Some(Ground::Light),
        0..=6 | 8 => Some(Ground::Dark),
        _ => None,
    }
}

impl Arguments {
    /// Colors and characters for this terminal.
    pub(crate) fn theme(&self) -> Theme {
        let variable = |name: &str| env::var(name).unwrap_or_default();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable).into_iter().find(|value| !value.is_empty());
        let is_unicode = locale.is_some_and(|locale| {
            let locale = locale.to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let marker = self.marker.unwrap_or(if is_unicode { Marker::Braille } else { Marker::Ascii });
        let ground = match self.theme {
            ThemeChoice::Dark => Ground::Dark,
            ThemeChoice::Light => Ground::Light,
            ThemeChoice::Auto => ground_of(&variable("COLORFGBG")).unwrap_or_default(),
        };
        let colors = match self.color {
            ColorChoice::Indexed => Colors::Indexed(ground),
            ColorChoice::Sixteen => Colors::Sixteen(ground),
            ColorChoice::Never => Colors::None,
            // https://no-color.org: any nonempty value.
            ColorChoice::Auto if !variable("NO_COLOR").is_empty() => Colors::None,
            ColorChoice::Auto => {
                let (term, depth) = (variable("TERM"), variable("COLORTERM"));
                let many = term.contains("256color") || term.contains("direct") || !depth.is_empty();
                match term.as_str() {
                    "dumb" => Colors::None,
                    _ if many => Colors::Indexed(ground),
                    _ => Colors::Sixteen(ground),
                }
            }
        };
        Theme { colors, marker }
    }

    /// Whether to ask the terminal for its background color: only if there is a choice, and the terminal may answer.
    pub(crate) fn asks_background(&self) -> bool {
        let term = env::var("TERM").unwrap_or_default();
        self.theme == ThemeChoice::Auto
            && self.theme().colors != Colors::None
            && !["linux", "dumb"].contains(&term.as_str())
    }

    /// The initial state of the dashboard.
    pub(crate) fn apply(&self, state: &mut UiState) -> Result<()> {
        state.screen = self.screen;
        state.change(|it: &mut curves::Choice| it.metric.clone_from(&self.metric));
        state.change(|it: &mut probed::Epoch| it.0 = self.epoch);
        if let Some(filter) = &self.filter {
            if let Some(mistake) = Filter::new(filter).mistake(std::iter::empty()) {
                bail!("--filter {filter}: {mistake}");
            }
            state.list.set_filter(filter);
        }
        if let Some(run) = &self.run {
            state.list.select(run);
        }
        state.marked.extend(self.mark.iter().filter(|id| *id != "all").cloned());
        if let Some(sort) = &self.sort
            && !state.list.sort_by(sort)
        {
            bail!("there is no column `{sort}` to sort by: use one of {}", headings().join(", "));
        }
        Ok(())
    }

    /// Whether all runs that match the filter are marked.
    pub(crate) fn marks_all(&self) -> bool {
        self.mark.iter().any(|id| id == "all")
    }

    /// Names of runs that must exist.
    pub(crate) fn named_runs(&self) -> impl Iterator<Item = &String> {
        self.run.iter().chain(self.mark.iter().filter(|id| *id != "all"))
    }

    pub(crate) fn filter(&self) -> Option<&str> {
        self.filter.as_deref()
    }

    pub(crate) fn metric(&self) -> Option<&str> {
        self.metric.as_deref()
    }

    pub(crate) fn epoch(&self) -> Option<u32> {
        self.epoch
    }

    /// Whether the command line must be checked against the runs.
    pub(crate) fn needs_check(&self) -> bool {
        self.named_runs().next().is_some()
            || self.marks_all()
            || self.filter.is_some()
            || self.metric.is_some()
            || self.epoch.is_some()
    }

    /// Columns and rows of the output, if given.
    pub(crate) fn size(&self) -> Option<Size> {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let parse = |line: &str| Arguments::try_parse_from(line.split(' '));
        assert!(
            parse("snn-tui --size 80x24 --marker half-block --color 16 --sort -best --screen curves").is_ok()
        );
        for wrong in [
            "--size 80",
            "--size 0x5",
            "--fps 0",
            "--interval nan",
            "--color pink",
            "--theme pink",
            "--json --once",
            "--notify loud",
            "--completions sh",
            "--completions bash --once",
        ] {
            assert!(parse(&format!("snn-tui {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_must_have_a_known_extension() {
        let parse = |name: &str| Arguments::try_parse_from(["snn-tui", "--export", name]).map(|it| it.export);
        assert_eq!(parse("a.pdf").unwrap().map(|it| it.path), Some("a.pdf".into()));
        let error = parse("a.jpg").err().unwrap().to_string();
        assert!(error.contains("'a.jpg'") && error.contains(".svg, .pdf, .png"), "{error}");
    }

    #[test]
    fn an_unknown_column_is_an_error_that_lists_the_known_ones() {
        let arguments = Arguments::try_parse_from(["snn-tui", "--sort", "speed"]).unwrap();
        let mut state = UiState::new(arguments.theme(), String::new(), false);
        let wrong = Arguments::try_parse_from(["snn-tui", "--filter", "best>90"]).unwrap();
        let error = wrong.apply(&mut state).unwrap_err().to_string();
        assert!(error.contains("write best>0.9"), "{error}");
        let error = arguments.apply(&mut state).unwrap_err().to_string();
        assert!(error.contains("`speed`") && error.contains("samples/s"), "{error}");
    }

    #[test]
    fn the_background_may_be_in_the_environment() {
        let of = [
            ("15;0", Some(Ground::Dark)),
            ("0;default;15", Some(Ground::Light)),
            ("0;7", Some(Ground::Light)),
        ];
        for (text, ground) in of.into_iter().chain([("", None), ("default;default", None), ("0;99", None)]) {
            assert_eq!(ground_of(text), ground, "{text}");
        }
    }
}
