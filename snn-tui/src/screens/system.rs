//! This machine, the trainer's process on it, the time of each phase, and the trainer's output.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::{RunState, Seconds};

use super::{binding::Binding, definition::Definition, diagnosis};
use crate::{
    data::{Gpu, Load, Run, System, Wants},
    figure::{Figure, Table},
    state::{Screen, UiState},
    widgets::{
        Axis, AxisScale, Bar, Plot, Series, bars, note,
        text::{bytes, clean, fit, number, several, wrap},
    },
};

/// Number of log lines below the last visible one.
#[derive(Debug, Clone, Copy, Default)]
struct Below(usize);

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen::SYSTEM,
    title: "System",
    about: "Machine load, time of each training phase, output of the trainer",
    is_for_sweeps: false,
    bindings: &[
        Binding {
            what: "scroll the log",
            keys: &[("j|Down", |state| scroll(state, -1)), ("k|Up", |state| scroll(state, 1))],
        },
        Binding {
            what: "pages",
            keys: &[("PageDown", |state| scroll(state, -10)), ("PageUp", |state| scroll(state, 10))],
        },
        Binding {
            what: "first, last line",
            keys: &[
                ("g|Home", |state| scroll(state, isize::MAX / 2)),
                ("G|End", |state| scroll(state, isize::MIN / 2)),
            ],
        },
    ],
    select_cell: None,
    draw,
    wants,
    figure,
};

fn wants(state: &UiState, wants: &mut Wants) {
    let subject = state.subject().map(|run| run.id.clone());
    wants.histories = subject.iter().cloned().collect();
    wants.system = Some(subject);
}

/// Scrolls towards the beginning of the log.
fn scroll(state: &mut UiState, by: isize) {
    let last = said(state, 80).len().saturating_sub(1);
    state.change(|below: &mut Below| below.0 = below.0.saturating_add_signed(by).min(last));
}

fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let Some(system) = &state.model.system else {
        return note(state.theme.dim(), "reading the state of this machine ...", area, buffer);
    };
    let side_by_side = area.width >= 120;
    let half = if side_by_side { area.width / 2 - 1 } else { area.width };
    let first = Rect { width: half, ..area };
    let used = draw_machine(state, system, first, buffer);
    let rest = Rect { y: first.y + used, height: area.height.saturating_sub(used), ..first };
    let used = draw_times(state, rest, buffer);
    let below = Rect { y: rest.y + used, height: rest.height.saturating_sub(used), ..rest };
    if side_by_side {
        draw_history(state, below, buffer);
        let second = Rect { x: area.x + half + 2, width: area.width - half - 2, ..area };
        draw_log(state, second, buffer);
    } else {
        draw_log(state, below, buffer);
    }
}

/// Writes lines from the top, as many as fit; returns their number.
fn write(lines: &[(String, Style)], area: Rect, buffer: &mut Buffer) -> u16 {
    for ((text, style), y) in lines.iter().zip(area.top()..area.bottom()) {
        buffer.set_string(area.x, y, fit(text, usize::from(area.width)), *style);
    }
    (lines.len() as u16).min(area.height)
}

fn draw_machine(state: &UiState, system: &System, area: Rect, buffer: &mut Buffer) -> u16 {
    let theme = state.theme;
    let used = write(&[(format!("machine {}", clean(&system.host)), theme.bold())], area, buffer);
    let mean = system.processors.iter().sum::<f64>() / system.processors.len().max(1) as f64;
    let bar = |name: String, value: f64, text: String| Bar { name, value, text, style: theme.series(0) };
    let mut all = Vec::new();
    if system.unknown.is_none() {
        all.push(bar(
            "processors".to_owned(),
            mean,
            format!("{:.0} % of {}", 100.0 * mean, system.processors.len()),
        ));
        // With many processors, their mean is more informative than all of them.
        if system.processors.len() > 1 && system.processors.len() <= 16 && area.height > 16 {
            let each = system.processors.iter().enumerate();
            all.extend(each.map(|(k, load)| bar(format!("  {k}"), *load, format!("{:.0} %", 100.0 * load))));
        }
        let (taken, whole) = (system.memory.0 as f64, system.memory.1 as f64);
        let memory = format!("{} of {}", bytes(taken), bytes(whole));
        all.push(bar("memory".to_owned(), taken / whole.max(1.0), memory));
    }
    if let Ok(gpus) = &system.gpus {
        all.extend(
            gpus.iter()
                .enumerate()
                .map(|(k, gpu)| bar(format!("GPU {k}"), gpu.load.unwrap_or(0.0), describe(gpu))),
        );
    }
    let place = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    bars(&all, 1.0, theme, place, buffer);
    let used = used + (all.len() as u16).min(place.height);
    let mut lines = Vec::new();
    lines.extend(system.unknown.iter().map(|reason| (format!("unknown: {}", clean(reason)), theme.dim())));
    match &system.gpus {
        Err(reason) => lines.push((format!("no GPU found: {}", clean(reason)), theme.dim())),
        Ok(gpus) if gpus.is_empty() => lines.push(("no GPU in this machine".to_owned(), theme.dim())),
        Ok(_) => {}
    }
    if let Some(run) = state.subject() {
        lines.push((process(state, system, run), Style::new()));
    }
    let place = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    used + write(&lines, place, buffer)
}

