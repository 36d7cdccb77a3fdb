//! The command line: every command, flag and default of `cosmos`, and nothing else.
//!
//! Help texts live here because they are the manual. What a command does lives in `run` (the agent itself) or `cli`
//! (everything that only asks a running agent). Exit status of all commands: 0 done, 1 the answer is no (not found,
//! problems in manifests), 2 the question could not be asked (bad usage, no agent answers).

mod decode;
mod policy;
mod routes;

use std::ffi::OsString;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use ipnet::IpNet;

use crate::control::protocol::{ObjectKind, PrefixQuery};
pub use decode::{
    DecodeArgs, DecodeFormat, DecodeInput, DecodeSource, MAY_HAVE_IPV6_NEXT_HOPS, YesNo,
};
pub use policy::{PolicyCommand, PolicyTestArgs};
pub use routes::{ExplainArgs, ShowRoutesArgs};

/// Names the socket where `--socket` does not.
pub const SOCKET_VARIABLE: &str = "COSMOS_SOCKET";
/// Where the agent listens for `show`, `get` and `explain` unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/cosmos/cosmos.sock";

/// The command line of `cosmos`.
#[derive(Debug, Parser)]
#[command(
    name = "cosmos",
    version,
    about = "A BGP node agent: sessions and routes from manifests, best paths in the kernel",
    long_about = "cosmos runs on a node. It reads BGPRouter, BGPPeer and BGPAdvertisement manifests, holds BGP \
                  sessions with the routers they name, puts the best paths into the Linux kernel and announces \
                  the node's own prefixes. The same binary asks a running agent what it knows.",
    after_long_help = "Examples:\n  \
        cosmos check ./manifests                       are these manifests right?\n  \
        cosmos run --manifests ./manifests --node n1   run the agent\n  \
        cosmos show peers                              who is up?\n  \
        cosmos explain 2001:db8:2::/64                 why does this route look as it does?\n\n\
        Exit status: 0 done; 1 the answer is no (not found, problems); 2 could not ask or could not run.",
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the agent on this node.
    Run(RunArgs),
    /// Show objects and their status as the API server would hold them.
    Get(GetArgs),
    /// Show sessions, routes and kernel state of the running agent.
    #[command(subcommand)]
    Show(ShowCommand),
    /// Explain one prefix: received, decided, told to whom, in the kernel.
    Explain(ExplainArgs),
    /// Check manifests without running anything.
    Check(CheckArgs),
    /// Try policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Decode messages from hexadecimal text, byte streams, packet captures and MRT files.
    Decode(Box<DecodeArgs>),
    /// Print the CustomResourceDefinitions as YAML.
    Crds,
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the version.
    Version,
}

