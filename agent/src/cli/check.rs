//! `cosmos check DIR`: what is wrong with a folder of manifests, without running it.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use crate::desired::{Severity, build, nodes, stranger};
use crate::source::directory::{FileProblem, load};

/// Nothing is wrong.
pub const OK: u8 = 0;
/// Something is wrong; each problem has a line.
pub const PROBLEMS: u8 = 1;
/// The folder, or the node in it, could not be checked.
pub const COULD_NOT_RUN: u8 = 2;

/// Checks the manifests in `dir` as they are for `node`, or for every node that a router names, and writes a line
/// for each problem to `out`; to `err` goes why nothing could be checked. Gives the exit status.
pub fn check(dir: &Path, node: Option<&str>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match run(dir, node, out, err) {
        Ok(status) => status,
        // Nobody reads on: what was found has been told.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => PROBLEMS,
        Err(_) => COULD_NOT_RUN,
    }
}

fn run(dir: &Path, node: Option<&str>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let loaded = match load(dir) {
        Ok(loaded) => loaded,
        Err(error) => {
            writeln!(err, "cosmos: {error}")?;
            return Ok(COULD_NOT_RUN);
        }
    };
    if loaded.objects.is_empty() && loaded.problems.is_empty() {
        writeln!(
            err,
            "cosmos: there is no object in {} (*.yaml, *.yml), so nothing was checked; name the folder that holds \
             the manifests",
            dir.display()
        )?;
        return Ok(COULD_NOT_RUN);
    }
    // What was dropped from a file while reading is a slip of the pen, which a check is there to find.
    let mut problems: Vec<FileProblem> = loaded
        .problems
        .into_iter()
        .map(|problem| FileProblem {
            severity: Severity::Rejected,
            ..problem
        })
        .collect();
    let nodes = match node {
        Some(node) => BTreeSet::from([node.to_owned()]),
        // Without any router there is still what needs none to be wrong.
        None => std::iter::once(String::new())
            .chain(nodes(&loaded.objects))
            .collect(),
    };
    for node in nodes {
        for problem in build(&loaded.objects, &node).1 {
            let on = problem
                .router
                .as_ref()
                .map_or_else(String::new, |router| format!("on BGPRouter {router}: "));
            let problem = FileProblem {
                file: loaded
                    .files
                    .get(&problem.object)
                    .cloned()
                    .unwrap_or_default(),
                object: Some(problem.object.to_string()),
                field: problem.field,
                message: format!("{on}{}", problem.message),
                severity: problem.severity,
            };
            // Two nodes may find the same fault in one object.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    // A file's problems stand together; within it they keep the order in which they were found.
    problems.sort_by(|a, b| a.file.cmp(&b.file));
    for problem in &problems {
        writeln!(out, "{}", line(problem))?;
    }
    // As `cosmos run` would end there: an answer of "nothing is wrong" would be about nothing.
    let stranger = node.and_then(|node| Some((node, stranger(&loaded.objects, node)?)));
    if let Some((node, why)) = &stranger {
        writeln!(
            err,
            "cosmos: no BGPRouter in {} is for node {node:?} (from --node), so nothing was checked for it: {why}",
            dir.display()
        )?;
    }
    Ok(match (problems.iter().any(counts), stranger) {
        (true, _) => PROBLEMS,
        (false, Some(_)) => COULD_NOT_RUN,
        (false, None) => OK,
    })
}

/// The line of a problem. It begins with the file, as editors and people expect; a warning says so behind the object.
fn line(problem: &FileProblem) -> String {
    if counts(problem) {
        return problem.to_string();
    }
    let mut problem = problem.clone();
    let first = match problem.field.as_str() {
        "" => &mut problem.message,
        _ => &mut problem.field,
    };
    first.insert_str(0, "warning: ");
    problem.to_string()
}

/// A warning is not a problem: the object is carried out.
fn counts(problem: &FileProblem) -> bool {
    problem.severity == Severity::Rejected
}