/// Minimum size of a plot of loads, and its maximum height.
const PLOT: u16 = 9;
const MOST_OF_PLOT: u16 = 16;

/// Loads of the machine since the screen was opened: processors and memory, and below them the GPUs.
fn draw_history(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let plots = history(state.model.machine.looks());
    // A line of space.
    let area = Rect { y: (area.y + 1).min(area.bottom()), height: area.height.saturating_sub(1), ..area };
    let shown = usize::from(area.height / PLOT).min(plots.len());
    let height = area.height.checked_div(shown as u16).unwrap_or(0).min(MOST_OF_PLOT);
    for (plot, k) in plots.iter().take(shown).zip(0..) {
        plot.draw(state.theme, Rect { y: area.y + k * height, height, ..area }, buffer);
    }
}

/// Loads by minutes since the first sample. The axis grows in large steps, so that little is redrawn.
fn history(looks: &[Load]) -> Vec<Plot> {
    let Some(first) = looks.first() else { return Vec::new() };
    let minutes = |look: &Load| look.seconds / 60.0;
    // A pause between samples interrupts the curve.
    let breaks = |points: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
        let mut all: Vec<(f64, f64)> = Vec::with_capacity(points.len());
        for point in points {
            if all.last().is_some_and(|before| point.0 - before.0 > PAUSE) {
                all.push((point.0, f64::NAN));
            }
            all.push(point);
        }
        all
    };
    let series = |color: usize, name: String, load: &dyn Fn(&Load) -> f64| {
        let points = looks.iter().map(|look| (minutes(look), 100.0 * load(look))).collect();
        let (letter, label) = (name.chars().next(), name.clone());
        Series { letter, name, label, points: breaks(points), color, ..Series::default() }
    };
    let plot = |title: &str, series: Vec<Series>| {
        let end = looks.iter().map(minutes).fold(SHORTEST, f64::max);
        let x = Axis::around("minutes", AxisScale::Linear, [minutes(first).floor(), end]);
        Plot { title: title.to_owned(), x, y: Axis::new("", 0.0, 100.0), series, ..Plot::default() }
    };
    let machine: Vec<Series> = vec![
        series(0, "processors".to_owned(), &|look| look.processors),
        series(1, "memory".to_owned(), &|look| look.memory),
    ];
    let mut plots = vec![plot("processors and memory (%)", machine)];
    let gpus = looks.iter().map(|look| look.gpus.len()).max().unwrap_or(0);
    let of_gpus: Vec<Series> = (0..gpus)
        .flat_map(|k| {
            let load = move |look: &Load| look.gpus.get(k).map_or(f64::NAN, |gpu| gpu.0);
            let memory = move |look: &Load| look.gpus.get(k).map_or(f64::NAN, |gpu| gpu.1);
            let memory = Series { dotted: true, ..series(k, format!("{k} memory"), &memory) };
            [series(k, format!("{k} load"), &load), memory]
        })
        .collect();
    if gpus > 0 {
        plots.push(plot("GPUs (%)", of_gpus));
    }
    plots
}

/// Minimum length of the axis, and the pause that separates samples (minutes).
const SHORTEST: f64 = 1.0;
const PAUSE: f64 = 0.5;