/// `cosmos run`.
#[derive(Debug, Clone, Args)]
#[command(
    after_long_help = "SIGTERM, SIGINT and SIGHUP (the terminal is closed) stop the agent in order: peers are told,\n\
    then its routes leave the kernel. Under nohup, SIGHUP is ignored.\n\n\
    Examples:\n  \
    cosmos run --manifests /etc/cosmos --node node-1\n  \
    cosmos run --manifests . --node n1 --socket ./cosmos.sock --metrics-addr :8082 --health-addr :8083\n  \
    COSMOS_LOG=info,cosmos::kernel=debug cosmos run --manifests /etc/cosmos --log-format json"
)]
pub struct RunArgs {
    /// Folder of manifests (*.yaml, several documents a file); changes apply while running
    #[arg(long, value_name = "DIR")]
    pub manifests: PathBuf,
    /// Name of this node; a BGPRouter runs here when its targetRef names it [default: the host name]
    #[arg(long, value_name = "NAME", env = "NODE_NAME")]
    pub node: Option<String>,
    /// Unix socket on which the agent answers `show`, `get` and `explain` (mode 0600)
    #[arg(long, value_name = "PATH", env = SOCKET_VARIABLE, default_value = DEFAULT_SOCKET, value_parser = socket_parser())]
    pub socket: PathBuf,
    /// Folder for what must survive a restart, made if it is missing: the protocols, metrics and tables that
    /// routes of ours carry, the sessions with graceful restart, the neighbours that are served, and the objects that are in
    /// effect, without secrets. Without it, what has become bad by the next start does not run until it is corrected, routes
    /// that a killed agent left are not found again once their router is gone or has another kernel.metric, kernel.table
    /// or kernel.protocol, no start is a restart for the neighbours, and of two objects with one neighbour another one may
    /// have it after a restart
    #[arg(long, value_name = "DIR", env = "STATE_DIRECTORY")]
    pub state_dir: Option<PathBuf>,
    /// Serve /metrics here, as IP:PORT or :PORT for all addresses [default: not served]
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub metrics_addr: Option<SocketAddr>,
    /// Serve /livez and /readyz here, as IP:PORT or :PORT for all addresses [default: not served]
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    pub health_addr: Option<SocketAddr>,
    /// How much to log: error, warn, info, debug, trace, or directives like info,cosmos::kernel=debug
    /// [default: info, or RUST_LOG]
    #[arg(long, value_name = "LEVEL", env = "COSMOS_LOG")]
    pub log_level: Option<String>,
    /// How a log line is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Leave the routes in the kernel when the agent stops; they stay anyway while a session has graceful restart
    #[arg(long)]
    pub keep_routes_on_stop: bool,
    /// How long /readyz waits for peers that do not come up and for routes that the kernel refuses
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    pub convergence_timeout: Duration,
}

impl RunArgs {
    /// The node name: what was given, else the host name of the machine.
    pub fn node_name(&self) -> std::io::Result<String> {
        match &self.node {
            Some(name) if !name.is_empty() => Ok(name.clone()),
            _ => {
                let name = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
                Ok(name.trim().to_owned())
            }
        }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Which agent to ask.
#[derive(Debug, Clone, Args)]
pub struct SocketArgs {
    /// Unix socket of the agent to ask
    #[arg(long, value_name = "PATH", env = SOCKET_VARIABLE, default_value = DEFAULT_SOCKET, value_parser = socket_parser(), global = true)]
    pub socket: PathBuf,
}

/// How `show` and `explain` print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// Tables and text for people, at most 100 columns wide on a terminal.
    #[default]
    Table,
    /// JSON; routes and kernel entries as one object a line.
    Json,
}

/// How `get` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum GetFormat {
    /// A table with the state that matters.
    #[default]
    Table,
    /// A table that also says why.
    Wide,
    /// The objects with their status, as YAML.
    Yaml,
    /// The objects with their status, as JSON.
    Json,
}

/// `cosmos get`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:\n  \
    cosmos get peers\n  \
    cosmos get peer tor-1 -o yaml\n  \
    cosmos get advertisements -o wide\n  \
    cosmos get routers -o json | jq '.items[].status.conditions'")]
pub struct GetArgs {
    /// Kind of object
    #[arg(value_enum, value_name = "KIND")]
    pub kind: ObjectKind,
    /// Only the object of this name, as NAME or NAMESPACE/NAME
    pub name: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub output: GetFormat,
    /// Which agent to ask.
    #[command(flatten)]
    pub socket: SocketArgs,
}

