//! Network namespaces that clean up after themselves.
//!
//! A namespace is named `cosmos-PID-START-N-LABEL`: the process that made it and when that process began, a number, and
//! what it is for. So two test programs side by side do not meet, and a namespace whose maker is gone can be
//! told from one in use, even when the process id has been given out again.
//!
//! Three things remove a namespace with the processes in it: the guard's `Drop` (also while a panic
//! unwinds), a watcher process that waits for the end of the test process (so that a killed test leaves nothing), and the
//! first use of this module in a later test process, which reaps what a lost watcher left.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::LinkNameSpaceType;

const DIRECTORY: &str = "/run/netns";
const PREFIX: &str = "cosmos-";
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// One network namespace; dropping it ends what runs in it and removes it.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a namespace with the loopback up, duplicate address detection off and forwarding on.
    ///
    /// # Errors
    /// When the right to make one is missing; the message says what would give it.
    pub fn new(label: &str) -> Result<Self> {
        watch_over_this_process()?;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}{n}-{label}", own_prefix()?);
        run("ip", &["netns", "add", &name]).with_context(|| {
            format!(
                "cannot make the network namespace {name}: this test needs root \
                 (or `unshare -Urnm` with a tmpfs on /run) and the package iproute2"
            )
        })?;
        let namespace = Self { name };
        namespace.ip("link set lo up")?;
        // Addresses are usable at once; a disabled sysctl of the host must not leak in.
        namespace.shell(
            "for c in all default; do \
               echo 0 > /proc/sys/net/ipv6/conf/$c/accept_dad; \
               echo 0 > /proc/sys/net/ipv6/conf/$c/disable_ipv6; \
               echo 1 > /proc/sys/net/ipv6/conf/$c/forwarding; \
               echo 1 > /proc/sys/net/ipv4/conf/$c/forwarding; \
             done",
        )?;
        Ok(namespace)
    }

    /// The name, as `ip netns list` shows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run inside. It dies with the test process, unless it changes its user.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args([
            "netns",
            "exec",
            &self.name,
            "setpriv",
            "--pdeathsig",
            "KILL",
            "--",
            program,
        ]);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a program inside and gives its standard output.
    ///
    /// # Errors
    /// When it cannot be run, fails, or takes longer than ten seconds.
    pub fn run(&self, program: &str, args: &[&str]) -> Result<String> {
        output(self.command(program).args(args))
    }

    /// Runs `sh -c TEXT` inside.
    ///
    /// # Errors
    /// As [`Namespace::run`].
    pub fn shell(&self, text: &str) -> Result<String> {
        self.run("sh", &["-c", text])
    }

    /// Runs `ip -n NAME WORDS`, the words separated by blanks.
    ///
    /// # Errors
    /// As [`Namespace::run`].
    pub fn ip(&self, words: &str) -> Result<String> {
        let mut args = vec!["-n", &self.name];
        args.extend(words.split_whitespace());
        run("ip", &args)
    }

    /// Joins this namespace and another by a veth pair, both ends up.
    ///
    /// # Errors
    /// As [`Namespace::run`].
    pub fn veth(&self, device: &str, other: &Self, other_device: &str) -> Result<()> {
        self.ip(&format!(
            "link add {device} type veth peer name {other_device} netns {}",
            other.name
        ))?;
        self.ip(&format!("link set {device} up"))?;
        other.ip(&format!("link set {other_device} up"))?;
        Ok(())
    }

    /// Gives a device an address, usable at once.
    ///
    /// # Errors
    /// As [`Namespace::run`].
    pub fn address(&self, device: &str, address: IpAddr, length: u8) -> Result<()> {
        let nodad = if address.is_ipv6() { " nodad" } else { "" };
        self.ip(&format!(
            "address add {address}/{length} dev {device}{nodad}"
        ))?;
        Ok(())
    }

    /// Runs a function in a thread of its own that has entered the namespace. A socket made in it stays in the namespace.
    ///
    /// # Errors
    /// When the namespace cannot be entered, and what `f` fails with.
    pub fn enter<T: Send>(&self, f: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let file = fs::File::open(format!("{DIRECTORY}/{}", self.name))?;
        thread::scope(|scope| {
            scope
                .spawn(|| {
                    rustix::thread::move_into_link_name_space(
                        std::os::fd::AsFd::as_fd(&file),
                        Some(LinkNameSpaceType::Network),
                    )
                    .with_context(|| format!("cannot enter {}", self.name))?;
                    f()
                })
                .join()
                .map_err(|_| anyhow!("the thread in {} panicked", self.name))?
        })
    }

    /// Status and body of a GET inside.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn http_get(&self, server: &str, path: &str) -> Result<(u16, String)> {
        let mut answer = String::new();
        self.enter(|| {
            let mut stream = TcpStream::connect(server)?;
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
            )?;
            stream.read_to_string(&mut answer)?;
            Ok(())
        })?;
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0);
        let body = answer.split_once("\r\n\r\n");
        Ok((
            status,
            body.map(|(_, body)| body.to_owned()).unwrap_or_default(),
        ))
    }

    /// The processes inside.
    ///
    /// # Errors
    /// As [`Namespace::run`].
    pub fn processes(&self) -> Result<Vec<i32>> {
        processes_in(&self.name)
    }

    /// Sends a signal to every process inside.
    ///
    /// # Errors
    /// When the processes cannot be listed.
    pub fn signal_all(&self, signal: Signal) -> Result<()> {
        for pid in self.processes()? {
            send(pid, signal);
        }
        Ok(())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::env::var_os("KEEP").is_none() {
            remove(&self.name);
        }
    }
}

