//! PURE: a message to its fields, to what is wrong with it, and to what cosmos would send for it.

use bgp_wire::frame::MAX_EXTENDED_LEN;
use bgp_wire::{
    AttrCode, AttrScratch, CapabilityFault, CapabilityFaults, Decoded, Disposition, Encoding,
    FamilySet, Fields, Finding, Message, MessageError, MessageType, MpUnreach, Open, PeerKind,
    SessionContext, Update, codes, dissect_update, encode_sent, frame, next_frame,
};
use bytes::BytesMut;

use super::negotiated::Known;

/// Something wrong, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is to be done about it.
    pub disposition: Disposition,
    /// The NOTIFICATION's code and subcode, where the protocol has them for it.
    pub code: Option<(u8, u8)>,
    /// The attribute it is in.
    pub attribute: Option<AttrCode>,
    /// The capability it is in.
    pub capability: Option<u8>,
    /// Octets from the start of the message.
    pub offset: usize,
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
    /// Whether something is malformed, and not only of no use.
    pub malformed: bool,
}

/// A message, judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What kind of message it is, in the words of the RFC; `None` if its type is none.
    pub kind: Option<&'static str>,
    /// How long it is by its header; `None` if that says nothing.
    pub length: Option<usize>,
    /// The worst of what is malformed.
    pub error: Option<Fault>,
    /// All that is wrong, in the order of the octets.
    pub findings: Vec<Fault>,
    /// What it says.
    pub fields: Fields,
    /// What cosmos would send for it; nothing if it cannot be understood.
    pub again: Vec<u8>,
}

impl Fault {
    /// `code`: that of the NOTIFICATION which would speak of it, which is of the kind of the message.
    fn of(code: u8, finding: &Finding) -> Self {
        Self {
            disposition: finding.disposition,
            code: Some((code, finding.subcode)),
            attribute: finding.attribute,
            capability: None,
            offset: finding.error.offset,
            field: finding.error.field,
            reason: finding.error.reason.to_string(),
            malformed: finding.is_malformed(),
        }
    }

    /// What is malformed and has no consequences that the protocol has words for.
    pub fn unanswered(offset: usize, field: &'static str, reason: String) -> Self {
        Self {
            disposition: Disposition::None,
            code: None,
            attribute: None,
            capability: None,
            offset,
            field,
            reason,
            malformed: true,
        }
    }

    /// What is wrong with a capability, which is ignored (RFC 5492 §5).
    fn of_capability(fault: &CapabilityFault) -> Self {
        let CapabilityFault { code, error, rfc } = fault;
        let reason = format!("{} ({rfc})", error.reason);
        Self {
            capability: Some(*code),
            ..Self::unanswered(error.offset, error.field, reason)
        }
    }

    /// What ends the session.
    pub fn reset(error: &MessageError) -> Self {
        Self {
            disposition: Disposition::SessionReset,
            code: Some((error.notification.code, error.notification.subcode)),
            attribute: error.attribute,
            capability: None,
            offset: error.error.offset,
            field: error.error.field,
            reason: error.error.reason.to_string(),
            malformed: true,
        }
    }
}

impl Judgement {
    /// Judges a whole message as the receiver of a session does. `again`: also write what cosmos would send.
    ///
    /// Where nothing is known about the session, routes have one label, as RFC 8277 §2.2 reads what was
    /// not negotiated; a message that can only be read with several labels is read so.
    pub fn of_message(
        octets: &[u8],
        ctx: &SessionContext,
        known: Known,
        scratch: &mut AttrScratch,
        again: bool,
    ) -> Self {
        let judgement = Self::of_known(octets, ctx, scratch, again);
        if known != Known::Nothing || !judgement.has_unreadable_routes() {
            return judgement;
        }
        let stacks = SessionContext {
            label_stacks: FamilySet::ALL,
            ..ctx.clone()
        };
        let other = Self::of_known(octets, &stacks, scratch, again);
        if other.has_unreadable_routes() {
            judgement
        } else {
            other
        }
    }

    /// Whether the routes of MP_REACH_NLRI are what ends the session.
    fn has_unreadable_routes(&self) -> bool {
        self.error.as_ref().is_some_and(|error| {
            error.disposition == Disposition::SessionReset
                && error.attribute == Some(AttrCode::MP_REACH_NLRI)
        })
    }

