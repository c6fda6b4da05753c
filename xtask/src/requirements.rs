//! Requirements besides the Rust toolchain: detected, installed if permitted, or reported.
//!
//! The decision ([`plan`]) is a pure function of the machine's state ([`Machine::look`]).

use std::{env, path::Path, process::Command};

use anyhow::{Result, bail};

use crate::process;

/// A requirement of the build or a test that cargo cannot install.
struct Requirement {
    name: &'static str,
    /// Its purpose, to follow "needed".
    reason: &'static str,
    is_present: fn() -> bool,
    /// Packages of Debian and derivatives.
    debian: &'static str,
    /// Packages of Fedora and related distributions.
    fedora: &'static str,
    /// Packages of Arch Linux.
    arch: &'static str,
    /// The complete command on macOS, where sources vary; empty if there is none.
    macos: &'static str,
}

/// All requirements of the build.
const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        name: "a C linker (cc)",
        reason: "by rustc, to link every program",
        is_present: || ["cc", "gcc", "clang", "lld", "link"].into_iter().any(process::is_installed),
        debian: "build-essential",
        fedora: "gcc",
        arch: "base-devel",
        macos: "xcode-select --install",
    },
    Requirement {
        name: "the HDF5 library with its headers",
        reason: "to read the Spiking Heidelberg Digits",
        is_present: has_hdf5,
        debian: "libhdf5-dev pkg-config",
        fedora: "hdf5-devel pkgconf-pkg-config",
        arch: "hdf5 pkgconf",
        macos: "brew install hdf5",
    },
];

/// Additional requirements of a cluster test.
#[cfg(unix)]
const SLURM: &[Requirement] = &[Requirement {
    name: "Slurm with munge",
    reason: "to test sweeps on a cluster",
    is_present: || {
        ["munged", "slurmctld", "slurmd", "sbatch"].into_iter().all(|it| process::find_daemon(it).is_some())
    },
    debian: "slurm-wlm munge",
    fedora: "slurm-slurmctld slurm-slurmd munge",
    arch: "slurm-llnl munge",
    macos: "",
}];

/// Looks in the same places as the build of the crate `hdf5`.
fn has_hdf5() -> bool {
    let brewed = ["/opt/homebrew/opt/hdf5", "/usr/local/opt/hdf5"];
    env::var_os("HDF5_DIR").is_some()
        || process::succeeds(Command::new("pkg-config").args(["--exists", "hdf5"]))
        || cfg!(target_os = "macos") && brewed.iter().any(|path| Path::new(path).exists())
}

/// The package manager of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Installer {
    Apt,
    Dnf,
    Pacman,
    Macos,
}

/// The facts that determine how to install something missing.
#[derive(Debug, Clone, Copy)]
struct Machine {
    installer: Option<Installer>,
    is_root: bool,
}

/// How to meet missing requirements.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Ready,
    /// Install these Debian packages ourselves.
    Install {
        packages: Vec<&'static str>,
    },
    /// Tell the user the command: one for this machine, or several to choose from.
    Tell {
        commands: Vec<String>,
    },
}

/// The names of the build requirements.
pub(crate) fn names() -> Vec<&'static str> {
    REQUIREMENTS.iter().map(|requirement| requirement.name).collect()
}

/// Makes sure that all build requirements are met.
///
/// # Errors
/// If something missing could not be installed; the message contains the command to run.
pub(crate) fn ensure() -> Result<()> {
    ensure_all(REQUIREMENTS)
}

/// Makes sure that a cluster can be started.
///
/// # Errors
/// Those of [`ensure`].
#[cfg(unix)]
pub(crate) fn ensure_slurm() -> Result<()> {
    ensure_all(SLURM)
}

fn ensure_all(requirements: &[Requirement]) -> Result<()> {
    let missing: Vec<_> = requirements.iter().filter(|requirement| !(requirement.is_present)()).collect();
    for requirement in &missing {
        eprintln!("missing: {}, needed {}", requirement.name, requirement.reason);
    }
    match plan(&missing, Machine::look()) {
        Plan::Ready => return Ok(()),
        Plan::Tell { commands } => {
            bail!("install what is missing, then retry:\n    {}", commands.join("\n    "))
        }
        Plan::Install { packages } => install(&packages)?,
    }
    match missing.iter().find(|requirement| !(requirement.is_present)()) {
        Some(requirement) => bail!("{} is still missing after its installation", requirement.name),
        None => Ok(()),
    }
}

