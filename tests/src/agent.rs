//! The agent as its users run it: `cosmos run` on a folder of manifests, asked through `cosmos show` and `cosmos get`.
//!
//! The binary is the one that the environment variable `COSMOS` names; without it, `cargo build` brings the one of the
//! profile that the test itself was built with up to date.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::Namespace;
use crate::lab::Lab;
use crate::netns::finish;
use crate::process::Daemon;
use crate::wait::{Look, secs, until};

/// The name of the node that tests run the agent as.
pub const NODE: &str = "node-1";

/// How long the agent may take until its routers are there.
const START_LIMIT: Duration = secs(10);

/// The path of the binary under test.
///
/// # Errors
/// When it cannot be built.
pub fn binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BINARY
        .get_or_init(|| locate().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|text| anyhow!("{text}"))
}

fn locate() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("COSMOS") {
        let path = PathBuf::from(path);
        return fs::canonicalize(&path)
            .with_context(|| format!("COSMOS names {}, which is not there", path.display()));
    }
    // target/PROFILE/deps/TEST-HASH
    let test = std::env::current_exe()?;
    let profile = test
        .ancestors()
        .nth(2)
        .context("the test lies outside a target directory")?;
    let target = profile
        .parent()
        .context("the test lies outside a target directory")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "cosmos",
        "--bin",
        "cosmos",
        "--target-dir",
    ]);
    cargo
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    if profile.file_name().is_some_and(|name| name == "release") {
        cargo.arg("--release");
    }
    let built = cargo
        .output()
        .context("cannot run cargo to build the agent")?;
    if !built.status.success() {
        bail!(
            "the agent does not build:\n{}",
            String::from_utf8_lossy(&built.stderr)
        );
    }
    Ok(profile.join("cosmos"))
}

/// A running agent. Dropping it kills it; [`Agent::stop`] ends it in peace.
#[derive(Debug)]
pub struct Agent {
    daemon: Daemon,
    manifests: PathBuf,
    socket: PathBuf,
    health: String,
}

impl Agent {
    /// Starts the agent in a namespace on a folder with the given documents, a router among them, and waits until it has
    /// taken them up: it answers before that, and refuses its peers.
    ///
    /// # Errors
    /// When it ends or is not ready in time; the message has its log.
    pub fn start(
        lab: &Lab,
        namespace: &Namespace,
        documents: &[(impl AsRef<str>, String)],
    ) -> Result<Self> {
        Self::start_with(lab, namespace, documents, &[])
    }

    /// As [`Agent::start`], with more arguments of `cosmos run`.
    ///
    /// # Errors
    /// As [`Agent::start`].
    pub fn start_with(
        lab: &Lab,
        namespace: &Namespace,
        documents: &[(impl AsRef<str>, String)],
        more: &[&str],
    ) -> Result<Self> {
        let manifests = lab.subdirectory("manifests")?;
        for (name, text) in documents {
            fs::write(manifests.join(format!("{}.yaml", name.as_ref())), text)?;
        }
        Self::start_on(lab, namespace, &manifests, more)
    }

    /// Starts the agent on a folder that is there already.
    ///
    /// # Errors
    /// As [`Agent::start`].
    pub fn start_on(
        lab: &Lab,
        namespace: &Namespace,
        manifests: &Path,
        more: &[&str],
    ) -> Result<Self> {
        let socket = lab.directory().join("cosmos.sock");
        let health = "127.0.0.1:8083".to_owned();
        let mut command = run_command(namespace, manifests, &socket, lab, more)?;
        let daemon = Daemon::start("cosmos", &mut command, &lab.directory().join("cosmos.log"))?;
        let mut agent = Self {
            daemon,
            manifests: manifests.to_owned(),
            socket,
            health,
        };
        until("the agent tells of its routers", START_LIMIT, || {
            if let Err(error) = agent.daemon.check_alive() {
                // No need to wait longer; the error is told below.
                return Ok(Look::Done(Err(error)));
            }
            let summary = agent.json(&["show", "summary"])?;
            let applied = summary["routers"].as_array().is_some_and(|r| !r.is_empty());
            Ok(if applied {
                Look::Done(Ok(()))
            } else {
                Look::NotYet(summary.to_string())
            })
        })
        .with_context(|| agent.daemon.said())??;
        Ok(agent)
    }

