//! The folder for a machine with a GPU, and checks of its requirements.

use std::{
    cell::Cell,
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::toolkit::succeed;
use crate::process;

/// The build of `snn-gpu`: separate, since the rest of the workspace needs HDF5, which machines with GPUs may lack.
pub(super) const SNN_GPU: [&str; 7] =
    ["--package", "snn-tests", "--no-default-features", "--features", "cuda", "--bin", "snn-gpu"];

/// Maximum size of the folder, in bytes.
const LARGEST: u64 = 40_000_000;

/// Libraries of every Linux system: those of C and of GCC.
const EVERYWHERE: [&str; 7] =
    ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux", "libdl.so.2", "libpthread.so.0", "librt.so.1"];

/// Puts this program, `snn-gpu` and the golden cases into one folder.
pub(super) fn pack(binary: &Path) -> Result<u8> {
    let folder = process::target().join("gpu");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let size = Cell::new(0);
    let copy = |from: &Path, to: PathBuf| {
        let copied = fs::copy(from, &to)
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()));
        copied.map(|bytes| size.set(size.get() + bytes))
    };
    for (set, to) in [("gradients", "golden"), ("extensions", "golden/extensions")] {
        let (set, to) = (process::root().join("tests/golden").join(set), folder.join(to));
        fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
        for entry in fs::read_dir(&set).with_context(|| format!("cannot read {}", set.display()))? {
            let path = entry.context("cannot list golden cases")?.path();
            let data = ["npz", "json"].map(|it| Some(OsStr::new(it)));
            if let (true, Some(name)) = (data.contains(&path.extension()), path.file_name()) {
                copy(&path, to.join(name))?;
            }
        }
    }
    let own = env::current_exe().context("where is this program?")?;
    for (program, name) in [(binary, "snn-gpu"), (&own, "xtask")] {
        if let Some(library) = foreign(program)? {
            eprintln!("error: {name} needs {library}, which a machine with a GPU may not have");
            return Ok(1);
        }
        copy(program, folder.join(name))?;
    }
    let (folder, size) = (folder.display(), size.get());
    if size > LARGEST {
        eprintln!("error: {folder} has {size} bytes, more than the limit of {LARGEST}");
        return Ok(1);
    }
    println!(
        "copy {folder} ({:.1} MB) to the machine with the GPU, which must have {} or later; there: ./xtask gpu --binary \
         ./snn-gpu",
        size as f64 / 1e6,
        glibc(binary)?
    );
    Ok(0)
}

/// The first library that a program needs and that not every Linux system has.
pub(super) fn foreign(program: &Path) -> Result<Option<String>> {
    let said = succeed(Command::new("readelf").arg("-d").arg(program))?;
    Ok(needed(&said).find(|it| !EVERYWHERE.iter().any(|name| it.starts_with(name))).map(str::to_owned))
}

/// Libraries that a program needs, from the output of `readelf -d`.
fn needed(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| line.contains("(NEEDED)"));
    lines.filter_map(|line| line.split_once('[')?.1.split_once(']').map(|(name, _)| name))
}

/// The newest version of the C library among the symbols of a program.
fn glibc(program: &Path) -> Result<String> {
    let said = succeed(Command::new("readelf").arg("--version-info").arg(program))?;
    Ok(newest(&said)
        .map_or_else(|| "any C library".to_owned(), |[major, minor]| format!("glibc {major}.{minor}")))
}

fn newest(text: &str) -> Option<[u32; 2]> {
    let versions = text.split("GLIBC_").skip(1).filter_map(|rest| {
        let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).map_while(|it| it.parse().ok());
        Some([numbers.next()?, numbers.next()?])
    });
    versions.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_versions_are_read() {
        let text = " 0x0000000000000001 (NEEDED)  Shared library: [libhdf5_serial.so.103]\n\
                    0x0000000000000001 (NEEDED)  Shared library: [libc.so.6]\n\
                    0x000000000000000e (SONAME)  Library soname: [x]\n";
        assert_eq!(needed(text).collect::<Vec<_>>(), ["libhdf5_serial.so.103", "libc.so.6"]);
        assert_eq!(
            newest("Name: GLIBC_2.9  Flags\nName: GLIBC_2.34 Flags\nName: GLIBC_2.2.5"),
            Some([2, 34])
        );
        assert_eq!(newest("none"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_program_needs_nothing_that_not_every_linux_has() {
        assert_eq!(foreign(&env::current_exe().unwrap()).unwrap(), None);
    }
}
