//! A CUDA toolkit for compiling and linking only: NVIDIA's compilers from PyPI, and mocks of its libraries.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::process;

/// CUDA 13.0, the newest that `cudarc` binds; about 100 MB.
const WHEELS: [&str; 6] = [
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-cccl==13.0.85",
    // not available for 13.0; it reads the output of older compilers
    "nvidia-cuda-nvdisasm==13.5.37",
];

/// Library, version in its name, prefix of its functions, and where `cudarc` declares them.
const LIBRARIES: [(&str, &str, &str, &str); 4] = [
    ("cuda", "1", "cu", "driver/sys.rs"),
    ("cublas", "13", "cublas", "cublas/sys.rs"),
    ("cublasLt", "13", "cublasLt", "cublaslt/sys.rs"),
    ("nvrtc", "13", "nvrtc", "nvrtc/sys.rs"),
];

/// Number of GPUs of the mock driver.
pub(super) const GPUS: u32 = 3;

/// Functions of the mock libraries that work; all others return an unknown error.
const ANSWERS: &str = "int cuInit(unsigned flags) { return flags == 0 ? 0 : 1; }\n\
                       int cuDeviceGetCount(int *count) { *count = GPUS; return 0; }\n";

pub(super) struct Toolkit {
    root: PathBuf,
    /// The first folder on the search path.
    shims: PathBuf,
    capability: u32,
}

/// The reason why there is no toolkit.
pub(super) struct Unavailable(pub(super) String);

impl Toolkit {
    /// Creates it in `folder`, or reuses the result of an earlier call. `capability` is the compute capability of the GPU that the
    /// build is to find, without the dot.
    pub(super) fn get(folder: &Path, capability: u32) -> Result<Result<Self, Unavailable>> {
        let (wheels, unpacked) = (folder.join("wheels"), folder.join("unpacked"));
        let root = unpacked.join("nvidia/cu13");
        if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
            return Ok(Err(Unavailable(
                "NVIDIA's compilers are only available for Linux on x86-64 and ARM".to_owned(),
            )));
        }
        // not valid for another list of wheels
        let done = folder.join(format!("complete-{}", WHEELS.len()));
        if !done.is_file() {
            if !process::succeeds(Command::new("python3").args(["-m", "pip", "--version"])) {
                return Ok(Err(Unavailable("python3 has no pip".to_owned())));
            }
            let mut download = Command::new("python3");
            download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]);
            process::announce(download.arg(&wheels).args(WHEELS));
            let output = download.output().context("cannot start python3")?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                let reason =
                    said.lines().rfind(|line| line.starts_with("ERROR")).unwrap_or("no reason given");
                return Ok(Err(Unavailable(format!("the compilers are unavailable from PyPI: {reason}"))));
            }
            for entry in fs::read_dir(&wheels).context("cannot list the wheels")? {
                let wheel = entry.context("cannot list the wheels")?.path();
                succeed(Command::new("python3").args(["-m", "zipfile", "-e"]).args([&wheel, &unpacked]))?;
            }
            for folder in ["bin", "nvvm/bin"] {
                make_executable(&root.join(folder))?;
            }
            stand_ins(&root)?;
            fs::write(&done, "").context("cannot write")?;
        }
        let shims = folder.join("shims");
        fs::create_dir_all(&shims).context("cannot make a folder")?;
        let answer = format!("#!/bin/sh\necho compute_cap\necho {}.{}\n", capability / 10, capability % 10);
        fs::write(shims.join("nvidia-smi"), answer).context("cannot write a mock of nvidia-smi")?;
        make_executable(&shims)?;
        Ok(Ok(Self { root, shims, capability }))
    }

    pub(super) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.root.join("bin").join(name));
        self.surround(&mut command);
        command
    }

    /// Makes `command` find this toolkit and no other.
    pub(super) fn surround(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders =
            [self.shims.clone(), self.root.join("bin")].into_iter().chain(std::env::split_paths(&path));
        if let Ok(path) = std::env::join_paths(folders) {
            command.env("PATH", path);
        }
        command.env("CUDA_PATH", &self.root).env("CUDA_COMPUTE_CAP", self.capability.to_string());
        for other in ["NVCC", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"] {
            command.env_remove(other);
        }
    }

    /// The folder of the mock libraries.
    pub(super) fn libraries(&self) -> PathBuf {
        self.root.join("lib")
    }
}

/// Compiles the mock libraries, with every function that `cudarc` declares.
fn stand_ins(root: &Path) -> Result<()> {
    let bindings = bindings()?;
    for (library, version, prefix, file) in LIBRARIES {
        let path = bindings.join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut source =
            if library == "cuda" { ANSWERS.replace("GPUS", &GPUS.to_string()) } else { String::new() };
        for name in functions(&text, prefix) {
            if !source.contains(&format!("int {name}(")) {
                source += &format!("int {name}(void) {{ return 999; }}\n");
            }
        }
        let folder = root.join("lib");
        let (code, file) = (folder.join(format!("{library}.c")), format!("lib{library}.so.{version}"));
        fs::write(&code, source).context("cannot write a mock library")?;
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", &format!("-Wl,-soname,{file}"), "-o"]);
        succeed(compiler.args([&folder.join(&file), &code]))?;
        // the name that the linker uses
        fs::copy(folder.join(&file), folder.join(format!("lib{library}.so"))).context("cannot copy")?;
    }
    Ok(())
}

/// The names of the functions declared by the text of a binding.
fn functions<'a>(binding: &'a str, prefix: &str) -> Vec<&'a str> {
    let names = binding.split("pub fn ").skip(1).filter_map(|rest| rest.split('(').next());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The sources of `cudarc` in cargo's registry.
fn bindings() -> Result<PathBuf> {
    let mut metadata = process::cargo(["metadata", "--format-version", "1", "--features", "snn-core/cuda"]);
    let output = metadata.output().context("cannot start cargo")?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("`cargo metadata` does not write JSON")?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let package =
        packages.iter().find(|package| package["name"] == "cudarc").context("cudarc is not used")?;
    let manifest = Path::new(package["manifest_path"].as_str().context("cudarc has no path")?);
    Ok(manifest.with_file_name("src"))
}

/// Runs `command`, silently unless it fails.
pub(super) fn succeed(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start `{}`", process::line(command)))?;
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    if !output.status.success() {
        bail!("`{}` failed:\n{said}", process::line(command));
    }
    Ok(said)
}

/// Makes the files in `folder` executable, since wheels do not preserve this.
fn make_executable(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        use std::os::unix::fs::PermissionsExt as _;
        let path = entry.context("cannot list a folder")?.path();
        if path.is_file() {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).context("cannot make a program")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_in_bindings() {
        let text = "extern \"C\" {\n    pub fn cuInit(\n Flags: u32) -> R;\n pub fn other();\n pub fn cuInit(F: u32);}";
        assert_eq!(functions(text, "cu"), ["cuInit"]);
    }
}
