//! Files use each other in one direction: no dependency cycles between files of a crate, or between sibling modules.
//!
//! Dependencies are derived from paths in the source (`use` and paths that start with `crate`, `super` or a child), ignoring
//! comments, strings and tests. Re-exported names are followed to their definition.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, in their helpers too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The crate roots, relative to the repository.
const CRATES: &[&str] = &[
    "snn-core/src/lib.rs",
    "snn-core/benches/training_step/main.rs",
    "snn-data/src/lib.rs",
    "snn-data/catalog/src/lib.rs",
    "snn-data/fft/src/lib.rs",
    "snn-train/snn-plot/src/lib.rs",
    "snn-train/snn-run/src/lib.rs",
    "snn-train/snn-terminal/src/lib.rs",
    "snn-train/src/lib.rs",
    "snn-train/src/bin/snn/main.rs",
    "snn-tui/src/main.rs",
    "tests/src/lib.rs",
    "tests/src/bin/gpu/main.rs",
    "tests/src/bin/torture/main.rs",
    "tests/support/src/lib.rs",
    "xtask/src/main.rs",
    "xtask/fetch/src/main.rs",
];

/// `["data", "tailer"]`; the root is empty.
type ModulePath = Vec<String>;

/// One file of a crate.
#[derive(Default)]
struct Module {
    /// Its text without comments, strings and tests.
    text: String,
    /// Its words outside of `use` and `mod`.
    code: Vec<String>,
    children: BTreeSet<String>,
    /// Its imports, by local name.
    imports: BTreeMap<String, Vec<String>>,
    /// Its glob imports.
    globs: Vec<Vec<String>>,
    /// All paths in it.
    paths: Vec<Vec<String>>,
}

#[test]
fn files_do_not_depend_on_each_other_in_cycles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace");
    let mut found = Vec::new();
    for start in CRATES {
        let modules = read_crate(&root.join(start));
        let arrows = arrows(&modules);
        for circle in circles(&arrows) {
            found.push(format!("{start}: cycle of files {}", describe(&circle, &arrows)));
        }
        // Sibling modules: everything in one of them counts as that module.
        for parent in modules.keys() {
            let mut between: BTreeMap<ModulePath, BTreeSet<ModulePath>> = BTreeMap::new();
            let side = |path: &ModulePath| {
                (path.len() > parent.len() && path.starts_with(parent))
                    .then(|| path[..=parent.len()].to_vec())
            };
            for (from, to) in &arrows {
                let targets = to.iter().filter_map(side);
                let Some(from) = side(from) else { continue };
                between.entry(from.clone()).or_default().extend(targets.filter(|to| *to != from));
            }
            for circle in circles(&between) {
                let inner = |a: &ModulePath, b: &ModulePath| {
                    side(a).is_some_and(|a| circle.contains(&a))
                        && side(b).is_some_and(|b| circle.contains(&b))
                        && side(a) != side(b)
                };
                let mut lines = String::new();
                for (from, to) in &arrows {
                    for to in to.iter().filter(|to| inner(from, to)) {
                        lines += &format!("\n    {} -> {}", name(from), name(to));
                    }
                }
                found.push(format!("{start}: cycle of modules {}{lines}", names(&circle)));
            }
        }
    }
    found.dedup();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn cycles_are_found_through_reexports() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write(
        "lib.rs",
        "mod a; mod b; mod c; pub use a::A; // use b::B\n#[cfg(test)]\nmod tests { use crate::b::B; }",
    );
    write("a.rs", "use crate::{b::{self, B as Other}, c};\npub struct A;");
    write("b/mod.rs", "mod deep;\npub use deep::B;");
    write("b/deep.rs", "pub struct B(crate::A);\nconst TEXT: &str = \"crate::c::C\";");
    write(
        "c.rs",
        "#[cfg(all(test, unix))]\nmod more { use crate::a::A; }\npub struct C;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
    );
    let arrows = arrows(&read_crate(&folder.path().join("lib.rs")));
    let path = |name: &str| name.split("::").map(str::to_owned).collect::<ModulePath>();
    assert_eq!(circles(&arrows), [BTreeSet::from([path("a"), path("b::deep")])], "{arrows:?}");
    assert!(arrows[&path("a")].contains(&path("c")) && !arrows.contains_key(&path("c")), "{arrows:?}");
}