/// Runs a program to its end and gives its standard output.
///
/// # Errors
/// When it cannot be run, fails, or takes longer than ten seconds.
pub fn run(program: &str, args: &[&str]) -> Result<String> {
    output(Command::new(program).args(args).stdin(Stdio::null()))
}

/// Runs a prepared command to its end, ten seconds at most, and gives its standard output.
///
/// # Errors
/// When it cannot be run, fails, or takes too long; the message has its standard error.
pub fn output(command: &mut Command) -> Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = finish(command)?;
    let text = String::from_utf8_lossy(&stdout).into_owned();
    if !status.success() {
        let heard = String::from_utf8_lossy(&stderr);
        let said = if heard.trim().is_empty() {
            text.trim()
        } else {
            heard.trim()
        };
        bail!("{command:?}: {status}: {said}");
    }
    Ok(text)
}

/// Runs a prepared command to its end, ten seconds at most, whatever its status.
///
/// # Errors
/// When it cannot be run or takes too long.
pub fn finish(command: &mut Command) -> Result<Output> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {command:?}"))?;
    // Both pipes are read while the child runs, so that a long answer cannot block it.
    let out = child.stdout.take().map(collect);
    let err = child.stderr.take().map(collect);
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > ANSWER_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{command:?} gave no answer in {} s", ANSWER_LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(2));
    };
    let gather = |reader: Option<thread::JoinHandle<Vec<u8>>>| {
        reader.and_then(|r| r.join().ok()).unwrap_or_default()
    };
    Ok(Output {
        status,
        stdout: gather(out),
        stderr: gather(err),
    })
}

fn collect(mut source: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = source.read_to_end(&mut bytes);
        bytes
    })
}

/// Sends a signal; a process that has gone meanwhile is not an error.
pub fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// When a process began, in clock ticks since boot: field 22 of `/proc/PID/stat`.
fn began(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses and may hold blanks.
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

fn own_prefix() -> Result<String> {
    let pid = std::process::id();
    let began =
        began(pid).ok_or_else(|| anyhow!("cannot read /proc/{pid}/stat: is /proc there?"))?;
    Ok(format!("{PREFIX}{pid}-{began}-"))
}

fn processes_in(name: &str) -> Result<Vec<i32>> {
    Ok(run("ip", &["netns", "pids", name])?
        .lines()
        .filter_map(|l| l.trim().parse().ok())
        .collect())
}

/// Ends the processes of a namespace and removes it. Silent: it also runs while a panic unwinds.
fn remove(name: &str) {
    for _ in 0..50 {
        let Ok(pids) = processes_in(name) else { break };
        if pids.is_empty() {
            break;
        }
        for pid in pids {
            send(pid, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = run("ip", &["netns", "delete", name]);
}

/// Namespaces whose maker is gone.
fn orphans(names: impl Iterator<Item = String>) -> BTreeSet<String> {
    names
        .filter(|name| {
            let mut parts = name.strip_prefix(PREFIX).unwrap_or_default().splitn(3, '-');
            let (Some(Ok(pid)), Some(Ok(start))) = (
                parts.next().map(str::parse::<u32>),
                parts.next().map(str::parse::<u64>),
            ) else {
                return false;
            };
            began(pid) != Some(start)
        })
        .collect()
}

/// Reaps the leftovers of dead test processes and starts this process's watcher, once.
fn watch_over_this_process() -> Result<()> {
    static WATCHER: OnceLock<Result<(Child, ChildStdin), String>> = OnceLock::new();
    let watcher = WATCHER.get_or_init(|| {
        if let Ok(entries) = fs::read_dir(DIRECTORY) {
            let names = entries
                .flatten()
                .filter_map(|e| e.file_name().into_string().ok());
            orphans(names).iter().for_each(|name| remove(name));
        }
        start_watcher().map_err(|error| format!("{error:#}"))
    });
    match watcher {
        Ok(_) => Ok(()),
        Err(text) => bail!("{text}"),
    }
}

/// The watcher holds the read end of a pipe whose only write end is here: end of file means that this process is gone.
fn start_watcher() -> Result<(Child, ChildStdin)> {
    let keep = if std::env::var_os("KEEP").is_some() {
        "exit 0"
    } else {
        ""
    };
    let script = format!(
        "cat > /dev/null; {keep}
         for path in {DIRECTORY}/{}*; do
           [ -e \"$path\" ] || continue
           name=${{path##*/}}
           for pid in $(ip netns pids \"$name\"); do kill -9 \"$pid\"; done
           ip netns delete \"$name\"
         done",
        own_prefix()?
    );
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Its own group: an interrupt from the terminal ends the tests, not their watcher.
        .process_group(0)
        .spawn()
        .context("cannot start the watcher process (sh)")?;
    let pipe = child
        .stdin
        .take()
        .ok_or_else(|| anyhow!("the watcher has no pipe"))?;
    Ok((child, pipe))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_namespaces_of_dead_processes_are_orphans() {
        let own = format!("{}0-tor", own_prefix().expect("/proc"));
        let reused = format!("{PREFIX}{}-1-0-tor", std::process::id());
        let dead = format!("{PREFIX}4194305-77-0-tor");
        let foreign = "somebody-else".to_owned();
        let found = orphans([own, reused.clone(), dead.clone(), foreign].into_iter());
        assert_eq!(found, BTreeSet::from([reused, dead]));
    }
}
