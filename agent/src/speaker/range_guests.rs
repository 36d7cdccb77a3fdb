//! Who may connect from where, of neighbours that are not known one by one: by the longest prefix.

use std::net::IpAddr;

use ipnet::IpNet;
use tokio::sync::mpsc;

use super::dynamic::DynamicCommand;

/// A prefix from which neighbours may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) prefix: IpNet,
    /// Where they are to connect to; anywhere if it is not said.
    pub(super) local: Option<IpAddr>,
}

struct Guest {
    range: Range,
    /// The TCP-MD5 key, empty for none. The socket has one for each prefix.
    md5: Vec<u8>,
    commands: mpsc::Sender<DynamicCommand>,
}

/// See the top of this file.
#[derive(Default)]
pub(super) struct RangeGuests(Vec<Guest>); // the longest prefixes first

impl RangeGuests {
    /// Lets in these, and of the same task nobody else any more. Gives the prefixes whose key nobody has any more.
    pub(super) fn admit(
        &mut self,
        ranges: &[Range],
        md5: &[u8],
        commands: &mpsc::Sender<DynamicCommand>,
    ) -> Vec<IpNet> {
        let gone = self.take(commands);
        self.0.extend(ranges.iter().map(|range| Guest {
            range: *range,
            md5: md5.to_vec(),
            commands: commands.clone(),
        }));
        // Of those with one prefix, whoever is connected to at this very address comes first.
        self.0.sort_by_key(|guest| {
            let length = guest.range.prefix.prefix_len();
            (std::cmp::Reverse(length), guest.range.local.is_none())
        });
        self.without_key(gone)
    }

    /// Lets in nobody of this task. Gives the prefixes whose key nobody has any more.
    pub(super) fn dismiss(&mut self, commands: &mpsc::Sender<DynamicCommand>) -> Vec<IpNet> {
        let gone = self.take(commands);
        self.without_key(gone)
    }

    /// Who has the connection that came from `remote` to `local`. Of an address that a peer has (`taken`), only who is connected to at
    /// another one than that.
    pub(super) fn find(
        &self,
        remote: IpAddr,
        local: Option<IpAddr>,
        taken: bool,
    ) -> Option<&mpsc::Sender<DynamicCommand>> {
        let mut guests = self.0.iter();
        let guest = guests.find(|guest| {
            let Range {
                prefix,
                local: wanted,
            } = guest.range;
            let here = match wanted {
                Some(wanted) => local == Some(wanted),
                None => !taken,
            };
            here && prefix.contains(&remote)
        });
        guest.map(|guest| &guest.commands)
    }

    /// Removes those of a task, and gives the prefixes that had a key.
    fn take(&mut self, commands: &mpsc::Sender<DynamicCommand>) -> Vec<IpNet> {
        let mut gone = Vec::new();
        self.0.retain(|guest| {
            let stays = !guest.commands.same_channel(commands);
            if !stays && !guest.md5.is_empty() {
                gone.push(guest.range.prefix);
            }
            stays
        });
        gone
    }

    fn without_key(&self, mut prefixes: Vec<IpNet>) -> Vec<IpNet> {
        let has_key = |prefix: &IpNet| {
            let mut guests = self.0.iter();
            guests.any(|guest| guest.range.prefix == *prefix && !guest.md5.is_empty())
        };
        prefixes.retain(|prefix| !has_key(prefix));
        prefixes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(prefix: &str, local: Option<&str>) -> Range {
        Range {
            prefix: prefix.parse().unwrap(),
            local: local.map(|local| local.parse().unwrap()),
        }
    }

    #[test]
    fn the_longest_prefix_has_a_neighbour_and_of_equal_ones_the_address_it_connects_to() {
        let mut guests = RangeGuests::default();
        let tasks: Vec<_> = (0..4).map(|_| mpsc::channel(1).0).collect();
        guests.admit(&[range("192.0.0.0/16", None)], b"", &tasks[0]);
        let v6 = range("::/0", None);
        guests.admit(&[range("192.0.2.0/24", None), v6], b"", &tasks[1]);
        let here = range("192.0.2.0/24", Some("192.0.2.254"));
        guests.admit(&[here], b"", &tasks[2]);
        let elsewhere = range("192.0.2.16/28", Some("198.51.100.1"));
        guests.admit(&[elsewhere], b"", &tasks[3]);
        let find = |remote: &str, local: &str, taken| {
            let local = Some(local.parse().unwrap());
            let found = guests.find(remote.parse().unwrap(), local, taken)?;
            tasks.iter().position(|task| task.same_channel(found))
        };
        for (remote, local, taken, found) in [
            ("192.0.1.1", "192.0.2.253", false, Some(0)),
            ("192.0.2.1", "192.0.2.253", false, Some(1)),
            ("192.0.2.1", "192.0.2.254", false, Some(2)),
            ("192.0.2.17", "198.51.100.1", false, Some(3)),
            // Longer, but for another address of ours.
            ("192.0.2.17", "192.0.2.253", false, Some(1)),
            ("2001:db8::1", "2001:db8::2", false, Some(1)),
            ("198.51.100.7", "192.0.2.253", false, None),
            // A peer has the address, with another local one.
            ("192.0.2.1", "192.0.2.253", true, None),
            ("192.0.2.1", "192.0.2.254", true, Some(2)),
        ] {
            assert_eq!(find(remote, local, taken), found, "{remote} to {local}");
        }
    }

    #[test]
    fn a_key_goes_when_nobody_has_it_any_more() {
        let mut guests = RangeGuests::default();
        let (one, other) = (mpsc::channel(1).0, mpsc::channel(1).0);
        let [wide, narrow] = ["192.0.0.0/16", "192.0.2.0/24"].map(|prefix| range(prefix, None));
        assert_eq!(guests.admit(&[wide, narrow], b"key", &one), []);
        let there = range("192.0.2.0/24", Some("192.0.2.1"));
        assert_eq!(guests.admit(&[there], b"key", &other), []);
        // It is there again under another key, or another one has it.
        assert_eq!(guests.admit(&[wide], b"new", &one), []);
        assert_eq!(guests.admit(&[narrow], b"key", &one), [wide.prefix]);
        assert_eq!(guests.admit(&[narrow], b"", &one), []);
        assert_eq!(guests.dismiss(&other), [there.prefix]);
        assert_eq!(guests.dismiss(&one), []);
    }
}