/// `cosmos show`.
#[derive(Debug, Clone, Subcommand)]
pub enum ShowCommand {
    /// All sessions, one line each
    ///
    /// Prefixes are counted in the tables when you ask. The counts of messages in `show peer`, and those of statuses, are up to half a
    /// second old.
    #[command(after_long_help = "Examples:\n  \
        cosmos show peers\n  \
        cosmos show peers --router underlay -o json")]
    Peers(ShowPeersArgs),
    /// Everything about one session
    #[command(after_long_help = "Examples:\n  \
        cosmos show peer tor-1\n  \
        cosmos show peer 2001:db8::1 -o json")]
    Peer(ShowPeerArgs),
    /// BFD sessions, one line each
    #[command(after_long_help = "Examples:\n  \
        cosmos show bfd\n  \
        cosmos show bfd --router underlay -o json")]
    Bfd(ShowPeersArgs),
    /// Routes: the whole table, one prefix, or what one peer sent or was told
    #[command(after_long_help = "Examples:\n  \
        cosmos show routes                             all paths of all routers\n  \
        cosmos show routes 2001:db8:2::/64             the paths of one prefix\n  \
        cosmos show routes 10.1.2.3                    the prefix that covers an address\n  \
        cosmos show routes 10.0.0.0/8 --longer         it and everything inside it\n  \
        cosmos show routes --peer tor-1 --in           what tor-1 sent, before policy\n  \
        cosmos show routes --peer tor-1 --out          what tor-1 was told\n  \
        cosmos show routes --family vpnv6              VPN routes of all route distinguishers\n  \
        cosmos show routes --rd 65000:100              everything with this route distinguisher\n  \
        cosmos show routes 10.0.0.0/8 --family vpnv4   this prefix in every VPN\n  \
        cosmos show routes 65000:100:10.0.0.0/8        this prefix in one VPN\n  \
        cosmos show routes 10.1.2.3 --family vpnv4     what covers an address in each VPN\n  \
        cosmos show routes 00:11:22:33:44:55           EVPN routes to one MAC address\n  \
        cosmos show routes '[5]:[0]:[24]:[10.1.2.0]'   one as FRR prints it, of every route distinguisher\n  \
        cosmos show routes --family evpn --type 2      EVPN routes to MAC addresses\n  \
        cosmos show routes --family rtc                who asks for which route target\n\n\
        A prefix alone means unicast routes; with --family, --rd or --type it means what has that\n\
        prefix there. A route is written as it is printed: RD:PREFIX for a VPN. Where that could be\n\
        an IPv6 prefix too (1:2:3:4:5:6:7::/128 is), give the route distinguisher with --rd.\n\n\
        Up to 10,000 rows are sorted, and any number of them where a ROUTE is given, as with --longer.\n\
        Any other table that is larger streams in the order in which it is stored,\n\
        grouped by router and address family, and the last line says so.")]
    Routes(ShowRoutesArgs),
    /// What the agent wants in the kernel and what is there
    #[command(after_long_help = "Examples:\n  \
        cosmos show fib\n  \
        cosmos show fib 2001:db8:2::/64 -o json")]
    Fib(ShowFibArgs),
    /// The agent at a glance
    Summary(ShowSummaryArgs),
}

/// `cosmos show peers` and `cosmos show bfd`.
#[derive(Debug, Clone, Args)]
pub struct ShowPeersArgs {
    /// Only sessions of this router
    #[arg(long, value_name = "ROUTER")]
    pub router: Option<String>,
    /// Output and agent.
    #[command(flatten)]
    pub common: ShowArgs,
}

/// `cosmos show peer`.
#[derive(Debug, Clone, Args)]
pub struct ShowPeerArgs {
    /// Name or address of the peer
    pub name: String,
    /// Only the session of this router
    #[arg(long, value_name = "ROUTER")]
    pub router: Option<String>,
    /// Output and agent.
    #[command(flatten)]
    pub common: ShowArgs,
}

/// `cosmos show fib`.
#[derive(Debug, Clone, Args)]
pub struct ShowFibArgs {
    /// A prefix, or an address to find the entries that cover it
    #[arg(value_name = "PREFIX", value_parser = parse_prefix)]
    pub prefix: Option<PrefixQuery>,
    /// Only entries of this router
    #[arg(long, value_name = "ROUTER")]
    pub router: Option<String>,
    /// Output and agent.
    #[command(flatten)]
    pub common: ShowArgs,
}

/// `cosmos show summary`.
#[derive(Debug, Clone, Args)]
pub struct ShowSummaryArgs {
    /// Output and agent.
    #[command(flatten)]
    pub common: ShowArgs,
}

/// What all `show` commands take.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub output: ShowFormat,
    /// Which agent to ask.
    #[command(flatten)]
    pub socket: SocketArgs,
}

