//! Running other programs: printed before they run, in the root of the repository, with our terminal.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context as _, Result};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo also sets the variable at run time, which is correct even if a checkout was moved.
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_owned)
}

/// The target directory.
pub(crate) fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root().join(target)
}

/// The cargo that runs this program, in the root of the repository.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs `command` to its end, with our standard streams, and returns its exit code.
pub(crate) fn run(command: &mut Command) -> Result<u8> {
    announce(command);
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    Ok(exit_code(status))
}

/// Prints the next command on standard error, since the program's output may be read by another one.
pub(crate) fn announce(command: &Command) {
    eprintln!("$ {}", line(command));
}

/// Whether `command` runs and succeeds, silently.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Whether a program with this name is on the search path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    find_in(env::split_paths(&path), program).is_some()
}

/// The path of an administration program: on the search path, or in a directory outside of it.
#[cfg(unix)]
pub(crate) fn find_daemon(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    find_in(env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]), program)
}

fn find_in(mut folders: impl Iterator<Item = PathBuf>, program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    folders.find_map(|folder| Some(folder.join(&file)).filter(|path| path.is_file()))
}

/// Ignores keyboard interrupts, which every process of the terminal's group receives: `snn` then writes its checkpoint, and we
/// report how it ended.
pub(crate) fn leave_interrupts_to_children() -> Result<()> {
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false)))
        .context("cannot handle interrupts")?;
    Ok(())
}

/// The exit code; 128 plus the signal's number for a program ended by a signal, as in shells.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The value of an option, given as `--name value` or `--name=value`.
pub(crate) fn option(options: &[OsString], name: &str) -> Option<PathBuf> {
    let mut words = options.iter();
    while let Some(word) = words.next() {
        if word == OsStr::new(name) {
            return words.next().map(PathBuf::from);
        }
        if let Some(value) = word.to_str().and_then(|word| word.strip_prefix(name)?.strip_prefix('=')) {
            return Some(value.into());
        }
    }
    None
}

/// The command line as typed in a shell.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let settings = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy())))
    });
    let words =
        std::iter::once(program).chain(command.get_args()).map(|word| quoted(&word.to_string_lossy()));
    settings.chain(words).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=.,:/+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["doc", "--no-deps", "it's", ""]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(line(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc --no-deps 'it'\''s' ''");
    }

    #[test]
    fn the_root_is_that_of_the_workspace() {
        assert!(root().join("Cargo.lock").is_file());
        assert!(root().join("xtask").is_dir());
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(!is_installed("a-program-that-does-not-exist"));
        assert!(succeeds(&mut cargo(["--version"])));
        assert!(!succeeds(&mut Command::new("a-program-that-does-not-exist")));
    }

    #[cfg(unix)]
    #[test]
    fn exit_codes_follow_the_shell() {
        let code =
            |script: &str| exit_code(Command::new("sh").args(["-c", script]).status().expect("a shell"));
        assert_eq!((code("exit 0"), code("exit 2"), code("kill -9 $$")), (0, 2, 137));
    }

    #[test]
    fn option_values_are_found_in_both_forms() {
        let find = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            option(&words, "--run-dir")
        };
        assert_eq!(find("--resume --run-dir a/b"), Some("a/b".into()));
        assert_eq!(find("--run-dir=a/b --resume"), Some("a/b".into()));
        assert_eq!(find("--run-directory=a"), None);
        assert_eq!(find("--run-dir"), None);
        assert_eq!(find("--resume"), None);
    }
}