    /// The agent's process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.daemon.pid()
    }

    /// The daemon itself.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.daemon
    }

    /// What the agent has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.daemon.said()
    }

    /// Where it serves `/livez` and `/readyz`, inside its namespace.
    #[must_use]
    pub fn health(&self) -> &str {
        &self.health
    }

    /// Writes or replaces a manifest, at once for a reader: as a new file that takes the old one's name.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn apply(&self, name: &str, text: &str) -> Result<()> {
        let draft = self.manifests.join(format!(".{name}.draft"));
        fs::write(&draft, text)?;
        fs::rename(draft, self.manifests.join(format!("{name}.yaml")))?;
        Ok(())
    }

    /// Removes a manifest.
    ///
    /// # Errors
    /// When there is none of the name.
    pub fn delete(&self, name: &str) -> Result<()> {
        fs::remove_file(self.manifests.join(format!("{name}.yaml")))
            .with_context(|| format!("no manifest {name}"))
    }

    /// Runs `cosmos WORDS --socket S` and gives its standard output.
    ///
    /// # Errors
    /// When it exits with another status than 0; the message has what it said.
    pub fn ask(&self, words: &[&str]) -> Result<String> {
        let Output {
            status,
            stdout,
            stderr,
        } = self.ask_raw(words)?;
        if !status.success() {
            bail!(
                "cosmos {}: {status}: {}",
                words.join(" "),
                String::from_utf8_lossy(&stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }

    /// Runs `cosmos WORDS --socket S`, whatever its status.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn ask_raw(&self, words: &[&str]) -> Result<Output> {
        finish(
            Command::new(binary()?)
                .args(words)
                .arg("--socket")
                .arg(&self.socket)
                .stdin(Stdio::null()),
        )
    }

    /// Runs `cosmos WORDS -o json` and reads the answer: one document, or one a line as an array.
    ///
    /// # Errors
    /// When it fails or says no JSON.
    pub fn json(&self, words: &[&str]) -> Result<Value> {
        let mut all = words.to_vec();
        all.extend(["-o", "json"]);
        let text = self.ask(&all)?;
        if let Ok(value) = serde_json::from_str(&text) {
            return Ok(value);
        }
        let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
        lines
            .map(Value::Array)
            .with_context(|| format!("cosmos {}: no JSON: {text}", all.join(" ")))
    }

    /// What `cosmos get KIND NAME -o json` tells of an object.
    ///
    /// # Errors
    /// When the agent does not answer or knows no such object.
    pub fn object(&self, kind: &str, name: &str) -> Result<Value> {
        let value = self.json(&["get", kind, name])?;
        // One object, or a list of one.
        let rows = value.as_array().or_else(|| value["items"].as_array());
        let object = match rows.map(Vec::as_slice) {
            Some([one]) => one.clone(),
            _ => value,
        };
        if object["metadata"]["name"] != name {
            bail!("`cosmos get {kind} {name}` gave {object}");
        }
        Ok(object)
    }

    /// The session state of a peer as its status says.
    ///
    /// # Errors
    /// When the agent does not answer or knows no such peer.
    pub fn session_state(&self, peer: &str) -> Result<String> {
        let object = self.object("peers", peer)?;
        Ok(object["status"]["sessionState"]
            .as_str()
            .unwrap_or("none")
            .to_owned())
    }

    /// Since when a peer's session is up, as its status says: another time is another session.
    ///
    /// # Errors
    /// When the agent does not answer, knows no such peer, or it was never up.
    pub fn established_since(&self, peer: &str) -> Result<String> {
        let object = self.object("peers", peer)?;
        let since = object["status"]["lastEstablishedTime"].as_str();
        Ok(since.context("no lastEstablishedTime")?.to_owned())
    }

    /// A condition of an object: status and reason.
    ///
    /// # Errors
    /// When the object has no such condition.
    pub fn condition(&self, kind: &str, name: &str, condition: &str) -> Result<(String, String)> {
        let object = self.object(kind, name)?;
        let conditions = object["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = conditions.iter().find(|c| c["type"] == condition);
        let found = found.ok_or_else(|| {
            anyhow!(
                "{kind}/{name} has no condition {condition}: {}",
                object["status"]
            )
        })?;
        let word = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        Ok((word("status"), word("reason")))
    }

    /// Waits until a peer's session is in a state.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn await_state(&self, peer: &str, state: &str, limit: Duration) -> Result<()> {
        until(
            &format!("the agent's session {peer} is {state}"),
            limit,
            || {
                let seen = self.session_state(peer)?;
                Ok(Look::when(seen == state, || seen))
            },
        )
    }

    /// Waits until an object's condition has a status and a reason (`""`: any).
    ///
    /// # Errors
    /// When it has not in time.
    pub fn await_condition(
        &self,
        (kind, name): (&str, &str),
        condition: &str,
        (status, reason): (&str, &str),
        limit: Duration,
    ) -> Result<()> {
        let what = format!("{kind}/{name} has {condition}={status} {reason}");
        until(&what, limit, || {
            let seen = self.condition(kind, name, condition)?;
            let holds = seen.0 == status && (reason.is_empty() || seen.1 == reason);
            Ok(Look::when(holds, || {
                format!("{condition}={} {}", seen.0, seen.1)
            }))
        })
    }

    /// Ends it in peace.
    ///
    /// # Errors
    /// When it does not end in time, or with another status than 0.
    pub fn stop(mut self) -> Result<()> {
        let status = self.daemon.stop(secs(10))?;
        if !status.success() {
            bail!("the agent ended with {status}:\n{}", self.daemon.said());
        }
        Ok(())
    }
}

/// The command `cosmos run` with the arguments all tests use.
///
/// # Errors
/// When the binary cannot be built.
pub fn run_command(
    namespace: &Namespace,
    manifests: &Path,
    socket: &Path,
    lab: &Lab,
    more: &[&str],
) -> Result<Command> {
    let binary = binary()?;
    // As from a terminal, also where the tests run under nohup: an ignored SIGHUP is inherited, and the agent honours that.
    let mut command = namespace.command("env");
    command.arg("--default-signal=HUP").arg(binary).arg("run");
    command
        .arg("--manifests")
        .arg(manifests)
        .args(["--node", NODE]);
    command.arg("--socket").arg(socket);
    command.arg("--state-dir").arg(lab.subdirectory("state")?);
    command.args([
        "--metrics-addr",
        "127.0.0.1:8082",
        "--health-addr",
        "127.0.0.1:8083",
    ]);
    if !more.contains(&"--log-level") {
        command.args(["--log-level", "debug"]);
    }
    command.args(more);
    Ok(command)
}

/// Runs `cosmos WORDS` without an agent.
///
/// # Errors
/// When the binary cannot be built or run.
pub fn cosmos(words: &[&str]) -> Result<Output> {
    finish(Command::new(binary()?).args(words).stdin(Stdio::null()))
}
