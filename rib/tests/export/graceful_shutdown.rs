//! Routes on a session that is shut down gracefully (RFC 8326).

use bgp_wire::{AttrRef, Community, Family};
use rib::decision::SourceKind::{self, Ebgp, Ibgp, IbgpClient, Local};
use rib::export::{Audience, ExportRules};

use crate::{Attr, rules, set, told};

const ORIGIN: Attr<'_> = (0x40, 1, &[0]);
const PATH: Attr<'_> = (0x40, 2, &[2, 1, 0, 0, 0xfd, 0xe9]);
const PREF_200: Attr<'_> = (0x40, 5, &[0, 0, 0, 200]);
const COMMUNITY_7: Attr<'_> = (0xc0, 8, &[0xfd, 0xe9, 0, 7]);

fn told_of(source: SourceKind, audience: Audience, ends: bool) -> (Vec<Community>, Option<u32>) {
    let rules = ExportRules {
        graceful_shutdown: ends,
        ..rules(audience)
    };
    let attrs = match source {
        Local => vec![ORIGIN, COMMUNITY_7],
        Ebgp => vec![ORIGIN, PATH, COMMUNITY_7],
        Ibgp | IbgpClient => vec![ORIGIN, PATH, PREF_200, COMMUNITY_7],
    };
    let bytes = set("192.0.2.1", &attrs);
    let bytes = told(&bytes, source, Family::IPV4_UNICAST, &rules).expect("told");
    let attrs = AttrRef::from_canonical(&bytes);
    (attrs.communities().collect(), attrs.local_pref())
}

#[test]
fn what_goes_over_a_session_that_ends_is_tagged_and_the_last_choice_within_the_as() {
    let mine = Community(0xfde9_0007);
    // 65535:0, RFC 8326 section 3.
    let tag = Community(0xffff_0000);
    for (source, audience) in [
        (Local, Audience::Ebgp),
        (Ebgp, Audience::Ebgp),
        (Ibgp, Audience::Ebgp),
        (Local, Audience::Ibgp),
        (Ebgp, Audience::Ibgp),
        (IbgpClient, Audience::Ibgp),
        (Ibgp, Audience::IbgpClient),
    ] {
        let (communities, local_pref) = told_of(source, audience, true);
        assert_eq!(communities, [mine, tag], "{source} {audience:?}");
        let inside = audience != Audience::Ebgp;
        assert_eq!(local_pref, inside.then_some(0), "{source} {audience:?}");
        let (communities, local_pref) = told_of(source, audience, false);
        assert_eq!(communities, [mine], "{source} {audience:?}");
        assert_ne!(local_pref, Some(0), "{source} {audience:?}");
    }
}
