//! Shell completions and the man page, generated from the same texts as `--help`.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;
use snn_run::output;

use crate::arguments::Arguments;

/// Writes the completion script to standard output. It is built in memory first, because the generator panics if it cannot write.
pub(crate) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "snn-tui", &mut script);
    Ok(snn_terminal::stdout().write_all(&script)?)
}

/// Writes `snn-tui.1`.
pub(crate) fn manual(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
    let path = directory.join("snn-tui.1");
    output::write(&path, &page).with_context(|| format!("cannot write {}", path.display()))
}
