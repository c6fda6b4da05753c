//! The commit of a working directory, determined without running programs configured in its repository.
//!
//! Git uses the configuration of the repository: `core.fsmonitor` and the filters of `.gitattributes` are commands, and a
//! repository may be untrusted. Therefore the commit is read from the files of the repository, and git checks for changes with
//! a temporary repository: the same commit, objects and index, but only the user's own configuration.

use std::{
    env, fs,
    hash::{BuildHasher as _, RandomState},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use snn_run::regular;

/// Maximum size of a list of references.
const MOST_REFERENCES: u64 = 64 << 20;
/// Maximum depth of symbolic references.
const DEEPEST: usize = 5;

/// The commit checked out in the repository of `folder`, followed by `+` if there are changes; `None` outside of repositories.
pub(super) fn of(folder: &Path) -> Option<String> {
    let repository = Repository::find(folder)?;
    let commit = repository.commit()?;
    let changed = repository.is_changed(&commit).unwrap_or(false);
    Some(commit + if changed { "+" } else { "" })
}

struct Repository {
    /// The directories of a repository.
    tree: PathBuf,
    /// `HEAD` and the index.
    own: PathBuf,
    /// Objects and references, which several worktrees may share.
    shared: PathBuf,
}

impl Repository {
    fn find(folder: &Path) -> Option<Self> {
        let tree = folder.ancestors().find(|folder| folder.join(".git").exists())?;
        let own = match fs::metadata(tree.join(".git")).ok()?.is_dir() {
            true => tree.join(".git"),
            // In a worktree or a submodule, `.git` is a file with the path.
            false => tree.join(line(&tree.join(".git"))?.strip_prefix("gitdir: ")?),
        };
        let shared = line(&own.join("commondir")).map_or_else(|| own.clone(), |path| own.join(path));
        Some(Self { tree: tree.to_owned(), own, shared })
    }

    fn commit(&self) -> Option<String> {
        let mut text = line(&self.own.join("HEAD"))?;
        for _ in 0..DEEPEST {
            let Some(name) = text.strip_prefix("ref: ") else {
                return is_hash(&text).then_some(text);
            };
            text = self.reference(name.trim())?;
        }
        None
    }

    fn reference(&self, name: &str) -> Option<String> {
        if !name.starts_with("refs/") || name.split('/').any(|part| part == "..") {
            return None;
        }
        let loose = [&self.own, &self.shared].into_iter().find_map(|folder| line(&folder.join(name)));
        loose.or_else(|| {
            let packed = regular::read_to_string(self.shared.join("packed-refs"), MOST_REFERENCES).ok()?;
            packed.lines().find_map(|line| Some(line.strip_suffix(name)?.strip_suffix(' ')?.to_owned()))
        })
    }

    /// Whether files differ from the commit; `None` if git fails.
    fn is_changed(&self, commit: &str) -> Option<bool> {
        let ours = Ours::new(self, commit).ok()?;
        let mut git = Command::new("git");
        for name in ["GIT_COMMON_DIR", "GIT_PREFIX", "GIT_ATTR_SOURCE"] {
            git.env_remove(name);
        }
        git.env("GIT_DIR", &ours.0).env("GIT_WORK_TREE", &self.tree);
        git.env("GIT_INDEX_FILE", self.own.join("index"))
            .env("GIT_OBJECT_DIRECTORY", self.shared.join("objects"));
        // Do not write to the repository.
        git.env("GIT_OPTIONAL_LOCKS", "0").current_dir(&self.tree);
        git.args([
            "diff",
            "--quiet",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=dirty",
            "HEAD",
            "--",
        ]);
        git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match git.status().ok()?.code()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

/// A repository without a configuration, in a folder with an unpredictable name; removed when the value is dropped.
struct Ours(PathBuf);

impl Ours {
    fn new(theirs: &Repository, commit: &str) -> io::Result<Self> {
        // The standard library's hash maps have new random keys in every call.
        let random = || RandomState::new().hash_one(commit);
        let folder = env::temp_dir().join(format!("snn-{:016x}{:016x}", random(), random()));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder)?;
        let ours = Self(folder);
        fs::create_dir(ours.0.join("refs"))?;
        fs::write(ours.0.join("HEAD"), format!("{commit}\n"))?;
        let format = match commit.len() {
            40 => "[core]\nrepositoryformatversion = 0\n",
            _ => "[core]\nrepositoryformatversion = 1\n[extensions]\nobjectformat = sha256\n",
        };
        fs::write(ours.0.join("config"), format)?;
        // A part of the index may be in a separate file next to it.
        for entry in fs::read_dir(&theirs.own)?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("sharedindex.") {
                fs::copy(entry.path(), ours.0.join(entry.file_name()))?;
            }
        }
        Ok(ours)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The first line of a small file.
fn line(path: &Path) -> Option<String> {
    let text = regular::read_to_string(path, 1 << 16).ok()?;
    text.lines().next().map(|line| line.trim_end().to_owned())
}

fn is_hash(text: &str) -> bool {
    (text.len() == 40 || text.len() == 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn git(&self, words: &[&str]) -> Option<String> {
            let mut git = Command::new("git");
            for key in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"] {
                git.env(key, "/dev/null");
            }
            git.args(["-c", "user.name=x", "-c", "user.email=x@x"]).args(words).current_dir(self.0.path());
            let output = git.output().ok()?;
            output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
        }

        fn write(&self, name: &str, content: &str) {
            fs::write(self.0.path().join(name), content).unwrap();
        }

        /// A repository of one commit; `None` without git.
        fn new() -> Option<Self> {
            let place = Self(tempfile::tempdir().unwrap());
            place.git(&["init", "-q", "."])?;
            place.write("a", "1\n");
            place.git(&["add", "a"]).unwrap();
            place.git(&["commit", "-qm", "x"]).unwrap();
            Some(place)
        }
    }

    #[test]
    fn the_commit_is_the_one_that_git_names() {
        let Some(place) = Place::new() else { return snn_test_support::skip("git is not installed") };
        let head = place.git(&["rev-parse", "HEAD"]).unwrap();
        assert_eq!(of(place.0.path()), Some(head.clone()));
        fs::create_dir(place.0.path().join("deeper")).unwrap();
        assert_eq!(of(&place.0.path().join("deeper")), Some(head.clone()));
        place.git(&["pack-refs", "--all"]).unwrap();
        assert_eq!(of(place.0.path()), Some(head.clone()));
        place.git(&["worktree", "add", "-q", "tree"]).unwrap();
        assert_eq!(of(&place.0.path().join("tree")), Some(head.clone()));
        place.git(&["checkout", "-q", "--detach"]).unwrap();
        place.write("untracked", "");
        assert_eq!(of(place.0.path()), Some(head.clone()));
        place.write("a", "2\n");
        assert_eq!(of(place.0.path()), Some(head.clone() + "+"));
        // The same content again: no change, regardless of the modification time.
        place.write("a", "1\n");
        assert_eq!(of(place.0.path()), Some(head.clone()));
        place.git(&["update-index", "--split-index"]).unwrap();
        assert_eq!(of(place.0.path()), Some(head.clone()));
        place.git(&["rm", "-q", "--cached", "a"]).unwrap();
        assert_eq!(of(place.0.path()), Some(head + "+"));
        assert_eq!(of(tempfile::tempdir().unwrap().path()), None);
    }

    #[test]
    fn commands_of_the_repository_are_not_run() {
        let Some(place) = Place::new() else { return snn_test_support::skip("git is not installed") };
        let (script, mark) = (place.0.path().join(".git/evil"), place.0.path().join("mark"));
        fs::write(&script, format!("#!/bin/sh\necho x >> {}\ncat\n", mark.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let script = script.to_str().unwrap();
        for key in ["core.fsmonitor", "filter.evil.clean", "diff.external", "core.sshCommand", "core.pager"] {
            place.git(&["config", key, script]).unwrap();
        }
        let again = || {
            // A new modification time: git reads the file again, and would filter it.
            place.write(".gitattributes", "* filter=evil\n");
            let file = fs::File::options().write(true).open(place.0.path().join("a")).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
            let _ = fs::remove_file(&mark);
        };
        again();
        place.git(&["describe", "--always", "--dirty"]);
        assert!(mark.exists(), "plain git runs it");
        again();
        assert!(of(place.0.path()).is_some());
        assert!(!mark.exists(), "{}", fs::read_to_string(&mark).unwrap_or_default());
    }
}
