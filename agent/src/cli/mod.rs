//! The commands that ask a running agent, and those that need none.
//!
//! | file | |
//! |---|---|
//! | [`client`] | EDGE: one question over the control socket, its replies as they come |
//! | [`table`] | PURE: columns within 100 columns of text, colours, wrapping |
//! | [`words`] | PURE: times, sizes, lists in words |
//! | [`check`] | manifests judged without running them |
//! | [`policy_test`] | one policy on one route; [`route_text`] is how that is typed |
//! | [`decode`] | messages out of captures, files and text, in all their fields |
//! | `show_*`, [`get`], [`explain`] | PURE: replies to text or JSON, one command each |
//! | [`elsewhere`] | PURE: where a plain prefix is to be found that no unicast family has |
//!
//! Every renderer writes while it reads, or reads what is known to be short, so memory stays bounded however large a table is.

pub mod check;
pub mod client;
pub mod decode;
pub mod elsewhere;
pub mod explain;
pub mod get;
pub mod policy_test;
pub mod preview;
pub mod route_text;
pub mod show_bfd;
mod show_dynamic;
pub mod show_fib;
pub mod show_peers;
pub mod show_routes;
pub mod show_summary;
pub mod table;
pub mod words;
mod wrap;

#[cfg(test)]
mod golden;

use std::collections::BTreeSet;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::args::{Command, PolicyCommand, ShowCommand, ShowFormat, SocketArgs};
use crate::control::protocol::{Reply, Request};
use client::{AskError, Replies};
use table::{Screen, Style};

/// Runs a command; its result is the exit status.
pub fn execute(command: Command) -> ExitCode {
    let stdout = io::stdout().lock();
    let mut screen = Screen::standard_output(BufWriter::with_capacity(64 * 1024, stdout));
    let done = dispatch(command, &mut screen).and_then(|status| {
        screen.out.flush()?;
        Ok(status)
    });
    match done {
        Ok(status) => status,
        Err(error) => {
            // What was written before the trouble is still worth reading.
            let _ = screen.out.flush();
            error.report()
        }
    }
}

fn dispatch<W: Write>(command: Command, screen: &mut Screen<W>) -> Result<ExitCode, AskError> {
    match command {
        Command::Run(_) => unreachable!("the agent itself is started by main"),
        Command::Get(args) => get::run(&args, screen)?,
        Command::Show(ShowCommand::Peers(args)) => show_peers::run_list(&args, screen)?,
        Command::Show(ShowCommand::Peer(args)) => show_peers::run_one(&args, screen)?,
        Command::Show(ShowCommand::Bfd(args)) => show_bfd::run(&args, screen)?,
        Command::Show(ShowCommand::Routes(args)) => show_routes::run(&args, screen)?,
        Command::Show(ShowCommand::Fib(args)) => show_fib::run(&args, screen)?,
        Command::Show(ShowCommand::Summary(args)) => show_summary::run(&args, screen)?,
        Command::Explain(args) => explain::run(&args, screen)?,
        Command::Check(args) => {
            let status = match args.against_running {
                true => preview::preview(&args.dir, &args.socket.socket, &mut screen.out)?,
                false => {
                    let node = args.node.as_deref();
                    check::check(&args.dir, node, &mut screen.out, &mut io::stderr())
                }
            };
            return Ok(ExitCode::from(status));
        }
        Command::Policy(PolicyCommand::Test(args)) => return policy_test::run(&args, screen),
        Command::Decode(args) => {
            let status = decode::run(&args, &mut screen.out, &mut io::stderr())?;
            return Ok(ExitCode::from(status));
        }
        Command::Crds => screen.out.write_all(crds::yaml().as_bytes())?,
        Command::Completions(args) => {
            clap_complete::generate(
                args.shell,
                &mut crate::args::completed(),
                "cosmos",
                &mut screen.out,
            );
        }
        Command::Version => writeln!(screen.out, "cosmos {}", env!("CARGO_PKG_VERSION"))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(socket: &SocketArgs, request: &Request) -> Result<Replies, AskError> {
    Replies::ask(&socket.socket, request)
}

/// How many objects of a kind the manifests hold that are refused, besides those that are shown by name.
fn refused(socket: &SocketArgs, kind: &str, shown: &[String]) -> Result<usize, AskError> {
    let mut refused = BTreeSet::new();
    for reply in ask(socket, &Request::Summary)? {
        if let Reply::Agent(agent) = reply? {
            let of_kind = agent
                .problems
                .into_iter()
                .filter(|problem| problem.refuses(kind));
            refused.extend(of_kind.filter_map(|problem| problem.object));
        }
    }
    let is_shown = |object: &String| {
        let name = object.split_once('/').map(|(_, name)| name);
        shown.iter().any(|shown| Some(shown.as_str()) == name)
    };
    Ok(refused.iter().filter(|object| !is_shown(object)).count())
}

/// Says so, after `shown` rows.
fn tell_refused<W: Write>(
    count: usize,
    kind: &str,
    shown: usize,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    if count == 0 {
        return Ok(());
    }
    if shown > 0 {
        screen.blank()?;
    }
    let text = format!(
        "{count} {kind} of the manifests cannot be carried out: see `cosmos show summary`."
    );
    Ok(screen.styled_line(0, &text, Style::Bad)?)
}

/// One JSON document, indented.
fn write_json<W: Write>(screen: &mut Screen<W>, value: &impl Serialize) -> Result<(), AskError> {
    serde_json::to_writer_pretty(&mut screen.out, value).map_err(io::Error::from)?;
    Ok(screen.out.write_all(b"\n")?)
}

/// One JSON object on one line.
fn write_json_line<W: Write>(
    screen: &mut Screen<W>,
    value: &impl Serialize,
) -> Result<(), AskError> {
    serde_json::to_writer(&mut screen.out, value).map_err(io::Error::from)?;
    Ok(screen.out.write_all(b"\n")?)
}

fn is_json(format: ShowFormat) -> bool {
    format == ShowFormat::Json
}

impl AskError {
    /// Says what is wrong in one line, and with what exit status to end.
    fn report(&self) -> ExitCode {
        match self {
            // The reader has seen enough, as `| head` does.
            Self::Output(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            error => {
                eprintln!("cosmos: {error}");
                ExitCode::from(error.status())
            }
        }
    }
}
