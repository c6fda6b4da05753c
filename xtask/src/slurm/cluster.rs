//! A Slurm cluster of one node: its daemons are child processes, its files are in one directory.

use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    io::Read as _,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::interrupt::Interrupt;
use crate::process;

/// The maximum number of elements in an array: small, to make a small sweep need two arrays.
pub(super) const MAX_ARRAY_SIZE: usize = 5;

/// How long daemons and jobs may take to exit before they are killed.
const PATIENCE: Duration = Duration::from_secs(15);

/// A running cluster; dropping it stops the cluster.
pub(super) struct Cluster {
    directory: PathBuf,
    /// In start order.
    daemons: Vec<Child>,
}

impl Cluster {
    /// Starts the daemons with all their files in `directory`, and waits until the node accepts jobs.
    pub(super) fn start(directory: &Path, interrupt: &Interrupt) -> Result<Self> {
        for folder in ["state", "spool", "log", "munge"] {
            let path = directory.join(folder);
            fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        }
        // munged requires that other users can reach its socket and cannot read its key.
        fs::set_permissions(directory, Permissions::from_mode(0o755))?;
        let key = directory.join("munge/key");
        fs::write(&key, random()?)?;
        fs::set_permissions(&key, Permissions::from_mode(0o400))?;
        fs::write(directory.join("slurm.conf"), configuration(directory)?)?;

        let mut cluster = Self { directory: directory.to_owned(), daemons: Vec::new() };
        let file =
            |option: &str, name: &str| format!("--{option}={}", directory.join("munge").join(name).display());
        cluster.spawn(daemon("munged")?.arg("--foreground").args([
            file("key-file", "key"),
            file("socket", "socket"),
            file("pid-file", "pid"),
            file("log-file", "munged.log"),
            file("seed-file", "seed"),
        ]))?;
        let socket = directory.join("munge/socket");
        interrupt.wait_for("munged", 20, || Ok(socket.exists().then_some(())))?;
        cluster.spawn(daemon("slurmctld")?.arg("-D"))?;
        interrupt.wait_for("slurmctld", 20, || {
            Ok(cluster.ask("scontrol", ["ping"]).is_ok_and(|answer| answer.contains("is UP")).then_some(()))
        })?;
        cluster.spawn(daemon("slurmd")?.arg("-D"))?;
        interrupt.wait_for("the node to be idle", 30, || {
            let states = cluster.ask("sinfo", ["--noheader", "--format=%T"]);
            Ok(states.is_ok_and(|states| states.trim() == "idle").then_some(()))
        })?;
        Ok(cluster)
    }

    fn spawn(&mut self, command: &mut Command) -> Result<()> {
        let name =
            Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = File::create(self.directory.join("log").join(&name).with_extension("log"))?;
        command.env("SLURM_CONF", self.configuration()).stdin(Stdio::null());
        // A keyboard interrupt must reach only this process, which stops the daemons in order.
        command.stdout(log.try_clone()?).stderr(log).process_group(0);
        self.daemons.push(command.spawn().with_context(|| format!("cannot start {name}"))?);
        Ok(())
    }

    /// The environment variables by which Slurm's programs find the cluster.
    fn configuration(&self) -> PathBuf {
        self.directory.join("slurm.conf")
    }

    /// A Slurm program, or a program that calls Slurm programs.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_CONF", self.configuration()).stdin(Stdio::null());
        command
    }

    /// The output of a Slurm program.
    pub(super) fn ask<S: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<String> {
        let mut command = self.command(program);
        let output = command.args(arguments).output().with_context(|| format!("cannot start {program}"))?;
        if !output.status.success() {
            bail!("`{}` failed: {}", process::line(&command), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The cluster's processes: daemons, job supervisors, and jobs.
    fn processes(&self) -> Vec<String> {
        let mark = format!("SLURM_CONF={}", self.configuration().display());
        let knows = |process: &Path| {
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let folders = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
        let found = folders.filter(|process| knows(process));
        found.filter_map(|process| Some(process.file_name()?.to_str()?.to_owned())).collect()
    }

    /// Whether no job is pending, running or completing.
    pub(super) fn is_empty(&self) -> Result<bool> {
        Ok(self.ask("squeue", ["--noheader"])?.trim().is_empty())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Running jobs are not children of the daemons: they must end first.
        let begin = Instant::now();
        if self.ask("scancel", ["--me"]).is_ok() {
            while !self.is_empty().unwrap_or(true) && begin.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(100));
            }
        }
        for daemon in self.daemons.iter_mut().rev() {
            let begin = Instant::now();
            let _ = Command::new("kill").arg(daemon.id().to_string()).status();
            while matches!(daemon.try_wait(), Ok(None)) && begin.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(50));
            }
            // Fails harmlessly if the process has ended.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        // If the daemons did not respond, jobs are still running.
        for process in self.processes() {
            let _ = Command::new("kill").args(["-KILL", &process]).status();
        }
    }
}

fn daemon(name: &str) -> Result<Command> {
    let path = process::find_daemon(name).with_context(|| format!("{name} is not installed"))?;
    Ok(Command::new(path))
}

/// The key of munge.
fn random() -> Result<[u8; 1024]> {
    let mut key = [0; 1024];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut key))
        .context("cannot create a key")?;
    Ok(key)
}

/// The content of `slurm.conf`.
fn configuration(directory: &Path) -> Result<String> {
    let root = directory.display();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").context("cannot read the host name")?;
    let host = host.trim().split('.').next().unwrap_or_default().to_owned();
    let user = Command::new("id").arg("-un").output().context("cannot run `id`")?;
    let user = String::from_utf8_lossy(&user.stdout).trim().to_owned();
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    // Bound at the same time, so they differ; released on return.
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let [controller, node] = [listeners[0].local_addr()?.port(), listeners[1].local_addr()?.port()];
    // No control groups and no accounting: they need privileges that a test may not have. A requeued job waits until the
    // credential of its last start expires, by default two minutes.
    Ok(format!(
        "ClusterName=snn\n\
         SlurmctldHost={host}(127.0.0.1)\n\
         SlurmctldPort={controller}\n\
         SlurmdPort={node}\n\
         SlurmUser={user}\n\
         SlurmdUser={user}\n\
         AuthInfo=socket={root}/munge/socket,cred_expire=5\n\
         StateSaveLocation={root}/state\n\
         SlurmdSpoolDir={root}/spool\n\
         SlurmctldPidFile={root}/slurmctld.pid\n\
         SlurmdPidFile={root}/slurmd.pid\n\
         ProctrackType=proctrack/linuxproc\n\
         TaskPlugin=task/none\n\
         JobAcctGatherType=jobacct_gather/none\n\
         MpiDefault=none\n\
         SelectType=select/cons_tres\n\
         SelectTypeParameters=CR_Core\n\
         SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0\n\
         MaxArraySize={MAX_ARRAY_SIZE}\n\
         KillWait=5\n\
         ReturnToService=2\n\
         NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN\n\
         PartitionName=all Nodes=ALL Default=YES State=UP\n"
    ))
}
