//! `cargo xtask figures`: the figures and claims of the paper.

use std::ffi::OsString;

use anyhow::Result;

use crate::{
    process::{self, cargo, option},
    requirements,
};

/// Builds the program, reproduces all figures with `options`, and tests the claims.
pub(crate) fn figures(options: &[OsString]) -> Result<u8> {
    // Skip a `--` that separates the program's options from ours.
    let options = options.strip_prefix(&[OsString::from("--")]).unwrap_or(options);
    requirements::ensure()?;
    let code = process::run(&mut cargo(["build", "--release", "--bin", "snn"]))?;
    if code != 0 {
        return Ok(code);
    }
    let snn = || cargo(["run", "--release", "--quiet", "--bin", "snn", "--"]);
    let code = process::run(snn().args(["figure", "all"]).args(options))?;
    if code != 0 {
        return Ok(code);
    }
    match claims(options) {
        Ok(arguments) => process::run(snn().args(arguments)),
        Err(reason) => {
            eprintln!("skipped: snn claims ({reason})");
            Ok(0)
        }
    }
}

/// The command that tests claims with the runs of `snn figure all` with these options, or why there is none.
fn claims(options: &[OsString]) -> Result<Vec<OsString>, String> {
    if let Some(word) = ["--plan", "--help", "-h"].into_iter().find(|word| options.contains(&word.into())) {
        return Err(format!("{word} produces no figures"));
    }
    let mut arguments = vec!["claims".into()];
    let scale = option(options, "--scale");
    if let Some(out) = option(options, "--out") {
        // Figures of all scales are in folders with their names.
        let folder = scale.clone().unwrap_or_else(|| "quick".into());
        match out.parent().filter(|_| out.ends_with(&folder)) {
            Some(figures) if figures.as_os_str().is_empty() => {
                arguments.extend(["--figures".into(), ".".into()])
            }
            Some(figures) => arguments.extend(["--figures".into(), figures.into()]),
            None => {
                let (out, folder) = (out.display(), folder.display());
                return Err(format!(
                    "it looks for runs in folders named after their scale: use --out {out}/{folder}"
                ));
            }
        }
    }
    // Without a scale, claims not tested by quick runs may have been tested at full scale before.
    arguments.extend(scale.into_iter().flat_map(|scale| ["--scale".into(), scale.into()]));
    arguments.extend(options.iter().filter(|word| *word == "--json").cloned());
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_are_those_of_the_figures() {
        let of = |line: &str| {
            let options: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
            let words = claims(&options)?.into_iter().map(|word| word.into_string().expect("UTF-8"));
            Ok::<_, String>(words.collect::<Vec<_>>().join(" "))
        };
        assert_eq!(of("").as_deref(), Ok("claims"));
        assert_eq!(of("--scale full --quiet").as_deref(), Ok("claims --scale full"));
        assert_eq!(of("--scale=smoke --json").as_deref(), Ok("claims --scale smoke --json"));
        assert_eq!(of("--out a/b/quick").as_deref(), Ok("claims --figures a/b"));
        assert_eq!(of("--out full --scale full").as_deref(), Ok("claims --figures . --scale full"));
        assert!(of("--out a --scale full").is_err_and(|reason| reason.contains("--out a/full")));
        assert!(of("--plan --scale full").is_err_and(|reason| reason.contains("--plan")));
    }
}
