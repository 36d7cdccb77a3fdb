//! Tests leave nothing behind: not when they fail, not when they are killed; and two runs do not meet.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use bgp_tests::Namespace;
use bgp_tests::netns::run;
use bgp_tests::process::start_in;
use bgp_tests::wait::{Look, secs, until};

/// Set in the process that is to be killed.
const VICTIM: &str = "COSMOS_TEST_VICTIM";

fn namespaces_of(pid: u32) -> Result<Vec<String>> {
    let mark = format!("cosmos-{pid}-");
    let all = run("ip", &["netns", "list"])?;
    let names = all
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    Ok(names
        .filter(|name| name.starts_with(&mark))
        .map(str::to_owned)
        .collect())
}

/// Not a test of its own: what the killed process does, which asks for it. Without the variable it has nothing to do.
#[test]
#[ignore = "is run by a test"]
fn victim() -> Result<()> {
    if std::env::var_os(VICTIM).is_none() {
        return Ok(());
    }
    let namespace = Namespace::new("victim")?;
    let log = std::env::temp_dir().join(format!("victim-{}", std::process::id()));
    let _sleeper = start_in(&namespace, &["sleep", "600"], &log)?;
    std::fs::remove_file(log)?;
    std::thread::sleep(secs(600));
    Ok(())
}

#[test]
fn a_killed_test_leaves_neither_namespace_nor_process() -> Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", "victim", "--ignored", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let name = until(
        "the victim has a namespace with a process in it",
        secs(20),
        || {
            for name in namespaces_of(child.id())? {
                if !run("ip", &["netns", "pids", &name])?.trim().is_empty() {
                    return Ok(Look::Done(name));
                }
            }
            Ok(Look::NotYet("none".into()))
        },
    )?;
    let inside = run("ip", &["netns", "pids", &name])?;
    child.kill()?;
    child.wait()?;
    until("its namespace is gone", secs(20), || {
        let left = namespaces_of(child.id())?;
        Ok(Look::when(left.is_empty(), || left.join(", ")))
    })?;
    await_end_of(&inside)
}

/// None of these processes, which sleep, runs any more.
fn await_end_of(pids: &str) -> Result<()> {
    until("the processes inside are gone", secs(10), || {
        let runs = |pid: &&str| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // A dead child of a dead parent may wait for somebody to collect it.
            stat.contains("(sleep)") && !stat.contains("(sleep) Z")
        };
        let left: Vec<_> = pids.split_whitespace().filter(runs).collect();
        Ok(Look::when(left.is_empty(), || left.join(", ")))
    })
}

#[test]
fn a_panicking_test_leaves_neither_namespace_nor_process() -> Result<()> {
    let (sent, names) = std::sync::mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let namespace = Namespace::new("panic").expect("the right to make namespaces");
        // One that has left its parent, so that no other guard ends it.
        let script = "setsid sleep 600 > /dev/null 2>&1 & echo $!";
        let sleeper = namespace.shell(script).expect("sleep");
        sent.send((namespace.name().to_owned(), sleeper))
            .expect("somebody listens");
        panic!("on purpose");
    })
    .join();
    ensure!(panicked.is_err(), "it did not panic");
    let (name, sleeper) = names.recv().context("no name")?;
    let left = run("ip", &["netns", "list"])?;
    ensure!(!left.contains(&name), "{name} is still there");
    await_end_of(&sleeper)
}

#[test]
fn two_namespaces_of_one_purpose_do_not_meet() -> Result<()> {
    let (one, other) = (Namespace::new("same")?, Namespace::new("same")?);
    ensure!(one.name() != other.name(), "both are {}", one.name());
    one.veth("here", &other, "there")?;
    ensure!(
        one.ip("link show here").is_ok() && other.ip("link show here").is_err(),
        "the ends of the link"
    );
    Ok(())
}