/// `cosmos check`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Each problem is one line:\n  \
    FILE: KIND/NAME: field.path: what is wrong and what would be right\n\
    A field that there is not is a problem here, as it is a slip of the pen; `cosmos run` leaves it out,\n\
    warns and goes on. What is meant and carried out, though in part or otherwise than it seems, is a\n\
    warning, and leaves the exit status as it is:\n  \
    FILE: KIND/NAME: warning: field.path: what has no effect or another one\n\n\
    Exit status: 0 nothing found, or warnings only; 1 problems; 2 could not check (no such folder,\n\
    no object in it, nothing in it for the node of --node, or no agent that answers).\n\n\
    Examples:\n  \
    cosmos check ./manifests\n  \
    cosmos check ./manifests --node node-1\n  \
    cosmos check ./new-manifests --against-running")]
pub struct CheckArgs {
    /// Folder of manifests
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Check as this node would; without it, all nodes that the manifests name
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// If nothing is wrong, say what the agent that runs here would change, and which sessions that would reset
    #[arg(long, conflicts_with = "node")]
    pub against_running: bool,
    /// Which agent to ask, with --against-running.
    #[command(flatten)]
    pub socket: SocketArgs,
}

/// `cosmos completions`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:\n  \
    cosmos completions bash > /etc/bash_completion.d/cosmos\n  \
    source <(cosmos completions zsh)")]
pub struct CompletionsArgs {
    /// Shell
    pub shell: clap_complete::Shell,
}

/// The command line of this process. Ends it where that is help, or not to be understood.
pub fn parse() -> Cli {
    let words: Vec<OsString> = std::env::args_os().collect();
    Cli::try_parse_from(&words).unwrap_or_else(|error| with_usage(error, &words).exit())
}

/// The error with the usage of the command that was meant. Clap's own takes what comes from the environment for something that one
/// has to write.
fn with_usage(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    if error.get(ContextKind::Usage).is_none() {
        return error;
    }
    let mut meant = Cli::command();
    meant.build();
    for word in words.iter().skip(1) {
        let inner = word.to_str().and_then(|word| meant.find_subcommand(word));
        let Some(inner) = inner.cloned() else { break };
        meant = inner;
    }
    error.insert(
        ContextKind::Usage,
        ContextValue::StyledStr(meant.render_usage()),
    );
    error
}

/// The command line as shells complete it: files where a path is meant, and nowhere else.
pub fn completed() -> clap::Command {
    without_files(Cli::command())
}

fn without_files(command: clap::Command) -> clap::Command {
    let nothing = |arg: clap::Arg| {
        let unknown = arg.get_value_hint() == ValueHint::Unknown;
        match unknown && arg.get_action().takes_values() {
            true => arg.value_hint(ValueHint::Other),
            false => arg,
        }
    };
    command.mut_args(nothing).mut_subcommands(without_files)
}

/// The path of a socket, whoever named it.
fn socket_parser() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|path| match path.is_empty() {
        true => Err(format!(
            "a path is missing (without --socket, the environment variable {SOCKET_VARIABLE} counts)"
        )),
        false => Ok(PathBuf::from(path)),
    })
}

/// `IP:PORT`, `[IP]:PORT`, or `:PORT` for every address of both families.
fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let parsed = match text.strip_prefix(':') {
        Some(port) => port
            .parse()
            .ok()
            .map(|port| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))),
        None => text.parse().ok(),
    };
    parsed.ok_or_else(|| "expected IP:PORT, [IPv6]:PORT or :PORT".to_owned())
}

/// A time such as `60s`, `2m` or `1m30s`; a bare number means seconds.
fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "expected a time such as 60s, 2m or 1m30s".to_owned())
}

