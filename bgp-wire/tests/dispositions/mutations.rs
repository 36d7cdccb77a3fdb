//! Valid UPDATEs of every family and attribute, changed in every systematic way. What must hold
//! whatever the change is said by RFC 7606, at each test.

use bgp_wire::{NlriBlock, Update};

use super::*;

/// An UPDATE in pieces.
#[derive(Clone)]
struct Message {
    name: String,
    ctx: SessionContext,
    attributes: Vec<Vec<u8>>,
    nlri: Vec<u8>,
}

impl Message {
    fn new(name: impl Into<String>, ctx: &SessionContext, parts: &Parts) -> Self {
        Self {
            name: name.into(),
            ctx: ctx.clone(),
            attributes: split(&parts.attributes),
            nlri: parts.nlri.clone(),
        }
    }

    fn body(&self) -> Vec<u8> {
        self.with_block(&self.attributes.concat())
    }

    /// The same with these octets as attributes.
    fn with_block(&self, block: &[u8]) -> Vec<u8> {
        let parts = Parts {
            attributes: block.to_vec(),
            ..Parts::default()
        };
        parts.nlri(&self.nlri).body()
    }

    /// The same with another attribute at this place.
    fn with(&self, place: usize, attribute: Vec<u8>) -> Vec<u8> {
        let mut changed = self.clone();
        changed.attributes[place] = attribute;
        changed.body()
    }
}

/// A block of attributes, cut into them.
fn split(mut block: &[u8]) -> Vec<Vec<u8>> {
    let mut attributes = Vec::new();
    while let [flags, _, rest @ ..] = block {
        let length = if flags & 0x10 == 0 {
            3 + usize::from(rest[0])
        } else {
            4 + usize::from(u16::from_be_bytes([rest[0], rest[1]]))
        };
        let (one, after) = block.split_at(length);
        attributes.push(one.to_vec());
        block = after;
    }
    attributes
}

/// Head and value of an attribute.
fn value(attribute: &[u8]) -> (&[u8], &[u8]) {
    attribute.split_at(if attribute[0] & 0x10 == 0 { 3 } else { 4 })
}

fn carries_nlri(attribute: &[u8]) -> bool {
    matches!(attribute[1], 14 | 15)
}

/// Every attribute that is known, and two that are not.
fn everything() -> Parts {
    overlay::all()
        .with(attribute(0x80, 4, &[0, 0, 0, 1]))
        .with(attribute(0x40, 6, &[]))
        .with(attribute(0xc0, 7, &[0, 0, 0xfd, 0xe9, 192, 0, 2, 1]))
        .with(attribute(0xc0, 8, &[0, 2, 0, 2, 0, 1, 0, 1]))
        .with(attribute(0x80, 9, &[192, 0, 2, 9]))
        .with(attribute(0x80, 10, &[192, 0, 2, 8, 192, 0, 2, 7]))
        .with(attribute(0x80, 24, &[1; 36]))
        .with(attribute(0xc0, 32, &[7; 12]))
        .with(attribute(0xe0, 99, &[1, 2]))
        .with(attribute(0x80, 98, &[1]))
}

/// The same as an external speaker of two-octet AS numbers sends it.
fn old_attributes() -> Parts {
    good_old()
        .with(attribute(0xc0, 7, &[0x5b, 0xa0, 192, 0, 2, 1]))
        .with(attribute(0xc0, 17, &[2, 1, 0, 1, 0, 0]))
        .with(attribute(0xc0, 18, &[0, 1, 0, 0, 192, 0, 2, 1]))
}

