//! PURE: what decoding a message depends on: what two OPENs come to, and what the options say.

use bgp_wire::{
    AFI_IPV4, AFI_IPV6, Asn, AttrCode, Capability, Family, FamilySet, Open, PeerKind,
    SessionContext, frame,
};

use crate::args::DecodeArgs;

/// What the options say.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    asn4: Option<bool>,
    add_path: FamilySet,
    extended_next_hop: FamilySet,
    multiple_labels: FamilySet,
    extended_message: bool,
    /// Whether the two are of one AS, if that was said.
    ibgp: Option<bool>,
    other_domain: bool,
    accept_as_set: bool,
}

/// One direction of a session by its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who was heard first.
    First,
    /// The other one.
    Second,
}

/// How what was negotiated is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// From the OPENs of both sides.
    BothOpens,
    /// From the OPEN of one side.
    OneOpen,
    /// There was no OPEN.
    Nothing,
}

/// Both directions of a session, and what is known about them.
#[derive(Debug, Clone)]
pub struct Dialogue {
    said: Said,
    /// Without OPENs, take what some sessions negotiate, as the octets may be of one.
    lenient: bool,
    opens: [Option<Open>; 2],
    /// What the first AS_PATH looks like.
    guessed_asn4: Option<bool>,
    /// Somebody said what is said within an AS only.
    guessed_internal: bool,
    contexts: [SessionContext; 2],
}