/// A prefix as written, host bits cleared, or an address that stands for the prefix covering it.
fn parse_prefix(text: &str) -> Result<PrefixQuery, String> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Ok(PrefixQuery::Exact(net.trunc()));
    }
    text.parse()
        .map(PrefixQuery::Covering)
        .map_err(|_| "expected a prefix such as 2001:db8::/32 or an address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn files_are_completed_for_paths_alone() {
        let hint = |words: &[&str], name: &str| {
            let mut command = &completed();
            for word in words {
                command = command.find_subcommand(word).unwrap();
            }
            let mut args = command.get_arguments();
            args.find(|arg| arg.get_id() == name)
                .unwrap()
                .get_value_hint()
        };
        for (words, name) in [
            (&["show", "routes"][..], "peer"),
            (&["show", "routes"], "router"),
            (&["show", "routes"], "route"),
            (&["show", "peer"], "name"),
            (&["get"], "name"),
            (&["run"], "node"),
        ] {
            assert_eq!(hint(words, name), ValueHint::Other, "{words:?} {name}");
        }
        for (words, name) in [
            (&["run"][..], "manifests"),
            (&["show", "routes"], "socket"),
            (&["decode"], "pcap"),
            (&["check"], "dir"),
        ] {
            assert_eq!(hint(words, name), ValueHint::AnyPath, "{words:?} {name}");
        }
    }

    #[test]
    fn families_are_offered_and_others_are_taken_too() {
        let mut script = Vec::new();
        clap_complete::generate(
            clap_complete::Shell::Bash,
            &mut completed(),
            "cosmos",
            &mut script,
        );
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains("compgen -W \"ipv4 ipv6 vpnv4 vpnv6 evpn rtc\""));
        for family in ["ipv6", "IPv4-Unicast", "l2vpn/evpn", "nonsense"] {
            let words = ["cosmos", "show", "routes", "--family", family];
            match Cli::try_parse_from(words).unwrap().command {
                // What there is, the agent knows.
                Command::Show(ShowCommand::Routes(args)) => {
                    assert_eq!(args.family.as_deref(), Some(family));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn listen_addresses() {
        for (text, wanted) in [
            (":8082", Some("[::]:8082")),
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("[::1]:8083", Some("[::1]:8083")),
            ("8082", None),
            (":", None),
            (":70000", None),
            ("localhost:80", None),
        ] {
            let parsed = parse_listen(text).ok().map(|address| address.to_string());
            assert_eq!(parsed.as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn durations() {
        for (text, wanted) in [
            ("60s", Some(60)),
            ("2m", Some(120)),
            ("1m30s", Some(90)),
            ("45", Some(45)),
            ("0s", Some(0)),
            ("-5s", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(
                parse_duration(text).ok().map(|time| time.as_secs()),
                wanted,
                "{text}"
            );
        }
    }

    #[test]
    fn prefixes_lose_host_bits_and_addresses_stand_for_their_cover() {
        let exact = |text: &str| PrefixQuery::Exact(text.parse().unwrap());
        assert_eq!(parse_prefix("10.1.2.3/8"), Ok(exact("10.0.0.0/8")));
        assert_eq!(parse_prefix("2001:db8::1/32"), Ok(exact("2001:db8::/32")));
        assert_eq!(
            parse_prefix("10.1.2.3"),
            Ok(PrefixQuery::Covering("10.1.2.3".parse().unwrap()))
        );
        assert!(parse_prefix("tor-1").is_err());
    }

    #[test]
    fn in_and_out_need_a_peer_and_exclude_each_other() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("cosmos show routes --in").is_err());
        assert!(parse("cosmos show routes --peer a --in --out").is_err());
        assert!(parse("cosmos show routes --peer a --best --in").is_err());
        assert!(parse("cosmos show routes --peer a --out").is_ok());
        assert!(parse("cosmos show routes --longer").is_err());
    }

    #[test]
    fn node_name_defaults_to_the_host_name() {
        let Command::Run(mut args) =
            Cli::parse_from(["cosmos", "run", "--manifests", ".", "--node", "n1"]).command
        else {
            panic!("not run")
        };
        assert_eq!(args.node_name().unwrap(), "n1");
        args.node = None;
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(args.node_name().unwrap(), host.trim());
    }

    #[test]
    fn help_fits_100_columns() {
        let mut pending = vec![Cli::command()];
        while let Some(mut command) = pending.pop() {
            for line in command.render_long_help().to_string().lines() {
                assert!(
                    line.chars().count() <= 100,
                    "{}: {line}",
                    command.get_name()
                );
            }
            pending.extend(command.get_subcommands().cloned());
        }
    }
}
