//! Matching the matrices of a file with those of a network.

use super::file::Stored;

/// The matrices of the file for the network; `names` as in [`Weights::put_only`].
pub(super) fn fit<'a>(
    matrices: &'a [Stored],
    others: &[(String, String)],
    names: &[String],
    needed: &[(String, [usize; 2])],
) -> Result<Vec<&'a Stored>, String> {
    let known = || list(needed.iter().map(|(name, shape)| (name.as_str(), shape.as_slice())));
    if let Some(name) = names.iter().find(|name| needed.iter().all(|(known, _)| known != *name)) {
        return Err(format!("the network has no matrix {name}: it has {}", known()));
    }
    let mut problems = Vec::new();
    let mut fitting = Vec::new();
    for (name, shape) in needed.iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        match matrices.iter().find(|stored| stored.name == *name) {
            Some(stored) => match misfit(stored, *shape) {
                None => fitting.push(stored),
                Some(problem) => problems.push(problem),
            },
            None => problems.push(match others.iter().find(|(other, _)| other == name) {
                Some((_, kind)) => format!("{name} has type {kind} in the file instead of float"),
                None => format!("{name} of {} is missing", by(shape)),
            }),
        }
    }
    if names.is_empty() {
        let left_over = |stored: &&Stored| needed.iter().all(|(name, _)| *name != stored.name);
        problems.extend(matrices.iter().filter(left_over).map(|stored| {
            format!("the network has no {}, which is {} in the file", stored.name, by(&stored.shape))
        }));
    }
    if problems.is_empty() {
        return Ok(fitting);
    }
    let there = matrices.iter().map(|stored| (stored.name.as_str(), stored.shape.as_slice()));
    let there = if matrices.is_empty() { "no matrices".to_owned() } else { list(there) };
    Err(format!("the network has {}, but the file has {there}: {}", known(), problems.join("; ")))
}

fn misfit(stored: &Stored, shape: [usize; 2]) -> Option<String> {
    let name = &stored.name;
    let [pre, post] = shape;
    if stored.shape == [post, pre] && pre != post {
        return Some(format!(
            "{name} is {} in the file but {} here: transposed; rows are units below (PyTorch's Linear has rows of units \
             above: transpose it)",
            by(&stored.shape),
            by(&shape)
        ));
    }
    if stored.shape != shape {
        return Some(format!("{name} is {} in the file but {} here", by(&stored.shape), by(&shape)));
    }
    let at = stored.values.iter().position(|value| !value.is_finite())?;
    Some(format!("{name} has {} in row {}, column {}", stored.values[at], at / post, at % post))
}

fn list<'a>(matrices: impl Iterator<Item = (&'a str, &'a [usize])>) -> String {
    const MOST: usize = 12;
    let mut words: Vec<String> = matrices.map(|(name, shape)| format!("{name} of {}", by(shape))).collect();
    let left_out = words.len().saturating_sub(MOST);
    words.truncate(MOST);
    let more = if left_out > 0 { format!(" and {left_out} more") } else { String::new() };
    words.join(", ") + &more
}

fn by(shape: &[usize]) -> String {
    match shape {
        [] => "a single number".to_owned(),
        [length] => format!("a vector of {length}"),
        _ => shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "),
    }
}