/// A route of each family, and the next hop of its MP_REACH_NLRI.
fn routes() -> Vec<(Family, Vec<u8>, Vec<u8>)> {
    let rd = [0, 0, 0xfd, 0xe8, 0, 0, 0, 100];
    let (v4, v6) = (vec![192, 0, 2, 1], NEXT_HOP_V6.to_vec());
    let behind_rd = |address: &[u8]| [&[0; 8], address].concat();
    let flow_vpn = [&[11][..], &rd, &[9, 0x81, 2]].concat();
    let link_vpn = [&[0, 1, 0, 29][..], &rd, &listed::NODE[4..]].concat();
    let mvpn = [&[1, 12][..], &rd, &[192, 0, 2, 1]].concat();
    let vpls = [&[0, 17][..], &rd, &[0, 1, 0, 0, 0, 8, 0xc3, 0x50, 1]].concat();
    let evpn = [&evpn::MAC_IP[..], &evpn::MULTICAST, &evpn::PREFIX].concat();
    let membership = vec![96, 0, 0, 0xfd, 0xe8, 0, 2, 0xfd, 0xe8, 0, 0, 0, 100];
    let prefix_v6 = vec![32, 0x20, 0x01, 0x0d, 0xb8];
    let labeled_v6 = [&[56, 0, 6, 0x41][..], &prefix_v6[1..]].concat();
    let vpn_v6 = [&[120, 0, 6, 0x41][..], &rd, &prefix_v6[1..]].concat();
    let policy_v6 = [&[192][..], &[7; 24]].concat();
    vec![
        (Family::IPV4_UNICAST, vec![8, 10, 16, 10, 1], v4.clone()),
        (Family::IPV4_MULTICAST, vec![8, 10], v4.clone()),
        (Family::IPV6_UNICAST, prefix_v6.clone(), v6.clone()),
        (Family::IPV6_MULTICAST, prefix_v6, v6.clone()),
        (Family::IPV4_LABELED, labels::LABELED.to_vec(), v4.clone()),
        (Family::IPV6_LABELED, labeled_v6, v6.clone()),
        (
            Family::IPV4_VPN,
            labels::vpn(&[112, 0, 6, 0x41]),
            behind_rd(&v4),
        ),
        (Family::IPV6_VPN, vpn_v6, behind_rd(&v6)),
        (Family::RTC, membership, v4.clone()),
        (Family::L2VPN_EVPN, evpn, v4.clone()),
        (Family::L2VPN_VPLS, vpls, v4.clone()),
        (Family::IPV4_MVPN, mvpn.clone(), v4.clone()),
        (Family::IPV6_MVPN, mvpn, v4.clone()),
        (Family::IPV4_FLOWSPEC, listed::FLOW.to_vec(), vec![]),
        (Family::IPV6_FLOWSPEC, listed::FLOW_V6.to_vec(), vec![]),
        (Family::IPV4_FLOWSPEC_VPN, flow_vpn.clone(), vec![]),
        (Family::IPV6_FLOWSPEC_VPN, flow_vpn, vec![]),
        (Family::IPV4_SR_POLICY, listed::POLICY.to_vec(), v4.clone()),
        (Family::IPV6_SR_POLICY, policy_v6, v6.clone()),
        (Family::LINK_STATE, listed::NODE.to_vec(), v4.clone()),
        (Family::LINK_STATE_VPN, link_vpn, behind_rd(&v4)),
    ]
}

/// All there is: every attribute beside NLRI of the body, and every family with a few.
fn messages() -> Vec<Message> {
    let all = FamilySet::supported();
    let inside = SessionContext {
        families: all,
        ..internal()
    };
    let mut messages = vec![
        Message::new("every attribute", &inside, &everything()),
        Message::new("two octets for each AS", &old(), &old_attributes()),
    ];
    let routes = routes();
    let known: FamilySet = routes.iter().map(|(family, ..)| *family).collect();
    assert_eq!(known, all, "every family is here");
    for (family, nlri, next_hop) in routes {
        let withdrawn = unreach(family.afi, family.safi, &nlri);
        let parts = Parts::default()
            .with(attribute(
                0x80,
                14,
                &reach(family.afi, family.safi, &next_hop, &nlri),
            ))
            .with(attribute(0x40, 1, &[0]))
            .with(attribute(0x40, 2, &[2, 1, 0, 0, 0xfd, 0xe9]))
            .with(attribute(0x40, 5, &[0, 0, 0, 100]))
            .with(attribute(0xc0, 8, &[0, 1, 0, 1]))
            .with(attribute(0x80, 15, &withdrawn));
        // RFC 9830 §4.2.1: what a policy has to have, each of the two communities that one would do for.
        let parts = if matches!(family, Family::IPV4_SR_POLICY | Family::IPV6_SR_POLICY) {
            parts
                .replaced(8, attribute(0xc0, 8, &listed::NO_ADVERTISE))
                .with(attribute(0xc0, 16, &[1, 2, 192, 0, 2, 1, 0, 0]))
                .with(attribute(0xc0, 23, &listed::PREFERENCE))
        } else {
            parts
        };
        messages.push(Message::new(family.to_string(), &inside, &parts));
    }
    messages
}

/// What is found, whatever its place.
fn found(decoded: &Decoded<'_>) -> Vec<String> {
    let each = decoded.findings.iter().map(|finding| {
        let (field, reason) = (finding.error.field, finding.error.reason);
        let (code, subcode) = (finding.attribute, finding.subcode);
        format!(
            "{code:?} {subcode} {field} {reason:?} {}",
            finding.disposition
        )
    });
    let mut all: Vec<String> = each.collect();
    all.sort();
    all
}

