//! EDGE: one question over the control socket, its replies as they come.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::args::SOCKET_VARIABLE;
use crate::control::protocol::{End, ErrorCode, ErrorReply, Reply, Request};

/// Longest reply line; an object with its status is the longest.
const MAX_REPLY: u64 = 16 * 1024 * 1024;
/// How long the agent may say nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is nothing to show.
#[derive(Debug, Error)]
pub enum AskError {
    /// Nobody is there.
    #[error("no agent answers on {}: is `cosmos run` running? ({})", .0.display(), other_socket(.0))]
    NoAgent(PathBuf),
    /// Somebody is there, but not for us.
    #[error("not allowed to ask the agent on {}: its socket belongs to the user that runs it ({})", .0.display(), other_socket(.0))]
    Denied(PathBuf),
    /// Nobody can be there.
    #[error("the socket {} cannot be used: {source} ({})", .path.display(), other_socket(.path))]
    Unusable {
        /// The socket.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the agent on {} stopped answering: {source}", .path.display())]
    Broken {
        /// The socket.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It is not an agent, or one of another time.
    #[error("the agent on {} answered what is not understood: {source}", .path.display())]
    NotUnderstood {
        /// The socket.
        path: PathBuf,
        /// Where it went wrong.
        source: serde_json::Error,
    },
    /// The agent says no.
    #[error("{}", .0.message)]
    No(ErrorReply),
    /// What is to be shown cannot be written.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// How to ask another agent.
fn other_socket(path: &Path) -> &'static str {
    let named = std::env::var_os(SOCKET_VARIABLE);
    match named.is_some_and(|named| named == path.as_os_str()) {
        true => "the environment variable COSMOS_SOCKET names it; --socket names another",
        false => "--socket names another",
    }
}

impl AskError {
    /// Exit status: 1 for a no, 2 when the question could not be asked or the answer not shown.
    pub fn status(&self) -> u8 {
        match self {
            Self::No(ErrorReply {
                code: ErrorCode::NotFound,
                ..
            }) => 1,
            _ => 2,
        }
    }

    /// The question makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::No(ErrorReply {
            code: ErrorCode::BadRequest,
            message: message.into(),
        })
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::No(ErrorReply {
            code: ErrorCode::NotFound,
            message: message.into(),
        })
    }
}

/// The replies to one question, one at a time.
#[derive(Debug)]
pub struct Replies {
    path: PathBuf,
    read: BufReader<UnixStream>,
    line: Vec<u8>,
    end: Option<End>,
    /// Something went wrong, and nothing comes after it.
    failed: bool,
}

impl Replies {
    /// Asks the agent on a socket.
    pub fn ask(path: &Path, request: &Request) -> Result<Self, AskError> {
        let stream = UnixStream::connect(path).map_err(|source| match source.kind() {
            ErrorKind::PermissionDenied => AskError::Denied(path.to_owned()),
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
                AskError::NoAgent(path.to_owned())
            }
            _ => AskError::Unusable {
                path: path.to_owned(),
                source,
            },
        })?;
        let broken = |source| AskError::Broken {
            path: path.to_owned(),
            source,
        };
        stream.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(broken)?;
        let mut line = serde_json::to_vec(request).map_err(io::Error::from)?;
        line.push(b'\n');
        match (&stream).write_all(&line) {
            // An agent that is too busy answers so without reading; its words are in the socket.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.map_err(broken)?,
        }
        Ok(Self {
            path: path.to_owned(),
            read: BufReader::with_capacity(64 * 1024, stream),
            line,
            end: None,
            failed: false,
        })
    }

    /// What the last line said; there once all replies have been read.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn read(&mut self) -> Result<Option<Reply>, AskError> {
        if self.end.is_some() || self.failed {
            return Ok(None);
        }
        self.line.clear();
        let read = (&mut self.read)
            .take(MAX_REPLY)
            .read_until(b'\n', &mut self.line);
        let broken = |source| AskError::Broken {
            path: self.path.clone(),
            source,
        };
        let source = match read {
            Ok(_) if self.line.last() == Some(&b'\n') => None,
            Ok(_) => Some(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Some(io::Error::new(
                ErrorKind::TimedOut,
                format!("no word for {} s", PATIENCE.as_secs()),
            )),
            Err(error) => Some(error),
        };
        if let Some(source) = source {
            return Err(broken(source));
        }
        match serde_json::from_slice(&self.line) {
            Ok(Reply::End(end)) => {
                self.end = Some(end);
                Ok(None)
            }
            Ok(Reply::Error(error)) => Err(AskError::No(error)),
            Ok(reply) => Ok(Some(reply)),
            Err(source) => Err(AskError::NotUnderstood {
                path: self.path.clone(),
                source,
            }),
        }
    }
}

impl Iterator for Replies {
    type Item = Result<Reply, AskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reply = self.read();
        self.failed |= reply.is_err();
        reply.transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn nothing_comes_after_an_error() {
        let path = std::env::temp_dir().join(format!("cosmos-client-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let agent = std::thread::spawn(move || {
            let refusal = Reply::Error(ErrorReply {
                code: ErrorCode::NotFound,
                message: "no such peer".to_owned(),
            });
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = serde_json::to_vec(&refusal).unwrap();
            line.push(b'\n');
            stream.write_all(&line).unwrap();
            // All is read before the socket closes.
            let mut question = String::new();
            BufReader::new(stream).read_line(&mut question).unwrap();
        });
        let mut replies = Replies::ask(&path, &Request::Summary).unwrap();
        assert!(matches!(replies.next(), Some(Err(AskError::No(_)))));
        agent.join().unwrap();
        assert!(
            replies.next().is_none(),
            "the end of the connection is no second error"
        );
        assert!(replies.end().is_none());
        std::fs::remove_file(&path).unwrap();
    }
}
