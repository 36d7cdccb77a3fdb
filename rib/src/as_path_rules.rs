//! What is done to the AS path of a route on its way to an external peer, before our own AS is put in front.

use bgp_wire::{Asn, AttrEditor};

/// How the AS path is changed. By default not at all.
///
/// A loop is found by the AS that is in its path twice (RFC 4271 §9.1.2), so taking an AS out of a path lets routes come back to it.
/// That is what both are for; but of the peer's own AS it is only done where that is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AsPathRules {
    /// Private ASes other than this peer's own are taken out, or replaced.
    pub private: Option<(PrivateAs, Asn)>,
    /// Ours takes the place of this AS, the peer's: so that sites which share an AS hear of one another through us.
    pub override_as: Option<Asn>,
    /// The AS that stands behind the one that we are to the peer (RFC 7705): the one that we are to others.
    pub behind: Option<Asn>,
}

/// What becomes of private ASes in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrivateAs {
    /// They are taken out, and the path is shorter.
    Remove,
    /// Each is replaced by this AS, and the path stays as long as it is.
    Replace(Asn),
}

impl AsPathRules {
    /// Changes the path of the set in `editor`; `local_as` is what we are to the peer.
    pub(crate) fn apply(&self, local_as: Asn, editor: &mut AttrEditor) {
        if let Some((what, peer)) = self.private {
            editor.map_as_path(|asn| match what {
                _ if !is_private(asn) || asn == peer => Some(asn),
                PrivateAs::Remove => None,
                PrivateAs::Replace(by) => Some(by),
            });
        }
        if let Some(peer) = self.override_as {
            editor.map_as_path(|asn| Some(if asn == peer { local_as } else { asn }));
        }
        if let Some(own) = self.behind {
            // RFC 7705 §3.3: "The BGP router SHOULD first append the globally configured ASN to the AS_PATH immediately followed by
            // the "Local AS" value".
            editor.prepend_as_path(own, 1);
        }
    }
}

/// RFC 6996 §5: "64512-65534" and "4200000000-4294967294"; and 65535, which is reserved (RFC 7300) and goes the same way.
fn is_private(asn: Asn) -> bool {
    matches!(asn.0, 64_512..=65_535 | 4_200_000_000..=4_294_967_294)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::SegmentKind;

    fn changed(rules: AsPathRules, path: &[u32]) -> String {
        let path: Vec<Asn> = path.iter().copied().map(Asn).collect();
        let mut editor = AttrEditor::new();
        editor.set_as_path(&path);
        rules.apply(Asn(100), &mut editor);
        editor.get().as_path().to_string()
    }

    fn private(what: PrivateAs) -> AsPathRules {
        AsPathRules {
            private: Some((what, Asn(65001))),
            ..AsPathRules::default()
        }
    }

    #[test]
    fn without_rules_nothing_changes() {
        assert_eq!(
            changed(AsPathRules::default(), &[64512, 65001]),
            "64512 65001"
        );
    }

    /// RFC 6996 §5 has both ends of both ranges.
    #[test]
    fn private_ases_are_taken_out_from_end_to_end_and_nothing_else() {
        let path = [
            64_511,
            64_512,
            65_534,
            65_535,
            65_536,
            4_199_999_999,
            4_200_000_000,
            4_294_967_294,
        ];
        assert_eq!(
            changed(private(PrivateAs::Remove), &path),
            "64511 65536 4199999999"
        );
    }

    #[test]
    fn the_as_that_we_are_to_others_stands_behind_and_is_not_taken_out() {
        let rules = AsPathRules {
            behind: Some(Asn(64_600)),
            ..private(PrivateAs::Remove)
        };
        assert_eq!(changed(rules, &[64_512, 7]), "64600 7");
    }

    #[test]
    fn private_ases_are_replaced_one_by_one() {
        let rules = private(PrivateAs::Replace(Asn(100)));
        assert_eq!(changed(rules, &[64_512, 7, 64_513]), "100 7 100");
    }

    #[test]
    fn the_peers_own_as_stays_so_that_it_sees_its_loops() {
        assert_eq!(
            changed(private(PrivateAs::Remove), &[65_001, 65_002]),
            "65001"
        );
    }

    #[test]
    fn a_set_of_nothing_but_private_ases_goes_as_a_whole() {
        let mut editor = AttrEditor::new();
        editor.set_as_path_segments(&[
            (SegmentKind::Sequence, &[Asn(7)]),
            (SegmentKind::Set, &[Asn(64_512), Asn(64_513)]),
        ]);
        private(PrivateAs::Remove).apply(Asn(100), &mut editor);
        assert_eq!(editor.get().as_path().to_string(), "7");
    }

    #[test]
    fn ours_takes_the_place_of_the_peers_as_wherever_it_is() {
        let rules = AsPathRules {
            override_as: Some(Asn(65_001)),
            ..AsPathRules::default()
        };
        assert_eq!(
            changed(rules, &[65_001, 7, 65_001, 65_002]),
            "100 7 100 65002"
        );
    }
}
