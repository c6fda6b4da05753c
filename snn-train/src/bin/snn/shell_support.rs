//! `snn completions` and `snn man`: shell completions and man pages, generated from the same texts as `--help`.

use std::{fs, io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;

use crate::common::write_file;

#[derive(clap::Args)]
pub(crate) struct CompletionArguments {
    /// The shell.
    shell: Shell,
}

#[derive(clap::Args)]
pub(crate) struct ManualArguments {
    /// The directory for the pages, such as ~/.local/share/man/man1; it is created if missing.
    directory: PathBuf,
}

/// Writes the script to standard output. It is built in memory first, because the generator panics if it cannot write.
pub(crate) fn completions(arguments: &CompletionArguments, mut program: Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "snn", &mut script);
    snn_terminal::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes `snn.1`, `snn-train.1` and so on.
pub(crate) fn manual(arguments: &ManualArguments, mut program: Command) -> anyhow::Result<ExitCode> {
    program.build();
    let directory = &arguments.directory;
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let mut pages = vec![program];
    while let Some(command) = pages.pop() {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let inner = command.get_subcommands().filter(|it| it.get_name() != "help" && !it.is_hide_set());
        pages.extend(inner.cloned());
        let path = directory.join(format!("{name}.1"));
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        write_file(&path, &page)?;
    }
    Ok(ExitCode::SUCCESS)
}