/// The NLRI of an update, whatever its attributes.
fn nlri<'a>(update: &Update<'a>) -> [Option<NlriBlock<'a>>; 4] {
    let (reach, unreach) = (update.reach, update.unreach);
    [
        Some(update.announced),
        Some(update.withdrawn),
        reach.map(|reach| reach.nlri),
        unreach.map(|unreach| unreach.nlri),
    ]
}

/// RFC 7606 §3 h, and what a finding must say of itself.
fn is_consistent(name: &str, body: &[u8], result: &Result<Decoded<'_>, MessageError>) {
    let (findings, worst) = match result {
        Ok(decoded) => (&decoded.findings[..], decoded.disposition),
        Err(error) => {
            assert_eq!(error.notification.code, 3, "{name}");
            (&error.findings[..], Disposition::SessionReset)
        }
    };
    let asked = findings.iter().map(|finding| finding.disposition).max();
    match worst {
        // §5.2 makes more of what was found.
        Disposition::SessionReset => assert!(asked >= Some(W), "{name}: {findings:?}"),
        _ => assert_eq!(asked.unwrap_or(N), worst, "{name}: {findings:?}"),
    }
    let offsets: Vec<usize> = findings
        .iter()
        .map(|finding| finding.error.offset)
        .collect();
    assert!(offsets.is_sorted(), "{name}: {findings:?}");
    let inside = |offset: &usize| (19..=19 + body.len()).contains(offset);
    assert!(offsets.iter().all(inside), "{name}: {findings:?}");
}

#[test]
fn all_of_them_are_good() {
    let mut scratch = AttrScratch::new();
    for message in messages() {
        let body = message.body();
        let decoded = decode(&body, &message.ctx, &mut scratch);
        assert_eq!(found(&decoded), [""; 0], "{}", message.name);
    }
    let message = Message::new("", &internal(), &everything());
    let codes: Vec<u8> = message.attributes.iter().map(|one| one[1]).collect();
    let known = (1..=255).filter(|code| AttrCode(*code).is_known());
    // What is apart: NLRI, and what only old speakers send.
    let missing: Vec<u8> = known.filter(|code| !codes.contains(code)).collect();
    assert_eq!(missing, [14, 15, 17, 18]);
}

/// RFC 4271 §5: "The receiver of an UPDATE message MUST be prepared to handle path attributes within
/// UPDATE messages that are out of order."
#[test]
fn the_order_of_attributes_changes_nothing() {
    let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
    for message in messages() {
        let count = message.attributes.len();
        // As it is, and with each attribute damaged in turn.
        for bad in 0..=count {
            let mut message = message.clone();
            if let Some(attribute) = message.attributes.get_mut(bad) {
                attribute[0] ^= 0x80;
            }
            let body = message.body();
            let result = decode_update(&body, &message.ctx, &mut first);
            let mut orders: Vec<Vec<Vec<u8>>> = (1..count)
                .map(|by| {
                    let mut turned = message.attributes.clone();
                    turned.rotate_left(by);
                    turned
                })
                .collect();
            orders.push(message.attributes.iter().rev().cloned().collect());
            for order in orders {
                let other = message.with_block(&order.concat());
                let name = &message.name;
                match (&result, decode_update(&other, &message.ctx, &mut second)) {
                    (Ok(one), Ok(other)) => {
                        assert_eq!(one.update, other.update, "{name}");
                        assert_eq!(found(one), found(&other), "{name}");
                    }
                    (Err(one), Err(other)) => {
                        assert_eq!(one.notification, other.notification, "{name}");
                        assert_eq!(one.findings.len(), other.findings.len(), "{name}");
                    }
                    (one, other) => panic!("{name}: {one:?} is not {other:?}"),
                }
            }
        }
    }
}

/// RFC 7606 §3 g: "all the occurrences of the attribute other than the first one SHALL be discarded
/// and the UPDATE message will continue to be processed"; but for those that carry NLRI.
#[test]
fn a_repeated_attribute_is_a_finding_and_changes_nothing() {
    let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
    for message in messages() {
        let body = message.body();
        let one = decode(&body, &message.ctx, &mut first);
        for again in &message.attributes {
            // As it is, and damaged: it is not looked at.
            let mut damaged = again.clone();
            damaged[0] ^= 0xc0;
            for again in [again, &damaged] {
                let name = format!("{}: {again:?}", message.name);
                let body = message.with_block(&[&message.attributes.concat()[..], again].concat());
                let result = decode_update(&body, &message.ctx, &mut second);
                is_consistent(&name, &body, &result);
                if carries_nlri(again) {
                    let error = result.unwrap_err();
                    assert_eq!(error.notification.subcode, 1, "{name}");
                    assert_eq!(error.notification.data, [0; 0][..], "{name}");
                    continue;
                }
                let decoded = result.unwrap();
                assert_eq!(decoded.update, one.update, "{name}");
                assert_eq!(decoded.disposition, D, "{name}");
                let [finding] = decoded.findings[..] else {
                    panic!("{name}: {:?}", decoded.findings);
                };
                assert_eq!(finding.error.reason, Reason::Duplicate, "{name}");
                assert_eq!(finding.attribute, Some(AttrCode(again[1])), "{name}");
                assert_eq!(
                    finding.error.offset,
                    19 + body.len() - message.nlri.len() - again.len()
                );
            }
        }
    }
}

