//! The neighbours that this agent serves, for the next process: which of two objects that ask for one of them has it is not to change with a
//! restart.
//!
//! On disk, a line for each session, or for the dynamic neighbours of an object: who wants them, on which router, and which they are.
//!
//! ```text
//!   default/tor default/router 2001:db8::1/128
//!   default/spine default/router %eth0
//! ```

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use crate::desired::{Accepted, Neighbor, PeerKey, RouterKey};
use crate::state_file::Kept;

const FILE: &str = "neighbours";

/// See the top of this file. Without a folder it remembers nothing.
pub(super) struct AcceptedFile {
    file: Kept,
    known: Accepted,
}

impl AcceptedFile {
    /// With what the process before this one has left in a folder.
    pub(super) fn read(folder: Option<&Path>) -> Self {
        let file = Kept::new(folder, FILE, "which neighbours are served");
        let text = file.read().unwrap_or_default();
        let known = text.lines().filter_map(parse).collect();
        Self { file, known }
    }

    /// What was found, or kept last.
    pub(super) fn known(&self) -> &Accepted {
        &self.known
    }

    /// These are served now.
    pub(super) fn keep(&mut self, accepted: Accepted) {
        if !self.file.lasts() || self.known == accepted {
            return;
        }
        let mut text = String::new();
        for (key, neighbours) in &accepted {
            let _ = write!(text, "{} {}", key.peer, key.router.0);
            for neighbour in neighbours {
                let _ = write!(text, " {neighbour}");
            }
            text.push('\n');
        }
        self.file.keep(text.into_bytes(), Instant::now());
        self.known = accepted;
    }

    /// Writes what could not be written, if it is time.
    pub(super) fn retry(&mut self, now: Instant) {
        self.file.retry(now);
    }
}

/// `None` for a line that is not to be understood.
fn parse(line: &str) -> Option<(PeerKey, Vec<Neighbor>)> {
    let mut words = line.split_whitespace();
    let key = PeerKey {
        peer: words.next()?.into(),
        router: RouterKey(words.next()?.into()),
    };
    let neighbours = words.map(|word| word.parse().ok());
    Some((key, neighbours.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_next_process_knows_which_neighbours_were_whose() {
        let folder = std::env::temp_dir().join(format!("cosmos-neighbours-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let key = |peer: &str| PeerKey {
            peer: format!("default/{peer}").into(),
            router: RouterKey::new("default", "router"),
        };
        let accepted = Accepted::from([
            (key("tor"), vec!["2001:db8::1/128".parse().unwrap()]),
            (key("spine"), vec![Neighbor::Interface("eth0".into())]),
            (
                key("pods"),
                vec![
                    "10.0.0.0/8".parse().unwrap(),
                    "2001:db8:1::/64".parse().unwrap(),
                ],
            ),
        ]);
        let mut file = AcceptedFile::read(Some(&folder));
        assert_eq!(*file.known(), Accepted::new());
        file.keep(accepted.clone());
        assert_eq!(*AcceptedFile::read(Some(&folder)).known(), accepted);
        let written = fs::read_to_string(folder.join(FILE)).unwrap();
        assert!(
            written.contains("default/spine default/router %eth0\n"),
            "{written}"
        );

        // A line that makes no sense takes no other with it.
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("what\ndefault/x default/y z\n{text}")).unwrap();
        assert_eq!(*AcceptedFile::read(Some(&folder)).known(), accepted);

        file.keep(Accepted::new());
        assert_eq!(*AcceptedFile::read(Some(&folder)).known(), Accepted::new());
        fs::remove_dir_all(folder).unwrap();
        let mut nowhere = AcceptedFile::read(None);
        nowhere.keep(accepted);
        assert_eq!(*nowhere.known(), Accepted::new());
    }
}
