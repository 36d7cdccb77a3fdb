//! A daemon in the foreground inside a namespace, with its log in a file.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::netns::{Namespace, send};

/// A running daemon; dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a prepared command, its output appended to `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// Its process id. `ip netns exec` and `setpriv` become the program, so it is the daemon's own.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or(i32::MAX)
    }

    /// Fails, with the end of the log, when the daemon has ended by itself.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "{} ended by itself ({status}):\n{}",
                self.name,
                tail(&self.log, 20)
            );
        }
        Ok(())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Asks it to end with SIGTERM and waits; SIGKILL after the limit.
    ///
    /// # Errors
    /// When it had to be killed.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        match self.wait(limit)? {
            Some(status) => Ok(status),
            None => {
                self.kill();
                bail!(
                    "{} did not end within {:.0} s of SIGTERM",
                    self.name,
                    limit.as_secs_f64()
                )
            }
        }
    }

    /// Waits for its end, as long as `limit`.
    ///
    /// # Errors
    /// When waiting itself fails.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if start.elapsed() > limit {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it with SIGKILL, and what it has started.
    pub fn kill(&mut self) {
        let children = descendants(self.pid());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in children {
            send(pid, Signal::KILL);
        }
    }

    /// Where its output goes.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What it has said so far.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes below one process.
#[must_use]
pub fn descendants(pid: i32) -> Vec<i32> {
    let children =
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .flat_map(|child| std::iter::once(child).chain(descendants(child)))
        .collect()
}

/// The last lines of a file.
#[must_use]
pub fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path)
        .map(|b| String::from_utf8_lossy(&b).into_owned())
        .unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Fails with the name of the package when a program is not installed.
///
/// # Errors
/// When none of the paths exists.
pub fn require(program: &'static str, package: &str) -> Result<&'static str> {
    let found = if program.contains('/') {
        Path::new(program).exists()
    } else {
        std::env::split_paths(
            std::env::var_os("PATH")
                .as_deref()
                .unwrap_or_else(|| OsStr::new("/usr/bin")),
        )
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .any(|dir| dir.join(program).exists())
    };
    if !found {
        bail!(
            "{program} is not installed: `scripts/install-test-deps` installs the Debian package {package}"
        );
    }
    Ok(program)
}

/// Starts a program in a namespace; the first word is the program.
///
/// # Errors
/// When it cannot be started.
pub fn start_in(namespace: &Namespace, words: &[&str], log: &Path) -> Result<Daemon> {
    let (program, args) = words.split_first().context("no program given")?;
    Daemon::start(program, namespace.command(program).args(args), log)
}