/// All modules of the crate with this root file.
fn read_crate(start: &Path) -> BTreeMap<ModulePath, Module> {
    let folder = start.parent().expect("a file is in a folder").to_owned();
    let mut modules = BTreeMap::new();
    let mut open = vec![(Vec::new(), start.to_owned(), folder)];
    while let Some((path, file, folder)) = open.pop() {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let module = Module::read(&text);
        for child in &module.children {
            let flat = folder.join(format!("{child}.rs"));
            let below = folder.join(child);
            let file: PathBuf = if flat.exists() { flat } else { below.join("mod.rs") };
            let mut path: ModulePath = path.clone();
            path.push(child.clone());
            open.push((path, file, below));
        }
        modules.insert(path, module);
    }
    modules
}

impl Module {
    fn read(text: &str) -> Self {
        let mut module = Self { text: without_tests(&bare(text)), ..Self::default() };
        let words = words(&module.text);
        for pair in words.windows(3) {
            if let [keyword, child, end] = pair
                && keyword == "mod"
                && end == ";"
            {
                module.children.insert(child.clone());
            }
        }
        let mut at = 0;
        while at < words.len() {
            let statement =
                || words[at..].iter().position(|word| word == ";").map_or(words.len(), |end| at + end);
            if words[at] == "use" {
                let end = statement();
                module.import(&words[at + 1..end], &[]);
                at = end;
            } else if words[at] == "mod" {
                at += 1;
            } else if words[at] == "in" && at > 0 && words[at - 1] == "(" {
                // A visibility, as in `pub(in crate::experiment)`.
                at = words[at..].iter().position(|word| word == ")").map_or(words.len(), |end| at + end);
            } else if words.get(at + 1).is_some_and(|next| next == "::")
                && (at == 0 || words[at - 1] != "::")
                && (["crate", "super", "self"].contains(&words[at].as_str())
                    || module.children.contains(&words[at]))
            {
                let names = words[at..].iter().step_by(2);
                let separators = words[at + 1..].iter().step_by(2);
                let length = separators.take_while(|word| *word == "::").count();
                module.paths.push(names.take(length + 1).cloned().collect());
                module.code.push(words[at].clone());
            } else {
                module.code.push(words[at].clone());
            }
            at += 1;
        }
        module
    }

    /// Parses a tree such as `a::{b, c::{self, D as E}}`.
    fn import(&mut self, tree: &[String], before: &[String]) {
        let mut path = before.to_vec();
        let mut at = 0;
        while at < tree.len() {
            match tree[at].as_str() {
                "::" => {}
                "*" => {
                    self.globs.push(path.clone());
                    self.paths.push(path);
                    return;
                }
                "{" => {
                    for branch in branches(&tree[at + 1..]) {
                        self.import(branch, &path);
                    }
                    return;
                }
                "self" if !path.is_empty() => {}
                "as" => {
                    self.imports.insert(tree[at + 1].clone(), path.clone());
                    self.paths.push(path);
                    return;
                }
                name => path.push(name.to_owned()),
            }
            at += 1;
        }
        if let Some(name) = path.last() {
            self.imports.insert(name.clone(), path.clone());
            self.paths.push(path);
        }
    }

    fn defines(&self, name: &str) -> bool {
        let keywords = ["struct", "enum", "fn", "trait", "type", "const", "static", "macro_rules", "union"];
        words(&self.text).windows(2).any(|pair| pair[1] == name && keywords.contains(&pair[0].as_str()))
    }
}