/// The screen, and its numbers.
fn figure(state: &UiState) -> Result<Figure<'_>, String> {
    let system = state.model.system.as_ref().ok_or("The state of this machine has not been read yet.")?;
    let mut table = Table::new(["what", "value", "of", "unit"]);
    let mut add = |what: String, value: f64, of: Option<f64>, unit: &str| {
        let of = of.map_or_else(String::new, |of| of.to_string());
        table.rows.push(vec![what, value.to_string(), of, unit.to_owned()]);
    };
    for (k, load) in system.processors.iter().enumerate() {
        add(format!("processor {k}"), *load, Some(1.0), "load");
    }
    if system.unknown.is_none() {
        add("memory".to_owned(), system.memory.0 as f64, Some(system.memory.1 as f64), "bytes");
    }
    for (k, gpu) in system.gpus.iter().flatten().enumerate() {
        gpu.load.iter().for_each(|load| add(format!("GPU {k}"), *load, Some(1.0), "load"));
        if let Some((used, all)) = gpu.memory {
            add(format!("memory of GPU {k}"), used as f64, Some(all as f64), "bytes");
        }
        gpu.temperature
            .iter()
            .for_each(|it| add(format!("temperature of GPU {k}"), f64::from(*it), None, "C"));
        gpu.power.iter().for_each(|watts| add(format!("power of GPU {k}"), *watts, None, "W"));
    }
    if let Some(last) = state.subject().and_then(|run| run.last.as_ref()) {
        let all = last.seconds.total();
        parts(&last.seconds).iter().for_each(|(name, seconds)| {
            add(format!("{name} of epoch {}", last.epoch), *seconds, Some(all), "s");
        });
    }
    Ok(Figure::Screen(table))
}

