//! The named cases.

use std::fmt::Write as _;
use std::path::PathBuf;

use rib::decision::{DecisionConfig, explain, multipath, select};

use crate::paths::{Path, Stored, orders};

struct Settings {
    config: DecisionConfig,
    max_paths: u8,
}

impl Settings {
    fn parse(line: &str) -> Self {
        let mut settings = Self {
            config: DecisionConfig::default(),
            max_paths: 1,
        };
        for word in line.split_whitespace().skip(2) {
            match word.split_once('=').expect("a setting has a value") {
                ("max-paths", n) => settings.max_paths = n.parse().expect("a number"),
                ("always-compare-med", on) => {
                    settings.config.always_compare_med = on.parse().expect("true or false");
                }
                ("compare-router-id", on) => {
                    settings.config.compare_router_id = on.parse().expect("true or false");
                }
                (name, _) => panic!("`{name}` is no setting"),
            }
        }
        settings
    }
}

/// What is said about `paths`, in the order of the names of `listed`.
fn verdict(paths: &[Path], settings: &Settings, listed: &[Path]) -> String {
    let stored = Stored::new(paths.to_vec());
    let candidates = stored.candidates();
    let reasons = explain(&candidates, settings.max_paths, &settings.config);
    assert_eq!(reasons.len(), paths.len(), "every path has a reason");
    let mut text = String::new();
    for path in listed {
        let i = paths
            .iter()
            .position(|other| other.name == path.name)
            .expect("the same paths");
        write!(text, "{}: {}", path.name, reasons[i]).expect("a string takes all");
        if let Some(loss) = reasons[i].loss() {
            write!(text, "; to {}", paths[loss.against].name).expect("a string takes all");
        }
        text.push('\n');
    }
    let mut used = Vec::new();
    if let Some(best) = select(&candidates, &settings.config) {
        multipath(
            &candidates,
            best,
            settings.max_paths,
            &settings.config,
            &mut used,
        );
        assert_eq!(
            used.first(),
            Some(&best),
            "the best path is the first that is used"
        );
    }
    for (i, reason) in reasons.iter().enumerate() {
        assert_eq!(
            reason.is_used(),
            used.contains(&i),
            "explain and multipath agree"
        );
    }
    let names: Vec<_> = used.into_iter().map(|i| paths[i].name.as_str()).collect();
    writeln!(
        text,
        "used: {}",
        if names.is_empty() {
            "-".to_owned()
        } else {
            names.join(" ")
        }
    )
    .expect("a string takes all");
    text
}

/// Runs one block of a file; gives it back with what is said now.
fn run_case(block: &str) -> String {
    let (input, _) = block.split_once("----\n").unwrap_or((block, ""));
    let mut lines = input
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let head = lines.next().expect("a case has a head");
    assert!(head.starts_with("case "), "`{head}` is no head of a case");
    let settings = Settings::parse(head);
    let paths: Vec<Path> = lines
        .zip(1u8..)
        .map(|(line, n)| Path::parse(line, n))
        .collect();
    let said = verdict(&paths, &settings, &paths);
    assert!(
        paths.len() <= 6,
        "{head}: all orders of so many paths take too long"
    );
    for order in orders(paths.len()) {
        let permuted: Vec<Path> = order.iter().map(|&i| paths[i].clone()).collect();
        assert_eq!(
            verdict(&permuted, &settings, &paths),
            said,
            "{head} in the order {order:?}"
        );
    }
    format!("{input}----\n{said}")
}

#[test]
fn every_case_is_decided_as_its_file_says() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/decision");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of this test")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there are cases");
    let update = std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text file");
        let said: Vec<String> = text
            .split("\n\n")
            .map(|block| block.trim_matches('\n'))
            .filter(|block| !block.is_empty())
            .map(|block| {
                let is_case = block.lines().any(|line| line.starts_with("case "));
                if is_case {
                    run_case(&format!("{block}\n"))
                } else {
                    format!("{block}\n")
                }
            })
            .collect();
        let said = said.join("\n");
        if update {
            std::fs::write(&file, said).expect("the file can be written");
        } else {
            assert_eq!(said, text, "{} says otherwise", file.display());
        }
    }
}