/// The branches of `a, b::{c, d}}`, without the opening brace.
fn branches(tree: &[String]) -> Vec<&[String]> {
    let (mut depth, mut from, mut all) = (0, 0, Vec::new());
    for (at, word) in tree.iter().enumerate() {
        match word.as_str() {
            "{" => depth += 1,
            "}" if depth == 0 => {
                all.push(&tree[from..at]);
                break;
            }
            "}" => depth -= 1,
            "," if depth == 0 => {
                all.push(&tree[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    all.retain(|branch| !branch.is_empty());
    all
}

/// The text without comments and string contents.
fn bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let raw =
            rest.strip_prefix('r').filter(|_| !out.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
        let hashes = raw.map_or(0, |raw| raw.len() - raw.trim_start_matches('#').len());
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
        } else if raw.is_some_and(|raw| raw[hashes..].starts_with('"')) {
            let end = format!("\"{}", "#".repeat(hashes));
            let content = &rest[hashes + 2..];
            rest = content.find(&end).map_or("", |at| &content[at + end.len()..]);
            out.push_str("\"\"");
        } else if first == '"' {
            let mut escaped = false;
            let end = rest[1..].find(|c| {
                let is_end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                is_end
            });
            rest = end.map_or("", |end| &rest[end + 2..]);
            out.push_str("\"\"");
        } else if first == '\''
            && let Some(length) = character(rest)
        {
            rest = &rest[length..];
            out.push_str("' '");
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// The length of a character such as `'a'` or `'\n'`; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let content = &text[1..];
    if let Some(escape) = content.strip_prefix('\\') {
        return Some(2 + escape.char_indices().skip(1).find(|(_, c)| *c == '\'')?.0 + 1);
    }
    let first = content.chars().next()?;
    content[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

/// Removes everything under `#[cfg(test)]` or `#[cfg(all(test, ..))]`: modules, functions and imports.
fn without_tests(text: &str) -> String {
    const MARKS: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test,"];
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = MARKS.iter().filter_map(|mark| rest.find(mark)).min() {
        out.push_str(&rest[..at]);
        let below = rest[at..].find(']').map_or("", |end| &rest[at + end + 1..]);
        let mut depth = 0;
        let end = below.char_indices().find(|&(_, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && (c == '}' || c == ';')
        });
        rest = end.map_or("", |(end, c)| &below[end + c.len_utf8()..]);
    }
    out + rest
}

/// Splits into names, `::`, and single characters.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let length = if is_name(first) {
            rest.find(|c| !is_name(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    words
}

/// The modules that each module uses.
fn arrows(modules: &BTreeMap<ModulePath, Module>) -> BTreeMap<ModulePath, BTreeSet<ModulePath>> {
    let mut arrows = BTreeMap::new();
    for (from, module) in modules {
        let imported: BTreeSet<&Vec<String>> = module.imports.values().chain(&module.globs).collect();
        for path in &module.paths {
            let Some(to) = resolve(modules, from, path, 0) else { continue };
            // Re-exporting the items of a child does not count as using it.
            let passes_on = imported.contains(path) && to.starts_with(from) && !is_used(module, path);
            if to != *from && !passes_on {
                arrows.entry(from.clone()).or_insert_with(BTreeSet::new).insert(to);
            }
        }
    }
    arrows
}

/// Whether an import is used.
fn is_used(module: &Module, path: &[String]) -> bool {
    let alias = module.imports.iter().find(|(_, it)| *it == path).map(|(name, _)| name);
    alias.is_some_and(|name| module.code.contains(name))
}

/// The module that defines the item at `path`, as seen from `module`; `None` for another crate.
fn resolve(
    modules: &BTreeMap<ModulePath, Module>,
    module: &ModulePath,
    path: &[String],
    depth: u8,
) -> Option<ModulePath> {
    let mut at = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (at, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|word| word == "super") {
                at.pop();
                rest = &rest[1..];
            }
        }
        name if modules[module].children.contains(name) || modules[module].imports.contains_key(name) => {}
        _ => return None,
    }
    while let Some((name, below)) = rest.split_first() {
        let here = modules.get(&at)?;
        if here.children.contains(name) {
            at.push(name.clone());
            rest = below;
            continue;
        }
        if depth > 8 {
            return Some(at);
        }
        if let Some(import) = here.imports.get(name).filter(|import| *import != path || at != *module) {
            let path: Vec<String> = import.iter().chain(below).cloned().collect();
            return resolve(modules, &at, &path, depth + 1);
        }
        if !here.defines(name) {
            for glob in &here.globs {
                let target = resolve(modules, &at, glob, depth + 1);
                if let Some(target) = target.filter(|target| modules[target].defines(name)) {
                    return Some(target);
                }
            }
        }
        return Some(at);
    }
    Some(at)
}

/// Strongly connected components of modules.
fn circles(arrows: &BTreeMap<ModulePath, BTreeSet<ModulePath>>) -> Vec<BTreeSet<ModulePath>> {
    let reach = |from: &ModulePath| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from.clone()];
        while let Some(next) = open.pop() {
            for to in arrows.get(&next).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    open.push(to.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&ModulePath, BTreeSet<ModulePath>> =
        arrows.keys().map(|from| (from, reach(from))).collect();
    let mut circles = Vec::new();
    for (from, to) in &reached {
        let circle: BTreeSet<ModulePath> = to
            .iter()
            .filter(|to| reached.get(to).is_some_and(|back| back.contains(*from)))
            .cloned()
            .collect();
        if circle.len() > 1 && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

fn name(path: &ModulePath) -> String {
    if path.is_empty() { "the root".to_owned() } else { path.join("::") }
}

fn names(circle: &BTreeSet<ModulePath>) -> String {
    circle.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Describes the cycle with all dependencies in it.
fn describe(circle: &BTreeSet<ModulePath>, arrows: &BTreeMap<ModulePath, BTreeSet<ModulePath>>) -> String {
    let mut text = names(circle);
    for from in circle {
        for to in arrows[from].iter().filter(|to| circle.contains(*to)) {
            text += &format!("\n    {} -> {}", name(from), name(to));
        }
    }
    text
}