impl Side {
    fn place(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

impl Said {
    /// What the options say.
    pub fn new(args: &DecodeArgs) -> Self {
        Self {
            asn4: args.asn4(),
            add_path: args.add_path(),
            extended_next_hop: args.extended_next_hop(),
            multiple_labels: args.multiple_labels(),
            extended_message: args.extended_message,
            ibgp: (args.ibgp || args.ebgp).then_some(args.ibgp),
            other_domain: args.other_domain,
            accept_as_set: args.accept_as_set,
        }
    }

    /// A session about which nothing is known but the options: every family, four octets for each AS.
    pub fn context(&self) -> SessionContext {
        let mut ctx = SessionContext::new(Asn(0), Asn(0));
        ctx.peer_kind = PeerKind::External;
        ctx.families = FamilySet::ALL;
        self.apply(&mut ctx);
        ctx
    }

    /// Whether AS numbers have four octets, if that was said.
    pub(super) fn asn4(&self) -> Option<bool> {
        self.asn4
    }

    /// Lets the options have the last word.
    fn apply(&self, ctx: &mut SessionContext) {
        if let Some(asn4) = self.asn4 {
            ctx.asn4 = asn4;
        }
        ctx.add_path_receive = ctx.add_path_receive.union(self.add_path);
        ctx.add_path_send = ctx.add_path_receive;
        ctx.extended_next_hop = ctx.extended_next_hop.union(self.extended_next_hop);
        ctx.label_stacks = ctx.label_stacks.union(self.multiple_labels);
        ctx.families = ctx
            .families
            .union(self.add_path)
            .union(self.extended_next_hop)
            .union(self.multiple_labels);
        if self.extended_message {
            ctx.max_message = frame::MAX_EXTENDED_LEN;
        }
        match self.ibgp {
            Some(true) => ctx.peer_kind = PeerKind::Internal,
            Some(false) => ctx.peer_kind = PeerKind::External,
            None => {}
        }
        ctx.accept_as_set = self.accept_as_set;
        // How the ends stand to each other beyond their numbers is in no message.
        ctx.enforce_first_as = false;
        ctx.same_domain = !self.other_domain;
        // What is shown, and written again, is in the order of the sender.
        ctx.keep_order = true;
    }
}

/// Families of IPv4: those for which RFC 8950 says something.
pub(super) fn ipv4_families() -> FamilySet {
    FamilySet::ALL
        .iter()
        .filter(|family| family.afi == AFI_IPV4)
        .collect()
}

impl Dialogue {
    /// A session of which no message was seen. With `lenient`, what only some sessions negotiate is taken
    /// until the OPENs say otherwise: long messages and IPv6 next hops of IPv4 routes.
    pub fn new(said: &Said, lenient: bool) -> Self {
        let mut dialogue = Self {
            said: *said,
            lenient,
            opens: [None, None],
            guessed_asn4: None,
            guessed_internal: false,
            contexts: [said.context(), said.context()],
        };
        dialogue.negotiate();
        dialogue
    }

    /// What messages of this side depend on.
    pub fn context(&self, from: Side) -> &SessionContext {
        let [first, second] = &self.contexts;
        match from {
            Side::First => first,
            Side::Second => second,
        }
    }

    /// How it is known.
    pub fn known(&self) -> Known {
        match &self.opens {
            [Some(_), Some(_)] => Known::BothOpens,
            [None, None] => Known::Nothing,
            _ => Known::OneOpen,
        }
    }

    /// Hears the OPEN of a side.
    pub fn learn(&mut self, from: Side, open: Open) {
        self.opens[from.place()] = Some(open);
        self.negotiate();
    }

    /// Hears an OPEN of a stream that does not say whose it is.
    pub fn learn_any(&mut self, open: Open) {
        let place = usize::from(self.opens[0].is_some());
        self.opens[place] = Some(open);
        self.negotiate();
        // Whoever spoke, it is one stream.
        if self.known() == Known::BothOpens {
            let [first, second] = &mut self.contexts;
            let both = first.add_path_receive.union(second.add_path_receive);
            first.add_path_receive = both;
            first.max_message = first.max_message.max(second.max_message);
            first.extended_next_hop = first.extended_next_hop.union(second.extended_next_hop);
        }
    }

    /// Looks at the AS_PATH of an UPDATE, if the size of AS numbers is not known. Whether that settled it.
    pub fn guess_asn4(&mut self, body: &[u8]) -> Option<bool> {
        let settled = self.said.asn4.is_some()
            || self.guessed_asn4.is_some()
            || self.known() != Known::Nothing;
        if settled {
            return None;
        }
        let path = attribute(body, AttrCode::AS_PATH)?;
        self.guessed_asn4 = match (fits(path, 4), fits(path, 2)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        };
        self.negotiate();
        self.guessed_asn4
    }

    /// Looks for what is said to peers of the own AS only (RFC 4271 section 5.1.5, RFC 4456 section 8), if it is not known whether the
    /// two are of one. Whether that settled it.
    pub fn guess_internal(&mut self, body: &[u8]) -> bool {
        const WITHIN: [AttrCode; 3] = [
            AttrCode::LOCAL_PREF,
            AttrCode::ORIGINATOR_ID,
            AttrCode::CLUSTER_LIST,
        ];
        let settled =
            self.said.ibgp.is_some() || self.guessed_internal || self.known() == Known::BothOpens;
        if settled || !WITHIN.iter().any(|code| attribute(body, *code).is_some()) {
            return false;
        }
        self.guessed_internal = true;
        self.negotiate();
        true
    }

    fn negotiate(&mut self) {
        let contexts = match &self.opens {
            [Some(first), Some(second)] => [agreed(first, second), agreed(second, first)],
            [None, None] => {
                let ctx = self.unknown();
                [ctx.clone(), ctx]
            }
            [Some(open), None] | [None, Some(open)] => {
                // The other side is taken to offer the same.
                let mut ctx = self.unknown();
                ctx.asn4 = open.asn4().is_some();
                let several = |family: &Family| open.multiple_labels(*family).is_some();
                ctx.label_stacks = FamilySet::ALL.iter().filter(several).collect();
                if open.has(&Capability::ExtendedMessage) {
                    ctx.max_message = frame::MAX_EXTENDED_LEN;
                }
                [ctx.clone(), ctx]
            }
        };
        self.contexts = contexts.map(|mut ctx| {
            self.said.apply(&mut ctx);
            ctx
        });
    }

    fn unknown(&self) -> SessionContext {
        let mut ctx = self.said.context();
        ctx.asn4 = self.guessed_asn4.unwrap_or(true);
        if self.guessed_internal {
            ctx.peer_kind = PeerKind::Internal;
        }
        if self.lenient {
            ctx.max_message = frame::MAX_EXTENDED_LEN;
            ctx.extended_next_hop = ipv4_families();
        }
        ctx
    }
}

/// What messages of `sender` depend on, as `receiver` reads them.
fn agreed(sender: &Open, receiver: &Open) -> SessionContext {
    let mut ctx = SessionContext::new(receiver.asn(), sender.asn());
    ctx.asn4 = sender.asn4().is_some() && receiver.asn4().is_some();
    ctx.families = sender.family_set().intersection(receiver.family_set());
    // RFC 7911 §4: the sender has said that it sends, the receiver that it receives.
    ctx.add_path_receive = ctx
        .families
        .iter()
        .filter(|family| {
            sender.add_path(*family).is_some_and(|mode| mode.sends())
                && receiver
                    .add_path(*family)
                    .is_some_and(|mode| mode.receives())
        })
        .collect();
    // RFC 8950 §4: the receiver has said that it understands.
    let understands = |family: &Family| receiver.extended_next_hop(*family, AFI_IPV6);
    ctx.extended_next_hop = ctx.families.iter().filter(understands).collect();
    // RFC 8277 §2.1: both have said that they can.
    let several = |family: &Family| {
        sender.multiple_labels(*family).is_some() && receiver.multiple_labels(*family).is_some()
    };
    ctx.label_stacks = FamilySet::ALL.iter().filter(several).collect();
    // RFC 8654 §4: "a speaker that is capable of receiving".
    if receiver.has(&Capability::ExtendedMessage) {
        ctx.max_message = frame::MAX_EXTENDED_LEN;
    }
    ctx
}

/// The value of the first attribute with this code in the body of an UPDATE.
pub(super) fn attribute(body: &[u8], wanted: AttrCode) -> Option<&[u8]> {
    const EXTENDED_LENGTH: u8 = 0x10;
    let (length, rest) = body.split_first_chunk()?;
    let rest = rest.get(usize::from(u16::from_be_bytes(*length))..)?;
    let (length, rest) = rest.split_first_chunk()?;
    let mut block = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    loop {
        let (code, length, rest) = match block {
            [flags, code, high, low, rest @ ..] if flags & EXTENDED_LENGTH != 0 => {
                (*code, u16::from_be_bytes([*high, *low]), rest)
            }
            [_, code, length, rest @ ..] => (*code, u16::from(*length), rest),
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(usize::from(length))?;
        if code == wanted.0 {
            return Some(value);
        }
        block = rest;
    }
}

/// Whether a path has the form of one whose ASes take `width` octets.
fn fits(mut path: &[u8], width: usize) -> bool {
    while let [kind, count, rest @ ..] = path {
        let Some(rest) = rest.get(usize::from(*count) * width..) else {
            return false;
        };
        if !(1..=4).contains(kind) || *count == 0 {
            return false;
        }
        path = rest;
    }
    path.is_empty()
}

#[cfg(test)]
mod tests {
    use bgp_wire::{AddPathMode, HoldTime, RouterId};

    use super::*;

    const SAID: Said = Said {
        asn4: None,
        add_path: FamilySet::EMPTY,
        extended_next_hop: FamilySet::EMPTY,
        multiple_labels: FamilySet::EMPTY,
        extended_message: false,
        ibgp: None,
        other_domain: false,
        accept_as_set: false,
    };

    fn open(asn: u32, capabilities: Vec<Capability>) -> Open {
        Open {
            version: 4,
            my_as: Asn(asn).to_two_octets(),
            hold_time: HoldTime::new(90).unwrap(),
            router_id: RouterId(1),
            capabilities,
        }
    }

    /// RFC 7911 §4, RFC 8950 §4, RFC 8654 §4: each direction has its own.
    #[test]
    fn each_direction_is_what_its_sender_and_receiver_agreed_on() {
        let v4 = Family::IPV4_UNICAST;
        let mut dialogue = Dialogue::new(&SAID, true);
        assert_eq!(dialogue.known(), Known::Nothing);
        dialogue.learn(
            Side::First,
            open(
                65001,
                vec![
                    Capability::Asn4(Asn(65001)),
                    Capability::Multiprotocol(v4),
                    Capability::Multiprotocol(Family::IPV6_UNICAST),
                    Capability::AddPath(vec![(v4, AddPathMode::Send)]),
                    Capability::ExtendedMessage,
                    // RFC 8277 §2.1.
                    Capability::from_value(8, &[0, 1, 4, 3, 0, 2, 4, 3]),
                ],
            ),
        );
        assert_eq!(dialogue.known(), Known::OneOpen);
        dialogue.learn(
            Side::Second,
            open(
                65001,
                vec![
                    Capability::Multiprotocol(v4),
                    Capability::AddPath(vec![(v4, AddPathMode::Both)]),
                    Capability::ExtendedNextHop(vec![(v4, 2)]),
                    Capability::from_value(8, &[0, 1, 4, 9, 0, 2, 4, 1]),
                ],
            ),
        );
        let (first, second) = (
            dialogue.context(Side::First),
            dialogue.context(Side::Second),
        );
        for ctx in [first, second] {
            assert!(!ctx.asn4, "one side has two octets");
            assert_eq!(ctx.peer_kind, PeerKind::Internal);
            assert_eq!(ctx.families, FamilySet::from([v4]));
            assert_eq!(ctx.label_stacks, FamilySet::from([Family::IPV4_LABELED]));
        }
        assert_eq!(first.add_path_receive, FamilySet::from([v4]));
        assert_eq!(second.add_path_receive, FamilySet::EMPTY);
        assert_eq!(first.extended_next_hop, FamilySet::from([v4]));
        assert_eq!(second.extended_next_hop, FamilySet::EMPTY);
        assert_eq!((first.max_message, second.max_message), (4096, 65535));
    }

    #[test]
    fn options_have_the_last_word() {
        let said = Said {
            asn4: Some(false),
            add_path: FamilySet::from([Family::IPV6_UNICAST]),
            ibgp: Some(true),
            ..SAID
        };
        let mut dialogue = Dialogue::new(&said, false);
        let four = || vec![Capability::Asn4(Asn(65001))];
        dialogue.learn(Side::First, open(65001, four()));
        dialogue.learn(Side::Second, open(65002, four()));
        let ctx = dialogue.context(Side::First);
        assert!(!ctx.asn4 && ctx.peer_kind == PeerKind::Internal);
        assert!(ctx.add_path_receive.contains(Family::IPV6_UNICAST));
        assert!(ctx.families.contains(Family::IPV6_UNICAST));
    }

    #[test]
    fn what_is_said_within_an_as_only_shows_that_two_are_of_one() {
        let local_pref = [0, 0, 0, 7, 0x40, 5, 4, 0, 0, 0, 100];
        let cluster_list = [0, 0, 0, 7, 0x80, 10, 4, 10, 0, 0, 1];
        let med = [0, 0, 0, 7, 0x80, 4, 4, 0, 0, 0, 100];
        for (body, internal) in [(local_pref, true), (cluster_list, true), (med, false)] {
            let mut dialogue = Dialogue::new(&SAID, true);
            assert_eq!(dialogue.guess_internal(&body), internal);
            let kind = dialogue.context(Side::Second).peer_kind;
            assert_eq!(kind == PeerKind::Internal, internal);
            assert!(!dialogue.guess_internal(&body), "it is told once");
        }
        // What was negotiated is known better.
        let mut dialogue = Dialogue::new(&SAID, true);
        dialogue.guess_internal(&local_pref);
        dialogue.learn(Side::First, open(65001, vec![]));
        dialogue.learn(Side::Second, open(65002, vec![]));
        assert_eq!(dialogue.context(Side::First).peer_kind, PeerKind::External);
        assert!(!dialogue.guess_internal(&local_pref));
    }

    #[test]
    fn the_size_of_as_numbers_shows_in_the_first_path_that_can_be_one_size_only() {
        let update = |path: &[u8]| {
            let mut body = vec![
                0,
                0,
                0,
                7 + path.len() as u8,
                0x40,
                1,
                1,
                0,
                0x40,
                2,
                path.len() as u8,
            ];
            body.extend(path);
            body
        };
        for (path, four) in [
            (&[2, 1, 0, 0, 0xfd, 0xe9][..], Some(true)),
            (&[2, 2, 0xfd, 0xe9, 0xfd, 0xea], Some(false)),
            (&[2, 1, 0xfd, 0xe9, 1, 1, 0, 7], Some(false)),
            (&[], None),
            (&[2, 3, 0], None),
        ] {
            let mut dialogue = Dialogue::new(&SAID, true);
            assert_eq!(dialogue.guess_asn4(&update(path)), four, "{path:?}");
            assert_eq!(dialogue.context(Side::First).asn4, four.unwrap_or(true));
            // It is told once.
            if four.is_some() {
                assert_eq!(dialogue.guess_asn4(&update(path)), None);
            }
        }
    }
}