/// RFC 7606 §1: an error in a value costs the routes at most (§7), never the session, and what is to
/// be withdrawn is known (§3 j). Those that carry NLRI are apart.
#[test]
fn no_value_of_an_attribute_resets_a_session() {
    let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
    let mut outcomes = [0usize; 5];
    for message in messages() {
        let body = message.body();
        let good = decode(&body, &message.ctx, &mut first);
        for (place, attribute) in message.attributes.iter().enumerate() {
            if carries_nlri(attribute) {
                continue;
            }
            let (head, value) = value(attribute);
            let mut values: Vec<Vec<u8>> =
                (0..value.len()).map(|cut| value[..cut].to_vec()).collect();
            for more in 1..9 {
                values.push([value, &vec![0; more]].concat());
                values.push([value, &vec![0xff; more]].concat());
            }
            for at in 0..value.len() {
                let octets = [0, 1, 2, 7, 0x7f, 0x80, 0xff];
                let near = [value[at].wrapping_add(1), value[at].wrapping_sub(1)];
                for octet in octets.into_iter().chain(near) {
                    let mut changed = value.to_vec();
                    changed[at] = octet;
                    values.push(changed);
                }
            }
            for value in values {
                let changed = super::attribute(head[0], head[1], &value);
                let body = message.with(place, changed.clone());
                let result = decode_update(&body, &message.ctx, &mut second);
                let name = format!("{}: {changed:?}", message.name);
                is_consistent(&name, &body, &result);
                let decoded = result.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!(nlri(&decoded.update), nlri(&good.update), "{name}");
                for finding in &decoded.findings {
                    assert_eq!(finding.attribute, Some(AttrCode(head[1])), "{name}");
                }
                outcomes[decoded.disposition as usize] += 1;
            }
        }
    }
    let [fine, discard, withdraw, disable, reset] = outcomes;
    assert!(
        fine > 1000 && discard > 200 && withdraw > 300,
        "{outcomes:?}"
    );
    assert_eq!((disable, reset), (0, 0));
}

/// RFC 7606 §3 c for the Optional and Transitive bits, RFC 4271 §4.3 for the others, RFC 7606 §5.3
/// for attributes that carry NLRI, RFC 4271 §6.3 and §9 for what is not known.
#[test]
fn every_bit_of_the_flags() {
    let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
    for message in messages() {
        let body = message.body();
        let good = decode(&body, &message.ctx, &mut first);
        for (place, attribute) in message.attributes.iter().enumerate() {
            let (code, optional) = (attribute[1], attribute[0] & 0x80 != 0);
            for bit in [0x80, 0x40, 0x20, 8, 4, 2, 1] {
                let mut changed = attribute.clone();
                changed[0] ^= bit;
                let body = message.with(place, changed.clone());
                let result = decode_update(&body, &message.ctx, &mut second);
                let name = format!("{}: attribute {code}, bit {bit:#x}", message.name);
                is_consistent(&name, &body, &result);
                let known = AttrCode(code).is_known();
                let class = bit & 0xc0 != 0;
                let subcode = match (class, known) {
                    (true, true) if carries_nlri(attribute) => Some(4),
                    (true, false) if bit == 0x80 => Some(2),
                    _ => None,
                };
                if let Some(subcode) = subcode {
                    let notification = result.unwrap_err().notification;
                    assert_eq!(notification.subcode, subcode, "{name}");
                    assert_eq!(notification.data, changed, "{name}");
                    continue;
                }
                let wanted = match code {
                    _ if !known => N,
                    // RFC 7311 §3.2.
                    26 if bit == 0x40 => D,
                    _ if class => W,
                    _ if bit == 0x20 && !optional => W,
                    _ => N,
                };
                let decoded = result.unwrap();
                assert_eq!(
                    decoded.disposition, wanted,
                    "{name}: {:?}",
                    decoded.findings
                );
                assert_eq!(nlri(&decoded.update), nlri(&good.update), "{name}");
            }
        }
    }
}