    fn of_known(
        octets: &[u8],
        ctx: &SessionContext,
        scratch: &mut AttrScratch,
        again: bool,
    ) -> Self {
        let frame = match next_frame(octets, ctx.max_message.min(MAX_EXTENDED_LEN)) {
            Ok(Some((frame, _))) => frame,
            Ok(None) => return Self::of_cut(octets),
            Err(error) => return Self::of_header(octets, &error),
        };
        let mut judgement = Self {
            kind: Some(name(frame.kind)),
            length: Some(frame.bytes.len()),
            ..Self::default()
        };
        match Message::decode(frame, ctx, scratch) {
            Ok(message) => {
                judgement.fields = message.describe();
                if let Message::Update(decoded) = &message {
                    judgement.findings = decoded
                        .findings
                        .iter()
                        .map(|finding| Fault::of(codes::UPDATE, finding))
                        .collect();
                    judgement.error = worst(&judgement.findings);
                }
                // RFC 4271 §6.4: it is noticed, and not answered.
                if let Message::Notification(notification) = &message {
                    judgement.error = notification.fault().map(|error| {
                        Fault::unanswered(error.offset, error.field, error.reason.to_string())
                    });
                    judgement.findings.extend(judgement.error.clone());
                }
                if again {
                    judgement.again = write_again(&message, ctx);
                }
            }
            Err(error) => {
                let fault = Fault::reset(&error);
                judgement.findings = if error.findings.is_empty() {
                    vec![fault.clone()]
                } else {
                    let code = error.notification.code;
                    let findings = error.findings.iter();
                    findings.map(|finding| Fault::of(code, finding)).collect()
                };
                judgement.error = Some(fault);
                if frame.kind == MessageType::Open {
                    judgement.fields = Open::dissect(frame.body);
                }
            }
        }
        if frame.kind == MessageType::Open {
            judgement.add_capabilities(&Open::capability_faults(frame.body));
            // RFC 9234 §4.2 speaks of sessions with other ASes.
            if ctx.peer_kind == PeerKind::External {
                judgement.add_role(frame.body);
            }
        }
        // Fields that were refused are not among the decoded ones.
        let malformed = judgement.error.is_some();
        match frame.kind {
            MessageType::Update if malformed => {
                let received = dissect_update(frame.body);
                judgement
                    .fields
                    .fields("as_received", |fields| *fields = received);
            }
            _ if malformed => judgement.fields.octets("as_received", frame.body),
            _ => {}
        }
        judgement
    }

    /// Adds what is wrong with what is around the message.
    pub fn add_first(&mut self, faults: &[Fault]) {
        self.findings.splice(0..0, faults.iter().cloned());
        if self.error.is_none() {
            self.error = worst(&self.findings);
        }
    }

    /// Adds what is wrong with the capabilities of an OPEN.
    fn add_capabilities(&mut self, faults: &CapabilityFaults) {
        self.findings
            .extend(faults.told.iter().map(Fault::of_capability));
        if let (Some(last), more @ 1..) = (faults.told.last(), faults.more) {
            let reason = format!("{more} more are wrong");
            let more = Fault::unanswered(last.error.offset, "Capabilities", reason);
            self.findings.push(more);
        }
        self.findings.sort_by_key(|fault| fault.offset);
        if self.error.is_none() {
            self.error = worst(&self.findings);
        }
    }

    /// Adds that the roles of an OPEN contradict each other, which ends the session. It is asked when
    /// nothing else has ended it.
    fn add_role(&mut self, body: &[u8]) {
        let Some(fault) = Open::role_fault(body) else {
            return;
        };
        let fault = Fault {
            disposition: Disposition::SessionReset,
            code: Some((codes::OPEN, codes::open::ROLE_MISMATCH)),
            ..Fault::of_capability(&fault)
        };
        self.findings.push(fault);
        self.findings.sort_by_key(|fault| fault.offset);
        let ended = |error: &Fault| error.disposition == Disposition::SessionReset;
        if !self.error.as_ref().is_some_and(ended) {
            self.error = worst(&self.findings);
            self.again.clear();
        }
    }

