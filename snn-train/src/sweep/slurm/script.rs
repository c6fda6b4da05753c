//! The script for `sbatch`.

use std::path::Path;

use super::Submission;
use crate::{Device, error::Error};

/// Slurm signals an element this many seconds before its time limit: enough for the current batch and the checkpoints.
const NOTICE: u32 = 60;

/// The script of `submission`, with absolute paths. `longest` is the expected compute time of its longest element (seconds), if
/// known.
pub(super) fn script(
    submission: &Submission,
    name: &str,
    sweep: &Path,
    directory: &Path,
    longest: Option<f64>,
) -> Result<String, Error> {
    let request = &submission.request;
    let sweep = text(sweep)?;
    let at_once = request.at_once.map_or_else(String::new, |most| format!("%{most}"));
    let number = submission.number;
    // Slurm expands percent signs.
    let log = format!("{}/slurm/{number:04}_%a.out", sweep.replace('%', "%%"));
    let expected = || Some(format!("{:.0}", (2.0 * longest? / 60.0).ceil() + 10.0));
    let options = [
        ("job-name", Some(format!("snn-{name}"))),
        ("array", Some(format!("0-{}{at_once}", submission.elements.len().saturating_sub(1)))),
        ("cpus-per-task", Some(request.cpus.to_string())),
        ("time", request.time.clone().or_else(expected)),
        ("mem", request.memory.clone()),
        ("partition", request.partition.clone()),
        ("account", request.account.clone()),
        ("signal", Some(format!("B:USR1@{NOTICE}"))),
        ("open-mode", Some("append".to_owned())),
        ("output", Some(log)),
        ("chdir", Some(text(directory)?.to_owned())),
    ];
    let mut script = "#!/bin/sh\n".to_owned();
    for (option, value) in options {
        if let Some(value) = value {
            script += &format!("#SBATCH --{option}={}\n", quoted_for_slurm(&value));
        }
    }
    script += "#SBATCH --requeue\n";
    if !request.options.is_empty() {
        let options: Vec<_> = request.options.iter().map(|option| quoted_for_slurm(option)).collect();
        script += &format!("#SBATCH {}\n", options.join(" "));
    }
    script += &format!("# Each element trains the runs that {number:04}.json lists for it.\n");
    let program = quoted_for_shell(text(&request.program)?);
    script += &format!("exec {program} sweep work {} --submission {number}", quoted_for_shell(sweep));
    if request.device != Device::Cpu {
        script += &format!(" --device {}", request.device);
    }
    script.push('\n');
    Ok(script)
}

fn text(path: &Path) -> Result<&str, Error> {
    let text = path.to_str().filter(|text| !text.contains(['\n', '\r']));
    text.ok_or_else(|| {
        Error::Impossible(format!("this path cannot be used in a Slurm script: {}", path.display()))
    })
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_=.,:/+@%".contains(c))
}

fn quoted_for_slurm(word: &str) -> String {
    if is_plain(word) {
        word.to_owned()
    } else {
        format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\"").replace(['\n', '\r'], " "))
    }
}

fn quoted_for_shell(word: &str) -> String {
    if is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::sweep::slurm::{Request, SUBMISSION_VERSION};

    fn submission(request: Request) -> Submission {
        Submission {
            version: SUBMISSION_VERSION,
            number: 7,
            job: None,
            written: String::new(),
            request,
            elements: vec![vec!["a".to_owned()]; 5],
        }
    }

    #[test]
    fn the_script_has_the_requested_options() {
        let request = Request {
            cpus: 4,
            at_once: Some(2),
            memory: Some("2G".to_owned()),
            partition: Some("short".to_owned()),
            account: Some("lab".to_owned()),
            options: vec!["--qos=long".to_owned(), "--comment=for Ada".to_owned()],
            ..Request::new("/opt/snn")
        };
        let (sweep, here) = (Path::new("/home/me/slopes"), Path::new("/home/me"));
        let script = script(&submission(request), "slopes", sweep, here, Some(1800.0)).unwrap();
        assert_eq!(
            script,
            "#!/bin/sh\n\
             #SBATCH --job-name=snn-slopes\n\
             #SBATCH --array=0-4%2\n\
             #SBATCH --cpus-per-task=4\n\
             #SBATCH --time=70\n\
             #SBATCH --mem=2G\n\
             #SBATCH --partition=short\n\
             #SBATCH --account=lab\n\
             #SBATCH --signal=B:USR1@60\n\
             #SBATCH --open-mode=append\n\
             #SBATCH --output=/home/me/slopes/slurm/0007_%a.out\n\
             #SBATCH --chdir=/home/me\n\
             #SBATCH --requeue\n\
             #SBATCH --qos=long \"--comment=for Ada\"\n\
             # Each element trains the runs that 0007.json lists for it.\n\
             exec /opt/snn sweep work /home/me/slopes --submission 7\n"
        );
    }

    #[test]
    fn paths_may_have_spaces_quotes_and_percent_signs() {
        let request = Request::new("/opt/it's/snn");
        let (sweep, here) = (Path::new("/my 50%/\"s\""), Path::new("/"));
        let script = script(&submission(request), "s", sweep, here, None).unwrap();
        assert!(script.contains("--output=\"/my 50%%/\\\"s\\\"/slurm/0007_%a.out\"\n"), "{script}");
        assert!(
            script.contains(r#"exec '/opt/it'\''s/snn' sweep work '/my 50%/"s"' --submission 7"#),
            "{script}"
        );
        assert!(!script.contains("--time"), "{script}");
        let request = Request { device: Device::Cuda(0), ..Request::new("/opt/snn") };
        let on_gpu = super::script(&submission(request), "s", Path::new("/s"), here, None).unwrap();
        assert!(on_gpu.ends_with("--submission 7 --device cuda\n"), "{on_gpu}");
        let wrong = super::script(&submission(Request::default()), "s", Path::new("/a\nb"), here, None);
        assert!(wrong.unwrap_err().is_usage());
    }
}