/// RFC 7606 §4: whatever the lengths of attributes say, "the Total Attribute Length MUST be relied
/// upon to enable the beginning of the NLRI field to be located".
#[test]
fn every_length_and_every_cut() {
    let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
    for message in messages() {
        let body = message.body();
        let good = decode(&body, &message.ctx, &mut first);
        for (place, attribute) in message.attributes.iter().enumerate() {
            let near = [attribute[2].wrapping_add(1), attribute[2].wrapping_sub(1)];
            for length in near.into_iter().chain([0, 0x7f, 0xff]) {
                let mut changed = attribute.clone();
                changed[2] = length;
                let body = message.with(place, changed.clone());
                let result = decode_update(&body, &message.ctx, &mut second);
                let name = format!("{}: attribute {changed:?}", message.name);
                is_consistent(&name, &body, &result);
                if let Ok(decoded) = result {
                    assert_eq!(decoded.update.announced, good.update.announced, "{name}");
                }
            }
            // The other form of the length.
            let mut other = attribute.clone();
            other[0] |= 0x10;
            other.insert(2, 0);
            let body = message.with(place, other);
            let decoded = decode(&body, &message.ctx, &mut second);
            assert_eq!(decoded.update, good.update, "{}", message.name);
        }
        let block = message.attributes.concat();
        let mut ends = vec![0];
        for attribute in &message.attributes {
            ends.push(ends[ends.len() - 1] + attribute.len());
        }
        for cut in 0..block.len() {
            let body = message.with_block(&block[..cut]);
            let result = decode_update(&body, &message.ctx, &mut second);
            let name = format!("{}: cut at {cut}", message.name);
            is_consistent(&name, &body, &result);
            match result {
                Ok(decoded) => {
                    assert_eq!(decoded.update.announced, good.update.announced, "{name}");
                    let framed = ends.contains(&cut);
                    assert!(framed || decoded.treat_as_withdraw(), "{name}");
                }
                // RFC 7606 §3 j, §5.2: what is cut carried NLRI, or there are no others.
                Err(error) => {
                    let cut_nlri = matches!(
                        error.attribute,
                        Some(AttrCode::MP_REACH_NLRI | AttrCode::MP_UNREACH_NLRI)
                    );
                    assert!(cut_nlri || message.nlri.is_empty(), "{name}: {error}");
                }
            }
        }
        // The lengths of the message itself.
        for at in [0, 1, 2, 3] {
            for octet in 0..=255 {
                let mut body = message.body();
                body[at] = octet;
                let result = decode_update(&body, &message.ctx, &mut second);
                is_consistent(&message.name, &body, &result);
            }
        }
    }
}

/// RFC 7606 §3 j: what cannot be read as routes is never taken for routes: a family's NLRI and next
/// hop, cut and changed, end the session, or the family where that is wished, or are read whole.
#[test]
fn every_octet_of_mp_attributes() {
    let mut scratch = AttrScratch::new();
    let mut outcomes = [0usize; 5];
    for message in messages() {
        for disable_families in [false, true] {
            let ctx = SessionContext {
                disable_families,
                ..message.ctx.clone()
            };
            for (place, attribute) in message.attributes.iter().enumerate() {
                if !carries_nlri(attribute) {
                    continue;
                }
                let (head, value) = value(attribute);
                let mut values: Vec<Vec<u8>> =
                    (0..value.len()).map(|cut| value[..cut].to_vec()).collect();
                for at in 0..value.len() {
                    for octet in [0, 1, 2, 0x7f, 0x80, 0xff, value[at] ^ 1] {
                        let mut changed = value.to_vec();
                        changed[at] = octet;
                        values.push(changed);
                    }
                }
                for value in values {
                    let body = message.with(place, super::attribute(head[0], head[1], &value));
                    let result = decode_update(&body, &ctx, &mut scratch);
                    let name = format!("{}: {value:?}", message.name);
                    is_consistent(&name, &body, &result);
                    match result {
                        Ok(decoded) => {
                            outcomes[decoded.disposition as usize] += 1;
                            assert_eq!(
                                decoded.disabled.is_empty(),
                                decoded.disposition != A,
                                "{name}"
                            );
                        }
                        Err(error) => {
                            outcomes[4] += 1;
                            // Memberships are apart (RFC 4684 §5).
                            let stays = disable_families && !value.starts_with(&[0, 1, 132]);
                            assert!(!stays || value.len() < 3, "{name}: {error}");
                        }
                    }
                }
            }
        }
    }
    assert!(outcomes[3] > 300 && outcomes[4] > 300, "{outcomes:?}");
}