    /// A header that is wrong.
    pub fn of_header(octets: &[u8], error: &MessageError) -> Self {
        let length = octets
            .get(16..18)
            .and_then(|length| length.first_chunk())
            .map(|length| usize::from(u16::from_be_bytes(*length)));
        let kind = octets.get(18).copied();
        // A marker that is no marker stands in front of anything.
        let header = octets.get(..16).is_some_and(|marker| {
            marker.iter().filter(|octet| **octet == 0xff).count() > marker.len() / 2
        });
        let mut fields = Fields::new();
        fields.octets("as_received", octets);
        let fault = Fault::reset(error);
        Self {
            kind: kind
                .filter(|_| header)
                .and_then(MessageType::from_u8)
                .map(name),
            length: length.filter(|_| header),
            error: Some(fault.clone()),
            findings: vec![fault],
            fields,
            again: Vec::new(),
        }
    }

    /// A message of which the end is not there.
    pub fn of_cut(octets: &[u8]) -> Self {
        let length = match octets.get(16..18) {
            Some([high, low]) => Some(usize::from(u16::from_be_bytes([*high, *low]))),
            _ => None,
        };
        let reason = match (length, octets.len()) {
            (Some(length), have) => format!("the input ends after {have} of {length} octets"),
            (None, 1) => "the input ends after 1 octet, within the header".to_owned(),
            (None, have) => format!("the input ends after {have} octets, within the header"),
        };
        let fault = Fault::unanswered(octets.len(), "message", reason);
        let mut fields = Fields::new();
        match octets.get(frame::HEADER_LEN..) {
            Some(body) if octets.get(18) == Some(&MessageType::Update.code()) => {
                let received = dissect_update(body);
                fields.fields("as_received", |fields| *fields = received);
            }
            Some(body) if octets.get(18) == Some(&MessageType::Open.code()) => {
                fields = Open::dissect(body);
                fields.octets("as_received", octets);
            }
            _ => fields.octets("as_received", octets),
        }
        Self {
            kind: octets
                .get(18)
                .and_then(|kind| MessageType::from_u8(*kind))
                .map(name),
            length,
            error: Some(fault.clone()),
            findings: vec![fault],
            fields,
            again: Vec::new(),
        }
    }
}

fn name(kind: MessageType) -> &'static str {
    match kind {
        MessageType::Open => "OPEN",
        MessageType::Update => "UPDATE",
        MessageType::Notification => "NOTIFICATION",
        MessageType::Keepalive => "KEEPALIVE",
        MessageType::RouteRefresh => "ROUTE-REFRESH",
    }
}

/// The first of the severest of what is malformed.
fn worst(findings: &[Fault]) -> Option<Fault> {
    let malformed = || findings.iter().filter(|fault| fault.malformed);
    let severest = malformed().map(|fault| fault.disposition).max()?;
    malformed()
        .find(|fault| fault.disposition == severest)
        .cloned()
}

/// The octets that cosmos would send. What is treated as withdrawn is withdrawn.
fn write_again(message: &Message<'_>, ctx: &SessionContext) -> Vec<u8> {
    let enc = Encoding {
        asn4: ctx.asn4,
        max_message: ctx.max_message,
        ..Encoding::default()
    };
    let mut out = BytesMut::new();
    // One that says nothing is not written; what was read within this length fits into it.
    match message {
        Message::Update(decoded) if decoded.disposition >= Disposition::TreatAsWithdraw => {
            for update in withdrawals(decoded) {
                let _ = encode_sent(&mut out, &update, &enc);
            }
        }
        Message::Update(decoded) => {
            let _ = encode_sent(&mut out, &decoded.update, &enc);
        }
        message => {
            let _ = message.encode(&mut out, &enc);
        }
    }
    out.to_vec()
}

fn withdrawals<'a>(decoded: &Decoded<'a>) -> [Update<'a>; 2] {
    let said = &decoded.update;
    let mut own = Update::empty();
    own.withdrawn = said.withdrawn;
    own.unreach = said.unreach;
    let mut instead = Update::empty();
    instead.withdrawn = said.announced;
    instead.unreach = said.reach.as_ref().map(|reach| MpUnreach {
        family: reach.family,
        nlri: reach.nlri,
    });
    [own, instead]
}
