//! The binary as a shell sees it: exit status, standard output, standard error.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use cosmos::args::Cli;

fn cosmos(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
    for variable in ["COSMOS_SOCKET", "COSMOS_LOG", "RUST_LOG", "NODE_NAME"] {
        command.env_remove(variable);
    }
    command.args(args).stdin(Stdio::null());
    command
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn no_agent_is_one_line_and_status_2() {
    let socket = "/nonexistent/cosmos.sock";
    for command in [
        &["show", "peers"][..],
        &["show", "peer", "tor-1"],
        &["show", "routes", "-o", "json"],
        &["show", "fib"],
        &["show", "summary"],
        &["get", "routers"],
        &["explain", "10.0.0.0/8"],
    ] {
        let output = cosmos(&[command, &["--socket", socket]].concat());
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        assert_eq!(out(&output), "", "{command:?}");
        assert_eq!(
            err(&output),
            format!(
                "cosmos: no agent answers on {socket}: is `cosmos run` running? \
                 (--socket names another)\n"
            )
        );
    }
}

/// Whoever did not write `--socket` looks for the mistake elsewhere.
#[test]
fn a_socket_that_the_environment_names_is_said_to_be_from_there() {
    let long = format!("/tmp/{}", "x".repeat(200));
    for (named, words) in [
        (
            "/nonexistent/cosmos.sock",
            "cosmos: no agent answers on /nonexistent/cosmos.sock: ",
        ),
        (long.as_str(), "cosmos: the socket /tmp/xxx"),
        ("", "error: invalid value '' for '--socket <PATH>': "),
    ] {
        let output = command(&["show", "peers"])
            .env("COSMOS_SOCKET", named)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{named}");
        let said = err(&output);
        assert!(said.starts_with(words), "{said}");
        assert!(
            said.contains("the environment variable COSMOS_SOCKET"),
            "{said}"
        );
    }
}

#[test]
fn bad_usage_is_status_2() {
    for args in [
        &["show", "routes", "ten-slash-eight"][..],
        &["show", "routes", "--in"],
        &["get", "things"],
        &["run"],
        &["run", "--manifests", ".", "--metrics-addr", "8082"],
        &["frobnicate"],
    ] {
        let output = cosmos(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            err(&output).starts_with("error: "),
            "{args:?}: {}",
            err(&output)
        );
        assert_eq!(out(&output), "");
    }
}

#[test]
fn the_agent_that_cannot_start_says_why_in_one_line() {
    let folder = std::env::temp_dir().join(format!("cosmos-cli-{}", std::process::id()));
    let missing = folder.join("nothing-here");
    let output = cosmos(&[
        "run",
        "--node",
        "n1",
        "--manifests",
        missing.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(2));
    let text = err(&output);
    let last = text.lines().last().unwrap();
    assert!(
        last.starts_with("cosmos: ") && last.contains("nothing-here"),
        "{text}"
    );
    assert_eq!(last.matches("No such file").count(), 1, "{text}");

    let output = cosmos(&[
        "run",
        "--node",
        "n1",
        "--manifests",
        ".",
        "--log-level",
        "lowd",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        err(&output),
        "cosmos: log level \"lowd\" is not understood; write error, warn, info, debug or trace\n"
    );
}

#[test]
fn version_and_completions_need_no_agent() {
    let version = cosmos(&["version"]);
    assert!(version.status.success());
    assert_eq!(
        out(&version),
        format!("cosmos {}\n", env!("CARGO_PKG_VERSION"))
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = cosmos(&["completions", shell]);
        assert!(script.status.success(), "{shell}");
        assert!(out(&script).contains("explain"), "{shell}");
    }
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cosmos"))
        .arg("crds")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 16];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut start)
        .unwrap();
    drop(child.stdout.take());
    let mut text = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(text, "");
}

#[test]
fn check_has_its_three_answers() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let good = root.join("config/samples/minimal");
    assert_eq!(
        cosmos(&["check", good.to_str().unwrap()]).status.code(),
        Some(0)
    );
    let folder = std::env::temp_dir().join(format!("cosmos-check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("bad.yaml"),
        "apiVersion: bgp.miloapis.com/v1alpha1\nkind: BGPPeer\nmetadata: {name: tor}\nspec: {peerASN: 0}\n",
    )
    .unwrap();
    let output = cosmos(&["check", folder.to_str().unwrap()]);
    let text = out(&output) + &err(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("bad.yaml: BGPPeer/tor: "), "{text}");
    std::fs::remove_file(folder.join("bad.yaml")).unwrap();
    let output = cosmos(&["check", folder.to_str().unwrap()]);
    assert_eq!(
        (output.status.code(), out(&output)),
        (Some(2), String::new())
    );
    assert!(
        err(&output).contains("nothing was checked") && err(&output).lines().count() == 1,
        "{}",
        err(&output)
    );
    std::fs::remove_dir_all(&folder).unwrap();
    let output = cosmos(&["check", folder.to_str().unwrap()]);
    assert_eq!(
        (output.status.code(), out(&output)),
        (Some(2), String::new())
    );
    let text = err(&output);
    assert!(
        text.starts_with("cosmos: cannot read the manifests in ") && text.lines().count() == 1,
        "{text}"
    );
}

/// docs/cli.md is what `--help` says; `UPDATE_EXPECT=1 cargo test` writes it anew.
#[test]
fn the_manual_is_what_help_says() {
    let mut page = String::from(
        "# The command line\n\n\
         One binary: `cosmos run` is the agent, everything else asks it or reads manifests. This page is made of `--help`.\n\n\
         - **Which agent**: the commands that ask use the Unix socket of `--socket`, else `COSMOS_SOCKET`, else \
         `/run/cosmos/cosmos.sock`.\n  The socket belongs to the user that runs the agent (mode 0600).\n\
         - **Exit status**: 0 done; 1 the answer is no (no such peer, no route for the prefix or address that was asked for, problems \
         in\n  manifests); 2 the question could not be asked (usage, no agent, nothing to check). A list that is empty is an \
         answer: `No routes.`, 0.\n  Errors are one line on standard error, and those of usage some more: how it is said right.\n\
         - **Output**: on a terminal, tables fit 100 columns; what does not fit is wrapped within its column, never cut, \
         and an address, a\n  prefix or a number is never broken: where it is wider than its column, the rest of the row goes \
         on beneath. In a pipe or a file\n  a row is one line of any length. Colours only on a terminal, and not with \
         `NO_COLOR`. `-o json` gives one document, or one\n  object a line for routes and kernel entries.\n\
         - **Size**: a table of any size streams through bounded memory in the agent and in the command.\n",
    );
    let mut seen = BTreeSet::new();
    let mut root = Cli::command();
    root.build();
    let mut pending = vec![(vec!["cosmos".to_owned()], root)];
    while let Some((name, command)) = pending.pop() {
        let leaf = command.get_subcommands().next().is_none();
        if leaf {
            let title = name.join(" ");
            let args: Vec<&str> = name[1..]
                .iter()
                .map(String::as_str)
                .chain(["--help"])
                .collect();
            let help = out(&cosmos(&args));
            assert!(help.contains("Usage: cosmos"), "{title}");
            write!(page, "\n## {title}\n\n```text\n{}\n```\n", help.trim_end()).unwrap();
            seen.insert(title);
        }
        let mut below: Vec<_> = command
            .get_subcommands()
            .filter(|below| below.get_name() != "help")
            .map(|below| {
                (
                    [name.clone(), vec![below.get_name().to_owned()]].concat(),
                    below.clone(),
                )
            })
            .collect();
        below.reverse();
        pending.extend(below);
    }
    assert!(
        seen.contains("cosmos show routes") && seen.contains("cosmos run"),
        "{seen:?}"
    );
    for line in page.lines().skip_while(|line| !line.starts_with("## ")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        page, wanted,
        "docs/cli.md is not what --help says; UPDATE_EXPECT=1 accepts it"
    );
}

/// Nobody has to write what the environment says already.
#[test]
fn usage_asks_for_what_is_missing_and_not_for_what_the_environment_names() {
    for (words, usage) in [
        (&["get"][..], "Usage: cosmos get [OPTIONS] <KIND> [NAME]"),
        (&["explain"], "Usage: cosmos explain [OPTIONS] <ROUTE>"),
        (
            &["show", "peer"],
            "Usage: cosmos show peer [OPTIONS] <NAME>",
        ),
        (&["run"], "Usage: cosmos run [OPTIONS] --manifests <DIR>"),
        (
            &["run", "--bogus"],
            "Usage: cosmos run [OPTIONS] --manifests <DIR>",
        ),
    ] {
        let with = command(words)
            .env("COSMOS_SOCKET", "/tmp/a.sock")
            .env("NODE_NAME", "node-1")
            .output()
            .unwrap();
        assert_eq!(with.status.code(), Some(2), "{words:?}");
        let said = err(&with);
        assert!(said.lines().any(|line| line == usage), "{words:?}: {said}");
        assert_eq!(said, err(&cosmos(words)), "the same without: {words:?}");
    }
}
