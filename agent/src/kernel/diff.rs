//! What to tell the kernel, given what is wanted and what is there.
//!
//! Pure, one destination at a time. The kernel keys a route on table, prefix and metric (and, for
//! IPv4, the type of service), not on the protocol: so another metric is another route, which is
//! added before the old one goes, while another protocol at the same metric is the same place, which
//! has to be emptied first.

use smallvec::{SmallVec, smallvec};

use super::model::{FibAction, Ownership, SetId};
use super::view::Installed;

/// Messages for one destination, in the order in which they have to be sent.
pub(crate) type Steps = SmallVec<[(Ownership, FibAction); 2]>;

/// The messages that lead from `installed` to `wanted`.
///
/// `probe`: an earlier add found a route with our key that we do not know. Deleting names our
/// protocol, so it can only hit a route of ours; if the add is then refused again, the route belongs
/// to someone else and stays.
///
/// `certain`: no notification is known to be lost. If one is, someone else's route may have taken the
/// place of ours unseen, and must not be replaced.
pub(crate) fn diff(
    wanted: Option<(Ownership, SetId)>,
    installed: Installed,
    installed_as: Ownership,
    probe: bool,
    certain: bool,
) -> Steps {
    let Some((owner, set)) = wanted else {
        return match installed {
            Installed::Absent => Steps::new(),
            Installed::Unknown | Installed::Set(_) => smallvec![(installed_as, FibAction::Delete)],
        };
    };
    if probe {
        return smallvec![(owner, FibAction::Delete), (owner, FibAction::Add(set))];
    }
    match installed {
        Installed::Absent => smallvec![(owner, FibAction::Add(set))],
        Installed::Set(have) if have == set && installed_as == owner => Steps::new(),
        Installed::Set(_) if installed_as == owner && certain => {
            smallvec![(owner, FibAction::Replace(set))]
        }
        // Replacing would also hit a route of someone else with our key; this cannot.
        Installed::Unknown | Installed::Set(_) if installed_as == owner => {
            smallvec![(owner, FibAction::Delete), (owner, FibAction::Add(set))]
        }
        Installed::Set(_) | Installed::Unknown => {
            let (add, delete) = (
                (owner, FibAction::Add(set)),
                (installed_as, FibAction::Delete),
            );
            if installed_as.metric == owner.metric && installed_as.table == owner.table {
                smallvec![delete, add]
            } else {
                smallvec![add, delete]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::model::{Leg, NextHopSets};

    #[test]
    fn each_pair_of_wanted_and_installed_has_its_messages() {
        let mut sets = NextHopSets::default();
        let a = sets.intern(&[Leg::new(None, 1)]);
        let b = sets.intern(&[Leg::new(None, 2)]);
        let us = Ownership::default();
        let cheap = Ownership { metric: 100, ..us };
        let renamed = Ownership {
            protocol: 197,
            ..us
        };
        use FibAction::{Add, Delete, Replace};
        use Installed::{Absent, Set, Unknown};
        type Case<'a> = (
            &'a str,
            Option<(Ownership, SetId)>,
            Installed,
            Ownership,
            bool,
            &'a [(Ownership, FibAction)],
        );
        let table: &[Case<'_>] = &[
            (
                "nothing wanted, nothing there",
                None,
                Absent,
                us,
                false,
                &[],
            ),
            ("withdrawn", None, Set(a), us, false, &[(us, Delete)]),
            (
                "withdrawn, and nobody knows",
                None,
                Unknown,
                us,
                false,
                &[(us, Delete)],
            ),
            ("new", Some((us, a)), Absent, us, false, &[(us, Add(a))]),
            ("as it should be", Some((us, a)), Set(a), us, false, &[]),
            (
                "other next hops",
                Some((us, b)),
                Set(a),
                us,
                false,
                &[(us, Replace(b))],
            ),
            (
                "nobody knows",
                Some((us, a)),
                Unknown,
                us,
                false,
                &[(us, Delete), (us, Add(a))],
            ),
            (
                "metric: add, then delete",
                Some((cheap, a)),
                Set(a),
                us,
                false,
                &[(cheap, Add(a)), (us, Delete)],
            ),
            (
                "protocol: delete, then add",
                Some((renamed, a)),
                Set(a),
                us,
                false,
                &[(us, Delete), (renamed, Add(a))],
            ),
            (
                "probe",
                Some((us, a)),
                Absent,
                us,
                true,
                &[(us, Delete), (us, Add(a))],
            ),
        ];
        for (name, wanted, installed, installed_as, probe, steps) in table {
            let got = diff(*wanted, *installed, *installed_as, *probe, true);
            assert_eq!(got.as_slice(), *steps, "{name}");
        }
        let unsure = diff(Some((us, b)), Set(a), us, false, false);
        assert_eq!(
            unsure.as_slice(),
            [(us, Delete), (us, Add(b))],
            "it may not be ours any more"
        );
    }
}