/// The phases of an epoch.
fn parts(seconds: &Seconds) -> [(&'static str, f64); 6] {
    let Seconds { data, forward, backward, update, validation, checkpoint } = *seconds;
    [
        ("data", data),
        ("forward", forward),
        ("backward", backward),
        ("update", update),
        ("validation", validation),
        ("checkpoint", checkpoint),
    ]
}

fn describe(gpu: &Gpu) -> String {
    let mut words = vec![clean(&gpu.name)];
    words.extend(gpu.load.map(|load| format!("{:.0} %", 100.0 * load)));
    words.extend(gpu.memory.map(|(used, all)| format!("{} of {}", bytes(used as f64), bytes(all as f64))));
    words.extend(gpu.temperature.map(|degrees| format!("{degrees} C")));
    words.extend(gpu.power.map(|watts| format!("{watts:.0} W")));
    words.join(", ")
}

/// The process that trains a run, if it is on this machine.
fn process(state: &UiState, system: &System, run: &Run) -> String {
    let id = clean(&run.id);
    let environment = state.model.environment.as_ref().filter(|(of, _)| *of == run.id);
    let session = environment.and_then(|(_, environment)| environment.sessions.last());
    let host = session.and_then(|session| session.host.clone());
    if let Some(host) = host.filter(|host| *host != system.host) {
        return format!("{id}: on another machine, {}", clean(&host));
    }
    if !run.is(RunState::Running) {
        return format!("{id}: {}, not being trained", run.state_name());
    }
    let pid = run.status.as_ref().map_or(0, |status| status.pid);
    match system.processes.iter().find(|process| process.pid == pid) {
        Some(it) => {
            format!("{id}: process {pid}, {:.1} processors, {}", it.processors, bytes(it.memory as f64))
        }
        None => format!("{id}: process {pid} was not found on this machine"),
    }
}

/// The time of each phase in the last epoch.
fn draw_times(state: &UiState, area: Rect, buffer: &mut Buffer) -> u16 {
    let Some(last) = state.subject().and_then(|run| run.last.as_ref()) else {
        let line = ("no epoch recorded yet".to_owned(), state.theme.dim());
        return write(&[line], area, buffer);
    };
    let all = last.seconds.total();
    let title = format!("time of epoch {}: {} s", last.epoch, number(all));
    let used = write(&[(title, state.theme.bold())], area, buffer);
    let bar = |(k, (name, seconds)): (usize, (&str, f64))| Bar {
        name: name.to_owned(),
        value: seconds,
        text: format!(
            "{} s, {:.1} %",
            number((1e4 * seconds).round() / 1e4),
            100.0 * seconds / all.max(1e-12)
        ),
        style: state.theme.series(k),
    };
    let drawn: Vec<_> = parts(&last.seconds).into_iter().enumerate().map(bar).collect();
    let place = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    bars(&drawn, all, state.theme, place, buffer);
    used + (drawn.len() as u16).min(place.height)
}

/// Information about the run: how it was started, and the end of its trainer's output.
fn said(state: &UiState, width: usize) -> Vec<(String, Style)> {
    let theme = state.theme;
    let Some(run) = state.subject() else { return Vec::new() };
    let mut lines = Vec::new();
    let mut add = |text: String, style: Style| {
        lines.extend(wrap(&text, width).into_iter().map(|line| (line, style)));
    };
    let environment = state.model.environment.as_ref().filter(|(of, _)| *of == run.id);
    if let Some(session) = environment.and_then(|(_, environment)| environment.sessions.last()) {
        let revision = session
            .git_revision
            .as_ref()
            .map_or(String::new(), |it| format!(" {}", it.get(..12).unwrap_or(it)));
        let text = format!(
            "snn {}{revision}, {}, {}, since {}",
            session.snn_version,
            several(session.threads, "thread"),
            session.instruction_set,
            session.started
        );
        add(clean(&text), theme.dim());
        add(clean(&session.command.join(" ")), theme.dim());
    }
    let log = state.model.log.as_ref().filter(|(of, _)| *of == run.id).map(|(_, log)| log);
    match log.filter(|log| !log.lines.is_empty()) {
        Some(log) => log.lines.iter().for_each(|line| add(line.clone(), Style::new())),
        None => add(
            "no trainer.log: `snn train --watch` writes the trainer's output to it".to_owned(),
            theme.dim(),
        ),
    }
    lines
}

/// Errors and warnings of the run, always visible above its log.
fn troubles(state: &UiState, width: usize) -> Vec<(String, Style)> {
    let Some(run) = state.subject() else { return Vec::new() };
    let status = run.status.as_ref();
    let bad = [
        run.error.as_ref(),
        status.and_then(|it| it.message.as_ref()),
        status.and_then(|it| it.probe_error.as_ref()),
    ];
    let bad = bad.into_iter().flatten().map(|text| (clean(text), state.theme.bad()));
    let warnings = diagnosis::warnings(state.theme, run);
    let wrapped =
        |(text, style): (String, Style)| wrap(&text, width).into_iter().map(move |line| (line, style));
    bad.chain(warnings).flat_map(wrapped).collect()
}

fn draw_log(state: &UiState, area: Rect, buffer: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let width = usize::from(area.width);
    let mut troubles = troubles(state, width);
    let most = usize::from(area.height / 2);
    if troubles.len() > most {
        let hidden = troubles.len() - most + 1;
        troubles.truncate(most - 1);
        troubles.push((
            format!("and {}, see metrics.jsonl", several(hidden, "more line")),
            state.theme.warning(),
        ));
    }
    let used = write(&troubles, area, buffer);
    let area = Rect { y: area.y + used, height: area.height - used, ..area };
    let lines = said(state, width);
    let room = usize::from(area.height).saturating_sub(1);
    let end = lines.len().saturating_sub(state.choice::<Below>().0).max(room.min(lines.len()));
    let begin = end.saturating_sub(room);
    let (above, below) = (begin, lines.len() - end);
    let place = if above + below > 0 {
        format!(" ({} above, {below} below)", several(above, "line"))
    } else {
        String::new()
    };
    let id = state.subject().map_or_else(String::new, |run| clean(&run.id));
    write(&[(format!("log of {id}{place}"), state.theme.bold())], area, buffer);
    let rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    write(&lines[begin..end], rest, buffer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_interrupt_the_plots_of_loads() {
        let look = |seconds: f64, gpus: &[(f64, f64)]| Load {
            seconds,
            processors: 0.5,
            memory: 0.25,
            gpus: gpus.to_vec(),
        };
        assert!(history(&[]).is_empty());
        let looks = [look(0.0, &[]), look(1.0, &[(0.75, 0.1)]), look(100.0, &[(f64::NAN, 0.2)])];
        let plots = history(&looks);
        let points = |plot: usize, series: usize| &plots[plot].series[series].points;
        assert_eq!(
            points(0, 0).iter().map(|point| point.1.is_nan()).collect::<Vec<_>>(),
            [false, false, true, false]
        );
        assert_eq!((points(0, 0)[0].1, points(0, 1)[3]), (50.0, (100.0 / 60.0, 25.0)));
        assert_eq!((points(1, 0)[1].1, points(1, 1)[1].1), (75.0, 10.0));
        assert!(points(1, 0)[0].1.is_nan(), "it was not known yet");
        assert_eq!((plots[0].x.low, plots[0].x.high), (0.0, 2.0));
        assert_eq!(plots.len(), 2);
    }

    #[test]
    fn a_gpu_is_described_by_its_known_values() {
        let gpu = Gpu {
            name: "H100".to_owned(),
            load: Some(0.5),
            memory: Some((40_000_000_000, 80_000_000_000)),
            temperature: None,
            power: Some(300.4),
        };
        assert_eq!(describe(&gpu), "H100, 50 %, 40 GB of 80 GB, 300 W");
        assert_eq!(describe(&Gpu { name: "x\x1b".to_owned(), ..Gpu::default() }), "x\\u001b");
    }
}