fn plan(missing: &[&Requirement], machine: Machine) -> Plan {
    if missing.is_empty() {
        return Plan::Ready;
    }
    match machine {
        Machine { installer: Some(Installer::Apt), is_root: true } => {
            Plan::Install { packages: missing.iter().flat_map(|it| it.debian.split(' ')).collect() }
        }
        Machine { installer: Some(installer), is_root } => {
            Plan::Tell { commands: installer.commands(missing, is_root) }
        }
        Machine { installer: None, is_root } => {
            let all = [Installer::Apt, Installer::Dnf, Installer::Pacman, Installer::Macos];
            Plan::Tell {
                commands: all.iter().flat_map(|installer| installer.commands(missing, is_root)).collect(),
            }
        }
    }
}

impl Installer {
    /// The commands that install what is missing, as typed in a shell.
    fn commands(self, missing: &[&Requirement], is_root: bool) -> Vec<String> {
        let sudo = if is_root { "" } else { "sudo " };
        let one = |command: &str, packages: fn(&Requirement) -> &'static str| {
            let packages: Vec<_> = missing.iter().map(|requirement| packages(requirement)).collect();
            vec![format!("{sudo}{command} {}", packages.join(" "))]
        };
        match self {
            Self::Apt => one("apt-get install", |it| it.debian),
            Self::Dnf => one("dnf install", |it| it.fedora),
            Self::Pacman => one("pacman -S --needed", |it| it.arch),
            Self::Macos => {
                let commands = missing.iter().map(|it| it.macos).filter(|command| !command.is_empty());
                commands.map(str::to_owned).collect()
            }
        }
    }
}

impl Machine {
    fn look() -> Self {
        let managers = [("apt-get", Installer::Apt), ("dnf", Installer::Dnf), ("pacman", Installer::Pacman)];
        let manager = managers.into_iter().find(|(program, _)| process::is_installed(program));
        let macos = (env::consts::OS == "macos").then_some(Installer::Macos);
        let user = Command::new("id").arg("-u").output();
        Self {
            installer: macos.or(manager.map(|(_, installer)| installer)),
            is_root: user.is_ok_and(|output| output.stdout.trim_ascii() == b"0"),
        }
    }
}

/// Installs Debian packages, after printing a message.
fn install(packages: &[&str]) -> Result<()> {
    eprintln!("installing {} with apt-get, since this runs as root", packages.join(" "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    // A new machine or container may have no package lists, or old ones; without a network, neither helps, and the
    // installation reports the problem.
    process::run(&mut apt(&["update"]))?;
    let mut installation = apt(&["install", "--yes", "--no-install-recommends"]);
    let code = process::run(installation.args(packages))?;
    if code != 0 {
        bail!(
            "apt-get ended with exit code {code}; once it works again, run:\n    apt-get install {}",
            packages.join(" ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINKER: Requirement = Requirement {
        name: "a linker",
        reason: "to link",
        is_present: || false,
        debian: "gcc libc6-dev",
        fedora: "gcc",
        arch: "base-devel",
        macos: "xcode-select --install",
    };
    const LIBRARY: Requirement = Requirement {
        name: "a library",
        reason: "to read",
        is_present: || false,
        debian: "libread-dev",
        fedora: "read-devel",
        arch: "read",
        macos: "brew install read",
    };
    const BOTH: &[&Requirement] = &[&LINKER, &LIBRARY];

    fn told(installer: Option<Installer>, is_root: bool) -> Vec<String> {
        match plan(BOTH, Machine { installer, is_root }) {
            Plan::Tell { commands } => commands,
            other => panic!("{other:?} where the user should be told"),
        }
    }

    #[test]
    fn with_all_requirements_there_is_nothing_to_do() {
        for installer in [None, Some(Installer::Apt), Some(Installer::Macos)] {
            assert_eq!(plan(&[], Machine { installer, is_root: true }), Plan::Ready);
        }
    }

    #[test]
    fn root_with_apt_installs() {
        let plan = plan(BOTH, Machine { installer: Some(Installer::Apt), is_root: true });
        assert_eq!(plan, Plan::Install { packages: vec!["gcc", "libc6-dev", "libread-dev"] });
    }

    #[test]
    fn others_get_the_command_for_the_machine() {
        assert_eq!(told(Some(Installer::Apt), false), ["sudo apt-get install gcc libc6-dev libread-dev"]);
        assert_eq!(told(Some(Installer::Dnf), false), ["sudo dnf install gcc read-devel"]);
        assert_eq!(told(Some(Installer::Pacman), true), ["pacman -S --needed base-devel read"]);
        assert_eq!(told(Some(Installer::Macos), false), ["xcode-select --install", "brew install read"]);
    }

    #[test]
    fn an_unknown_system_gets_all_commands() {
        let commands = told(None, false);
        assert_eq!(commands.len(), 5);
        assert!(commands[0].starts_with("sudo apt-get"));
    }

    #[test]
    fn the_machine_of_the_tests_meets_the_requirements() {
        assert!(ensure().is_ok());
    }
}
