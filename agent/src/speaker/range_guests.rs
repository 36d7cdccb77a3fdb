//! Who may connect from where, of neighbours that are not known one by one: by the longest prefix.

use std::net::IpAddr;

use ipnet::IpNet;
use tokio::sync::mpsc;

use super::dynamic::DynamicCommand;
use super::guests::told_apart;
use crate::desired::Authentication;

/// A prefix from which neighbours may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) prefix: IpNet,
    /// Where they are to connect to; anywhere if it is not said.
    pub(super) local: Option<IpAddr>,
}

struct Guest {
    range: Range,
    /// How their segments are signed. The socket has one way for each prefix.
    authentication: Option<Authentication>,
    commands: mpsc::Sender<DynamicCommand>,
}

/// See the top of this file.
#[derive(Default)]
pub(super) struct RangeGuests(Vec<Guest>); // the longest prefixes first

impl RangeGuests {
    /// Lets in these, and of the same task nobody else any more. Gives the prefixes that it had before.
    pub(super) fn admit(
        &mut self,
        ranges: &[Range],
        authentication: Option<&Authentication>,
        commands: &mpsc::Sender<DynamicCommand>,
    ) -> Vec<IpNet> {
        let before = self.dismiss(commands);
        self.0.extend(ranges.iter().map(|range| Guest {
            range: *range,
            authentication: authentication.cloned(),
            commands: commands.clone(),
        }));
        // Of those with one prefix, whoever is connected to at this very address comes first.
        self.0.sort_by_key(|guest| {
            let length = guest.range.prefix.prefix_len();
            (std::cmp::Reverse(length), guest.range.local.is_none())
        });
        before
    }

    /// Whether another task has neighbours of this very prefix, and nothing tells their connections apart.
    pub(super) fn has_other(&self, range: &Range, commands: &mpsc::Sender<DynamicCommand>) -> bool {
        self.0.iter().any(|guest| {
            let other = !guest.commands.same_channel(commands);
            other
                && guest.range.prefix == range.prefix
                && !told_apart(guest.range.local, range.local)
        })
    }

    /// Lets in nobody of this task. Gives the prefixes that it had.
    pub(super) fn dismiss(&mut self, commands: &mpsc::Sender<DynamicCommand>) -> Vec<IpNet> {
        let mut gone = Vec::new();
        self.0.retain(|guest| {
            let stays = !guest.commands.same_channel(commands);
            if !stays {
                gone.push(guest.range.prefix);
            }
            stays
        });
        gone
    }

    /// How the segments of those with this very prefix are signed.
    pub(super) fn authentication(&self, prefix: IpNet) -> Option<&Authentication> {
        let mut guests = self.0.iter();
        let guest = guests.find(|guest| guest.range.prefix == prefix)?;
        guest.authentication.as_ref()
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::Password;

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
        guests.admit(&[range("192.0.0.0/16", None)], None, &tasks[0]);
        let v6 = range("::/0", None);
        guests.admit(&[range("192.0.2.0/24", None), v6], None, &tasks[1]);
        let here = range("192.0.2.0/24", Some("192.0.2.254"));
        guests.admit(&[here], None, &tasks[2]);
        let elsewhere = range("192.0.2.16/28", Some("198.51.100.1"));
        guests.admit(&[elsewhere], None, &tasks[3]);
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
    fn a_signature_is_asked_for_while_somebody_has_the_prefix_with_it() {
        let mut guests = RangeGuests::default();
        let (one, other) = (mpsc::channel(1).0, mpsc::channel(1).0);
        let [wide, narrow] = ["192.0.0.0/16", "192.0.2.0/24"].map(|prefix| range(prefix, None));
        let md5 = Authentication::Md5(Password::new(b"key"));
        assert_eq!(guests.admit(&[wide, narrow], Some(&md5), &one), []);
        let there = range("192.0.2.0/24", Some("192.0.2.1"));
        assert_eq!(guests.admit(&[there], Some(&md5), &other), []);
        let both = [narrow.prefix, wide.prefix];
        assert_eq!(guests.admit(&[wide], None, &one), both);
        assert_eq!(
            both.map(|net| guests.authentication(net)),
            [Some(&md5), None]
        );
        assert_eq!(guests.dismiss(&other), [there.prefix]);
        assert_eq!(guests.authentication(there.prefix), None);
    }
}
